// SPDX-License-Identifier: GPL-2.0
/*
 * The state diagram: the only writer of a connection's state.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 section 3.3.2, figure 5.
 */
#include "sock.h"
#include "trace.h"

#define TO(state) BIT(TCP_##state)

/*
 * Figure 5 as a table: from each state, the states that may follow. Any state
 * may go to CLOSE (a reset, a timeout, an abort). The full socket passes
 * through TIME_WAIT on its way to CLOSE while a struct toytcp_tw takes over
 * its place in the tables. A child begins at LISTEN, as its parent's copy.
 */
static const u16 transitions[TCP_MAX_STATES] = {
	[TCP_CLOSE]		= TO(LISTEN) | TO(SYN_SENT),
	[TCP_LISTEN]		= TO(SYN_RECV) | TO(CLOSE),
	[TCP_SYN_SENT]		= TO(SYN_RECV) | TO(ESTABLISHED) | TO(CLOSE),
	[TCP_SYN_RECV]		= TO(ESTABLISHED) | TO(FIN_WAIT1) | TO(CLOSE),
	[TCP_ESTABLISHED]	= TO(FIN_WAIT1) | TO(CLOSE_WAIT) | TO(CLOSE),
	[TCP_FIN_WAIT1]		= TO(FIN_WAIT2) | TO(CLOSING) | TO(TIME_WAIT) |
				  TO(CLOSE),
	[TCP_FIN_WAIT2]		= TO(TIME_WAIT) | TO(CLOSE),
	[TCP_CLOSE_WAIT]	= TO(LAST_ACK) | TO(CLOSE),
	[TCP_CLOSING]		= TO(TIME_WAIT) | TO(CLOSE),
	[TCP_LAST_ACK]		= TO(CLOSE),
	[TCP_TIME_WAIT]		= TO(CLOSE),
};

static const char *const names[TCP_MAX_STATES] = {
	[TCP_ESTABLISHED]	= "ESTABLISHED",
	[TCP_SYN_SENT]		= "SYN_SENT",
	[TCP_SYN_RECV]		= "SYN_RECV",
	[TCP_FIN_WAIT1]		= "FIN_WAIT1",
	[TCP_FIN_WAIT2]		= "FIN_WAIT2",
	[TCP_TIME_WAIT]		= "TIME_WAIT",
	[TCP_CLOSE]		= "CLOSE",
	[TCP_CLOSE_WAIT]	= "CLOSE_WAIT",
	[TCP_LAST_ACK]		= "LAST_ACK",
	[TCP_LISTEN]		= "LISTEN",
	[TCP_CLOSING]		= "CLOSING",
};

/**
 * toytcp_state_name() - a state's name as in RFC 9293 and netstat
 * @state: TCP_ESTABLISHED and so on
 *
 * Context: any.
 * Return: a constant string; "?" for what is no state.
 */
const char *toytcp_state_name(int state)
{
	if (state < 0 || state >= TCP_MAX_STATES || !names[state])
		return "?";
	return names[state];
}

/**
 * toytcp_state_allowed() - may one state follow another?
 * @from: the state before
 * @to: the state after
 *
 * Context: any.
 * Return: true if RFC 9293 figure 5 has that arrow.
 */
bool toytcp_state_allowed(int from, int to)
{
	if (from <= 0 || from >= TCP_MAX_STATES || to <= 0 ||
	    to >= TCP_MAX_STATES)
		return false;
	return transitions[from] & BIT(to);
}

static void say(struct sock *sk, int from, int to)
{
	WARN_ONCE(!toytcp_state_allowed(from, to), "toytcp: %s -> %s\n",
		  toytcp_state_name(from), toytcp_state_name(to));
	trace_toytcp_state(sk, from, to);
}

/**
 * toytcp_state_timewait() - tell that a connection goes to TIME_WAIT
 * @sk: the socket, which keeps its state until it is CLOSE
 *
 * The state is that of a struct toytcp_tw. A struct sock must never show it: the core
 * then takes it for a struct inet_timewait_sock (sk_fullsock()), and sock_pfree(),
 * of a segment that another processor has just found it for, drops a reference
 * which early demultiplexing does not take.
 *
 * Context: socket lock held.
 */
void toytcp_state_timewait(struct sock *sk)
{
	say(sk, sk->sk_state, TCP_TIME_WAIT);
}

/**
 * toytcp_state_set() - move a connection to another state
 * @sk: the socket
 * @state: the new state, not TIME_WAIT; the same state again does nothing
 *
 * The store is a release: who sees the new state without the lock (poll, the
 * listing) sees what was written before it.
 *
 * Context: socket lock held.
 */
void toytcp_state_set(struct sock *sk, int state)
{
	int from = sk->sk_state;

	if (from == state || WARN_ON_ONCE(state == TCP_TIME_WAIT))
		return;
	say(sk, from, state);
	/* pairs with smp_load_acquire() in toytcp_poll() and the listing */
	smp_store_release(&sk->sk_state, state);
}
