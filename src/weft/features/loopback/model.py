"""Loopback interfaces: loop0, loop1, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.features.interface.model import LINK_UP, DeviceClass, Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_LOOPBACKS = 16 << 10


def _delete(engine: Engine, interface: Interface) -> None:
    engine[Loopbacks].forget(interface)


LOOPBACK = DeviceClass("Loopback", tx="loopback-tx-template", delete=_delete)


@model
class Loopbacks:
    """All loopback interfaces, by instance: loop7 is instance 7."""

    def __init__(self, engine: Engine) -> None:
        self._interfaces = engine[Interfaces]
        self.by_instance: dict[int, Interface] = {}

    def create(self, mac: int | None = None, instance: int | None = None) -> Interface:
        """A loopback interface. Without an instance, the lowest that is free; the MAC address follows from it."""
        if instance is None:
            instance = next((i for i in range(MAX_LOOPBACKS) if i not in self.by_instance), MAX_LOOPBACKS)
        if not 0 <= instance < MAX_LOOPBACKS:
            raise Invalid(f"a loopback's instance is 0 to {MAX_LOOPBACKS - 1}, not {instance}")
        if instance in self.by_instance:
            raise Invalid(f"loop{instance} already exists", "INVALID_REGISTRATION")
        if mac is None:
            mac = int.from_bytes(b"\xde\xad" + instance.to_bytes(4, "big"), "little")
        if mac & 1:
            raise Invalid("a loopback needs a unicast MAC address")
        made = self._interfaces.add(f"loop{instance}", LOOPBACK, mac=mac, flags=LINK_UP, number=instance)
        self.by_instance[instance] = made
        return made

    def delete(self, interface: Interface) -> None:
        """Delete a loopback interface, with its sub-interfaces, and what features keep of them."""
        if interface.device is not LOOPBACK or interface.sup is not None:
            raise Invalid(f"{interface.name} is no loopback interface", "INVALID_SW_IF_INDEX")
        self._interfaces.remove(interface)

    def forget(self, interface: Interface) -> None:
        del self.by_instance[interface.row.device]
