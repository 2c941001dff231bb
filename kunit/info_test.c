// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/info.c and module/chrono.c: the numbers of TCP_INFO.
 *
 * The socket talks to a raw peer; segments have 1000 bytes.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/tcp.h>

#include "../module/netns.h"
#include "sim.h"

#define MSS	1000u

struct out {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static struct tcp_info info_of(struct socket *sock)
{
	struct tcp_info info;

	lock_sock(sock->sk);
	toytcp_info(sock->sk, &info);
	release_sock(sock->sk);
	return info;
}

static void open(struct kunit *test, struct out *o, u16 wnd)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->p.syn.mss = MSS;
	o->p.syn.sack_perm = true;
	o->p.wnd = wnd;
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
	o->ts->nodelay = 1;
	toytcp_net(&init_net)->sysctl.early_retrans = 0;
	/* the handshake took no time here */
	toytcp_rtt_init(&o->ts->rtt, TOYTCP_RTO_INIT_US, TOYTCP_RTO_MIN_US,
			TOYTCP_RTO_MAX_US);
}

static void write_segs(struct kunit *test, struct out *o, u32 n)
{
	KUNIT_ASSERT_EQ(test, sim_write(o->sock, 0, n * MSS), n * MSS);
	sim_inbox_clear();
}

/* the peer has everything before segment @n */
static void ack(struct out *o, u32 n)
{
	o->p.rcv_nxt = o->p.irs + 1 + n * MSS;
	sim_peer_send(&o->p, TOYTCP_ACK, 0);
	sim_inbox_clear();
}

static void info__listener(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct tcp_info info = info_of(listener);

	KUNIT_EXPECT_EQ(test, info.tcpi_state, TCP_LISTEN);
	KUNIT_EXPECT_EQ(test, info.tcpi_unacked, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_sacked, 4);
	KUNIT_EXPECT_EQ(test, info.tcpi_pacing_rate, U64_MAX);
	KUNIT_EXPECT_EQ(test, info.tcpi_max_pacing_rate, U64_MAX);
	KUNIT_EXPECT_EQ(test, info.tcpi_reordering, 3);
	KUNIT_EXPECT_EQ(test, info.tcpi_snd_cwnd, 10);
	KUNIT_EXPECT_EQ(test, info.tcpi_snd_mss, 0);
}

/* a flight of ten in 40 ms */
static void info__delivery(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 65535);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_delivered, 1);
	KUNIT_EXPECT_EQ(test, info.tcpi_delivery_rate, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_min_rtt, U32_MAX);
	write_segs(test, &o, 12);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_unacked, 10);
	KUNIT_EXPECT_EQ(test, info.tcpi_notsent_bytes, 2 * MSS);
	KUNIT_EXPECT_EQ(test, info.tcpi_data_segs_out, 10);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_sent, 10 * MSS);
	sim_run(40 * SIM_MS);
	ack(&o, 10);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_delivered, 11);
	KUNIT_EXPECT_EQ(test, info.tcpi_delivery_rate, 250000);
	KUNIT_EXPECT_TRUE(test, info.tcpi_delivery_rate_app_limited);
	KUNIT_EXPECT_EQ(test, info.tcpi_min_rtt, 40 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_acked, 10 * MSS);
	KUNIT_EXPECT_EQ(test, info.tcpi_notsent_bytes, 0);
	/* twice the window, of 20, a round trip */
	KUNIT_EXPECT_EQ(test, info.tcpi_snd_cwnd, 20);
	KUNIT_EXPECT_EQ(test, info.tcpi_pacing_rate, 1000000);
}

/* two timeouts in a row are one recovery, whose time ends with it */
static void info__timeouts(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 65535);
	write_segs(test, &o, 2);
	sim_run(1 * SIM_S + 2 * SIM_S + 500 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_ca_state, TCP_CA_Loss);
	KUNIT_EXPECT_EQ(test, info.tcpi_retransmits, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_retrans, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_retrans, 2 * MSS);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_sent, 4 * MSS);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	KUNIT_EXPECT_EQ(test, info.tcpi_rehash, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto_recoveries, 1);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto_time, 2500);
	ack(&o, 2);
	sim_run(1 * SIM_S);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_retransmits, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto_time, 2500);
	write_segs(test, &o, 1);
	sim_run(toytcp_rtt_timeout_us(&o.ts->rtt) + 10 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto, 3);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto_recoveries, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_rto_time, 2510);
#endif
}

/* what came out of order, in order, again */
static void info__received(struct kunit *test)
{
	struct tcp_info info;
	struct sim_seg seg;
	struct out o;

	open(test, &o, 65535);
	seg = sim_peer_seg(&o.p, TOYTCP_ACK, 100);
	seg.seq += 200;
	sim_inject(&seg);
	seg.seq += 200;
	sim_inject(&seg);
	sim_peer_send(&o.p, TOYTCP_ACK, 200);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_rcv_ooopack, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_received, 300);
	KUNIT_EXPECT_EQ(test, info.tcpi_data_segs_in, 3);
	KUNIT_EXPECT_EQ(test, info.tcpi_segs_in, 5);
}

/* before any data: times are since the handshake, and nothing waits for an ACK */
static void info__young(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 65535);
	sim_run(70 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_last_data_sent, 70);
	KUNIT_EXPECT_EQ(test, info.tcpi_last_data_recv, 70);
	KUNIT_EXPECT_EQ(test, info.tcpi_last_ack_recv, 70);
	KUNIT_EXPECT_EQ(test, info.tcpi_ato, 0);
	/* the SYN and the ACK */
	KUNIT_EXPECT_EQ(test, info.tcpi_segs_in, 2);
	KUNIT_EXPECT_EQ(test, info.tcpi_advmss, 1460);
	KUNIT_EXPECT_EQ(test, info.tcpi_rcv_space, 10 * 1460);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_ato, 40 * SIM_MS);
}

/* a round trip by the timestamps that come back: each counts once, a small segment never */
static void info__rcv_rtt(struct kunit *test)
{
	struct out o;

	memset(&o, 0, sizeof(o));
	sim_peer_init(&o.p, SIM_PORT_A);
	o.p.wnd = 65535;
	o.p.ts = true;
	o.p.syn.has_ts = 1;
	o.listener = sim_listen(test, SIM_PORT_A, 4);
	o.sock = sim_peer_connects(test, &o.p, o.listener);
	o.ts = sim_ts(o.sock);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_advmss, 1448);
	o.p.tsecr = toytcp_ts_now(o.ts->ts_offset);
	sim_run(30 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, 100);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_rcv_rtt, 0);
	o.p.tsecr = toytcp_ts_now(o.ts->ts_offset);
	sim_run(50 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, MSS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_rcv_rtt, 50 * SIM_MS);
	sim_run(900 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, MSS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_rcv_rtt, 50 * SIM_MS);
	/* an eighth of what is more, all of what is less */
	o.p.tsecr = toytcp_ts_now(o.ts->ts_offset);
	sim_run(90 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, MSS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_rcv_rtt, 55 * SIM_MS);
	o.p.tsecr = toytcp_ts_now(o.ts->ts_offset);
	sim_run(20 * SIM_MS);
	sim_peer_send(&o.p, TOYTCP_ACK, MSS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_rcv_rtt, 20 * SIM_MS);
}

/*
 * The peer's window is closed: the next probe counts from the answer to the
 * last, and the congestion window was not idle.
 */
static void info__probes(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 10 * MSS);
	write_segs(test, &o, 24);
	sim_run(40 * SIM_MS);
	o.p.wnd = 0;
	ack(&o, 10);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.rto_us, 240 * SIM_MS);
	sim_run(240 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_probes, 1);
	KUNIT_EXPECT_EQ(test, info.tcpi_backoff, 1);
	sim_run(100 * SIM_MS);
	ack(&o, 10);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_probes, 0);
	sim_run(479 * SIM_MS);
	SIM_EXPECT_NONE(test);
	sim_run(1 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, sim_inbox_count(), 1);
	KUNIT_EXPECT_EQ(test, info.tcpi_probes, 1);
	KUNIT_EXPECT_EQ(test, info.tcpi_backoff, 2);
	ack(&o, 10);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_snd_cwnd, 20);
	o.p.wnd = 65535;
	ack(&o, 10);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_snd_cwnd, 20);
	KUNIT_EXPECT_EQ(test, info.tcpi_unacked, 14);
	KUNIT_EXPECT_EQ(test, info.tcpi_backoff, 0);
}

/* what came twice was delivered twice, if it was sent twice */
static void info__duplicates(struct kunit *test)
{
	struct tcp_info info;
	struct sim_seg seg;
	struct out o;
	int i;

	open(test, &o, 65535);
	write_segs(test, &o, 2);
	sim_run(1 * SIM_S + 10 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_total_retrans, 1);
	ack(&o, 2);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_delivered, 3);
	seg = sim_peer_seg(&o.p, TOYTCP_ACK, 0);
	seg.opt.n_sacks = 1;
	seg.opt.sacks[0].start = o.p.irs + 1;
	seg.opt.sacks[0].end = o.p.irs + 1 + MSS;
	for (i = 1; i <= 2; i++) {
		sim_inject(&seg);
		info = info_of(o.sock);
		KUNIT_EXPECT_EQ(test, info.tcpi_dsack_dups, i);
		KUNIT_EXPECT_EQ(test, info.tcpi_delivered, 4);
	}
}

static void chrono__busy(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 65535);
	sim_run(50 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_busy_time, 0);
	write_segs(test, &o, 5);
	sim_run(40 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info_of(o.sock).tcpi_busy_time, 40 * SIM_MS);
	ack(&o, 4);
	sim_run(10 * SIM_MS);
	ack(&o, 5);
	sim_run(100 * SIM_MS);
	write_segs(test, &o, 1);
	sim_run(7 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_busy_time, 57 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_rwnd_limited, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_sndbuf_limited, 0);
}

/* the peer takes two segments, for 30 ms, then all */
static void chrono__rwnd(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 2 * MSS);
	write_segs(test, &o, 8);
	sim_run(30 * SIM_MS);
	o.p.wnd = 65535;
	ack(&o, 2);
	sim_run(20 * SIM_MS);
	ack(&o, 8);
	sim_run(20 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_busy_time, 50 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_rwnd_limited, 30 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_sndbuf_limited, 0);
}

/* the window would take more, but the program has no room to write it */
static void chrono__sndbuf(struct kunit *test)
{
	struct tcp_info info;
	struct out o;
	int n, sent = 0;

	open(test, &o, 65535);
	o.ts->cong.cwnd_segs = 1000;
	o.ts->cwnd_stamp_us = sim.now_us;
	o.sock->sk->sk_sndbuf = 8000;
	o.sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	while ((n = sim_write(o.sock, 0, MSS)) > 0)
		sent += n;
	KUNIT_EXPECT_EQ(test, n, -EAGAIN);
	/* it learns of it with the next look at the queue */
	lock_sock(o.sock->sk);
	toytcp_cwv_sent(o.ts, false);
	release_sock(o.sock->sk);
	sim_run(30 * SIM_MS);
	ack(&o, sent / MSS);
	sim_run(10 * SIM_MS);
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_busy_time, 30 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_sndbuf_limited, 30 * SIM_MS);
	KUNIT_EXPECT_EQ(test, info.tcpi_rwnd_limited, 0);
}

/* the next connection of the same socket begins with nothing */
static void info__disconnect(struct kunit *test)
{
	struct tcp_info info;
	struct out o;

	open(test, &o, 65535);
	write_segs(test, &o, 5);
	sim_run(2 * SIM_S);
	lock_sock(o.sock->sk);
	toytcp_sock_disconnect(o.sock->sk);
	release_sock(o.sock->sk);
	sim_inbox_clear();
	info = info_of(o.sock);
	KUNIT_EXPECT_EQ(test, info.tcpi_busy_time, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_delivered, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_total_retrans, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_bytes_sent, 0);
	KUNIT_EXPECT_EQ(test, info.tcpi_min_rtt, U32_MAX);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(info__listener),
	KUNIT_CASE(info__delivery),
	KUNIT_CASE(info__timeouts),
	KUNIT_CASE(info__received),
	KUNIT_CASE(info__young),
	KUNIT_CASE(info__rcv_rtt),
	KUNIT_CASE(info__probes),
	KUNIT_CASE(info__duplicates),
	KUNIT_CASE(chrono__busy),
	KUNIT_CASE(chrono__rwnd),
	KUNIT_CASE(chrono__sndbuf),
	KUNIT_CASE(info__disconnect),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_info",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
