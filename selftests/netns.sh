#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Network namespaces: the same addresses and ports in several at once do not
# meet; one that is deleted with open, waiting and forgotten sockets goes away
# and takes all with it.
. "${0%/*}/lib.sh"

transfers() {
	local t

	for t in 1 2 3; do
		use_topology "n$t"
		from=$NA to=$NB addr=10.77.0.2
		# The same port in each.
		xfer_case "namespace $t of three, $(pair_name)" \
			--port $common --up 128K --down 128K --timeout 100
	done
	common=$((common + 1))
}
common=6000

# A listener in one is not reached from another.
apart() {
	use_topology n1
	connected
	use_topology n2
	sk_start a "$NA"
	want 0 a socket other "$C"
	want ECONNREFUSED a connect other 10.77.0.2 "$PORT"
	want none a listed "$S" "$PORT"
	sk_start b "$NB"
	want none b listed "$S" "$PORT"
	want 0 b socket l2 "$S"
	want 0 b bind l2 10.77.0.2 "$PORT"
	want 0 b listen l2 1
	want 0 a connect other 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l2 s2
	want 100 a send c 100
	want 0 b inq s2
	want_soon 20 100 b inq s
}

own_sysctl() {
	local path

	sysctl_path $SUBJECT syn_retries
	use_topology n1
	sk_start a "$NA"
	want 0 a sysctl "$path" 3
	[[ $(in_ns "$NA" cat "/proc/sys/$path") == 3 ]] || fail "not set"
	use_topology n2
	[[ $(in_ns "$NA" cat "/proc/sys/$path") != 3 ]] || fail "set in another"
}

# Programs that poll the device get what others get, and know its queue by the
# number that the kernel's TCP tells of the same device.
busy_polled() {
	local a b

	use_topology n3
	# veth has queues of its own only for what GRO may merge
	in_ns "$NA" ethtool -K "$VA" tso off gro on > /dev/null
	in_ns "$NB" ethtool -K "$VB" tso off gro on > /dev/null
	connected
	want 0 a set c busy_poll 50
	want 0 b set s busy_poll 50
	for _ in 1 2 3; do
		want 100 a send c 100
		want 100 b recv s 100
		want 100 b send s 100
		want 100 a recv c 100
	done
	want 0 a nonblock c 1
	want EAGAIN a recv c 1
	want "[1-9]*" a get c napi_id
	a=$R
	want "[1-9]*" b get s napi_id
	b=$R
	local C=inet S=inet PORT=$common
	connected k
	want 100 a send ck 100
	want 100 b recv sk 100
	want 100 b send sk 100
	want 100 a recv ck 100
	want "$a" a get ck napi_id
	want "$b" b get sk napi_id
}

device_is_gone() { ! ip -n "$1" link show "$2" > /dev/null 2>&1; }

# The namespace's name goes, then its last socket: with it the namespace, and
# the veth device whose end was there.
deleted_with() {	# WHAT
	local i

	topology x
	connected
	# A socket without a process keeps the namespace for as long as it lasts.
	set_sysctl b "$S" orphan_retries 1
	set_sysctl b "$S" fin_timeout 5
	case $1 in
	open)	# data in both queues
		want 5000 a send c 5000
		want 3000 b send s 3000
		;;
	listening)
		want 0 a socket c2 "$C"
		want 0 a connect c2 10.77.0.2 "$PORT"
		;;
	time-wait)
		want 0 b close s
		want 0 a recveof c
		want 0 a close c
		want_soon 20 TIME_WAIT,LISTEN b listed "$S" "$PORT"
		;;
	orphan)	# data that nobody acknowledges, and no process
		ip -n "$NA" link set "$VA" down
		want 5000 b send s 5000
		want 0 b close s
		want FIN_WAIT1,LISTEN b listed "$S" "$PORT"
		;;
	request)	# a SYN-ACK that nobody answers
		in_ns "$NA" nft -f - <<-END || fail "nft"
			table netdev loss {
				chain in {
					type filter hook ingress device $VA priority 0;
					drop
				}
			}
		END
		want 0 a socket c2 "$C"
		want 0 a nonblock c2 1
		want EINPROGRESS a connect c2 10.77.0.2 "$PORT"
		want_soon 20 "*SYN_RECV*" b listed "$S" "$PORT"
		;;
	esac
	ip netns del "$NB"
	if [[ $1 == open ]]; then
		# Only the name is gone: the connection still works.
		want 5000 b recv s 5000
		want 3000 a recv c 3000
		want 100 a send c 100
		want 100 b recv s 100
	fi
	kill -9 "$(sk_pid b)"
	poll_until 60 device_is_gone "$NA" "$VA" ||
		fail "the namespace is still there: $VA is"
	topology_del x
}

deletions() {
	for what in open listening time-wait orphan request; do
		run_case "deleted with sockets: $what, $(pair_name)" \
			deleted_with $what
		topology_del x
	done
}

load_module
sk_pool="a b"
for t in 1 2 3; do
	topology n$t
done
for_pairs transfers > "$tmp/cases"
xfer_cases 3 < "$tmp/cases"
C=$SUBJECT S=$SUBJECT
run_case "apart" apart
run_case "sysctl of its own" own_sysctl
run_case "busy polling" busy_polled
if [[ $LONG == 1 ]]; then
	for_pairs deletions
else
	deletions
fi
finish
