"""Memory in the statistics segment: ``/mem/<heap>/*`` for the zones of the arena, ``/buffer-pools/*``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.arena import Zone
from weft.core.buffer import pool
from weft.core.counters import Simple, simple
from weft.core.runtime import threads_in_use, workers
from weft.core.stats.segment import Kind, Segment

if TYPE_CHECKING:
    from weft.core.engine import Engine

#: What is told of a heap, in VPP's order; bytes, but for the number of free chunks.
COLUMNS = ("total", "used", "free", "used_mmap", "total_alloc", "free_chunks", "releasable")
BUFFER_POOL = "default-numa-0"


def _heap(name: str) -> Simple:
    return simple(f"/mem/{name}", len(COLUMNS), by_thread=False)


main_heap = _heap("main heap")
#: Zones that nothing is allocated from: what is used is what occupies memory.
ZONES = {"counters": _heap("stat segment"), "static": _heap("static tables"), "buffers": _heap("buffers")}


class MemoryEntries:
    """How much of what there is is used."""

    def __init__(self, engine: Engine, segment: Segment, counters: dict[str, int]) -> None:
        self._engine, self._segment = engine, segment
        for table in (main_heap, *ZONES.values()):
            table.validate(len(COLUMNS) - 1)
        for path in [path for path in counters if path.startswith("/mem/")]:
            segment.add_symlinks((f"{path}/{column}", counters[path], index) for index, column in enumerate(COLUMNS))
        self._pool = {
            what: segment.add(Kind.GAUGE, f"/buffer-pools/{BUFFER_POOL}/{what}")
            for what in ("cached", "used", "available")
        }

    def collect(self) -> None:
        arena = self._engine.arena
        used, claimed, free_blocks = arena.heap_usage()
        _write(main_heap, arena.heap, used, claimed, free_blocks)
        for zone in arena.zones:
            if zone.name in ZONES:
                resident = zone.resident()
                _write(ZONES[zone.name], zone, resident, resident, 0)
        cached = sum(workers[thread].cache.count for thread in threads_in_use())
        now = {"cached": cached, "available": pool.free, "used": pool.total - pool.free - cached}
        for what, count in now.items():
            self._segment.put(self._pool[what], max(count, 0))


def _write(table: Simple, zone: Zone, used: int, claimed: int, free_blocks: int) -> None:
    """Nothing stays with the process that could be given back, and no block has a mapping of its own."""
    numbers = (zone.size, used, zone.size - used, 0, claimed, free_blocks, 0)
    for index, number in enumerate(numbers):
        table.put(index, number)
