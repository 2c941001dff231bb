/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How large a packet may be, found without ICMP (mtup.c). Engine (layer 1).
 */
#ifndef _TOYTCP_MTUP_H
#define _TOYTCP_MTUP_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct toytcp_sock;

/* The search for the path MTU, RFC 4821 7.1; sizes of whole packets, bytes */
struct toytcp_mtup {
	u32 low;		/* what is used: it passes */
	u32 high;		/* nothing larger will */
	u32 size;		/* of the probe in flight; 0: none */
	u32 start, end;		/* sequence numbers of the probe, if size */
	u32 since_s;		/* seconds of the clock when the search began */
	bool enabled;		/* it is in use, and low limits the MSS */
};

/* What toytcp_mtup_next() says of the write queue */
enum toytcp_mtup_next {
	TOYTCP_MTUP_NONE,	/* no probe now: send as ever */
	TOYTCP_MTUP_WAIT,	/* send nothing: an ACK will make room for a probe */
	TOYTCP_MTUP_READY,	/* the head of the queue is the probe */
};

void toytcp_mtup_init(struct sock *sk);
u32 toytcp_mtup_mss(struct sock *sk, u32 pmtu);
enum toytcp_mtup_next toytcp_mtup_next(struct sock *sk);
void toytcp_mtup_sent(struct sock *sk, const struct sk_buff *skb);
void toytcp_mtup_acked(struct sock *sk);
bool toytcp_mtup_lost(struct sock *sk);
void toytcp_mtup_black_hole(struct sock *sk);

#endif /* _TOYTCP_MTUP_H */
