"""All nodes of this feature."""

from weft.features.arp import input, proxy, reply

__all__ = ["input", "proxy", "reply"]
