#!/bin/bash
# vm: group=wire cpus=1 timeout=500 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# The IP level on the wire (TOS, TTL, DF, mark, device) and ICMP errors: each
# case with AF_INET and with AF_TOYTCP, and no difference. See ip_wire.py.
. "${0%/*}/lib.sh"

[[ $SUBJECT == toytcp ]] && family=18 || family=2
load_module
# The cases mostly wait: three thirds of them at a time, each with namespaces
# of its own.
for third in 0 1 2; do
	topology w$third
	# Each large buffer leaves as the segments it is made of.
	in_ns "$NA" ethtool -K "$VA" tso off gso off > /dev/null
	begin_beside $third env PART=$third/3 \
		python3 "$here/ip_wire.py" "$NA" "$NB" "$VA" "$VB" "$family"
done
for third in 0 1 2; do
	take_beside 0 ip_wire.py $third
done
finish
