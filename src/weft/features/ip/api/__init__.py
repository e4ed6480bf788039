"""Messages of IPv4 and IPv6."""

from weft.features.ip.api import addresses, flow_hash, multicast, routes, tables, unimplemented
from weft.features.ip.api.module import api

__all__ = ["addresses", "api", "flow_hash", "multicast", "routes", "tables", "unimplemented"]
