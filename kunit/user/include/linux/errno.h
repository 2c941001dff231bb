/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/errno.h; libc includes it too. */
#include <asm/errno.h>
