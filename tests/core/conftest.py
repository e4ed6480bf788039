"""An engine without workers for the tests of a module, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from weft import Engine

from . import packet_code as packet_code


@pytest.fixture(params=["compiled", "interpreted"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with Engine(workers=0, buffers=4096, interpret=request.param == "interpreted") as engine:
        yield engine


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def shared(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One for tests that leave nothing behind."""
    with Engine(workers=0, buffers=4096, interpret=request.param == "interpreted") as engine:
        yield engine
