// SPDX-License-Identifier: GPL-2.0
/*
 * SEGMENT ARRIVES: what a segment does to a connection.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 section 3.10.7 in its own
 * order, one function a step; RFC 5961 (blind attacks), RFC 7323 (PAWS).
 * LISTEN and requests are in listen.c, TIME_WAIT in timewait.c.
 *
 * Every step returns TOYTCP_DROP_NONE to go on, or the reason why the segment
 * ends here. A step that keeps the buffer sets seg->skb to NULL.
 */
#include <net/inet_ecn.h>
#include <net/tcp.h>

#include "compat.h"
#include "ecn.h"
#include "ipv4.h"
#include "pace.h"
#include "seq.h"
#include "sock.h"
#include "timewait.h"
#include "trace.h"
#include "urgent.h"
#include "window.h"

/* a step's word that the segment has done all it does, and is no error */
#define STEP_DONE TOYTCP_DROP_COUNT

#define ACK_SHARE 4	/* of the window may wait for a program to read it */

/**
 * toytcp_seg_init() - read a segment's header
 * @seg: filled
 * @skb: the segment, data at a whole TCP header whose length was checked
 *
 * Context: any.
 * Return: 0, or -EINVAL if the header's length does not fit the buffer.
 */
int toytcp_seg_init(struct toytcp_seg *seg, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	seg->skb = skb;
	seg->hdr_len = th->doff * 4;
	if (seg->hdr_len < sizeof(*th) || seg->hdr_len > skb_headlen(skb))
		return -EINVAL;
	seg->flags = ((const u8 *)th)[13];
	seg->ecn = ip_hdr(skb)->tos & INET_ECN_MASK;
	seg->len = skb->len - seg->hdr_len;
	seg->seq = ntohl(th->seq);
	seg->end_seq = seg->seq + seg->len + !!(seg->flags & TOYTCP_SYN) +
		       !!(seg->flags & TOYTCP_FIN);
	seg->ack = ntohl(th->ack_seq);
	seg->wnd = ntohs(th->window);
	toytcp_options_parse((const u8 *)(th + 1), seg->hdr_len - sizeof(*th),
			     seg->flags & TOYTCP_SYN, &seg->opt);
	return 0;
}

/* RFC 7323 4.3: remember the timestamp to echo */
static void ts_recent_update(struct toytcp_sock *ts,
			     const struct toytcp_seg *seg)
{
	if (!ts->ts_ok || !seg->opt.has_ts || seq_after(seg->seq, ts->rcv_wup))
		return;
	if (seq_before(seg->opt.tsval, ts->ts_recent) &&
	    toytcp_clock_s(ts) - ts->ts_recent_s <
		    TOYTCP_PAWS_IDLE_S)
		return;
	ts->ts_recent = seg->opt.tsval;
	ts->ts_recent_s = toytcp_clock_s(ts);
}

/*
 * Answer a segment that is of no use. What takes no number, or a SYN, may be
 * the other end's answer to such an answer: those are held back.
 */
static void answer_useless(struct sock *sk, const struct toytcp_seg *seg)
{
	if (seg->end_seq != seg->seq && !(seg->flags & TOYTCP_SYN))
		toytcp_output_ack(sk);
	else
		toytcp_output_dup_ack(sk);
}

/* RFC 7323 5.3 R1: an old duplicate by its timestamp. A reset passes. */
static enum toytcp_drop_reason step_paws(struct sock *sk,
					 const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 age;

	if (!ts->ts_ok || !seg->opt.has_ts || (seg->flags & TOYTCP_RST))
		return TOYTCP_DROP_NONE;
	if (!seq_before(seg->opt.tsval, ts->ts_recent))
		return TOYTCP_DROP_NONE;
	age = toytcp_clock_s(ts) - ts->ts_recent_s;
	if (age >= TOYTCP_PAWS_IDLE_S)
		return TOYTCP_DROP_NONE;
	/*
	 * A pure ACK that was overtaken just now is no sign of trouble: no
	 * answer. Just now is a timeout, if the peer's clock counts milliseconds.
	 */
	if (seg->end_seq != seg->seq ||
	    ts->ts_recent - seg->opt.tsval > toytcp_rtt_timeout_us(&ts->rtt) / 1000)
		answer_useless(sk, seg);
	return TOYTCP_DROP_PAWS;
}

/*
 * RFC 5961 3.2: a reset counts where the next byte is due. As Linux, also
 * where the peer's FIN was, for a peer that forgets to count it, and behind
 * all that came out of order.
 */
static bool rst_matches(const struct toytcp_sock *ts,
			const struct toytcp_seg *seg)
{
	struct rb_node *last = rb_last(&ts->ofo_queue);

	if (seg->seq == ts->rcv_nxt ||
	    (ts->got_fin && seg->seq == ts->rcv_nxt - 1))
		return true;
	return ts->sack_ok && last &&
	       seg->seq == TOYTCP_CB(rb_to_skb(last))->end_seq;
}

/*
 * First: is it acceptable? 3.10.7.4, in Linux's wider reading: what has a
 * point in common with the window, its right edge included, still brings its
 * ACK, its window and its reset (see toytcp_window_touches()). The data step
 * takes only the text that lies inside.
 */
static enum toytcp_drop_reason step_sequence(struct sock *sk,
					     const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	/* from rcv_wup: an ACK that data have overtaken is no reason to answer */
	if (toytcp_window_touches(ts->rcv_wup,
				  ts->rcv_nxt - ts->rcv_wup +
				  toytcp_rcv_wnd_left(ts),
				  seg->seq, seg->end_seq - seg->seq))
		return TOYTCP_DROP_NONE;
	if (seg->flags & TOYTCP_RST)
		return rst_matches(ts, seg) ? TOYTCP_DROP_NONE : TOYTCP_DROP_SEQ;
	if (seg->flags & TOYTCP_SYN) {
		toytcp_output_challenge_ack(sk);
		return TOYTCP_DROP_SYN;
	}
	/* a duplicate of what has been received: tell which (RFC 2883) */
	if (seg->end_seq != seg->seq && seq_before(seg->seq, ts->rcv_nxt))
		toytcp_reassembly_dup(ts, seg->seq, seg->end_seq);
	answer_useless(sk, seg);
	return seq_before(seg->seq, ts->rcv_nxt) ? TOYTCP_DROP_OLD_DATA :
						   TOYTCP_DROP_SEQ;
}

/* Second: RST, with RFC 5961 section 3 */
static enum toytcp_drop_reason step_rst(struct sock *sk,
					const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int err;

	if (!(seg->flags & TOYTCP_RST))
		return TOYTCP_DROP_NONE;
	if (!rst_matches(ts, seg)) {
		if (ts->syn_fastopen && !ts->data_segs_in &&
		    sk->sk_state == TCP_ESTABLISHED)
			toytcp_fastopen_black_hole(sk);
		toytcp_output_challenge_ack(sk);
		return TOYTCP_DROP_RST_SEQ;
	}
	switch (sk->sk_state) {
	case TCP_SYN_RECV:
		err = ts->fastopen_listener ? ECONNRESET : ECONNREFUSED;
		break;
	case TCP_CLOSE_WAIT:
		err = EPIPE;
		break;
	default:
		err = ECONNRESET;
	}
	toytcp_stats_inc(sock_net(sk), sk->sk_state == TCP_SYN_RECV ?
				 TOYTCP_MIB_ATTEMPT_FAILS :
				 TOYTCP_MIB_ESTAB_RESETS);
	toytcp_fastopen_end(sk, true);
	toytcp_sock_error(sk, err);
	return TOYTCP_DROP_RESET;
}

/* the SYN that made a Fast Open child, again: our SYN-ACK was lost */
static enum toytcp_drop_reason step_syn_again(struct sock *sk,
					      const struct toytcp_seg *seg)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (likely(!ts->fastopen_listener) || seg->seq != ts->irs ||
	    (seg->flags & (TOYTCP_SYN | TOYTCP_ACK | TOYTCP_RST)) != TOYTCP_SYN)
		return TOYTCP_DROP_NONE;
	toytcp_output_synack_again(sk);
	return TOYTCP_DROP_SYN;
}

/* Fourth: SYN in the window, RFC 5961 section 4 */
static enum toytcp_drop_reason step_syn(struct sock *sk,
					const struct toytcp_seg *seg)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (!(seg->flags & TOYTCP_SYN))
		return TOYTCP_DROP_NONE;
	/* the SYN-ACK that completes a simultaneous open, as Linux takes it */
	if (sk->sk_state == TCP_SYN_RECV && (seg->flags & TOYTCP_ACK) &&
	    seg->seq + 1 == seg->end_seq && seg->end_seq == ts->rcv_nxt &&
	    seg->ack == ts->snd_nxt)
		return TOYTCP_DROP_NONE;
	toytcp_output_challenge_ack(sk);
	return TOYTCP_DROP_SYN;
}

static void window_update(struct sock *sk, const struct toytcp_seg *seg,
			  bool *changed)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 wnd = seg->wnd;

	if (!(seg->flags & TOYTCP_SYN) && ts->wscale_ok)
		wnd <<= ts->snd_wscale;
	*changed = false;
	if (!toytcp_window_update_ok(ts->snd_wl1, ts->snd_wl2, ts->snd_wnd,
				     seg->seq, seg->ack, wnd))
		return;
	*changed = wnd != ts->snd_wnd;
	if (*changed)
		ts->probe_backoff = 0;
	ts->snd_wnd = wnd;
	ts->snd_wl1 = seg->seq;
	ts->snd_wl2 = seg->ack;
	if (wnd > ts->max_snd_wnd) {
		ts->max_snd_wnd = wnd;
		toytcp_output_mss_sync(sk, ts->pmtu);
	}
}

/* a connection begins to receive: at the handshake's end, or with its SYN */
static void reading_begins(struct toytcp_sock *ts)
{
	ts->copied_seq = ts->irs + 1;
	ts->rcvq_seq = ts->copied_seq;
	ts->rcvq_us = (u32)ts->now_us;
	ts->rcvq_space = min_t(u32, ts->rcv_wnd,
			       TOYTCP_CONG_INIT_CWND * toytcp_adv_data(ts));
	ts->last_data_recv_ms = toytcp_clock_ms(ts);
	ts->quickacks = TOYTCP_QUICKACKS;
}

/*
 * An active or passive open is complete: the peer has answered our SYN. A
 * Fast Open child may have read and written, and even closed, before.
 */
static void established(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 wnd = seg->wnd;

	if (!(seg->flags & TOYTCP_SYN) && ts->wscale_ok)
		wnd <<= ts->snd_wscale;
	ts->snd_wnd = wnd;
	ts->max_snd_wnd = wnd;
	toytcp_output_mss_sync(sk, ts->pmtu);
	ts->snd_wl1 = seg->seq;
	ts->snd_wl2 = seg->ack;
	ts->last_ack_recv_ms = toytcp_clock_ms(ts);
	/* what TCP_INFO counts from until data are sent */
	ts->last_xmit_us = ts->now_us;
	if (!ts->fastopen_listener)
		reading_begins(ts);
	/* RFC 5681 3.1: a SYN-ACK was lost, so go on with one segment */
	else if (ts->retransmits > 1)
		ts->cong.cwnd_segs = 1;
	toytcp_fastopen_end(sk, false);
	if (sk->sk_state != TCP_FIN_WAIT1)
		toytcp_state_set(sk, TCP_ESTABLISHED);
	toytcp_timers_established(sk);
	toytcp_ecn_established(sk);
	/* RFC 5482 3: the first segment without SYN tells it again */
	ts->uto_pending = ts->user_timeout_ms;
	toytcp_ipv4_confirm(sk);
	toytcp_sock_sndbuf_expand(sk);
	toytcp_pace_update_rate(sk);
	/* the program may have shut down before the handshake was through */
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
}

/* Fifth: ACK of our SYN-ACK (a simultaneous or Fast Open; requests are listen.c's) */
static enum toytcp_drop_reason ack_syn_recv(struct sock *sk,
					    const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!seq_after(seg->ack, ts->snd_una) ||
	    seq_after(seg->ack, ts->snd_nxt)) {
		toytcp_refuse(sk, seg);
		return TOYTCP_DROP_REQ_ACK;
	}
	/* a child's SYN-ACK was the request's, and in no queue of the child's */
	if (!ts->packets_out)
		ts->delivered++;
	established(sk, seg);
	/* shutdown() may have come first: to this end, or its listener, as with Linux */
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		toytcp_sock_shutdown_send(sk, GFP_ATOMIC);
	return TOYTCP_DROP_NONE;
}

/* our FIN is acknowledged */
static enum toytcp_drop_reason fin_acked(struct sock *sk,
					 const struct toytcp_seg *seg)
{
	switch (sk->sk_state) {
	case TCP_FIN_WAIT1:
		toytcp_state_set(sk, TCP_FIN_WAIT2);
		sk->sk_shutdown |= SEND_SHUTDOWN;
		sk_dst_confirm(sk);
		if (!sock_flag(sk, SOCK_DEAD)) {
			sk->sk_state_change(sk); /* a lingering close waits for it */
		} else if (toytcp_sk(sk)->linger2 < 0) {
			/* TCP_LINGER2: an orphan does not wait for the peer's FIN */
			toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ABORT_ON_DATA);
			toytcp_refuse(sk, seg);
			toytcp_sock_done(sk);
			return STEP_DONE;
		}
		return TOYTCP_DROP_NONE;
	case TCP_CLOSING:
		toytcp_timewait_enter(sk);
		return STEP_DONE;
	case TCP_LAST_ACK:
		toytcp_sock_done(sk);
		return STEP_DONE;
	}
	return TOYTCP_DROP_NONE;
}

/* Fifth: ACK, with RFC 5961 section 5 */
static enum toytcp_drop_reason step_ack(struct sock *sk,
					const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 prior_una = ts->snd_una;
	enum toytcp_drop_reason why;
	bool opened = toytcp_handshaking(sk), window_changed;

	if (!(seg->flags & TOYTCP_ACK))
		return TOYTCP_DROP_NO_ACK;
	if (opened) {
		why = ack_syn_recv(sk, seg);
		if (why != TOYTCP_DROP_NONE)
			return why;
	}
	if (seq_after(seg->ack, ts->snd_nxt)) {
		toytcp_output_challenge_ack(sk);
		return TOYTCP_DROP_FUTURE_ACK;
	}
	if (seq_before(seg->ack, ts->snd_una)) {
		/* nor could it ever have been sent: a guess (RFC 5961 5.2) */
		if (seq_before(seg->ack, ts->snd_una -
			       min_t(u64, ts->max_snd_wnd, ts->bytes_acked))) {
			toytcp_output_challenge_ack(sk);
			return TOYTCP_DROP_OLD_ACK;
		}
		/* an ACK that was overtaken: its data are still welcome */
		return TOYTCP_DROP_NONE;
	}

	ts_recent_update(ts, seg);
	if (seg->opt.has_uto)
		toytcp_timers_peer_uto(sk, seg->opt.uto_s);
	if (seg->flags & TOYTCP_CWR)
		toytcp_ecn_cwr_heard(ts, seg);
	if (unlikely(ts->probes))
		toytcp_timers_probe_answered(sk);
	ts->probes = 0;
	WRITE_ONCE(sk->sk_err_soft, 0);
	ts->last_ack_recv_ms = toytcp_clock_ms(ts);
	if (seg->ack != ts->snd_una) {
		/* a SYN is counted of an active open alone, as Linux does */
		ts->bytes_acked += seg->ack - ts->snd_una - opened;
		ts->snd_una = seg->ack;
		toytcp_urgent_acked(ts);
		toytcp_ipv4_confirm(sk);
	}
	window_update(sk, seg, &window_changed);
	toytcp_recovery_acked(sk, seg, prior_una, window_changed);
	if (ts->fin_queued && ts->snd_una == ts->write_seq)
		return fin_acked(sk, seg);
	return TOYTCP_DROP_NONE;
}

/* keep the estimate of the peer's segment size */
static void rcv_mss_update(struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	u32 len = skb_shinfo(seg->skb)->gso_size ?: seg->len;

	if (len < ts->rcv_mss)
		return;
	ts->rcv_mss = clamp_t(u32, len, TOYTCP_MSS_MIN, ts->adv_mss);
	toytcp_rwnd_weigh(ts, seg->len, seg->skb->truesize);
}

/*
 * RFC 5681 4.2 wants an ACK for every second full segment. As in Linux, it
 * waits for the program to read if till then the window would not move, since
 * reading sends one; but no more than a part of the window waits, so that a
 * slow program does not take the sender's clock away.
 */
static bool second_segment(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 unacked = ts->rcv_nxt - ts->rcv_wup;

	return unacked > ts->rcv_mss &&
	       (unacked > ts->rcv_wnd / ACK_SHARE ||
		ts->rcv_nxt - ts->copied_seq < sk->sk_rcvlowat ||
		toytcp_rwnd_select(sk) >= ts->rcv_wnd);
}

/* does a program sleep until there is something to read? */
static bool reader_waits(const struct sock *sk)
{
	struct socket_wq *wq =
		rcu_dereference_check(sk->sk_wq, lockdep_sock_is_held(sk));

	/* no barrier: a hint, and who wakes for data comes for the lock first */
	return wq && waitqueue_active(&wq->wait);
}

/*
 * The program sent a moment ago, and the peer has all of that: who has asked is
 * about to read, but may not have come from send() to recv() yet.
 */
static bool just_asked(const struct toytcp_sock *ts)
{
	return ts->data_segs_out && ts->snd_una == ts->write_seq &&
	       ts->now_us - ts->last_xmit_us < TOYTCP_DELACK_READ_US;
}

/*
 * A young connection's segments are acknowledged at once, for the peer's slow
 * start: that is what Linux does. One that is less than full is no part of
 * that, but a request or an answer, and what the program says or how it closes
 * will carry its ACK. So that waits a moment: until the program asks for more
 * (more_wanted()), a millisecond at most, and for one segment only.
 */
static bool answer_expected(const struct sock *sk, u32 len)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	return len && len < ts->rcv_mss && ts->rcv_nxt - ts->rcv_wup == len &&
	       sk->sk_state == TCP_ESTABLISHED && !ts->quickack_wanted &&
	       RB_EMPTY_ROOT(&ts->ofo_queue) &&
	       (reader_waits(sk) || just_asked(ts));
}

/* decide how soon what came, @len bytes, is acknowledged; toytcp_rcv() acts on it */
static void ack_schedule(struct sock *sk, u32 len)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->ack_pending = true;
	if (ts->quickacks && !ts->interactive) {
		ts->quickacks--;
		if (!ts->path.quickack && answer_expected(sk, len))
			toytcp_timers_delack(sk, TOYTCP_DELACK_READ_US);
		else
			ts->ack_now = true;
	} else if (ts->path.quickack) {
		ts->ack_now = true;
	} else if (!RB_EMPTY_ROOT(&ts->ofo_queue) ||
		   (ts->got_fin && sk->sk_state != TCP_CLOSE_WAIT) ||
		   second_segment(sk)) {
		/* RFC 5681 4.2: every gap, too */
		ts->ack_now = true;
	}
}

/* the receiver's own measure of a round trip: how long a window takes at least */
static void rcv_rtt_by_window(struct toytcp_sock *ts)
{
	u64 now = ts->now_us;
	u32 sample;

	if (ts->rcv_rtt_start_us) {
		if (seq_before(ts->rcv_nxt, ts->rcv_rtt_seq))
			return;
		sample = clamp_t(u64, now - ts->rcv_rtt_start_us, 1, U32_MAX);
		/* never up: a slow program makes windows last */
		if (!ts->rcv_rtt_us || sample < ts->rcv_rtt_us)
			ts->rcv_rtt_us = sample;
	}
	ts->rcv_rtt_seq = ts->rcv_nxt + ts->rcv_wnd;
	ts->rcv_rtt_start_us = now;
}

/*
 * The same by timestamps: how long ago was the ACK that made room for this? Each
 * is asked once, and only a full segment waited for nothing else. Within a
 * millisecond the clock of the timestamps says nothing.
 */
static void rcv_rtt_by_stamp(struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	u32 ms, sample;

	if (!seg->opt.has_ts || seg->opt.tsecr == ts->rcv_rtt_tsecr)
		return;
	ts->rcv_rtt_tsecr = seg->opt.tsecr;
	ms = toytcp_ts_clock(ts) - seg->opt.tsecr;
	if (seg->len < ts->rcv_mss || !ms || ms > INT_MAX / USEC_PER_MSEC)
		return;
	sample = ms * USEC_PER_MSEC;
	if (!ts->rcv_rtt_us || sample < ts->rcv_rtt_us)
		ts->rcv_rtt_us = sample;
	else
		ts->rcv_rtt_us += (sample - ts->rcv_rtt_us) / 8;
}

/* after close(), or shutdown() both ways */
static bool nobody_reads(const struct sock *sk)
{
	return sock_flag(sk, SOCK_DEAD) ||
	       ((BIT(sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2)) &&
		(sk->sk_shutdown & RCV_SHUTDOWN));
}

/* Sixth: the URG bit, where text may still come */
static void step_urg(struct sock *sk, const struct toytcp_seg *seg)
{
	if (likely(!(seg->flags & TOYTCP_URG) &&
		   toytcp_sk(sk)->urg_data != TOYTCP_URG_NOTYET))
		return;
	if (BIT(sk->sk_state) &
	    (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2))
		toytcp_urgent_rcv(sk, seg);
}

/* Seventh: the segment text */
static enum toytcp_drop_reason step_data(struct sock *sk,
					 struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	enum toytcp_drop_reason why;
	bool gap;

	if (!seg->len && !(seg->flags & TOYTCP_FIN))
		return STEP_DONE;
	if (ts->got_fin) {
		/*
		 * There is nothing after a FIN. What is before it, the peer
		 * sends again for want of an ACK.
		 */
		if (seq_before(seg->seq, ts->rcv_nxt)) {
			toytcp_reassembly_dup(ts, seg->seq, seg->end_seq);
			ts->ack_pending = true;
			ts->ack_now = true;
		}
		return TOYTCP_DROP_AFTER_FIN;
	}
	/*
	 * Nobody will read it: RFC 9293 3.6.1 (SHLD-3), RFC 2525 2.17. A FIN
	 * that is not next says that there was text.
	 */
	if (nobody_reads(sk) && seq_after(seg->seq + seg->len, ts->rcv_nxt)) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ABORT_ON_DATA);
		/* with the number that the peer is sure to expect */
		toytcp_refuse(sk, seg);
		toytcp_sock_error(sk, ECONNRESET);
		return TOYTCP_DROP_AFTER_CLOSE;
	}
	if (seg->len) {
		ts->data_segs_in += max_t(u32, skb_shinfo(seg->skb)->gso_segs,
					  1);
		ts->last_data_recv_ms = toytcp_clock_ms(ts);
		rcv_mss_update(ts, seg);
		rcv_rtt_by_window(ts);
		rcv_rtt_by_stamp(ts, seg);
		if (seq_after(seg->seq + seg->len, ts->rcv_nxt))
			toytcp_ecn_rcv(sk, seg);
	}

	gap = !RB_EMPTY_ROOT(&ts->ofo_queue);
	why = toytcp_reassembly_queue(sk, seg);
	if (sk->sk_state == TCP_CLOSE)
		return why;
	ack_schedule(sk, seg->len);
	/* RFC 5681 4.2: the gap is filled, a FIN behind it or not */
	if (gap && RB_EMPTY_ROOT(&ts->ofo_queue))
		ts->ack_now = true;
	/* nothing new, or no room for it: the peer must learn where we are */
	if (why != TOYTCP_DROP_NONE)
		ts->ack_now = true;
	/* a peer that repairs a loss grows its window from nothing: no delay */
	if (why != TOYTCP_DROP_NONE || !RB_EMPTY_ROOT(&ts->ofo_queue)) {
		ts->quickacks = TOYTCP_QUICKACKS;
		ts->interactive = false;
	}
	return why;
}

/**
 * toytcp_rcv_fin() - the peer's FIN is next in sequence (eighth step)
 * @sk: the socket; rcv_nxt already counts the FIN
 *
 * Context: softirq or backlog, socket lock held. Called by reassembly.c.
 */
void toytcp_rcv_fin(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->got_fin = 1;
	/* as Linux counts, which counts sequence numbers */
	ts->bytes_received++;
	sk->sk_shutdown |= RCV_SHUTDOWN;
	sock_set_flag(sk, SOCK_DONE);

	switch (sk->sk_state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		toytcp_state_set(sk, TCP_CLOSE_WAIT);
		/* the program's own FIN may be next, and carry the ACK */
		ts->interactive = true;
		break;
	case TCP_FIN_WAIT1:
		/* had our FIN been acknowledged, this were FIN_WAIT2 */
		toytcp_state_set(sk, TCP_CLOSING);
		break;
	case TCP_FIN_WAIT2:
		toytcp_output_ack(sk);
		toytcp_reassembly_purge(sk);
		toytcp_timewait_enter(sk);
		return;
	}
	/* nothing after a FIN belongs to the stream */
	toytcp_reassembly_purge(sk);
	if (sock_flag(sk, SOCK_DEAD))
		return;
	sk->sk_state_change(sk);
	sk_wake_async(sk, SOCK_WAKE_WAITD,
		      sk->sk_shutdown == SHUTDOWN_MASK ? POLL_HUP : POLL_IN);
}

/* Any synchronised state, and SYN_RECV: 3.10.7.4 */
static enum toytcp_drop_reason rcv_other(struct sock *sk,
					 struct toytcp_seg *seg)
{
	enum toytcp_drop_reason why;

	/* no TCP sends such a segment: Linux does not even answer it */
	if (!(seg->flags & (TOYTCP_ACK | TOYTCP_RST | TOYTCP_SYN)))
		return TOYTCP_DROP_NO_ACK;
	why = step_paws(sk, seg);
	if (why == TOYTCP_DROP_NONE)
		why = step_syn_again(sk, seg);
	if (why == TOYTCP_DROP_NONE)
		why = step_sequence(sk, seg);
	if (why == TOYTCP_DROP_NONE)
		why = step_rst(sk, seg);
	/* third: security and compartment, which nobody uses */
	if (why == TOYTCP_DROP_NONE)
		why = step_syn(sk, seg);
	if (why == TOYTCP_DROP_NONE)
		why = step_ack(sk, seg);
	if (why == TOYTCP_DROP_NONE) {
		step_urg(sk, seg);
		why = step_data(sk, seg);
	}
	return why;
}

/* our SYN is answered: what the peer's options agreed to */
static void syn_options_heard(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;

	ts->peer_mss = seg->opt.mss ?: TOYTCP_MSS_DEFAULT;
	ts->wscale_ok = seg->opt.has_wscale && READ_ONCE(ctl->window_scaling);
	ts->snd_wscale = ts->wscale_ok ? seg->opt.wscale : 0;
	if (!ts->wscale_ok)
		ts->rcv_wscale = 0;
	ts->sack_ok = seg->opt.sack_perm && READ_ONCE(ctl->sack);
	ts->ts_ok = seg->opt.has_ts && READ_ONCE(ctl->timestamps);
	if (ts->ts_ok) {
		ts->ts_recent = seg->opt.tsval;
		ts->ts_recent_s = toytcp_clock_s(ts);
	}
	if (seg->opt.has_uto)
		toytcp_timers_peer_uto(sk, seg->opt.uto_s);
	toytcp_ecn_answered(ts, seg);
	toytcp_mtup_init(sk);
	toytcp_output_mss_sync(sk, ts->pmtu);
	/* RFC 5681 3.1: a SYN was lost, so start with one segment */
	ts->cong.cwnd_segs = ts->retransmits > 1 ? 1 : toytcp_path_init_cwnd(ts);
	ts->snd_wl1 = seg->seq;
	ts->snd_wl2 = ts->iss;
	ts->snd_wnd = seg->wnd;
}

/* 3.10.7.3, SYN-SENT, first: is the ACK ours? */
static enum toytcp_drop_reason syn_sent_ack(struct sock *sk,
					    const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 now = toytcp_ts_clock(ts);

	if (!(seg->flags & TOYTCP_ACK))
		return TOYTCP_DROP_NONE;
	if (seq_after(seg->ack, ts->iss) && seq_leq(seg->ack, ts->snd_nxt)) {
		/* an echo of a clock that we never sent: an old incarnation's */
		if (seg->opt.has_ts && seg->opt.tsecr &&
		    (seq_before(seg->opt.tsecr, ts->syn_ts) ||
		     seq_after(seg->opt.tsecr, now)))
			goto reset;
		return TOYTCP_DROP_NONE;
	}
reset:
	toytcp_refuse(sk, seg);
	return TOYTCP_DROP_SYN_SENT_ACK;
}

/* SYN and SYN crossed on the wire: figure 8 of RFC 9293 */
static void simultaneous_open(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_first(&ts->rtx_queue);

	toytcp_state_set(sk, TCP_SYN_RECV);
	if (WARN_ON_ONCE(!node))
		return;
	TOYTCP_CB(rb_to_skb(node))->flags |= TOYTCP_ACK;
	toytcp_ecn_synack(sk, TOYTCP_CB(rb_to_skb(node)));
	toytcp_output_retransmit(sk, rb_to_skb(node));
}

/* 3.10.7.3, SYN-SENT */
static enum toytcp_drop_reason rcv_syn_sent(struct sock *sk,
					    struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 prior_una = ts->snd_una, cwnd_segs;
	enum toytcp_drop_reason why;

	/* our SYN waits for the first write: this answers something else */
	if (ts->defer_connect)
		return TOYTCP_DROP_SYN_SENT_FLAGS;
	why = syn_sent_ack(sk, seg);
	if (why != TOYTCP_DROP_NONE)
		return why;
	if (seg->flags & TOYTCP_RST) {
		if (!(seg->flags & TOYTCP_ACK))
			return TOYTCP_DROP_SYN_SENT_FLAGS;
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ATTEMPT_FAILS);
		toytcp_sock_error(sk, ECONNREFUSED);
		return TOYTCP_DROP_RESET;
	}
	if (!(seg->flags & TOYTCP_SYN))
		return TOYTCP_DROP_SYN_SENT_FLAGS;

	ts->irs = seg->seq;
	ts->rcv_nxt = seg->seq + 1;
	ts->rcv_wup = ts->rcv_nxt;
	ts->copied_seq = ts->rcv_nxt;
	syn_options_heard(sk, seg);
	if (!(seg->flags & TOYTCP_ACK)) {
		simultaneous_open(sk);
		return STEP_DONE;
	}

	ts->snd_una = seg->ack;
	ts->bytes_acked = seg->ack - prior_una;
	/* the SYN's ACK is one of data no more than the SYN is: cwnd stays */
	cwnd_segs = ts->cong.cwnd_segs;
	toytcp_recovery_acked(sk, seg, prior_una, false);
	ts->cong.cwnd_segs = cwnd_segs;
	established(sk, seg);
	ts->ack_pending = true;
	/* a program that is about to send lets its data carry the ACK */
	ts->ack_now = !ts->interactive && !sk->sk_write_pending &&
		      !ts->defer_accept;
	if (!ts->ack_now)
		toytcp_timers_delack(sk, TOYTCP_DELACK_MAX_US);
	toytcp_fastopen_synack(sk, seg);
	if (!seg->len && !(seg->flags & TOYTCP_FIN))
		return STEP_DONE;
	/* text or FIN with the SYN-ACK: on to the sixth step */
	seg->seq++;
	seg->flags &= ~TOYTCP_SYN;
	step_urg(sk, seg);
	return step_data(sk, seg);
}

/**
 * toytcp_rcv_syn_data() - the SYN that makes a Fast Open child
 * @sk: the child, new
 * @seg: the SYN; its buffer is consumed
 *
 * RFC 7413 4.2.2: its text may be read at once.
 *
 * Context: softirq or the listener's backlog, child's lock held.
 */
void toytcp_rcv_syn_data(struct sock *sk, struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	enum toytcp_drop_reason why;

	reading_begins(ts);
	seg->seq++;
	seg->flags &= ~TOYTCP_SYN;
	why = step_data(sk, seg);
	/* what the SYN-ACK promises begins behind that */
	ts->rcv_wup = ts->rcv_nxt;
	ts->syn_data_acked = ts->rcv_nxt != ts->irs + 1;
	if (!seg->skb)
		return;
	if (why == STEP_DONE || why == TOYTCP_DROP_NONE)
		consume_skb(seg->skb);
	else
		toytcp_drop(sock_net(sk), seg->skb, why);
	seg->skb = NULL;
}

/* acknowledge as scheduled, send what the segment made possible */
static void rcv_finish(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (unlikely(!list_empty(&ts->lost_queue)))
		toytcp_recovery_xmit(sk);
	if (!skb_queue_empty(&sk->sk_write_queue))
		toytcp_output_push(sk, TOYTCP_PUSH_NAGLE);
	/* data may have carried the ACK just now; else it goes alone, or later */
	if (!ts->ack_pending)
		return;
	if (ts->ack_now)
		toytcp_output_ack(sk);
	else
		toytcp_timers_delack(sk, TOYTCP_DELACK_US);
}

/**
 * toytcp_rcv() - one segment for a full socket
 * @sk: the socket, in any state but LISTEN
 * @seg: the segment; its buffer is consumed
 *
 * Context: softirq, or process context from the backlog; socket lock held.
 * May end the connection and, for an orphan, the socket's membership in all
 * tables; the caller's reference keeps @sk itself.
 */
void toytcp_rcv(struct sock *sk, struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct net *net = sock_net(sk);
	struct sk_buff *skb = seg->skb;
	enum toytcp_drop_reason why;

	toytcp_clock(ts);
	ts->segs_in += max_t(u32, skb_shinfo(skb)->gso_segs, 1);
	trace_toytcp_rcv(sk, seg->flags, seg->seq, seg->len, seg->ack,
			 seg->wnd);
	if (seg->opt.malformed)
		toytcp_stats_inc(net, TOYTCP_MIB_MALFORMED_OPTS);

	switch (sk->sk_state) {
	case TCP_CLOSE:
		/*
		 * It closed while the segment waited for its lock. No reset: a
		 * time-wait may have taken over. What is really gone is not
		 * found by the next segment, and that is reset.
		 */
		why = TOYTCP_DROP_CLOSED;
		break;
	case TCP_SYN_SENT:
		why = rcv_syn_sent(sk, seg);
		break;
	default:
		why = rcv_other(sk, seg);
	}

	if (seg->skb) {
		if (why == STEP_DONE || why == TOYTCP_DROP_NONE)
			consume_skb(seg->skb);
		else
			toytcp_drop(net, seg->skb, why);
	}
	if (sk->sk_state != TCP_CLOSE)
		rcv_finish(sk);
	/* all is said but the peer's FIN: a remnant can wait for it */
	if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD))
		toytcp_timewait_enter(sk);
}
