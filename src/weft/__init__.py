"""Weft: a user-space vector packet switch and router, and its OpenStack driver."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.core.engine import Engine

__version__ = "0.1.0"
__all__ = ["Engine"]


def __getattr__(name: str) -> Any:
    """The engine is imported when it is asked for: the commands beside it do without."""
    if name == "Engine":
        from weft.core.engine import Engine

        return Engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
