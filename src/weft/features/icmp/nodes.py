"""All nodes of this feature."""

from weft.features.icmp import echo, error, input

__all__ = ["echo", "error", "input"]
