/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HyStart++: leave slow start when round trips grow (RFC 9406).
 *
 * Layer 0. No clock, no socket; the owner's socket lock protects the struct.
 */
#ifndef _TOYTCP_HYSTART_H
#define _TOYTCP_HYSTART_H

#include <linux/types.h>

/* One connection's. Round trips in microseconds; U32_MAX: no sample yet. */
struct toytcp_hystart {
	u32 window_end;		/* snd_nxt when the round began; acked: it is over */
	u32 last_min_us;	/* least RTT of the round before */
	u32 min_us;		/* least RTT of this round */
	u32 baseline_min_us;	/* the RTT that led to CSS */
	u32 growth_cnt;		/* CSS: segments acked towards the next of growth */
	u8 samples;		/* of this round, up to TOYTCP_HYSTART_SAMPLES */
	u8 css_rounds;		/* rounds spent in CSS; 0: in slow start */
	bool started;		/* a round has begun */
};

#define TOYTCP_HYSTART_SAMPLES	8	/* N_RTT_SAMPLE */
#define TOYTCP_HYSTART_CSS_GROWTH 4	/* CSS_GROWTH_DIVISOR */
#define TOYTCP_HYSTART_CSS_ROUNDS 5	/* CSS_ROUNDS */

void toytcp_hystart_init(struct toytcp_hystart *h);
bool toytcp_hystart_acked(struct toytcp_hystart *h, u32 snd_una, u32 snd_nxt,
			  u32 rtt_us);
u32 toytcp_hystart_growth(struct toytcp_hystart *h, u32 acked_segs);

#endif /* _TOYTCP_HYSTART_H */
