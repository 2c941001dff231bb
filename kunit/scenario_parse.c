// SPDX-License-Identifier: GPL-2.0
/*
 * One line of a scenario: its time, its segment, call or assertion; see
 * scenario.h and docs/scenarios.md.
 *
 * Each parse function reads at *p, moves it behind what it has read and the
 * blanks that follow, and returns false, with *p where it stopped, if that is
 * not what it reads.
 */
#include <asm/ioctls.h>
#include <linux/ctype.h>
#include <linux/fcntl.h>
#include <linux/icmp.h>
#include <linux/kernel.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/string.h>
#include <net/inet_ecn.h>
#include <net/tcp.h>

#include "scenario.h"

#define ANY_TIME_US	(200 * SIM_S)

/* ---- names ---- */

#define NAME(x) { #x, (__force s64)(x) }
#define ERRNO(x) { #x, x }

static const struct name {
	const char *name;
	s64 value;
} errnos[] = {
	ERRNO(EPERM), ERRNO(EINTR), ERRNO(EBADF), ERRNO(EAGAIN), ERRNO(ENOMEM),
	ERRNO(EACCES), ERRNO(EFAULT), ERRNO(EINVAL), ERRNO(EPIPE), ERRNO(EDOM),
	ERRNO(ENOENT), ERRNO(ENODEV), ERRNO(EPROTO), ERRNO(EMSGSIZE), ERRNO(ENOPROTOOPT),
	ERRNO(EPROTONOSUPPORT), ERRNO(EOPNOTSUPP), ERRNO(EADDRINUSE), ERRNO(EADDRNOTAVAIL),
	ERRNO(ENETDOWN), ERRNO(ENETUNREACH), ERRNO(ECONNABORTED), ERRNO(ECONNRESET),
	ERRNO(ENOBUFS), ERRNO(EISCONN), ERRNO(ENOTCONN), ERRNO(ETIMEDOUT),
	ERRNO(ECONNREFUSED), ERRNO(EHOSTUNREACH), ERRNO(EALREADY), ERRNO(EINPROGRESS),
	ERRNO(EDESTADDRREQ), ERRNO(EAFNOSUPPORT), ERRNO(ENOTSOCK), ERRNO(EHOSTDOWN),
}, names[] = {
	NAME(AF_INET), NAME(SOCK_STREAM), NAME(SOCK_DGRAM), NAME(SOCK_NONBLOCK),
	NAME(IPPROTO_TCP), NAME(IPPROTO_IP), NAME(SOL_SOCKET), NAME(SOL_TCP), NAME(SOL_IP),
	NAME(SO_REUSEADDR), NAME(SO_REUSEPORT), NAME(SO_ERROR), NAME(SO_KEEPALIVE), NAME(SO_LINGER),
	NAME(SO_OOBINLINE), NAME(SO_RCVBUF), NAME(SO_SNDBUF), NAME(SO_RCVLOWAT), NAME(SO_MARK),
	NAME(SO_PRIORITY), NAME(SO_TYPE), NAME(SO_ACCEPTCONN),
	NAME(TCP_NODELAY), NAME(TCP_MAXSEG), NAME(TCP_CORK), NAME(TCP_KEEPIDLE),
	NAME(TCP_KEEPINTVL), NAME(TCP_KEEPCNT), NAME(TCP_SYNCNT), NAME(TCP_LINGER2),
	NAME(TCP_DEFER_ACCEPT), NAME(TCP_WINDOW_CLAMP), NAME(TCP_INFO), NAME(TCP_QUICKACK),
	NAME(TCP_CONGESTION), NAME(TCP_USER_TIMEOUT), NAME(TCP_NOTSENT_LOWAT), NAME(TCP_TIMESTAMP),
	NAME(TCP_FASTOPEN), NAME(TCP_FASTOPEN_CONNECT), NAME(TCP_FASTOPEN_NO_COOKIE),
	NAME(IP_TOS), NAME(IP_TTL), NAME(IP_MTU), NAME(IP_MTU_DISCOVER), NAME(IP_RECVERR),
	NAME(IP_BIND_ADDRESS_NO_PORT), NAME(IP_PMTUDISC_DO), NAME(IP_PMTUDISC_DONT),
	NAME(IP_PMTUDISC_WANT), NAME(IP_PMTUDISC_PROBE),
	NAME(MSG_OOB), NAME(MSG_PEEK), NAME(MSG_MORE), NAME(MSG_DONTWAIT), NAME(MSG_NOSIGNAL),
	NAME(MSG_TRUNC), NAME(MSG_WAITALL), NAME(MSG_EOR), NAME(MSG_ERRQUEUE),
	NAME(MSG_FASTOPEN),
	NAME(SHUT_RD), NAME(SHUT_WR), NAME(SHUT_RDWR),
	NAME(POLLIN), NAME(POLLOUT), NAME(POLLERR), NAME(POLLHUP), NAME(POLLPRI), NAME(POLLRDHUP),
	{ "FIONREAD", SIOCINQ }, NAME(SIOCINQ), NAME(SIOCOUTQ), NAME(SIOCOUTQNSD), NAME(SIOCATMARK),
	NAME(F_GETFL), NAME(F_SETFL), NAME(O_RDWR), NAME(O_NONBLOCK),
	NAME(TCP_CA_Open), NAME(TCP_CA_Disorder), NAME(TCP_CA_CWR), NAME(TCP_CA_Recovery),
	NAME(TCP_CA_Loss),
	NAME(TCPI_OPT_TIMESTAMPS), NAME(TCPI_OPT_SACK), NAME(TCPI_OPT_WSCALE), NAME(TCPI_OPT_ECN),
	NAME(TCPI_OPT_ECN_SEEN),
}, states[] = {
	{ "NONE", 0 }, { "ESTABLISHED", TCP_ESTABLISHED }, { "SYN_SENT", TCP_SYN_SENT },
	{ "SYN_RECV", TCP_SYN_RECV }, { "FIN_WAIT1", TCP_FIN_WAIT1 },
	{ "FIN_WAIT2", TCP_FIN_WAIT2 }, { "TIME_WAIT", TCP_TIME_WAIT }, { "CLOSE", TCP_CLOSE },
	{ "CLOSE_WAIT", TCP_CLOSE_WAIT }, { "LAST_ACK", TCP_LAST_ACK }, { "LISTEN", TCP_LISTEN },
	{ "CLOSING", TCP_CLOSING },
}, icmp_codes[] = {
	{ "net_unreachable", ICMP_NET_UNREACH }, { "host_unreachable", ICMP_HOST_UNREACH },
	{ "protocol_unreachable", ICMP_PROT_UNREACH }, { "port_unreachable", ICMP_PORT_UNREACH },
	{ "frag_needed", ICMP_FRAG_NEEDED }, { "admin_prohibited", ICMP_PKT_FILTERED },
};

static bool lookup(const struct name *list, int n, const char *s, size_t len, s64 *value)
{
	int i;

	for (i = 0; i < n; i++) {
		if (strlen(list[i].name) == len && !strncmp(list[i].name, s, len)) {
			*value = list[i].value;
			return true;
		}
	}
	return false;
}

static const char *reverse(const struct name *list, int n, s64 value)
{
	int i;

	for (i = 0; i < n; i++)
		if (list[i].value == value)
			return list[i].name;
	return NULL;
}

const char *scn_errno_name(int err)
{
	return reverse(errnos, ARRAY_SIZE(errnos), err) ?: "E?";
}

const char *scn_state_name(int state)
{
	return reverse(states, ARRAY_SIZE(states), state) ?: "?";
}

/* ---- words ---- */

static bool word(const char **p, const char *w)
{
	size_t n = strlen(w);

	if (strncmp(*p, w, n))
		return false;
	/* a word ends where a name cannot go on */
	if (isalnum(w[n - 1]) && (isalnum((*p)[n]) || (*p)[n] == '_'))
		return false;
	*p = skip_spaces(*p + n);
	return true;
}

static size_t name_len(const char *p)
{
	size_t n = 0;

	while (isalnum(p[n]) || p[n] == '_')
		n++;
	return n;
}

static bool take_name(const char **p, char *name, size_t size)
{
	size_t n = name_len(*p);

	if (!n || n >= size)
		return false;
	memcpy(name, *p, n);
	name[n] = 0;
	*p = skip_spaces(*p + n);
	return true;
}

static bool take_int(const char **p, s64 *value)
{
	bool minus = **p == '-', hex;
	const char *s = *p + minus;
	u64 v = 0;

	if (!isdigit(*s))
		return false;
	hex = s[0] == '0' && s[1] == 'x' && isxdigit(s[2]);
	if (hex)
		s += 2;
	for (; hex ? isxdigit(*s) : isdigit(*s); s++) {
		if (v > U32_MAX * 1000ull)
			return false;
		v = hex ? v * 16 + hex_to_bin(*s) : v * 10 + *s - '0';
	}
	if (isalpha(*s) || *s == '_')
		return false;
	*value = minus ? -(s64)v : v;
	*p = skip_spaces(s);
	return true;
}

static bool take_u(const char **p, u64 max, u64 *value)
{
	s64 v;

	if (!take_int(p, &v) || v < 0 || v > max)
		return false;
	*value = v;
	return true;
}

/* NUMBER|NAME|NAME of @text alone */
int scn_number(const char *text, s64 *value)
{
	const char *p = skip_spaces(text);
	s64 sum = 0, v;

	do {
		size_t n = name_len(p);

		if (!take_int(&p, &v)) {
			if (!lookup(names, ARRAY_SIZE(names), p, n, &v) &&
			    !lookup(errnos, ARRAY_SIZE(errnos), p, n, &v) &&
			    !lookup(states, ARRAY_SIZE(states), p, n, &v))
				return -EINVAL;
			p = skip_spaces(p + n);
		}
		sum = sum ? sum | v : v;
	} while (word(&p, "|"));
	*value = sum;
	return *p ? -EINVAL : 0;
}

/* ---- time ---- */

/* seconds with up to six places, in us */
static bool take_seconds(const char **p, u64 *us)
{
	u64 v = 0, unit = 100000;
	const char *s = *p;
	bool digits = false;

	for (; isdigit(*s); s++, digits = true) {
		v = v * 10 + *s - '0';
		if (v > 1000000000)
			return false;
	}
	v *= USEC_PER_SEC;
	if (*s == '.') {
		for (s++; isdigit(*s); s++, digits = true, unit /= 10)
			v += (*s - '0') * unit;
	}
	if (!digits)
		return false;
	*us = v;
	*p = s;
	return true;
}

static bool take_time(const char **p, struct scn_event *ev)
{
	const char *s = *p;

	if (*s == '*' && isspace(s[1])) {
		ev->any_time = true;
		ev->range = true;
		ev->to_us = ANY_TIME_US;
		*p = skip_spaces(s + 1);
		return true;
	}
	if (*s != '+')
		return true;	/* omitted: +0 */
	s++;
	if (!take_seconds(&s, &ev->from_us))
		return false;
	ev->to_us = ev->from_us;
	if (*s == '~') {
		s++;
		s += *s == '+';
		ev->range = true;
		if (!take_seconds(&s, &ev->to_us) || ev->to_us < ev->from_us)
			return false;
	}
	if (!isspace(*s))
		return false;
	*p = skip_spaces(s);
	return true;
}

/* ---- segments ---- */

static bool take_num(const char **p, struct scn_num *num)
{
	memset(num, 0, sizeof(*num));
	if (word(p, "*")) {
		num->any = true;
		return true;
	}
	if (**p == '@') {
		num->abs = true;
		(*p)++;
	}
	return take_int(p, &num->v);
}

static bool take_flags(const char **p, u8 *flags, bool *any_psh)
{
	static const char letters[] = "FSRP.UEW";
	const char *s = *p, *at;

	*flags = 0;
	*any_psh = false;
	if (*s == '-' && isspace(s[1])) {
		*p = skip_spaces(s + 1);
		return true;
	}
	for (; *s && !isspace(*s); s++) {
		if (*s == 'p') {
			*any_psh = true;
			continue;
		}
		at = strchr(letters, *s);
		if (!at)
			return false;
		*flags |= BIT(at - letters);
	}
	*p = skip_spaces(s);
	return *flags || *any_psh;
}

/* SEQ:END(LEN) */
static bool take_range(const char **p, struct scn_seg *seg)
{
	struct scn_num end;
	u64 len;

	if (!take_num(p, &seg->seq) || seg->seq.any || !word(p, ":") ||
	    !take_num(p, &end) || end.any || !word(p, "(") || !take_u(p, SIM_PERIOD, &len) ||
	    !word(p, ")"))
		return false;
	seg->len = len;
	return end.v - seg->seq.v == len;
}

static bool take_sack(const char **p, struct scn_opt *opt)
{
	do {
		if (opt->n == TOYTCP_SACKS_MAX || !take_num(p, &opt->sack[2 * opt->n]) ||
		    !word(p, ":") || !take_num(p, &opt->sack[2 * opt->n + 1]))
			return false;
		opt->n++;
	} while (**p == '-' || **p == '@' || isdigit(**p));
	return true;
}

static bool take_raw(const char **p, struct scn_opt *opt)
{
	const char *s = *p;

	while (isxdigit(s[0]) && isxdigit(s[1]) && opt->n < TOYTCP_OPTIONS_MAX) {
		opt->raw[opt->n++] = hex_to_bin(s[0]) << 4 | hex_to_bin(s[1]);
		s += 2;
	}
	*p = skip_spaces(s);
	return opt->n;
}

/* a cookie in hexadecimal; the host's; any; or none, which asks for one */
static bool take_cookie(const char **p, struct scn_opt *opt)
{
	opt->a.any = word(p, "*");
	opt->given = !opt->a.any && word(p, "cookie");
	if (!opt->a.any && !opt->given)
		take_raw(p, opt);
	return opt->n <= TOYTCP_FASTOPEN_MAX;
}

static bool take_option(const char **p, struct scn_opt *opt)
{
	memset(opt, 0, sizeof(*opt));
	if (word(p, "nop")) {
		opt->kind = SCN_OPT_NOP;
	} else if (word(p, "eol")) {
		opt->kind = SCN_OPT_EOL;
	} else if (word(p, "sackOK")) {
		opt->kind = SCN_OPT_SACKOK;
	} else if (word(p, "mss")) {
		opt->kind = SCN_OPT_MSS;
		return take_num(p, &opt->a);
	} else if (word(p, "wscale")) {
		opt->kind = SCN_OPT_WSCALE;
		return take_num(p, &opt->a);
	} else if (word(p, "sack")) {
		opt->kind = SCN_OPT_SACK;
		return take_sack(p, opt);
	} else if (word(p, "TS")) {
		opt->kind = SCN_OPT_TS;
		return word(p, "val") && take_num(p, &opt->a) && word(p, "ecr") &&
		       take_num(p, &opt->b);
	} else if (word(p, "FO")) {
		opt->kind = SCN_OPT_FO;
		return take_cookie(p, opt);
	} else if (word(p, "raw")) {
		opt->kind = SCN_OPT_RAW;
		return take_raw(p, opt);
	} else {
		return false;
	}
	return true;
}

static bool take_options(const char **p, struct scn_seg *seg)
{
	if (!word(p, "<"))
		return true;
	if (word(p, "...")) {
		seg->any_opts = true;
		return word(p, ">");
	}
	do {
		if (seg->n_opts == SCN_OPTS || !take_option(p, &seg->opts[seg->n_opts]))
			return false;
		seg->n_opts++;
	} while (word(p, ","));
	return word(p, ">");
}

static bool has_any(const struct scn_seg *seg)
{
	u32 i;

	for (i = 0; i < seg->n_opts; i++)
		if (seg->opts[i].a.any || seg->opts[i].b.any)
			return true;
	return seg->any_opts || seg->ack.any || seg->any_psh;
}

static bool has_raw(const struct scn_seg *seg)
{
	u32 i;

	for (i = 0; i < seg->n_opts; i++)
		if (seg->opts[i].kind == SCN_OPT_RAW)
			return true;
	return false;
}

/* [ect0] and the like, packetdrill's words for IP's ECN field */
static bool take_ecn(const char **p, struct scn_seg *seg)
{
	static const struct {
		const char *word;
		u8 ecn;
	} words[] = {
		{ "noecn", INET_ECN_NOT_ECT }, { "ect0", INET_ECN_ECT_0 },
		{ "ect1", INET_ECN_ECT_1 }, { "ce", INET_ECN_CE },
	};
	int i;

	if (!word(p, "["))
		return true;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!word(p, words[i].word))
			continue;
		seg->ecn = words[i].ecn;
		seg->has_ecn = true;
		return word(p, "]");
	}
	return false;
}

static bool take_segment(const char **p, struct scn_event *ev)
{
	struct scn_seg *seg = &ev->seg;
	u64 v;

	if (!take_ecn(p, seg) || !take_flags(p, &seg->flags, &seg->any_psh) || !take_range(p, seg))
		return false;
	if (word(p, "ack")) {
		if (!take_num(p, &seg->ack))
			return false;
	} else if (seg->flags & TOYTCP_ACK) {
		return false;
	}
	if (word(p, "win")) {
		if (!take_u(p, U16_MAX, &v))
			return false;
		seg->win = v;
		seg->has_win = true;
	}
	if (word(p, "urg")) {
		if (!take_u(p, U16_MAX, &v))
			return false;
		seg->urg = v;
		seg->has_urg = true;
	}
	if (!take_options(p, seg))
		return false;
	return ev->kind == SCN_IN ? !has_any(seg) : !has_raw(seg);
}

/* icmp unreachable CODE [mtu N] [SEQ:END(LEN)] */
static bool take_icmp(const char **p, struct scn_event *ev)
{
	size_t n;
	u64 mtu;
	s64 code;

	ev->kind = SCN_ICMP;
	if (!word(p, "unreachable"))
		return false;
	n = name_len(*p);
	if (!lookup(icmp_codes, ARRAY_SIZE(icmp_codes), *p, n, &code))
		return false;
	ev->icmp_code = code;
	*p = skip_spaces(*p + n);
	if (word(p, "mtu")) {
		if (!take_u(p, U16_MAX, &mtu))
			return false;
		ev->icmp_mtu = mtu;
	}
	return word(p, "[") && take_range(p, &ev->seg) && word(p, "]");
}

/* ---- calls and the rest ---- */

/* up to a comma or the bracket that ends the list, brackets inside included */
static bool take_arg(const char **p, char *arg, size_t size)
{
	const char *s = *p;
	size_t n = 0;
	int depth = 0;

	for (; *s && (depth || (*s != ',' && *s != ')')); s++) {
		depth += *s == '(' || *s == '[' || *s == '{';
		depth -= *s == ')' || *s == ']' || *s == '}';
		if (n == size - 1)
			return false;
		arg[n++] = *s;
	}
	while (n && isspace(arg[n - 1]))
		n--;
	arg[n] = 0;
	*p = s;
	return n && !depth;
}

static bool take_result(const char **p, struct scn_event *ev)
{
	char name[32];

	if (word(p, "*")) {
		ev->any_result = true;
	} else if (!take_int(p, &ev->result)) {
		return false;
	} else if (ev->result < 0) {
		if (ev->result != -1 || !take_name(p, name, sizeof(name)) ||
		    !lookup(errnos, ARRAY_SIZE(errnos), name, strlen(name), &ev->result))
			return false;
		ev->result = -ev->result;
	}
	/* what perror() would say is for the reader */
	if (**p == '(') {
		*p = strchr(*p, ')');
		if (!*p)
			return false;
		*p = skip_spaces(*p + 1);
	}
	return true;
}

static bool take_call(const char **p, struct scn_event *ev)
{
	ev->kind = SCN_CALL;
	if (!take_name(p, ev->name, sizeof(ev->name)) || !word(p, "("))
		return false;
	do {
		*p = skip_spaces(*p);
		if (ev->n_args == SCN_ARGS ||
		    !take_arg(p, ev->args[ev->n_args], sizeof(ev->args[0])))
			return false;
		ev->n_args++;
	} while (word(p, ","));
	return word(p, ")") && word(p, "=") && take_result(p, ev);
}

static bool take_op(const char **p, enum scn_op *op)
{
	static const struct {
		const char *word;
		enum scn_op op;
	} ops[] = {
		{ "==", SCN_EQ }, { "!=", SCN_NE }, { "<=", SCN_LE }, { ">=", SCN_GE },
		{ "<", SCN_LT }, { ">", SCN_GT },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		if (word(p, ops[i].word)) {
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

/* a number or names with | between them, up to a blank, a comma or the end */
static bool take_value(const char **p, s64 *value)
{
	size_t n = strcspn(*p, " \t,");
	char text[64];

	if (n >= sizeof(text))
		return false;
	memcpy(text, *p, n);
	text[n] = 0;
	if (scn_number(text, value))
		return false;
	*p = skip_spaces(*p + n);
	return true;
}

/* FIELD OP VALUE at *p, one of a list; false in @ev->name[0] means: no more */
int scn_parse_info(const char **p, struct scn_event *ev, char *wrong)
{
	if (take_name(p, ev->name, sizeof(ev->name)) && take_op(p, &ev->op) &&
	    take_value(p, &ev->values[0]) && (!**p || word(p, ",")))
		return 0;
	snprintf(wrong, SCN_WRONG, "not FIELD OP VALUE: %s", *p);
	return -EINVAL;
}

static bool take_assert(const char **p, struct scn_event *ev, char *wrong)
{
	u64 fd;

	if (word(p, "state")) {
		size_t n;

		ev->kind = SCN_STATE;
		if (!take_op(p, &ev->op) || (ev->op != SCN_EQ && ev->op != SCN_NE))
			return false;
		n = name_len(*p);
		if (!lookup(states, ARRAY_SIZE(states), *p, n, &ev->values[0]))
			return false;
		*p = skip_spaces(*p + n);
		return true;
	}
	ev->kind = SCN_INFO;
	if (!take_u(p, SCN_FDS - 1, &fd))
		return false;
	ev->fd = fd;
	ev->more = *p;
	do {
		if (scn_parse_info(p, ev, wrong))
			return false;
	} while (**p);
	return true;
}

static bool take_sysctl(const char **p, struct scn_event *ev)
{
	ev->kind = SCN_SYSCTL;
	if (!take_name(p, ev->name, sizeof(ev->name)) || !word(p, "="))
		return false;
	do {
		if (ev->n_values == ARRAY_SIZE(ev->values) ||
		    !take_int(p, &ev->values[ev->n_values]))
			return false;
		ev->n_values++;
	} while (**p);
	return true;
}

static bool take_event(const char **p, struct scn_event *ev, char *wrong)
{
	bool has_peer = isdigit((*p)[0]) && (*p)[0] != '0' && !isalnum((*p)[1]);

	ev->peer = 1;
	if (has_peer) {
		ev->peer = (*p)[0] - '0';
		*p = skip_spaces(*p + 1);
	}
	if (word(p, "<")) {
		ev->kind = SCN_IN;
		return word(p, "icmp") ? take_icmp(p, ev) : take_segment(p, ev);
	}
	if (word(p, ">")) {
		ev->kind = SCN_OUT;
		return take_segment(p, ev);
	}
	if (word(p, "renumber")) {
		ev->kind = SCN_RENUMBER;
		return true;
	}
	if (word(p, "assert"))
		return take_assert(p, ev, wrong) && (!has_peer || ev->kind == SCN_STATE);
	if (has_peer)
		return false;
	if (word(p, "silence")) {
		ev->kind = SCN_SILENCE;
		return true;
	}
	if (word(p, "sysctl"))
		return take_sysctl(p, ev);
	return take_call(p, ev);
}

/* One line. Returns 0, or -EINVAL and why in @wrong. */
int scn_parse(const char *line, struct scn_event *ev, char *wrong)
{
	const char *p = line;

	memset(ev, 0, sizeof(*ev));
	wrong[0] = 0;
	if (take_time(&p, ev) && take_event(&p, ev, wrong) && !*p) {
		if (!ev->range || ev->kind == SCN_OUT)
			return 0;
		snprintf(wrong, SCN_WRONG, "only what is expected has a range of times: %s", line);
	} else if (!wrong[0]) {
		snprintf(wrong, SCN_WRONG, "not understood from \"%s\" on: %s", p, line);
	}
	return -EINVAL;
}
