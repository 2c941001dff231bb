/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a segment was dropped, and what else is counted: one list each.
 *
 * Side (layer 2). Every segment that does not reach its connection's state
 * has exactly one reason from here: a counter of its own in
 * /proc/net/toytcp_stat and the reason= of the toytcp_drop tracepoint.
 */
#ifndef _TOYTCP_DROP_H
#define _TOYTCP_DROP_H

/* X(enumerator suffix, name in /proc and in the tracepoint) */
#define TOYTCP_DROP_REASONS(X)						\
	X(NONE,			"DropNone")				\
	X(HDR,			"DropHeader")				\
	X(CSUM,			"DropChecksum")				\
	X(POLICY,		"DropPolicy")				\
	X(NO_SOCKET,		"DropNoSocket")				\
	X(CLOSED,		"DropClosed")				\
	X(FILTER,		"DropSocketFilter")			\
	X(BACKLOG,		"DropBacklog")				\
	X(NOMEM,		"DropNoMemory")				\
	X(RCVBUF,		"DropReceiveBuffer")			\
	X(LISTEN_FLAGS,		"DropListenFlags")			\
	X(LISTEN_QUEUE,		"DropListenQueue")			\
	X(ACCEPT_QUEUE,		"DropAcceptQueue")			\
	X(DEFER_ACCEPT,		"DropDeferAccept")			\
	X(REQ_SEQ,		"DropRequestSequence")			\
	X(REQ_ACK,		"DropRequestAck")			\
	X(RESET,		"DropReset")				\
	X(RST_SEQ,		"DropResetSequence")			\
	X(SYN,			"DropSynInWindow")			\
	X(SYN_SENT_ACK,		"DropSynSentAck")			\
	X(SYN_SENT_FLAGS,	"DropSynSentFlags")			\
	X(PAWS,			"DropPaws")				\
	X(SEQ,			"DropOutOfWindow")			\
	X(NO_ACK,		"DropNoAckFlag")			\
	X(OLD_ACK,		"DropOldAck")				\
	X(FUTURE_ACK,		"DropFutureAck")			\
	X(OLD_DATA,		"DropOldData")				\
	X(OVER_WINDOW,		"DropOverWindow")			\
	X(AFTER_FIN,		"DropAfterFin")				\
	X(AFTER_CLOSE,		"DropAfterClose")			\
	X(TIMEWAIT,		"DropTimeWait")				\
	X(OFO_DUP,		"DropOutOfOrderDuplicate")		\
	X(MIN_TTL,		"TCPMinTTLDrop")			\
	X(OFO_PRUNED,		"DropOutOfOrderPruned")

enum toytcp_drop_reason {
#define X(name, text) TOYTCP_DROP_##name,
	TOYTCP_DROP_REASONS(X)
#undef X
	TOYTCP_DROP_COUNT
};

/* X(enumerator suffix, name in /proc); names as in the kernel's Tcp and TcpExt where it has them */
#define TOYTCP_MIB_COUNTERS(X)						\
	X(ACTIVE_OPENS,		"ActiveOpens")				\
	X(PASSIVE_OPENS,	"PassiveOpens")				\
	X(ATTEMPT_FAILS,	"AttemptFails")				\
	X(ESTAB_RESETS,		"EstabResets")				\
	X(IN_SEGS,		"InSegs")				\
	X(OUT_SEGS,		"OutSegs")				\
	X(RETRANS_SEGS,		"RetransSegs")				\
	X(IN_ERRS,		"InErrs")				\
	X(OUT_RSTS,		"OutRsts")				\
	X(IN_CSUM_ERRORS,	"InCsumErrors")				\
	/* in the order of IP's ECN field */					\
	X(IN_NO_ECT_PKTS,	"InNoECTPkts")				\
	X(IN_ECT1_PKTS,		"InECT1Pkts")				\
	X(IN_ECT0_PKTS,		"InECT0Pkts")				\
	X(IN_CE_PKTS,		"InCEPkts")				\
	X(MALFORMED_OPTS,	"MalformedOptions")			\
	X(DELAYED_ACKS,		"DelayedACKs")				\
	X(OFO_QUEUE,		"TCPOFOQueue")				\
	X(TIMEOUTS,		"TCPTimeouts")				\
	X(FAST_RETRANS,		"TCPFastRetrans")			\
	X(SLOW_START_RETRANS,	"TCPSlowStartRetrans")			\
	X(SACK_RECOVERY,	"TCPSackRecovery")			\
	X(RENO_RECOVERY,	"TCPRenoRecovery")			\
	X(LOST_RETRANSMIT,	"TCPLostRetransmit")			\
	X(LOSS_PROBES,		"TCPLossProbes")			\
	X(LOSS_PROBE_RECOVERY,	"TCPLossProbeRecovery")			\
	X(SACK_REORDER,		"TCPSACKReorder")			\
	X(SACK_RENEGING,	"TCPSACKReneging")			\
	X(DELIVERED_CE,		"TCPDeliveredCE")			\
	X(DSACK_RECV,		"TCPDSACKRecv")				\
	X(FULL_UNDO,		"TCPFullUndo")				\
	X(PARTIAL_UNDO,		"TCPPartialUndo")			\
	X(DSACK_UNDO,		"TCPDSACKUndo")				\
	X(LOSS_UNDO,		"TCPLossUndo")				\
	X(SPURIOUS_RTOS,	"TCPSpuriousRTOs")			\
	X(ZERO_WINDOW_PROBES,	"TCPWinProbe")				\
	X(KEEPALIVE,		"TCPKeepAlive")				\
	X(CHALLENGE_ACKS,	"TCPChallengeACK")			\
	X(ABORT_ON_DATA,	"TCPAbortOnData")			\
	X(ABORT_ON_CLOSE,	"TCPAbortOnClose")			\
	X(ABORT_ON_TIMEOUT,	"TCPAbortOnTimeout")			\
	X(ABORT_ON_LINGER,	"TCPAbortOnLinger")			\
	X(ABORT_ON_MEMORY,	"TCPAbortOnMemory")			\
	X(TIME_WAITED,		"TW")					\
	X(TW_OVERFLOW,		"TCPTimeWaitOverflow")			\
	X(LISTEN_OVERFLOWS,	"ListenOverflows")			\
	X(LISTEN_DROPS,		"ListenDrops")				\
	X(SYN_RETRANS,		"TCPSynRetrans")			\
	X(SYNCOOKIES_SENT,	"SyncookiesSent")			\
	X(SYNCOOKIES_RECV,	"SyncookiesRecv")			\
	X(SYNCOOKIES_FAILED,	"SyncookiesFailed")			\
	X(REQ_QFULL_COOKIES,	"TCPReqQFullDoCookies")			\
	X(REQ_QFULL_DROP,	"TCPReqQFullDrop")			\
	X(DEFER_ACCEPT_DROP,	"TCPDeferAcceptDrop")			\
	X(FASTOPEN_ACTIVE,	"TCPFastOpenActive")			\
	X(FASTOPEN_ACTIVE_FAIL,	"TCPFastOpenActiveFail")		\
	X(FASTOPEN_PASSIVE,	"TCPFastOpenPassive")			\
	X(FASTOPEN_PASSIVE_FAIL, "TCPFastOpenPassiveFail")		\
	X(FASTOPEN_LISTEN_OVERFLOW, "TCPFastOpenListenOverflow")	\
	X(FASTOPEN_COOKIE_REQD,	"TCPFastOpenCookieReqd")		\
	X(FASTOPEN_BLACKHOLE,	"TCPFastOpenBlackhole")			\
	X(FASTOPEN_PASSIVE_ALT_KEY, "TCPFastOpenPassiveAltKey")		\
	X(EMBRYONIC_RSTS,	"EmbryonicRsts")			\
	X(ACK_SKIPPED_SYN_RECV,	"TCPACKSkippedSynRecv")			\
	X(OUT_OF_WINDOW_ICMPS,	"OutOfWindowIcmps")			\
	X(LOCK_DROPPED_ICMPS,	"LockDroppedIcmps")			\
	X(MIN_TTL_ICMPS,	"MinTTLIcmps")				\
	X(MTU_BLACK_HOLES,	"MtuBlackHoles")			\
	X(MTUP_FAIL,		"TCPMTUPFail")				\
	X(MTUP_SUCCESS,		"TCPMTUPSuccess")			\
	X(RCV_COLLAPSED,	"TCPRcvCollapsed")			\
	X(BACKLOG_COALESCE,	"TCPBacklogCoalesce")

enum toytcp_mib {
#define X(name, text) TOYTCP_MIB_##name,
	TOYTCP_MIB_COUNTERS(X)
#undef X
	TOYTCP_MIB_COUNT
};

struct net;
struct sk_buff;

/* One CPU's counters of one namespace */
struct toytcp_stats {
	u64 drop[TOYTCP_DROP_COUNT];	/* segments, by reason */
	u64 mib[TOYTCP_MIB_COUNT];	/* events */
};

const char *toytcp_stats_drop_name(enum toytcp_drop_reason reason);
const char *toytcp_stats_mib_name(enum toytcp_mib mib);
void toytcp_stats_fold(struct net *net, struct toytcp_stats *sum);
void toytcp_stats_inc(struct net *net, enum toytcp_mib mib);
void toytcp_stats_add(struct net *net, enum toytcp_mib mib, u32 n);
void toytcp_drop_note(struct net *net, const struct sk_buff *skb,
		      enum toytcp_drop_reason reason);
void toytcp_drop(struct net *net, struct sk_buff *skb,
		 enum toytcp_drop_reason reason);

#endif /* _TOYTCP_DROP_H */
