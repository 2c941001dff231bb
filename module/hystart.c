// SPDX-License-Identifier: GPL-2.0
/*
 * HyStart++: leave slow start when round trips grow, or ACKs come in a train.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock.
 *
 * RFC 9406 section 4, with the two signals as Linux's CUBIC reads them. Both
 * are from S. Ha and I. Rhee, "Taming the elephants: New TCP slow start"
 * (Computer Networks 55, 2011), and count from 16 segments on.
 *
 * - Delay. A round is a window's worth of ACKs. If its least RTT exceeds the
 *   least of all by a threshold, a queue grows. The RFC compares with the
 *   round before, and so misses a queue that grows a little each round;
 *   Linux does not. As the RFC says, this is not the end: Conservative Slow
 *   Start (CSS) grows a quarter as fast for at most five rounds, and then
 *   congestion avoidance begins. If in CSS the RTT falls below where it was,
 *   the growth was jitter, and slow start goes on.
 * - The ACK train. What was sent at once comes back at the pace of the
 *   bottleneck. If ACKs without a gap of 2 ms between them span more than
 *   half of the least RTT, half of the path is full with what is acknowledged
 *   so far, and all of it with the window that these ACKs make: slow start
 *   ends at once. ACKs that something holds up on their way come in lumps
 *   (ACK compression), or few for much (GRO): the gaps between those end the
 *   train, and what says too little is no signal. A sender that is paced makes
 *   a train of up to half of a round trip itself, so there it is all of the
 *   RTT. The RFC has no such signal. Without it 140 segments more than the
 *   path could hold were sent and lost (50 ms, 20 Mbit/s).
 *
 * Section 4.3's limit of 8 segments an ACK for senders that do not pace is
 * left out, as Linux has none: ACKs here stand for large buffers (GRO), and
 * it would starve them.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "cong.h"
#include "hystart.h"
#include "seq.h"

#define MIN_RTT_THRESH_US	4000u
#define MAX_RTT_THRESH_US	16000u
#define MIN_RTT_DIVISOR		8

#define LOW_WINDOW_SEGS		16u	/* below that no queue is worth a signal */
#define TRAIN_GAP_US		2000u	/* ACKs further apart are no train */
#define LARGE_BUFFERS_BYTES	(4ull * 65536) /* see train_slack_us() */
#define TRAIN_SLACK_MAX_US	1000u

/**
 * toytcp_hystart_init() - before the first ACK
 * @h: overwritten
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_hystart_init(struct toytcp_hystart *h)
{
	memset(h, 0, sizeof(*h));
	h->min_us = U32_MAX;
	h->baseline_min_us = U32_MAX;
}

static void round_begin(struct toytcp_hystart *h,
			const struct toytcp_cong_ack *ack)
{
	h->round_us = ack->now_us;
	h->train_us = ack->now_us;
	h->min_us = U32_MAX;
	h->samples = 0;
	h->window_end = ack->snd_nxt;
	h->started = true;
}

/* section 4.2, but against the least RTT of all: does a queue grow? */
static bool rtt_grew(const struct toytcp_hystart *h, u32 least_us)
{
	if (h->samples < TOYTCP_HYSTART_SAMPLES || h->min_us < least_us)
		return false;
	return h->min_us - least_us >= clamp(least_us / MIN_RTT_DIVISOR,
					     MIN_RTT_THRESH_US, MAX_RTT_THRESH_US);
}

/*
 * The least RTT may be one of a small buffer, and with larger ones the sender's
 * TSO and the receiver's GRO add to it: two such buffers, and twice that since
 * the rate is about to double. On a short path that is more than the path.
 */
static u32 train_slack_us(u64 pace_rate)
{
	if (!pace_rate)
		return 0;
	return min_t(u64, TRAIN_SLACK_MAX_US,
		     div64_u64(LARGE_BUFFERS_BYTES * USEC_PER_SEC, pace_rate));
}

/* do the ACKs of this round, one close to the other, span half of the path? */
static bool train_is_long(struct toytcp_hystart *h,
			  const struct toytcp_cong_ack *ack)
{
	u64 span_us;

	if (ack->now_us - h->train_us > TRAIN_GAP_US)
		return false;
	h->train_us = ack->now_us;
	span_us = (u64)ack->min_rtt_us + train_slack_us(ack->pace_rate);
	if (!ack->paced)
		span_us /= 2;
	return ack->now_us - h->round_us > span_us;
}

/**
 * toytcp_hystart_acked() - an ACK in slow start
 * @h: the state
 * @ack: what it says
 * @cwnd_segs: the window before it
 *
 * A round is over when something behind its window_end is acknowledged, not
 * with the last ACK before: that is the end of one flight, and the next comes
 * most of a round trip later.
 *
 * Context: any; the owner's socket lock.
 * Return: true if slow start is over: set ssthresh to cwnd.
 */
bool toytcp_hystart_acked(struct toytcp_hystart *h,
			  const struct toytcp_cong_ack *ack, u32 cwnd_segs)
{
	if (!h->started || seq_after(ack->snd_una, h->window_end)) {
		/* the round in which CSS began counts as its first */
		if (h->css_rounds &&
		    ++h->css_rounds > TOYTCP_HYSTART_CSS_ROUNDS)
			return true;
		round_begin(h, ack);
	}
	if (ack->rtt_us) {
		h->min_us = min(h->min_us, ack->rtt_us);
		if (h->samples < TOYTCP_HYSTART_SAMPLES)
			h->samples++;
	}
	if (cwnd_segs < LOW_WINDOW_SEGS)
		return false;
	if (train_is_long(h, ack))
		return true;
	if (!h->css_rounds) {
		if (rtt_grew(h, ack->min_rtt_us)) {
			h->baseline_min_us = h->min_us;
			h->css_rounds = 1;
			h->growth_cnt = 0;
		}
	} else if (h->samples >= TOYTCP_HYSTART_SAMPLES &&
		   h->min_us < h->baseline_min_us) {
		/* it was jitter */
		h->baseline_min_us = U32_MAX;
		h->css_rounds = 0;
	}
	return false;
}

/**
 * toytcp_hystart_growth() - how much of what was acked the window may grow by
 * @h: the state
 * @acked_segs: segments newly acknowledged
 *
 * Context: any; the owner's socket lock.
 * Return: segments: all in slow start, a quarter in CSS.
 */
u32 toytcp_hystart_growth(struct toytcp_hystart *h, u32 acked_segs)
{
	u32 grown;

	if (!h->css_rounds)
		return acked_segs;
	h->growth_cnt += min(acked_segs, U32_MAX - h->growth_cnt);
	grown = h->growth_cnt / TOYTCP_HYSTART_CSS_GROWTH;
	h->growth_cnt %= TOYTCP_HYSTART_CSS_GROWTH;
	return grown;
}
