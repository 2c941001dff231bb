#!/bin/bash
# vm: group=attacks cpus=1 timeout=200 kernel=debug leaks=yes
# SPDX-License-Identifier: GPL-2.0
#
# Memory is refused. First to the caller, one allocation after the other, in
# the system calls and in the making of a namespace (nomem.c); then, at random,
# to everybody who cannot wait for it, which is what a segment meets that
# arrives: the data must get through all the same. kmemleak looks for what was
# lost on the way.
#
# nomem.sh load: in the loading of the module (nomem_load.sh).
. "${0%/*}/lib.sh"

debug=/sys/kernel/debug

# Of every hundred allocations from those slab caches, so many fail for whoever
# cannot wait for memory. (Others are left alone: without memory for a port the
# kernel's TCP says EADDRINUSE.)
refuse() {	# PERCENT CACHES...
	local percent=$1 cache

	shift
	for cache; do
		echo "$((percent != 0))" > "/sys/kernel/slab/$cache/failslab"
	done
	echo Y > $debug/failslab/cache-filter
	echo Y > $debug/failslab/ignore-gfp-wait
	echo -1 > $debug/failslab/times
	echo "$percent" > $debug/failslab/probability
}

under_way() {	# PERCENT [WORDS]
	local size=100K

	[[ $LONG == 1 ]] && size=5M
	use_topology m
	from=$NA to=$NB addr=10.77.0.2
	xfer_case "$1% of what cannot wait${2:+ $2}, $(pair_name)" \
		--up $size --down $size --timeout 60
}

[[ -e $debug/failslab ]] || mount -t debugfs debug $debug
if [[ ! -e $debug/failslab ]]; then
	case_failed "fault injection" "this kernel has none"
	finish
fi
for fault in failslab fail_page_alloc fail_usercopy; do
	echo 0 > $debug/$fault/verbose
	echo 0 > $debug/$fault/probability
	[[ ! -e $debug/$fault/cache-filter ]] || echo N > $debug/$fault/cache-filter
	[[ ! -e $debug/$fault/ignore-gfp-wait ]] || echo N > $debug/$fault/ignore-gfp-wait
done
echo 0 > $debug/fail_page_alloc/min-order
if [[ ${1-} == load ]]; then
	[[ $SUBJECT != toytcp ]] || take_results 1 nomem "$BIN/nomem" module "$TOYTCP_KO"
	finish
fi
load_module
topology m
take_results 1 nomem "$BIN/nomem" calls "$SUBJECT"
take_results 1 nomem "$BIN/nomem" netns "$SUBJECT"

# For a FIN the kernel's TCP takes a buffer of the kind that is sent again later,
# and leaves the FIN out when there is none: so those only where both ends are
# ours.
ours=()
for cache in /sys/kernel/slab/toytcp*; do
	# not one that others have as well
	[[ ! -e $cache || -L $cache || $(< "$cache/aliases") != 0 ]] || ours+=("${cache##*/}")
done
echo "# caches of ours alone: ${ours[*]}"
for percent in 1 10; do
	for_pairs under_way $percent > "$tmp/cases"
	refuse $percent skbuff_head_cache "${ours[@]}"
	xfer_cases 3 < "$tmp/cases"
	if [[ $PAIRS == *toytcp:toytcp* ]]; then
		C=toytcp S=toytcp
		refuse $percent skbuff_fclone_cache
		under_way $percent "and of what is sent" > "$tmp/cases"
		xfer_cases 1 < "$tmp/cases"
		refuse 0 skbuff_fclone_cache
	fi
	refuse 0 skbuff_head_cache "${ours[@]}"
done
finish
