// SPDX-License-Identifier: GPL-2.0
/*
 * toytcp run: COMMAND with AF_TOYTCP sockets in place of its TCP sockets.
 *
 * This process becomes COMMAND, so that process number, exit status, signals,
 * terminal and job control are what they would be without us. Before that it
 * puts a seccomp filter on itself, which all that COMMAND starts inherits, and
 * forks off the supervisor (supervisor.c) that answers what the filter stops:
 * the calls of socket(2) that ask for TCP over IPv4, and with --v4-mapped over
 * IPv6, and nothing else. The filter works below libc, so that static programs
 * are the same to it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd.h"
#include "family.h"
#include "supervisor.h"
#include "toytcp.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	/* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	(1UL << 5)
#endif

/* Exit status when COMMAND could not be started, as of env(1) and the shell. */
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

static void usage(FILE *out)
{
	fputs("usage: toytcp run [--v4-mapped] [--] COMMAND [ARGUMENT]...\n"
	      "Run COMMAND with sockets of AF_TOYTCP in place of its TCP sockets\n"
	      "over IPv4, in all processes that it starts.\n"
	      "\n"
	      "  --v4-mapped  AF_INET6 sockets, too, to talk IPv4 by addresses of\n"
	      "               the form ::ffff:192.0.2.1; see toytcp-run(8)\n"
	      "  -h, --help   print this\n", out);
}

/* ---- the filter ---- */

#if defined(__x86_64__)
#define NATIVE_ARCH	AUDIT_ARCH_X86_64
#define X32_SOCKET	(0x40000000 + __NR_socket)
#define COMPAT_ARCH	AUDIT_ARCH_I386
#define COMPAT_SOCKET	359
#elif defined(__aarch64__)
#define NATIVE_ARCH	AUDIT_ARCH_AARCH64
#define X32_SOCKET	__NR_socket	/* has no such thing */
#define COMPAT_ARCH	AUDIT_ARCH_ARM
#define COMPAT_SOCKET	281
#else
#error "which AUDIT_ARCH_* is this machine's, and has it a 32-bit one?"
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF	4
#else
#define LOW_HALF	0
#endif

#define LOAD(offset)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define LOAD_FIELD(f)	LOAD(offsetof(struct seccomp_data, f))
/* arguments of socket() are int: the kernel looks at the low half alone */
#define LOAD_ARG(n)	LOAD(offsetof(struct seccomp_data, args[n]) + LOW_HALF)
#define JUMP_EQ(value, yes, no)	\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(action)	BPF_STMT(BPF_RET | BPF_K, (action))

/*
 * Jumps count from the next instruction. What depends on architecture and
 * number of a call alone stands first and ends in ALLOW: the kernel finds that
 * out when the filter is put on, and does not run it for calls other than
 * socket().
 */
static struct sock_filter filter[] = {
	/*  0 */ LOAD_FIELD(arch),
	/*  1 */ JUMP_EQ(NATIVE_ARCH, 0, 3),
	/*  2 */ LOAD_FIELD(nr),
	/*  3 */ JUMP_EQ(__NR_socket, 5, 0),
	/*  4 */ JUMP_EQ(X32_SOCKET, 4, 3),
	/*  5 */ JUMP_EQ(COMPAT_ARCH, 0, 2),
	/*  6 */ LOAD_FIELD(nr),
	/*  7 */ JUMP_EQ(COMPAT_SOCKET, 1, 0),
	/*  8 */ RETURN(SECCOMP_RET_ALLOW),
	/*  9 */ LOAD_ARG(0),
	/* 10 */ JUMP_EQ(AF_INET, 1, 0),
	/* 11 */ JUMP_EQ(AF_INET, 0, 7),
	/* 12 */ LOAD_ARG(1),
	/* 13 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
			  (__u32)~(SOCK_CLOEXEC | SOCK_NONBLOCK)),
	/* 14 */ JUMP_EQ(SOCK_STREAM, 0, 4),
	/* 15 */ LOAD_ARG(2),
	/* 16 */ JUMP_EQ(0, 3, 0),
	/* 17 */ JUMP_EQ(IPPROTO_TCP, 2, 0),
	/* 18 */ JUMP_EQ(IPPROTO_MPTCP, 1, 0),
	/* 19 */ RETURN(SECCOMP_RET_ALLOW),
	/* 20 */ RETURN(SECCOMP_RET_USER_NOTIF),
};

/* The instruction that stops a second family: AF_INET6 with --v4-mapped. */
enum { SECOND_FAMILY = 11 };

/*
 * Put the filter on this process. The flags: a listener, which is returned; a
 * call that the supervisor has begun with is interrupted by fatal signals
 * alone, or it would have been done twice; no mitigations of speculation that
 * would slow the program down, since it is not confined.
 */
static int filter_install(void)
{
	const struct sock_fprog prog = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER |
		       SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
		       SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
}

/*
 * With CAP_SYS_ADMIN the filter can be had without no_new_privs, so that
 * set-uid programs below stay what they are; without it they cannot.
 */
static int listener_open(void)
{
	int listener = filter_install();

	if (listener < 0 && errno == EACCES &&
	    !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		listener = filter_install();
	if (listener >= 0)
		return listener;
	switch (errno) {
	case EBUSY:
		fputs("toytcp run: something outside supervises this process by seccomp\n"
		      "already (a container manager?), and there can be only one:\n"
		      "run toytcp outside of it\n", stderr);
		break;
	case EINVAL:
	case ENOSYS:
		fputs("toytcp run: this kernel is too old, or has no seccomp filters:\n"
		      "it takes Linux 5.19 or later with CONFIG_SECCOMP_FILTER\n", stderr);
		break;
	case EPERM:
	case EACCES:
		fputs("toytcp run: no permission to use seccomp here: run it as root, or\n"
		      "allow seccomp(2) in the container's profile\n", stderr);
		break;
	default:
		perror("toytcp run: seccomp");
	}
	return -1;
}

/* ---- before it ---- */

/* Is there a module to make such sockets? If not, say what to do. */
static bool family_works(bool mapped)
{
	int fd = family_socket("toytcp run"), one = 1;
	bool works = true;

	if (fd < 0)
		return false;
	if (mapped && setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &one, sizeof(one))) {
		works = false;
		fputs(errno == EOPNOTSUPP ?
		      "toytcp run: --v4-mapped takes a kernel with CONFIG_IPV6\n" :
		      "toytcp run: --v4-mapped: the module that is loaded is too old; as root,\n"
		      "'rmmod toytcp' and 'modprobe toytcp' load the one that is installed\n",
		      stderr);
	}
	close(fd);
	return works;
}

/* Do sockets of a family come from a "toytcp run" outside of this one? */
static bool served(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), mapped;
	socklen_t len = sizeof(mapped);
	bool ours;

	if (fd < 0)
		return false;
	/* nobody else knows this option */
	ours = !getsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &mapped, &len);
	close(fd);
	return ours;
}

/* Return: false after a message. */
static bool supervise(void)
{
	int channel, listener;

	channel = supervisor_start();
	if (channel < 0)
		return false;
	listener = listener_open();
	if (listener < 0) {
		close(channel);		/* and the supervisor ends */
		return false;
	}
	return supervisor_serve(channel, listener);
}

int cmd_run(int argc, char **argv)
{
	enum { OPT_V4_MAPPED = 256 };
	bool mapped = false, nested;
	static const struct option options[] = {
		{ "v4-mapped", no_argument, NULL, OPT_V4_MAPPED },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	static char name[] = "toytcp run";
	int c;

	argv[0] = name;		/* for what getopt_long() has to say */
	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case OPT_V4_MAPPED:
			mapped = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		fputs("toytcp run: no command\n", stderr);
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!family_works(mapped))
		return EXIT_FAILED;
	nested = served(AF_INET);
	if (nested && mapped && !served(AF_INET6)) {
		fputs("toytcp run: --v4-mapped: there can be one supervisor only, and the 'toytcp run'\n"
		      "outside of this one has no --v4-mapped: give it to that one\n", stderr);
		return EXIT_FAILED;
	}
	if (mapped)
		filter[SECOND_FAMILY].k = AF_INET6;
	if (!nested && !supervise())
		return EXIT_FAILED;

	execvp(argv[optind], argv + optind);
	c = errno;
	fprintf(stderr, "toytcp run: %s: %s\n", argv[optind], strerror(c));
	return c == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
