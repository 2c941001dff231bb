/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/string.h. */
#ifndef _TOYTCP_USER_STRING_H
#define _TOYTCP_USER_STRING_H

#include <linux/types.h>
#include <string.h>

static inline ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (len == size)
		len = size - 1;
	memcpy(dst, src, len);
	dst[len] = 0;
	return len;
}

#endif /* _TOYTCP_USER_STRING_H */
