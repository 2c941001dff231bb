// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/cong.c and module/cong_reno.c: the table of algorithms, the
 * shared arithmetic, and Reno's growth over whole round trips. Of cong_bbr.c,
 * whose tests need the engine, just this: whatever it hears, it stays in bounds.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "../module/cong.h"
#include "prng.h"

static u32 fake_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	return 2;
}

static void fake_cong_avoid(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
}

static void fake_init(struct toytcp_cong *c)
{
	c->priv[0] = 0x1234 + c->cwnd_segs;
}

#define FAKE_OPS(_name)							\
	{ .name = _name, .owner = THIS_MODULE,				\
	  .ssthresh = fake_ssthresh, .cong_avoid = fake_cong_avoid }

static struct toytcp_cong_ops fake_a = FAKE_OPS("test_a");
static struct toytcp_cong_ops fake_a_again = FAKE_OPS("test_a");
static struct toytcp_cong_ops fake_b = FAKE_OPS("test_b");

static void cong_register__found_until_unregistered(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get("test_a"));
	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&fake_a), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cong_register(&fake_b), 0);

	KUNIT_EXPECT_PTR_EQ(test, toytcp_cong_find_get("test_a"),
			    (const struct toytcp_cong_ops *)&fake_a);
	KUNIT_EXPECT_PTR_EQ(test, toytcp_cong_find_get("test_b"),
			    (const struct toytcp_cong_ops *)&fake_b);
	toytcp_cong_put(&fake_a);
	toytcp_cong_put(&fake_b);

	toytcp_cong_unregister(&fake_a);
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get("test_a"));
	KUNIT_EXPECT_PTR_EQ(test, toytcp_cong_find_get("test_b"),
			    (const struct toytcp_cong_ops *)&fake_b);
	toytcp_cong_put(&fake_b);
	toytcp_cong_unregister(&fake_b);
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get("test_b"));
}

static void cong_register__name_taken(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&fake_a), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cong_register(&fake_a_again), -EEXIST);
	KUNIT_EXPECT_EQ(test, toytcp_cong_register(&fake_a), -EEXIST);
	toytcp_cong_unregister(&fake_a);
	KUNIT_EXPECT_EQ(test, toytcp_cong_register(&fake_a_again), 0);
	toytcp_cong_unregister(&fake_a_again);
}

static bool free_for_all(const struct toytcp_cong_ops *ops)
{
	return ops->flags & TOYTCP_CONG_NON_RESTRICTED;
}

/* allowed_congestion_control: what is written is free for all, what is not is not */
static void cong_allow__replaces_the_list(struct kunit *test)
{
	static const char *const bad[] = {
		"test_a nosuch", "nosuch test_a", "test", "test_a,test_b", "test_b test_a0",
		/* not even if it begins like one */
		"test_b_is_too_long", "test_a test_a_of_a_name_that_is_much_too_long",
	};
	int i;

	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&fake_a), 0);
	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&fake_b), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cong_allow("test_b"), 0);
	KUNIT_EXPECT_TRUE(test, free_for_all(&fake_b));
	KUNIT_EXPECT_FALSE(test, free_for_all(&fake_a));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, toytcp_cong_allow(bad[i]), -ENOENT, "%s", bad[i]);
		KUNIT_EXPECT_TRUE(test, free_for_all(&fake_b));
		KUNIT_EXPECT_FALSE(test, free_for_all(&fake_a));
	}
	KUNIT_EXPECT_EQ(test, toytcp_cong_allow("  test_a   test_b "), 0);
	KUNIT_EXPECT_TRUE(test, free_for_all(&fake_a) && free_for_all(&fake_b));
	KUNIT_EXPECT_EQ(test, toytcp_cong_allow(""), 0);
	KUNIT_EXPECT_FALSE(test, free_for_all(&fake_a) || free_for_all(&fake_b));
	toytcp_cong_unregister(&fake_a);
	toytcp_cong_unregister(&fake_b);
	/* Reno and CUBIC are there in the module, and not in user space */
	if (toytcp_cong_find_get("cubic"))
		KUNIT_EXPECT_EQ(test, toytcp_cong_allow("reno cubic"), 0);
}

struct invalid_param {
	const char *what;
	struct toytcp_cong_ops ops;
};

static const struct invalid_param invalid_params[] = {
	{ "no name", FAKE_OPS(NULL) },
	{ "empty name", FAKE_OPS("") },
	{ "name of 16", FAKE_OPS("0123456789abcdef") },
	{ "no ssthresh", { .name = "test_c", .cong_avoid = fake_cong_avoid } },
	{ "no cong_avoid", { .name = "test_c", .ssthresh = fake_ssthresh } },
};

static void invalid_desc(const struct invalid_param *p, char *desc)
{
	strscpy(desc, p->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(invalid, invalid_params, invalid_desc);

static void cong_register__invalid(struct kunit *test)
{
	const struct invalid_param *p = test->param_value;
	struct toytcp_cong_ops ops = p->ops;

	KUNIT_EXPECT_EQ(test, toytcp_cong_register(&ops), -EINVAL);
}

static void cong_register__longest_name(struct kunit *test)
{
	static struct toytcp_cong_ops ops = FAKE_OPS("0123456789abcde");

	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&ops), 0);
	KUNIT_EXPECT_PTR_EQ(test, toytcp_cong_find_get("0123456789abcde"),
			    (const struct toytcp_cong_ops *)&ops);
	toytcp_cong_put(&ops);
	toytcp_cong_unregister(&ops);
}

static void cong_find_get__holds_the_module(struct kunit *test)
{
	int before = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&fake_a), 0);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	KUNIT_EXPECT_NOT_NULL(test, toytcp_cong_find_get("test_a"));
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before + 1);
	toytcp_cong_put(&fake_a);
	KUNIT_EXPECT_EQ(test, module_refcount(THIS_MODULE), before);
	toytcp_cong_unregister(&fake_a);
}

static void cong_find_get__unknown(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get("test_unknown"));
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get(""));
}

static void cong_find_get__leaving_module(struct kunit *test)
{
	static struct module leaving = { .state = MODULE_STATE_GOING };
	static struct toytcp_cong_ops ops = FAKE_OPS("test_leaving");

	ops.owner = &leaving;
	KUNIT_ASSERT_EQ(test, toytcp_cong_register(&ops), 0);
	KUNIT_EXPECT_NULL(test, toytcp_cong_find_get("test_leaving"));
	toytcp_cong_unregister(&ops);
}

static void cong_put__null(struct kunit *test)
{
	toytcp_cong_put(NULL);
}

static void cong_init__fresh(struct kunit *test)
{
	struct toytcp_cong c;
	unsigned int i;

	memset(&c, 0xa5, sizeof(c));
	toytcp_cong_init(&c, &toytcp_cong_reno, 10);
	KUNIT_EXPECT_PTR_EQ(test, c.ops, (const struct toytcp_cong_ops *)&toytcp_cong_reno);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 10u);
	KUNIT_EXPECT_EQ(test, c.cwnd_cnt, 0u);
	KUNIT_EXPECT_EQ(test, c.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	KUNIT_EXPECT_GE(test, c.cwnd_clamp_segs, 0x7fffffffu);
	KUNIT_EXPECT_TRUE(test, toytcp_cong_in_slow_start(&c));
	for (i = 0; i < TOYTCP_CONG_PRIV_U64; i++)
		KUNIT_EXPECT_EQ(test, c.priv[i], 0ull);
}

static void cong_init__calls_the_algorithm(struct kunit *test)
{
	static const struct toytcp_cong_ops ops = {
		.name = "test_init", .init = fake_init,
		.ssthresh = fake_ssthresh, .cong_avoid = fake_cong_avoid,
	};
	struct toytcp_cong c;

	toytcp_cong_init(&c, &ops, 4);
	KUNIT_EXPECT_EQ(test, c.priv[0], 0x1238ull);
}

static void cong_init__window_has_limits(struct kunit *test)
{
	struct toytcp_cong c;

	toytcp_cong_init(&c, &toytcp_cong_reno, 0);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 1u);
	toytcp_cong_init(&c, &toytcp_cong_reno, U32_MAX);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, c.cwnd_clamp_segs);
}

struct slow_start_param {
	const char *name;
	u32 cwnd, ssthresh, clamp, acked, want_cwnd, want_left;
};

#define INF TOYTCP_CONG_SSTHRESH_INF

static const struct slow_start_param slow_start_params[] = {
	{ "one",		10, INF, INF, 1, 11, 0 },
	{ "a whole window",	10, INF, INF, 10, 20, 0 },
	{ "up to ssthresh",	10, 16, INF, 6, 16, 0 },
	{ "beyond ssthresh",	10, 16, INF, 8, 16, 2 },
	{ "at ssthresh",	16, 16, INF, 3, 16, 3 },
	{ "above ssthresh",	20, 16, INF, 3, 20, 3 },
	{ "up to the clamp",	10, INF, 12, 5, 12, 0 },
	{ "at the clamp",	12, INF, 12, 5, 12, 0 },
	{ "above a lowered clamp", 20, INF, 12, 5, 12, 0 },
	{ "no overflow",	INF - 1, INF, INF, U32_MAX, INF, U32_MAX - 1 },
	{ "nothing acked",	10, INF, INF, 0, 10, 0 },
};

static void slow_start_desc(const struct slow_start_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(slow_start, slow_start_params, slow_start_desc);

static void cong_slow_start__table(struct kunit *test)
{
	const struct slow_start_param *p = test->param_value;
	struct toytcp_cong c = {
		.cwnd_segs = p->cwnd,
		.ssthresh_segs = p->ssthresh,
		.cwnd_clamp_segs = p->clamp,
	};

	KUNIT_EXPECT_EQ(test, toytcp_cong_slow_start(&c, p->acked), p->want_left);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, p->want_cwnd);
	KUNIT_EXPECT_EQ(test, c.cwnd_cnt, 0u);
}

struct ai_param {
	const char *name;
	u32 cwnd, cnt, clamp, every, acked, want_cwnd, want_cnt;
};

static const struct ai_param ai_params[] = {
	{ "one of ten",		10, 0, INF, 10, 1, 10, 1 },
	{ "the tenth",		10, 9, INF, 10, 1, 11, 0 },
	{ "a whole window",	10, 0, INF, 10, 10, 11, 0 },
	{ "with a rest",	10, 7, INF, 10, 5, 11, 2 },
	{ "several at once",	10, 0, INF, 10, 35, 13, 5 },
	{ "credit from a larger window buys one", 10, 95, INF, 10, 1, 11, 1 },
	{ "up to the clamp",	10, 9, 10, 10, 1, 10, 0 },
	{ "above a lowered clamp", 20, 0, 10, 20, 1, 10, 1 },
	{ "price 1",		10, 0, INF, 1, 3, 13, 0 },
	{ "price 0",		10, 0, INF, 0, 3, 13, 0 },
	{ "no overflow of the count", 10, 1, INF, 2, U32_MAX, INF, 1 },
	{ "no overflow of the window", INF, 0, INF, 1, 1, INF, 0 },
	{ "nothing acked",	10, 3, INF, 10, 0, 10, 3 },
};

static void ai_desc(const struct ai_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ai, ai_params, ai_desc);

static void cong_ai__table(struct kunit *test)
{
	const struct ai_param *p = test->param_value;
	struct toytcp_cong c = {
		.cwnd_segs = p->cwnd,
		.cwnd_cnt = p->cnt,
		.cwnd_clamp_segs = p->clamp,
		.ssthresh_segs = 2,
	};

	toytcp_cong_ai(&c, p->every, p->acked);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, p->want_cwnd);
	KUNIT_EXPECT_EQ(test, c.cwnd_cnt, p->want_cnt);
}

struct reno_ssthresh_param {
	u32 in_flight, want;
};

static const struct reno_ssthresh_param reno_ssthresh_params[] = {
	{ 0, 2 }, { 1, 2 }, { 2, 2 }, { 4, 2 }, { 5, 2 }, { 6, 3 }, { 100, 50 },
	{ 101, 50 }, { U32_MAX, 0x7fffffff },
};

static void reno_ssthresh_desc(const struct reno_ssthresh_param *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u in flight", p->in_flight);
}

KUNIT_ARRAY_PARAM(reno_ssthresh, reno_ssthresh_params, reno_ssthresh_desc);

static void reno_ssthresh__half_of_flight(struct kunit *test)
{
	const struct reno_ssthresh_param *p = test->param_value;
	struct toytcp_cong c;

	toytcp_cong_init(&c, &toytcp_cong_reno, 10);
	c.cwnd_segs = 1000;	/* must not matter */
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, p->in_flight, 0), p->want);
}

/* one round trip: the whole window is acknowledged, @per_ack segments at a time */
static void round_trip(struct toytcp_cong *c, u32 per_ack, bool limited)
{
	u32 left = c->cwnd_segs;

	while (left) {
		struct toytcp_cong_ack ack = {
			.acked_segs = min(per_ack, left),
			.in_flight_segs = left,
			.cwnd_limited = limited,
		};

		c->ops->cong_avoid(c, &ack);
		left -= ack.acked_segs;
	}
}

static void reno_cong_avoid__slow_start_doubles(struct kunit *test)
{
	u32 per_ack;

	for (per_ack = 1; per_ack <= 45; per_ack += 4) {
		struct toytcp_cong c;

		toytcp_cong_init(&c, &toytcp_cong_reno, 10);
		round_trip(&c, per_ack, true);
		KUNIT_EXPECT_EQ(test, c.cwnd_segs, 20u);
		round_trip(&c, per_ack, true);
		KUNIT_EXPECT_EQ(test, c.cwnd_segs, 40u);
	}
}

static void reno_cong_avoid__one_segment_a_round_trip(struct kunit *test)
{
	struct toytcp_cong c;
	u32 i;

	toytcp_cong_init(&c, &toytcp_cong_reno, 10);
	c.ssthresh_segs = 10;
	for (i = 1; i <= 100; i++) {
		round_trip(&c, 1 + i % 3, true);
		KUNIT_EXPECT_LE(test, c.cwnd_segs, 10 + i);
		KUNIT_EXPECT_GE(test, c.cwnd_segs, 9 + i);
	}
}

static void reno_cong_avoid__crosses_ssthresh_within_an_ack(struct kunit *test)
{
	struct toytcp_cong_ack ack = { .acked_segs = 10, .cwnd_limited = true };
	struct toytcp_cong c;

	toytcp_cong_init(&c, &toytcp_cong_reno, 10);
	c.ssthresh_segs = 14;
	c.ops->cong_avoid(&c, &ack);
	/* 4 for slow start, 6 towards the 15th */
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 14u);
	KUNIT_EXPECT_EQ(test, c.cwnd_cnt, 6u);
	KUNIT_EXPECT_FALSE(test, toytcp_cong_in_slow_start(&c));
}

static void reno_cong_avoid__not_limited_not_grown(struct kunit *test)
{
	struct toytcp_cong c;

	toytcp_cong_init(&c, &toytcp_cong_reno, 10);
	round_trip(&c, 2, false);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 10u);
	c.ssthresh_segs = 5;
	round_trip(&c, 2, false);
	KUNIT_EXPECT_EQ(test, c.cwnd_segs, 10u);
	KUNIT_EXPECT_EQ(test, c.cwnd_cnt, 0u);
}

/* any ACKs and losses: the window stays within its bounds, and ACKs never shrink it */
static void reno_cong_avoid__bounds(struct kunit *test)
{
	struct prng p = prng_start(test);
	struct toytcp_cong c;
	unsigned int i;

	toytcp_cong_init(&c, &toytcp_cong_reno, 1 + prng_below(&p, 20));
	for (i = 0; i < 20000; i++) {
		struct toytcp_cong_ack ack = {
			.acked_segs = 1 + (prng_magnitude(&p) & 0xffff),
			.cwnd_limited = !prng_once_in(&p, 4),
		};
		u32 before = c.cwnd_segs;

		c.ops->cong_avoid(&c, &ack);
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_segs >= before &&
				      c.cwnd_segs <= c.cwnd_clamp_segs,
				      "cwnd from %u to %u" PRNG_FMT, before, c.cwnd_segs,
				      prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_segs - before <= ack.acked_segs,
				      "more growth than was acked" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_cnt < c.cwnd_segs,
				      "unspent credit" PRNG_FMT, prng_where(&p));
		if (prng_once_in(&p, 30)) {
			c.ssthresh_segs = c.ops->ssthresh(&c, c.cwnd_segs, 0);
			KUNIT_ASSERT_GE_MSG(test, c.ssthresh_segs, 2u,
					    "ssthresh" PRNG_FMT, prng_where(&p));
			c.cwnd_segs = prng_once_in(&p, 2) ? 1 : c.ssthresh_segs;
			c.cwnd_cnt = 0;
		}
	}
}

/* what no path does: any samples, losses and times */
static void bbr_control__bounds(struct kunit *test)
{
	struct prng p = prng_start(test);
	struct toytcp_cong c;
	u64 now_us = prng_u64(&p) >> 8;
	unsigned int i;

	toytcp_cong_init(&c, &toytcp_cong_bbr, 1 + prng_below(&p, 20));
	if (prng_once_in(&p, 2))
		c.cwnd_clamp_segs = 100 + prng_below(&p, 10000);
	for (i = 0; i < 20000; i++) {
		struct toytcp_cong_ack ack = {
			.rate.delivered_segs = prng_magnitude(&p),
			.rate.interval_us = prng_once_in(&p, 4) ? 0 : prng_magnitude(&p),
			.rate.prior_delivered = (u32)prng_u64(&p),
			.rate.app_limited = prng_once_in(&p, 4),
			.delivered = (u32)prng_u64(&p),
			.min_rtt_us = prng_once_in(&p, 9) ? U32_MAX : prng_magnitude(&p),
			.acked_segs = prng_magnitude(&p) & 0xffff,
			.in_flight_segs = prng_magnitude(&p) & 0x3fffffff,
			.rtt_us = prng_magnitude(&p),
			.now_us = now_us,
			.left_segs = prng_magnitude(&p) & 0x3fffffff,
			.newly_lost_segs = prng_magnitude(&p),
			.lost_segs = (u32)prng_u64(&p),
			.srtt_us = prng_magnitude(&p),
			.pace_wait_us = prng_magnitude(&p),
			.burst_segs = 1 + prng_below(&p, 127),
			.mss = 48 + prng_below(&p, 65000),
			.state = prng_below(&p, TOYTCP_LOSS + 1),
			.delayed = prng_once_in(&p, 4),
		};

		now_us += prng_magnitude(&p) & 0xfffff;
		c.ops->control(&c, &ack);
		KUNIT_ASSERT_TRUE_MSG(test, c.cwnd_segs && c.cwnd_segs <= c.cwnd_clamp_segs,
				      "cwnd %u" PRNG_FMT, c.cwnd_segs, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, c.pace_q <= (u64)U32_MAX * 3 &&
				      c.burst_min_segs <= 2,
				      "pace %llu" PRNG_FMT, c.pace_q, prng_where(&p));
		if (prng_once_in(&p, 30))
			c.ssthresh_segs = c.ops->ssthresh(&c, c.cwnd_segs, now_us);
		if (prng_once_in(&p, 100))
			c.ops->undo(&c, now_us);
		if (prng_once_in(&p, 100))
			c.ops->sends(&c, now_us);
	}
}

static struct kunit_case cong_cases[] = {
	KUNIT_CASE(cong_register__found_until_unregistered),
	KUNIT_CASE(cong_register__name_taken),
	KUNIT_CASE(cong_allow__replaces_the_list),
	KUNIT_CASE_PARAM(cong_register__invalid, invalid_gen_params),
	KUNIT_CASE(cong_register__longest_name),
	KUNIT_CASE(cong_find_get__holds_the_module),
	KUNIT_CASE(cong_find_get__unknown),
	KUNIT_CASE(cong_find_get__leaving_module),
	KUNIT_CASE(cong_put__null),
	KUNIT_CASE(cong_init__fresh),
	KUNIT_CASE(cong_init__calls_the_algorithm),
	KUNIT_CASE(cong_init__window_has_limits),
	KUNIT_CASE_PARAM(cong_slow_start__table, slow_start_gen_params),
	KUNIT_CASE_PARAM(cong_ai__table, ai_gen_params),
	KUNIT_CASE_PARAM(reno_ssthresh__half_of_flight, reno_ssthresh_gen_params),
	KUNIT_CASE(reno_cong_avoid__slow_start_doubles),
	KUNIT_CASE(reno_cong_avoid__one_segment_a_round_trip),
	KUNIT_CASE(reno_cong_avoid__crosses_ssthresh_within_an_ack),
	KUNIT_CASE(reno_cong_avoid__not_limited_not_grown),
	KUNIT_CASE_PARAM(reno_cong_avoid__bounds, prng_seed_gen_params),
	KUNIT_CASE_PARAM(bbr_control__bounds, prng_seed_gen_params),
	{}
};

static struct kunit_suite cong_suite = {
	.name = "toytcp_cong",
	.test_cases = cong_cases,
};

kunit_test_suites(&cong_suite);
