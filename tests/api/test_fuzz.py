"""Whatever a client sends, the engine answers or refuses it; nothing fails inside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine
from weft.core.api.calls import Calls, Unknown
from weft.core.api.client import Client
from weft.core.api.errors import ApiError
from weft.core.api.module import Message
from weft.core.api.types import Malformed
from weft.features.interface.model import Interfaces
from weft.features.loopback.model import Loopbacks, loops

from .messages import message, requests

MOST_INTERFACES = 200  #: whoever makes more than these in a test gets a new engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(workers=0, interpret=True) as engine:
        yield engine


def carry_out(calls: Calls, client: Client, data: bytes) -> list[bytes]:
    """What answers a message; nothing if it is refused."""
    try:
        answer = calls.answer(client, memoryview(data))
        if not isinstance(answer, Iterator):
            answer = asyncio.run(_outcome(answer))
        return [bytes(each) for each in answer]
    except (Unknown, Malformed):
        return []


async def _outcome(answer: object) -> Iterator[bytearray]:
    return await asyncio.wait_for(answer, 30)  # type: ignore[arg-type]


def test_any_messages(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    calls = engine[Calls]
    table = calls.table
    replies: dict[int, Message] = {entry.number: entry.message for entry in table.entries}

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(message(requests(table)), min_size=1, max_size=8))
    def check(messages: list[bytes]) -> None:
        client = Client(3, table, lambda event: None)
        for data in messages:
            for reply in carry_out(calls, client, data):
                described = replies[int.from_bytes(reply[:2], "big")]
                values, end = described.layout.read(memoryview(reply), 2)
                assert end == len(reply)
                assert values.get("retval", 0) in (0, *ApiError, *(error % (1 << 32) for error in ApiError))
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
    table = calls.table
    client = Client(3, table, lambda event: None)

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=64))
    def check(data: bytes) -> None:
        carry_out(calls, client, data)
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

    check()
