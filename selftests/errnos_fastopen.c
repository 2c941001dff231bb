// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: TCP Fast Open, its flag and its options. What is said here
 * does not depend on what is known of a peer: a client that wants no cookie
 * (TCP_FASTOPEN_NO_COOKIE) sends data with every SYN.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errnos.h"

static int opener(bool no_cookie, bool blocking)
{
	int fd = new_sock();

	if (no_cookie)
		set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	if (!blocking)
		nonblock(fd);
	return fd;
}

static long open_to(int fd, struct sockaddr_in sin, size_t len)
{
	char buf[4096] = "fast open";

	return sendto(fd, buf, len, MSG_FASTOPEN | MSG_NOSIGNAL, SA(sin), sizeof(sin));
}

/* a: no cookie wanted; b: blocking; c: bytes. To a listener that knows nothing of it. */
static void accepted(const struct row *r)
{
	int l = new_peer(), fd = opener(r->a, r->b), child;
	char buf[4096];

	listen_on(l, "10.77.0.1");
	said("open", open_to(fd, name_of(l), r->c));
	child = need("accept", accept(l, NULL, NULL));
	wait_for(fd, POLLOUT);
	if (!r->a && !r->b)
		said("send", send(fd, buf, r->c, 0));
	if (r->c) {
		wait_for(child, POLLIN);
		said("recv", recv(child, buf, sizeof(buf), MSG_DONTWAIT));
	}
	said("again", open_to(fd, name_of(l), 1));
	rec_state(fd);
}

/* a: bytes, of which the first go with the SYN and get no stamp */
static void stamped(const struct row *r)
{
	int l = new_peer(), fd = opener(true, true), flags = SOF_TIMESTAMPING_TX_SCHED;

	if (!r->a)
		nonblock(fd);
	listen_on(l, "10.77.0.1");
	set_int(fd, SOL_SOCKET, SO_TIMESTAMPING, flags);
	said("open", open_to(fd, name_of(l), r->a ?: 10));
	need("accept", accept(l, NULL, NULL));
	wait_for(fd, POLLOUT);
	rec_poll(fd);
}

/* a: no cookie wanted; b: blocking. Nobody listens there. */
static void refused(const struct row *r)
{
	int fd = opener(r->a, r->b);

	said("open", open_to(fd, at("127.0.0.1", 9), 10));
	wait_for(fd, POLLHUP);
	rec_poll(fd);
	rec_error(fd);
	rec_state(fd);
}

static void no_answer(const struct row *r)
{
	int fd = opener(r->a, false);
	struct sockaddr_in sin = nowhere();

	said("open", open_to(fd, sin, 10));
	rec_poll(fd);
	said("again", open_to(fd, sin, 10));
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	rec_state(fd);
}

/* the address: a chooses what is wrong with it */
static void wrong_name(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 9);
	int fd = opener(true, false);
	socklen_t len = sizeof(sin);
	char c = 0;

	switch (r->a) {
	case 0:
		said("no name", send(fd, &c, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
		break;
	case 1:
		len = 1;
		break;
	case 2:
		len = 8;
		break;
	case 3:
		sin.sin_family = AF_UNSPEC;
		break;
	case 4:
		sin.sin_family = AF_UNIX;
		break;
	case 5:
		sin = at("255.255.255.255", 9);
		break;
	case 6:
		sin = at("10.78.1.1", 9);
		break;
	}
	if (r->a)
		said("open", sendto(fd, &c, 1, MSG_FASTOPEN | MSG_NOSIGNAL, SA(sin), len));
	rec_state(fd);
}

/* MSG_FASTOPEN on what is no fresh socket */
static void in_a_state(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer);

	nonblock(fd);
	said("open", open_to(fd, at("127.0.0.1", 9), 1));
	if (r->a != FRESH && r->a != BOUND)
		rec_poll(fd);
}

/* TCP_FASTOPEN_CONNECT: connect() says yes before anything is sent */
static void deferred(const struct row *r)
{
	int l = new_peer(), fd = opener(true, false), child;
	struct sockaddr_in sin;
	char c[16] = { 0 };

	listen_on(l, "10.77.0.1");
	sin = name_of(l);
	said("set", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){ 1 }, sizeof(int)));
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	rec_state(fd);
	said("set", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){ 0 }, sizeof(int)));
	switch (r->a) {
	case 0:
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		said("recv", recv(fd, c, sizeof(c), 0));
		said("send", send(fd, "hello", 5, 0));
		child = need("accept", accept(l, NULL, NULL));
		wait_for(child, POLLIN);
		said("recv", recv(child, c, sizeof(c), MSG_DONTWAIT));
		wait_for(fd, POLLOUT);
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		rec_state(fd);
		break;
	case 1:
		said("shutdown", shutdown(fd, SHUT_WR));
		break;
	case 2:
		said("open", open_to(fd, sin, 5));
		break;
	case 3:
		sin.sin_family = AF_UNSPEC;
		said("disconnect", connect(fd, SA(sin), sizeof(sin)));
		break;
	}
	if (r->a)
		rec_state(fd);
}

/* an option in a state: a the option, b the state */
static void option_in_state(const struct row *r)
{
	int peer, fd = in_state(r->b, &peer);

	said("set", setsockopt(fd, IPPROTO_TCP, r->a, &(int){ 1 }, sizeof(int)));
	rec("get %d; ", get_int(fd, IPPROTO_TCP, r->a));
}

/* TCP_FASTOPEN_KEY of a length, and what comes back in a room */
static void key(const struct row *r)
{
	unsigned char in[64], out[64];
	socklen_t len = sizeof(out);
	int fd = new_sock();
	unsigned int i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = i + 1;
	memset(out, 0, sizeof(out));
	said("get", getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, out, &len));
	rec("length %d; ", (int)len);
	said("set", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, r->a == 99 ? BAD : in,
			       r->a == 99 ? 16 : r->a));
	len = r->b;
	said("get", getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, out, &len));
	rec("length %d, the first %d are right; ", (int)len,
	    len <= sizeof(out) && !memcmp(in, out, len));
}

static void add_key_rows(void)
{
	static const int lengths[] = { 0, 8, 15, 16, 17, 32, 33, 64, 99 };
	static const int rooms[] = { 0, 10, 16, 20, 64 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		for (k = 0; k < ARRAY_SIZE(rooms); k++) {
			struct row *r = add(key, "TCP_FASTOPEN_KEY of %d bytes, room %d",
					    lengths[i], rooms[k]);

			r->a = lengths[i];
			r->b = rooms[k];
		}
}

void add_fastopen_rows(void)
{
	static const char *const names[] = { "none", "1 byte", "8 bytes", "AF_UNSPEC", "AF_UNIX",
					     "broadcast", "unreachable" };
	static const char *const what[] = { "then send", "shutdown", "MSG_FASTOPEN",
					    "disconnect" };
	static const struct {
		const char *name;
		int option;
	} options[] = {
		{ "TCP_FASTOPEN", TCP_FASTOPEN },
		{ "TCP_FASTOPEN_CONNECT", TCP_FASTOPEN_CONNECT },
		{ "TCP_FASTOPEN_NO_COOKIE", TCP_FASTOPEN_NO_COOKIE },
	};
	static const int states[] = { BOUND, LISTENING, ESTABLISHED, ACCEPTED, RESET };
	unsigned int i, k;
	struct row *r;

	for (i = 0; i < 4; i++) {
		for (k = 0; k <= 3000; k += 1500) {
			r = add(accepted, "MSG_FASTOPEN: %s, %s, %u bytes",
				i & 1 ? "no cookie" : "cookie asked for",
				i & 2 ? "blocking" : "nonblocking", k);
			r->a = i & 1;
			r->b = i & 2;
			r->c = k;
			r->with_peer = true;
		}
		r = add(refused, "MSG_FASTOPEN: refused, %s, %s",
			i & 1 ? "no cookie" : "cookie asked for",
			i & 2 ? "blocking" : "nonblocking");
		r->a = i & 1;
		r->b = i & 2;
	}
	add(stamped, "MSG_FASTOPEN: no stamp of a SYN")->a = 0;
	add(stamped, "MSG_FASTOPEN: a stamp of what a SYN left")->a = 4000;
	add(no_answer, "MSG_FASTOPEN: no answer, cookie asked for")->a = 0;
	add(no_answer, "MSG_FASTOPEN: no answer, no cookie")->a = 1;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		add(wrong_name, "MSG_FASTOPEN: name: %s", names[i])->a = i;
	for (i = 0; i < STATES; i++)
		add(in_a_state, "MSG_FASTOPEN: %s", state_names[i])->a = i;
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		r = add(deferred, "TCP_FASTOPEN_CONNECT: %s", what[i]);
		r->a = i;
		r->with_peer = true;
	}
	for (i = 0; i < ARRAY_SIZE(options); i++)
		for (k = 0; k < ARRAY_SIZE(states); k++) {
			r = add(option_in_state, "%s: %s", options[i].name,
				state_names[states[k]]);
			r->a = options[i].option;
			r->b = states[k];
		}
	add_key_rows();
}
