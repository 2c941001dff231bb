// SPDX-License-Identifier: GPL-2.0
/* server PORT: send each client back what it sends, one client at a time. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "toytcp.h"

int main(int argc, char **argv)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int listener, fd, on = 1;
	char buf[1000];
	ssize_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: server PORT\n");
		return 2;
	}
	any.sin_port = htons(atoi(argv[1]));

	listener = socket(AF_TOYTCP, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(listener, 8)) {
		perror("server");
		return 1;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while ((n = read(fd, buf, sizeof(buf))) > 0 && write(fd, buf, n) == n)
			;
		close(fd);
	}
	perror("server");
	return 1;
}
