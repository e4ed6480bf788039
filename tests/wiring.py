"""Two interfaces wired to each other."""

from __future__ import annotations

from weft import Engine
from weft.features.interface.model import Interface


def connect(engine: Engine, a: Interface, b: Interface) -> None:
    """What comes in by one leaves by the other."""
    engine.cli(f"set interface l2 xconnect {a.name} {b.name}")
    engine.cli(f"set interface l2 xconnect {b.name} {a.name}")
