/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Urgent data, see urgent.c.
 */
#ifndef _TOYTCP_URGENT_H
#define _TOYTCP_URGENT_H

#include <linux/types.h>

struct msghdr;
struct sk_buff;
struct sock;
struct toytcp_seg;
struct toytcp_sock;

/* toytcp_sock.urg_data: one of these; with VALID, the byte in the low eight bits */
#define TOYTCP_URG_NONE		0x0000	/* no mark in the stream */
#define TOYTCP_URG_VALID	0x0100	/* the byte is here */
#define TOYTCP_URG_NOTYET	0x0200	/* announced, and still to come */
#define TOYTCP_URG_READ		0x0400	/* read out of band; the mark stays */

void toytcp_urgent_rcv(struct sock *sk, const struct toytcp_seg *seg);
int toytcp_urgent_recv(struct sock *sk, struct msghdr *msg, size_t len,
		       int flags);
bool toytcp_urgent_at_mark(const struct sock *sk, u32 seq);
u32 toytcp_urgent_limit(const struct sock *sk, u32 seq, u32 len, bool *skip);
void toytcp_urgent_passed(struct sock *sk);
u32 toytcp_urgent_inq(const struct sock *sk);
void toytcp_urgent_send(struct sock *sk);
void toytcp_urgent_acked(struct toytcp_sock *ts);
void toytcp_urgent_xmit(const struct toytcp_sock *ts, struct sk_buff *skb,
			u32 seq);

#endif /* _TOYTCP_URGENT_H */
