// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/rtt.c: the numbers of RFC 6298, worked out by hand.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "../module/rtt.h"
#include "prng.h"

#define SAMPLES_MAX 4

static void rtt_init__no_sample(struct kunit *test)
{
	struct toytcp_rtt rtt;

	memset(&rtt, 0xa5, sizeof(rtt));
	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us8, 0u);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us4, 0u);
	KUNIT_EXPECT_EQ(test, rtt.min_us, U32_MAX);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 0u);
	KUNIT_EXPECT_EQ(test, rtt.backoff, 0);
	KUNIT_EXPECT_EQ(test, rtt.rto_min_us, 200000u);
	/* (2.1) */
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), 1000000u);
}

static void rtt_init__too_long_is_cut(struct kunit *test)
{
	struct toytcp_rtt rtt;

	toytcp_rtt_init(&rtt, U32_MAX, TOYTCP_RTO_MIN_US, U32_MAX);
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), TOYTCP_RTO_MAX_US);
}

/* after the samples (up to the first 0): SRTT, RTTVAR and RTO in us */
struct sample_param {
	const char *name;
	u32 rto_min_us;
	u32 samples[SAMPLES_MAX];
	u32 srtt_us8, rttvar_us4, rto_us;
};

static const struct sample_param sample_params[] = {
	/* (2.2): SRTT = R, RTTVAR = R/2, RTO = R + 4 * R/2 = 3R */
	{ "first sample", 1, { 100000 },
	  8 * 100000, 4 * 50000, 300000 },
	/* (2.3): RTTVAR = 3/4 * 50 + 1/4 * 0 = 37.5 ms */
	{ "same again", 1, { 100000, 100000 },
	  8 * 100000, 4 * 37500, 250000 },
	/* RTTVAR = 3/4 * 50 + 1/4 * 100 = 62.5; SRTT = 7/8 * 100 + 1/8 * 200 = 112.5 */
	{ "slower", 1, { 100000, 200000 },
	  8 * 112500, 4 * 62500, 362500 },
	/* RTTVAR = 3/4 * 62.5 + 1/4 * 0 = 46.875 */
	{ "slower, then as smoothed", 1, { 100000, 200000, 112500 },
	  8 * 112500, 4 * 46875, 300000 },
	/* RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5; SRTT = 7/8 * 100 + 1/8 * 20 = 90 */
	{ "faster", 1, { 100000, 20000 },
	  8 * 90000, 4 * 57500, 320000 },
	/* RTTVAR = 3/4 * 57.5 + 1/4 * 90 = 65.625; SRTT = 7/8 * 90 + 1/8 * 180 = 101.25 */
	{ "faster, then slower", 1, { 100000, 20000, 180000 },
	  8 * 101250, 4 * 65625, 363750 },
	/* the floor is under 4 * RTTVAR = 2 ms, not under the sum */
	{ "floor on the variance term", 200000, { 1000 },
	  8 * 1000, 4 * 500, 201000 },
	{ "variance term equals the floor", 200000, { 100000 },
	  8 * 100000, 4 * 50000, 300000 },
	{ "variance term above the floor", 200000, { 150000 },
	  8 * 150000, 4 * 75000, 450000 },
	{ "one microsecond", 200000, { 1 },
	  8, 2, 200001 },
	/* (2.5) */
	{ "maximum", 200000, { 60000000 },
	  8 * 60000000u, 4 * 30000000u, TOYTCP_RTO_MAX_US },
	{ "just under the maximum", 1, { 39999999 },
	  8 * 39999999u, 2 * 39999999u, 119999997 },
	{ "sample beyond the maximum", 200000, { U32_MAX },
	  8 * TOYTCP_RTO_MAX_US, 2 * TOYTCP_RTO_MAX_US, TOYTCP_RTO_MAX_US },
	{ "floor beyond the maximum", U32_MAX, { 1000 },
	  8 * 1000, 4 * 500, TOYTCP_RTO_MAX_US },
};

static void sample_desc(const struct sample_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(sample, sample_params, sample_desc);

static void rtt_sample__by_hand(struct kunit *test)
{
	const struct sample_param *p = test->param_value;
	struct toytcp_rtt rtt;
	unsigned int i;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, p->rto_min_us, TOYTCP_RTO_MAX_US);
	for (i = 0; i < SAMPLES_MAX && p->samples[i]; i++)
		toytcp_rtt_sample(&rtt, p->samples[i]);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us8, p->srtt_us8);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us4, p->rttvar_us4);
	KUNIT_EXPECT_EQ(test, rtt.rto_us, p->rto_us);
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), p->rto_us);
}

static void rtt_sample__zero_counts_as_one(struct kunit *test)
{
	struct toytcp_rtt rtt;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_sample(&rtt, 0);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us8, 8u);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 1u);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 1u);
}

static void rtt_sample__remembers_last_and_min(struct kunit *test)
{
	struct toytcp_rtt rtt;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_sample(&rtt, 500);
	toytcp_rtt_sample(&rtt, 300);
	toytcp_rtt_sample(&rtt, 400);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 400u);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 300u);
}

/* on a path without jitter the timeout goes to RTT + floor */
static void rtt_sample__converges(struct kunit *test)
{
	struct toytcp_rtt rtt;
	unsigned int i;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_sample(&rtt, 900000);
	for (i = 0; i < 200; i++)
		toytcp_rtt_sample(&rtt, 150000);
	KUNIT_EXPECT_GE(test, rtt.rto_us, 350000u);
	KUNIT_EXPECT_LE(test, rtt.rto_us, 350001u);
	KUNIT_EXPECT_LE(test, rtt.rttvar_us4, 8u);
}

static void rtt_sample__ends_backoff(struct kunit *test)
{
	struct toytcp_rtt rtt;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_backoff(&rtt);
	toytcp_rtt_backoff(&rtt);
	toytcp_rtt_sample(&rtt, 100000);
	KUNIT_EXPECT_EQ(test, rtt.backoff, 0);
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), 300000u);
}

/* the integer filters beside the same filters with 20 more bits */
static void rtt_sample__stays_near_the_real_numbers(struct kunit *test)
{
	struct prng p = prng_start(test);
	u32 range = 1 + prng_magnitude(&p) % TOYTCP_RTO_MAX_US;
	s64 srtt = 0, rttvar = 0;	/* us << 20 */
	struct toytcp_rtt rtt;
	unsigned int i;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	for (i = 0; i < 5000; i++) {
		u32 us = 1 + prng_below(&p, range);
		s64 r = (s64)us << 20;

		toytcp_rtt_sample(&rtt, us);
		if (!i) {
			srtt = r;
			rttvar = r / 2;
		} else {
			rttvar += ((r > srtt ? r - srtt : srtt - r) - rttvar) >> 2;
			srtt += (r - srtt) >> 3;
		}
		KUNIT_ASSERT_LE_MSG(test, abs((s64)rtt.srtt_us8 - (srtt >> 17)), 8ll,
				    "SRTT" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_LE_MSG(test, abs((s64)rtt.rttvar_us4 - (rttvar >> 18)), 12ll,
				    "RTTVAR" PRNG_FMT, prng_where(&p));
	}
}

static void rtt_sample__timeout_has_bounds(struct kunit *test)
{
	struct prng p = prng_start(test);
	struct toytcp_rtt rtt;
	unsigned int i;
	u32 max;

	toytcp_rtt_init(&rtt, prng_magnitude(&p), prng_magnitude(&p),
			prng_magnitude(&p));
	max = rtt.rto_max_us;
	KUNIT_ASSERT_LE(test, max, TOYTCP_RTO_MAX_US);
	for (i = 0; i < 5000; i++) {
		u64 least, us;

		toytcp_rtt_sample(&rtt, prng_magnitude(&p));
		us = toytcp_rtt_timeout_us(&rtt);
		least = (u64)(rtt.srtt_us8 >> 3) + rtt.rto_min_us;
		KUNIT_ASSERT_LE_MSG(test, us, (u64)max,
				    "too long" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_GE_MSG(test, us, min_t(u64, least, max),
				    "too short" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_NE_MSG(test, rtt.srtt_us8, 0u,
				    "lost its samples" PRNG_FMT, prng_where(&p));
	}
}

/* (5.5): 1, 2, 4 ... 64, 120, 120 seconds */
static void rtt_backoff__doubles_to_the_maximum(struct kunit *test)
{
	struct toytcp_rtt rtt;
	u32 want_us = 1000000;
	unsigned int i;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	for (i = 0; i < 7; i++, want_us *= 2) {
		KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), want_us);
		toytcp_rtt_backoff(&rtt);
	}
	for (i = 0; i < 300; i++) {
		KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), TOYTCP_RTO_MAX_US);
		toytcp_rtt_backoff(&rtt);
	}
	KUNIT_EXPECT_EQ(test, rtt.backoff, 31);
}

/* a maximum of the administrator's: below the first timeout, or below SRTT */
static void rtt_backoff__to_a_lower_maximum(struct kunit *test)
{
	static const u32 maxima[] = { 1000000, 3000000, 600000 };
	struct toytcp_rtt rtt;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(maxima); i++) {
		toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US, maxima[i]);
		for (j = 0; j < 40; j++) {
			KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt),
					min(1000000ull << j, (u64)maxima[i]));
			toytcp_rtt_backoff(&rtt);
		}
		toytcp_rtt_sample(&rtt, 2000000);
		KUNIT_EXPECT_EQ(test, rtt.srtt_us8, 8 * 2000000u);
		KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), maxima[i]);
	}
}

static void rtt_backoff_reset__undoes(struct kunit *test)
{
	struct toytcp_rtt rtt;

	toytcp_rtt_init(&rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_backoff(&rtt);
	toytcp_rtt_backoff(&rtt);
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), 4000000u);
	toytcp_rtt_backoff_reset(&rtt);
	KUNIT_EXPECT_EQ(test, toytcp_rtt_timeout_us(&rtt), 1000000u);
}

struct backed_off_param {
	const char *name;
	u32 base_us, backoff, max_us, want_us;
};

static const struct backed_off_param backed_off_params[] = {
	{ "none",		1000, 0, 10000, 1000 },
	{ "one",		1000, 1, 10000, 2000 },
	{ "below the maximum",	1000, 3, 10000, 8000 },
	{ "meets the maximum",	1000, 3, 8000, 8000 },
	{ "one short of it",	1000, 3, 7999, 7999 },
	{ "above the maximum",	1000, 4, 10000, 10000 },
	{ "base above it",	1000, 0, 999, 999 },
	{ "top bit",		1, 31, U32_MAX, 0x80000000 },
	{ "last that fits",	0x7fffffff, 1, U32_MAX, 0xfffffffe },
	{ "would overflow",	0x80000000, 1, U32_MAX, U32_MAX },
	{ "32 doublings",	1, 32, U32_MAX, U32_MAX },
	{ "absurd",		1, U32_MAX, 77, 77 },
	{ "base 0",		0, 5, 10000, 0 },
	{ "base 0, absurd",	0, U32_MAX, 10000, 0 },
	{ "maximum 0",		1000, 2, 0, 0 },
};

static void backed_off_desc(const struct backed_off_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(backed_off, backed_off_params, backed_off_desc);

static void rtt_backed_off_us__table(struct kunit *test)
{
	const struct backed_off_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, p->want_us,
			toytcp_rtt_backed_off_us(p->base_us, p->backoff, p->max_us));
}

static void rtt_backed_off_us__is_a_product(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u32 base = prng_magnitude(&p), max = prng_magnitude(&p);
		u32 backoff = prng_below(&p, 32);
		u64 want = min_t(u64, (u64)base << backoff, max);

		KUNIT_ASSERT_EQ_MSG(test, want,
				    (u64)toytcp_rtt_backed_off_us(base, backoff, max),
				    "%u << %u, at most %u" PRNG_FMT,
				    base, backoff, max, prng_where(&p));
	}
}

static struct kunit_case rtt_cases[] = {
	KUNIT_CASE(rtt_init__no_sample),
	KUNIT_CASE(rtt_init__too_long_is_cut),
	KUNIT_CASE_PARAM(rtt_sample__by_hand, sample_gen_params),
	KUNIT_CASE(rtt_sample__zero_counts_as_one),
	KUNIT_CASE(rtt_sample__remembers_last_and_min),
	KUNIT_CASE(rtt_sample__converges),
	KUNIT_CASE(rtt_sample__ends_backoff),
	KUNIT_CASE_PARAM(rtt_sample__stays_near_the_real_numbers, prng_seed_gen_params),
	KUNIT_CASE_PARAM(rtt_sample__timeout_has_bounds, prng_seed_gen_params),
	KUNIT_CASE(rtt_backoff__doubles_to_the_maximum),
	KUNIT_CASE(rtt_backoff__to_a_lower_maximum),
	KUNIT_CASE(rtt_backoff_reset__undoes),
	KUNIT_CASE_PARAM(rtt_backed_off_us__table, backed_off_gen_params),
	KUNIT_CASE_PARAM(rtt_backed_off_us__is_a_product, prng_seed_gen_params),
	{}
};

static struct kunit_suite rtt_suite = {
	.name = "toytcp_rtt",
	.test_cases = rtt_cases,
};

kunit_test_suites(&rtt_suite);
