/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world outside of the engine, simulated: a clock that only moves when a
 * test says so, timers, and a link between hosts.
 *
 * One world, one thread. A test holds both ends, or one end and a raw peer
 * that it plays itself, segment by segment. Nothing sleeps: sockets are used
 * with MSG_DONTWAIT, and sim_step() runs the next event, whatever its time.
 *
 * Hosts are addresses: SIM_A and SIM_B have sockets, and the link between
 * them has the faults of struct sim_link. SIM_PEER is the test: what is sent
 * there lands in an inbox at once, what it sends (sim_inject()) arrives at
 * once.
 *
 * Sequence numbers and timestamps begin where sim.isn and sim.ts_offset say,
 * by default just below the wrap.
 */
#ifndef _TOYTCP_KUNIT_SIM_H
#define _TOYTCP_KUNIT_SIM_H

#include <kunit/test.h>
#include <linux/net.h>
#include <linux/types.h>

#include "../module/flow.h"
#include "../module/listen.h"
#include "../module/options.h"
#include "../module/sock.h"

#define SIM_A		0x0a000001u	/* 10.0.0.1, host order */
#define SIM_B		0x0a000002u
#define SIM_PEER	0x0a000003u	/* the test itself */

#define SIM_PORT_A	1001		/* of the socket at A, host order */
#define SIM_PORT_B	1002
#define SIM_PORT_PEER	1003

#define SIM_PERIOD	65521u		/* of the pattern, bytes */

#define SIM_ISN		0xffffff80u	/* 128 before the wrap */
#define SIM_MS		1000ull
#define SIM_S		1000000ull

/* One direction of the link between A and B; chances are in 1/1000 */
struct sim_link {
	u32 delay_us;		/* one way */
	u32 jitter_us;		/* up to so much more; lets segments overtake */
	u32 loss;
	u32 dup;
	u32 corrupt;		/* dropped, as the checksum would have it */
	u32 reorder;		/* so many take three times the delay */
	u32 ns_per_byte;	/* 0: no limit */
	u32 queue_us;		/* tail drop when the queue is longer; 0: no limit */
	u32 police_ns_per_byte;	/* drops what is faster on average; 0: no limit */
	u32 police_burst;	/* bytes that may be */
	u32 mtu;		/* larger packets vanish, bytes; 0: none does */
	u32 ce;			/* what is ECT is marked (RFC 3168) */
	u32 ce_us;		/* the same when the queue is longer; 0: never */
};

/* One segment on the wire, or to be put there; host order */
struct sim_seg {
	u64 at_us;
	u32 from, to;		/* addresses */
	u16 sport, dport;
	u32 seq, ack;
	u32 len;		/* bytes of data */
	u16 wnd;		/* the header's field */
	u16 urg;		/* the urgent pointer */
	u8 flags;
	u8 ecn;			/* IP's ECN field */
	bool dropped;		/* by the link */
	struct toytcp_options opt;
	const u8 *raw_opts;	/* sim_inject(): these bytes in place of opt */
	u32 raw_len;		/* of those, a multiple of 4 */
	const u8 *data;		/* inbox: a copy; sim_inject(): NULL for the pattern */
	u32 offset;		/* sim_inject(): of the first byte in the pattern */
	u16 gso_size;		/* sim_inject(): an aggregate of segments so long; 0: of one */
};

#define SIM_LOG		64	/* segments kept for the failure report */
#define SIM_INBOX	512
#define SIM_SOCKS	64

struct sim {
	struct kunit *test;
	u64 now_us;
	struct list_head timers;	/* struct toytcp_timer, soonest first */
	struct list_head wire;		/* struct sim_pkt, soonest first */
	struct llist_node *softirqs;	/* struct toytcp_softirq, raised, oldest first */
	u32 n_timers, n_wire;
	u64 events;
	u64 tree_steps;			/* calls of rb_next() and of toytcp_sendq_rtx_find() */
	u64 seed;			/* of the link's faults; set it to begin anew */
	struct sim_link link[2];	/* from A, from B */
	u64 busy_until[2];		/* the queue's end */
	u64 police_ns[2];		/* when a whole burst may come again */
	u32 mtu;
	struct toytcp_path path;	/* what the route says beside that */
	bool gso;			/* sockets may send large buffers */
	bool gro;			/* large buffers arrive whole */
	u32 hold_us;			/* a device keeps what it sent for so long */
	u64 departs_us;			/* skb->tstamp of the last buffer of a connection */
	int route_err;			/* why a child finds no route; 0: it does */
	int xmit_err;			/* what the lower edge answers; the segment is lost */
	u32 isn, ts_offset;		/* of the next connection */
	u32 advice;			/* calls of toytcp_ipv4_negative_advice() */
	u32 queued_errors;		/* calls of toytcp_ipv4_queue_error() */
	void (*tap)(const struct sim_seg *seg);	/* sees every segment */

	struct sim_seg log[SIM_LOG];
	u64 n_log;
	struct sim_seg inbox[SIM_INBOX];
	u32 inbox_head, inbox_tail;
	u32 inbox_lost;			/* for want of room */
	char wrong[160];		/* sim_fail()'s */
	struct socket *socks[SIM_SOCKS];
};

extern struct sim sim;

/* KUnit's .init and .exit: exit fails the case if anything is left over */
int sim_init(struct kunit *test);
void sim_exit(struct kunit *test);
void sim_exit_quick(struct kunit *test);
bool sim_drained(void);
void sim_drain(struct kunit *test);
void __printf(1, 2) sim_fail(const char *fmt, ...);
void sim_dump(void);
unsigned int sim_rounds(void);
const char *sim_check(struct sock *sk);

/* time */
bool sim_step(void);
void sim_run(u64 us);
bool sim_run_events(u64 max_events);
u64 sim_next_us(void);

/* sockets; all are closed at the end of the case */
void sim_track(struct socket *sock);
struct socket *sim_socket(struct kunit *test);
int sim_bind(struct socket *sock, u32 addr, u16 port);
int sim_connect(struct socket *sock, u32 addr, u16 port);
struct socket *sim_listen(struct kunit *test, u16 port, int backlog);
struct socket *sim_accept(struct socket *listener);
int sim_write(struct socket *sock, u32 offset, u32 len);
int sim_read(struct socket *sock, void *buf, u32 len);
int sim_read_check(struct socket *sock, u32 offset, u32 len);
void sim_close(struct socket *sock);
void sim_abort(struct socket *sock);
int sim_error(struct socket *sock);
u64 sim_counted(enum toytcp_mib mib);
struct toytcp_sysctl *sim_sysctl(void);
int sim_forget_peers(void);
void sim_set_option(struct kunit *test, struct socket *sock, int option,
		    int value);
const u8 *sim_bytes(u32 offset);

static inline struct toytcp_sock *sim_ts(struct socket *sock)
{
	return toytcp_sk(sock->sk);
}

/* the raw peer */
void sim_inject(const struct sim_seg *seg);
const struct sim_seg *sim_next(void);
u32 sim_inbox_count(void);
void sim_inbox_clear(void);

struct sim_peer {
	u32 to;			/* address of the socket's host */
	u16 port, dport;	/* ours, the socket's */
	u32 iss, irs;
	u32 snd_nxt, rcv_nxt;	/* what peer_send() fills in */
	u16 wnd;
	bool ts;		/* send timestamps */
	u32 tsval, tsecr;
	struct toytcp_options syn; /* options of our SYN */
};

void sim_peer_init(struct sim_peer *p, u16 dport);
struct sim_seg sim_peer_seg(const struct sim_peer *p, u8 flags, u32 len);
void sim_peer_send(struct sim_peer *p, u8 flags, u32 len);
struct socket *sim_peer_connects(struct kunit *test, struct sim_peer *p,
				 struct socket *listener);
void sim_peer_accepts(struct kunit *test, struct sim_peer *p,
		      struct socket *sock);

/* the next segment in the inbox is this one; numbers relative to iss and irs */
void __sim_expect(struct kunit *test, const struct sim_peer *p, u8 flags,
		  u32 seq, u32 ack, u32 len, const char *file, int line);
#define SIM_EXPECT(test, p, flags, seq, ack, len)			\
	__sim_expect(test, p, flags, seq, ack, len, __FILE__, __LINE__)
#define SIM_EXPECT_NONE(test)						\
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 0)

/* the linker's, in the place of sock.c's; see Kbuild */
u32 __wrap_toytcp_sock_isn(const struct toytcp_flow_key *key);
u32 __wrap_toytcp_sock_ts_offset(const struct toytcp_flow_key *key);
struct rb_node *__wrap_rb_next(const struct rb_node *node);
struct rb_node *__real_rb_next(const struct rb_node *node);
struct rb_node *__wrap_toytcp_sendq_rtx_find(const struct toytcp_sock *ts, u32 seq);
struct rb_node *__real_toytcp_sendq_rtx_find(const struct toytcp_sock *ts, u32 seq);
/* and sock.c's own, for who wants it */
u32 __real_toytcp_sock_isn(const struct toytcp_flow_key *key);
u32 __real_toytcp_sock_ts_offset(const struct toytcp_flow_key *key);

#endif /* _TOYTCP_KUNIT_SIM_H */
