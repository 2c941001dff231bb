// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/urgent.c, and of reading and sending around it.
 */
#include <kunit/test.h>
#include <linux/net.h>

#include "../module/ipv4.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "../module/urgent.h"
#include "prng.h"
#include "sim.h"

struct urg {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open(struct kunit *test, struct urg *o)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

/* @len bytes of the stream at @offset; the pointer is relative to the first, 0: none */
static void peer_urg(struct urg *o, u32 offset, u32 len, u16 pointer)
{
	struct sim_seg seg = sim_peer_seg(&o->p, TOYTCP_ACK, len);

	seg.seq = o->p.iss + 1 + offset;
	seg.offset = offset;
	if (pointer)
		seg.flags |= TOYTCP_URG;
	seg.urg = pointer;
	sim_inject(&seg);
	o->p.snd_nxt = seq_max(o->p.snd_nxt, seg.seq + len);
}

/* recv(MSG_OOB): the byte, or negative errno */
static int recv_oob(struct socket *sock, int flags)
{
	struct msghdr msg = {};
	u8 byte = 0;
	struct kvec vec = { .iov_base = &byte, .iov_len = 1 };
	int n = kernel_recvmsg(sock, &msg, &vec, 1, 1, MSG_OOB | flags);

	if (n <= 0)
		return n;
	return msg.msg_flags & MSG_OOB ? byte : -EBADMSG;
}

static int send_oob(struct socket *sock, u32 offset, u32 len)
{
	struct msghdr msg = { .msg_flags = MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = (void *)sim_bytes(offset), .iov_len = len };

	return kernel_sendmsg(sock, &msg, &vec, 1, len);
}

static bool at_mark(const struct urg *o)
{
	return toytcp_urgent_at_mark(o->sock->sk, o->ts->copied_seq);
}

/* ---- receiving ---- */

/* the pointer names the byte behind: bytes 0..3, urgent 4, 5..9 */
static void recv__out_of_band(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	peer_urg(&o, 0, 10, 5);
	KUNIT_EXPECT_FALSE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, toytcp_urgent_inq(o.sock->sk), 4);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, MSG_PEEK), *sim_bytes(4));
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(4));
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	/* a read ends at the mark, the next leaves the byte out */
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 4);
	KUNIT_EXPECT_TRUE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 5, 100), 5);
	KUNIT_EXPECT_FALSE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), -EAGAIN);
	KUNIT_EXPECT_EQ(test, o.ts->urg_data, TOYTCP_URG_NONE);
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
}

/* not read out of band, it is left out of the stream all the same */
static void recv__never_read(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 10, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 9);
	/* nothing but the urgent byte is left */
	KUNIT_EXPECT_EQ(test, toytcp_urgent_inq(o.sock->sk), 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), -EAGAIN);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	peer_urg(&o, 10, 10, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), 10);
}

static void recv__inline(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	sock_set_flag(o.sock->sk, SOCK_URGINLINE);
	peer_urg(&o, 0, 10, 5);
	KUNIT_EXPECT_EQ(test, toytcp_urgent_inq(o.sock->sk), 10);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 4);
	KUNIT_EXPECT_TRUE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 4, 100), 6);
}

/* announced ahead of its byte: told at once, EAGAIN until it is here */
static void recv__pointer_before_byte(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 10, 15);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
	KUNIT_EXPECT_FALSE(test, at_mark(&o));
	peer_urg(&o, 10, 10, 5);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(14));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), 4);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 15, 100), 5);
}

/* the byte comes before what is in front of it */
static void recv__out_of_order(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 10, 10, 10);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(19));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), -EAGAIN);
	peer_urg(&o, 0, 10, 20);
	/* the same mark again is no news */
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 19);
	KUNIT_EXPECT_TRUE(test, at_mark(&o));
}

/* a second mark makes the first one's byte an ordinary one */
static void recv__mark_moves(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 10, 5);
	peer_urg(&o, 10, 10, 5);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(14));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 14);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 15, 100), 5);
}

/* at the mark, read out of band, and the next mark comes: not read twice */
static void recv__mark_moves_at_mark(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 5, 5);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 4);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(4));
	peer_urg(&o, 5, 5, 5);
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(9));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 5, 100), 4);
}

/* pointers of what is read or queued already, and backwards, are no news */
static void recv__old_pointers(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 10, 0);
	peer_urg(&o, 0, 10, 5);
	peer_urg(&o, 10, 0, 0);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	peer_urg(&o, 10, 10, 8);
	peer_urg(&o, 20, 10, 0);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(17));
	peer_urg(&o, 10, 10, 7);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 17);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 18, 100), 12);
}

/* URG with a pointer of 0 marks the first byte, as Linux has it */
static void recv__pointer_zero(struct kunit *test)
{
	struct sim_seg seg;
	struct urg o;

	open(test, &o);
	seg = sim_peer_seg(&o.p, TOYTCP_ACK | TOYTCP_URG, 10);
	sim_inject(&seg);
	KUNIT_EXPECT_TRUE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(0));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 1, 100), 9);
}

/* behind the FIN there is no text, and so no mark */
static void recv__after_fin(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_FIN, 10);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE_WAIT);
	peer_urg(&o, 11, 0, 100);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), 0);
}

/* an announced byte that never comes */
static void recv__end_without_byte(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	peer_urg(&o, 0, 10, 100);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), -EAGAIN);
	sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_FIN, 0);
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 10, 100), 0);
}

/* MSG_PEEK goes past the mark and changes nothing */
static void recv__peek(struct kunit *test)
{
	struct kvec vec;
	struct msghdr msg = {};
	struct urg o;
	u8 buf[16];

	open(test, &o);
	peer_urg(&o, 0, 10, 1);
	vec = (struct kvec){ .iov_base = buf, .iov_len = sizeof(buf) };
	KUNIT_EXPECT_EQ(test, kernel_recvmsg(o.sock, &msg, &vec, 1, sizeof(buf),
					     MSG_PEEK | MSG_DONTWAIT), 9);
	KUNIT_EXPECT_EQ(test, memcmp(buf, sim_bytes(1), 9), 0);
	KUNIT_EXPECT_TRUE(test, at_mark(&o));
	KUNIT_EXPECT_EQ(test, recv_oob(o.sock, 0), *sim_bytes(0));
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 1, 100), 9);
}

/* ---- sending ---- */

static void expect_urg(struct kunit *test, const struct urg *o, u32 seq,
		       u32 len, int pointer)
{
	const struct sim_seg *seg = sim_next();

	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->seq - o->p.irs, seq);
	KUNIT_EXPECT_EQ(test, seg->len, len);
	KUNIT_EXPECT_EQ(test, !!(seg->flags & TOYTCP_URG), pointer >= 0);
	KUNIT_EXPECT_EQ(test, (int)seg->urg, max(pointer, 0));
}

static void peer_acks(struct urg *o, u32 bytes)
{
	o->p.rcv_nxt = o->p.irs + 1 + bytes;
	sim_peer_send(&o->p, TOYTCP_ACK, 0);
}

/* all that is in flight up to the mark says so; behind its ACK nothing does */
static void send__pointer(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 10), 10);
	expect_urg(test, &o, 1, 10, -1);
	/* Nagle does not hold it */
	KUNIT_EXPECT_EQ(test, send_oob(o.sock, 10, 3), 3);
	expect_urg(test, &o, 11, 3, 3);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 13, 5), 5);
	expect_urg(test, &o, 14, 5, -1);
	/* the first is lost: repeated, it announces what is known by now */
	sim_run(SIM_S);
	expect_urg(test, &o, 1, 10, 13);
	sim_inbox_clear();
	peer_acks(&o, 18);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 18, 5), 5);
	expect_urg(test, &o, 19, 5, -1);
	KUNIT_EXPECT_FALSE(test, o.ts->snd_urgent);
}

/* behind a lot of data: 65535 is as far as the pointer reaches */
static void send__beyond_64k(struct kunit *test)
{
	const u32 len = 40000;
	u32 at = 1, marked = 0, unmarked = 0;
	const struct sim_seg *seg;
	struct urg o;

	open(test, &o);
	o.p.wnd = 65535;
	o.sock->sk->sk_sndbuf = 1 << 20;
	o.sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, len), len);
	KUNIT_EXPECT_EQ(test, send_oob(o.sock, len, len), len);
	while (at < 2 * len + 1) {
		seg = sim_next();
		if (!seg) {
			peer_acks(&o, at - 1);
			seg = sim_next();
			KUNIT_ASSERT_NOT_NULL(test, seg);
		}
		KUNIT_ASSERT_EQ(test, seg->seq - o.p.irs, at);
		KUNIT_ASSERT_LE(test, seg->len, 1460);
		if (seg->flags & TOYTCP_URG) {
			KUNIT_ASSERT_EQ(test, (u32)seg->urg,
					min(2 * len + 1 - at, 65535u));
			marked++;
		} else {
			unmarked++;
		}
		at += seg->len;
	}
	/* what left before there was a mark */
	KUNIT_EXPECT_EQ(test, unmarked, TOYTCP_CONG_INIT_CWND);
	KUNIT_EXPECT_GT(test, marked, 40);
}

/* with GSO, too, each segment has its own pointer */
static void send__gso(struct kunit *test)
{
	struct urg o;
	int i;

	open(test, &o);
	sim.gso = true;
	toytcp_ipv4_route(o.sock->sk);
	KUNIT_EXPECT_EQ(test, send_oob(o.sock, 0, 5 * 1460), 5 * 1460);
	for (i = 0; i < 5; i++)
		expect_urg(test, &o, 1 + i * 1460, 1460, (5 - i) * 1460);
	SIM_EXPECT_NONE(test);
}

/* into a closed window: the probe brings the pointer, and is answered */
static void send__zero_window(struct kunit *test)
{
	struct urg o;

	open(test, &o);
	o.p.wnd = 0;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, send_oob(o.sock, 0, 10), 10);
	SIM_EXPECT_NONE(test);
	sim_run(2 * SIM_S);
	expect_urg(test, &o, 1, 0, 10);
	expect_urg(test, &o, 0, 0, 11);
	sim_inbox_clear();
	o.p.wnd = 1000;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	expect_urg(test, &o, 1, 10, 10);
}

/* two ends, a bad link, marks at random: read in line, the stream is whole */
static void send__stream_is_whole(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 1), *a, *b = NULL;
	u32 sent = 0, got = 0, i;
	struct prng rng;
	int n;

	rng = prng_start(test);
	sim.link[0].loss = 30;
	sim.link[0].jitter_us = 5000;
	sim.link[1].loss = 30;
	a = sim_socket(test);
	KUNIT_ASSERT_EQ(test, sim_bind(a, SIM_A, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(a, SIM_B, SIM_PORT_B), -EINPROGRESS);
	for (i = 0; i < 100 && !b; i++) {
		sim_run(SIM_S);
		b = sim_accept(listener);
	}
	KUNIT_ASSERT_NOT_NULL(test, b);
	sock_set_flag(b->sk, SOCK_URGINLINE);
	for (i = 0; i < 30000 && got < 200000; i++) {
		u32 len = 1 + prng_below(&rng, 3000);

		n = prng_below(&rng, 4) ? sim_write(a, sent, len) :
					  send_oob(a, sent, len);
		sent += max(n, 0);
		sim_run(prng_below(&rng, 20) * SIM_MS);
		KUNIT_ASSERT_PTR_EQ(test, (void *)sim_check(a->sk), NULL);
		KUNIT_ASSERT_PTR_EQ(test, (void *)sim_check(b->sk), NULL);
		n = sim_read_check(b, got, 1 + prng_below(&rng, 5000));
		KUNIT_ASSERT_NE(test, n, -EBADMSG);
		got += max(n, 0);
	}
	KUNIT_EXPECT_GE(test, got, 200000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(recv__out_of_band),
	KUNIT_CASE(recv__never_read),
	KUNIT_CASE(recv__inline),
	KUNIT_CASE(recv__pointer_before_byte),
	KUNIT_CASE(recv__out_of_order),
	KUNIT_CASE(recv__mark_moves),
	KUNIT_CASE(recv__mark_moves_at_mark),
	KUNIT_CASE(recv__old_pointers),
	KUNIT_CASE(recv__pointer_zero),
	KUNIT_CASE(recv__after_fin),
	KUNIT_CASE(recv__end_without_byte),
	KUNIT_CASE(recv__peek),
	KUNIT_CASE(send__pointer),
	KUNIT_CASE(send__beyond_64k),
	KUNIT_CASE(send__gso),
	KUNIT_CASE(send__zero_window),
	KUNIT_CASE_PARAM(send__stream_is_whole, prng_seed_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_urgent",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
