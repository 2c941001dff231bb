// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/input.c: the steps of SEGMENT ARRIVES that state_test.c's
 * one segment does not reach.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/ipv4.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "prng.h"
#include "sim.h"

struct in {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open(struct kunit *test, struct in *o, bool tstamps)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->p.syn.has_ts = tstamps;
	o->p.ts = tstamps;
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

/* ---- PAWS (RFC 7323 section 5) ---- */

static void rcv_paws__old_segment(struct kunit *test)
{
	struct in o;

	open(test, &o, true);
	o.p.tsval += 1000;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	sim_inbox_clear();
	/* an old duplicate with a sequence number that fits */
	o.p.tsval -= 1;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 11, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
	sim_inbox_clear();
	/* it does not move what is echoed */
	KUNIT_EXPECT_EQ(test, o.ts->ts_recent, o.p.tsval + 1);
	/* the same number as the newest is fine */
	o.p.tsval += 1;
	o.p.snd_nxt -= 10;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 21, 0);
	/* a pure ACK that was overtaken is not answered */
	o.p.tsval -= 5;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
}

/* after 24 days of silence any timestamp is new (section 5.5) */
static void rcv_paws__idle_connection(struct kunit *test)
{
	struct in o;

	open(test, &o, true);
	sim_run((TOYTCP_PAWS_IDLE_S - 2) * SIM_S);
	o.p.tsval -= 1000;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), -EAGAIN);
	o.p.snd_nxt -= 10;
	sim_run(3 * SIM_S);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
}

/* a reset needs no timestamp, and an old one does not matter (section 5.2) */
static void rcv_paws__reset_passes(struct kunit *test)
{
	struct sim_seg seg;
	struct in o;

	open(test, &o, true);
	seg = sim_peer_seg(&o.p, TOYTCP_RST, 0);
	seg.opt.has_ts = 1;
	seg.opt.tsval = o.p.tsval - 1000;
	sim_inject(&seg);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ECONNRESET);
}

/* section 4.3: a segment beyond the last ACK does not move ts_recent */
static void rcv_ts_recent__only_in_order(struct kunit *test)
{
	struct sim_seg seg;
	struct in o;
	u32 before;

	open(test, &o, true);
	before = o.ts->ts_recent;
	seg = sim_peer_seg(&o.p, TOYTCP_ACK, 10);
	seg.seq += 100;
	seg.opt.tsval += 50;
	sim_inject(&seg);
	KUNIT_EXPECT_EQ(test, o.ts->ts_recent, before);
	seg.seq -= 100;
	sim_inject(&seg);
	KUNIT_EXPECT_EQ(test, o.ts->ts_recent, before + 50);
}

/* ---- resets ---- */

struct reset_param {
	const char *name;
	bool connecting, fin;
	int err;
};

static const struct reset_param resets[] = {
	{ "SYN_SENT: refused", .connecting = true, .err = ECONNREFUSED },
	{ "ESTABLISHED: reset", .err = ECONNRESET },
	{ "CLOSE_WAIT: broken pipe", .fin = true, .err = EPIPE },
};

static void reset_desc(const struct reset_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(reset, resets, reset_desc);

static void rcv_rst__error(struct kunit *test)
{
	const struct reset_param *param = test->param_value;
	struct in o = {};

	if (param->connecting) {
		sim_peer_init(&o.p, SIM_PORT_A);
		o.sock = sim_socket(test);
		KUNIT_ASSERT_EQ(test, sim_bind(o.sock, 0, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, sim_connect(o.sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
		o.p.rcv_nxt = sim.isn + 1;
		o.p.snd_nxt = 0;
	} else {
		open(test, &o, false);
		if (param->fin)
			sim_peer_send(&o.p, TOYTCP_FIN | TOYTCP_ACK, 0);
	}
	sim_inbox_clear();
	sim_peer_send(&o.p, TOYTCP_RST | TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), param->err);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
}

/* RFC 5961: answers to guesses are limited; an exact reset still works */
static void rcv_rst__challenge_limit(struct kunit *test)
{
	struct sim_seg seg;
	struct in o;
	int i;

	toytcp_net(&init_net)->sysctl.challenge_ack_limit = 10;
	open(test, &o, false);
	sim_run(SIM_S);
	for (i = 0; i < 100; i++) {
		seg = sim_peer_seg(&o.p, TOYTCP_RST, 0);
		seg.seq += 1 + i;
		sim_inject(&seg);
	}
	KUNIT_EXPECT_GE(test, sim_inbox_count(), 1);
	KUNIT_EXPECT_LE(test, sim_inbox_count(), 20);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
	sim_peer_send(&o.p, TOYTCP_RST, 0);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
}

/* data for a socket that nobody will read: a reset (RFC 9293 3.6.1, MUST-13) */
static void rcv_data__after_close(struct kunit *test)
{
	struct in o;

	open(test, &o, false);
	sim_close(o.sock);
	SIM_EXPECT(test, &o.p, TOYTCP_FIN | TOYTCP_ACK, 1, 1, 0);
	o.p.rcv_nxt++;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
	/* at SND.NXT; with an ACK or not is a matter of who sends it */
	KUNIT_EXPECT_EQ(test, sim.log[(sim.n_log - 1) % SIM_LOG].flags & TOYTCP_RST, TOYTCP_RST);
	KUNIT_EXPECT_EQ(test, sim_next()->seq - o.p.irs, 2);
}

/* text and FIN with the SYN-ACK */
static void rcv_syn_sent__data_with_synack(struct kunit *test)
{
	struct socket *sock = sim_socket(test);
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	SIM_EXPECT(test, &p, TOYTCP_SYN, sim.isn, 0, 0);
	p.irs = sim.isn;
	p.rcv_nxt = p.irs + 1;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK | TOYTCP_FIN, 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 102, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 1000), 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 100, 1000), 0);
}

/* an old window does not replace a newer one (SND.WL1, SND.WL2) */
static void rcv_ack__window_update(struct kunit *test)
{
	struct sim_seg old;
	struct in o;

	open(test, &o, false);
	o.p.wnd = 1000;
	old = sim_peer_seg(&o.p, TOYTCP_ACK, 10);
	o.p.snd_nxt += 10;
	o.p.wnd = 5000;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, o.ts->snd_wnd, 5000);
	sim_inject(&old);
	KUNIT_EXPECT_EQ(test, o.ts->snd_wnd, 5000);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 20);
}

/*
 * A peer that says anything: segments with every field drawn at random, most
 * of them near what is right. The socket's books must balance after each, and
 * whatever it holds must be given back in the end.
 */
static void hostile_segment(struct prng *p, struct in *o)
{
	static const u8 flags[] = {
		TOYTCP_ACK, TOYTCP_ACK, TOYTCP_ACK, TOYTCP_ACK | TOYTCP_PSH,
		TOYTCP_ACK | TOYTCP_FIN, TOYTCP_SYN, TOYTCP_SYN | TOYTCP_ACK, TOYTCP_URG, 0,
		TOYTCP_FIN, 0xff,
	};
	struct sim_seg seg = sim_peer_seg(&o->p, flags[prng_below(p, ARRAY_SIZE(flags))],
					  prng_once_in(p, 2) ? prng_below(p, 3000) : 0);
	u32 i;

	if (prng_once_in(p, 50))
		seg.flags |= TOYTCP_RST;
	if (prng_once_in(p, 50))
		seg.flags |= TOYTCP_FIN;
	seg.seq = o->ts->rcv_nxt;
	seg.ack = prng_once_in(p, 2) ? o->ts->snd_nxt : o->ts->snd_una;
	if (!prng_once_in(p, 3))
		seg.seq += prng_below(p, 8000) - 4000;
	if (!prng_once_in(p, 3))
		seg.ack += prng_below(p, 4000) - 2000;
	if (prng_once_in(p, 20))
		seg.seq = prng_seq(p);
	if (prng_once_in(p, 20))
		seg.ack = prng_seq(p);
	seg.wnd = prng_once_in(p, 5) ? prng_magnitude(p) : 65535;
	seg.offset = prng_below(p, 60000);
	if (seg.opt.has_ts) {
		seg.opt.tsval += prng_below(p, 10) - 3;
		seg.opt.tsecr = prng_once_in(p, 2) ? toytcp_ts_now(sim.ts_offset) : prng_u32(p);
	}
	if (prng_once_in(p, 2)) {
		seg.opt.n_sacks = 1 + prng_below(p, seg.opt.has_ts ? 3 : 4);
		for (i = 0; i < seg.opt.n_sacks; i++) {
			seg.opt.sacks[i].start = o->ts->snd_una + prng_below(p, 20000) - 2000;
			seg.opt.sacks[i].end = seg.opt.sacks[i].start + prng_below(p, 6000) - 100;
		}
	}
	if (seg.flags & TOYTCP_SYN)
		seg.opt = o->p.syn;
	sim_inject(&seg);
}

static void rcv__anything(struct kunit *test)
{
	struct prng p = prng_start(test);
	static u8 buf[20000];
	unsigned int round;
	struct in o;
	int i;

	for (round = 0; round < 4 * sim_rounds(); round++) {
		sim.gso = prng_once_in(&p, 2);
		sim.hold_us = prng_once_in(&p, 3) ? 2000 : 0;
		memset(&o, 0, sizeof(o));
		sim_peer_init(&o.p, SIM_PORT_A);
		o.p.syn.mss = prng_once_in(&p, 2) ? 1000 : 100;
		o.p.syn.has_ts = prng_once_in(&p, 2);
		o.p.ts = o.p.syn.has_ts;
		o.p.syn.sack_perm = prng_once_in(&p, 2);
		o.p.syn.has_wscale = prng_once_in(&p, 2);
		o.p.syn.wscale = prng_below(&p, 15);
		o.listener = sim_listen(test, SIM_PORT_A, 4);
		o.sock = sim_peer_connects(test, &o.p, o.listener);
		o.ts = sim_ts(o.sock);
		for (i = 0; i < 150; i++) {
			const char *wrong;

			switch (prng_below(&p, 20)) {
			case 0 ... 3:
				sim_write(o.sock, 0, prng_below(&p, 20000));
				break;
			case 4 ... 5:
				sim_read(o.sock, buf, prng_below(&p, sizeof(buf)));
				break;
			case 6:
				sim_run(prng_below(&p, 1000) * SIM_MS);
				break;
			case 7:
				if (prng_once_in(&p, 20))
					kernel_sock_shutdown(o.sock, prng_below(&p, 3));
				break;
			case 8:
				if (prng_once_in(&p, 10) && o.sock->sk->sk_state != TCP_CLOSE) {
					lock_sock(o.sock->sk);
					toytcp_ipv4_update_pmtu(o.sock->sk,
								100 + prng_below(&p, 1400));
					release_sock(o.sock->sk);
				}
				break;
			default:
				hostile_segment(&p, &o);
			}
			sim_inbox_clear();
			wrong = sim_check(o.sock->sk);
			KUNIT_ASSERT_NULL_MSG(test, wrong, "%s, round %u step %d" PRNG_FMT, wrong,
					      round, i, prng_where(&p));
		}
		sim_drain(test);
		sim.mtu = 1500;
	}
}

/* ---- two ends at once: RFC 9293 figures 8, 13 and half-close ---- */

struct pair {
	struct socket *a, *b;
};

static void crossed_open(struct kunit *test, struct pair *o)
{
	o->a = sim_socket(test);
	o->b = sim_socket(test);
	KUNIT_ASSERT_EQ(test, sim_bind(o->a, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_bind(o->b, SIM_B, SIM_PORT_B), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(o->a, SIM_B, SIM_PORT_B), -EINPROGRESS);
	KUNIT_ASSERT_EQ(test, sim_connect(o->b, SIM_A, SIM_PORT_A), -EINPROGRESS);
}

static void exchange(struct kunit *test, struct pair *o)
{
	KUNIT_EXPECT_EQ(test, sim_write(o->a, 0, 500), 500);
	KUNIT_EXPECT_EQ(test, sim_write(o->b, 1000, 700), 700);
	sim_run(10 * SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(o->b, 0, 1000), 500);
	KUNIT_EXPECT_EQ(test, sim_read_check(o->a, 1000, 1000), 700);
}

static void open__simultaneous(struct kunit *test)
{
	struct pair o;

	crossed_open(test, &o);
	sim_run(15 * SIM_MS);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_SYN_RECV);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_SYN_RECV);
	sim_run(100 * SIM_MS);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_TRUE(test, sim_ts(o.a)->sack_ok && sim_ts(o.b)->ts_ok);
	/* four segments and at most an ACK each */
	KUNIT_EXPECT_LE(test, sim.n_log, 8);
	exchange(test, &o);
}

/* the same over a bad link: it always comes to an end, and to a good one */
static void open__simultaneous_with_loss(struct kunit *test)
{
	struct pair o;
	int i;

	for (i = 0; i < 20; i++) {
		sim.seed = i;
		sim.link[0].loss = 200;
		sim.link[1].loss = 200;
		crossed_open(test, &o);
		sim_run(120 * SIM_S);
		KUNIT_EXPECT_EQ_MSG(test, o.a->sk->sk_state, TCP_ESTABLISHED, "seed %d", i);
		KUNIT_EXPECT_EQ_MSG(test, o.b->sk->sk_state, TCP_ESTABLISHED, "seed %d", i);
		sim.link[0].loss = 0;
		sim.link[1].loss = 0;
		exchange(test, &o);
		if (test->status == KUNIT_FAILURE)
			return;
		sim_drain(test);
	}
}

static void pair_open(struct kunit *test, struct pair *o)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 4);

	o->a = sim_socket(test);
	KUNIT_ASSERT_EQ(test, sim_bind(o->a, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(o->a, SIM_B, SIM_PORT_B), -EINPROGRESS);
	sim_run(100 * SIM_MS);
	o->b = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, o->b);
	KUNIT_ASSERT_EQ(test, o->a->sk->sk_state, TCP_ESTABLISHED);
}

static void close__simultaneous(struct kunit *test)
{
	struct pair o;

	pair_open(test, &o);
	kernel_sock_shutdown(o.a, SHUT_WR);
	kernel_sock_shutdown(o.b, SHUT_WR);
	sim_run(15 * SIM_MS);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_CLOSING);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_CLOSING);
	sim_run(100 * SIM_MS);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 2);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.a, 0, 10), 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.b, 0, 10), 0);
	sim_run(60 * SIM_S);
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 0);
}

static void close__half(struct kunit *test)
{
	struct pair o;
	u32 sent = 0, got = 0;
	int n, i;

	pair_open(test, &o);
	kernel_sock_shutdown(o.a, SHUT_WR);
	sim_run(100 * SIM_MS);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_FIN_WAIT2);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, sim_write(o.a, 0, 10), -EPIPE);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.b, 0, 10), 0);
	/* the other half goes on, for hours */
	sim_run(3600 * SIM_S);
	for (i = 0; i < 1000 && got < 100000; i++) {
		n = sent < 100000 ? sim_write(o.b, sent, 100000 - sent) : 0;
		sent += max(n, 0);
		sim_run(20 * SIM_MS);
		n = sim_read_check(o.a, got, 100000);
		if (n > 0)
			got += n;
		if (n < 0 && n != -EAGAIN)
			break;
	}
	KUNIT_EXPECT_EQ(test, got, 100000);
	kernel_sock_shutdown(o.b, SHUT_WR);
	sim_run(100 * SIM_MS);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.a, got, 10), 0);
	KUNIT_EXPECT_EQ(test, o.a->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, o.b->sk->sk_state, TCP_CLOSE);
	/* only who closed first waits */
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 1);
}

/* connect() to itself: the oldest trick of simultaneous open */
static void open__to_itself(struct kunit *test)
{
	struct socket *sock = sim_socket(test);

	KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_A, SIM_PORT_A), -EINPROGRESS);
	sim_run(10 * SIM_S);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_write(sock, 0, 500), 500);
	sim_run(10 * SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 1000), 500);
}

/* ---- segments that wait for the socket's lock ---- */

struct backlog_param {
	const char *name;
	u8 first, second;	/* flags beside ACK */
	u8 ecn;			/* of the second */
	u32 gap, tsval, len;	/* between them; of the second, later; its bytes */
	bool merged;
};

static const struct backlog_param backlogs[] = {
	{ "text that follows", .len = 100, .merged = true },
	{ "a smaller one", .len = 1, .merged = true },
	{ "pushed", .first = TOYTCP_PSH, .second = TOYTCP_PSH, .len = 100, .merged = true },
	{ "with a FIN", .second = TOYTCP_FIN, .len = 100, .merged = true },
	{ "a gap", .gap = 10, .len = 100 },
	{ "no text", .second = TOYTCP_FIN },
	{ "behind a FIN", .first = TOYTCP_FIN, .len = 100 },
	{ "urgent", .second = TOYTCP_URG, .len = 100 },
	{ "a reset", .second = TOYTCP_RST, .len = 100 },
	{ "another ECE", .second = TOYTCP_ECE, .len = 100 },
	{ "another CWR", .first = TOYTCP_CWR, .len = 100 },
	{ "another ECN field", .ecn = 3, .len = 100 },
	{ "another timestamp", .tsval = 1, .len = 100 },
};

static void backlog_desc(const struct backlog_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(backlog, backlogs, backlog_desc);

/* they become one when nothing is lost by it, as Linux has it */
static void rcv_backlog__coalesces(struct kunit *test)
{
	const struct backlog_param *param = test->param_value;
	u64 before = sim_counted(TOYTCP_MIB_BACKLOG_COALESCE);
	struct sim_seg seg;
	struct in o;

	open(test, &o, true);
	sim_inbox_clear();
	lock_sock(o.sock->sk);
	sim_peer_send(&o.p, TOYTCP_ACK | param->first, 100);
	o.p.tsval += param->tsval;
	seg = sim_peer_seg(&o.p, TOYTCP_ACK | param->second, param->len);
	seg.seq += param->gap;
	seg.offset += param->gap;
	seg.ecn = param->ecn;
	seg.urg = param->second & TOYTCP_URG ? param->len : 0;
	sim_inject(&seg);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_BACKLOG_COALESCE) - before, param->merged);
	release_sock(o.sock->sk);
	if (param->second & TOYTCP_RST) {
		KUNIT_EXPECT_EQ(test, sim_error(o.sock), ECONNRESET);
		return;
	}
	o.p.snd_nxt = seg.seq + seg.len;
	if (param->gap || param->first & TOYTCP_FIN)
		o.p.snd_nxt = o.p.iss + 101 + !!(param->first & TOYTCP_FIN);
	o.p.snd_nxt += !!(param->second & TOYTCP_FIN);
	KUNIT_EXPECT_EQ(test, o.ts->rcv_nxt, o.p.snd_nxt);
	KUNIT_EXPECT_EQ(test, o.ts->ts_recent, o.p.tsval - (param->gap ? param->tsval : 0));
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state,
			(param->first | param->second) & TOYTCP_FIN ? TCP_CLOSE_WAIT :
								      TCP_ESTABLISHED);
	/* the urgent byte, the last, is not read with the rest */
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 1000),
			param->gap || param->first & TOYTCP_FIN ? 100 :
			100 + param->len - !!(param->second & TOYTCP_URG));
}

/* many segments, and what their ACKs say, as one: the newest ACK and window count */
static void rcv_backlog__many(struct kunit *test)
{
	u64 before = sim_counted(TOYTCP_MIB_BACKLOG_COALESCE);
	struct in o;
	int i;

	open(test, &o, false);
	KUNIT_ASSERT_EQ(test, sim_write(o.sock, 0, 3000), 3000);
	sim_run(SIM_MS);
	sim_inbox_clear();
	lock_sock(o.sock->sk);
	for (i = 0; i < 20; i++) {
		o.p.rcv_nxt += 150;
		o.p.wnd = 10000 + i;
		sim_peer_send(&o.p, TOYTCP_ACK, 5);
	}
	/* an older one does not take back what was said */
	o.p.rcv_nxt -= 150;
	o.p.wnd = 5;
	sim_peer_send(&o.p, TOYTCP_ACK, 5);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_BACKLOG_COALESCE) - before, 20);
	release_sock(o.sock->sk);
	KUNIT_EXPECT_EQ(test, o.ts->snd_una, o.p.rcv_nxt + 150);
	KUNIT_EXPECT_EQ(test, o.ts->snd_wnd, 10019);
	KUNIT_EXPECT_EQ(test, o.ts->rcv_nxt, o.p.snd_nxt);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 1000), 105);
}

static struct kunit_case input_cases[] = {
	KUNIT_CASE(rcv_paws__old_segment),
	KUNIT_CASE(rcv_paws__idle_connection),
	KUNIT_CASE(rcv_paws__reset_passes),
	KUNIT_CASE(rcv_ts_recent__only_in_order),
	KUNIT_CASE_PARAM(rcv_rst__error, reset_gen_params),
	KUNIT_CASE(rcv_rst__challenge_limit),
	KUNIT_CASE(rcv_ack__window_update),
	KUNIT_CASE(rcv_data__after_close),
	KUNIT_CASE(rcv_syn_sent__data_with_synack),
	KUNIT_CASE_PARAM(rcv__anything, prng_seed_gen_params),
	KUNIT_CASE(open__simultaneous),
	KUNIT_CASE(open__simultaneous_with_loss),
	KUNIT_CASE(open__to_itself),
	KUNIT_CASE(close__simultaneous),
	KUNIT_CASE(close__half),
	KUNIT_CASE_PARAM(rcv_backlog__coalesces, backlog_gen_params),
	KUNIT_CASE(rcv_backlog__many),
	{}
};

static struct kunit_suite input_suite = {
	.name = "toytcp_input",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = input_cases,
};

kunit_test_suites(&input_suite);
