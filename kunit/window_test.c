// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/window.c: scaling, acceptability, silly windows, Nagle.
 *
 * Cases with sequence numbers are repeated around each anchor.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "../module/options.h"
#include "../module/seq.h"
#include "../module/window.h"
#include "prng.h"

static const u32 anchors[] = {
	0, 1, 1000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001,
	0xfffffffc, 0xfffffffe, 0xffffffff,
};

struct scale_param {
	u32 space;
	u8 want;
};

static const struct scale_param scale_params[] = {
	{ 0, 0 }, { 1, 0 }, { 65535, 0 }, { 65536, 1 }, { 131070, 1 },
	{ 131071, 2 }, { 6291456, 7 }, { 65535u << 13, 13 },
	{ (65535u << 13) + 1, 14 }, { 65535u << 14, 14 },
	{ (65535u << 14) + 1, 14 }, { U32_MAX, 14 },
};

static void scale_desc(const struct scale_param *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", p->space);
}

KUNIT_ARRAY_PARAM(scale, scale_params, scale_desc);

static void window_scale__table(struct kunit *test)
{
	const struct scale_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, toytcp_window_scale(p->space), p->want);
}

static void window_scale__is_the_smallest(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 5000; i++) {
		u32 space = prng_magnitude(&p);
		u8 s = toytcp_window_scale(space);

		KUNIT_ASSERT_TRUE_MSG(test, s == TOYTCP_WSCALE_MAX || space <= 65535u << s,
				      "%u bytes, %u" PRNG_FMT, space, s, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, !s || space > 65535u << (s - 1),
				      "%u bytes, %u" PRNG_FMT, space, s, prng_where(&p));
	}
}

/* RFC 9293 table 6; seq as distance from rcv_nxt */
struct acceptable_param {
	const char *name;
	u32 wnd, seq, len;
	bool want, touches;
};

static const struct acceptable_param acceptable_params[] = {
	/* length 0, window 0 */
	{ "pure ACK, closed, exact",		0, 0, 0, true, true },
	{ "pure ACK, closed, one early",	0, -1, 0, false, false },
	{ "pure ACK, closed, one late",		0, 1, 0, false, false },
	/* length 0, window > 0 */
	{ "pure ACK, left edge",		10, 0, 0, true, true },
	{ "pure ACK, last octet",		10, 9, 0, true, true },
	{ "pure ACK, right edge",		10, 10, 0, false, true },
	{ "pure ACK, beyond",			10, 11, 0, false, false },
	{ "pure ACK, one early",		10, -1, 0, false, false },
	/* length > 0, window 0 */
	{ "data, closed, exact",		0, 0, 1, false, true },
	{ "data, closed, old",			0, -1, 1, false, true },
	{ "data, closed, older",		0, -2, 1, false, false },
	/* length > 0, window > 0 */
	{ "data, fills the window",		10, 0, 10, true, true },
	{ "data, starts in, ends behind",	10, 9, 100, true, true },
	{ "data, right edge",			10, 10, 1, false, true },
	{ "data, beyond",			10, 11, 1, false, false },
	{ "data, all old",			10, -5, 5, false, true },
	{ "data, older",			10, -6, 5, false, false },
	{ "data, last octet new",		10, -5, 6, true, true },
	{ "data, ends at the last octet",	10, -5, 15, true, true },
	{ "data, covers more than the window",	10, -5, 16, false, true },
	{ "SYN of long ago",			10, -100000, 1, false, false },
	{ "largest window, last octet",		65535u << 14, (65535u << 14) - 1, 1, true, true },
	{ "largest window, right edge",		65535u << 14, 65535u << 14, 1, false, true },
	{ "half a circle away",			10, 0x80000000, 1, false, false },
};

static void acceptable_desc(const struct acceptable_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(acceptable, acceptable_params, acceptable_desc);

static void window_acceptable__table(struct kunit *test)
{
	const struct acceptable_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		u32 nxt = anchors[i];

		KUNIT_EXPECT_EQ_MSG(test, p->want,
				    toytcp_window_acceptable(nxt, p->wnd, nxt + p->seq, p->len),
				    "rcv_nxt=%#x", nxt);
	}
}

/* the table of the RFC in plain integers, seq relative to rcv_nxt */
static bool acceptable_by_the_book(int wnd, int seq, int len)
{
	int end = seq + len - 1;

	if (!len && !wnd)
		return seq == 0;
	if (!len)
		return seq >= 0 && seq < wnd;
	if (!wnd)
		return false;
	return (seq >= 0 && seq < wnd) || (end >= 0 && end < wnd);
}

static void check_by_the_book(struct kunit *test, int wnd, int seq, int len)
{
	bool want = acceptable_by_the_book(wnd, seq, len);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		u32 nxt = anchors[i];

		KUNIT_EXPECT_EQ_MSG(test, toytcp_window_acceptable(nxt, wnd, nxt + seq, len),
				    want, "rcv_nxt=%#x wnd=%d seq=%+d len=%d",
				    nxt, wnd, seq, len);
	}
}

static void window_acceptable__every_small_one(struct kunit *test)
{
	int wnd, seq, len;

	for (wnd = 0; wnd < 6; wnd++)
		for (seq = -8; seq < 8; seq++)
			for (len = 0; len < 16; len++)
				check_by_the_book(test, wnd, seq, len);
}

static void window_touches__table(struct kunit *test)
{
	const struct acceptable_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		u32 nxt = anchors[i];

		KUNIT_EXPECT_EQ_MSG(test, p->touches,
				    toytcp_window_touches(nxt, p->wnd, nxt + p->seq, p->len),
				    "rcv_nxt=%#x", nxt);
	}
}

/* whatever is acceptable touches, too */
static void window_touches__is_the_wider_test(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		u32 nxt = prng_seq(&p), wnd = prng_magnitude(&p) & 0x3fffffff;
		u32 len = prng_below(&p, 70000);
		u32 seq = nxt + prng_below(&p, wnd + 140000) - 70000;

		if (!toytcp_window_acceptable(nxt, wnd, seq, len))
			continue;
		KUNIT_ASSERT_TRUE_MSG(test, toytcp_window_touches(nxt, wnd, seq, len),
				      "rcv_nxt=%#x wnd=%u seq=%#x len=%u" PRNG_FMT,
				      nxt, wnd, seq, len, prng_where(&p));
	}
}

/* seq and ack as distances from snd_wl1 and snd_wl2 */
struct update_param {
	const char *name;
	u32 seq, ack, wnd, seg_wnd;
	bool want;
};

static const struct update_param update_params[] = {
	{ "newer seq, smaller window",		1, 0, 1000, 10, true },
	{ "newer seq, same window",		1, 0, 1000, 1000, true },
	{ "newer ack, smaller window",		0, 1, 1000, 10, true },
	{ "newer ack, zero window",		0, 1, 1000, 0, true },
	{ "both newer",				1460, 1460, 1000, 10, true },
	{ "both equal, larger",			0, 0, 1000, 1001, true },
	{ "both equal, same",			0, 0, 1000, 1000, false },
	{ "both equal, smaller",		0, 0, 1000, 999, false },
	{ "both equal, zero",			0, 0, 1000, 0, true },
	{ "older seq, larger",			-1, 0, 1000, 2000, false },
	{ "older seq, zero",			-1, 0, 1000, 0, false },
	{ "older ack, larger",			0, -1, 1000, 2000, false },
	{ "both older, larger",			-1460, -1460, 1000, 2000, false },
	{ "retransmission with a newer ack",	-1460, 1460, 1000, 500, true },
	{ "newest seq that there is",		0x7fffffff, 0, 1000, 10, true },
};

static void update_desc(const struct update_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(update, update_params, update_desc);

static void window_update_ok__table(struct kunit *test)
{
	const struct update_param *p = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(anchors); i++) {
		u32 wl1 = anchors[i];
		u32 wl2 = anchors[ARRAY_SIZE(anchors) - 1 - i];

		KUNIT_EXPECT_EQ_MSG(test, p->want,
				    toytcp_window_update_ok(wl1, wl2, p->wnd, wl1 + p->seq,
							    wl2 + p->ack, p->seg_wnd),
				    "wl1=%#x wl2=%#x", wl1, wl2);
	}
}

struct select_param {
	const char *name;
	struct toytcp_window_in in;
	u32 want;
};

#define SELECT_IN(_space, _full, _mss, _cur, _wscale)			\
	{ .space = _space, .full_space = _full, .mss = _mss,		\
	  .cur_wnd = _cur, .wscale = _wscale }

static const struct select_param select_params[] = {
	{ "empty buffer, first window",	SELECT_IN(60000, 60000, 1460, 0, 0), 60000 },
	{ "nothing changed",		SELECT_IN(60000, 60000, 1460, 60000, 0), 60000 },
	/* the reader is slower than the network: the edge stays */
	{ "one MSS came, unread",	SELECT_IN(58540, 60000, 1460, 58540, 0), 58540 },
	{ "read, less than an MSS",	SELECT_IN(59999, 60000, 1460, 58540, 0), 58540 },
	{ "read, an MSS",		SELECT_IN(60000, 60000, 1460, 58540, 0), 60000 },
	/* closed */
	{ "full",			SELECT_IN(0, 60000, 1460, 0, 0), 0 },
	{ "closed, one byte read",	SELECT_IN(1, 60000, 1460, 0, 0), 0 },
	{ "closed, MSS - 1 read",	SELECT_IN(1459, 60000, 1460, 0, 0), 0 },
	{ "closed, MSS read",		SELECT_IN(1460, 60000, 1460, 0, 0), 1460 },
	/* a buffer smaller than two segments: half of it is the step */
	{ "small buffer, under half",	SELECT_IN(499, 1000, 1460, 0, 0), 0 },
	{ "small buffer, half",		SELECT_IN(500, 1000, 1460, 0, 0), 500 },
	{ "one byte of buffer, full",	SELECT_IN(0, 1, 1460, 0, 0), 0 },
	{ "one byte of buffer, free",	SELECT_IN(1, 1, 1460, 0, 0), 1 },
	{ "no buffer",			SELECT_IN(0, 0, 1460, 0, 0), 0 },
	/* the buffer shrank: what was promised stands */
	{ "promised more than there is", SELECT_IN(100, 60000, 1460, 5000, 0), 5000 },
	{ "promised, now no buffer",	SELECT_IN(0, 0, 1460, 5000, 0), 5000 },
	{ "promised, scaled: rounded up", SELECT_IN(0, 60000, 1460, 5000, 7), 5120 },
	{ "promised, a multiple",	SELECT_IN(0, 60000, 1460, 5120, 7), 5120 },
	/* the field ends at 65535 */
	{ "no scaling, large buffer",	SELECT_IN(1000000, 1000000, 1460, 0, 0), 65535 },
	{ "scaling 4, large buffer",	SELECT_IN(10000000, 10000000, 1460, 0, 4), 65535u << 4 },
	{ "scaling 14, all of it",	SELECT_IN(U32_MAX, U32_MAX, 1460, 0, 14), 65535u << 14 },
	{ "at the limit, no room to move", SELECT_IN(1000000, 1000000, 1460, 65000, 0), 65000 },
	{ "promise beyond the field",	SELECT_IN(0, 0, 1460, U32_MAX, 14), 65535u << 14 },
	/* new offers are rounded down */
	{ "scaled offer",		SELECT_IN(60000, 60000, 1460, 0, 7), 59904 },
	{ "scaled offer of exactly a unit", SELECT_IN(16384, 60000, 1460, 0, 14), 16384 },
	{ "rounding eats the advance",	SELECT_IN(60000, 60000, 1460, 58500, 7), 58624 },
	/* unless that would never offer anything */
	{ "buffer below a unit",	SELECT_IN(8000, 8000, 1460, 0, 14), 16384 },
	{ "buffer below a unit, nearly full", SELECT_IN(1459, 8000, 1460, 0, 14), 0 },
	/* what a careless caller might say */
	{ "shift count beyond 14",	SELECT_IN(U32_MAX, U32_MAX, 1460, 0, 255), 65535u << 14 },
	{ "no MSS known",		SELECT_IN(10, 60000, 0, 0, 0), 10 },
};

static void select_desc(const struct select_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(select, select_params, select_desc);

static void window_select__table(struct kunit *test)
{
	const struct select_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, toytcp_window_select(&p->in), p->want);
}

static void window_select__promises(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		struct toytcp_window_in in = {
			.wscale = prng_below(&p, 15),
			.full_space = prng_magnitude(&p),
			.mss = 1 + prng_below(&p, 9000),
		};
		u32 unit = 1u << in.wscale, limit = 65535u << in.wscale;
		u32 step, wnd;

		in.space = min(prng_magnitude(&p), in.full_space);
		in.cur_wnd = min(prng_magnitude(&p), limit);
		step = max(min(in.mss, in.full_space / 2), 1u);
		wnd = toytcp_window_select(&in);

		KUNIT_ASSERT_EQ_MSG(test, wnd % unit, 0u,
				    "the field can say it" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_LE_MSG(test, wnd, limit,
				    "the field can hold it" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_GE_MSG(test, wnd, in.cur_wnd, "no shrinking" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, wnd - in.cur_wnd < unit || wnd - in.cur_wnd >= step,
				      "no silly advance" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, wnd <= in.space || wnd == unit ||
				      wnd - in.cur_wnd < unit,
				      "no offer without a buffer" PRNG_FMT, prng_where(&p));
	}
}

/* Clark's example: the reader takes one byte at a time from a full buffer */
static void window_select__slow_reader_opens_in_steps(struct kunit *test)
{
	struct toytcp_window_in in = SELECT_IN(0, 8192, 1000, 0, 0);
	unsigned int updates = 0;

	for (in.space = 0; in.space <= 8192; in.space++) {
		u32 wnd = toytcp_window_select(&in);

		if (wnd != in.cur_wnd) {
			KUNIT_EXPECT_EQ(test, wnd - in.cur_wnd, 1000u);
			updates++;
		}
		in.cur_wnd = wnd;
	}
	KUNIT_EXPECT_EQ(test, updates, 8u);
}

/*
 * A connection's life of windows: data arrives as far as it was allowed, the
 * program reads when it likes. On the circle the right edge never moves left,
 * and once the program has read everything there is something to send into.
 */
static void window_select__edge_never_moves_left(struct kunit *test)
{
	struct prng p = prng_start(test);
	u8 wscale = prng_below(&p, 15);
	u32 full = 1 + prng_below(&p, 65535u << wscale);
	u32 nxt = prng_seq(&p), edge = nxt, queued = 0;
	struct toytcp_window_in in = {
		.full_space = full, .mss = 1460, .wscale = wscale,
	};
	unsigned int i;

	for (i = 0; i < 5000; i++) {
		u32 wnd;

		in.space = full > queued ? full - queued : 0;
		in.cur_wnd = edge - nxt;
		wnd = toytcp_window_select(&in);
		KUNIT_ASSERT_TRUE_MSG(test, seq_geq(nxt + wnd, edge),
				      "the edge moved left" PRNG_FMT, prng_where(&p));
		KUNIT_ASSERT_TRUE_MSG(test, queued || wnd,
				      "an empty buffer, but a closed window" PRNG_FMT,
				      prng_where(&p));
		edge = nxt + wnd;

		if (wnd) {
			u32 got = prng_below(&p, min(wnd, 5000u) + 1);

			nxt += got;
			queued += got;
		}
		if (prng_once_in(&p, 50))
			queued = 0;
		else
			queued -= prng_below(&p, min(queued, 5000u) + 1);
	}
}

#define SEND_IN(_len, _usable, _max, _flight, ...)			\
	{ .len = _len, .mss = 1000, .usable = _usable,			\
	  .max_snd_wnd = _max, .in_flight = _flight, ##__VA_ARGS__ }

struct send_param {
	const char *name;
	struct toytcp_send_in in;
	enum toytcp_send_verdict want;
};

static const struct send_param send_params[] = {
	/* rule 1 */
	{ "full segment",	SEND_IN(1000, 1000, 50000, 9000, .last = true), TOYTCP_SEND_NOW },
	{ "more than one",	SEND_IN(9000, 50000, 50000, 0), TOYTCP_SEND_NOW },
	{ "full segment of more, corked",
	  SEND_IN(1001, 50000, 50000, 9000, .last = true, .cork = true),
	  TOYTCP_SEND_NOW },
	/* the window */
	{ "closed",		SEND_IN(1000, 0, 50000, 9000, .last = true), TOYTCP_SEND_WINDOW },
	{ "closed, nodelay",
	  SEND_IN(1, 0, 50000, 0, .last = true, .nodelay = true), TOYTCP_SEND_WINDOW },
	{ "closed, lone FIN",
	  SEND_IN(0, 0, 50000, 0, .last = true, .fin = true), TOYTCP_SEND_WINDOW },
	{ "never open",		SEND_IN(1, 0, 0, 0, .last = true), TOYTCP_SEND_WINDOW },
	{ "one short of a segment",
	  SEND_IN(1000, 999, 50000, 49001, .last = true), TOYTCP_SEND_WINDOW },
	{ "the same, nodelay",	SEND_IN(1000, 999, 50000, 49001, .last = true, .nodelay = true),
	  TOYTCP_SEND_WINDOW },
	{ "the same, FIN",	SEND_IN(1000, 999, 50000, 49001, .last = true, .fin = true),
	  TOYTCP_SEND_WINDOW },
	{ "one short, nothing in flight",
	  SEND_IN(1000, 999, 50000, 0, .last = true), TOYTCP_SEND_WINDOW },
	/* rule 3: a peer with a small buffer */
	{ "half of a small window", SEND_IN(1000, 300, 600, 0, .last = true), TOYTCP_SEND_NOW },
	{ "less than half",	SEND_IN(1000, 299, 600, 301, .last = true), TOYTCP_SEND_WINDOW },
	{ "half, more in flight", SEND_IN(1000, 300, 600, 300, .last = true), TOYTCP_SEND_NAGLE },
	{ "half, more in flight, nodelay",
	  SEND_IN(1000, 300, 600, 300, .last = true, .nodelay = true),
	  TOYTCP_SEND_NOW },
	{ "half, corked: will not get larger",
	  SEND_IN(1000, 300, 600, 0, .last = true, .cork = true),
	  TOYTCP_SEND_NOW },
	{ "half, FIN behind what does not fit",
	  SEND_IN(1000, 300, 600, 300, .last = true, .fin = true),
	  TOYTCP_SEND_NAGLE },
	{ "a window of one byte", SEND_IN(1000, 1, 1, 0, .last = true), TOYTCP_SEND_NOW },
	/* rule 2 and Nagle */
	{ "small, idle",	SEND_IN(1, 50000, 50000, 0, .last = true), TOYTCP_SEND_NOW },
	{ "small, in flight",	SEND_IN(1, 50000, 50000, 1, .last = true), TOYTCP_SEND_NAGLE },
	{ "MSS - 1, in flight",	SEND_IN(999, 50000, 50000, 1, .last = true), TOYTCP_SEND_NAGLE },
	{ "small, in flight, nodelay", SEND_IN(1, 50000, 50000, 1, .last = true, .nodelay = true),
	  TOYTCP_SEND_NOW },
	{ "small, in flight, FIN",
	  SEND_IN(1, 50000, 50000, 1, .last = true, .fin = true), TOYTCP_SEND_NOW },
	{ "all there is fits a nearly full window",
	  SEND_IN(5, 5, 50000, 49995, .last = true, .nodelay = true),
	  TOYTCP_SEND_NOW },
	{ "all there is fits, idle", SEND_IN(5, 5, 50000, 0, .last = true), TOYTCP_SEND_NOW },
	{ "small, more behind",	SEND_IN(500, 50000, 50000, 0), TOYTCP_SEND_NOW },
	{ "small, more behind, in flight", SEND_IN(500, 50000, 50000, 9000), TOYTCP_SEND_NOW },
	{ "small, more behind, nearly full", SEND_IN(500, 600, 50000, 49400), TOYTCP_SEND_WINDOW },
	/* the FIN alone */
	{ "lone FIN",
	  SEND_IN(0, 1, 50000, 49999, .last = true, .fin = true), TOYTCP_SEND_NOW },
	{ "lone FIN, corked",
	  SEND_IN(0, 1, 50000, 49999, .fin = true, .cork = true), TOYTCP_SEND_NOW },
	/* cork */
	{ "small, corked",
	  SEND_IN(1, 50000, 50000, 0, .last = true, .cork = true), TOYTCP_SEND_CORK },
	{ "small, corked, nodelay",
	  SEND_IN(1, 50000, 50000, 0, .last = true, .cork = true, .nodelay = true),
	  TOYTCP_SEND_CORK },
	{ "small, corked, in flight", SEND_IN(1, 50000, 50000, 9000, .last = true, .cork = true),
	  TOYTCP_SEND_CORK },
	{ "small, corked, FIN",
	  SEND_IN(1, 50000, 50000, 9000, .last = true, .cork = true, .fin = true),
	  TOYTCP_SEND_NOW },
};

static void send_desc(const struct send_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(send, send_params, send_desc);

static void window_may_send__table(struct kunit *test)
{
	const struct send_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, toytcp_window_may_send(&p->in), p->want);
}

static void window_may_send__laws(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i;

	for (i = 0; i < 40000; i++) {
		u32 bits = prng_u32(&p);
		struct toytcp_send_in in = {
			.len = prng_magnitude(&p) & 0xfffff,
			.mss = 1 + prng_below(&p, 9000),
			.max_snd_wnd = prng_magnitude(&p) & 0xfffff,
			.in_flight = prng_magnitude(&p) & 0xfffff,
			.fin = bits & 1, .last = bits & 2,
			.nodelay = bits & 4, .cork = bits & 8,
		};
		enum toytcp_send_verdict v;

		in.len += !in.len && !in.fin;
		in.usable = prng_below(&p, in.max_snd_wnd + 1);
		v = toytcp_window_may_send(&in);

		if (!in.usable)
			KUNIT_ASSERT_EQ_MSG(test, v, TOYTCP_SEND_WINDOW,
					    "a closed window" PRNG_FMT, prng_where(&p));
		if (v == TOYTCP_SEND_NAGLE)
			KUNIT_ASSERT_TRUE_MSG(test, in.in_flight && !in.nodelay,
					      "Nagle needs an ACK to come" PRNG_FMT,
					      prng_where(&p));
		if (v == TOYTCP_SEND_CORK)
			KUNIT_ASSERT_TRUE_MSG(test, in.cork && !in.fin,
					      "no cork" PRNG_FMT, prng_where(&p));
		if (min(in.len, in.usable) >= in.mss)
			KUNIT_ASSERT_EQ_MSG(test, v, TOYTCP_SEND_NOW,
					    "a full segment" PRNG_FMT, prng_where(&p));
		/* what output.c does not even ask for: nothing_holds() */
		if (in.usable && in.len <= in.usable && in.len <= in.mss &&
		    in.last && !in.cork && (in.nodelay || !in.in_flight))
			KUNIT_ASSERT_EQ_MSG(test, v, TOYTCP_SEND_NOW,
					    "whole and alone" PRNG_FMT, prng_where(&p));

		/* an idle connection with an open window always moves */
		in.in_flight = 0;
		in.usable = in.max_snd_wnd;
		in.cork = false;
		if (in.usable)
			KUNIT_ASSERT_EQ_MSG(test, toytcp_window_may_send(&in), TOYTCP_SEND_NOW,
					    "a standstill" PRNG_FMT, prng_where(&p));
	}
}

/* a sender and a receiver, and a link that loses nothing and takes no time */
struct two_ends {
	struct toytcp_send_in snd;
	struct toytcp_window_in rcv;
	u32 queued;		/* received, not yet read, bytes */
};

/* the receiver says its window, the sender hears it; everything is acknowledged */
static void advertise(struct two_ends *t)
{
	t->rcv.space = t->rcv.full_space > t->queued ? t->rcv.full_space - t->queued : 0;
	t->rcv.cur_wnd = toytcp_window_select(&t->rcv);
	t->snd.usable = t->rcv.cur_wnd;
	t->snd.max_snd_wnd = max(t->snd.max_snd_wnd, t->snd.usable);
	t->snd.in_flight = 0;
}

/* sends as much as may go now; returns how many segments that was */
static unsigned int send_all(struct two_ends *t)
{
	unsigned int n = 0;

	while (toytcp_window_may_send(&t->snd) == TOYTCP_SEND_NOW) {
		u32 len = min3(t->snd.len, t->snd.usable, t->snd.mss);

		t->snd.usable -= len;
		t->snd.in_flight += len;
		t->rcv.cur_wnd -= len;
		t->queued += len;
		n++;
	}
	return n;
}

/*
 * SWS avoidance at both ends: whatever the sizes, a sender with data never
 * waits for a receiver that has read everything. (Each waiting for the other
 * to move first is what happens when the two halves disagree.)
 */
static void window_may_send__and_select_never_deadlock(struct kunit *test)
{
	struct prng p = prng_start(test);
	unsigned int i, step;

	for (i = 0; i < 500; i++) {
		u32 mss = 1 + prng_below(&p, 9000);
		struct two_ends t = {
			.snd = { .len = 1000000, .mss = mss, .last = true },
			.rcv = {
				.mss = prng_once_in(&p, 2) ? mss : 1 + prng_below(&p, mss),
				.full_space = 1 + prng_below(&p, 100000),
				.wscale = prng_once_in(&p, 2) ? 0 : prng_below(&p, 15),
			},
		};

		for (step = 0; step < 50; step++) {
			advertise(&t);
			KUNIT_ASSERT_TRUE_MSG(test, send_all(&t) || t.queued,
					      "buffer %u, MSS %u and %u, shift %u, window %u"
					      PRNG_FMT, t.rcv.full_space, mss, t.rcv.mss,
					      t.rcv.wscale, t.snd.usable, prng_where(&p));
			t.queued = prng_once_in(&p, 3) ? 0 : prng_below(&p, t.queued + 1);
		}
	}
}

#define DEFER_IN(_len, _limit, _window, _age_us, _idle_us, _srtt_us, _growing) \
	{ .len = _len, .limit = _limit, .window = _window, .goal = 44000,	\
	  .head_age_us = _age_us, .idle_us = _idle_us, .srtt_us = _srtt_us,	\
	  .growing = _growing }

struct defer_param {
	const char *name;
	struct toytcp_defer_in in;
	bool want;
};

static const struct defer_param defer_params[] = {
	{ "room for little",	DEFER_IN(44000, 10000, 60000, 60, 0, 100, true), true },
	{ "a full buffer",	DEFER_IN(44000, 44000, 200000, 60, 0, 100, true), false },
	{ "a third of the window", DEFER_IN(44000, 20000, 60000, 60, 0, 100, true), false },
	{ "less than a third",	DEFER_IN(44000, 19999, 60000, 60, 0, 100, true), true },
	{ "fits, may grow",	DEFER_IN(9000, 10000, 60000, 60, 0, 100, true), true },
	{ "fits, will not grow", DEFER_IN(9000, 10000, 60000, 60, 0, 100, false), false },
	{ "an ACK is far",	DEFER_IN(44000, 10000, 60000, 49, 0, 100, true), false },
	{ "an ACK in a millisecond", DEFER_IN(44000, 10000, 60000, 49000, 0, 50000, true), true },
	{ "an ACK later than that", DEFER_IN(44000, 10000, 60000, 48999, 0, 50000, true), false },
	{ "an ACK is late",	DEFER_IN(44000, 10000, 60000, 90000, 0, 50000, true), true },
	{ "no round trip known", DEFER_IN(44000, 10000, 60000, 60, 0, 0, true), true },
	{ "after a pause",	DEFER_IN(44000, 10000, 60000, 60, 1000, 100, true), false },
	{ "a pause of the network", DEFER_IN(44000, 10000, 60000, 60, 999, 100, true), true },
	{ "nothing may go",	DEFER_IN(44000, 0, 0, 60, 0, 100, true), false },
};

static void defer_desc(const struct defer_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(defer, defer_params, defer_desc);

static void window_defer__table(struct kunit *test)
{
	const struct defer_param *p = test->param_value;

	KUNIT_EXPECT_EQ(test, toytcp_window_defer(&p->in), p->want);
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE_PARAM(window_scale__table, scale_gen_params),
	KUNIT_CASE_PARAM(window_scale__is_the_smallest, prng_seed_gen_params),
	KUNIT_CASE_PARAM(window_acceptable__table, acceptable_gen_params),
	KUNIT_CASE(window_acceptable__every_small_one),
	KUNIT_CASE_PARAM(window_touches__table, acceptable_gen_params),
	KUNIT_CASE_PARAM(window_touches__is_the_wider_test, prng_seed_gen_params),
	KUNIT_CASE_PARAM(window_update_ok__table, update_gen_params),
	KUNIT_CASE_PARAM(window_select__table, select_gen_params),
	KUNIT_CASE_PARAM(window_select__promises, prng_seed_gen_params),
	KUNIT_CASE(window_select__slow_reader_opens_in_steps),
	KUNIT_CASE_PARAM(window_select__edge_never_moves_left, prng_seed_gen_params),
	KUNIT_CASE_PARAM(window_may_send__table, send_gen_params),
	KUNIT_CASE_PARAM(window_may_send__laws, prng_seed_gen_params),
	KUNIT_CASE_PARAM(window_may_send__and_select_never_deadlock, prng_seed_gen_params),
	KUNIT_CASE_PARAM(window_defer__table, defer_gen_params),
	{}
};

static struct kunit_suite window_suite = {
	.name = "toytcp_window",
	.test_cases = window_cases,
};

kunit_test_suites(&window_suite);
