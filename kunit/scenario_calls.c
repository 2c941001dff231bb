// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls of scenarios; see scenario.h and docs/scenarios.md.
 *
 * Nothing sleeps. Where a call wants memory of a program, it gets some:
 * scn_run.user is a page of an address space that KUnit gives the test.
 */
#include <linux/ctype.h>
#include <linux/fcntl.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "scenario.h"
#include "toytcp.h"

#define LEN_OFFSET	2048	/* in the page: an option's length */

/* what a call came back with; is it what was written? */
static int result(struct scn_run *run, const struct scn_event *ev, s64 came)
{
	if (ev->any_result ? came >= 0 : came == ev->result)
		return 0;
	if (came < 0)
		snprintf(run->wrong, sizeof(run->wrong), "%s() = -1 %s", ev->name,
			 scn_errno_name(-came));
	else
		snprintf(run->wrong, sizeof(run->wrong), "%s() = %lld", ev->name, came);
	return -EINVAL;
}

static int malformed(struct scn_run *run, const struct scn_event *ev, const char *why)
{
	snprintf(run->wrong, sizeof(run->wrong), "%s(): %s", ev->name, why);
	return -EINVAL;
}

static struct socket *get_fd(struct scn_run *run, s64 fd)
{
	return fd >= 0 && fd < SCN_FDS ? run->fds[fd] : NULL;
}

static int number(struct scn_run *run, const struct scn_event *ev, u32 arg, s64 *value)
{
	if (arg < ev->n_args && !scn_number(ev->args[arg], value))
		return 0;
	return malformed(run, ev, "an argument is not understood");
}

static bool usual(const struct scn_event *ev, u32 arg)
{
	return arg < ev->n_args && !strcmp(ev->args[arg], "...");
}

/* ---- birth and death ---- */

static int new_fd(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	if (ev->any_result || ev->result < 3 || ev->result >= SCN_FDS || run->fds[ev->result])
		return result(run, ev, 3);
	run->fds[ev->result] = sock;
	return 0;
}

static int call_socket(struct scn_run *run, const struct scn_event *ev, struct socket *unused)
{
	struct socket *sock;
	s64 type, protocol;
	int err;

	if (!usual(ev, 0) || number(run, ev, 1, &type) || number(run, ev, 2, &protocol))
		return malformed(run, ev, "not (..., TYPE, PROTOCOL)");
	err = sock_create_kern(&init_net, AF_TOYTCP, type & ~SOCK_NONBLOCK, protocol, &sock);
	if (err)
		return result(run, ev, err);
	sim_track(sock);
	return new_fd(run, ev, sock);
}

static int call_bind(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 port = SCN_PORT;

	if (!usual(ev, 1) && number(run, ev, 1, &port))
		return -EINVAL;
	return result(run, ev, sim_bind(sock, 0, port));
}

static int call_listen(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 backlog;

	return number(run, ev, 1, &backlog) ?: result(run, ev, kernel_listen(sock, backlog));
}

static int call_connect(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 peer = 1;

	if (!usual(ev, 1) && (number(run, ev, 1, &peer) || peer < 1 || peer >= SCN_PEERS))
		return malformed(run, ev, "no such peer");
	return result(run, ev, sim_connect(sock, SIM_PEER, run->peers[peer].port));
}

static int call_accept(struct scn_run *run, const struct scn_event *ev, struct socket *listener)
{
	struct socket *sock;
	int err = kernel_accept(listener, &sock, O_NONBLOCK);

	if (err)
		return result(run, ev, err);
	sim_track(sock);
	return new_fd(run, ev, sock);
}

static int call_shutdown(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 how;

	return number(run, ev, 1, &how) ?: result(run, ev, kernel_sock_shutdown(sock, how));
}

static int call_close(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 fd;

	if (number(run, ev, 0, &fd))
		return -EINVAL;
	run->fds[fd] = NULL;
	sim_close(sock);
	return result(run, ev, 0);
}

/* ---- data ---- */

static int send(struct scn_run *run, const struct scn_event *ev, struct socket *sock, s64 len,
		s64 flags, s64 peer)
{
	struct toytcp_sock *ts = sim_ts(sock);
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(SIM_PEER),
		.sin_port = htons(run->peers[peer].port),
	};
	s64 sent = 0;

	do {
		struct msghdr msg = {
			.msg_flags = flags | MSG_DONTWAIT | MSG_NOSIGNAL,
			.msg_name = flags & MSG_FASTOPEN ? &to : NULL,
			.msg_namelen = flags & MSG_FASTOPEN ? sizeof(to) : 0,
		};
		/* the SYN has a number, too */
		u32 offset = ts->iss && !ts->defer_connect ?
				     ts->write_seq - ts->iss - 1 : 0;
		struct kvec vec = { .iov_len = min_t(s64, len - sent, SIM_PERIOD) };
		int n;

		vec.iov_base = (void *)sim_bytes(offset);
		n = kernel_sendmsg(sock, &msg, &vec, 1, vec.iov_len);
		if (n < 0)
			return result(run, ev, sent ?: n);
		sent += n;
		if (n < vec.iov_len)
			break;
	} while (sent < len);
	return result(run, ev, sent);
}

static int call_write(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 len, flags = 0, peer = 1;

	if (!usual(ev, 1) || number(run, ev, 2, &len) ||
	    (ev->n_args > 3 && number(run, ev, 3, &flags)))
		return malformed(run, ev, "not (FD, ..., LENGTH[, FLAGS])");
	if (ev->n_args > 4 && !usual(ev, 4) &&
	    (number(run, ev, 4, &peer) || peer < 1 || peer >= SCN_PEERS))
		return malformed(run, ev, "no such peer");
	return send(run, ev, sock, len, flags, peer);
}

static int call_read(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	static u8 buf[SIM_PERIOD];
	struct kvec vec = { .iov_base = buf };
	struct toytcp_sock *ts = sim_ts(sock);
	s64 len, flags = 0, n;
	struct msghdr msg = {};
	u32 offset;

	if (!usual(ev, 1) || number(run, ev, 2, &len) || len < 0 || len > sizeof(buf) ||
	    (ev->n_args > 3 && number(run, ev, 3, &flags)))
		return malformed(run, ev, "not (FD, ..., LENGTH[, FLAGS])");
	offset = ts->copied_seq - ts->irs - 1;
	vec.iov_len = len;
	n = kernel_recvmsg(sock, &msg, &vec, 1, len, flags | MSG_DONTWAIT);
	if (n > 0 && !(flags & (MSG_OOB | MSG_TRUNC)) && !run->urgent &&
	    memcmp(buf, sim_bytes(offset), n))
		return malformed(run, ev, "what was read is not what was sent");
	return result(run, ev, n);
}

/* ---- options, state ---- */

/* "[N]", "{onoff=N, linger=N}" or a string, as an option's value */
static int option_value(const char *arg, u8 *value, int *len)
{
	struct linger linger;
	char text[96];
	size_t n = strlen(arg);
	s64 number;

	strscpy(text, arg, sizeof(text));
	if (arg[0] == '[' && arg[n - 1] == ']') {
		text[n - 1] = 0;
		if (scn_number(text + 1, &number))
			return -EINVAL;
		*len = sizeof(int);
		memcpy(value, &(int){ number }, *len);
		return 0;
	}
	if (arg[0] == '"' && n > 1 && arg[n - 1] == '"') {
		*len = n - 2;
		memcpy(value, arg + 1, *len);
		return 0;
	}
	if (sscanf(arg, "{onoff=%d, linger=%d}", &linger.l_onoff, &linger.l_linger) != 2)
		return -EINVAL;
	*len = sizeof(linger);
	memcpy(value, &linger, *len);
	return 0;
}

static int call_setsockopt(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	s64 level, name, given;
	u8 value[96];
	int len;

	if (ev->n_args != 5 || number(run, ev, 1, &level) || number(run, ev, 2, &name) ||
	    option_value(ev->args[3], value, &len) || scn_number(ev->args[4], &given) ||
	    given > (s64)sizeof(value))
		return malformed(run, ev, "not (FD, LEVEL, NAME, [VALUE], LENGTH)");
	return result(run, ev, do_sock_setsockopt(sock, false, level, name, KERNEL_SOCKPTR(value),
						  given));
}

/* memory of a program: few scenarios need it, and it is dear */
static int get_user_page(struct scn_run *run)
{
	if (!run->user)
		run->user = (void __user *)kunit_vm_mmap(run->test, NULL, 0, PAGE_SIZE,
							 PROT_READ | PROT_WRITE,
							 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	return run->user ? 0 : -ENOMEM;
}

/*
 * It goes with the address space that KUnit gave this thread for it: one that
 * a kernel thread still uses when it exits is never freed (exit_mm() takes the
 * reference that outlives the thread, kthread_use_mm() had taken another).
 */
void scn_user_end(struct scn_run *run)
{
	struct mm_struct *mm = current->mm;

	if (!run->user)
		return;
	run->user = NULL;
	kthread_unuse_mm(mm);
	mmput(mm);
}

/* the option's value into @value; *len: in its room, out its length */
static int option_get(struct scn_run *run, struct socket *sock, int level, int name,
		      void *value, int *len)
{
	void __user *at, *at_len;
	int err = get_user_page(run);

	if (err)
		return err;
	at = run->user;
	at_len = run->user + LEN_OFFSET;
	if (copy_to_user(at_len, len, sizeof(*len)))
		return -EFAULT;
	err = do_sock_getsockopt(sock, false, level, name, USER_SOCKPTR(at), USER_SOCKPTR(at_len));
	if (err)
		return err;
	if (copy_from_user(len, at_len, sizeof(*len)) || copy_from_user(value, at, *len))
		return -EFAULT;
	return 0;
}

static int call_getsockopt(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	u8 want[96], came[64] = {};
	int want_len, len = sizeof(came), err;
	s64 level, name;

	if (ev->n_args != 5 || number(run, ev, 1, &level) || number(run, ev, 2, &name) ||
	    option_value(ev->args[3], want, &want_len))
		return malformed(run, ev, "not (FD, LEVEL, NAME, [VALUE], [LENGTH])");
	err = option_get(run, sock, level, name, came, &len);
	if (err || ev->result)
		return result(run, ev, err);
	if (memcmp(came, want, want_len)) {
		snprintf(run->wrong, sizeof(run->wrong), "getsockopt(): the value is [%d]",
			 *(int *)came);
		return -EINVAL;
	}
	return 0;
}

/* the number behind @key in @s, which ends at a comma or a bracket */
static int field(const char *s, const char *key, s64 *value)
{
	const char *at = strstr(s, key);
	char text[64];
	size_t n;

	if (!at)
		return -EINVAL;
	at += strlen(key);
	n = strcspn(at, ",}");
	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, at, n);
	text[n] = 0;
	return scn_number(text, value);
}

/* poll([{fd=N, events=E, revents=R}], 1, 0) */
static int call_poll(struct scn_run *run, const struct scn_event *ev, struct socket *unused)
{
	s64 fd, ask, want;
	struct socket *sock;
	__poll_t came;

	if (field(ev->args[0], "{fd=", &fd) || field(ev->args[0], " events=", &ask) ||
	    field(ev->args[0], "revents=", &want))
		return malformed(run, ev, "not ([{fd=N, events=E, revents=R}], 1, 0)");
	sock = get_fd(run, fd);
	if (!sock)
		return malformed(run, ev, "no such descriptor");
	came = sock->ops->poll(NULL, sock, NULL) & ((__force __poll_t)ask | EPOLLERR | EPOLLHUP);
	if ((__force s64)came != want) {
		snprintf(run->wrong, sizeof(run->wrong), "poll(): revents=%#x, not %#llx",
			 (__force u32)came, want);
		return -EINVAL;
	}
	return result(run, ev, !!came);
}

static int call_ioctl(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	int err, came, len;
	u8 want[96];
	s64 cmd;

	if (number(run, ev, 1, &cmd) || ev->n_args != 3 || option_value(ev->args[2], want, &len) ||
	    len != sizeof(int))
		return malformed(run, ev, "not (FD, COMMAND, [VALUE])");
	if (get_user_page(run))
		return malformed(run, ev, "no memory of a program");
	err = sock->ops->ioctl(sock, cmd, (unsigned long)run->user);
	if (err || ev->result)
		return result(run, ev, err);
	if (copy_from_user(&came, run->user, sizeof(came)))
		return malformed(run, ev, "no memory of a program");
	if (came != *(int *)want) {
		snprintf(run->wrong, sizeof(run->wrong), "ioctl(): the value is [%d]", came);
		return -EINVAL;
	}
	return 0;
}

static int call_fcntl(struct scn_run *run, const struct scn_event *ev, struct socket *sock)
{
	return 0;	/* nothing blocks here anyway */
}

static const struct {
	const char *name;
	int (*run)(struct scn_run *run, const struct scn_event *ev, struct socket *sock);
	bool no_fd;
} calls[] = {
	{ "socket", call_socket, .no_fd = true },
	{ "bind", call_bind },
	{ "listen", call_listen },
	{ "connect", call_connect },
	{ "accept", call_accept },
	{ "read", call_read },
	{ "recv", call_read },
	{ "recvfrom", call_read },
	{ "write", call_write },
	{ "send", call_write },
	{ "sendto", call_write },
	{ "shutdown", call_shutdown },
	{ "close", call_close },
	{ "setsockopt", call_setsockopt },
	{ "getsockopt", call_getsockopt },
	{ "poll", call_poll, .no_fd = true },
	{ "ioctl", call_ioctl },
	{ "fcntl", call_fcntl },
};

/* 0, or a negative errno and in @run->wrong what came instead */
int scn_call(struct scn_run *run, const struct scn_event *ev)
{
	struct socket *sock = NULL;
	s64 fd;
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i].name, ev->name))
			break;
	if (i == ARRAY_SIZE(calls))
		return malformed(run, ev, "no such call");
	if (!calls[i].no_fd) {
		if (number(run, ev, 0, &fd))
			return -EINVAL;
		sock = get_fd(run, fd);
		if (!sock)
			return malformed(run, ev, "no such descriptor");
	}
	return calls[i].run(run, ev, sock);
}

/* ---- TCP_INFO ---- */

#define FIELD(f) { #f, offsetof(struct tcp_info, f), sizeof_field(struct tcp_info, f) }

static const struct {
	const char *name;
	u16 offset, size;
} fields[] = {
	FIELD(tcpi_state), FIELD(tcpi_ca_state), FIELD(tcpi_retransmits), FIELD(tcpi_probes),
	FIELD(tcpi_backoff), FIELD(tcpi_options), FIELD(tcpi_rto), FIELD(tcpi_ato),
	FIELD(tcpi_snd_mss), FIELD(tcpi_rcv_mss), FIELD(tcpi_unacked), FIELD(tcpi_sacked),
	FIELD(tcpi_lost), FIELD(tcpi_retrans), FIELD(tcpi_last_data_sent),
	FIELD(tcpi_last_data_recv), FIELD(tcpi_last_ack_recv), FIELD(tcpi_pmtu),
	FIELD(tcpi_rcv_ssthresh), FIELD(tcpi_rtt), FIELD(tcpi_rttvar), FIELD(tcpi_snd_ssthresh),
	FIELD(tcpi_snd_cwnd), FIELD(tcpi_advmss), FIELD(tcpi_reordering), FIELD(tcpi_rcv_rtt),
	FIELD(tcpi_rcv_space), FIELD(tcpi_total_retrans), FIELD(tcpi_pacing_rate),
	FIELD(tcpi_max_pacing_rate), FIELD(tcpi_bytes_acked), FIELD(tcpi_bytes_received),
	FIELD(tcpi_segs_out), FIELD(tcpi_segs_in), FIELD(tcpi_notsent_bytes),
	FIELD(tcpi_min_rtt), FIELD(tcpi_data_segs_in), FIELD(tcpi_data_segs_out),
	FIELD(tcpi_delivery_rate), FIELD(tcpi_busy_time), FIELD(tcpi_rwnd_limited),
	FIELD(tcpi_sndbuf_limited), FIELD(tcpi_delivered), FIELD(tcpi_delivered_ce),
	FIELD(tcpi_bytes_sent), FIELD(tcpi_bytes_retrans), FIELD(tcpi_dsack_dups),
	FIELD(tcpi_reord_seen), FIELD(tcpi_rcv_ooopack), FIELD(tcpi_snd_wnd),
};

/* one field of struct tcp_info; -ENOENT: there is none of that name */
int scn_tcp_info(struct scn_run *run, int fd, const char *field, s64 *value)
{
	struct socket *sock = get_fd(run, fd);
	struct tcp_info info = {};
	int len = sizeof(info), i, err;
	const void *at;

	if (!sock)
		return -EBADF;
	err = option_get(run, sock, IPPROTO_TCP, TCP_INFO, &info, &len);
	if (err)
		return err;
	if (!strcmp(field, "tcpi_snd_wscale") || !strcmp(field, "tcpi_rcv_wscale")) {
		*value = field[5] == 's' ? info.tcpi_snd_wscale : info.tcpi_rcv_wscale;
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, field))
			continue;
		at = (u8 *)&info + fields[i].offset;
		switch (fields[i].size) {
		case 1:
			*value = *(u8 *)at;
			return 0;
		case 4:
			*value = *(u32 *)at;
			return 0;
		case 8:
			*value = *(u64 *)at;
			return 0;
		}
	}
	return -ENOENT;
}
