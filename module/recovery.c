// SPDX-License-Identifier: GPL-2.0
/*
 * What was lost: the scoreboard, fast recovery, and recovery by timeout.
 *
 * Engine (layer 1). Locks: the socket's. RFC 5681 (fast retransmit), RFC 6582
 * (NewReno), RFC 2018 and 6675 (SACK), RFC 6937 (PRR), RFC 6298 (timeout).
 *
 * Every buffer of rtx_queue has marks: SACKED (the peer has it), LOST
 * (believed lost), RETRANS (sent again since). From the counts of marked
 * segments follows the estimate of what is in the network (RFC 6675 "pipe"):
 *
 *	in_flight = packets_out - sacked_out - lost_out + retrans_out
 *
 * and whatever marks a segment lost, the same loop sends it again as the
 * congestion window allows. A peer without SACK tells no more than that
 * something arrived: each duplicate ACK then counts as one segment SACKed,
 * without saying which (as Linux does).
 */
#include <net/tcp.h>

#include "compat.h"
#include "seq.h"
#include "sock.h"

/* what one ACK brought */
struct ack_result {
	u32 acked_segs;		/* segments cumulatively acknowledged */
	u32 delivered_segs;	/* segments that left the network, SACK counted */
	u32 rtt_us;		/* sample; 0: none */
	u32 prior_in_flight;	/* in_flight before it, segments */
};

/**
 * toytcp_recovery_reset() - forget everything about losses
 * @ts: the socket; rtx_queue is empty or about to be
 *
 * Context: socket lock held, or not yet visible.
 */
void toytcp_recovery_reset(struct toytcp_sock *ts)
{
	ts->recovery = TOYTCP_OPEN;
	ts->dupacks = 0;
	ts->retransmits = 0;
	ts->packets_out = 0;
	ts->sacked_out = 0;
	ts->lost_out = 0;
	ts->retrans_out = 0;
}

/* take a mark's segments out of its count */
static void unmark(struct toytcp_sock *ts, struct sk_buff *skb, u8 marks)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

	marks &= cb->mark;
	if (marks & TOYTCP_SKB_SACKED)
		ts->sacked_out -= cb->segs;
	if (marks & TOYTCP_SKB_LOST)
		ts->lost_out -= cb->segs;
	if (marks & TOYTCP_SKB_RETRANS)
		ts->retrans_out -= cb->segs;
	cb->mark &= ~marks;
}

static void mark_lost(struct toytcp_sock *ts, struct sk_buff *skb)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

	if (cb->mark & (TOYTCP_SKB_LOST | TOYTCP_SKB_SACKED))
		return;
	cb->mark |= TOYTCP_SKB_LOST;
	ts->lost_out += cb->segs;
}

/* remove from rtx_queue what snd_una has passed */
static void clean_rtx_queue(struct sock *sk, struct ack_result *res)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 now = toytcp_now_us();
	struct rb_node *node;
	bool sampled = false;

	while ((node = rb_first(&ts->rtx_queue))) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		if (!seq_before(cb->seq, ts->snd_una))
			break;
		if (seq_after(cb->end_seq, ts->snd_una)) {
			u32 done = ts->snd_una - cb->seq;

			/*
			 * Part of a GSO buffer: cut at the mark and go on. If
			 * only the FIN is left, one byte stays with it.
			 */
			if (skb->len)
				done = min_t(u32, done, skb->len - 1);
			if (!done ||
			    toytcp_output_split(sk, skb, done, GFP_ATOMIC))
				break;
		}
		/* Karn: what was sent twice gives no sample; the oldest one counts */
		if (cb->mark & TOYTCP_SKB_EVER_RETRANS)
			sampled = true;
		if (!sampled && !(cb->mark & TOYTCP_SKB_SACKED)) {
			res->rtt_us = clamp_t(u64, now - cb->xmit_us, 1,
					      U32_MAX);
			sampled = true;
		}
		res->acked_segs += cb->segs;
		if (!(cb->mark & TOYTCP_SKB_SACKED))
			res->delivered_segs += cb->segs;
		unmark(ts, skb, TOYTCP_SKB_SACKED | TOYTCP_SKB_LOST |
		       TOYTCP_SKB_RETRANS);
		ts->packets_out -= cb->segs;
		rb_erase(node, &ts->rtx_queue);
		toytcp_output_free(sk, skb);
	}
	if (ts->sack_ok)
		return;
	/* without SACK: so many of the "SACKed" are now known to be these */
	if (res->acked_segs) {
		res->delivered_segs = max_t(int, 1, res->acked_segs -
					    ts->sacked_out);
		ts->sacked_out -= min(ts->sacked_out, res->acked_segs - 1);
	}
	ts->sacked_out = min(ts->sacked_out, ts->packets_out);
}

/* RTT from this ACK, by the queue's own stamps or by the echoed timestamp */
static void rtt_sample(struct toytcp_sock *ts, const struct toytcp_seg *seg,
		       struct ack_result *res)
{
	if (!res->rtt_us && res->acked_segs && ts->ts_ok && seg->opt.has_ts &&
	    seg->opt.tsecr) {
		u32 ms = toytcp_ts_now(ts->ts_offset) - seg->opt.tsecr;

		/* RFC 7323 section 4: valid even for what was sent twice */
		if (ms < TOYTCP_RTO_MAX_US / 1000)
			res->rtt_us = max(ms, 1u) * 1000;
	}
	if (!res->rtt_us)
		return;
	toytcp_rtt_sample(&ts->rtt, res->rtt_us);
	toytcp_rtt_backoff_reset(&ts->rtt);
}

/* how a buffer was cut on the wire; the MSS may have changed since */
static u32 wire_mss(const struct toytcp_sock *ts, const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_size ?: ts->mss;
}

/* mark what lies in [start, end) as SACKed; cuts buffers at whole segments */
static u32 sack_mark(struct sock *sk, u32 start, u32 end)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = ts->rtx_queue.rb_node, *first = NULL;
	u32 delivered = 0;

	/* the last buffer that begins at or before start */
	while (node) {
		if (seq_leq(TOYTCP_CB(rb_to_skb(node))->seq, start)) {
			first = node;
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	for (node = first ?: rb_first(&ts->rtx_queue); node;
	     node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);
		u32 cut;

		if (!seq_before(cb->seq, end))
			break;
		if (cb->mark & TOYTCP_SKB_SACKED ||
		    !seq_after(cb->end_seq, start))
			continue;
		if (seq_before(cb->seq, start)) {
			cut = roundup(start - cb->seq, wire_mss(ts, skb));
			if (cut < skb->len)
				toytcp_output_split(sk, skb, cut, GFP_ATOMIC);
			continue;
		}
		if (seq_after(cb->end_seq, end)) {
			cut = rounddown(end - cb->seq, wire_mss(ts, skb));
			if (!cut || cut >= skb->len ||
			    toytcp_output_split(sk, skb, cut, GFP_ATOMIC))
				break;
		}
		unmark(ts, skb, TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS);
		cb->mark |= TOYTCP_SKB_SACKED;
		ts->sacked_out += cb->segs;
		delivered += cb->segs;
	}
	return delivered;
}

/* the blocks of one ACK; those that make no sense are ignored (RFC 2018 4) */
static void sack_blocks(struct sock *sk, const struct toytcp_seg *seg,
			struct ack_result *res)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int i;

	for (i = 0; i < seg->opt.n_sacks; i++) {
		const struct toytcp_sack_block *b = &seg->opt.sacks[i];

		/* a D-SACK (RFC 2883), a stale block, or nonsense */
		if (!seq_before(b->start, b->end) ||
		    !seq_after(b->end, ts->snd_una) ||
		    seq_before(b->start, ts->snd_una) ||
		    seq_after(b->end, ts->snd_nxt))
			continue;
		res->delivered_segs += sack_mark(sk, b->start, b->end);
	}
}

/* RFC 6675 IsLost(): more than DupThresh - 1 full segments beyond it are SACKed */
static void sack_mark_lost(struct toytcp_sock *ts)
{
	u32 limit = (TOYTCP_DUPACK_THRESH - 1) * ts->mss, sacked = 0;
	struct rb_node *node;

	if (!ts->sacked_out)
		return;
	for (node = rb_last(&ts->rtx_queue); node; node = rb_prev(node)) {
		struct sk_buff *skb = rb_to_skb(node);

		if (TOYTCP_CB(skb)->mark & TOYTCP_SKB_SACKED)
			sacked += skb->len;
		else if (sacked > limit)
			mark_lost(ts, skb);
	}
}

static void head_mark_lost(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_first(&ts->rtx_queue);
	struct sk_buff *skb;

	if (!node)
		return;
	skb = rb_to_skb(node);
	if (TOYTCP_CB(skb)->mark & TOYTCP_SKB_SACKED)
		return;
	/* only the first segment is known to be missing */
	if (skb->len > ts->mss &&
	    toytcp_output_split(sk, skb, ts->mss, GFP_ATOMIC))
		return;
	if (TOYTCP_CB(skb)->mark & TOYTCP_SKB_RETRANS)
		return;
	mark_lost(ts, skb);
}

/* @flight: FlightSize of RFC 5681: what is outstanding, SACKed or not */
static void enter_recovery(struct sock *sk, u32 flight)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->cong.ssthresh_segs = ts->cong.ops->ssthresh(&ts->cong, flight,
							toytcp_now_us());
	ts->cong.cwnd_cnt = 0;
	ts->recovery = TOYTCP_RECOVERY;
	ts->recover = ts->snd_nxt;
	ts->recover_fs = max(flight, 1u);
	ts->prr_delivered = 0;
	ts->prr_out = 0;
	toytcp_stats_inc(sock_net(sk), ts->sack_ok ? TOYTCP_MIB_SACK_RECOVERY :
						     TOYTCP_MIB_RENO_RECOVERY);
}

/*
 * Everything sent before recovery began is acknowledged. Without SACK one
 * more byte must be: duplicate ACKs of needless retransmissions look like new
 * losses (RFC 6582 section 3.2).
 */
static bool recovered(const struct toytcp_sock *ts)
{
	if (ts->sack_ok || !ts->packets_out)
		return seq_geq(ts->snd_una, ts->recover);
	return seq_after(ts->snd_una, ts->recover);
}

static void leave_recovery(struct toytcp_sock *ts)
{
	if (ts->recovery == TOYTCP_RECOVERY)
		ts->cong.cwnd_segs = max(ts->cong.ssthresh_segs, 2u);
	ts->recovery = TOYTCP_OPEN;
	ts->dupacks = 0;
	if (!ts->sack_ok)
		ts->sacked_out = 0;
}

/* RFC 6937 with the slow-start reduction bound */
static void prr_update(struct toytcp_sock *ts, u32 delivered)
{
	u32 pipe = toytcp_in_flight(ts), ssthresh = ts->cong.ssthresh_segs;
	s32 sndcnt;

	ts->prr_delivered += delivered;
	if (pipe > ssthresh) {
		u64 share = (u64)ts->prr_delivered * ssthresh +
			    ts->recover_fs - 1;

		sndcnt = (s32)div_u64(share, ts->recover_fs) - (s32)ts->prr_out;
	} else {
		s32 room = (s32)ts->prr_delivered - (s32)ts->prr_out;

		sndcnt = min_t(s32, ssthresh - pipe,
			       max_t(s32, room, delivered) + 1);
	}
	/* the first retransmission goes at once */
	sndcnt = max(sndcnt, ts->prr_out ? 0 : 1);
	ts->cong.cwnd_segs = max(pipe + sndcnt, 1u);
}

/* is there reason to think that something was lost? */
static bool loss_detected(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->sack_ok) {
		sack_mark_lost(ts);
		/* small segments: DupThresh of them count as well */
		if (!ts->lost_out && ts->sacked_out >= TOYTCP_DUPACK_THRESH)
			head_mark_lost(sk);
		return ts->lost_out;
	}
	return ts->dupacks >= TOYTCP_DUPACK_THRESH;
}

static void window_grow(struct toytcp_sock *ts, const struct ack_result *res)
{
	struct toytcp_cong_ack ack = {
		.acked_segs = res->delivered_segs,
		.in_flight_segs = res->prior_in_flight,
		.rtt_us = res->rtt_us,
		.now_us = toytcp_now_us(),
		.cwnd_limited = ts->cwnd_limited ||
				res->prior_in_flight >= ts->cong.cwnd_segs,
	};

	if (ack.acked_segs)
		ts->cong.ops->cong_avoid(&ts->cong, &ack);
}

/* the queue is shorter: does somebody wait for that? */
static void wake_writers(struct sock *sk)
{
	smp_mb(); /* pairs with smp_mb__after_atomic() in toytcp_poll() */
	if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		sk->sk_write_space(sk);
}

/**
 * toytcp_recovery_acked() - take in an acceptable ACK
 * @sk: the socket; snd_una is already the ACK's
 * @seg: the segment
 * @prior_una: snd_una before it
 * @window_changed: the segment changed snd_wnd
 *
 * Context: socket lock held.
 */
void toytcp_recovery_acked(struct sock *sk, const struct toytcp_seg *seg,
			   u32 prior_una, bool window_changed)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct ack_result res = { .prior_in_flight = toytcp_in_flight(ts) };
	bool advanced = ts->snd_una != prior_una;

	if (!ts->packets_out)
		return;
	if (ts->sack_ok)
		sack_blocks(sk, seg, &res);
	if (advanced) {
		clean_rtx_queue(sk, &res);
		rtt_sample(ts, seg, &res);
		ts->retransmits = 0;
		ts->dupacks = 0;
		if (!ts->sack_ok && ts->recovery != TOYTCP_RECOVERY)
			ts->sacked_out = 0;
	} else if (!ts->sack_ok && !seg->len && !window_changed &&
		   !(seg->flags & (TOYTCP_SYN | TOYTCP_FIN))) {
		/* RFC 5681 section 2: a duplicate ACK */
		if (ts->dupacks < U8_MAX)
			ts->dupacks++;
		if (ts->sacked_out + ts->lost_out < ts->packets_out) {
			ts->sacked_out++;
			res.delivered_segs++;
		}
	}

	if (ts->recovery != TOYTCP_OPEN && recovered(ts))
		leave_recovery(ts);

	switch (ts->recovery) {
	case TOYTCP_OPEN:
		if (!loss_detected(sk)) {
			window_grow(ts, &res);
			break;
		}
		enter_recovery(sk, ts->packets_out);
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_FAST_RETRANS);
		if (!ts->sack_ok)
			head_mark_lost(sk);
		prr_update(ts, res.delivered_segs);
		break;
	case TOYTCP_RECOVERY:
		if (ts->sack_ok)
			sack_mark_lost(ts);
		/* a partial ACK names the next hole (RFC 6582), with SACK as well */
		if (advanced)
			head_mark_lost(sk);
		prr_update(ts, res.delivered_segs);
		break;
	case TOYTCP_LOSS:
		if (res.acked_segs)
			window_grow(ts, &res);
		break;
	}

	toytcp_timers_acked(sk, advanced);
	if (advanced) {
		toytcp_sock_sndbuf_expand(sk);
		wake_writers(sk);
	}
}

/**
 * toytcp_recovery_rto() - the retransmission timer expired
 * @sk: the socket, with data outstanding
 *
 * RFC 5681 3.1 and RFC 6298 5.4 to 5.6: everything outstanding counts as
 * lost, the window is one segment, the first is sent again.
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_recovery_rto(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct ack_result res = {};
	struct rb_node *node;
	bool reneged;

	/* what an ACK could not cut off for want of memory */
	clean_rtx_queue(sk, &res);
	if (res.acked_segs)
		wake_writers(sk);
	node = rb_first(&ts->rtx_queue);
	if (!node)
		return;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_TIMEOUTS);
	/* ssthresh once a loss event: not again for the same data (RFC 5681) */
	if (ts->recovery == TOYTCP_OPEN || seq_geq(ts->snd_una, ts->recover))
		ts->cong.ssthresh_segs =
			ts->cong.ops->ssthresh(&ts->cong, ts->packets_out,
					       toytcp_now_us());
	ts->cong.cwnd_segs = 1;
	ts->cong.cwnd_cnt = 0;
	if (ts->cong.ops->rto)
		ts->cong.ops->rto(&ts->cong, toytcp_now_us());
	ts->recovery = TOYTCP_LOSS;
	ts->recover = ts->snd_nxt;
	ts->dupacks = 0;
	if (!ts->sack_ok)
		ts->sacked_out = 0;
	/* the peer has thrown away what it had SACKed (RFC 2018 section 8) */
	reneged = TOYTCP_CB(rb_to_skb(node))->mark & TOYTCP_SKB_SACKED;
	for (; node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);

		unmark(ts, skb, TOYTCP_SKB_RETRANS |
		       (reneged ? TOYTCP_SKB_SACKED : 0));
		mark_lost(ts, skb);
	}
	toytcp_recovery_xmit(sk);
}

/**
 * toytcp_recovery_mtu() - the path carries less than was sent: send again
 * @sk: the socket; mss is already the smaller one
 *
 * What exceeds the new MSS was dropped by a router, not by congestion: it
 * goes again without a change of the window (RFC 1191 section 6.5).
 *
 * Context: socket lock held.
 */
void toytcp_recovery_mtu(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);
		u32 size = skb_shinfo(skb)->gso_size ?: skb->len;

		if (size <= ts->mss)
			continue;
		unmark(ts, skb, TOYTCP_SKB_RETRANS);
		mark_lost(ts, skb);
	}
	if (ts->lost_out && ts->recovery == TOYTCP_OPEN) {
		ts->recovery = TOYTCP_LOSS;
		ts->recover = ts->snd_nxt;
	}
	toytcp_recovery_xmit(sk);
}

/**
 * toytcp_recovery_xmit() - send again what is lost, as the window allows
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_recovery_xmit(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_first(&ts->rtx_queue);
	u32 left = ts->lost_out;

	/* lost_out counts those sent again, too: they stay lost until acked */
	while (node && left) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		if (!(cb->mark & TOYTCP_SKB_LOST)) {
			node = rb_next(node);
			continue;
		}
		if (!(cb->mark & TOYTCP_SKB_RETRANS)) {
			u32 before = ts->lost_out;

			if (toytcp_in_flight(ts) >= ts->cong.cwnd_segs ||
			    toytcp_output_retransmit(sk, skb))
				break;
			/* it may have been cut into more segments than before */
			left += ts->lost_out - before;
			toytcp_stats_inc(sock_net(sk),
					 ts->recovery == TOYTCP_LOSS ?
					 TOYTCP_MIB_SLOW_START_RETRANS :
					 TOYTCP_MIB_FAST_RETRANS);
		}
		left -= min_t(u32, left, cb->segs);
		node = rb_next(node);
	}
}
