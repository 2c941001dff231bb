// SPDX-License-Identifier: GPL-2.0
/*
 * The supervisor of "toytcp run": makes the sockets that programs under its
 * seccomp filter ask for.
 *
 * One process, one thread, no state but the descriptors below: a call is taken
 * from the listener, a socket made in the network namespace and with the user
 * of the thread that called, put into its table of descriptors and answered.
 * The caller stands still meanwhile, so nothing about it changes but that it
 * may be killed, which SECCOMP_IOCTL_NOTIF_ID_VALID tells.
 *
 * It is in a session of its own, holds neither terminal nor pipes nor folders
 * of the program, is not its child, and ends when the last process under the
 * filter has ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"
#include "toytcp.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS		/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	(1UL << 0)
#endif

/* a socket that we cannot make: the kernel shall do what the call says */
#define LEAVE_IT	(-512)

struct supervisor {
	int listener;
	int proc;		/* /proc, as it was at the start */
	struct stat net;	/* our network namespace's file: which it is */
	ino_t net_listing;	/* the same by its /proc/net/toytcp */
	uid_t uid;
	gid_t gid;
	struct seccomp_notif *call;
	struct seccomp_notif_resp *answer;
	size_t call_size;
	size_t answer_size;
};

/* ---- a socket ---- */

/* What a socket is to be, and for whom. */
struct request {
	int caller;		/* its folder in /proc */
	bool mapped;		/* it takes it for one of AF_INET6 */
	int type;		/* with flags */
	int netns;		/* its network namespace */
	int result;		/* descriptor, negative errno or LEAVE_IT */
};

/* In the network namespace that this thread is in. */
static void make_here(struct request *req)
{
	int one = 1, fd = socket(AF_TOYTCP, req->type, 0);

	req->result = fd < 0 ? -errno : fd;
	if (fd < 0 || !req->mapped ||
	    !setsockopt(fd, SOL_TOYTCP, TOYTCP_V4_MAPPED, &one, sizeof(one)))
		return;
	req->result = errno == ENOMEM ? -ENOMEM : LEAVE_IT;
	close(fd);
}

/* In a process of its own that shares descriptors and memory with us. */
static int make_there(void *arg)
{
	struct request *req = arg;
	int user;

	if (setns(req->netns, CLONE_NEWNET)) {
		/*
		 * Without privilege here, there may be some in the user
		 * namespace that the caller made for itself.
		 */
		user = openat(req->caller, "ns/user", O_RDONLY | O_CLOEXEC);
		if (user >= 0) {
			if (setns(user, CLONE_NEWUSER) ||
			    setns(req->netns, CLONE_NEWNET))
				req->result = LEAVE_IT;
			close(user);
		} else {
			req->result = LEAVE_IT;
		}
		if (req->result == LEAVE_IT)
			return 0;
	}
	make_here(req);
	return 0;
}

/*
 * Into another network namespace goes a child, once for each socket: one kept
 * there would keep the namespace from ending when its programs have ended.
 */
static void make_elsewhere(struct request *req)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid;

	req->result = 0;
	pid = clone(make_there, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_FILES, req);
	if (pid < 0)
		req->result = LEAVE_IT;
	else
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
}

/* Whether the caller is in our network namespace; else it is opened. */
static bool is_here(const struct supervisor *sup, struct request *req)
{
	struct stat net;

	req->netns = -1;
	if (!fstatat(req->caller, "ns/net", &net, 0)) {
		if (net.st_ino == sup->net.st_ino && net.st_dev == sup->net.st_dev)
			return true;
		req->netns = openat(req->caller, "ns/net", O_RDONLY | O_CLOEXEC);
		return false;
	}
	/*
	 * A process may have hidden its insides from those who have no
	 * privilege (prctl(PR_SET_DUMPABLE)). Its view of the listing says
	 * which namespace it is in all the same.
	 */
	return !fstatat(req->caller, "net/toytcp", &net, 0) &&
	       net.st_ino == sup->net_listing;
}

/* Return: the socket, negative errno or LEAVE_IT. */
static int make_socket(const struct supervisor *sup, int caller, int family,
		       int type)
{
	struct request req = {
		.caller = caller,
		.mapped = family == AF_INET6,
		.type = type | SOCK_CLOEXEC,
	};
	bool here = is_here(sup, &req);
	struct stat st;

	if (!here && req.netns < 0)
		return LEAVE_IT;
	/* owner of the folder: the caller's effective user and group */
	if (!fstat(caller, &st)) {
		if (st.st_gid != sup->gid)
			setfsgid(st.st_gid);
		if (st.st_uid != sup->uid)
			setfsuid(st.st_uid);
	}
	if (!here) {
		make_elsewhere(&req);
		close(req.netns);
	} else {
		make_here(&req);
	}
	setfsuid(sup->uid);
	setfsgid(sup->gid);
	return req.result;
}

/* ---- a call ---- */

static bool still_waits(const struct supervisor *sup)
{
	return !ioctl(sup->listener, SECCOMP_IOCTL_NOTIF_ID_VALID,
		      &sup->call->id);
}

/*
 * Put @fd into the caller's table, at its lowest free number and within its
 * limit. Our own reference is gone before the caller runs on: what it closes
 * is then closed.
 *
 * Return: the caller's descriptor, or negative errno.
 */
static int hand_over(const struct supervisor *sup, int fd, int type)
{
	struct seccomp_notif_addfd add = {
		.id = sup->call->id,
		.srcfd = fd,
		.newfd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0,
	};
	int ret;

	do
		ret = ioctl(sup->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void answer_call(const struct supervisor *sup)
{
	int type = (int)sup->call->data.args[1], fd = LEAVE_IT, caller;
	char name[16];

	snprintf(name, sizeof(name), "%u", sup->call->pid);
	caller = openat(sup->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* the folder is the caller's if it still waits, and stays so */
	if (!still_waits(sup)) {
		if (caller >= 0)
			close(caller);
		return;
	}
	if (caller >= 0) {
		fd = make_socket(sup, caller, (int)sup->call->data.args[0], type);
		close(caller);
	}
	if (fd >= 0)
		fd = hand_over(sup, fd, type);

	memset(sup->answer, 0, sup->answer_size);
	sup->answer->id = sup->call->id;
	if (fd >= 0)
		sup->answer->val = fd;
	else if (fd == LEAVE_IT)
		sup->answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		sup->answer->error = fd;
	/* fails when the caller was killed; it misses nothing */
	ioctl(sup->listener, SECCOMP_IOCTL_NOTIF_SEND, sup->answer);
}

/* Until there is no process under the filter any more. */
static void serve(const struct supervisor *sup)
{
	struct pollfd pfd = { .fd = sup->listener, .events = POLLIN };

	for (;;) {
		if (poll(&pfd, 1, -1) < 0) {
			if (errno == EINTR || errno == ENOMEM)
				continue;
			return;
		}
		if (pfd.revents & POLLIN) {
			memset(sup->call, 0, sup->call_size);
			if (!ioctl(sup->listener, SECCOMP_IOCTL_NOTIF_RECV,
				   sup->call))
				answer_call(sup);
		} else if (pfd.revents) {
			return;
		}
	}
}

/* ---- start ---- */

/* Structs as large as this kernel's, which may be newer than our header. */
static bool alloc_messages(struct supervisor *sup)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(__NR_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return false;
	sup->call_size = sizes.seccomp_notif > sizeof(*sup->call) ?
			 sizes.seccomp_notif : sizeof(*sup->call);
	sup->answer_size = sizes.seccomp_notif_resp > sizeof(*sup->answer) ?
			   sizes.seccomp_notif_resp : sizeof(*sup->answer);
	sup->call = malloc(sup->call_size);
	sup->answer = malloc(sup->answer_size);
	return sup->call && sup->answer;
}

/* Return: what could not be had, with errno; NULL when all is there. */
static const char *prepare(struct supervisor *sup)
{
	struct stat st;

	if (!alloc_messages(sup))
		return "memory for seccomp's messages";
	sup->uid = geteuid();
	sup->gid = getegid();
	sup->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sup->proc < 0 || fstatat(sup->proc, "thread-self/ns/net", &sup->net, 0))
		return "/proc (it must be mounted)";
	if (fstatat(sup->proc, "thread-self/net/toytcp", &st, 0))
		return "/proc/net/toytcp";
	sup->net_listing = st.st_ino;
	return NULL;
}

/* Give up all that is the program's: it must not notice that we live on. */
static void detach(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
				       SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM };
	struct rlimit limit;
	sigset_t none;
	size_t i;

	setsid();
	if (chdir("/"))
		_exit(1);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_NAME, "toytcp-run");
}

/* Keep @fd alone of all descriptors; it becomes number 0. */
static void keep_only(int fd)
{
	if (fd != 0 && (dup2(fd, 0) < 0))
		_exit(1);
	syscall(__NR_close_range, 1, ~0U, 0);
}

static int receive_listener(int channel)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(channel, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void supervisor_main(int channel)
{
	struct supervisor sup = { };
	__u64 flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
	char said[128] = "";
	const char *lacking;

	detach();
	keep_only(channel);
	channel = 0;
	lacking = prepare(&sup);
	if (lacking)
		snprintf(said, sizeof(said), "%s: %s", lacking, strerror(errno));
	sup.listener = receive_listener(channel);
	if (sup.listener < 0)
		_exit(1);
	/* caller and supervisor take turns: on the same CPU, where it can be */
	ioctl(sup.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
	/* the end of a line without text means: at your service */
	strcat(said, "\n");
	if (send(channel, said, strlen(said), MSG_NOSIGNAL) < 0 || lacking)
		_exit(1);
	close(channel);
	serve(&sup);
	_exit(0);
}

int supervisor_start(void)
{
	int pair[2], status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		perror("toytcp run: socketpair");
		return -1;
	}
	/*
	 * A child that sends no SIGCHLD and forks again: COMMAND will find
	 * neither a child nor a signal that it knows nothing of.
	 */
	pid = syscall(__NR_clone, 0UL, NULL, NULL, NULL, 0UL);
	if (!pid) {
		pid = fork();
		if (!pid)
			supervisor_main(pair[0]);
		_exit(pid < 0);
	}
	close(pair[0]);
	if (pid < 0 || waitpid(pid, &status, __WALL) < 0 || status) {
		fputs("toytcp run: the supervisor could not be started: no more processes allowed?\n",
		      stderr);
		close(pair[1]);
		return -1;
	}
	return pair[1];
}

bool supervisor_serve(int channel, int listener)
{
	char control[CMSG_SPACE(sizeof(int))] = "", said[128] = "";
	struct iovec iov = { .iov_base = said, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	ssize_t n = -1;

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &listener, sizeof(int));
	if (sendmsg(channel, &msg, MSG_NOSIGNAL) == 1)
		n = recv(channel, said, sizeof(said) - 1, 0);
	close(channel);
	close(listener);
	if (n == 1)
		return true;
	fprintf(stderr, "toytcp run: the supervisor could not start: %s",
		n > 0 ? said : "it has ended\n");
	return false;
}
