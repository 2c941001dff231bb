// SPDX-License-Identifier: GPL-2.0
/*
 * The buffers of the two send queues: made, charged, cut, given back.
 *
 * Engine (layer 1). Locks: the socket's.
 *
 * A byte that send() took lies in an sk_buff on sk_write_queue until it is
 * sent for the first time, then on rtx_queue until it is acknowledged.
 */
#include <linux/skbuff.h>
#include <net/tcp.h>

#include "compat.h"
#include "recycle.h"
#include "seq.h"
#include "sock.h"

static bool charge(struct sock *sk, int size)
{
	if (RB_EMPTY_ROOT(&toytcp_sk(sk)->rtx_queue) &&
	    skb_queue_empty(&sk->sk_write_queue) &&
	    toytcp_sock_mem_first(sk, size))
		return true;
	return sk_wmem_schedule(sk, size);
}

/* the socket pays for @skb, which becomes an empty buffer */
static void prepare_buffer(struct sock *sk, struct sk_buff *skb)
{
	skb_reserve(skb, TOYTCP_HEADROOM);
	skb->ip_summed = CHECKSUM_PARTIAL;
	/* the headroom belongs to whoever transmits, not to this buffer */
	__skb_header_release(skb);
	memset(TOYTCP_CB(skb), 0, sizeof(struct toytcp_skb_cb));
	INIT_LIST_HEAD(&TOYTCP_CB(skb)->sent);
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
}

/**
 * toytcp_sendq_alloc() - a buffer for the write queue
 * @sk: the socket; it is charged
 * @gfp: allocation flags
 *
 * Context: socket lock held.
 * Return: an empty buffer with headroom for all headers; NULL without memory.
 */
struct sk_buff *toytcp_sendq_alloc(struct sock *sk, gfp_t gfp)
{
	struct sk_buff *skb = toytcp_recycle_alloc_skb(gfp);

	if (!skb)
		return NULL;
	if (!charge(sk, skb->truesize)) {
		toytcp_recycle_free_skb(skb);
		return NULL;
	}
	prepare_buffer(sk, skb);
	return skb;
}

/**
 * toytcp_sendq_alloc_over() - a buffer that the limit of memory does not refuse
 * @sk: the socket; it is charged
 * @gfp: allocation flags
 *
 * For a FIN, which lets everything end: what it is over the limit is paid back
 * at its ACK.
 *
 * Context: socket lock held.
 * Return: as toytcp_sendq_alloc().
 */
struct sk_buff *toytcp_sendq_alloc_over(struct sock *sk, gfp_t gfp)
{
	struct sk_buff *skb = toytcp_recycle_alloc_skb(gfp);

	if (!skb)
		return NULL;
	(void)sk_wmem_schedule(sk, skb->truesize);
	prepare_buffer(sk, skb);
	return skb;
}

/**
 * toytcp_sendq_free() - give back a buffer that is on no queue any more
 * @sk: the socket that was charged
 * @skb: the buffer; consumed
 * @keep: the socket is about to be charged for another one: what this one was
 *	charged stays with it, up to a page
 *
 * Context: socket lock held.
 */
void toytcp_sendq_free(struct sock *sk, struct sk_buff *skb, bool keep)
{
	sk_wmem_queued_add(sk, -skb->truesize);
	if (keep && sk->sk_forward_alloc + (int)skb->truesize < 2 * (int)PAGE_SIZE)
		sk_forward_alloc_add(sk, skb->truesize);
	else
		sk_mem_uncharge(sk, skb->truesize);
	toytcp_recycle_free_skb(skb);
}

/**
 * toytcp_sendq_append() - an empty buffer at the end of the write queue
 * @sk: the socket; it is charged
 *
 * Context: process, socket lock held.
 * Return: the buffer, for the bytes from write_seq on; NULL without memory, or
 * when the program is to wait until there is room.
 */
struct sk_buff *toytcp_sendq_append(struct sock *sk)
{
	struct sk_buff *skb;

	if (!sk_stream_memory_free(sk))
		return NULL;
	skb = toytcp_sendq_alloc(sk, sk->sk_allocation);
	if (!skb)
		return NULL;
	TOYTCP_CB(skb)->seq = toytcp_sk(sk)->write_seq;
	TOYTCP_CB(skb)->end_seq = toytcp_sk(sk)->write_seq;
	__skb_queue_tail(&sk->sk_write_queue, skb);
	return skb;
}

/**
 * toytcp_sendq_drop() - take back what toytcp_sendq_append() made
 * @sk: the socket
 * @skb: the buffer, still empty; consumed
 *
 * Context: process, socket lock held.
 */
void toytcp_sendq_drop(struct sock *sk, struct sk_buff *skb)
{
	__skb_unlink(skb, &sk->sk_write_queue);
	toytcp_sendq_free(sk, skb, false);
}

/**
 * toytcp_sendq_may_add() - may bytes be added to the last buffer of the write queue?
 * @skb: the buffer, or NULL
 * @goal: bytes that it may hold
 *
 * Not to pages of the program's, and not behind the end of a record.
 *
 * Context: process, socket lock held.
 */
bool toytcp_sendq_may_add(const struct sk_buff *skb, u32 goal)
{
	return skb && skb->len < goal && !skb_zcopy((struct sk_buff *)skb) &&
	       !(TOYTCP_CB(skb)->mark & TOYTCP_SKB_EOR);
}

/**
 * toytcp_sendq_end_record() - MSG_EOR: what was written leaves by itself
 * @sk: the socket
 *
 * The next write begins a buffer, so that a time stamp stays that of the
 * record's last byte. The stream knows no records.
 *
 * Context: process, socket lock held.
 */
void toytcp_sendq_end_record(struct sock *sk)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (skb)
		TOYTCP_CB(skb)->mark |= TOYTCP_SKB_EOR;
}

/**
 * toytcp_sendq_purge() - drop everything unsent and unacknowledged
 * @sk: the socket
 *
 * Context: socket lock held, or last reference gone.
 */
void toytcp_sendq_purge(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&sk->sk_write_queue)))
		toytcp_sendq_free(sk, skb, false);
	while ((node = rb_first(&ts->rtx_queue))) {
		skb = rb_to_skb(node);
		rb_erase(node, &ts->rtx_queue);
		toytcp_sendq_free(sk, skb, false);
	}
	toytcp_chrono_acked(sk);
	toytcp_recovery_reset(ts);
	ts->snd_urgent = 0;
	ts->snd_una = ts->write_seq;
	ts->snd_nxt = ts->write_seq;
}

/**
 * toytcp_sendq_set_segs() - how many wire segments a buffer makes
 * @skb: a queued buffer that no device holds, or that was never sent
 * @mss: bytes of data in each
 *
 * Writes the GSO fields, which a clone shares, and the count in the control
 * block.
 *
 * Context: socket lock held.
 */
void toytcp_sendq_set_segs(struct sk_buff *skb, u32 mss)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	if (skb->len <= mss) {
		TOYTCP_CB(skb)->segs = 1;
		shinfo->gso_size = 0;
		shinfo->gso_segs = 0;
		shinfo->gso_type = 0;
		return;
	}
	TOYTCP_CB(skb)->segs = DIV_ROUND_UP(skb->len, mss);
	shinfo->gso_size = mss;
	shinfo->gso_segs = TOYTCP_CB(skb)->segs;
	shinfo->gso_type = SKB_GSO_TCPV4;
}

/**
 * toytcp_sendq_rtx_insert() - put a buffer into rtx_queue, in sequence order
 * @ts: the socket
 * @skb: the buffer, on no queue
 *
 * Context: socket lock held.
 */
void toytcp_sendq_rtx_insert(struct toytcp_sock *ts, struct sk_buff *skb)
{
	struct rb_node **p = &ts->rtx_queue.rb_node, *parent = NULL;

	while (*p) {
		parent = *p;
		if (seq_before(TOYTCP_CB(skb)->seq,
			       TOYTCP_CB(rb_to_skb(parent))->seq))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &ts->rtx_queue);
}

/**
 * toytcp_sendq_rtx_find() - where in rtx_queue is a sequence number?
 * @ts: the socket
 * @seq: the number
 *
 * Context: socket lock held.
 * Return: the last buffer that begins at or before @seq; the first one if none
 * does; NULL if there is none at all.
 */
struct rb_node *toytcp_sendq_rtx_find(const struct toytcp_sock *ts, u32 seq)
{
	struct rb_node *node = ts->rtx_queue.rb_node, *found = NULL;

	while (node) {
		if (seq_leq(TOYTCP_CB(rb_to_skb(node))->seq, seq)) {
			found = node;
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return found ?: rb_first(&ts->rtx_queue);
}

/**
 * toytcp_sendq_unclone() - give a queued buffer a head of its own
 * @skb: the buffer
 * @gfp: allocation flags
 *
 * Clones in flight keep the header and GSO fields they left with. The charge
 * stays what it was.
 *
 * Context: socket lock held.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int toytcp_sendq_unclone(struct sk_buff *skb, gfp_t gfp)
{
	unsigned int truesize = skb->truesize;
	int err = skb_unclone(skb, gfp);

	skb->truesize = truesize;
	return err;
}

/* a sent buffer makes @delta segments more than it did */
static void count_delta(struct toytcp_sock *ts, const struct toytcp_skb_cb *cb,
			int delta)
{
	ts->packets_out += delta;
	if (cb->mark & TOYTCP_SKB_SACKED)
		ts->sacked_out += delta;
	if (cb->mark & TOYTCP_SKB_LOST)
		ts->lost_out += delta;
	if (cb->mark & TOYTCP_SKB_RETRANS)
		ts->retrans_out += delta;
}

/**
 * toytcp_sendq_resegment() - the MSS may have changed since a buffer was sent
 * @ts: the socket
 * @skb: a buffer of rtx_queue that no device holds
 *
 * Context: socket lock held.
 */
void toytcp_sendq_resegment(struct toytcp_sock *ts, struct sk_buff *skb)
{
	u32 old_segs = TOYTCP_CB(skb)->segs;

	toytcp_sendq_set_segs(skb, ts->mss);
	count_delta(ts, TOYTCP_CB(skb), TOYTCP_CB(skb)->segs - old_segs);
}

/**
 * toytcp_sendq_split() - cut a queued buffer in two
 * @sk: the socket
 * @skb: a buffer in either queue; keeps its first @len bytes
 * @len: bytes, 0 < len < skb->len
 * @gfp: allocation flags
 *
 * The second half follows it in the same queue, with the marks of the first.
 * packets_out and the other counts are adjusted when it was already sent.
 *
 * Context: socket lock held.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int toytcp_sendq_split(struct sock *sk, struct sk_buff *skb, u32 len,
			gfp_t gfp)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb), *cb2;
	bool sent = !seq_geq(cb->seq, ts->snd_nxt);
	u32 old_segs = cb->segs, moved;
	struct sk_buff *tail;

	if (WARN_ON_ONCE(!len || len >= skb->len))
		return -EINVAL;
	/*
	 * A peer that SACKs every other tiny segment must not make us hold many
	 * times what the program sent (CVE-2019-11478). The head may be cut.
	 */
	if (sent && &skb->rbnode != rb_first(&ts->rtx_queue) &&
	    sk->sk_wmem_queued >> 1 >
		    READ_ONCE(sk->sk_sndbuf) + 2 * SKB_TRUESIZE(65536))
		return -ENOMEM;
	/* a clone in flight must go on seeing the data and GSO fields it left with */
	if (toytcp_sendq_unclone(skb, gfp))
		return -ENOMEM;
	tail = toytcp_sendq_alloc(sk, gfp);
	if (!tail)
		return -ENOMEM;

	moved = skb->len - len;
	skb_split(skb, tail, len);
	/* frags moved: so does their share of the charge */
	skb->truesize -= moved;
	tail->truesize += moved;
	tail->tstamp = skb->tstamp;

	cb2 = TOYTCP_CB(tail);
	*cb2 = *cb;
	INIT_LIST_HEAD(&cb2->sent);
	if (!list_empty(&cb->sent))
		list_add(&cb2->sent, &cb->sent);
	cb2->seq = cb->seq + len;
	cb->end_seq = cb2->seq;
	cb->flags &= ~(TOYTCP_FIN | TOYTCP_PSH);
	cb2->flags &= ~TOYTCP_SYN;
	cb->mark &= ~TOYTCP_SKB_EOR;
	toytcp_stamp_split(skb, tail);

	toytcp_sendq_set_segs(skb, ts->mss);
	toytcp_sendq_set_segs(tail, ts->mss);
	if (!sent) {
		__skb_queue_after(&sk->sk_write_queue, skb, tail);
		return 0;
	}
	toytcp_sendq_rtx_insert(ts, tail);
	count_delta(ts, cb, cb->segs + cb2->segs - old_segs);
	return 0;
}

/**
 * toytcp_sendq_trim() - the first bytes of a sent buffer are acknowledged
 * @sk: the socket
 * @skb: the first buffer of rtx_queue; keeps these bytes
 * @len: bytes, 0 < len < skb->len
 *
 * Of its segments those stay with it that the rest no longer makes, as Linux
 * counts: none before a whole one is through. A peer that acknowledges byte by byte
 * (ACK division, RFC 5681 section 3.1) has no more delivered than any other.
 *
 * Context: socket lock held.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int toytcp_sendq_trim(struct sock *sk, struct sk_buff *skb, u32 len)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);
	u32 before = cb->segs, segs;
	int err = toytcp_sendq_split(sk, skb, len, GFP_ATOMIC);

	if (err)
		return err;
	segs = TOYTCP_CB(rb_to_skb(rb_next(&skb->rbnode)))->segs;
	segs = before > segs ? before - segs : 0;
	count_delta(toytcp_sk(sk), cb, segs - cb->segs);
	cb->segs = segs;
	return 0;
}
