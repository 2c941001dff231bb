// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: what the core gives every socket, and what it asks of a
 * family for that: cookies, the CPU of arrival, SIGIO, busy polling,
 * timestamps, who is woken, io_uring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/io_uring.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errnos.h"

/* ---- SO_COOKIE ------------------------------------------------------------------ */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	said("SO_COOKIE", getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	rec("length %d nonzero %d; ", (int)len, cookie != 0);
	return cookie;
}

static void cookie(const struct row *r)
{
	int l = new_sock(), peer = new_peer(), a = new_sock(), fd;
	struct sockaddr_in sin;
	uint64_t first = cookie_of(a), of_l = cookie_of(l), value;
	socklen_t len = 4;

	(void)r;
	rec("again %d, another's %d; ", cookie_of(a) == first, first == of_l);
	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	fd = need("accept", accept(l, NULL, NULL));
	rec("the child's %d, the listener's %d; ", cookie_of(fd) == of_l, cookie_of(l) == of_l);
	said("short", getsockopt(a, SOL_SOCKET, SO_COOKIE, &value, &len));
	said("set", setsockopt(a, SOL_SOCKET, SO_COOKIE, &value, sizeof(value)));
}

/* ---- SO_INCOMING_CPU ------------------------------------------------------------ */

static void rec_cpu(const char *who, int fd)
{
	int cpu = get_int(fd, SOL_SOCKET, SO_INCOMING_CPU);

	rec("%s %s; ", who, cpu == -1 ? "none" : cpu >= 0 && cpu < 4096 ? "a CPU" : "wrong");
}

static void incoming_cpu(const struct row *r)
{
	int a, b, fd = new_sock(), zero = 0;

	(void)r;
	rec_cpu("fresh", fd);
	said("set", setsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &zero, sizeof(zero)));
	rec("get %d; ", get_int(fd, SOL_SOCKET, SO_INCOMING_CPU));
	pair(&a, &b);
	give(b, a, 10);
	give(a, b, 10);
	rec_cpu("after data", a);
}

/* ---- SO_BINDTODEVICE ------------------------------------------------------------- */

/*
 * a connection over lo is bound to another device: what comes is not for it,
 * and a listener on the same port, bound to none, knows nothing of it
 */
static void other_device(const struct row *r)
{
	struct if_nameindex *devices = if_nameindex(), *dev;
	struct pollfd p = { .events = POLLIN };
	struct sockaddr_in sin;
	const char *name = "lo";
	char byte = 'x';
	int a, b, l;

	for (dev = devices; r->a && dev->if_name; dev++)
		if (strcmp(dev->if_name, "lo"))
			name = dev->if_name;
	if (r->b) {
		l = new_sock();
		listen_on(l, "127.0.0.1");
		sin = name_of(l);
		b = new_peer();
		need("connect", connect(b, SA(sin), sizeof(sin)));
		a = need("accept", accept(l, NULL, NULL));
	} else {
		pair(&a, &b);
	}
	said("bind", setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name)));
	if_freenameindex(devices);
	need("send", send(b, &byte, 1, 0));
	p.fd = r->a ? b : a;
	rec("poll %d revents %#x; ", poll(&p, 1, SETTLE_MS), p.revents);
	said("recv", recv(a, &byte, 1, MSG_DONTWAIT));
	rec("error %d; ", get_int(b, SOL_SOCKET, SO_ERROR));
}

/* ---- SIGIO ---------------------------------------------------------------------- */

static void async_on(const struct row *r, int fd)
{
	int on = 1, me = getpid();

	if (r->a) {
		said("FIOSETOWN", ioctl(fd, FIOSETOWN, &me));
		said("FIOASYNC", ioctl(fd, FIOASYNC, &on));
	} else {
		said("F_SETOWN", fcntl(fd, F_SETOWN, me));
		said("O_ASYNC", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
	}
	signals = 0;
}

/* it comes before what it is about can be seen, or soon after */
static void rec_sigio(const char *what)
{
	int ms;

	for (ms = 0; !signals && ms < SETTLE_MS; ms += 5)
		poll(NULL, 0, 5);
	rec("%s %d; ", what, signals > 0);
	signals = 0;
}

static void sigio(const struct row *r)
{
	int l = new_sock(), peer = new_peer(), fd;
	struct sockaddr_in sin;
	char buf[100];

	/* the set-up goes on behind a signal */
	catch(SIGIO, SA_RESTART);
	listen_on(l, "127.0.0.1");
	async_on(r, l);
	sin = name_of(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	rec_sigio("listener");
	fd = need("accept", accept(l, NULL, NULL));
	async_on(r, fd);
	put(peer, 10);
	rec_sigio("data");
	said("recv", recv(fd, buf, sizeof(buf), 0));
	need("shutdown", shutdown(peer, SHUT_WR));
	rec_sigio("FIN");
	no_more_signals();
}

/* ---- busy polling ---------------------------------------------------------------- */

static void busy_poll(const struct row *r)
{
	int a, b, us = r->a;

	pair(&a, &b);
	said("set", setsockopt(a, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us)));
	rec("get %d; ", get_int(a, SOL_SOCKET, SO_BUSY_POLL));
	give(b, a, 10);
	rec_state(a);
}

/* ---- timestamps ------------------------------------------------------------------ */

static void rec_stamps(struct msghdr *msg)
{
	const struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, (struct cmsghdr *)c)) {
		const struct timespec *at = (void *)CMSG_DATA(c);

		rec("level %d type %d length %zu there %d; ", c->cmsg_level, c->cmsg_type,
		    (size_t)c->cmsg_len, at->tv_sec > 0);
	}
}

/* a: the option, b: its value */
static void timestamps(const struct row *r)
{
	char buf[100], control[256];
	int a, b, value = r->b, i;

	pair(&a, &b);
	said("set", setsockopt(a, SOL_SOCKET, r->a, &value, sizeof(value)));
	rec("get %d; ", get_int(a, SOL_SOCKET, r->a));
	/* the kernel begins to stamp a moment later */
	poll(NULL, 0, 50);
	for (i = 0; i < 2; i++) {
		struct iovec iov = { buf, sizeof(buf) };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};

		put(b, 10);
		wait_for(a, POLLIN);
		said("recv", recvmsg(a, &msg, 0));
		rec("flags %#x ", msg.msg_flags);
		rec_stamps(&msg);
	}
}

/*
 * What is sent: a write of 10 bytes and one of 5000 that leaves in several
 * segments, then all that the error queue has. a: the flags, b: those of each
 * write, by a control message, or < 0, text: both at once, as records.
 */
static ssize_t stamped_write(int fd, const void *data, size_t len, long flags, int how)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (flags >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SO_TIMESTAMPING;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &(int){ flags }, sizeof(int));
	}
	return sendmsg(fd, &msg, how);
}

/* Stamps that have come, in their order: of whom, of which byte, of how much. */
static void rec_sent(int fd)
{
	char buf[8000], control[400];
	struct iovec iov = { buf, sizeof(buf) };
	const struct cmsghdr *c;
	int n;

	for (n = 0; n < 12; n++) {
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof(control) };
		ssize_t len;

		poll(&(struct pollfd){ .fd = fd }, 1, 50);
		len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (len < 0)
			break;
		rec("[%zd flags %#x", len, msg.msg_flags);
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, (struct cmsghdr *)c)) {
			const struct sock_extended_err *ee = (void *)CMSG_DATA(c);
			const struct timespec *at = (void *)CMSG_DATA(c);

			if (c->cmsg_level == SOL_SOCKET)
				rec(" type %d length %zu there %d", c->cmsg_type,
				    (size_t)c->cmsg_len, at->tv_sec > 0);
			else
				rec(" errno %d origin %d stamp %d byte %u length %zu", ee->ee_errno,
				    ee->ee_origin, ee->ee_info, ee->ee_data, (size_t)c->cmsg_len);
		}
		rec("] ");
	}
	rec_poll(fd);
}

static void stamps_sent(const struct row *r)
{
	static char data[5000];
	int a, b, flags = r->a, how = r->text ? MSG_EOR : 0;

	pair(&a, &b);
	give(a, b, 7);
	said("set", setsockopt(a, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)));
	rec("get %#x; ", get_int(a, SOL_SOCKET, SO_TIMESTAMPING));
	if (r->text)
		set_int(a, IPPROTO_TCP, TCP_CORK, 1);
	said("write", stamped_write(a, data, 10, r->b, how));
	if (!r->text)
		rec_sent(a);
	said("write", stamped_write(a, data, sizeof(data), r->b, how));
	if (r->text)
		set_int(a, IPPROTO_TCP, TCP_CORK, 0);
	rec_sent(a);
}

/* a: when */
static void stamps_begin(const struct row *r)
{
	int a, b, flags = r->b, fd = new_sock();

	if (r->a == 1)
		listen_on(fd, "127.0.0.1");
	if (r->a == 2) {
		pair(&a, &b);
		fd = a;
	}
	said("set", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)));
	said("short", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, 3));
	said("bad pointer", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, BAD, sizeof(flags)));
	rec("get %#x; ", get_int(fd, SOL_SOCKET, SO_TIMESTAMPING));
}

static void add_stamp_rows(void)
{
	enum { SCHED = 1 << 8, ACK = 1 << 9, SND = 1 << 1, TELL = 1 << 4, ID = 1 << 7,
	       ONLY = 1 << 11, ID_TCP = 1 << 16 };
	static const long flags[] = {
		SCHED | SND | ACK | TELL | ID | ONLY, SCHED | SND | ACK | TELL | ID_TCP | ID | ONLY,
		SCHED | SND | ACK | TELL | ONLY, ACK | TELL | ID, SND | TELL | ID | ONLY,
		SCHED | TELL | ID | ONLY, SCHED | SND | ACK | ID | ONLY, TELL | ID | ONLY,
	};
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		add(stamps_sent, "SO_TIMESTAMPING: sent, %#lx", flags[i]);
		r = add(stamps_sent, "SO_TIMESTAMPING: sent, %#lx, records", flags[i]);
		r->text = "";
		r->a = (r - 1)->a = flags[i];
		r->b = (r - 1)->b = -1;
	}
	for (i = 0; i < 4; i++) {
		static const long each[] = { SCHED | SND | ACK, ACK, 0, TELL };

		r = add(stamps_sent, "SO_TIMESTAMPING: each write %#lx", each[i]);
		r->a = TELL | ID | ONLY;
		r->b = each[i];
	}
	for (i = 0; i < 3; i++)
		for (j = 0; j < 2; j++) {
			r = add(stamps_begin, "SO_TIMESTAMPING: OPT_ID %s, %s",
				i == 0 ? "fresh" : i == 1 ? "listening" : "connected",
				j ? "of TCP alone" : "with data");
			r->a = i;
			r->b = j ? ID_TCP : ID | ACK;
		}
}

/* ---- sendfile() and splice() ------------------------------------------------------- */

#define WHOLE (1 << 20)

/* A file into one socket, out of the other through a pipe: all of it, and equal. */
static void whole_file(const struct row *r)
{
	static char data[WHOLE], got[WHOLE];
	int a, b, in = need("memfd", memfd_create("f", 0)), p[2];
	unsigned int i, come = 0;
	off_t off = 0;
	ssize_t n;

	(void)r;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (i * 2654435761u) >> 24;
	need("write", write(in, data, sizeof(data)));
	need("pipe", pipe(p));
	pair(&a, &b);
	nonblock(a);
	nonblock(b);
	while (come < sizeof(data)) {
		if (off < WHOLE && sendfile(a, in, &off, WHOLE - off) < 0 && errno != EAGAIN)
			break;
		n = splice(b, NULL, p[1], NULL, 30000, SPLICE_F_NONBLOCK);
		if (n < 0 && errno == EAGAIN)
			wait_for(b, POLLIN);
		else if (n <= 0)
			break;
		else
			come += need("read", read(p[0], got + come, n));
	}
	rec("%u bytes, equal %d; ", come, !memcmp(data, got, sizeof(data)));
}

/* ---- EPOLLEXCLUSIVE ------------------------------------------------------------- */

/* Has it nothing to do but wait? */
static bool sleeps(pid_t pid)
{
	char path[40], text[100];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = need("open", open(path, O_RDONLY));
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'S';
}

/*
 * Processes that wait for one listener, each with an epoll of its own; how many
 * a connection wakes. a: EPOLLEXCLUSIVE
 */
static void woken_by_one(const struct row *r)
{
	struct epoll_event ev = { .events = EPOLLIN | (r->a ? EPOLLEXCLUSIVE : 0) }, out;
	int l = new_sock(), peer = new_peer(), ep, i, asleep = 0;
	struct sockaddr_in sin;
	pid_t pids[3];

	listen_on(l, "127.0.0.1");
	for (i = 0; i < 3; i++) {
		ep = need("epoll", epoll_create1(0));
		said("add", epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev));
		pids[i] = need("fork", fork());
		if (!pids[i])
			_exit(epoll_wait(ep, &out, 1, -1) != 1);
	}
	for (i = 0; i < 3; i++)
		while (!sleeps(pids[i]))
			poll(NULL, 0, 1);
	sin = name_of(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	need("one", waitpid(-1, NULL, 0));
	/* whoever else was woken had been when this one was */
	for (i = 0; i < 3; i++)
		asleep += kill(pids[i], 0) == 0 && sleeps(pids[i]);
	rec("asleep %d; ", asleep);
	for (i = 0; i < 3; i++)
		kill(pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	ev.events |= EPOLLONESHOT;
	ep = need("epoll", epoll_create1(0));
	said("with one shot", epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev));
}

/* ---- io_uring -------------------------------------------------------------------- */

struct ring {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static bool ring_make(struct ring *ring)
{
	const struct io_uring_params *p = &ring->p;
	int prot = PROT_READ | PROT_WRITE;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(__NR_io_uring_setup, 4, &ring->p);
	/* a kernel without it is no reason to differ */
	if (ring->fd < 0) {
		rec("io_uring %d; ", errno == ENOSYS || errno == EPERM);
		return false;
	}
	ring->sq = mmap(NULL, p->sq_off.array + p->sq_entries * 4, prot, MAP_SHARED, ring->fd,
			IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe), prot,
			MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(*ring->sqes), prot, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	if (ring->sq == MAP_FAILED || ring->cq == MAP_FAILED || ring->sqes == MAP_FAILED)
		die("mmap of the rings");
	return true;
}

/* hand one request over; a result is not waited for */
static void ring_submit(struct ring *ring, int op, int fd, void *buf, unsigned int len)
{
	unsigned int *tail = (void *)(ring->sq + ring->p.sq_off.tail);
	unsigned int *array = (void *)(ring->sq + ring->p.sq_off.array);
	unsigned int at = *tail & (ring->p.sq_entries - 1);
	struct io_uring_sqe *sqe = &ring->sqes[at];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	need("submit", syscall(__NR_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0));
}

static int ring_result(struct ring *ring)
{
	unsigned int *head = (void *)(ring->cq + ring->p.cq_off.head);
	const struct io_uring_cqe *cqes = (void *)(ring->cq + ring->p.cq_off.cqes);
	int res;

	need("wait", syscall(__NR_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	res = cqes[*head & (ring->p.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

/* each before there is something for it, so that it has to wait */
static void uring(const struct row *r)
{
	int l = new_sock(), peer = new_peer(), fd;
	char in[100] = { 0 }, out[50] = "io_uring";
	struct sockaddr_in sin;
	struct ring ring;

	(void)r;
	if (!ring_make(&ring))
		return;
	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	ring_submit(&ring, IORING_OP_ACCEPT, l, NULL, 0);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	fd = ring_result(&ring);
	rec("accept %d; ", fd >= 0);
	ring_submit(&ring, IORING_OP_RECV, fd, in, sizeof(in));
	need("send", send(peer, out, sizeof(out), 0));
	rec("recv %d equal %d; ", ring_result(&ring), !memcmp(in, out, sizeof(out)));
	ring_submit(&ring, IORING_OP_SEND, fd, out, sizeof(out));
	rec("send %d; ", ring_result(&ring));
	memset(in, 0, sizeof(in));
	need("recv", recv(peer, in, sizeof(out), MSG_WAITALL));
	rec("equal %d; ", !memcmp(in, out, sizeof(out)));
	ring_submit(&ring, IORING_OP_RECV, fd, in, sizeof(in));
	need("shutdown", shutdown(peer, SHUT_WR));
	rec("end %d; ", ring_result(&ring));
	close(ring.fd);
	close(fd);
}

/* without a copy: the result, and later the notice that the bytes are free again */
static void uring_zerocopy(const struct row *r)
{
	static char out[5000], in[sizeof(out)];
	struct ring ring;
	int a, b;

	if (!ring_make(&ring))
		return;
	pair(&a, &b);
	memset(out, 'z', sizeof(out));
	memset(in, 0, sizeof(in));
	/* of an accepted socket, or of one that connected */
	ring_submit(&ring, IORING_OP_SEND_ZC, r->a ? b : a, out, sizeof(out));
	rec("send %d; ", ring_result(&ring));
	need("recv", recv(r->a ? a : b, in, sizeof(in), MSG_WAITALL));
	rec("equal %d; ", !memcmp(in, out, sizeof(out)));
	rec("notice %d; ", ring_result(&ring));
	ring_submit(&ring, IORING_OP_SEND_ZC, a, BAD, 10);
	rec("bad %d; ", ring_result(&ring));
	rec("notice %d; ", ring_result(&ring));
	need("shutdown", shutdown(a, SHUT_WR));
	ring_submit(&ring, IORING_OP_SEND_ZC, a, out, 10);
	rec("after shutdown %d; ", ring_result(&ring));
	rec("notice %d; ", ring_result(&ring));
	close(ring.fd);
}

void add_core_rows(void)
{
	static const struct {
		const char *name;
		int option, value;
	} stamps[] = {
		{ "SO_TIMESTAMP", SO_TIMESTAMP, 1 },
		{ "SO_TIMESTAMPNS", SO_TIMESTAMPNS, 1 },
		{ "SO_TIMESTAMPING, software", SO_TIMESTAMPING,
		  SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE },
		{ "SO_TIMESTAMPING, nothing to report", SO_TIMESTAMPING,
		  SOF_TIMESTAMPING_RX_SOFTWARE },
		{ "SO_TIMESTAMPING, what is not there", SO_TIMESTAMPING, 1 << 30 },
		{ "SO_TIMESTAMPING, all bits", SO_TIMESTAMPING, -1 },
	};
	unsigned int i;
	struct row *r;

	add(cookie, "SO_COOKIE");
	add(incoming_cpu, "SO_INCOMING_CPU")->with_peer = true;
	for (i = 0; i < 4; i++) {
		r = add(other_device, "SO_BINDTODEVICE of a connection%s: %s device",
			i / 2 ? " beside its listener" : "",
			i % 2 ? "another" : "its");
		r->a = i % 2;
		r->b = i / 2;
		r->with_peer = true;
	}
	for (i = 0; i < 2; i++) {
		r = add(sigio, "SIGIO by %s", i ? "FIOASYNC" : "O_ASYNC");
		r->a = i;
		r->with_peer = true;
	}
	for (i = 0; i <= 50; i += 50)
		add(busy_poll, "SO_BUSY_POLL %u", i)->a = i;
	add(busy_poll, "SO_BUSY_POLL -1")->a = -1;
	for (i = 0; i < ARRAY_SIZE(stamps); i++) {
		r = add(timestamps, "%s: received", stamps[i].name);
		r->a = stamps[i].option;
		r->b = stamps[i].value;
		r->with_peer = true;
	}
	add_stamp_rows();
	r = add(whole_file, "sendfile: a whole file, spliced out");
	r->with_peer = true;
	for (i = 0; i < 2; i++) {
		r = add(woken_by_one, "epoll: %s", i ? "EPOLLEXCLUSIVE" : "all are woken");
		r->a = i;
		r->with_peer = true;
	}
	add(uring, "io_uring: accept, recv, send")->with_peer = true;
	for (i = 0; i < 2; i++)
		add(uring_zerocopy, "io_uring: send without a copy, %s",
		    i ? "accepted" : "connected")->a = i;
}
