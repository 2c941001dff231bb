// SPDX-License-Identifier: GPL-2.0
/*
 * vm-init - process 1 of scripts/vm's guests.
 *
 * Makes the guest ready for a test, runs the command, has kmemleak look for
 * leaks, leaves the kernel's log and the exit status on the host, and turns
 * the machine off. In C, static, and without help from other programs,
 * because starting one takes half a second on an emulated debug kernel: the
 * udev and tmpfiles of an ordinary boot take 45.
 *
 * What it is told comes by the environment (the kernel's command line):
 *	vm_run			the run's folder, see scripts/vm
 *	vm_uml			set under User-Mode Linux
 *	virtme_link_mods	the kernel's modules, when it has some
 *	virtme_initmount0	vm_run again, as virtme names it
 * and in the file guest.conf of that folder, a line each:
 *	tree PATH		where the command starts
 *	timeout SECONDS
 *	leaks yes|no		look for them at the end
 *	env NAME=VALUE		for the command
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

static const char *run_dir, *tree = "/";
static int leaks, uml;
static long timeout_s = 300;

/* say() - a line in the kernel's log, and so on the console. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[600];
	va_list args;
	int n;

	/* no vdprintf(): it seeks, and this file refuses that */
	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (fd >= 0 && write(fd, line, n) < 0)
		n = 0;
	close(fd);
}

static double uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say("vm-init: %s: %m\n", path);
	close(fd);
}

static void mkdirs(const char *path)
{
	char copy[768];
	char *p;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		mkdir(copy, 0755);
		*p = '/';
	}
	mkdir(copy, 0755);
}

static void mount_at(const char *type, const char *source, const char *path,
		     const char *options)
{
	if (mount(source, path, type, 0, options))
		say("vm-init: mounting %s on %s: %m\n", type, path);
}

/* overlay() - what is written below path from now on goes to memory. */
static int overlay(const char *path, const char *lower)
{
	char upper[800], work[800], options[2600];
	struct stat st;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return -1;
	snprintf(upper, sizeof(upper), "/run/overlay%s/upper", path);
	snprintf(work, sizeof(work), "/run/overlay%s/work", path);
	mkdirs(upper);
	mkdirs(work);
	chmod(upper, st.st_mode & 07777);
	snprintf(options, sizeof(options),
		 "xino=off,lowerdir=%s,upperdir=%s,workdir=%s", lower, upper,
		 work);
	mount_at("overlay", "overlay", path, options);
	return 0;
}

static void mount_file_systems(void)
{
	static const char * const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};
	static const char * const dirs[] = {
		"/run/lock", "/run/netns", "/run/user", "/run/nginx",
		"/dev/pts", "/dev/shm", "/dev/net",
	};
	size_t i;

	mount_at("proc", "proc", "/proc", NULL);
	mount_at("sysfs", "sys", "/sys", NULL);
	/* there already when the kernel does it; busy then */
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount_at("tmpfs", "run", "/run", "mode=755");
	/* the tree may be in /tmp */
	if (!strncmp(run_dir, "/tmp/", 5))
		overlay("/tmp", "/tmp");
	else
		mount_at("tmpfs", "tmp", "/tmp", "mode=1777");
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		mkdirs(dirs[i]);
	mount_at("devpts", "devpts", "/dev/pts", "mode=620,ptmxmode=666");
	mount_at("tmpfs", "shm", "/dev/shm", "mode=1777");
	mount_at("debugfs", "debugfs", "/sys/kernel/debug", NULL);
	mount_at("tracefs", "tracefs", "/sys/kernel/tracing", NULL);
	for (i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlink(links[i][0], links[i][1]) && errno != EEXIST)
			say("vm-init: %s: %m\n", links[i][1]);
	mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 200));
	overlay("/etc", "/etc");
	overlay("/var", "/var");
	overlay("/root", "/root");
}

/*
 * Modules: /lib/modules/RELEASE can be written to, and is the kernel's own
 * or, when all it has is built in, empty.
 */
static void mount_modules(void)
{
	const char *modules = getenv("virtme_link_mods");
	char path[sizeof(((struct utsname *)0)->release) + 32];
	struct utsname name;

	if (overlay("/usr/lib/modules", "/usr/lib/modules")) {
		overlay("/usr/lib", "/usr/lib");
		mkdirs("/usr/lib/modules");
	}
	uname(&name);
	snprintf(path, sizeof(path), "/usr/lib/modules/%s", name.release);
	mkdirs(path);
	if (modules)
		overlay(path, modules);
}

static void mount_run_dir(void)
{
	if (uml)
		mount_at("hostfs", "none", run_dir, run_dir);
	else
		mount_at("9p", "virtme.initmount0", run_dir,
			 "version=9p2000.L,trans=virtio,access=any,msize=262144");
}

static void read_conf(void)
{
	char path[600], line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/guest.conf", run_dir);
	file = fopen(path, "re");
	if (!file) {
		say("vm-init: %s: %m\n", path);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "tree ", 5))
			tree = strdup(line + 5);
		else if (!strncmp(line, "timeout ", 8))
			timeout_s = atol(line + 8);
		else if (!strncmp(line, "leaks ", 6))
			leaks = !strcmp(line + 6, "yes");
		else if (!strncmp(line, "env ", 4))
			putenv(strdup(line + 4));
	}
	fclose(file);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ifr.ifr_flags = IFF_UP;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		say("vm-init: lo: %m\n");
	close(fd);
}

static void set_environment(void)
{
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "dumb", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
}

/*
 * The command's output leaves by a virtio port, found by its name since there
 * is no udev to make the link. Only one process can have it open. User-Mode
 * Linux has a file for it, which scripts/vm reads while it grows.
 */
static int open_output(void)
{
	char name[64], path[600];
	size_t i;
	glob_t found;
	int fd = -1;

	if (uml) {
		snprintf(path, sizeof(path), "%s/output.raw", run_dir);
		/* what is written is on the host when write() is done */
		return open(path, O_WRONLY | O_APPEND | O_DSYNC | O_CLOEXEC);
	}
	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found))
		return -1;
	for (i = 0; i < found.gl_pathc && fd < 0; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");

		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) &&
		    !strcmp(name, "virtme.stdout\n")) {
			/* /sys/class/virtio-ports/vport1p1/name */
			sscanf(found.gl_pathv[i] + 24, "%32[^/]", name);
			snprintf(path, sizeof(path), "/dev/%s", name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
		}
		fclose(file);
	}
	globfree(&found);
	return fd;
}

static void write_all(int fd, const char *data, ssize_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			data += n;
			bytes -= n;
		}
	}
}

/* start_command() - returns the end of a pipe that has all its output. */
static int start_command(pid_t *pid)
{
	char path[600];
	int fds[2], null;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	*pid = fork();
	if (*pid == 0) {
		null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		setsid();
		snprintf(path, sizeof(path), "%s/command", run_dir);
		if (chdir(tree))
			_exit(126);
		execl("/bin/bash", "bash", path, NULL);
		_exit(127);
	}
	close(fds[1]);
	return fds[0];
}

/*
 * run_command() - run it to its end or the end of its time, passing on what
 * it says. Returns its exit status as a shell gives it, 124 for timeout.
 * Processes that it left behind may hold the pipe: their output is not waited
 * for longer than a second.
 */
static int run_command(void)
{
	double end = uptime() + timeout_s, last = 0;
	int in, out = open_output(), state, status = -1;
	static char data[65536];
	pid_t pid = -1, child;
	struct pollfd pfd;
	ssize_t n;

	in = start_command(&pid);
	pfd = (struct pollfd){ .fd = in, .events = POLLIN };
	for (;;) {
		n = poll(&pfd, 1, 100) > 0 ? read(in, data, sizeof(data)) : -1;
		if (n > 0)
			write_all(out, data, n);
		if (n == 0)
			pfd.fd = -1; /* all have closed it */
		while ((child = waitpid(-1, &state, WNOHANG)) > 0) {
			if (child != pid)
				continue; /* an orphan's end */
			status = WIFEXITED(state) ? WEXITSTATUS(state) :
						    128 + WTERMSIG(state);
			last = uptime() + 1;
		}
		if (status >= 0 && (n == 0 || pfd.fd < 0 || uptime() > last))
			return status;
		if (status < 0 && uptime() > end) {
			/* who is blocked, and what the processors do */
			write_file("/proc/sys/kernel/printk", "7");
			write_file("/proc/sysrq-trigger", "w");
			write_file("/proc/sysrq-trigger", "l");
			return 124;
		}
	}
}

/* An object must be 5 s old and unchanged in two scans to count as leaked. */
static void leak_check(void)
{
	FILE *from, *to;
	char path[600], line[512];

	if (!leaks || access(KMEMLEAK, F_OK))
		return;
	sleep(6);
	write_file(KMEMLEAK, "scan");
	write_file(KMEMLEAK, "scan");
	snprintf(path, sizeof(path), "%s/kmemleak.log", run_dir);
	from = fopen(KMEMLEAK, "re");
	to = fopen(path, "we");
	while (from && to && fgets(line, sizeof(line), from)) {
		fputs(line, to);
		say("%s", line);
	}
	if (to)
		fclose(to);
	say("vm-init: leak check ended at %.1fs\n", uptime());
}

static void save_dmesg(void)
{
	int size = klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0);
	char path[600], *text;
	int fd;

	text = malloc(size);
	size = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, size);
	snprintf(path, sizeof(path), "%s/dmesg.raw", run_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0 && size > 0)
		write_all(fd, text, size);
	close(fd);
}

int main(void)
{
	char path[600], text[16];
	int status;

	if (getpid() != 1) {
		fprintf(stderr, "vm-init: only as process 1 of a guest\n");
		return 1;
	}
	run_dir = strdup(getenv("vm_run") ?: "/");
	uml = !!getenv("vm_uml");
	mount_file_systems();
	mount_modules();
	mount_run_dir();
	set_environment();
	read_conf();
	loopback_up();
	if (sethostname("toytcp", 6))
		say("vm-init: hostname: %m\n");
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "600");

	say("vm-init: command starts at %.1fs\n", uptime());
	status = run_command();
	say("vm-init: command ended at %.1fs with %d\n", uptime(), status);

	leak_check();
	save_dmesg();
	snprintf(path, sizeof(path), "%s/status", run_dir);
	snprintf(text, sizeof(text), "%d\n", status);
	write_file(path, text);
	sync();
	/* QEMU ends instead of restarting; turning it off would need ACPI */
	reboot(uml ? RB_POWER_OFF : RB_AUTOBOOT);
	return 0;
}
