"""Whatever a client sends, the engine answers or refuses it; nothing fails inside."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine
from weft.core.api.calls import Calls
from weft.core.api.client import Client
from weft.features.interface.model import Interfaces
from weft.features.loopback.model import Loopbacks, loops

from .answers import carry_out
from .messages import message, requests

MOST_INTERFACES = 200  #: whoever makes more than these in a test loses them


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(workers=0, interpret=True) as engine:
        yield engine


def test_any_messages(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    calls = engine[Calls]
    entries = requests(calls.table)

    @settings(max_examples=200, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False), st.integers(1, 8))
    def check(chance: Random, number: int) -> None:
        client = Client(3, calls.table, lambda event: None)
        for _ in range(number):
            carry_out(calls, client, message(entries, chance))
        client.leave()
        engine.step()
        errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert not errors, errors
        if len(engine[Interfaces].by_index) > MOST_INTERFACES:
            for interface in [each for each in engine[Interfaces] if loops(each)]:
                engine[Loopbacks].delete(interface, interface.device)

    check()


def test_any_bytes(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    calls = engine[Calls]
    client = Client(3, calls.table, lambda event: None)

    @settings(max_examples=300)
    @given(st.binary(max_size=64))
    def check(data: bytes) -> None:
        carry_out(calls, client, data)
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

    check()
