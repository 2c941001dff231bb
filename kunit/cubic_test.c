// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/cong_cubic.c and module/hystart.c: CUBIC's curve against
 * RFC 9438's equations in decimal numbers, its growth and reductions, and
 * RFC 9406's ways out of slow start.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "../module/cong.h"
#include "../module/cong_cubic.h"
#include "../module/hystart.h"
#include "prng.h"

#define Q(segs)		((u64)(segs) << TOYTCP_CUBIC_SHIFT)

/* K = cbrt((W_max - cwnd) / 0.4) and W_cubic(t), worked out with 30 digits */
struct curve_param {
	u32 w_max, cwnd;	/* segments */
	u32 k_ms;
	u32 t_ms;
	u64 w_milli;		/* thousandths of a segment */
};

static const struct curve_param curve_params[] = {
	{ 10, 7, 1957, 0, 7000 },
	{ 10, 7, 1957, 500, 8762 },
	{ 10, 7, 1957, 2000, 10000 },
	{ 10, 7, 1957, 10000, 218087 },
	{ 10, 7, 1957, 60000, 78226757 },
	{ 100, 70, 4217, 0, 70000 },
	{ 100, 70, 4217, 500, 79456 },
	{ 100, 70, 4217, 2000, 95640 },
	{ 100, 70, 4217, 10000, 177354 },
	{ 100, 70, 4217, 60000, 69532336 },
	{ 1000, 700, 9086, 0, 700000 },
	{ 1000, 700, 9086, 500, 746853 },
	{ 1000, 700, 9086, 2000, 857705 },
	{ 1000, 700, 9086, 10000, 1000306 },
	{ 1000, 700, 9086, 60000, 53793664 },
	{ 1000, 999, 1357, 0, 999000 },
	{ 1000, 999, 1357, 500, 999748 },
	{ 1000, 999, 1357, 2000, 1000106 },
	{ 1000, 999, 1357, 10000, 1258239 },
	{ 1000, 999, 1357, 60000, 81668483 },
	{ 100000, 70000, 42172, 0, 70000000 },
	{ 100000, 70000, 42172, 500, 71054467 },
	{ 100000, 70000, 42172, 2000, 74069048 },
	{ 100000, 70000, 42172, 10000, 86680764 },
	{ 100000, 70000, 42172, 60000, 102266703 },
	{ 20, 2, 3557, 0, 2000 },
	{ 20, 2, 3557, 500, 8574 },
	{ 20, 2, 3557, 2000, 18490 },
	{ 20, 2, 3557, 10000, 126991 },
	{ 20, 2, 3557, 60000, 71947128 },
};

static void curve_desc(const struct curve_param *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "W_max %u, cwnd %u, t %u ms", p->w_max, p->cwnd,
		 p->t_ms);
}

KUNIT_ARRAY_PARAM(curve, curve_params, curve_desc);

/* within 0.5% and the rounding: half of what is promised */
static void cubic_window__is_the_equation(struct kunit *test)
{
	const struct curve_param *p = test->param_value;
	u32 k_ms = toytcp_cubic_k_ms(Q(p->w_max), Q(p->cwnd));
	u64 w_milli = toytcp_cubic_window_q(Q(p->w_max), k_ms, p->t_ms) * 1000 >>
		      TOYTCP_CUBIC_SHIFT;
	u64 room = p->w_milli / 200 + 4;

	KUNIT_EXPECT_LE(test, k_ms, p->k_ms + 1);
	KUNIT_EXPECT_GE(test, k_ms + 1, p->k_ms);
	KUNIT_EXPECT_LE(test, w_milli, p->w_milli + room);
	KUNIT_EXPECT_GE(test, w_milli + room, p->w_milli);
}

static void cubic_window__ends(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, toytcp_cubic_k_ms(Q(10), Q(10)), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cubic_k_ms(Q(10), Q(11)), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cubic_window_q(Q(10), 3000, 3000), Q(10));
	/* negative, and as far as the clock goes */
	KUNIT_EXPECT_EQ(test, toytcp_cubic_window_q(Q(10), 1000000, 0), 0);
	KUNIT_EXPECT_GT(test, toytcp_cubic_window_q(Q(10), 0, U64_MAX), Q(10));
	KUNIT_EXPECT_LT(test, toytcp_cubic_k_ms(U64_MAX, 0), 1u << 21);
}

/* a window's worth of ACKs, spread over @rtt_us */
static void round_trip(struct toytcp_cong *c, u64 *now_us, u32 rtt_us)
{
	u32 left = c->cwnd_segs, n = left;

	while (left--) {
		struct toytcp_cong_ack ack = {
			.acked_segs = 1,
			.in_flight_segs = c->cwnd_segs,
			.rtt_us = rtt_us,
			.now_us = *now_us,
			.cwnd_limited = true,
		};

		*now_us += rtt_us / n;
		c->ops->cong_avoid(c, &ack);
	}
}

static void reduce(struct toytcp_cong *c, u64 now_us)
{
	c->ssthresh_segs = c->ops->ssthresh(c, c->cwnd_segs, now_us);
	c->cwnd_segs = c->ssthresh_segs;
}

/*
 * From a reduction on the window follows the curve: within 1% of the RFC's
 * equation (or of a segment) one round trip after t, by RFC 9438 section 4.4.
 */
static void cubic_cong_avoid__follows_the_curve(struct kunit *test)
{
	struct toytcp_cong c;
	u64 now_us = 1000000, began;
	u32 k_ms;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 10);
	c.cwnd_segs = 4000;
	reduce(&c, now_us);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 2800);
	began = now_us;
	k_ms = toytcp_cubic_k_ms(Q(4000), Q(2800));
	/* cbrt(1200 / 0.4) = 14.42 s */
	KUNIT_EXPECT_EQ(test, k_ms, 14422);
	while (now_us - began < 20000000) {
		u64 w, t_ms = (now_us - began) / 1000;

		round_trip(&c, &now_us, 50000);
		w = toytcp_cubic_window_q(Q(4000), k_ms, t_ms + 50) >> TOYTCP_CUBIC_SHIFT;
		KUNIT_ASSERT_LE_MSG(test, (u64)c.cwnd_segs, w + w / 100 + 1, "at %llu ms", t_ms);
		KUNIT_ASSERT_GE_MSG(test, c.cwnd_segs + w / 100 + 1, w, "at %llu ms", t_ms);
	}
	KUNIT_EXPECT_GT(test, c.cwnd_segs, 4000);
}

/* section 4.3: on a short path it grows as Reno scaled to a factor of 0.7 would */
static void cubic_cong_avoid__is_reno_on_short_paths(struct kunit *test)
{
	struct toytcp_cong c;
	u64 now_us = 1000000;
	u32 i;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 10);
	c.cwnd_segs = 100;
	reduce(&c, now_us);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 70);
	/* 9/17 of a segment a round trip, so 30 of them take 57 */
	for (i = 0; i < 56; i++)
		round_trip(&c, &now_us, 1000);
	KUNIT_EXPECT_GE(test, c.cwnd_segs, 98);
	KUNIT_EXPECT_LE(test, c.cwnd_segs, 100);
	/* from W_max on a whole one */
	for (i = 0; i < 20; i++)
		round_trip(&c, &now_us, 1000);
	KUNIT_EXPECT_GE(test, c.cwnd_segs, 117);
	KUNIT_EXPECT_LE(test, c.cwnd_segs, 120);
}

static void cubic_ssthresh__fast_convergence(struct kunit *test)
{
	struct toytcp_cong c;
	u64 now_us = 1000000;
	u32 i;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 10);
	c.cwnd_segs = 1000;
	reduce(&c, now_us);
	/* again before it is back: the plateau is at 700 * 0.85, not at 700 */
	reduce(&c, now_us);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 490);
	/* cbrt(105 / 0.4) = 6.4 s */
	for (i = 0; i < 64; i++)
		round_trip(&c, &now_us, 100000);
	KUNIT_EXPECT_GE(test, c.cwnd_segs, 588);
	KUNIT_EXPECT_LE(test, c.cwnd_segs, 602);
}

/* section 4.8: after a timeout the curve begins flat where slow start ended */
static void cubic_rto__forgets_the_plateau(struct kunit *test)
{
	struct toytcp_cong c;
	u64 now_us = 1000000;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 10);
	c.cwnd_segs = 1000;
	c.ssthresh_segs = c.ops->ssthresh(&c, 1000, now_us);
	c.cwnd_segs = 1;
	c.ops->rto(&c, now_us);
	while (toytcp_cong_in_slow_start(&c))
		round_trip(&c, &now_us, 100000);
	round_trip(&c, &now_us, 100000);
	round_trip(&c, &now_us, 100000);
	KUNIT_EXPECT_LE(test, c.cwnd_segs, 703);
}

/* section 4.9: as if there had been no reduction */
static void cubic_undo__goes_on(struct kunit *test)
{
	struct toytcp_cong a, b;
	u64 now_a = 1000000, now_b;
	u32 i, before;

	toytcp_cong_init(&a, &toytcp_cong_cubic, 10);
	a.cwnd_segs = 500;
	reduce(&a, now_a);
	for (i = 0; i < 20; i++)
		round_trip(&a, &now_a, 100000);
	b = a;
	now_b = now_a;
	before = b.cwnd_segs;
	reduce(&b, now_b);
	b.cwnd_segs = before;
	b.ssthresh_segs = a.ssthresh_segs;
	b.ops->undo(&b, now_b);
	for (i = 0; i < 100; i++) {
		round_trip(&a, &now_a, 100000);
		round_trip(&b, &now_b, 100000);
	}
	KUNIT_EXPECT_GT(test, a.cwnd_segs, before);
	KUNIT_EXPECT_LE(test, b.cwnd_segs, a.cwnd_segs + a.cwnd_segs / 100);
	KUNIT_EXPECT_GE(test, b.cwnd_segs + a.cwnd_segs / 100, a.cwnd_segs);
}

/* neither a program that pauses nor one that sends little moves along the curve */
static void cubic_cong_avoid__unused_time_does_not_count(struct kunit *test)
{
	struct toytcp_cong c;
	struct toytcp_cong_ack ack = { .acked_segs = 1, .rtt_us = 100000 };
	u64 now_us = 1000000;
	u32 before, i;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 10);
	c.cwnd_segs = 1000;
	reduce(&c, now_us);
	for (i = 0; i < 10; i++)
		round_trip(&c, &now_us, 100000);
	before = c.cwnd_segs;
	for (i = 0; i < 100; i++) {
		now_us += 100000;
		ack.now_us = now_us;
		c.ops->cong_avoid(&c, &ack);
	}
	now_us += 10000000;
	c.ops->restart(&c, 10000000);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, before);
	round_trip(&c, &now_us, 100000);
	KUNIT_EXPECT_LE(test, c.cwnd_segs, before + before / 20);
}

/* any ACKs and losses: within bounds, never down by an ACK, never faster than slow start */
static void cubic_cong_avoid__bounds(struct kunit *test)
{
	struct prng p = prng_start(test);
	struct toytcp_cong c;
	u64 now_us = prng_u64(&p) >> 8;
	unsigned int i;

	toytcp_cong_init(&c, &toytcp_cong_cubic, 1 + prng_below(&p, 20));
	if (prng_once_in(&p, 2))
		c.cwnd_clamp_segs = 100 + prng_below(&p, 10000);
	for (i = 0; i < 20000; i++) {
		struct toytcp_cong_ack ack = {
			.acked_segs = 1 + (prng_magnitude(&p) & 0xffff),
			.rtt_us = prng_once_in(&p, 4) ? 0 : prng_magnitude(&p) & 0xffffff,
			.now_us = now_us,
			.snd_una = (u32)prng_u64(&p),
			.snd_nxt = (u32)prng_u64(&p),
			.cwnd_limited = !prng_once_in(&p, 4),
		};
		u32 before = c.cwnd_segs;

		now_us += prng_magnitude(&p) & 0xfffff;
		c.ops->cong_avoid(&c, &ack);
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_segs >= before &&
				      c.cwnd_segs <= c.cwnd_clamp_segs,
				      "cwnd from %u to %u" PRNG_FMT, before, c.cwnd_segs,
				      prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_segs - before <= ack.acked_segs + 1,
				      "cwnd from %u to %u by %u" PRNG_FMT, before, c.cwnd_segs,
				      ack.acked_segs, prng_where(&p));
		if (prng_once_in(&p, 30)) {
			c.ssthresh_segs = c.ops->ssthresh(&c, c.cwnd_segs, now_us);
			KUNIT_ASSERT_GE_MSG(test, c.ssthresh_segs, 2u,
					    "ssthresh" PRNG_FMT, prng_where(&p));
			c.cwnd_segs = c.ssthresh_segs;
			if (prng_once_in(&p, 2)) {
				c.cwnd_segs = 1;
				c.ops->rto(&c, now_us);
			} else if (prng_once_in(&p, 4)) {
				c.cwnd_segs = min(before, c.cwnd_clamp_segs);
				c.ops->undo(&c, now_us);
			}
			c.cwnd_cnt = 0;
		}
	}
}

/* A path as HyStart++ sees it */
struct hystart_path {
	struct toytcp_hystart h;
	struct toytcp_cong_ack ack;
	u32 cwnd_segs;
};

static void hystart_path_init(struct hystart_path *p, u32 cwnd_segs)
{
	memset(p, 0, sizeof(*p));
	toytcp_hystart_init(&p->h);
	p->cwnd_segs = cwnd_segs;
	p->ack.snd_una = 0xfffff000;
	p->ack.snd_nxt = 0xfffff000;
	p->ack.min_rtt_us = U32_MAX;
	p->ack.now_us = 1ull << 40;
}

/* one round of @n ACKs with these round trips, a flight of their own; the first comes at once */
static bool hystart_train(struct hystart_path *p, u32 n, u32 rtt_us, u32 gap_us)
{
	struct toytcp_cong_ack *ack = &p->ack;
	u32 i;

	ack->rtt_us = rtt_us;
	ack->min_rtt_us = min(ack->min_rtt_us, rtt_us);
	ack->snd_nxt += n * 1000;
	for (i = 0; i < n; i++) {
		ack->snd_una += 1000;
		ack->now_us += i ? gap_us : 1000 * 1000;
		if (toytcp_hystart_acked(&p->h, ack, p->cwnd_segs))
			return true;
	}
	return false;
}

/* as a bottleneck that is slower than any train */
static bool hystart_round(struct hystart_path *p, u32 n, u32 rtt_us)
{
	return hystart_train(p, n, rtt_us, 2001);
}

/* RFC 9406 4.2: a queue that grows ends slow start after five rounds of CSS */
static void hystart__queue_grows(struct kunit *test)
{
	struct hystart_path p;
	u32 i, grown = 0;

	hystart_path_init(&p, 16);
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 10, 40000));
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 44900));
	/* an eighth of 40 ms is 5 ms */
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 45000));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);
	for (i = 0; i < 100; i++)
		grown += toytcp_hystart_growth(&p.h, 1);
	KUNIT_EXPECT_EQ(test, grown, 25);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 51000 + 5000 * i));
	KUNIT_EXPECT_TRUE(test, hystart_round(&p, 20, 90000));
}

/* a little each round is a queue, too, though no round is much above the one before */
static void hystart__queue_creeps(struct kunit *test)
{
	struct hystart_path p;
	u32 i;

	hystart_path_init(&p, 16);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_FALSE(test, hystart_round(&p, 10, 40000 + 1000 * i));
		KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	}
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 10, 45000));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);
}

/* RFC 9406 4.2: the round trip is short again: it was jitter */
static void hystart__jitter(struct kunit *test)
{
	struct hystart_path p;
	u32 i;

	hystart_path_init(&p, 16);
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 10, 40000));
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 60000));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);
	KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 41000));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_FALSE(test, hystart_round(&p, 20, 41000));
	KUNIT_EXPECT_EQ(test, toytcp_hystart_growth(&p.h, 7), 7);
}

/* fewer than eight samples in a round say nothing; thresholds have 4 and 16 ms as limits */
static void hystart__thresholds(struct kunit *test)
{
	struct hystart_path p;

	hystart_path_init(&p, 16);
	hystart_round(&p, 10, 40000);
	hystart_round(&p, 7, 90000);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	/* nor does a window of fewer than 16 segments */
	p.cwnd_segs = 15;
	hystart_round(&p, 20, 90000);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);

	hystart_path_init(&p, 16);
	hystart_round(&p, 10, 1000);
	hystart_round(&p, 10, 4999);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	hystart_round(&p, 10, 5000);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);

	hystart_path_init(&p, 16);
	hystart_round(&p, 10, 400000);
	hystart_round(&p, 10, 415999);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
	hystart_round(&p, 10, 416000);
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);
}

/* Ha and Rhee: ACKs that span half of the round trip end slow start */
static void hystart__ack_train(struct kunit *test)
{
	struct hystart_path p;

	hystart_path_init(&p, 40);
	/* the first comes at once: 40 make 39 gaps of 600 us; half is 25 ms */
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 40, 50000, 600));
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 42, 50000, 600));
	/* what a small window shows is no train */
	p.cwnd_segs = 15;
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 50, 50000, 600));
	p.cwnd_segs = 40;
	KUNIT_EXPECT_TRUE(test, hystart_train(&p, 43, 50000, 600));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);

	/* in CSS, too */
	hystart_path_init(&p, 40);
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 40, 50000, 600));
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 20, 60000, 600));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 1);
	KUNIT_EXPECT_TRUE(test, hystart_train(&p, 43, 60000, 600));
}

/* a pacer spreads a flight over half of a round trip itself; slow pacing, large buffers */
static void hystart__ack_train_paced(struct kunit *test)
{
	struct hystart_path p;

	hystart_path_init(&p, 100);
	p.ack.paced = true;
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 84, 50000, 600));
	KUNIT_EXPECT_TRUE(test, hystart_train(&p, 85, 50000, 600));

	/* a millisecond for the buffers: 64 KB at that rate take longer */
	hystart_path_init(&p, 100);
	p.ack.paced = true;
	p.ack.pace_rate = 5000000;
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 86, 50000, 600));
	KUNIT_EXPECT_TRUE(test, hystart_train(&p, 87, 50000, 600));

	/* 262 us on a path of 100 us; half of both */
	hystart_path_init(&p, 100);
	p.ack.pace_rate = 1000 * 1000 * 1000;
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 182, 100, 1));
	KUNIT_EXPECT_TRUE(test, hystart_train(&p, 183, 100, 1));
}

/* ACKs in lumps say nothing of the bottleneck, nor do those of GRO that stand for many segments */
static void hystart__ack_compression(struct kunit *test)
{
	struct hystart_path p;
	u32 lump, i;

	hystart_path_init(&p, 200);
	p.ack.rtt_us = 50000;
	p.ack.min_rtt_us = 50000;
	p.ack.snd_nxt += 200 * 1000;
	for (lump = 0; lump < 5; lump++) {
		for (i = 0; i < 40; i++) {
			p.ack.snd_una += 1000;
			p.ack.now_us += 10;
			KUNIT_ASSERT_FALSE(test, toytcp_hystart_acked(&p.h, &p.ack, 200));
		}
		p.ack.now_us += 20000;
	}
	KUNIT_EXPECT_FALSE(test, hystart_train(&p, 20, 50000, 2500));
	KUNIT_EXPECT_EQ(test, p.h.css_rounds, 0);
}

static struct kunit_case cubic_cases[] = {
	KUNIT_CASE_PARAM(cubic_window__is_the_equation, curve_gen_params),
	KUNIT_CASE(cubic_window__ends),
	KUNIT_CASE(cubic_cong_avoid__follows_the_curve),
	KUNIT_CASE(cubic_cong_avoid__is_reno_on_short_paths),
	KUNIT_CASE(cubic_ssthresh__fast_convergence),
	KUNIT_CASE(cubic_rto__forgets_the_plateau),
	KUNIT_CASE(cubic_undo__goes_on),
	KUNIT_CASE(cubic_cong_avoid__unused_time_does_not_count),
	KUNIT_CASE_PARAM(cubic_cong_avoid__bounds, prng_seed_gen_params),
	KUNIT_CASE(hystart__queue_grows),
	KUNIT_CASE(hystart__queue_creeps),
	KUNIT_CASE(hystart__jitter),
	KUNIT_CASE(hystart__thresholds),
	KUNIT_CASE(hystart__ack_train),
	KUNIT_CASE(hystart__ack_train_paced),
	KUNIT_CASE(hystart__ack_compression),
	{}
};

static struct kunit_suite cubic_suite = {
	.name = "toytcp_cubic",
	.test_cases = cubic_cases,
};

kunit_test_suites(&cubic_suite);
