/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loss recovery among its own files: recovery.c (what to do about losses),
 * scoreboard.c (what is where), rack.c (what is lost). Engine (layer 1).
 */
#ifndef _TOYTCP_RECOVERY_H
#define _TOYTCP_RECOVERY_H

#include "sock.h"

/* What one ACK brought */
struct toytcp_ack {
	u64 now_us;
	u32 prior_una;		/* snd_una before it */
	u32 prior_fack;		/* ts->fack before it */
	u32 prior_in_flight;	/* in_flight before it, segments */
	u32 prior_lost;		/* ts->lost_total before it */
	u32 acked_segs;		/* segments cumulatively acknowledged */
	u32 delivered_segs;	/* segments that left the network, SACK counted */
	u32 rtt_us;		/* sample; 0: none */
	bool ece;		/* it carries ECN-Echo (RFC 3168) */
	bool advanced;		/* snd_una moved */
	bool sacked;		/* a block told something new */
	bool dupack;		/* RFC 5681 section 2, without SACK */
	bool orig;		/* what was never sent again arrived, of before recover */
	bool dsack;		/* it reports a duplicate (RFC 2883) */
	bool dsack_tlp;		/* and that is the loss probe */
	bool reordered;		/* something arrived later than what was sent after it */
};

/* scoreboard.c */
void toytcp_scoreboard_clean(struct sock *sk, struct toytcp_ack *ack);
void toytcp_scoreboard_sacks(struct sock *sk, const struct toytcp_seg *seg,
			     struct toytcp_ack *ack);
void toytcp_scoreboard_lost(struct toytcp_sock *ts, struct sk_buff *skb);
bool toytcp_scoreboard_head_lost(struct sock *sk);
void toytcp_scoreboard_all_lost(struct toytcp_sock *ts, bool spare_recent);
void toytcp_scoreboard_none_lost(struct toytcp_sock *ts);
void toytcp_scoreboard_reneged(struct toytcp_sock *ts);

/* rack.c */
void toytcp_rack_delivered(struct toytcp_sock *ts, const struct toytcp_skb_cb *cb,
			   u64 now_us);
u64 toytcp_rack_detect(struct toytcp_sock *ts, bool timed_out);
s64 toytcp_rack_remaining_us(const struct toytcp_sock *ts,
			     const struct toytcp_skb_cb *cb, u32 reo_wnd_us,
			     u64 now_us);
void toytcp_rack_dsack(struct toytcp_sock *ts);
void toytcp_rack_recovered(struct toytcp_sock *ts);
bool toytcp_rack_tlp_acked(struct toytcp_sock *ts, const struct toytcp_ack *ack,
			   bool window_changed);

#endif /* _TOYTCP_RECOVERY_H */
