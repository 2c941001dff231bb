// SPDX-License-Identifier: GPL-2.0
/*
 * demo_serve: serves one file by HTTP over AF_TOYTCP, to one client, whatever
 * it asks for. What differs from the same program over the kernel's TCP is one
 * argument of socket().
 *
 * With --step it waits for a line on standard input after each phase in the
 * life of its sockets: listening, accepted, sent, finished (the client has
 * closed), closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo.h"
#include "toytcp.h"

struct service {
	int family;
	bool step;
	uint16_t port;
	const char *file;
};

static int listen_on(const struct service *srv)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_port = htons(srv->port),
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	char text[DEMO_ENDPOINT_SIZE];
	int sock, one = 1;

	sock = socket(srv->family, SOCK_STREAM, 0);
	if (sock < 0)
		demo_die("socket");
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		demo_die("setsockopt(SO_REUSEADDR)");
	if (bind(sock, (const struct sockaddr *)&any, sizeof(any)))
		demo_die("bind");
	if (listen(sock, 16))
		demo_die("listen");
	printf("listening local=%s pid=%d", demo_endpoint(text, &any),
	       getpid());
	demo_phase_ends(srv->step);
	return sock;
}

static int accept_one(const struct service *srv, int listener)
{
	int sock;

	do {
		sock = accept(listener, NULL, NULL);
	} while (sock < 0 && errno == EINTR);
	if (sock < 0)
		demo_die("accept");
	printf("accepted fd=%d", sock);
	demo_say_endpoints(sock);
	demo_say_tcp_info(sock);
	demo_phase_ends(srv->step);
	return sock;
}

static void send_file(const struct service *srv, int sock)
{
	char head[256];
	struct stat st;
	void *data;
	int fd, len;

	fd = open(srv->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		demo_die(srv->file);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		demo_die(srv->file);
	close(fd);

	len = snprintf(head, sizeof(head),
		       "HTTP/1.1 200 OK\r\nServer: demo_serve\r\n"
		       "Content-Type: text/html\r\nContent-Length: %lld\r\n\r\n",
		       (long long)st.st_size);
	demo_send_all(sock, head, (size_t)len);
	demo_send_all(sock, data, (size_t)st.st_size);
	munmap(data, (size_t)st.st_size);
	printf("sent head_bytes=%d body_bytes=%lld", len,
	       (long long)st.st_size);
}

/* Read to the end: the client closes when it has its page. */
static void wait_for_end(int sock)
{
	char buf[4096];
	ssize_t got;

	do {
		got = recv(sock, buf, sizeof(buf), 0);
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		demo_die("recv");
}

static void serve(const struct service *srv, int sock)
{
	static char request[16384];
	size_t head_len;

	demo_read_head(sock, request, sizeof(request), &head_len);
	send_file(srv, sock);
	demo_phase_ends(srv->step);
	wait_for_end(sock);
	printf("finished request_bytes=%zu", head_len);
	demo_say_tcp_info(sock);
	demo_phase_ends(srv->step);
}

static void usage(FILE *out)
{
	fputs("usage: demo_serve [--family toytcp|inet] [--step] PORT FILE\n",
	      out);
}

static void parse_arguments(int argc, char **argv, struct service *srv)
{
	static const struct option longs[] = {
		{ "family", required_argument, NULL, 'f' },
		{ "step", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	unsigned long port;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "f:sh", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			srv->family = demo_family(optarg);
			break;
		case 's':
			srv->step = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (argc - optind != 2 || srv->family < 0) {
		usage(stderr);
		exit(2);
	}
	port = strtoul(argv[optind], &end, 10);
	if (*end || !port || port > 65535) {
		usage(stderr);
		exit(2);
	}
	srv->port = (uint16_t)port;
	srv->file = argv[optind + 1];
}

int main(int argc, char **argv)
{
	struct service srv = { .family = AF_TOYTCP };
	int listener, sock;

	parse_arguments(argc, argv, &srv);
	listener = listen_on(&srv);
	sock = accept_one(&srv, listener);
	serve(&srv, sock);
	if (close(sock) || close(listener))
		demo_die("close");
	printf("closed");
	demo_phase_ends(srv.step);
	return 0;
}
