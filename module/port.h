/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports: who uses which, and their reservation in the kernel's own TCP.
 *
 * Side (layer 2).
 */
#ifndef _TOYTCP_PORT_H
#define _TOYTCP_PORT_H

#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/uidgid.h>
#include <net/inet_timewait_sock.h>

struct net;
struct sock;
struct toytcp_net;
struct toytcp_flow_key;

/*
 * One port of one namespace, with everything that uses it.
 *
 * Lifetime: made by the first user in process context; when the last user
 * leaves (any context), the namespace's reaper work takes it out of the
 * table, releases the reservation and frees it after a grace period, unless
 * a new user came first.
 */
struct toytcp_port {
	struct rhash_head node;		/* toytcp_net.ports */
	u16 num;			/* port, host order */
	bool shared;			/* every user came by connect(); port_lock */
	struct hlist_head classes;	/* struct toytcp_port_user, one of each class; port_lock */
	struct hlist_head listeners;	/* struct toytcp_listener.node; RCU, writers port_lock */
	struct toytcp_net *tn;		/* its namespace's */
	union {
		struct list_head reap;	/* toytcp_net.port_reap; port_lock */
		struct rcu_head rcu;	/* out of toytcp_net.ports */
	};
	struct inet_timewait_sock place; /* in the kernel's table of ports, see reserve.c */
};

/*
 * A socket's or a time-wait's hold on a port. Users that nothing but their
 * number tells apart are a class: thousands of connections of one server are
 * one to look at when somebody else wants the port.
 */
struct toytcp_port_user {
	struct hlist_node node;		/* toytcp_port.classes, if first of its class; port_lock */
	struct list_head same;		/* ring of the class; port_lock */
	struct toytcp_port *port;	/* NULL: none held */
	/* from here to timewait: what makes the class; changed outside of it only */
	__be32 addr;			/* local address bound to, 0: all */
	int dif;			/* bound device, 0: all */
	kuid_t uid;			/* whose it is: SO_REUSEPORT is for one user's */
	u8 reuse:1,			/* SO_REUSEADDR at bind time, or a time-wait with it */
	   reuseport:1,			/* SO_REUSEPORT, likewise */
	   six:1,			/* bound to ::, of an AF_INET6 socket (mapped.c) */
	   v6only:1,			/* and hears nothing of IPv4: IPV6_V6ONLY */
	   listening:1,			/* port_lock */
	   timewait:1,			/* fixed: a struct toytcp_tw's */
	   explicit:1;			/* the port came by bind() or listen() */
};

int toytcp_port_init(void);
void toytcp_port_exit(void);
int toytcp_port_net_init(struct net *net);
void toytcp_port_net_stop(struct net *net);
void toytcp_port_net_exit(struct net *net);
int toytcp_port_bind(struct sock *sk, __be32 addr, u16 num);
int toytcp_port_connect(struct sock *sk);
int toytcp_port_listen(struct sock *sk);
void toytcp_port_unlisten(struct sock *sk);
bool toytcp_port_inherit(struct net *net, struct toytcp_port_user *user,
			 const struct toytcp_port_user *from, __be32 addr);
void toytcp_port_release(struct toytcp_port_user *user);
void toytcp_port_settle(struct net *net);
u32 toytcp_port_first(const struct toytcp_flow_key *key);
void toytcp_port_tried(const struct toytcp_flow_key *key, u32 n);
struct toytcp_port *toytcp_port_lookup(struct net *net, u16 num);

#endif /* _TOYTCP_PORT_H */
