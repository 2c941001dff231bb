// SPDX-License-Identifier: GPL-2.0
/*
 * Counters, and the one way to drop a segment.
 *
 * Side (layer 2). Locks: none; per-CPU, folded by the reader.
 */
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "drop.h"
#include "netns.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
#undef CREATE_TRACE_POINTS	/* once in a unit of compilation; see whole.c */

static const char *const drop_names[] = {
#define X(name, text) text,
	TOYTCP_DROP_REASONS(X)
#undef X
};

static const char *const mib_names[] = {
#define X(name, text) text,
	TOYTCP_MIB_COUNTERS(X)
#undef X
};

/**
 * toytcp_stats_drop_name() - a drop reason's name
 * @reason: the reason
 *
 * Context: any.
 * Return: the name in /proc/net/toytcp_stat; "?" for what is none.
 */
const char *toytcp_stats_drop_name(enum toytcp_drop_reason reason)
{
	return (unsigned int)reason < TOYTCP_DROP_COUNT ? drop_names[reason] :
							  "?";
}

/**
 * toytcp_stats_mib_name() - a counter's name
 * @mib: the counter
 *
 * Context: any.
 * Return: the name in /proc/net/toytcp_stat.
 */
const char *toytcp_stats_mib_name(enum toytcp_mib mib)
{
	return (unsigned int)mib < TOYTCP_MIB_COUNT ? mib_names[mib] : "?";
}

/**
 * toytcp_stats_fold() - sum the counters of all CPUs
 * @net: the namespace
 * @sum: where to
 *
 * Context: any. The sum is not a snapshot: CPUs go on counting.
 */
void toytcp_stats_fold(struct net *net, struct toytcp_stats *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct toytcp_stats *one =
			per_cpu_ptr(toytcp_net(net)->stats, cpu);

		for (i = 0; i < TOYTCP_DROP_COUNT; i++)
			sum->drop[i] += READ_ONCE(one->drop[i]);
		for (i = 0; i < TOYTCP_MIB_COUNT; i++)
			sum->mib[i] += READ_ONCE(one->mib[i]);
	}
}

/**
 * toytcp_stats_inc() - count one event
 * @net: the namespace
 * @mib: the event
 *
 * Context: any.
 */
void toytcp_stats_inc(struct net *net, enum toytcp_mib mib)
{
	this_cpu_inc(toytcp_net(net)->stats->mib[mib]);
}

/**
 * toytcp_stats_add() - count several events
 * @net: the namespace
 * @mib: the event
 * @n: how many
 *
 * Context: any.
 */
void toytcp_stats_add(struct net *net, enum toytcp_mib mib, u32 n)
{
	this_cpu_add(toytcp_net(net)->stats->mib[mib], n);
}

/**
 * toytcp_drop_note() - count and trace a segment that goes no further
 * @net: the namespace
 * @skb: the segment, which somebody else frees
 * @reason: why
 *
 * Context: any.
 */
void toytcp_drop_note(struct net *net, const struct sk_buff *skb,
		      enum toytcp_drop_reason reason)
{
	this_cpu_inc(toytcp_net(net)->stats->drop[reason]);
	trace_toytcp_drop(skb, reason);
}

/**
 * toytcp_drop() - count, trace and free a segment that goes no further
 * @net: the namespace
 * @skb: the segment; consumed
 * @reason: why
 *
 * Context: any.
 */
void toytcp_drop(struct net *net, struct sk_buff *skb,
		 enum toytcp_drop_reason reason)
{
	toytcp_drop_note(net, skb, reason);
	kfree_skb(skb);
}
