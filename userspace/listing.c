// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the listing of sockets. Takes nothing for granted but the order of
 * the columns: a line that does not parse is counted and left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"

/*
 * Take one number in @base off *@pos, which must start with a digit, be at
 * most @max and be followed by @end. ' ' as @end stands for any blanks or the
 * end of the line.
 */
static bool parse_number(const char **pos, int base, unsigned long max,
			 char end, unsigned long *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char *stop;

	/* strtoul() alone would take a sign, blanks and "0x". */
	if (!**pos || !strchr(digits, **pos))
		return false;
	if ((*pos)[0] == '0' && ((*pos)[1] | 0x20) == 'x')
		return false;
	errno = 0;
	*value = strtoul(*pos, &stop, base);
	if (errno || stop == *pos || *value > max)
		return false;
	if (end == ' ') {
		if (*stop && *stop != ' ' && *stop != '\n')
			return false;
		stop += strspn(stop, " \n");
	} else if (*stop++ != end) {
		return false;
	}
	*pos = stop;
	return true;
}

/**
 * listing_parse_row() - one line of the listing
 * @line: "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000
 *	00000000     0        0 1082 ...", whatever follows the inode is ignored
 * @row: filled in
 *
 * Return: whether the line has that form.
 */
bool listing_parse_row(const char *line, struct listing_row *row)
{
	unsigned long sl, laddr, lport, raddr, rport, state, timer;

	line += strspn(line, " ");
	if (!parse_number(&line, 10, -1UL, ':', &sl))
		return false;
	line += strspn(line, " ");
	/* The kernel prints the address as one number, ports as theirs. */
	if (!parse_number(&line, 16, 0xffffffff, ':', &laddr) ||
	    !parse_number(&line, 16, 0xffff, ' ', &lport) ||
	    !parse_number(&line, 16, 0xffffffff, ':', &raddr) ||
	    !parse_number(&line, 16, 0xffff, ' ', &rport) ||
	    !parse_number(&line, 16, 0xff, ' ', &state) ||
	    !parse_number(&line, 16, -1UL, ':', &row->tx_queue_bytes) ||
	    !parse_number(&line, 16, -1UL, ' ', &row->rx_queue_bytes) ||
	    !parse_number(&line, 16, 0xff, ':', &timer) ||
	    !parse_number(&line, 16, -1UL, ' ', &row->expires_ticks) ||
	    !parse_number(&line, 16, -1UL, ' ', &row->retransmits) ||
	    !parse_number(&line, 10, 0xffffffff, ' ', &row->uid) ||
	    !parse_number(&line, 10, -1UL, ' ', &row->probes) ||
	    !parse_number(&line, 10, -1UL, ' ', &row->inode))
		return false;

	row->local_addr.s_addr = (in_addr_t)laddr;
	row->local_port = (unsigned int)lport;
	row->remote_addr.s_addr = (in_addr_t)raddr;
	row->remote_port = (unsigned int)rport;
	row->state = (unsigned int)state;
	row->timer = (unsigned int)timer;
	return true;
}

static bool append(struct listing *listing, size_t *room,
		   const struct listing_row *row)
{
	struct listing_row *rows;

	if (listing->count == *room) {
		*room = *room ? 2 * *room : 64;
		rows = reallocarray(listing->rows, *room, sizeof(*rows));
		if (!rows)
			return false;
		listing->rows = rows;
	}
	listing->rows[listing->count++] = *row;
	return true;
}

/**
 * listing_read() - read a whole listing
 * @listing: filled in; the caller ends it with listing_free()
 * @path: LISTING_PATH, or another file of that form
 *
 * All rows are read before any is printed, so that slow name lookups do not
 * stretch the moment that the listing shows.
 *
 * Return: 0 or a negative errno.
 */
int listing_read(struct listing *listing, const char *path)
{
	struct listing_row row;
	size_t size = 0, room = 0;
	char *line = NULL;
	int err = 0;
	FILE *file;

	memset(listing, 0, sizeof(*listing));
	file = fopen(path, "re");
	if (!file)
		return -errno;

	errno = 0;
	if (getline(&line, &size, file) > 0) {	/* the header */
		while (getline(&line, &size, file) > 0) {
			if (!listing_parse_row(line, &row)) {
				listing->bogus++;
			} else if (!append(listing, &room, &row)) {
				err = -ENOMEM;
				break;
			}
		}
	}
	if (!err && ferror(file))
		err = errno ? -errno : -EIO;
	free(line);
	fclose(file);
	if (err)
		listing_free(listing);
	return err;
}

/**
 * listing_free() - give the rows back
 * @listing: may be used for listing_read() again
 */
void listing_free(struct listing *listing)
{
	free(listing->rows);
	memset(listing, 0, sizeof(*listing));
}
