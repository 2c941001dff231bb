#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# A port belongs to one TCP: what one has bound the other cannot take, what it
# gives back the other can have; ephemeral ports come from ranges that do not
# meet; and the host's connections on other ports go on beside ours.
#
# F is the family under test, the other the kernel's TCP. (With inet in F's
# place both are the same TCP, which must obey the same rules.)
. "${0%/*}/lib.sh"

F=$SUBJECT

# In one namespace: $1 holds the port, $2 wants it.
taken_by_listener() {
	sk_start b "$NB"
	want 0 b socket one "$1"
	want 0 b set one reuseaddr 1
	want 0 b bind one 0.0.0.0 "$PORT"
	want 0 b listen one 1
	want 0 b socket two "$2"
	want EADDRINUSE b bind two 0.0.0.0 "$PORT"
	# Nor does asking for reuse help, at any address.
	want 0 b set two reuseaddr 1
	want EADDRINUSE b bind two 0.0.0.0 "$PORT"
	want EADDRINUSE b bind two 10.77.0.2 "$PORT"
	want EADDRINUSE b bind two 127.0.0.1 "$PORT"
	want 0 b close one
	want 0 b bind two 0.0.0.0 "$PORT"
	want 0 b listen two 1
}

taken_at_an_address() {
	sk_start b "$NB"
	want 0 b socket one "$1"
	want 0 b bind one 10.77.0.2 "$PORT"
	want 0 b listen one 1
	want 0 b socket two "$2"
	want EADDRINUSE b bind two 10.77.0.2 "$PORT"
	want EADDRINUSE b bind two 0.0.0.0 "$PORT"
	want 0 b close one
	want 0 b bind two 10.77.0.2 "$PORT"
}

taken_by_bound() {
	sk_start b "$NB"
	want 0 b socket one "$1"
	want 0 b bind one 0.0.0.0 "$PORT"
	want 0 b socket two "$2"
	want EADDRINUSE b bind two 0.0.0.0 "$PORT"
	want 0 b set two reuseaddr 1
	want EADDRINUSE b bind two 0.0.0.0 "$PORT"
	want 0 b close one
	want 0 b bind two 0.0.0.0 "$PORT"
}

# The port of a connection whose listener is gone.
taken_by_connection() {
	C=$2 S=$1
	connected
	want 0 b close l
	want 0 b socket two "$2"
	want EADDRINUSE b bind two 10.77.0.2 "$PORT"
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	# The client has the TIME_WAIT: here the port is free.
	want_soon 20 0 b bind two 10.77.0.2 "$PORT"
}

# TIME_WAIT keeps the port from the other TCP, and from ours without
# SO_REUSEADDR.
taken_by_time_wait() {
	C=$2 S=$1
	connected
	want 0 b close l
	want 0 b close s
	want 0 a recveof c
	want 0 a close c
	want_soon 20 TIME_WAIT b listed "$S" "$PORT"
	want 0 b socket other "$2"
	want EADDRINUSE b bind other 10.77.0.2 "$PORT"
	want 0 b socket same "$1"
	want EADDRINUSE b bind same 10.77.0.2 "$PORT"
	want 0 b set same reuseaddr 1
	want 0 b bind same 10.77.0.2 "$PORT"
	want 0 b listen same 1
}

other_namespace() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 a socket one "$1"
	want 0 a bind one 0.0.0.0 "$PORT"
	want 0 a listen one 1
	want 0 b socket two "$2"
	want 0 b bind two 0.0.0.0 "$PORT"
	want 0 b listen two 1
}

released() {
	local i

	sk_start b "$NB"
	for i in {1..20}; do
		want 0 b socket x "$1"
		want 0 b bind x 0.0.0.0 "$PORT"
		want 0 b listen x 1
		want 0 b close x
		want 0 b socket x "$2"
		want 0 b bind x 0.0.0.0 "$PORT"
		want 0 b listen x 1
		want 0 b close x
	done
}

# An ephemeral port of one is never one that the other can choose.
ephemeral() {
	local low high host_low host_high port i

	sk_start b "$NB"
	read -r low high < <(in_ns "$NB" cat /proc/sys/net/toytcp/local_port_range)
	read -r host_low host_high < <(in_ns "$NB" \
		cat /proc/sys/net/ipv4/ip_local_port_range)
	((low <= high && (high < host_low || low > host_high))) ||
		fail "$low-$high meets the host's $host_low-$host_high"
	for i in {1..40}; do
		want 0 b socket "x$i" toytcp
		want 0 b bind "x$i" 0.0.0.0 0
		ask b name "x$i"
		port=${R#*:}
		((port >= low && port <= high)) ||
			fail "port $port is not in $low-$high"
		want 0 b socket "y$i" inet
		want EADDRINUSE b bind "y$i" 0.0.0.0 "$port"
	done
}

# Only so many ports, and each is a connection's: then there is none, and
# again one when one was given back.
exhausted() {
	local i

	sk_start a "$NA"
	sk_start b "$NB"
	if [[ $F == toytcp ]]; then
		want 0 a sysctl net/toytcp/local_port_range 62000,62007
	else
		want 0 a sysctl net/ipv4/ip_local_port_range 62000,62007
	fi
	want 0 b socket l inet
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 64
	for i in {1..8}; do
		want 0 a socket "c$i" "$F"
		want 0 a connect "c$i" 10.77.0.2 "$PORT"
	done
	want 0 a socket c9 "$F"
	want EADDRNOTAVAIL a connect c9 10.77.0.2 "$PORT"
	want 0 a linger c5 0
	want 0 a close c5
	want 0 a connect c9 10.77.0.2 "$PORT"
}

# SO_REUSEPORT: every listener has its share, and who does not ask for it none.
reuseport() {
	local i k R n total=0

	sk_start a "$NA"
	sk_start b "$NB"
	for k in {1..3}; do
		want 0 b socket "l$k" "$F"
		ask b set "l$k" reuseport 1
		if [[ $R != 0 ]]; then
			echo "# this kernel has SO_REUSEPORT for AF_INET only"
			return 0
		fi
		want 0 b bind "l$k" 10.77.0.2 "$PORT"
		want 0 b listen "l$k" 32
		want 0 b nonblock "l$k" 1
	done
	want 0 b socket other "$F"
	want EADDRINUSE b bind other 10.77.0.2 "$PORT"
	for i in {1..30}; do
		want 0 a socket "c$i" inet
		want 0 a connect "c$i" 10.77.0.2 "$PORT"
	done
	for k in {1..3}; do
		want IN b poll "l$k" IN 5000
		for ((n = 0; ; n++)); do
			ask b accept "l$k" "s$k.$n"
			[[ $R == 10.77.0.1:* ]] || break
			want 10 b send "s$k.$n" 10
		done
		echo "# $n connections"
		total=$((total + n))
	done
	((total == 30)) || fail "$total of 30 connections"
	# Without one of them the others have all.
	want 0 b close l2
	for i in {1..10}; do
		want 0 a socket "d$i" inet
		want 0 a connect "d$i" 10.77.0.2 "$PORT"
	done
}

# The host's TCP talks between the same two hosts all the while.
beside() {
	local port

	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$F"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 b socket hl inet
	want 0 b bind hl 0.0.0.0 "$((PORT + 1000))"
	want 0 b listen hl 8
	want 0 a socket h inet
	want 0 a connect h 10.77.0.2 "$((PORT + 1000))"
	want "10.77.0.1:*" b accept hl hs
	want 0 a socket c "$F"
	want 0 a connect c 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l s
	want 3000 a send h 3000
	want 4000 a send c 4000
	want 3000 b recv hs 3000
	want 4000 b recv s 4000
	# A port of nobody is refused by the host, to both.
	want 0 a socket x inet
	want ECONNREFUSED a connect x 10.77.0.2 $((PORT + 2000))
	want 0 a socket y "$F"
	want ECONNREFUSED a connect y 10.77.0.2 $((PORT + 2000))
	want 0 a linger c 0
	want 0 a close c
	want "*HUP*" b poll s HUP 20000
	want 3000 b send hs 3000
	want 3000 a recv h 3000
	want ESTABLISHED a state h
}

# Several programs, a few ports, all of these calls in no order; ports_walk.py says
# what must hold.
walk() {
	in_ns "$NB" python3 "$here/ports_walk.py" $((LONG ? 60 : 6)) 4 "$SEED" ||
		fail "see above"
}

beside_transfers() {
	from=$NA to=$NB addr=10.77.0.2
	C=$F S=$F xfer_case "transfer of $F beside the host's" \
		--up 256K --down 256K --timeout 90
	next_port=$((next_port + 1))
	C=inet S=inet xfer_case "transfer of the host's beside $F" \
		--up 256K --down 256K --timeout 90
}

load_module
sk_pool="a b"
topology p
for order in "inet $F" "$F inet"; do
	# shellcheck disable=SC2086	# two words
	{
		run_case "listening, ${order/ / has it, }" \
			taken_by_listener $order
		run_case "listening at an address, ${order/ / has it, }" \
			taken_at_an_address $order
		run_case "bound, ${order/ / has it, }" taken_by_bound $order
		run_case "connected, ${order/ / has it, }" \
			taken_by_connection $order
		run_case "TIME_WAIT, ${order/ / has it, }" \
			taken_by_time_wait $order
	}
done
# Order does not matter to these.
run_case "in another namespace" other_namespace "$F" inet
run_case "given back" released "$F" inet
run_case "beside the host's connections" beside
run_case "shared by SO_REUSEPORT" reuseport
beside_transfers > "$tmp/cases"
xfer_cases 2 < "$tmp/cases"
if [[ $F == toytcp ]]; then
	run_case "ephemeral ports" ephemeral
	run_case "several programs at once" walk
fi
run_case "ephemeral ports are exhausted" exhausted
finish
