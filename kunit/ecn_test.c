// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/ecn.c, and of what module/recovery.c makes of an ECN-Echo,
 * as far as scenarios/ecn.pkt does not show it; and of what DCTCP needs of both.
 *
 * The socket sends to a raw peer that announced an MSS of 1000, so segment n
 * (from 0) begins at sequence number 1 + 1000 * n.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <net/inet_ecn.h>

#include "../module/drop.h"
#include "../module/ecn.h"
#include "../module/netns.h"
#include "sim.h"

#define MSS	1000u
#define RTT	(40 * SIM_MS)

struct conn {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

/* a connection to a listener, with ECN and SACK, of an algorithm */
static void open_with(struct kunit *test, struct conn *c, bool tstamps, const char *algorithm)
{
	const struct sim_seg *synack;

	memset(c, 0, sizeof(*c));
	sim_peer_init(&c->p, SIM_PORT_A);
	c->p.syn.mss = MSS + (tstamps ? 12 : 0);
	c->p.syn.sack_perm = 1;
	c->p.syn.has_ts = tstamps;
	c->p.ts = tstamps;
	c->listener = sim_listen(test, SIM_PORT_A, 4);
	KUNIT_ASSERT_EQ(test, c->listener->ops->setsockopt(c->listener, IPPROTO_TCP,
							   TCP_CONGESTION,
							   KERNEL_SOCKPTR((char *)algorithm),
							   strlen(algorithm)), 0);
	sim_peer_send(&c->p, TOYTCP_SYN | TOYTCP_ECE | TOYTCP_CWR, 0);
	synack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, synack);
	KUNIT_ASSERT_EQ(test, synack->flags, TOYTCP_SYN | TOYTCP_ACK | TOYTCP_ECE);
	c->p.irs = synack->seq;
	c->p.rcv_nxt = synack->seq + 1;
	c->p.tsecr = synack->opt.tsval;
	sim_run(RTT);
	sim_peer_send(&c->p, TOYTCP_ACK, 0);
	c->sock = sim_accept(c->listener);
	KUNIT_ASSERT_NOT_NULL(test, c->sock);
	SIM_EXPECT_NONE(test);
	c->ts = sim_ts(c->sock);
	c->ts->nodelay = 1;
	c->sock->sk->sk_sndbuf = 1 << 20;
	c->sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	toytcp_net(&init_net)->sysctl.early_retrans = 0;
}

static void open(struct kunit *test, struct conn *c)
{
	open_with(test, c, false, "reno");
}

/* @segs more are on their way; they leave the inbox */
static void fly(struct kunit *test, struct conn *c, u32 segs)
{
	u32 at = c->ts->write_seq - c->ts->iss - 1;

	KUNIT_ASSERT_EQ(test, sim_write(c->sock, at, MSS * segs), MSS * segs);
	sim_inbox_clear();
}

/* the peer has everything before segment @n, and of the rest [from, to) */
static void ack_sacks(struct conn *c, u8 flags, u32 n, u32 from, u32 to)
{
	struct sim_seg seg = sim_peer_seg(&c->p, TOYTCP_ACK | flags, 0);

	seg.ack = c->p.irs + 1 + MSS * n;
	if (to > from) {
		seg.opt.n_sacks = 1;
		seg.opt.sacks[0].start = c->p.irs + 1 + MSS * from;
		seg.opt.sacks[0].end = c->p.irs + 1 + MSS * to;
	}
	sim_inject(&seg);
}

static void ack(struct conn *c, u8 flags, u32 n)
{
	ack_sacks(c, flags, n, 0, 0);
}

/* data from the peer */
static void data(struct conn *c, u8 ecn, u8 flags, u32 len)
{
	struct sim_seg seg = sim_peer_seg(&c->p, TOYTCP_ACK | flags, len);

	seg.ecn = ecn;
	c->p.snd_nxt += len;
	sim_inject(&seg);
}

/* RFC 3168 6.1.2: the first of the segments that a buffer makes says CWR, no other */
static void ecn_xmit__cwr_once_in_a_large_buffer(struct kunit *test)
{
	const struct sim_seg *seg;
	struct conn c;
	int i;

	sim.gso = true;
	open(test, &c);
	fly(test, &c, 10);
	ack(&c, TOYTCP_ECE, 10);
	KUNIT_ASSERT_EQ(test, sim_write(c.sock, 10 * MSS, 3 * MSS), 3 * MSS);
	for (i = 0; i < 3; i++) {
		seg = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, seg);
		KUNIT_EXPECT_EQ(test, seg->ecn, INET_ECN_ECT_0);
		KUNIT_EXPECT_EQ(test, !!(seg->flags & TOYTCP_CWR), i == 0);
	}
	SIM_EXPECT_NONE(test);
	/* sent again, each is as if there were no ECN */
	sim_run(c.ts->rtt.rto_us);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->ecn, INET_ECN_NOT_ECT);
	KUNIT_EXPECT_FALSE(test, seg->flags & TOYTCP_CWR);
}

/* the window comes down to ssthresh while what was out arrives, and then may grow */
static void ecn_echoed__reduces_in_a_round_trip(struct kunit *test)
{
	u64 delivered_ce = sim_counted(TOYTCP_MIB_DELIVERED_CE);
	struct conn c;
	u32 i, sent;

	open(test, &c);
	fly(test, &c, 10);
	KUNIT_ASSERT_EQ(test, sim_write(c.sock, 10 * MSS, 20 * MSS), 20 * MSS);
	SIM_EXPECT_NONE(test);
	for (i = 1; i <= 10; i++)
		ack(&c, TOYTCP_ECE, i);
	sent = sim_inbox_count();
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_REDUCING);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 5);
	KUNIT_EXPECT_EQ(test, sent, 5);
	KUNIT_EXPECT_EQ(test, toytcp_in_flight(c.ts), 5);
	KUNIT_EXPECT_EQ(test, c.ts->delivered_ce, 10);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_DELIVERED_CE) - delivered_ce, 10);
	/* RFC 3168 6.1.2: from beyond what was out an echo is news; this is none */
	ack(&c, 0, 11);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, c.ts->cong.cwnd_segs, 5);
	ack(&c, TOYTCP_ECE, 12);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_REDUCING);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 2);
	KUNIT_EXPECT_EQ(test, c.ts->total_retrans, 0);
}

/* marks and losses of one window are one event */
static void ecn_echoed__then_a_loss(struct kunit *test)
{
	struct conn c;

	open(test, &c);
	fly(test, &c, 10);
	sim_run(RTT);
	ack(&c, TOYTCP_ECE, 1);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 5);
	ack_sacks(&c, TOYTCP_ECE, 1, 2, 6);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 5);
	KUNIT_EXPECT_EQ(test, c.ts->retrans_out, 1);
	ack(&c, 0, 10);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 5);
	/* the ACK that ends it lets it grow, too */
	KUNIT_EXPECT_LE(test, c.ts->cong.cwnd_segs, 6);
	/* the same by timeout */
	sim_drain(test);
	open(test, &c);
	fly(test, &c, 10);
	ack(&c, TOYTCP_ECE, 1);
	sim_run(c.ts->rtt.rto_us);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_LOSS);
	KUNIT_EXPECT_EQ(test, c.ts->cong.ssthresh_segs, 5);
	KUNIT_EXPECT_TRUE(test, c.ts->ecn_queue_cwr);
}

/* nothing was lost: without an echo the window is what it was, with one it is not */
static void ecn_echoed__is_not_taken_back(struct kunit *test)
{
	struct conn c;
	int ece;

	for (ece = 0; ece < 2; ece++) {
		open_with(test, &c, true, "reno");
		fly(test, &c, 10);
		sim_run(RTT);
		c.p.tsecr = toytcp_ts_now(c.ts->ts_offset) - (u32)(RTT / SIM_MS);
		ack_sacks(&c, 0, 0, 1, 5);
		KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_RECOVERY);
		KUNIT_EXPECT_TRUE(test, c.ts->ecn_queue_cwr);
		ack_sacks(&c, ece ? TOYTCP_ECE : 0, 0, 1, 6);
		/* Eifel: the original of the first one was late */
		ack(&c, 0, 10);
		KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_OPEN);
		if (ece)
			KUNIT_EXPECT_LE(test, c.ts->cong.cwnd_segs, 6);
		else
			KUNIT_EXPECT_GE(test, c.ts->cong.cwnd_segs, 10);
		KUNIT_EXPECT_EQ(test, (int)c.ts->ecn_queue_cwr, ece);
		sim_drain(test);
	}
}

/* who waits for data to carry its ACKs hurries when a mark comes, or a retransmission */
static void ecn_rcv__acks_soon(struct kunit *test)
{
	static const struct {
		u8 first, then;
		bool soon;
	} cases[] = {
		{ INET_ECN_ECT_0, INET_ECN_ECT_0, false },
		{ INET_ECN_ECT_0, INET_ECN_CE, true },
		{ INET_ECN_ECT_1, INET_ECN_NOT_ECT, true },
		{ INET_ECN_NOT_ECT, INET_ECN_NOT_ECT, false },
	};
	struct conn c;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		open(test, &c);
		data(&c, cases[i].first, 0, 100);
		c.ts->quickacks = 0;
		c.ts->interactive = true;
		sim_run(SIM_S);
		sim_inbox_clear();
		c.ts->interactive = true;
		data(&c, cases[i].then, 0, 100);
		KUNIT_EXPECT_EQ_MSG(test, sim_inbox_count(), cases[i].soon, "case %d", i);
		sim_drain(test);
	}
}

/* CWR on data is answered at once: they may be all that the peer's window holds */
static void ecn_cwr_heard__acks_now(struct kunit *test)
{
	const struct sim_seg *seg;
	struct conn c;

	open(test, &c);
	data(&c, INET_ECN_CE, 0, 100);
	sim_inbox_clear();
	c.ts->quickacks = 0;
	c.ts->interactive = true;
	/* a pure ACK ends the echo, too, as with Linux */
	ack(&c, TOYTCP_CWR, 0);
	KUNIT_EXPECT_FALSE(test, c.ts->ecn_demand_cwr);
	SIM_EXPECT_NONE(test);
	data(&c, INET_ECN_ECT_0, TOYTCP_CWR, 100);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_ACK);
}

/* what came is counted, in segments */
static void ecn_rcv__counters(struct kunit *test)
{
	u64 before[4];
	struct conn c;
	u32 i;

	open(test, &c);
	for (i = 0; i < 4; i++)
		before[i] = sim_counted(TOYTCP_MIB_IN_NO_ECT_PKTS + i);
	for (i = 0; i < 4; i++)
		data(&c, i, 0, 10);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_IN_NO_ECT_PKTS + i), before[i] + 1);
	KUNIT_EXPECT_STREQ(test, toytcp_stats_mib_name(TOYTCP_MIB_IN_NO_ECT_PKTS + INET_ECN_CE),
			   "InCEPkts");
	KUNIT_EXPECT_STREQ(test, toytcp_stats_mib_name(TOYTCP_MIB_IN_NO_ECT_PKTS + INET_ECN_ECT_0),
			   "InECT0Pkts");
}

/* the next connection of a socket begins without */
static void ecn_init__after_disconnect(struct kunit *test)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	const struct sim_seg *syn;
	struct conn c;

	open(test, &c);
	data(&c, INET_ECN_CE, 0, 100);
	fly(test, &c, 1);
	KUNIT_EXPECT_TRUE(test, c.ts->ecn_ok && c.ts->ecn_demand_cwr && c.ts->ecn_seen);
	KUNIT_EXPECT_EQ(test, inet_sk(c.sock->sk)->tos, INET_ECN_ECT_0);
	KUNIT_EXPECT_EQ(test, kernel_connect(c.sock, &nobody, sizeof(nobody), 0), 0);
	KUNIT_EXPECT_FALSE(test, c.ts->ecn_ok || c.ts->ecn_demand_cwr || c.ts->ecn_seen);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, sim_connect(c.sock, SIM_PEER, SIM_PORT_PEER + 1), -EINPROGRESS);
	syn = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, syn);
	KUNIT_EXPECT_EQ(test, syn->flags, TOYTCP_SYN);
	KUNIT_EXPECT_EQ(test, syn->ecn, INET_ECN_NOT_ECT);
}

/* ---- an algorithm that needs it ---- */

/* RFC 8257 3.6: all that is sent is ECT, the handshake, too */
static void ecn_needed__all_is_ect(struct kunit *test)
{
	struct toytcp_sysctl *ctl = &toytcp_net(&init_net)->sysctl;
	const struct sim_seg *seg;
	struct conn c;

	/* whatever the sysctl says */
	ctl->ecn = 0;
	open_with(test, &c, false, "dctcp");
	KUNIT_EXPECT_EQ(test, sim.log[1].ecn, INET_ECN_ECT_0);
	data(&c, INET_ECN_ECT_0, 0, 100);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->len, 0);
	KUNIT_EXPECT_EQ(test, seg->ecn, INET_ECN_ECT_0);
	fly(test, &c, 1);
	sim_run(c.ts->rtt.rto_us);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->ecn, INET_ECN_ECT_0);
	/* who chooses another is as others are */
	KUNIT_EXPECT_EQ(test, c.sock->ops->setsockopt(c.sock, IPPROTO_TCP, TCP_CONGESTION,
						      KERNEL_SOCKPTR("reno"), 4), 0);
	data(&c, INET_ECN_ECT_0, 0, 100);
	sim_run(TOYTCP_DELACK_US);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->ecn, INET_ECN_NOT_ECT);
}

/* an active open asks; without an answer the algorithm gives way */
static void ecn_needed__gives_way(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	const struct sim_seg *syn;
	struct sim_peer p;

	KUNIT_ASSERT_EQ(test, sock->ops->setsockopt(sock, IPPROTO_TCP, TCP_CONGESTION,
						    KERNEL_SOCKPTR("dctcp"), 5), 0);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	syn = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, syn);
	KUNIT_EXPECT_EQ(test, syn->flags, TOYTCP_SYN | TOYTCP_ECE | TOYTCP_CWR);
	KUNIT_EXPECT_EQ(test, syn->ecn, INET_ECN_ECT_0);
	sim_peer_init(&p, SIM_PORT_A);
	p.irs = syn->seq;
	p.rcv_nxt = syn->seq + 1;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_STREQ(test, sim_ts(sock)->cong.ops->name, "dctcp-reno");
	KUNIT_ASSERT_EQ(test, sim_write(sock, 0, 100), 100);
	while ((syn = sim_next()))
		KUNIT_EXPECT_EQ(test, syn->ecn, INET_ECN_NOT_ECT);
	/* and there is no other way to it */
	KUNIT_EXPECT_EQ(test, sock->ops->setsockopt(sock, IPPROTO_TCP, TCP_CONGESTION,
						    KERNEL_SOCKPTR("dctcp"), 5), 0);
	KUNIT_EXPECT_STREQ(test, sim_ts(sock)->cong.ops->name, "dctcp-reno");
}

/*
 * RFC 8257 3.2, figure 1: an ACK for every second segment, with ECE if they
 * were marked; where marked and unmarked meet, one for each kind.
 */
static void ecn_needed__echoes_exactly(struct kunit *test)
{
	static const struct {
		u8 ecn;
		struct { u32 ack; bool ece; } acks[2];	/* ack 0: none */
	} steps[] = {
		{ INET_ECN_ECT_0, {} },
		{ INET_ECN_ECT_0, { { 2, false } } },
		{ INET_ECN_ECT_0, {} },
		/* one is owed for what was not marked */
		{ INET_ECN_CE, { { 3, false }, { 4, true } } },
		{ INET_ECN_CE, {} },
		{ INET_ECN_CE, { { 6, true } } },
		/* nothing is owed */
		{ INET_ECN_ECT_0, { { 7, false } } },
		{ INET_ECN_CE, { { 8, true } } },
		{ INET_ECN_CE, {} },
		{ INET_ECN_ECT_0, { { 9, true }, { 10, false } } },
	};
	const struct sim_seg *seg;
	struct conn c;
	int i, j;

	open_with(test, &c, false, "dctcp");
	c.ts->rcv_mss = MSS;
	/* a program that waits for more does not read, and no ACK waits for that */
	c.sock->sk->sk_rcvlowat = 1 << 20;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		c.ts->quickacks = 0;
		data(&c, steps[i].ecn, 0, MSS);
		for (j = 0; j < 2 && steps[i].acks[j].ack; j++) {
			seg = sim_next();
			KUNIT_ASSERT_NOT_NULL_MSG(test, seg, "step %d", i);
			KUNIT_EXPECT_EQ_MSG(test, seg->ack - c.p.iss - 1,
					    steps[i].acks[j].ack * MSS, "step %d", i);
			KUNIT_EXPECT_EQ_MSG(test, !!(seg->flags & TOYTCP_ECE),
					    steps[i].acks[j].ece, "step %d", i);
		}
		KUNIT_EXPECT_EQ_MSG(test, sim_inbox_count(), 0, "step %d", i);
		sim_ts(c.sock)->interactive = false;
	}
	/* CWR does not make marked what was not, nor the other way round */
	data(&c, INET_ECN_CE, 0, MSS);
	sim_inbox_clear();
	ack(&c, TOYTCP_CWR, 0);
	KUNIT_EXPECT_TRUE(test, c.ts->ecn_demand_cwr);
}

/* a few marks take a little of the window, a loss half */
static void ecn_needed__reduces_by_alpha(struct kunit *test)
{
	struct conn c;
	u32 n, una = 0, before;

	open_with(test, &c, false, "dctcp");
	/* windows without a mark: the estimate comes down from 1 */
	c.ts->cong.ssthresh_segs = 20;
	c.ts->cong.cwnd_clamp_segs = 50;
	for (n = 0; n < 60; n++) {
		fly(test, &c, c.ts->cong.cwnd_segs);
		una += c.ts->packets_out;
		ack(&c, 0, una);
	}
	before = c.ts->cong.cwnd_segs;
	KUNIT_ASSERT_GT(test, before, 40);
	fly(test, &c, before);
	ack(&c, TOYTCP_ECE, una + 1);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_REDUCING);
	KUNIT_EXPECT_GE(test, c.ts->cong.ssthresh_segs, before - 3);
	KUNIT_EXPECT_LT(test, c.ts->cong.ssthresh_segs, before);
	/* RFC 8257 3.5: that was no loss's reduction; a loss makes it */
	sim_run(RTT);
	ack_sacks(&c, TOYTCP_ECE, una + 1, una + 2, una + 10);
	KUNIT_EXPECT_EQ(test, c.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_LE(test, c.ts->cong.ssthresh_segs, before / 2);
}

/*
 * 40 Mbit/s, 10 ms, a queue that marks from 3 ms on: DCTCP fills the path, and
 * the queue stays about where it marks.
 */
static void ecn_needed__short_queue(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 4);
	struct socket *sock = sim_socket(test), *child;
	u32 total = 4 << 20, wrote = 0, got = 0;
	u64 began, took;
	int n;

	sim.link[0] = (struct sim_link){ .delay_us = 5000, .ns_per_byte = 200, .ce_us = 3000 };
	sim.link[1] = (struct sim_link){ .delay_us = 5000 };
	KUNIT_ASSERT_EQ(test, sock->ops->setsockopt(sock, IPPROTO_TCP, TCP_CONGESTION,
						    KERNEL_SOCKPTR("dctcp"), 5), 0);
	KUNIT_ASSERT_EQ(test, listener->ops->setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION,
							KERNEL_SOCKPTR("dctcp"), 5), 0);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_B, SIM_PORT_B), -EINPROGRESS);
	sim_run(20 * SIM_MS);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	began = sim.now_us;
	while (got < total && sim.now_us - began < 10 * SIM_S) {
		n = sim_write(sock, wrote, min(total - wrote, SIM_PERIOD));
		wrote += max(n, 0);
		n = sim_read_check(child, got, SIM_PERIOD);
		got += max(n, 0);
		sim_step();
	}
	took = sim.now_us - began;
	KUNIT_EXPECT_EQ(test, got, total);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->total_retrans, 0);
	KUNIT_EXPECT_GT(test, sim_ts(sock)->delivered_ce, 0);
	/* headers and slow start take some of it */
	KUNIT_EXPECT_LE(test, took, (u64)total * 200 / 1000 * 110 / 100);
	KUNIT_EXPECT_LE(test, sim_ts(sock)->rtt.srtt_us8 >> 3, 10000 + 2 * 3000);
}

static struct kunit_case ecn_cases[] = {
	KUNIT_CASE(ecn_xmit__cwr_once_in_a_large_buffer),
	KUNIT_CASE(ecn_rcv__acks_soon),
	KUNIT_CASE(ecn_rcv__counters),
	KUNIT_CASE(ecn_cwr_heard__acks_now),
	KUNIT_CASE(ecn_echoed__reduces_in_a_round_trip),
	KUNIT_CASE(ecn_echoed__then_a_loss),
	KUNIT_CASE(ecn_echoed__is_not_taken_back),
	KUNIT_CASE(ecn_init__after_disconnect),
	KUNIT_CASE(ecn_needed__all_is_ect),
	KUNIT_CASE(ecn_needed__gives_way),
	KUNIT_CASE(ecn_needed__echoes_exactly),
	KUNIT_CASE(ecn_needed__reduces_by_alpha),
	KUNIT_CASE(ecn_needed__short_queue),
	{}
};

static struct kunit_suite ecn_suite = {
	.name = "toytcp_ecn",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = ecn_cases,
};

kunit_test_suites(&ecn_suite);
