// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/output.c: how a stream is cut, what waits, what a closed
 * window does.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

#define MSS	1000u

struct out {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open_with(struct kunit *test, struct out *o, u16 wnd, int rcvbuf)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->p.syn.mss = MSS;
	o->p.wnd = wnd;
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	if (rcvbuf) {
		o->listener->sk->sk_rcvbuf = rcvbuf;
		o->listener->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	}
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

static void open(struct kunit *test, struct out *o, u16 wnd)
{
	open_with(test, o, wnd, 0);
}

/* the peer has the first @n bytes */
static void ack(struct out *o, u32 n)
{
	o->p.rcv_nxt = o->p.irs + 1 + n;
	sim_peer_send(&o->p, TOYTCP_ACK, 0);
}

/* the next segment in the inbox, its bytes compared with the stream */
static const struct sim_seg *data(struct kunit *test, struct out *o, u32 at, u32 len)
{
	const struct sim_seg *seg = sim_next();

	KUNIT_EXPECT_NOT_NULL_MSG(test, seg, "nothing was sent, not byte %u", at);
	if (!seg)
		return NULL;
	KUNIT_EXPECT_EQ(test, seg->seq - o->p.irs - 1, at);
	KUNIT_EXPECT_EQ_MSG(test, seg->len, len, "at %u", at);
	KUNIT_EXPECT_MEMEQ_MSG(test, seg->data, sim_bytes(at), seg->len, "at %u", at);
	return seg;
}

static void output_push__cuts_at_mss(struct kunit *test)
{
	static const u32 sizes[] = { 1, 999, 1000, 1001, 2000, 2001, 5500 };
	const struct sim_seg *seg;
	struct out o;
	u32 i, at, gso;

	for (gso = 0; gso < 2; gso++) {
		sim.gso = gso;
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			open(test, &o, 65535);
			KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, sizes[i]), sizes[i]);
			for (at = 0; at + MSS <= sizes[i]; at += MSS) {
				seg = data(test, &o, at, MSS);
				if (seg && at + MSS == sizes[i])
					KUNIT_EXPECT_TRUE(test, seg->flags & TOYTCP_PSH);
			}
			/* Nagle with Minshall's variant: one odd end does not wait */
			if (at < sizes[i]) {
				seg = data(test, &o, at, sizes[i] - at);
				if (seg)
					KUNIT_EXPECT_TRUE(test, seg->flags & TOYTCP_PSH);
			}
			SIM_EXPECT_NONE(test);
			sim_drain(test);
		}
	}
}

/* RFC 6928: ten segments, then as many more as were acknowledged, twice */
static void output_push__initial_window(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	o.sock->sk->sk_sndbuf = 1 << 20;
	KUNIT_ASSERT_EQ(test, sim_write(o.sock, 0, 40000), 40000);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 10);
	sim_inbox_clear();
	ack(&o, 4000);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 8);
}

static void output_push__nagle(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	sim_write(o.sock, 0, 10);
	data(test, &o, 0, 10);
	/* small ones wait, and go together */
	sim_write(o.sock, 10, 10);
	sim_write(o.sock, 20, 10);
	SIM_EXPECT_NONE(test);
	ack(&o, 10);
	data(test, &o, 10, 20);
	/* a full one does not wait */
	sim_write(o.sock, 30, 1500);
	data(test, &o, 30, 1000);
	SIM_EXPECT_NONE(test);
	/* TCP_NODELAY: nothing waits */
	ack(&o, 1030);
	data(test, &o, 1030, 500);
	o.ts->nodelay = 1;
	sim_write(o.sock, 1530, 10);
	data(test, &o, 1530, 10);
	sim_write(o.sock, 1540, 10);
	data(test, &o, 1540, 10);
}

/* the FIN takes what waits with it */
static void output_fin__with_the_last_data(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	sim_write(o.sock, 0, 10);
	data(test, &o, 0, 10);
	sim_write(o.sock, 10, 10);
	SIM_EXPECT_NONE(test);
	kernel_sock_shutdown(o.sock, SHUT_WR);
	SIM_EXPECT(test, &o.p, TOYTCP_FIN | TOYTCP_ACK, 11, 1, 10);
	SIM_EXPECT_NONE(test);
}

/* a closed window: one probe after the other, each after twice the time */
static void output_probe__backs_off(struct kunit *test)
{
	struct out o;
	u64 wait;
	int i;

	open(test, &o, 2000);
	sim_write(o.sock, 0, 5000);
	data(test, &o, 0, 1000);
	data(test, &o, 1000, 1000);
	SIM_EXPECT_NONE(test);
	o.p.wnd = 0;
	sim_run(10 * SIM_MS);
	ack(&o, 2000);
	SIM_EXPECT_NONE(test);
	wait = o.ts->rtt.rto_us;
	for (i = 0; i < 12; i++) {
		const struct sim_seg *seg;

		sim_run(wait - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		seg = sim_next();
		KUNIT_ASSERT_NOT_NULL_MSG(test, seg, "no probe %d after %llu us", i, wait);
		KUNIT_EXPECT_LE(test, seg->len, 1);
		KUNIT_EXPECT_TRUE(test, seq_leq(seg->seq + seg->len, o.p.rcv_nxt + 1));
		SIM_EXPECT_NONE(test);
		/* answered, still closed: it goes on for ever (MUST-37), slower (SHLD-30) */
		ack(&o, 2000);
		wait = min_t(u64, 2 * wait, TOYTCP_RTO_MAX_US);
	}
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
	/* it opens */
	o.p.wnd = 65535;
	ack(&o, 2000);
	data(test, &o, 2000, 1000);
	data(test, &o, 3000, 1000);
	data(test, &o, 4000, 1000);
	ack(&o, 5000);
	KUNIT_EXPECT_EQ(test, sim.n_timers, 0);
}

/* a closed window and a peer that has gone: probes end with ETIMEDOUT */
static void output_probe__gives_up(struct kunit *test)
{
	struct out o;
	u32 n = 0;

	toytcp_net(&init_net)->sysctl.retries2 = 6;
	open(test, &o, 0);
	sim_write(o.sock, 0, 100);
	SIM_EXPECT_NONE(test);
	while (n < 100 && o.sock->sk->sk_state != TCP_CLOSE && sim_step()) {
		n += sim_inbox_count();
		sim_inbox_clear();
	}
	KUNIT_EXPECT_EQ(test, n, 6);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), ETIMEDOUT);
}

/* RFC 9293 3.8.6.2.1: no small segment because the window is small */
static void output_push__sender_avoids_silly_windows(struct kunit *test)
{
	struct out o;

	open(test, &o, 8000);
	o.sock->sk->sk_sndbuf = 1 << 20;
	sim_write(o.sock, 0, 20000);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 8);
	sim_inbox_clear();
	/* the peer read 100 bytes at a time: the window never has room for a segment */
	o.p.wnd = 100;
	ack(&o, 8000);
	SIM_EXPECT_NONE(test);
	o.p.wnd = 999;
	ack(&o, 8000);
	SIM_EXPECT_NONE(test);
	o.p.wnd = 1000;
	ack(&o, 8000);
	data(test, &o, 8000, 1000);
	SIM_EXPECT_NONE(test);
	/* rule 4: the override timeout sends what fits */
	o.p.wnd = 300;
	ack(&o, 9000);
	SIM_EXPECT_NONE(test);
	sim_run(5 * SIM_S);
	data(test, &o, 9000, 300);
}

/* the receiver opens its window in steps of a segment or half the buffer */
static void output_window__receiver_avoids_silly_windows(struct kunit *test)
{
	const struct sim_seg *seg;
	struct out o;
	u32 sent = 0, read = 0, edge, updates = 0;

	open_with(test, &o, 65535, 32768);
	/* until nothing more fits */
	while (toytcp_rcv_wnd_left(o.ts) && sent < 100000) {
		u32 n = min(toytcp_rcv_wnd_left(o.ts), MSS);

		sim_peer_send(&o.p, TOYTCP_ACK, n);
		sent += n;
		sim_run(TOYTCP_DELACK_US);
	}
	KUNIT_EXPECT_EQ(test, toytcp_rcv_wnd_left(o.ts), 0);
	KUNIT_EXPECT_EQ(test, o.ts->rcv_nxt, o.p.snd_nxt);
	sim_inbox_clear();
	edge = o.p.snd_nxt;
	while (read < sent) {
		int n = sim_read_check(o.sock, read, 50);

		KUNIT_ASSERT_GT(test, n, 0);
		read += n;
		while ((seg = sim_next())) {
			u32 opened = seg->ack + seg->wnd - edge;

			KUNIT_EXPECT_GE(test, opened, min(MSS, 16384 / 2));
			edge += opened;
			updates++;
		}
	}
	KUNIT_EXPECT_GE(test, updates, 1);
	KUNIT_EXPECT_LE(test, updates, 20);
	/* of the buffer, half or what segments weighed; the last doubling may be due */
	KUNIT_EXPECT_GT(test, toytcp_rcv_wnd_left(o.ts), 7000);
}

/*
 * A buffer that the congestion window cuts waits for the next ACK rather than
 * go in pieces for ever, but only once that is due.
 */
static void output_push__pieces_grow_together(struct kunit *test)
{
	struct out o;
	u32 at = 0;

	sim.gso = true;
	open(test, &o, 65535);
	o.ts->cong.cwnd_segs = 10;
	o.ts->rtt.srtt_us8 = 8 * 10000;
	sim_write(o.sock, 0, 60000);
	for (; at < 10000; at += MSS)
		data(test, &o, at, MSS);
	SIM_EXPECT_NONE(test);
	/* the next ACK is far: what there is room for goes */
	o.ts->cong.cwnd_segs = 12;
	toytcp_output_push(o.sock->sk, TOYTCP_PUSH_NAGLE);
	for (; at < 12000; at += MSS)
		data(test, &o, at, MSS);
	/* it is near: for two segments of twelve it waits */
	o.ts->rtt.srtt_us8 = 8 * 1500;
	sim.now_us += 900;
	o.ts->cong.cwnd_segs = 14;
	toytcp_output_push(o.sock->sk, TOYTCP_PUSH_NAGLE);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_TRUE(test, o.ts->cwnd_limited);
	o.ts->cong.cwnd_segs = 20;
	toytcp_output_push(o.sock->sk, TOYTCP_PUSH_NAGLE);
	for (; at < 20000; at += MSS)
		data(test, &o, at, MSS);
	SIM_EXPECT_NONE(test);
}

/* RFC 7323: every segment has a timestamp, RST may go without; ts_recent is echoed */
static void output__timestamps(struct kunit *test)
{
	const struct sim_seg *seg;
	struct out o;

	memset(&o, 0, sizeof(o));
	sim_peer_init(&o.p, SIM_PORT_A);
	o.p.syn.mss = MSS;
	o.p.syn.has_ts = 1;
	o.p.ts = true;
	o.listener = sim_listen(test, SIM_PORT_A, 4);
	o.sock = sim_peer_connects(test, &o.p, o.listener);
	KUNIT_EXPECT_EQ(test, sim_ts(o.sock)->mss, MSS - 12);
	o.p.tsval += 20;	/* over the wrap */
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_ts);
	KUNIT_EXPECT_EQ(test, seg->opt.tsecr, o.p.tsval);
	KUNIT_EXPECT_EQ(test, seg->opt.tsval, toytcp_ts_now(sim.ts_offset));
	sim_run(7 * SIM_MS);
	sim_write(o.sock, 0, 2 * (MSS - 12));
	seg = data(test, &o, 0, MSS - 12);
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->opt.tsval, toytcp_ts_now(sim.ts_offset));
	data(test, &o, MSS - 12, MSS - 12);
}

/* close with unread data: the peer learns that they were lost (RFC 2525 2.17) */
static void output_reset__on_close_with_unread_data(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	sim_inbox_clear();
	sim_close(o.sock);
	SIM_EXPECT(test, &o.p, TOYTCP_RST | TOYTCP_ACK, 1, 11, 0);
	SIM_EXPECT_NONE(test);
}

static void output_reset__abort(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	sim_abort(o.sock);
	SIM_EXPECT(test, &o.p, TOYTCP_RST | TOYTCP_ACK, 1, 1, 0);
	SIM_EXPECT_NONE(test);
}

/* a segment that the lower edge refuses is not lost for good */
static void output_push__lower_edge_refuses(struct kunit *test)
{
	struct out o;

	open(test, &o, 65535);
	sim.xmit_err = -ENOBUFS;
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 1500), 1500);
	SIM_EXPECT_NONE(test);
	sim.xmit_err = 0;
	sim_run(SIM_S);
	KUNIT_EXPECT_GT(test, sim_inbox_count(), 0);
	data(test, &o, 0, 1000);
	sim_inbox_clear();
	ack(&o, 1000);
	sim_run(SIM_S);
	data(test, &o, 1000, 500);
}

/* ---- TCP_CORK, MSG_MORE, as Linux ---- */

/* whole segments go, the rest waits, NODELAY or not, until the cork is pulled */
static void output_cork__holds_the_rest(struct kunit *test)
{
	struct out o;

	open(test, &o, 65000);
	sim_set_option(test, o.sock, TCP_NODELAY, 1);
	sim_set_option(test, o.sock, TCP_CORK, 1);
	sim_write(o.sock, 0, 300);
	SIM_EXPECT_NONE(test);
	sim_write(o.sock, 300, 1000);
	data(test, &o, 0, MSS);
	ack(&o, 1000);
	SIM_EXPECT_NONE(test);
	sim_set_option(test, o.sock, TCP_CORK, 0);
	data(test, &o, 1000, 300);
	SIM_EXPECT_NONE(test);
}

/* no longer than the probe timer, about 200 ms */
static void output_cork__ceiling(struct kunit *test)
{
	struct out o;
	u64 began;

	open(test, &o, 65000);
	sim_set_option(test, o.sock, TCP_CORK, 1);
	sim_write(o.sock, 0, 300);
	began = sim.now_us;
	while (!sim_inbox_count() && sim_step())
		;
	KUNIT_EXPECT_GE(test, sim.now_us - began, 200 * SIM_MS);
	KUNIT_EXPECT_LE(test, sim.now_us - began, 300 * SIM_MS);
	data(test, &o, 0, 300);
}

/* close() pulls it */
static void output_cork__close(struct kunit *test)
{
	const struct sim_seg *seg;
	struct out o;

	open(test, &o, 65000);
	sim_set_option(test, o.sock, TCP_CORK, 1);
	sim_write(o.sock, 0, 300);
	SIM_EXPECT_NONE(test);
	sim_close(o.sock);
	seg = data(test, &o, 0, 300);
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_TRUE(test, seg->flags & TOYTCP_FIN);
}

/* setting TCP_NODELAY pushes once, even through a cork */
static void output_cork__nodelay_pushes(struct kunit *test)
{
	struct out o;

	open(test, &o, 65000);
	sim_set_option(test, o.sock, TCP_CORK, 1);
	sim_write(o.sock, 0, 300);
	SIM_EXPECT_NONE(test);
	sim_set_option(test, o.sock, TCP_NODELAY, 1);
	data(test, &o, 0, 300);
	sim_write(o.sock, 300, 300);
	SIM_EXPECT_NONE(test);
}

static int write_more(struct socket *sock, u32 offset, u32 len, int flags)
{
	struct kvec iov = { (void *)sim_bytes(offset), len };
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | flags };

	return kernel_sendmsg(sock, &msg, &iov, 1, len);
}

/* one message of several calls is one segment */
static void output_more__joins(struct kunit *test)
{
	const struct sim_seg *seg;
	struct out o;

	open(test, &o, 65000);
	KUNIT_EXPECT_EQ(test, write_more(o.sock, 0, 100, MSG_MORE), 100);
	KUNIT_EXPECT_EQ(test, write_more(o.sock, 100, 100, MSG_MORE), 100);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, write_more(o.sock, 200, 100, 0), 100);
	seg = data(test, &o, 0, 300);
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_TRUE(test, seg->flags & TOYTCP_PSH);
	SIM_EXPECT_NONE(test);
}

/* ---- TCP_WINDOW_CLAMP ---- */

static void output_window_clamp__offers_no_more(struct kunit *test)
{
	const struct sim_seg *seg;
	struct out o;
	int i;

	open(test, &o, 65000);
	sim_set_option(test, o.sock, TCP_WINDOW_CLAMP, 5000);
	for (i = 0; i < 100; i++) {
		sim_peer_send(&o.p, TOYTCP_ACK, 1000);
		KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 1000 * i, 1000), 1000);
		sim_run(SIM_S);
	}
	while ((seg = sim_next()))
		;
	KUNIT_EXPECT_LE(test, o.ts->rcv_wnd, 5000);
	KUNIT_EXPECT_GE(test, o.ts->rcv_wnd, 4000);
}

static struct kunit_case output_cases[] = {
	KUNIT_CASE(output_cork__holds_the_rest),
	KUNIT_CASE(output_cork__ceiling),
	KUNIT_CASE(output_cork__close),
	KUNIT_CASE(output_cork__nodelay_pushes),
	KUNIT_CASE(output_more__joins),
	KUNIT_CASE(output_window_clamp__offers_no_more),
	KUNIT_CASE(output_push__cuts_at_mss),
	KUNIT_CASE(output_push__initial_window),
	KUNIT_CASE(output_push__nagle),
	KUNIT_CASE(output_push__sender_avoids_silly_windows),
	KUNIT_CASE(output_push__lower_edge_refuses),
	KUNIT_CASE(output_fin__with_the_last_data),
	KUNIT_CASE(output_probe__backs_off),
	KUNIT_CASE(output_probe__gives_up),
	KUNIT_CASE(output_push__pieces_grow_together),
	KUNIT_CASE(output_window__receiver_avoids_silly_windows),
	KUNIT_CASE(output__timestamps),
	KUNIT_CASE(output_reset__on_close_with_unread_data),
	KUNIT_CASE(output_reset__abort),
	{}
};

static struct kunit_suite output_suite = {
	.name = "toytcp_output",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = output_cases,
};

kunit_test_suites(&output_suite);
