"""All nodes of this feature."""

from weft.features.ip4 import drop, fragment, input, local, lookup, rewrite, udp

__all__ = ["drop", "fragment", "input", "local", "lookup", "rewrite", "udp"]
