/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/rcupdate.h: there is one thread. */
#ifndef _TOYTCP_USER_RCUPDATE_H
#define _TOYTCP_USER_RCUPDATE_H

static inline void rcu_read_lock(void) { }
static inline void rcu_read_unlock(void) { }
static inline void synchronize_rcu(void) { }

#endif /* _TOYTCP_USER_RCUPDATE_H */
