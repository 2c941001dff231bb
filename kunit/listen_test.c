// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/listen.c: requests, their SYN-ACKs, the accept queue.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

/* a peer at a port of its own */
static void peer_init(struct sim_peer *p, u16 port)
{
	sim_peer_init(p, SIM_PORT_A);
	p->port = port;
	p->iss += port * 64;
	p->snd_nxt = p->iss;
	p->irs = sim.isn;
}

static void syn(struct sim_peer *p)
{
	sim_peer_send(p, TOYTCP_SYN, 0);
	p->rcv_nxt = p->irs + 1;
}

static u32 reqs(struct socket *listener)
{
	return sim_ts(listener)->req_count;
}

/* the SYN-ACK: again after 1, 3, 7, 15, 31 s; after 63 s the request is gone */
static void listen_rcv__synack_retries(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;
	int i;

	peer_init(&p, 2000);
	syn(&p);
	for (i = 0; i <= 5; i++) {
		SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, reqs(listener), 1);
		sim_run((SIM_S << i) - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
	}
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	/* an ACK that comes now belongs to nothing */
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 1, 0, 0);
}

/* the SYN again: the same SYN-ACK again */
static void listen_rcv__syn_again(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;

	peer_init(&p, 2000);
	syn(&p);
	p.snd_nxt = p.iss;
	syn(&p);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	KUNIT_EXPECT_EQ(test, reqs(listener), 1);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
}

/* what the SYN offers, the SYN-ACK agrees to, and nothing else */
static void listen_rcv__options(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16);
	const struct sim_seg *seg;
	struct sim_peer p;
	int i;

	for (i = 0; i < 8; i++) {
		struct socket *child;

		peer_init(&p, 2000 + i);
		p.syn.has_ts = !!(i & 1);
		p.ts = p.syn.has_ts;
		p.syn.sack_perm = !!(i & 2);
		p.syn.has_wscale = !!(i & 4);
		p.syn.wscale = 9;
		syn(&p);
		seg = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, seg);
		KUNIT_EXPECT_EQ(test, seg->opt.mss, 1460);
		KUNIT_EXPECT_TRUE(test, seg->opt.has_ts == p.syn.has_ts);
		KUNIT_EXPECT_TRUE(test, seg->opt.sack_perm == p.syn.sack_perm);
		KUNIT_EXPECT_TRUE(test, seg->opt.has_wscale == p.syn.has_wscale);
		if (seg->opt.has_ts) {
			KUNIT_EXPECT_EQ(test, seg->opt.tsecr, p.tsval);
			p.tsecr = seg->opt.tsval;
		}
		sim_peer_send(&p, TOYTCP_ACK, 0);
		child = sim_accept(listener);
		KUNIT_ASSERT_NOT_NULL(test, child);
		KUNIT_EXPECT_TRUE(test, sim_ts(child)->ts_ok == p.syn.has_ts);
		KUNIT_EXPECT_TRUE(test, sim_ts(child)->sack_ok == p.syn.sack_perm);
		/* the first ACK's window is scaled, the SYN's was not */
		KUNIT_EXPECT_EQ(test, sim_ts(child)->snd_wnd,
				p.syn.has_wscale ? 65535 << 9 : 65535);
		KUNIT_EXPECT_EQ(test, sim_ts(child)->mss, 1460 - (p.syn.has_ts ? 12 : 0));
	}
}

/* no MSS option: 536 (RFC 9293 3.7.1, MUST-15) */
static void listen_rcv__no_mss_option(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	peer_init(&p, 2000);
	p.syn.mss = 0;
	child = sim_peer_connects(test, &p, listener);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->mss, 536);
}

/* backlog N: N + 1 children wait, as with Linux; then SYNs are not answered */
static void listen_rcv__accept_queue_full(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 2);
	struct sim_peer p[5];
	int i, n = 0;

	/* five requests before the queue is full */
	for (i = 0; i < 5; i++) {
		peer_init(&p[i], 2000 + i);
		syn(&p[i]);
		SIM_EXPECT(test, &p[i], TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	}
	KUNIT_EXPECT_EQ(test, reqs(listener), 5);
	for (i = 0; i < 5; i++)
		sim_peer_send(&p[i], TOYTCP_ACK, 0);
	/* two ACKs found no room: no reset, the requests stay */
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, reqs(listener), 2);
	/* and no new ones come */
	peer_init(&p[0], 3000);
	syn(&p[0]);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, reqs(listener), 2);
	/* room: the SYN-ACK is sent again, its ACK makes the child */
	while (sim_accept(listener))
		n++;
	KUNIT_EXPECT_EQ(test, n, 3);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	sim_inbox_clear();
	for (i = 3; i < 5; i++)
		sim_peer_send(&p[i], TOYTCP_ACK, 0);
	for (n = 0; sim_accept(listener); n++)
		;
	KUNIT_EXPECT_EQ(test, n, 2);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
}

/* data with the ACK, and data that overtook it */
static void listen_rcv__data_with_the_ack(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	peer_init(&p, 2000);
	syn(&p);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, TOYTCP_ACK | TOYTCP_PSH, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 101, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);

	/* all of a short connection in the segment that completes the handshake */
	peer_init(&p, 2001);
	syn(&p);
	sim_inbox_clear();
	sim_peer_send(&p, TOYTCP_ACK | TOYTCP_FIN, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 102, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 100, 1000), 0);
}

/* a child that ended before it was accepted is still accepted */
static void listen_rcv__reset_in_the_queue(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	peer_init(&p, 2000);
	syn(&p);
	sim_inbox_clear();
	sim_peer_send(&p, TOYTCP_ACK, 0);
	sim_peer_send(&p, TOYTCP_RST, 0);
	SIM_EXPECT_NONE(test);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 10), -ECONNRESET);
}

/* the listener goes: requests in silence, children with a reset */
static void listen_stop__resets_children(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer waiting, child;

	peer_init(&child, 2000);
	syn(&child);
	sim_inbox_clear();
	sim_peer_send(&child, TOYTCP_ACK, 0);
	peer_init(&waiting, 2001);
	syn(&waiting);
	sim_inbox_clear();
	sim_close(listener);
	SIM_EXPECT(test, &child, TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
	SIM_EXPECT_NONE(test);
	sim_run(SIM_S);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_TRUE(test, sim_drained());
	sim_peer_send(&waiting, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &waiting, TOYTCP_RST, 1, 0, 0);
}

/* max_syn_backlog requests, and not one more */
static void listen_rcv__request_limit(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;
	int i;

	toytcp_net(&init_net)->sysctl.max_syn_backlog = 10;
	for (i = 0; i < 15; i++) {
		peer_init(&p, 2000 + i);
		syn(&p);
	}
	KUNIT_EXPECT_EQ(test, reqs(listener), 10);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 10);
	sim_inbox_clear();
	sim_run(64 * SIM_S);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
}

static struct kunit_case listen_cases[] = {
	KUNIT_CASE(listen_rcv__synack_retries),
	KUNIT_CASE(listen_rcv__syn_again),
	KUNIT_CASE(listen_rcv__options),
	KUNIT_CASE(listen_rcv__no_mss_option),
	KUNIT_CASE(listen_rcv__accept_queue_full),
	KUNIT_CASE(listen_rcv__data_with_the_ack),
	KUNIT_CASE(listen_rcv__reset_in_the_queue),
	KUNIT_CASE(listen_rcv__request_limit),
	KUNIT_CASE(listen_stop__resets_children),
	{}
};

static struct kunit_suite listen_suite = {
	.name = "toytcp_listen",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = listen_cases,
};

kunit_test_suites(&listen_suite);
