// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/timewait.c: what the remnant answers, how long it lasts,
 * and what may take its place.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

static int tw_count(void)
{
	return atomic_read(&toytcp_net(&init_net)->tw_count);
}

/* a connection that we closed first; both FINs are acknowledged */
static struct socket *time_wait(struct kunit *test, struct sim_peer *p, bool tstamps)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *sock;

	sim_peer_init(p, SIM_PORT_A);
	p->syn.has_ts = tstamps;
	p->ts = tstamps;
	sock = sim_peer_connects(test, p, listener);
	sim_close(sock);
	SIM_EXPECT(test, p, TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
	p->rcv_nxt++;
	sim_peer_send(p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, p, TOYTCP_ACK, 2, 2, 0);
	KUNIT_ASSERT_EQ(test, tw_count(), 1);
	return listener;
}

static void timewait__lasts_60_s(struct kunit *test)
{
	struct sim_peer p;

	time_wait(test, &p, false);
	sim_run(60 * SIM_S - 1);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	sim_run(1);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
}

/* the peer's FIN again: our last ACK was lost */
static void timewait_rcv__fin_restarts(struct kunit *test)
{
	struct sim_peer p;

	time_wait(test, &p, false);
	sim_run(59 * SIM_S);
	p.snd_nxt--;
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	sim_run(60 * SIM_S - 1);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	sim_run(1);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
}

/* RFC 1337: resets do not end it */
static void timewait_rcv__rst_is_ignored(struct kunit *test)
{
	struct sim_seg seg;
	struct sim_peer p;
	s32 off;

	time_wait(test, &p, false);
	for (off = -2; off <= 2; off++) {
		seg = sim_peer_seg(&p, TOYTCP_RST, 0);
		seg.seq += off;
		sim_inject(&seg);
		seg.flags |= TOYTCP_ACK;
		seg.ack = p.rcv_nxt;
		sim_inject(&seg);
	}
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
}

/* a newer SYN opens the successor, above all that the old connection used */
static void timewait_rcv__newer_syn(struct kunit *test)
{
	struct socket *listener, *child;
	const struct sim_seg *synack;
	struct sim_peer p, next;
	u32 old_nxt;
	int tstamps;

	for (tstamps = 0; tstamps < 2; tstamps++) {
		listener = time_wait(test, &p, tstamps);
		old_nxt = p.rcv_nxt;
		sim_peer_init(&next, SIM_PORT_A);
		/* by sequence number, or by timestamp though the number is old */
		next.iss = tstamps ? p.iss - 1000 : p.snd_nxt + 1000;
		next.snd_nxt = next.iss;
		next.syn.has_ts = tstamps;
		next.ts = tstamps;
		next.tsval = p.tsval + 1;
		sim_peer_send(&next, TOYTCP_SYN, 0);
		synack = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, synack);
		KUNIT_EXPECT_EQ(test, synack->flags, TOYTCP_SYN | TOYTCP_ACK);
		KUNIT_EXPECT_TRUE(test, seq_after(synack->seq, old_nxt + 65535));
		KUNIT_EXPECT_EQ(test, tw_count(), 0);
		next.irs = synack->seq;
		next.rcv_nxt = synack->seq + 1;
		next.tsecr = synack->opt.tsval;
		sim_peer_send(&next, TOYTCP_ACK, 10);
		child = sim_accept(listener);
		KUNIT_ASSERT_NOT_NULL(test, child);
		KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 100), 10);
		sim_drain(test);
	}
}

/* an old SYN is answered with an ACK (RFC 9293 3.10.7.4) and changes nothing */
static void timewait_rcv__old_syn(struct kunit *test)
{
	struct socket *listener;
	struct sim_peer p;
	struct sim_seg seg;

	listener = time_wait(test, &p, false);
	seg = sim_peer_seg(&p, TOYTCP_SYN, 0);
	seg.seq = p.iss;
	sim_inject(&seg);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->req_count, 0);
}

/* without a listener a SYN opens nothing, and does not end it */
static void timewait_rcv__syn_without_listener(struct kunit *test)
{
	struct socket *listener;
	struct sim_peer p;
	struct sim_seg seg;

	listener = time_wait(test, &p, false);
	sim_close(listener);
	seg = sim_peer_seg(&p, TOYTCP_SYN, 0);
	seg.seq += 1000;
	sim_inject(&seg);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
}

/* PAWS: what is older than the connection's end, by its timestamp, is no FIN */
static void timewait_rcv__paws(struct kunit *test)
{
	struct sim_peer p;

	time_wait(test, &p, true);
	sim_run(30 * SIM_S);
	p.snd_nxt--;
	p.tsval -= 10;
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	sim_run(30 * SIM_S);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
}

/* answers to what is out of the window are limited: two ends would not stop */
static void timewait_rcv__no_ack_war(struct kunit *test)
{
	struct sim_peer p;
	struct sim_seg seg;
	int i;

	time_wait(test, &p, false);
	for (i = 0; i < 100; i++) {
		seg = sim_peer_seg(&p, TOYTCP_ACK, 0);
		seg.seq -= 1000;
		sim_inject(&seg);
		sim_run(SIM_MS);
	}
	KUNIT_EXPECT_LE(test, sim_inbox_count(), 2);
	sim_inbox_clear();
	/* an ACK in the window says nothing new */
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
}

/* the port is taken as long as it lasts */
static void timewait__keeps_the_port(struct kunit *test)
{
	struct socket *listener, *other;
	struct sim_peer p;

	listener = time_wait(test, &p, false);
	sim_close(listener);
	other = sim_socket(test);
	KUNIT_EXPECT_EQ(test, sim_bind(other, 0, SIM_PORT_A), -EADDRINUSE);
	/* with SO_REUSEADDR on both a server may start again */
	other->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_EXPECT_EQ(test, sim_bind(other, 0, SIM_PORT_A), 0);
	KUNIT_EXPECT_EQ(test, kernel_listen(other, 4), 0);
	sim_close(other);
	sim_run(60 * SIM_S);
	other = sim_socket(test);
	KUNIT_EXPECT_EQ(test, sim_bind(other, 0, SIM_PORT_A), 0);
}

/* beyond max_tw_buckets connections just end */
static void timewait_enter__limit(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16), *sock;
	struct sim_peer p;
	int i;

	toytcp_net(&init_net)->sysctl.max_tw_buckets = 2;
	for (i = 0; i < 4; i++) {
		sim_peer_init(&p, SIM_PORT_A);
		p.port = 2000 + i;
		sock = sim_peer_connects(test, &p, listener);
		sim_close(sock);
		p.rcv_nxt++;
		sim_inbox_clear();
		sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
		SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	}
	KUNIT_EXPECT_EQ(test, tw_count(), 2);
}

static struct kunit_case timewait_cases[] = {
	KUNIT_CASE(timewait__lasts_60_s),
	KUNIT_CASE(timewait_rcv__fin_restarts),
	KUNIT_CASE(timewait_rcv__rst_is_ignored),
	KUNIT_CASE(timewait_rcv__newer_syn),
	KUNIT_CASE(timewait_rcv__old_syn),
	KUNIT_CASE(timewait_rcv__syn_without_listener),
	KUNIT_CASE(timewait_rcv__paws),
	KUNIT_CASE(timewait_rcv__no_ack_war),
	KUNIT_CASE(timewait__keeps_the_port),
	KUNIT_CASE(timewait_enter__limit),
	{}
};

static struct kunit_suite timewait_suite = {
	.name = "toytcp_timewait",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = timewait_cases,
};

kunit_test_suites(&timewait_suite);
