/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/jhash.h; another hash (FNV-1a). */
#ifndef _TOYTCP_USER_JHASH_H
#define _TOYTCP_USER_JHASH_H

#include <linux/types.h>

static inline u32 jhash(const void *key, u32 length, u32 initval)
{
	const u8 *at = key;
	u32 hash = 0x811c9dc5 ^ initval;

	while (length--)
		hash = (hash ^ *at++) * 0x01000193;
	return hash;
}

#endif /* _TOYTCP_USER_JHASH_H */
