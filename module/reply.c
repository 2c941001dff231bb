// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that no full socket stands behind: resets, and what requests and
 * time-waits say.
 *
 * Engine (layer 1). Locks: a request's, the time-wait's own.
 * RFC 9293 3.10.7.1 (reset generation) and 3.10.7.4.
 */
#include <net/inet_ecn.h>
#include <net/tcp.h>

#include "compat.h"
#include "cookie.h"
#include "ecn.h"
#include "ipv4.h"
#include "listen.h"
#include "sock.h"
#include "timewait.h"

/**
 * toytcp_reply_header() - write a TCP header in front of a buffer's data
 * @skb: the buffer, with headroom
 * @key: the connection's ends
 * @seq: SEG.SEQ
 * @ack: SEG.ACK, used if @flags has ACK
 * @flags: TOYTCP_SYN and so on
 * @wnd: SEG.WND, as it goes on the wire
 * @opt: options, or NULL
 *
 * Context: any.
 */
void toytcp_reply_header(struct sk_buff *skb,
				  const struct toytcp_flow_key *key, u32 seq,
				  u32 ack, u8 flags, u16 wnd,
				  const struct toytcp_options *opt)
{
	unsigned int optlen = opt ? toytcp_options_len(opt) : 0;
	struct tcphdr *th = skb_push(skb, sizeof(*th) + optlen);

	skb_reset_transport_header(skb);
	th->source = key->lport;
	th->dest = key->fport;
	th->seq = htonl(seq);
	th->ack_seq = htonl(flags & TOYTCP_ACK ? ack : 0);
	((u8 *)th)[12] = ((sizeof(*th) + optlen) >> 2) << 4;
	((u8 *)th)[13] = flags;
	th->window = htons(wnd);
	th->check = 0;
	th->urg_ptr = 0;
	if (opt)
		toytcp_options_emit(opt, (u8 *)(th + 1));
}

/**
 * toytcp_reply_allowed() - may what opens or moves nothing be answered now?
 * @last_us: when this connection last did, 0 for never; updated
 *
 * Once in half a second (Linux's invalid_ratelimit): two ends that disagree
 * would answer each other for ever (RFC 5961 section 7).
 *
 * Context: the lock of what @last_us belongs to.
 * Return: true when it may.
 */
bool toytcp_reply_allowed(u64 *last_us)
{
	u64 now = toytcp_now_us();

	if (*last_us && now - *last_us < TOYTCP_OOW_INTERVAL_US)
		return false;
	*last_us = now;
	return true;
}

static struct sk_buff *reply_alloc(void)
{
	struct sk_buff *skb = alloc_skb(TOYTCP_HEADROOM, GFP_ATOMIC);

	if (skb) {
		skb_reserve(skb, TOYTCP_HEADROOM);
		skb->ip_summed = CHECKSUM_PARTIAL;
	}
	return skb;
}

/**
 * toytcp_reply_reset() - answer a segment that belongs to nothing
 * @net: the namespace
 * @seg: the segment; of a RST nothing comes
 * @way: of who refuses it; NULL: nobody was there
 *
 * RFC 9293 3.10.7.1: the reset carries the segment's own ACK number, or
 * acknowledges all of it.
 *
 * Context: softirq.
 */
void toytcp_reply_reset(struct net *net, const struct toytcp_seg *seg,
			const struct toytcp_way *way)
{
	struct toytcp_reply reply;
	struct sk_buff *skb;

	if (seg->flags & TOYTCP_RST)
		return;
	skb = reply_alloc();
	if (!skb)
		return;
	toytcp_ipv4_reply_to(net, seg->skb, &reply);
	if (way) {
		reply.mark = reply.mark ?: way->mark;
		reply.priority = way->priority;
		reply.oif = way->oif;
	}
	if (seg->flags & TOYTCP_ACK)
		toytcp_reply_header(skb, &reply.key, seg->ack, 0, TOYTCP_RST, 0, NULL);
	else
		toytcp_reply_header(skb, &reply.key, 0, seg->end_seq,
			    TOYTCP_RST | TOYTCP_ACK, 0, NULL);
	toytcp_stats_inc(net, TOYTCP_MIB_OUT_RSTS);
	toytcp_stats_inc(net, TOYTCP_MIB_OUT_SEGS);
	toytcp_ipv4_xmit_reply(&reply, skb);
}

/* the timestamp of a SYN-ACK; a cookie's remembers the SYN's options */
static u32 synack_tsval(const struct toytcp_req *req)
{
	const struct toytcp_cookie_opts opts = {
		.sack_ok = req->sack_ok,
		.ecn_ok = req->ecn_ok,
		.wscale_ok = req->wscale_ok,
		.wscale = req->snd_wscale,
	};

	if (!req->cookie)
		return toytcp_ts_now(req->ts_offset);
	return toytcp_cookie_ts_make(&opts, toytcp_now_us()) + req->ts_offset;
}

/* of what a request sends; ECT for an algorithm that needs it */
static u8 req_tos(const struct toytcp_req *req)
{
	bool ect = req->ecn_ok && toytcp_ecn_needed(toytcp_sk(req->listener));

	return inet_sk(req->listener)->tos | (ect ? INET_ECN_ECT_0 : 0);
}

/**
 * toytcp_reply_synack() - send a request's SYN-ACK
 * @req: the request, which for a cookie is the caller's for the moment
 * @cookie: what it says of Fast Open; NULL: nothing
 *
 * Context: softirq; the request's lock held, or nobody else knows it.
 */
void toytcp_reply_synack(struct toytcp_req *req,
			 const struct toytcp_fastopen_cookie *cookie)
{
	struct toytcp_reply reply = {
		.net = req->flow.tn->net,
		.key = req->flow.key,
		.oif = req->dif,
		.mark = READ_ONCE(req->listener->sk_mark),
		.priority = READ_ONCE(req->listener->sk_priority),
		.tos = req_tos(req),
		.ttl = max_t(int, inet_sk(req->listener)->uc_ttl, 0),
	};
	struct toytcp_options opt = {
		.mss = req->adv_mss,
		.has_wscale = req->wscale_ok,
		.wscale = req->rcv_wscale,
		.sack_perm = req->sack_ok,
		.has_ts = req->ts_ok,
		.tsval = synack_tsval(req),
		.tsecr = req->ts_recent,
	};
	struct sk_buff *skb = reply_alloc();

	if (!skb)
		return;
	if (cookie && cookie->len > 0) {
		opt.has_fastopen = 1;
		opt.fastopen_len = cookie->len;
		memcpy(opt.fastopen, cookie->data, cookie->len);
	}
	toytcp_reply_header(skb, &req->flow.key, req->iss, req->irs + 1,
		    TOYTCP_SYN | TOYTCP_ACK | (req->ecn_ok ? TOYTCP_ECE : 0),
		    min_t(u32, req->rcv_wnd, 65535),
		    &opt);
	toytcp_stats_inc(reply.net, TOYTCP_MIB_OUT_SEGS);
	toytcp_ipv4_xmit_reply(&reply, skb);
}

/**
 * toytcp_reply_req_ack() - answer an unacceptable segment to a request
 * @req: the request
 * @tos: the segment's, which the answer has, too, as in Linux
 *
 * RFC 9293 3.10.7.4, first step: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
 *
 * Context: softirq; the request's lock held, or nobody else knows it.
 */
void toytcp_reply_req_ack(struct toytcp_req *req, u8 tos)
{
	struct toytcp_reply reply = {
		.net = req->flow.tn->net,
		.key = req->flow.key,
		.oif = req->dif,
		.mark = READ_ONCE(req->listener->sk_mark),
		.priority = READ_ONCE(req->listener->sk_priority),
		.tos = tos & ~INET_ECN_MASK,
	};
	struct toytcp_options opt = {
		.has_ts = req->ts_ok,
		.tsval = toytcp_ts_now(req->ts_offset),
		.tsecr = req->ts_recent,
	};
	struct sk_buff *skb = reply_alloc();

	if (!skb)
		return;
	toytcp_reply_header(skb, &req->flow.key, req->iss + 1, req->irs + 1,
		    TOYTCP_ACK, min_t(u32, req->rcv_wnd >> req->rcv_wscale, 65535),
		    &opt);
	toytcp_stats_inc(reply.net, TOYTCP_MIB_OUT_SEGS);
	toytcp_ipv4_xmit_reply(&reply, skb);
}

/**
 * toytcp_reply_tw_ack() - acknowledge from TIME_WAIT
 * @tw: the remnant
 *
 * Context: softirq, @tw's lock held.
 */
void toytcp_reply_tw_ack(struct toytcp_tw *tw)
{
	struct toytcp_reply reply = {
		.net = tw->flow.tn->net,
		.key = tw->flow.key,
		.oif = tw->dif,
		.mark = tw->mark,
		.priority = tw->priority,
		.tos = tw->tos,
	};
	struct toytcp_options opt = {
		.has_ts = tw->ts_ok,
		.tsval = toytcp_ts_now(tw->ts_offset),
		.tsecr = tw->ts_recent,
	};
	struct sk_buff *skb = reply_alloc();

	if (!skb)
		return;
	toytcp_reply_header(skb, &tw->flow.key, tw->snd_nxt, tw->rcv_nxt, TOYTCP_ACK,
		    min_t(u32, tw->rcv_wnd >> tw->rcv_wscale, 65535), &opt);
	toytcp_stats_inc(reply.net, TOYTCP_MIB_OUT_SEGS);
	toytcp_ipv4_xmit_reply(&reply, skb);
}
