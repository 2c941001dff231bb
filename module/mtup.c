// SPDX-License-Identifier: GPL-2.0
/*
 * How large a packet may be, found without ICMP: packetization layer path MTU
 * discovery, RFC 4821, and black holes, RFC 2923 2.1.
 *
 * Engine (layer 1). Locks: the socket's. As Linux: net.toytcp.mtu_probing 0
 * is off, 1 begins when timeouts let suspect a black hole, 2 with the
 * connection.
 *
 * A binary search between what passes (low, at first what makes segments of
 * base_mss) and what may (high, of the peer's MSS and the route). A probe is
 * one segment made of data that wait, larger than the MSS, with enough behind
 * it that its loss shows as any loss does. If it is acknowledged, low is its
 * size; if it is lost, high is below it, it goes again in pieces, and since it
 * was lost for its size the congestion window stays (RFC 4821 7.6.2). The
 * search ends when both are near, and begins anew after probe_interval.
 */
#include <net/tcp.h>

#include "compat.h"
#include "mtup.h"
#include "pace.h"
#include "seq.h"
#include "sock.h"

#define HEADERS		40u	/* IPv4 and TCP, without options */
#define TS_BYTES	12u	/* of every segment with timestamps */
#define CWND_LEAST	11	/* segments, as Linux: one more than at first */
#define REORDERING	3	/* segments, when none was seen; Linux's sysctl */

static u32 option_bytes(const struct toytcp_sock *ts)
{
	return ts->ts_ok ? TS_BYTES : 0;
}

/* the largest that peer and program allow */
static u32 mtu_top(const struct toytcp_sock *ts)
{
	u32 mss = ts->peer_mss;

	if (ts->user_mss)
		mss = min_t(u32, mss, ts->user_mss);
	return mss + HEADERS;
}

static u32 mss_to_mtu(const struct toytcp_sock *ts, u32 mss)
{
	return mss + HEADERS + option_bytes(ts);
}

/* Eff.snd.MSS of RFC 9293 3.7.1; the floor counts the options, as in Linux */
static u32 mtu_to_mss(const struct sock *sk, u32 mtu)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 floor = READ_ONCE(toytcp_sk_net(sk)->sysctl.min_snd_mss);
	u32 mss = min(mtu, mtu_top(ts));

	mss = mss > HEADERS ? mss - HEADERS : 0;
	return clamp_t(u32, mss, floor, TOYTCP_MSS_MAX) - option_bytes(ts);
}

/*
 * A window of less than two segments makes them smaller: two fit into it, and
 * the peer acknowledges at once. As Linux.
 */
static u32 bound_to_window(const struct toytcp_sock *ts, u32 mss)
{
	u32 wnd = ts->max_snd_wnd;
	u32 most = wnd > TOYTCP_MSS_DEFAULT ? wnd / 2 : wnd;

	if (!most || mss <= most)
		return mss;
	return max(most, TOYTCP_MSS_MIN - option_bytes(ts));
}

/**
 * toytcp_mtup_init() - a connection begins, or has heard its peer's options
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_mtup_init(struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->mtup = (struct toytcp_mtup) {
		.low = mss_to_mtu(ts, READ_ONCE(ctl->base_mss)),
		.high = mtu_top(ts),
		.since_s = toytcp_clock_s(ts),
		.enabled = READ_ONCE(ctl->mtu_probing) > 1,
	};
}

/**
 * toytcp_mtup_mss() - the send MSS
 * @sk: the socket
 * @pmtu: what the route says, bytes
 *
 * Context: socket lock held.
 * Return: bytes of data in a segment that the route, the peer and its window,
 * the program and the search allow, but what min_snd_mss leaves of it at the least.
 */
u32 toytcp_mtup_mss(struct sock *sk, u32 pmtu)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_mtup *m = &toytcp_sk(sk)->mtup;

	m->high = min(m->high, pmtu);
	return bound_to_window(ts, mtu_to_mss(sk, m->enabled ?
						      min(pmtu, m->low) : pmtu));
}

/* the search has ended; a path may change (RFC 4821 7.3): once more? */
static void search_again(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 interval_s = READ_ONCE(toytcp_sk_net(sk)->sysctl.probe_interval);

	if (toytcp_clock_s(ts) - ts->mtup.since_s < interval_s)
		return;
	ts->mtup.low = mss_to_mtu(ts, ts->mss);
	ts->mtup.high = mtu_top(ts);
	ts->mtup.since_s = toytcp_clock_s(ts);
}

/* one buffer of the first @size bytes of the write queue; NULL if it cannot be */
static struct sk_buff *gather(struct sock *sk, u32 size)
{
	struct sk_buff *skb = skb_peek(&sk->sk_write_queue), *next;
	int delta;
	bool stolen;

	while (skb->len < size) {
		if (WARN_ON_ONCE(skb_queue_is_last(&sk->sk_write_queue, skb)))
			return NULL;
		next = skb_queue_next(&sk->sk_write_queue, skb);
		/* memory of a program stays by itself (MSG_ZEROCOPY), and so do stamps */
		if (skb_zcopy(skb) || skb_zcopy(next) || toytcp_stamp_apart(skb))
			return NULL;
		if (next->len > size - skb->len &&
		    toytcp_sendq_split(sk, next, size - skb->len, GFP_ATOMIC))
			return NULL;
		/* whatever happens next, what is joined stays so */
		if (!skb_try_coalesce(skb, next, &stolen, &delta))
			return NULL;
		TOYTCP_CB(skb)->end_seq = TOYTCP_CB(next)->end_seq;
		TOYTCP_CB(skb)->flags |= TOYTCP_CB(next)->flags;
		toytcp_stamp_join(skb, next);
		/* so much of the charge went with the data */
		next->truesize -= delta;
		__skb_unlink(next, &sk->sk_write_queue);
		toytcp_sendq_free(sk, next, false);
	}
	if (skb->len > size && toytcp_sendq_split(sk, skb, size, GFP_ATOMIC))
		return NULL;
	return skb;
}

/**
 * toytcp_mtup_next() - are the data that wait to go as a probe?
 * @sk: a synchronised socket with data queued
 *
 * RFC 4821 7.4: only where a loss would be noticed and repaired at once, and
 * nothing else is being repaired.
 *
 * Context: socket lock held.
 * Return: as enum toytcp_mtup_next says.
 */
enum toytcp_mtup_next toytcp_mtup_next(struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_mtup *m = &ts->mtup;
	u32 in_flight = toytcp_in_flight(ts), size, needed;

	if (likely(!m->enabled) || m->size || ts->recovery != TOYTCP_OPEN ||
	    ts->cong.cwnd_segs < CWND_LEAST || ts->snd_urgent)
		return TOYTCP_MTUP_NONE;
	size = mtu_to_mss(sk, (m->low + m->high) / 2);
	if (size > mtu_to_mss(sk, m->high) ||
	    (s32)(m->high - m->low) < READ_ONCE(ctl->probe_threshold)) {
		search_again(sk);
		return TOYTCP_MTUP_NONE;
	}
	needed = size + (max(ts->reordering, REORDERING) + 1) * ts->mss;
	if (size <= ts->mss || ts->write_seq - ts->snd_nxt < needed ||
	    ts->snd_wnd < needed)
		return TOYTCP_MTUP_NONE;
	/* there is room, once what is in flight has arrived */
	if (seq_after(ts->snd_nxt + needed, ts->snd_una + ts->snd_wnd))
		return TOYTCP_MTUP_WAIT;
	if (in_flight + 2 > ts->cong.cwnd_segs)
		return in_flight ? TOYTCP_MTUP_WAIT : TOYTCP_MTUP_NONE;
	return gather(sk, size) ? TOYTCP_MTUP_READY : TOYTCP_MTUP_NONE;
}

/**
 * toytcp_mtup_sent() - the probe has left
 * @sk: the socket
 * @skb: the probe
 *
 * Context: socket lock held.
 */
void toytcp_mtup_sent(struct sock *sk, const struct sk_buff *skb)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->mtup.size = mss_to_mtu(ts, skb->len);
	ts->mtup.start = TOYTCP_CB(skb)->seq;
	ts->mtup.end = TOYTCP_CB(skb)->end_seq;
	/* it is nearly two segments, and counts as one (Linux) */
	ts->cong.cwnd_segs--;
}

/**
 * toytcp_mtup_acked() - snd_una has moved: has the probe arrived?
 * @sk: the socket, a probe in flight
 *
 * Context: socket lock held.
 */
void toytcp_mtup_acked(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_mtup *m = &ts->mtup;
	u64 bytes;

	if (seq_before(ts->snd_una, m->end))
		return;
	/* the window is in segments, which will be larger: as many bytes */
	bytes = (u64)ts->cong.cwnd_segs * mss_to_mtu(ts, ts->mss);
	ts->cong.cwnd_segs = max_t(u32, div_u64(bytes, m->size), 1);
	ts->cong.cwnd_cnt = 0;
	m->low = m->size;
	m->size = 0;
	toytcp_output_mss_sync(sk, ts->pmtu);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_MTUP_SUCCESS);
}

/**
 * toytcp_mtup_lost() - something was lost: is it the probe?
 * @sk: the socket, in no recovery
 *
 * Then it was lost for its size: it is no sign of congestion.
 *
 * Context: socket lock held.
 * Return: whether it was, and has been dealt with.
 */
bool toytcp_mtup_lost(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_mtup *m = &ts->mtup;

	if (likely(!m->size) || ts->snd_una != m->start)
		return false;
	m->high = m->size - 1;
	m->size = 0;
	ts->cong.cwnd_segs++;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_MTUP_FAIL);
	toytcp_recovery_mtu(sk);
	return true;
}

/**
 * toytcp_mtup_black_hole() - R1 timeouts in a row: are the packets too large?
 * @sk: the socket, synchronised
 *
 * A router that drops what is too large and says nothing looks like a dead
 * peer. The MSS goes down to base_mss, and with every further timeout to
 * half, but not below mtu_probe_floor; what is sent again is cut anew.
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_mtup_black_hole(struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_mtup *m = &ts->mtup;
	u32 mss;

	if (!READ_ONCE(ctl->mtu_probing) || toytcp_handshaking(sk))
		return;
	if (!m->enabled) {
		m->enabled = true;
		m->since_s = toytcp_clock_s(ts);
	} else {
		mss = min_t(u32, mtu_to_mss(sk, m->low) / 2,
			    READ_ONCE(ctl->base_mss));
		mss = max3(mss, (u32)READ_ONCE(ctl->mtu_probe_floor),
			   (u32)READ_ONCE(ctl->min_snd_mss));
		m->low = mss_to_mtu(ts, mss);
	}
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_MTU_BLACK_HOLES);
	toytcp_output_mss_sync(sk, ts->pmtu);
}
