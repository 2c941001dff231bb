/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/kernel.h. */
#ifndef _TOYTCP_USER_KERNEL_H
#define _TOYTCP_USER_KERNEL_H

#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* _TOYTCP_USER_KERNEL_H */
