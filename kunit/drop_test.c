// SPDX-License-Identifier: GPL-2.0
/*
 * Why segments are dropped: each reason that no single segment on a wire
 * brings about is counted once, traced once, and nothing is lost by it.
 *
 * The other reasons are selftests/edge.py's, which also checks that each one
 * of module/drop.h is provoked there or here (EXPECT_DROPPED).
 */
#include <kunit/test.h>
#include <linux/net.h>
#include <linux/tcp.h>

#include "../module/drop.h"
#include "../module/netns.h"
#include "../module/trace.h"
#include "sim.h"

static struct toytcp_stats before, now;
static u64 traced[TOYTCP_DROP_COUNT];

static void note(void *data, const struct sk_buff *skb, int reason)
{
	traced[reason]++;
}

static int init(struct kunit *test)
{
	int err = sim_init(test);

	return err ?: register_trace_toytcp_drop(note, NULL);
}

static void end(struct kunit *test)
{
	unregister_trace_toytcp_drop(note, NULL);
	tracepoint_synchronize_unregister();
	sim_exit(test);
}

static void count_from_here(void)
{
	toytcp_stats_fold(&init_net, &before);
	memset(traced, 0, sizeof(traced));
}

/* since count_from_here(): @n of @reason, @other of another one */
static void dropped(struct kunit *test, enum toytcp_drop_reason reason, u64 n,
		    enum toytcp_drop_reason other, u64 n_other)
{
	int i;

	toytcp_stats_fold(&init_net, &now);
	for (i = 0; i < TOYTCP_DROP_COUNT; i++) {
		u64 expected = i == reason ? n : i == other ? n_other : 0;

		KUNIT_EXPECT_EQ_MSG(test, now.drop[i] - before.drop[i], expected,
				    "%s", toytcp_stats_drop_name(i));
		KUNIT_EXPECT_EQ_MSG(test, traced[i], expected, "%s, traced",
				    toytcp_stats_drop_name(i));
	}
}

#define EXPECT_DROPPED(test, reason)					\
	dropped(test, TOYTCP_DROP_##reason, 1, TOYTCP_DROP_NONE, 0)

struct end {
	struct socket *listener, *sock;
	struct sim_peer p;
};

static void open(struct kunit *test, struct end *e)
{
	sim_peer_init(&e->p, SIM_PORT_A);
	e->listener = sim_listen(test, SIM_PORT_A, 4);
	e->sock = sim_peer_connects(test, &e->p, e->listener);
}

/* it was somebody's when it came in, and is nobody's now */
static void rcv__no_socket(struct kunit *test)
{
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	count_from_here();
	sim_peer_send(&p, TOYTCP_SYN, 0);
	EXPECT_DROPPED(test, NO_SOCKET);
	SIM_EXPECT(test, &p, TOYTCP_RST | TOYTCP_ACK, 0 - p.irs, 1, 0);
}

/* a reset and what follows it wait for the same lock */
static void rcv__closed(struct kunit *test)
{
	struct end e;

	open(test, &e);
	lock_sock(e.sock->sk);
	count_from_here();
	sim_peer_send(&e.p, TOYTCP_RST, 0);
	sim_peer_send(&e.p, TOYTCP_ACK, 10);
	dropped(test, TOYTCP_DROP_NONE, 0, TOYTCP_DROP_NONE, 0);
	release_sock(e.sock->sk);
	dropped(test, TOYTCP_DROP_RESET, 1, TOYTCP_DROP_CLOSED, 1);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_error(e.sock), ECONNRESET);
}

/* the backlog has an end, and the stream goes on where it ended */
static void rcv__backlog(struct kunit *test)
{
	u32 taken = 0;
	struct end e;

	open(test, &e);
	lock_sock(e.sock->sk);
	count_from_here();
	/* flags that differ keep one segment from becoming a part of the last */
	while (!traced[TOYTCP_DROP_BACKLOG] && taken < 5000) {
		sim_peer_send(&e.p, TOYTCP_ACK | (taken & 1 ? TOYTCP_ECE : 0), 1);
		taken++;
	}
	EXPECT_DROPPED(test, BACKLOG);
	release_sock(e.sock->sk);
	taken--;
	e.p.snd_nxt = e.p.iss + 1 + taken;
	sim_inbox_clear();
	sim_peer_send(&e.p, TOYTCP_ACK, 9);
	KUNIT_EXPECT_EQ(test, sim_ts(e.sock)->rcv_nxt, e.p.snd_nxt);
	KUNIT_EXPECT_EQ(test, sim_read_check(e.sock, 0, 10000), taken + 9);
}

/* no child can be made now: the request stays, and the next ACK completes it */
static void rcv__no_memory(struct kunit *test)
{
	const struct sim_seg *synack;
	struct end e;

	sim_peer_init(&e.p, SIM_PORT_A);
	e.listener = sim_listen(test, SIM_PORT_A, 4);
	sim_peer_send(&e.p, TOYTCP_SYN, 0);
	synack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, synack);
	e.p.rcv_nxt = synack->seq + 1;
	sim.route_err = -ENOBUFS;
	count_from_here();
	sim_peer_send(&e.p, TOYTCP_ACK, 0);
	EXPECT_DROPPED(test, NOMEM);
	KUNIT_EXPECT_NULL(test, sim_accept(e.listener));
	sim.route_err = 0;
	sim_peer_send(&e.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(e.listener));
}

/* TCP_DEFER_ACCEPT: an ACK without data is not what the program waits for */
static void rcv__defer_accept(struct kunit *test)
{
	const struct sim_seg *synack;
	struct socket *sock;
	struct end e;

	sim_peer_init(&e.p, SIM_PORT_A);
	e.listener = sim_listen(test, SIM_PORT_A, 4);
	sim_set_option(test, e.listener, TCP_DEFER_ACCEPT, 5);
	sim_peer_send(&e.p, TOYTCP_SYN, 0);
	synack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, synack);
	e.p.rcv_nxt = synack->seq + 1;
	count_from_here();
	sim_peer_send(&e.p, TOYTCP_ACK, 0);
	EXPECT_DROPPED(test, DEFER_ACCEPT);
	KUNIT_EXPECT_NULL(test, sim_accept(e.listener));
	sim_peer_send(&e.p, TOYTCP_ACK, 10);
	sock = sim_accept(e.listener);
	KUNIT_ASSERT_NOT_NULL(test, sock);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 100), 10);
}

/* IP_MINTTL: what comes from too far away; the world's TTL is 0 */
static void rcv__min_ttl(struct kunit *test)
{
	struct end e;

	open(test, &e);
	inet_sk(e.sock->sk)->min_ttl = 255;
	count_from_here();
	sim_peer_send(&e.p, TOYTCP_ACK, 10);
	EXPECT_DROPPED(test, MIN_TTL);
	SIM_EXPECT_NONE(test);
	inet_sk(e.sock->sk)->min_ttl = 0;
	e.p.snd_nxt -= 10;
	sim_peer_send(&e.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(e.sock, 0, 100), 10);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(rcv__no_socket),
	KUNIT_CASE(rcv__closed),
	KUNIT_CASE(rcv__backlog),
	KUNIT_CASE(rcv__no_memory),
	KUNIT_CASE(rcv__defer_accept),
	KUNIT_CASE(rcv__min_ttl),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_drop",
	.init = init,
	.exit = end,
	.test_cases = cases,
};

kunit_test_suite(suite);
