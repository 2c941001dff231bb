/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an administrator says of a path ("ip route"). Engine (layer 1); see
 * path.c.
 */
#ifndef _TOYTCP_PATH_H
#define _TOYTCP_PATH_H

#include <linux/types.h>

struct sock;
struct toytcp_sock;

/* The metrics of a route; 0 or false: nothing is said */
struct toytcp_path {
	u32 adv_mss;		/* advmss: announce no more, bytes */
	u32 window;		/* window: offer no more, bytes */
	u32 init_cwnd_segs;	/* initcwnd */
	u32 init_rwnd_segs;	/* initrwnd */
	u32 cwnd_max_segs;	/* cwnd lock */
	u32 rto_min_us;		/* rto_min */
	u32 cong_key;		/* congctl: toytcp_cong_ops.key */
	bool cong_locked;	/* congctl lock: TCP_CONGESTION may not */
	bool ecn;		/* features ecn: ask for it, agree to it */
	bool quickack;		/* quickack: nothing waits for an answer */
	bool fastopen_no_cookie; /* fastopen_no_cookie */
};

void toytcp_path_set(struct sock *sk, const struct toytcp_path *path);
u32 toytcp_path_init_cwnd(const struct toytcp_sock *ts);
void toytcp_path_cong_init(struct toytcp_sock *ts, bool lost);

#endif /* _TOYTCP_PATH_H */
