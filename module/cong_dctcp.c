// SPDX-License-Identifier: GPL-2.0
/*
 * DCTCP: a window that shrinks by how much was marked, not by half for any
 * mark. For networks whose queues mark early and where all senders do so.
 *
 * Layer 0 (arithmetic). Locks: the owner's socket lock protects the struct
 * toytcp_cong.
 *
 * RFC 8257 sections 3.3 to 3.5; what a receiver does (section 3.2) is the
 * engine's ecn.c, for whoever has TOYTCP_CONG_NEEDS_ECN. As Linux it counts
 * segments that arrived, SACKed ones among them, where the RFC counts bytes
 * acknowledged.
 *
 * It is no neighbour for others (section 1), so it is restricted: see
 * cong_net.c. Where a peer has no ECN the connection is Reno's.
 */
#include <linux/build_bug.h>
#include <linux/inet_diag.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "cong.h"
#include "cong_dctcp.h"
#include "seq.h"

#define G_SHIFT	4	/* g = 1/16, section 4.2 */

struct dctcp {
	u32 alpha_q;		/* DCTCP.Alpha, times 2^20 */
	u32 window_end;		/* DCTCP.WindowEnd; valid if begun */
	u32 acked_segs;		/* arrived in this window of observation */
	u32 marked_segs;	/* of those, told by ACKs with ECN-Echo */
	bool begun;
};

static struct dctcp *dctcp_of(struct toytcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct dctcp) > sizeof(c->priv));
	return (struct dctcp *)c->priv;
}

/**
 * toytcp_dctcp_alpha_q() - the next estimate of how much is marked
 * @alpha_q: the one before, times 2^20
 * @marked_segs: segments marked in the window of observation
 * @acked_segs: all segments of it, > 0 and >= @marked_segs
 *
 * RFC 8257 section 3.3, step 6: Alpha * (1 - g) + g * M. With 20 bits behind
 * the point nothing of what a window can tell is lost to rounding.
 *
 * Context: any.
 * Return: the estimate, times 2^20.
 */
u32 toytcp_dctcp_alpha_q(u32 alpha_q, u32 marked_segs, u32 acked_segs)
{
	u64 m_q = div_u64((u64)marked_segs << TOYTCP_DCTCP_SHIFT, acked_segs);

	return alpha_q - (alpha_q >> G_SHIFT) + (u32)(m_q >> G_SHIFT);
}

/* an estimate of 1 at first: the first mark halves the window, as ever */
static void dctcp_init(struct toytcp_cong *c)
{
	struct dctcp *d = dctcp_of(c);

	*d = (struct dctcp){ .alpha_q = TOYTCP_DCTCP_ONE };
}

/* section 3.3, steps 1 to 8: once in a window of data */
static void dctcp_acked(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
	struct dctcp *d = dctcp_of(c);

	d->acked_segs += ack->acked_segs;
	if (ack->ece)
		d->marked_segs += ack->acked_segs;
	if (d->begun && seq_before(ack->snd_una, d->window_end))
		return;
	d->alpha_q = toytcp_dctcp_alpha_q(d->alpha_q, d->marked_segs,
					  d->acked_segs);
	d->acked_segs = 0;
	d->marked_segs = 0;
	d->window_end = ack->snd_nxt;
	d->begun = true;
}

/* section 3.3, step 9: cwnd * (1 - Alpha / 2) */
static u32 dctcp_ece_ssthresh(struct toytcp_cong *c, u32 in_flight_segs,
			      u64 now_us)
{
	u64 less = (u64)c->cwnd_segs * dctcp_of(c)->alpha_q;

	return max(c->cwnd_segs - (u32)(less >> (TOYTCP_DCTCP_SHIFT + 1)), 2u);
}

/* section 3.5: a loss is a loss, by how much the window shrinks as well */
static u32 loss_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	return toytcp_cong_reno.ssthresh(c, in_flight_segs, now_us);
}

/* section 3.4 */
static void grow(struct toytcp_cong *c, const struct toytcp_cong_ack *ack)
{
	toytcp_cong_reno.cong_avoid(c, ack);
}

/* an Alpha of 1 is 1024 there, and bytes are what segments are at present */
static size_t dctcp_info(const struct toytcp_cong *c,
			 const struct toytcp_cong_asked *asked,
			 union tcp_cc_info *info)
{
	const struct dctcp *d = (const struct dctcp *)c->priv;

	info->dctcp = (struct tcp_dctcp_info){};
	if (c->ops == &toytcp_cong_dctcp)
		info->dctcp = (struct tcp_dctcp_info) {
			.dctcp_enabled = 1,
			.dctcp_ce_state = asked->ce,
			.dctcp_alpha = d->alpha_q >> (TOYTCP_DCTCP_SHIFT - 10),
			.dctcp_ab_ecn = asked->mss * d->marked_segs,
			.dctcp_ab_tot = asked->mss * d->acked_segs,
		};
	return sizeof(info->dctcp);
}

/* section 4.1: a peer without ECN; Linux's name for it */
static const struct toytcp_cong_ops dctcp_reno = {
	.name		= "dctcp-reno",
	.owner		= NULL, /* as dctcp's */
	.ssthresh	= loss_ssthresh,
	.cong_avoid	= grow,
	.info		= dctcp_info,
};

/* registered by cong.c */
struct toytcp_cong_ops toytcp_cong_dctcp = {
	.name		= "dctcp",
	.owner		= NULL, /* part of toytcp itself: its sockets must not pin it */
	.flags		= TOYTCP_CONG_NEEDS_ECN,
	.init		= dctcp_init,
	.ssthresh	= loss_ssthresh,
	.ece_ssthresh	= dctcp_ece_ssthresh,
	.cong_avoid	= grow,
	.acked		= dctcp_acked,
	.info		= dctcp_info,
	.without_ecn	= &dctcp_reno,
};
