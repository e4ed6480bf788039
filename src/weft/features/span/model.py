"""Which interfaces are mirrored, and to where."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntFlag
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.model import Invalid, model
from weft.features.interface.model import Interface, Interfaces
from weft.features.l2.model import Layer2, input_feature, output_feature
from weft.features.span.layout import Destinations, Mirrors, mirrors

if TYPE_CHECKING:
    from weft.core.engine import Engine

L2_INPUT = input_feature("span-l2-input")
L2_OUTPUT = output_feature("span-l2-output")


class Direction(IntFlag):
    """Which packets are mirrored, as VPP's API numbers it: those that are received, those that are sent, or both."""

    RX = 1
    TX = 2

    @property
    def word(self) -> str:
        return ("none", "rx", "tx", "both")[self]


NEITHER, BOTH = Direction(0), Direction.RX | Direction.TX


class Mirror(Struct, frozen=True):
    """One interface's packets, copied to another. ``l2``: as layer 2 sees them, not the device."""

    source: Interface
    destination: Interface
    direction: Direction
    l2: bool


@model
class Span:
    """All mirrors."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._layer_2 = engine[Layer2]
        #: (source, at layer 2) -> destination -> direction; all by sw_if_index.
        self._wanted: dict[tuple[int, bool], dict[int, Direction]] = {}
        self._interfaces.watch("added", self._added)
        self._interfaces.watch("removed", self._forget)

    def __iter__(self) -> Iterator[Mirror]:
        """All mirrors, by source and destination."""
        by_index = self._interfaces.by_index
        for (source, l2), wanted in sorted(self._wanted.items()):
            for destination, direction in sorted(wanted.items()):
                yield Mirror(by_index[source], by_index[destination], direction, l2)

    def set(
        self, source: Interface, destination: Interface | None, direction: Direction | int, *, l2: bool = False
    ) -> None:
        """Mirror an interface's packets to another in these directions, and in no other; 0: no longer, which without
        a destination means all of them.
        """
        if not 0 <= direction <= BOTH:
            raise Invalid(f"a mirror's state is 0 (off), 1 (rx), 2 (tx) or 3 (both), not {direction}", "UNIMPLEMENTED")
        if destination is source:
            raise Invalid(f"{source.name} cannot be mirrored to itself", "INVALID_INTERFACE")
        if destination is None and direction:
            raise Invalid(f"{source.name} is to be mirrored, but no destination is named", "INVALID_INTERFACE")
        wanted = self._wanted.setdefault((source.sw_if_index, l2), {})
        if destination is None:
            wanted.clear()
        elif direction:
            wanted[destination.sw_if_index] = Direction(direction)
        else:
            wanted.pop(destination.sw_if_index, None)
        if not wanted:
            del self._wanted[source.sw_if_index, l2]
        self._apply(source)

    def _towards(self, source: Interface, direction: Direction, l2: bool) -> list[int]:
        """Where copies of an interface's packets go. What leaves by a sub-interface is sent by its device, too."""
        sources = [source, source.sup] if source.sup and direction is Direction.TX and not l2 else [source]
        found = {
            destination
            for each in sources
            if each
            for destination, wanted in self._wanted.get((each.sw_if_index, l2), {}).items()
            if wanted & direction
        }
        return sorted(found)

    def _apply(self, source: Interface) -> None:
        """Let packet code do what is wanted of an interface and of its sub-interfaces."""
        graph, layer_2 = self._engine.graph, self._layer_2
        for each in (source, *source.subs.values()):
            device_rx, device_tx, l2_rx, l2_tx = (
                self._towards(each, direction, l2) for l2 in (False, True) for direction in (Direction.RX, Direction.TX)
            )
            self._publish(each, device_rx=device_rx, device_tx=device_tx, l2_rx=l2_rx, l2_tx=l2_tx)
            graph.enable("device-input", "span-input", each.sw_if_index, bool(device_rx))
            graph.enable("interface-output", "span-output", each.sw_if_index, bool(device_tx))
            for mask, on, output in ((L2_INPUT, l2_rx, False), (L2_OUTPUT, l2_tx, True)):
                if bool(on) != bool((layer_2[each].output if output else layer_2[each].input) & mask):
                    layer_2.enable(each, mask, bool(on), output=output)

    def _publish(self, interface: Interface, **towards: list[int]) -> None:
        """Write an interface's row."""
        row, old = mirrors[interface.sw_if_index], []
        for place in Mirrors.fields:
            record: Destinations = getattr(row, place)
            new = towards.get(place, [])
            if record.address:
                old.append(record.address)
            setattr(row, place, self._destinations(new) if new else Destinations(0))
        if old:
            self._engine.workers.quiesce()
        for address in old:
            self._engine.arena.release(address)

    def _destinations(self, indices: list[int]) -> Destinations:
        record = Destinations(self._engine.arena.allocate(Destinations.size + 4 * len(indices)))
        memory.write(record.sw_if_indices.address, b"".join(index.to_bytes(4, "little") for index in indices))
        record.count = len(indices)
        return record

    def _added(self, interface: Interface) -> None:
        """A new sub-interface of a mirrored device sends by it."""
        if interface.sup is not None and (interface.sup.sw_if_index, False) in self._wanted:
            self._apply(interface)

    def _forget(self, interface: Interface) -> None:
        """An interface goes: it is mirrored no longer, and nothing is mirrored to it."""
        gone = interface.sw_if_index
        for l2 in (False, True):
            self._wanted.pop((gone, l2), None)
        for source, l2 in [key for key, wanted in self._wanted.items() if gone in wanted]:
            self.set(self._interfaces[source], interface, NEITHER, l2=l2)
        self._publish(interface)
