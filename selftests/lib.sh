# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of selftests/ share. A script sources this first, calls
# run_case for every case and ends with finish.
#
# The topology that "topology SUFFIX" makes, and "topology_del" removes:
#
#	namespace $NA				namespace $NB
#	+--------------------+			+--------------------+
#	| lo 127.0.0.1       |			|       lo 127.0.0.1 |
#	|       $VA 10.77.0.1 +----- veth -------+ 10.77.0.2 $VB       |
#	+--------------------+			+--------------------+
#
# Side A is where clients are, side B where servers are.
#
# Environment:
#	TOYTCP_KO	the module (default: toytcp.ko at the root of the tree)
#	TOYTCP_LONG	1: the full sizes, which take hours under emulation
#	FAMILY_A	inet or toytcp: the clients', with
#	FAMILY_B	the servers': only this pair instead of all three. With
#			inet at both ends a script tests itself against the
#			kernel's own TCP.
#	SEED		of everything random; printed
#	SELFTESTS_BIN	where the programs are (default: beside the scripts)
#
# Needs: iproute2, nftables, ethtool, util-linux.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BIN=${SELFTESTS_BIN:-$here}
TOYTCP_KO=${TOYTCP_KO:-$here/../toytcp.ko}
LONG=${TOYTCP_LONG:-0}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
script=$(basename "$0" .sh)
tmp=$(mktemp -d)
next_port=7700
n_ok=0
n_failed=0
loaded=0

if [[ -n ${FAMILY_A:-} && -n ${FAMILY_B:-} ]]; then
	PAIRS="$FAMILY_A:$FAMILY_B"
else
	PAIRS="toytcp:inet inet:toytcp toytcp:toytcp"
fi
case $PAIRS in
*toytcp*) SUBJECT=toytcp ;;
*) SUBJECT=inet ;;
esac

echo "# $script: pairs (client:server) $PAIRS, seed $SEED, $([[ $LONG == 1 ]] && echo full sizes || echo short form)"

# --- verdicts ---------------------------------------------------------------

case_ok() {
	echo "ok $script $*"
	n_ok=$((n_ok + 1))
}

case_failed() {	# NAME REASON...
	local name=$1

	shift
	echo "not ok $script $name - $*"
	n_failed=$((n_failed + 1))
}

# In a case: it fails, for this reason.
fail() {
	echo "$*" >> "$case_dir/reason"
	exit 1
}

# Run a function as one case, in a subshell with a folder of its own and a
# port that no other case of the script has, in $PORT.
run_case() {	# NAME FUNCTION [ARGS...]
	start_case "$@"
	wait_case "$1"
}

# The same in the background; wait_case NAME prints the verdict.
start_case() {	# NAME FUNCTION [ARGS...]
	local name=$1

	shift
	case_dir=$(case_dir_of "$name")
	mkdir -p "$case_dir"
	next_port=$((next_port + 1))
	PORT=$next_port
	(
		trap 'sk_stop_all' EXIT
		"$@"
	) > "$case_dir/out" 2>&1 &
	echo $! > "$case_dir/pid"
}

case_dir_of() { echo "$tmp/case.${1//[^a-zA-Z0-9]/_}"; }

wait_case() {	# NAME
	local status=0 reason

	case_dir=$(case_dir_of "$1")
	wait "$(< "$case_dir/pid")" || status=$?
	if [[ $status == 0 ]]; then
		case_ok "$1"
		sed -n 's/^# /# /p' "$case_dir/out"
		return
	fi
	# The reason, or else the last thing that a program said.
	reason=$(tail -n 1 "$case_dir/reason" 2> /dev/null) || true
	[[ -n $reason ]] || reason="status $status: $(tail -n 1 "$case_dir/out")"
	case_failed "$1" "$reason"
	sed 's/^/#   /' "$case_dir/out" | tail -n 12
}

# Every script's last call.
finish() {
	unload_module
	echo "# $script: $n_ok ok, $n_failed not ok, ${SECONDS} s"
	echo "done"
	[[ $n_failed == 0 ]]
	exit
}

# --- waiting ----------------------------------------------------------------

# Until COMMAND succeeds; false when it has not within so many seconds.
poll_until() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# --- the module ---------------------------------------------------------------

is_loaded() { grep -q '^toytcp ' /proc/modules; }

load_module() {
	[[ $SUBJECT == toytcp ]] || return 0
	if ! is_loaded; then
		insmod "$TOYTCP_KO" || { case_failed load "insmod $TOYTCP_KO"; finish; }
	fi
	loaded=1
}

try_rmmod() { ! is_loaded || rmmod toytcp 2> /dev/null; }

# A module that cannot go after its last socket is closed has lost a
# reference: so every script ends with this case.
unload_module() {
	[[ $loaded == 1 ]] || return 0
	loaded=0
	if poll_until 30 try_rmmod; then
		case_ok "unload"
	else
		case_failed "unload" "still in use after 30 s: $(grep '^toytcp ' /proc/modules)"
	fi
}

# --- topology -----------------------------------------------------------------

in_ns() {	# NAMESPACE COMMAND...
	local ns=$1

	shift
	nsenter --net="/run/netns/$ns" "$@"
}

topology() {	# SUFFIX
	NA=tt$1a NB=tt$1b VA=va$1 VB=vb$1
	ip netns add "$NA"
	ip netns add "$NB"
	ip -n "$NA" link add "$VA" type veth peer name "$VB" netns "$NB"
	ip -n "$NA" -batch - <<-END
		link set lo up
		addr add 10.77.0.1/24 dev $VA
		link set $VA up
	END
	ip -n "$NB" -batch - <<-END
		link set lo up
		addr add 10.77.0.2/24 dev $VB
		link set $VB up
	END
	[[ " ${topologies:-} " == *" $1 "* ]] || topologies="${topologies:-} $1"
}

# Another topology that was made before, for the commands that follow.
use_topology() { NA=tt$1a NB=tt$1b VA=va$1 VB=vb$1; }

topology_del() {	# SUFFIX
	ip netns del "tt$1a" 2> /dev/null
	ip netns del "tt$1b" 2> /dev/null
	return 0
}

cleanup() {
	local t

	trap - EXIT
	# shellcheck disable=SC2046	# a list of processes of ours
	kill -9 $(jobs -p) 2> /dev/null
	for t in ${topologies:-}; do
		topology_del "$t"
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# net.ipv4.tcp_NAME or net.toytcp.NAME
sysctl_path() {	# FAMILY NAME
	if [[ $1 == inet ]]; then
		echo "/proc/sys/net/ipv4/tcp_$2"
	else
		echo "/proc/sys/net/toytcp/$2"
	fi
}

set_sysctl() {	# NAMESPACE FAMILY NAME VALUE
	in_ns "$1" sh -c "echo $4 > $(sysctl_path "$2" "$3")" ||
		fail "cannot set $(sysctl_path "$2" "$3")"
}

# The sockets of a family in a namespace: /proc/net/tcp's columns.
listing() {	# NAMESPACE FAMILY
	if [[ $2 == inet ]]; then
		in_ns "$1" cat /proc/net/tcp
	else
		in_ns "$1" cat /proc/net/toytcp
	fi
}

# The states (in hexadecimal, as listed) of rows with this local port.
states_of_port() {	# NAMESPACE FAMILY PORT
	listing "$1" "$2" | awk -v port="$(printf '%04X' "$3")" \
		'split($2, a, ":") == 2 && a[2] == port { printf "%s ", $4 }'
}

# A function once for each pair, the families in $C (client) and $S (server).
for_pairs() {	# FUNCTION [ARGS...]
	local pair

	for pair in $PAIRS; do
		C=${pair%:*} S=${pair#*:}
		"$@"
	done
}

pair_name() { echo "$C to $S"; }

# --- socket shells ------------------------------------------------------------

# Start a process that obeys socket commands (sk.c); only within a case.
sk_start() {	# NAME NAMESPACE
	local in="$case_dir/$1.in" out="$case_dir/$1.out" fd_in fd_out

	mkfifo "$in" "$out"
	"$BIN/sk" < "$in" > "$out" 2>> "$case_dir/sk.err" &
	eval "sk_pid_$1=$!"
	exec {fd_in}> "$in" {fd_out}< "$out"
	eval "sk_in_$1=$fd_in sk_out_$1=$fd_out"
	sk_pids="${sk_pids:-} $!"
	want 0 "$1" ns "$2"
}

sk_pid() { local v=sk_pid_$1; echo "${!v}"; }

sk_stop_all() {
	local pid

	for pid in ${sk_pids:-}; do
		kill -9 "$pid" 2> /dev/null
	done
	sk_pids=""
}

# Say a command and do not wait for the answer.
tell() {	# NAME COMMAND...
	local in=sk_in_$1

	shift
	echo "$*" >&"${!in}" || fail "no process to say '$*' to"
}

# The answer into $R.
hear() {	# NAME [SECONDS]
	local out=sk_out_$1

	read -t "${2:-60}" -r R <&"${!out}" ||
		fail "no answer from $1 ($(tail -n 1 "$case_dir/sk.err"))"
}

ask() {	# NAME COMMAND...
	tell "$@"
	hear "$1"
}

# The answer must match the pattern.
want() {	# PATTERN NAME COMMAND...
	local pattern=$1

	shift
	ask "$@"
	# shellcheck disable=SC2053	# a pattern is meant
	[[ $R == $pattern ]] || fail "'$*' answered $R, not $pattern"
}

heard() {	# PATTERN NAME WHAT [SECONDS]
	hear "$2" "${4:-60}"
	# shellcheck disable=SC2053
	[[ $R == $1 ]] || fail "$3 answered $R, not $1"
}

# A command again and again until its answer matches.
want_soon() {	# SECONDS PATTERN NAME COMMAND...
	local end=$((SECONDS + $1)) pattern=$2

	shift 2
	while :; do
		ask "$@"
		# shellcheck disable=SC2053
		[[ $R == $pattern ]] && return
		((SECONDS < end)) || fail "'$*' still answers $R, not $pattern"
		sleep 0.1
	done
}

# A connection: client socket c of shell "a" in $NA, server socket s and
# listener l of shell "b" in $NB, on port $PORT.
connected() {
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket l "$S"
	want 0 b set l reuseaddr 1
	want 0 b bind l 10.77.0.2 "$PORT"
	want 0 b listen l 8
	want 0 a socket c "$C"
	want 0 a connect c 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept l s
}

