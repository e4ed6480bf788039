"""Messages of layer 2."""

from weft.features.l2.api import arp, domains, events, fib, ports, unimplemented
from weft.features.l2.api.module import api

__all__ = ["api", "arp", "domains", "events", "fib", "ports", "unimplemented"]
