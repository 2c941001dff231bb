/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets that a program takes for AF_INET6's: see mapped.c.
 *
 * Upper edge (layer 2).
 */
#ifndef _TOYTCP_MAPPED_H
#define _TOYTCP_MAPPED_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/sockptr.h>
#include <net/sock.h>

/* does the program see addresses of IPv6? It began before the socket had any. */
static inline bool toytcp_mapped(const struct sock *sk)
{
	return READ_ONCE(sk->sk_family) == AF_INET6;
}

int toytcp_mapped_set(struct sock *sk, int val);
int toytcp_mapped_clone(struct sock *child, const struct sock *parent);
void toytcp_mapped_end(struct sock *sk);
void toytcp_mapped_destruct(struct sock *sk);
int toytcp_mapped_bind(struct sock *sk, const struct sockaddr *uaddr, int len);
int toytcp_mapped_foreign(struct sock *sk, const struct sockaddr *uaddr,
			  int len, struct sockaddr_in *sin);
int toytcp_mapped_name(const struct sock *sk, const struct sockaddr_in *sin,
		       bool peer, void *uaddr);
int toytcp_mapped_setsockopt(struct sock *sk, int optname, sockptr_t optval,
			     unsigned int optlen);
int toytcp_mapped_getsockopt(struct sock *sk, int optname,
			     char __user *optval, int __user *optlen);

#endif /* _TOYTCP_MAPPED_H */
