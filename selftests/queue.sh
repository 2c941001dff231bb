#!/bin/bash
# vm: group=run cpus=2 timeout=120 kernel=stock
# SPDX-License-Identifier: GPL-2.0
#
# Segments that a program of the firewall's holds (NFQUEUE) and lets go later,
# in process context, perhaps when their connection is gone: each case with
# AF_INET and with AF_TOYTCP, and no difference. See queue.py.
. "${0%/*}/lib.sh"

[[ $SUBJECT == toytcp ]] && family=18 || family=2
load_module
topology w
take_results 0 queue.py python3 "$here/queue.py" "$NA" "$NB" "$VA" "$VB" "$family"
finish
