#!/bin/bash
# vm: group=close cpus=2 timeout=900 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# How connections end: in order, by a reset, by a process that is killed, by a
# peer that vanishes; and how they do not end while a peer does not read.
. "${0%/*}/lib.sh"

# The end that acts is $x, with socket $xs of family $xf; the other is $y.
act_as() {	# client or server
	if [[ $1 == client ]]; then
		x=a xs=c$n xf=$C y=b ys=s$n yf=$S
	else
		x=b xs=s$n xf=$S y=a ys=c$n yf=$C
	fi
}
n=

both_ends() {	# NAME FUNCTION
	local acts

	for acts in client server; do
		# Between two of a kind it makes no difference.
		[[ $acts == server && $C == "$S" && $C != inet ]] && continue
		act_as $acts
		run_case "$1, $C to $S, $acts" "$2"
	done
}

in_order() {
	connected
	want 1000 "$x" send $xs 1000
	want 0 "$x" close $xs
	want 1000 "$y" recveof $ys
	want "IN,OUT,RDHUP" "$y" poll $ys IN,OUT,RDHUP 0
	want 0 "$y" error $ys
	want 0 "$y" close $ys
	# The end that closed first keeps the TIME_WAIT.
	poll_until 20 listed_is "$x" $xf TIME_WAIT ||
		fail "$R is listed, not TIME_WAIT"
	poll_until 20 listed_is "$y" $yf none ||
		fail "$R is listed, not none"
}

# The rows of an end's port are in this state, besides the listener. An open
# socket without a connection is "none": AF_TOYTCP lists it as CLOSE, the
# kernel's TCP does not.
listed_is() {	# SHELL FAMILY STATE
	local port=$PORT left

	[[ $1 == a ]] && port=$CPORT
	ask "$1" listed "$2" "$port"
	left=,$R,
	left=${left/,LISTEN,/,}
	[[ $3 != none || $2 != toytcp ]] || left=${left/,CLOSE,/,}
	left=${left#,}
	left=${left%,}
	[[ ${left:-none} == "$3" ]]
}

half_close() {
	connected
	want 0 "$x" shutdown $xs wr
	want 0 "$y" recv $ys 1
	tell "$y" send $ys 200000
	want 200000 "$x" recv $xs 200000
	heard 200000 "$y" send
	want EPIPE "$x" send $xs 1
	want 0 "$y" close $ys
	want 0 "$x" recv $xs 1
	want "*HUP*" "$x" poll $xs IN,HUP 5000
}

# A peer that has closed answers data with a reset.
send_to_closed() {
	connected
	want 0 "$x" close $xs
	want "IN,RDHUP" "$y" poll $ys IN,RDHUP 20000
	want 10 "$y" send $ys 10
	want "*HUP*" "$y" poll $ys HUP 20000
	want EPIPE "$y" send $ys 10
	want 0 "$y" recv $ys 1
}

unread_data() {
	connected
	want 5000 "$y" send $ys 5000
	want_soon 20 5000 "$x" inq $xs
	want 0 "$x" close $xs
	want "*HUP*" "$y" poll $ys HUP 20000
	want ECONNRESET "$y" recv $ys 1
	want EPIPE "$y" send $ys 1
	# No TIME_WAIT after a reset.
	poll_until 20 listed_is "$x" $xf none ||
		fail "$R is listed, not none"
	poll_until 20 listed_is "$y" $yf none ||
		fail "$R is listed, not none"
}

unread_data_of_many() {
	connected
	want 0 "$y" nonblock $ys 1
	want "[1-9]*" "$y" fill $ys
	want 0 "$x" close $xs
	want "*HUP*" "$y" poll $ys HUP 20000
	want "ECONNRESET" "$y" error $ys
	poll_until 20 listed_is "$x" $xf none ||
		fail "$R is listed, not none"
	poll_until 20 listed_is "$y" $yf none ||
		fail "$R is listed, not none"
}

linger_zero() {
	connected
	want 3000 "$x" send $xs 3000
	want_soon 20 3000 "$y" inq $ys
	want 0 "$x" linger $xs 0
	want 0 "$x" close $xs
	want "*HUP*" "$y" poll $ys HUP 20000
	# What had arrived can still be read, as in the kernel's TCP.
	want 3000 "$y" recv $ys 3000
	want ECONNRESET "$y" recv $ys 1
	poll_until 20 listed_is "$x" $xf none ||
		fail "$R is listed, not none"
	poll_until 20 listed_is "$y" $yf none ||
		fail "$R is listed, not none"
}

linger_waits() {
	connected
	want 0 "$x" linger $xs 15
	want 0 "$x" nonblock $xs 1
	want "[1-9]*" "$x" fill $xs
	sent=$R
	want 0 "$x" nonblock $xs 0
	tell "$x" close $xs
	pause 0.5
	want "$sent" "$y" recveof $ys
	heard 0 "$x" close
}

simultaneous_close() {
	connected
	tell "$x" close $xs
	tell "$y" close $ys
	heard 0 "$x" close
	heard 0 "$y" close
	poll_until 20 gone_or_waiting a "$C" || fail "$R is left of the client"
	poll_until 20 gone_or_waiting b "$S" || fail "$R is left of the server"
}

gone_or_waiting() {	# SHELL FAMILY
	listed_is "$1" "$2" none || listed_is "$1" "$2" TIME_WAIT
}

killed() {
	connected
	want 100 "$x" send $xs 100
	want_soon 20 100 "$y" inq $ys
	kill -9 "$(sk_pid "$x")"
	want 100 "$y" recveof $ys
	want "IN,RDHUP" "$y" poll $ys IN,RDHUP 1000
	want 10 "$y" send $ys 10
	want "*HUP*" "$y" poll $ys HUP 20000
}

killed_while_sending() {
	connected
	want 0 "$x" nonblock $xs 1
	want "[1-9]*" "$x" fill $xs
	sent=$R
	kill -9 "$(sk_pid "$x")"
	# All that the dead process had written still arrives.
	want "$sent" "$y" recveof $ys
}

killed_with_unread_data() {
	connected
	want 100 "$y" send $ys 100
	want_soon 20 100 "$x" inq $xs
	kill -9 "$(sk_pid "$x")"
	want "*HUP*" "$y" poll $ys HUP 20000
	want ECONNRESET "$y" recv $ys 1
}

# --- what waits for timers --------------------------------------------------
#
# All of these at the same time: each case has a first part, then all of them
# wait together, and then each has a second part.

# From now on B hears nothing of this port: dropped by the device, before any
# TCP of B sees it. (No sets of ports: making one upsets the debug kernel's
# nf_tables.)
vanish() {	# CHAIN
	in_ns "$NB" nft -f - <<-END || fail "nft"
		add rule netdev vanish $1 tcp dport $PORT drop
		add rule netdev vanish $1 tcp sport $PORT drop
	END
}

come_back() {
	in_ns "$NB" nft flush chain netdev vanish a_while || fail "nft"
}

timed_out_1() {
	connected $n
	vanish for_good
	want 1000 "$x" send $xs 1000
}

timed_out_2() {
	want "*HUP*" "$x" poll $xs HUP 100000
	want ETIMEDOUT "$x" error $xs
	want 0 "$x" recv $xs 1
	want EPIPE "$x" send $xs 1
	poll_until 5 listed_is "$x" $xf none || fail "$R is left of it"
}

recv_timed_out_1() {
	connected $n
	vanish for_good
	want 1000 "$x" send $xs 1000
}

recv_timed_out_2() {
	want 0 "$x" wait 100
	tell "$x" recv $xs 1
	heard ETIMEDOUT "$x" recv 110
}

comes_back_1() {
	connected $n
	# not to be given up after the few retries that the other cases have
	want 0 "$x" set $xs user_timeout 60000
	vanish a_while
	want 30000 "$x" send $xs 30000
	# Long enough for retransmissions to be lost.
	pause 1
	come_back
}

comes_back_2() {
	want 30000 "$y" recv $ys 30000
	want_soon 20 0 "$x" outq $xs
	want ESTABLISHED "$x" state $xs
}

# A closed socket that nobody hears: it ends by itself.
orphan_ends_1() {
	connected $n
	vanish for_good
	want 1000 "$x" send $xs 1000
	want 0 "$x" close $xs
	listed_is "$x" $xf FIN_WAIT1 || fail "$R, not FIN_WAIT1, after close"
}

orphan_ends_2() {
	poll_until 60 listed_is "$x" $xf none || fail "$R is left of it"
}

# The peer never closes: FIN_WAIT2 of a closed socket is not for ever.
fin_wait2_ends_1() {
	connected $n
	want 0 "$x" close $xs
	want "IN,RDHUP" "$y" poll $ys IN,RDHUP 20000
	ask "$x" listed $xf "$CPORT"
}

fin_wait2_ends_2() {
	poll_until 30 listed_is "$x" $xf none || fail "$R is left of it"
	want 10 "$y" send $ys 10
	want "*HUP*" "$y" poll $ys HUP 20000
	want EPIPE "$y" send $ys 1
}

# A peer that does not read: probes keep the connection, however few retries
# the sender may make for a peer that is silent.
full_window_1() {
	want 0 b socket l$n "$S"
	want 0 b set l$n rcvbuf 8192
	want 0 b bind l$n 10.77.0.2 "$PORT"
	want 0 b listen l$n 8
	want 0 a socket c$n "$C"
	want 0 a set c$n rcvbuf 8192
	want 0 a connect c$n 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l$n s$n
	want 0 "$x" set $xs sndbuf 8192
	want "[1-9]*" "$x" fill $xs
	echo "$R $EPOCHREALTIME" > "$tmp/filled$n"
}

full_window_2() {
	local filled since

	read -r filled since < "$tmp/filled$n"
	while ((${EPOCHREALTIME%.*} < ${since%.*} + 11)); do
		want none "$x" poll $xs OUT,ERR,HUP 1000
	done
	want "$filled" "$y" recv $ys "$filled"
	tell "$x" send $xs 50000
	want 50000 "$y" recv $ys 50000
	heard 50000 "$x" send
	want ESTABLISHED "$x" state $xs
}

waiting=(
	"peer does not read for 10 s:full_window"
	"peer vanishes:timed_out"
	"peer vanishes, noticed by recv:recv_timed_out"
	"peer comes back:comes_back"
	"closed, and the peer vanishes:orphan_ends"
	"FIN_WAIT2 of a closed socket:fin_wait2_ends"
)

each_waiting() {	# FUNCTION, called with $C, $S, $acts, $what
	local pair acts what

	n=0
	for what in "${waiting[@]}"; do
		for pair in $PAIRS; do
			C=${pair%:*} S=${pair#*:}
			for acts in client server; do
				[[ $acts == server && $C == "$S" &&
				   $C != inet ]] && continue
				n=$((n + 1))
				act_as $acts
				"$1" "${what%:*}, $C to $S, $acts" "${what#*:}"
			done
		done
	done
}

shortened() {
	local family

	sk_start a "$NA"
	sk_start b "$NB"
	for family in $1; do
		for shell in a b; do
			set_sysctl $shell "$family" retries2 4
			set_sysctl $shell "$family" orphan_retries 2
			set_sysctl $shell "$family" fin_timeout 3
		done
	done
}

actions() {
	both_ends "close in order" in_order
	both_ends "half-close" half_close
	both_ends "data for a socket that is closed" send_to_closed
	both_ends "close with unread data" unread_data
	both_ends "close with a full buffer unread" unread_data_of_many
	both_ends "SO_LINGER 0" linger_zero
	both_ends "SO_LINGER waits" linger_waits
	both_ends "close at the same time" simultaneous_close
	both_ends "kill -9" killed
	both_ends "kill -9 while it sends" killed_while_sending
	both_ends "kill -9 with unread data" killed_with_unread_data
}

# Last: it takes the devices down for good.
link_down_1() {
	connected $n
}

link_down_2() {
	want 1000 "$x" send $xs 1000
	want "*HUP*" "$x" poll $xs HUP 100000
	ask "$x" error $xs
	[[ $R == ETIMEDOUT || $R == EHOSTUNREACH || $R == ENETUNREACH ]] ||
		fail "SO_ERROR says $R"
}

load_module
sk_pool="a b"
topology c
for_pairs actions

in_ns "$NB" nft -f - <<-END || case_failed "nft" "the rule is refused"
	table netdev vanish {
		chain a_while {
			type filter hook ingress device $VB priority 0;
		}
		chain for_good {
			type filter hook ingress device $VB priority 1;
		}
	}
END
run_case "shorter timers" shortened "${PAIRS//:/ }"
sk_keep=1
each_waiting first_part
each_waiting second_part

topology d
waiting=("peer's link is down:link_down")
sk_keep=
run_case "shorter timers there" shortened "${PAIRS//:/ }"
sk_keep=1
each_waiting first_part
ip -n "$NB" link set "$VB" down
each_waiting second_part
finish
