// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/seq.h: the circle of sequence numbers, at every place where
 * it can be cut.
 *
 * Every case is repeated around each anchor, so that what must hold near 1000
 * is also shown to hold across 2^31 and 2^32.
 */
#include <kunit/test.h>
#include <linux/kernel.h>

#include "../module/seq.h"
#include "prng.h"

static const u32 anchors[] = {
	0, 1, 1000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001,
	0xfffffffe, 0xffffffff,
};

/* b = a + ahead, and what must be said of a and b */
struct order_param {
	const char *name;
	u32 ahead;
	bool before, after, leq, geq;
};

static const struct order_param order_params[] = {
	{ "equal",		0,		false, false, true, true },
	{ "one ahead",		1,		true, false, true, false },
	{ "one behind",		-1,		false, true, false, true },
	{ "a window ahead",	65535u << 14,	true, false, true, false },
	{ "a window behind",	-(65535u << 14), false, true, false, true },
	{ "farthest ahead",	0x7fffffff,	true, false, true, false },
	{ "farthest behind",	0x80000001,	false, true, false, true },
	{ "half the circle",	0x80000000,	true, true, false, false },
};

static void order_desc(const struct order_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(order, order_params, order_desc);

static void seq_before__distances(struct kunit *test)
{
	const struct order_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++)
		KUNIT_EXPECT_EQ_MSG(test, seq_before(anchors[i], anchors[i] + p->ahead),
				    p->before, "a=%#x", anchors[i]);
}

static void seq_after__distances(struct kunit *test)
{
	const struct order_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++)
		KUNIT_EXPECT_EQ_MSG(test, seq_after(anchors[i], anchors[i] + p->ahead),
				    p->after, "a=%#x", anchors[i]);
}

static void seq_leq__distances(struct kunit *test)
{
	const struct order_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++)
		KUNIT_EXPECT_EQ_MSG(test, seq_leq(anchors[i], anchors[i] + p->ahead),
				    p->leq, "a=%#x", anchors[i]);
}

static void seq_geq__distances(struct kunit *test)
{
	const struct order_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++)
		KUNIT_EXPECT_EQ_MSG(test, seq_geq(anchors[i], anchors[i] + p->ahead),
				    p->geq, "a=%#x", anchors[i]);
}

/* x and hi as distances from lo */
struct between_param {
	const char *name;
	u32 x, hi;
	bool want;
};

static const struct between_param between_params[] = {
	{ "a single point, hit",	0, 0, true },
	{ "a single point, above",	1, 0, false },
	{ "a single point, below",	-1, 0, false },
	{ "lower end",			0, 10, true },
	{ "inside",			5, 10, true },
	{ "upper end",			10, 10, true },
	{ "just above",			11, 10, false },
	{ "just below",			-1, 10, false },
	{ "more than half the circle, inside", 0x80000001, 0xc0000000, true },
	{ "more than half the circle, above", 0xc0000001, 0xc0000000, false },
	{ "the whole circle",		-1, -1, true },
	{ "all but one, the one",	-1, -2, false },
};

static void between_desc(const struct between_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(between, between_params, between_desc);

static void seq_between__distances(struct kunit *test)
{
	const struct between_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		u32 lo = anchors[i];

		KUNIT_EXPECT_EQ_MSG(test, seq_between(lo, lo + p->x, lo + p->hi),
				    p->want, "lo=%#x", lo);
	}
}

static void seq_max__across_wrap(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seq_max(0xfffffff0, 0x10), 0x10u);
	KUNIT_EXPECT_EQ(test, seq_max(0x10, 0xfffffff0), 0x10u);
	KUNIT_EXPECT_EQ(test, seq_max(0x7fffffff, 0x80000000), 0x80000000u);
	KUNIT_EXPECT_EQ(test, seq_max(7, 7), 7u);
}

static void seq_min__across_wrap(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, seq_min(0xfffffff0, 0x10), 0xfffffff0u);
	KUNIT_EXPECT_EQ(test, seq_min(0x10, 0xfffffff0), 0xfffffff0u);
	KUNIT_EXPECT_EQ(test, seq_min(0x7fffffff, 0x80000000), 0x7fffffffu);
	KUNIT_EXPECT_EQ(test, seq_min(7, 7), 7u);
}

/* the laws that hold for any two numbers not exactly half a circle apart */
static void seq_before__is_an_order(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u32 a = prng_seq(&p), b = prng_seq(&p), shift = prng_u32(&p);

		if (a - b == 0x80000000)
			continue;
		KUNIT_ASSERT_EQ_MSG(test, seq_before(a, b) + seq_after(a, b) + (a == b), 1,
				    "a=%#x b=%#x" PRNG_FMT, a, b, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, seq_leq(a, b), seq_before(a, b) || a == b,
				    "a=%#x b=%#x" PRNG_FMT, a, b, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, seq_geq(a, b), seq_leq(b, a),
				    "a=%#x b=%#x" PRNG_FMT, a, b, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, seq_before(a, b), seq_before(a + shift, b + shift),
				    "a=%#x b=%#x by %#x" PRNG_FMT, a, b, shift, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, seq_max(a, b) ^ seq_min(a, b), a ^ b,
				    "a=%#x b=%#x" PRNG_FMT, a, b, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, seq_leq(seq_min(a, b), seq_max(a, b)),
				      "a=%#x b=%#x" PRNG_FMT, a, b, prng_where(&p));
	}
}

/* lo + n is within [lo, lo + m] if and only if n <= m, wherever lo is */
static void seq_between__is_a_distance(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u32 lo = prng_seq(&p), n = prng_magnitude(&p), m = prng_magnitude(&p);

		KUNIT_ASSERT_EQ_MSG(test, seq_between(lo, lo + n, lo + m), n <= m,
				    "lo=%#x n=%#x m=%#x" PRNG_FMT, lo, n, m, prng_where(&p));
	}
}

static struct kunit_case seq_cases[] = {
	KUNIT_CASE_PARAM(seq_before__distances, order_gen_params),
	KUNIT_CASE_PARAM(seq_after__distances, order_gen_params),
	KUNIT_CASE_PARAM(seq_leq__distances, order_gen_params),
	KUNIT_CASE_PARAM(seq_geq__distances, order_gen_params),
	KUNIT_CASE_PARAM(seq_between__distances, between_gen_params),
	KUNIT_CASE(seq_max__across_wrap),
	KUNIT_CASE(seq_min__across_wrap),
	KUNIT_CASE_PARAM(seq_before__is_an_order, prng_seed_gen_params),
	KUNIT_CASE_PARAM(seq_between__is_a_distance, prng_seed_gen_params),
	{}
};

static struct kunit_suite seq_suite = {
	.name = "toytcp_seq",
	.test_cases = seq_cases,
};

kunit_test_suites(&seq_suite);
