/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The retransmission timeout from measured round trips (RFC 6298).
 *
 * Layer 0. No clock: samples and limits are arguments. The owner's socket
 * lock protects the struct.
 */
#ifndef _TOYTCP_RTT_H
#define _TOYTCP_RTT_H

#include <linux/types.h>

#define TOYTCP_RTO_INIT_US	1000000u	/* RFC 6298 (2.1): 1 s before a sample */
#define TOYTCP_RTO_MIN_US	200000u		/* Linux's; default of net.toytcp.rto_min_us */
#define TOYTCP_RTO_MAX_MS	120000u		/* Linux's; net.toytcp.rto_max_ms says less */
#define TOYTCP_RTO_MAX_US	(TOYTCP_RTO_MAX_MS * 1000)

/* Round-trip estimator. All values in microseconds. */
struct toytcp_rtt {
	u32 srtt_us8;		/* smoothed RTT, times 8; 0: no sample yet */
	u32 rttvar_us4;		/* RTT variation, times 4 */
	u32 rto_us;		/* current timeout without back-off */
	u32 rto_min_us;		/* floor of the variance term, see toytcp_rtt_sample() */
	u32 rto_max_us;		/* no timeout is longer; <= TOYTCP_RTO_MAX_US */
	u32 min_us;		/* smallest sample seen; U32_MAX: none */
	u32 last_us;		/* latest sample; 0: none */
	u8 backoff;		/* doublings in force (Karn), 0..31 */
};

void toytcp_rtt_init(struct toytcp_rtt *rtt, u32 rto_init_us, u32 rto_min_us,
		     u32 rto_max_us);
void toytcp_rtt_sample(struct toytcp_rtt *rtt, u32 sample_us);
void toytcp_rtt_backoff(struct toytcp_rtt *rtt);
void toytcp_rtt_backoff_reset(struct toytcp_rtt *rtt);
u32 toytcp_rtt_timeout_us(const struct toytcp_rtt *rtt);
u32 toytcp_rtt_backed_off_us(u32 base_us, unsigned int backoff, u32 max_us);

#endif /* _TOYTCP_RTT_H */
