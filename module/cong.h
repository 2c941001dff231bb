/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control: the window's state and the table of algorithms.
 *
 * The public header of an algorithm in a module of its own, such as
 * module/examples/toytcp_aimd.c; it needs no other of this project's.
 *
 * Layer 0. An algorithm sees only its own struct toytcp_cong, never a
 * socket; time and flight size are arguments. The owner's socket lock
 * protects a struct toytcp_cong; the table is protected by RCU and a
 * spinlock of its own.
 *
 * An algorithm that nobody has loaded is asked for by the module alias
 * "toytcp-cong-NAME": see MODULE_ALIAS_TOYTCP_CONG().
 */
#ifndef _TOYTCP_CONG_H
#define _TOYTCP_CONG_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/module.h>

#define TOYTCP_CONG_NAME_MAX	16	/* bytes, the final 0 included, as TCP_CA_NAME_MAX */
#define TOYTCP_CONG_PRIV_U64	18	/* private words of an algorithm */
#define TOYTCP_CONG_INIT_CWND	10u	/* segments; RFC 6928 bounds bytes, too, Linux does not */
#define TOYTCP_CONG_SSTHRESH_INF 0x7fffffffu /* segments: "arbitrarily high", RFC 5681 3.1 */

#define TOYTCP_CONG_PACE_SHIFT	24	/* bits behind the point of pace_q */

#define TOYTCP_CONG_ALIAS	"toytcp-cong-"
#define MODULE_ALIAS_TOYTCP_CONG(name)	MODULE_ALIAS(TOYTCP_CONG_ALIAS name)

/* toytcp_cong_ops.flags */
#define TOYTCP_CONG_NON_RESTRICTED	1u	/* anybody may choose it, not CAP_NET_ADMIN only */
#define TOYTCP_CONG_NEEDS_ECN		2u	/* ask for ECN whatever the sysctl says */

struct toytcp_cong_ops;
union tcp_cc_info;

/* Loss recovery, RFC 5681 and 6582; in the order of their gravity */
enum toytcp_recovery_state {
	TOYTCP_OPEN,		/* nothing known to be lost */
	TOYTCP_REDUCING,	/* ECN-Echo, full queue here (CWR), until beyond recover is acked */
	TOYTCP_RECOVERY,	/* fast recovery until recover is acked */
	TOYTCP_LOSS,		/* after a timeout, until recover is acked */
};

/* A connection's congestion state. Windows count full-sized segments. */
struct toytcp_cong {
	const struct toytcp_cong_ops *ops; /* algorithm; set by toytcp_cong_init() */
	u32 cwnd_segs;		/* congestion window, >= 1 */
	u32 cwnd_cnt;		/* segments acked towards the next increase */
	u32 cwnd_clamp_segs;	/* ceiling of cwnd_segs */
	u32 ssthresh_segs;	/* slow start threshold, >= 2 */
	u64 pace_q;		/* segments a microsecond, times 2^24; 0: by window and RTT */
	u8 burst_min_segs;	/* a large buffer has so many at least; 0: min_tso_segs */
	bool app_limited;	/* as if the program limited what is sent (control()) */
	u64 priv[TOYTCP_CONG_PRIV_U64]; /* the algorithm's own, zeroed at init */
};

/*
 * How fast the network delivers: a sample over the time from before the
 * acknowledged segment was sent until now
 * (draft-cheng-iccrg-delivery-rate-estimation)
 */
struct toytcp_cong_rate {
	u32 delivered_segs;	/* segments delivered in that time */
	u32 interval_us;	/* the time; 0: no sample, nothing else is valid */
	u32 prior_delivered;	/* ack.delivered when the segment was sent */
	bool app_limited;	/* the program, not the network, limited it */
	bool retrans;		/* the segment was sent more than once */
};

/* What an algorithm is told of a cumulative or selective acknowledgment */
struct toytcp_cong_ack {
	struct toytcp_cong_rate rate;
	u32 delivered;		/* segments delivered since the connection began, mod 2^32 */
	u32 min_rtt_us;		/* least RTT of the last minutes; U32_MAX: none */
	u32 acked_segs;		/* segments newly delivered by this ACK, > 0 but for control() */
	u32 in_flight_segs;	/* outstanding before this ACK */
	u32 rtt_us;		/* RTT sample of this ACK; 0: none */
	u32 snd_una;		/* sequence numbers, after this ACK */
	u32 snd_nxt;
	u64 now_us;		/* the engine's clock */
	u64 pace_rate;		/* bytes a second, paced or not; 0: none yet */
	bool paced;		/* segments leave at that rate, not at once */
	bool cwnd_limited;	/* the window, not the program, held the sender back (RFC 7661) */
	bool ece;		/* it carried ECN-Echo (RFC 3168, RFC 8257) */
	/* the rest is for control() alone */
	u32 left_segs;		/* outstanding after this ACK */
	u32 newly_lost_segs;	/* found to be lost by this ACK */
	u32 lost_segs;		/* so found since the connection began, mod 2^32 */
	u32 srtt_us;		/* smoothed RTT; 0: none */
	u32 pace_wait_us;	/* what is sent next leaves so much later */
	u32 burst_segs;		/* segments of a large buffer at the pace of now */
	u32 mss;		/* bytes of a full-sized segment */
	u8 state;		/* enum toytcp_recovery_state */
	bool delayed;		/* the peer may have delayed it */
};

/* What the engine adds to an algorithm's answer to TCP_CC_INFO */
struct toytcp_cong_asked {
	u32 mss;		/* bytes of a full-sized segment */
	u32 min_rtt_us;		/* least RTT seen; U32_MAX: none */
	bool ce;		/* the latest of what arrived was marked (RFC 8257 3.2) */
};

/* An algorithm. All calls: owner's socket lock held, softirq context possible. */
struct toytcp_cong_ops {
	const char *name;	/* as in TCP_CONGESTION */
	struct module *owner;
	u32 flags;		/* TOYTCP_CONG_* */
	struct list_head list;	/* the table's */
	u32 key;		/* the table's: how a route calls it (congctl) */
	/* optional; a connection calls it more than once: priv is all there is to keep */
	void (*init)(struct toytcp_cong *c);
	/* new ssthresh_segs after a loss event; in_flight before it */
	u32 (*ssthresh)(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us);
	/* optional: the same where an ECN-Echo is the reason, not a loss */
	u32 (*ece_ssthresh)(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us);
	/* grow cwnd_segs on an ACK outside recovery */
	void (*cong_avoid)(struct toytcp_cong *c, const struct toytcp_cong_ack *ack);
	/*
	 * or, in its place, decide all: cwnd_segs and pace_q, on each ACK, after
	 * the engine has looked for losses, and on a timeout, with acked_segs 0
	 * and a window of what is outstanding and one more. Nobody else then
	 * touches the window: no PRR, no validation, no restart after idle.
	 */
	void (*control)(struct toytcp_cong *c, const struct toytcp_cong_ack *ack);
	/* optional: every ACK that delivers something, recovery or not; before cong_avoid */
	void (*acked)(struct toytcp_cong *c, const struct toytcp_cong_ack *ack);
	void (*rto)(struct toytcp_cong *c, u64 now_us);	/* optional: a timeout set cwnd to 1 */
	/* optional: a loss event was none; cwnd and ssthresh are what they were before */
	void (*undo)(struct toytcp_cong *c, u64 now_us);
	/* optional: sending begins again after @idle_us of silence */
	void (*restart)(struct toytcp_cong *c, u64 idle_us);
	/* optional: it begins with nothing outstanding, for the program had no more */
	void (*sends)(struct toytcp_cong *c, u64 now_us);
	/* optional: TCP_CC_INFO; bytes of @info that are filled */
	size_t (*info)(const struct toytcp_cong *c,
		       const struct toytcp_cong_asked *asked,
		       union tcp_cc_info *info);
	u8 sndbuf_windows;	/* the send buffer follows so many times the window; 0: 2 */
	/* optional, of the same owner: what takes its place where there is no ECN */
	const struct toytcp_cong_ops *without_ecn;
};

extern struct toytcp_cong_ops toytcp_cong_reno;
extern struct toytcp_cong_ops toytcp_cong_cubic;
extern struct toytcp_cong_ops toytcp_cong_dctcp;
extern struct toytcp_cong_ops toytcp_cong_bbr;

int toytcp_cong_register(struct toytcp_cong_ops *ops);
void toytcp_cong_unregister(struct toytcp_cong_ops *ops);
struct toytcp_cong_ops *toytcp_cong_find_get(const char *name);
struct toytcp_cong_ops *toytcp_cong_find_key_get(u32 key);
void toytcp_cong_put(const struct toytcp_cong_ops *ops);
int toytcp_cong_allow(const char *names);
size_t toytcp_cong_names(char *buf, size_t size, bool unrestricted_only);
int toytcp_cong_builtin_init(void);
void toytcp_cong_builtin_exit(void);
void toytcp_cong_init(struct toytcp_cong *c, const struct toytcp_cong_ops *ops,
		      u32 init_cwnd_segs);
void toytcp_cong_switch(struct toytcp_cong *c,
			const struct toytcp_cong_ops *ops);
u32 toytcp_cong_slow_start(struct toytcp_cong *c, u32 acked_segs);
void toytcp_cong_ai(struct toytcp_cong *c, u32 every_segs, u32 acked_segs);
void toytcp_cong_grow(struct toytcp_cong *c, u32 segs);

static inline bool toytcp_cong_in_slow_start(const struct toytcp_cong *c)
{
	return c->cwnd_segs < c->ssthresh_segs;
}

#endif /* _TOYTCP_CONG_H */
