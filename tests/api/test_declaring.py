"""Declaring messages: what cannot be one is refused, in words that say what can."""

from __future__ import annotations

import pytest

from weft.core.api.module import MODULES, Module


def test_a_message_must_be_a_struct() -> None:
    module = Module("declaring-test", "1.0.0")
    try:
        with pytest.raises(TypeError, match=r"Plain cannot be sent: its base must be msgspec's Struct$"):

            @module.details("plain_details", 0)
            class Plain:
                number: int = 0

        assert module.messages == {}
    finally:
        del MODULES["declaring-test"]
