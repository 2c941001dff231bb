/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User-space stand-in for the kernel's linux/minmax.h. As strict about types
 * as kernel 6.1: mixing them is an error here too.
 */
#ifndef _TOYTCP_USER_MINMAX_H
#define _TOYTCP_USER_MINMAX_H

#define __minmax_pick(x, op, y) ({					\
	typeof(x) __mm_x = (x);						\
	typeof(y) __mm_y = (y);						\
	(void)(&__mm_x == &__mm_y);					\
	__mm_x op __mm_y ? __mm_x : __mm_y;				\
})

#define min(x, y)	__minmax_pick(x, <, y)
#define max(x, y)	__minmax_pick(x, >, y)

#define min3(x, y, z)	min(min(x, y), z)

#define min_t(type, x, y) ({						\
	type __mt_x = (x);						\
	type __mt_y = (y);						\
	__mt_x < __mt_y ? __mt_x : __mt_y;				\
})

#define max_t(type, x, y) ({						\
	type __mt_x = (x);						\
	type __mt_y = (y);						\
	__mt_x > __mt_y ? __mt_x : __mt_y;				\
})

#define clamp_t(type, val, lo, hi)	min_t(type, max_t(type, val, lo), hi)

#define clamp(val, lo, hi) ({						\
	typeof(val) __cl_v = (val);					\
	typeof(lo) __cl_lo = (lo);					\
	typeof(hi) __cl_hi = (hi);					\
	(void)(&__cl_v == &__cl_lo);					\
	(void)(&__cl_v == &__cl_hi);					\
	__cl_v < __cl_lo ? __cl_lo : __cl_v > __cl_hi ? __cl_hi : __cl_v; \
})

#endif /* _TOYTCP_USER_MINMAX_H */
