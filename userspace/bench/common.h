/* SPDX-License-Identifier: GPL-2.0 */
/* What the measuring programs share. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

/* Ends the program, 1, with a line that names it and errno if that says something. */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);

/* Sockets that are made from now on belong to this network namespace; NULL: stay. */
void enter(const char *netns);

#endif /* BENCH_COMMON_H */
