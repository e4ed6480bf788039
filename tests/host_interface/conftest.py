"""A cable from the engine to itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyroute2 import IPRoute
from tests.hosts import Hosts


@pytest.fixture
def trunk(hosts: Hosts) -> Iterator[tuple[str, str]]:
    """A cable from the engine to the engine."""
    names = (f"wtrunk{id(hosts) % 10000}a", f"wtrunk{id(hosts) % 10000}b")
    with IPRoute() as ip:
        ip.link("add", ifname=names[0], kind="veth", peer={"ifname": names[1]})
        yield names
        for index in ip.link_lookup(ifname=names[0]):
            ip.link("del", index=index)
