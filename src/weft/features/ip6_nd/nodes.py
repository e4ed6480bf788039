"""All nodes of this feature."""

from weft.features.ip6_nd import neighbor, resolve, router

__all__ = ["neighbor", "resolve", "router"]
