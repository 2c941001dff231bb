/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TIME_WAIT: what remains of a connection that ended in order, and FIN_WAIT2
 * of one that no program holds.
 *
 * Engine (layer 1). RFC 9293 section 3.10.7.4, RFC 1337, RFC 6191.
 */
#ifndef _TOYTCP_TIMEWAIT_H
#define _TOYTCP_TIMEWAIT_H

#include <linux/refcount.h>
#include <linux/spinlock.h>

#include "flow.h"
#include "os.h"
#include "port.h"

struct sock;
struct toytcp_seg;

/*
 * The remnant. lock protects what changes. References: the tables (one), an
 * armed timer, lookups.
 */
struct toytcp_tw {
	struct toytcp_flow flow;
	struct toytcp_port_user port_user;
	refcount_t ref;
	spinlock_t lock;		/* the fields below, and dead */
	u8 state;			/* TCP_TIME_WAIT, or TCP_FIN_WAIT2 of an orphan */
	u8 tos;				/* for its ACKs */
	u8 rcv_wscale:4,
	   ts_ok:1,
	   dead:1;			/* out of the tables */
	u32 snd_nxt;			/* after our FIN */
	u32 rcv_nxt;			/* after the peer's FIN */
	u32 rcv_wnd;			/* bytes */
	u32 ts_recent;
	u32 ts_recent_s;		/* seconds */
	u32 ts_offset;
	u32 mark;			/* SO_MARK of the socket */
	u32 priority;			/* and its SO_PRIORITY */
	int dif;			/* bound device, 0: none */
	u64 last_oow_us;		/* rate limit of ACKs to out-of-window segments */
	union {
		struct toytcp_timer timer; /* the 2 MSL; while referenced */
		struct rcu_head rcu;
	};
};

int toytcp_timewait_init(void);
void toytcp_timewait_exit(void);
void toytcp_timewait_enter(struct sock *sk);
bool toytcp_timewait_rcv(struct toytcp_tw *tw, struct toytcp_seg *seg,
			 bool can_open);
bool toytcp_timewait_succeed(struct sock *sk);
void toytcp_timewait_purge(struct net *net);
void toytcp_timewait_free(struct toytcp_tw *tw);

#endif /* _TOYTCP_TIMEWAIT_H */
