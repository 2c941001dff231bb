#!/bin/bash
# vm: group=install cpus=2 timeout=900 long=1800 kernel=stock
# SPDX-License-Identifier: GPL-2.0
#
# "make install" on a machine: DKMS builds and installs the module, the first
# socket() loads it, what came with it works; "make uninstall" leaves nothing.
. "$(dirname "$0")/lib.sh"

root=$(cd "$here/.." && pwd)
version=$(sed -n 's/^VERSION := //p' "$root/Makefile")
unset MAKEFLAGS MFLAGS MAKELEVEL

# What is written in these two stays out of the machine.
throw_away() {	# FOLDER
	mkdir -p "/run/throw$1/upper" "/run/throw$1/work"
	mount -t overlay -o "lowerdir=$1,upperdir=/run/throw$1/upper,workdir=/run/throw$1/work" \
		overlay "$1"
}

files() { find /usr/local /usr/src ! -type d | sort; }

installed() {
	files > "$tmp/before"
	timeout 800 make -C "$root" install || fail "make install: status $?"
	[[ $(dkms status "toytcp/$version") == *"$(uname -r)"*": installed"* ]] ||
		fail "DKMS says $(dkms status)"
	modinfo -n toytcp | grep -q "/updates/dkms/toytcp.ko" || fail "modprobe does not find it"
}

# Nobody loads it by name.
autoloaded() {
	! is_loaded || fail "it is loaded already"
	[[ $(toytcp run python3 -c '
from socket import *
print(socket().getsockopt(SOL_SOCKET, SO_DOMAIN))') == 18 ]] || fail "no socket"
	is_loaded || fail "it is not loaded"
	toytcp stat -an > /dev/null || fail "toytcp stat: $?"
}

header() {
	gcc -Wall -o "$tmp/server" -I/usr/local/include "$root/userspace/examples/server.c" ||
		fail "it does not compile"
}

uninstalled() {
	poll_until 30 try_rmmod || fail "it is in use"
	timeout 300 make -C "$root" uninstall || fail "make uninstall: status $?"
	files > "$tmp/after"
	diff "$tmp/before" "$tmp/after" || fail "files are left"
	! modinfo toytcp 2> /dev/null || fail "modprobe still finds it"
	[[ -z $(dkms status toytcp) ]] || fail "DKMS says $(dkms status)"
	! "$root/userspace/toytcp" run true 2> "$case_dir/err" || fail "a socket can be made"
	grep -q 'modprobe toytcp' "$case_dir/err" || fail "no remedy is named"
}

throw_away /usr/local
throw_away /usr/src
run_case "make install" installed
run_case "socket() loads the module" autoloaded
run_case "the header" header
run_case "make uninstall" uninstalled
umount /usr/local /usr/src
finish
