// SPDX-License-Identifier: GPL-2.0
/*
 * Demultiplexing: from a segment's addresses to what it belongs to.
 *
 * Side (layer 2). Lookups run under RCU without locks. The table of flows is
 * an rhashtable, keyed by hsiphash, so that nobody outside can make chains
 * long; it holds connections, requests and time-waits, each key once.
 * Listeners hang off their port (port.h). Everything that exists is on
 * toytcp_net.all as well, for the listing.
 */
#include <linux/filter.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <net/l3mdev.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>
#include <net/tcp.h>

#include "compat.h"
#include "flow.h"
#include "ipv4.h"
#include "listen.h"
#include "mapped.h"
#include "netns.h"
#include "port.h"
#include "secret.h"
#include "seq.h"
#include "sock.h"
#include "timewait.h"

/*
 * The hashes of the last flows: one is asked for several times while a segment
 * finds its socket, and again by the next one, of either direction.
 */
struct hash_memo {
	u32 words[3];			/* toytcp_flow_key; zeros: none, nobody has those */
	u32 hash;
};

#define HASH_MEMOS	8

static DEFINE_PER_CPU(struct hash_memo, hash_memos[HASH_MEMOS]);

static u32 flow_key_hash(const u32 *words)
{
	return hsiphash_3u32(words[0], words[1], words[2],
			     &toytcp_secret.flow);
}

/* two ends on one host have a place each */
static struct hash_memo *hash_memo(u32 ports)
{
	u16 a = ports, b = ports >> 16;

	return this_cpu_ptr(&hash_memos[((a ^ b) >> 8) * 2 % HASH_MEMOS + (a < b)]);
}

static u32 flow_key_hashfn(const void *data, u32 len, u32 seed)
{
	const u32 *words = data;
	struct hash_memo *memo;

	/* softirqs do not interrupt each other on a CPU; they would a process */
	if (!in_serving_softirq())
		return flow_key_hash(words) ^ seed;
	memo = hash_memo(words[2]);
	if (unlikely(words[0] != memo->words[0] || words[1] != memo->words[1] ||
		     words[2] != memo->words[2])) {
		memo->hash = flow_key_hash(words);
		memcpy(memo->words, words, sizeof(memo->words));
	}
	return memo->hash ^ seed;
}

/* of what is in the table, or about to be: computed once */
static u32 flow_obj_hashfn(const void *data, u32 len, u32 seed)
{
	const struct toytcp_flow *flow = data;

	return flow->hash ^ seed;
}

static bool key_equal(const struct toytcp_flow_key *a,
		      const struct toytcp_flow_key *b)
{
	return a->laddr == b->laddr && a->faddr == b->faddr &&
	       a->lport == b->lport && a->fport == b->fport;
}

/* 0: the same, as rhashtable wants it */
static int flow_cmpfn(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct toytcp_flow *flow = obj;

	return !key_equal(&flow->key, arg->key);
}

static const struct rhashtable_params flow_params = {
	.head_offset = offsetof(struct toytcp_flow, node),
	.key_offset = offsetof(struct toytcp_flow, key),
	.key_len = sizeof(struct toytcp_flow_key),
	.hashfn = flow_key_hashfn,
	.obj_hashfn = flow_obj_hashfn,
	.obj_cmpfn = flow_cmpfn,
	.automatic_shrinking = true,
};

/**
 * toytcp_demux_net_init() - a namespace's tables
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_demux_net_init(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	BUILD_BUG_ON(sizeof(struct toytcp_flow_key) != 12);
	spin_lock_init(&tn->all_lock);
	INIT_HLIST_HEAD(&tn->all);
	return rhashtable_init(&tn->flows, &flow_params);
}

/**
 * toytcp_demux_net_exit() - a namespace ends
 * @net: the namespace, without flows
 *
 * Context: process.
 */
void toytcp_demux_net_exit(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	WARN_ON_ONCE(atomic_read(&tn->flows.nelems));
	WARN_ON_ONCE(!hlist_empty(&tn->all));
	rhashtable_destroy(&tn->flows);
}

/**
 * toytcp_demux_list_add() - show a new object in the listing
 * @flow: its flow; kind and net set
 *
 * Context: any but hard interrupt.
 */
void toytcp_demux_list_add(struct toytcp_flow *flow)
{
	struct toytcp_net *tn = flow->tn;

	spin_lock_bh(&tn->all_lock);
	hlist_add_head_rcu(&flow->list, &tn->all);
	spin_unlock_bh(&tn->all_lock);
}

/**
 * toytcp_demux_list_del() - take an object out of the listing
 * @flow: its flow; not listed is fine
 *
 * Context: any but hard interrupt.
 */
void toytcp_demux_list_del(struct toytcp_flow *flow)
{
	struct toytcp_net *tn = flow->tn;

	spin_lock_bh(&tn->all_lock);
	hlist_del_init_rcu(&flow->list);
	spin_unlock_bh(&tn->all_lock);
}

/**
 * toytcp_demux_insert() - let segments find a flow
 * @flow: its key is set and fixed from now on
 *
 * Context: any but hard interrupt; owner's lock held.
 * Return: 0, -EEXIST if the key is taken, -ENOMEM or -E2BIG from the table.
 */
int toytcp_demux_insert(struct toytcp_flow *flow)
{
	struct toytcp_net *tn = flow->tn;
	int err;

	flow->hash = flow_key_hashfn(&flow->key, 0, 0);
	err = rhashtable_lookup_insert_key(&tn->flows, &flow->key, &flow->node,
					   flow_params);
	if (!err)
		WRITE_ONCE(flow->hashed, true);
	return err;
}

/**
 * toytcp_demux_replace() - one flow takes another's place in one step
 * @old: the flow in the table
 * @flow: its successor, with the same key
 *
 * Context: any but hard interrupt; owners' locks held.
 * Return: 0, or -ENOENT if @old is not in the table.
 */
int toytcp_demux_replace(struct toytcp_flow *old, struct toytcp_flow *flow)
{
	struct toytcp_net *tn = flow->tn;
	int err;

	if (!old->hashed)
		return -ENOENT;
	flow->hash = old->hash;
	err = rhashtable_replace_fast(&tn->flows, &old->node, &flow->node,
				      flow_params);
	if (err)
		return err;
	WRITE_ONCE(old->hashed, false);
	WRITE_ONCE(flow->hashed, true);
	return 0;
}

/**
 * toytcp_demux_remove() - segments shall not find a flow any more
 * @flow: the flow; not in the table is fine
 *
 * Context: any but hard interrupt; owner's lock held.
 */
void toytcp_demux_remove(struct toytcp_flow *flow)
{
	if (!flow->hashed)
		return;
	rhashtable_remove_fast(&flow->tn->flows, &flow->node,
			       flow_params);
	WRITE_ONCE(flow->hashed, false);
}

/**
 * toytcp_flow_get() - take a reference to what a lookup saw
 * @flow: the flow
 *
 * Context: rcu_read_lock().
 * Return: false if its last reference is gone.
 */
bool toytcp_flow_get(struct toytcp_flow *flow)
{
	struct toytcp_req *req;
	struct toytcp_tw *tw;

	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		return refcount_inc_not_zero(&toytcp_flow_sk(flow)->sk_refcnt);
	case TOYTCP_FLOW_REQ:
		req = container_of(flow, struct toytcp_req, flow);
		return refcount_inc_not_zero(&req->ref);
	case TOYTCP_FLOW_TW:
		tw = container_of(flow, struct toytcp_tw, flow);
		return refcount_inc_not_zero(&tw->ref);
	}
	return false;
}

/**
 * toytcp_flow_put() - drop a reference
 * @flow: the flow
 *
 * Context: any but hard interrupt.
 */
void toytcp_flow_put(struct toytcp_flow *flow)
{
	struct toytcp_req *req;
	struct toytcp_tw *tw;

	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		sock_put(toytcp_flow_sk(flow));
		break;
	case TOYTCP_FLOW_REQ:
		req = container_of(flow, struct toytcp_req, flow);
		if (refcount_dec_and_test(&req->ref))
			toytcp_req_free(req);
		break;
	case TOYTCP_FLOW_TW:
		tw = container_of(flow, struct toytcp_tw, flow);
		if (refcount_dec_and_test(&tw->ref))
			toytcp_timewait_free(tw);
		break;
	}
}

/*
 * SO_BINDTODEVICE: what came by another device than the one that a flow is
 * bound to, or a part of that one (VRF), is not for it.
 */
static bool came_by_its_device(struct net *net, struct toytcp_flow *flow, int dif)
{
	int bound = 0;

	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		bound = READ_ONCE(toytcp_flow_sk(flow)->sk_bound_dev_if);
		break;
	case TOYTCP_FLOW_REQ:
		bound = container_of(flow, struct toytcp_req, flow)->dif;
		break;
	case TOYTCP_FLOW_TW:
		bound = container_of(flow, struct toytcp_tw, flow)->dif;
		break;
	}
	return likely(!bound) || !dif || bound == dif ||
	       bound == l3mdev_master_ifindex_by_index(net, dif);
}

/* the one way from a segment to its flow; without a reference */
static struct toytcp_flow *lookup(struct toytcp_net *tn,
				  const struct toytcp_flow_key *key, int dif)
{
	struct toytcp_flow *flow;

	flow = rhashtable_lookup(&tn->flows, key, flow_params);
	return flow && came_by_its_device(tn->net, flow, dif) ? flow : NULL;
}

/**
 * toytcp_demux_lookup() - the connection, request or time-wait of a segment
 * @net: the namespace
 * @key: the segment's ends, as this host sees them
 * @dif: index of the device it came by; 0: there is no segment, any will do
 *
 * Context: rcu_read_lock().
 * Return: the flow with a reference, or NULL.
 */
struct toytcp_flow *toytcp_demux_lookup(struct net *net,
					const struct toytcp_flow_key *key,
					int dif)
{
	struct toytcp_flow *flow = lookup(toytcp_net(net), key, dif);

	return flow && toytcp_flow_get(flow) ? flow : NULL;
}

/**
 * toytcp_demux_peek() - the connection of a segment, for a look
 * @tn: the namespace's state
 * @key: the segment's ends
 *
 * Context: rcu_read_lock().
 * Return: the full socket, without a reference, or NULL: none, or a request or
 * time-wait.
 */
struct sock *toytcp_demux_peek(struct toytcp_net *tn,
			       const struct toytcp_flow_key *key)
{
	struct toytcp_flow *flow;

	flow = rhashtable_lookup(&tn->flows, key, flow_params);
	return flow && flow->kind == TOYTCP_FLOW_SOCK ? toytcp_flow_sk(flow) :
							NULL;
}

/**
 * toytcp_demux_is() - is this the connection of a segment?
 * @sk: a full socket that was found for it before
 * @key: the segment's ends
 *
 * One that is bound to a device is looked for again, by who knows the device.
 *
 * Context: rcu_read_lock().
 */
bool toytcp_demux_is(const struct sock *sk, const struct toytcp_flow_key *key)
{
	const struct toytcp_flow *flow = &toytcp_sk(sk)->flow;

	return READ_ONCE(flow->hashed) && key_equal(&flow->key, key) &&
	       !READ_ONCE(sk->sk_bound_dev_if);
}

/**
 * toytcp_demux_listener() - a listener for a segment
 * @net: the namespace
 * @key: the segment's ends
 * @dif: index of the device it came by
 *
 * The most specific wins: bound to the address, then bound to the device,
 * then, as with Linux, one that is not AF_INET6's.
 *
 * Context: rcu_read_lock().
 * Return: the socket, of several that share by SO_REUSEPORT any one, without a
 * reference; or NULL.
 */
struct sock *toytcp_demux_listener(struct net *net,
				   const struct toytcp_flow_key *key, int dif)
{
	struct toytcp_port *port = toytcp_port_lookup(net, ntohs(key->lport));
	const struct toytcp_listener *l;
	struct sock *best = NULL;
	int best_score = -1;

	if (!port)
		return NULL;
	hlist_for_each_entry_rcu(l, &port->listeners, node) {
		const struct toytcp_port_user *user = &toytcp_sk(l->sk)->port_user;
		int score = 0, bound = READ_ONCE(l->sk->sk_bound_dev_if);
		__be32 addr = READ_ONCE(user->addr);

		/* it may have gone to another port while we stand on it */
		if (READ_ONCE(user->port) != port)
			continue;
		if (addr && addr != key->laddr)
			continue;
		if (bound && bound != dif)
			continue;
		score = (addr ? 4 : 0) + (bound ? 2 : 0) + !toytcp_mapped(l->sk);
		if (score > best_score) {
			best = l->sk;
			best_score = score;
		}
	}
	return best;
}

/**
 * toytcp_demux_choose() - who of several that share a port has a segment
 * @sk: one of them, or a listener that does not share
 * @key: the segment's ends
 * @skb: the segment, data at the TCP header; NULL: no program looks at it
 * @hdr_len: bytes of its TCP header
 *
 * A program of BPF chooses, where one was attached, or the flow's hash, each
 * with the same chance and, with SO_INCOMING_CPU, one that wants this CPU.
 *
 * Context: rcu_read_lock().
 * Return: the socket, without a reference; NULL if a program wants nobody to
 * have it.
 */
struct sock *toytcp_demux_choose(struct sock *sk,
				 const struct toytcp_flow_key *key,
				 struct sk_buff *skb, int hdr_len)
{
	struct sock *chosen;

	if (!rcu_access_pointer(sk->sk_reuseport_cb))
		return sk;
	chosen = reuseport_select_sock(sk, flow_key_hashfn(key, 0, 0), skb,
				       hdr_len);
	if (IS_ERR(chosen))
		return NULL;
	return chosen ?: sk;
}

/**
 * toytcp_demux_claim() - is a segment ours, and whose?
 * @net: the namespace
 * @key: the segment's ends; the local address is known to be this host's if
 * a listener is what claims it (the caller checks)
 * @dif: index of the device it came by
 * @claim: filled; its tn is set already
 *
 * Context: rcu_read_lock(), in which @claim is good.
 * Return: true if a flow or a listener of ours matches.
 */
bool toytcp_demux_claim(struct net *net, const struct toytcp_flow_key *key,
			int dif, struct toytcp_claim *claim)
{
	claim->flow = lookup(claim->tn, key, dif);
	claim->listener = claim->flow ? NULL :
					toytcp_demux_listener(net, key, dif);
	return claim->flow || claim->listener;
}

/* may one segment's text follow another's as if both had come as one (GRO)? */
static bool coalesces(const struct sk_buff *tail, const struct tcphdr *tth,
		      const struct sk_buff *skb, const struct tcphdr *th)
{
	u8 flags = ((const u8 *)th)[13], before = ((const u8 *)tth)[13];
	unsigned int hdr_len = th->doff * 4;

	return tail->len > hdr_len && skb->len > hdr_len &&
	       th->doff == tth->doff &&
	       ntohl(tth->seq) + tail->len - hdr_len == ntohl(th->seq) &&
	       (flags & before & TOYTCP_ACK) &&
	       !((flags | before) & (TOYTCP_SYN | TOYTCP_RST | TOYTCP_URG)) &&
	       !(before & TOYTCP_FIN) &&
	       !((flags ^ before) & (TOYTCP_ECE | TOYTCP_CWR)) &&
	       ip_hdr(skb)->tos == ip_hdr(tail)->tos &&
	       !memcmp(tth + 1, th + 1, hdr_len - sizeof(*th));
}

/*
 * Add a segment to the last one in the backlog, which is then handled as one:
 * what device or core did not aggregate comes together here, while a program
 * copies. On success @skb is gone.
 */
static bool backlog_coalesce(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = sk->sk_backlog.tail;
	const struct tcphdr *th = tcp_hdr(skb);
	unsigned int hdr_len = th->doff * 4;
	struct tcphdr *tth;
	u32 size, segs;
	bool stolen;
	int delta;

	if (!tail)
		return false;
	tth = tcp_hdr(tail);
	if (!coalesces(tail, tth, skb, th))
		return false;
	/* the larger of the two, for the estimate of the peer's segments */
	size = max(skb_shinfo(tail)->gso_size ?: tail->len - hdr_len,
		   skb_shinfo(skb)->gso_size ?: skb->len - hdr_len);
	segs = max_t(u32, skb_shinfo(tail)->gso_segs, 1) +
	       max_t(u32, skb_shinfo(skb)->gso_segs, 1);
	__skb_pull(skb, hdr_len);
	if (!skb_try_coalesce(tail, skb, &stolen, &delta)) {
		__skb_push(skb, hdr_len);
		return false;
	}
	/* nobody shares it, or it had not been merged */
	if (!seq_before(ntohl(th->ack_seq), ntohl(tth->ack_seq))) {
		tth->ack_seq = th->ack_seq;
		tth->window = th->window;
	}
	tth->fin |= th->fin;
	tth->psh |= th->psh;
	skb_shinfo(tail)->gso_size = size;
	skb_shinfo(tail)->gso_segs = min_t(u32, segs, U16_MAX);
	if (skb->tstamp) {
		tail->tstamp = skb->tstamp;
		skb_hwtstamps(tail)->hwtstamp = skb_hwtstamps(skb)->hwtstamp;
	}
	sk->sk_backlog.len += delta;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_BACKLOG_COALESCE);
	kfree_skb_partial(skb, stolen);
	return true;
}

/**
 * toytcp_demux_backlog() - a program owns the lock: keep a segment for later
 * @sk: the socket
 * @skb: the segment; consumed on success
 *
 * Context: softirq, sk_lock.slock held.
 * Return: 0, or -ENOBUFS if the backlog is full.
 */
int toytcp_demux_backlog(struct sock *sk, struct sk_buff *skb)
{
	/*
	 * Twice the buffer: what was promised may lie here as well as in the
	 * queue, and the backlog's length is not set back before all of it is
	 * done. The rest is for ACKs. As Linux.
	 */
	u64 limit = 2ull * READ_ONCE(sk->sk_rcvbuf) +
		    (READ_ONCE(sk->sk_sndbuf) >> 1) + 64 * 1024;

	/* neither is referenced while the segment waits, nor needed */
	skb_dst_drop(skb);
	skb->dev = NULL;
	compat_skb_condense(skb);
	if (sk->sk_state != TCP_LISTEN && backlog_coalesce(sk, skb))
		return 0;
	return sk_add_backlog(sk, skb, min_t(u64, limit, UINT_MAX));
}

/* one segment under the lock of what it belongs to */
static void deliver(struct sock *sk, struct toytcp_seg *seg,
		    const struct toytcp_flow_key *key)
{
	struct net *net = sock_net(sk);
	u32 len = seg->skb->len;

	/* RFC 5082: from so near, or not at all */
	if (ip_hdr(seg->skb)->ttl < READ_ONCE(inet_sk(sk)->min_ttl)) {
		toytcp_drop(net, seg->skb, TOYTCP_DROP_MIN_TTL);
		return;
	}
	/* a filter may cut text off, never the header */
	if (sk_filter_trim_cap(sk, seg->skb, seg->hdr_len) ||
	    (seg->skb->len != len && toytcp_seg_init(seg, seg->skb))) {
		toytcp_drop(net, seg->skb, TOYTCP_DROP_FILTER);
		return;
	}
	/* a listener's, or of what is about to be one, is what the program said */
	if (!(BIT(sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE)))
		sk_incoming_cpu_update(sk);
	/* pairs with toytcp_state_set() */
	if (smp_load_acquire(&sk->sk_state) == TCP_LISTEN) {
		toytcp_listen_rcv(sk, seg);
		return;
	}
	bh_lock_sock_nested(sk);
	if (sock_owned_by_user(sk)) {
		if (toytcp_demux_backlog(sk, seg->skb))
			toytcp_drop(net, seg->skb, TOYTCP_DROP_BACKLOG);
	} else if (sk->sk_state == TCP_LISTEN) {
		/* since just now */
		toytcp_listen_rcv(sk, seg);
	} else if (!key_equal(&toytcp_sk(sk)->flow.key, key)) {
		/* disconnected since the lookup, and connected elsewhere */
		toytcp_drop(net, seg->skb, TOYTCP_DROP_NO_SOCKET);
	} else {
		toytcp_ipv4_rx_route(sk, seg->skb);
		toytcp_rcv(sk, seg);
	}
	bh_unlock_sock(sk);
}

static void deliver_listener(struct net *net, struct sock *sk,
			     struct toytcp_seg *seg,
			     const struct toytcp_flow_key *key)
{
	if (sk)
		sk = toytcp_demux_choose(sk, key, seg->skb, seg->hdr_len);
	if (!sk || !refcount_inc_not_zero(&sk->sk_refcnt)) {
		toytcp_reply_reset(net, seg, NULL);
		toytcp_drop(net, seg->skb, TOYTCP_DROP_NO_SOCKET);
		return;
	}
	deliver(sk, seg, key);
	sock_put(sk);
}

/**
 * toytcp_demux_rcv() - a checked segment enters the engine
 * @net: the namespace
 * @claim: what it belongs to if that was looked up, or NULL
 * @skb: the segment, data at the TCP header, checksum good; consumed
 * @key: its ends
 * @dif: index of the device it came by
 *
 * Context: softirq, rcu_read_lock().
 */
void toytcp_demux_rcv(struct net *net, const struct toytcp_claim *claim,
		      struct sk_buff *skb, const struct toytcp_flow_key *key,
		      int dif)
{
	struct toytcp_claim found;
	struct toytcp_flow *flow;
	struct toytcp_seg seg COMPAT_UNINITIALIZED;

	TOYTCP_CB(skb)->tw_isn = 0;
	TOYTCP_CB(skb)->dif = dif;
	if (toytcp_seg_init(&seg, skb)) {
		toytcp_drop(net, skb, TOYTCP_DROP_HDR);
		return;
	}
	toytcp_net_stats_add(claim ? claim->tn : toytcp_net(net),
			     TOYTCP_MIB_IN_NO_ECT_PKTS + seg.ecn,
			     max_t(u32, skb_shinfo(skb)->gso_segs, 1));
	/* unknown, or gone in the meantime: then there may be a successor */
	if (!claim || (claim->flow && !toytcp_flow_get(claim->flow))) {
		found.flow = toytcp_demux_lookup(net, key, dif);
		found.listener = found.flow ? NULL :
					toytcp_demux_listener(net, key, dif);
		claim = &found;
	}
	flow = claim->flow;
	if (!flow) {
		deliver_listener(net, claim->listener, &seg, key);
		return;
	}
	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		deliver(toytcp_flow_sk(flow), &seg, key);
		break;
	case TOYTCP_FLOW_REQ:
		deliver(container_of(flow, struct toytcp_req, flow)->listener,
			&seg, key);
		break;
	case TOYTCP_FLOW_TW:
		if (toytcp_timewait_rcv(container_of(flow, struct toytcp_tw,
						     flow), &seg,
					toytcp_demux_listener(net, key, dif)))
			deliver_listener(net,
					 toytcp_demux_listener(net, key, dif),
					 &seg, key);
		break;
	}
	toytcp_flow_put(flow);
}
