// SPDX-License-Identifier: GPL-2.0
/*
 * Timer policy: when something has to be done though nothing arrived.
 *
 * Engine (layer 1). Locks: the socket's. Callers report a fact (data were
 * sent, an ACK made progress); only this file knows which timer follows from
 * it. RFC 6298 section 5, RFC 9293 3.8.3 (R1, R2, user timeout), 3.8.4
 * (keepalive), 3.8.6.1 (zero window) and 3.8.6.3 (delayed ACK), RFC 1122
 * 4.2.3.5, RFC 5482 (user timeout option), RFC 8985 (RACK and TLP).
 *
 * An armed timer holds a reference to its socket. An expiry that finds the
 * lock owned by a program leaves a bit in toytcp_sock.deferred, which
 * release_sock() acts on (toytcp_timers_release()).
 */
#include <net/tcp.h>

#include "compat.h"
#include "ecn.h"
#include "ipv4.h"
#include "mtup.h"
#include "pace.h"
#include "sock.h"

#define ORPHAN_RETRIES	8	/* Linux's tcp_orphan_retries when the sysctl is 0 */
#define CLAMP_FLOOR_US	1000	/* the least a user timeout makes of a timer */
#define RENEGED_MIN_US	10000u	/* least wait for a peer that has reneged, as Linux */

/* RFC 5482 3.1: how far a peer's option may move our user timeout, ms */
#define PEER_UTO_MIN_MS	100000u		/* L_LIMIT: RFC 1122's floor of R2 */
#define PEER_UTO_MAX_MS	3600000u	/* U_LIMIT: no peer keeps memory here for longer */

/*
 * A timer that is merely put off keeps its reference. Else that comes first: in
 * process context a timer may fire, and drop its reference, before the next
 * statement runs.
 */
static void arm(struct sock *sk, struct toytcp_timer *timer, u64 delay_us)
{
	if (toytcp_timer_put_off(timer, toytcp_sk(sk)->now_us, delay_us))
		return;
	sock_hold(sk);
	if (toytcp_timer_mod(timer, toytcp_sk(sk)->now_us, delay_us))
		__sock_put(sk);
}

static void cancel(struct sock *sk, struct toytcp_timer *timer)
{
	if (toytcp_timer_clear(timer))
		__sock_put(sk);
}

/* for good */
static void stop(struct sock *sk, struct toytcp_timer *timer)
{
	if (toytcp_timer_del(timer))
		__sock_put(sk);
}

/*
 * A timer's expire function has run: has its time come? It may have been put
 * off since it was armed, or cancelled.
 */
static bool due(struct sock *sk, struct toytcp_timer *timer)
{
	u64 now_us = toytcp_sk(sk)->now_us;

	if (!toytcp_timer_pending(timer))
		return false;
	if (timer->expires_us > now_us) {
		arm(sk, timer, timer->expires_us - now_us);
		return false;
	}
	WRITE_ONCE(timer->expires_us, 0);
	return true;
}

/* RFC 9293 3.8.3: how long data may go unacknowledged, ms; 0: as long as R2 says */
static u32 user_timeout_ms(const struct toytcp_sock *ts)
{
	return READ_ONCE(ts->user_timeout_ms) ?: ts->peer_uto_ms;
}

/* has the user timeout passed since @since_us? */
static bool user_timed_out(const struct toytcp_sock *ts, u64 since_us)
{
	u32 limit_ms = user_timeout_ms(ts);

	return limit_ms && ts->now_us - since_us >= limit_ms * 1000ull;
}

/* not later than the end of the user timeout that began at @since_us */
static u64 clamp_to_user_timeout(const struct toytcp_sock *ts, u64 since_us,
				 u64 delay_us)
{
	u64 limit_us = user_timeout_ms(ts) * 1000ull;
	u64 gone_us = ts->now_us - since_us;

	if (!limit_us)
		return delay_us;
	if (gone_us >= limit_us)
		return CLAMP_FLOOR_US;
	return min(delay_us, max_t(u64, limit_us - gone_us, CLAMP_FLOOR_US));
}

static void arm_rto(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 delay = toytcp_rtt_timeout_us(&ts->rtt);

	if (ts->rtx_since_us)
		delay = clamp_to_user_timeout(ts, ts->rtx_since_us, delay);
	ts->rtx_mode = TOYTCP_RTX_RETRANSMIT;
	arm(sk, &ts->timer_rtx, delay + toytcp_pace_delay_us(sk));
}

/* the same, counted from the first transmission that waits for its ACK */
static void arm_rto_from_head(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct rb_node *head = rb_first(&ts->rtx_queue);
	u64 now_us = ts->now_us, end_us;

	if (!head || !TOYTCP_CB(rb_to_skb(head))->xmit_us) {
		arm_rto(sk);
		return;
	}
	end_us = TOYTCP_CB(rb_to_skb(head))->xmit_us +
		 toytcp_rtt_timeout_us(&ts->rtt);
	ts->rtx_mode = TOYTCP_RTX_RETRANSMIT;
	arm(sk, &ts->timer_rtx, end_us > now_us ? end_us - now_us : 1);
}

/* a loss probe, where one may help (RFC 8985 7.2) and before the timeout */
static bool arm_tlp(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 pto_us = toytcp_rack_pto_us(sk);

	if (!pto_us || ts->rtx_since_us)
		return false;
	ts->rtx_mode = TOYTCP_RTX_TLP;
	arm(sk, &ts->timer_rtx,
	    min_t(u64, pto_us, toytcp_rtt_timeout_us(&ts->rtt)) +
	    toytcp_pace_delay_us(sk));
	return true;
}

/* does the timer wait for an answer, in whatever way? */
static bool rtx_waits(const struct toytcp_sock *ts)
{
	return toytcp_timer_pending(&ts->timer_rtx) &&
	       ts->rtx_mode != TOYTCP_RTX_PROBE;
}

/**
 * toytcp_timers_sent() - something that needs an answer went out
 * @sk: the socket
 *
 * RFC 6298 (5.1): starts the timer if it does not run. A loss probe is put
 * off: the tail is now here.
 *
 * Context: socket lock held.
 */
void toytcp_timers_sent(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (rtx_waits(ts) && ts->rtx_mode == TOYTCP_RTX_REO)
		return;
	if (!arm_tlp(sk) && !rtx_waits(ts))
		arm_rto(sk);
}

/**
 * toytcp_timers_acked() - an ACK came
 * @sk: the socket
 * @progress: it acknowledged something new
 * @reo_us: RACK wants to look again after so many microseconds; 0: no
 *
 * RFC 6298 (5.2), (5.3); RFC 8985 7.2 and 6.2 step 5. An ACK that says nothing
 * new leaves RACK's timer as it is: what it waits for is still missing.
 *
 * Context: socket lock held.
 */
void toytcp_timers_acked(struct sock *sk, bool progress, u64 reo_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (progress)
		ts->rtx_since_us = 0;
	if (!ts->packets_out) {
		if (ts->rtx_mode != TOYTCP_RTX_PROBE)
			cancel(sk, &ts->timer_rtx);
	} else if (reo_us) {
		ts->rtx_mode = TOYTCP_RTX_REO;
		arm(sk, &ts->timer_rtx,
		    min_t(u64, reo_us, toytcp_rtt_timeout_us(&ts->rtt)));
	} else if (progress) {
		if (!arm_tlp(sk))
			arm_rto(sk);
	} else if (!rtx_waits(ts) || (ts->rtx_mode == TOYTCP_RTX_TLP &&
				      !toytcp_rack_pto_us(sk))) {
		arm_rto_from_head(sk);
	}
}

/**
 * toytcp_timers_reneged() - an ACK takes back what the peer had SACKed
 * @sk: the socket, with data outstanding
 *
 * As Linux: not the whole timeout, but half a round trip, in which an ACK may
 * still tell better.
 *
 * Context: socket lock held.
 */
void toytcp_timers_reneged(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->rtx_since_us = 0;
	ts->rtx_mode = TOYTCP_RTX_RETRANSMIT;
	arm(sk, &ts->timer_rtx, max(ts->rtt.srtt_us8 >> 4, RENEGED_MIN_US));
}

static void arm_probe(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 delay;

	delay = toytcp_rtt_backed_off_us(ts->rtt.rto_us, ts->probe_backoff,
					 ts->rtt.rto_max_us);
	if (ts->probe_backoff)
		delay = clamp_to_user_timeout(ts, ts->probe_since_us, delay);
	ts->rtx_mode = TOYTCP_RTX_PROBE;
	arm(sk, &ts->timer_rtx, delay);
}

/**
 * toytcp_timers_probe() - data wait, nothing is in flight, no window
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_timers_probe(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (toytcp_timer_pending(&ts->timer_rtx) &&
	    ts->rtx_mode == TOYTCP_RTX_PROBE)
		return;
	if (WARN_ON_ONCE(ts->packets_out))
		return;
	arm_probe(sk);
}

/**
 * toytcp_timers_probe_answered() - an ACK came while nothing was in flight
 * @sk: the socket
 *
 * As Linux: the next probe counts from here. One round trip sooner some peers
 * would not answer it, since they tell no more than twice a second where they are.
 *
 * Context: socket lock held.
 */
void toytcp_timers_probe_answered(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->rtx_mode == TOYTCP_RTX_PROBE &&
	    toytcp_timer_pending(&ts->timer_rtx))
		arm_probe(sk);
}

/**
 * toytcp_timers_delack() - an acknowledgment may wait for company
 * @sk: the socket
 * @delay_us: how long; what waits already waits no longer for that
 *
 * Context: socket lock held.
 */
void toytcp_timers_delack(struct sock *sk, u32 delay_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->ack_pending = true;
	if (toytcp_timer_pending(&ts->timer_delack))
		return;
	arm(sk, &ts->timer_delack, delay_us);
}

/**
 * toytcp_timers_delack_read() - the program has read all that waits for an ACK
 * @sk: the socket
 *
 * Less than a segment, and the program sends nothing: what the peer keeps back
 * till that ACK (Nagle) would wait the whole time for it. Linux acknowledges
 * here and now (ICSK_ACK_PUSHED), which makes a peer of many small writes send
 * each as a segment of its own. A moment later it has filled one, if it writes
 * still.
 *
 * Context: socket lock held.
 */
void toytcp_timers_delack_read(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	/* a call came, not a segment */
	toytcp_clock(ts);
	if (!toytcp_timer_pending(&ts->timer_delack) ||
	    ts->timer_delack.expires_us > ts->now_us + TOYTCP_DELACK_READ_US)
		arm(sk, &ts->timer_delack, TOYTCP_DELACK_READ_US);
}

/**
 * toytcp_timers_pace() - data must not leave yet
 * @sk: the socket
 * @delay_us: how long not
 *
 * Context: socket lock held.
 */
void toytcp_timers_pace(struct sock *sk, u64 delay_us)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (toytcp_fine_timer_pending(&ts->timer_pace))
		return;
	sock_hold(sk);
	if (toytcp_fine_timer_mod(&ts->timer_pace, delay_us))
		__sock_put(sk);
}

/**
 * toytcp_timers_ack_sent() - a segment with the current ACK went out
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_timers_ack_sent(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->ack_pending = false;
	ts->ack_now = false;
	cancel(sk, &ts->timer_delack);
}

/* how many timeouts in a row a connection survives */
static int retry_limit(const struct sock *sk)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	const struct toytcp_sock *ts = toytcp_sk(sk);

	/* one more than for a request, as with Linux */
	if (ts->fastopen_listener)
		return ts->syn_retries ?: READ_ONCE(ctl->synack_retries) + 1;
	if (sk->sk_state == TCP_SYN_SENT)
		return (ts->syn_retries ?: READ_ONCE(ctl->syn_retries)) +
		       READ_ONCE(ctl->syn_linear_timeouts);
	if (sk->sk_state == TCP_SYN_RECV)
		return ts->syn_retries ?: READ_ONCE(ctl->syn_retries);
	if (sock_flag(sk, SOCK_DEAD))
		return min(READ_ONCE(ctl->orphan_retries) ?: ORPHAN_RETRIES,
			   READ_ONCE(ctl->retries2));
	return READ_ONCE(ctl->retries2);
}

static void give_up(struct sock *sk)
{
	int err = READ_ONCE(sk->sk_err_soft) ?: ETIMEDOUT;

	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_ABORT_ON_TIMEOUT);
	toytcp_sock_error(sk, err);
}

static void expire_probe(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (WARN_ON_ONCE(ts->packets_out)) {
		arm_rto(sk);
		return;
	}
	if (skb_queue_empty(&sk->sk_write_queue)) {
		ts->probes = 0;
		ts->probe_backoff = 0;
		return;
	}
	/*
	 * Answers reset probes: a closed window may last for ever (MUST-37), but
	 * not for an orphan, whose data nobody waits for, and not beyond what
	 * the program said with TCP_USER_TIMEOUT.
	 */
	if (!ts->probe_backoff)
		ts->probe_since_us = ts->now_us;
	if (user_timed_out(ts, ts->probe_since_us) ||
	    ts->probes >= retry_limit(sk) ||
	    (sock_flag(sk, SOCK_DEAD) &&
	     ts->probe_backoff >= retry_limit(sk))) {
		give_up(sk);
		return;
	}
	ts->probes++;
	if (ts->probe_backoff < 31)
		ts->probe_backoff++;
	toytcp_output_probe(sk);
	/* it may have sent data: then the retransmission timer runs */
	if (!ts->packets_out)
		toytcp_timers_probe(sk);
}

/* has any ACK come since the longest timeout? */
static bool answered_lately(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 now_ms = toytcp_clock_ms(ts);

	/* nobody has answered yet, and last_ack_recv_ms says nothing */
	if (BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		return false;
	return now_ms - ts->last_ack_recv_ms < ts->rtt.rto_max_us / 1000 * 2;
}

/*
 * A peer that answers with a closed window is alive (MUST-37). These
 * timeouts do not count: when it opens, the tries begin anew.
 */
static bool closed_but_alive(const struct sock *sk)
{
	return !toytcp_sk(sk)->snd_wnd && !sock_flag(sk, SOCK_DEAD) &&
	       answered_lately(sk);
}

/* RFC 9293 3.8.3: is it time to stop trying? */
static bool out_of_retries(const struct sock *sk, bool closed)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (ts->rtx_since_us && user_timed_out(ts, ts->rtx_since_us))
		return true;
	/* a user timeout takes the place of R2, but not of the SYN's limit */
	if (user_timeout_ms(ts) && !toytcp_handshaking(sk))
		return false;
	return ts->retransmits >= retry_limit(sk) && !closed;
}

/* one more in a row, and what TCP_INFO tells of them */
static void count_timeout(struct toytcp_sock *ts)
{
	if (!ts->retransmits) {
		ts->total_rto_recoveries++;
		ts->rto_began_us = ts->now_us;
	}
	if (ts->retransmits < U8_MAX)
		ts->retransmits++;
	ts->total_rto++;
}

static void expire_rtx(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	struct rb_node *head;
	bool closed;

	if (ts->rtx_mode == TOYTCP_RTX_PROBE) {
		expire_probe(sk);
		return;
	}
	if (!ts->packets_out)
		return;
	if (ts->rtx_mode == TOYTCP_RTX_REO) {
		toytcp_recovery_reo_timeout(sk);
		return;
	}
	if (ts->rtx_mode == TOYTCP_RTX_TLP) {
		toytcp_rack_probe(sk);
		arm_rto(sk);
		return;
	}
	closed = closed_but_alive(sk);
	if (out_of_retries(sk, closed)) {
		toytcp_fastopen_timeout(sk, true);
		give_up(sk);
		return;
	}
	toytcp_fastopen_timeout(sk, false);
	if (ts->retransmits >= READ_ONCE(ctl->retries1)) {
		toytcp_mtup_black_hole(sk);
		toytcp_ipv4_negative_advice(sk);
	}
	if (!ts->rtx_since_us)
		ts->rtx_since_us = ts->now_us;
	if (sk_rethink_txhash(sk))
		ts->rehash++;
	if (!closed)
		count_timeout(ts);
	/* a SYN may go a few times without (Linux since 6.5) */
	if (sk->sk_state != TCP_SYN_SENT ||
	    ts->retransmits > READ_ONCE(ctl->syn_linear_timeouts))
		toytcp_rtt_backoff(&ts->rtt);

	head = rb_first(&ts->rtx_queue);
	if (toytcp_handshaking(sk)) {
		/* the first window will be a small one, as Linux tells, too */
		toytcp_ecn_queue_cwr(ts);
		toytcp_output_retransmit(sk, rb_to_skb(head));
	} else {
		toytcp_recovery_rto(sk);
	}
	if (sk->sk_state != TCP_CLOSE)
		arm_rto(sk);
}

/**
 * toytcp_timers_revert() - the segment being repeated has no path at present
 * @sk: the socket, synchronised or not
 * @seq: sequence number that the router quoted
 *
 * RFC 6069: one step of back-off is taken back, so that the connection goes
 * on soon after the path does.
 *
 * Context: softirq, socket lock held; may end the connection.
 */
void toytcp_timers_revert(struct sock *sk, u32 seq)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct rb_node *head = rb_first(&ts->rtx_queue);
	u64 since, rto;

	toytcp_clock(ts);
	if (seq != ts->snd_una || !ts->retransmits || !ts->rtt.backoff || !head ||
	    ts->rtx_mode != TOYTCP_RTX_RETRANSMIT)
		return;
	ts->rtt.backoff--;
	rto = toytcp_rtt_timeout_us(&ts->rtt);
	since = toytcp_sent_ago_us(TOYTCP_CB(rb_to_skb(head)), ts->now_us);
	if (since < rto) {
		arm(sk, &ts->timer_rtx, rto - since);
		return;
	}
	cancel(sk, &ts->timer_rtx);
	expire_rtx(sk);
}

static void expire_delack(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!ts->ack_pending)
		return;
	/* no data came to carry it: this is no dialogue */
	ts->interactive = false;
	toytcp_stats_inc(sock_net(sk), TOYTCP_MIB_DELAYED_ACKS);
	toytcp_output_ack(sk);
}

/* ---- keepalive, RFC 9293 3.8.4, as Linux ---- */

static u32 keep_idle_s(const struct sock *sk)
{
	return toytcp_sk(sk)->keep_idle_s ?:
	       READ_ONCE(toytcp_sk_net(sk)->sysctl.keepalive_time);
}

static u32 keep_intvl_s(const struct sock *sk)
{
	return toytcp_sk(sk)->keep_intvl_s ?:
	       READ_ONCE(toytcp_sk_net(sk)->sysctl.keepalive_intvl);
}

static u32 keep_probes(const struct sock *sk)
{
	return toytcp_sk(sk)->keep_probes ?:
	       READ_ONCE(toytcp_sk_net(sk)->sysctl.keepalive_probes);
}

/* how long nothing has come from the peer, ms */
static u32 silence_ms(const struct toytcp_sock *ts)
{
	u32 now_ms = toytcp_clock_ms(ts);

	return min(now_ms - ts->last_data_recv_ms, now_ms - ts->last_ack_recv_ms);
}

/* the next look is when the silence will have lasted for the idle time */
static void arm_keep_idle(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u64 idle_us = keep_idle_s(sk) * (u64)USEC_PER_SEC;
	u64 silence_us = silence_ms(ts) * 1000ull;

	arm(sk, &ts->timer_keep, idle_us > silence_us ? idle_us - silence_us : 1);
}

static bool keepalive_failed(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 limit_ms = user_timeout_ms(ts);

	if (limit_ms)
		return ts->probes && silence_ms(ts) >= limit_ms;
	return ts->probes >= keep_probes(sk);
}

static void expire_keep(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (!sock_flag(sk, SOCK_KEEPOPEN) || sk->sk_state == TCP_SYN_SENT)
		return;
	/* unacknowledged or unsent data have timers that watch the peer */
	if (ts->packets_out || !skb_queue_empty(&sk->sk_write_queue)) {
		arm(sk, &ts->timer_keep,
		    keep_idle_s(sk) * (u64)USEC_PER_SEC);
		return;
	}
	if (silence_ms(ts) < keep_idle_s(sk) * MSEC_PER_SEC) {
		arm_keep_idle(sk);
		return;
	}
	if (keepalive_failed(sk)) {
		toytcp_output_reset(sk, GFP_ATOMIC);
		give_up(sk);
		return;
	}
	if (ts->probes < U8_MAX)
		ts->probes++;
	toytcp_output_keepalive(sk);
	arm(sk, &ts->timer_keep, keep_intvl_s(sk) * (u64)USEC_PER_SEC);
}

/**
 * toytcp_timers_keepalive() - proto.keepalive: SO_KEEPALIVE is set
 * @sk: the socket; SOCK_KEEPOPEN still says what it was
 * @on: what it will be
 *
 * Context: socket lock held.
 */
void toytcp_timers_keepalive(struct sock *sk, int on)
{
	if (BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return;
	toytcp_clock(toytcp_sk(sk));
	if (!on)
		cancel(sk, &toytcp_sk(sk)->timer_keep);
	else if (!sock_flag(sk, SOCK_KEEPOPEN))
		arm_keep_idle(sk);
}

/**
 * toytcp_timers_idle_changed() - TCP_KEEPIDLE is set
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_timers_idle_changed(struct sock *sk)
{
	if (sock_flag(sk, SOCK_KEEPOPEN) &&
	    !(BIT(sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))) {
		toytcp_clock(toytcp_sk(sk));
		arm_keep_idle(sk);
	}
}

/**
 * toytcp_timers_established() - the handshake is through
 * @sk: the socket
 *
 * Context: socket lock held.
 */
void toytcp_timers_established(struct sock *sk)
{
	if (sock_flag(sk, SOCK_KEEPOPEN))
		arm_keep_idle(sk);
}

/**
 * toytcp_timers_peer_uto() - the peer's user timeout option
 * @sk: the socket
 * @uto_s: what it says, seconds
 *
 * RFC 5482 section 3.1: heeded where net.toytcp.user_timeout_option allows it
 * and the program has not chosen for itself (TCP_USER_TIMEOUT), and within
 * limits, because a peer must not make us give up early, nor keep memory for
 * ever.
 *
 * Context: socket lock held.
 */
void toytcp_timers_peer_uto(struct sock *sk, u32 uto_s)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (READ_ONCE(toytcp_sk_net(sk)->sysctl.user_timeout_option))
		ts->peer_uto_ms = clamp_t(u64, uto_s * 1000ull,
					  PEER_UTO_MIN_MS, PEER_UTO_MAX_MS);
}

static void run(struct sock *sk, enum toytcp_deferred which)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (sk->sk_state == TCP_CLOSE || sk->sk_state == TCP_LISTEN)
		return;
	toytcp_clock(ts);
	switch (which) {
	case TOYTCP_DEFER_RTX:
		if (due(sk, &ts->timer_rtx))
			expire_rtx(sk);
		break;
	case TOYTCP_DEFER_DELACK:
		if (due(sk, &ts->timer_delack))
			expire_delack(sk);
		break;
	case TOYTCP_DEFER_KEEP:
		if (due(sk, &ts->timer_keep))
			expire_keep(sk);
		break;
	case TOYTCP_DEFER_MTU:
		toytcp_ipv4_update_pmtu(sk, READ_ONCE(ts->mtu_reduced));
		break;
	case TOYTCP_DEFER_SEND:
		toytcp_recovery_xmit(sk);
		toytcp_output_push(sk, TOYTCP_PUSH_NAGLE);
		break;
	case TOYTCP_DEFER_NR:
		break;
	}
}

/* softirq: act now, or leave word for release_sock() */
static void expire(struct sock *sk, enum toytcp_deferred which)
{
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(which, &toytcp_sk(sk)->deferred);
	else
		run(sk, which);
	bh_unlock_sock(sk);
	sock_put(sk);
}

/**
 * toytcp_timers_release() - do what waited for the lock
 * @sk: the socket
 *
 * Context: release_sock(), spinlock held, BH off.
 */
void toytcp_timers_release(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	int which;

	if (likely(!(READ_ONCE(ts->deferred) & TOYTCP_DEFER_ALL)))
		return;
	for (which = 0; which < TOYTCP_DEFER_NR; which++)
		if (test_and_clear_bit(which, &ts->deferred))
			run(sk, which);
}

static void rtx_fn(struct timer_list *t)
{
	struct toytcp_sock *ts =
		container_of(t, struct toytcp_sock, timer_rtx.timer);

	expire(&ts->inet.sk, TOYTCP_DEFER_RTX);
}

static void delack_fn(struct timer_list *t)
{
	struct toytcp_sock *ts =
		container_of(t, struct toytcp_sock, timer_delack.timer);

	expire(&ts->inet.sk, TOYTCP_DEFER_DELACK);
}

static void keep_fn(struct timer_list *t)
{
	struct toytcp_sock *ts =
		container_of(t, struct toytcp_sock, timer_keep.timer);

	expire(&ts->inet.sk, TOYTCP_DEFER_KEEP);
}

static enum hrtimer_restart pace_fn(struct hrtimer *t)
{
	struct toytcp_sock *ts =
		container_of(t, struct toytcp_sock, timer_pace.hrtimer);

	/* it is exact; what comes next may arm it again */
	expire(&ts->inet.sk, TOYTCP_DEFER_SEND);
	return HRTIMER_NORESTART;
}

/* there is room below again */
static void softirq_send(struct toytcp_softirq *work)
{
	struct toytcp_sock *ts =
		container_of(work, struct toytcp_sock, softirq_send);

	toytcp_pace_resume(ts);
	expire(&ts->inet.sk, TOYTCP_DEFER_SEND);
}

/**
 * toytcp_timers_init() - prepare a new socket's timers
 * @sk: the socket
 *
 * Context: any; not yet visible.
 */
void toytcp_timers_init(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	toytcp_timer_setup(&ts->timer_rtx, rtx_fn);
	toytcp_timer_setup(&ts->timer_delack, delack_fn);
	toytcp_timer_setup(&ts->timer_keep, keep_fn);
	toytcp_fine_timer_setup(&ts->timer_pace, pace_fn);
	toytcp_softirq_setup(&ts->softirq_send, softirq_send);
	ts->deferred = 0;
}

/**
 * toytcp_timers_stop() - the connection is over
 * @sk: the socket
 *
 * An expiry that runs already finds the state CLOSE.
 *
 * Context: socket lock held.
 */
void toytcp_timers_stop(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	stop(sk, &ts->timer_rtx);
	stop(sk, &ts->timer_delack);
	stop(sk, &ts->timer_keep);
	if (toytcp_fine_timer_del(&ts->timer_pace))
		__sock_put(sk);
}
