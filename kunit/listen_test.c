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
	return sim_ts(listener)->listener->req_count;
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

	/* five handshakes, the last two without the ACK until the queue is full */
	for (i = 0; i < 5; i++) {
		peer_init(&p[i], 2000 + i);
		syn(&p[i]);
		SIM_EXPECT(test, &p[i], TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
		if (i < 2)
			sim_peer_send(&p[i], TOYTCP_ACK, 0);
	}
	KUNIT_EXPECT_EQ(test, reqs(listener), 3);
	for (i = 2; i < 5; i++)
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

/* net.toytcp.abort_on_overflow: who finds no room is told so */
static void listen_rcv__abort_on_overflow(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 0);
	struct sim_peer first, second;

	toytcp_net(&init_net)->sysctl.abort_on_overflow = 1;
	peer_init(&first, 2000);
	syn(&first);
	/* its SYN comes while there is room */
	toytcp_net(&init_net)->sysctl.syncookies = 0;
	listener->sk->sk_max_ack_backlog = 1;
	peer_init(&second, 2001);
	syn(&second);
	listener->sk->sk_max_ack_backlog = 0;
	sim_inbox_clear();
	sim_peer_send(&first, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	sim_peer_send(&second, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &second, TOYTCP_RST, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
}

/* a SYN again and again: one SYN-ACK more in half a second */
static void listen_rcv__syn_again_and_again(struct kunit *test)
{
	struct sim_peer p;
	int i;

	sim_listen(test, SIM_PORT_A, 4);
	peer_init(&p, 2000);
	for (i = 0; i < 100; i++) {
		p.snd_nxt = p.iss;
		syn(&p);
		sim_run(SIM_MS);
	}
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 2);
	sim_run(SIM_S / 2);
	p.snd_nxt = p.iss;
	syn(&p);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 3);
	sim_inbox_clear();
}

static void set_defer(struct socket *sock, int secs)
{
	int err = sock->ops->setsockopt(sock, IPPROTO_TCP, TCP_DEFER_ACCEPT,
					KERNEL_SOCKPTR(&secs), sizeof(secs));

	WARN_ON(err);
}

/* TCP_DEFER_ACCEPT: the bare ACK makes no socket, data do */
static void listen_rcv__defer_accept(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	set_defer(listener, 10);
	peer_init(&p, 2000);
	syn(&p);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, reqs(listener), 1);
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
	/* the peer is not asked again while it has time */
	sim_run(2 * SIM_S);
	SIM_EXPECT_NONE(test);
	sim_peer_send(&p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 101, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);

	/* a FIN is something to read, too */
	peer_init(&p, 2001);
	syn(&p);
	sim_inbox_clear();
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE_WAIT);
	sim_inbox_clear();
}

/* 10 s are four timeouts, 1 + 2 + 4 + 8: then a bare ACK will do, as with Linux */
static void listen_rcv__defer_accept_ends(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;

	set_defer(listener, 10);
	peer_init(&p, 2000);
	syn(&p);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	sim_run(15 * SIM_S - 1);
	SIM_EXPECT_NONE(test);
	/* the last chance */
	sim_run(1);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
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
	sim_run(SIM_S / 5);	/* a FIN's ACK may wait for the other FIN */
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

static void many_syns(u16 port, int n)
{
	struct sim_peer p;
	int i;

	for (i = 0; i < n; i++) {
		peer_init(&p, port + i);
		syn(&p);
	}
}

/*
 * Without cookies: backlog + 1 requests, or three quarters of max_syn_backlog,
 * and not one more; all go in their time.
 */
static void listen_rcv__request_limit(struct kunit *test)
{
	struct toytcp_sysctl *ctl = &toytcp_net(&init_net)->sysctl;
	struct socket *listener = sim_listen(test, SIM_PORT_A, 100);

	ctl->syncookies = 0;
	ctl->max_syn_backlog = 10;
	many_syns(2000, 15);
	KUNIT_EXPECT_EQ(test, reqs(listener), 9);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 9);
	sim_run(64 * SIM_S);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	sim_inbox_clear();

	ctl->max_syn_backlog = 4096;
	listener->sk->sk_max_ack_backlog = 10;
	many_syns(3000, 15);
	KUNIT_EXPECT_EQ(test, reqs(listener), 11);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 11);
	sim_run(64 * SIM_S);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	sim_inbox_clear();
}

/* a queue that is more than half full of old requests lets them go sooner */
static void listen_rcv__old_requests_go(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 20);

	toytcp_net(&init_net)->sysctl.syncookies = 0;
	many_syns(2000, 21);
	sim_run(4 * SIM_S);
	KUNIT_EXPECT_EQ(test, reqs(listener), 21);
	/* at 7 s they have been sent twice more, which is enough now */
	sim_run(4 * SIM_S);
	KUNIT_EXPECT_LE(test, reqs(listener), 10);
	KUNIT_EXPECT_GE(test, reqs(listener), 9);
	sim_run(64 * SIM_S);
	KUNIT_EXPECT_EQ(test, reqs(listener), 0);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_young, 0);
	sim_inbox_clear();
}

/* SO_INCOMING_CPU: of listeners that share a port, the one of this CPU takes all */
static void listen_rcv__incoming_cpu(struct kunit *test)
{
	struct socket *listeners[2];
	struct sim_peer p;
	int i;

	for (i = 0; i < 2; i++) {
		listeners[i] = sim_socket(test);
		listeners[i]->sk->sk_reuseport = 1;
		listeners[i]->sk->sk_incoming_cpu = i ? raw_smp_processor_id() : -1;
		KUNIT_ASSERT_EQ(test, sim_bind(listeners[i], 0, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, kernel_listen(listeners[i], 16), 0);
	}
	for (i = 0; i < 16; i++) {
		peer_init(&p, 2000 + i);
		syn(&p);
	}
	KUNIT_EXPECT_EQ(test, reqs(listeners[0]), 0);
	KUNIT_EXPECT_EQ(test, reqs(listeners[1]), 16);
	sim_inbox_clear();
}

/* the accept queue: first come, first served, also when it was empty meanwhile */
static void listen_accept__oldest_first(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 8), *child;
	struct sim_peer p[5];
	int i, taken = 0;

	for (i = 0; i < 5; i++) {
		peer_init(&p[i], 2000 + i);
		syn(&p[i]);
		SIM_EXPECT(test, &p[i], TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
		sim_peer_send(&p[i], TOYTCP_ACK, 0);
		KUNIT_EXPECT_TRUE(test, toytcp_listen_pending(listener->sk));
		/* after the first, and after the third both that wait */
		while (!(i & 1) && i < 4 && (child = sim_accept(listener))) {
			KUNIT_EXPECT_EQ(test, ntohs(sim_ts(child)->flow.key.fport),
					2000 + taken);
			taken++;
			KUNIT_EXPECT_EQ(test, toytcp_listen_pending(listener->sk),
					taken <= i);
		}
	}
	KUNIT_EXPECT_EQ(test, taken, 3);
	KUNIT_EXPECT_EQ(test, (int)listener->sk->sk_ack_backlog, 2);
	/* two were not accepted: each is reset */
	sim_close(listener);
	SIM_EXPECT(test, &p[3], TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
	SIM_EXPECT(test, &p[4], TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
}

static struct kunit_case listen_cases[] = {
	KUNIT_CASE(listen_rcv__incoming_cpu),
	KUNIT_CASE(listen_rcv__synack_retries),
	KUNIT_CASE(listen_rcv__syn_again),
	KUNIT_CASE(listen_rcv__options),
	KUNIT_CASE(listen_rcv__no_mss_option),
	KUNIT_CASE(listen_rcv__syn_again_and_again),
	KUNIT_CASE(listen_rcv__accept_queue_full),
	KUNIT_CASE(listen_rcv__abort_on_overflow),
	KUNIT_CASE(listen_rcv__defer_accept),
	KUNIT_CASE(listen_rcv__defer_accept_ends),
	KUNIT_CASE(listen_rcv__data_with_the_ack),
	KUNIT_CASE(listen_rcv__reset_in_the_queue),
	KUNIT_CASE(listen_rcv__request_limit),
	KUNIT_CASE(listen_rcv__old_requests_go),
	KUNIT_CASE(listen_accept__oldest_first),
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
