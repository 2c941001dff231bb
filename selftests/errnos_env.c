// SPDX-License-Identifier: GPL-2.0
/*
 * What the rows of errnos do it with: calls that are written down, sockets in
 * every state, events that are waited for.
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

int fam, peer_fam;
char *transcript;
jmp_buf row_end;
void *volatile bad_pointer = (void *)8;
volatile long minus_one = -1;

void rec(const char *fmt, ...)
{
	size_t used = strlen(transcript);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(transcript + used, TRANSCRIPT_BYTES - used, fmt, ap);
	va_end(ap);
}

/* Write down what a call returned. */
long said(const char *what, long ret)
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
int said_fd(const char *what, int fd)
{
	if (fd < 0)
		said(what, fd);
	else
		rec("%s ok; ", what);
	return fd;
}

/* Row's set-up, not its subject: must work, or the row is void. */
int need(const char *what, int ret)
{
	if (ret < 0) {
		rec("[set-up: %s: %s] ", what, errname(errno));
		longjmp(row_end, 1);
	}
	return ret;
}

struct sockaddr_in at(const char *addr, unsigned int port)
{
	return make_addr(addr, port);
}

#define SA(sin) ((struct sockaddr *)&(sin))

int new_sock(void)
{
	return need("socket", socket(fam, SOCK_STREAM, 0));
}

int new_peer(void)
{
	return need("peer socket", socket(peer_fam, SOCK_STREAM, 0));
}

void set_int(int fd, int level, int option, int value)
{
	need("setsockopt",
	     setsockopt(fd, level, option, &value, sizeof(value)));
}

int get_int(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	need("getsockopt", getsockopt(fd, level, option, &value, &len));
	return value;
}

void nonblock(int fd)
{
	need("O_NONBLOCK", fcntl(fd, F_SETFL, O_NONBLOCK));
}

struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	need("getsockname", getsockname(fd, SA(sin), &len));
	return sin;
}

void listen_on(int fd, const char *addr)
{
	struct sockaddr_in sin = at(addr, 0);

	need("bind", bind(fd, SA(sin), sizeof(sin)));
	need("listen", listen(fd, 8));
}

void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, SETTLE_MS) < 1)
		rec("[nothing of %#x within %d ms] ", events, SETTLE_MS);
}

/* A connection; a is the socket under test. */
void connect_pair(int *a, int *b, bool accepted)
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

void pair(int *a, int *b)
{
	connect_pair(a, b, false);
}

void put(int fd, size_t len)
{
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	if ((size_t)need("send", send(fd, buf, len, MSG_NOSIGNAL)) != len)
		rec("[short send] ");
}

/* Send and wait until the other end can read all of it. */
void give(int from, int to, size_t len)
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

void rst_to(int fd, int peer)
{
	struct linger l = { .l_onoff = 1 };

	need("SO_LINGER",
	     setsockopt(peer, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	close(peer);
	wait_for(fd, POLLHUP);
}

void rec_events(const char *what, unsigned int revents)
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

void rec_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = 0x3fff };

	if (poll(&p, 1, 0) < 0)
		said("poll", -1);
	else
		rec_events("poll", p.revents);
}

void rec_error(int fd)
{
	rec("SO_ERROR %s; ", errname(get_int(fd, SOL_SOCKET, SO_ERROR)));
}

/*
 * Without a connection, or after one, the kernel's TCP answers SIOCOUTQ with
 * the difference of sequence numbers that no longer mean anything.
 */
bool is_over(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1;
}

/* All that a state shows without changing it, but for SO_ERROR at the end. */
void rec_state(int fd)
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

volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

void catch(int sig, int flags)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };

	need("sigaction", sigaction(sig, &act, NULL));
}

/* A signal after ms, and again: a restarted call must see more than one. */
void interrupt_after(unsigned int ms, int flags)
{
	struct itimerval t = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	catch(SIGALRM, flags);
	need("setitimer", setitimer(ITIMER_REAL, &t, NULL));
}

void no_more_signals(void)
{
	struct itimerval t = { 0 };

	setitimer(ITIMER_REAL, &t, NULL);
}


/* A listener of ours with a connection waiting. */
int waiting_listener(int *peer)
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

/* To a neighbour whose hardware address nobody has: never an answer. */
struct sockaddr_in nowhere(void)
{
	return at("10.77.0.50", 80);
}

const char *const state_names[STATES] = {
	"fresh", "bound", "listening", "listening with one waiting",
	"established", "accepted", "data waiting", "shut down to write",
	"shut down to read", "shut down both ways", "peer's FIN",
	"data and peer's FIN", "both FINs", "peer's FIN, then own", "reset",
	"data, then reset", "refused",
};

/* The peer stays open in *peer unless it closed or there is none. */
int in_state(enum state state, int *peer)
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
void quiesce(int fd)
{
	uint64_t end = now_ms() + SETTLE_MS;
	int outq = 0;

	struct pollfd p = { .fd = fd };

	/* A connection that is over keeps in its queue what it had. */
	while (!ioctl(fd, SIOCOUTQ, &outq) && outq && now_ms() < end &&
	       poll(&p, 1, 0) == 0)
		usleep(1000);
}
