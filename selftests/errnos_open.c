// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: socket, bind, listen and accept, connect, and their addresses.
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

/* ---- socket ------------------------------------------------------------ */

/*
 * AF_TOYTCP has stream sockets only. What it must say to the types that
 * AF_INET has beside them is what AF_INET says to a type it has not.
 */
static void socket_type(const struct row *r)
{
	static const int protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP,
					 IPPROTO_ICMP, IPPROTO_IGMP, 41, 255,
					 1000, -1, -2147483647 };
	int type = r->a;
	unsigned int i;

	if (fam == AF_INET && (type == SOCK_DGRAM || type == SOCK_RAW ||
			       type == SOCK_PACKET))
		type = (type & ~0xf) | SOCK_SEQPACKET;
	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		rec("(%d) ", protocols[i]);
		said_fd("socket", socket(fam, type, protocols[i]));
	}
}

static void socket_flags(const struct row *r)
{
	int fd = said_fd("socket", socket(fam, SOCK_STREAM | r->a, 0));

	if (fd < 0)
		return;
	rec("nonblock %d cloexec %d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK),
	    fcntl(fd, F_GETFD));
}

static void socket_pair(const struct row *r)
{
	int fds[2];

	said("socketpair", socketpair(fam, SOCK_STREAM, r->a, fds));
}

static void socket_identity(const struct row *r)
{
	int fd = new_sock();

	(void)r;
	rec("type %d protocol %d accepts %d, ",
	    get_int(fd, SOL_SOCKET, SO_TYPE),
	    get_int(fd, SOL_SOCKET, SO_PROTOCOL),
	    get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
	rec("own domain %d, ", get_int(fd, SOL_SOCKET, SO_DOMAIN) == fam);
	listen_on(fd, "127.0.0.1");
	rec("listening: accepts %d", get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void not_a_file(const struct row *r)
{
	int fd = new_sock(), other;
	char c;

	(void)r;
	said("lseek", lseek(fd, 0, SEEK_SET));
	said("pread", pread(fd, &c, 1, 0));
	said("pwrite", pwrite(fd, &c, 1, 0));
	said("ftruncate", ftruncate(fd, 0));
	said("fsync", fsync(fd));
	other = said_fd("dup", dup(fd));
	said("close", close(fd));
	rec_poll(other);
	said("recv of the closed", recv(fd, &c, 1, 0));
}

void add_socket_rows(void)
{
	static const int types[] = { 0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
				     SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP,
				     SOCK_PACKET, 11, 15, -1, 0x100000 | 1 };
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC,
				     SOCK_NONBLOCK | SOCK_CLOEXEC, 0x10,
				     0x40000000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		add(socket_type, "socket: type %#x", types[i])->a = types[i];
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		add(socket_flags, "socket: flags %#x", flags[i])->a = flags[i];
	add(socket_pair, "socketpair: protocol 0")->a = 0;
	add(socket_pair, "socketpair: protocol TCP")->a = IPPROTO_TCP;
	add(socket_identity, "socket: SO_TYPE, SO_PROTOCOL, SO_ACCEPTCONN");
	add(not_a_file, "socket: file calls that it refuses, dup");
}

/* ---- addresses: bind and connect ----------------------------------------- */

/* bind or connect by r->c. */
static long with_addr(const struct row *r, int fd, const void *addr,
		      socklen_t len)
{
	return r->c ? connect(fd, addr, len) : bind(fd, addr, len);
}

static void addr_pointer(const struct row *r)
{
	static char big[256];
	int fd = new_sock();
	void *p = r->a == 0 ? NULL : r->a == 1 ? BAD : (void *)big;

	nonblock(fd);
	said("call", with_addr(r, fd, p, r->b));
	rec_state(fd);
}

static void addr_length(const struct row *r)
{
	char buf[256] = { 0 };
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int l = new_peer(), fd = new_sock();

	listen_on(l, "127.0.0.1");
	if (r->c)
		sin.sin_port = name_of(l).sin_port;
	memcpy(buf, &sin, sizeof(sin));
	said("call", with_addr(r, fd, buf, r->a));
	rec_poll(fd);
}

static void addr_family(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, 0);
	int l = new_peer(), fd = new_sock();

	listen_on(l, "127.0.0.1");
	if (r->c)
		sin.sin_port = name_of(l).sin_port;
	sin.sin_family = r->a;
	said("call", with_addr(r, fd, &sin, sizeof(sin)));
	rec_poll(fd);
}

static void own_family(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int l = new_peer(), fd = new_sock();

	listen_on(l, "127.0.0.1");
	if (r->c)
		sin.sin_port = name_of(l).sin_port;
	sin.sin_family = fam;
	said("call", with_addr(r, fd, &sin, sizeof(sin)));
	rec("comes back as AF_INET: %d", name_of(fd).sin_family == AF_INET);
}

static void bind_address(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, 0);
	int fd = new_sock();

	if (said("bind", bind(fd, SA(sin), sizeof(sin))) == 0) {
		sin = name_of(fd);
		rec("(%s port %d) ", inet_ntoa(sin.sin_addr), !!sin.sin_port);
		said("listen", listen(fd, 1));
	}
}

/*
 * The kernel's TCP keeps the ICMP message that refused a connection in the
 * error queue, even of a socket that did not ask for it (for an unprivileged
 * traceroute), and poll says ERR until it is read. AF_TOYTCP has no such queue.
 */
static void read_error_queue(int fd)
{
	char buf[256];

	while (recv(fd, buf, sizeof(buf), MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		;
}

static void connect_address(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, r->a);
	int fd = new_sock();

	said("connect", connect(fd, SA(sin), sizeof(sin)));
	read_error_queue(fd);
	rec_state(fd);
	/* What a failure leaves behind is a socket that can be used again. */
	sin = at("127.0.0.1", 1);
	said("connect again", connect(fd, SA(sin), sizeof(sin)));
}

static void connect_address_nonblock(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, r->a);
	int fd = new_sock();

	nonblock(fd);
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	wait_for(fd, POLLOUT | POLLHUP | POLLERR);
	rec_poll(fd);
	rec_error(fd);
	read_error_queue(fd);
	rec_poll(fd);
}

void add_address_rows(void)
{
	static const long lengths[] = { 0, 1, 2, 4, 7, 8, 15, 16, 17, 28, 110,
					128, 129, 255, -1, INT32_MAX };
	static const struct {
		int family;
		const char *addr;
	} families[] = {
		{ AF_UNSPEC, "0.0.0.0" }, { AF_UNSPEC, "127.0.0.1" },
		{ AF_UNIX, "127.0.0.1" }, { AF_INET6, "127.0.0.1" },
		{ AF_NETLINK, "127.0.0.1" }, { 255, "127.0.0.1" },
		{ 65535, "127.0.0.1" },
	};
	static const char *const bind_to[] = {
		"0.0.0.0", "127.0.0.1", "127.9.9.9", "127.255.255.255",
		"255.255.255.255", "10.77.0.0", "10.77.0.255", "10.77.0.99",
		"192.0.2.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "0.0.0.1",
		"10.78.1.1",
	};
	static const struct {
		const char *addr;
		int port;
		const char *what;
	} to[] = {
		{ "127.0.0.1", 1, "nobody listens" },
		{ "127.0.0.1", 0, "port 0" },
		{ "0.0.0.0", 1, "0.0.0.0" },
		{ "127.3.2.1", 1, "another loopback address" },
		{ "255.255.255.255", 80, "limited broadcast" },
		{ "10.77.0.255", 80, "subnet's broadcast" },
		{ "127.255.255.255", 80, "loopback's broadcast" },
		{ "224.0.0.1", 80, "multicast" },
		{ "239.1.2.3", 80, "multicast, other scope" },
		{ "240.0.0.1", 80, "class E" },
		{ "192.0.2.1", 80, "no route" },
		{ "10.78.1.1", 80, "unreachable route" },
		{ "10.78.2.1", 80, "prohibit route" },
		{ "10.78.3.1", 80, "blackhole route" },
		{ "10.78.4.1", 80, "throw route" },
		{ "10.77.0.77", 80, "no such neighbour" },
	};
	unsigned int i;
	int call;

	for (call = 0; call < 2; call++) {
		const char *what = call ? "connect" : "bind";
		struct row *r;

		for (i = 0; i < 3; i++) {
			static const char *const p[] = { "NULL", "bad",
							 "zeroed" };
			static const int len[] = { 16, 0, 129, -1 };
			unsigned int j;

			for (j = 0; j < ARRAY_SIZE(len); j++) {
				r = add(addr_pointer,
					"%s: %s address, length %d", what,
					p[i], len[j]);
				r->a = i;
				r->b = len[j];
				r->c = call;
			}
		}
		for (i = 0; i < ARRAY_SIZE(lengths); i++) {
			r = add(addr_length, "%s: length %ld", what,
				lengths[i]);
			r->a = lengths[i];
			r->c = call;
		}
		for (i = 0; i < ARRAY_SIZE(families); i++) {
			r = add(addr_family, "%s: family %d address %s", what,
				families[i].family, families[i].addr);
			r->a = families[i].family;
			r->text = families[i].addr;
			r->c = call;
		}
		r = add(own_family, "%s: sin_family is the socket's own", what);
		r->c = call;
	}
	for (i = 0; i < ARRAY_SIZE(bind_to); i++)
		add(bind_address, "bind: to %s", bind_to[i])->text = bind_to[i];
	for (i = 0; i < ARRAY_SIZE(to); i++) {
		struct row *r = add(connect_address, "connect: %s (%s)",
				    to[i].what, to[i].addr);

		r->text = to[i].addr;
		r->a = to[i].port;
		r = add(connect_address_nonblock,
			"connect: nonblocking, %s (%s)", to[i].what,
			to[i].addr);
		r->text = to[i].addr;
		r->a = to[i].port;
	}
}

/* ---- bind --------------------------------------------------------------- */

static void bind_twice(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int fd = new_sock();

	(void)r;
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	rec_state(fd);
}

static void bind_connected(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int a, b;

	(void)r;
	pair(&a, &b);
	said("bind", bind(a, SA(sin), sizeof(sin)));
	rec_state(a);
}

/* Two sockets of the family at one port. */
static void bind_conflict(const struct row *r)
{
	bool first_reuse = r->a & 1, second_reuse = r->a & 2;
	bool first_listens = r->a & 4, second_listens = r->a & 8;
	const char *addrs[] = { "0.0.0.0", "127.0.0.1", "127.0.0.2" };
	struct sockaddr_in one = at(addrs[r->b], 0), two = at(addrs[r->c], 0);
	int f = new_sock(), g = new_sock();

	set_int(f, SOL_SOCKET, SO_REUSEADDR, first_reuse);
	set_int(g, SOL_SOCKET, SO_REUSEADDR, second_reuse);
	need("bind", bind(f, SA(one), sizeof(one)));
	if (first_listens)
		need("listen", listen(f, 1));
	two.sin_port = name_of(f).sin_port;
	if (said("bind", bind(g, SA(two), sizeof(two))))
		return;
	if (second_listens)
		said("listen", listen(g, 1));
	if (!first_listens)
		said("first listens too", listen(f, 1));
}

static void bind_privileged(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", r->a);
	int fd = new_sock();
	pid_t pid = need("fork", fork());

	if (!pid) {
		if (r->b && setresuid(65534, 65534, 65534))
			rec("[setresuid] ");
		said("bind", bind(fd, SA(sin), sizeof(sin)));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	rec("same port %d", name_of(fd).sin_port == sin.sin_port);
}

static void bind_after_close(const struct row *r)
{
	int a, b, fd = new_sock(), next = new_sock(), l = new_sock(), one = 1;
	struct sockaddr_in sin;

	/* Our side closes first: our TIME_WAIT has the listener's port. */
	close(fd);
	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	b = new_peer();
	need("connect", connect(b, SA(sin), sizeof(sin)));
	a = need("accept", accept(l, NULL, NULL));
	close(l);
	close(a);
	wait_for(b, POLLIN);
	close(b);
	if (r->a)
		setsockopt(next, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	said("bind", bind(next, SA(sin), sizeof(sin)));
	said("listen", listen(next, 1));
}

static void bind_then_connect(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, 0), peer;
	int l = new_peer(), fd = new_sock(), port;

	listen_on(l, "127.0.0.1");
	peer = name_of(l);
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	port = name_of(fd).sin_port;
	said("connect", connect(fd, SA(peer), sizeof(peer)));
	rec("from %s, same port %d", inet_ntoa(name_of(fd).sin_addr),
	    port == name_of(fd).sin_port);
}

/* a: the option that allows an address of another host, b: its value */
static void bind_foreign(const struct row *r)
{
	struct sockaddr_in sin = at("192.0.2.1", 0), peer = at("127.0.0.1", 9);
	int fd = new_sock();

	if (r->a)
		set_int(fd, IPPROTO_IP, r->a, r->b);
	if (said("bind", bind(fd, SA(sin), sizeof(sin))))
		return;
	rec("%s; ", inet_ntoa(name_of(fd).sin_addr));
	said("listen", listen(fd, 1));
	fd = new_sock();
	set_int(fd, IPPROTO_IP, r->a, r->b);
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	nonblock(fd);
	said("connect", connect(fd, SA(peer), sizeof(peer)));
}

/* IP_BIND_ADDRESS_NO_PORT: an address now, a port with connect() or listen() */
static void bind_no_port(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0), peer;
	int l = new_peer(), fd = new_sock();

	listen_on(l, "127.0.0.1");
	peer = name_of(l);
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	sin = name_of(fd);
	rec("%s port %d; ", inet_ntoa(sin.sin_addr), sin.sin_port != 0);
	if (r->a)
		said("listen", listen(fd, 1));
	else
		said("connect", connect(fd, SA(peer), sizeof(peer)));
	sin = name_of(fd);
	rec("%s port %d; ", inet_ntoa(sin.sin_addr), sin.sin_port != 0);
}

static void autobind_range(const struct row *r)
{
	unsigned int i, ports[20], j;

	(void)r;
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		int fd = new_sock();
		struct sockaddr_in sin = at("0.0.0.0", 0);

		need("bind", bind(fd, SA(sin), sizeof(sin)));
		ports[i] = ntohs(name_of(fd).sin_port);
		for (j = 0; j < i; j++)
			if (ports[j] == ports[i])
				rec("port %u twice", ports[i]);
		if (ports[i] < 1024)
			rec("port %u", ports[i]);
	}
}

void add_bind_rows(void)
{
	static const int ports[] = { 1, 80, 1023, 1024 };
	unsigned int i, j, k;

	add(bind_twice, "bind: twice");
	for (i = 0; i < 2; i++) {
		static const int options[] = { IP_FREEBIND, IP_TRANSPARENT };
		static const char *const names[] = { "IP_FREEBIND", "IP_TRANSPARENT" };
		struct row *r = add(bind_foreign, "bind: another host's address, %s", names[i]);

		r->a = options[i];
		r->b = 1;
		add(bind_no_port, "bind: IP_BIND_ADDRESS_NO_PORT, %s", i ? "listen" : "connect")->a = i;
	}
	add(bind_foreign, "bind: another host's address")->a = 0;
	add(bind_connected, "bind: after connect");
	for (i = 0; i < 16; i++)
		for (j = 0; j < 3; j++)
			for (k = 0; k < 3; k++) {
				struct row *r;

				/* The pairs that add nothing. */
				if (j == 2 || (k == 2 && j == 0))
					continue;
				r = add(bind_conflict,
					"bind: port taken, reuse %d %d listens %d %d addresses %u %u",
					!!(i & 1), !!(i & 2), !!(i & 4),
					!!(i & 8), j, k);
				r->a = i;
				r->b = j;
				r->c = k;
			}
	for (i = 0; i < ARRAY_SIZE(ports); i++)
		for (j = 0; j < 2; j++) {
			struct row *r = add(bind_privileged,
					    "bind: port %d %s", ports[i],
					    j ? "as nobody" : "as root");

			r->a = ports[i];
			r->b = j;
		}
	add(bind_after_close, "bind: port in TIME_WAIT")->a = 0;
	add(bind_after_close, "bind: port in TIME_WAIT, SO_REUSEADDR")->a = 1;
	add(bind_then_connect, "bind: then connect")->text = "127.0.0.1";
	add(bind_then_connect, "bind: wildcard, then connect")->text =
		"0.0.0.0";
	add(bind_then_connect, "bind: another loopback address, then connect")
		->text = "127.0.0.9";
	add(bind_then_connect, "bind: broadcast, then connect")->text = "127.255.255.255";
	add(bind_then_connect, "bind: all ones, then connect")->text = "255.255.255.255";
	add(bind_then_connect, "bind: multicast, then connect")->text = "224.0.0.1";
	add(autobind_range, "bind: port 0 gives distinct unprivileged ports");
}

/* ---- listen and accept ---------------------------------------------------- */

static void listen_state(const struct row *r)
{
	struct sockaddr_in sin;
	int fd = new_sock(), a, b;

	switch (r->a) {
	case 0:	/* unbound */
		said("listen", listen(fd, r->b));
		break;
	case 1:	/* bound */
		listen_on(fd, "127.0.0.1");
		said("listen", listen(fd, r->b));
		break;
	case 2:	/* connected */
		pair(&a, &b);
		said("listen", listen(a, r->b));
		fd = a;
		break;
	case 3:	/* connecting */
		sin = at("10.77.0.50", 80);
		nonblock(fd);
		need("connect", connect(fd, SA(sin), sizeof(sin)) + 1);
		said("listen", listen(fd, r->b));
		break;
	case 4:	/* refused before */
		sin = at("127.0.0.1", 1);
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		said("listen", listen(fd, r->b));
		break;
	case 5:	/* shut down before */
		listen_on(fd, "127.0.0.1");
		said("shutdown", shutdown(fd, SHUT_RDWR));
		rec_state(fd);
		said("listen", listen(fd, r->b));
		break;
	}
	rec_state(fd);
	rec("accepts %d", get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void accept_state(const struct row *r)
{
	int fd = new_sock(), a, b;

	nonblock(fd);
	switch (r->a) {
	case 0:
		break;
	case 1:
		pair(&a, &b);
		fd = a;
		nonblock(fd);
		break;
	case 2:
		listen_on(fd, "127.0.0.1");
		break;
	case 3:
		listen_on(fd, "127.0.0.1");
		said("shutdown", shutdown(fd, r->b));
		break;
	}
	said("accept", accept(fd, NULL, NULL));
	said("accept4", accept4(fd, NULL, NULL, SOCK_NONBLOCK));
	rec_state(fd);
}

static void accept_flags(const struct row *r)
{
	int peer, l = waiting_listener(&peer);
	int fd = said_fd("accept4", accept4(l, NULL, NULL, r->a));

	if (fd >= 0)
		rec("nonblock %d cloexec %d",
		    !!(fcntl(fd, F_GETFL) & O_NONBLOCK), fcntl(fd, F_GETFD));
	else	/* it must still be there */
		said_fd("accept", accept(l, NULL, NULL));
}

static void accept_address(const struct row *r)
{
	char buf[64];
	int peer, l = waiting_listener(&peer);
	socklen_t len = r->b;
	struct sockaddr_in sin;
	unsigned int i;
	void *addr = r->a == 0 ? NULL : r->a == 1 ? BAD : (void *)buf;
	void *lenp = r->c == 0 ? NULL : r->c == 1 ? BAD : (void *)&len;

	memset(buf, 0x55, sizeof(buf));
	nonblock(l);
	said_fd("accept", accept(l, addr, lenp));
	rec("length %d; ", (int)len);
	for (i = sizeof(buf); i && buf[i - 1] == 0x55; i--)
		;
	rec("wrote %u; ", i);
	if (i >= sizeof(sin)) {
		memcpy(&sin, buf, sizeof(sin));
		rec("family %d from %s, right port %d; ", sin.sin_family,
		    inet_ntoa(sin.sin_addr),
		    sin.sin_port == name_of(peer).sin_port);
	}
	/* Is the connection lost? */
	said_fd("accept again", accept(l, NULL, NULL));
}

static void accept_reset(const struct row *r)
{
	int peer, l = waiting_listener(&peer), fd;
	struct linger lin = { .l_onoff = 1 };

	if (r->a)
		put(peer, 10);
	need("linger", setsockopt(peer, SOL_SOCKET, SO_LINGER, &lin,
				  sizeof(lin)));
	close(peer);
	rec_poll(l);
	fd = said_fd("accept", accept(l, NULL, NULL));
	if (fd < 0)
		return;
	wait_for(fd, POLLHUP);
	rec_state(fd);
}

static void accept_closed(const struct row *r)
{
	int peer, l = waiting_listener(&peer), fd;

	(void)r;
	put(peer, 10);
	close(peer);
	fd = said_fd("accept", accept(l, NULL, NULL));
	if (fd < 0)
		return;
	wait_for(fd, POLLRDHUP);
	rec_state(fd);
}

static void accept_inherits(const struct row *r)
{
	int l = new_sock(), peer = new_peer(), fd;
	struct linger lin = { .l_onoff = 1, .l_linger = 7 };
	struct timeval tv = { 3, 0 };
	struct sockaddr_in sin;
	socklen_t len;

	(void)r;
	set_int(l, SOL_SOCKET, SO_RCVBUF, 30000);
	set_int(l, SOL_SOCKET, SO_SNDBUF, 40000);
	set_int(l, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
	need("linger", setsockopt(l, SOL_SOCKET, SO_LINGER, &lin, sizeof(lin)));
	need("timeo", setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	nonblock(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	wait_for(l, POLLIN);
	fd = need("accept", accept(l, NULL, NULL));
	len = sizeof(lin);
	getsockopt(fd, SOL_SOCKET, SO_LINGER, &lin, &len);
	len = sizeof(tv);
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	rec("rcvbuf %d sndbuf %d nodelay %d reuse %d linger %d %d timeo %ld nonblock %d accepts %d",
	    get_int(fd, SOL_SOCKET, SO_RCVBUF),
	    get_int(fd, SOL_SOCKET, SO_SNDBUF),
	    get_int(fd, IPPROTO_TCP, TCP_NODELAY),
	    get_int(fd, SOL_SOCKET, SO_REUSEADDR), lin.l_onoff, lin.l_linger,
	    (long)tv.tv_sec, !!(fcntl(fd, F_GETFL) & O_NONBLOCK),
	    get_int(fd, SOL_SOCKET, SO_ACCEPTCONN));
}

static void close_listener_resets(const struct row *r)
{
	int peer, l = waiting_listener(&peer);

	/* With a connection in its queue. */
	if (r->a)
		said("shutdown", shutdown(l, SHUT_RD));
	else
		close(l);
	wait_for(peer, POLLIN | POLLHUP);
	rec_state(peer);
}

static void backlog_full(const struct row *r)
{
	int l = new_sock(), fds[4], i, n = 0;
	struct sockaddr_in sin = at("127.0.0.1", 0);

	(void)r;
	need("bind", bind(l, SA(sin), sizeof(sin)));
	need("listen", listen(l, 1));
	sin = name_of(l);
	for (i = 0; i < 4; i++) {
		struct pollfd p = { .events = POLLOUT };

		fds[i] = p.fd = new_peer();
		nonblock(fds[i]);
		need("connect", connect(fds[i], SA(sin), sizeof(sin)) + 1);
		/* Of a backlog of 1 Linux lets two wait. */
		if (poll(&p, 1, i < 2 ? SETTLE_MS : 300) == 1)
			n++;
	}
	rec("%d of 4 connected; ", n > 2 ? 2 : n);
	for (i = 0; i < 4; i++) {
		wait_for(l, POLLIN);
		said_fd("accept", accept(l, NULL, NULL));
	}
}

void add_listen_rows(void)
{
	static const char *const listen_what[] = {
		"unbound", "again", "connected", "connecting", "refused before",
		"shut down before",
	};
	static const char *const accept_what[] = {
		"fresh", "connected", "listener, nobody waits",
		"listener shut down",
	};
	static const int backlogs[] = { 0, 1, -1, INT32_MAX };
	static const int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC,
				     SOCK_NONBLOCK | SOCK_CLOEXEC, 1, 0x10 };
	static const char *const pointer[] = { "NULL", "bad", "good" };
	static const int lens[] = { 0, 1, 2, 8, 15, 16, 17, 64, -1 };
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(listen_what); i++)
		for (j = 0; j < (i ? 1 : ARRAY_SIZE(backlogs)); j++) {
			r = add(listen_state, "listen: %s, backlog %d",
				listen_what[i], backlogs[j]);
			r->a = i;
			r->b = backlogs[j];
		}
	for (i = 0; i < ARRAY_SIZE(accept_what); i++)
		for (j = 0; j < (i == 3 ? 3 : 1); j++) {
			r = add(accept_state, "accept: %s %d", accept_what[i],
				j);
			r->a = i;
			r->b = j;
		}
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		add(accept_flags, "accept4: flags %#x", flags[i])->a =
			flags[i];
	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++) {
			r = add(accept_address,
				"accept: %s address, %s length", pointer[i],
				pointer[j]);
			r->a = i;
			r->b = 16;
			r->c = j;
		}
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		r = add(accept_address, "accept: address length %d", lens[i]);
		r->a = 2;
		r->b = lens[i];
		r->c = 2;
	}
	add(accept_reset, "accept: reset while waiting")->a = 0;
	add(accept_reset, "accept: data and reset while waiting")->a = 1;
	add(accept_closed, "accept: data and FIN while waiting");
	add(accept_inherits, "accept: what is inherited");
	add(close_listener_resets, "close: listener with a connection waiting");
	add(close_listener_resets,
	    "shutdown: listener with a connection waiting")->a = 1;
	add(backlog_full, "listen: backlog full, then drained");
}

/* ---- connect --------------------------------------------------------------- */

static int connecting(void)
{
	struct sockaddr_in sin = nowhere();
	int fd = new_sock();

	nonblock(fd);
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	return fd;
}

static void connect_again(const struct row *r)
{
	struct sockaddr_in sin = nowhere(), peer;
	int fd, a, b;

	switch (r->a) {
	case 0:
		fd = connecting();
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		sin = at("127.0.0.1", 1);
		said("elsewhere", connect(fd, SA(sin), sizeof(sin)));
		rec_state(fd);
		break;
	case 1:
		pair(&a, &b);
		said("connect", connect(a, SA(sin), sizeof(sin)));
		rec_state(a);
		break;
	case 2:
		fd = new_sock();
		listen_on(fd, "127.0.0.1");
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		rec_state(fd);
		break;
	case 3:	/* nonblocking and successful: 0 once, then EISCONN */
		fd = new_sock();
		a = new_peer();
		listen_on(a, "127.0.0.1");
		peer = name_of(a);
		nonblock(fd);
		connect(fd, SA(peer), sizeof(peer));
		wait_for(fd, POLLOUT);
		rec_poll(fd);
		said("connect", connect(fd, SA(peer), sizeof(peer)));
		said("connect", connect(fd, SA(peer), sizeof(peer)));
		rec_state(fd);
		break;
	case 4:	/* nonblocking and refused, error taken by connect */
		fd = new_sock();
		sin = at("127.0.0.1", 1);
		nonblock(fd);
		connect(fd, SA(sin), sizeof(sin));
		wait_for(fd, POLLHUP);
		rec_poll(fd);
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		rec_error(fd);
		connect(fd, SA(sin), sizeof(sin));
		wait_for(fd, POLLHUP);
		rec_poll(fd);
		break;
	case 5:	/* refused, error taken by SO_ERROR, then by recv and send */
		fd = new_sock();
		sin = at("127.0.0.1", 1);
		nonblock(fd);
		connect(fd, SA(sin), sizeof(sin));
		wait_for(fd, POLLHUP);
		rec_error(fd);
		rec_state(fd);
		said("send", send(fd, &sin, 1, MSG_NOSIGNAL));
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		break;
	case 6:	/* refused, error taken by recv */
		fd = new_sock();
		sin = at("127.0.0.1", 1);
		nonblock(fd);
		connect(fd, SA(sin), sizeof(sin));
		wait_for(fd, POLLHUP);
		said("recv", recv(fd, &peer, 1, 0));
		said("recv", recv(fd, &peer, 1, 0));
		rec("%s; ", inet_ntoa(name_of(fd).sin_addr));
		a = new_peer();
		listen_on(a, "127.0.0.1");
		peer = name_of(a);
		said("bind", bind(fd, SA(peer), sizeof(peer)));
		rec("%s; ", inet_ntoa(name_of(fd).sin_addr));
		break;
	case 7:	/* refused, error taken by send */
		fd = new_sock();
		sin = at("127.0.0.1", 1);
		nonblock(fd);
		connect(fd, SA(sin), sizeof(sin));
		wait_for(fd, POLLHUP);
		said("send", send(fd, &sin, 1, MSG_NOSIGNAL));
		said("send", send(fd, &sin, 1, MSG_NOSIGNAL));
		rec_error(fd);
		break;
	case 8:	/* refused, and then to a listener, blocking */
		fd = new_sock();
		sin = at("127.0.0.1", 1);
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		a = new_peer();
		listen_on(a, "127.0.0.1");
		peer = name_of(a);
		said("connect", connect(fd, SA(peer), sizeof(peer)));
		b = need("accept", accept(a, NULL, NULL));
		give(b, fd, 5);
		rec_state(fd);
		break;
	}
}

static void disconnect(const struct row *r)
{
	struct sockaddr_in sin = { .sin_family = AF_UNSPEC }, peer;
	int fd, a, b;

	switch (r->a) {
	case 0:
		fd = new_sock();
		break;
	case 1:
		fd = connecting();
		break;
	case 2:
		pair(&fd, &b);
		break;
	default:
		fd = new_sock();
		listen_on(fd, "127.0.0.1");
		break;
	}
	said("disconnect", connect(fd, SA(sin), sizeof(sin)));
	rec_state(fd);
	if (r->a == 2) {
		wait_for(b, POLLHUP);
		rec("peer: ");
		rec_state(b);
	}
	/* It must serve another connection. */
	need("blocking", fcntl(fd, F_SETFL, 0));
	a = new_peer();
	listen_on(a, "127.0.0.1");
	peer = name_of(a);
	if (said("connect", connect(fd, SA(peer), sizeof(peer))))
		return;
	b = need("accept", accept(a, NULL, NULL));
	give(b, fd, 3);
	rec_state(fd);
}

/* A port that bind() chose is kept when there was no connection to lose. */
static void disconnect_bound(const struct row *r)
{
	struct sockaddr_in sin = at(r->text, 0), none = { .sin_family = AF_UNSPEC };
	int fd = new_sock(), before, after;

	need("bind", bind(fd, SA(sin), sizeof(sin)));
	before = name_of(fd).sin_port;
	said("disconnect", connect(fd, SA(none), sizeof(none)));
	after = name_of(fd).sin_port;
	rec("same port %d; ", before == after);
	said("bind", bind(fd, SA(sin), sizeof(sin)));
	said("listen", listen(fd, 1));
	said("disconnect", connect(fd, SA(none), sizeof(none)));
	said("bind", bind(fd, SA(sin), sizeof(sin)));
}

static void disconnect_later(void)
{
	static const char *const what[] = { "fresh", "connecting", "connected",
					    "listener" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(what); i++)
		add(disconnect, "connect: to AF_UNSPEC, %s", what[i])->a = i;
	add(disconnect_bound, "connect: to AF_UNSPEC, bound to an address")->text = "127.0.0.1";
	add(disconnect_bound, "connect: to AF_UNSPEC, bound to any")->text = "0.0.0.0";
}

static void self_connect(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	char buf[8];
	int fd = new_sock();

	(void)r;
	need("bind", bind(fd, SA(sin), sizeof(sin)));
	sin = name_of(fd);
	/* A simultaneous open with oneself. */
	if (said("connect", connect(fd, SA(sin), sizeof(sin))))
		return;
	said("send", send(fd, "hello", 5, 0));
	wait_for(fd, POLLIN);
	rec_state(fd);
	said("recv", recv(fd, buf, sizeof(buf), 0));
	said("shutdown", shutdown(fd, SHUT_WR));
	wait_for(fd, POLLRDHUP);
	said("recv", recv(fd, buf, sizeof(buf), 0));
	rec_poll(fd);
}

/* What was shut before there was a connection is shut when there is one. */
static void shut_then_connect(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int fd = new_sock(), l = new_peer();

	if (r->b) {
		listen_on(l, "127.0.0.1");
		sin = name_of(l);
	} else {
		need("bind", bind(fd, SA(sin), sizeof(sin)));
		sin = name_of(fd);
	}
	said("shutdown", shutdown(fd, r->a));
	rec_poll(fd);
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	rec_poll(fd);
	said("send nothing", send(fd, "", 0, MSG_NOSIGNAL));
	said("send", send(fd, "x", 1, MSG_NOSIGNAL));
	rec("mss %d; ", get_int(fd, IPPROTO_TCP, TCP_MAXSEG) > 536);
}

static void connect_sndtimeo(const struct row *r)
{
	struct sockaddr_in sin = nowhere();
	struct timeval tv = { 0, 300000 };
	int fd = new_sock();

	(void)r;
	need("timeo", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	said("connect", connect(fd, SA(sin), sizeof(sin)));
	rec_poll(fd);
}

static void connecting_state(const struct row *r)
{
	char c = 0;
	int fd = connecting();

	(void)r;
	said("send", send(fd, &c, 1, MSG_NOSIGNAL));
	said("recv", recv(fd, &c, 1, 0));
	rec_state(fd);
}

static void connecting_shutdown(const struct row *r)
{
	char c = 0;
	int fd = connecting();

	said("shutdown", shutdown(fd, r->a));
	rec_state(fd);
	said("send", send(fd, &c, 1, MSG_NOSIGNAL));
	said("recv", recv(fd, &c, 1, 0));
}

void add_connect_rows(void)
{
	static const char *const what[] = {
		"connecting", "connected", "listener", "nonblocking success",
		"nonblocking refusal, error by connect",
		"nonblocking refusal, error by SO_ERROR",
		"nonblocking refusal, error by recv",
		"nonblocking refusal, error by send",
		"refused, then accepted",
	};
	unsigned int i;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(what); i++)
		add(connect_again, "connect: again, %s", what[i])->a = i;
	disconnect_later();
	add(self_connect, "connect: to itself");
	for (i = 0; i < 6; i++) {
		r = add(shut_then_connect, "connect: to %s after shutdown %u",
			i < 3 ? "itself" : "a listener", i % 3);
		r->a = i % 3;
		r->b = i / 3;
	}
	add(connect_sndtimeo, "connect: SO_SNDTIMEO, no answer");
	add(connecting_state, "connecting: send, recv, poll, ioctl");
	for (i = 0; i < 3; i++)
		add(connecting_shutdown, "connecting: shutdown %u", i)->a = i;
}
