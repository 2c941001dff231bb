// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations in the kernel's own table of ports: bind(2) of a host's program
 * fails with EADDRINUSE on a port of ours, and ours fails on one of the host's.
 *
 * Side (layer 2). Locks: port_mutex; inside it those of the table's buckets, bhash
 * before bhash2, as the kernel takes them.
 *
 * The table has one way in and one way out for modules, inet_csk_get_port() and
 * inet_put_port(), and both want a struct inet_connection_sock. What it keeps may be
 * less: of a connection in TIME_WAIT it has a struct inet_timewait_sock, a fifth as large.
 * So a namespace's one binder goes in and out, and in between such a place holder
 * stands there in its stead.
 *
 * A place holder says TIME_WAIT, by which whoever walks through the table knows how little
 * there is of it. That is all it has in common with the kernel's: it has neither
 * references nor a timer, and stands in no other table, so that neither ss nor
 * the host's statistics know of it. Who is in this table is looked at under its
 * locks alone: what has left it may be freed.
 */
#include <linux/bpf-cgroup.h>
#include <linux/net.h>
#include <net/inet_connection_sock.h>
#include <net/inet_hashtables.h>
#include <net/inet_timewait_sock.h>
#include <net/sock.h>

#include "compat.h"
#include "netns.h"
#include "reserve.h"

static struct proto binder_prot = {
	.name		= "TOYTCP_PORT",
	.obj_size	= sizeof(struct inet_connection_sock),
};

/*
 * Would the programs of the caller's control group let it bind(2)? They are
 * asked with a socket that they may take for what it seems to be.
 */
static int bind_allowed(struct net *net, u16 num)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(num),
	};
	struct socket *sock;
	int err;

	if (!cgroup_bpf_enabled(CGROUP_INET4_BIND) &&
	    !cgroup_bpf_enabled(CGROUP_INET4_POST_BIND))
		return 0;
	err = sock_create_kern(net, PF_INET, SOCK_STREAM, IPPROTO_TCP, &sock);
	if (err)
		return err;
	err = kernel_bind(sock, (struct sockaddr *)&addr, sizeof(addr));
	sock_release(sock);
	return err;
}

/* the namespace's, made at its first port */
static struct sock *binder_get(struct toytcp_net *tn)
{
	struct sock *sk = tn->port_binder;

	if (sk)
		return sk;
	sk = sk_alloc(tn->net, PF_INET, GFP_KERNEL, &binder_prot, 1);
	if (!sk)
		return NULL;
	sock_init_data(NULL, sk);
	/*
	 * What is bound and CLOSE, inet_diag lists, and takes for a struct
	 * tcp_sock. sk_type and sk_protocol stay 0, which says that it is none.
	 */
	sk->sk_state = TCP_ESTABLISHED;
	tn->port_binder = sk;
	return sk;
}

/*
 * The binder and a place holder change places: @holds says whether @place has the port
 * then. The buckets are the same before and after, and are never empty.
 */
static void change_places(struct sock *binder, struct inet_timewait_sock *place, bool holds)
{
	const struct inet_hashinfo *table = tcp_or_dccp_get_hashinfo(binder);
	struct inet_connection_sock *icsk = inet_csk(binder);
	const struct net *net = sock_net(binder);
	struct inet_bind_hashbucket *head, *head2;
	u16 num = place->tw_num;

	head = &table->bhash[inet_bhashfn(net, num, table->bhash_size)];
	head2 = inet_bhashfn_portaddr(table, binder, net, num);
	spin_lock_bh(&head->lock);
	spin_lock(&head2->lock);
	if (holds) {
		place->tw_tb = icsk->icsk_bind_hash;
		place->tw_tb2 = icsk->icsk_bind2_hash;
		compat_bind_add_timewait(place);
		compat_bind_del_sk(binder);
		icsk->icsk_bind_hash = NULL;
		icsk->icsk_bind2_hash = NULL;
		inet_sk(binder)->inet_num = 0;
	} else {
		inet_sk(binder)->inet_num = num;
		icsk->icsk_bind_hash = place->tw_tb;
		icsk->icsk_bind2_hash = place->tw_tb2;
		compat_bind_add_sk(binder);
		compat_bind_del_timewait(place);
	}
	spin_unlock(&head2->lock);
	spin_unlock_bh(&head->lock);
}

/**
 * toytcp_reserve() - keep the host off a port
 * @tn: the namespace
 * @place: what stands for us in the kernel's table; the caller's memory, until
 * toytcp_reserve_end() has returned
 * @num: the port, host order
 *
 * Without SO_REUSEADDR, ever: with it, this would succeed beside connections of
 * the host on this port, and our listener would take their segments.
 *
 * Context: process, port_mutex held; sleeps.
 * Return: 0; -EADDRINUSE if the host has it; -ENOMEM; what a control group's
 * programs say to bind(2).
 */
int toytcp_reserve(struct toytcp_net *tn, struct inet_timewait_sock *place, u16 num)
{
	struct sock *binder;
	int err;

	lockdep_assert_held(&tn->port_mutex);
	err = bind_allowed(tn->net, num);
	if (err)
		return err;
	binder = binder_get(tn);
	if (!binder)
		return -ENOMEM;
	if (inet_csk_get_port(binder, num))
		return -EADDRINUSE;
	/* at all addresses and devices, shared with nobody: what is 0 says so */
	memset(place, 0, sizeof(*place));
	place->tw_family = AF_INET;
	place->tw_state = TCP_TIME_WAIT;
	place->tw_num = num;
	place->tw_prot = &binder_prot;
	write_pnet(&place->tw_net, tn->net);
	change_places(binder, place, true);
	return 0;
}

/**
 * toytcp_reserve_end() - the port is the host's again
 * @tn: the namespace
 * @place: what stood for us; the caller's again
 *
 * Context: process, port_mutex held.
 */
void toytcp_reserve_end(struct toytcp_net *tn, struct inet_timewait_sock *place)
{
	lockdep_assert_held(&tn->port_mutex);
	change_places(tn->port_binder, place, false);
	inet_put_port(tn->port_binder);
}

/**
 * toytcp_reserve_net_exit() - a namespace ends
 * @tn: its state, without ports
 *
 * Context: process.
 */
void toytcp_reserve_net_exit(struct toytcp_net *tn)
{
	if (tn->port_binder)
		sock_put(tn->port_binder);
}
