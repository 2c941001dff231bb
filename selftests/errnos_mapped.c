// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: sockets with TOYTCP_V4_MAPPED beside those of AF_INET6, in a
 * network namespace without IPv6, so that those talk IPv4, too.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/in6.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errnos.h"
#include "toytcp.h"

static int six_sock(void)
{
	int fd, one = 1;

	if (fam == AF_INET)
		return need("socket", socket(AF_INET6, SOCK_STREAM, 0));
	fd = new_sock();
	need("V4_MAPPED", setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &one, sizeof(one)));
	return fd;
}

static struct sockaddr_in6 at6(const char *text, unsigned int port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET6, text, &sin6.sin6_addr) != 1)
		die("%s", text);
	return sin6;
}

static void rec_name6(const char *what, int ret, const struct sockaddr_in6 *sin6, socklen_t len)
{
	char text[INET6_ADDRSTRLEN] = "-";

	if (said(what, ret) < 0)
		return;
	inet_ntop(AF_INET6, &sin6->sin6_addr, text, sizeof(text));
	rec("(family %d length %d %s port %d flow %u scope %u) ", sin6->sin6_family, (int)len,
	    text, !!sin6->sin6_port, sin6->sin6_flowinfo, sin6->sin6_scope_id);
}

static struct sockaddr_in6 rec_names(int fd)
{
	struct sockaddr_in6 sin6, own;
	socklen_t len = sizeof(sin6);
	int ret = getpeername(fd, SA(sin6), &len);

	rec_name6("peer", ret, &sin6, len);
	len = sizeof(own);
	ret = getsockname(fd, SA(own), &len);
	rec_name6("own", ret, &own, len);
	return own;
}

static const char *const addresses[] = {
	"::", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:10.77.0.1", "::ffff:10.99.0.1",
	"::ffff:224.0.0.1", "::ffff:255.255.255.255", "::127.0.0.1", "::1", "2001:db8::1",
	"fe80::1", "fec0::1", "ff02::1",
};

/* text: the address, a: IPV6_V6ONLY, b: a socket option that allows others */
static void bind6(const struct row *r)
{
	struct sockaddr_in6 sin6 = at6(r->text, 0);
	int fd = six_sock();

	if (r->a >= 0)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, r->a);
	said("bind", bind(fd, SA(sin6), sizeof(sin6)));
	rec_names(fd);
	said("again", bind(fd, SA(sin6), sizeof(sin6)));
	said("listen", listen(fd, 1));
	rec("V6ONLY %d; ", get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY));
}

static int listener6(const char *text, struct sockaddr_in6 *name)
{
	struct sockaddr_in6 sin6 = at6(text, 0);
	socklen_t len = sizeof(*name);
	int fd = six_sock();

	need("bind", bind(fd, SA(sin6), sizeof(sin6)));
	need("listen", listen(fd, 8));
	need("name", getsockname(fd, SA(*name), &len));
	return fd;
}

static void connect6(const struct row *r)
{
	struct sockaddr_in6 name, sin6;
	int fd = six_sock();

	listener6("::", &name);
	sin6 = at6(r->text, ntohs(name.sin6_port));
	if (r->a >= 0)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, r->a);
	said("connect", connect(fd, SA(sin6), sizeof(sin6)));
	rec_names(fd);
	rec_poll(fd);
}

/* a: bind or connect, b: bytes of the address, c: its family */
static void lengths(const struct row *r)
{
	struct {
		struct sockaddr_in6 sin6;
		char more[100];
	} addr = { .sin6 = at6("::ffff:127.0.0.1", r->a ? 0 : 9) };
	int fd = six_sock();

	addr.sin6.sin6_family = r->c;
	said(r->a ? "bind" : "connect", r->a ? bind(fd, SA(addr), r->b) :
						connect(fd, SA(addr), r->b));
	rec_names(fd);
}

/* connect() to :: by what the socket is bound to */
static void connect_any(const struct row *r)
{
	struct sockaddr_in6 name, sin6;
	int fd = six_sock();

	listener6("::", &name);
	if (r->text) {
		sin6 = at6(r->text, 0);
		need("bind", bind(fd, SA(sin6), sizeof(sin6)));
	}
	sin6 = at6("::", ntohs(name.sin6_port));
	said("connect", connect(fd, SA(sin6), sizeof(sin6)));
	rec_names(fd);
}

static void rec_child(int fd)
{
	rec_names(fd);
	rec("SO_DOMAIN %d V6ONLY %d TCLASS %d HOPS %d NODELAY %d; ",
	    get_int(fd, SOL_SOCKET, SO_DOMAIN), get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY),
	    get_int(fd, IPPROTO_IPV6, IPV6_TCLASS), get_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	    get_int(fd, IPPROTO_TCP, 1));
}

/* a whole connection, and the socket after it */
static void talk(const struct row *r)
{
	struct sockaddr_in6 name, from;
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(from);
	int l = listener6(r->text, &name), a = six_sock(), b, ret;
	struct sockaddr_in sin;

	set_int(l, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
	set_int(l, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
	name.sin6_addr = at6("::ffff:127.0.0.1", 0).sin6_addr;
	said("connect", connect(a, SA(name), sizeof(name)));
	b = accept(l, SA(from), &len);
	rec_name6("accept", b < 0 ? b : 0, &from, len);
	rec_child(a);
	rec_child(b);
	give(a, b, 100);
	give(b, a, 100);
	/* an AF_INET client of the same listener */
	sin = at("127.0.0.1", ntohs(name.sin6_port));
	ret = new_peer();
	said("from AF_INET", connect(ret, SA(sin), sizeof(sin)));
	len = sizeof(from);
	ret = accept(l, SA(from), &len);
	rec_name6("accept", ret < 0 ? ret : 0, &from, len);
	said("disconnect", connect(a, &unspec, sizeof(unspec)));
	rec_names(a);
	name = at6("::1", 9);
	said("elsewhere", connect(a, SA(name), sizeof(name)));
	rec_names(a);
}

/* a: the option, b: its value */
static void option6(const struct row *r)
{
	int fd = six_sock(), value = r->b, on = 0;
	socklen_t len = sizeof(on);

	said("get", getsockopt(fd, IPPROTO_IPV6, r->a, &on, &len));
	rec("%d length %d; ", on, (int)len);
	said("set", setsockopt(fd, IPPROTO_IPV6, r->a, &value, sizeof(value)));
	said("short", setsockopt(fd, IPPROTO_IPV6, r->a, &value, 3));
	said("bad pointer", setsockopt(fd, IPPROTO_IPV6, r->a, BAD, sizeof(value)));
	len = sizeof(on);
	said("get", getsockopt(fd, IPPROTO_IPV6, r->a, &on, &len));
	rec("%d length %d; ", on, (int)len);
	len = 2;
	on = 0;
	said("get 2", getsockopt(fd, IPPROTO_IPV6, r->a, &on, &len));
	rec("%d length %d; ", on, (int)len);
	len = sizeof(on);
	said("get bad", getsockopt(fd, IPPROTO_IPV6, r->a, BAD, &len));
}

/*
 * Two at one port, a and b each: 0 AF_INET, 1 ::, 2 :: with IPV6_V6ONLY,
 * 3 ::ffff:127.0.0.1.
 */
static int bind_kind(int kind, unsigned int *port)
{
	struct sockaddr_in6 sin6 = at6(kind == 3 ? "::ffff:127.0.0.1" : "::", *port);
	struct sockaddr_in sin = at("0.0.0.0", *port);
	socklen_t len = sizeof(sin6);
	int fd = kind ? six_sock() : new_sock();

	if (kind == 2)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	said("bind", bind(fd, kind ? SA(sin6) : SA(sin), kind ? sizeof(sin6) : sizeof(sin)));
	need("name", getsockname(fd, SA(sin6), &len));
	*port = ntohs(sin6.sin6_port);
	return fd;
}

static void two(const struct row *r)
{
	unsigned int port = 0;
	struct sockaddr_in sin;
	int a, b, c = new_peer();

	/* one that is free for both: not by a time-wait of IPv4 either */
	close(bind_kind(1, &port));
	a = bind_kind(r->a, &port);
	b = bind_kind(r->b, &port);
	said("listen", listen(a, 1));
	said("listen", listen(b, 1));
	sin = at("127.0.0.1", port);
	/* who hears IPv4? */
	said("connect", connect(c, SA(sin), sizeof(sin)));
	rec("first %d; ", poll(&(struct pollfd){ .fd = a, .events = POLLIN }, 1, 20));
	rec("second %d; ", poll(&(struct pollfd){ .fd = b, .events = POLLIN }, 1, 20));
}

static void rec_queued(int fd)
{
	struct sockaddr_in6 name = { };
	char control[200], buf[100];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	const struct cmsghdr *c;

	if (said("errqueue", recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT)) < 0)
		return;
	rec_name6("of", 0, &name, msg.msg_namelen);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, (struct cmsghdr *)c)) {
		const struct sock_extended_err *ee = (void *)CMSG_DATA(c);

		rec("level %d type %d length %zu errno %d origin %d; ", c->cmsg_level, c->cmsg_type,
		    (size_t)c->cmsg_len, ee->ee_errno, ee->ee_origin);
		rec_name6("offender", 0, (void *)SO_EE_OFFENDER(ee), 0);
	}
}

/* a: the level whose RECVERR is on, b: the option */
static void unreachable(const struct row *r)
{
	/* no such neighbour: this host says so itself, by ICMP */
	struct sockaddr_in6 sin6 = at6("::ffff:10.77.0.77", 80);
	int fd = six_sock();

	set_int(fd, r->a, r->b, 1);
	said("connect", connect(fd, SA(sin6), sizeof(sin6)));
	rec_queued(fd);
	rec_names(fd);
}

static void addrform(const struct row *r)
{
	struct sockaddr_in6 name;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l = listener6("::", &name), fd = six_sock(), to = r->a;

	said("early", setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &to, sizeof(to)));
	name.sin6_addr = at6("::ffff:127.0.0.1", 0).sin6_addr;
	need("connect", connect(fd, SA(name), sizeof(name)));
	rec("is %d; ", get_int(fd, IPPROTO_IPV6, IPV6_ADDRFORM));
	if (said("form", setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &to, sizeof(to))) < 0)
		return;
	need("peer", getpeername(fd, SA(sin), &len));
	rec("family %d length %d %s; ", sin.sin_family, (int)len, inet_ntoa(sin.sin_addr));
	put(fd, 10);
	said("V6ONLY", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &to, sizeof(to)));
	close(l);
}

/* What AF_INET6 has not: the option itself. */
void own_option(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int fd = new_sock(), one = 1, two = 2, value = -1;
	socklen_t len = sizeof(value);

	(void)r;
	said("unknown", setsockopt(fd, SOL_TOYTCP, 99, &one, sizeof(one)));
	said("short", setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &one, 3));
	said("bad pointer", setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, BAD, 4));
	said("2", setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &two, sizeof(two)));
	said("get", getsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &value, &len));
	rec("%d length %d; ", value, (int)len);
	need("bind", bind(fd, SA(sin), sizeof(sin)));
	said("bound", setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &one, sizeof(one)));
	said("V6ONLY", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)));
}

static void add_option6_rows(void)
{
	static const struct {
		const char *name;
		int option, values[4];
	} options[] = {
		{ "V6ONLY", IPV6_V6ONLY, { 0, 1, 7, -1 } },
		{ "TCLASS", IPV6_TCLASS, { 0x2f, 255, 256, -1 } },
		{ "UNICAST_HOPS", IPV6_UNICAST_HOPS, { 9, 0, 256, -1 } },
		{ "RECVERR", IPV6_RECVERR, { 0, 1, 7, -1 } },
		{ "MTU_DISCOVER", IPV6_MTU_DISCOVER, { 0, 2, 6, -1 } },
		{ "MTU", IPV6_MTU, { 0, 1280, 100, -1 } },
		{ "DONTFRAG", IPV6_DONTFRAG, { 0, 1, 7, -1 } },
		{ "RECVPKTINFO", IPV6_RECVPKTINFO, { 0, 1, 7, -1 } },
		{ "RECVTCLASS", IPV6_RECVTCLASS, { 0, 1, 7, -1 } },
		{ "RECVHOPLIMIT", IPV6_RECVHOPLIMIT, { 0, 1, 7, -1 } },
		{ "AUTOFLOWLABEL", IPV6_AUTOFLOWLABEL, { 0, 1, 7, -1 } },
		{ "ADDR_PREFERENCES", IPV6_ADDR_PREFERENCES, { 1, 2, 3, 0x1000 } },
		{ "MINHOPCOUNT", IPV6_MINHOPCOUNT, { 0, 255, 256, -1 } },
		{ "FREEBIND", IPV6_FREEBIND, { 0, 1, 7, -1 } },
		{ "TRANSPARENT", IPV6_TRANSPARENT, { 0, 1, 7, -1 } },
		{ "ADDRFORM", IPV6_ADDRFORM, { AF_INET, AF_INET6, 0, -1 } },
		{ "HOPLIMIT, which is no option", IPV6_HOPLIMIT, { 0, 1, 7, -1 } },
		{ "none", 250, { 0, 1, 7, -1 } },
	};
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		for (j = 0; j < ARRAY_SIZE(options[i].values); j++) {
			r = add(option6, "mapped: IPV6_%s %d", options[i].name,
				options[i].values[j]);
			r->a = options[i].option;
			r->b = options[i].values[j];
		}
}

void add_mapped_rows(void)
{
	static const int sizes[] = { 0, 2, 16, 23, 24, 27, 28, 100 };
	static const int families[] = { AF_INET6, AF_INET, AF_UNSPEC, 18 };
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		for (j = 0; j < 3; j++) {
			r = add(bind6, "mapped: bind to %s, V6ONLY %d", addresses[i], (int)j - 1);
			r->text = addresses[i];
			r->a = (long)j - 1;
			r = add(connect6, "mapped: connect to %s, V6ONLY %d", addresses[i],
				(int)j - 1);
			r->text = addresses[i];
			r->a = (long)j - 1;
		}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (j = 0; j < ARRAY_SIZE(families); j++) {
			/* to the one side that is a family of its own */
			if (families[j] == 18 && sizes[i] != 28)
				continue;
			r = add(lengths, "mapped: bind, %d bytes, family %d", sizes[i], families[j]);
			r->a = 1;
			r->b = sizes[i];
			r->c = families[j];
			r = add(lengths, "mapped: connect, %d bytes, family %d", sizes[i],
				families[j]);
			r->b = sizes[i];
			r->c = families[j];
		}
	add(connect_any, "mapped: connect to :: unbound");
	add(connect_any, "mapped: connect to :: from ::")->text = "::";
	add(connect_any, "mapped: connect to :: from 127.0.0.1")->text = "::ffff:127.0.0.1";
	add(talk, "mapped: a connection by ::")->text = "::";
	add(talk, "mapped: a connection by 0.0.0.0")->text = "::ffff:0.0.0.0";
	add(talk, "mapped: a connection by 127.0.0.1")->text = "::ffff:127.0.0.1";
	for (i = 0; i < 4; i++)
		for (j = 0; j < 4; j++) {
			r = add(two, "mapped: two at one port, %u and %u", i, j);
			r->a = i;
			r->b = j;
		}
	r = add(unreachable, "mapped: IP_RECVERR");
	r->a = IPPROTO_IP;
	r->b = IP_RECVERR;
	r = add(unreachable, "mapped: IPV6_RECVERR");
	r->a = IPPROTO_IPV6;
	r->b = IPV6_RECVERR;
	add(addrform, "mapped: IPV6_ADDRFORM to IPv4")->a = AF_INET;
	add(addrform, "mapped: IPV6_ADDRFORM to IPv6")->a = AF_INET6;
	add_option6_rows();
}
