/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lower edge, as the engine sees it: hand a segment down, ask for the
 * path. Behind it IPv4, devices, netfilter and ICMP (ipv4.c), or in KUnit a
 * simulated link (kunit/sim.c); see os.h.
 */
#ifndef _TOYTCP_IPV4_H
#define _TOYTCP_IPV4_H

#include <linux/types.h>

#include "flow.h"

struct msghdr;
struct net;
struct sk_buff;
struct sock;
struct toytcp_icmp;
struct toytcp_path;

/* How to send a segment that no full socket stands behind */
struct toytcp_reply {
	struct net *net;
	struct toytcp_flow_key key;
	int oif;		/* device to use, 0: any */
	u32 mark;		/* SO_MARK */
	u32 priority;		/* SO_PRIORITY */
	u8 tos;
	u8 ttl;			/* 0: the namespace's default */
};

void toytcp_ipv4_stop(void);
void toytcp_ipv4_exit(void);
int toytcp_ipv4_hook_register(struct net *net);
void toytcp_ipv4_hook_unregister(struct net *net);
void toytcp_ipv4_in_use(bool in_use);

int toytcp_ipv4_route(struct sock *sk);
int toytcp_ipv4_route_connect(struct sock *sk, __be32 faddr, __be16 fport,
			      __be32 *laddr);
u32 toytcp_ipv4_mtu(struct sock *sk);
u32 toytcp_ipv4_mtu_cached(struct sock *sk);
void toytcp_ipv4_update_pmtu(struct sock *sk, u32 mtu);
u32 toytcp_ipv4_reply_path(const struct toytcp_reply *reply,
			   struct toytcp_path *path);
void toytcp_ipv4_negative_advice(struct sock *sk);
void toytcp_ipv4_queue_error(struct sock *sk, const struct toytcp_icmp *icmp);
int toytcp_ipv4_recv_error(struct sock *sk, struct msghdr *msg, size_t len);
void toytcp_ipv4_confirm(struct sock *sk);
void toytcp_ipv4_rx_route(struct sock *sk, const struct sk_buff *skb);
int toytcp_ipv4_xmit(struct sock *sk, struct sk_buff *skb);
int toytcp_ipv4_xmit_reply(const struct toytcp_reply *reply,
			   struct sk_buff *skb);
void toytcp_ipv4_reply_to(struct net *net, const struct sk_buff *skb,
			  struct toytcp_reply *reply);

#endif /* _TOYTCP_IPV4_H */
