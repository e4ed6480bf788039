"""All nodes of this feature."""

from weft.features.ip6 import drop, format, fragment, input, local, lookup, rewrite

__all__ = ["drop", "format", "fragment", "input", "local", "lookup", "rewrite"]
