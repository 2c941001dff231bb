// SPDX-License-Identifier: GPL-2.0
/*
 * What the programs of selftests/ share; described in common.h. SHA-256 is
 * FIPS 180-4 written out, so that the static programs need no library and
 * judge the bytes independently of the kernel's own code.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno %s)\n", errname(err));
	exit(2);
}

int family_by_name(const char *name)
{
	if (!strcmp(name, "inet"))
		return AF_INET;
	if (!strcmp(name, "toytcp"))
		return AF_TOYTCP;
	die("no family '%s': inet or toytcp", name);
}

const char *family_name(int family)
{
	return family == AF_INET ? "inet" : "toytcp";
}

void enter_netns(const char *name)
{
	static int home = -1;
	char path[128];
	int fd;

	if (home < 0) {
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (home < 0)
			die("open /proc/self/ns/net");
	}
	if (!strcmp(name, "-")) {
		if (setns(home, CLONE_NEWNET))
			die("setns back");
		return;
	}
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("enter namespace %s", name);
	close(fd);
}

struct sockaddr_in make_addr(const char *addr, unsigned int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		die("no IPv4 address '%s'", addr);
	return sin;
}

const char *errname(int err)
{
	static char unknown[16];
	const char *name;

	if (!err)
		return "0";
	name = strerrorname_np(err);
	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "E#%d", err);
	return unknown;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t parse_number(const char *what, const char *text, uint64_t max)
{
	unsigned int shift = 0;
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end == 'K')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (shift)
		end++;
	if (errno || end == text || *end || value > max >> shift)
		die("%s: no number '%s' up to %llu", what, text,
		    (unsigned long long)max);
	return value << shift;
}

static uint64_t mix64(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t rng_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return mix64(*state);
}

uint32_t rng_below(uint64_t *state, uint32_t below)
{
	return ((rng_next(state) >> 32) * below) >> 32;
}

/* Eight bytes of the stream: any word costs the same, whatever its place. */
static uint64_t stream_word(uint64_t seed, uint64_t index)
{
	return mix64(seed + (index + 1) * 0x9e3779b97f4a7c15ULL);
}

void stream_fill(uint64_t seed, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t word = stream_word(seed, offset / 8);
		size_t skip = offset % 8;
		size_t n = 8 - skip < len ? 8 - skip : len;

		if (n == 8) {
			memcpy(out, &word, 8);
		} else {
			memcpy(out, (uint8_t *)&word + skip, n);
		}
		out += n;
		offset += n;
		len -= n;
	}
}

size_t stream_differs(uint64_t seed, uint64_t offset, const void *buf,
		      size_t len)
{
	const uint8_t *in = buf;
	uint8_t want[512];
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(want) ? len - done :
						       sizeof(want);
		size_t i;

		stream_fill(seed, offset + done, want, n);
		if (memcmp(want, in + done, n)) {
			for (i = 0; want[i] == in[done + i]; i++)
				;
			return done + i;
		}
		done += n;
	}
	return len;
}

static const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror32(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* One round; the caller renames the variables instead of moving them. */
static inline __attribute__((always_inline)) void
sha256_round(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e,
	     uint32_t f, uint32_t g, uint32_t *h, uint32_t kw)
{
	uint32_t t1 = *h + kw + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) +
		      (g ^ (e & (f ^ g)));

	*d += t1;
	*h = t1 + (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) +
	     ((a & b) | (c & (a | b)));
}

static void sha256_block(uint32_t state[8], const uint8_t *p)
{
	uint32_t w[64], s[8];
	const uint32_t *k = sha256_k;
	unsigned int i;

	for (i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	for (; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
		       (ror32(a, 7) ^ ror32(a, 18) ^ a >> 3) +
		       (ror32(b, 17) ^ ror32(b, 19) ^ b >> 10);
	}
	memcpy(s, state, sizeof(s));
#define ROUND(j) \
	sha256_round(s[(64 - (j)) % 8], s[(65 - (j)) % 8], s[(66 - (j)) % 8], \
		     &s[(67 - (j)) % 8], s[(68 - (j)) % 8], \
		     s[(69 - (j)) % 8], s[(70 - (j)) % 8], \
		     &s[(71 - (j)) % 8], k[i + (j)] + w[i + (j)])
	for (i = 0; i < 64; i += 8) {
		ROUND(0);
		ROUND(1);
		ROUND(2);
		ROUND(3);
		ROUND(4);
		ROUND(5);
		ROUND(6);
		ROUND(7);
	}
#undef ROUND
	for (i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_init(struct sha256 *ctx)
{
	static const uint32_t start[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(ctx->state, start, sizeof(start));
	ctx->bytes = 0;
}

void sha256_update(struct sha256 *ctx, const void *data, size_t len)
{
	const uint8_t *in = data;

	while (len) {
		size_t fill = ctx->bytes % 64;
		size_t n = 64 - fill < len ? 64 - fill : len;

		if (n == 64) {
			sha256_block(ctx->state, in);
		} else {
			memcpy(ctx->block + fill, in, n);
			if (fill + n == 64)
				sha256_block(ctx->state, ctx->block);
		}
		ctx->bytes += n;
		in += n;
		len -= n;
	}
}

void sha256_final(struct sha256 *ctx, uint8_t digest[32])
{
	static const uint8_t pad[64] = { 0x80 };
	uint64_t bits = ctx->bytes * 8;
	uint8_t tail[8];
	unsigned int i;

	sha256_update(ctx, pad, 1 + (119 - ctx->bytes % 64) % 64);
	for (i = 0; i < 8; i++)
		tail[i] = bits >> (56 - 8 * i);
	sha256_update(ctx, tail, sizeof(tail));
	for (i = 0; i < 32; i++)
		digest[i] = ctx->state[i / 4] >> (24 - 8 * (i % 4));
}

void sha256_selftest(void)
{
	/* FIPS 180-4's examples; the long one crosses a block in its pad. */
	static const char *const text[] = {
		"", "abc",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	};
	static const uint8_t first[][4] = {
		{ 0xe3, 0xb0, 0xc4, 0x42 },
		{ 0xba, 0x78, 0x16, 0xbf },
		{ 0x24, 0x8d, 0x6a, 0x61 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(text); i++) {
		struct sha256 ctx;
		uint8_t digest[32];

		sha256_init(&ctx);
		sha256_update(&ctx, text[i], strlen(text[i]));
		sha256_final(&ctx, digest);
		if (memcmp(digest, first[i], sizeof(first[i])))
			die("SHA-256 of '%s' is wrong", text[i]);
	}
}

static unsigned int failed;

static void case_line(const char *verdict, const char *fmt, va_list ap)
{
	printf("%s ", verdict);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

void ok(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	case_line("ok", fmt, ap);
	va_end(ap);
}

void not_ok(const char *fmt, ...)
{
	va_list ap;

	failed++;
	va_start(ap, fmt);
	case_line("not ok", fmt, ap);
	va_end(ap);
}

unsigned int cases_failed(void)
{
	return failed;
}
