// SPDX-License-Identifier: GPL-2.0
/*
 * SYN cookies: the arithmetic. What a request would have to remember goes
 * into the SYN-ACK's sequence number and timestamp, and comes back with the
 * peer's ACK. When a listener makes them is listen.c's to say.
 *
 * Engine (layer 1). No locks; the secrets are secret.c's. RFC 4987 section 3.6.
 *
 * The layout is Linux's. Sequence number:
 *
 *	hash(ends) + irs + (clock << 24) +
 *	((hash(ends, clock, irs) + mss) & 2^24-1)
 *
 * The first hash hides the rest, the second one is what nobody can forge: a
 * guess is right once in 2^24 / (4 entries of the table * 2 ticks) times.
 * Linux does not hash irs: a segment that lies up to three bytes too far in
 * the stream passes there for the one that completes the handshake, and those
 * bytes are lost.
 * The low six bits of the timestamp: window scale (15: none), SACK-permitted,
 * ECN.
 */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/net.h>
#include <linux/siphash.h>
#include <linux/time64.h>

#include "cookie.h"
#include "secret.h"

#define CLOCK_SHIFT	24
#define DATA_MASK	((1u << CLOCK_SHIFT) - 1)

#define TS_BITS		6
#define TS_WSCALE_MASK	0xf
#define TS_WSCALE_NONE	0xf
#define TS_SACK		BIT(4)
#define TS_ECN		BIT(5)

/* the peer's segment size, rounded down to one of these: Linux's choice of them */
static const u16 mss_table[] = { 536, 1300, 1440, 1460 };

static u32 cookie_hash(const struct toytcp_flow_key *key, u32 clock, u32 irs,
		       int which)
{
	struct {
		struct toytcp_flow_key key;
		u32 clock;
		u32 irs;
	} in = { .key = *key, .clock = clock, .irs = irs };

	/* no padding: nothing is hashed that was not set */
	BUILD_BUG_ON(sizeof(in) != 20);
	return (u32)siphash(&in, sizeof(in), &toytcp_secret.cookie[which]);
}

static u32 clock_of(u64 now_us)
{
	return (u32)div_u64(now_us, TOYTCP_COOKIE_PERIOD_US);
}

/**
 * toytcp_cookie_make() - an initial sequence number that remembers a SYN
 * @key: the connection's ends
 * @irs: the SYN's sequence number
 * @mss: what the SYN's MSS option says, bytes
 * @now_us: the clock, microseconds
 *
 * Context: any.
 */
u32 toytcp_cookie_make(const struct toytcp_flow_key *key, u32 irs, u16 mss,
		       u64 now_us)
{
	u32 clock = clock_of(now_us), i = ARRAY_SIZE(mss_table) - 1;

	while (i && mss_table[i] > mss)
		i--;
	return cookie_hash(key, 0, 0, 0) + irs + (clock << CLOCK_SHIFT) +
	       ((cookie_hash(key, clock, irs, 1) + i) & DATA_MASK);
}

/**
 * toytcp_cookie_check() - did we make this cookie, and not long ago?
 * @key: the connection's ends
 * @irs: the sequence number that the SYN had
 * @cookie: what the peer's ACK acknowledges, less one
 * @now_us: the clock, microseconds
 *
 * Context: any.
 * Return: the peer's segment size, bytes; 0: no cookie of ours, or too old.
 */
u16 toytcp_cookie_check(const struct toytcp_flow_key *key, u32 irs, u32 cookie,
			u64 now_us)
{
	u32 clock = clock_of(now_us), age, i;

	cookie -= cookie_hash(key, 0, 0, 0) + irs;
	age = (clock - (cookie >> CLOCK_SHIFT)) & (U32_MAX >> CLOCK_SHIFT);
	if (age >= TOYTCP_COOKIE_AGE_MAX)
		return 0;
	i = (cookie - cookie_hash(key, clock - age, irs, 1)) & DATA_MASK;
	return i < ARRAY_SIZE(mss_table) ? mss_table[i] : 0;
}

/**
 * toytcp_cookie_ts_make() - a timestamp that remembers a SYN's options
 * @opts: the options
 * @now_us: the clock, microseconds
 *
 * Context: any.
 * Return: the timestamp clock, milliseconds, at most 64 ms ago.
 */
u32 toytcp_cookie_ts_make(const struct toytcp_cookie_opts *opts, u64 now_us)
{
	u64 now_ms = div_u64(now_us, USEC_PER_MSEC), ts;

	ts = now_ms >> TS_BITS << TS_BITS;
	ts |= opts->wscale_ok ? opts->wscale : TS_WSCALE_NONE;
	if (opts->sack_ok)
		ts |= TS_SACK;
	if (opts->ecn_ok)
		ts |= TS_ECN;
	/* never later than what the connection itself will say (RFC 7323 5.4) */
	if (ts > now_ms)
		ts -= BIT(TS_BITS);
	return (u32)ts;
}

/**
 * toytcp_cookie_ts_read() - the options that a timestamp remembers
 * @ts: the echoed timestamp, the connection's offset taken off
 * @opts: filled
 *
 * Context: any.
 */
void toytcp_cookie_ts_read(u32 ts, struct toytcp_cookie_opts *opts)
{
	opts->wscale = ts & TS_WSCALE_MASK;
	opts->wscale_ok = opts->wscale != TS_WSCALE_NONE;
	opts->sack_ok = ts & TS_SACK;
	opts->ecn_ok = ts & TS_ECN;
}
