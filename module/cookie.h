/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SYN cookies: a connection request that the peer keeps for us.
 *
 * Engine (layer 1). RFC 4987 section 3.6.
 */
#ifndef _TOYTCP_COOKIE_H
#define _TOYTCP_COOKIE_H

#include <linux/types.h>

#include "flow.h"

#define TOYTCP_COOKIE_PERIOD_US	60000000ull	/* tick of the cookies' clock */
#define TOYTCP_COOKIE_AGE_MAX	2		/* ticks; an older cookie is refused */
#define TOYTCP_COOKIE_VALID_S	(TOYTCP_COOKIE_AGE_MAX * TOYTCP_COOKIE_PERIOD_US / 1000000)

/* What a timestamp remembers of a SYN's options */
struct toytcp_cookie_opts {
	bool sack_ok;		/* SACK-permitted */
	bool ecn_ok;		/* ECN was asked for and agreed to */
	bool wscale_ok;		/* window scale */
	u8 wscale;		/* its shift count, 0..14 */
};

u32 toytcp_cookie_make(const struct toytcp_flow_key *key, u32 irs, u16 mss,
		       u64 now_us);
u16 toytcp_cookie_check(const struct toytcp_flow_key *key, u32 irs, u32 cookie,
			u64 now_us);
u32 toytcp_cookie_ts_make(const struct toytcp_cookie_opts *opts, u64 now_us);
void toytcp_cookie_ts_read(u32 ts, struct toytcp_cookie_opts *opts);

#endif /* _TOYTCP_COOKIE_H */
