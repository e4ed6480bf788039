"""Neighbor discovery (RFC 4861): neighbors, routers, duplicate addresses, and the groups that it needs (RFC 3810)."""
