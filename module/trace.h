/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what the protocol does, as it does it.
 *
 * Side (layer 2). /sys/kernel/tracing/events/toytcp/. Addresses are network
 * order, sequence numbers as on the wire.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM toytcp

#if !defined(_TOYTCP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TOYTCP_TRACE_H

#include <linux/tracepoint.h>

#include "drop.h"
#include "sock.h"

TRACE_EVENT(toytcp_state,
	TP_PROTO(const struct sock *sk, int from, int to),
	TP_ARGS(sk, from, to),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__array(u8, laddr, 4)
		__array(u8, faddr, 4)
		__field(u16, lport)
		__field(u16, fport)
		__field(int, from)
		__field(int, to)
	),
	TP_fast_assign(
		const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;

		__entry->sk = sk;
		memcpy(__entry->laddr, &key->laddr, 4);
		memcpy(__entry->faddr, &key->faddr, 4);
		__entry->lport = ntohs(key->lport);
		__entry->fport = ntohs(key->fport);
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("sk=%p %pI4:%u %pI4:%u %s -> %s", __entry->sk,
		  __entry->laddr, __entry->lport,
		  __entry->faddr, __entry->fport,
		  toytcp_state_name(__entry->from),
		  toytcp_state_name(__entry->to))
);

/* one segment of a socket, received or sent; flags as in the TCP header */
DECLARE_EVENT_CLASS(toytcp_segment,
	TP_PROTO(const struct sock *sk, u8 flags, u32 seq, u32 len, u32 ack,
		 u32 wnd),
	TP_ARGS(sk, flags, seq, len, ack, wnd),
	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u8, flags)
		__field(u8, state)
		__field(u32, seq)
		__field(u32, len)
		__field(u32, ack)
		__field(u32, wnd)
		__field(u32, snd_una)
		__field(u32, rcv_nxt)
		__field(u32, cwnd)
		__field(u32, srtt_us)
	),
	TP_fast_assign(
		const struct toytcp_sock *ts = toytcp_sk(sk);

		__entry->sk = sk;
		__entry->flags = flags;
		__entry->state = sk->sk_state;
		__entry->seq = seq;
		__entry->len = len;
		__entry->ack = ack;
		__entry->wnd = wnd;
		__entry->snd_una = ts->snd_una;
		__entry->rcv_nxt = ts->rcv_nxt;
		__entry->cwnd = ts->cong.cwnd_segs;
		__entry->srtt_us = ts->rtt.srtt_us8 >> 3;
	),
	TP_printk("sk=%p %s [%s] seq=%u len=%u ack=%u wnd=%u snd_una=%u rcv_nxt=%u cwnd=%u srtt_us=%u",
		  __entry->sk, toytcp_state_name(__entry->state),
		  __print_flags(__entry->flags, "|",
				{ TOYTCP_FIN, "FIN" }, { TOYTCP_SYN, "SYN" },
				{ TOYTCP_RST, "RST" }, { TOYTCP_PSH, "PSH" },
				{ TOYTCP_ACK, "ACK" }, { TOYTCP_URG, "URG" }),
		  __entry->seq, __entry->len, __entry->ack, __entry->wnd,
		  __entry->snd_una, __entry->rcv_nxt, __entry->cwnd,
		  __entry->srtt_us)
);

DEFINE_EVENT(toytcp_segment, toytcp_rcv,
	TP_PROTO(const struct sock *sk, u8 flags, u32 seq, u32 len, u32 ack,
		 u32 wnd),
	TP_ARGS(sk, flags, seq, len, ack, wnd)
);

DEFINE_EVENT(toytcp_segment, toytcp_xmit,
	TP_PROTO(const struct sock *sk, u8 flags, u32 seq, u32 len, u32 ack,
		 u32 wnd),
	TP_ARGS(sk, flags, seq, len, ack, wnd)
);

TRACE_EVENT(toytcp_drop,
	TP_PROTO(const struct sk_buff *skb, int reason),
	TP_ARGS(skb, reason),
	TP_STRUCT__entry(
		__field(const void *, skb)
		__field(u32, len)
		__field(int, reason)
	),
	TP_fast_assign(
		__entry->skb = skb;
		__entry->len = skb->len;
		__entry->reason = reason;
	),
	TP_printk("skb=%p len=%u reason=%s", __entry->skb, __entry->len,
		  toytcp_stats_drop_name(__entry->reason))
);

#endif /* _TOYTCP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
