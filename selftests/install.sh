#!/bin/bash
# vm: group=run cpus=2 timeout=300 kernel=stock
# SPDX-License-Identifier: GPL-2.0
#
# The module and the tools, installed where make install puts them: the first
# socket() of the family loads the module, and the tools find it. (DKMS builds
# the module in userspace/test/dkms_test; here it is the one under test, since
# a compiler takes its time in an emulated guest.)
. "$(dirname "$0")/lib.sh"

modules=/lib/modules/$(uname -r)
prefix=$tmp/prefix

# A folder with this module alone: depmod reads all that it finds.
installed() {
	mkdir -p "$modules/updates/dkms"
	cp "$TOYTCP_KO" "$modules/updates/dkms/toytcp.ko"
	depmod || fail "depmod: status $?"
	env -u MAKEFLAGS make -s -C "$here/../userspace" install PREFIX="$prefix" ||
		fail "make install: status $?"
}

# Nobody loads it by name.
autoloaded() {
	! is_loaded || fail "it is loaded already"
	! grep -q . /proc/net/toytcp 2> /dev/null || fail "it is there already"
	[[ $("$prefix/bin/toytcp" run python3 -IS -c '
from _socket import *
print(socket().getsockopt(SOL_SOCKET, SO_DOMAIN))') == 18 ]] || fail "no socket"
	is_loaded || fail "it is not loaded"
	"$prefix/bin/toytcp" stat -an > /dev/null || fail "toytcp stat: $?"
}

# Another user may cause it, too, as with every family.
autoloaded_by_nobody() {
	poll_until 30 try_rmmod || fail "it is in use"
	! is_loaded || fail "it is loaded already"
	setpriv --reuid 65534 --regid 65534 --clear-groups python3 -IS -c '
from _socket import *
socket(18, SOCK_STREAM)' || fail "no socket"
	is_loaded || fail "it is not loaded"
}

gone() {
	local status=0

	poll_until 30 try_rmmod || fail "it is in use"
	rm "$modules/updates/dkms/toytcp.ko"
	depmod || fail "depmod: status $?"
	"$prefix/bin/toytcp" run true 2> "$case_dir/err" || status=$?
	[[ $status == 1 ]] || fail "toytcp run: status $status"
	grep -q 'modprobe toytcp' "$case_dir/err" || fail "no remedy is named"
	env -u MAKEFLAGS make -s -C "$here/../userspace" uninstall PREFIX="$prefix" ||
		fail "make uninstall: status $?"
	[[ -z $(find "$prefix" ! -type d) ]] || fail "left: $(find "$prefix" ! -type d)"
}

mount -t tmpfs modules "$modules"
run_case "installed" installed
run_case "socket() loads the module" autoloaded
run_case "nobody's socket() loads the module" autoloaded_by_nobody
run_case "gone" gone
umount "$modules"
finish
