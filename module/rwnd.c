// SPDX-License-Identifier: GPL-2.0
/*
 * The receive window that is offered: from the buffer's room, without the
 * silly window syndrome.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 section 3.8.6.2.2, RFC 7323
 * section 2; the arithmetic is window.c's.
 *
 * The buffer's size bounds memory, the window promises payload. How much of
 * the one is the other depends on who filled the buffers: the device, GRO, or
 * the sender on the same host. So the share is measured (Linux since 6.6).
 */
#include <linux/math.h>

#include "netns.h"
#include "sock.h"
#include "window.h"

/* TCP_WINDOW_CLAMP, or the route's window: never offer more */
static u32 window_clamp(const struct toytcp_sock *ts, u32 wnd)
{
	return ts->window_clamp ? min(wnd, ts->window_clamp) : wnd;
}

/**
 * toytcp_rwnd_init() - the first receive window of a connection
 * @sk: the socket, or the listener
 * @path: of the connection
 * @mss: bytes of data in a segment that comes
 * @wscale: set to the shift count to offer, 0..14
 * @wnd: set to the window, bytes; a SYN's is never scaled (RFC 7323 2.2)
 *
 * The window scale must serve the largest buffer that auto-tuning or SO_RCVBUF
 * may reach, and nearly all of it may be payload (as Linux).
 *
 * Context: socket lock held.
 */
void toytcp_rwnd_init(const struct sock *sk, const struct toytcp_path *path,
		      u32 mss, u8 *wscale, u32 *wnd)
{
	const struct toytcp_sysctl *ctl = &toytcp_sk_net(sk)->sysctl;
	u32 space = max_t(u32, READ_ONCE(sk->sk_rcvbuf) >> 1, 1), top = space;
	u32 clamp = toytcp_sk(sk)->window_clamp ?: path->window;

	if (!(sk->sk_userlocks & SOCK_RCVBUF_LOCK))
		top = max3(top, (u32)READ_ONCE(ctl->rmem[2]),
			   READ_ONCE(sysctl_rmem_max));
	if (clamp) {
		top = min(top, clamp);
		space = min(space, clamp);
	}
	*wscale = READ_ONCE(ctl->window_scaling) ? toytcp_window_scale(top) : 0;
	*wnd = min_t(u32, space, 65535);
	/* as Linux: initrwnd makes it smaller, not larger */
	if (path->init_rwnd_segs)
		*wnd = min_t(u64, *wnd, (u64)path->init_rwnd_segs * mss);
}

/* payload that so many bytes of buffers will hold, if they are as of late */
static u32 payload(const struct toytcp_sock *ts, int bytes)
{
	return bytes > 0 ? ((u64)bytes * ts->rcv_share) >> 8 : 0;
}

static u32 window_free(const struct sock *sk)
{
	/* what waits for the lock has taken its room already */
	int space = READ_ONCE(sk->sk_rcvbuf) - READ_ONCE(sk->sk_backlog.len) -
		    atomic_read(&sk->sk_rmem_alloc);

	return window_clamp(toytcp_sk(sk), payload(toytcp_sk(sk), space));
}

/**
 * toytcp_rwnd_full() - the window of an empty buffer
 * @sk: the socket
 *
 * Context: socket lock held.
 * Return: bytes, > 0.
 */
u32 toytcp_rwnd_full(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	return window_clamp(ts, max(payload(ts, READ_ONCE(sk->sk_rcvbuf)), 1u));
}

/**
 * toytcp_rwnd_weigh() - how much of what a segment weighs is payload?
 * @ts: the socket
 * @len: its payload, bytes
 * @truesize: its weight, bytes, > 0
 *
 * For full-sized segments. What follows is a mean, no bound: memory has its
 * own (reassembly.c).
 *
 * Context: socket lock held.
 */
void toytcp_rwnd_weigh(struct toytcp_sock *ts, u32 len, u32 truesize)
{
	int share = min_t(u32, (min(len, U32_MAX >> 8) << 8) / truesize,
			  TOYTCP_SHARE_MAX);

	ts->rcv_share += DIV_ROUND_CLOSEST(share - ts->rcv_share, 8);
}

/**
 * toytcp_rwnd_select() - the window to offer now
 * @sk: the socket
 *
 * Context: socket lock held.
 * Return: bytes.
 */
u32 toytcp_rwnd_select(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	struct toytcp_window_in in = {
		.space = window_free(sk),
		.full_space = toytcp_rwnd_full(sk),
		.mss = ts->rcv_mss,
		.cur_wnd = toytcp_rcv_wnd_left(ts),
		.wscale = ts->wscale_ok ? ts->rcv_wscale : 0,
	};

	return toytcp_window_select(&in);
}

/**
 * toytcp_rwnd_grew() - has reading opened the window enough to tell?
 * @sk: the socket
 *
 * RFC 1122 4.2.3.3: an update that at least doubles the window goes at once.
 *
 * Context: socket lock held.
 */
bool toytcp_rwnd_grew(struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 left = toytcp_rcv_wnd_left(ts);
	u32 full = toytcp_rwnd_full(sk);

	/* cheap test first: selecting is only worth it when much was read */
	if (2 * left > full)
		return false;
	return toytcp_rwnd_select(sk) >= 2 * left && toytcp_rwnd_select(sk) > left;
}
