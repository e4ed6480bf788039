"""All commands of this feature: each file of commands registers its own."""

from weft.features.vlib import commands, errors, graph, log, machine, memory, punts, runtime, tracing

__all__ = ["commands", "errors", "graph", "log", "machine", "memory", "punts", "runtime", "tracing"]
