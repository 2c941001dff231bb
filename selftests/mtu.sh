#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=1800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Every MTU, the same at both ends and different ones: the MSS follows the
# route's, and the data arrives.
. "${0%/*}/lib.sh"

if [[ $LONG == 1 ]]; then
	size=20M timeout=900
else
	size=256K timeout=60
fi

transfers() {
	xfer_case "MTU $mtu_a and $mtu_b, $(pair_name): both ways" \
		--up $size --down $size --vary --timeout $timeout
}

# The MSS is what the smaller MTU leaves: 40 bytes of headers, and 12 of
# timestamps where both ends use them.
mss() {
	local limit=$((mtu_a < mtu_b ? mtu_a : mtu_b))

	connected
	ask a get c maxseg
	[[ $R == $((limit - 40)) || $R == $((limit - 52)) ]] ||
		fail "the client's MSS is $R, MTUs $mtu_a and $mtu_b"
	ask b get s maxseg
	[[ $R == $((limit - 40)) || $R == $((limit - 52)) ]] ||
		fail "the server's MSS is $R, MTUs $mtu_a and $mtu_b"
}

mss_cases() { run_case "MTU $mtu_a and $mtu_b, $(pair_name): MSS" mss; }

sk_pool="a b"
load_module
topology u
from=$NA to=$NB addr=10.77.0.2
for mtus in "576 576" "1500 1500" "9000 9000" "576 9000" "9000 1500"; do
	mtu_a=${mtus% *} mtu_b=${mtus#* }
	ip -n "$NA" link set "$VA" mtu "$mtu_a"
	ip -n "$NB" link set "$VB" mtu "$mtu_b"
	for_pairs mss_cases
	for_pairs transfers > "$tmp/cases"
	xfer_cases 3 < "$tmp/cases"
done
finish
