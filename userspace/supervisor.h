/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The supervisor of "toytcp run": makes the sockets that programs under its
 * seccomp filter ask for. See cmd_run.c for the other half.
 */
#ifndef TOYTCP_SUPERVISOR_H
#define TOYTCP_SUPERVISOR_H

#include <stdbool.h>

/*
 * Fork it off, before the filter is there. It is no child of this process,
 * and holds nothing of it open. A socket of AF_INET6 that it is asked for
 * becomes one with TOYTCP_V4_MAPPED.
 *
 * Return: the channel to it; -1 after a message.
 */
int supervisor_start(void);

/*
 * Give it the filter's @listener, and wait until it serves. Both descriptors
 * are closed.
 *
 * Return: false after a message.
 */
bool supervisor_serve(int channel, int listener);

#endif /* TOYTCP_SUPERVISOR_H */
