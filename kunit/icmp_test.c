// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/icmp.c, and of what reacts to it.
 */
#include <kunit/test.h>
#include <linux/icmp.h>
#include <linux/net.h>

#include "../module/icmp.h"
#include "../module/ipv4.h"
#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

struct hit {
	struct socket *listener, *sock;
	struct sim_peer p;
	struct toytcp_sock *ts;
};

static void open(struct kunit *test, struct hit *o)
{
	memset(o, 0, sizeof(*o));
	sim_peer_init(&o->p, SIM_PORT_A);
	o->listener = sim_listen(test, SIM_PORT_A, 4);
	o->sock = sim_peer_connects(test, &o->p, o->listener);
	o->ts = sim_ts(o->sock);
}

/* an error that quotes sequence number @seq of A's connection with the peer */
static void icmp(u8 type, u8 code, int err, u32 seq, u32 mtu)
{
	struct toytcp_flow_key key = {
		.laddr = htonl(SIM_A), .faddr = htonl(SIM_PEER),
		.lport = htons(SIM_PORT_A), .fport = htons(SIM_PORT_PEER),
	};
	struct toytcp_icmp msg = {
		.type = type, .code = code, .err = err, .seq = seq,
		.mtu = mtu, .ttl = 60,
	};

	local_bh_disable();
	rcu_read_lock();
	toytcp_icmp_rcv(&init_net, &key, &msg);
	rcu_read_unlock();
	local_bh_enable();
}

static void dest_unreach(u8 code, int err, u32 seq)
{
	icmp(ICMP_DEST_UNREACH, code, err, seq, 0);
}

static void frag_needed(u32 seq, u32 mtu)
{
	icmp(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, EMSGSIZE, seq, mtu);
}

static struct socket *connecting(struct kunit *test)
{
	struct socket *sock = sim_socket(test);

	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, SIM_PORT_A), 0);
	KUNIT_ASSERT_EQ(test, sim_connect(sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
	return sock;
}

/* ---- an attempt ---- */

static void rcv_sock__attempt_fails(struct kunit *test)
{
	struct socket *sock = connecting(test);

	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, sim.isn);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(sock), EHOSTUNREACH);
	KUNIT_EXPECT_EQ(test, sim.queued_errors, 1);
}

/* RFC 5927 4.1: who does not know our sequence number ends nothing */
static void rcv_sock__attempt_other_number(struct kunit *test)
{
	struct socket *sock = connecting(test);
	u64 before = sim_counted(TOYTCP_MIB_OUT_OF_WINDOW_ICMPS);

	dest_unreach(ICMP_PORT_UNREACH, ECONNREFUSED, sim.isn - 1);
	dest_unreach(ICMP_PORT_UNREACH, ECONNREFUSED, sim.isn + 2);
	KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_SYN_SENT);
	KUNIT_EXPECT_EQ(test, sim.queued_errors, 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_OUT_OF_WINDOW_ICMPS), before + 2);
}

/* a request is dropped where there is no path, in silence */
static void rcv_req__dropped(struct kunit *test)
{
	struct socket *listener = sim_listen(test, SIM_PORT_A, 4);
	struct sim_peer p;

	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_send(&p, TOYTCP_SYN, 0);
	sim_inbox_clear();
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, sim.isn + 1);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 1);
	/* a port that is unreachable is no missing path */
	dest_unreach(ICMP_PORT_UNREACH, ECONNREFUSED, sim.isn);
	frag_needed(sim.isn, 576);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 1);
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, sim.isn);
	KUNIT_EXPECT_EQ(test, sim_ts(listener)->listener->req_count, 0);
	KUNIT_EXPECT_EQ(test, sim_error(listener), 0);
	SIM_EXPECT_NONE(test);
}

static void rcv_tw__ignored(struct kunit *test)
{
	struct hit o;

	open(test, &o);
	sim_close(o.sock);
	sim_inbox_clear();
	o.p.rcv_nxt++;
	sim_peer_send(&o.p, TOYTCP_ACK | TOYTCP_FIN, 0);
	sim_inbox_clear();
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 1);
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.p.rcv_nxt - 1);
	frag_needed(o.p.rcv_nxt - 1, 100);
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->tw_count), 1);
	SIM_EXPECT_NONE(test);
}

/* ---- a connection ---- */

struct soft_param {
	const char *name;
	u8 type, code;
	int err;
};

static const struct soft_param softs[] = {
	{ "net", ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ENETUNREACH },
	{ "host", ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, EHOSTUNREACH },
	{ "protocol", ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, ENOPROTOOPT },
	{ "port", ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ECONNREFUSED },
	{ "prohibited", ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, EHOSTUNREACH },
	{ "time exceeded", ICMP_TIME_EXCEEDED, 0, EHOSTUNREACH },
	{ "parameter problem", ICMP_PARAMETERPROB, 0, EPROTO },
};

static void soft_desc(const struct soft_param *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(soft, softs, soft_desc);

/* remembered, and told when the connection times out; never before */
static void rcv_sock__soft(struct kunit *test)
{
	const struct soft_param *param = test->param_value;
	struct hit o;

	open(test, &o);
	toytcp_net(&init_net)->sysctl.retries2 = 3;
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	sim_run(100 * SIM_MS);
	icmp(param->type, param->code, param->err, o.ts->snd_una, 0);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), 0);
	sim_run(60 * SIM_S);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), param->err);
}

/* the next acceptable ACK shows that it passed */
static void rcv_sock__soft_forgotten(struct kunit *test)
{
	struct hit o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, EHOSTUNREACH);
	o.p.rcv_nxt += 100;
	sim_peer_send(&o.p, TOYTCP_ACK, 0);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, 0);
}

/* IP_RECVERR: told at once; the connection lives on */
static void rcv_sock__recverr(struct kunit *test)
{
	struct hit o;
	int on = 1;

	open(test, &o);
	KUNIT_ASSERT_EQ(test, o.sock->ops->setsockopt(o.sock, IPPROTO_IP, IP_RECVERR,
						      KERNEL_SOCKPTR(&on), sizeof(on)), 0);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, sim_error(o.sock), EHOSTUNREACH);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_state, TCP_ESTABLISHED);
	o.p.rcv_nxt += 100;
	sim_peer_send(&o.p, TOYTCP_ACK, 10);
	KUNIT_EXPECT_EQ(test, sim_read_check(o.sock, 0, 100), 10);
}

/* the window of numbers that count: both edges, and one beyond each */
static void rcv_sock__window(struct kunit *test)
{
	struct hit o;
	u64 before;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	before = sim_counted(TOYTCP_MIB_OUT_OF_WINDOW_ICMPS);
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_una - 1);
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_nxt + 1);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, 0);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_OUT_OF_WINDOW_ICMPS), before + 2);
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_nxt);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, ENETUNREACH);
}

/* RFC 5082: the quoted segment lost too many hops */
static void rcv_sock__min_ttl(struct kunit *test)
{
	struct hit o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	inet_sk(o.sock->sk)->min_ttl = 61;
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, 0);
	inet_sk(o.sock->sk)->min_ttl = 60;
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, ENETUNREACH);
	inet_sk(o.sock->sk)->min_ttl = 0;
}

/* ---- path MTU ---- */

static void too_big__sent_again(struct kunit *test)
{
	u32 at = 1, was;
	const struct sim_seg *seg;
	struct hit o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 2 * 1460), 2 * 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1, 1460);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1461, 1, 1460);
	was = o.ts->cong.cwnd_segs;
	/* a guess first */
	frag_needed(o.ts->snd_nxt + 1, 600);
	SIM_EXPECT_NONE(test);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 1460);
	frag_needed(o.ts->snd_una, 1040);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 1000);
	/* all of it, at once, in pieces that fit */
	while ((seg = sim_next())) {
		KUNIT_EXPECT_EQ(test, seg->seq - o.p.irs, at);
		KUNIT_EXPECT_LE(test, seg->len, 1000);
		at += seg->len;
	}
	KUNIT_EXPECT_EQ(test, at, 2 * 1460 + 1);
	/* it is no congestion, and never raises */
	KUNIT_EXPECT_GE(test, o.ts->cong.cwnd_segs, was);
	frag_needed(o.ts->snd_una, 1400);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 1000);
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
}

/* a program holds the lock: acted on when it lets go, others are counted */
static void rcv_sock__lock_owned(struct kunit *test)
{
	u64 before = sim_counted(TOYTCP_MIB_LOCK_DROPPED_ICMPS);
	struct hit o;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 1460), 1460);
	lock_sock(o.sock->sk);
	dest_unreach(ICMP_NET_UNREACH, ENETUNREACH, o.ts->snd_una);
	frag_needed(o.ts->snd_una, 1040);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 1460);
	KUNIT_EXPECT_EQ(test, o.sock->sk->sk_err_soft, ENETUNREACH);
	release_sock(o.sock->sk);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 1000);
	KUNIT_EXPECT_EQ(test, sim_counted(TOYTCP_MIB_LOCK_DROPPED_ICMPS), before + 1);
}

/* net.toytcp.min_snd_mss is below all that a peer or a router can say */
static void mss_limit__floor(struct kunit *test)
{
	struct hit o;

	open(test, &o);
	toytcp_net(&init_net)->sysctl.min_snd_mss = 500;
	frag_needed(o.ts->snd_una, 68);
	KUNIT_EXPECT_EQ(test, o.ts->mss, 500);
}

/* ---- RFC 6069 ---- */

static void revert__back_off(struct kunit *test)
{
	struct hit o;
	u64 rto;

	open(test, &o);
	KUNIT_EXPECT_EQ(test, sim_write(o.sock, 0, 100), 100);
	/* before the first timeout there is nothing to take back */
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.backoff, 0);
	while (o.ts->rtt.backoff < 4)
		KUNIT_ASSERT_TRUE(test, sim_step());
	rto = toytcp_rtt_timeout_us(&o.ts->rtt);
	/* of another segment: no news of this one */
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una + 1);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.backoff, 4);
	/* a full queue or a firewall is not a broken path */
	dest_unreach(ICMP_PKT_FILTERED, EHOSTUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.backoff, 4);
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una);
	KUNIT_EXPECT_EQ(test, o.ts->rtt.backoff, 3);
	KUNIT_EXPECT_EQ(test, o.ts->timer_rtx.expires_us, sim.now_us + rto / 2);
	/* the shorter time is over already: sent again now */
	sim_run(rto / 4 + 1);
	sim_inbox_clear();
	dest_unreach(ICMP_HOST_UNREACH, EHOSTUNREACH, o.ts->snd_una);
	SIM_EXPECT(test, &o.p, TOYTCP_ACK, 1, 1, 100);
	KUNIT_EXPECT_PTR_EQ(test, (void *)sim_check(o.sock->sk), NULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(rcv_sock__attempt_fails),
	KUNIT_CASE(rcv_sock__attempt_other_number),
	KUNIT_CASE(rcv_req__dropped),
	KUNIT_CASE(rcv_tw__ignored),
	KUNIT_CASE_PARAM(rcv_sock__soft, soft_gen_params),
	KUNIT_CASE(rcv_sock__soft_forgotten),
	KUNIT_CASE(rcv_sock__recverr),
	KUNIT_CASE(rcv_sock__window),
	KUNIT_CASE(rcv_sock__min_ttl),
	KUNIT_CASE(too_big__sent_again),
	KUNIT_CASE(rcv_sock__lock_owned),
	KUNIT_CASE(mss_limit__floor),
	KUNIT_CASE(revert__back_off),
	{}
};

static struct kunit_suite suite = {
	.name = "toytcp_icmp",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
