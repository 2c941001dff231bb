/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of selftests/ share: families and network namespaces by
 * name, seeded data that either end can make and check at any offset, SHA-256,
 * deadlines, and the one line a case prints.
 */
#ifndef SELFTESTS_COMMON_H
#define SELFTESTS_COMMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <toytcp.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Say what went wrong on standard error and exit with status 2. */
void die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* "inet" or "toytcp" to its number; dies on anything else. */
int family_by_name(const char *name);
const char *family_name(int family);

/*
 * Move this thread into the namespace of that name below /run/netns; "-" is
 * the one the program was started in.
 */
void enter_netns(const char *name);

/* ADDR in dotted form; dies on anything else. sin_family is AF_INET. */
struct sockaddr_in make_addr(const char *addr, unsigned int port);

/* "EINVAL" for EINVAL, "0" for 0. */
const char *errname(int err);

/* Milliseconds on the monotonic clock. */
uint64_t now_ms(void);

/* A number after an option; dies when it is none or above max. K, M, G. */
uint64_t parse_number(const char *what, const char *text, uint64_t max);

/* The sequence of one seed: splitmix64. */
uint64_t rng_next(uint64_t *state);
/* Uniform enough in 0 .. below - 1. */
uint32_t rng_below(uint64_t *state, uint32_t below);

/* The stream of a seed: its bytes from offset on, the same at both ends. */
void stream_fill(uint64_t seed, uint64_t offset, void *buf, size_t len);
/* The first byte of buf that differs from the stream, len when none does. */
size_t stream_differs(uint64_t seed, uint64_t offset, const void *buf,
		      size_t len);

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	uint8_t block[64];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t len);
void sha256_final(struct sha256 *ctx, uint8_t digest[32]);
/* Known answers; dies when this build's SHA-256 is not SHA-256. */
void sha256_selftest(void);

/* One line a case; failed cases are counted for the exit status. */
void ok(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void not_ok(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned int cases_failed(void);

#endif /* SELFTESTS_COMMON_H */
