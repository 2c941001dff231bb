// SPDX-License-Identifier: GPL-2.0
/* client ADDRESS PORT: send a line, print what comes back. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "toytcp.h"

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	char buf[1000];
	ssize_t n;
	int fd;

	if (argc != 3 || !inet_aton(argv[1], &server.sin_addr)) {
		fprintf(stderr, "usage: client ADDRESS PORT\n");
		return 2;
	}
	server.sin_port = htons(atoi(argv[2]));

	fd = socket(AF_TOYTCP, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server))) {
		perror("client");
		return 1;
	}
	dprintf(fd, "hello\n");
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	return n != 0;
}
