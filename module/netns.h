/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All state of one network namespace.
 *
 * Side (layer 2).
 */
#ifndef _TOYTCP_NETNS_H
#define _TOYTCP_NETNS_H

#include <linux/mutex.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "fastopen.h"
#include "port.h"

struct ctl_table_header;
struct toytcp_cong_ops;
struct toytcp_stats;

/* Sysctls of one namespace: net.toytcp.*; read with READ_ONCE() */
struct toytcp_sysctl {
	int local_port_range[2];	/* first and last ephemeral port */
	int syn_retries;		/* SYN retransmissions before ETIMEDOUT */
	int syn_linear_timeouts;	/* more of them, without back-off */
	int synack_retries;		/* SYN-ACK retransmissions before the request goes */
	int retries1;			/* retransmissions before IP is asked for another path */
	int retries2;			/* data retransmissions before ETIMEDOUT */
	int orphan_retries;		/* the same for a socket no program holds; 0: 8 */
	int fin_timeout;		/* seconds an orphan stays in FIN_WAIT2 */
	int max_syn_backlog;		/* requests a listener keeps without SYN cookies */
	int syncookies;			/* 0: none, 1: when the requests are too many, 2: always */
	int abort_on_overflow;		/* 0/1: reset whom the accept queue has no room for */
	int keepalive_time;		/* seconds of silence before the first keepalive probe */
	int keepalive_intvl;		/* seconds between probes */
	int keepalive_probes;		/* probes without an answer before ETIMEDOUT */
	int user_timeout_option;	/* 0/1: send and heed RFC 5482's option */
	int max_tw_buckets;		/* time-waits of the namespace */
	int reuse_tw;			/* connect() in a time-wait's place: 0, 1, 2: on loopback */
	int max_orphans;		/* orphans of the namespace */
	int window_scaling;		/* 0/1: offer RFC 7323 window scale */
	int timestamps;			/* 0/1: offer RFC 7323 timestamps */
	int sack;			/* 0/1: offer RFC 2018 SACK */
	int ecn;			/* RFC 3168; 0: none, 1: ask for it, 2: agree to it */
	int ecn_fallback;		/* 0/1: a SYN that is sent again does not ask */
	int mtu_probing;		/* RFC 4821; 0: no, 1: after a black hole, 2: always */
	int base_mss;			/* send MSS that the search begins with, bytes */
	int min_snd_mss;		/* floor of the send MSS, bytes */
	int mtu_probe_floor;		/* and of what black holes leave of it, bytes */
	int probe_interval;		/* seconds until the search begins anew */
	int probe_threshold;		/* bytes that are not worth a probe */
	int early_retrans;		/* 3: loss probes (RFC 8985 section 7); 0: none */
	int frto;			/* 0: no F-RTO (RFC 5682) */
	int rto_min_us;			/* microseconds */
	int rto_max_ms;			/* the longest timeout of a new socket, ms */
	int rmem[3];			/* bytes: min, default, max receive buffer */
	int wmem[3];			/* bytes: min, default, max send buffer */
	unsigned int notsent_lowat;	/* unsent bytes up to which a socket is writable */
	int fastopen;			/* Linux's bits: 0x1 client, 0x2 server and so on */
	int fastopen_blackhole_timeout_sec; /* seconds without it after a black hole; 0: none */
	int challenge_ack_limit;	/* challenge ACKs a second of the namespace */
	int min_rtt_wlen;		/* seconds that the least RTT is remembered */
	int min_tso_segs;		/* segments that leave as one buffer, at the least */
	int tso_rtt_log;		/* log2 of the microseconds of RTT that halve a burst */
	int limit_output_bytes;		/* of a socket's memory in queueing discipline and device */
	int slow_start_after_idle;	/* a window that was not used decays (RFC 7661) */
	int pacing_ss_ratio;		/* percent of cwnd a round trip, in slow start */
	int pacing_ca_ratio;		/* percent, otherwise */
};

struct toytcp_net {
	struct net *net;		/* back */
	struct rhashtable flows;	/* struct toytcp_flow by key; RCU */
	struct rhashtable ports;	/* struct toytcp_port by number; RCU */
	struct mutex port_mutex;	/* serialises making and reaping ports; outside port_lock */
	spinlock_t port_lock;		/* users and listeners of all ports; BH */
	struct list_head port_reap;	/* ports without users; port_lock */
	struct sock *port_binder;	/* reserve.c; port_mutex; NULL: no port yet */
	struct delayed_work port_work;	/* reaper */
	unsigned long *ports_used;	/* bits of ports in the table; port_mutex; NULL: no hook */
	unsigned int port_count;	/* ports in the table; port_mutex */
	spinlock_t all_lock;		/* writers of all; BH */
	struct hlist_head all;		/* every struct toytcp_flow; RCU */
	bool hook_registered;		/* LOCAL_IN hook; port_mutex */
	bool exiting;			/* no new ports; port_mutex */
	atomic_t tw_count;		/* time-waits */
	atomic_t orphan_count;		/* sockets that no program holds */
	const struct toytcp_cong_ops __rcu *cong_default; /* of new sockets; a reference */
	struct toytcp_stats __percpu *stats;
	struct toytcp_fastopen_net fastopen; /* keys, cookies of peers */
	u32 challenge_second;		/* seconds; challenge_left belongs to it */
	u32 challenge_left;		/* challenge ACKs still allowed in that second */
	struct toytcp_sysctl sysctl;
	struct ctl_table_header *sysctl_header;
};

extern unsigned int toytcp_net_id;

static inline struct toytcp_net *toytcp_net(const struct net *net)
{
	return net_generic(net, toytcp_net_id);
}

int toytcp_netns_init(void);
void toytcp_netns_exit(void);
int toytcp_sysctl_net_init(struct net *net);
void toytcp_sysctl_net_exit(struct net *net);
int toytcp_proc_net_init(struct net *net);
void toytcp_proc_net_exit(struct net *net);

#endif /* _TOYTCP_NETNS_H */
