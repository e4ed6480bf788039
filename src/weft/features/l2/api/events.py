"""Messages that tell which addresses are learned and forgotten."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Client, Counted, Subscribers, u8, u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import InterfaceIndex
from weft.core.model import Invalid, model
from weft.features.l2.api.module import api
from weft.features.l2.events import FibChange, FibChanges
from weft.features.l2.layout import fib

if TYPE_CHECKING:
    from weft.core.engine import Engine

TENS = 10  #: what a client counts addresses in
CENTISECOND = 0.01


@api.enum("mac_event_action")
class MacEventAction(enum.IntEnum):
    """What became of an address."""

    MAC_EVENT_ACTION_API_ADD = 0
    MAC_EVENT_ACTION_API_DELETE = 1
    MAC_EVENT_ACTION_API_MOVE = 2


@api.structure("mac_entry")
class MacEntry(Struct):
    """An address, and where it is or was."""

    sw_if_index: InterfaceIndex
    mac_addr: MacAddress
    action: MacEventAction
    flags: u8


@api.event("l2_macs_event", 0x44B8FD64)
class L2MacsEvent(Struct):
    """Addresses that were learned, forgotten or have moved."""

    pid: u32
    n_macs: u32 = 0
    mac: Annotated[list[MacEntry], Counted("n_macs")] = []


@model
class MacEvents(Subscribers):
    """The one client that is told."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._changes = engine[FibChanges]
        self._most = TENS

    def want(self, client: Client, pid: int, wanted: bool, most: int) -> None:
        """Tell a client, at most so many addresses at a time; or no longer."""
        if wanted and self.pids and client not in self.pids:
            raise Invalid("another client is told of addresses already", "L2_MACS_EVENT_CLINET_PRESENT")
        self._most = max(1, most) * TENS
        if wanted and client in self.pids:
            self.pids[client] = pid
        else:
            self.set(client, pid, wanted)

    def changed(self) -> None:
        if self.pids:
            self._changes.listen(self._tell)
        else:
            self._changes.ignore(self._tell)

    def _tell(self, changes: list[FibChange]) -> None:
        entries = [MacEntry(each.sw_if_index, each.mac, MacEventAction(each.action), 0) for each in changes]
        for start in range(0, len(entries), self._most):
            some = entries[start : start + self._most]
            self.send(lambda client, pid, some=some: L2MacsEvent(pid, mac=some))  # type: ignore[misc]


@api.request("want_l2_macs_events", 0x9AABDFDE, events=(L2MacsEvent,), deprecated=None)
def want_l2_macs_events(
    engine: Engine,
    client: Client,
    *,
    learn_limit: u32 = 1000,
    scan_delay: u8 = 10,
    max_macs_in_event: u8 = 10,
    enable_disable: bool = True,
    pid: u32,
) -> None:
    """Be told which addresses are learned, forgotten or move; and set how many may be learned in all, and how often to
    look, in hundredths of a second.
    """
    if enable_disable and (learn_limit == 0 or scan_delay == 0 or max_macs_in_event == 0):
        raise Invalid("learn_limit, scan_delay and max_macs_in_event are at least 1")
    engine[MacEvents].want(client, pid, enable_disable, max_macs_in_event)
    if enable_disable:
        fib.learn_limit = learn_limit
        engine[FibChanges].set_delay(scan_delay * CENTISECOND)


@api.request("want_l2_macs_events2", 0xCC1377B0)
def want_l2_macs_events2(
    engine: Engine, client: Client, *, max_macs_in_event: u8 = 10, enable_disable: bool = True, pid: u32
) -> None:
    """Be told which addresses are learned, forgotten or move."""
    if enable_disable and max_macs_in_event == 0:
        raise Invalid("max_macs_in_event is at least 1")
    engine[MacEvents].want(client, pid, enable_disable, max_macs_in_event)


@api.request("l2fib_set_scan_delay", 0xA3B968A4)
def l2fib_set_scan_delay(engine: Engine, scan_delay: u16 = 10) -> None:
    """How often to look for what was learned, in hundredths of a second."""
    if scan_delay == 0:
        raise Invalid("scan_delay is at least 1")
    engine[FibChanges].set_delay(scan_delay * CENTISECOND)
