// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: listeners that share a port by SO_REUSEPORT, and programs of
 * BPF that choose among them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "errnos.h"

#define MAX_SHARERS 4

/* ---- programs --------------------------------------------------------------------- */

static int attach(int fd, const struct sock_filter *code, unsigned int n)
{
	struct sock_fprog prog = { .len = n, .filter = (struct sock_filter *)code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog));
}

static int attach_constant(int fd, unsigned int value)
{
	const struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, value) };

	return attach(fd, code, ARRAY_SIZE(code));
}

static int detach(int fd)
{
	int zero = 0;

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &zero, sizeof(zero));
}

/* "return value", as a program of eBPF; the descriptor, or -1 */
static int load(int type, int value)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = value },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uintptr_t)"GPL",
	};

	return syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int attach_loaded(int fd, int prog)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog, sizeof(prog));
}

/* ---- listeners that share, and whose a connection is -------------------------------- */

static int sharer(struct sockaddr_in *sin)
{
	int fd = new_sock();

	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	need("bind", bind(fd, SA(*sin), sizeof(*sin)));
	need("listen", listen(fd, 16));
	*sin = name_of(fd);
	return fd;
}

static struct sockaddr_in share(int *fds, unsigned int n)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	unsigned int i;

	for (i = 0; i < n; i++)
		fds[i] = sharer(&sin);
	return sin;
}

/* Connect, and say which one could accept. */
static int who_has(const struct sockaddr_in *sin, const int *fds, int n)
{
	struct pollfd p[MAX_SHARERS];
	int c = new_peer(), i;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	need("connect", connect(c, (const struct sockaddr *)sin, sizeof(*sin)));
	if (poll(p, n, SETTLE_MS) < 1)
		return -1;
	for (i = 0; i < n; i++)
		if (p[i].revents) {
			close(need("accept", accept(fds[i], NULL, NULL)));
			break;
		}
	close(c);
	return i;
}

static void rec_who(const char *what, const struct sockaddr_in *sin, const int *fds, int n)
{
	rec("%s %d %d; ", what, who_has(sin, fds, n), who_has(sin, fds, n));
}

/* a program may be any of theirs, be changed and taken away, and outlives who brought it */
static void choose_constant(const struct row *r)
{
	int fds[4], k;
	struct sockaddr_in sin = share(fds, 3);

	(void)r;
	for (k = 0; k < 3; k++) {
		said("attach", attach_constant(fds[(k + 1) % 3], k));
		rec_who("constant", &sin, fds, 3);
	}
	/* the last takes the place of one that goes */
	said("attach", attach_constant(fds[0], 0));
	close(fds[0]);
	rec_who("closed", &sin, fds + 1, 2);
	fds[3] = sharer(&sin);
	said("attach", attach_constant(fds[3], 2));
	rec_who("a new one", &sin, fds + 1, 3);
	/* who has left is no more in the group, nor is what it is told */
	said("shutdown", shutdown(fds[3], SHUT_RD));
	said("attach", attach_constant(fds[2], 0));
	rec_who("shut", &sin, fds + 1, 2);
	said("detach", detach(fds[3]));
	said("detach", detach(fds[1]));
	said("detach", detach(fds[1]));
	/* nobody can say which, but one of them has it */
	rec("by hash %d; ", who_has(&sin, fds + 1, 2) >= 0);
}

/* what is no number of one of them leaves it to the hash, which uses all */
static void choose_out_of_range(const struct row *r)
{
	int fds[2], n[2] = { 0 }, i, who;
	struct sockaddr_in sin = share(fds, 2);

	said("attach", attach_constant(fds[0], r->a));
	for (i = 0; i < 40; i++) {
		who = who_has(&sin, fds, 2);
		if (who >= 0)
			n[who]++;
	}
	rec("together %d, each %d %d; ", n[0] + n[1], n[0] > 0, n[1] > 0);
}

/* what a program sees of the SYN: the port it comes from, in front of the payload */
static void choose_by_segment(const struct row *r)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_NET_OFF + 20),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	static const struct sock_filter length[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	int fds[2], c, i, wrong = 0;
	struct sockaddr_in sin = share(fds, 2);

	(void)r;
	said("attach", attach(fds[0], code, ARRAY_SIZE(code)));
	for (i = 0; i < 8; i++) {
		c = new_peer();
		need("connect", connect(c, SA(sin), sizeof(sin)));
		wait_for(fds[ntohs(name_of(c).sin_port) & 1], POLLIN);
		wrong += accept4(fds[ntohs(name_of(c).sin_port) & 1], NULL, NULL,
				 SOCK_NONBLOCK) < 0;
		close(c);
	}
	rec("wrong %d; ", wrong);
	said("attach", attach(fds[0], length, ARRAY_SIZE(length)));
	rec_who("bytes of payload", &sin, fds, 2);
}

/* each CPU its listener, by a program and by SO_INCOMING_CPU */
static void choose_by_cpu(const struct row *r)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_CPU),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	int fds[2], cpu, i, wrong = 0;
	struct sockaddr_in sin = share(fds, 2);
	cpu_set_t all;

	need("affinity", sched_getaffinity(0, sizeof(all), &all));
	if (r->a)
		said("attach", attach(fds[0], code, ARRAY_SIZE(code)));
	for (cpu = 0; cpu < 2; cpu++) {
		cpu_set_t set;

		if (!r->a)
			set_int(fds[cpu], SOL_SOCKET, SO_INCOMING_CPU, cpu);
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		/* where there is one CPU, all is the first one's */
		if (sched_setaffinity(0, sizeof(set), &set))
			break;
		for (i = 0; i < 4; i++)
			wrong += who_has(&sin, fds, 2) != cpu;
	}
	need("affinity", sched_setaffinity(0, sizeof(all), &all));
	rec("wrong %d; ", wrong);
}

static void choose_by_ebpf(const struct row *r)
{
	int fds[3], prog = load(BPF_PROG_TYPE_SOCKET_FILTER, 2);
	struct sockaddr_in sin;

	(void)r;
	/* a kernel without it is no reason to differ */
	if (prog < 0) {
		rec("bpf %d; ", errno == ENOSYS || errno == EPERM);
		return;
	}
	sin = share(fds, 3);
	said("attach", attach_loaded(fds[0], prog));
	close(prog);
	rec_who("constant", &sin, fds, 3);
	said("constant 1", attach_constant(fds[1], 1));
	rec_who("constant", &sin, fds, 3);
	said("not a program", attach_loaded(fds[0], fds[1]));
	said("detach", detach(fds[0]));
}

/* ---- errors ------------------------------------------------------------------------ */

static void attach_in_state(const struct row *r)
{
	int peer = -1, fd = in_state(r->a, &peer);

	said("attach", attach_constant(fd, 0));
	said("detach", detach(fd));
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	said("attach", attach_constant(fd, 0));
	said("detach", detach(fd));
	said("detach", detach(fd));
	rec_state(fd);
}

/* a program that came before the port: the first one's is that of all */
static void attach_before(const struct row *r)
{
	struct sockaddr_in sin = at("127.0.0.1", 0);
	int fds[2], i;

	for (i = 0; i < 2; i++) {
		fds[i] = new_sock();
		set_int(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
		if (i == r->a)
			said("attach", attach_constant(fds[i], 1));
		/* who has one does not join */
		if (said("bind", bind(fds[i], SA(sin), sizeof(sin))))
			return;
		sin = name_of(fds[i]);
		said("listen", listen(fds[i], 8));
	}
	rec_who("of the first", &sin, fds, 2);
	said("detach", detach(fds[0]));
	said("detach", detach(fds[1]));
}

static void bad_programs(const struct row *r)
{
	static const struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
	struct sock_fprog prog = { .len = 1, .filter = BAD };
	int fds[1], length;

	(void)r;
	share(fds, 1);
	said("no return", attach(fds[0], endless, 1));
	said("none", attach(fds[0], NULL, 0));
	said("bad pointer", setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
				       sizeof(prog)));
	said("bad struct", setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, BAD,
				      sizeof(prog)));
	for (length = 0; length <= 20; length += 4)
		said("length", setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
					  length));
	said("no descriptor", attach_loaded(fds[0], -1));
	said("detach", detach(fds[0]));
}

void add_reuseport_rows(void)
{
	static const long values[] = { 2, 1000, -1 };
	static const enum state states[] = { FRESH, BOUND, LISTENING, ESTABLISHED, RESET };
	unsigned int i;

	add(choose_constant, "SO_REUSEPORT: a program's constant")->with_peer = true;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		struct row *r = add(choose_out_of_range, "SO_REUSEPORT: a program says %ld of 2",
				    values[i]);

		r->a = values[i];
		r->with_peer = true;
	}
	add(choose_by_segment, "SO_REUSEPORT: a program looks at the SYN")->with_peer = true;
	add(choose_by_cpu, "SO_REUSEPORT: by SO_INCOMING_CPU")->a = 0;
	add(choose_by_cpu, "SO_REUSEPORT: a program says the CPU")->a = 1;
	add(choose_by_ebpf, "SO_REUSEPORT: a program of eBPF");
	for (i = 0; i < ARRAY_SIZE(states); i++)
		add(attach_in_state, "SO_REUSEPORT: a program, %s",
		    state_names[states[i]])->a = states[i];
	add(attach_before, "SO_REUSEPORT: a program before the port")->a = 0;
	add(attach_before, "SO_REUSEPORT: a program of the second before the port")->a = 1;
	add(bad_programs, "SO_REUSEPORT: bad programs");
}
