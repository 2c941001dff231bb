/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which congestion control a namespace and a socket use.
 *
 * Side (layer 2).
 */
#ifndef _TOYTCP_CONG_NET_H
#define _TOYTCP_CONG_NET_H

#include "compat.h"

struct net;
struct sock;
struct toytcp_cong_ops;

void toytcp_cong_net_init(struct net *net);
void toytcp_cong_net_exit(struct net *net);
const struct toytcp_cong_ops *toytcp_cong_net_default_get(struct net *net);
void toytcp_cong_net_route(struct sock *sk);
int toytcp_cong_net_select(struct sock *sk, const char *name);
int toytcp_cong_net_sysctl_default(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos);
int toytcp_cong_net_sysctl_available(compat_ctl_table *table, int write,
				     void *buffer, size_t *lenp, loff_t *ppos);
int toytcp_cong_net_sysctl_allowed(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos);

#endif /* _TOYTCP_CONG_NET_H */
