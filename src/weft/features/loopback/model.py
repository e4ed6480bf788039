"""Loopback interfaces: loop0, loop1, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from weft.core.model import Invalid, model
from weft.features.interface.model import LINK_UP, DeviceClass, Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_LOOPBACKS = 16 << 10


def _delete(engine: Engine, interface: Interface) -> None:
    engine[Loopbacks].forget(interface)


LOOPBACK = DeviceClass("Loopback", tx="loopback-tx-template", delete=_delete)
#: What VPP's API makes as a bridge domain's virtual interface: a loopback of another name.
BVI = replace(LOOPBACK, name="BVI")
NAMES = {LOOPBACK: "loop", BVI: "bvi"}


@model
class Loopbacks:
    """All loopback interfaces, by kind and instance: loop7 is instance 7."""

    def __init__(self, engine: Engine) -> None:
        self._interfaces = engine[Interfaces]
        self._taken: dict[DeviceClass, set[int]] = {LOOPBACK: set(), BVI: set()}

    def create(self, mac: int | None = None, instance: int | None = None, device: DeviceClass = LOOPBACK) -> Interface:
        """A loopback interface. Without an instance, the lowest that is free; the MAC address follows from it."""
        taken = self._taken[device]
        if instance is None:
            instance = next((i for i in range(MAX_LOOPBACKS) if i not in taken), MAX_LOOPBACKS)
        if not 0 <= instance < MAX_LOOPBACKS:
            raise Invalid(f"a loopback's instance is 0 to {MAX_LOOPBACKS - 1}, not {instance}")
        name = f"{NAMES[device]}{instance}"
        if instance in taken:
            raise Invalid(f"{name} already exists", "INVALID_REGISTRATION")
        if mac is None:
            mac = int.from_bytes(b"\xde\xad" + instance.to_bytes(4, "big"), "little")
        if mac & 1:
            raise Invalid("a loopback needs a unicast MAC address")
        made = self._interfaces.add(name, device, mac=mac, flags=LINK_UP, number=instance)
        taken.add(instance)
        return made

    def delete(self, interface: Interface, device: DeviceClass = LOOPBACK) -> None:
        """Delete a loopback interface, with its sub-interfaces, and what features keep of them."""
        if interface.device is not device or interface.sup is not None:
            kind = "loopback" if device is LOOPBACK else "BVI"
            raise Invalid(f"{interface.name} is no {kind} interface", "INVALID_SW_IF_INDEX")
        self._interfaces.remove(interface)

    def forget(self, interface: Interface) -> None:
        self._taken[interface.device].discard(interface.row.device)


def loops(interface: Interface) -> bool:
    """Whether what leaves by an interface comes in by it."""
    return interface.device in NAMES
