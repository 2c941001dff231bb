// SPDX-License-Identifier: GPL-2.0
/*
 * How much of a socket's data may wait below it, and how fast they go there.
 *
 * Engine (layer 1). Locks: the socket's, but for toytcp_pace_freed(). As
 * Linux's TCP small queues and its pacing rate.
 *
 * Pacing is for who asks for it: SO_MAX_PACING_RATE, or an algorithm whose
 * window alone does not say how fast to send (SK_PACING_NEEDED). After each buffer
 * the next one waits for the time that this one takes at sk_pacing_rate; a timer
 * of the socket's own calls the sender. Where the queueing discipline is fq (it
 * says so itself: SK_PACING_FQ), the buffers go down at once, each with its
 * time of departure, and fq keeps them until then. The first ten segments are
 * not paced. A buffer is not larger than about a millisecond at that rate,
 * paced or not: who sends little at a time hears of it sooner, and leaves no
 * bursts.
 *
 * Small queues. What waits in a queueing discipline or a device delays
 * everybody's packets and can't be called back, so a socket has no more than
 * about a millisecond of data there, at its pacing rate: two buffers at
 * least, net.toytcp.limit_output_bytes at most. More would only make the queue
 * longer. sk_wmem_alloc has what is there; sock_wfree() subtracts each
 * buffer from it when a device has let go of it, and calls sk_write_space,
 * which calls toytcp_pace_freed(): a sender that was held back goes on in
 * a softirq of its own, since the buffer may have been freed under any lock,
 * the socket's own included.
 *
 * The life of the socket across that. A buffer below holds no reference: its
 * share of sk_wmem_alloc keeps the memory, and sock_wfree() keeps one byte of
 * it until sk_write_space has returned. So toytcp_pace_freed() may look at
 * the socket, and takes a reference for the softirq unless the last one is
 * gone; then there is nobody left to send. The softirq finds the state CLOSE
 * if the connection, the namespace or the module has ended meanwhile, and
 * drops its reference; memory goes back a grace period later, hence after
 * the softirq. The destructor is the kernel's own and not one of the module's:
 * the last thing that a buffer does to a socket is no text of the module, which
 * toytcp_sock_exit() keeps until the last socket is freed. And the kernel knows
 * it: segments of a buffer that software cuts, and buffers delayed by netem,
 * go on counting as they do for its own TCP.
 */
#include "compat.h"
#include "pace.h"
#include "sock.h"

#define UNPACED_SEGS	10	/* data segments of a connection, as Linux */

/* bytes of memory that may be below, before another @truesize follows */
static unsigned long queue_limit(const struct sock *sk, u32 truesize)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	unsigned long ms = READ_ONCE(sk->sk_pacing_rate) >>
			   READ_ONCE(sk->sk_pacing_shift);
	unsigned long limit = max_t(unsigned long, 2 * truesize, ms);

	/* what is paced has no bursts that the sysctl must bound */
	if (READ_ONCE(sk->sk_pacing_status) == SK_PACING_NONE)
		limit = min_t(unsigned long, limit,
			      READ_ONCE(ctl->limit_output_bytes));
	return limit;
}

/* at most one buffer waits for its acknowledgment */
static bool at_most_one_sent(const struct toytcp_sock *ts)
{
	const struct rb_node *root = ts->rtx_queue.rb_node;

	return !root || (!root->rb_left && !root->rb_right);
}

/**
 * toytcp_pace_queue_full() - is there enough of this socket's below?
 * @sk: the socket
 * @skb: the buffer that would be next
 * @again: it was sent before: what is lost may go with twice the limit
 *
 * While no more than one buffer waits for its acknowledgment the answer is
 * no: a device that tells late what it has sent should not stop a sender that
 * sends little.
 *
 * Context: socket lock held.
 * Return: true if the sender must wait: TOYTCP_DEFER_SEND calls it.
 */
bool toytcp_pace_queue_full(struct sock *sk, const struct sk_buff *skb,
			    bool again)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	unsigned long limit = queue_limit(sk, skb->truesize) << again;

	if (likely(refcount_read(&sk->sk_wmem_alloc) <= limit) ||
	    at_most_one_sent(ts))
		return false;
	set_bit(TOYTCP_THROTTLED, &ts->deferred);
	/* pairs with the one in toytcp_pace_freed(): it sees the bit, or we the room */
	smp_mb__after_atomic();
	return refcount_read(&sk->sk_wmem_alloc) > limit;
}

/**
 * toytcp_pace_still_below() - has a buffer's last transmission left the host?
 * @sk: the socket
 * @skb: a buffer of rtx_queue
 *
 * What a device still holds has not been lost yet.
 *
 * Context: socket lock held.
 * Return: true if it has not; the sender will be called when it has.
 */
bool toytcp_pace_still_below(struct sock *sk, const struct sk_buff *skb)
{
	if (likely(!skb_fclone_busy(sk, skb)))
		return false;
	set_bit(TOYTCP_THROTTLED, &toytcp_sk(sk)->deferred);
	/* as in toytcp_pace_queue_full() */
	smp_mb__after_atomic();
	return skb_fclone_busy(sk, skb);
}

/**
 * toytcp_pace_freed() - a buffer of this socket's has left the host
 * @sk: the socket; maybe without a reference, see the head of the file
 *
 * Context: any but hard interrupt; any locks, the socket's perhaps.
 */
void toytcp_pace_freed(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	/* sk_wmem_alloc is less, then look whether somebody waits for that */
	smp_mb__after_atomic();
	if (likely(!test_bit(TOYTCP_THROTTLED, &ts->deferred)) ||
	    test_and_set_bit(TOYTCP_SCHEDULED, &ts->deferred) ||
	    !refcount_inc_not_zero(&sk->sk_refcnt))
		return;
	toytcp_softirq_raise(&ts->softirq_send);
}

/**
 * toytcp_pace_resume() - the softirq begins: what was full is looked at again
 * @ts: the socket
 *
 * Context: softirq; before the socket lock is taken.
 */
void toytcp_pace_resume(struct toytcp_sock *ts)
{
	clear_bit(TOYTCP_THROTTLED, &ts->deferred);
	clear_bit(TOYTCP_SCHEDULED, &ts->deferred);
	/* who is held back from here on sets the bit anew */
	smp_mb__after_atomic();
}

/* bytes a second: cwnd a round trip, and some more */
static u64 rate_of_window(const struct toytcp_sock *ts)
{
	const struct toytcp_sysctl *ctl = &ts->flow.tn->sysctl;
	const struct toytcp_cong *c = &ts->cong;
	u64 rate = (u64)ts->mss * (USEC_PER_SEC / 100 * 8);

	rate *= c->cwnd_segs < c->ssthresh_segs / 2 ?
			READ_ONCE(ctl->pacing_ss_ratio) :
			READ_ONCE(ctl->pacing_ca_ratio);
	rate *= max(c->cwnd_segs, ts->packets_out);
	if (likely(ts->rtt.srtt_us8))
		rate = div_u64(rate, ts->rtt.srtt_us8);
	return rate;
}

/**
 * toytcp_pace_update_rate() - the pacing rate follows window and round trip
 * @sk: the socket
 *
 * As Linux: cwnd a round trip, times net.toytcp.pacing_ss_ratio percent in
 * slow start, so that the window can double, and pacing_ca_ratio near and
 * above ssthresh. Whether anybody paces or not, the rate says how much a
 * millisecond is. An algorithm that says how fast to send is obeyed, and the
 * socket is paced from then on.
 *
 * Context: socket lock held.
 */
void toytcp_pace_update_rate(struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u64 rate;

	if (unlikely(ts->cong.pace_q)) {
		rate = mul_u64_u64_shr(ts->cong.pace_q,
				       (u64)ts->mss * USEC_PER_SEC,
				       TOYTCP_CONG_PACE_SHIFT);
		/* fq says so itself, from another CPU perhaps */
		cmpxchg(&sk->sk_pacing_status, SK_PACING_NONE, SK_PACING_NEEDED);
	} else {
		rate = rate_of_window(ts);
	}
	/* fq reads it without a lock */
	WRITE_ONCE(sk->sk_pacing_rate,
		   min_t(u64, rate, READ_ONCE(sk->sk_max_pacing_rate)));
}

/**
 * toytcp_pace_wait() - is it too early for the next data?
 * @sk: the socket
 *
 * Context: socket lock held.
 * Return: true if the sender must wait: TOYTCP_DEFER_SEND calls it.
 */
bool toytcp_pace_wait(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 now_ns;

	if (likely(sk->sk_pacing_status != SK_PACING_NEEDED))
		return false;
	now_ns = toytcp_now_us() * NSEC_PER_USEC;
	if (ts->pace_ns <= now_ns)
		return false;
	toytcp_timers_pace(sk, DIV_ROUND_UP_ULL(ts->pace_ns - now_ns,
						NSEC_PER_USEC));
	return true;
}

/* when what is sent now leaves, nanoseconds */
static u64 departure_ns(const struct toytcp_sock *ts, u64 now_us)
{
	return max(ts->pace_ns, now_us * NSEC_PER_USEC);
}

/**
 * toytcp_pace_departure() - when fq lets go of what is sent now
 * @ts: the socket
 * @now_us: the engine's clock
 *
 * Context: socket lock held.
 * Return: microseconds of the clock.
 */
u64 toytcp_pace_departure(const struct toytcp_sock *ts, u64 now_us)
{
	return div_u64(departure_ns(ts, now_us), NSEC_PER_USEC);
}

/**
 * toytcp_pace_stamp() - tell fq when a segment leaves
 * @ts: the socket
 * @skb: the segment; an ACK as well, or it would overtake data
 *
 * Context: socket lock held.
 */
void toytcp_pace_stamp(const struct toytcp_sock *ts, struct sk_buff *skb)
{
	skb_set_delivery_time(skb, departure_ns(ts, toytcp_now_us()),
			      COMPAT_CLOCK_MONOTONIC);
}

/**
 * toytcp_pace_sent() - a buffer was sent: when may the next one follow?
 * @sk: the socket, which is paced
 * @len: its bytes
 * @now_us: when it was sent, microseconds of the clock
 *
 * A sender that was called late makes up for it, by up to half of the time that
 * the buffer takes (Linux).
 *
 * Context: socket lock held.
 */
void toytcp_pace_sent(struct sock *sk, u32 len, u64 now_us)
{
	unsigned long rate = READ_ONCE(sk->sk_pacing_rate);
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 departs_ns = departure_ns(ts, now_us), late_ns, len_ns = 0;

	if (rate && rate != ~0UL && ts->data_segs_out >= UNPACED_SEGS) {
		late_ns = departs_ns - ts->pace_ns;
		len_ns = div64_ul((u64)len * NSEC_PER_SEC, rate);
		len_ns -= min(len_ns / 2, late_ns);
	}
	ts->pace_ns = departs_ns + len_ns;
}

/**
 * toytcp_pace_delay_us() - how long what was sent last has yet to wait
 * @sk: the socket
 *
 * A timer that waits for its acknowledgment begins after that.
 *
 * Context: socket lock held.
 * Return: microseconds; 0 where nothing is paced.
 */
u64 toytcp_pace_delay_us(const struct sock *sk)
{
	u64 now_us;

	if (likely(sk->sk_pacing_status == SK_PACING_NONE))
		return 0;
	now_us = toytcp_now_us();
	return toytcp_pace_departure(toytcp_sk(sk), now_us) - now_us;
}

/* of an algorithm's choice, or the namespace's */
static u32 burst_min_segs(const struct toytcp_sock *ts)
{
	return ts->cong.burst_min_segs ?:
	       READ_ONCE(ts->flow.tn->sysctl.min_tso_segs);
}

/**
 * toytcp_pace_burst_segs() - segments that the pacing rate makes in a millisecond
 * @sk: the socket
 *
 * What an algorithm that decides about the window reckons with: the device's
 * limits are none of its business.
 *
 * Context: socket lock held.
 * Return: at least 1, and what fits into 64 KiB.
 */
u32 toytcp_pace_burst_segs(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	unsigned long bytes = READ_ONCE(sk->sk_pacing_rate) >>
			      READ_ONCE(sk->sk_pacing_shift);

	bytes = min_t(unsigned long, bytes, U16_MAX - TOYTCP_HEADROOM);
	return max_t(u32, (u32)bytes / ts->mss, burst_min_segs(ts));
}

/**
 * toytcp_pace_gso_segs() - how many segments should leave as one buffer
 * @sk: the socket
 *
 * As many as the pacing rate makes in a millisecond, and more on a short path,
 * where an ACK comes so soon that bursts are harmless: each 2^tso_rtt_log
 * microseconds of the least round trip halve what is added.
 *
 * Context: socket lock held.
 * Return: at least 1; no more than toytcp_output_gso_segs().
 */
u32 toytcp_pace_gso_segs(const struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 most = toytcp_output_gso_segs(sk), max_size = sk->sk_gso_max_size;
	u32 shift = ts->rtt.min_us >> READ_ONCE(ctl->tso_rtt_log);
	unsigned long bytes;

	if (most == 1)
		return 1;
	bytes = READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift);
	if (shift < 32)
		bytes += max_size >> shift;
	bytes = min_t(unsigned long, bytes, max_size);
	return min_t(u32, most, max_t(u32, (u32)bytes / ts->mss,
				      burst_min_segs(ts)));
}
