/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A socket of AF_TOYTCP, or a sentence that says what to do to get one.
 */
#ifndef TOYTCP_FAMILY_H
#define TOYTCP_FAMILY_H

/*
 * Make a socket, closed on exec.
 *
 * Return: the descriptor; -1 after a message that begins with @command.
 */
int family_socket(const char *command);

#endif /* TOYTCP_FAMILY_H */
