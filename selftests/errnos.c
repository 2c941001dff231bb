// SPDX-License-Identifier: GPL-2.0
/*
 * Side by side: every row is a short program of system calls, run once with
 * AF_INET sockets and once with the family under test. Everything that the calls said (results, errno, poll events,
 * values and lengths that came back) is written down and the two texts must
 * be the same.
 *
 *	errnos --family F [--peer F] [--peers-only] [--only SUBSTRING] [--verbose]
 *
 * The reference side uses AF_INET for both ends; the other side F for the
 * socket under test, and for its peer F too or the other; --peers-only leaves
 * the rows out in which the peer does not matter. errnos.sh adds the routes
 * that the rows about unreachable addresses need, in 10.78.0.0/16.
 *
 * A row may carry a reason why the two may differ: "later" rows concern what
 * AF_TOYTCP does not have yet and pass, visibly, when it says ENOPROTOOPT,
 * EOPNOTSUPP or ENOTTY; any other difference fails them as well. A deliberate
 * deviation has rows of its own with the answer it must give.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

/* How long an event that must come may take, under emulation too. */
#define SETTLE_MS 4000
#define ROW_LIMIT_S 40

struct row {
	char name[120];
	void (*run)(const struct row *row);
	long a, b, c;
	const char *text;
	const char *later;	/* what AF_TOYTCP does not have yet */
	const char *must;	/* the answer of a deliberate deviation */
	bool with_peer;		/* what the peer is, can matter */
};

static struct row rows[4000];
static unsigned int n_rows;
static bool peers_matter;	/* in the rows that are added now */

/* Where a row goes that cannot go on. */
static jmp_buf row_end;

/* This side of the comparison. */
static int fam, peer_fam;
static char *transcript;
#define TRANSCRIPT_BYTES 8192

/* A pointer into nothing, and -1, that the compiler does not see through. */
static void *volatile bad_pointer = (void *)8;
static volatile long minus_one = -1;
#define BAD bad_pointer

static void rec(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void rec(const char *fmt, ...)
{
	size_t used = strlen(transcript);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(transcript + used, TRANSCRIPT_BYTES - used, fmt, ap);
	va_end(ap);
}

/* Write down what a call returned. */
static long said(const char *what, long ret)
{
	int err = errno;

	if (ret < 0)
		rec("%s %s; ", what, errname(err));
	else
		rec("%s %ld; ", what, ret);
	errno = err;
	return ret;
}

/* A descriptor: its number says nothing. */
static int said_fd(const char *what, int fd)
{
	if (fd < 0)
		said(what, fd);
	else
		rec("%s ok; ", what);
	return fd;
}

/* Row's set-up, not its subject: must work, or the row is void. */
static int need(const char *what, int ret)
{
	if (ret < 0) {
		rec("[set-up: %s: %s] ", what, errname(errno));
		longjmp(row_end, 1);
	}
	return ret;
}

static struct sockaddr_in at(const char *addr, unsigned int port)
{
	return make_addr(addr, port);
}

#define SA(sin) ((struct sockaddr *)&(sin))

static int new_sock(void)
{
	return need("socket", socket(fam, SOCK_STREAM, 0));
}

static int new_peer(void)
{
	return need("peer socket", socket(peer_fam, SOCK_STREAM, 0));
}

static void set_int(int fd, int level, int option, int value)
{
	need("setsockopt",
	     setsockopt(fd, level, option, &value, sizeof(value)));
}

static int get_int(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	need("getsockopt", getsockopt(fd, level, option, &value, &len));
	return value;
}

static void nonblock(int fd)
{
	need("O_NONBLOCK", fcntl(fd, F_SETFL, O_NONBLOCK));
}

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	need("getsockname", getsockname(fd, SA(sin), &len));
	return sin;
}

static void listen_on(int fd, const char *addr)
{
	struct sockaddr_in sin = at(addr, 0);

	need("bind", bind(fd, SA(sin), sizeof(sin)));
	need("listen", listen(fd, 8));
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, SETTLE_MS) < 1)
		rec("[nothing of %#x within %d ms] ", events, SETTLE_MS);
}

/* A connection; a is the socket under test. */
static void connect_pair(int *a, int *b, bool accepted)
{
	int l = accepted ? new_sock() : new_peer();
	struct sockaddr_in sin;
	int client, server;

	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	client = accepted ? new_peer() : new_sock();
	need("connect", connect(client, SA(sin), sizeof(sin)));
	server = need("accept", accept(l, NULL, NULL));
	close(l);
	*a = accepted ? server : client;
	*b = accepted ? client : server;
}

static void pair(int *a, int *b)
{
	connect_pair(a, b, false);
}

static void put(int fd, size_t len)
{
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	if ((size_t)need("send", send(fd, buf, len, MSG_NOSIGNAL)) != len)
		rec("[short send] ");
}

/* Send and wait until the other end can read all of it. */
static void give(int from, int to, size_t len)
{
	uint64_t end = now_ms() + SETTLE_MS;
	int before = 0, there;

	need("FIONREAD", ioctl(to, FIONREAD, &before));
	put(from, len);
	do {
		wait_for(to, POLLIN);
		need("FIONREAD", ioctl(to, FIONREAD, &there));
	} while (there < before + (int)len && now_ms() < end);
}

static void rst_to(int fd, int peer)
{
	struct linger l = { .l_onoff = 1 };

	need("SO_LINGER",
	     setsockopt(peer, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	close(peer);
	wait_for(fd, POLLHUP);
}

static void rec_events(const char *what, unsigned int revents)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} bits[] = {
		{ "IN", POLLIN }, { "PRI", POLLPRI }, { "OUT", POLLOUT },
		{ "ERR", POLLERR }, { "HUP", POLLHUP }, { "NVAL", POLLNVAL },
		{ "RDNORM", POLLRDNORM }, { "RDBAND", POLLRDBAND },
		{ "WRNORM", POLLWRNORM }, { "WRBAND", POLLWRBAND },
		{ "RDHUP", POLLRDHUP },
	};
	unsigned int i;

	rec("%s", what);
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (revents & bits[i].bit)
			rec(" %s", bits[i].name);
	rec("; ");
}

static void rec_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = 0x3fff };

	if (poll(&p, 1, 0) < 0)
		said("poll", -1);
	else
		rec_events("poll", p.revents);
}

static void rec_error(int fd)
{
	rec("SO_ERROR %s; ", errname(get_int(fd, SOL_SOCKET, SO_ERROR)));
}

/*
 * Without a connection, or after one, the kernel's TCP answers SIOCOUTQ with
 * the difference of sequence numbers that no longer mean anything.
 */
static bool is_over(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1;
}

/* All that a state shows without changing it, but for SO_ERROR at the end. */
static void rec_state(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int value;
	char c;

	rec_poll(fd);
	value = -1;
	if (said("FIONREAD", ioctl(fd, FIONREAD, &value)) == 0)
		rec("(%d) ", value);
	value = -1;
	if (said("SIOCOUTQ", ioctl(fd, SIOCOUTQ, &value)) == 0 && !is_over(fd))
		rec("(%d) ", value);
	if (said("getpeername", getpeername(fd, SA(sin), &len)) == 0)
		rec("(%s) ", inet_ntoa(sin.sin_addr));
	len = sizeof(sin);
	if (said("getsockname", getsockname(fd, SA(sin), &len)) == 0)
		rec("(%s port %d) ", inet_ntoa(sin.sin_addr), !!sin.sin_port);
	said("peek", recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT));
	rec_error(fd);
	said("peek again", recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT));
	rec_poll(fd);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void catch(int sig, int flags)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };

	need("sigaction", sigaction(sig, &act, NULL));
}

/* A signal after ms, and again: a restarted call must see more than one. */
static void interrupt_after(unsigned int ms, int flags)
{
	struct itimerval t = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	catch(SIGALRM, flags);
	need("setitimer", setitimer(ITIMER_REAL, &t, NULL));
}

static void no_more_signals(void)
{
	struct itimerval t = { 0 };

	setitimer(ITIMER_REAL, &t, NULL);
}

static struct row *add(void (*run)(const struct row *), const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static struct row *add(void (*run)(const struct row *), const char *fmt, ...)
{
	struct row *r = &rows[n_rows++];
	va_list ap;

	if (n_rows == ARRAY_SIZE(rows))
		die("too many rows");
	va_start(ap, fmt);
	vsnprintf(r->name, sizeof(r->name), fmt, ap);
	va_end(ap);
	r->run = run;
	r->with_peer = peers_matter;
	return r;
}

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

static void add_socket_rows(void)
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

static void add_address_rows(void)
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

static void add_bind_rows(void)
{
	static const int ports[] = { 1, 80, 1023, 1024 };
	unsigned int i, j, k;

	add(bind_twice, "bind: twice");
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

/* A listener of ours with a connection waiting. */
static int waiting_listener(int *peer)
{
	struct sockaddr_in sin;
	int l = new_sock();

	listen_on(l, "127.0.0.1");
	sin = name_of(l);
	*peer = new_peer();
	need("connect", connect(*peer, SA(sin), sizeof(sin)));
	wait_for(l, POLLIN);
	return l;
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

static void add_listen_rows(void)
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

/* To a neighbour whose hardware address nobody has: never an answer. */
static struct sockaddr_in nowhere(void)
{
	return at("10.77.0.50", 80);
}

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
		said("recv", recv(fd, &sin, 1, 0));
		said("recv", recv(fd, &sin, 1, 0));
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

static void disconnect_later(void)
{
	static const char *const what[] = { "fresh", "connecting", "connected",
					    "listener" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(what); i++)
		add(disconnect, "connect: to AF_UNSPEC, %s", what[i])->a = i;
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

static void add_connect_rows(void)
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

	for (i = 0; i < ARRAY_SIZE(what); i++)
		add(connect_again, "connect: again, %s", what[i])->a = i;
	disconnect_later();
	add(self_connect, "connect: to itself");
	add(connect_sndtimeo, "connect: SO_SNDTIMEO, no answer");
	add(connecting_state, "connecting: send, recv, poll, ioctl");
	for (i = 0; i < 3; i++)
		add(connecting_shutdown, "connecting: shutdown %u", i)->a = i;
}

/* ---- states: what every call says in every state --------------------------- */

enum state {
	FRESH, BOUND, LISTENING, LISTENING_WAITING, ESTABLISHED, ACCEPTED, DATA,
	WR_SHUT, RD_SHUT, RDWR_SHUT, PEER_FIN, PEER_FIN_DATA, BOTH_FIN,
	PEER_FIN_THEN_WR, RESET, RESET_DATA, REFUSED, STATES,
};

static const char *const state_names[STATES] = {
	"fresh", "bound", "listening", "listening with one waiting",
	"established", "accepted", "data waiting", "shut down to write",
	"shut down to read", "shut down both ways", "peer's FIN",
	"data and peer's FIN", "both FINs", "peer's FIN, then own", "reset",
	"data, then reset", "refused",
};

/* The peer stays open in *peer unless it closed or there is none. */
static int in_state(enum state state, int *peer)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int fd = -1;

	*peer = -1;
	switch (state) {
	case FRESH:
		return new_sock();
	case BOUND:
		fd = new_sock();
		need("bind", bind(fd, SA(sin), sizeof(sin)));
		return fd;
	case LISTENING:
		fd = new_sock();
		listen_on(fd, "127.0.0.1");
		return fd;
	case LISTENING_WAITING:
		return waiting_listener(peer);
	case REFUSED:
		fd = new_sock();
		sin.sin_port = htons(1);
		connect(fd, SA(sin), sizeof(sin));
		return fd;
	case ACCEPTED:
		connect_pair(&fd, peer, true);
		return fd;
	default:
		break;
	}
	pair(&fd, peer);
	switch (state) {
	case DATA:
		give(*peer, fd, 100);
		break;
	case WR_SHUT:
		need("shutdown", shutdown(fd, SHUT_WR));
		wait_for(*peer, POLLRDHUP);
		break;
	case RD_SHUT:
		need("shutdown", shutdown(fd, SHUT_RD));
		break;
	case RDWR_SHUT:
		need("shutdown", shutdown(fd, SHUT_RDWR));
		wait_for(*peer, POLLRDHUP);
		break;
	case PEER_FIN:
		need("shutdown", shutdown(*peer, SHUT_WR));
		wait_for(fd, POLLRDHUP);
		break;
	case PEER_FIN_DATA:
		give(*peer, fd, 100);
		need("shutdown", shutdown(*peer, SHUT_WR));
		wait_for(fd, POLLRDHUP);
		break;
	case BOTH_FIN:	/* ours first: TIME_WAIT or on the way to it */
		need("shutdown", shutdown(fd, SHUT_WR));
		wait_for(*peer, POLLRDHUP);
		close(*peer);
		*peer = -1;
		wait_for(fd, POLLHUP);
		break;
	case PEER_FIN_THEN_WR:	/* theirs first: the connection is gone */
		need("shutdown", shutdown(*peer, SHUT_WR));
		wait_for(fd, POLLRDHUP);
		need("shutdown", shutdown(fd, SHUT_WR));
		wait_for(*peer, POLLHUP);
		break;
	case RESET:
		rst_to(fd, *peer);
		*peer = -1;
		break;
	case RESET_DATA:
		give(*peer, fd, 100);
		rst_to(fd, *peer);
		*peer = -1;
		break;
	default:
		break;
	}
	return fd;
}

/* What is in the queues before a row looks must not depend on ACKs' timing. */
static void quiesce(int fd)
{
	uint64_t end = now_ms() + SETTLE_MS;
	int outq = 0;

	struct pollfd p = { .fd = fd };

	/* A connection that is over keeps in its queue what it had. */
	while (!ioctl(fd, SIOCOUTQ, &outq) && outq && now_ms() < end &&
	       poll(&p, 1, 0) == 0)
		usleep(1000);
}

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
	if (peer >= 0)
		rec_state(peer);
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

static void add_state_rows(void)
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
	rec("waited: %d; ", now_ms() - start >= 290 && now_ms() - start < 6000);
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
		if (r->b && !r->c) {
			/* Restarted, it would wait for minutes. */
			struct timeval snd = { 1, 0 };

			(void)snd;
			alarm(0);
		}
		said("connect", connect(fd, SA(sin), sizeof(sin)));
		no_more_signals();
		nonblock(fd);
		said("connect again", connect(fd, SA(sin), sizeof(sin)));
		break;
	}
	no_more_signals();
	rec("signals: %s; ", signals == 0 ? "none" : signals < 3 ? "one" :
	    "several");
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

static void urgent(const struct row *r)
{
	char buf[16];
	int a, b, mark = -1;

	(void)r;
	pair(&a, &b);
	said("send", send(b, "abc", 3, MSG_OOB));
	wait_for(a, POLLIN | POLLPRI);
	rec_poll(a);
	said("recv OOB", recv(a, buf, 1, MSG_OOB | MSG_DONTWAIT));
	said("recv", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	said("SIOCATMARK", ioctl(a, SIOCATMARK, &mark));
	rec("(%d) ", mark);
}

static void add_data_rows(void)
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
	add(zero_window_events, "send: waits, own end shut down")->a = 0;
	add(zero_window_events, "send: waits, peer resets")->a = 1;
	add(shut_by_other, "recv: waits, own end shut to read")->a = 0;
	add(shut_by_other, "recv: waits, own end shut both ways")->a = 1;
	add(shut_by_other, "accept: waits, listener shut")->a = 2;
	add(many_messages, "sendmmsg, recvmmsg");
	add(send_file, "sendfile: whole")->a = 0;
	add(send_file, "sendfile: from an offset")->a = 1;
	add(send_file, "splice: from a pipe")->a = 2;
	add(splice_from, "splice: into a pipe")->later = "splice from a socket";
	for (i = 0; i < 4; i++) {
		r = add(unread_close, "close: %s data unread, %s",
			i & 2 ? "some" : "all", i & 1 ? "accepted" : "client");
		r->a = i & 1;
		r->b = i & 2;
	}
	add(nonblock_toggle, "ioctl: FIONBIO");
	add(urgent, "urgent data")->later = "MSG_OOB";
}

/* ---- names ------------------------------------------------------------------ */

static void names(const struct row *r)
{
	char buf[64];
	socklen_t len = r->c;
	void *addr = r->b == 0 ? NULL : r->b == 1 ? BAD : (void *)buf;
	struct sockaddr_in sin;
	unsigned int i;
	int a, b;

	memset(buf, 0x55, sizeof(buf));
	pair(&a, &b);
	if (r->b == 3)
		said("name", r->a ? getpeername(a, SA(sin), BAD) :
		     getsockname(a, SA(sin), BAD));
	else
		said("name", r->a ? getpeername(a, addr, &len) :
		     getsockname(a, addr, &len));
	for (i = sizeof(buf); i && buf[i - 1] == 0x55; i--)
		;
	rec("length %d wrote %u; ", (int)len, i);
	if (i < sizeof(sin))
		return;
	memcpy(&sin, buf, sizeof(sin));
	rec("family %d %s zero %d", sin.sin_family, inet_ntoa(sin.sin_addr),
	    !memcmp(sin.sin_zero, "\0\0\0\0\0\0\0\0", 8));
}

static void add_name_rows(void)
{
	static const int lens[] = { 0, 1, 2, 8, 15, 16, 17, 64, -1 };
	static const char *const p[] = { "NULL", "bad", "good", "bad length" };
	unsigned int call, i;
	struct row *r;

	for (call = 0; call < 2; call++) {
		const char *n = call ? "getpeername" : "getsockname";

		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			r = add(names, "%s: length %d", n, lens[i]);
			r->a = call;
			r->b = 2;
			r->c = lens[i];
		}
		for (i = 0; i < ARRAY_SIZE(p); i++) {
			r = add(names, "%s: %s pointer", n, p[i]);
			r->a = call;
			r->b = i;
			r->c = 16;
		}
	}
}

/* ---- socket options ---------------------------------------------------------- */

static const char *level_name(int level)
{
	return level == SOL_SOCKET ? "SOL_SOCKET" :
	       level == IPPROTO_TCP ? "IPPROTO_TCP" :
	       level == IPPROTO_IP ? "IPPROTO_IP" : "level";
}

/* Values that are the socket's own and cannot be compared. */
static bool value_differs(int level, int option)
{
	if (level == SOL_SOCKET)
		return option == SO_DOMAIN || option == SO_COOKIE ||
		       option == SO_TXREHASH || option == SO_INCOMING_CPU || option == SO_PEERCRED ||
		       option == SO_MEMINFO || option == SO_NETNS_COOKIE;
	if (level == IPPROTO_TCP)
		return option == TCP_INFO || option == TCP_CC_INFO ||
		       option == TCP_CONGESTION || option == TCP_TIMESTAMP ||
		       option == TCP_ULP;
	return false;
}

static void get_once(int level, int option, int asked)
{
	int value[4] = { -1, -1, -1, -1 }, fd = new_sock(), len = asked;

	rec("(%d) ", asked);
	if (said("get", getsockopt(fd, level, option, value,
				   (socklen_t *)&len)) == 0 &&
	    !(level == IPPROTO_TCP && (option == TCP_INFO ||
				       option == TCP_CC_INFO))) {
		rec("length %d", len);
		if (!value_differs(level, option))
			rec(" value %#x", value[0]);
		rec("; ");
	}
	close(fd);
}

/* Every length that is asked and what comes back. */
static void get_option(const struct row *r)
{
	static const int lens[] = { 4, 0, 1, 2, 3, 8, 16, -1 };
	int fd = new_sock(), value;
	socklen_t len = 4;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		get_once(r->a, r->b, lens[i]);
	said("bad value", getsockopt(fd, r->a, r->b, BAD, &len));
	said("bad length", getsockopt(fd, r->a, r->b, &value, BAD));
	said("NULL", getsockopt(fd, r->a, r->b, NULL, NULL));
}

static void set_once(int level, int option, int len)
{
	int fd = new_sock(), value[4] = { -1, -1, -1, -1 };
	socklen_t got = sizeof(value);
	char buf[64] = { 1 };

	rec("(%d) ", len);
	said("set", setsockopt(fd, level, option, buf, len));
	/* What it left behind. */
	if (!value_differs(level, option) &&
	    said("get", getsockopt(fd, level, option, value, &got)) == 0)
		rec("length %u value %#x; ", got, value[0]);
	close(fd);
}

static void set_option(const struct row *r)
{
	static const int lens[] = { 4, 0, 1, 2, 3, 8, 16 };
	int fd = new_sock();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		set_once(r->a, r->b, lens[i]);
	said("bad", setsockopt(fd, r->a, r->b, BAD, 4));
	said("NULL", setsockopt(fd, r->a, r->b, NULL, 4));
	said("NULL, none", setsockopt(fd, r->a, r->b, NULL, 0));
	said("bad, long", setsockopt(fd, r->a, r->b, BAD, 4096));
	said("negative", setsockopt(fd, r->a, r->b, "abcd", -1));
}

static void option_value(const struct row *r)
{
	int value = r->c, fd = new_sock();

	said("set", setsockopt(fd, r->a, r->b, &value, sizeof(value)));
	rec("get %d; ", get_int(fd, r->a, r->b));
}

static void option_timeval(const struct row *r)
{
	static const struct timeval tvs[] = {
		{ 0, 0 }, { 1, 500000 }, { 0, 1 }, { 0, 1000000 }, { 0, -1 },
		{ -1, 0 }, { 1000000000, 0 }, { 0, 999999 },
	};
	struct timeval tv = tvs[r->b];
	socklen_t len = sizeof(tv);
	int fd = new_sock();

	said("set", setsockopt(fd, SOL_SOCKET, r->a, &tv, sizeof(tv)));
	said("get", getsockopt(fd, SOL_SOCKET, r->a, &tv, &len));
	rec("%ld.%06ld length %u; ", (long)tv.tv_sec, (long)tv.tv_usec, len);
	said("short", setsockopt(fd, SOL_SOCKET, r->a, &tv, 8));
}

static void option_linger(const struct row *r)
{
	struct linger l = { r->a, r->b };
	socklen_t len = sizeof(l);
	int fd = new_sock();

	said("set", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	said("get", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	rec("%d %d; ", l.l_onoff, l.l_linger);
}

static void maxseg_connected(const struct row *r)
{
	int a, b, value = r->a;

	if (value) {
		struct sockaddr_in sin;
		int l = new_peer();

		listen_on(l, "127.0.0.1");
		sin = name_of(l);
		a = new_sock();
		said("set", setsockopt(a, IPPROTO_TCP, TCP_MAXSEG, &value, 4));
		need("connect", connect(a, SA(sin), sizeof(sin)));
		b = need("accept", accept(l, NULL, NULL));
		/* The peer has learnt it; timestamps take 12 bytes of each. */
		rec("own %d peer's %d", get_int(a, IPPROTO_TCP, TCP_MAXSEG),
		    get_int(b, IPPROTO_TCP, TCP_MAXSEG));
		return;
	}
	pair(&a, &b);
	rec("own %d", get_int(a, IPPROTO_TCP, TCP_MAXSEG));
}

static void tcp_info_state(const struct row *r)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int peer, fd = in_state(r->a, &peer);

	memset(&info, 0xff, sizeof(info));
	if (said("TCP_INFO", getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info,
					&len)))
		return;
	rec("state %u; ", info.tcpi_state);
	if (r->a == ESTABLISHED || r->a == ACCEPTED)
		rec("retransmits %u unacked %u lost %u; ",
		    info.tcpi_retransmits, info.tcpi_unacked, info.tcpi_lost);
}

/* What AF_TOYTCP has now of the options at its own levels. */
static const char *later_option(int level, int option)
{
	if (level == IPPROTO_TCP)
		return option == TCP_NODELAY || option == TCP_MAXSEG ? NULL :
		       "TCP option outside the first version";
	if (level == IPPROTO_IP)
		return "IP options outside the first version";
	if (level == SOL_SOCKET)
		switch (option) {
		case SO_REUSEPORT:
		case SO_ZEROCOPY:
		case 80:	/* SO_DEVMEM_DONTNEED */
			return "the kernel allows it to AF_INET only";
		case SO_PEEK_OFF:
			return "not in TCP before 6.9";
		}
	return NULL;
}

static void add_option_rows(void)
{
	static const struct {
		int level, first, last;
	} ranges[] = {
		{ SOL_SOCKET, 0, 90 }, { IPPROTO_TCP, 0, 60 },
		{ IPPROTO_IP, 0, 70 },
	};
	static const int foreign[] = { IPPROTO_UDP, SOL_IPV6, SOL_RAW, 9999, -1,
				       SOL_NETLINK };
	static const struct {
		const char *name;
		int level, option, value;
	} values[] = {
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 0 },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 1 },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 5000 },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 65536 },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, INT32_MAX },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, -1 },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 0 },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 1 },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 5000 },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 65536 },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, INT32_MAX },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, -1 },
		{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 0 },
		{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 100 },
		{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, -1 },
		{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 7 },
		{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, -1 },
		{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 6 },
		{ "SO_MARK", SOL_SOCKET, SO_MARK, 77 },
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 7 },
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, -1 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 0 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 87 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 88 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 536 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1460 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 32767 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 32768 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, -1 },
	};
	unsigned int i;
	struct row *r;
	int o;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		for (o = ranges[i].first; o <= ranges[i].last; o++) {
			int level = ranges[i].level;
			const char *later = later_option(level, o);

			r = add(get_option, "getsockopt: %s %d",
				level_name(level), o);
			r->a = level;
			r->b = o;
			r->later = later;
			r = add(set_option, "setsockopt: %s %d",
				level_name(level), o);
			r->a = level;
			r->b = o;
			r->later = later;
		}
	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		for (o = 0; o < 3; o++) {
			r = add(get_option, "getsockopt: level %d option %d",
				foreign[i], o);
			r->a = foreign[i];
			r->b = o;
			r = add(set_option, "setsockopt: level %d option %d",
				foreign[i], o);
			r->a = foreign[i];
			r->b = o;
		}
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		r = add(option_value, "setsockopt: %s value %d",
			values[i].name, values[i].value);
		r->a = values[i].level;
		r->b = values[i].option;
		r->c = values[i].value;
	}
	for (i = 0; i < 8; i++) {
		r = add(option_timeval, "setsockopt: SO_RCVTIMEO %u", i);
		r->a = SO_RCVTIMEO;
		r->b = i;
		r = add(option_timeval, "setsockopt: SO_SNDTIMEO %u", i);
		r->a = SO_SNDTIMEO;
		r->b = i;
	}
	for (i = 0; i < 5; i++) {
		static const int l[][2] = { { 0, 0 }, { 1, 0 }, { 1, 5 },
					    { 1, -1 }, { 2, INT32_MAX } };

		r = add(option_linger, "setsockopt: SO_LINGER %d %d", l[i][0],
			l[i][1]);
		r->a = l[i][0];
		r->b = l[i][1];
	}
	add(maxseg_connected, "TCP_MAXSEG: connected")->a = 0;
	add(maxseg_connected, "TCP_MAXSEG: set to 1000, connected")->a = 1000;
	for (i = 0; i < STATES; i++) {
		r = add(tcp_info_state, "%s: TCP_INFO", state_names[i]);
		r->a = i;
		r->later = "TCP_INFO";
	}
}

/* ---- deliberate deviations ---------------------------------------------------- */

static void own_domain(const struct row *r)
{
	(void)r;
	rec("SO_DOMAIN %d", get_int(new_sock(), SOL_SOCKET, SO_DOMAIN));
}

/* ---- running ------------------------------------------------------------------- */

/*
 * The rows run in a worker, which a watcher replaces when a row hangs in it or
 * takes it down. What both know:
 */
static struct shared {
	unsigned int row;	/* that runs now */
	int family;		/* and on which side */
	uint64_t since_ms;
	unsigned int agreed, differed, later;
	char transcript[TRANSCRIPT_BYTES];
} *shared;

static void run_row(const struct row *r, int family, int peer)
{
	fam = family;
	peer_fam = peer;
	signals = 0;
	transcript[0] = 0;
	shared->family = family;
	shared->since_ms = now_ms();
	if (!setjmp(row_end))
		r->run(r);
	no_more_signals();
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	close_range(3, ~0U, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Does the text say that it has not got this at all? */
static bool says_not_there(const char *text)
{
	return strstr(text, "ENOPROTOOPT") || strstr(text, "EOPNOTSUPP") ||
	       strstr(text, "ENOTTY") || strstr(text, "set EBADF");
}

static bool verbose;

static void compare_row(const struct row *r, int family, int peer)
{
	static char reference[TRANSCRIPT_BYTES];
	uint64_t start = now_ms();

	if (r->must) {
		snprintf(reference, sizeof(reference), "%s", r->must);
	} else {
		run_row(r, AF_INET, AF_INET);
		strcpy(reference, transcript);
	}
	run_row(r, family, peer);
	if (!strcmp(reference, transcript)) {
		shared->agreed++;
		ok("%s", r->name);
		if (verbose)
			printf("#   %s\n", reference);
	} else if (r->later && says_not_there(transcript)) {
		shared->later++;
		printf("# later: %s (%s)\n", r->name, r->later);
		if (verbose)
			printf("#   %s\n", transcript);
	} else {
		shared->differed++;
		not_ok("%s - inet: %s| %s: %s", r->name, reference,
		       family_name(family), transcript);
	}
	if (verbose && now_ms() - start > 200)
		printf("#   took %llu ms\n",
		       (unsigned long long)(now_ms() - start));
}

static void work(unsigned int from, const char *only, bool peers_only,
		 int family, int peer)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = from; i < n_rows; i++) {
		shared->row = i;
		if (strstr(rows[i].name, only) &&
		    (!peers_only || rows[i].with_peer))
			compare_row(&rows[i], family, peer);
	}
}

/* How the worker ended: true when it had run all rows. */
static bool watch(pid_t pid)
{
	const struct row *r;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		usleep(50000);
		if (now_ms() > shared->since_ms + ROW_LIMIT_S * 1000)
			kill(pid, SIGKILL);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	r = &rows[shared->row];
	shared->differed++;
	not_ok("%s - on %s: ended by status %#x after %llu ms; so far: %s",
	       r->name, family_name(shared->family), status,
	       (unsigned long long)(now_ms() - shared->since_ms), transcript);
	return false;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "family", 1, NULL, 'f' },	{ "peer", 1, NULL, 'p' },
		{ "only", 1, NULL, 'n' },	{ "verbose", 0, NULL, 'v' },
		{ "peers-only", 0, NULL, 'o' },	{ }
	};
	int family = AF_TOYTCP, peer = -1, o;
	bool peers_only = false, done = false;
	unsigned int from = 0;
	const char *only = "";

	while ((o = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		switch (o) {
		case 'f': family = family_by_name(optarg); break;
		case 'p': peer = family_by_name(optarg); break;
		case 'n': only = optarg; break;
		case 'o': peers_only = true; break;
		case 'v': verbose = true; break;
		default: die("unknown option");
		}
	if (peer < 0)
		peer = family;
	add_socket_rows();
	add_address_rows();
	add_bind_rows();
	peers_matter = true;
	add_listen_rows();
	add_connect_rows();
	add_state_rows();
	add_data_rows();
	peers_matter = false;
	add_name_rows();
	add_option_rows();
	if (family == AF_TOYTCP)
		add(own_domain, "deviation: SO_DOMAIN")->must = "SO_DOMAIN 18";

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	transcript = shared->transcript;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!done) {
		pid_t pid;

		shared->since_ms = now_ms();
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			work(from, only, peers_only, family, peer);
			_exit(0);
		}
		done = watch(pid);
		from = shared->row + 1;
	}
	printf("# %u rows agree, %u differ, %u later\n", shared->agreed,
	       shared->differed, shared->later);
	return shared->differed ? 1 : 0;
}
