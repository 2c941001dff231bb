/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP options: parse and emit (RFC 9293 section 3.1 and 3.2, RFC 7323,
 * RFC 2018, RFC 6691, RFC 7413).
 *
 * Layer 0. No locks.
 */
#ifndef _TOYTCP_OPTIONS_H
#define _TOYTCP_OPTIONS_H

#include <linux/types.h>

#define TOYTCP_OPTIONS_MAX	40	/* bytes: 60-byte header less the fixed 20 */
#define TOYTCP_SACKS_MAX	4	/* blocks that fit an option area */
#define TOYTCP_WSCALE_MAX	14	/* RFC 7323 section 2.3 */
#define TOYTCP_FASTOPEN_MIN	4	/* bytes of a Fast Open cookie, RFC 7413 section 2 */
#define TOYTCP_FASTOPEN_MAX	16

/* option kinds, IANA "TCP Option Kind Numbers" */
enum toytcp_opt_kind {
	TOYTCP_OPT_EOL		= 0,
	TOYTCP_OPT_NOP		= 1,
	TOYTCP_OPT_MSS		= 2,
	TOYTCP_OPT_WSCALE	= 3,
	TOYTCP_OPT_SACK_PERM	= 4,
	TOYTCP_OPT_SACK		= 5,
	TOYTCP_OPT_TIMESTAMP	= 8,
	TOYTCP_OPT_UTO		= 28,	/* user timeout, RFC 5482 */
	TOYTCP_OPT_FASTOPEN	= 34,	/* RFC 7413 */
};

/* One SACK block, host order: [start, end) */
struct toytcp_sack_block {
	u32 start;		/* first sequence number of the block */
	u32 end;		/* sequence number after the last */
};

/*
 * What one segment's options say, in host byte order. For emit: what to say.
 * A field is meaningful only if its flag (or count, or non-zero MSS) says so.
 */
struct toytcp_options {
	u16 mss;		/* bytes; 0: no MSS option */
	u8 wscale;		/* shift count, 0..14 (larger values were cut to 14) */
	u8 has_wscale:1,	/* window scale option present */
	   has_ts:1,		/* timestamps option present */
	   sack_perm:1,		/* SACK-permitted present */
	   has_uto:1,		/* user timeout option present */
	   has_fastopen:1,	/* Fast Open cookie, or the wish for one, present */
	   malformed:1;		/* parse: a bad length ended the parse early */
	u8 n_sacks;		/* blocks in sacks[], 0..4 */
	u8 fastopen_len;	/* bytes of fastopen[], even, 4..16; 0: a cookie is asked for */
	u32 tsval;		/* sender's clock, in the sender's own ticks */
	u32 tsecr;		/* echoed clock */
	u32 uto_s;		/* user timeout, seconds, > 0 */
	union {
		struct toytcp_sack_block sacks[TOYTCP_SACKS_MAX]; /* never in a SYN */
		u8 fastopen[TOYTCP_FASTOPEN_MAX]; /* in a SYN only, as on the wire */
	};
};

void toytcp_options_parse(const u8 *opts, unsigned int len, bool syn,
			  struct toytcp_options *out);
unsigned int toytcp_options_len(const struct toytcp_options *o);
unsigned int toytcp_options_emit(const struct toytcp_options *o, u8 *buf);

#endif /* _TOYTCP_OPTIONS_H */
