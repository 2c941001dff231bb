/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows: what the demultiplexer finds, in three sizes.
 *
 * Side (layer 2). A connection attempt (struct toytcp_req), a full socket
 * (struct toytcp_sock) and a time-wait remnant (struct toytcp_tw) all begin
 * their life in the lookup tables with a struct toytcp_flow.
 *
 * Lifetime: all three are freed after an RCU grace period, so that a lookup
 * under rcu_read_lock() may touch what it finds; to keep it, it must take a
 * reference with toytcp_flow_get(), which fails once the last one is gone.
 * A flow's key never changes while it is in the table. SLAB_TYPESAFE_BY_RCU
 * was considered and rejected, see docs/design.md.
 */
#ifndef _TOYTCP_FLOW_H
#define _TOYTCP_FLOW_H

#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/list.h>

struct net;
struct sk_buff;
struct sock;
struct toytcp_net;

/* The two ends of a connection, network order; "local" is this end */
struct toytcp_flow_key {
	__be32 laddr;		/* local address */
	__be32 faddr;		/* foreign address */
	__be16 lport;		/* local port */
	__be16 fport;		/* foreign port */
};

/* Which of the three objects a flow is embedded in */
enum toytcp_flow_kind {
	TOYTCP_FLOW_SOCK,	/* struct toytcp_sock */
	TOYTCP_FLOW_REQ,	/* struct toytcp_req */
	TOYTCP_FLOW_TW,		/* struct toytcp_tw */
};

struct toytcp_flow {
	struct rhash_head node;		/* toytcp_net.flows */
	struct toytcp_flow_key key;	/* fixed while hashed */
	u8 kind;			/* enum toytcp_flow_kind; fixed */
	bool hashed;			/* in toytcp_net.flows; owner's lock */
	u32 hash;			/* of the key, once hashed */
	struct toytcp_net *tn;		/* its namespace's: the object ends first */
	struct hlist_node list;		/* toytcp_net.all, for the listing */
};

/* What a segment belongs to, looked up once; no references, good under RCU */
struct toytcp_claim {
	struct toytcp_net *tn;		/* the namespace's state */
	struct toytcp_flow *flow;	/* connection, request, time-wait; NULL: none */
	struct sock *listener;		/* then who may want it, or one of those; NULL: nobody */
};

int toytcp_demux_net_init(struct net *net);
void toytcp_demux_net_exit(struct net *net);
void toytcp_demux_list_add(struct toytcp_flow *flow);
void toytcp_demux_list_del(struct toytcp_flow *flow);
int toytcp_demux_insert(struct toytcp_flow *flow);
int toytcp_demux_replace(struct toytcp_flow *old, struct toytcp_flow *flow);
void toytcp_demux_remove(struct toytcp_flow *flow);
struct toytcp_flow *toytcp_demux_lookup(struct net *net,
					const struct toytcp_flow_key *key,
					int dif);
struct sock *toytcp_demux_listener(struct net *net,
				   const struct toytcp_flow_key *key, int dif);
struct sock *toytcp_demux_choose(struct sock *sk,
				 const struct toytcp_flow_key *key,
				 struct sk_buff *skb, int hdr_len);
struct sock *toytcp_demux_peek(struct toytcp_net *tn,
			       const struct toytcp_flow_key *key);
bool toytcp_demux_is(const struct sock *sk, const struct toytcp_flow_key *key);
bool toytcp_demux_claim(struct net *net, const struct toytcp_flow_key *key,
			int dif, struct toytcp_claim *claim);
bool toytcp_flow_get(struct toytcp_flow *flow);
void toytcp_flow_put(struct toytcp_flow *flow);
int toytcp_demux_backlog(struct sock *sk, struct sk_buff *skb);
void toytcp_demux_rcv(struct net *net, const struct toytcp_claim *claim,
		      struct sk_buff *skb, const struct toytcp_flow_key *key,
		      int dif);

#endif /* _TOYTCP_FLOW_H */
