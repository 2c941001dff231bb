// SPDX-License-Identifier: GPL-2.0
/*
 * Sends mutated TCP segments at a victim, from beside its peers: at its
 * listener, at live connections' exact addresses and ports and near their
 * windows, and at connections in every other state. After each round the live
 * connections must still carry data both ways, byte for byte, and the listener
 * must still accept.
 *
 *	hostile --family F --peer-family F --peer-netns NS --netns NS
 *		--device DEV --count N [--seed N] [--round N]
 *
 * The victim (family F) is 10.77.0.2 in --netns, its peers are 10.77.0.1 in
 * --peer-netns, whose device DEV the segments leave by.
 *
 * A segment that looks right in every respect is right, and what it does to a
 * connection is no fault of the victim's. So the segments for live connections
 * are of classes of which each is wrong in one respect that RFC 9293, RFC 5961
 * or RFC 7323 names, and random in all others. What the victim expects (its
 * RCV.NXT, window and SND.NXT) is read off the wire. Connections that anything
 * may happen to get segments that are wrong in no respect, too.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define PEER_ADDR "10.77.0.1"
#define VICTIM_ADDR "10.77.0.2"
#define PORT 7700		/* the victim's listener */
#define PEER_PORT 7701		/* the peers' listener */
#define RCVBUF 65536
/* Nearer than this to the window's right edge nothing counts as outside: the
 * edge moves while segments are on their way.
 */
#define MARGIN (1U << 20)
#define EXCHANGE 3000		/* bytes each way, each round */
#define LIVE 4
#define DOOMED 6
#define WAIT_MS 30000

/* One connection, as the wire shows it. */
struct flow {
	uint16_t peer_port, victim_port;	/* network order */
	uint32_t rcv_nxt;	/* the victim's: end of what its peer sent */
	uint32_t acked;		/* the victim's last ACK */
	uint32_t window;	/* bytes it offered with that */
	uint32_t snd_nxt;	/* end of what the victim sent */
	uint8_t scale;		/* of the victim's window */
	bool victim_scales, peer_scales;
	bool timestamps;
	uint32_t ts_peer;	/* the peer's last TSval */
	uint32_t ts_victim;
	bool seen;
};

struct conn {
	int victim, peer;	/* sockets, -1 for closed */
	struct flow flow;
	uint64_t up, down;	/* bytes so far: to and from the victim */
	uint64_t seed;
};

enum class {
	/* for live connections */
	BAD_CHECKSUM,	/* all else near or at what is expected */
	OUTSIDE,	/* sequence number before or beyond the window */
	BAD_ACK,	/* in the window, acknowledging what was never sent */
	OLD_ACK,	/* in the window, acknowledging what nobody remembers */
	NO_ACK,		/* in the window, no ACK bit */
	RST_NEAR,	/* in the window, RST at another place than RCV.NXT */
	SYN_NEAR,	/* in the window, SYN */
	OLD_TIMESTAMP,	/* in the window, timestamp from before (PAWS) */
	MALFORMED,	/* lengths that contradict each other */
	/* for whatever is there */
	LISTENER,	/* a stranger, anything */
	SYN_OPTIONS,	/* a stranger's SYN with any options */
	ANY_STATE,	/* connections that may break, right segments */
	CLASSES,
};

static const char *const class_names[CLASSES] = {
	"bad checksum", "outside the window", "ACK of what was not sent",
	"ACK from long ago", "no ACK", "RST near", "SYN near",
	"old timestamp", "malformed", "strangers", "SYNs with options",
	"right segments in any state",
};

static struct {
	int family, peer_family;
	const char *netns, *peer_netns, *device;
	uint64_t count, seed;
	unsigned int round;
} opt = {
	.family = AF_INET,
	.peer_family = AF_INET,
	.netns = "-",
	.peer_netns = "-",
	.count = 20000,
	.round = 250,
};

static uint64_t rng;
static int wire;		/* packet socket: sends and sniffs */
static uint8_t eth_header[14];
static int listener, peer_listener;
static struct conn live[LIVE], doomed[DOOMED];
static uint64_t sent_of[CLASSES];

/* ---- the wire -------------------------------------------------------------- */

struct segment {
	struct ip ip;
	struct tcphdr tcp;
	uint8_t rest[2048];	/* options, then payload */
};

static void open_wire(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq ifr = { 0 };
	int size = 16 << 20;

	/* What leaves is shown only to those who want all protocols. */
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (wire < 0)
		die("packet socket");
	if (setsockopt(wire, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("SO_RCVBUFFORCE");
	ll.sll_ifindex = if_nametoindex(opt.device);
	if (!ll.sll_ifindex || bind(wire, (struct sockaddr *)&ll, sizeof(ll)))
		die("device %s", opt.device);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", opt.device);
	if (ioctl(wire, SIOCGIFHWADDR, &ifr))
		die("hardware address of %s", opt.device);
	memcpy(eth_header + 6, ifr.ifr_hwaddr.sa_data, 6);
	eth_header[12] = 0x08;	/* IPv4 */
	/* The victim's is learnt from the first segment that it sends. */
}

static struct flow *flow_of(uint16_t peer_port, uint16_t victim_port)
{
	unsigned int i;

	for (i = 0; i < LIVE + DOOMED; i++) {
		struct flow *f = i < LIVE ? &live[i].flow :
					    &doomed[i - LIVE].flow;

		if (f->peer_port == peer_port && f->victim_port == victim_port)
			return f;
	}
	return NULL;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void learn_options(struct flow *f, const struct tcphdr *tcp, bool victim)
{
	const uint8_t *p = (const uint8_t *)(tcp + 1);
	const uint8_t *end = (const uint8_t *)tcp + tcp->doff * 4;

	while (p < end && *p) {
		if (*p == TCPOPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || end - p < p[1])
			return;
		if (*p == TCPOPT_WINDOW && tcp->syn) {
			if (victim) {
				f->victim_scales = true;
				f->scale = p[2];
			} else {
				f->peer_scales = true;
			}
		}
		if (*p == TCPOPT_TIMESTAMP) {
			if (victim) {
				f->timestamps = true;
				f->ts_victim = get32(p + 2);
			} else {
				f->ts_peer = get32(p + 2);
			}
		}
		p += p[1];
	}
}

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void learn(const uint8_t *frame, size_t len)
{
	const struct ip *ip = (const void *)(frame + 14);
	const struct tcphdr *tcp;
	struct flow *f;
	uint32_t end;
	bool victim;

	if (len < 14 + 40 || frame[12] != 8 || frame[13] ||
	    ip->ip_p != IPPROTO_TCP)
		return;
	tcp = (const void *)((const uint8_t *)ip + ip->ip_hl * 4);
	if (len < 14U + ip->ip_hl * 4 + tcp->doff * 4)
		return;
	victim = ip->ip_src.s_addr == inet_addr(VICTIM_ADDR);
	f = victim ? flow_of(tcp->dest, tcp->source) :
		     flow_of(tcp->source, tcp->dest);
	if (!f || tcp->rst)
		return;
	if (victim)
		memcpy(eth_header, frame + 6, 6);
	learn_options(f, tcp, victim);
	end = ntohl(tcp->seq) + ntohs(ip->ip_len) - ip->ip_hl * 4 -
	      tcp->doff * 4 + tcp->syn + tcp->fin;
	if (!victim) {
		if (!f->seen || before(f->rcv_nxt, end))
			f->rcv_nxt = end;
		f->seen = true;
		return;
	}
	if (tcp->syn || before(f->snd_nxt, end))
		f->snd_nxt = end;
	if (tcp->ack) {
		f->acked = ntohl(tcp->ack_seq);
		f->window = ntohs(tcp->window);
		if (!tcp->syn && f->victim_scales && f->peer_scales)
			f->window <<= f->scale;
	}
}

static void sniff(void)
{
	static uint8_t frame[70000];
	ssize_t n;

	while ((n = recv(wire, frame, sizeof(frame), MSG_TRUNC)) > 0)
		learn(frame, n < (ssize_t)sizeof(frame) ? (size_t)n :
							  sizeof(frame));
	if (n < 0 && errno != EAGAIN)
		die("sniffing");
}

static uint16_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The addresses are the peer's and the victim's, or a stranger's. */
static void address(struct segment *s, uint16_t from, uint16_t to)
{
	memset(s, 0, sizeof(s->ip) + sizeof(s->tcp));
	s->ip.ip_v = 4;
	s->ip.ip_hl = 5;
	s->ip.ip_tos = rng_below(&rng, 16) ? 0 : rng_next(&rng);
	s->ip.ip_id = rng_next(&rng);
	s->ip.ip_ttl = 64;
	s->ip.ip_p = IPPROTO_TCP;
	s->ip.ip_src.s_addr = inet_addr(PEER_ADDR);
	s->ip.ip_dst.s_addr = inet_addr(VICTIM_ADDR);
	s->tcp.source = from;
	s->tcp.dest = to;
	s->tcp.doff = 5;
	s->tcp.window = rng_next(&rng);
}

static size_t tcp_len(const struct segment *s)
{
	return ntohs(s->ip.ip_len) - 20;
}

static void set_len(struct segment *s, size_t rest)
{
	s->ip.ip_len = htons(40 + rest);
}

static void checksums(struct segment *s)
{
	size_t len = tcp_len(s);

	s->ip.ip_sum = 0;
	s->ip.ip_sum = htons(~sum16(&s->ip, 20, 0));
	s->tcp.check = 0;
	s->tcp.check = htons(~sum16(&s->tcp, len,
				    IPPROTO_TCP + len +
				    sum16(&s->ip.ip_src, 8, 0)));
}

static void put_on_wire(const struct segment *s, size_t len, enum class class)
{
	uint8_t frame[2200];

	memcpy(frame, eth_header, 14);
	memcpy(frame + 14, s, len);
	while (send(wire, frame, 14 + len, 0) < 0) {
		struct pollfd p = { .fd = wire, .events = POLLOUT };

		if (errno != EAGAIN && errno != ENOBUFS)
			die("send on the wire");
		poll(&p, 1, 100);
	}
	sent_of[class]++;
}

/* ---- segments ----------------------------------------------------------------- */

static uint32_t u32(void)
{
	return rng_next(&rng) >> 16;
}

static bool one_in(unsigned int n)
{
	return rng_below(&rng, n) == 0;
}

/* A number that is often one of those where things go wrong. */
static uint32_t edgy(void)
{
	static const uint32_t edges[] = { 0, 1, 0x7fffffff, 0x80000000,
					  0xffffffff, 0xffff, 0x10000 };

	return one_in(3) ? edges[rng_below(&rng, ARRAY_SIZE(edges))] : u32();
}

static void set_flags(struct segment *s, unsigned int flags)
{
	uint8_t *p = (uint8_t *)&s->tcp;

	p[13] = flags;
	if (one_in(8))
		p[12] = (p[12] & 0xf0) | rng_below(&rng, 16);
	s->tcp.urg_ptr = edgy();
}

/*
 * Options, right or wrong: up to 40 bytes, length a multiple of four. Returns
 * their length. Timestamps are only put in when they are asked for, so that
 * random ones do not pass for the peer's.
 */
static size_t put_options(struct segment *s, bool syn)
{
	size_t room = 4 * rng_below(&rng, 11), at = 0;

	while (at < room) {
		static const uint8_t kinds[] = { 0, 1, 2, 3, 4, 5, 8, 14, 19,
						 28, 29, 30, 34, 69, 253, 254 };
		uint8_t kind = one_in(8) ? u32() :
			       kinds[rng_below(&rng, ARRAY_SIZE(kinds))];
		static const uint8_t right[] = { [2] = 4, [3] = 3, [4] = 2,
						 [5] = 10, [8] = 10 };
		uint8_t len = kind < sizeof(right) && right[kind] && !one_in(3) ?
			      right[kind] : u32() % (one_in(4) ? 256 : 14);
		size_t i;

		if (kind == 8 && !syn)
			kind = 1;
		s->rest[at++] = kind;
		if (kind < 2)
			continue;
		if (at < room)
			s->rest[at++] = len;
		for (i = 2; i < len && at < room; i++)
			s->rest[at++] = u32();
	}
	s->tcp.doff = 5 + room / 4;
	return room;
}

static size_t put_timestamp(struct segment *s, uint32_t val, uint32_t ecr)
{
	uint8_t *p = s->rest;

	p[0] = p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_TIMESTAMP;
	p[3] = 10;
	val = htonl(val);
	ecr = htonl(ecr);
	memcpy(p + 4, &val, 4);
	memcpy(p + 8, &ecr, 4);
	s->tcp.doff = 8;
	return 12;
}

static size_t put_payload(struct segment *s, size_t at)
{
	size_t len = one_in(2) ? 0 : one_in(2) ? 1 + rng_below(&rng, 16) :
					       rng_below(&rng, 1400);

	/* Never the stream's own bytes: they would hide what they overwrite. */
	memset(s->rest + at, 0xEE, len);
	return len;
}

#define FIN 1
#define SYN 2
#define RST 4
#define PSH 8
#define ACK 16
#define URG 32

/* An offset into what the victim's window surely still has. */
static uint32_t in_window(const struct flow *f)
{
	return 1 + rng_below(&rng, f->window > 8192 ? 4096 : 64);
}

/* Everything as expected, or nearly so. */
static size_t near_right(struct segment *s, const struct flow *f)
{
	size_t at;

	address(s, f->peer_port, f->victim_port);
	s->tcp.seq = htonl(f->rcv_nxt + (one_in(2) ? 0 : one_in(2) ?
			   (int)rng_below(&rng, 8) - 4 :
			   (int)rng_below(&rng, 200000) - 100000));
	s->tcp.ack_seq = htonl(f->snd_nxt + (one_in(2) ? 0 :
			       (int)rng_below(&rng, 8) - 4));
	set_flags(s, one_in(4) ? u32() : one_in(3) ? RST | ACK :
		  one_in(3) ? FIN | ACK : PSH | ACK);
	at = f->timestamps && !one_in(4) ?
	     put_timestamp(s, f->ts_peer + rng_below(&rng, 4), f->ts_victim) :
	     put_options(s, false);
	return at + put_payload(s, at);
}

/* A sequence number that is no part of the window, whatever the length. */
static uint32_t outside(const struct flow *f, size_t payload)
{
	switch (rng_below(&rng, 4)) {
	case 0:	/* just before: old duplicates */
		return f->rcv_nxt - payload - 2 - rng_below(&rng, 5);
	case 1:
		return f->rcv_nxt - payload - 2 - rng_below(&rng, 1 << 20);
	case 2:	/* beyond */
		return f->rcv_nxt + f->window + MARGIN +
		       rng_below(&rng, 1 << 20);
	}
	/* far away */
	return f->rcv_nxt + 0x40000000 + rng_below(&rng, 0x70000000);
}

static void send_live(struct segment *s, const struct flow *f,
		      enum class class)
{
	size_t at = 0, payload;

	address(s, f->peer_port, f->victim_port);
	if (class == OLD_TIMESTAMP)
		at = put_timestamp(s, f->ts_peer - 1 - rng_below(&rng, 1 << 30),
				   f->ts_victim);
	else if (f->timestamps && one_in(2))
		at = put_timestamp(s, f->ts_peer, f->ts_victim);
	else
		at = put_options(s, false);
	payload = put_payload(s, at);
	set_len(s, at + payload);
	s->tcp.seq = htonl(f->rcv_nxt + (one_in(2) ? 0 : in_window(f)));
	s->tcp.ack_seq = htonl(one_in(4) ? edgy() : f->snd_nxt);

	switch (class) {
	case OUTSIDE:
		set_flags(s, one_in(2) ? u32() : u32() | ACK);
		s->tcp.seq = htonl(outside(f, payload));
		break;
	case BAD_ACK:
		set_flags(s, (u32() & ~(RST | SYN)) | ACK);
		s->tcp.ack_seq = htonl(f->snd_nxt + (1 << 20) +
				       rng_below(&rng, 1 << 30));
		break;
	case OLD_ACK:
		set_flags(s, (u32() & ~(RST | SYN)) | ACK);
		s->tcp.ack_seq = htonl(f->snd_nxt - (1 << 26) -
				       rng_below(&rng, 1 << 30));
		break;
	case NO_ACK:
		set_flags(s, u32() & ~(RST | SYN | ACK));
		break;
	case RST_NEAR:
		set_flags(s, u32() | RST);
		s->tcp.seq = htonl(f->rcv_nxt + in_window(f));
		break;
	case SYN_NEAR:
		set_flags(s, (u32() | SYN) & ~RST);
		break;
	default:	/* OLD_TIMESTAMP */
		set_flags(s, (u32() & ~(RST | SYN)) | ACK);
		s->tcp.ack_seq = htonl(f->snd_nxt);
		break;
	}
	checksums(s);
	put_on_wire(s, ntohs(s->ip.ip_len), class);
}

static void send_bad_checksum(struct segment *s, const struct flow *f)
{
	set_len(s, near_right(s, f));
	checksums(s);
	s->tcp.check ^= htons(1 + rng_below(&rng, 0xfffe));
	if (!s->tcp.check || s->tcp.check == 0xffff)
		s->tcp.check ^= htons(0x5500);	/* 0 and ffff mean the same */
	put_on_wire(s, ntohs(s->ip.ip_len), BAD_CHECKSUM);
}

/*
 * Lengths that contradict each other: in a frame that is longer or shorter
 * than it says, in the TCP header's, in the IP header's. What could by chance
 * be a right segment gets a wrong sequence number as well.
 */
static void send_malformed(struct segment *s, const struct flow *f)
{
	size_t len = 40 + near_right(s, f);

	s->ip.ip_len = htons(len);
	s->tcp.seq = htonl(outside(f, 1500));
	switch (rng_below(&rng, 7)) {
	case 0:	/* header shorter than a header */
		s->tcp.doff = rng_below(&rng, 5);
		checksums(s);
		break;
	case 1:	/* header longer than the segment */
		set_len(s, rng_below(&rng, 20));
		s->tcp.doff = 11 + rng_below(&rng, 5);
		len = ntohs(s->ip.ip_len);
		checksums(s);
		break;
	case 2:	/* frame shorter than it says */
		checksums(s);
		len = 20 + rng_below(&rng, len - 20);
		break;
	case 3:	/* no room for a TCP header */
		len = 20 + rng_below(&rng, 20);
		s->ip.ip_len = htons(len);
		s->ip.ip_sum = 0;
		s->ip.ip_sum = htons(~sum16(&s->ip, 20, 0));
		break;
	case 4:	/* IP header of other lengths, other versions */
		checksums(s);
		((uint8_t *)&s->ip)[0] = u32();
		s->ip.ip_sum = 0;
		s->ip.ip_sum = htons(~sum16(&s->ip, 20, 0));
		break;
	case 5:	/* fragments, first or later */
		s->ip.ip_off = htons(one_in(2) ? IP_MF : one_in(2) ?
				     1 + rng_below(&rng, 100) :
				     IP_MF | rng_below(&rng, 0x1fff));
		checksums(s);
		break;
	default:	/* trailing bytes that belong to nothing */
		checksums(s);
		len += rng_below(&rng, 64);
		if (len > 1500)
			len = 1500;
		break;
	}
	put_on_wire(s, len, MALFORMED);
}

static void send_stranger(struct segment *s, enum class class)
{
	size_t at;

	address(s, htons(1024 + rng_below(&rng, 30000)),
		htons(one_in(20) ? u32() : PORT));
	/* Neither a live peer nor, most of the time, anybody at all. */
	if (one_in(4))
		s->ip.ip_src.s_addr = htonl(0x0a4d0003 + rng_below(&rng, 100));
	if (one_in(200))
		s->ip.ip_src.s_addr = edgy();
	if (one_in(200))
		s->ip.ip_src.s_addr = s->ip.ip_dst.s_addr;
	s->tcp.seq = edgy();
	s->tcp.ack_seq = edgy();
	set_flags(s, class == SYN_OPTIONS ? SYN | (one_in(4) ? u32() : 0) :
		  u32());
	at = put_options(s, true);
	set_len(s, at + put_payload(s, at));
	checksums(s);
	if (one_in(10))
		s->tcp.check ^= htons(1 + rng_below(&rng, 0xfff0));
	put_on_wire(s, ntohs(s->ip.ip_len), class);
}

static void send_any_state(struct segment *s)
{
	const struct flow *f = &doomed[rng_below(&rng, DOOMED)].flow;

	set_len(s, near_right(s, f));
	if (one_in(4))
		s->tcp.seq = htonl(f->rcv_nxt + f->window - 2 +
				   rng_below(&rng, 5));
	checksums(s);
	put_on_wire(s, ntohs(s->ip.ip_len), ANY_STATE);
}

static void send_one(enum class class)
{
	const struct flow *f = &live[rng_below(&rng, LIVE)].flow;
	struct segment s;

	switch (class) {
	case BAD_CHECKSUM:
		send_bad_checksum(&s, f);
		break;
	case MALFORMED:
		send_malformed(&s, f);
		break;
	case LISTENER:
	case SYN_OPTIONS:
		send_stranger(&s, class);
		break;
	case ANY_STATE:
		send_any_state(&s);
		break;
	default:
		if (class != OLD_TIMESTAMP || f->timestamps)
			send_live(&s, f, class);
		break;
	}
}

/* ---- connections ----------------------------------------------------------------- */

static void limits(int fd)
{
	struct timeval tv = { WAIT_MS / 1000, 0 };
	int size = RCVBUF;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		die("socket options");
}

static int make_listener(int family, const char *netns, const char *addr,
			 unsigned int port)
{
	struct sockaddr_in sin = make_addr(addr, port);
	int fd, one = 1;

	enter_netns(netns);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket of %s", family_name(family));
	limits(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 64))
		die("listener of %s", family_name(family));
	return fd;
}

/*
 * A connection, begun by the victim or by its peer. False when it does not
 * come about. What is in the listener's queue from strangers is thrown away.
 */
static bool open_conn(struct conn *c, bool victim_connects)
{
	struct sockaddr_in to = victim_connects ?
				make_addr(PEER_ADDR, PEER_PORT) :
				make_addr(VICTIM_ADDR, PORT), from, who;
	int family = victim_connects ? opt.family : opt.peer_family;
	socklen_t len = sizeof(from);
	int client, server;

	memset(c, 0, sizeof(*c));
	c->victim = c->peer = -1;
	enter_netns(victim_connects ? opt.netns : opt.peer_netns);
	client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0)
		die("socket");
	limits(client);
	/* Bound first, so that the sniffer knows it from its first segment. */
	from = make_addr(victim_connects ? VICTIM_ADDR : PEER_ADDR, 0);
	if (bind(client, (struct sockaddr *)&from, sizeof(from)) ||
	    getsockname(client, (struct sockaddr *)&from, &len))
		die("bind");
	c->flow.peer_port = victim_connects ? to.sin_port : from.sin_port;
	c->flow.victim_port = victim_connects ? from.sin_port : to.sin_port;
	sniff();
	if (connect(client, (struct sockaddr *)&to, sizeof(to))) {
		close(client);
		return false;
	}
	for (;;) {
		len = sizeof(who);
		server = accept4(victim_connects ? peer_listener : listener,
				 (struct sockaddr *)&who, &len, SOCK_CLOEXEC);
		if (server < 0) {
			close(client);
			return false;
		}
		if (who.sin_port == from.sin_port)
			break;
		close(server);
	}
	limits(server);
	c->victim = victim_connects ? client : server;
	c->peer = victim_connects ? server : client;
	c->seed = opt.seed ^ ((uint64_t)from.sin_port << 32);
	sniff();
	return true;
}

static void close_conn(struct conn *c)
{
	if (c->victim >= 0)
		close(c->victim);
	if (c->peer >= 0)
		close(c->peer);
	c->victim = c->peer = -1;
}

/* NULL, or what went wrong. */
static const char *move(int from, int to, uint64_t seed, uint64_t *offset,
			size_t bytes)
{
	static char why[160];
	char buf[EXCHANGE];
	size_t done = 0;
	ssize_t n;

	stream_fill(seed, *offset, buf, bytes);
	n = send(from, buf, bytes, MSG_NOSIGNAL);
	if (n != (ssize_t)bytes) {
		snprintf(why, sizeof(why), "send returned %zd, %s", n,
			 errname(errno));
		return why;
	}
	while (done < bytes) {
		size_t good;

		n = recv(to, buf + done, bytes - done, 0);
		if (n <= 0) {
			snprintf(why, sizeof(why),
				 "recv returned %zd, %s, after %llu bytes", n,
				 n ? errname(errno) : "end of file",
				 (unsigned long long)(*offset + done));
			return why;
		}
		good = stream_differs(seed, *offset + done, buf + done, n);
		if (good != (size_t)n) {
			snprintf(why, sizeof(why), "byte %llu is wrong",
				 (unsigned long long)(*offset + done + good));
			return why;
		}
		done += n;
	}
	*offset += bytes;
	return NULL;
}

/* The victim has acknowledged all, and so said what its window is. */
static bool settle(struct conn *c)
{
	uint64_t end = now_ms() + WAIT_MS;
	struct pollfd p = { .fd = wire, .events = POLLIN };

	for (;;) {
		sniff();
		if (c->flow.acked == c->flow.rcv_nxt)
			return true;
		if (now_ms() > end)
			return false;
		poll(&p, 1, 10);
	}
}

static bool exchange(struct conn *c, const char **why)
{
	*why = move(c->peer, c->victim, c->seed, &c->up, EXCHANGE);
	if (!*why)
		*why = move(c->victim, c->peer, c->seed + 1, &c->down,
			    EXCHANGE);
	if (!*why && !settle(c))
		*why = "the victim does not acknowledge";
	return !*why;
}

/* Connections of which nothing is asked, each in another state. */
static void renew_doomed(void)
{
	unsigned int i;

	for (i = 0; i < DOOMED; i++) {
		struct conn *c = &doomed[i];
		struct linger reset = { .l_onoff = 1 };

		if (c->peer >= 0)
			setsockopt(c->peer, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		close_conn(c);
		if (!open_conn(c, i & 1))
			continue;
		switch (i) {
		case 1:	/* FIN_WAIT2 */
			shutdown(c->victim, SHUT_WR);
			break;
		case 2:	/* CLOSE_WAIT */
			shutdown(c->peer, SHUT_WR);
			break;
		case 3:	/* TIME_WAIT */
			close(c->victim);
			close(c->peer);
			c->victim = c->peer = -1;
			break;
		case 4:	/* unread data in the window */
			(void)!send(c->peer, &reset, sizeof(reset),
				    MSG_NOSIGNAL);
			break;
		}
	}
	sniff();
}

/* ---- rounds ------------------------------------------------------------------------ */

static bool check_all(const char *after)
{
	struct conn fresh;
	unsigned int i;
	const char *why;
	bool good = true;

	for (i = 0; i < LIVE; i++)
		if (!exchange(&live[i], &why)) {
			not_ok("hostile: %s - live connection %u (%s): %s; seed %llu",
			       after, i, i & 1 ? "victim is client" :
						 "victim is server",
			       why, (unsigned long long)opt.seed);
			close_conn(&live[i]);
			/* So that the next class has something to aim at. */
			if (!open_conn(&live[i], i & 1))
				die("no new connection");
			if (!exchange(&live[i], &why))
				die("new connection: %s", why);
			good = false;
		}
	if (!open_conn(&fresh, false)) {
		not_ok("hostile: %s - the listener accepts no more: %s; seed %llu",
		       after, errname(errno), (unsigned long long)opt.seed);
		good = false;
	} else {
		if (!exchange(&fresh, &why)) {
			not_ok("hostile: %s - a fresh connection: %s; seed %llu",
			       after, why, (unsigned long long)opt.seed);
			good = false;
		}
		close_conn(&fresh);
	}
	return good;
}

static void run_class(enum class class, uint64_t count)
{
	bool good = true;
	uint64_t i;

	for (i = 0; i < count && good; i++) {
		if (i % opt.round == 0) {
			if (i)
				good = check_all(class_names[class]);
			if (class == ANY_STATE && i / opt.round % 4 == 0)
				renew_doomed();
			sniff();
		}
		send_one(class);
	}
	good = good && check_all(class_names[class]);
	if (!sent_of[class])
		printf("# hostile: %s: nothing sent, no timestamps here\n",
		       class_names[class]);
	else if (good)
		ok("hostile: %s, %llu segments", class_names[class],
		   (unsigned long long)sent_of[class]);
}

static void on_alarm(int sig)
{
	(void)sig;
	if (write(STDERR_FILENO, "hostile: hangs\n", 15) != 15)
		_exit(3);
	_exit(2);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "family", 1, NULL, 'f' },	{ "peer-family", 1, NULL, 'p' },
		{ "netns", 1, NULL, 'n' },	{ "peer-netns", 1, NULL, 'm' },
		{ "device", 1, NULL, 'd' },	{ "count", 1, NULL, 'c' },
		{ "seed", 1, NULL, 's' },	{ "round", 1, NULL, 'r' },
		{ "timeout", 1, NULL, 't' },	{ }
	};
	unsigned int class, i, timeout = 300;
	const char *why;
	int o;

	opt.seed = now_ms();
	while ((o = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		switch (o) {
		case 'f': opt.family = family_by_name(optarg); break;
		case 'p': opt.peer_family = family_by_name(optarg); break;
		case 'n': opt.netns = optarg; break;
		case 'm': opt.peer_netns = optarg; break;
		case 'd': opt.device = optarg; break;
		case 'c': opt.count = parse_number("count", optarg, 1ULL << 40); break;
		case 's': opt.seed = parse_number("seed", optarg, UINT64_MAX); break;
		case 'r': opt.round = parse_number("round", optarg, 1 << 30); break;
		case 't': timeout = parse_number("timeout", optarg, 1 << 30); break;
		default: die("unknown option");
		}
	if (!opt.device)
		die("--device");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, on_alarm);
	alarm(timeout);
	rng = opt.seed;
	printf("# hostile: seed %llu\n", (unsigned long long)opt.seed);
	listener = make_listener(opt.family, opt.netns, VICTIM_ADDR, PORT);
	peer_listener = make_listener(opt.peer_family, opt.peer_netns,
				      PEER_ADDR, PEER_PORT);
	enter_netns(opt.peer_netns);
	open_wire();
	for (i = 0; i < DOOMED; i++)
		doomed[i].victim = doomed[i].peer = -1;
	for (i = 0; i < LIVE; i++)
		if (!open_conn(&live[i], i & 1) || !exchange(&live[i], &why))
			die("connection %u", i);
	renew_doomed();
	if (!check_all("before"))
		die("not even before it begins");
	for (class = 0; class < CLASSES; class++)
		run_class(class, opt.count / CLASSES);
	/* All of them at the same time. */
	for (i = 0; i < opt.count / CLASSES; i++)
		send_one(rng_below(&rng, CLASSES));
	if (check_all("all together"))
		ok("hostile: all together, %u segments", i);
	/* And they all end in order. */
	for (i = 0; i < LIVE; i++) {
		char c;

		if (shutdown(live[i].peer, SHUT_WR) ||
		    recv(live[i].victim, &c, 1, 0) != 0 ||
		    shutdown(live[i].victim, SHUT_WR) ||
		    recv(live[i].peer, &c, 1, 0) != 0) {
			not_ok("hostile: end in order - connection %u: %s", i,
			       errname(errno));
			break;
		}
	}
	if (i == LIVE)
		ok("hostile: live connections end in order");
	return cases_failed() ? 1 : 0;
}
