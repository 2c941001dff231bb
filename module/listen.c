// SPDX-License-Identifier: GPL-2.0
/*
 * Passive open: listeners, requests, and the birth of a child.
 *
 * Engine (layer 1). RFC 9293 3.10.7.2 (LISTEN) and 3.10.7.4 (SYN-RECEIVED),
 * RFC 4987 (SYN floods).
 *
 * Locks: segments for a listener do not take its socket lock, so processors
 * open connections side by side, and while a program owns the listener. A
 * request's lock makes its segments, its timer and the listener's end follow
 * each other; a child's is taken inside it; inside both toytcp_listener.lock, for
 * the moment in which a queue of the listener changes. Who adds to a queue looks
 * under it whether the listener still listens, and toytcp_listen_stop() leaves
 * LISTEN under it before it empties them: so nothing is left behind.
 * What else is read of the listener are its options, each by itself, and what
 * is freed no sooner than its last reference. A listener that becomes
 * something else (connect() after shutdown()) waits for a grace period first,
 * toytcp_sock_disconnect().
 *
 * A SYN makes a struct toytcp_req of some 200 bytes; the ACK of its SYN-ACK
 * makes the socket. The request's place in the table of flows passes to the
 * child in one step, so no segment finds neither. When a listener has more
 * requests than its backlog, further ones are left to the peer: cookie.c. A
 * SYN with a good Fast Open cookie makes the socket itself: fastopen.c.
 */
#include <linux/slab.h>
#include <net/sock_reuseport.h>
#include <net/tcp.h>

#include "compat.h"
#include "cong_net.h"
#include "cookie.h"
#include "ecn.h"
#include "ipv4.h"
#include "listen.h"
#include "mapped.h"
#include "seq.h"
#include "sock.h"
#include "window.h"

#define SYNACK_TIMEOUT_US	TOYTCP_RTO_INIT_US	/* doubles every time */

static struct kmem_cache *req_cache;

/**
 * toytcp_listen_init() - module load
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_listen_init(void)
{
	req_cache = KMEM_CACHE(toytcp_req, 0);
	return req_cache ? 0 : -ENOMEM;
}

/**
 * toytcp_listen_exit() - module unload, after rcu_barrier()
 *
 * Context: process.
 */
void toytcp_listen_exit(void)
{
	kmem_cache_destroy(req_cache);
}

static void req_free_rcu(struct rcu_head *rcu)
{
	struct toytcp_req *req = container_of(rcu, struct toytcp_req, rcu);

	sock_put(req->listener);
	kfree(req->saved_syn);
	kmem_cache_free(req_cache, req);
}

/**
 * toytcp_req_free() - the last reference is gone
 * @req: the request
 *
 * Context: any. Called by toytcp_flow_put() only.
 */
void toytcp_req_free(struct toytcp_req *req)
{
	call_rcu(&req->rcu, req_free_rcu);
}

static void req_timer_cancel(struct toytcp_req *req)
{
	if (toytcp_timer_del(&req->timer))
		toytcp_flow_put(&req->flow);
}

static void req_timer_arm(struct toytcp_req *req, u64 delay_us)
{
	refcount_inc(&req->ref);
	if (toytcp_timer_mod(&req->timer, toytcp_now_us(), delay_us))
		toytcp_flow_put(&req->flow);
}

/* into the listener's list; false: it listens no more */
static bool req_link(struct toytcp_req *req)
{
	struct toytcp_listener *l = toytcp_sk(req->listener)->listener;

	spin_lock(&l->lock);
	req->linked = req->listener->sk_state == TCP_LISTEN;
	if (req->linked) {
		list_add_tail(&req->list, &l->reqs);
		WRITE_ONCE(l->req_count, l->req_count + 1);
		WRITE_ONCE(l->req_young, l->req_young + 1);
	}
	spin_unlock(&l->lock);
	return req->linked;
}

/* out of the listener's list, and of the listing; the flow table is the caller's */
static void req_unlink(struct toytcp_req *req)
{
	struct toytcp_listener *l = toytcp_sk(req->listener)->listener;

	req->linked = 0;
	spin_lock(&l->lock);
	list_del(&req->list);
	WRITE_ONCE(l->req_count, l->req_count - 1);
	if (!req->retries)
		WRITE_ONCE(l->req_young, l->req_young - 1);
	spin_unlock(&l->lock);
	toytcp_demux_list_del(&req->flow);
	req_timer_cancel(req);
	toytcp_flow_put(&req->flow);
}

static void req_drop(struct toytcp_req *req)
{
	toytcp_demux_remove(&req->flow);
	req_unlink(req);
}

/* the SYN-ACK has been sent again */
static void req_retried(struct toytcp_req *req)
{
	struct toytcp_listener *l = toytcp_sk(req->listener)->listener;

	if (req->retries++)
		return;
	spin_lock(&l->lock);
	WRITE_ONCE(l->req_young, l->req_young - 1);
	spin_unlock(&l->lock);
}

/*
 * How often a SYN-ACK is sent again. Half of the queue is kept for young
 * requests, as Linux does: the more of the others there are, the sooner they
 * go.
 */
static int max_retries(const struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_net(sock_net(sk))->sysctl;
	const struct toytcp_listener *l = toytcp_sk(sk)->listener;
	int max = toytcp_sk(sk)->syn_retries ?: READ_ONCE(ctl->synack_retries);
	u64 young = 2ull * READ_ONCE(l->req_young);
	u32 count = READ_ONCE(l->req_count);

	if (2ull * count <= max(8u, READ_ONCE(sk->sk_max_ack_backlog)))
		return max;
	while (max > 2 && count >= young) {
		max--;
		young *= 2;
	}
	return max;
}

/* the SYN-ACK has waited long enough: forget the request, or ask again */
static bool req_expired(const struct toytcp_req *req)
{
	u8 defer = toytcp_sk(req->listener)->defer_accept;

	if (req->retries < max_retries(req->listener))
		return false;
	/* TCP_DEFER_ACCEPT waits for data beyond the usual */
	return !defer || !req->acked || req->retries >= defer;
}

/* a peer that waits with its data is asked once more before its time is up */
static bool req_wants_synack(const struct toytcp_req *req)
{
	u8 defer = toytcp_sk(req->listener)->defer_accept;

	return !defer || !req->acked || req->retries >= defer - 1;
}

/* how long the SYN-ACK may go without an answer now, RFC 6298 (5.5) */
static u32 synack_timeout_us(const struct toytcp_req *req)
{
	return toytcp_rtt_backed_off_us(SYNACK_TIMEOUT_US, req->retries,
					toytcp_sk(req->listener)->rtt.rto_max_us);
}

static void req_timer_fn(struct timer_list *t)
{
	struct toytcp_req *req = container_of(t, struct toytcp_req, timer.timer);
	struct sock *sk = req->listener;

	spin_lock(&req->lock);
	if (!req->linked)
		goto out;
	if (req_expired(req)) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ATTEMPT_FAILS);
		req_drop(req);
		goto out;
	}
	if (req_wants_synack(req)) {
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_RETRANS_SEGS);
		toytcp_reply_synack(req, NULL);
	}
	req_retried(req);
	req_timer_arm(req, synack_timeout_us(req));
out:
	spin_unlock(&req->lock);
	toytcp_flow_put(&req->flow);
}

/**
 * toytcp_listen_get() - what only a listener needs
 * @sk: a socket that is or may become one
 *
 * Context: process, socket lock held.
 * Return: it, made if this is the first time; NULL without memory.
 */
struct toytcp_listener *toytcp_listen_get(struct sock *sk)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;

	sock_owned_by_me(sk);
	if (l)
		return l;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return NULL;
	INIT_HLIST_NODE(&l->node);
	l->sk = sk;
	spin_lock_init(&l->lock);
	INIT_LIST_HEAD(&l->reqs);
	l->accept_tail = &l->accept_first;
	spin_lock_init(&l->fastopen.lock);
	INIT_LIST_HEAD(&l->fastopen.resets);
	/* getsockopt() and who finds the listener look without the lock */
	smp_store_release(&toytcp_sk(sk)->listener, l);
	return l;
}

/**
 * toytcp_listen_start() - CLOSE to LISTEN, or a new backlog
 * @sk: the socket, bound
 * @backlog: longest accept queue, already capped by somaxconn
 *
 * Context: process, socket lock held.
 * Return: 0, -ENOMEM or what toytcp_port_listen() says.
 */
int toytcp_listen_start(struct sock *sk, int backlog)
{
	int err;

	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	if (sk->sk_state == TCP_LISTEN)
		return 0;
	if (!toytcp_listen_get(sk))
		return -ENOMEM;
	sk->sk_ack_backlog = 0;
	err = toytcp_port_listen(sk);
	if (err)
		return err;
	toytcp_fastopen_listen(sk, backlog);
	toytcp_state_set(sk, TCP_LISTEN);
	return 0;
}

/* a request of a listener, with a reference; NULL: there is none left */
static struct toytcp_req *first_req(struct toytcp_listener *l)
{
	struct toytcp_req *req;

	spin_lock(&l->lock);
	req = list_first_entry_or_null(&l->reqs, struct toytcp_req, list);
	if (req)
		refcount_inc(&req->ref);
	spin_unlock(&l->lock);
	return req;
}

/* nobody will accept a child: its peer learns of it; locked, with a reference */
static void child_refuse(struct sock *child)
{
	sock_orphan(child);
	if (child->sk_state == TCP_CLOSE)
		toytcp_sock_destroy(child);
	else
		toytcp_sock_abort(child, ECONNRESET);
}

/**
 * toytcp_listen_stop() - LISTEN to CLOSE
 * @sk: the listener
 *
 * Requests are dropped in silence (their peers ask again and are refused),
 * children that nobody accepted are reset.
 *
 * Context: process, socket lock held.
 */
void toytcp_listen_stop(struct sock *sk)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;
	struct toytcp_req *req;
	struct sock *child;

	toytcp_port_unlisten(sk);
	local_bh_disable();
	spin_lock(&l->lock);
	toytcp_state_set(sk, TCP_CLOSE);
	spin_unlock(&l->lock);
	while ((req = first_req(l))) {
		spin_lock(&req->lock);
		/* its last segment may have come first */
		if (req->linked)
			req_drop(req);
		spin_unlock(&req->lock);
		toytcp_flow_put(&req->flow);
	}
	while ((child = toytcp_listen_accept(sk))) {
		sock_hold(child);
		bh_lock_sock(child);
		child_refuse(child);
		bh_unlock_sock(child);
		sock_put(child);
	}
	local_bh_enable();
}

/**
 * toytcp_listen_pending() - does a child wait for accept()?
 * @sk: the listener, or what was one
 *
 * Context: any; without the socket lock the answer is a hint.
 */
bool toytcp_listen_pending(const struct sock *sk)
{
	return READ_ONCE(toytcp_sk(sk)->listener->accept_first);
}

/**
 * toytcp_listen_accept() - take the oldest child
 * @sk: the listener
 *
 * Context: socket lock held.
 * Return: the child with the reference the queue held, or NULL.
 */
struct sock *toytcp_listen_accept(struct sock *sk)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;
	struct toytcp_sock *child;

	spin_lock_bh(&l->lock);
	child = l->accept_first;
	if (child) {
		WRITE_ONCE(l->accept_first, child->accept_next);
		if (!child->accept_next)
			l->accept_tail = &l->accept_first;
		child->accept_next = NULL;
		sk_acceptq_removed(sk);
	}
	spin_unlock_bh(&l->lock);
	return child ? &child->inet.sk : NULL;
}

/* what a request knows before the options are looked at */
static void req_init(struct toytcp_req *req, struct sock *sk,
		     const struct toytcp_seg *seg)
{
	struct net *net = sock_net(sk);
	struct toytcp_reply reply;
	struct toytcp_path path;
	u32 mtu;

	req->flow.kind = TOYTCP_FLOW_REQ;
	req->flow.tn = toytcp_net(net);
	spin_lock_init(&req->lock);
	req->listener = sk;
	toytcp_ipv4_reply_to(net, seg->skb, &reply);
	req->flow.key = reply.key;
	req->dif = sk->sk_bound_dev_if;
	reply.oif = req->dif;
	reply.tos = inet_sk(sk)->tos;
	req->snd_wnd = seg->wnd;
	mtu = toytcp_ipv4_reply_path(&reply, &path);
	req->adv_mss = toytcp_output_adv_mss(toytcp_sk(sk), &path, mtu);
	req->ts_ok = seg->opt.has_ts &&
		     READ_ONCE(toytcp_net(net)->sysctl.timestamps);
	toytcp_rwnd_init(sk, &path, req->adv_mss - (req->ts_ok ? 12 : 0),
			 &req->rcv_wscale, &req->rcv_wnd);
	req->ecn_ok = toytcp_ecn_asked(sk, seg, path.ecn);
	req->fastopen_no_cookie = path.fastopen_no_cookie;
	req->ts_recent = seg->opt.tsval;
	req->ts_offset = toytcp_sock_ts_offset(&req->flow.key);
}

static void req_from_syn(struct toytcp_req *req, struct sock *sk,
			 const struct toytcp_seg *seg)
{
	const struct toytcp_sysctl *ctl = &toytcp_net(sock_net(sk))->sysctl;
	const struct toytcp_options *opt = &seg->opt;
	bool room;

	req_init(req, sk, seg);
	req->irs = seg->seq;
	req->peer_mss = opt->mss ?: TOYTCP_MSS_DEFAULT;
	/* a cookie without a timestamp has no room for these */
	room = !req->cookie || req->ts_ok;
	req->wscale_ok = room && opt->has_wscale &&
			 READ_ONCE(ctl->window_scaling);
	req->snd_wscale = req->wscale_ok ? opt->wscale : 0;
	if (!req->wscale_ok)
		req->rcv_wscale = 0;
	req->sack_ok = room && opt->sack_perm && READ_ONCE(ctl->sack);
	req->ecn_ok = room && req->ecn_ok;
	req->sent_us = toytcp_now_us();
	if (req->cookie)
		req->iss = toytcp_cookie_make(&req->flow.key, req->irs,
					      req->peer_mss, req->sent_us);
	else
		req->iss = TOYTCP_CB(seg->skb)->tw_isn ?:
			   toytcp_sock_isn(&req->flow.key);
}

/*
 * When cookies were sent last. Listeners that share a port by SO_REUSEPORT
 * remember it together: the ACK may be another one's than the SYN.
 */
static u32 *synq_overflow(struct sock *sk)
{
	struct sock_reuseport *reuse = rcu_dereference(sk->sk_reuseport_cb);

	return reuse ? &reuse->synq_overflow_ts :
		       &toytcp_sk(sk)->listener->synq_overflow_s;
}

/* RFC 4987 3.6: a SYN-ACK that needs no memory here */
static void send_cookie(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_req req = { .cookie = 1 };

	WRITE_ONCE(*synq_overflow(sk), toytcp_now_s());
	req_from_syn(&req, sk, seg);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_SYNCOOKIES_SENT);
	toytcp_reply_synack(&req, NULL);
}

/* more SYNs than the queue holds: shall cookies answer them? */
static bool flood_action(struct sock *sk, int syncookies)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;

	toytcp_stats_inc(sock_net(sk), syncookies ?
				 TOYTCP_MIB_REQ_QFULL_COOKIES :
				 TOYTCP_MIB_REQ_QFULL_DROP);
	if (!READ_ONCE(l->synflood_warned) && syncookies != 2) {
		WRITE_ONCE(l->synflood_warned, true);
		net_info_ratelimited("toytcp: possible SYN flooding on port %u, %s\n",
				     ntohs(toytcp_sk(sk)->flow.key.lport), syncookies ?
				     "sending cookies" : "dropping requests");
	}
	return syncookies;
}

/*
 * Without cookies Linux keeps the last quarter of max_syn_backlog for peers
 * that its metrics know to be alive. We keep no metrics: nobody is.
 */
static bool backlog_is_full(const struct sock *sk)
{
	int max = READ_ONCE(toytcp_net(sock_net(sk))->sysctl.max_syn_backlog);

	return max - (int)READ_ONCE(toytcp_sk(sk)->listener->req_count) < max >> 2;
}

/* TCP_SAVE_SYN; without memory it is not saved, as with Linux */
static void save_syn(struct toytcp_req *req, const struct toytcp_seg *seg)
{
	u8 how = toytcp_sk(req->listener)->save_syn;
	const struct sk_buff *skb = seg->skb;
	const u8 *start = skb_network_header(skb);
	u32 len;

	if (!how)
		return;
	if (how == 2 && skb_mac_header_was_set(skb))
		start = skb_mac_header(skb);
	len = skb_transport_header(skb) + seg->hdr_len - start;
	req->saved_syn = kmalloc(struct_size(req->saved_syn, data, len),
				 GFP_ATOMIC);
	if (!req->saved_syn)
		return;
	req->saved_syn->len = len;
	memcpy(req->saved_syn->data, start, len);
}

static enum toytcp_drop_reason req_add(struct sock *sk, struct toytcp_seg *seg)
{
	struct toytcp_req *req = kmem_cache_zalloc(req_cache, GFP_ATOMIC);
	enum toytcp_drop_reason why = TOYTCP_DROP_NONE;
	struct toytcp_fastopen_cookie cookie;

	if (!req)
		return TOYTCP_DROP_NOMEM;
	req_from_syn(req, sk, seg);
	refcount_set(&req->ref, 1);
	sock_hold(sk);
	toytcp_timer_setup(&req->timer, req_timer_fn);
	save_syn(req, seg);
	if (toytcp_fastopen_child(sk, req, seg, &cookie)) {
		toytcp_flow_put(&req->flow);
		return TOYTCP_DROP_NONE;
	}
	/* another CPU finds it in the table, but not before it is whole */
	refcount_inc(&req->ref);
	spin_lock(&req->lock);
	if (toytcp_demux_insert(&req->flow)) {
		/* no memory for the table, or another CPU made it first */
		why = TOYTCP_DROP_NOMEM;
		toytcp_flow_put(&req->flow);
	} else if (!req_link(req)) {
		why = TOYTCP_DROP_CLOSED;
		toytcp_demux_remove(&req->flow);
		toytcp_flow_put(&req->flow);
	} else {
		toytcp_demux_list_add(&req->flow);
		toytcp_reply_synack(req, &cookie);
		req_timer_arm(req, SYNACK_TIMEOUT_US);
	}
	spin_unlock(&req->lock);
	toytcp_flow_put(&req->flow);
	return why;
}

/* 3.10.7.2, third: a SYN in LISTEN; the limits are Linux's */
static enum toytcp_drop_reason rcv_syn(struct sock *sk, struct toytcp_seg *seg)
{
	struct net *net = sock_net(sk);
	int syncookies = READ_ONCE(toytcp_net(net)->sysctl.syncookies);
	/* the successor of a time-wait: its peer is real */
	bool known = TOYTCP_CB(seg->skb)->tw_isn;
	bool cookie = false;

	if (!known && (syncookies == 2 || READ_ONCE(toytcp_sk(sk)->listener->req_count) >
			       READ_ONCE(sk->sk_max_ack_backlog))) {
		cookie = flood_action(sk, syncookies);
		if (!cookie)
			return TOYTCP_DROP_LISTEN_QUEUE;
	}
	if (sk_acceptq_is_full(sk)) {
		toytcp_stats_inc(net, TOYTCP_MIB_LISTEN_OVERFLOWS);
		return TOYTCP_DROP_ACCEPT_QUEUE;
	}
	if (!known && !syncookies && backlog_is_full(sk))
		return TOYTCP_DROP_LISTEN_QUEUE;
	if (!cookie)
		return req_add(sk, seg);
	send_cookie(sk, seg);
	return TOYTCP_DROP_NONE;
}

/* copy what the handshake agreed on into the child */
static void child_from_req(struct sock *sk, const struct toytcp_req *req)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 mtu;

	ts->flow.key = req->flow.key;
	ts->iss = req->iss;
	ts->snd_una = req->iss;
	ts->snd_nxt = req->iss + 1;
	ts->write_seq = req->iss + 1;
	ts->snd_sml = ts->iss;
	ts->irs = req->irs;
	ts->rcv_nxt = req->irs + 1;
	ts->rcv_wup = ts->rcv_nxt;
	ts->copied_seq = ts->rcv_nxt;
	ts->rcv_wnd = req->rcv_wnd;
	ts->snd_wnd = req->snd_wnd;
	ts->max_snd_wnd = req->snd_wnd;
	ts->window_clamp = ts->window_clamp ?: ts->path.window;
	ts->peer_mss = req->peer_mss;
	ts->adv_mss = req->adv_mss;
	ts->rcv_mss = min_t(u32, req->adv_mss, TOYTCP_MSS_DEFAULT);
	ts->snd_wscale = req->snd_wscale;
	ts->rcv_wscale = req->rcv_wscale;
	ts->wscale_ok = req->wscale_ok;
	ts->sack_ok = req->sack_ok;
	ts->ts_ok = req->ts_ok;
	toytcp_ecn_init(ts, req->ecn_ok);
	ts->ts_recent = req->ts_recent;
	ts->ts_recent_s = toytcp_now_s();
	ts->ts_offset = req->ts_offset;
	ts->segs_in = 1;
	/* of a SYN-ACK that was sent, and sent once */
	if (!req->retries && !req->acked && req->flow.hashed)
		toytcp_rtt_sample(&ts->rtt,
				  clamp_t(u64, toytcp_now_us() - req->sent_us,
					  1, U32_MAX));
	if (req->retries) {
		ts->total_rto = req->retries;
		ts->total_rto_recoveries = 1;
		ts->total_rto_us = toytcp_now_us() - req->sent_us;
	}
	mtu = toytcp_ipv4_mtu(sk);
	toytcp_mtup_init(sk);
	toytcp_output_mss_sync(sk, mtu);
	/* RFC 5681 3.1: a SYN-ACK was lost, so start with one segment */
	toytcp_cong_net_route(sk);
	toytcp_path_cong_init(ts, req->retries > 1 && !req->acked);
}

/**
 * toytcp_listen_child() - make the socket of a request
 * @sk: the listener
 * @req: the request; it leaves the tables and the listener's list. If it is in
 *	none (a SYN cookie's, a Fast Open), the place has to be free.
 *
 * Context: softirq or backlog, BH off, rcu_read_lock(); the lock of @req held
 * if it is in the tables. The caller has a reference to @sk.
 * Return: the child, locked, in SYN_RECV, with two references: the accept
 * queue's and the caller's; NULL without memory or a route.
 */
struct sock *toytcp_listen_child(struct sock *sk, struct toytcp_req *req)
{
	struct sock *child = sk_clone_lock(sk, GFP_ATOMIC);
	bool hashed = req->flow.hashed;
	struct toytcp_sock *ts;

	if (!child)
		return NULL;
	ts = toytcp_sk(child);
	toytcp_sock_setup_child(child, sk);
	/* copied while the listener stopped */
	if (child->sk_state != TCP_LISTEN)
		goto fail;
	toytcp_state_set(child, TCP_SYN_RECV);
	ts->flow.key = req->flow.key;
	if (toytcp_mapped_clone(child, sk) || toytcp_ipv4_route(child))
		goto fail;
	child_from_req(child, req);
	if (!toytcp_port_inherit(sock_net(sk), &ts->port_user,
				 &toytcp_sk(sk)->port_user, ts->flow.key.laddr))
		goto fail;
	if (hashed ? toytcp_demux_replace(&req->flow, &ts->flow) :
		     toytcp_demux_insert(&ts->flow))
		goto fail_port;
	toytcp_demux_list_add(&ts->flow);
	ts->saved_syn = req->saved_syn;
	req->saved_syn = NULL;
	if (hashed)
		req_unlink(req);
	return child;

fail_port:
	toytcp_port_release(&ts->port_user);
fail:
	toytcp_sock_free_child(child);
	return NULL;
}

/**
 * toytcp_listen_queue() - a child waits for accept()
 * @sk: the listener
 * @child: the child; the queue takes one of its references
 *
 * Context: softirq or backlog, BH off, the child's lock held; the caller has a
 * reference of its own to @child.
 * Return: false if @sk listens no more: then the child has been reset.
 */
bool toytcp_listen_queue(struct sock *sk, struct sock *child)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;
	bool listens;

	spin_lock(&l->lock);
	listens = sk->sk_state == TCP_LISTEN;
	if (listens) {
		WRITE_ONCE(*l->accept_tail, toytcp_sk(child));
		l->accept_tail = &toytcp_sk(child)->accept_next;
		sk_acceptq_added(sk);
	}
	spin_unlock(&l->lock);
	if (listens)
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_PASSIVE_OPENS);
	else
		child_refuse(child);
	return listens;
}

/* the request comes to an end, and its peer learns of it */
static void req_reset(struct toytcp_req *req, const struct toytcp_seg *seg)
{
	toytcp_refuse(req->listener, seg);
	toytcp_stats_inc(req->flow.tn->net, TOYTCP_MIB_EMBRYONIC_RSTS);
	req_drop(req);
}

/* the handshake is through: the segment that completed it is the child's */
static enum toytcp_drop_reason req_complete(struct sock *sk,
					    struct toytcp_req *req,
					    struct toytcp_seg *seg)
{
	struct net *net = sock_net(sk);
	struct sock *child;
	bool queued;

	if (sk_acceptq_is_full(sk)) {
		toytcp_stats_inc(net, TOYTCP_MIB_LISTEN_OVERFLOWS);
		toytcp_stats_inc(net, TOYTCP_MIB_LISTEN_DROPS);
		if (req->cookie)
			return TOYTCP_DROP_ACCEPT_QUEUE;
		/* the peer's data or our next SYN-ACK tries again */
		req->acked = 1;
		if (READ_ONCE(toytcp_net(net)->sysctl.abort_on_overflow))
			req_reset(req, seg);
		return TOYTCP_DROP_ACCEPT_QUEUE;
	}
	child = toytcp_listen_child(sk, req);
	if (!child)
		return TOYTCP_DROP_NOMEM;
	queued = toytcp_listen_queue(sk, child);
	if (queued) {
		toytcp_ipv4_rx_route(child, seg->skb);
		toytcp_rcv(child, seg);
		seg->skb = NULL;
	}
	toytcp_unlock_child(child);
	sock_put(child);	/* sk_clone_lock() took two */
	if (!queued)
		return TOYTCP_DROP_CLOSED;
	sk->sk_data_ready(sk);
	return TOYTCP_DROP_NONE;
}

/* what a cookie's SYN-ACK remembered; false: it was none */
static bool cookie_read(struct sock *sk, const struct toytcp_seg *seg,
			struct toytcp_req *req)
{
	const struct toytcp_sysctl *ctl = &toytcp_net(sock_net(sk))->sysctl;
	struct toytcp_cookie_opts opts = {};

	req_init(req, sk, seg);
	req->irs = seg->seq - 1;
	req->iss = seg->ack - 1;
	req->peer_mss = toytcp_cookie_check(&req->flow.key, req->irs, req->iss,
					    toytcp_now_us());
	if (!req->peer_mss)
		return false;
	req->ts_ok = seg->opt.has_ts;
	if (req->ts_ok)
		toytcp_cookie_ts_read(seg->opt.tsecr - req->ts_offset, &opts);
	req->sack_ok = opts.sack_ok;
	req->ecn_ok = opts.ecn_ok && READ_ONCE(ctl->ecn);
	req->wscale_ok = opts.wscale_ok;
	req->snd_wscale = opts.wscale_ok ? opts.wscale : 0;
	if (!req->wscale_ok)
		req->rcv_wscale = 0;
	/* we never agreed to what is switched off */
	return (!req->ts_ok || READ_ONCE(ctl->timestamps)) &&
	       (!req->sack_ok || READ_ONCE(ctl->sack)) &&
	       (!req->wscale_ok || (req->snd_wscale <= TOYTCP_WSCALE_MAX &&
				    READ_ONCE(ctl->window_scaling)));
}

/*
 * 3.10.7.2, second: an ACK for a connection that is not. It may bring a
 * cookie back, but only if there were cookies of late: nobody shall try to
 * guess one at any other time.
 */
static enum toytcp_drop_reason rcv_ack(struct sock *sk, struct toytcp_seg *seg)
{
	struct toytcp_req req = { .cookie = 1 };
	struct net *net = sock_net(sk);
	u32 sent_s = READ_ONCE(*synq_overflow(sk));

	if (!READ_ONCE(toytcp_net(net)->sysctl.syncookies) ||
	    (seg->flags & TOYTCP_SYN) || !sent_s ||
	    toytcp_now_s() - sent_s > TOYTCP_COOKIE_VALID_S)
		goto reset;
	if (cookie_read(sk, seg, &req)) {
		toytcp_stats_inc(net, TOYTCP_MIB_SYNCOOKIES_RECV);
		return req_complete(sk, &req, seg);
	}
	toytcp_stats_inc(net, TOYTCP_MIB_SYNCOOKIES_FAILED);
reset:
	toytcp_refuse(sk, seg);
	return TOYTCP_DROP_LISTEN_FLAGS;
}

/* answer what opens nothing, but not again and again (as Linux) */
static bool may_answer(struct toytcp_req *req, const struct toytcp_seg *seg)
{
	/* text or a FIN is no part of a war of ACKs */
	if (seg->end_seq != seg->seq && !(seg->flags & TOYTCP_SYN))
		return true;
	if (toytcp_reply_allowed(&req->last_oow_us))
		return true;
	toytcp_stats_inc(req->flow.tn->net, TOYTCP_MIB_ACK_SKIPPED_SYN_RECV);
	return false;
}

static void req_ack(struct toytcp_req *req, const struct toytcp_seg *seg)
{
	if (may_answer(req, seg))
		toytcp_reply_req_ack(req, ip_hdr(seg->skb)->tos);
}

/* the SYN again: our SYN-ACK was lost. The timer begins anew, as Linux's. */
static void req_syn_again(struct toytcp_req *req, const struct toytcp_seg *seg)
{
	if (!may_answer(req, seg))
		return;
	toytcp_reply_synack(req, NULL);
	req_timer_arm(req, synack_timeout_us(req));
}

/* SYN-RECEIVED, 3.10.7.4, for a request */
static enum toytcp_drop_reason rcv_req(struct sock *sk, struct toytcp_req *req,
				       struct toytcp_seg *seg)
{
	struct net *net = sock_net(sk);
	u32 rcv_nxt = req->irs + 1;

	if ((seg->flags & (TOYTCP_SYN | TOYTCP_RST | TOYTCP_ACK)) ==
	    TOYTCP_SYN && seg->seq == req->irs) {
		req_syn_again(req, seg);
		return TOYTCP_DROP_NONE;
	}
	/* Linux looks at the ACK first, so that a RST must have the right one, too */
	if ((seg->flags & TOYTCP_ACK) && seg->ack != req->iss + 1) {
		toytcp_refuse(sk, seg);
		return TOYTCP_DROP_REQ_ACK;
	}
	if (req->ts_ok && seg->opt.has_ts && !(seg->flags & TOYTCP_RST) &&
	    seq_before(seg->opt.tsval, req->ts_recent)) {
		req_ack(req, seg);
		return TOYTCP_DROP_PAWS;
	}
	if (!toytcp_window_acceptable(rcv_nxt, req->rcv_wnd, seg->seq,
				      seg->end_seq - seg->seq)) {
		if (!(seg->flags & TOYTCP_RST))
			req_ack(req, seg);
		return TOYTCP_DROP_REQ_SEQ;
	}
	if (seg->flags & TOYTCP_RST) {
		if (seg->seq != rcv_nxt) {
			req_ack(req, seg);
			return TOYTCP_DROP_RST_SEQ;
		}
		toytcp_stats_inc(net, TOYTCP_MIB_ATTEMPT_FAILS);
		req_drop(req);
		return TOYTCP_DROP_RESET;
	}
	if (seg->flags & TOYTCP_SYN) {
		req_ack(req, seg);
		return TOYTCP_DROP_SYN;
	}
	if (!(seg->flags & TOYTCP_ACK))
		return TOYTCP_DROP_NO_ACK;
	if (seg->opt.has_ts && req->ts_ok && seq_leq(seg->seq, rcv_nxt))
		req->ts_recent = seg->opt.tsval;
	/* TCP_DEFER_ACCEPT: no socket before there is something to read */
	if (req->retries < toytcp_sk(sk)->defer_accept &&
	    seg->end_seq == rcv_nxt) {
		req->acked = 1;
		toytcp_stats_inc(net, TOYTCP_MIB_DEFER_ACCEPT_DROP);
		return TOYTCP_DROP_DEFER_ACCEPT;
	}
	return req_complete(sk, req, seg);
}

/* the segment's connection became a full socket while it waited in the backlog */
static void rcv_child(struct sock *child, struct toytcp_seg *seg)
{
	struct sk_buff *skb = seg->skb;

	seg->skb = NULL;
	bh_lock_sock(child);
	if (!sock_owned_by_user(child)) {
		seg->skb = skb;
		toytcp_rcv(child, seg);
		seg->skb = NULL;
	} else if (toytcp_demux_backlog(child, skb)) {
		toytcp_drop(sock_net(child), skb, TOYTCP_DROP_BACKLOG);
	}
	bh_unlock_sock(child);
}

/* a segment that belongs to no connection and no request */
static enum toytcp_drop_reason rcv_new(struct sock *sk, struct toytcp_seg *seg)
{
	enum toytcp_drop_reason why;

	if (seg->flags & TOYTCP_RST)
		return TOYTCP_DROP_LISTEN_FLAGS;
	if (seg->flags & TOYTCP_ACK)
		return rcv_ack(sk, seg);
	if (!(seg->flags & TOYTCP_SYN) || (seg->flags & TOYTCP_FIN))
		return TOYTCP_DROP_LISTEN_FLAGS;
	why = rcv_syn(sk, seg);
	if (why != TOYTCP_DROP_NONE)
		toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_LISTEN_DROPS);
	return why;
}

/*
 * A segment for whom it is for now: its request may have become a socket, or
 * gone, since somebody found it. False: it does so at this moment, look again.
 */
static bool rcv_one(struct sock *sk, struct toytcp_seg *seg,
		    const struct toytcp_flow_key *key,
		    enum toytcp_drop_reason *why)
{
	struct toytcp_req *req = NULL;
	struct toytcp_flow *flow;
	bool done = true;

	flow = toytcp_demux_lookup(sock_net(sk), key,
				   TOYTCP_CB(seg->skb)->dif);
	*why = TOYTCP_DROP_NONE;
	if (!flow) {
		*why = rcv_new(sk, seg);
		return true;
	}
	if (flow->kind == TOYTCP_FLOW_REQ)
		req = container_of(flow, struct toytcp_req, flow);
	if (flow->kind == TOYTCP_FLOW_SOCK) {
		rcv_child(toytcp_flow_sk(flow), seg);
	} else if (req && req->listener == sk) {
		spin_lock(&req->lock);
		done = req->linked;
		if (done)
			*why = rcv_req(sk, req, seg);
		spin_unlock(&req->lock);
	} else {
		*why = TOYTCP_DROP_TIMEWAIT;
	}
	toytcp_flow_put(flow);
	return done;
}

/**
 * toytcp_listen_rcv() - one segment for a listener or one of its requests
 * @sk: the listener
 * @seg: the segment; its buffer is consumed
 *
 * Context: softirq, or the listener's backlog. The caller has a reference to @sk
 * and holds rcu_read_lock() since it found it.
 */
void toytcp_listen_rcv(struct sock *sk, struct toytcp_seg *seg)
{
	struct net *net = sock_net(sk);
	enum toytcp_drop_reason why;
	struct toytcp_reply reply;

	/* the backlog runs with BH on; children's locks want it off */
	local_bh_disable();
	rcu_read_lock();
	if (READ_ONCE(sk->sk_state) != TCP_LISTEN) {
		toytcp_refuse(sk, seg);
		toytcp_drop(net, seg->skb, TOYTCP_DROP_CLOSED);
		goto out;
	}
	toytcp_ipv4_reply_to(net, seg->skb, &reply);
	while (!rcv_one(sk, seg, &reply.key, &why))
		cpu_relax();
	if (!seg->skb)
		goto out;
	if (why == TOYTCP_DROP_NONE)
		consume_skb(seg->skb);
	else
		toytcp_drop(net, seg->skb, why);
out:
	rcu_read_unlock();
	local_bh_enable();
}

/**
 * toytcp_listen_icmp() - an ICMP error quotes a SYN-ACK
 * @req: the request
 * @seq: sequence number of the quote
 * @abort: there is no path to the peer
 *
 * There is nobody to tell: POSIX wants no network errors from accept(). So
 * the request goes in silence, or the error is ignored, as with Linux.
 *
 * Context: softirq, rcu_read_lock(); the caller has a reference.
 */
void toytcp_listen_icmp(struct toytcp_req *req, u32 seq, bool abort)
{
	struct net *net = req->flow.tn->net;

	spin_lock(&req->lock);
	if (!req->linked)
		goto out;
	if (seq != req->iss) {
		toytcp_stats_inc(net, TOYTCP_MIB_OUT_OF_WINDOW_ICMPS);
	} else if (abort) {
		toytcp_stats_inc(net, TOYTCP_MIB_LISTEN_DROPS);
		req_drop(req);
	}
out:
	spin_unlock(&req->lock);
}
