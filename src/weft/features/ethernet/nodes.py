"""All nodes of this feature."""

from weft.features.ethernet import input, llc

__all__ = ["input", "llc"]
