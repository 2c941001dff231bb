#!/bin/bash
# vm: group=calls cpus=1 timeout=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# "toytcp stat" on live sockets: every row has what the socket calls made it,
# in each state that a program can hold a socket in; the process is found, and
# hidden where it is another user's. (What the command does with any listing
# is tested in userspace/test.)
. "$(dirname "$0")/lib.sh"

# Where another user can run them, too.
chmod 755 "$tmp"
cp "$here/../userspace/toytcp" "$here/../userspace/demo_serve" "$tmp"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

# The row whose columns match: blanks made single, and as protocol the family.
# Few processes, which are what takes time on an emulated debug kernel.
row() {	# NAMESPACE FAMILY OPTIONS PATTERN
	local proc=/proc/net/toytcp line

	[[ $2 == toytcp ]] || proc=/proc/net/tcp
	in_ns "$1" "${as[@]}" "$tmp/toytcp" stat --proc "$proc" "$3" \
		> "$case_dir/listing" 2> /dev/null ||
		fail "toytcp stat $3: status $?"
	while read -r -a line; do
		[[ ${line[0]} != tcp ]] || line[0]=inet
		[[ ! ${line[*]} =~ $4 ]] || return 0
	done < "$case_dir/listing"
	return 1
}
as=()

row_soon() {	# NAMESPACE FAMILY OPTIONS PATTERN
	poll_until 60 row "$@" || {
		cat "$case_dir/listing"
		fail "no row $4 (stat $3)"
	}
}

no_row() {	# NAMESPACE FAMILY OPTIONS PATTERN
	! row "$@" || fail "there is a row $4 (stat $3)"
}

created() {
	sk_start a "$NA"
	want 0 a socket c "$C"
	row_soon "$NA" "$C" -ano "^$C 0 0 0\.0\.0\.0:0 0\.0\.0\.0:0 CLOSE $(sk_pid a)/sk off "
	row_soon "$NA" "$C" -n "^$C 0 0 0\.0\.0\.0:0 0\.0\.0\.0:0 CLOSE$"
	no_row "$NA" "$C" -ln CLOSE
	want 0 a close c
	no_row "$NA" "$C" -ano "0\.0\.0\.0:0 "
}

bound() {
	sk_start a "$NA"
	want 0 a socket c "$C"
	want 0 a bind c 10.77.0.1 "$PORT"
	row_soon "$NA" "$C" -ano "^$C 0 0 10\.77\.0\.1:$PORT 0\.0\.0\.0:0 CLOSE $(sk_pid a)/sk off "
}

listening() {
	sk_start a "$NA"
	want 0 a socket l "$C"
	want 0 a bind l 0.0.0.0 "$PORT"
	want 0 a listen l 5
	row_soon "$NA" "$C" -ano "^$C 0 0 0\.0\.0\.0:$PORT 0\.0\.0\.0:\* LISTEN $(sk_pid a)/sk off "
	row_soon "$NA" "$C" -ltn "^$C 0 0 0\.0\.0\.0:$PORT 0\.0\.0\.0:\* LISTEN$"
	no_row "$NA" "$C" -n LISTEN
	no_row "$NB" "$C" -an ":$PORT "
}

pending() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	for c in 1 2 3; do
		want 0 a socket "$c" "$C"
		want 0 a connect "$c" 10.77.0.2 "$PORT"
	done
	row_soon "$NB" "$S" -ln "^$S 3 0 10\.77\.0\.2:$PORT .* LISTEN"
	want "10.77.0.1:*" b accept l s
	row_soon "$NB" "$S" -ln "^$S 2 0 10\.77\.0\.2:$PORT .* LISTEN"
}

# The whole life of a connection, seen from both ends.
life() {
	local there="10\.77\.0\.2:$PORT" here

	connected "$@"
	ask a name c
	here=${R//./\\.}
	row_soon "$NA" "$C" -ano "^$C 0 0 $here $there ESTABLISHED $(sk_pid a)/sk "
	row_soon "$NB" "$S" -ano "^$S 0 0 $there $here ESTABLISHED $(sk_pid b)/sk "
	want 1000 a send c 1000
	row_soon "$NB" "$S" -ano "^$S 1000 0 $there $here ESTABLISHED "
	row_soon "$NA" "$C" -ano "^$C 0 0 $here $there ESTABLISHED "
	want 1000 b recv s 1000
	row_soon "$NB" "$S" -ano "^$S 0 0 $there $here ESTABLISHED "
	want 0 a shutdown c wr
	row_soon "$NA" "$C" -ano "^$C 0 0 $here $there FIN_WAIT2 $(sk_pid a)/sk off "
	# the FIN counts in the peer's Recv-Q, as in the kernel's TCP
	row_soon "$NB" "$S" -ano "^$S [01] 0 $there $here CLOSE_WAIT $(sk_pid b)/sk "
	want 0 b close s
	row_soon "$NA" "$C" -ano \
		"^$C 0 0 $here $there TIME_WAIT - timewait \((60\.00|5[0-9]\.[0-9]+)/0/0\)"
	no_row "$NB" "$S" -ano "$there $here"
}

# A segment that is not acknowledged: the retransmission timer.
unacknowledged() {
	connected "$@"
	ip -n "$NB" route add blackhole 10.77.0.1
	want 700 a send c 700
	row_soon "$NA" "$C" -ano "^$C 0 700 .* ESTABLISHED .* on \([0-9.]+/[1-9]"
	ip -n "$NB" route del blackhole 10.77.0.1
	row_soon "$NA" "$C" -ano "^$C 0 0 .* ESTABLISHED "
	want 700 b recv s 700
}

# The peer's buffer is full: the timer that probes its window.
zero_window() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b set l rcvbuf 4096
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$C"
	want 0 a connect c 10.77.0.2 "$PORT"
	want 0 a nonblock c 1
	want "[1-9]*" a fill c
	row_soon "$NA" "$C" -ano "^$C 0 [1-9][0-9]* .* ESTABLISHED .* probe \([0-9.]+/0/[0-9]+\)"
}

# Root sees everybody's processes, another user only his own.
owners() {
	local pid

	sk_start a "$NA"
	want 0 a socket l "$C"
	want 0 a bind l 10.77.0.1 "$PORT"
	want 0 a listen l 1
	(exec nsenter --net="/run/netns/$NA" "${nobody[@]}" \
		"$tmp/demo_serve" --family "$C" $((PORT + 1000)) /dev/null) \
		> "$case_dir/nobody" 2>&1 &
	pid=$!
	sk_pids="$sk_pids $pid"

	row_soon "$NA" "$C" -lnp ":$PORT .* LISTEN $(sk_pid a)/sk$"
	row_soon "$NA" "$C" -lnp ":$((PORT + 1000)) .* LISTEN $pid/demo_serve$"
	row_soon "$NA" "$C" -lne ":$((PORT + 1000)) .* LISTEN 65534 [1-9][0-9]*$"
	as=("${nobody[@]}")
	row_soon "$NA" "$C" -lnp ":$PORT .* LISTEN -$"
	row_soon "$NA" "$C" -lnp ":$((PORT + 1000)) .* LISTEN $pid/demo_serve$"
}

stat_cases() {
	run_case "$(pair_name): connections that wait for accept" pending
	run_case "$(pair_name): the life of a connection" life
	run_case "$(pair_name): unacknowledged data" unacknowledged
	run_case "$(pair_name): zero window" zero_window
}

load_module
topology s
C=$SUBJECT S=$SUBJECT
# The kernel's TCP does not list sockets that have no port, nor bound ones.
if [[ $SUBJECT == toytcp ]]; then
	run_case "a created socket" created
	run_case "a bound socket" bound
fi
run_case "a listening socket" listening
run_case "owners" owners
for_pairs_or_one stat_cases
finish
