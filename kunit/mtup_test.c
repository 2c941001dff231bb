// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/mtup.c: a path that drops large packets and says nothing.
 */
#include <kunit/test.h>
#include <linux/net.h>
#include <linux/tcp.h>

#include "../module/ipv4.h"
#include "../module/netns.h"
#include "sim.h"

#define HOLE_LEAST	(1024 + 52)	/* base_mss fits */

struct way {
	struct socket *listener, *from, *to;
	struct toytcp_sock *ts;		/* of from */
	u32 wrote, got;
};

/* a connection from A to B, some SYNs later perhaps; the way there carries @mtu bytes */
static void open(struct kunit *test, struct way *p, u32 mtu)
{
	int i;

	memset(p, 0, sizeof(*p));
	sim.link[0].mtu = mtu;
	p->listener = sim_listen(test, SIM_PORT_B, 4);
	p->from = sim_socket(test);
	KUNIT_ASSERT_EQ(test, sim_bind(p->from, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(p->from, SIM_B, SIM_PORT_B), -EINPROGRESS);
	for (i = 0; i < 1000 && !p->to; i++) {
		sim_run(30 * SIM_MS);
		p->to = sim_accept(p->listener);
	}
	KUNIT_ASSERT_NOT_NULL(test, p->to);
	p->ts = sim_ts(p->from);
	/* a window that the writer fills: a probe is made of what waits */
	p->ts->cong.cwnd_clamp_segs = 64;
}

/* the programs' turn: write up to @end in pieces, and read what is there */
static void turn(struct kunit *test, struct way *p, u32 end, u32 piece)
{
	int n;

	while (p->wrote != end) {
		n = sim_write(p->from, p->wrote, min(end - p->wrote, piece));
		if (n <= 0)
			break;
		p->wrote += n;
	}
	while ((n = sim_read_check(p->to, p->got, SIM_PERIOD)) > 0)
		p->got += n;
	KUNIT_ASSERT_NE(test, n, -EBADMSG);
}

/* @bytes more, and nothing else for as long as it takes */
static void move(struct kunit *test, struct way *p, u32 bytes, u32 piece)
{
	u64 until = sim.now_us + 300 * SIM_S;
	u32 end = p->got + bytes;

	do
		turn(test, p, end, piece);
	while (p->got != end && sim.now_us < until && sim_step());
	KUNIT_EXPECT_EQ(test, p->got, end);
	KUNIT_EXPECT_STREQ(test, sim_check(p->from->sk) ?: "", "");
	sim_run(100 * SIM_MS);
}

/* more than a whole search needs; there is always something that waits */
static void search(struct kunit *test, struct way *p)
{
	move(test, p, 3000000, 20000);
}

static u32 packet(const struct way *p)
{
	return p->ts->mss + 52;
}

/* where the search ends: less than the threshold below what passes */
static void expect_found(struct kunit *test, const struct way *p, u32 mtu)
{
	KUNIT_EXPECT_LE(test, packet(p), mtu);
	KUNIT_EXPECT_GT(test, packet(p) + sim_sysctl()->probe_threshold, mtu);
	KUNIT_EXPECT_EQ(test, p->ts->mtup.size, 0);
}

/* ---- upwards ---- */

static void next__finds_the_path(struct kunit *test)
{
	static const u32 mtus[] = { HOLE_LEAST, 1200, 1280, 1400, 1492, 1500 };
	struct way p;
	int i;

	sim_sysctl()->mtu_probing = 2;
	for (i = 0; i < ARRAY_SIZE(mtus); i++) {
		open(test, &p, mtus[i]);
		KUNIT_EXPECT_EQ(test, p.ts->mss, 1024);
		search(test, &p);
		expect_found(test, &p, mtus[i]);
		sim_abort(p.from);
		sim_abort(p.to);
		sim_close(p.listener);
		sim_run(SIM_S);
	}
}

/* every segment but the probe has the size that is known to pass */
static u32 largest, odd;
static const struct toytcp_sock *tapped;

static void tap(const struct sim_seg *seg)
{
	if (seg->from != SIM_A || !seg->len)
		return;
	largest = max(largest, seg->len);
	odd += seg->len > tapped->mss && seg->seq != tapped->mtup.start;
}

static void next__one_at_a_time(struct kunit *test)
{
	u64 good = sim_counted(TOYTCP_MIB_MTUP_SUCCESS);
	u64 fails = sim_counted(TOYTCP_MIB_MTUP_FAIL);
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, 0);
	tapped = p.ts;
	largest = 0;
	odd = 0;
	sim.tap = tap;
	search(test, &p);
	KUNIT_EXPECT_EQ(test, odd, 0);
	KUNIT_EXPECT_EQ(test, largest, p.ts->mss);
	/* 1076 to 1500 by halves, until it is less than 8 */
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_MTUP_SUCCESS) - good, 6);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_MTUP_FAIL), fails);
}

/* many small writes make one probe; TCP_NODELAY and a large buffer change nothing */
static void next__gathers(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, 1400);
	sim_set_option(test, p.from, TCP_NODELAY, 1);
	move(test, &p, 3000000, 170);
	expect_found(test, &p, 1400);
}

/* and gaps between writes leave a search for when there are enough data */
static void next__too_little(struct kunit *test)
{
	u64 good = sim_counted(TOYTCP_MIB_MTUP_SUCCESS);
	struct way p;
	int i;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, 0);
	for (i = 0; i < 50; i++)
		move(test, &p, 4 * 1024, 4 * 1024);
	KUNIT_EXPECT_EQ(test, p.ts->mss, 1024);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_MTUP_SUCCESS), good);
	search(test, &p);
	expect_found(test, &p, 1500);
}

/* the peer's MSS bounds the search as the route does */
static void next__peer_mss(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	sim.mtu = 1300;
	open(test, &p, 0);
	search(test, &p);
	expect_found(test, &p, 1300);
	KUNIT_EXPECT_LE(test, p.ts->mtup.high, 1300);
}

/* ---- a probe that is lost ---- */

static void lost__window_stays(struct kunit *test)
{
	u64 fails = sim_counted(TOYTCP_MIB_MTUP_FAIL);
	u64 sacked = sim_counted(TOYTCP_MIB_SACK_RECOVERY);
	u64 timeouts = sim_counted(TOYTCP_MIB_TIMEOUTS);
	u32 cwnd;
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, HOLE_LEAST);
	/* the first probe: the step in which it is found to be lost */
	while (!p.ts->mtup.size && p.got < 1000000) {
		turn(test, &p, 1000000, 20000);
		sim_step();
	}
	KUNIT_EXPECT_EQ(test, p.ts->mtup.size, (HOLE_LEAST + 1500) / 2);
	do
		cwnd = p.ts->cong.cwnd_segs;
	while (sim_step() && sim_counted(TOYTCP_MIB_MTUP_FAIL) == fails);
	KUNIT_EXPECT_EQ(test, p.ts->cong.cwnd_segs, cwnd + 1);
	KUNIT_EXPECT_EQ(test, p.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	KUNIT_EXPECT_EQ(test, p.ts->mtup.size, 0);
	move(test, &p, 1000000, 20000);
	search(test, &p);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_MTUP_FAIL), fails + 6);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_SACK_RECOVERY), sacked);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_TIMEOUTS), timeouts);
	expect_found(test, &p, HOLE_LEAST);
}

static void lost__without_sack(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	sim_sysctl()->sack = 0;
	open(test, &p, 1250);
	search(test, &p);
	expect_found(test, &p, 1250);
	KUNIT_EXPECT_EQ(test, p.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
}

/* a router that does say something ends the search above what it said */
static void lost__icmp(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, 0);
	bh_lock_sock(p.from->sk);
	toytcp_ipv4_update_pmtu(p.from->sk, 1150);
	bh_unlock_sock(p.from->sk);
	KUNIT_EXPECT_EQ(test, p.ts->mtup.high, 1150);
	search(test, &p);
	expect_found(test, &p, 1150);
}

/* losses, reordering and duplicates beside it: the stream is whole */
static void lost__on_a_bad_link(struct kunit *test)
{
	struct way p;
	int i;

	sim_sysctl()->mtu_probing = 2;
	for (i = 0; i < 4; i++) {
		sim.link[0] = (struct sim_link) {
			.delay_us = 5 * SIM_MS, .loss = 10, .dup = 10,
			.reorder = i & 1 ? 20 : 0, .ns_per_byte = 100,
		};
		sim.link[1] = sim.link[0];
		sim.gso = i & 2;
		open(test, &p, 1300);
		move(test, &p, 1000000, 3000);
		KUNIT_EXPECT_GE(test, p.ts->mss, 1024);
		KUNIT_EXPECT_LE(test, packet(&p), 1300);
		sim_abort(p.from);
		sim_abort(p.to);
		sim_close(p.listener);
		sim_run(SIM_S);
	}
}

/* ---- anew ---- */

static void search_again__after_the_interval(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 2;
	open(test, &p, 1200);
	search(test, &p);
	expect_found(test, &p, 1200);
	sim.link[0].mtu = 0;
	search(test, &p);
	expect_found(test, &p, 1200);
	sim_run(600 * SIM_S);
	search(test, &p);
	expect_found(test, &p, 1500);
}

/* ---- black holes ---- */

static void black_hole__found(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 1;
	open(test, &p, 1200);
	KUNIT_EXPECT_EQ(test, packet(&p), 1500);
	move(test, &p, 20000, 20000);
	KUNIT_EXPECT_EQ(test, p.ts->mss, 1024);
	KUNIT_EXPECT_GT(test, sim_counted(TOYTCP_MIB_MTU_BLACK_HOLES), 0);
	/* and from there to what passes */
	search(test, &p);
	expect_found(test, &p, 1200);
}

/* a deeper one: by halves */
static void black_hole__halves(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 1;
	open(test, &p, 320);
	move(test, &p, 5000, 5000);
	KUNIT_EXPECT_EQ(test, p.ts->mss, 256);
}

static void black_hole__floor(struct kunit *test)
{
	struct way p;

	sim_sysctl()->mtu_probing = 1;
	sim_sysctl()->mtu_probe_floor = 300;
	open(test, &p, 320);
	KUNIT_EXPECT_EQ(test, sim_write(p.from, 0, 5000), 5000);
	sim_run(200 * SIM_S);
	KUNIT_EXPECT_EQ(test, p.ts->mss, 300);
	KUNIT_EXPECT_EQ(test, p.ts->snd_una, p.ts->iss + 1);
}

/* off by default: the connection times out with its large segments */
static void black_hole__off(struct kunit *test)
{
	struct way p;

	open(test, &p, 1200);
	KUNIT_EXPECT_EQ(test, sim_write(p.from, 0, 20000), 20000);
	sim_run(1000 * SIM_S);
	KUNIT_EXPECT_EQ(test, p.from->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(p.from), ETIMEDOUT);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(next__finds_the_path),
	KUNIT_CASE(next__one_at_a_time),
	KUNIT_CASE(next__gathers),
	KUNIT_CASE(next__too_little),
	KUNIT_CASE(next__peer_mss),
	KUNIT_CASE(lost__window_stays),
	KUNIT_CASE(lost__without_sack),
	KUNIT_CASE(lost__icmp),
	KUNIT_CASE(lost__on_a_bad_link),
	KUNIT_CASE(search_again__after_the_interval),
	KUNIT_CASE(black_hole__found),
	KUNIT_CASE(black_hole__halves),
	KUNIT_CASE(black_hole__floor),
	KUNIT_CASE(black_hole__off),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_mtup",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
