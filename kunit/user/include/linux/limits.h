/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/limits.h. */
#ifndef _TOYTCP_USER_LIMITS_H
#define _TOYTCP_USER_LIMITS_H

#include <linux/types.h>

#define U8_MAX	((u8)~0U)
#define U16_MAX	((u16)~0U)
#define U32_MAX	((u32)~0U)
#define S32_MAX	((s32)(U32_MAX >> 1))
#define U64_MAX	((u64)~0ULL)

#endif /* _TOYTCP_USER_LIMITS_H */
