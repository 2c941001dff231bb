#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# /proc/net/toytcp lists all kinds of socket in the columns of /proc/net/tcp,
# and what the columns say is so: states, addresses, queues, timers, owner and
# inode; nothing of another namespace, nothing that is gone.
. "${0%/*}/lib.sh"

# The row of $1's end of the connection into $row, and its columns by name.
# That it fits /proc/net/tcp's format is checked for each.
row_of() {	# NAMESPACE FAMILY LOCAL-PORT [STATE]
	local port line columns

	printf -v port %04X "$3"
	row=
	listing "$1" "$2" > "$case_dir/listing" || fail "no listing"
	while IFS= read -r line; do
		[[ $line =~ ^\ *[0-9]+:\ [0-9A-F]{8}:$port\ .* ]] || continue
		read -r -a columns <<< "$line"
		[[ -z ${4:-} || ${columns[3]} == "$4" ]] && row=$line && break
	done < "$case_dir/listing"
	[[ -n $row ]] || return 1
	[[ $row =~ ^\ *[0-9]+:\ [0-9A-F]{8}:[0-9A-F]{4}\ [0-9A-F]{8}:[0-9A-F]{4}\ [0-9A-F]{2}\ [0-9A-F]{8}:[0-9A-F]{8}\ [0-9A-F]{2}:[0-9A-F]{8}\ [0-9A-F]{8}\ +[0-9]+\ +[0-9]+\ [0-9]+\ [0-9]+\  ]] ||
		fail "this is not /proc/net/tcp's format: $row"
	read -r _ local_ remote state queues timer retr uid _ inode refs _ <<< "$row"
	return 0
}

row_soon() { poll_until 20 row_of "$@" || fail "no row of port $3 in state ${4:-any}"; }

same() { [[ $2 == "$3" ]] || fail "$1 is $2, not $3: $row"; }

header() {
	local ours theirs

	IFS= read -r ours < <(listing "$NA" $SUBJECT)
	IFS= read -r theirs < <(listing "$NA" inet)
	# The kernel's own pads its header to the width of its rows.
	[[ ${ours%"${ours##*[! ]}"} == "${theirs%"${theirs##*[! ]}"}" ]] ||
		fail "the header is '$ours'"
}

inode_of() {	# SHELL: of its only socket
	local fd

	inode_there=none
	for fd in "/proc/$(sk_pid "$1")/fd/"*; do
		fd=$(readlink "$fd") || continue
		[[ $fd == "socket:["* ]] && fd=${fd#*[} && inode_there=${fd%]}
	done
}

created() {
	sk_start a "$NA"
	want 0 a socket c $SUBJECT
	want CLOSE a state c
	row_soon "$NA" $SUBJECT 0 07
	same local "$local_" 00000000:0000
	same remote "$remote" 00000000:0000
	inode_of a
	same inode "$inode" "$inode_there"
	row_of "$NB" $SUBJECT 0 07 && fail "listed in the other namespace"
	want 0 a close c
	row_of "$NA" $SUBJECT 0 07 && fail "still listed: $row"
	return 0
}

bound() {
	sk_start a "$NA"
	want 0 a socket c $SUBJECT
	want 0 a bind c 10.77.0.1 "$PORT"
	want CLOSE a state c
	row_soon "$NA" $SUBJECT "$PORT" 07
	same local "$local_" "01004D0A:$(printf %04X "$PORT")"
}

listening() {
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 17
	row_soon "$NB" "$S" "$PORT" 0A
	same local "$local_" "02004D0A:$(printf %04X "$PORT")"
	same remote "$remote" 00000000:0000
	same queues "$queues" 00000000:00000000
	same timer "$timer" 00:00000000
	same uid "$uid" 0
	inode_of b
	same inode "$inode" "$inode_there"
	want 0 b close l
	row_of "$NB" "$S" "$PORT" && fail "still listed: $row"
	return 0
}

established() {
	local here there

	connected
	printf -v here 01004D0A:%04X "$CPORT"
	printf -v there 02004D0A:%04X "$PORT"
	row_soon "$NA" "$C" "$CPORT" 01
	same local "$local_" "$here"
	same remote "$remote" "$there"
	row_soon "$NB" "$S" "$PORT" 01
	same local "$local_" "$there"
	same remote "$remote" "$here"
	# Unread bytes, in hexadecimal, after the colon.
	want 4660 a send c 4660
	want_soon 20 4660 b inq s
	row_soon "$NB" "$S" "$PORT" 01
	same queues "$queues" 00000000:00001234
	want_soon 20 0 a outq c
	row_soon "$NA" "$C" "$CPORT" 01
	same queues "$queues" 00000000:00000000
	# Two rows have not the same inode.
	a=$inode
	row_soon "$NB" "$S" "$PORT" 01
	[[ $a != "$inode" ]] || fail "two sockets with inode $a"
}

waiting_for_accept() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c1 "$C"
	want 0 a connect c1 10.77.0.2 "$PORT"
	want 0 a socket c2 "$C"
	want 0 a connect c2 10.77.0.2 "$PORT"
	want_soon 20 ESTABLISHED,ESTABLISHED,LISTEN b listed "$S" "$PORT"
	# How many wait for accept stands in the queue's place.
	row_soon "$NB" "$S" "$PORT" 0A
	same queues "$queues" 00000000:00000002
}

syn_sent_and_received() {
	sk_start a "$NA"
	sk_start b "$NB"
	in_ns "$NA" nft -f - <<-END || fail "nft"
		table netdev loss {
			chain in {
				type filter hook ingress device $VA priority 0;
				tcp sport $PORT drop
			}
		}
	END
	want 0 b socket l "$S"
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$C"
	want 0 a bind c 10.77.0.1 $((PORT + 100))
	want 0 a nonblock c 1
	want EINPROGRESS a connect c 10.77.0.2 "$PORT"
	row_soon "$NA" "$C" $((PORT + 100)) 02
	# Its retransmission timer runs.
	same "the timer's kind" "${timer%:*}" 01
	row_soon "$NB" "$S" "$PORT" 03
	same remote "$remote" "$(printf 01004D0A:%04X $((PORT + 100)))"
	same "the timer's kind" "${timer%:*}" 01
	in_ns "$NA" nft delete table netdev loss
	# Both become ESTABLISHED, and SYN_RECV is no more.
	row_soon "$NA" "$C" $((PORT + 100)) 01
	row_of "$NB" "$S" "$PORT" 03 && fail "still listed: $row"
	return 0
}

closing_states() {
	local left

	connected
	want 0 b close s
	want "IN,RDHUP" a poll c IN,RDHUP 20000
	row_soon "$NA" "$C" "$CPORT" 08
	row_soon "$NB" "$S" "$PORT" 05
	want 0 a close c
	poll_until 20 row_of "$NB" "$S" "$PORT" 06 || fail "no TIME_WAIT"
	same remote "$remote" "$(printf 01004D0A:%04X "$CPORT")"
	# Its timer is the one of TIME_WAIT, with what is left of 60 s.
	same "the timer's kind" "${timer%:*}" 03
	left=$((16#${timer#*:}))
	((left > 2000 && left <= 6000)) || fail "$left/100 s left"
	same inode "$inode" 0
	row_of "$NA" "$C" "$CPORT" && fail "the other end is still listed: $row"
	return 0
}

# In full: it is gone after 60 s, and not before.
time_wait_ends() {
	local since

	connected
	want 0 b close s
	want 0 a recveof c
	want 0 a close c
	poll_until 20 row_of "$NB" "$S" "$PORT" 06 || fail "no TIME_WAIT"
	since=$SECONDS
	while row_of "$NB" "$S" "$PORT" 06; do
		((SECONDS < since + 75)) || fail "still in TIME_WAIT"
		pause 1
	done
	((SECONDS >= since + 57)) || fail "gone after $((SECONDS - since)) s"
}

# As many as there are: a listing longer than a page.
many_rows() {
	local i n

	sk_start b "$NB"
	for i in {1..120}; do
		want 0 b socket "l$i" $SUBJECT
		want 0 b bind "l$i" 10.77.0.2 $((20000 + i))
		want 0 b listen "l$i" 1
	done
	listing "$NB" $SUBJECT > "$case_dir/listing"
	n=0
	for i in {1..120}; do
		printf -v port %04X $((20000 + i))
		[[ $(< "$case_dir/listing") == *"02004D0A:$port "* ]] ||
			fail "port $((20000 + i)) is missing"
	done
	while read -r _ _ _ state _; do
		[[ $state != 0A ]] || n=$((n + 1))
	done < "$case_dir/listing"
	[[ $n == 120 ]] || fail "$n rows of 120 listeners"
}

rows() {
	run_case "LISTEN, $(pair_name)" listening
	run_case "ESTABLISHED, $(pair_name)" established
	run_case "waiting for accept, $(pair_name)" waiting_for_accept
	run_case "SYN_SENT and SYN_RECV, $(pair_name)" syn_sent_and_received
	run_case "closing, $(pair_name)" closing_states
}

# The counters of the namespace: names and values as nstat reads them.
counters() {
	local name values

	connected
	want 1000 a send c 1000
	want 1000 b recv s 1000
	in_ns "$NA" cat /proc/net/toytcp_stat > "$case_dir/stat" ||
		fail "no /proc/net/toytcp_stat"
	n=0
	while read -r name values; do
		read -r name2 values2 || fail "no values after $name"
		[[ $name == "$name2" && $name == *: ]] ||
			fail "'$name' and '$name2' are no pair"
		set -- $values
		names=$#
		set -- $values2
		[[ $# == "$names" && $# -gt 0 ]] ||
			fail "$name has $names names, $# values"
		n=$((n + 1))
	done < "$case_dir/stat"
	((n > 0)) || fail "/proc/net/toytcp_stat is empty"
}

load_module
sk_pool="a b"
topology l
run_case "header" header
if [[ $SUBJECT == toytcp ]]; then
	run_case "CLOSE, created" created
	run_case "CLOSE, bound" bound
	C=toytcp S=toytcp
	run_case "counters" counters
fi
for_pairs_or_one rows
C=$SUBJECT S=$SUBJECT
[[ $LONG == 1 ]] && run_case "TIME_WAIT ends" time_wait_ends
run_case "a listing of many pages" many_rows
finish
