// SPDX-License-Identifier: GPL-2.0
/*
 * tsc-khz - how fast this machine's time stamp counter counts, in kHz.
 *
 * An emulated guest reads the machine's own counter, but calibrates it against
 * a timer that comes late when the machine is busy: its clock would then run
 * several times too fast. scripts/vm tells it the truth instead.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct pair {
	uint64_t ns, ticks;
};

/* Both clocks at one moment: of many tries the one that took least. */
static struct pair now(void)
{
	uint64_t least = UINT64_MAX;
	struct pair best = { 0 };
	struct timespec ts;
	int i;

	for (i = 0; i < 1000; i++) {
		uint64_t before = __rdtsc(), after;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __rdtsc();
		if (after - before >= least)
			continue;
		least = after - before;
		best.ticks = before + least / 2;
		best.ns = ts.tv_sec * 1000000000ull + ts.tv_nsec;
	}
	return best;
}

int main(void)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	struct pair a = now(), b;

	nanosleep(&pause, NULL);
	b = now();
	printf("%llu\n", (unsigned long long)((b.ticks - a.ticks) * 1000000.0 /
					      (b.ns - a.ns) + 0.5));
	return 0;
}
