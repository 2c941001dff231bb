// SPDX-License-Identifier: GPL-2.0
/*
 * What a program sees of its surroundings and of socket(2), one fact a line:
 * the lines must be the same with and without "toytcp run", see run.sh. Static,
 * so that nothing but the kernel's calls can have been changed.
 *
 *	run_probe facts		the facts
 *	run_probe cost		microseconds per socket() and close(), and per
 *				call that does nothing
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say_socket(const char *what, int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0) {
		printf("%s: errno %d\n", what, errno);
		return;
	}
	printf("%s: fd %d, FD flags %#x, status flags %#x\n", what, fd,
	       fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
	close(fd);
}

/* Each combination of flags, and what no family has or AF_INET has not. */
static void say_sockets(void)
{
	static const int protocols[] = { 0, IPPROTO_TCP, IPPROTO_MPTCP,
					 IPPROTO_UDP, -1, 70000 };
	char what[64];
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		int p = protocols[i];

		/* which kernels have it differs; see run.sh */
		if (p == IPPROTO_MPTCP)
			continue;
		snprintf(what, sizeof(what), "stream, protocol %d", p);
		say_socket(what, AF_INET, SOCK_STREAM, p);
	}
	say_socket("cloexec", AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	say_socket("nonblock", AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	say_socket("both", AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	say_socket("unknown flag", AF_INET, SOCK_STREAM | 0x100, 0);
	say_socket("datagram", AF_INET, SOCK_DGRAM, 0);
	say_socket("raw", AF_INET, SOCK_RAW, IPPROTO_TCP);
	say_socket("seqpacket", AF_INET, SOCK_SEQPACKET, 0);
	say_socket("type 0", AF_INET, 0, 0);
	say_socket("unix", AF_UNIX, SOCK_STREAM, 0);
	say_socket("no such family", 999, SOCK_STREAM, 0);
}

/* The lowest free number, and what happens when there is none. */
static void say_limits(void)
{
	struct rlimit old, limit;
	int fd, n = 0;

	getrlimit(RLIMIT_NOFILE, &old);
	dup2(1, 6);
	limit = old;
	limit.rlim_cur = 8;
	setrlimit(RLIMIT_NOFILE, &limit);
	while ((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0) {
		printf("within the limit: fd %d\n", fd);
		n++;
	}
	printf("beyond: errno %d after %d\n", errno, n);
	close(4);
	printf("one free: fd %d\n", socket(AF_INET, SOCK_STREAM, 0));
	for (fd = 3; fd < 8; fd++)
		close(fd);
	setrlimit(RLIMIT_NOFILE, &old);
}

static void say_process(void)
{
	struct sigaction action;
	sigset_t mask, pending;
	struct dirent *entry;
	DIR *dir;
	int i;

	printf("children: %d, errno %d\n", waitpid(-1, NULL, WNOHANG), errno);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	for (i = 1; i < 65; i++) {
		if (sigaction(i, NULL, &action))
			continue;
		printf("signal %d: %s%s%s\n", i,
		       action.sa_handler == SIG_IGN ? "ignored" : "default",
		       sigismember(&mask, i) ? ", blocked" : "",
		       sigismember(&pending, i) ? ", pending" : "");
	}
	printf("leader of session %d, of group %d\n", getsid(0) == getpid(),
	       getpgid(0) == getpid());
	printf("users %d %d, dumpable %d\n", getuid(), geteuid(),
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	dir = opendir("/proc/self/fd");
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			printf("open: %s\n", entry->d_name);
	if (dir)
		closedir(dir);
}

static void *thread_main(void *arg)
{
	long n = 0;
	int i, fd;

	(void)arg;
	for (i = 0; i < 200; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0)
			break;
		n++;
		close(fd);
	}
	return (void *)n;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Threads at once, with a signal every 200 microseconds. */
static void say_threads(void)
{
	const struct sigaction action = { .sa_handler = on_signal,
					  .sa_flags = SA_RESTART };
	const struct itimerspec period = { { 0, 200000 }, { 0, 200000 } };
	pthread_t threads[8];
	timer_t timer;
	void *n;
	int i;

	sigaction(SIGALRM, &action, NULL);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &period, NULL);
	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, thread_main, NULL);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &n);
		printf("thread %d: %ld sockets\n", i, (long)n);
	}
	timer_delete(timer);
	signal(SIGALRM, SIG_DFL);
	printf("next: fd %d\n", i = socket(AF_INET, SOCK_STREAM, 0));
	close(i);
}

/* A filter of the program's own that refuses what it is asked to. */
static void say_own_filter(void)
{
	struct sock_filter deny[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { 4, deny };

	fflush(stdout);
	if (!fork()) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
			perror("seccomp");
		say_socket("own filter", AF_INET, SOCK_STREAM, 0);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* The best of some runs: what it costs, not what else went on. */
static void cost(void)
{
	double best_socket = 1e12, best_other = 1e12, start, took;
	int run, i;

	for (run = 0; run < 20; run++) {
		start = now_us();
		for (i = 0; i < 100; i++)
			close(socket(AF_INET, SOCK_STREAM, 0));
		took = (now_us() - start) / 100;
		best_socket = took < best_socket ? took : best_socket;
		start = now_us();
		for (i = 0; i < 2000; i++)
			syscall(__NR_getppid);
		took = (now_us() - start) / 2000;
		best_other = took < best_other ? took : best_other;
	}
	printf("socket() and close() %.2f us, getppid() %.3f us\n",
	       best_socket, best_other);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "cost")) {
		cost();
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "facts")) {
		fputs("usage: run_probe facts | cost\n", stderr);
		return 2;
	}
	say_process();
	say_sockets();
	say_limits();
	say_threads();
	say_own_filter();
	return 0;
}
