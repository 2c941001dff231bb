/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/build_bug.h. */
#ifndef _TOYTCP_USER_BUILD_BUG_H
#define _TOYTCP_USER_BUILD_BUG_H

#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), #cond)

#endif /* _TOYTCP_USER_BUILD_BUG_H */
