"""Weft: a user-space vector packet switch and router, and its OpenStack driver."""

from weft.core.engine import Engine

__version__ = "0.1.0"
__all__ = ["Engine"]
