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
#include "mapped.h"
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

/* what a new struct socket tells the core */
static void setup_file(struct socket *sock)
{
	/* options of SOL_SOCKET are the core's, but for a few */
	compat_custom_sockopt(sock);
	/* io_uring may bring notices of its own, see zerocopy.c */
	set_bit(SOCK_SUPPORT_ZC, &sock->flags);
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

/**
 * toytcp_bind_locked() - bind() to an address that may be had
 * @sk: the socket
 * @addr: the address; 0: any
 * @port: the port, host order; 0: any
 *
 * Context: process, socket lock held.
 * Return: 0, -EINVAL if it is bound or more already, or what the port says.
 */
int toytcp_bind_locked(struct sock *sk, __be32 addr, u16 port)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int err;

	if (sk->sk_state != TCP_CLOSE || ts->port_user.port)
		return -EINVAL;
	/* IP_BIND_ADDRESS_NO_PORT: connect() chooses it, for one destination */
	if (port || !compat_bind_no_port(sk)) {
		err = toytcp_port_bind(sk, addr, port);
		if (err) {
			/* as Linux: that of a connection that failed is forgotten */
			ts->flow.key.laddr = 0;
			return err;
		}
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

/**
 * toytcp_bind_allowed() - may the caller bind a port of that number?
 * @net: the namespace
 * @port: the port, host order
 *
 * Context: process.
 */
bool toytcp_bind_allowed(struct net *net, u16 port)
{
	return !port || !inet_port_requires_bind_service(net, port) ||
	       ns_capable(net->user_ns, CAP_NET_BIND_SERVICE);
}

static int toytcp_bind(struct socket *sock, struct sockaddr *uaddr, int len)
{
	const struct sockaddr_in *addr = (struct sockaddr_in *)uaddr;
	struct sock *sk = sock->sk;
	struct net *net = sock_net(sk);
	u16 port;
	int err;

	if (toytcp_mapped(sk))
		return toytcp_mapped_bind(sk, uaddr, len);
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
	if (!toytcp_bind_allowed(net, port))
		return -EACCES;

	lock_sock(sk);
	err = toytcp_bind_locked(sk, addr->sin_addr.s_addr, port);
	release_sock(sk);
	return err;
}

static int toytcp_getname(struct socket *sock, struct sockaddr *uaddr, int peer)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct sock *sk = sock->sk;
	const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;
	int err = sizeof(addr);

	lock_sock(sk);
	if (peer) {
		if (!key->fport ||
		    (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_SYN_SENT) &&
		     peer == 1))
			err = -ENOTCONN;
		addr.sin_port = key->fport;
		addr.sin_addr.s_addr = key->faddr;
	} else {
		addr.sin_port = key->lport;
		addr.sin_addr.s_addr = key->laddr;
	}
	if (err > 0 && toytcp_mapped(sk))
		err = toytcp_mapped_name(sk, &addr, peer, uaddr);
	else
		memcpy(uaddr, &addr, sizeof(addr));
	release_sock(sk);
	return err;
}

/* ---- connect ---- */

/* the address that the program gave, checked */
static int foreign_end(struct sock *sk, const struct sockaddr *uaddr, int len,
		       struct sockaddr_in *addr)
{
	if (toytcp_mapped(sk))
		return toytcp_mapped_foreign(sk, uaddr, len, addr);
	if (len < (int)sizeof(*addr))
		return -EINVAL;
	if (!family_ok(uaddr->sa_family))
		return -EAFNOSUPPORT;
	memcpy(addr, uaddr, sizeof(*addr));
	return 0;
}

/* may segments come from it? Not RFC 1122 3.2.1.3's broadcast, no multicast */
static bool source_ok(struct net *net, __be32 addr)
{
	unsigned int type = inet_addr_type(net, addr);

	return type != RTN_BROADCAST && type != RTN_MULTICAST;
}

/* active open, RFC 9293 3.10.1; socket lock held */
static int connect_start(struct sock *sk, const struct sockaddr_in *addr)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	__be32 bound = sk->sk_userlocks & SOCK_BINDADDR_LOCK ?
		       ts->flow.key.laddr : 0;
	__be32 laddr = bound;
	int err;

	/* bind() takes it, as Linux, but it is no source: the route has one */
	if (laddr && !source_ok(sock_net(sk), laddr))
		laddr = 0;
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
	if (toytcp_fastopen_defer(sk)) {
		ts->defer_connect = true;
		ts->snd_una = ts->iss;
		ts->snd_nxt = ts->iss;
		ts->write_seq = ts->iss;
		return 0;
	}
	err = toytcp_output_connect(sk);
	if (!err)
		return 0;
	toytcp_state_set(sk, TCP_CLOSE);
remove:
	toytcp_demux_remove(&ts->flow);
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		toytcp_port_release(&ts->port_user);
forget:
	ts->flow.key.laddr = bound;
	ts->flow.key.faddr = 0;
	ts->flow.key.fport = 0;
	return err;
}

/* sleep until the handshake is over, one way or the other */
static long wait_for_connect(struct sock *sk, long timeo)
{
	const struct toytcp_fastopen_send *send = toytcp_sk(sk)->fastopen_send;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	/* what the SYN had no room for will carry the ACK */
	int more = send && msg_data_left(send->msg);

	add_wait_queue(sk_sleep(sk), &wait);
	sk->sk_write_pending += more;
	while (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		release_sock(sk);
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
		lock_sock(sk);
		if (signal_pending(current) || !timeo)
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
	sk->sk_write_pending -= more;
	return timeo;
}

/**
 * toytcp_connect_locked() - connect(), and the sendmsg() that opens
 * @sock: the socket
 * @uaddr: the foreign end; NULL: known already
 * @len: bytes of it
 * @flags: O_NONBLOCK
 * @begun: this call has sent the SYN that connect() had put off
 *
 * Context: process, socket lock held; may sleep without it.
 * Return: 0 or an errno of the kernel's TCP.
 */
int toytcp_connect_locked(struct socket *sock, struct sockaddr *uaddr,
			  int len, int flags, bool begun)
{
	struct sock *sk = sock->sk;
	struct sockaddr_in addr;
	long timeo;
	int err;

	if (uaddr && len < (int)sizeof(uaddr->sa_family))
		return -EINVAL;
	if (uaddr && uaddr->sa_family == AF_UNSPEC) {
		err = toytcp_sock_disconnect(sk);
		sock->state = err ? SS_DISCONNECTING : SS_UNCONNECTED;
		return err;
	}
	switch (sock->state) {
	case SS_CONNECTED:
		return -EISCONN;
	case SS_CONNECTING:
		if (toytcp_sk(sk)->defer_connect)
			return -EISCONN;
		err = begun ? -EINPROGRESS : -EALREADY;
		break;
	case SS_UNCONNECTED:
		if (sk->sk_state != TCP_CLOSE)
			return -EISCONN;
		err = uaddr ? foreign_end(sk, uaddr, len, &addr) : -EINVAL;
		if (!err)
			err = connect_start(sk, &addr);
		if (err)
			return err;
		sock->state = SS_CONNECTING;
		if (toytcp_sk(sk)->defer_connect)
			return 0;
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

	lock_sock(sock->sk);
	err = toytcp_connect_locked(sock, uaddr, len, flags, false);
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
		toytcp_port_release(&ts->port_user);
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
		if (!toytcp_listen_pending(sk))
			timeo = schedule_timeout(timeo);
		/* a child came before this slept, and its wake-up may be to come */
		sched_annotate_sleep();
		lock_sock(sk);
		if (toytcp_listen_pending(sk))
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
	if (!toytcp_listen_pending(sk)) {
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
	setup_file(newsock);
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
		/* in SYN_RECV the FIN waits for the handshake, as with Linux */
		if (how & SEND_SHUTDOWN && sk->sk_state != TCP_SYN_RECV)
			toytcp_sock_shutdown_send(sk, sk->sk_allocation |
							  __GFP_NOFAIL);
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
		return toytcp_listen_pending(sk) ? EPOLLIN | EPOLLRDNORM : 0;
	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT &&
	    (state != TCP_SYN_RECV ||
	     READ_ONCE(toytcp_sk(sk)->fastopen_listener))) {
		/* a byte that reads leave out is none to read */
		if (readable(sk, toytcp_urgent_at_mark(sk, READ_ONCE(toytcp_sk(sk)->copied_seq)) &&
				 !sock_flag(sk, SOCK_URGINLINE)))
			mask |= EPOLLIN | EPOLLRDNORM;
		else if (poll_requested_events(wait) & (EPOLLIN | EPOLLRDNORM))
			toytcp_more_wanted(sk);
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
	} else if (READ_ONCE(toytcp_sk(sk)->defer_connect)) {
		/* the first write sends the SYN */
		mask |= EPOLLOUT | EPOLLWRNORM;
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
	.set_peek_off	= sk_set_peek_off,
	.setsockopt	= toytcp_setsockopt,
	.getsockopt	= toytcp_getsockopt,
	.sendmsg	= toytcp_sendmsg,
	.recvmsg	= toytcp_recvmsg,
	.splice_read	= toytcp_splice_read,
	COMPAT_SPLICE_OPS(toytcp_sendpage, toytcp_splice_eof)
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
	setup_file(sock);
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
