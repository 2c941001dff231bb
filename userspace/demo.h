/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two programs of the demonstration share. Both are ordinary socket
 * programs that stop wherever there is something to look at: scripts/demo-guest
 * reads what they say and lets them go on.
 */
#ifndef TOYTCP_DEMO_H
#define TOYTCP_DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <netinet/in.h>

/* demo_endpoint() needs room for "255.255.255.255:65535". */
#define DEMO_ENDPOINT_SIZE	(INET_ADDRSTRLEN + 6)

int demo_family(const char *name);
void demo_die(const char *what) __attribute__((noreturn));
char *demo_endpoint(char *text, const struct sockaddr_in *sin);
void demo_say_endpoints(int sock);
void demo_say_tcp_info(int sock);
void demo_phase_ends(bool step);
void demo_send_all(int sock, const void *data, size_t len);
size_t demo_read_head(int sock, char *buf, size_t size, size_t *head_len);

#endif /* TOYTCP_DEMO_H */
