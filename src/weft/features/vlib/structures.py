"""show bihash: how full hash tables and tries are."""

from __future__ import annotations

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.hashmap import HashMap
from weft.core.table import SLOTS, Bucket
from weft.features.ip.model import lines_of_plies
from weft.features.vlib.format import joined
from weft.features.vlib.memory import amount


@command("show bihash", "[verbose | detail]", help="Show how full hash tables and tries are")
def show_bihash(engine: Engine, verbose: bool = False, detail: bool = False) -> str:
    lines: list[str] = []
    for each in sorted(engine.hash_maps, key=lambda each: each.name):
        lines += [*_hash_table(each, verbose or detail), ""]
    return joined([*lines, *_tries()])


def _hash_table(table: HashMap, verbose: bool) -> list[str]:
    fill = table.fill()
    active = sum(fill[1:])
    lines = [
        f"Hash table '{table.name}'",
        f"    {len(table)} active elements {active} active buckets",
        f"    {table.buckets} buckets of {SLOTS}, at most {amount(table.buckets * Bucket.size)} used",
        f"    grows at {table.table.limit} elements; {table.table.moves} moved to their other bucket",
    ]
    if verbose:
        lines += [f"    [{entries} elements] {count} buckets" for entries, count in enumerate(fill)]
    return lines


def _tries() -> list[str]:
    used, live, waiting = lines_of_plies()
    return [
        "Tries 'ip4-fib', 'ip6-fib'",
        f"    {live} lines of plies in use, {amount(64 * live)}",
        f"    {used - live - waiting} free, {waiting} free as soon as no worker can read them any more",
    ]
