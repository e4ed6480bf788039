"""Engines as processes; whatever a test leaves running is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from weft import Engine

from .engine import EngineProcess, stanzas

Start = Callable[..., EngineProcess]


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Machine code is kept before any process is waited for."""
    with Engine(workers=0, interpret=False):
        pass


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts engines in the test's folder."""
    started: list[EngineProcess] = []

    def start(*arguments: str, **options: object) -> EngineProcess:
        given = list(arguments) or stanzas(tmp_path)
        started.append(EngineProcess(tmp_path, *given, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()
