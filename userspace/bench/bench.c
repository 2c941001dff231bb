// SPDX-License-Identifier: GPL-2.0
/*
 * bench - how fast is a stream socket of this family?
 *
 * One program for both ends: the server is a child, in a network namespace of
 * its own if one is named. Prints one line of JSON. With QEMU's -icount the
 * clock that is read here counts instructions; see scripts/bench.
 *
 * Usage: bench [-f FAMILY] [-F FAMILY] [-n NETNS] [-N NETNS] [-a ADDR] [-p PORT]
 *              [-l LABEL] [-m] [-u USEC] [-s | -z] TEST SIZE COUNT [CONNECTIONS]
 *   -f, -F  family of client and server: inet (default) or toytcp
 *   -l      "family" in what is printed (default: the client's)
 *   -n, -N  network namespace of client and server (ip netns)
 *   -m      mark where what is measured begins and ends, for profile.c
 *   -s      with bulk: by sendfile(), from a file in memory, and splice(), to /dev/null
 *   -u      both ends poll the device so long before they sleep (SO_BUSY_POLL)
 *   -z      with bulk: by MSG_ZEROCOPY, with its notices; read as ever
 *   -a, -p  the server's address (127.0.0.1) and port (5300)
 *   TEST    bulk   COUNT bytes in writes of SIZE bytes, one way, over each of
 *                  CONNECTIONS connections, which have a process an end
 *           rr     COUNT times a request of SIZE bytes and an answer as long
 *           crr    COUNT times connect, request, answer, close
 *           conns  as rr, COUNT in all, over CONNECTIONS connections at once
 *           idle   memory of CONNECTIONS idle connections (both ends)
 *           hold   CONNECTIONS idle connections, until it is killed; says when it has them
 *           tw     memory of CONNECTIONS TIME_WAITs, the client's
 *           syn    COUNT SYNs from addresses that never answer (10.99.0.0/16;
 *                  needs a route there), the listener's backlog is SIZE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <toytcp.h>

#include "common.h"
#include "profile.h"

#define BUFFER (1 << 20)
#define EVENTS 256

enum test { BULK, RR, CRR, CONNS, IDLE, HOLD, TW, SYN, TESTS };

static const char *const test_names[TESTS] = {
	"bulk", "rr", "crr", "conns", "idle", "hold", "tw", "syn",
};

static struct {
	enum test test;
	size_t size;			/* bytes */
	unsigned long count;		/* bulk: bytes; else transactions */
	unsigned int conns;
	int busy_poll_us, splice, zerocopy, marks;
	const char *label;
	int family, server_family;
	const char *netns, *server_netns;
	struct sockaddr_in addr;
} opt = {
	.conns = 1,
	.family = AF_INET,
	.server_family = AF_INET,
	.addr = { .sin_family = AF_INET },
};

static char buffer[BUFFER];

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: bench [-f FAMILY] [-F FAMILY] [-n NETNS] [-N NETNS] [-a ADDR] [-p PORT]\n"
		"             [-l LABEL] [-m] [-u USEC] [-s | -z]\n"
		"             bulk|rr|crr|conns|idle|hold|tw|syn SIZE COUNT [CONNECTIONS]\n");
	exit(2);
}

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int new_socket(int family, int flags)
{
	int fd = socket(family, SOCK_STREAM | flags, 0);

	if (fd < 0)
		die(family == AF_TOYTCP ? "socket: is the module loaded?" : "socket");
	/* an accepted one has it of its listener */
	if (opt.busy_poll_us &&
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &opt.busy_poll_us, sizeof(int)))
		die("SO_BUSY_POLL");
	return fd;
}

static int connected(void)
{
	int fd = new_socket(opt.family, 0);

	if (connect(fd, (struct sockaddr *)&opt.addr, sizeof(opt.addr)))
		die("connect");
	return fd;
}

static void write_all(int fd, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buffer, len < BUFFER ? len : BUFFER, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		len -= n;
	}
}

/* returns false at the peer's end of stream, or its reset */
static int read_all(int fd, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, buffer, len < BUFFER ? len : BUFFER, 0);

		if (n < 0 && errno != ECONNRESET)
			die("recv");
		if (n <= 0)
			return 0;
		len -= n;
	}
	return 1;
}

/* ---- without a copy ---- */

/* the same megabyte over and over, as write_all() sends it */
static void sendfile_all(int fd, size_t len)
{
	static int file = -1;

	if (file < 0) {
		file = memfd_create("bench", 0);
		if (file < 0 || write(file, buffer, BUFFER) != BUFFER)
			die("memfd_create");
	}
	while (len) {
		off_t at = 0;
		ssize_t n = sendfile(fd, file, &at, len < BUFFER ? len : BUFFER);

		if (n <= 0)
			die("sendfile");
		len -= n;
	}
}

/* returns false at the end of the stream */
static int splice_all(int fd, size_t len)
{
	int null = open("/dev/null", O_WRONLY), ends[2];

	if (null < 0 || pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, BUFFER) < 0)
		die("pipe");
	while (len) {
		ssize_t n = splice(fd, NULL, ends[1], NULL, len < BUFFER ? len : BUFFER, 0), m;

		if (n < 0)
			die("splice");
		if (!n)
			break;
		len -= n;
		for (; n; n -= m) {
			m = splice(ends[0], NULL, null, NULL, n, 0);
			if (m <= 0)
				die("splice to /dev/null");
		}
	}
	close(null);
	close(ends[0]);
	close(ends[1]);
	return !len;
}

/* calls of send() whose pages were told to be the program's again */
static unsigned int notices(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct sock_extended_err) +
				      sizeof(struct sockaddr_in))];
		struct cmsghdr align;
	} control;
	unsigned int done = 0;

	for (;;) {
		struct msghdr msg = {
			.msg_control = &control, .msg_controllen = sizeof(control),
		};
		struct sock_extended_err err;
		struct cmsghdr *cmsg;

		if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0) {
			if (errno != EAGAIN)
				die("MSG_ERRQUEUE");
			return done;
		}
		cmsg = CMSG_FIRSTHDR(&msg);
		if (!cmsg)
			die("a notice that says nothing");
		memcpy(&err, CMSG_DATA(cmsg), sizeof(err));
		if (err.ee_origin != SO_EE_ORIGIN_ZEROCOPY)
			die("a notice of something else");
		done += err.ee_data - err.ee_info + 1;
	}
}

/* writes of @size bytes; ends when all pages are the program's */
static void zerocopy_all(int fd, size_t size, unsigned long left)
{
	struct pollfd waits = { .fd = fd };
	unsigned int sent = 0, done = 0;
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)))
		die("SO_ZEROCOPY");
	while (left || done < sent) {
		ssize_t n = left ? send(fd, buffer, left < size ? left : size,
					MSG_NOSIGNAL | MSG_ZEROCOPY) : 0;

		if (n < 0 && errno != ENOBUFS)
			die("MSG_ZEROCOPY");
		/* no room for another notice, or only notices are missing */
		if (n <= 0 && poll(&waits, 1, -1) < 0)
			die("poll");
		if (n > 0) {
			left -= n;
			sent++;
		}
		done += notices(fd);
	}
}

/* ---- the server ---- */

static void serve_bulk(int fd)
{
	if (!(opt.splice ? splice_all(fd, opt.count) : read_all(fd, opt.count)))
		die("the stream is too short");
	write_all(fd, 1);
}

/* in a process of its own, which ends with the stream */
static void serve_bulk_aside(int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	serve_bulk(fd);
	exit(0);
}

/* answer whatever comes, on all connections; ends when killed */
static void serve_events(int listener)
{
	struct epoll_event events[EVENTS], ev = { .events = EPOLLIN };
	int ep = epoll_create1(0), i, n;
	size_t *got = calloc(65536, sizeof(*got));

	if (ep < 0 || !got)
		die("epoll_create1");
	ev.data.fd = listener;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev))
		die("epoll_ctl");
	for (;;) {
		n = epoll_wait(ep, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t len;

			if (fd == listener) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0 || fd >= 65536)
					die("accept");
				got[fd] = 0;
				ev.data.fd = fd;
				if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
					die("epoll_ctl");
				continue;
			}
			len = recv(fd, buffer, opt.size - got[fd], 0);
			if (len <= 0) {
				close(fd);
				continue;
			}
			got[fd] += len;
			if (got[fd] == opt.size) {
				got[fd] = 0;
				write_all(fd, opt.size);
			}
		}
	}
}

static void serve(int listener)
{
	int fd;

	if (opt.test == SYN)
		for (;;)
			pause();
	if (opt.test == CONNS || opt.test == IDLE || opt.test == HOLD)
		serve_events(listener);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			die("accept");
		if (opt.test == BULK && opt.conns > 1) {
			serve_bulk_aside(fd);
		} else if (opt.test == BULK) {
			serve_bulk(fd);
		} else {
			while (read_all(fd, opt.size))
				write_all(fd, opt.size);
		}
		close(fd);
	}
}

/* the child; tells the parent when it listens */
static pid_t start_server(void)
{
	int ready[2], listener, one = 1;
	char c = 1;
	pid_t pid;

	if (pipe(ready))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			die("no server");
		close(ready[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(opt.server_netns);
	listener = new_socket(opt.server_family, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&opt.addr, sizeof(opt.addr)) ||
	    listen(listener, opt.test == SYN ? (int)opt.size : 4096))
		die("listen");
	if (write(ready[1], &c, 1) != 1)
		die("pipe");
	serve(listener);
	exit(0);
}

/* ---- the client ---- */

static void run_bulk(void)
{
	unsigned long left = opt.count;
	int fd = connected();

	if (opt.zerocopy) {
		zerocopy_all(fd, opt.size, left);
		left = 0;
	}
	while (left) {
		size_t n = left < opt.size ? left : opt.size;

		if (opt.splice)
			sendfile_all(fd, n);
		else
			write_all(fd, n);
		left -= n;
	}
	if (!read_all(fd, 1))
		die("no acknowledgment from the server");
	close(fd);
}

/* all at once, until the last is done */
static void run_flows(void)
{
	unsigned int i;
	int status;

	for (i = 1; i < opt.conns; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			run_bulk();
			exit(0);
		}
	}
	run_bulk();
	for (i = 1; i < opt.conns; i++)
		if (wait(&status) < 0 || status)
			die("a flow");
}

static void transact(int fd)
{
	write_all(fd, opt.size);
	if (!read_all(fd, opt.size))
		die("the server closed");
}

static unsigned long long run_rr(void)
{
	unsigned long long begin;
	unsigned long i;
	int fd = connected();

	begin = now_ns();
	for (i = 0; i < opt.count; i++)
		transact(fd);
	begin = now_ns() - begin;
	close(fd);
	return begin;
}

static void run_crr(void)
{
	/* closed by a reset: what is measured is not how many ports there are */
	struct linger gone = { 1, 0 };
	unsigned long i;
	int fd;

	for (i = 0; i < opt.count; i++) {
		fd = connected();
		transact(fd);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &gone, sizeof(gone));
		close(fd);
	}
}

/* close() here, then there: the TIME_WAIT is ours */
static void run_tw(void)
{
	unsigned int i;
	int fd;

	for (i = 0; i < opt.conns; i++) {
		fd = connected();
		transact(fd);
		shutdown(fd, SHUT_WR);
		if (read_all(fd, 1))
			die("no end from the server");
		close(fd);
	}
}

static unsigned int sum(const void *data, size_t len, unsigned int so_far)
{
	const unsigned short *word = data;

	for (; len > 1; len -= 2)
		so_far += *word++;
	return so_far;
}

static unsigned short folded(unsigned int sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* SYNs as a raw socket sends them, each of another address and port */
static unsigned long long run_syn(void)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		unsigned char options[4];
	} __attribute__((packed, aligned(4))) p = { 0 };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	unsigned long long begin;
	unsigned long i;

	if (fd < 0)
		die("raw socket");
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 64;
	p.ip.protocol = IPPROTO_TCP;
	p.ip.tot_len = htons(sizeof(p));
	p.ip.daddr = opt.addr.sin_addr.s_addr;
	p.tcp.dest = opt.addr.sin_port;
	p.tcp.doff = 6;
	p.tcp.syn = 1;
	p.tcp.window = htons(65535);
	memcpy(p.options, "\2\4\5\264", 4);
	begin = now_ns();
	for (i = 0; i < opt.count; i++) {
		unsigned int pseudo = htons(IPPROTO_TCP) + htons(sizeof(p) - sizeof(p.ip));

		p.ip.saddr = htonl(0x0a630000 + 1 + i % 65000);
		p.tcp.source = htons(1024 + i % 60000);
		p.tcp.seq = htonl(i * 2654435761u);
		p.tcp.check = 0;
		pseudo = sum(&p.ip.saddr, 8, pseudo);
		p.tcp.check = folded(sum(&p.tcp, sizeof(p) - sizeof(p.ip), pseudo));
		if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&opt.addr,
			   sizeof(opt.addr)) < 0)
			die("sendto");
	}
	return now_ns() - begin;
}

static int *open_all(void)
{
	int *fds = calloc(opt.conns, sizeof(*fds));
	unsigned int i;

	if (!fds)
		die("calloc");
	for (i = 0; i < opt.conns; i++) {
		fds[i] = connected();
		transact(fds[i]);
	}
	return fds;
}

/* closed by resets: who comes next shall find nothing of it */
static void __attribute__((noreturn)) run_hold(void)
{
	struct linger gone = { 1, 0 };
	int *fds = open_all();
	unsigned int i;

	for (i = 0; i < opt.conns; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &gone, sizeof(gone));
	printf("held\n");
	fflush(stdout);
	for (;;)
		pause();
}

static unsigned long long run_conns(void)
{
	struct epoll_event events[EVENTS], ev = { .events = EPOLLIN };
	unsigned long started = 0, done = 0;
	unsigned long long begin;
	int ep = epoll_create1(0), *fds = open_all(), n, i;
	unsigned int c;

	if (ep < 0)
		die("epoll_create1");
	for (c = 0; c < opt.conns; c++) {
		ev.data.fd = fds[c];
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[c], &ev))
			die("epoll_ctl");
	}
	begin = now_ns();
	for (c = 0; c < opt.conns && started < opt.count; c++, started++)
		write_all(fds[c], opt.size);
	while (done < opt.count) {
		n = epoll_wait(ep, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (!read_all(events[i].data.fd, opt.size))
				die("the server closed");
			done++;
			if (started < opt.count) {
				started++;
				write_all(events[i].data.fd, opt.size);
			}
		}
	}
	return now_ns() - begin;
}

/* a line of /proc/meminfo, bytes */
static long long memory(const char *key)
{
	char line[128], name[64];
	long long kb, found = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %lld", name, &kb) == 2 &&
		    !strcmp(name, key))
			found = kb * 1024;
	fclose(f);
	return found;
}

/*
 * Slabs keep what is freed for the next who asks: hundreds of sockets, of either
 * family. To see what connections hold, have them give it back.
 */
static void shrink_slabs(void)
{
	glob_t files;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++) {
		int fd = open(files.gl_pathv[i], O_WRONLY);

		/* an older kernel, or not root: what is kept is counted, too */
		if (fd >= 0 && write(fd, "1", 1) != 1)
			perror(files.gl_pathv[i]);
		if (fd >= 0)
			close(fd);
	}
	globfree(&files);
}

/* unreclaimable; for speed it does not matter, and what is kept does */
static long long slab_bytes(void)
{
	if (opt.test == IDLE || opt.test == TW || opt.test == SYN)
		shrink_slabs();
	return memory("SUnreclaim");
}

static void raise_limit(void)
{
	struct rlimit r = { 65536, 65536 };

	setrlimit(RLIMIT_NOFILE, &r);
}

static const char *family_name(int family)
{
	return family == AF_TOYTCP ? "toytcp" : "inet";
}

static int family_number(const char *name)
{
	if (!strcmp(name, "inet"))
		return AF_INET;
	if (!strcmp(name, "toytcp"))
		return AF_TOYTCP;
	usage();
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (!*text || *end || *text == '-')
		usage();
	return n;
}

static void parse(int argc, char **argv)
{
	const char *addr = "127.0.0.1";
	unsigned long port = 5300;
	int c;

	while ((c = getopt(argc, argv, "f:F:n:N:a:p:l:msu:z")) != -1)
		switch (c) {
		case 'f': opt.family = family_number(optarg); break;
		case 'F': opt.server_family = family_number(optarg); break;
		case 'n': opt.netns = optarg; break;
		case 'N': opt.server_netns = optarg; break;
		case 'l': opt.label = optarg; break;
		case 'm': opt.marks = 1; break;
		case 's': opt.splice = 1; break;
		case 'u': opt.busy_poll_us = number(optarg); break;
		case 'z': opt.zerocopy = 1; break;
		case 'a': addr = optarg; break;
		case 'p': port = number(optarg); break;
		default: usage();
		}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc > 4 || port < 1 || port > 65535 ||
	    !inet_aton(addr, &opt.addr.sin_addr))
		usage();
	opt.addr.sin_port = htons(port);
	while (opt.test < TESTS && strcmp(argv[0], test_names[opt.test]))
		opt.test++;
	opt.size = number(argv[1]);
	opt.count = number(argv[2]);
	if (argc == 4)
		opt.conns = number(argv[3]);
	if (opt.test == TESTS || !opt.size || opt.size > BUFFER || !opt.count ||
	    !opt.conns || opt.conns > 60000 || (opt.splice && opt.zerocopy) ||
	    ((opt.splice || opt.zerocopy) && opt.test != BULK))
		usage();
	if (!opt.label)
		opt.label = family_name(opt.family);
}

int main(int argc, char **argv)
{
	unsigned long long begin, took;
	long long slab, avail;
	pid_t server;

	parse(argc, argv);
	raise_limit();
	server = start_server();
	enter(opt.netns);
	slab = slab_bytes();
	avail = memory("MemAvailable");
	if (opt.marks)
		mark_begin();
	begin = now_ns();
	switch (opt.test) {
	case BULK: run_flows(); break;
	case CRR: run_crr(); break;
	case IDLE: open_all(); sleep(1); break;
	case HOLD: run_hold();
	case TW: run_tw(); sleep(1); break;
	default: break;
	}
	took = opt.test == CONNS ? run_conns() : opt.test == RR ? run_rr() :
	       opt.test == SYN ? run_syn() : now_ns() - begin;
	if (opt.marks)
		mark_end();
	slab = slab_bytes() - slab;
	avail -= memory("MemAvailable");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	printf("{\"test\": \"%s\", \"family\": \"%s\", \"server\": \"%s\", \"size\": %zu, \"count\": %lu, \"conns\": %u, \"ns\": %llu, \"slab\": %lld, \"memory\": %lld}\n",
	       test_names[opt.test], opt.label,
	       family_name(opt.server_family), opt.size, opt.count, opt.conns,
	       took, slab, avail);
	return 0;
}
