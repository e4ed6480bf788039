"""The statistics segment of an engine: its entries, and when those are brought up to date that are not counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.counters import DECLARED
from weft.core.model import model
from weft.core.node import ERRORS
from weft.core.stats.segment import Segment
from weft.features.stats.interfaces import InterfaceEntries
from weft.features.stats.memory import MemoryEntries
from weft.features.stats.per_node import NodeEntries
from weft.features.stats.system import SystemEntries

if TYPE_CHECKING:
    from weft.core.engine import Engine

UPDATE_INTERVAL = 10.0  #: seconds, as VPP's


@model
class StatsSegment:
    """All that readers of the segment find in it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.segment = segment = Segment()
        system = SystemEntries(engine, segment)
        self._nodes = NodeEntries(engine, segment)
        apart = {*self._nodes.paths}
        self.counters = {path: segment.add_counter(path) for path in DECLARED if path not in apart}
        errors = self.counters["/node/errors"]
        segment.add_symlinks((error.path, errors, number) for number, error in enumerate(ERRORS))
        InterfaceEntries(engine, segment, self.counters)
        self._collectors = [MemoryEntries(engine, segment, self.counters).collect, system.collect]
        self._timer = engine.timers.every(UPDATE_INTERVAL, self.collect)
        self.collect()

    def configure(self, *, update_interval: float = UPDATE_INTERVAL, per_node_counters: bool = False) -> None:
        """How often, in seconds, what is not counted in the segment itself is written there; nodes' counters too?"""
        self._timer.cancel()
        self._timer = self._engine.timers.every(update_interval, self.collect)
        if per_node_counters and not self._nodes.enabled:
            self._nodes.enable()
            self._collectors.insert(0, self._nodes.collect)
        self.collect()

    def collect(self) -> None:
        """Write what the main thread keeps of rates, memory and nodes."""
        for collect in self._collectors:
            collect()

    def descriptor(self) -> int:
        """A descriptor of the segment for another process, which can only read. To be closed by who asked."""
        return self._engine.arena.counters.open_for_readers()
