#!/bin/bash
# vm: group=calls cpus=2 timeout=800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Every system call says what it says to the kernel's TCP: errnos.c, once with
# the family at both ends of each connection and once against AF_INET.
. "${0%/*}/lib.sh"

load_module
topology e
# A type or protocol that is not there makes the kernel's own family look for a
# module each time.
if [[ $SUBJECT == toytcp ]]; then
	modprobe=$(< /proc/sys/kernel/modprobe)
	echo > /proc/sys/kernel/modprobe
fi
# A neighbour that never answers, one that nobody has (known within 0.3 s
# instead of 3), and the routes that refuse.
ip -n "$NA" -batch - <<-END
	ntable change name arp_cache dev $VA retrans 100
	neigh add 10.77.0.50 lladdr 02:00:00:00:00:50 dev $VA
	route add unreachable 10.78.1.0/24
	route add prohibit 10.78.2.0/24
	route add blackhole 10.78.3.0/24
	route add throw 10.78.4.0/24
END

side_by_side() {	# LABEL OPTIONS...
	local label=$1

	shift
	take_results 1 errnos nsenter --net="/run/netns/$NA" "$BIN/errnos" "$@"
}

side_by_side "$SUBJECT alone" --family $SUBJECT
if [[ $SUBJECT == toytcp ]]; then
	side_by_side "toytcp against inet" --family toytcp --peer inet \
		--peers-only
	echo "$modprobe" > /proc/sys/kernel/modprobe
fi
finish
