// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of buffers that are many segments: acknowledged, SACKed and lost in the
 * middle, sent again (scoreboard.c, sendq.c, recovery.c), and silly window avoidance
 * with them (output.c, rwnd.c, input.c).
 *
 * The socket sends to a raw peer that announced an MSS of 1000. Its first write is one
 * buffer of ten segments, which crosses the wrap in its first one. Numbers below
 * are bytes of the stream, from 0.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/ipv4.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

#define MSS	1000u
#define RTT	(40 * SIM_MS)
#define SEGS	10u

struct flight {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
	char queue[256];	/* what rtx_queue() wrote */
};

static void open(struct kunit *test, struct flight *f, u16 wnd)
{
	memset(f, 0, sizeof(*f));
	sim.gso = true;
	sim_peer_init(&f->p, SIM_PORT_A);
	f->p.syn.mss = MSS;
	f->p.syn.sack_perm = 1;
	f->p.wnd = wnd;
	f->listener = sim_listen(test, SIM_PORT_A, 4);
	f->sock = sim_peer_connects(test, &f->p, f->listener);
	f->ts = sim_ts(f->sock);
	/* the windows below are Reno's */
	toytcp_cong_switch(&f->ts->cong, &toytcp_cong_reno);
	f->sock->sk->sk_sndbuf = 1 << 20;
	f->sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	/* a path of 40 ms, on which nobody probes the tail, and so fast that buffers are large */
	toytcp_rtt_init(&f->ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US, TOYTCP_RTO_MAX_US);
	toytcp_rtt_sample(&f->ts->rtt, RTT);
	toytcp_net(&init_net)->sysctl.early_retrans = 0;
	f->sock->sk->sk_pacing_rate = ~0ul;
	sim_run(100 * SIM_MS);
}

/* the next segments in the inbox, without the FIN: one after the other from @at to @end */
static void expect(struct kunit *test, struct flight *f, u32 at, u32 end)
{
	while (at < end) {
		u32 len = min(end - at, MSS);
		const struct sim_seg *seg = sim_next();

		KUNIT_ASSERT_NOT_NULL_MSG(test, seg, "nothing was sent, not byte %u", at);
		KUNIT_EXPECT_EQ(test, seg->seq - f->p.irs - 1, at);
		KUNIT_EXPECT_EQ_MSG(test, seg->len, len, "at %u", at);
		KUNIT_EXPECT_MEMEQ_MSG(test, seg->data, sim_bytes(at), seg->len, "at %u", at);
		at += len;
	}
}

/* what is on its way, "at+bytes/segments" a buffer; (S)ACKed, (L)ost, (R)etransmitted */
static const char *rtx_queue(struct flight *f)
{
	size_t n = 0, size = sizeof(f->queue);
	struct rb_node *node;

	f->queue[0] = '\0';
	for (node = rb_first(&f->ts->rtx_queue); node; node = rb_next(node)) {
		const struct sk_buff *skb = rb_to_skb(node);
		const struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		n += scnprintf(f->queue + n, size - n, "%s%u+%u/%u%s%s%s", n ? " " : "",
			       cb->seq - f->p.irs - 1, skb->len, cb->segs,
			       cb->mark & TOYTCP_SKB_SACKED ? "S" : "",
			       cb->mark & TOYTCP_SKB_LOST ? "L" : "",
			       cb->mark & TOYTCP_SKB_RETRANS ? "R" : "");
		/* and what the device is told says the same */
		if (skb_shinfo(skb)->gso_size != (cb->segs > 1 ? MSS : 0) ||
		    skb_shinfo(skb)->gso_segs != (cb->segs > 1 ? cb->segs : 0))
			n += scnprintf(f->queue + n, size - n, "!");
	}
	return f->queue;
}

#define EXPECT_QUEUE(test, f, want)					\
	do {								\
		const char *__wrong = sim_check((f)->sock->sk);		\
									\
		KUNIT_EXPECT_STREQ(test, rtx_queue(f), want);		\
		KUNIT_EXPECT_TRUE_MSG(test, !__wrong, "%s", __wrong ?: "");	\
	} while (0)

/* one buffer of ten segments on its way for a round trip */
static void fly(struct kunit *test, struct flight *f)
{
	open(test, f, 65535);
	KUNIT_ASSERT_EQ(test, sim_write(f->sock, 0, SEGS * MSS), SEGS * MSS);
	expect(test, f, 0, SEGS * MSS);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, f, "0+10000/10");
	sim_run(RTT);
}

/* the peer has the first @n bytes, and [from, to) */
static void ack(struct flight *f, u32 n, u32 from, u32 to)
{
	struct sim_seg seg;

	f->p.rcv_nxt = f->p.irs + 1 + n;
	seg = sim_peer_seg(&f->p, TOYTCP_ACK, 0);
	if (to > from) {
		seg.opt.n_sacks = 1;
		seg.opt.sacks[0].start = f->p.irs + 1 + from;
		seg.opt.sacks[0].end = f->p.irs + 1 + to;
	}
	sim_inject(&seg);
}

/* ---- an ACK that ends within a buffer ---- */

static const struct middle {
	u32 acked, from, to;	/* bytes */
	u32 segs;		/* whole ones that the ACK reports */
	u32 out, sacked;
	const char *queue;
} middles[] = {
	{ 4000, 0, 0, 4, 6, 0, "4000+6000/6" },
	{ 4500, 0, 0, 4, 6, 0, "4500+5500/6" },
	{ 4001, 0, 0, 4, 6, 0, "4001+5999/6" },
	{ 1000, 0, 0, 1, 9, 0, "1000+9000/9" },
	{ 9999, 0, 0, 9, 1, 0, "9999+1/1" },
	/* no segment is through: neither a sample, nor room for another one */
	{ 1, 0, 0, 0, 10, 0, "1+9999/10" },
	{ 999, 0, 0, 0, 10, 0, "999+9001/10" },
	/* SACK tells of whole segments */
	{ 0, 3000, 7000, 4, 10, 4, "0+3000/3 3000+4000/4S 7000+3000/3" },
	{ 0, 9000, 10000, 1, 10, 1, "0+9000/9 9000+1000/1S" },
	{ 0, 3500, 7500, 3, 10, 3, "0+4000/4 4000+3000/3S 7000+3000/3" },
	{ 0, 3001, 4999, 0, 10, 0, "0+4000/4 4000+6000/6" },
	{ 0, 1, 10000, 9, 10, 9, "0+1000/1 1000+9000/9S" },
	/* both */
	{ 2500, 5000, 6000, 3, 8, 1, "2500+2500/3 5000+1000/1S 6000+4000/4" },
};

static void middle_desc(const struct middle *m, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u, SACK %u to %u", m->acked, m->from, m->to);
}

KUNIT_ARRAY_PARAM(middle, middles, middle_desc);

static void scoreboard__ack_within_a_buffer(struct kunit *test)
{
	const struct middle *m = test->param_value;
	struct flight f;
	u32 delivered;

	fly(test, &f);
	delivered = f.ts->delivered;
	f.ts->rtt.last_us = 1;
	/* what is missing may come yet: nothing is sent again */
	f.ts->rack.reordering_seen = true;
	sim_run(5 * SIM_MS);
	ack(&f, m->acked, m->from, m->to);
	EXPECT_QUEUE(test, &f, m->queue);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, m->out);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out, m->sacked);
	KUNIT_EXPECT_EQ(test, f.ts->delivered - delivered, m->segs);
	KUNIT_EXPECT_EQ(test, f.ts->rtt.last_us, m->segs ? RTT + 5 * SIM_MS : 1);
	/* the other half was sent when the whole was */
	if (m->acked && m->segs && m->out && !m->sacked) {
		sim_run(SIM_MS);
		ack(&f, SEGS * MSS, 0, 0);
		KUNIT_EXPECT_EQ(test, f.ts->rtt.last_us, RTT + 6 * SIM_MS);
	}
	ack(&f, SEGS * MSS, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out + f.ts->lost_out, 0);
	/* however it was told, ten segments were delivered */
	KUNIT_EXPECT_EQ(test, f.ts->delivered - delivered, SEGS);
}

/*
 * RFC 5681 3.1, ACK division: the window grows by what was acknowledged, into however
 * many ACKs that is cut; with a large buffer and without
 */
static void scoreboard_clean__ack_division(struct kunit *test)
{
	static const u32 steps[] = { 10000, 1000, 500, 333, 7 };
	struct flight f;
	u32 i, at, delivered;

	for (i = 0; i < 2 * ARRAY_SIZE(steps); i++) {
		open(test, &f, 65535);
		if (i & 1) {
			sim.gso = false;
			toytcp_ipv4_route(f.sock->sk);
		}
		sim_write(f.sock, 0, SEGS * MSS);
		expect(test, &f, 0, SEGS * MSS);
		sim_run(RTT);
		KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, SEGS);
		f.ts->cwnd_limited = true;
		delivered = f.ts->delivered;
		for (at = 0; at < SEGS * MSS;) {
			at = min(at + steps[i / 2], SEGS * MSS);
			ack(&f, at, 0, 0);
			KUNIT_EXPECT_LE_MSG(test, f.ts->cong.cwnd_segs, SEGS + at / MSS,
					    "%u a step, at %u", steps[i / 2], at);
		}
		KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, 2 * SEGS);
		KUNIT_EXPECT_EQ(test, f.ts->delivered - delivered, SEGS);
		KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
		sim_drain(test);
	}
}

/* what a device still holds goes out as it was, whatever is cut meanwhile */
static void sendq_split__clone_keeps_its_shape(struct kunit *test)
{
	struct sk_buff *below;
	struct flight f;
	u8 *bytes;

	fly(test, &f);
	below = skb_clone(rb_to_skb(rb_first(&f.ts->rtx_queue)), GFP_KERNEL);
	bytes = kunit_kmalloc(test, SEGS * MSS, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, below);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	ack(&f, 2500, 5000, 6000);
	EXPECT_QUEUE(test, &f, "2500+2500/3 5000+1000/1S 6000+4000/4");
	KUNIT_EXPECT_EQ(test, below->len, SEGS * MSS);
	KUNIT_EXPECT_EQ(test, skb_shinfo(below)->gso_size, MSS);
	KUNIT_EXPECT_EQ(test, skb_shinfo(below)->gso_segs, SEGS);
	KUNIT_EXPECT_EQ(test, skb_copy_bits(below, 0, bytes, SEGS * MSS), 0);
	KUNIT_EXPECT_MEMEQ(test, bytes, sim_bytes(0), SEGS * MSS);
	kfree_skb(below);
}

/* the ACK of all bytes but not of the FIN behind them: one byte stays, to carry it */
static void scoreboard_clean__all_but_the_fin(struct kunit *test)
{
	const struct sim_seg *seg;
	struct flight f;

	open(test, &f, 0);
	sim_write(f.sock, 0, 9500);
	kernel_sock_shutdown(f.sock, SHUT_WR);
	SIM_EXPECT_NONE(test);
	f.p.wnd = 65535;
	ack(&f, 0, 0, 0);
	EXPECT_QUEUE(test, &f, "0+9500/10");
	expect(test, &f, 0, 9000);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->len, 500);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_FIN | TOYTCP_PSH | TOYTCP_ACK);
	sim_run(RTT);
	ack(&f, 9500, 0, 0);
	EXPECT_QUEUE(test, &f, "9499+1/1");
	KUNIT_EXPECT_EQ(test, f.sock->sk->sk_state, TCP_FIN_WAIT1);
	sim_run(f.ts->rtt.rto_us);
	SIM_EXPECT(test, &f.p, TOYTCP_FIN | TOYTCP_ACK, 9500, 1, 1);
	SIM_EXPECT_NONE(test);
	ack(&f, 9501, 0, 0);
	KUNIT_EXPECT_EQ(test, f.sock->sk->sk_state, TCP_FIN_WAIT2);
	EXPECT_QUEUE(test, &f, "");
}

/* ---- parts that are lost ---- */

/* the middle of a buffer is lost: that goes again, segment by segment, and nothing else */
static void recovery__middle_of_a_buffer_lost(struct kunit *test)
{
	struct flight f;

	fly(test, &f);
	/* 3, 4 and 5 are missing; what came before says nothing yet */
	ack(&f, 3000, 0, 0);
	EXPECT_QUEUE(test, &f, "3000+7000/7");
	SIM_EXPECT_NONE(test);
	ack(&f, 3000, 6000, 10000);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	expect(test, &f, 3000, 6000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "3000+1000/1LR 4000+1000/1LR 5000+1000/1LR 6000+4000/4S");
	KUNIT_EXPECT_EQ(test, f.ts->total_retrans, 3);
	KUNIT_EXPECT_EQ(test, f.ts->bytes_retrans, 3000);
	/* they arrive, the ACK in the middle of one: no sample of what was sent twice (Karn) */
	f.ts->rtt.last_us = 1;
	sim_run(RTT);
	ack(&f, 4500, 6000, 10000);
	EXPECT_QUEUE(test, &f, "4500+500/1LR 5000+1000/1LR 6000+4000/4S");
	KUNIT_EXPECT_EQ(test, f.ts->rtt.last_us, 1);
	SIM_EXPECT_NONE(test);
	ack(&f, 10000, 0, 0);
	EXPECT_QUEUE(test, &f, "");
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out + f.ts->retrans_out + f.ts->sacked_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->total_retrans, 3);
	SIM_EXPECT_NONE(test);
}

/*
 * All of a buffer has one time of transmission, so its order tells what was sent before what:
 * what is behind the SACKed part is not lost
 */
static void rack_detect__end_of_a_buffer_waits(struct kunit *test)
{
	struct flight f;

	fly(test, &f);
	ack(&f, 0, 2000, 6000);
	/* five is the window: the four behind it count still */
	expect(test, &f, 0, 1000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "0+1000/1LR 1000+1000/1L 2000+4000/4S 6000+4000/4");
	/* until something behind them, too, is there */
	sim_run(SIM_MS);
	ack(&f, 0, 8000, 9000);
	expect(test, &f, 1000, 2000);
	expect(test, &f, 6000, 8000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f,
		     "0+1000/1LR 1000+1000/1LR 2000+4000/4S 6000+1000/1LR 7000+1000/1LR 8000+1000/1S 9000+1000/1");
}

/* a timeout sends one segment of what is lost, then slow start the rest */
static void recovery_rto__large_buffer(struct kunit *test)
{
	struct flight f;

	fly(test, &f);
	sim_run(f.ts->rtt.rto_us - RTT);
	expect(test, &f, 0, 1000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "0+1000/1LR 1000+9000/9L");
	KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, 1);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 5);
	ack(&f, 1000, 0, 0);
	expect(test, &f, 1000, 3000);
	SIM_EXPECT_NONE(test);
	/* an ACK within what was sent again: from there on the rest of it is still out */
	ack(&f, 2500, 0, 0);
	expect(test, &f, 3000, 5000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "2500+500/1LR 3000+1000/1LR 4000+1000/1LR 5000+5000/5L");
	sim_run(toytcp_rtt_timeout_us(&f.ts->rtt));
	/* and that goes again, no byte of what is acknowledged */
	expect(test, &f, 2500, 3000);
	SIM_EXPECT_NONE(test);
	ack(&f, 10000, 0, 0);
	EXPECT_QUEUE(test, &f, "");
	KUNIT_EXPECT_EQ(test, f.ts->lost_out + f.ts->retrans_out, 0);
}

/* the path carries less than it did: what is lost goes again in smaller segments */
static void output_retransmit__smaller_segments(struct kunit *test)
{
	struct flight f;

	fly(test, &f);
	f.ts->mss = 600;
	ack(&f, 0, 2000, 10000);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1, 600);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 601, 1, 600);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1201, 1, 600);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1801, 1, 200);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_NULL(test, sim_check(f.sock->sk));
	ack(&f, 10000, 0, 0);
	EXPECT_QUEUE(test, &f, "");
}

/* a window that shrank below what is sent again (RFC 9293 3.8.6): no byte outside of it */
static void output_retransmit__smaller_window(struct kunit *test)
{
	struct flight f;

	fly(test, &f);
	f.p.wnd = 1500;
	ack(&f, 1000, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->snd_wnd, 1500);
	SIM_EXPECT_NONE(test);
	ack(&f, 1000, 7000, 10000);
	expect(test, &f, 1000, 2000);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 2001, 1, 500);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "1000+1000/1LR 2000+500/1LR 2500+4500/5L 7000+3000/3S");
}

/* ---- silly windows ---- */

/* RFC 9293 3.8.6.2.1: whole segments only, however large the buffer and odd the window */
static void output_push__odd_window(struct kunit *test)
{
	struct flight f;

	open(test, &f, 5500);
	f.ts->cong.cwnd_segs = 100;
	f.ts->nodelay = 1;
	sim_write(f.sock, 0, 20000);
	expect(test, &f, 0, 5000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "0+5000/5");
	f.p.wnd = 5999;
	ack(&f, 0, 0, 0);
	SIM_EXPECT_NONE(test);
	f.p.wnd = 6000;
	ack(&f, 0, 0, 0);
	expect(test, &f, 5000, 6000);
	SIM_EXPECT_NONE(test);
	/* an ACK in the middle of a segment moves the edge by as little */
	f.p.wnd = 4700;
	ack(&f, 2500, 0, 0);
	expect(test, &f, 6000, 7000);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "2500+2500/3 5000+1000/1 6000+1000/1");
	/* all is there, and the window is smaller than a segment */
	f.p.wnd = 900;
	ack(&f, 7000, 0, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	/* the end of the stream is no silly segment */
	f.p.wnd = 20000;
	ack(&f, 7000, 0, 0);
	expect(test, &f, 7000, 20000);
	SIM_EXPECT_NONE(test);
}

/* Nagle: the odd end of a large buffer waits as a small segment does */
static void output_push__odd_end_waits(struct kunit *test)
{
	struct flight f;

	open(test, &f, 65535);
	sim_write(f.sock, 0, 10);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1, 10);
	sim_write(f.sock, 10, 4500);
	expect(test, &f, 10, 4010);
	SIM_EXPECT_NONE(test);
	EXPECT_QUEUE(test, &f, "0+10/1 10+4000/4");
	/* the small one is through */
	ack(&f, 10, 0, 0);
	expect(test, &f, 4010, 4510);
	SIM_EXPECT_NONE(test);
}

/* the receiver's side: the peer sends aggregates, as GRO and hosts of one machine make them */
static void open_reader(struct kunit *test, struct flight *f, int rcvbuf)
{
	memset(f, 0, sizeof(*f));
	sim_peer_init(&f->p, SIM_PORT_A);
	f->p.syn.mss = 1460;
	f->p.syn.sack_perm = 1;
	f->p.syn.has_wscale = 1;
	f->p.wnd = 65535;
	f->listener = sim_listen(test, SIM_PORT_A, 4);
	f->listener->sk->sk_rcvbuf = rcvbuf;
	f->listener->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	f->sock = sim_peer_connects(test, &f->p, f->listener);
	f->ts = sim_ts(f->sock);
	f->ts->quickacks = 0;
}

/* @len bytes at @at in segments of MSS, as one buffer */
static void arrive(struct flight *f, u32 at, u32 len)
{
	struct sim_seg seg = sim_peer_seg(&f->p, TOYTCP_ACK, len);

	seg.seq = f->p.iss + 1 + at;
	seg.offset = at;
	seg.gso_size = MSS;
	sim_inject(&seg);
	f->p.snd_nxt = seq_max(f->p.snd_nxt, seg.seq + len);
}

/*
 * RFC 5681 4.2: an aggregate is as many segments as it holds, and one ACK. Where the
 * window waits for the program to read, so does that.
 */
static void ack_schedule__aggregate(struct kunit *test)
{
	const struct sim_seg *seg;
	struct flight f;
	u32 at;

	open_reader(test, &f, 1 << 20);
	/* one full segment, two, and forty-one */
	arrive(&f, 0, MSS);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->rcv_mss, MSS);
	KUNIT_EXPECT_EQ(test, sim_read_check(f.sock, 0, 2 * MSS), MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1 + MSS, 0);
	arrive(&f, MSS, 2 * MSS);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_read_check(f.sock, MSS, 4 * MSS), 2 * MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1 + 3 * MSS, 0);
	SIM_EXPECT_NONE(test);
	arrive(&f, 3 * MSS, 41 * MSS);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_read_check(f.sock, 3 * MSS, 60 * MSS), 41 * MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1 + 44 * MSS, 0);
	SIM_EXPECT_NONE(test);
	/* how long a segment is, not the buffer: what all of this goes by */
	KUNIT_EXPECT_EQ(test, f.ts->rcv_mss, MSS);
	KUNIT_EXPECT_EQ(test, f.ts->data_segs_in, 44);
	/* nobody reads, but the window need not wait for that: at once */
	arrive(&f, 44 * MSS, 60 * MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1 + 104 * MSS, 0);
	SIM_EXPECT_NONE(test);
	/* behind a gap: at once, with all of it in one block */
	arrive(&f, 105 * MSS, 20 * MSS);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->ack, f.p.iss + 1 + 104 * MSS);
	KUNIT_ASSERT_EQ(test, seg->opt.n_sacks, 1);
	KUNIT_EXPECT_EQ(test, seg->opt.sacks[0].start, f.p.iss + 1 + 105 * MSS);
	KUNIT_EXPECT_EQ(test, seg->opt.sacks[0].end, f.p.iss + 1 + 125 * MSS);
	SIM_EXPECT_NONE(test);
	/* what fills it overlaps both sides */
	arrive(&f, 103 * MSS, 4 * MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1 + 125 * MSS, 0);
	SIM_EXPECT_NONE(test);
	for (at = 44 * MSS; at < 125 * MSS; at += 1000)
		KUNIT_EXPECT_EQ(test, sim_read_check(f.sock, at, 1000), 1000);
}

/*
 * RFC 9293 3.8.6.2.2: aggregates of 64 KB fill the window, the program reads 100 bytes at a
 * time. The window's edge moves by no less than a segment, and an update goes when
 * the window has doubled; memory is free again only when a whole aggregate is read.
 */
static void rwnd_select__aggregates_and_a_slow_reader(struct kunit *test)
{
	u32 sent = 0, read = 0, edge, updates = 0;
	const struct sim_seg *seg;
	struct flight f;
	int n;

	open_reader(test, &f, 1 << 19);
	for (n = 0; n < 100 && toytcp_rcv_wnd_left(f.ts) >= MSS; n++) {
		u32 len = min(rounddown(toytcp_rcv_wnd_left(f.ts), MSS), 64 * MSS);

		arrive(&f, sent, len);
		sent += len;
		sim_run(TOYTCP_DELACK_US);
	}
	KUNIT_EXPECT_LT(test, toytcp_rcv_wnd_left(f.ts), MSS);
	KUNIT_EXPECT_EQ(test, f.ts->rcv_nxt, f.p.snd_nxt);
	KUNIT_EXPECT_GT(test, sent, 4 * 64 * MSS);
	sim_inbox_clear();
	edge = f.ts->rcv_wup + f.ts->rcv_wnd;
	while (read < sent) {
		n = sim_read_check(f.sock, read, 100);
		KUNIT_ASSERT_GT(test, n, 0);
		read += n;
		while ((seg = sim_next())) {
			u32 now = seg->ack + ((u32)seg->wnd << f.ts->rcv_wscale);

			KUNIT_EXPECT_GE(test, (s32)(now - edge), (s32)MSS);
			edge = now;
			updates++;
		}
	}
	KUNIT_EXPECT_GE(test, updates, 2);
	KUNIT_EXPECT_LE(test, updates, 4);
	KUNIT_EXPECT_EQ(test, f.ts->rcv_mss, MSS);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(scoreboard__ack_within_a_buffer, middle_gen_params),
	KUNIT_CASE(scoreboard_clean__ack_division),
	KUNIT_CASE(scoreboard_clean__all_but_the_fin),
	KUNIT_CASE(sendq_split__clone_keeps_its_shape),
	KUNIT_CASE(recovery__middle_of_a_buffer_lost),
	KUNIT_CASE(rack_detect__end_of_a_buffer_waits),
	KUNIT_CASE(recovery_rto__large_buffer),
	KUNIT_CASE(output_retransmit__smaller_segments),
	KUNIT_CASE(output_retransmit__smaller_window),
	KUNIT_CASE(output_push__odd_window),
	KUNIT_CASE(output_push__odd_end_waits),
	KUNIT_CASE(ack_schedule__aggregate),
	KUNIT_CASE(rwnd_select__aggregates_and_a_slow_reader),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_gso",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
