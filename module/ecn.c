// SPDX-License-Identifier: GPL-2.0
/*
 * ECN: congestion that routers mark, where they would else drop.
 *
 * Engine (layer 1). Locks: the socket's. RFC 3168 section 6.1, RFC 8257
 * section 3.2. As Linux, where RFC and Linux differ (named at the place).
 *
 * Negotiation: a SYN with ECE and CWR asks, a SYN-ACK with ECE alone agrees.
 * From then on new data leave as ECT(0), and a mark (CE) on what comes is
 * echoed: ECE in every segment, until CWR says that the sender has reduced
 * its window. What an echo does to the window is recovery.c's; this file
 * keeps the bits.
 *
 * The ECN field lies in the two low bits of inet_sock.tos, which a program's
 * IP_TOS leaves alone.
 *
 * An algorithm with TOYTCP_CONG_NEEDS_ECN counts marks. For its sake ECN is
 * asked for and agreed to whatever the sysctl says, every segment is ECT, and
 * the echo tells of each segment whether it was marked.
 */
#include <net/inet_ecn.h>
#include <net/tcp.h>

#include "ecn.h"
#include "seq.h"

#define QUICKACKS	2	/* segments acked at once after a mark, as Linux */

static void set_ect(struct sock *sk, bool ect)
{
	if (ect)
		INET_ECN_xmit(sk);
	else
		INET_ECN_dontxmit(sk);
}

/* the sender may wait for this ACK with a very small window */
static void ack_soon(struct toytcp_sock *ts)
{
	ts->quickacks = max_t(u8, ts->quickacks, QUICKACKS);
	ts->interactive = false;
}

/**
 * toytcp_ecn_init() - a connection begins
 * @ts: the socket
 * @ok: ECN is agreed on, or asked for
 *
 * Context: socket lock held.
 */
void toytcp_ecn_init(struct toytcp_sock *ts, bool ok)
{
	ts->ecn_ok = ok;
	ts->ecn_queue_cwr = 0;
	ts->ecn_demand_cwr = 0;
	ts->ecn_seen = 0;
	ts->ecn_ce = 0;
	ts->delivered_ce = 0;
}

/**
 * toytcp_ecn_syn() - shall the SYN of an active open ask for ECN?
 * @sk: the socket
 * @syn: the SYN
 *
 * RFC 3168 6.1.1: an ECN-setup SYN has ECE and CWR. It is ECT only for an
 * algorithm that needs it (RFC 8257 section 3, as Linux).
 *
 * Context: socket lock held.
 */
void toytcp_ecn_syn(struct sock *sk, struct toytcp_skb_cb *syn)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool needed = toytcp_ecn_needed(ts);

	toytcp_ecn_init(ts, needed || READ_ONCE(ctl->ecn) == 1 || ts->path.ecn);
	if (ts->ecn_ok)
		syn->flags |= TOYTCP_ECE | TOYTCP_CWR;
	set_ect(sk, needed);
}

/**
 * toytcp_ecn_syn_again() - nobody answered the SYN: was it that it asked?
 * @sk: the socket
 * @syn: the SYN, about to be sent again
 *
 * RFC 3168 6.1.1.1: some drop what they do not know. As Linux, the first
 * retransmission asks no more; should the first SYN be answered after all,
 * what it agreed on holds.
 *
 * Context: socket lock held.
 */
void toytcp_ecn_syn_again(const struct sock *sk, struct toytcp_skb_cb *syn)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	u8 asks = TOYTCP_ECE | TOYTCP_CWR;

	if ((syn->flags & asks) == asks && READ_ONCE(ctl->ecn_fallback))
		syn->flags &= ~asks;
}

/**
 * toytcp_ecn_synack() - the SYN is to be sent again as a SYN-ACK
 * @sk: the socket, in a simultaneous open
 * @syn: the SYN
 *
 * Context: socket lock held.
 */
void toytcp_ecn_synack(struct sock *sk, struct toytcp_skb_cb *syn)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	syn->flags &= ~TOYTCP_CWR;
	if (ts->ecn_ok)
		return;
	syn->flags &= ~TOYTCP_ECE;
	set_ect(sk, false);
}

/**
 * toytcp_ecn_asked() - shall the SYN-ACK agree to ECN?
 * @sk: the listener
 * @syn: the SYN, its buffer still there
 * @wanted: the route says so, whatever the sysctl does
 *
 * A SYN that is ECT comes through a network that plays with the bits, so
 * nothing is believed of it, as with Linux; unless a reserved bit says that it
 * is of a later protocol (RFC 8311 4.3), or the listener's algorithm needs
 * ECN: then the peer's may as well.
 *
 * Context: softirq, rcu_read_lock().
 * Return: yes or no.
 */
bool toytcp_ecn_asked(const struct sock *sk, const struct toytcp_seg *syn,
		      bool wanted)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	u8 asks = TOYTCP_ECE | TOYTCP_CWR;

	if ((syn->flags & asks) != asks)
		return false;
	if (toytcp_ecn_needed(toytcp_sk(sk)))
		return true;
	return (READ_ONCE(ctl->ecn) || wanted) &&
	       (syn->ecn == INET_ECN_NOT_ECT || tcp_hdr(syn->skb)->res1);
}

/**
 * toytcp_ecn_answered() - the peer's SYN-ACK, or its SYN that crossed ours
 * @ts: the socket
 * @seg: the segment
 *
 * RFC 3168 6.1.1. Some devices send back the bits they got: ECE with CWR in a
 * SYN-ACK is no agreement.
 *
 * Context: socket lock held.
 */
void toytcp_ecn_answered(struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	u8 agrees = TOYTCP_ECE | (seg->flags & TOYTCP_ACK ? 0 : TOYTCP_CWR);

	if ((seg->flags & (TOYTCP_ECE | TOYTCP_CWR)) != agrees)
		ts->ecn_ok = 0;
}

/**
 * toytcp_ecn_established() - the handshake is through, or the algorithm another
 * @sk: the socket
 *
 * An algorithm that cannot do without ECN gives way where there is none.
 *
 * Context: socket lock held.
 */
void toytcp_ecn_established(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!ts->ecn_ok && ts->cong.ops->without_ecn)
		toytcp_cong_switch(&ts->cong, ts->cong.ops->without_ecn);
	set_ect(sk, ts->ecn_ok && toytcp_ecn_needed(ts));
}

/**
 * toytcp_ecn_xmit() - the bits of a segment that is about to leave
 * @sk: the socket
 * @skb: what leaves, its data the payload
 * @flags: the header's flags so far
 * @first: these data were never sent before
 *
 * RFC 3168 6.1.2 to 6.1.6: neither ACKs nor retransmissions nor probes of a
 * window are ECT or have CWR. Of a buffer that is cut into segments the first
 * alone has CWR (SKB_GSO_TCP_ECN).
 *
 * Context: socket lock held.
 * Return: the flags.
 */
u8 toytcp_ecn_xmit(struct sock *sk, struct sk_buff *skb, u8 flags, bool first)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!ts->ecn_ok || (flags & TOYTCP_SYN))
		return flags;
	first = first && skb->len;
	set_ect(sk, first || toytcp_ecn_needed(ts));
	if (first && ts->ecn_queue_cwr) {
		ts->ecn_queue_cwr = 0;
		flags |= TOYTCP_CWR;
		if (skb_shinfo(skb)->gso_size)
			skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
	}
	return ts->ecn_demand_cwr ? flags | TOYTCP_ECE : flags;
}

/*
 * RFC 8257 3.2: each ACK says of all that it acknowledges whether it was
 * marked. So what is owed for one kind goes before the first of the other
 * kind is taken in.
 */
static void echo_exactly(struct sock *sk, bool ce)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->ecn_ce != ce) {
		ts->ecn_demand_cwr = ts->ecn_ce;
		if (ts->ack_pending)
			toytcp_output_ack(sk);
		ts->ack_now = true;
	}
	ts->ecn_ce = ce;
	ts->ecn_demand_cwr = ce;
}

/**
 * toytcp_ecn_rcv() - was a segment with data marked on its way?
 * @sk: the socket
 * @seg: the segment, some of whose data are new; rcv_nxt is not yet moved
 *
 * RFC 3168 6.1.3.
 *
 * Context: socket lock held.
 */
void toytcp_ecn_rcv(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool ce = seg->ecn == INET_ECN_CE;

	if (!ts->ecn_ok)
		return;
	if (seg->ecn == INET_ECN_NOT_ECT) {
		/* as Linux: where ECT was seen, this is a retransmission */
		if (ts->ecn_seen)
			ack_soon(ts);
		return;
	}
	ts->ecn_seen = 1;
	if (toytcp_ecn_needed(ts))
		echo_exactly(sk, ce);
	if (ce && !ts->ecn_demand_cwr) {
		ts->ecn_demand_cwr = 1;
		ack_soon(ts);
	}
}

/**
 * toytcp_ecn_cwr_heard() - the peer has reduced its window
 * @ts: the socket
 * @seg: the segment, with CWR
 *
 * RFC 3168 6.1.3. As Linux, a pure ACK may say so, too: some send it there.
 *
 * Context: socket lock held.
 */
void toytcp_ecn_cwr_heard(struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	/* the accurate echo says what was marked, heard or not */
	ts->ecn_demand_cwr = toytcp_ecn_needed(ts) && ts->ecn_ce;
	/* what is left of its window may be this one segment */
	if (seg->end_seq != seg->seq)
		ts->ack_now = true;
}

/**
 * toytcp_ecn_echoed() - does an ACK say that something was marked?
 * @ts: the socket
 * @seg: the segment
 *
 * Context: socket lock held.
 * Return: yes or no.
 */
bool toytcp_ecn_echoed(const struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	return ts->ecn_ok && (seg->flags & (TOYTCP_ECE | TOYTCP_SYN)) == TOYTCP_ECE;
}
