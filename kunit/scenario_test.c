// SPDX-License-Identifier: GPL-2.0
/*
 * The scenarios of kunit/scenarios/ (docs/scenarios.md), each a case of its
 * own, and tests of the language itself: every kind of expectation must be
 * able to fail, and nothing malformed may run.
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "scenario.h"

extern const char scn_data[], scn_data_end[];

/* ---- the scenarios ---- */

/* of all the cases; module exit is its end */
static struct scn_text *all;

/* KUnit's generator of parameters: the case after @prev */
static const void *next_case(const void *prev, char *desc)
{
	const struct scn_case *c = prev;

	if (!prev) {
		scn_text_free(all);
		all = scn_text_split(scn_data, scn_data_end - scn_data);
	}
	if (!all || !all->n_cases)
		return NULL;
	c = c ? c + 1 : all->cases;
	if (c == all->cases + all->n_cases)
		return NULL;
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
	return c;
}

static void scenario__run(struct kunit *test)
{
	const struct scn_case *c = test->param_value;
	const char *known = c && c->block ? c->block->known : NULL;
	const char *wrong = NULL;
	u32 variant, end = SCN_VARIANTS;

	KUNIT_ASSERT_NOT_NULL_MSG(test, c, "there are no scenarios");
	variant = 0;
	/* the many rows of a table take turns */
	if (c->block && c->block->kind == SCN_TABLE) {
		variant = c->row % SCN_VARIANTS;
		end = variant + 1;
	}
	for (; variant < end && !wrong; variant++)
		wrong = scn_run_case(test, all, c, variant);
	if (!known && wrong)
		KUNIT_FAIL(test, "%s", wrong);
	else if (known && wrong)
		kunit_mark_skipped(test, "known: %s: %s", known, wrong);
	else if (known)
		KUNIT_FAIL(test, "%s does not fail any more: %s", c->name, known);
}

/* one wait for RCU for all of them */
static void scenario__no_socket_leaked(struct kunit *test)
{
	rcu_barrier();
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, toytcp_sock_count(), 0);
}

static void scenario_exit(struct kunit_suite *suite)
{
	scn_text_free(all);
	all = NULL;
}

/* ---- the language ---- */

#define MACROS								\
	"=== macro est\n"						\
	"+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"		\
	"+0 bind(3, ..., ...) = 0\n"					\
	"+0 listen(3, 1) = 0\n"						\
	"+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0>\n"	\
	"+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 9 ecr 100>\n"	\
	"+.01 < . 1:1(0) ack 1 <TS val 110 ecr 9>\n"			\
	"+0 accept(3, ..., ...) = 4\n"

static const struct meta {
	const char *name;
	const char *lines;
	const char *wrong;	/* in what is said; NULL: it must not fail */
} metas[] = {
	{ "nothing", "", NULL },
	{ "good",
	  "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <TS val 19 ecr 110>\n"
	  "+.1 < . 1:1(0) ack 11 <TS val 210 ecr 19>", NULL },
	{ "comments and marks",
	  "# nothing\n// nothing\n[linux] +0 nonsense\n[toytcp] [wire] nonsense\n"
	  "[toytcp] [kunit] +0 assert state == ESTABLISHED // nothing", NULL },
	{ "a line goes on",
	  "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) \\\n  ack 1 <...>", NULL },

	/* what is sent */
	{ "nothing sent", "+0 > . 1:1(0) ack 1 <...>", "nothing came" },
	{ "nobody expects it", "+0 write(4, ..., 10) = 10", "nobody expected > P. 1:11(10) ack 1" },
	{ "nobody expects it before",
	  "+0 write(4, ..., 10) = 10\n+0 < . 1:1(0) ack 11 <TS val 110 ecr 9>",
	  "nobody expected" },
	{ "silence", "+0 write(4, ..., 10) = 10\n+.5 silence", "nobody expected" },
	{ "flags", "+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1 <...>", "came > P. 1:11(10)" },
	{ "PSH or not", "+0 write(4, ..., 10) = 10\n+0 > p. 1:11(10) ack 1 <...>", NULL },
	{ "PSH or not, but ACK", "+0 write(4, ..., 10) = 10\n+0 > p 1:11(10) <...>",
	  "came > P. 1:11(10)" },
	{ "sequence number", "+0 write(4, ..., 10) = 10\n+0 > P. 2:12(10) ack 1 <...>",
	  "came > P. 1:11(10)" },
	{ "length", "+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1 <...>",
	  "came > P. 1:11(10)" },
	{ "ack", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2 <...>", "came > P. 1:11(10)" },
	{ "window", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 win 7 <...>",
	  "came > P. 1:11(10)" },
	{ "urgent pointer", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 urg 7 <...>",
	  "came > P. 1:11(10)" },
	{ "options missing", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1",
	  "<TS val 19 ecr 110>" },
	{ "options too many",
	  "+0 write(4, ..., 10) = 10\n"
	  "+0 > P. 1:11(10) ack 1 <TS val 19 ecr 110,sack 1:2>",
	  "<TS val 19 ecr 110>" },
	{ "timestamp", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <TS val 22 ecr 110>",
	  "<TS val 19 ecr 110>" },
	{ "echo", "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <TS val 19 ecr 111>",
	  "<TS val 19 ecr 110>" },
	{ "SACK block",
	  "+0 < . 11:21(10) ack 1 <TS val 110 ecr 9>\n"
	  "+0 > . 1:1(0) ack 1 <TS val * ecr *,sack 11:22>",
	  "sack 11:21>" },
	{ "absolute", "+0 write(4, ..., 10) = 10\n+0 > P. @1:@11(10) ack 1 <...>",
	  "came > P. 1:11(10)" },
	{ "other peer", "+0 write(4, ..., 10) = 10\n+0 2> P. 1:11(10) ack 1 <...>",
	  "came > P. 1:11(10)" },
	{ "too early", "+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1 <...>", "early" },
	{ "not yet",
	  "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <...>\n+.1 > P. 1:11(10) ack 1 <...>",
	  "nothing came" },
	{ "out of the range",
	  "+0 write(4, ..., 10) = 10\n+.1~+.2 > P. 1:11(10) ack 1 <...>", "early" },

	/* calls */
	{ "result", "+0 write(4, ..., 10) = 11", "write() = 10" },
	{ "errno", "+0 read(4, ..., 10) = -1 EINVAL", "read() = -1 EAGAIN" },
	{ "no error", "+0 read(4, ..., 10) = 0", "read() = -1 EAGAIN" },
	{ "error expected", "+0 write(4, ..., 10) = -1 EPIPE", "write() = 10" },
	{ "no descriptor", "+0 write(9, ..., 10) = 10", "no such descriptor" },
	{ "no call", "+0 wrote(4, ..., 10) = 10", "no such call" },
	{ "option", "+0 getsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], [4]) = 0",
	  "the value is [0]" },
	{ "poll", "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1",
	  "revents=0x4" },
	{ "ioctl", "+0 ioctl(4, FIONREAD, [1]) = 0", "the value is [0]" },
	{ "no child", "+0 accept(3, ..., ...) = 5", "accept() = -1 EAGAIN" },

	/* state */
	{ "state", "+0 assert state == CLOSE_WAIT", "the state is ESTABLISHED" },
	{ "state of nothing", "+0 2 assert state == ESTABLISHED", "the state is NONE" },
	{ "tcp_info", "+0 assert 4 tcpi_snd_cwnd == 10, tcpi_unacked > 0", "tcpi_unacked is 0" },
	{ "no field", "+0 assert 4 tcpi_nothing == 10", "tcpi_nothing cannot be had" },
	{ "no sysctl", "+0 sysctl nothing = 1", "no sysctl nothing" },

	/* malformed */
	{ "nonsense", "+0 nonsense", "not understood" },
	{ "no time", "+x < . 1:1(0) ack 1", "not understood" },
	{ "range of a call", "+0~+1 write(4, ..., 10) = 10", "range of times" },
	{ "PSH or not injected", "+0 < p. 1:11(10) ack 1", "not understood" },
	{ "no such flag", "+0 < X 1:1(0)", "not understood" },
	{ "length and end", "+0 < . 1:11(9) ack 1", "not understood" },
	{ "flag without ack", "+0 < . 1:11(10)", "not understood" },
	{ "any option injected", "+0 < S 0:0(0) <...>", "not understood" },
	{ "any cookie injected", "+0 < S 0:0(0) <FO *>", "not understood" },
	{ "half a byte of a cookie", "+0 < S 0:0(0) <FO 01234>", "not understood" },
	{ "a long cookie", "+0 > S 0:0(0) <FO 000102030405060708090a0b0c0d0e0f10>",
	  "not understood" },
	{ "raw expected", "+0 > S 0:0(0) <raw 0204>", "not understood" },
	{ "no such option", "+0 < S 0:0(0) <mms 1460>", "not understood" },
	{ "option left open", "+0 < S 0:0(0) <mss 1460", "not understood" },
	{ "too many options",
	  "+0 < S 0:0(0) <mss 1,mss 1,mss 1,mss 1,mss 1,mss 1,mss 1,mss 1,TS val 1 ecr 1>",
	  "bytes of options" },
	{ "a call left open", "+0 write(4, ..., 10", "not understood" },
	{ "no result", "+0 write(4, ..., 10)", "not understood" },
	{ "no such errno", "+0 write(4, ..., 10) = -1 EWHAT", "not understood" },
	{ "no such state", "+0 assert state == WHAT", "not understood" },
	{ "no such macro", "use nothing", "no such macro" },
	{ "macro in a circle", "use circle", "macros too deep" },
	{ "icmp", "+0 < icmp unreachable what [1:1(0)]", "not understood" },
	{ "the first error only", "+0 write(4, ..., 1) = 2\n+0 nonsense", "not understood" },
};

static void meta_desc(const struct meta *m, char *desc)
{
	strscpy(desc, m->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(meta, metas, meta_desc);

static struct scn_text *split(struct kunit *test, const char *text)
{
	struct scn_text *split = scn_text_split(text, strlen(text));

	KUNIT_ASSERT_NOT_NULL(test, split);
	return split;
}

static void language__fails(struct kunit *test)
{
	const struct meta *m = test->param_value;
	const char *wrong;
	struct scn_text *text;
	char *s;

	s = kunit_kmalloc(test, 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	snprintf(s, 4096, "=== file meta.pkt\n" MACROS
		 "=== macro circle\nuse circle\n=== one\nuse est\n%s\n", m->lines);
	text = split(test, s);
	KUNIT_EXPECT_EQ(test, text->n_cases, 1);
	wrong = scn_run_case(test, text, &text->cases[0], 0);
	if (!m->wrong) {
		KUNIT_EXPECT_NULL_MSG(test, wrong, "%s", wrong);
	} else {
		KUNIT_EXPECT_NOT_NULL_MSG(test, wrong, "did not fail");
		KUNIT_EXPECT_TRUE_MSG(test, wrong && strstr(wrong, m->wrong) &&
				      strstarts(wrong, "meta.pkt:"), "said %s", wrong);
	}
	scn_text_free(text);
}

/* files that cannot be split: a case each that fails */
static void language__malformed_blocks(struct kunit *test)
{
	static const struct {
		const char *text, *wrong;
	} bad[] = {
		{ "+0 silence\n", "outside of a block" },
		{ "=== Big\n", "no name of a block" },
		{ "===\n", "no name of a block" },
		{ "=== a b\n", "no name of a block" },
		{ "=== one\n# what: is this\n", "no key of a header" },
		{ "=== one\n=== two\n=== one\n", "twice" },
		{ "=== table t\n---\n", "a row without a name" },
		{ "=== table t\n--- a | - | -\n", "not ROW" },
		{ "=== table t\n--- a | - | - | - | -\n", "not ROW" },
		{ "=== table t\n--- a | - | - | -\n--- a | - | - | -\n", "twice" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct scn_text *text = split(test, bad[i].text);
		const char *wrong = NULL;
		u32 j;

		for (j = 0; j < text->n_cases && !wrong; j++)
			wrong = scn_run_case(test, text, &text->cases[j], 0);
		KUNIT_EXPECT_TRUE_MSG(test, wrong && strstr(wrong, bad[i].wrong), "%s: said %s",
				      bad[i].text, wrong);
		scn_text_free(text);
	}
}

static void language__rows_and_lanes(struct kunit *test)
{
	static const char s[] =
		"=== file rows.pkt\n" MACROS
		"=== wire_only\n# lanes: wire\n+0 nonsense\n"
		"=== table t\n# covers: nothing\nuse est\n"
		"--- good | R 1:1(0) | - | NONE\n"
		"--- bad | R 1:1(0) | - | ESTABLISHED\n"
		"--- two | . 1:2(1) ack 1; +.1 < . 2:3(1) ack 1 | . 1:1(0) ack 2 <...> | -\n"
		"--- call | +0 close(4) = 0 | F. 1:1(0) ack 1 <...> | FIN_WAIT1\n";
	static const bool good[] = { true, false, false, true };
	struct scn_text *text = split(test, s);
	const char *wrong;
	u32 i;

	KUNIT_ASSERT_EQ(test, text->n_cases, ARRAY_SIZE(good));
	KUNIT_EXPECT_STREQ(test, text->cases[0].name, "t__good");
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		wrong = scn_run_case(test, text, &text->cases[i], 0);
		KUNIT_EXPECT_EQ_MSG(test, !wrong, good[i], "%s: %s", text->cases[i].name, wrong);
		/* the first line after the macro that is wrong, with its number */
		if (i == 1 && wrong)
			KUNIT_EXPECT_TRUE_MSG(test, strstarts(wrong, "rows.pkt:16: "), "%s", wrong);
	}
	scn_text_free(text);
}

/* no text at all crashes the splitter or the parser: bytes of the real one, changed */
static void language__noise(struct kunit *test)
{
	size_t len = scn_data_end - scn_data, n = min_t(size_t, len, 6000), i, at = 0;
	struct scn_script script;
	static struct scn_event ev;
	struct scn_text *text;
	u64 seed = 1;
	char *wrong, *s;
	u32 j, k, round;

	s = kunit_kmalloc(test, n, GFP_KERNEL);
	wrong = kunit_kmalloc(test, SCN_WRONG, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, s && wrong);
	for (round = 0; round < 20; round++) {
		at = len > n ? round * 997 % (len - n) : 0;
		memcpy(s, scn_data + at, n);
		for (i = 0; i < n; i += 1 + (seed >> 58)) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			s[i] = (seed >> 33) & 1 ? seed >> 40 : s[(seed >> 40) % n];
		}
		text = scn_text_split(s, n);
		KUNIT_ASSERT_NOT_NULL(test, text);
		for (j = 0; j < text->n_cases; j++) {
			if (!scn_expand(text, &text->cases[j], &script, wrong))
				for (k = 0; k < script.n; k++)
					scn_parse(script.lines[k].text, &ev, wrong);
			scn_script_free(&script);
		}
		scn_text_free(text);
	}
}

static struct kunit_case scenario_cases[] = {
	KUNIT_CASE_PARAM(language__fails, meta_gen_params),
	KUNIT_CASE(language__malformed_blocks),
	KUNIT_CASE(language__rows_and_lanes),
	KUNIT_CASE(language__noise),
	KUNIT_CASE_PARAM(scenario__run, next_case),
	KUNIT_CASE(scenario__no_socket_leaked),
	{}
};

static struct kunit_suite scenario_suite = {
	.name = "toytcp_scenario",
	.suite_exit = scenario_exit,
	.init = sim_init,
	.exit = sim_exit_quick,
	.test_cases = scenario_cases,
};

kunit_test_suites(&scenario_suite);
