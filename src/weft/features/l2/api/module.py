"""The module, and what its messages have in common."""

from __future__ import annotations

from weft.core.api import Module

api = Module("l2", "3.3.0", "Bridge domains, cross-connects, the L2 FIB")

ALL = 0xFFFFFFFF
