"""Hosts in network namespaces of their own, each at the end of a veth pair whose other end is a port for the engine."""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyroute2 import IPRoute, config, netns

from weft.features.tap.namespace import within

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
SIOCETHTOOL = 0x8946
#: ETHTOOL_SRXCSUM, ...: receive and transmit checksums, scatter-gather, TSO, GSO, GRO.
OFFLOADS = {"rx": 0x15, "tx": 0x17, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}

# It makes a namespace in a process of its own, which takes a busy machine a while.
config.default_communicate_timeout = 60

_numbers = itertools.count()


@dataclass
class Host:
    """A host: ``eth0`` in a namespace, the other end ``port`` in ours."""

    namespace: str
    port: str
    sockets: list[socket.socket] = field(default_factory=list)

    def inside(self, action: Callable[[], Any]) -> Any:
        """Do something in the host's namespace."""
        return within(self.namespace, action)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        made: socket.socket = self.inside(lambda: socket.socket(family, kind, protocol))
        made.settimeout(5)
        self.sockets.append(made)
        return made

    def wire(self, interface: str = "eth0", *, offload_headers: bool = False) -> Wire:
        """The host's end of the cable, to send and receive whole frames."""
        made = self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        made.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        made.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        if offload_headers:
            made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        made.bind((interface, ETH_P_ALL))
        return Wire(made, offload_headers)

    def set(self, interface: str = "eth0", **settings: Any) -> None:
        """Change the interface: state, mtu, address (MAC)."""

        def change() -> None:
            with IPRoute() as ip:
                ip.link("set", index=ip.link_lookup(ifname=interface)[0], **settings)

        self.inside(change)

    def address(self, address: str, length: int = 24, *, gateway: str | None = None, interface: str = "eth0") -> None:
        """Give the host an IPv4 address, and a default gateway."""

        def change() -> None:
            with IPRoute() as ip:
                ip.addr("add", index=ip.link_lookup(ifname=interface)[0], address=address, prefixlen=length)
                if gateway is not None:
                    ip.route("add", dst="default", gateway=gateway)

        self.inside(change)

    def offload(self, on: bool, *names: str, interface: str = "eth0") -> None:
        """Switch offloads of the interface, as ``ethtool -K`` does."""
        control = self.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for name in names:
            value = bytearray(struct.pack("II", OFFLOADS[name], int(on)))
            address = (ctypes.c_char * len(value)).from_buffer(value)
            request = struct.pack("16sQ16x", interface.encode(), ctypes.addressof(address))
            fcntl.ioctl(control, SIOCETHTOOL, request)

    def ping(self, address: str, timeout: float = 3) -> bool:
        """Whether an echo request is answered."""
        link = self.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        mark = os.urandom(8)
        body = bytes([8, 0, 0, 0, 0, 1, 0, 1]) + mark
        total = sum(int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body), 2))
        total = (total & 0xFFFF) + (total >> 16)
        total = ((total & 0xFFFF) + (total >> 16)) ^ 0xFFFF
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            link.sendto(body[:2] + total.to_bytes(2, "big") + body[4:], (address, 0))
            link.settimeout(0.5)
            try:
                while True:
                    got = link.recv(2000)
                    if got[20] == 0 and got.endswith(mark):
                        return True
            except TimeoutError:
                pass
        return False


@dataclass
class Wire:
    """A packet socket on a host's interface."""

    socket: socket.socket
    headers: bool

    def send(self, *frames: bytes) -> None:
        for frame in frames:
            self.socket.send((bytes(10) if self.headers else b"") + bytes(frame))

    def send_owing(self, frame: bytes, **header: int) -> None:
        """Send a frame with a virtio header: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset."""
        names = ("flags", "gso_type", "hdr_len", "gso_size", "csum_start", "csum_offset")
        self.socket.send(struct.pack("BBHHHH", *(header.get(name, 0) for name in names)) + bytes(frame))

    def receive(self, timeout: float = 0) -> list[bytes]:
        """The frames that have come, tags put back in; at least one is waited for, so long."""
        frames = []
        self.socket.settimeout(timeout or 0.0001)
        while True:
            try:
                data, control, _, _ = self.socket.recvmsg(1 << 17, 256)
            except (TimeoutError, BlockingIOError):
                return frames
            self.socket.settimeout(0.0001)
            frames.append(_with_tag(data[10:] if self.headers else data, control))


def _with_tag(frame: bytes, control: list[tuple[int, int, bytes]]) -> bytes:
    """A frame with the tag that the kernel has taken out of it (``struct tpacket_auxdata``)."""
    for level, kind, data in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data)
            if status & 0x10:
                return frame[:12] + struct.pack("!HH", tpid or 0x8100, tci) + frame[12:]
    return frame


class Hosts:
    """Makes hosts, and takes them away."""

    def __init__(self) -> None:
        self._made: list[Host] = []

    def __call__(self, *, mtu: int = 1500) -> Host:
        name = f"wt{os.getpid()}-{next(_numbers)}"
        netns.create(name)
        host = Host(name, f"{name}p"[-15:])
        self._made.append(host)
        within(name, _quiet)
        with IPRoute() as ip:
            ip.link("add", ifname=host.port, kind="veth", peer={"ifname": "eth0", "net_ns_fd": name}, mtu=mtu)
            Path(f"/proc/sys/net/ipv6/conf/{host.port}/disable_ipv6").write_text("1")
        host.set(state="up", mtu=mtu)
        return host

    def close(self) -> None:
        for host in self._made:
            for each in host.sockets:
                each.close()
            with IPRoute() as ip:
                for index in ip.link_lookup(ifname=host.port):
                    ip.link("del", index=index)
            netns.remove(host.namespace)
        self._made.clear()


def _quiet() -> None:
    """No router solicitations and the like: what comes is what a test has sent."""
    for which in ("all", "default"):
        Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")


def make_hosts() -> Iterator[Hosts]:
    """For a fixture; skips where namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = Hosts()
    try:
        yield made
    finally:
        made.close()
