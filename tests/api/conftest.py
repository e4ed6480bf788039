"""Engines that serve their API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from vpp_papi import VPPApiClient

from .served import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """An engine whose API is at a socket."""
    with Served(tmp_path / "api.sock") as running:
        yield running


@pytest.fixture
def vpp(served: Served) -> Iterator[VPPApiClient]:
    """A client of it."""
    client = served.client()
    yield client
    client.disconnect()
