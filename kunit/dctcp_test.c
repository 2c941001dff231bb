// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/cong_dctcp.c: the estimate against exact fractions, windows
 * of observation, and what the window becomes (RFC 8257 section 3.3).
 */
#include <kunit/test.h>
#include <linux/inet_diag.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "../module/cong.h"
#include "../module/cong_dctcp.h"
#include "prng.h"

#define ONE	TOYTCP_DCTCP_ONE

/* by hand, in sixteenths and powers of them */
static void dctcp_alpha__by_hand(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(ONE, 10, 10), ONE);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(ONE, 0, 10), ONE / 16 * 15);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(0, 10, 10), ONE / 16);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(0, 1, 2), ONE / 32);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(ONE / 2, 1, 2), ONE / 2);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(ONE / 2, 0, 1), ONE / 32 * 15);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(0, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(ONE, U32_MAX, U32_MAX), ONE);
	KUNIT_EXPECT_EQ(test, toytcp_dctcp_alpha_q(0, 1, U32_MAX), 0);
}

/* (15/16)^n after n windows without a mark; never below, and in the end nothing */
static void dctcp_alpha__decays(struct kunit *test)
{
	u64 exact_q40 = 1ull << 40;
	u32 alpha_q = ONE;
	int n;

	for (n = 1; n <= 300; n++) {
		exact_q40 -= exact_q40 >> 4;
		alpha_q = toytcp_dctcp_alpha_q(alpha_q, 0, 100);
		KUNIT_ASSERT_GE_MSG(test, (u64)alpha_q + 1, exact_q40 >> 20, "window %d", n);
		/* sixteen units of the last place are all that rounding adds up to */
		KUNIT_ASSERT_LE_MSG(test, (u64)alpha_q, (exact_q40 >> 20) + 16, "window %d", n);
	}
}

/* where a part is marked again and again, that part is what is estimated: within 2^-15 */
static void dctcp_alpha__converges(struct kunit *test)
{
	struct prng p = prng_start(test);
	int i, n;

	for (i = 0; i < 50; i++) {
		u32 acked = 1 + prng_below(&p, 100000), marked = prng_below(&p, acked + 1);
		u32 m_q = (u32)div_u64((u64)marked << TOYTCP_DCTCP_SHIFT, acked);
		u32 alpha_q = prng_below(&p, ONE + 1), before;

		for (n = 0; n < 300; n++) {
			before = alpha_q;
			alpha_q = toytcp_dctcp_alpha_q(alpha_q, marked, acked);
			KUNIT_ASSERT_LE_MSG(test, alpha_q, ONE, PRNG_FMT, prng_where(&p));
			/* monotonous, but for the rounding */
			KUNIT_ASSERT_TRUE_MSG(test, before >= m_q ? alpha_q <= before + 1 :
							  alpha_q + 1 >= before,
					      PRNG_FMT, prng_where(&p));
		}
		KUNIT_ASSERT_LE_MSG(test, abs((int)alpha_q - (int)m_q), 32,
				    PRNG_FMT, prng_where(&p));
	}
}

static struct toytcp_cong started(u32 cwnd)
{
	struct toytcp_cong c;

	toytcp_cong_init(&c, &toytcp_cong_dctcp, cwnd);
	c.ssthresh_segs = 2;
	return c;
}

/* an ACK for @segs up to @una, of what was sent up to @nxt */
static void acked(struct toytcp_cong *c, u32 segs, u32 una, u32 nxt, bool ece)
{
	struct toytcp_cong_ack ack = {
		.acked_segs = segs, .snd_una = una, .snd_nxt = nxt, .ece = ece,
	};

	c->ops->acked(c, &ack);
}

static u32 after_a_mark(struct toytcp_cong *c)
{
	return c->ops->ece_ssthresh(c, c->cwnd_segs, 0);
}

/* before anything is known, a mark halves; then alpha says how much it takes */
static void dctcp_ssthresh__by_alpha(struct kunit *test)
{
	struct toytcp_cong c = started(100);
	u32 una = U32_MAX - 20, i;

	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 50);
	/* a window without marks: 15/16, of which half */
	una += 10;
	acked(&c, 10, una, una + 100, false);
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 100 - 46);
	/* forty of them, across the wrap of numbers */
	for (i = 0; i < 39; i++) {
		una += 100;
		acked(&c, 100, una, una + 100, false);
	}
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 100 - 3);
	/* a loss is another matter: half of what was in flight (section 3.5) */
	KUNIT_EXPECT_EQ(test, c.ops->ssthresh(&c, 80, 0), 40);
	/* never less than two */
	c = started(2);
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 2);
	c = started(1);
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 2);
	/* nor does a large window overflow */
	c = started(0x7fffffff);
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), 0x40000000);
}

/* the estimate moves once in a window of data, however many ACKs it has */
static void dctcp_acked__once_a_window(struct kunit *test)
{
	struct toytcp_cong c = started(1 << 20);
	u32 una = U32_MAX - 500, end = una + 1000, i, expect;

	/* the first ACK ends a window of nothing but itself */
	acked(&c, 1, una, end, false);
	expect = (1 << 20) - ONE / 16 * 15 / 2;
	KUNIT_EXPECT_EQ(test, after_a_mark(&c), expect);
	for (i = 0; i < 9; i++) {
		una += 100;
		acked(&c, 100, una, end + 100 * i, i & 1);
		KUNIT_EXPECT_EQ(test, after_a_mark(&c), expect);
	}
	/* the tenth: 400 of 1000 were marked */
	acked(&c, 100, una + 100, end + 900, false);
	expect = (1 << 20) - toytcp_dctcp_alpha_q(ONE / 16 * 15, 400, 1000) / 2;
	KUNIT_EXPECT_LE(test, abs((int)after_a_mark(&c) - (int)expect), 1);
}

/* section 3.4: it grows as Reno */
static void dctcp_avoid__is_renos(struct kunit *test)
{
	struct toytcp_cong c = started(10), r;
	struct toytcp_cong_ack ack = { .acked_segs = 1, .cwnd_limited = true };
	int i;

	toytcp_cong_init(&r, &toytcp_cong_reno, 10);
	r.ssthresh_segs = 2;
	for (i = 0; i < 100; i++) {
		c.ops->cong_avoid(&c, &ack);
		r.ops->cong_avoid(&r, &ack);
		KUNIT_ASSERT_EQ(test, c.cwnd_segs, r.cwnd_segs);
	}
	KUNIT_EXPECT_GT(test, c.cwnd_segs, 15);
	/* without ECN it is Reno, and says so */
	KUNIT_ASSERT_NOT_NULL(test, c.ops->without_ecn);
	KUNIT_EXPECT_EQ(test, strcmp(c.ops->without_ecn->name, "dctcp-reno"), 0);
	KUNIT_EXPECT_EQ(test, c.ops->without_ecn->flags, 0);
	KUNIT_EXPECT_EQ(test, c.ops->without_ecn->ssthresh(&c, 30, 0), 15);
}

/* TCP_CC_INFO, in Linux's units; what is Reno's says that nothing is on */
static void dctcp_info__linux_units(struct kunit *test)
{
	struct toytcp_cong_asked asked = { .mss = 1000, .ce = true };
	struct toytcp_cong c = started(100);
	union tcp_cc_info info;
	u32 una = U32_MAX - 20;

	KUNIT_ASSERT_EQ(test, c.ops->info(&c, &asked, &info), sizeof(info.dctcp));
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_enabled, 1);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ce_state, 1);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_alpha, 1024);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ab_tot, 0);
	/* a window without a mark, and of the next one 7 segments, 3 of them marked */
	acked(&c, 10, una, una + 100, false);
	acked(&c, 4, una + 4, una + 100, false);
	acked(&c, 3, una + 7, una + 100, true);
	asked.ce = false;
	KUNIT_ASSERT_EQ(test, c.ops->info(&c, &asked, &info), sizeof(info.dctcp));
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ce_state, 0);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_alpha, 1024 / 16 * 15);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ab_ecn, 3000);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ab_tot, 7000);
	toytcp_cong_switch(&c, c.ops->without_ecn);
	memset(&info, 0xff, sizeof(info));
	KUNIT_ASSERT_EQ(test, c.ops->info(&c, &asked, &info), sizeof(info.dctcp));
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_enabled | info.dctcp.dctcp_ce_state |
			      info.dctcp.dctcp_alpha | info.dctcp.dctcp_ab_ecn |
			      info.dctcp.dctcp_ab_tot, 0);
}

static struct kunit_case dctcp_cases[] = {
	KUNIT_CASE(dctcp_alpha__by_hand),
	KUNIT_CASE(dctcp_alpha__decays),
	KUNIT_CASE_PARAM(dctcp_alpha__converges, prng_seed_gen_params),
	KUNIT_CASE(dctcp_ssthresh__by_alpha),
	KUNIT_CASE(dctcp_acked__once_a_window),
	KUNIT_CASE(dctcp_avoid__is_renos),
	KUNIT_CASE(dctcp_info__linux_units),
	{}
};

static struct kunit_suite dctcp_suite = {
	.name = "toytcp_dctcp",
	.test_cases = dctcp_cases,
};

kunit_test_suites(&dctcp_suite);
