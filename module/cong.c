// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control: the table of algorithms, and the arithmetic they share.
 *
 * Layer 0 (arithmetic): a struct toytcp_cong in, a struct toytcp_cong out; no
 * socket, no clock.
 *
 * Locks: cong_list_lock orders writers of the table; readers use RCU. An
 * algorithm stays as long as somebody holds a reference to its module, taken
 * by toytcp_cong_find_get(). A struct toytcp_cong is protected by its owner's
 * socket lock.
 *
 * RFC 5681 section 3.1 (slow start, congestion avoidance), RFC 6928 (initial
 * window), RFC 3465 (counting what was acknowledged, not the ACKs).
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "cong.h"

/* no limit: half the range, so that a sum of two windows cannot wrap */
#define CWND_CLAMP_NONE	0x7fffffffu

static LIST_HEAD(cong_list);
static DEFINE_SPINLOCK(cong_list_lock);

/* caller: RCU read lock or cong_list_lock */
static struct toytcp_cong_ops *lookup_name(const char *name)
{
	struct toytcp_cong_ops *ops;

	list_for_each_entry_rcu(ops, &cong_list, list,
				lockdep_is_held(&cong_list_lock)) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

/* the kernel's number for a name, by which routes keep it */
static u32 name_key(const char *name)
{
	char padded[TOYTCP_CONG_NAME_MAX] = {};

	strscpy(padded, name, sizeof(padded));
	return jhash(padded, sizeof(padded), strlen(padded));
}

static bool ops_valid(const struct toytcp_cong_ops *ops)
{
	size_t len;

	if (!ops->name || !ops->ssthresh || (!ops->cong_avoid && !ops->control))
		return false;
	len = strnlen(ops->name, TOYTCP_CONG_NAME_MAX);
	return len && len < TOYTCP_CONG_NAME_MAX;
}

/**
 * toytcp_cong_register() - add an algorithm to the table
 * @ops: the algorithm; stays the caller's, and must live and not change
 *	until toytcp_cong_unregister() returns. Not in the table already.
 *
 * Context: process; takes cong_list_lock.
 * Return: 0; -EINVAL if the name is missing, empty or longer than
 * TOYTCP_CONG_NAME_MAX - 1, or ssthresh is missing, or both cong_avoid and
 * control are; -EEXIST if the name is taken.
 */
int toytcp_cong_register(struct toytcp_cong_ops *ops)
{
	int err = 0;

	if (!ops_valid(ops))
		return -EINVAL;

	ops->key = name_key(ops->name);
	spin_lock(&cong_list_lock);
	if (lookup_name(ops->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&ops->list, &cong_list);
	spin_unlock(&cong_list_lock);
	return err;
}
EXPORT_SYMBOL_GPL(toytcp_cong_register);

/**
 * toytcp_cong_unregister() - take an algorithm out of the table
 * @ops: the algorithm, registered
 *
 * When this returns nobody can find @ops any more. Connections that already
 * use it hold a reference to its owner, so an algorithm's module calls this
 * from its exit function, when there are none.
 *
 * Context: process; takes cong_list_lock, waits for RCU.
 */
void toytcp_cong_unregister(struct toytcp_cong_ops *ops)
{
	spin_lock(&cong_list_lock);
	list_del_rcu(&ops->list);
	spin_unlock(&cong_list_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(toytcp_cong_unregister);

/**
 * toytcp_cong_find_get() - look an algorithm up by name
 * @name: as in TCP_CONGESTION, 0-terminated
 *
 * Context: any; takes the RCU read lock.
 * Return: the algorithm, with a reference to its module that the caller gives
 * back by toytcp_cong_put(); NULL if there is none, or if it is just leaving.
 */
struct toytcp_cong_ops *toytcp_cong_find_get(const char *name)
{
	struct toytcp_cong_ops *ops;

	rcu_read_lock();
	ops = lookup_name(name);
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	rcu_read_unlock();
	return ops;
}

/**
 * toytcp_cong_find_key_get() - look an algorithm up as a route names it
 * @key: the route's number (congctl)
 *
 * Context: any; takes the RCU read lock.
 * Return: as toytcp_cong_find_get().
 */
struct toytcp_cong_ops *toytcp_cong_find_key_get(u32 key)
{
	struct toytcp_cong_ops *ops, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(ops, &cong_list, list) {
		if (ops->key == key && try_module_get(ops->owner)) {
			found = ops;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/**
 * toytcp_cong_put() - give back what toytcp_cong_find_get() returned
 * @ops: the algorithm, or NULL
 *
 * Context: any.
 */
void toytcp_cong_put(const struct toytcp_cong_ops *ops)
{
	if (ops)
		module_put(ops->owner);
}

/* the first of @names into @name; returns where the next one begins, NULL: there is none */
static const char *next_name(const char *names, char *name)
{
	size_t n;

	names += strspn(names, " ");
	n = strcspn(names, " ");
	if (!n)
		return NULL;
	/* what is too long is nobody's name, and must not become one by being cut */
	*name = 0;
	if (n < TOYTCP_CONG_NAME_MAX) {
		memcpy(name, names, n);
		name[n] = 0;
	}
	return names + n;
}

/**
 * toytcp_cong_allow() - which algorithms anybody may choose
 * @names: those, with blanks between them; all others become restricted
 *
 * Sockets keep what they have.
 *
 * Context: process; takes cong_list_lock.
 * Return: 0; -ENOENT, with nothing changed, if one of them is not there.
 */
int toytcp_cong_allow(const char *names)
{
	char name[TOYTCP_CONG_NAME_MAX];
	struct toytcp_cong_ops *ops;
	const char *at = names;
	int err = 0;

	spin_lock(&cong_list_lock);
	while (!err && (at = next_name(at, name)))
		err = lookup_name(name) ? 0 : -ENOENT;
	if (err)
		goto out;
	list_for_each_entry_rcu(ops, &cong_list, list,
				lockdep_is_held(&cong_list_lock))
		WRITE_ONCE(ops->flags, ops->flags & ~TOYTCP_CONG_NON_RESTRICTED);
	for (at = names; (at = next_name(at, name)); ) {
		ops = lookup_name(name);
		WRITE_ONCE(ops->flags, ops->flags | TOYTCP_CONG_NON_RESTRICTED);
	}
out:
	spin_unlock(&cong_list_lock);
	return err;
}

/**
 * toytcp_cong_names() - the table's names, with a blank between two
 * @buf: where to; terminated by 0
 * @size: its room, bytes, > 0; names that do not fit are left out
 * @unrestricted_only: only those that anybody may choose
 *
 * Context: any; takes the RCU read lock.
 * Return: bytes written, without the 0.
 */
size_t toytcp_cong_names(char *buf, size_t size, bool unrestricted_only)
{
	const struct toytcp_cong_ops *ops;
	size_t at = 0;

	buf[0] = 0;
	rcu_read_lock();
	list_for_each_entry_rcu(ops, &cong_list, list) {
		size_t len = strlen(ops->name);

		if (unrestricted_only &&
		    !(READ_ONCE(ops->flags) & TOYTCP_CONG_NON_RESTRICTED))
			continue;
		if (size - at < len + 2)
			break;
		if (at)
			buf[at++] = ' ';
		memcpy(buf + at, ops->name, len + 1);
		at += len;
	}
	rcu_read_unlock();
	return at;
}

static struct toytcp_cong_ops *const builtin[] = {
	&toytcp_cong_reno,
	&toytcp_cong_cubic,
	&toytcp_cong_dctcp,
	&toytcp_cong_bbr,
};

/**
 * toytcp_cong_builtin_init() - module load: the algorithms that are always there
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_cong_builtin_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(builtin); i++) {
		err = toytcp_cong_register(builtin[i]);
		if (err) {
			while (i--)
				toytcp_cong_unregister(builtin[i]);
			return err;
		}
	}
	return 0;
}

/**
 * toytcp_cong_builtin_exit() - module unload
 *
 * Context: process; no connection is left.
 */
void toytcp_cong_builtin_exit(void)
{
	unsigned int i = ARRAY_SIZE(builtin);

	while (i--)
		toytcp_cong_unregister(builtin[i]);
}

/**
 * toytcp_cong_init() - the state of a new connection
 * @c: the state; all of it is overwritten
 * @ops: the algorithm; the reference is the caller's and must outlive @c
 * @init_cwnd_segs: initial window in segments; 0 counts as 1
 *
 * RFC 5681 section 3.1: ssthresh "arbitrarily high", so that the first limit
 * is found by slow start.
 *
 * Context: any; the owner's socket lock, unless nobody else knows @c yet.
 */
void toytcp_cong_init(struct toytcp_cong *c, const struct toytcp_cong_ops *ops,
		      u32 init_cwnd_segs)
{
	memset(c, 0, sizeof(*c));
	c->ops = ops;
	c->cwnd_clamp_segs = CWND_CLAMP_NONE;
	c->cwnd_segs = clamp(init_cwnd_segs, 1u, CWND_CLAMP_NONE);
	c->ssthresh_segs = TOYTCP_CONG_SSTHRESH_INF;
	if (ops->init)
		ops->init(c);
}

/**
 * toytcp_cong_switch() - another algorithm for a connection that has one
 * @c: the state; the windows stay what they are
 * @ops: the algorithm; the reference is the caller's and must outlive @c.
 *	That to the former one is the caller's to give back.
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_cong_switch(struct toytcp_cong *c,
			const struct toytcp_cong_ops *ops)
{
	memset(c->priv, 0, sizeof(c->priv));
	c->cwnd_cnt = 0;
	c->pace_q = 0;
	c->burst_min_segs = 0;
	c->app_limited = false;
	c->ops = ops;
	if (ops->init)
		ops->init(c);
}

/**
 * toytcp_cong_grow() - a larger window, no further than its clamp
 * @c: the state
 * @segs: segments to add
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_cong_grow(struct toytcp_cong *c, u32 segs)
{
	if (c->cwnd_segs >= c->cwnd_clamp_segs ||
	    segs > c->cwnd_clamp_segs - c->cwnd_segs)
		c->cwnd_segs = c->cwnd_clamp_segs;
	else
		c->cwnd_segs += segs;
}
EXPORT_SYMBOL_GPL(toytcp_cong_grow);

/**
 * toytcp_cong_slow_start() - grow by what was acknowledged, up to ssthresh
 * @c: the state
 * @acked_segs: segments newly acknowledged
 *
 * RFC 5681 section 3.1, counting segments as RFC 3465 counts bytes. An ACK
 * for many segments counts as many: receivers that merge segments send few
 * ACKs, and RFC 3465's limit of two segments an ACK would starve them.
 *
 * Context: any; the owner's socket lock.
 * Return: the part of @acked_segs not used because cwnd reached ssthresh; it
 * belongs to congestion avoidance.
 */
u32 toytcp_cong_slow_start(struct toytcp_cong *c, u32 acked_segs)
{
	u32 used;

	if (!toytcp_cong_in_slow_start(c))
		return acked_segs;
	used = min(acked_segs, c->ssthresh_segs - c->cwnd_segs);
	toytcp_cong_grow(c, used);
	return acked_segs - used;
}
EXPORT_SYMBOL_GPL(toytcp_cong_slow_start);

/**
 * toytcp_cong_ai() - additive increase
 * @c: the state
 * @every_segs: acknowledged segments that one segment of growth costs; 0
 *	counts as 1. cwnd_segs gives Reno's segment a round trip.
 * @acked_segs: segments newly acknowledged
 *
 * RFC 5681 section 3.1, equation 3, in whole segments: what does not make a
 * segment waits in cwnd_cnt. Where cwnd_cnt was collected for a larger price
 * than @every_segs it buys one segment, not several at once.
 *
 * Context: any; the owner's socket lock.
 */
void toytcp_cong_ai(struct toytcp_cong *c, u32 every_segs, u32 acked_segs)
{
	u32 every = max(every_segs, 1u);

	if (c->cwnd_cnt >= every) {
		c->cwnd_cnt = 0;
		toytcp_cong_grow(c, 1);
	}
	c->cwnd_cnt += min(acked_segs, U32_MAX - c->cwnd_cnt);
	toytcp_cong_grow(c, c->cwnd_cnt / every);
	c->cwnd_cnt %= every;
}
EXPORT_SYMBOL_GPL(toytcp_cong_ai);
