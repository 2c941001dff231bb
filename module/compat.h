/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernel versions, and nothing else. Written for
 * 6.12; older kernels get the newer names.
 */
#ifndef _TOYTCP_COMPAT_H
#define _TOYTCP_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/shrinker.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/tcp.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/inet_sock.h>
#include <net/inet_timewait_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>

/*
 * A local that is filled before it is used, as far as it is used. Kernels that
 * have the compiler clear every local (INIT_STACK_ALL_ZERO) are to leave this
 * one out, on a path where the clearing is a part of the cost.
 */
#if __has_attribute(__uninitialized__)
#define COMPAT_UNINITIALIZED	__attribute__((__uninitialized__))
#else
#define COMPAT_UNINITIALIZED
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete(timer)		del_timer(timer)
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

/* who is asked for memory when it is short; NULL without memory */
static inline struct shrinker *
compat_shrinker_add(const char *name,
		    unsigned long (*count)(struct shrinker *, struct shrink_control *),
		    unsigned long (*scan)(struct shrinker *, struct shrink_control *))
{
	struct shrinker *s;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	s = kzalloc(sizeof(*s), GFP_KERNEL);
#else
	s = shrinker_alloc(0, "%s", name);
#endif
	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	if (register_shrinker(s, "%s", name)) {
		kfree(s);
		return NULL;
	}
#else
	shrinker_register(s);
#endif
	return s;
}

static inline void compat_shrinker_remove(struct shrinker *s)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	unregister_shrinker(s);
	kfree(s);
#else
	shrinker_free(s);
#endif
}

/* what an skb->tstamp on its way out is; 6.1: a bool that says the same */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define COMPAT_CLOCK_MONOTONIC		true
#else
#define COMPAT_CLOCK_MONOTONIC		SKB_CLOCK_MONOTONIC
#endif

/*
 * sendfile() and splice(): since 6.5 many pages with sendmsg(), before that one
 * after the other with sendpage()
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define COMPAT_MSG_SPLICE_PAGES		0
#define COMPAT_MSG_SENDPAGE_NOTLAST	MSG_SENDPAGE_NOTLAST
#define COMPAT_SPLICE_OPS(page, eof)	.sendpage = (page),

/* into the last fragment, or one of its own; the iterator has one page, or a part of it */
static inline int compat_splice_from_iter(struct sk_buff *skb, struct iov_iter *iter,
					  size_t len, gfp_t gfp)
{
	const struct bio_vec *bv = iter->bvec;
	unsigned int offset = bv->bv_offset + iter->iov_offset;
	int i = skb_shinfo(skb)->nr_frags;

	if (skb_can_coalesce(skb, i, bv->bv_page, offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], len);
	} else if (i < MAX_SKB_FRAGS) {
		get_page(bv->bv_page);
		skb_fill_page_desc(skb, i, bv->bv_page, offset, len);
	} else {
		return -EMSGSIZE;
	}
	skb_len_add(skb, len);
	iov_iter_advance(iter, len);
	return len;
}
#else
#define COMPAT_MSG_SPLICE_PAGES		MSG_SPLICE_PAGES
#define COMPAT_MSG_SENDPAGE_NOTLAST	0
#define COMPAT_SPLICE_OPS(page, eof)	.splice_eof = (eof),
#define compat_splice_from_iter		skb_splice_from_iter
#endif

/* the default of net.ipv4.tcp_syn_linear_timeouts, which came with 6.5 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define COMPAT_SYN_LINEAR_TIMEOUTS	0
#else
#define COMPAT_SYN_LINEAR_TIMEOUTS	4
#endif

/* came with 6.15 */
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS		44
#endif

/* of struct tcp_info, what came with 6.2 and 6.7 */
struct compat_tcp_info {
	u32 rcv_wnd;
	u32 rehash;
	u16 total_rto;
	u16 total_rto_recoveries;
	u32 total_rto_time;
};

static inline void compat_tcp_info(struct tcp_info *info,
				   const struct compat_tcp_info *more)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	info->tcpi_rcv_wnd = more->rcv_wnd;
	info->tcpi_rehash = more->rehash;
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	info->tcpi_total_rto = more->total_rto;
	info->tcpi_total_rto_recoveries = more->total_rto_recoveries;
	info->tcpi_total_rto_time = more->total_rto_time;
#endif
}

/* flags of an inet_sock became bits of one word */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define compat_inet_recverr(sk)		(inet_sk(sk)->recverr)
#define compat_inet_cmsg_flags(sk)	(inet_sk(sk)->cmsg_flags)
#else
#define compat_inet_recverr(sk)		inet_test_bit(RECVERR, sk)
#define compat_inet_cmsg_flags(sk)	inet_cmsg_flags(inet_sk(sk))
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#include <net/proto_memory.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
typedef struct ctl_table compat_ctl_table;
#else
typedef const struct ctl_table compat_ctl_table;
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static inline struct ctl_table_header *
compat_register_net_sysctl(struct net *net, const char *path,
			   struct ctl_table *table, size_t n)
{
	/* ends at the first empty entry; the caller leaves room for it */
	return register_net_sysctl(net, path, table);
}
#else
#define compat_register_net_sysctl register_net_sysctl_sz
#endif

/* a buffer that weighs more than its bytes lets go of what it does not need */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
static inline void compat_skb_condense(struct sk_buff *skb) {} /* not for modules */
#else
#define compat_skb_condense skb_condense
#endif

/*
 * How large a buffer of IPv4 a device takes; more than 64 KB (BIG TCP) since IP
 * knows how to say so. Pairs with netif_set_gso_ipv4_max_size().
 */
static inline u32 compat_gso_max_size(const struct net_device *dev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return min_t(u32, READ_ONCE(dev->gso_max_size), GSO_LEGACY_MAX_SIZE);
#else
	return READ_ONCE(dev->gso_ipv4_max_size);
#endif
}

/* IP_BIND_ADDRESS_NO_PORT */
static inline bool compat_bind_no_port(const struct sock *sk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return inet_sk(sk)->bind_address_no_port;
#else
	return inet_test_bit(BIND_ADDRESS_NO_PORT, sk);
#endif
}

/* IP_LOCAL_PORT_RANGE, last << 16 | first; 0: none, or not in this kernel */
static inline u32 compat_local_port_range(const struct sock *sk)
{
#ifndef IP_LOCAL_PORT_RANGE
	return 0;
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	return inet_sk(sk)->local_port_range.hi << 16 |
	       inet_sk(sk)->local_port_range.lo;
#else
	return READ_ONCE(inet_sk(sk)->local_port_range);
#endif
}

/* proto_ops.accept: what follows the two sockets */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define COMPAT_ACCEPT(name, fn)						\
static int name(struct socket *sock, struct socket *newsock, int flags,	\
		bool kern)						\
{									\
	return fn(sock, newsock, flags);				\
}
#else
#define COMPAT_ACCEPT(name, fn)						\
static int name(struct socket *sock, struct socket *newsock,		\
		struct proto_accept_arg *arg)				\
{									\
	return fn(sock, newsock, arg->flags);				\
}
#endif

/* SO_TIMESTAMPING: from which byte on it counts */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define COMPAT_OPT_ID_TCP	0
#else
#define COMPAT_OPT_ID_TCP	SOF_TIMESTAMPING_OPT_ID_TCP
#endif

/*
 * May what is sent be stamped? Statistics of a struct tcp_sock that a program
 * asks for with the stamp (SOF_TIMESTAMPING_OPT_STATS) must not be told from
 * what is none. Before 6.7 nobody could refuse that to a socket of AF_INET6.
 */
static inline bool compat_may_stamp(const struct sock *sk)
{
#ifdef SOCK_CUSTOM_SOCKOPT
	return true;
#else
	return !sk_is_tcp(sk);
#endif
}

/* before 6.7 the core keeps SOL_SOCKET to itself: no SO_REUSEPORT, no SO_ZEROCOPY there */
static inline void compat_custom_sockopt(struct socket *sock)
{
#ifdef SOCK_CUSTOM_SOCKOPT
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
#endif
}

/*
 * The kernel's table of ports: who has one is in a list of its second bucket, whose lock is
 * held. Before 6.8 also in one of the first bucket, and in the second one's time-waits have a
 * list of their own.
 */
static inline void compat_bind_add_timewait(struct inet_timewait_sock *tw)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	hlist_add_head(&tw->tw_bind_node, &tw->tw_tb->owners);
	hlist_add_head(&tw->tw_bind2_node, &tw->tw_tb2->deathrow);
#else
	hlist_add_head(&tw->tw_bind_node, &tw->tw_tb2->owners);
#endif
}

static inline void compat_bind_del_timewait(struct inet_timewait_sock *tw)
{
	hlist_del(&tw->tw_bind_node);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	hlist_del(&tw->tw_bind2_node);
#endif
}

static inline void compat_bind_add_sk(struct sock *sk)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	sk_add_bind_node(sk, &inet_csk(sk)->icsk_bind_hash->owners);
	sk_add_bind2_node(sk, &inet_csk(sk)->icsk_bind2_hash->owners);
#else
	sk_add_bind_node(sk, &inet_csk(sk)->icsk_bind2_hash->owners);
#endif
}

static inline void compat_bind_del_sk(struct sock *sk)
{
	__sk_del_bind_node(sk);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	__sk_del_bind2_node(sk);
#endif
}

#endif /* _TOYTCP_COMPAT_H */
