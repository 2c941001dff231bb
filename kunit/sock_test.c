// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/sock.c: orphans and their limits, a socket that is used
 * again, and how connections begin in odd ways.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/tcp.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

static struct toytcp_net *tn(void)
{
	return toytcp_net(&init_net);
}

static int orphans(void)
{
	return atomic_read(&tn()->orphan_count);
}

static int remnants(void)
{
	return atomic_read(&tn()->tw_count);
}

static void peer_init(struct sim_peer *p, u16 port)
{
	sim_peer_init(p, SIM_PORT_A);
	p->port = port;
}

/* ---- memory ---- */

/*
 * A socket weighs no more than the kernel's own: a slab has a struct tcp_sock of
 * Linux 6.1 in 2304 bytes, 992 of which are struct inet_sock. What lock debugging
 * adds here is left out. See docs/performance.md, Memory, for what there is
 * to make room, before this limit is made another.
 */
static void sock_size__is_the_kernels(struct kunit *test)
{
	size_t debug = 3 * (sizeof(struct toytcp_timer) - 48) +
		       sizeof(struct toytcp_fine_timer) - 64;

	KUNIT_EXPECT_LE(test, sizeof(struct toytcp_sock) -
			      sizeof(struct inet_sock) - debug,
			2304 - 992);
}

/* ---- limits ---- */

/* beyond max_orphans a closed socket is reset; who ends in order frees a place */
static void sock_close__orphan_limit(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16), *sock;
	struct sim_peer p[6];
	int i;

	tn()->sysctl.max_orphans = 2;
	for (i = 0; i < 4; i++) {
		peer_init(&p[i], 2000 + i);
		sock = sim_peer_connects(test, &p[i], listener);
		sim_close(sock);
		SIM_EXPECT(test, &p[i], TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
		if (i >= 2)
			SIM_EXPECT(test, &p[i], TOYTCP_RST | TOYTCP_ACK, 2, 1, 0);
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, orphans(), min(i + 1, 2));
	}
	for (i = 0; i < 2; i++) {
		p[i].rcv_nxt++;
		sim_peer_send(&p[i], TOYTCP_FIN | TOYTCP_ACK, 0);
		SIM_EXPECT(test, &p[i], TOYTCP_ACK, 2, 2, 0);
		KUNIT_EXPECT_EQ(test, orphans(), 1 - i);
	}
	peer_init(&p[4], 2004);
	sim_close(sim_peer_connects(test, &p[4], listener));
	SIM_EXPECT(test, &p[4], TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, orphans(), 1);
}

/* an orphan whose peer has vanished frees its place in time */
static void sock_close__orphan_gives_up(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16);
	struct sim_peer p;

	tn()->sysctl.orphan_retries = 3;
	peer_init(&p, 2000);
	sim_close(sim_peer_connects(test, &p, listener));
	KUNIT_EXPECT_EQ(test, orphans(), 1);
	sim_run(60 * SIM_S);
	KUNIT_EXPECT_EQ(test, orphans(), 0);
	KUNIT_EXPECT_EQ(test, remnants(), 0);
	sim_inbox_clear();
}

/* an orphan in FIN_WAIT2: net.toytcp.fin_timeout, TCP_LINGER2, or not at all */
static void sock_close__fin_wait2_timeout(struct kunit *test)
{
	static const struct {
		int linger2, lasts;
	} cases[] = { { 0, 20 }, { 5, 5 }, { 90, 90 }, { -1, 0 } };
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16), *sock;
	struct sim_peer p;
	int i;

	tn()->sysctl.fin_timeout = 20;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		peer_init(&p, 2000 + i);
		sock = sim_peer_connects(test, &p, listener);
		sim_ts(sock)->linger2 = cases[i].linger2;
		kernel_sock_shutdown(sock, SHUT_WR);
		SIM_EXPECT(test, &p, TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
		p.rcv_nxt++;
		sim_peer_send(&p, TOYTCP_ACK, 0);
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_FIN_WAIT2);
		/* with a program it lasts as long as it likes */
		sim_run(200 * SIM_S);
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_FIN_WAIT2);
		sim_close(sock);
		if (!cases[i].lasts) {
			SIM_EXPECT(test, &p, TOYTCP_RST | TOYTCP_ACK, 2, 1, 0);
			KUNIT_EXPECT_EQ(test, remnants() + orphans(), 0);
			continue;
		}
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, remnants(), 1);
		sim_run(cases[i].lasts * SIM_S - 1);
		KUNIT_EXPECT_EQ(test, remnants(), 1);
		sim_run(1);
		KUNIT_EXPECT_EQ(test, remnants(), 0);
		SIM_EXPECT_NONE(test);
	}
	KUNIT_EXPECT_EQ(test, orphans(), 0);
}

/* ---- a socket used again ---- */

static int disconnect(struct socket *sock)
{
	struct sockaddr addr = { .sa_family = AF_UNSPEC };

	return kernel_connect(sock, &addr, sizeof(addr), 0);
}

/* connect(AF_UNSPEC) in the middle of losses; the next connection knows nothing of it */
static void sock_disconnect__connects_again(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	struct sim_peer p;
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER + i),
				-EINPROGRESS);
		sim_peer_init(&p, ntohs(sim_ts(sock)->flow.key.lport));
		p.port = SIM_PORT_PEER + i;
		sim_peer_accepts(test, &p, sock);
		/* the SYN alone, as Linux counts */
		KUNIT_EXPECT_EQ(test, sim_ts(sock)->bytes_acked, 1);
		KUNIT_EXPECT_EQ(test, sim_ts(sock)->total_retrans, 0);
		KUNIT_EXPECT_EQ(test, sim_ts(sock)->cong.cwnd_segs, 10);
		KUNIT_EXPECT_EQ(test, sim_ts(sock)->rtt.backoff, 0);
		KUNIT_EXPECT_EQ(test, sim_write(sock, 0, 5000), 5000);
		sim_run(2 * SIM_S);
		KUNIT_EXPECT_GT(test, sim_ts(sock)->total_retrans, 0);
		/* out of order, and unread */
		p.snd_nxt += 100;
		sim_peer_send(&p, TOYTCP_ACK, 50);
		sim_inbox_clear();
		KUNIT_EXPECT_EQ(test, disconnect(sock), 0);
		KUNIT_ASSERT_EQ(test, sim_inbox_count(), 1);
		KUNIT_EXPECT_EQ(test, sim_next()->flags, TOYTCP_RST | TOYTCP_ACK);
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
		sock_error(sock->sk);
		/* what still comes finds nobody */
		sim_peer_send(&p, TOYTCP_ACK, 50);
		sim_inbox_clear();
	}
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	sim_peer_init(&p, ntohs(sim_ts(sock)->flow.key.lport));
	sim_peer_accepts(test, &p, sock);
	KUNIT_EXPECT_EQ(test, sim_write(sock, 0, 1000), 1000);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 1000);
	sim_peer_send(&p, TOYTCP_ACK, 700);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 1000), 700);
	sim_inbox_clear();
}

/* a listener becomes a client, and a listener again */
static void sock_disconnect__listener(struct kunit *test)
{
	struct socket *sock = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p, q;

	peer_init(&q, 2000);
	sim_peer_send(&q, TOYTCP_SYN, 0);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, disconnect(sock), 0);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_accepts(test, &p, sock);
	KUNIT_EXPECT_EQ(test, disconnect(sock), 0);
	SIM_EXPECT(test, &p, TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
	KUNIT_EXPECT_EQ(test, kernel_listen(sock, 4), 0);
	peer_init(&q, 2001);
	KUNIT_EXPECT_NOT_NULL(test, sim_peer_connects(test, &q, sock));
}

/* ---- odd ways to begin ---- */

/* text on a SYN is not taken, and not acknowledged: it comes again (as Linux) */
static void open__data_on_the_syn(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	peer_init(&p, 2000);
	sim_peer_send(&p, TOYTCP_SYN, 100);
	p.irs = sim.isn;
	p.rcv_nxt = p.irs + 1;
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	/* its sender believes it sent: what follows is out of order */
	sim_peer_send(&p, TOYTCP_ACK, 50);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), -EAGAIN);
	p.snd_nxt = p.iss + 1;
	sim_peer_send(&p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 151, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 150);
}

/* what a listener does not answer, and what it resets */
static void open__flags_at_a_listener(struct kunit *test)
{
	static const struct {
		u8 flags;
		u8 answer;	/* 0: none */
	} cases[] = {
		{ TOYTCP_SYN | TOYTCP_FIN, 0 },
		{ TOYTCP_SYN | TOYTCP_RST, 0 },
		{ TOYTCP_SYN | TOYTCP_FIN | TOYTCP_RST, 0 },
		{ TOYTCP_SYN | TOYTCP_ACK, TOYTCP_RST },
		{ TOYTCP_SYN | TOYTCP_FIN | TOYTCP_ACK, TOYTCP_RST },
		{ TOYTCP_FIN, 0 },
		{ TOYTCP_FIN | TOYTCP_ACK, TOYTCP_RST },
		{ TOYTCP_RST | TOYTCP_ACK, 0 },
		{ 0, 0 },
		{ TOYTCP_SYN | TOYTCP_URG | TOYTCP_PSH, TOYTCP_SYN | TOYTCP_ACK },
	};
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	const struct sim_seg *seg;
	struct sim_peer p;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		peer_init(&p, 2000 + i);
		sim_peer_send(&p, cases[i].flags, 0);
		seg = sim_next();
		KUNIT_EXPECT_EQ_MSG(test, seg ? seg->flags : 0, cases[i].answer, "%d", i);
		KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count,
				!!(cases[i].answer & TOYTCP_SYN));
	}
}

/* SYN_RECV: text without the ACK is nothing; text that overtook the ACK is kept */
static void open__text_in_syn_recv(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	peer_init(&p, 2000);
	sim_peer_send(&p, TOYTCP_SYN, 0);
	p.irs = sim.isn;
	p.rcv_nxt = p.irs + 1;
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, 0, 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
	/* 100 to 200, then 0 to 100 */
	sim_peer_send(&p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	p.snd_nxt = p.iss + 1;
	sim_peer_send(&p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 201, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 200);
}

static void talk(struct kunit *test, struct socket *a, struct socket *b)
{
	KUNIT_EXPECT_EQ(test, sim_write(a, 0, 3000), 3000);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(b, 0, 4000), 3000);
	KUNIT_EXPECT_EQ(test, sim_write(b, 0, 2000), 2000);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(a, 0, 4000), 2000);
}

/* SYNs that cross: RFC 9293 figure 8, also when the first ones are lost */
static void open__syns_cross(struct kunit *test)
{
	struct socket *a, *b;
	int lost;

	for (lost = 0; lost < 3; lost++) {
		a = sim_socket(test);
		b = sim_socket(test);
		a->sk->sk_reuse = SK_CAN_REUSE;
		b->sk->sk_reuse = SK_CAN_REUSE;
		KUNIT_ASSERT_EQ(test, sim_bind(a, SIM_A, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, sim_bind(b, SIM_B, SIM_PORT_B), 0);
		sim.link[0].loss = lost & 1 ? 1000 : 0;
		sim.link[1].loss = lost & 2 ? 1000 : 0;
		KUNIT_ASSERT_EQ(test, sim_connect(a, SIM_B, SIM_PORT_B), -EINPROGRESS);
		KUNIT_ASSERT_EQ(test, sim_connect(b, SIM_A, SIM_PORT_A), -EINPROGRESS);
		sim_run(5 * SIM_MS);
		sim.link[0].loss = 0;
		sim.link[1].loss = 0;
		sim_run(3 * SIM_S);
		KUNIT_EXPECT_EQ(test, a->sk->sk_state, TCP_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, b->sk->sk_state, TCP_ESTABLISHED);
		talk(test, a, b);
		sim_close(a);
		sim_close(b);
		sim_drain(test);
	}
}

/* a socket that connects to its own address and port talks to itself */
static void open__to_itself(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	int i;

	KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_A, SIM_PORT_A), -EINPROGRESS);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, sim_write(sock, i * 3000, 3000), 3000);
		sim_run(SIM_S);
		KUNIT_EXPECT_EQ(test, sim_read_check(sock, i * 3000, 4000), 3000);
	}
	kernel_sock_shutdown(sock, SHUT_WR);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 9000, 100), 0);
	sim_close(sock);
	sim_run(61 * SIM_S);
	KUNIT_EXPECT_TRUE(test, sim_drained());
}

/*
 * RFC 9293 3.5.1, figures 9 and 10. The peer has crashed and asks again: the
 * challenge ACK tells it of the old connection, its reset ends that, its SYN
 * begins the new one.
 */
static void open__half_open_peer_returns(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *old;
	struct sim_peer p, again;
	s32 off;

	for (off = -100000; off <= 100000; off += 100000) {
		peer_init(&p, 2000);
		old = sim_peer_connects(test, &p, listener);
		again = p;
		again.iss = p.snd_nxt + off;
		again.snd_nxt = again.iss;
		sim_run(SIM_S);
		sim_peer_send(&again, TOYTCP_SYN, 0);
		SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, old->sk->sk_state, TCP_ESTABLISHED);
		/* what the peer answers to an ACK that it does not understand */
		sim_peer_send(&p, TOYTCP_RST, 0);
		KUNIT_EXPECT_EQ(test, old->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ(test, sim_error(old), ECONNRESET);
		again.snd_nxt = again.iss;
		sim_close(sim_peer_connects(test, &again, listener));
		sim_close(old);
		sim_inbox_clear();
		again.rcv_nxt++;
		sim_peer_send(&again, TOYTCP_FIN | TOYTCP_ACK, 0);
		sim_inbox_clear();
		sim_run(61 * SIM_S);
	}
}

/* we have crashed: what comes of the old connection is reset (figure 10) */
static void open__half_open_we_return(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	struct sim_seg old;
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	p.rcv_nxt = 12345;
	old = sim_peer_seg(&p, TOYTCP_ACK | TOYTCP_PSH, 100);
	sim_inject(&old);
	p.irs = 0;
	SIM_EXPECT(test, &p, TOYTCP_RST, 12345, 0, 0);
	/* and while we ask anew, figure 9: its ACK is not of our SYN */
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	sim_inbox_clear();
	old.len = 0;
	sim_inject(&old);
	SIM_EXPECT(test, &p, TOYTCP_RST, 12345, 0, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_SYN_SENT);
	sim_run(SIM_S);
	sim_peer_accepts(test, &p, sock);
}

/* TCP_DEFER_ACCEPT on a client: the first data carry the handshake's ACK (as Linux) */
static void open__client_defers_its_ack(struct kunit *test)
{
	struct socket *sock;
	struct sim_peer p;
	int write;

	for (write = 0; write < 2; write++) {
		sock = sim_socket(test);
		sim_ts(sock)->defer_accept = 1;
		KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
		sim_peer_init(&p, ntohs(sim_ts(sock)->flow.key.lport));
		p.irs = sim_next()->seq;
		p.rcv_nxt = p.irs + 1;
		sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
		SIM_EXPECT_NONE(test);
		if (write)
			KUNIT_EXPECT_EQ(test, sim_write(sock, 0, 100), 100);
		else
			sim_run(TOYTCP_DELACK_MAX_US);
		SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, write ? 100 : 0);
		SIM_EXPECT_NONE(test);
		sim_drain(test);
	}
}

static struct kunit_case sock_cases[] = {
	KUNIT_CASE(sock_size__is_the_kernels),
	KUNIT_CASE(sock_close__orphan_limit),
	KUNIT_CASE(sock_close__orphan_gives_up),
	KUNIT_CASE(sock_close__fin_wait2_timeout),
	KUNIT_CASE(sock_disconnect__connects_again),
	KUNIT_CASE(sock_disconnect__listener),
	KUNIT_CASE(open__data_on_the_syn),
	KUNIT_CASE(open__flags_at_a_listener),
	KUNIT_CASE(open__text_in_syn_recv),
	KUNIT_CASE(open__syns_cross),
	KUNIT_CASE(open__to_itself),
	KUNIT_CASE(open__client_defers_its_ack),
	KUNIT_CASE(open__half_open_peer_returns),
	KUNIT_CASE(open__half_open_we_return),
	{}
};

static struct kunit_suite sock_suite = {
	.name = "toytcp_sock",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = sock_cases,
};

kunit_test_suites(&sock_suite);
