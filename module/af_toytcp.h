/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The upper edge: the socket family and its options.
 *
 * Upper edge (layer 2).
 */
#ifndef _TOYTCP_AF_TOYTCP_H
#define _TOYTCP_AF_TOYTCP_H

#include <linux/net.h>
#include <linux/sockptr.h>

int toytcp_family_register(void);
void toytcp_family_unregister(void);
int toytcp_bind_locked(struct sock *sk, __be32 addr, u16 port);
bool toytcp_bind_allowed(struct net *net, u16 port);
int toytcp_connect_locked(struct socket *sock, struct sockaddr *uaddr, int len,
			  int flags, bool begun);
int toytcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);
ssize_t toytcp_sendpage(struct socket *sock, struct page *page, int offset,
			size_t size, int flags);
int toytcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		   int flags);
void toytcp_more_wanted(struct sock *sk);
ssize_t toytcp_splice_read(struct socket *sock, loff_t *ppos,
			   struct pipe_inode_info *pipe, size_t len,
			   unsigned int flags);
void toytcp_splice_eof(struct socket *sock);
int toytcp_setsockopt(struct socket *sock, int level, int optname,
		      sockptr_t optval, unsigned int optlen);
int toytcp_getsockopt(struct socket *sock, int level, int optname,
		      char __user *optval, int __user *optlen);

#endif /* _TOYTCP_AF_TOYTCP_H */
