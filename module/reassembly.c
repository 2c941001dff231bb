// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly: from segments in any order to one stream, within bounds.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 3.10.7.4 (seventh step),
 * RFC 2018 and 2883 (which blocks to report).
 *
 * sk_receive_queue holds what is in order, ofo_queue (an rbtree by sequence
 * number) what waits for a gap to close. Buffers may overlap on the left:
 * the reader skips what it has copied already (copied_seq). What lies right
 * of the offered window is cut off on arrival.
 *
 * Bounds. Every buffer is charged with its truesize. ofo_queue may be thrown
 * away at any time, since it was never acknowledged cumulatively (RFC 2018
 * section 8 allows a receiver to renege); the in-order queue never. Small
 * segments in big buffers are copied together once half the receive buffer
 * is used, so that a peer who sends single bytes costs about what a peer who
 * sends full segments does.
 */
#include <linux/skbuff.h>

#include "compat.h"
#include "seq.h"
#include "sock.h"

#define COMPACT_MAX	1024	/* bytes: segments smaller than this are copied together */
#define COMPACT_SIZE	SKB_WITH_OVERHEAD(4096 - NET_SKB_PAD)

static void uncharge_free(struct sk_buff *skb)
{
	/* sock_rfree() gives the charge back */
	kfree_skb(skb);
}

/*
 * The window promises payload, the buffer is charged with memory, and twice
 * the payload is only a guess at that. Where the guess was too low the buffer
 * grows, as Linux's does: what was promised and fits net.toytcp.rmem is taken.
 */
static void grow_buffer(struct sock *sk)
{
	int top = READ_ONCE(toytcp_sk_net(sk)->sysctl.rmem[2]);
	int used = atomic_read(&sk->sk_rmem_alloc);

	if (used <= READ_ONCE(sk->sk_rcvbuf) || READ_ONCE(sk->sk_rcvbuf) >= top ||
	    (sk->sk_userlocks & SOCK_RCVBUF_LOCK) || sk_under_memory_pressure(sk))
		return;
	WRITE_ONCE(sk->sk_rcvbuf, min(used, top));
}

/* may @skb's memory be held? Prunes what may be pruned first. */
static bool reserve(struct sock *sk, struct sk_buff *skb)
{
	if (!atomic_read(&sk->sk_rmem_alloc) &&
	    toytcp_sock_mem_first(sk, skb->truesize))
		return true;
	grow_buffer(sk);
	if (atomic_read(&sk->sk_rmem_alloc) <= READ_ONCE(sk->sk_rcvbuf) &&
	    sk_rmem_schedule(sk, skb, skb->truesize))
		return true;
	if (!toytcp_reassembly_prune(sk))
		return false;
	return atomic_read(&sk->sk_rmem_alloc) <= READ_ONCE(sk->sk_rcvbuf) &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/*
 * Append @from's payload to @to if they are neighbours and the core can
 * merge them. On success @from is gone.
 */
static bool coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *from)
{
	bool stolen;
	int delta;

	if (TOYTCP_CB(from)->seq != TOYTCP_CB(to)->end_seq ||
	    TOYTCP_CB(to)->flags & TOYTCP_FIN)
		return false;
	if (!skb_try_coalesce(to, from, &stolen, &delta))
		return false;
	atomic_add(delta, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, delta);
	TOYTCP_CB(to)->end_seq = TOYTCP_CB(from)->end_seq;
	TOYTCP_CB(to)->flags |= TOYTCP_CB(from)->flags;
	/* when the latest of it came (SO_TIMESTAMP) */
	if (from->tstamp) {
		to->tstamp = from->tstamp;
		skb_hwtstamps(to)->hwtstamp = skb_hwtstamps(from)->hwtstamp;
	}
	kfree_skb_partial(from, stolen);
	return true;
}

/* replace a small segment in a big buffer by a roomy one that its successors fit in */
static struct sk_buff *compact(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *roomy;

	if (skb->len >= COMPACT_MAX || skb->truesize <= 2 * skb->len ||
	    atomic_read(&sk->sk_rmem_alloc) < READ_ONCE(sk->sk_rcvbuf) / 2)
		return skb;
	roomy = alloc_skb(COMPACT_SIZE, GFP_ATOMIC);
	if (!roomy)
		return skb;
	*TOYTCP_CB(roomy) = *TOYTCP_CB(skb);
	if (skb_copy_bits(skb, 0, skb_put(roomy, skb->len), skb->len)) {
		kfree_skb(roomy);
		return skb;
	}
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_RCV_COLLAPSED);
	consume_skb(skb);
	return roomy;
}

/* put the next in-order buffer behind the others; counts its FIN, too */
static void append(struct sock *sk, struct sk_buff *skb)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	bool fin = TOYTCP_CB(skb)->flags & TOYTCP_FIN;
	u32 end = TOYTCP_CB(skb)->end_seq;
	u32 fresh = end - ts->rcv_nxt - fin;

	ts->bytes_received += fresh;
	WRITE_ONCE(ts->rcv_nxt, end);
	if (!fresh) {
		/* the FIN alone is new */
		kfree_skb(skb);
	} else if (!tail || !coalesce(sk, tail, skb)) {
		/* one from ofo_queue has its charge already */
		if (!skb->sk) {
			skb = compact(sk, skb);
			skb_set_owner_r(skb, sk);
		}
		__skb_queue_tail(&sk->sk_receive_queue, skb);
	}
	if (fin)
		toytcp_rcv_fin(sk);
}

static void ofo_remove(struct toytcp_sock *ts, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &ts->ofo_queue);
	RB_CLEAR_NODE(&skb->rbnode);
	/* rbnode shares memory with the list pointers and dev */
	skb->dev = NULL;
}

/**
 * toytcp_reassembly_dup() - something came that was there already
 * @ts: the socket
 * @start: its first number, before rcv_nxt
 * @end: where it ends; what is not yet received does not count
 *
 * The next ACK says so, if SACK was agreed on (RFC 2883).
 *
 * Context: socket lock held.
 */
void toytcp_reassembly_dup(struct toytcp_sock *ts, u32 start, u32 end)
{
	ts->dsack.start = start;
	ts->dsack.end = seq_before(end, ts->rcv_nxt) ? end : ts->rcv_nxt;
	ts->dsack_pending = ts->sack_ok;
}

/* the gap has moved: what of ofo_queue is in order now? */
static void ofo_drain(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;

	while ((node = rb_first(&ts->ofo_queue))) {
		struct sk_buff *skb = rb_to_skb(node);

		if (seq_after(TOYTCP_CB(skb)->seq, ts->rcv_nxt))
			break;
		ofo_remove(ts, skb);
		/* what came in order has it, too: it came twice (RFC 2883 4) */
		if (seq_before(TOYTCP_CB(skb)->seq, ts->rcv_nxt))
			toytcp_reassembly_dup(ts, TOYTCP_CB(skb)->seq,
					      TOYTCP_CB(skb)->end_seq);
		if (!seq_after(TOYTCP_CB(skb)->end_seq, ts->rcv_nxt)) {
			uncharge_free(skb);
			continue;
		}
		append(sk, skb);
		if (ts->got_fin)
			break;
	}
}

static void ofo_arrived(struct toytcp_sock *ts, u32 seq)
{
	memmove(ts->ofo_recent + 1, ts->ofo_recent,
		sizeof(ts->ofo_recent) - sizeof(ts->ofo_recent[0]));
	ts->ofo_recent[0] = seq;
}

/* keep an out-of-order buffer; overlaps with whole neighbours are dropped */
static enum toytcp_drop_reason ofo_insert(struct sock *sk, struct sk_buff *skb)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node **p = &ts->ofo_queue.rb_node, *parent = NULL, *node;
	u32 seq = TOYTCP_CB(skb)->seq, end = TOYTCP_CB(skb)->end_seq;

	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_OFO_QUEUE);
	while (*p) {
		struct sk_buff *at = rb_to_skb(*p);

		parent = *p;
		if (seq_leq(TOYTCP_CB(at)->seq, seq) &&
		    seq_geq(TOYTCP_CB(at)->end_seq, end)) {
			/* nothing new: a duplicate to report */
			ts->dsack.start = seq;
			ts->dsack.end = end;
			ts->dsack_pending = ts->sack_ok;
			ofo_arrived(ts, seq);
			return TOYTCP_DROP_OFO_DUP;
		}
		if (seq_before(seq, TOYTCP_CB(at)->seq))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	ofo_arrived(ts, seq);
	node = parent ? (p == &parent->rb_right ? parent : rb_prev(parent)) :
			NULL;
	/* its beginning came before */
	if (node && seq_before(seq, TOYTCP_CB(rb_to_skb(node))->end_seq)) {
		ts->dsack.start = seq;
		ts->dsack.end = seq_before(end, TOYTCP_CB(rb_to_skb(node))->end_seq) ?
					end : TOYTCP_CB(rb_to_skb(node))->end_seq;
		ts->dsack_pending = ts->sack_ok;
	}
	if (node && !skb->sk && coalesce(sk, rb_to_skb(node), skb)) {
		skb = rb_to_skb(node);
	} else {
		skb_set_owner_r(skb, sk);
		rb_link_node(&skb->rbnode, parent, p);
		rb_insert_color(&skb->rbnode, &ts->ofo_queue);
	}
	/* later buffers that this one covers whole are of no more use */
	while ((node = rb_next(&skb->rbnode))) {
		struct sk_buff *next = rb_to_skb(node);

		if (seq_after(TOYTCP_CB(next)->end_seq, TOYTCP_CB(skb)->end_seq))
			break;
		TOYTCP_CB(skb)->flags |= TOYTCP_CB(next)->flags & TOYTCP_FIN &&
			TOYTCP_CB(next)->end_seq == TOYTCP_CB(skb)->end_seq ?
			TOYTCP_FIN : 0;
		/* they came twice (RFC 2883 4) */
		ts->dsack.start = TOYTCP_CB(next)->seq;
		ts->dsack.end = TOYTCP_CB(next)->end_seq;
		ts->dsack_pending = ts->sack_ok;
		ofo_remove(ts, next);
		uncharge_free(next);
	}
	return TOYTCP_DROP_NONE;
}

/* cut off what lies right of the offered window, the FIN first */
static bool trim_to_window(struct toytcp_sock *ts, struct sk_buff *skb)
{
	u32 edge = ts->rcv_nxt + toytcp_rcv_wnd_left(ts);
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

	if (!seq_after(cb->end_seq, edge))
		return true;
	/* a FIN just at the edge takes no buffer (Linux accepts it, too) */
	if (cb->flags & TOYTCP_FIN) {
		if (cb->end_seq - 1 == edge)
			return true;
		cb->flags &= ~TOYTCP_FIN;
		cb->end_seq--;
	}
	if (!seq_after(cb->end_seq, edge))
		return true;
	if (!seq_after(edge, cb->seq))
		return false;
	if (pskb_trim(skb, edge - cb->seq))
		return false;
	cb->end_seq = edge;
	return true;
}

/**
 * toytcp_reassembly_queue() - take a segment's text and FIN
 * @sk: the socket
 * @seg: an acceptable segment; seg->skb becomes NULL if the buffer is kept
 *
 * Context: softirq or backlog, socket lock held.
 * Return: TOYTCP_DROP_NONE, or why the text was not taken.
 */
enum toytcp_drop_reason toytcp_reassembly_queue(struct sock *sk,
						struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = seg->skb;
	enum toytcp_drop_reason why;
	u32 had = ts->rcv_nxt;

	if (ts->got_fin)
		return TOYTCP_DROP_AFTER_FIN;
	__skb_pull(skb, seg->hdr_len);
	seg->hdr_len = 0;
	skb_dst_drop(skb);
	skb_orphan(skb);
	skb->dev = NULL;	/* a queue holds no reference to it */
	memset(TOYTCP_CB(skb), 0, sizeof(struct toytcp_skb_cb));
	TOYTCP_CB(skb)->seq = seg->seq;
	TOYTCP_CB(skb)->end_seq = seg->seq + seg->len +
				  !!(seg->flags & TOYTCP_FIN);
	TOYTCP_CB(skb)->flags = seg->flags & TOYTCP_FIN;

	if (!trim_to_window(ts, skb))
		return TOYTCP_DROP_OVER_WINDOW;
	if (!seq_after(TOYTCP_CB(skb)->end_seq, ts->rcv_nxt)) {
		ts->dsack.start = seg->seq;
		ts->dsack.end = TOYTCP_CB(skb)->end_seq;
		ts->dsack_pending = ts->sack_ok;
		return TOYTCP_DROP_OLD_DATA;
	}
	/*
	 * In order with nothing queued is always taken, whatever it weighs:
	 * one buffer can't exhaust memory, and refusing it could stall the
	 * stream for good.
	 */
	if (!reserve(sk, skb) &&
	    (seq_after(seg->seq, ts->rcv_nxt) ||
	     !skb_queue_empty(&sk->sk_receive_queue))) {
		ts->rcvbuf_dropped = true;
		return TOYTCP_DROP_RCVBUF;
	}

	if (seq_after(TOYTCP_CB(skb)->seq, ts->rcv_nxt)) {
		ts->rcv_ooopack += max_t(u16, skb_shinfo(skb)->gso_segs, 1);
		why = ofo_insert(sk, skb);
		if (why == TOYTCP_DROP_NONE)
			seg->skb = NULL;
		return why;
	}
	if (seq_before(TOYTCP_CB(skb)->seq, ts->rcv_nxt) && ts->sack_ok) {
		ts->dsack.start = TOYTCP_CB(skb)->seq;
		ts->dsack.end = ts->rcv_nxt;
		ts->dsack_pending = 1;
	}
	seg->skb = NULL;
	append(sk, skb);
	if (!ts->got_fin)
		ofo_drain(sk);
	if (ts->rcv_nxt - ts->got_fin != had && !sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
	return TOYTCP_DROP_NONE;
}

static void add_block(struct toytcp_sack_block *blocks, int *n, int max,
		      const struct toytcp_sack_block *block)
{
	if (*n < max)
		blocks[(*n)++] = *block;
}

/* how recently a block had an arrival: 0 is the newest, TOYTCP_SACKS_MAX unknown */
static int recency(const struct toytcp_sock *ts,
		   const struct toytcp_sack_block *run)
{
	int i;

	for (i = 0; i < TOYTCP_SACKS_MAX; i++)
		if (seq_leq(run->start, ts->ofo_recent[i]) &&
		    seq_before(ts->ofo_recent[i], run->end))
			break;
	return i;
}

/*
 * The blocks of the out-of-order queue into @order, room for TOYTCP_SACKS_MAX:
 * the recent ones in the order of their arrivals, then the leftmost. What has
 * merged or gone is forgotten. Returns their number.
 */
static int order_blocks(struct toytcp_sock *ts, struct toytcp_sack_block *order)
{
	struct toytcp_sack_block run = {}, rest[TOYTCP_SACKS_MAX];
	struct toytcp_sack_block recent[TOYTCP_SACKS_MAX] = {};
	int n = 0, n_rest = 0, rank, i;
	struct rb_node *node;
	bool open = false;
	u32 last = ts->rcv_nxt;

	for (i = 0; i < TOYTCP_SACKS_MAX; i++)
		last = seq_max(last, ts->ofo_recent[i]);
	for (node = rb_first(&ts->ofo_queue); ; node = rb_next(node)) {
		const struct toytcp_skb_cb *cb =
			node ? TOYTCP_CB(rb_to_skb(node)) : NULL;

		if (open && cb && seq_leq(cb->seq, run.end)) {
			run.end = seq_max(run.end, cb->end_seq);
			continue;
		}
		rank = open ? recency(ts, &run) : -1;
		if (rank == TOYTCP_SACKS_MAX)
			add_block(rest, &n_rest, TOYTCP_SACKS_MAX, &run);
		else if (open)
			recent[rank] = run;
		/* the recent ones are found, and the rest is full: enough is known */
		if (!node || (n_rest == TOYTCP_SACKS_MAX &&
			      seq_after(cb->seq, last)))
			break;
		run.start = cb->seq;
		run.end = cb->end_seq;
		open = true;
	}
	for (i = 0; i < TOYTCP_SACKS_MAX; i++)
		if (recent[i].start != recent[i].end)
			add_block(order, &n, TOYTCP_SACKS_MAX, &recent[i]);
	for (i = 0; i < n_rest; i++)
		add_block(order, &n, TOYTCP_SACKS_MAX, &rest[i]);
	for (i = 0; i < TOYTCP_SACKS_MAX; i++)
		ts->ofo_recent[i] = i < n ? order[i].start : ts->rcv_nxt;
	return n;
}

/**
 * toytcp_reassembly_sacks() - the SACK blocks to report
 * @ts: the socket
 * @blocks: filled
 * @max: room in @blocks
 *
 * RFC 2883: a pending D-SACK first. RFC 2018 section 4: then the block that
 * the newest arrival belongs to, then those that were reported most recently,
 * so that each is told in several ACKs.
 *
 * Context: socket lock held.
 * Return: number of blocks.
 */
int toytcp_reassembly_sacks(struct toytcp_sock *ts,
			    struct toytcp_sack_block *blocks, int max)
{
	struct toytcp_sack_block order[TOYTCP_SACKS_MAX];
	int n = 0, n_order, i;

	n_order = order_blocks(ts, order);
	if (ts->dsack_pending)
		add_block(blocks, &n, max, &ts->dsack);
	for (i = 0; i < n_order; i++)
		add_block(blocks, &n, max, &order[i]);
	return n;
}

/**
 * toytcp_reassembly_purge() - throw the out-of-order queue away
 * @sk: the socket
 *
 * Context: socket lock held, or last reference gone.
 */
void toytcp_reassembly_purge(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;

	while ((node = rb_first(&ts->ofo_queue))) {
		struct sk_buff *skb = rb_to_skb(node);

		ofo_remove(ts, skb);
		uncharge_free(skb);
	}
}

/**
 * toytcp_reassembly_prune() - make room by dropping out-of-order data
 * @sk: the socket
 *
 * From the far end, an eighth of the receive buffer at least: what is nearest
 * to the gap is needed first.
 *
 * Context: socket lock held.
 * Return: true if something was freed.
 */
bool toytcp_reassembly_prune(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int goal = atomic_read(&sk->sk_rmem_alloc) -
		   (READ_ONCE(sk->sk_rcvbuf) >> 3);
	struct rb_node *node;
	bool freed = false;

	while ((node = rb_last(&ts->ofo_queue)) &&
	       (!freed || atomic_read(&sk->sk_rmem_alloc) > goal)) {
		struct sk_buff *skb = rb_to_skb(node);

		ofo_remove(ts, skb);
		toytcp_drop(sock_net(sk), skb, TOYTCP_DROP_OFO_PRUNED);
		freed = true;
	}
	return freed;
}
