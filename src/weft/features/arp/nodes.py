"""All nodes of this feature."""

from weft.features.arp import input, proxy, reply, resolve

__all__ = ["input", "proxy", "reply", "resolve"]
