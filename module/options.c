// SPDX-License-Identifier: GPL-2.0
/*
 * TCP options: from the bytes of a header to struct toytcp_options and back.
 *
 * Layer 0 (arithmetic): no socket, no clock, no allocation. No locks: the
 * caller owns both the bytes and the struct.
 *
 * RFC 9293 sections 3.1 and 3.2 (the list, EOL, NOP, MSS), RFC 7323 sections
 * 2.2 and 3.2 (window scale, timestamps), RFC 2018 sections 2 and 3 (SACK),
 * RFC 5482 section 2 (user timeout), RFC 7413 section 4.1.1 (Fast Open).
 *
 * The parser reads bytes that anybody on the network may have written. It
 * follows what the kernel's own TCP accepts, so that whatever talks to Linux
 * today talks to us.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "options.h"

/* option lengths on the wire, in bytes, kind and length included */
#define LEN_MSS		4
#define LEN_WSCALE	3
#define LEN_SACK_PERM	2
#define LEN_SACK_BASE	2	/* plus LEN_SACK_BLOCK for each block */
#define LEN_SACK_BLOCK	8
#define LEN_TIMESTAMP	10
#define LEN_UTO		4
#define LEN_FASTOPEN	2	/* plus the cookie */

/* the same with the NOPs that we emit to keep every option 32-bit aligned */
#define ROOM_MSS	4
#define ROOM_WSCALE	4
#define ROOM_SACK_PERM	4
#define ROOM_SACK_BASE	4
#define ROOM_TIMESTAMP	12
#define ROOM_UTO	4

/* RFC 5482 section 2: a bit that says minutes, and fifteen bits of time */
#define UTO_MINUTES	0x8000u
#define UTO_TIME	0x7fffu

/*
 * Options start at any address within the segment, and the header that holds
 * the kernel's get_unaligned_be32() moved between the kernels we build for.
 * Compilers turn these into a single load or store with a byte swap.
 */
static u16 load_be16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 load_be32(const u8 *p)
{
	return (u32)load_be16(p) << 16 | load_be16(p + 2);
}

static u8 *store_be32(u8 *p, u32 v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
	return p + 4;
}

/* one 32-bit word of an option area, in the order of the wire */
static u8 *store_word(u8 *p, u8 a, u8 b, u8 c, u8 d)
{
	p[0] = a;
	p[1] = b;
	p[2] = c;
	p[3] = d;
	return p + 4;
}

static void parse_timestamp(const u8 *body, struct toytcp_options *out)
{
	out->has_ts = 1;
	out->tsval = load_be32(body);
	out->tsecr = load_be32(body + 4);
}

static void parse_uto(const u8 *body, struct toytcp_options *out)
{
	u16 field = load_be16(body);

	/* zero is not to be sent, and means nothing */
	if (!(field & UTO_TIME))
		return;
	out->has_uto = 1;
	out->uto_s = (field & UTO_TIME) * (field & UTO_MINUTES ? 60 : 1);
}

static void parse_sack(const u8 *body, unsigned int body_len,
		       struct toytcp_options *out)
{
	unsigned int n = body_len / LEN_SACK_BLOCK;
	unsigned int i;

	/* 4 blocks are all that a real header can hold; len may be a lie */
	if (!n || body_len % LEN_SACK_BLOCK || n > TOYTCP_SACKS_MAX)
		return;
	/* a second SACK option replaces the first one whole */
	memset(out->sacks, 0, sizeof(out->sacks));
	for (i = 0; i < n; i++, body += LEN_SACK_BLOCK) {
		out->sacks[i].start = load_be32(body);
		out->sacks[i].end = load_be32(body + 4);
	}
	out->n_sacks = n;
}

/* as Linux: an odd length is ignored, another wrong one counts as no option */
static void parse_fastopen(const u8 *cookie, unsigned int len,
			   struct toytcp_options *out)
{
	if (len & 1)
		return;
	out->has_fastopen = !len || (len >= TOYTCP_FASTOPEN_MIN &&
				     len <= TOYTCP_FASTOPEN_MAX);
	out->fastopen_len = out->has_fastopen ? len : 0;
	memset(out->fastopen, 0, sizeof(out->fastopen));
	memcpy(out->fastopen, cookie, out->fastopen_len);
}

/* options that only a SYN may carry; @len is the option's whole length */
static void parse_syn_option(const u8 *opt, unsigned int len,
			     struct toytcp_options *out)
{
	switch (opt[0]) {
	case TOYTCP_OPT_MSS:
		if (len == LEN_MSS && load_be16(opt + 2))
			out->mss = load_be16(opt + 2);
		break;
	case TOYTCP_OPT_WSCALE:
		if (len == LEN_WSCALE) {
			out->has_wscale = 1;
			out->wscale = min_t(u8, opt[2], TOYTCP_WSCALE_MAX);
		}
		break;
	case TOYTCP_OPT_SACK_PERM:
		if (len == LEN_SACK_PERM)
			out->sack_perm = 1;
		break;
	case TOYTCP_OPT_FASTOPEN:
		parse_fastopen(opt + 2, len - LEN_FASTOPEN, out);
		break;
	}
}

/* one option of @len >= 2 bytes, all of them readable */
static void parse_option(const u8 *opt, unsigned int len, bool syn,
			 struct toytcp_options *out)
{
	if (opt[0] == TOYTCP_OPT_TIMESTAMP) {
		if (len == LEN_TIMESTAMP)
			parse_timestamp(opt + 2, out);
	} else if (opt[0] == TOYTCP_OPT_UTO) {
		if (len == LEN_UTO)
			parse_uto(opt + 2, out);
	} else if (syn) {
		parse_syn_option(opt, len, out);
	} else if (opt[0] == TOYTCP_OPT_SACK) {
		parse_sack(opt + 2, len - LEN_SACK_BASE, out);
	}
}

/**
 * toytcp_options_parse() - read a segment's option area
 * @opts: first byte after the fixed header; any alignment
 * @len: bytes in the option area; never a byte more is read
 * @syn: the segment carries SYN
 * @out: result; values in host byte order, and what is not present is 0, but
 *	for SACK blocks and a cookie, whose counts say what is there
 *
 * Unknown options are skipped (RFC 9293 section 3.1, MUST-6), and so is a
 * known one whose length is wrong, an MSS of 0, MSS, window scale,
 * SACK-permitted and Fast Open without SYN, and SACK blocks with SYN. Of an option that
 * occurs twice the last one counts. A shift count above 14 is cut to 14
 * (RFC 7323 section 2.3).
 *
 * A length of 0, of 1, or past the end of the area leaves no way to find the
 * next option: the parse ends there, keeps what came before, and sets
 * @out->malformed. MUST-7 wants no crash, and suggests a reset; Linux keeps
 * the segment, and so should the caller: a reset would let anybody who can
 * guess the ports end the connection.
 *
 * SACK blocks are returned as they came; whether they make sense is for the
 * engine, which knows the sequence space, to say.
 *
 * Context: any.
 */
void toytcp_options_parse(const u8 *opts, unsigned int len, bool syn,
			  struct toytcp_options *out)
{
	/* what nearly every data segment carries, RFC 7323 appendix A */
	if (len == ROOM_TIMESTAMP &&
	    opts[0] == TOYTCP_OPT_NOP && opts[1] == TOYTCP_OPT_NOP &&
	    opts[2] == TOYTCP_OPT_TIMESTAMP && opts[3] == LEN_TIMESTAMP) {
		/* all that can be there without a flag or count */
		memset(out, 0, offsetof(struct toytcp_options, sacks));
		parse_timestamp(opts + 4, out);
		return;
	}

	memset(out, 0, sizeof(*out));

	while (len && *opts != TOYTCP_OPT_EOL) {
		unsigned int opt_len = 1;

		if (*opts != TOYTCP_OPT_NOP) {
			if (len < 2 || opts[1] < 2 || opts[1] > len) {
				out->malformed = 1;
				return;
			}
			opt_len = opts[1];
			parse_option(opts, opt_len, syn, out);
		}
		opts += opt_len;
		len -= opt_len;
	}
}

/* bytes that everything but the SACK blocks takes */
static unsigned int fixed_len(const struct toytcp_options *o)
{
	unsigned int len = 0;

	if (o->mss)
		len += ROOM_MSS;
	if (o->has_ts)
		len += ROOM_TIMESTAMP;
	else if (o->sack_perm)
		len += ROOM_SACK_PERM;
	if (o->has_wscale)
		len += ROOM_WSCALE;
	if (o->has_uto)
		len += ROOM_UTO;
	return len;
}

/* the Fast Open option with its NOPs; 0: there is none, or no room for it */
static unsigned int fastopen_room(const struct toytcp_options *o,
				  unsigned int used)
{
	unsigned int len = (LEN_FASTOPEN + o->fastopen_len + 3) & ~3u;

	return o->has_fastopen && used + len <= TOYTCP_OPTIONS_MAX ? len : 0;
}

/* how many of the SACK blocks fit behind @used bytes, 20 at the most */
static unsigned int sacks_that_fit(const struct toytcp_options *o,
				   unsigned int used)
{
	unsigned int wanted = min_t(unsigned int, o->n_sacks, TOYTCP_SACKS_MAX);
	unsigned int room = TOYTCP_OPTIONS_MAX - ROOM_SACK_BASE - used;

	/* one of a SYN, the other of everything else; and they share their memory */
	return o->has_fastopen ? 0 : min(wanted, room / LEN_SACK_BLOCK);
}

/* what nearly every segment says */
static bool only_timestamps(const struct toytcp_options *o)
{
	return o->has_ts && !o->mss && !o->n_sacks && !o->has_wscale &&
	       !o->sack_perm && !o->has_uto && !o->has_fastopen;
}

static u8 *emit_timestamps(const struct toytcp_options *o, u8 *p)
{
	p = store_word(p, o->sack_perm ? TOYTCP_OPT_SACK_PERM : TOYTCP_OPT_NOP,
		       o->sack_perm ? LEN_SACK_PERM : TOYTCP_OPT_NOP,
		       TOYTCP_OPT_TIMESTAMP, LEN_TIMESTAMP);
	p = store_be32(p, o->tsval);
	return store_be32(p, o->tsecr);
}

/**
 * toytcp_options_len() - the room that toytcp_options_emit() will take
 * @o: what to say
 *
 * Context: any.
 * Return: bytes, a multiple of 4, at most TOYTCP_OPTIONS_MAX.
 */
unsigned int toytcp_options_len(const struct toytcp_options *o)
{
	unsigned int len, n;

	if (only_timestamps(o))
		return ROOM_TIMESTAMP;
	len = fixed_len(o);
	n = sacks_that_fit(o, len);
	if (n)
		len += ROOM_SACK_BASE + n * LEN_SACK_BLOCK;
	return len + fastopen_room(o, len);
}

/* to the second up to nine hours, to the minute (rounded up) beyond */
static u8 *emit_uto(u8 *p, u32 uto_s)
{
	u32 field = uto_s;

	if (field > UTO_TIME)
		field = UTO_MINUTES | min(uto_s / 60 + !!(uto_s % 60), UTO_TIME);
	return store_word(p, TOYTCP_OPT_UTO, LEN_UTO, field >> 8, field);
}

static u8 *emit_sacks(const struct toytcp_options *o, unsigned int n, u8 *p)
{
	unsigned int i;

	p = store_word(p, TOYTCP_OPT_NOP, TOYTCP_OPT_NOP, TOYTCP_OPT_SACK,
		       LEN_SACK_BASE + n * LEN_SACK_BLOCK);
	for (i = 0; i < n; i++) {
		p = store_be32(p, o->sacks[i].start);
		p = store_be32(p, o->sacks[i].end);
	}
	return p;
}

/* padded behind, as Linux does */
static u8 *emit_fastopen(const struct toytcp_options *o, unsigned int room,
			 u8 *p)
{
	memset(p, TOYTCP_OPT_NOP, room);
	p[0] = TOYTCP_OPT_FASTOPEN;
	p[1] = LEN_FASTOPEN + o->fastopen_len;
	memcpy(p + 2, o->fastopen, o->fastopen_len);
	return p + room;
}

/**
 * toytcp_options_emit() - write an option area
 * @o: what to say; values in host byte order
 * @buf: room for toytcp_options_len() bytes; any alignment
 *
 * Every field that is present is emitted, whether or not the segment is one
 * that may carry it: that is the caller's to know. SACK blocks come last and
 * as many as fit, so the caller puts the most important first (RFC 2018
 * section 4). A Fast Open cookie that does not fit is left out.
 *
 * Order and padding are those of Linux: MSS; SACK-permitted in the two bytes
 * before the timestamps where a NOP would otherwise be; window scale; SACK or
 * Fast Open.
 * Middleboxes and fingerprints know this layout, and every receiver has its
 * fast path for it. The shift count is cut to 14, as our own parser would.
 *
 * Context: any.
 * Return: bytes written, the value of toytcp_options_len().
 */
unsigned int toytcp_options_emit(const struct toytcp_options *o, u8 *buf)
{
	unsigned int used, n, fastopen;
	u8 *p = buf;

	if (only_timestamps(o))
		return emit_timestamps(o, p) - buf;
	used = fixed_len(o);
	n = sacks_that_fit(o, used);
	fastopen = fastopen_room(o, used);
	if (o->mss)
		p = store_word(p, TOYTCP_OPT_MSS, LEN_MSS, o->mss >> 8, o->mss);
	if (o->has_ts)
		p = emit_timestamps(o, p);
	else if (o->sack_perm)
		p = store_word(p, TOYTCP_OPT_NOP, TOYTCP_OPT_NOP,
			       TOYTCP_OPT_SACK_PERM, LEN_SACK_PERM);
	if (o->has_wscale)
		p = store_word(p, TOYTCP_OPT_NOP, TOYTCP_OPT_WSCALE, LEN_WSCALE,
			       min_t(u8, o->wscale, TOYTCP_WSCALE_MAX));
	if (o->has_uto)
		p = emit_uto(p, o->uto_s);
	if (n)
		p = emit_sacks(o, n, p);
	if (fastopen)
		p = emit_fastopen(o, fastopen, p);
	return p - buf;
}
