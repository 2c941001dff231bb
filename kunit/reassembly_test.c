// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/reassembly.c: every overlap, every order, and what is said
 * of it in SACK blocks.
 *
 * A raw peer sends pieces of one stream; a model keeps one flag a byte. What
 * the model calls received must be acknowledged, reported and read, byte for
 * byte. The stream begins 128 bytes before the sequence numbers wrap.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "prng.h"
#include "sim.h"

#define STREAM_MAX	4096

/* what has been sent to the socket; offsets count from the first data byte */
struct model {
	struct socket *listener, *sock;
	struct sim_peer p;
	bool have[STREAM_MAX];
	u32 next;		/* first byte missing */
	u32 fin_at;		/* offset of the FIN; 0: none sent */
	u32 read;
};

static void model_start_at(struct kunit *test, struct model *m, u32 iss, bool sack, bool ts)
{
	memset(m, 0, sizeof(*m));
	sim_peer_init(&m->p, SIM_PORT_A);
	m->p.iss = iss;
	m->p.snd_nxt = iss;
	m->p.syn.sack_perm = sack;
	m->p.syn.has_ts = ts;
	m->p.ts = ts;
	m->listener = sim_listen(test, SIM_PORT_A, 4);
	m->sock = sim_peer_connects(test, &m->p, m->listener);
}

static void model_start(struct kunit *test, struct model *m, bool sack, bool ts)
{
	model_start_at(test, m, SIM_ISN - 7, sack, ts);
}

/* bytes @start to @end, and the FIN behind them */
static void piece(struct model *m, u32 start, u32 end, bool fin)
{
	struct sim_seg seg = sim_peer_seg(&m->p, TOYTCP_ACK | (fin ? TOYTCP_FIN : 0), end - start);
	u32 i;

	seg.seq = m->p.iss + 1 + start;
	seg.offset = start;
	for (i = start; i < end; i++)
		m->have[i] = true;
	if (fin)
		m->fin_at = end;
	while (m->next < STREAM_MAX && m->have[m->next])
		m->next++;
	sim_inject(&seg);
}

/* what RCV.NXT must be, as an offset */
static u32 model_nxt(const struct model *m)
{
	return m->next + (m->fin_at && m->next == m->fin_at);
}

static void check(struct kunit *test, struct model *m, const char *what)
{
	struct toytcp_sock *ts = sim_ts(m->sock);
	const struct sim_seg *seg, *last = NULL;
	int n;

	KUNIT_EXPECT_EQ_MSG(test, ts->rcv_nxt - m->p.iss - 1, model_nxt(m), "%s", what);
	/* a FIN's ACK may wait for the other FIN */
	if (m->fin_at && m->next == m->fin_at)
		sim_run(SIM_S / 5);
	while ((seg = sim_next()))
		last = seg;
	if (last)
		KUNIT_EXPECT_EQ_MSG(test, last->ack - m->p.iss - 1, model_nxt(m), "%s", what);
	if (m->next > m->read) {
		n = sim_read_check(m->sock, m->read, m->next - m->read);
		KUNIT_EXPECT_EQ_MSG(test, n, m->next - m->read, "%s", what);
		m->read = m->next;
	}
	if (m->fin_at && m->next == m->fin_at) {
		KUNIT_EXPECT_EQ_MSG(test, m->sock->sk->sk_state, TCP_CLOSE_WAIT, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, sim_read_check(m->sock, m->read, 10), 0, "%s", what);
	} else {
		KUNIT_EXPECT_EQ_MSG(test, m->sock->sk->sk_state, TCP_ESTABLISHED, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, sim_read_check(m->sock, m->read, 10), -EAGAIN,
				    "%s", what);
	}
	while (sim_next())
		;
}

static void model_end(struct kunit *test, struct model *m, const char *what)
{
	/* nothing is held that was not asked for */
	KUNIT_EXPECT_TRUE_MSG(test, RB_EMPTY_ROOT(&sim_ts(m->sock)->ofo_queue), "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&m->sock->sk->sk_rmem_alloc), 0, "%s", what);
	sim_drain(test);
}

/* ---- two pieces, then what is missing ---- */

struct overlap {
	const char *name;
	u32 a[2], b[2];		/* start and end, in units of 20 bytes */
};

static const struct overlap overlaps[] = {
	{ "touching",		{ 2, 4 }, { 4, 6 } },
	{ "touching, reversed",	{ 4, 6 }, { 2, 4 } },
	{ "a gap between",	{ 2, 4 }, { 6, 8 } },
	{ "a gap, reversed",	{ 6, 8 }, { 2, 4 } },
	{ "left overlap",	{ 4, 8 }, { 2, 6 } },
	{ "right overlap",	{ 4, 8 }, { 6, 10 } },
	{ "inside",		{ 2, 8 }, { 4, 6 } },
	{ "inside, same start",	{ 2, 8 }, { 2, 6 } },
	{ "inside, same end",	{ 2, 8 }, { 4, 8 } },
	{ "covering",		{ 4, 6 }, { 2, 8 } },
	{ "covering, same start", { 4, 6 }, { 4, 8 } },
	{ "covering, same end",	{ 4, 6 }, { 2, 6 } },
	{ "the same",		{ 4, 8 }, { 4, 8 } },
	{ "from the beginning",	{ 4, 8 }, { 0, 6 } },
	{ "over everything",	{ 4, 8 }, { 0, 10 } },
	{ "up to its start",	{ 4, 8 }, { 0, 4 } },
	{ "up to its end",	{ 4, 8 }, { 0, 8 } },
	{ "in order, then left of it", { 0, 4 }, { 0, 6 } },
	{ "in order, then again", { 0, 4 }, { 0, 4 } },
	{ "in order, then inside", { 0, 4 }, { 1, 3 } },
	{ "in order, then its end", { 0, 4 }, { 2, 4 } },
	{ "in order, then over its end", { 0, 4 }, { 2, 8 } },
};

static void overlap_desc(const struct overlap *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(overlap, overlaps, overlap_desc);

/* which of the pieces that end last carries the FIN: none, the first, the second, both */
static void reassembly_queue__overlaps(struct kunit *test)
{
	const struct overlap *o = test->param_value;
	u32 top = 20 * max(o->a[1], o->b[1]);
	int fin, filler;
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	char what[40];

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (fin = 0; fin < 4; fin++) {
		bool fin_a = fin & 1, fin_b = fin & 2;

		if ((fin_a && 20 * o->a[1] != top) || (fin_b && 20 * o->b[1] != top))
			continue;
		/* the rest exactly, or everything again */
		for (filler = 0; filler < 2; filler++) {
			snprintf(what, sizeof(what), "FIN %d, filler %d", fin, filler);
			model_start(test, m, fin & 1, filler);
			piece(m, 20 * o->a[0], 20 * o->a[1], fin_a);
			check(test, m, what);
			piece(m, 20 * o->b[0], 20 * o->b[1], fin_b);
			check(test, m, what);
			if (filler) {
				if (model_nxt(m) < top)
					piece(m, 0, top, false);
			} else {
				u32 at, end;

				for (at = 0; at < top; at = end) {
					for (end = at; end < top && !m->have[end]; end++)
						;
					if (end > at)
						piece(m, at, end, false);
					else
						end++;
				}
			}
			check(test, m, what);
			KUNIT_EXPECT_EQ(test, m->next, top);
			model_end(test, m, what);
		}
	}
}

/* five pieces and a FIN in every order */
static void permute(struct kunit *test, struct model *m, int *order, int n, int *count)
{
	int i;

	if (n == 5) {
		char what[40];

		snprintf(what, sizeof(what), "order %d%d%d%d%d", order[0], order[1], order[2],
			 order[3], order[4]);
		model_start(test, m, *count & 1, false);
		for (i = 0; i < 5; i++) {
			piece(m, 60 * order[i], 60 * order[i] + 60, order[i] == 4);
			check(test, m, what);
		}
		KUNIT_EXPECT_EQ_MSG(test, model_nxt(m), 301, "%s", what);
		model_end(test, m, what);
		++*count;
		return;
	}
	for (i = n; i < 5; i++) {
		swap(order[n], order[i]);
		permute(test, m, order, n + 1, count);
		swap(order[n], order[i]);
	}
}

static void reassembly_queue__every_order_of_five(struct kunit *test)
{
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	int order[] = { 0, 1, 2, 3, 4 }, count = 0;

	KUNIT_ASSERT_NOT_NULL(test, m);
	permute(test, m, order, 0, &count);
	KUNIT_EXPECT_EQ(test, count, 120);
}

/* the SACK blocks of an ACK against the model */
static void check_sacks(struct kunit *test, struct model *m, const struct sim_seg *ack, u32 newest,
			struct prng *p)
{
	u32 nxt = m->next, runs = 0, i, prev = 0;
	bool dsack = false;
	int b;

	for (i = nxt; i < STREAM_MAX - 1; i++)
		runs += !(i > nxt && m->have[i - 1]) && m->have[i];
	for (b = 0; b < ack->opt.n_sacks; b++) {
		u32 start = ack->opt.sacks[b].start - m->p.iss - 1;
		u32 end = ack->opt.sacks[b].end - m->p.iss - 1;

		KUNIT_ASSERT_LT_MSG(test, start, end, "block %d" PRNG_FMT, b, prng_where(p));
		KUNIT_ASSERT_LE_MSG(test, end, STREAM_MAX, "block %d" PRNG_FMT, b, prng_where(p));
		for (i = start; i < end; i++)
			KUNIT_ASSERT_TRUE_MSG(test, m->have[i], "byte %u of block %d" PRNG_FMT,
					      i, b, prng_where(p));
		/* RFC 2883: a first block below the ACK or within the second is a D-SACK */
		if (!b && (end <= nxt ||
			   (ack->opt.n_sacks > 1 &&
			    start >= ack->opt.sacks[1].start - m->p.iss - 1 &&
			    end <= ack->opt.sacks[1].end - m->p.iss - 1))) {
			dsack = true;
			continue;
		}
		KUNIT_ASSERT_GT_MSG(test, start, nxt, "block %d" PRNG_FMT, b, prng_where(p));
		/* whole runs */
		KUNIT_EXPECT_FALSE_MSG(test, m->have[start - 1], "block %d" PRNG_FMT, b,
				       prng_where(p));
		KUNIT_EXPECT_FALSE_MSG(test, m->have[end], "block %d" PRNG_FMT, b, prng_where(p));
		if (b == dsack && newest > nxt && m->have[newest])
			KUNIT_EXPECT_TRUE_MSG(test, dsack || (start <= newest && newest < end),
					      "the first block lacks the newest piece" PRNG_FMT,
					      prng_where(p));
		KUNIT_EXPECT_NE_MSG(test, start, prev, "block %d is there twice" PRNG_FMT, b,
				    prng_where(p));
		prev = start;
	}
	KUNIT_EXPECT_EQ_MSG(test, ack->opt.n_sacks - dsack,
			    min_t(u32, runs, (ack->opt.has_ts ? 3 : 4) - dsack),
			    "blocks, %u runs" PRNG_FMT, runs, prng_where(p));
}

/* pieces at random, each ACK's blocks checked */
static void reassembly_sacks__random(struct kunit *test)
{
	struct prng p = prng_start(test);
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	int round, i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	for (round = 0; round < 6; round++) {
		/* the wrap anywhere in the stream */
		model_start_at(test, m, 0u - prng_below(&p, STREAM_MAX), true,
			       prng_once_in(&p, 2));
		for (i = 0; i < 60 && m->next < STREAM_MAX - 1; i++) {
			u32 start = prng_below(&p, STREAM_MAX - 300), len = 1 + prng_below(&p, 299);
			const struct sim_seg *ack = NULL, *seg;

			/* now and then what is missing at the front */
			if (prng_once_in(&p, 5))
				start = m->next - prng_below(&p, min(m->next, 50u) + 1);
			piece(m, start, min(start + len, (u32)STREAM_MAX - 1), false);
			while ((seg = sim_next()))
				ack = seg;
			KUNIT_EXPECT_EQ_MSG(test, sim_ts(m->sock)->rcv_nxt - m->p.iss - 1, m->next,
					    "piece %u+%u" PRNG_FMT, start, len, prng_where(&p));
			if (ack)
				check_sacks(test, m, ack, start, &p);
			else
				KUNIT_EXPECT_TRUE_MSG(test,
						      RB_EMPTY_ROOT(&sim_ts(m->sock)->ofo_queue),
						      "a gap without an ACK" PRNG_FMT,
						      prng_where(&p));
			if (prng_once_in(&p, 3) && m->next > m->read) {
				int n = sim_read_check(m->sock, m->read, m->next - m->read);

				KUNIT_ASSERT_EQ_MSG(test, n, m->next - m->read, PRNG_FMT,
						    prng_where(&p));
				m->read = m->next;
			}
		}
		sim_drain(test);
	}
}

/* RFC 2018 section 4 and RFC 2883 by example */
static void reassembly_sacks__order(struct kunit *test)
{
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	static const u32 starts[] = { 300, 100, 500, 700, 900 };
	const struct sim_seg *ack;
	u32 base;
	int i, b;

	KUNIT_ASSERT_NOT_NULL(test, m);
	model_start(test, m, true, false);
	base = m->p.iss + 1;
	for (i = 0; i < 5; i++) {
		piece(m, starts[i], starts[i] + 100, false);
		ack = sim_next();
		KUNIT_ASSERT_NOT_NULL(test, ack);
		KUNIT_EXPECT_EQ(test, ack->ack, base);
		KUNIT_EXPECT_EQ(test, ack->opt.n_sacks, min(i + 1, 4));
		/* the newest first */
		KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].start, base + starts[i]);
		KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].end, base + starts[i] + 100);
		for (b = 1; b < ack->opt.n_sacks; b++)
			KUNIT_EXPECT_NE(test, ack->opt.sacks[b].start, base + starts[i]);
	}
	/* again: reported as a duplicate, then the run it lies in */
	piece(m, 520, 580, false);
	ack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, ack);
	KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].start, base + 520);
	KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].end, base + 580);
	/* the gap closes up to 200, with the start again */
	piece(m, 0, 100, false);
	ack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, ack);
	KUNIT_EXPECT_EQ(test, ack->ack, base + 200);
	piece(m, 50, 150, false);
	ack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, ack);
	KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].start, base + 50);
	KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].end, base + 150);
	KUNIT_EXPECT_EQ(test, ack->opt.n_sacks, 4);
	/* a D-SACK is reported once */
	piece(m, 1100, 1101, false);
	ack = sim_next();
	KUNIT_ASSERT_NOT_NULL(test, ack);
	KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].start, base + 1100);
	sim_drain(test);
}

/* a duplicate is acknowledged at once, and reported, whatever edge it touches */
static void reassembly_queue__old_data(struct kunit *test)
{
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	static const u32 dup[][2] = {
		{ 0, 100 }, { 100, 200 }, { 50, 150 }, { 199, 200 }, { 0, 200 },
	};
	const struct sim_seg *ack;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	model_start(test, m, true, true);
	piece(m, 0, 200, false);
	while (sim_next())
		;
	sim_ts(m->sock)->quickacks = 0;
	for (i = 0; i < ARRAY_SIZE(dup); i++) {
		piece(m, dup[i][0], dup[i][1], false);
		ack = sim_next();
		KUNIT_EXPECT_NOT_NULL_MSG(test, ack, "no ACK at once of bytes %u to %u", dup[i][0],
					  dup[i][1]);
		if (!ack)
			continue;
		KUNIT_EXPECT_EQ(test, ack->ack, m->p.iss + 1 + 200);
		KUNIT_ASSERT_EQ(test, ack->opt.n_sacks, 1);
		KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].start, m->p.iss + 1 + dup[i][0]);
		KUNIT_EXPECT_EQ(test, ack->opt.sacks[0].end, m->p.iss + 1 + dup[i][1]);
	}
	sim_drain(test);
}

/* ---- the window's right edge ---- */

static void reassembly_queue__trims_to_window(struct kunit *test)
{
	struct sim_peer p;
	struct socket *listener, *sock;
	struct sk_buff *held;
	struct sim_seg seg;
	u32 wnd;
	int fin;

	for (fin = 0; fin < 2; fin++) {
		sim_peer_init(&p, SIM_PORT_A);
		listener = sim_listen(test, SIM_PORT_A, 4);
		sock = sim_peer_connects(test, &p, listener);
		wnd = toytcp_rcv_wnd_left(sim_ts(sock));
		/* three bytes fit, at the far end, and nothing behind them */
		seg = sim_peer_seg(&p, TOYTCP_ACK | (fin ? TOYTCP_FIN : 0), 10);
		seg.seq = p.snd_nxt + wnd - 3;
		seg.offset = wnd - 3;
		sim_inject(&seg);
		SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
		KUNIT_ASSERT_FALSE(test, RB_EMPTY_ROOT(&sim_ts(sock)->ofo_queue));
		held = rb_to_skb(rb_first(&sim_ts(sock)->ofo_queue));
		KUNIT_EXPECT_EQ(test, TOYTCP_CB(held)->end_seq, p.snd_nxt + wnd);
		KUNIT_EXPECT_EQ(test, held->len, 3);
		/* just outside */
		seg = sim_peer_seg(&p, TOYTCP_ACK, 10);
		seg.seq = p.snd_nxt + wnd;
		sim_inject(&seg);
		SIM_EXPECT(test, &p, TOYTCP_ACK, 1, 1, 0);
		KUNIT_EXPECT_NULL(test, rb_next(rb_first(&sim_ts(sock)->ofo_queue)));
		KUNIT_EXPECT_EQ(test, sock->sk->sk_state, TCP_ESTABLISHED);
		sim_drain(test);
	}
}

/*
 * A stream into a socket that nobody reads. Small pieces weigh more than the
 * window says: at some point they are refused, but not before a quarter of the
 * buffer is data, and nothing is lost by it.
 */
static void reassembly_queue__full_buffer(struct kunit *test)
{
	struct sim_peer p;
	struct socket *listener, *sock;
	u32 read, len;
	int n;

	for (len = 20; len <= 1460; len *= 4) {
		sim_peer_init(&p, SIM_PORT_A);
		listener = sim_listen(test, SIM_PORT_A, 4);
		listener->sk->sk_rcvbuf = 16384;
		listener->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
		sock = sim_peer_connects(test, &p, listener);
		while (toytcp_rcv_wnd_left(sim_ts(sock)) >= len) {
			sim_peer_send(&p, TOYTCP_ACK, len);
			if (sim_ts(sock)->rcv_nxt != p.snd_nxt)
				break;
			sim_run(TOYTCP_DELACK_US);
			sim_inbox_clear();
		}
		read = sim_ts(sock)->rcv_nxt - p.iss - 1;
		KUNIT_EXPECT_GE_MSG(test, read, 4096, "pieces of %u", len);
		KUNIT_EXPECT_LE_MSG(test, atomic_read(&sock->sk->sk_rmem_alloc),
				    sock->sk->sk_rcvbuf + 4096, "pieces of %u", len);
		KUNIT_EXPECT_EQ(test, sim_read_check(sock, 0, 32768), read);
		KUNIT_EXPECT_EQ(test, atomic_read(&sock->sk->sk_rmem_alloc), 0);
		/* what was refused comes again */
		p.snd_nxt = sim_ts(sock)->rcv_nxt;
		sim_peer_send(&p, TOYTCP_ACK, len);
		n = sim_read_check(sock, read, 32768);
		KUNIT_EXPECT_EQ_MSG(test, n, len, "pieces of %u", len);
		sim_drain(test);
	}
}

/* pieces out of order into a small buffer: bounded, and the gap can always be closed */
/* what the window promised is taken though it weighs more than was thought */
static void reassembly_queue__buffer_grows(struct kunit *test)
{
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	struct sock *sk;
	u32 sent = 0;
	int had;

	KUNIT_ASSERT_NOT_NULL(test, m);
	model_start(test, m, true, true);
	sk = m->sock->sk;
	/* half of what the window would need */
	had = toytcp_rcv_wnd_left(toytcp_sk(sk));
	sk->sk_rcvbuf = had;
	while (sent + 1100 <= had) {
		struct sim_seg seg = sim_peer_seg(&m->p, TOYTCP_ACK, 1100);

		seg.seq = m->p.iss + 1 + sent;
		seg.offset = sent;
		sim_inject(&seg);
		sent += 1100;
		KUNIT_ASSERT_EQ(test, toytcp_sk(sk)->rcv_nxt - m->p.iss - 1, sent);
	}
	KUNIT_EXPECT_GT(test, sk->sk_rcvbuf, had);
	KUNIT_EXPECT_EQ(test, sim_read_check(m->sock, 0, sent), sent);
	sim_drain(test);
}

static void reassembly_prune__makes_room(struct kunit *test)
{
	struct model *m = kunit_kmalloc(test, sizeof(*m), GFP_KERNEL);
	struct sock *sk;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	model_start(test, m, true, false);
	sk = m->sock->sk;
	sk->sk_rcvbuf = 8192;
	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	for (i = 2; i < 2000; i += 2) {
		piece(m, i, i + 1, false);
		KUNIT_ASSERT_LE(test, atomic_read(&sk->sk_rmem_alloc), 8192 + 4096);
		sim_inbox_clear();
	}
	/* the peer has to send again what was thrown away; in order it is taken */
	memset(m->have, 0, sizeof(m->have));
	for (i = 0; i < 2000; i += 100) {
		piece(m, i, i + 100, false);
		KUNIT_EXPECT_GE(test, sim_ts(m->sock)->rcv_nxt - m->p.iss - 1, i + 100);
		KUNIT_EXPECT_EQ(test, sim_read_check(m->sock, i, 100), 100);
		sim_inbox_clear();
	}
	sim_drain(test);
}

static struct kunit_case reassembly_cases[] = {
	KUNIT_CASE_PARAM(reassembly_queue__overlaps, overlap_gen_params),
	KUNIT_CASE(reassembly_queue__every_order_of_five),
	KUNIT_CASE(reassembly_queue__old_data),
	KUNIT_CASE(reassembly_queue__trims_to_window),
	KUNIT_CASE(reassembly_queue__full_buffer),
	KUNIT_CASE(reassembly_queue__buffer_grows),
	KUNIT_CASE(reassembly_prune__makes_room),
	KUNIT_CASE(reassembly_sacks__order),
	KUNIT_CASE_PARAM(reassembly_sacks__random, prng_seed_gen_params),
	{}
};

static struct kunit_suite reassembly_suite = {
	.name = "toytcp_reassembly",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = reassembly_cases,
};

kunit_test_suites(&reassembly_suite);
