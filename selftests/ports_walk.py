#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
ports_walk.py - programs that bind, listen, connect and close on a few ports of
both families at once, in no order.

Usage: ports_walk.py SECONDS PROCESSES SEED

Whoever holds a port tries now and then to bind it in the other family, at some
address and with some options: that must be EADDRINUSE. When all have ended each
port must be free for both families, with no option. Prints what was wrong, and
how much was done; exits with 1 if anything was wrong.
"""
import ctypes
import errno
import os
import random
import socket
import struct
import sys
import time

AF_TOYTCP = 18
LIBC = ctypes.CDLL(None, use_errno=True)
PORTS = range(42000, 42006)
ADDRESSES = {
    socket.AF_INET: ("0.0.0.0", "127.0.0.1", "127.0.0.2"),
    AF_TOYTCP: ("0.0.0.0", "127.0.0.1", "127.0.0.2"),
    socket.AF_INET6: ("::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"),
}
OTHER = {
    socket.AF_INET: (AF_TOYTCP,),
    socket.AF_INET6: (AF_TOYTCP,),
    AF_TOYTCP: (socket.AF_INET, socket.AF_INET6),
}

# before Linux 6.12 SO_REUSEPORT is for AF_INET and AF_INET6 only
REUSEPORT = {socket.AF_INET, socket.AF_INET6}


class Failure(Exception):
    """what a user would not expect"""


def sockaddr(address, port):
    """a struct sockaddr_in, which Python does not make for AF_TOYTCP"""
    return (socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") +
            socket.inet_aton(address) + bytes(8))


def call(name, sock, family, address, port):
    """bind(2) or connect(2): an errno, or 0"""
    if family == AF_TOYTCP:
        raw = sockaddr(address, port)
        ok = getattr(LIBC, name)(sock.fileno(), raw, len(raw)) == 0
        return 0 if ok else ctypes.get_errno()
    try:
        getattr(sock, name)((address, port))
    except OSError as e:
        return e.errno
    return 0


def new_socket(family, rng):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    # what is closed leaves no TIME_WAIT
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if rng.random() < 0.5:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if rng.random() < 0.5 and family in REUSEPORT:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return sock


def bind(family, port, rng):
    """a socket that has the port, or an errno"""
    sock = new_socket(family, rng)
    err = call("bind", sock, family, rng.choice(ADDRESSES[family]), port)
    if not err:
        return sock, 0
    sock.close()
    if err != errno.EADDRINUSE:
        raise Failure(f"bind of family {family}: {errno.errorcode[err]}")
    return None, err


def step(held, rng):
    """one call, or a few"""
    port = rng.choice(PORTS)
    family = rng.choice(list(ADDRESSES))
    sock, _ = bind(family, port, rng)
    if sock:
        held.append((sock, family, port))
        if rng.random() < 0.5:
            try:
                sock.listen(4)
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise Failure(f"listen: {e}") from e
        elif rng.random() < 0.5:
            call("connect", sock, family,
                 "::ffff:127.0.0.1" if family == socket.AF_INET6 else "127.0.0.1",
                 rng.choice(PORTS))
    if held and rng.random() < 0.5:
        sock, family, port = rng.choice(held)
        other = rng.choice(OTHER[family])
        if bind(other, port, rng)[0]:
            raise Failure(f"port {port}: family {family} has it, {other} got it")
    while held and (len(held) > 4 or rng.random() < 0.4):
        held.pop(rng.randrange(len(held)))[0].close()


def walk(seconds, seed):
    rng = random.Random(seed)
    held, steps, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        step(held, rng)
        steps += 1
    for sock, _, _ in held:
        sock.close()
    print(f"# seed {seed}: {steps} steps")


def child(seconds, seed):
    pid = os.fork()
    if pid:
        return pid
    try:
        walk(seconds, seed)
        code = 0
    except Failure as e:
        print(f"# seed {seed}: {e}")
        code = 1
    sys.stdout.flush()
    os._exit(code)


def main():
    seconds, processes, seed = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    bad = 0
    with socket.socket(AF_TOYTCP, socket.SOCK_STREAM) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            REUSEPORT.add(AF_TOYTCP)
        except OSError as e:
            if e.errno != errno.EOPNOTSUPP:
                raise
    for pid in [child(seconds, seed + i) for i in range(processes)]:
        bad += os.waitpid(pid, 0)[1] != 0
    for port in PORTS:
        for family in ADDRESSES:
            sock = socket.socket(family, socket.SOCK_STREAM)
            err = call("bind", sock, family, ADDRESSES[family][0], port)
            sock.close()
            if err:
                print(f"# port {port}, family {family}: {errno.errorcode[err]}")
                bad += 1
    return 1 if bad else 0


sys.exit(main())
