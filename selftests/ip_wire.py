#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the options of the IP level do to the segments on the wire, and what
ICMP errors do to a connection: every case runs once with AF_INET and once
with AF_TOYTCP at the subject's end; the two transcripts must be the same.

Usage: ip_wire.py NAMESPACE_A NAMESPACE_B DEVICE_A DEVICE_B [FAMILY]

The subject is in A, 10.77.0.1; its peer in B, 10.77.0.2, is the kernel's TCP.
Packets are caught in B by a packet socket. ip.sh makes the namespaces.
"""
import ctypes
import errno
import os
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire"))
from segment import checksum

NS_A, NS_B, DEV_A, DEV_B = sys.argv[1:5]
TOYTCP = int(sys.argv[5]) if len(sys.argv) > 5 else 18
A, B = "10.77.0.1", "10.77.0.2"
SOL_IP, IP_RECVERR, IP_MTU_DISCOVER, IP_MTU, IP_MINTTL = 0, 11, 10, 14, 21
SO_MARK, MSG_ERRQUEUE = 36, 0x2000
FLAGS = "FSRPAU"
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    """Sockets that are made from now on belong to this namespace."""
    fd = os.open("/run/netns/" + namespace, os.O_RDONLY)
    if libc.setns(fd, 0):
        sys.exit("setns")
    os.close(fd)


def new_socket(family, seconds):
    if family == socket.AF_INET:
        s = socket.socket()
    else:
        fd = libc.socket(family, socket.SOCK_STREAM, 0)
        if fd < 0:
            sys.exit("socket: no AF_TOYTCP")
        # to Python it looks like any TCP socket; so it does to the calls
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM,
                          socket.IPPROTO_TCP, fileno=fd)
    s.settimeout(seconds)
    return s


def nft(rules, namespace=NS_B):
    enter(namespace)
    subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)


def ip(*words):
    subprocess.run(["ip", "-n", NS_A, *words], check=True)


class Wire:
    """Segments that come from A, caught in B."""

    def __init__(self):
        enter(NS_B)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                  socket.htons(0x0800))
        self.sock.bind((DEV_B, 0x0800))
        self.port = None    # only this one's
        self.last = None    # the newest segment with data, and its end
        self.end = 0

    def segments(self, seconds=0.3):
        """Those of the next moments, as (flags, length, header facts)."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                break
            packet = self.sock.recv(70000)
            header = (packet[0] & 15) * 4
            if packet[9] != 6 or packet[12:16] != socket.inet_aton(A):
                continue
            tcp = packet[header:]
            if self.port not in struct.unpack("!HH", tcp[:4]):
                continue    # a late word of a case before
            bits, urgent = tcp[13], struct.unpack("!H", tcp[18:20])[0]
            total = struct.unpack("!H", packet[2:4])[0]
            length = total - header - (tcp[12] >> 4) * 4
            if length:
                self.last = packet
                self.end = struct.unpack("!I", tcp[4:8])[0] + length
            found.append({
                "flags": "".join(f for i, f in enumerate(FLAGS)
                                 if bits >> i & 1 and f != "P"),
                "len": length,
                "tos": packet[1], "ttl": packet[8],
                "df": packet[6] >> 6 & 1, "urg": urgent, "packet": packet})
        return found

    def drain(self):
        while select.select([self.sock], [], [], 0.05)[0]:
            self.sock.recv(70000)


class Case:
    """One run of one case with one family."""

    def __init__(self, family, wire, port):
        self.family, self.wire, self.port = family, wire, port
        wire.port = port
        self.text = []
        self.sockets = []

    def say(self, *words):
        self.text.append(" ".join(str(w) for w in words))

    def call(self, what, function, *args):
        try:
            result = function(*args)
        except OSError as error:
            result = errno.errorcode.get(error.errno, "timeout")
        self.say(what, result)
        return result

    def socket(self):
        enter(NS_A)
        s = new_socket(self.family, 5)
        self.sockets.append(s)
        return s

    def server(self):
        enter(NS_B)
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((B, self.port))
        s.listen(4)
        s.settimeout(5)
        self.sockets.append(s)
        return s

    def pair(self, *options):
        listener, s = self.server(), self.socket()
        for level, option, value in options:
            s.setsockopt(level, option, value)
        s.connect((B, self.port))
        peer = listener.accept()[0]
        peer.settimeout(5)
        self.sockets.append(peer)
        return s, peer

    def show(self, *facts, seconds=0.3, only=lambda seg: True):
        """The segments now, without what repeats itself."""
        seen = []
        for seg in self.wire.segments(seconds):
            if not only(seg):
                continue
            line = " ".join([seg["flags"]] + [f"{f}={seg[f]:#x}" for f in facts])
            if line not in seen:
                seen.append(line)
        self.say("wire:", "; ".join(seen))

    def close(self):
        for s in self.sockets:
            s.close()
        self.wire.drain()


def data(seg):
    return seg["len"] > 0


def defaults(c):
    s, peer = c.pair()
    s.send(b"x" * 100)
    peer.recv(1000)
    peer.send(b"y" * 100)
    s.recv(1000)
    s.close()
    peer.close()
    c.show("tos", "ttl", "df")


def tos(c):
    s, peer = c.pair((SOL_IP, socket.IP_TOS, 0x13))
    c.show("tos")
    c.say(s.getsockopt(SOL_IP, socket.IP_TOS))
    c.call("set", s.setsockopt, SOL_IP, socket.IP_TOS, 0xb8)
    s.send(b"x")
    c.show("tos", only=data)
    c.say(s.getsockopt(SOL_IP, socket.IP_TOS),
          s.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY))
    s.close()
    c.show("tos")


def ttl(c):
    s, peer = c.pair((SOL_IP, socket.IP_TTL, 33))
    c.show("ttl")
    c.call("set", s.setsockopt, SOL_IP, socket.IP_TTL, 44)
    s.send(b"x")
    c.show("ttl", only=data)
    c.call("set", s.setsockopt, SOL_IP, socket.IP_TTL, -1)
    peer.send(b"y")
    peer.close()
    c.show("ttl")


def listener(c):
    """TOS and TTL of a SYN-ACK and of a child are its listener's."""
    l = c.socket()
    l.bind((A, c.port))
    l.setsockopt(SOL_IP, socket.IP_TOS, 0x48)
    l.setsockopt(SOL_IP, socket.IP_TTL, 77)
    l.listen(4)
    enter(NS_B)
    peer = socket.socket()
    c.sockets.append(peer)
    peer.connect((A, c.port))
    c.show("tos", "ttl", "df", only=lambda seg: "S" in seg["flags"])
    child = l.accept()[0]
    c.sockets.append(child)
    c.call("tos", child.getsockopt, SOL_IP, socket.IP_TOS)
    child.send(b"x")
    c.show("tos", "ttl", only=data)


def discover(mode):
    def case(c):
        s, peer = c.pair((SOL_IP, IP_MTU_DISCOVER, mode))
        s.send(b"x" * 100)
        c.show("df")
        c.call("mode", s.getsockopt, SOL_IP, IP_MTU_DISCOVER)
        c.call("IP_MTU", s.getsockopt, SOL_IP, IP_MTU)
    return case


def mtu_unconnected(c):
    c.call("IP_MTU", c.socket().getsockopt, SOL_IP, IP_MTU)


def mark(c):
    """A mark takes another route, which is closed; and back again."""
    s, peer = c.pair()
    c.show("tos")
    c.call("set", s.setsockopt, socket.SOL_SOCKET, SO_MARK, 7)
    c.call("send", s.send, b"x")
    c.show("len", only=data)
    c.call("set", s.setsockopt, socket.SOL_SOCKET, SO_MARK, 0)
    c.say("peer", peer.recv(10))


def mark_of_replies(c):
    """What is answered for a marked socket has its mark: the closed route is
    a SYN-ACK's, a FIN's and a reset's."""
    l = c.socket()
    l.bind((A, c.port))
    l.setsockopt(socket.SOL_SOCKET, SO_MARK, 7)
    l.listen(4)
    enter(NS_B)
    peer = socket.socket()
    c.sockets.append(peer)
    peer.setblocking(False)
    c.call("connect", peer.connect, (A, c.port))
    c.show("len")
    l.setsockopt(socket.SOL_SOCKET, SO_MARK, 0)
    c.show("len", seconds=1.5)
    child = l.accept()[0]
    c.call("set", child.setsockopt, socket.SOL_SOCKET, SO_MARK, 7)
    child.close()
    c.call("send", peer.send, b"x")
    # sent again, it meets the listener, which has no mark
    c.show("len", seconds=0.15)


def priority_of_replies(c):
    """A SYN-ACK, a FIN and a reset have the priority of their socket."""
    def counted():
        enter(NS_A)
        said = subprocess.run(["nft", "list", "counter", "ip", "p", "five"],
                              capture_output=True, check=True).stdout.decode()
        return said.split("packets ")[1].split()[0]

    nft("add table ip p; add counter ip p five; "
        "add chain ip p out { type filter hook postrouting priority 0; }; "
        f"add rule ip p out tcp sport {c.port} meta priority 0:5 counter name five", NS_A)
    l = c.socket()
    l.bind((A, c.port))
    l.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 5)
    l.listen(4)
    enter(NS_B)
    peer = socket.socket()
    c.sockets.append(peer)
    peer.connect((A, c.port))
    child = l.accept()[0]
    c.say("SYN-ACK", counted())
    child.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 5)
    child.close()
    c.show("len")
    c.say("FIN", counted())
    peer.send(b"x")
    c.show("len", seconds=0.15)
    c.say("reset", counted())
    nft("delete table ip p", NS_A)


def device(c):
    s, peer = c.pair()
    bind = socket.SO_BINDTODEVICE
    c.show("tos")
    c.call("bind", s.setsockopt, socket.SOL_SOCKET, bind, DEV_A.encode())
    s.send(b"x")
    c.say("peer", peer.recv(10))
    c.show("len", only=data)
    c.call("bind", s.setsockopt, socket.SOL_SOCKET, bind, b"lo")
    c.call("send", s.send, b"y")
    c.show("len", only=data)
    c.call("bind", s.setsockopt, socket.SOL_SOCKET, bind, b"")
    c.say("peer", peer.recv(10))


def min_ttl(c):
    s, peer = c.pair()
    c.call("set", s.setsockopt, SOL_IP, IP_MINTTL, 200)
    peer.send(b"x")
    s.settimeout(0.4)
    c.call("recv", s.recv, 10)
    s.settimeout(5)
    peer.setsockopt(SOL_IP, socket.IP_TTL, 255)
    c.call("recv", s.recv, 10)


def min_ttl_listener(c):
    l = c.socket()
    l.bind((A, c.port))
    l.setsockopt(SOL_IP, IP_MINTTL, 200)
    l.listen(4)
    for value in 64, 255:
        enter(NS_B)
        peer = socket.socket()
        c.sockets.append(peer)
        peer.setsockopt(SOL_IP, socket.IP_TTL, value)
        peer.settimeout(0.5)
        c.call("connect", peer.connect, (A, c.port))


def reject(with_what):
    nft("add table ip t; flush table ip t;"
        "add chain ip t in { type filter hook input priority 0; };"
        f"add rule ip t in ip saddr {A} ip protocol tcp reject with icmp {with_what}")


def accept():
    nft("add table ip t; delete table ip t")


def show_errors(c, s):
    # with a time limit Python would wait for data instead
    s.setblocking(False)
    try:
        got, controls, flags, addr = s.recvmsg(100, 200, MSG_ERRQUEUE)
    except OSError as error:
        c.say("queue", errno.errorcode[error.errno])
        return
    finally:
        s.settimeout(5)
    c.say("queue", len(got), "port", struct.unpack("!H", got[2:4])[0] == c.port,
          flags & MSG_ERRQUEUE, addr[0], addr[1] == c.port)
    for level, kind, value in controls:
        number, origin, icmp_type, code = struct.unpack("=IBBB", value[:7])
        c.say(level, kind, errno.errorcode[number], origin, icmp_type, code,
              len(value), socket.inet_ntoa(value[20:24]))


def refused(what, recverr):
    def case(c):
        s = c.socket()
        s.setsockopt(SOL_IP, IP_RECVERR, recverr)
        reject(what)
        c.call("connect", s.connect, (B, c.port))
        accept()
        # An answer that comes while connect() holds the socket's lock is only
        # soft, for either TCP, and the next SYN gets another: one or two wait.
        show_errors(c, s)
    return case


def later(recverr):
    """Unreachable in the middle: a soft error, or told at once; and it goes on."""
    def case(c):
        s, peer = c.pair((SOL_IP, IP_RECVERR, recverr))
        reject("host-unreachable")
        c.call("send", s.send, b"x")
        time.sleep(0.1)
        c.call("SO_ERROR", s.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR)
        show_errors(c, s)
        accept()
        c.call("peer", peer.recv, 10)
        # a retransmission may have been refused, too, before accept()
        s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        c.call("send", s.send, b"y")
        c.call("peer", peer.recv, 10)
    return case


def frag_needed(c, mtu, shift):
    """A router's word about the end of what was sent, its number shifted."""
    quote = bytearray(c.wire.last[:28])
    quote[24:28] = struct.pack("!I", (c.wire.end + shift) & 0xffffffff)
    message = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + bytes(quote)
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    enter(NS_B)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_ICMP) as raw:
        raw.sendto(message, (A, 0))
    time.sleep(0.05)


def path_mtu(mode):
    def case(c):
        s, peer = c.pair((SOL_IP, IP_MTU_DISCOVER, mode))
        s.send(b"x")
        c.wire.segments()
        for mtu, shift in (1000, -100000), (1000, 1), (1400, 0), \
                (1450, 0), (1000, 0), (100, 0), (0, 0):
            frag_needed(c, mtu, shift)
            c.call(f"{mtu} {shift}: IP_MTU", s.getsockopt, SOL_IP, IP_MTU)
            s.send(b"x" * 3000)
            sizes = [seg["len"] for seg in c.wire.segments(0.2)]
            c.say("largest", max(sizes or [0]))
        # the host forgets what it has learnt of the path
        ip("link", "set", DEV_A, "down")
        ip("link", "set", DEV_A, "up")
    return case


def urgent(c):
    s, peer = c.pair()
    c.show("urg")
    s.send(b"abc", socket.MSG_OOB)
    c.show("urg", "len", only=data)
    s.send(b"defg")
    c.show("urg", "len", only=data)
    s.send(b"h", socket.MSG_OOB)
    c.show("urg", "len", only=data)


CASES = {
    "defaults": defaults, "IP_TOS": tos, "IP_TTL": ttl,
    "listener's TOS and TTL": listener,
    "IP_MTU, unconnected": mtu_unconnected,
    "SO_MARK": mark, "SO_MARK of replies": mark_of_replies,
    "SO_PRIORITY of replies": priority_of_replies,
    "SO_BINDTODEVICE": device, "IP_MINTTL": min_ttl,
    "IP_MINTTL of a listener": min_ttl_listener, "urgent pointer": urgent,
    "unreachable later": later(0), "unreachable later, IP_RECVERR": later(1),
}
for number, name in enumerate(("DONT", "WANT", "DO", "PROBE", "INTERFACE", "OMIT")):
    CASES["IP_MTU_DISCOVER " + name] = discover(number)
    CASES["fragmentation needed, " + name] = path_mtu(number)
for word in ("net-unreachable", "host-unreachable", "prot-unreachable",
             "port-unreachable", "admin-prohibited"):
    CASES["connect: " + word] = refused(word, 0)
    CASES["connect: " + word + ", IP_RECVERR"] = refused(word, 1)


def run(name, family, wire, port):
    c = Case(family, wire, port)
    try:
        wire.drain()
        CASES[name](c)
    except OSError as error:
        c.say("stopped by", repr(error))
    c.close()
    accept()
    return " | ".join(c.text)


def main():
    ip("rule", "add", "fwmark", "7", "prohibit")
    wire, port = Wire(), 9000
    part, parts = (int(n) for n in os.environ.get("PART", "0/1").split("/"))
    for name in list(CASES)[part::parts]:
        if os.environ.get("ONLY", "") not in name:
            continue
        texts = []
        for family in socket.AF_INET, TOYTCP:
            port += 1
            texts.append(run(name, family, wire, port))
        if texts[0] == texts[1] and "stopped" not in texts[0]:
            print("ok", name, flush=True)
            if os.environ.get("VERBOSE"):
                print("#  ", texts[0])
        else:
            print(f"not ok {name} - inet: {texts[0]} | toytcp: {texts[1]}", flush=True)


if __name__ == "__main__":
    main()
