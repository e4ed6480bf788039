"""Secondary MAC addresses: more that a device takes frames for, beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.graph import MAX_INTERFACES
from weft.core.model import Invalid, model
from weft.core.node import routine
from weft.core.view import Array, Ref, View, i64, times
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST = 255  #: of one device


class Addresses(View):
    """One device's, as packet code compares them."""

    count: i64
    macs: Array[i64] = times(MOST)


class Secondary(View, settled=True):
    """What packet code knows of a device's."""

    own: Ref[Addresses]  # 0: it has none


#: By the device's sw_if_index.
secondary = arena.table("secondary-macs", Secondary, MAX_INTERFACES)


@routine
def is_secondary(sw_if_index: int, mac: int) -> int:
    """Whether this is one of a device's secondary addresses."""
    own = secondary[sw_if_index].own
    if own.address == 0:
        return 0
    for i in range(own.count):
        if own.macs[i] == mac:
            return 1
    return 0


@model
class SecondaryMacs:
    """Adds and removes them. What packet code reads is made anew each time, and published."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._macs: dict[int, list[int]] = {}
        engine[Interfaces].watch("removed", self._forget)

    def of(self, interface: Interface) -> list[int]:
        """A device's addresses, oldest first; those of a sub-interface are its device's."""
        return list(self._macs.get((interface.sup or interface).sw_if_index, []))

    def add(self, interface: Interface, mac: int) -> None:
        """Let a device take frames for another address; one that it has already is no error."""
        self._check(interface)
        if mac & 1 or mac == 0:
            raise Invalid(f"{show_mac(mac)} is no unicast MAC address", "INVALID_VALUE")
        macs = self.of(interface)
        if mac in macs:
            return
        if len(macs) == MOST:
            raise Invalid(f"{interface.name} has {MOST} secondary MAC addresses already, and can have no more")
        self._publish(interface, [*macs, mac])

    def remove(self, interface: Interface, mac: int) -> None:
        """Take frames for an address no longer."""
        self._check(interface)
        macs = self.of(interface)
        if mac not in macs:
            raise Invalid(f"{show_mac(mac)} is no secondary MAC address of {interface.name}", "NO_SUCH_ENTRY")
        macs.remove(mac)
        self._publish(interface, macs)

    def _check(self, interface: Interface) -> None:
        if interface.sup is not None or not interface.device.ethernet:
            raise Invalid(f"{interface.name} has no MAC address of its own", "UNIMPLEMENTED")

    def _publish(self, interface: Interface, macs: list[int]) -> None:
        index = interface.sw_if_index
        old, new = secondary[index].own, Addresses(0)
        if macs:
            new = Addresses(self._engine.arena.allocate(Addresses.size))
            new.count = len(macs)
            for position, mac in enumerate(macs):
                new.macs[position] = mac
        secondary[index].own = new
        if old.address != 0:
            self._engine.workers.quiesce()
            self._engine.arena.release(old.address)
        self._macs[index] = macs

    def _forget(self, interface: Interface) -> None:
        if self._macs.get(interface.sw_if_index):
            self._publish(interface, [])
        self._macs.pop(interface.sw_if_index, None)
