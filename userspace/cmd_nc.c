// SPDX-License-Identifier: GPL-2.0
/*
 * toytcp nc: one connection by hand. What comes on standard input is sent,
 * what arrives goes to standard output. Each way ends on its own, as TCP has
 * it: the end of the input sends a FIN and leaves the other way open.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd.h"
#include "family.h"
#include "toytcp.h"

static void usage(FILE *out)
{
	fputs("usage: toytcp nc [-v] HOST PORT\n"
	      "       toytcp nc -l [-v] [ADDRESS] PORT\n"
	      "Connect, or listen for one connection; send standard input, print\n"
	      "what arrives. The end of the input ends this way alone.\n"
	      "\n"
	      "  -l, --listen   listen\n"
	      "  -v, --verbose  say on standard error what happens\n"
	      "  -h, --help     print this\n", out);
}

/* One way of the connection. */
struct way {
	int from;
	int to;
	bool sends;		/* to the socket; else from it */
	bool input_ended;
	bool done;		/* and what came before the end is written */
	size_t start;		/* of what is not written yet, in data */
	size_t len;
	char data[65536];
};

static int fail(const char *what)
{
	fprintf(stderr, "toytcp nc: %s: %s\n", what, strerror(errno));
	return -1;
}

/* Return: 0, or -1 after a message. */
static int way_read(struct way *way)
{
	ssize_t n;

	n = way->sends ? read(way->from, way->data, sizeof(way->data)) :
			 recv(way->from, way->data, sizeof(way->data), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
		       fail(way->sends ? "standard input" : "receiving");
	way->start = 0;
	way->len = n;
	way->input_ended = !n;
	return 0;
}

/* A pipe or terminal that poll() calls writable takes 4096 bytes at once. */
static int way_write(struct way *way)
{
	const char *data = way->data + way->start;
	ssize_t n;

	n = way->sends ? send(way->to, data, way->len, MSG_DONTWAIT | MSG_NOSIGNAL) :
			 write(way->to, data, way->len < 4096 ? way->len : 4096);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 :
		       fail(way->sends ? "sending" : "standard output");
	way->start += n;
	way->len -= n;
	return 0;
}

/* The next step of a way, when poll() has said what it can do. */
static int way_step(struct way *way, const struct pollfd *pfd)
{
	if (way->done || !pfd->revents)
		return 0;
	if (way->len)
		return way_write(way);
	if (way_read(way))
		return -1;
	if (way->input_ended) {
		way->done = true;
		if (way->sends && shutdown(way->to, SHUT_WR) && errno != ENOTCONN)
			return fail("shutdown");
	}
	return 0;
}

/* Until both ways have ended. Return: exit status. */
static int converse(int fd)
{
	static struct way out, in;
	struct way *ways[] = { &out, &in };
	struct pollfd pfds[2];
	int i;

	out.from = STDIN_FILENO;
	out.to = fd;
	out.sends = true;
	in.from = fd;
	in.to = STDOUT_FILENO;
	while (!out.done || !in.done) {
		for (i = 0; i < 2; i++) {
			const struct way *way = ways[i];

			pfds[i].fd = way->done ? -1 : way->len ? way->to : way->from;
			pfds[i].events = way->len ? POLLOUT : POLLIN;
			pfds[i].revents = 0;
		}
		if (poll(pfds, 2, -1) < 0 && errno != EINTR) {
			fail("poll");
			return EXIT_FAILED;
		}
		for (i = 0; i < 2; i++)
			if (way_step(ways[i], &pfds[i]))
				return EXIT_FAILED;
	}
	return EXIT_OK;
}

static bool verbose;

static void say_addresses(int fd)
{
	struct sockaddr_in here, there;
	socklen_t here_len = sizeof(here), there_len = sizeof(there);
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];

	if (!verbose || getsockname(fd, (struct sockaddr *)&here, &here_len) ||
	    getpeername(fd, (struct sockaddr *)&there, &there_len))
		return;
	inet_ntop(AF_INET, &here.sin_addr, from, sizeof(from));
	inet_ntop(AF_INET, &there.sin_addr, to, sizeof(to));
	fprintf(stderr, "toytcp nc: %s:%u is connected to %s:%u\n", from,
		ntohs(here.sin_port), to, ntohs(there.sin_port));
}

/* Return: a connection; -1 after a message. */
static int call(const struct sockaddr_in *addr)
{
	int fd = family_socket("toytcp nc");

	if (fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return fail("connect");
	return fd;
}

static int wait_for_call(const struct sockaddr_in *addr)
{
	int fd, on = 1, listener = family_socket("toytcp nc");

	if (listener < 0)
		return -1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)addr, sizeof(*addr))) {
		if (errno == EACCES)
			fprintf(stderr,
				"toytcp nc: port %u takes CAP_NET_BIND_SERVICE: run it as root, or choose one\n"
				"from the sysctl variable net.ipv4.ip_unprivileged_port_start on\n",
				ntohs(addr->sin_port));
		else
			fail("bind");
		return -1;
	}
	if (listen(listener, 1))
		return fail("listen");
	if (verbose)
		fprintf(stderr, "toytcp nc: listening on port %u\n",
			ntohs(addr->sin_port));
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return fail("accept");
	close(listener);
	return fd;
}

/* @host may be NULL: all addresses of this host. Return: exit status. */
static int resolve(const char *host, const char *port, struct sockaddr_in *addr)
{
	const struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	struct addrinfo *found;
	char *end;
	int err;

	/* getaddrinfo() would take the lower 16 bits */
	if (strtoul(port, &end, 10) > UINT16_MAX && !*end) {
		fprintf(stderr, "toytcp nc: port %s: the last one is %u\n",
			port, UINT16_MAX);
		usage(stderr);
		return EXIT_USAGE;
	}
	err = getaddrinfo(host, port, &hints, &found);
	if (err) {
		fprintf(stderr, "toytcp nc: %s port %s: %s\n", host ? host : "",
			port, gai_strerror(err));
		if (err != EAI_SERVICE)
			return EXIT_FAILED;
		usage(stderr);
		return EXIT_USAGE;
	}
	memcpy(addr, found->ai_addr, sizeof(*addr));
	freeaddrinfo(found);
	return EXIT_OK;
}

int cmd_nc(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	static char name[] = "toytcp nc";
	struct sockaddr_in addr;
	bool listening = false;
	int c, fd;

	argv[0] = name;		/* for what getopt_long() has to say */
	while ((c = getopt_long(argc, argv, "lvh", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			listening = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (argc != 2 && !(listening && argc == 1)) {
		fputs("toytcp nc: an address and a port are needed, and no more\n", stderr);
		usage(stderr);
		return EXIT_USAGE;
	}
	c = resolve(argc == 2 ? argv[0] : NULL, argv[argc - 1], &addr);
	if (c != EXIT_OK)
		return c;
	fd = listening ? wait_for_call(&addr) : call(&addr);
	if (fd < 0)
		return EXIT_FAILED;
	say_addresses(fd);
	return converse(fd);
}
