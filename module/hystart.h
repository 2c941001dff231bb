/* SPDX-License-Identifier: GPL-2.0 */
/*
 * HyStart++: leave slow start when round trips grow, or ACKs come in a train (RFC 9406).
 *
 * Layer 0. No clock, no socket; the owner's socket lock protects the struct.
 */
#ifndef _TOYTCP_HYSTART_H
#define _TOYTCP_HYSTART_H

#include <linux/types.h>

struct toytcp_cong_ack;

/* One connection's. Round trips in microseconds; U32_MAX: no sample yet. */
struct toytcp_hystart {
	u64 round_us;		/* when the round began, the engine's clock */
	u64 train_us;		/* the latest ACK of the train it began with */
	u32 window_end;		/* snd_nxt when the round began; more acked: it is over */
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
bool toytcp_hystart_acked(struct toytcp_hystart *h,
			  const struct toytcp_cong_ack *ack, u32 cwnd_segs);
u32 toytcp_hystart_growth(struct toytcp_hystart *h, u32 acked_segs);

#endif /* _TOYTCP_HYSTART_H */
