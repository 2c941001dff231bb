// SPDX-License-Identifier: GPL-2.0
/*
 * flows - many connections at once, each over a path of its own or a shared one.
 *
 * A thread for each end, which the kernel keeps for as long as it can: an end
 * that came back to user space with each segment would cost User-Mode Linux
 * more than all of its TCP. A flow is named FAMILY@ADDRESS; it has a listener at
 * ADDRESS in the server's network namespace. It begins at a random time within
 * the first -j milliseconds (of a generator seeded by -r), and sends until the
 * time is over, or a number of bytes and the end of its stream.
 *
 * Usage: flows [-n NETNS] [-N NETNS] [-t SECONDS | -b BYTES] [-j MS] [-r SEED]
 *              [-p PORT] [-c CONGESTION] [-s MS] FAMILY@ADDRESS...
 *   -n, -N  network namespace of clients and servers (ip netns)
 *   -t      how long all of it takes, from the start of the first flow
 *   -b      or: how much each flow sends; ends when all have arrived
 *   -s      print a line "sample FLOW MS CWND BYTES RTT" so often for each flow: the
 *           smoothed round trip in microseconds; and of DCTCP Alpha, of 1024
 *
 * At the end, for each flow: "flow FAMILY ADDRESS BYTES MICROSECONDS", the
 * bytes that came to the server in order, and the time from the flow's start to
 * the end of the stream, or of all.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <toytcp.h>

#include "common.h"

#define BUFFER (256 << 10)
#define FLOWS 1024

struct flow {
	const char *name, *addr;
	int family;
	int listener, client, server;	/* descriptors, -1: none */
	uint64_t start_us, end_us;
	pthread_t sender, receiver;
};

static struct flow flows[FLOWS];
static int n_flows;
static char out_buffer[BUFFER], in_buffer[BUFFER];	/* what is in them is nobody's concern */

static struct {
	const char *netns, *server_netns, *cong;
	uint64_t us, bytes;
	unsigned int jitter_us, sample_us;
	unsigned int port;
	uint64_t seed;
} opt = { .us = 10000000, .port = 7000, .seed = 1 };

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
		"usage: flows [-n NETNS] [-N NETNS] [-t SECONDS | -b BYTES] [-j MS] [-r SEED]\n"
		"             [-p PORT] [-c CONGESTION] [-s MS] FAMILY@ADDRESS...\n");
	exit(2);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = opt.seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void sleep_until(uint64_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static int new_socket(const struct flow *f)
{
	int fd = socket(f->family, SOCK_STREAM, 0);

	if (fd < 0)
		die(f->family == AF_TOYTCP ? "socket: is the module loaded?" : "socket");
	if (opt.cong && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, opt.cong,
				   strlen(opt.cong)))
		die("congestion control %s", opt.cong);
	return fd;
}

static struct sockaddr_in address(const struct flow *f)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(opt.port + (f - flows)),
	};

	if (!inet_aton(f->addr, &sin.sin_addr))
		die("%s is no address", f->addr);
	return sin;
}

/* the receiver's thread: reads to the end of the stream */
static void *receive(void *arg)
{
	struct flow *f = arg;
	uint64_t got = 0;
	ssize_t n;

	f->server = accept(f->listener, NULL, NULL);
	if (f->server < 0)
		die("accept");
	while ((n = recv(f->server, in_buffer, BUFFER, MSG_WAITALL)) > 0)
		got += n;
	if (n < 0)
		die("%s@%s: recv", f->name, f->addr);
	f->end_us = now_us();
	if (got != opt.bytes)
		die("%s@%s: %llu bytes have come", f->name, f->addr, (unsigned long long)got);
	return NULL;
}

/* the sender's */
static void *transmit(void *arg)
{
	struct flow *f = arg;
	struct sockaddr_in sin = address(f);
	uint64_t sent = 0;

	sleep_until(f->start_us);
	if (connect(f->client, (struct sockaddr *)&sin, sizeof(sin)))
		die("%s@%s: connect", f->name, f->addr);
	while (!opt.bytes || sent < opt.bytes) {
		size_t len = opt.bytes && opt.bytes - sent < BUFFER ? opt.bytes - sent : BUFFER;
		ssize_t n = send(f->client, out_buffer, len, MSG_NOSIGNAL);

		if (n < 0)
			die("%s@%s: send", f->name, f->addr);
		sent += n;
	}
	shutdown(f->client, SHUT_WR);
	return NULL;
}

static struct tcp_info tcp_info(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return info;
}

static void sample_alpha(int fd)
{
	union tcp_cc_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, &info, &len))
		die("TCP_CC_INFO");
	printf(" %u", info.dctcp.dctcp_alpha);
}

static void sample(uint64_t at_us)
{
	struct tcp_info info;
	int i;

	for (i = 0; i < n_flows; i++) {
		info = tcp_info(flows[i].client);
		printf("sample %d %llu %u %llu %u", i, (unsigned long long)at_us / 1000,
		       info.tcpi_snd_cwnd,
		       (unsigned long long)tcp_info(flows[i].server).tcpi_bytes_received,
		       info.tcpi_rtt);
		if (opt.cong && !strcmp(opt.cong, "dctcp"))
			sample_alpha(flows[i].client);
		putchar('\n');
	}
}

static void open_flow(struct flow *f)
{
	struct sockaddr_in sin = address(f);
	int one = 1;

	enter(opt.server_netns);
	f->listener = new_socket(f);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(f->listener, (struct sockaddr *)&sin, sizeof(sin)) || listen(f->listener, 1))
		die("%s: listen", f->addr);
	enter(opt.netns);
	f->client = new_socket(f);
	if (pthread_create(&f->receiver, NULL, receive, f))
		die("pthread_create");
}

/* returns when all began, microseconds */
static uint64_t open_flows(void)
{
	uint64_t begin;
	int i;

	for (i = 0; i < n_flows; i++)
		open_flow(&flows[i]);
	begin = now_us() + 1000;
	for (i = 0; i < n_flows; i++) {
		flows[i].start_us = begin + (opt.jitter_us ? next_random() % opt.jitter_us : 0);
		if (pthread_create(&flows[i].sender, NULL, transmit, &flows[i]))
			die("pthread_create");
	}
	return begin;
}

static void wait_for_end(uint64_t begin)
{
	uint64_t at;
	int i;

	if (opt.bytes) {
		for (i = 0; i < n_flows; i++)
			pthread_join(flows[i].receiver, NULL);
		return;
	}
	for (at = 0; opt.sample_us && at < opt.us; at += opt.sample_us) {
		sleep_until(begin + at);
		sample(at);
	}
	sleep_until(begin + opt.us);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:N:t:b:j:r:p:c:s:")) != -1) {
		switch (c) {
		case 'n': opt.netns = optarg; break;
		case 'N': opt.server_netns = optarg; break;
		case 't': opt.us = strtod(optarg, NULL) * 1e6; break;
		case 'b': opt.bytes = strtoull(optarg, NULL, 0); break;
		case 'j': opt.jitter_us = strtod(optarg, NULL) * 1e3; break;
		case 'r': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'p': opt.port = atoi(optarg); break;
		case 'c': opt.cong = optarg; break;
		case 's': opt.sample_us = strtod(optarg, NULL) * 1e3; break;
		default: usage();
		}
	}
	for (; optind < argc; optind++, n_flows++) {
		struct flow *f = &flows[n_flows];
		char *at = strchr(argv[optind], '@');

		if (!at || n_flows == FLOWS - 1)
			usage();
		*at = 0;
		f->name = argv[optind];
		f->addr = at + 1;
		f->family = strcmp(f->name, "toytcp") ? AF_INET : AF_TOYTCP;
		f->listener = f->client = f->server = -1;
	}
	if (!n_flows)
		usage();
}

int main(int argc, char **argv)
{
	uint64_t begin;
	int i;

	parse(argc, argv);
	begin = open_flows();
	wait_for_end(begin);
	for (i = 0; i < n_flows; i++) {
		const struct flow *f = &flows[i];
		uint64_t us = (opt.bytes ? f->end_us : begin + opt.us) - f->start_us;
		uint64_t got = opt.bytes ?: tcp_info(f->server).tcpi_bytes_received;

		printf("flow %s %s %llu %llu\n", f->name, f->addr, (unsigned long long)got,
		       (unsigned long long)us);
	}
	return 0;
}
