// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: what every call says in every state.
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

/* ---- states: what every call says in every state --------------------------- */

static void state_shows(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer);

	quiesce(fd);
	rec_state(fd);
}

static void state_peer_shows(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer);

	quiesce(fd);
	if (peer >= 0) {
		quiesce(peer);
		rec_state(peer);
	}
}

static void state_recv(const struct row *r)
{
	char buf[200];
	int peer, fd = in_state(r->a, &peer), i;

	for (i = 0; i < 3; i++)
		said("recv", recv(fd, buf, sizeof(buf),
				  (r->b & ~MSG_DONTWAIT) | MSG_DONTWAIT));
	rec_poll(fd);
	rec_error(fd);
}

static void state_send(const struct row *r)
{
	char buf[200] = { 0 };
	int peer, fd = in_state(r->a, &peer), i;

	catch(SIGPIPE, 0);
	for (i = 0; i < 3; i++)
		said("send", send(fd, buf, r->c, r->b | MSG_DONTWAIT));
	rec("SIGPIPE %d; ", (int)signals);
	said("write", write(fd, buf, r->c));
	rec("SIGPIPE %d; ", (int)signals);
	rec_poll(fd);
	rec_error(fd);
}

static void state_shutdown(const struct row *r)
{
	char buf[200] = { 0 };
	int peer, fd = in_state(r->a, &peer);

	catch(SIGPIPE, 0);
	said("shutdown", shutdown(fd, r->b));
	quiesce(fd);
	rec_poll(fd);
	said("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	said("recv", recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	said("send", send(fd, buf, 10, MSG_DONTWAIT));
	rec("SIGPIPE %d; ", (int)signals);
	said("shutdown again", shutdown(fd, r->b));
	said("shutdown both", shutdown(fd, SHUT_RDWR));
	if (peer >= 0 && r->a != LISTENING_WAITING && r->b != SHUT_RD) {
		wait_for(peer, POLLRDHUP);
		quiesce(peer);
		rec("peer: ");
		rec_state(peer);
	}
}

/* Close in a state: what does the peer see? */
static void state_close(const struct row *r)
{
	struct linger l = { .l_onoff = r->b >= 0, .l_linger = r->b };
	int peer, fd = in_state(r->a, &peer);
	char buf[200] = { 0 };

	catch(SIGPIPE, 0);
	said("linger", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	said("close", close(fd));
	if (peer < 0)
		return;
	wait_for(peer, POLLRDHUP | POLLHUP);
	rec_state(peer);
	/* And what happens to data sent to it after that. */
	said("send", send(peer, buf, 1, MSG_DONTWAIT));
	wait_for(peer, POLLHUP);
	said("send", send(peer, buf, 1, MSG_DONTWAIT));
	rec("SIGPIPE %d; ", (int)signals);
	rec_poll(peer);
	rec_error(peer);
}

static void state_connect(const struct row *r)
{
	struct sockaddr_in sin;
	int peer, fd = in_state(r->a, &peer), l = new_peer();

	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	rec_poll(fd);
}

static void state_bind(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int peer, fd = in_state(r->a, &peer);

	said("bind", bind(fd, SA(sin), sizeof(sin)));
	said("listen", listen(fd, 1));
	said("accept", accept4(fd, NULL, NULL, 0x10));
	rec_poll(fd);
}

static void state_ioctl(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer), value = -1;

	quiesce(fd);
	said("ioctl", ioctl(fd, r->b, &value));
	if ((r->b != SIOCOUTQ && r->b != SIOCOUTQNSD) || !is_over(fd))
		rec("value %d; ", value);
	said("ioctl bad", ioctl(fd, r->b, BAD));
}

static void state_options(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer), value = 1;

	said("nodelay", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 4));
	rec("%d; ", get_int(fd, IPPROTO_TCP, TCP_NODELAY));
	value = 20000;
	said("rcvbuf", setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, 4));
	rec("%d; ", get_int(fd, SOL_SOCKET, SO_RCVBUF));
	said("sndbuf", setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, 4));
	rec("%d; ", get_int(fd, SOL_SOCKET, SO_SNDBUF));
	value = 1000;
	said("maxseg", setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &value, 4));
	value = 1;
	said("reuseaddr", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 4));
	rec_poll(fd);
}

static void state_epoll(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer), ep = epoll_create1(0), n, i;
	struct epoll_event ev = { .events = 0x3fff | r->b }, out[4];

	quiesce(fd);
	said("add", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	for (i = 0; i < 2; i++) {
		n = epoll_wait(ep, out, 4, 0);
		rec("%d: ", n);
		if (n > 0)
			rec_events("events", out[0].events & 0x3fff);
	}
}

void add_state_rows(void)
{
	static const struct {
		const char *name;
		long request;
	} ioctls[] = {
		{ "FIONREAD", FIONREAD }, { "SIOCOUTQ", SIOCOUTQ },
		{ "SIOCOUTQNSD", SIOCOUTQNSD }, { "SIOCATMARK", SIOCATMARK },
		{ "unknown", 0x89ef }, { "other unknown", 0x1234 },
	};
	static const struct {
		const char *name;
		int flags;
	} flags[] = {
		{ "", 0 }, { " PEEK", MSG_PEEK }, { " TRUNC", MSG_TRUNC },
		{ " WAITALL", MSG_WAITALL },
		{ " PEEK|TRUNC", MSG_PEEK | MSG_TRUNC },
		{ " ERRQUEUE", MSG_ERRQUEUE },
	};
	unsigned int s, i;
	struct row *r;

	for (s = 0; s < STATES; s++) {
		const char *n = state_names[s];

		add(state_shows, "%s: poll, queues, names", n)->a = s;
		add(state_peer_shows, "%s: what the peer sees", n)->a = s;
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			r = add(state_recv, "%s: recv%s", n, flags[i].name);
			r->a = s;
			r->b = flags[i].flags;
		}
		for (i = 0; i < 3; i++) {
			r = add(state_send, "%s: send %s", n,
				i == 0 ? "and SIGPIPE" : i == 1 ? "NOSIGNAL" :
				"nothing");
			r->a = s;
			r->b = i == 1 ? MSG_NOSIGNAL : 0;
			r->c = i == 2 ? 0 : 10;
		}
		for (i = 0; i < 5; i++) {
			static const int how[] = { SHUT_RD, SHUT_WR, SHUT_RDWR,
						   3, -1 };

			r = add(state_shutdown, "%s: shutdown %d", n, how[i]);
			r->a = s;
			r->b = how[i];
		}
		r = add(state_close, "%s: close", n);
		r->a = s;
		r->b = -1;
		r = add(state_close, "%s: close, linger 0", n);
		r->a = s;
		r->b = 0;
		r = add(state_close, "%s: close, linger 5", n);
		r->a = s;
		r->b = 5;
		add(state_connect, "%s: connect", n)->a = s;
		add(state_bind, "%s: bind, listen, accept4 with bad flags",
		    n)->a = s;
		add(state_options, "%s: setsockopt", n)->a = s;
		for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
			r = add(state_ioctl, "%s: ioctl %s", n,
				ioctls[i].name);
			r->a = s;
			r->b = ioctls[i].request;
		}
		add(state_epoll, "%s: epoll", n)->a = s;
		r = add(state_epoll, "%s: epoll, edge-triggered", n);
		r->a = s;
		r->b = EPOLLET;
		r = add(state_epoll, "%s: epoll, one shot", n);
		r->a = s;
		r->b = EPOLLONESHOT;
	}
}
