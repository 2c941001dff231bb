// SPDX-License-Identifier: GPL-2.0
/*
 * demo_fetch: fetches one page by HTTP over AF_TOYTCP. What differs from the
 * same program over the kernel's TCP is one argument of socket().
 *
 * With --step it waits for a line on standard input after each phase in the
 * life of its socket: resolved, created, connected, sent, received, closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"
#include "toytcp.h"

struct request {
	int family;
	bool step;
	const char *host;
	const char *port;
	const char *path;
	const char *output;
};

static unsigned long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000000 +
	       (unsigned long)ts.tv_nsec / 1000;
}

static struct sockaddr_in resolve(const struct request *req)
{
	const struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	char text[DEMO_ENDPOINT_SIZE];
	unsigned long start = now_us();
	struct addrinfo *list;
	struct sockaddr_in sin;
	int err;

	err = getaddrinfo(req->host, req->port, &hints, &list);
	if (err) {
		fprintf(stderr, "demo_fetch: %s: %s\n", req->host,
			gai_strerror(err));
		exit(1);
	}
	memcpy(&sin, list->ai_addr, sizeof(sin));
	freeaddrinfo(list);
	printf("resolved name=%s remote=%s took_us=%lu", req->host,
	       demo_endpoint(text, &sin), now_us() - start);
	demo_phase_ends(req->step);
	return sin;
}

static int create(const struct request *req)
{
	int sock = socket(req->family, SOCK_STREAM, 0);
	struct stat st;

	if (sock < 0)
		demo_die("socket");
	if (fstat(sock, &st))
		demo_die("fstat");
	printf("created fd=%d inode=%lu pid=%d", sock, st.st_ino, getpid());
	demo_phase_ends(req->step);
	return sock;
}

static void connect_to(const struct request *req, int sock,
		       const struct sockaddr_in *sin)
{
	unsigned long start = now_us();

	if (connect(sock, (const struct sockaddr *)sin, sizeof(*sin)))
		demo_die("connect");
	printf("connected took_us=%lu", now_us() - start);
	demo_say_endpoints(sock);
	demo_say_tcp_info(sock);
	demo_phase_ends(req->step);
}

static void send_request(const struct request *req, int sock)
{
	char text[1024];
	int len;

	/*
	 * HTTP/1.1 without "Connection: close": the server keeps the
	 * connection, so it is this end that closes first.
	 */
	len = snprintf(text, sizeof(text),
		       "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: demo_fetch\r\n\r\n",
		       req->path, req->host);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		errno = EMSGSIZE;
		demo_die("request");
	}
	demo_send_all(sock, text, (size_t)len);
	printf("sent bytes=%d", len);
	demo_phase_ends(req->step);
}

/* Return: Content-Length of the response, which must be a 200. */
static size_t body_length(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");
	const char *end = strstr(head, "\r\n");

	if (strncmp(head, "HTTP/1.1 200", 12)) {
		fprintf(stderr, "demo_fetch: the server says: %.*s\n",
			(int)(end - head), head);
		exit(1);
	}
	if (!field) {
		fprintf(stderr, "demo_fetch: the server gives no length\n");
		exit(1);
	}
	return strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

static void receive(const struct request *req, int sock)
{
	static char buf[65536];
	unsigned long start = now_us();
	size_t head_len, have, body_len, body_got;
	unsigned int calls = 1;
	FILE *out = stdout;
	ssize_t got;

	if (strcmp(req->output, "-"))
		out = fopen(req->output, "we");
	if (!out)
		demo_die(req->output);

	have = demo_read_head(sock, buf, sizeof(buf), &head_len);
	body_len = body_length(buf);
	body_got = have - head_len;
	if (fwrite(buf + head_len, 1, body_got, out) != body_got)
		demo_die(req->output);
	while (body_got < body_len) {
		got = recv(sock, buf, sizeof(buf), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			demo_die("recv");
		if (!got)
			break;
		calls++;
		if (fwrite(buf, 1, (size_t)got, out) != (size_t)got)
			demo_die(req->output);
		body_got += (size_t)got;
	}
	if (out == stdout ? fflush(out) : fclose(out))
		demo_die(req->output);
	if (body_got != body_len) {
		fprintf(stderr, "demo_fetch: %zu bytes of %zu\n", body_got,
			body_len);
		exit(1);
	}
	printf("received head_bytes=%zu body_bytes=%zu reads=%u took_us=%lu",
	       head_len, body_got, calls, now_us() - start);
	demo_say_tcp_info(sock);
	demo_phase_ends(req->step);
}

static void usage(FILE *out)
{
	fputs("usage: demo_fetch [--family toytcp|inet] [--step] [--output FILE] HOST PORT PATH\n",
	      out);
}

static void parse_arguments(int argc, char **argv, struct request *req)
{
	static const struct option longs[] = {
		{ "family", required_argument, NULL, 'f' },
		{ "step", no_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "f:so:h", longs, NULL)) != -1) {
		switch (c) {
		case 'f':
			req->family = demo_family(optarg);
			break;
		case 's':
			req->step = true;
			break;
		case 'o':
			req->output = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (argc - optind != 3 || req->family < 0) {
		usage(stderr);
		exit(2);
	}
	req->host = argv[optind];
	req->port = argv[optind + 1];
	req->path = argv[optind + 2];
}

int main(int argc, char **argv)
{
	struct request req = { .family = AF_TOYTCP, .output = "-" };
	struct sockaddr_in server;
	int sock;

	parse_arguments(argc, argv, &req);
	server = resolve(&req);
	sock = create(&req);
	connect_to(&req, sock, &server);
	send_request(&req, sock);
	receive(&req, sock);
	if (close(sock))
		demo_die("close");
	printf("closed");
	demo_phase_ends(req.step);
	return 0;
}
