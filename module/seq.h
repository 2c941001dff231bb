/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequence numbers: the modulo-2^32 circle of RFC 9293 section 3.4.
 *
 * Layer 0. No locks. Every comparison of two sequence numbers (and of two
 * timestamp option values, RFC 7323 section 5.2) in the module goes through
 * these functions; a bare < on a sequence number is a bug.
 *
 * The comparisons are defined while the two numbers are less than 2^31
 * apart; exactly 2^31 apart, a is before b and b is before a, as in the
 * RFC's own arithmetic.
 */
#ifndef _TOYTCP_SEQ_H
#define _TOYTCP_SEQ_H

#include <linux/types.h>

/* a < b on the circle */
static inline bool seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

/* a > b on the circle */
static inline bool seq_after(u32 a, u32 b)
{
	return seq_before(b, a);
}

/* a <= b on the circle */
static inline bool seq_leq(u32 a, u32 b)
{
	return !seq_after(a, b);
}

/* a >= b on the circle */
static inline bool seq_geq(u32 a, u32 b)
{
	return !seq_before(a, b);
}

/* lo <= x <= hi walking upward from lo; valid for any distance hi - lo */
static inline bool seq_between(u32 lo, u32 x, u32 hi)
{
	return hi - lo >= x - lo;
}

/* the later of two sequence numbers */
static inline u32 seq_max(u32 a, u32 b)
{
	return seq_after(a, b) ? a : b;
}

/* the earlier of two sequence numbers */
static inline u32 seq_min(u32 a, u32 b)
{
	return seq_before(a, b) ? a : b;
}

#endif /* _TOYTCP_SEQ_H */
