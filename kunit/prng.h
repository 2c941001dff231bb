/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers that can be had again, for property tests.
 *
 * A property case is declared KUNIT_CASE_PARAM(function__case,
 * prng_seed_gen_params) and begins with prng_start(). It then runs for each
 * fixed seed and for one new seed a run. A failure message ends with
 * PRNG_FMT and prng_where(); the seed it shows reproduces the run anywhere, in
 * the kernel or not:
 *
 *	TOYTCP_SEED=0x... make -C kunit/user check
 */
#ifndef _TOYTCP_KUNIT_PRNG_H
#define _TOYTCP_KUNIT_PRNG_H

#include <kunit/test.h>
#include <linux/random.h>
#include <linux/types.h>

#define PRNG_FMT	" (%s)"

struct prng {
	u64 seed;		/* what it began with */
	u64 state;		/* SplitMix64 */
	u64 draws;		/* numbers drawn since */
	char where[64];		/* prng_where()'s */
};

/* 0: a new seed every run */
static const u64 prng_seeds[] = { 1, 0x7f4a7c15, 0xfeedfacecafebeef, 0 };

static void prng_seed_desc(const u64 *seed, char *desc)
{
	if (*seed)
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seed %#llx", *seed);
	else
		snprintf(desc, KUNIT_PARAM_DESC_SIZE, "new seed");
}

KUNIT_ARRAY_PARAM(prng_seed, prng_seeds, prng_seed_desc);

static struct prng prng_start(struct kunit *test)
{
	u64 seed = *(const u64 *)test->param_value;

	if (!seed)
		seed = get_random_u64();
	return (struct prng){ .seed = seed, .state = seed };
}

/* how to get here again, for a failure message */
static inline const char *prng_where(struct prng *p)
{
	snprintf(p->where, sizeof(p->where), "seed %#llx, draw %llu", p->seed, p->draws);
	return p->where;
}

static inline u64 prng_u64(struct prng *p)
{
	u64 z = p->state += 0x9e3779b97f4a7c15ull;

	p->draws++;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline u32 prng_u32(struct prng *p)
{
	return prng_u64(p) >> 32;
}

/* 0 <= result < n; n > 0 */
static inline u32 prng_below(struct prng *p, u32 n)
{
	return (u64)prng_u32(p) * n >> 32;
}

/* true once in n */
static inline bool prng_once_in(struct prng *p, u32 n)
{
	return !prng_below(p, n);
}

/* a sequence number, half of the time within 64 KiB of a wrap */
static inline u32 prng_seq(struct prng *p)
{
	u32 r = prng_u32(p);

	switch (r & 3) {
	case 0:
		return (r >> 15) - 0x10000;			/* around 2^32 */
	case 1:
		return (r >> 15) - 0x10000 + 0x80000000;	/* around 2^31 */
	default:
		return prng_u32(p);
	}
}

/* a magnitude: every power of two is as likely as any other, and so is 0 */
static inline u32 prng_magnitude(struct prng *p)
{
	return prng_u32(p) >> prng_below(p, 32) >> prng_below(p, 2);
}

#endif /* _TOYTCP_KUNIT_PRNG_H */
