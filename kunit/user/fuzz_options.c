// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer target for module/options.c.
 *
 * Input: one byte whose lowest bit says whether the segment is a SYN, then
 * the option area. Asserted: no crash and no read beyond the area; every
 * value within its range; what is understood of an area that fits a header
 * can be emitted, and is understood the same again; emitting that gives the
 * same bytes.
 */
#include <linux/string.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../module/options.h"

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		abort();						\
	}								\
} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void parse_exact(const u8 *bytes, unsigned int len, bool syn,
			struct toytcp_options *out)
{
	u8 *copy = malloc(len);

	memcpy(copy, bytes, len);
	memset(out, 0xa5, sizeof(*out));
	toytcp_options_parse(copy, len, syn, out);
	free(copy);
}

static void check_values(const struct toytcp_options *o, bool syn)
{
	CHECK(o->n_sacks <= TOYTCP_SACKS_MAX);
	CHECK(o->wscale <= TOYTCP_WSCALE_MAX);
	CHECK(o->has_wscale || !o->wscale);
	CHECK(o->has_ts || (!o->tsval && !o->tsecr));
	CHECK(!syn || !o->n_sacks);
	CHECK(syn || (!o->mss && !o->has_wscale && !o->sack_perm && !o->has_fastopen));
	CHECK(o->has_fastopen || !o->fastopen_len);
	CHECK(!o->fastopen_len || (o->fastopen_len >= TOYTCP_FASTOPEN_MIN &&
				   o->fastopen_len <= TOYTCP_FASTOPEN_MAX &&
				   !(o->fastopen_len & 1)));
}

/* the same is said; sacks and fastopen share memory, and a count has its end */
static bool same(const struct toytcp_options *a, const struct toytcp_options *b)
{
	return !memcmp(a, b, offsetof(struct toytcp_options, sacks)) &&
	       !memcmp(a->sacks, b->sacks, a->has_fastopen ? a->fastopen_len :
					   a->n_sacks * sizeof(a->sacks[0]));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 buf[TOYTCP_OPTIONS_MAX], again[TOYTCP_OPTIONS_MAX];
	struct toytcp_options first, second;
	unsigned int len, area;
	bool syn;

	if (!size)
		return 0;
	syn = data[0] & 1;
	area = size - 1;
	parse_exact(data + 1, area, syn, &first);
	check_values(&first, syn);

	len = toytcp_options_emit(&first, buf);
	CHECK(len == toytcp_options_len(&first));
	CHECK(len <= TOYTCP_OPTIONS_MAX && len % 4 == 0);
	parse_exact(buf, len, syn, &second);
	CHECK(!second.malformed);

	/* a user timeout without our padding leaves room for a block more */
	if (first.has_uto && second.n_sacks + 1 == first.n_sacks)
		first.n_sacks--;
	/* all before the blocks was zeroed, so that padding compares, too */
	first.malformed = 0;
	if (area <= TOYTCP_OPTIONS_MAX)
		CHECK(same(&first, &second));
	CHECK(toytcp_options_emit(&second, again) == len);
	CHECK(!memcmp(buf, again, len));
	return 0;
}
