"""Requests carried out without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator

from weft.core.api.calls import Calls, Unknown
from weft.core.api.client import Client
from weft.core.api.errors import ApiError
from weft.core.api.types import Malformed

RETVALS = {0, *ApiError, *(error % (1 << 32) for error in ApiError)}


def carry_out(calls: Calls, client: Client, data: bytes) -> list[bytes] | None:
    """What answers a message; None if the client would be sent away for it. Raises AssertionError for an answer that is
    none: one that does not fit its declaration, or with an error that nobody knows.
    """
    try:
        answer = calls.answer(client, memoryview(data))
        if not isinstance(answer, Iterator):
            answer = asyncio.run(_outcome(answer))
        replies = [bytes(each) for each in answer]
    except (Unknown, Malformed):
        return None
    for reply in replies:
        entry = calls.table.get(int.from_bytes(reply[:2], "big"))
        assert entry is not None
        values, end = entry.message.layout.read(memoryview(reply), 2)
        assert end == len(reply), f"{entry.message.name} has {len(reply) - end} bytes more than it says"
        assert values.get("retval", 0) in RETVALS, f"{entry.message.name}: retval {values['retval']}"
    return replies


def refused(calls: Calls, replies: list[bytes]) -> bool:
    """Whether the last of a request's replies says that it failed."""
    entry = calls.table.get(int.from_bytes(replies[-1][:2], "big")) if replies else None
    if entry is None:
        return False
    values, _ = entry.message.layout.read(memoryview(replies[-1]), 2)
    return bool(values.get("retval", 0))


async def _outcome(answer: Awaitable[Iterator[bytearray]]) -> Iterator[bytearray]:
    return await asyncio.wait_for(answer, 30)
