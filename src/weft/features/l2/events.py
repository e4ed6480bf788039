"""Who wants to be told what is learned: changes of the L2 FIB, and hosts that speak ARP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import arena
from weft.core.model import Invalid, model
from weft.core.punt import Punted, reason
from weft.core.view import View, i64
from weft.features.l2.domain import BridgeDomains
from weft.features.l2.layout import MAX_CHANGES, SW_IF_INDEX, changes, domain_of, fib, mac_of

if TYPE_CHECKING:
    from weft.core.engine import Engine

log = logging.getLogger("weft.l2")

SCAN_DELAY = 0.1  #: seconds between looks for changes, as VPP's
MAX_KNOWN = 1 << 16  #: hosts that are remembered, so that each is told of once


class FibChange(Struct, frozen=True):
    """What became of a learned address. ``action``: ADDED, DELETED, MOVED."""

    mac: int
    sw_if_index: int
    bd_index: int
    action: int


@model
class FibChanges:
    """Learned, moved and forgotten addresses, for one listener, as VPP has it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listener: Callable[[list[FibChange]], None] | None = None
        self._told = 0
        self.delay = SCAN_DELAY
        self._timer = engine.timers.every(self.delay, self._look)

    def listen(self, listener: Callable[[list[FibChange]], None]) -> None:
        """Tell someone from now on. Raises Invalid if another is told already."""
        if self._listener not in (None, listener):
            raise Invalid("another client is told of the L2 FIB's changes already", "L2_MACS_EVENT_CLINET_PRESENT")
        self._listener = listener
        self._told = fib.recorded
        fib.recording = 1

    def ignore(self, listener: Callable[[list[FibChange]], None]) -> None:
        """Tell him no longer."""
        if self._listener == listener:
            self._listener = None
            fib.recording = 0

    def set_delay(self, seconds: float) -> None:
        """How often to look."""
        self.delay = seconds
        self._timer.cancel()
        self._timer = self._engine.timers.every(seconds, self._look)

    def _look(self) -> None:
        if self._listener is None or self._told == fib.recorded:
            return
        found = list(self._new())
        if found:
            self._listener(found)

    def _new(self) -> Iterator[FibChange]:
        end = fib.recorded
        missed = end - self._told - MAX_CHANGES
        if missed > 0:
            log.warning("%d changes of the L2 FIB came too fast to be told", missed)
            self._told += missed
        for number in range(self._told, end):
            change = changes[number % MAX_CHANGES]
            key, value, action = change.key, change.value, change.action
            if fib.recorded - number > MAX_CHANGES:  # it has been written over while it was read
                continue
            yield FibChange(mac_of(key), value & SW_IF_INDEX, domain_of(key), action)
        self._told = end


class ArpWatch(View):
    """Whether anybody wants to know who speaks ARP in bridge domains that answer it."""

    wanted: i64


arp_watch = arena.root("l2-arp-watch", ArpWatch)


class Heard(Struct, frozen=True):
    """A host that has spoken ARP."""

    address: IPv4Address
    mac: int
    sw_if_index: int


def _heard(engine: Engine, packet: Punted) -> None:
    engine[ArpListeners].hear(packet)


#: An ARP packet in a bridge domain whose sender somebody wants to know.
ARP_HEARD = reason("l2-arp-term-event", _heard, rate=10_000, burst=1000)


@model
class ArpListeners:
    """Tells of each host once, until its address is another's."""

    def __init__(self, engine: Engine) -> None:
        engine[BridgeDomains]
        self._listeners: list[Callable[[Heard], None]] = []
        self._known: dict[tuple[int, IPv4Address], int] = {}

    def listen(self, listener: Callable[[Heard], None], wanted: bool) -> None:
        """Tell someone, or no longer."""
        if wanted and listener not in self._listeners:
            self._listeners.append(listener)
        elif not wanted and listener in self._listeners:
            self._listeners.remove(listener)
        arp_watch.wanted = int(bool(self._listeners))
        if not self._listeners:
            self._known.clear()

    def hear(self, packet: Punted) -> None:
        """``packet.value`` is the sender's IPv4 address; its MAC address is the frame's source."""
        if len(packet.data) < 12:
            return
        sender = packet.data[6:12]
        host = Heard(IPv4Address(packet.value & 0xFFFFFFFF), int.from_bytes(sender, "little"), packet.rx_sw_if_index)
        key = host.sw_if_index, host.address
        if self._known.get(key) == host.mac:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = host.mac
        for listener in list(self._listeners):
            listener(host)
