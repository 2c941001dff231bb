/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/math.h. */
#ifndef _TOYTCP_USER_MATH_H
#define _TOYTCP_USER_MATH_H

#define __round_mask(x, y)	((typeof(x))((y) - 1))
#define round_up(x, y)		((((x) - 1) | __round_mask(x, y)) + 1)
#define round_down(x, y)	((x) & ~__round_mask(x, y))

#include <stdlib.h>

#undef abs
#define abs(x) ({							\
	typeof(x) __abs_x = (x);					\
	__abs_x < 0 ? -__abs_x : __abs_x;				\
})

#endif /* _TOYTCP_USER_MATH_H */
