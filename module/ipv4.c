// SPDX-License-Identifier: GPL-2.0
/*
 * IPv4, devices, netfilter and ICMP: the lower edge, behind ipv4.h.
 *
 * Lower edge (layer 2). Locks: none of its own; RCU. RFC 791, RFC 1191,
 * RFC 5927.
 *
 * In. A LOCAL_IN hook, last in its chain, takes what is ours: whole, after
 * routing, reassembly, translation and firewall, before the kernel's TCP sees
 * it. ICMP errors are read there and left alone. A packet_type for ETH_P_IP,
 * which runs before ip_rcv(), does early demultiplexing for connections.
 *
 * Out. Our IPv4 header, then ip_local_out(): LOCAL_OUT and POST_ROUTING,
 * IPsec and tunnels if the route has them, the neighbour, dev_queue_xmit().
 */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/busy_poll.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/route.h>
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
#include <net/netfilter/nf_conntrack.h>
#endif
#include <net/tcp.h>
#include <net/xfrm.h>

#include "compat.h"
#include "icmp.h"
#include "ipv4.h"
#include "seq.h"
#include "sock.h"

/*
 * No namespace has had a port yet: the host's packets do not come by at all.
 * From the first port on they do, until the module goes.
 */
static DEFINE_MUTEX(packet_type_mutex);
static bool packet_type_added;		/* packet_type_mutex */

/* true while any port of any namespace is in use */
static DEFINE_STATIC_KEY_DEFERRED_FALSE(in_use_key, HZ);

/**
 * toytcp_ipv4_in_use() - count ports in use, of all namespaces
 * @in_use: one more, or one less
 *
 * Context: process; may sleep.
 */
void toytcp_ipv4_in_use(bool in_use)
{
	if (in_use)
		static_branch_deferred_inc(&in_use_key);
	else
		static_branch_slow_dec_deferred(&in_use_key);
}

/* ---- in ---- */

static void key_from_headers(struct toytcp_flow_key *key,
			     const struct iphdr *iph, __be16 source,
			     __be16 dest)
{
	key->laddr = iph->daddr;
	key->faddr = iph->saddr;
	key->lport = dest;
	key->fport = source;
}

/* a segment of ours, past the firewall: check it and hand it up */
static void rcv_local(struct net *net, const struct toytcp_claim *claim,
		      struct sk_buff *skb, const struct toytcp_flow_key *key)
{
	const struct tcphdr *th;

	/* TCP is no_policy to IP: it asks by itself whether IPsec was demanded */
	if (!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb)) {
		toytcp_drop(net, skb, TOYTCP_DROP_POLICY);
		return;
	}
	/* a queue that a program does not read must not hold connection tracking */
	nf_reset_ct(skb);
	__skb_pull(skb, skb_network_header_len(skb));
	toytcp_net_stats_add(claim->tn, TOYTCP_MIB_IN_SEGS, 1);
	if (!pskb_may_pull(skb, sizeof(*th)))
		goto header;
	th = tcp_hdr(skb);
	if (th->doff < sizeof(*th) / 4 || !pskb_may_pull(skb, th->doff * 4))
		goto header;
	if (skb_checksum_init(skb, IPPROTO_TCP, inet_compute_pseudo) ||
	    skb_checksum_complete(skb)) {
		toytcp_stats_inc(net, TOYTCP_MIB_IN_CSUM_ERRORS);
		toytcp_stats_inc(net, TOYTCP_MIB_IN_ERRS);
		toytcp_drop(net, skb, TOYTCP_DROP_CSUM);
		return;
	}
	toytcp_demux_rcv(net, claim, skb, key, inet_iif(skb));
	return;

header:
	toytcp_stats_inc(net, TOYTCP_MIB_IN_ERRS);
	toytcp_drop(net, skb, TOYTCP_DROP_HDR);
}

/**
 * toytcp_ipv4_rx_route() - remember the route a segment came by, and the device's queue
 * @sk: the socket
 * @skb: the segment
 *
 * The queue is what busy polling asks for more (SO_BUSY_POLL, epoll), and what
 * SO_INCOMING_NAPI_ID tells.
 *
 * Context: softirq, socket lock held.
 */
void toytcp_ipv4_rx_route(struct sock *sk, const struct sk_buff *skb)
{
	struct dst_entry *old = rcu_dereference_protected(sk->sk_rx_dst,
							  lockdep_sock_is_held(sk));
	struct dst_entry *dst = skb_dst(skb);

	sk_mark_napi_id(sk, skb);
	if (likely(dst == old && sk->sk_rx_dst_ifindex == skb->skb_iif))
		return;
	if (!dst || !dst_hold_safe(dst))
		return;
	rcu_assign_pointer(sk->sk_rx_dst, dst);
	WRITE_ONCE(sk->sk_rx_dst_ifindex, skb->skb_iif);
	dst_release(old);
}

/* a connection's own route, if it leads in from where @skb came by */
static struct dst_entry *rx_route(const struct sock *sk,
				  const struct sk_buff *skb)
{
	struct dst_entry *dst = rcu_dereference(sk->sk_rx_dst);

	if (!dst || READ_ONCE(sk->sk_rx_dst_ifindex) != skb->skb_iif)
		return NULL;
	return dst_check(dst, 0);
}

/* nothing between here and LOCAL_IN may change the segment's addresses */
static bool unchanged_until_local(const struct net *net)
{
	return !rcu_access_pointer(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);
}

/*
 * Early demultiplexing, as the kernel's TCP has its own: find the connection
 * now, and spare ip_rcv() the route and local_in() a second lookup. A hint
 * only: what the headers say is not checked yet, other handlers share the
 * buffer, and whatever is odd goes without. The socket is not referenced: as
 * for one that BPF assigned, netfilter takes a reference should it queue the
 * segment.
 */
static void early_demux(struct net *net, struct toytcp_net *tn,
			const unsigned long *ports_used, struct sk_buff *skb)
{
	int nhoff = skb_network_offset(skb);
	const struct iphdr *iph = ip_hdr(skb);
	struct toytcp_flow_key key;
	const __be16 *ports;
	struct dst_entry *dst;
	struct sock *sk;

	if (skb_sk_is_prefetched(skb) ||
	    skb_headlen(skb) < nhoff + sizeof(*iph) + sizeof(struct tcphdr) ||
	    iph->version != 4 || iph->ihl != 5 ||
	    iph->protocol != IPPROTO_TCP || ip_is_fragment(iph))
		return;
	ports = (const __be16 *)(iph + 1);
	if (!test_bit(ntohs(ports[1]), ports_used))
		return;
	key_from_headers(&key, iph, ports[0], ports[1]);
	sk = toytcp_demux_peek(tn, &key);
	if (!sk)
		return;
	/* a loopback device's packets bring their route */
	if (!skb_dst(skb)) {
		dst = rx_route(sk, skb);
		if (!dst)
			return;
		skb_dst_set_noref(skb, dst);
	}
	if (skb_valid_dst(skb) && skb_rtable(skb)->rt_type == RTN_LOCAL &&
	    unchanged_until_local(net)) {
		/* ip_rcv() would do that: the sender on this host is done */
		skb_orphan(skb);
		skb->sk = sk;
		skb->destructor = sock_pfree;
	}
}

/*
 * packet_type, once there was a port: every IPv4 packet of every device comes by,
 * before ip_rcv()
 */
static int rcv_packet(struct sk_buff *skb, struct net_device *dev,
		      struct packet_type *pt, struct net_device *orig_dev)
{
	struct net *net = dev_net(dev);
	const unsigned long *ports;
	struct toytcp_net *tn;

	if (static_branch_unlikely(&in_use_key.key) &&
	    skb->pkt_type == PACKET_HOST) {
		tn = toytcp_net(net);
		ports = READ_ONCE(tn->ports_used);
		if (ports && READ_ONCE(net->ipv4.sysctl_ip_early_demux) &&
		    READ_ONCE(net->ipv4.sysctl_tcp_early_demux))
			early_demux(net, tn, ports, skb);
	}
	/* a host's segments come by, too: in place of consume_skb(), a call */
	if (skb_unref(skb))
		__kfree_skb(skb);
	return NET_RX_SUCCESS;
}

static struct packet_type packet_type __read_mostly = {
	.type = cpu_to_be16(ETH_P_IP),
	.func = rcv_packet,
};

/* the errno, negative, of an ICMP error; 0: no error, or none that concerns TCP */
static int icmp_errno(const struct icmphdr *ich)
{
	switch (ich->type) {
	case ICMP_DEST_UNREACH:
		return ich->code <= NR_ICMP_UNREACH ?
			       -icmp_err_convert[ich->code].errno : 0;
	case ICMP_TIME_EXCEEDED:
		return -EHOSTUNREACH;
	case ICMP_PARAMETERPROB:
		return -EPROTO;
	}
	return 0;
}

/* does this ICMP message quote a segment of ours? It stays the kernel's. */
static void rcv_icmp(struct net *net, struct sk_buff *skb)
{
	int off = skb_network_offset(skb) + ip_hdrlen(skb);
	struct toytcp_icmp icmp = { .skb = skb, .dif = inet_iif(skb) };
	const struct icmphdr *ich;
	struct icmphdr ich_buf;
	struct toytcp_flow_key key;
	const struct iphdr *iph;
	struct iphdr iph_buf;
	const __be32 *quote;
	__be32 quote_buf[2];	/* ports, sequence number */

	ich = skb_header_pointer(skb, off, sizeof(ich_buf), &ich_buf);
	icmp.err = ich ? -icmp_errno(ich) : 0;
	if (!icmp.err || csum_fold(skb_checksum(skb, off, skb->len - off, 0)))
		return;
	icmp.type = ich->type;
	icmp.code = ich->code;
	if (ich->type == ICMP_DEST_UNREACH && ich->code == ICMP_FRAG_NEEDED) {
		/* 1: what the router says is not believed, that it is less is; 2: nothing */
		int trust = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc);

		if (trust == 2)
			return;
		icmp.mtu = trust == 1 ? 0 : ntohs(ich->un.frag.mtu);
	}
	off += sizeof(*ich);
	iph = skb_header_pointer(skb, off, sizeof(iph_buf), &iph_buf);
	if (!iph || iph->ihl < 5 || iph->protocol != IPPROTO_TCP ||
	    iph->frag_off & htons(IP_OFFSET))
		return;
	icmp.ttl = iph->ttl;
	off += iph->ihl * 4;
	quote = skb_header_pointer(skb, off, sizeof(quote_buf), quote_buf);
	if (!quote)
		return;
	icmp.quote = off - skb_network_offset(skb);
	icmp.seq = ntohl(quote[1]);
	/* we sent it: its source is our end */
	key.laddr = iph->saddr;
	key.faddr = iph->daddr;
	key.lport = ((const __be16 *)quote)[0];
	key.fport = ((const __be16 *)quote)[1];
	toytcp_icmp_rcv(net, &key, &icmp);
}

/*
 * Connection tracking confirms a new connection at our own priority, maybe
 * behind us; a stolen segment would never be confirmed.
 */
static bool conntrack_confirm(struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	const struct nf_ct_hook *hook = rcu_dereference(nf_ct_hook);

	if (ct && hook && !nf_ct_is_confirmed(ct))
		return hook->confirm(skb) == NF_ACCEPT;
#endif
	return true;
}

/*
 * Take the connection that early_demux() found off a segment: whatever is not
 * ours in the end goes to the kernel's TCP, which would take the socket for one
 * of its own. A queue to user space has made the pointer a reference; without
 * it RCU keeps the socket.
 */
static struct sock *found_early(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (!sk || sk->sk_prot != &toytcp_prot)
		return NULL;
	skb_orphan(skb);
	return sk;
}

/* a segment or an ICMP message that the firewall let pass; BH disabled */
static unsigned int take(struct net *net, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct toytcp_claim claim = {};
	struct toytcp_flow_key key;
	const struct tcphdr *th;
	struct sock *sk;

	if (iph->protocol == IPPROTO_ICMP) {
		rcv_icmp(net, skb);
		return NF_ACCEPT;
	}
	if (iph->protocol != IPPROTO_TCP)
		return NF_ACCEPT;
	sk = found_early(skb);
	/* broadcast and multicast are none of TCP's (RFC 1122 4.2.3.10) */
	if (skb->pkt_type != PACKET_HOST ||
	    skb_rtable(skb)->rt_type != RTN_LOCAL ||
	    !pskb_may_pull(skb, ip_hdrlen(skb) + sizeof(*th)))
		return NF_ACCEPT;
	iph = ip_hdr(skb);
	th = (const struct tcphdr *)((const u8 *)iph + iph->ihl * 4);
	claim.tn = toytcp_net(net);
	/* a quick answer for most of what is the host's: none of our ports */
	if (!test_bit(ntohs(th->dest), claim.tn->ports_used))
		return NF_ACCEPT;
	key_from_headers(&key, iph, th->source, th->dest);
	if (sk && toytcp_demux_is(sk, &key))
		claim.flow = &toytcp_sk(sk)->flow;
	else if (!toytcp_demux_claim(net, &key, inet_iif(skb), &claim))
		return NF_ACCEPT;
	if (!conntrack_confirm(skb)) {
		toytcp_drop_note(net, skb, TOYTCP_DROP_POLICY);
		return NF_DROP;
	}
	skb_orphan(skb);
	skb_set_transport_header(skb, skb_network_offset(skb) + ip_hdrlen(skb));
	rcv_local(net, &claim, skb, &key);
	return NF_STOLEN;
}

/* LOCAL_IN, after the firewall; in process context what a queue to user space gives back */
static unsigned int local_in(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	unsigned int verdict;

	/* only what a queue to user space gives back comes from a process */
	if (likely(softirq_count()))
		return take(state->net, skb);
	local_bh_disable();
	verdict = take(state->net, skb);
	local_bh_enable();
	return verdict;
}

static const struct nf_hook_ops local_in_ops = {
	.hook = local_in,
	.pf = NFPROTO_IPV4,
	.hooknum = NF_INET_LOCAL_IN,
	.priority = NF_IP_PRI_LAST,
};

/**
 * toytcp_ipv4_hook_register() - a namespace's first port: hear LOCAL_IN
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_ipv4_hook_register(struct net *net)
{
	mutex_lock(&packet_type_mutex);
	if (!packet_type_added)
		dev_add_pack(&packet_type);
	packet_type_added = true;
	mutex_unlock(&packet_type_mutex);
	return nf_register_net_hook(net, &local_in_ops);
}

/**
 * toytcp_ipv4_hook_unregister() - the namespace or the module goes
 * @net: the namespace
 *
 * Packets of ours that wait in a userspace queue are dropped with it.
 *
 * Context: process.
 */
void toytcp_ipv4_hook_unregister(struct net *net)
{
	nf_unregister_net_hook(net, &local_in_ops);
}

/**
 * toytcp_ipv4_stop() - module unload: hear no more packets
 *
 * Context: process, no socket is left; on return no handler runs.
 */
void toytcp_ipv4_stop(void)
{
	mutex_lock(&packet_type_mutex);
	if (packet_type_added)
		dev_remove_pack(&packet_type);
	packet_type_added = false;
	mutex_unlock(&packet_type_mutex);
}

/**
 * toytcp_ipv4_exit() - module unload: after the last port is gone
 *
 * Context: process.
 */
void toytcp_ipv4_exit(void)
{
	static_key_deferred_flush(&in_use_key);
}

/* ---- out ---- */

static struct rtable *route_lookup(struct sock *sk, struct flowi4 *fl4,
				   const struct toytcp_flow_key *key)
{
	struct inet_sock *inet = inet_sk(sk);

	flowi4_init_output(fl4, sk->sk_bound_dev_if, READ_ONCE(sk->sk_mark),
			   inet->tos & INET_DSCP_MASK,
			   sock_flag(sk, SOCK_LOCALROUTE) ? RT_SCOPE_LINK :
							    RT_SCOPE_UNIVERSE,
			   IPPROTO_TCP, inet_sk_flowi_flags(sk), key->faddr,
			   key->laddr, key->fport, key->lport, sk->sk_uid);
	security_sk_classify_flow(sk, flowi4_to_flowi_common(fl4));
	return ip_route_output_flow(sock_net(sk), fl4, sk);
}

/* what the administrator says of a route */
static void path_of(const struct dst_entry *dst, struct toytcp_path *path)
{
	*path = (struct toytcp_path) {
		.adv_mss = dst_metric_raw(dst, RTAX_ADVMSS),
		.window = dst_metric(dst, RTAX_WINDOW),
		.init_cwnd_segs = dst_metric(dst, RTAX_INITCWND),
		.init_rwnd_segs = dst_metric(dst, RTAX_INITRWND),
		.cong_key = dst_metric(dst, RTAX_CC_ALGO),
		.cong_locked = dst_metric_locked(dst, RTAX_CC_ALGO),
		.ecn = dst_feature(dst, RTAX_FEATURE_ECN),
		.quickack = dst_metric(dst, RTAX_QUICKACK),
		.fastopen_no_cookie = dst_metric(dst, RTAX_FASTOPEN_NO_COOKIE),
	};
	if (dst_metric_locked(dst, RTAX_CWND))
		path->cwnd_max_segs = dst_metric(dst, RTAX_CWND);
	if (dst_metric_locked(dst, RTAX_RTO_MIN))
		path->rto_min_us = dst_metric(dst, RTAX_RTO_MIN) * USEC_PER_MSEC;
}

/*
 * Caches the route, and lets buffers of many segments go down whatever the
 * device can: before its queue the core cuts what it cannot, once for all of
 * them. sk_setup_caps() does so for the kernel's own TCP alone, and takes a
 * socket of TOYTCP_V4_MAPPED for that: it would write into it.
 */
static void setup_caps(struct sock *sk, struct dst_entry *dst)
{
	const struct net_device *dev;

	rcu_read_lock(); /* keeps the device, which the route may lose */
	dev = READ_ONCE(dst->dev);
	sk->sk_route_caps = dev->features;
	if (sk->sk_gso_disabled || (dst->header_len && !xfrm_dst_offload_ok(dst))) {
		sk->sk_route_caps &= ~NETIF_F_GSO_MASK;
		sk->sk_gso_max_segs = 1;
	} else {
		sk->sk_route_caps |= NETIF_F_GSO | NETIF_F_GSO_SOFTWARE |
				     NETIF_F_SG | NETIF_F_HW_CSUM;
		sk->sk_gso_max_size = compat_gso_max_size(dev) - (MAX_TCP_HEADER + 1);
		/* pairs with the WRITE_ONCE() in netif_set_gso_max_segs() */
		sk->sk_gso_max_segs = max_t(u32, READ_ONCE(dev->gso_max_segs), 1);
	}
	sk_dst_set(sk, dst);
	rcu_read_unlock();
}

/**
 * toytcp_ipv4_route() - find and cache the route of a connection
 * @sk: the socket, both ends known
 *
 * Context: any; socket lock held.
 * Return: 0, or -ENETUNREACH, -EHOSTUNREACH and such.
 */
int toytcp_ipv4_route(struct sock *sk)
{
	const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;
	struct inet_sock *inet = inet_sk(sk);
	struct toytcp_path path;
	struct flowi4 fl4;
	struct rtable *rt;

	rt = route_lookup(sk, &fl4, key);
	if (IS_ERR(rt)) {
		sk->sk_route_caps = 0;
		return PTR_ERR(rt);
	}
	/* what core code reads of an IPv4 socket */
	inet->inet_daddr = key->faddr;
	inet->inet_rcv_saddr = key->laddr;
	inet->inet_saddr = key->laddr;
	inet->inet_num = ntohs(key->lport);
	inet->inet_sport = key->lport;
	inet->inet_dport = key->fport;
	sk->sk_gso_type = SKB_GSO_TCPV4;
	path_of(&rt->dst, &path);
	toytcp_path_set(sk, &path);
	setup_caps(sk, &rt->dst);
	return 0;
}

/**
 * toytcp_ipv4_route_connect() - where does an active open lead?
 * @sk: the socket
 * @faddr: foreign address; 0 means this host, as with Linux
 * @fport: foreign port
 * @laddr: in: the address bound to, or 0; out: the local address to use
 *
 * Sets the foreign end of the socket's key.
 *
 * Context: process, socket lock held.
 * Return: 0; -ENETUNREACH for broadcast and multicast, or what the route says.
 */
int toytcp_ipv4_route_connect(struct sock *sk, __be32 faddr, __be16 fport,
			      __be32 *laddr)
{
	struct toytcp_flow_key key = {
		.laddr = *laddr,
		.faddr = faddr,
		.lport = toytcp_sk(sk)->flow.key.lport,
		.fport = fport,
	};
	struct flowi4 fl4;
	struct rtable *rt = route_lookup(sk, &fl4, &key);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST)) {
		ip_rt_put(rt);
		return -ENETUNREACH;
	}
	toytcp_sk(sk)->flow.key.faddr = fl4.daddr;
	toytcp_sk(sk)->flow.key.fport = fport;
	*laddr = fl4.saddr;
	ip_rt_put(rt);
	return 0;
}

/* the cached route, looked up again if it is no longer valid */
static struct dst_entry *dst_check_route(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_check(sk, 0);

	if (dst)
		return dst;
	if (toytcp_ipv4_route(sk))
		return NULL;
	return __sk_dst_get(sk);
}

/**
 * toytcp_ipv4_mtu() - the path MTU of a connection
 * @sk: the socket
 *
 * Context: socket lock held.
 * Return: bytes; 576 (RFC 791) when there is no route.
 */
u32 toytcp_ipv4_mtu(struct sock *sk)
{
	const struct dst_entry *dst;
	u32 mtu = 576;

	rcu_read_lock();
	dst = dst_check_route(sk);
	if (dst)
		mtu = dst_mtu(dst);
	rcu_read_unlock();
	return mtu;
}

/**
 * toytcp_ipv4_mtu_cached() - the path MTU, as the cached route says
 * @sk: the socket
 *
 * What each segment asks. Whether the route is still good is found out when the
 * segment leaves (toytcp_ipv4_xmit()), as with Linux: the next one then knows.
 *
 * Context: socket lock held.
 * Return: as toytcp_ipv4_mtu().
 */
u32 toytcp_ipv4_mtu_cached(struct sock *sk)
{
	const struct dst_entry *dst = __sk_dst_get(sk);

	return likely(dst) ? dst_mtu(dst) : toytcp_ipv4_mtu(sk);
}

/**
 * toytcp_ipv4_update_pmtu() - a router asked for smaller packets
 * @sk: the socket
 * @mtu: bytes, from the ICMP message
 *
 * The route keeps what was learned, for all that use it, within the host's
 * limits (a floor of net.ipv4.route.min_pmtu).
 *
 * Context: socket lock held.
 */
void toytcp_ipv4_update_pmtu(struct sock *sk, u32 mtu)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct dst_entry *dst;

	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	rcu_read_lock();
	dst = dst_check_route(sk);
	if (dst) {
		dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
		/* less than the host allows: that may be why it will time out */
		if (mtu < dst_mtu(dst) && ip_dont_fragment(sk, dst))
			WRITE_ONCE(sk->sk_err_soft, EMSGSIZE);
	}
	rcu_read_unlock();
	mtu = toytcp_ipv4_mtu(sk);
	/* with the other modes of IP_MTU_DISCOVER the next segment learns of it */
	if (mtu >= ts->pmtu || inet_sk(sk)->pmtudisc == IP_PMTUDISC_DONT ||
	    !ip_sk_accept_pmtu(sk))
		return;
	toytcp_output_mss_sync(sk, mtu);
	toytcp_recovery_mtu(sk);
}

/**
 * toytcp_ipv4_negative_advice() - data do not get through: another path?
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_ipv4_negative_advice(struct sock *sk)
{
	dst_negative_advice(sk);
}

/**
 * toytcp_ipv4_confirm() - the peer answered: its neighbour entry is good
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_ipv4_confirm(struct sock *sk)
{
	sk_dst_confirm(sk);
}

/* IPv4 header and checksum, for the header and data in @skb */
static struct iphdr *push_ip(struct sk_buff *skb, const struct toytcp_flow_key *key,
			     u8 tos, u8 ttl)
{
	struct tcphdr *th = tcp_hdr(skb);
	struct iphdr *iph;

	/* the device completes it, or the core for a device that can't */
	th->check = ~tcp_v4_check(skb->len, key->laddr, key->faddr, 0);
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	*(__be16 *)iph = htons((4 << 12) | (5 << 8) | tos);
	iph->frag_off = htons(IP_DF);
	iph->ttl = ttl;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = key->laddr;
	iph->daddr = key->faddr;
	iph->id = 0;
	return iph;
}

/**
 * toytcp_ipv4_xmit() - send a segment of a connection
 * @sk: the socket
 * @skb: TCP header and data; consumed
 *
 * Context: any but hard interrupt; socket lock held.
 * Return: 0; negative errno if it was not sent; NET_XMIT_CN if this host's
 * queue is too long, NET_XMIT_DROP if it had no room: congestion, both.
 */
int toytcp_ipv4_xmit(struct sock *sk, struct sk_buff *skb)
{
	const struct toytcp_flow_key *key = &toytcp_sk(sk)->flow.key;
	struct net *net = sock_net(sk);
	struct dst_entry *dst;
	struct iphdr *iph;
	int err, ttl;

	rcu_read_lock();
	dst = dst_check_route(sk);
	if (!dst) {
		rcu_read_unlock();
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	skb_dst_set_noref(skb, dst);
	ttl = inet_sk(sk)->uc_ttl < 0 ? ip4_dst_hoplimit(dst) :
					inet_sk(sk)->uc_ttl;
	iph = push_ip(skb, key, inet_sk(sk)->tos, ttl);
	if (!ip_dont_fragment(sk, dst))
		iph->frag_off = 0;
	ip_select_ident_segs(net, skb, sk, skb_shinfo(skb)->gso_segs ?: 1);
	skb_set_dst_pending_confirm(skb, READ_ONCE(sk->sk_dst_pending_confirm));
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	err = ip_local_out(net, sk, skb);
	rcu_read_unlock();
	return err;
}

static struct rtable *reply_route(const struct toytcp_reply *reply)
{
	struct flowi4 fl4;

	flowi4_init_output(&fl4, reply->oif, reply->mark,
			   reply->tos & INET_DSCP_MASK, RT_SCOPE_UNIVERSE,
			   IPPROTO_TCP, FLOWI_FLAG_ANYSRC, reply->key.faddr,
			   reply->key.laddr, reply->key.fport,
			   reply->key.lport,
			   sock_net_uid(reply->net, NULL));
	return ip_route_output_flow(reply->net, &fl4, NULL);
}

/**
 * toytcp_ipv4_reply_path() - the path towards a peer
 * @reply: the peer
 * @path: what the administrator says of it
 *
 * Context: any but hard interrupt.
 * Return: path MTU, bytes; 576 when there is no route.
 */
u32 toytcp_ipv4_reply_path(const struct toytcp_reply *reply,
			   struct toytcp_path *path)
{
	struct rtable *rt = reply_route(reply);
	u32 mtu = 576;

	memset(path, 0, sizeof(*path));
	if (!IS_ERR(rt)) {
		mtu = dst_mtu(&rt->dst);
		path_of(&rt->dst, path);
		ip_rt_put(rt);
	}
	return mtu;
}

/**
 * toytcp_ipv4_xmit_reply() - send a segment that no socket stands behind
 * @reply: ends and how
 * @skb: TCP header; consumed
 *
 * Context: any but hard interrupt.
 * Return: 0 or negative errno.
 */
int toytcp_ipv4_xmit_reply(const struct toytcp_reply *reply,
			   struct sk_buff *skb)
{
	struct rtable *rt = reply_route(reply);
	int err;

	if (IS_ERR(rt)) {
		kfree_skb(skb);
		return PTR_ERR(rt);
	}
	/* nobody's address: who sent that is not answered (RFC 9293 3.9.2.3) */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)) {
		ip_rt_put(rt);
		kfree_skb(skb);
		return -ENETUNREACH;
	}
	skb_dst_set(skb, &rt->dst);
	push_ip(skb, &reply->key, reply->tos,
		reply->ttl ?: ip4_dst_hoplimit(&rt->dst));
	skb->mark = reply->mark;
	skb->priority = reply->priority;
	err = ip_local_out(reply->net, NULL, skb);
	return err > 0 ? 0 : err;
}

/**
 * toytcp_ipv4_reply_to() - the way back of a received segment
 * @net: the namespace
 * @skb: the segment
 * @reply: filled; with the segment's own TOS, as Linux answers with a reset,
 *	but for its ECN field
 *
 * Context: any.
 */
void toytcp_ipv4_reply_to(struct net *net, const struct sk_buff *skb,
			  struct toytcp_reply *reply)
{
	const struct tcphdr *th = tcp_hdr(skb);

	memset(reply, 0, sizeof(*reply));
	reply->net = net;
	key_from_headers(&reply->key, ip_hdr(skb), th->source, th->dest);
	reply->mark = IP4_REPLY_MARK(net, skb->mark);
	reply->tos = ip_hdr(skb)->tos & ~INET_ECN_MASK;
}
