#!/bin/bash
# vm: group=wire cpus=1 timeout=400 long=2400 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Scenarios on the wire (docs/scenarios.md): segments that scapy makes go
# through a TUN device to AF_TOYTCP and, unchanged, to the kernel's TCP. See
# wire/wire.py. The namespaces are its own.
. "${0%/*}/lib.sh"

# Scenarios that last longer than this many seconds are KUnit's alone. On an
# emulated machine not all have their turn in the short form, others with
# another seed.
if [[ $LONG == 1 ]]; then
	options=(--limit 300 --fuzz 600 --seed "$SEED")
else
	options=(--limit 3 --seconds 50 --fuzz 10 --walks 150 --seed 1)
fi

load_module
take_results 0 wire.py "$here/wire/wire.py" "${options[@]}" \
	"$here"/../kunit/scenarios/*.pkt "$here"/wire/*.pkt
finish
