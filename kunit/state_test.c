// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of module/state.c, and of what every state does with every kind of
 * segment.
 *
 * The second part brings a real socket into a state by a real exchange, sends
 * it one segment, and compares the answer and the state after it with what
 * RFC 9293 section 3.10.7 with RFC 5961 says. The oracle below was written
 * from the RFCs, not from the module; where the module's documentation takes
 * another reading (a segment that touches the window counts, see
 * toytcp_window_touches()), the oracle says so.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/net.h>

#include "../module/netns.h"
#include "../module/seq.h"
#include "sim.h"

/* ---- the table of transitions ---- */

static const int states[] = {
	TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED,
	TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT, TCP_CLOSING,
	TCP_LAST_ACK, TCP_TIME_WAIT,
};

/*
 * RFC 9293 figure 5; rows: from, columns: to, both in the order of states[].
 * x: an arrow of the figure, its notes, or the text's way to CLOSED (reset,
 * abort, timeout). Two of its arrows are not for this module: LISTEN to
 * SYN_SENT (send() on a listener), and SYN_RECV back to LISTEN (the listener
 * never left; the request goes).
 */
static const char *const figure5[] = {
	/* to:  C L S R E 1 2 W X A T */
	"       . x x . . . . . . . .", /* CLOSE */
	"       x . . x . . . . . . .", /* LISTEN */
	"       x . . x x . . . . . .", /* SYN_SENT */
	"       x . . . x x . . . . .", /* SYN_RECV */
	"       x . . . . x . x . . .", /* ESTABLISHED */
	"       x . . . . . x . x . x", /* FIN_WAIT1 */
	"       x . . . . . . . . . x", /* FIN_WAIT2 */
	"       x . . . . . . . . x .", /* CLOSE_WAIT */
	"       x . . . . . . . . . x", /* CLOSING */
	"       x . . . . . . . . . .", /* LAST_ACK */
	"       x . . . . . . . . . .", /* TIME_WAIT */
};

static void state_allowed__is_figure_5(struct kunit *test)
{
	int from, to;

	for (from = 0; from < ARRAY_SIZE(states); from++)
		for (to = 0; to < ARRAY_SIZE(states); to++)
			KUNIT_EXPECT_EQ_MSG(test, toytcp_state_allowed(states[from], states[to]),
					    figure5[from][7 + 2 * to] == 'x', "%s to %s",
					    toytcp_state_name(states[from]),
					    toytcp_state_name(states[to]));
}

static void state_allowed__what_is_no_state(struct kunit *test)
{
	static const int odd[] = {
		-1, 0, TCP_NEW_SYN_RECV, TCP_MAX_STATES, 1000, INT_MIN, INT_MAX,
	};
	int i, j;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		for (j = 0; j < ARRAY_SIZE(states); j++) {
			KUNIT_EXPECT_FALSE(test, toytcp_state_allowed(odd[i], states[j]));
			KUNIT_EXPECT_FALSE(test, toytcp_state_allowed(states[j], odd[i]));
		}
		KUNIT_EXPECT_STREQ(test, toytcp_state_name(odd[i]), "?");
	}
}

static void state_name__all(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_CLOSE), "CLOSE");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_LISTEN), "LISTEN");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_SYN_SENT), "SYN_SENT");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_SYN_RECV), "SYN_RECV");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_ESTABLISHED), "ESTABLISHED");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_FIN_WAIT1), "FIN_WAIT1");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_FIN_WAIT2), "FIN_WAIT2");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_CLOSE_WAIT), "CLOSE_WAIT");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_CLOSING), "CLOSING");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_LAST_ACK), "LAST_ACK");
	KUNIT_EXPECT_STREQ(test, toytcp_state_name(TCP_TIME_WAIT), "TIME_WAIT");
}

/* ---- a socket in each state ---- */

struct place {
	const char *name;
	int state;
	bool crossed;		/* SYN_RECV by a simultaneous open */
	bool ts;		/* both ends use timestamps */
};

static const struct place places[] = {
	{ "CLOSE", TCP_CLOSE },
	{ "LISTEN", TCP_LISTEN },
	{ "SYN_SENT", TCP_SYN_SENT },
	{ "SYN_RECV, a request", TCP_SYN_RECV },
	{ "SYN_RECV, crossed", TCP_SYN_RECV, .crossed = true },
	{ "ESTABLISHED", TCP_ESTABLISHED },
	{ "FIN_WAIT1", TCP_FIN_WAIT1 },
	{ "FIN_WAIT2", TCP_FIN_WAIT2 },
	{ "CLOSE_WAIT", TCP_CLOSE_WAIT },
	{ "CLOSING", TCP_CLOSING },
	{ "LAST_ACK", TCP_LAST_ACK },
	{ "TIME_WAIT", TCP_TIME_WAIT },
	{ "SYN_SENT, timestamps", TCP_SYN_SENT, .ts = true },
	{ "SYN_RECV, a request, timestamps", TCP_SYN_RECV, .ts = true },
	{ "ESTABLISHED, timestamps", TCP_ESTABLISHED, .ts = true },
	{ "TIME_WAIT, timestamps", TCP_TIME_WAIT, .ts = true },
};

static void place_desc(const struct place *p, char *desc)
{
	strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(place, places, place_desc);

/* one end in a state; the numbers are what the peer knows of it */
struct stand {
	bool stands;			/* the last segment has changed nothing */
	struct socket *listener, *sock;
	struct sim_peer p;
	u32 snd_una, snd_nxt, rcv_nxt;	/* the socket's */
	u32 rcv_wnd;
};

static void stand_close(struct kunit *test, struct stand *s, int state)
{
	bool first = state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ||
		     state == TCP_CLOSING || state == TCP_TIME_WAIT;
	struct sim_peer *p = &s->p;

	if (first)
		kernel_sock_shutdown(s->sock, SHUT_WR);
	if (state == TCP_FIN_WAIT2 || state == TCP_TIME_WAIT) {
		p->rcv_nxt++;
		sim_peer_send(p, TOYTCP_ACK, 0);
	}
	if (state != TCP_FIN_WAIT1 && state != TCP_FIN_WAIT2)
		sim_peer_send(p, TOYTCP_FIN | TOYTCP_ACK, 0);
	if (state == TCP_CLOSE_WAIT)
		sim_run(SIM_S / 5);	/* its ACK, which waits for our own FIN */
	if (state == TCP_LAST_ACK)
		kernel_sock_shutdown(s->sock, SHUT_WR);
	if (state == TCP_FIN_WAIT1 || state == TCP_CLOSING || state == TCP_LAST_ACK)
		p->rcv_nxt++;	/* what a good ACK says */
}

/* @s has the listener of the segment before, or none */
static void stand_up(struct kunit *test, struct stand *s, const struct place *place)
{
	struct sim_peer *p = &s->p;
	struct toytcp_sock *ts;

	if (s->stands)
		return;
	*s = (struct stand){ .listener = s->listener };
	sim_peer_init(p, SIM_PORT_A);
	p->syn.has_ts = place->ts;
	p->ts = place->ts;
	s->rcv_nxt = p->iss + 1;
	if (place->state == TCP_CLOSE)
		return;
	if (place->state == TCP_SYN_SENT || place->crossed) {
		s->sock = sim_socket(test);
		KUNIT_ASSERT_EQ(test, sim_bind(s->sock, 0, SIM_PORT_A), 0);
		KUNIT_ASSERT_EQ(test, sim_connect(s->sock, SIM_PEER, SIM_PORT_PEER), -EINPROGRESS);
		p->irs = sim.isn;
		p->rcv_nxt = p->irs + 1;
		if (place->crossed)
			sim_peer_send(p, TOYTCP_SYN, 0);
	} else {
		if (!s->listener)
			s->listener = sim_listen(test, SIM_PORT_A, 4);
		if (place->state == TCP_LISTEN)
			return;
		if (place->state == TCP_SYN_RECV) {
			sim_peer_send(p, TOYTCP_SYN, 0);
			p->irs = sim.isn;
			p->rcv_nxt = p->irs + 1;
			s->snd_una = p->irs;
			s->snd_nxt = p->irs + 1;
			s->rcv_wnd = 65535;
			sim_inbox_clear();
			return;
		}
		s->sock = sim_peer_connects(test, p, s->listener);
		if (place->state == TCP_ESTABLISHED || place->state == TCP_CLOSE_WAIT) {
			/* something to acknowledge */
			KUNIT_ASSERT_EQ(test, sim_write(s->sock, 0, 100), 100);
			p->rcv_nxt += 100;
			/* what comes later is no answer, whose ACK may wait */
			sim_run(TOYTCP_DELACK_READ_US);
		}
		if (place->state != TCP_ESTABLISHED)
			stand_close(test, s, place->state);
	}
	sim_inbox_clear();
	ts = sim_ts(s->sock);
	s->snd_una = ts->snd_una;
	s->snd_nxt = ts->snd_nxt;
	s->rcv_nxt = place->state == TCP_SYN_SENT ? p->iss + 1 : ts->rcv_nxt;
	s->rcv_wnd = toytcp_rcv_wnd_left(ts);
}

/* a full socket whose variables are those that it was brought up with */
static bool still_stands(const struct stand *s, int state)
{
	const struct toytcp_sock *ts;

	if (!s->sock || s->sock->sk->sk_state != state || state == TCP_CLOSE)
		return false;
	ts = sim_ts(s->sock);
	return ts->snd_una == s->snd_una && ts->snd_nxt == s->snd_nxt &&
	       (state == TCP_SYN_SENT || ts->rcv_nxt == s->rcv_nxt) &&
	       toytcp_rcv_wnd_left(ts) == s->rcv_wnd && RB_EMPTY_ROOT(&ts->ofo_queue);
}

/*
 * All but the listener goes, a request or a time-wait by its time; unless the
 * segment has changed nothing. Then only the clock goes on, without timers, to
 * where the limits on challenge ACKs are new.
 */
static void stand_down(struct kunit *test, struct stand *s, const struct place *place)
{
	s->stands = still_stands(s, place->state);
	if (s->stands) {
		sim_inbox_clear();
		sim.now_us += SIM_S;
		return;
	}
	if (s->sock)
		sim_abort(s->sock);
	KUNIT_ASSERT_TRUE(test, sim_run_events(1000));
	KUNIT_EXPECT_EQ(test, atomic_read(&toytcp_net(&init_net)->flows.nelems), 0);
	sim_inbox_clear();
	/* a new second of the limit on challenge ACKs */
	sim_run(SIM_S);
}

static int stand_state(struct stand *s)
{
	struct toytcp_net *tn = toytcp_net(&init_net);

	if (!s->sock && s->listener)
		s->sock = sim_accept(s->listener);
	if (s->sock) {
		if (s->sock->sk->sk_state == TCP_CLOSE && atomic_read(&tn->tw_count))
			return TCP_TIME_WAIT;
		/* the remnant's successor */
		if (s->sock->sk->sk_state == TCP_CLOSE && s->listener &&
		    sim_ts(s->listener)->listener->req_count)
			return TCP_SYN_RECV;
		return s->sock->sk->sk_state;
	}
	if (!s->listener)
		return TCP_CLOSE;
	return sim_ts(s->listener)->listener->req_count ? TCP_SYN_RECV : TCP_LISTEN;
}

/* ---- the oracle ---- */

enum answer { NOTHING, ACK, RST, SYNACK, ANY };

static const char *const answer_names[] = { "nothing", "ACK", "RST", "SYN-ACK", "anything" };

struct outcome {
	enum answer answer;
	int state;
};

static struct outcome oracle_closed(const struct sim_seg *seg, int state)
{
	return (struct outcome){ seg->flags & TOYTCP_RST ? NOTHING : RST, state };
}

/* 3.10.7.2 */
static struct outcome oracle_listen(const struct sim_seg *seg)
{
	if (seg->flags & TOYTCP_RST)
		return (struct outcome){ NOTHING, TCP_LISTEN };
	if (seg->flags & TOYTCP_ACK)
		return (struct outcome){ RST, TCP_LISTEN };
	/* a SYN with FIN is no way to open: dropped, as Linux does */
	if (seg->flags & TOYTCP_SYN && !(seg->flags & TOYTCP_FIN))
		return (struct outcome){ SYNACK, TCP_SYN_RECV };
	return (struct outcome){ NOTHING, TCP_LISTEN };
}

/* 3.10.7.3 */
static struct outcome oracle_syn_sent(const struct stand *s, const struct sim_seg *seg)
{
	bool ack_good = seg->flags & TOYTCP_ACK && seq_after(seg->ack, s->snd_una) &&
			seq_leq(seg->ack, s->snd_nxt);

	if (seg->flags & TOYTCP_ACK && !ack_good)
		return (struct outcome){ seg->flags & TOYTCP_RST ? NOTHING : RST, TCP_SYN_SENT };
	if (seg->flags & TOYTCP_RST)
		return (struct outcome){ NOTHING, ack_good ? TCP_CLOSE : TCP_SYN_SENT };
	if (!(seg->flags & TOYTCP_SYN))
		return (struct outcome){ NOTHING, TCP_SYN_SENT };
	if (ack_good)
		return (struct outcome){ ACK, seg->flags & TOYTCP_FIN ? TCP_CLOSE_WAIT :
								       TCP_ESTABLISHED };
	return (struct outcome){ SYNACK, TCP_SYN_RECV };
}

static bool has_fin_acked(const struct stand *s, const struct sim_seg *seg, int state)
{
	return (state == TCP_FIN_WAIT1 || state == TCP_CLOSING || state == TCP_LAST_ACK) &&
	       seg->ack == s->snd_nxt;
}

static bool fin_came(int state)
{
	return BIT(state) & (TCPF_CLOSE_WAIT | TCPF_CLOSING | TCPF_LAST_ACK);
}

/* eighth step: the FIN, in sequence */
static int after_fin(int state)
{
	switch (state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		return TCP_CLOSE_WAIT;
	case TCP_FIN_WAIT1:
		return TCP_CLOSING;
	case TCP_FIN_WAIT2:
		return TCP_TIME_WAIT;
	}
	return state;
}

/* 3.10.7.4, table 6, for an open window */
static bool acceptable(u32 rcv_nxt, u32 wnd, u32 seq, u32 len)
{
	if (seq_geq(seq, rcv_nxt) && seq_before(seq, rcv_nxt + wnd))
		return true;
	return len && seq_geq(seq + len - 1, rcv_nxt) && seq_before(seq + len - 1, rcv_nxt + wnd);
}

/* bytes, as the socket counts them */
static u32 acked(const struct stand *s)
{
	return s->sock ? sim_ts(s->sock)->bytes_acked : 0;
}

/* 3.10.7.4, for all but TIME_WAIT */
static struct outcome oracle_other(const struct stand *s, const struct sim_seg *seg,
				   const struct place *place)
{
	u32 len = seg->len + !!(seg->flags & TOYTCP_SYN) + !!(seg->flags & TOYTCP_FIN);
	u32 edge = s->rcv_nxt + s->rcv_wnd;
	struct outcome out = { NOTHING, place->state };
	bool request = place->state == TCP_SYN_RECV && !place->crossed;

	/* the SYN again: the SYN-ACK again */
	if (request && (seg->flags & (TOYTCP_SYN | TOYTCP_ACK | TOYTCP_RST)) == TOYTCP_SYN &&
	    seg->seq == s->p.iss) {
		out.answer = SYNACK;
		return out;
	}
	/* the SYN-ACK of the other end of a simultaneous open, as Linux takes it */
	if (place->crossed && seg->flags == (TOYTCP_SYN | TOYTCP_ACK) &&
	    seg->seq == s->p.iss && seg->ack == s->snd_nxt) {
		out.state = TCP_ESTABLISHED;
		return out;
	}
	/* as Linux: the ACK first for a request, and no answer to what has no flag */
	if (request && seg->flags & TOYTCP_ACK && seg->ack != s->snd_nxt) {
		out.answer = seg->flags & TOYTCP_RST ? NOTHING : RST;
		return out;
	}
	if (!request && !(seg->flags & (TOYTCP_ACK | TOYTCP_RST | TOYTCP_SYN)))
		return out;
	/* first: touches the window; for a request, table 6 to the letter */
	if (request ? !acceptable(s->rcv_nxt, s->rcv_wnd, seg->seq, len) :
		      !seq_geq(seg->seq + len, s->rcv_nxt) || seq_after(seg->seq, edge)) {
		if (!(seg->flags & TOYTCP_RST))
			out.answer = ACK;
		else if (fin_came(place->state) && seg->seq == s->rcv_nxt - 1)
			out.state = TCP_CLOSE;	/* as Linux: the peer forgot its FIN */
		return out;
	}
	/* second, RFC 5961 3.2 */
	if (seg->flags & TOYTCP_RST) {
		if (seg->seq == s->rcv_nxt)
			out.state = request ? TCP_LISTEN : TCP_CLOSE;
		else if (seg->seq == edge || seq_before(seg->seq, s->rcv_nxt))
			out.answer = ANY;	/* on the line between drop and challenge */
		else
			out.answer = ACK;
		return out;
	}
	/* fourth, RFC 5961 4.2 */
	if (seg->flags & TOYTCP_SYN) {
		out.answer = ACK;
		return out;
	}
	/* fifth */
	if (!(seg->flags & TOYTCP_ACK))
		return out;
	if (place->state == TCP_SYN_RECV) {
		if (!seq_after(seg->ack, s->snd_una) || seq_after(seg->ack, s->snd_nxt)) {
			out.answer = RST;
			return out;
		}
		out.state = TCP_ESTABLISHED;
	}
	/* RFC 5961 5.2; less was acknowledged than the largest window, 65535 */
	if (seq_after(seg->ack, s->snd_nxt) || seq_before(seg->ack, s->snd_una - acked(s))) {
		out.answer = ACK;
		return out;
	}
	if (has_fin_acked(s, seg, out.state)) {
		if (out.state == TCP_FIN_WAIT1) {
			out.state = TCP_FIN_WAIT2;
		} else {
			out.state = out.state == TCP_CLOSING ? TCP_TIME_WAIT : TCP_CLOSE;
			out.answer = ANY; /* nothing is owed, but a FIN again may be acknowledged */
			return out;
		}
	}
	/* seventh and eighth */
	if (!seg->len && !(seg->flags & TOYTCP_FIN))
		return out;
	if (fin_came(out.state)) {
		/* what was received before is acknowledged again, what is new ignored */
		if (seq_before(seg->seq, s->rcv_nxt))
			out.answer = ACK;
		return out;
	}
	out.answer = ACK;
	if (seg->flags & TOYTCP_FIN && seq_leq(seg->seq, s->rcv_nxt) &&
	    seq_after(seg->seq + len, s->rcv_nxt))
		out.state = after_fin(out.state);
	/* the program's own FIN may be next, and carry the ACK */
	if (out.state == TCP_CLOSE_WAIT)
		out.answer = NOTHING;
	return out;
}

/* 3.10.7.4 for TIME_WAIT, RFC 1337, RFC 6191; there is a listener */
static struct outcome oracle_time_wait(const struct stand *s, const struct sim_seg *seg)
{
	u32 len = seg->len + !!(seg->flags & TOYTCP_SYN) + !!(seg->flags & TOYTCP_FIN);
	struct outcome out = { ACK, TCP_TIME_WAIT };

	if (seg->flags & TOYTCP_RST)
		out.answer = NOTHING;
	else if ((seg->flags & (TOYTCP_SYN | TOYTCP_ACK | TOYTCP_FIN)) == TOYTCP_SYN &&
		 seq_after(seg->seq, s->rcv_nxt))
		out = (struct outcome){ SYNACK, TCP_SYN_RECV };
	else if (!len && seq_geq(seg->seq, s->rcv_nxt) &&
		 seq_before(seg->seq, s->rcv_nxt + s->rcv_wnd))
		out.answer = NOTHING;
	else if (seq_after(seg->seq + len, s->rcv_nxt) &&
		 seq_before(seg->seq, s->rcv_nxt + s->rcv_wnd))
		out.answer = ANY;	/* new text after the FIN: ignored, an ACK does no harm */
	return out;
}

static struct outcome oracle(const struct stand *s, const struct sim_seg *seg,
			     const struct place *place)
{
	switch (place->state) {
	case TCP_CLOSE:
		return oracle_closed(seg, TCP_CLOSE);
	case TCP_LISTEN:
		return oracle_listen(seg);
	case TCP_SYN_SENT:
		return oracle_syn_sent(s, seg);
	case TCP_TIME_WAIT:
		return oracle_time_wait(s, seg);
	}
	return oracle_other(s, seg, place);
}

/* ---- the matrix ---- */

static enum answer classify(const struct sim_seg *seg)
{
	if (!seg)
		return NOTHING;
	if (seg->flags & TOYTCP_RST)
		return RST;
	return seg->flags & TOYTCP_SYN ? SYNACK : ACK;
}

/* RFC 9293 3.10.7: the numbers that an answer carries */
static void check_numbers(struct kunit *test, const struct stand *s,
			  const struct sim_seg *sent, const struct sim_seg *got,
			  const char *what)
{
	u32 len = sent->len + !!(sent->flags & TOYTCP_SYN) + !!(sent->flags & TOYTCP_FIN);

	switch (classify(got)) {
	case RST:
		if (sent->flags & TOYTCP_ACK)
			KUNIT_EXPECT_EQ_MSG(test, got->seq, sent->ack, "%s", what);
		else
			KUNIT_EXPECT_TRUE_MSG(test, !got->seq && got->flags & TOYTCP_ACK &&
					      got->ack == sent->seq + len, "%s", what);
		break;
	case ACK:
		KUNIT_EXPECT_EQ_MSG(test, got->seq, s->snd_nxt, "%s", what);
		/* in SYN_SENT the segment itself says where the stream begins */
		if (s->sock && !s->listener && sent->flags & TOYTCP_SYN)
			break;
		KUNIT_EXPECT_TRUE_MSG(test, seq_geq(got->ack, s->rcv_nxt), "%s", what);
		break;
	case SYNACK:
		KUNIT_EXPECT_EQ_MSG(test, got->ack, sent->seq + 1, "%s", what);
		break;
	default:
		break;
	}
	if (got && s->p.ts && !(got->flags & TOYTCP_RST))
		KUNIT_EXPECT_TRUE_MSG(test, got->opt.has_ts, "no timestamp: %s", what);
}

static void one_segment(struct kunit *test, struct stand *s, const struct place *place,
			u8 flags, u32 len, s32 seq_off, s32 seq_wnd, s32 ack_off)
{
	const struct sim_seg *got;
	struct outcome want;
	struct sim_seg seg;
	char what[120];
	int state;

	stand_up(test, s, place);
	seg = sim_peer_seg(&s->p, flags, len);
	seg.seq = s->rcv_nxt + seq_off + (seq_wnd ? s->rcv_wnd : 0);
	if (flags & TOYTCP_ACK)
		seg.ack = s->p.rcv_nxt + ack_off;
	snprintf(what, sizeof(what), "%s: flags %#x len %u seq rcv_nxt%+d%s ack %+d",
		 place->name, flags, len, seq_off, seq_wnd ? " + window" : "", ack_off);

	want = oracle(s, &seg, place);
	sim_inject(&seg);
	got = sim_next();
	state = stand_state(s);
	KUNIT_EXPECT_TRUE_MSG(test, want.answer == ANY || classify(got) == want.answer,
			      "%s: answered with %s, not %s", what, answer_names[classify(got)],
			      answer_names[want.answer]);
	KUNIT_EXPECT_EQ_MSG(test, state, want.state, "%s: then %s, not %s", what,
			    toytcp_state_name(state), toytcp_state_name(want.state));
	check_numbers(test, s, &seg, got, what);
	SIM_EXPECT_NONE(test);
	stand_down(test, s, place);
}

static void state__every_segment(struct kunit *test)
{
	static const struct {
		u8 flags;
		u32 len;
	} kinds[] = {
		{ TOYTCP_SYN }, { TOYTCP_SYN | TOYTCP_ACK }, { TOYTCP_ACK }, { TOYTCP_ACK, 10 },
		{ TOYTCP_FIN | TOYTCP_ACK }, { TOYTCP_FIN | TOYTCP_ACK, 10 }, { TOYTCP_RST },
		{ TOYTCP_RST | TOYTCP_ACK }, { 0, 10 }, { TOYTCP_FIN }, { TOYTCP_SYN | TOYTCP_FIN },
	};
	static const struct {
		s32 off, wnd;
	} seqs[] = {
		{ -70000 }, { -11 }, { -10 }, { -1 }, { 0 }, { 1 },
		{ -1, 1 }, { 0, 1 }, { 1, 1 }, { 100000, 1 },
	};
	static const s32 acks[] = { -200000, -100, -1, 1, 100000 };
	const struct place *place = test->param_value;
	struct stand s = {};
	int k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < ARRAY_SIZE(seqs); i++) {
			/* without a window there is no edge of it */
			if (BIT(place->state) & (TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT) &&
			    (seqs[i].wnd || seqs[i].off < -1))
				continue;
			/* timestamps change nothing here: fewer will do */
			if (place->ts && (seqs[i].off > 1 || seqs[i].off < -10))
				continue;
			one_segment(test, &s, place, kinds[k].flags, kinds[k].len,
				    seqs[i].off, seqs[i].wnd, 0);
		}
		if (!(kinds[k].flags & TOYTCP_ACK) || place->state == TCP_TIME_WAIT || place->ts)
			continue;
		for (i = 0; i < ARRAY_SIZE(acks); i++)
			one_segment(test, &s, place, kinds[k].flags, kinds[k].len, 0, 0, acks[i]);
	}
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_allowed__is_figure_5),
	KUNIT_CASE(state_allowed__what_is_no_state),
	KUNIT_CASE(state_name__all),
	KUNIT_CASE_PARAM(state__every_segment, place_gen_params),
	{}
};

static struct kunit_suite state_suite = {
	.name = "toytcp_state",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = state_cases,
};

kunit_test_suites(&state_suite);
