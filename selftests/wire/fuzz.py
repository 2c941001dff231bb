# SPDX-License-Identifier: GPL-2.0
"""A random walk, side by side: the same segments and system calls for
AF_TOYTCP and for the kernel's TCP, and what each answers.

A walk is a list of steps that is drawn from a seed before it begins. A step
names its numbers by what both ends know ("one left of what is expected",
"right behind the window"), so that the same step has a meaning for both
hosts, whose sequence numbers and windows differ. After a step what has come
out of the device is compared, without waiting: a segment is answered before
write() returns. Timers fire when they like; so a difference counts only if it
comes again when the walk is repeated.

At the first difference the walk ends, since the two are in different states
then. KNOWN has those that are meant.
"""
import random
import re
import socket
import struct
import time
from collections import namedtuple

from host import AF_TOYTCP, HOST, PEER, calls, errno_name, sockaddr
from segment import (ACK, CWR, ECE, FIN, MASK, MSS, PSH, RST, SACK, SACK_PERMITTED, SYN,
                     TIMESTAMP, URG, WSCALE, Segment, diff, flags_text, option, pack, pad)

STATES = ("?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
          "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING")

SRC, DST = socket.inet_aton(PEER), socket.inet_aton(HOST)
REPEATS = 3		# of a walk with a difference, which must come again each time

# A segment: seq and ack are a base and a distance from it. Bases of seq: "nxt"
# what the host expects, "wnd" the right edge of its window, "irs" our SYN's,
# "any". Of ack: "nxt" all that the host sent, "una" what we acknowledged last,
# "any". ecn is IP's field.
Seg = namedtuple("Seg", "flags seq ack len wnd ts sack ecn")
Call = namedtuple("Call", "name arg")


def describe(step):
    if isinstance(step, Call):
        return f"{step.name}({step.arg})"

    def number(base):
        return f"{base[0]}{base[1]:+d}" if base[1] else base[0]
    text = f"< {flags_text(step.flags)} seq {number(step.seq)} len {step.len}"
    if step.flags & ACK:
        text += f" ack {number(step.ack)}"
    text += f" win {step.wnd}"
    if step.ts != "now":
        text += f" ts {step.ts}"
    if step.sack:
        text += " sack"
    if step.ecn:
        text += f" ecn {step.ecn}"
    return text


# --- drawing a walk -----------------------------------------------------------

def seg(flags, **how):
    fields = {"seq": ("nxt", 0), "ack": ("nxt", 0), "len": 0, "wnd": 8000, "ts": "now",
              "sack": False, "ecn": 0}
    fields.update(how)
    return Seg(flags, **fields)


def draw_segment(rng):
    kind = rng.choices(("ack", "data", "fin", "rst", "syn", "synack", "any", "noack"),
                       (20, 28, 9, 7, 6, 4, 6, 3))[0]
    flags = {"ack": ACK | rng.choice((0, 0, 0, ECE)),
             "data": ACK | rng.choice((0, PSH, CWR)), "fin": ACK | FIN,
             "rst": rng.choice((RST, RST | ACK)), "syn": SYN, "synack": SYN | ACK | rng.choice((0, ECE)),
             "any": rng.randrange(256) & ~URG, "noack": rng.choice((0, PSH, FIN))}[kind]
    how = {"len": 0}
    if kind in ("data", "noack"):
        how["len"] = rng.choice((1, 1, 10, 100, 536, 1000, 1460))
    elif rng.random() < 0.15:
        how["len"] = rng.choice((1, 10, 100))
    if rng.random() < 0.35:
        how["seq"] = rng.choice((
            ("nxt", -1), ("nxt", 1), ("nxt", -10), ("nxt", 10), ("nxt", 100), ("nxt", 1000),
            ("nxt", -how["len"]), ("nxt", -how["len"] - 1), ("nxt", 1 - how["len"]),
            ("wnd", -1), ("wnd", 0), ("wnd", 1), ("wnd", -how["len"]),
            ("wnd", 1 - how["len"]), ("irs", 0), ("nxt", -0x7FFFFFFF), ("nxt", 0x40000000),
            ("any", rng.getrandbits(32))))
    if rng.random() < 0.2:
        how["ack"] = rng.choice((
            ("nxt", 1), ("nxt", -1), ("una", 0), ("una", -1), ("una", 1), ("una", 100),
            ("una", -70000), ("nxt", 70000), ("nxt", 0x40000000), ("any", rng.getrandbits(32))))
    # small windows are not among them: how much of such a one is used at once
    # is a policy, and differs
    how["wnd"] = rng.choices((8000, 0, 65535), (84, 6, 10))[0]
    how["ts"] = rng.choices(("now", "none", "same", "old", "no echo", "echo future"),
                            (84, 4, 4, 4, 2, 2))[0]
    if flags & RST:
        how["ts"] = "none"
    how["sack"] = rng.random() < 0.05
    how["ecn"] = rng.choices((0, 2, 3), (70, 20, 10))[0]
    return seg(flags, **how)


def draw_call(rng):
    name = rng.choices(("send", "recv", "shutdown", "close", "nodelay", "error", "connect"),
                       (12, 10, 3, 2, 1, 2, 1))[0]
    return Call(name, {"send": lambda: rng.choice((1, 10, 100, 1000, 3000)),
                       "recv": lambda: rng.choice((1, 100, 5000)),
                       "shutdown": lambda: rng.randrange(3)}.get(name, lambda: "")())


SYN_OPTIONS = ("", "mss", "mss sack ts wscale", "mss ts", "mss wscale", "mss sack", "ts",
               "mss 100 ts")


def prefix(rng):
    """The way to a state from which the walk goes on; None of it is skipped
    when its answers differ."""
    options = rng.choice(SYN_OPTIONS)
    passive = [Call("listen", ""), Call("options", options),
               seg(rng.choice((SYN, SYN | ECE | CWR)))]
    active = [Call("open", ""), Call("options", options)]
    established = rng.choice((passive + [seg(ACK)],
                              active + [seg(SYN | ACK | rng.choice((0, ECE)))]))
    fin = [seg(FIN | ACK)]
    shut = [Call("shutdown", 1)]
    return rng.choice((
        [Call("listen", ""), Call("options", options)], passive, active,
        established, established, established, established,
        established + [Call("send", 100)], established + [seg(ACK | PSH, len=10)],
        established + shut, established + shut + [seg(ACK)],
        established + fin, established + shut + fin,
        established + fin + shut, established + shut + [seg(ACK)] + fin,
        established + [Call("close", "")], established + [Call("close", ""), seg(ACK)],
        active + [seg(SYN)]))


def draw_walk(seed, number, steps):
    rng = random.Random(f"{seed} {number}")
    walk = prefix(rng)
    while len(walk) < steps:
        walk.append(draw_call(rng) if rng.random() < 0.3 else draw_segment(rng))
    return walk


# --- walking ------------------------------------------------------------------

class Walker:
    """One host's side of a walk: its sockets, and what the peer knows."""

    def __init__(self, host, port, peer_port, iss):
        self.host, self.port, self.peer_port, self.iss = host, port, peer_port, iss
        self.fd = self.listener = -1
        self.options = ""
        self.irs = None			# the host's first sequence number
        self.snd_nxt = iss		# what the host expects of us
        self.rcv_nxt = self.una = 0	# all that the host sent; what we acknowledged
        self.wnd, self.wscale = 0, 0	# the host's window, as in its last header
        self.scaled = False
        self.edges = []			# of the window, in segments made from it
        self.ts_base = 0x7FFFFF00	# our clock, which wraps its sign
        self.ticks = 0
        self.ts_recent = 0		# the host's, to echo

    def close(self):
        """Leave nothing: a reset that fits, and descriptors that do not linger."""
        self.segment(seg(RST))
        for fd in self.fd, self.listener:
            if fd >= 0:
                calls.setsockopt(fd, socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("=ii", 1, 0), 8)
                calls.close(fd)
        while self.host.read(0):
            pass

    # calls

    def socket(self):
        self.host.enter()
        fd = calls.socket(self.host.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, 0)
        calls.setsockopt(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, struct.pack("=i", 1), 4)
        result = calls.bind(fd, sockaddr(HOST, self.port), 16)
        return fd, result

    def call(self, step):
        if step.name == "options":
            self.options = step.arg
            return None
        if step.name == "listen":
            self.listener, result = self.socket()
            return result or calls.listen(self.listener, 5)
        if step.name == "open":
            self.fd, result = self.socket()
            return result or calls.connect(self.fd, sockaddr(PEER, self.peer_port), 16)
        if self.fd < 0:
            return None
        return getattr(self, "call_" + step.name)(step.arg)

    def call_send(self, length):
        return calls.send(self.fd, bytes(length), length, socket.MSG_NOSIGNAL)

    def call_recv(self, length):
        return calls.recv(self.fd, bytes(length), length, 0)

    def call_shutdown(self, how):
        return calls.shutdown(self.fd, how)

    def call_close(self, _):
        fd, self.fd = self.fd, -1
        return calls.close(fd)

    def call_nodelay(self, _):
        return calls.setsockopt(self.fd, socket.IPPROTO_TCP, socket.TCP_NODELAY,
                                struct.pack("=i", 1), 4)

    def call_error(self, _):
        value = bytes(4)
        calls.getsockopt(self.fd, socket.SOL_SOCKET, socket.SO_ERROR, value,
                         struct.pack("=i", 4))
        return -struct.unpack("=i", value)[0]

    def call_connect(self, _):
        return calls.connect(self.fd, sockaddr(PEER, self.peer_port), 16)

    def state(self):
        if self.fd < 0:
            return "-"
        info = bytes(256)
        if calls.getsockopt(self.fd, socket.IPPROTO_TCP, socket.TCP_INFO, info,
                            struct.pack("=i", 256)):
            return "?"
        return STATES[info[0]]

    def accept(self):
        if self.listener < 0 or self.fd >= 0:
            return None
        result = calls.accept4(self.listener, None, None, socket.SOCK_NONBLOCK)
        if result < 0:
            return None
        self.fd = result
        return "accepted"

    # segments

    def timestamp(self, how):
        if how == "none" or "ts" not in self.options:
            return b""
        if how != "same":
            self.ticks += 1
        value, echo = self.ts_base + self.ticks, self.ts_recent
        if how == "old":
            value -= 1000
        elif how == "no echo":
            echo = 0
        elif how == "echo future":
            echo += 100000
        return option(TIMESTAMP, struct.pack("!II", value & MASK, echo & MASK))

    def segment(self, step):
        right = self.snd_nxt + (self.wnd << (self.wscale if self.scaled else 0))
        seq = step.seq[1] + {"nxt": self.snd_nxt, "wnd": right, "irs": self.iss,
                             "any": 0}[step.seq[0]]
        if step.seq[0] == "wnd":
            self.edges.append(right & MASK)
        ack = 0
        if step.flags & ACK:
            ack = step.ack[1] + {"nxt": self.rcv_nxt, "una": self.una, "any": 0}[step.ack[0]]
        raw = b""
        if step.flags & SYN:
            raw = self.syn_options()
        raw += self.timestamp(step.ts)
        if step.sack and not step.flags & SYN:
            raw += option(SACK, struct.pack("!II", (self.una + 100) & MASK,
                                            (self.una + 200) & MASK))
        data = bytes(step.len)
        self.host.write(pack(SRC, DST, self.peer_port, self.port, seq, ack, step.flags,
                             step.wnd, pad(raw), data, tos=step.ecn))
        if step.flags & ACK and diff(ack, self.una) > 0 and diff(ack, self.rcv_nxt) <= 0:
            self.una = ack & MASK
        # taken for granted, until the host says otherwise
        if not step.flags & RST and diff(seq, self.snd_nxt) <= 0:
            end = seq + step.len + bool(step.flags & SYN) + bool(step.flags & FIN)
            if diff(end, self.snd_nxt) > 0 and not step.flags & SYN or seq == self.iss:
                self.snd_nxt = end & MASK

    def syn_options(self):
        words = self.options.split()
        raw = b""
        if "mss" in words:
            raw += option(MSS, struct.pack("!H", 100 if "100" in words else 1460))
        if "sack" in words:
            raw += option(SACK_PERMITTED)
        if "wscale" in words:
            raw += option(WSCALE, b"\7")
        return raw

    def answers(self):
        """What came out of the device, in numbers that do not depend on the host"""
        said = []
        while True:
            packet = self.host.read(0)
            if not packet:
                return said
            reply = Segment(packet[1])
            if reply.proto != socket.IPPROTO_TCP:
                said.append(f"protocol {reply.proto}")
            elif (reply.sport, reply.dport) == (self.port, self.peer_port):
                said.append(self.canonical(reply))

    def canonical(self, reply):
        if reply.flags & SYN:
            self.irs = reply.seq
            self.rcv_nxt, self.una = (reply.seq + 1) & MASK, reply.seq
            self.wscale = reply.options[WSCALE][0] if WSCALE in reply.options else 0
        self.scaled = self.wscale and not reply.flags & SYN
        if self.irs is None:
            self.irs = 0
        if not reply.flags & RST:
            self.wnd = reply.wnd
            if diff(reply.end & MASK, self.rcv_nxt) > 0:
                self.rcv_nxt = reply.end & MASK
            if reply.flags & ACK and diff(reply.ack, self.iss) > 0:
                self.snd_nxt = reply.ack
        # where a PSH stands among data is the sender's choice (RFC 9293 3.9.1.2)
        text = f"{flags_text(reply.flags & ~PSH if reply.data else reply.flags)} "
        # a reset's number is what we said it is
        text += f"seq {diff(reply.seq, self.irs)} len {len(reply.data)}"
        if reply.ecn:
            text += f" ecn {reply.ecn}"
        if reply.flags & ACK:
            text += f" ack {self.own(reply.ack)}"
        if not reply.wnd and not reply.flags & RST:
            text += " win 0"
        for kind, value in reply.options.items():
            text += " " + self.canonical_option(kind, value)
        return text

    def own(self, number):
        """One of the peer's numbers: from its beginning, or, since windows
        differ, from the edge of a window"""
        for i, edge in enumerate(self.edges):
            if abs(diff(number, edge)) < 5000:
                return f"wnd{i}{diff(number, edge):+d}"
        return str(diff(number, self.iss))

    def canonical_option(self, kind, value):
        if kind == TIMESTAMP:
            self.ts_recent, echo = struct.unpack("!II", value)
            return f"ts {echo - self.ts_base if echo else 0}"
        if kind == MSS:
            return f"mss {struct.unpack('!H', value)[0]}"
        if kind == WSCALE:
            return "wscale"
        if kind == SACK:
            edges = struct.unpack(f"!{len(value) // 4}I", value)
            return "sack " + ",".join(self.own(edge) for edge in edges)
        return {SACK_PERMITTED: "sackOK"}.get(kind, f"option {kind}")

    def step(self, step):
        result = None
        if isinstance(step, Call):
            result = self.call(step)
        else:
            self.segment(step)
        said = self.answers()
        accepted = self.accept()
        return Seen("" if result is None else errno_name(result), tuple(said), accepted,
                    self.state())


Seen = namedtuple("Seen", "result said accepted state")
Difference = namedtuple("Difference", "at step before toytcp linux walk")


def seen_text(seen):
    text = "; ".join(seen.said) or "nothing"
    if seen.result:
        text += f", = {seen.result}"
    if seen.accepted:
        text += f", {seen.accepted}"
    return f"{text}, {seen.state}"


class Fuzz:
    def __init__(self, hosts, seed):
        self.toytcp, self.linux = hosts
        self.linux.enter()
        self.linux.write_sys("ipv4/tcp_rfc1337", 1)	# as AF_TOYTCP always has it
        self.seed = seed
        self.port = 2000
        self.steps = 0

    def run(self, walk):
        """The first difference of a walk, or None"""
        self.port = self.port + 1 if self.port < 15000 else 2000
        iss = random.Random(f"{self.seed} {self.port}").choice(
            (0xFFFFFF80, 0xFFFFFFFF, 0x7FFFFFF0, 0, random.getrandbits(32)))
        pair = [Walker(host, self.port, 40000, iss) for host in (self.toytcp, self.linux)]
        before = "-"
        try:
            for at, step in enumerate(walk):
                toytcp, linux = (walker.step(step) for walker in pair)
                self.steps += 1
                if toytcp != linux:
                    return Difference(at, step, before, toytcp, linux, walk)
                before = linux.state
        finally:
            for walker in pair:
                walker.close()
        return None

    def walk(self, number, steps):
        """A walk that differs each time it is repeated: where, else None"""
        walk = draw_walk(self.seed, number, steps)
        first = self.run(walk)
        for _ in range(REPEATS - 1):
            if first is None or self.run(walk) != first:
                return None
        return first


def known(difference):
    for reason, test in KNOWN:
        if test(difference):
            return reason
    return None


# --- differences that are meant ---------------------------------------------------

def is_segment(found):
    return isinstance(found.step, Seg)


def bare(said):
    """Pure ACKs alone, at least one"""
    return bool(said) and all(text.startswith(". ") and " len 0 " in text for text in said)


def data(said):
    return [text for text in said if " len 0" not in text]


def wrong_ack(found):
    """An ACK of what was not sent, or older than all"""
    return (is_segment(found) and found.step.flags & ACK and
            not (found.step.ack == ("nxt", 0) or found.step.ack == ("una", 0)))


def delayed(found):
    return bool(found.toytcp.said) != bool(found.linux.said) and \
        bare(found.toytcp.said or found.linux.said)


def simultaneous(found):
    return (found.before == "SYN_SENT" and is_segment(found) and found.step.flags & SYN and
            any("sackOK" in text or "wscale" in text for text in found.linux.said) and
            found.toytcp.state == found.linux.state == "SYN_RECV")


def odd_resets(found):
    """A reset or SYN in the window, not at its left edge, now or before"""
    return any(isinstance(step, Seg) and step.flags & (RST | SYN) and
               (step.flags & SYN or step.seq != ("nxt", 0))
               for step in found.walk[2:found.at + 1])


def without_sacks(said):
    return [text.split(" sack ")[0] for text in said]


def sack_with_data(found):
    return data(found.linux.said) and any(" sack " in text for text in data(found.linux.said)) and \
        data(without_sacks(found.linux.said)) == data(without_sacks(found.toytcp.said))


def burst(found):
    """The same segments, as far as both go"""
    toytcp, linux = data(found.toytcp.said), data(found.linux.said)
    shorter = min(len(toytcp), len(linux))
    return toytcp != linux and toytcp[:shorter] == linux[:shorter]


def right_of_window(found):
    return is_segment(found) and (found.step.seq[0] == "wnd" or any(
        isinstance(step, Seg) and step.seq[0] == "wnd" for step in found.walk[:found.at]))


def only_timestamps(found):
    def without(said):
        return [re.sub(r" ts -?\d+", "", text) for text in said]
    return without(found.toytcp.said) == without(found.linux.said)


# The reason, and what tells such a difference. The narrow ones first.
KNOWN = (
    ("the SYN-ACK of a simultaneous open offers only what the peer's SYN did (RFC 7323 3.2)",
     simultaneous),
    ("text and FIN of a SYN-ACK are kept (RFC 9293 3.10.7.3), Linux has them sent again",
     lambda found: found.before == "SYN_SENT" and is_segment(found) and
     found.step.flags & SYN and (found.step.len or found.step.flags & FIN)),
    ("an ACK of what was not sent is answered (RFC 9293 3.10.7.4, RFC 5961 5.2), also where "
     "Linux's header prediction takes it",
     lambda found: wrong_ack(found) and
     (bare(found.toytcp.said) or not found.toytcp.said) and
     found.linux.state in ("ESTABLISHED", "CLOSE_WAIT", "CLOSE", "-", "FIN_WAIT2")),
    ("when a delayed ACK goes, or how often useless segments are answered, is a policy",
     lambda found: delayed(found) and found.toytcp.state == found.linux.state and
     found.before in ("CLOSE_WAIT", "ESTABLISHED", "CLOSE", "-", "FIN_WAIT2")),
    ("SACK blocks go in pure ACKs, not with data (RFC 2018 3 allows both)", sack_with_data),
    ("how many segments go at once: Linux defers some to fill a buffer for the device, and "
     "counts a send buffer otherwise", burst),
    ("text behind a FIN is ignored (RFC 9293 3.10.7.4), Linux resets the connection",
     lambda found: found.before == "CLOSE_WAIT" and
     any(text.startswith("R ") for text in found.linux.said)),
    ("text right of the window is cut off (RFC 9293 3.10.7.4), Linux keeps a segment whole",
     lambda found: right_of_window(found) and
     any(" sack " in text for text in found.toytcp.said + found.linux.said)),
    ("a SYN or reset in the window of a request or an orphan is challenged (RFC 5961 3.2 and "
     "4.2), Linux resets or ends it", odd_resets),
    ("which segment's timestamp is echoed when its ACK is old", only_timestamps),
)


def explain(fuzz, number, steps, found):
    print(f"# walk {number}, step {found.at + 1}, in {found.before}: {describe(found.step)}")
    for step in draw_walk(fuzz.seed, number, steps)[:found.at]:
        print(f"#     {describe(step)}")
    print(f"#   toytcp: {seen_text(found.toytcp)}")
    print(f"#   linux:  {seen_text(found.linux)}")


def fuzz(hosts, seed, seconds, walks, steps=16):
    """Walks until the time is over; how many, and the differences by kind."""
    end = time.monotonic() + seconds
    fuzzer = Fuzz(hosts, seed)
    for host in hosts:
        host.enter()
        host.sysctl("ecn", 1)
    justified, unknown = {}, 0
    number = 0
    while number < walks and time.monotonic() < end:
        found = fuzzer.walk(number, steps)
        if found:
            reason = known(found)
            if reason:
                justified[reason] = justified.get(reason, 0) + 1
            else:
                unknown += 1
                explain(fuzzer, number, steps, found)
        number += 1
    return number, fuzzer.steps, justified, unknown
