#!/bin/bash
# vm: group=data cpus=2 timeout=800 long=3600 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Data arrives whole over a bad network: loss, reordering, duplication,
# corruption, delay, and all of them together; each with segments cut by the
# sender and with the devices' offloads, when netem loses a whole large packet
# at a time.
#
# Each of them has a pair of devices of its own, va1 to vb1 with addresses
# 10.77.1.1 and 10.77.1.2 and so on, and many transfers run at the same time:
# they spend most of it waiting.
. "${0%/*}/lib.sh"

if [[ $LONG == 1 ]]; then
	size=8M timeout=1200
else
	size=192K timeout=150
fi

# netem, on both devices; all without a rate, so that nothing else is lost
declare -A impairments=(
	["5% loss"]="limit 10000 loss 5%"
	["25% reordering"]="limit 10000 delay 10ms reorder 75% 50%"
	["5% duplication"]="limit 10000 duplicate 5%"
	["1% corruption"]="limit 10000 corrupt 1%"
	["100 ms delay"]="limit 10000 delay 100ms"
	["all together"]="limit 10000 delay 100ms 10ms reorder 75% 50% loss 5% duplicate 5% corrupt 1%"
)

transfers() {
	xfer_case "$name, $(pair_name): up" --up $size --timeout $timeout
	xfer_case "$name, $(pair_name): both ways at once" \
		--up $((${size%[KM]} / 2))${size: -1} \
		--down $((${size%[KM]} / 2))${size: -1} --timeout $timeout
}

load_module
topology n0
links="" addrs_a="" addrs_b="" tc="" off="" n=0
from=$NA to=$NB
for offload in on off; do
	for impairment in "${!impairments[@]}"; do
		n=$((n + 1)) addr=10.77.$n.2
		links+="link add va$n netns $NA type veth peer name vb$n netns $NB"$'\n'
		addrs_a+="addr add 10.77.$n.1/24 dev va$n"$'\n'"link set va$n up"$'\n'
		addrs_b+="addr add 10.77.$n.2/24 dev vb$n"$'\n'"link set vb$n up"$'\n'
		tc+="qdisc add dev v_$n root netem ${impairments[$impairment]}"$'\n'
		[[ $offload == on ]] || off+=" $n"
		name="$impairment, offloads $offload"
		for_pairs transfers >> "$tmp/cases"
	done
done
set -e
ip -batch - <<< "$links"
ip -n "$NA" -batch - <<< "$addrs_a"
ip -n "$NB" -batch - <<< "$addrs_b"
tc -n "$NA" -batch - <<< "${tc//v_/va}"
tc -n "$NB" -batch - <<< "${tc//v_/vb}"
# Without offloads netem sees segments as they are on a wire.
for n in $off; do
	in_ns "$NA" ethtool -K "va$n" tso off gso off gro off tx off > /dev/null
	in_ns "$NB" ethtool -K "vb$n" tso off gso off gro off tx off > /dev/null
done
set +e
xfer_cases 12 < "$tmp/cases"
finish
