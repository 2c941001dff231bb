// SPDX-License-Identifier: GPL-2.0
/*
 * Moves seeded data through connections and proves that it arrived: every end
 * compares what it reads with the stream byte for byte (and names the first
 * wrong offset), makes a SHA-256 of what it sent and of what it received, and
 * demands the end of file exactly where the stream ends.
 *
 *	xfer both   --client-family F --server-family F [options]
 *	xfer server --server-family F [options]
 *	xfer client --client-family F [options]
 *	xfer cases [PARALLEL]
 *	xfer hammer --client-family F [options]
 *
 * "both" is one server and one client thread, each in its own namespace, and
 * compares the four digests itself. The stream of a connection follows from
 * the seed and the client's port, which both ends know. "cases" reads lines
 * "NAME | options of both" and prints "ok NAME" or "not ok NAME - REASON" of
 * each, so many of them at a time: under emulation with all checkers on, a
 * process of its own for each would take longer than the data. "hammer" opens
 * sockets of a family that may come and go, connects without waiting and closes
 * them, until it is killed.
 *
 * Exit status: 0 all as it should be, 1 a wrong result (said on standard
 * error), 2 wrong use.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

/* Directions of a stream. */
enum { UP, DOWN };
/* Ends. */
enum { CLIENT, SERVER };
/* Who sends its FIN only after it has seen the other's. */
enum { FIRST_ANY, FIRST_CLIENT, FIRST_SERVER };

static struct options {
	int family[2];
	const char *netns[2];
	const char *addr;
	const char *bind_addr;
	unsigned int port;
	uint64_t bytes[2];	/* by direction, each connection */
	uint64_t seed;
	unsigned int total;	/* connections in all */
	unsigned int at_once;	/* of them at the same time */
	unsigned int backlog;
	unsigned int chunk;	/* bytes of a call, at most */
	unsigned int sndbuf, rcvbuf;
	unsigned int pause_ms[2];	/* by end: before it reads at all */
	unsigned int read_delay_us;	/* between two reads */
	unsigned int timeout_s;
	unsigned int at_least_ms;	/* it cannot be done sooner */
	int first;
	int linger;		/* seconds, -1 for unset */
	bool epoll, barrier, vary, nodelay, quiet;
} opt = {
	.family = { -1, -1 },
	.netns = { "-", "-" },
	.addr = "127.0.0.1",
	.port = 7700,
	.total = 1,
	.at_once = 1,
	.backlog = 512,
	.chunk = 65536,
	.timeout_s = 60,
	.linger = -1,
};

/* What one end says of all its connections; digests are XORed together. */
struct result {
	uint64_t bytes[2];
	uint8_t digest[2][32];
	unsigned int done;
	unsigned int established;	/* most at the same time */
};

/* One connection as one end sees it. */
struct conn {
	int fd;
	int end;
	bool connecting, wrote_all, fin_sent, fin_seen;
	uint64_t seed[2];
	uint64_t count[2];
	struct sha256 sha[2];
	uint64_t rng;
	struct conn *next_waiting;
};

/* By end. What it is doing, the alarm's handler prints. */
static struct result results[2];
static const char *volatile doing[2] = { "start", "start" };
static __thread int my_end;
static const char *prefix = "";	/* the case's name */
static bool of_one_end;

#define me (&results[my_end])

static const char *end_name(int end)
{
	return end == CLIENT ? "client" : "server";
}

static void wrong(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

static void say_where(int end)
{
	fprintf(stderr, "; %s in '%s', %u connections done, %llu bytes up, %llu down",
		end_name(end), doing[end], results[end].done,
		(unsigned long long)results[end].bytes[UP],
		(unsigned long long)results[end].bytes[DOWN]);
}

static void wrong(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "%s %s: ", end_name(my_end),
		family_name(opt.family[my_end]));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", errname(err));
	if (of_one_end) {
		say_where(my_end);
	} else {
		say_where(CLIENT);
		say_where(SERVER);
	}
	fprintf(stderr, "; seed %llu\n", (unsigned long long)opt.seed);
	_exit(1);
}

static void on_alarm(int sig)
{
	(void)sig;
	errno = 0;
	wrong("not done after %u s", opt.timeout_s);
}

static int out_dir(int end)
{
	return end == CLIENT ? UP : DOWN;
}

static int in_dir(int end)
{
	return end == CLIENT ? DOWN : UP;
}

static void set_options(int fd)
{
	int one = 1, size;

	if (opt.nodelay &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		wrong("TCP_NODELAY");
	size = opt.sndbuf;
	if (size && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
		wrong("SO_SNDBUF");
	size = opt.rcvbuf;
	if (size && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		wrong("SO_RCVBUF");
	if (opt.linger >= 0) {
		struct linger l = { .l_onoff = 1, .l_linger = opt.linger };

		if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
			wrong("SO_LINGER");
	}
}

static int make_socket(int end)
{
	int fd = socket(opt.family[end],
			SOCK_STREAM | SOCK_CLOEXEC |
			(opt.epoll ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0)
		wrong("socket");
	set_options(fd);
	return fd;
}

static int make_listener(void)
{
	struct sockaddr_in sin = make_addr(opt.bind_addr ?: opt.addr,
					   opt.port);
	int fd = make_socket(SERVER), one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		wrong("SO_REUSEADDR");
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		wrong("bind %s:%u", opt.bind_addr ?: opt.addr, opt.port);
	if (listen(fd, opt.backlog))
		wrong("listen");
	return fd;
}

static struct conn *conn_new(int fd, int end)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		die("no memory");
	c->fd = fd;
	c->end = end;
	sha256_init(&c->sha[UP]);
	sha256_init(&c->sha[DOWN]);
	return c;
}

/* Once it is connected: the seeds, from the port that both ends see. */
static void conn_established(struct conn *c)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int err;

	if (c->end == CLIENT)
		err = getsockname(c->fd, (struct sockaddr *)&sin, &len);
	else
		err = getpeername(c->fd, (struct sockaddr *)&sin, &len);
	if (err || len != sizeof(sin) || sin.sin_family != AF_INET)
		wrong("name of the client: returned %d, length %u, family %u",
		      err, len, sin.sin_family);
	c->rng = opt.seed ^ ((uint64_t)sin.sin_port << 32) ^ c->end;
	c->seed[UP] = opt.seed + ((uint64_t)sin.sin_port << 40) + 1;
	c->seed[DOWN] = opt.seed + ((uint64_t)sin.sin_port << 40) + 2;
}

static size_t next_len(struct conn *c, uint64_t left)
{
	size_t len = opt.vary ? 1 + rng_below(&c->rng, opt.chunk) : opt.chunk;

	return len < left ? len : left;
}

/* Any of the calls that send; which, the connection's generator says. */
static ssize_t send_some(struct conn *c, void *buf, size_t len)
{
	size_t half = len / 2;
	struct iovec iov[2] = { { buf, half },
				{ (char *)buf + half, len - half } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	switch (opt.vary ? rng_below(&c->rng, 4) : 0) {
	case 1:
		return write(c->fd, buf, len);
	case 2:
		return writev(c->fd, iov, 2);
	case 3:
		return sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	}
	return send(c->fd, buf, len, MSG_NOSIGNAL);
}

static ssize_t recv_some(struct conn *c, void *buf, size_t len)
{
	size_t half = len / 2;
	struct iovec iov[2] = { { buf, half },
				{ (char *)buf + half, len - half } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	uint64_t left = opt.bytes[in_dir(c->end)] - c->count[in_dir(c->end)];
	ssize_t peeked;

	switch (opt.vary ? rng_below(&c->rng, 6) : 0) {
	case 1:
		return read(c->fd, buf, len);
	case 2:
		return readv(c->fd, iov, 2);
	case 3:
		return recvmsg(c->fd, &msg, 0);
	case 4:
		return recv(c->fd, buf, len < left || !left ? len : left,
			    opt.epoll ? 0 : MSG_WAITALL);
	case 5:
		peeked = recv(c->fd, buf, len, MSG_PEEK);
		if (peeked <= 0)
			return peeked;
		if (stream_differs(c->seed[in_dir(c->end)],
				   c->count[in_dir(c->end)], buf, peeked) !=
		    (size_t)peeked)
			wrong("MSG_PEEK shows other bytes than the stream");
		return recv(c->fd, buf, peeked, 0);
	}
	return recv(c->fd, buf, len, 0);
}

static void account(struct conn *c, int dir, const void *buf, size_t len)
{
	sha256_update(&c->sha[dir], buf, len);
	c->count[dir] += len;
	__atomic_fetch_add(&me->bytes[dir], len, __ATOMIC_RELAXED);
}

static void send_fin(struct conn *c)
{
	/* A peer that closed all may have sent the reset we meet here. */
	if (shutdown(c->fd, SHUT_WR))
		wrong("shutdown(SHUT_WR)");
	c->fin_sent = true;
}

static bool may_send_fin(const struct conn *c)
{
	int waits = opt.first == FIRST_CLIENT ? SERVER :
		    opt.first == FIRST_SERVER ? CLIENT : -1;

	return c->wrote_all && !c->fin_sent && (c->end != waits || c->fin_seen);
}

/* Write once. False when the socket would block. */
static bool step_out(struct conn *c, char *buf)
{
	int dir = out_dir(c->end);
	uint64_t left = opt.bytes[dir] - c->count[dir];
	size_t len = next_len(c, left);
	ssize_t n;

	if (left) {
		stream_fill(c->seed[dir], c->count[dir], buf, len);
		n = send_some(c, buf, len);
		if (n < 0 && errno == EAGAIN && opt.epoll)
			return false;
		if (n <= 0)
			wrong("sending %zu bytes at %llu returned %zd", len,
			      (unsigned long long)c->count[dir], n);
		account(c, dir, buf, n);
	}
	if (c->count[dir] == opt.bytes[dir])
		c->wrote_all = true;
	return true;
}

/* Read once. False when the socket would block. */
static bool step_in(struct conn *c, char *buf)
{
	int dir = in_dir(c->end);
	size_t good;
	ssize_t n;

	if (opt.read_delay_us)
		usleep(opt.read_delay_us);
	n = recv_some(c, buf, next_len(c, opt.chunk));
	if (n < 0 && errno == EAGAIN && opt.epoll)
		return false;
	if (n < 0)
		wrong("receiving at %llu",
		      (unsigned long long)c->count[dir]);
	if (!n) {
		if (c->count[dir] != opt.bytes[dir])
			wrong("end of file after %llu of %llu bytes",
			      (unsigned long long)c->count[dir],
			      (unsigned long long)opt.bytes[dir]);
		c->fin_seen = true;
		return true;
	}
	good = stream_differs(c->seed[dir], c->count[dir], buf, n);
	if (good != (size_t)n)
		wrong("byte %llu of the stream is wrong",
		      (unsigned long long)(c->count[dir] + good));
	account(c, dir, buf, n);
	if (c->count[dir] > opt.bytes[dir])
		wrong("more than %llu bytes arrived",
		      (unsigned long long)opt.bytes[dir]);
	return true;
}

static void conn_finish(struct conn *c)
{
	int err = -1, dir;
	socklen_t len = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
		wrong("SO_ERROR says %s at the end", errname(err));
	if (close(c->fd))
		wrong("close");
	for (dir = 0; dir < 2; dir++) {
		uint8_t digest[32];
		unsigned int i;

		sha256_final(&c->sha[dir], digest);
		for (i = 0; i < 32; i++)
			me->digest[dir][i] ^= digest[i];
	}
	me->done++;
	free(c);
}

/* Blocking calls, one connection after another. */

static void *writer(void *arg)
{
	struct conn *c = arg;
	char *buf = malloc(opt.chunk);

	if (!buf)
		die("no memory");
	my_end = c->end;
	while (!c->wrote_all)
		step_out(c, buf);
	free(buf);
	return NULL;
}

static void run_blocking(struct conn *c)
{
	char *buf = malloc(opt.chunk);
	pthread_t thread;

	if (!buf)
		die("no memory");
	conn_established(c);
	if (!me->established)
		me->established = 1;
	doing[my_end] = "send and receive";
	if (pthread_create(&thread, NULL, writer, c))
		die("thread");
	if (opt.pause_ms[c->end])
		usleep(opt.pause_ms[c->end] * 1000);
	/*
	 * The end that closes first says so as soon as all is written; the
	 * other when it has seen that.
	 */
	while (c->count[in_dir(c->end)] < opt.bytes[in_dir(c->end)])
		step_in(c, buf);
	if (pthread_join(thread, NULL))
		die("join");
	doing[my_end] = "close";
	if (may_send_fin(c))
		send_fin(c);
	while (!c->fin_seen)
		step_in(c, buf);
	if (may_send_fin(c))
		send_fin(c);
	free(buf);
	conn_finish(c);
}

static void client_blocking(const struct sockaddr_in *to)
{
	unsigned int i;

	for (i = 0; i < opt.total; i++) {
		int fd = make_socket(CLIENT);

		doing[my_end] = "connect";
		if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
			wrong("connect %u", i);
		run_blocking(conn_new(fd, CLIENT));
	}
}

static void server_blocking(int listener)
{
	unsigned int i;

	for (i = 0; i < opt.total; i++) {
		int fd;

		doing[my_end] = "accept";
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			wrong("accept %u", i);
		set_options(fd);
		run_blocking(conn_new(fd, SERVER));
	}
}

/* Nonblocking calls and epoll, many connections at the same time. */

static __thread struct {
	int epfd;
	unsigned int started, open;
	struct conn *waiting;	/* established, held at the barrier */
	unsigned int n_waiting;
	char *buf;
} loop;

static void watch(struct conn *c, int op)
{
	struct epoll_event ev = { .data.ptr = c, .events = EPOLLIN };

	if (c->connecting || !c->wrote_all)
		ev.events |= EPOLLOUT;
	if (c->fin_seen)
		ev.events &= ~EPOLLIN;
	if (epoll_ctl(loop.epfd, op, c->fd, &ev))
		wrong("epoll_ctl");
}

static void start_client(const struct sockaddr_in *to)
{
	struct conn *c = conn_new(make_socket(CLIENT), CLIENT);

	if (connect(c->fd, (const struct sockaddr *)to, sizeof(*to))) {
		if (errno != EINPROGRESS)
			wrong("connect %u", loop.started);
	}
	c->connecting = true;
	loop.started++;
	loop.open++;
	watch(c, EPOLL_CTL_ADD);
}

static void went_established(struct conn *c)
{
	c->connecting = false;
	conn_established(c);
	if (!opt.barrier)
		return;
	/* Hold it until all of them stand; then let all go. */
	if (epoll_ctl(loop.epfd, EPOLL_CTL_DEL, c->fd, NULL))
		wrong("epoll_ctl");
	c->next_waiting = loop.waiting;
	loop.waiting = c;
	if (++loop.n_waiting > me->established)
		me->established = loop.n_waiting;
	if (loop.n_waiting < opt.at_once)
		return;
	while (loop.waiting) {
		c = loop.waiting;
		loop.waiting = c->next_waiting;
		watch(c, EPOLL_CTL_ADD);
	}
	loop.n_waiting = 0;
}

static void finish_connect(struct conn *c)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		wrong("SO_ERROR");
	if (err)
		wrong("connect: %s", errname(err));
	went_established(c);
}

/* True while the connection lives. */
static bool serve(struct conn *c, uint32_t events)
{
	bool wrote_all = c->wrote_all, fin_seen = c->fin_seen;
	unsigned int i;

	if (c->connecting) {
		if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return true;
		finish_connect(c);
		if (opt.barrier)
			return true;
	}
	/* Bounded, so that one busy connection cannot starve the others. */
	for (i = 0; i < 8 && !c->fin_seen; i++)
		if (!step_in(c, loop.buf))
			break;
	for (i = 0; i < 8 && !c->wrote_all; i++)
		if (!step_out(c, loop.buf))
			break;
	if (may_send_fin(c))
		send_fin(c);
	if (c->fin_seen && c->fin_sent) {
		conn_finish(c);
		loop.open--;
		return false;
	}
	if (wrote_all != c->wrote_all || fin_seen != c->fin_seen)
		watch(c, EPOLL_CTL_MOD);
	return true;
}

static void accept_all(int listener)
{
	for (;;) {
		struct conn *c;
		int fd = accept4(listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0)
			wrong("accept");
		set_options(fd);
		c = conn_new(fd, SERVER);
		loop.started++;
		if (++loop.open > me->established)
			me->established = loop.open;
		conn_established(c);
		watch(c, EPOLL_CTL_ADD);
	}
}

static void run_epoll(int listener, const struct sockaddr_in *to)
{
	struct epoll_event ev = { .data.ptr = NULL, .events = EPOLLIN };
	struct epoll_event events[64];
	int i, n;

	loop.epfd = epoll_create1(EPOLL_CLOEXEC);
	loop.buf = malloc(opt.chunk);
	if (loop.epfd < 0 || !loop.buf)
		die("epoll");
	if (!to && epoll_ctl(loop.epfd, EPOLL_CTL_ADD, listener, &ev))
		wrong("epoll_ctl of the listener");
	while (me->done < opt.total) {
		while (to && loop.started < opt.total &&
		       loop.open < opt.at_once)
			start_client(to);
		doing[my_end] = "epoll_wait";
		n = epoll_wait(loop.epfd, events, ARRAY_SIZE(events), -1);
		if (n < 0)
			wrong("epoll_wait");
		doing[my_end] = "events";
		for (i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				accept_all(listener);
			else
				serve(events[i].data.ptr, events[i].events);
		}
	}
}

static void run_end(int end, int listener)
{
	struct sockaddr_in to;

	my_end = end;
	if (end == SERVER) {
		if (opt.epoll)
			run_epoll(listener, NULL);
		else
			server_blocking(listener);
		return;
	}
	enter_netns(opt.netns[CLIENT]);
	to = make_addr(opt.addr, opt.port);
	if (opt.epoll)
		run_epoll(-1, &to);
	else
		client_blocking(&to);
}

static void print_end(int end, const struct result *r)
{
	int dir;

	for (dir = 0; dir < 2; dir++) {
		int i;

		printf("%s %s %llu bytes, %u connections, sha256 ",
		       end_name(end), dir == out_dir(end) ? "sent" : "received",
		       (unsigned long long)r->bytes[dir], r->done);
		for (i = 0; i < 32; i++)
			printf("%02x", r->digest[dir][i]);
		putchar('\n');
	}
	fflush(stdout);
}

static int compare(const struct result *r, uint64_t ms, char *verdict,
		   size_t size)
{
	uint64_t bytes = r[CLIENT].bytes[UP] + r[CLIENT].bytes[DOWN];
	int dir;

	for (dir = 0; dir < 2; dir++)
		if (memcmp(r[CLIENT].digest[dir], r[SERVER].digest[dir], 32) ||
		    r[CLIENT].bytes[dir] != r[SERVER].bytes[dir] ||
		    r[CLIENT].bytes[dir] != opt.bytes[dir] * opt.total) {
			snprintf(verdict, size,
				 "what was sent %s is not what arrived",
				 dir == UP ? "up" : "down");
			return 1;
		}
	if (opt.barrier && r[CLIENT].established < opt.at_once) {
		snprintf(verdict, size, "only %u connections at once",
			 r[CLIENT].established);
		return 1;
	}
	if (ms < opt.at_least_ms) {
		snprintf(verdict, size, "done after %llu ms: nobody waited",
			 (unsigned long long)ms);
		return 1;
	}
	snprintf(verdict, size, "%llu ms, %llu kB/s", (unsigned long long)ms,
		 (unsigned long long)(bytes / (ms ?: 1)));
	return 0;
}

static void start_clock(void)
{
	signal(SIGALRM, on_alarm);
	alarm(opt.timeout_s);
}

static void *client_thread(void *arg)
{
	(void)arg;
	run_end(CLIENT, -1);
	return NULL;
}

/* 0 or 1, and the verdict in words. Exits at once when an end fails. */
static int run_both(char *verdict, size_t size)
{
	pthread_t client;
	uint64_t start;
	int listener;

	if (opt.family[CLIENT] < 0 || opt.family[SERVER] < 0)
		die("--client-family and --server-family");
	my_end = SERVER;
	start_clock();
	enter_netns(opt.netns[SERVER]);
	listener = make_listener();
	start = now_ms();
	if (pthread_create(&client, NULL, client_thread, NULL))
		die("thread");
	run_end(SERVER, listener);
	close(listener);
	if (pthread_join(client, NULL))
		die("join");
	alarm(0);
	return compare(results, now_ms() - start, verdict, size);
}

enum {
	O_CLIENT_FAMILY = 256, O_SERVER_FAMILY, O_CLIENT_NETNS, O_SERVER_NETNS,
	O_ADDR, O_BIND, O_PORT, O_UP, O_DOWN, O_SEED, O_TOTAL, O_AT_ONCE,
	O_BACKLOG, O_CHUNK, O_SNDBUF, O_RCVBUF, O_CLIENT_PAUSE, O_SERVER_PAUSE,
	O_READ_DELAY, O_TIMEOUT, O_FIRST, O_LINGER, O_EPOLL, O_BARRIER, O_VARY,
	O_NODELAY, O_QUIET, O_AT_LEAST,
};

static const struct option long_options[] = {
	{ "client-family", 1, NULL, O_CLIENT_FAMILY },
	{ "server-family", 1, NULL, O_SERVER_FAMILY },
	{ "client-netns", 1, NULL, O_CLIENT_NETNS },
	{ "server-netns", 1, NULL, O_SERVER_NETNS },
	{ "addr", 1, NULL, O_ADDR },		/* the server's */
	{ "bind", 1, NULL, O_BIND },		/* the listener's, if other */
	{ "port", 1, NULL, O_PORT },
	{ "up", 1, NULL, O_UP },		/* client to server */
	{ "down", 1, NULL, O_DOWN },		/* server to client */
	{ "seed", 1, NULL, O_SEED },
	{ "total", 1, NULL, O_TOTAL },
	{ "at-once", 1, NULL, O_AT_ONCE },
	{ "backlog", 1, NULL, O_BACKLOG },
	{ "chunk", 1, NULL, O_CHUNK },
	{ "sndbuf", 1, NULL, O_SNDBUF },
	{ "rcvbuf", 1, NULL, O_RCVBUF },
	{ "client-pause", 1, NULL, O_CLIENT_PAUSE },	/* ms, idle reader */
	{ "server-pause", 1, NULL, O_SERVER_PAUSE },
	{ "read-delay", 1, NULL, O_READ_DELAY },	/* us */
	{ "timeout", 1, NULL, O_TIMEOUT },
	{ "first", 1, NULL, O_FIRST },		/* client, server, any */
	{ "linger", 1, NULL, O_LINGER },
	{ "epoll", 0, NULL, O_EPOLL },
	{ "barrier", 0, NULL, O_BARRIER },
	{ "vary", 0, NULL, O_VARY },
	{ "nodelay", 0, NULL, O_NODELAY },
	{ "quiet", 0, NULL, O_QUIET },
	{ "at-least", 1, NULL, O_AT_LEAST },	/* ms */
	{ }
};

static void parse_first(const char *text)
{
	if (!strcmp(text, "client"))
		opt.first = FIRST_CLIENT;
	else if (!strcmp(text, "server"))
		opt.first = FIRST_SERVER;
	else if (strcmp(text, "any"))
		die("--first client, server or any");
}

static void parse_option(int o)
{
	const unsigned int u32 = 1U << 30;
#define NUMBER(max) parse_number(long_options[o - 256].name, optarg, max)

	switch (o) {
	case O_CLIENT_FAMILY: opt.family[CLIENT] = family_by_name(optarg); break;
	case O_SERVER_FAMILY: opt.family[SERVER] = family_by_name(optarg); break;
	case O_CLIENT_NETNS: opt.netns[CLIENT] = optarg; break;
	case O_SERVER_NETNS: opt.netns[SERVER] = optarg; break;
	case O_ADDR: opt.addr = optarg; break;
	case O_BIND: opt.bind_addr = optarg; break;
	case O_PORT: opt.port = NUMBER(65535); break;
	case O_UP: opt.bytes[UP] = NUMBER(1ULL << 50); break;
	case O_DOWN: opt.bytes[DOWN] = NUMBER(1ULL << 50); break;
	case O_SEED: opt.seed = NUMBER(UINT64_MAX); break;
	case O_TOTAL: opt.total = NUMBER(u32); break;
	case O_AT_ONCE: opt.at_once = NUMBER(u32); break;
	case O_BACKLOG: opt.backlog = NUMBER(u32); break;
	case O_CHUNK: opt.chunk = NUMBER(u32); break;
	case O_SNDBUF: opt.sndbuf = NUMBER(u32); break;
	case O_RCVBUF: opt.rcvbuf = NUMBER(u32); break;
	case O_CLIENT_PAUSE: opt.pause_ms[CLIENT] = NUMBER(u32); break;
	case O_SERVER_PAUSE: opt.pause_ms[SERVER] = NUMBER(u32); break;
	case O_READ_DELAY: opt.read_delay_us = NUMBER(u32); break;
	case O_TIMEOUT: opt.timeout_s = NUMBER(u32); break;
	case O_FIRST: parse_first(optarg); break;
	case O_LINGER: opt.linger = NUMBER(u32); break;
	case O_EPOLL: opt.epoll = true; break;
	case O_BARRIER: opt.barrier = true; break;
	case O_VARY: opt.vary = true; break;
	case O_NODELAY: opt.nodelay = true; break;
	case O_QUIET: opt.quiet = true; break;
	case O_AT_LEAST: opt.at_least_ms = NUMBER(u32); break;
	default: die("unknown option; they are listed in xfer.c");
	}
#undef NUMBER
}

static void parse(int argc, char **argv)
{
	int o;

	opt.seed = now_ms() * 0x9e3779b97f4a7c15ULL >> 32;
	optind = 0;
	while ((o = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		parse_option(o);
	if (optind != argc || !opt.chunk || !opt.total)
		die("wrong use: %s", optind < argc ? argv[optind] : "zero");
	if (opt.at_once > 1 && !opt.epoll)
		die("--at-once needs --epoll");
}

/* In a process of its own. What it writes on standard error is the reason. */
static void run_case(char *line)
{
	char *argv[64] = { "xfer" }, *save, verdict[128];
	int argc = 1;

	while ((argv[argc] = strtok_r(argc == 1 ? line : NULL, " ", &save)))
		if (++argc == ARRAY_SIZE(argv) - 1)
			die("too many options");
	parse(argc, argv);
	if (run_both(verdict, sizeof(verdict))) {
		fprintf(stderr, "%s; seed %llu\n", verdict,
			(unsigned long long)opt.seed);
		_exit(1);
	}
	printf("ok %s\n#   %s\n", prefix, verdict);
	fflush(stdout);
	_exit(0);	/* exit() would wind the cases' file back */
}

struct running {
	pid_t pid;
	char name[160];
	FILE *reason;
};

static void reap_case(struct running *running, unsigned int *n)
{
	char reason[512] = "";
	unsigned int i;
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		die("wait");
	for (i = 0; running[i].pid != pid; i++)
		;
	if (status) {
		rewind(running[i].reason);
		if (!fgets(reason, sizeof(reason), running[i].reason))
			snprintf(reason, sizeof(reason), "ended with status %#x",
				 status);
		reason[strcspn(reason, "\n")] = 0;
		not_ok("%s - %s", running[i].name, reason);
	}
	fclose(running[i].reason);
	running[i] = running[--*n];
}

static int run_cases(unsigned int parallel)
{
	struct running running[64];
	unsigned int n = 0;
	char line[1024];

	if (!parallel || parallel > ARRAY_SIZE(running))
		die("1 to %zu cases at a time", ARRAY_SIZE(running));
	while (fgets(line, sizeof(line), stdin)) {
		char *options = strstr(line, " | ");
		struct running *r = &running[n];

		line[strcspn(line, "\n")] = 0;
		if (!options)
			die("no case: %s", line);
		*options = 0;
		snprintf(r->name, sizeof(r->name), "%.*s",
			 (int)sizeof(r->name) - 1, line);
		r->reason = tmpfile();
		if (!r->reason)
			die("tmpfile");
		fflush(stdout);
		r->pid = fork();
		if (r->pid < 0)
			die("fork");
		if (!r->pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			dup2(fileno(r->reason), STDERR_FILENO);
			prefix = r->name;
			run_case(options + 3);
		}
		if (++n == parallel)
			reap_case(running, &n);
	}
	while (n)
		reap_case(running, &n);
	return cases_failed() ? 1 : 0;
}

static int hammer(void)
{
	struct sockaddr_in to = make_addr(opt.addr, opt.port);

	of_one_end = true;
	my_end = CLIENT;
	enter_netns(opt.netns[CLIENT]);
	start_clock();
	for (;;) {
		uint64_t since = now_ms();
		int fd = socket(opt.family[CLIENT],
				SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (fd < 0 && errno == EAFNOSUPPORT) {
			usleep(1000);
			continue;
		}
		if (fd < 0)
			wrong("socket");
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
		    errno != EINPROGRESS && errno != ECONNREFUSED)
			wrong("connect");
		/* Long enough for the answer, sometimes. */
		usleep(rng_below(&opt.seed, 3000));
		close(fd);
		me->done++;
		/* And gone for longer than it was there, for rmmod's sake. */
		usleep(2000 * (now_ms() - since) + rng_below(&opt.seed, 10000));
	}
}

static int run_alone(int end)
{
	int listener = -1;

	of_one_end = true;
	my_end = end;
	if (opt.family[end] < 0)
		die("the family of the %s", end_name(end));
	start_clock();
	if (end == SERVER) {
		enter_netns(opt.netns[SERVER]);
		listener = make_listener();
		printf("listening\n");
		fflush(stdout);
	}
	run_end(end, listener);
	print_end(end, &results[end]);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct rlimit files = { 65536, 65536 };
	char verdict[128];
	int status;

	sha256_selftest();
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(mode, "cases"))
		return run_cases(argc > 2 ? atoi(argv[2]) : 1);
	if (argc > 1)
		parse(argc - 1, argv + 1);
	printf("seed %llu\n", (unsigned long long)opt.seed);
	if (!strcmp(mode, "client"))
		return run_alone(CLIENT);
	if (!strcmp(mode, "server"))
		return run_alone(SERVER);
	if (!strcmp(mode, "hammer"))
		return hammer();
	if (strcmp(mode, "both"))
		die("both, client, server, cases or hammer");
	status = run_both(verdict, sizeof(verdict));
	if (!opt.quiet) {
		print_end(CLIENT, &results[CLIENT]);
		print_end(SERVER, &results[SERVER]);
	}
	printf("%s\n", verdict);
	return status;
}
