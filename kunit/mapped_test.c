// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/mapped.c: what a socket with TOYTCP_V4_MAPPED takes for an
 * address of IPv4, and who shares a port with it (module/port.c).
 */
#include <kunit/test.h>
#include <linux/net.h>
#include <net/ipv6.h>

#include "../module/mapped.h"
#include "sim.h"

#if IS_ENABLED(CONFIG_IPV6)

enum kind { V4, SIX, SIX_ONLY, MAPPED };

static struct socket *mapped_socket(struct kunit *test, enum kind kind)
{
	struct socket *sock = sim_socket(test);

	if (kind == V4)
		return sock;
	lock_sock(sock->sk);
	KUNIT_ASSERT_EQ(test, toytcp_mapped_set(sock->sk, 1), 0);
	sock->sk->sk_ipv6only = kind == SIX_ONLY;
	release_sock(sock->sk);
	return sock;
}

static struct sockaddr_in6 six_addr(enum kind kind, u32 v4, u16 port)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
	};

	if (kind == MAPPED)
		ipv6_addr_set_v4mapped(htonl(v4), &addr.sin6_addr);
	return addr;
}

static int bind_as(struct socket *sock, enum kind kind)
{
	struct sockaddr_in6 addr = six_addr(kind, 0, 5000);

	if (kind == V4)
		return sim_bind(sock, 0, 5000);
	return kernel_bind(sock, (struct sockaddr *)&addr, sizeof(addr));
}

/* IPV6_V6ONLY leaves the port to IPv4, :: without it does not; ::ffff:0.0.0.0 is IPv4's */
static void port_bind__six(struct kunit *test)
{
	static const bool both[4][4] = {
		[V4]		= { [SIX_ONLY] = true },
		[SIX_ONLY]	= { [V4] = true, [MAPPED] = true },
		[MAPPED]	= { [SIX_ONLY] = true },
	};
	enum kind i, j;

	for (i = V4; i <= MAPPED; i++) {
		for (j = V4; j <= MAPPED; j++) {
			struct socket *a = mapped_socket(test, i);
			struct socket *b = mapped_socket(test, j);

			KUNIT_EXPECT_EQ(test, bind_as(a, i), 0);
			KUNIT_EXPECT_EQ_MSG(test, bind_as(b, j), both[i][j] ? 0 : -EADDRINUSE,
					    "%d beside %d", j, i);
			sim_close(a);
			sim_close(b);
		}
	}
}

/* what is read back: :: or a mapped address, and nothing of the first after a reset to IPv4 */
static void mapped_name__back_and_forth(struct kunit *test)
{
	struct socket *sock = mapped_socket(test, SIX);
	struct sockaddr_storage name = {};
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&name;

	KUNIT_EXPECT_EQ(test, kernel_getsockname(sock, (struct sockaddr *)&name),
			(int)sizeof(*six));
	KUNIT_EXPECT_EQ(test, six->sin6_family, AF_INET6);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_any(&six->sin6_addr));
	lock_sock(sock->sk);
	KUNIT_EXPECT_EQ(test, toytcp_mapped_set(sock->sk, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, toytcp_mapped_set(sock->sk, 0), 0);
	release_sock(sock->sk);
	KUNIT_EXPECT_EQ(test, kernel_getsockname(sock, (struct sockaddr *)&name),
			(int)sizeof(struct sockaddr_in));
	KUNIT_EXPECT_EQ(test, sim_bind(sock, SIM_A, 5000), 0);
	lock_sock(sock->sk);
	KUNIT_EXPECT_EQ(test, toytcp_mapped_set(sock->sk, 1), -EINVAL);
	release_sock(sock->sk);
	sim_close(sock);
}

static const struct {
	const char *what;
	u32 words[4];
	bool v6only, bound;
	int err;
} ends[] = {
	{ "mapped",		{ 0, 0, 0xffff, SIM_B }, false, false, 0 },
	{ "mapped, IPv6 only",	{ 0, 0, 0xffff, SIM_B }, true, false, -ENETUNREACH },
	{ "::",			{}, false, false, -EADDRNOTAVAIL },
	{ "::, bound to IPv4",	{}, false, true, 0 },
	{ "::1",		{ 0, 0, 0, 1 }, false, false, -EADDRNOTAVAIL },
	{ "compatible",		{ 0, 0, 0, SIM_B }, false, false, -EADDRNOTAVAIL },
	{ "global",		{ 0x20010db8, 0, 0, 1 }, false, false, -EADDRNOTAVAIL },
	{ "link-local",		{ 0xfe800000, 0, 0, 1 }, false, false, -EINVAL },
	{ "multicast",		{ 0xff020000, 0, 0, 1 }, false, false, -ENETUNREACH },
};

static void mapped_foreign__addresses(struct kunit *test)
{
	struct sockaddr_in6 addr = six_addr(SIX, 0, 80);
	struct sockaddr_in sin;
	int i, j, len, err;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		struct socket *sock = mapped_socket(test, ends[i].v6only ? SIX_ONLY : SIX);

		for (j = 0; j < 4; j++)
			addr.sin6_addr.s6_addr32[j] = htonl(ends[i].words[j]);
		lock_sock(sock->sk);
		sim_ts(sock)->bound_mapped = ends[i].bound;
		for (len = 0; len <= sizeof(addr); len++) {
			err = toytcp_mapped_foreign(sock->sk, (struct sockaddr *)&addr,
						    len, &sin);
			KUNIT_EXPECT_EQ_MSG(test, err,
					    len < SIN6_LEN_RFC2133 ? -EINVAL : ends[i].err,
					    "%s, %d bytes", ends[i].what, len);
		}
		release_sock(sock->sk);
		if (!ends[i].err)
			KUNIT_EXPECT_EQ(test, ntohl(sin.sin_addr.s_addr),
					ends[i].bound ? INADDR_LOOPBACK : SIM_B);
		sim_close(sock);
	}
}

/* a child has what its listener has, and storage of its own */
static void mapped_clone__child(struct kunit *test)
{
	struct socket *listener = mapped_socket(test, SIX), *child;
	struct sockaddr_in6 name = six_addr(SIX, 0, SIM_PORT_A);
	struct sim_peer p;

	KUNIT_ASSERT_EQ(test, kernel_bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
	KUNIT_ASSERT_EQ(test, kernel_listen(listener, 4), 0);
	sim_peer_init(&p, SIM_PORT_A);
	sim_peer_send(&p, TOYTCP_SYN, 0);
	p.rcv_nxt = sim_next()->seq + 1;
	sim_peer_send(&p, TOYTCP_ACK, 0);
	child = sim_accept(listener);
	KUNIT_ASSERT_NOT_NULL(test, child);
	KUNIT_EXPECT_TRUE(test, toytcp_mapped(child->sk));
	KUNIT_EXPECT_NOT_NULL(test, inet_sk(child->sk)->pinet6);
	KUNIT_EXPECT_PTR_NE(test, inet_sk(child->sk)->pinet6, inet_sk(listener->sk)->pinet6);
	KUNIT_EXPECT_EQ(test, kernel_getpeername(child, (struct sockaddr *)&name),
			(int)sizeof(name));
	KUNIT_EXPECT_TRUE(test, ipv6_addr_v4mapped(&name.sin6_addr));
}

static struct kunit_case mapped_cases[] = {
	KUNIT_CASE(port_bind__six),
	KUNIT_CASE(mapped_name__back_and_forth),
	KUNIT_CASE(mapped_foreign__addresses),
	KUNIT_CASE(mapped_clone__child),
	{}
};

static struct kunit_suite mapped_suite = {
	.name = "toytcp_mapped",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = mapped_cases,
};

kunit_test_suites(&mapped_suite);

#endif /* CONFIG_IPV6 */
