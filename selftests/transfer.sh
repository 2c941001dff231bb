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
finish
