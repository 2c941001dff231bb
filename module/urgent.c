// SPDX-License-Identifier: GPL-2.0
/*
 * Urgent data: a mark in the stream, and the byte before the pointer.
 *
 * Engine (layer 1). Locks: the socket's. RFC 9293 3.8.5 and 3.10.7.4 (sixth
 * step), RFC 6093.
 *
 * As Linux does it, and everybody else: the pointer on the wire names the
 * byte behind the urgent one (RFC 6093 section 2; Linux's tcp_stdurg=0). There
 * is one mark at a time; a later one moves it, and the byte of the earlier one
 * becomes an ordinary byte of the stream. Out of band, recv(MSG_OOB) gives the
 * one byte at the mark; in the stream that byte is left out, unless
 * SO_OOBINLINE is set. A read never crosses the mark, so that SIOCATMARK can
 * tell where it is.
 *
 * The byte stays in the receive queue all the time, as a byte to be skipped:
 * nothing that was acknowledged depends on its being read.
 */
#include <linux/sched/signal.h>
#include <net/tcp.h>

#include "compat.h"
#include "seq.h"
#include "sock.h"
#include "urgent.h"

#define POINTER_MAX	0xffff	/* bytes that the field reaches ahead */

/*
 * The mark is read out of band, the byte is the next in the stream, and a new
 * mark comes: this one must not be read again as data.
 */
static void skip_old_mark(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

	if (!ts->urg_data || ts->urg_seq != ts->copied_seq ||
	    sock_flag(sk, SOCK_URGINLINE) || ts->copied_seq == ts->rcv_nxt)
		return;
	WRITE_ONCE(ts->copied_seq, ts->copied_seq + 1);
	if (skb && seq_leq(TOYTCP_CB(skb)->seq + skb->len, ts->copied_seq)) {
		__skb_unlink(skb, &sk->sk_receive_queue);
		__kfree_skb(skb);
	}
}

/* a segment has a pointer: is it news? */
static void pointer_heard(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 ptr = ntohs(tcp_hdr(seg->skb)->urg_ptr);

	/* from behind the byte to the byte */
	if (ptr)
		ptr--;
	ptr += seg->seq;
	/*
	 * What is read, or lies in the queue already, was sent without a mark:
	 * nobody honest marks it later. And the mark never moves back.
	 */
	if (seq_after(ts->copied_seq, ptr) || seq_before(ptr, ts->rcv_nxt) ||
	    (ts->urg_data && !seq_after(ptr, ts->urg_seq)))
		return;
	sk_send_sigurg(sk);
	skip_old_mark(sk);
	WRITE_ONCE(ts->urg_data, TOYTCP_URG_NOTYET);
	WRITE_ONCE(ts->urg_seq, ptr);
}

/**
 * toytcp_urgent_rcv() - sixth step: check the URG bit
 * @sk: the socket, in a state that takes text
 * @seg: the segment, its header still in the buffer
 *
 * RFC 9293 3.10.7.4. The program hears of the mark as soon as it is announced
 * (SIGURG), and of the byte when it is here, in order or not (POLLPRI).
 *
 * Context: softirq or backlog, socket lock held.
 */
void toytcp_urgent_rcv(struct sock *sk, const struct toytcp_seg *seg)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u32 offset;
	u8 byte;

	if (seg->flags & TOYTCP_URG)
		pointer_heard(sk, seg);
	if (ts->urg_data != TOYTCP_URG_NOTYET)
		return;
	offset = ts->urg_seq - seg->seq;
	if (offset >= seg->len ||
	    skb_copy_bits(seg->skb, seg->hdr_len + offset, &byte, 1))
		return;
	WRITE_ONCE(ts->urg_data, TOYTCP_URG_VALID | byte);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

/**
 * toytcp_urgent_recv() - recv() with MSG_OOB: the byte at the mark
 * @sk: the socket, not listening
 * @msg: where the byte goes
 * @len: room, bytes
 * @flags: MSG_PEEK, MSG_TRUNC
 *
 * Never blocks, as everywhere.
 *
 * Context: process, socket lock held.
 * Return: bytes, at most 1; -EINVAL where there is no mark, it was read
 * already, or its byte is read in line; -EAGAIN if it has still to come.
 */
int toytcp_urgent_recv(struct sock *sk, struct msghdr *msg, size_t len,
		       int flags)
{
	struct toytcp_sock *ts = toytcp_sk(sk);
	u8 byte = ts->urg_data & 0xff;

	if (sock_flag(sk, SOCK_URGINLINE) || !ts->urg_data ||
	    ts->urg_data == TOYTCP_URG_READ)
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (!(ts->urg_data & TOYTCP_URG_VALID)) {
		if (sk->sk_state == TCP_CLOSE ||
		    (sk->sk_shutdown & RCV_SHUTDOWN))
			return 0;
		return -EAGAIN;
	}
	if (!(flags & MSG_PEEK))
		WRITE_ONCE(ts->urg_data, TOYTCP_URG_READ);
	msg->msg_flags |= MSG_OOB;
	if (!len) {
		msg->msg_flags |= MSG_TRUNC;
		return 0;
	}
	if (!(flags & MSG_TRUNC) && memcpy_to_msg(msg, &byte, 1))
		return -EFAULT;
	return 1;
}

/**
 * toytcp_urgent_at_mark() - is this place in the stream the mark?
 * @sk: the socket
 * @seq: sequence number
 *
 * Context: any.
 */
bool toytcp_urgent_at_mark(const struct sock *sk, u32 seq)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	return READ_ONCE(ts->urg_data) && READ_ONCE(ts->urg_seq) == seq;
}

/**
 * toytcp_urgent_limit() - how much may a read take from here?
 * @sk: the socket
 * @seq: where it starts
 * @len: bytes it could take, > 0
 * @skip: set to true if the first of them is the urgent byte, to be left out
 *
 * Context: process, socket lock held.
 * Return: bytes up to the mark; from the mark on, @len.
 */
u32 toytcp_urgent_limit(const struct sock *sk, u32 seq, u32 len, bool *skip)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u32 to_mark = ts->urg_seq - seq;

	*skip = false;
	if (likely(!ts->urg_data) || to_mark >= len)
		return len;
	if (to_mark)
		return to_mark;
	*skip = !sock_flag(sk, SOCK_URGINLINE);
	return len;
}

/**
 * toytcp_urgent_passed() - a read has moved copied_seq
 * @sk: the socket
 *
 * Behind the mark there is none any more, read out of band or not.
 *
 * Context: process, socket lock held.
 */
void toytcp_urgent_passed(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	if (unlikely(ts->urg_data) && seq_after(ts->copied_seq, ts->urg_seq))
		WRITE_ONCE(ts->urg_data, TOYTCP_URG_NONE);
}

/**
 * toytcp_urgent_inq() - bytes that a read would give now (FIONREAD)
 * @sk: the socket, synchronised
 *
 * Context: socket lock held.
 * Return: bytes up to the mark, if one lies ahead in the queue.
 */
u32 toytcp_urgent_inq(const struct sock *sk)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);

	if (unlikely(ts->urg_data) && !sock_flag(sk, SOCK_URGINLINE) &&
	    seq_geq(ts->urg_seq, ts->copied_seq) &&
	    seq_before(ts->urg_seq, ts->rcv_nxt))
		return ts->urg_seq - ts->copied_seq;
	return ts->rcv_nxt - ts->copied_seq - ts->got_fin;
}

/**
 * toytcp_urgent_send() - what is queued now ends in an urgent byte
 * @sk: the socket
 *
 * Context: process, socket lock held.
 */
void toytcp_urgent_send(struct sock *sk)
{
	struct toytcp_sock *ts = toytcp_sk(sk);

	ts->snd_up = ts->write_seq;
	ts->snd_urgent = seq_after(ts->snd_up, ts->snd_una);
}

/**
 * toytcp_urgent_acked() - snd_una has moved
 * @ts: the socket
 *
 * Context: socket lock held.
 */
void toytcp_urgent_acked(struct toytcp_sock *ts)
{
	if (unlikely(ts->snd_urgent) && seq_geq(ts->snd_una, ts->snd_up))
		ts->snd_urgent = 0;
}

/**
 * toytcp_urgent_xmit() - the pointer of a segment that goes out
 * @ts: the socket, in urgent mode
 * @skb: the segment, a single one on the wire, its TCP header written
 * @seq: SEG.SEQ
 *
 * If the urgent byte is farther ahead than the field reaches, it points as
 * far as it can, so that the peer hears of it soon; but only where that is
 * beyond everything sent, or it would mark a byte that is not urgent.
 *
 * Context: socket lock held.
 */
void toytcp_urgent_xmit(const struct toytcp_sock *ts, struct sk_buff *skb,
			u32 seq)
{
	struct tcphdr *th = tcp_hdr(skb);
	u32 ahead = ts->snd_up - seq;

	if (!seq_before(seq, ts->snd_up))
		return;
	if (ahead > POINTER_MAX) {
		if (!seq_after(seq + POINTER_MAX, ts->snd_nxt))
			return;
		ahead = POINTER_MAX;
	}
	th->urg_ptr = htons(ahead);
	th->urg = 1;
}
