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
#include "../module/trace.h"
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
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 0);
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

/* a connection that we opened, from @port, and closed first */
static struct socket *active_time_wait(struct kunit *test, struct sim_peer *p, u16 port,
				       bool tstamps)
{
	struct socket *sock = sim_socket(test);

	sim_peer_init(p, port);
	p->syn.has_ts = tstamps;
	sock->sk->sk_reuse = SK_CAN_REUSE;
	if (port)
		KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, port), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	p->dport = ntohs(sim_ts(sock)->flow.key.lport);
	sim_peer_accepts(test, p, sock);
	sim_close(sock);
	SIM_EXPECT(test, p, TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
	p->rcv_nxt++;
	sim_peer_send(p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, p, TOYTCP_ACK, 2, 2, 0);
	KUNIT_ASSERT_EQ(test, tw_count(), 1);
	return sock;
}

/*
 * The case that TIME_WAIT is for. Our last ACK is lost, and at once a new
 * socket has the port: first a server's, then a client's to the same peer.
 * The peer's FIN, sent again, never touches it.
 */
static void timewait__last_ack_lost_server(struct kunit *test)
{
	struct socket *old, *listener, *child;
	struct sim_peer p, next;

	old = time_wait(test, &p, false);
	/* the ACK that time_wait() saw is lost; the program starts anew */
	sim_close(old);
	listener = sim_listen(test, SIM_PORT_A, 4);
	sim_peer_init(&next, SIM_PORT_A);
	next.port = p.port + 1;
	child = sim_peer_connects(test, &next, listener);
	sim_peer_send(&next, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &next, TOYTCP_ACK, 1, 101, 0);

	sim_run(30 * SIM_S);
	p.snd_nxt--;
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 2, 2, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->segs_in, 3);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 0);
	/* and the 60 s begin anew */
	sim_run(60 * SIM_S - 1);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	sim_run(1);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
}

static void timewait__last_ack_lost_client(struct kunit *test)
{
	struct sim_peer p, next;
	struct socket *sock;
	u32 old_nxt;

	active_time_wait(test, &p, SIM_PORT_A, true);
	old_nxt = p.rcv_nxt;
	sim_run(SIM_MS);
	sock = sim_socket(test);
	sock->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->iss, old_nxt + 65537);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
	next = p;
	next.iss = p.snd_nxt + 100000;
	next.snd_nxt = next.iss;
	next.tsval += 1000;
	/* in SYN_SENT it acknowledges what was never sent */
	p.snd_nxt--;
	sim_inbox_clear();
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_SYN_SENT);
	/* the peer, reset, answers our SYN when it comes again */
	sim_run(SIM_S);
	sim_peer_accepts(test, &next, sock);
	/* another copy of it, late: of old sequence numbers and timestamps */
	p.snd_nxt--;
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	sim_peer_send(&next, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 100), 10);
	sim_inbox_clear();
}

/* without timestamps nothing tells the two apart: the port has to wait */
static void timewait_succeed__needs_timestamps(struct kunit *test)
{
	struct sim_peer p;
	struct socket *sock;

	active_time_wait(test, &p, SIM_PORT_A, false);
	sim_run(30 * SIM_S);
	sock = sim_socket(test);
	sock->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EADDRNOTAVAIL);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	/* another peer is no matter */
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER + 1), -EINPROGRESS);
	sim_inbox_clear();
}

/* net.toytcp.tw_reuse: an ephemeral port, a second later, if at all */
static void timewait_succeed__tw_reuse(struct kunit *test)
{
	struct toytcp_sysctl *ctl = &toytcp_net(&init_net)->sysctl;
	struct sim_peer p;
	struct socket *sock;
	int reuse;

	ctl->local_port_range[0] = 20000;
	ctl->local_port_range[1] = 20000;
	for (reuse = 0; reuse <= 2; reuse++) {
		ctl->reuse_tw = reuse;
		active_time_wait(test, &p, 0, true);
		sock = sim_socket(test);
		KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER),
				-EADDRNOTAVAIL);
		sim_run(SIM_S);
		/* 2 is for loopback, which this is not */
		KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER),
				reuse == 1 ? -EINPROGRESS : -EADDRNOTAVAIL);
		KUNIT_EXPECT_EQ(test, tw_count(), reuse != 1);
		sim_inbox_clear();
		sim_drain(test);
	}
}

/* FIN_WAIT2 of an orphan is nobody's port to have */
static void timewait_succeed__not_fin_wait2(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	p.syn.has_ts = 1;
	sock->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	sim_peer_accepts(test, &p, sock);
	sim_close(sock);
	sim_inbox_clear();
	p.rcv_nxt++;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_ASSERT_EQ(test, tw_count(), 1);
	sock = sim_socket(test);
	sock->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EADDRNOTAVAIL);
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
	/* and the limit frees itself */
	sim_run(60 * SIM_S);
	KUNIT_EXPECT_EQ(test, tw_count(), 0);
	sim_peer_init(&p, SIM_PORT_A);
	sock = sim_peer_connects(test, &p, listener);
	sim_close(sock);
	p.rcv_nxt++;
	sim_inbox_clear();
	sim_peer_send(&p, TOYTCP_FIN | TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, tw_count(), 1);
	sim_inbox_clear();
}

/* [0]: changes of state; [1]: those with less than a whole socket before them */
static void look_at_socket(void *seen, const struct sock *sk, int from, int to)
{
	int *n = seen;

	n[0]++;
	n[1] += !sk_fullsock(sk);
}

/* the core tells by the state what a struct sock is: a socket is never in TIME_WAIT */
static void timewait_enter__whole_socket(struct kunit *test)
{
	int seen[2] = {};
	struct sim_peer p;

	KUNIT_ASSERT_EQ(test, register_trace_toytcp_state(look_at_socket, seen), 0);
	time_wait(test, &p, false);
	unregister_trace_toytcp_state(look_at_socket, seen);
	tracepoint_synchronize_unregister();
	/* to LISTEN, SYN_RECV, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, TIME_WAIT and CLOSE */
	KUNIT_EXPECT_EQ(test, seen[0], 7);
	KUNIT_EXPECT_EQ(test, seen[1], 0);
	sim_inbox_clear();
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
	KUNIT_CASE(timewait__last_ack_lost_server),
	KUNIT_CASE(timewait__last_ack_lost_client),
	KUNIT_CASE(timewait_succeed__needs_timestamps),
	KUNIT_CASE(timewait_succeed__tw_reuse),
	KUNIT_CASE(timewait_succeed__not_fin_wait2),
	KUNIT_CASE(timewait_enter__limit),
	KUNIT_CASE(timewait_enter__whole_socket),
	{}
};

static struct kunit_suite timewait_suite = {
	.name = "toytcp_timewait",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = timewait_cases,
};

kunit_test_suites(&timewait_suite);
