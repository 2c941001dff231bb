// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is refused: each operation is done again and again, and each time the
 * next allocation that it makes (or the next access to the program's memory) is
 * the one that fails (CONFIG_FAULT_INJECTION, /proc/thread-self/fail-nth), until
 * it comes through without one. Whatever fails, the answer is an errno that says
 * so, or success; nothing is lost, added or changed; and it works when done
 * again. What leaks is kmemleak's to find.
 *
 *	nomem calls FAMILY		the system calls, over loopback
 *	nomem netns FAMILY		a network namespace is made
 *	nomem module FILE		the module is loaded; it must not be
 *
 * Prints "ok NAME" or "not ok NAME - REASON" of each operation.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define MANY		1000000		/* more allocations than anything makes */
#define PORT		7100
#define SEED		4711

static int family;
static int nth;				/* /proc/thread-self/fail-nth */
static char reason[256];

static int wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return -1;
}

/* The n-th allocation of this thread from now on fails. */
static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (nth < 0) {
		nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		if (nth < 0)
			die("/proc/thread-self/fail-nth");
	}
	if (pwrite(nth, text, len, 0) != len)
		die("write to fail-nth");
}

/*
 * No longer. Returns how many more were to come before the one that fails; 0 if
 * it did. Reading is an access to the program's memory itself: it fails when it
 * would have been the next one.
 */
static unsigned int disarm(void)
{
	char text[16] = "";
	unsigned int left = 1;

	if (pread(nth, text, sizeof(text) - 1, 0) > 0)
		left = strtoul(text, NULL, 10);
	else if (errno != EFAULT)
		die("read of fail-nth");
	/* may fail as well, and is over then */
	if (pwrite(nth, "0", 1, 0) != 1 && pwrite(nth, "0", 1, 0) != 1)
		die("write to fail-nth");
	return left;
}

/* What a program is told that gets no memory. */
static int of_memory(int err)
{
	return err == 0 || err == ENOMEM || err == ENOBUFS || err == EFAULT;
}

/* The core's word for a struct socket or a file that it has no memory for */
static int of_files(int err)
{
	return of_memory(err) || err == ENFILE;
}

/* What the kernel's TCP says that has no memory for a port: ours asks it */
static int of_ports(int err)
{
	return of_memory(err) || err == EADDRINUSE;
}

/* --- what the operations act on -------------------------------------------- */

static struct sockaddr_in addr;		/* of the listener */
static int lfd, cfd, sfd, pfd[2], efd;
static ssize_t moved;
static uint64_t sent, got;		/* from the client to the server */
static unsigned char buf[200000];

static void put_away(void)
{
	int *fds[] = { &lfd, &cfd, &sfd, &pfd[0], &pfd[1], &efd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	sent = 0;
	got = 0;
}

static int new_socket(void)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval tv = { .tv_sec = 20 };

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return fd;
}

/* Nothing of one round is in the way of the next: a reset, no TIME_WAIT. */
static void no_linger(int fd)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void have_socket(void)
{
	cfd = new_socket();
	no_linger(cfd);
}

static void have_listener(void)
{
	int one = 1;

	lfd = new_socket();
	setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(lfd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	if (listen(lfd, 8))
		die("listen");
	have_socket();
}

static void have_waiting(void)
{
	have_listener();
	if (connect(cfd, (struct sockaddr *)&addr, sizeof(addr)))
		die("connect");
}

static void have_connection(void)
{
	int one = 1;

	have_waiting();
	sfd = accept(lfd, NULL, NULL);
	if (sfd < 0)
		die("accept");
	setsockopt(cfd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));
}

/* 60,000 bytes lie in the server's receive queue. */
static void have_data(void)
{
	int queued = 0;

	have_connection();
	stream_fill(SEED, 0, buf, 60000);
	if (send(cfd, buf, 60000, 0) != 60000)
		die("send");
	sent = 60000;
	for (uint64_t end = now_ms() + 20000; queued != 60000 && now_ms() < end;)
		if (ioctl(sfd, FIONREAD, &queued))
			die("FIONREAD");
	if (queued != 60000)
		die("%d bytes arrived", queued);
}

/* and a close() will end the connection in order */
static void have_data_to_end(void)
{
	struct linger l = { 0 };

	have_data();
	setsockopt(cfd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void have_pipe(void)
{
	have_connection();
	if (pipe2(pfd, O_CLOEXEC))
		die("pipe");
	stream_fill(SEED, 0, buf, 30000);
	if (write(pfd[1], buf, 30000) != 30000)
		die("write");
}

static void have_epoll(void)
{
	have_connection();
	efd = epoll_create1(EPOLL_CLOEXEC);
	if (efd < 0)
		die("epoll_create1");
}

/* --- what must hold afterwards --------------------------------------------- */

static int is(int fd, int err)
{
	return fd >= 0 && !err ? 0 : fd < 0 && err ? 0 : wrong("fd %d", fd);
}

/* Everything that was sent arrives, and 1000 bytes more, and nothing else. */
static int flows(int err)
{
	ssize_t n;

	if (!of_memory(err) && err != EAGAIN)
		return wrong("%s", errname(err));
	stream_fill(SEED, sent, buf, 1000);
	if (send(cfd, buf, 1000, 0) != 1000)
		return wrong("send afterwards: %s", errname(errno));
	sent += 1000;
	while (got < sent) {
		n = recv(sfd, buf, sizeof(buf), 0);
		if (n <= 0)
			return wrong("%llu of %llu bytes, then %zd, %s", (unsigned long long)got,
				     (unsigned long long)sent, n, n ? errname(errno) : "0");
		if (got + n > sent)
			return wrong("more than was sent");
		if (stream_differs(SEED, got, buf, n) != (size_t)n)
			return wrong("other bytes than were sent");
		got += n;
	}
	if (send(sfd, "!", 1, 0) != 1 || recv(cfd, buf, 10, 0) != 1 || buf[0] != '!')
		return wrong("no answer: %s", errname(errno));
	return 0;
}

/* The connection comes, if not at once then when asked again. */
static int connects(int err)
{
	int old = err;

	if (!of_memory(err))
		return wrong("%s", errname(err));
	if (err && connect(cfd, (struct sockaddr *)&addr, sizeof(addr)) && errno != EISCONN)
		return wrong("%s, and again: %s", errname(old), errname(errno));
	sfd = accept(lfd, NULL, NULL);
	if (sfd < 0)
		return wrong("%s; accept: %s", errname(old), errname(errno));
	return flows(0);
}

static int accepts(int err)
{
	if (!of_files(err))
		return wrong("%s", errname(err));
	if (!err)
		return flows(0);
	/* Linux gives a connection up that it cannot give a descriptor; or not */
	fcntl(lfd, F_SETFL, O_NONBLOCK);
	sfd = accept(lfd, NULL, NULL);
	if (sfd >= 0)
		return flows(0);
	if (errno != EAGAIN)
		return wrong("accept again: %s", errname(errno));
	if (recv(cfd, buf, 1, 0) > 0)
		return wrong("data from nobody");
	return 0;
}

static int binds(int err)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);

	if (!of_ports(err))
		return wrong("%s", errname(err));
	if (err && bind(cfd, (struct sockaddr *)&addr, sizeof(addr)))
		return wrong("%s, and again: %s", errname(err), errname(errno));
	if (getsockname(cfd, (struct sockaddr *)&name, &len) || name.sin_port != addr.sin_port)
		return wrong("port %d", ntohs(name.sin_port));
	return 0;
}

/* The FIN leaves all the same: after what was sent, once. */
static int ends(int err)
{
	if (!of_memory(err) && err != EINTR)
		return wrong("%s", errname(err));
	while (got < sent) {
		ssize_t n = recv(sfd, buf, sizeof(buf), 0);

		if (n <= 0)
			return wrong("%s after %llu bytes", n ? errname(errno) : "end",
				     (unsigned long long)got);
		if (stream_differs(SEED, got, buf, n) != (size_t)n)
			return wrong("other bytes than were sent");
		got += n;
	}
	if (recv(sfd, buf, 1, 0))
		return wrong("no end: %s", errname(errno));
	return 0;
}

/* --- the operations -------------------------------------------------------- */

static int result(long ret)
{
	moved = ret;
	return ret < 0 ? errno : 0;
}

static int do_socket(void)
{
	cfd = socket(family, SOCK_STREAM, 0);
	return result(cfd);
}

static int check_socket(int err)
{
	return of_files(err) ? is(cfd, err) : wrong("%s", errname(err));
}

static int do_bind(void)
{
	return result(bind(cfd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int do_connect(void)
{
	return result(connect(cfd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int do_accept(void)
{
	sfd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	return result(sfd);
}

static int do_send(size_t len, int flags)
{
	int err;

	stream_fill(SEED, sent, buf, len);
	err = result(send(cfd, buf, len, flags));
	if (!err)
		sent += moved;
	return err;
}

static int do_send1(void) { return do_send(1, 0); }
static int do_send_all(void) { return do_send(sizeof(buf), MSG_DONTWAIT); }
static int do_send_more(void) { return do_send(20000, MSG_MORE | MSG_DONTWAIT); }
static int do_send_eor(void) { return do_send(20000, MSG_EOR | MSG_DONTWAIT); }
static int do_send_zc(void) { return do_send(100000, MSG_ZEROCOPY | MSG_DONTWAIT); }

/* The kernel tells once that the pages are free again, or was told of no page. */
static int completes(int err)
{
	struct msghdr msg = { 0 };
	int bad = flows(err);

	for (int i = 0; !bad && i < 4; i++)
		recvmsg(cfd, &msg, MSG_ERRQUEUE);
	return bad;
}

static int do_recv(void)
{
	int err = result(recv(sfd, buf, 50000, 0));

	if (!err) {
		if (stream_differs(SEED, got, buf, moved) != (size_t)moved)
			wrong("other bytes than were sent");
		got += moved;
	}
	return err;
}

static int do_peek(void)
{
	return result(recv(sfd, buf, 50000, MSG_PEEK));
}

static int do_splice_in(void)
{
	int err = result(splice(pfd[0], NULL, cfd, NULL, 30000, SPLICE_F_NONBLOCK));

	if (!err)
		sent += moved;
	return err;
}

static int do_shutdown(void)
{
	return result(shutdown(cfd, SHUT_WR));
}

static int do_close(void)
{
	int fd = cfd;

	cfd = -1;
	return result(close(fd));
}

static int do_poll(void)
{
	struct pollfd p[2] = { { .fd = cfd, .events = POLLIN | POLLOUT },
			       { .fd = sfd, .events = POLLIN } };

	return result(poll(p, 2, 10));
}

static int do_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };

	return result(epoll_ctl(efd, EPOLL_CTL_ADD, cfd, &ev));
}

static int do_option(int level, int name, const void *value, socklen_t len)
{
	return result(setsockopt(cfd, level, name, value, len));
}

static int do_filter(void)
{
	struct sock_filter pass = { .code = BPF_RET | BPF_K, .k = 0xffffffff };
	struct sock_fprog prog = { .len = 1, .filter = &pass };

	return do_option(SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int do_fastopen_key(void)
{
	return do_option(IPPROTO_TCP, TCP_FASTOPEN_KEY, "0123456789abcdef", 16);
}

static int do_info(void)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return result(getsockopt(cfd, IPPROTO_TCP, TCP_INFO, &info, &len));
}

static int do_disconnect(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return result(connect(cfd, &none, sizeof(none)));
}

static int connects_anew(int err)
{
	if (!of_memory(err))
		return wrong("%s", errname(err));
	if (err && do_disconnect())
		return wrong("%s, and again: %s", errname(err), errname(errno));
	close(sfd);
	sfd = -1;
	return connects(do_connect());
}

static int do_listing(void)
{
	int fd = open(family == AF_INET ? "/proc/net/tcp" : "/proc/net/toytcp", O_RDONLY);
	int err;

	/* the core's word when it has no memory for the name */
	if (fd < 0)
		return errno == ENOENT ? ENOMEM : errno;
	do
		err = result(read(fd, buf, sizeof(buf)));
	while (!err && moved > 0);
	close(fd);
	return err;
}

static int do_sysctl_list(void)
{
	int fd = open(family == AF_INET ? "/proc/sys/net/ipv4/tcp_available_congestion_control" :
		      "/proc/sys/net/toytcp/available_congestion_control", O_RDONLY);
	int err;

	if (fd < 0)
		return errno;
	err = result(read(fd, buf, sizeof(buf)));
	close(fd);
	return err;
}

static const struct operation {
	const char *name;
	void (*before)(void);
	int (*act)(void);
	int (*check)(int err);
} operations[] = {
	{ "socket()", put_away, do_socket, check_socket },
	{ "bind()", have_socket, do_bind, binds },
	{ "connect()", have_listener, do_connect, connects },
	{ "accept()", have_waiting, do_accept, accepts },
	{ "send() of one byte", have_connection, do_send1, flows },
	{ "send() of 200,000 bytes", have_connection, do_send_all, flows },
	{ "send() with MSG_MORE", have_connection, do_send_more, flows },
	{ "send() with MSG_EOR", have_connection, do_send_eor, flows },
	{ "send() with MSG_ZEROCOPY", have_connection, do_send_zc, completes },
	{ "recv()", have_data, do_recv, flows },
	{ "recv() with MSG_PEEK", have_data, do_peek, flows },
	{ "splice() from a pipe", have_pipe, do_splice_in, flows },
	{ "poll()", have_connection, do_poll, flows },
	{ "epoll_ctl()", have_epoll, do_epoll, flows },
	{ "SO_ATTACH_FILTER", have_connection, do_filter, flows },
	{ "TCP_FASTOPEN_KEY", have_connection, do_fastopen_key, flows },
	{ "TCP_INFO", have_connection, do_info, flows },
	{ "connect() with AF_UNSPEC", have_connection, do_disconnect, connects_anew },
	{ "the listing", have_connection, do_listing, flows },
	{ "available_congestion_control", have_connection, do_sysctl_list, flows },
	{ "shutdown()", have_data, do_shutdown, ends },
	{ "close()", have_data_to_end, do_close, ends },
};

static unsigned int injected;

/* Each allocation of an operation fails in turn. */
static void try(const struct operation *op)
{
	unsigned int left, n = 0;
	int err, bad;

	do {
		put_away();
		*reason = 0;
		op->before();
		arm(++n);
		err = op->act();
		left = disarm();
		bad = *reason ? -1 : op->check(err);
		if (left && err && !bad)
			bad = wrong("%s without a reason", errname(err));
		put_away();
	} while (!bad && !left);
	if (bad)
		not_ok("%s - failure %u: %s", op->name, n, reason);
	else
		ok("%s, %u failures", op->name, n - 1);
	injected += n - 1;
}

static void calls(void)
{
	addr = make_addr("127.0.0.1", PORT);
	lfd = cfd = sfd = pfd[0] = pfd[1] = efd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		try(&operations[i]);
	if (injected < 50)
		not_ok("refusals - %u in all", injected);
}

/* --- namespaces and the module --------------------------------------------- */

/* How many of the last allocations are tried: those of the module, and more */
#define LAST	150

static int do_unshare(unsigned int n, unsigned int *left)
{
	int status, pipes[2], word[2];
	pid_t pid;

	if (pipe(pipes))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		nth = -1;
		arm(n);
		word[0] = result(unshare(CLONE_NEWNET));
		word[1] = disarm();
		if (!word[0]) {
			int fd = socket(family, SOCK_STREAM, 0);

			if (fd < 0)
				word[0] = errno;
		}
		_exit(write(pipes[1], word, sizeof(word)) != sizeof(word));
	}
	close(pipes[1]);
	if (read(pipes[0], word, sizeof(word)) != sizeof(word))
		die("no word from the child");
	close(pipes[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		die("the child ended with %d", status);
	*left = word[1];
	/* some parts of the kernel say so when they have no memory */
	return word[0] == EINVAL && !*left ? ENOMEM : word[0];
}

static int module_fd;

static int do_load(unsigned int n, unsigned int *left)
{
	int err;

	arm(n);
	err = result(syscall(SYS_finit_module, module_fd, "", 0));
	*left = disarm();
	if (!err && syscall(SYS_delete_module, "toytcp", 0))
		die("the module does not go");
	return err;
}

/* The last allocations of a thing that makes many, one after another. */
static void try_last(const char *name, int (*act)(unsigned int n, unsigned int *left))
{
	unsigned int left, total, failures = 0, survived = 0;
	int err = act(MANY, &left);

	if (err || !left)
		return not_ok("%s - without a failure: %s", name, errname(err));
	total = MANY - left;
	for (unsigned int n = total > LAST ? total - LAST : 1; n <= total; n++) {
		err = act(n, &left);
		if (!of_memory(err))
			return not_ok("%s - failure %u of %u: %s", name, n, total, errname(err));
		failures += !left;
		survived += !left && !err;
	}
	err = act(MANY, &left);
	if (err)
		not_ok("%s - afterwards: %s", name, errname(err));
	else if (failures < LAST / 2)
		not_ok("%s - %u failures only, of %u allocations", name, failures, total);
	else
		ok("%s, %u failures", name, failures);
	printf("# %s: %u allocations, %u failed, %u of them without harm\n", name, total,
	       failures, survived);
}

int main(int argc, char **argv)
{
	nth = -1;
	if (argc != 3)
		die("usage: nomem calls FAMILY | netns FAMILY | module FILE");
	if (!strcmp(argv[1], "module")) {
		module_fd = open(argv[2], O_RDONLY | O_CLOEXEC);
		if (module_fd < 0)
			die("%s", argv[2]);
		try_last("the module is loaded", do_load);
		return cases_failed() != 0;
	}
	family = family_by_name(argv[2]);
	if (!strcmp(argv[1], "netns"))
		try_last("a namespace is made", do_unshare);
	else if (!strcmp(argv[1], "calls"))
		calls();
	else
		die("usage: nomem calls FAMILY | netns FAMILY | module FILE");
	return cases_failed() != 0;
}
