#!/bin/bash
# vm: group=paths cpus=1 timeout=120 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# A socket's data leave at its pace, by its own timer and by fq, and do not
# queue up in the host. See pace.py.
. "${0%/*}/lib.sh"

load_module
topology p
take_results 0 pace.py python3 "$here/pace.py" "$SUBJECT" "$NA" "$NB" "$VA" "$VB"
finish
