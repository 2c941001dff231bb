/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/math64.h. */
#ifndef _TOYTCP_USER_MATH64_H
#define _TOYTCP_USER_MATH64_H

#include <linux/types.h>

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 divisor)
{
	return (unsigned __int128)a * mul / divisor;
}

static inline u64 mul_u64_u64_shr(u64 a, u64 mul, unsigned int shift)
{
	return (unsigned __int128)a * mul >> shift;
}

#endif /* _TOYTCP_USER_MATH64_H */
