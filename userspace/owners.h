/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which process holds a socket: /proc/PID/fd seen from the inode's side.
 */
#ifndef TOYTCP_OWNERS_H
#define TOYTCP_OWNERS_H

#include <stdbool.h>
#include <stddef.h>

struct owner {
	unsigned long inode;
	long pid;
	char program[32];	/* printable, ends with NUL, may be cut */
};

struct owners {
	struct owner *list;	/* by inode, then by pid */
	size_t count;
	bool incomplete;	/* some processes' files could not be seen */
};

int owners_load(struct owners *owners);
const struct owner *owners_lookup(const struct owners *owners,
				  unsigned long inode);
void owners_free(struct owners *owners);

#endif /* TOYTCP_OWNERS_H */
