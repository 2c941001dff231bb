/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Explicit Congestion Notification. Engine (layer 1). RFC 3168, RFC 8257.
 */
#ifndef _TOYTCP_ECN_H
#define _TOYTCP_ECN_H

#include "sock.h"

/* does the algorithm want ECN, and ECT on whatever is sent? */
static inline bool toytcp_ecn_needed(const struct toytcp_sock *ts)
{
	return READ_ONCE(ts->cong.ops->flags) & TOYTCP_CONG_NEEDS_ECN;
}

/* a reduction of the window is to be told (RFC 3168 6.1.2) */
static inline void toytcp_ecn_queue_cwr(struct toytcp_sock *ts)
{
	ts->ecn_queue_cwr = ts->ecn_ok;
}

void toytcp_ecn_init(struct toytcp_sock *ts, bool ok);
void toytcp_ecn_syn(struct sock *sk, struct toytcp_skb_cb *syn);
void toytcp_ecn_syn_again(const struct sock *sk, struct toytcp_skb_cb *syn);
void toytcp_ecn_synack(struct sock *sk, struct toytcp_skb_cb *syn);
bool toytcp_ecn_asked(const struct sock *sk, const struct toytcp_seg *syn,
		      bool wanted);
void toytcp_ecn_answered(struct toytcp_sock *ts, const struct toytcp_seg *seg);
void toytcp_ecn_established(struct sock *sk);
u8 toytcp_ecn_xmit(struct sock *sk, struct sk_buff *skb, u8 flags, bool first);
void toytcp_ecn_rcv(struct sock *sk, const struct toytcp_seg *seg);
void toytcp_ecn_cwr_heard(struct toytcp_sock *ts, const struct toytcp_seg *seg);
bool toytcp_ecn_echoed(const struct toytcp_sock *ts, const struct toytcp_seg *seg);

#endif /* _TOYTCP_ECN_H */
