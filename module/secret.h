/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keys of all hashes that a peer must not foretell.
 *
 * Engine (layer 1). Locks: none; the keys are written once, before anything reads.
 */
#ifndef _TOYTCP_SECRET_H
#define _TOYTCP_SECRET_H

#include <linux/cache.h>
#include <linux/siphash.h>
#include <linux/types.h>

#define TOYTCP_PORT_COUNTERS 4096

struct toytcp_secret {
	siphash_aligned_key_t isn;	/* RFC 6528; the timestamps' offset */
	hsiphash_key_t flow;		/* the table of connections */
	siphash_aligned_key_t port;	/* RFC 6056 */
	siphash_aligned_key_t cookie[2];
	/* counted up by port.c from where they begin: away from what is only read */
	u32 port_counters[TOYTCP_PORT_COUNTERS] ____cacheline_aligned;
};

extern struct toytcp_secret toytcp_secret;

int toytcp_secret_init(void);

#endif /* _TOYTCP_SECRET_H */
