// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces: everything a namespace has, and its sysctls.
 *
 * Side (layer 2). net.toytcp.* are named as net.ipv4.tcp_* without "tcp_".
 */
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "cong_net.h"
#include "drop.h"
#include "fastopen.h"
#include "flow.h"
#include "netns.h"
#include "port.h"
#include "sock.h"
#include "timewait.h"

unsigned int toytcp_net_id __read_mostly;

static const struct toytcp_sysctl defaults = {
	.local_port_range = { 16384, 32767 },	/* below the host's default range */
	.syn_retries = 6,
	.syn_linear_timeouts = COMPAT_SYN_LINEAR_TIMEOUTS,
	.synack_retries = 5,
	.retries1 = 3,
	.retries2 = 15,
	.orphan_retries = 0,
	.fin_timeout = 60,
	.keepalive_time = 7200,
	.keepalive_intvl = 75,
	.keepalive_probes = 9,
	.user_timeout_option = 0,
	.max_syn_backlog = 4096,
	.syncookies = 1,
	.max_tw_buckets = 131072,
	.reuse_tw = 2,
	.max_orphans = 65536,
	.window_scaling = 1,
	.timestamps = 1,
	.sack = 1,
	.ecn = 2,
	.ecn_fallback = 1,
	.mtu_probing = 0,
	.base_mss = 1024,
	.min_snd_mss = TOYTCP_MSS_MIN,
	.mtu_probe_floor = TOYTCP_MSS_MIN,
	.probe_interval = 600,
	.probe_threshold = 8,
	.early_retrans = 3,
	.frto = 2,
	.rto_min_us = TOYTCP_RTO_MIN_US,
	.rto_max_ms = TOYTCP_RTO_MAX_MS,
	.rmem = { 4096, 131072, 6 * 1024 * 1024 },
	.wmem = { 4096, 16384, 4 * 1024 * 1024 },
	.notsent_lowat = UINT_MAX,
	.fastopen = 1,
	.challenge_ack_limit = 1000,
	.min_rtt_wlen = 300,
	.min_tso_segs = 2,
	.tso_rtt_log = 9,
	.limit_output_bytes = 1024 * 1024,
	.slow_start_after_idle = 1,
	.pacing_ss_ratio = 200,
	.pacing_ca_ratio = 120,
};

static int max_u8 = 255;
static int max_syn_retries = 127;
static int max_port = 65535;
static int max_shift = 31;
static int one_day_s = 24 * 3600;
static int max_keepalive = 32767;	/* as TCP_KEEPIDLE and TCP_KEEPINTVL */
static int max_keepcnt = 127;
static int mss_floor = TOYTCP_MSS_MIN;
static int mss_top = TOYTCP_MSS_MAX;
static int rto_min_floor = 1000;
static int rto_min_top = TOYTCP_RTO_MAX_US;
static int rto_max_top = TOYTCP_RTO_MAX_MS;
static int buffer_floor = SOCK_MIN_SNDBUF;

/* first port <= last port, else -EINVAL and no change */
static int port_range_handler(compat_ctl_table *table, int write, void *buffer,
			      size_t *lenp, loff_t *ppos)
{
	int *range = table->data, copy[2] = { range[0], range[1] };
	struct ctl_table tmp = {
		.data = copy,
		.maxlen = sizeof(copy),
		.mode = table->mode,
		.extra1 = SYSCTL_ONE,
		.extra2 = &max_port,
	};
	int err = proc_dointvec_minmax(&tmp, write, buffer, lenp, ppos);

	if (err || !write)
		return err;
	if (copy[0] > copy[1])
		return -EINVAL;
	WRITE_ONCE(range[0], copy[0]);
	WRITE_ONCE(range[1], copy[1]);
	return 0;
}

/* .data is an offset into struct toytcp_sysctl until a namespace's copy is made */
#define ENTRY(field, low, high) ENTRY_AS(#field, field, low, high)
#define ENTRY_AS(name, field, low, high) {				\
	.procname = name,						\
	.data = (void *)offsetof(struct toytcp_sysctl, field),		\
	.maxlen = sizeof_field(struct toytcp_sysctl, field),		\
	.mode = 0644,							\
	.proc_handler = proc_dointvec_minmax,				\
	.extra1 = low,							\
	.extra2 = high,							\
}

/* a text that the handler makes */
#define ENTRY_TEXT(name, access, handler) {				\
	.procname = name,						\
	.maxlen = TOYTCP_CONG_NAME_MAX,					\
	.mode = access,							\
	.proc_handler = handler,					\
}

static const struct ctl_table template[] = {
	ENTRY_TEXT("congestion_control", 0644,
		   toytcp_cong_net_sysctl_default),
	ENTRY_TEXT("available_congestion_control", 0444,
		   toytcp_cong_net_sysctl_available),
	ENTRY_TEXT("allowed_congestion_control", 0644,
		   toytcp_cong_net_sysctl_allowed),
	{
		.procname = "local_port_range",
		.data = (void *)offsetof(struct toytcp_sysctl, local_port_range),
		.maxlen = sizeof_field(struct toytcp_sysctl, local_port_range),
		.mode = 0644,
		.proc_handler = port_range_handler,
	},
	ENTRY(syn_retries, SYSCTL_ONE, &max_syn_retries),
	ENTRY(syn_linear_timeouts, SYSCTL_ZERO, &max_syn_retries),
	ENTRY(synack_retries, SYSCTL_ZERO, &max_u8),
	ENTRY(retries1, SYSCTL_ZERO, &max_u8),
	ENTRY(retries2, SYSCTL_ONE, &max_u8),
	ENTRY(orphan_retries, SYSCTL_ZERO, &max_u8),
	ENTRY(fin_timeout, SYSCTL_ZERO, NULL),
	ENTRY(keepalive_time, SYSCTL_ONE, &max_keepalive),
	ENTRY(keepalive_intvl, SYSCTL_ONE, &max_keepalive),
	ENTRY(keepalive_probes, SYSCTL_ONE, &max_keepcnt),
	ENTRY(user_timeout_option, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(max_syn_backlog, SYSCTL_ONE, NULL),
	ENTRY(syncookies, SYSCTL_ZERO, SYSCTL_TWO),
	ENTRY(abort_on_overflow, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(max_tw_buckets, SYSCTL_ZERO, NULL),
	/* the kernel's headers have a macro of that name */
	ENTRY_AS("tw_reuse", reuse_tw, SYSCTL_ZERO, SYSCTL_TWO),
	ENTRY(max_orphans, SYSCTL_ZERO, NULL),
	ENTRY(window_scaling, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(timestamps, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(sack, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(ecn, SYSCTL_ZERO, SYSCTL_TWO),
	ENTRY(ecn_fallback, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(mtu_probing, SYSCTL_ZERO, SYSCTL_TWO),
	ENTRY(base_mss, &mss_floor, &mss_top),
	ENTRY(min_snd_mss, &mss_floor, &mss_top),
	ENTRY(mtu_probe_floor, &mss_floor, &mss_top),
	ENTRY(probe_interval, SYSCTL_ZERO, NULL),
	ENTRY(probe_threshold, SYSCTL_ZERO, NULL),
	ENTRY(early_retrans, SYSCTL_ZERO, SYSCTL_FOUR),
	ENTRY(frto, SYSCTL_ZERO, SYSCTL_TWO),
	ENTRY(rto_min_us, &rto_min_floor, &rto_min_top),
	ENTRY(rto_max_ms, SYSCTL_ONE_THOUSAND, &rto_max_top),
	ENTRY(rmem, &buffer_floor, NULL),
	ENTRY(wmem, &buffer_floor, NULL),
	{
		.procname = "notsent_lowat",
		.data = (void *)offsetof(struct toytcp_sysctl, notsent_lowat),
		.maxlen = sizeof_field(struct toytcp_sysctl, notsent_lowat),
		.mode = 0644,
		.proc_handler = proc_douintvec,
	},
	{
		.procname = "fastopen",
		.data = (void *)offsetof(struct toytcp_sysctl, fastopen),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = proc_dointvec,
	},
	{
		.procname = "fastopen_key",
		.mode = 0600,
		.proc_handler = toytcp_fastopen_sysctl_key,
	},
	{
		.procname = "fastopen_blackhole_timeout_sec",
		.data = (void *)offsetof(struct toytcp_sysctl,
					 fastopen_blackhole_timeout_sec),
		.maxlen = sizeof(int),
		.mode = 0644,
		.proc_handler = toytcp_fastopen_sysctl_timeout,
		.extra1 = SYSCTL_ZERO,
	},
	ENTRY(challenge_ack_limit, SYSCTL_ONE, NULL),
	ENTRY(min_rtt_wlen, SYSCTL_ZERO, &one_day_s),
	ENTRY(min_tso_segs, SYSCTL_ONE, &max_u8),
	ENTRY(tso_rtt_log, SYSCTL_ZERO, &max_shift),
	ENTRY(limit_output_bytes, SYSCTL_ZERO, NULL),
	ENTRY(slow_start_after_idle, SYSCTL_ZERO, SYSCTL_ONE),
	ENTRY(pacing_ss_ratio, SYSCTL_ZERO, SYSCTL_ONE_THOUSAND),
	ENTRY(pacing_ca_ratio, SYSCTL_ZERO, SYSCTL_ONE_THOUSAND),
};

static int sysctl_net_init(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	struct ctl_table *table;
	int i;

	/* one entry more: older kernels look for an empty one at the end */
	table = kcalloc(ARRAY_SIZE(template) + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	memcpy(table, template, sizeof(template));
	for (i = 0; i < ARRAY_SIZE(template); i++) {
		table[i].data = (u8 *)&tn->sysctl + (size_t)table[i].data;
		/* of the machine, so the first namespace alone may write it */
		if (table[i].proc_handler == toytcp_cong_net_sysctl_allowed &&
		    !net_eq(net, &init_net))
			table[i].mode = 0444;
	}
	tn->sysctl_header = compat_register_net_sysctl(net, "net/toytcp", table,
						       ARRAY_SIZE(template));
	if (!tn->sysctl_header) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

static void sysctl_net_exit(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	const struct ctl_table *table = tn->sysctl_header->ctl_table_arg;

	unregister_net_sysctl_table(tn->sysctl_header);
	kfree(table);
}

static int __net_init net_init(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	int err = -ENOMEM;

	tn->net = net;
	tn->sysctl = defaults;
	tn->stats = alloc_percpu(struct toytcp_stats);
	if (!tn->stats)
		return err;
	toytcp_cong_net_init(net);
	err = toytcp_fastopen_net_init(net);
	if (err)
		goto stats;
	err = toytcp_demux_net_init(net);
	if (err)
		goto fastopen;
	err = toytcp_port_net_init(net);
	if (err)
		goto demux;
	err = toytcp_proc_net_init(net);
	if (err)
		goto port;
	err = sysctl_net_init(net);
	if (err)
		goto proc;
	return 0;

proc:
	toytcp_proc_net_exit(net);
port:
	toytcp_port_net_exit(net);
demux:
	toytcp_demux_net_exit(net);
fastopen:
	toytcp_fastopen_net_exit(net);
stats:
	toytcp_cong_net_exit(net);
	free_percpu(tn->stats);
	return err;
}

/*
 * The namespace or the module goes; no program has a socket here. What lives
 * by itself ends now. The core waits for a grace period before net_exit(),
 * so no timer, hook or lookup is still at work there.
 */
static void __net_exit net_pre_exit(struct net *net)
{
	sysctl_net_exit(net);
	toytcp_proc_net_exit(net);
	toytcp_port_net_stop(net);
	toytcp_sock_kill_orphans(net);
	toytcp_timewait_purge(net);
}

static void __net_exit net_exit(struct net *net)
{
	toytcp_port_net_exit(net);
	toytcp_demux_net_exit(net);
	toytcp_fastopen_net_exit(net);
	toytcp_cong_net_exit(net);
	free_percpu(toytcp_net(net)->stats);
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.pre_exit = net_pre_exit,
	.exit = net_exit,
	.id = &toytcp_net_id,
	.size = sizeof(struct toytcp_net),
};

/* net.toytcp.mem: of the whole machine, so the first namespace alone shows it */
static struct ctl_table mem_table[] = {
	{
		.procname = "mem",
		.maxlen = 3 * sizeof(long),
		.mode = 0644,
		.proc_handler = proc_doulongvec_minmax,
	},
	{}	/* older kernels look for an end */
};

static struct ctl_table_header *mem_header;

/**
 * toytcp_netns_init() - module load: every namespace, and those to come
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_netns_init(void)
{
	int err = register_pernet_subsys(&net_ops);

	if (err)
		return err;
	mem_table[0].data = toytcp_prot.sysctl_mem;
	mem_header = compat_register_net_sysctl(&init_net, "net/toytcp",
						mem_table, 1);
	if (!mem_header) {
		unregister_pernet_subsys(&net_ops);
		return -ENOMEM;
	}
	return 0;
}

/**
 * toytcp_netns_exit() - module unload
 *
 * Context: process; no new sockets, no more packets.
 */
void toytcp_netns_exit(void)
{
	unregister_net_sysctl_table(mem_header);
	unregister_pernet_subsys(&net_ops);
}
