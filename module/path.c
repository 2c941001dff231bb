// SPDX-License-Identifier: GPL-2.0
/*
 * What an administrator says of a path: the metrics of its route.
 *
 * Engine (layer 1). Locks: the socket's. Those that Linux's TCP heeds, but for
 * the ones that only seed its cache of what former connections saw (rtt,
 * rttvar, ssthresh, reordering): there is no such cache here. The path MTU, its
 * lock and the hop limit are IP's.
 *
 * The lower edge tells them whenever it has found a route; most are for the
 * handshake, rto_min and quickack for as long as the route is used.
 */
#include "path.h"
#include "sock.h"

/**
 * toytcp_path_set() - a route was found
 * @sk: the socket
 * @path: what it says
 *
 * Context: socket lock held.
 */
void toytcp_path_set(struct sock *sk, const struct toytcp_path *path)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->path = *path;
	ts->rtt.rto_min_us = path->rto_min_us ?:
				     READ_ONCE(ts->flow.tn->sysctl.rto_min_us);
}

/**
 * toytcp_path_init_cwnd() - the window to begin with, and after a pause
 * @ts: the socket
 *
 * Context: socket lock held.
 * Return: segments.
 */
u32 toytcp_path_init_cwnd(const struct toytcp_sock *ts)
{
	return min_not_zero(ts->path.init_cwnd_segs ?: TOYTCP_CONG_INIT_CWND,
			    ts->path.cwnd_max_segs);
}

/**
 * toytcp_path_cong_init() - congestion control of a connection that begins
 * @ts: the socket, its route known, cong.ops set
 * @lost: the handshake lost segments: begin with one (RFC 5681 3.1)
 *
 * Context: socket lock held, or not yet visible.
 */
void toytcp_path_cong_init(struct toytcp_sock *ts, bool lost)
{
	toytcp_cong_init(&ts->cong, ts->cong.ops,
			 lost ? 1 : toytcp_path_init_cwnd(ts));
	if (ts->path.cwnd_max_segs)
		ts->cong.cwnd_clamp_segs = ts->path.cwnd_max_segs;
}
