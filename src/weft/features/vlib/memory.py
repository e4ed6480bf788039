"""show buffers, show memory, show physmem: what the arena holds."""

from __future__ import annotations

import os

from weft.core import arena
from weft.core.arena import Zone
from weft.core.buffer import DATA_SIZE, SIZE, BufferCache, pool
from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.runtime import threads_in_use, workers
from weft.features.vlib.format import centred, joined

POOL = (
    ("Index", 6),
    ("NUMA", 6),
    ("Size", 6),
    ("Data Size", 11),
    ("Total", 6),
    ("Avail", 8),
    ("Cached", 8),
    ("Used", 8),
)
SHOWN = 20  #: tables of a zone, unless all are asked for


@command("show buffers", help="Show the pool of packet buffers")
def show_buffers(engine: Engine) -> str:
    caches: list[BufferCache] = [workers[thread].cache for thread in threads_in_use()]
    total, free, cached = pool.total, pool.free, sum(cache.count for cache in caches)
    row = (0, 0, SIZE, DATA_SIZE, total, free, cached, total - free - cached)
    lines = [
        f"{'Pool Name':<20}" + "".join(centred(name, width) for name, width in POOL),
        f"{'default-numa-0':<20}" + "".join(centred(n, width) for n, (_, width) in zip(row, POOL, strict=True)),
    ]
    failures = sum(cache.failures for cache in caches)
    if failures:
        lines.append(f"allocations that found no buffer: {failures}")
    return joined(lines)


@command("show memory", "[main-heap] [map] [verbose]", help="Show the zones of the arena, its heap, its tables")
def show_memory(engine: Engine, main_heap: bool = False, map: bool = False, verbose: bool = False) -> str:
    zones = engine.arena.zones
    if map:
        return joined(_map(zones))
    lines: list[str] = []
    for zone in [engine.arena.heap] if main_heap else zones:
        lines += _zone(engine, zone)
        if not main_heap:
            lines += _tables(zone, verbose)
    return joined(lines)


@command("show physmem", help="Show the memory of packet buffers")
def show_physmem(engine: Engine) -> str:
    return joined(_zone(engine, engine.arena.buffers))


def _zone(engine: Engine, zone: Zone) -> list[str]:
    resident = zone.resident()
    lines = [
        f"{zone.name}",
        f"  base {zone.address:#x}, size {amount(zone.size)}, fd {zone.fd}, name 'weft-{zone.name}'",
        f"    page stats: page-size {_page(zone)}, resident {amount(resident)}",
    ]
    if zone is engine.arena.heap:
        lines.append(f"    total: {amount(zone.size)}, used: {amount(engine.arena.heap_used())}")
    return lines


def _map(zones: list[Zone]) -> list[str]:
    lines = [f"{'StartAddr':<16} {'Size':>8} {'FD':>4} {'PageSz':>7} {'Resident':>9} Name"]
    for zone in zones:
        size, resident = amount(zone.size), amount(zone.resident())
        lines.append(f"{zone.address:016x} {size:>8} {zone.fd:>4} {_page(zone):>7} {resident:>9} {zone.name}")
    return lines


def _page(zone: Zone) -> str:
    return "2M" if zone.huge else "4K"


def _tables(zone: Zone, verbose: bool) -> list[str]:
    """Tables by how much of them occupies memory; those of which nothing does only if all are asked for."""
    inside = {name: each for name, each in arena.layout.items() if zone.address <= each[0] < zone.address + zone.size}
    if not inside:
        return []
    extents = _extents(zone)
    rows = sorted(((_resident(extents, *each), each[1], name) for name, each in inside.items()), reverse=True)
    shown = rows if verbose else [row for row in rows if row[0]][:SHOWN]
    lines = [f"    {'Resident':>9} {'Size':>9}  Table"]
    lines += [f"    {amount(resident):>9} {amount(size):>9}  {name}" for resident, size, name in shown]
    if len(shown) < len(rows):
        lines.append(f"    {len(rows) - len(shown)} more: show memory verbose")
    return lines


def _extents(zone: Zone) -> list[tuple[int, int]]:
    """The stretches of a zone that occupy memory: address and end."""
    found = []
    at = 0
    while at < zone.size:
        try:
            start = os.lseek(zone.fd, at, os.SEEK_DATA)
        except OSError:  # nothing more
            break
        at = os.lseek(zone.fd, start, os.SEEK_HOLE)
        found.append((zone.address + start, zone.address + at))
    return found


def _resident(extents: list[tuple[int, int]], address: int, size: int) -> int:
    return sum(max(0, min(end, address + size) - max(start, address)) for start, end in extents)


def amount(size: int) -> str:
    """``64G``, ``9.15M``, ``512``: bytes as VPP prints them."""
    for shift, unit in ((30, "G"), (20, "M"), (10, "K")):
        if size >> shift:
            return f"{size >> shift}{unit}" if size % (1 << shift) == 0 else f"{size / (1 << shift):.2f}{unit}"
    return str(size)
