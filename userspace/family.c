// SPDX-License-Identifier: GPL-2.0
/*
 * A socket of AF_TOYTCP, or a sentence that says what to do to get one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "family.h"
#include "toytcp.h"

int family_socket(const char *command)
{
	int fd = socket(AF_TOYTCP, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EAFNOSUPPORT:
	case ESOCKTNOSUPPORT:
		fprintf(stderr,
			"%s: there is no AF_TOYTCP: the module is not loaded; as root,\n"
			"'modprobe toytcp' (or insmod toytcp.ko) loads it\n", command);
		break;
	case EPERM:
	case EACCES:
		fprintf(stderr,
			"%s: no permission to make sockets of AF_TOYTCP: allow family\n"
			"%d in the policy that confines this process\n", command, AF_TOYTCP);
		break;
	default:
		fprintf(stderr, "%s: a socket of AF_TOYTCP: %s\n", command,
			strerror(errno));
	}
	return -1;
}
