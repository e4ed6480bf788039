"""All commands of this feature: each file of commands registers its own."""

from weft.features.vlib import (
    clock,
    commands,
    errors,
    fusing,
    graph,
    log,
    machine,
    memory,
    punts,
    runtime,
    structures,
    tracing,
)

__all__ = [
    "clock",
    "commands",
    "errors",
    "fusing",
    "graph",
    "log",
    "machine",
    "memory",
    "punts",
    "runtime",
    "structures",
    "tracing",
]
