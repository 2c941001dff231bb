// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that a program takes for AF_INET6's: TOYTCP_V4_MAPPED, which
 * "toytcp run --v4-mapped" sets.
 *
 * Upper edge (layer 2). Locks: the socket's. RFC 4291 2.5.5.2 (IPv4-mapped
 * addresses), RFC 3493 3.7 and 5.3 (IPV6_V6ONLY).
 *
 * Such a socket talks IPv4 as every other; what differs is what the program
 * sees: struct sockaddr_in6 with ::ffff:a.b.c.d, or :: for any address,
 * SO_DOMAIN, and the options of IPPROTO_IPV6, which the core stores and answers for
 * in a struct ipv6_pinfo of ours. To the rest of this module the family is of
 * no account. An address of IPv6 proper has no route and belongs to nobody
 * here, as on a host without IPv6.
 *
 * While it lives, sk_family says AF_INET6, since the core answers SO_DOMAIN
 * from it. What else the core derives from that finds what it looks for:
 * a struct ipv6_pinfo, and an object as large as a struct tcp_sock.
 */
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/transp_v6.h>

#include "af_toytcp.h"
#include "mapped.h"
#include "sock.h"
#include "toytcp.h"

#if IS_ENABLED(CONFIG_IPV6)

/**
 * toytcp_mapped_set() - TOYTCP_V4_MAPPED
 * @sk: the socket
 * @val: 1: it shall look like one of AF_INET6; 0: like one of AF_INET
 *
 * Context: process, socket lock held.
 * Return: 0; -EINVAL if the socket has an address or @val is another,
 * -ENOMEM.
 */
int toytcp_mapped_set(struct sock *sk, int val)
{
	struct ipv6_pinfo *np;

	if (val < 0 || val > 1 || sk->sk_state != TCP_CLOSE ||
	    toytcp_sk(sk)->port_user.port)
		return -EINVAL;
	if (val == toytcp_mapped(sk))
		return 0;
	if (!val) {
		/* nobody but the owner of the lock looks at it before a bind() */
		sk->sk_ipv6only = 0;
		WRITE_ONCE(sk->sk_family, AF_TOYTCP);
		return 0;
	}
	if (!inet_sk(sk)->pinet6) {
		np = kzalloc(sizeof(*np), GFP_KERNEL_ACCOUNT);
		if (!np)
			return -ENOMEM;
		/* as a fresh socket of AF_INET6 has them */
		np->hop_limit = -1;
		np->mcast_hops = IPV6_DEFAULT_MCASTHOPS;
		np->pmtudisc = IPV6_PMTUDISC_WANT;
		inet_sk(sk)->pinet6 = np;
	}
	sk->sk_ipv6only = READ_ONCE(sock_net(sk)->ipv6.sysctl.bindv6only);
	/* who sees the family sees the rest */
	smp_store_release(&sk->sk_family, AF_INET6);
	return 0;
}

/**
 * toytcp_mapped_clone() - a child is what its listener is
 * @child: after sk_clone_lock()
 * @parent: the listener
 *
 * It is the child's own family that counts: the parent's ends with a close()
 * that runs meanwhile, but not what belongs to it.
 *
 * Context: softirq; not yet visible. The caller has a reference to @parent.
 * Return: 0 or -ENOMEM.
 */
int toytcp_mapped_clone(struct sock *child, const struct sock *parent)
{
	struct ipv6_pinfo *np = inet_sk(parent)->pinet6;

	inet_sk(child)->pinet6 = NULL;
	if (!toytcp_mapped(child))
		return 0;
	inet_sk(child)->pinet6 = kmemdup(np, sizeof(*np),
					 GFP_ATOMIC | __GFP_ACCOUNT);
	return inet_sk(child)->pinet6 ? 0 : -ENOMEM;
}

/**
 * toytcp_mapped_end() - the protocol has ended
 * @sk: the socket
 *
 * When the last reference goes, the core tells listeners of the family about
 * it, who would take it for a struct tcp_sock.
 *
 * Context: socket lock held.
 */
void toytcp_mapped_end(struct sock *sk)
{
	if (toytcp_mapped(sk))
		WRITE_ONCE(sk->sk_family, AF_TOYTCP);
}

/**
 * toytcp_mapped_destruct() - the last reference is gone
 * @sk: the socket
 *
 * Context: RCU callback.
 */
void toytcp_mapped_destruct(struct sock *sk)
{
	kfree(inet_sk(sk)->pinet6);
}

/* ---- addresses ---- */

static struct sockaddr_in mapped_sin(const struct sockaddr_in6 *addr)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = addr->sin6_port,
		.sin_addr.s_addr = addr->sin6_addr.s6_addr32[3],
	};
}

/* an address that is neither :: nor mapped: the errors before "not here" */
static int foreign_scope(struct sock *sk, const struct sockaddr_in6 *addr,
			 int len)
{
	if (!(ipv6_addr_type(&addr->sin6_addr) & IPV6_ADDR_LINKLOCAL))
		return 0;
	if (READ_ONCE(sk->sk_bound_dev_if) ||
	    (len >= (int)sizeof(*addr) && addr->sin6_scope_id))
		return 0;
	return -EINVAL;
}

static int bind_locked(struct sock *sk, const struct sockaddr_in6 *addr,
		       int len)
{
	int type = ipv6_addr_type(&addr->sin6_addr), err;
	struct sockaddr_in sin = mapped_sin(addr);
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct net *net = sock_net(sk);

	if (sk->sk_state != TCP_CLOSE || ts->port_user.port)
		return -EINVAL;
	if (type == IPV6_ADDR_MAPPED) {
		if (sk->sk_ipv6only)
			return -EINVAL;
		if (!inet_addr_valid_or_nonlocal(net, inet_sk(sk),
						 sin.sin_addr.s_addr,
						 inet_addr_type(net, sin.sin_addr.s_addr)))
			return -EADDRNOTAVAIL;
	} else if (type == IPV6_ADDR_ANY) {
		sin.sin_addr.s_addr = 0;
	} else {
		return foreign_scope(sk, addr, len) ?: -EADDRNOTAVAIL;
	}
	ts->bound_mapped = type == IPV6_ADDR_MAPPED;
	err = toytcp_bind_locked(sk, sin.sin_addr.s_addr, ntohs(sin.sin_port));
	if (err)
		ts->bound_mapped = false;
	else if (ts->bound_mapped)
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK;
	return err;
}

/**
 * toytcp_mapped_bind() - bind() with an address of IPv6
 * @sk: the socket
 * @uaddr: struct sockaddr_in6
 * @len: bytes of it
 *
 * In the order in which AF_INET6 looks for errors.
 *
 * Context: process; takes the socket lock.
 * Return: 0 or an errno of AF_INET6's; -EADDRNOTAVAIL for what is neither ::
 * nor mapped.
 */
int toytcp_mapped_bind(struct sock *sk, const struct sockaddr *uaddr, int len)
{
	const struct sockaddr_in6 *addr = (const struct sockaddr_in6 *)uaddr;
	int err;

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (addr->sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (ipv6_addr_is_multicast(&addr->sin6_addr))
		return -EINVAL;
	if (!toytcp_bind_allowed(sock_net(sk), ntohs(addr->sin6_port)))
		return -EACCES;
	lock_sock(sk);
	err = bind_locked(sk, addr, len);
	release_sock(sk);
	return err;
}

/**
 * toytcp_mapped_foreign() - the other end of a connect(), as an address of IPv4
 * @sk: the socket
 * @uaddr: struct sockaddr_in6
 * @len: bytes of it
 * @sin: the address
 *
 * :: is this host, by the family that the socket is bound to.
 *
 * Context: process, socket lock held.
 * Return: 0, or the errno of AF_INET6 on a host that has no IPv6.
 */
int toytcp_mapped_foreign(struct sock *sk, const struct sockaddr *uaddr,
			  int len, struct sockaddr_in *sin)
{
	struct sockaddr_in6 addr = {};
	int type, err;

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&addr, uaddr, min_t(size_t, len, sizeof(addr)));
	if (addr.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (ipv6_addr_any(&addr.sin6_addr)) {
		if (toytcp_sk(sk)->bound_mapped)
			ipv6_addr_set_v4mapped(htonl(INADDR_LOOPBACK),
					       &addr.sin6_addr);
		else
			addr.sin6_addr = in6addr_loopback;
	}
	type = ipv6_addr_type(&addr.sin6_addr);
	if (type & IPV6_ADDR_MULTICAST)
		return -ENETUNREACH;
	err = foreign_scope(sk, &addr, len);
	if (err)
		return err;
	/* of the addresses here none could be the source */
	if (type != IPV6_ADDR_MAPPED)
		return -EADDRNOTAVAIL;
	if (sk->sk_ipv6only)
		return -ENETUNREACH;
	*sin = mapped_sin(&addr);
	return 0;
}

/**
 * toytcp_mapped_name() - an address for the program
 * @sk: the socket
 * @sin: the address
 * @peer: the other end's
 * @uaddr: becomes a struct sockaddr_in6
 *
 * Context: process, socket lock held.
 * Return: bytes of it.
 */
int toytcp_mapped_name(const struct sock *sk, const struct sockaddr_in *sin,
		       bool peer, void *uaddr)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_port = sin->sin_port,
	};

	if (peer || sin->sin_addr.s_addr || toytcp_sk(sk)->bound_mapped)
		ipv6_addr_set_v4mapped(sin->sin_addr.s_addr, &addr.sin6_addr);
	memcpy(uaddr, &addr, sizeof(addr));
	return sizeof(addr);
}

/* ---- options ---- */

/*
 * Options of IPPROTO_IPV6 that the core stores and answers for, and that say
 * nothing to a connection over IPv4. Not these: multicast and anycast groups,
 * extension headers, flow labels and IPsec policies of one socket.
 */
static bool option_known(int optname)
{
	switch (optname) {
	case IPV6_2292PKTINFO ... IPV6_2292PKTOPTIONS:
	case IPV6_2292HOPLIMIT:
	case IPV6_FLOWINFO:
	case IPV6_UNICAST_HOPS:
	case IPV6_MTU_DISCOVER ... IPV6_RECVERR:
	case IPV6_RECVERR_RFC4884:
	case IPV6_FLOWINFO_SEND:
	case IPV6_RECVPKTINFO ... IPV6_RECVHOPLIMIT:
	case IPV6_RECVHOPOPTS:
	case IPV6_RECVRTHDR:
	case IPV6_RECVDSTOPTS:
	case IPV6_RECVPATHMTU ... IPV6_DONTFRAG:
	case IPV6_RECVTCLASS ... IPV6_TCLASS:
	case IPV6_AUTOFLOWLABEL:
	case IPV6_ADDR_PREFERENCES ... IPV6_FREEBIND:
		return true;
	}
	return false;
}

/* RFC 3493 5.3: before the socket has a port */
static int set_v6only(struct sock *sk, int val)
{
	if (toytcp_sk(sk)->port_user.port)
		return -EINVAL;
	sk->sk_ipv6only = !!val;
	return 0;
}

/* IPV6_ADDRFORM: from now on it looks like one of IPv4 */
static int set_addrform(struct sock *sk, int val)
{
	if (val != PF_INET)
		return -EINVAL;
	if (sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	WRITE_ONCE(sk->sk_family, AF_TOYTCP);
	return 0;
}

/**
 * toytcp_mapped_setsockopt() - setsockopt() at the level IPPROTO_IPV6
 * @sk: the socket
 * @optname: the option
 * @optval: its value
 * @optlen: bytes
 *
 * Context: process; takes the socket lock.
 * Return: 0 or negative errno; -ENOPROTOOPT for what is not known.
 */
int toytcp_mapped_setsockopt(struct sock *sk, int optname, sockptr_t optval,
			     unsigned int optlen)
{
	int val = 0, err;

	if (optlen >= sizeof(int) && copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (optname != IPV6_V6ONLY && optname != IPV6_ADDRFORM) {
		if (!option_known(optname) || optname == IPV6_2292PKTOPTIONS)
			return -ENOPROTOOPT;
		return ipv6_setsockopt(sk, IPPROTO_IPV6, optname, optval, optlen);
	}
	if (optlen < sizeof(int))
		return -EINVAL;
	lock_sock(sk);
	if (!toytcp_mapped(sk))
		err = -ENOPROTOOPT;
	else if (optname == IPV6_V6ONLY)
		err = set_v6only(sk, val);
	else
		err = set_addrform(sk, val);
	release_sock(sk);
	return err;
}

/**
 * toytcp_mapped_getsockopt() - getsockopt() at the level IPPROTO_IPV6
 * @sk: the socket
 * @optname: the option
 * @optval: where the value goes
 * @optlen: in: room, bytes; out: bytes of the value
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_mapped_getsockopt(struct sock *sk, int optname,
			     char __user *optval, int __user *optlen)
{
	if (optname != IPV6_V6ONLY && optname != IPV6_ADDRFORM &&
	    !option_known(optname))
		return -ENOPROTOOPT;
	return ipv6_getsockopt(sk, IPPROTO_IPV6, optname, optval, optlen);
}

#else /* !CONFIG_IPV6: no such addresses, nor anything to store them in */

int toytcp_mapped_set(struct sock *sk, int val)
{
	return val ? -EOPNOTSUPP : 0;
}

int toytcp_mapped_clone(struct sock *child, const struct sock *parent)
{
	return 0;
}

void toytcp_mapped_end(struct sock *sk)
{
}

void toytcp_mapped_destruct(struct sock *sk)
{
}

int toytcp_mapped_bind(struct sock *sk, const struct sockaddr *uaddr, int len)
{
	return -EAFNOSUPPORT;
}

int toytcp_mapped_foreign(struct sock *sk, const struct sockaddr *uaddr,
			  int len, struct sockaddr_in *sin)
{
	return -EAFNOSUPPORT;
}

int toytcp_mapped_name(const struct sock *sk, const struct sockaddr_in *sin,
		       bool peer, void *uaddr)
{
	return 0;
}

int toytcp_mapped_setsockopt(struct sock *sk, int optname, sockptr_t optval,
			     unsigned int optlen)
{
	return -ENOPROTOOPT;
}

int toytcp_mapped_getsockopt(struct sock *sk, int optname,
			     char __user *optval, int __user *optlen)
{
	return -ENOPROTOOPT;
}

#endif /* CONFIG_IPV6 */
