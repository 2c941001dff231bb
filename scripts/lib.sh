# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# lib.sh - what the scripts here share: where things are, progress, and a
# private look at other Debian suites. Sourced, never run.

# shellcheck disable=SC2034 # used by those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/toytcp

# Progress and errors go to standard error: standard output is for answers.
say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }
# misuse LINE...: a wrong command line; says the right one
misuse() { say "usage: $*"; exit 2; }

as_root() {
	if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# step TEXT COMMAND...: run COMMAND quietly and tell its progress: on a
# terminal a line that counts seconds, elsewhere a line at the start, one a
# minute and one at the end. The output is shown when COMMAND fails.
step() {
	local text=$1 log start=$SECONDS pid rc=0 t
	shift
	log=$(mktemp)
	if [[ -t 2 ]]; then printf '%s ...' "$text" >&2; else say "$text ..."; fi
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		t=$((SECONDS - start))
		if [[ -t 2 ]]; then
			printf '\r%s ... %ds' "$text" "$t" >&2
		elif ((t > 0 && t % 60 == 0)); then
			say "$text: $((t / 60)) min"
			sleep 1
		fi
	done
	wait "$pid" || rc=$?
	t=$((SECONDS - start))
	if ((rc == 0)); then
		if [[ -t 2 ]]; then
			printf '\r%s: done in %ds\n' "$text" "$t" >&2
		elif ((t > 3)); then
			say "$text: done in ${t}s"
		fi
	else
		say "$text: failed after ${t}s"
		tail -n 40 "$log" >&2
	fi
	rm -f "$log"
	return "$rc"
}

# apt_lists: see to it that the machine has the lists of Debian's packages; a
# fresh one may not.
apt_lists() {
	[[ -n $(apt-cache madison linux-image-amd64 2>/dev/null) ]] ||
		step "reading the package lists" as_root apt-get -q update
}

# Packages that Debian 12 itself lacks (virtme-ng, kernel 6.12) come from
# bookworm-backports and trixie. They are looked up through a sources list
# of our own, made from the machine's: its mirror, its keys, its proxies; the
# machine's configuration stays as it is.
apt_private_options() {
	apt_options=(-qq
		-o "Dir::Etc::sourcelist=$cache/apt/sources.list"
		-o "Dir::Etc::sourceparts=/dev/null"
		-o "Dir::State::lists=$cache/apt/lists"
		-o "APT::Sandbox::User=root")
}

apt_private_update() {
	local mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg suite
	local list=$cache/apt/sources.list
	local -a apt_options

	mkdir -p "$cache/apt/lists/partial"
	# fresh enough: not older than a day
	[[ -s $list && -n $(find "$cache/apt/updated" -mmin -1440 2>/dev/null) ]] &&
		return 0
	apt_lists
	# shellcheck disable=SC2016 # apt expands these
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(CREATED_BY)' |
		awk '$2 == "bookworm" && $3 == "Packages" { print $1; exit }')
	[[ -n $mirror ]] ||
		die "apt has no Debian 12 (bookworm) archive: run 'apt-get update', or this is another system"
	for suite in bookworm-backports trixie; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$mirror" "$suite"
	done >"$list"
	apt_private_options
	step "reading the package lists of bookworm-backports and trixie" \
		apt-get "${apt_options[@]}" update || return 1
	touch "$cache/apt/updated"
}

# apt_private_download DIR PACKAGE[=VERSION|/SUITE]...
apt_private_download() {
	local dir=$1
	local -a apt_options
	shift
	apt_private_options
	mkdir -p "$dir"
	(cd "$dir" && apt-get "${apt_options[@]}" download "$@")
}

# apt_private_version PACKAGE SUITE: the version that SUITE has.
apt_private_version() {
	local -a apt_options
	apt_private_options
	apt-cache "${apt_options[@]}" madison "$1" |
		awk -v suite="$2/" -F ' *[|] *' '$3 ~ suite { print $2; exit }'
}
