/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User-space stand-in for the kernel's linux/random.h. TOYTCP_SEED in the
 * environment fixes what it returns, so that a failure can be had again.
 */
#ifndef _TOYTCP_USER_RANDOM_H
#define _TOYTCP_USER_RANDOM_H

#include <linux/types.h>

u64 get_random_u64(void);

#endif /* _TOYTCP_USER_RANDOM_H */
