/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The listing of sockets, as /proc/net/toytcp and /proc/net/tcp give it: one
 * header line, then one socket a line.
 */
#ifndef TOYTCP_LISTING_H
#define TOYTCP_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>

#define LISTING_PATH	"/proc/net/toytcp"

/* What the kernel writes into column "tr". */
enum listing_timer {
	TIMER_OFF = 0,
	TIMER_RETRANSMIT = 1,
	TIMER_KEEPALIVE = 2,
	TIMER_TIME_WAIT = 3,
	TIMER_ZERO_WINDOW = 4,
};

struct listing_row {
	struct in_addr local_addr;	/* network order */
	struct in_addr remote_addr;	/* network order */
	unsigned int local_port;	/* host order; 0: not bound */
	unsigned int remote_port;	/* host order; 0: no peer */
	unsigned int state;		/* TCP_ESTABLISHED, ... */
	unsigned long tx_queue_bytes;
	unsigned long rx_queue_bytes;	/* of a listener: connections */
	unsigned int timer;		/* enum listing_timer */
	unsigned long expires_ticks;	/* from now, in _SC_CLK_TCK */
	unsigned long retransmits;
	unsigned long uid;
	unsigned long probes;		/* column "timeout" */
	unsigned long inode;		/* 0: belongs to no process */
};

struct listing {
	struct listing_row *rows;
	size_t count;
	size_t bogus;			/* lines that were not understood */
};

bool listing_parse_row(const char *line, struct listing_row *row);
int listing_read(struct listing *listing, const char *path);
void listing_free(struct listing *listing);

#endif /* TOYTCP_LISTING_H */
