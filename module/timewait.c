// SPDX-License-Identifier: GPL-2.0
/*
 * TIME_WAIT: the port is kept for 60 s, so that no late segment, and above
 * all no retransmitted FIN, meets a new connection.
 *
 * Engine (layer 1). Locks: struct toytcp_tw.lock. RFC 9293 3.10.7.4, RFC 1337
 * (a reset does not end it), RFC 6191 (a newer SYN may).
 */
#include <linux/slab.h>
#include <net/inet_ecn.h>
#include <net/tcp.h>

#include "compat.h"
#include "ipv4.h"
#include "seq.h"
#include "sock.h"
#include "timewait.h"
#include "window.h"

static struct kmem_cache *tw_cache;

/**
 * toytcp_timewait_init() - module load
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_timewait_init(void)
{
	tw_cache = KMEM_CACHE(toytcp_tw, 0);
	return tw_cache ? 0 : -ENOMEM;
}

/**
 * toytcp_timewait_exit() - module unload, after rcu_barrier()
 *
 * Context: process.
 */
void toytcp_timewait_exit(void)
{
	kmem_cache_destroy(tw_cache);
}

static void tw_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(tw_cache, container_of(rcu, struct toytcp_tw, rcu));
}

/**
 * toytcp_timewait_free() - the last reference is gone
 * @tw: the remnant
 *
 * Context: any. Called by toytcp_flow_put() only.
 */
void toytcp_timewait_free(struct toytcp_tw *tw)
{
	call_rcu(&tw->rcu, tw_free_rcu);
}

/* out of the tables, once; lock held */
static void tw_kill(struct toytcp_tw *tw)
{
	lockdep_assert_held(&tw->lock);
	if (tw->dead)
		return;
	tw->dead = true;
	toytcp_demux_remove(&tw->flow);
	toytcp_demux_list_del(&tw->flow);
	toytcp_port_release(&tw->port_user);
	atomic_dec(&tw->flow.tn->tw_count);
	if (toytcp_timer_del(&tw->timer))
		toytcp_flow_put(&tw->flow);
	toytcp_flow_put(&tw->flow);
}

static void tw_timer_fn(struct timer_list *t)
{
	struct toytcp_tw *tw = container_of(t, struct toytcp_tw, timer.timer);

	spin_lock(&tw->lock);
	tw_kill(tw);
	spin_unlock(&tw->lock);
	toytcp_flow_put(&tw->flow);
}

static void tw_arm(struct toytcp_tw *tw, u64 delay_us)
{
	refcount_inc(&tw->ref);
	if (toytcp_timer_mod(&tw->timer, toytcp_now_us(), delay_us))
		toytcp_flow_put(&tw->flow);
}

static struct toytcp_tw *tw_alloc(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_tw *tw;

	if (atomic_inc_return(&tn->tw_count) >
	    READ_ONCE(tn->sysctl.max_tw_buckets))
		goto full;
	tw = kmem_cache_zalloc(tw_cache, GFP_ATOMIC);
	if (!tw)
		goto full;
	tw->flow.kind = TOYTCP_FLOW_TW;
	tw->flow.tn = tn;
	tw->flow.key = ts->flow.key;
	refcount_set(&tw->ref, 1);
	spin_lock_init(&tw->lock);
	toytcp_timer_setup(&tw->timer, tw_timer_fn);
	tw->state = sk->sk_state == TCP_FIN_WAIT2 && !ts->got_fin ?
			    TCP_FIN_WAIT2 : TCP_TIME_WAIT;
	tw->tos = inet_sk(sk)->tos & ~INET_ECN_MASK;
	tw->mark = READ_ONCE(sk->sk_mark);
	tw->priority = READ_ONCE(sk->sk_priority);
	tw->dif = sk->sk_bound_dev_if;
	tw->snd_nxt = ts->snd_nxt;
	tw->rcv_nxt = ts->rcv_nxt;
	tw->rcv_wnd = toytcp_rcv_wnd_left(ts);
	tw->rcv_wscale = ts->wscale_ok ? ts->rcv_wscale : 0;
	tw->port_user.timewait = true;
	tw->ts_ok = ts->ts_ok;
	tw->ts_recent = ts->ts_recent;
	tw->ts_recent_s = ts->ts_recent_s;
	tw->ts_offset = ts->ts_offset;
	return tw;

full:
	atomic_dec(&tn->tw_count);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_TW_OVERFLOW);
	return NULL;
}

/*
 * RFC 9293 3.6 lets FIN_WAIT2 last for ever; Linux gives an orphan
 * net.toytcp.fin_timeout or TCP_LINGER2.
 */
static u64 lifetime_us(const struct sock *sk, const struct toytcp_tw *tw)
{
	const struct toytcp_sysctl *ctl = &toytcp_net(sock_net(sk))->sysctl;
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (tw->state != TCP_FIN_WAIT2)
		return TOYTCP_TIMEWAIT_US;
	return (ts->linger2 ?: READ_ONCE(ctl->fin_timeout)) * (u64)USEC_PER_SEC;
}

/**
 * toytcp_timewait_enter() - a connection ends in order: the remnant takes over
 * @sk: the socket in FIN_WAIT2 or CLOSING, both FINs seen and acknowledged; or
 * an orphan in FIN_WAIT2, whose peer's FIN has still to come
 *
 * The socket goes to CLOSE; its place in the tables and its port pass to the
 * remnant. Without memory, or beyond net.toytcp.max_tw_buckets, the
 * connection just ends, as Linux does.
 *
 * Context: softirq or backlog, socket lock held.
 */
void toytcp_timewait_enter(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_tw *tw = NULL;

	if (sk->sk_state != TCP_FIN_WAIT2 || ts->got_fin || ts->linger2 >= 0)
		tw = tw_alloc(sk);
	if (sk->sk_state != TCP_FIN_WAIT2 || ts->got_fin)
		toytcp_state_timewait(sk);
	if (tw) {
		local_bh_disable();
		/* nobody finds it before it is whole */
		spin_lock(&tw->lock);
		/* the socket holds its port as long as it is locked */
		toytcp_port_inherit(sock_net(sk), &tw->port_user,
				    &ts->port_user, ts->flow.key.laddr);
		if (toytcp_demux_replace(&ts->flow, &tw->flow)) {
			toytcp_port_release(&tw->port_user);
			atomic_dec(&tw->flow.tn->tw_count);
			spin_unlock(&tw->lock);
			toytcp_flow_put(&tw->flow);
		} else {
			toytcp_demux_list_add(&tw->flow);
			toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_TIME_WAITED);
			tw_arm(tw, lifetime_us(sk, tw));
			spin_unlock(&tw->lock);
		}
		local_bh_enable();
	}
	toytcp_sock_done(sk);
}

/* RFC 7323 5.3 R1: an old duplicate by its timestamp */
static bool paws_reject(const struct toytcp_tw *tw,
			const struct toytcp_seg *seg)
{
	return tw->ts_ok && seg->opt.has_ts &&
	       seq_before(seg->opt.tsval, tw->ts_recent) &&
	       toytcp_now_s() - tw->ts_recent_s <
		       TOYTCP_PAWS_IDLE_S;
}

/* RFC 7323 4.3: remember the timestamp to echo */
static void tw_ts_recent_update(struct toytcp_tw *tw,
				const struct toytcp_seg *seg)
{
	if (!tw->ts_ok || !seg->opt.has_ts)
		return;
	tw->ts_recent = seg->opt.tsval;
	tw->ts_recent_s = toytcp_now_s();
}

/* RFC 6191, and RFC 9293's MAY-2: is this SYN newer than all we have seen? */
static bool syn_is_newer(const struct toytcp_tw *tw,
			 const struct toytcp_seg *seg)
{
	if ((seg->flags & (TOYTCP_SYN | TOYTCP_RST | TOYTCP_ACK |
			   TOYTCP_FIN)) != TOYTCP_SYN || paws_reject(tw, seg))
		return false;
	if (seq_after(seg->seq, tw->rcv_nxt))
		return true;
	return tw->ts_ok && seg->opt.has_ts &&
	       seq_after(seg->opt.tsval, tw->ts_recent);
}

/* where a successor's numbers begin: above all that this connection used */
static u32 successor_isn(const struct toytcp_tw *tw)
{
	return tw->snd_nxt + 65535 + 2 ?: 1;
}

/*
 * Tell where we are; to what takes no number, and to a SYN, half a second
 * after the last time at the earliest.
 */
static void tw_dup_ack(struct toytcp_tw *tw, const struct toytcp_seg *seg)
{
	bool text = seg->end_seq != seg->seq && !(seg->flags & TOYTCP_SYN);

	if (text || toytcp_reply_allowed(&tw->last_oow_us))
		toytcp_reply_tw_ack(tw);
}

/* an orphan's FIN_WAIT2: the only welcome segment is the peer's FIN, alone */
static enum toytcp_drop_reason fin_wait2_rcv(struct toytcp_tw *tw,
					     const struct toytcp_seg *seg)
{
	if (paws_reject(tw, seg) ||
	    !toytcp_window_touches(tw->rcv_nxt, tw->rcv_wnd, seg->seq,
				   seg->end_seq - seg->seq)) {
		if (!(seg->flags & TOYTCP_RST))
			tw_dup_ack(tw, seg);
		return TOYTCP_DROP_SEQ;
	}
	if ((seg->flags & TOYTCP_RST) && seg->seq == tw->rcv_nxt) {
		tw_kill(tw);
		return TOYTCP_DROP_RESET;
	}
	if (seg->flags & (TOYTCP_RST | TOYTCP_SYN)) {
		tw_dup_ack(tw, seg);
		return seg->flags & TOYTCP_RST ? TOYTCP_DROP_RST_SEQ :
						 TOYTCP_DROP_SYN;
	}
	if (!(seg->flags & TOYTCP_ACK))
		return TOYTCP_DROP_NO_ACK;
	if (!seq_after(seg->end_seq, tw->rcv_nxt)) {
		if (seg->len)
			tw_dup_ack(tw, seg);
		return TOYTCP_DROP_NONE;
	}
	if (seg->end_seq == seg->seq)
		return TOYTCP_DROP_NONE;
	/* data that nobody will read: RFC 9293 3.6.1 (SHLD-3), as Linux */
	if (!(seg->flags & TOYTCP_FIN) || seg->end_seq != tw->rcv_nxt + 1) {
		toytcp_net_stats_add(tw->flow.tn, TOYTCP_MIB_ABORT_ON_DATA, 1);
		toytcp_reply_reset(tw->flow.tn->net, seg, &(struct toytcp_way) {
			.mark = tw->mark,
			.priority = tw->priority,
			.oif = tw->dif,
		});
		tw_kill(tw);
		return TOYTCP_DROP_AFTER_CLOSE;
	}
	tw->rcv_nxt = seg->end_seq;
	WRITE_ONCE(tw->state, TCP_TIME_WAIT);
	tw_ts_recent_update(tw, seg);
	toytcp_reply_tw_ack(tw);
	tw_arm(tw, TOYTCP_TIMEWAIT_US);
	return TOYTCP_DROP_NONE;
}

static enum toytcp_drop_reason tw_rcv(struct toytcp_tw *tw,
				      const struct toytcp_seg *seg)
{
	bool acceptable = toytcp_window_acceptable(tw->rcv_nxt, tw->rcv_wnd,
						   seg->seq,
						   seg->end_seq - seg->seq);
	bool paws = paws_reject(tw, seg);

	/* RFC 1337: a reset does not assassinate it */
	if (seg->flags & TOYTCP_RST)
		return TOYTCP_DROP_TIMEWAIT;
	/* the peer's FIN again: our last ACK was lost. ACK it, wait anew. */
	if ((seg->flags & TOYTCP_FIN) && seg->end_seq == tw->rcv_nxt && !paws) {
		toytcp_reply_tw_ack(tw);
		tw_arm(tw, TOYTCP_TIMEWAIT_US);
		return TOYTCP_DROP_NONE;
	}
	/* an ACK that changes nothing is not answered: two ends would not stop */
	if (acceptable && !paws && seg->end_seq == seg->seq &&
	    !(seg->flags & TOYTCP_SYN)) {
		if (seg->seq == tw->rcv_nxt)
			tw_ts_recent_update(tw, seg);
		return TOYTCP_DROP_NONE;
	}
	tw_dup_ack(tw, seg);
	return paws ? TOYTCP_DROP_PAWS : TOYTCP_DROP_TIMEWAIT;
}

/**
 * toytcp_timewait_rcv() - one segment for a remnant
 * @tw: the remnant, a reference held
 * @seg: the segment; its buffer is consumed unless true is returned
 * @can_open: there is a listener for a SYN; its buffer's tw_isn is set if
 * true is returned, to a sequence number above all that the old one used
 *
 * Context: softirq, rcu_read_lock().
 * Return: true if the segment is a SYN that may open the successor: the
 * remnant is gone, and a listener may have the segment.
 */
bool toytcp_timewait_rcv(struct toytcp_tw *tw, struct toytcp_seg *seg,
			 bool can_open)
{
	struct net *net = tw->flow.tn->net;
	enum toytcp_drop_reason why;

	spin_lock(&tw->lock);
	if (tw->dead) {
		spin_unlock(&tw->lock);
		toytcp_drop(net, seg->skb, TOYTCP_DROP_TIMEWAIT);
		return false;
	}
	if (can_open && tw->state == TCP_TIME_WAIT && syn_is_newer(tw, seg)) {
		TOYTCP_CB(seg->skb)->tw_isn = successor_isn(tw);
		tw_kill(tw);
		spin_unlock(&tw->lock);
		return true;
	}
	why = tw->state == TCP_TIME_WAIT ? tw_rcv(tw, seg) :
					   fin_wait2_rcv(tw, seg);
	spin_unlock(&tw->lock);
	if (why == TOYTCP_DROP_NONE)
		consume_skb(seg->skb);
	else
		toytcp_drop(net, seg->skb, why);
	return false;
}

/*
 * RFC 6191, and net.toytcp.tw_reuse as Linux has it: may a connect() begin
 * anew where the remnant ended? Timestamps must be able to tell the two apart.
 * Who asked for this port by bind() may; any other, if the sysctl says so and
 * the remnant's last second is over.
 */
static bool may_succeed(const struct toytcp_tw *tw, const struct sock *sk)
{
	int reuse = READ_ONCE(tw->flow.tn->sysctl.reuse_tw);
	const struct toytcp_flow_key *key = &tw->flow.key;

	if (tw->dead || tw->state != TCP_TIME_WAIT || !tw->ts_ok)
		return false;
	if (toytcp_sk(sk)->port_user.port)
		return true;
	if (reuse == 2 && !ipv4_is_loopback(key->laddr) &&
	    !ipv4_is_loopback(key->faddr))
		return false;
	return reuse && toytcp_now_s() !=
				tw->ts_recent_s;
}

/**
 * toytcp_timewait_succeed() - a connect() takes a remnant's place
 * @sk: the socket, with a key that the table has
 *
 * Its initial sequence number lies above all that the old connection used, so
 * that no late segment of that one is in a window of this one.
 *
 * Context: process, socket lock held.
 * Return: true if the socket has the remnant's place in the table of flows;
 * ts->iss is set.
 */
bool toytcp_timewait_succeed(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_flow *flow;
	bool taken = false;
	struct toytcp_tw *tw;

	rcu_read_lock();
	flow = toytcp_demux_lookup(sock_net(sk), &ts->flow.key, 0);
	if (flow && flow->kind == TOYTCP_FLOW_TW) {
		tw = container_of(flow, struct toytcp_tw, flow);
		spin_lock_bh(&tw->lock);
		if (may_succeed(tw, sk) &&
		    !toytcp_demux_replace(&tw->flow, &ts->flow)) {
			ts->iss = successor_isn(tw);
			tw_kill(tw);
			taken = true;
		}
		spin_unlock_bh(&tw->lock);
	}
	if (flow)
		toytcp_flow_put(flow);
	rcu_read_unlock();
	return taken;
}

/**
 * toytcp_timewait_purge() - end all of a namespace's remnants
 * @net: the namespace
 *
 * Context: process; no new ones can come.
 */
void toytcp_timewait_purge(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	struct toytcp_flow *flow;

	rcu_read_lock();
	hlist_for_each_entry_rcu(flow, &tn->all, list) {
		struct toytcp_tw *tw;

		if (flow->kind != TOYTCP_FLOW_TW)
			continue;
		tw = container_of(flow, struct toytcp_tw, flow);
		if (!toytcp_flow_get(flow))
			continue;
		spin_lock_bh(&tw->lock);
		tw_kill(tw);
		spin_unlock_bh(&tw->lock);
		toytcp_flow_put(flow);
	}
	rcu_read_unlock();
}
