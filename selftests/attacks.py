#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Attacks on connections of the subject, from the outside.

Usage: attacks.py NAMESPACE_A NAMESPACE_B DEVICE_A DEVICE_B FAMILY SET

SET is "attacks", or "states": anything, at each of the eleven states.

The subject is in A, 10.77.0.1. In B are its honest peer, 10.77.0.2, the
attacker, who sends raw packets from any address, and 10.77.0.66, a peer that
this program plays segment by segment. attacks.sh makes the namespaces.
"""
import ctypes
import os
import random
import select
import signal
import socket
import struct
import sys
import time

from ip_wire import A, B, DEV_A, DEV_B, NS_A, NS_B, TOYTCP, Case, Wire, enter
from segment import checksum

PEER = "10.77.0.66"
LONG = os.environ.get("TOYTCP_LONG") == "1"
HOLES, BYTES, ANYTHING = (10000, 20000, 1000000) if LONG else (2000, 5000, 1000)
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
SLAB = 100 << 10    # KiB; KASAN keeps a thirty-second of memory for a while
SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_MEMINFO, TCP_INFO = 26, 27, 55, 11
rng = random.Random(int(os.environ.get("SEED", "1")))


class Failed(Exception):
    pass


def need(truth, why):
    if not truth:
        raise Failed(why)


class Link:
    """What goes to A from B's end of the link, whatever its source says."""

    def __init__(self):
        enter(NS_A)
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as s:
            s.bind((DEV_A, 0))
            self.to = (DEV_B, 0x0800, 0, 0, s.getsockname()[4])
        enter(NS_B)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

    def send(self, packet):
        self.sock.sendto(packet, self.to)


def packet(src, sport, dport, seq, ack, flags, payload=b"", window=65535,
           options=b"", dst=A):
    options += b"\0" * (-len(options) % 4)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff,
                      ack & 0xffffffff, (20 + len(options)) // 4 << 4, flags,
                      window, 0, 0) + options + payload
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + \
        struct.pack("!HH", 6, len(tcp))
    padded = pseudo + tcp + b"\0" * (len(tcp) % 2)
    tcp = tcp[:16] + struct.pack("!H", checksum(padded)) + tcp[18:]
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6,
                         0, socket.inet_aton(src), socket.inet_aton(dst))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + tcp


class RawPeer:
    """10.77.0.66: a TCP without a kernel."""

    def __init__(self, wire, link, sport, dport):
        self.wire, self.link, self.sport, self.dport = wire, link, sport, dport
        self.seq = rng.randrange(1 << 32)
        self.ack = 0

    def send(self, flags, payload=b"", offset=0, window=65535, options=b"",
             ack=None):
        self.link.send(packet(PEER, self.sport, self.dport, self.seq + offset,
                              self.ack if ack is None else ack, flags,
                              payload, window, options))

    def hear(self, seconds=0.2):
        """Segments for this peer: (flags, seq, ack, length)."""
        heard = []
        for seg in self.wire.segments(seconds):
            data = seg["packet"][(seg["packet"][0] & 15) * 4:]
            if struct.unpack("!HH", data[:4]) == (self.dport, self.sport):
                seq, ack = struct.unpack("!II", data[4:12])
                heard.append((data[13], seq, ack, seg["len"]))
        return heard

    def connect(self, window=65535, options=b"\2\4\5\xb4"):
        """Open a connection to a listening subject."""
        self.send(SYN, options=options, window=window)
        self.seq += 1
        end = time.monotonic() + 10
        while not self.ack and time.monotonic() < end:
            for flags, seq, _, _ in self.hear():
                if flags & (SYN | ACK) == SYN | ACK:
                    self.ack = seq + 1
        need(self.ack, "no SYN-ACK")
        self.send(ACK, window=window)


def listener(c):
    l = c.socket()
    l.bind((A, c.port))
    l.listen(16)
    return l


def victim(c, window=65535, options=b"\2\4\5\xb4"):
    """A connection of the subject with the raw peer."""
    l = listener(c)
    peer = RawPeer(c.wire, c.link, 20000 + c.port % 1000, c.port)
    peer.connect(window, options)
    s = l.accept()[0]
    s.settimeout(5)
    c.sockets.append(s)
    return s, peer


def cwnd(s):
    return struct.unpack("=I", s.getsockopt(6, TCP_INFO, 104)[80:84])[0]


# ---- a live connection, and an attacker who sees nothing of it ----

def flood(c, sport, dport):
    """Resets, SYNs, data, ACKs and ICMP errors, as fast as it goes."""
    icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    junk = b"JUNK" * 50
    count = 0
    while True:
        seq, ack = rng.getrandbits(32), rng.getrandbits(32)
        flags = rng.choice((RST, RST | ACK, SYN, SYN | ACK, ACK, ACK | PSH, PSH,
                            FIN | ACK))
        c.link.send(packet(B, sport, dport, seq, ack, flags,
                           junk if flags & PSH else b""))
        count += 1
        if count % 16 == 0:
            code = rng.choice((1, 3, 4))
            quote = packet(A, dport, sport, seq, 0, ACK, dst=B)[:28]
            message = struct.pack("!BBHHH", 3, code, 0, 0, 500) + quote
            message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
            icmp.sendto(message, (A, 0))


def blind(c):
    l = listener(c)
    seconds = 120 if LONG else 5
    enter(NS_B)
    peer = socket.socket()
    c.sockets.append(peer)
    # a small window: that a random number falls into it is one in 65,000
    l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    peer.connect((A, c.port))
    s = l.accept()[0]
    c.sockets.append(s)
    child = os.fork()
    if not child:
        try:
            flood(c, peer.getsockname()[1], c.port)
        finally:
            os._exit(1)
    try:
        stream = bytes(rng.getrandbits(8) for _ in range(65536))
        sent = {s: 0, peer: 0}
        got = {s: 0, peer: 0}
        s.setblocking(False)
        peer.setblocking(False)
        end = time.monotonic() + seconds
        # for so long, and on a slow machine until it means something
        while (more := time.monotonic() < end or min(got.values()) <= 1 << 20) or \
                got[s] < sent[peer] or got[peer] < sent[s]:
            readable, writable, _ = select.select(
                [s, peer], [s, peer] if more else [], [], 20)
            need(readable or writable, f"the transfer stopped: {sent} {got}")
            for x in readable:
                data = x.recv(65536)
                need(data, "the connection ended")
                at = got[x] % 65536
                need(data == (stream + stream)[at:at + len(data)],
                     "what was received is not what was sent")
                got[x] += len(data)
            for x in writable:
                sent[x] += x.send(stream[sent[x] % 65536:])
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def ack_storm(c):
    """Each end believes that it has got what the other never sent."""
    l = listener(c)
    enter(NS_B)
    peer = socket.socket()
    c.sockets.append(peer)
    peer.connect((A, c.port))
    s = l.accept()[0]
    c.sockets.append(s)
    sport = peer.getsockname()[1]
    s.send(b"x")
    c.wire.segments()
    data = c.wire.last[(c.wire.last[0] & 15) * 4:]
    seq, ack = struct.unpack("!II", data[4:12])
    c.link.send(packet(B, sport, c.port, ack, seq + 1, ACK | PSH, b"y" * 100))
    enter(NS_B)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet(A, c.port, sport, seq + 1, ack, ACK | PSH, b"z" * 100, dst=B), (B, 0))
    heard = c.wire.segments(1)
    late = c.wire.segments(2)
    need(len(heard) + len(late) < 40, f"{len(heard)} and {len(late)} segments in 3 s")


# ---- a peer that cheats ----

def out_of_order(c):
    """Thousands of bytes, each with a gap before it; then all of it, in order."""
    s, peer = victim(c)
    for i in range(HOLES):
        peer.send(ACK, b"#", 1 + 2 * i)
    c.wire.drain()
    memory = struct.unpack("=9I", s.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
    need(memory[0] <= memory[1] + 65536, f"{memory[0]} bytes held, {memory[1]} allowed")
    whole = b"ab" * HOLES
    at, rounds = 0, 0
    got = b""
    start = peer.seq
    while len(got) < len(whole) and rounds < 200:
        peer.seq = start + at
        peer.send(ACK | PSH, whole[at:at + 1000])
        for _, _, ack, _ in peer.hear(0.02):
            at = max(at, (ack - start) & 0xffffffff)
        try:
            s.setblocking(False)
            got += s.recv(100000)
        except BlockingIOError:
            pass
        rounds += 1
    # a byte that was SACKed and kept is the first one sent: '#'
    need(len(got) == len(whole), f"{len(got)} bytes of {len(whole)}")
    need(all(g in (w, 35) for g, w in zip(got, whole)), "bytes that nobody sent")


def single_bytes(c):
    """A stream in segments of one byte costs no more than its buffer allows."""
    s, peer = victim(c)
    for i in range(BYTES):
        peer.send(ACK, bytes([i & 255]), i)
    c.wire.drain()
    memory = struct.unpack("=9I", s.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
    need(memory[0] <= memory[1] + 65536, f"{memory[0]} bytes held, {memory[1]} allowed")
    s.setblocking(False)
    got = s.recv(100000)
    need(got == bytes(i & 255 for i in range(len(got))), "not what was sent")
    need(len(got) > BYTES // 4, f"only {len(got)} bytes were taken")


def tiny_window(c):
    s, peer = victim(c, window=1)
    s.setblocking(False)
    s.send(b"x" * 2000)
    time.sleep(1)
    heard = peer.hear(0.1)
    need(len(heard) < 20, f"{len(heard)} segments into a window of one byte")
    need(all(length <= 1 for _, _, _, length in heard), "more than the window")


def tiny_mss(c):
    """An MSS of one byte is taken for the floor."""
    s, peer = victim(c, options=b"\2\4\0\1")
    s.setblocking(False)
    s.send(b"x" * 400)
    sizes = [length for _, _, _, length in peer.hear(0.2) if length]
    need(sizes and min(sizes[:-1] or [48]) >= 36, f"segments of {sizes}")


def optimistic(c):
    """What was not sent cannot be acknowledged."""
    s, peer = victim(c)
    s.send(b"x" * 1000)
    peer.hear(0.1)
    before = cwnd(s)
    for i in range(1, 50):
        peer.send(ACK, ack=peer.ack + 1000 + 1000 * i)
    heard = [h for h in peer.hear(0.15) if h[0] & RST or not h[3]]
    need(len(heard) <= 3, f"{len(heard)} answers")
    need(not any(flags & RST for flags, _, _, _ in heard), "a reset")
    need(cwnd(s) <= before, f"cwnd {before} became {cwnd(s)}")
    peer.send(ACK, ack=peer.ack + 1000)
    peer.ack += 1000
    peer.send(ACK | PSH, b"still here")
    need(s.recv(100) == b"still here", "the connection has suffered")


def divided(c):
    """A hundred ACKs of ten bytes each open the window no faster than one."""
    grown = []
    for pieces in 1, 100:
        c.port = c.wire.port = c.port + 50
        s, peer = victim(c)
        for _ in range(4):
            s.send(b"x" * 1000)
            peer.hear(0.05)
            for i in range(pieces):
                peer.send(ACK, ack=peer.ack + 1000 * (i + 1) // pieces)
            peer.ack += 1000
        grown.append(cwnd(s))
    need(grown[1] <= grown[0] + 1, f"cwnd {grown[0]} with one ACK, {grown[1]} with many")


# ---- anything, at each state ----

STATES = ("CLOSE", "LISTEN", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT1",
          "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT")
# of TCP_INFO; behind a time-wait the program's socket is closed
NUMBERS = {"ESTABLISHED": 1, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "TIME_WAIT": 7,
           "CLOSE_WAIT": 8, "LAST_ACK": 9, "CLOSING": 11}


def put_into(c, state):
    """The subject's end of a connection with the raw peer, in that state."""
    if state == "SYN_SENT":
        peer = RawPeer(c.wire, c.link, 20000 + c.port % 1000, c.port)
        s = c.socket()
        s.bind((A, c.port))
        s.setblocking(False)
        s.connect_ex((PEER, peer.sport))
        return peer
    if state in ("LISTEN", "SYN_RECV"):
        listener(c)
        peer = RawPeer(c.wire, c.link, 20000 + c.port % 1000, c.port)
        if state == "SYN_RECV":
            peer.send(SYN, options=b"\2\4\5\xb4")
            peer.seq += 1
            for flags, seq, _, _ in peer.hear(0.1):
                peer.ack = seq + 1
        return peer
    s, peer = victim(c)
    if state == "CLOSE":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    elif state in ("FIN_WAIT1", "FIN_WAIT2", "CLOSING", "TIME_WAIT"):
        s.shutdown(socket.SHUT_WR)
        if state in ("FIN_WAIT2", "TIME_WAIT"):
            peer.ack += 1
            peer.send(ACK)
        if state in ("CLOSING", "TIME_WAIT"):
            peer.send(FIN | ACK)
            peer.seq += 1
    elif state in ("CLOSE_WAIT", "LAST_ACK"):
        peer.send(FIN | ACK)
        peer.seq += 1
        if state == "LAST_ACK":
            s.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    need(c.family != TOYTCP or state == "CLOSE" or
         s.getsockopt(6, TCP_INFO, 1)[0] == NUMBERS[state], f"not in {state}")
    return peer


def slab():
    """KiB of the kernel's objects that it can't do without."""
    with open("/proc/meminfo") as f:
        return int(f.read().split("SUnreclaim:")[1].split()[0])


# a socket filter that lets nothing pass: "ret #0", and its struct sock_fprog
RET_0 = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0))
NOTHING = struct.pack("@HP", 1, ctypes.addressof(RET_0))


def near(number):
    return number + rng.choice((0, 0, 1, -1, rng.randrange(-70000, 70000),
                                rng.getrandbits(32)))


def anything(state):
    """Random segments, most of them near the numbers in force; a bystander lives."""
    def case(c):
        bystander, honest = c.pair()
        peer = put_into(c, state)
        before = slab()
        # nobody looks at the answers
        c.wire.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, NOTHING)
        for _ in range(ANYTHING):
            options = rng.randbytes(rng.choice((0, 0, 4, 12, 40)))
            payload = b"?" * rng.choice((0, 0, 1, 100, 1400))
            peer.link.send(packet(
                PEER, peer.sport, peer.dport, near(peer.seq), near(peer.ack),
                rng.choice((rng.getrandbits(8), ACK, ACK | PSH, ACK | URG)),
                payload, rng.choice((0, 1, 500, 65535)), options))
        c.wire.sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        grown = slab() - before
        need(grown < SLAB, f"{grown} KiB more are in use")
        honest.send(b"hello")
        need(bystander.recv(10) == b"hello", "another connection has suffered")
        bystander.send(b"world")
        need(honest.recv(10) == b"world", "another connection has suffered")
    return case


ATTACKS = {
    "blind resets, SYNs, data and ICMP against a transfer": blind,
    "ACK storm between two ends": ack_storm,
    "single bytes out of order": out_of_order,
    "segments of one byte": single_bytes,
    "window of one byte": tiny_window, "MSS of one byte": tiny_mss,
    "optimistic ACKs": optimistic, "divided ACKs": divided,
}
SETS = {"attacks": ATTACKS,
        "states": {"random segments in " + name: anything(name) for name in STATES}}


def main():
    enter(NS_B)
    link, wire, port = Link(), Wire(), 12000
    for name, case in SETS[sys.argv[6]].items():
        if os.environ.get("ONLY", "") not in name:
            continue
        port += 1
        c = Case(TOYTCP, wire, port)
        c.link = link
        start = time.monotonic()
        try:
            wire.drain()
            case(c)
            print("ok", name, flush=True)
        except (Failed, OSError) as error:
            print(f"not ok {name} - {error!r}", flush=True)
        print(f"# {time.monotonic() - start:.1f} s", flush=True)
        c.close()


if __name__ == "__main__":
    main()
