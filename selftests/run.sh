#!/bin/bash
# vm: group=run cpus=2 timeout=2400 long=6000 kernel=stock
# SPDX-License-Identifier: GPL-2.0
#
# "toytcp run": what it leaves as it is, and real programs that never heard of
# AF_TOYTCP, as clients, as servers and as both, against each other and against
# the host's TCP. Content is compared by hash, and the counters of both TCPs on
# both sides say whose connections those were.
. "$(dirname "$0")/lib.sh"

toytcp=$here/../userspace/toytcp
examples=$here/../userspace/examples

# Options of "toytcp run", words.
run_options=

# A command as it would be for one TCP or the other.
# shellcheck disable=SC2086	# words
on() {	# FAMILY NAMESPACE COMMAND...
	local family=$1 ns=$2

	shift 2
	if [[ $family == toytcp ]]; then
		in_ns "$ns" "$toytcp" run $run_options -- "$@"
	else
		in_ns "$ns" "$@"
	fi
}

client() { on "$C" "$NA" "$@"; }

# In a process group of its own, so that all of it can be ended.
# shellcheck disable=SC2086	# words
server() {	# COMMAND...
	if [[ $S == toytcp ]]; then
		setsid nsenter --net="/run/netns/$NB" "$toytcp" run $run_options -- "$@" \
			> "$case_dir/server" 2>&1 < /dev/null &
	else
		setsid nsenter --net="/run/netns/$NB" "$@" \
			> "$case_dir/server" 2>&1 < /dev/null &
	fi
	servers="$servers $!"
}
servers=

stop_servers() {
	local pid

	for pid in $servers; do
		kill -9 -- "-$pid" 2> /dev/null
		wait "$pid" 2> /dev/null
	done
	servers=
}

is_listening() {	# NAMESPACE FAMILY PORT
	listing "$1" "$2" | grep -q -i ":$(printf %04X "$3") 00000000:0000 0A "
}

server_ready() {
	# an emulated machine beside others takes its time to start a program
	poll_until 180 is_listening "$NB" "$S" "$PORT" || {
		cat "$case_dir/server"
		fail "nothing of $S listens on $PORT"
	}
}

# Connections opened and accepted in a namespace: "ACTIVE PASSIVE" in $R.
opens() {	# NAMESPACE FAMILY
	local file=/proc/net/snmp key=Tcp:

	[[ $2 == inet ]] || file=/proc/net/toytcp_stat key=
	R=$(in_ns "$1" awk -v key=$key '
		key != "" && $1 != key { next }
		!n { n = split($0, names); next }
		{ for (i = 1; i <= n; i++) value[names[i]] = $i }
		END { print value["ActiveOpens"], value["PassiveOpens"] }
	' $file)
}

other() { [[ $1 == inet ]] && echo toytcp || echo inet; }

# Run a case's function between two looks at the counters.
carried() {	# FUNCTION
	local -A before after
	local where family

	look before
	trap 'stop_servers; sk_stop_all' EXIT
	"$1"
	stop_servers
	look after
	((after[$NA.$C.0] > before[$NA.$C.0])) || fail "$C opened no connection"
	((after[$NB.$S.1] > before[$NB.$S.1])) || fail "$S accepted no connection"
	family=$(other "$C")
	((after[$NA.$family.0] == before[$NA.$family.0])) ||
		fail "$family opened connections, too"
	family=$(other "$S")
	((after[$NB.$family.1] == before[$NB.$family.1])) ||
		fail "$family accepted connections, too"
}

look() {	# ARRAY
	local -n to=$1
	local where family value

	for where in "$NA" "$NB"; do
		for family in inet toytcp; do
			opens "$where" $family
			read -r -a value <<< "$R"
			to[$where.$family.0]=${value[0]:-0}
			to[$where.$family.1]=${value[1]:-0}
		done
	done
}

hash_of() { sha256sum < "$1" | cut -d ' ' -f 1; }

same() {	# FILE FILE WHAT
	cmp -s "$1" "$2" ||
		fail "$3: $(stat -c %s "$2") bytes of hash $(hash_of "$2"), not $(stat -c %s "$1") of $(hash_of "$1")"
}

# --- what is left as it is -----------------------------------------------------

facts() {
	in_ns "$NA" "$BIN/run_probe" facts > "$case_dir/without" ||
		fail "run_probe: status $?"
	on toytcp "$NA" "$BIN/run_probe" facts > "$case_dir/with" ||
		fail "under toytcp run: status $?"
	diff "$case_dir/without" "$case_dir/with" || fail "facts differ"
	[[ $(wc -l < "$case_dir/with") -gt 90 ]] || fail "few facts"
}

facts_of_nobody() {
	local as=(setpriv --reuid 65534 --regid 65534 --clear-groups)

	cp "$BIN/run_probe" "$toytcp" "$tmp"
	chmod 755 "$tmp" "$tmp/run_probe" "$tmp/toytcp"
	in_ns "$NA" "${as[@]}" "$tmp/run_probe" facts > "$case_dir/without" ||
		fail "run_probe: status $?"
	in_ns "$NA" "${as[@]}" "$tmp/toytcp" run "$tmp/run_probe" facts \
		> "$case_dir/with" || fail "under toytcp run: status $?"
	diff "$case_dir/without" "$case_dir/with" || fail "facts differ"
}

# The family, type and protocol that the kernel says a socket has, each a call
# to python: SOCKET is what a program asks for.
domain() {	# FAMILY-OF-WRAPPER NAMESPACE SOCKET
	on "$1" "$2" python3 -IS -c "
from _socket import *
print(socket($3).getsockopt(SOL_SOCKET, SO_DOMAIN))"
}

which_sockets() {
	on toytcp "$NA" python3 -IS -c '
from _socket import *
def domain(*what):
    return socket(*what).getsockopt(SOL_SOCKET, SO_DOMAIN)
assert domain(AF_INET, SOCK_STREAM) == 18
assert domain(AF_INET, SOCK_STREAM, IPPROTO_TCP) == 18
assert domain(AF_INET, SOCK_STREAM, 262) == 18
assert domain(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) == 18
assert domain(AF_INET, SOCK_DGRAM) == AF_INET
assert domain(AF_INET, SOCK_RAW, IPPROTO_TCP) == AF_INET
assert domain(AF_INET6, SOCK_STREAM) == AF_INET6
assert domain(AF_UNIX, SOCK_STREAM) == AF_UNIX
' || fail "see above"
}

# --v4-mapped: AF_INET6's, too, which look like that to the program; a level of
# options that nobody else knows tells them apart. Nested, only if asked for outside.
which_sockets_mapped() {
	local run_options=--v4-mapped

	on toytcp "$NA" "$toytcp" run --v4-mapped python3 -IS -c '
from _socket import *
def facts(*what):
    s = socket(*what)
    return s.getsockopt(SOL_SOCKET, SO_DOMAIN), s.getsockopt(1818, 1)
for protocol in 0, IPPROTO_TCP, 262:
    assert facts(AF_INET, SOCK_STREAM, protocol) == (18, 0)
    assert facts(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol) == (AF_INET6, 1)
s = socket(AF_INET6, SOCK_DGRAM)
assert s.getsockopt(SOL_SOCKET, SO_DOMAIN) == AF_INET6
try:
    s.getsockopt(1818, 1)
except OSError:
    pass
else:
    assert False, "a datagram socket of ours"
s = socket(AF_INET6)
s.bind(("::", 0)); s.listen()
c = socket(AF_INET6)
c.connect(("::ffff:127.0.0.1", s.getsockname()[1]))
fd, peer = s._accept()
assert peer == c.getsockname() and peer[0] == "::ffff:127.0.0.1", peer
' || fail "see above"
	run_options=
	on toytcp "$NA" "$toytcp" run --v4-mapped true 2> "$case_dir/err"
	[[ $? == 1 ]] || fail "without it outside: $?"
	grep -q 'outside' "$case_dir/err" || fail "without it outside: no message"
}

ends() {
	local status

	for status in 0 1 7 255; do
		on toytcp "$NA" sh -c "exit $status"
		[[ $? == "$status" ]] || fail "exit status $status became $?"
	done
	(on toytcp "$NA" sh -c 'kill -USR1 $$') 2> /dev/null
	[[ $? == $((128 + 10)) ]] || fail "a signal became status $?"
	on toytcp "$NA" /nonexistent 2> /dev/null
	[[ $? == 127 ]] || fail "what is not there: $?"
	on toytcp "$NA" /etc/passwd 2> /dev/null
	[[ $? == 126 ]] || fail "what is no program: $?"
	# the process is the one that was started
	in_ns "$NA" bash -c 'echo $$; exec "$@"' - "$toytcp" run sh -c 'echo $$' \
		> "$case_dir/pids"
	[[ $(uniq "$case_dir/pids" | wc -l) == 1 ]] || fail "the process is another"
	# a pipe ends when the program has, whatever else lives on
	[[ $(on toytcp "$NA" sh -c 'sleep 1000 > /dev/null 2>&1 & echo $!' | tee "$case_dir/pid") ]] ||
		fail "no output"
	kill "$(< "$case_dir/pid")"
	poll_until 30 no_supervisor || fail "a supervisor stays: $(pgrep -l toytcp-run)"
}

no_supervisor() { ! pgrep -x toytcp-run > /dev/null; }

nested() {
	[[ $(domain toytcp "$NA" AF_INET) == 18 ]] || fail "one: not ours"
	[[ $(on toytcp "$NA" "$toytcp" run "$toytcp" run python3 -IS -c '
from _socket import *
print(socket().getsockopt(SOL_SOCKET, SO_DOMAIN))') == 18 ]] || fail "three: not ours"
}

# A program that goes elsewhere gets its socket there: by file, by unshare, by
# a user namespace of its own, and a thread alone.
namespaces() {
	local script='
from _socket import *
s = socket()
s.bind(("0.0.0.0", 8080)); s.listen(1)
print(s.getsockopt(SOL_SOCKET, SO_DOMAIN), open("/proc/thread-self/net/toytcp").read().count(":1F90 "))'
	local how

	for how in "nsenter --net=/run/netns/$NB" "unshare --net" \
		"setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user --map-root-user --net"; do
		# shellcheck disable=SC2086	# words
		[[ $(on toytcp "$NA" $how python3 -IS -c "$script") == "18 1" ]] ||
			fail "$how: not there"
	done
	cp "$toytcp" "$tmp"
	chmod 755 "$tmp" "$tmp/toytcp"
	[[ $(in_ns "$NA" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$tmp/toytcp" run unshare --user --map-root-user --net python3 -IS -c "$script") == "18 1" ]] ||
		fail "nobody's own namespace: not there"
}

owner() {
	[[ $(on toytcp "$NA" setpriv --reuid 1234 --regid 1234 --clear-groups python3 -IS -c '
from _socket import *
s = socket()
print(open("/proc/net/toytcp").read().split("\n")[1].split()[7])') == 1234 ]] ||
		fail "the socket is not the program's user's"
}

# Killed, it leaves the sockets that are there, and a program that can tell.
supervisor_killed() {
	# shellcheck disable=SC2016
	on toytcp "$NA" bash -c '
exec 3<> /dev/tcp/127.0.0.1/9 || true
pkill -9 -x toytcp-run
while pgrep -x toytcp-run > /dev/null; do sleep 0.1; done
python3 -IS -c "
from _socket import *
try:
    socket()
except OSError as e:
    assert e.errno == 38, e	# ENOSYS
else:
    assert False
socket(AF_INET, SOCK_DGRAM)
"' 2> "$case_dir/err" || { cat "$case_dir/err"; fail "see above"; }
}

# "toytcp nc" with itself, both ways at once and one longer than the other; and
# its messages.
by_hand() {
	in_ns "$NB" "$toytcp" nc -l 10.77.0.2 "$PORT" < "$tmp/www/small" \
		> "$case_dir/there" 2> "$case_dir/server" &
	sk_pids="$sk_pids $!"
	server_ready
	in_ns "$NA" "$toytcp" nc -v 10.77.0.2 "$PORT" < "$tmp/www/range" \
		> "$case_dir/here" 2> "$case_dir/err" || fail "nc: $? $(cat "$case_dir/err")"
	wait $! || fail "nc -l: $? $(cat "$case_dir/server")"
	same "$tmp/www/range" "$case_dir/there" "up"
	same "$tmp/www/small" "$case_dir/here" "down"
	grep -q ' is connected to 10\.77\.0\.2:' "$case_dir/err" || fail "-v says nothing"
	in_ns "$NA" "$toytcp" nc 10.77.0.2 "$PORT" < /dev/null 2> "$case_dir/err"
	[[ $? == 1 ]] || fail "nobody listens: $?"
	grep -q 'Connection refused' "$case_dir/err" || fail "nobody listens: no message"
	cp "$toytcp" "$tmp"
	chmod 755 "$tmp" "$tmp/toytcp"
	in_ns "$NA" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$tmp/toytcp" nc -l 80 2> "$case_dir/err" < /dev/null
	[[ $? == 1 ]] || fail "a port of root's: $?"
	grep -q 'CAP_NET_BIND_SERVICE' "$case_dir/err" || fail "a port of root's: no message"
}

# The examples of userspace/, with each other.
examples() {
	S=inet server "$examples/server" "$PORT"	# asks for the family itself
	server_ready
	for _ in 1 2 3; do
		[[ $(in_ns "$NA" "$examples/client" 10.77.0.2 "$PORT") == hello ]] ||
			fail "no echo"
	done
	in_ns "$NB" timeout 20 "$examples/server" "$PORT" 2> "$case_dir/err"
	[[ $? == 1 ]] || fail "a port that is taken: $?"
	grep -q 'in use' "$case_dir/err" || fail "a port that is taken: no message"
}

cost() {
	local without with

	without=$(in_ns "$NA" "$BIN/run_probe" cost) || fail "run_probe: status $?"
	with=$(on toytcp "$NA" "$BIN/run_probe" cost) || fail "with: status $?"
	echo "# without: $without"
	echo "# with:    $with"
}

# --- programs ------------------------------------------------------------------

curl_get() { client curl -sS -f -4 --max-time 300 "$@"; }

nginx_start() {	# [SENDFILE [LISTEN]]; ports $PORT and, for TLS, $PORT + 1000
	local dir=$case_dir/nginx

	rm -rf "$dir"
	mkdir -p "$dir"
	chmod 755 "$tmp" "$case_dir" "$dir"
	cat > "$dir/conf" <<-END
		daemon off;
		user root;
		worker_processes 2;
		pid $dir/pid;
		error_log stderr;
		events { worker_connections 512; }
		http {
			access_log off;
			sendfile ${1:-on};
			tcp_nopush on;
			keepalive_requests 100000;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				listen ${2:-10.77.0.2:$PORT};
				listen 10.77.0.2:$((PORT + 1000)) ssl;
				ssl_certificate $tmp/cert.pem;
				ssl_certificate_key $tmp/key.pem;
				root $tmp/www;
			}
		}
	END
	server nginx -c "$dir/conf" -e stderr
	server_ready
}

web() {	# [SENDFILE]
	local url=http://10.77.0.2:$PORT connects

	nginx_start "$@"
	curl_get -o "$case_dir/small" "$url/small" || fail "small page: $?"
	same "$tmp/www/small" "$case_dir/small" "small page"
	curl_get -o "$case_dir/big" "$url/big" || fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
	curl_get -r 1000000-1999999 -o "$case_dir/range" "$url/big" || fail "range: $?"
	same "$tmp/www/range" "$case_dir/range" "range"
	connects=$(curl_get -o /dev/null -w '%{num_connects} ' "$url/small?[1-20]") ||
		fail "keep-alive: $?"
	[[ $(wc -w <<< "$connects") == 20 && $(tr -d ' ' <<< "$connects") =~ ^10*$ ]] ||
		fail "keep-alive: connects $connects"
	curl_get --cacert "$tmp/cert.pem" -o "$case_dir/tls" \
		"https://10.77.0.2:$((PORT + 1000))/crypt" || fail "HTTPS: $?"
	same "$tmp/www/crypt" "$case_dir/tls" "HTTPS"
}

web_copied() { web off; }

load() {
	nginx_start
	client wrk -t 2 -c 100 -d 30 "http://10.77.0.2:$PORT/small" > "$case_dir/wrk" ||
		fail "wrk: $?"
	cat "$case_dir/wrk"
	grep -E '^Requests/sec' "$case_dir/wrk" | sed 's/^/# /'
	! grep -E 'Socket errors|Non-2xx' "$case_dir/wrk" || fail "requests failed"
}

python_http() {
	server python3 -m http.server --bind 10.77.0.2 --directory "$tmp/www" "$PORT"
	server_ready
	curl_get -o "$case_dir/big" "http://10.77.0.2:$PORT/big" || fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
}

# Programs that listen on :: alone, and a client that is given such an address.
python_http_mapped() {
	local run_options=--v4-mapped

	server python3 -m http.server --bind :: --directory "$tmp/www" "$PORT"
	server_ready
	client curl -sS -f -g -o "$case_dir/big" "http://[::ffff:10.77.0.2]:$PORT/big" ||
		fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
}

web_mapped() {
	local run_options=--v4-mapped

	nginx_start on "[::]:$PORT ipv6only=off"
	client curl -sS -f -g -o "$case_dir/big" "http://[::ffff:10.77.0.2]:$PORT/big" ||
		fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
}

asyncio_echo() {
	server python3 "$tmp/echo.py" server 10.77.0.2 "$PORT"
	server_ready
	client python3 "$tmp/echo.py" client 10.77.0.2 "$PORT" "$echo_clients" ||
		fail "clients: $?"
}

iperf() {
	local how

	server iperf3 -4 -s -p "$PORT"
	server_ready
	for how in "" -R "-P 8" --bidir; do
		# shellcheck disable=SC2086	# words
		client iperf3 -4 -c 10.77.0.2 -p "$PORT" -t "$iperf_s" $how \
			> "$case_dir/iperf" 2>&1 || {
			cat "$case_dir/iperf"
			fail "iperf3 $how: $?"
		}
		grep -q -E ' [1-9][0-9.]* .?bits/sec.* receiver' "$case_dir/iperf" || {
			cat "$case_dir/iperf"
			fail "iperf3 $how: nothing arrived"
		}
	done
}

socat_echo() {
	server socat "TCP4-LISTEN:$PORT,bind=10.77.0.2,reuseaddr,fork" EXEC:cat
	server_ready
	client socat -t 60 - "TCP4:10.77.0.2:$PORT" < "$tmp/www/range" > "$case_dir/back" ||
		fail "socat: $?"
	same "$tmp/www/range" "$case_dir/back" "what came back"
}

netcat() {
	on "$S" "$NB" nc -l -N 10.77.0.2 "$PORT" < "$tmp/www/small" > "$case_dir/there" &
	sk_pids="$sk_pids $!"
	server_ready
	client nc -N 10.77.0.2 "$PORT" < "$tmp/www/range" > "$case_dir/here" ||
		fail "nc: $?"
	wait $! || fail "nc -l: $?"
	same "$tmp/www/range" "$case_dir/there" "up"
	same "$tmp/www/small" "$case_dir/here" "down"
}

# Without a C library: nothing but the kernel could have put the family in.
static_go() {
	server "$BIN/go_echo" server "10.77.0.2:$PORT"
	server_ready
	client "$BIN/go_echo" client "10.77.0.2:$PORT" "$tmp/www/range" 20 ||
		fail "go_echo: $?"
}

redis() {
	server redis-server --bind 10.77.0.2 --port "$PORT" --save "" \
		--protected-mode no --dir "$case_dir"
	server_ready
	client redis-benchmark -h 10.77.0.2 -p "$PORT" -n "$redis_n" -c 20 -q \
		-t set,get,lpush,lrange_100 > "$case_dir/bench" 2>&1 || {
		cat "$case_dir/bench"
		fail "redis-benchmark: $?"
	}
	! grep -i error "$case_dir/bench" || fail "redis-benchmark"
	client redis-cli -h 10.77.0.2 -p "$PORT" -x set key < "$tmp/www/range" > /dev/null ||
		fail "set: $?"
	client redis-cli -h 10.77.0.2 -p "$PORT" --raw get key | head -c -1 > "$case_dir/value"
	same "$tmp/www/range" "$case_dir/value" "the value"
}

secure_copy() {
	local opts=(-q -i "$tmp/id" -P "$PORT" -o StrictHostKeyChecking=no
		-o UserKnownHostsFile=/dev/null -o BatchMode=yes)

	mkdir -p /run/sshd
	server /usr/sbin/sshd -D -e -f /dev/null -h "$tmp/hostkey" -p "$PORT" \
		-o ListenAddress=10.77.0.2 -o StrictModes=no -o UsePAM=no \
		-o PidFile=none -o PermitRootLogin=yes -o AuthorizedKeysFile="$tmp/id.pub" \
		-o Subsystem="sftp internal-sftp"
	server_ready
	client scp "${opts[@]}" "$tmp/www/crypt" "root@10.77.0.2:$case_dir/up" || {
		cat "$case_dir/server"
		fail "scp up: $?"
	}
	same "$tmp/www/crypt" "$case_dir/up" "up"
	client scp "${opts[@]}" "root@10.77.0.2:$case_dir/up" "$case_dir/down" ||
		fail "scp down: $?"
	same "$tmp/www/crypt" "$case_dir/down" "down"
}

# --- a proxy, a database, a cache, JavaScript ------------------------------------

# Many small ones, each with a connection of its own and without.
requests() {	# URL
	local how

	for how in -k ""; do
		# shellcheck disable=SC2086	# words
		client ab -q -s 300 -n "$ab_n" -c 20 $how "$1" > "$case_dir/ab" 2>&1 || {
			cat "$case_dir/ab"
			fail "ab $how: $?"
		}
		grep -q -E "^Complete requests: +$ab_n\$" "$case_dir/ab" &&
			grep -q -E '^Failed requests: +0$' "$case_dir/ab" &&
			! grep -E 'Non-2xx' "$case_dir/ab" || {
			cat "$case_dir/ab"
			fail "ab $how: requests failed"
		}
	done
}

# Through a proxy, that is server and client: health checks, connections that
# are used again, and splice() from socket to socket.
proxy() {
	local port=$((PORT + 2000)) url=http://10.77.0.2:$((PORT + 2000))

	nginx_start
	cat > "$case_dir/haproxy.cfg" <<-END
		global
			maxconn 500
		defaults
			mode http
			timeout connect 60s
			timeout client 60s
			timeout server 60s
			option splice-auto
		frontend in
			bind 10.77.0.2:$port
			default_backend out
		backend out
			option httpchk GET /small
			option redispatch
			http-reuse always
			server one 10.77.0.2:$PORT check inter 500 tfo
			server two 10.77.0.2:$PORT source 10.77.0.2
	END
	server haproxy -db -q -f "$case_dir/haproxy.cfg"
	PORT=$port server_ready
	curl_get -o "$case_dir/big" "$url/big" || fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
	requests "$url/small"
}

# Threads on a listener that hears of a connection when there are data
# (TCP_DEFER_ACCEPT), and is looked for by several processes.
apache() {
	local dir=$case_dir/apache modules=/usr/lib/apache2/modules

	mkdir -p "$dir"
	chmod 755 "$tmp" "$case_dir" "$tmp/www"
	cat > "$dir/conf" <<-END
		ServerRoot $dir
		PidFile $dir/pid
		ErrorLog $dir/log
		ServerName toytcp
		Listen 10.77.0.2:$PORT
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule reqtimeout_module $modules/mod_reqtimeout.so
		User nobody
		Group nogroup
		AcceptFilter http data
		EnableSendfile on
		MaxKeepAliveRequests 0
		DocumentRoot $tmp/www
		<Directory $tmp/www>
		    Require all granted
		</Directory>
	END
	server apache2 -f "$dir/conf" -DFOREGROUND
	server_ready
	curl_get -o "$case_dir/big" "http://10.77.0.2:$PORT/big" || fail "big file: $?"
	same "$tmp/www/big" "$case_dir/big" "big file"
	requests "http://10.77.0.2:$PORT/small"
}

# A daemon and a client that set what options they are told to, and a process
# for each connection.
synchronize() {
	local options=SO_KEEPALIVE,TCP_NODELAY,SO_SNDBUF=200000,SO_RCVBUF=200000,IPTOS_THROUGHPUT

	printf '%s\n' "uid = 0" "gid = 0" "use chroot = no" "socket options = $options" \
		"[www]" "path = $tmp/www" > "$case_dir/rsyncd.conf"
	# another pair's files would need no copying
	rm -rf "$case_dir/copy"
	server rsync --daemon --no-detach --config="$case_dir/rsyncd.conf" \
		--address=10.77.0.2 --port="$PORT"
	server_ready
	client rsync -4 -a --sockopts="$options" "rsync://10.77.0.2:$PORT/www/" \
		"$case_dir/copy" || {
		cat "$case_dir/server"
		fail "rsync: $?"
	}
	same "$tmp/www/big" "$case_dir/copy/big" "big file"
	same "$tmp/www/small" "$case_dir/copy/small" "small file"
}

# Ten clients of a cache, each with values of many sizes, read back.
cache() {
	server memcached -u nobody -l 10.77.0.2 -p "$PORT" -U 0 -m 64 -c 200
	server_ready
	client python3 -IS -c '
import os, socket, sys, threading
def talk(n):
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    f = s.makefile("rb")
    values = [os.urandom(size) for size in (1, 1000, 70000, 500000)]
    for i, value in enumerate(values):
        s.sendall(b"set k%d.%d 0 0 %d\r\n" % (n, i, len(value)) + value + b"\r\n")
        assert f.readline() == b"STORED\r\n"
    s.sendall(b"get " + b" ".join(b"k%d.%d" % (n, i) for i in range(4)) + b"\r\n")
    for i, value in enumerate(values):
        assert f.readline() == b"VALUE k%d.%d 0 %d\r\n" % (n, i, len(value))
        assert f.read(len(value) + 2) == value + b"\r\n"
    assert f.readline() == b"END\r\n"
    s.sendall(b"quit\r\n")
    assert f.read() == b""
    done.append(n)
done = []
threads = [threading.Thread(target=talk, args=(n,)) for n in range(10)]
for t in threads: t.start()
for t in threads: t.join()
assert len(done) == 10, len(done)
' 10.77.0.2 "$PORT" || fail "clients: $?"
}

# A process for each connection; keepalive and TCP_USER_TIMEOUT are set by it.
database() {
	local bin as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	local db="host=10.77.0.2 port=$PORT user=me dbname=postgres"

	bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	chmod 755 "$tmp" "$case_dir"
	# not what a case before has left there
	rm -rf "$case_dir/db"
	install -d -o 65534 -g 65534 "$case_dir/db"
	"${as[@]}" "$bin/initdb" -D "$case_dir/db" -U me -A trust -N > "$case_dir/initdb" 2>&1 || {
		cat "$case_dir/initdb"
		fail "initdb: $?"
	}
	echo "host all me 10.77.0.0/16 trust" >> "$case_dir/db/pg_hba.conf"
	server "${as[@]}" "$bin/postgres" -D "$case_dir/db" -p "$PORT" -k '' -F \
		-c listen_addresses=10.77.0.2 -c tcp_user_timeout=60000 \
		-c tcp_keepalives_idle=30 -c client_connection_check_interval=1000
	server_ready
	poll_until 60 client psql -q "$db" -c 'create table t (line text)' ||
		fail "psql: $(cat "$case_dir/server")"
	# with its log it takes four times as much of the guest's memory
	head -c 10000000 "$tmp/www/crypt" | base64 -w 100 > "$case_dir/in"
	client psql -q "$db tcp_user_timeout=60000" -c '\copy t from stdin' < "$case_dir/in" ||
		fail "copy in: $?"
	client psql -q "$db" -c '\copy t to stdout' > "$case_dir/back" || fail "copy out: $?"
	same "$case_dir/in" "$case_dir/back" "the table"
	client "$bin/pgbench" -q -i "$db" > "$case_dir/bench" 2>&1 &&
		client "$bin/pgbench" -n -c 10 -j 2 -t "$pgbench_n" "$db" >> "$case_dir/bench" 2>&1 &&
		client "$bin/pgbench" -n -C -S -c 4 -t 20 "$db" >> "$case_dir/bench" 2>&1 || {
		cat "$case_dir/bench"
		fail "pgbench: $?"
	}
	[[ $(grep -c -E '^number of failed transactions: 0 ' "$case_dir/bench") == 2 ]] || {
		cat "$case_dir/bench"
		fail "pgbench: transactions failed"
	}
}

# http with keep-alive and without, what is sent coming back; and plain streams,
# of which each end is closed by itself.
javascript() {
	server node "$tmp/echo.js" server 10.77.0.2 "$PORT"
	PORT=$((PORT + 1000)) server_ready
	client node "$tmp/echo.js" client 10.77.0.2 "$PORT" "$tmp/www/range" || {
		cat "$case_dir/server"
		fail "node: $?"
	}
}

# A static binary with AF_INET in it, that changes namespaces itself.
static_program() {
	client "$BIN/xfer" both --client-family inet --server-family inet \
		--client-netns "$NA" --server-netns "$NB" --addr 10.77.0.2 \
		--port "$PORT" --up 5M --down 5M --seed "$SEED" || fail "xfer: $?"
}

# --- all -------------------------------------------------------------------------

prepare() {
	mkdir "$tmp/www"
	head -c $big_bytes /dev/urandom > "$tmp/www/big"
	head -c 2000000 "$tmp/www/big" | tail -c 1000000 > "$tmp/www/range"
	head -c 3000 /dev/urandom > "$tmp/www/small"
	# what is encrypted: on an emulated machine that is what takes time
	head -c $crypt_bytes "$tmp/www/big" > "$tmp/www/crypt"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=toytcp \
		-addext subjectAltName=IP:10.77.0.2 2> /dev/null
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/id"
	ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
	cat > "$tmp/echo.py" <<-'END'
		import asyncio, os, sys

		async def serve(reader, writer):
		    while data := await reader.read(65536):
		        writer.write(data)
		        await writer.drain()
		    writer.close()

		async def talk(host, port):
		    reader, writer = await asyncio.open_connection(host, port)
		    for size in 1, 1000, 30000:
		        data = os.urandom(size)
		        writer.write(data)
		        assert await reader.readexactly(size) == data
		    writer.write_eof()
		    assert await reader.read() == b""
		    writer.close()

		async def main(what, host, port, n=0):
		    if what == "server":
		        server = await asyncio.start_server(serve, host, port, backlog=512)
		        await server.serve_forever()
		    await asyncio.gather(*(talk(host, port) for _ in range(int(n))))

		asyncio.run(main(*sys.argv[1:]))
	END
	cat > "$tmp/echo.js" <<-'END'
		const [,, what, host, port, file] = process.argv;
		const http = require('http'), net = require('net'), fs = require('fs');
		const {pipeline} = require('stream/promises'), {buffer} = require('stream/consumers');

		function serve() {
		  http.createServer((req, res) => req.pipe(res)).listen({host, port, backlog: 511}, () =>
		    net.createServer({allowHalfOpen: true}, s => s.pipe(s)).listen(+port + 1000, host));
		}

		function request(data, agent) {
		  return new Promise((resolve, reject) => {
		    http.request({host, port, agent, method: 'POST'}, res => resolve(buffer(res)))
		      .on('error', reject).end(data);
		  });
		}

		async function plain(data) {
		  const s = net.connect({host, port: +port + 1000, noDelay: true, keepAlive: true});
		  const back = buffer(s);
		  for (let at = 0; at < data.length; at += 50000)
		    if (!s.write(data.subarray(at, at + 50000)))
		      await new Promise(resolve => s.once('drain', resolve));
		  s.end();
		  return back;
		}

		function refused() {
		  return new Promise((resolve, reject) => net.connect(+port + 1, host)
		    .on('connect', () => reject('connected')).on('error', e => resolve(e.code)));
		}

		async function talk() {
		  const data = fs.readFileSync(file), agent = new http.Agent({keepAlive: true, maxSockets: 4});
		  const all = [];
		  for (let n = 0; n < 60; n++) {
		    const part = data.subarray(0, n * n * n);
		    all.push([part, request(part, n % 3 ? agent : false)]);
		    if (n % 4 == 0)
		      all.push([part, plain(part)]);
		  }
		  all.push([data, request(data, agent)], [data, plain(data)]);
		  for (const [sent, back] of all)
		    if (!sent.equals(await back))
		      throw new Error('what came back is not what was sent');
		  const used = Object.values(agent.freeSockets).flat().length;
		  if (used < 1 || used > 4 || await refused() != 'ECONNREFUSED')
		    throw new Error(`${used} kept alive`);
		  agent.destroy();
		}

		if (what == 'server') serve(); else talk();
	END
}

programs() {
	run_case "$(pair_name): curl and nginx" carried web
	# with the host's TCP at one end the others are for the long form
	[[ $LONG == 1 || $C$S == toytcptoytcp ]] || return 0
	run_case "$(pair_name): asyncio, $echo_clients clients" carried asyncio_echo
	run_case "$(pair_name): iperf3" carried iperf
	run_case "$(pair_name): redis" carried redis
	run_case "$(pair_name): scp" carried secure_copy
	if [[ $LONG == 1 ]]; then
		run_case "$(pair_name): netcat" carried netcat
		run_case "$(pair_name): socat" carried socat_echo
		run_case "$(pair_name): python http.server" carried python_http
		run_case "$(pair_name): curl and nginx without sendfile" carried web_copied
		run_case "$(pair_name): nginx and wrk" carried load
		run_case "$(pair_name): a static program of Go" carried static_go
		run_case "$(pair_name): haproxy and ab" carried proxy
		run_case "$(pair_name): Apache and ab" carried apache
		run_case "$(pair_name): rsync" carried synchronize
		run_case "$(pair_name): memcached" carried cache
		run_case "$(pair_name): PostgreSQL" carried database
		run_case "$(pair_name): Node.js" carried javascript
	fi
}

if [[ $LONG == 1 ]]; then
	echo_clients=500 iperf_s=10 redis_n=100000 ab_n=1000 pgbench_n=50 crypt_bytes=100000000 big_bytes=100000000
else
	echo_clients=100 iperf_s=1 redis_n=500 ab_n=200 pgbench_n=10 crypt_bytes=1000000 big_bytes=5000000
fi
load_module
topology r
prepare
[[ $LONG == 1 ]] && run_case "facts" facts
run_case "facts of nobody" facts_of_nobody
run_case "which sockets" which_sockets
run_case "which sockets with --v4-mapped" which_sockets_mapped
run_case "the end of a program" ends
run_case "nested" nested
run_case "network namespaces" namespaces
run_case "the owner" owner
run_case "the supervisor is killed" supervisor_killed
[[ $LONG == 1 ]] && run_case "cost" cost
C=toytcp S=toytcp
run_case "toytcp nc" carried by_hand
run_case "the examples" carried examples
run_case "a static program" carried static_program
if [[ $LONG == 1 ]]; then
	run_case "v4-mapped: python http.server" carried python_http_mapped
	run_case "v4-mapped: curl and nginx" carried web_mapped
fi
for_pairs programs
finish
