"""Waiting for what others do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(condition: Callable[[], Awaitable[T] | T], seconds: float = 15) -> T:
    """What a condition gives once that is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        value = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        assert time.monotonic() < end, "it did not come true"
        await asyncio.sleep(0.02)
