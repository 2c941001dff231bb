/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reservations in the kernel's own table of ports.
 *
 * Side (layer 2).
 */
#ifndef _TOYTCP_RESERVE_H
#define _TOYTCP_RESERVE_H

#include <linux/types.h>

struct inet_timewait_sock;
struct toytcp_net;

int toytcp_reserve(struct toytcp_net *tn, struct inet_timewait_sock *place, u16 num);
void toytcp_reserve_end(struct toytcp_net *tn, struct inet_timewait_sock *place);
void toytcp_reserve_net_exit(struct toytcp_net *tn);

#endif /* _TOYTCP_RESERVE_H */
