#!/bin/bash
# vm: group=data cpus=2 timeout=300 long=900 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Connections that several processors open at one listener while its options
# change, and while it stops and begins again (race.c); then nothing of them is
# left.
. "${0%/*}/lib.sh"

seconds=2
[[ $LONG == 1 ]] && seconds=60

race() {
	local where=$1 from=$2 to=$3 addr=$4 how

	for how in "" --break; do
		label="$where, $(pair_name)${how:+, stops and begins}"
		next_port=$((next_port + 1))
		# shellcheck disable=SC2086 # a word or none
		take_results 1 race "$BIN/race" --client "$C" --server "$S" \
			--netns "$from" --server-netns "$to" --addr "$addr" \
			--port $next_port --seconds $seconds --seed "$SEED" $how
	done
	label=''
}

load_module
topology r
for ns in "$NA" "$NB"; do
	for family in $SUBJECT inet; do
		sysctl_path $family fastopen
		# both sides, cookies or none, any listener
		in_ns "$ns" sh -c "echo 1027 > /proc/sys/$path" ||
			case_failed "setting" "$path cannot be set"
	done
done
S=$SUBJECT
for C in inet $SUBJECT; do
	race veth "$NA" "$NB" 10.77.0.2
done
race loopback "$NA" "$NA" 127.0.0.1
nothing_left() {
	local ns

	for ns in "$NA" "$NB"; do
		listing "$ns" $SUBJECT > "$tmp/left"
		while read -r _ _ _ state _; do
			[[ $state == st || $state == 06 ]] || return 1
		done < "$tmp/left"
	done
}
if poll_until 60 nothing_left; then
	case_ok "no socket is left"
else
	case_failed "no socket is left" "$(tail -n 1 "$tmp/left")"
fi
finish
