// SPDX-License-Identifier: GPL-2.0
/*
 * HyStart++: leave slow start when round trips grow.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock.
 *
 * RFC 9406 section 4. A round is a window's worth of ACKs. If the least RTT
 * of a round exceeds that of the round before by a threshold, a queue grows:
 * Conservative Slow Start (CSS) grows a quarter as fast for at most five
 * rounds, and then congestion avoidance begins. If in CSS the RTT falls below
 * where it was, the growth was jitter, and slow start goes on. Linux's CUBIC
 * has HyStart instead, which leaves slow start at once; it leaves it too
 * early on jittery paths, which CSS is there to repair. Section 4.3's limit
 * of 8 segments an ACK for senders that do not pace is left out, as Linux
 * has none: ACKs here stand for large buffers (GRO), and it would starve
 * them.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "hystart.h"
#include "seq.h"

#define MIN_RTT_THRESH_US	4000u
#define MAX_RTT_THRESH_US	16000u
#define MIN_RTT_DIVISOR		8

/**
 * toytcp_hystart_init() - before the first ACK
 * @h: overwritten
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_hystart_init(struct toytcp_hystart *h)
{
	memset(h, 0, sizeof(*h));
	h->last_min_us = U32_MAX;
	h->min_us = U32_MAX;
	h->baseline_min_us = U32_MAX;
}

static void round_begin(struct toytcp_hystart *h, u32 snd_nxt)
{
	h->last_min_us = h->min_us;
	h->min_us = U32_MAX;
	h->samples = 0;
	h->window_end = snd_nxt;
	h->started = true;
}

/* section 4.2: has the RTT of this round grown over the last one's? */
static bool rtt_grew(const struct toytcp_hystart *h)
{
	u32 thresh;

	if (h->samples < TOYTCP_HYSTART_SAMPLES || h->min_us == U32_MAX ||
	    h->last_min_us == U32_MAX)
		return false;
	thresh = clamp(h->last_min_us / MIN_RTT_DIVISOR, MIN_RTT_THRESH_US,
		       MAX_RTT_THRESH_US);
	return h->min_us >= h->last_min_us &&
	       h->min_us - h->last_min_us >= thresh;
}

/**
 * toytcp_hystart_acked() - an ACK in slow start
 * @h: the state
 * @snd_una: after the ACK
 * @snd_nxt: after the ACK
 * @rtt_us: its sample, microseconds; 0: none
 *
 * Context: any; the owner's socket lock.
 * Return: true if slow start is over: set ssthresh to cwnd.
 */
bool toytcp_hystart_acked(struct toytcp_hystart *h, u32 snd_una, u32 snd_nxt,
			  u32 rtt_us)
{
	if (!h->started || seq_geq(snd_una, h->window_end)) {
		/* the round in which CSS began counts as its first */
		if (h->css_rounds &&
		    ++h->css_rounds > TOYTCP_HYSTART_CSS_ROUNDS)
			return true;
		round_begin(h, snd_nxt);
	}
	if (rtt_us) {
		h->min_us = min(h->min_us, rtt_us);
		if (h->samples < TOYTCP_HYSTART_SAMPLES)
			h->samples++;
	}
	if (!h->css_rounds) {
		if (rtt_grew(h)) {
			h->baseline_min_us = h->min_us;
			h->css_rounds = 1;
			h->growth_cnt = 0;
		}
	} else if (h->samples >= TOYTCP_HYSTART_SAMPLES &&
		   h->min_us < h->baseline_min_us) {
		/* it was jitter */
		h->baseline_min_us = U32_MAX;
		h->css_rounds = 0;
	}
	return false;
}

/**
 * toytcp_hystart_growth() - how much of what was acked the window may grow by
 * @h: the state
 * @acked_segs: segments newly acknowledged
 *
 * Context: any; the owner's socket lock.
 * Return: segments: all in slow start, a quarter in CSS.
 */
u32 toytcp_hystart_growth(struct toytcp_hystart *h, u32 acked_segs)
{
	u32 grown;

	if (!h->css_rounds)
		return acked_segs;
	h->growth_cnt += min(acked_segs, U32_MAX - h->growth_cnt);
	grown = h->growth_cnt / TOYTCP_HYSTART_CSS_GROWTH;
	h->growth_cnt %= TOYTCP_HYSTART_CSS_GROWTH;
	return grown;
}
