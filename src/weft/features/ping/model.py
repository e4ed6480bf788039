"""Pings that are under way: each has an echo id, and replies with that id come from the workers to it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import arena
from weft.core.model import Invalid, model
from weft.core.punt import Punted, reason
from weft.core.view import u8
from weft.features.icmp.model import ECHO_REQUEST
from weft.features.icmp6.build import icmp6_packet
from weft.features.icmp6.types import ECHO_REQUEST as ECHO_REQUEST6
from weft.features.ip.checksum import internet_checksum
from weft.features.ip.family import Address

if TYPE_CHECKING:
    from weft.core.engine import Engine

IDS = 1 << 16
ECHO_HEADER = 8
IP_HEADER = 20
IP6_HEADER = 40

#: By echo id: 1 if somebody waits for replies with it.
waiting = arena.table("ping-ids", u8, IDS)


class Reply(Struct, frozen=True):
    """An echo reply. ``length`` is that of the IP packet; ``seconds`` since its request was sent."""

    source: Address
    sequence: int
    ttl: int
    length: int
    seconds: float


class Echo(Struct, frozen=True):
    """What there is to know of an echo reply. ``length`` is that of the IP packet."""

    source: Address
    id: int
    sequence: int
    ttl: int
    length: int


def read_echo(packet: bytes) -> Echo | None:
    """The echo reply in an IP packet without extension headers; None if it is cut off."""
    if len(packet) < IP_HEADER:
        return None
    version, header = packet[0] >> 4, IP6_HEADER if packet[0] >> 4 == 6 else (packet[0] & 15) * 4
    if len(packet) < header + ECHO_HEADER or header < IP_HEADER:
        return None
    id, sequence = (int.from_bytes(packet[header + at : header + at + 2], "big") for at in (4, 6))
    if version == 6:
        length = IP6_HEADER + int.from_bytes(packet[4:6], "big")
        return Echo(IPv6Address(packet[8:24]), id, sequence, packet[7], length)
    return Echo(IPv4Address(packet[12:16]), id, sequence, packet[8], int.from_bytes(packet[2:4], "big"))


@dataclass
class Ping:
    """One ping that is under way."""

    id: int
    #: Sequence -> when it was sent, and how many replies to it are still to come.
    outstanding: dict[int, tuple[float, int]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)

    def sent(self, sequence: int, count: int) -> None:
        """So many requests with this sequence leave now."""
        self.outstanding[sequence] = time.perf_counter(), count

    def received(self, echo: Echo) -> None:
        """An echo reply with this ping's id has come."""
        now = time.perf_counter()
        sent, count = self.outstanding.get(echo.sequence, (0.0, 0))
        if count == 0:
            return
        self.outstanding[echo.sequence] = sent, count - 1
        self.replies.append(Reply(echo.source, echo.sequence, echo.ttl, echo.length, now - sent))

    def waits(self) -> bool:
        """Whether a reply is still to come."""
        return any(count for _, count in self.outstanding.values())


@model
class Pings:
    """All pings that are under way."""

    def __init__(self, engine: Engine) -> None:
        self._by_id: dict[int, Ping] = {}

    @property
    def running(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def begin(self) -> Ping:
        """A ping with an id of its own. To be ended with ``end``."""
        free = [number for number in random.sample(range(1, IDS), 64) if number not in self._by_id]
        if not free:
            raise Invalid("there are too many pings already")
        ping = self._by_id[free[0]] = Ping(free[0])
        waiting[ping.id] = 1
        return ping

    def end(self, ping: Ping) -> None:
        waiting[ping.id] = 0
        del self._by_id[ping.id]

    def received(self, packet: bytes) -> None:
        """An echo reply has come."""
        echo = read_echo(packet)
        ping = self._by_id.get(echo.id) if echo else None
        if echo is not None and ping is not None:
            ping.received(echo)


def _receive(engine: Engine, packet: Punted) -> None:
    engine[Pings].received(packet.data[packet.l3 or 0 :])


REPLY = reason("ping-reply", _receive, rate=10_000, burst=256)


def echo_request(
    source: Address, destination: Address, id: int, sequence: int, payload: bytes, *, ttl: int = 255
) -> bytes:
    """An IP packet with an echo request."""
    if isinstance(source, IPv6Address) and isinstance(destination, IPv6Address):
        message = bytes((ECHO_REQUEST6, 0, 0, 0)) + id.to_bytes(2, "big") + sequence.to_bytes(2, "big") + payload
        return icmp6_packet(source, destination, message, hop_limit=ttl)
    icmp = bytearray(bytes((ECHO_REQUEST, 0, 0, 0)) + id.to_bytes(2, "big") + sequence.to_bytes(2, "big") + payload)
    icmp[2:4] = internet_checksum(icmp).to_bytes(2, "big")
    ip = bytearray(IP_HEADER)
    ip[0], ip[8], ip[9] = 0x45, ttl, 1
    ip[2:4] = (IP_HEADER + len(icmp)).to_bytes(2, "big")
    ip[12:20] = source.packed + destination.packed
    ip[10:12] = internet_checksum(ip).to_bytes(2, "big")
    return bytes(ip + icmp)
