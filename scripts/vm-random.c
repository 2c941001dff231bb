// SPDX-License-Identifier: GPL-2.0
/*
 * vm-random - the same random numbers in each run.
 *
 * scripts/vm preloads it into a kernel of User-Mode Linux whose time is
 * virtual: what netem loses, and what else the guest's kernel draws, then
 * follows from a fixed seed, and a run repeats another one exactly. For
 * measurements only: nothing in such a guest is secret.
 */
#include <stddef.h>
#include <sys/types.h>

ssize_t getrandom(void *buf, size_t len, unsigned int flags);

/* Knuth's linear congruential generator, its high bytes */
ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	static unsigned long long state = 1;
	unsigned char *at = buf;
	size_t i;

	(void)flags;
	for (i = 0; i < len; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		at[i] = state >> 56;
	}
	return len;
}
