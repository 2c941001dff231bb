#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=3600 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Many connections: 200 at the same time, all established before the first
# byte moves; and thousands one after another, where either end closes first
# and so keeps the TIME_WAIT.
. "${0%/*}/lib.sh"

if [[ $LONG == 1 ]]; then
	sequence=5000 bytes=20K timeout=1500
else
	sequence=60 bytes=2K timeout=200
fi

many() {
	local name

	name="$where, $(pair_name)"
	xfer_case "$name: 200 at once" --total 200 --at-once 200 --barrier \
		--epoll --up $bytes --down $bytes --timeout $timeout
	xfer_case "$name: $sequence one after another, client closes first" \
		--total $sequence --up 10 --down 10 --first client \
		--timeout $timeout
	xfer_case "$name: $sequence one after another, server closes first" \
		--total $sequence --up 10 --down 10 --first server \
		--timeout $timeout
	xfer_case "$name: $sequence, 10 at a time" --total $sequence \
		--at-once 10 --epoll --up 10 --down 10 --timeout $timeout
}

load_module
topology m
where=veth from=$NA to=$NB addr=10.77.0.2
for_pairs many > "$tmp/cases"
where=loopback from=$NA to=$NA addr=127.0.0.1
next_port=$((next_port + 100))
[[ $LONG == 1 ]] && for_pairs many >> "$tmp/cases"
xfer_cases 1 < "$tmp/cases"
finish
