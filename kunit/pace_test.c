// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/pace.c: how much waits below a socket, how fast it leaves.
 *
 * The socket sends to a raw peer that announced an MSS of 1000. A device that
 * keeps what it was given (sim.hold_us) is the queue below.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/pace.h"
#include "sim.h"

#define MSS	1000u

struct out {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
	struct sock *sk;
};

/* a connection with a window of @cwnd segments that nothing else limits */
static void open(struct kunit *test, struct out *o, u32 cwnd)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->p.syn.mss = MSS;
	o->p.syn.has_wscale = 1;
	o->p.syn.wscale = 7;
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->sk = o->sock->sk;
	o->ts = sim_ts(o->sock);
	o->ts->nodelay = 1;
	toytcp_cong_switch(&o->ts->cong, &toytcp_cong_reno);
	o->ts->cong.cwnd_segs = cwnd;
	o->ts->cwnd_stamp_us = sim.now_us;
	o->sk->sk_sndbuf = 1 << 22;
	o->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	o->ts->snd_wnd = 1 << 22;
	toytcp_net(&init_net)->sysctl.early_retrans = 0;
}

/* as many calls of send() as @len bytes need */
static void write_all(struct kunit *test, struct out *o, u32 len)
{
	u32 at, n;

	for (at = 0; at < len; at += n) {
		n = min(len - at, 50 * MSS);
		KUNIT_ASSERT_EQ(test, sim_write(o->sock, at, n), n);
	}
}

static u32 below(const struct out *o)
{
	return refcount_read(&o->sk->sk_wmem_alloc) - 1;
}

/* two buffers and what the rate makes of a millisecond, whichever is more */
static void pace_queue_full__limits(struct kunit *test)
{
	static const struct {
		unsigned long rate;
		int limit_output_bytes;
		enum sk_pacing status;
		u32 least, most;	/* segments below; one exceeds the limit */
	} rows[] = {
		{ 0, 1 << 20, SK_PACING_NONE, 2, 2 },
		{ 1 << 25, 1 << 20, SK_PACING_NONE, 12, 33 },	/* 32 KiB in a millisecond */
		{ 1 << 25, 16384, SK_PACING_NONE, 6, 17 },
		{ 1 << 25, 16384, SK_PACING_FQ, 12, 33 },
		{ ~0ul, 1 << 20, SK_PACING_NONE, 100, 100 },
	};
	struct out o;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 sent;

		sim.hold_us = 0;
		open(test, &o, 100);
		o.sk->sk_pacing_rate = rows[i].rate;
		o.sk->sk_pacing_status = rows[i].status;
		toytcp_net(&init_net)->sysctl.limit_output_bytes = rows[i].limit_output_bytes;
		sim.hold_us = 2 * SIM_MS;
		write_all(test, &o, 100 * MSS);
		sent = sim_inbox_count();
		KUNIT_EXPECT_GE_MSG(test, sent, rows[i].least, "row %d", i);
		KUNIT_EXPECT_LE_MSG(test, sent, rows[i].most, "row %d", i);
		/* all that is left goes as the device makes room, without an ACK */
		sim_run(2 * SIM_MS);
		if (sent < 100)
			KUNIT_EXPECT_GT_MSG(test, sim_inbox_count(), sent, "row %d", i);
		sim_run(120 * SIM_MS);
		KUNIT_EXPECT_EQ_MSG(test, sim_inbox_count(), 100, "row %d", i);
		KUNIT_EXPECT_EQ(test, below(&o), 0);
		sim.hold_us = 0;
		sim_drain(test);
	}
}

/* the least delay at which the sender is asked again: each freed buffer */
static void pace_freed__one_by_one(struct kunit *test)
{
	struct out o;
	u32 sent;

	open(test, &o, 10);
	o.sk->sk_pacing_rate = 0;
	sim.hold_us = 4 * SIM_MS;
	write_all(test, &o, 3 * MSS);
	sim_run(1 * SIM_MS);
	write_all(test, &o, 3 * MSS);
	sent = sim_inbox_count();
	KUNIT_EXPECT_EQ(test, sent, 2);
	sim_run(2 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	/* two buffers leave the device, so many follow */
	sim_run(1 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
	sim_run(4 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 6);
	sim.hold_us = 0;
}

/* a program that holds the lock sends when it lets go of it */
static void pace_freed__socket_owned(struct kunit *test)
{
	struct out o;

	open(test, &o, 10);
	o.sk->sk_pacing_rate = 0;
	sim.hold_us = 4 * SIM_MS;
	write_all(test, &o, 6 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	lock_sock(o.sk);
	sim_run(5 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	KUNIT_EXPECT_TRUE(test, test_bit(TOYTCP_DEFER_SEND, &o.ts->deferred));
	release_sock(o.sk);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
	sim.hold_us = 0;
}

/* the connection has ended when the device lets go; sim_exit() counts sockets */
static void pace_freed__socket_gone(struct kunit *test)
{
	struct out o;

	open(test, &o, 10);
	o.sk->sk_pacing_rate = 0;
	sim.hold_us = 4 * SIM_MS;
	write_all(test, &o, 6 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	sim.hold_us = 0;
	sim_abort(o.sock);
	sim_inbox_clear();
	sim_run(5 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_drain(test);

	/* and while the softirq waits */
	open(test, &o, 10);
	o.sk->sk_pacing_rate = 0;
	sim.hold_us = 4 * SIM_MS;
	write_all(test, &o, 6 * MSS);
	while (!sim.softirqs)
		KUNIT_ASSERT_TRUE(test, sim_step());
	sim.hold_us = 0;
	sim_abort(o.sock);
	sim_inbox_clear();
	KUNIT_EXPECT_TRUE(test, sim_step());
	SIM_EXPECT_NONE(test);
}

/* what the device still holds is not sent again before it has let go */
static void pace_still_below__retransmission_waits(struct kunit *test)
{
	struct sim_seg seg;
	struct out o;
	int i;

	open(test, &o, 10);
	sim.hold_us = 30 * SIM_MS;
	write_all(test, &o, 4 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
	sim_inbox_clear();
	sim.hold_us = 0;
	sim_run(10 * SIM_MS);
	/* the first one tells another window, and is no duplicate */
	for (i = 0; i < 4; i++) {
		seg = sim_peer_seg(&o.p, TOYTCP_ACK, 0);
		seg.ack = o.p.irs + 1;
		sim_inject(&seg);
	}
	KUNIT_EXPECT_EQ(test, o.ts->recovery, TOYTCP_RECOVERY);
	SIM_EXPECT_NONE(test);
	sim_run(19 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(1 * SIM_MS);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1, MSS);
	SIM_EXPECT_NONE(test);
}

/* cwnd of 10 segments of 1000 bytes in 40 ms are 250 kB/s, times the ratio */
static void pace_update_rate__ratio(struct kunit *test)
{
	static const struct {
		u32 cwnd, ssthresh, out;
		unsigned long max, rate;
	} rows[] = {
		{ 10, 0x7fffffff, 0, ~0ul, 500000 },
		{ 10, 22, 0, ~0ul, 500000 },
		{ 10, 20, 0, ~0ul, 300000 },	/* near ssthresh, growth slows down */
		{ 10, 5, 0, ~0ul, 300000 },
		{ 10, 5, 20, ~0ul, 600000 },	/* what is out counts if it is more */
		{ 10, 5, 0, 123456, 123456 },	/* SO_MAX_PACING_RATE */
	};
	struct out o;
	int i;

	open(test, &o, 10);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		toytcp_rtt_init(&o.ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
				TOYTCP_RTO_MAX_US);
		toytcp_rtt_sample(&o.ts->rtt, 40 * SIM_MS);
		o.ts->cong.cwnd_segs = rows[i].cwnd;
		o.ts->cong.ssthresh_segs = rows[i].ssthresh;
		o.ts->packets_out = rows[i].out;
		o.sk->sk_max_pacing_rate = rows[i].max;
		toytcp_pace_update_rate(o.sk);
		KUNIT_EXPECT_EQ_MSG(test, o.sk->sk_pacing_rate, rows[i].rate, "row %d", i);
	}
	o.ts->packets_out = 0;
}

/* SO_MAX_PACING_RATE is the core's option: it sets the rate and asks for pacing */
static void set_rate(struct kunit *test, struct out *o, u32 bytes_per_s)
{
	u32 val = bytes_per_s;

	KUNIT_ASSERT_EQ(test, sock_setsockopt(o->sock, SOL_SOCKET, SO_MAX_PACING_RATE,
					      KERNEL_SOCKPTR(&val), sizeof(val)), 0);
	KUNIT_EXPECT_EQ(test, o->sk->sk_pacing_status, SK_PACING_NEEDED);
	KUNIT_EXPECT_EQ(test, o->sk->sk_pacing_rate, bytes_per_s);
}

/* ten segments at once, then one a millisecond */
static void pace_wait__timer(struct kunit *test)
{
	struct out o;
	u32 i;

	open(test, &o, 100);
	set_rate(test, &o, 1000000);
	write_all(test, &o, 40 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 10);
	for (i = 11; i <= 40; i++) {
		sim_run(1 * SIM_MS - 1);
		KUNIT_EXPECT_EQ(test, sim_inbox_count(), i - 1);
		sim_run(1);
		KUNIT_EXPECT_EQ(test, sim_inbox_count(), i);
	}
	/* the last one has its time, too, and no more than that is made up for */
	sim_inbox_clear();
	write_all(test, &o, 2 * MSS);
	SIM_EXPECT_NONE(test);
	sim_run(1 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
	sim_run(20 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	write_all(test, &o, 4 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 3);
	sim_run(SIM_MS / 2);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
	sim_run(SIM_MS / 2);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
}

/* a retransmission is paced as well, and who waits for his pace sends no window probe */
static void pace_wait__slow(struct kunit *test)
{
	struct out o;

	open(test, &o, 100);
	set_rate(test, &o, 1000);
	write_all(test, &o, 12 * MSS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 10);
	sim_inbox_clear();
	o.p.rcv_nxt = o.p.irs + 1 + 10 * MSS;
	sim_run(10 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, o.ts->packets_out, 0);
	KUNIT_EXPECT_NULL(test, sim_check(o.sk));
	sim_run(980 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(10 * SIM_MS);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1 + 10 * MSS, 1, MSS);
	/* the timeout of this one comes when the pace allows another: it goes first */
	sim_run(999 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(1 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
}

/* fq keeps them: all go down at once, each with its time; a round trip begins there */
static void pace_departure__fq(struct kunit *test)
{
	u64 began = sim.now_us;
	struct out o;
	u32 i;

	open(test, &o, 100);
	set_rate(test, &o, 1000000);
	o.sk->sk_pacing_status = SK_PACING_FQ;
	toytcp_rtt_init(&o.ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	for (i = 1; i <= 30; i++) {
		write_all(test, &o, MSS);
		KUNIT_EXPECT_EQ(test, sim_inbox_count(), i);
		KUNIT_EXPECT_EQ(test, sim.departs_us, began + (i > 10 ? i - 10 : 0) * SIM_MS);
	}
	/* 21 ms until the next one may go, and then the timeout */
	KUNIT_EXPECT_EQ(test, toytcp_pace_delay_us(o.sk), 21 * SIM_MS);
	sim_run(50 * SIM_MS);
	o.p.rcv_nxt = o.p.irs + 1 + 30 * MSS;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	/* the oldest one acknowledged, which left at once */
	KUNIT_EXPECT_EQ(test, o.ts->rtt.last_us, 50 * SIM_MS);
	/* 31 departs now: 29 ms late, of which half of its time is made up for */
	sim_inbox_clear();
	write_all(test, &o, MSS);
	KUNIT_EXPECT_EQ(test, sim.departs_us, sim.now_us);
	write_all(test, &o, MSS);
	KUNIT_EXPECT_EQ(test, sim.departs_us, sim.now_us + SIM_MS / 2);
	/* an ACK that comes before fq should have let go of it */
	o.p.rcv_nxt += 2 * MSS;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.last_us, 1);
	KUNIT_EXPECT_EQ(test, o.ts->packets_out, 0);
}

/* a millisecond of data, more on a short path, two segments at least */
static void pace_gso_segs__size(struct kunit *test)
{
	static const struct {
		unsigned long rate;
		u32 min_rtt_us, segs;
	} rows[] = {
		{ ~0ul, 20000, 65 },
		{ 0, 20000, 2 },
		{ 10240000, 20000, 10 },	/* 80 Mbit/s */
		{ 10240000, 512, 42 },		/* half of 64 KiB more */
		{ 10240000, 511, 65 },
		{ 10240000, U32_MAX, 10 },	/* no round trip known */
		{ 1024, 1024, 16 },
	};
	struct out o;
	int i;

	sim.gso = true;
	open(test, &o, 100);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		o.sk->sk_pacing_rate = rows[i].rate;
		o.ts->rtt.min_us = rows[i].min_rtt_us;
		KUNIT_EXPECT_EQ_MSG(test, toytcp_pace_gso_segs(o.sk), rows[i].segs, "row %d", i);
	}
	/* BIG TCP */
	o.sk->sk_pacing_rate = ~0ul;
	o.sk->sk_gso_max_size = 200000;
	KUNIT_EXPECT_EQ(test, toytcp_pace_gso_segs(o.sk), 200000 / o.ts->mss);
	o.sk->sk_gso_max_segs = 5;
	KUNIT_EXPECT_EQ(test, toytcp_pace_gso_segs(o.sk), 5);
	o.sk->sk_route_caps = 0;
	KUNIT_EXPECT_EQ(test, toytcp_pace_gso_segs(o.sk), 1);
}

/* what a large write leaves in the queue is cut first, then weighed */
static void pace_queue_full__large_buffer(struct kunit *test)
{
	struct out o;

	sim.gso = true;
	open(test, &o, 100);
	o.sk->sk_pacing_rate = 0;
	o.ts->rtt.min_us = 20 * SIM_MS;
	sim.hold_us = 2 * SIM_MS;
	write_all(test, &o, 50 * MSS);
	/* two buffers of net.toytcp.min_tso_segs; the third one exceeds the limit */
	KUNIT_EXPECT_LE(test, sim_inbox_count(), 6);
	sim.hold_us = 0;
}

static struct kunit_case cases[] = {
	KUNIT_CASE(pace_queue_full__limits),
	KUNIT_CASE(pace_queue_full__large_buffer),
	KUNIT_CASE(pace_freed__one_by_one),
	KUNIT_CASE(pace_freed__socket_owned),
	KUNIT_CASE(pace_freed__socket_gone),
	KUNIT_CASE(pace_still_below__retransmission_waits),
	KUNIT_CASE(pace_update_rate__ratio),
	KUNIT_CASE(pace_wait__timer),
	KUNIT_CASE(pace_wait__slow),
	KUNIT_CASE(pace_departure__fq),
	KUNIT_CASE(pace_gso_segs__size),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_pace",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
