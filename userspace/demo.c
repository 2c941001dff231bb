// SPDX-License-Identifier: GPL-2.0
/*
 * What the two programs of the demonstration share; see demo.h.
 *
 * What they say goes to standard output, a line a phase: the phase's name and
 * then name=value pairs, which are easy to read for a human and a script.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "demo.h"
#include "toytcp.h"

/**
 * demo_family() - the number of a socket family
 * @name: "toytcp", or "inet" for the same thing over the kernel's TCP
 *
 * Return: AF_TOYTCP, AF_INET, or -1.
 */
int demo_family(const char *name)
{
	if (!strcmp(name, "toytcp"))
		return AF_TOYTCP;
	if (!strcmp(name, "inet"))
		return AF_INET;
	return -1;
}

/**
 * demo_die() - say what failed and why (errno), and end
 * @what: the call that failed
 */
void demo_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

/**
 * demo_endpoint() - an address as text
 * @text: of DEMO_ENDPOINT_SIZE
 * @sin: the address
 *
 * Return: @text.
 */
char *demo_endpoint(char *text, const struct sockaddr_in *sin)
{
	char addr[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &sin->sin_addr, addr, sizeof(addr));
	snprintf(text, DEMO_ENDPOINT_SIZE, "%s:%u", addr, ntohs(sin->sin_port));
	return text;
}

/**
 * demo_say_endpoints() - " local=... remote=..." as the socket knows them
 * @sock: connected
 */
void demo_say_endpoints(int sock)
{
	struct sockaddr_in local, remote;
	char text[DEMO_ENDPOINT_SIZE];
	socklen_t len = sizeof(local);

	if (getsockname(sock, (struct sockaddr *)&local, &len))
		demo_die("getsockname");
	printf(" local=%s", demo_endpoint(text, &local));
	len = sizeof(remote);
	if (getpeername(sock, (struct sockaddr *)&remote, &len))
		demo_die("getpeername");
	printf(" remote=%s", demo_endpoint(text, &remote));
}

/**
 * demo_say_tcp_info() - what getsockopt(TCP_INFO) tells, as name=value pairs
 * @sock: any TCP
 */
void demo_say_tcp_info(int sock)
{
	/* The receive window follows snd_wnd since 6.2; headers may be older. */
	enum { RCV_WND = offsetof(struct tcp_info, tcpi_snd_wnd) + 4 };
	union {
		struct tcp_info info;
		char bytes[sizeof(struct tcp_info) + 64];
	} u;
	const struct tcp_info *info = &u.info;
	socklen_t len = sizeof(u);
	uint32_t rcv_wnd;

	memset(&u, 0, sizeof(u));
	if (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &u, &len))
		demo_die("getsockopt(TCP_INFO)");
	printf(" state=%u options=%u snd_wscale=%u rcv_wscale=%u",
	       info->tcpi_state, info->tcpi_options, info->tcpi_snd_wscale,
	       info->tcpi_rcv_wscale);
	printf(" snd_mss=%u rcv_mss=%u advmss=%u pmtu=%u", info->tcpi_snd_mss,
	       info->tcpi_rcv_mss, info->tcpi_advmss, info->tcpi_pmtu);
	printf(" rtt_us=%u rttvar_us=%u min_rtt_us=%u rto_us=%u",
	       info->tcpi_rtt, info->tcpi_rttvar, info->tcpi_min_rtt,
	       info->tcpi_rto);
	printf(" snd_cwnd=%u snd_ssthresh=%u snd_wnd=%u", info->tcpi_snd_cwnd,
	       info->tcpi_snd_ssthresh, info->tcpi_snd_wnd);
	printf(" total_retrans=%u segs_in=%u segs_out=%u",
	       info->tcpi_total_retrans, info->tcpi_segs_in,
	       info->tcpi_segs_out);
	printf(" data_segs_in=%u data_segs_out=%u", info->tcpi_data_segs_in,
	       info->tcpi_data_segs_out);
	printf(" bytes_acked=%llu bytes_received=%llu",
	       (unsigned long long)info->tcpi_bytes_acked,
	       (unsigned long long)info->tcpi_bytes_received);
	if (len >= RCV_WND + sizeof(rcv_wnd)) {
		memcpy(&rcv_wnd, u.bytes + RCV_WND, sizeof(rcv_wnd));
		printf(" rcv_wnd=%u", rcv_wnd);
	}
}

/**
 * demo_phase_ends() - end the line of this phase
 * @step: then wait for a line (or the end) of standard input
 */
void demo_phase_ends(bool step)
{
	int c;

	putchar('\n');
	if (fflush(stdout))
		demo_die("standard output");
	if (!step)
		return;
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
}

/**
 * demo_send_all() - send(), again until all is taken
 * @sock: connected, blocking
 * @data: of @len bytes
 */
void demo_send_all(int sock, const void *data, size_t len)
{
	const char *pos = data;
	ssize_t sent;

	while (len) {
		sent = send(sock, pos, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			demo_die("send");
		pos += sent;
		len -= (size_t)sent;
	}
}

/**
 * demo_read_head() - read an HTTP request or response up to its empty line
 * @sock: connected, blocking
 * @buf: filled in, ends with NUL
 * @size: of @buf
 * @head_len: length of the head, empty line included
 *
 * Ends the program if the head is too long or incomplete.
 *
 * Return: bytes in @buf; those after @head_len are the body's first.
 */
size_t demo_read_head(int sock, char *buf, size_t size, size_t *head_len)
{
	size_t len = 0;
	ssize_t got;
	char *end = NULL;

	do {
		if (len == size - 1) {
			errno = EMSGSIZE;
			demo_die("HTTP head");
		}
		got = recv(sock, buf + len, size - 1 - len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			demo_die("recv");
		if (!got) {
			errno = ENODATA;
			demo_die("HTTP head");
		}
		len += (size_t)got;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
	} while (!end);
	*head_len = (size_t)(end - buf) + 4;
	return len;
}
