// SPDX-License-Identifier: GPL-2.0
/*
 * A scenario, event by event, in sim.h's world; see scenario.h and
 * docs/scenarios.md.
 */
#include <linux/icmp.h>
#include <linux/sysctl.h>
#include <net/icmp.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../module/icmp.h"
#include "../module/ipv4.h"
#include "../module/listen.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "../module/timewait.h"
#include "scenario.h"

#define TOLERANCE_US	(2 * SIM_MS)
#define PEER_PORT	20000

/* initial numbers of the variants: one wraps at once, one soon and where signs change */
static const struct {
	u32 host, peer, ts_host, ts_peer;
} numbers[SCN_VARIANTS] = {
	{ 0xffffffff, 0xfffffffe, 0xfffffff0, 0xffffff80 },
	{ 0xffffff80, 0x7fffff00, 0x7ffffff0, 0x00001000 },
};

static int __printf(2, 3) wrong(struct scn_run *run, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(run->wrong, sizeof(run->wrong), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* ---- segments in the notation of the language ---- */

static struct scn_peer *peer_of(struct scn_run *run, const struct sim_seg *seg)
{
	u16 port = seg->from == SIM_PEER ? seg->sport : seg->dport;

	return port > PEER_PORT && port < PEER_PORT + SCN_PEERS ? &run->peers[port - PEER_PORT] :
								 NULL;
}

static int format_options(char *buf, int size, const struct scn_run *run,
			  const struct scn_peer *peer, const struct sim_seg *seg, bool in)
{
	const struct toytcp_options *opt = &seg->opt;
	u32 own_ts = in ? peer->ts_base : peer->host_ts_base;
	u32 other_ts = in ? peer->host_ts_base : peer->ts_base;
	u32 other = in ? (peer->irs_known ? peer->irs : 0) : peer->iss;
	char *sep = " <";
	int n = 0, i;

	if (opt->mss) {
		n += scnprintf(buf + n, size - n, "%smss %u", sep, opt->mss);
		sep = ",";
	}
	if (opt->sack_perm) {
		n += scnprintf(buf + n, size - n, "%ssackOK", sep);
		sep = ",";
	}
	if (opt->has_ts) {
		n += scnprintf(buf + n, size - n, "%sTS val %d ecr %d", sep,
			       (s32)(opt->tsval - own_ts),
			       opt->tsecr ? (s32)(opt->tsecr - other_ts) : 0);
		sep = ",";
	}
	if (opt->has_wscale) {
		n += scnprintf(buf + n, size - n, "%swscale %u", sep, opt->wscale);
		sep = ",";
	}
	if (opt->has_fastopen) {
		n += scnprintf(buf + n, size - n, "%sFO%s%*phN", sep,
			       opt->fastopen_len ? " " : "", opt->fastopen_len,
			       opt->fastopen);
		sep = ",";
	}
	for (i = 0; i < opt->n_sacks; i++) {
		n += scnprintf(buf + n, size - n, "%s%d:%d", i ? " " : *sep == ',' ?
			       ",sack " : " <sack ", (s32)(opt->sacks[i].start - other),
			       (s32)(opt->sacks[i].end - other));
		sep = ",";
	}
	if (*sep == ',')
		n += scnprintf(buf + n, size - n, ">");
	return n;
}

static void format_segment(char *buf, int size, struct scn_run *run, const struct sim_seg *seg)
{
	static const char letters[] = "FSRP.UEW";
	static const char *const ecn[] = { "", "[ect1] ", "[ect0] ", "[ce] " };
	bool in = seg->from == SIM_PEER;
	const struct scn_peer *peer = peer_of(run, seg);
	u32 own, other, i;
	s32 seq;
	int n = 0;

	if (!peer) {
		snprintf(buf, size, "a segment to port %u", in ? seg->sport : seg->dport);
		return;
	}
	own = in ? peer->iss : peer->irs_known ? peer->irs : 0;
	other = in ? (peer->irs_known ? peer->irs : 0) : peer->iss;
	seq = seg->seq - own;
	if (peer != &run->peers[1])
		n += scnprintf(buf + n, size - n, "%d", (int)(peer - run->peers));
	n += scnprintf(buf + n, size - n, "%c %s", in ? '<' : '>', ecn[seg->ecn & 3]);
	for (i = 0; i < 8; i++)
		if (seg->flags & BIT(i))
			n += scnprintf(buf + n, size - n, "%c", letters[i]);
	n += scnprintf(buf + n, size - n, "%s %d:%d(%u)", seg->flags ? "" : "-", seq,
		       (s32)(seq + seg->len), seg->len);
	if (seg->flags & TOYTCP_ACK)
		n += scnprintf(buf + n, size - n, " ack %d", (s32)(seg->ack - other));
	n += scnprintf(buf + n, size - n, " win %u", seg->wnd);
	if (seg->flags & TOYTCP_URG)
		n += scnprintf(buf + n, size - n, " urg %u", seg->urg);
	format_options(buf + n, size - n, run, peer, seg, in);
}

/* the segments of the case, for the reader of a failure */
static void print_log(struct scn_run *run)
{
	u64 i = sim.n_log > SIM_LOG ? sim.n_log - SIM_LOG : 0;
	char text[200];

	for (; i < sim.n_log; i++) {
		const struct sim_seg *seg = &sim.log[i % SIM_LOG];
		u64 at_us = seg->at_us - run->start_us;

		format_segment(text, sizeof(text), run, seg);
		kunit_info(run->test, "    +%llu.%06llu %s\n", at_us / USEC_PER_SEC,
			   at_us % USEC_PER_SEC, text);
	}
}

/* ---- what the peer sends ---- */

static u32 absolute(const struct scn_num *num, u32 base)
{
	return num->abs ? num->v : base + num->v;
}

static u32 host_base(const struct scn_peer *peer)
{
	return peer->irs_known ? peer->irs : 0;
}

static u8 *put32(u8 *p, u32 v)
{
	*p++ = v >> 24;
	*p++ = v >> 16;
	*p++ = v >> 8;
	*p++ = v;
	return p;
}

static u8 *put_option(u8 *p, const struct scn_run *run, const struct scn_peer *peer,
		      const struct scn_opt *opt)
{
	int i, n;

	switch (opt->kind) {
	case SCN_OPT_NOP:
		*p++ = TOYTCP_OPT_NOP;
		break;
	case SCN_OPT_EOL:
		*p++ = TOYTCP_OPT_EOL;
		break;
	case SCN_OPT_MSS:
		*p++ = TOYTCP_OPT_MSS;
		*p++ = 4;
		*p++ = opt->a.v >> 8;
		*p++ = opt->a.v;
		break;
	case SCN_OPT_WSCALE:
		*p++ = TOYTCP_OPT_WSCALE;
		*p++ = 3;
		*p++ = opt->a.v;
		break;
	case SCN_OPT_SACKOK:
		*p++ = TOYTCP_OPT_SACK_PERM;
		*p++ = 2;
		break;
	case SCN_OPT_SACK:
		*p++ = TOYTCP_OPT_SACK;
		*p++ = 2 + 8 * opt->n;
		for (i = 0; i < 2 * opt->n; i++)
			p = put32(p, absolute(&opt->sack[i], host_base(peer)));
		break;
	case SCN_OPT_TS:
		*p++ = TOYTCP_OPT_TIMESTAMP;
		*p++ = 10;
		p = put32(p, absolute(&opt->a, peer->ts_base));
		p = put32(p, opt->b.v || opt->b.abs ?
			     absolute(&opt->b, peer->host_ts_base) : 0);
		break;
	case SCN_OPT_FO:
		n = opt->given ? run->cookie_len : opt->n;
		*p++ = TOYTCP_OPT_FASTOPEN;
		*p++ = 2 + n;
		memcpy(p, opt->given ? run->cookie : opt->raw, n);
		p += n;
		break;
	case SCN_OPT_RAW:
		memcpy(p, opt->raw, opt->n);
		p += opt->n;
		break;
	}
	return p;
}

static int inject(struct scn_run *run, const struct scn_event *ev)
{
	struct scn_peer *peer = &run->peers[ev->peer];
	const struct scn_seg *s = &ev->seg;
	u8 raw[SCN_OPTS * TOYTCP_OPTIONS_MAX] = {}, *p = raw;
	struct sim_seg seg = {
		.from = SIM_PEER, .to = SIM_A, .sport = peer->port, .dport = SCN_PORT,
		.flags = s->flags, .len = s->len, .urg = s->urg, .raw_opts = raw,
		.ecn = s->ecn,
	};
	u8 *data = NULL;
	s64 offset;
	u32 i;

	for (i = 0; i < s->n_opts; i++)
		p = put_option(p, run, peer, &s->opts[i]);
	seg.raw_len = round_up(p - raw, 4);
	if (seg.raw_len > TOYTCP_OPTIONS_MAX)
		return wrong(run, "more than %d bytes of options", TOYTCP_OPTIONS_MAX);
	if (s->has_win)
		peer->wnd = s->win;
	seg.wnd = peer->wnd;
	seg.seq = absolute(&s->seq, peer->iss);
	seg.ack = s->ack.v || s->flags & TOYTCP_ACK ? absolute(&s->ack, host_base(peer)) : 0;
	run->urgent |= s->flags & TOYTCP_URG;

	/* the stream begins after the SYN; before it there is nothing */
	offset = s->seq.abs ? 0 : s->seq.v - !(s->flags & TOYTCP_SYN);
	if (offset < 0) {
		data = kzalloc(s->len + 1, GFP_KERNEL);
		if (!data)
			return wrong(run, "no memory");
		if (-offset < s->len)
			memcpy(data - offset, sim_bytes(0), s->len + offset);
		seg.data = data;
	} else {
		seg.offset = offset;
	}
	sim_inject(&seg);
	kfree(data);
	return 0;
}

/* as ipv4.c does it, which is not here */
static int inject_icmp(struct scn_run *run, const struct scn_event *ev)
{
	struct scn_peer *peer = &run->peers[ev->peer];
	struct toytcp_flow_key key = {
		.laddr = htonl(SIM_A), .faddr = htonl(SIM_PEER),
		.lport = htons(SCN_PORT), .fport = htons(peer->port),
	};
	struct toytcp_icmp icmp = {
		.type = ICMP_DEST_UNREACH, .code = ev->icmp_code, .ttl = 255,
		.err = icmp_err_convert[ev->icmp_code].errno,
		.seq = absolute(&ev->seg.seq, host_base(peer)),
		.mtu = ev->icmp_mtu,
	};

	local_bh_disable();
	rcu_read_lock();
	toytcp_icmp_rcv(&init_net, &key, &icmp);
	rcu_read_unlock();
	local_bh_enable();
	return 0;
}

/* ---- what the host sends ---- */

static bool num_is(const struct scn_num *num, u32 came, u32 base)
{
	return num->any || absolute(num, base) == came;
}

static bool ts_is(const struct scn_peer *peer, const struct scn_opt *want,
		  const struct toytcp_options *came)
{
	s32 off = came->tsval - absolute(&want->a, peer->host_ts_base);

	if (!want->a.any && (off < -(s32)(TOLERANCE_US / SIM_MS) || off > TOLERANCE_US / SIM_MS))
		return false;
	if (want->b.any)
		return true;
	return came->tsecr == (want->b.v || want->b.abs ? absolute(&want->b, peer->ts_base) : 0);
}

static bool sack_is(const struct scn_peer *peer, const struct scn_opt *want,
		    const struct toytcp_options *came)
{
	int i;

	if (want->n != came->n_sacks)
		return false;
	for (i = 0; i < want->n; i++)
		if (!num_is(&want->sack[2 * i], came->sacks[i].start, peer->iss) ||
		    !num_is(&want->sack[2 * i + 1], came->sacks[i].end, peer->iss))
			return false;
	return true;
}

/* a cookie that is any is the one that the host gives from now on */
static bool cookie_is(struct scn_run *run, const struct scn_opt *want,
		      const struct toytcp_options *came)
{
	if (!came->has_fastopen)
		return false;
	if (want->a.any) {
		run->cookie_len = came->fastopen_len;
		memcpy(run->cookie, came->fastopen, came->fastopen_len);
		return came->fastopen_len;
	}
	if (want->given)
		return came->fastopen_len == run->cookie_len &&
		       !memcmp(came->fastopen, run->cookie, run->cookie_len);
	return came->fastopen_len == want->n && !memcmp(came->fastopen, want->raw, want->n);
}

static bool options_are(struct scn_run *run, const struct scn_peer *peer,
			const struct scn_seg *want, const struct toytcp_options *came)
{
	bool mss = false, wscale = false, sackok = false, sack = false, ts = false, fo = false;
	u32 i;

	if (want->any_opts)
		return true;
	for (i = 0; i < want->n_opts; i++) {
		const struct scn_opt *opt = &want->opts[i];

		switch (opt->kind) {
		case SCN_OPT_MSS:
			mss = true;
			if (!came->mss || !num_is(&opt->a, came->mss, 0))
				return false;
			break;
		case SCN_OPT_WSCALE:
			wscale = true;
			if (!came->has_wscale || !num_is(&opt->a, came->wscale, 0))
				return false;
			break;
		case SCN_OPT_SACKOK:
			sackok = true;
			break;
		case SCN_OPT_SACK:
			sack = true;
			if (!sack_is(peer, opt, came))
				return false;
			break;
		case SCN_OPT_TS:
			ts = true;
			if (!came->has_ts || !ts_is(peer, opt, came))
				return false;
			break;
		case SCN_OPT_FO:
			fo = true;
			if (!cookie_is(run, opt, came))
				return false;
			break;
		default:
			break;
		}
	}
	return mss == !!came->mss && wscale == came->has_wscale && sackok == came->sack_perm &&
	       sack == !!came->n_sacks && ts == came->has_ts && fo == came->has_fastopen;
}

/* its data are the stream's; a segment without data has some of it, too */
static bool data_are(const struct scn_peer *peer, const struct sim_seg *came)
{
	u32 offset = came->seq - host_base(peer) - !(came->flags & TOYTCP_SYN);

	if (!came->len)
		return true;
	return offset < 1u << 31 && !memcmp(came->data, sim_bytes(offset), came->len);
}

/* what the numbers of a connection begin with: its first SYN, its first timestamp */
static void learn(struct scn_peer *peer, const struct scn_seg *want, const struct sim_seg *came)
{
	u32 i, val = 0;

	if (came->flags & TOYTCP_SYN && (!peer->irs_known || peer->renumber)) {
		if (peer->renumber)
			peer->host_ts_known = false;
		peer->irs = came->seq;
		peer->irs_known = true;
		peer->renumber = false;
	}
	if (!came->opt.has_ts || peer->host_ts_known)
		return;
	for (i = 0; i < want->n_opts; i++)
		if (want->opts[i].kind == SCN_OPT_TS && !want->opts[i].a.any)
			val = want->opts[i].a.v;
	peer->host_ts_base = came->opt.tsval - val;
	peer->host_ts_known = true;
}

static bool segment_is(struct scn_run *run, const struct scn_event *ev, const struct sim_seg *came)
{
	struct scn_peer *peer = &run->peers[ev->peer];
	const struct scn_seg *want = &ev->seg;

	if (came->dport != peer->port || came->sport != SCN_PORT)
		return false;
	learn(peer, want, came);
	return !((came->flags ^ want->flags) & ~(want->any_psh ? TOYTCP_PSH : 0)) &&
	       num_is(&want->seq, came->seq, host_base(peer)) &&
	       came->len == want->len &&
	       (!(want->flags & TOYTCP_ACK) || num_is(&want->ack, came->ack, peer->iss)) &&
	       (!want->has_win || came->wnd == want->win) &&
	       (!want->has_urg || came->urg == want->urg) &&
	       (!want->has_ecn || came->ecn == want->ecn) &&
	       options_are(run, peer, want, &came->opt);
}

/* let time pass until @until_us, or until something is sent */
static void wait_for_segment(u64 until_us)
{
	while (!sim_inbox_count() && sim_next_us() <= until_us)
		if (!sim_step())
			break;
}

static int expect(struct scn_run *run, const struct scn_event *ev)
{
	u64 from_us = run->due_us + ev->from_us, to_us = run->due_us + ev->to_us;
	const struct sim_seg *came;
	char text[200];
	s64 off_us;

	wait_for_segment(to_us + TOLERANCE_US);
	came = sim_next();
	if (!came)
		return wrong(run, "nothing came%s", sim.inbox_lost ? ", the inbox was full" : "");
	run->due_us = ev->range ? came->at_us : from_us;
	if (!segment_is(run, ev, came)) {
		format_segment(text, sizeof(text), run, came);
		return wrong(run, "came %s", text);
	}
	if (!data_are(&run->peers[ev->peer], came))
		return wrong(run, "its data are not what was written");
	if (came->at_us + TOLERANCE_US < from_us || came->at_us > to_us + TOLERANCE_US) {
		off_us = came->at_us - from_us;
		return wrong(run, "it came %lld us too %s", abs(off_us),
			     off_us < 0 ? "early" : "late");
	}
	return 0;
}

/* nothing may be sent that was not expected */
static int nothing_came(struct scn_run *run)
{
	const struct sim_seg *came = sim_next();
	char text[200];

	if (!came)
		return 0;
	format_segment(text, sizeof(text), run, came);
	return wrong(run, "nobody expected %s", text);
}

/* ---- the rest of the events ---- */

static bool compare(enum scn_op op, s64 a, s64 b)
{
	switch (op) {
	case SCN_EQ:
		return a == b;
	case SCN_NE:
		return a != b;
	case SCN_LT:
		return a < b;
	case SCN_LE:
		return a <= b;
	case SCN_GT:
		return a > b;
	case SCN_GE:
		return a >= b;
	}
	return false;
}

static int assert_state(struct scn_run *run, const struct scn_event *ev)
{
	struct toytcp_flow_key key = {
		.laddr = htonl(SIM_A), .faddr = htonl(SIM_PEER),
		.lport = htons(SCN_PORT), .fport = htons(run->peers[ev->peer].port),
	};
	struct toytcp_flow *flow;
	int state = 0;

	rcu_read_lock();
	flow = toytcp_demux_lookup(&init_net, &key, 0);
	if (flow) {
		if (flow->kind == TOYTCP_FLOW_REQ)
			state = TCP_SYN_RECV;
		else if (flow->kind == TOYTCP_FLOW_TW)
			state = container_of(flow, struct toytcp_tw, flow)->state;
		else
			state = container_of(flow, struct toytcp_sock, flow)->inet.sk.sk_state;
		toytcp_flow_put(flow);
	}
	rcu_read_unlock();
	if (compare(ev->op, state, ev->values[0]))
		return 0;
	return wrong(run, "the state is %s", scn_state_name(state));
}

static int assert_info(struct scn_run *run, const struct scn_event *ev)
{
	static struct scn_event one;
	const char *p = ev->more;
	s64 value;
	int err;

	do {
		err = scn_parse_info(&p, &one, run->wrong) ?:
		      scn_tcp_info(run, ev->fd, one.name, &value);
		if (err)
			return wrong(run, "%s cannot be had: %d", one.name, err);
		if (!compare(one.op, value, one.values[0]))
			return wrong(run, "%s is %lld", one.name, value);
	} while (*p);
	return 0;
}

static int set_sysctl(struct scn_run *run, const struct scn_event *ev)
{
	const struct ctl_table_header *header = toytcp_net(&init_net)->sysctl_header;
	const struct ctl_table *table = header->ctl_table_arg;
	int i;
	u32 j;

	for (i = 0; i < header->ctl_table_size; i++, table++) {
		if (!table->procname || strcmp(table->procname, ev->name))
			continue;
		if (table->maxlen != ev->n_values * sizeof(int))
			return wrong(run, "%s has another number of values", ev->name);
		for (j = 0; j < ev->n_values; j++)
			((int *)table->data)[j] = ev->values[j];
		return 0;
	}
	return wrong(run, "no sysctl %s", ev->name);
}

/* ---- one case ---- */

static int run_event(struct scn_run *run, const struct scn_event *ev)
{
	int err;

	if (ev->kind == SCN_OUT)
		return expect(run, ev);
	run->due_us += ev->from_us;
	if (run->due_us > sim.now_us)
		sim_run(run->due_us - sim.now_us);
	/* calls and assertions at +0 may stand between a cause and its segments */
	if (ev->from_us || ev->kind == SCN_IN || ev->kind == SCN_ICMP || ev->kind == SCN_SILENCE) {
		err = nothing_came(run);
		if (err)
			return err;
	}
	switch (ev->kind) {
	case SCN_IN:
		return inject(run, ev);
	case SCN_ICMP:
		return inject_icmp(run, ev);
	case SCN_CALL:
		return scn_call(run, ev);
	case SCN_STATE:
		return assert_state(run, ev);
	case SCN_INFO:
		return assert_info(run, ev);
	case SCN_SYSCTL:
		return set_sysctl(run, ev);
	case SCN_RENUMBER:
		run->peers[ev->peer].renumber = true;
		return 0;
	case SCN_SILENCE:
	case SCN_OUT:
		break;
	}
	return 0;
}

/* every socket's books balance */
static int check_sockets(struct scn_run *run)
{
	const char *why;
	int i;

	for (i = 0; i < SIM_SOCKS; i++) {
		if (!sim.socks[i] || !sim.socks[i]->sk)
			continue;
		why = sim_check(sim.socks[i]->sk);
		if (why)
			return wrong(run, "a socket's books: %s", why);
	}
	return 0;
}

static void begin(struct scn_run *run, u32 variant)
{
	u32 i;

	/* a whole second: nothing depends on the case before */
	sim.now_us = roundup(sim.now_us, SIM_S);
	sim.mtu = 1500;
	sim.n_log = 0;
	sim_forget_peers();
	sim.isn = numbers[variant].host;
	sim.ts_offset = numbers[variant].ts_host - (u32)div_u64(sim.now_us, SIM_MS);
	run->start_us = sim.now_us;
	run->due_us = sim.now_us;
	for (i = 1; i < SCN_PEERS; i++) {
		run->peers[i].port = PEER_PORT + i;
		run->peers[i].iss = numbers[variant].peer + i - 1;
		run->peers[i].ts_base = numbers[variant].ts_peer;
		run->peers[i].wnd = 65535;
	}
}

static int run_lines(struct scn_run *run, const struct scn_script *script)
{
	static struct scn_event ev;	/* some kilobytes */
	const struct scn_line *line = NULL;
	char came[SCN_WRONG];
	u32 i;
	int err = 0;

	/* nothing runs of what is not understood as a whole */
	for (i = 0; i < script->n; i++) {
		line = &script->lines[i];
		if (scn_parse(line->text, &ev, came))
			return wrong(run, "%s:%u: %s", line->file, line->nr, came);
	}
	for (i = 0; i < script->n && !err; i++) {
		line = &script->lines[i];
		scn_parse(line->text, &ev, came);
		err = run_event(run, &ev) ?: check_sockets(run);
	}
	if (!err)
		err = nothing_came(run);
	if (!err || !line)
		return err;
	strscpy(came, run->wrong, sizeof(came));
	return wrong(run, "%s:%u: expected %s, but %s", line->file, line->nr, line->text, came);
}

/*
 * Run one case with the initial numbers of @variant, and leave an empty world
 * behind. Returns what was wrong, valid until the next call, or NULL.
 */
const char *scn_run_case(struct kunit *test, const struct scn_text *text,
			 const struct scn_case *c, u32 variant)
{
	static struct scn_run run;
	struct scn_script script;
	int err;

	memset(&run, 0, sizeof(run));
	run.test = test;
	begin(&run, variant);
	err = scn_expand(text, c, &script, run.wrong);
	if (!err) {
		err = run_lines(&run, &script);
		if (err)
			print_log(&run);
	}
	scn_script_free(&script);
	scn_user_end(&run);
	sim.events = 0;
	sim_drain(test);
	toytcp_net(&init_net)->sysctl = *(struct toytcp_sysctl *)test->priv;
	if (!err)
		return NULL;
	return run.wrong[0] ? run.wrong : "no memory";
}
