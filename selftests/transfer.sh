#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=5400 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Data arrives whole on a clean network: every size, one way and both ways at
# once, over veth and over loopback, in large and in mixed small calls. Every
# byte is compared with what was sent, and the SHA-256 of both ends.
. "${0%/*}/lib.sh"

if [[ $LONG == 1 ]]; then
	big=200M both=200M mixed=20M timeout=1500
else
	big=2M both=1500K mixed=512K timeout=100
fi

transfers() {
	local name

	name="$where, $(pair_name)"
	xfer_case "$name: 1 byte up" --up 1
	xfer_case "$name: 1 byte down" --down 1
	xfer_case "$name: no byte at all"
	xfer_case "$name: 1 MiB up" --up 1M --timeout $timeout
	xfer_case "$name: 1 MiB down" --down 1M --timeout $timeout
	xfer_case "$name: $big up" --up $big --timeout $timeout
	xfer_case "$name: $both both ways at once" \
		--up $both --down $both --timeout $timeout
	xfer_case "$name: $mixed both ways, every call, mixed sizes" \
		--up $mixed --down $mixed --vary --chunk 20000 \
		--timeout $timeout
	xfer_case "$name: $mixed both ways, epoll, small buffers" \
		--up $mixed --down $mixed --epoll --vary --nodelay \
		--sndbuf 20000 --rcvbuf 20000 --chunk 9000 --timeout $timeout
}

load_module
topology t
where=veth from=$NA to=$NB addr=10.77.0.2
for_pairs transfers > "$tmp/cases"
where=loopback from=$NA to=$NA addr=127.0.0.1
next_port=$((next_port + 100))
for_pairs transfers >> "$tmp/cases"
xfer_cases 1 < "$tmp/cases"

# BIG TCP: buffers of more than 64 KB, which IPv4's length field cannot tell
big_tcp() {	# NS DEVICE BYTES
	in_ns "$1" python3 - "$2" "$3" <<-'END'
		import socket, struct, sys
		RTM_NEWLINK, F_REQUEST_ACK, IFLA_GSO_IPV4_MAX_SIZE = 16, 5, 63
		link = struct.pack("BxHiII", 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0)
		link += struct.pack("HHI", 8, IFLA_GSO_IPV4_MAX_SIZE, int(sys.argv[2]))
		with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
		    s.send(struct.pack("IHHII", 16 + len(link), RTM_NEWLINK, F_REQUEST_ACK, 1, 0) + link)
		    error, = struct.unpack_from("i", s.recv(4096), 16)
		sys.exit(error != 0)
	END
}
large_buffers() {
	in_ns "$NA" nft -j list counter inet big large |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["nftables"][1]["counter"]["packets"])'
}
# IPv4 has it since 6.3
if [[ $(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n 1) == 6.3 ]]; then
	big_tcp "$NA" "$VA" 200000 || case_failed "BIG TCP" "$VA does not take it"
	big_tcp "$NB" "$VB" 200000 || case_failed "BIG TCP" "$VB does not take it"
	in_ns "$NA" nft -f - <<-END || fail nft
		table inet big {
			counter large { }
			chain out {
				type filter hook output priority 0;
				meta length > 65535 counter name large
			}
		}
	END
	where="BIG TCP" from=$NA to=$NB addr=10.77.0.2
	next_port=$((next_port + 100))
	big_case() { xfer_case "BIG TCP, $(pair_name)" --up 4M --down 1M; }
	for_pairs_or_one big_case > "$tmp/cases"
	xfer_cases 1 < "$tmp/cases"
	larger() { (($(large_buffers) > 0)) || fail "no buffer of more than 64 KB left"; }
	run_case "BIG TCP: buffers of more than 64 KB" larger
fi
finish
