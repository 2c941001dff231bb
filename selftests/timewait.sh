#!/bin/bash
# vm: group=waits cpus=1 timeout=900 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# What TIME_WAIT is for. The last ACK of a connection is lost, its port is
# wanted again at once by a new socket, and the FIN that the peer sends again
# and again never touches that. The peer is the kernel's TCP.
. "${0%/*}/lib.sh"

F=$SUBJECT

lossy() {
	local ns dev

	for ns in "$NA" "$NB"; do
		[[ $ns == "$NA" ]] && dev=$VA || dev=$VB
		in_ns "$ns" nft -f - <<-END || fail "nft"
			table netdev loss {
				chain in { type filter hook ingress device $dev priority 0; }
			}
		END
	done
}

# The ACKs of the old connection alone, without data, that arrive at a side.
lose_acks() {	# NAMESPACE
	in_ns "$1" nft add rule netdev loss in tcp dport "$2" tcp sport "$3" \
		'tcp flags & (syn|fin|rst|psh|ack) == ack counter drop' || fail nft
}

lost_acks() {	# NAMESPACE, the number in $lost
	local line

	lost=0
	while read -r line; do
		[[ $line == *counter\ packets\ * ]] || continue
		line=${line#*counter packets }
		lost=${line%% *}
	done < <(in_ns "$1" nft list chain netdev loss in)
}

pass() {
	in_ns "$1" nft flush chain netdev loss in || fail nft
}

lost_at_least() {
	lost_acks "$1"
	((lost >= $2))
}

exchange() {	# CLIENT SERVER BYTES
	want "$3" a send "$1" "$3"
	want "$3" b recv "$2" "$3"
	want "$3" b send "$2" "$3"
	want "$3" a recv "$1" "$3"
}

# A server that closes first starts again, on the same port.
server() {
	C=inet S=$F
	connected
	exchange c s 1000
	want 0 b close l
	want 0 b shutdown s wr
	want 0 a recveof c
	want_soon 10 FIN_WAIT2 b state s
	lose_acks "$NA" "$CPORT" "$PORT"
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	want_soon 10 TIME_WAIT b listed "$F" "$PORT"
	want LAST_ACK a listed inet "$CPORT"

	want 0 b socket n "$F"
	want 0 b set n reuseaddr 1
	want 0 b bind n 10.77.0.2 "$PORT"
	want 0 b listen n 8
	want 0 a socket d inet
	want 0 a connect d 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept n m
	exchange d m 3000
	# The FIN has come three times more, and each was answered.
	poll_until 60 lost_at_least "$NA" 4 || fail "$lost ACKs were sent"
	want LAST_ACK a listed inet "$CPORT"
	exchange d m 3000
	want ESTABLISHED b state m
	pass "$NA"
	# The next answer arrives: now the peer is done, and TIME_WAIT goes on.
	want_soon 60 none a listed inet "$CPORT"
	want "*TIME_WAIT*" b listed "$F" "$PORT"
	exchange d m 3000
	want 0 b shutdown m wr
	want 0 a recveof d
	want 0 a close d
	want 0 b recveof m
}

# A client that closed first asks again, from the same port to the same peer.
# Timestamps tell the two connections apart (RFC 6191).
client() {
	sk_start a "$NA"
	sk_start b "$NB"
	CPORT=$((PORT + 100))
	want 0 b socket l inet
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$F"
	want 0 a set c reuseaddr 1
	want 0 a bind c 10.77.0.1 "$CPORT"
	want 0 a connect c 10.77.0.2 "$PORT"
	want "10.77.0.1:$CPORT" b accept l s
	exchange c s 1000
	want 0 a shutdown c wr
	want 0 b recveof s
	lose_acks "$NB" "$PORT" "$CPORT"
	want 0 b close s
	want 0 a recveof c
	want 0 a close c
	want_soon 10 TIME_WAIT a listed "$F" "$CPORT"
	poll_until 60 lost_at_least "$NB" 2 || fail "$lost ACKs were sent"
	want "*LAST_ACK*" b listed inet "$PORT"
	pass "$NB"

	want 0 a socket n "$F"
	want 0 a set n reuseaddr 1
	want 0 a bind n 10.77.0.1 "$CPORT"
	want 0 a connect n 10.77.0.2 "$PORT"
	want "10.77.0.1:$CPORT" b accept l m
	exchange n m 3000
	want ESTABLISHED a listed "$F" "$CPORT"
	want "ESTABLISHED,LISTEN" b listed inet "$PORT"
	exchange n m 3000
}

load_module
sk_pool="a b"
topology w
run_case "a lossy link" lossy
run_case "the last ACK is lost, the server starts again" server
run_case "the last ACK is lost, the client asks again" client
finish
