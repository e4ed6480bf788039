"""All nodes of this feature."""

from weft.features.vxlan import bypass, decap, encap

__all__ = ["bypass", "decap", "encap"]
