"""All commands of this feature: each file of commands registers its own."""

from weft.features.vlib import errors, runtime, tracing

__all__ = ["errors", "runtime", "tracing"]
