// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion window validation: a window counts for as much as was used of it.
 *
 * Engine (layer 1). Locks: the socket's. RFC 7661, RFC 5681 section 4.1.
 */
#include "pace.h"
#include "seq.h"
#include "sock.h"

/*
 * RFC 7661, as Linux: a window that was not used for a retransmission timeout
 * says little of the path. Half of what was not used goes; ssthresh remembers.
 */
static void cwnd_not_used(struct toytcp_sock *ts)
{
	struct toytcp_cong *c = &ts->cong;
	u32 used = max(ts->cwnd_used, toytcp_path_init_cwnd(ts));

	if (ts->recovery == TOYTCP_OPEN && used < c->cwnd_segs) {
		c->ssthresh_segs = max(c->ssthresh_segs, c->cwnd_segs / 4 * 3);
		c->cwnd_segs = (c->cwnd_segs + used) / 2;
	}
	ts->cwnd_used = 0;
	ts->cwnd_stamp_us = ts->now_us;
}

/* all is sent, the window has room, and the program can't write: too small a buffer */
static void sndbuf_limits(struct sock *sk)
{
	if (skb_queue_empty(&sk->sk_write_queue) && sk->sk_socket &&
	    test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) &&
	    BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))
		toytcp_chrono_start(toytcp_sk(sk), TOYTCP_CHRONO_SNDBUF);
}

/* may a window decay? Not one that the algorithm alone decides about */
static bool decays(const struct toytcp_sock *ts)
{
	return !ts->cong.ops->control &&
	       READ_ONCE(ts->flow.tn->sysctl.slow_start_after_idle);
}

/**
 * toytcp_cwv_sent() - note how much of the window is in use
 * @ts: the socket
 * @limited: the congestion window held the sender back
 *
 * Noted once a window and whenever it is more: only a window that held the
 * sender back may grow.
 *
 * Context: socket lock held.
 */
void toytcp_cwv_sent(struct toytcp_sock *ts, bool limited)
{
	if (limited || seq_geq(ts->snd_una, ts->cwnd_usage_seq) ||
	    (!ts->cwnd_limited && ts->packets_out > ts->max_packets_out)) {
		ts->cwnd_limited = limited;
		ts->max_packets_out = ts->packets_out;
		ts->cwnd_usage_seq = ts->snd_nxt;
	}
	if (toytcp_cwnd_limited(ts)) {
		ts->cwnd_used = 0;
		ts->cwnd_stamp_us = ts->now_us;
		return;
	}
	sndbuf_limits(&ts->inet.sk);
	ts->cwnd_used = max(ts->cwnd_used, ts->packets_out);
	if (decays(ts) && ts->now_us - ts->cwnd_stamp_us >= ts->rtt.rto_us)
		cwnd_not_used(ts);
}

/**
 * toytcp_cwv_idle() - about to send, perhaps after a pause
 * @ts: the socket
 *
 * RFC 5681 4.1: what was learned of the path is stale after an idle timeout. As
 * Linux (and RFC 2861), half of the window goes for each of them, down to the
 * initial one, not all at once; and not where it was the peer's window that held
 * the sender back. An algorithm that decides all by itself is told that sending
 * begins.
 *
 * Context: socket lock held.
 */
void toytcp_cwv_idle(struct toytcp_sock *ts)
{
	struct toytcp_cong *c = &ts->cong;
	u64 idle_us = ts->now_us - ts->last_xmit_us, left_us;
	u32 cwnd = c->cwnd_segs, rto_us, restart;

	if (c->ops->sends && ts->app_limited) {
		c->ops->sends(c, ts->now_us);
		toytcp_pace_update_rate(&ts->inet.sk);
	}
	if (ts->chrono == TOYTCP_CHRONO_RWND)
		return;
	rto_us = toytcp_rtt_timeout_us(&ts->rtt);
	if (idle_us <= rto_us || !decays(ts) || !ts->last_xmit_us)
		return;
	restart = toytcp_path_init_cwnd(ts);
	if (cwnd <= restart)
		return;
	c->ssthresh_segs = max(c->ssthresh_segs, cwnd / 4 * 3);
	for (left_us = idle_us; left_us > rto_us && cwnd > restart; left_us -= rto_us)
		cwnd /= 2;
	c->cwnd_segs = max(cwnd, restart);
	c->cwnd_cnt = 0;
	if (c->ops->restart)
		c->ops->restart(c, idle_us);
}
