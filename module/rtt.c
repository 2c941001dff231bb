// SPDX-License-Identifier: GPL-2.0
/*
 * The retransmission timeout from measured round trips.
 *
 * Layer 0 (arithmetic): the clock is the caller's, a round trip is an
 * argument. No locks: the socket lock of the struct's owner.
 *
 * RFC 6298 sections 2 (the estimator) and 5 (back-off). Which segments may
 * be measured (Karn's rule, section 3) is for the engine to decide.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "rtt.h"

/**
 * toytcp_rtt_init() - an estimator without a sample
 * @rtt: the estimator
 * @rto_init_us: timeout until the first sample, in microseconds
 * @rto_min_us: floor of the variance term, in microseconds
 * @rto_max_us: the longest timeout, in microseconds; what is more than
 *	TOYTCP_RTO_MAX_US counts as that
 *
 * RFC 6298 (2.1). The initial timeout is cut to @rto_max_us.
 *
 * Context: any; the owner's socket lock, unless nobody else knows @rtt yet.
 */
void toytcp_rtt_init(struct toytcp_rtt *rtt, u32 rto_init_us, u32 rto_min_us,
		     u32 rto_max_us)
{
	memset(rtt, 0, sizeof(*rtt));
	rtt->rto_min_us = rto_min_us;
	rtt->rto_max_us = min(rto_max_us, TOYTCP_RTO_MAX_US);
	rtt->rto_us = min(rto_init_us, rtt->rto_max_us);
	rtt->min_us = U32_MAX;
}

/*
 * RFC 6298 (2.2) and (2.3), with RTO <- SRTT + max(G, K * RTTVAR), K = 4.
 *
 * Where the RFC has the clock's granularity G, this has rto_min_us, as Linux
 * does; and there is no floor of 1 s under the sum, which (2.4) says SHOULD
 * be there. That floor was meant for clocks that tick every 500 ms, and costs
 * a second of silence for a lost last segment on a path of a millisecond.
 * What it protects from is a timeout that fires because the peer delays its
 * ACK or the path jitters: both add to the round trip, so the allowance
 * belongs on top of SRTT. 200 ms there exceeds the delayed-ACK timers in use
 * (Linux: at most 200 ms, usually 40), which a floor of 200 ms under the sum
 * would not on a path of 150 ms with a steady RTT.
 */
static u32 compute_rto_us(const struct toytcp_rtt *rtt)
{
	u32 srtt_us = rtt->srtt_us8 >> 3;
	u32 allowance_us = max(rtt->rto_min_us, rtt->rttvar_us4);

	/* samples, and so SRTT, end at the maximum; the sum could wrap */
	return min(srtt_us + min(allowance_us, TOYTCP_RTO_MAX_US - srtt_us),
		   rtt->rto_max_us);
}

/**
 * toytcp_rtt_sample() - learn from a measured round trip
 * @rtt: the estimator
 * @sample_us: the round trip in microseconds; 0 counts as 1, more than
 *	TOYTCP_RTO_MAX_US as that
 *
 * RFC 6298 (2.2) for the first sample, (2.3) with alpha = 1/8 and beta = 1/4
 * for the others. SRTT is kept times 8 and RTTVAR times 4, so that both
 * filters are shifts; rounding costs SRTT at most 1 us, and 4 * RTTVAR 12 us.
 * The timeout is SRTT + max(@rtt->rto_min_us, 4 * RTTVAR), at most
 * @rtt->rto_max_us; (2.5) wants that to be 60 s at least, Linux lets the
 * program and the administrator have less.
 * A new measurement also ends the back-off (end of section 5).
 *
 * The caller must not offer a round trip of a retransmitted segment unless a
 * timestamp says which transmission was answered (section 3, Karn).
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_rtt_sample(struct toytcp_rtt *rtt, u32 sample_us)
{
	u32 r = clamp(sample_us, 1u, TOYTCP_RTO_MAX_US);

	rtt->last_us = r;
	rtt->min_us = min(rtt->min_us, r);

	if (!rtt->srtt_us8) {
		rtt->srtt_us8 = r << 3;
		rtt->rttvar_us4 = r << 1;
	} else {
		u32 srtt_us = rtt->srtt_us8 >> 3;
		u32 err_us = r > srtt_us ? r - srtt_us : srtt_us - r;

		/* RTTVAR first: it wants the old SRTT */
		rtt->rttvar_us4 = rtt->rttvar_us4 - (rtt->rttvar_us4 >> 2) + err_us;
		rtt->srtt_us8 = rtt->srtt_us8 - srtt_us + r;
	}

	rtt->rto_us = compute_rto_us(rtt);
	toytcp_rtt_backoff_reset(rtt);
}

/**
 * toytcp_rtt_backoff() - the timer expired: double the timeout
 * @rtt: the estimator
 *
 * RFC 6298 (5.5). The count stops at 31, long after the timeout has reached
 * its maximum.
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_rtt_backoff(struct toytcp_rtt *rtt)
{
	if (rtt->backoff < 31)
		rtt->backoff++;
}

/**
 * toytcp_rtt_backoff_reset() - an answer came: undo the doublings
 * @rtt: the estimator
 *
 * For an ACK of new data that gives no sample; toytcp_rtt_sample() does it
 * by itself.
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_rtt_backoff_reset(struct toytcp_rtt *rtt)
{
	rtt->backoff = 0;
}

/**
 * toytcp_rtt_timeout_us() - how long to wait for an ACK now
 * @rtt: the estimator
 *
 * Context: any; the owner's socket lock.
 * Return: microseconds, the timeout with the back-off in force, at most
 * @rtt->rto_max_us.
 */
u32 toytcp_rtt_timeout_us(const struct toytcp_rtt *rtt)
{
	return toytcp_rtt_backed_off_us(rtt->rto_us, rtt->backoff,
					rtt->rto_max_us);
}

/**
 * toytcp_rtt_backed_off_us() - exponential back-off of any timer
 * @base_us: first interval, in microseconds
 * @backoff: doublings; any value
 * @max_us: ceiling, in microseconds
 *
 * For the timers that back off on a count of their own: SYN and SYN-ACK
 * (RFC 6298 (2.1)), zero-window probes (RFC 9293 section 3.8.6.1, SHLD-30).
 *
 * Context: any.
 * Return: @base_us * 2^@backoff or @max_us, whichever is less.
 */
u32 toytcp_rtt_backed_off_us(u32 base_us, unsigned int backoff, u32 max_us)
{
	if (!base_us)
		return 0;
	if (backoff > 31 || base_us > max_us >> backoff)
		return max_us;
	return base_us << backoff;
}
