"""All nodes of this feature."""

from weft.features.l2 import arp_term, flood, forward, input, learn, output

__all__ = ["arp_term", "flood", "forward", "input", "learn", "output"]
