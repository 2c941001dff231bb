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

# Under emulation with all checkers on, a fork of bash takes 0.2 s and a program
# 0.4 s: what is done for every case does without.

here=${BASH_SOURCE[0]%/*}
[[ $here == /* ]] || here=$PWD/$here
BIN=${SELFTESTS_BIN:-$here}
TOYTCP_KO=${TOYTCP_KO:-$here/../toytcp.ko}
LONG=${TOYTCP_LONG:-0}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
script=${0##*/}
script=${script%.sh}
tmp=$(mktemp -d)
mkdir "$tmp"/case{0..31}
mkfifo "$tmp"/{never,a.in,a.out,b.in,b.out}
exec {never}<> "$tmp/never"
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

[[ $LONG == 1 ]] && form="full sizes" || form="short form"
echo "# $script: pairs (client:server) $PAIRS, seed $SEED, $form"

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
	local name=$1 status=0

	shift
	open_case 0
	sk_pool_ready
	(
		trap sk_stop_all EXIT
		"$@"
	) > "$case_dir/out" 2>&1 || status=$?
	verdict "$name" $status
	[[ $status == 0 ]] || sk_pool_stop
}

# A case in two parts, with others in between; for both the pool's processes
# must keep their sockets: sk_keep=1.
first_part() {	# NAME FUNCTION
	local status=0

	open_case 0
	ports[$1]=$PORT
	sk_pool_ready
	( "$2_1" ) > "$case_dir/out" 2>&1 || status=$?
	first[$1]=$status
	[[ $status == 0 ]] || verdict "$1" $status
}

second_part() {	# NAME FUNCTION
	local status=0

	[[ ${first[$1]} == 0 ]] || return
	open_case 0
	PORT=${ports[$1]}
	[[ ! -e $tmp/cport$PORT ]] || read -r CPORT < "$tmp/cport$PORT"
	( "$2_2" ) > "$case_dir/out" 2>&1 || status=$?
	verdict "$1" $status
}

declare -A ports first

# The same in the background, beside others; wait_case NAME has the verdict.
start_case() {	# NAME FUNCTION [ARGS...]
	local name=$1

	shift
	started=$(((started + 1) % 31))
	open_case $((started + 1))
	(
		trap sk_stop_all EXIT
		"$@"
	) > "$case_dir/out" 2>&1 &
	case_pids[$name]=$!
	case_dirs[$name]=$case_dir
}

wait_case() {	# NAME
	local status=0

	case_dir=${case_dirs[$1]}
	wait "${case_pids[$1]}" || status=$?
	verdict "$1" $status
}

declare -A case_pids case_dirs
started=0

open_case() {	# NUMBER
	case_dir=$tmp/case$1
	: > "$case_dir/reason"
	: > "$case_dir/sk.err"
	next_port=$((next_port + 1))
	PORT=$next_port
	case_since=$SECONDS
}

# Of a case that has ended: the reason is its own, or else the last thing that
# a program of it said.
verdict() {	# NAME STATUS
	local reason line said

	mapfile -t said < "$case_dir/out"
	if [[ $2 == 0 ]]; then
		case_ok "$1"
		((SECONDS - case_since < 10)) ||
			echo "# that took $((SECONDS - case_since)) s"
		for line in "${said[@]}"; do
			[[ $line == "# "* ]] && echo "$line"
		done
		return 0
	fi
	read -r reason < "$case_dir/reason"
	case_failed "$1" "${reason:-status $2: ${said[*]: -1}}"
	for line in "${said[@]:${#said[@]} > 12 ? ${#said[@]} - 12 : 0}"; do
		echo "#   $line"
	done
}

# The cases of a program that prints "ok CASE" and "not ok CASE - REASON";
# names begin with $label, if there is one. A status above MOST is a failure
# of its own: with 1 the program says by that status that a case failed.
take_results() {	# MOST PROGRAM COMMAND...
	local most=$1 program=$2 line='' status=0 prefix=${label:+$label: }

	shift 2
	while IFS= read -r line; do
		case $line in
		"ok "*) case_ok "$prefix${line#ok }" ;;
		"not ok "*)
			line=${line#not ok }
			case_failed "$prefix${line%% - *}" "${line#* - }"
			;;
		*) echo "$line" ;;
		esac
	done < <("$@" 2>&1)
	wait $! || status=$?
	((status <= most)) ||
		case_failed "$prefix$program" "status $status${line:+: $line}"
}

# The same for a program that runs beside what follows, because it mostly
# waits: begin it, and take its results later.
declare -A beside=()
begin_beside() {	# NAME COMMAND...
	local name=$1

	shift
	(
		"$@" > "$tmp/beside.$name" 2>&1
		echo $? > "$tmp/beside.$name.status"
	) &
	beside[$name]=$!
}

take_beside() {	# MOST PROGRAM NAME
	wait "${beside[$3]}"
	take_results "$1" "$2" told_beside "$3"
}

told_beside() {	# NAME
	cat "$tmp/beside.$1"
	return "$(< "$tmp/beside.$1.status")"
}

# Cases of data transfer, many in one process: lines "NAME | OPTIONS" on
# standard input, see xfer.c. So many at a time.
xfer_cases() {	# PARALLEL
	take_results 1 "the cases of xfer" "$BIN/xfer" cases "$1"
}

# One such line; $from, $to and $addr say where, $C and $S who.
xfer_case() {	# NAME OPTIONS...
	local name=$1

	shift
	next_port=$((next_port + 1))
	echo "$name | --client-family $C --server-family $S" \
		"--client-netns $from --server-netns $to --addr $addr" \
		"--port $next_port --seed $SEED $*"
}

# Every script's last call.
finish() {
	sk_pool_stop
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
		pause 0.1
	done
}

# Without a process.
pause() {	# SECONDS
	read -t "$1" -r -u "$never" || true
}

# --- the module ---------------------------------------------------------------

is_loaded() {
	local modules

	modules=$'\n'$(< /proc/modules)
	[[ $modules == *$'\n'"toytcp "* ]]
}

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
	use_topology "$1"
	ip -batch - <<-END
		netns add $NA
		netns add $NB
		link add $VA netns $NA type veth peer name $VB netns $NB
	END
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
	ip -force -batch - 2> /dev/null <<-END
		netns del tt$1a
		netns del tt$1b
	END
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

# net.ipv4.tcp_NAME or net.toytcp.NAME, below /proc/sys
sysctl_path() {	# FAMILY NAME; the answer in $path
	[[ $1 == inet ]] && path=net/ipv4/tcp_$2 || path=net/toytcp/$2
}

# In a case, of the namespace that the socket shell is in.
set_sysctl() {	# SHELL FAMILY NAME VALUE
	local path

	sysctl_path "$2" "$3"
	want 0 "$1" sysctl "$path" "$4"
}

# The sockets of a family in a namespace: /proc/net/tcp's columns.
listing() {	# NAMESPACE FAMILY
	if [[ $2 == inet ]]; then
		in_ns "$1" cat /proc/net/tcp
	else
		in_ns "$1" cat /proc/net/toytcp
	fi
}

# A function once for each pair, the families in $C (client) and $S (server).
for_pairs() {	# FUNCTION [ARGS...]
	local pair

	for pair in $PAIRS; do
		C=${pair%:*} S=${pair#*:}
		"$@"
	done
}

# The same where the other end hardly matters: all pairs in the long form, else
# only ours with ours.
for_pairs_or_one() {	# FUNCTION
	local PAIRS=$PAIRS

	[[ $LONG == 1 || $SUBJECT == inet ]] || PAIRS=toytcp:toytcp
	for_pairs "$@"
}

pair_name() { echo "$C to $S"; }

# --- socket shells ------------------------------------------------------------

# A process that obeys socket commands (sk.c), in a case. "a" and "b" are taken
# from the script's pool, if it has one; others are started.
sk_start() {	# NAME NAMESPACE
	if [[ -z ${sk_pool:-} || ! " ${sk_pool:-} " == *" $1 "* || $case_dir != "$tmp/case0" ]]; then
		rm -f "$case_dir/$1.in" "$case_dir/$1.out"
		mkfifo "$case_dir/$1.in" "$case_dir/$1.out"
		sk_open "$1" "$case_dir/$1"
		sk_pids="${sk_pids:-} $(sk_pid "$1")"
	fi
	want 0 "$1" ns "$2"
}

sk_open() {	# NAME FIFOS
	local fd_in fd_out

	"$BIN/sk" < "$2.in" > "$2.out" 2>> "$case_dir/sk.err" &
	eval "sk_pid_$1=$!"
	exec {fd_in}> "$2.in" {fd_out}< "$2.out"
	eval "sk_in_$1=$fd_in sk_out_$1=$fd_out"
}

# The pool: two that serve one case after another. A script that wants it
# says sk_pool="a b".
sk_pool_ready() {
	local name pid

	for name in ${sk_pool:-}; do
		pid=sk_pid_$name
		if [[ -n ${!pid:-} ]] && kill -0 "${!pid}" 2> /dev/null; then
			[[ -n ${sk_keep:-} ]] || ask "$name" reset
		else
			sk_dismiss "$name"
			sk_open "$name" "$tmp/$name"
			disown "$!"
		fi
	done
}

sk_dismiss() {	# NAME
	local pid=sk_pid_$1 fd_in=sk_in_$1 fd_out=sk_out_$1

	[[ -n ${!pid:-} ]] || return 0
	while kill -9 "${!pid}" 2> /dev/null; do
		pause 0.02
	done
	eval "exec ${!fd_in}>&- ${!fd_out}<&-"
	eval "sk_pid_$1="
}

# After a case that failed: what they would answer next is not known.
sk_pool_stop() {
	local name

	for name in ${sk_pool:-}; do
		sk_dismiss "$name"
	done
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
		pause 0.1
	done
}

# A connection: client socket c of shell "a" in $NA, from port $CPORT, server
# socket s and listener l of shell "b" in $NB, on port $PORT. With a suffix to
# their names if given.
connected() {	# [SUFFIX]
	sk_start a "$NA"
	sk_start b "$NB"
	want 0 b socket "l${1:-}" "$S"
	want 0 b set "l${1:-}" reuseaddr 1
	want 0 b bind "l${1:-}" 10.77.0.2 "$PORT"
	want 0 b listen "l${1:-}" 8
	want 0 a socket "c${1:-}" "$C"
	want 0 a connect "c${1:-}" 10.77.0.2 "$PORT"
	want "10.77.0.1:*" b accept "l${1:-}" "s${1:-}"
	CPORT=${R#*:}
	echo "$CPORT" > "$tmp/cport$PORT"
}
