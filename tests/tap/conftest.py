"""Hosts and running engines for taps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts import Hosts, make_hosts
from switch import Switch, make_switch


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    yield from make_hosts()


@pytest.fixture
def switch() -> Iterator[Switch]:
    yield from make_switch()
