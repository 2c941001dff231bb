#!/bin/bash
# vm: group=attacks long_group=states cpus=1 timeout=900 long=14400 kernel=debug leaks=short
# SPDX-License-Identifier: GPL-2.0
#
# Random segments at each of the eleven states: a million each in the long
# form, which therefore has a guest of its own, without kmemleak; what so many
# segments leak is seen in the memory that is used.
exec "${0%/*}/attacks.sh" states
