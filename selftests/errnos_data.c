// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: the calls that move data, and what interrupts them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errnos.h"

/* ---- data: the calls that move it ------------------------------------------ */

static void send_pointers(const struct row *r)
{
	static char good[64];
	struct iovec iov[3] = { { good, 10 }, { BAD, 10 }, { good, 10 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	char buf[64];
	int a, b;

	pair(&a, &b);
	switch (r->a) {
	case 0: said("send", send(a, BAD, 10, 0)); break;
	case 1: said("send", send(a, NULL, 10, 0)); break;
	case 2: said("send", send(a, BAD, 0, 0)); break;
	case 3: said("write", write(a, BAD, 10)); break;
	case 4:	/* cut to what a call may move, it reads past the end of good */
		nonblock(a);
		rec("sent %d; ", send(a, good, (size_t)minus_one, 0) > 0);
		return;
	case 5: said("send", send(a, (void *)-4096L, 10, 0)); break;
	case 6: said("sendmsg", sendmsg(a, NULL, 0)); break;
	case 7: said("sendmsg", sendmsg(a, BAD, 0)); break;
	case 8: iov[0].iov_base = BAD; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 9: msg.msg_iovlen = 2; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 10: msg.msg_iovlen = 3; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 11: msg.msg_iovlen = 0; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 12: msg.msg_iovlen = 1025; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 13: msg.msg_iov = BAD; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 14: msg.msg_iov = NULL; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 15: iov[0].iov_len = -1; said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 16: said("writev", writev(a, iov, 2)); break;
	case 17: said("writev", writev(a, iov, minus_one)); break;
	case 18: said("writev", writev(a, BAD, 1)); break;
	case 19: said("writev", writev(a, iov, 0)); break;
	case 20: msg.msg_control = BAD; msg.msg_controllen = 64;
		said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 21: msg.msg_name = BAD; msg.msg_namelen = 16;
		said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 22: msg.msg_name = good; msg.msg_namelen = -1;
		said("sendmsg", sendmsg(a, &msg, 0)); break;
	case 23: msg.msg_name = good; msg.msg_namelen = 1000;
		said("sendmsg", sendmsg(a, &msg, 0)); break;
	}
	rec_poll(a);
	/* The connection must be as good as before. */
	put(a, 7);
	close(a);
	wait_for(b, POLLRDHUP);
	said("peer got", recv(b, buf, sizeof(buf), MSG_WAITALL));
}

static void send_to(const struct row *r)
{
	struct sockaddr_in sin = r->a == 2 ? nowhere() : at("127.0.0.1", 1);
	char buf[8] = { 0 };
	int a, b;

	catch(SIGPIPE, 0);
	pair(&a, &b);
	if (r->a == 0)
		a = new_sock();
	else if (r->a == 3)
		sin = name_of(b);
	said("sendto", sendto(a, buf, 5, 0, SA(sin), r->b));
	rec("SIGPIPE %d; ", (int)signals);
	rec_poll(a);
}

static void send_flags(const struct row *r)
{
	char buf[64] = { 0 };
	int a, b;

	pair(&a, &b);
	said("send", send(a, buf, 10, r->a));
	put(a, 1);
	close(a);
	wait_for(b, POLLRDHUP);
	said("peer got", recv(b, buf, sizeof(buf), MSG_WAITALL));
}

static void send_control(const struct row *r)
{
	union {
		char buf[CMSG_SPACE(64)];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { u.buf, 5 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = u.buf,
			      .msg_controllen = CMSG_SPACE(4) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int a, b;

	pair(&a, &b);
	c->cmsg_level = r->a;
	c->cmsg_type = r->b;
	c->cmsg_len = r->c;
	said("sendmsg", sendmsg(a, &msg, 0));
}

static void recv_pointers(const struct row *r)
{
	char good[64];
	struct iovec iov[3] = { { good, 10 }, { BAD, 10 }, { good, 10 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int a, b;

	memset(good, 0, sizeof(good));
	memset(&sin, 0x55, sizeof(sin));
	pair(&a, &b);
	nonblock(a);
	if (r->b)
		give(b, a, 15);
	switch (r->a) {
	case 0: said("recv", recv(a, BAD, 10, 0)); break;
	case 1: said("recv", recv(a, NULL, 10, 0)); break;
	case 2: said("recv", recv(a, BAD, 0, 0)); break;
	case 3: said("read", read(a, BAD, 10)); break;
	case 4: said("recv", recv(a, good, (size_t)minus_one, 0)); break;
	case 5: said("recv", recv(a, (void *)-4096L, 10, 0)); break;
	case 6: said("recvmsg", recvmsg(a, NULL, 0)); break;
	case 7: said("recvmsg", recvmsg(a, BAD, 0)); break;
	case 8: iov[0].iov_base = BAD; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 9: msg.msg_iovlen = 2; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 10: msg.msg_iovlen = 0; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 11: msg.msg_iovlen = 1025; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 12: msg.msg_iov = BAD; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 13: iov[0].iov_len = -1; said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 14: said("readv", readv(a, iov, 2)); break;
	case 15: said("readv", readv(a, iov, minus_one)); break;
	case 16: said("readv", readv(a, BAD, 1)); break;
	case 17: said("readv", readv(a, iov, 0)); break;
	case 18: said("recvfrom", recvfrom(a, good, 5, 0, SA(sin), &len));
		rec("len %u family %x; ", len, sin.sin_family); break;
	case 19: said("recvfrom", recvfrom(a, good, 5, 0, BAD, &len)); break;
	case 20: said("recvfrom", recvfrom(a, good, 5, 0, SA(sin), BAD)); break;
	case 21: len = -1;
		said("recvfrom", recvfrom(a, good, 5, 0, SA(sin), &len)); break;
	case 22: msg.msg_name = &sin; msg.msg_namelen = sizeof(sin);
		msg.msg_control = good; msg.msg_controllen = 20;
		said("recvmsg", recvmsg(a, &msg, 0));
		rec("namelen %u controllen %zu flags %#x; ", msg.msg_namelen,
		    msg.msg_controllen, msg.msg_flags); break;
	case 23: msg.msg_name = &sin; msg.msg_namelen = -1;
		said("recvmsg", recvmsg(a, &msg, 0)); break;
	case 24: said("recv trunc", recv(a, NULL, 10, MSG_TRUNC)); break;
	case 25: said("recv trunc", recv(a, BAD, 10, MSG_TRUNC)); break;
	case 26: said("recv peek", recv(a, BAD, 10, MSG_PEEK)); break;
	}
	/* How much is left? */
	said("rest", recv(a, good, sizeof(good), MSG_DONTWAIT));
	rec_poll(a);
}

static void recv_flags(const struct row *r)
{
	char buf[64];
	unsigned int i;
	int a, b;

	memset(buf, 'u', sizeof(buf));
	pair(&a, &b);
	give(b, a, 20);
	if (r->c)
		need("shutdown", shutdown(b, SHUT_WR));
	if (r->c)
		wait_for(a, POLLRDHUP);
	nonblock(a);
	said("recv", recv(a, buf, r->b, r->a));
	for (i = 0; i < sizeof(buf) && buf[i] == 'x'; i++)
		;
	rec("stored %u; ", i);
	said("rest", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	rec_poll(a);
}

static void peek_at(int fd, size_t len, int flags)
{
	char buf[64];
	long n = recv(fd, buf, len, flags | MSG_DONTWAIT);

	said("recv", n);
	rec("'%.*s' offset %d; ", n > 0 ? (int)n : 0, buf,
	    get_int(fd, SOL_SOCKET, SO_PEEK_OFF));
}

/* SO_PEEK_OFF: each look goes on where the last one ended. */
static void peek_off(const struct row *r)
{
	struct sockaddr_in none = { .sin_family = AF_UNSPEC };
	int a, b, off = r->a;

	pair(&a, &b);
	rec("default %d; ", get_int(a, SOL_SOCKET, SO_PEEK_OFF));
	said("set", setsockopt(a, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)));
	need("send", send(b, "abcdefghij", 10, 0));
	wait_for(a, POLLIN);
	peek_at(a, 3, MSG_PEEK);
	peek_at(a, 3, MSG_PEEK);
	peek_at(a, 4, 0);
	peek_at(a, 2, MSG_PEEK);
	peek_at(a, 50, MSG_PEEK);
	peek_at(a, 50, MSG_PEEK);
	peek_at(a, 50, 0);
	peek_at(a, 1, MSG_PEEK);
	said("disconnect", connect(a, SA(none), sizeof(none)));
	rec("after %d; ", get_int(a, SOL_SOCKET, SO_PEEK_OFF));
}

/* MSG_WAITALL waits for the rest, or for what ends the waiting. */
static void recv_waitall(const struct row *r)
{
	struct timeval tv = { 0, 300000 };
	char buf[64];
	int a, b;
	pid_t pid;

	pair(&a, &b);
	give(b, a, 10);
	if (r->a == 3)
		need("timeo", setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv,
					 sizeof(tv)));
	if (r->a == 4)
		interrupt_after(200, 0);
	pid = need("fork", fork());
	if (!pid) {
		close(a);
		usleep(200000);	/* so that the receiver waits in its call */
		if (r->a == 0)
			put(b, 30);
		if (r->a == 1)
			shutdown(b, SHUT_WR);
		if (r->a == 2) {
			struct linger l = { .l_onoff = 1 };

			setsockopt(b, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		}
		_exit(0);
	}
	if (r->a == 2)
		close(b);
	said("recv", recv(a, buf, 40, MSG_WAITALL));
	no_more_signals();
	if (r->a == 2) {
		wait_for(a, POLLHUP);
		said("recv", recv(a, buf, 40, MSG_WAITALL));
	}
	kill(pid, SIGKILL);
}

static void timeouts(const struct row *r)
{
	struct timeval tv = { 0, 300000 };
	struct sockaddr_in sin;
	static char big[1 << 16];
	uint64_t start;
	int a, b, fd;
	long n;

	pair(&a, &b);
	setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	start = now_ms();
	switch (r->a) {
	case 0:
		said("recv", recv(a, big, 10, 0));
		break;
	case 1:
		do
			start = now_ms();
		while ((n = send(a, big, sizeof(big), 0)) > 0);
		said("send", n);
		break;
	case 2:
		fd = new_sock();
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		listen_on(fd, "127.0.0.1");
		start = now_ms();
		said("accept", accept(fd, NULL, NULL));
		break;
	case 3:
		fd = new_sock();
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		sin = nowhere();
		start = now_ms();
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		break;
	}
	rec("waited: %d; ", now_ms() - start >= 290 && now_ms() - start < 15000);
}

/* A connection whose buffers are small and do not grow. */
static void pair_small(int *a, int *b)
{
	struct sockaddr_in sin;
	int l = new_peer();

	set_int(l, SOL_SOCKET, SO_RCVBUF, 8192);
	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	*a = new_sock();
	set_int(*a, SOL_SOCKET, SO_SNDBUF, 8192);
	need("connect", connect(*a, SA(sin), sizeof(sin)));
	*b = need("accept", accept(l, NULL, NULL));
	close(l);
}

static void interrupted(const struct row *r)
{
	struct timeval tv = { 5, 0 };
	static char big[1 << 16];
	struct sockaddr_in sin;
	int a, b, fd, i;
	pid_t pid;

	/* r->b: SA_RESTART; r->c: with a timeout set, which forbids restarts */
	pair_small(&a, &b);
	fd = new_sock();
	if (r->c) {
		setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	}
	if (r->a == 1) {
		nonblock(a);
		/* Until it stays full: an ACK on its way makes room. */
		for (i = 0; i < 10; i++) {
			while (send(a, big, sizeof(big), 0) > 0)
				i = 0;
			usleep(20000);
		}
		need("blocking", fcntl(a, F_SETFL, 0));
	}
	if (r->a == 2)
		listen_on(fd, "127.0.0.1");
	sin = name_of(fd);
	pid = need("fork", fork());
	if (!pid) {
		/* What ends the call that was restarted. */
		usleep(900000);
		if (r->a == 0)
			put(b, 10);
		for (i = 0; r->a == 1 && i < 200; i++)
			recv(b, big, sizeof(big), MSG_DONTWAIT);
		if (r->a == 2) {
			int peer = new_peer();

			connect(peer, SA(sin), sizeof(sin));
			usleep(500000);
		}
		usleep(2000000);
		_exit(0);
	}
	interrupt_after(200, r->b ? SA_RESTART : 0);
	switch (r->a) {
	case 0: said("recv", recv(a, big, 10, 0)); break;
	case 1: said("send", send(a, big, 1, 0)); break;
	case 2: said_fd("accept", accept(fd, NULL, NULL)); break;
	case 3:
		sin = nowhere();
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		no_more_signals();
		nonblock(fd);
		said("connect again", connect(fd, SA(sin), sizeof(sin)));
		break;
	}
	no_more_signals();
	/* how many is a matter of the machine's load; what the call said is not */
	rec("signals: %s; ", signals ? "some" : "none");
	kill(pid, SIGKILL);
}

static void full_buffer(const struct row *r)
{
	static char big[1 << 16];
	int a, b, before, after;
	struct pollfd p;

	(void)r;
	pair(&a, &b);
	set_int(a, SOL_SOCKET, SO_SNDBUF, 30000);
	nonblock(a);
	while (send(a, big, sizeof(big), 0) > 0)
		;
	said("send", send(a, big, 1, 0));
	rec_poll(a);
	need("SIOCOUTQ", ioctl(a, SIOCOUTQ, &before));
	rec("queued %d; ", before > 0);
	/* Room comes back when the peer reads. */
	nonblock(b);
	p = (struct pollfd){ .fd = a, .events = POLLOUT };
	while (poll(&p, 1, 50) == 0 && recv(b, big, sizeof(big), 0) > 0)
		;
	wait_for(a, POLLOUT);
	rec_poll(a);
	need("SIOCOUTQ", ioctl(a, SIOCOUTQ, &after));
	rec("less queued %d; ", after < before);
	said("send", send(a, big, 1, 0));
}

static void edge_triggered(const struct row *r)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
				  EPOLLET }, out[2];
	int a, b, ep = epoll_create1(0), n, i;
	char buf[64];

	(void)r;
	pair(&a, &b);
	need("add", epoll_ctl(ep, EPOLL_CTL_ADD, a, &ev));
	for (i = 0; i < 6; i++) {
		switch (i) {
		case 1:
		case 2:
			give(b, a, 5);
			break;
		case 3:
			said("recv", recv(a, buf, 3, 0));
			break;
		case 4:
			said("recv", recv(a, buf, sizeof(buf), 0));
			break;
		case 5:
			shutdown(b, SHUT_WR);
			wait_for(a, POLLRDHUP);
			break;
		}
		n = epoll_wait(ep, out, 2, 0);
		rec("step %d: %d ", i, n);
		if (n > 0)
			rec_events("events", out[0].events);
	}
}

static void zero_window_events(const struct row *r)
{
	/* A write that waits ends with EPIPE when its own end is shut down. */
	static char big[1 << 16];
	int a, b;
	pid_t pid;

	catch(SIGPIPE, 0);
	pair(&a, &b);
	pid = need("fork", fork());
	if (!pid) {
		struct linger l = { .l_onoff = 1 };

		usleep(400000);	/* so that the sender waits in its call */
		if (r->a == 0) {
			shutdown(a, SHUT_WR);
			pause();	/* the peer stays */
		}
		setsockopt(b, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		_exit(0);
	}
	close(b);
	for (;;) {
		long n = send(a, big, sizeof(big), 0);

		if (n != sizeof(big)) {
			if (n >= 0)	/* part of it; why, says the next */
				n = send(a, big, sizeof(big), 0);
			said("send", n);
			break;
		}
	}
	rec("SIGPIPE %d; ", (int)signals);
	kill(pid, SIGKILL);
}

static void shut_by_other(const struct row *r)
{
	/* A read that waits ends when another process shuts the socket down. */
	char buf[8];
	int a, b, l = new_sock();
	pid_t pid;

	pair(&a, &b);
	listen_on(l, "127.0.0.1");
	pid = need("fork", fork());
	if (!pid) {
		usleep(300000);
		shutdown(r->a == 2 ? l : a, r->a == 1 ? SHUT_RDWR : SHUT_RD);
		_exit(0);
	}
	if (r->a == 2)
		said("accept", accept(l, NULL, NULL));
	else
		said("recv", recv(a, buf, sizeof(buf), 0));
	waitpid(pid, NULL, 0);
}

static void many_messages(const struct row *r)
{
	char buf[4][16];
	struct iovec iov[4];
	struct mmsghdr m[4] = { 0 };
	int a, b, i, n;

	(void)r;
	pair(&a, &b);
	memset(buf, 'x', sizeof(buf));
	for (i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ buf[i], 10 };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	iov[3].iov_base = BAD;
	n = said("sendmmsg", sendmmsg(a, m, 4, 0));
	for (i = 0; i < n; i++)
		rec("%u ", m[i].msg_len);
	put(a, 5);
	shutdown(a, SHUT_WR);
	wait_for(b, POLLRDHUP);
	iov[3].iov_base = buf[3];
	n = said("recvmmsg", recvmmsg(b, m, 4, MSG_DONTWAIT, NULL));
	for (i = 0; i < n; i++)
		rec("%u ", m[i].msg_len);
}

static void send_file(const struct row *r)
{
	int a, b, in = need("memfd", memfd_create("f", 0)), p[2];
	off_t off = r->a == 1 ? 5000 : 0;
	static char buf[20000];
	int unsent = -1;

	pair(&a, &b);
	memset(buf, 'x', sizeof(buf));
	need("write", write(in, buf, 10000));
	if (r->a < 2) {
		said("sendfile", sendfile(a, in, &off, 20000));
		rec("offset %ld; ", (long)off);
	} else {
		need("pipe", pipe(p));
		need("write", write(p[1], buf, 3000));
		said("splice", splice(p[0], NULL, a, NULL, 3000, 0));
	}
	/* the end of the file is no reason to wait for more */
	need("SIOCOUTQNSD", ioctl(a, SIOCOUTQNSD, &unsent));
	rec("unsent %d; ", unsent);
	shutdown(a, SHUT_WR);
	wait_for(b, POLLRDHUP);
	said("peer got", recv(b, buf, sizeof(buf), MSG_WAITALL));
}

static void splice_from(const struct row *r)
{
	int a, b, p[2];

	(void)r;
	pair(&a, &b);
	nonblock(a);
	need("pipe", pipe(p));
	give(b, a, 1000);
	said("splice", splice(a, NULL, p[1], NULL, 5000, SPLICE_F_NONBLOCK));
	said("splice", splice(a, NULL, p[1], NULL, 5000, SPLICE_F_NONBLOCK));
	shutdown(b, SHUT_WR);
	wait_for(a, POLLRDHUP);
	said("splice", splice(a, NULL, p[1], NULL, 5000, SPLICE_F_NONBLOCK));
}

static void unread_close(const struct row *r)
{
	char buf[16] = { 0 };
	int a, b;

	connect_pair(&a, &b, r->a);
	catch(SIGPIPE, 0);
	give(b, a, 10);
	quiesce(b);
	if (r->b)
		recv(a, buf, 9, 0);
	close(a);
	wait_for(b, POLLHUP);
	rec_state(b);
	said("send", send(b, buf, 1, 0));
	rec("SIGPIPE %d; ", (int)signals);
}

static void nonblock_toggle(const struct row *r)
{
	int a, b, on = 1;
	char c;

	(void)r;
	pair(&a, &b);
	said("FIONBIO", ioctl(a, FIONBIO, &on));
	said("recv", recv(a, &c, 1, 0));
	rec("flag %d; ", !!(fcntl(a, F_GETFL) & O_NONBLOCK));
	on = 0;
	said("FIONBIO", ioctl(a, FIONBIO, &on));
	rec("flag %d; ", !!(fcntl(a, F_GETFL) & O_NONBLOCK));
	said("FIONBIO bad", ioctl(a, FIONBIO, BAD));
}

/* SO_RCVLOWAT: no event and no return before so much has come, or the end */
static void lowat(const struct row *r)
{
	struct timeval tv = { 0, 100000 };
	char buf[1000];
	int a, b;

	pair(&a, &b);
	set_int(a, SOL_SOCKET, SO_RCVLOWAT, 100);
	need("timeo", setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	put(b, r->a);
	if (r->b)
		need("shutdown", shutdown(b, SHUT_WR));
	/* what is to come has come */
	if (r->a >= 100 || r->b)
		wait_for(a, POLLIN);
	else
		poll(NULL, 0, 50);
	rec_poll(a);
	said("recv", recv(a, buf, sizeof(buf), 0));
	rec_poll(a);
}

void add_data_rows(void)
{
	static const struct {
		const char *name;
		int flags;
		int len;
		int fin;
	} reads[] = {
		{ "PEEK", MSG_PEEK, 10, 0 },
		{ "PEEK all", MSG_PEEK, 64, 0 },
		{ "PEEK|WAITALL", MSG_PEEK | MSG_WAITALL, 20, 0 },
		{ "TRUNC", MSG_TRUNC, 10, 0 },
		{ "TRUNC all", MSG_TRUNC, 64, 0 },
		{ "TRUNC|PEEK", MSG_TRUNC | MSG_PEEK, 10, 0 },
		{ "WAITALL", MSG_WAITALL, 20, 0 },
		{ "WAITALL, more than there is", MSG_WAITALL, 40, 0 },
		{ "WAITALL, FIN", MSG_WAITALL, 40, 1 },
		{ "DONTWAIT", MSG_DONTWAIT, 40, 0 },
		{ "nothing", 0, 0, 0 },
		{ "nothing, PEEK", MSG_PEEK, 0, 0 },
		{ "OOB", MSG_OOB, 1, 0 },
		{ "ERRQUEUE", MSG_ERRQUEUE, 10, 0 },
		{ "NOSIGNAL", MSG_NOSIGNAL, 10, 0 },
		{ "CMSG_CLOEXEC", MSG_CMSG_CLOEXEC, 10, 0 },
		{ "unknown", 0x8, 10, 0 },
		{ "with FIN", 0, 40, 1 },
		{ "PEEK with FIN", MSG_PEEK, 40, 1 },
	};
	static const struct {
		const char *name;
		int flags;
	} writes[] = {
		{ "MORE", MSG_MORE }, { "DONTWAIT", MSG_DONTWAIT },
		{ "EOR", MSG_EOR }, { "NOSIGNAL", MSG_NOSIGNAL },
		{ "DONTROUTE", MSG_DONTROUTE }, { "CONFIRM", MSG_CONFIRM },
		{ "PEEK", MSG_PEEK }, { "TRUNC", MSG_TRUNC },
		{ "WAITALL", MSG_WAITALL }, { "unknown", 0x8 },
	};
	static const char *const wait_what[] = { "rest comes", "FIN comes",
						 "reset", "timeout", "signal" };
	static const char *const block_what[] = { "recv", "send", "accept",
						  "connect" };
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < 24; i++)
		add(send_pointers, "send: bad pointers and lengths %u", i)
			->a = i;
	for (i = 0; i < 4; i++) {
		static const char *const what[] = {
			"unconnected", "connected", "connected, elsewhere",
			"connected, to its own peer" };
		static const int lens[] = { 16, 0, 4, -1 };

		for (j = 0; j < 4; j++) {
			r = add(send_to, "sendto: %s, address length %d",
				what[i], lens[j]);
			r->a = i;
			r->b = lens[j];
		}
	}
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		add(send_flags, "send: flag %s", writes[i].name)->a =
			writes[i].flags;
	for (i = 0; i < 6; i++) {
		static const int c[][3] = {
			{ SOL_SOCKET, 9999, 20 }, { SOL_SOCKET, 1, 2 },
			{ IPPROTO_TCP, 1, 20 }, { IPPROTO_IP, 8, 20 },
			{ SOL_SOCKET, SCM_RIGHTS, 20 }, { 12345, 1, 20 },
		};

		r = add(send_control, "sendmsg: control level %d type %d length %d",
			c[i][0], c[i][1], c[i][2]);
		r->a = c[i][0];
		r->b = c[i][1];
		r->c = c[i][2];
	}
	for (j = 0; j < 2; j++)
		for (i = 0; i < 27; i++) {
			r = add(recv_pointers,
				"recv: bad pointers and lengths %u, %s", i,
				j ? "data" : "nothing there");
			r->a = i;
			r->b = j;
		}
	for (i = 0; i < ARRAY_SIZE(reads); i++) {
		r = add(recv_flags, "recv: %s", reads[i].name);
		r->a = reads[i].flags;
		r->b = reads[i].len;
		r->c = reads[i].fin;
	}
	for (i = 0; i < 4; i++)
		add(peek_off, "recv: SO_PEEK_OFF %d", (int)i * 5 - 5)->a = (int)i * 5 - 5;
	for (i = 0; i < ARRAY_SIZE(wait_what); i++)
		add(recv_waitall, "recv: WAITALL, %s", wait_what[i])->a = i;
	for (i = 0; i < ARRAY_SIZE(block_what); i++)
		add(timeouts, "timeout: %s", block_what[i])->a = i;
	for (i = 0; i < ARRAY_SIZE(block_what); i++)
		for (j = 0; j < 4; j++) {
			/* A connect that restarts waits for minutes. */
			if (i == 3 && j == 1)
				continue;
			r = add(interrupted, "signal: %s%s%s", block_what[i],
				j & 1 ? ", SA_RESTART" : "",
				j & 2 ? ", timeout set" : "");
			r->a = i;
			r->b = j & 1;
			r->c = j & 2;
		}
	add(full_buffer, "send: full buffer, and room again");
	add(edge_triggered, "epoll: edges");
	for (i = 0; i < 3; i++) {
		r = add(lowat, "SO_RCVLOWAT 100: %s", i == 0 ? "99 bytes" : i == 1 ? "100 bytes" :
			"99 bytes and the end");
		r->a = i == 1 ? 100 : 99;
		r->b = i == 2;
	}
	add(zero_window_events, "send: waits, own end shut down")->a = 0;
	add(zero_window_events, "send: waits, peer resets")->a = 1;
	add(shut_by_other, "recv: waits, own end shut to read")->a = 0;
	add(shut_by_other, "recv: waits, own end shut both ways")->a = 1;
	add(shut_by_other, "accept: waits, listener shut")->a = 2;
	add(many_messages, "sendmmsg, recvmmsg");
	add(send_file, "sendfile: whole")->a = 0;
	add(send_file, "sendfile: from an offset")->a = 1;
	add(send_file, "splice: from a pipe")->a = 2;
	add(splice_from, "splice: into a pipe");
	for (i = 0; i < 4; i++) {
		r = add(unread_close, "close: %s data unread, %s",
			i & 2 ? "some" : "all", i & 1 ? "accepted" : "client");
		r->a = i & 1;
		r->b = i & 2;
	}
	add(nonblock_toggle, "ioctl: FIONBIO");
}
