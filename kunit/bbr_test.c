// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/cong_bbr.c: one flow over a simulated bottleneck, in virtual
 * time, with the whole engine.
 *
 * The path takes 10 Mbit/s, or a third of it, and 40 ms; what the model knows is
 * read as a program reads it, by what TCP_CC_INFO answers.
 */
#include <kunit/test.h>
#include <linux/inet_diag.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "sim.h"

#define RATE		1250000u
#define RTT_US		40000u
#define GAIN_HIGH	739		/* of 256 */
#define GAIN_DRAIN	88
#define GAIN_PROBE	320
#define GAIN_YIELD	192
#define GAIN_ONE	256

/* what was seen since watch_begin() */
struct watch {
	u64 began_us;
	u32 began_got;
	u32 queue_us;		/* most of the bottleneck's */
	u32 drained_us;		/* least of it while gains were GAIN_YIELD */
	u32 in_flight;		/* most segments */
	u8 gains[GAIN_HIGH + 1]; /* how often the pace's gain became that */
	u32 probe_rtt;		/* times that PROBE_RTT was entered */
	u64 probe_rtt_us[4];	/* when */
	u64 probe_rtt_long_us;	/* the shortest one's length */
	u32 probe_rtt_flight;	/* least in flight in them */
};

struct flow {
	struct socket *a, *b;
	u32 wrote, got;
	u32 rate;		/* of the path, bytes a second, headers included */
	u32 max_write;		/* bytes that the program writes; ~0: all that fits */
	struct tcp_bbr_info info; /* of now */
	struct watch seen;
};

static u64 bandwidth(const struct flow *f)
{
	return (u64)f->info.bbr_bw_hi << 32 | f->info.bbr_bw_lo;
}

static bool in_probe_rtt(const struct tcp_bbr_info *info)
{
	return info->bbr_cwnd_gain == GAIN_ONE;
}

static void info_get(struct flow *f)
{
	const struct toytcp_cong *c = &sim_ts(f->a)->cong;
	union tcp_cc_info info = {};

	if (c->ops->info)
		c->ops->info(c, &(struct toytcp_cong_asked) {
			.mss = sim_ts(f->a)->mss,
			.min_rtt_us = sim_ts(f->a)->rtt.min_us,
		}, &info);
	f->info = info.bbr;
}

static void watch_begin(struct flow *f)
{
	memset(&f->seen, 0, sizeof(f->seen));
	f->seen.began_us = sim.now_us;
	f->seen.began_got = f->got;
	f->seen.drained_us = U32_MAX;
	f->seen.probe_rtt_long_us = U64_MAX;
	f->seen.probe_rtt_flight = U32_MAX;
}

static void watch_probe_rtt(struct flow *f, bool was, bool is)
{
	struct watch *seen = &f->seen;
	u32 n = seen->probe_rtt;

	if (is && !was && n < ARRAY_SIZE(seen->probe_rtt_us))
		seen->probe_rtt_us[seen->probe_rtt++] = sim.now_us;
	if (was && !is && n)
		seen->probe_rtt_long_us = min(seen->probe_rtt_long_us,
					      sim.now_us - seen->probe_rtt_us[n - 1]);
	if (is)
		seen->probe_rtt_flight = min(seen->probe_rtt_flight,
					     toytcp_in_flight(sim_ts(f->a)));
}

static void watch(struct flow *f)
{
	u64 queue_us = sim.busy_until[0] - min(sim.busy_until[0], sim.now_us);
	struct tcp_bbr_info before = f->info;
	struct watch *seen = &f->seen;

	info_get(f);
	if (f->info.bbr_pacing_gain != before.bbr_pacing_gain)
		seen->gains[f->info.bbr_pacing_gain]++;
	watch_probe_rtt(f, in_probe_rtt(&before), in_probe_rtt(&f->info));
	seen->queue_us = max_t(u32, seen->queue_us, queue_us);
	if (f->info.bbr_pacing_gain == GAIN_YIELD)
		seen->drained_us = min_t(u32, seen->drained_us, queue_us);
	seen->in_flight = max(seen->in_flight, toytcp_in_flight(sim_ts(f->a)));
}

/* the program writes, the other one reads */
static void programs(struct flow *f)
{
	int n;

	while (f->wrote < f->max_write) {
		n = sim_write(f->a, f->wrote, min(f->max_write - f->wrote, 16384u));
		if (n <= 0)
			break;
		f->wrote += n;
	}
	while (sim_ts(f->b)->rcv_nxt != sim_ts(f->b)->copied_seq) {
		n = sim_read_check(f->b, f->got, 65536);
		if (n <= 0)
			break;
		f->got += n;
	}
}

static void run(struct flow *f, u64 us)
{
	u64 until_us = sim.now_us + us;

	programs(f);
	while (sim_next_us() <= until_us && sim_step()) {
		programs(f);
		watch(f);
	}
	sim.now_us = until_us;
}

static void open(struct kunit *test, struct flow *f, struct toytcp_cong_ops *ops, u32 rate)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 4);

	memset(f, 0, sizeof(*f));
	f->max_write = ~0u;
	sim.gso = true;
	f->rate = rate;
	sim.link[0].ns_per_byte = NSEC_PER_SEC / rate;
	sim.link[0].delay_us = RTT_US / 2;
	sim.link[1].delay_us = RTT_US / 2;
	f->a = sim_socket(test);
	toytcp_cong_switch(&sim_ts(f->a)->cong, ops);
	KUNIT_ASSERT_EQ(test, sim_bind(f->a, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(f->a, SIM_B, SIM_PORT_B), -EINPROGRESS);
	sim_run(2 * RTT_US);
	f->b = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, f->b);
	info_get(f);
	watch_begin(f);
}

/* percent of what the path takes, since watch_begin() */
static u32 goodput(const struct flow *f)
{
	u64 us = sim.now_us - f->seen.began_us;

	return (u32)div64_u64((u64)(f->got - f->seen.began_got) * 100 * USEC_PER_SEC,
			      us * f->rate);
}

static void expect_bandwidth(struct kunit *test, const struct flow *f, u32 rate)
{
	KUNIT_EXPECT_GE(test, bandwidth(f), rate / 100 * 90);
	KUNIT_EXPECT_LE(test, bandwidth(f), rate / 100 * 105);
}

/* the pace doubles, the bandwidth is found, the pipe is full, the queue goes */
static void bbr_control__startup_and_drain(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_bbr, RATE);
	KUNIT_EXPECT_EQ(test, f.info.bbr_pacing_gain, GAIN_HIGH);
	KUNIT_EXPECT_EQ(test, f.info.bbr_cwnd_gain, GAIN_HIGH);
	run(&f, 3 * RTT_US);
	KUNIT_EXPECT_EQ(test, f.info.bbr_pacing_gain, GAIN_HIGH);
	KUNIT_EXPECT_EQ(test, f.a->sk->sk_pacing_status, SK_PACING_NEEDED);
	run(&f, 22 * RTT_US);
	KUNIT_EXPECT_EQ(test, f.seen.gains[GAIN_DRAIN], 1);
	KUNIT_EXPECT_EQ(test, f.seen.gains[GAIN_HIGH], 0);
	expect_bandwidth(test, &f, RATE);
	KUNIT_EXPECT_GE(test, f.info.bbr_min_rtt, RTT_US);
	KUNIT_EXPECT_LE(test, f.info.bbr_min_rtt, RTT_US + 4000);
	/* the queue of STARTUP was at most what a window of 2/ln 2 leaves */
	KUNIT_EXPECT_LE(test, f.seen.queue_us, 3 * RTT_US);
	watch_begin(&f);
	run(&f, 10 * RTT_US);
	KUNIT_EXPECT_LE(test, f.seen.queue_us, RTT_US);
	KUNIT_EXPECT_EQ(test, sim_ts(f.a)->total_retrans, 0);
}

/* the cycle of gains asks for more, and gives it back */
static void bbr_control__probe_bw_cycle(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_bbr, RATE);
	run(&f, 40 * RTT_US);
	watch_begin(&f);
	run(&f, 80 * RTT_US);
	/* ten cycles of eight phases, some a little longer */
	KUNIT_EXPECT_GE(test, f.seen.gains[GAIN_PROBE], 7);
	KUNIT_EXPECT_LE(test, f.seen.gains[GAIN_PROBE], 11);
	KUNIT_EXPECT_GE(test, f.seen.gains[GAIN_YIELD], 7);
	KUNIT_EXPECT_GE(test, f.seen.gains[GAIN_ONE], 7);
	KUNIT_EXPECT_EQ(test, f.seen.gains[GAIN_HIGH], 0);
	KUNIT_EXPECT_LE(test, f.seen.queue_us, RTT_US);
	KUNIT_EXPECT_LE(test, f.seen.drained_us, RTT_US / 4);
	KUNIT_EXPECT_GE(test, goodput(&f), 90);
	expect_bandwidth(test, &f, RATE);
}

/* what the path has more is found within a few cycles; what it has less, in ten rounds */
static void bbr_control__path_changes(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_bbr, RATE);
	run(&f, 40 * RTT_US);
	sim.link[0].ns_per_byte = 400;
	run(&f, 60 * RTT_US);
	expect_bandwidth(test, &f, 2 * RATE);
	/* rounds are longer meanwhile, by the queue of what is too much */
	sim.link[0].ns_per_byte = 1600;
	run(&f, 5 * SIM_S);
	expect_bandwidth(test, &f, RATE / 2);
}

/* every ten seconds four segments for 200 ms; a path that became longer is seen */
static void bbr_control__probe_rtt(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_bbr, RATE / 3);
	run(&f, 1 * SIM_S);
	sim.link[1].delay_us += 20000;
	run(&f, 25 * SIM_S);
	KUNIT_ASSERT_EQ(test, f.seen.probe_rtt, 2);
	KUNIT_EXPECT_GE(test, f.seen.probe_rtt_us[1] - f.seen.probe_rtt_us[0], 10 * SIM_S);
	KUNIT_EXPECT_LE(test, f.seen.probe_rtt_us[1] - f.seen.probe_rtt_us[0], 11 * SIM_S);
	KUNIT_EXPECT_GE(test, f.seen.probe_rtt_long_us, 200 * SIM_MS);
	KUNIT_EXPECT_LE(test, f.seen.probe_rtt_long_us, 500 * SIM_MS);
	KUNIT_EXPECT_LE(test, f.seen.probe_rtt_flight, 4);
	KUNIT_EXPECT_GE(test, f.info.bbr_min_rtt, RTT_US + 20000);
	KUNIT_EXPECT_LE(test, f.info.bbr_min_rtt, RTT_US + 24000);
	KUNIT_EXPECT_GE(test, goodput(&f), 88);
	expect_bandwidth(test, &f, RATE / 3);
}

struct loss_param {
	u32 permille, goodput;
};

static const struct loss_param loss_params[] = {
	{ 10, 90 }, { 30, 85 }, { 50, 80 },
};

static void loss_desc(const struct loss_param *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u in 1000", p->permille);
}

KUNIT_ARRAY_PARAM(loss, loss_params, loss_desc);

/* random losses say nothing of a queue, and BBR does not believe them */
static void bbr_control__random_loss(struct kunit *test)
{
	const struct loss_param *p = test->param_value;
	struct flow f;

	sim.link[0].loss = p->permille;
	sim.link[0].queue_us = 2 * RTT_US;
	open(test, &f, &toytcp_cong_bbr, RATE);
	run(&f, 20 * RTT_US);
	watch_begin(&f);
	run(&f, 4 * SIM_S);
	KUNIT_EXPECT_GE(test, goodput(&f), p->goodput);
}

/* what the program did not send does not make the path slower */
static void bbr_control__app_limited(struct kunit *test)
{
	struct flow f;
	u64 before;
	u32 i;

	open(test, &f, &toytcp_cong_bbr, RATE);
	run(&f, 40 * RTT_US);
	f.max_write = f.wrote;
	run(&f, 10 * RTT_US);
	before = bandwidth(&f);
	for (i = 0; i < 40; i++) {
		f.max_write += 2000;
		run(&f, 100 * SIM_MS);
	}
	KUNIT_EXPECT_EQ(test, bandwidth(&f), before);
	KUNIT_EXPECT_EQ(test, f.info.bbr_cwnd_gain, 2 * GAIN_ONE);
	/* and the path is as fast again as it was, without a burst */
	f.max_write = ~0u;
	watch_begin(&f);
	run(&f, 10 * RTT_US);
	KUNIT_EXPECT_GE(test, goodput(&f), 85);
	KUNIT_EXPECT_LE(test, f.seen.queue_us, RTT_US);
}

/* nothing arrives for two seconds: timeouts, and then what was known is still true */
static void bbr_control__blackout(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_bbr, RATE);
	run(&f, 40 * RTT_US);
	sim.link[0].loss = 1000;
	run(&f, 2 * SIM_S);
	KUNIT_EXPECT_GT(test, sim_ts(f.a)->total_rto, 0);
	KUNIT_EXPECT_LE(test, sim_ts(f.a)->cong.cwnd_segs, 4);
	sim.link[0].loss = 0;
	run(&f, 3 * SIM_S);
	watch_begin(&f);
	run(&f, 1 * SIM_S);
	KUNIT_EXPECT_GE(test, goodput(&f), 85);
}

/* a cycle and more without a change of the pace: the long-term rate is in use */
static bool run_policed(struct flow *f)
{
	watch_begin(f);
	run(f, 10 * RTT_US);
	return f->info.bbr_pacing_gain == GAIN_ONE && !f->seen.gains[GAIN_ONE] &&
	       f->info.bbr_cwnd_gain == 2 * GAIN_ONE;
}

/* a policer lets bursts through, then drops what is faster than half the path */
static void bbr_control__policer(struct kunit *test)
{
	struct flow f;
	u32 again;
	int i;

	sim.link[0].police_ns_per_byte = 1600;
	sim.link[0].police_burst = 100000;
	open(test, &f, &toytcp_cong_bbr, RATE);
	for (i = 0; i < 10 && !run_policed(&f); i++)
		;
	KUNIT_ASSERT_LT(test, i, 10);
	expect_bandwidth(test, &f, RATE / 2);
	again = sim_ts(f.a)->total_retrans;
	KUNIT_EXPECT_TRUE(test, run_policed(&f));
	KUNIT_EXPECT_GE(test, goodput(&f), 43);
	KUNIT_EXPECT_LE(test, sim_ts(f.a)->total_retrans - again, 20);
	/* after 48 round trips it asks again */
	watch_begin(&f);
	run(&f, 50 * RTT_US);
	KUNIT_EXPECT_GT(test, f.seen.gains[GAIN_PROBE], 0);
}

/* another algorithm in the middle of a connection: it paces no more by the model */
static void bbr_control__switched(struct kunit *test)
{
	struct flow f;

	open(test, &f, &toytcp_cong_reno, RATE);
	run(&f, 10 * RTT_US);
	toytcp_cong_switch(&sim_ts(f.a)->cong, &toytcp_cong_bbr);
	info_get(&f);
	run(&f, 40 * RTT_US);
	expect_bandwidth(test, &f, RATE);
	KUNIT_EXPECT_GT(test, sim_ts(f.a)->cong.pace_q, 0);
	toytcp_cong_switch(&sim_ts(f.a)->cong, &toytcp_cong_cubic);
	KUNIT_EXPECT_EQ(test, sim_ts(f.a)->cong.pace_q, 0);
}

static struct kunit_case bbr_cases[] = {
	KUNIT_CASE(bbr_control__startup_and_drain),
	KUNIT_CASE(bbr_control__probe_bw_cycle),
	KUNIT_CASE(bbr_control__path_changes),
	KUNIT_CASE(bbr_control__probe_rtt),
	KUNIT_CASE_PARAM(bbr_control__random_loss, loss_gen_params),
	KUNIT_CASE(bbr_control__app_limited),
	KUNIT_CASE(bbr_control__blackout),
	KUNIT_CASE(bbr_control__policer),
	KUNIT_CASE(bbr_control__switched),
	{}
};

static struct kunit_suite bbr_suite = {
	.name = "toytcp_bbr",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = bbr_cases,
};

kunit_test_suites(&bbr_suite);
