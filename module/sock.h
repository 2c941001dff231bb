/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The socket: the memory that holds all control information of a connection.
 *
 * Engine (layer 1). RFC 9293 section 3.3.1 calls it the TCB.
 *
 * Locking. The socket lock (lock_sock() in process context; bh_lock_sock()
 * in softirq, where a segment or a timer that finds the socket owned by a
 * program waits in the backlog or in deferred) protects every field, unless
 * the field says otherwise. Order: a listener's lock before a child's;
 * socket locks before port_lock and all_lock; no socket lock is taken inside
 * those two.
 *
 * Lifetime. socket() owns the first reference; after close() an orphan keeps
 * it until the protocol has ended (toytcp_sock_destroy()). An armed timer
 * holds one. Lookups take one under RCU, see flow.h.
 */
#ifndef _TOYTCP_SOCK_H
#define _TOYTCP_SOCK_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/win_minmax.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "cong.h"
#include "drop.h"
#include "fastopen.h"
#include "flow.h"
#include "mtup.h"
#include "netns.h"
#include "options.h"
#include "os.h"
#include "path.h"
#include "port.h"
#include "rtt.h"

#define TOYTCP_MSS_DEFAULT	536	/* RFC 9293 3.7.1: no MSS option heard */
#define TOYTCP_MSS_MIN		48	/* floor whatever a peer says; Linux's TCP_MIN_SND_MSS */
#define TOYTCP_MSS_MAX		65495	/* 65535 less IPv4 and TCP headers */
#define TOYTCP_TS_LEN		12	/* timestamps in a segment, two NOPs before them */
#define TOYTCP_SHARE_INIT	128	/* of 256: half a buffer, before one was seen */
#define TOYTCP_SHARE_MAX	240	/* some room for segments that are alone */
#define TOYTCP_HEADROOM		ALIGN(MAX_HEADER + 20 + 60, 16) /* link + IPv4 + full TCP header */
#define TOYTCP_DELACK_US	40000u	/* delayed ACK, Linux's TCP_DELACK_MIN */
#define TOYTCP_DELACK_READ_US	1000u	/* if all is read and nothing to be sent */
#define TOYTCP_DELACK_MAX_US	200000u	/* of a handshake that data shall end */
#define TOYTCP_QUICKACKS	16	/* segments acked at once when young, as Linux */
#define TOYTCP_TIMEWAIT_US	60000000ull /* Linux's TCP_TIMEWAIT_LEN; RFC 9293: 2 MSL */
#define TOYTCP_PAWS_IDLE_S	(24u * 24 * 3600) /* RFC 7323 5.5: ts_recent is outdated */
#define TOYTCP_OOW_INTERVAL_US	500000	/* answers out of the window; Linux's invalid_ratelimit */
#define TOYTCP_DUPACK_THRESH	3	/* RFC 5681 3.2 */

struct toytcp_listener;
struct toytcp_req;
struct toytcp_tw;

/* The headers of the SYN that made a child (TCP_SAVE_SYN) */
struct toytcp_saved_syn {
	u32 len;		/* bytes */
	u8 data[];
};

/* cb flags of a segment in the write or retransmit queue */
#define TOYTCP_SKB_SACKED	BIT(0)	/* the peer has it (RFC 2018) */
#define TOYTCP_SKB_LOST		BIT(1)	/* believed lost, to be sent again */
#define TOYTCP_SKB_RETRANS	BIT(2)	/* sent again since it was last marked lost */
#define TOYTCP_SKB_EVER_RETRANS	BIT(3)	/* sent again at any time: no RTT sample (Karn) */
#define TOYTCP_SKB_APP_LIMITED	BIT(4)	/* sent when the program had left a gap (rate.c) */
#define TOYTCP_SKB_STAMP_ACK	BIT(5)	/* the program wants to know when it is acked (stamp.c) */
#define TOYTCP_SKB_EOR		BIT(6)	/* nothing is added to it (MSG_EOR) */

/* TCP header flag bits, byte 13 */
#define TOYTCP_FIN		BIT(0)
#define TOYTCP_SYN		BIT(1)
#define TOYTCP_RST		BIT(2)
#define TOYTCP_PSH		BIT(3)
#define TOYTCP_ACK		BIT(4)
#define TOYTCP_URG		BIT(5)
#define TOYTCP_ECE		BIT(6)
#define TOYTCP_CWR		BIT(7)

/* sk_buff control block while a queue of the socket holds the buffer */
struct toytcp_skb_cb {
	u32 seq;		/* first sequence number, SYN counted */
	u32 end_seq;		/* after the last one, FIN counted */
	union {
		u64 xmit_us;	/* send: time of the last transmission */
		int dif;	/* received: index of the device it came by */
	};
	u16 segs;		/* send: wire segments in it, >= 1 once sent */
	u8 flags;		/* TCP header flags */
	u8 mark;		/* send: TOYTCP_SKB_* */
	union {
		u32 tw_isn;	/* received SYN: ISN of a time-wait's successor; 0: none */
		u32 delivered;	/* send: toytcp_sock.delivered at the last transmission */
		u32 sacked_end;	/* SACKED: all from seq to this is; >= end_seq */
	};
	struct list_head sent;	/* send: in sent_queue, lost_queue, or nowhere (scoreboard.c) */
	u32 delivered_us;	/* send: and toytcp_sock.delivered_us; 0: it has arrived */
	u32 first_sent_us;	/* send: and toytcp_sock.first_sent_us */
};

static_assert(sizeof(struct toytcp_skb_cb) <= sizeof_field(struct sk_buff, cb));

#define TOYTCP_CB(skb) ((struct toytcp_skb_cb *)&(skb)->cb[0])

static inline struct sk_buff *toytcp_cb_skb(struct toytcp_skb_cb *cb)
{
	return (struct sk_buff *)((u8 *)cb - offsetof(struct sk_buff, cb));
}

/* A received segment on its way through the engine */
struct toytcp_seg {
	struct sk_buff *skb;	/* data at the TCP header until it is queued */
	u32 seq;		/* SEG.SEQ */
	u32 end_seq;		/* SEG.SEQ + SEG.LEN, SYN and FIN counted */
	u32 ack;		/* SEG.ACK, valid if flags has ACK */
	u32 len;		/* bytes of data */
	u16 wnd;		/* SEG.WND as on the wire, unscaled */
	u8 flags;		/* TOYTCP_FIN and so on */
	u8 ecn;			/* IP's ECN field: INET_ECN_CE and so on */
	u8 hdr_len;		/* TCP header with options, bytes */
	struct toytcp_options opt;
};

/* Who asks toytcp_output_push(), and what a small segment at the end may do */
enum toytcp_push {
	TOYTCP_PUSH_NAGLE,	/* wait as Nagle and TCP_CORK say */
	TOYTCP_PUSH_MORE,	/* wait: the program has more to say at once (MSG_MORE) */
	TOYTCP_PUSH_NOW,	/* not wait */
};

/* Why the retransmission timer runs */
enum toytcp_rtx_mode {
	TOYTCP_RTX_RETRANSMIT,	/* unacknowledged data */
	TOYTCP_RTX_REO,		/* RACK's reordering window (RFC 8985 6.2) */
	TOYTCP_RTX_TLP,		/* loss probe (RFC 8985 7.2) */
	TOYTCP_RTX_PROBE,	/* zero window, data waits (RFC 9293 3.8.6.1) */
};

/* What a chronograph counts, the gravest last (chrono.c) */
enum toytcp_chrono {
	TOYTCP_CHRONO_IDLE,	/* nothing is unsent or unacknowledged */
	TOYTCP_CHRONO_BUSY,	/* something is */
	TOYTCP_CHRONO_RWND,	/* and the peer's window has no room for it */
	TOYTCP_CHRONO_SNDBUF,	/* or the program waits for room in the send buffer */
	TOYTCP_CHRONO_NR
};

/* bits of toytcp_sock.deferred; the first are what happened while a program owned the lock */
enum toytcp_deferred {
	TOYTCP_DEFER_RTX,
	TOYTCP_DEFER_DELACK,
	TOYTCP_DEFER_KEEP,
	TOYTCP_DEFER_MTU,
	TOYTCP_DEFER_SEND,
	TOYTCP_DEFER_NR,
};

#define TOYTCP_DEFER_ALL	(BIT(TOYTCP_DEFER_NR) - 1)
#define TOYTCP_THROTTLED	TOYTCP_DEFER_NR	/* data wait for room below (pace.c) */
#define TOYTCP_SCHEDULED	(TOYTCP_DEFER_NR + 1) /* the softirq, with a reference, is to run */

/* RACK's state, RFC 8985 section 5.2 */
struct toytcp_rack {
	u64 xmit_us;		/* when the latest sent of what has arrived was sent */
	u32 end_seq;		/* its end */
	u32 rtt_us;		/* its round trip */
	u32 dsack_delivered;	/* toytcp_sock.delivered when a D-SACK was heeded last */
	u8 reo_wnd_mult;	/* reordering window in quarters of the least RTT, >= 1 */
	u8 reo_wnd_persist;	/* recoveries until that is forgotten */
	u8 dsack_seen:1,	/* and not heeded yet */
	   reordering_seen:1,
	   advanced:1;		/* something has arrived since the last look */
};

struct toytcp_sock {
	struct inet_sock inet;		/* first; its sk is the struct sock */
	struct toytcp_flow flow;	/* five-tuple and table membership */
	struct toytcp_port_user port_user; /* hold on the local port */
	u64 now_us;			/* toytcp_now_us() of the segment, call or timer at work */

	/* send sequence space, RFC 9293 3.3.1 */
	u32 iss;			/* initial send sequence number */
	u32 snd_una;			/* oldest unacknowledged */
	u32 snd_nxt;			/* next to send for the first time */
	u32 write_seq;			/* after the last byte (and FIN) queued */
	u32 snd_wnd;			/* peer's window, bytes, scaled */
	u32 snd_wl1;			/* SEG.SEQ of the last window update */
	u32 snd_wl2;			/* SEG.ACK of the last window update */
	u32 max_snd_wnd;		/* largest snd_wnd seen */
	u32 snd_sml;			/* end of the last small segment sent (Minshall) */
	u32 snd_up;			/* SND.UP, behind the urgent byte; valid if snd_urgent */

	/* receive sequence space */
	u32 irs;			/* initial receive sequence number */
	u32 rcv_nxt;			/* next expected */
	u32 rcv_wnd;			/* window advertised last, bytes from rcv_wup */
	u32 rcv_wup;			/* rcv_nxt when it was advertised */
	u32 window_clamp;		/* TCP_WINDOW_CLAMP, bytes; 0: none */
	u32 copied_seq;			/* next byte the program reads */
	u32 urg_seq;			/* the urgent byte; valid if urg_data */
	u16 urg_data;			/* TOYTCP_URG_*, see urgent.h */

	/* what the handshake agreed on */
	u16 peer_mss;			/* MSS option heard, bytes; default 536 */
	u16 user_mss;			/* TCP_MAXSEG, bytes; 0: none */
	u16 adv_mss;			/* MSS option sent, bytes */
	u16 mss;			/* effective send MSS, options deducted, bytes */
	u16 rcv_mss;			/* estimate of the peer's segment size, bytes */
	u8 rcv_share;			/* payload in 256 bytes of received buffers, mean */
	u8 snd_wscale;			/* shift of the peer's window field */
	u8 rcv_wscale;			/* shift of ours */
	u8 ts_ok:1,			/* timestamps in use (RFC 7323) */
	   sack_ok:1,			/* SACK in use (RFC 2018) */
	   wscale_ok:1,			/* window scaling in use */
	   got_fin:1,			/* the peer's FIN is in rcv_nxt */
	   fin_queued:1,		/* our FIN is in the queue or sent */
	   nodelay:1,			/* TCP_NODELAY */
	   cork:1,			/* TCP_CORK */
	   dsack_pending:1,		/* dsack is to be reported */
	   snd_urgent:1,		/* snd_up lies ahead of snd_una */
	   ecn_ok:1,			/* ECN in use (RFC 3168); SYN_SENT: asked for */
	   ecn_queue_cwr:1,		/* the next new data say CWR */
	   ecn_demand_cwr:1,		/* all that is sent says ECE */
	   ecn_seen:1,			/* data came as ECT or CE */
	   ecn_ce:1,			/* the latest of them as CE (RFC 8257 3.2, CE state) */
	   orphan:1,			/* counted in toytcp_net.orphan_count */
	   fastopen_connect:1,		/* TCP_FASTOPEN_CONNECT */
	   fastopen_no_cookie:1,	/* TCP_FASTOPEN_NO_COOKIE */
	   fastopen_test:1,		/* the first open after a time off (black holes) */
	   fastopen_client_fail:2,	/* enum tcp_fastopen_client_fail */
	   syn_fastopen:1,		/* our SYN had the Fast Open option */
	   syn_data:1,			/* our SYN brought data */
	   syn_data_acked:1,		/* a SYN brought data, and they were taken */
	   quickack_wanted:1;		/* TCP_QUICKACK is 1, and no dialogue has begun since */
	bool defer_connect;		/* SYN_SENT, but the SYN waits for the first write */
	u8 save_syn;			/* TCP_SAVE_SYN: 0 no, 1 from IP, 2 from the link */
	u32 pmtu;			/* path MTU that mss was computed from, bytes */
	struct toytcp_mtup mtup;	/* the search for a larger one, or a smaller */
	struct toytcp_path path;	/* what the route says of it */

	/* timestamps */
	u32 ts_offset;			/* added to our clock, RFC 7323 5.4 */
	u32 syn_ts;			/* active open: of our first SYN */
	u32 ts_recent;			/* TSval to echo */
	u32 ts_recent_s;		/* seconds of the clock when it was heard */

	/* Fast Open, RFC 7413 */
	struct toytcp_fastopen_send *fastopen_send; /* the sendmsg() that opens; or NULL */
	const struct toytcp_fastopen_cookie *fastopen_cookie; /* of the SYN being sent; or NULL */
	struct sock *fastopen_listener;	/* child of a SYN, until its handshake is over; or NULL */

	/* queues */
	struct rb_root rtx_queue;	/* sent, unacknowledged, by sequence */
	/* sk_write_queue: queued, never sent; sk_receive_queue: in order */
	struct rb_root ofo_queue;	/* received out of order, by sequence */
	struct toytcp_sack_block dsack;	/* duplicate to report (RFC 2883) */
	u64 last_oow_us;		/* last answer to a suspicious segment without data */
	u32 ofo_recent[TOYTCP_SACKS_MAX]; /* out of order, newest first: order of SACKs */

	/* acknowledging */
	u8 quickacks;			/* segments still to be acked at once */
	bool interactive;		/* data answer data: an ACK waits for them (TCP_QUICKACK) */
	bool ack_pending;		/* something received waits for an ACK */
	bool ack_now;			/* it must go when the segment is done */

	/* loss recovery and congestion */
	struct toytcp_rtt rtt;
	u32 recover;			/* snd_nxt when recovery began (RFC 6582) */
	struct toytcp_cong cong;
	struct list_head sent_queue;	/* rtx_queue's in the network, by time of transmission */
	struct list_head lost_queue;	/* rtx_queue's lost and not sent again */
	struct toytcp_sack_block sack_cache[4]; /* of the last ACK, marked; empty: start == end */
	struct toytcp_rack rack;
	u32 fack;			/* end of the highest SACKed; valid if after snd_una */
	u32 reordering;			/* segments that reordering has spanned; 0: none seen */
	u32 delivered;			/* segments that have arrived, mod 2^32 */
	u32 delivered_ce;		/* of those, by ACKs with ECN-Echo */
	u32 lost_total;			/* segments marked lost ever, mod 2^32 */
	u32 delivered_us;		/* when delivered grew last; low bits of the clock */
	u32 first_sent_us;		/* when the latest sent of it was sent; low bits */
	u32 app_limited;		/* delivered when the last gap is acked; 0: no gap */
	u32 rate_delivered;		/* delivery rate to tell: so many segments */
	u32 rate_interval_us;		/* in so much time; 0: none yet */
	struct minmax min_rtt;		/* complements of RTTs, see toytcp_rate_min_rtt() */
	u32 reord_seen;			/* times that reordering was seen */
	u32 dsack_dups;			/* segments reported by D-SACKs */
	u32 tlp_high_seq;		/* snd_nxt when it was sent */
	u32 undo_una;			/* snd_una at the last reduction */
	s32 undo_retrans;		/* retransmissions no D-SACK came for; -1: none sent */
	u32 prior_cwnd;			/* before the last reduction, segments */
	u32 prior_ssthresh;		/* 0: an ECN-Echo says that the reduction is due */
	u32 retrans_stamp;		/* TSval of the first retransmission; 0: none */
	u8 rcvbuf_dropped:1,		/* data inside the window were refused for want of room */
	   reneged:1,			/* what had been SACKed was not; until recovered */
	   undo_valid:1,		/* the last reduction can be taken back */
	   frto:1,			/* after a timeout: F-RTO looks for a sign (RFC 5682) */
	   new_only:1,			/* it wants new data to go, until the next ACK */
	   tlp_pending:1,		/* a loss probe is not answered yet */
	   tlp_retrans:1,		/* and was a retransmission */
	   cwnd_limited:1;		/* cwnd, not the program, stopped a send of this window */
	u8 rate_app_limited:1,		/* the program limited rate_delivered */
	   cong_chosen:1,		/* by TCP_CONGESTION: children inherit it */
	   cong_locked:1;		/* by the route, and TCP_CONGESTION may not change it */
	u8 recovery;			/* enum toytcp_recovery_state */
	u8 rtx_mode;			/* enum toytcp_rtx_mode, valid while timer_rtx is armed */
	u8 retransmits;			/* timeouts in a row without progress */
	u8 probes;			/* zero-window probes in a row without an answer */
	u8 probe_backoff;		/* doublings of the probe interval */
	u8 dupacks;			/* duplicate ACKs in a row (without SACK) */
	u32 prr_delivered;		/* RFC 6937, segments */
	u32 prr_out;			/* RFC 6937, segments */
	u32 recover_fs;			/* RFC 6937 RecoverFS, segments */
	u32 packets_out;		/* segments in rtx_queue */
	u32 sacked_out;			/* of those, SACKed (or dupacks without SACK) */
	u32 lost_out;			/* of those, believed lost */
	u32 retrans_out;		/* of those, retransmitted and not yet acked */
	u32 cwnd_usage_seq;		/* snd_nxt when that was noted; acked: it is out of date */
	u32 max_packets_out;		/* packets_out then, segments */
	u32 cwnd_used;			/* most of packets_out since cwnd_stamp_us, segments */
	u64 cwnd_stamp_us;		/* when cwnd was in full use, or cut for want of it */
	u64 last_xmit_us;		/* time of the last data sent */

	/* small queues, pace.c */
	struct toytcp_softirq softirq_send; /* there is room below again */
	u64 pace_ns;			/* the next data leave no sooner, nanoseconds */

	/* receive buffer auto-tuning */
	u32 rcvq_space;			/* most bytes copied in a round trip, or assumed */
	u32 rcvq_seq;			/* copied_seq at its start */
	u32 rcvq_us;			/* its start; low bits of the clock */
	u32 rcv_rtt_us;			/* round trip seen by the receiver; 0: none */
	u32 rcv_rtt_seq;		/* rcv_nxt that ends the measured window */
	u32 rcv_rtt_tsecr;		/* timestamp that was measured by last */
	u64 rcv_rtt_start_us;

	/* timers */
	struct toytcp_timer timer_rtx;	/* retransmission, SYN, zero-window probe */
	struct toytcp_timer timer_delack;
	struct toytcp_timer timer_keep;	/* keepalive, RFC 9293 3.8.4 */
	struct toytcp_fine_timer timer_pace; /* pace_ns, where no fq paces */
	unsigned long deferred;		/* enum toytcp_deferred, and pace.c's; atomic bits */
	u32 mtu_reduced;		/* MTU of an ICMP that found the lock owned */
	int linger2;			/* TCP_LINGER2, seconds; 0: sysctl; <0: none */
	u16 keep_idle_s;		/* TCP_KEEPIDLE; 0: sysctl */
	u16 keep_intvl_s;		/* TCP_KEEPINTVL; 0: sysctl */
	u8 keep_probes;			/* TCP_KEEPCNT; 0: sysctl */
	u8 syn_retries;			/* TCP_SYNCNT; 0: sysctl */
	u8 defer_accept;		/* TCP_DEFER_ACCEPT, in retransmissions; 0: off */
	bool uto_pending;		/* the next pure ACK carries a user timeout option */
	u32 user_timeout_ms;		/* TCP_USER_TIMEOUT; 0: none */
	u32 peer_uto_ms;		/* from the peer's option (RFC 5482); 0: none */
	u64 rtx_since_us;		/* first timeout since the last progress; 0: none */
	u64 probe_since_us;		/* first probe of this zero window, if probe_backoff */

	/* listening */
	struct toytcp_listener *listener; /* what only a listener needs; NULL: never was one */
	struct toytcp_sock *accept_next; /* child: behind it in its listener's queue */
	bool stamp_counts;		/* sk_tskey is byte 0 of SOF_TIMESTAMPING_OPT_ID */
	bool bound_mapped;		/* AF_INET6: bound to an IPv4 address, 0.0.0.0 included */
	bool inq;			/* TCP_INQ: recvmsg() says how much is left */
	u8 chrono;			/* enum toytcp_chrono: which clock runs */
	u32 notsent_lowat;		/* TCP_NOTSENT_LOWAT, bytes; 0: the sysctl's */
	struct toytcp_saved_syn *saved_syn; /* child: TCP_SAVED_SYN; NULL: none, or read */

	/* counters for TCP_INFO (RFC 4898 names in comments where it has them) */
	u64 bytes_acked;		/* tcpEStatsAppHCThruOctetsAcked */
	u64 bytes_received;		/* tcpEStatsAppHCThruOctetsReceived */
	u64 bytes_sent;			/* data bytes, retransmissions included */
	u64 bytes_retrans;
	u32 segs_in, segs_out;		/* segments, wire count */
	u32 data_segs_in, data_segs_out;
	u32 total_retrans;		/* segments */
	u32 rcv_ooopack;		/* segments received out of order */
	u32 rehash;			/* times that a timeout chose another hash */
	u16 total_rto;			/* timeouts, mod 2^16 */
	u16 total_rto_recoveries;	/* series of them */
	u64 total_rto_us;		/* time in those that have ended */
	u64 rto_began_us;		/* when the present one began; 0: there is none */
	u64 chrono_began_us;		/* since when */
	u64 chrono_us[TOYTCP_CHRONO_NR - 1]; /* what all but the first have counted before */
	u32 last_data_recv_ms;		/* low bits of the clock, milliseconds */
	u32 last_ack_recv_ms;
};

/* unlock what sk_clone_lock() returned locked, which sparse cannot see */
static inline void toytcp_unlock_child(struct sock *child)
{
	__acquire(&child->sk_lock.slock);
	bh_unlock_sock(child);
}

static inline struct toytcp_sock *toytcp_sk(const struct sock *sk)
{
	return (struct toytcp_sock *)sk;
}

static inline struct sock *toytcp_flow_sk(struct toytcp_flow *flow)
{
	return &container_of(flow, struct toytcp_sock, flow)->inet.sk;
}

/* segments believed to be in the network, RFC 6675 "pipe" */
static inline u32 toytcp_in_flight(const struct toytcp_sock *ts)
{
	return ts->packets_out + ts->retrans_out -
	       min(ts->sacked_out + ts->lost_out, ts->packets_out);
}

/*
 * Does the window hold the sender back? In slow start it may be twice what was
 * used, so that it goes on growing while the buffer follows (Linux).
 */
static inline bool toytcp_cwnd_limited(const struct toytcp_sock *ts)
{
	return ts->cwnd_limited ||
	       (toytcp_cong_in_slow_start(&ts->cong) &&
		ts->cong.cwnd_segs < 2 * ts->max_packets_out);
}

/* does PRR say how much leaves (RFC 9937)? */
static inline bool toytcp_prr_runs(const struct toytcp_sock *ts)
{
	return ts->recovery == TOYTCP_RECOVERY || ts->recovery == TOYTCP_REDUCING;
}

/* how long ago a buffer left; fq may let go of it sooner than it should */
static inline u64 toytcp_sent_ago_us(const struct toytcp_skb_cb *cb, u64 now_us)
{
	return now_us > cb->xmit_us ? now_us - cb->xmit_us : 0;
}

/* bytes of data in a segment as large as we offered to take */
static inline u32 toytcp_adv_data(const struct toytcp_sock *ts)
{
	return ts->adv_mss - (ts->ts_ok ? TOYTCP_TS_LEN : 0);
}

/* bytes of the advertised window still open */
static inline u32 toytcp_rcv_wnd_left(const struct toytcp_sock *ts)
{
	s32 left = ts->rcv_wup + ts->rcv_wnd - ts->rcv_nxt;

	return left > 0 ? left : 0;
}

/* our SYN or SYN-ACK has no ACK yet: nothing else is sent again */
static inline bool toytcp_handshaking(const struct sock *sk)
{
	return BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV) ||
	       toytcp_sk(sk)->fastopen_listener;
}

/* may the program send? Before the handshake is through, a Fast Open child may. */
static inline bool toytcp_may_write(const struct sock *sk)
{
	return BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) ||
	       (sk->sk_state == TCP_SYN_RECV &&
		toytcp_sk(sk)->fastopen_listener);
}

/* toytcp_net() of a socket's namespace, without its look-up */
static inline struct toytcp_net *toytcp_sk_net(const struct sock *sk)
{
	return toytcp_sk(sk)->flow.tn;
}

/* toytcp_stats_add() for what every segment counts */
static inline void toytcp_net_stats_add(const struct toytcp_net *tn,
					enum toytcp_mib mib, u32 n)
{
	this_cpu_add(tn->stats->mib[mib], n);
}

static inline void toytcp_sk_stats_add(const struct sock *sk,
				       enum toytcp_mib mib, u32 n)
{
	toytcp_net_stats_add(toytcp_sk_net(sk), mib, n);
}

/* read the clock: whatever enters the engine does, and what it calls relies on it */
static inline void toytcp_clock(struct toytcp_sock *ts)
{
	ts->now_us = toytcp_now_us();
}

/* the same as of then, in milliseconds and seconds, low bits */
static inline u32 toytcp_clock_ms(const struct toytcp_sock *ts)
{
	return (u32)div_u64(ts->now_us, USEC_PER_MSEC);
}

static inline u32 toytcp_clock_s(const struct toytcp_sock *ts)
{
	return (u32)div_u64(ts->now_us, USEC_PER_SEC);
}

/* low 32 bits of the timestamp clock, milliseconds (RFC 7323 5.4) */
static inline u32 toytcp_ts_now(u32 offset)
{
	return (u32)div_u64(toytcp_now_us(), 1000) + offset;
}

/* the same, of a connection, at a time of the engine's clock; as of now_us */
static inline u32 toytcp_ts_at(const struct toytcp_sock *ts, u64 us)
{
	return (u32)div_u64(us, USEC_PER_MSEC) + ts->ts_offset;
}

static inline u32 toytcp_ts_clock(const struct toytcp_sock *ts)
{
	return toytcp_ts_at(ts, ts->now_us);
}

extern struct proto toytcp_prot;

/* sock.c: birth and death */
int toytcp_sock_init(void);
void toytcp_sock_exit(void);
void toytcp_sock_destruct(struct sock *sk);
int toytcp_sock_count(void);
bool toytcp_sock_mem_first(struct sock *sk, int size);
void toytcp_sock_setup(struct sock *sk);
void toytcp_sock_setup_child(struct sock *child, const struct sock *parent);
void toytcp_sock_free_child(struct sock *child);
void toytcp_sock_done(struct sock *sk);
void toytcp_sock_error(struct sock *sk, int err);
void toytcp_sock_destroy(struct sock *sk);
void toytcp_sock_abort(struct sock *sk, int err);
int toytcp_sock_disconnect(struct sock *sk);
void toytcp_sock_close(struct sock *sk, long timeout);
void toytcp_sock_shutdown_send(struct sock *sk, gfp_t gfp);
void toytcp_sock_kill_orphans(struct net *net);
void toytcp_sock_write_space(struct sock *sk);
bool toytcp_sock_memory_free(const struct sock *sk, int wake);
void toytcp_sock_rcvbuf_adjust(struct sock *sk);
void toytcp_sock_sndbuf_expand(struct sock *sk);
int toytcp_sock_backlog_rcv(struct sock *sk, struct sk_buff *skb);
u32 toytcp_sock_isn(const struct toytcp_flow_key *key);
u32 toytcp_sock_ts_offset(const struct toytcp_flow_key *key);

/* state.c */
void toytcp_state_set(struct sock *sk, int state);
void toytcp_state_timewait(struct sock *sk);
bool toytcp_state_allowed(int from, int to);
const char *toytcp_state_name(int state);

/* input.c */
int toytcp_seg_init(struct toytcp_seg *seg, struct sk_buff *skb);
void toytcp_rcv(struct sock *sk, struct toytcp_seg *seg);
void toytcp_rcv_fin(struct sock *sk);
void toytcp_rcv_syn_data(struct sock *sk, struct toytcp_seg *seg);

/* reassembly.c */
enum toytcp_drop_reason toytcp_reassembly_queue(struct sock *sk,
						struct toytcp_seg *seg);
void toytcp_reassembly_dup(struct toytcp_sock *ts, u32 start, u32 end);
int toytcp_reassembly_sacks(struct toytcp_sock *ts,
			    struct toytcp_sack_block *blocks, int max);
void toytcp_reassembly_purge(struct sock *sk);
bool toytcp_reassembly_prune(struct sock *sk);

/* output.c */
int toytcp_output_connect(struct sock *sk);
int toytcp_output_synack(struct sock *sk,
			 const struct toytcp_fastopen_cookie *cookie);
void toytcp_output_synack_again(struct sock *sk);
bool toytcp_output_fin(struct sock *sk, gfp_t gfp);
void toytcp_output_push(struct sock *sk, enum toytcp_push how);
void toytcp_output_ack(struct sock *sk);
void toytcp_output_dup_ack(struct sock *sk);
void toytcp_output_challenge_ack(struct sock *sk);
void toytcp_output_probe(struct sock *sk);
bool toytcp_output_probe_new(struct sock *sk);
void toytcp_output_keepalive(struct sock *sk);
void toytcp_output_reset(struct sock *sk, gfp_t gfp);
int toytcp_output_retransmit(struct sock *sk, struct sk_buff *skb);
void toytcp_output_mss_sync(struct sock *sk, u32 pmtu);
u32 toytcp_output_gso_segs(const struct sock *sk);
u16 toytcp_output_adv_mss(const struct toytcp_sock *ts,
			  const struct toytcp_path *path, u32 mtu);

/* sendq.c */
struct sk_buff *toytcp_sendq_alloc(struct sock *sk, gfp_t gfp);
struct sk_buff *toytcp_sendq_alloc_over(struct sock *sk, gfp_t gfp);
void toytcp_sendq_free(struct sock *sk, struct sk_buff *skb, bool keep);
struct sk_buff *toytcp_sendq_append(struct sock *sk);
void toytcp_sendq_drop(struct sock *sk, struct sk_buff *skb);
bool toytcp_sendq_may_add(const struct sk_buff *skb, u32 goal);
void toytcp_sendq_end_record(struct sock *sk);
void toytcp_sendq_purge(struct sock *sk);
void toytcp_sendq_set_segs(struct sk_buff *skb, u32 mss);
void toytcp_sendq_rtx_insert(struct toytcp_sock *ts, struct sk_buff *skb);
struct rb_node *toytcp_sendq_rtx_find(const struct toytcp_sock *ts, u32 seq);
int toytcp_sendq_unclone(struct sk_buff *skb, gfp_t gfp);
void toytcp_sendq_resegment(struct toytcp_sock *ts, struct sk_buff *skb);
int toytcp_sendq_split(struct sock *sk, struct sk_buff *skb, u32 len,
		       gfp_t gfp);
int toytcp_sendq_trim(struct sock *sk, struct sk_buff *skb, u32 len);

/* stamp.c */
void toytcp_stamp_base(struct sock *sk, u32 seq);
void toytcp_stamp_begin(struct sock *sk, u32 tsflags);
void toytcp_stamp_write(struct sock *sk, u32 tsflags);
void toytcp_stamp_split(struct sk_buff *skb, struct sk_buff *tail);
bool toytcp_stamp_apart(const struct sk_buff *skb);
void toytcp_stamp_join(struct sk_buff *skb, const struct sk_buff *next);
void toytcp_stamp_keep(struct sock *sk, u32 tsflags);
void toytcp_stamp_acked(struct sock *sk, struct sk_buff *skb);

/* rwnd.c */
void toytcp_rwnd_init(const struct sock *sk, const struct toytcp_path *path,
		      u32 mss, u8 *wscale, u32 *wnd);
u32 toytcp_rwnd_full(const struct sock *sk);
u32 toytcp_rwnd_select(const struct sock *sk);
bool toytcp_rwnd_grew(struct sock *sk);
void toytcp_rwnd_weigh(struct toytcp_sock *ts, u32 len, u32 truesize);

/* cwv.c */
void toytcp_cwv_sent(struct toytcp_sock *ts, bool limited);
void toytcp_cwv_idle(struct toytcp_sock *ts);

/* chrono.c */
void toytcp_chrono_start(struct toytcp_sock *ts, enum toytcp_chrono why);
void toytcp_chrono_stop(struct sock *sk, enum toytcp_chrono why);
void toytcp_chrono_acked(struct sock *sk);
u64 toytcp_chrono_us(const struct toytcp_sock *ts, enum toytcp_chrono which,
		     u64 now_us);

/* info.c */
void toytcp_info(struct sock *sk, struct tcp_info *info);

/* reply.c */
void toytcp_reply_header(struct sk_buff *skb, const struct toytcp_flow_key *key,
			 u32 seq, u32 ack, u8 flags, u16 wnd,
			 const struct toytcp_options *opt);
bool toytcp_reply_allowed(u64 *last_us);

/* How answers leave that no socket sends */
struct toytcp_way {
	u32 mark;		/* SO_MARK */
	u32 priority;		/* SO_PRIORITY */
	int oif;		/* the device that the socket is bound to; 0: none */
};

void toytcp_reply_reset(struct net *net, const struct toytcp_seg *seg,
			const struct toytcp_way *way);

/* the same for a segment that @sk refuses: by its way */
static inline void toytcp_refuse(const struct sock *sk,
				 const struct toytcp_seg *seg)
{
	const struct toytcp_way way = {
		.mark = READ_ONCE(sk->sk_mark),
		.priority = READ_ONCE(sk->sk_priority),
		.oif = READ_ONCE(sk->sk_bound_dev_if),
	};

	toytcp_reply_reset(sock_net(sk), seg, &way);
}

void toytcp_reply_synack(struct toytcp_req *req,
			 const struct toytcp_fastopen_cookie *cookie);
void toytcp_reply_req_ack(struct toytcp_req *req, u8 tos);
void toytcp_reply_tw_ack(struct toytcp_tw *tw);

/* recovery.c */
void toytcp_recovery_acked(struct sock *sk, const struct toytcp_seg *seg,
			   u32 prior_una, bool window_changed);
void toytcp_recovery_rto(struct sock *sk);
void toytcp_recovery_reo_timeout(struct sock *sk);
void toytcp_recovery_xmit(struct sock *sk);
void toytcp_recovery_local_congestion(struct sock *sk);
void toytcp_recovery_mtu(struct sock *sk);
void toytcp_recovery_syn_data(struct sock *sk);
void toytcp_recovery_reset(struct toytcp_sock *ts);

/* scoreboard.c, rack.c */
void toytcp_scoreboard_sent(struct toytcp_sock *ts, struct sk_buff *skb);
u64 toytcp_rack_pto_us(const struct sock *sk);
void toytcp_rack_probe(struct sock *sk);

/* rate.c */
void toytcp_rate_init(struct toytcp_sock *ts);
void toytcp_rate_sent(struct toytcp_sock *ts, struct toytcp_skb_cb *cb);
void toytcp_rate_check_app_limited(struct sock *sk);
u64 toytcp_rate_bps(const struct toytcp_sock *ts);

/* timer.c: callers report facts, only timer.c knows the policy */
void toytcp_timers_init(struct sock *sk);
void toytcp_timers_stop(struct sock *sk);
void toytcp_timers_sent(struct sock *sk);
void toytcp_timers_acked(struct sock *sk, bool progress, u64 reo_us);
void toytcp_timers_reneged(struct sock *sk);
void toytcp_timers_probe(struct sock *sk);
void toytcp_timers_probe_answered(struct sock *sk);
void toytcp_timers_delack(struct sock *sk, u32 delay_us);
void toytcp_timers_delack_read(struct sock *sk);
void toytcp_timers_pace(struct sock *sk, u64 delay_us);
void toytcp_timers_ack_sent(struct sock *sk);
void toytcp_timers_release(struct sock *sk);
void toytcp_timers_revert(struct sock *sk, u32 seq);
void toytcp_timers_keepalive(struct sock *sk, int on);
void toytcp_timers_established(struct sock *sk);
void toytcp_timers_idle_changed(struct sock *sk);
void toytcp_timers_peer_uto(struct sock *sk, u32 uto_s);

#endif /* _TOYTCP_SOCK_H */
