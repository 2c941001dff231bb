// SPDX-License-Identifier: GPL-2.0
/*
 * BBR, version 1: not by losses, but by a model of the path.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock protects the struct
 * toytcp_cong.
 *
 * The path has a bandwidth, the most that it delivered in any of the last ten
 * round trips, and a round-trip time, the least of the last ten seconds. Their
 * product is what it holds without a queue. The pace is the bandwidth times a
 * gain, the window the product times another; the gains go with the mode:
 *
 *	STARTUP		both 2/ln 2: the pace doubles each round trip, until three
 *			of them have not made the bandwidth a quarter larger
 *	DRAIN		the pace is the inverse of that, until the queue has gone
 *	PROBE_BW	a cycle of eight phases of a round trip: 5/4 asks for more,
 *			3/4 takes the queue of that away, six times 1; window: 2
 *	PROBE_RTT	four segments for 200 ms, if the least round trip has not
 *			been seen again for ten seconds; then back
 *
 * Beside that, as Linux: a loss makes the window hold what is in flight for a
 * round trip, and gives it back after; where more than a fifth is lost at a
 * rate that does not change, somebody polices the path, and that rate is the
 * bandwidth for 48 round trips ("lt", long term); what the network delivers in
 * lumps makes room in the window.
 *
 * "BBR: Congestion-Based Congestion Control", ACM Queue 14-5 (2016);
 * draft-cardwell-iccrg-bbr-congestion-control-00. Numbers are those of Linux.
 * What it draws from a generator of random numbers, where the cycle begins,
 * comes from the clock here: a layer 0 has no such generator.
 */
#include <linux/build_bug.h>
#include <linux/inet_diag.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cong.h"
#include "seq.h"

#define GAIN_SHIFT	8
#define GAIN_ONE	256u
#define GAIN_HIGH	(GAIN_ONE * 2885 / 1000 + 1)	/* 2/ln 2 */
#define GAIN_DRAIN	(GAIN_ONE * 1000 / 2885)
#define GAIN_WINDOW	(GAIN_ONE * 2)			/* for delayed ACKs and the like */

#define BW_ONE		0x1000000u	/* a segment a microsecond */
#define BW_ROUNDS	10u
#define PACE_PERCENT	99		/* a little less than the path takes */
#define MIN_RTT_US	10000000ull	/* the least round trip is that of so long */
#define PROBE_RTT_US	200000ull
#define CWND_MIN	4u		/* two ACKs of two segments each */
#define FULL_ROUNDS	3		/* without growth: the pipe is full */
#define CYCLE		8u
#define SLOW_BYTES	150000u		/* a second: below, segments go one by one */

#define LT_ROUNDS	4u		/* of a sample, at least; four times that at most */
#define LT_LOSS		50u		/* of 256 delivered: as many lost */
#define LT_DIFF		500u		/* bytes a second between two samples that agree */
#define LT_USE_ROUNDS	48u

#define EXTRA_ROUNDS	5u		/* of each of the two windows of extra_acked */
#define EXTRA_US	100000u		/* of the bandwidth: no more is believed */
#define EPOCH_ACKED_MAX	0xfffffu	/* segments */

enum mode {
	STARTUP,
	DRAIN,
	PROBE_BW,
	PROBE_RTT,
};

static const u16 cycle_gains[CYCLE] = {
	GAIN_ONE * 5 / 4, GAIN_ONE * 3 / 4,
	GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE,
};

/* bw_q: segments a microsecond, times 2^24; rounds: windows of data */
struct bbr {
	u64 min_rtt_at_us;	/* when min_rtt_us was seen last, or PROBE_RTT ended */
	u64 probe_rtt_end_us;	/* not before; 0: the flight is not small yet */
	u64 delivered_us;	/* when something was delivered last */
	u64 epoch_us;		/* when epoch_acked was 0 */
	u64 lt_us;		/* beginning of a sample, milliseconds in full */
	u32 round_bw_q[BW_ROUNDS]; /* most of each round, at round modulo their number */
	u32 phase_us;		/* when the phase of the cycle began; low bits of the clock */
	u32 max_bw_q;		/* most of those */
	u32 bw_round;		/* the latest round of those */
	u32 round;		/* how many have begun */
	u32 round_end;		/* delivered beyond this: sent in the next */
	u32 min_rtt_us;		/* U32_MAX: none */
	u32 full_bw_q;		/* what growth is measured from */
	u32 prior_cwnd;		/* before a loss or PROBE_RTT, segments */
	u32 lt_bw_q;		/* of the former sample, or in use; 0: none */
	u32 lt_delivered;	/* at the beginning of a sample */
	u32 lt_lost;
	u32 epoch_acked;	/* segments delivered since epoch_us */
	u16 extra_acked[2];	/* most segments beyond bandwidth in a window of rounds */
	u16 pace_gain;
	u16 cwnd_gain;
	u8 mode;
	u8 state;		/* toytcp_cong_ack.state of the ACK before */
	u8 phase;		/* of the cycle */
	u8 full_rounds;		/* without growth */
	u8 extra_rounds;	/* of the window at work */
	u8 lt_rounds;		/* of the sample, or of use */
	u8 extra_at:1,		/* which of the two is at work */
	   begun:1,		/* the first ACK has come */
	   full:1,		/* the pipe has been */
	   round_start:1,	/* the ACK begins a round */
	   conserve:1,		/* a segment for each that is delivered */
	   idle_restart:1,	/* sending began again, nothing delivered yet */
	   probe_rtt_round:1,	/* a round with a small flight is through */
	   has_rtt:1;		/* the pace of the start is by a measured round trip */
	u8 lt_sampling:1,
	   lt_use:1;
};

static struct bbr *bbr_of(struct toytcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct bbr) > sizeof(c->priv));
	return (struct bbr *)c->priv;
}

static u32 bandwidth(const struct bbr *b)
{
	return b->lt_use ? b->lt_bw_q : b->max_bw_q;
}

/* segments in so many microseconds */
static u32 segs_in(u32 bw_q, u64 us)
{
	return (u64)bw_q * min_t(u64, us, U32_MAX) >> TOYTCP_CONG_PACE_SHIFT;
}

/* @us > 0 */
static u32 rate_q(u32 segs, u32 us)
{
	return min_t(u64, div_u64((u64)segs * BW_ONE, us), U32_MAX);
}

static u64 bytes_a_second(u64 q, u32 mss)
{
	return mul_u64_u64_shr(q, (u64)mss * 1000000, TOYTCP_CONG_PACE_SHIFT);
}

/* ---- pace and window ---- */

static u64 pace_of(u64 bw_q, u32 gain)
{
	return (bw_q * gain >> GAIN_SHIFT) * PACE_PERCENT / 100;
}

/* while the pipe fills, the pace goes up only */
static void pace_set(struct toytcp_cong *c, const struct bbr *b, u32 gain)
{
	u64 pace_q = pace_of(bandwidth(b), gain);

	if (b->full || pace_q > c->pace_q)
		c->pace_q = pace_q;
}

static u32 product(const struct bbr *b, u32 bw_q, u32 gain)
{
	u64 segs_q;

	/* no round trip was ever measured */
	if (b->min_rtt_us == U32_MAX)
		return TOYTCP_CONG_INIT_CWND;
	segs_q = mul_u64_u64_shr((u64)bw_q * b->min_rtt_us, gain, GAIN_SHIFT);
	/* rounded up, or less would lead to less */
	return min_t(u64, (segs_q >> TOYTCP_CONG_PACE_SHIFT) + 1, S32_MAX / 2);
}

/*
 * A window of @segs takes three large buffers more: one in the queue below, one
 * being cut, one being merged at the receiver. An even number suits who
 * acknowledges every other segment, and two more let the cycle ask for more
 * where the product is small.
 */
static u32 with_budget(const struct bbr *b, const struct toytcp_cong_ack *ack,
		       u32 segs)
{
	segs = (segs + 3 * ack->burst_segs + 1) & ~1u;
	if (b->mode == PROBE_BW && !b->phase)
		segs += 2;
	return segs;
}

static u32 flight_at(const struct bbr *b, const struct toytcp_cong_ack *ack,
		     u32 gain)
{
	return with_budget(b, ack, product(b, b->max_bw_q, gain));
}

/* of @in_flight, what will be in the network when the next buffer leaves */
static u32 flight_then(const struct bbr *b, const struct toytcp_cong_ack *ack,
		       u32 in_flight)
{
	u32 gone = segs_in(bandwidth(b), ack->pace_wait_us);

	if (b->pace_gain > GAIN_ONE)
		in_flight += ack->burst_segs;
	return in_flight - min(in_flight, gone);
}

/* a window to go back to */
static void cwnd_save(const struct toytcp_cong *c, struct bbr *b)
{
	if (b->state < TOYTCP_RECOVERY && b->mode != PROBE_RTT)
		b->prior_cwnd = c->cwnd_segs;
	else
		b->prior_cwnd = max(b->prior_cwnd, c->cwnd_segs);
}

/*
 * The window under losses. The first round of a recovery keeps as many in flight
 * as there are; then the window grows by what is delivered, less what is lost;
 * after the recovery it is what it was before.
 */
static u32 cwnd_for_losses(const struct toytcp_cong *c, struct bbr *b,
			   const struct toytcp_cong_ack *ack)
{
	u32 cwnd = c->cwnd_segs, left = ack->left_segs + ack->acked_segs;

	cwnd -= min(ack->newly_lost_segs, cwnd - 1);
	if (ack->state == TOYTCP_RECOVERY && b->state != TOYTCP_RECOVERY) {
		b->conserve = 1;
		b->round_end = ack->delivered;
		cwnd = left;
	} else if (b->state >= TOYTCP_RECOVERY && ack->state < TOYTCP_RECOVERY) {
		b->conserve = 0;
		cwnd = max(cwnd, b->prior_cwnd);
	}
	b->state = ack->state;
	return b->conserve ? max(cwnd, left) : cwnd;
}

/* what comes in lumps needs more in flight meanwhile */
static u32 cwnd_for_lumps(const struct bbr *b)
{
	if (!b->full)
		return 0;
	return min_t(u32, max(b->extra_acked[0], b->extra_acked[1]),
		     segs_in(bandwidth(b), EXTRA_US));
}

/* up by what is delivered; down at once, but not while the pipe fills */
static u32 cwnd_towards(const struct bbr *b, const struct toytcp_cong_ack *ack,
			u32 cwnd, u32 target)
{
	if (b->full)
		return min(cwnd + ack->acked_segs, target);
	if (cwnd < target || ack->delivered < TOYTCP_CONG_INIT_CWND)
		cwnd += ack->acked_segs;
	return cwnd;
}

static void cwnd_set(struct toytcp_cong *c, struct bbr *b,
		     const struct toytcp_cong_ack *ack)
{
	u32 cwnd = c->cwnd_segs, target;

	if (ack->acked_segs) {
		cwnd = cwnd_for_losses(c, b, ack);
		target = product(b, bandwidth(b), b->cwnd_gain);
		target = with_budget(b, ack, target + cwnd_for_lumps(b));
		if (!b->conserve)
			cwnd = max(cwnd_towards(b, ack, cwnd, target), CWND_MIN);
	}
	c->cwnd_segs = min(cwnd, c->cwnd_clamp_segs);
	if (b->mode == PROBE_RTT)
		c->cwnd_segs = min(c->cwnd_segs, CWND_MIN);
}

/* ---- modes ---- */

static void phase_next(struct bbr *b)
{
	b->phase = (b->phase + 1) % CYCLE;
	b->phase_us = (u32)b->delivered_us;
}

/* at any phase but the one that drains: flows should not ask for more at once */
static void probe_bw_begin(struct bbr *b, u64 now_us)
{
	u32 draw = (u32)now_us * 0x9e3779b1u >> 16;

	b->mode = PROBE_BW;
	b->phase = CYCLE - 1 - (draw * (CYCLE - 1) >> 16);
	phase_next(b);
}

static bool phase_over(const struct bbr *b, const struct toytcp_cong_ack *ack)
{
	bool long_enough = (u32)b->delivered_us - b->phase_us > b->min_rtt_us;
	u32 flight;

	if (b->pace_gain == GAIN_ONE)
		return long_enough;
	flight = flight_then(b, ack, ack->in_flight_segs);
	/* until so much is in flight; where that does not fit, losses say so */
	if (b->pace_gain > GAIN_ONE)
		return long_enough &&
		       (ack->newly_lost_segs ||
			flight >= flight_at(b, ack, b->pace_gain));
	return long_enough || flight <= flight_at(b, ack, GAIN_ONE);
}

static void full_check(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	if (b->full || !b->round_start || ack->rate.app_limited)
		return;
	if (b->max_bw_q >= (u64)b->full_bw_q * 5 / 4) {
		b->full_bw_q = b->max_bw_q;
		b->full_rounds = 0;
		return;
	}
	b->full = ++b->full_rounds >= FULL_ROUNDS;
}

static void drain_check(struct toytcp_cong *c, struct bbr *b,
			const struct toytcp_cong_ack *ack)
{
	if (b->mode == STARTUP && b->full) {
		b->mode = DRAIN;
		c->ssthresh_segs = flight_at(b, ack, GAIN_ONE);
	}
	if (b->mode == DRAIN &&
	    flight_then(b, ack, ack->left_segs) <= flight_at(b, ack, GAIN_ONE))
		probe_bw_begin(b, ack->now_us);
}

static void probe_rtt_end_check(struct toytcp_cong *c, struct bbr *b, u64 now_us)
{
	if (!b->probe_rtt_end_us || now_us <= b->probe_rtt_end_us)
		return;
	b->min_rtt_at_us = now_us;
	c->cwnd_segs = max(c->cwnd_segs, b->prior_cwnd);
	if (b->full)
		probe_bw_begin(b, now_us);
	else
		b->mode = STARTUP;
}

static void probe_rtt(struct toytcp_cong *c, struct bbr *b,
		      const struct toytcp_cong_ack *ack)
{
	if (b->probe_rtt_end_us) {
		if (b->round_start)
			b->probe_rtt_round = 1;
		if (b->probe_rtt_round)
			probe_rtt_end_check(c, b, ack->now_us);
	} else if (ack->left_segs <= CWND_MIN) {
		b->probe_rtt_end_us = ack->now_us + PROBE_RTT_US;
		b->probe_rtt_round = 0;
		b->round_end = ack->delivered;
	}
}

static void gains_set(struct bbr *b)
{
	switch (b->mode) {
	case STARTUP:
		b->pace_gain = GAIN_HIGH;
		b->cwnd_gain = GAIN_HIGH;
		break;
	case DRAIN:
		b->pace_gain = GAIN_DRAIN;
		b->cwnd_gain = GAIN_HIGH;
		break;
	case PROBE_BW:
		b->pace_gain = b->lt_use ? GAIN_ONE : cycle_gains[b->phase];
		b->cwnd_gain = GAIN_WINDOW;
		break;
	case PROBE_RTT:
		b->pace_gain = GAIN_ONE;
		b->cwnd_gain = GAIN_ONE;
		break;
	}
}

/* ---- a policed path ---- */

static void lt_sample_begin(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	b->lt_us = b->delivered_us;
	b->lt_delivered = ack->delivered;
	b->lt_lost = ack->lost_segs;
	b->lt_rounds = 0;
}

static void lt_forget(struct bbr *b)
{
	b->lt_bw_q = 0;
	b->lt_use = 0;
	b->lt_sampling = 0;
	b->lt_rounds = 0;
}

/* two samples that agree: that is the rate that is let through */
static void lt_sample_end(struct bbr *b, const struct toytcp_cong_ack *ack,
			  u32 bw_q)
{
	u32 diff_q = max(bw_q, b->lt_bw_q) - min(bw_q, b->lt_bw_q);

	if (b->lt_bw_q && (diff_q <= b->lt_bw_q / 8 ||
			   bytes_a_second(pace_of(diff_q, GAIN_ONE),
					  ack->mss) <= LT_DIFF)) {
		b->lt_bw_q = ((u64)bw_q + b->lt_bw_q) / 2;
		b->lt_use = 1;
		b->pace_gain = GAIN_ONE;
		b->lt_rounds = 0;
		return;
	}
	b->lt_bw_q = bw_q;
	lt_sample_begin(b, ack);
}

/* a sample begins and ends with a loss: the policer's tokens are at an end */
static void lt_measure(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	u32 lost = ack->lost_segs - b->lt_lost;
	u32 delivered = ack->delivered - b->lt_delivered;
	u64 us = b->delivered_us - b->lt_us;

	if (!delivered || ((u64)lost << 8) < (u64)LT_LOSS * delivered ||
	    us < 1000)
		return;
	if (us >= U32_MAX)
		lt_forget(b);
	else
		lt_sample_end(b, ack, rate_q(delivered, us));
}

static void lt_update(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	if (b->lt_use) {
		if (b->mode == PROBE_BW && b->round_start &&
		    ++b->lt_rounds >= LT_USE_ROUNDS) {
			lt_forget(b);
			probe_bw_begin(b, ack->now_us);
		}
		return;
	}
	if (!b->lt_sampling) {
		if (!ack->newly_lost_segs)
			return;
		lt_sample_begin(b, ack);
		b->lt_sampling = 1;
	}
	/* too little to send would say too little; too long a sample, too much */
	if (b->round_start)
		b->lt_rounds++;
	if (ack->rate.app_limited || b->lt_rounds > 4 * LT_ROUNDS)
		lt_forget(b);
	else if (b->lt_rounds >= LT_ROUNDS && ack->newly_lost_segs)
		lt_measure(b, ack);
}

/* ---- the model ---- */

/* into the round's most, and what that makes of the most of ten rounds */
static void max_bw_update(struct bbr *b, u32 bw_q)
{
	u32 *slot = &b->round_bw_q[b->round % BW_ROUNDS], passed, i;

	passed = min(b->round - b->bw_round, BW_ROUNDS);
	for (i = 0; i < passed; i++)
		b->round_bw_q[(b->round - i) % BW_ROUNDS] = 0;
	b->bw_round = b->round;
	*slot = max(*slot, bw_q);
	if (passed) {
		b->max_bw_q = 0;
		for (i = 0; i < BW_ROUNDS; i++)
			b->max_bw_q = max(b->max_bw_q, b->round_bw_q[i]);
	}
	b->max_bw_q = max(b->max_bw_q, bw_q);
}

static void bw_update(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	const struct toytcp_cong_rate *rate = &ack->rate;
	u32 bw_q;

	b->round_start = 0;
	if (!rate->interval_us)
		return;
	if (seq_geq(rate->prior_delivered, b->round_end)) {
		b->round_end = ack->delivered;
		b->round++;
		b->round_start = 1;
		b->conserve = 0;
	}
	lt_update(b, ack);
	bw_q = rate_q(rate->delivered_segs, rate->interval_us);
	/* less, because the program wanted less, is no news of the path */
	if (!rate->app_limited || bw_q >= b->max_bw_q)
		max_bw_update(b, bw_q);
}

/* how much more comes at times than the bandwidth brings */
static void lumps_update(const struct toytcp_cong *c, struct bbr *b,
			 const struct toytcp_cong_ack *ack)
{
	u32 expected, extra;

	if (!ack->acked_segs || !ack->rate.interval_us)
		return;
	if (b->round_start && ++b->extra_rounds >= EXTRA_ROUNDS) {
		b->extra_rounds = 0;
		b->extra_at ^= 1;
		b->extra_acked[b->extra_at] = 0;
	}
	expected = segs_in(bandwidth(b), ack->now_us - b->epoch_us);
	if (b->epoch_acked <= expected ||
	    b->epoch_acked + (u64)ack->acked_segs > EPOCH_ACKED_MAX) {
		b->epoch_acked = 0;
		b->epoch_us = ack->now_us;
		expected = 0;
	}
	b->epoch_acked = min(b->epoch_acked + ack->acked_segs, EPOCH_ACKED_MAX);
	extra = min3(b->epoch_acked - expected, c->cwnd_segs, (u32)U16_MAX);
	b->extra_acked[b->extra_at] =
		max_t(u32, b->extra_acked[b->extra_at], extra);
}

static void min_rtt_update(struct toytcp_cong *c, struct bbr *b,
			   const struct toytcp_cong_ack *ack)
{
	bool expired = ack->now_us - b->min_rtt_at_us > MIN_RTT_US;

	if (ack->rtt_us && (ack->rtt_us < b->min_rtt_us ||
			    (expired && !ack->delayed))) {
		b->min_rtt_us = ack->rtt_us;
		b->min_rtt_at_us = ack->now_us;
	}
	if (expired && !b->idle_restart && b->mode != PROBE_RTT) {
		cwnd_save(c, b);
		b->mode = PROBE_RTT;
		b->probe_rtt_end_us = 0;
	}
	if (b->mode == PROBE_RTT)
		probe_rtt(c, b, ack);
	if (ack->rate.delivered_segs)
		b->idle_restart = 0;
}

/* ---- the operations ---- */

static void bbr_init(struct toytcp_cong *c)
{
	struct bbr *b = bbr_of(c);

	memset(b, 0, sizeof(*b));
	b->min_rtt_us = U32_MAX;
	gains_set(b);
	c->ssthresh_segs = TOYTCP_CONG_SSTHRESH_INF;
}

/* the first ACK tells what Linux finds in its socket */
static void bbr_begin(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	b->begun = 1;
	b->min_rtt_us = ack->min_rtt_us;
	b->min_rtt_at_us = ack->now_us;
	b->epoch_us = ack->now_us;
	b->delivered_us = ack->now_us;
	b->round_end = ack->rate.prior_delivered;
}

/* what a timeout, or a path that carries less, makes of the model */
static void loss_begins(struct bbr *b, const struct toytcp_cong_ack *ack)
{
	b->state = TOYTCP_LOSS;
	b->full_bw_q = 0;
	b->round_start = 1;
	lt_update(b, ack);
}

static void bbr_control(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
	struct bbr *b = bbr_of(c);

	if (!b->begun)
		bbr_begin(b, ack);
	if (ack->acked_segs)
		b->delivered_us = ack->now_us;
	if (ack->state == TOYTCP_LOSS && b->state != TOYTCP_LOSS) {
		loss_begins(b, ack);
		if (!ack->acked_segs)
			return;
	}
	bw_update(b, ack);
	lumps_update(c, b, ack);
	if (b->mode == PROBE_BW && phase_over(b, ack))
		phase_next(b);
	full_check(b, ack);
	drain_check(c, b, ack);
	min_rtt_update(c, b, ack);
	gains_set(b);
	/* a pace to start with: the first window a round trip */
	if (!b->has_rtt && ack->srtt_us) {
		b->has_rtt = 1;
		c->pace_q = pace_of(rate_q(c->cwnd_segs, ack->srtt_us), GAIN_HIGH);
	}
	pace_set(c, b, b->pace_gain);
	c->burst_min_segs =
		bytes_a_second(c->pace_q, ack->mss) < SLOW_BYTES ? 1 : 2;
	cwnd_set(c, b, ack);
	/* the samples of a small flight do not count */
	c->app_limited = b->mode == PROBE_RTT;
}

/* a loss is none of the model's business */
static u32 bbr_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	cwnd_save(c, bbr_of(c));
	return c->ssthresh_segs;
}

/* what slowed us down was no loss: look anew whether the pipe is full, or policed */
static void bbr_undo(struct toytcp_cong *c, u64 now_us)
{
	struct bbr *b = bbr_of(c);

	b->full_bw_q = 0;
	b->full_rounds = 0;
	lt_forget(b);
}

/* no burst: the pace is the path's, whatever the phase */
static void bbr_sends(struct toytcp_cong *c, u64 now_us)
{
	struct bbr *b = bbr_of(c);

	b->idle_restart = 1;
	b->epoch_us = now_us;
	b->epoch_acked = 0;
	if (b->mode == PROBE_BW)
		pace_set(c, b, GAIN_ONE);
	else if (b->mode == PROBE_RTT)
		probe_rtt_end_check(c, b, now_us);
}

static size_t bbr_info(const struct toytcp_cong *c,
		       const struct toytcp_cong_asked *asked,
		       union tcp_cc_info *info)
{
	const struct bbr *b = (const struct bbr *)c->priv;
	u64 bw = bytes_a_second(bandwidth(b), asked->mss);

	info->bbr = (struct tcp_bbr_info) {
		.bbr_bw_lo = (u32)bw,
		.bbr_bw_hi = (u32)(bw >> 32),
		.bbr_min_rtt = b->begun ? b->min_rtt_us : asked->min_rtt_us,
		.bbr_pacing_gain = b->pace_gain,
		.bbr_cwnd_gain = b->cwnd_gain,
	};
	return sizeof(info->bbr);
}

/* registered by cong.c */
struct toytcp_cong_ops toytcp_cong_bbr = {
	.name		= "bbr",
	.owner		= NULL, /* part of toytcp itself: its sockets must not pin it */
	.flags		= TOYTCP_CONG_NON_RESTRICTED,
	.init		= bbr_init,
	.ssthresh	= bbr_ssthresh,
	.control	= bbr_control,
	.undo		= bbr_undo,
	.sends		= bbr_sends,
	.info		= bbr_info,
	.sndbuf_windows	= 3,
};
