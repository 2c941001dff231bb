# SPDX-License-Identifier: GPL-2.0
"""The host under test: a network namespace with a TUN device, and the system
calls of a program in it. Whoever reads and writes the device is the peer, and
the network behind it.

A namespace belongs to the thread that made it (unshare()), so several hosts
live side by side in one process, each with its own sysctls, ports and
counters. Threads that it starts are in the same namespace.
"""
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time

AF_TOYTCP = 18
FAMILIES = {"toytcp": AF_TOYTCP, "linux": socket.AF_INET}

HOST = "10.0.0.1"		# as SIM_A in kunit/sim.h
PEER = "10.0.0.3"		# as SIM_PEER
DEVICE = "tun0"

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
IFF_UP = 1

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def sockaddr(addr, port, family=socket.AF_INET):
    """struct sockaddr_in"""
    return struct.pack("=HH4s8x", family, socket.htons(port), socket.inet_aton(addr))


class Host:
    """A namespace of the calling thread's, with a device up to the peer."""

    def __init__(self, family, mtu=1500):
        self.family = FAMILIES[family]
        self.family_name = family
        check(libc.unshare(CLONE_NEWNET), "unshare")
        self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self.tun, TUNSETIFF,
                    struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        self.poll = select.poll()
        self.poll.register(self.tun, select.POLLIN)
        self.ctl = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.up("lo")
        self.ifreq(0x8916, DEVICE, sockaddr(HOST, 0))		# SIOCSIFADDR
        self.ifreq(0x891C, DEVICE, sockaddr("255.255.255.0", 0))	# SIOCSIFNETMASK
        self.ifreq(0x891A, DEVICE, sockaddr("10.0.0.255", 0))	# SIOCSIFBRDADDR
        self.mtu(mtu)
        self.up(DEVICE)
        self.route("0.0.0.0")
        # no router solicitations and the like on the wire
        self.write_sys("ipv6/conf/all/disable_ipv6", 1)
        # what one scenario teaches must not be known to the next
        self.write_sys("ipv4/tcp_no_metrics_save", 1)
        self.saved = {}

    def close(self):
        self.ctl.close()
        os.close(self.tun)
        os.close(self.namespace)

    def enter(self):
        """For a thread that has several hosts: the calls that follow are here."""
        check(libc.setns(self.namespace, CLONE_NEWNET), "setns")

    # --- configuration ------------------------------------------------------

    def ifreq(self, request, device, data):
        fcntl.ioctl(self.ctl, request, struct.pack("16s24s", device.encode(), data))

    def up(self, device):
        self.ifreq(0x8914, device, struct.pack("=H", IFF_UP))	# SIOCSIFFLAGS

    def mtu(self, mtu):
        self.ifreq(0x8922, DEVICE, struct.pack("=i", mtu))	# SIOCSIFMTU

    def route(self, net, mask="0.0.0.0"):
        name = ctypes.create_string_buffer(DEVICE.encode())
        fcntl.ioctl(self.ctl, 0x890B, struct.pack(		# SIOCADDRT, struct rtentry
            "@L16s16s16sHhLLhPLLH", 0, sockaddr(net, 0), sockaddr("0.0.0.0", 0),
            sockaddr(mask, 0), 1, 0, 0, 0, 0, ctypes.addressof(name), 0, 0, 0))

    @staticmethod
    def write_sys(path, value):
        try:
            with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as file:
                file.write(f"{value}\n")
        except FileNotFoundError:
            if not path.startswith("ipv6/"):
                raise

    def sysctl(self, name, value):
        """net.toytcp.NAME, net.ipv4.tcp_NAME; reset() restores it"""
        path = f"toytcp/{name}"
        if self.family != AF_TOYTCP:
            path = f"ipv4/tcp_{name}"
            if not os.path.exists(f"/proc/sys/net/{path}"):
                path = f"ipv4/{name}"
        if path not in self.saved:
            with open(f"/proc/sys/net/{path}", encoding="ascii") as file:
                self.saved[path] = file.read().strip()
        self.write_sys(path, value)

    def reset(self):
        """What scenarios changed is as before; nothing waits in the device."""
        for path, value in self.saved.items():
            self.write_sys(path, value)
        self.saved.clear()
        self.write_sys("ipv4/route/flush", 1)	# what ICMP said of the path's MTU
        while self.read(0):
            pass

    # --- the wire -----------------------------------------------------------

    def write(self, packet):
        os.write(self.tun, packet)

    def read(self, seconds):
        """The next IPv4 packet that leaves the host, within so many seconds;
        with the time at which it was seen. None when there is none."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, end - time.monotonic())
            if not self.poll.poll(int(left * 1000 + 0.999)):
                return None
            try:
                packet = os.read(self.tun, 65536)
            except BlockingIOError:
                continue
            if packet[0] >> 4 == 4:
                return time.monotonic(), packet

    # --- counters -----------------------------------------------------------

    def counters(self):
        """Of the family: /proc/net/toytcp_stat, or snmp and netstat"""
        counts = {}
        if self.family == AF_TOYTCP:
            with open("/proc/thread-self/net/toytcp_stat", encoding="ascii") as file:
                text = file.read()
        else:
            text = ""
            for name in "snmp", "netstat":
                with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
                    text += file.read()
        lines = text.splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            if names.startswith("Toytcp") or names.startswith("Tcp"):
                counts.update(zip(names.split()[1:], map(int, values.split()[1:])))
        return counts


class Calls:
    """The socket calls as a C program makes them, errno and all: a negative
    result is -errno. Python's own socket module refuses the addresses of a
    family that it does not know."""

    @staticmethod
    def result(value):
        return value if value >= 0 else -ctypes.get_errno()

    def __getattr__(self, name):
        function = getattr(libc, name)
        function.restype = ctypes.c_ssize_t if name in (
            "read", "write", "send", "recv", "sendto", "recvfrom") else ctypes.c_int

        def call(*args):
            ctypes.set_errno(0)
            return self.result(function(*args))
        setattr(self, name, call)
        return call


calls = Calls()


def errno_name(result):
    """-111 is ECONNREFUSED"""
    return errno.errorcode.get(-result, str(result)) if result < 0 else str(result)
