"""A real etcd for each test module, empty for each test; and engines that agents program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.openstack.site import Site, environment

from weft_openstack.lab.services import EtcdServer
from weft_openstack.store.etcd import Settings


@pytest.fixture(scope="session")
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """One that tests leave running."""
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.process.start()
    yield server
    server.process.stop()


@pytest.fixture
def own_etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """One that a test may stop, kill and fill."""
    server = EtcdServer(tmp_path)
    server.process.start()
    yield server
    server.process.stop()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """One with a short name: a socket's path has 107 bytes at the most, and ports' sockets are named by their UUID."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


_used = 0


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test uses."""
    global _used
    _used += 1
    return f"/test{_used}/"


@pytest.fixture
def store(etcd_server: EtcdServer) -> Settings:
    """How to reach the common etcd."""
    return Settings((etcd_server.endpoint,))


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Not in pytest's folder, which other runs of pytest close to the database's user."""
    where = environment()
    assert where is not None
    with TemporaryDirectory(prefix="weft-site-") as folder, Site(Path(folder), where).running() as running:
        yield running
