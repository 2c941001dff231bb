// SPDX-License-Identifier: GPL-2.0
/*
 * Many processors at one listener. Clients connect, send, and compare what
 * comes back, as fast as they can; acceptors echo; and meanwhile another
 * thread plays with the listener.
 *
 *	race --client F --server F --netns NS --server-netns NS --addr A
 *		--port N --seconds N [--seed N] [--break]
 *
 * It sets options of the listener whose memory it exchanges: algorithm, filter,
 * Fast Open's keys and limit, and the backlog. No connection may notice. With
 * --break it also stops listening (shutdown(), then listen() again on the same
 * socket, or on a new one): connections may then be refused or reset, and some
 * must not; but no byte may be wrong, nothing may hang, and when it is over, the
 * listener accepts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common.h"

#define CLIENTS 4
#define ACCEPTORS 2
#define BYTES 3000
#define PATIENCE_S 30		/* longer than any of it may take */

static int client_family, server_family;
static const char *client_netns = "-", *server_netns = "-";
static struct sockaddr_in addr;
static uint64_t seed = 1;
static bool breaking;
static atomic_int listener = -1;
static pthread_rwlock_t listener_lock =
	PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static atomic_bool over, accepting = true;
static atomic_ulong done, refused, wrong, changes;
static pthread_mutex_t said = PTHREAD_MUTEX_INITIALIZER;
static char first_wrong[200];

static void blame(uint64_t n, const char *what, int err)
{
	pthread_mutex_lock(&said);
	if (!first_wrong[0])
		snprintf(first_wrong, sizeof(first_wrong),
			 "connection %llu: %s: %s", (unsigned long long)n, what,
			 errname(err));
	pthread_mutex_unlock(&said);
	wrong++;
}

/* an error that a listener which stops explains; else it is one to blame for */
static bool explained(int err)
{
	return breaking && (err == ECONNREFUSED || err == ECONNRESET ||
			    err == EPIPE || err == ENOTCONN);
}

static void failed(uint64_t n, const char *what, int err)
{
	if (explained(err))
		refused++;
	else
		blame(n, what, err);
}

static void set_patience(int fd)
{
	struct timeval tv = { .tv_sec = PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* one connection of a client; the caller closes fd */
static void converse(int fd, uint64_t n)
{
	char buf[BYTES], back[BYTES];
	size_t sent = 0, got = 0;
	ssize_t len;

	set_patience(fd);
	stream_fill(n, 0, buf, sizeof(buf));
	if (n & 1) {
		len = sendto(fd, buf, BYTES / 3, MSG_FASTOPEN | MSG_NOSIGNAL,
			     (struct sockaddr *)&addr, sizeof(addr));
		if (len < 0)
			return failed(n, "sendto(MSG_FASTOPEN)", errno);
		sent = len;
	} else if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		return failed(n, "connect", errno);
	}
	while (sent < sizeof(buf)) {
		len = send(fd, buf + sent, sizeof(buf) - sent, MSG_NOSIGNAL);
		if (len < 0)
			return failed(n, "send", errno);
		sent += len;
	}
	if (shutdown(fd, SHUT_WR))
		return failed(n, "shutdown", errno);
	while ((len = recv(fd, back + got, sizeof(back) - got, 0)) > 0) {
		got += len;
		if (got == sizeof(back))
			break;
	}
	if (len < 0)
		return failed(n, "recv", errno);
	if (stream_differs(n, 0, back, got) != got)
		return blame(n, "other bytes came back", 0);
	if (got != sizeof(back))
		return failed(n, "fewer bytes came back", ECONNRESET);
	done++;
}

static void *client(void *arg)
{
	uint64_t n = seed * 1000003 + (uintptr_t)arg;

	enter_netns(client_netns);
	for (; !over; n += CLIENTS) {
		int fd = socket(client_family, SOCK_STREAM, 0);

		if (fd < 0) {
			blame(n, "socket", errno);
			break;
		}
		converse(fd, n);
		/* no port must wait for a TIME_WAIT */
		setsockopt(fd, SOL_SOCKET, SO_LINGER,
			   &(struct linger){ .l_onoff = 1 },
			   sizeof(struct linger));
		close(fd);
	}
	return NULL;
}

/* what a client sends goes back, and its end as well */
static void echo(int fd)
{
	char buf[BYTES];
	size_t got = 0, sent = 0;
	ssize_t len;

	set_patience(fd);
	while (got < sizeof(buf) &&
	       (len = recv(fd, buf + got, sizeof(buf) - got, 0)) > 0)
		got += len;
	while (sent < got &&
	       (len = send(fd, buf + sent, got - sent, MSG_NOSIGNAL)) > 0)
		sent += len;
	close(fd);
}

static void *acceptor(void *arg)
{
	(void)arg;
	while (accepting) {
		struct pollfd pfd = { .events = POLLIN };
		int fd;

		/* the descriptor must not become another socket's meanwhile */
		pthread_rwlock_rdlock(&listener_lock);
		pfd.fd = listener;
		poll(&pfd, 1, 20);
		fd = accept4(listener, NULL, NULL, 0);
		pthread_rwlock_unlock(&listener_lock);
		if (fd >= 0)
			echo(fd);
		else if (errno != EAGAIN && errno != EINVAL &&
			 errno != ECONNABORTED)
			blame(0, "accept", errno);
	}
	return NULL;
}

static int make_listener(int backlog)
{
	int fd = socket(server_family, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		die("socket: %s", errname(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, backlog))
		die("a listener: %s", errname(errno));
	return fd;
}

static void must(int ret, const char *what)
{
	if (ret)
		blame(0, what, errno);
	changes++;
}

static void change_option(int fd, uint64_t *rng)
{
	static const char *const algorithm[] = { "cubic", "reno" };
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	struct sock_fprog filter = { .len = 1, .filter = &all };
	const char *name = algorithm[rng_below(rng, 2)];
	int val = 16 + rng_below(rng, 200);
	uint8_t keys[32];

	switch (rng_below(rng, 6)) {
	case 0:
		must(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
				strlen(name)), "TCP_CONGESTION");
		break;
	case 1:
		must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
				sizeof(filter)), "SO_ATTACH_FILTER");
		break;
	case 2:
		/* ENOENT: there was none */
		setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &val, sizeof(val));
		break;
	case 3:
		stream_fill(rng_next(rng), 0, keys, sizeof(keys));
		must(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys,
				val & 1 ? 16 : 32), "TCP_FASTOPEN_KEY");
		break;
	case 4:
		must(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &val,
				sizeof(val)), "TCP_FASTOPEN");
		break;
	default:
		must(listen(fd, val), "listen, again");
	}
}

/* stop listening for a moment */
static void stop_and_go(uint64_t *rng)
{
	int fd = listener;

	if (rng_below(rng, 2)) {
		must(shutdown(fd, SHUT_RDWR), "shutdown");
		must(listen(fd, 64), "listen, after shutdown");
		return;
	}
	pthread_rwlock_wrlock(&listener_lock);
	close(fd);
	listener = make_listener(64);
	pthread_rwlock_unlock(&listener_lock);
	changes++;
}

static void *meddler(void *arg)
{
	uint64_t rng = seed;

	(void)arg;
	enter_netns(server_netns);
	while (!over) {
		change_option(listener, &rng);
		if (breaking && !rng_below(&rng, 16)) {
			stop_and_go(&rng);
			/* and let some get through */
			usleep(20000);
		}
		usleep(rng_below(&rng, 500));
	}
	return NULL;
}

static void run(unsigned int seconds)
{
	pthread_t clients[CLIENTS], acceptors[ACCEPTORS], meddling;
	unsigned long before;
	uintptr_t i;

	for (i = 0; i < ACCEPTORS; i++)
		pthread_create(&acceptors[i], NULL, acceptor, NULL);
	for (i = 0; i < CLIENTS; i++)
		pthread_create(&clients[i], NULL, client, (void *)i);
	pthread_create(&meddling, NULL, meddler, NULL);
	sleep(seconds);
	over = true;
	pthread_join(meddling, NULL);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	/* it must still be a listener */
	before = done;
	over = breaking = false;
	enter_netns(client_netns);
	for (i = 2; i < 4; i++) {
		int fd = socket(client_family, SOCK_STREAM, 0);

		converse(fd, i);
		close(fd);
	}
	if (done != before + 2)
		blame(0, "not all is well when it is over", 0);
	accepting = false;
	for (i = 0; i < ACCEPTORS; i++)
		pthread_join(acceptors[i], NULL);
	close(listener);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "client", required_argument, NULL, 'c' },
		{ "server", required_argument, NULL, 's' },
		{ "netns", required_argument, NULL, 'n' },
		{ "server-netns", required_argument, NULL, 'N' },
		{ "addr", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 'S' },
		{ "break", no_argument, NULL, 'b' },
		{}
	};
	unsigned int port = 7700, seconds = 5;
	const char *ip = "127.0.0.1";
	int c;

	client_family = server_family = family_by_name("toytcp");
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c': client_family = family_by_name(optarg); break;
		case 's': server_family = family_by_name(optarg); break;
		case 'n': client_netns = optarg; break;
		case 'N': server_netns = optarg; break;
		case 'a': ip = optarg; break;
		case 'p': port = parse_number("--port", optarg, 65535); break;
		case 't': seconds = parse_number("--seconds", optarg, 86400); break;
		case 'S': seed = parse_number("--seed", optarg, UINT64_MAX); break;
		case 'b': breaking = true; break;
		default: return 2;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	addr = make_addr(ip, port);
	enter_netns(server_netns);
	listener = make_listener(64);
	run(seconds);
	if (wrong)
		not_ok("%lu wrong of %lu - %s", (unsigned long)wrong,
		       (unsigned long)done, first_wrong);
	else if (done < 20 || changes < 20)
		not_ok("too little happened - %lu connections, %lu changes",
		       (unsigned long)done, (unsigned long)changes);
	else
		ok("%lu connections, %lu refused, %lu changes",
		   (unsigned long)done, (unsigned long)refused,
		   (unsigned long)changes);
	return cases_failed() ? 1 : 0;
}
