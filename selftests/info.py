#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""TCP_INFO of AF_TOYTCP beside the kernel's, field by field.

Usage: info.py NAMESPACE_A NAMESPACE_B DEVICE_A DEVICE_B

Connections from A to B with the same traffic and the same losses: the kernel's
TCP at both ends; AF_TOYTCP as the sender; AF_TOYTCP as the receiver. Its
struct tcp_info must say in each situation what the kernel's says there. What
no rule below names must be equal.

The path has 40 ms; each segment is a buffer of its own (gso_max_segs), so that
netem and nftables meet segments. Under emulation a clock can run away with a
situation, the kernel's or ours: one that differs is looked at three times, and
ours must once be as one of the kernel's until then was.
"""
import ctypes
import os
import socket
import subprocess
import sys
import time

from ip_wire import A, B, DEV_A, DEV_B, NS_A, NS_B, TOYTCP, enter, new_socket, nft

INET = socket.AF_INET
MSS = 1448
DELAY_MS = 20		# each way

# struct tcp_info of Linux 6.12; bit fields are NAME:BITS
LAYOUT = ((ctypes.c_uint8, """state ca_state retransmits probes backoff options snd_wscale:4
		rcv_wscale:4 delivery_rate_app_limited:1 fastopen_client_fail:2"""),
	(ctypes.c_uint32, """rto ato snd_mss rcv_mss unacked sacked lost retrans fackets
		last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt
		rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans"""),
	(ctypes.c_uint64, "pacing_rate max_pacing_rate bytes_acked bytes_received"),
	(ctypes.c_uint32, "segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out"),
	(ctypes.c_uint64, "delivery_rate busy_time rwnd_limited sndbuf_limited"),
	(ctypes.c_uint32, "delivered delivered_ce"),
	(ctypes.c_uint64, "bytes_sent bytes_retrans"),
	(ctypes.c_uint32, "dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash"),
	(ctypes.c_uint16, "total_rto total_rto_recoveries"),
	(ctypes.c_uint32, "total_rto_time"))


class Info(ctypes.Structure):
    _fields_ = [(name.split(":")[0], kind, *map(int, name.split(":")[1:]))
                for kind, names in LAYOUT for name in names.split()]


def near(part, more):
    """As much as that part of the larger one, or so much, may lie between."""
    return lambda a, b: abs(a - b) <= max(part * max(a, b), more)


def zero_like(a, b):
    return bool(a) == bool(b)


def anything(_a, _b):
    return True


# Times, and what follows from them: the kernel counts some in ticks of 4 or
# 10 ms, and no two transfers take the same time, least under emulation.
MS = 1000
RULES = {
    **dict.fromkeys(("last_data_sent", "last_data_recv", "last_ack_recv"), near(.4, 150)),
    **dict.fromkeys(("rto", "rtt", "min_rtt"), near(.2, 40 * MS)),
    **dict.fromkeys(("busy_time", "rwnd_limited"), near(.4, 100 * MS)),
    "rttvar": near(.5, 20 * MS),
    "total_rto_time": near(.4, 100),
    "pacing_rate": near(.5, 0),
    "delivery_rate": near(.5, 0),
    # a situation that has it says so
    "sndbuf_limited": anything,
    "rcv_rtt": near(.5, 20 * MS),
    # the kernel's grows to 200 ms with silence; ours is what a delayed ACK waits for
    "ato": zero_like,
    # the kernel's grows by segments from 44 of them, ours is by what buffers weigh
    "rcv_ssthresh": near(.25, 0), "rcv_wnd": near(.25, 0), "snd_wnd": near(.25, 0),
    # slow start counts ACKs, and its end is by the clock
    "snd_cwnd": near(.25, 2), "snd_ssthresh": near(.25, 2),
    # how often a receiver acknowledges is its own affair
    "segs_out": {"S": near(0, 1), "R": near(.6, 3)},
    "segs_in": {"S": near(.6, 3), "R": near(0, 1)},
    # the peer hashes anew when a segment comes twice, which ours leaves alone
    "rehash": {"S": near(0, 0), "R": anything},
}

# The buffer grows with what was read in a round trip; ours offers the room at once,
# the kernel's two segments of it with each that comes.
FOLLOWS_BUFFER = "rcv_space", "rcv_ssthresh", "rcv_wnd", "snd_wnd"


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def drop(rule):
    """Segments that come to B are dropped, or marked, by this rule."""
    nft("table netdev i { chain c {\n"
        f"type filter hook ingress device {DEV_B} priority 0; ip length > 1000 {rule}\n}}\n}}")


def drop_no_more():
    nft("delete table netdev i")


def sysctl_ecn(value):
    for namespace in NS_A, NS_B:
        enter(namespace)
        for path in "/proc/sys/net/ipv4/tcp_ecn", "/proc/sys/net/toytcp/ecn":
            if os.path.exists(path):
                with open(path, "w") as file:
                    file.write(str(value))


def info(s):
    raw = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 400)
    # an older kernel knows less of it, for both
    return Info.from_buffer_copy(raw + bytes(ctypes.sizeof(Info) - len(raw)))


class Pair:
    """A sender in A, a receiver in B, and what both said of themselves."""
    port = 9000

    def __init__(self, sender, receiver):
        self.families, self.taken = (sender, receiver), []

    def connect(self, sndbuf=1 << 20, rcvbuf=None):
        Pair.port += 1
        enter(NS_B)
        with new_socket(self.families[1], 20) as listener:
            if rcvbuf:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            listener.bind((B, Pair.port))
            listener.listen(1)
            enter(NS_A)
            self.s = new_socket(self.families[0], 20)
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
            self.s.connect((B, Pair.port))
            self.r = listener.accept()[0]
            self.r.settimeout(20)

    def send(self, segments):
        self.s.sendall(bytes(segments * MSS))

    def read(self, segments):
        left = segments * MSS
        while left:
            left -= len(self.r.recv(left))

    def settled(self):
        """All is acknowledged, and the last delayed ACK is gone, too."""
        end = time.monotonic() + 20
        while info(self.s).unacked and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)

    def stream(self, segments):
        self.send(segments)
        self.read(segments)
        self.settled()

    def take(self, what, *ignored):
        self.taken.append((what, ignored, info(self.s), info(self.r)))

    def close(self):
        self.s.close()
        self.r.close()


def idle(p):
    p.connect()
    time.sleep(0.1)
    p.take("after the handshake")


def dialogue(p):
    p.connect()
    for _ in range(3):
        p.s.sendall(bytes(100))
        p.r.recv(100)
        p.r.sendall(bytes(1000))
        p.s.recv(1000)
    time.sleep(0.1)
    # which segments were measured is by the clock
    p.take("after a dialogue", "rcv_rtt")
    p.s.shutdown(socket.SHUT_WR)
    time.sleep(0.1)
    p.take("half closed", "rcv_rtt")


def stream(p):
    p.connect()
    p.stream(40)
    p.take("after a stream", *FOLLOWS_BUFFER)


def window(p):
    p.connect(rcvbuf=20000)
    p.send(60)
    time.sleep(0.6)
    # how much went into the window, and how fast, is by what a buffer may hold
    by_buffer = ("bytes_acked", "bytes_sent", "bytes_received", "notsent_bytes", "delivered",
                 "data_segs_out", "data_segs_in", "snd_cwnd", "pacing_rate", "delivery_rate",
                 "segs_out", "segs_in", "rcv_rtt", "busy_time", "last_data_recv",
                 "last_ack_recv")
    p.take("the peer's window is closed", *by_buffer)
    p.read(60)
    p.settled()
    p.take("it was", "snd_cwnd", "pacing_rate", "delivery_rate", "segs_out", "segs_in",
           "data_segs_out", "data_segs_in", "delivered", "rcv_rtt", "rcv_space", "rwnd_limited",
           "busy_time", "rcv_ssthresh")


def loss(p):
    drop("numgen inc mod 100 == 20 drop")
    p.connect()
    p.stream(40)
    p.take("after a loss", *FOLLOWS_BUFFER)
    drop_no_more()


def timeout(p):
    p.connect()
    p.stream(20)
    drop("drop")
    p.send(8)
    time.sleep(0.55)
    # nft takes its time, and the data that never came are waited for since the handshake
    never = "last_data_recv", "last_data_sent"
    p.take("after a timeout", *never)
    drop_no_more()
    p.read(8)
    p.settled()
    p.take("after the recovery", *never)


def tail(p):
    drop("numgen inc mod 100 == 9 drop")
    p.connect()
    p.stream(10)
    p.take("after a loss probe")
    drop_no_more()


def marks(p):
    drop("numgen inc mod 100 == 20 ip ecn set ce")
    p.connect()
    p.stream(40)
    p.take("after a mark", *FOLLOWS_BUFFER)
    drop_no_more()


def differences(kernel, ours, role, ignored):
    for name, *_ in Info._fields_:
        rule = RULES.get(name, near(0, 0))
        if isinstance(rule, dict):
            rule = rule[role]
        a, b = getattr(kernel, name), getattr(ours, name)
        if name not in ignored and not rule(a, b):
            yield f"{name} {a}, ours {b}"


def compare(situation, kernels):
    """[(what, difference or None), ...] as sender and as receiver, to the nearest of what the
    kernel's said in @kernels, looks of before; this one's is added."""
    taken = []
    for families in (INET, INET), (TOYTCP, INET), (INET, TOYTCP):
        pair = Pair(*families)
        situation(pair)
        pair.close()
        taken.append(pair.taken)
    kernels.append(taken[0])
    for i, (what, ignored, *_) in enumerate(taken[0]):
        for role, side, ours in (("S", 0, taken[1][i][2]), ("R", 1, taken[2][i][3])):
            found = min((list(differences(kernel[i][2 + side], ours, role, ignored))
                         for kernel in kernels), key=len)
            yield f"{what}, {'sender' if role == 'S' else 'receiver'}", "; ".join(found)


def main():
    for namespace, dev in (NS_A, DEV_A), (NS_B, DEV_B):
        run("ip", "-n", namespace, "link", "set", dev, "gso_max_segs", "1")
        run("tc", "-n", namespace, "qdisc", "add", "dev", dev, "root", "netem", "limit", "1000",
            "delay", f"{DELAY_MS}ms")
        enter(namespace)
        with open("/proc/sys/net/ipv4/tcp_no_metrics_save", "w") as file:
            file.write("1")
    # and the neighbours know each other
    first = Pair(INET, INET)
    idle(first)
    first.close()
    for situation in idle, dialogue, stream, window, loss, timeout, tail, marks:
        if situation == marks:
            sysctl_ecn(1)
        wrong, kernels = {}, []
        for _ in range(3):
            found = dict(compare(situation, kernels))
            wrong = {what: why for what, why in found.items() if why and wrong.get(what, why)}
            if not wrong:
                break
            print(f"# {wrong}")
        for what in found:
            print(f"not ok {what} - {wrong[what]}" if what in wrong else f"ok {what}", flush=True)


main()
