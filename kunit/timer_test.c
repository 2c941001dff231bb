// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/timer.c: what happens because nothing does.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
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

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(timers_delack__40_ms),
	KUNIT_CASE(timers_delack__every_second_segment),
	KUNIT_CASE(timers_delack__goes_with_data),
	KUNIT_CASE(timers_sent__syn_retries),
	KUNIT_CASE(timers_sent__retries2),
	KUNIT_CASE(timers_sent__orphan_retries),
	KUNIT_CASE(timers_fin_wait2__ends),
	KUNIT_CASE(timers_fin_wait2__held),
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
