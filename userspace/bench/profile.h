/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two marks between which profile.c counts: NOPs of x86-64 with a displacement that
 * no compiler writes. Without the plugin they do nothing; elsewhere they are nothing.
 */
#ifndef _BENCH_PROFILE_H
#define _BENCH_PROFILE_H

#define PROFILE_MARK	8	/* bytes */
#define PROFILE_BEGIN	"\x0f\x1f\x84\x00TOY\x01"
#define PROFILE_END	"\x0f\x1f\x84\x00TOY\x02"

#ifdef __x86_64__
static inline void mark_begin(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0, 'T', 'O', 'Y', 1" ::: "memory");
}

static inline void mark_end(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0, 'T', 'O', 'Y', 2" ::: "memory");
}
#else
static inline void mark_begin(void)
{
}

static inline void mark_end(void)
{
}
#endif

#endif /* _BENCH_PROFILE_H */
