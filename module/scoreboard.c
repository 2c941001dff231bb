// SPDX-License-Identifier: GPL-2.0
/*
 * The scoreboard: what of the sent data is in the network, arrived, or lost.
 *
 * Engine (layer 1). Locks: the socket's. RFC 2018 (SACK), RFC 2883 (D-SACK),
 * RFC 6675 section 4 ("pipe").
 *
 * Every buffer of rtx_queue has marks: SACKED (the peer has it), LOST
 * (believed lost), RETRANS (sent again since). From the counts of marked
 * segments follows the estimate of what is in the network:
 *
 *	in_flight = packets_out - sacked_out - lost_out + retrans_out
 *
 * A peer without SACK tells no more than that something arrived: each
 * duplicate ACK then counts as one segment SACKed, without saying which.
 *
 * No ACK may cost a walk over all that is in flight: a window has tens of
 * thousands of segments, and a peer chooses the ACKs. So each buffer of
 * rtx_queue, which is a tree by sequence number, is also on at most one of
 * two lists by its sent link:
 *
 *	sent_queue	in the network as far as is known, in the order of their
 *			last transmission (Linux's tsorted_sent_queue): RACK
 *			looks at its beginning
 *	lost_queue	LOST and not sent again: retransmission takes from its
 *			beginning. Linux walks the tree from a hint instead.
 *
 * What is SACKED is on neither. A SACK block is compared with those of the ACK
 * before (sack_cache): only what it adds is looked up and walked. And a walk
 * does not step through what is SACKED: each such buffer knows how far from
 * there on everything is (sacked_end), or was when somebody came by last. Who
 * jumps leaves behind how far it came (path compression, as in a union-find).
 * So whatever blocks a peer sends in whatever order, all of its ACKs together
 * cost a number of look-ups that goes with theirs and that of the segments, times
 * a logarithm. Linux merges SACKed buffers instead, where they may be.
 */
#include <linux/list_sort.h>

#include "recovery.h"
#include "seq.h"

/**
 * toytcp_recovery_reset() - forget everything about losses
 * @ts: the socket; rtx_queue is empty or about to be
 *
 * Context: socket lock held, or not yet visible.
 */
void toytcp_recovery_reset(struct toytcp_sock *ts)
{
	INIT_LIST_HEAD(&ts->sent_queue);
	INIT_LIST_HEAD(&ts->lost_queue);
	memset(ts->sack_cache, 0, sizeof(ts->sack_cache));
	memset(&ts->rack, 0, sizeof(ts->rack));
	ts->rack.reo_wnd_mult = 1;
	ts->recovery = TOYTCP_OPEN;
	ts->dupacks = 0;
	ts->retransmits = 0;
	ts->packets_out = 0;
	ts->sacked_out = 0;
	ts->lost_out = 0;
	ts->retrans_out = 0;
	ts->undo_valid = false;
	ts->frto = false;
	ts->reneged = false;
	ts->new_only = false;
	ts->tlp_pending = false;
	ts->retrans_stamp = 0;
}

/**
 * toytcp_scoreboard_sent() - a buffer of rtx_queue is transmitted
 * @ts: the socket
 * @skb: the buffer, xmit_us just set
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_sent(struct toytcp_sock *ts, struct sk_buff *skb)
{
	list_move_tail(&TOYTCP_CB(skb)->sent, &ts->sent_queue);
}

/* take a mark's segments out of its count */
static void unmark(struct toytcp_sock *ts, struct sk_buff *skb, u8 marks)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

	marks &= cb->mark;
	if (marks & TOYTCP_SKB_SACKED)
		ts->sacked_out -= cb->segs;
	if (marks & TOYTCP_SKB_LOST)
		ts->lost_out -= cb->segs;
	if (marks & TOYTCP_SKB_RETRANS)
		ts->retrans_out -= cb->segs;
	cb->mark &= ~marks;
}

/**
 * toytcp_scoreboard_lost() - a buffer is believed lost, or its retransmission
 * @ts: the socket
 * @skb: a buffer of rtx_queue that is not SACKED
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_lost(struct toytcp_sock *ts, struct sk_buff *skb)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb), *first;

	if (cb->mark & TOYTCP_SKB_SACKED ||
	    (cb->mark & (TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS)) == TOYTCP_SKB_LOST)
		return;
	if (cb->mark & TOYTCP_SKB_RETRANS && cb->mark & TOYTCP_SKB_LOST)
		toytcp_stats_add(sock_net(&ts->inet.sk),
				 TOYTCP_MIB_LOST_RETRANSMIT, cb->segs);
	unmark(ts, skb, TOYTCP_SKB_RETRANS);
	if (!(cb->mark & TOYTCP_SKB_LOST)) {
		cb->mark |= TOYTCP_SKB_LOST;
		ts->lost_out += cb->segs;
	}
	ts->lost_total += cb->segs;
	/* what the peer waits for goes first, else in the order of the losses */
	first = list_first_entry_or_null(&ts->lost_queue, struct toytcp_skb_cb,
					 sent);
	if (first && seq_before(cb->seq, first->seq))
		list_move(&cb->sent, &ts->lost_queue);
	else
		list_move_tail(&cb->sent, &ts->lost_queue);
}

/* something arrived of which that was not known before */
static void delivered(struct toytcp_sock *ts, struct toytcp_skb_cb *cb,
		      struct toytcp_ack *ack)
{
	if (!(cb->mark & TOYTCP_SKB_EVER_RETRANS)) {
		if (seq_leq(cb->end_seq, ts->recover))
			ack->orig = true;
		if (seq_before(cb->seq, ack->prior_fack))
			ack->reordered = true;
	}
	toytcp_rack_delivered(ts, cb, ack);
	toytcp_rate_delivered(ts, cb, ack);
}

/* without SACK: so many of the "SACKed" are now known to be these */
static void clean_dupacks(struct toytcp_sock *ts, struct toytcp_ack *ack)
{
	if (ack->acked_segs) {
		ack->delivered_segs = max_t(int, 1, ack->acked_segs -
					    ts->sacked_out);
		ts->sacked_out -= min(ts->sacked_out, ack->acked_segs - 1);
	}
	ts->sacked_out = min(ts->sacked_out, ts->packets_out);
}

/*
 * A buffer that snd_una has reached but not passed: cut it there.
 * Returns false if it must stay whole.
 */
static bool clean_cut(struct sock *sk, struct sk_buff *skb)
{
	u32 done = toytcp_sk(sk)->snd_una - TOYTCP_CB(skb)->seq;

	/* if only the FIN is left, one byte stays with it */
	if (skb->len)
		done = min_t(u32, done, skb->len - 1);
	return done && !toytcp_sendq_trim(sk, skb, done);
}

/**
 * toytcp_scoreboard_clean() - remove from rtx_queue what snd_una has passed
 * @sk: the socket
 * @ack: takes what was learned
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_clean(struct sock *sk, struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node;
	bool sampled = false;

	while ((node = rb_first(&ts->rtx_queue))) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		if (!seq_before(cb->seq, ts->snd_una))
			break;
		if (seq_after(cb->end_seq, ts->snd_una) && !clean_cut(sk, skb)) {
			toytcp_stamp_acked(sk, skb);
			break;
		}
		/* Karn: what was sent twice gives no sample; the oldest one counts */
		if (cb->mark & TOYTCP_SKB_EVER_RETRANS)
			sampled = true;
		/* nor does a part of a segment (as Linux): the rest may be on its way */
		if (!sampled && cb->segs && !(cb->mark & TOYTCP_SKB_SACKED)) {
			ack->rtt_us = clamp_t(u64, toytcp_sent_ago_us(cb, ack->now_us),
					      1, U32_MAX);
			sampled = true;
		}
		ack->acked_segs += cb->segs;
		if (cb->segs && !(cb->mark & TOYTCP_SKB_SACKED)) {
			ack->delivered_segs += cb->segs;
			delivered(ts, cb, ack);
		}
		unmark(ts, skb, TOYTCP_SKB_SACKED | TOYTCP_SKB_LOST |
		       TOYTCP_SKB_RETRANS);
		ts->packets_out -= cb->segs;
		toytcp_stamp_acked(sk, skb);
		rb_erase(node, &ts->rtx_queue);
		list_del(&cb->sent);
		toytcp_sendq_free(sk, skb, ack->brings_data);
	}
	if (!ts->sack_ok)
		clean_dupacks(ts, ack);
}

/* how a buffer was cut on the wire; the MSS may have changed since */
static u32 wire_mss(const struct toytcp_sock *ts, const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_size ?: ts->mss;
}

/* one whole buffer is in a block */
static void sack_buffer(struct toytcp_sock *ts, struct sk_buff *skb,
			struct toytcp_ack *ack)
{
	struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

	delivered(ts, cb, ack);
	/* the latest one sent: others waited for it to be reported */
	if (!(cb->mark & TOYTCP_SKB_EVER_RETRANS))
		ack->rtt_us = clamp_t(u64, toytcp_sent_ago_us(cb, ack->now_us),
				      1, U32_MAX);
	unmark(ts, skb, TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS);
	cb->mark |= TOYTCP_SKB_SACKED;
	cb->sacked_end = cb->end_seq;
	ts->sacked_out += cb->segs;
	list_del_init(&cb->sent);
	ack->delivered_segs += cb->segs;
	ack->sacked = true;
	ts->fack = seq_max(ts->fack, cb->end_seq);
}

/* the buffer behind what is SACKed from @cb on; NULL: that reaches up to @end */
static struct rb_node *past_sacked(struct toytcp_sock *ts,
				   struct toytcp_skb_cb *cb, u32 end)
{
	if (!seq_before(cb->sacked_end, end))
		return NULL;
	if (cb->sacked_end == cb->end_seq)
		return rb_next(&toytcp_cb_skb(cb)->rbnode);
	return toytcp_sendq_rtx_find(ts, cb->sacked_end);
}

/* SACKed buffers, one behind the other: all of them reach as far as the last one */
static void learn_end(struct list_head *visited)
{
	struct toytcp_skb_cb *cb, *next;
	u32 end;

	if (list_empty(visited))
		return;
	end = list_last_entry(visited, struct toytcp_skb_cb, sent)->sacked_end;
	list_for_each_entry_safe(cb, next, visited, sent) {
		cb->sacked_end = end;
		list_del_init(&cb->sent);
	}
}

/*
 * Mark what lies in [start, end) as SACKed; cuts buffers at whole segments.
 * *done becomes what is marked now without a gap, for the cache.
 */
static void sack_range(struct sock *sk, u32 start, u32 end,
		       struct toytcp_ack *ack, struct toytcp_sack_block *done)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node, *next;
	LIST_HEAD(visited);

	done->start = end;
	done->end = end;
	for (node = toytcp_sendq_rtx_find(ts, start); node; node = next) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);
		u32 cut;

		if (!seq_before(cb->seq, end))
			break;
		if (!(cb->mark & TOYTCP_SKB_SACKED)) {
			if (seq_before(cb->seq, start)) {
				cut = roundup(start - cb->seq, wire_mss(ts, skb));
				if (cut < skb->len)
					toytcp_sendq_split(sk, skb, cut, GFP_ATOMIC);
				next = rb_next(node);
				continue;
			}
			if (seq_after(cb->end_seq, end)) {
				cut = rounddown(end - cb->seq, wire_mss(ts, skb));
				if (!cut || cut >= skb->len ||
				    toytcp_sendq_split(sk, skb, cut, GFP_ATOMIC))
					break;
			}
			sack_buffer(ts, skb, ack);
		}
		if (done->start == end)
			done->start = seq_max(cb->seq, start);
		done->end = seq_min(cb->sacked_end, end);
		list_add_tail(&cb->sent, &visited);
		next = past_sacked(ts, cb, end);
	}
	learn_end(&visited);
	if (done->start == end)
		done->end = end;
}

/* where the next block of the former ACK begins at or after @at, up to @end */
static u32 next_known(const struct toytcp_sock *ts, u32 at, u32 end, u32 *until)
{
	u32 next = end;
	int i;

	*until = end;
	for (i = 0; i < ARRAY_SIZE(ts->sack_cache); i++) {
		const struct toytcp_sack_block *b = &ts->sack_cache[i];

		if (b->start == b->end || !seq_after(b->end, at) ||
		    !seq_before(b->start, next))
			continue;
		next = seq_max(b->start, at);
		*until = b->end;
	}
	return next;
}

/* what a block says that the former ACK's blocks did not; returns all of it that is marked */
static struct toytcp_sack_block sack_block(struct sock *sk, u32 start, u32 end,
					   struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_sack_block all = { .start = end, .end = end }, part;
	u32 at = start;

	while (seq_before(at, end)) {
		u32 until, known = next_known(ts, at, end, &until);

		if (known == at) {
			part.start = at;
			part.end = seq_before(until, end) ? until : end;
		} else {
			sack_range(sk, at, known, ack, &part);
		}
		if (part.start != part.end) {
			/* a gap (want of memory, odd cuts): keep the later part */
			if (all.end != part.start)
				all.start = part.start;
			all.end = part.end;
		}
		at = known == at ? part.end : known;
	}
	return all;
}

/* RFC 2883: is the first block a report of a duplicate? */
static bool is_dsack(const struct toytcp_sock *ts, const struct toytcp_seg *seg)
{
	const struct toytcp_sack_block *b = seg->opt.sacks;

	if (!seg->opt.n_sacks || !seq_before(b[0].start, b[0].end))
		return false;
	if (seq_before(b[0].start, seg->ack))
		return seq_leq(b[0].end, seg->ack) &&
		       seq_after(b[0].end, seg->ack - ts->max_snd_wnd);
	return seg->opt.n_sacks > 1 && seq_geq(b[0].start, b[1].start) &&
	       seq_leq(b[0].end, b[1].end);
}

/* as Linux: what arrived twice is delivered, too, unless it was sent once only */
static void dsack(struct toytcp_sock *ts, const struct toytcp_sack_block *b,
		  struct toytcp_ack *ack)
{
	u32 segs = DIV_ROUND_UP(b->end - b->start, ts->mss);

	if (b->end - b->start > ts->max_snd_wnd)
		return;
	ts->dsack_dups += segs;
	toytcp_stats_inc(sock_net(&ts->inet.sk), TOYTCP_MIB_DSACK_RECV);
	if (ts->dsack_dups > ts->total_retrans)
		return;
	ack->dsack = true;
	ack->delivered_segs += segs;
	if (ts->tlp_pending && ts->tlp_retrans && b->end == ts->tlp_high_seq)
		ack->dsack_tlp = true;
	if (ts->undo_valid && ts->undo_retrans > 0 &&
	    seq_leq(b->end, ack->prior_una) &&
	    seq_after(b->end, ts->undo_una))
		ts->undo_retrans = max_t(s32, 0, ts->undo_retrans - (s32)segs);
}

/**
 * toytcp_scoreboard_sacks() - the SACK blocks of an ACK
 * @sk: the socket, SACK in use
 * @seg: the segment
 * @ack: takes what was learned
 *
 * Blocks that make no sense are ignored (RFC 2018 section 4).
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_sacks(struct sock *sk, const struct toytcp_seg *seg,
			     struct toytcp_ack *ack)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_sack_block known[ARRAY_SIZE(ts->sack_cache)] = {};
	int i, n = 0;

	if (is_dsack(ts, seg))
		dsack(ts, &seg->opt.sacks[0], ack);
	for (i = 0; i < seg->opt.n_sacks; i++) {
		const struct toytcp_sack_block *b = &seg->opt.sacks[i];

		if (!seq_before(b->start, b->end) ||
		    !seq_after(b->end, ts->snd_una) ||
		    seq_before(b->start, ts->snd_una) ||
		    seq_after(b->end, ts->snd_nxt))
			continue;
		if (n < ARRAY_SIZE(known))
			known[n++] = sack_block(sk, b->start, b->end, ack);
	}
	if (n)
		memcpy(ts->sack_cache, known, sizeof(known));
}

/**
 * toytcp_scoreboard_head_lost() - the first segment is known to be missing
 * @sk: the socket
 *
 * For a retransmission that is not lost yet nothing changes.
 *
 * Context: socket lock held.
 * Return: whether it is marked now and was not.
 */
bool toytcp_scoreboard_head_lost(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_first(&ts->rtx_queue);
	struct sk_buff *skb;

	if (!node)
		return false;
	skb = rb_to_skb(node);
	if (TOYTCP_CB(skb)->mark &
	    (TOYTCP_SKB_SACKED | TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS))
		return false;
	/* only the first segment is known to be missing */
	if (TOYTCP_CB(skb)->segs > 1 && skb->len > ts->mss &&
	    toytcp_sendq_split(sk, skb, ts->mss, GFP_ATOMIC))
		return false;
	toytcp_scoreboard_lost(ts, skb);
	return true;
}

/**
 * toytcp_scoreboard_reneged() - nothing that was SACKed can be relied on
 * @ts: the socket
 *
 * RFC 2018 section 8.
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_reneged(struct toytcp_sock *ts)
{
	struct rb_node *node;

	memset(ts->sack_cache, 0, sizeof(ts->sack_cache));
	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);

		if (!(TOYTCP_CB(skb)->mark & TOYTCP_SKB_SACKED))
			continue;
		unmark(ts, skb, TOYTCP_SKB_SACKED);
		list_add_tail(&TOYTCP_CB(skb)->sent, &ts->sent_queue);
	}
}

/**
 * toytcp_scoreboard_all_lost() - a timeout: what is outstanding counts as lost
 * @ts: the socket, with data outstanding
 * @spare_recent: but not what was sent less than a round trip ago (RFC 8985
 *	section 6.3)
 *
 * All that is lost goes again in the order of its numbers (RFC 6298 5.4): only
 * the earliest moves the peer on, and a timeout may be all that sends anything.
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_all_lost(struct toytcp_sock *ts, bool spare_recent)
{
	struct rb_node *head = rb_first(&ts->rtx_queue), *node;
	u64 now_us = ts->now_us;

	for (node = head; node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);
		struct toytcp_skb_cb *cb = TOYTCP_CB(skb);

		if (!spare_recent || node == head ||
		    toytcp_rack_remaining_us(ts, cb, 0, now_us) <= 0)
			toytcp_scoreboard_lost(ts, skb);
		if ((cb->mark & (TOYTCP_SKB_LOST | TOYTCP_SKB_RETRANS)) ==
		    TOYTCP_SKB_LOST)
			list_move_tail(&cb->sent, &ts->lost_queue);
	}
}

static int sent_cmp(void *priv, const struct list_head *a,
		    const struct list_head *b)
{
	const struct toytcp_skb_cb *x = list_entry(a, struct toytcp_skb_cb, sent);
	const struct toytcp_skb_cb *y = list_entry(b, struct toytcp_skb_cb, sent);

	return x->xmit_us > y->xmit_us ||
	       (x->xmit_us == y->xmit_us && seq_after(x->seq, y->seq));
}

/**
 * toytcp_scoreboard_none_lost() - the losses were none (undo)
 * @ts: the socket
 *
 * A walk over all, as in Linux; it happens once a spurious recovery.
 *
 * Context: socket lock held.
 */
void toytcp_scoreboard_none_lost(struct toytcp_sock *ts)
{
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node))
		unmark(ts, rb_to_skb(node), TOYTCP_SKB_LOST);
	list_splice_tail_init(&ts->lost_queue, &ts->sent_queue);
	list_sort(NULL, &ts->sent_queue, sent_cmp);
}
