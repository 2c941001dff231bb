// SPDX-License-Identifier: GPL-2.0
/*
 * MSG_ZEROCOPY and MSG_SPLICE_PAGES: the program's own pages, and those of a
 * file or a pipe, go out without a copy.
 *
 * Upper edge (layer 2). Locks: the socket's. A notice on the socket's error
 * queue tells the program when the pages are its own again, which is when the
 * last buffer with them is freed: the peer has acknowledged them, and no
 * device holds them. The core counts the buffers and writes the notice; what
 * a receiver on the same host is handed, the core copies. io_uring brings a
 * notice of its own (msg_ubuf), which it holds.
 */
#include <linux/skbuff.h>
#include <net/sock.h>

#include "compat.h"
#include "sock.h"
#include "zerocopy.h"

/**
 * toytcp_zerocopy_begin() - does this call of send() copy?
 * @sk: the socket
 * @msg: the message, with its flags
 * @uarg: where its notice goes; NULL when it copies
 *
 * Without SO_ZEROCOPY the flag means nothing, as with Linux.
 *
 * Context: process, socket lock held.
 * Return: 0, or -ENOBUFS when there is no room for the notice.
 */
int toytcp_zerocopy_begin(struct sock *sk, struct msghdr *msg,
			  struct ubuf_info **uarg)
{
	*uarg = NULL;
	if (!(msg->msg_flags & MSG_ZEROCOPY) || !msg_data_left(msg))
		return 0;
	if (msg->msg_ubuf) {
		*uarg = msg->msg_ubuf;
		return 0;
	}
	if (!sock_flag(sk, SOCK_ZEROCOPY))
		return 0;
	*uarg = msg_zerocopy_realloc(sk, msg_data_left(msg), NULL);
	return *uarg ? 0 : -ENOBUFS;
}

/**
 * toytcp_zerocopy_end() - the call is over
 * @msg: the message
 * @uarg: from toytcp_zerocopy_begin(), or NULL
 * @copied: bytes that were taken, or negative errno
 *
 * A call that took nothing sends no notice.
 *
 * Context: process, socket lock held.
 */
void toytcp_zerocopy_end(const struct msghdr *msg, struct ubuf_info *uarg,
			 int copied)
{
	if (msg->msg_ubuf)
		return;
	if (copied > 0)
		net_zcopy_put(uarg);
	else
		net_zcopy_put_abort(uarg, true);
}

/**
 * toytcp_zerocopy_append() - a new buffer of the write queue, of the program's pages
 * @sk: the socket
 * @msg: the message; what was taken is no longer left in it
 * @goal: bytes at most
 * @uarg: from toytcp_zerocopy_begin()
 *
 * Context: process, socket lock held.
 * Return: bytes taken, 0 if there is no memory, -EFAULT.
 */
int toytcp_zerocopy_append(struct sock *sk, struct msghdr *msg, u32 goal,
			   struct ubuf_info *uarg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int len = min_t(size_t, msg_data_left(msg), goal);
	struct sk_buff *skb;
	int n = 0;

	skb = toytcp_sendq_append(sk);
	if (!skb)
		return 0;
	/* whole pages are charged, however little of them is sent */
	if (sk_wmem_schedule(sk, len + 2 * PAGE_SIZE))
		n = skb_zerocopy_iter_stream(sk, skb, msg, len, uarg);
	if (n <= 0) {
		toytcp_sendq_drop(sk, skb);
		return n;
	}
	ts->write_seq += n;
	TOYTCP_CB(skb)->end_seq += n;
	return n;
}

/**
 * toytcp_zerocopy_splice() - sendfile() and splice(): pages that somebody else holds, too
 * @sk: the socket
 * @msg: the message; what was taken is no longer left in it
 * @goal: bytes that one buffer may hold
 *
 * Each page gets a reference; what is in no page is copied by the core. What
 * the program writes into the file before the data are acknowledged may be
 * what the peer gets, as with the kernel's TCP.
 *
 * Context: process, socket lock held.
 * Return: bytes taken, 0 if there is no memory, or negative errno.
 */
int toytcp_zerocopy_splice(struct sock *sk, struct msghdr *msg, u32 goal)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool fresh = false;
	int n;

	if (!toytcp_sendq_may_add(skb, goal)) {
fresh:
		skb = toytcp_sendq_append(sk);
		if (!skb)
			return 0;
		fresh = true;
	}
	n = min_t(size_t, msg_data_left(msg), goal - skb->len);
	if (sk_wmem_schedule(sk, n))
		n = compat_splice_from_iter(skb, &msg->msg_iter, n,
					    sk->sk_allocation);
	else
		n = 0;
	if (n > 0) {
		skb_shinfo(skb)->flags |= SKBFL_SHARED_FRAG;
		sk_wmem_queued_add(sk, n);
		sk_mem_charge(sk, n);
		ts->write_seq += n;
		TOYTCP_CB(skb)->end_seq += n;
		return n;
	}
	/* no place for another page in it */
	if (n == -EMSGSIZE && !fresh)
		goto fresh;
	if (fresh)
		toytcp_sendq_drop(sk, skb);
	return n;
}
