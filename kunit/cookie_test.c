// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/cookie.c, and of the listener that answers with cookies
 * (module/listen.c).
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/cookie.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

static const struct toytcp_flow_key key = {
	.laddr = cpu_to_be32(SIM_A), .faddr = cpu_to_be32(SIM_PEER),
	.lport = cpu_to_be16(80), .fport = cpu_to_be16(1025),
};

#define MINUTE	TOYTCP_COOKIE_PERIOD_US

/* the largest of the table that is not above what the peer said */
static void cookie_check__mss(struct kunit *test)
{
	static const struct {
		u16 said, kept;
	} mss[] = {
		{ 1, 536 }, { 535, 536 }, { 536, 536 }, { 1299, 536 },
		{ 1300, 1300 }, { 1439, 1300 }, { 1440, 1440 },
		{ 1460, 1460 }, { 9000, 1460 }, { 65535, 1460 },
	};
	static const u32 irs[] = { 0, 1, 0x7fffffff, 0xfffffffe, 0xffffffff };
	int i, k;

	for (i = 0; i < ARRAY_SIZE(mss); i++)
		for (k = 0; k < ARRAY_SIZE(irs); k++) {
			u32 c = toytcp_cookie_make(&key, irs[k], mss[i].said, MINUTE);

			KUNIT_EXPECT_EQ(test, mss[i].kept,
					toytcp_cookie_check(&key, irs[k], c, MINUTE));
		}
}

/* one to two minutes, also where the eight bits of the clock wrap */
static void cookie_check__age(struct kunit *test)
{
	static const u64 start[] = { 0, 7 * MINUTE, 255 * MINUTE, 256 * MINUTE + 17 };
	int i;

	for (i = 0; i < ARRAY_SIZE(start); i++) {
		u32 c = toytcp_cookie_make(&key, 5, 1460, start[i]);
		u64 tick = start[i] / MINUTE * MINUTE;

		KUNIT_EXPECT_NE(test, toytcp_cookie_check(&key, 5, c, start[i]), 0);
		KUNIT_EXPECT_NE(test, toytcp_cookie_check(&key, 5, c, start[i] + MINUTE), 0);
		KUNIT_EXPECT_NE(test, toytcp_cookie_check(&key, 5, c, tick + 2 * MINUTE - 1), 0);
		KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 5, c, tick + 2 * MINUTE), 0);
		KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 5, c, tick + 200 * MINUTE), 0);
		/* a clock that goes backwards makes nothing valid */
		if (tick)
			KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 5, c, tick - 1), 0);
	}
}

/* other ends, another SYN: another cookie */
static void cookie_check__is_bound_to_the_flow(struct kunit *test)
{
	u32 c = toytcp_cookie_make(&key, 5, 1460, MINUTE);
	struct toytcp_flow_key other[4] = { key, key, key, key };
	int i;

	other[0].laddr ^= htonl(1);
	other[1].faddr ^= htonl(1);
	other[2].lport ^= htons(1);
	other[3].fport ^= htons(1);
	for (i = 0; i < ARRAY_SIZE(other); i++)
		KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&other[i], 5, c, MINUTE), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 4, c, MINUTE), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 6, c, MINUTE), 0);
	KUNIT_EXPECT_EQ(test, toytcp_cookie_check(&key, 5, c + 4, MINUTE), 0);
}

/* of guesses, 8 in 2^24 are right: of 100,000 next to none */
static void cookie_check__guesses(struct kunit *test)
{
	u32 guess = 0x12345678, hits = 0;
	int i;

	for (i = 0; i < 100000; i++) {
		guess = guess * 1664525 + 1013904223;
		hits += !!toytcp_cookie_check(&key, 5, guess, MINUTE);
	}
	KUNIT_EXPECT_LE(test, hits, 2);
}

static void cookie_ts__round_trip(struct kunit *test)
{
	int i, ms;

	for (ms = 0; ms < 300; ms++)
		for (i = 0; i < 4 * 16; i++) {
			struct toytcp_cookie_opts in = {
				.sack_ok = i & 1,
				.ecn_ok = i & 2,
				.wscale = (i >> 2) % 15,
				.wscale_ok = i >> 2 < 15,
			}, out;
			/* around the wrap of 32 bits of milliseconds, too */
			u64 now_ms = (i & 1 ? 1ull << 32 : 1000) + ms;
			u32 ts = toytcp_cookie_ts_make(&in, now_ms * SIM_MS);

			toytcp_cookie_ts_read(ts, &out);
			KUNIT_ASSERT_EQ(test, out.sack_ok, in.sack_ok);
			KUNIT_ASSERT_EQ(test, out.ecn_ok, in.ecn_ok);
			KUNIT_ASSERT_EQ(test, out.wscale_ok, in.wscale_ok);
			if (in.wscale_ok)
				KUNIT_ASSERT_EQ(test, out.wscale, in.wscale);
			/* never in the future, never long ago */
			KUNIT_ASSERT_LE(test, (u32)now_ms - ts, 64);
		}
}

/* ---- the listener ---- */

/* a SYN, and what the SYN-ACK says */
static const struct sim_seg *ask(struct kunit *test, struct sim_peer *p, u16 port)
{
	const struct sim_seg *synack;

	sim_peer_init(p, SIM_PORT_A);
	p->port = port;
	p->syn.has_ts = 1;
	p->syn.sack_perm = 1;
	p->syn.has_wscale = 1;
	p->syn.wscale = 7;
	p->ts = true;
	sim_peer_send(p, TOYTCP_SYN, 0);
	synack = sim_next();
	if (!synack)
		return NULL;
	KUNIT_EXPECT_EQ(test, synack->flags, TOYTCP_SYN | TOYTCP_ACK);
	p->irs = synack->seq;
	p->rcv_nxt = synack->seq + 1;
	p->tsecr = synack->opt.tsval;
	return synack;
}

/* no memory is held, and the connection is as good as any */
static void syncookies__whole_handshake(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	u64 sent = sim_counted(TOYTCP_MIB_SYNCOOKIES_SENT);
	u64 recv = sim_counted(TOYTCP_MIB_SYNCOOKIES_RECV);
	const struct sim_seg *synack;
	struct toytcp_sock *ts;
	struct sim_peer p;

	sim_sysctl()->syncookies = 2;
	synack = ask(test, &p, 2000);
	KUNIT_ASSERT_NOT_NULL(test, synack);
	KUNIT_EXPECT_TRUE(test, synack->opt.has_ts && synack->opt.sack_perm &&
			  synack->opt.has_wscale);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 0);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->flows.nelems), 0);
	sim_run(30 * SIM_S);
	SIM_EXPECT_NONE(test);

	sim_peer_send(&p, TOYTCP_ACK, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	ts = sim_ts(child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_TRUE(test, ts->ts_ok && ts->sack_ok && ts->wscale_ok);
	KUNIT_EXPECT_EQ(test, ts->snd_wscale, 7);
	KUNIT_EXPECT_EQ(test, ts->rcv_wscale, synack->opt.wscale);
	KUNIT_EXPECT_EQ(test, ts->snd_wnd, 65535 << 7);
	KUNIT_EXPECT_EQ(test, ts->mss, 1448);
	/* the wait for the ACK is no round trip */
	KUNIT_EXPECT_EQ(test, ts->rtt.srtt_us8, 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_SYNCOOKIES_SENT) - sent, 1);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_SYNCOOKIES_RECV) - recv, 1);
	KUNIT_EXPECT_EQ(test, sim_write(child, 0, 100), 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 100);
	sim_peer_send(&p, TOYTCP_ACK, 50);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 100), 50);
	sim_inbox_clear();
}

/* without timestamps there is room for the segment size only */
static void syncookies__without_timestamps(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	const struct sim_seg *synack;
	struct sim_peer p;

	sim_sysctl()->syncookies = 2;
	sim_peer_init(&p, SIM_PORT_A);
	p.syn.mss = 1400;
	p.syn.sack_perm = 1;
	p.syn.has_wscale = 1;
	p.syn.wscale = 7;
	sim_peer_send(&p, TOYTCP_SYN, 0);
	synack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, synack);
	KUNIT_EXPECT_EQ(test, synack->opt.mss, 1460);
	KUNIT_EXPECT_FALSE(test, synack->opt.has_ts || synack->opt.sack_perm ||
			   synack->opt.has_wscale);
	p.irs = synack->seq;
	p.rcv_nxt = p.irs + 1;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->mss, 1300);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->snd_wnd, 65535);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->rcv_wscale, 0);
}

/* data and FIN on the ACK are the connection's */
static void syncookies__data_with_the_ack(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *child;
	struct sim_peer p;

	sim_sysctl()->syncookies = 2;
	ask(test, &p, 2000);
	sim_peer_send(&p, TOYTCP_ACK | TOYTCP_PSH | TOYTCP_FIN, 100);
	sim_run(SIM_S / 5);	/* a FIN's ACK may wait for the other FIN */
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 102, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);
}

/* 1: only when the queue is full; what was asked before is kept */
static void syncookies__on_overflow(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 3);
	u64 full = sim_counted(TOYTCP_MIB_REQ_QFULL_COOKIES);
	struct sim_peer p[10];
	int i;

	for (i = 0; i < 10; i++) {
		KUNIT_ASSERT_NOT_NULL(test, ask(test, &p[i], 2000 + i));
		KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, min(i + 1, 4));
	}
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_REQ_QFULL_COOKIES) - full, 6);
	/* the last one has a cookie, the first one a request: both are let in */
	for (i = 9; i >= 0; i -= 9) {
		sim_peer_send(&p[i], TOYTCP_ACK, 10);
		SIM_EXPECT(test, &p[i], TOYTCP_ACK, 1, 11, 0);
		KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	}
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 3);
}

/* 0: what does not fit is dropped */
static void syncookies__off(struct kunit *test)
{
	u64 full = sim_counted(TOYTCP_MIB_REQ_QFULL_DROP);
	u64 drops = sim_counted(TOYTCP_MIB_LISTEN_DROPS);
	struct sim_peer p;
	int i;

	sim_listen(test, SIM_PORT_A, 3);
	sim_sysctl()->syncookies = 0;
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_TRUE(test, !!ask(test, &p, 2000 + i) == (i < 4));
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_REQ_QFULL_DROP) - full, 6);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_LISTEN_DROPS) - drops, 6);
}

/* what is no cookie is answered with a reset, as ever */
static void syncookies__wrong(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	u64 failed = sim_counted(TOYTCP_MIB_SYNCOOKIES_FAILED);
	struct sim_seg seg;
	struct sim_peer p;

	/* no cookie was sent: nobody may try one */
	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_SYNCOOKIES_FAILED), failed);

	sim_sysctl()->syncookies = 2;
	ask(test, &p, 2000);
	seg = sim_peer_seg(&p, TOYTCP_ACK, 0);
	seg.ack += 4;
	sim_inject(&seg);
	SIM_EXPECT(test, &p, TOYTCP_RST, 5, 0, 0);
	seg = sim_peer_seg(&p, TOYTCP_ACK, 0);
	seg.seq++;
	sim_inject(&seg);
	SIM_EXPECT(test, &p, TOYTCP_RST, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_SYNCOOKIES_FAILED), failed + 2);
	/* a reset is nothing to answer, and ends nothing */
	sim_peer_send(&p, TOYTCP_RST | TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	/* switched off meanwhile: we do not do that any more */
	sim_sysctl()->timestamps = 0;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 1, 0, 0);
	sim_sysctl()->timestamps = 1;
	sim_sysctl()->syncookies = 0;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 1, 0, 0);
	sim_sysctl()->syncookies = 2;
	/* too late */
	sim_run(121 * SIM_S);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_RST, 1, 0, 0);
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
}

/* the same ACK twice makes one connection */
static void syncookies__ack_twice(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;

	sim_sysctl()->syncookies = 2;
	ask(test, &p, 2000);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
}

/* an accept queue without room takes no cookie either; nothing is left over */
static void syncookies__accept_queue_full(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 0);
	struct sim_peer p, q;

	sim_sysctl()->syncookies = 2;
	ask(test, &p, 2000);
	ask(test, &q, 2001);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	sim_peer_send(&q, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
	/* room again: its data bring the cookie once more */
	sim_peer_send(&q, TOYTCP_ACK, 10);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	sim_inbox_clear();
}

static struct kunit_case cookie_cases[] = {
	KUNIT_CASE(cookie_check__mss),
	KUNIT_CASE(cookie_check__age),
	KUNIT_CASE(cookie_check__is_bound_to_the_flow),
	KUNIT_CASE(cookie_check__guesses),
	KUNIT_CASE(cookie_ts__round_trip),
	KUNIT_CASE(syncookies__whole_handshake),
	KUNIT_CASE(syncookies__without_timestamps),
	KUNIT_CASE(syncookies__data_with_the_ack),
	KUNIT_CASE(syncookies__on_overflow),
	KUNIT_CASE(syncookies__off),
	KUNIT_CASE(syncookies__wrong),
	KUNIT_CASE(syncookies__ack_twice),
	KUNIT_CASE(syncookies__accept_queue_full),
	{}
};

static struct kunit_suite cookie_suite = {
	.name = "toytcp_cookie",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cookie_cases,
};

kunit_test_suites(&cookie_suite);
