"""Clients of the statistics socket: many, silent, talkative, hostile. None harms the engine or another client."""

from __future__ import annotations

import mmap
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from vpp_papi.vpp_stats import recv_fd

from weft import Engine

from .conftest import reading, serving

SECONDS = 1.5


@pytest.fixture(scope="module")
def path() -> Iterator[str]:
    with Engine(workers=0, interpret=False) as engine, serving(engine) as path:
        yield path


def connected(path: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(5)
    client.connect(path)
    return client


def descriptor(path: str) -> int:
    with connected(path) as client:
        found: int = recv_fd(client)
        return found


class TestTheSegment:
    def test_can_only_be_read(self, path: str) -> None:
        segment = descriptor(path)
        try:
            with pytest.raises(PermissionError):
                mmap.mmap(segment, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            with pytest.raises(OSError):
                os.ftruncate(segment, 0)
            with pytest.raises(OSError):
                os.write(segment, b"x")
            assert stat.S_IMODE(os.fstat(segment).st_mode) & 0o222 == 0
        finally:
            os.close(segment)


class TestTheSocket:
    def test_serves_two_hundred_that_never_read(self, path: str) -> None:
        with ExitStack() as crowd:
            for _ in range(200):
                crowd.enter_context(connected(path))
            with reading(path) as stats:
                assert stats["/if/names"] == ["local0"]

    def test_serves_others_while_some_send_garbage(self, path: str) -> None:
        with ExitStack() as crowd:
            for number in range(50):
                client = crowd.enter_context(connected(path))
                try:
                    client.send(os.urandom(1 + number * 100))
                except ConnectionError:  # it has been served and closed already
                    pass
            with reading(path) as stats:
                assert stats["/if/names"] == ["local0"]

    def test_serves_others_when_clients_are_gone_before_their_turn(self, path: str) -> None:
        for _ in range(100):
            connected(path).close()
        with reading(path) as stats:
            assert stats["/if/names"] == ["local0"]

    def test_closes_a_client_once_it_is_served(self, path: str) -> None:
        with connected(path) as client:
            os.close(recv_fd(client))
            assert client.recv(1) == b""

    def test_leaves_no_descriptor_behind(self, path: str) -> None:
        def count() -> int:
            return len(os.listdir("/proc/self/fd"))

        before = count()
        for _ in range(50):
            os.close(descriptor(path))
        assert count() < before + 10  # the last may not be closed yet
