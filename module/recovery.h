/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loss recovery among its own files: recovery.c (what to do about losses),
 * scoreboard.c (what is where), rack.c (what is lost), rate.c (how fast it
 * arrives). Engine (layer 1).
 */
#ifndef _TOYTCP_RECOVERY_H
#define _TOYTCP_RECOVERY_H

#include "sock.h"

/* The latest sent of what an ACK says to have arrived (rate.c) */
struct toytcp_rate_sample {
	u64 xmit_us;		/* when it was sent */
	u32 end_seq;		/* its end */
	u32 prior_delivered;	/* ts->delivered then */
	u32 prior_us;		/* when that had grown last; low bits of the clock */
	u32 snd_us;		/* how long the transmissions of the sample took */
	bool valid;		/* there is one */
	bool app_limited;	/* sent when the program had left a gap */
	bool retrans;		/* it was sent more than once */
};

/* What one ACK brought */
struct toytcp_ack {
	struct toytcp_rate_sample rs;
	struct toytcp_cong_rate rate; /* the sample that it makes */
	u64 now_us;
	u32 prior_una;		/* snd_una before it */
	u32 prior_fack;		/* ts->fack before it */
	u32 prior_in_flight;	/* in_flight before it, segments */
	u32 prior_lost;		/* ts->lost_total before it */
	u32 acked_segs;		/* segments cumulatively acknowledged */
	u32 delivered_segs;	/* segments that left the network, SACK counted */
	u32 rtt_us;		/* sample; 0: none */
	u32 tsecr;		/* echo of the segment that snd_una moved by; 0: none */
	bool ece;		/* it carries ECN-Echo (RFC 3168) */
	bool advanced;		/* snd_una moved */
	bool brings_data;	/* and data, which memory will be asked for next */
	bool sacked;		/* a block told something new */
	bool dupack;		/* RFC 5681 section 2, without SACK */
	bool orig;		/* what was never sent again arrived, of before recover */
	bool dsack;		/* it reports a duplicate (RFC 2883) */
	bool dsack_tlp;		/* and that is the loss probe */
	bool delayed;		/* one small segment is all: the peer may have waited */
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

/* rate.c */
void toytcp_rate_delivered(struct toytcp_sock *ts, struct toytcp_skb_cb *cb,
			   struct toytcp_ack *ack);
void toytcp_rate_sample(struct toytcp_sock *ts, const struct toytcp_ack *ack,
			struct toytcp_cong_rate *rate);
void toytcp_rate_min_rtt(struct toytcp_sock *ts, u32 rtt_us, bool delayed,
			 u64 now_us);

/* rack.c */
void toytcp_rack_delivered(struct toytcp_sock *ts, const struct toytcp_skb_cb *cb,
			   const struct toytcp_ack *ack);
u64 toytcp_rack_detect(struct toytcp_sock *ts, bool timed_out);
s64 toytcp_rack_remaining_us(const struct toytcp_sock *ts,
			     const struct toytcp_skb_cb *cb, u32 reo_wnd_us,
			     u64 now_us);
void toytcp_rack_adapt(struct toytcp_sock *ts, const struct toytcp_ack *ack);
void toytcp_rack_recovered(struct toytcp_sock *ts);
bool toytcp_rack_tlp_acked(struct toytcp_sock *ts, const struct toytcp_ack *ack,
			   bool window_changed);

#endif /* _TOYTCP_RECOVERY_H */
