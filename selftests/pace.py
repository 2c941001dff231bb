#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What pace.c is for, with real devices: SO_MAX_PACING_RATE holds, with the
socket's own timer and with fq; what waits in a slow queueing discipline is
little, however large the window has become; and BBR paces by what the path
delivers, as the kernel's does where it has one.

usage: pace.py FAMILY NETNS_A NETNS_B DEV_A DEV_B   (A sends; prints a line a case)
"""
import ctypes
import json
import socket
import struct
import subprocess
import sys
import threading
import time

SO_MAX_PACING_RATE = 47
TCP_CC_INFO = 26
TCP_INFO_PACING_RATE = 104      # offset of tcpi_pacing_rate and tcpi_max_pacing_rate

family, netns_a, netns_b, dev_a, dev_b = sys.argv[1:]
AF_TOYTCP = 18
libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    with open("/run/netns/" + netns) as f:
        if libc.setns(f.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")


def client_socket(kind):
    """Python knows addresses of AF_INET alone, and AF_TOYTCP has the same."""
    if kind == "inet":
        return socket.socket()
    fd = libc.socket(AF_TOYTCP, socket.SOCK_STREAM, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "socket")
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)


def tc(netns, *words):
    return subprocess.run(["tc", "-n", netns, *words], check=True,
                          stdout=subprocess.PIPE).stdout


def drain(listener, done):
    conn, _ = listener.accept()
    total = 0
    while data := conn.recv(1 << 16):
        total += len(data)
    done.append((total, time.monotonic()))
    conn.close()


def transfer(size, rate=None, watch=None, kind=family, cong=None, option=socket.TCP_INFO):
    """Send so much from A to B; returns seconds, and the sender's TCP_INFO or the like."""
    enter(netns_b)
    listener = socket.create_server(("10.77.0.2", 0))
    enter(netns_a)
    s = client_socket(kind)
    if cong:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, cong)
    if rate:
        s.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
    done = []
    receiver = threading.Thread(target=drain, args=(listener, done), daemon=True)
    receiver.start()
    s.connect(listener.getsockname())
    began = time.monotonic()
    sender = threading.Thread(target=s.sendall, args=(bytes(size),), daemon=True)
    sender.start()
    while watch and sender.is_alive():
        watch(s)
        sender.join(0.01)
    sender.join()
    s.shutdown(socket.SHUT_WR)
    receiver.join()
    info = s.getsockopt(socket.IPPROTO_TCP, option, 256)
    s.close()
    listener.close()
    assert done[0][0] == size, f"{done[0][0]} of {size} bytes arrived"
    return done[0][1] - began, info


def paced():
    size, rate = 300_000, 1_000_000
    seconds, info = transfer(size, rate)
    # the first ten segments are free; being late is made up for in part
    assert seconds >= 0.9 * (size - 15000) / rate, f"{seconds} s"
    assert seconds <= 4 * size / rate + 2, f"{seconds} s"
    rates = struct.unpack_from("=QQ", info, TCP_INFO_PACING_RATE)
    assert rates[1] == rate and rates[0] <= rate, f"TCP_INFO says {rates}"


def pace_timer():
    paced()


def pace_fq():
    tc(netns_a, "qdisc", "replace", "dev", dev_a, "root", "fq")
    paced()
    stats = json.loads(tc(netns_a, "-s", "-j", "qdisc", "show", "dev", dev_a))[0]
    assert stats["throttled"] > 0, "fq had nothing to hold back"


def small_queue():
    """
    Two buffers wait in a slow device's queue, or a millisecond of the pace, and the
    one that was sent when there was less; the kernel's TCP is measured by the
    same. A buffer is a millisecond of the pace itself, but two segments at least.
    """
    backlogs, rates = [], []

    def watch(s):
        info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        rates.append(struct.unpack_from("=Q", info, TCP_INFO_PACING_RATE)[0])
        stats = json.loads(tc(netns_a, "-s", "-j", "qdisc", "show", "dev", dev_a))
        backlogs.append(stats[0]["backlog"])

    tc(netns_b, "qdisc", "replace", "dev", dev_b, "root", "netem", "delay", "10ms")
    for mbit, size in (1, 100_000), (8, 700_000):
        # its queue has room for the whole window
        tc(netns_a, "qdisc", "replace", "dev", dev_a, "root", "tbf", "rate", f"{mbit}mbit",
           "burst", "5000", "limit", "10000000")
        for kind in {"inet", family}:
            backlogs.clear()
            rates.clear()
            seconds, _ = transfer(size, watch=watch, kind=kind)
            buffer = max(2, (max(rates) >> 10) // 1448) * 1514
            print(f"# {mbit} Mbit/s, {kind}: {max(backlogs)} bytes wait, a buffer has {buffer}")
            assert max(backlogs) <= 3 * buffer, f"{max(backlogs)} bytes wait, {kind}"
            assert seconds >= 0.9 * (size - 5000) * 8e-6 / mbit, f"{seconds} s, {kind}"


def available(cong):
    subprocess.run(["modprobe", "tcp_" + cong.decode()], stderr=subprocess.DEVNULL)
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", "rb") as f:
        return cong in f.read().split()


def bbr():
    """1 MB/s, 20 ms, and 2 of 100 lost: what the path delivers is the pace."""
    if family == "inet" and not available(b"bbr"):
        return
    tc(netns_a, "qdisc", "replace", "dev", dev_a, "root", "netem", "rate", "8mbit",
       "delay", "20ms", "loss", "2%", "limit", "200")
    tc(netns_b, "qdisc", "replace", "dev", dev_b, "root", "pfifo")
    seconds, info = transfer(1_000_000, cong=b"bbr", option=TCP_CC_INFO)
    low, high, min_rtt, _, _ = struct.unpack("=IIIII", info)
    bandwidth = high << 32 | low
    assert 0.6e6 <= bandwidth <= 1.4e6, f"{bandwidth} bytes a second"
    assert 20000 <= min_rtt <= 100000, f"{min_rtt} us"
    assert seconds <= 3.5, f"{seconds} s"
    if family == "inet" or not available(b"bbr"):
        return
    theirs, _ = transfer(1_000_000, cong=b"bbr", kind="inet")
    assert seconds <= 1.5 * theirs + 0.5, f"{seconds} s, the kernel's {theirs} s"


for case in (pace_timer, pace_fq, small_queue, bbr):
    try:
        case()
        print("ok", case.__name__.replace("_", " "))
    except (AssertionError, OSError, subprocess.CalledProcessError) as e:
        print("not ok", case.__name__.replace("_", " "), "-", e)
