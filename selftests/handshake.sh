#!/bin/bash
# vm: group=waits cpus=1 timeout=900 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# How connections begin, on a network that loses what they begin with: each of
# the three segments lost and sent again, nobody there, a firewall's answers,
# both ends at once, a listener that is full or goes away; and Fast Open (RFC
# 7413), where the SYN brings data.
. "${0%/*}/lib.sh"

# Side B's device loses what a rule says, before any TCP of B sees it, and side
# A's what B sends. (No sets of ports: making one upsets the debug kernel's
# nf_tables.)
lossy() {
	in_ns "$NB" nft -f - <<-END || fail "nft"
		table netdev loss {
			chain in { type filter hook ingress device $VB priority 0; }
		}
	END
	in_ns "$NA" nft -f - <<-END || fail "nft"
		table netdev loss {
			chain in { type filter hook ingress device $VA priority 0; }
		}
	END
}

lose() {	# NAMESPACE syn, ack or synack
	local rule

	case $2 in
	syn) rule="tcp dport $PORT tcp flags & (syn|ack) == syn drop" ;;
	ack) rule="tcp dport $PORT tcp flags & (syn|ack) == ack drop" ;;
	synack) rule="tcp sport $PORT tcp flags & (syn|ack) == (syn|ack) drop" ;;
	esac
	in_ns "$1" nft add rule netdev loss in "$rule" || fail nft
}

pass() {	# NAMESPACE: nothing is lost there any more
	in_ns "$1" nft flush chain netdev loss in || fail nft
}

listener() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
}

starts_connect() {
	want 0 a socket c "$C"
	want 0 a nonblock c 1
	want EINPROGRESS a connect c 10.77.0.2 "$PORT"
}

works() {
	want 0 a nonblock c 0
	want 5000 a send c 5000
	want 5000 b recv s 5000
	want 5000 b send s 5000
	want 5000 a recv c 5000
}

syn_lost() {
	listener
	lose "$NB" syn
	starts_connect
	want none a poll c OUT 1500
	want SYN_SENT a state c
	want LISTEN b listed "$S" "$PORT"
	pass "$NB"
	want OUT a poll c OUT 20000
	want "10.77.0.1:*" b accept l s
	works
}

synack_lost() {
	listener
	lose "$NA" synack
	starts_connect
	want none a poll c OUT 1500
	want SYN_SENT a state c
	want SYN_RECV,LISTEN b listed "$S" "$PORT"
	pass "$NA"
	want OUT a poll c OUT 20000
	want "10.77.0.1:*" b accept l s
	works
}

ack_lost() {
	listener
	lose "$NB" ack
	starts_connect
	want OUT a poll c OUT 20000
	want ESTABLISHED a state c
	want SYN_RECV,LISTEN b listed "$S" "$PORT"
	want none b poll l IN 200
	pass "$NB"
	# The SYN-ACK comes again and is answered.
	want IN b poll l IN 20000
	want "10.77.0.1:*" b accept l s
	works
}

# Data on the lost ACK's heels takes its place.
ack_lost_then_data() {
	listener
	lose "$NB" ack
	starts_connect
	want OUT a poll c OUT 20000
	want 3000 a send c 3000
	pass "$NB"
	want IN b poll l IN 20000
	want "10.77.0.1:*" b accept l s
	want 3000 b recv s 3000
	works
}

nobody_answers() {
	sk_start a "$NA"
	set_sysctl a "$C" syn_retries 2
	lose "$NB" syn
	want 0 a socket c "$C"
	want 0 a wait 100
	tell a connect c 10.77.0.2 "$PORT"
	heard ETIMEDOUT a connect 110
	want 0 a error c
	pass "$NB"
	want ECONNREFUSED a connect c 10.77.0.2 "$PORT"
	set_sysctl a "$C" syn_retries 6
}

# A SYN whose sender never answers leaves the listener again.
request_expires() {
	listener
	set_sysctl b "$S" synack_retries 1
	lose "$NB" ack
	lose "$NA" synack
	starts_connect
	want_soon 10 SYN_RECV,LISTEN b listed "$S" "$PORT"
	want 0 a close c
	want_soon 60 LISTEN b listed "$S" "$PORT"
	pass "$NB"
	pass "$NA"
	set_sysctl b "$S" synack_retries 5
	starts_connect
	want OUT a poll c OUT 20000
	want "10.77.0.1:*" b accept l s
	works
}

refused() {
	sk_start a "$NA"
	want 0 a socket c "$C"
	want ECONNREFUSED a connect c 10.77.0.2 "$PORT"
	want ECONNREFUSED a connect c 10.77.0.2 "$PORT"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	# Bound is not listening.
	want ECONNREFUSED a connect c 10.77.0.2 "$PORT"
	want 0 b listen l 1
	want 0 a connect c 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l s
	works
}

# Two clients, each connecting to the other: SYNs cross because both are held
# back until both are sent.
simultaneous() {
	sk_start a "$NA"
	sk_start b "$NB"
	lose "$NB" syn
	want 0 b socket s "$S"
	want 0 b bind s 10.77.0.2 "$PORT"
	want 0 b nonblock s 1
	want 0 a socket c "$C"
	want 0 a bind c 10.77.0.1 "$PORT"
	want 0 a nonblock c 1
	# A's SYN is lost; B's reaches A in SYN_SENT.
	want EINPROGRESS a connect c 10.77.0.2 "$PORT"
	want EINPROGRESS b connect s 10.77.0.1 "$PORT"
	pass "$NB"
	want OUT a poll c OUT 20000
	want OUT b poll s OUT 20000
	want_soon 10 ESTABLISHED a state c
	want_soon 10 ESTABLISHED b state s
	want 0 b nonblock s 0
	works
}

listener_closes() {
	listener
	lose "$NB" ack
	starts_connect
	want OUT a poll c OUT 20000
	want SYN_RECV,LISTEN b listed "$S" "$PORT"
	want 0 b close l
	pass "$NB"
	want 10 a send c 10
	want "*HUP*" a poll c HUP 30000
	want ECONNRESET a error c
}

# More than the backlog holds: those that do not fit are not lost, they wait.
backlog_overflows() {
	local i

	sk_start a "$NA"
	sk_start b "$NB"
	# A connection that hangs on a cookie is one that the server can lose.
	if [[ $S == toytcp ]]; then
		want 0 b sysctl net/toytcp/syncookies 0
	else
		want 0 b sysctl net/ipv4/tcp_syncookies 0
	fi
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 2
	for i in {1..6}; do
		want 0 a socket "c$i" "$C"
		want 0 a nonblock "c$i" 1
		want EINPROGRESS a connect "c$i" 10.77.0.2 "$PORT"
	done
	want 0 b wait 60
	for i in {1..6}; do
		tell b accept l "s$i"
		heard "10.77.0.1:*" b "accept $i" 70
		want 100 b send "s$i" 100
	done
	for i in {1..6}; do
		want "*OUT*" a poll "c$i" OUT 20000
		want 0 a nonblock "c$i" 0
		want 100 a recv "c$i" 100
	done
}

# The first time a cookie, then data with the SYN, both ways of asking for it;
# and a SYN that is lost with its data.
fast_open() {
	listener
	set_sysctl a "$C" fastopen 1
	set_sysctl b "$S" fastopen 2
	want 0 b set l fastopen 8
	want 0 a socket c1 "$C"
	want 1000 a fastopen c1 10.77.0.2 "$PORT" 1000
	want "10.77.0.1:*" b accept l s1
	want 1000 b recv s1 1000
	want 0 b syndata s1

	want 0 a socket c2 "$C"
	want 0 a nonblock c2 1
	want 1000 a fastopen c2 10.77.0.2 "$PORT" 1000
	want "10.77.0.1:*" b accept l s2
	want 1000 b recv s2 1000
	want 1 b syndata s2
	want OUT a poll c2 OUT 20000
	want 1 a syndata c2

	want 0 a socket c "$C"
	want 0 a set c fastopen_connect 1
	want 0 a connect c 10.77.0.2 "$PORT"
	want SYN_SENT a state c
	want 5000 a send c 5000
	want "10.77.0.1:*" b accept l s
	want 5000 b recv s 5000
	want 1 b syndata s
	want 1 a syndata c
	works

	lose "$NB" syn
	want 0 a socket c4 "$C"
	want 0 a nonblock c4 1
	want 1000 a fastopen c4 10.77.0.2 "$PORT" 1000
	pass "$NB"
	want OUT a poll c4 OUT 20000
	want "10.77.0.1:*" b accept l s4
	want 1000 b recv s4 1000
	want 0 b syndata s4
}

handshakes() {
	run_case "SYN lost, $(pair_name)" syn_lost
	run_case "SYN-ACK lost, $(pair_name)" synack_lost
	run_case "ACK lost, $(pair_name)" ack_lost
	run_case "ACK lost, data follows, $(pair_name)" ack_lost_then_data
	run_case "refused, $(pair_name)" refused
	run_case "both at once, $(pair_name)" simultaneous
	run_case "listener closes meanwhile, $(pair_name)" listener_closes
	run_case "backlog overflows, $(pair_name)" backlog_overflows
	run_case "Fast Open, $(pair_name)" fast_open
}

load_module
sk_pool="a b"
topology h
run_case "a lossy link" lossy
for_pairs handshakes
C=$SUBJECT S=$SUBJECT
run_case "nobody answers" nobody_answers
run_case "a request expires" request_expires
finish
