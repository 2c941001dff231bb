#!/bin/bash
# vm: group=paths cpus=1 timeout=600 long=1800 kernel=debug
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

# A path that drops what is larger than 1300 bytes, and says nothing: the
# segments begin small, and grow to what passes (RFC 4821).
black_hole() {
	local i

	connected
	in_ns "$NB" nft -f - <<-END || fail nft
		table ip hole {
			chain in {
				type filter hook prerouting priority -300
				meta l4proto tcp ip length > 1300 drop
			}
		}
	END
	for i in {1..12}; do
		want 60000 a send c 60000
		want 60000 b recv s 60000
	done
	in_ns "$NB" nft delete table ip hole
	ask a get c maxseg
	((R > 1100 && R <= 1300 - 40)) || fail "the MSS is $R"
}

black_hole_cases() {
	sysctl_path "$C" mtu_probing
	in_ns "$NA" sh -c "echo 2 > /proc/sys/$path"
	run_case "a hole in the path, $(pair_name): MSS" black_hole
	in_ns "$NA" sh -c "echo 0 > /proc/sys/$path"
}

sk_pool="a b"
load_module
topology u
from=$NA to=$NB addr=10.77.0.2
# each segment is a packet of its own where the hole is
in_ns "$NA" ethtool -K "$VA" tso off gso off > /dev/null
for_pairs black_hole_cases
in_ns "$NA" ethtool -K "$VA" tso on gso on > /dev/null
for mtus in "576 576" "1500 1500" "9000 9000" "576 9000" "9000 1500"; do
	mtu_a=${mtus% *} mtu_b=${mtus#* }
	ip -n "$NA" link set "$VA" mtu "$mtu_a"
	ip -n "$NB" link set "$VB" mtu "$mtu_b"
	for_pairs mss_cases
	for_pairs transfers > "$tmp/cases"
	xfer_cases 3 < "$tmp/cases"
done
finish
