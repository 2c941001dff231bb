# SPDX-License-Identifier: GPL-2.0
"""One scenario on one host, in real time. scapy builds what is injected and
takes apart what comes; see docs/scenarios.md for what is compared.

Time. The scenario has a clock of its own, which a segment or call that comes
late holds up: what is timed is measured from what really happened, and a slow
machine is slow, not wrong. Nothing sleeps but until the time of the next
event, and while waiting the device is read, so that what comes has its time.
"""
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time
from collections import deque

from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP
from scapy.packet import Raw

from host import HOST, PEER, calls, sockaddr
from scenario import ANY, FLAGS, STAR_SECONDS, Wrong
from segment import MASK, diff

conf.verb = 0

TOLERANCE = 0.020		# seconds; docs/scenarios.md
NATIVE = 0.001			# seconds for a packet to be built and taken apart
STALL = 0.05			# seconds; the machine has stood still
DISTURBED = 0.1			# seconds that a scenario was held up, in all
WHEEL = 1 / 8			# so much later than asked for may a kernel timer be

ISS = 0xFFFFFF80		# of every peer: wraps early
TS_BASE = 0x7FFFFFF0		# of every peer's clock
PATTERN_PERIOD = 65521
PATTERN = bytes((i * 2654435761 & MASK) >> 24 for i in range(PATTERN_PERIOD)) * 3

UNREACHABLE = {"net_unreachable": 0, "host_unreachable": 1, "protocol_unreachable": 2,
               "port_unreachable": 3, "frag_needed": 4, "admin_prohibited": 13}
STATES = ("NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
          "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING")
CA_STATES = ("TCP_CA_Open", "TCP_CA_Disorder", "TCP_CA_CWR", "TCP_CA_Recovery", "TCP_CA_Loss")

# struct tcp_info as of Linux 6.1
TCP_INFO_NAMES = (
    "state ca_state retransmits probes backoff options wscale flags rto ato snd_mss rcv_mss "
    "unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv "
    "last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering "
    "rcv_rtt rcv_space total_retrans pacing_rate max_pacing_rate bytes_acked bytes_received "
    "segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out delivery_rate "
    "busy_time rwnd_limited sndbuf_limited delivered delivered_ce bytes_sent bytes_retrans "
    "dsack_dups reord_seen rcv_ooopack snd_wnd").split()
TCP_INFO_FORMAT = "=8B24I4Q6I4Q2I2Q4I"

# what Python's socket module does not name
CONSTANTS = {"FIONREAD": 0x541B, "SIOCINQ": 0x541B, "SIOCOUTQ": 0x5411, "SIOCOUTQNSD": 0x894B,
             "SIOCATMARK": 0x8905, "IP_MTU_DISCOVER": 10, "IP_MTU": 14, "IP_RECVERR": 11,
             "IP_BIND_ADDRESS_NO_PORT": 24, "IP_MINTTL": 21, "IP_FREEBIND": 15,
             "SOL_TCP": 6, "TCP_MAXSEG": 2, "TCP_CORK": 3, "TCP_SYNCNT": 7,
             "TCP_LINGER2": 8, "TCP_DEFER_ACCEPT": 9, "TCP_WINDOW_CLAMP": 10,
             "TCP_QUICKACK": 12, "TCP_USER_TIMEOUT": 18, "TCP_NOTSENT_LOWAT": 25,
             "TCP_INQ": 36, "TCP_FASTOPEN_CONNECT": 30, "TCP_FASTOPEN_NO_COOKIE": 34,
             "IP_PMTUDISC_DONT": 0, "IP_PMTUDISC_WANT": 1, "IP_PMTUDISC_DO": 2,
             "IP_PMTUDISC_PROBE": 3, "SO_MARK": 36, "SO_PRIORITY": 12}


class Failed(Exception):
    """The scenario does not hold."""


class Late(Failed):
    """Not at its time, which on a busy machine may be the machine's fault."""


def constant(text):
    """A number, a name, or several with |"""
    if not isinstance(text, str):
        raise Failed(f"{text} is no number")
    result = 0
    for word in text.split("|"):
        if word.lstrip("-").isdigit() or word.startswith("0x"):
            result |= int(word, 0)
        elif word in CONSTANTS:
            result |= CONSTANTS[word]
        else:
            for module in socket, select, errno, fcntl:
                if hasattr(module, word):
                    result |= getattr(module, word)
                    break
            else:
                raise Failed(f"{word} is not known")
    return result


COMPARE = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
           "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def pattern(offset, length):
    if offset < 0:
        return bytes(min(-offset, length)) + (pattern(0, length + offset)
                                              if length > -offset else b"")
    at = offset % PATTERN_PERIOD
    return PATTERN[at:at + length] if length <= PATTERN_PERIOD else \
        (PATTERN * (length // PATTERN_PERIOD + 1))[at:at + length]


class Peer:
    """What one peer and the host know of each other's numbers"""

    def __init__(self, port, host_port):
        self.port, self.host_port = port, host_port
        self.irs = None		# the host's first number, once it sent a SYN
        self.renumber = False	# the next SYN that is expected begins anew
        self.win = 65535
        self.ts_base = None	# the host's clock where it is written 0
        self.ts_held = 0.0	# how much the scenario was held up then
        self.ts_seen = {}	# its written values, and what they were
        self.host_expects = ISS	# by its last ACK
        self.waiting = deque()	# (time, packet) that came and were not expected yet

    def host_seq(self, number, absolute=False):
        return number & MASK if absolute else (number + (self.irs or 0)) & MASK


class Run:
    """A scenario that runs once"""
    scale = 1.0			# tolerances are multiplied with, on a slow machine

    def __init__(self, host, scenario, events, number, patience=1):
        self.host, self.scenario, self.events = host, scenario, events
        self.port = 2000 + number % 1300 * 10
        self.peers = [Peer(20000 + number % 1300 * 10 + i, self.port) for i in range(10)]
        self.fds, self.read_bytes, self.written, self.raw_read = {}, {}, {}, set()
        self.cookie = b""		# Fast Open: the host's, as it came last
        tolerance = scenario.header.get("tolerance")
        self.tolerance = (float(tolerance) / 1000 if tolerance else TOLERANCE) * \
            self.scale * patience
        self.now = 0.0			# the scenario's time, of the last event
        self.base = 0.0			# the clock when the scenario's was 0
        self.held = 0.0			# how much it was held up, in all
        self.log = []			# (time, text)
        self.late = False
        self.stall = 0.0		# seconds, the longest between an act and its answer

    # --- the whole --------------------------------------------------------

    def run(self):
        """None, or why it failed; self.late says that it was time alone"""
        self.host.enter()
        self.counters = self.host.counters() if any(
            event.kind == "counter" for event in self.events) else {}
        self.base = time.monotonic()
        event = None
        try:
            for event in self.events:
                self.now += event.delta
                getattr(self, "do_" + event.kind)(event)
            self.drain()
            self.nothing_waits()
        except (Failed, OSError) as why:
            self.late = (isinstance(why, Late) or self.stall > STALL or
                         self.held > DISTURBED)
            text = "\n".join(f"    +{at:.6f} {what}" for at, what in self.log[-40:])
            return f"{event.line if event else self.scenario.line}: {why}\n{text}"
        finally:
            self.clean_up()
        return None

    def clean_up(self):
        """Resets from both sides, and all that they bring is read."""
        for fd in self.fds.values():
            calls.setsockopt(fd, socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("=ii", 1, 0), 8)
            calls.close(fd)
        for peer in self.peers:
            if peer.host_expects != ISS:
                self.host.write(bytes(IP(src=PEER, dst=HOST) / TCP(
                    sport=peer.port, dport=peer.host_port, seq=peer.host_expects, flags="R")))
        self.host.reset()

    # --- time and the device ------------------------------------------------

    def clock(self):
        return time.monotonic() - self.base

    def note(self, at, text):
        self.log.append((at, text))

    def drain(self, at=None):
        while self.receive(0, at):
            pass

    def receive(self, seconds, at=None):
        """One packet from the device into its peer's queue; False: none came"""
        came = self.host.read(seconds)
        if not came:
            return False
        packet = IP(came[1])
        at = at or came[0]
        if TCP not in packet or packet[IP].frag:
            return True
        for number, peer in enumerate(self.peers):
            if (packet[TCP].dport == peer.port and packet.dst == PEER):
                self.took(number, peer, at, packet)
        return True

    def took(self, number, peer, at, packet):
        tcp = packet[TCP]
        if tcp.flags.S:
            peer.host_port = tcp.sport
            if peer.irs is None:
                peer.irs = tcp.seq
        if tcp.flags.A and not tcp.flags.R:
            peer.host_expects = tcp.ack
        # in the scenario's time, as far as it was held up until now
        peer.waiting.append((at - self.base, packet))
        self.note(at - self.base, f"{number if number != 1 else ''}> {self.text(peer, packet)}")

    def wait(self, until):
        """Read the device until this time of the scenario"""
        while (left := until - self.clock()) > 0:
            self.receive(left)

    def act(self):
        """Now, or when its time has come: something that the host notices. If
        it comes late, the scenario is held up."""
        self.wait(self.now)
        self.hold_up(self.clock() - self.now)
        self.began = time.monotonic()

    def hold_up(self, late):
        if late > 0:
            self.base += late
            self.held += late

    def acted(self):
        """What the host has answered by now, it answered at once, however long
        it takes this process to read it."""
        self.drain(self.base + self.now)
        self.stall = max(self.stall, time.monotonic() - self.began)

    def nothing_waits(self):
        for number, peer in enumerate(self.peers):
            # what a timer brought after that time is not asked for
            if peer.waiting and peer.waiting[0][0] <= self.now + self.tolerance:
                raise Failed(f"nothing was expected, came {number}> "
                             f"{self.text(peer, peer.waiting[0][1])}")

    # --- segments ------------------------------------------------------------

    def text(self, peer, packet):
        tcp = packet[TCP]
        length = len(packet[TCP].payload)
        seq = diff(tcp.seq, peer.irs or 0)
        flags = "".join(c for i, c in enumerate(FLAGS) if int(tcp.flags) & 1 << i) or "-"
        ecn = ("", "[ect1] ", "[ect0] ", "[ce] ")[packet[IP].tos & 3]
        text = f"{ecn}{flags} {seq}:{seq + length}({length})"
        if tcp.flags.A:
            text += f" ack {diff(tcp.ack, ISS)}"
        text += f" win {tcp.window}"
        if tcp.urgptr:
            text += f" urg {tcp.urgptr}"
        words = [" ".join(map(str, word)) for word in self.options(peer, packet)]
        return text + (f" <{','.join(words)}>" if words else "")

    def options(self, peer, packet):
        """As the language has them; a timestamp in written values"""
        for name, value in packet[TCP].options:
            if name == "MSS":
                yield "mss", value
            elif name == "WScale":
                yield "wscale", value
            elif name == "SAckOK":
                yield ("sackOK",)
            elif name == "Timestamp":
                yield ("TS", "val", self.ts_written(peer, value[0]), "ecr",
                       diff(value[1], TS_BASE) if value[1] else 0)
            elif name == "SAck":
                blocks = [diff(edge, ISS) for edge in value]
                yield ("sack", *(f"{a}:{b}" for a, b in zip(blocks[::2], blocks[1::2])))
            elif name == "TFO":
                yield "FO", struct.pack("!II", *value) if isinstance(value, tuple) else value
            elif name not in ("NOP", "EOL"):
                yield "option", name, value

    def ts_written(self, peer, value):
        if peer.ts_base is None:
            return 0
        return diff(value, peer.ts_base) - round((self.held - peer.ts_held) * 1000)

    def build_options(self, peer, words):
        raw = b""
        for word, *values in words:
            if word == "nop":
                raw += b"\1"
            elif word == "eol":
                raw += b"\0"
            elif word == "mss":
                raw += struct.pack("!BBH", 2, 4, values[0])
            elif word == "wscale":
                raw += struct.pack("!BBB", 3, 3, values[0])
            elif word == "sackOK":
                raw += b"\4\2"
            elif word == "TS":
                raw += struct.pack("!BBII", 8, 10, (TS_BASE + values[0]) & MASK,
                                   self.host_ts(peer, values[1]))
            elif word == "sack":
                raw += struct.pack("!BB", 5, 2 + 8 * len(values))
                for block in values:
                    raw += struct.pack("!II", *(peer.host_seq(edge) for edge in block))
            elif word == "FO":
                cookie = self.cookie if values[0] == "cookie" else values[0]
                raw += bytes((34, 2 + len(cookie))) + cookie
            elif word == "raw":
                raw += values[0]
        return raw + bytes(-len(raw) % 4)

    def host_ts(self, peer, written):
        if not written:
            return 0
        if written in peer.ts_seen:
            return peer.ts_seen[written]
        return ((peer.ts_base or 0) + written +
                round((self.held - peer.ts_held) * 1000)) & MASK

    def do_inject(self, event):
        peer, want = self.peers[event.peer], event.data
        if want.win is not None:
            peer.win = want.win
        seq = want.seq if want.seq_absolute else want.seq + ISS
        ack = 0
        if want.ack is not None:
            ack = peer.host_seq(want.ack, want.ack_absolute)
        raw = self.build_options(peer, want.options or [])
        flags = sum(1 << FLAGS.index(c) for c in want.flags)
        # scapy's own parser would refuse what is malformed on purpose: the
        # options go behind the header as bytes
        tcp = TCP(sport=peer.port, dport=peer.host_port, seq=seq & MASK, ack=ack, flags=flags,
                  window=peer.win, urgptr=want.urg or 0, dataofs=5 + len(raw) // 4)
        packet = IP(src=PEER, dst=HOST, flags="DF", tos=want.ecn or 0) / tcp
        # the stream begins after the SYN
        data = raw + pattern(want.seq - ("S" not in want.flags), want.length)
        if data:
            packet /= Raw(data)
        self.send(self.with_attributes(packet, want.ip), f"{event.peer if event.peer != 1 else ''}< "
                  f"{want.flags or '-'} {want.seq}:{want.seq + want.length}({want.length})" +
                  (f" ack {want.ack}" if want.ack is not None else "") + f" win {peer.win}")

    def send(self, packets, text):
        self.act()
        for packet in packets:
            self.host.write(packet)
        self.note(self.clock(), text)
        self.acted()

    def with_attributes(self, packet, attributes):
        """What the wire lane adds to a segment: {...}"""
        fragment = 0
        for name, value in attributes.items():
            if name in ("ttl", "tos", "id"):
                setattr(packet[IP], name, int(value, 0))
            elif name in ("src", "dst"):
                setattr(packet[IP], name, value)
            elif name == "df":
                packet[IP].flags = "DF" if value != "0" else 0
            elif name == "dataofs":
                packet[TCP].dataofs = int(value)
            elif name == "reserved":
                packet[TCP].reserved = int(value)
            elif name == "dport":
                packet[TCP].dport = int(value)
            elif name == "ip_options":
                packet[IP].options = []
                packet[IP].options = bytes.fromhex(value)
            elif name == "fragment":
                fragment = int(value)
                packet[IP].flags = 0
            elif name not in ("bad_checksum", "bad_ip_checksum", "cut", "pad", "reverse"):
                raise Wrong(f"no attribute {name}")
        raw = bytearray(bytes(packet))
        header = (raw[0] & 15) * 4
        if "bad_checksum" in attributes:
            raw[header + 17] ^= 1
        if "bad_ip_checksum" in attributes:
            raw[11] ^= 1
        if "cut" in attributes:
            del raw[len(raw) - int(attributes["cut"]):]
        if "pad" in attributes:
            raw += bytes(int(attributes["pad"]))
        if not fragment:
            return [bytes(raw)]
        parts = cut_up(bytes(raw), fragment)
        return list(reversed(parts)) if "reverse" in attributes else parts

    def do_icmp(self, event):
        peer, want = self.peers[event.peer], event.data
        quote = IP(src=HOST, dst=PEER, flags="DF", len=40 + want["len"]) / TCP(
            sport=peer.host_port, dport=peer.port, seq=peer.host_seq(want["seq"]), flags="A")
        message = ICMP(type=3, code=UNREACHABLE[want["code"]])
        if want["mtu"]:
            message.nexthopmtu = want["mtu"]
        packet = IP(src=PEER, dst=HOST) / message / quote
        attributes = dict(want["ip"])
        if attributes.pop("bad_icmp_checksum", None):
            raw = bytearray(bytes(packet))
            raw[23] ^= 1
            packets = [bytes(raw)]
        else:
            packets = self.with_attributes(packet, attributes)
        self.send(packets, f"< icmp {want['code']}")

    # --- expectations -----------------------------------------------------

    def do_expect(self, event):
        peer, want = self.peers[event.peer], event.data
        first, last = self.now, self.now + STAR_SECONDS
        if not event.star:
            last = first
            if event.until is not None:
                last = first - event.delta + event.until
        deadline = last + self.tolerance + (last - first + event.delta) * WHEEL
        while not peer.waiting and (left := deadline - self.clock()) > 0:
            self.receive(left)
        self.drain()
        if not peer.waiting:
            raise Failed(f"expected > {event.line.text}, nothing came in "
                         f"{self.clock() - self.now + event.delta:.3f} s")
        at, packet = peer.waiting.popleft()
        if packet[TCP].flags.S and peer.renumber:
            peer.irs, peer.renumber = packet[TCP].seq, False
            peer.ts_base = None
            peer.ts_seen.clear()
        why = self.compare(peer, want, packet)
        if why:
            raise Failed(f"expected {event.line.text.strip()}, came "
                         f"> {self.text(peer, packet)}: {why}")
        if not event.star and not first - self.tolerance <= at <= deadline:
            raise Late(f"expected {event.line.text.strip()}, came at {at:.3f}, "
                         f"not {first:.3f}" + (f" to {last:.3f}" if last > first else ""))
        if event.star or event.until is not None:
            self.now = min(max(at, first), last)
        self.hold_up(at - self.now)

    def compare(self, peer, want, packet):
        """Why this segment is not the one, or None"""
        tcp = packet[TCP]
        flags = sum(1 << FLAGS.index(c) for c in want.flags if c != "p")
        optional = 1 << FLAGS.index("P") if "p" in want.flags else 0
        data = bytes(tcp.payload)
        differing = (int(tcp.flags) ^ flags) & 0xFF & ~optional
        # where a PSH stands among data is an opinion: Linux has its own
        if want.length and self.host.family_name == "linux":
            differing &= ~0x08
        if differing:
            return "flags"
        if tcp.seq != peer.host_seq(want.seq, want.seq_absolute):
            return "sequence number"
        if len(data) != want.length:
            return "length"
        if data != pattern(diff(tcp.seq, peer.irs or 0) - (not tcp.flags.S), len(data)):
            return "the bytes are not the pattern's"
        if want.ack is not None and tcp.ack != (
                want.ack & MASK if want.ack_absolute else want.ack + ISS & MASK):
            return "ACK"
        if want.win is not None and tcp.window != want.win:
            return "window"
        if want.urg is not None and tcp.urgptr != want.urg:
            return "urgent pointer"
        if want.ecn is not None and packet[IP].tos & 3 != want.ecn:
            return "ECN"
        return (self.compare_options(peer, want, packet) or self.compare_ip(want, packet) or
                self.compare_checksums(packet))

    def compare_options(self, peer, want, packet):
        found = dict((word[0], word) for word in self.options(peer, packet))
        if "TS" in found:
            self.learn_ts(peer, want, packet)
            found["TS"] = next(w for w in self.options(peer, packet) if w[0] == "TS")
        if want.options is None:
            return None
        wanted = [word for word in want.options if word[0] not in ("nop", "eol")]
        if {word[0] for word in wanted} != set(found):
            return "options"
        for word, *values in wanted:
            come = found[word][1:]
            if word == "TS":
                come = come[1::2]
                if values[0] != ANY and abs(come[0] - values[0]) > self.tolerance * 1000 + 1:
                    return "timestamp's value"
                if values[1] != ANY and (come[1] - values[1]) & MASK:
                    return "timestamp's echo"
            elif word == "sack":
                if [f"{a}:{b}" for a, b in values] != list(come):
                    return "SACK blocks"
            elif word == "FO":
                if values[0] == ANY and come[0]:
                    self.cookie = come[0]
                elif come[0] != (self.cookie if values[0] == "cookie" else values[0]):
                    return "cookie"
            elif values and values[0] != ANY and list(come) != values:
                return word
        return None

    def learn_ts(self, peer, want, packet):
        value = next(v for n, v in packet[TCP].options if n == "Timestamp")[0]
        written = next((w[1] for w in want.options or [] if w[0] == "TS"), ANY)
        if peer.ts_base is None:
            peer.ts_base = value - (0 if written == ANY else written) & MASK
            peer.ts_held = self.held
        if written != ANY:
            peer.ts_seen[written] = value

    @staticmethod
    def compare_ip(want, packet):
        ip = packet[IP]
        for name, value in want.ip.items():
            found = {"ttl": ip.ttl, "tos": ip.tos, "id": ip.id, "df": int(ip.flags.DF),
                     "reserved": packet[TCP].reserved}.get(name)
            if value == "!0":
                if not found:
                    return f"{name} {found}"
            elif found != int(value, 0):
                return f"{name} {found}"
        return None

    @staticmethod
    def compare_checksums(packet):
        ip, tcp = packet[IP].chksum, packet[TCP].chksum
        again = packet.copy()
        del again[IP].chksum, again[TCP].chksum
        again = IP(bytes(again))
        if (again[IP].chksum, again[TCP].chksum) != (ip, tcp):
            return "checksum"
        return None

    def do_silence(self, event):
        self.wait(max(self.now, self.clock() + (0 if event.delta else TOLERANCE)))
        self.drain()
        self.nothing_waits()

    # --- state ----------------------------------------------------------------

    def do_state(self, event):
        self.wait(self.now)
        found = self.state(self.peers[event.peer])
        if found != event.data:
            raise Failed(f"state is {found}, not {event.data}")

    def state(self, peer):
        name = "toytcp" if self.host.family_name == "toytcp" else "tcp"
        with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
            for row in file:
                columns = row.split()
                ports = [column.partition(":")[2] for column in columns[1:3]]
                if ports == [f"{peer.host_port:04X}", f"{peer.port:04X}"]:
                    name = STATES[int(columns[3], 16)]
                    return "NONE" if name == "CLOSE" else name
        return "NONE"

    def do_info(self, event):
        self.wait(self.now)
        fd, tests = event.data
        size = struct.calcsize(TCP_INFO_FORMAT)
        raw = ctypes.create_string_buffer(size)
        result = calls.getsockopt(self.fds[fd], socket.IPPROTO_TCP, socket.TCP_INFO, raw,
                                  struct.pack("=i", size))
        if result < 0:
            raise Failed(f"getsockopt(TCP_INFO): {errno.errorcode[-result]}")
        values = dict(zip(TCP_INFO_NAMES, struct.unpack(TCP_INFO_FORMAT, raw.raw)))
        bits = values["wscale"]
        values["snd_wscale"], values["rcv_wscale"] = bits & 15, bits >> 4
        for name, operator, word in tests:
            value = values[name[5:]]
            number = (STATES.index(word) if word in STATES else
                      CA_STATES.index(word) if word in CA_STATES else int(word))
            if not COMPARE[operator](value, number):
                raise Failed(f"{name} is {value}, not {operator} {word}")

    def do_counter(self, event):
        self.wait(self.now)
        name, operator, number = event.data
        now = self.host.counters()
        if name not in now:
            raise Failed(f"no counter {name}")
        value = now[name] - self.counters[name]
        if not COMPARE[operator](value, number):
            raise Failed(f"{name} counted {value}, not {operator} {number}")

    def do_sysctl(self, event):
        self.act()
        self.host.sysctl(*event.data)

    def do_renumber(self, event):
        self.peers[event.peer].renumber = True

    # --- calls ------------------------------------------------------------------

    def do_call(self, event):
        call = event.data
        if call.name in ("getsockopt", "poll", "ioctl"):
            self.wait(self.now)
        else:
            self.act()
        function = getattr(self, "call_" + call.name, None)
        if not function:
            raise Failed(f"no call {call.name}")
        result = function(call, *call.args)
        self.acted()
        error = errno.errorcode.get(-result, "?") if result < 0 else ""
        said = f"{-1 if error else result} {error}".strip()
        self.note(self.clock(), f"{call.name}() = {said}")
        if call.name in ("socket", "accept") and result >= 0 and call.result != ANY:
            if call.result < 0:
                raise Failed(f"{call.name}() succeeded, not {call.error}")
            self.fds[call.result] = result
            return
        want = -getattr(errno, call.error) if call.error else call.result
        if (result < 0) if want == ANY else (result != want):
            raise Failed(f"{call.name}() = {said}, not "
                         f"{call.result} {call.error}".rstrip())

    def fd(self, name):
        return self.fds[int(name)]

    def call_socket(self, _, family, kind, protocol):
        return calls.socket(self.host.family, constant(kind) | socket.SOCK_NONBLOCK,
                            constant(protocol))

    def call_bind(self, _, fd, addr="...", *rest):
        if len(self.fds) > 1:
            calls.setsockopt(self.fd(fd), socket.SOL_SOCKET, socket.SO_REUSEADDR,
                             struct.pack("=i", 1), 4)
        return calls.bind(self.fd(fd), sockaddr("0.0.0.0", self.port), 16)

    def call_listen(self, _, fd, backlog):
        return calls.listen(self.fd(fd), constant(backlog))

    def call_connect(self, _, fd, peer="...", *rest):
        number = 1 if peer == "..." else int(peer)
        return calls.connect(self.fd(fd), sockaddr(PEER, self.peers[number].port), 16)

    def call_accept(self, _, fd, *rest):
        return calls.accept4(self.fd(fd), None, None, socket.SOCK_NONBLOCK)

    def call_close(self, _, fd):
        return calls.close(self.fds.pop(int(fd)))

    def call_shutdown(self, _, fd, how):
        names = {"SHUT_RD": 0, "SHUT_WR": 1, "SHUT_RDWR": 2}
        return calls.shutdown(self.fd(fd), names[how] if how in names else int(how))

    def call_write(self, call, fd, buf, length):
        return self.put(fd, length, "MSG_NOSIGNAL")

    def call_send(self, call, fd, buf, length, flags="0", *rest):
        return self.put(fd, length, flags)

    def call_sendto(self, call, fd, buf, length, flags, peer="...", *rest):
        return self.put(fd, length, flags, 1 if peer == "..." else int(peer))

    def put(self, fd, length, flags, peer=1):
        length, offset = constant(length), self.written.get(fd, 0)
        flags = constant(flags) | socket.MSG_NOSIGNAL
        to = (sockaddr(PEER, self.peers[peer].port), 16) if flags & socket.MSG_FASTOPEN else \
            (None, 0)
        result = calls.sendto(self.fd(fd), pattern(offset, length), length, flags, *to)
        self.written[fd] = offset + max(result, 0)
        return result

    def call_read(self, call, fd, buf, length):
        return self.get(fd, length, "0")

    def call_recv(self, call, fd, buf, length, flags="0"):
        return self.get(fd, length, flags)

    def get(self, fd, length, flags):
        length, flags = constant(length), constant(flags)
        buf = ctypes.create_string_buffer(max(length, 1))
        result = calls.recv(self.fd(fd), buf, length, flags)
        if flags & socket.MSG_OOB:
            self.raw_read.add(fd)
        if result <= 0:
            return result
        offset = self.read_bytes.get(fd, 0)
        if fd not in self.raw_read and not flags & socket.MSG_TRUNC and \
                buf.raw[:result] != pattern(offset, result):
            raise Failed(f"what was read from {offset} on is not the pattern")
        if not flags & (socket.MSG_PEEK | socket.MSG_OOB):
            self.read_bytes[fd] = offset + result
        return result

    @staticmethod
    def pack_value(value):
        if isinstance(value, dict):
            if {"onoff", "linger"} <= {key.removeprefix("l_") for key in value}:
                return struct.pack("=ii", *(constant(v) for v in value.values()))
            raise Failed(f"no struct {value}")
        return struct.pack("=i", constant(value[0]))

    def call_setsockopt(self, _, fd, level, name, value, length="4"):
        if constant(name) == socket.SO_OOBINLINE and constant(level) == socket.SOL_SOCKET:
            self.raw_read.add(fd)
        return calls.setsockopt(self.fd(fd), constant(level), constant(name),
                                self.pack_value(value), constant(length))

    def call_getsockopt(self, _, fd, level, name, value, length=("4",)):
        buf = ctypes.create_string_buffer(64)
        size = struct.pack("=i", constant(length[0]) if length != "..." else 4)
        result = calls.getsockopt(self.fd(fd), constant(level), constant(name), buf, size)
        if result < 0 or value in ("...", ["..."], [ANY]):
            return result
        want = self.pack_value(value)
        if buf.raw[:len(want)] != want:
            found = struct.unpack_from("=i", buf.raw)[0]
            raise Failed(f"getsockopt({name}) gives {found} "
                         f"({errno.errorcode.get(found, '')}), not {value}")
        return result

    def call_poll(self, _, fds, count, timeout):
        raw = b"".join(struct.pack("=ihh", self.fd(one["fd"]), constant(one["events"]), 0)
                       for one in fds)
        buf = ctypes.create_string_buffer(raw, len(raw))
        result = calls.poll(buf, len(fds), 0)
        for i, one in enumerate(fds):
            revents = struct.unpack_from("=H", buf.raw, i * 8 + 6)[0]
            want = constant(one.get("revents", "0"))
            if revents != want:
                raise Failed(f"revents of {one['fd']}: {revents:#x}, not {want:#x}")
        return result

    def call_ioctl(self, _, fd, request, value):
        buf = ctypes.create_string_buffer(4)
        result = calls.ioctl(self.fd(fd), constant(request), buf)
        found = struct.unpack("=i", buf.raw)[0]
        if constant(request) == CONSTANTS["SIOCATMARK"]:
            self.raw_read.add(fd)
        if not result and found != constant(value[0]):
            raise Failed(f"ioctl({request}) gives {found}, not {value[0]}")
        return result

    def call_fcntl(self, _, fd, command, value="0"):
        return calls.fcntl(self.fd(fd), constant(command), constant(value))


def warm_up():
    """What scapy does the first time takes long: do it before time counts. Sets
    Run.scale by how slow this machine is."""
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("SAck", (1, 2))]
    packet = IP(bytes(IP(src=PEER, dst=HOST) / TCP(options=options) / Raw(b"x")))
    bytes(IP() / ICMP(type=3) / IP() / TCP())
    start = time.monotonic()
    for _ in range(20):
        Run.compare_checksums(packet)
    each = (time.monotonic() - start) / 20
    Run.scale = float(os.environ.get("WIRE_TIME_SCALE") or max(1, min(10, each / NATIVE)))
    return Run.scale


def cut_up(raw, size):
    """IPv4 fragments of size bytes of payload each, a multiple of 8"""
    whole = IP(raw)
    payload = raw[whole.ihl * 4:]
    parts = []
    for at in range(0, len(payload), size):
        part = IP(src=whole.src, dst=whole.dst, id=whole.id or 77, ttl=whole.ttl,
                  proto=whole.proto, frag=at // 8, flags="MF" if at + size < len(payload) else 0)
        parts.append(bytes(part / Raw(payload[at:at + size])))
    return parts
