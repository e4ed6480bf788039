"""The nodes of AF_XDP ports."""

from weft.features.af_xdp import rx, tx

__all__ = ["rx", "tx"]
