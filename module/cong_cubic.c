// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC: the window as a cubic function of the time since the last loss.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock protects the struct
 * toytcp_cong.
 *
 * RFC 9438, with HyStart++ (hystart.c) in the first slow start. Names as in
 * section 4.1.2. The curve's windows are in 1/1024 of a segment (_q), those
 * that grow by a fraction with each ACK in 1/1048576 (_f), times of the curve
 * in milliseconds: within 1% of the RFC's real numbers
 * (kunit/cubic_test.c). As Linux, the reduction starts from cwnd, not from
 * what was in flight; section 4.6 allows it where a window that the program
 * did not use does not grow, and it does not.
 */
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cong.h"
#include "cong_cubic.h"
#include "hystart.h"

#define ONE_Q		1024u	/* a segment: 2 to the power TOYTCP_CUBIC_SHIFT */
#define FINE		10	/* shift from _q to _f */
#define SHIFT_F		(TOYTCP_CUBIC_SHIFT + FINE)
#define ONE_F		1048576u /* 2 to the power SHIFT_F */
#define BETA_Q		717u	/* 0.7, section 4.6 */
#define ALPHA_Q		542u	/* 3 * (1 - 0.7) / (1 + 0.7), section 4.3 */

/*
 * C = 0.4 segments/s^3: K^3 = (W_max - cwnd) / C in ms^3 and 1/1024 segments,
 * that is times 10^9 / (0.4 * 1024).
 */
#define MS3_PER_Q	2441406u
#define CURVE_MS_MAX	1048576u /* 17 minutes; its cube fits 64 bits */

struct cubic {
	u64 epoch_us;		/* start of this congestion avoidance; 0: none */
	u64 last_us;		/* the latest ACK heard; 0: none since a restart */
	u64 w_max_q;		/* the window before the last reduction; 0: none */
	u64 origin_q;		/* the curve's plateau: W_max, or cwnd if above it */
	u64 w_est_f;		/* the window Reno would have */
	u32 k_ms;		/* when the curve reaches its plateau */
	u32 frac_f;		/* cwnd's fraction of a segment, < ONE_F */
	u32 cwnd_prior;		/* segments, before the last reduction; 0: none */
	u32 rtt_ms;		/* the latest sample, to look one RTT ahead */
	struct {
		u64 epoch_us, w_max_q, origin_q;
		u32 k_ms;
	} before;		/* the last reduction, for section 4.9 */
	struct toytcp_hystart hystart;
};

static struct cubic *cubic_of(struct toytcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct cubic) > sizeof(c->priv));
	return (struct cubic *)c->priv;
}

/* the largest u32 whose cube is at most @x */
static u32 cube_root(u64 x)
{
	u64 root = 0;
	int bit;

	for (bit = 21; bit >= 0; bit--) {
		u64 r = root | (1ull << bit);

		if (r * r * r <= x)
			root = r;
	}
	return root;
}

/**
 * toytcp_cubic_k_ms() - K: how long the curve takes to come back to W_max
 * @w_max_q: the plateau, segments times 1024
 * @cwnd_q: the window where congestion avoidance begins, the same unit
 *
 * RFC 9438 figure 2: cbrt((W_max - cwnd_epoch) / C).
 *
 * Context: any.
 * Return: milliseconds, below 2^21; 0 if @cwnd_q is above.
 */
u32 toytcp_cubic_k_ms(u64 w_max_q, u64 cwnd_q)
{
	u64 diff_q = w_max_q > cwnd_q ? w_max_q - cwnd_q : 0;

	/* of 8 times that, so that half of the root is K rounded; no window is so large */
	return (cube_root(min_t(u64, diff_q, 1ull << 39) * MS3_PER_Q * 8) + 1) /
	       2;
}

/**
 * toytcp_cubic_window_q() - W_cubic(t)
 * @w_max_q: the plateau, segments times 1024
 * @k_ms: K in milliseconds
 * @t_ms: since the beginning of congestion avoidance, milliseconds
 *
 * RFC 9438 figure 1: C * (t - K)^3 + W_max.
 *
 * Context: any.
 * Return: segments times 1024; 0 where the curve is negative.
 */
u64 toytcp_cubic_window_q(u64 w_max_q, u32 k_ms, u64 t_ms)
{
	bool before = t_ms < k_ms;
	u64 d = min_t(u64, before ? k_ms - t_ms : t_ms - k_ms, CURVE_MS_MAX);
	u64 delta_q = div_u64(d * d * d, MS3_PER_Q);

	if (!before)
		return w_max_q + delta_q;
	return w_max_q > delta_q ? w_max_q - delta_q : 0;
}

static void cubic_init(struct toytcp_cong *c)
{
	toytcp_hystart_init(&cubic_of(c)->hystart);
}

static u64 cwnd_f(const struct toytcp_cong *c, const struct cubic *ca)
{
	return ((u64)c->cwnd_segs << SHIFT_F) + ca->frac_f;
}

/* section 4.6, and fast convergence, section 4.7 */
static u32 cubic_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	struct cubic *ca = cubic_of(c);
	u64 cwnd_q = cwnd_f(c, ca) >> FINE;

	ca->before.epoch_us = ca->epoch_us;
	ca->before.w_max_q = ca->w_max_q;
	ca->before.origin_q = ca->origin_q;
	ca->before.k_ms = ca->k_ms;
	ca->epoch_us = 0;
	ca->cwnd_prior = c->cwnd_segs;
	if (cwnd_q < ca->w_max_q)
		ca->w_max_q = cwnd_q * (ONE_Q + BETA_Q) / (2 * ONE_Q);
	else
		ca->w_max_q = cwnd_q;
	return max_t(u32, (u64)c->cwnd_segs * BETA_Q / ONE_Q, 2);
}

/* congestion avoidance begins */
static void epoch_begin(struct toytcp_cong *c, struct cubic *ca, u64 now_us)
{
	u64 cwnd_q = (u64)c->cwnd_segs << TOYTCP_CUBIC_SHIFT;

	ca->epoch_us = max_t(u64, now_us, 1);
	ca->frac_f = 0;
	ca->w_est_f = (u64)c->cwnd_segs << SHIFT_F;
	ca->origin_q = max(ca->w_max_q, cwnd_q);
	ca->k_ms = toytcp_cubic_k_ms(ca->origin_q, cwnd_q);
}

/* section 4.3: what Reno would have, its increase scaled to the same reduction */
static void reno_estimate(const struct toytcp_cong *c, struct cubic *ca,
			  u32 acked)
{
	u64 alpha_f = ca->w_est_f >= (u64)ca->cwnd_prior << SHIFT_F ?
			      ONE_F : ALPHA_Q << FINE;

	ca->w_est_f += mul_u64_u32_div(alpha_f, acked, c->cwnd_segs);
}

static void cubic_avoid(struct toytcp_cong *c, struct cubic *ca, u32 acked,
			u64 now_us)
{
	u64 now_f, w_f, target_f, new_f, t_ms;

	if (!ca->epoch_us)
		epoch_begin(c, ca, now_us);
	now_f = cwnd_f(c, ca);
	t_ms = div_u64(now_us - min(now_us, ca->epoch_us), 1000);
	reno_estimate(c, ca, acked);
	w_f = toytcp_cubic_window_q(ca->origin_q, ca->k_ms, t_ms) << FINE;
	if (w_f < ca->w_est_f) {
		/* section 4.3: where Reno is faster, be Reno */
		new_f = max(now_f, ca->w_est_f);
	} else {
		/* sections 4.4 and 4.5: towards where the curve is one RTT later */
		target_f = toytcp_cubic_window_q(ca->origin_q, ca->k_ms,
						 t_ms + ca->rtt_ms) << FINE;
		target_f = clamp_t(u64, target_f, now_f, now_f + (now_f >> 1));
		new_f = now_f + mul_u64_u32_div(target_f - now_f, acked,
						c->cwnd_segs);
	}
	/* no faster than slow start */
	new_f = min_t(u64, new_f, now_f + ((u64)acked << SHIFT_F));
	ca->frac_f = new_f & (ONE_F - 1);
	toytcp_cong_grow(c, (new_f >> SHIFT_F) - c->cwnd_segs);
}

static u32 slow_start(struct toytcp_cong *c, struct cubic *ca,
		      const struct toytcp_cong_ack *ack)
{
	u32 acked = ack->acked_segs;

	/* HyStart++ is for the first slow start only: RFC 9406 section 4.3 */
	if (c->ssthresh_segs != TOYTCP_CONG_SSTHRESH_INF)
		return toytcp_cong_slow_start(c, acked);
	if (toytcp_hystart_acked(&ca->hystart, ack, c->cwnd_segs)) {
		c->ssthresh_segs = max(c->cwnd_segs, 2u);
		return acked;
	}
	toytcp_cong_slow_start(c, toytcp_hystart_growth(&ca->hystart, acked));
	return 0;
}

static void cubic_cong_avoid(struct toytcp_cong *c,
			     const struct toytcp_cong_ack *ack)
{
	struct cubic *ca = cubic_of(c);
	u32 acked = ack->acked_segs;

	if (ack->rtt_us)
		ca->rtt_ms = ack->rtt_us / 1000;
	if (!ack->cwnd_limited) {
		/* section 4.2: the time in which the window may not grow does not count */
		if (ca->epoch_us && ca->last_us)
			ca->epoch_us += ack->now_us - ca->last_us;
		ca->last_us = ack->now_us;
		return;
	}
	ca->last_us = ack->now_us;
	if (toytcp_cong_in_slow_start(c))
		acked = slow_start(c, ca, ack);
	if (acked)
		cubic_avoid(c, ca, acked, ack->now_us);
}

/* section 4.8: after a timeout the curve starts where slow start ends */
static void cubic_rto(struct toytcp_cong *c, u64 now_us)
{
	struct cubic *ca = cubic_of(c);

	ca->w_max_q = 0;
	ca->epoch_us = 0;
	ca->frac_f = 0;
}

/* section 4.9: the loss was none */
static void cubic_undo(struct toytcp_cong *c, u64 now_us)
{
	struct cubic *ca = cubic_of(c);

	ca->epoch_us = ca->before.epoch_us;
	ca->w_max_q = ca->before.w_max_q;
	ca->origin_q = ca->before.origin_q;
	ca->k_ms = ca->before.k_ms;
	ca->w_est_f = (u64)c->cwnd_segs << SHIFT_F;
}

/* section 5.8: silence is no time in which the path showed what it can carry */
static void cubic_restart(struct toytcp_cong *c, u64 idle_us)
{
	struct cubic *ca = cubic_of(c);

	if (ca->epoch_us)
		ca->epoch_us += idle_us;
	ca->last_us = 0;
}

/* the default of every namespace */
struct toytcp_cong_ops toytcp_cong_cubic = {
	.name		= "cubic",
	.owner		= NULL, /* part of toytcp itself: its sockets must not pin it */
	.flags		= TOYTCP_CONG_NON_RESTRICTED,
	.init		= cubic_init,
	.ssthresh	= cubic_ssthresh,
	.cong_avoid	= cubic_cong_avoid,
	.rto		= cubic_rto,
	.undo		= cubic_undo,
	.restart	= cubic_restart,
};
