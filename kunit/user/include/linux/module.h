/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/module.h: references, counted. */
#ifndef _TOYTCP_USER_MODULE_H
#define _TOYTCP_USER_MODULE_H

#include <assert.h>
#include <linux/types.h>

enum module_state {
	MODULE_STATE_LIVE,
	MODULE_STATE_COMING,
	MODULE_STATE_GOING,
};

struct module {
	enum module_state state;
	int refcnt;
};

extern struct module __this_module;

#define THIS_MODULE	(&__this_module)

static inline bool try_module_get(struct module *m)
{
	if (!m)
		return true;
	if (m->state == MODULE_STATE_GOING)
		return false;
	m->refcnt++;
	return true;
}

static inline void module_put(struct module *m)
{
	if (!m)
		return;
	assert(m->refcnt > 0);
	m->refcnt--;
}

static inline int module_refcount(struct module *m)
{
	return m->refcnt;
}

#endif /* _TOYTCP_USER_MODULE_H */
