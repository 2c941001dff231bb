// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: names of sockets, socket options.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/errqueue.h>
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
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errnos.h"

#define RTO_MAX_MS	44	/* libc's header does not know TCP_RTO_MAX_MS yet */

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

void add_name_rows(void)
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

/* TCP_REPAIR: what it says without privilege; AF_TOYTCP says no more than that. */
static void set_option_unprivileged(const struct row *r)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct all[2], less[2];

	need("capget", syscall(__NR_capget, &header, all));
	memcpy(less, all, sizeof(all));
	less[0].effective &= ~(1U << CAP_NET_ADMIN);
	need("capset", syscall(__NR_capset, &header, less));
	set_option(r);
	need("capset", syscall(__NR_capset, &header, all));
}

/* TCP_INQ: the control message of each read, up to the end and past it. */
static void inq(const struct row *r)
{
	static const unsigned int sizes[] = { 40, 0, 60, 10, 10 };
	char buf[100], control[64];
	int a, b, one = r->a;
	unsigned int i;

	pair(&a, &b);
	said("set", setsockopt(a, IPPROTO_TCP, TCP_INQ, &one, sizeof(one)));
	rec("get %d; ", get_int(a, IPPROTO_TCP, TCP_INQ));
	memset(buf, 1, sizeof(buf));
	need("send", send(b, buf, sizeof(buf), 0));
	need("shutdown", shutdown(b, SHUT_WR));
	/* all of it, and the FIN, is there when poll() says so */
	poll(&(struct pollfd){ .fd = a, .events = POLLRDHUP }, 1, 2000);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct iovec iov = { buf, sizes[i] };
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = r->b ? 8 : sizeof(control),
		};
		struct cmsghdr *c;

		said("recv", recvmsg(a, &msg, 0));
		rec("flags %#x ", msg.msg_flags);
		c = CMSG_FIRSTHDR(&msg);
		if (c)
			rec("level %d type %d length %zu inq %d; ", c->cmsg_level,
			    c->cmsg_type, (size_t)c->cmsg_len,
			    *(int *)CMSG_DATA(c));
	}
}

/* MSG_ZEROCOPY: what is sent, and the notices that come. */
static void zerocopy(const struct row *r)
{
	static char data[100000], got[sizeof(data)];
	char control[128];
	int a, b, on = r->a, i;
	ssize_t n, sum = 0;

	pair(&a, &b);
	said("set", setsockopt(a, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	rec("get %d; ", get_int(a, SOL_SOCKET, SO_ZEROCOPY));
	for (i = 0; i < (int)sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	said("bad", send(a, BAD, 1000, MSG_ZEROCOPY));
	said("none", send(a, data, 0, MSG_ZEROCOPY));
	said("send", send(a, data, 1, MSG_ZEROCOPY));
	said("copied", send(a, data + 1, 999, 0));
	while (sum < (ssize_t)sizeof(data) - 1000) {
		n = need("send", send(a, data + 1000 + sum,
				      sizeof(data) - 1000 - sum, MSG_ZEROCOPY));
		sum += n;
		need("recv", n = recv(b, got, n + (sum == n ? 1000 : 0), MSG_WAITALL));
		if (sum == n - 1000)
			rec("content %d; ", memcmp(got, data, n));
	}
	/* notices: ranges of calls, merged or not as time has it */
	for (i = 0, n = -1; on && n < 1 && i < 20; i++) {
		struct iovec iov = { got, sizeof(got) };
		struct sockaddr_in sin;
		struct msghdr msg = {
			.msg_name = &sin, .msg_namelen = sizeof(sin),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		struct sock_extended_err ee;
		struct cmsghdr *c;

		poll(&(struct pollfd){ .fd = a }, 1, 1000);
		if (recvmsg(a, &msg, MSG_ERRQUEUE) < 0)
			continue;
		c = CMSG_FIRSTHDR(&msg);
		if (!c)
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		rec("level %d type %d errno %d origin %d flags %#x name %d; ",
		    c->cmsg_level, c->cmsg_type, ee.ee_errno, ee.ee_origin,
		    msg.msg_flags, msg.msg_namelen);
		n = ee.ee_data;
	}
	rec("%s", on ? n >= 1 ? "all noticed" : "notices lack" : "");
}

/* What a connection begins with, so much as can be written before anybody reads. */
static void first_buffers(const struct row *r)
{
	int a, b;

	(void)r;
	pair(&a, &b);
	rec("send %d receive %d; ", get_int(a, SOL_SOCKET, SO_SNDBUF),
	    get_int(a, SOL_SOCKET, SO_RCVBUF));
}

/* TCP_NOTSENT_LOWAT: little is unsent when the socket is no longer writable. */
static void notsent_lowat(const struct row *r)
{
	int a, b, lowat = r->a, buffer = 8000000, unsent = 0;
	static char data[10000];
	long sum = 0;
	ssize_t n;

	pair(&a, &b);
	need("set", setsockopt(a, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)));
	said("set", setsockopt(a, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat,
			       sizeof(lowat)));
	rec("get %d; ", get_int(a, IPPROTO_TCP, TCP_NOTSENT_LOWAT));
	while ((n = send(a, data, sizeof(data), MSG_DONTWAIT)) > 0)
		sum += n;
	said("full", n);
	ioctl(a, SIOCOUTQNSD, &unsent);
	rec("%s; poll %d; ", unsent < lowat + 200000 ? "little unsent" : "much unsent",
	    poll(&(struct pollfd){ .fd = a, .events = POLLOUT }, 1, 0));
	/* the peer reads: room comes, and a sleeper is woken */
	if (!fork()) {
		while (recv(b, data, sizeof(data), 0) > 0)
			;
		_exit(0);
	}
	rec("poll %d; ",
	    poll(&(struct pollfd){ .fd = a, .events = POLLOUT }, 1, 5000));
	said("send", send(a, data, sizeof(data), 0));
	shutdown(a, SHUT_WR);
	close(b);
	wait(NULL);
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
	/*
	 * Loopback's MTU allows 65483. The kernel's TCP also takes no more than
	 * half of the peer's largest window; AF_TOYTCP leaves that to the rules
	 * against silly windows, so the two differ here on purpose.
	 */
	value = get_int(a, IPPROTO_TCP, TCP_MAXSEG);
	rec("own %s", value >= 32000 && value <= 65483 ? "fits" : "does not");
}

/* What AF_TOYTCP has now of the options at its own levels. */
static const char *later_option(int level, int option)
{
	if (level == IPPROTO_TCP)
		switch (option) {
		case TCP_MD5SIG:
		case TCP_MD5SIG_EXT:
		case 38 ... 43:	/* TCP_AO_* and what came after 6.1 */
			return "TCP-MD5 and TCP-AO";
		case TCP_THIN_LINEAR_TIMEOUTS:
		case TCP_THIN_DUPACK:
		case TCP_COOKIE_TRANSACTIONS:
		case TCP_TIMESTAMP:
		case TCP_SAVE_SYN:
		case TCP_SAVED_SYN:
		case TCP_ULP:
		case TCP_ZEROCOPY_RECEIVE:
		case TCP_TX_DELAY:
			return "TCP option that is not there";
		default:
			return NULL;
		}
	if (level == IPPROTO_IP)
		return option == IP_OPTIONS || option == 16 || option == 17 ||
		       (option >= 32 && option <= 49) || option == 52 ?
		       "source routes, multicast, policies, raw sockets: not for TCP" : NULL;
	if (level == SOL_SOCKET)	/* SO_DEVMEM_DONTNEED */
		return option == 80 ?
		       "the kernel allows it to AF_INET only" : NULL;
	return NULL;
}

/* What an accepted socket has of its listener's options. */
static void inherited(const struct row *r)
{
	int value = r->c, l = new_sock(), peer = new_peer(), fd;
	struct sockaddr_in sin;

	listen_on(l, "127.0.0.1");
	said("set", setsockopt(l, r->a, r->b, &value, sizeof(value)));
	sin = name_of(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	/* TCP_DEFER_ACCEPT waits for it */
	put(peer, 1);
	wait_for(l, POLLIN);
	fd = said_fd("accept", accept(l, NULL, NULL));
	rec("get %d; ", get_int(fd, r->a, r->b));
}

static void add_inherited_rows(void)
{
	static const struct {
		const char *name;
		int level, option, value;
	} options[] = {
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1 },
		{ "TCP_CORK", IPPROTO_TCP, TCP_CORK, 1 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 77 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 7 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 3 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 5 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 5 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 9000 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 30000 },
		{ "TCP_SAVE_SYN", IPPROTO_TCP, TCP_SAVE_SYN, 1 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 3 },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1 },
		{ "TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1 },
		{ "IP_TOS", IPPROTO_IP, IP_TOS, 16 },
		{ "IP_TTL", IPPROTO_IP, IP_TTL, 77 },
		{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 },
		{ "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1 },
		{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 3 },
		{ "SO_MARK", SOL_SOCKET, SO_MARK, 7 },
		{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1 },
		{ "SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1 },
	};
	unsigned int i;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		r = add(inherited, "accept: inherits %s", options[i].name);
		r->a = options[i].level;
		r->b = options[i].option;
		r->c = options[i].value;
		r->with_peer = true;
	}
}

/* TCP_RTO_MAX_MS: in the kernel's TCP since 6.15, so the answers are here */
void add_rto_max_rows(void)
{
	static const struct {
		int value;
		const char *must;
	} rows[] = {
		{ 999, "set EINVAL; get 120000; " },
		{ 1000, "set 0; get 1000; " },
		{ 120000, "set 0; get 120000; " },
		{ 120001, "set EINVAL; get 120000; " },
		{ -1, "set EINVAL; get 120000; " },
	};
	struct row *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		r = add(option_value, "setsockopt: TCP_RTO_MAX_MS value %d",
			rows[i].value);
		r->a = IPPROTO_TCP;
		r->b = RTO_MAX_MS;
		r->c = rows[i].value;
		r->must = rows[i].must;
	}
	r = add(inherited, "accept: inherits TCP_RTO_MAX_MS");
	r->a = IPPROTO_TCP;
	r->b = RTO_MAX_MS;
	r->c = 7000;
	r->must = "set 0; accept ok; get 7000; ";
}

/* TCP_SAVED_SYN: too little room, once, and not again. */
static void saved_syn(const struct row *r)
{
	int l = new_sock(), peer = new_peer(), fd, how = r->a;
	unsigned char syn[256];
	struct sockaddr_in sin;
	socklen_t len;

	listen_on(l, "127.0.0.1");
	said("set", setsockopt(l, IPPROTO_TCP, TCP_SAVE_SYN, &how, sizeof(how)));
	sin = name_of(l);
	need("connect", connect(peer, SA(sin), sizeof(sin)));
	fd = said_fd("accept", accept(l, NULL, NULL));
	len = 10;
	said("little", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	rec("length %s; ", len ? "some" : "0");
	memset(syn, 0, sizeof(syn));
	len = sizeof(syn);
	said("whole", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	/* the options of the SYN are its sender's: what all have in common */
	if (how == 1 && len >= 40)
		rec("version %d proto %d flags %#x whole %d; ", syn[0] >> 4, syn[9],
		    syn[33], len == 20u + (syn[32] >> 4) * 4);
	rec("length %s; ", len ? "some" : "0");
	len = sizeof(syn);
	said("again", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	rec("length %d; ", (int)len);
}

static void add_saved_syn_rows(void)
{
	int how;

	for (how = -1; how <= 3; how++) {
		struct row *r = add(saved_syn, "TCP_SAVE_SYN %d", how);

		r->a = how;
		r->with_peer = true;
	}
}

void add_option_rows(void)
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
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 0 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 2 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 3 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 4 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 7 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 8 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 63 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 64 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 200 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 100000 },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, -1 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, -1 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 0 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 5 },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, INT32_MAX },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, -1 },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0 },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1 },
		{ "TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2 },
		{ "TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, -1 },
		{ "TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 0 },
		{ "TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1 },
		{ "TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 2 },
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
		{ "TCP_INQ", IPPROTO_TCP, TCP_INQ, 0 },
		{ "TCP_INQ", IPPROTO_TCP, TCP_INQ, 1 },
		{ "TCP_INQ", IPPROTO_TCP, TCP_INQ, 2 },
		{ "TCP_INQ", IPPROTO_TCP, TCP_INQ, -1 },
		{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0 },
		{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384 },
		{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1 },
		{ "SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, 0 },
		{ "SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, 1 },
		{ "SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, 2 },
		{ "SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, -1 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 0 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 87 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 88 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 536 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1460 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 32767 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 32768 },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, -1 },
		{ "TCP_CORK", IPPROTO_TCP, TCP_CORK, 0 },
		{ "TCP_CORK", IPPROTO_TCP, TCP_CORK, 1 },
		{ "TCP_CORK", IPPROTO_TCP, TCP_CORK, -1 },
		{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 0 },
		{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1 },
		{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 2 },
		{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, -1 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 0 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 1 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 32767 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 32768 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, -1 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 0 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 1 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 32767 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 32768 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, -1 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 0 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 1 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 127 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 128 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, -1 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 0 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 1 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 127 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 128 },
		{ "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, -1 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 0 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 1 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 120 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 121 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 3600 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, -1 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, -2 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 0 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 1 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 1023 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 1024 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 4000 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 100000 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, -1 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 0 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 30000 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, INT32_MAX },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, -1 },
	};
	unsigned int i;
	struct row *r;
	int o;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		for (o = ranges[i].first; o <= ranges[i].last; o++) {
			int level = ranges[i].level;
			const char *later = later_option(level, o);

			if (level == IPPROTO_TCP && o == RTO_MAX_MS)
				continue;
			r = add(get_option, "getsockopt: %s %d",
				level_name(level), o);
			r->a = level;
			r->b = o;
			r->later = later;
			r = add(level == IPPROTO_TCP && o == TCP_REPAIR ?
				set_option_unprivileged : set_option,
				"setsockopt: %s %d", level_name(level), o);
			r->a = level;
			r->b = o;
			r->later = later;
		}
	add_inherited_rows();
	add_saved_syn_rows();
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
	add(inq, "TCP_INQ: off")->a = 0;
	add(inq, "TCP_INQ: on")->a = 1;
	r = add(inq, "TCP_INQ: no room for it");
	r->a = 1;
	r->b = 1;
	add(zerocopy, "MSG_ZEROCOPY")->a = 1;
	add(zerocopy, "MSG_ZEROCOPY: without SO_ZEROCOPY")->a = 0;
	add(first_buffers, "SO_SNDBUF, SO_RCVBUF: connected");
	add(notsent_lowat, "TCP_NOTSENT_LOWAT: writable")->a = 16384;
	add(maxseg_connected, "TCP_MAXSEG: connected")->a = 0;
	add(maxseg_connected, "TCP_MAXSEG: set to 1000, connected")->a = 1000;
}
