#!/bin/bash
# vm: group=attacks cpus=1 timeout=900 long=3600 kernel=debug leaks=yes
# SPDX-License-Identifier: GPL-2.0
#
# Attacks from outside on live connections and on memory; with the argument
# "states" random segments at every state: the connections live, the data
# arrive whole, nothing is left. See attacks.py.
. "${0%/*}/lib.sh"

[[ $SUBJECT == toytcp ]] && family=18 || family=2
load_module
topology w
in_ns "$NA" ethtool -K "$VA" tso off gso off > /dev/null
# the peer that attacks.py plays: B's link carries what is for it, B is not meant
ip -n "$NA" neigh add 10.77.0.66 lladdr 02:00:00:00:00:66 dev "$VA"
take_results 0 attacks.py env TOYTCP_LONG="$LONG" SEED="$SEED" \
	python3 "$here/attacks.py" "$NA" "$NB" "$VA" "$VB" "$family" "${1:-attacks}"
finish
