// SPDX-License-Identifier: GPL-2.0
/*
 * What RFC 9293 and the RFCs around it ask for, where no test of a file of the
 * module shows it: a case is named after the requirement's number, or after
 * the RFC and the section. docs/rfc9293.md has all requirements and their tests.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/siphash.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

#define MSS	1000u

struct conn {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

/* a peer with this window connects; @rcvbuf bytes of our own buffer, 0: the default */
static void open_with(struct kunit *test, struct conn *c, const struct toytcp_options *syn,
		      u16 wnd, int rcvbuf)
{
	memset(c, 0, sizeof(*c));
	sim_peer_init(&c->p, SIM_PORT_A);
	c->p.syn = *syn;
	c->p.ts = syn->has_ts;
	c->p.wnd = wnd;
	c->listener = sim_listen(test, SIM_PORT_A, 4);
	if (rcvbuf) {
		c->listener->sk->sk_rcvbuf = rcvbuf;
		c->listener->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	}
	c->sock = sim_peer_connects(test, &c->p, c->listener);
	c->ts = sim_ts(c->sock);
}

static void open(struct kunit *test, struct conn *c)
{
	static const struct toytcp_options syn = { .mss = MSS };

	open_with(test, c, &syn, 65535, 0);
}

/* the peer has the first @n bytes of our stream */
static void ack(struct conn *c, u32 n)
{
	c->p.rcv_nxt = c->p.irs + 1 + n;
	sim_peer_send(&c->p, TOYTCP_ACK, 0);
}

/* an active open towards the peer, its SYN in the inbox */
static struct socket *connecting(struct kunit *test, struct sim_peer *p)
{
	struct socket *sock = sim_socket(test);

	sim_peer_init(p, SIM_PORT_A);
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	p->irs = sim.isn;
	p->rcv_nxt = p->irs + 1;
	return sock;
}

/* the clock of initial sequence numbers ticks every 4 microseconds */
static void must_8__isn_has_a_clock(struct kunit *test)
{
	static const u32 later_us[] = { 4, 40, 4000000, 3600u * 1000000 };
	struct toytcp_flow_key key = { .laddr = htonl(SIM_A), .faddr = htonl(SIM_B),
				       .lport = htons(1), .fport = htons(2) };
	u64 now = round_up(sim.now_us, 4);
	u32 isn, i;

	sim.now_us = now;
	isn = __real_toytcp_sock_isn(&key);
	for (i = 0; i < ARRAY_SIZE(later_us); i++) {
		sim.now_us = now + later_us[i];
		KUNIT_EXPECT_EQ(test, __real_toytcp_sock_isn(&key) - isn, later_us[i] / 4);
	}
	/* after 4.55 hours it begins anew */
	sim.now_us = now + (4ull << 32);
	KUNIT_EXPECT_EQ(test, __real_toytcp_sock_isn(&key), isn);
}

/* each of the four names of a connection is in the hash, and a secret as well (SHLD-1) */
static void must_9__isn_is_a_keyed_hash(struct kunit *test)
{
	static const siphash_key_t known[] = { { { 0, 0 } }, { { 1, 0 } }, { { ~0ull, ~0ull } } };
	struct toytcp_flow_key base = { .laddr = htonl(SIM_A), .faddr = htonl(SIM_B),
					.lport = htons(1), .fport = htons(2) };
	u32 clock = sim.now_us >> 2, isn[5], i, j;

	for (i = 0; i < ARRAY_SIZE(isn); i++) {
		struct toytcp_flow_key key = base;

		key.laddr = i == 1 ? htonl(SIM_A + 1) : base.laddr;
		key.faddr = i == 2 ? htonl(SIM_B + 1) : base.faddr;
		key.lport = i == 3 ? htons(2) : base.lport;
		key.fport = i == 4 ? htons(3) : base.fport;
		isn[i] = __real_toytcp_sock_isn(&key) - clock;
		for (j = 0; j < i; j++) {
			/* neither the same nor a neighbour of it */
			KUNIT_EXPECT_GT(test, isn[i] - isn[j] + 1000, 2000);
		}
		for (j = 0; j < ARRAY_SIZE(known); j++)
			KUNIT_EXPECT_NE(test, isn[i], (u32)siphash(&key, sizeof(key), &known[j]));
	}
}

/* our SYN says what we take, the peer's what it takes */
static void must_14__mss_both_ways(struct kunit *test)
{
	const struct sim_seg *seg;
	struct socket *sock;
	struct sim_peer p;

	sock = connecting(test, &p);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_SYN);
	/* MUST-67: the MTU less 20 bytes of IP and 20 of TCP */
	KUNIT_EXPECT_EQ(test, seg->opt.mss, sim.mtu - 40);
	p.syn.mss = 700;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
	sim_write(sock, 0, 1400);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 700);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 701, 1, 700);
}

struct eff_mss {
	u16 peer_mss;
	u32 mtu;
	bool ts;
	u32 len;
};

/* the smaller of what the peer takes and what the path carries, less the options */
static void must_16__effective_mss(struct kunit *test)
{
	static const struct eff_mss rows[] = {
		{ 1460, 1500, false, 1460 },
		{ 1460, 1500, true, 1448 },
		{ 1000, 1500, false, 1000 },
		{ 1000, 1500, true, 988 },
		{ 1460, 576, false, 536 },
		{ 1460, 576, true, 524 },
		{ 65535, 1500, false, 1460 },
		{ 8960, 9000, false, 8960 },
		{ 0, 1500, false, 536 },
		{ 0, 576, true, 524 },
	};
	struct conn c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct toytcp_options syn = { .mss = rows[i].peer_mss, .has_ts = rows[i].ts };
		const struct sim_seg *seg;

		sim.mtu = rows[i].mtu;
		open_with(test, &c, &syn, 65535, 0);
		sim_write(c.sock, 0, 20000);
		seg = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, seg);
		KUNIT_EXPECT_EQ_MSG(test, seg->len, rows[i].len, "row %u", i);
		sim_drain(test);
	}
	sim.mtu = 1500;
}

static u32 syns, mss_elsewhere;

static void look_for_mss(const struct sim_seg *seg)
{
	if (seg->flags & TOYTCP_SYN)
		syns += !!seg->opt.mss;
	else
		mss_elsewhere += !!seg->opt.mss;
}

/* in a whole life, an MSS option is on the two SYNs and on nothing else */
static void must_65__mss_on_syns_only(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 4), *a, *b;

	syns = 0;
	mss_elsewhere = 0;
	sim.tap = look_for_mss;
	a = sim_socket(test);
	KUNIT_ASSERT_EQ(test, sim_bind(a, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(a, SIM_B, SIM_PORT_B), -EINPROGRESS);
	sim_run(100 * SIM_MS);
	b = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, b);
	sim_write(a, 0, 5000);
	sim_run(SIM_S);
	KUNIT_EXPECT_EQ(test, sim_read_check(b, 0, 10000), 5000);
	sim_close(a);
	sim_close(b);
	sim_run(SIM_S);
	sim.tap = NULL;
	KUNIT_EXPECT_EQ(test, syns, 2);
	KUNIT_EXPECT_EQ(test, mss_elsewhere, 0);
}

/* fill our window to the last byte, without reading */
static void close_window(struct kunit *test, struct conn *c)
{
	static const struct toytcp_options syn = { .mss = MSS };
	u32 sent = 0;

	open_with(test, c, &syn, 65535, 32768);
	while (toytcp_rcv_wnd_left(c->ts) && sent < 100000) {
		u32 n = min(toytcp_rcv_wnd_left(c->ts), MSS);

		sim_peer_send(&c->p, TOYTCP_ACK, n);
		sent += n;
		sim_run(TOYTCP_DELACK_US);
	}
	KUNIT_ASSERT_EQ(test, toytcp_rcv_wnd_left(c->ts), 0);
	KUNIT_ASSERT_EQ(test, c->ts->rcv_nxt, c->p.snd_nxt);
	sim_inbox_clear();
}

/* a closed window keeps data out, not ACKs and not resets */
static void must_66__reset_at_a_closed_window(struct kunit *test)
{
	struct conn c;

	close_window(test, &c);
	sim_write(c.sock, 0, 500);
	sim_inbox_clear();
	ack(&c, 500);
	KUNIT_EXPECT_EQ(test, c.ts->snd_una, c.p.irs + 1 + 500);
	/* data are refused, and told where we are */
	sim_peer_send(&c.p, TOYTCP_ACK, 10);
	c.p.snd_nxt -= 10;
	SIM_EXPECT(test, &c.p, TOYTCP_ACK, 501, c.p.snd_nxt - c.p.iss, 0);
	KUNIT_EXPECT_EQ(test, c.ts->rcv_nxt, c.p.snd_nxt);
	sim_peer_send(&c.p, TOYTCP_RST, 0);
	KUNIT_EXPECT_EQ(test, c.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(c.sock), ECONNRESET);
}

/* a probe of our closed window is answered, however long it stays closed */
static void may_8__window_closed_for_a_day(struct kunit *test)
{
	struct conn c;
	u32 read = 0;
	int i, n;

	close_window(test, &c);
	for (i = 0; i < 24; i++) {
		struct sim_seg probe = sim_peer_seg(&c.p, TOYTCP_ACK, 0);

		sim_run(3600 * SIM_S);
		probe.seq--;
		sim_inject(&probe);
		KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
		KUNIT_EXPECT_EQ(test, sim_next()->wnd, 0);
	}
	while ((n = sim_read_check(c.sock, read, 1000)) > 0)
		read += n;
	/* and opens when there is room */
	KUNIT_EXPECT_GE(test, sim_inbox_count(), 1);
	KUNIT_EXPECT_GT(test, toytcp_rcv_wnd_left(c.ts), 0);
}

/*
 * The peer takes back what it offered: nothing new goes (SHLD-15), what lies
 * inside the new edge is sent again (SHLD-16), what lies outside does not end
 * the connection (SHLD-17), and a window of zero is probed (MUST-35).
 */
static void must_34__window_shrinks(struct kunit *test)
{
	static const struct toytcp_options syn = { .mss = MSS };
	const struct sim_seg *seg;
	struct conn c;
	int i;

	toytcp_net(&init_net)->sysctl.retries2 = 5;
	open_with(test, &c, &syn, 5000, 0);
	sim_write(c.sock, 0, 10000);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 5);
	sim_inbox_clear();
	/* the right edge goes from 5000 to 2000 */
	c.p.wnd = 1000;
	ack(&c, 1000);
	KUNIT_EXPECT_EQ(test, c.ts->snd_wnd, 1000);
	SIM_EXPECT_NONE(test);
	sim_run(SIM_S);
	for (i = 0; (seg = sim_next()); i++) {
		KUNIT_EXPECT_EQ(test, seg->seq - c.p.irs, 1001);
		KUNIT_EXPECT_EQ(test, seg->len, 1000);
	}
	KUNIT_EXPECT_GE(test, i, 1);
	/* it has that as well, and the window is shut behind it */
	c.p.wnd = 0;
	ack(&c, 2000);
	for (i = 0; i < 20; i++) {
		sim_run(120 * SIM_S);
		while ((seg = sim_next())) {
			/* nothing that was never sent before */
			KUNIT_EXPECT_TRUE(test, seq_leq(seg->seq + seg->len, c.p.irs + 1 + 5000));
			ack(&c, 2000);
		}
		KUNIT_ASSERT_EQ(test, c.sock->sk->sk_state, TCP_ESTABLISHED);
	}
	c.p.wnd = 65535;
	ack(&c, 2000);
	for (i = 0; i < 20; i++) {
		sim_run(TOYTCP_RTO_MAX_US);
		while ((seg = sim_next()))
			if (seg->seq == c.p.rcv_nxt)
				ack(&c, seg->seq + seg->len - c.p.irs - 1);
	}
	KUNIT_EXPECT_EQ(test, c.p.rcv_nxt - c.p.irs - 1, 10000);
}

/* a second listener is refused, and the first does not notice */
static void must_41__listen_leaves_others_alone(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *other = sim_socket(test);
	struct sim_peer p;

	listener->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_EXPECT_EQ(test, sim_bind(other, 0, SIM_PORT_A), -EADDRINUSE);
	other->sk->sk_reuse = SK_CAN_REUSE;
	if (!sim_bind(other, 0, SIM_PORT_A))
		KUNIT_EXPECT_EQ(test, kernel_listen(other, 4), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, listener->sk->sk_state, TCP_LISTEN);
	sim_close(other);
	sim_peer_init(&p, SIM_PORT_A);
	KUNIT_EXPECT_NOT_NULL(test, sim_peer_connects(test, &p, listener));
}

/* LISTEN on the port of a connection in SYN_SENT (with SO_REUSEADDR, as Linux wants) */
static void must_42__listen_beside_syn_sent(struct kunit *test)
{
	struct socket *sock = sim_socket(test), *listener = sim_socket(test);
	struct sim_peer p, q;

	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_init(&q, SIM_PORT_A);
	q.port = SIM_PORT_PEER + 1;
	sock->sk->sk_reuse = SK_CAN_REUSE;
	listener->sk->sk_reuse = SK_CAN_REUSE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	sim_inbox_clear();
	KUNIT_ASSERT_EQ(test, sim_bind(listener, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, kernel_listen(listener, 4), 0);
	/* each finds its own */
	KUNIT_EXPECT_NOT_NULL(test, sim_peer_connects(test, &q, listener));
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_SYN_SENT);
	p.irs = sim.isn;
	p.rcv_nxt = p.irs + 1;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
}

/* a hole is filled: what waited behind it is taken before one ACK is sent */
static void must_59__one_ack_for_all(struct kunit *test)
{
	struct sim_seg seg;
	struct conn c;
	int i;

	open(test, &c);
	for (i = 1; i < 6; i++) {
		seg = sim_peer_seg(&c.p, TOYTCP_ACK, MSS);
		seg.seq += i * MSS;
		seg.offset += i * MSS;
		sim_inject(&seg);
	}
	/* MAY-13: each was answered with RCV.NXT */
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 5);
	while (sim_inbox_count())
		KUNIT_EXPECT_EQ(test, sim_next()->ack, c.p.snd_nxt);
	sim_peer_send(&c.p, TOYTCP_ACK, MSS);
	SIM_EXPECT(test, &c.p, TOYTCP_ACK, 1, 1 + 6 * MSS, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 0, 10000), 6 * MSS);
}

/* a reset may say why: its text is passed over */
static void shld_2__reset_with_text(struct kunit *test)
{
	struct conn c;

	open(test, &c);
	sim_peer_send(&c.p, TOYTCP_RST | TOYTCP_ACK, 20);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, c.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(c.sock), ECONNRESET);
	KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 0, 100), 0);
}

/* as the namespace is made: 100 s at least (SHLD-11), after another path was asked for (SHLD-10) */
static void shld_11__defaults_last_100_s(struct kunit *test)
{
	struct conn c;
	u64 began;
	u32 n = 0;

	open(test, &c);
	began = sim.now_us;
	sim_write(c.sock, 0, 100);
	while (c.sock->sk->sk_state != TCP_CLOSE && sim_step()) {
		n += sim_inbox_count();
		sim_inbox_clear();
		if (sim.advice == 0)
			KUNIT_EXPECT_LE(test, n, 1 + 3);
		if (n <= 3)
			KUNIT_EXPECT_EQ(test, sim.advice, 0);
	}
	KUNIT_EXPECT_GE(test, sim.now_us - began, 100 * SIM_S);
	KUNIT_EXPECT_GT(test, sim.advice, 0);
}

/* keepalive as the namespace is made: not before two hours of silence */
static void must_28__two_hours(struct kunit *test)
{
	struct conn c;

	open(test, &c);
	sock_set_keepalive(c.sock->sk);
	sim_run(7200 * SIM_S - 1);
	SIM_EXPECT_NONE(test);
	sim_run(SIM_S);
	SIM_EXPECT(test, &c.p, TOYTCP_ACK, 0, 1, 0);
}

/* a SYN's window is what it says, whatever the shift count beside it */
static void rfc7323_2_2__syn_window_is_not_scaled(struct kunit *test)
{
	const struct sim_seg *seg;
	struct sim_peer p;

	connecting(test, &p);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_wscale);
	KUNIT_EXPECT_GT(test, seg->opt.wscale, 0);
	KUNIT_EXPECT_GE(test, seg->wnd, 32768);
	sim_inbox_clear();
	/* no offer in the answer: no shift in either direction */
	p.syn.has_wscale = 0;
	p.wnd = 1000;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_GE(test, seg->wnd, 32768);
}

/* timestamps were agreed on; a segment without one is taken (as Linux does), the next with one */
static void rfc7323_3_2__a_timestamp_is_missing(struct kunit *test)
{
	static const struct toytcp_options syn = { .mss = MSS, .has_ts = 1 };
	struct conn c;

	open_with(test, &c, &syn, 65535, 0);
	c.p.ts = false;
	sim_peer_send(&c.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 0, 100), 10);
	KUNIT_EXPECT_EQ(test, c.sock->sk->sk_state, TCP_ESTABLISHED);
	c.p.ts = true;
	sim_peer_send(&c.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 10, 100), 10);
}

/* timestamps were not agreed on: what comes is passed over, none is sent */
static void rfc7323_3_2__not_agreed_on(struct kunit *test)
{
	struct sim_seg seg;
	struct conn c;
	int i;

	open(test, &c);
	for (i = 0; i < 3; i++) {
		seg = sim_peer_seg(&c.p, TOYTCP_ACK, 10);
		seg.opt.has_ts = 1;
		seg.opt.tsval = 1000 - 100 * i;
		sim_inject(&seg);
		c.p.snd_nxt += 10;
		KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 10 * i, 100), 10);
	}
	while (sim_inbox_count())
		KUNIT_EXPECT_FALSE(test, sim_next()->opt.has_ts);
}

/* a reset of ours carries the timestamp of the connection */
static void rfc7323_5_2__reset_has_a_timestamp(struct kunit *test)
{
	static const struct toytcp_options syn = { .mss = MSS, .has_ts = 1 };
	const struct sim_seg *seg;
	struct conn c;

	open_with(test, &c, &syn, 65535, 0);
	sim_abort(c.sock);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_TRUE(test, seg->flags & TOYTCP_RST);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_ts);
}

/* timestamps begin elsewhere towards each peer, and nobody can tell where */
static void rfc7323_7_1__offset_is_a_keyed_hash(struct kunit *test)
{
	struct toytcp_flow_key key = { .laddr = htonl(SIM_A), .faddr = htonl(SIM_B),
				       .lport = htons(1), .fport = htons(2) };
	u32 offset = __real_toytcp_sock_ts_offset(&key);

	KUNIT_EXPECT_NE(test, offset, 0);
	/* later connections of the same two hosts go on with the same clock (RFC 6191) */
	key.lport = htons(3);
	KUNIT_EXPECT_EQ(test, __real_toytcp_sock_ts_offset(&key), offset);
	key.faddr = htonl(SIM_PEER);
	KUNIT_EXPECT_GT(test, __real_toytcp_sock_ts_offset(&key) - offset + 1000, 2000);
	key.laddr = htonl(SIM_PEER);
	key.faddr = htonl(SIM_B);
	KUNIT_EXPECT_GT(test, __real_toytcp_sock_ts_offset(&key) - offset + 1000, 2000);
}

/* no SACK-permitted in the peer's SYN: no SACK option, whatever is missing */
static void rfc2018_4__not_without_permission(struct kunit *test)
{
	struct sim_seg seg;
	struct conn c;
	int i;

	for (i = 0; i < 2; i++) {
		struct toytcp_options syn = { .mss = MSS, .sack_perm = !!i };

		open_with(test, &c, &syn, 65535, 0);
		seg = sim_peer_seg(&c.p, TOYTCP_ACK, 100);
		seg.seq += 100;
		sim_inject(&seg);
		KUNIT_ASSERT_EQ(test, sim_inbox_count(), 1);
		KUNIT_EXPECT_EQ(test, sim_next()->opt.n_sacks, i);
		sim_drain(test);
	}
}

/* an ACK too old or of what was never sent: a challenge, and its data are not taken */
static void rfc5961_5_2__range_of_acks(struct kunit *test)
{
	struct toytcp_stats *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct toytcp_stats *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);
	static const s32 beyond[] = { -1, 0, 1 };
	struct sim_seg seg;
	struct conn c;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	open(test, &c);
	/* so that SND.UNA - MAX.SND.WND is not below the connection's beginning */
	c.p.wnd = 2000;
	c.ts->max_snd_wnd = 2000;
	for (i = 0; i < 3; i++) {
		sim_write(c.sock, 1000 * i, 1000);
		ack(&c, 1000 * (i + 1));
	}
	sim_inbox_clear();
	toytcp_stats_fold(&init_net, before);
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		sim_run(SIM_S);
		sim_inbox_clear();
		seg = sim_peer_seg(&c.p, TOYTCP_ACK, 10);
		seg.ack = c.ts->snd_una - 2000 + beyond[i];
		sim_inject(&seg);
		if (beyond[i] < 0) {
			SIM_EXPECT(test, &c.p, TOYTCP_ACK, 3001, 1, 0);
			KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 0, 100), -EAGAIN);
		} else {
			KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 10 * (i - 1), 100), 10);
			c.p.snd_nxt += 10;
		}
	}
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		sim_run(SIM_S);
		sim_inbox_clear();
		seg = sim_peer_seg(&c.p, TOYTCP_ACK, 10);
		seg.ack = c.ts->snd_nxt + beyond[i];
		sim_inject(&seg);
		if (beyond[i] > 0) {
			SIM_EXPECT(test, &c.p, TOYTCP_ACK, 3001, 41, 0);
			KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 40, 100), -EAGAIN);
		} else {
			KUNIT_EXPECT_EQ(test, sim_read_check(c.sock, 20 + 10 * i, 100), 10);
			c.p.snd_nxt += 10;
		}
	}
	toytcp_stats_fold(&init_net, after);
	KUNIT_EXPECT_EQ(test, after->drop[TOYTCP_DROP_OLD_ACK] -
			before->drop[TOYTCP_DROP_OLD_ACK], 1);
	KUNIT_EXPECT_EQ(test, after->drop[TOYTCP_DROP_FUTURE_ACK] -
			before->drop[TOYTCP_DROP_FUTURE_ACK], 1);
}

/* guesses at one connection do not use up the answers of the others */
static void rfc5961_7__a_limit_for_each(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *sock;
	struct sim_peer p, q;
	struct sim_seg seg;
	int i;

	toytcp_net(&init_net)->sysctl.challenge_ack_limit = 10;
	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_init(&q, SIM_PORT_A);
	q.port = SIM_PORT_PEER + 1;
	KUNIT_ASSERT_NOT_NULL(test, sim_peer_connects(test, &p, listener));
	sock = sim_peer_connects(test, &q, listener);
	KUNIT_ASSERT_NOT_NULL(test, sock);
	sim_run(SIM_S);
	for (i = 0; i < 100; i++) {
		seg = sim_peer_seg(&p, TOYTCP_RST, 0);
		seg.seq += 1 + i;
		sim_inject(&seg);
	}
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
	sim_inbox_clear();
	seg = sim_peer_seg(&q, TOYTCP_SYN, 0);
	sim_inject(&seg);
	SIM_EXPECT(test, &q, TOYTCP_ACK, 1, 1, 0);
}

static struct kunit_case rfc9293_cases[] = {
	KUNIT_CASE(must_8__isn_has_a_clock),
	KUNIT_CASE(must_9__isn_is_a_keyed_hash),
	KUNIT_CASE(must_14__mss_both_ways),
	KUNIT_CASE(must_16__effective_mss),
	KUNIT_CASE(must_28__two_hours),
	KUNIT_CASE(must_34__window_shrinks),
	KUNIT_CASE(must_41__listen_leaves_others_alone),
	KUNIT_CASE(must_42__listen_beside_syn_sent),
	KUNIT_CASE(must_59__one_ack_for_all),
	KUNIT_CASE(must_65__mss_on_syns_only),
	KUNIT_CASE(must_66__reset_at_a_closed_window),
	KUNIT_CASE(shld_2__reset_with_text),
	KUNIT_CASE(shld_11__defaults_last_100_s),
	KUNIT_CASE(may_8__window_closed_for_a_day),
	KUNIT_CASE(rfc2018_4__not_without_permission),
	KUNIT_CASE(rfc5961_5_2__range_of_acks),
	KUNIT_CASE(rfc5961_7__a_limit_for_each),
	KUNIT_CASE(rfc7323_2_2__syn_window_is_not_scaled),
	KUNIT_CASE(rfc7323_3_2__a_timestamp_is_missing),
	KUNIT_CASE(rfc7323_3_2__not_agreed_on),
	KUNIT_CASE(rfc7323_5_2__reset_has_a_timestamp),
	KUNIT_CASE(rfc7323_7_1__offset_is_a_keyed_hash),
	{}
};

static struct kunit_suite rfc9293_suite = {
	.name = "toytcp_rfc9293",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = rfc9293_cases,
};

kunit_test_suites(&rfc9293_suite);
