// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/path.c and of what heeds it: each metric of a route, on the
 * side that opens and on the one that is opened.
 *
 * A raw peer with an MSS of 1000 sees what the socket announces and sends.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <net/tcp.h>

#include "../module/netns.h"
#include "sim.h"

#define MSS	1000u

struct ends {
	struct socket *sock, *listener;	/* listener: NULL for an active open */
	struct sim_peer p;
	struct toytcp_sock *ts;
	struct sim_seg syn;	/* the socket's SYN, or SYN-ACK */
};

/* the last segment with SYN that the socket under test has sent */
static struct sim_seg syn_seen;

static void tap(const struct sim_seg *seg)
{
	if (seg->flags & TOYTCP_SYN && seg->from != SIM_PEER)
		syn_seen = *seg;
}

static const char *const sides[] = { "active", "passive" };

static void side_desc(const char *const *side, char *desc)
{
	strscpy(desc, *side, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(side, sides, side_desc);

/* open as the parameter says, with SACK and the ECN that the socket asks for or gets */
static void open(struct kunit *test, struct ends *e)
{
	const char *const *side = test->param_value;
	u8 ask = sim.path.ecn ? TOYTCP_ECE | TOYTCP_CWR : 0;

	memset(e, 0, sizeof(*e));
	sim.tap = tap;
	sim_peer_init(&e->p, SIM_PORT_A);
	e->p.syn.mss = MSS;
	e->p.syn.sack_perm = true;
	if (side == &sides[0]) {
		e->sock = sim_socket(test);
		KUNIT_ASSERT_EQ(test, sim_bind(e->sock, SIM_A, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, sim_connect(e->sock, SIM_PEER, SIM_PORT_PEER),
				-EINPROGRESS);
		e->p.irs = syn_seen.seq;
		e->p.rcv_nxt = syn_seen.seq + 1;
		sim_inbox_clear();
		sim_peer_send(&e->p, TOYTCP_SYN | TOYTCP_ACK | (ask & TOYTCP_ECE), 0);
	} else {
		e->listener = sim_listen(test, SIM_PORT_A, 4);
		sim_peer_send(&e->p, TOYTCP_SYN | ask, 0);
		e->p.irs = syn_seen.seq;
		e->p.rcv_nxt = syn_seen.seq + 1;
		sim_peer_send(&e->p, TOYTCP_ACK, 0);
		e->sock = sim_accept(e->listener);
	}
	KUNIT_ASSERT_NOT_NULL(test, e->sock);
	e->ts = sim_ts(e->sock);
	KUNIT_ASSERT_EQ(test, e->sock->sk->sk_state, TCP_ESTABLISHED);
	e->sock->sk->sk_sndbuf = 1 << 20;
	e->sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	e->syn = syn_seen;
	sim_inbox_clear();
}

static void shut(struct ends *e)
{
	sim_abort(e->sock);
	if (e->listener)
		sim_close(e->listener);
	sim_inbox_clear();
}

/* segments of the first flight */
static u32 flight(struct kunit *test, struct ends *e, u32 segs)
{
	KUNIT_ASSERT_EQ(test, sim_write(e->sock, 0, segs * MSS), segs * MSS);
	return e->ts->packets_out;
}

static void path__nothing_said(struct kunit *test)
{
	struct ends e;

	open(test, &e);
	KUNIT_EXPECT_EQ(test, e.syn.opt.mss, 1460);
	KUNIT_EXPECT_EQ(test, e.ts->rtt.rto_min_us, TOYTCP_RTO_MIN_US);
	KUNIT_EXPECT_EQ(test, flight(test, &e, 30), 10);
	KUNIT_EXPECT_FALSE(test, e.ts->ecn_ok);
}

/* advmss, window and initrwnd: what the other end is told */
static void path__announced(struct kunit *test)
{
	struct ends e;

	sim.path.adv_mss = 700;
	open(test, &e);
	KUNIT_EXPECT_EQ(test, e.syn.opt.mss, 700);
	/* no more than the device takes, whatever the route says */
	sim.path.adv_mss = 9000;
	sim.path.init_rwnd_segs = 3;
	shut(&e);
	open(test, &e);
	KUNIT_EXPECT_EQ(test, e.syn.opt.mss, 1460);
	KUNIT_EXPECT_EQ(test, e.syn.wnd, 3 * 1460);
	sim.path.init_rwnd_segs = 0;
	sim.path.window = 5000;
	shut(&e);
	open(test, &e);
	KUNIT_EXPECT_EQ(test, e.syn.wnd, 5000);
	KUNIT_EXPECT_EQ(test, e.ts->window_clamp, 5000);
	KUNIT_EXPECT_EQ(test, e.ts->rcv_wscale, 0);
}

/* initcwnd and cwnd lock; the window after a pause is the first one, too */
static void path__windows(struct kunit *test)
{
	struct ends e;

	sim.path.init_cwnd_segs = 20;
	open(test, &e);
	KUNIT_EXPECT_EQ(test, flight(test, &e, 30), 20);
	shut(&e);
	sim.path.cwnd_max_segs = 12;
	open(test, &e);
	KUNIT_EXPECT_EQ(test, flight(test, &e, 40), 12);
	sim_run(20 * SIM_MS);
	e.p.rcv_nxt = e.p.irs + 1 + 12 * MSS;
	sim_peer_send(&e.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, e.ts->packets_out, 12);
	e.p.rcv_nxt = e.p.irs + 1 + 24 * MSS;
	sim_run(20 * SIM_MS);
	sim_peer_send(&e.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, e.ts->cong.cwnd_segs, 12);
}

/* each timeout of silence halves the window, down to the first one (cwv.c) */
static void path__window_after_a_pause(struct kunit *test)
{
	static const u32 want[][2] = { { 9, 40 }, { 15, 20 }, { 25, 10 }, { 500, 6 } };
	struct ends e;
	u32 i;

	sim.path.init_cwnd_segs = 6;
	open(test, &e);
	toytcp_rtt_sample(&e.ts->rtt, 10000);
	for (i = 0; i < 2 * ARRAY_SIZE(want); i++) {
		const u32 *row = want[i % ARRAY_SIZE(want)];

		sim_sysctl()->slow_start_after_idle = i < ARRAY_SIZE(want);
		e.ts->cong.cwnd_segs = 40;
		e.ts->cong.ssthresh_segs = 20;
		sim_run(100 * SIM_S);
		toytcp_clock(e.ts);
		e.ts->last_xmit_us = sim.now_us -
				     div_u64((u64)e.ts->rtt.rto_us * row[0], 10);
		toytcp_cwv_idle(e.ts);
		if (i >= ARRAY_SIZE(want))
			row = want[0];
		KUNIT_EXPECT_EQ(test, e.ts->cong.cwnd_segs, row[1]);
		KUNIT_EXPECT_EQ(test, e.ts->cong.ssthresh_segs, row[1] < 40 ? 30 : 20);
	}
}

static void path__rto_min(struct kunit *test)
{
	struct ends e;
	u64 rto;

	sim.path.rto_min_us = 20 * SIM_MS;
	open(test, &e);
	toytcp_rtt_sample(&e.ts->rtt, 1000);
	rto = e.ts->rtt.rto_us;
	KUNIT_EXPECT_GE(test, rto, 20 * SIM_MS);
	KUNIT_EXPECT_LE(test, rto, 25 * SIM_MS);
	KUNIT_EXPECT_EQ(test, flight(test, &e, 1), 1);
	sim_inbox_clear();
	sim_run(rto + 1000);
	KUNIT_EXPECT_GE(test, e.ts->total_retrans, 1);
}

/* quickack: an answer that could carry the ACK is not waited for */
static void path__quickack(struct kunit *test)
{
	struct ends e;
	int i;

	for (i = 0; i < 2; i++) {
		sim.path.quickack = i;
		open(test, &e);
		e.ts->interactive = true;
		e.ts->quickacks = 0;
		sim_peer_send(&e.p, TOYTCP_ACK | TOYTCP_PSH, 10);
		KUNIT_EXPECT_EQ(test, sim_inbox_count(), i);
		shut(&e);
	}
}

/* features ecn: asked for and agreed to, whatever the sysctl says */
static void path__ecn(struct kunit *test)
{
	struct ends e;

	sim_sysctl()->ecn = 0;
	sim.path.ecn = true;
	open(test, &e);
	KUNIT_EXPECT_TRUE(test, e.syn.flags & TOYTCP_ECE);
	KUNIT_EXPECT_TRUE(test, e.ts->ecn_ok);
}

/* congctl, before what the program has chosen; and locked */
static void path__congctl(struct kunit *test)
{
	char name[] = "cubic";
	struct ends e;

	sim.path.cong_key = toytcp_cong_reno.key;
	open(test, &e);
	KUNIT_EXPECT_STREQ(test, e.ts->cong.ops->name, "reno");
	KUNIT_EXPECT_EQ(test, e.sock->ops->setsockopt(e.sock, IPPROTO_TCP, TCP_CONGESTION,
						      KERNEL_SOCKPTR(name), sizeof(name)), 0);
	KUNIT_EXPECT_STREQ(test, e.ts->cong.ops->name, "cubic");
	shut(&e);
	sim.path.cong_locked = true;
	open(test, &e);
	KUNIT_EXPECT_EQ(test, e.sock->ops->setsockopt(e.sock, IPPROTO_TCP, TCP_CONGESTION,
						      KERNEL_SOCKPTR(name), sizeof(name)),
			-EPERM);
	KUNIT_EXPECT_STREQ(test, e.ts->cong.ops->name, "reno");
	shut(&e);
	/* one that is not here is ignored, and its lock with it */
	sim.path.cong_key++;
	open(test, &e);
	KUNIT_EXPECT_STREQ(test, e.ts->cong.ops->name, "cubic");
	KUNIT_EXPECT_FALSE(test, e.ts->cong_locked);
}

/* fastopen_no_cookie: a SYN's data are taken without one */
static void path__fastopen_no_cookie(struct kunit *test)
{
	struct socket *listener;
	struct sim_peer p;

	sim.tap = tap;
	sim_sysctl()->fastopen = TFO_CLIENT_ENABLE | TFO_SERVER_ENABLE;
	listener = sim_listen(test, SIM_PORT_A, 4);
	sim_set_option(test, listener, TCP_FASTOPEN, 4);
	sim_peer_init(&p, SIM_PORT_A);
	p.syn.mss = MSS;
	sim_peer_send(&p, TOYTCP_SYN, 100);
	KUNIT_EXPECT_EQ(test, syn_seen.ack, p.iss + 1);
	sim.path.fastopen_no_cookie = true;
	sim_peer_init(&p, SIM_PORT_A);
	p.port++;
	p.syn.mss = MSS;
	sim_peer_send(&p, TOYTCP_SYN, 100);
	KUNIT_EXPECT_EQ(test, syn_seen.ack, p.iss + 1 + 100);
}

static struct kunit_case path_cases[] = {
	KUNIT_CASE_PARAM(path__nothing_said, side_gen_params),
	KUNIT_CASE_PARAM(path__announced, side_gen_params),
	KUNIT_CASE_PARAM(path__windows, side_gen_params),
	KUNIT_CASE_PARAM(path__window_after_a_pause, side_gen_params),
	KUNIT_CASE_PARAM(path__rto_min, side_gen_params),
	KUNIT_CASE_PARAM(path__quickack, side_gen_params),
	KUNIT_CASE_PARAM(path__ecn, side_gen_params),
	KUNIT_CASE_PARAM(path__congctl, side_gen_params),
	KUNIT_CASE(path__fastopen_no_cookie),
	{}
};

static struct kunit_suite path_suite = {
	.name = "toytcp_path",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = path_cases,
};

kunit_test_suites(&path_suite);
