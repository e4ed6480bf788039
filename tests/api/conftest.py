"""Engines that serve their API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine that all tests of a module use."""
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


@pytest.fixture(scope="module")
def api(running: Served) -> Iterator[Any]:
    """Its messages, as methods."""
    client = running.client()
    yield client.api
    client.disconnect()


@pytest.fixture
def loop(api: Any) -> Iterator[int]:
    """A loopback interface, up, for one test."""
    index = api.create_loopback().sw_if_index
    assert api.sw_interface_set_flags(sw_if_index=index, flags=1).retval == 0
    yield index
    api.delete_loopback(sw_if_index=index)


STATE = (
    "show interface",
    "show interface address",
    "show interface tag",
    "show interface rx-placement",
    "show ip fib",
    "show ip table",
    "show ip neighbors",
    "show ip neighbor-config",
    "show arp proxy",
)


@pytest.fixture
def unchanged(running: Served) -> Iterator[None]:
    """What the test does changes nothing that the command line shows."""

    def state() -> list[str]:
        return [re.sub(r"(?m)^ +\d*\.\d+", "", running.cli(command)) for command in STATE]

    before = state()
    yield
    assert state() == before
