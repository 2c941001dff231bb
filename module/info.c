// SPDX-License-Identifier: GPL-2.0
/*
 * TCP_INFO: what a connection knows of itself, in the kernel's TCP's terms.
 *
 * Upper edge (layer 2). Locks: the socket's. Fields that an older kernel's
 * struct tcp_info does not have yet are left out (compat.h).
 */
#include <linux/tcp.h>
#include <net/tcp.h>

#include "compat.h"
#include "sock.h"

static void info_options(const struct toytcp_sock *ts, struct tcp_info *info)
{
	if (ts->ts_ok)
		info->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if (ts->sack_ok)
		info->tcpi_options |= TCPI_OPT_SACK;
	if (ts->ecn_ok)
		info->tcpi_options |= TCPI_OPT_ECN;
	if (ts->ecn_seen)
		info->tcpi_options |= TCPI_OPT_ECN_SEEN;
	if (ts->syn_data_acked)
		info->tcpi_options |= TCPI_OPT_SYN_DATA;
	info->tcpi_fastopen_client_fail = ts->fastopen_client_fail;
	if (ts->wscale_ok) {
		info->tcpi_options |= TCPI_OPT_WSCALE;
		info->tcpi_snd_wscale = ts->snd_wscale;
		info->tcpi_rcv_wscale = ts->rcv_wscale;
	}
}

static u8 info_ca_state(const struct toytcp_sock *ts)
{
	switch (ts->recovery) {
	case TOYTCP_REDUCING:
		return TCP_CA_CWR;
	case TOYTCP_RECOVERY:
		return TCP_CA_Recovery;
	case TOYTCP_LOSS:
		return TCP_CA_Loss;
	}
	return ts->dupacks || ts->sacked_out ? TCP_CA_Disorder : TCP_CA_Open;
}

/* bytes a second; all ones: no limit, in a word of whatever size */
static u64 info_rate(unsigned long rate)
{
	return rate == ~0UL ? ~0ull : rate;
}

/* what the scoreboard has counted */
static void info_recovery(const struct toytcp_sock *ts, struct tcp_info *info)
{
	info->tcpi_reord_seen = ts->reord_seen;
	info->tcpi_delivered = ts->delivered;
	info->tcpi_delivered_ce = ts->delivered_ce;
	info->tcpi_dsack_dups = ts->dsack_dups;
}

/* time in recoveries by timeout, the present one included; milliseconds */
static u32 info_rto_ms(const struct toytcp_sock *ts, u64 now_us)
{
	u64 us = ts->total_rto_us;

	if (ts->rto_began_us)
		us += now_us - ts->rto_began_us;
	return (u32)div_u64(us, USEC_PER_MSEC);
}

/* where the time of sending has gone (RFC 4898 calls these the triage variables) */
static void info_chrono(const struct toytcp_sock *ts, struct tcp_info *info,
			u64 now_us)
{
	info->tcpi_rwnd_limited =
		toytcp_chrono_us(ts, TOYTCP_CHRONO_RWND, now_us);
	info->tcpi_sndbuf_limited =
		toytcp_chrono_us(ts, TOYTCP_CHRONO_SNDBUF, now_us);
	info->tcpi_busy_time = info->tcpi_rwnd_limited +
			       info->tcpi_sndbuf_limited +
			       toytcp_chrono_us(ts, TOYTCP_CHRONO_BUSY, now_us);
}

static void info_counters(const struct toytcp_sock *ts, struct tcp_info *info)
{
	info->tcpi_total_retrans = ts->total_retrans;
	info->tcpi_bytes_acked = ts->bytes_acked;
	info->tcpi_bytes_received = ts->bytes_received;
	info->tcpi_bytes_sent = ts->bytes_sent;
	info->tcpi_bytes_retrans = ts->bytes_retrans;
	info->tcpi_segs_out = ts->segs_out;
	info->tcpi_segs_in = ts->segs_in;
	info->tcpi_data_segs_in = ts->data_segs_in;
	info->tcpi_data_segs_out = ts->data_segs_out;
	info->tcpi_rcv_ooopack = ts->rcv_ooopack;
}

/**
 * toytcp_info() - fill a struct tcp_info
 * @sk: the socket, in any state
 * @info: what to fill
 *
 * Context: socket lock held.
 */
void toytcp_info(struct sock *sk, struct tcp_info *info)
{
	const struct toytcp_sock *ts = toytcp_sk(sk);
	u64 now_us = toytcp_now_us();
	u32 now_ms = (u32)div_u64(now_us, 1000);

	memset(info, 0, sizeof(*info));
	info->tcpi_state = sk->sk_state;
	info->tcpi_pacing_rate = info_rate(READ_ONCE(sk->sk_pacing_rate));
	info->tcpi_max_pacing_rate = info_rate(READ_ONCE(sk->sk_max_pacing_rate));
	info->tcpi_reordering = max_t(u32, ts->reordering, TOYTCP_DUPACK_THRESH);
	info->tcpi_snd_cwnd = ts->cong.cwnd_segs;
	if (sk->sk_state == TCP_LISTEN) {
		/* as Linux: the queues' lengths in these two */
		info->tcpi_unacked = READ_ONCE(sk->sk_ack_backlog);
		info->tcpi_sacked = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}
	info->tcpi_ca_state = info_ca_state(ts);
	info->tcpi_retransmits = ts->retransmits;
	info->tcpi_probes = ts->probes;
	info->tcpi_backoff = ts->packets_out ? ts->rtt.backoff : ts->probe_backoff;
	info_options(ts, info);
	info->tcpi_rto = toytcp_rtt_timeout_us(&ts->rtt);
	info->tcpi_ato = ts->data_segs_in ? TOYTCP_DELACK_US : 0;
	info->tcpi_snd_mss = ts->mss;
	info->tcpi_rcv_mss = ts->rcv_mss;
	info->tcpi_unacked = ts->packets_out;
	info->tcpi_sacked = ts->sacked_out;
	info->tcpi_lost = ts->lost_out;
	info->tcpi_retrans = ts->retrans_out;
	info->tcpi_last_data_sent =
		ts->last_xmit_us ?
			(u32)div_u64(now_us - ts->last_xmit_us, 1000) : 0;
	info->tcpi_last_data_recv =
		ts->last_data_recv_ms ? now_ms - ts->last_data_recv_ms : 0;
	info->tcpi_last_ack_recv =
		ts->last_ack_recv_ms ? now_ms - ts->last_ack_recv_ms : 0;
	info->tcpi_pmtu = ts->pmtu;
	info->tcpi_rcv_ssthresh = toytcp_rwnd_full(sk);
	info->tcpi_rtt = ts->rtt.srtt_us8 >> 3;
	info->tcpi_rttvar = ts->rtt.rttvar_us4 >> 2;
	info->tcpi_snd_ssthresh = ts->cong.ssthresh_segs;
	info->tcpi_advmss = BIT(sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV) ?
				    ts->adv_mss : toytcp_adv_data(ts);
	info->tcpi_rcv_rtt = ts->rcv_rtt_us;
	info->tcpi_rcv_space = ts->rcvq_space;
	info->tcpi_notsent_bytes = ts->write_seq - ts->snd_nxt;
	info->tcpi_min_rtt = ts->rtt.min_us;
	info->tcpi_delivery_rate = toytcp_rate_bps(ts);
	info->tcpi_delivery_rate_app_limited = ts->rate_app_limited;
	info->tcpi_snd_wnd = ts->snd_wnd;
	info_counters(ts, info);
	info_recovery(ts, info);
	info_chrono(ts, info, now_us);
	compat_tcp_info(info, &(struct compat_tcp_info) {
		.rcv_wnd = ts->rcv_wnd,
		.rehash = ts->rehash,
		.total_rto = ts->total_rto,
		.total_rto_recoveries = ts->total_rto_recoveries,
		.total_rto_time = info_rto_ms(ts, now_us),
	});
}
