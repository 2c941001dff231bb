// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/stamp.c: the stamp stays with the last byte of a write,
 * through cutting, partial acknowledgments and retransmission.
 */
#include <kunit/test.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include "../module/seq.h"
#include "sim.h"

static struct socket *connected(struct kunit *test, struct sim_peer *p)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4), *sock;

	sim_peer_init(p, SIM_PORT_A);
	/* the numbers wrap in what is sent */
	sim.isn = (u32)-1000;
	sock = sim_peer_connects(test, p, listener);
	KUNIT_ASSERT_NOT_NULL(test, sock);
	sim_set_option(test, sock, TCP_NODELAY, 1);
	return sock;
}

/* the buffer in flight that has the mark, if it is one alone */
static struct sk_buff *marked(struct toytcp_sock *ts)
{
	struct sk_buff *found = NULL;
	struct rb_node *node;

	for (node = rb_first(&ts->rtx_queue); node; node = rb_next(node)) {
		struct sk_buff *skb = rb_to_skb(node);

		if (!(TOYTCP_CB(skb)->mark & TOYTCP_SKB_STAMP_ACK))
			continue;
		if (found)
			return NULL;
		found = skb;
	}
	return found;
}

static void ack(struct sim_peer *p, u32 bytes)
{
	p->rcv_nxt += bytes;
	sim_peer_send(p, TOYTCP_ACK, 0);
	sim_inbox_clear();
}

/* RFC 9293 3.8.1: some of it is lost, and what stamps is told once */
static void stamp_acked__through_loss(struct kunit *test)
{
	struct sk_buff_head *queue;
	struct toytcp_sock *ts;
	struct socket *sock;
	struct sk_buff *skb;
	struct sim_peer p;
	u32 last;

	sock = connected(test, &p);
	ts = sim_ts(sock);
	queue = &sock->sk->sk_error_queue;
	sock->sk->sk_tsflags = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
			       SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
	last = ts->snd_nxt + 1999;
	KUNIT_ASSERT_EQ(test, sim_write(sock, 0, 2000), 2000);
	sim_inbox_clear();
	skb = marked(ts);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_TRUE(test, seq_after(TOYTCP_CB(skb)->end_seq, last));
	KUNIT_EXPECT_TRUE(test, seq_leq(TOYTCP_CB(skb)->seq, last));
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->tskey, last);
	ack(&p, 100);
	ack(&p, 1000);
	/* timeouts cut the rest anew */
	sim_run(5 * USEC_PER_SEC);
	KUNIT_EXPECT_GT(test, ts->total_retrans, 0);
	ack(&p, 899);
	KUNIT_EXPECT_NOT_NULL(test, marked(ts));
	KUNIT_EXPECT_EQ(test, skb_queue_len(queue), 0);
	ack(&p, 1);
	KUNIT_ASSERT_EQ(test, skb_queue_len(queue), 1);
	skb = skb_peek(queue);
	KUNIT_EXPECT_EQ(test, SKB_EXT_ERR(skb)->ee.ee_info, SCM_TSTAMP_ACK);
	KUNIT_EXPECT_EQ(test, SKB_EXT_ERR(skb)->ee.ee_data, last);
	KUNIT_EXPECT_EQ(test, last - (u32)atomic_read(&sock->sk->sk_tskey), 1999);
	skb_queue_purge(queue);
}

/* two writes that wait, and how many buffers and stamps they make */
static void two_writes(struct kunit *test, bool records, u32 expected)
{
	struct toytcp_sock *ts;
	struct socket *sock;
	struct sim_peer p;

	sock = connected(test, &p);
	ts = sim_ts(sock);
	sock->sk->sk_tsflags = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
			       SOF_TIMESTAMPING_OPT_TSONLY;
	sim_set_option(test, sock, TCP_NODELAY, 0);
	sim_set_option(test, sock, TCP_CORK, 1);
	KUNIT_ASSERT_EQ(test, sim_write(sock, 0, 100), 100);
	if (records) {
		lock_sock(sock->sk);
		toytcp_sendq_end_record(sock->sk);
		release_sock(sock->sk);
	}
	KUNIT_ASSERT_EQ(test, sim_write(sock, 100, 100), 100);
	sim_set_option(test, sock, TCP_NODELAY, 1);
	sim_set_option(test, sock, TCP_CORK, 0);
	KUNIT_EXPECT_EQ(test, ts->packets_out, expected);
	ack(&p, 200);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&sock->sk->sk_error_queue), expected);
	skb_queue_purge(&sock->sk->sk_error_queue);
}

/* a write that is added to a waiting one takes its stamp over */
static void stamp_write__added(struct kunit *test)
{
	two_writes(test, false, 1);
}

/* MSG_EOR keeps them apart */
static void stamp_write__records(struct kunit *test)
{
	two_writes(test, true, 2);
}

/* a write without a stamp is not added to one whose stamp is the device's to give */
static void stamp_keep__unstamped(struct kunit *test)
{
	struct sk_buff *skb;
	struct socket *sock;
	struct sim_peer p;

	sock = connected(test, &p);
	sim_set_option(test, sock, TCP_NODELAY, 0);
	sim_set_option(test, sock, TCP_CORK, 1);
	sock->sk->sk_tsflags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	KUNIT_ASSERT_EQ(test, sim_write(sock, 0, 100), 100);
	KUNIT_ASSERT_EQ(test, sim_write(sock, 100, 100), 100);
	sock->sk->sk_tsflags = 0;
	KUNIT_ASSERT_EQ(test, sim_write(sock, 200, 100), 100);
	KUNIT_ASSERT_EQ(test, sim_write(sock, 300, 100), 100);
	/* what is behind the first buffer has it leave, corked or not */
	KUNIT_ASSERT_EQ(test, sim_ts(sock)->packets_out, 1);
	skb = rb_to_skb(rb_first(&sim_ts(sock)->rtx_queue));
	KUNIT_EXPECT_EQ(test, skb->len, 200);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->tskey, TOYTCP_CB(skb)->end_seq - 1);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&sock->sk->sk_write_queue), 1);
	skb = skb_peek(&sock->sk->sk_write_queue);
	KUNIT_EXPECT_EQ(test, skb->len, 200);
	KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP, 0);
}

/* the last byte is acknowledged before the FIN that travels with it */
static void stamp_acked__before_fin(struct kunit *test)
{
	struct sk_buff_head *queue;
	struct socket *sock;
	struct sim_peer p;

	sock = connected(test, &p);
	queue = &sock->sk->sk_error_queue;
	sock->sk->sk_tsflags = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE |
			       SOF_TIMESTAMPING_OPT_TSONLY;
	sim_set_option(test, sock, TCP_NODELAY, 0);
	sim_set_option(test, sock, TCP_CORK, 1);
	KUNIT_ASSERT_EQ(test, sim_write(sock, 0, 100), 100);
	KUNIT_ASSERT_EQ(test, kernel_sock_shutdown(sock, SHUT_WR), 0);
	ack(&p, 99);
	KUNIT_EXPECT_EQ(test, skb_queue_len(queue), 0);
	ack(&p, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(queue), 1);
	ack(&p, 1);
	KUNIT_EXPECT_EQ(test, skb_queue_len(queue), 1);
	skb_queue_purge(queue);
}

static struct kunit_case stamp_cases[] = {
	KUNIT_CASE(stamp_acked__through_loss),
	KUNIT_CASE(stamp_write__added),
	KUNIT_CASE(stamp_write__records),
	KUNIT_CASE(stamp_keep__unstamped),
	KUNIT_CASE(stamp_acked__before_fin),
	{}
};

static struct kunit_suite stamp_suite = {
	.name = "toytcp_stamp",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = stamp_cases,
};

kunit_test_suites(&stamp_suite);
