// SPDX-License-Identifier: GPL-2.0
/*
 * Reno: the standard congestion control, and what any other is measured by.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock protects the struct
 * toytcp_cong. Needs no private words.
 *
 * RFC 5681 section 3.1. When a loss is a loss, and what is sent while one is
 * repaired, is the engine's recovery.c.
 */
#include <linux/minmax.h>

#include "cong.h"

/*
 * RFC 5681 equation 4: half of what was in flight. Not half of cwnd, which a
 * program that sends little may have left far above what the path was asked
 * to carry; section 3.1 warns of that mistake.
 */
static u32 reno_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	return max(in_flight_segs / 2, 2u);
}

/*
 * RFC 5681 section 3.1. A window that the program did not use has not been
 * tested by the path and does not grow (RFC 7661 section 4.3).
 */
static void reno_cong_avoid(struct toytcp_cong *c,
			    const struct toytcp_cong_ack *ack)
{
	u32 acked = ack->acked_segs;

	if (!ack->cwnd_limited)
		return;
	acked = toytcp_cong_slow_start(c, acked);
	if (acked)
		toytcp_cong_ai(c, c->cwnd_segs, acked);
}

/* registered by main.c; the default of every namespace */
struct toytcp_cong_ops toytcp_cong_reno = {
	.name		= "reno",
	.owner		= NULL, /* part of toytcp itself: its sockets must not pin it */
	.flags		= TOYTCP_CONG_NON_RESTRICTED,
	.ssthresh	= reno_ssthresh,
	.cong_avoid	= reno_cong_avoid,
};
