#!/bin/bash
# vm: group=calls cpus=1 timeout=600 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Single segments from a peer that is played here (edge.py): each reason for
# which one is dropped is counted once and traced once; what IP brings beside
# the segment (source addresses, options, ICMP, TOS, TTL), checksums.
. "${0%/*}/lib.sh"

load_module
topology g
# The peer 10.77.0.3 is nobody's address, or the kernel of side A would answer.
# Checksums are whole on the wire without the offload.
mac=$(ip -n "$NA" -o link show "$VA")
mac=${mac#*link/ether }
ip -n "$NB" neigh add 10.77.0.3 lladdr "${mac%% *}" dev "$VB"
in_ns "$NB" ethtool -K "$VB" tso off gso off tx off > /dev/null
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing

take_results 1 edge.py in_ns "$NB" python3 "$here/edge.py" $SUBJECT "$NA" "$VA" "$VB"
finish
