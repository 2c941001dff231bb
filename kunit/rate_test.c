// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/rate.c: samples of the delivery rate, the least round trip.
 *
 * The socket sends segments of 1000 bytes to a raw peer, which acknowledges
 * when the case says so.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "sim.h"

#define MSS	1000u

struct out {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
	u32 wrote;
};

/* what the algorithm under test was told last */
static struct toytcp_cong_ack heard;

static u32 spy_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	return c->cwnd_segs;
}

static void spy_cong_avoid(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
}

static void spy_acked(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
	heard = *ack;
}

static const struct toytcp_cong_ops spy = {
	.name = "spy",
	.ssthresh = spy_ssthresh,
	.cong_avoid = spy_cong_avoid,
	.acked = spy_acked,
};

static void open(struct kunit *test, struct out *o)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->p.syn.mss = MSS;
	o->p.syn.sack_perm = true;
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
	o->ts->nodelay = 1;
	toytcp_cong_switch(&o->ts->cong, &spy);
	toytcp_net(&init_net)->sysctl.early_retrans = 0;
	/* the handshake took no time here */
	toytcp_rtt_init(&o->ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
}

/* back to an algorithm that outlives the case */
static void close(struct out *o)
{
	toytcp_cong_switch(&o->ts->cong, &toytcp_cong_reno);
}

static void write_segs(struct kunit *test, struct out *o, u32 n)
{
	KUNIT_ASSERT_EQ(test, sim_write(o->sock, o->wrote, n * MSS), n * MSS);
	o->wrote += n * MSS;
	sim_inbox_clear();
}

/* the peer has everything before segment @n, and of the rest [from, to) */
static void ack(struct out *o, u32 n, u32 from, u32 to)
{
	struct sim_seg seg = sim_peer_seg(&o->p, TOYTCP_ACK, 0);

	memset(&heard, 0, sizeof(heard));
	seg.ack = o->p.irs + 1 + MSS * n;
	if (to > from) {
		seg.opt.n_sacks = 1;
		seg.opt.sacks[0].start = o->p.irs + 1 + MSS * from;
		seg.opt.sacks[0].end = o->p.irs + 1 + MSS * to;
	}
	sim_inject(&seg);
}

#define EXPECT_RATE(test, segs, us)						\
do {										\
	KUNIT_EXPECT_EQ(test, heard.rate.delivered_segs, segs);			\
	KUNIT_EXPECT_EQ(test, heard.rate.interval_us, us);			\
} while (0)

/* ten segments in a round trip of 40 ms; the clock's low bits wrap in between */
static void rate_sample__one_flight(struct kunit *test)
{
	struct out o;

	sim.now_us = roundup_pow_of_two(sim.now_us + 1) > U32_MAX ?
		     sim.now_us : (1ull << 32) - 20 * SIM_MS;
	open(test, &o);
	/* the SYN-ACK counts, as with Linux */
	KUNIT_EXPECT_EQ(test, o.ts->delivered, 1);
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 0);
	write_segs(test, &o, 10);
	sim_run(40 * SIM_MS);
	ack(&o, 10, 0, 0);
	EXPECT_RATE(test, 10, 40 * SIM_MS);
	KUNIT_EXPECT_EQ(test, heard.rate.prior_delivered, 1);
	KUNIT_EXPECT_EQ(test, heard.delivered, 11);
	KUNIT_EXPECT_FALSE(test, heard.rate.retrans);
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 250000);
	close(&o);
}

/* a bottleneck of a segment a millisecond: a round trip of ten */
static void rate_sample__bottleneck(struct kunit *test)
{
	struct out o;
	u32 i;

	open(test, &o);
	write_segs(test, &o, 10);
	sim_run(9 * SIM_MS);
	for (i = 1; i <= 50; i++) {
		sim_run(1 * SIM_MS);
		ack(&o, i, 0, 0);
		/* the second flight: the first one was sent at once, and long ago */
		if (i > 10)
			EXPECT_RATE(test, 10, (i <= 20 ? i - 1 : 10) * SIM_MS);
		write_segs(test, &o, 1);
	}
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 1000000);
	close(&o);
}

/* ACKs that come all at once say how fast was sent, not how fast the path is */
static void rate_sample__compressed_acks(struct kunit *test)
{
	struct out o;
	u32 i;

	open(test, &o);
	write_segs(test, &o, 1);
	sim_run(10 * SIM_MS);
	ack(&o, 1, 0, 0);
	/* one every two milliseconds; the first ones' ACKs are held up */
	for (i = 0; i < 10; i++) {
		write_segs(test, &o, 1);
		sim_run(2 * SIM_MS);
	}
	for (i = 0; i < 10; i++)
		ack(&o, 2 + i, 0, 0);
	/* the last one: 18 ms of transmissions, and 20 until now */
	EXPECT_RATE(test, 10, 20 * SIM_MS);
	for (i = 0; i < 5; i++) {
		write_segs(test, &o, 1);
		sim_run(2 * SIM_MS);
	}
	ack(&o, 16, 0, 0);
	EXPECT_RATE(test, 5, 10 * SIM_MS);
	close(&o);
}

/* what arrived out of order counts when it is SACKed, and not again */
static void rate_sample__sack(struct kunit *test)
{
	struct out o;

	open(test, &o);
	write_segs(test, &o, 6);
	sim_run(20 * SIM_MS);
	ack(&o, 0, 2, 5);
	EXPECT_RATE(test, 3, 20 * SIM_MS);
	sim_run(2 * SIM_MS);
	/* the two before it were sent again when it was SACKed, and 20 ms after all */
	ack(&o, 5, 0, 0);
	EXPECT_RATE(test, 2, 20 * SIM_MS);
	KUNIT_EXPECT_TRUE(test, heard.rate.retrans);
	sim_run(3 * SIM_MS);
	ack(&o, 6, 0, 0);
	EXPECT_RATE(test, 6, 25 * SIM_MS);
	close(&o);
}

/* a retransmission that seems to be answered in less than the least RTT */
static void rate_sample__too_short(struct kunit *test)
{
	struct out o;

	open(test, &o);
	write_segs(test, &o, 1);
	sim_run(50 * SIM_MS);
	ack(&o, 1, 0, 0);
	write_segs(test, &o, 1);
	sim_run(o.ts->rtt.rto_us);
	KUNIT_ASSERT_EQ(test, o.ts->total_retrans, 1);
	sim_run(60 * SIM_MS);
	ack(&o, 2, 0, 0);
	/* the flight began with the original: that is the interval */
	KUNIT_EXPECT_TRUE(test, heard.rate.retrans);
	KUNIT_EXPECT_GT(test, heard.rate.interval_us, 200 * SIM_MS);
	o.ts->rtt.min_us = 10 * SIM_S;
	minmax_reset(&o.ts->min_rtt, (u32)div_u64(sim.now_us, 1000), ~(u32)(10 * SIM_S));
	write_segs(test, &o, 2);
	sim_run(toytcp_rtt_timeout_us(&o.ts->rtt));
	KUNIT_ASSERT_EQ(test, o.ts->total_retrans, 2);
	/* no RTT of what was sent twice, so the least one stays */
	ack(&o, 3, 0, 0);
	KUNIT_EXPECT_EQ(test, heard.rate.interval_us, 0);
	close(&o);
}

/* the peer throws away what it had SACKed: no sample until that is repaired */
static void rate_sample__reneged(struct kunit *test)
{
	struct out o;

	open(test, &o);
	write_segs(test, &o, 4);
	sim_run(20 * SIM_MS);
	ack(&o, 0, 0 + 1, 4);
	sim_run(5 * SIM_MS);
	ack(&o, 0, 0, 0);
	/* the head is SACKed at the timeout, but not acknowledged */
	ack(&o, 1, 0, 0);
	sim_run(10 * SIM_S);
	KUNIT_EXPECT_TRUE(test, o.ts->reneged);
	ack(&o, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, heard.rate.interval_us, 0);
	ack(&o, 4, 0, 0);
	KUNIT_EXPECT_FALSE(test, o.ts->reneged);
	write_segs(test, &o, 1);
	sim_run(20 * SIM_MS);
	ack(&o, 5, 0, 0);
	EXPECT_RATE(test, 1, 20 * SIM_MS);
	close(&o);
}

/* a gap between two writes marks what is sent until it is acknowledged */
static void rate_check_app_limited__gap(struct kunit *test)
{
	struct out o;

	open(test, &o);
	/* no gap in a stream that the window limits */
	o.ts->cong.cwnd_segs = 4;
	write_segs(test, &o, 8);
	KUNIT_EXPECT_TRUE(test, o.ts->app_limited);	/* from before the first write */
	sim_run(10 * SIM_MS);
	ack(&o, 4, 0, 0);
	KUNIT_EXPECT_TRUE(test, heard.rate.app_limited);
	KUNIT_EXPECT_FALSE(test, o.ts->app_limited);
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 400000);
	sim_run(10 * SIM_MS);
	ack(&o, 8, 0, 0);
	KUNIT_EXPECT_FALSE(test, heard.rate.app_limited);
	KUNIT_EXPECT_FALSE(test, o.ts->rate_app_limited);

	/* a slower one that the program limited is no news of the path */
	write_segs(test, &o, 1);
	sim_run(10 * SIM_MS);
	ack(&o, 9, 0, 0);
	KUNIT_EXPECT_TRUE(test, heard.rate.app_limited);
	KUNIT_EXPECT_FALSE(test, o.ts->rate_app_limited);
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 400000);
	/* a faster one is */
	o.ts->cong.cwnd_segs = 20;
	write_segs(test, &o, 10);
	sim_run(10 * SIM_MS);
	ack(&o, 19, 0, 0);
	KUNIT_EXPECT_TRUE(test, o.ts->rate_app_limited);
	KUNIT_EXPECT_EQ(test, toytcp_rate_bps(o.ts), 1000000);
	close(&o);
}

/* the least round trip is forgotten after min_rtt_wlen seconds */
static void rate_min_rtt__window(struct kunit *test)
{
	struct out o;
	u32 i, n = 0;

	toytcp_net(&init_net)->sysctl.min_rtt_wlen = 2;
	open(test, &o);
	for (i = 0; i < 300; i++) {
		u32 rtt = i == 10 ? 10 : i < 200 ? 20 + i % 7 : 5;

		write_segs(test, &o, 2);
		sim_run(rtt * SIM_MS);
		n += 2;
		ack(&o, n, 0, 0);
		if (i == 5)
			KUNIT_EXPECT_EQ(test, o.ts->rtt.min_us, 20 * SIM_MS);
		if (i == 11 || i == 60)
			KUNIT_EXPECT_EQ(test, o.ts->rtt.min_us, 10 * SIM_MS);
		/* 2 s are about 87 of those round trips */
		if (i == 150)
			KUNIT_EXPECT_EQ(test, o.ts->rtt.min_us, 20 * SIM_MS);
		if (i == 200)
			KUNIT_EXPECT_EQ(test, o.ts->rtt.min_us, 5 * SIM_MS);
	}
	close(&o);
}

/* a small segment alone: the peer may delay its ACK, so nothing is learned of the least */
static void rate_min_rtt__delayed_ack(struct kunit *test)
{
	struct out o;
	u32 i, n = 0;

	toytcp_net(&init_net)->sysctl.min_rtt_wlen = 1;
	open(test, &o);
	write_segs(test, &o, 2);
	sim_run(10 * SIM_MS);
	ack(&o, 2, 0, 0);
	for (i = 0; i < 60; i++) {
		struct sim_seg seg;

		KUNIT_ASSERT_EQ(test, sim_write(o.sock, o.wrote + n, 100), 100);
		n += 100;
		sim_inbox_clear();
		sim_run(50 * SIM_MS);
		seg = sim_peer_seg(&o.p, TOYTCP_ACK, 0);
		seg.ack = o.p.irs + 1 + o.wrote + n;
		sim_inject(&seg);
	}
	KUNIT_EXPECT_EQ(test, o.ts->rtt.min_us, 10 * SIM_MS);
	close(&o);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(rate_sample__one_flight),
	KUNIT_CASE(rate_sample__bottleneck),
	KUNIT_CASE(rate_sample__compressed_acks),
	KUNIT_CASE(rate_sample__sack),
	KUNIT_CASE(rate_sample__too_short),
	KUNIT_CASE(rate_sample__reneged),
	KUNIT_CASE(rate_check_app_limited__gap),
	KUNIT_CASE(rate_min_rtt__window),
	KUNIT_CASE(rate_min_rtt__delayed_ack),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_rate",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
