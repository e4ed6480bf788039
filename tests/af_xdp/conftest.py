"""Hosts, and a port of the engine on the cable of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts import Hosts, make_hosts


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    yield from make_hosts()
