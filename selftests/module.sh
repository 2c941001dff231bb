#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=1500 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# The module comes and goes: refused while a socket is open, gone at once when
# none is, whatever is on the wire; nothing left in its slab caches. (kmemleak
# looks at the end of the guest's run.)
#
# There is nothing here for the kernel's own TCP, which cannot be unloaded.
. "${0%/*}/lib.sh"

if [[ $SUBJECT != toytcp ]]; then
	echo "# nothing to do without the module"
	finish
fi

[[ $LONG == 1 ]] && times=50 || times=5

in_use() {	# WHAT
	! rmmod toytcp 2> "$case_dir/rmmod" || fail "unloaded with $1"
	[[ $(< "$case_dir/rmmod") == *"in use"* ]] ||
		fail "rmmod says $(< "$case_dir/rmmod")"
	is_loaded || fail "rmmod failed, but the module is gone"
}

refused() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 a socket c toytcp
	in_use "a socket created"
	want 0 a bind c 10.77.0.1 "$PORT"
	in_use "a socket bound"
	want 0 a listen c 5
	in_use "a listener"
	want 0 b socket d inet
	want 0 b connect d 10.77.0.1 "$PORT"
	in_use "a connection that waits for accept"
	want "10.77.0.2:*" a accept c s
	want 0 a close c
	in_use "a connection"
	want 100 b send d 100
	want 100 a recv s 100
	want 0 a close s
	want 0 b recveof d
	want 0 b close d
	# What is left is a TIME_WAIT, and that does not count.
	want_soon 20 TIME_WAIT a listed toytcp "$PORT"
	poll_until 20 try_rmmod || fail "still in use after the last close"
	# And no socket of that family any more.
	want EAFNOSUPPORT a socket e toytcp
	insmod "$TOYTCP_KO" || fail "insmod"
	want "none" a listed toytcp "$PORT"
	want 0 a socket e toytcp
}

# Use it, in one of three ways by turns, so that something of each kind is left
# for it to throw away.
use() {	# TURN
	sk_start a "$NA"
	sk_start b "$NB"
	case $(($1 % 3)) in
	0)	# both ends ours, unread data: a reset
		C=toytcp S=toytcp
		connected
		want 20000 a send c 20000
		want 20000 b recv s 20000
		want 20000 b send s 20000
		want 0 a close c
		want ECONNRESET b recv s 1
		;;
	1)	# our client closes first: a TIME_WAIT
		C=toytcp S=inet
		connected
		want 5000 b send s 5000
		want 5000 a recv c 5000
		want 0 a close c
		want 0 b recveof s
		;;
	2)	# our listener closes with one in its queue
		C=inet S=toytcp
		connected
		want 0 a socket x inet
		want 0 a connect x 10.77.0.2 "$PORT"
		want 0 b close l
		want "*HUP*" a poll x HUP 20000
		;;
	esac
	want 0 a reset
	want 0 b reset
}

# While the host's own TCP is busy on the same devices, and connections to ours
# are tried all the time.
traffic() {
	"$BIN/xfer" both --client-family inet --server-family inet \
		--client-netns "$NA" --server-netns "$NB" --addr 10.77.0.2 \
		--port 6999 --up 2K --down 2K --total 1000000 --at-once 2 \
		--epoll --timeout 1400 --quiet > "$tmp/traffic" 2>&1 &
	traffic=$!
	"$BIN/xfer" hammer --client-family toytcp --client-netns "$NA" \
		--addr 10.77.0.2 --port 6998 --timeout 1400 \
		> "$tmp/hammer" 2>&1 &
	hammer=$!
	disown $traffic $hammer
}

load_and_unload() {
	local i

	for ((i = 1; i <= times; i++)); do
		if ! is_loaded; then
			insmod "$TOYTCP_KO" || fail "insmod the ${i}th time"
		fi
		PORT=$((8000 + i)) use $i
		kill -0 $traffic 2> /dev/null ||
			fail "the host's traffic broke: $(< "$tmp/traffic")"
		kill -0 $hammer 2> /dev/null ||
			fail "the other sockets: $(< "$tmp/hammer")"
		poll_until 60 try_rmmod || fail "in use the ${i}th time: $(grep toytcp /proc/modules)"
		is_loaded && fail "still there the ${i}th time"
	done
	return 0
}

# Objects in the module's own caches. Only what a cache can say exactly is
# asked: how many are in use once its per-processor slabs are given back.
objects() {
	local cache n total=0

	in_caches=
	for cache in /sys/kernel/slab/*[Tt][Oo][Yy][Tt][Cc][Pp]*; do
		[[ -e $cache/objects ]] || continue
		echo 1 > "$cache/shrink"
		read -r n _ < "$cache/objects"
		in_caches+="${cache##*/}: $n "
		total=$((total + n))
	done
	[[ -n $in_caches ]] || fail "the module has no slab caches"
	[[ $total -le $1 ]]
}

slabs() {
	local i

	sk_start a "$NA"
	sk_start b "$NB"
	C=toytcp S=toytcp
	poll_until 70 objects 0 || fail "before: $in_caches"
	connected
	for i in {1..30}; do
		want 0 a socket "c$i" toytcp
		want 0 a connect "c$i" 10.77.0.2 "$PORT"
		want "10.77.0.1:*" b accept l "s$i"
	done
	objects 60 && fail "62 sockets are open, and: $in_caches"
	for i in {1..30}; do
		want 1000 a send "c$i" 1000
		want 0 b linger "s$i" 0
		want 0 b close "s$i"	# resets: no TIME_WAIT
		want 0 a close "c$i"
	done
	want 0 a linger c 0
	want 0 a close c
	want 0 b close s
	want 0 b close l
	poll_until 30 objects 0 || fail "after: $in_caches"
}

load_module
sk_pool="a b"
topology k
run_case "rmmod is refused while a socket is open" refused
run_case "slab caches are empty after the last socket" slabs
poll_until 20 try_rmmod || case_failed "unload before the traffic" "in use"
traffic
run_case "load and unload $times times under traffic" load_and_unload
kill -9 $traffic $hammer 2> /dev/null
load_module
finish
