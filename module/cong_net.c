// SPDX-License-Identifier: GPL-2.0
/*
 * Which congestion control a namespace and a socket use, and who may choose.
 *
 * Side (layer 2). Locks: toytcp_net.cong_default is swapped atomically and
 * read under RCU; it holds a reference to the algorithm's module. A socket's
 * choice is under its lock.
 *
 * As Linux: an algorithm that is not there is asked for by module alias if
 * the caller has CAP_NET_ADMIN; one without TOYTCP_CONG_NON_RESTRICTED needs
 * CAP_NET_ADMIN over the namespace; what becomes a namespace's default is
 * free for all from then on, and only the initial namespace may choose a
 * restricted one as its default, or say what is free for all
 * (allowed_congestion_control). A namespace begins with the default of the
 * initial one.
 */
#include <linux/kmod.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "cong.h"
#include "cong_net.h"
#include "ecn.h"
#include "netns.h"
#include "sock.h"

/* lengths of the sysctls' texts, bytes, as Linux's TCP_CA_BUF_MAX */
#define NAMES_MAX	(TOYTCP_CONG_NAME_MAX * 128)

/* find, or load */
static struct toytcp_cong_ops *find_load(const char *name)
{
	struct toytcp_cong_ops *ops = toytcp_cong_find_get(name);

	if (!ops && capable(CAP_NET_ADMIN)) {
		request_module(TOYTCP_CONG_ALIAS "%s", name);
		ops = toytcp_cong_find_get(name);
	}
	return ops;
}

static bool restricted(const struct toytcp_cong_ops *ops)
{
	return !(READ_ONCE(ops->flags) & TOYTCP_CONG_NON_RESTRICTED);
}

/**
 * toytcp_cong_net_default_get() - the algorithm of a new socket
 * @net: the namespace
 *
 * Context: any.
 * Return: the algorithm with a reference for toytcp_cong_put(); Reno, as
 * Linux, if the default's module is just leaving.
 */
const struct toytcp_cong_ops *toytcp_cong_net_default_get(struct net *net)
{
	const struct toytcp_cong_ops *ops;

	rcu_read_lock();
	ops = rcu_dereference(toytcp_net(net)->cong_default);
	if (!ops || !try_module_get(ops->owner))
		ops = &toytcp_cong_reno;
	rcu_read_unlock();
	return ops;
}

/* @ops: with a reference, which the namespace keeps */
static void default_set(struct net *net, const struct toytcp_cong_ops *ops)
{
	struct toytcp_net *tn = toytcp_net(net);
	const struct toytcp_cong_ops *old;

	old = unrcu_pointer(xchg(&tn->cong_default, RCU_INITIALIZER(ops)));
	toytcp_cong_put(old);
}

/**
 * toytcp_cong_net_init() - a namespace begins
 * @net: the namespace
 *
 * Context: process.
 */
void toytcp_cong_net_init(struct net *net)
{
	if (net_eq(net, &init_net))
		default_set(net, &toytcp_cong_cubic);
	else
		default_set(net, toytcp_cong_net_default_get(&init_net));
}

/**
 * toytcp_cong_net_exit() - a namespace ends
 * @net: the namespace, without sockets
 *
 * Context: process.
 */
void toytcp_cong_net_exit(struct net *net)
{
	default_set(net, NULL);
}

/**
 * toytcp_cong_net_route() - the route has a say in it, too (congctl)
 * @sk: the socket, its route known; it has not begun to send
 *
 * As Linux it goes before the default and before the program's choice; one
 * that is not there is ignored. Its name must be known to the kernel's TCP as
 * well, which is asked when the route is made.
 *
 * Context: any; socket lock held, or not yet visible.
 */
void toytcp_cong_net_route(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_cong_ops *ops;

	if (likely(!ts->path.cong_key))
		return;
	ops = toytcp_cong_find_key_get(ts->path.cong_key);
	if (!ops)
		return;
	toytcp_cong_put(ts->cong.ops);
	toytcp_cong_switch(&ts->cong, ops);
	ts->cong_locked = ts->path.cong_locked;
}

/**
 * toytcp_cong_net_select() - TCP_CONGESTION
 * @sk: the socket
 * @name: the algorithm's, 0-terminated
 *
 * Context: process, socket lock held; may load a module.
 * Return: 0; -ENOENT if there is none; -EPERM if the caller may not choose it,
 * or the route has (congctl lock).
 */
int toytcp_cong_net_select(struct sock *sk, const char *name)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_cong_ops *ops, *old = ts->cong.ops;

	if (ts->cong_locked)
		return -EPERM;
	ops = find_load(name);
	if (!ops)
		return -ENOENT;
	if (ops == old) {
		ts->cong_chosen = 1;
		toytcp_cong_put(ops);
		return 0;
	}
	if (restricted(ops) &&
	    !ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN)) {
		toytcp_cong_put(ops);
		return -EPERM;
	}
	ts->cong_chosen = 1;
	toytcp_cong_switch(&ts->cong, ops);
	if (!(BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT)))
		toytcp_ecn_established(sk);
	toytcp_cong_put(old);
	return 0;
}

static int default_select(struct net *net, const char *name)
{
	struct toytcp_cong_ops *ops = find_load(name);

	if (!ops)
		return -ENOENT;
	if (!net_eq(net, &init_net) && restricted(ops)) {
		toytcp_cong_put(ops);
		return -EPERM;
	}
	WRITE_ONCE(ops->flags, ops->flags | TOYTCP_CONG_NON_RESTRICTED);
	default_set(net, ops);
	return 0;
}

static struct net *table_net(compat_ctl_table *table)
{
	struct toytcp_sysctl *ctl = table->data;

	return container_of(ctl, struct toytcp_net, sysctl)->net;
}

/**
 * toytcp_cong_net_sysctl_default() - net.toytcp.congestion_control
 * @table: data is the namespace's struct toytcp_sysctl
 * @write: a write
 * @buffer: the text
 * @lenp: its length
 * @ppos: file position
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_cong_net_sysctl_default(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos)
{
	struct net *net = table_net(table);
	char name[TOYTCP_CONG_NAME_MAX] = {};
	struct ctl_table text = { .data = name, .maxlen = sizeof(name) };
	const struct toytcp_cong_ops *ops = toytcp_cong_net_default_get(net);
	int err;

	strscpy(name, ops->name, sizeof(name));
	toytcp_cong_put(ops);
	err = proc_dostring(&text, write, buffer, lenp, ppos);
	return err || !write ? err : default_select(net, name);
}

static int names_text(int write, void *buffer, size_t *lenp, loff_t *ppos,
		      bool unrestricted_only)
{
	struct ctl_table text = { .maxlen = NAMES_MAX };
	int err;

	text.data = kmalloc(NAMES_MAX, GFP_KERNEL);
	if (!text.data)
		return -ENOMEM;
	toytcp_cong_names(text.data, NAMES_MAX, unrestricted_only);
	err = proc_dostring(&text, write, buffer, lenp, ppos);
	if (!err && write)
		err = toytcp_cong_allow(text.data);
	kfree(text.data);
	return err;
}

/**
 * toytcp_cong_net_sysctl_available() - net.toytcp.available_congestion_control
 * @table: unused
 * @write: never: its mode forbids it
 * @buffer: the text
 * @lenp: its length
 * @ppos: file position
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_cong_net_sysctl_available(compat_ctl_table *table, int write,
				     void *buffer, size_t *lenp, loff_t *ppos)
{
	return names_text(0, buffer, lenp, ppos, false);
}

/**
 * toytcp_cong_net_sysctl_allowed() - net.toytcp.allowed_congestion_control
 * @table: unused
 * @write: a write, of the initial namespace: its mode forbids it elsewhere
 * @buffer: the text
 * @lenp: its length
 * @ppos: file position
 *
 * What anybody may choose, in all namespaces. An algorithm becomes free for all
 * by its flag, by being written here, or as a namespace's default.
 *
 * Context: process.
 * Return: 0 or negative errno; -ENOENT for a name that is not available.
 */
int toytcp_cong_net_sysctl_allowed(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos)
{
	return names_text(write, buffer, lenp, ppos, true);
}
