"""Layer 2 on the control side: what other features, commands and the API use."""

from weft.features.l2.domain import BridgeDomain, BridgeDomains
from weft.features.l2.fib import Entry, L2Fib
from weft.features.l2.layout import L2Meta
from weft.features.l2.pipeline import input_feature, next_input_feature, next_output_feature, output_feature
from weft.features.l2.port import Layer2, PortType

__all__ = [
    "BridgeDomain",
    "BridgeDomains",
    "Entry",
    "L2Fib",
    "L2Meta",
    "Layer2",
    "PortType",
    "input_feature",
    "next_input_feature",
    "next_output_feature",
    "output_feature",
]
