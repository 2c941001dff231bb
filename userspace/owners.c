// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the process behind a socket the only way there is: every process's
 * open files are links, and a socket's says "socket:[inode]". Processes come
 * and go while this looks; one that is gone is no error. One that may not be
 * looked into (another user's) is remembered in owners->incomplete.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "owners.h"

/* Read a small file of a process. Return: its length, 0 if it has none. */
static size_t read_file(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return 0;
	len = read(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		len = 0;
	buf[len] = '\0';
	return (size_t)len;
}

/*
 * The name is argv[0] without its folders, or "comm" where there is none. A
 * process may write anything there: what would move the cursor or end the
 * column is replaced.
 */
static void program_name(int dir, char *name, size_t size)
{
	char buf[4096], *base = buf, *slash;
	size_t i;

	if (!read_file(dir, "cmdline", buf, sizeof(buf)) || !buf[0])
		if (!read_file(dir, "comm", buf, sizeof(buf)))
			strcpy(buf, "?");
	if (buf[0] == '/') {
		slash = strrchr(buf, '/');
		if (slash[1])
			base = slash + 1;
	}
	base[strcspn(base, " \n")] = '\0';
	for (i = 0; i < size - 1 && base[i]; i++)
		name[i] = isgraph((unsigned char)base[i]) ? base[i] : '?';
	name[i] = '\0';
}

static bool append(struct owners *owners, size_t *room,
		   const struct owner *owner)
{
	struct owner *list;

	if (owners->count == *room) {
		*room = *room ? 2 * *room : 256;
		list = reallocarray(owners->list, *room, sizeof(*list));
		if (!list)
			return false;
		owners->list = list;
	}
	owners->list[owners->count++] = *owner;
	return true;
}

/* Return: 0, or -ENOMEM; what cannot be seen is only noted. */
static int scan_process(struct owners *owners, size_t *room, int proc,
			const char *pid)
{
	struct owner owner = { .pid = atol(pid) };
	char link[64], end;
	struct dirent *entry;
	int dir, fds, err = 0;
	ssize_t len;
	DIR *d;

	dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fds >= 0 ? fdopendir(fds) : NULL;
	if (!d) {
		if (errno == EACCES || errno == EPERM)
			owners->incomplete = true;
		if (fds >= 0)
			close(fds);
		close(dir);
		return 0;
	}
	while (!err && (entry = readdir(d))) {
		len = readlinkat(fds, entry->d_name, link, sizeof(link) - 1);
		if (len < 0) {
			if (errno == EACCES || errno == EPERM)
				owners->incomplete = true;
			continue;
		}
		link[len] = '\0';
		if (sscanf(link, "socket:[%lu%c", &owner.inode, &end) != 2 ||
		    end != ']')
			continue;
		if (!owner.program[0])
			program_name(dir, owner.program,
				     sizeof(owner.program));
		if (!append(owners, room, &owner))
			err = -ENOMEM;
	}
	closedir(d);
	close(dir);
	return err;
}

static int compare(const void *va, const void *vb)
{
	const struct owner *a = va, *b = vb;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/**
 * owners_load() - look through all processes
 * @owners: filled in; the caller ends it with owners_free()
 *
 * Return: 0 or a negative errno.
 */
int owners_load(struct owners *owners)
{
	struct dirent *entry;
	size_t room = 0;
	int err = 0;
	DIR *d;

	memset(owners, 0, sizeof(*owners));
	d = opendir("/proc");
	if (!d)
		return -errno;
	while (!err && (entry = readdir(d)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = scan_process(owners, &room, dirfd(d),
					   entry->d_name);
	closedir(d);
	if (err)
		owners_free(owners);
	else if (owners->count)
		qsort(owners->list, owners->count, sizeof(*owners->list),
		      compare);
	return err;
}

/**
 * owners_lookup() - who holds this socket
 * @owners: from owners_load()
 * @inode: of the socket
 *
 * Return: the process with the lowest number (a server's parent rather than
 * its workers), NULL if none was seen.
 */
const struct owner *owners_lookup(const struct owners *owners,
				  unsigned long inode)
{
	size_t low = 0, high = owners->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (owners->list[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	if (!inode || low == owners->count || owners->list[low].inode != inode)
		return NULL;
	return &owners->list[low];
}

/**
 * owners_free() - give the list back
 * @owners: may be used for owners_load() again
 */
void owners_free(struct owners *owners)
{
	free(owners->list);
	memset(owners, 0, sizeof(*owners));
}
