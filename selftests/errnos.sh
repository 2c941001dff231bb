#!/bin/bash
# vm: group=calls cpus=1 timeout=800 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Every system call says what it says to the kernel's TCP: errnos.c, once with
# the family at both ends of each connection and once against AF_INET.
. "${0%/*}/lib.sh"

load_module
# A type or protocol that is not there makes the kernel's own family look for a
# module each time.
if [[ $SUBJECT == toytcp ]]; then
	modprobe=$(< /proc/sys/kernel/modprobe)
	echo > /proc/sys/kernel/modprobe
fi

# A neighbour that never answers, one that nobody has (known within 0.3 s
# instead of 3), and the routes that refuse. No IPv6: rows of AF_INET6 are about
# addresses of IPv4.
prepare() {	# SUFFIX
	topology "$1"
	in_ns "$NA" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	ip -n "$NA" -batch - <<-END
		ntable change name arp_cache dev $VA retrans 100
		neigh add 10.77.0.50 lladdr 02:00:00:00:00:50 dev $VA
		route add unreachable 10.78.1.0/24
		route add prohibit 10.78.2.0/24
		route add blackhole 10.78.3.0/24
		route add throw 10.78.4.0/24
	END
}

begin_side() {	# NAME OPTIONS...
	prepare "$1"
	begin_beside "$1" nsenter --net="/run/netns/$NA" "$BIN/errnos" "${@:2}"
}

# Both at a time: they also wait.
begin_side e --family $SUBJECT
[[ $SUBJECT != toytcp ]] ||
	begin_side f --family toytcp --peer inet --peers-only
label="$SUBJECT alone"
take_beside 1 errnos e
if [[ $SUBJECT == toytcp ]]; then
	label="toytcp against inet"
	take_beside 1 errnos f
	echo "$modprobe" > /proc/sys/kernel/modprobe
fi
finish
