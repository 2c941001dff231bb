#!/bin/bash
# vm: group=paths cpus=1 timeout=300 long=600 kernel=debug
# SPDX-License-Identifier: GPL-2.0
#
# Congestion control is chosen: by name, by default, by inheritance, within
# permissions; and by a module of its own, module/examples/toytcp_aimd.c,
# which is loaded, used for a transfer, held while somebody uses it, unloaded.
# And what congestion control does where a path marks (ECN, DCTCP).
. "${0%/*}/lib.sh"

example=${TOYTCP_KO%/*}/module/examples/toytcp_aimd.ko

# What the kernel's TCP and ours answer alike.
choose() {	# FAMILY
	sk_start a "$NA"
	want 0 a socket s "$1"
	want cubic a cong s
	want 0 a cong s reno
	want reno a cong s
	want ENOENT a cong s nosuch
	want ENOENT a cong s renoo
	want reno a cong s
	# what is there already needs no permission
	want 0 a euid 65534
	want 0 a cong s reno
	want ENOENT a cong s nosuch
	want 0 a euid 0
}

children() {
	S=$1 C=$1
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b set l reuseaddr 1
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$C"
	# nobody has chosen: the default of now
	want 0 b sysctl "$sysctls"congestion_control reno
	want 0 a connect c 10.77.0.2 "$PORT"
	want "*:*" b accept l s
	want reno b cong s
	want cubic b cong l
	want cubic a cong c
	want 0 b sysctl "$sysctls"congestion_control cubic
	want 0 b cong l reno
	want 0 a socket d "$C"
	want 0 a connect d 10.77.0.2 "$PORT"
	want "*:*" b accept l t
	want reno b cong t
	# in the middle of a connection
	want 30000 a send d 30000
	want 0 a cong d reno
	want 30000 a send d 30000
	want 60000 b recv t 60000
}

# What a route says: an algorithm that a program may not change, a small MSS.
route_says() {
	local route="10.77.0.0/24 dev $VA proto kernel scope link src 10.77.0.1"

	S=$1 C=$1
	# shellcheck disable=SC2086	# words
	in_ns "$NA" ip route replace $route advmss 900 congctl lock reno
	connected
	want reno a cong c
	want EPERM a cong c cubic
	want cubic b cong s
	want 888 b get s maxseg
	want 30000 b send s 30000
	want 30000 a recv c 30000
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	# shellcheck disable=SC2086
	in_ns "$NA" ip route replace $route
}

for_family() {	# FUNCTION FAMILY
	[[ $2 == inet ]] && sysctls=net/ipv4/tcp_ || sysctls=net/toytcp/
	"$1" "$2"
}

defaults() {
	sk_start a "$NA"
	want "reno,cubic,dctcp,bbr" a show net/toytcp/available_congestion_control
	want "reno,cubic,bbr" a show net/toytcp/allowed_congestion_control
	want cubic a show net/toytcp/congestion_control
	want ENOENT a sysctl net/toytcp/congestion_control nosuch
	want cubic a show net/toytcp/congestion_control
	want 0 a sysctl net/toytcp/congestion_control reno
	want 0 a socket s toytcp
	want reno a cong s
	want 0 a sysctl net/toytcp/congestion_control cubic
	want reno a cong s
}

# What anybody may choose is the initial namespace's to say.
allowed() {
	local file=/proc/sys/net/toytcp/allowed_congestion_control

	sk_start a "$NA"
	want 0 a socket s toytcp
	want EACCES a sysctl net/toytcp/allowed_congestion_control reno
	want EPERM a sysctl net/toytcp/congestion_control dctcp
	want 0 a euid 65534
	want EPERM a cong s dctcp
	echo "reno nosuch" 2> /dev/null > $file && fail "an unknown one is allowed"
	[[ $(< $file) == "reno cubic bbr" ]] || fail "allowed: $(< $file)"
	echo "reno dctcp" > $file || fail "nobody may write"
	[[ $(< $file) == "reno dctcp" ]] || fail "allowed: $(< $file)"
	want 0 a cong s dctcp
	want dctcp a cong s
	want EPERM a cong s cubic
	want 0 a euid 0
	echo "reno cubic bbr" > $file
	want EPERM a sysctl net/toytcp/congestion_control dctcp
	want 0 a close s
}

# A counter of a namespace.
counter() {	# NAMESPACE NAME
	in_ns "$1" awk -v name="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) n = i }
		NR == 2 { print $n }
	' /proc/net/toytcp_stat
}

# Over a path that marks where it would lose: the marks are told, and nothing
# is sent twice.
marks() {	# [ALGORITHM]
	local i ce came=0 told=0 again

	set_sysctl_both ecn 1
	connected
	[[ -z ${1:-} ]] || want "$1" b cong s
	[[ $S != toytcp ]] || came=$(counter "$NB" InCEPkts)
	[[ $C != toytcp ]] || told=$(counter "$NA" TCPDeliveredCE)
	in_ns "$NA" tc qdisc add dev "$VA" root netem limit 10000 delay 2ms loss 30% ecn
	for ((i = 0; i < 8; i++)); do
		want 30000 a send c 30000
		want 30000 b recv s 30000
	done
	in_ns "$NA" tc qdisc del dev "$VA" root
	if [[ $S == toytcp ]]; then
		ce=$(counter "$NB" InCEPkts)
		((ce > came)) || fail "no marks came"
	fi
	if [[ $C == toytcp ]]; then
		ce=$(counter "$NA" TCPDeliveredCE) again=$(counter "$NA" TCPFastRetrans)
		((ce > told)) || fail "no marks were echoed"
		((again == 0)) || fail "$again segments were sent again"
	fi
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	set_sysctl_both ecn 2
}

set_sysctl_both() {	# NAME VALUE
	sk_start a "$NA"
	sk_start b "$NB"
	set_sysctl a "$C" "$1" "$2"
	set_sysctl b "$S" "$1" "$2"
}

# Both ends by the default of their namespaces, which began with the initial one's.
marks_dctcp() {
	C=toytcp S=toytcp
	echo "reno cubic dctcp" > /proc/sys/net/toytcp/allowed_congestion_control
	set_sysctl_both congestion_control dctcp
	echo "reno cubic bbr" > /proc/sys/net/toytcp/allowed_congestion_control
	marks dctcp
	set_sysctl_both congestion_control cubic
}

try_rmmod_example() { rmmod toytcp_aimd 2> /dev/null; }

loaded_example() { [[ -e /sys/module/toytcp_aimd ]]; }

in_use() {	# WHAT
	! try_rmmod_example || fail "the example was unloaded with $1"
	loaded_example || fail "rmmod failed, but the example is gone"
}

example_used() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 a socket early toytcp
	want ENOENT a cong early aimd
	insmod "$example" increase=2 decrease=30 || fail "insmod $example"
	want "reno,cubic,dctcp,bbr,aimd" a show net/toytcp/available_congestion_control
	want "reno,cubic,bbr" a show net/toytcp/allowed_congestion_control
	# restricted: not for everybody, and no default but the initial namespace's
	want 0 a euid 65534
	want EPERM a cong early aimd
	want 0 a euid 0
	want EPERM a sysctl net/toytcp/congestion_control aimd
	want 0 a cong early aimd
	in_use "a socket"
	want 0 a euid 65534
	want 0 a cong early aimd
	want 0 a euid 0
	want 0 a cong early reno
	try_rmmod_example || fail "in use after the socket chose another"
	insmod "$example" increase=2 decrease=30 || fail "insmod again"
	connected
	want 0 a cong c aimd
	want aimd a cong c
	for _ in {1..7}; do
		want 30000 a send c 30000
		want 30000 b recv s 30000
	done
	in_use "a connection"
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	poll_until 20 try_rmmod_example || fail "in use after the last close"
	want "reno,cubic,dctcp,bbr" a show net/toytcp/available_congestion_control
}

example_default() {
	insmod "$example" || fail "insmod"
	sysctl -q -w net.toytcp.congestion_control=aimd || fail "sysctl"
	in_use "a default"
	# free for all now, and the default of namespaces to come
	[[ $(< /proc/sys/net/toytcp/allowed_congestion_control) == "reno cubic bbr aimd" ]] ||
		fail "allowed: $(< /proc/sys/net/toytcp/allowed_congestion_control)"
	ip netns add "${NA}x"
	sk_start a "${NA}x"
	want aimd a show net/toytcp/congestion_control
	want 0 a socket s toytcp
	want aimd a cong s
	sysctl -q -w net.toytcp.congestion_control=cubic
	in_use "another namespace's default"
	want 0 a close s
	want 0 a sysctl net/toytcp/congestion_control reno
	poll_until 20 try_rmmod_example || fail "in use"
	ip netns del "${NA}x"
}

# The kernel's way to modprobe, to a folder with the two modules alone. What was
# asked for is noted.
modules_installed() {
	local modules=$case_dir/root/lib/modules/${release:=$(uname -r)}

	mkdir -p "$modules"
	cp "$TOYTCP_KO" "$modules/toytcp.ko"
	cp "$example" "$modules/toytcp_aimd.ko"
	# no kernel's own modules, no list of them
	touch "$modules"/modules.{order,builtin,builtin.modinfo}
	depmod -b "$case_dir/root" "$release" || fail "depmod: status $?"
	: > "$case_dir/asked"
	cat > "$case_dir/modprobe" <<-EOF
		#!/bin/sh
		echo "\$*" >> $case_dir/asked
		exec $(type -P modprobe) -d $case_dir/root "\$@"
	EOF
	chmod +x "$case_dir/modprobe"
	echo "$case_dir/modprobe" > /proc/sys/kernel/modprobe
}

asked_for() {	# TIMES
	local asked

	mapfile -t asked < "$case_dir/asked"
	((${#asked[@]} == $1)) || fail "modprobe was asked ${#asked[@]} times: ${asked[*]}"
}

# Named by somebody who may, an algorithm is loaded; named by nobody, not.
example_autoloaded() {
	local modprobe

	modprobe=$(< /proc/sys/kernel/modprobe)
	# shellcheck disable=SC2064	# as it is now
	trap "echo '$modprobe' > /proc/sys/kernel/modprobe; sk_stop_all" EXIT
	modules_installed
	sk_start a "$NA"
	want 0 a socket s toytcp
	want 0 a euid 65534
	want ENOENT a cong s aimd
	! loaded_example || fail "anybody may load it"
	asked_for 0
	want 0 a euid 0
	want ENOENT a cong s nosuch
	asked_for 1
	want 0 a cong s aimd
	loaded_example || fail "it is not loaded"
	asked_for 2
	[[ $(< "$case_dir/asked") == *" toytcp-cong-aimd" ]] || fail "$(< "$case_dir/asked")"
	want aimd a cong s
	# what is there is not asked for
	want 0 a cong s cubic
	want 0 a cong s aimd
	asked_for 2
	want 0 a close s
	poll_until 20 try_rmmod_example || fail "in use after the close"
	# by the sysctl of the initial namespace, whose default it may become
	sysctl -q -w net.toytcp.congestion_control=aimd || fail "sysctl"
	loaded_example || fail "the sysctl does not load it"
	asked_for 3
	sysctl -q -w net.toytcp.congestion_control=cubic
	poll_until 20 try_rmmod_example || fail "in use after the default"
}

# Data through the example over a path that loses them.
example_transfer() {
	insmod "$example" increase=4 decrease=20 || fail "insmod"
	in_ns "$NA" tc qdisc add dev "$VA" root netem limit 1000 delay 5ms loss 2%
	connected
	want 0 a cong c aimd
	for _ in {1..30}; do
		want 30000 a send c 30000
		want 30000 b recv s 30000
	done
	in_ns "$NA" tc qdisc del dev "$VA" root
	want 0 a close c
	want 0 b recveof s
	want 0 b close s
	poll_until 20 try_rmmod_example || fail "in use"
}

load_module
topology c
C=toytcp S=toytcp
for family in inet toytcp; do
	[[ $family == inet || $SUBJECT == toytcp ]] || continue
	run_case "TCP_CONGESTION chooses by name, $family" for_family choose $family
	run_case "children of a listener, $family" for_family children $family
	run_case "what a route says, $family" route_says $family
done
pair_of_marks() { run_case "ECN over a path that marks, $(pair_name)" marks; }
for_pairs pair_of_marks
if [[ $SUBJECT == toytcp ]]; then
	run_case "the default of a namespace" defaults
	run_case "what anybody may choose" allowed
	run_case "DCTCP over a path that marks" marks_dctcp
	run_case "the example: loaded, chosen, used, unloaded" example_used
	run_case "the example as default" example_default
	run_case "the example, loaded by whoever may" example_autoloaded
	run_case "the example over a bad path" example_transfer
	try_rmmod_example
fi
finish
