// SPDX-License-Identifier: GPL-2.0
/*
 * What to send, and when: segmentation, headers, acknowledgements, resets.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 sections 3.7, 3.8.6 and
 * 3.10, RFC 1122 section 4.2.3.4 (Nagle), RFC 7323, RFC 2018.
 *
 * What goes down is a clone of a buffer of sendq.c's, or a copy of the head if
 * a former clone still shares it (a device or the receiver on the same host
 * holds it).
 */
#include <linux/skbuff.h>
#include <net/tcp.h>

#include "compat.h"
#include "cong_net.h"
#include "ecn.h"
#include "ipv4.h"
#include "pace.h"
#include "seq.h"
#include "sock.h"
#include "trace.h"
#include "urgent.h"
#include "window.h"

/**
 * toytcp_output_mss_sync() - recompute the send MSS from the path MTU
 * @sk: the socket
 * @pmtu: path MTU, bytes
 *
 * RFC 9293 3.7.1 (Eff.snd.MSS): the smaller of what the peer accepts and what
 * the path carries, less the options every segment has. TCP_MAXSEG caps it, and
 * the search of mtup.c.
 *
 * Context: socket lock held.
 */
void toytcp_output_mss_sync(struct sock *sk, u32 pmtu)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->pmtu = pmtu;
	ts->mss = toytcp_mtup_mss(sk, pmtu);
}

/**
 * toytcp_output_adv_mss() - the MSS to announce
 * @ts: the socket, or the listener
 * @path: of the connection
 * @mtu: what the route takes, bytes
 *
 * RFC 6691: no options are deducted.
 *
 * Context: socket lock held.
 * Return: bytes.
 */
u16 toytcp_output_adv_mss(const struct toytcp_sock *ts,
			  const struct toytcp_path *path, u32 mtu)
{
	u32 mss = mtu > 40 ? mtu - 40 : 0;

	if (path->adv_mss)
		mss = min(mss, path->adv_mss);

	if (ts->user_mss)
		mss = min_t(u32, mss, ts->user_mss);
	return clamp_t(u32, mss, TOYTCP_MSS_MIN, TOYTCP_MSS_MAX);
}

/* RFC 5482 3: what this end will do, rounded up to a second */
static void uto_option(const struct sock *sk, struct toytcp_options *opt)
{
	u32 ms = toytcp_sk(sk)->user_timeout_ms;

	if (!ms ||
	    !READ_ONCE(toytcp_sk_net(sk)->sysctl.user_timeout_option))
		return;
	opt->has_uto = 1;
	opt->uto_s = DIV_ROUND_UP(ms, 1000);
}

/* options of every segment but a SYN */
static void data_options(struct sock *sk, struct toytcp_options *opt,
			 bool pure_ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	/* the rest counts only where something here says so */
	memset(opt, 0, offsetof(struct toytcp_options, tsval));
	/* the MSS leaves no room for it beside data */
	if (pure_ack && ts->uto_pending) {
		ts->uto_pending = false;
		uto_option(sk, opt);
	}
	if (ts->ts_ok) {
		opt->has_ts = 1;
		opt->tsval = toytcp_ts_clock(ts);
		opt->tsecr = ts->ts_recent;
	}
	if (pure_ack && ts->sack_ok &&
	    (ts->dsack_pending || !RB_EMPTY_ROOT(&ts->ofo_queue)))
		opt->n_sacks = toytcp_reassembly_sacks(ts, opt->sacks,
						       opt->has_ts ? 3 : 4);
}

static void syn_options(struct sock *sk, struct toytcp_options *opt)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	const struct toytcp_fastopen_cookie *cookie = ts->fastopen_cookie;
	bool synack = sk->sk_state != TCP_SYN_SENT;

	memset(opt, 0, sizeof(*opt));
	opt->mss = ts->adv_mss;
	if (synack ? ts->wscale_ok : READ_ONCE(ctl->window_scaling)) {
		opt->has_wscale = 1;
		opt->wscale = ts->rcv_wscale;
	}
	if (synack ? ts->ts_ok : READ_ONCE(ctl->timestamps)) {
		opt->has_ts = 1;
		opt->tsval = toytcp_ts_clock(ts);
		opt->tsecr = synack ? ts->ts_recent : 0;
	}
	opt->sack_perm = synack ? ts->sack_ok : READ_ONCE(ctl->sack);
	uto_option(sk, opt);
	if (cookie && cookie->len >= 0) {
		/* the longest one needs that room; the next ACK tells it, too */
		if (cookie->len == TOYTCP_FASTOPEN_MAX)
			opt->has_uto = 0;
		opt->has_fastopen = 1;
		opt->fastopen_len = cookie->len;
		memcpy(opt->fastopen, cookie->data, cookie->len);
	}
}

/*
 * Add the header to @skb, a buffer of its own whose data are the payload,
 * and hand it down. The ACK field and the window are those of now.
 */
static int xmit_skb(struct sock *sk, struct sk_buff *skb, u32 seq, u8 flags,
		    u32 segs)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_options opt COMPAT_UNINITIALIZED;
	u32 len = skb->len, wnd;
	int err;

	if (flags & TOYTCP_SYN) {
		syn_options(sk, &opt);
		wnd = min_t(u32, ts->rcv_wnd, 65535);
	} else {
		data_options(sk, &opt, !len);
		if (flags & TOYTCP_RST) {
			wnd = 0;
		} else {
			ts->rcv_wnd = toytcp_rwnd_select(sk);
			ts->rcv_wup = ts->rcv_nxt;
			wnd = ts->rcv_wnd;
		}
		if (ts->wscale_ok)
			wnd >>= ts->rcv_wscale;
		wnd = min_t(u32, wnd, 65535);
	}
	toytcp_reply_header(skb, &ts->flow.key, seq, ts->rcv_nxt, flags, wnd, &opt);
	if (unlikely(ts->snd_urgent))
		toytcp_urgent_xmit(ts, skb, seq);
	trace_toytcp_xmit(sk, flags, seq, len, ts->rcv_nxt, wnd);

	/*
	 * Data have no room for SACK blocks. If there are some to tell, the
	 * acknowledgment stays due, and a pure ACK follows.
	 */
	if ((flags & TOYTCP_ACK) &&
	    (!len || !ts->sack_ok ||
	     (!ts->dsack_pending && RB_EMPTY_ROOT(&ts->ofo_queue)))) {
		ts->dsack_pending = 0;
		toytcp_timers_ack_sent(sk);
	}
	ts->segs_out += segs;
	toytcp_sk_stats_add(sk, TOYTCP_MIB_OUT_SEGS, segs);
	if (len) {
		ts->data_segs_out += segs;
		ts->bytes_sent += len;
	}
	if (unlikely(sk->sk_pacing_status == SK_PACING_FQ))
		toytcp_pace_stamp(ts, skb);
	skb_set_owner_w(skb, sk);
	err = toytcp_ipv4_xmit(sk, skb);
	if (likely(err <= 0))
		return err;
	toytcp_recovery_local_congestion(sk);
	return net_xmit_eval(err);
}

/* transmit a queued buffer: a clone goes, the buffer stays */
static int xmit_queued(struct sock *sk, struct sk_buff *skb, gfp_t gfp)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 now_us = toytcp_sk(sk)->now_us;
	struct sk_buff *out;
	int err;

	cb->xmit_us = now_us;
	if (unlikely(sk->sk_pacing_status == SK_PACING_FQ))
		cb->xmit_us = toytcp_pace_departure(ts, now_us);
	if (skb->len)
		ts->last_xmit_us = now_us;
	toytcp_scoreboard_sent(ts, skb);
	toytcp_rate_sent(ts, cb);
	out = skb_cloned(skb) ? pskb_copy(skb, gfp) : skb_clone(skb, gfp);
	if (!out)
		return -ENOBUFS;
	/* dev shares memory with rbnode, which was copied */
	out->dev = NULL;
	err = xmit_skb(sk, out, cb->seq,
		       toytcp_ecn_xmit(sk, out, cb->flags,
				       !(cb->mark & TOYTCP_SKB_EVER_RETRANS)),
		       cb->segs);
	if (unlikely(sk->sk_pacing_status != SK_PACING_NONE))
		toytcp_pace_sent(sk, skb->len, now_us);
	return err;
}

/* a segment without data, outside the queues: ACK, probe, RST */
static void xmit_bare(struct sock *sk, u32 seq, u8 flags, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(TOYTCP_HEADROOM, gfp);

	toytcp_clock(toytcp_sk(sk));
	if (!skb) {
		/* an ACK that could not be made is owed still */
		if (!(flags & TOYTCP_RST))
			toytcp_timers_delack(sk, TOYTCP_DELACK_US);
		return;
	}
	skb_reserve(skb, TOYTCP_HEADROOM);
	skb->ip_summed = CHECKSUM_PARTIAL;
	/* the core's mark of what need not wait for room or pace (netem, fq) */
	if (flags == TOYTCP_ACK)
		skb_set_tcp_pure_ack(skb);
	xmit_skb(sk, skb, seq, toytcp_ecn_xmit(sk, skb, flags, false), 1);
}

/*
 * The number of a segment without text. SND.NXT; but if the peer has shrunk
 * its window to the left of that, it would not accept it, nor the ACK in it
 * (RFC 9293 3.10.7.4): then the window's edge, as Linux does. A window that
 * is scaled says less than it is by up to a unit.
 */
static u32 acceptable_seq(const struct toytcp_sock *ts)
{
	u32 edge = ts->snd_una + ts->snd_wnd;
	u32 unit = ts->wscale_ok ? 1u << ts->snd_wscale : 1;

	return seq_geq(edge + unit - 1, ts->snd_nxt) ? ts->snd_nxt : edge;
}

/**
 * toytcp_output_ack() - acknowledge now
 * @sk: a synchronised socket
 *
 * Context: socket lock held.
 */
void toytcp_output_ack(struct sock *sk)
{
	if (sk->sk_state == TCP_CLOSE)
		return;
	xmit_bare(sk, acceptable_seq(toytcp_sk(sk)), TOYTCP_ACK, GFP_ATOMIC);
}

/**
 * toytcp_output_dup_ack() - tell a peer whose segment is of no use where we are
 * @sk: a synchronised socket
 *
 * For segments without data, at most one in half a second: two ends that
 * disagree would answer each other for ever (RFC 5961 section 7).
 *
 * Context: socket lock held.
 */
void toytcp_output_dup_ack(struct sock *sk)
{
	if (toytcp_reply_allowed(&toytcp_sk(sk)->last_oow_us))
		toytcp_output_ack(sk);
}

/**
 * toytcp_output_challenge_ack() - answer a suspicious segment (RFC 5961)
 * @sk: a synchronised socket
 *
 * Rate-limited for the socket, as toytcp_output_dup_ack(), and for the
 * namespace; in this order, or guesses at one connection would use up the
 * answers of all others. The limit of each second is drawn at random around
 * the sysctl, so that counting answers tells an observer nothing about other
 * connections.
 *
 * Context: socket lock held.
 */
void toytcp_output_challenge_ack(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_sk_net(sk);
	u32 limit = max(READ_ONCE(tn->sysctl.challenge_ack_limit), 1);
	u32 second = toytcp_now_s(), left;

	if (!toytcp_reply_allowed(&toytcp_sk(sk)->last_oow_us))
		return;
	if (READ_ONCE(tn->challenge_second) != second) {
		WRITE_ONCE(tn->challenge_second, second);
		left = limit / 2 + get_random_u32_below(limit) + 1;
	} else {
		left = READ_ONCE(tn->challenge_left);
	}
	if (!left)
		return;
	WRITE_ONCE(tn->challenge_left, left - 1);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_CHALLENGE_ACKS);
	toytcp_output_ack(sk);
}

/**
 * toytcp_output_reset() - tell the peer that this connection is gone
 * @sk: a synchronised socket
 * @gfp: allocation flags
 *
 * Context: socket lock held.
 */
void toytcp_output_reset(struct sock *sk, gfp_t gfp)
{
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_OUT_RSTS);
	xmit_bare(sk, acceptable_seq(toytcp_sk(sk)), TOYTCP_RST | TOYTCP_ACK, gfp);
}

/* move the head of the write queue to rtx_queue: it has been sent */
static void sent_new(struct sock *sk, struct sk_buff *skb)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	__skb_unlink(skb, &sk->sk_write_queue);
	ts->snd_nxt = TOYTCP_CB(skb)->end_seq;
	ts->probe_backoff = 0;
	toytcp_sendq_rtx_insert(ts, skb);
	ts->packets_out += TOYTCP_CB(skb)->segs;
	if (toytcp_prr_runs(ts))
		ts->prr_out += TOYTCP_CB(skb)->segs;
	toytcp_timers_sent(sk);
}

/* our SYN or SYN-ACK, counted as sent; NULL without memory */
static struct sk_buff *queue_syn(struct sock *sk, u8 flags, gfp_t gfp)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = toytcp_sendq_alloc(sk, gfp);

	if (!skb)
		return NULL;
	TOYTCP_CB(skb)->seq = ts->iss;
	TOYTCP_CB(skb)->end_seq = ts->iss + 1;
	TOYTCP_CB(skb)->flags = flags;
	TOYTCP_CB(skb)->segs = 1;
	__skb_queue_tail(&sk->sk_write_queue, skb);
	ts->snd_una = ts->iss;
	ts->snd_nxt = ts->iss;
	ts->write_seq = ts->iss + 1;
	sent_new(sk, skb);
	return skb;
}

/**
 * toytcp_output_synack() - the SYN-ACK of a Fast Open child
 * @sk: the child in SYN_RECV, the SYN's data taken in
 * @cookie: what it says of Fast Open, this time only
 *
 * Context: softirq, socket lock held.
 * Return: 0 or -ENOBUFS.
 */
int toytcp_output_synack(struct sock *sk,
			 const struct toytcp_fastopen_cookie *cookie)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u8 flags = TOYTCP_SYN | TOYTCP_ACK | (ts->ecn_ok ? TOYTCP_ECE : 0);
	struct sk_buff *skb = queue_syn(sk, flags, GFP_ATOMIC);

	if (!skb)
		return -ENOBUFS;
	ts->fastopen_cookie = cookie;
	xmit_queued(sk, skb, GFP_ATOMIC);
	ts->fastopen_cookie = NULL;
	return 0;
}

/**
 * toytcp_output_synack_again() - the peer's SYN came again
 * @sk: a Fast Open child whose SYN-ACK is not acknowledged
 *
 * Not more often than duplicates are answered.
 *
 * Context: socket lock held.
 */
void toytcp_output_synack_again(struct sock *sk)
{
	struct rb_node *head = rb_first(&toytcp_sk(sk)->rtx_queue);

	if (head && toytcp_reply_allowed(&toytcp_sk(sk)->last_oow_us))
		toytcp_output_retransmit(sk, rb_to_skb(head));
}

/*
 * RFC 7413 4.2.1: a SYN and the data behind it, two buffers in the queue, as
 * one segment. Returns false if it could not be made.
 */
static bool xmit_syn_data(struct sock *sk, struct sk_buff *syn,
			  struct sk_buff *data)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_skb_cb *cb = TOYTCP_CB(data);
	struct sk_buff *out;

	cb->seq = ts->write_seq;
	cb->end_seq = cb->seq + data->len;
	cb->flags = TOYTCP_ACK | TOYTCP_PSH;
	cb->segs = 1;
	ts->write_seq = cb->end_seq;
	ts->syn_data = 1;
	__skb_queue_tail(&sk->sk_write_queue, data);
	sent_new(sk, data);
	cb->xmit_us = toytcp_now_us();
	TOYTCP_CB(syn)->xmit_us = cb->xmit_us;
	ts->last_xmit_us = cb->xmit_us;
	toytcp_scoreboard_sent(ts, syn);
	toytcp_rate_sent(ts, TOYTCP_CB(syn));
	toytcp_scoreboard_sent(ts, data);
	toytcp_rate_sent(ts, cb);
	out = skb_clone(data, sk->sk_allocation);
	if (!out)
		return false;
	/* dev shares memory with rbnode, which was copied */
	out->dev = NULL;
	xmit_skb(sk, out, ts->iss, TOYTCP_CB(syn)->flags, 1);
	return true;
}

/* a SYN that brings data, or asks for the cookie that lets the next one do so */
static void xmit_fastopen(struct sock *sk, struct sk_buff *syn)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_fastopen_cookie cookie;
	struct sk_buff *data = NULL;
	u16 mss = ts->adv_mss;

	if (toytcp_fastopen_ready(sk, &mss, &cookie))
		data = toytcp_fastopen_data(sk, mss);
	else if (cookie.len > 0)
		cookie.len = 0;
	ts->syn_fastopen = cookie.len >= 0;
	ts->fastopen_cookie = &cookie;
	if (!data || !xmit_syn_data(sk, syn, data))
		xmit_queued(sk, syn, sk->sk_allocation);
	ts->fastopen_cookie = NULL;
}

/**
 * toytcp_output_connect() - send the SYN of an active open
 * @sk: the socket in SYN_SENT, route and key set
 *
 * Context: process, socket lock held.
 * Return: 0; -ENOBUFS without memory; what the lower edge said otherwise is
 * left to retransmission.
 */
int toytcp_output_connect(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 mtu = toytcp_ipv4_mtu(sk);
	struct sk_buff *skb;

	toytcp_clock(ts);
	WRITE_ONCE(sk->sk_err, 0);	/* of a connection before this one */
	ts->peer_mss = TOYTCP_MSS_DEFAULT;
	ts->adv_mss = toytcp_output_adv_mss(ts, &ts->path, mtu);
	ts->rcv_mss = min_t(u32, ts->adv_mss, TOYTCP_MSS_DEFAULT);
	ts->window_clamp = ts->window_clamp ?: ts->path.window;
	toytcp_rwnd_init(sk, &ts->path, ts->adv_mss, &ts->rcv_wscale,
			 &ts->rcv_wnd);
	toytcp_mtup_init(sk);
	toytcp_output_mss_sync(sk, mtu);
	toytcp_cong_net_route(sk);
	toytcp_path_cong_init(ts, false);

	skb = queue_syn(sk, TOYTCP_SYN, sk->sk_allocation);
	if (!skb)
		return -ENOBUFS;
	toytcp_ecn_syn(sk, TOYTCP_CB(skb));
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ACTIVE_OPENS);
	ts->syn_data = 0;
	ts->syn_fastopen = 0;
	if (ts->fastopen_send || ts->fastopen_connect)
		xmit_fastopen(sk, skb);
	else
		xmit_queued(sk, skb, sk->sk_allocation);
	return 0;
}

/**
 * toytcp_output_fin() - queue the FIN behind all data
 * @sk: a synchronised socket, which has none yet
 * @gfp: for the buffer, if there are no data to carry it
 *
 * Context: any that @gfp allows, socket lock held.
 * Return: false without memory.
 */
bool toytcp_output_fin(struct sock *sk, gfp_t gfp)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (!skb) {
		skb = toytcp_sendq_alloc_over(sk, gfp);
		if (!skb)
			return false;
		TOYTCP_CB(skb)->seq = ts->write_seq;
		TOYTCP_CB(skb)->end_seq = ts->write_seq;
		TOYTCP_CB(skb)->flags = TOYTCP_ACK;
		__skb_queue_tail(&sk->sk_write_queue, skb);
	}
	TOYTCP_CB(skb)->flags |= TOYTCP_FIN | TOYTCP_ACK;
	TOYTCP_CB(skb)->end_seq++;
	ts->write_seq++;
	ts->fin_queued = 1;
	return true;
}

/*
 * Minshall's variation of Nagle, as in Linux: a small segment waits only
 * while another small one is unacknowledged, so that the odd end of a long
 * message does not wait for a delayed ACK.
 */
static bool small_in_flight(const struct toytcp_sock *ts)
{
	return seq_after(ts->snd_sml, ts->snd_una) &&
	       seq_leq(ts->snd_sml, ts->snd_nxt);
}

/*
 * Most segments are small, all there is to send, fit the window, and nothing
 * holds them back: toytcp_window_may_send() says of each that it may go (KUnit:
 * window_may_send__laws).
 */
static bool nothing_holds(const struct toytcp_sock *ts,
			  const struct sk_buff *skb, enum toytcp_push how,
			  s32 usable, u32 queued)
{
	return skb->len == queued && skb->len <= ts->mss && usable > 0 &&
	       skb->len <= (u32)usable && !ts->cork &&
	       how == TOYTCP_PUSH_NAGLE && (ts->nodelay || !small_in_flight(ts));
}

/* what the window says of the head of the write queue; *limit: bytes that may go */
static enum toytcp_send_verdict may_send(const struct sock *sk,
					 const struct sk_buff *skb,
					 enum toytcp_push how, u32 *limit)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	s32 usable = ts->snd_una + ts->snd_wnd - ts->snd_nxt;
	u32 queued = ts->write_seq - ts->snd_nxt - ts->fin_queued;
	enum toytcp_send_verdict verdict;
	struct toytcp_send_in in;

	if (nothing_holds(ts, skb, how, usable, queued)) {
		*limit = usable;
		return TOYTCP_SEND_NOW;
	}
	in = (struct toytcp_send_in) {
		.len = skb->len,
		.mss = ts->mss,
		.usable = max(usable, 0),
		.max_snd_wnd = ts->max_snd_wnd,
		.in_flight = small_in_flight(ts) ? ts->snd_nxt - ts->snd_una : 0,
		.fin = TOYTCP_CB(skb)->flags & TOYTCP_FIN,
		.last = skb->len == queued,
		.nodelay = ts->nodelay || how == TOYTCP_PUSH_NOW ||
			   ts->snd_urgent,
		.cork = ((ts->cork && how != TOYTCP_PUSH_NOW) ||
			 how == TOYTCP_PUSH_MORE) && !ts->snd_urgent,
	};
	verdict = toytcp_window_may_send(&in);
	*limit = in.usable;
	/* the odd end of a large buffer waits like a small one */
	if (verdict == TOYTCP_SEND_NOW && in.len > in.mss && in.len % in.mss &&
	    in.len <= in.usable) {
		in.len %= in.mss;
		in.usable -= skb->len - in.len;
		if (toytcp_window_may_send(&in) != TOYTCP_SEND_NOW)
			*limit = skb->len - in.len;
	}
	return verdict;
}

/**
 * toytcp_output_gso_segs() - how many segments may leave as one buffer
 * @sk: the socket
 *
 * The device says how many bytes; sk_gso_max_size leaves room for the headers
 * (setup_caps()). More than the IPv4 total length field can tell is told by 0
 * there (BIG TCP).
 *
 * Context: socket lock held.
 * Return: at least 1, which is all where the device takes no GSO.
 */
u32 toytcp_output_gso_segs(const struct sock *sk)
{
	if (!sk_can_gso(sk))
		return 1;
	return clamp_t(u32, sk->sk_gso_max_size / toytcp_sk(sk)->mss, 1,
		       max_t(u32, sk->sk_gso_max_segs, 1));
}

/* largest buffer that may leave as one; whole segments unless it is the last; @cwnd_quota > 0 */
static u32 send_limit(const struct sock *sk, const struct sk_buff *skb,
		      u32 window, u32 cwnd_quota)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 segs, max_len, len;

	/* one segment may be as long as that, whatever the rest says */
	if (skb->len <= ts->mss)
		return min(skb->len, window);
	/* each segment has an urgent pointer of its own */
	segs = ts->snd_urgent ? 1 : toytcp_pace_gso_segs(sk);
	max_len = min(cwnd_quota, segs) * ts->mss;
	len = min3(skb->len, window, max_len);
	if (len < skb->len && len > ts->mss)
		len -= len % ts->mss;
	return len;
}

/* should the head of the write queue, of more than a segment, wait for an ACK? */
static bool defer(const struct sock *sk, const struct sk_buff *skb,
		  enum toytcp_push how, u32 window, u32 cwnd_quota)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	const struct rb_node *head = rb_first(&ts->rtx_queue);
	u64 now_us;

	if (skb->len <= ts->mss || how == TOYTCP_PUSH_NOW || !head ||
	    ts->recovery >= TOYTCP_RECOVERY || ts->snd_urgent ||
	    TOYTCP_CB(skb)->flags & TOYTCP_FIN)
		return false;
	now_us = ts->now_us;
	return toytcp_window_defer(&(struct toytcp_defer_in) {
		.len = skb->len,
		.limit = min(window, cwnd_quota * ts->mss),
		.goal = toytcp_pace_gso_segs(sk) * ts->mss,
		.window = min(ts->snd_wnd, ts->cong.cwnd_segs * ts->mss),
		.head_age_us = toytcp_sent_ago_us(TOYTCP_CB(rb_to_skb(head)),
						  now_us),
		.idle_us = now_us - ts->last_xmit_us,
		.srtt_us = ts->rtt.srtt_us8 >> 3,
		.growing = skb_queue_is_last(&sk->sk_write_queue, skb),
	});
}

/*
 * Data that leave soon after data came are an answer: from then on an ACK
 * waits for the next answer (RFC 9293 3.8.6.3; Linux's ping-pong mode).
 */
static void data_answers_data(struct toytcp_sock *ts)
{
	u32 now_ms = toytcp_clock_ms(ts);

	if (ts->data_segs_in &&
	    now_ms - ts->last_data_recv_ms < TOYTCP_DELACK_US / 1000) {
		ts->interactive = true;
		ts->quickack_wanted = 0;
	}
}

/*
 * First transmission of the head of the write queue. It counts as sent even
 * if the device refused it: the retransmission timer repairs that.
 */
static int send_head(struct sock *sk, struct sk_buff *skb, enum toytcp_push how)
{
	toytcp_sendq_set_segs(skb, toytcp_sk(sk)->mss);
	TOYTCP_CB(skb)->flags |= TOYTCP_ACK;
	/* RFC 9293 3.9.1.2 (MUST-61): nothing more to send; a FIN alone pushes nothing */
	if (skb->len && skb_queue_is_last(&sk->sk_write_queue, skb) &&
	    how != TOYTCP_PUSH_MORE)
		TOYTCP_CB(skb)->flags |= TOYTCP_PSH;
	if (skb->len)
		data_answers_data(toytcp_sk(sk));
	if (skb->len % toytcp_sk(sk)->mss)
		toytcp_sk(sk)->snd_sml = TOYTCP_CB(skb)->end_seq;
	sent_new(sk, skb);
	return xmit_queued(sk, skb, GFP_ATOMIC);
}

/*
 * Data that wait may be a probe of the path MTU. Returns false if they are to
 * wait for an ACK that makes room for one.
 */
static bool probe_path(struct sock *sk, bool *sent)
{
	struct sk_buff *skb;

	if (toytcp_pace_wait(sk))
		return true;
	switch (toytcp_mtup_next(sk)) {
	case TOYTCP_MTUP_NONE:
		return true;
	case TOYTCP_MTUP_WAIT:
		return false;
	case TOYTCP_MTUP_READY:
		break;
	}
	skb = skb_peek(&sk->sk_write_queue);
	toytcp_sendq_set_segs(skb, skb->len);
	TOYTCP_CB(skb)->flags |= TOYTCP_ACK;
	toytcp_mtup_sent(sk, skb);
	sent_new(sk, skb);
	xmit_queued(sk, skb, GFP_ATOMIC);
	*sent = true;
	return true;
}

/**
 * toytcp_output_push() - send what may be sent
 * @sk: a synchronised socket
 * @how: whether a small segment at the end may wait
 *
 * Asks, in this order: pacing, congestion window, peer's window with SWS avoidance,
 * cork, Nagle, small queues. What waits while nothing is in flight waits for the probe
 * timer at the longest: a cork holds for no more than about 200 ms, as in
 * Linux.
 *
 * Context: socket lock held.
 */
void toytcp_output_push(struct sock *sk, enum toytcp_push how)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool limited = false, sent = false, paced = false, closed = false;
	struct sk_buff *skb;
	u32 mtu;
	int err;

	if (!(BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT |
				   TCPF_FIN_WAIT1 | TCPF_CLOSING |
				   TCPF_LAST_ACK) || ts->fastopen_listener) ||
	    skb_queue_empty(&sk->sk_write_queue))
		return;
	toytcp_clock(ts);
	mtu = toytcp_ipv4_mtu_cached(sk);
	if (mtu != ts->pmtu)
		toytcp_output_mss_sync(sk, mtu);
	if (!ts->packets_out)
		toytcp_cwv_idle(ts);
	toytcp_chrono_start(ts, TOYTCP_CHRONO_BUSY);
	if (unlikely(ts->mtup.enabled) && !probe_path(sk, &sent))
		return;

	while ((skb = skb_peek(&sk->sk_write_queue))) {
		u32 in_flight = toytcp_in_flight(ts), window, quota, len;

		paced = toytcp_pace_wait(sk);
		if (paced)
			break;
		if (in_flight >= ts->cong.cwnd_segs) {
			limited = true;
			break;
		}
		if (may_send(sk, skb, how, &window) != TOYTCP_SEND_NOW) {
			closed = window < min_t(u32, skb->len, ts->mss);
			break;
		}
		quota = ts->cong.cwnd_segs - in_flight;
		if (defer(sk, skb, how, window, quota)) {
			limited = quota * ts->mss < min(window, skb->len);
			closed = window <= skb->len && window < quota * ts->mss;
			break;
		}
		len = send_limit(sk, skb, window, quota);
		if (len < skb->len &&
		    toytcp_sendq_split(sk, skb, len, GFP_ATOMIC))
			break;
		/* by the size that it has now */
		if (toytcp_pace_queue_full(sk, skb, false))
			break;
		err = send_head(sk, skb, how);
		sent = true;
		limited = toytcp_in_flight(ts) >= ts->cong.cwnd_segs;
		if (err)
			break;
	}
	if (closed)
		toytcp_chrono_start(ts, TOYTCP_CHRONO_RWND);
	else
		toytcp_chrono_stop(sk, TOYTCP_CHRONO_RWND);
	if (sent || limited)
		toytcp_cwv_sent(ts, limited);
	/* closed window, or no memory: with nothing in flight no ACK will come */
	if (skb && !ts->packets_out && !paced)
		toytcp_timers_probe(sk);
	/* less is unsent: who waits for that (TCP_NOTSENT_LOWAT) is woken */
	if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		toytcp_sock_write_space(sk);
}

/**
 * toytcp_output_probe() - ask a peer whose window has no room
 * @sk: a synchronised socket with unsent data and nothing in flight
 *
 * If the window has room for something, that goes: this is the override of
 * sender SWS avoidance (RFC 1122 4.2.3.4). Otherwise an empty segment one
 * before snd_una, as Linux does: outside the peer's window, so that it must
 * be answered with an ACK (RFC 9293 3.10.7.4), and no data is at stake.
 *
 * Context: socket lock held.
 */
void toytcp_output_probe(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = skb_peek(&sk->sk_write_queue);
	s32 usable = ts->snd_una + ts->snd_wnd - ts->snd_nxt;

	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ZERO_WINDOW_PROBES);
	if (skb && usable > 0) {
		u32 len = min3((u32)usable, skb->len, (u32)ts->mss);

		if (len == skb->len ||
		    !toytcp_sendq_split(sk, skb, len, GFP_ATOMIC)) {
			send_head(sk, skb, TOYTCP_PUSH_NOW);
			return;
		}
	}
	/* this one is in the window: it brings the urgent pointer (Linux, too) */
	if (ts->snd_urgent)
		xmit_bare(sk, ts->snd_una, TOYTCP_ACK, GFP_ATOMIC);
	xmit_bare(sk, ts->snd_una - 1, TOYTCP_ACK, GFP_ATOMIC);
}

/**
 * toytcp_output_keepalive() - ask a peer that says nothing whether it is there
 * @sk: a synchronised socket with nothing in flight
 *
 * RFC 9293 3.8.4 (SHLD-12): no data, SEG.SEQ = SND.NXT - 1, outside of
 * the peer's window, so that it must be answered.
 *
 * Context: socket lock held.
 */
void toytcp_output_keepalive(struct sock *sk)
{
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_KEEPALIVE);
	xmit_bare(sk, toytcp_sk(sk)->snd_una - 1, TOYTCP_ACK, GFP_ATOMIC);
}

/**
 * toytcp_output_probe_new() - a loss probe of new data
 * @sk: a synchronised socket
 *
 * One segment, whatever the congestion window says (RFC 8985 7.3).
 *
 * Context: socket lock held.
 * Return: false if there is none, or no room for it in the peer's window.
 */
bool toytcp_output_probe_new(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = skb_peek(&sk->sk_write_queue);
	s32 usable = ts->snd_una + ts->snd_wnd - ts->snd_nxt;
	u32 len;

	if (!skb)
		return false;
	len = min_t(u32, skb->len, ts->mss);
	if (usable < (s32)len)
		return false;
	if (len < skb->len && toytcp_sendq_split(sk, skb, len, GFP_ATOMIC))
		return false;
	send_head(sk, skb, TOYTCP_PUSH_NOW);
	return true;
}

/**
 * toytcp_output_retransmit() - send a buffer of rtx_queue again
 * @sk: the socket
 * @skb: the buffer; cut to the current MSS and the peer's window
 *
 * Context: socket lock held.
 * Return: 0; -EBUSY if the former transmission has not left the host;
 * -ENOMEM; -EAGAIN if the peer's window has shrunk before it.
 */
int toytcp_output_retransmit(struct sock *sk, struct sk_buff *skb)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);
	s32 window = ts->snd_una + ts->snd_wnd - cb->seq;
	u32 len;
	int err;

	toytcp_clock(ts);
	/* a clone keeps its own, and nobody sees it */
	if (toytcp_pace_still_below(sk, skb))
		return -EBUSY;
	if (toytcp_sendq_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	/* the head goes even into a closed window: it probes it (RFC 9293 3.8.6.1) */
	if (window <= 0 && cb->seq != ts->snd_una)
		return -EAGAIN;
	len = window > 0 ? min_t(u32, window, ts->mss) : ts->mss;
	if (skb->len > len && toytcp_sendq_split(sk, skb, len, GFP_ATOMIC))
		return -ENOMEM;
	toytcp_sendq_resegment(ts, skb);
	/* whatever is lost now: it tells nothing of a probe */
	ts->mtup.size = 0;
	if (!(cb->mark & TOYTCP_SKB_RETRANS))
		ts->retrans_out += cb->segs;
	cb->mark |= TOYTCP_SKB_RETRANS | TOYTCP_SKB_EVER_RETRANS;
	if (!ts->retrans_stamp)
		ts->retrans_stamp = toytcp_ts_clock(ts) ?: 1;
	ts->undo_retrans = max(ts->undo_retrans, 0) + cb->segs;
	ts->total_retrans += cb->segs;
	ts->bytes_retrans += skb->len;
	if (toytcp_prr_runs(ts))
		ts->prr_out += cb->segs;
	toytcp_stats_add(sock_net(sk), TOYTCP_MIB_RETRANS_SEGS, cb->segs);
	if (cb->flags & TOYTCP_SYN) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_SYN_RETRANS);
		toytcp_ecn_syn_again(sk, cb);
	}
	err = xmit_queued(sk, skb, GFP_ATOMIC);
	return err == -ENOBUFS ? -ENOMEM : 0;
}
