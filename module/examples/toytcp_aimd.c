// SPDX-License-Identifier: GPL-2.0
/*
 * An algorithm of congestion control in a module of its own: copy this file.
 *
 * AIMD(a, b), the family that Reno belongs to: each round trip without a loss
 * adds a segments to the window, a loss takes b percent of it away. Reno is
 * a = 1, b = 50. Try it:
 *
 *	insmod toytcp.ko; insmod toytcp_aimd.ko increase=4 decrease=20
 *	sysctl net.toytcp.congestion_control=aimd
 *
 * or for one socket setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "aimd", 4),
 * which needs CAP_NET_ADMIN, because the flag TOYTCP_CONG_NON_RESTRICTED is
 * not set: who is more aggressive than others takes their share.
 *
 * The engine asks ssthresh() once a loss event and repairs the loss by itself
 * (module/recovery.c); cong_avoid() hears of each ACK outside of that. State
 * between two calls goes into c->priv; the socket lock is held in all of them.
 */
#include <linux/minmax.h>
#include <linux/module.h>

#include "cong.h"

static unsigned int increase = 1;
module_param(increase, uint, 0644);
MODULE_PARM_DESC(increase, "segments that a round trip adds to the window (1)");

static unsigned int decrease = 50;
module_param(decrease, uint, 0644);
MODULE_PARM_DESC(decrease, "percent of the window that a loss takes away (50)");

static u32 aimd_ssthresh(struct toytcp_cong *c, u32 in_flight_segs, u64 now_us)
{
	u32 keep = 100 - min(READ_ONCE(decrease), 99u);

	return max_t(u32, (u64)c->cwnd_segs * keep / 100, 2);
}

static void aimd_cong_avoid(struct toytcp_cong *c,
			    const struct toytcp_cong_ack *ack)
{
	u32 every = c->cwnd_segs / max(READ_ONCE(increase), 1u), acked;

	/* what the program did not use says nothing about the path (RFC 7661) */
	if (!ack->cwnd_limited)
		return;
	acked = toytcp_cong_slow_start(c, ack->acked_segs);
	if (acked)
		toytcp_cong_ai(c, every, acked);
}

static struct toytcp_cong_ops aimd = {
	.name		= "aimd",
	.owner		= THIS_MODULE,
	.ssthresh	= aimd_ssthresh,
	.cong_avoid	= aimd_cong_avoid,
};

static int __init aimd_init(void)
{
	return toytcp_cong_register(&aimd);
}

/* not called while a socket or a namespace uses it: they hold the module */
static void __exit aimd_exit(void)
{
	toytcp_cong_unregister(&aimd);
}

module_init(aimd_init);
module_exit(aimd_exit);

MODULE_DESCRIPTION("AF_TOYTCP: AIMD(a, b), an example of congestion control");
MODULE_LICENSE("GPL");
MODULE_ALIAS_TOYTCP_CONG("aimd");
