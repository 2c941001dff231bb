/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/compiler.h: there is one thread. */
#ifndef _TOYTCP_USER_COMPILER_H
#define _TOYTCP_USER_COMPILER_H

#define READ_ONCE(x)	(x)
#define WRITE_ONCE(x, v)	((x) = (v))

#endif /* _TOYTCP_USER_COMPILER_H */
