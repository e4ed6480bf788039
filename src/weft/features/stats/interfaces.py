"""Interfaces in the statistics segment: ``/if/names``, and each one's counters under ``/interfaces/<name>/``."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from weft.core.graph import MAX_INTERFACES
from weft.core.stats.names import names
from weft.core.stats.segment import Segment, component
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine

COUNTERS = "/if/"
DELETED = "deleted"  #: what VPP calls an interface that is no more

if_names = names("/if/names", MAX_INTERFACES)


class InterfaceEntries:
    """Follows interfaces as they come, go and change their names. ``counters``: path -> entry."""

    def __init__(self, engine: Engine, segment: Segment, counters: dict[str, int]) -> None:
        self._segment = segment
        self._counters = {
            path.removeprefix(COUNTERS): entry for path, entry in counters.items() if path.startswith(COUNTERS)
        }
        self._symlinks: dict[int, list[int]] = {}
        if_names.enter(segment)
        interfaces = engine[Interfaces]
        for interface in interfaces:
            self._added(interface)
        interfaces.watch("added", self._added)
        interfaces.watch("removed", self._removed)
        interfaces.watch("renamed", self._renamed)

    def _added(self, interface: Interface) -> None:
        index = interface.sw_if_index
        with self._segment.change():
            if_names.put(index, interface.name)
            links = zip(self._paths(interface), self._counters.values(), repeat(index))
            self._symlinks[index] = self._segment.add_symlinks(links)

    def _removed(self, interface: Interface) -> None:
        with self._segment.change():
            if_names.put(interface.sw_if_index, DELETED)
            for entry in self._symlinks.pop(interface.sw_if_index):
                self._segment.remove(entry)

    def _renamed(self, interface: Interface) -> None:
        with self._segment.change():
            if_names.put(interface.sw_if_index, interface.name)
            for entry, path in zip(self._symlinks[interface.sw_if_index], self._paths(interface), strict=True):
                self._segment.rename(entry, path)

    def _paths(self, interface: Interface) -> list[str]:
        name = component(interface.name)
        return [f"/interfaces/{name}/{counter}" for counter in self._counters]
