// SPDX-License-Identifier: GPL-2.0
/*
 * The socket calls that move bytes: sendmsg() and recvmsg().
 *
 * Upper edge (layer 2). Locks: each call takes the socket lock. RFC 9293
 * section 3.9.1 (SEND, RECEIVE); errors are those of the kernel's TCP.
 */
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <net/busy_poll.h>
#include <net/tcp.h>

#include "af_toytcp.h"
#include "compat.h"
#include "ipv4.h"
#include "recycle.h"
#include "seq.h"
#include "sock.h"
#include "urgent.h"
#include "zerocopy.h"

/* ---- send ---- */

/*
 * Bytes that one buffer of the write queue may hold: whole segments. For what
 * fits into one, and has nothing before it, one is enough.
 */
static u32 size_goal(const struct sock *sk, struct msghdr *msg)
{
	if (skb_queue_empty(&sk->sk_write_queue) &&
	    msg_data_left(msg) <= toytcp_sk(sk)->mss)
		return toytcp_sk(sk)->mss;
	return toytcp_output_gso_segs(sk) * toytcp_sk(sk)->mss;
}

/*
 * Copy into the last buffer of the write queue, or a new one.
 * Returns bytes copied, 0 if there is no memory, -EFAULT.
 */
static int send_copy(struct sock *sk, struct msghdr *msg, u32 goal)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	struct page_frag *pfrag = sk_page_frag(sk);
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool fresh = false, merge;
	int copy, i, err;

	if (!toytcp_sendq_may_add(skb, goal)) {
fresh:
		skb = toytcp_sendq_append(sk);
		if (!skb)
			return 0;
		fresh = true;
	}
	err = 0;
	if (!toytcp_recycle_frag_refill(sk, pfrag))
		goto fail;
	i = skb_shinfo(skb)->nr_frags;
	merge = skb_can_coalesce(skb, i, pfrag->page, pfrag->offset);
	if (!merge && i >= MAX_SKB_FRAGS)
		goto fresh;
	copy = min_t(size_t, msg_data_left(msg), goal - skb->len);
	copy = min_t(u32, copy, pfrag->size - pfrag->offset);
	if (!sk_wmem_schedule(sk, copy))
		goto fail;
	err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page,
				       pfrag->offset, copy);
	if (err)
		goto fail;
	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], copy);
	} else {
		skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, copy);
		page_ref_inc(pfrag->page);
	}
	pfrag->offset += copy;
	ts->write_seq += copy;
	TOYTCP_CB(skb)->end_seq += copy;
	return copy;

fail:
	if (fresh)
		toytcp_sendq_drop(sk, skb);
	return err;
}

/*
 * MSG_FASTOPEN, or the first write after a connect() that put the SYN off
 * (TCP_FASTOPEN_CONNECT). *copied: bytes that went into the SYN.
 */
static int send_opens(struct sock *sk, struct msghdr *msg, int *copied)
{
	int flags = msg->msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0, err;
	struct toytcp_fastopen_send send = { .msg = msg };
	struct sockaddr *uaddr = msg->msg_name;
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool begun = ts->defer_connect;

	if (!(READ_ONCE(toytcp_sk_net(sk)->sysctl.fastopen) &
	      TFO_CLIENT_ENABLE) ||
	    (uaddr && msg->msg_namelen >= (int)sizeof(uaddr->sa_family) &&
	     uaddr->sa_family == AF_UNSPEC))
		return -EOPNOTSUPP;
	if (ts->fastopen_send)
		return -EALREADY;
	ts->fastopen_send = &send;
	if (begun) {
		ts->defer_connect = false;
		err = toytcp_output_connect(sk);
		if (err)
			toytcp_sock_error(sk, -err);
	}
	err = toytcp_connect_locked(sk->sk_socket, uaddr, msg->msg_namelen,
				    flags, begun);
	/* another thread may have disconnected meanwhile, and begun anew */
	if (ts->fastopen_send == &send) {
		ts->fastopen_send = NULL;
		*copied = send.copied;
	}
	return err;
}

/* nothing more can be sent: shut down, broken, or gone while we slept */
static bool send_ended(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ||
	       !toytcp_may_write(sk);
}

/* @splice: the message is of pages that somebody else holds, too */
static int sendmsg_locked(struct sock *sk, struct msghdr *msg, bool splice)
{
	int flags = msg->msg_flags, copied = 0, in_syn = 0, err, n;
	struct ubuf_info *uarg = NULL;
	struct sockcm_cookie sockc;
	long timeo;
	u32 goal;

	err = toytcp_zerocopy_begin(sk, msg, &uarg);
	if (err)
		return err;
	sockcm_init(&sockc, sk);
	toytcp_stamp_begin(sk, sockc.tsflags);
	if (unlikely(flags & MSG_FASTOPEN || toytcp_sk(sk)->defer_connect)) {
		err = send_opens(sk, msg, &in_syn);
		copied = in_syn;
		if (err == -EINPROGRESS && copied)
			goto out;
		if (err) {
			copied = 0;
			goto error;
		}
	}
	timeo = sock_sndtimeo(sk, flags & MSG_DONTWAIT);
	toytcp_rate_check_app_limited(sk);
	if (!toytcp_may_write(sk)) {
		err = sk_stream_wait_connect(sk, &timeo);
		if (err)
			goto error;
	}
	if (msg->msg_controllen) {
		/* of what the core understands SO_TIMESTAMPING concerns a stream */
		err = -EINVAL;
		if (sock_cmsg_send(sk, msg, &sockc))
			goto error;
	}
	toytcp_stamp_keep(sk, sockc.tsflags);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	goal = size_goal(sk, msg);
	err = -EPIPE;
	/* what is to be sent may be nothing: it is told all the same */
	if (send_ended(sk))
		goto error;
	while (msg_data_left(msg)) {
		n = uarg ? toytcp_zerocopy_append(sk, msg, goal, uarg) :
		    splice ? toytcp_zerocopy_splice(sk, msg, goal) :
			     send_copy(sk, msg, goal);
		if (n > 0) {
			copied += n;
			/*
			 * A full buffer can go while the next one fills. If that is
			 * the last and smaller they go together: the reader wakes once.
			 */
			if (msg_data_left(msg) >= goal && !(flags & MSG_OOB) &&
			    skb_peek_tail(&sk->sk_write_queue)->len >= goal)
				toytcp_output_push(sk, TOYTCP_PUSH_MORE);
			continue;
		}
		if (n < 0) {
			err = n;
			goto error;
		}
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		if (copied && (flags & MSG_OOB))
			toytcp_urgent_send(sk);
		toytcp_output_push(sk, TOYTCP_PUSH_NAGLE);
		err = sk_stream_wait_memory(sk, &timeo);
		if (!err && send_ended(sk))
			err = -EPIPE;
		if (err)
			goto error;
		goal = size_goal(sk, msg);
	}
	if (copied && flags & MSG_EOR)
		toytcp_sendq_end_record(sk);
out:
	if (copied && (flags & MSG_OOB))
		toytcp_urgent_send(sk);
	/* as Linux: what went with the SYN gets no stamp */
	if (copied > in_syn)
		toytcp_stamp_write(sk, sockc.tsflags);
	/* the next page comes at once, and would not fit behind what has gone */
	if (copied && !(splice && flags & COMPAT_MSG_SENDPAGE_NOTLAST)) {
		toytcp_output_push(sk, flags & MSG_MORE ? TOYTCP_PUSH_MORE :
							  TOYTCP_PUSH_NAGLE);
	}
	toytcp_zerocopy_end(msg, uarg, copied);
	return copied;

error:
	if (copied)
		goto out;
	toytcp_zerocopy_end(msg, uarg, err);
	err = sk_stream_error(sk, flags, err);
	/* an edge-triggered epoll must hear of the room that it was refused */
	if (err == -EAGAIN && skb_queue_empty(&sk->sk_write_queue) &&
	    RB_EMPTY_ROOT(&toytcp_sk(sk)->rtx_queue))
		toytcp_sock_write_space(sk);
	return err;
}

/**
 * toytcp_sendmsg() - struct proto_ops.sendmsg
 * @sock: the socket
 * @msg: what to send, flags and control messages
 * @len: bytes
 *
 * Context: process; takes the socket lock, may sleep.
 * Return: bytes taken, or an errno of the kernel's TCP.
 */
int toytcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	int ret;

	lock_sock(sock->sk);
	ret = sendmsg_locked(sock->sk, msg,
			     msg->msg_flags & COMPAT_MSG_SPLICE_PAGES);
	release_sock(sock->sk);
	return ret;
}

/**
 * toytcp_sendpage() - struct proto_ops.sendpage of kernels before 6.5: sendfile(), splice()
 * @sock: the socket
 * @page: the page; gets a reference for as long as it is in the queue
 * @offset: where in it, bytes
 * @size: how many bytes of it
 * @flags: MSG_DONTWAIT, MSG_MORE, MSG_SENDPAGE_NOTLAST: another page follows at once
 *
 * Context: process; takes the socket lock, may sleep.
 * Return: bytes taken, or an errno of the kernel's TCP.
 */
ssize_t toytcp_sendpage(struct socket *sock, struct page *page, int offset,
			size_t size, int flags)
{
	struct bio_vec bv = {
		.bv_page = page, .bv_offset = offset, .bv_len = size,
	};
	struct msghdr msg = {
		.msg_flags = flags & (MSG_DONTWAIT | MSG_MORE | MSG_NOSIGNAL |
				      COMPAT_MSG_SENDPAGE_NOTLAST),
	};
	int ret;

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &bv, 1, size);
	lock_sock(sock->sk);
	ret = sendmsg_locked(sock->sk, &msg, true);
	release_sock(sock->sk);
	return ret;
}

/* ---- receive ---- */

/* nothing is left to read, and no answer to be expected that carries the ACK */
static bool all_read(const struct sock *sk)
{
	return !toytcp_sk(sk)->interactive &&
	       skb_queue_empty(&sk->sk_receive_queue);
}

/* reading made room: does the peer need to know? */
static void read_ack(struct sock *sk, u32 copied)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 unacked;

	if (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT | TCPF_LISTEN))
		return;
	unacked = ts->rcv_nxt - ts->rcv_wup;
	/*
	 * An ACK that waited for the program waits no longer once all is read; in a
	 * dialogue an answer is about to carry it.
	 */
	if (ts->ack_pending &&
	    (unacked > ts->rcv_mss ||
	     (unacked == ts->rcv_mss && all_read(sk)))) {
		toytcp_output_ack(sk);
		return;
	}
	if (ts->ack_pending && copied && all_read(sk))
		toytcp_timers_delack_read(sk);
	/* what was refused comes again at once, not at the peer's timeout */
	if (ts->rcvbuf_dropped && atomic_read(&sk->sk_rmem_alloc) <
				  READ_ONCE(sk->sk_rcvbuf) / 2) {
		ts->rcvbuf_dropped = false;
		toytcp_output_ack(sk);
		return;
	}
	if (copied && !(sk->sk_shutdown & RCV_SHUTDOWN) &&
	    toytcp_rwnd_grew(sk))
		toytcp_output_ack(sk);
}

/*
 * The program is about to wait until more comes. If it has not answered what a
 * young connection brought (ack_schedule()), there will be no answer without
 * that.
 */
static void more_wanted(struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->ack_pending && ts->quickacks && !ts->interactive &&
	    ts->rcv_nxt != ts->rcv_wup)
		toytcp_output_ack(sk);
}

/**
 * toytcp_more_wanted() - poll() has found nothing to read, and the program asks for that
 * @sk: the socket
 *
 * It will wait, as it does in recv(). Where another call of the program has the
 * lock, that one knows better.
 *
 * Context: process, without the socket lock; does not sleep.
 */
void toytcp_more_wanted(struct sock *sk)
{
	/* a hint: should it be missed, the ACK goes a moment later */
	if (likely(!READ_ONCE(toytcp_sk(sk)->ack_pending)))
		return;
	local_bh_disable();
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk) && sk->sk_state == TCP_ESTABLISHED)
		more_wanted(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
}

/* the buffer that holds byte @seq of the stream; *offset: where in it */
static struct sk_buff *find_byte(struct sock *sk, u32 seq, u32 *offset)
{
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		u32 off = seq - TOYTCP_CB(skb)->seq;

		if (off < skb->len) {
			*offset = off;
			return skb;
		}
	}
	return NULL;
}

/* free what lies wholly before copied_seq */
static void drop_read(struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_receive_queue))) {
		u32 end = TOYTCP_CB(skb)->seq + skb->len;

		if (seq_after(end, ts->copied_seq))
			break;
		__skb_unlink(skb, &sk->sk_receive_queue);
		/* recvmsg() may hold it for its timestamp */
		consume_skb(skb);
	}
}

/*
 * Nothing to read now: return a reason to stop, or 0 to wait. *done: what
 * was copied is the answer.
 */
static int recv_stop(struct sock *sk, int copied, long timeo, bool *done)
{
	*done = true;
	if (copied) {
		if (sk->sk_err || sk->sk_state == TCP_CLOSE ||
		    (sk->sk_shutdown & RCV_SHUTDOWN) || !timeo ||
		    signal_pending(current))
			return copied;
	} else {
		if (sock_flag(sk, SOCK_DONE))
			return 0;
		if (sk->sk_err)
			return sock_error(sk);
		if (sk->sk_shutdown & RCV_SHUTDOWN)
			return 0;
		if (sk->sk_state == TCP_CLOSE)
			return -ENOTCONN;
		if (!timeo)
			return -EAGAIN;
		if (signal_pending(current))
			return sock_intr_errno(timeo);
	}
	*done = false;
	return 0;
}

/*
 * Take up to @len bytes at *@seq, which lie at @offset in @skb; not across an
 * urgent mark. Returns bytes copied, which may be none if an urgent byte was
 * all there was, or -EFAULT. *@seq moves behind what was taken.
 */
static int recv_bytes(struct sock *sk, struct sk_buff *skb, u32 offset,
		      struct msghdr *msg, size_t len, int flags, u32 *seq)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 n = min_t(size_t, skb->len - offset, len);
	bool skip;

	n = toytcp_urgent_limit(sk, *seq, n, &skip) - skip;
	if (!(flags & MSG_TRUNC) &&
	    skb_copy_datagram_msg(skb, offset + skip, msg, n))
		return -EFAULT;
	*seq += skip + n;
	/* SO_PEEK_OFF: where the next look begins */
	if (flags & MSG_PEEK) {
		sk_peek_offset_fwd(sk, n);
	} else {
		sk_peek_offset_bwd(sk, n);
		WRITE_ONCE(ts->copied_seq, *seq);
		toytcp_urgent_passed(sk);
		drop_read(sk);
		toytcp_sock_rcvbuf_adjust(sk);
	}
	return n;
}

/*
 * At the urgent mark a read ends; and one that begins there lets a pending
 * signal, which may be the SIGURG, be seen first. *err: what to say then.
 */
static bool recv_stops_at_mark(struct sock *sk, u32 seq, int copied,
			       long timeo, int *err)
{
	if (likely(!toytcp_urgent_at_mark(sk, seq)))
		return false;
	*err = copied;
	if (copied)
		return true;
	*err = timeo ? sock_intr_errno(timeo) : -EAGAIN;
	return signal_pending(current);
}

/* SO_TIMESTAMP and SO_TIMESTAMPING tell when the last of what was read came */
static void stamp_keep(struct sock *sk, struct sk_buff **last,
		       struct sk_buff *skb)
{
	if (likely(!sock_flag(sk, SOCK_RCVTSTAMP) && !READ_ONCE(sk->sk_tsflags)))
		return;
	consume_skb(*last);
	*last = skb_get(skb);
}

static void stamp_tell(struct sock *sk, struct msghdr *msg, struct sk_buff *last)
{
	if (likely(!last))
		return;
	/* one that came before stamps were asked for has none */
	if (last->tstamp)
		sock_recv_timestamp(msg, sk, last);
	consume_skb(last);
}

static int recvmsg_locked(struct sock *sk, struct msghdr *msg, size_t len,
			  int flags)
{
	struct sk_buff *last = NULL;
	struct toytcp_sock *ts = toytcp_sk(sk);
	int copied = 0, target, err = 0;
	u32 seq, window_read = 0;
	long timeo;
	bool done;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	if (flags & MSG_OOB)
		return toytcp_urgent_recv(sk, msg, len, flags);
	timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	seq = ts->copied_seq + max(sk_peek_offset(sk, flags), 0);

	/* once at least: a read of no bytes, too, reports the socket's state */
	do {
		struct sk_buff *skb;
		u32 offset;
		int n;

		if (recv_stops_at_mark(sk, seq, copied, timeo, &err)) {
			copied = err;
			break;
		}
		skb = find_byte(sk, seq, &offset);
		if (skb) {
			stamp_keep(sk, &last, skb);
			n = recv_bytes(sk, skb, offset, msg, len, flags, &seq);
			if (n < 0) {
				/* copied up to here is the program's; this is not */
				copied = copied ?: n;
				break;
			}
			copied += n;
			len -= n;
			if (!(flags & MSG_PEEK))
				window_read += n;
			continue;
		}
		if (copied >= target && !READ_ONCE(sk->sk_backlog.tail))
			break;
		err = recv_stop(sk, copied, timeo, &done);
		if (done) {
			copied = err;
			if (err == -EAGAIN)
				more_wanted(sk);
			break;
		}
		if (copied >= target) {
			/* the backlog may hold more: take it in and look again */
			release_sock(sk);
			lock_sock(sk);
		} else {
			read_ack(sk, window_read);
			more_wanted(sk);
			err = sk_wait_data(sk, &timeo,
					   skb_peek_tail(&sk->sk_receive_queue));
			if (err < 0) {
				copied = copied ?: err;
				break;
			}
		}
		/* another reader of the same socket may have been faster */
		if (!(flags & MSG_PEEK))
			seq = ts->copied_seq;
		else if (seq_before(seq, ts->copied_seq))
			seq = ts->copied_seq;
	} while (len);
	stamp_tell(sk, msg, last);
	read_ack(sk, window_read);
	return copied;
}

/* TCP_INQ: what is left to read, without another call; a FIN counts, as with Linux */
static void tell_inq(struct sock *sk, struct msghdr *msg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool wanted = READ_ONCE(ts->inq);

	if (!wanted && !msg->msg_get_inq)
		return;
	lock_sock(sk);
	msg->msg_inq = ts->rcv_nxt - ts->copied_seq;
	if (!msg->msg_inq && sock_flag(sk, SOCK_DONE))
		msg->msg_inq = 1;
	release_sock(sk);
	if (wanted)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(msg->msg_inq),
			 &msg->msg_inq);
}

/* SO_BUSY_POLL: look into the device's queue before anybody sleeps */
static void busy_poll(struct sock *sk, bool nonblock)
{
	if (sk_can_busy_loop(sk) &&
	    skb_queue_empty_lockless(&sk->sk_receive_queue) &&
	    READ_ONCE(sk->sk_state) == TCP_ESTABLISHED)
		sk_busy_loop(sk, nonblock);
}

/**
 * toytcp_recvmsg() - struct proto_ops.recvmsg
 * @sock: the socket
 * @msg: where to; gets control messages
 * @len: bytes
 * @flags: MSG_*
 *
 * Context: process; takes the socket lock, may sleep.
 * Return: bytes, 0 after the peer's FIN, or an errno of the kernel's TCP.
 */
int toytcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		   int flags)
{
	struct sock *sk = sock->sk;
	int ret;

	if (flags & MSG_ERRQUEUE)
		return toytcp_ipv4_recv_error(sk, msg, len);
	busy_poll(sk, flags & MSG_DONTWAIT);
	lock_sock(sk);
	ret = recvmsg_locked(sk, msg, len, flags);
	release_sock(sk);
	/* a stream socket reports no source address */
	if (ret >= 0) {
		msg->msg_namelen = 0;
		tell_inq(sk, msg);
	}
	return ret;
}

/* move what is there into a pipe; up to an urgent mark. 0: nothing is there */
static int splice_queued(struct sock *sk, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int done = 0, n = 0;

	while (done < len && !toytcp_urgent_at_mark(sk, ts->copied_seq)) {
		struct sk_buff *skb;
		u32 offset, take;
		bool skip;

		skb = find_byte(sk, ts->copied_seq, &offset);
		if (!skb)
			break;
		take = min_t(size_t, skb->len - offset, len - done);
		take = toytcp_urgent_limit(sk, ts->copied_seq, take, &skip);
		n = skb_splice_bits(skb, sk, offset, pipe, take, flags);
		if (n <= 0)
			break;
		done += n;
		WRITE_ONCE(ts->copied_seq, ts->copied_seq + n);
		toytcp_urgent_passed(sk);
		drop_read(sk);
		toytcp_sock_rcvbuf_adjust(sk);
	}
	if (done)
		read_ack(sk, done);
	return done ?: n;
}

static ssize_t splice_locked(struct sock *sk, struct pipe_inode_info *pipe,
			     size_t len, unsigned int flags, long timeo)
{
	ssize_t spliced = 0;
	bool done;
	int n;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	while (len) {
		n = splice_queued(sk, pipe, len, flags);
		if (n > 0) {
			spliced += n;
			len -= n;
			if (!len || !timeo)
				break;
			/* the backlog may hold more */
			release_sock(sk);
			lock_sock(sk);
			continue;
		}
		if (n < 0 || spliced)
			return spliced ?: n;
		n = recv_stop(sk, 0, timeo, &done);
		/* an urgent byte is all there is: not for a pipe */
		if (done || !skb_queue_empty(&sk->sk_receive_queue))
			return n;
		more_wanted(sk);
		n = sk_wait_data(sk, &timeo, NULL);
		if (n < 0)
			return n;
	}
	return spliced;
}

/**
 * toytcp_splice_read() - struct proto_ops.splice_read: from a socket into a pipe
 * @sock: the socket
 * @ppos: a socket has no position
 * @pipe: the pipe; it gets references to pages, and copies of what lies in none
 * @len: bytes at most
 * @flags: SPLICE_F_*
 *
 * Context: process; takes the socket lock, may sleep.
 * Return: bytes, 0 after the peer's FIN, or an errno of the kernel's TCP.
 */
ssize_t toytcp_splice_read(struct socket *sock, loff_t *ppos,
			   struct pipe_inode_info *pipe, size_t len,
			   unsigned int flags)
{
	struct sock *sk = sock->sk;
	ssize_t ret;
	long timeo;

	if (*ppos)
		return -ESPIPE;
	lock_sock(sk);
	timeo = sock_rcvtimeo(sk, sock->file->f_flags & O_NONBLOCK);
	ret = splice_locked(sk, pipe, len, flags, timeo);
	release_sock(sk);
	return ret;
}

/**
 * toytcp_splice_eof() - struct proto_ops.splice_eof: a file ended early
 * @sock: the socket
 *
 * sendfile() was asked for more than the file has: what it sent with MSG_MORE,
 * for the sake of what was to follow, does not wait any longer.
 *
 * Context: process; takes the socket lock.
 */
void toytcp_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;

	lock_sock(sk);
	toytcp_output_push(sk, TOYTCP_PUSH_NAGLE);
	release_sock(sk);
}
