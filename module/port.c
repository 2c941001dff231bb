// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: who uses which, ephemeral ones, and the reservation that keeps the
 * kernel's own TCP off ours and us off its.
 *
 * Side (layer 2). Locks: port_mutex serialises what may sleep (making a port,
 * reaping one); port_lock, inside it, protects users and listeners and is
 * taken in softirq as well. RFC 6056 (double-hash port selection).
 *
 * Every port in use is reserved in the kernel's TCP as well, see reserve.c.
 */
#include <linux/bitmap.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <net/ip.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>

#include "compat.h"
#include "ipv4.h"
#include "listen.h"
#include "mapped.h"
#include "port.h"
#include "reserve.h"
#include "secret.h"
#include "sock.h"
#include "timewait.h"

static struct kmem_cache *port_cache;

static const struct rhashtable_params port_params = {
	.head_offset = offsetof(struct toytcp_port, node),
	.key_offset = offsetof(struct toytcp_port, num),
	.key_len = sizeof(u16),
	.automatic_shrinking = true,
};

/**
 * toytcp_port_init() - module load: what ports are made of
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_port_init(void)
{
	port_cache = KMEM_CACHE(toytcp_port, 0);
	return port_cache ? 0 : -ENOMEM;
}

/**
 * toytcp_port_exit() - module unload, without namespaces
 *
 * Context: process; sleeps.
 */
void toytcp_port_exit(void)
{
	/* ports that are not freed yet */
	rcu_barrier();
	kmem_cache_destroy(port_cache);
}

/**
 * toytcp_port_lookup() - a port in use
 * @net: the namespace
 * @num: the port, host order
 *
 * Context: rcu_read_lock().
 * Return: the port, or NULL.
 */
struct toytcp_port *toytcp_port_lookup(struct net *net, u16 num)
{
	return rhashtable_lookup(&toytcp_net(net)->ports, &num, port_params);
}

/* make a port that nobody finds yet and keep the host off it; port_mutex held */
static struct toytcp_port *port_make(struct toytcp_net *tn, u16 num)
{
	struct toytcp_port *port;
	int err;

	port = kmem_cache_alloc(port_cache, GFP_KERNEL);
	if (!port)
		return ERR_PTR(-ENOMEM);
	err = toytcp_reserve(tn, &port->place, num);
	if (err) {
		kmem_cache_free(port_cache, port);
		return ERR_PTR(err);
	}
	port->num = num;
	port->shared = false;
	INIT_HLIST_HEAD(&port->classes);
	INIT_HLIST_HEAD(&port->listeners);
	INIT_LIST_HEAD(&port->reap);
	port->tn = tn;
	return port;
}

static void port_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(port_cache, container_of(rcu, struct toytcp_port, rcu));
}

/* the port is the host's again; who still looks at ours may do so for a grace period */
static void port_free(struct toytcp_port *port)
{
	toytcp_reserve_end(port->tn, &port->place);
	call_rcu(&port->rcu, port_free_rcu);
}

/* a namespace's first port: from now on its packets are looked at; port_mutex held */
static int first_port(struct toytcp_net *tn)
{
	int err;

	if (!tn->ports_used) {
		unsigned long *map = bitmap_zalloc(U16_MAX + 1, GFP_KERNEL);

		if (!map)
			return -ENOMEM;
		/* whoever sees it sees zeroes */
		smp_store_release(&tn->ports_used, map);
	}
	err = toytcp_ipv4_hook_register(tn->net);
	tn->hook_registered = !err;
	return err;
}

/* find a port or make it; port_mutex held */
static struct toytcp_port *port_get(struct toytcp_net *tn, u16 num)
{
	struct toytcp_port *port;
	int err;

	lockdep_assert_held(&tn->port_mutex);
	if (tn->exiting)
		return ERR_PTR(-EADDRNOTAVAIL);
	port = rhashtable_lookup_fast(&tn->ports, &num, port_params);
	if (port)
		return port;
	port = port_make(tn, num);
	if (IS_ERR(port))
		return port;
	if (!tn->hook_registered) {
		err = first_port(tn);
		if (err)
			goto free;
	}
	err = rhashtable_insert_fast(&tn->ports, &port->node, port_params);
	if (err)
		goto free;
	set_bit(num, tn->ports_used);
	tn->port_count++;
	toytcp_ipv4_in_use(true);
	return port;

free:
	port_free(port);
	return ERR_PTR(err);
}

/* no user is left: take a port out; port_mutex held */
static void port_destroy(struct toytcp_net *tn, struct toytcp_port *port)
{
	clear_bit(port->num, tn->ports_used);
	rhashtable_remove_fast(&tn->ports, &port->node, port_params);
	tn->port_count--;
	toytcp_ipv4_in_use(false);
	port_free(port);
}

static void reap(struct toytcp_net *tn)
{
	struct toytcp_port *port;

	lockdep_assert_held(&tn->port_mutex);
	spin_lock_bh(&tn->port_lock);
	while ((port = list_first_entry_or_null(&tn->port_reap,
						struct toytcp_port, reap))) {
		list_del_init(&port->reap);
		if (!hlist_empty(&port->classes))
			continue;
		spin_unlock_bh(&tn->port_lock);
		/* new users come under port_mutex only: it stays empty */
		port_destroy(tn, port);
		cond_resched();
		spin_lock_bh(&tn->port_lock);
	}
	spin_unlock_bh(&tn->port_lock);
}

static void reap_work(struct work_struct *work)
{
	struct toytcp_net *tn = container_of(to_delayed_work(work),
					     struct toytcp_net, port_work);

	mutex_lock(&tn->port_mutex);
	reap(tn);
	mutex_unlock(&tn->port_mutex);
}

/**
 * toytcp_port_settle() - give back now what the reaper would soon
 * @net: the namespace
 *
 * A port that close() gave up is the host's when close() returns.
 *
 * Context: process; sleeps.
 */
void toytcp_port_settle(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	if (list_empty_careful(&tn->port_reap))
		return;
	mutex_lock(&tn->port_mutex);
	reap(tn);
	mutex_unlock(&tn->port_mutex);
}

/* leave it to the reaper if nobody uses it; port_lock held */
static void port_check(struct toytcp_net *tn, struct toytcp_port *port)
{
	if (hlist_empty(&port->classes) && list_empty(&port->reap)) {
		list_add_tail(&port->reap, &tn->port_reap);
		schedule_delayed_work(&tn->port_work, 1);
	}
}

static bool same_class(const struct toytcp_port_user *a,
		       const struct toytcp_port_user *b)
{
	return a->addr == b->addr && a->dif == b->dif &&
	       uid_eq(a->uid, b->uid) && a->reuse == b->reuse &&
	       a->reuseport == b->reuseport && a->listening == b->listening &&
	       a->timewait == b->timewait && a->v6only == b->v6only &&
	       a->six == b->six;
}

/* port_lock held; what makes the class is set */
static void user_add(struct toytcp_port *port, struct toytcp_port_user *user)
{
	struct toytcp_port_user *first;

	WRITE_ONCE(user->port, port);
	INIT_LIST_HEAD(&user->same);
	INIT_HLIST_NODE(&user->node);
	hlist_for_each_entry(first, &port->classes, node) {
		if (same_class(first, user)) {
			list_add(&user->same, &first->same);
			return;
		}
	}
	hlist_add_head(&user->node, &port->classes);
}

/* port_lock held; another of its class takes its place */
static void user_del(struct toytcp_port_user *user)
{
	if (!hlist_unhashed(&user->node)) {
		if (!list_empty(&user->same))
			hlist_add_behind(&list_first_entry(&user->same,
							   struct toytcp_port_user,
							   same)->node,
					 &user->node);
		hlist_del_init(&user->node);
	}
	list_del_init(&user->same);
}

/*
 * Linux's rules: SO_REUSEADDR on both, and the other one not listening; or
 * SO_REUSEPORT on both, and both one user's, unless the other is but a
 * time-wait.
 */
static bool may_share(const struct toytcp_port_user *user,
		      const struct toytcp_port_user *other)
{
	if (user->reuse && other->reuse && !other->listening)
		return true;
	return user->reuseport && other->reuseport &&
	       (other->timewait || uid_eq(user->uid, other->uid));
}

/* would both hear the same? */
static bool overlap(const struct toytcp_port_user *a,
		    const struct toytcp_port_user *b)
{
	if (a->dif && b->dif && a->dif != b->dif)
		return false;
	if (a->six && b->six)
		return true;
	if (a->v6only || b->v6only)
		return false;
	return !a->addr || !b->addr || a->addr == b->addr;
}

/*
 * May @user have the port beside those that have it? @alone: not at an address
 * and device that any of them has, as for a port that nobody asked for by its
 * number.
 */
static bool conflicts(const struct toytcp_port *port,
		      const struct toytcp_port_user *user, bool alone)
{
	const struct toytcp_port_user *other;

	hlist_for_each_entry(other, &port->classes, node) {
		if (!overlap(user, other))
			continue;
		if (alone || !may_share(user, other))
			return true;
	}
	return false;
}

/* what the socket's options say of sharing; not while it is in a class */
static void user_options(struct toytcp_port_user *user, struct sock *sk)
{
	user->dif = sk->sk_bound_dev_if;
	user->uid = sock_i_uid(sk);
	user->reuse = sk->sk_reuse;
	user->reuseport = sk->sk_reuseport;
	user->v6only = sk->sk_ipv6only;
}

static int bind_one(struct sock *sk, struct toytcp_net *tn, __be32 addr,
		    u16 num, bool alone)
{
	struct toytcp_port_user *user = &toytcp_sk(sk)->port_user;
	struct toytcp_port *port = port_get(tn, num);
	int err = 0;

	if (IS_ERR(port))
		return PTR_ERR(port);
	user_options(user, sk);
	user->addr = addr;
	user->six = !addr && toytcp_mapped(sk) && !toytcp_sk(sk)->bound_mapped;
	user->listening = false;
	user->explicit = true;
	/* as with Linux, who has a group already (a program) does not join one here */
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		user->reuseport = false;
	spin_lock_bh(&tn->port_lock);
	if (conflicts(port, user, alone)) {
		err = -EADDRINUSE;
	} else {
		user->reuseport = sk->sk_reuseport;
		port->shared = false;
		user_add(port, user);
	}
	port_check(tn, port);
	spin_unlock_bh(&tn->port_lock);
	return err;
}

/* IP_LOCAL_PORT_RANGE narrows the sysctl's where it lies inside, as Linux */
static void local_range(const struct sock *sk, u32 *low, u32 *count)
{
	const struct toytcp_net *tn = toytcp_net(sock_net(sk));
	int first = READ_ONCE(tn->sysctl.local_port_range[0]);
	int last = READ_ONCE(tn->sysctl.local_port_range[1]);
	u32 range = compat_local_port_range(sk);
	int own_first = range & 0xffff, own_last = range >> 16;

	if (own_first > first && own_first <= last)
		first = own_first;
	if (own_last >= first && own_last < last)
		last = own_last;
	*low = first;
	*count = last >= first ? last - first + 1 : 1;
}

/**
 * toytcp_port_bind() - hold a port
 * @sk: the socket, without one
 * @addr: local address, 0 for all
 * @num: the port, host order; 0 for any of net.toytcp.local_port_range
 *
 * Context: process, socket lock held; sleeps.
 * Return: 0; -EADDRINUSE if the port, or every one of the range, is taken
 * here or by the host; -ENOMEM and such.
 */
int toytcp_port_bind(struct sock *sk, __be32 addr, u16 num)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	u32 low, count, i, start;
	int err;

	mutex_lock(&tn->port_mutex);
	if (num) {
		err = bind_one(sk, tn, addr, num, false);
		goto out;
	}
	local_range(sk, &low, &count);
	start = get_random_u32_below(count);
	for (i = 0; i < count; i++) {
		num = low + (start + i) % count;
		err = bind_one(sk, tn, addr, num, true);
		if (err != -EADDRINUSE)
			break;
		cond_resched();
	}
out:
	mutex_unlock(&tn->port_mutex);
	if (!err)
		toytcp_sk(sk)->flow.key.lport = htons(num);
	return err;
}

/*
 * RFC 6056 3.3.4, "double-hash": one hash of the destination says where its
 * ports begin, another one which counter it shares with few others. So
 * neither a destination nor who watches another one can foretell the next
 * port, and a destination sees each port as late again as can be. Namespaces
 * share the counters; a lost increment does no harm.
 */
static u64 port_hash(const struct toytcp_flow_key *key)
{
	return siphash_3u32((__force u32)key->laddr, (__force u32)key->faddr,
			    (__force u32)key->fport, &toytcp_secret.port);
}

static u32 *port_counter(u64 hash)
{
	return &toytcp_secret.port_counters[(hash >> 32) % TOYTCP_PORT_COUNTERS];
}

/**
 * toytcp_port_first() - which ephemeral port to try first
 * @key: the connection's ends; the local port does not matter
 *
 * Context: process, may sleep.
 * Return: offset into the range, to be taken modulo its size.
 */
u32 toytcp_port_first(const struct toytcp_flow_key *key)
{
	u64 hash = port_hash(key);

	return (u32)hash + READ_ONCE(*port_counter(hash));
}

/**
 * toytcp_port_tried() - ports were tried; the next time begins after them
 * @key: the connection's ends, as for toytcp_port_first()
 * @n: how many
 *
 * Now and then one is left out, so that counting ports does not count
 * connections.
 *
 * Context: process, may sleep.
 */
void toytcp_port_tried(const struct toytcp_flow_key *key, u32 n)
{
	u32 *counter = port_counter(port_hash(key));

	WRITE_ONCE(*counter, READ_ONCE(*counter) + n + !get_random_u32_below(16));
}

/* into the table of flows, if need be in a time-wait's place */
static int flow_enter(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int err = toytcp_demux_insert(&ts->flow);

	if (err == -EEXIST && toytcp_timewait_succeed(sk))
		return 0;
	return err;
}

/* try one ephemeral port for a connection; port_mutex held */
static int connect_one(struct sock *sk, struct toytcp_net *tn, u16 num)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_port *port;
	bool fresh;
	int err;

	port = rhashtable_lookup_fast(&tn->ports, &num, port_params);
	/* one that only waits to be reaped is nobody's; port_mutex keeps it so */
	fresh = !port || hlist_empty(&port->classes);
	if (!fresh && !port->shared)
		return -EADDRINUSE;
	port = port_get(tn, num);
	if (IS_ERR(port))
		return PTR_ERR(port);
	ts->flow.key.lport = htons(num);
	err = flow_enter(sk);
	user_options(&ts->port_user, sk);
	spin_lock_bh(&tn->port_lock);
	if (!err) {
		if (fresh)
			port->shared = true;
		ts->port_user.addr = ts->flow.key.laddr;
		ts->port_user.six = false;
		ts->port_user.listening = false;
		ts->port_user.explicit = false;
		user_add(port, &ts->port_user);
	}
	port_check(tn, port);
	spin_unlock_bh(&tn->port_lock);
	return err == -EEXIST ? -EADDRINUSE : err;
}

/**
 * toytcp_port_connect() - enter a connection into the table of flows
 * @sk: the socket, foreign end and local address set
 *
 * Without a port of its own, an ephemeral one is chosen. It may be shared
 * with other connections made by connect(), to other destinations. What
 * toytcp_timewait_succeed() allows may take a time-wait's place; ts->iss is
 * then set.
 *
 * Context: process, socket lock held; sleeps.
 * Return: 0; -EADDRNOTAVAIL if no port is free or the five-tuple is taken.
 */
int toytcp_port_connect(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 low, count, i, start;
	int err;

	if (ts->port_user.port) {
		err = flow_enter(sk);
		return err == -EEXIST ? -EADDRNOTAVAIL : err;
	}
	mutex_lock(&tn->port_mutex);
	local_range(sk, &low, &count);
	start = toytcp_port_first(&ts->flow.key) % count;
	for (i = 0; i < count; i++) {
		err = connect_one(sk, tn, low + (start + i) % count);
		if (err != -EADDRINUSE)
			break;
		cond_resched();
	}
	toytcp_port_tried(&ts->flow.key, i + 1);
	mutex_unlock(&tn->port_mutex);
	if (err)
		ts->flow.key.lport = 0;
	return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
}

/*
 * SO_REUSEPORT: listeners that hear the same are one group of the core's, which
 * chooses among them. port_lock held.
 */
static int group_join(struct sock *sk, const struct toytcp_port_user *user)
{
	struct toytcp_listener *other;

	hlist_for_each_entry(other, &user->port->listeners, node) {
		const struct toytcp_port_user *with = &toytcp_sk(other->sk)->port_user;

		/* one that hears no IPv4 is in no list, and its group is its own */
		if (with->reuseport && !user->v6only && with->addr == user->addr &&
		    with->dif == user->dif &&
		    toytcp_mapped(other->sk) == toytcp_mapped(sk))
			return reuseport_add_sock(sk, other->sk, !user->addr);
	}
	return reuseport_alloc(sk, !user->addr);
}

/**
 * toytcp_port_listen() - let SYNs find a socket
 * @sk: the socket, bound, with a struct toytcp_listener
 *
 * Context: process, socket lock held.
 * Return: 0; -EADDRINUSE if another listener, or a socket that does not
 * share, has the port; -ENOMEM.
 */
int toytcp_port_listen(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_port_user *user = &ts->port_user;
	int err = 0;

	spin_lock_bh(&tn->port_lock);
	user_del(user);
	user_options(user, sk);
	if (conflicts(user->port, user, false))
		err = -EADDRINUSE;
	else if (user->reuseport)
		err = group_join(sk, user);
	if (!err) {
		user->listening = true;
		if (!user->v6only)
			hlist_add_head_rcu(&ts->listener->node,
					   &user->port->listeners);
	}
	user_add(user->port, user);
	spin_unlock_bh(&tn->port_lock);
	return err;
}

/**
 * toytcp_port_unlisten() - SYNs shall not find a socket any more
 * @sk: the listener
 *
 * Context: process, socket lock held.
 */
void toytcp_port_unlisten(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	struct toytcp_sock *ts = toytcp_sk(sk);

	spin_lock_bh(&tn->port_lock);
	user_del(&ts->port_user);
	ts->port_user.listening = false;
	user_add(ts->port_user.port, &ts->port_user);
	hlist_del_init_rcu(&ts->listener->node);
	/* its requests go with it: the core must not keep it to pass them on */
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
	spin_unlock_bh(&tn->port_lock);
}

/**
 * toytcp_port_inherit() - a child or a time-wait holds its parent's port, too
 * @net: the namespace
 * @user: the new user
 * @from: the holder
 * @addr: local address of the new user
 *
 * Context: any but hard interrupt.
 * Return: false if @from has given the port up.
 */
bool toytcp_port_inherit(struct net *net, struct toytcp_port_user *user,
			 const struct toytcp_port_user *from, __be32 addr)
{
	struct toytcp_net *tn = toytcp_net(net);
	struct toytcp_port *port;

	spin_lock_bh(&tn->port_lock);
	port = from->port;
	if (!port)
		goto out;
	user->addr = addr;
	user->dif = from->dif;
	user->uid = from->uid;
	user->reuse = from->reuse;
	user->reuseport = from->reuseport;
	user->v6only = false;
	user->six = false;
	user->listening = false;
	user->explicit = from->explicit;
	user_add(port, user);
out:
	spin_unlock_bh(&tn->port_lock);
	return port;
}

/**
 * toytcp_port_release() - hold a port no longer
 * @user: the holder; none held is fine
 *
 * Context: any but hard interrupt.
 */
void toytcp_port_release(struct toytcp_port_user *user)
{
	struct toytcp_port *port = user->port;
	struct toytcp_net *tn;

	if (!port)
		return;
	tn = port->tn;
	spin_lock_bh(&tn->port_lock);
	user_del(user);
	port_check(tn, port);
	WRITE_ONCE(user->port, NULL);
	spin_unlock_bh(&tn->port_lock);
}

/**
 * toytcp_port_net_init() - a namespace's ports
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_port_net_init(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	mutex_init(&tn->port_mutex);
	spin_lock_init(&tn->port_lock);
	INIT_LIST_HEAD(&tn->port_reap);
	INIT_DELAYED_WORK(&tn->port_work, reap_work);
	return rhashtable_init(&tn->ports, &port_params);
}

/**
 * toytcp_port_net_stop() - a namespace is about to end: no new ports, no packets
 * @net: the namespace
 *
 * The hook is gone for good after the grace period that follows.
 *
 * Context: process.
 */
void toytcp_port_net_stop(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	mutex_lock(&tn->port_mutex);
	tn->exiting = true;
	if (tn->hook_registered) {
		toytcp_ipv4_hook_unregister(net);
		tn->hook_registered = false;
	}
	mutex_unlock(&tn->port_mutex);
}

/**
 * toytcp_port_net_exit() - a namespace ends
 * @net: the namespace, without sockets and time-waits
 *
 * Context: process.
 */
void toytcp_port_net_exit(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);

	mutex_lock(&tn->port_mutex);
	reap(tn);
	mutex_unlock(&tn->port_mutex);
	cancel_delayed_work_sync(&tn->port_work);
	WARN_ON_ONCE(tn->port_count);
	toytcp_reserve_net_exit(tn);
	rhashtable_destroy(&tn->ports);
	bitmap_free(tn->ports_used);
}
