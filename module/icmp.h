/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ICMP errors and what they mean to a connection, see icmp.c.
 */
#ifndef _TOYTCP_ICMP_H
#define _TOYTCP_ICMP_H

#include <linux/types.h>

struct net;
struct sk_buff;
struct sock;
struct toytcp_flow_key;

/* An ICMP error that quotes a segment of ours */
struct toytcp_icmp {
	u8 type;		/* ICMP_DEST_UNREACH and so on */
	u8 code;
	u8 ttl;			/* of the quoted segment, when the router had it */
	int err;		/* errno, positive */
	int dif;		/* index of the device it came by */
	u32 seq;		/* of the quoted segment */
	u32 mtu;		/* fragmentation needed: what the router takes; 0: it did not say */
	struct sk_buff *skb;	/* the whole packet, for the error queue; NULL: none */
	u32 quote;		/* offset of the quoted TCP header in it, bytes */
};

void toytcp_icmp_rcv(struct net *net, const struct toytcp_flow_key *key,
		     const struct toytcp_icmp *icmp);

#endif /* _TOYTCP_ICMP_H */
