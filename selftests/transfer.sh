#!/bin/bash
# vm: group=transfer cpus=2 timeout=900 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Data arrives whole on a clean network: every size, one way and both ways at
# once, over veth and over loopback, in large and in mixed small calls. Every
# byte is compared with what was sent, and the SHA-256 of both ends.
. "$(dirname "$0")/lib.sh"

if [[ $LONG == 1 ]]; then
	big=200M mixed=20M timeout=3000
else
	big=4M mixed=1M timeout=240
fi

xfer() {
	"$BIN/xfer" both --client-family "$C" --server-family "$S" \
		--client-netns "$from" --server-netns "$to" --addr "$addr" \
		--port "$PORT" --seed "$SEED" --timeout "$timeout" "$@" || exit
	tail -n 1 "$case_dir/out" | sed 's/^/# /'
}

transfer() {
	local name

	name="$path, $(pair_name)"
	run_case "$name: 1 byte up" xfer --up 1
	run_case "$name: 1 byte down" xfer --down 1
	run_case "$name: no byte at all" xfer
	run_case "$name: 1 MiB up" xfer --up 1M
	run_case "$name: 1 MiB down" xfer --down 1M
	run_case "$name: $big up" xfer --up $big
	run_case "$name: $big both ways at once" xfer --up $big --down $big
	run_case "$name: $mixed both ways, every call, mixed sizes" \
		xfer --up $mixed --down $mixed --vary --chunk 20000
	run_case "$name: $mixed both ways, epoll, small buffers" \
		xfer --up $mixed --down $mixed --epoll --vary --nodelay \
		--sndbuf 20000 --rcvbuf 20000 --chunk 9000
}

load_module
topology t
path=veth from=$NA to=$NB addr=10.77.0.2
for_pairs transfer
path=loopback from=$NA to=$NA addr=127.0.0.1
for_pairs transfer
finish
