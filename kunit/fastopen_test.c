// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/fastopen.c and fastopen_net.c, and of what the rest of the
 * engine does for them: Fast Open's handshakes, whole and broken, both sides.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/tcp.h>
#include <net/tcp.h>

#include "../module/fastopen.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

#define SERVER	TFO_SERVER_ENABLE
#define COOKIE	8	/* bytes of ours */

/* ---- passive ---- */

static struct socket *fast_listener(struct kunit *test, int max)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 16);

	sim_sysctl()->fastopen = SERVER;
	sim_set_option(test, listener, TCP_FASTOPEN, max);
	return listener;
}

static u32 pending(struct socket *listener)
{
	return sim_ts(listener)->listener->fastopen.count;
}

static void peer_init(struct sim_peer *p, u16 port)
{
	sim_peer_init(p, SIM_PORT_A);
	p->port = port;
	p->syn.has_ts = 1;
	p->syn.sack_perm = 1;
	p->ts = true;
	p->syn.has_fastopen = 1;
}

/* a SYN, and what the SYN-ACK says; @acked: how much of it is acknowledged */
static const struct sim_seg *syn(struct kunit *test, struct sim_peer *p, u32 len, u32 acked)
{
	const struct sim_seg *seg;

	sim_peer_send(p, TOYTCP_SYN, len);
	seg = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_SYN | TOYTCP_ACK);
	KUNIT_EXPECT_EQ(test, seg->ack - p->iss, 1 + acked);
	p->irs = seg->seq;
	p->rcv_nxt = seg->seq + 1;
	p->tsecr = seg->opt.tsval;
	SIM_EXPECT_NONE(test);
	return seg;
}

/* the cookie for p's address; the request that brought it comes to its end */
static void get_cookie(struct kunit *test, struct sim_peer *p, u16 port)
{
	const struct sim_seg *synack;

	peer_init(p, port);
	synack = syn(test, p, 0, 0);
	KUNIT_ASSERT_TRUE(test, synack->opt.has_fastopen);
	KUNIT_ASSERT_EQ(test, synack->opt.fastopen_len, COOKIE);
	peer_init(p, port);
	p->syn.fastopen_len = COOKIE;
	memcpy(p->syn.fastopen, synack->opt.fastopen, COOKIE);
	p->snd_nxt++;
	sim_peer_send(p, TOYTCP_RST, 0);
	p->snd_nxt = p->iss;
}

/* a child of a SYN with @len bytes, accepted */
static struct socket *fast_child(struct kunit *test, struct socket *listener, struct sim_peer *p,
				 u16 port, u32 len)
{
	struct socket *child;

	p->port = port;
	p->snd_nxt = p->iss;
	KUNIT_EXPECT_FALSE(test, syn(test, p, len, len)->opt.has_fastopen);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_SYN_RECV);
	return child;
}

/* a cookie is asked for, given, brought back: data before the handshake's end */
static void passive__cookie_and_data(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	u64 asked = sim_counted(TOYTCP_MIB_FASTOPEN_COOKIE_REQD);
	u64 passive = sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE);
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_COOKIE_REQD), asked + 1);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 0);

	child = fast_child(test, listener, &p, 2001, 1000);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE), passive + 1);
	KUNIT_EXPECT_EQ(test, pending(listener), 1);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 600), 600);
	KUNIT_EXPECT_TRUE(test, sim_ts(child)->syn_data_acked);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(child->sk), NULL);

	/* the handshake's end, with more data */
	sim_run(10 * SIM_MS);
	sim_peer_send(&p, TOYTCP_ACK, 200);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1201, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 600, 1000), 600);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->rtt.srtt_us8 >> 3, 10000);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->bytes_acked, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->bytes_received, 1200);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(child->sk), NULL);
}

/* a SYN without data, but with a cookie: the program may speak first */
static void passive__answers_before_the_handshake(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 10), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, child->ops->poll(NULL, child, NULL) ==
				(EPOLLOUT | EPOLLWRNORM));
	KUNIT_EXPECT_EQ(test, sim_write(child, 0, 2000), 2000);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 1448);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1449, 1, 552);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(child->sk), NULL);
	/* one ACK for all of it */
	p.rcv_nxt += 2000;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->packets_out, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->bytes_acked, 2000);
	KUNIT_EXPECT_FALSE(test, toytcp_timer_pending(&sim_ts(child)->timer_rtx));
}

/* the SYN-ACK alone is sent again, data wait; its cookie is said once */
static void passive__synack_again(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;
	int i;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 500);
	KUNIT_EXPECT_EQ(test, sim_write(child, 0, 100), 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 501, 100);
	for (i = 0; i < 6; i++) {
		const struct sim_seg *seg;

		sim_run((SIM_S << i) - 1);
		SIM_EXPECT_NONE(test);
		sim_run(1);
		seg = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, seg);
		KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_SYN | TOYTCP_ACK);
		KUNIT_EXPECT_EQ(test, seg->seq, p.irs);
		KUNIT_EXPECT_EQ(test, seg->ack - p.iss, 501);
		KUNIT_EXPECT_EQ(test, seg->len, 0);
		SIM_EXPECT_NONE(test);
	}
	/* one more than a request's */
	sim_run(64 * SIM_S);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(child), ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
}

/* the peer's SYN again, with or without its data: the SYN-ACK again */
static void passive__syn_again(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 500);
	sim_run(SIM_MS);
	p.snd_nxt = p.iss;
	p.syn.has_fastopen = 0;
	p.syn.fastopen_len = 0;
	sim_peer_send(&p, TOYTCP_SYN, 0);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 501, 0);
	/* not without end */
	p.snd_nxt = p.iss;
	sim_peer_send(&p, TOYTCP_SYN, 500);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_SYN_RECV);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 500);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(child->sk), NULL);
	/* established, a SYN is suspicious */
	sim_run(SIM_S);
	p.snd_nxt = p.iss;
	sim_peer_send(&p, TOYTCP_SYN, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 501, 0);
}

/* data that were lost while the SYN-ACK was on its way follow the handshake */
static void passive__data_lost(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 500);
	KUNIT_EXPECT_EQ(test, sim_write(child, 0, 100), 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 501, 100);
	sim_run(20 * SIM_MS);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	SIM_EXPECT_NONE(test);
	sim_run(400 * SIM_MS);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 501, 100);
	p.rcv_nxt += 100;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(child)->packets_out, 0);
	sim_inbox_clear();
}

/* a cookie that is not ours: the usual handshake, and the right one in its SYN-ACK */
static void passive__wrong_cookie(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	u64 failed = sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL);
	const struct sim_seg *seg;
	u8 right[COOKIE];
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	memcpy(right, p.syn.fastopen, COOKIE);
	p.port = 2001;
	p.syn.fastopen[3] ^= 0x10;
	seg = syn(test, &p, 500, 0);
	KUNIT_EXPECT_EQ(test, seg->opt.fastopen_len, COOKIE);
	KUNIT_EXPECT_MEMEQ(test, seg->opt.fastopen, right, COOKIE);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL), failed + 1);
	KUNIT_EXPECT_NULL(test, sim_accept(listener));
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 1);
	/* the data come again with the ACK */
	p.snd_nxt = p.iss + 1;
	sim_peer_send(&p, TOYTCP_ACK, 500);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 500);
	sim_inbox_clear();

	/* of another length, or none: not ours either */
	peer_init(&p, 2002);
	p.syn.fastopen_len = 16;
	memcpy(p.syn.fastopen, right, COOKIE);
	KUNIT_EXPECT_TRUE(test, syn(test, &p, 500, 0)->opt.has_fastopen);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL), failed + 2);
	peer_init(&p, 2003);
	p.syn.has_fastopen = 0;
	KUNIT_EXPECT_FALSE(test, syn(test, &p, 500, 0)->opt.has_fastopen);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_FAIL), failed + 2);
}

/* the listener's limit; a reset child counts for a minute if it was accepted */
static void passive__limit(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 1), *child;
	u64 over = sim_counted(TOYTCP_MIB_FASTOPEN_LISTEN_OVERFLOW);
	struct sim_peer p, q;

	get_cookie(test, &p, 2000);
	q = p;
	child = fast_child(test, listener, &p, 2001, 10);
	q.port = 2002;
	KUNIT_EXPECT_FALSE(test, syn(test, &q, 10, 0)->opt.has_fastopen);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_LISTEN_OVERFLOW), over + 1);

	sim_peer_send(&p, TOYTCP_RST, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 100), 10);
	KUNIT_EXPECT_EQ(test, sim_error(child), ECONNRESET);
	KUNIT_EXPECT_EQ(test, pending(listener), 1);
	sim_run(59 * SIM_S);
	sim_inbox_clear();
	q.port = 2003;
	q.snd_nxt = q.iss;
	KUNIT_EXPECT_FALSE(test, syn(test, &q, 10, 0)->opt.has_fastopen);
	sim_run(SIM_S);
	sim_inbox_clear();
	q.tsecr = 0;
	fast_child(test, listener, &q, 2004, 10);
	KUNIT_EXPECT_EQ(test, pending(listener), 1);
}

/* reset before accept(): the child can be accepted, and says so; nothing counts */
static void passive__reset_before_accept(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 1), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	p.port = 2001;
	syn(test, &p, 10, 10);
	/* a guess at the sequence number is none */
	p.snd_nxt += 5;
	sim_peer_send(&p, TOYTCP_RST, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 11, 0);
	p.snd_nxt -= 5;
	KUNIT_EXPECT_EQ(test, pending(listener), 1);
	sim_peer_send(&p, TOYTCP_RST, 0);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 100), 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 10, 100), -ECONNRESET);
}

/* close() before the handshake's end: a FIN, and the SYN-ACK still goes again */
static void passive__close_first(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 100);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 100), 100);
	KUNIT_EXPECT_EQ(test, sim_write(child, 0, 50), 50);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 101, 50);
	sim_close(child);
	SIM_EXPECT(test, &p, TOYTCP_FIN | TOYTCP_ACK, 51, 101, 0);
	KUNIT_EXPECT_EQ(test, pending(listener), 1);
	sim_run(SIM_S);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 101, 0);
	p.rcv_nxt += 51;
	sim_peer_send(&p, TOYTCP_ACK | TOYTCP_FIN, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 52, 102, 0);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
}

/* unread data at close(): a reset, and the place is free */
static void passive__close_with_unread_data(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	child = fast_child(test, listener, &p, 2001, 100);
	sim_close(child);
	SIM_EXPECT(test, &p, TOYTCP_RST | TOYTCP_ACK, 1, 101, 0);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
}

/* the listener goes: who was accepted stays, who was not is reset */
static void passive__listener_closes(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *child;
	struct sim_peer p, q;

	get_cookie(test, &p, 2000);
	q = p;
	child = fast_child(test, listener, &p, 2001, 100);
	q.port = 2002;
	syn(test, &q, 100, 100);
	sim_close(listener);
	SIM_EXPECT(test, &q, TOYTCP_RST | TOYTCP_ACK, 1, 101, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 100);
}

/* what a host is that does not want it: of a SYN nothing but the SYN counts */
static void passive__off(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4);
	const struct sim_seg *seg;
	struct sim_peer p;

	get_cookie(test, &p, 2000);
	sim_sysctl()->fastopen = TFO_CLIENT_ENABLE;
	p.port = 2001;
	KUNIT_EXPECT_FALSE(test, syn(test, &p, 100, 0)->opt.has_fastopen);
	sim_sysctl()->fastopen = SERVER;
	sim_set_option(test, listener, TCP_FASTOPEN, 0);
	p.port = 2002;
	p.snd_nxt = p.iss;
	KUNIT_EXPECT_FALSE(test, syn(test, &p, 100, 0)->opt.has_fastopen);
	sim_set_option(test, listener, TCP_FASTOPEN, 4);
	/* a SYN cookie has no memory of the other kind */
	sim_sysctl()->syncookies = 2;
	p.port = 2003;
	p.snd_nxt = p.iss;
	seg = syn(test, &p, 100, 0);
	KUNIT_EXPECT_FALSE(test, seg->opt.has_fastopen);
	KUNIT_EXPECT_EQ(test, pending(listener), 0);
}

/* data without a cookie: by namespace, by listener; and without TCP_FASTOPEN */
static void passive__without_cookie(struct kunit *test)
{
	struct socket *listener = fast_listener(test, 4), *other;
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	sim_sysctl()->fastopen = SERVER | TFO_SERVER_COOKIE_NOT_REQD;
	fast_child(test, listener, &p, 2001, 100);
	sim_sysctl()->fastopen = SERVER;
	p.port = 2002;
	p.snd_nxt = p.iss;
	syn(test, &p, 100, 0);
	sim_set_option(test, listener, TCP_FASTOPEN_NO_COOKIE, 1);
	fast_child(test, listener, &p, 2003, 100);

	sim_sysctl()->fastopen = SERVER | TFO_SERVER_WO_SOCKOPT1;
	other = sim_listen(test, SIM_PORT_A + 7, 3);
	KUNIT_EXPECT_EQ(test, sim_ts(other)->listener->fastopen.max, 3);
}

/* a new key, the old one behind it: old cookies are good, and replaced */
static void passive__second_key(struct kunit *test)
{
	static const u8 keys[2][TOYTCP_FASTOPEN_KEY] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct socket *listener = fast_listener(test, 4);
	u64 alt = sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_ALT_KEY);
	const struct sim_seg *seg;
	struct sim_peer p;
	u8 both[2 * TOYTCP_FASTOPEN_KEY];

	KUNIT_ASSERT_EQ(test, listener->ops->setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN_KEY,
							KERNEL_SOCKPTR((void *)keys[0]),
							TOYTCP_FASTOPEN_KEY), 0);
	get_cookie(test, &p, 2000);
	fast_child(test, listener, &p, 2001, 10);
	memcpy(both, keys[1], TOYTCP_FASTOPEN_KEY);
	memcpy(both + TOYTCP_FASTOPEN_KEY, keys[0], TOYTCP_FASTOPEN_KEY);
	KUNIT_ASSERT_EQ(test, listener->ops->setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN_KEY,
							KERNEL_SOCKPTR(both), sizeof(both)), 0);
	p.port = 2002;
	p.snd_nxt = p.iss;
	seg = syn(test, &p, 10, 10);
	KUNIT_EXPECT_EQ(test, seg->opt.fastopen_len, COOKIE);
	KUNIT_EXPECT_NE(test, memcmp(seg->opt.fastopen, p.syn.fastopen, COOKIE), 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_PASSIVE_ALT_KEY), alt + 1);
	KUNIT_EXPECT_NOT_NULL(test, sim_accept(listener));
	memcpy(p.syn.fastopen, seg->opt.fastopen, COOKIE);
	fast_child(test, listener, &p, 2003, 10);
}

/* ---- active ---- */

static struct socket *opener(struct kunit *test)
{
	struct socket *sock = sim_socket(test);

	sim_sysctl()->fastopen = TFO_CLIENT_ENABLE;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A), 0);
	return sock;
}

/* sendto(MSG_FASTOPEN) */
static int open_with(struct socket *sock, u32 len)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(SIM_PEER),
		.sin_port = htons(SIM_PORT_PEER),
	};
	struct msghdr msg = {
		.msg_flags = MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
		.msg_name = &sin, .msg_namelen = sizeof(sin),
	};
	struct kvec vec = { .iov_base = (void *)sim_bytes(0), .iov_len = len };

	return kernel_sendmsg(sock, &msg, &vec, 1, len);
}

static const u8 cookie[COOKIE] = { 9, 8, 7, 6, 5, 4, 3, 2 };

/* the SYN in the inbox; p answers what it says */
static const struct sim_seg *their_syn(struct kunit *test, struct sim_peer *p, u32 len)
{
	const struct sim_seg *seg = sim_next();

	KUNIT_ASSERT_NOT_NULL(test, seg);
	KUNIT_EXPECT_EQ(test, seg->flags, TOYTCP_SYN);
	KUNIT_EXPECT_EQ(test, seg->len, len);
	SIM_EXPECT_NONE(test);
	sim_peer_init(p, SIM_PORT_A);
	p->irs = seg->seq;
	p->rcv_nxt = seg->seq + 1;
	return seg;
}

static void give_cookie(struct sim_peer *p)
{
	p->syn.has_fastopen = 1;
	p->syn.fastopen_len = COOKIE;
	memcpy(p->syn.fastopen, cookie, COOKIE);
}

/* an open that brings the cookie, and nothing else */
static void learn_cookie(struct kunit *test, u16 mss)
{
	struct socket *sock = opener(test);
	const struct sim_seg *seg;
	struct sim_peer p;

	KUNIT_EXPECT_EQ(test, open_with(sock, 100), -EINPROGRESS);
	seg = their_syn(test, &p, 0);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_fastopen);
	KUNIT_EXPECT_EQ(test, seg->opt.fastopen_len, 0);
	give_cookie(&p);
	p.syn.mss = mss;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
	KUNIT_EXPECT_EQ(test, (u8)sim_ts(sock)->fastopen_client_fail, TFO_COOKIE_UNAVAILABLE);
	KUNIT_EXPECT_FALSE(test, sim_ts(sock)->syn_data_acked);
	sim_abort(sock);
	sim_inbox_clear();
}

/* the second time, the SYN brings data */
static void active__cookie_and_data(struct kunit *test)
{
	u64 active = sim_counted(TOYTCP_MIB_FASTOPEN_ACTIVE);
	const struct sim_seg *seg;
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 1460);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 1000), 1000);
	seg = their_syn(test, &p, 1000);
	KUNIT_EXPECT_EQ(test, seg->opt.fastopen_len, COOKIE);
	KUNIT_EXPECT_MEMEQ(test, seg->opt.fastopen, cookie, COOKIE);
	KUNIT_EXPECT_MEMEQ(test, seg->data, sim_bytes(0), 1000);
	p.rcv_nxt += 1000;
	sim_run(10 * SIM_MS);
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1001, 1, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_TRUE(test, sim_ts(sock)->syn_data_acked);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->packets_out, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->bytes_acked, 1001);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->delivered, 1);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->cong.cwnd_segs, 10);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_ACTIVE), active + 1);
	/* and goes on like any */
	KUNIT_EXPECT_EQ(test, sim_write(sock, 1000, 100), 100);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1001, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(sock->sk), NULL);
}

/* of a long message the SYN has what fits: the peer's MSS of last time, less options */
static void active__fills_the_syn(struct kunit *test)
{
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 940);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 4000), 900);
	their_syn(test, &p, 900);
	/* the SYN-ACK may take less; its own text is read at once */
	p.rcv_nxt += 300;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 20);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 301, 1, 600);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 901, 21, 0);
	KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 100), 20);
	p.rcv_nxt = p.irs + 901;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->packets_out, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->cong.cwnd_segs, 10);
}

/* the SYN alone is acknowledged: the data follow at once, with the ACK */
static void active__data_refused(struct kunit *test)
{
	u64 failed = sim_counted(TOYTCP_MIB_FASTOPEN_ACTIVE_FAIL);
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 1460);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 1000), 1000);
	their_syn(test, &p, 1000);
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 1000);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, (u8)sim_ts(sock)->fastopen_client_fail, TFO_DATA_NOT_ACKED);
	KUNIT_EXPECT_FALSE(test, sim_ts(sock)->syn_data_acked);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_ACTIVE_FAIL), failed + 1);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(sock->sk), NULL);
	p.rcv_nxt += 1000;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->recovery, TOYTCP_OPEN);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->cong.cwnd_segs, 10);
}

/* the SYN is lost: it goes again without data and option, the data after it */
static void active__syn_lost(struct kunit *test)
{
	const struct sim_seg *seg;
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 1460);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 1000), 1000);
	their_syn(test, &p, 1000);
	sim_run(SIM_S);
	seg = their_syn(test, &p, 0);
	KUNIT_EXPECT_FALSE(test, seg->opt.has_fastopen);
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 1000);
	KUNIT_EXPECT_EQ(test, (u8)sim_ts(sock)->fastopen_client_fail, TFO_SYN_RETRANSMITTED);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(sock->sk), NULL);
	p.rcv_nxt += 1000;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->packets_out, 0);
}

/* a reset in answer: refused, like any */
static void active__refused(struct kunit *test)
{
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 1460);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 1000), 1000);
	their_syn(test, &p, 1000);
	sim_peer_send(&p, TOYTCP_RST | TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_error(sock), ECONNREFUSED);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_wmem_queued, 0);
}

/* SYN and SYN cross: the SYN-ACK is without data, which follow by their timer */
static void active__simultaneous(struct kunit *test)
{
	struct socket *sock;
	struct sim_peer p;

	learn_cookie(test, 1460);
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 1000), 1000);
	their_syn(test, &p, 1000);
	sim_peer_send(&p, TOYTCP_SYN, 0);
	SIM_EXPECT(test, &p, TOYTCP_SYN | TOYTCP_ACK, 0, 1, 0);
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
	sim_run(3 * SIM_S);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 1000);
	sim_inbox_clear();
	p.rcv_nxt += 1000;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, sim_ts(sock)->packets_out, 0);
}

/* TCP_FASTOPEN_CONNECT: with a cookie, connect() leaves the SYN to the first write */
static void active__deferred(struct kunit *test)
{
	struct socket *sock = opener(test);
	const struct sim_seg *seg;
	struct sim_peer p;

	/* without one it asks for it */
	sim_set_option(test, sock, TCP_FASTOPEN_CONNECT, 1);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	seg = their_syn(test, &p, 0);
	KUNIT_EXPECT_TRUE(test, seg->opt.has_fastopen);
	give_cookie(&p);
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	sim_abort(sock);
	sim_inbox_clear();

	sock = opener(test);
	sim_set_option(test, sock, TCP_FASTOPEN_CONNECT, 1);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), 0);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_TRUE(test, sock->ops->poll(NULL, sock, NULL) ==
				(EPOLLOUT | EPOLLWRNORM));
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EISCONN);
	/* nothing that comes before the SYN can be an answer */
	sim_peer_init(&p, SIM_PORT_A);
	p.rcv_nxt = sim.isn + 1;
	sim_peer_send(&p, TOYTCP_SYN, 0);
	p.snd_nxt = p.iss;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	sim_peer_send(&p, TOYTCP_RST | TOYTCP_ACK, 0);
	SIM_EXPECT_NONE(test);
	sim_run(10 * SIM_S);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, sim_write(sock, 0, 500), 500);
	their_syn(test, &p, 500);
	/* only once */
	KUNIT_EXPECT_EQ(test, sim_write(sock, 500, 500), -EAGAIN);
	p.rcv_nxt += 500;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	SIM_EXPECT(test, &p, TOYTCP_ACK, 501, 1, 0);
	KUNIT_EXPECT_TRUE(test, sim_ts(sock)->syn_data_acked);
	KUNIT_EXPECT_PTR_EQ(test, sim_check(sock->sk), NULL);
}

/* a deferred socket that is closed, or disconnected, was never there */
static void active__deferred_and_closed(struct kunit *test)
{
	struct socket *sock;
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	learn_cookie(test, 1460);
	sock = opener(test);
	sim_set_option(test, sock, TCP_FASTOPEN_CONNECT, 1);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), 0);
	KUNIT_EXPECT_EQ(test, kernel_connect(sock, &unspec, sizeof(unspec), 0), 0);
	KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), 0);
	sim_close(sock);
	SIM_EXPECT_NONE(test);
}

/* no cookie needed: data the first time, and no option */
static void active__without_cookie(struct kunit *test)
{
	struct socket *sock = opener(test);
	struct sim_peer p;

	sim_sysctl()->fastopen = TFO_CLIENT_ENABLE | TFO_CLIENT_NO_COOKIE;
	KUNIT_EXPECT_EQ(test, open_with(sock, 300), 300);
	KUNIT_EXPECT_FALSE(test, their_syn(test, &p, 300)->opt.has_fastopen);
	p.rcv_nxt += 300;
	/* a cookie that nobody asked for */
	give_cookie(&p);
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	KUNIT_EXPECT_TRUE(test, sim_ts(sock)->syn_data_acked);
	sim_abort(sock);
	sim_inbox_clear();
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 300), -EINPROGRESS);
	sim_abort(sock);
	sim_inbox_clear();

	sock = opener(test);
	sim_set_option(test, sock, TCP_FASTOPEN_NO_COOKIE, 1);
	KUNIT_EXPECT_EQ(test, open_with(sock, 300), 300);
	their_syn(test, &p, 300);
	sim_abort(sock);

	sock = opener(test);
	sim_sysctl()->fastopen = 0;
	KUNIT_EXPECT_EQ(test, open_with(sock, 300), -EOPNOTSUPP);
	SIM_EXPECT_NONE(test);
}

/* three timeouts in a row: off for the time said, then for twice that */
static void active__black_hole(struct kunit *test)
{
	u64 holes = sim_counted(TOYTCP_MIB_FASTOPEN_BLACKHOLE);
	struct socket *sock;
	struct sim_peer p;
	int i;

	sim_sysctl()->fastopen_blackhole_timeout_sec = 100;
	learn_cookie(test, 1460);
	for (i = 0; i < 2; i++) {
		sock = opener(test);
		KUNIT_EXPECT_EQ(test, open_with(sock, 300), 300);
		sim_run(6 * SIM_S);
		KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_BLACKHOLE), holes + i);
		sim_run(SIM_S);
		KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_FASTOPEN_BLACKHOLE), holes + i + 1);
		sim_abort(sock);
		sim_inbox_clear();

		sock = opener(test);
		KUNIT_EXPECT_EQ(test, open_with(sock, 300), -EINPROGRESS);
		KUNIT_EXPECT_FALSE(test, their_syn(test, &p, 0)->opt.has_fastopen);
		sim_abort(sock);
		sim_run((99 + 100 * i) * SIM_S);
		sock = opener(test);
		KUNIT_EXPECT_EQ(test, open_with(sock, 300), -EINPROGRESS);
		sim_abort(sock);
		sim_inbox_clear();
		sim_run(SIM_S);
	}
	/* a connection that brings data ends the suspicion */
	sock = opener(test);
	KUNIT_EXPECT_EQ(test, open_with(sock, 300), 300);
	their_syn(test, &p, 300);
	p.rcv_nxt += 300;
	sim_peer_send(&p, TOYTCP_SYN | TOYTCP_ACK, 0);
	sim_peer_send(&p, TOYTCP_ACK, 100);
	sim_abort(sock);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->fastopen.off_times), 0);
}

/* both ends ours: what the one sends, the other reads with the SYN */
static void both__data_and_answer(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_B, 4), *sock, *child;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(SIM_B),
		.sin_port = htons(SIM_PORT_B),
	};
	int i;

	sim_sysctl()->fastopen = TFO_CLIENT_ENABLE | SERVER;
	sim_set_option(test, listener, TCP_FASTOPEN, 4);
	sim.link[0].delay_us = 5000;
	sim.link[1].delay_us = 5000;
	for (i = 0; i < 2; i++) {
		struct msghdr msg = {
			.msg_flags = MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
			.msg_name = &sin, .msg_namelen = sizeof(sin),
		};
		struct kvec vec = { .iov_base = (void *)sim_bytes(0), .iov_len = 700 };

		sock = sim_socket(test);
		KUNIT_ASSERT_EQ(test, sim_bind(sock, SIM_A, SIM_PORT_A - i), 0);
		KUNIT_EXPECT_EQ(test, kernel_sendmsg(sock, &msg, &vec, 1, 700),
				i ? 700 : -EINPROGRESS);
		sim_run(5001);
		child = sim_accept(listener);
		KUNIT_EXPECT_EQ(test, !!child, i);
		if (child) {
			KUNIT_EXPECT_EQ(test, sim_read_check(child, 0, 1000), 700);
			KUNIT_EXPECT_EQ(test, sim_write(child, 0, 2000), 2000);
			/* SYN-ACK and answer in one round trip */
			sim_run(5001);
			KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 4000), 2000);
			sim_run(20 * SIM_MS);
			KUNIT_EXPECT_EQ(test, child->sk->sk_state, TCP_ESTABLISHED);
			KUNIT_EXPECT_EQ(test, sim_ts(child)->packets_out, 0);
		}
		sim_run(20 * SIM_MS);
		/* the first time, the child comes with the handshake's end */
		KUNIT_EXPECT_EQ(test, !!sim_accept(listener), !i);
		sim_abort(sock);
		sim_run(20 * SIM_MS);
	}
}

/* ---- the cache ---- */

static int cached(void)
{
	struct toytcp_fastopen_net *fn = &toytcp_net(&init_net)->fastopen;
	struct hlist_node *node;
	int i, n = 0;

	for (i = 0; i < TOYTCP_FASTOPEN_BUCKETS; i++)
		hlist_for_each(node, &fn->peers[i])
			n++;
	return n;
}

/* as many as there may be, and the latest are the ones that stay */
static void cache__bounded(struct kunit *test)
{
	struct toytcp_fastopen_cookie c = { .len = 4 }, got;
	struct toytcp_flow_key key = { .laddr = htonl(SIM_A) };
	const u32 n = 20000;
	u16 mss;
	u32 i;

	for (i = 0; i < n; i++) {
		key.faddr = htonl(i);
		c.data[0] = i;
		toytcp_fastopen_peer_set(&init_net, &key, 1000 + i % 400, &c);
		sim_run(1);
	}
	KUNIT_EXPECT_LE(test, cached(), TOYTCP_FASTOPEN_BUCKETS * TOYTCP_FASTOPEN_DEPTH);
	for (i = n - 64; i < n; i++) {
		key.faddr = htonl(i);
		mss = 1;
		toytcp_fastopen_peer_get(&init_net, &key, &mss, &got);
		KUNIT_EXPECT_EQ(test, mss, 1000 + i % 400);
		KUNIT_EXPECT_EQ(test, got.len, 4);
		KUNIT_EXPECT_EQ(test, got.data[0], (u8)i);
	}
	/* no cookie, no MSS: what was known stays */
	c.len = 0;
	toytcp_fastopen_peer_set(&init_net, &key, 0, &c);
	toytcp_fastopen_peer_get(&init_net, &key, &mss, &got);
	KUNIT_EXPECT_EQ(test, got.len, 4);
	KUNIT_EXPECT_EQ(test, mss, 1000 + (n - 1) % 400);
	/* another address of ours is another peer */
	key.laddr = htonl(SIM_B);
	toytcp_fastopen_peer_get(&init_net, &key, &mss, &got);
	KUNIT_EXPECT_EQ(test, got.len, 0);
}

/* each case begins with an empty cache and a key of its own */
static int fastopen_init(struct kunit *test)
{
	return sim_forget_peers() ?: sim_init(test);
}

static struct kunit_case fastopen_cases[] = {
	KUNIT_CASE(passive__cookie_and_data),
	KUNIT_CASE(passive__answers_before_the_handshake),
	KUNIT_CASE(passive__synack_again),
	KUNIT_CASE(passive__syn_again),
	KUNIT_CASE(passive__data_lost),
	KUNIT_CASE(passive__wrong_cookie),
	KUNIT_CASE(passive__limit),
	KUNIT_CASE(passive__reset_before_accept),
	KUNIT_CASE(passive__close_first),
	KUNIT_CASE(passive__close_with_unread_data),
	KUNIT_CASE(passive__listener_closes),
	KUNIT_CASE(passive__off),
	KUNIT_CASE(passive__without_cookie),
	KUNIT_CASE(passive__second_key),
	KUNIT_CASE(active__cookie_and_data),
	KUNIT_CASE(active__fills_the_syn),
	KUNIT_CASE(active__data_refused),
	KUNIT_CASE(active__syn_lost),
	KUNIT_CASE(active__refused),
	KUNIT_CASE(active__simultaneous),
	KUNIT_CASE(active__deferred),
	KUNIT_CASE(active__deferred_and_closed),
	KUNIT_CASE(active__without_cookie),
	KUNIT_CASE(active__black_hole),
	KUNIT_CASE(both__data_and_answer),
	KUNIT_CASE(cache__bounded),
	{}
};

static struct kunit_suite fastopen_suite = {
	.name = "toytcp_fastopen",
	.init = fastopen_init,
	.exit = sim_exit,
	.test_cases = fastopen_cases,
};

kunit_test_suites(&fastopen_suite);
