"""All nodes of this feature."""

from weft.features.icmp6 import echo, error, input

__all__ = ["echo", "error", "input"]
