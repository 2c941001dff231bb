// SPDX-License-Identifier: GPL-2.0
/*
 * What to do about losses: fast recovery, recovery by timeout, and how to
 * take both back when nothing was lost.
 *
 * Engine (layer 1). Locks: the socket's. RFC 5681 (fast retransmit), RFC 6582
 * (NewReno), RFC 3042 (limited transmit), RFC 9937 (PRR), RFC 6298 (timeout),
 * RFC 5682 (F-RTO), RFC 3522 and 4015 (Eifel), RFC 3708 (D-SACK), RFC 3168
 * (ECN).
 *
 * rack.c says what is lost where the peer SACKs; without, three duplicate
 * ACKs do, and partial ACKs. scoreboard.c keeps the books. Whatever marks a
 * segment lost, the same loop (toytcp_recovery_xmit()) sends it again as the
 * congestion window allows. Limited transmit needs no code: a SACKed segment
 * or a duplicate ACK leaves room in the window for a new one.
 *
 * Undo. A reduction remembers the windows of before. It is taken back when
 * an ACK shows that no retransmission was needed: it echoes a timestamp
 * older than the first retransmission (Eifel), D-SACKs have come for all of
 * them, or after a timeout original segments are acknowledged (F-RTO). What an
 * ECN-Echo asks for is due whatever was lost: it is never taken back.
 */
#include <net/tcp.h>

#include "compat.h"
#include "ecn.h"
#include "pace.h"
#include "recovery.h"
#include "seq.h"

/* an algorithm that decides all by itself sets its own */
static void window_set(struct toytcp_sock *ts, u32 segs)
{
	if (!ts->cong.ops->control)
		ts->cong.cwnd_segs = segs;
}

/* RTT from this ACK, by the queue's own stamps or by the echoed timestamp */
static void rtt_sample(struct toytcp_sock *ts, const struct toytcp_seg *seg,
		       struct toytcp_ack *ack)
{
	if (!ack->rtt_us && ack->acked_segs && ts->ts_ok && seg->opt.has_ts &&
	    seg->opt.tsecr) {
		u32 ms = toytcp_ts_clock(ts) - seg->opt.tsecr;

		/* RFC 7323 section 4: valid even for what was sent twice */
		if (ms < TOYTCP_RTO_MAX_US / 1000)
			ack->rtt_us = max(ms, 1u) * 1000;
	}
	if (!ack->rtt_us)
		return;
	toytcp_rtt_sample(&ts->rtt, ack->rtt_us);
	ack->delayed = ack->acked_segs == 1 && !ack->sacked && ack->rs.valid &&
		       ts->snd_una - ack->prior_una < ts->mss &&
		       ack->rs.prior_delivered ==
			       ts->delivered + ack->delivered_segs - 1;
	toytcp_rate_min_rtt(ts, ack->rtt_us, ack->delayed, ack->now_us);
	toytcp_rtt_backoff_reset(&ts->rtt);
}

/* ---- undo ---- */

/*
 * A loss event begins: what to go back to if it is none. A loss probe may be
 * reported as a duplicate, if the original arrived, too; but it was no
 * retransmission of this event: what answers it answers nothing of that (Linux).
 */
static void undo_prepare(struct toytcp_sock *ts)
{
	bool probe = ts->tlp_pending && ts->tlp_retrans;

	ts->undo_valid = true;
	ts->undo_una = ts->snd_una;
	ts->prior_cwnd = ts->cong.cwnd_segs;
	ts->prior_ssthresh = ts->cong.ssthresh_segs;
	/* retransmissions on their way may be reported, too; -1: none yet */
	ts->undo_retrans = max_t(u32, ts->retrans_out, probe) ?: -1;
	if (ts->retrans_out <= probe)
		ts->retrans_stamp = 0;
}

/* Eifel: the ACK answers something sent before the first retransmission */
static bool answers_original(const struct toytcp_sock *ts,
			     const struct toytcp_seg *seg)
{
	return ts->retrans_stamp && ts->ts_ok && seg->opt.has_ts &&
	       seg->opt.tsecr && seq_before(seg->opt.tsecr, ts->retrans_stamp);
}

static bool may_undo(const struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	return ts->undo_valid &&
	       (!ts->undo_retrans || answers_original(ts, seg));
}

static void undo(struct toytcp_sock *ts, enum toytcp_mib why)
{
	struct toytcp_cong *c = &ts->cong;

	toytcp_scoreboard_none_lost(ts);
	if (ts->prior_ssthresh) {
		window_set(ts, max(c->cwnd_segs, ts->prior_cwnd));
		c->ssthresh_segs = max(c->ssthresh_segs, ts->prior_ssthresh);
		ts->ecn_queue_cwr = 0;
		if (c->ops->undo)
			c->ops->undo(c, ts->now_us);
	}
	ts->undo_valid = false;
	ts->rack.advanced = true;
	toytcp_stats_inc(sock_net(&ts->inet.sk), why);
}

/* ---- entering and leaving ---- */

/* one reduction a loss event; FlightSize of RFC 5681 counts what is SACKed */
static void reduce_ssthresh(struct toytcp_sock *ts)
{
	struct toytcp_cong *c = &ts->cong;

	c->ssthresh_segs = c->ops->ssthresh(c, min(ts->packets_out, c->cwnd_segs),
					    ts->now_us);
	c->cwnd_cnt = 0;
	toytcp_ecn_queue_cwr(ts);
}

/* RFC 9937: the window comes down to ssthresh while what is out arrives */
static void prr_begin(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	ts->recover = ts->snd_nxt;
	ts->recover_fs = max(ack->prior_in_flight, 1u);
	ts->prr_delivered = 0;
	ts->prr_out = 0;
}

/*
 * Has this window's reduction been made, by ECN? RFC 3168 6.1.2: one is enough
 * for all that happens in a window; unless a mark weighs less than a loss.
 */
static bool reduced_by_ecn(const struct toytcp_sock *ts)
{
	return ts->recovery == TOYTCP_REDUCING &&
	       seq_before(ts->snd_una, ts->recover) && !ts->cong.ops->ece_ssthresh;
}

static void enter_recovery(struct sock *sk, const struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	undo_prepare(ts);
	if (ack->ece || ts->recovery == TOYTCP_REDUCING)
		ts->prior_ssthresh = 0;
	if (!reduced_by_ecn(ts)) {
		reduce_ssthresh(ts);
		prr_begin(ts, ack);
	}
	ts->recovery = TOYTCP_RECOVERY;
	toytcp_stats_inc(sock_net(sk), ts->sack_ok ? TOYTCP_MIB_SACK_RECOVERY :
						     TOYTCP_MIB_RENO_RECOVERY);
}

/*
 * Everything sent before recovery began is acknowledged. Without SACK one
 * more byte must be: duplicate ACKs of needless retransmissions look like new
 * losses (RFC 6582 section 3.2).
 */
static bool recovered(const struct toytcp_sock *ts)
{
	if (ts->sack_ok || !ts->packets_out)
		return seq_geq(ts->snd_una, ts->recover);
	return seq_after(ts->snd_una, ts->recover);
}

static void open_again(struct toytcp_sock *ts)
{
	ts->recovery = TOYTCP_OPEN;
	ts->frto = false;
	ts->reneged = false;
	ts->dupacks = 0;
	if (!ts->sack_ok)
		ts->sacked_out = 0;
}

static void leave_recovery(struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	bool fast = ts->recovery == TOYTCP_RECOVERY, reduced = fast;

	if (may_undo(ts, seg)) {
		reduced = fast && !ts->prior_ssthresh;
		undo(ts, fast ? TOYTCP_MIB_FULL_UNDO : TOYTCP_MIB_LOSS_UNDO);
	} else {
		toytcp_rack_recovered(ts);
	}
	if (reduced)
		window_set(ts, max(ts->cong.ssthresh_segs, 2u));
	open_again(ts);
}

/* ECN-Echo, or our own queue: as after a loss, but for what need not be sent again */
static void enter_reducing(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	struct toytcp_cong *c = &ts->cong;
	u32 flight = min(ack->prior_in_flight, c->cwnd_segs);

	ts->undo_valid = false;
	c->ssthresh_segs = c->ops->ece_ssthresh ?
				   c->ops->ece_ssthresh(c, flight, ack->now_us) :
				   c->ops->ssthresh(c, flight, ack->now_us);
	c->cwnd_cnt = 0;
	toytcp_ecn_queue_cwr(ts);
	prr_begin(ts, ack);
	ts->recovery = TOYTCP_REDUCING;
}

/* what was sent with CWR, or after it, is acknowledged: the next ECN-Echo is news */
static void leave_reducing(struct toytcp_sock *ts)
{
	window_set(ts, max(ts->cong.ssthresh_segs, 2u));
	ts->recovery = TOYTCP_OPEN;
}

/* RFC 9937 */
static void prr_update(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	u32 pipe = toytcp_in_flight(ts), ssthresh = ts->cong.ssthresh_segs;
	s32 sndcnt;

	ts->prr_delivered += ack->delivered_segs;
	if (pipe > ssthresh) {
		u64 share = (u64)ts->prr_delivered * ssthresh +
			    ts->recover_fs - 1;

		sndcnt = (s32)div_u64(share, ts->recover_fs) - (s32)ts->prr_out;
	} else {
		s32 limit = max_t(s32, ts->prr_delivered - ts->prr_out,
				  ack->delivered_segs);

		/* SafeACK: progress, and no news of more losses */
		if (ack->advanced && ts->lost_total == ack->prior_lost)
			limit++;
		sndcnt = min_t(s32, ssthresh - pipe, limit);
	}
	/* the first retransmission goes at once */
	sndcnt = max(sndcnt, ts->prr_out ? 0 : 1);
	window_set(ts, max(pipe + sndcnt, 1u));
}

/* ---- an ACK ---- */

/* what every algorithm is told, each ACK; control() hears more */
static void cong_ack_fill(const struct toytcp_sock *ts,
			  const struct toytcp_ack *ack,
			  struct toytcp_cong_ack *cack)
{
	cack->rate = ack->rate;
	cack->delivered = ts->delivered;
	cack->min_rtt_us = ts->rtt.min_us;
	cack->acked_segs = ack->delivered_segs;
	cack->in_flight_segs = ack->prior_in_flight;
	cack->rtt_us = ack->rtt_us;
	cack->snd_una = ts->snd_una;
	cack->snd_nxt = ts->snd_nxt;
	cack->now_us = ack->now_us;
	cack->pace_rate = READ_ONCE(ts->inet.sk.sk_pacing_rate);
	cack->paced = READ_ONCE(ts->inet.sk.sk_pacing_status) != SK_PACING_NONE;
	cack->ece = ack->ece;
	cack->cwnd_limited = toytcp_cwnd_limited(ts) ||
			     ack->prior_in_flight >= ts->cong.cwnd_segs;
}

static void window_grow(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	struct toytcp_cong_ack cack COMPAT_UNINITIALIZED;

	if (!ack->delivered_segs || ts->cong.ops->control)
		return;
	cong_ack_fill(ts, ack, &cack);
	ts->cong.ops->cong_avoid(&ts->cong, &cack);
}

/*
 * An algorithm that decides all by itself has what it needs. Not while a SYN
 * is out: what follows it says more.
 */
static void control(struct sock *sk, const struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_cong *c = &ts->cong;
	struct toytcp_cong_ack cack COMPAT_UNINITIALIZED;

	if (likely(!c->ops->control) || toytcp_handshaking(sk))
		return;
	cong_ack_fill(ts, ack, &cack);
	cack.left_segs = toytcp_in_flight(ts);
	cack.newly_lost_segs = ts->lost_total - ack->prior_lost;
	cack.lost_segs = ts->lost_total;
	cack.srtt_us = ts->rtt.srtt_us8 >> 3;
	cack.pace_wait_us = (u32)(toytcp_pace_departure(ts, ack->now_us) -
				  ack->now_us);
	cack.burst_segs = toytcp_pace_burst_segs(sk);
	cack.mss = ts->mss;
	cack.state = ts->recovery;
	cack.delayed = ack->delayed;
	c->ops->control(c, &cack);
	if (c->app_limited)
		ts->app_limited = (ts->delivered + cack.left_segs) ?: 1;
}

/* something came later than what was sent after it: how much later? */
static void reordering_seen(struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	u32 segs = DIV_ROUND_UP(ts->fack - ack->prior_una, ts->mss);

	ts->rack.reordering_seen = true;
	ts->reord_seen++;
	ts->reordering = clamp(segs, max(ts->reordering, 3u), 300u);
	toytcp_stats_inc(sock_net(&ts->inet.sk), TOYTCP_MIB_SACK_REORDER);
}

/* RFC 5681 section 2: a duplicate ACK, from a peer without SACK */
static void dupack(struct toytcp_sock *ts, struct toytcp_ack *ack)
{
	ack->dupack = true;
	if (ts->dupacks < U8_MAX)
		ts->dupacks++;
	if (ts->sacked_out + ts->lost_out < ts->packets_out) {
		ts->sacked_out++;
		ack->delivered_segs++;
	}
}

/* an ACK that says nothing yet; its rate is toytcp_rate_sample()'s to fill */
static void ack_begin(const struct toytcp_sock *ts, struct toytcp_ack *ack)
{
	ack->rs.valid = false;
	ack->now_us = ts->now_us;
	ack->prior_in_flight = toytcp_in_flight(ts);
	ack->prior_lost = ts->lost_total;
	ack->acked_segs = 0;
	ack->delivered_segs = 0;
	ack->rtt_us = 0;
	ack->tsecr = 0;
	ack->sacked = false;
	ack->dupack = false;
	ack->orig = false;
	ack->dsack = false;
	ack->dsack_tlp = false;
	ack->delayed = false;
	ack->reordered = false;
	ack->brings_data = false;
}

/* what is new in the queues and counts */
static void take_in(struct sock *sk, const struct toytcp_seg *seg,
		    struct toytcp_ack *ack, bool window_changed)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->sack_ok && seg->opt.n_sacks)
		toytcp_scoreboard_sacks(sk, seg, ack);
	if (ack->advanced) {
		/* of what only SACK has told no echo was seen (RFC 7323 4.3) */
		if (ts->ts_ok && seg->opt.has_ts)
			ack->tsecr = seg->opt.tsecr;
		/* a sample of a SACKed buffer is for what no ACK will give one of */
		toytcp_scoreboard_clean(sk, ack);
		if (unlikely(ts->mtup.size))
			toytcp_mtup_acked(sk);
		ts->retransmits = 0;
		ts->dupacks = 0;
		if (!ts->sack_ok && ts->recovery != TOYTCP_RECOVERY)
			ts->sacked_out = 0;
	} else if (!ts->sack_ok && !seg->len && !window_changed &&
		   !(seg->flags & (TOYTCP_SYN | TOYTCP_FIN))) {
		dupack(ts, ack);
	}
	rtt_sample(ts, seg, ack);
	if (ack->reordered)
		reordering_seen(ts, ack);
}

/*
 * Is there reason to think that something was lost? @wait_us: when to ask
 * RACK again.
 */
static bool loss_detected(struct sock *sk, struct toytcp_ack *ack, u64 *wait_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->sack_ok)
		*wait_us = toytcp_rack_detect(ts, false);
	else if (ts->dupacks >= TOYTCP_DUPACK_THRESH &&
		 ts->recovery < TOYTCP_RECOVERY)
		toytcp_scoreboard_head_lost(sk);
	return ts->lost_out;
}

/* the loss probe repaired a loss: a congestion signal without a recovery */
static void tlp_reduced(struct toytcp_sock *ts)
{
	if (ts->recovery != TOYTCP_OPEN)
		return;
	undo_prepare(ts);
	ts->undo_valid = false;
	reduce_ssthresh(ts);
	window_set(ts, max(ts->cong.ssthresh_segs, 2u));
	ts->recover = ts->snd_nxt;
	toytcp_stats_inc(sock_net(&ts->inet.sk), TOYTCP_MIB_LOSS_PROBE_RECOVERY);
}

static void ack_open(struct sock *sk, struct toytcp_ack *ack, u64 *wait_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ack->dsack && ts->undo_valid && !ts->undo_retrans)
		undo(ts, TOYTCP_MIB_DSACK_UNDO);
	if (loss_detected(sk, ack, wait_us)) {
		if (toytcp_mtup_lost(sk))
			return;
		enter_recovery(sk, ack);
		prr_update(ts, ack);
	} else if (ack->ece) {
		enter_reducing(ts, ack);
		if (ack->delivered_segs)
			prr_update(ts, ack);
	} else {
		window_grow(ts, ack);
	}
}

static void ack_reducing(struct sock *sk, struct toytcp_ack *ack, u64 *wait_us)
{
	if (loss_detected(sk, ack, wait_us))
		enter_recovery(sk, ack);
	if (ack->delivered_segs)
		prr_update(toytcp_sk(sk), ack);
}

/*
 * A reduction is taken back, and with it what was thought to be lost. If something
 * is missing all the same, that is a recovery of its own (Linux): nobody would ask
 * again before a timeout, since where something is SACKed there is no loss probe.
 */
static void reopened(struct sock *sk, struct toytcp_ack *ack, u64 *wait_us)
{
	open_again(toytcp_sk(sk));
	ack_open(sk, ack, wait_us);
}

static void ack_recovery(struct sock *sk, const struct toytcp_seg *seg,
			 struct toytcp_ack *ack, u64 *wait_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->undo_valid && !ts->undo_retrans) {
		undo(ts, TOYTCP_MIB_DSACK_UNDO);
		reopened(sk, ack, wait_us);
		return;
	}
	/* a hole was filled by a latecomer: while a retransmission is out, wait */
	if (ack->advanced && ts->undo_valid && !ts->retrans_out &&
	    answers_original(ts, seg)) {
		undo(ts, TOYTCP_MIB_PARTIAL_UNDO);
		reopened(sk, ack, wait_us);
		return;
	}
	if (ts->sack_ok)
		*wait_us = toytcp_rack_detect(ts, false);
	/* without SACK a partial ACK names the next hole (RFC 6582) */
	else if (ack->advanced)
		toytcp_scoreboard_head_lost(sk);
	prr_update(ts, ack);
}

/*
 * F-RTO, RFC 5682 sections 2.1 and 3.1: was the timeout spurious?
 * Returns true if it is undone.
 */
static bool frto_ack(struct sock *sk, struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	/* 3.b: what was never sent again arrives */
	if (ack->orig) {
		undo(ts, TOYTCP_MIB_SPURIOUS_RTOS);
		return true;
	}
	if (seq_after(ts->snd_nxt, ts->recover)) {
		/* 3.a: only the new data did: the rest is lost */
		if (ack->sacked || ack->dupack)
			ts->frto = false;
	} else if (ack->advanced) {
		/* 2.b: two new segments tell, sent before any retransmission */
		ts->recover = ts->snd_nxt;
		if (!skb_queue_empty(&sk->sk_write_queue) &&
		    seq_after(ts->snd_una + ts->snd_wnd, ts->snd_nxt))
			ts->new_only = true;
		else
			ts->frto = false;
	}
	return false;
}

static void ack_loss(struct sock *sk, const struct toytcp_seg *seg,
		     struct toytcp_ack *ack, u64 *wait_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ack->advanced && may_undo(ts, seg)) {
		undo(ts, TOYTCP_MIB_LOSS_UNDO);
		reopened(sk, ack, wait_us);
		return;
	}
	if (ts->frto && frto_ack(sk, ack)) {
		reopened(sk, ack, wait_us);
		return;
	}
	if (ts->sack_ok)
		*wait_us = toytcp_rack_detect(ts, false);
	if (ack->acked_segs || ack->sacked)
		window_grow(ts, ack);
}

/* the queue is shorter: does somebody wait for that? */
static void wake_writers(struct sock *sk)
{
	smp_mb(); /* pairs with smp_mb__after_atomic() in toytcp_poll() */
	if (!sk->sk_socket || !test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		return;
	toytcp_sock_sndbuf_expand(sk);
	toytcp_sock_write_space(sk);
	if (!test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		toytcp_chrono_stop(sk, TOYTCP_CHRONO_SNDBUF);
}

/* a series of timeouts ends when the recovery does, a SYN's with its ACK */
static void rto_series_end(struct toytcp_sock *ts, u64 now_us)
{
	if (likely(!ts->rto_began_us) || ts->recovery == TOYTCP_LOSS)
		return;
	ts->total_rto_us += now_us - ts->rto_began_us;
	ts->rto_began_us = 0;
}

static void process(struct sock *sk, const struct toytcp_seg *seg,
		    struct toytcp_ack *ack, u64 *wait_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_cong_ack cack COMPAT_UNINITIALIZED;

	if (ack->delivered_segs && ts->cong.ops->acked) {
		cong_ack_fill(ts, ack, &cack);
		ts->cong.ops->acked(&ts->cong, &cack);
	}
	if (ack->ece)
		ts->prior_ssthresh = 0;
	if (ts->recovery >= TOYTCP_RECOVERY && recovered(ts))
		leave_recovery(ts, seg);
	else if (ts->recovery == TOYTCP_REDUCING &&
		 seq_after(ts->snd_una, ts->recover))
		leave_reducing(ts);
	switch (ts->recovery) {
	case TOYTCP_OPEN:
		ack_open(sk, ack, wait_us);
		break;
	case TOYTCP_REDUCING:
		ack_reducing(sk, ack, wait_us);
		break;
	case TOYTCP_RECOVERY:
		ack_recovery(sk, seg, ack, wait_us);
		break;
	case TOYTCP_LOSS:
		ack_loss(sk, seg, ack, wait_us);
		break;
	}
}

/*
 * An ACK stops before what was SACKed: the peer has thrown that away (RFC 2018
 * section 8), or will say more in a moment. A short timeout decides.
 */
static bool reneging(const struct toytcp_sock *ts, const struct toytcp_ack *ack)
{
	const struct rb_node *head = rb_first(&ts->rtx_queue);

	return ack->advanced && head &&
	       TOYTCP_CB(rb_to_skb(head))->mark & TOYTCP_SKB_SACKED;
}

/**
 * toytcp_recovery_acked() - take in an acceptable ACK
 * @sk: the socket; snd_una is already the ACK's
 * @seg: the segment
 * @prior_una: snd_una before it
 * @window_changed: the segment changed snd_wnd
 *
 * Context: socket lock held.
 */
void toytcp_recovery_acked(struct sock *sk, const struct toytcp_seg *seg,
			   u32 prior_una, bool window_changed)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_ack ack COMPAT_UNINITIALIZED;
	bool had_data = ts->packets_out;
	u64 wait_us = 0;

	ack_begin(ts, &ack);
	ack.prior_una = prior_una;
	ack.advanced = ts->snd_una != prior_una;
	ack.ece = toytcp_ecn_echoed(ts, seg);
	ack.brings_data = seg->len;
	if (!ts->sacked_out)
		ts->fack = prior_una;
	ack.prior_fack = ts->fack;
	ts->new_only = false;
	if (had_data || (ts->sack_ok && seg->opt.n_sacks))
		take_in(sk, seg, &ack, window_changed);
	if (!had_data && !ack.dsack)
		return;
	ts->delivered += ack.delivered_segs;
	if (ack.ece) {
		ts->delivered_ce += ack.delivered_segs;
		toytcp_stats_add(sock_net(sk), TOYTCP_MIB_DELIVERED_CE,
				 ack.delivered_segs);
	}
	toytcp_rack_adapt(ts, &ack);
	toytcp_rate_sample(ts, &ack, &ack.rate);
	if (ts->tlp_pending &&
	    toytcp_rack_tlp_acked(ts, &ack, window_changed))
		tlp_reduced(ts);
	if (reneging(ts, &ack)) {
		toytcp_timers_reneged(sk);
	} else {
		process(sk, seg, &ack, &wait_us);
		toytcp_timers_acked(sk, ack.advanced, wait_us);
	}
	control(sk, &ack);
	toytcp_pace_update_rate(sk);
	if (ack.advanced) {
		rto_series_end(ts, ack.now_us);
		toytcp_chrono_acked(sk);
		wake_writers(sk);
	}
}

/**
 * toytcp_recovery_reo_timeout() - the reordering window has passed
 * @sk: the socket, with data outstanding
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_recovery_reo_timeout(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_ack ack = {
		.now_us = ts->now_us,
		.prior_in_flight = toytcp_in_flight(ts),
		.prior_lost = ts->lost_total,
	};
	u64 wait_us = toytcp_rack_detect(ts, true);

	if (ts->lost_total != ack.prior_lost &&
	    (ts->recovery != TOYTCP_OPEN || !toytcp_mtup_lost(sk))) {
		if (ts->recovery < TOYTCP_RECOVERY)
			enter_recovery(sk, &ack);
		if (ts->recovery == TOYTCP_RECOVERY)
			prr_update(ts, &ack);
		toytcp_recovery_xmit(sk);
	}
	toytcp_timers_acked(sk, false, wait_us);
}

/* RFC 5681: ssthresh once a loss event: not again for the same data */
static void rto_reduce(struct toytcp_sock *ts)
{
	const struct toytcp_sysctl *ctl =
		&ts->flow.tn->sysctl;
	struct toytcp_cong *c = &ts->cong;
	bool anew = ts->recovery < TOYTCP_RECOVERY ? !reduced_by_ecn(ts) :
						     seq_geq(ts->snd_una, ts->recover);

	if (anew) {
		undo_prepare(ts);
		reduce_ssthresh(ts);
	}
	toytcp_ecn_queue_cwr(ts);
	/* RFC 5682: not where an earlier recovery has mixed up what is original */
	/* nor where what was lost may have been too large */
	ts->frto = (anew || ts->recovery != TOYTCP_RECOVERY) &&
		   READ_ONCE(ctl->frto) && !ts->mtup.size;
	c->cwnd_cnt = 0;
	if (c->ops->rto)
		c->ops->rto(c, ts->now_us);
}

/**
 * toytcp_recovery_rto() - the retransmission timer expired
 * @sk: the socket, with data outstanding
 *
 * RFC 5681 3.1 and RFC 6298 5.4 to 5.6: what is outstanding counts as lost,
 * but for what was sent within the last round trip (RFC 8985 6.3); the window
 * is one segment more than that, and the first is sent again.
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_recovery_rto(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_ack ack = {
		.now_us = ts->now_us,
		.prior_in_flight = toytcp_in_flight(ts),
		.prior_lost = ts->lost_total,
	};
	struct rb_node *node;
	bool reneged;

	/* what an ACK could not cut off for want of memory */
	toytcp_scoreboard_clean(sk, &ack);
	if (ack.acked_segs)
		wake_writers(sk);
	node = rb_first(&ts->rtx_queue);
	if (!node)
		return;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_TIMEOUTS);
	rto_reduce(ts);
	ts->recovery = TOYTCP_LOSS;
	ts->recover = ts->snd_nxt;
	ts->dupacks = 0;
	ts->tlp_pending = false;
	ts->new_only = false;
	if (!ts->sack_ok)
		ts->sacked_out = 0;
	/* the peer has thrown away what it had SACKed (RFC 2018 section 8) */
	reneged = TOYTCP_CB(rb_to_skb(node))->mark & TOYTCP_SKB_SACKED;
	if (reneged) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_SACK_RENEGING);
		toytcp_scoreboard_reneged(ts);
		ts->reneged = true;
	}
	toytcp_scoreboard_all_lost(ts, ts->sack_ok && !reneged);
	ts->cong.cwnd_segs = toytcp_in_flight(ts) + 1;
	ack.delivered_segs = 0;
	control(sk, &ack);
	toytcp_recovery_xmit(sk);
}

/* what was marked lost was so for no congestion: the window stays */
static void resend_lost(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->lost_out && ts->recovery < TOYTCP_RECOVERY) {
		ts->recovery = TOYTCP_LOSS;
		ts->recover = ts->snd_nxt;
		ts->undo_valid = false;
		ts->frto = false;
	}
	toytcp_recovery_xmit(sk);
}

/**
 * toytcp_recovery_mtu() - the path carries less than was sent: send again
 * @sk: the socket; mss is already the smaller one
 *
 * What exceeds the new MSS was dropped by a router, not by congestion: it
 * goes again without a change of the window (RFC 1191 section 6.5).
 *
 * Context: socket lock held.
 */
void toytcp_recovery_mtu(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);
		u32 size = skb_shinfo(skb)->gso_size ?: skb->len;

		if (size > ts->mss)
			toytcp_scoreboard_lost(ts, skb);
	}
	resend_lost(sk);
}

/**
 * toytcp_recovery_syn_data() - the peer took our SYN, but not all of its data
 * @sk: the socket, nothing else sent
 *
 * RFC 7413 4.2.2: they go again as if for the first time.
 *
 * Context: socket lock held.
 */
void toytcp_recovery_syn_data(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node))
		toytcp_scoreboard_lost(ts, rb_to_skb(node));
	resend_lost(sk);
}

/**
 * toytcp_recovery_local_congestion() - this host's own queue is too long
 * @sk: the socket
 *
 * That is congestion before anything is lost (RFC 5681 does not know it): the
 * window comes down as after an ECN-Echo, once a window of data. As Linux's
 * tcp_enter_cwr(), but not for a SYN, which says nothing of a window.
 *
 * Context: socket lock held.
 */
void toytcp_recovery_local_congestion(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_ack ack = {
		.now_us = ts->now_us,
		.prior_in_flight = toytcp_in_flight(ts),
	};

	if (toytcp_handshaking(sk))
		return;
	ts->prior_ssthresh = 0;
	if (ts->recovery == TOYTCP_OPEN)
		enter_reducing(ts, &ack);
}

/**
 * toytcp_recovery_xmit() - send again what is lost, as the window allows
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_recovery_xmit(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_skb_cb *cb;
	struct sk_buff *skb;

	if (ts->new_only)
		return;
	/* what is sent again goes from this list to the end of sent_queue */
	while ((cb = list_first_entry_or_null(&ts->lost_queue,
					      struct toytcp_skb_cb, sent))) {
		skb = toytcp_cb_skb(cb);
		if (toytcp_pace_wait(sk) ||
		    toytcp_in_flight(ts) >= ts->cong.cwnd_segs ||
		    toytcp_pace_queue_full(sk, skb, true) ||
		    toytcp_output_retransmit(sk, skb))
			break;
		toytcp_stats_inc(sock_net(sk), ts->recovery == TOYTCP_LOSS ?
				 TOYTCP_MIB_SLOW_START_RETRANS :
				 TOYTCP_MIB_FAST_RETRANS);
	}
}
