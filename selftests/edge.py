# SPDX-License-Identifier: GPL-2.0
"""
edge.py - one segment at a time at the lower edge. See edge.sh.

Usage: edge.py toytcp|inet PEER-NAMESPACE PEER-DEVICE DEVICE, run in the
namespace of the TCP under test, whose address is 10.77.0.2. The peer,
10.77.0.3, is played with a packet socket in the other namespace.
"""
import ctypes
import errno
import os
import re
import select
import socket
import struct
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire"))
from segment import checksum

FAMILY, PEER_NETNS, PEER_DEV, DEV = sys.argv[1:]
TOYTCP = FAMILY == "toytcp"
HOST, PEER = "10.77.0.2", "10.77.0.3"
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TRACE = "/sys/kernel/tracing/"
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    pass


def expect(true, *why):
    if not true:
        raise Failed(" ".join(map(str, why)))


def soon(what, *why, seconds=20):
    """Wait until what() is true; there is nothing to be told by."""
    end = time.monotonic() + seconds
    while not what():
        expect(time.monotonic() < end, *why)
        time.sleep(0.02)


# --- the wire ---------------------------------------------------------------

def open_wire():
    """A packet socket in the peer's namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{PEER_NETNS}", os.O_RDONLY)
    expect(not libc.setns(there, 0), "setns")
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind((PEER_DEV, 0x0800))
    expect(not libc.setns(home, 0), "setns back")
    return wire


def mac(text):
    return bytes(int(byte, 16) for byte in text.split(":"))


def ip_packet(payload, src=PEER, dst=HOST, proto=6, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                       20 + len(options) + len(payload), 1, 0, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + options
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + payload


class Wire:
    def __init__(self):
        self.sock = open_wire()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as here:
            here.bind((DEV, 0))
            self.to_host = here.getsockname()[4]
        self.from_peer = self.sock.getsockname()[4]
        self.checked = 0

    def put(self, packet, to=None):
        self.sock.send((to or self.to_host) + self.from_peer + b"\x08\x00" + packet)

    def get(self, port, seconds=10):
        """The next segment to this port of the peer, as a Segment; None: none came."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            frame, addr = self.sock.recvfrom(70000)
            if addr[2] == socket.PACKET_OUTGOING:
                continue
            seg = Segment(frame[14:])
            if seg.proto == 6 and seg.dst == PEER and seg.dport == port:
                expect(seg.good, "a wrong checksum was sent")
                self.checked += 1
                return seg


class Segment:
    """One that the TCP under test sent."""

    def __init__(self, ip):
        self.ihl = (ip[0] & 15) * 4
        self.tos, self.ttl, self.proto = ip[1], ip[8], ip[9]
        self.dst = socket.inet_ntoa(ip[16:20])
        tcp = ip[self.ihl:struct.unpack("!H", ip[2:4])[0]]
        if self.proto != 6 or len(tcp) < 20:
            self.proto = 0
            return
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags, self.wnd,
         _, self.urg) = struct.unpack("!HHIIBBHHH", tcp[:20])
        self.data = tcp[(offset >> 4) * 4:]
        pseudo = ip[12:20] + struct.pack("!HH", 6, len(tcp))
        self.good = checksum(pseudo + tcp) == 0 and checksum(ip[:self.ihl]) == 0


class Peer:
    """One end of a connection, played: next numbers, and a port of its own."""
    next_port = 20000

    def __init__(self, dport, tsval=None, sport=None):
        Peer.next_port += 1
        self.port = sport or Peer.next_port
        self.dport = dport
        self.seq = 0xfffffff0       # over the wrap soon
        self.ack = 0
        self.tsval = tsval
        self.wnd = 65535

    def send(self, flags, data=b"", seq=0, ack=0, tsval=0, wnd=None, src=PEER, dst=HOST,
             to=None, doff=None, bad_sum=False, ip_options=b""):
        """A segment; seq, ack and tsval are distances from the right ones."""
        options = b""
        if self.tsval is not None:
            options = struct.pack("!BBBBII", 1, 1, 8, 10, (self.tsval + tsval) & 0xffffffff, 0)
        if flags & SYN:
            options += b"\x02\x04\x05\xb4"
        length = 20 + len(options)
        tcp = struct.pack("!HHIIBBHHH", self.port, self.dport,
                          (self.seq + seq) & 0xffffffff,
                          (self.ack + ack) & 0xffffffff if flags & ACK else 0,
                          (doff if doff is not None else length // 4) << 4, flags,
                          self.wnd if wnd is None else wnd, 0, 0) + options + data
        pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!HH", 6, len(tcp))
        total = checksum(pseudo + tcp) ^ (0x5555 if bad_sum else 0)
        tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
        wire.put(ip_packet(tcp, src, dst, options=ip_options), to)

    def next(self, seconds=10):
        return wire.get(self.port, seconds)

    def answer(self, flags, what="answer"):
        seg = self.next()
        expect(seg, f"no {what}")
        expect(seg.flags & ~PSH == flags, f"{what} has flags {seg.flags:#x}, not {flags:#x}")
        return seg

    def silent(self):
        expect(not self.next(0.3), "there was an answer")

    def syn(self, **how):
        self.send(SYN, **how)
        seg = self.answer(SYN | ACK, "SYN-ACK")
        self.seq += 1
        self.ack = seg.seq + 1
        self.edge = seg.ack + seg.wnd

    def connect(self):
        self.syn()
        self.send(ACK)
        return self

    def data(self, data):
        """Data that are taken; waits for the ACK."""
        self.send(ACK | PSH, data)
        self.seq += len(data)
        while True:
            seg = self.answer(ACK, "ACK")
            self.edge = seg.ack + seg.wnd
            if seg.ack == self.seq & 0xffffffff:
                return seg

    def icmp(self, type, code, seq, mtu=0):
        """An ICMP error that quotes a segment of ours with this number."""
        quote = ip_packet(struct.pack("!HHI", self.dport, self.port, seq & 0xffffffff),
                          src=HOST, dst=PEER)
        body = struct.pack("!BBHHH", type, code, 0, 0, mtu) + quote
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        wire.put(ip_packet(body, proto=1))


# --- the TCP under test -----------------------------------------------------

def new_socket():
    fd = libc.socket(18 if TOYTCP else socket.AF_INET, socket.SOCK_STREAM, 0)
    expect(fd >= 0, "socket:", os.strerror(ctypes.get_errno()))
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
    sock.setblocking(False)
    return sock


next_listener = 7800


def new_listener(backlog=8, rcvbuf=0):
    """A listening socket and its port."""
    global next_listener
    next_listener += 1
    sock = new_socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.bind((HOST, next_listener))
    sock.listen(backlog)
    return sock, next_listener


def accept(listener):
    select.select([listener], [], [], 10)
    fd = libc.accept(listener.fileno(), None, None)
    expect(fd >= 0, "accept:", os.strerror(ctypes.get_errno()))
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
    sock.setblocking(False)
    return sock


def established(**how):
    """listener, accepted socket, peer"""
    listener, port = new_listener()
    peer = Peer(port, **how).connect()
    return listener, accept(listener), peer


def connecting(set_up=lambda sock: None):
    """A socket in SYN_SENT, and the peer that heard its SYN."""
    sock = new_socket()
    sock.bind((HOST, 0))
    set_up(sock)
    peer = Peer(sock.getsockname()[1])
    err = sock.connect_ex((PEER, peer.port))
    expect(err == errno.EINPROGRESS, "connect:", os.strerror(err))
    seg = peer.answer(SYN, "SYN")
    peer.ack = seg.seq + 1
    peer.heard = seg
    return sock, peer


def tcp_info(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)


def pmtu(sock):
    return struct.unpack_from("I", tcp_info(sock), 60)[0]


def sysctl(name, value):
    path = f"/proc/sys/net/toytcp/{name}"
    with open(path) as file:
        old = file.read()
    with open(path, "w") as file:
        file.write(str(value))
    return old


# --- counters and tracepoints -----------------------------------------------

def source(path, pattern):
    """what the module's source has of this pattern"""
    with open(os.path.join(os.path.dirname(__file__), "..", path)) as file:
        return re.findall(pattern, file.read())


# enumerator: name, of every reason
ENUM = dict(source("module/drop.h", r"X\((\w+),\s*\"((?:Drop|TCPMinTTLDrop)\w*)\"\)"))
NAMES = set(ENUM.values())


def drops():
    names, values = open("/proc/net/toytcp_stat").read().splitlines()
    every = dict(zip(names.split()[1:], map(int, values.split()[1:])))
    return {name: n for name, n in every.items() if name in NAMES}


def traced():
    """reasons of the tracepoint since the last clear_trace()"""
    return re.findall(r"toytcp_drop: .*reason=(\w+)", open(TRACE + "trace").read())


def clear_trace():
    open(TRACE + "trace", "w").close()


def run(name, function, *args):
    try:
        function(*args)
        print("ok", name, flush=True)
        return True
    except Failed as why:
        print("not ok", name, "-", why, flush=True)
    except OSError as why:
        print("not ok", name, "-", why, "in line", why.__traceback__.tb_next.tb_lineno,
              flush=True)
    return False


def dropped(reason, provoke, count=1):
    """One segment, one count, one line of the tracepoint."""
    held = provoke()            # a generator: prepare, then the segments
    kept = next(held)
    before = drops()
    clear_trace()
    next(held)
    soon(lambda: drops()[reason] - before[reason] >= count, "not counted:",
         {n: v - before[n] for n, v in drops().items() if v != before[n]}, seconds=10)
    for _ in held:              # what must be seen after it
        pass
    after = drops()
    grown = {n: after[n] - before[n] for n in after if after[n] != before[n]}
    expect(grown == {reason: count}, "counted", grown)
    expect(traced() == [reason] * count, "traced", traced())
    del kept


# Each yields what must be kept, then once when the segment has been sent.

def header():
    yield (c := established())
    c[2].send(ACK, b"x", doff=4)
    yield


def checksum_wrong():
    yield (c := established())
    c[2].send(ACK, b"x", bad_sum=True)
    yield
    c[2].silent()


def socket_filter():
    listener, port = new_listener()
    ret0 = struct.pack("HBBI", 6, 0, 0, 0)
    program = ctypes.create_string_buffer(ret0)
    listener.setsockopt(socket.SOL_SOCKET, 26, struct.pack(
        "HL" if struct.calcsize("P") == 8 else "HI", 1, ctypes.addressof(program)))
    peer = Peer(port)
    yield listener, program
    peer.send(SYN)
    yield
    peer.silent()


def listen_flags():
    listener, port = new_listener()
    peer = Peer(port)
    yield listener
    peer.send(ACK)
    yield
    peer.answer(RST)


def listen_queue():
    listener, port = new_listener(backlog=0)
    cookies = sysctl("syncookies", 0)
    Peer(port).syn()
    second = Peer(port)
    yield listener
    second.send(SYN)
    yield
    second.silent()
    sysctl("syncookies", cookies)


def accept_queue():
    listener, port = new_listener(backlog=0)
    Peer(port).connect()
    soon(lambda: select.select([listener], [], [], 0)[0], "nothing to accept")
    second = Peer(port)
    yield listener
    second.send(SYN)
    yield
    second.silent()


def request_sequence():
    listener, port = new_listener()
    peer = Peer(port)
    peer.syn()
    yield listener
    peer.send(ACK, seq=200000)
    yield
    peer.answer(ACK)


def request_ack():
    listener, port = new_listener()
    peer = Peer(port)
    peer.syn()
    yield listener
    peer.send(ACK, ack=1)
    yield
    peer.answer(RST)


def reset():
    yield (c := established())
    c[2].send(RST)
    yield
    expect(c[1].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET, "no error")


def reset_sequence():
    yield (c := established())
    c[2].send(RST, seq=1)
    yield
    c[2].answer(ACK)


def syn_in_window():
    yield (c := established())
    c[2].send(SYN)
    yield
    c[2].answer(ACK)


def syn_sent_ack():
    sock, peer = connecting()
    yield sock
    peer.send(SYN | ACK, ack=1)
    yield
    peer.answer(RST)


def syn_sent_flags():
    sock, peer = connecting()
    yield sock
    peer.send(RST)
    yield
    expect(not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "connect failed")


def paws():
    listener, sock, peer = established(tsval=0xfffffffe)
    peer.tsval += 4
    peer.data(b"x")
    yield listener, sock
    peer.send(ACK, b"y", tsval=-2)
    yield
    peer.answer(ACK)


def out_of_window():
    yield (c := established())
    c[2].send(ACK, seq=200000)
    yield


def no_ack_flag():
    yield (c := established())
    c[2].send(0, b"x")
    yield
    c[2].silent()


def old_ack():
    yield (c := established())
    c[2].send(ACK, b"x", ack=-65536 * 2)
    yield
    c[2].answer(ACK)


def future_ack():
    yield (c := established())
    c[2].send(ACK, b"x", ack=1)
    yield
    c[2].answer(ACK)


def old_data():
    yield (c := established(), c[2].data(b"1234"))
    c[2].send(ACK, b"1234", seq=-4)
    yield
    c[2].answer(ACK)


def over_window():
    yield (c := established(), c[2].data(b"1234"))
    c[2].send(ACK, b"x", seq=c[2].edge - c[2].seq)
    yield


def after_fin():
    listener, sock, peer = established()
    peer.send(FIN | ACK)
    peer.seq += 1
    peer.answer(ACK)
    yield listener, sock
    peer.send(ACK, b"x")
    yield
    peer.silent()           # as Linux


def after_close():
    listener, sock, peer = established()
    sock.close()
    peer.answer(FIN | ACK)
    yield listener
    peer.send(ACK, b"x")
    yield
    expect(peer.next().flags & RST, "no reset")


def time_wait():
    listener, sock, peer = established()
    sock.close()
    peer.answer(FIN | ACK)
    peer.ack += 1
    peer.send(FIN | ACK)
    peer.seq += 1
    peer.answer(ACK)
    yield listener
    peer.send(RST)
    yield


def defer_accept():
    listener, port = new_listener()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    peer = Peer(port)
    peer.syn()
    yield listener
    peer.send(ACK)
    yield
    expect(not select.select([listener], [], [], 0)[0], "it is accepted")


def min_ttl():
    listener, sock, peer = established()
    sock.setsockopt(socket.IPPROTO_IP, 21, 200)     # IP_MINTTL
    yield listener, sock
    peer.send(ACK, b"x")
    yield
    peer.silent()


def ofo_duplicate():
    listener, sock, peer = established()
    peer.send(ACK, b"x", seq=10)
    peer.answer(ACK)
    yield listener, sock
    peer.send(ACK, b"x", seq=10)
    yield
    peer.answer(ACK)


REASONS = {
    "DropHeader": header, "DropChecksum": checksum_wrong,
    "DropSocketFilter": socket_filter, "DropListenFlags": listen_flags,
    "DropListenQueue": listen_queue, "DropAcceptQueue": accept_queue,
    "DropRequestSequence": request_sequence, "DropRequestAck": request_ack,
    "DropReset": reset, "DropResetSequence": reset_sequence,
    "DropSynInWindow": syn_in_window, "DropSynSentAck": syn_sent_ack,
    "DropSynSentFlags": syn_sent_flags, "DropPaws": paws,
    "DropOutOfWindow": out_of_window, "DropNoAckFlag": no_ack_flag,
    "DropOldAck": old_ack, "DropFutureAck": future_ack, "DropOldData": old_data,
    "DropOverWindow": over_window, "DropAfterFin": after_fin,
    "DropAfterClose": after_close, "DropTimeWait": time_wait,
    "DropOutOfOrderDuplicate": ofo_duplicate,
    "DropDeferAccept": defer_accept, "TCPMinTTLDrop": min_ttl,
}


def no_room():
    """Far more than the buffer holds, byte by byte with gaps: all that is thrown
    away is counted, and each once."""
    listener, port = new_listener(rcvbuf=8192)
    peer = Peer(port).connect()
    before = drops()
    clear_trace()
    for i in range(400):
        peer.send(ACK, b"x", seq=2 + 2 * i)
    soon(lambda: sum(drops().values()) - sum(before.values()) >= 300, "few were dropped")
    after = drops()
    grown = {n: after[n] - before[n] for n in after if after[n] != before[n]}
    expect(set(grown) <= {"DropOutOfOrderPruned", "DropReceiveBuffer"}, grown)
    seen = traced()
    expect({n: seen.count(n) for n in set(seen)} == grown, "counted", grown, "traced", len(seen))
    listener.close()


def every_reason():
    """None is without a test: here, no_room()'s, kunit/drop_test.c's for what no
    single segment brings about, and synflood.sh's for what a policy forbids."""
    there = {ENUM[name] for name in source("kunit/drop_test.c",
                                           r"(?:EXPECT_DROPPED\(test, |TOYTCP_DROP_)(\w+)")
             if name in ENUM}
    there |= set(source("selftests/synflood.sh", r"DropPolicy"))
    missing = NAMES - there - set(REASONS) - {"DropNone", "DropReceiveBuffer",
                                              "DropOutOfOrderPruned"}
    expect(not missing, *sorted(missing))


def nstat():
    """nstat reads the counters when told where they are."""
    said = os.popen("PROC_NET_NETSTAT=/proc/net/toytcp_stat nstat -asz 2>&1").read()
    told = dict(re.findall(r"^(\S+)\s+(\d+)", said, re.M))
    for name, value in drops().items():
        expect(told.get("Toytcp" + name) == str(value), name, "is", told.get("Toytcp" + name))
    for name, reason in ("PAWSEstab", "DropPaws"), ("TCPOFOMerge", "DropOutOfOrderDuplicate"), \
            ("TCPSYNChallenge", "DropSynInWindow"), ("InCsumErrors", "DropChecksum"):
        expect(told.get("Toytcp" + name) == told["Toytcp" + reason] != "0", name)


# --- what RFC 9293 asks for at this edge --------------------------------------

def silent_syn(address, to):
    """MUST-57: not ours, and no answer; the next SYN, to us, has one."""
    listener, port = new_listener()
    peer = Peer(port)
    peer.send(SYN, dst=address, to=mac(to))
    peer.silent()
    Peer(port).syn()
    listener.close()


def strange_source(address):
    """MUST-63: no answer to a SYN that nobody can have sent."""
    listener, port = new_listener()
    Peer(port).send(SYN, src=address)
    end = time.monotonic() + 0.3
    while (left := end - time.monotonic()) > 0 and select.select([wire.sock], [], [], left)[0]:
        frame, addr = wire.sock.recvfrom(70000)
        seg = Segment(frame[14:])
        expect(addr[2] == socket.PACKET_OUTGOING or seg.proto != 6 or seg.sport != port,
               "there was an answer")
    Peer(port).syn()
    listener.close()


def ip_options(options):
    """MUST-50: a segment with IP options is like one without."""
    listener, port = new_listener()
    peer = Peer(port)
    peer.syn(ip_options=options)
    peer.send(ACK, ip_options=options)
    peer.send(ACK | PSH, b"12345", ip_options=options)
    sock = accept(listener)
    soon(lambda: select.select([sock], [], [], 0)[0], "nothing to read")
    expect(sock.recv(100) == b"12345", "other data")


def source_quench():
    """MUST-55, RFC 5927 6.2: it does nothing at all."""
    listener, sock, peer = established()
    sock.send(b"x" * 100)
    seg = peer.answer(ACK)
    cwnd = struct.unpack_from("I", tcp_info(sock), 80)[0]
    peer.icmp(4, 0, seg.seq)
    peer.ack += 100
    peer.send(ACK)
    sock.send(b"y" * 100)
    peer.answer(ACK)
    now = struct.unpack_from("I", tcp_info(sock), 80)[0]
    expect(now >= cwnd, f"the congestion window fell from {cwnd} to {now}")
    expect(not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "an error")
    listener.close()


def icmp_out_of_window():
    """RFC 5927 4.1: only about what is in flight."""
    sock, peer = connecting()
    peer.icmp(3, 1, peer.heard.seq - 100)
    peer.icmp(3, 1, peer.heard.seq + 100)
    expect(not select.select([], [sock], [], 0.3)[1], "connect ended")
    peer.icmp(3, 1, peer.heard.seq)
    expect(select.select([], [sock], [], 10)[1], "the right one did not end it")
    err = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    expect(err == errno.EHOSTUNREACH, os.strerror(err))


def frag_needed():
    """RFC 5927 7.2, RFC 1191: believed about what is in flight, down to a floor."""
    listener, sock, peer = established()
    sock.send(b"x" * 1000)
    seg = peer.answer(ACK)
    before = pmtu(sock)
    peer.icmp(3, 4, seg.seq - 5000, mtu=1000)
    peer.icmp(3, 4, seg.seq + 5000, mtu=1000)
    time.sleep(0.2)
    expect(pmtu(sock) == before, f"out of the window: {before} became {pmtu(sock)}")
    peer.icmp(3, 4, seg.seq, mtu=1000)
    soon(lambda: pmtu(sock) == 1000, f"in flight: the path MTU is {pmtu(sock)}")
    peer.icmp(3, 4, seg.seq, mtu=68)
    soon(lambda: pmtu(sock) < 1000, "no smaller one is believed", seconds=5)
    expect(pmtu(sock) >= 552, f"below the floor: {pmtu(sock)}")
    listener.close()


def tos_and_ttl():
    """MUST-48, MUST-49, SHLD-21, SHLD-22: on the SYN, and changed later."""
    def set_up(sock):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x28)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
    sock, peer = connecting(set_up)
    expect(peer.heard.tos == 0x28, f"the SYN has TOS {peer.heard.tos:#x}")
    expect(peer.heard.ttl == 33, f"the SYN has TTL {peer.heard.ttl}")
    peer.send(SYN | ACK)
    peer.seq += 1
    seg = peer.answer(ACK)
    expect(seg.tos == 0x28 and seg.ttl == 33, f"the ACK has {seg.tos:#x} and {seg.ttl}")
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xb8)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 7)
    sock.send(b"x")
    seg = peer.answer(ACK)
    expect(seg.tos == 0xb8, f"data have TOS {seg.tos:#x}")
    expect(seg.ttl == 7, f"data have TTL {seg.ttl}")


def all_checked():
    """MUST-2: every segment that came here had a right checksum."""
    expect(wire.checked > 15, "only", wire.checked, "segments were seen")


wire = Wire()
if TOYTCP:
    open(TRACE + "events/toytcp/toytcp_drop/enable", "w").write("1")
    for reason, provoke in REASONS.items():
        run(f"dropped for one reason: {reason}", dropped, reason, provoke)
    run("dropped for want of room", no_room)
    run("every reason is provoked by a test", every_reason)
    run("nstat reads the counters", nstat)
    open(TRACE + "events/toytcp/toytcp_drop/enable", "w").write("0")
run("a SYN to a broadcast address is not ours", silent_syn, "10.77.0.255", "ff:ff:ff:ff:ff:ff")
run("a SYN to a multicast address is not ours", silent_syn, "224.0.0.1", "01:00:5e:00:00:01")
for strange in "127.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.0", "10.77.0.255":
    if strange == "10.77.0.255" and not TOYTCP:
        continue            # Linux sends its SYN-ACK to the whole subnet
    run(f"a SYN from a strange address, {strange}", strange_source, strange)
run("IP options: no-operations", ip_options, b"\x01\x01\x01\x00")
run("IP options: router alert", ip_options, b"\x94\x04\x00\x00")
run("IP options: an unknown one", ip_options, b"\x9e\x04\x12\x34")
run("IP options: timestamp", ip_options, b"\x44\x08\x05\x00\x00\x00\x00\x00")
run("Source Quench", source_quench)
run("ICMP out of the window", icmp_out_of_window)
run("fragmentation needed out of the window", frag_needed)
run("TOS and TTL", tos_and_ttl)
run("checksums of what was sent", all_checked)
