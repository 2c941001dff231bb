// SPDX-License-Identifier: GPL-2.0
/*
 * The world outside of the engine, simulated: os.h and ipv4.h, and the entry
 * of toytcp_kunit.ko.
 *
 * Takes the place of main.c, ipv4.c and os.c when the module is linked. What
 * it has to say is in sim.h.
 *
 * Initial sequence numbers come from a secret and the clock. A return probe
 * replaces them, so that no test needs a hook in the module.
 */
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/net.h>
#include <net/inet_ecn.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../module/af_toytcp.h"
#include "../module/compat.h"
#include "../module/ipv4.h"
#include "../module/listen.h"
#include "../module/netns.h"
#include "../module/os.h"
#include "../module/recycle.h"
#include "../module/secret.h"
#include "../module/seq.h"
#include "../module/timewait.h"
#include "sim.h"
#include "toytcp.h"

#define START_US	(1000 * SIM_S)
#define EVENTS_MAX	3000000ull	/* of one case; more is a loop without end */

static unsigned int rounds = 1;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how many new seeds a case of random events tries");

struct sim sim = { .now_us = START_US };

/* A segment on its way, or a buffer that a device has not let go of */
struct sim_pkt {
	struct list_head list;
	u64 at_us;
	struct sk_buff *skb;
	struct toytcp_flow_key key;	/* as the receiver sees it */
	bool deliver;
};

/* ---- os.h ---- */

u64 toytcp_now_us(void)
{
	return sim.now_us;
}

void toytcp_timer_setup(struct toytcp_timer *timer,
			void (*expire)(struct timer_list *timer))
{
	timer->expire = expire;
	timer->expires_us = 0;
	INIT_LIST_HEAD(&timer->pending);
}

static bool timer_unlink(struct toytcp_timer *timer)
{
	if (list_empty(&timer->pending))
		return false;
	list_del_init(&timer->pending);
	sim.n_timers--;
	return true;
}

bool toytcp_timer_mod(struct toytcp_timer *timer, u64 now_us, u64 delay_us)
{
	bool was_pending = timer_unlink(timer);
	struct toytcp_timer *at;

	/* the clock that an entry to the engine reads is exact here, too */
	WARN_ON_ONCE(now_us != sim.now_us);
	timer->expires_us = sim.now_us + delay_us;
	list_for_each_entry_reverse(at, &sim.timers, pending)
		if (at->expires_us <= timer->expires_us)
			break;
	list_add(&timer->pending, &at->pending);
	sim.n_timers++;
	return was_pending;
}

bool toytcp_timer_del(struct toytcp_timer *timer)
{
	timer->expires_us = 0;
	return timer_unlink(timer);
}

/* nothing is dear here: the timers are exact */
bool toytcp_timer_put_off(struct toytcp_timer *timer, u64 now_us, u64 delay_us)
{
	return !list_empty(&timer->pending) &&
	       toytcp_timer_mod(timer, now_us, delay_us);
}

bool toytcp_timer_clear(struct toytcp_timer *timer)
{
	return toytcp_timer_del(timer);
}

static void sim_fine_fn(struct timer_list *t)
{
	struct toytcp_fine_timer *timer =
		container_of(t, struct toytcp_fine_timer, coarse.timer);

	timer->expire(&timer->hrtimer);
}

void toytcp_fine_timer_setup(struct toytcp_fine_timer *timer,
			     enum hrtimer_restart (*expire)(struct hrtimer *timer))
{
	timer->expire = expire;
	toytcp_timer_setup(&timer->coarse, sim_fine_fn);
}

bool toytcp_fine_timer_pending(struct toytcp_fine_timer *timer)
{
	return !list_empty(&timer->coarse.pending);
}

bool toytcp_fine_timer_mod(struct toytcp_fine_timer *timer, u64 delay_us)
{
	return toytcp_timer_mod(&timer->coarse, sim.now_us, delay_us);
}

bool toytcp_fine_timer_del(struct toytcp_fine_timer *timer)
{
	return toytcp_timer_del(&timer->coarse);
}

void toytcp_softirq_setup(struct toytcp_softirq *work,
			  void (*run)(struct toytcp_softirq *work))
{
	work->run = run;
	work->node.next = &work->node;	/* not raised */
}

void toytcp_softirq_raise(struct toytcp_softirq *work)
{
	struct llist_node **tail = &sim.softirqs;

	if (work->node.next != &work->node) {
		sim_fail("a softirq was raised twice");
		return;
	}
	while (*tail)
		tail = &(*tail)->next;
	work->node.next = NULL;
	*tail = &work->node;
}

/* the oldest one raised; false: there is none */
static bool softirq_run(void)
{
	struct toytcp_softirq *work;

	if (!sim.softirqs)
		return false;
	work = llist_entry(sim.softirqs, struct toytcp_softirq, node);
	sim.softirqs = work->node.next;
	work->node.next = &work->node;
	local_bh_disable();
	work->run(work);
	local_bh_enable();
	return true;
}

/* ---- what goes wrong where KUnit may not be told: it sleeps ---- */

/* the first one counts; sim_report() says it */
void sim_fail(const char *fmt, ...)
{
	va_list args;

	if (sim.wrong[0])
		return;
	va_start(args, fmt);
	vscnprintf(sim.wrong, sizeof(sim.wrong), fmt, args);
	va_end(args);
}

static void sim_report(void)
{
	if (!sim.wrong[0])
		return;
	KUNIT_FAIL(sim.test, "%s", sim.wrong);
	sim.wrong[0] = 0;
}

/* ---- the link ---- */

/* 0 <= result < n; SplitMix64, as in prng.h */
static u32 draw(u32 n)
{
	u64 z = sim.seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return (z >> 32) * n >> 32;
}

static bool chance(u32 permille)
{
	return permille && draw(1000) < permille;
}

static void pkt_add(struct sk_buff *skb, const struct toytcp_flow_key *key,
		    u64 at_us, bool deliver)
{
	struct sim_pkt *pkt = kmalloc(sizeof(*pkt), GFP_ATOMIC), *at;

	if (!pkt) {
		kfree_skb(skb);
		return;
	}
	pkt->skb = skb;
	pkt->key = *key;
	pkt->at_us = at_us;
	pkt->deliver = deliver;
	list_for_each_entry_reverse(at, &sim.wire, list)
		if (at->at_us <= at_us)
			break;
	list_add(&pkt->list, &at->list);
	sim.n_wire++;
}

static void deliver(struct sk_buff *skb, const struct toytcp_flow_key *key)
{
	/* a copy of the sender's buffer has the sender's notes */
	memset(skb->cb, 0, sizeof(skb->cb));
	local_bh_disable();
	rcu_read_lock();
	toytcp_demux_rcv(&init_net, NULL, skb, key, 0);
	rcu_read_unlock();
	local_bh_enable();
}

/* the key as the other end sees it */
static struct toytcp_flow_key turned(const struct toytcp_flow_key *key)
{
	return (struct toytcp_flow_key){
		.laddr = key->faddr, .faddr = key->laddr,
		.lport = key->fport, .fport = key->lport,
	};
}

/* a bucket of tokens: each byte takes some time to come back */
static bool policed(int dir, u32 len)
{
	const struct sim_link *link = &sim.link[dir];
	u64 now_ns = sim.now_us * NSEC_PER_USEC, full_ns;

	if (!link->police_ns_per_byte)
		return false;
	full_ns = max(sim.police_ns[dir], now_ns) + (u64)len * link->police_ns_per_byte;
	if (full_ns - now_ns > (u64)link->police_burst * link->police_ns_per_byte)
		return true;
	sim.police_ns[dir] = full_ns;
	return false;
}

/* through the link from A or B; consumes a segment that its receiver may have */
static bool link_send(struct sk_buff *skb, const struct toytcp_flow_key *key)
{
	int dir = key->laddr == htonl(SIM_A) ? 0 : 1;
	const struct sim_link *link = &sim.link[dir];
	struct toytcp_flow_key back = turned(key);
	u64 at_us = max(sim.now_us, sim.busy_until[dir]);

	if (chance(link->loss) || chance(link->corrupt) ||
	    (link->mtu && skb->len + 20 > link->mtu) ||
	    policed(dir, skb->len + 20) ||
	    (link->queue_us && at_us - sim.now_us > link->queue_us)) {
		kfree_skb(skb);
		return false;
	}
	if (INET_ECN_is_capable(ip_hdr(skb)->tos) &&
	    (chance(link->ce) || (link->ce_us && at_us - sim.now_us > link->ce_us)))
		ip_hdr(skb)->tos |= INET_ECN_CE;
	at_us += div_u64((u64)(skb->len + 20) * link->ns_per_byte, 1000);
	sim.busy_until[dir] = at_us;
	at_us += link->delay_us;
	if (link->jitter_us)
		at_us += draw(link->jitter_us);
	if (chance(link->reorder))
		at_us += 2 * link->delay_us;
	if (chance(link->dup)) {
		struct sk_buff *twin = skb_copy(skb, GFP_ATOMIC);

		if (twin)
			pkt_add(twin, &back, at_us + draw(link->delay_us + 1),
				true);
	}
	pkt_add(skb, &back, at_us, true);
	return true;
}

static struct sim_seg *log_add(const struct sim_seg *seg)
{
	struct sim_seg *at = &sim.log[sim.n_log++ % SIM_LOG];

	*at = *seg;
	at->data = NULL;
	return at;
}

static void inbox_add(const struct sim_seg *seg, struct sk_buff *skb)
{
	struct sim_seg *at = &sim.inbox[sim.inbox_tail % SIM_INBOX];
	u8 *data = kmalloc(seg->len + 1, GFP_ATOMIC);

	if (sim.inbox_tail - sim.inbox_head == SIM_INBOX || !data) {
		sim.inbox_lost++;
		kfree(data);
		return;
	}
	sim.inbox_tail++;
	kfree(at->data);
	*at = *seg;
	skb_copy_bits(skb, skb->len - seg->len, data, seg->len);
	at->data = data;
}

/* one segment that fits the wire, with an IPv4 header in front of its TCP header */
static void wire_send(struct sk_buff *skb, const struct toytcp_flow_key *key)
{
	struct sim_seg seg = {
		.at_us = sim.now_us,
		.from = ntohl(key->laddr), .to = ntohl(key->faddr),
		.sport = ntohs(key->lport), .dport = ntohs(key->fport),
	}, *logged;
	struct toytcp_seg in;

	if (toytcp_seg_init(&in, skb)) {
		sim_fail("a header with a bad length was sent");
		kfree_skb(skb);
		return;
	}
	seg.seq = in.seq;
	seg.ack = in.ack;
	seg.len = in.len;
	seg.wnd = in.wnd;
	seg.flags = in.flags;
	seg.ecn = in.ecn;
	seg.urg = ntohs(tcp_hdr(skb)->urg_ptr);
	seg.opt = in.opt;
	if (!skb_shinfo(skb)->gso_size && skb->len + 20 > sim.mtu)
		sim_fail("a segment of %u bytes, MTU %u", skb->len + 20, sim.mtu);
	if (tcp_hdr(skb)->source != key->lport || tcp_hdr(skb)->dest != key->fport)
		sim_fail("ports of the header are not the flow's");
	logged = log_add(&seg);
	if (key->faddr == htonl(SIM_PEER)) {
		inbox_add(&seg, skb);
		kfree_skb(skb);
	} else {
		logged->dropped = !link_send(skb, key);
		seg.dropped = logged->dropped;
	}
	if (sim.tap)
		sim.tap(&seg);
}

static void push_ip(struct sk_buff *skb, const struct toytcp_flow_key *key, u8 tos)
{
	struct iphdr *iph = skb_push(skb, sizeof(*iph));

	memset(iph, 0, sizeof(*iph));
	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = tos;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = key->laddr;
	iph->daddr = key->faddr;
	skb_pull(skb, sizeof(*iph));
}

static struct sk_buff *rx_alloc(u32 len)
{
	struct sk_buff *skb = alloc_skb(NET_SKB_PAD + 20 + 60 + len, GFP_ATOMIC);

	if (skb) {
		skb_reserve(skb, NET_SKB_PAD + 20);
		skb_reset_transport_header(skb);
	}
	return skb;
}

/* bytes @offset to @offset + @len of @skb's payload behind a copy of its header */
static void slice_send(struct sk_buff *skb, const struct toytcp_flow_key *key,
		       u8 tos, u32 offset, u32 len, bool last)
{
	u32 hdr = tcp_hdr(skb)->doff * 4;
	struct sk_buff *out = rx_alloc(hdr + len);
	struct tcphdr *th;

	if (!out)
		return;
	skb_copy_bits(skb, 0, skb_put(out, hdr), hdr);
	skb_copy_bits(skb, hdr + offset, skb_put(out, len), len);
	th = tcp_hdr(out);
	th->seq = htonl(ntohl(th->seq) + offset);
	if (!last) {
		th->fin = 0;
		th->psh = 0;
	}
	/* as GSO does it, if it is told to */
	if (offset && skb_shinfo(skb)->gso_type & SKB_GSO_TCP_ECN)
		th->cwr = 0;
	push_ip(out, key, tos);
	wire_send(out, key);
}

/* consumes @skb */
static void xmit(const struct toytcp_flow_key *key, struct sk_buff *skb, u8 tos)
{
	u32 mss = skb_shinfo(skb)->gso_size, hdr = tcp_hdr(skb)->doff * 4;
	u32 len = skb->len - hdr, offset = 0;

	if (sim.gro && key->faddr != htonl(SIM_PEER)) {
		/* as loopback and veth do: the receiver has the sender's pages */
		struct sk_buff *out = pskb_copy(skb, GFP_ATOMIC);

		if (out) {
			skb_orphan(out);
			push_ip(out, key, tos);
			wire_send(out, key);
		}
	} else {
		if (!mss)
			mss = max(len, 1u);
		do {
			u32 n = min(mss, len - offset);

			slice_send(skb, key, tos, offset, n, offset + n == len);
			offset += n;
		} while (offset < len);
	}
	if (sim.hold_us)
		pkt_add(skb, key, sim.now_us + sim.hold_us, false);
	else
		consume_skb(skb);
}

/* ---- ipv4.h ---- */

int toytcp_ipv4_hook_register(struct net *net)
{
	return 0;
}

void toytcp_ipv4_hook_unregister(struct net *net)
{
}

void toytcp_ipv4_in_use(bool in_use)
{
}

int toytcp_ipv4_route(struct sock *sk)
{
	const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;
	struct inet_sock *inet = inet_sk(sk);

	if (sim.route_err)
		return sim.route_err;
	inet->inet_daddr = key->faddr;
	inet->inet_rcv_saddr = key->laddr;
	inet->inet_saddr = key->laddr;
	inet->inet_num = ntohs(key->lport);
	inet->inet_sport = key->lport;
	inet->inet_dport = key->fport;
	sk->sk_gso_type = SKB_GSO_TCPV4;
	sk->sk_route_caps = sim.gso ? NETIF_F_GSO_MASK | NETIF_F_SG | NETIF_F_HW_CSUM : 0;
	sk->sk_gso_max_size = sim.gso ? GSO_LEGACY_MAX_SIZE - (MAX_TCP_HEADER + 1) : 0;
	sk->sk_gso_max_segs = sim.gso ? GSO_MAX_SEGS : 1;
	toytcp_path_set(sk, &sim.path);
	return 0;
}

int toytcp_ipv4_route_connect(struct sock *sk, __be32 faddr, __be16 fport,
			      __be32 *laddr)
{
	toytcp_sk(sk)->flow.key.faddr = faddr;
	toytcp_sk(sk)->flow.key.fport = fport;
	if (!*laddr)
		*laddr = htonl(faddr == htonl(SIM_A) ? SIM_B : SIM_A);
	return 0;
}

u32 toytcp_ipv4_mtu(struct sock *sk)
{
	return sim.mtu;
}

u32 toytcp_ipv4_mtu_cached(struct sock *sk)
{
	return sim.mtu;
}

void toytcp_ipv4_update_pmtu(struct sock *sk, u32 mtu)
{
	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	sim.mtu = min(sim.mtu, mtu);
	if (sim.mtu >= toytcp_sk(sk)->pmtu)
		return;
	toytcp_output_mss_sync(sk, sim.mtu);
	toytcp_recovery_mtu(sk);
}

u32 toytcp_ipv4_reply_path(const struct toytcp_reply *reply,
			   struct toytcp_path *path)
{
	*path = sim.path;
	return sim.mtu;
}

void toytcp_ipv4_negative_advice(struct sock *sk)
{
	sim.advice++;
}

void toytcp_ipv4_queue_error(struct sock *sk, const struct toytcp_icmp *icmp)
{
	sim.queued_errors++;
}

int toytcp_ipv4_recv_error(struct sock *sk, struct msghdr *msg, size_t len)
{
	return -EAGAIN;
}

void toytcp_ipv4_rx_route(struct sock *sk, const struct sk_buff *skb)
{
}

void toytcp_ipv4_confirm(struct sock *sk)
{
}

int toytcp_ipv4_xmit(struct sock *sk, struct sk_buff *skb)
{
	if (sim.xmit_err) {
		kfree_skb(skb);
		return sim.xmit_err;
	}
	sim.departs_us = div_u64(ktime_to_ns(skb->tstamp), NSEC_PER_USEC);
	xmit(&toytcp_sk(sk)->flow.key, skb, inet_sk(sk)->tos);
	return 0;
}

int toytcp_ipv4_xmit_reply(const struct toytcp_reply *reply,
			   struct sk_buff *skb)
{
	xmit(&reply->key, skb, reply->tos);
	return 0;
}

void toytcp_ipv4_reply_to(struct net *net, const struct sk_buff *skb,
			  struct toytcp_reply *reply)
{
	const struct tcphdr *th = tcp_hdr(skb);

	memset(reply, 0, sizeof(*reply));
	reply->net = net;
	reply->key.laddr = ip_hdr(skb)->daddr;
	reply->key.faddr = ip_hdr(skb)->saddr;
	reply->key.lport = th->dest;
	reply->key.fport = th->source;
}

/* ---- time ---- */

static struct toytcp_timer *next_timer(void)
{
	return list_first_entry_or_null(&sim.timers, struct toytcp_timer, pending);
}

static struct sim_pkt *next_pkt(void)
{
	return list_first_entry_or_null(&sim.wire, struct sim_pkt, list);
}

/* when the next event is due; U64_MAX: never */
u64 sim_next_us(void)
{
	struct toytcp_timer *timer = next_timer();
	struct sim_pkt *pkt = next_pkt();
	u64 at_us = U64_MAX;

	if (sim.softirqs)
		return sim.now_us;
	if (timer)
		at_us = timer->expires_us;
	if (pkt)
		at_us = min(at_us, pkt->at_us);
	return at_us;
}

/* Run the next event. Returns false when there is none, or too many were. */
bool sim_step(void)
{
	struct toytcp_timer *timer = next_timer();
	struct sim_pkt *pkt = next_pkt();

	if (!timer && !pkt && !sim.softirqs)
		return false;
	if (++sim.events > EVENTS_MAX) {
		if (sim.events == EVENTS_MAX + 1)
			KUNIT_FAIL(sim.test, "more than %llu events", EVENTS_MAX);
		return false;
	}
	if (!(sim.events % 64))
		cond_resched();
	sim_report();
	if (softirq_run())
		return true;
	if (pkt && (!timer || pkt->at_us <= timer->expires_us)) {
		list_del(&pkt->list);
		sim.n_wire--;
		sim.now_us = max(sim.now_us, pkt->at_us);
		if (pkt->deliver)
			deliver(pkt->skb, &pkt->key);
		else
			consume_skb(pkt->skb);
		kfree(pkt);
		return true;
	}
	timer_unlink(timer);
	sim.now_us = max(sim.now_us, timer->expires_us);
	local_bh_disable();
	timer->expire(&timer->timer);
	local_bh_enable();
	return true;
}

/* let so much time pass */
void sim_run(u64 us)
{
	u64 until = sim.now_us + us;

	while (sim_next_us() <= until)
		if (!sim_step())
			break;
	sim.now_us = until;
}

/* run until nothing is left to happen; false if that takes too long */
bool sim_run_events(u64 max_events)
{
	while (max_events--)
		if (!sim_step())
			return sim_next_us() == U64_MAX;
	return false;
}

/* ---- sockets ---- */

static struct sockaddr_in sim_addr(u32 addr, u16 port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(addr),
		.sin_port = htons(port),
	};
}

/* close it at the end of the case */
void sim_track(struct socket *sock)
{
	int i;

	for (i = 0; i < SIM_SOCKS; i++) {
		if (!sim.socks[i]) {
			sim.socks[i] = sock;
			return;
		}
	}
	kunit_err(sim.test, "too many sockets\n");
}

struct socket *sim_socket(struct kunit *test)
{
	struct socket *sock;
	int err = sock_create_kern(&init_net, AF_TOYTCP, SOCK_STREAM, 0, &sock);

	KUNIT_ASSERT_EQ(test, err, 0);
	sim_track(sock);
	return sock;
}

/* The addresses are none of this host: IP_FREEBIND. */
int sim_bind(struct socket *sock, u32 addr, u16 port)
{
	struct sockaddr_in sin = sim_addr(addr, port);
	int one = 1;

	sock->ops->setsockopt(sock, IPPROTO_IP, IP_FREEBIND,
			      KERNEL_SOCKPTR(&one), sizeof(one));
	return kernel_bind(sock, (struct sockaddr *)&sin, sizeof(sin));
}

int sim_connect(struct socket *sock, u32 addr, u16 port)
{
	struct sockaddr_in sin = sim_addr(addr, port);

	return kernel_connect(sock, (struct sockaddr *)&sin, sizeof(sin), O_NONBLOCK);
}

struct socket *sim_listen(struct kunit *test, u16 port, int backlog)
{
	struct socket *sock = sim_socket(test);

	sock->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, port), 0);
	KUNIT_ASSERT_EQ(test, kernel_listen(sock, backlog), 0);
	return sock;
}

/* the oldest child, or NULL */
struct socket *sim_accept(struct socket *listener)
{
	struct socket *sock;

	if (kernel_accept(listener, &sock, O_NONBLOCK))
		return NULL;
	sim_track(sock);
	return sock;
}

/* the pattern that streams are made of: no two places within 64 KiB look alike */
static u8 pattern[2 * SIM_PERIOD];

static void pattern_fill(void)
{
	u32 i;

	for (i = 0; i < SIM_PERIOD; i++) {
		pattern[i] = (i * 2654435761u) >> 24;
		pattern[i + SIM_PERIOD] = pattern[i];
	}
}

const u8 *sim_bytes(u32 offset)
{
	return pattern + offset % SIM_PERIOD;
}

/* write at most SIM_PERIOD bytes of the stream at @offset */
int sim_write(struct socket *sock, u32 offset, u32 len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = {
		.iov_base = (void *)sim_bytes(offset),
		.iov_len = min(len, SIM_PERIOD),
	};

	return kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
}

int sim_read(struct socket *sock, void *buf, u32 len)
{
	struct msghdr msg = {};
	struct kvec vec = { .iov_base = buf, .iov_len = len };

	return kernel_recvmsg(sock, &msg, &vec, 1, len, MSG_DONTWAIT);
}

/* read up to @len bytes and compare; -EBADMSG if they are not the stream's at @offset */
int sim_read_check(struct socket *sock, u32 offset, u32 len)
{
	static u8 buf[SIM_PERIOD];
	int n = sim_read(sock, buf, min(len, SIM_PERIOD));

	if (n > 0 && memcmp(buf, sim_bytes(offset), n)) {
		kunit_err(sim.test, "the stream is wrong within %u to %u\n", offset, offset + n);
		return -EBADMSG;
	}
	return n;
}

void sim_close(struct socket *sock)
{
	int i;

	for (i = 0; i < SIM_SOCKS; i++)
		if (sim.socks[i] == sock)
			sim.socks[i] = NULL;
	sock_release(sock);
}

/* close with a reset */
void sim_abort(struct socket *sock)
{
	sock_no_linger(sock->sk);
	sim_close(sock);
}

/* an empty cache of Fast Open's cookies, and another key */
int sim_forget_peers(void)
{
	struct toytcp_net *tn = toytcp_net(&init_net);

	toytcp_fastopen_net_exit(&init_net);
	RCU_INIT_POINTER(tn->fastopen.keys, NULL);
	return toytcp_fastopen_net_init(&init_net);
}

/* an option of IPPROTO_TCP that must be accepted */
void sim_set_option(struct kunit *test, struct socket *sock, int option,
		    int value)
{
	KUNIT_ASSERT_EQ(test, sock->ops->setsockopt(sock, IPPROTO_TCP, option,
						    KERNEL_SOCKPTR(&value),
						    sizeof(value)), 0);
}

/* SO_ERROR: the pending error, positive, and clear it */
int sim_error(struct socket *sock)
{
	return -sock_error(sock->sk);
}

/**
 * sim_counted() - a counter of the namespace, as /proc/net/toytcp_stat shows it
 * @mib: which
 */
u64 sim_counted(enum toytcp_mib mib)
{
	struct toytcp_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	u64 value = 0;

	if (sum) {
		toytcp_stats_fold(&init_net, sum);
		value = sum->mib[mib];
	}
	kfree(sum);
	return value;
}

/**
 * sim_sysctl() - the namespace's settings; they are as they were for the next case
 */
struct toytcp_sysctl *sim_sysctl(void)
{
	return &toytcp_net(&init_net)->sysctl;
}

/* ---- the raw peer ---- */

void sim_inject(const struct sim_seg *seg)
{
	struct toytcp_flow_key key = {
		.laddr = htonl(seg->from), .faddr = htonl(seg->to),
		.lport = htons(seg->sport), .fport = htons(seg->dport),
	}, back = turned(&key);
	u8 opts[TOYTCP_OPTIONS_MAX];
	struct sk_buff *skb = rx_alloc(seg->len);
	struct sim_seg logged = *seg;
	struct tcphdr *th;
	u32 optlen;

	if (!skb)
		return;
	if (seg->raw_opts) {
		optlen = seg->raw_len;
		memcpy(opts, seg->raw_opts, optlen);
		toytcp_options_parse(opts, optlen, seg->flags & TOYTCP_SYN, &logged.opt);
		logged.raw_opts = NULL;
	} else {
		optlen = toytcp_options_emit(&seg->opt, opts);
	}
	th = skb_put_zero(skb, sizeof(*th));
	th->source = key.lport;
	th->dest = key.fport;
	th->seq = htonl(seg->seq);
	th->ack_seq = htonl(seg->ack);
	th->doff = (sizeof(*th) + optlen) / 4;
	((u8 *)th)[13] = seg->flags;
	th->window = htons(seg->wnd);
	th->urg_ptr = htons(seg->urg);
	skb_put_data(skb, opts, optlen);
	skb_put_data(skb, seg->data ?: sim_bytes(seg->offset), seg->len);
	if (seg->gso_size && seg->len > seg->gso_size) {
		skb_shinfo(skb)->gso_size = seg->gso_size;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(seg->len, seg->gso_size);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	}
	push_ip(skb, &key, seg->ecn);
	logged.at_us = sim.now_us;
	log_add(&logged);
	deliver(skb, &back);
}

/* the oldest segment in the inbox, valid until the inbox is full; NULL: none */
const struct sim_seg *sim_next(void)
{
	if (sim.inbox_head == sim.inbox_tail)
		return NULL;
	return &sim.inbox[sim.inbox_head++ % SIM_INBOX];
}

u32 sim_inbox_count(void)
{
	return sim.inbox_tail - sim.inbox_head;
}

void sim_inbox_clear(void)
{
	int i;

	for (i = 0; i < SIM_INBOX; i++) {
		kfree(sim.inbox[i].data);
		sim.inbox[i].data = NULL;
	}
	sim.inbox_head = 0;
	sim.inbox_tail = 0;
	sim.inbox_lost = 0;
}

void sim_peer_init(struct sim_peer *p, u16 dport)
{
	*p = (struct sim_peer){
		.to = SIM_A,
		.port = SIM_PORT_PEER, .dport = dport,
		.iss = SIM_ISN - 7,
		.wnd = 65535,
		.syn.mss = 1460,
		.tsval = 0xfffffff0,
	};
	p->snd_nxt = p->iss;
}

/* a segment as the peer would send it now */
struct sim_seg sim_peer_seg(const struct sim_peer *p, u8 flags, u32 len)
{
	struct sim_seg seg = {
		.from = SIM_PEER, .to = p->to,
		.sport = p->port, .dport = p->dport,
		.seq = p->snd_nxt, .ack = flags & TOYTCP_ACK ? p->rcv_nxt : 0,
		.len = len, .wnd = p->wnd, .flags = flags,
		.offset = p->snd_nxt - p->iss - 1,
	};

	if (flags & TOYTCP_SYN) {
		seg.opt = p->syn;
		seg.offset = 0;
	}
	if (p->ts && !(flags & TOYTCP_RST)) {
		seg.opt.has_ts = 1;
		seg.opt.tsval = p->tsval;
		seg.opt.tsecr = flags & TOYTCP_ACK ? p->tsecr : 0;
	}
	return seg;
}

void sim_peer_send(struct sim_peer *p, u8 flags, u32 len)
{
	struct sim_seg seg = sim_peer_seg(p, flags, len);

	p->snd_nxt += len + !!(flags & TOYTCP_SYN) + !!(flags & TOYTCP_FIN);
	sim_inject(&seg);
}

/* the handshake of a passive open; the child is accepted */
struct socket *sim_peer_connects(struct kunit *test, struct sim_peer *p,
				 struct socket *listener)
{
	const struct sim_seg *synack;
	struct socket *sock;

	sim_peer_send(p, TOYTCP_SYN, 0);
	synack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, synack);
	KUNIT_ASSERT_EQ(test, synack->flags, TOYTCP_SYN | TOYTCP_ACK);
	KUNIT_ASSERT_EQ(test, synack->ack, p->snd_nxt);
	p->irs = synack->seq;
	p->rcv_nxt = synack->seq + 1;
	p->tsecr = synack->opt.tsval;
	p->ts = synack->opt.has_ts;
	sim_peer_send(p, TOYTCP_ACK, 0);
	sock = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, sock);
	SIM_EXPECT_NONE(test);
	return sock;
}

/* the rest of the handshake of an active open: the SYN is in the inbox */
void sim_peer_accepts(struct kunit *test, struct sim_peer *p,
		      struct socket *sock)
{
	const struct sim_seg *syn = sim_next();

	KUNIT_ASSERT_NOT_NULL(test, syn);
	KUNIT_ASSERT_EQ(test, syn->flags, TOYTCP_SYN);
	p->irs = syn->seq;
	p->rcv_nxt = syn->seq + 1;
	p->tsecr = syn->opt.tsval;
	p->ts = p->syn.has_ts;
	sim_peer_send(p, TOYTCP_SYN | TOYTCP_ACK, 0);
	KUNIT_ASSERT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	SIM_EXPECT(test, p, TOYTCP_ACK, 1, 1, 0);
}

void __sim_expect(struct kunit *test, const struct sim_peer *p, u8 flags,
		  u32 seq, u32 ack, u32 len, const char *file, int line)
{
	const struct sim_seg *seg = sim_next();

	if (!seg) {
		KUNIT_FAIL(test, "%s:%d: nothing was sent%s", kbasename(file), line,
			   sim.inbox_lost ? ", but the inbox was full" : "");
		return;
	}
	/* PSH is an opinion */
	if ((seg->flags & ~TOYTCP_PSH) != flags || seg->seq - p->irs != seq ||
	    (flags & TOYTCP_ACK && seg->ack - p->iss != ack) || seg->len != len)
		KUNIT_FAIL(test,
			   "%s:%d: sent flags %#x seq %d ack %d len %u, not flags %#x seq %d ack %d len %u",
			   kbasename(file), line, seg->flags,
			   (s32)(seg->seq - p->irs),
			   seg->flags & TOYTCP_ACK ? (s32)(seg->ack - p->iss) : 0,
			   seg->len, flags, seq, ack, len);
}

/* ---- begin and end of a case ---- */

/* how many new seeds a case shall try: insmod toytcp_kunit.ko rounds=N */
unsigned int sim_rounds(void)
{
	return rounds;
}

int sim_init(struct kunit *test)
{
	struct toytcp_net *tn = toytcp_net(&init_net);

	sim.test = test;
	sim.events = 0;
	sim.seed = 1;
	memset(sim.link, 0, sizeof(sim.link));
	memset(sim.busy_until, 0, sizeof(sim.busy_until));
	sim.link[0].delay_us = 10 * SIM_MS;
	sim.link[1].delay_us = 10 * SIM_MS;
	sim.mtu = 1500;
	memset(&sim.path, 0, sizeof(sim.path));
	sim.gso = false;
	sim.gro = false;
	sim.hold_us = 0;
	sim.route_err = 0;
	sim.xmit_err = 0;
	sim.isn = SIM_ISN;
	sim.ts_offset = 0;
	sim.advice = 0;
	sim.queued_errors = 0;
	sim.tap = NULL;
	sim.n_log = 0;
	sim.wrong[0] = 0;
	/* the timestamp clock passes 2^32 after a second */
	sim.ts_offset = 0xffffffff - 1000 - (u32)div_u64(sim.now_us, 1000);
	/* RFC 6298's timeouts, whatever the kernel's default */
	tn->sysctl.syn_linear_timeouts = 0;
	test->priv = kmemdup(&tn->sysctl, sizeof(tn->sysctl), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* the last segments, and everything that still exists */
void sim_dump(void)
{
	struct toytcp_net *tn = toytcp_net(&init_net);
	struct toytcp_flow *flow;
	u64 i;

	for (i = sim.n_log > SIM_LOG ? sim.n_log - SIM_LOG : 0; i < sim.n_log; i++) {
		const struct sim_seg *s = &sim.log[i % SIM_LOG];
		char sack[48] = "";

		if (s->opt.n_sacks)
			snprintf(sack, sizeof(sack), " sack %x-%x and %d more",
				 s->opt.sacks[0].start, s->opt.sacks[0].end, s->opt.n_sacks - 1);
		pr_info("# %10lld us %x > %x %s%s%s%s%s seq %x len %u ack %x win %u%s%s\n",
			(s64)(s->at_us - sim.now_us), s->from & 15, s->to & 15,
			s->flags & TOYTCP_SYN ? "S" : "",
			s->flags & TOYTCP_FIN ? "F" : "",
			s->flags & TOYTCP_RST ? "R" : "",
			s->flags & TOYTCP_PSH ? "P" : "",
			s->flags & TOYTCP_ACK ? "A" : "",
			s->seq, s->len, s->ack, s->wnd, sack,
			s->dropped ? " LOST" : "");
	}
	rcu_read_lock();
	hlist_for_each_entry_rcu(flow, &tn->all, list) {
		struct toytcp_sock *ts = container_of(flow, struct toytcp_sock, flow);

		pr_info("# kind %d port %u\n", flow->kind, ntohs(flow->key.lport));
		if (flow->kind != TOYTCP_FLOW_SOCK)
			continue;
		pr_info("#   %s una %x nxt %x write %x wnd %u | rcv_nxt %x copied %x wnd left %u | cwnd %u out %u sacked %u lost %u retrans %u recovery %d rtx %d %lld us\n",
			toytcp_state_name(ts->inet.sk.sk_state), ts->snd_una,
			ts->snd_nxt, ts->write_seq, ts->snd_wnd, ts->rcv_nxt,
			ts->copied_seq, toytcp_rcv_wnd_left(ts), ts->cong.cwnd_segs,
			ts->packets_out, ts->sacked_out, ts->lost_out,
			ts->retrans_out, ts->recovery,
			toytcp_timer_pending(&ts->timer_rtx) ? ts->rtx_mode : -1,
			(s64)(ts->timer_rtx.expires_us - sim.now_us));
	}
	rcu_read_unlock();
}

struct rtx_sums {
	u32 packets, sacked, lost, retrans;
	int wmem;
	u32 waiting;	/* buffers lost and not sent again */
};

static const char *check_rtx_queue(struct toytcp_sock *ts, struct rtx_sums *sum)
{
	u32 at = ts->snd_una, sacked_end = 0;
	bool sacked = false;
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);
		const struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		/* the first one may be acknowledged in part */
		if (node == rb_first(&ts->rtx_queue) ? seq_after(cb->seq, at) ||
						       seq_leq(cb->end_seq, at) : cb->seq != at)
			return "the retransmission queue has a gap or an overlap";
		if (cb->end_seq - cb->seq != skb->len + !!(cb->flags & TOYTCP_SYN) +
					     !!(cb->flags & TOYTCP_FIN))
			return "a sent buffer's length is not its numbers'";
		if (cb->mark & TOYTCP_SKB_SACKED && cb->mark & TOYTCP_SKB_LOST)
			return "SACKed and lost";
		if (!cb->segs)
			return "a sent buffer of no segments";
		if (list_empty(&cb->sent) != !!(cb->mark & TOYTCP_SKB_SACKED))
			return "what is SACKed is on no list, and all else is on one";
		if (cb->mark & TOYTCP_SKB_SACKED) {
			if (seq_before(cb->sacked_end, cb->end_seq))
				return "what is SACKed ends before itself";
			sacked_end = sacked ? seq_max(sacked_end, cb->sacked_end) :
					      cb->sacked_end;
			sacked = true;
		} else if (sacked && seq_before(cb->seq, sacked_end)) {
			return "a buffer that is not SACKed is said to be";
		}
		sum->waiting += (cb->mark & (TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS)) ==
				TOYTCP_SKB_LOST;
		at = cb->end_seq;
		sum->packets += cb->segs;
		sum->sacked += cb->mark & TOYTCP_SKB_SACKED ? cb->segs : 0;
		sum->lost += cb->mark & TOYTCP_SKB_LOST ? cb->segs : 0;
		sum->retrans += cb->mark & TOYTCP_SKB_RETRANS ? cb->segs : 0;
		sum->wmem += skb->truesize;
	}
	return at == ts->snd_nxt ? NULL : "the retransmission queue does not end at SND.NXT";
}

static const char *check_write_queue(struct toytcp_sock *ts, struct rtx_sums *sum)
{
	u32 at = ts->snd_nxt;
	struct sk_buff *skb;

	skb_queue_walk(&ts->inet.sk.sk_write_queue, skb) {
		if (TOYTCP_CB(skb)->seq != at)
			return "the write queue has a gap or an overlap";
		at = TOYTCP_CB(skb)->end_seq;
		sum->wmem += skb->truesize;
	}
	return at == ts->write_seq ? NULL : "the write queue does not end at write_seq";
}

static const char *check_receive_queues(struct toytcp_sock *ts)
{
	u32 at = ts->copied_seq;
	struct rb_node *node;
	struct sk_buff *skb;

	skb_queue_walk(&ts->inet.sk.sk_receive_queue, skb) {
		if (seq_after(TOYTCP_CB(skb)->seq, at))
			return "the receive queue has a gap";
		at = seq_max(at, TOYTCP_CB(skb)->end_seq);
	}
	if (at != ts->rcv_nxt && at + ts->got_fin != ts->rcv_nxt)
		return "the receive queue does not end at RCV.NXT";
	at = ts->rcv_nxt;
	for (node = rb_first(&ts->ofo_queue); node; node = rb_next(node)) {
		skb = rb_to_skb(node);
		if (!seq_after(TOYTCP_CB(skb)->seq, ts->rcv_nxt))
			return "what is in order waits in the out-of-order queue";
		if (!seq_after(TOYTCP_CB(skb)->end_seq, at))
			return "the out-of-order queue holds what is covered";
		at = TOYTCP_CB(skb)->end_seq;
	}
	return NULL;
}

/* what is wrong with a socket between two events; NULL: nothing */
const char *sim_check(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rtx_sums sum = {};
	const char *wrong;

	if (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT))
		return NULL;
	wrong = check_rtx_queue(ts, &sum) ?: check_write_queue(ts, &sum) ?:
		check_receive_queues(ts);
	if (wrong)
		return wrong;
	if (sum.packets != ts->packets_out)
		return "packets_out";
	/* without SACK it counts duplicate ACKs */
	if (ts->sack_ok ? sum.sacked != ts->sacked_out : ts->sacked_out > ts->packets_out)
		return "sacked_out";
	if (sum.lost != ts->lost_out)
		return "lost_out";
	if (sum.retrans != ts->retrans_out)
		return "retrans_out";
	if (sum.waiting != list_count_nodes(&ts->lost_queue))
		return "lost_queue";
	if (sum.wmem != sk->sk_wmem_queued)
		return "sk_wmem_queued";
	/* somebody must see to it that the connection goes on */
	if (toytcp_fine_timer_pending(&ts->timer_pace))
		return NULL;
	if (ts->packets_out && !toytcp_timer_pending(&ts->timer_rtx))
		return "data on their way, but no timer";
	if (!skb_queue_empty(&sk->sk_write_queue) && !toytcp_timer_pending(&ts->timer_rtx))
		return "data wait, but no timer";
	if (ts->ack_pending && !toytcp_timer_pending(&ts->timer_delack))
		return "an ACK is owed, but no timer";
	return NULL;
}

/* nothing is left: no flow, no timer, no segment on its way */
bool sim_drained(void)
{
	struct toytcp_net *tn = toytcp_net(&init_net);

	return hlist_empty(&tn->all) && !atomic_read(&tn->flows.nelems) &&
	       !atomic_read(&tn->tw_count) && !atomic_read(&tn->orphan_count) &&
	       !sim.n_timers && !sim.n_wire;
}

/* end whatever the case has left behind, time-waits by their time */
void sim_drain(struct kunit *test)
{
	int i;

	for (i = 0; i < SIM_SOCKS; i++)
		if (sim.socks[i])
			sim_abort(sim.socks[i]);
	KUNIT_EXPECT_TRUE_MSG(test, sim_run_events(100000), "events without end");
	KUNIT_EXPECT_TRUE_MSG(test, sim_drained(),
			      "left over: %u timers, %u segments, %d flows, %d time-waits, %d orphans",
			      sim.n_timers, sim.n_wire,
			      atomic_read(&toytcp_net(&init_net)->flows.nelems),
			      atomic_read(&toytcp_net(&init_net)->tw_count),
			      atomic_read(&toytcp_net(&init_net)->orphan_count));
	sim_inbox_clear();
}

/* sim_exit() without a look for leaked sockets, which has to wait for RCU */
void sim_exit_quick(struct kunit *test)
{
	struct toytcp_net *tn = toytcp_net(&init_net);

	sim_report();
	if (test->status == KUNIT_FAILURE)
		sim_dump();
	sim.tap = NULL;
	sim.events = 0;
	sim_drain(test);
	sim_report();
	if (test->priv) {
		tn->sysctl = *(struct toytcp_sysctl *)test->priv;
		kfree(test->priv);
	}
}

void sim_exit(struct kunit *test)
{
	sim_exit_quick(test);
	if (!toytcp_sock_count())
		return;
	/* a request's end, after a grace period, may be its listener's */
	rcu_barrier();
	rcu_barrier();
	KUNIT_EXPECT_EQ_MSG(test, toytcp_sock_count(), 0, "sockets leaked");
}

/* ---- the module ---- */

/* The linker puts these in the place of sock.c's (--wrap in Kbuild). */
struct rb_node *__wrap_rb_next(const struct rb_node *node)
{
	sim.tree_steps++;
	return __real_rb_next(node);
}

struct rb_node *__wrap_toytcp_sendq_rtx_find(const struct toytcp_sock *ts, u32 seq)
{
	sim.tree_steps++;
	return __real_toytcp_sendq_rtx_find(ts, seq);
}

u32 __wrap_toytcp_sock_isn(const struct toytcp_flow_key *key)
{
	return sim.isn;
}

u32 __wrap_toytcp_sock_ts_offset(const struct toytcp_flow_key *key)
{
	return sim.ts_offset;
}

static int __init sim_module_init(void)
{
	int err;

	INIT_LIST_HEAD(&sim.timers);
	INIT_LIST_HEAD(&sim.wire);
	sim.softirqs = NULL;
	pattern_fill();
	err = toytcp_secret_init();
	if (err)
		return err;
	err = toytcp_cong_builtin_init();
	if (err)
		return err;
	err = toytcp_listen_init();
	if (err)
		goto cong;
	err = toytcp_timewait_init();
	if (err)
		goto listen;
	err = toytcp_recycle_init();
	if (err)
		goto timewait;
	err = toytcp_sock_init();
	if (err)
		goto recycle;
	err = toytcp_port_init();
	if (err)
		goto sock;
	err = toytcp_netns_init();
	if (err)
		goto port;
	err = toytcp_family_register();
	if (err)
		goto netns;
	return 0;

netns:
	toytcp_netns_exit();
port:
	toytcp_port_exit();
sock:
	toytcp_sock_exit();
recycle:
	toytcp_recycle_exit();
timewait:
	toytcp_timewait_exit();
listen:
	toytcp_listen_exit();
cong:
	toytcp_cong_builtin_exit();
	return err;
}

static void __exit sim_module_exit(void)
{
	toytcp_family_unregister();
	toytcp_netns_exit();
	toytcp_port_exit();
	toytcp_sock_exit();
	toytcp_recycle_exit();
	toytcp_timewait_exit();
	toytcp_listen_exit();
	toytcp_cong_builtin_exit();
}

module_init(sim_module_init);
module_exit(sim_module_exit);

MODULE_DESCRIPTION("KUnit tests of AF_TOYTCP");
MODULE_LICENSE("GPL");
