#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Segments for the subject that wait in a queue to user space.

Usage: queue.py NAMESPACE_A NAMESPACE_B DEVICE_A DEVICE_B FAMILY

As in ip_wire.py the subject is 10.77.0.1, its peer 10.77.0.2 the kernel's TCP.
What A hears on the case's port goes through this program (nfnetlink_queue),
which lets it pass at once, or when the case says so.
"""
import select
import socket
import struct
import sys
import threading

from ip_wire import A, B, NS_A, NS_B, TOYTCP, Case, Wire, enter, nft

NETLINK_NETFILTER, NLM_F_REQUEST, NFQUEUE = 12, 1, 3 << 8
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = NFQUEUE, NFQUEUE | 1, NFQUEUE | 2
CFG_CMD, CFG_PARAMS, PACKET_HDR, VERDICT_HDR = 1, 2, 1, 2
CMD_BIND, COPY_META, NF_ACCEPT = 1, 1, 1
LINGER_0 = struct.pack("ii", 1, 0)
BYTES = 300000


class Queue:
    """Queue 0 of A."""

    def __init__(self):
        enter(NS_A)
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_NETFILTER)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.held, self.passed = [], 0
        self.send(MSG_CONFIG, CFG_CMD, struct.pack("!BxH", CMD_BIND, socket.AF_INET))
        self.send(MSG_CONFIG, CFG_PARAMS, struct.pack("!IB", 0, COPY_META))

    def send(self, kind, attribute, value):
        value = struct.pack("=HH", 4 + len(value), attribute) + value
        value += b"\0" * (-len(value) % 4)
        self.sock.send(struct.pack("=IHHII", 20 + len(value), kind, NLM_F_REQUEST, 0, 0) +
                       struct.pack("!BBH", 0, 0, 0) + value)

    def take(self, seconds):
        """One more packet is held; False if none comes."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return False
        message = self.sock.recv(70000)
        at = 20
        while at < len(message):
            length, kind = struct.unpack_from("=HH", message, at)
            if kind & 0x3fff == PACKET_HDR:
                self.held.append(message[at + 4:at + 8])
                return True
            at += length + 3 & ~3
        sys.exit("nfnetlink_queue: an answer without a packet")

    def release(self):
        for packet in self.held:
            self.send(MSG_VERDICT, VERDICT_HDR, struct.pack("!I", NF_ACCEPT) + packet)
        self.passed += len(self.held)
        self.held = []

    def serve(self, running):
        """Everything passes, while running() says so."""
        while running():
            if self.take(0.1):
                self.release()


def queued(c, rule):
    nft("table ip q { chain input { type filter hook input priority 0; }; }\n"
        f"add rule ip q input {rule} queue num 0", NS_A)


def of_port(c):
    return f"tcp dport {c.port}"


def whole(sock, n):
    got = b""
    while len(got) < n and (more := sock.recv(65536)):
        got += more
    return got


def through(c, q):
    """Both ways, every segment by way of user space."""
    l = c.socket()
    l.bind((A, c.port))
    l.listen(4)
    queued(c, of_port(c))
    stream = bytes(i * i >> 3 & 255 for i in range(BYTES))
    came = {}

    def one(sock, name):
        writer = threading.Thread(target=sock.sendall, args=(stream,))
        writer.start()
        came[name] = whole(sock, BYTES)
        writer.join()
        sock.shutdown(socket.SHUT_WR)
        came[name] += whole(sock, 1)

    def programs():
        peer.connect((A, c.port))
        s = l.accept()[0]
        s.settimeout(30)
        ends = [threading.Thread(target=one, args=end)
                for end in ((s, "subject"), (peer, "peer"))]
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        s.close()

    enter(NS_B)
    peer = socket.socket()
    peer.settimeout(30)
    c.sockets.append(peer)
    both = threading.Thread(target=programs)
    both.start()
    q.serve(both.is_alive)
    c.say(sorted(name for name in came if came[name] == stream), q.passed > 20)


def connected(c):
    """A connection of the subject from before the rule, which has heard something
    and is found early since."""
    l = c.socket()
    l.bind((A, c.port))
    l.listen(4)
    enter(NS_B)
    peer = socket.socket()
    peer.settimeout(5)
    peer.connect((A, c.port))
    s = l.accept()[0]
    s.settimeout(5)
    c.sockets += [peer, s]
    for _ in range(2):
        peer.send(b"early")
        s.recv(10)
    return l, s, peer


def again(c, q):
    """And a new connection on the same port works."""
    nft("flush table ip q", NS_A)
    _, s, peer = connected(c)
    peer.send(b"again")
    c.say(s.recv(10))


def answered(c):
    """Linux's socket waits with the segment and drops it; ours is gone, and the
    host says so (RFC 9293 3.10.7.1)."""
    expected = {"R"} if c.family == TOYTCP else set()
    c.say({seg["flags"] for seg in c.wire.segments()} == expected)


def lose(c, q, listener):
    """The connection goes while a segment of its waits; is there a listener then?"""
    l, s, peer = connected(c)
    queued(c, of_port(c))
    peer.send(b"x" * 100)
    c.say("held", q.take(5))
    if not listener:
        l.close()
    c.wire.drain()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    s.close()
    c.show("len")
    q.release()
    answered(c)
    l.close()
    again(c, q)


def gone(c, q):
    """The connection goes while a segment of its waits: nobody is there."""
    lose(c, q, False)


def succeeded(c, q):
    """It goes, and a listener is there: an ACK of nothing is reset."""
    lose(c, q, True)


def refused(c, q):
    """The listener goes while a SYN waits."""
    l = c.socket()
    l.bind((A, c.port))
    l.listen(4)
    queued(c, of_port(c))
    enter(NS_B)
    peer = socket.socket()
    peer.settimeout(5)
    c.sockets.append(peer)
    caller = threading.Thread(target=c.call, args=("connect", peer.connect, (A, c.port)))
    caller.start()
    held = q.take(5)
    l.close()
    q.release()
    caller.join()
    c.say("held", held)
    again(c, q)


def kept(c, q):
    """It waits, and the connection is still there."""
    _, s, peer = connected(c)
    queued(c, of_port(c))
    peer.send(b"hello")
    c.say("held", q.take(5))
    q.release()
    c.say(s.recv(10))


def icmp(c, q):
    """An error about a SYN waits."""
    nft("table ip r { chain input { type filter hook input priority 0; }; }\n"
        f"add rule ip r input tcp dport {c.port} reject")
    queued(c, "icmp type destination-unreachable")
    s = c.socket()
    s.settimeout(5)
    caller = threading.Thread(target=c.call, args=("connect", s.connect, (B, c.port)))
    caller.start()
    held = q.take(5)
    q.release()
    caller.join()
    c.say("held", held)
    nft("delete table ip r")


def main():
    queue, wire, port = Queue(), Wire(), 13000
    for case in through, kept, gone, succeeded, refused, icmp:
        texts = []
        for family in socket.AF_INET, TOYTCP:
            port += 1
            c = Case(family, wire, port)
            try:
                case(c, queue)
            except OSError as error:
                c.say(repr(error))
            c.close()
            nft("delete table ip q", NS_A)
            while queue.take(0):
                pass
            queue.held = []
            texts.append(c.text)
        if texts[0] == texts[1]:
            print("ok", case.__doc__.split(":")[0].strip("."), flush=True)
        else:
            print(f"not ok {case.__name__} - inet: {texts[0]} | toytcp: {texts[1]}", flush=True)
        print("#", texts[0], flush=True)


if __name__ == "__main__":
    main()
