/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/sched.h. */
#ifndef _TOYTCP_USER_SCHED_H
#define _TOYTCP_USER_SCHED_H

static inline void cond_resched(void) { }

#endif /* _TOYTCP_USER_SCHED_H */
