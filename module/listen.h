/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listeners and connection requests: a SYN received, not yet a socket.
 *
 * Engine (layer 1).
 */
#ifndef _TOYTCP_LISTEN_H
#define _TOYTCP_LISTEN_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "fastopen.h"
#include "flow.h"
#include "os.h"
#include "sock.h"

/*
 * One embryonic connection in SYN_RECV. lock protects what changes, and which
 * tables it is in; list is its listener's (toytcp_listener.lock).
 * References: the tables with the listener's list (one together), an armed
 * timer, lookups.
 */
struct toytcp_req {
	struct toytcp_flow flow;
	refcount_t ref;
	spinlock_t lock;		/* outside its child's, that outside toytcp_listener's */
	struct list_head list;		/* toytcp_listener.reqs, while linked */
	struct sock *listener;		/* reference held */
	struct toytcp_saved_syn *saved_syn; /* NULL: none; passes to the child */
	union {
		struct toytcp_timer timer; /* SYN-ACK retransmission; while referenced */
		struct rcu_head rcu;
	};
	u32 irs;			/* peer's initial sequence number */
	u32 iss;			/* ours */
	u32 rcv_wnd;			/* window offered in the SYN-ACK, bytes */
	u32 ts_recent;			/* peer's TSval */
	u32 ts_offset;			/* of our timestamps */
	int dif;			/* device the listener is bound to; 0: none */
	u64 sent_us;			/* the clock when the SYN-ACK went */
	u64 last_oow_us;		/* rate limit of answers to what opens nothing */
	u16 peer_mss;			/* bytes */
	u16 adv_mss;			/* ours, bytes */
	u16 snd_wnd;			/* window field of the SYN, never scaled */
	u8 snd_wscale;
	u8 rcv_wscale;
	u8 ts_ok:1,
	   sack_ok:1,
	   wscale_ok:1,
	   ecn_ok:1,
	   fastopen_no_cookie:1,	/* says the route */
	   acked:1,			/* its ACK came, and was not taken up */
	   cookie:1,			/* made of a SYN cookie: in no table, no timer */
	   linked:1;			/* in the tables and in the listener's list */
	u8 retries;			/* SYN-ACKs sent again */
	u8 tos;				/* of the SYN */
};

/*
 * What only a listener needs. The socket gets it when it listens first, or when
 * TCP_FASTOPEN or TCP_FASTOPEN_KEY prepares for that, and keeps it to its end, a
 * grace period after the last reference, whatever else it becomes: a child of
 * Fast Open comes back to fastopen when its listener may be none any more. Who
 * found the socket as a listener need not ask whether there is one. Children
 * have none.
 */
struct toytcp_listener {
	struct hlist_node node;		/* toytcp_port.listeners; RCU, port_lock */
	struct sock *sk;		/* the socket */
	spinlock_t lock;		/* what follows, to accept_tail; inside any socket's */
	u32 req_count;			/* entries of reqs */
	u32 req_young;			/* of those, whose SYN-ACK was sent once */
	struct list_head reqs;		/* struct toytcp_req.list */
	struct toytcp_sock *accept_first; /* children, by accept_next; NULL: none */
	struct toytcp_sock **accept_tail; /* where the next one goes */
	u32 synq_overflow_s;		/* when a cookie was sent last; 0: never; no lock */
	bool synflood_warned;		/* the log says that it was flooded; no lock */
	struct toytcp_fastopen_queue fastopen;
};

int toytcp_listen_init(void);
void toytcp_listen_exit(void);
int toytcp_listen_start(struct sock *sk, int backlog);
void toytcp_listen_stop(struct sock *sk);
struct toytcp_listener *toytcp_listen_get(struct sock *sk);
bool toytcp_listen_pending(const struct sock *sk);
struct sock *toytcp_listen_accept(struct sock *sk);
struct sock *toytcp_listen_child(struct sock *sk, struct toytcp_req *req);
bool toytcp_listen_queue(struct sock *sk, struct sock *child);
void toytcp_listen_rcv(struct sock *sk, struct toytcp_seg *seg);
void toytcp_listen_icmp(struct toytcp_req *req, u32 seq, bool abort);
void toytcp_req_free(struct toytcp_req *req);

#endif /* _TOYTCP_LISTEN_H */
