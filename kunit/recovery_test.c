// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/recovery.c: timeouts, fast retransmit, what is sent again
 * and what is not.
 *
 * The socket sends to a raw peer that announced an MSS of 1000, so segment n
 * (from 0) begins at sequence number 1 + 1000 * n. The stream crosses the wrap
 * in its first segment.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/ipv4.h"
#include "../module/netns.h"
#include "../module/recovery.h"
#include "../module/seq.h"
#include "sim.h"

#define MSS	1000u
#define RTT	(40 * SIM_MS)

static bool tlp;	/* loss probes in this case */

struct flight {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

/* a connection with @segs segments on their way, none acknowledged */
static void fly(struct kunit *test, struct flight *f, bool sack, bool tstamps, u32 segs)
{
	u32 mss = MSS + (tstamps ? 12 : 0), i;

	memset(f, 0, sizeof(*f));
	sim_peer_init(&f->p, SIM_PORT_A);
	f->p.syn.mss = mss;
	f->p.syn.sack_perm = sack;
	f->p.syn.has_ts = tstamps;
	f->p.ts = tstamps;
	f->listener = sim_listen(test, SIM_PORT_A, 4);
	f->sock = sim_peer_connects(test, &f->p, f->listener);
	f->ts = sim_ts(f->sock);
	f->ts->nodelay = 1;
	/* the windows below are Reno's */
	toytcp_cong_switch(&f->ts->cong, &toytcp_cong_reno);
	f->sock->sk->sk_sndbuf = 1 << 20;
	f->sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	/* a path of 40 ms, on which nobody probes the tail unless a case says so */
	toytcp_rtt_init(&f->ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
	toytcp_rtt_sample(&f->ts->rtt, RTT);
	toytcp_net(&init_net)->sysctl.early_retrans = tlp ? 3 : 0;
	sim_run(100 * SIM_MS);
	KUNIT_ASSERT_EQ(test, sim_write(f->sock, 0, MSS * segs), MSS * segs);
	for (i = 0; i < segs; i++)
		SIM_EXPECT(test, &f->p, TOYTCP_ACK, 1 + MSS * i, 1, MSS);
	SIM_EXPECT_NONE(test);
}

/* the peer has everything before segment @n, and of the rest [from, to) */
static void ack(struct flight *f, u32 n, u32 from, u32 to)
{
	struct sim_seg seg = sim_peer_seg(&f->p, TOYTCP_ACK, 0);

	seg.ack = f->p.irs + 1 + MSS * n;
	if (to > from) {
		seg.opt.n_sacks = 1;
		seg.opt.sacks[0].start = f->p.irs + 1 + MSS * from;
		seg.opt.sacks[0].end = f->p.irs + 1 + MSS * to;
	}
	sim_inject(&seg);
}

#define EXPECT_RTX(test, f, n)	SIM_EXPECT(test, &(f)->p, TOYTCP_ACK, 1 + MSS * (n), 1, MSS)

/* nothing but segment 0 is sent, each time after twice the time before */
static void recovery_rto__backs_off(struct kunit *test)
{
	struct flight f;
	u64 rto, at, began;
	int i;

	fly(test, &f, true, false, 5);
	began = sim.now_us;
	rto = f.ts->rtt.rto_us;
	KUNIT_EXPECT_GE(test, rto, 200 * SIM_MS);
	at = 0;
	for (i = 0; i < 6; i++) {
		at += rto << i;
		sim_run(began + at - 1 - sim.now_us);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		EXPECT_RTX(test, &f, 0);
		SIM_EXPECT_NONE(test);
		KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, 1);
	}
	/* RFC 5681 3.1: half the flight, once */
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 2);
}

/* the ACK of what was sent twice gives no sample without timestamps, and one with */
static void recovery_rto__karn(struct kunit *test)
{
	struct flight f;
	u32 last;

	fly(test, &f, true, false, 1);
	last = f.ts->rtt.last_us;
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	sim_run(50 * SIM_MS);
	ack(&f, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rtt.last_us, last);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_FALSE(test, toytcp_timer_pending(&f.ts->timer_rtx));
	sim_drain(test);

	fly(test, &f, true, true, 1);
	sim_run(f.ts->rtt.rto_us);
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset);
	EXPECT_RTX(test, &f, 0);
	sim_run(50 * SIM_MS);
	ack(&f, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rtt.last_us, 50 * SIM_MS);
}

/* RFC 6298 5.3: the timer runs from the last progress */
static void recovery_rto__restarts_on_progress(struct kunit *test)
{
	struct flight f;
	u32 rto;

	fly(test, &f, true, false, 3);
	sim_run(150 * SIM_MS);
	ack(&f, 1, 0, 0);
	rto = f.ts->rtt.rto_us;
	sim_run(rto - 1);
	SIM_EXPECT_NONE(test);
	sim_run(1);
	EXPECT_RTX(test, &f, 1);
}

/* after a timeout the rest follows in slow start */
static void recovery_rto__slow_start(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 8);
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	ack(&f, 1, 0, 0);
	EXPECT_RTX(test, &f, 1);
	EXPECT_RTX(test, &f, 2);
	SIM_EXPECT_NONE(test);
	ack(&f, 3, 0, 0);
	EXPECT_RTX(test, &f, 3);
	EXPECT_RTX(test, &f, 4);
	/* the rest had arrived */
	ack(&f, 8, 0, 0);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->retrans_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
}

/*
 * A second timeout, with some of the segments sent again and some not yet: the
 * earliest goes first all the same, or it would never go where each timeout sends
 * one segment (RFC 6298 5.4)
 */
static void recovery_rto__earliest_first(struct kunit *test)
{
	struct flight f;
	int i;

	for (i = 0; i < 2; i++) {
		fly(test, &f, i, false, 6);
		sim_run(f.ts->rtt.rto_us);
		EXPECT_RTX(test, &f, 0);
		ack(&f, 1, 0, 0);
		EXPECT_RTX(test, &f, 1);
		EXPECT_RTX(test, &f, 2);
		SIM_EXPECT_NONE(test);
		sim_run(2 * f.ts->rtt.rto_us);
		EXPECT_RTX(test, &f, 1);
		SIM_EXPECT_NONE(test);
		ack(&f, 2, 0, 0);
		EXPECT_RTX(test, &f, 2);
		EXPECT_RTX(test, &f, 3);
		SIM_EXPECT_NONE(test);
		sim_drain(test);
	}
}

/* RFC 2018 section 8: after a timeout what was SACKed and is not any more goes again */
static void recovery_rto__reneging(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 4);
	ack(&f, 0, 0 + 1, 3);
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	/* the peer kept only segment 0: its ACK says so by having no block */
	ack(&f, 1, 0, 0);
	sim_inbox_clear();
	sim_run(10 * SIM_S);
	KUNIT_EXPECT_GT(test, sim_inbox_count(), 0);
	EXPECT_RTX(test, &f, 1);
}

/* an ACK that stops before what was SACKed is answered after half a round trip */
static void recovery_rto__reneging_is_found_soon(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 5);
	EXPECT_RTX(test, &f, 0);
	SIM_EXPECT_NONE(test);
	sim_run(5 * SIM_MS);
	ack(&f, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rtx_mode, TOYTCP_RTX_RETRANSMIT);
	sim_inbox_clear();
	sim_run((f.ts->rtt.srtt_us8 >> 4) - 1);
	SIM_EXPECT_NONE(test);
	sim_run(1);
	EXPECT_RTX(test, &f, 1);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_LOSS);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out, 0);
	/* the ACK that was overtaken: what seemed thrown away is there */
	sim_drain(test);
	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 5);
	EXPECT_RTX(test, &f, 0);
	sim_run(5 * SIM_MS);
	ack(&f, 1, 0, 0);
	sim_inbox_clear();
	sim_run(5 * SIM_MS);
	ack(&f, 10, 0, 0);
	sim_run(RTT);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
}

static void recovery_acked__fast_retransmit_without_sack(struct kunit *test)
{
	struct flight f;

	fly(test, &f, false, false, 10);
	ack(&f, 0, 0, 0);
	ack(&f, 0, 0, 0);
	SIM_EXPECT_NONE(test);
	ack(&f, 0, 0, 0);
	EXPECT_RTX(test, &f, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 5);
	/* three more, still missing 0: nothing again */
	ack(&f, 0, 0, 0);
	ack(&f, 0, 0, 0);
	SIM_EXPECT_NONE(test);
	/* RFC 6582 3.2: a partial ACK shows the next hole */
	ack(&f, 4, 0, 0);
	EXPECT_RTX(test, &f, 4);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	ack(&f, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, 5);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->retrans_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out, 0);
	SIM_EXPECT_NONE(test);
}

static void recovery_acked__fast_retransmit_with_sack(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 10);
	sim_run(RTT);
	/* 0 and 2 are missing */
	ack(&f, 0, 1, 2);
	SIM_EXPECT_NONE(test);
	ack(&f, 0, 3, 4);
	SIM_EXPECT_NONE(test);
	ack(&f, 0, 3, 5);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	ack(&f, 0, 3, 6);
	/* the window has come down to where PRR lets the second go */
	ack(&f, 0, 3, 7);
	EXPECT_RTX(test, &f, 2);
	ack(&f, 0, 3, 8);
	ack(&f, 0, 3, 9);
	ack(&f, 0, 3, 10);
	SIM_EXPECT_NONE(test);
	/* the first retransmission arrived: nothing is sent twice */
	ack(&f, 2, 3, 10);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	ack(&f, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->retrans_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->sacked_out, 0);
}

/*
 * RFC 6937 section 3.1: 20 segments in flight, the first @lost of them are lost,
 * ssthresh becomes 10. What does each ACK for one of the others send? @want: a
 * word an ACK: so many times (N)ew data or a (R)etransmission, or nothing (-).
 */
static void prr_example(struct kunit *test, u32 lost, const char *want)
{
	char sent[80] = "", *at = sent;
	const struct sim_seg *seg;
	struct flight f;
	u32 i;

	fly(test, &f, true, false, 1);
	sim_run(RTT);
	ack(&f, 1, 0, 0);
	f.p.wnd = 65535;
	f.ts->snd_wnd = 65535;
	f.ts->cong.cwnd_segs = 20;
	f.ts->cong.ssthresh_segs = 20;
	for (i = 1; i <= 60; i++)
		KUNIT_ASSERT_EQ(test, sim_write(f.sock, MSS * i, MSS), MSS);
	KUNIT_ASSERT_EQ(test, sim_inbox_count(), 20);
	sim_inbox_clear();
	sim_run(RTT);
	for (i = 1 + lost; i <= 20; i++) {
		ack(&f, 1, 1 + lost, i + 1);
		if (!sim_inbox_count())
			*at++ = '-';
		while ((seg = sim_next()))
			*at++ = seg->seq - f.p.irs < 1 + 21 * MSS ? 'R' : 'N';
		*at++ = ' ';
	}
	at[-1] = 0;
	KUNIT_EXPECT_STREQ(test, sent, want);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 10);
	sim_drain(test);
}

/*
 * The figures' rows PRR and, since an ACK that says nothing new of SND.UNA is not
 * safe to grow by (RFC 9937), PRR-CRB; the first two are limited transmit (RFC
 * 3042). RFC 9937's RecoverFS does not count what was SACKed before: hence the
 * ninth new segment at the 17th ACK, not the 18th, and none at the 19th.
 */
static void recovery_prr__rfc6937_examples(struct kunit *test)
{
	prr_example(test, 1, "N N R - N - N - N - N - N - N - N - -");
	prr_example(test, 15, "N N R R R");
}

/* RFC 8985 6.2: one segment from beyond, and a quarter of a round trip later */
static void rack_detect__after_the_reordering_window(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 2);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->rtx_mode, TOYTCP_RTX_REO);
	sim_run(RTT / 4);
	SIM_EXPECT_NONE(test);
	sim_run(3 * SIM_MS);
	EXPECT_RTX(test, &f, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 1);
	/* what was late by less than that is no loss */
	sim_drain(test);
	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 2);
	sim_run(RTT / 4);
	ack(&f, 2, 0, 0);
	sim_run(RTT);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_TRUE(test, f.ts->rack.reordering_seen);
	/* who has seen reordering counts no more than that: three are no sign */
	ack(&f, 2, 3, 8);
	SIM_EXPECT_NONE(test);
}

/* a retransmission that is lost again is found without a timeout */
static void rack_detect__lost_retransmission(struct kunit *test)
{
	struct flight f;
	u32 i;

	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 5);
	EXPECT_RTX(test, &f, 0);
	KUNIT_ASSERT_EQ(test, sim_write(f.sock, 10 * MSS, 4 * MSS), 4 * MSS);
	sim_run(5 * SIM_MS);
	/* these let new ones go, later than the retransmission */
	for (i = 6; i <= 10; i++)
		ack(&f, 0, 1, i);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 10 * MSS, 1, MSS);
	sim_inbox_clear();
	sim_run(RTT);
	SIM_EXPECT_NONE(test);
	ack(&f, 0, 1, 11);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_EQ(test, f.ts->rtt.backoff, 0);
}

/* RFC 8985 7: the tail is lost: the last segment is probed with, RACK does the rest */
static void rack_probe__tail_loss(struct kunit *test)
{
	struct flight f;

	tlp = true;
	fly(test, &f, true, false, 5);
	sim_run(RTT);
	ack(&f, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rtx_mode, TOYTCP_RTX_TLP);
	sim_run(2 * RTT + 1 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(2 * SIM_MS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 4 * MSS, 1, MSS);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->rtx_mode, TOYTCP_RTX_RETRANSMIT);
	sim_run(RTT);
	ack(&f, 2, 4, 5);
	sim_run(RTT / 4 + 3 * SIM_MS);
	EXPECT_RTX(test, &f, 2);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	ack(&f, 3, 4, 5);
	EXPECT_RTX(test, &f, 3);
	ack(&f, 5, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->rtt.backoff, 0);
	tlp = false;
}

/* RFC 8985 7.4.2: a probe that repaired a loss is a congestion signal, a needless one is none */
static void rack_tlp_acked__signal(struct kunit *test)
{
	struct sim_seg seg;
	struct flight f;
	u32 cwnd;

	tlp = true;
	fly(test, &f, true, false, 1);
	cwnd = f.ts->cong.cwnd_segs;
	/* one segment: the ACK may be delayed, but not for longer than the timeout */
	sim_run(RTT + 199 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(2 * SIM_MS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1, MSS);
	KUNIT_ASSERT_EQ(test, sim_write(f.sock, MSS, MSS), MSS);
	sim_inbox_clear();
	ack(&f, 2, 0, 0);
	KUNIT_EXPECT_LT(test, f.ts->cong.cwnd_segs, cwnd);
	KUNIT_EXPECT_FALSE(test, f.ts->tlp_pending);
	sim_drain(test);

	fly(test, &f, true, false, 1);
	sim_run(RTT + 201 * SIM_MS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1, 1, MSS);
	seg = sim_peer_seg(&f.p, TOYTCP_ACK, 0);
	seg.ack = f.p.irs + 1 + MSS;
	sim_inject(&seg);
	seg.opt.n_sacks = 1;
	seg.opt.sacks[0].start = f.p.irs + 1;
	seg.opt.sacks[0].end = f.p.irs + 1 + MSS;
	sim_inject(&seg);
	KUNIT_EXPECT_FALSE(test, f.ts->tlp_pending);
	KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, cwnd);
	tlp = false;
}

/* RFC 3522: the ACK echoes a timestamp from before the retransmission */
static void recovery_undo__by_timestamp(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, true, 10);
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset);
	sim_run(RTT);
	ack(&f, 0, 1, 5);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 5);
	sim_run(5 * SIM_MS);
	/* the first was only late */
	ack(&f, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 10);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	/* an echo of the retransmission's: the loss was one */
	sim_drain(test);
	fly(test, &f, true, true, 10);
	sim_run(RTT);
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset) - 1;
	ack(&f, 0, 1, 5);
	sim_run(5 * SIM_MS);
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset);
	ack(&f, 10, 0, 0);
	KUNIT_EXPECT_LE(test, f.ts->cong.cwnd_segs, 6);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 5);
}

/* RFC 3708: each retransmission is reported as a duplicate */
static void recovery_undo__by_dsack(struct kunit *test)
{
	struct flight f;
	struct sim_seg seg;

	fly(test, &f, true, false, 10);
	sim_run(RTT);
	ack(&f, 0, 1, 5);
	EXPECT_RTX(test, &f, 0);
	sim_run(5 * SIM_MS);
	ack(&f, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_LE(test, f.ts->cong.cwnd_segs, 6);
	sim_run(RTT);
	seg = sim_peer_seg(&f.p, TOYTCP_ACK, 0);
	seg.ack = f.p.irs + 1 + 10 * MSS;
	seg.opt.n_sacks = 1;
	seg.opt.sacks[0].start = f.p.irs + 1;
	seg.opt.sacks[0].end = f.p.irs + 1 + MSS;
	sim_inject(&seg);
	KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 10);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
}

/*
 * RFC 8985 6.2 step 2: all but the last are late, and are thought lost. When the first
 * arrives, what was sent with it is not lost again by the round trip of the last.
 */
static void recovery_undo__of_what_was_overtaken(struct kunit *test)
{
	struct flight f;
	u32 i;

	fly(test, &f, true, true, 10);
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset);
	f.ts->rack.reo_wnd_persist = 5;
	sim_run(RTT / 4);
	ack(&f, 0, 9, 10);
	sim_run(RTT / 16 + 3 * SIM_MS);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 9);
	sim_run(RTT - RTT / 4 - RTT / 16 - 3 * SIM_MS);
	sim_inbox_clear();
	for (i = 1; i < 9; i++) {
		ack(&f, i, 9, 10);
		KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
		KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
		KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 10);
		SIM_EXPECT_NONE(test);
	}
	/* the duplicates are still to be reported: patience is not used up by what was none */
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_persist, 5);
	/* what does not come is lost, for all that */
	sim_run(2 * RTT);
	EXPECT_RTX(test, &f, 8);
}

/* the peer has segment @n twice, and everything before segment @una */
static void dsack(struct flight *f, u32 una, u32 n)
{
	struct sim_seg seg = sim_peer_seg(&f->p, TOYTCP_ACK, 0);

	seg.ack = f->p.irs + 1 + MSS * una;
	seg.opt.n_sacks = 1;
	seg.opt.sacks[0].start = f->p.irs + 1 + MSS * n;
	seg.opt.sacks[0].end = f->p.irs + 1 + MSS * (n + 1);
	sim_inject(&seg);
}

/* RFC 8985 6.2 step 4: once a round trip a quarter more; 16 recoveries, and it is forgotten */
static void rack_adapt__by_dsack(struct kunit *test)
{
	struct flight f;
	u32 i;

	fly(test, &f, true, false, 10);
	KUNIT_ASSERT_EQ(test, sim_write(f.sock, 10 * MSS, 10 * MSS), 10 * MSS);
	sim_run(RTT);
	/* what was sent once and came twice is nothing to learn from */
	f.ts->rack.reordering_seen = true;
	dsack(&f, 1, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 1);
	f.ts->rack.reordering_seen = false;
	f.ts->total_retrans = 10;
	/* where nothing ever came out of order it was something else */
	dsack(&f, 1, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 1);
	f.ts->rack.reordering_seen = true;
	dsack(&f, 2, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 2);
	/* what arrives now was sent before that */
	dsack(&f, 10, 1);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 2);
	sim_run(RTT);
	/* nothing arrives: it waits for what does */
	dsack(&f, 10, 2);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 2);
	ack(&f, 20, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 3);
	for (i = 0; i < 15; i++)
		toytcp_rack_recovered(f.ts);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 3);
	toytcp_rack_recovered(f.ts);
	KUNIT_EXPECT_EQ(test, f.ts->rack.reo_wnd_mult, 1);
}

/* a duplicate of the loss probe does not pass for one of a retransmission that was needed */
static void recovery_undo__not_by_a_loss_probe(struct kunit *test)
{
	struct flight f;

	tlp = true;
	fly(test, &f, true, false, 5);
	sim_run(RTT);
	ack(&f, 2, 0, 0);
	sim_run(2 * RTT + 3 * SIM_MS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 4 * MSS, 1, MSS);
	sim_run(RTT);
	/* the tail is there, before the probe was: 2 and 3 are not */
	ack(&f, 2, 4, 5);
	sim_run(RTT / 4 + 3 * SIM_MS);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_RECOVERY);
	EXPECT_RTX(test, &f, 2);
	sim_run(RTT);
	ack(&f, 3, 4, 5);
	EXPECT_RTX(test, &f, 3);
	KUNIT_EXPECT_EQ(test, f.ts->undo_retrans, 3);
	sim_run(RTT);
	ack(&f, 5, 0, 0);
	/* 2 was late only, 3 was lost; the probe came as well */
	dsack(&f, 5, 4);
	dsack(&f, 5, 2);
	KUNIT_EXPECT_EQ(test, f.ts->undo_retrans, 1);
	KUNIT_EXPECT_TRUE(test, f.ts->undo_valid);
	KUNIT_EXPECT_LT(test, f.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	tlp = false;
}

/* all ACKs were held up until after a loss probe and a timeout: what answers the probe is early */
static void recovery_undo__after_a_loss_probe(struct kunit *test)
{
	struct flight f;

	tlp = true;
	fly(test, &f, true, true, 5);
	sim_run(2 * RTT + 3 * SIM_MS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 4 * MSS, 1, MSS);
	/* the peer echoes the probe, which is as good as in sequence, and not the retransmission */
	f.p.tsecr = toytcp_ts_now(f.ts->ts_offset);
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_LOSS);
	KUNIT_EXPECT_LT(test, f.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	sim_run(5 * SIM_MS);
	ack(&f, 5, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, TOYTCP_CONG_SSTHRESH_INF);
	KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 10);
	tlp = false;
}

/* RFC 5682 3.1: after the timeout the originals are acknowledged, and nothing is sent twice */
static void recovery_frto__spurious(struct kunit *test)
{
	struct flight f;
	u32 i;

	fly(test, &f, true, false, 10);
	KUNIT_ASSERT_EQ(test, sim_write(f.sock, 10 * MSS, 10 * MSS), 10 * MSS);
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_LOSS);
	/* new data instead of what seemed lost */
	ack(&f, 1, 0, 0);
	for (i = 10; i < 12; i++)
		SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + MSS * i, 1, MSS);
	SIM_EXPECT_NONE(test);
	ack(&f, 2, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
	KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 10);
	KUNIT_EXPECT_EQ(test, f.ts->total_retrans, 1);
}

/* and where the loss was one, the rest is sent again */
static void recovery_frto__real(struct kunit *test)
{
	struct flight f;

	fly(test, &f, true, false, 10);
	KUNIT_ASSERT_EQ(test, sim_write(f.sock, 10 * MSS, 10 * MSS), 10 * MSS);
	sim_run(f.ts->rtt.rto_us);
	EXPECT_RTX(test, &f, 0);
	ack(&f, 1, 0, 0);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 10 * MSS, 1, MSS);
	SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 11 * MSS, 1, MSS);
	SIM_EXPECT_NONE(test);
	sim_run(RTT);
	ack(&f, 1, 10, 11);
	EXPECT_RTX(test, &f, 1);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_LOSS);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 5);
}

/* ---- what an ACK costs the scoreboard ---- */

struct work {
	struct flight f;
	u32 n;			/* segments in flight */
	u64 steps;		/* of the tree, when the phase began */
};

static void work_fly(struct kunit *test, struct work *w, u32 n)
{
	struct flight *f = &w->f;
	u32 i;

	fly(test, f, true, false, 1);
	ack(f, 1, 0, 0);
	f->p.wnd = 65535;
	f->ts->snd_wnd = 100 << 20;
	f->ts->max_snd_wnd = 100 << 20;
	f->ts->cong.cwnd_segs = n + 10;
	f->sock->sk->sk_sndbuf = 100 << 20;
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(test, sim_write(f->sock, MSS * (i + 1), MSS), MSS);
		sim_inbox_clear();
	}
	KUNIT_ASSERT_EQ(test, f->ts->packets_out, n);
	w->n = n;
	sim_run(RTT);
	w->steps = sim.tree_steps;
}

/* an ACK with up to three blocks [from, to) of segments, the newest first */
static void work_ack(struct work *w, const u32 (*blocks)[2], int n_blocks)
{
	struct sim_seg seg = sim_peer_seg(&w->f.p, TOYTCP_ACK, 0);
	int i;

	seg.ack = w->f.p.irs + 1 + MSS;
	seg.opt.n_sacks = n_blocks;
	for (i = 0; i < n_blocks; i++) {
		seg.opt.sacks[i].start = w->f.p.irs + 1 + MSS * blocks[i][0];
		seg.opt.sacks[i].end = w->f.p.irs + 1 + MSS * blocks[i][1];
	}
	sim_inject(&seg);
	w->f.ts->snd_wnd = 100 << 20;
	sim_inbox_clear();
}

/* a phase of so many ACKs is over: what did each cost on average, in buffers looked up? */
static void work_phase(struct kunit *test, struct work *w, const char *phase, u32 acks,
		       u32 most)
{
	u64 steps = sim.tree_steps - w->steps;

	kunit_info(test, "%u in flight, %s: %llu steps for %u ACKs", w->n, phase, steps, acks);
	KUNIT_EXPECT_LE_MSG(test, steps, (u64)most * acks, "%s, %u in flight", phase, w->n);
	KUNIT_EXPECT_NULL(test, sim_check(w->f.sock->sk));
	w->steps = sim.tree_steps;
}

static const u32 work_flights[] = { 1000, 10000 };

static void work_desc(const u32 *n, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u in flight", *n);
}

KUNIT_ARRAY_PARAM(work, work_flights, work_desc);

/*
 * What an ACK costs is no matter of how much is in flight or how many holes that
 * has: the same bounds for both parameters. Counted are steps to the next buffer
 * and look-ups (each of them down a balanced tree).
 */
static void scoreboard__work_of_an_ack(struct kunit *test)
{
	u32 n = *(const u32 *)test->param_value, i;
	const u32 all[][2] = { { 2, n - 1 } }, first[][2] = { { 2, 3 } };
	struct work w;

	work_fly(test, &w, n);
	/* every other segment is lost: a receiver tells of the latest three it has */
	for (i = 2; i < n; i += 2) {
		const u32 b[][2] = { { i, i + 1 }, { i - 2, i - 1 }, { i - 4, i - 3 } };

		work_ack(&w, b, i > 4 ? 3 : 1);
	}
	KUNIT_EXPECT_EQ(test, w.f.ts->sacked_out, n / 2 - 1);
	KUNIT_EXPECT_GT(test, w.f.ts->lost_out, n / 2 - 10);
	KUNIT_EXPECT_GT(test, w.f.ts->retrans_out, 100);
	work_phase(test, &w, "holes appear", n / 2, 3);
	/* they fill: one block that grows */
	for (i = 0; i < 400; i++) {
		const u32 b[][2] = { { 2, 2 * i + 4 } };

		work_ack(&w, b, 1);
	}
	work_phase(test, &w, "holes fill", 400, 3);
	/* all but the last two at once: what is new is what it costs */
	work_ack(&w, all, 1);
	KUNIT_EXPECT_EQ(test, w.f.ts->sacked_out, n - 3);
	work_phase(test, &w, "all at once", 1, n);
	/* a peer that means no good: what the ACK before said never helps */
	for (i = 0; i < 800; i++) {
		const u32 b[][2] = { { 2 + i * 7919 % (n - 4), n - 1 } };

		work_ack(&w, i % 2 ? b : first, 1);
	}
	work_phase(test, &w, "blocks from anywhere", 800, 4);
	ack(&w.f, n + 1, 0, 0);
	KUNIT_EXPECT_EQ(test, w.f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, w.f.ts->lost_out + w.f.ts->sacked_out + w.f.ts->retrans_out, 0);
	sim_inbox_clear();
}

/* RFC 7661: a window that was not used does not grow, and half of the rest goes after a while */
static void cwnd_validate__not_used(struct kunit *test)
{
	struct flight f;
	u32 i, acked = 0;

	fly(test, &f, true, false, 1);
	ack(&f, ++acked, 0, 0);
	f.ts->cong.cwnd_segs = 50;
	f.ts->cong.ssthresh_segs = 40;
	f.ts->cwnd_limited = false;
	/* two segments a round trip, for longer than a retransmission timeout */
	for (i = 0; i < 12; i++) {
		KUNIT_ASSERT_EQ(test, sim_write(f.sock, MSS * acked, 2 * MSS), 2 * MSS);
		sim_inbox_clear();
		sim_run(RTT);
		acked += 2;
		ack(&f, acked, 0, 0);
	}
	KUNIT_EXPECT_LT(test, f.ts->cong.cwnd_segs, 50);
	KUNIT_EXPECT_GE(test, f.ts->cong.cwnd_segs, 20);
	KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 40);
}

/* blocks that make no sense, or of old data, change nothing */
static void recovery_acked__nonsense_blocks(struct kunit *test)
{
	static const s32 blocks[][2] = {
		{ -3000, -2000 }, { -2000, 1 }, { 2001, 2001 }, { 3001, 2001 },
		{ 10001, 11001 }, { 9001, 10002 }, { 1, 0x40000000 }, { -0x40000000, 0x3fffffff },
	};
	struct flight f;
	int i;

	fly(test, &f, true, false, 10);
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		struct sim_seg seg = sim_peer_seg(&f.p, TOYTCP_ACK, 0);

		seg.ack = f.p.irs + 1;
		seg.opt.n_sacks = 1;
		seg.opt.sacks[0].start = f.p.irs + blocks[i][0];
		seg.opt.sacks[0].end = f.p.irs + blocks[i][1];
		sim_inject(&seg);
		KUNIT_EXPECT_EQ_MSG(test, f.ts->sacked_out, 0, "block %d", i);
	}
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
}

/* an ACK that is no duplicate: data with it, or another window */
static void recovery_acked__what_is_no_duplicate(struct kunit *test)
{
	struct flight f;
	int i;

	fly(test, &f, false, false, 10);
	for (i = 0; i < 6; i++)
		sim_peer_send(&f.p, TOYTCP_ACK, 100);
	while (sim_inbox_count())
		KUNIT_EXPECT_EQ(test, sim_next()->len, 0);
	f.p.wnd = 0;
	sim_peer_send(&f.p, TOYTCP_ACK, 0);
	f.p.wnd = 20000;
	for (i = 0; i < 6; i++) {
		f.p.wnd += 100;
		sim_peer_send(&f.p, TOYTCP_ACK, 0);
	}
	while (sim_inbox_count())
		KUNIT_EXPECT_EQ(test, sim_next()->len, 0);
	KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
}

/* a path MTU discovered: what was too large goes again, without a change of cwnd */
static void recovery_mtu__sends_again(struct kunit *test)
{
	struct flight f;
	u32 cwnd, i;

	fly(test, &f, true, false, 4);
	cwnd = f.ts->cong.cwnd_segs;
	lock_sock(f.sock->sk);
	toytcp_ipv4_update_pmtu(f.sock->sk, 540);
	release_sock(f.sock->sk);
	KUNIT_EXPECT_EQ(test, f.ts->mss, 500);
	for (i = 0; i < 8 && i < cwnd; i++)
		SIM_EXPECT(test, &f.p, TOYTCP_ACK, 1 + 500 * i, 1, 500);
	KUNIT_EXPECT_EQ(test, f.ts->cong.cwnd_segs, cwnd);
	ack(&f, 4, 0, 0);
	KUNIT_EXPECT_EQ(test, f.ts->packets_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->retrans_out, 0);
	KUNIT_EXPECT_EQ(test, f.ts->lost_out, 0);
}

/* our own queue is full: the window comes down as after a mark, once a window */
static void recovery_local_congestion__reduces(struct kunit *test)
{
	static const int errs[] = { NET_XMIT_CN, NET_XMIT_DROP };
	struct flight f;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		fly(test, &f, true, false, 8);
		sim.xmit_err = errs[i];
		KUNIT_ASSERT_EQ(test, sim_write(f.sock, 8 * MSS, 2 * MSS), 2 * MSS);
		sim.xmit_err = 0;
		KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_REDUCING);
		KUNIT_EXPECT_EQ(test, f.ts->cong.ssthresh_segs, 4);
		sim_run(RTT);
		ack(&f, 8, 0, 0);
		KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_REDUCING);
		KUNIT_EXPECT_LE(test, f.ts->cong.cwnd_segs, 5);
		sim_run(10 * SIM_S);
		ack(&f, 10, 0, 0);
		KUNIT_EXPECT_EQ(test, f.ts->recovery, TOYTCP_OPEN);
		sim_abort(f.sock);
		sim_close(f.listener);
		sim_inbox_clear();
	}
}

static struct kunit_case recovery_cases[] = {
	KUNIT_CASE(recovery_local_congestion__reduces),
	KUNIT_CASE(recovery_rto__backs_off),
	KUNIT_CASE(recovery_rto__karn),
	KUNIT_CASE(recovery_rto__restarts_on_progress),
	KUNIT_CASE(recovery_rto__slow_start),
	KUNIT_CASE(recovery_rto__earliest_first),
	KUNIT_CASE(recovery_rto__reneging),
	KUNIT_CASE(recovery_rto__reneging_is_found_soon),
	KUNIT_CASE(recovery_undo__not_by_a_loss_probe),
	KUNIT_CASE(recovery_acked__fast_retransmit_without_sack),
	KUNIT_CASE(recovery_acked__fast_retransmit_with_sack),
	KUNIT_CASE(recovery_prr__rfc6937_examples),
	KUNIT_CASE(rack_detect__after_the_reordering_window),
	KUNIT_CASE(rack_detect__lost_retransmission),
	KUNIT_CASE(rack_probe__tail_loss),
	KUNIT_CASE(rack_tlp_acked__signal),
	KUNIT_CASE(recovery_undo__by_timestamp),
	KUNIT_CASE(recovery_undo__by_dsack),
	KUNIT_CASE(recovery_undo__of_what_was_overtaken),
	KUNIT_CASE(rack_adapt__by_dsack),
	KUNIT_CASE(recovery_undo__after_a_loss_probe),
	KUNIT_CASE(recovery_frto__spurious),
	KUNIT_CASE(recovery_frto__real),
	KUNIT_CASE_PARAM(scoreboard__work_of_an_ack, work_gen_params),
	KUNIT_CASE(cwnd_validate__not_used),
	KUNIT_CASE(recovery_acked__nonsense_blocks),
	KUNIT_CASE(recovery_acked__what_is_no_duplicate),
	KUNIT_CASE(recovery_mtu__sends_again),
	{}
};

static struct kunit_suite recovery_suite = {
	.name = "toytcp_recovery",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = recovery_cases,
};

kunit_test_suites(&recovery_suite);
