/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Window arithmetic: what is acceptable, what to advertise, what may be sent
 * (RFC 9293 sections 3.8.6 and 3.10.7.4, RFC 7323 section 2, RFC 1122 4.2.3.4).
 *
 * Layer 0. No locks; every function is values in, value out.
 */
#ifndef _TOYTCP_WINDOW_H
#define _TOYTCP_WINDOW_H

#include <linux/types.h>

/* Inputs of toytcp_window_select(); all in bytes */
struct toytcp_window_in {
	u32 space;		/* free receive buffer that payload may fill now */
	u32 full_space;		/* the receive buffer's payload capacity */
	u32 mss;		/* estimate of the peer's segment size, > 0 */
	u32 cur_wnd;		/* what remains of the window advertised last */
	u8 wscale;		/* our shift count in force, 0..14 */
};

/* What the sender should do with the segment at the head of its queue */
enum toytcp_send_verdict {
	TOYTCP_SEND_NOW,	/* send it */
	TOYTCP_SEND_NAGLE,	/* hold: small, and data is in flight (RFC 1122 4.2.3.4) */
	TOYTCP_SEND_CORK,	/* hold: the user said more follows */
	TOYTCP_SEND_WINDOW,	/* hold: the peer's window is closed or too small (SWS) */
};

/* Inputs of toytcp_window_may_send(); all lengths in bytes */
struct toytcp_send_in {
	u32 len;		/* unsent bytes of data that could go, FIN not counted */
	u32 mss;		/* current effective send MSS, > 0 */
	u32 usable;		/* snd_una + snd_wnd - snd_nxt, 0 if negative */
	u32 max_snd_wnd;	/* largest window the peer ever offered */
	u32 in_flight;		/* snd_nxt - snd_una */
	bool fin;		/* a FIN follows the last byte: nothing can be added */
	bool last;		/* these len bytes are all that is queued */
	bool nodelay;		/* TCP_NODELAY */
	bool cork;		/* TCP_CORK or MSG_MORE pending */
};

/* Inputs of toytcp_window_defer() */
struct toytcp_defer_in {
	u32 len;		/* bytes in the buffer at the head of the queue */
	u32 limit;		/* of any buffer, bytes that both windows let go now */
	u32 goal;		/* bytes of a full buffer */
	u32 window;		/* the smaller of both windows, bytes */
	u64 head_age_us;	/* since the oldest unacknowledged was sent */
	u64 idle_us;		/* since anything was sent */
	u32 srtt_us;
	bool growing;		/* the last of the queue: data may be added to it */
};

u8 toytcp_window_scale(u32 space);
bool toytcp_window_acceptable(u32 rcv_nxt, u32 rcv_wnd, u32 seq, u32 seg_len);
bool toytcp_window_touches(u32 rcv_nxt, u32 rcv_wnd, u32 seq, u32 seg_len);
bool toytcp_window_update_ok(u32 snd_wl1, u32 snd_wl2, u32 snd_wnd,
			     u32 seg_seq, u32 seg_ack, u32 seg_wnd);
u32 toytcp_window_select(const struct toytcp_window_in *in);
enum toytcp_send_verdict toytcp_window_may_send(const struct toytcp_send_in *in);
bool toytcp_window_defer(const struct toytcp_defer_in *in);

#endif /* _TOYTCP_WINDOW_H */
