/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP Fast Open: data in the SYN, for who has been here before.
 *
 * Engine (layer 1), but for the namespace's keys and cache (fastopen_net.c,
 * layer 2). RFC 7413.
 */
#ifndef _TOYTCP_FASTOPEN_H
#define _TOYTCP_FASTOPEN_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "compat.h"
#include "flow.h"
#include "options.h"

struct msghdr;
struct net;
struct sk_buff;
struct sock;
struct toytcp_req;
struct toytcp_seg;

#define TOYTCP_FASTOPEN_KEY	16	/* bytes of a key */
#define TOYTCP_FASTOPEN_KEYS	2	/* the one in use, and the one before it */
#define TOYTCP_FASTOPEN_BUCKETS	128	/* of a namespace's cache */
#define TOYTCP_FASTOPEN_DEPTH	8	/* peers in a bucket; the eldest one goes */

/* What a SYN or SYN-ACK says */
struct toytcp_fastopen_cookie {
	int len;		/* bytes; 0: asks for a cookie; < 0: says nothing */
	u8 data[TOYTCP_FASTOPEN_MAX];
};

/* What cookies are made of; never changed, but replaced */
struct toytcp_fastopen_keys {
	siphash_key_t key[TOYTCP_FASTOPEN_KEYS]; /* the first makes, all are accepted */
	int n;			/* 1 or 2 */
	struct rcu_head rcu;
};

/* A call of sendmsg() that opens the connection; on its stack */
struct toytcp_fastopen_send {
	struct msghdr *msg;	/* what it wants to send */
	u32 copied;		/* bytes that went into the SYN */
};

/* A listener's children whose handshake is not through */
struct toytcp_fastopen_queue {
	spinlock_t lock;	/* count and resets; inside any socket's lock */
	u32 max;		/* TCP_FASTOPEN; 0: off */
	u32 count;		/* such children, and resets */
	struct list_head resets; /* struct toytcp_fastopen_reset, oldest first */
	struct toytcp_fastopen_keys __rcu *keys; /* TCP_FASTOPEN_KEY; NULL: the namespace's */
};

/* What a namespace knows */
struct toytcp_fastopen_net {
	struct toytcp_fastopen_keys __rcu *keys;
	spinlock_t lock;	/* peers and what is in it; BH */
	struct hlist_head peers[TOYTCP_FASTOPEN_BUCKETS];
	u64 off_since_us;	/* the latest black hole, microseconds of the clock */
	atomic_t off_times;	/* black holes in a row */
};

/* fastopen.c: the passive side */
bool toytcp_fastopen_child(struct sock *sk, struct toytcp_req *req,
			   struct toytcp_seg *seg,
			   struct toytcp_fastopen_cookie *answer);
void toytcp_fastopen_listen(struct sock *sk, int backlog);
void toytcp_fastopen_end(struct sock *child, bool reset);
void toytcp_fastopen_destruct(struct sock *sk);

/* fastopen.c: the active side */
bool toytcp_fastopen_ready(struct sock *sk, u16 *mss,
			   struct toytcp_fastopen_cookie *cookie);
bool toytcp_fastopen_defer(struct sock *sk);
struct sk_buff *toytcp_fastopen_data(struct sock *sk, u16 mss);
void toytcp_fastopen_synack(struct sock *sk, const struct toytcp_seg *seg);
void toytcp_fastopen_black_hole(struct sock *sk);
void toytcp_fastopen_timeout(struct sock *sk, bool last);
void toytcp_fastopen_over(struct sock *sk);

/* fastopen_net.c */
int toytcp_fastopen_net_init(struct net *net);
void toytcp_fastopen_net_exit(struct net *net);
struct toytcp_fastopen_keys *toytcp_fastopen_keys_alloc(const u8 *bytes, int n);
int toytcp_fastopen_keys_bytes(const struct toytcp_fastopen_keys *keys,
			       u8 *bytes);
void toytcp_fastopen_peer_get(struct net *net, const struct toytcp_flow_key *key,
			      u16 *mss, struct toytcp_fastopen_cookie *cookie);
void toytcp_fastopen_peer_set(struct net *net, const struct toytcp_flow_key *key,
			      u16 mss,
			      const struct toytcp_fastopen_cookie *cookie);
int toytcp_fastopen_sysctl_key(compat_ctl_table *table, int write,
			       void *buffer, size_t *lenp, loff_t *ppos);
int toytcp_fastopen_sysctl_timeout(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos);

#endif /* _TOYTCP_FASTOPEN_H */
