// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a socket: made, closed, ended, freed.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 3.10.4 (CLOSE), 3.10.5
 * (ABORT), RFC 2525 2.17, RFC 6528 (initial sequence numbers).
 *
 * How it ends. close() takes the program's hold away (sock_orphan()); the
 * protocol goes on by itself until toytcp_sock_done(), which for an orphan
 * ends in toytcp_sock_destroy(): out of all tables, queues freed, the last
 * reference dropped. Memory goes back after an RCU grace period
 * (SOCK_RCU_FREE), because lookups run without a lock. Until then the
 * module's text is needed, so toytcp_sock_exit() waits for the last one.
 */
#include <linux/siphash.h>
#include <linux/swap.h>
#include <net/tcp.h>

#include "compat.h"
#include "cong_net.h"
#include "ecn.h"
#include "ipv4.h"
#include "listen.h"
#include "mapped.h"
#include "pace.h"
#include "secret.h"
#include "sock.h"
#include "timewait.h"

static atomic_long_t memory_allocated;	/* pages */
static DEFINE_PER_CPU(int, per_cpu_fw_alloc);
static struct percpu_counter sockets_allocated;
static unsigned long memory_pressure;
static long mem_limits[3];		/* pages: low, pressure, high */
static int buffer_min = 4096;		/* bytes a socket may hold under pressure */
static atomic_t alive;			/* sockets not yet freed */
static DECLARE_WAIT_QUEUE_HEAD(alive_wait);

static void enter_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(memory_pressure, 1);
}

static void leave_memory_pressure(struct sock *sk)
{
	WRITE_ONCE(memory_pressure, 0);
}

struct proto toytcp_prot = {
	.name			= "TOYTCP",
	/*
	 * No owner: a socket that a program holds pins the module by its
	 * proto_ops; an orphan must not, toytcp_sock_exit() ends it.
	 */
	.owner			= NULL,
	/* sk_protocol says TCP: who takes that for a struct tcp_sock stays inside */
	.obj_size		= sizeof(struct toytcp_sock) > sizeof(struct tcp_sock) ?
				  sizeof(struct toytcp_sock) : sizeof(struct tcp_sock),
	.backlog_rcv		= toytcp_sock_backlog_rcv,
	.release_cb		= toytcp_timers_release,
	.keepalive		= toytcp_timers_keepalive,
	.stream_memory_free	= toytcp_sock_memory_free,
	.memory_allocated	= &memory_allocated,
	.per_cpu_fw_alloc	= &per_cpu_fw_alloc,
	.sockets_allocated	= &sockets_allocated,
	.memory_pressure	= &memory_pressure,
	.enter_memory_pressure	= enter_memory_pressure,
	.leave_memory_pressure	= leave_memory_pressure,
	.sysctl_mem		= mem_limits,
	.sysctl_wmem		= &buffer_min,
	.sysctl_rmem		= &buffer_min,
	.no_autobind		= true,
};

/**
 * toytcp_sock_init() - module load: the struct proto
 *
 * Memory limits are the kernel's TCP's: pressure at 1/16, the limit at 3/32
 * of the machine's memory.
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_sock_init(void)
{
	unsigned long pages = max(nr_free_buffer_pages() / 16, 128ul);
	int err;

	mem_limits[0] = pages / 4 * 3;
	mem_limits[1] = pages;
	mem_limits[2] = mem_limits[0] * 2;
	err = percpu_counter_init(&sockets_allocated, 0, GFP_KERNEL);
	if (err)
		return err;
	err = proto_register(&toytcp_prot, 1);
	if (err)
		percpu_counter_destroy(&sockets_allocated);
	return err;
}

/**
 * toytcp_sock_exit() - module unload: wait for the last socket, then go
 *
 * Every orphan has been ended; what may remain are buffers of theirs that a
 * device or a queueing discipline holds.
 *
 * Context: process; no new socket can be made.
 */
void toytcp_sock_exit(void)
{
	while (!wait_event_timeout(alive_wait, !atomic_read(&alive), 10 * HZ))
		pr_warn("waiting for %d sockets whose segments are still queued in a device\n",
			atomic_read(&alive));
	/* running timers and RCU callbacks end in this text */
	synchronize_rcu();
	rcu_barrier();
	proto_unregister(&toytcp_prot);
	percpu_counter_destroy(&sockets_allocated);
}

/**
 * toytcp_sock_count() - sockets that exist, orphans included
 *
 * Context: any.
 */
int toytcp_sock_count(void)
{
	return atomic_read(&alive);
}

/**
 * toytcp_sock_mem_first() - charge a buffer that comes into an empty queue
 * @sk: the socket
 * @size: its weight, bytes
 *
 * Without asking whether the limits allow it, as Linux: one buffer each way
 * is what a connection cannot do without, and asking costs more than what a
 * small segment needs otherwise. A memory control group is asked all the same.
 *
 * Context: socket lock held.
 * Return: false if the caller must ask: sk_wmem_schedule(), sk_rmem_schedule().
 */
bool toytcp_sock_mem_first(struct sock *sk, int size)
{
	int missing = size - sk->sk_forward_alloc, pages, kept;

	if (missing <= 0)
		return true;
	if (mem_cgroup_sockets_enabled && sk->sk_memcg)
		return false;
	pages = sk_mem_pages(missing);
	WRITE_ONCE(sk->sk_forward_alloc,
		   sk->sk_forward_alloc + (pages << PAGE_SHIFT));
	/* as the core does on its way back: exact to so much a CPU */
	kept = this_cpu_add_return(per_cpu_fw_alloc, pages);
	if (kept >= SK_MEMORY_PCPU_RESERVE)
		atomic_long_add(this_cpu_xchg(per_cpu_fw_alloc, 0),
				&memory_allocated);
	return true;
}

/**
 * toytcp_sock_isn() - an initial sequence number
 * @key: the connection's ends
 *
 * RFC 6528: a hash of the ends under a secret, plus a clock of 4 us.
 *
 * Context: any.
 */
u32 toytcp_sock_isn(const struct toytcp_flow_key *key)
{
	return (u32)siphash_3u32((__force u32)key->laddr, (__force u32)key->faddr,
				 (__force u32)key->lport << 16 | (__force u32)key->fport,
				 &toytcp_secret.isn) +
	       (u32)(toytcp_now_us() >> 2);
}

/**
 * toytcp_sock_ts_offset() - where a connection's timestamp clock starts
 * @key: the connection's ends
 *
 * RFC 7323 5.4: an offset per connection tells nobody the uptime. It depends
 * on the addresses alone, so that a successor's timestamps are later than its
 * predecessor's (RFC 6191).
 *
 * Context: any.
 */
u32 toytcp_sock_ts_offset(const struct toytcp_flow_key *key)
{
	return (u32)siphash_2u32((__force u32)key->laddr,
				 (__force u32)key->faddr, &toytcp_secret.isn);
}

/**
 * toytcp_sock_write_space() - the send buffer may have room: tell who waits
 * @sk: the socket
 *
 * A struct socket lives as long as its inode, which RCU frees.
 *
 * Context: any; without the socket lock perhaps.
 */
void toytcp_sock_write_space(struct sock *sk)
{
	struct socket_wq *wq;
	struct socket *sock;

	rcu_read_lock();
	sock = READ_ONCE(sk->sk_socket);
	if (!sock || !test_bit(SOCK_NOSPACE, &sock->flags) ||
	    !sk_stream_is_writeable(sk))
		goto out;
	clear_bit(SOCK_NOSPACE, &sock->flags);
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT | EPOLLWRNORM |
					   EPOLLWRBAND);
	if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
		sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
out:
	rcu_read_unlock();
}

/* sk_write_space: from sock_wfree(), for each buffer that left the host; and SO_SNDBUF */
static void write_space(struct sock *sk)
{
	toytcp_pace_freed(sk);
	toytcp_sock_write_space(sk);
}

/**
 * toytcp_sock_memory_free() - struct proto.stream_memory_free: may more be written?
 * @sk: the socket
 * @wake: 1 to ask for a program that sleeps: it is woken with half of it free
 *
 * TCP_NOTSENT_LOWAT: beside the send buffer's size, what was not sent yet has
 * a bound, so that a program decides late what to send.
 *
 * Context: any; without the socket lock the answer is a hint.
 * Return: true when it may.
 */
bool toytcp_sock_memory_free(const struct sock *sk, int wake)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 lowat = READ_ONCE(ts->notsent_lowat) ?:
		    READ_ONCE(toytcp_sk_net(sk)->sysctl.notsent_lowat);
	u32 notsent = READ_ONCE(ts->write_seq) - READ_ONCE(ts->snd_nxt);

	return ((u64)notsent << wake) < lowat;
}

static void setup_common(struct sock *sk, u32 rto_max_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_net *tn = toytcp_net(sock_net(sk));

	atomic_inc(&alive);
	toytcp_clock(ts);
	ts->flow.kind = TOYTCP_FLOW_SOCK;
	ts->flow.tn = tn;
	INIT_HLIST_NODE(&ts->flow.list);
	INIT_HLIST_NODE(&ts->port_user.node);
	INIT_LIST_HEAD(&ts->port_user.same);
	ts->rtx_queue = RB_ROOT;
	ts->ofo_queue = RB_ROOT;
	toytcp_recovery_reset(ts);
	ts->mss = TOYTCP_MSS_DEFAULT;
	ts->peer_mss = TOYTCP_MSS_DEFAULT;
	ts->rcv_mss = TOYTCP_MSS_DEFAULT;
	ts->rcv_share = TOYTCP_SHARE_INIT;
	ts->adv_mss = TOYTCP_MSS_DEFAULT;
	toytcp_rate_init(ts);
	/* flows are told apart by it below, without a look at their headers */
	sk_set_txhash(sk);
	toytcp_rtt_init(&ts->rtt, TOYTCP_RTO_INIT_US,
			READ_ONCE(tn->sysctl.rto_min_us), rto_max_us);
	toytcp_timers_init(sk);
}

/**
 * toytcp_sock_setup() - a new socket, after sock_init_data()
 * @sk: the socket, zeroed behind its struct sock
 *
 * Context: process; not yet visible, but listed on return.
 */
void toytcp_sock_setup(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_net *tn = toytcp_net(sock_net(sk));

	sk->sk_protocol = IPPROTO_TCP;
	sk->sk_txrehash = READ_ONCE(sock_net(sk)->core.sysctl_txrehash);
	sk->sk_destruct = toytcp_sock_destruct;
	sk->sk_backlog_rcv = toytcp_sock_backlog_rcv;
	sk->sk_write_space = write_space;
	sk->sk_sndbuf = READ_ONCE(tn->sysctl.wmem[1]);
	sk->sk_rcvbuf = READ_ONCE(tn->sysctl.rmem[1]);
	/* lookups run under RCU; sock_wfree() calls sk_write_space(), see pace.c */
	sock_set_flag(sk, SOCK_RCU_FREE);
	inet_sk(sk)->uc_ttl = -1;
	inet_sk(sk)->pmtudisc =
		READ_ONCE(sock_net(sk)->ipv4.sysctl_ip_no_pmtu_disc) ?
			IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;
	ts->cong.ops = toytcp_cong_net_default_get(sock_net(sk));
	setup_common(sk, READ_ONCE(tn->sysctl.rto_max_ms) * USEC_PER_MSEC);
	toytcp_cong_init(&ts->cong, ts->cong.ops, TOYTCP_CONG_INIT_CWND);
	sk_sockets_allocated_inc(sk);
	toytcp_demux_list_add(&ts->flow);
}

/**
 * toytcp_sock_setup_child() - a child, after sk_clone_lock()
 * @child: the clone
 * @parent: the listener
 *
 * Everything of the parent's connection state is forgotten, its options are
 * kept, but for TCP_DEFER_ACCEPT, which is a listener's.
 *
 * Context: softirq, rcu_read_lock(); not yet visible. The parent's options may
 * change meanwhile: nothing here minds which of two values it sees.
 */
void toytcp_sock_setup_child(struct sock *child, const struct sock *parent)
{
	struct toytcp_sock *ts = toytcp_sk(child);
	const struct toytcp_sock *pts = toytcp_sk(parent);
	size_t start = offsetof(struct toytcp_sock, flow);

	memset((u8 *)ts + start, 0, sizeof(*ts) - start);
	RCU_INIT_POINTER(inet_sk(child)->inet_opt, NULL);
	RCU_INIT_POINTER(inet_sk(child)->mc_list, NULL);
	RCU_INIT_POINTER(child->sk_rx_dst, NULL);
	/* it gets one of its own when somebody asks */
	atomic64_set(&child->sk_cookie, 0);
	ts->nodelay = pts->nodelay;
	ts->cork = pts->cork;
	ts->window_clamp = pts->window_clamp;
	ts->keep_idle_s = pts->keep_idle_s;
	ts->keep_intvl_s = pts->keep_intvl_s;
	ts->keep_probes = pts->keep_probes;
	ts->user_timeout_ms = pts->user_timeout_ms;
	ts->user_mss = pts->user_mss;
	ts->linger2 = pts->linger2;
	ts->syn_retries = pts->syn_retries;
	ts->inq = pts->inq;
	ts->notsent_lowat = pts->notsent_lowat;
	ts->save_syn = pts->save_syn;
	ts->fastopen_connect = pts->fastopen_connect;
	ts->fastopen_no_cookie = pts->fastopen_no_cookie;
	/* as Linux: what the listener chose, else the default of now */
	if (pts->cong_chosen)
		ts->cong.ops = toytcp_cong_find_get(READ_ONCE(pts->cong.ops)->name);
	if (ts->cong.ops)
		ts->cong_chosen = 1;
	else
		ts->cong.ops = toytcp_cong_net_default_get(sock_net(child));
	setup_common(child, pts->rtt.rto_max_us);
	child->sk_max_ack_backlog = 0;
	child->sk_ack_backlog = 0;
}

/* its module may go from here on; the text of the socket itself may not */
static void cong_leave(struct toytcp_sock *ts)
{
	const struct toytcp_cong_ops *ops = ts->cong.ops;

	toytcp_cong_switch(&ts->cong, &toytcp_cong_reno);
	toytcp_cong_put(ops);
}

/**
 * toytcp_sock_free_child() - a child that could not be completed
 * @child: from sk_clone_lock() and toytcp_sock_setup_child(), in no table
 *
 * Context: softirq; unlocks @child and drops both of its references.
 */
void toytcp_sock_free_child(struct sock *child)
{
	toytcp_state_set(child, TCP_CLOSE);
	toytcp_mapped_end(child);
	sock_set_flag(child, SOCK_DEAD);
	toytcp_unlock_child(child);
	sk_sockets_allocated_dec(child);
	sock_put(child);
	sock_put(child);
}

/**
 * toytcp_sock_destruct() - sk_destruct: the last reference is gone
 * @sk: the socket
 *
 * Context: RCU callback.
 */
void toytcp_sock_destruct(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	__skb_queue_purge(&sk->sk_receive_queue);
	__skb_queue_purge(&sk->sk_error_queue);
	toytcp_reassembly_purge(sk);
	sk_mem_reclaim_final(sk);
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&ts->rtx_queue));
	WARN_ON_ONCE(!skb_queue_empty(&sk->sk_write_queue));
	WARN_ON_ONCE(atomic_read(&sk->sk_rmem_alloc));
	WARN_ON_ONCE(sk->sk_wmem_queued);
	WARN_ON_ONCE(sk->sk_forward_alloc);
	WARN_ON_ONCE(ts->flow.hashed || !hlist_unhashed(&ts->flow.list));
	WARN_ON_ONCE(ts->port_user.port);
	kfree(rcu_dereference_protected(inet_sk(sk)->inet_opt, 1));
	dst_release(rcu_dereference_protected(sk->sk_dst_cache, 1));
	dst_release(rcu_dereference_protected(sk->sk_rx_dst, 1));
	cong_leave(ts);
	kfree(ts->saved_syn);
	toytcp_mapped_destruct(sk);
	toytcp_fastopen_destruct(sk);
	kfree(ts->listener);
	if (atomic_dec_and_test(&alive))
		wake_up_all(&alive_wait);
}

/**
 * toytcp_sock_backlog_rcv() - a segment that waited for the lock
 * @sk: the socket, its lock owned by the caller
 * @skb: the segment; consumed
 *
 * Context: process, from release_sock().
 * Return: 0.
 */
int toytcp_sock_backlog_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct toytcp_seg seg COMPAT_UNINITIALIZED;

	if (toytcp_seg_init(&seg, skb)) {
		toytcp_drop(sock_net(sk), skb, TOYTCP_DROP_HDR);
		return 0;
	}
	if (sk->sk_state == TCP_LISTEN) {
		toytcp_listen_rcv(sk, &seg);
		return 0;
	}
	rcu_read_lock();
	toytcp_rcv(sk, &seg);
	rcu_read_unlock();
	return 0;
}

/**
 * toytcp_sock_destroy() - an orphan in CLOSE leaves everything
 * @sk: the socket; the reference that socket() took is dropped
 *
 * Context: socket lock held; the caller has a reference of its own.
 */
void toytcp_sock_destroy(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_net *tn = toytcp_sk_net(sk);

	WARN_ON_ONCE(sk->sk_state != TCP_CLOSE || !sock_flag(sk, SOCK_DEAD));
	if (ts->orphan) {
		ts->orphan = 0;
		atomic_dec(&tn->orphan_count);
	}
	toytcp_mapped_end(sk);
	toytcp_demux_remove(&ts->flow);
	toytcp_demux_list_del(&ts->flow);
	toytcp_port_release(&ts->port_user);
	toytcp_sendq_purge(sk);
	toytcp_reassembly_purge(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	cong_leave(ts);
	sk_mem_reclaim(sk);
	sk_sockets_allocated_dec(sk);
	sock_put(sk);
}

/**
 * toytcp_sock_done() - the protocol has ended
 * @sk: the socket, in any state but CLOSE
 *
 * Context: socket lock held; the caller has a reference of its own, for an
 * orphan ends here.
 */
void toytcp_sock_done(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ATTEMPT_FAILS);
	toytcp_state_set(sk, TCP_CLOSE);
	toytcp_fastopen_end(sk, false);
	toytcp_fastopen_over(sk);
	toytcp_timers_stop(sk);
	toytcp_demux_remove(&ts->flow);
	if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		toytcp_port_release(&ts->port_user);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (sock_flag(sk, SOCK_DEAD))
		toytcp_sock_destroy(sk);
	else
		sk->sk_state_change(sk);
}

/**
 * toytcp_sock_error() - the connection ends with an error
 * @sk: the socket, in any state but CLOSE
 * @err: errno, positive
 *
 * Context: as toytcp_sock_done().
 */
void toytcp_sock_error(struct sock *sk, int err)
{
	bool dead = sock_flag(sk, SOCK_DEAD);

	WRITE_ONCE(sk->sk_err, err);
	/* who sees the state CLOSE must see why */
	smp_wmb();
	toytcp_sendq_purge(sk);
	toytcp_sock_done(sk);
	if (!dead)
		sk_error_report(sk);
}

/* RFC 9293 3.10.5: does an abort in this state send a reset? */
static bool peer_needs_reset(const struct sock *sk)
{
	return BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_SYN_RECV |
				    TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 |
				    TCPF_FIN_WAIT2);
}

/**
 * toytcp_sock_abort() - end a connection at once, and tell the peer
 * @sk: the socket
 * @err: errno for the program, positive
 *
 * RFC 9293 3.10.5.
 *
 * Context: as toytcp_sock_done().
 */
void toytcp_sock_abort(struct sock *sk, int err)
{
	if (sk->sk_state == TCP_CLOSE)
		return;
	if (peer_needs_reset(sk))
		toytcp_output_reset(sk, GFP_ATOMIC);
	toytcp_sock_error(sk, err);
}

/* the next connection's TCP_INFO counts from 0, as with Linux */
static void counters_reset(struct toytcp_sock *ts)
{
	ts->bytes_acked = 0;
	ts->bytes_received = 0;
	ts->bytes_sent = 0;
	ts->bytes_retrans = 0;
	ts->segs_in = 0;
	ts->segs_out = 0;
	ts->data_segs_in = 0;
	ts->data_segs_out = 0;
	ts->total_retrans = 0;
	ts->rcv_ooopack = 0;
	ts->rehash = 0;
	ts->total_rto = 0;
	ts->total_rto_recoveries = 0;
	ts->total_rto_us = 0;
	ts->rto_began_us = 0;
	ts->chrono = TOYTCP_CHRONO_IDLE;
	memset(ts->chrono_us, 0, sizeof(ts->chrono_us));
	ts->dsack_dups = 0;
	ts->reord_seen = 0;
	ts->reordering = 0;
	ts->last_data_recv_ms = 0;
	ts->last_ack_recv_ms = 0;
}

/**
 * toytcp_sock_disconnect() - back to a fresh, unconnected socket
 * @sk: the socket
 *
 * connect() with AF_UNSPEC, and close() with SO_LINGER of zero. What is
 * unsent is lost, the peer gets a reset.
 *
 * Context: process, socket lock held.
 * Return: 0.
 */
int toytcp_sock_disconnect(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	bool fresh = sk->sk_state == TCP_CLOSE;

	/* who sleeps in another call must not go on with the next connection */
	sk->sk_disconnects++;
	if (sk->sk_state == TCP_LISTEN) {
		toytcp_listen_stop(sk);
		/* who saw the listener is done with it before it is anything else */
		synchronize_net();
	} else if (!fresh) {
		if (peer_needs_reset(sk))
			toytcp_output_reset(sk, sk->sk_allocation);
		if (peer_needs_reset(sk) || sk->sk_state == TCP_SYN_SENT)
			WRITE_ONCE(sk->sk_err, ECONNRESET);
		toytcp_state_set(sk, TCP_CLOSE);
		toytcp_fastopen_end(sk, false);
		toytcp_fastopen_over(sk);
		toytcp_timers_stop(sk);
		toytcp_demux_remove(&ts->flow);
	}
	toytcp_sendq_purge(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	toytcp_reassembly_purge(sk);
	/*
	 * As with Linux: a port that bind() chose is lost with the connection
	 * or the listener only; and getsockname() goes on telling it.
	 */
	if (!fresh && !(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
		toytcp_port_release(&ts->port_user);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		ts->flow.key.laddr = 0;
	ts->flow.key.faddr = 0;
	ts->flow.key.fport = 0;
	sk_dst_reset(sk);
	/* readers hold RCU only: it is freed after a grace period */
	dst_release(rcu_replace_pointer(sk->sk_rx_dst, NULL,
					lockdep_sock_is_held(sk)));
	WRITE_ONCE(sk->sk_shutdown, 0);
	sk_set_peek_off(sk, -1);
	sock_reset_flag(sk, SOCK_DONE);
	ts->got_fin = 0;
	ts->fin_queued = 0;
	WRITE_ONCE(ts->urg_data, 0);
	memset(&ts->mtup, 0, sizeof(ts->mtup));
	ts->ts_ok = 0;
	ts->sack_ok = 0;
	ts->wscale_ok = 0;
	toytcp_ecn_init(ts, false);
	ts->ack_pending = false;
	ts->ack_now = false;
	ts->interactive = false;
	ts->quickack_wanted = 0;
	ts->uto_pending = false;
	ts->fastopen_send = NULL;
	ts->defer_connect = false;
	ts->syn_data = 0;
	ts->syn_data_acked = 0;
	ts->fastopen_test = 0;
	ts->fastopen_client_fail = 0;
	ts->rtx_since_us = 0;
	ts->peer_uto_ms = 0;
	ts->dsack_pending = 0;
	ts->rcvbuf_dropped = false;
	ts->cwnd_limited = false;
	ts->max_snd_wnd = 0;
	ts->snd_wnd = 0;
	ts->last_xmit_us = 0;
	ts->pace_ns = 0;
	ts->cong_locked = false;
	toytcp_path_set(sk, &(struct toytcp_path){});
	ts->last_oow_us = 0;
	ts->probe_backoff = 0;
	ts->probes = 0;
	ts->rcv_nxt = 0;
	ts->copied_seq = 0;
	ts->rcv_rtt_us = 0;
	ts->rcv_rtt_tsecr = 0;
	ts->rcv_rtt_start_us = 0;
	ts->rcvq_space = 0;
	ts->rcv_share = TOYTCP_SHARE_INIT;
	kfree(ts->saved_syn);
	ts->saved_syn = NULL;
	counters_reset(ts);
	toytcp_cong_init(&ts->cong, ts->cong.ops, TOYTCP_CONG_INIT_CWND);
	toytcp_rtt_init(&ts->rtt, TOYTCP_RTO_INIT_US, ts->rtt.rto_min_us,
			ts->rtt.rto_max_us);
	toytcp_rate_init(ts);
	sk_error_report(sk);
	return 0;
}

/**
 * toytcp_sock_shutdown_send() - no more data from the program: FIN
 * @sk: the socket
 * @gfp: GFP_ATOMIC, or what cannot fail: a FIN is what lets everything end, so
 *	it may use the reserves. Without memory close() will try again.
 *
 * RFC 9293 3.10.4, the send half of CLOSE.
 *
 * Context: any that @gfp allows, socket lock held.
 */
void toytcp_sock_shutdown_send(struct sock *sk, gfp_t gfp)
{
	int next;

	switch (sk->sk_state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		next = TCP_FIN_WAIT1;
		break;
	case TCP_CLOSE_WAIT:
		next = TCP_LAST_ACK;
		break;
	default:
		return;
	}
	if (!toytcp_output_fin(sk, gfp))
		return;
	toytcp_state_set(sk, next);
	toytcp_output_push(sk, TOYTCP_PUSH_NOW);
}

/* bytes that the program has not read; frees them */
static u32 drop_unread(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 unread = ts->rcv_nxt - ts->copied_seq - ts->got_fin;

	__skb_queue_purge(&sk->sk_receive_queue);
	return unread;
}

static bool too_many_orphans(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_sk_net(sk);

	return atomic_read(&tn->orphan_count) >
		       READ_ONCE(tn->sysctl.max_orphans) ||
	       (sk->sk_wmem_queued > SOCK_MIN_SNDBUF &&
		sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2));
}

/* how an open connection takes the program's leave; may end it at once */
static void close_connection(struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (drop_unread(sk)) {
		/* RFC 2525 2.17: the peer must learn that data were lost */
		toytcp_stats_inc(net, TOYTCP_MIB_ABORT_ON_CLOSE);
		if (sk->sk_state != TCP_SYN_SENT)
			toytcp_output_reset(sk, sk->sk_allocation);
		toytcp_sendq_purge(sk);
		toytcp_sock_done(sk);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime) {
		toytcp_sock_disconnect(sk);
		toytcp_stats_inc(net, TOYTCP_MIB_ABORT_ON_DATA);
	} else if (sk->sk_state == TCP_SYN_SENT) {
		/* 3.10.4: nothing was agreed on, nothing is to be undone */
		toytcp_sendq_purge(sk);
		toytcp_sock_done(sk);
	} else {
		toytcp_sock_shutdown_send(sk, sk->sk_allocation | __GFP_NOFAIL);
	}
}

/* the program has left; what remains of the protocol's life is on its own */
static void orphan_limits(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (sk->sk_state == TCP_FIN_WAIT2) {
		if (ts->linger2 < 0) {
			toytcp_stats_inc(sock_net(sk),
					 TOYTCP_MIB_ABORT_ON_LINGER);
			toytcp_sock_abort(sk, ECONNRESET);
			return;
		}
		toytcp_timewait_enter(sk);
		return;
	}
	if (sk->sk_state != TCP_CLOSE && too_many_orphans(sk)) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ABORT_ON_MEMORY);
		toytcp_sock_abort(sk, ECONNRESET);
	}
}

/**
 * toytcp_sock_close() - the program closes its last descriptor
 * @sk: the socket; the program's reference passes to the protocol
 * @timeout: how long to wait for the FIN's acknowledgment (SO_LINGER), in
 * jiffies
 *
 * Context: process; sleeps.
 */
void toytcp_sock_close(struct sock *sk, long timeout)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int state;

	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (sk->sk_state == TCP_LISTEN)
		toytcp_listen_stop(sk);
	else if (sk->sk_state != TCP_CLOSE)
		close_connection(sk);
	sk_stream_wait_close(sk, timeout);

	state = sk->sk_state;
	sock_hold(sk);
	sock_orphan(sk);
	if (state == TCP_CLOSE) {
		toytcp_sock_destroy(sk);
	} else {
		ts->orphan = 1;
		atomic_inc(&toytcp_sk_net(sk)->orphan_count);
		/* data that came after drop_unread() */
		if (!skb_queue_empty(&sk->sk_receive_queue))
			toytcp_sock_abort(sk, ECONNRESET);
		else
			orphan_limits(sk);
	}
	/* from here on, the backlog and the timers may end it */
	release_sock(sk);
	sock_put(sk);
}

/**
 * toytcp_sock_kill_orphans() - end every socket that no program holds
 * @net: the namespace
 *
 * Module unload and the end of a namespace. Peers get a reset.
 *
 * Context: process; programs' sockets are all gone.
 */
void toytcp_sock_kill_orphans(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	struct toytcp_flow *flow;

	rcu_read_lock();
	hlist_for_each_entry_rcu(flow, &tn->all, list) {
		struct sock *sk;

		if (flow->kind != TOYTCP_FLOW_SOCK || !toytcp_flow_get(flow))
			continue;
		sk = toytcp_flow_sk(flow);
		local_bh_disable();
		bh_lock_sock(sk);
		if (sock_flag(sk, SOCK_DEAD))
			toytcp_sock_abort(sk, ECONNRESET);
		bh_unlock_sock(sk);
		local_bh_enable();
		sock_put(sk);
	}
	rcu_read_unlock();
}

/**
 * toytcp_sock_sndbuf_expand() - let the send buffer follow the congestion window
 * @sk: the socket
 *
 * Twice the window, so that the program can fill one half while the other is
 * in flight; within net.toytcp.wmem, and not where SO_SNDBUF was set. As much as
 * Linux, so that a program that writes before anybody reads gets as far.
 *
 * Context: socket lock held.
 */
void toytcp_sock_sndbuf_expand(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int top = READ_ONCE(toytcp_sk_net(sk)->sysctl.wmem[2]);
	u32 per_seg;
	u64 want;

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK || sk_under_memory_pressure(sk))
		return;
	/* a segment may lie in a buffer of its own, of which memory has the sizes it has */
	per_seg = max(ts->mss, ts->peer_mss) + MAX_TCP_HEADER +
		  SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	per_seg = roundup_pow_of_two(per_seg) + SKB_DATA_ALIGN(sizeof(struct sk_buff));
	want = (ts->cong.ops->sndbuf_windows ?: 2ull) *
	       max3(ts->cong.cwnd_segs, TOYTCP_CONG_INIT_CWND,
		    ts->reordering + 1) * per_seg;
	if (want > sk->sk_sndbuf)
		WRITE_ONCE(sk->sk_sndbuf, min_t(u64, want, max(top, sk->sk_sndbuf)));
}

/**
 * toytcp_sock_rcvbuf_adjust() - let the receive buffer follow the reader
 * @sk: the socket, some of whose data were just read
 *
 * Dynamic right-sizing: if the program reads more in a round trip than it
 * did in any before, the sender could use twice that window. As in Linux what
 * grew grows on: a window told now is used a round trip later, and slow start
 * has doubled by then; and a program that leaves as much unread as it read
 * needs no larger window.
 *
 * Context: process, socket lock held.
 */
void toytcp_sock_rcvbuf_adjust(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int top = READ_ONCE(toytcp_sk_net(sk)->sysctl.rmem[2]);
	s32 left = ts->rcv_nxt - ts->copied_seq;
	u32 read = max_t(s32, ts->copied_seq - ts->rcvq_seq - left, 0);
	u64 now, want;

	if (!ts->rcv_rtt_us)
		return;
	/* the clock is read where it can make the buffer grow */
	now = read > ts->rcvq_space ? toytcp_now_us() : ts->now_us;
	if ((u32)now - ts->rcvq_us < ts->rcv_rtt_us)
		return;
	if (read > ts->rcvq_space) {
		u32 before = max(ts->rcvq_space, 1u);

		ts->rcvq_space = read;
		/* room for twice the data and for a start-up burst, by what buffers weigh */
		want = 2ull * read + 16 * ts->adv_mss;
		want += 2 * mul_u64_u32_div(want, read - before, before);
		want = (want << 8) / max_t(u8, ts->rcv_share, 1);
		if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
		    want > sk->sk_rcvbuf && !sk_under_memory_pressure(sk))
			WRITE_ONCE(sk->sk_rcvbuf,
				   min_t(u64, want, max(top, sk->sk_rcvbuf)));
	}
	ts->rcvq_seq = ts->copied_seq;
	ts->rcvq_us = (u32)now;
}
