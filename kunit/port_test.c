// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/port.c: which ports connect() chooses, who may share one,
 * and of listeners that share (module/demux.c).
 */
#include <kunit/test.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock_reuseport.h>

#include "../module/netns.h"
#include "../module/port.h"
#include "sim.h"

static struct toytcp_flow_key to(u32 faddr, u16 fport)
{
	return (struct toytcp_flow_key){
		.laddr = htonl(SIM_A), .faddr = htonl(faddr), .fport = htons(fport),
	};
}

static void range(u16 first, u16 last)
{
	toytcp_net(&init_net)->sysctl.local_port_range[0] = first;
	toytcp_net(&init_net)->sysctl.local_port_range[1] = last;
}

/* to one destination: no port again before the range is through */
static void port_first__no_repetition(struct kunit *test)
{
	unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(1024) * sizeof(long),
					    GFP_KERNEL);
	struct toytcp_flow_key key = to(0xc0000201, 443);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	/* one in sixteen is left out */
	for (i = 0; i < 850; i++) {
		u32 port = toytcp_port_first(&key) % 1024;

		KUNIT_EXPECT_FALSE_MSG(test, test_and_set_bit(port, seen), "%d: %u", i, port);
		toytcp_port_tried(&key, 1);
	}
}

/* over destinations: every port as often as any other */
static void port_first__distribution(struct kunit *test)
{
	u32 *n = kunit_kzalloc(test, 64 * sizeof(u32), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, n);
	for (i = 0; i < 64 * 400; i++) {
		struct toytcp_flow_key key = to(0xc0000200 + (i >> 8), i & 255);

		n[toytcp_port_first(&key) % 64]++;
	}
	/* 400 each, and 5 times their deviation of 20 */
	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_TRUE_MSG(test, n[i] > 300 && n[i] < 500, "%d: %u", i, n[i]);
}

/* who knows a destination's next port does not know its neighbour's */
static void port_first__destinations_differ(struct kunit *test)
{
	struct toytcp_flow_key a = to(0xc0000201, 443), b = to(0xc0000201, 444);
	u32 before = toytcp_port_first(&b), same = 0;
	int i;

	KUNIT_EXPECT_NE(test, toytcp_port_first(&a), before);
	for (i = 0; i < 1000; i++) {
		struct toytcp_flow_key x = to(0xc0000201, i), y = to(0xc0000202, i);

		same += toytcp_port_first(&x) % 16384 == toytcp_port_first(&y) % 16384;
	}
	KUNIT_EXPECT_LE(test, same, 3);
}

static int connect_from(struct kunit *test, u16 fport, u16 *port, struct socket **sock)
{
	int err;

	*sock = sim_socket(test);
	err = sim_connect(*sock, SIM_PEER, fport);
	*port = ntohs(sim_ts(*sock)->flow.key.lport);
	return err == -EINPROGRESS ? 0 : err;
}

/* as many connections to one destination as the range has ports */
static void port_connect__exhausted(struct kunit *test)
{
	struct socket *sock[10];
	u16 port[10];
	u32 seen = 0;
	int i;

	range(20000, 20007);
	for (i = 0; i < 8; i++) {
		KUNIT_ASSERT_EQ(test, connect_from(test, 80, &port[i], &sock[i]), 0);
		KUNIT_EXPECT_TRUE(test, port[i] >= 20000 && port[i] <= 20007);
		seen |= BIT(port[i] - 20000);
	}
	KUNIT_EXPECT_EQ(test, seen, 255);
	KUNIT_EXPECT_EQ(test, connect_from(test, 80, &port[8], &sock[8]), -EADDRNOTAVAIL);
	KUNIT_EXPECT_EQ(test, port[8], 0);
	/* to another destination the same ports are good */
	KUNIT_EXPECT_EQ(test, connect_from(test, 81, &port[9], &sock[9]), 0);
	/* one that was given back is chosen */
	sim_abort(sock[3]);
	KUNIT_EXPECT_EQ(test, sim_connect(sock[8], SIM_PEER, 80), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, ntohs(sim_ts(sock[8])->flow.key.lport), port[3]);
	sim_inbox_clear();
}

/* what a bind() has left behind does not keep connect() from the port */
static void port_connect__after_bind(struct kunit *test)
{
	struct socket *sock;
	u16 port;
	int i;

	range(20000, 20000);
	for (i = 0; i < 20; i++) {
		sock = sim_socket(test);
		KUNIT_EXPECT_EQ(test, sim_bind(sock, 0, 20000), 0);
		sim_close(sock);
		KUNIT_EXPECT_EQ(test, connect_from(test, 80, &port, &sock), 0);
		sim_abort(sock);
	}
	sim_inbox_clear();
}

/* a port that was given back is the last to be chosen again */
static void port_connect__no_repetition(struct kunit *test)
{
	struct socket *sock;
	u32 seen = 0;
	u16 port;
	int i;

	range(20000, 20015);
	for (i = 0; i < 8; i++) {
		KUNIT_ASSERT_EQ(test, connect_from(test, 80, &port, &sock), 0);
		KUNIT_EXPECT_FALSE(test, seen & BIT(port - 20000));
		seen |= BIT(port - 20000);
		sim_abort(sock);
	}
	sim_inbox_clear();
}

/* bind() to port 0: one that nobody has, though both would share it */
static void port_bind__any(struct kunit *test)
{
	struct socket *sock[5];
	u32 seen = 0;
	int i;

	range(20000, 20003);
	for (i = 0; i < 5; i++) {
		sock[i] = sim_socket(test);
		sock[i]->sk->sk_reuse = SK_CAN_REUSE;
		sock[i]->sk->sk_reuseport = 1;
		KUNIT_EXPECT_EQ(test, sim_bind(sock[i], 0, 0), i < 4 ? 0 : -EADDRINUSE);
		if (i < 4)
			seen |= BIT(ntohs(sim_ts(sock[i])->flow.key.lport) - 20000);
	}
	KUNIT_EXPECT_EQ(test, seen, 15);
}

#ifdef IP_LOCAL_PORT_RANGE
/* IP_LOCAL_PORT_RANGE narrows the sysctl's, and only that */
static void port_connect__own_range(struct kunit *test)
{
	static const struct {
		u32 own;
		u16 first, last;
	} cases[] = {
		{ 20003u << 16 | 20002, 20002, 20003 },
		{ 20001u << 16, 20000, 20001 },
		{ 20006, 20006, 20007 },
		{ 40000u << 16 | 30000, 20000, 20007 },
		{ 20002u << 16 | 10000, 20000, 20002 },
	};
	int i, k, err;

	range(20000, 20007);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (k = cases[i].first; k <= cases[i].last + 1; k++) {
			struct socket *sock = sim_socket(test);
			u16 port;

			err = sock->ops->setsockopt(sock, IPPROTO_IP, IP_LOCAL_PORT_RANGE,
						    KERNEL_SOCKPTR((void *)&cases[i].own),
						    sizeof(u32));
			KUNIT_EXPECT_EQ(test, err, 0);
			err = sim_connect(sock, SIM_PEER, 80);
			if (k > cases[i].last) {
				KUNIT_EXPECT_EQ(test, err, -EADDRNOTAVAIL);
				break;
			}
			port = ntohs(sim_ts(sock)->flow.key.lport);
			KUNIT_EXPECT_EQ(test, err, -EINPROGRESS);
			KUNIT_EXPECT_TRUE_MSG(test, port >= cases[i].first &&
					      port <= cases[i].last, "%d: %u", i, port);
		}
		sim_drain(test);
	}
}
#endif

/* IP_BIND_ADDRESS_NO_PORT: one port, several connections */
static void port_bind__no_port(struct kunit *test)
{
	struct socket *sock;
	int i, one = 1;

	range(20000, 20000);
	for (i = 0; i < 4; i++) {
		sock = sim_socket(test);
		sock->ops->setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT,
				      KERNEL_SOCKPTR(&one), sizeof(one));
		KUNIT_EXPECT_EQ(test, sim_bind(sock, SIM_A, 0), 0);
		KUNIT_EXPECT_EQ(test, ntohs(sim_ts(sock)->flow.key.lport), 0);
		KUNIT_EXPECT_EQ(test, sim_connect(sock, SIM_PEER, 80 + i), -EINPROGRESS);
		KUNIT_EXPECT_EQ(test, ntohs(sim_ts(sock)->flow.key.lport), 20000);
		KUNIT_EXPECT_EQ(test, ntohl(sim_ts(sock)->flow.key.laddr), SIM_A);
	}
	sim_inbox_clear();
}

/* ---- who may share a port ---- */

struct share {
	bool reuse[2], port[2];	/* SO_REUSEADDR, SO_REUSEPORT of the one, the other */
	bool other_user;	/* the other one is somebody else's */
	u32 addr[2];
	bool bind, listen;	/* the one is bound, listening: may the other be bound? */
	bool both;		/* both are bound: may the second one listen, too? */
};

static const struct share shares[] = {
	{ {}, {}, false, {}, false, false, false },
	{ { 1, 0 }, {}, false, {}, false, false, false },
	{ { 0, 1 }, {}, false, {}, false, false, false },
	{ { 1, 1 }, {}, false, {}, true, false, false },
	{ { 1, 1 }, {}, true, {}, true, false, false },
	{ {}, { 1, 0 }, false, {}, false, false, false },
	{ {}, { 1, 1 }, false, {}, true, true, true },
	{ {}, { 1, 1 }, true, {}, false, false, false },
	{ { 1, 1 }, { 1, 1 }, true, {}, true, false, false },
	{ { 1, 0 }, { 1, 1 }, false, {}, true, true, true },
	{ {}, {}, false, { SIM_A, SIM_B }, true, true, true },
	{ {}, {}, false, { SIM_A, 0 }, false, false, false },
	{ {}, { 1, 1 }, false, { SIM_A, 0 }, true, true, true },
	{ { 1, 1 }, {}, false, { 0, SIM_A }, true, false, false },
};

static struct socket *sharer(struct kunit *test, const struct share *s, int i)
{
	struct socket *sock = sim_socket(test);

	sock->sk->sk_reuse = s->reuse[i];
	sock->sk->sk_reuseport = s->port[i];
	if (i && s->other_user)
		SOCK_INODE(sock)->i_uid = KUIDT_INIT(1000);
	return sock;
}

static void port_bind__sharing(struct kunit *test)
{
	struct socket *a, *b;
	int i;

	for (i = 0; i < ARRAY_SIZE(shares); i++) {
		const struct share *s = &shares[i];

		a = sharer(test, s, 0);
		b = sharer(test, s, 1);
		KUNIT_EXPECT_EQ(test, sim_bind(a, s->addr[0], 5000), 0);
		KUNIT_EXPECT_EQ_MSG(test, sim_bind(b, s->addr[1], 5000),
				    s->bind ? 0 : -EADDRINUSE, "%d", i);
		KUNIT_EXPECT_EQ(test, kernel_listen(a, 4), 0);
		if (s->bind)
			KUNIT_EXPECT_EQ_MSG(test, kernel_listen(b, 4),
					    s->both ? 0 : -EADDRINUSE, "%d", i);
		sim_close(b);
		b = sharer(test, s, 1);
		KUNIT_EXPECT_EQ_MSG(test, sim_bind(b, s->addr[1], 5000),
				    s->listen ? 0 : -EADDRINUSE, "%d", i);
		sim_close(a);
		sim_close(b);
	}
}

/* ---- beside the host's TCP ---- */

struct host {
	int family;
	bool reuse, reuseport, v6only;
	bool free;		/* it may have a port that we have */
};

static const struct host hosts[] = {
	{ AF_INET },
	{ AF_INET, .reuse = true },
	{ AF_INET, .reuseport = true },
	{ AF_INET6 },
	{ AF_INET6, .reuse = true, .reuseport = true },
	{ AF_INET6, .v6only = true, .free = true },
};

/* the kernel's TCP socket, at any address; NULL: no such family */
static struct socket *host_socket(const struct host *h)
{
	struct socket *sock;

	if (sock_create_kern(&init_net, h->family, SOCK_STREAM, IPPROTO_TCP, &sock))
		return NULL;
	sock->sk->sk_reuse = h->reuse;
	sock->sk->sk_reuseport = h->reuseport;
	sock->sk->sk_ipv6only = h->v6only;
	return sock;
}

static int host_bind(struct socket *sock, u16 port)
{
	struct sockaddr_in6 addr = {
		.sin6_family = sock->sk->sk_family,
		.sin6_port = htons(port),	/* where sin_port is */
	};

	return kernel_bind(sock, (struct sockaddr *)&addr, sizeof(addr));
}

/* what one has, the other can't have, until it is given back */
static void port_bind__host(struct kunit *test)
{
	struct socket *ours, *theirs;
	int i;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		int taken = hosts[i].free ? 0 : -EADDRINUSE;

		theirs = host_socket(&hosts[i]);
		if (!theirs)
			continue;
		ours = sim_socket(test);
		ours->sk->sk_reuse = hosts[i].reuse;
		ours->sk->sk_reuseport = hosts[i].reuseport;
		KUNIT_EXPECT_EQ(test, sim_bind(ours, SIM_A, 20000), 0);
		KUNIT_EXPECT_EQ_MSG(test, host_bind(theirs, 20000), taken, "%d", i);
		KUNIT_EXPECT_EQ(test, kernel_listen(ours, 4), 0);
		if (taken)
			KUNIT_EXPECT_EQ_MSG(test, host_bind(theirs, 20000), taken, "%d", i);
		sim_close(ours);
		if (taken)
			KUNIT_EXPECT_EQ_MSG(test, host_bind(theirs, 20000), 0, "%d", i);
		ours = sim_socket(test);
		ours->sk->sk_reuse = hosts[i].reuse;
		ours->sk->sk_reuseport = hosts[i].reuseport;
		KUNIT_EXPECT_EQ_MSG(test, sim_bind(ours, SIM_A, 20000), taken, "%d", i);
		KUNIT_EXPECT_EQ(test, kernel_listen(theirs, 4), 0);
		if (taken)
			KUNIT_EXPECT_EQ_MSG(test, sim_bind(ours, SIM_A, 20000), taken, "%d", i);
		sock_release(theirs);
		if (taken)
			KUNIT_EXPECT_EQ_MSG(test, sim_bind(ours, SIM_A, 20000), 0, "%d", i);
		sim_close(ours);
	}
}

#ifdef IP_LOCAL_PORT_RANGE
/* the host's ephemeral ports are all ours */
static void port_bind__host_range(struct kunit *test)
{
	struct socket *theirs = host_socket(&hosts[0]);
	struct socket *ours[2];
	u32 own = 40001u << 16 | 40000;

	KUNIT_ASSERT_NOT_NULL(test, theirs);
	ours[0] = sim_socket(test);
	ours[1] = sim_socket(test);
	KUNIT_EXPECT_EQ(test, sim_bind(ours[0], SIM_A, 40000), 0);
	KUNIT_EXPECT_EQ(test, sim_bind(ours[1], 0, 40001), 0);
	KUNIT_EXPECT_EQ(test, sock_common_setsockopt(theirs, IPPROTO_IP, IP_LOCAL_PORT_RANGE,
						     KERNEL_SOCKPTR(&own), sizeof(own)), 0);
	KUNIT_EXPECT_EQ(test, host_bind(theirs, 0), -EADDRINUSE);
	sim_close(ours[1]);
	KUNIT_EXPECT_EQ(test, host_bind(theirs, 0), 0);
	KUNIT_EXPECT_EQ(test, ntohs(inet_sk(theirs->sk)->inet_sport), 40001);
	sock_release(theirs);
	sim_close(ours[0]);
}
#endif

/* ---- classes ---- */

static int classes(struct toytcp_port *port)
{
	struct toytcp_port_user *user;
	int n = 0;

	hlist_for_each_entry(user, &port->classes, node)
		n++;
	return n;
}

#define CROWD 20000

/* thousands of one server's connections are one to look at */
static void port_inherit__classes(struct kunit *test)
{
	struct toytcp_port_user *crowd = kvcalloc(CROWD, sizeof(*crowd), GFP_KERNEL);
	struct socket *listener = sim_listen(test, 5000, 4), *other;
	struct toytcp_port *port = sim_ts(listener)->port_user.port;
	int i, k;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	for (i = 0; i < CROWD; i++)
		toytcp_port_inherit(&init_net, &crowd[i],
				    &sim_ts(listener)->port_user,
				    htonl(i & 1 ? SIM_A : SIM_B));
	KUNIT_EXPECT_EQ(test, classes(port), 3);
	sim_close(listener);
	KUNIT_EXPECT_EQ(test, classes(port), 2);
	/* they go in some order; as long as one is left, the port is taken */
	for (i = 0, k = 0; i < CROWD; i++, k = (k + 7919) % CROWD) {
		if (i % 4000 == 0 || i == CROWD - 1) {
			other = sim_socket(test);
			KUNIT_EXPECT_EQ(test, sim_bind(other, 0, 5000), -EADDRINUSE);
			sim_close(other);
			KUNIT_EXPECT_LE(test, classes(port), 2);
		}
		toytcp_port_release(&crowd[k]);
	}
	other = sim_socket(test);
	KUNIT_EXPECT_EQ(test, sim_bind(other, 0, 5000), 0);
	kvfree(crowd);
}

/* ---- SO_REUSEPORT ---- */

static struct sock *chosen(const struct toytcp_flow_key *key)
{
	return toytcp_demux_choose(toytcp_demux_listener(&init_net, key, 0), key, NULL, 0);
}

/* a listener that shares its port */
static struct socket *sharing(struct kunit *test, u16 port, int backlog)
{
	struct socket *sock = sim_socket(test);

	sock->sk->sk_reuseport = 1;
	KUNIT_ASSERT_EQ(test, sim_bind(sock, 0, port), 0);
	KUNIT_ASSERT_EQ(test, kernel_listen(sock, backlog), 0);
	return sock;
}

/* each of the listeners has its share, and a flow always the same one */
static void demux_listener__reuseport(struct kunit *test)
{
	struct socket *listener[4];
	struct toytcp_flow_key key;
	u32 n[4] = {};
	int i, k;

	for (i = 0; i < 4; i++)
		listener[i] = sharing(test, 5000, 4);
	rcu_read_lock();
	for (i = 0; i < 4000; i++) {
		struct sock *sk;

		key = to(0xc0000200 + (i >> 6), i);
		key.lport = htons(5000);
		sk = chosen(&key);
		if (sk != chosen(&key))
			break;
		for (k = 0; k < 4; k++)
			n[k] += listener[k]->sk == sk;
	}
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, i, 4000);
	for (k = 0; k < 4; k++)
		KUNIT_EXPECT_TRUE_MSG(test, n[k] > 850 && n[k] < 1150, "%d: %u", k, n[k]);
	/* one goes: the others have them all */
	sim_close(listener[2]);
	rcu_read_lock();
	for (i = 0; i < 1000; i++) {
		key = to(0xc0000200, i);
		key.lport = htons(5000);
		if (!chosen(&key))
			break;
	}
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, i, 1000);
}

/* a handshake and its connection stay with the one that had the SYN */
static void demux_listener__reuseport_handshakes(struct kunit *test)
{
	struct socket *listener[3];
	struct sim_peer p;
	int i, k, n = 0;

	for (i = 0; i < 3; i++)
		listener[i] = sharing(test, SIM_PORT_A, 20);
	for (i = 0; i < 20; i++) {
		/* half of them with cookies: the ACK must find the same one */
		toytcp_net(&init_net)->sysctl.syncookies = i & 1 ? 2 : 1;
		sim_peer_init(&p, SIM_PORT_A);
		p.port = 3000 + i;
		sim_peer_send(&p, TOYTCP_SYN, 0);
		p.rcv_nxt = sim_next()->seq + 1;
		sim_peer_send(&p, TOYTCP_ACK, 0);
		SIM_EXPECT_NONE(test);
	}
	for (k = 0; k < 3; k++)
		while (sim_accept(listener[k]))
			n++;
	KUNIT_EXPECT_EQ(test, n, 20);
}

/* a cookie is good with whoever has the ACK: here one that came in between */
static void demux_listener__reuseport_cookies(struct kunit *test)
{
	struct socket *listener[3];
	struct sim_peer p[16];
	int i, k, n = 0, by_late = 0;

	toytcp_net(&init_net)->sysctl.syncookies = 2;
	for (k = 0; k < 3; k++) {
		listener[k] = sharing(test, SIM_PORT_A, 20);
		for (i = 0; i < 16 && !k; i++) {
			sim_peer_init(&p[i], SIM_PORT_A);
			p[i].port = 3000 + i;
			sim_peer_send(&p[i], TOYTCP_SYN, 0);
			p[i].rcv_nxt = sim_next()->seq + 1;
		}
	}
	for (i = 0; i < 16; i++) {
		sim_peer_send(&p[i], TOYTCP_ACK, 0);
		SIM_EXPECT_NONE(test);
	}
	for (k = 0; k < 3; k++)
		while (sim_accept(listener[k])) {
			n++;
			by_late += k > 0;
		}
	KUNIT_EXPECT_EQ(test, n, 16);
	KUNIT_EXPECT_GT(test, by_late, 0);
}

/* SO_ATTACH_REUSEPORT_CBPF: a program says which */
static void demux_listener__reuseport_program(struct kunit *test)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog_kern prog = { .len = 1, .filter = code };
	struct socket *listener[3];
	struct bpf_prog *fp;
	struct sim_peer p;
	int i, k;

	for (i = 0; i < 3; i++)
		listener[i] = sharing(test, SIM_PORT_A, 20);
	for (i = 0; i < 3; i++) {
		code[0].k = i;
		KUNIT_ASSERT_EQ(test, bpf_prog_create(&fp, &prog), 0);
		KUNIT_ASSERT_EQ(test, reuseport_attach_prog(listener[i]->sk, fp), 0);
		for (k = 0; k < 8; k++) {
			sim_peer_init(&p, SIM_PORT_A);
			p.port = 3000 + 8 * i + k;
			sim_peer_send(&p, TOYTCP_SYN, 0);
		}
	}
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, sim_ts(listener[i])->listener->req_count, 8);
	KUNIT_EXPECT_EQ(test, reuseport_detach_prog(listener[0]->sk), 0);
	KUNIT_EXPECT_EQ(test, reuseport_detach_prog(listener[1]->sk), -ENOENT);
	sim_inbox_clear();
}

static struct kunit_case port_cases[] = {
	KUNIT_CASE(port_first__no_repetition),
	KUNIT_CASE(port_first__distribution),
	KUNIT_CASE(port_first__destinations_differ),
	KUNIT_CASE(port_connect__exhausted),
	KUNIT_CASE(port_connect__after_bind),
	KUNIT_CASE(port_connect__no_repetition),
	KUNIT_CASE(port_bind__any),
#ifdef IP_LOCAL_PORT_RANGE
	KUNIT_CASE(port_connect__own_range),
#endif
	KUNIT_CASE(port_bind__no_port),
	KUNIT_CASE(port_bind__sharing),
	KUNIT_CASE(port_bind__host),
#ifdef IP_LOCAL_PORT_RANGE
	KUNIT_CASE(port_bind__host_range),
#endif
	KUNIT_CASE(port_inherit__classes),
	KUNIT_CASE(demux_listener__reuseport),
	KUNIT_CASE(demux_listener__reuseport_handshakes),
	KUNIT_CASE(demux_listener__reuseport_cookies),
	KUNIT_CASE(demux_listener__reuseport_program),
	{}
};

static struct kunit_suite port_suite = {
	.name = "toytcp_port",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = port_cases,
};

kunit_test_suites(&port_suite);
