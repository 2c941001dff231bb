/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User-space stand-in for the kernel's linux/spinlock.h: there is one thread,
 * so a lock that is taken when it is held, or the reverse, is a bug.
 */
#ifndef _TOYTCP_USER_SPINLOCK_H
#define _TOYTCP_USER_SPINLOCK_H

#include <assert.h>
#include <linux/types.h>

typedef struct {
	bool held;
} spinlock_t;

#define DEFINE_SPINLOCK(name)	spinlock_t name = { false }
#define lockdep_is_held(lock)	((lock)->held)

static inline void spin_lock(spinlock_t *lock)
{
	assert(!lock->held);
	lock->held = true;
}

static inline void spin_unlock(spinlock_t *lock)
{
	assert(lock->held);
	lock->held = false;
}

#endif /* _TOYTCP_USER_SPINLOCK_H */
