// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options of the levels IPPROTO_TCP and IPPROTO_IP, and what the core
 * does of SOL_SOCKET for AF_INET only.
 *
 * Upper edge (layer 2). Locks: each call takes the socket lock. Numbers,
 * structs and errors are those of the kernel's TCP; SOL_SOCKET is the core's.
 */
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/net_tstamp.h>
#include <linux/netfilter_ipv4.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "af_toytcp.h"
#include "compat.h"
#include "cong_net.h"
#include "listen.h"
#include "mapped.h"
#include "sock.h"
#include "toytcp.h"

/*
 * Options of IPPROTO_IP, which the core stores and answers for. Not these:
 * IP_OPTIONS (source routes are refused or stripped nearly everywhere, and
 * each segment would have to make room for them), IPsec policies of one socket,
 * multicast, and what came later than the first kernel this was written for.
 */
static bool ip_option_known(int optname)
{
	switch (optname) {
	case IP_OPTIONS:
	case IP_IPSEC_POLICY:
	case IP_XFRM_POLICY:
	case IP_MULTICAST_IF ... IP_MULTICAST_ALL:
		return false;
#ifdef IP_LOCAL_PORT_RANGE
	case IP_LOCAL_PORT_RANGE:
		return true;
#endif
	}
	return optname >= 0 && optname <= IP_UNICAST_IF;
}

/* the core lets AF_INET alone share ports, and send without a copy */
static int set_reuseport(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	int val;

	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	lock_sock(sk);
	sk->sk_reuseport = !!val;
	release_sock(sk);
	return 0;
}

static int set_zerocopy(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	int val;

	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (val < 0 || val > 1)
		return -EINVAL;
	lock_sock(sk);
	sock_valbool_flag(sk, SOCK_ZEROCOPY, val);
	release_sock(sk);
	return 0;
}

/*
 * SO_TIMESTAMPING: the core does not know where our sequence numbers are, nor
 * what its statistics of a segment would be.
 */
static int set_timestamping(struct socket *sock, int optname, sockptr_t optval,
			    unsigned int optlen)
{
	const u32 stats = SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_OPT_TSONLY;
	struct sock *sk = sock->sk;
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct so_timestamping val = {};
	bool begins;
	int err;

	if (optlen < sizeof(int))
		return -EINVAL;
	/* once: what is checked is what is set */
	if (copy_from_sockptr(&val, optval, optlen == sizeof(val) ? sizeof(val) :
								    sizeof(int)))
		return -EFAULT;
	if (val.flags & ~SOF_TIMESTAMPING_MASK)
		return -EINVAL;
	if ((val.flags & stats) == stats)
		return -EOPNOTSUPP;
	begins = val.flags & SOF_TIMESTAMPING_OPT_ID &&
		 !(READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID);
	if (begins && BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return -EINVAL;
	err = sock_setsockopt(sock, SOL_SOCKET, optname, KERNEL_SOCKPTR(&val),
			      sizeof(val));
	if (err || !begins)
		return err;
	/* the core has begun to count from 0 */
	lock_sock(sk);
	toytcp_stamp_base(sk, val.flags & COMPAT_OPT_ID_TCP ? ts->write_seq :
							      ts->snd_una);
	release_sock(sk);
	return 0;
}

static int set_socket_option(struct socket *sock, int optname, sockptr_t optval,
			     unsigned int optlen)
{
	switch (optname) {
	case SO_REUSEPORT:
		return set_reuseport(sock->sk, optval, optlen);
	case SO_ZEROCOPY:
		return set_zerocopy(sock->sk, optval, optlen);
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMPING_NEW:
		return set_timestamping(sock, optname, optval, optlen);
	case SO_ATTACH_REUSEPORT_CBPF:
	case SO_ATTACH_REUSEPORT_EBPF:
		/* the core asks its own tables whether the socket is in use */
		if (sock->sk->sk_state != TCP_CLOSE &&
		    !rcu_access_pointer(sock->sk->sk_reuseport_cb))
			return -EINVAL;
		break;
	}
	return sock_setsockopt(sock, SOL_SOCKET, optname, optval, optlen);
}

static int set_save_syn(struct toytcp_sock *ts, int val)
{
	if (val < 0 || val > 2)
		return -EINVAL;
	ts->save_syn = val;
	return 0;
}

/* TCP_SAVED_SYN: once, and whole; -EINVAL tells how much room it wants */
static int get_saved_syn(struct sock *sk, char __user *optval,
			 int __user *optlen, int room)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_saved_syn *syn;
	int err = 0, len;

	lock_sock(sk);
	syn = ts->saved_syn;
	len = syn ? syn->len : 0;
	if (put_user(len, optlen))
		err = -EFAULT;
	else if (room < len)
		err = -EINVAL;
	else if (syn && copy_to_user(optval, syn->data, len))
		err = -EFAULT;
	if (syn && !err) {
		kfree(syn);
		ts->saved_syn = NULL;
	}
	release_sock(sk);
	return err;
}

/* the SYN-ACK's timeouts: 1, 2, 4 s and so on, at most 120 s */
static int next_timeout(int secs)
{
	return min(2 * secs, (int)(TOYTCP_RTO_MAX_US / USEC_PER_SEC));
}

/* TCP_DEFER_ACCEPT: seconds, kept as the timeouts that they last, as Linux */
static u8 defer_from_secs(int secs)
{
	int timeout = TOYTCP_RTO_INIT_US / USEC_PER_SEC, sum = timeout, n = 1;

	if (secs <= 0)
		return 0;
	while (sum < secs && n < 255) {
		timeout = next_timeout(timeout);
		sum += timeout;
		n++;
	}
	return n;
}

static int defer_to_secs(u8 n)
{
	int timeout = TOYTCP_RTO_INIT_US / USEC_PER_SEC, sum = 0;

	for (; n; n--) {
		sum += timeout;
		timeout = next_timeout(timeout);
	}
	return sum;
}

static int set_maxseg(struct toytcp_sock *ts, int val)
{
	/* Linux's limits; 0 gives the choice back */
	if (val && (val < TCP_MIN_MSS || val > MAX_TCP_WINDOW))
		return -EINVAL;
	ts->user_mss = val;
	return 0;
}

static int set_congestion(struct sock *sk, sockptr_t optval,
			  unsigned int optlen)
{
	char name[TOYTCP_CONG_NAME_MAX];
	long n;

	if (optlen < 1)
		return -EINVAL;
	n = strncpy_from_sockptr(name, optval,
				 min_t(long, sizeof(name) - 1, optlen));
	if (n < 0)
		return -EFAULT;
	name[n] = 0;
	lock_sock(sk);
	n = toytcp_cong_net_select(sk, name);
	release_sock(sk);
	return n;
}

/* Linux's TCP_CORK: what is complete goes when the cork is pulled */
static void set_cork(struct sock *sk, bool on)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->cork = on;
	if (!on)
		toytcp_output_push(sk, ts->nodelay ? TOYTCP_PUSH_NOW :
						     TOYTCP_PUSH_NAGLE);
}

/*
 * Linux's TCP_QUICKACK: 0 says that data will carry the ACKs; 1 acknowledges
 * at once, beginning with what is due now, until the next dialogue; 2 just
 * what is due now.
 */
static void set_quickack(struct sock *sk, int val)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->interactive = !val;
	ts->quickack_wanted = val & 1;
	if (!val)
		return;
	if ((BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) &&
	    ts->ack_pending) {
		toytcp_output_ack(sk);
		ts->interactive = !(val & 1);
	}
}

/* RFC 9293 3.8.6: the program's bound on the window it offers, as Linux */
static int set_window_clamp(struct sock *sk, int val)
{
	if (!val && sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	toytcp_sk(sk)->window_clamp =
		val ? max_t(u32, val, SOCK_MIN_RCVBUF / 2) : 0;
	return 0;
}

/* TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT: Linux's limits */
static int set_keepalive(struct sock *sk, int optname, int val)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (val < 1 || val > (optname == TCP_KEEPCNT ? MAX_TCP_KEEPCNT :
			      optname == TCP_KEEPIDLE ? MAX_TCP_KEEPIDLE :
							MAX_TCP_KEEPINTVL))
		return -EINVAL;
	switch (optname) {
	case TCP_KEEPIDLE:
		ts->keep_idle_s = val;
		toytcp_timers_idle_changed(sk);
		break;
	case TCP_KEEPINTVL:
		ts->keep_intvl_s = val;
		break;
	default:
		ts->keep_probes = val;
	}
	return 0;
}

/* RFC 9293 3.8.3, 3.9.1.8 (MAY-9): milliseconds; 0 gives the choice back */
static int set_user_timeout(struct toytcp_sock *ts, int val)
{
	if (val < 0)
		return -EINVAL;
	WRITE_ONCE(ts->user_timeout_ms, val);
	ts->uto_pending = true;
	return 0;
}

/* the longest timeout from now on, milliseconds; Linux's limits */
static int set_rto_max(struct toytcp_sock *ts, int val)
{
	if (val < MSEC_PER_SEC || val > (int)TOYTCP_RTO_MAX_MS)
		return -EINVAL;
	WRITE_ONCE(ts->rtt.rto_max_us, val * USEC_PER_MSEC);
	return 0;
}

/* TCP_FASTOPEN: children that a listener may have before their handshake is through */
static int set_fastopen(struct sock *sk, int val)
{
	u32 max = READ_ONCE(sock_net(sk)->core.sysctl_somaxconn);
	struct toytcp_listener *l;

	if (val < 0 || !(BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return -EINVAL;
	l = toytcp_listen_get(sk);
	if (!l)
		return -ENOMEM;
	WRITE_ONCE(l->fastopen.max, min_t(u32, val, max));
	return 0;
}

static int set_fastopen_connect(struct sock *sk, int val)
{
	if (val < 0 || val > 1)
		return -EINVAL;
	if (!(READ_ONCE(toytcp_net(sock_net(sk))->sysctl.fastopen) &
	      TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	toytcp_sk(sk)->fastopen_connect = val;
	return 0;
}

static int set_fastopen_no_cookie(struct sock *sk, int val)
{
	if (val < 0 || val > 1 ||
	    !(BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return -EINVAL;
	toytcp_sk(sk)->fastopen_no_cookie = val;
	return 0;
}

/* TCP_FASTOPEN_KEY: a listener's own, one or two */
static int set_fastopen_key(struct sock *sk, sockptr_t optval,
			    unsigned int optlen)
{
	u8 bytes[TOYTCP_FASTOPEN_KEYS * TOYTCP_FASTOPEN_KEY];
	struct toytcp_fastopen_keys *keys;
	struct toytcp_listener *l;

	if (optlen != TOYTCP_FASTOPEN_KEY && optlen != sizeof(bytes))
		return -EINVAL;
	if (copy_from_sockptr(bytes, optval, optlen))
		return -EFAULT;
	lock_sock(sk);
	l = toytcp_listen_get(sk);
	release_sock(sk);
	keys = l ? toytcp_fastopen_keys_alloc(bytes, optlen / TOYTCP_FASTOPEN_KEY) : NULL;
	if (!keys)
		return -ENOMEM;
	keys = unrcu_pointer(xchg(&l->fastopen.keys, RCU_INITIALIZER(keys)));
	kfree_rcu(keys, rcu);
	return 0;
}

static int get_fastopen_key(struct sock *sk, char __user *optval,
			    int __user *optlen, int room)
{
	u8 bytes[TOYTCP_FASTOPEN_KEYS * TOYTCP_FASTOPEN_KEY];
	const struct toytcp_listener *l = READ_ONCE(toytcp_sk(sk)->listener);
	const struct toytcp_fastopen_keys *keys;
	unsigned int len;

	rcu_read_lock();
	keys = l ? rcu_dereference(l->fastopen.keys) : NULL;
	len = keys ? toytcp_fastopen_keys_bytes(keys, bytes) : 0;
	rcu_read_unlock();
	/* as unsigned, as with Linux */
	len = min_t(unsigned int, room, len);
	if (put_user(len, optlen) || copy_to_user(optval, bytes, len))
		return -EFAULT;
	return 0;
}

/*
 * TCP_REPAIR is not there: its options answer as they do to a program without
 * the privilege, or that did not turn it on.
 */
static int set_repair(const struct sock *sk, int optname)
{
	switch (optname) {
	case TCP_REPAIR_OPTIONS:
		return -EINVAL;
	case TCP_QUEUE_SEQ:
		return sk->sk_state == TCP_CLOSE ? -EINVAL : -EPERM;
	default:
		return -EPERM;
	}
}

static int set_tcp_option(struct sock *sk, int optname, sockptr_t optval,
			  unsigned int optlen)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int val, err = 0;

	if (optname == TCP_CONGESTION)
		return set_congestion(sk, optval, optlen);
	if (optname == TCP_FASTOPEN_KEY)
		return set_fastopen_key(sk, optval, optlen);
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;

	lock_sock(sk);
	switch (optname) {
	case TCP_NODELAY:
		ts->nodelay = !!val;
		if (val)
			toytcp_output_push(sk, TOYTCP_PUSH_NOW);
		break;
	case TCP_CORK:
		set_cork(sk, val);
		break;
	case TCP_QUICKACK:
		set_quickack(sk, val);
		break;
	case TCP_WINDOW_CLAMP:
		err = set_window_clamp(sk, val);
		break;
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL:
	case TCP_KEEPCNT:
		err = set_keepalive(sk, optname, val);
		break;
	case TCP_USER_TIMEOUT:
		err = set_user_timeout(ts, val);
		break;
	case TCP_RTO_MAX_MS:
		err = set_rto_max(ts, val);
		break;
	case TCP_MAXSEG:
		err = set_maxseg(ts, val);
		break;
	case TCP_SYNCNT:
		if (val < 1 || val > MAX_TCP_SYNCNT)
			err = -EINVAL;
		else
			ts->syn_retries = val;
		break;
	case TCP_DEFER_ACCEPT:
		ts->defer_accept = defer_from_secs(val);
		break;
	case TCP_NOTSENT_LOWAT:
		WRITE_ONCE(ts->notsent_lowat, val);
		toytcp_sock_write_space(sk);
		break;
	case TCP_INQ:
		if (val < 0 || val > 1)
			err = -EINVAL;
		else
			WRITE_ONCE(ts->inq, val);
		break;
	case TCP_FASTOPEN:
		err = set_fastopen(sk, val);
		break;
	case TCP_FASTOPEN_CONNECT:
		err = set_fastopen_connect(sk, val);
		break;
	case TCP_FASTOPEN_NO_COOKIE:
		err = set_fastopen_no_cookie(sk, val);
		break;
	case TCP_REPAIR:
	case TCP_REPAIR_QUEUE:
	case TCP_REPAIR_OPTIONS:
	case TCP_REPAIR_WINDOW:
	case TCP_QUEUE_SEQ:
	case TCP_TIMESTAMP:
		err = set_repair(sk, optname);
		break;
	case TCP_SAVE_SYN:
		err = set_save_syn(ts, val);
		break;
	case TCP_LINGER2:
		if (val < 0)
			ts->linger2 = -1;
		else if (val > TCP_FIN_TIMEOUT_MAX / HZ)
			ts->linger2 = TCP_FIN_TIMEOUT_MAX / HZ;
		else
			ts->linger2 = val;
		break;
	default:
		err = -ENOPROTOOPT;
	}
	release_sock(sk);
	return err;
}

/* SOL_TOYTCP: what no other family has */
static int set_own_option(struct sock *sk, int optname, sockptr_t optval,
			  unsigned int optlen)
{
	int val, err;

	if (optname != TOYTCP_V4_MAPPED)
		return -ENOPROTOOPT;
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	lock_sock(sk);
	err = toytcp_mapped_set(sk, val);
	release_sock(sk);
	return err;
}

/**
 * toytcp_setsockopt() - proto_ops.setsockopt
 * @sock: the socket
 * @level: IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET or SOL_TOYTCP
 * @optname: the option
 * @optval: its value
 * @optlen: bytes
 *
 * Context: process.
 * Return: 0 or negative errno; -ENOPROTOOPT for what is not known.
 */
int toytcp_setsockopt(struct socket *sock, int level, int optname,
		      sockptr_t optval, unsigned int optlen)
{
	struct sock *sk = sock->sk;

	if (level == SOL_SOCKET)
		return set_socket_option(sock, optname, optval, optlen);
	if (level == IPPROTO_TCP)
		return set_tcp_option(sk, optname, optval, optlen);
	if (level == IPPROTO_IP && ip_option_known(optname))
		return ip_setsockopt(sk, level, optname, optval, optlen);
	if (level == IPPROTO_IPV6 && toytcp_mapped(sk))
		return toytcp_mapped_setsockopt(sk, optname, optval, optlen);
	if (level == SOL_TOYTCP)
		return set_own_option(sk, optname, optval, optlen);
	return -ENOPROTOOPT;
}

/* copy an answer out, cut to the room the program has */
static int put_answer(const void *answer, int size, char __user *optval,
		      int __user *optlen, int len)
{
	len = min(len, size);
	if (put_user(len, optlen) || copy_to_user(optval, answer, len))
		return -EFAULT;
	return 0;
}

/* TCP_CC_INFO: what the algorithm tells of itself; nothing, if it does not */
static int get_cong_info(struct sock *sk, char __user *optval,
			 int __user *optlen, int len)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_cong_asked asked = {};
	union tcp_cc_info info = {};
	struct toytcp_cong cong;
	size_t size = 0;

	lock_sock(sk);
	cong = (struct toytcp_cong){ .ops = ts->cong.ops };
	/* as Linux: before the handshake is through it has not begun */
	if (ts->delivered) {
		cong = ts->cong;
		asked.mss = ts->mss;
		asked.min_rtt_us = ts->rtt.min_us;
		asked.ce = ts->ecn_ce;
	}
	if (cong.ops->info)
		size = cong.ops->info(&cong, &asked, &info);
	release_sock(sk);
	return put_answer(&info, size, optval, optlen, len);
}

static int get_tcp_option(struct sock *sk, int optname, char __user *optval,
			  int __user *optlen)
{
	const struct toytcp_sysctl *ctl = &toytcp_net(sock_net(sk))->sysctl;
	const struct toytcp_sock *ts = toytcp_sk(sk);
	char name[TOYTCP_CONG_NAME_MAX] = {};
	const struct toytcp_listener *l;
	struct tcp_info info;
	int val, len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;

	switch (optname) {
	case TCP_FASTOPEN:
		l = READ_ONCE(ts->listener);
		val = l ? READ_ONCE(l->fastopen.max) : 0;
		break;
	case TCP_FASTOPEN_CONNECT:
		val = ts->fastopen_connect;
		break;
	case TCP_FASTOPEN_NO_COOKIE:
		val = ts->fastopen_no_cookie;
		break;
	case TCP_FASTOPEN_KEY:
		return get_fastopen_key(sk, optval, optlen, len);
	case TCP_NODELAY:
		val = ts->nodelay;
		break;
	case TCP_CORK:
		val = ts->cork;
		break;
	case TCP_QUICKACK:
		val = !ts->interactive;
		break;
	case TCP_WINDOW_CLAMP:
		val = ts->window_clamp;
		break;
	case TCP_KEEPIDLE:
		val = ts->keep_idle_s ?: READ_ONCE(ctl->keepalive_time);
		break;
	case TCP_KEEPINTVL:
		val = ts->keep_intvl_s ?: READ_ONCE(ctl->keepalive_intvl);
		break;
	case TCP_KEEPCNT:
		val = ts->keep_probes ?: READ_ONCE(ctl->keepalive_probes);
		break;
	case TCP_USER_TIMEOUT:
		val = ts->user_timeout_ms;
		break;
	case TCP_RTO_MAX_MS:
		val = READ_ONCE(ts->rtt.rto_max_us) / USEC_PER_MSEC;
		break;
	case TCP_MAXSEG:
		val = ts->mss;
		if (ts->user_mss &&
		    BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
			val = ts->user_mss;
		break;
	case TCP_SYNCNT:
		val = ts->syn_retries ?: READ_ONCE(ctl->syn_retries);
		break;
	case TCP_DEFER_ACCEPT:
		val = defer_to_secs(ts->defer_accept);
		break;
	case TCP_SAVE_SYN:
		val = ts->save_syn;
		break;
	case TCP_SAVED_SYN:
		return get_saved_syn(sk, optval, optlen, len);
	case TCP_LINGER2:
		val = ts->linger2 ?: READ_ONCE(ctl->fin_timeout);
		break;
	case TCP_NOTSENT_LOWAT:
		val = ts->notsent_lowat;
		break;
	case TCP_INQ:
		val = ts->inq;
		break;
	case TCP_REPAIR:
		val = 0;
		break;
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
		return -EINVAL;
	case TCP_REPAIR_WINDOW:
		return len == sizeof(struct tcp_repair_window) ? -EPERM : -EINVAL;
	case TCP_INFO:
		lock_sock(sk);
		toytcp_info(sk, &info);
		release_sock(sk);
		return put_answer(&info, sizeof(info), optval, optlen, len);
	case TCP_CC_INFO:
		return get_cong_info(sk, optval, optlen, len);
	case TCP_CONGESTION:
		lock_sock(sk);
		strscpy(name, ts->cong.ops->name, sizeof(name));
		release_sock(sk);
		return put_answer(name, sizeof(name), optval, optlen, len);
	default:
		return -ENOPROTOOPT;
	}
	return put_answer(&val, sizeof(val), optval, optlen, len);
}

static int get_own_option(struct sock *sk, int optname, char __user *optval,
			  int __user *optlen)
{
	int val = toytcp_mapped(sk), len;

	if (optname != TOYTCP_V4_MAPPED)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	return put_answer(&val, sizeof(val), optval, optlen, len);
}

/* an option of IPPROTO_IP that is not there; the length is looked at first, as Linux */
static int get_no_option(const int __user *optlen)
{
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	return len < 0 ? -EINVAL : -ENOPROTOOPT;
}

/**
 * toytcp_getsockopt() - proto_ops.getsockopt
 * @sock: the socket
 * @level: IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6 or SOL_TOYTCP
 * @optname: the option
 * @optval: where the value goes
 * @optlen: in: room, bytes; out: bytes of the value
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_getsockopt(struct socket *sock, int level, int optname,
		      char __user *optval, int __user *optlen)
{
	struct sock *sk = sock->sk;

	if (level == IPPROTO_TCP)
		return get_tcp_option(sk, optname, optval, optlen);
	/* where from a rule of NAT turned the connection to us: netfilter's answer */
	if (level == IPPROTO_IP && (ip_option_known(optname) || optname == SO_ORIGINAL_DST))
		return ip_getsockopt(sk, level, optname, optval, optlen);
	if (level == IPPROTO_IPV6 && toytcp_mapped(sk))
		return toytcp_mapped_getsockopt(sk, optname, optval, optlen);
	if (level == SOL_TOYTCP)
		return get_own_option(sk, optname, optval, optlen);
	/* Linux's answers differ for get and set */
	return level == IPPROTO_IP ? get_no_option(optlen) : -EOPNOTSUPP;
}
