/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much of a socket's data may wait below it, and how fast they go there.
 * Engine (layer 1); see pace.c.
 */
#ifndef _TOYTCP_PACE_H
#define _TOYTCP_PACE_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct toytcp_sock;

bool toytcp_pace_queue_full(struct sock *sk, const struct sk_buff *skb,
			    bool again);
bool toytcp_pace_still_below(struct sock *sk, const struct sk_buff *skb);
void toytcp_pace_freed(struct sock *sk);
void toytcp_pace_resume(struct toytcp_sock *ts);
void toytcp_pace_update_rate(struct sock *sk);
bool toytcp_pace_wait(struct sock *sk);
u64 toytcp_pace_departure(const struct toytcp_sock *ts, u64 now_us);
void toytcp_pace_stamp(const struct toytcp_sock *ts, struct sk_buff *skb);
void toytcp_pace_sent(struct sock *sk, u32 len, u64 now_us);
u64 toytcp_pace_delay_us(const struct sock *sk);
u32 toytcp_pace_burst_segs(const struct sock *sk);
u32 toytcp_pace_gso_segs(const struct sock *sk);

#endif /* _TOYTCP_PACE_H */
