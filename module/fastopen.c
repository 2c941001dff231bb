// SPDX-License-Identifier: GPL-2.0
/*
 * TCP Fast Open: data in the SYN, for who has been here before.
 *
 * Engine (layer 1). Locks: the socket's; a listener's queue has a spinlock
 * of its own. RFC 7413, and where it leaves a choice Linux's.
 *
 * Passive. A SYN that brings a cookie of ours makes its child at once: the
 * program may accept() it, read what the SYN brought, and send, before the
 * handshake is through. Until then the child holds a reference to its
 * listener and counts against TCP_FASTOPEN's limit: a cookie proves an
 * address, not good will. The SYN-ACK is the first buffer of the child's
 * rtx_queue, and as long as it is there, it alone is sent again. A child that
 * was accepted and reset counts for a minute more (RFC 7413 section 5.1).
 *
 * Active. A SYN with data is two buffers of rtx_queue that leave as one
 * segment. So if the SYN is lost it goes again by itself, without the option
 * (some box on the way may not like it), and data that the SYN-ACK does not
 * acknowledge are sent again like any that were lost. Where boxes drop
 * everything of such connections, three timeouts or resets that do not fit
 * turn it off for a while, if net.toytcp.fastopen_blackhole_timeout_sec says
 * so.
 */
#include <linux/slab.h>
#include <net/tcp.h>

#include "compat.h"
#include "fastopen.h"
#include "listen.h"
#include "recycle.h"
#include "recovery.h"
#include "sock.h"

#define RESET_US	60000000ull	/* a reset counts for so long, as with Linux */
#define COOKIE_LEN	8		/* of ours, bytes */
#define OFF_SHIFT_MAX	6		/* black holes in a row double the time off, at most */

/* A child that was reset */
struct toytcp_fastopen_reset {
	struct list_head list;		/* toytcp_fastopen_queue.resets */
	u64 until_us;			/* it counts until then */
};

static int settings(const struct sock *sk)
{
	return READ_ONCE(toytcp_net(sock_net(sk))->sysctl.fastopen);
}

/* ---- passive ---- */

/* RFC 7413 4.1.2; the same that Linux makes of the same key */
static void cookie_make(const siphash_key_t *secret,
			const struct toytcp_flow_key *key,
			struct toytcp_fastopen_cookie *cookie)
{
	const __be32 ends[2] = { key->faddr, key->laddr };
	__le64 hash = cpu_to_le64(siphash(ends, sizeof(ends), secret));

	BUILD_BUG_ON(sizeof(hash) != COOKIE_LEN);
	memcpy(cookie->data, &hash, sizeof(hash));
	cookie->len = sizeof(hash);
}

/* which of the keys has made it: 1, 2; 0: none */
static int cookie_check(const struct toytcp_fastopen_keys *keys,
			const struct toytcp_flow_key *key,
			const struct toytcp_options *opt)
{
	struct toytcp_fastopen_cookie good;
	int i;

	if (!opt->has_fastopen || opt->fastopen_len != COOKIE_LEN)
		return 0;
	for (i = 0; i < keys->n; i++) {
		cookie_make(&keys->key[i], key, &good);
		if (!memcmp(opt->fastopen, good.data, COOKIE_LEN))
			return i + 1;
	}
	return 0;
}

/* RFC 7413 4.2.2: PendingFastOpenRequests is below its limit */
static bool queue_has_room(struct sock *sk)
{
	struct toytcp_fastopen_queue *q = &toytcp_sk(sk)->listener->fastopen;
	struct toytcp_fastopen_reset *old;
	u32 max = READ_ONCE(q->max);
	bool room;

	if (!max)
		return false;
	spin_lock_bh(&q->lock);
	old = list_first_entry_or_null(&q->resets, struct toytcp_fastopen_reset,
				       list);
	if (q->count >= max && old && toytcp_now_us() >= old->until_us) {
		list_del(&old->list);
		kfree(old);
		q->count--;
	}
	room = q->count < max;
	spin_unlock_bh(&q->lock);
	if (!room)
		toytcp_stats_inc(sock_net(sk),
				 TOYTCP_MIB_FASTOPEN_LISTEN_OVERFLOW);
	return room;
}

/*
 * May a SYN make a child at once? With Linux's settings. *answer: what the
 * SYN-ACK is to say, whether it does or not.
 */
static bool syn_is_good(struct sock *sk, const struct toytcp_req *req,
			const struct toytcp_seg *seg,
			struct toytcp_fastopen_cookie *answer)
{
	const struct toytcp_flow_key *key = &req->flow.key;
	const struct toytcp_options *opt = &seg->opt;
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_fastopen_keys *keys;
	struct net *net = sock_net(sk);
	int which;

	answer->len = -1;
	if (opt->has_fastopen && !opt->fastopen_len)
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_COOKIE_REQD);
	if (!(settings(sk) & TFO_SERVER_ENABLE) ||
	    (!seg->len && !opt->has_fastopen) || !queue_has_room(sk))
		return false;
	if (settings(sk) & TFO_SERVER_COOKIE_NOT_REQD ||
	    ts->fastopen_no_cookie || req->fastopen_no_cookie)
		return true;
	if (!opt->has_fastopen)
		return false;
	keys = rcu_dereference(ts->listener->fastopen.keys) ?:
	       rcu_dereference(toytcp_net(net)->fastopen.keys);
	which = cookie_check(keys, key, opt);
	/* the first key's, for who has none of it */
	if (which != 1)
		cookie_make(&keys->key[0], key, answer);
	if (which == 2)
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_PASSIVE_ALT_KEY);
	else if (!which && opt->fastopen_len)
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL);
	return which;
}

/* a child waits for the end of its handshake; its lock held */
static void child_begin(struct sock *child, struct sock *listener)
{
	struct toytcp_fastopen_queue *q = &toytcp_sk(listener)->listener->fastopen;

	sock_hold(listener);
	WRITE_ONCE(toytcp_sk(child)->fastopen_listener, listener);
	spin_lock_bh(&q->lock);
	q->count++;
	spin_unlock_bh(&q->lock);
}

/**
 * toytcp_fastopen_child() - make a child of a SYN, if it may
 * @sk: the listener, with room in its accept queue
 * @req: what is known of the SYN; in no table
 * @seg: the SYN; its buffer is consumed if there is a child
 * @answer: what the SYN-ACK is to say
 *
 * RFC 7413 4.2.2. The SYN-ACK is sent, and the child can be accepted.
 *
 * Context: softirq or backlog, BH off, rcu_read_lock().
 * Return: false if there is no child: the request goes the usual way.
 */
bool toytcp_fastopen_child(struct sock *sk, struct toytcp_req *req,
			   struct toytcp_seg *seg,
			   struct toytcp_fastopen_cookie *answer)
{
	struct net *net = sock_net(sk);
	struct sock *child;

	if (!syn_is_good(sk, req, seg, answer))
		return false;
	child = toytcp_listen_child(sk, req);
	if (!child) {
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL);
		return false;
	}
	child_begin(child, sk);
	toytcp_rcv_syn_data(child, seg);
	if (toytcp_output_synack(child, answer)) {
		/* without memory for a SYN-ACK the peer had better ask again */
		sock_orphan(child);
		toytcp_sock_error(child, ENOBUFS);
	} else if (toytcp_listen_queue(sk, child)) {
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_PASSIVE);
		sk->sk_data_ready(sk);
	}
	toytcp_unlock_child(child);
	sock_put(child);	/* sk_clone_lock() took two */
	return true;
}

/**
 * toytcp_fastopen_listen() - a socket begins to listen
 * @sk: the socket
 * @backlog: of listen()
 *
 * A bit of net.toytcp.fastopen does without TCP_FASTOPEN.
 *
 * Context: process, socket lock held.
 */
void toytcp_fastopen_listen(struct sock *sk, int backlog)
{
	struct toytcp_fastopen_queue *q = &toytcp_sk(sk)->listener->fastopen;
	int all = TFO_SERVER_WO_SOCKOPT1 | TFO_SERVER_ENABLE;

	if ((settings(sk) & all) == all && !q->max)
		WRITE_ONCE(q->max, backlog);
}

/* has the program taken it? A close() comes after that. */
static bool accepted(const struct sock *child)
{
	return child->sk_socket || sock_flag(child, SOCK_DEAD);
}

/**
 * toytcp_fastopen_end() - a child's handshake is through, or it ends
 * @child: any socket; one that waits for nothing is left alone
 * @reset: the peer has reset it
 *
 * Context: socket lock held.
 */
void toytcp_fastopen_end(struct sock *child, bool reset)
{
	struct sock *listener = toytcp_sk(child)->fastopen_listener;
	struct toytcp_fastopen_reset *old = NULL;
	struct toytcp_fastopen_queue *q;

	if (!listener)
		return;
	WRITE_ONCE(toytcp_sk(child)->fastopen_listener, NULL);
	/* what was not accepted fills the accept queue until it is */
	if (reset && accepted(child) &&
	    READ_ONCE(listener->sk_state) == TCP_LISTEN)
		old = kmalloc(sizeof(*old), GFP_ATOMIC);
	q = &toytcp_sk(listener)->listener->fastopen;
	spin_lock_bh(&q->lock);
	if (old) {
		old->until_us = toytcp_now_us() + RESET_US;
		list_add_tail(&old->list, &q->resets);
	} else {
		q->count--;
	}
	spin_unlock_bh(&q->lock);
	sock_put(listener);
}

/**
 * toytcp_fastopen_destruct() - a socket's last reference is gone
 * @sk: the socket
 *
 * Context: RCU callback.
 */
void toytcp_fastopen_destruct(struct sock *sk)
{
	struct toytcp_listener *l = toytcp_sk(sk)->listener;
	struct toytcp_fastopen_reset *old, *next;

	WARN_ON_ONCE(toytcp_sk(sk)->fastopen_listener);
	if (!l)
		return;
	list_for_each_entry_safe(old, next, &l->fastopen.resets, list)
		kfree(old);
	kfree_sensitive(rcu_dereference_protected(l->fastopen.keys, 1));
}

/* ---- active ---- */

/* is it off because of black holes? The first open after that is a test. */
static bool turned_off(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	u64 off_us = READ_ONCE(tn->sysctl.fastopen_blackhole_timeout_sec) *
		     (u64)USEC_PER_SEC;
	int times = atomic_read(&tn->fastopen.off_times);

	if (!off_us || !times)
		return false;
	/* pairs with toytcp_fastopen_black_hole() */
	smp_rmb();
	off_us <<= min(times - 1, OFF_SHIFT_MAX);
	if (toytcp_now_us() < READ_ONCE(tn->fastopen.off_since_us) + off_us)
		return true;
	toytcp_sk(sk)->fastopen_test = 1;
	return false;
}

/**
 * toytcp_fastopen_ready() - may a SYN bring data?
 * @sk: the socket, both ends set
 * @mss: becomes the MSS that the peer announced last, if any is known, bytes
 * @cookie: what the SYN is to say, if it may, and if not
 *
 * RFC 7413 4.2.1.
 *
 * Context: process, socket lock held.
 * Return: true if it may.
 */
bool toytcp_fastopen_ready(struct sock *sk, u16 *mss,
			   struct toytcp_fastopen_cookie *cookie)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	toytcp_fastopen_peer_get(sock_net(sk), &ts->flow.key, mss, cookie);
	if (turned_off(sk)) {
		cookie->len = -1;
		return false;
	}
	if (settings(sk) & TFO_CLIENT_NO_COOKIE || ts->fastopen_no_cookie ||
	    ts->path.fastopen_no_cookie) {
		cookie->len = -1;
		return true;
	}
	if (cookie->len > 0)
		return true;
	ts->fastopen_client_fail = TFO_COOKIE_UNAVAILABLE;
	return false;
}

/**
 * toytcp_fastopen_defer() - shall connect() leave the SYN to the first write?
 * @sk: the socket, both ends set
 *
 * TCP_FASTOPEN_CONNECT, and the SYN may bring data.
 *
 * Context: process, socket lock held.
 */
bool toytcp_fastopen_defer(struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_fastopen_cookie cookie;
	u16 mss;

	return ts->fastopen_connect && !ts->fastopen_send &&
	       toytcp_fastopen_ready(sk, &mss, &cookie);
}

/**
 * toytcp_fastopen_data() - what the program has for the SYN, in a buffer
 * @sk: the socket, in toytcp_sock.fastopen_send the call of sendmsg()
 * @mss: the MSS that the peer announced last, bytes
 *
 * No more than fits beside any options, for boxes on the way add some.
 *
 * Context: process, socket lock held.
 * Return: a buffer that is on no queue, without numbers, charged to @sk; NULL:
 * there is nothing to send, or no memory.
 */
struct sk_buff *toytcp_fastopen_data(struct sock *sk, u16 mss)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct msghdr *msg = ts->fastopen_send ? ts->fastopen_send->msg : NULL;
	struct page_frag *pfrag = sk_page_frag(sk);
	u32 room = min_t(u32, mss, ts->pmtu > 40 ? ts->pmtu - 40 : 0), len;
	struct sk_buff *skb;

	if (ts->user_mss)
		room = min_t(u32, room, ts->user_mss);
	if (!msg || !msg_data_left(msg) || room <= TOYTCP_OPTIONS_MAX)
		return NULL;
	skb = toytcp_sendq_alloc(sk, sk->sk_allocation);
	if (!skb)
		return NULL;
	if (!toytcp_recycle_frag_refill(sk, pfrag))
		goto fail;
	len = min_t(size_t, msg_data_left(msg), room - TOYTCP_OPTIONS_MAX);
	len = min_t(u32, len, pfrag->size - pfrag->offset);
	if (!sk_wmem_schedule(sk, len) ||
	    skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page,
				     pfrag->offset, len))
		goto fail;
	skb_fill_page_desc(skb, 0, pfrag->page, pfrag->offset, len);
	page_ref_inc(pfrag->page);
	pfrag->offset += len;
	ts->fastopen_send->copied = len;
	return skb;

fail:
	toytcp_sendq_free(sk, skb, false);
	return NULL;
}

/**
 * toytcp_fastopen_synack() - our SYN is answered
 * @sk: the socket, ESTABLISHED, the ACK taken in
 * @seg: the SYN-ACK
 *
 * Remembers the peer's cookie and MSS. Data that the SYN brought and that are
 * not acknowledged are sent again.
 *
 * Context: softirq or backlog, socket lock held.
 */
void toytcp_fastopen_synack(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_fastopen_cookie cookie = { .len = 0 };
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct net *net = sock_net(sk);

	if (!ts->syn_fastopen && !ts->syn_data)
		return;
	/* one that was not asked for is none */
	if (ts->syn_fastopen && seg->opt.has_fastopen) {
		cookie.len = seg->opt.fastopen_len;
		memcpy(cookie.data, seg->opt.fastopen, cookie.len);
	}
	toytcp_fastopen_peer_set(net, &ts->flow.key, seg->opt.mss, &cookie);
	if (!ts->syn_data)
		return;
	if (ts->snd_una == ts->snd_nxt) {
		ts->syn_data_acked = 1;
		/* in two buffers, but one segment */
		ts->delivered--;
		toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_ACTIVE);
		return;
	}
	ts->fastopen_client_fail = ts->total_retrans ? TFO_SYN_RETRANSMITTED :
						       TFO_DATA_NOT_ACKED;
	toytcp_stats_inc(net, TOYTCP_MIB_FASTOPEN_ACTIVE_FAIL);
	toytcp_recovery_syn_data(sk);
}

/**
 * toytcp_fastopen_black_hole() - some box on the way spoils Fast Open
 * @sk: a socket that met it
 *
 * Context: socket lock held.
 */
void toytcp_fastopen_black_hole(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));

	if (!READ_ONCE(tn->sysctl.fastopen_blackhole_timeout_sec))
		return;
	WRITE_ONCE(tn->fastopen.off_since_us, toytcp_now_us());
	/* since when, before how often: pairs with turned_off() */
	smp_mb__before_atomic();
	atomic_inc(&tn->fastopen.off_times);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_FASTOPEN_BLACKHOLE);
}

/**
 * toytcp_fastopen_timeout() - the retransmission timer has expired
 * @sk: the socket; retransmits is the number of timeouts before this one
 * @last: it gives up
 *
 * The third one in a row, or an earlier last one, is as with Linux a sign.
 *
 * Context: softirq or release_sock(), socket lock held.
 */
void toytcp_fastopen_timeout(struct sock *sk, bool last)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (!(ts->syn_fastopen || ts->syn_data || ts->syn_data_acked) ||
	    !(ts->retransmits == 2 || (ts->retransmits < 2 && last)))
		return;
	toytcp_fastopen_black_hole(sk);
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_FASTOPEN_ACTIVE_FAIL);
}

/**
 * toytcp_fastopen_over() - an active connection ends
 * @sk: the socket, its queues not yet purged
 *
 * A FIN that came and nothing before it: a box has dropped the data. Data
 * that came after a time off show that the way is free again.
 *
 * Context: socket lock held.
 */
void toytcp_fastopen_over(struct sock *sk)
{
	struct toytcp_net *tn = toytcp_net(sock_net(sk));
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *node = rb_first(&ts->ofo_queue);

	if (!ts->syn_fastopen)
		return;
	if (!ts->data_segs_in && node && !rb_next(node) &&
	    TOYTCP_CB(rb_to_skb(node))->flags & TOYTCP_FIN)
		toytcp_fastopen_black_hole(sk);
	else if (ts->data_segs_in && ts->fastopen_test)
		atomic_set(&tn->fastopen.off_times, 0);
	/* once a connection */
	ts->syn_fastopen = 0;
}
