// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/options.c: what others really send, every way to get a
 * length wrong, and the layout of what we send.
 *
 * Bytes to parse lie at the end of an allocation of exactly their length, so
 * that KASAN or ASan sees a read too far.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "../module/options.h"
#include "prng.h"

/* a string literal of bytes, and its length without the final 0 */
#define BYTES(literal)	.bytes = (literal), .len = sizeof(literal) - 1

/* bytes of sacks and fastopen, which share their memory, that say something */
static size_t said(const struct toytcp_options *o)
{
	return o->has_fastopen ? o->fastopen_len :
				 o->n_sacks * sizeof(o->sacks[0]);
}

static bool options_equal(const struct toytcp_options *a,
			  const struct toytcp_options *b)
{
	return a->mss == b->mss && a->wscale == b->wscale &&
	       a->has_wscale == b->has_wscale && a->has_ts == b->has_ts &&
	       a->sack_perm == b->sack_perm && a->malformed == b->malformed &&
	       a->n_sacks == b->n_sacks &&
	       a->has_fastopen == b->has_fastopen && a->fastopen_len == b->fastopen_len &&
	       a->tsval == b->tsval && a->tsecr == b->tsecr &&
	       !memcmp(a->sacks, b->sacks, said(a));
}

static void expect_options(struct kunit *test, const struct toytcp_options *got,
			   const struct toytcp_options *want)
{
	KUNIT_EXPECT_EQ(test, got->mss, want->mss);
	KUNIT_EXPECT_EQ(test, (u8)got->has_wscale, (u8)want->has_wscale);
	KUNIT_EXPECT_EQ(test, got->wscale, want->wscale);
	KUNIT_EXPECT_EQ(test, (u8)got->has_ts, (u8)want->has_ts);
	KUNIT_EXPECT_EQ(test, got->tsval, want->tsval);
	KUNIT_EXPECT_EQ(test, got->tsecr, want->tsecr);
	KUNIT_EXPECT_EQ(test, (u8)got->sack_perm, (u8)want->sack_perm);
	KUNIT_EXPECT_EQ(test, (u8)got->malformed, (u8)want->malformed);
	KUNIT_EXPECT_EQ(test, got->n_sacks, want->n_sacks);
	KUNIT_EXPECT_EQ(test, (u8)got->has_fastopen, (u8)want->has_fastopen);
	KUNIT_EXPECT_EQ(test, got->fastopen_len, want->fastopen_len);
	KUNIT_EXPECT_MEMEQ(test, got->sacks, want->sacks, said(want));
}

/* parse a copy that ends where its allocation ends, into a dirty struct */
static void parse_exact(struct kunit *test, const void *bytes, unsigned int len,
			bool syn, struct toytcp_options *out)
{
	u8 *copy = kunit_kmalloc(test, len ? len : 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, bytes, len);
	memset(out, 0xa5, sizeof(*out));
	toytcp_options_parse(len ? copy : copy + 1, len, syn, out);
}

struct parse_param {
	const char *name;
	const char *bytes;
	unsigned int len;
	bool syn;
	struct toytcp_options want;
};

static const struct parse_param parse_params[] = {
	/* as seen in the wild */
	{ "nothing", BYTES(""), true, {} },
	{ "Linux SYN",
	  BYTES("\x02\x04\x05\xb4\x04\x02\x08\x0a\xff\xff\xff\xff\x00\x00\x00\x00\x01\x03\x03\x07"),
	  true, { .mss = 1460, .sack_perm = 1, .has_ts = 1, .tsval = 0xffffffff,
		  .has_wscale = 1, .wscale = 7 } },
	{ "Windows SYN", BYTES("\x02\x04\x05\xb4\x01\x03\x03\x08\x01\x01\x04\x02"),
	  true, { .mss = 1460, .sack_perm = 1, .has_wscale = 1, .wscale = 8 } },
	{ "macOS SYN",
	  BYTES("\x02\x04\x05\xb4\x01\x03\x03\x06\x01\x01\x08\x0a\x12\x34\x56\x78"
		"\x00\x00\x00\x00\x04\x02\x00\x00"),
	  true, { .mss = 1460, .sack_perm = 1, .has_wscale = 1, .wscale = 6,
		  .has_ts = 1, .tsval = 0x12345678 } },
	{ "MSS only", BYTES("\x02\x04\x02\x18"), true, { .mss = 536 } },
	{ "data, aligned timestamps", BYTES("\x01\x01\x08\x0a\xff\xff\xff\xfe\x80\x00\x00\x01"),
	  false, { .has_ts = 1, .tsval = 0xfffffffe, .tsecr = 0x80000001 } },
	{ "SYN-ACK, aligned timestamps", BYTES("\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02"),
	  true, { .has_ts = 1, .tsval = 1, .tsecr = 2 } },
	{ "data, unaligned timestamps", BYTES("\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00"),
	  false, { .has_ts = 1, .tsval = 1, .tsecr = 2 } },
	{ "data, timestamps and two SACK blocks across the wrap",
	  BYTES("\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x01\x01\x05\x12"
		"\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00"),
	  false, { .has_ts = 1, .tsval = 1, .tsecr = 2, .n_sacks = 2,
		   .sacks = { { 0xffffff00, 0x100 }, { 0x200, 0x300 } } } },
	{ "data, four SACK blocks",
	  BYTES("\x01\x01\x05\x22\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"
		"\x00\x00\x00\x05\x00\x00\x00\x06\x00\x00\x00\x07\x00\x00\x00\x08"),
	  false, { .n_sacks = 4, .sacks = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } } } },
	/* padding and order */
	{ "40 NOPs",
	  BYTES("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
		"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"),
	  false, {} },
	{ "EOL ends it", BYTES("\x00\x02\x04\x05\xb4"), true, {} },
	{ "EOL hides what is malformed",
	  BYTES("\x02\x04\x05\xb4\x00\x02\x00\xff"), true, { .mss = 1460 } },
	{ "of two SACK options only the last",
	  BYTES("\x05\x12\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"
		"\x05\x0a\x00\x00\x00\x05\x00\x00\x00\x06"),
	  false, { .n_sacks = 1, .sacks = { { 5, 6 } } } },
	{ "the last one counts", BYTES("\x02\x04\x05\xb4\x02\x04\x02\x18"), true, { .mss = 536 } },
	/* present, but not to be honoured */
	{ "MSS, no SYN", BYTES("\x02\x04\x05\xb4"), false, {} },
	{ "window scale, no SYN", BYTES("\x03\x03\x07\x01"), false, {} },
	{ "SACK-permitted, no SYN", BYTES("\x04\x02\x01\x01"), false, {} },
	{ "SACK with SYN", BYTES("\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02"), true, {} },
	{ "MSS 0", BYTES("\x02\x04\x00\x00"), true, {} },
	{ "MSS 0 after a good one",
	  BYTES("\x02\x04\x05\xb4\x02\x04\x00\x00"), true, { .mss = 1460 } },
	{ "MSS 1", BYTES("\x02\x04\x00\x01"), true, { .mss = 1 } },
	{ "MSS 65535", BYTES("\x02\x04\xff\xff"), true, { .mss = 65535 } },
	{ "window scale 0", BYTES("\x03\x03\x00"), true, { .has_wscale = 1 } },
	{ "window scale 14", BYTES("\x03\x03\x0e"), true, { .has_wscale = 1, .wscale = 14 } },
	{ "window scale 15", BYTES("\x03\x03\x0f"), true, { .has_wscale = 1, .wscale = 14 } },
	{ "window scale 255", BYTES("\x03\x03\xff"), true, { .has_wscale = 1, .wscale = 14 } },
	{ "SACK without a block", BYTES("\x05\x02\x01\x01"), false, {} },
	{ "SACK with five blocks, in an area that no header has",
	  BYTES("\x05\x2a\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"
		"\x00\x00\x00\x05\x00\x00\x00\x06\x00\x00\x00\x07\x00\x00\x00\x08"
		"\x00\x00\x00\x09\x00\x00\x00\x0a"), false, {} },
	{ "SACK with half a block", BYTES("\x05\x06\x00\x00\x00\x01"), false, {} },
	/* unknown ones are skipped, MUST-6 */
	{ "unknown, empty", BYTES("\xfd\x02\x02\x04\x05\xb4"), true, { .mss = 1460 } },
	{ "fast open cookie, MD5, then MSS",
	  BYTES("\x22\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x13\x12\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00\x02\x04\x05\xb4"), true,
	  { .mss = 1460, .has_fastopen = 1, .fastopen_len = 8,
	    .fastopen = { 1, 2, 3, 4, 5, 6, 7, 8 } } },
	{ "fast open cookie asked for", BYTES("\x22\x02\x01\x01"), true, { .has_fastopen = 1 } },
	{ "fast open cookie, no SYN", BYTES("\x22\x06\x01\x02\x03\x04"), false, {} },
	{ "fast open cookie, too short", BYTES("\x22\x04\x01\x02"), true, {} },
	{ "fast open cookie of odd length", BYTES("\x22\x07\x01\x02\x03\x04\x05"), true, {} },
	{ "fast open cookie of 16 bytes",
	  BYTES("\x22\x12\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"), true,
	  { .has_fastopen = 1, .fastopen_len = 16,
	    .fastopen = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } } },
	{ "fast open cookie, too long",
	  BYTES("\x22\x14\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
		"\x11\x12"), true, {} },
	{ "of two fast open cookies the last one counts, and what was there is gone",
	  BYTES("\x22\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x22\x06\x09\x0a\x0b\x0c"), true,
	  { .has_fastopen = 1, .fastopen_len = 4, .fastopen = { 9, 10, 11, 12 } } },
	{ "a wrong fast open cookie takes a good one back",
	  BYTES("\x22\x06\x01\x02\x03\x04\x22\x04\x05\x06"), true, {} },
	{ "unknown, contents look like options", BYTES("\xfd\x06\x02\x04\x05\xb4"), true, {} },
	/* malformed */
	{ "kind without length", BYTES("\x02"), true, { .malformed = 1 } },
	{ "unknown kind without length", BYTES("\x01\xfe"), true, { .malformed = 1 } },
	{ "length 0", BYTES("\x02\x00\x05\xb4"), true, { .malformed = 1 } },
	{ "length 1", BYTES("\x02\x01\x05\xb4"), true, { .malformed = 1 } },
	{ "one past the end", BYTES("\x02\x04\x05"), true, { .malformed = 1 } },
	{ "255", BYTES("\x08\xff\x00\x00\x00\x01\x00\x00\x00\x02"), false, { .malformed = 1 } },
	{ "what came before stays", BYTES("\x02\x04\x05\xb4\x03\x03\x07\x08\x00"), true,
	  { .mss = 1460, .has_wscale = 1, .wscale = 7, .malformed = 1 } },
	{ "what comes after does not count",
	  BYTES("\xfe\x01\x02\x04\x05\xb4"), true, { .malformed = 1 } },
	{ "aligned timestamps with a wrong length",
	  BYTES("\x01\x01\x08\x0b\x00\x00\x00\x01\x00\x00\x00\x02"),
	  false, { .malformed = 1 } },
	{ "aligned timestamps, too short to be ours",
	  BYTES("\x01\x01\x08\x09\x00\x00\x00\x01\x00\x00\x00\x00"),
	  false, {} },
};

static void parse_desc(const struct parse_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(parse, parse_params, parse_desc);

static void options_parse__table(struct kunit *test)
{
	const struct parse_param *p = test->param_value;
	struct toytcp_options got;

	parse_exact(test, p->bytes, p->len, p->syn, &got);
	expect_options(test, &got, &p->want);
}

/*
 * Cut anywhere: either the cut shows, or it is between two options and what
 * comes before it is understood as if an EOL had been there.
 */
static void options_parse__every_truncation(struct kunit *test)
{
	const struct parse_param *p = test->param_value;
	unsigned int len;

	for (len = 0; len < p->len; len++) {
		struct toytcp_options cut, ended;
		u8 bytes[64];

		memset(bytes, 0xff, sizeof(bytes));
		memcpy(bytes, p->bytes, len);
		bytes[len] = TOYTCP_OPT_EOL;
		parse_exact(test, bytes, len, p->syn, &cut);
		parse_exact(test, bytes, sizeof(bytes), p->syn, &ended);
		if (!cut.malformed)
			KUNIT_EXPECT_TRUE_MSG(test, options_equal(&cut, &ended),
					      "cut at %u", len);
	}
}

/*
 * One option of any kind and any length, with any number of bytes to read it
 * from. With SYN an MSS option comes before it.
 */
#define PREFIX		"\x02\x04\x05\xb4"
#define PREFIX_LEN	4
#define PREFIX_MSS	1460
#define LEN_END		42	/* lengths and truncations below this */

/* byte i of the option's contents */
static u8 body_byte(unsigned int i)
{
	return 0x21 + i;
}

static u32 body_word(unsigned int i)
{
	return body_byte(i) << 24 | body_byte(i + 1) << 16 |
	       body_byte(i + 2) << 8 | body_byte(i + 3);
}

/* what must be understood of that option; room: bytes from its kind on */
static void expected_of(u8 kind, u8 len, unsigned int room, bool syn,
			struct toytcp_options *want)
{
	unsigned int i;

	memset(want, 0, sizeof(*want));
	want->mss = syn ? PREFIX_MSS : 0;
	if (!room || kind == TOYTCP_OPT_EOL)
		return;
	if (room < 2 || len < 2 || len > room) {
		want->malformed = 1;
		return;
	}
	if (kind == TOYTCP_OPT_MSS && len == 4 && syn) {
		want->mss = body_word(0) >> 16;
	} else if (kind == TOYTCP_OPT_WSCALE && len == 3 && syn) {
		want->has_wscale = 1;
		want->wscale = 14;
	} else if (kind == TOYTCP_OPT_SACK_PERM && len == 2 && syn) {
		want->sack_perm = 1;
	} else if (kind == TOYTCP_OPT_TIMESTAMP && len == 10) {
		want->has_ts = 1;
		want->tsval = body_word(0);
		want->tsecr = body_word(4);
	} else if (kind == TOYTCP_OPT_FASTOPEN && syn && !(len & 1) &&
		   (len == 2 || (len >= 6 && len <= 18))) {
		want->has_fastopen = 1;
		want->fastopen_len = len - 2;
		for (i = 0; i < want->fastopen_len; i++)
			want->fastopen[i] = body_byte(i);
	} else if (kind == TOYTCP_OPT_SACK && !syn &&
		   (len == 10 || len == 18 || len == 26 || len == 34)) {
		want->n_sacks = (len - 2) / 8;
		for (i = 0; i < want->n_sacks; i++) {
			want->sacks[i].start = body_word(8 * i);
			want->sacks[i].end = body_word(8 * i + 4);
		}
	}
}

/* all kinds and lengths in @room bytes behind the prefix in @area */
static void check_room(struct kunit *test, u8 *area, unsigned int room, bool syn)
{
	struct toytcp_options got, want;
	u8 *opt = area + PREFIX_LEN;
	unsigned int kind, len, i;

	for (kind = 0; kind < 256; kind++) {
		if (kind == TOYTCP_OPT_NOP)
			continue;	/* has no length */
		for (len = 0; len < LEN_END; len++) {
			for (i = 2; i < room; i++)
				opt[i] = i < len ? body_byte(i - 2) : TOYTCP_OPT_EOL;
			if (room > 0)
				opt[0] = kind;
			if (room > 1)
				opt[1] = len;
			expected_of(kind, len, room, syn, &want);
			toytcp_options_parse(area, PREFIX_LEN + room, syn, &got);
			KUNIT_ASSERT_TRUE_MSG(test, options_equal(&got, &want),
					      "kind %u, length %u, of %u bytes, SYN %d",
					      kind, len, room, syn);
		}
	}
}

static void options_parse__every_kind_length_and_truncation(struct kunit *test)
{
	unsigned int room;

	for (room = 0; room < LEN_END; room++) {
		u8 *area = kunit_kmalloc(test, PREFIX_LEN + room, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, area);
		memcpy(area, PREFIX, PREFIX_LEN);
		check_room(test, area, room, false);
		check_room(test, area, room, true);
		cond_resched();
	}
}

/* the fast path must say what the loop says: one more EOL takes the loop */
static void options_parse__fast_path_agrees(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i, j;

	for (i = 0; i < 2000; i++) {
		struct toytcp_options fast, slow;
		u8 bytes[13] = { 1, 1, 8, 10 };

		for (j = 4; j < 12; j++)
			bytes[j] = prng_u32(&p);
		if (prng_once_in(&p, 4))
			bytes[prng_below(&p, 4)] = prng_below(&p, 12);
		toytcp_options_parse(bytes, 12, i & 1, &fast);
		toytcp_options_parse(bytes, 13, i & 1, &slow);
		/* an option that claims all 13 bytes is whole only in the second */
		if (fast.malformed)
			continue;
		KUNIT_ASSERT_TRUE_MSG(test, options_equal(&fast, &slow),
				      "they differ" PRNG_FMT, prng_where(&p));
	}
}

static void random_options(struct prng *p, bool syn, struct toytcp_options *o)
{
	unsigned int i;

	memset(o, 0, sizeof(*o));
	o->has_ts = prng_once_in(p, 2);
	if (o->has_ts) {
		o->tsval = prng_seq(p);
		o->tsecr = prng_seq(p);
	}
	if (syn) {
		o->mss = prng_u32(p) >> (16 + prng_below(p, 16));
		o->sack_perm = prng_once_in(p, 2);
		o->has_wscale = prng_once_in(p, 2);
		o->wscale = o->has_wscale ? prng_below(p, 15) : 0;
		o->has_fastopen = prng_once_in(p, 2);
		if (o->has_fastopen && !prng_once_in(p, 4))
			o->fastopen_len = 4 + 2 * prng_below(p, 7);
		for (i = 0; i < o->fastopen_len; i++)
			o->fastopen[i] = prng_u32(p);
		return;
	}
	o->n_sacks = prng_below(p, o->has_ts ? 4 : 5);
	for (i = 0; i < o->n_sacks; i++) {
		o->sacks[i].start = prng_seq(p);
		o->sacks[i].end = o->sacks[i].start + prng_magnitude(p);
	}
}

static void options_emit__parses_back(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		struct toytcp_options said, heard;
		u8 buf[TOYTCP_OPTIONS_MAX];
		bool syn = i & 1;
		unsigned int len;

		random_options(&p, syn, &said);
		len = toytcp_options_emit(&said, buf);
		KUNIT_ASSERT_LE_MSG(test, len, (unsigned int)TOYTCP_OPTIONS_MAX,
				    "too long" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, len % 4, 0u, "not aligned" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_EQ_MSG(test, len, toytcp_options_len(&said),
				    "another length" PRNG_FMT, prng_where(&p));
		toytcp_options_parse(buf, len, syn, &heard);
		KUNIT_ASSERT_TRUE_MSG(test, options_equal(&said, &heard),
				      "misunderstood" PRNG_FMT, prng_where(&p));
	}
}

struct emit_param {
	const char *name;
	struct toytcp_options said;
	const char *bytes;
	unsigned int len;
};

static const struct emit_param emit_params[] = {
	{ "nothing", {}, BYTES("") },
	{ "Linux SYN", { .mss = 1460, .sack_perm = 1, .has_ts = 1, .tsval = 0x01020304,
			 .has_wscale = 1, .wscale = 7 },
	  BYTES("\x02\x04\x05\xb4\x04\x02\x08\x0a\x01\x02\x03\x04\x00\x00\x00\x00"
		"\x01\x03\x03\x07") },
	{ "SYN without timestamps", { .mss = 1460, .sack_perm = 1, .has_wscale = 1, .wscale = 7 },
	  BYTES("\x02\x04\x05\xb4\x01\x01\x04\x02\x01\x03\x03\x07") },
	{ "SYN without SACK", { .mss = 1460, .has_ts = 1, .tsval = 1, .tsecr = 2, .has_wscale = 1 },
	  BYTES("\x02\x04\x05\xb4\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02"
		"\x01\x03\x03\x00") },
	{ "MSS only", { .mss = 0xfeff }, BYTES("\x02\x04\xfe\xff") },
	{ "shift count beyond 14", { .has_wscale = 1, .wscale = 15 }, BYTES("\x01\x03\x03\x0e") },
	{ "data", { .has_ts = 1, .tsval = 0xfffffffe, .tsecr = 0x80000001 },
	  BYTES("\x01\x01\x08\x0a\xff\xff\xff\xfe\x80\x00\x00\x01") },
	{ "one SACK block across the wrap", { .n_sacks = 1, .sacks = { { 0xfffffff0, 0x10 } } },
	  BYTES("\x01\x01\x05\x0a\xff\xff\xff\xf0\x00\x00\x00\x10") },
	{ "four SACK blocks fill it",
	  { .n_sacks = 4, .sacks = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } } },
	  BYTES("\x01\x01\x05\x22\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"
		"\x00\x00\x00\x05\x00\x00\x00\x06\x00\x00\x00\x07\x00\x00\x00\x08") },
	{ "timestamps leave room for three", { .has_ts = 1, .n_sacks = 4,
		.sacks = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } } },
	  BYTES("\x01\x01\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x05\x1a\x00\x00\x00\x01"
		"\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05"
		"\x00\x00\x00\x06") },
	{ "more blocks than there are",
	  { .n_sacks = 255, .sacks = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } } },
	  BYTES("\x01\x01\x05\x22\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"
		"\x00\x00\x00\x05\x00\x00\x00\x06\x00\x00\x00\x07\x00\x00\x00\x08") },
	{ "Linux SYN with a fast open cookie",
	  { .mss = 1460, .sack_perm = 1, .has_ts = 1, .tsval = 0x01020304, .has_wscale = 1,
	    .wscale = 7, .has_fastopen = 1, .fastopen_len = 8,
	    .fastopen = { 1, 2, 3, 4, 5, 6, 7, 8 } },
	  BYTES("\x02\x04\x05\xb4\x04\x02\x08\x0a\x01\x02\x03\x04\x00\x00\x00\x00"
		"\x01\x03\x03\x07\x22\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x01\x01") },
	{ "SYN that asks for a fast open cookie", { .mss = 1460, .has_fastopen = 1 },
	  BYTES("\x02\x04\x05\xb4\x22\x02\x01\x01") },
	{ "no room for a fast open cookie beside a user timeout",
	  { .mss = 1, .sack_perm = 1, .has_ts = 1, .has_wscale = 1, .has_uto = 1, .uto_s = 1,
	    .has_fastopen = 1, .fastopen_len = 16 },
	  BYTES("\x02\x04\x00\x01\x04\x02\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x03\x03\x00"
		"\x1c\x04\x00\x01") },
	{ "everything at once: two blocks fit",
	  { .mss = 1, .sack_perm = 1, .has_ts = 1, .has_wscale = 1,
						  .n_sacks = 4, .sacks = { { 1, 2 }, { 3, 4 } } },
	  BYTES("\x02\x04\x00\x01\x04\x02\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x03\x03\x00"
		"\x01\x01\x05\x12\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"
		"\x00\x00\x00\x04") },
};

static void emit_desc(const struct emit_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(emit, emit_params, emit_desc);

static void options_emit__layout(struct kunit *test)
{
	const struct emit_param *p = test->param_value;
	u8 buf[TOYTCP_OPTIONS_MAX + 1];
	unsigned int len;

	memset(buf, 0xa5, sizeof(buf));
	len = toytcp_options_emit(&p->said, buf);
	KUNIT_ASSERT_EQ(test, len, p->len);
	KUNIT_EXPECT_MEMEQ(test, buf, p->bytes, len);
	KUNIT_EXPECT_EQ(test, buf[len], 0xa5);	/* and nothing behind */
}

static void options_len__agrees_with_emit(struct kunit *test)
{
	const struct emit_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, toytcp_options_len(&p->said), p->len);
}

/* whatever bytes come, what was understood can be said, and is then understood */
static void options_parse__garbage(struct kunit *test)
{
	static const u8 likely[] = { 0, 1, 1, 2, 3, 4, 5, 8, 2, 3, 4, 10, 18, 26, 34 };
	struct prng p = prng_start(test);
	unsigned int i, j;

	for (i = 0; i < 20000; i++) {
		u8 bytes[TOYTCP_OPTIONS_MAX], again[TOYTCP_OPTIONS_MAX];
		unsigned int len = prng_below(&p, TOYTCP_OPTIONS_MAX + 1);
		struct toytcp_options first, second;
		bool syn = i & 1;

		for (j = 0; j < len; j++)
			bytes[j] = prng_once_in(&p, 3) ? prng_u32(&p) :
				likely[prng_below(&p, ARRAY_SIZE(likely))];
		toytcp_options_parse(bytes, len, syn, &first);
		len = toytcp_options_emit(&first, again);
		toytcp_options_parse(again, len, syn, &second);
		first.malformed = 0;
		KUNIT_ASSERT_TRUE_MSG(test, options_equal(&first, &second),
				      "not stable" PRNG_FMT, prng_where(&p));
	}
}

static struct kunit_case options_cases[] = {
	KUNIT_CASE_PARAM(options_parse__table, parse_gen_params),
	KUNIT_CASE_PARAM(options_parse__every_truncation, parse_gen_params),
	KUNIT_CASE(options_parse__every_kind_length_and_truncation),
	KUNIT_CASE_PARAM(options_parse__fast_path_agrees, prng_seed_gen_params),
	KUNIT_CASE_PARAM(options_parse__garbage, prng_seed_gen_params),
	KUNIT_CASE_PARAM(options_len__agrees_with_emit, emit_gen_params),
	KUNIT_CASE_PARAM(options_emit__layout, emit_gen_params),
	KUNIT_CASE_PARAM(options_emit__parses_back, prng_seed_gen_params),
	{}
};

static struct kunit_suite options_suite = {
	.name = "toytcp_options",
	.test_cases = options_cases,
};

kunit_test_suites(&options_suite);
