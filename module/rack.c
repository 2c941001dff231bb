// SPDX-License-Identifier: GPL-2.0
/*
 * RACK-TLP: what is lost, by time (RFC 8985).
 *
 * Engine (layer 1). Locks: the socket's. As Linux's tcp_recovery.c and its
 * loss probes, where RFC and Linux differ (named at the place).
 *
 * RACK: a segment is lost when another that was sent later has arrived, and a
 * round trip and a reordering window have passed since it was sent. That
 * finds lost retransmissions as well, which counting of duplicate ACKs cannot,
 * and small segments count as large ones do. What is not yet old enough to
 * be lost is looked at again by the timer (TOYTCP_RTX_REO).
 *
 * TLP: where nothing comes after the lost, nobody can report that. Two round
 * trips after the last transmission the last segment goes again, or a new one
 * (TOYTCP_RTX_TLP); its SACK tells RACK what is missing. If the probe itself
 * repairs the loss, the window is reduced all the same (tlp_acked).
 */
#include <linux/jiffies.h>

#include "recovery.h"
#include "seq.h"
#include "window.h"

#define REO_WND_MULT_MAX	255
#define REO_WND_PERSIST		16	/* recoveries, RFC 8985 6.2 step 4 */
#define TIMEOUT_MIN_US		2000u	/* slack for timers, Linux's TCP_TIMEOUT_MIN_US */

/* was it sent before what RACK knows to have arrived? */
static bool sent_before(const struct toytcp_sock *ts,
			const struct toytcp_skb_cb *cb)
{
	return cb->xmit_us < ts->rack.xmit_us ||
	       (cb->xmit_us == ts->rack.xmit_us &&
		seq_before(cb->end_seq, ts->rack.end_seq));
}

/*
 * Something that was sent again has arrived: the original, by the echoed
 * timestamp? Then its round trip is known, to a millisecond, though not what
 * of all that is still out was sent before it.
 */
static bool original_arrived(struct toytcp_sock *ts, const struct toytcp_skb_cb *cb,
			     const struct toytcp_ack *ack)
{
	u32 ms = toytcp_ts_at(ts, ack->now_us) - ack->tsecr;

	if (!ack->tsecr || ms >= TOYTCP_RTO_MAX_US / 1000 ||
	    !seq_before(ack->tsecr, toytcp_ts_at(ts, cb->xmit_us)))
		return false;
	ts->rack.advanced = true;
	ts->rack.rtt_us = (ms + 1) * USEC_PER_MSEC;
	return true;
}

/**
 * toytcp_rack_delivered() - RACK_update(): a buffer has arrived
 * @ts: the socket
 * @cb: the buffer, its marks still those of before
 * @ack: the ACK that says so
 *
 * RFC 8985 6.2 steps 1 and 2. Where an original was only late RACK.rtt becomes
 * its round trip: with that of something which had overtaken it, all that was sent at
 * its time would count as lost again, just after an undo.
 *
 * Context: socket lock held.
 */
void toytcp_rack_delivered(struct toytcp_sock *ts, const struct toytcp_skb_cb *cb,
			   const struct toytcp_ack *ack)
{
	u64 rtt_us = toytcp_sent_ago_us(cb, ack->now_us);

	/* or, without timestamps: it came too soon for the retransmission */
	if (unlikely(cb->mark & TOYTCP_SKB_EVER_RETRANS) &&
	    (original_arrived(ts, cb, ack) || rtt_us < ts->rtt.min_us))
		return;
	ts->rack.advanced = true;
	ts->rack.rtt_us = min_t(u64, rtt_us, U32_MAX);
	if (cb->xmit_us < ts->rack.xmit_us ||
	    (cb->xmit_us == ts->rack.xmit_us &&
	     !seq_after(cb->end_seq, ts->rack.end_seq)))
		return;
	ts->rack.xmit_us = cb->xmit_us;
	ts->rack.end_seq = cb->end_seq;
}

/* RFC 8985 6.2 step 4 */
static u32 reo_wnd_us(const struct toytcp_sock *ts, bool timed_out)
{
	u32 min_us = ts->rtt.min_us == U32_MAX ? 0 : ts->rtt.min_us;

	if (!ts->rack.reordering_seen) {
		if (ts->recovery >= TOYTCP_RECOVERY)
			return 0;
		/* as Linux: who waited for the timer has seen the settling */
		if (ts->sacked_out >= TOYTCP_DUPACK_THRESH && !timed_out)
			return 0;
	}
	return min(min_us / 4 * ts->rack.reo_wnd_mult, ts->rtt.srtt_us8 >> 3);
}

/**
 * toytcp_rack_remaining_us() - how long until a buffer counts as lost
 * @ts: the socket
 * @cb: the buffer
 * @reo_wnd_us: reordering window, microseconds
 * @now_us: the engine's clock
 *
 * Context: socket lock held.
 * Return: microseconds; 0 or less: it is.
 */
s64 toytcp_rack_remaining_us(const struct toytcp_sock *ts,
			     const struct toytcp_skb_cb *cb, u32 reo_wnd_us,
			     u64 now_us)
{
	return (s64)ts->rack.rtt_us + reo_wnd_us - (s64)(now_us - cb->xmit_us);
}

/**
 * toytcp_rack_detect() - RACK_detect_loss(): mark what is lost
 * @ts: the socket, SACK in use
 * @timed_out: called by the reordering timer
 *
 * RFC 8985 6.2 step 5. Costs what it finds, and one more: sent_queue is in
 * the order of transmission.
 *
 * Context: socket lock held.
 * Return: microseconds until it should be asked again; 0: no need.
 */
u64 toytcp_rack_detect(struct toytcp_sock *ts, bool timed_out)
{
	u32 wnd_us = reo_wnd_us(ts, timed_out);
	u64 now_us = ts->now_us, wait_us = 0;
	struct toytcp_skb_cb *cb, *next;

	if (!ts->rack.advanced && !timed_out)
		return 0;
	ts->rack.advanced = false;
	list_for_each_entry_safe(cb, next, &ts->sent_queue, sent) {
		s64 remaining_us;

		if (!sent_before(ts, cb))
			break;
		remaining_us = toytcp_rack_remaining_us(ts, cb, wnd_us, now_us);
		/* the oldest decides; the timer then asks for the next */
		if (remaining_us > 0) {
			wait_us = remaining_us;
			break;
		}
		toytcp_scoreboard_lost(ts, toytcp_cb_skb(cb));
	}
	return wait_us ? wait_us + TIMEOUT_MIN_US : 0;
}

/**
 * toytcp_rack_adapt() - were retransmissions needless? Then be more patient
 * @ts: the socket; delivered counts @ack already
 * @ack: the ACK
 *
 * RFC 8985 6.2 step 4: once a round trip, and that is, as with Linux, when
 * something arrives that was sent since the last time.
 *
 * Context: socket lock held.
 */
void toytcp_rack_adapt(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	struct toytcp_rack *r = &ts->rack;

	if (unlikely(ack->dsack) && !ack->dsack_tlp && r->reordering_seen)
		r->dsack_seen = true;
	if (likely(!r->dsack_seen) || !ack->rs.valid)
		return;
	r->dsack_seen = false;
	if (r->reo_wnd_mult > 1 &&
	    seq_before(ack->rs.prior_delivered, r->dsack_delivered))
		return;
	r->dsack_delivered = ts->delivered;
	if (r->reo_wnd_mult < REO_WND_MULT_MAX)
		r->reo_wnd_mult++;
	r->reo_wnd_persist = REO_WND_PERSIST;
}

/**
 * toytcp_rack_recovered() - a recovery has ended, and was none without reason
 * @ts: the socket
 *
 * What is undone says nothing against patience (Linux).
 *
 * Context: socket lock held.
 */
void toytcp_rack_recovered(struct toytcp_sock *ts)
{
	if (ts->rack.reo_wnd_persist && --ts->rack.reo_wnd_persist)
		return;
	ts->rack.reo_wnd_mult = 1;
}

/**
 * toytcp_rack_pto_us() - when to probe for a loss at the tail
 * @sk: the socket, with data outstanding
 *
 * RFC 8985 7.2, with Linux's allowance for a delayed ACK (the least RTO).
 *
 * Context: socket lock held.
 * Return: microseconds from now; 0: no probe.
 */
u64 toytcp_rack_pto_us(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	u32 srtt_us = ts->rtt.srtt_us8 >> 3;

	if (READ_ONCE(ctl->early_retrans) < 3 || !ts->sack_ok ||
	    !ts->packets_out || !srtt_us || ts->tlp_pending ||
	    ts->recovery >= TOYTCP_RECOVERY || ts->sacked_out ||
	    toytcp_handshaking(sk))
		return 0;
	return 2ull * srtt_us +
	       (ts->packets_out == 1 ? ts->rtt.rto_min_us : TIMEOUT_MIN_US);
}

/**
 * toytcp_rack_probe() - send the loss probe
 * @sk: the socket, with data outstanding
 *
 * RFC 8985 7.3: a segment of new data, or the last one sent once more. The
 * congestion window does not forbid it.
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_rack_probe(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_last(&ts->rtx_queue);
	struct sk_buff *skb;
	u32 high = ts->snd_nxt, whole;

	if (!node || ts->tlp_pending)
		return;
	ts->tlp_retrans = false;
	if (!toytcp_output_probe_new(sk)) {
		skb = rb_to_skb(node);
		whole = rounddown(skb->len - 1, ts->mss);
		if (skb->len > ts->mss && whole &&
		    !toytcp_sendq_split(sk, skb, whole, GFP_ATOMIC))
			skb = rb_to_skb(rb_last(&ts->rtx_queue));
		if (skb->len > ts->mss || toytcp_output_retransmit(sk, skb))
			return;
		ts->tlp_retrans = true;
	} else {
		high = ts->snd_nxt;
	}
	ts->tlp_pending = true;
	ts->tlp_high_seq = high;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_LOSS_PROBES);
}

/**
 * toytcp_rack_tlp_acked() - what does an ACK say about the loss probe?
 * @ts: the socket, its probe not yet answered
 * @ack: the ACK
 * @window_changed: it changed snd_wnd
 *
 * RFC 8985 7.4.2.
 *
 * Context: socket lock held.
 * Return: whether the probe has repaired a loss, which then is a congestion
 * signal.
 */
bool toytcp_rack_tlp_acked(struct toytcp_sock *ts, const struct toytcp_ack *ack,
			   bool window_changed)
{
	if (seq_before(ts->snd_una, ts->tlp_high_seq))
		return false;
	if (!ts->tlp_retrans || ack->dsack_tlp) {
		/* new data arrived; or both the original and the probe did */
		ts->tlp_pending = false;
	} else if (seq_after(ts->snd_una, ts->tlp_high_seq)) {
		/* beyond it, and no duplicate was reported: the original was lost */
		ts->tlp_pending = false;
		return true;
	} else if (!ack->advanced && !ack->sacked && !window_changed) {
		/* a duplicate ACK is the answer to a duplicate */
		ts->tlp_pending = false;
	}
	return false;
}
