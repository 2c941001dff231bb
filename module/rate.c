// SPDX-License-Identifier: GPL-2.0
/*
 * How fast the network delivers, and its least round trip.
 *
 * Engine (layer 1). Locks: the socket's. As Linux's tcp_rate.c,
 * draft-cheng-iccrg-delivery-rate-estimation.
 *
 * Each transmission notes how much had been delivered by then, and when. What
 * has been delivered since, when it arrives itself, divided by the time that
 * passed, is a sample of the delivery rate. The time is that of the ACKs or
 * that of the transmissions, whichever was longer: ACKs that were held up and
 * come together would else make it too short. While a program has nothing to
 * send, samples say little of the network: a mark (app_limited) goes with what
 * is sent until that gap, too, has been acknowledged.
 *
 * Times are the low 32 bits of the clock in microseconds: the control block of
 * a buffer has no room for more, and nothing is in flight for an hour.
 */
#include <linux/win_minmax.h>

#include "recovery.h"
#include "seq.h"

static u32 low(u64 us)
{
	return (u32)us;
}

/* @later - @earlier; 0 if they are not in that order */
static u32 delta(u32 later, u32 earlier)
{
	s32 d = later - earlier;

	return max(d, 0);
}

/**
 * toytcp_rate_init() - nothing is known of a path
 * @ts: the socket
 *
 * What is not known to be the network's limit counts as the program's.
 *
 * Context: socket lock held, or not yet visible.
 */
void toytcp_rate_init(struct toytcp_sock *ts)
{
	ts->delivered = 0;
	ts->delivered_us = 0;
	ts->first_sent_us = 0;
	ts->app_limited = U32_MAX;
	ts->rate_delivered = 0;
	ts->rate_interval_us = 0;
	ts->rate_app_limited = true;
	minmax_reset(&ts->min_rtt, 0, 0);
}

/**
 * toytcp_rate_sent() - a buffer is transmitted, for the first time or again
 * @ts: the socket
 * @cb: the buffer, xmit_us just set; counted in packets_out
 *
 * With nothing else on its way, the sample's time begins here. A SYN makes
 * none.
 *
 * Context: socket lock held.
 */
void toytcp_rate_sent(struct toytcp_sock *ts, struct toytcp_skb_cb *cb)
{
	if (ts->packets_out == cb->segs &&
	    !(cb->mark & TOYTCP_SKB_EVER_RETRANS) &&
	    !(cb->flags & TOYTCP_SYN)) {
		ts->first_sent_us = low(cb->xmit_us);
		ts->delivered_us = low(cb->xmit_us);
	}
	cb->delivered = ts->delivered;
	cb->delivered_us = ts->delivered_us;
	cb->first_sent_us = ts->first_sent_us;
	if (ts->app_limited)
		cb->mark |= TOYTCP_SKB_APP_LIMITED;
	else
		cb->mark &= ~TOYTCP_SKB_APP_LIMITED;
}

/**
 * toytcp_rate_delivered() - a buffer has arrived
 * @ts: the socket
 * @cb: the buffer, its marks still those of before
 * @ack: the ACK that says so; the buffer that was sent last makes its sample
 *
 * Context: socket lock held.
 */
void toytcp_rate_delivered(struct toytcp_sock *ts, struct toytcp_skb_cb *cb,
			   struct toytcp_ack *ack)
{
	struct toytcp_rate_sample *rs = &ack->rs;

	/* counted before the peer threw it away */
	if (!cb->delivered_us)
		return;
	if (!rs->valid || cb->xmit_us > rs->xmit_us ||
	    (cb->xmit_us == rs->xmit_us && seq_after(cb->end_seq, rs->end_seq))) {
		rs->valid = true;
		rs->xmit_us = cb->xmit_us;
		rs->end_seq = cb->end_seq;
		rs->prior_delivered = cb->delivered;
		rs->prior_us = cb->delivered_us;
		rs->snd_us = delta(low(cb->xmit_us), cb->first_sent_us);
		rs->app_limited = cb->mark & TOYTCP_SKB_APP_LIMITED;
		rs->retrans = cb->mark & TOYTCP_SKB_EVER_RETRANS;
		ts->first_sent_us = low(cb->xmit_us);
	}
	cb->delivered_us = 0;
}

/* tell the program of the last sample that the network limited, or a better one */
static void remember(struct toytcp_sock *ts, const struct toytcp_cong_rate *rate)
{
	if (rate->app_limited &&
	    (u64)rate->delivered_segs * ts->rate_interval_us <
		    (u64)ts->rate_delivered * rate->interval_us)
		return;
	ts->rate_delivered = rate->delivered_segs;
	ts->rate_interval_us = rate->interval_us;
	ts->rate_app_limited = rate->app_limited;
}

/**
 * toytcp_rate_sample() - what an ACK says of the delivery rate
 * @ts: the socket; delivered and the least RTT count this ACK already
 * @ack: the ACK
 * @rate: the sample; interval_us is 0 if there is none
 *
 * None from what was SACKed and thrown away again: it would count twice. And
 * none over less than the least round trip: then a retransmission was taken
 * for the original, or the other way round.
 *
 * Context: socket lock held.
 */
void toytcp_rate_sample(struct toytcp_sock *ts, const struct toytcp_ack *ack,
			struct toytcp_cong_rate *rate)
{
	const struct toytcp_rate_sample *rs = &ack->rs;
	u32 now_us = low(ack->now_us), min_us = ts->rtt.min_us;

	memset(rate, 0, sizeof(*rate));
	if (ts->app_limited && seq_after(ts->delivered, ts->app_limited))
		ts->app_limited = 0;
	if (ack->delivered_segs)
		ts->delivered_us = now_us;
	if (!rs->valid || ts->reneged)
		return;
	rate->prior_delivered = rs->prior_delivered;
	rate->delivered_segs = ts->delivered - rs->prior_delivered;
	rate->app_limited = rs->app_limited;
	rate->retrans = rs->retrans;
	rate->interval_us = max(rs->snd_us, delta(now_us, rs->prior_us));
	if (min_us != U32_MAX && rate->interval_us < min_us)
		rate->interval_us = 0;
	if (rate->interval_us)
		remember(ts, rate);
}

/**
 * toytcp_rate_check_app_limited() - does the program leave a gap?
 * @sk: the socket; the program is about to write
 *
 * It does if all it wrote before is sent, has left the host, and the window
 * has room.
 *
 * Context: socket lock held.
 */
void toytcp_rate_check_app_limited(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->write_seq - ts->snd_nxt < ts->mss &&
	    sk_wmem_alloc_get(sk) < SKB_TRUESIZE(1) &&
	    toytcp_in_flight(ts) < ts->cong.cwnd_segs &&
	    ts->lost_out <= ts->retrans_out)
		ts->app_limited = (ts->delivered + toytcp_in_flight(ts)) ?: 1;
}

/**
 * toytcp_rate_bps() - the delivery rate, as TCP_INFO tells it
 * @ts: the socket
 *
 * Context: socket lock held.
 * Return: bytes a second; 0 before the first sample.
 */
u64 toytcp_rate_bps(const struct toytcp_sock *ts)
{
	if (!ts->rate_interval_us)
		return 0;
	return div_u64((u64)ts->rate_delivered * ts->mss * USEC_PER_SEC,
		       ts->rate_interval_us);
}

/**
 * toytcp_rate_min_rtt() - keep the least round trip of the last minutes
 * @ts: the socket; ts->rtt has taken the sample in
 * @rtt_us: the sample, > 0
 * @delayed: its ACK may have been delayed by the peer
 * @now_us: the engine's clock
 *
 * The window is net.toytcp.min_rtt_wlen seconds; a path that has become longer
 * is believed after that. A peer that delays each ACK would make it longer than
 * it is. ts->min_rtt keeps complements: of the kernel's two filters only
 * the one for the greatest is a module's to use.
 *
 * Context: socket lock held.
 */
void toytcp_rate_min_rtt(struct toytcp_sock *ts, u32 rtt_us, bool delayed,
			 u64 now_us)
{
	const struct toytcp_sysctl *ctl =
		&ts->flow.tn->sysctl;
	u32 now_ms = low(div_u64(now_us, USEC_PER_MSEC));

	/* less than all before, the handshake's included */
	if (ts->rtt.min_us < ~minmax_get(&ts->min_rtt)) {
		minmax_reset(&ts->min_rtt, now_ms, ~ts->rtt.min_us);
		return;
	}
	if (!delayed)
		minmax_running_max(&ts->min_rtt,
				   READ_ONCE(ctl->min_rtt_wlen) * MSEC_PER_SEC,
				   now_ms, ~rtt_us);
	ts->rtt.min_us = ~minmax_get(&ts->min_rtt);
}
