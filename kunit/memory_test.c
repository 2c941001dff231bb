// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what a peer can make a socket hold: reassembly.c, output.c, and
 * the charging through struct proto.
 */
#include <kunit/test.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

#define SLACK	(2 * SKB_TRUESIZE(4096))	/* one buffer beyond the limit is taken */

struct mem {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open(struct kunit *test, struct mem *o, int rcvbuf)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	if (rcvbuf) {
		o->listener->sk->sk_rcvbuf = rcvbuf;
		o->listener->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	}
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

/* bytes @offset to @offset + @len of the stream */
static void give(struct mem *o, u32 offset, u32 len)
{
	struct sim_seg seg = sim_peer_seg(&o->p, TOYTCP_ACK, len);

	seg.seq = o->p.iss + 1 + offset;
	seg.offset = offset;
	sim_inject(&seg);
	sim_inbox_clear();
}

static int held(const struct mem *o)
{
	return atomic_read(&o->sock->sk->sk_rmem_alloc);
}

/* all that was acknowledged can be read, and is what was sent */
static void read_acked(struct kunit *test, struct mem *o, u32 *at)
{
	u32 acked = o->ts->rcv_nxt - o->ts->irs - 1;
	int n;

	while (*at < acked) {
		n = sim_read_check(o->sock, *at, 4096);
		KUNIT_ASSERT_GT(test, n, 0);
		*at += n;
	}
	KUNIT_EXPECT_EQ(test, *at, acked);
}

/* ten thousand bytes, each alone behind a gap */
static void ofo__bounded(struct kunit *test)
{
	struct mem o;
	u32 i, at = 0;

	open(test, &o, 65536);
	for (i = 0; i < 10000; i++) {
		give(&o, 1 + 2 * i, 1);
		if (held(&o) > o.sock->sk->sk_rcvbuf + SLACK)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, 10000);
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
	/* none of it stands in the way of the stream */
	for (i = 0; i < 20000; i += 500) {
		give(&o, i, 500);
		read_acked(test, &o, &at);
	}
	KUNIT_EXPECT_EQ(test, at, 20000);
	KUNIT_EXPECT_EQ(test, held(&o), 0);
}

/* in order, a byte a segment: what is acknowledged is there */
static void queue__single_bytes(struct kunit *test)
{
	struct mem o;
	u32 i, at = 0;

	open(test, &o, 65536);
	for (i = 0; i < 40000; i++) {
		give(&o, i, 1);
		if (held(&o) > o.sock->sk->sk_rcvbuf + SLACK)
			break;
	}
	KUNIT_EXPECT_EQ(test, i, 40000);
	/* the window was half of the buffer: that much must find room */
	KUNIT_EXPECT_GE(test, o.ts->rcv_nxt - o.ts->irs - 1, 32000);
	read_acked(test, &o, &at);
	/* what is left waits behind what was refused */
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&o.sock->sk->sk_receive_queue));
}

/* the machine is short of memory: data out of order go first, none that were acknowledged */
static void pressure__ofo_first(struct kunit *test)
{
	long *limits = toytcp_prot.sysctl_mem, saved[3];
	struct mem o;
	u32 i, at = 0;

	memcpy(saved, limits, sizeof(saved));
	open(test, &o, 0);
	for (i = 0; i < 20; i++)
		give(&o, i * 100, 100);
	for (i = 0; i < 20; i++)
		give(&o, 10000 + i * 1000, 500);
	KUNIT_EXPECT_FALSE(test, RB_EMPTY_ROOT(&o.ts->ofo_queue));
	limits[0] = 0;
	limits[1] = 0;
	limits[2] = 0;
	for (i = 20; i < 200; i++)
		give(&o, i * 100, 100);
	memcpy(limits, saved, sizeof(saved));
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
	KUNIT_EXPECT_GE(test, o.ts->rcv_nxt - o.ts->irs - 1, 2000);
	read_acked(test, &o, &at);
	/* there is memory again: the stream goes on */
	for (i = at; i < 40000; i += 1000)
		give(&o, i, 1000);
	read_acked(test, &o, &at);
	KUNIT_EXPECT_GE(test, at, 40000);
	KUNIT_EXPECT_EQ(test, held(&o), 0);
}

/* SO_RCVBUF made smaller: what was offered stays offered (SHLD-14) */
static void window__is_a_promise(struct kunit *test)
{
	const struct sim_seg *seg;
	u32 edge, offset = 0, at = 0, i;
	struct mem o;

	open(test, &o, 131072);
	edge = o.ts->rcv_wup + o.ts->rcv_wnd;
	o.sock->sk->sk_rcvbuf = 4096;
	for (i = 0; i < 100; i++) {
		struct sim_seg in = sim_peer_seg(&o.p, TOYTCP_ACK, 600);

		in.seq = o.p.iss + 1 + offset;
		in.offset = offset;
		sim_inject(&in);
		offset += 600;
		while ((seg = sim_next())) {
			u32 now = seg->ack + ((u32)seg->wnd << (o.ts->wscale_ok ?
								o.ts->rcv_wscale : 0));

			KUNIT_ASSERT_FALSE(test, seq_before(now, edge));
			edge = now;
		}
	}
	read_acked(test, &o, &at);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(ofo__bounded),
	KUNIT_CASE(queue__single_bytes),
	KUNIT_CASE(pressure__ofo_first),
	KUNIT_CASE(window__is_a_promise),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_memory",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
