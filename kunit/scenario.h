/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenarios: the script-like language of docs/scenarios.md, run in sim.h's
 * world.
 *
 * scenario_text.c cuts the text of the files into cases, each a list of
 * lines; scenario_parse.c reads a line; scenario_run.c does what it says,
 * scenario_calls.c the system calls among them. No part of it fails a test:
 * what is wrong comes back as text, so that a test can ask for it.
 *
 * No locks: KUnit runs one case at a time.
 */
#ifndef _TOYTCP_KUNIT_SCENARIO_H
#define _TOYTCP_KUNIT_SCENARIO_H

#include <linux/types.h>

#include "sim.h"

#define SCN_NAME	100	/* bytes of a name, with the final 0 */
#define SCN_PEERS	10	/* 1 to 9 */
#define SCN_FDS		32
#define SCN_ARGS	6
#define SCN_OPTS	12
#define SCN_WRONG	512	/* bytes of a message */
#define SCN_PORT	8080
#define SCN_VARIANTS	2	/* sequence numbers that a case is run with */

/* ---- text ---- */

struct scn_line {
	const char *file;
	u32 nr;
	const char *text;	/* without comments, marks and blanks around */
};

enum scn_block_kind { SCN_SCENARIO, SCN_MACRO, SCN_TABLE };

struct scn_block {
	enum scn_block_kind kind;
	char name[SCN_NAME];
	u32 first, end;		/* of scn_text.lines, without the header */
	bool kunit;		/* the header lets this lane run it */
	const char *known;	/* why it may fail; NULL: it may not */
};

/* one case: a scenario, a row of a table, or something malformed */
struct scn_case {
	char name[SCN_NAME];
	const struct scn_block *block;
	u32 row;		/* of scn_text.lines, of a table */
	char wrong[160];	/* cannot be run: FILE:LINE: why */
};

struct scn_text {
	char *buf;
	struct scn_line *lines;
	struct scn_block *blocks;
	struct scn_case *cases;
	u32 n_lines, n_blocks, n_cases;
};

/* a case with its macros and its row put in */
struct scn_script {
	struct scn_line *lines;
	u32 n;
	char *row_text;		/* what lines of a row point into */
};

struct scn_text *scn_text_split(const char *text, size_t len);
void scn_text_free(struct scn_text *text);
int scn_expand(const struct scn_text *text, const struct scn_case *c,
	       struct scn_script *script, char *wrong);
void scn_script_free(struct scn_script *script);

/* ---- lines ---- */

/* a number of a segment: relative, absolute (@), or any (*) */
struct scn_num {
	s64 v;
	bool abs, any;
};

enum scn_opt_kind {
	SCN_OPT_NOP, SCN_OPT_EOL, SCN_OPT_MSS, SCN_OPT_WSCALE,
	SCN_OPT_SACKOK, SCN_OPT_SACK, SCN_OPT_TS, SCN_OPT_FO, SCN_OPT_RAW,
};

struct scn_opt {
	enum scn_opt_kind kind;
	struct scn_num a, b;	/* MSS, shift; TSval and TSecr; a: any cookie */
	bool given;		/* Fast Open: the cookie that the host gave last */
	u8 n;			/* blocks, or bytes, raw or of a cookie */
	struct scn_num sack[2 * TOYTCP_SACKS_MAX];
	u8 raw[TOYTCP_OPTIONS_MAX];
};

struct scn_seg {
	u8 flags;
	u8 ecn;			/* IP's ECN field, if has_ecn */
	struct scn_num seq, ack;
	u32 len;
	u16 win, urg;
	bool has_win, has_urg, has_ecn;
	bool any_psh;		/* p: PSH or not */
	bool any_opts;		/* <...> */
	u8 n_opts;
	struct scn_opt opts[SCN_OPTS];
};

enum scn_event_kind {
	SCN_IN, SCN_OUT, SCN_ICMP, SCN_CALL, SCN_SILENCE, SCN_STATE, SCN_INFO,
	SCN_SYSCTL, SCN_RENUMBER,
};

enum scn_op { SCN_EQ, SCN_NE, SCN_LT, SCN_LE, SCN_GT, SCN_GE };

struct scn_event {
	enum scn_event_kind kind;
	u64 from_us, to_us;	/* after the event before; to_us for a range */
	bool any_time, range;
	u8 peer;
	struct scn_seg seg;	/* ICMP: the quote */
	u8 icmp_code;
	u16 icmp_mtu;
	char name[32];		/* of the call, the field, the sysctl */
	char args[SCN_ARGS][96];
	u32 n_args;
	bool any_result;
	s64 result;		/* negative: -errno */
	int fd;			/* of an assertion about a descriptor */
	enum scn_op op;
	s64 values[3];		/* of an assertion or a sysctl */
	u32 n_values;
	const char *more;	/* assertions that follow on the line */
};

int scn_parse(const char *line, struct scn_event *ev, char *wrong);
int scn_parse_info(const char **p, struct scn_event *ev, char *wrong);
int scn_number(const char *text, s64 *value);
const char *scn_errno_name(int err);
const char *scn_state_name(int state);

/* ---- running ---- */

struct scn_peer {
	u16 port;
	u32 iss, irs;
	bool irs_known, renumber;
	u16 wnd;
	u32 ts_base;		/* what the peer's timestamps count from */
	bool host_ts_known;
	u32 host_ts_base;	/* the same for the host's */
};

struct scn_run {
	struct kunit *test;
	u64 start_us;		/* of the case */
	u64 due_us;		/* when the last event was to be */
	struct scn_peer peers[SCN_PEERS];
	struct socket *fds[SCN_FDS];
	void __user *user;	/* a page of memory as a program has it; NULL: not yet */
	u8 cookie[TOYTCP_FASTOPEN_MAX]; /* the host's, as it came last */
	u8 cookie_len;		/* bytes */
	bool urgent;		/* urgent data are about: no look at what is read */
	char wrong[SCN_WRONG];
};

int scn_call(struct scn_run *run, const struct scn_event *ev);
void scn_user_end(struct scn_run *run);
int scn_tcp_info(struct scn_run *run, int fd, const char *field, s64 *value);
const char *scn_run_case(struct kunit *test, const struct scn_text *text,
			 const struct scn_case *c, u32 variant);

#endif /* _TOYTCP_KUNIT_SCENARIO_H */
