#!/bin/bash
# vm: group=run cpus=2 timeout=600 long=1200 kernel=stock
# SPDX-License-Identifier: GPL-2.0
#
# A SYN flood from addresses that nobody has (synflood.c). While it lasts a
# connection made before goes on, and with SYN cookies new ones are made; when
# it is over, new ones are made without cookies, too. What the server keeps of
# it is bounded by the listener's backlog, and soon gone.
. "${0%/*}/lib.sh"

F=$SUBJECT
BACKLOG=64
if [[ $LONG == 1 ]]; then
	count=100000 seconds=30
else
	count=20000 seconds=8
fi

counter() {	# NAME
	local names values i

	{
		read -r -a names
		read -r -a values
	} < <(in_ns "$NB" cat /proc/net/toytcp_stat)
	for i in "${!names[@]}"; do
		[[ ${names[i]} != "$1" ]] || echo "${values[i]}"
	done
}

requests() {
	local state n=0

	while read -r _ _ _ state _; do
		[[ $state != 03 ]] || n=$((n + 1))
	done < <(listing "$NB" "$F")
	echo "$n"
}

slab_kb() {
	local key value

	while read -r key value _; do
		[[ $key != Slab: ]] || echo "$value"
	done < /proc/meminfo
}

no_requests() { [[ $(requests) == 0 ]]; }

# A connection from a client that there is.
one_more() {
	want 0 a socket n inet
	want 0 a connect n 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l m
	want 500 a send n 500
	want 500 b recv m 500
	want 700 b send m 700
	want 700 a recv n 700
	want 0 a linger n 0
	want 0 a close n
	want 0 b close m
}

goes_on() {
	want 3000 a send c 3000
	want 3000 b recv s 3000
	want 3000 b send s 3000
	want 3000 a recv c 3000
}

flooded() {	# COOKIES
	local n=0 most=0 now slab flood before=0 received=0 retries=2

	# With cookies no request may end, and leave its place to a client that
	# there is, before the flood does.
	[[ $1 == 0 ]] || retries=$((LONG == 1 ? 4 : 3))

	sk_start a "$NA"
	sk_start b "$NB"
	set_sysctl b "$F" syncookies "$1"
	want 0 b sysctl "net/ipv4/tcp_synack_retries" "$retries"
	set_sysctl b "$F" synack_retries "$retries"
	want 0 b socket l "$F"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l "$BACKLOG"
	want 0 a socket c inet
	want 0 a connect c 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l s
	goes_on
	if [[ $F == toytcp ]]; then
		before=$(counter SyncookiesSent)
		received=$(counter SyncookiesRecv)
	fi

	slab=$(slab_kb)
	in_ns "$NA" "$BIN/synflood" 10.77.0.2 "$PORT" $count $seconds "$SEED" \
		> "$case_dir/flood" &
	flood=$!
	while kill -0 $flood 2> /dev/null; do
		goes_on
		now=$(requests)
		((now <= most)) || most=$now
		if [[ $1 == 1 ]] && ((now > BACKLOG)); then
			one_more
			n=$((n + 1))
		fi
		pause 0.2
	done
	wait $flood || fail "the flood: $(< "$case_dir/flood")"
	slab=$(($(slab_kb) - slab))
	echo "# $(< "$case_dir/flood"), $n connections meanwhile, at most $most" \
		"requests, $slab KB of slab"
	((most > BACKLOG / 2)) || fail "at most $most requests: no flood"
	((most <= BACKLOG + 1)) || fail "$most requests, the backlog is $BACKLOG"
	# What was freed waits for a grace period; a request for each would be more.
	((slab < count / 2)) || fail "$slab KB more of slab"
	if [[ $1 == 1 ]]; then
		((n > 0)) || fail "no connection was made while it lasted"
	fi
	if [[ $F == toytcp && $1 == 1 ]]; then
		(($(counter SyncookiesSent) - before > count / 2)) ||
			fail "few cookies were sent"
		(($(counter SyncookiesRecv) - received >= n)) ||
			fail "few cookies came back"
	fi

	want 0 a wait 110
	goes_on
	one_more
	poll_until 60 no_requests || fail "$(requests) requests are left"
	one_more
	goes_on
}

policy_counted() { (($(counter DropPolicy) > $1)); }

# Another reason to drop a SYN, here because the stock kernel knows IPsec: the
# host's policy. It goes, and the connection is made.
policy() {
	local before events=/sys/kernel/tracing/events/toytcp/toytcp_drop/enable
	local what="src 10.77.0.1 dst 10.77.0.2 proto tcp dir in"

	before=$(counter DropPolicy)
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$F"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	mountpoint -q /sys/kernel/tracing ||
		mount -t tracefs tracefs /sys/kernel/tracing
	echo 1 > "$events"
	# shellcheck disable=SC2086 # words
	ip -n "$NB" xfrm policy add $what action block || fail "no policy"
	want 0 a socket c inet
	want 0 a nonblock c 1
	want EINPROGRESS a connect c 10.77.0.2 "$PORT"
	poll_until 20 policy_counted "$before" || fail "not counted"
	grep -q "reason=DropPolicy" /sys/kernel/tracing/trace || fail "not traced"
	# shellcheck disable=SC2086
	ip -n "$NB" xfrm policy delete $what
	echo 0 > "$events"
	want "10.77.0.1:*" b accept l s
	want 100 a send c 100
	want 100 b recv s 100
}

load_module
sk_pool="a b"
topology f
# The victim knows a way to the addresses, and nobody answers there.
ip -n "$NB" route add 10.99.0.0/16 via 10.77.0.1
run_case "$count SYNs, with cookies" flooded 1
run_case "$count SYNs, without cookies" flooded 0
[[ $F != toytcp ]] || run_case "a policy that forbids it" policy
finish
