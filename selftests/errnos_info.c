// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: TCP_INFO and TCP_CC_INFO. The structs are the kernel's; libc's
 * header knows the beginning of the first only, and the two don't go together
 * in one file.
 */
#define _GNU_SOURCE
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errnos.h"

/* as in libc's header */
enum { FIN_WAIT1 = 4, FIN_WAIT2, CLOSE = 7 };

/* what is no matter of time or memory, in a connection that has sent nothing */
static void info_counted(const struct tcp_info *info, int state)
{
	/* before there is a round trip to say how fast */
	if (state <= LISTENING_WAITING || state == REFUSED)
		rec("pace %llu cwnd %u; ",
		    (unsigned long long)info->tcpi_pacing_rate,
		    info->tcpi_snd_cwnd);
	else if (info->tcpi_state != CLOSE)
		rec("notsent %u; ", info->tcpi_notsent_bytes);
	rec("pace at most %llu reordering %u; ",
	    (unsigned long long)info->tcpi_max_pacing_rate,
	    info->tcpi_reordering);
	rec("sacked %u retrans %u total %u backoff %u; ",
	    info->tcpi_sacked, info->tcpi_retrans, info->tcpi_total_retrans,
	    info->tcpi_backoff);
	rec("acked %llu received %llu sent %llu again %llu; ",
	    (unsigned long long)info->tcpi_bytes_acked,
	    (unsigned long long)info->tcpi_bytes_received,
	    (unsigned long long)info->tcpi_bytes_sent,
	    (unsigned long long)info->tcpi_bytes_retrans);
	rec("delivered %u ce %u rate %s limited %u; ", info->tcpi_delivered,
	    info->tcpi_delivered_ce, info->tcpi_delivery_rate ? "known" : "0",
	    info->tcpi_delivery_rate_app_limited);
	rec("data in %u out %u dsacks %u reord %u ooo %u; ",
	    info->tcpi_data_segs_in, info->tcpi_data_segs_out,
	    info->tcpi_dsack_dups, info->tcpi_reord_seen, info->tcpi_rcv_ooopack);
	rec("rwnd %llu sndbuf %llu; ",
	    (unsigned long long)info->tcpi_rwnd_limited,
	    (unsigned long long)info->tcpi_sndbuf_limited);
}

static void tcp_info_state(const struct row *r)
{
	struct tcp_info info;
	socklen_t len;
	int peer, fd = in_state(r->a, &peer), err;
	uint64_t end_ms = now_ms() + 2000;

	/* the acknowledgment of a FIN is on its way */
	do {
		len = sizeof(info);
		memset(&info, 0xff, sizeof(info));
		err = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	} while (!err && info.tcpi_state == FIN_WAIT1 && now_ms() < end_ms);
	if (said("TCP_INFO", err))
		return;
	rec("state %u; ", info.tcpi_state);
	if (r->a == ESTABLISHED || r->a == ACCEPTED)
		rec("cwnd %u retransmits %u unacked %u lost %u; ",
		    info.tcpi_snd_cwnd, info.tcpi_retransmits,
		    info.tcpi_unacked, info.tcpi_lost);
	info_counted(&info, r->a);
}

/* so many bytes as were asked for, and no more than there are */
static void tcp_info_length(const struct row *r)
{
	static const socklen_t lengths[] = { 0, 1, 7, 104, 1000 };
	struct { struct tcp_info info; char more[1000]; } answer;
	int peer, fd = in_state(ESTABLISHED, &peer);
	unsigned int i;

	(void)r;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const unsigned char *bytes = (const void *)&answer;
		socklen_t len = lengths[i];

		memset(&answer, 0xff, sizeof(answer));
		said("TCP_INFO", getsockopt(fd, IPPROTO_TCP, TCP_INFO, &answer, &len));
		rec("%u of %u, then %02x; ", len, lengths[i], bytes[len]);
	}
}

/* where the algorithm is there at both families */
static bool choose(int fd, const char *name)
{
	return !setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name));
}

static void rec_cc_info(int fd, const char *name)
{
	static const socklen_t lengths[] = { 0, 1, 15, 16, 20, 100 };
	union tcp_cc_info info;
	unsigned int i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		unsigned char bytes[101];
		socklen_t len = lengths[i];

		memset(bytes, 0xa5, sizeof(bytes));
		said("TCP_CC_INFO", getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, bytes, &len));
		rec("%u of %u, then %02x; ", len, lengths[i], bytes[len]);
		memcpy(&info, bytes, sizeof(info));
	}
	if (!strcmp(name, "dctcp"))
		rec("on %u ce %u alpha %u marked %u of %u; ",
		    info.dctcp.dctcp_enabled, info.dctcp.dctcp_ce_state,
		    info.dctcp.dctcp_alpha, info.dctcp.dctcp_ab_ecn,
		    info.dctcp.dctcp_ab_tot);
	else if (!strcmp(name, "bbr"))
		rec("bandwidth %u %u rtt %s gains %u %u; ", info.bbr.bbr_bw_lo,
		    info.bbr.bbr_bw_hi, !info.bbr.bbr_min_rtt ? "0" :
		    info.bbr.bbr_min_rtt < 60000000 ? "measured" : "none",
		    info.bbr.bbr_pacing_gain, info.bbr.bbr_cwnd_gain);
}

/* TCP_CC_INFO of a new socket, of one that listens, of a connection; and chosen late */
static void cc_info(const struct row *r)
{
	int l = new_sock(), peer, fd, late, client = new_sock();
	struct sockaddr_in sin;

	choose(l, r->text);
	rec_cc_info(l, r->text);
	listen_on(l, "127.0.0.1");
	rec_cc_info(l, r->text);
	sin = name_of(l);
	choose(client, r->text);
	need("connect", connect(client, (struct sockaddr *)&sin, sizeof(sin)));
	fd = need("accept", accept(l, NULL, NULL));
	rec_cc_info(client, r->text);
	rec_cc_info(fd, r->text);
	late = in_state(ESTABLISHED, &peer);
	choose(late, r->text);
	rec_cc_info(late, r->text);
}

static void add_cc_info_rows(void)
{
	static const char *const names[] = { "reno", "cubic", "dctcp", "bbr" };
	unsigned int i;
	int fd;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (choose(fd, names[i]))
			add(cc_info, "TCP_CC_INFO of %s", names[i])->text = names[i];
		close(fd);
	}
}

void add_info_rows(void)
{
	int i;

	for (i = 0; i < STATES; i++)
		add(tcp_info_state, "%s: TCP_INFO", state_names[i])->a = i;
	add(tcp_info_length, "TCP_INFO's length");
	add_cc_info_rows();
}
