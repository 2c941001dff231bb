/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/export.h: the linker finds all. */
#ifndef _TOYTCP_USER_EXPORT_H
#define _TOYTCP_USER_EXPORT_H

#define EXPORT_SYMBOL_GPL(symbol)	_Static_assert(1, #symbol)

#endif /* _TOYTCP_USER_EXPORT_H */
