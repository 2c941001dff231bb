// SPDX-License-Identifier: GPL-2.0
/*
 * A shell for sockets: one command a line on standard input, one line of
 * answer each. The scripts talk to it, so that what they test reads as the
 * calls that a program makes. Sockets go by names of the caller's choosing.
 *
 * An answer is a number or a word; a call that failed answers the errno's
 * name; one that did not come back in time answers TIMEOUT. Data is the
 * stream of a fixed seed, one in each direction, and is checked on arrival.
 *
 *	ns NAME			namespace for the sockets made from now on
 *	wait SECONDS		how long a call may take from now on
 *	socket S FAMILY		inet or toytcp
 *	bind S ADDR PORT | listen S BACKLOG | connect S ADDR PORT
 *	accept S NEW | shutdown S rd|wr|rdwr | close S
 *	nonblock S 0|1
 *	fastopen S ADDR PORT BYTES	sendto(MSG_FASTOPEN), answers what it took
 *	syndata S		1 if a SYN's data were taken (TCP_INFO)
 *	send S BYTES		all of them, answers the number
 *	recv S BYTES		MSG_WAITALL
 *	recveof S		to the end of file, answers the number
 *	fill S			until it would block, answers the number
 *	linger S SECONDS	-1 switches it off
 *	set S OPTION VALUE | get S OPTION
 *	cong S [NAME]		TCP_CONGESTION: set it, or answer it
 *	error S			SO_ERROR
 *	name S | peer S		ADDR:PORT
 *	original S		SO_ORIGINAL_DST, before NAT: ADDR:PORT
 *	poll S EVENTS MS	until one of IN,OUT,... shows: those that do
 *	inq S | outq S		FIONREAD, SIOCOUTQ
 *	state S			in the namespace's listing of its family
 *	listed FAMILY PORT	states of all its rows with this local port
 *	sysctl PATH VALUE	below /proc/sys, of the namespace
 *	show PATH		what one says; commas for blanks
 *	euid N			go on with the rights of this user; 0 comes back
 *	reset			close all, as at the start
 *	pid
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

#define MAX_SOCKETS 256
#define SEED 42

struct sock {
	char name[16];
	int fd;
	int family;
	char netns[32];
	uint64_t sent, received;
};

static struct sock socks[MAX_SOCKETS];
static char netns[32] = "-";
static unsigned int limit_s = 20;
static volatile sig_atomic_t timed_out;

static const struct {
	const char *name;
	int level, option;
} options[] = {
	{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR },
	{ "reuseport", SOL_SOCKET, SO_REUSEPORT },
	{ "rcvbuf", SOL_SOCKET, SO_RCVBUF },
	{ "sndbuf", SOL_SOCKET, SO_SNDBUF },
	{ "keepalive", SOL_SOCKET, SO_KEEPALIVE },
	{ "domain", SOL_SOCKET, SO_DOMAIN },
	{ "busy_poll", SOL_SOCKET, SO_BUSY_POLL },
	{ "napi_id", SOL_SOCKET, SO_INCOMING_NAPI_ID },
	{ "nodelay", IPPROTO_TCP, TCP_NODELAY },
	{ "maxseg", IPPROTO_TCP, TCP_MAXSEG },
	{ "user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ "fastopen", IPPROTO_TCP, TCP_FASTOPEN },
	{ "fastopen_connect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT },
};

static const struct {
	const char *name;
	short bit;
} poll_bits[] = {
	{ "IN", POLLIN },	{ "OUT", POLLOUT }, { "ERR", POLLERR },
	{ "HUP", POLLHUP },	{ "RDHUP", POLLRDHUP }, { "PRI", POLLPRI },
	{ "NVAL", POLLNVAL },
};

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
	/* Again, should the first fall between the check and the call. */
	alarm(1);
}

static void answer_errno(void)
{
	if (errno == EINTR && timed_out)
		puts("TIMEOUT");
	else
		puts(errname(errno));
}

static void answer(long long value)
{
	if (value < 0)
		answer_errno();
	else
		printf("%lld\n", value);
}

static struct sock *find(const char *name)
{
	unsigned int i;

	for (i = 0; name && i < MAX_SOCKETS; i++)
		if (!strcmp(socks[i].name, name))
			return &socks[i];
	return NULL;
}

static struct sock *add(const char *name, int fd, int family, const char *ns)
{
	struct sock *s;
	unsigned int i;

	if (!name || find(name))
		die("name of the socket");
	for (i = 0; i < MAX_SOCKETS && socks[i].name[0]; i++)
		;
	if (i == MAX_SOCKETS)
		die("too many sockets");
	s = &socks[i];
	*s = (struct sock){ .fd = fd, .family = family };
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->netns, sizeof(s->netns), "%s", ns);
	return s;
}

static long long number(const char *text)
{
	return text && *text == '-' ?
	       -(long long)parse_number("number", text + 1, INT32_MAX) :
	       (long long)parse_number("number", text ?: "", INT64_MAX);
}

static void do_send(struct sock *s, uint64_t bytes)
{
	char buf[16384];
	uint64_t done = 0;

	while (done < bytes) {
		size_t len = bytes - done < sizeof(buf) ? bytes - done :
							  sizeof(buf);
		ssize_t n;

		stream_fill(SEED, s->sent, buf, len);
		n = send(s->fd, buf, len, MSG_NOSIGNAL);
		if (n < 0) {
			answer_errno();
			return;
		}
		s->sent += n;
		done += n;
	}
	answer(done);
}

static void do_fastopen(struct sock *s, struct sockaddr_in sin, size_t bytes)
{
	char buf[16384];
	ssize_t n;

	if (bytes > sizeof(buf))
		die("fastopen: at most %zu bytes", sizeof(buf));
	stream_fill(SEED, s->sent, buf, bytes);
	n = sendto(s->fd, buf, bytes, MSG_FASTOPEN | MSG_NOSIGNAL,
		   (struct sockaddr *)&sin, sizeof(sin));
	if (n > 0)
		s->sent += n;
	answer(n);
}

static void do_syndata(struct sock *s)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int err = getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len);

	answer(err ? err : !!(info.tcpi_options & TCPI_OPT_SYN_DATA));
}

static void do_fill(struct sock *s)
{
	char buf[16384];
	uint64_t done = 0;

	for (;;) {
		ssize_t n;

		stream_fill(SEED, s->sent, buf, sizeof(buf));
		n = send(s->fd, buf, sizeof(buf), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			answer_errno();
			return;
		}
		s->sent += n;
		done += n;
	}
	answer(done);
}

/* False when it has answered: a wrong byte. */
static bool check(struct sock *s, const char *buf, size_t len)
{
	size_t good = stream_differs(SEED, s->received, buf, len);

	if (good != len) {
		printf("WRONG byte %llu\n",
		       (unsigned long long)(s->received + good));
		return false;
	}
	s->received += len;
	return true;
}

static void do_recv(struct sock *s, uint64_t bytes, bool to_eof)
{
	char buf[16384];
	uint64_t done = 0;

	while (to_eof || done < bytes) {
		size_t len = to_eof || bytes - done > sizeof(buf) ?
			     sizeof(buf) : bytes - done;
		ssize_t n = recv(s->fd, buf, len, to_eof ? 0 : MSG_WAITALL);

		if (n < 0) {
			answer_errno();
			return;
		}
		if (!n)
			break;
		if (!check(s, buf, n))
			return;
		done += n;
	}
	answer(done);
}

static void do_poll(struct sock *s, char *events, const char *ms)
{
	struct pollfd p = { .fd = s->fd };
	const char *sep = "";
	unsigned int i;
	char *save, *w;

	for (w = strtok_r(events, ",", &save); w;
	     w = strtok_r(NULL, ",", &save))
		for (i = 0; i < ARRAY_SIZE(poll_bits); i++)
			if (!strcmp(w, poll_bits[i].name))
				p.events |= poll_bits[i].bit;
	if (poll(&p, 1, number(ms)) < 0) {
		answer_errno();
		return;
	}
	if (!p.revents)
		printf("none");
	for (i = 0; i < ARRAY_SIZE(poll_bits); i++)
		if (p.revents & poll_bits[i].bit) {
			printf("%s%s", sep, poll_bits[i].name);
			sep = ",";
		}
	putchar('\n');
}

static void do_option(struct sock *s, const char *name, const char *value)
{
	socklen_t len = sizeof(int);
	unsigned int i;
	int v;

	for (i = 0; name && i < ARRAY_SIZE(options); i++) {
		if (strcmp(name, options[i].name))
			continue;
		if (value) {
			v = number(value);
			answer(setsockopt(s->fd, options[i].level,
					  options[i].option, &v, sizeof(v)));
		} else if (getsockopt(s->fd, options[i].level,
				      options[i].option, &v, &len)) {
			answer_errno();
		} else {
			answer(v);
		}
		return;
	}
	die("no option '%s'", name ?: "");
}

/* WHAT: name, peer or original */
static void do_name(struct sock *s, const char *what)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);
	int err = *what == 'p' ? getpeername(s->fd, (struct sockaddr *)&sin, &len) :
		  *what == 'n' ? getsockname(s->fd, (struct sockaddr *)&sin, &len) :
		  getsockopt(s->fd, IPPROTO_IP, SO_ORIGINAL_DST, &sin, &len);

	if (err)
		answer_errno();
	else if (len != sizeof(sin) || sin.sin_family != AF_INET)
		printf("WRONG length %u, family %u\n", len, sin.sin_family);
	else
		printf("%s:%u\n", inet_ntoa(sin.sin_addr),
		       ntohs(sin.sin_port));
}

/* One row of a listing. */
struct listed {
	unsigned int port, state;
	unsigned long inode;
};

static const char *state_name(unsigned int state)
{
	static const char *const names[] = {
		"NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
		"LISTEN", "CLOSING",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static FILE *open_listing(const char *ns, int family)
{
	FILE *f;

	enter_netns(ns);
	f = fopen(family == AF_INET ? "/proc/thread-self/net/tcp" :
				      "/proc/thread-self/net/toytcp", "r");
	if (!f)
		die("no listing");
	return f;
}

static bool next_listed(FILE *f, struct listed *row)
{
	char line[256];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
			   &row->port, &row->state, &row->inode) == 3)
			return true;
	return false;
}

/* The socket's row in its listing, found by inode, as netstat does. */
static void do_state(struct sock *s)
{
	const char *answer = "none";
	struct listed row;
	struct stat st;
	FILE *f;

	if (fstat(s->fd, &st))
		die("fstat");
	f = open_listing(s->netns, s->family);
	while (next_listed(f, &row))
		if (row.inode == st.st_ino)
			answer = state_name(row.state);
	fclose(f);
	puts(answer);
}

static void do_listed(int family, unsigned int port)
{
	unsigned int count[16] = { 0 }, i, kinds = 0;
	struct listed row;
	FILE *f = open_listing(netns, family);

	while (next_listed(f, &row))
		if (row.port == port)
			count[row.state % 16]++;
	fclose(f);
	for (i = 0; i < 16; i++)
		while (count[i]--)
			printf("%s%s", kinds++ ? "," : "", state_name(i));
	puts(kinds ? "" : "none");
}

/* A comma in the value stands for a blank. */
static void do_sysctl(const char *path, char *value)
{
	char full[160], *c;
	int fd;

	if (!path || !value)
		die("sysctl PATH VALUE");
	for (c = value; *c; c++)
		if (*c == ',')
			*c = ' ';
	enter_netns(netns);
	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		answer_errno();
		return;
	}
	answer(write(fd, value, strlen(value)) < 0 ? -1 : 0);
	close(fd);
}

static void do_show(const char *path)
{
	char full[160], text[1024], *c;
	FILE *f;

	enter_netns(netns);
	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	f = fopen(full, "r");
	if (!f || !fgets(text, sizeof(text), f))
		die("%s", full);
	fclose(f);
	text[strcspn(text, "\n")] = 0;
	for (c = text; *c; c++)
		if (*c == ' ' || *c == '\t')
			*c = ',';
	puts(text);
}

static void do_cong(struct sock *s, const char *name)
{
	char now[64] = { 0 };
	socklen_t len = sizeof(now) - 1;

	if (name) {
		answer(setsockopt(s->fd, IPPROTO_TCP, TCP_CONGESTION, name,
				  strlen(name)));
		return;
	}
	if (getsockopt(s->fd, IPPROTO_TCP, TCP_CONGESTION, now, &len))
		answer_errno();
	else
		puts(now);
}

static void reset(void)
{
	unsigned int i;

	for (i = 0; i < MAX_SOCKETS; i++)
		if (socks[i].name[0]) {
			close(socks[i].fd);
			socks[i].name[0] = 0;
		}
	strcpy(netns, "-");
	limit_s = 20;
}

static void do_shutdown(struct sock *s, const char *how)
{
	answer(shutdown(s->fd, !strcmp(how, "rd") ? SHUT_RD :
			       !strcmp(how, "wr") ? SHUT_WR : SHUT_RDWR));
}

static void do_linger(struct sock *s, long long seconds)
{
	struct linger l = { .l_onoff = seconds >= 0,
			    .l_linger = seconds >= 0 ? seconds : 0 };

	answer(setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
}

static void do_accept(struct sock *s, const char *name)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);
	int fd = accept4(s->fd, (struct sockaddr *)&sin, &len, SOCK_CLOEXEC);

	if (fd < 0) {
		answer_errno();
		return;
	}
	add(name, fd, s->family, s->netns);
	printf("%s:%u\n", inet_ntoa(sin.sin_addr), ntohs(sin.sin_port));
}

static void do_nonblock(struct sock *s, bool on)
{
	int flags = fcntl(s->fd, F_GETFL);

	answer(fcntl(s->fd, F_SETFL,
		     on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

static void do_ioctl(struct sock *s, unsigned long request)
{
	int value, err = ioctl(s->fd, request, &value);

	answer(err ? err : value);
}

/* Commands on a socket that exists; a[0] is the command. */
static void on_socket(struct sock *s, char **a)
{
	struct sockaddr_in sin;

	if (!strcmp(a[0], "bind") || !strcmp(a[0], "connect")) {
		if (!a[2] || !a[3])
			die("%s: address and port", a[0]);
		sin = make_addr(a[2], number(a[3]));
		answer((*a[0] == 'b' ? bind : connect)
		       (s->fd, (struct sockaddr *)&sin, sizeof(sin)));
	} else if (!strcmp(a[0], "fastopen") && a[2] && a[3]) {
		do_fastopen(s, make_addr(a[2], number(a[3])), number(a[4]));
	} else if (!strcmp(a[0], "syndata")) {
		do_syndata(s);
	} else if (!strcmp(a[0], "listen")) {
		answer(listen(s->fd, number(a[2])));
	} else if (!strcmp(a[0], "accept")) {
		do_accept(s, a[2]);
	} else if (!strcmp(a[0], "send")) {
		do_send(s, number(a[2]));
	} else if (!strcmp(a[0], "fill")) {
		do_fill(s);
	} else if (!strcmp(a[0], "recv")) {
		do_recv(s, number(a[2]), false);
	} else if (!strcmp(a[0], "recveof")) {
		do_recv(s, 0, true);
	} else if (!strcmp(a[0], "shutdown")) {
		do_shutdown(s, a[2] ?: "");
	} else if (!strcmp(a[0], "close")) {
		answer(close(s->fd));
		s->name[0] = 0;
	} else if (!strcmp(a[0], "nonblock")) {
		do_nonblock(s, number(a[2]));
	} else if (!strcmp(a[0], "linger")) {
		do_linger(s, number(a[2]));
	} else if (!strcmp(a[0], "set") && a[2] && a[3]) {
		do_option(s, a[2], a[3]);
	} else if (!strcmp(a[0], "get")) {
		do_option(s, a[2], NULL);
	} else if (!strcmp(a[0], "cong")) {
		do_cong(s, a[2]);
	} else if (!strcmp(a[0], "error")) {
		socklen_t len = sizeof(int);
		int err;

		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len))
			answer_errno();
		else
			puts(errname(err));
	} else if (!strcmp(a[0], "name") || !strcmp(a[0], "peer") ||
		   !strcmp(a[0], "original")) {
		do_name(s, a[0]);
	} else if (!strcmp(a[0], "poll") && a[2] && a[3]) {
		do_poll(s, a[2], a[3]);
	} else if (!strcmp(a[0], "inq")) {
		do_ioctl(s, FIONREAD);
	} else if (!strcmp(a[0], "outq")) {
		do_ioctl(s, SIOCOUTQ);
	} else if (!strcmp(a[0], "state")) {
		do_state(s);
	} else {
		die("no command '%s'", a[0]);
	}
}

static void obey(char **a)
{
	struct sock *s;

	if (!strcmp(a[0], "ns")) {
		snprintf(netns, sizeof(netns), "%s", a[1] ?: "-");
		answer(0);
	} else if (!strcmp(a[0], "wait")) {
		limit_s = number(a[1]);
		answer(0);
	} else if (!strcmp(a[0], "listed")) {
		do_listed(family_by_name(a[1] ?: ""), number(a[2]));
	} else if (!strcmp(a[0], "sysctl")) {
		do_sysctl(a[1], a[2]);
	} else if (!strcmp(a[0], "show")) {
		do_show(a[1] ?: "");
	} else if (!strcmp(a[0], "euid")) {
		answer(seteuid(number(a[1])));
	} else if (!strcmp(a[0], "reset")) {
		reset();
		answer(0);
	} else if (!strcmp(a[0], "pid")) {
		answer(getpid());
	} else if (!strcmp(a[0], "socket")) {
		int family = family_by_name(a[2] ?: ""), fd;

		enter_netns(netns);
		fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0)
			add(a[1], fd, family, netns);
		answer(fd < 0 ? fd : 0);
	} else {
		s = find(a[1]);
		if (!s)
			die("%s: no socket '%s'", a[0], a[1] ?: "");
		on_socket(s, a);
	}
}

int main(void)
{
	struct sigaction act = { .sa_handler = on_alarm };	/* no restart */
	char line[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGALRM, &act, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		char *a[8] = { 0 }, *save;
		unsigned int n = 0;

		a[0] = strtok_r(line, " \n", &save);
		while (a[n] && n + 2 < ARRAY_SIZE(a))
			a[++n] = strtok_r(NULL, " \n", &save);
		if (!a[0])
			continue;
		timed_out = 0;
		alarm(limit_s);
		obey(a);
		alarm(0);
	}
	return 0;
}
