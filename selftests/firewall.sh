#!/bin/bash
# vm: group=waits cpus=1 timeout=900 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# The host's firewall stays in force: what a rule drops is not heard, what it
# rejects is refused, what a stateful one lets through passes, a rule that comes
# in the middle of a connection stops it for as long as it stands, and one of NAT
# turns connections to another port, whose program can ask where they went.
. "${0%/*}/lib.sh"

# One table a side, with chains for both ways in and both ways out. (No sets of
# ports: making one upsets the debug kernel's nf_tables.)
tables() {
	local ns

	for ns in "$NA" "$NB"; do
		in_ns "$ns" nft -f - <<-END || fail "nft"
			table ip filter {
				chain prerouting {
					type filter hook prerouting priority -150;
				}
				chain input {
					type filter hook input priority 0;
				}
				chain output {
					type filter hook output priority 0;
				}
				chain postrouting {
					type filter hook postrouting priority 100;
				}
			}
		END
	done
}

add() {	# NAMESPACE WHAT
	local rules

	case $2 in
	drop) rules="add rule ip filter input tcp dport $PORT counter drop" ;;
	early) rules="add rule ip filter prerouting tcp dport $PORT counter drop" ;;
	out) rules="add rule ip filter output tcp dport $PORT counter drop" ;;
	late) rules="add rule ip filter postrouting tcp dport $PORT counter drop" ;;
	reset) rules="add rule ip filter input tcp dport $PORT counter reject with tcp reset" ;;
	icmp) rules="add rule ip filter input tcp dport $PORT counter reject with icmp port-unreachable" ;;
	prohibited) rules="add rule ip filter input tcp dport $PORT counter reject with icmp admin-prohibited" ;;
	stateful) rules="add rule ip filter input tcp sport $PORT ct state established accept
		add rule ip filter input tcp sport $PORT drop" ;;
	esac
	in_ns "$1" nft -f - <<< "$rules" || fail nft
}

# No rule in any chain.
del() { in_ns "$1" nft flush table ip filter || fail nft; }

listener() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$C"
}

works() {
	want "10.77.0.1:*" b accept l s
	want 5000 a send c 5000
	want 5000 b recv s 5000
	want 5000 b send s 5000
	want 5000 a recv c 5000
}

# Nothing is heard while the rule stands, and all is well after it.
silenced() {	# NAMESPACE SET
	listener
	add "$1" "$2"
	want 0 a nonblock c 1
	want EINPROGRESS a connect c 10.77.0.2 "$PORT"
	want none a poll c OUT,IN 1300
	want LISTEN b listed "$S" "$PORT"
	del "$1" "$2"
	want OUT a poll c OUT 20000
	want 0 a nonblock c 0
	works
}

# Refused while the rule stands.
answered() {	# SET ERRNO
	listener
	add "$NB" "$1"
	want "$2" a connect c 10.77.0.2 "$PORT"
	want LISTEN b listed "$S" "$PORT"
	del "$NB" "$1"
	want 0 a connect c 10.77.0.2 "$PORT"
	works
}

# What a workstation has: only answers may come in.
stateful() {
	listener
	add "$NA" stateful
	want 0 a connect c 10.77.0.2 "$PORT"
	works
	del "$NA" stateful
}

in_the_middle() {	# NAMESPACE SET
	listener
	want 0 a connect c 10.77.0.2 "$PORT"
	works
	add "$1" "$2"
	want 7000 a send c 7000
	want none b poll s IN,HUP 1300
	del "$1" "$2"
	want 7000 b recv s 7000
	want ESTABLISHED a state c
}

reset_in_the_middle() {
	listener
	want 0 a connect c 10.77.0.2 "$PORT"
	works
	add "$NB" reset
	want 7000 a send c 7000
	want "*HUP*" a poll c HUP 20000
	want ECONNRESET a error c
	del "$NB" reset
}

# An established connection does not die of an ICMP message.
icmp_in_the_middle() {
	listener
	want 0 a connect c 10.77.0.2 "$PORT"
	works
	add "$NB" icmp
	want 7000 a send c 7000
	want none a poll c IN,HUP,ERR 1300
	del "$NB" icmp
	want 7000 b recv s 7000
	want ESTABLISHED a state c
}

translated() {
	local port=$((PORT + 1000))

	in_ns "$NB" nft -f - <<-END || fail "nft"
		add table ip nat
		add chain ip nat prerouting { type nat hook prerouting priority -100; }
		add rule ip nat prerouting tcp dport $port dnat to 10.77.0.2:$PORT
	END
	listener
	want 0 a connect c 10.77.0.2 "$port"
	works
	want "10.77.0.2:$port" a peer c
	want "10.77.0.2:$PORT" b name s
	want "10.77.0.2:$port" b original s
	want ENOENT b original l
	in_ns "$NB" nft delete table ip nat || fail "nft"
}

cases() {
	run_case "another port by NAT, $(pair_name)" translated
	run_case "input drop, $(pair_name)" silenced "$NB" drop
	run_case "prerouting drop, $(pair_name)" silenced "$NB" early
	run_case "output drop, $(pair_name)" silenced "$NA" out
	run_case "postrouting drop, $(pair_name)" silenced "$NA" late
	run_case "reject with reset, $(pair_name)" answered reset ECONNREFUSED
	run_case "reject with ICMP, $(pair_name)" answered icmp ECONNREFUSED
	run_case "reject as prohibited, $(pair_name)" \
		answered prohibited EHOSTUNREACH
	run_case "only answers may come in, $(pair_name)" stateful
	run_case "input drop in the middle, $(pair_name)" \
		in_the_middle "$NB" drop
	run_case "output drop in the middle, $(pair_name)" \
		in_the_middle "$NA" out
	run_case "reject with reset in the middle, $(pair_name)" \
		reset_in_the_middle
	run_case "reject with ICMP in the middle, $(pair_name)" \
		icmp_in_the_middle
}

load_module
sk_pool="a b"
topology f
run_case "the rules" tables
# Both ends' rules matter to the one that has them.
if [[ $LONG == 1 || $SUBJECT == inet ]]; then
	for_pairs cases
else
	C=toytcp S=toytcp
	cases
	C=toytcp S=inet
	run_case "reject with ICMP, $(pair_name)" answered icmp ECONNREFUSED
	run_case "only answers may come in, $(pair_name)" stateful
	C=inet S=toytcp
	run_case "input drop, $(pair_name)" silenced "$NB" drop
	run_case "reject with reset, $(pair_name)" answered reset ECONNREFUSED
fi
finish
