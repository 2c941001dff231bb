// SPDX-License-Identifier: GPL-2.0
/*
 * Window arithmetic: what is acceptable, what to advertise, what may be sent.
 *
 * Layer 0 (arithmetic): values in, value out. No locks.
 *
 * RFC 9293 sections 3.7.4 (Nagle), 3.8.6 (windows, silly window syndrome)
 * and 3.10.7.4 (acceptability, window update), RFC 1122 sections 4.2.3.3 and
 * 4.2.3.4, RFC 7323 section 2 (scaling).
 */
#include <linux/math.h>
#include <linux/minmax.h>

#include "options.h"
#include "seq.h"
#include "window.h"

#define WINDOW_FIELD_MAX	65535u	/* the header's 16 bits */

/**
 * toytcp_window_scale() - choose our shift count
 * @space: largest receive buffer that the connection may come to have, bytes
 *
 * RFC 7323 section 2.3. The smallest count is the best one: every bit more
 * makes the advertised window coarser.
 *
 * Context: any.
 * Return: the smallest shift with @space <= 65535 << shift, at most 14.
 */
u8 toytcp_window_scale(u32 space)
{
	u8 shift = 0;

	while (shift < TOYTCP_WSCALE_MAX && space > WINDOW_FIELD_MAX << shift)
		shift++;
	return shift;
}

/* lo <= x < lo + len on the circle, for any len */
static bool in_window(u32 lo, u32 len, u32 x)
{
	return x - lo < len;
}

/**
 * toytcp_window_acceptable() - is any of this segment within our window?
 * @rcv_nxt: next sequence number expected
 * @rcv_wnd: receive window in force, bytes
 * @seq: SEG.SEQ
 * @seg_len: SEG.LEN, bytes of data plus one each for SYN and FIN
 *
 * RFC 9293 section 3.10.7.4, table 6: its four cases and nothing else. A
 * segment that starts before the window and ends behind it is not acceptable;
 * a peer that respects the window cannot send one.
 *
 * Context: any.
 * Return: true if acceptable.
 */
bool toytcp_window_acceptable(u32 rcv_nxt, u32 rcv_wnd, u32 seq, u32 seg_len)
{
	if (!seg_len)
		return rcv_wnd ? in_window(rcv_nxt, rcv_wnd, seq) : seq == rcv_nxt;
	return in_window(rcv_nxt, rcv_wnd, seq) ||
	       in_window(rcv_nxt, rcv_wnd, seq + seg_len - 1);
}

/**
 * toytcp_window_touches() - may this segment's ACK field and RST be believed?
 * @rcv_nxt: next sequence number expected
 * @rcv_wnd: receive window in force, bytes
 * @seq: SEG.SEQ
 * @seg_len: SEG.LEN, bytes of data plus one each for SYN and FIN; < 2^31
 *
 * Wider than toytcp_window_acceptable(): true as soon as the segment and the
 * window, both with their right edge included, have a point in common. RFC
 * 9293 section 3.10.7.4 wants "special allowance ... to accept valid ACKs,
 * URGs, and RSTs" when the window is zero, and appendix A.2 warns what
 * happens without it in other cases. The common one: the peer has filled our
 * window, so every pure ACK it sends has SEG.SEQ at the right edge, which is
 * outside of the window if an earlier segment was lost or is still on its
 * way. Without those ACKs two full pipes wait for each other. Linux draws the
 * line at the same place.
 *
 * Context: any.
 * Return: true if the segment deserves more than a duplicate ACK.
 */
bool toytcp_window_touches(u32 rcv_nxt, u32 rcv_wnd, u32 seq, u32 seg_len)
{
	return seq_geq(seq + seg_len, rcv_nxt) && seq_leq(seq, rcv_nxt + rcv_wnd);
}

/**
 * toytcp_window_update_ok() - does this segment bring newer news of the window?
 * @snd_wl1: SEG.SEQ of the last segment that updated the send window
 * @snd_wl2: SEG.ACK of that segment
 * @snd_wnd: send window in force, bytes
 * @seg_seq: SEG.SEQ, acceptable
 * @seg_ack: SEG.ACK, within SND.UNA..SND.NXT
 * @seg_wnd: SEG.WND, scaled, bytes
 *
 * RFC 9293 section 3.10.7.4, fifth step, and Linux where Linux is wiser:
 *
 * - A higher ACK was sent later, whatever its sequence number. The RFC
 *   passes over the window of a retransmission (its SEG.SEQ is old) that
 *   acknowledges something new; SND.UNA would then advance under a window
 *   that stays, and the right edge go where the peer never put it.
 * - With both numbers equal there is no telling which was sent first; the
 *   RFC takes either. A larger window cannot be the older one unless the
 *   peer shrank it, which it should not do (section 3.8.6, SHLD-14), so only
 *   larger counts; and zero, which says stop, and costs a probe if it was
 *   the older one.
 *
 * Context: any.
 * Return: true if the caller should take SND.WND, SND.WL1 and SND.WL2 from
 * the segment.
 */
bool toytcp_window_update_ok(u32 snd_wl1, u32 snd_wl2, u32 snd_wnd,
			     u32 seg_seq, u32 seg_ack, u32 seg_wnd)
{
	if (seq_after(seg_ack, snd_wl2) || seq_after(seg_seq, snd_wl1))
		return true;
	return seg_seq == snd_wl1 && seg_ack == snd_wl2 &&
	       (seg_wnd > snd_wnd || !seg_wnd);
}

/**
 * toytcp_window_select() - the window to advertise now
 * @in: see struct toytcp_window_in
 *
 * Receiver's side of silly window avoidance, RFC 9293 section 3.8.6.2.2 (RFC
 * 1122 section 4.2.3.3): the right edge stays where it is until it can
 * advance by min(MSS, half the buffer). So a window that has run down to zero
 * stays zero while less than that is free.
 *
 * The right edge never moves left (SHLD-14), even where the buffer has become
 * too small for what was promised. What was promised is rounded up to what
 * the shift count can say, and so may creep right by less than 1 << wscale an
 * ACK; RFC 7323 section 2.4 leaves only this or a shrinking window. The
 * caller must therefore be able to refuse data that it has no memory for.
 *
 * What is newly offered is rounded down, because there is no buffer behind
 * the difference; except that a buffer smaller than 1 << wscale is offered as
 * one such unit, or it could never be offered at all.
 *
 * Context: any; the caller keeps the struct from changing.
 * Return: bytes, a multiple of 1 << @in->wscale, at most 65535 << @in->wscale.
 */
u32 toytcp_window_select(const struct toytcp_window_in *in)
{
	u8 wscale = min_t(u8, in->wscale, TOYTCP_WSCALE_MAX);
	u32 unit = 1u << wscale;
	u32 limit = WINDOW_FIELD_MAX << wscale;
	u32 step = max(min(in->mss, in->full_space / 2), 1u);
	u32 cur = min(in->cur_wnd, limit);
	u32 offer = min(in->space & ~(unit - 1), limit);

	if (!offer && in->space >= step)
		offer = unit;
	if (offer > cur && offer - cur >= step)
		return offer;
	return round_up(cur, unit);
}

/*
 * RFC 9293 3.8.6.2.1: a segment that the peer's window, not the queue's end,
 * keeps below an MSS must fill at least half of the largest window seen.
 * Without that a peer whose buffers are smaller than an MSS would get nothing.
 */
static bool silly(const struct toytcp_send_in *in)
{
	return in->usable < min(in->mss, in->max_snd_wnd / 2);
}

/**
 * toytcp_window_may_send() - may the next segment go now?
 * @in: see struct toytcp_send_in; @in->len > 0 or @in->fin
 *
 * The congestion window is not asked here. In this order:
 *
 * - A full-sized segment that fits the window goes (RFC 9293 section
 *   3.8.6.2.1 rule 1), whatever the options say.
 * - Nothing goes into a closed window, a lone FIN included, and nothing that
 *   would be silly: less than an MSS and less than half the peer's largest
 *   window, unless it is all there is to send (rules 2 and 3).
 * - A cork holds the last, small segment, TCP_NODELAY or not, until the
 *   program closes: TCP_CORK and MSG_MORE of Linux. It does not hold one that
 *   the window cut: more data would not make that larger.
 * - Nagle (RFC 1122 section 4.2.3.4, RFC 9293 section 3.7.4) holds a small
 *   segment while anything is in flight. Not with TCP_NODELAY; not one that
 *   waiting would not make larger, because a FIN or more queued data follows
 *   it (the odd end of a buffer in the middle of a queue would otherwise
 *   stop a bulk transfer for a round trip; Linux sends it, too).
 *
 * On TOYTCP_SEND_NOW min(len, usable) bytes may go; the FIN with them if
 * usable has one more to spare. On TOYTCP_SEND_WINDOW with nothing in flight
 * no ACK will come to ask again: rule 4, the override timeout, is the
 * caller's probe timer.
 *
 * Context: any; the caller keeps the struct from changing.
 * Return: the verdict.
 */
enum toytcp_send_verdict toytcp_window_may_send(const struct toytcp_send_in *in)
{
	bool fits = in->len <= in->usable;
	bool last = in->last || !in->len;	/* a lone FIN is last by nature */

	if (!in->usable)
		return TOYTCP_SEND_WINDOW;
	if (min(in->len, in->usable) >= in->mss)
		return TOYTCP_SEND_NOW;
	if (!(fits && last) && silly(in))
		return TOYTCP_SEND_WINDOW;
	if (fits && (!last || in->fin))
		return TOYTCP_SEND_NOW;
	if (fits && in->cork)
		return TOYTCP_SEND_CORK;
	if (in->in_flight && !in->nodelay)
		return TOYTCP_SEND_NAGLE;
	return TOYTCP_SEND_NOW;
}

#define DEFER_SHARE	3	/* part of the window that is worth a buffer, as in Linux */
#define DEFER_IDLE_US	1000	/* who was silent for so long need not save buffers */
#define DEFER_WAIT_US	1000u	/* an ACK that takes longer is not waited for */

/**
 * toytcp_window_defer() - should a buffer of several segments wait to be larger?
 * @in: see struct toytcp_defer_in; something is in flight
 *
 * Each ACK makes room for as much as it acknowledges. If that is sent at once
 * the receiver acknowledges as little again, and buffers that were small once
 * stay small for ever. So it waits for the next ACK, if one is due soon (what
 * the oldest in flight has left of its round trip is neither half of it nor a
 * millisecond) and what could go now is neither a full buffer, nor all that
 * the buffer will ever hold, nor a third of the window. Linux has the same
 * rule. On a slow path it saves nothing, and what grew would wait until it
 * makes a burst, whose end a full queue drops.
 *
 * Context: any.
 * Return: true if it should wait.
 */
bool toytcp_window_defer(const struct toytcp_defer_in *in)
{
	if (in->limit >= in->goal || in->limit >= in->window / DEFER_SHARE ||
	    (!in->growing && in->limit >= in->len))
		return false;
	return in->idle_us < DEFER_IDLE_US &&
	       in->head_age_us + min(in->srtt_us / 2, DEFER_WAIT_US) >= in->srtt_us;
}
