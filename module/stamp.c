// SPDX-License-Identifier: GPL-2.0
/*
 * When was it sent? SO_TIMESTAMPING of what a program writes, on the error
 * queue.
 *
 * Engine (layer 1). Locks: the socket's. The kernel's
 * Documentation/networking/timestamping.rst, bytestream timestamps.
 *
 * The last byte of a write is what is stamped: the buffer that holds it has
 * the byte's sequence number in skb_shared_info.tskey, and flags that have the
 * core tell when it enters the queueing discipline (SCM_TSTAMP_SCHED) and
 * leaves it for the device (SCM_TSTAMP_SND). When it is acknowledged
 * (SCM_TSTAMP_ACK) is told here. As with the kernel's TCP, a later write that
 * is added to the same buffer takes the stamp over, and a retransmission that
 * had to be copied is not stamped.
 */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <net/sock.h>

#include "compat.h"
#include "seq.h"
#include "sock.h"

/**
 * toytcp_stamp_base() - SOF_TIMESTAMPING_OPT_ID: bytes are counted from here
 * @sk: the socket
 * @seq: the sequence number that is byte 0
 *
 * Context: socket lock held.
 */
void toytcp_stamp_base(struct sock *sk, u32 seq)
{
	atomic_set(&sk->sk_tskey, seq);
	toytcp_sk(sk)->stamp_counts = true;
}

/**
 * toytcp_stamp_begin() - something is about to be written
 * @sk: the socket
 * @tsflags: SOF_TIMESTAMPING_*, the socket's
 *
 * A kernel that keeps SO_TIMESTAMPING to itself does not say when bytes began
 * to be counted: with this write, then.
 *
 * Context: socket lock held.
 */
void toytcp_stamp_begin(struct sock *sk, u32 tsflags)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!(tsflags & SOF_TIMESTAMPING_OPT_ID))
		ts->stamp_counts = false;
	else if (!ts->stamp_counts)
		toytcp_stamp_base(sk, ts->write_seq);
}

/**
 * toytcp_stamp_keep() - something will be written: does the last stamp bear it?
 * @sk: the socket
 * @tsflags: SOF_TIMESTAMPING_*, the socket's or this write's
 *
 * A stamp moves on with the next one. One that stayed in the middle of a
 * buffer would be lost where the core cuts that: of the pieces the last alone
 * knows its socket (sock_wfree()).
 *
 * Context: socket lock held.
 */
void toytcp_stamp_keep(struct sock *sk, u32 tsflags)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (skb && unlikely(skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP) &&
	    !(tsflags & SOF_TIMESTAMPING_TX_RECORD_MASK))
		toytcp_sendq_end_record(sk);
}

/**
 * toytcp_stamp_write() - stamp the last byte that was written
 * @sk: the socket
 * @tsflags: SOF_TIMESTAMPING_*, the socket's or this write's
 *
 * Context: socket lock held.
 */
void toytcp_stamp_write(struct sock *sk, u32 tsflags)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	struct rb_node *last;

	if (!(tsflags & SOF_TIMESTAMPING_TX_RECORD_MASK) || !compat_may_stamp(sk))
		return;
	if (!skb) {
		last = rb_last(&toytcp_sk(sk)->rtx_queue);
		skb = last ? rb_to_skb(last) : NULL;
	}
	if (!skb || !skb->len)
		return;
	sock_tx_timestamp(sk, tsflags, &skb_shinfo(skb)->tx_flags);
	if (tsflags & SOF_TIMESTAMPING_TX_ACK)
		TOYTCP_CB(skb)->mark |= TOYTCP_SKB_STAMP_ACK;
	skb_shinfo(skb)->tskey = TOYTCP_CB(skb)->seq + skb->len - 1;
}

/**
 * toytcp_stamp_split() - a buffer was cut: the stamp goes where its byte is
 * @skb: the first half
 * @tail: the second half, which has the marks of the first
 *
 * Context: socket lock held.
 */
void toytcp_stamp_split(struct sk_buff *skb, struct sk_buff *tail)
{
	struct skb_shared_info *from = skb_shinfo(skb), *to = skb_shinfo(tail);
	u8 flags = from->tx_flags & SKBTX_ANY_TSTAMP;

	if (likely(!flags && !(TOYTCP_CB(skb)->mark & TOYTCP_SKB_STAMP_ACK)))
		return;
	if (seq_before(from->tskey, TOYTCP_CB(tail)->seq)) {
		TOYTCP_CB(tail)->mark &= ~TOYTCP_SKB_STAMP_ACK;
		return;
	}
	from->tx_flags &= ~flags;
	to->tx_flags |= flags;
	to->tskey = from->tskey;
	TOYTCP_CB(skb)->mark &= ~TOYTCP_SKB_STAMP_ACK;
}

/**
 * toytcp_stamp_apart() - must nothing be joined to a buffer?
 * @skb: the buffer, never sent
 *
 * Context: socket lock held.
 * Return: true if its stamp would be lost, or a record ends with it.
 */
bool toytcp_stamp_apart(const struct sk_buff *skb)
{
	return TOYTCP_CB(skb)->mark & (TOYTCP_SKB_STAMP_ACK | TOYTCP_SKB_EOR) ||
	       skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP;
}

/**
 * toytcp_stamp_join() - a buffer took in the whole of the next one
 * @skb: the buffer, without a stamp
 * @next: the next one, which goes
 *
 * Context: socket lock held.
 */
void toytcp_stamp_join(struct sk_buff *skb, const struct sk_buff *next)
{
	skb_shinfo(skb)->tx_flags |= skb_shinfo(next)->tx_flags & SKBTX_ANY_TSTAMP;
	skb_shinfo(skb)->tskey = skb_shinfo(next)->tskey;
	TOYTCP_CB(skb)->mark |= TOYTCP_CB(next)->mark &
				(TOYTCP_SKB_STAMP_ACK | TOYTCP_SKB_EOR);
}

/**
 * toytcp_stamp_acked() - snd_una has passed a buffer, or but for its FIN
 * @sk: the socket
 * @skb: the buffer, first in rtx_queue: its skb->dev, a link of that, is NULL
 *
 * Context: softirq or backlog, socket lock held.
 */
void toytcp_stamp_acked(struct sock *sk, struct sk_buff *skb)
{
	if (likely(!(TOYTCP_CB(skb)->mark & TOYTCP_SKB_STAMP_ACK)) ||
	    !seq_before(skb_shinfo(skb)->tskey, toytcp_sk(sk)->snd_una))
		return;
	TOYTCP_CB(skb)->mark &= ~TOYTCP_SKB_STAMP_ACK;
	__skb_tstamp_tx(skb, NULL, NULL, sk, SCM_TSTAMP_ACK);
}
