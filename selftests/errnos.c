// SPDX-License-Identifier: GPL-2.0
/*
 * Side by side: every row is a short program of system calls, run once with
 * AF_INET sockets and once with the family under test. Everything that the calls said (results, errno, poll events,
 * values and lengths that came back) is written down and the two texts must
 * be the same.
 *
 *	errnos --family F [--peer F] [--peers-only] [--only SUBSTRING] [--verbose]
 *
 * The reference side uses AF_INET for both ends; the other side F for the
 * socket under test, and for its peer F too or the other; --peers-only leaves
 * the rows out in which the peer does not matter. errnos.sh adds the routes
 * that the rows about unreachable addresses need, in 10.78.0.0/16.
 *
 * A row may carry a reason why the two may differ: "later" rows concern what
 * AF_TOYTCP does not have yet and pass, visibly, when it says ENOPROTOOPT,
 * EOPNOTSUPP or ENOTTY; any other difference fails them as well. A deliberate
 * deviation has rows of its own with the answer it must give.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "errnos.h"

#define ROW_LIMIT_S 40

static struct row rows[4000];
static unsigned int n_rows;
static bool peers_matter;	/* in the rows that are added now */

struct row *add(void (*run)(const struct row *), const char *fmt, ...)
{
	struct row *r = &rows[n_rows++];
	va_list ap;

	if (n_rows == ARRAY_SIZE(rows))
		die("too many rows");
	va_start(ap, fmt);
	vsnprintf(r->name, sizeof(r->name), fmt, ap);
	va_end(ap);
	r->run = run;
	r->with_peer = peers_matter;
	return r;
}

/* ---- deliberate deviations ---------------------------------------------------- */

static void own_domain(const struct row *r)
{
	(void)r;
	rec("SO_DOMAIN %d", get_int(new_sock(), SOL_SOCKET, SO_DOMAIN));
}

/* ---- running ------------------------------------------------------------------- */

/*
 * The rows run in a worker, which a watcher replaces when a row hangs in it or
 * takes it down. What both know:
 */
static struct shared {
	unsigned int row;	/* that runs now */
	int family;		/* and on which side */
	uint64_t since_ms;
	unsigned int agreed, differed, later;
	char transcript[TRANSCRIPT_BYTES];
} *shared;

static void run_row(const struct row *r, int family, int peer)
{
	fam = family;
	peer_fam = peer;
	signals = 0;
	transcript[0] = 0;
	shared->family = family;
	shared->since_ms = now_ms();
	if (!setjmp(row_end))
		r->run(r);
	no_more_signals();
	signal(SIGALRM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	/* what closing brings about is not to interrupt the next row */
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	close_range(3, ~0U, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Does the text say that it has not got this at all? */
static bool says_not_there(const char *text)
{
	return strstr(text, "ENOPROTOOPT") || strstr(text, "EOPNOTSUPP") ||
	       strstr(text, "ENOTTY") || strstr(text, "set EBADF");
}

static bool verbose;

static void compare_row(const struct row *r, int family, int peer)
{
	static char reference[TRANSCRIPT_BYTES];
	uint64_t start = now_ms();

	if (r->must) {
		snprintf(reference, sizeof(reference), "%s", r->must);
	} else {
		run_row(r, AF_INET, AF_INET);
		strcpy(reference, transcript);
	}
	run_row(r, family, peer);
	if (!r->must && strstr(reference, "[set-up: ")) {
		shared->differed++;
		not_ok("%s - void: %s", r->name, reference);
	} else if (!strcmp(reference, transcript)) {
		shared->agreed++;
		ok("%s", r->name);
		if (verbose)
			printf("#   %s\n", reference);
	} else if (r->later && says_not_there(transcript)) {
		shared->later++;
		printf("# later: %s (%s)\n", r->name, r->later);
		if (verbose)
			printf("#   %s\n", transcript);
	} else {
		shared->differed++;
		not_ok("%s - inet: %s| %s: %s", r->name, reference,
		       family_name(family), transcript);
	}
	if (verbose && now_ms() - start > 200)
		printf("#   took %llu ms\n",
		       (unsigned long long)(now_ms() - start));
}

static void work(unsigned int from, const char *only, bool peers_only,
		 int family, int peer)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = from; i < n_rows; i++) {
		shared->row = i;
		if (strstr(rows[i].name, only) &&
		    (!peers_only || rows[i].with_peer))
			compare_row(&rows[i], family, peer);
	}
}

/* How the worker ended: true when it had run all rows. */
static bool watch(pid_t pid)
{
	const struct row *r;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		usleep(50000);
		if (now_ms() > shared->since_ms + ROW_LIMIT_S * 1000)
			kill(pid, SIGKILL);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	r = &rows[shared->row];
	shared->differed++;
	not_ok("%s - on %s: ended by status %#x after %llu ms; so far: %s",
	       r->name, family_name(shared->family), status,
	       (unsigned long long)(now_ms() - shared->since_ms), transcript);
	return false;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "family", 1, NULL, 'f' },	{ "peer", 1, NULL, 'p' },
		{ "only", 1, NULL, 'n' },	{ "verbose", 0, NULL, 'v' },
		{ "peers-only", 0, NULL, 'o' },	{ }
	};
	int family = AF_TOYTCP, peer = -1, o;
	bool peers_only = false, done = false;
	unsigned int from = 0;
	const char *only = "";

	while ((o = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		switch (o) {
		case 'f': family = family_by_name(optarg); break;
		case 'p': peer = family_by_name(optarg); break;
		case 'n': only = optarg; break;
		case 'o': peers_only = true; break;
		case 'v': verbose = true; break;
		default: die("unknown option");
		}
	if (peer < 0)
		peer = family;
	add_socket_rows();
	add_address_rows();
	add_bind_rows();
	peers_matter = true;
	add_listen_rows();
	add_connect_rows();
	add_state_rows();
	add_data_rows();
	add_urgent_rows();
	peers_matter = false;
	add_name_rows();
	add_option_rows();
	add_fastopen_rows();
	add_core_rows();
	add_mapped_rows();
	add_info_rows();
	add_reuseport_rows();
	if (family == AF_TOYTCP) {
		add_rto_max_rows();
		add(own_domain, "deviation: SO_DOMAIN")->must = "SO_DOMAIN 18";
		add(own_option, "SOL_TOYTCP")->must =
			"unknown ENOPROTOOPT; short EINVAL; bad pointer EFAULT; "
			"2 EINVAL; get 0; 0 length 4; bound EINVAL; V6ONLY ENOPROTOOPT; ";
	}

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	transcript = shared->transcript;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!done) {
		pid_t pid;

		shared->since_ms = now_ms();
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			work(from, only, peers_only, family, peer);
			_exit(0);
		}
		done = watch(pid);
		from = shared->row + 1;
	}
	printf("# %u rows agree, %u differ, %u later\n", shared->agreed,
	       shared->differed, shared->later);
	return shared->differed ? 1 : 0;
}
