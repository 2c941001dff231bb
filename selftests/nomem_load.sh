#!/bin/bash
# vm: group=wire long_group=load cpus=1 timeout=60 kernel=debug leaks=never
# SPDX-License-Identifier: GPL-2.0
#
# The module is loaded, and each of its last 150 allocations fails in turn: it is
# not there then, nothing of it is left, and the next time it loads. Without
# kmemleak, for the kernel itself loses the name of a slab cache that it has no
# memory to show in /sys.
exec "${0%/*}/nomem.sh" load
