"""The argument type ``interface``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from weft.core.cli import argument
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine


def _names(engine: Engine, prefix: str) -> Iterable[str]:
    return engine[Interfaces].by_name


@argument("interface", "an interface's name", complete=_names)
def interface(engine: Engine, word: str) -> Interface:
    """An interface by its name in full."""
    found = engine[Interfaces].by_name.get(word)
    if found is None:
        raise ValueError("unknown interface")
    return found
