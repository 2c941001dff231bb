// SPDX-License-Identifier: GPL-2.0
/*
 * What an ICMP error means to a connection.
 *
 * Engine (layer 1). Locks: the socket's, or the request's. RFC
 * 1122 4.2.3.9, RFC 5927, RFC 6069, RFC 1191. ipv4.c reads the message; mtup.c
 * does without any.
 *
 * Anybody can send an ICMP error. It counts only if the sequence number it
 * quotes is of data in flight (RFC 5927 4.1); and then:
 *  - an attempt to connect fails with it;
 *  - a connection remembers it, as the reason should it time out (soft), or
 *    says it to the program at once with IP_RECVERR, as Linux does: the
 *    connection lives on either way;
 *  - a router's demand for smaller packets lowers the path MTU, never raises
 *    it, and not below net.ipv4.route.min_pmtu;
 *  - "net or host unreachable" about the segment that is being repeated means
 *    a broken path, not a congested one: a step of back-off is taken back.
 */
#include <linux/icmp.h>
#include <net/inet_sock.h>

#include "compat.h"
#include "icmp.h"
#include "ipv4.h"
#include "listen.h"
#include "seq.h"
#include "sock.h"

/* no path there: the only unreachables that end a request or revert a back-off */
static bool no_path(const struct toytcp_icmp *icmp)
{
	return icmp->type == ICMP_DEST_UNREACH &&
	       (icmp->code == ICMP_NET_UNREACH ||
		icmp->code == ICMP_HOST_UNREACH);
}

/*
 * Fragmentation needed. A router that does not say what it takes (before RFC
 * 1191) brings the path MTU down to the floor, as with Linux.
 */
static void too_big(struct sock *sk, const struct toytcp_icmp *icmp, bool owned)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	WRITE_ONCE(ts->mtu_reduced, icmp->mtu);
	if (owned)
		set_bit(TOYTCP_DEFER_MTU, &ts->deferred);
	else
		toytcp_ipv4_update_pmtu(sk, icmp->mtu);
}

/* an error, checked; a program may be inside the lock (@owned) */
static void report(struct sock *sk, const struct toytcp_icmp *icmp, bool owned)
{
	if (no_path(icmp) && !owned)
		toytcp_timers_revert(sk, icmp->seq);
	/* the timer may have given up */
	if (sk->sk_state == TCP_CLOSE)
		return;
	/* a Fast Open child that the program has is a connection like others */
	if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV) &&
	    !(toytcp_sk(sk)->fastopen_listener && sk->sk_socket)) {
		toytcp_ipv4_queue_error(sk, icmp);
		if (owned)
			WRITE_ONCE(sk->sk_err_soft, icmp->err);
		else
			toytcp_sock_error(sk, icmp->err);
		return;
	}
	if (owned || !compat_inet_recverr(sk)) {
		WRITE_ONCE(sk->sk_err_soft, icmp->err);
		return;
	}
	WRITE_ONCE(sk->sk_err, icmp->err);
	sk_error_report(sk);
}

/* for a full socket, which the caller has locked against softirqs */
static void rcv_sock(struct sock *sk, const struct toytcp_icmp *icmp)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	bool frag = icmp->type == ICMP_DEST_UNREACH &&
		    icmp->code == ICMP_FRAG_NEEDED;
	struct net *net = sock_net(sk);
	bool owned = sock_owned_by_user(sk);

	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	if (icmp->ttl < READ_ONCE(inet_sk(sk)->min_ttl)) {
		toytcp_stats_inc(net, TOYTCP_MIB_MIN_TTL_ICMPS);
		return;
	}
	if (!seq_between(ts->snd_una, icmp->seq, ts->snd_nxt)) {
		toytcp_stats_inc(net, TOYTCP_MIB_OUT_OF_WINDOW_ICMPS);
		return;
	}
	if (frag) {
		too_big(sk, icmp, owned);
		return;
	}
	/* Linux counts it and, but for its errno, loses it */
	if (owned)
		toytcp_stats_inc(net, TOYTCP_MIB_LOCK_DROPPED_ICMPS);
	report(sk, icmp, owned);
}

/**
 * toytcp_icmp_rcv() - an ICMP error quotes a segment that we may have sent
 * @net: the namespace
 * @key: the quoted segment's ends, "local" ours
 * @icmp: the error
 *
 * A time-wait has nothing more to lose or to say: it ignores them.
 *
 * Context: softirq, rcu_read_lock().
 */
void toytcp_icmp_rcv(struct net *net, const struct toytcp_flow_key *key,
		     const struct toytcp_icmp *icmp)
{
	struct toytcp_flow *flow = toytcp_demux_lookup(net, key, icmp->dif);
	struct sock *sk;

	if (!flow)
		return;
	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		sk = toytcp_flow_sk(flow);
		bh_lock_sock(sk);
		/* disconnected since the lookup, and connected elsewhere? */
		if (!memcmp(&toytcp_sk(sk)->flow.key, key, sizeof(*key)))
			rcv_sock(sk, icmp);
		bh_unlock_sock(sk);
		break;
	case TOYTCP_FLOW_REQ:
		toytcp_listen_icmp(container_of(flow, struct toytcp_req, flow),
				   icmp->seq, icmp->type != ICMP_DEST_UNREACH ||
					      no_path(icmp));
		break;
	case TOYTCP_FLOW_TW:
		break;
	}
	toytcp_flow_put(flow);
}
