// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/timer.c: what happens because nothing does.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/compat.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "../module/sock.h"
#include "sim.h"

struct open {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open(struct kunit *test, struct open *o)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

/* the first segments of a connection are acknowledged at once, later ones wait 40 ms */
static void timers_delack__40_ms(struct kunit *test)
{
	struct open o;
	int i, waited = 0;

	open(test, &o);
	for (i = 0; i < 40; i++) {
		u64 began = sim.now_us;

		sim_peer_send(&o.p, TOYTCP_ACK, 100);
		if (!sim_inbox_count()) {
			KUNIT_EXPECT_GE(test, i, TOYTCP_QUICKACKS);
			sim_run(TOYTCP_DELACK_US - 1);
			SIM_EXPECT_NONE(test);
			sim_run(1);
			waited++;
			KUNIT_EXPECT_EQ(test, sim.now_us - began, 40 * SIM_MS);
		}
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 101 + 100 * i, 0);
		KUNIT_EXPECT_FALSE(test, toytcp_timer_pending(&o.ts->timer_delack));
		KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 100 * i, 1000), 100);
		sim_inbox_clear();
	}
	KUNIT_EXPECT_GT(test, waited, 10);
}

/* RFC 5681 4.2: the second full segment is acknowledged without delay */
static void timers_delack__every_second_segment(struct kunit *test)
{
	struct open o;

	open(test, &o);
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	sim_inbox_clear();
	o.ts->quickacks = 0;
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT_NONE(test);
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1 + 3 * 1460, 0);
	sim_run(SIM_S);
	SIM_EXPECT_NONE(test);
}

/*
 * While the program does not read, an ACK could not move the window: what
 * comes is acknowledged a quarter of the window at a time, and by reading.
 */
static void timers_delack__program_reads(struct kunit *test)
{
	struct open o;
	struct sock *sk;
	u32 first, got;

	open(test, &o);
	sk = o.sock->sk;
	sk->sk_rcvbuf = 100000;
	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	/* a window below what the header's field can say */
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	sim_read_check(o.sock, 0, 1460);
	o.ts->rcv_wnd = 40000;
	o.ts->rcv_wup = o.ts->rcv_nxt;
	sk->sk_rcvbuf = 60000;
	o.ts->quickacks = 0;
	o.ts->ack_pending = false;
	sim_inbox_clear();
	first = o.p.snd_nxt;
	for (got = 1460; got <= 10000; got += 1460) {
		sim_peer_send(&o.p, TOYTCP_ACK, 1460);
		SIM_EXPECT_NONE(test);
	}
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, first - o.p.iss + got, 0);
	/* two more, and the program reads all */
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT_NONE(test);
	sim_read_check(o.sock, 1460, 65536);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, first - o.p.iss + got + 2920, 0);
	SIM_EXPECT_NONE(test);
}

/*
 * A program that has read all and sends nothing lets the peer wait for a
 * moment only (Nagle), in which more may come; in a dialogue for the answer
 */
static void timers_delack__all_read(struct kunit *test)
{
	struct open o;
	u64 began;
	int i;

	open(test, &o);
	o.ts->quickacks = 0;
	for (i = 0; i < 4; i++) {
		sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_PSH, 100);
		/* it counts from the read, not from the segment */
		sim_run(300 * i);
		KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 200 * i, 1000), 100);
		SIM_EXPECT_NONE(test);
		began = sim.now_us;
		sim_run(TOYTCP_DELACK_READ_US / 2);
		/* more of it does not put that off */
		sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_PSH, 100);
		KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 200 * i + 100, 1000), 100);
		sim_run(TOYTCP_DELACK_READ_US / 2 - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 201 + 200 * i, 0);
		KUNIT_EXPECT_EQ(test, sim.now_us - began, TOYTCP_DELACK_READ_US);
		SIM_EXPECT_NONE(test);
	}
	o.ts->interactive = true;
	sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_PSH, 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 800, 1000), 100);
	sim_run(TOYTCP_DELACK_US - 1);
	SIM_EXPECT_NONE(test);
	sim_run(1);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 901, 0);
}

/* data that is to be sent carries the ACK */
static void timers_delack__goes_with_data(struct kunit *test)
{
	struct open o;

	open(test, &o);
	o.ts->quickacks = 0;
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_TRUE(test, toytcp_timer_pending(&o.ts->timer_delack));
	sim_write(o.sock, 0, 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 101, 10);
	KUNIT_EXPECT_FALSE(test, toytcp_timer_pending(&o.ts->timer_delack));
}

/*
 * A young connection acknowledges at once, but less than a segment that a
 * program waits for goes with the answer, or a moment later
 */
static void timers_delack__answer_expected(struct kunit *test)
{
	DEFINE_WAIT_FUNC(reader, woken_wake_function);
	struct open o;

	open(test, &o);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 101, 0);

	add_wait_queue(sk_sleep(o.sock->sk), &reader);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	sim_run(TOYTCP_DELACK_READ_US - 1);
	SIM_EXPECT_NONE(test);
	sim_run(1);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 201, 0);
	/* one, no more: the second may be what the peer's window waits with */
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT_NONE(test);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 401, 0);
	/* slow start has full ones */
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1861, 0);
	sim_peer_send(&o.p, TOYTCP_ACK, 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 3321, 0);
	/* TCP_QUICKACK means at once */
	sim_set_option(test, o.sock, TCP_QUICKACK, 1);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 3421, 0);
	o.ts->quickack_wanted = 0;
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 10), 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 3521, 10);
	remove_wait_queue(sk_sleep(o.sock->sk), &reader);
	sim_run(SIM_S / 10);
	SIM_EXPECT_NONE(test);
}

/*
 * A program that has just asked is on its way to read: what answers all of that
 * is acknowledged as if it slept for it already
 */
static void timers_delack__just_asked(struct kunit *test)
{
	static const struct {
		const char *name;
		u32 waited_us, missing, len;
		bool quickack, waits;
	} cases[] = {
		{ "the answer", 100, 0, 50, false, true },
		{ "the last moment", TOYTCP_DELACK_READ_US - 1, 0, 50, false, true },
		{ "late", TOYTCP_DELACK_READ_US, 0, 50, false, false },
		{ "before all was asked", 100, 1, 50, false, false },
		{ "slow start", 100, 0, 1460, false, false },
		{ "TCP_QUICKACK", 100, 0, 50, true, false },
	};
	struct open o;
	size_t i;

	open(test, &o);
	/* what nobody asked for */
	sim_peer_send(&o.p, TOYTCP_ACK, 50);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 51, 0);
	sim_run(TOYTCP_DELACK_US);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 came;

		kunit_info(test, "%s", cases[i].name);
		KUNIT_EXPECT_EQ(test, sim_write(o.sock, 100 * i, 100), 100);
		sim_inbox_clear();
		sim_run(cases[i].waited_us);
		if (cases[i].quickack)
			sim_set_option(test, o.sock, TCP_QUICKACK, 1);
		o.p.rcv_nxt = o.ts->snd_nxt - cases[i].missing;
		sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_PSH, cases[i].len);
		came = sim.now_us;
		KUNIT_EXPECT_EQ(test, !sim_inbox_count(), cases[i].waits);
		/* reading it does not put it off */
		sim_run(TOYTCP_DELACK_READ_US / 2);
		sim_read_check(o.sock, o.ts->copied_seq - o.ts->irs - 1, 4096);
		if (cases[i].waits)
			SIM_EXPECT_NONE(test);
		sim_run(TOYTCP_DELACK_READ_US - (sim.now_us - came));
		KUNIT_EXPECT_EQ(test, o.ts->rcv_wup, o.ts->rcv_nxt);
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1 + 100 * (i + 1),
			   o.ts->rcv_nxt - o.ts->irs, 0);
		SIM_EXPECT_NONE(test);
		o.p.rcv_nxt = o.ts->snd_nxt;
		sim_peer_send(&o.p, TOYTCP_ACK, 0);
		sim_run(TOYTCP_DELACK_US);
		SIM_EXPECT_NONE(test);
	}
}

/*
 * A program that waits for more will not answer without that: it sleeps in
 * recv(), or finds nothing there, or asks poll()
 */
static void timers_delack__more_wanted(struct kunit *test)
{
	DEFINE_WAIT_FUNC(reader, woken_wake_function);
	struct kvec vec;
	struct msghdr msg = {};
	struct open o;
	u8 buf[200];

	open(test, &o);
	add_wait_queue(sk_sleep(o.sock->sk), &reader);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	/* there is something to read: the answer may follow */
	KUNIT_EXPECT_TRUE(test, o.sock->ops->poll(NULL, o.sock, NULL) & EPOLLIN);
	SIM_EXPECT_NONE(test);
	remove_wait_queue(sk_sleep(o.sock->sk), &reader);
	/* a real jiffy: the read does sleep */
	o.sock->sk->sk_rcvtimeo = 1;
	vec = (struct kvec) { .iov_base = buf, .iov_len = sizeof(buf) };
	KUNIT_EXPECT_EQ(test, kernel_recvmsg(o.sock, &msg, &vec, 1, sizeof(buf), MSG_WAITALL),
			100);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 101, 0);

	add_wait_queue(sk_sleep(o.sock->sk), &reader);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 100, 100), 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, kernel_recvmsg(o.sock, &msg, &vec, 1, sizeof(buf), MSG_DONTWAIT),
			-EAGAIN);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 201, 0);

	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 200, 100), 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_FALSE(test, o.sock->ops->poll(NULL, o.sock, NULL) & EPOLLIN);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 301, 0);
	KUNIT_EXPECT_FALSE(test, o.sock->ops->poll(NULL, o.sock, NULL) & EPOLLIN);
	SIM_EXPECT_NONE(test);
	remove_wait_queue(sk_sleep(o.sock->sk), &reader);
}

/* the SYN: after 1, 2, 4 ... seconds, syn_retries times, then ETIMEDOUT */
static void timers_sent__syn_retries(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	struct sim_peer p;
	int retries, i;

	for (retries = 1; retries <= 6; retries += 5) {
		sim_peer_init(&p, SIM_PORT_A);
		toytcp_net(&init_net)->sysctl.syn_retries = retries;
		sock = sim_socket(test);
		KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
		p.irs = sim.isn;
		for (i = 0; i <= retries; i++) {
			SIM_EXPECT(test, &p, TOYTCP_SYN, 0, 0, 0);
			SIM_EXPECT_NONE(test);
			KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_SYN_SENT);
			sim_run((SIM_S << i) - 1);
			SIM_EXPECT_NONE(test);
			sim_run(1);
		}
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -ETIMEDOUT);
		sim_drain(test);
	}
}

/* data: retries2 times, then ETIMEDOUT; R1 asks for another path before */
static void timers_sent__retries2(struct kunit *test)
{
	struct open o;
	int i;

	toytcp_net(&init_net)->sysctl.retries2 = 8;
	open(test, &o);
	sim_write(o.sock, 0, 100);
	for (i = 0; i <= 8; i++) {
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1, 100);
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
		sim_run(min_t(u64, o.ts->rtt.rto_us << i, TOYTCP_RTO_MAX_US));
	}
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ETIMEDOUT);
	KUNIT_EXPECT_GT(test, sim.advice, 0);
}

/*
 * net.toytcp.rto_max_ms: the ceiling of every back-off, of a new socket's SYN, of
 * a SYN-ACK, of data and of probes, as Linux since 6.15.
 */
static void syn_until(struct kunit *test, u64 max_us)
{
	struct socket *sock = sim_socket(test);
	struct sim_peer p;
	int i;

	sim_peer_init(&p, SIM_PORT_A);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	p.irs = sim.isn;
	for (i = 0; i <= 6; i++) {
		SIM_EXPECT(test, &p, TOYTCP_SYN, 0, 0, 0);
		sim_run(min(SIM_S << i, max_us) - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
	}
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_CLOSE);
	sim_drain(test);
}

static void synack_until(struct kunit *test, u64 max_us)
{
	struct sim_peer p;
	struct sim_seg syn;
	int i;

	sim_peer_init(&p, SIM_PORT_A);
	sim_listen(test, SIM_PORT_A, 4);
	syn = sim_peer_seg(&p, TOYTCP_SYN, 0);
	p.irs = sim.isn;
	sim_inject(&syn);
	for (i = 0; i <= 5; i++) {
		SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
		sim_run(min(SIM_S << i, max_us) - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
	}
	SIM_EXPECT_NONE(test);
	sim_drain(test);
}

static void data_until(struct kunit *test, u64 max_us, bool closed_window)
{
	u64 wait_us;
	struct open o;
	int i;

	open(test, &o);
	if (closed_window) {
		o.p.wnd = 0;
		sim_peer_send(&o.p, TOYTCP_ACK, 0);
	}
	sim_write(o.sock, 0, 100);
	if (!closed_window)
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1, 100);
	for (i = 0; i < 8; i++) {
		wait_us = min_t(u64, (u64)o.ts->rtt.rto_us << i, max_us);
		sim_run(wait_us - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		KUNIT_EXPECT_EQ_MSG(test, sim_inbox_count(), 1, "%d after %llu us", i, wait_us);
		sim_inbox_clear();
	}
	KUNIT_EXPECT_EQ(test, wait_us, max_us);
	sim_drain(test);
}

static void timers__rto_max_ms(struct kunit *test)
{
	static const u64 max_us[] = { SIM_S, 3 * SIM_S, 7500 * SIM_MS };
	int i;

	for (i = 0; i < ARRAY_SIZE(max_us); i++) {
		sim_sysctl()->rto_max_ms = max_us[i] / SIM_MS;
		syn_until(test, max_us[i]);
		synack_until(test, max_us[i]);
		data_until(test, max_us[i], false);
		data_until(test, max_us[i], true);
	}
}

/* TCP_RTO_MAX_MS: of this socket, when its timer is armed again, and of what it accepts */
static void timers__rto_max_option(struct kunit *test)
{
	struct open o;

	open(test, &o);
	sim_set_option(test, o.listener, TCP_RTO_MAX_MS, 2000);
	sim_peer_init(&o.p, SIM_PORT_A);
	o.p.port++;
	o.sock = sim_peer_connects(test, &o.p, o.listener);
	KUNIT_EXPECT_EQ(test, sim_ts(o.sock)->rtt.rto_max_us, 2 * SIM_S);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.rto_max_us, TOYTCP_RTO_MAX_US);
	sim_write(o.sock, 0, 100);
	sim_run(10 * SIM_S);
	sim_inbox_clear();
	sim_set_option(test, o.sock, TCP_RTO_MAX_MS, 1000);
	/* what was armed before stays: not more than 2 s */
	sim_run(2 * SIM_S);
	sim_inbox_clear();
	sim_run(4 * SIM_S);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 4);
}

/* an orphan gives up sooner: eight times */
static void timers_sent__orphan_retries(struct kunit *test)
{
	struct open o;
	u32 n = 0;

	open(test, &o);
	sim_write(o.sock, 0, 100);
	sim_close(o.sock);
	sim_inbox_clear();
	while (sim_step() && n < 1000)
		n += sim_inbox_count(), sim_inbox_clear();
	KUNIT_EXPECT_GE(test, n, 8);
	KUNIT_EXPECT_LE(test, n, 9);
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->orphan_count), 0);
}

/* FIN_WAIT2 without a program: fin_timeout, or TCP_LINGER2 */
static void timers_fin_wait2__ends(struct kunit *test)
{
	static const int linger2[] = { 0, 5 };
	struct open o;
	int i;

	for (i = 0; i < ARRAY_SIZE(linger2); i++) {
		u64 limit = (linger2[i] ?: 60) * SIM_S;

		open(test, &o);
		o.ts->linger2 = linger2[i];
		sim_close(o.sock);
		SIM_EXPECT(test, &o.p, TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
		o.p.rcv_nxt++;
		sim_peer_send(&o.p, TOYTCP_ACK, 0);
		sim_run(limit - 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 1);
		sim_run(1);
		KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 0);
		/* what comes later belongs to nothing */
		sim_inbox_clear();
		sim_peer_send(&o.p, TOYTCP_FIN | TOYTCP_ACK, 0);
		SIM_EXPECT(test, &o.p, TOYTCP_RST, 2, 0, 0);
		sim_drain(test);
	}
}

/* a program that still holds it may stay in FIN_WAIT2 for ever */
static void timers_fin_wait2__held(struct kunit *test)
{
	struct open o;

	open(test, &o);
	kernel_sock_shutdown(o.sock, SHUT_WR);
	o.p.rcv_nxt++;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_FIN_WAIT2);
	sim_run(86400 * SIM_S);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_FIN_WAIT2);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 1000), 100);
}

/* an idle connection needs no timer, however long it lasts */
static void timers__idle(struct kunit *test)
{
	struct open o;

	open(test, &o);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	sim_run(SIM_S);
	sim_write(o.sock, 0, 100);
	o.p.rcv_nxt += 100;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
}

/* ---- keepalive, RFC 9293 3.8.4 ---- */

static void keepalive_on(struct kunit *test, struct open *o)
{
	sim_set_option(test, o->sock, TCP_KEEPIDLE, 10);
	sim_set_option(test, o->sock, TCP_KEEPINTVL, 5);
	sim_set_option(test, o->sock, TCP_KEEPCNT, 3);
	sock_set_keepalive(o->sock->sk);
}

/* MUST-25, SHLD-12: off unless asked for */
static void timers_keepalive__is_off(struct kunit *test)
{
	struct open o;

	open(test, &o);
	sim_run(3 * 7200 * SIM_S);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
}

/* MUST-26..29: after the idle time a probe without data, below SND.NXT */
static void timers_keepalive__no_answer(struct kunit *test)
{
	struct open o;
	int i;

	open(test, &o);
	keepalive_on(test, &o);
	sim_run(10 * SIM_S - 1);
	SIM_EXPECT_NONE(test);
	sim_run(1);
	for (i = 0; i < 3; i++) {
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 0, 1, 0);
		KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
		sim_run(5 * SIM_S - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
	}
	SIM_EXPECT(test, &o.p, TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ETIMEDOUT);
}

/* a peer that answers lives, for as long as it answers; and data count as well */
static void timers_keepalive__answered(struct kunit *test)
{
	struct open o;
	int i;

	open(test, &o);
	keepalive_on(test, &o);
	for (i = 0; i < 20; i++) {
		sim_run(10 * SIM_S - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 0, 1 + i / 2, 0);
		if (i % 2)
			sim_peer_send(&o.p, TOYTCP_ACK, 1);
		else
			sim_peer_send(&o.p, TOYTCP_ACK, 0);
		sim_inbox_clear();
	}
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
}

/* MUST-24: data in flight have the retransmission timer, and no probes */
static void timers_keepalive__not_with_data(struct kunit *test)
{
	const struct sim_seg *seg;
	struct open o;

	open(test, &o);
	keepalive_on(test, &o);
	sim_run(9 * SIM_S);
	sim_write(o.sock, 0, 100);
	sim_run(60 * SIM_S);
	while ((seg = sim_next()))
		KUNIT_EXPECT_EQ(test, seg->len, 100);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
}

/* switched off, or closed: no timer is left that could fire */
static void timers_keepalive__off_again(struct kunit *test)
{
	struct open o;

	open(test, &o);
	keepalive_on(test, &o);
	toytcp_timers_keepalive(o.sock->sk, 0);
	sock_reset_flag(o.sock->sk, SOCK_KEEPOPEN);
	KUNIT_EXPECT_FALSE(test, toytcp_timer_pending(&o.ts->timer_keep));
	sim_run(100 * SIM_S);
	SIM_EXPECT_NONE(test);
}

/* ---- the user timeout, RFC 9293 3.8.3 and RFC 5482 ---- */

/* counted from the first retransmission, as Linux; R2 counts no more */
static void timers_user_timeout__unacknowledged(struct kunit *test)
{
	struct open o;
	u64 began;

	toytcp_net(&init_net)->sysctl.retries2 = 2;
	open(test, &o);
	sim_set_option(test, o.sock, TCP_USER_TIMEOUT, 30000);
	sim_write(o.sock, 0, 100);
	sim_run(o.ts->rtt.rto_us);
	KUNIT_EXPECT_EQ(test, o.ts->retransmits, 1);
	began = sim.now_us;
	while (o.sock->sk->sk_state == TCP_ESTABLISHED && sim_step())
		;
	KUNIT_EXPECT_EQ(test, sim.now_us - began, 30 * SIM_S);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ETIMEDOUT);
}

/* progress begins it anew */
static void timers_user_timeout__progress(struct kunit *test)
{
	struct open o;
	int i;

	open(test, &o);
	sim_set_option(test, o.sock, TCP_USER_TIMEOUT, 3000);
	for (i = 0; i < 10; i++) {
		sim_write(o.sock, 100 * i, 100);
		sim_run(2 * SIM_S);
		KUNIT_ASSERT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
		o.p.rcv_nxt += 100;
		sim_peer_send(&o.p, TOYTCP_ACK, 0);
		sim_inbox_clear();
	}
}

/* a window that stays shut, though every probe is answered */
static void timers_user_timeout__zero_window(struct kunit *test)
{
	struct open o;
	u64 began;

	open(test, &o);
	sim_set_option(test, o.sock, TCP_USER_TIMEOUT, 20000);
	o.p.wnd = 0;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	sim_write(o.sock, 0, 100);
	began = sim.now_us;
	while (o.sock->sk->sk_state == TCP_ESTABLISHED && sim_step()) {
		if (sim_inbox_count() && o.sock->sk->sk_state == TCP_ESTABLISHED) {
			sim_inbox_clear();
			sim_peer_send(&o.p, TOYTCP_ACK, 0);
		}
	}
	KUNIT_EXPECT_GE(test, sim.now_us - began, 20 * SIM_S);
	KUNIT_EXPECT_LT(test, sim.now_us - began, 22 * SIM_S);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ETIMEDOUT);
}

/* the option goes with the SYN and the first ACK, once */
static void timers_user_timeout__option_sent(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	const struct sim_seg *seg;
	struct sim_peer p;

	toytcp_net(&init_net)->sysctl.user_timeout_option = 1;
	sim_peer_init(&p, SIM_PORT_A);
	sim_set_option(test, sock, TCP_USER_TIMEOUT, 179500);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_SYN);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_uto);
	KUNIT_EXPECT_EQ(test, seg->opt.uto_s, 180);
	p.irs = seg->seq;
	p.rcv_nxt = seg->seq + 1;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_ACK);
	KUNIT_EXPECT_EQ(test, seg->opt.uto_s, 180);
	sim_peer_send(&p, TOYTCP_ACK, 10);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_FALSE(test, seg->opt.has_uto);
}

/* the peer's option: within limits, not against the program, and only if allowed */
static void timers_user_timeout__option_heard(struct kunit *test)
{
	static const struct {
		bool allowed;
		u32 own_ms, peer_s, want_ms;
	} cases[] = {
		{ false, 0, 600, 0 },
		{ true, 0, 600, 600000 },
		{ true, 0, 1, 100000 },		/* L_LIMIT */
		{ true, 0, 32767 * 60, 3600000 }, /* U_LIMIT */
		{ true, 5000, 600, 5000 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sim_seg seg;
		struct open o;
		u64 began;

		toytcp_net(&init_net)->sysctl.user_timeout_option = cases[i].allowed;
		open(test, &o);
		if (cases[i].own_ms)
			sim_set_option(test, o.sock, TCP_USER_TIMEOUT, cases[i].own_ms);
		seg = sim_peer_seg(&o.p, TOYTCP_ACK, 0);
		seg.opt.has_uto = 1;
		seg.opt.uto_s = cases[i].peer_s;
		sim_inject(&seg);
		sim_write(o.sock, 0, 10);
		sim_run(o.ts->rtt.rto_us);
		began = sim.now_us;
		while (o.sock->sk->sk_state == TCP_ESTABLISHED && sim_step())
			;
		if (cases[i].want_ms)
			KUNIT_EXPECT_EQ(test, sim.now_us - began,
					cases[i].want_ms * SIM_MS);
		else
			KUNIT_EXPECT_GT(test, sim.now_us - began, 900 * SIM_S);
		sim_drain(test);
	}
}

/* ---- TCP_QUICKACK, as Linux ---- */

/* an answer within 40 ms makes a dialogue: the next ACK waits for the next answer */
static void timers_quickack__dialogue(struct kunit *test)
{
	struct open o;
	int i;

	open(test, &o);
	for (i = 0; i < 5; i++) {
		sim_peer_send(&o.p, TOYTCP_ACK, 10);
		if (!i)
			SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 11, 0);
		else
			SIM_EXPECT_NONE(test);
		sim_run(5 * SIM_MS);
		sim_write(o.sock, 10 * i, 10);
		SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1 + 10 * i, 11 + 10 * i, 10);
		o.p.rcv_nxt += 10;
		sim_peer_send(&o.p, TOYTCP_ACK, 0);
		sim_run(100 * SIM_MS);
	}
	/* no answer: the ACK goes after 40 ms, and the dialogue is over */
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT_NONE(test);
	sim_run(40 * SIM_MS);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 51, 61, 0);
	sim_run(SIM_S);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 51, 71, 0);
}

/* 0 delays, 1 sends what is due and delays no more, 2 just what is due */
static void timers_quickack__option(struct kunit *test)
{
	struct open o;

	open(test, &o);
	sim_set_option(test, o.sock, TCP_QUICKACK, 0);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT_NONE(test);
	sim_set_option(test, o.sock, TCP_QUICKACK, 2);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 11, 0);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT_NONE(test);
	sim_set_option(test, o.sock, TCP_QUICKACK, 1);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 21, 0);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 31, 0);
}

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(timers_delack__40_ms),
	KUNIT_CASE(timers_delack__every_second_segment),
	KUNIT_CASE(timers_delack__program_reads),
	KUNIT_CASE(timers_delack__all_read),
	KUNIT_CASE(timers_delack__goes_with_data),
	KUNIT_CASE(timers_delack__answer_expected),
	KUNIT_CASE(timers_delack__just_asked),
	KUNIT_CASE(timers_delack__more_wanted),
	KUNIT_CASE(timers_sent__syn_retries),
	KUNIT_CASE(timers_sent__retries2),
	KUNIT_CASE(timers__rto_max_ms),
	KUNIT_CASE(timers__rto_max_option),
	KUNIT_CASE(timers_sent__orphan_retries),
	KUNIT_CASE(timers_fin_wait2__ends),
	KUNIT_CASE(timers_fin_wait2__held),
	KUNIT_CASE(timers_keepalive__is_off),
	KUNIT_CASE(timers_keepalive__no_answer),
	KUNIT_CASE(timers_keepalive__answered),
	KUNIT_CASE(timers_keepalive__not_with_data),
	KUNIT_CASE(timers_keepalive__off_again),
	KUNIT_CASE(timers_user_timeout__unacknowledged),
	KUNIT_CASE(timers_user_timeout__progress),
	KUNIT_CASE(timers_user_timeout__zero_window),
	KUNIT_CASE(timers_user_timeout__option_sent),
	KUNIT_CASE(timers_user_timeout__option_heard),
	KUNIT_CASE(timers_quickack__dialogue),
	KUNIT_CASE(timers_quickack__option),
	KUNIT_CASE(timers__idle),
	{}
};

static struct kunit_suite timer_suite = {
	.name = "toytcp_timer",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = timer_cases,
};

kunit_test_suites(&timer_suite);
