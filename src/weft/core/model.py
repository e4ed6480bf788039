"""Models: a feature's control side, one object of each class in an engine.

    @model
    class BridgeDomains:
        def __init__(self, engine: Engine) -> None: ...

    engine[BridgeDomains].add(7)

The engine makes every model when it starts, in the order in which they need one another. A model may have ``close``.
"""

from __future__ import annotations

from typing import TypeVar

M = TypeVar("M")


class Invalid(ValueError):
    """What a user asked for cannot be. The message says what was asked, what is wrong and what would work.

    ``error`` is the name of the API error that it is answered with there (VPP's ``VNET_API_ERROR_...``).
    """

    def __init__(self, message: str, error: str = "INVALID_VALUE") -> None:
        super().__init__(message)
        self.error = error


MODELS: list[type] = []


def model(cls: type[M]) -> type[M]:
    """Declare a model class; its constructor takes the engine."""
    MODELS.append(cls)
    return cls
