#!/bin/bash
# vm: group=data cpus=2 timeout=600 long=7200 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Mutated segments at a listener and at connections (hostile.c); then nothing
# of it is left.
. "${0%/*}/lib.sh"

if [[ $LONG == 1 ]]; then
	count=1000000 round=2000 timeout=7000
else
	count=13000 round=500 timeout=280
fi

load_module
topology x
# Half-open requests of strangers go soon, so that the listener has room.
sysctl_path $SUBJECT synack_retries
in_ns "$NB" sh -c "echo 1 > /proc/sys/$path" ||
	case_failed "setting" "$path cannot be set"
take_results 1 hostile "$BIN/hostile" --family $SUBJECT --peer-family inet --netns "$NB" \
	--peer-netns "$NA" --device "$VA" --count $count --round $round --seed "$SEED" \
	--timeout $timeout
nothing_left() {
	listing "$NB" $SUBJECT > "$tmp/left"
	while read -r _ _ _ state _; do
		[[ $state == st || $state == 06 ]] || return 1
	done < "$tmp/left"
}
if poll_until 60 nothing_left; then
	case_ok "no socket is left"
else
	case_failed "no socket is left" "$(tail -n 1 "$tmp/left")"
fi
finish
