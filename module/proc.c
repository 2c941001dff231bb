// SPDX-License-Identifier: GPL-2.0
/*
 * The listing: /proc/net/toytcp, one socket a line, columns as /proc/net/tcp,
 * and the counters: /proc/net/toytcp_stat.
 *
 * Side (layer 2). Locks: RCU. A row is read without the socket's lock: it
 * shows what was true a moment ago.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include <net/tcp_states.h>

#include "compat.h"
#include "drop.h"
#include "listen.h"
#include "netns.h"
#include "sock.h"
#include "timewait.h"

/* as in /proc/net/tcp, width of a row without the newline */
#define ROW_WIDTH 149

/* the timer column: 0 none, 1 retransmission, 2 keepalive, 3 time-wait, 4 probe */
static int active_timer(const struct toytcp_sock *ts, u64 *expires_us)
{
	if (toytcp_timer_pending(&ts->timer_rtx)) {
		*expires_us = READ_ONCE(ts->timer_rtx.expires_us);
		return READ_ONCE(ts->rtx_mode) == TOYTCP_RTX_PROBE ? 4 : 1;
	}
	if (toytcp_timer_pending(&ts->timer_keep)) {
		*expires_us = READ_ONCE(ts->timer_keep.expires_us);
		return 2;
	}
	*expires_us = toytcp_now_us();
	return 0;
}

/* time left as the kernel's clock_t ticks */
static unsigned long ticks_left(u64 expires_us)
{
	u64 now = toytcp_now_us();

	if (expires_us <= now)
		return 0;
	now = min_t(u64, expires_us - now, U32_MAX);
	return jiffies_delta_to_clock_t(usecs_to_jiffies(now));
}

static void show_key(struct seq_file *seq, int row,
		     const struct toytcp_flow_key *key, int state)
{
	seq_printf(seq, "%4d: %08X:%04X %08X:%04X %02X", row,
		   (__force u32)key->laddr, ntohs(key->lport),
		   (__force u32)key->faddr, ntohs(key->fport), state);
}

static void show_sock(struct seq_file *seq, struct sock *sk, int row)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u64 expires_us;
	int state, timer, ssthresh = -1;
	unsigned long rto;
	u32 rx, tx = 0;

	/* pairs with toytcp_state_set() */
	state = smp_load_acquire(&sk->sk_state);

	if (state == TCP_LISTEN) {
		rx = READ_ONCE(sk->sk_ack_backlog);
	} else {
		rx = max_t(int, READ_ONCE(ts->rcv_nxt) -
			   READ_ONCE(ts->copied_seq) - ts->got_fin, 0);
		tx = READ_ONCE(ts->write_seq) - READ_ONCE(ts->snd_una);
	}
	timer = active_timer(ts, &expires_us);
	rto = usecs_to_jiffies(toytcp_rtt_timeout_us(&ts->rtt));
	if (state == TCP_LISTEN)
		ssthresh = READ_ONCE(sk->sk_max_ack_backlog);
	else if (ts->cong.ssthresh_segs < TOYTCP_CONG_SSTHRESH_INF)
		ssthresh = ts->cong.ssthresh_segs;
	show_key(seq, row, &ts->flow.key, state);
	seq_printf(seq, " %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %pK %lu %lu %u %u %d",
		   tx, rx, timer, ticks_left(expires_us), ts->retransmits,
		   from_kuid_munged(seq_user_ns(seq), sock_i_uid(sk)),
		   ts->probes, sock_i_ino(sk), refcount_read(&sk->sk_refcnt),
		   sk,
		   jiffies_to_clock_t(rto),
		   jiffies_to_clock_t(usecs_to_jiffies(TOYTCP_DELACK_US)),
		   ts->quickacks << 1 | ts->interactive, ts->cong.cwnd_segs, ssthresh);
}

static void show_req(struct seq_file *seq, const struct toytcp_req *req,
		     int row)
{
	show_key(seq, row, &req->flow.key, TCP_SYN_RECV);
	seq_printf(seq, " %08X:%08X %02X:%08lX %08X %5u %8d %u %d %pK",
		   0, 0, 1, ticks_left(READ_ONCE(req->timer.expires_us)),
		   req->retries,
		   from_kuid_munged(seq_user_ns(seq), sock_i_uid(req->listener)),
		   0, 0, 0, req);
}

static void show_tw(struct seq_file *seq, const struct toytcp_tw *tw, int row)
{
	show_key(seq, row, &tw->flow.key, READ_ONCE(tw->state));
	seq_printf(seq, " %08X:%08X %02X:%08lX %08X %5d %8d %d %d %pK", 0, 0,
		   3, ticks_left(READ_ONCE(tw->timer.expires_us)), 0, 0, 0, 0,
		   refcount_read(&tw->ref), tw);
}

static void *listing_at(struct seq_file *seq, loff_t pos)
{
	struct toytcp_net *tn = toytcp_net(seq_file_net(seq));
	struct hlist_node *node;

	for (node = rcu_dereference(hlist_first_rcu(&tn->all)); node && pos;
	     pos--)
		node = rcu_dereference(hlist_next_rcu(node));
	return node;
}

static void *listing_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	rcu_read_lock();
	return *pos ? listing_at(seq, *pos - 1) : SEQ_START_TOKEN;
}

static void *listing_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	if (v == SEQ_START_TOKEN)
		return listing_at(seq, 0);
	return rcu_dereference(hlist_next_rcu((struct hlist_node *)v));
}

static void listing_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int listing_show(struct seq_file *seq, void *v)
{
	struct toytcp_flow *flow;
	int row;

	seq_setwidth(seq, ROW_WIDTH);
	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
		seq_pad(seq, '\n');
		return 0;
	}
	flow = hlist_entry(v, struct toytcp_flow, list);
	row = (int)seq->index - 1;
	switch (flow->kind) {
	case TOYTCP_FLOW_SOCK:
		show_sock(seq, toytcp_flow_sk(flow), row);
		break;
	case TOYTCP_FLOW_REQ:
		show_req(seq, container_of(flow, struct toytcp_req, flow), row);
		break;
	case TOYTCP_FLOW_TW:
		show_tw(seq, container_of(flow, struct toytcp_tw, flow), row);
		break;
	}
	seq_pad(seq, '\n');
	return 0;
}

static const struct seq_operations listing_ops = {
	.start = listing_start,
	.next = listing_next,
	.stop = listing_stop,
	.show = listing_show,
};

/* reasons that the kernel's TcpExt counts, too: under its name as well */
static const struct {
	const char *name;
	enum toytcp_drop_reason why;
} linux_names[] = {
	{ "PAWSEstab", TOYTCP_DROP_PAWS },
	{ "TCPBacklogDrop", TOYTCP_DROP_BACKLOG },
	{ "TCPRcvQDrop", TOYTCP_DROP_RCVBUF },
	{ "TCPSYNChallenge", TOYTCP_DROP_SYN },
	{ "TCPOFOMerge", TOYTCP_DROP_OFO_DUP },
};

/* nstat's format: a line of names, a line of values */
static int stat_show(struct seq_file *seq, void *v)
{
	struct toytcp_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	int i;

	if (!sum)
		return -ENOMEM;
	toytcp_stats_fold(seq_file_single_net(seq), sum);
	seq_puts(seq, "Toytcp:");
	for (i = 0; i < TOYTCP_MIB_COUNT; i++)
		seq_printf(seq, " %s", toytcp_stats_mib_name(i));
	for (i = 0; i < ARRAY_SIZE(linux_names); i++)
		seq_printf(seq, " %s", linux_names[i].name);
	for (i = TOYTCP_DROP_NONE + 1; i < TOYTCP_DROP_COUNT; i++)
		seq_printf(seq, " %s", toytcp_stats_drop_name(i));
	seq_puts(seq, "\nToytcp:");
	for (i = 0; i < TOYTCP_MIB_COUNT; i++)
		seq_printf(seq, " %llu", sum->mib[i]);
	for (i = 0; i < ARRAY_SIZE(linux_names); i++)
		seq_printf(seq, " %llu", sum->drop[linux_names[i].why]);
	for (i = TOYTCP_DROP_NONE + 1; i < TOYTCP_DROP_COUNT; i++)
		seq_printf(seq, " %llu", sum->drop[i]);
	seq_putc(seq, '\n');
	kfree(sum);
	return 0;
}

/**
 * toytcp_proc_net_init() - a namespace's files
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_proc_net_init(struct net *net)
{
	if (!proc_create_net("toytcp", 0444, net->proc_net, &listing_ops,
			     sizeof(struct seq_net_private)))
		return -ENOMEM;
	if (!proc_create_net_single("toytcp_stat", 0444, net->proc_net,
				    stat_show, NULL)) {
		remove_proc_entry("toytcp", net->proc_net);
		return -ENOMEM;
	}
	return 0;
}

/**
 * toytcp_proc_net_exit() - a namespace ends
 * @net: the namespace
 *
 * Context: process; on return nobody reads.
 */
void toytcp_proc_net_exit(struct net *net)
{
	remove_proc_entry("toytcp_stat", net->proc_net);
	remove_proc_entry("toytcp", net->proc_net);
}
