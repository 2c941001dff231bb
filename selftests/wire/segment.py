# SPDX-License-Identifier: GPL-2.0
"""TCP segments in IPv4 as numbers, packed and unpacked by hand: for the random
walk, which makes thousands of them. Scenarios use scapy."""
import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))
LETTERS = "FSRP.UEW"		# as packetdrill writes them

MASK = 0xFFFFFFFF


def diff(a, b):
    """a - b in sequence space, -2^31 to 2^31 - 1"""
    return ((a - b + 0x80000000) & MASK) - 0x80000000


def flags_text(flags):
    return "".join(c for i, c in enumerate(LETTERS) if flags & 1 << i) or "0"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    # the sum of its words modulo 2^16 - 1 is the number modulo that
    number = int.from_bytes(data, "big")
    return ~(number % 0xFFFF or (0xFFFF if number else 0)) & 0xFFFF


def pack(src, dst, sport, dport, seq, ack, flags, wnd, options=b"", data=b"", urg=0, tos=0):
    """A whole packet; addresses as four bytes, options a multiple of four."""
    tcp_len = 20 + len(options) + len(data)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & MASK, ack & MASK,
                      (20 + len(options)) // 4 << 4, flags, wnd, 0, urg) + options + data
    check = checksum(src + dst + struct.pack("!HH", 6, tcp_len) + tcp)
    tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + tcp_len, 0, 0x4000, 64, 6, 0, src, dst)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


class Segment:
    """One that came out of the host; None of it is checked here."""

    def __init__(self, packet):
        ihl = (packet[0] & 15) * 4
        self.proto, self.ecn = packet[9], packet[1] & 3
        self.src, self.dst = packet[12:16], packet[16:20]
        if self.proto != socket.IPPROTO_TCP:
            return
        (self.sport, self.dport, self.seq, self.ack, doff, self.flags, self.wnd, _,
         self.urg) = struct.unpack_from("!HHIIBBHHH", packet, ihl)
        doff = (doff >> 4) * 4
        self.options = dict(options(packet[ihl + 20:ihl + doff]))
        self.data = packet[ihl + doff:struct.unpack_from("!H", packet, 2)[0]]
        self.end = self.seq + len(self.data) + bool(self.flags & SYN) + bool(self.flags & FIN)


def options(raw):
    """Kind and value of each"""
    i = 0
    while i < len(raw) and raw[i] != 0:
        if raw[i] == 1:
            i += 1
            continue
        length = raw[i + 1]
        yield raw[i], raw[i + 2:i + length]
        i += length


MSS, WSCALE, SACK_PERMITTED, SACK, TIMESTAMP = 2, 3, 4, 5, 8


def option(kind, value=b""):
    return bytes((kind, len(value) + 2)) + value


def pad(raw):
    return raw + b"\1" * (-len(raw) % 4)
