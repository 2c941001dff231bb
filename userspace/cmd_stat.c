// SPDX-License-Identifier: GPL-2.0
/*
 * toytcp stat: the sockets of this network namespace, printed as netstat of
 * net-tools prints the kernel's TCP, to the column.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "listing.h"
#include "owners.h"

#define ADDRESS_COLUMNS	23	/* of one end, as netstat has it */
#define PROGRAM_COLUMNS	20
#define ENDPOINT_SIZE	(NI_MAXHOST + NI_MAXSERV + 2)

struct options {
	bool all;
	bool listening;
	bool numeric;
	bool owner;
	bool timer;
	bool extended;
	bool continuous;
	bool wide;
	bool compact;
	const char *path;
};

/* How wide the columns are that depend on what is in them. */
struct widths {
	int local;
	int remote;
	int state;
	int owner;
};

/* One line, as it will be printed. */
struct line {
	const struct listing_row *row;
	char local[ENDPOINT_SIZE];
	char remote[ENDPOINT_SIZE];
	char owner[64];
};

static const char *const state_names[] = {
	[TCP_ESTABLISHED] = "ESTABLISHED",
	[TCP_SYN_SENT] = "SYN_SENT",
	[TCP_SYN_RECV] = "SYN_RECV",
	[TCP_FIN_WAIT1] = "FIN_WAIT1",
	[TCP_FIN_WAIT2] = "FIN_WAIT2",
	[TCP_TIME_WAIT] = "TIME_WAIT",
	[TCP_CLOSE] = "CLOSE",
	[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCP_LAST_ACK] = "LAST_ACK",
	[TCP_LISTEN] = "LISTEN",
	[TCP_CLOSING] = "CLOSING",
};

static const char *state_name(unsigned int state)
{
	if (state < sizeof(state_names) / sizeof(state_names[0]) &&
	    state_names[state])
		return state_names[state];
	return "UNKNOWN";
}

/* Names of addresses: a peer is often listed a thousand times. */
struct host {
	struct in_addr addr;
	char name[NI_MAXHOST];
};

static int host_compare(const void *va, const void *vb)
{
	const struct host *a = va, *b = vb;

	return (a->addr.s_addr > b->addr.s_addr) -
	       (a->addr.s_addr < b->addr.s_addr);
}

/* Return: the name of @addr, valid to the end of the process. */
static const char *host_name(struct in_addr addr, bool numeric)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = addr };
	static char text[INET_ADDRSTRLEN];
	static void *cache;
	struct host *host, **known;

	inet_ntop(AF_INET, &addr, text, sizeof(text));
	if (numeric || addr.s_addr == htonl(INADDR_ANY))
		return text;

	host = calloc(1, sizeof(*host));
	if (!host)
		return text;
	host->addr = addr;
	known = tsearch(host, &cache, host_compare);
	if (!known || *known != host) {
		free(host);
		return known ? (*known)->name : text;
	}
	if (getnameinfo((struct sockaddr *)&sin, sizeof(sin), host->name,
			sizeof(host->name), NULL, 0, NI_NAMEREQD))
		strcpy(host->name, text);
	return host->name;
}

static void port_name(char *name, size_t size, unsigned int port,
		      bool numeric)
{
	const struct servent *service;

	service = numeric ? NULL : getservbyport(htons((uint16_t)port), "tcp");
	if (service)
		snprintf(name, size, "%s", service->s_name);
	else
		snprintf(name, size, "%u", port);
}

/*
 * "address:port". Port 0 is "*", any, where a peer may still come from
 * anywhere; a socket in CLOSE that has no port yet shows its 0.
 */
static void endpoint(char *text, const struct options *opt,
		     struct in_addr addr, unsigned int port, bool any)
{
	const char *host = host_name(addr, opt->numeric);
	char service[NI_MAXSERV];
	size_t host_len, service_len, room = ADDRESS_COLUMNS - 1;

	if (any && !port)
		strcpy(service, "*");
	else
		port_name(service, sizeof(service), port,
			  opt->numeric || !port);

	host_len = strlen(host);
	service_len = strlen(service);
	if (!opt->wide && host_len + service_len > room) {
		if (service_len > room - 4)
			service_len = room - 4;
		host_len = room - service_len;
	}
	snprintf(text, ENDPOINT_SIZE, "%.*s:%.*s", (int)host_len, host,
		 (int)service_len, service);
}

static void owner_text(char *text, size_t size, const struct owner *owner)
{
	if (owner)
		snprintf(text, size, "%ld/%s", owner->pid, owner->program);
	else
		strcpy(text, "-");
	text[PROGRAM_COLUMNS] = '\0';
}

static void timer_text(char *text, size_t size, const struct listing_row *row)
{
	static const char *const names[] = {
		[TIMER_OFF] = "off",
		[TIMER_RETRANSMIT] = "on",
		[TIMER_KEEPALIVE] = "keepalive",
		[TIMER_TIME_WAIT] = "timewait",
		[TIMER_ZERO_WINDOW] = "probe",
	};
	double secs = (double)row->expires_ticks / (double)sysconf(_SC_CLK_TCK);
	char unknown[16];
	const char *name = unknown;

	if (row->timer < sizeof(names) / sizeof(names[0]))
		name = names[row->timer];
	else
		snprintf(unknown, sizeof(unknown), "unkn-%u", row->timer);
	if (row->timer == TIMER_OFF)
		secs = 0;
	snprintf(text, size, "%s (%.2f/%lu/%lu)", name, secs, row->retransmits,
		 row->probes);
}

static bool wanted(const struct options *opt, const struct listing_row *row)
{
	return opt->all || opt->listening == (row->state == TCP_LISTEN);
}

static const char *protocol(const struct options *opt)
{
	const char *slash = strrchr(opt->path, '/');

	return slash ? slash + 1 : opt->path;
}

static void print_user(const struct options *opt, const struct listing_row *row)
{
	const struct passwd *pw = NULL;

	if (!opt->numeric)
		pw = getpwuid((uid_t)row->uid);
	if (pw)
		printf(" %-10s", pw->pw_name);
	else
		printf(" %-10lu", row->uid);
	printf(" %-10lu", row->inode);
}

static void print_heading(const struct options *opt, const struct widths *w)
{
	printf("Active Internet connections (%s)\n",
	       opt->all ? "servers and established" :
	       opt->listening ? "only servers" : "w/o servers");
	printf("Proto Recv-Q Send-Q %-*s %-*s %-*s", w->local, "Local Address",
	       w->remote, "Foreign Address", w->state, "State");
	if (opt->extended)
		printf(" User       Inode     ");
	if (opt->owner)
		printf(" %-*s", w->owner, "PID/Program name");
	if (opt->timer)
		printf(" Timer");
	putchar('\n');
}

static void print_line(const struct options *opt, const struct widths *w,
		       const struct line *line)
{
	const char *proto = protocol(opt);
	int proto_columns = strlen(proto) > 5 ? 6 : 5;
	char timer[64];

	printf("%-*s %*lu %6lu %-*s %-*s %-*s", proto_columns, proto,
	       11 - proto_columns, line->row->rx_queue_bytes,
	       line->row->tx_queue_bytes, w->local, line->local, w->remote,
	       line->remote, w->state, state_name(line->row->state));
	if (opt->extended)
		print_user(opt, line->row);
	if (opt->owner)
		printf(" %-*s", w->owner, line->owner);
	if (opt->timer) {
		timer_text(timer, sizeof(timer), line->row);
		printf(" %s", timer);
	}
	putchar('\n');
}

static void grow(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (len > *width)
		*width = len;
}

static void make_line(struct line *line, const struct options *opt,
		      const struct owners *owners,
		      const struct listing_row *row)
{
	line->row = row;
	endpoint(line->local, opt, row->local_addr, row->local_port,
		 row->state != TCP_CLOSE);
	endpoint(line->remote, opt, row->remote_addr, row->remote_port,
		 row->state != TCP_CLOSE);
	owner_text(line->owner, sizeof(line->owner),
		   owners_lookup(owners, row->inode));
}

/*
 * netstat's columns have a fixed width and a longer value shifts its line;
 * --compact makes them as wide as what is in them, hence the first pass.
 */
static void print_listing(const struct options *opt,
			  const struct listing *listing,
			  const struct owners *owners)
{
	struct widths w = { ADDRESS_COLUMNS, ADDRESS_COLUMNS, 11,
			    PROGRAM_COLUMNS };
	struct line line;
	size_t i;

	if (opt->compact) {
		w = (struct widths){ 13, 15, 5, 16 };
		for (i = 0; i < listing->count; i++) {
			if (!wanted(opt, &listing->rows[i]))
				continue;
			make_line(&line, opt, owners, &listing->rows[i]);
			grow(&w.local, line.local);
			grow(&w.remote, line.remote);
			grow(&w.state, state_name(line.row->state));
			grow(&w.owner, line.owner);
		}
	}
	print_heading(opt, &w);
	for (i = 0; i < listing->count; i++) {
		if (!wanted(opt, &listing->rows[i]))
			continue;
		make_line(&line, opt, owners, &listing->rows[i]);
		print_line(opt, &w, &line);
	}
}

static void explain(const struct options *opt, int err)
{
	if (err == -ENOENT && !strcmp(opt->path, LISTING_PATH))
		fprintf(stderr,
			"toytcp stat: there is no %s: the module is not loaded; as root,\n"
			"'modprobe toytcp' (or insmod toytcp.ko) loads it\n", opt->path);
	else
		fprintf(stderr, "toytcp stat: %s: %s\n", opt->path,
			strerror(-err));
}

static int show_once(const struct options *opt)
{
	struct owners owners = { 0 };
	struct listing listing;
	int err, status = EXIT_OK;

	err = listing_read(&listing, opt->path);
	if (err) {
		explain(opt, err);
		return EXIT_FAILED;
	}
	if (opt->owner) {
		err = owners_load(&owners);
		if (err) {
			fprintf(stderr, "toytcp stat: /proc: %s\n",
				strerror(-err));
			status = EXIT_FAILED;
		}
	}
	if (owners.incomplete)
		fputs("(Not all processes could be identified; those of other users show as '-'.)\n",
		      stderr);
	print_listing(opt, &listing, &owners);
	if (listing.bogus) {
		fprintf(stderr, "toytcp stat: %s: %zu %s not understood\n",
			opt->path, listing.bogus,
			listing.bogus == 1 ? "line" : "lines");
		status = EXIT_FAILED;
	}
	owners_free(&owners);
	listing_free(&listing);
	return status;
}

static void usage(FILE *out)
{
	fputs("usage: toytcp stat [-acelnoptW] [--compact] [--proc FILE]\n"
	      "\n"
	      "List the AF_TOYTCP sockets of this network namespace.\n"
	      "\n"
	      "  -a, --all         listening sockets and the others\n"
	      "  -l, --listening   only listening sockets (default: all but those)\n"
	      "  -t, --tcp         accepted for netstat's sake: all are TCP\n"
	      "  -n, --numeric     addresses, ports and users as numbers\n"
	      "  -o, --timers      owner and timer: name (seconds/retransmissions/probes)\n"
	      "  -p, --program     owner: process number and program\n"
	      "  -e, --extend      user and inode\n"
	      "  -c, --continuous  again every second\n"
	      "  -W, --wide        do not cut long names\n"
	      "      --compact     columns as wide as what is in them\n"
	      "      --proc FILE   read FILE instead of " LISTING_PATH "\n"
	      "  -h, --help        this text\n", out);
}

/* Return: whether to go on; if not, *@status is the exit status. */
static bool parse_options(int argc, char **argv, struct options *opt,
			  int *status)
{
	enum { OPT_COMPACT = 256, OPT_PROC };
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "listening", no_argument, NULL, 'l' },
		{ "tcp", no_argument, NULL, 't' },
		{ "numeric", no_argument, NULL, 'n' },
		{ "timers", no_argument, NULL, 'o' },
		{ "program", no_argument, NULL, 'p' },
		{ "extend", no_argument, NULL, 'e' },
		{ "continuous", no_argument, NULL, 'c' },
		{ "wide", no_argument, NULL, 'W' },
		{ "compact", no_argument, NULL, OPT_COMPACT },
		{ "proc", required_argument, NULL, OPT_PROC },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "altnopecWh", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			opt->all = true;
			break;
		case 'l':
			opt->listening = true;
			break;
		case 't':
			break;
		case 'n':
			opt->numeric = true;
			break;
		case 'o':
			/* The owner too: -ano is asked for it everywhere. */
			opt->timer = true;
			opt->owner = true;
			break;
		case 'p':
			opt->owner = true;
			break;
		case 'e':
			opt->extended = true;
			break;
		case 'c':
			opt->continuous = true;
			break;
		case 'W':
			opt->wide = true;
			break;
		case OPT_COMPACT:
			opt->compact = true;
			break;
		case OPT_PROC:
			opt->path = optarg;
			break;
		case 'h':
			usage(stdout);
			*status = EXIT_OK;
			return false;
		default:
			usage(stderr);
			*status = EXIT_USAGE;
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "toytcp stat: unexpected argument '%s'\n",
			argv[optind]);
		usage(stderr);
		*status = EXIT_USAGE;
		return false;
	}
	return true;
}

int cmd_stat(int argc, char **argv)
{
	struct options opt = { .path = LISTING_PATH };
	static char name[] = "toytcp stat";
	int status;

	argv[0] = name;		/* for what getopt_long() has to say */
	if (!parse_options(argc, argv, &opt, &status))
		return status;
	for (;;) {
		status = show_once(&opt);
		if (!opt.continuous || status != EXIT_OK || fflush(stdout))
			return status;
		sleep(1);
	}
}
