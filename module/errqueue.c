// SPDX-License-Identifier: GPL-2.0
/*
 * The error queue of an IPv4 socket: IP_RECVERR, MSG_ERRQUEUE (ip(7)).
 *
 * Lower edge (layer 2), behind ipv4.h. Locks: the queue's own. The kernel's
 * functions for it are not exported to modules by every version.
 */
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/net_tstamp.h>
#include <net/inet_sock.h>
#include <net/ip.h>

#include "compat.h"
#include "icmp.h"
#include "ipv4.h"
#include "mapped.h"
#include "sock.h"

/**
 * toytcp_ipv4_queue_error() - keep an ICMP error for recvmsg(MSG_ERRQUEUE)
 * @sk: the socket
 * @icmp: the error
 *
 * The data of the message is what was quoted from the TCP header on.
 *
 * Context: softirq, sk_lock.slock held.
 */
void toytcp_ipv4_queue_error(struct sock *sk, const struct toytcp_icmp *icmp)
{
	struct sock_exterr_skb *serr;
	struct sk_buff *skb;

	skb = icmp->skb ? skb_clone(icmp->skb, GFP_ATOMIC) : NULL;
	if (!skb)
		return;
	/* everything before the TCP header is read by offset later */
	if (!pskb_may_pull(skb, icmp->quote + 8))
		goto drop;
	serr = SKB_EXT_ERR(skb);
	memset(&serr->ee, 0, sizeof(serr->ee));
	serr->ee.ee_errno = icmp->err;
	serr->ee.ee_origin = SO_EE_ORIGIN_ICMP;
	serr->ee.ee_type = icmp->type;
	serr->ee.ee_code = icmp->code;
	serr->ee.ee_info = icmp->mtu;
	serr->addr_offset = ip_hdrlen(skb) + sizeof(struct icmphdr) +
			    offsetof(struct iphdr, daddr);
	serr->port = toytcp_sk(sk)->flow.key.fport;
	__skb_pull(skb, icmp->quote);
	skb_reset_transport_header(skb);
	skb_dst_drop(skb);
	if (!sock_queue_err_skb(sk, skb))
		return;
drop:
	kfree_skb(skb);
}

/* an address as the program sees it; returns bytes of it */
static int tell_address(const struct sock *sk, __be32 addr, __be16 port,
			void *uaddr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = addr,
	};

	if (toytcp_mapped(sk))
		return toytcp_mapped_name(sk, &sin, true, uaddr);
	memcpy(uaddr, &sin, sizeof(sin));
	return sizeof(sin);
}

/**
 * toytcp_ipv4_recv_error() - recvmsg(MSG_ERRQUEUE)
 * @sk: the socket
 * @msg: gets the quoted bytes, the address they went to, and a control
 * message: struct sock_extended_err and who complained
 * @len: room for the bytes
 *
 * Context: process.
 * Return: bytes, or -EAGAIN if the queue is empty, -EFAULT.
 */
int toytcp_ipv4_recv_error(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in6 offender;	/* or a struct sockaddr_in */
	} answer = {};
	const struct sock_exterr_skb *serr;
	bool mapped = toytcp_mapped(sk);
	struct sk_buff *skb = sock_dequeue_err_skb(sk);
	bool has_packet;
	int copied, err;

	if (!skb)
		return -EAGAIN;
	copied = min_t(size_t, skb->len, len);
	if (copied < skb->len)
		msg->msg_flags |= MSG_TRUNC;
	err = skb_copy_datagram_msg(skb, 0, msg, copied);
	if (err) {
		kfree_skb(skb);
		return err;
	}
	sock_recv_timestamp(msg, sk, skb);
	serr = SKB_EXT_ERR(skb);
	/* a notice of MSG_ZEROCOPY has no packet behind it */
	has_packet = serr->ee.ee_origin == SO_EE_ORIGIN_ICMP;
	msg->msg_namelen = 0;
	if (msg->msg_name && has_packet)
		msg->msg_namelen =
			tell_address(sk, *(__be32 *)(skb_network_header(skb) +
						     serr->addr_offset),
				     serr->port, msg->msg_name);
	answer.ee = serr->ee;
	/* the core counts from SOF_TIMESTAMPING_OPT_ID's byte 0 for its own TCP */
	if (answer.ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && !sk_is_tcp(sk) &&
	    READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID)
		answer.ee.ee_data -= atomic_read(&sk->sk_tskey);
	if (has_packet) {
		tell_address(sk, ip_hdr(skb)->saddr, 0, &answer.offender);
		if (compat_inet_cmsg_flags(sk))
			ip_cmsg_recv(msg, skb);
	}
	put_cmsg(msg, mapped ? SOL_IPV6 : SOL_IP, mapped ? IPV6_RECVERR : IP_RECVERR,
		 sizeof(answer.ee) + (mapped ? sizeof(struct sockaddr_in6) :
					       sizeof(struct sockaddr_in)),
		 &answer);
	msg->msg_flags |= MSG_ERRQUEUE;
	consume_skb(skb);
	return copied;
}
