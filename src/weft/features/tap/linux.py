"""Linux's side of a tap: opening it, and giving its interface there addresses and the rest."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

from msgspec import Struct

TUNSETIFF = 0x400454CA
TUNSETPERSIST = 0x400454CB
TUNSETOFFLOAD = 0x400454D0
TUNGETIFF = 0x800454D2
TUNSETSNDBUF = 0x400454D4
TUNSETVNETHDRSZ = 0x400454D8
TUNSETCARRIER = 0x400454E2

IFF_TUN, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x0002, 0x0100, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN = 1, 2, 4, 8

HEADER_SIZE = 10
SEND_BUFFER = 1 << 30


class HostSide(Struct, frozen=True):
    """What the user wants of the interface in Linux."""

    name: str
    mac: str | None = None
    mtu: int | None = None
    bridge: str | None = None
    ip4: IPv4Interface | None = None
    ip6: IPv6Interface | None = None
    ip4_gateway: IPv4Address | None = None
    ip6_gateway: IPv6Address | None = None
    queue_length: int | None = None


def open_tap(name: str, queues: int, *, layer3: bool, offloads: int, persist: bool, attach: bool) -> list[int]:
    """Make the interface, or take one that is there (``attach``); a descriptor for each queue. Raises OSError."""
    if not attach and any(known == name for _, known in socket.if_nameindex()):
        raise OSError(errno.EEXIST, "Linux already has an interface of that name")
    descriptors: list[int] = []
    flags = (IFF_TUN if layer3 else IFF_TAP) | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
    try:
        for _ in range(queues):
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            descriptors.append(fd)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", os.fsencode(name), flags))
            fcntl.ioctl(fd, TUNSETVNETHDRSZ, struct.pack("i", HEADER_SIZE))
            fcntl.ioctl(fd, TUNSETSNDBUF, struct.pack("i", SEND_BUFFER))
        fcntl.ioctl(descriptors[0], TUNSETOFFLOAD, offloads)
        fcntl.ioctl(descriptors[0], TUNSETPERSIST, int(persist))
    except OSError:
        for fd in descriptors:
            os.close(fd)
        raise
    return descriptors


def set_carrier(fd: int, up: bool) -> None:
    """Plug the cable in, or pull it. Raises OSError."""
    fcntl.ioctl(fd, TUNSETCARRIER, struct.pack("i", int(up)))


def exists(fd: int) -> bool:
    """Whether Linux's interface is still there: it goes with its namespace."""
    try:
        fcntl.ioctl(fd, TUNGETIFF, bytes(40))
    except OSError:
        return False
    return True


def configure(host: HostSide) -> None:
    """Give the interface in Linux what the user wants, and bring it up. Raises OSError."""
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with IPRoute() as ip:
            _configure(ip, host)
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code)) from error


def _configure(ip: Any, host: HostSide) -> None:
    index = _index(ip, host.name)
    wanted = {"address": host.mac, "mtu": host.mtu, "txqlen": host.queue_length}
    settings = {key: value for key, value in wanted.items() if value is not None}
    if settings:
        ip.link("set", index=index, **settings)
    if host.bridge is not None:
        ip.link("set", index=index, master=_index(ip, host.bridge))
    for address in (host.ip4, host.ip6):
        if address is not None:
            ip.addr("replace", index=index, address=str(address.ip), prefixlen=address.network.prefixlen)
    ip.link("set", index=index, state="up")
    for gateway in (host.ip4_gateway, host.ip6_gateway):
        if gateway is not None:
            ip.route(
                "replace", dst="default", gateway=str(gateway), oif=index, family=2 if gateway.version == 4 else 10
            )


def _index(ip: Any, name: str) -> int:
    found = ip.link_lookup(ifname=name)
    if not found:
        raise OSError(errno.ENODEV, f"Linux has no interface {name}")
    return int(found[0])
