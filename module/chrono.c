// SPDX-License-Identifier: GPL-2.0
/*
 * Chronographs: for how long a connection had data to send, and what held them
 * back, for TCP_INFO.
 *
 * Engine (layer 1). Locks: the socket's. RFC 4898's SndLimTime, as Linux
 * keeps it: one clock runs at a time, that of the gravest reason.
 */
#include "sock.h"

static void clock_set(struct toytcp_sock *ts, enum toytcp_chrono to)
{
	u64 now_us = ts->now_us;

	if (ts->chrono != TOYTCP_CHRONO_IDLE)
		ts->chrono_us[ts->chrono - 1] += now_us - ts->chrono_began_us;
	ts->chrono_began_us = now_us;
	ts->chrono = to;
}

static bool all_acked(const struct sock *sk)
{
	return RB_EMPTY_ROOT(&toytcp_sk(sk)->rtx_queue) &&
	       skb_queue_empty(&sk->sk_write_queue);
}

/**
 * toytcp_chrono_start() - there is a reason
 * @ts: the socket
 * @why: which; a graver one that holds already goes on
 *
 * Context: socket lock held.
 */
void toytcp_chrono_start(struct toytcp_sock *ts, enum toytcp_chrono why)
{
	if (why > ts->chrono)
		clock_set(ts, why);
}

/**
 * toytcp_chrono_stop() - the reason is gone, or everything is acknowledged
 * @sk: the socket
 * @why: which; with data left, the connection is merely busy
 *
 * Context: socket lock held.
 */
void toytcp_chrono_stop(struct sock *sk, enum toytcp_chrono why)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (why != ts->chrono)
		return;
	if (all_acked(sk))
		clock_set(ts, TOYTCP_CHRONO_IDLE);
	else if (why != TOYTCP_CHRONO_BUSY)
		clock_set(ts, TOYTCP_CHRONO_BUSY);
}

/**
 * toytcp_chrono_acked() - something was acknowledged: was it all?
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_chrono_acked(struct sock *sk)
{
	if (all_acked(sk) && toytcp_sk(sk)->chrono != TOYTCP_CHRONO_IDLE)
		clock_set(toytcp_sk(sk), TOYTCP_CHRONO_IDLE);
}

/**
 * toytcp_chrono_us() - what a clock has counted
 * @ts: the socket
 * @which: the clock, not TOYTCP_CHRONO_IDLE
 * @now_us: the engine's clock
 *
 * Context: socket lock held.
 * Return: microseconds, until now if it runs.
 */
u64 toytcp_chrono_us(const struct toytcp_sock *ts, enum toytcp_chrono which,
		     u64 now_us)
{
	u64 us = ts->chrono_us[which - 1];

	if (which == ts->chrono)
		us += now_us - ts->chrono_began_us;
	return us;
}
