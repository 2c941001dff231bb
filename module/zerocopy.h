/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSG_ZEROCOPY: see zerocopy.c.
 *
 * Upper edge (layer 2).
 */
#ifndef _TOYTCP_ZEROCOPY_H
#define _TOYTCP_ZEROCOPY_H

#include <linux/types.h>

struct msghdr;
struct sock;
struct ubuf_info;

int toytcp_zerocopy_begin(struct sock *sk, struct msghdr *msg,
			  struct ubuf_info **uarg);
void toytcp_zerocopy_end(const struct msghdr *msg, struct ubuf_info *uarg,
			 int copied);
int toytcp_zerocopy_append(struct sock *sk, struct msghdr *msg, u32 goal,
			   struct ubuf_info *uarg);

int toytcp_zerocopy_splice(struct sock *sk, struct msghdr *msg, u32 goal);

#endif /* _TOYTCP_ZEROCOPY_H */
