// SPDX-License-Identifier: GPL-2.0
/*
 * The socket calls: what a program does to a socket.
 *
 * Upper edge (layer 2). Locks: each call takes the socket lock. RFC 9293
 * section 3.9.1 (the user interface); errors are those of the kernel's TCP.
 */
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sockios.h>
#include <net/inet_common.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/tcp.h>

#include "af_toytcp.h"
#include "compat.h"
#include "ipv4.h"
#include "listen.h"
#include "seq.h"
#include "sock.h"
#include "toytcp.h"
#include "urgent.h"
#include "zerocopy.h"

/* ---- addresses ---- */

static bool family_ok(int family)
{
	return family == AF_INET || family == AF_TOYTCP;
}

static int toytcp_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	long timeout = 0;
	struct net *net;

	if (!sk)
		return 0;
	/* the socket may take its namespace with it */
	net = get_net(sock_net(sk));
	if (sock_flag(sk, SOCK_LINGER) && !(current->flags & PF_EXITING))
		timeout = sk->sk_lingertime;
	toytcp_sock_close(sk, timeout);
	sock->sk = NULL;
	toytcp_port_settle(net);
	put_net(net);
	return 0;
}

static int bind_locked(struct sock *sk, __be32 addr, u16 port)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int err;

	if (sk->sk_state != TCP_CLOSE || ts->port_user.port)
		return -EINVAL;
	/* IP_BIND_ADDRESS_NO_PORT: connect() chooses it, for one destination */
	if (port || !compat_bind_no_port(sk)) {
		err = toytcp_port_bind(sk, addr, port);
		if (err)
			return err;
	}
	ts->flow.key.laddr = addr;
	if (addr)
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	if (port)
		sk->sk_userlocks |= SOCK_BINDPORT_LOCK;
	ts->flow.key.faddr = 0;
	ts->flow.key.fport = 0;
	sk_dst_reset(sk);
	return 0;
}

static int toytcp_bind(struct socket *sock, struct sockaddr *uaddr, int len)
{
	const struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	struct sock *sk = sock->sk;
	struct net *net = sock_net(sk);
	u16 port;
	int err;

	if (len < (int)sizeof(*addr))
		return -EINVAL;
	/* AF_UNSPEC with the wildcard is accepted, as by AF_INET */
	if (!family_ok(addr->sin_family) &&
	    !(addr->sin_family == AF_UNSPEC &&
	      addr->sin_addr.s_addr == htonl(INADDR_ANY)))
		return -EAFNOSUPPORT;
	if (!inet_addr_valid_or_nonlocal(net, inet_sk(sk),
					 addr->sin_addr.s_addr,
					 inet_addr_type(net, addr->sin_addr.s_addr)))
		return -EADDRNOTAVAIL;
	port = ntohs(addr->sin_port);
	if (port && inet_port_requires_bind_service(net, port) &&
	    !ns_capable(net->user_ns, CAP_NET_BIND_SERVICE))
		return -EACCES;

	lock_sock(sk);
	err = bind_locked(sk, addr->sin_addr.s_addr, port);
	release_sock(sk);
	return err;
}

static int toytcp_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	struct sock *sk = sock->sk;
	const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;
	int err = sizeof(*addr);

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	lock_sock(sk);
	if (peer) {
		if (!key->fport ||
		    (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT) &&
		     peer == 1))
			err = -ENOTCONN;
		addr->sin_port = key->fport;
		addr->sin_addr.s_addr = key->faddr;
	} else {
		addr->sin_port = key->lport;
		addr->sin_addr.s_addr = key->laddr;
	}
	release_sock(sk);
	return err;
}

/* ---- connect ---- */

/* active open, RFC 9293 3.10.1; socket lock held */
static int connect_start(struct sock *sk, const struct sockaddr_in *addr)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	__be32 bound = sk->sk_userlocks & SOCK_BINDADDR_LOCK ?
		       ts->flow.key.laddr : 0;
	__be32 laddr = bound;
	int err;

	err = toytcp_ipv4_route_connect(sk, addr->sin_addr.s_addr,
					addr->sin_port, &laddr);
	if (err)
		goto forget;
	ts->flow.key.laddr = laddr;
	ts->iss = 0;
	err = toytcp_port_connect(sk);
	if (err)
		goto forget;
	err = toytcp_ipv4_route(sk);
	if (err)
		goto remove;

	/* the successor of a time-wait has one */
	if (!ts->iss)
		ts->iss = toytcp_sock_isn(&ts->flow.key);
	ts->ts_offset = toytcp_sock_ts_offset(&ts->flow.key);
	ts->syn_ts = toytcp_ts_now(ts->ts_offset);
	ts->snd_sml = ts->iss;
	WRITE_ONCE(sk->sk_err_soft, 0);
	toytcp_state_set(sk, TCP_SYN_SENT);
	err = toytcp_output_connect(sk);
	if (!err)
		return 0;
	toytcp_state_set(sk, TCP_CLOSE);
remove:
	toytcp_demux_remove(&ts->flow);
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		toytcp_port_release(sock_net(sk), &ts->port_user);
forget:
	ts->flow.key.laddr = bound;
	ts->flow.key.faddr = 0;
	ts->flow.key.fport = 0;
	return err;
}

/* sleep until the handshake is over, one way or the other */
static long wait_for_connect(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

static int connect_locked(struct socket *sock, struct sockaddr *uaddr,
			  int len, int flags)
{
	struct sock *sk = sock->sk;
	long timeo;
	int err;

	if (uaddr->sa_family == AF_UNSPEC) {
		err = toytcp_sock_disconnect(sk);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
		return err;
	}
	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		err = -EALREADY;
		break;
	case SS_UNCONNECTED:
		if (sk->sk_state != TCP_CLOSE)
			return -EISCONN;
		if (len < (int)sizeof(struct sockaddr_in))
			return -EINVAL;
		if (!family_ok(uaddr->sa_family))
			return -EAFNOSUPPORT;
		err = connect_start(sk, (struct sockaddr_in *)uaddr);
		if (err)
			return err;
		sock->state = SS_CONNECTING;
		err = -EINPROGRESS;
		break;
	default:
		return -EINVAL;
	}

	timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (!timeo)
			return err;
		timeo = wait_for_connect(sk, timeo);
		if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
			if (signal_pending(current))
				return sock_intr_errno(timeo);
			return err;
		}
	}
	if (sk->sk_state == TCP_CLOSE) {
		/* refused, timed out, unreachable: RFC 9293 3.10.7.3 */
		err = sock_error(sk) ?: -ECONNABORTED;
		sock->state = SS_UNCONNECTED;
		toytcp_sock_disconnect(sk);
		return err;
	}
	sock->state = SS_CONNECTED;
	return 0;
}

static int toytcp_connect(struct socket *sock, struct sockaddr *uaddr, int len,
			  int flags)
{
	int err;

	if (len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	lock_sock(sock->sk);
	err = connect_locked(sock, uaddr, len, flags);
	release_sock(sock->sk);
	return err;
}

/* ---- listen, accept ---- */

static int toytcp_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	struct toytcp_sock *ts = toytcp_sk(sk);
	int err = -EINVAL;
	bool autobound;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED ||
	    !(BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		goto out;
	autobound = !ts->port_user.port;
	if (autobound) {
		err = toytcp_port_bind(sk, ts->flow.key.laddr, 0);
		if (err)
			goto out;
	}
	err = toytcp_listen_start(sk, backlog);
	if (err && autobound)
		toytcp_port_release(sock_net(sk), &ts->port_user);
out:
	release_sock(sk);
	return err;
}

/* sleep until the accept queue holds a child; socket lock held */
static int wait_for_child(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	/* exclusive: one child wakes one program */
	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait,
					  TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (list_empty(&toytcp_sk(sk)->accept_queue))
			timeo = schedule_timeout(timeo);
		lock_sock(sk);
		if (!list_empty(&toytcp_sk(sk)->accept_queue))
			break;
		err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
		err = 0;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

static int accept_child(struct socket *sock, struct socket *newsock, int flags)
{
	struct sock *sk = sock->sk, *child;
	long timeo;
	int err;

	lock_sock(sk);
	err = -EINVAL;
	if (sk->sk_state != TCP_LISTEN)
		goto out;
	err = 0;
	if (list_empty(&toytcp_sk(sk)->accept_queue)) {
		timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
		err = timeo ? wait_for_child(sk, timeo) : -EAGAIN;
	}
	child = err ? NULL : toytcp_listen_accept(sk);
out:
	release_sock(sk);
	if (err)
		return err;
	lock_sock(child);
	sock_graft(child, newsock);
	newsock->state = SS_CONNECTED;
	compat_custom_sockopt(newsock);
	release_sock(child);
	return 0;
}

COMPAT_ACCEPT(toytcp_accept, accept_child)

/* ---- shutdown ---- */

static int toytcp_shutdown(struct socket *sock, int how)
{
	struct sock *sk = sock->sk;
	int err = 0;

	/* SHUT_RD, SHUT_WR, SHUT_RDWR become bits RCV_SHUTDOWN, SEND_SHUTDOWN */
	how++;
	if ((how & ~SHUTDOWN_MASK) || !how)
		return -EINVAL;

	lock_sock(sk);
	if (sock->state == SS_CONNECTING) {
		if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV |
					 TCPF_CLOSE))
			sock->state = SS_DISCONNECTING;
		else
			sock->state = SS_CONNECTED;
	}
	switch (sk->sk_state) {
	case TCP_CLOSE:
		err = -ENOTCONN;
		fallthrough;	/* poll() must see the hang-up all the same */
	default:
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
		if (how & SEND_SHUTDOWN)
			toytcp_sock_shutdown_send(sk);
		break;
	case TCP_LISTEN:
		if (!(how & RCV_SHUTDOWN))
			break;
		fallthrough;
	case TCP_SYN_SENT:
		err = toytcp_sock_disconnect(sk);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
		break;
	}
	/* wake who sleeps in recv() or poll() */
	sk->sk_state_change(sk);
	release_sock(sk);
	return err;
}

/* ---- poll, ioctl ---- */

/* @more: so many bytes more than SO_RCVLOWAT demands */
static bool readable(struct sock *sk, int more)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	int avail = READ_ONCE(ts->rcv_nxt) - READ_ONCE(ts->copied_seq) -
		    ts->got_fin;

	if (avail <= 0)
		return false;
	/* SO_RCVLOWAT waits for more only as long as more can come */
	return avail >= sock_rcvlowat(sk, 0, INT_MAX) + more ||
	       toytcp_rcv_wnd_left(ts) <= ts->rcv_mss ||
	       atomic_read(&sk->sk_rmem_alloc) >= READ_ONCE(sk->sk_rcvbuf);
}

/*
 * SO_RCVLOWAT: no more than the receive buffer may ever hold as payload, and
 * the buffer grows to hold it, as with Linux. Socket lock held by the core.
 */
static int toytcp_set_rcvlowat(struct sock *sk, int val)
{
	bool fixed = sk->sk_userlocks & SOCK_RCVBUF_LOCK;
	int top = READ_ONCE(toytcp_net(sock_net(sk))->sysctl.rmem[2]);
	int cap = (fixed ? sk->sk_rcvbuf : max(top, sk->sk_rcvbuf)) >> 1;

	val = min(val, cap);
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	if (readable(sk, 0))
		sk->sk_data_ready(sk);
	if (!fixed && 2 * val > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, 2 * val);
	return 0;
}

static __poll_t toytcp_poll(struct file *file, struct socket *sock,
			    poll_table *wait)
{
	struct sock *sk = sock->sk;
	u8 shutdown = READ_ONCE(sk->sk_shutdown);
	__poll_t mask = 0;
	int state;

	sock_poll_wait(file, sock, wait);
	/* pairs with toytcp_state_set() */
	state = smp_load_acquire(&sk->sk_state);
	if (state == TCP_LISTEN)
		return list_empty_careful(&toytcp_sk(sk)->accept_queue) ?
			       0 : EPOLLIN | EPOLLRDNORM;
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
		/* a byte that reads leave out is none to read */
		if (readable(sk, toytcp_urgent_at_mark(sk, READ_ONCE(toytcp_sk(sk)->copied_seq)) &&
				 !sock_flag(sk, SOCK_URGINLINE)))
			mask |= EPOLLIN | EPOLLRDNORM;
		if (READ_ONCE(toytcp_sk(sk)->urg_data) & TOYTCP_URG_VALID)
			mask |= EPOLLPRI;
		if (shutdown & SEND_SHUTDOWN) {
			mask |= EPOLLOUT | EPOLLWRNORM;
		} else if (sk_stream_is_writeable(sk)) {
			mask |= EPOLLOUT | EPOLLWRNORM;
		} else {
			sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
			set_bit(SOCK_NOSPACE, &sock->flags);
			/* room may have come between test and set; pairs with the ACK path */
			smp_mb__after_atomic();
			if (sk_stream_is_writeable(sk))
				mask |= EPOLLOUT | EPOLLWRNORM;
		}
	}
	/* pairs with smp_wmb() in toytcp_sock_error() */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

static int toytcp_ioctl(struct socket *sock, unsigned int cmd,
			unsigned long arg)
{
	struct sock *sk = sock->sk;
	struct toytcp_sock *ts = toytcp_sk(sk);
	int answer = 0;

	switch (cmd) {
	case SIOCINQ:	/* FIONREAD */
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		break;
	default:
		/* addresses, routes, interfaces: the host's */
		return inet_ioctl(sock, cmd, arg);
	}
	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN && cmd != SIOCATMARK)
		answer = -EINVAL;
	else if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		answer = 0;
	else if (cmd == SIOCINQ)
		answer = toytcp_urgent_inq(sk);
	else if (cmd == SIOCATMARK)
		answer = toytcp_urgent_at_mark(sk, ts->copied_seq);
	else if (cmd == SIOCOUTQ)
		answer = ts->write_seq - ts->snd_una;
	else if (cmd == SIOCOUTQNSD)
		answer = ts->write_seq - ts->snd_nxt;
	release_sock(sk);
	if (answer < 0)
		return answer;
	return put_user(answer, (int __user *)arg);
}

/* ---- send ---- */

/* bytes that one buffer of the write queue may hold: whole segments */
static u32 size_goal(const struct sock *sk)
{
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

	/* to pages of the program's nothing is added */
	if (!skb || skb->len >= goal || skb_zcopy(skb)) {
fresh:
		if (!sk_stream_memory_free(sk))
			return 0;
		skb = toytcp_output_alloc(sk, sk->sk_allocation);
		if (!skb)
			return 0;
		TOYTCP_CB(skb)->seq = ts->write_seq;
		TOYTCP_CB(skb)->end_seq = ts->write_seq;
		__skb_queue_tail(&sk->sk_write_queue, skb);
		fresh = true;
	}
	err = 0;
	if (!sk_page_frag_refill(sk, pfrag))
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
	if (fresh) {
		__skb_unlink(skb, &sk->sk_write_queue);
		toytcp_output_free(sk, skb);
	}
	return err;
}

static int sendmsg_locked(struct sock *sk, struct msghdr *msg)
{
	int flags = msg->msg_flags, copied = 0, err, n;
	struct ubuf_info *uarg = NULL;
	struct sockcm_cookie sockc;
	long timeo;
	u32 goal;

	err = toytcp_zerocopy_begin(sk, msg, &uarg);
	if (err)
		return err;
	timeo = sock_sndtimeo(sk, flags & MSG_DONTWAIT);
	if (BIT(sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) {
		err = sk_stream_wait_connect(sk, &timeo);
		if (err)
			goto error;
	}
	if (msg->msg_controllen) {
		/* none of what the core understands concerns a stream; errors do */
		sockcm_init(&sockc, sk);
		err = -EINVAL;
		if (sock_cmsg_send(sk, msg, &sockc))
			goto error;
	}
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	goal = size_goal(sk);
	while (msg_data_left(msg)) {
		err = -EPIPE;
		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) ||
		    !(BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)))
			goto error;
		n = uarg ? toytcp_zerocopy_append(sk, msg, goal, uarg) :
			   send_copy(sk, msg, goal);
		if (n > 0) {
			copied += n;
			/* a full buffer can go while the next one fills */
			if (msg_data_left(msg) && !(flags & MSG_OOB) &&
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
		if (err)
			goto error;
		goal = size_goal(sk);
	}
out:
	if (copied && (flags & MSG_OOB))
		toytcp_urgent_send(sk);
	if (copied)
		toytcp_output_push(sk, flags & MSG_MORE ? TOYTCP_PUSH_MORE :
							  TOYTCP_PUSH_NAGLE);
	toytcp_zerocopy_end(uarg, copied);
	return copied;

error:
	if (copied)
		goto out;
	toytcp_zerocopy_end(uarg, err);
	err = sk_stream_error(sk, flags, err);
	/* an edge-triggered epoll must hear of the room that it was refused */
	if (err == -EAGAIN && skb_queue_empty(&sk->sk_write_queue) &&
	    RB_EMPTY_ROOT(&toytcp_sk(sk)->rtx_queue))
		sk->sk_write_space(sk);
	return err;
}

static int toytcp_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	int ret;

	lock_sock(sock->sk);
	ret = sendmsg_locked(sock->sk, msg);
	release_sock(sock->sk);
	return ret;
}

/* ---- receive ---- */

/* reading made room: does the peer need to know? */
static void read_ack(struct sock *sk, u32 copied)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 unacked;

	if (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT | TCPF_LISTEN))
		return;
	unacked = ts->rcv_nxt - ts->rcv_wup;
	/* an ACK that waited for the program waits no longer once all is read */
	if (ts->ack_pending &&
	    (unacked > ts->rcv_mss ||
	     (unacked == ts->rcv_mss &&
	      skb_queue_empty(&sk->sk_receive_queue)))) {
		toytcp_output_ack(sk);
		return;
	}
	/* what was refused comes again at once, not at the peer's timeout */
	if (ts->rcvbuf_dropped && atomic_read(&sk->sk_rmem_alloc) <
				  READ_ONCE(sk->sk_rcvbuf) / 2) {
		ts->rcvbuf_dropped = false;
		toytcp_output_ack(sk);
		return;
	}
	if (copied && !(sk->sk_shutdown & RCV_SHUTDOWN) &&
	    toytcp_output_window_grew(sk))
		toytcp_output_ack(sk);
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
		__kfree_skb(skb);
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
	if (!(flags & MSG_PEEK)) {
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

static int recvmsg_locked(struct sock *sk, struct msghdr *msg, size_t len,
			  int flags)
{
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
	seq = ts->copied_seq;

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
			break;
		}
		read_ack(sk, window_read);
		if (copied >= target) {
			/* the backlog may hold more: take it in and look again */
			release_sock(sk);
			lock_sock(sk);
		} else {
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

static int toytcp_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			  int flags)
{
	struct sock *sk = sock->sk;
	int ret;

	if (flags & MSG_ERRQUEUE)
		return toytcp_ipv4_recv_error(sk, msg, len);
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

/* ---- the family ---- */

static const struct proto_ops toytcp_proto_ops = {
	.family		= AF_TOYTCP,
	.owner		= THIS_MODULE,
	.release	= toytcp_release,
	.bind		= toytcp_bind,
	.connect	= toytcp_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= toytcp_accept,
	.getname	= toytcp_getname,
	.poll		= toytcp_poll,
	.ioctl		= toytcp_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= toytcp_listen,
	.shutdown	= toytcp_shutdown,
	.set_rcvlowat	= toytcp_set_rcvlowat,
	.setsockopt	= toytcp_setsockopt,
	.getsockopt	= toytcp_getsockopt,
	.sendmsg	= toytcp_sendmsg,
	.recvmsg	= toytcp_recvmsg,
	.mmap		= sock_no_mmap,
};

static int toytcp_create(struct net *net, struct socket *sock, int protocol,
			 int kern)
{
	struct sock *sk;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol && protocol != IPPROTO_TCP)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, AF_TOYTCP, GFP_KERNEL, &toytcp_prot, kern);
	if (!sk)
		return -ENOBUFS;
	sock->state = SS_UNCONNECTED;
	sock->ops = &toytcp_proto_ops;
	sock_init_data(sock, sk);
	/* options of SOL_SOCKET are the core's, but for a few */
	compat_custom_sockopt(sock);
	toytcp_sock_setup(sk);
	return 0;
}

static const struct net_proto_family toytcp_family = {
	.family	= PF_TOYTCP,
	.create	= toytcp_create,
	.owner	= THIS_MODULE,
};

/**
 * toytcp_family_register() - module load, last: let programs in
 *
 * Context: process.
 * Return: 0, or -EEXIST if something else has the family's number.
 */
int toytcp_family_register(void)
{
	return sock_register(&toytcp_family);
}

/**
 * toytcp_family_unregister() - module unload, first: no new sockets
 *
 * Context: process.
 */
void toytcp_family_unregister(void)
{
	sock_unregister(PF_TOYTCP);
}
