#!/bin/bash
# vm: group=paths cpus=1 timeout=600 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# TCP_INFO beside the kernel's TCP, every field, in situations that both are
# brought into: see info.py.
. "${0%/*}/lib.sh"

load_module
topology i
[[ $SUBJECT == inet ]] || take_results 0 info.py python3 "$here/info.py" "$NA" "$NB" "$VA" "$VB"
finish
