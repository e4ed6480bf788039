"""Clients that do what they should not: an error or a closed connection for them, nothing for the others."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import Lab

from weft.features.interface.model import Interface, Interfaces
from weft.features.loopback.model import Loopbacks, loops

from .raw import Raw
from .served import Served

DUMP_ALL = struct.pack(">I?I", 0xFFFFFFFF, False, 0)
INVALID_VALUE = -7


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


@pytest.fixture
def good(served: Served) -> Iterator[Raw]:
    """A client that behaves; it is served before and after each test."""
    with Raw(served.path, "good") as client:
        assert client.retval("control_ping") == 0
        yield client
        assert client.retval("control_ping") == 0
    wait_for(lambda: served.run(lambda lab: len(served.server.clients)) == 0)


def wait_for(condition: Any) -> None:
    """Until something is true, at most ten seconds."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def test_the_numbers_that_clients_know_beforehand(good: Raw) -> None:
    assert (good.table["sockclnt_create"], good.table["sockclnt_create_reply"]) == (15, 16)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x0f",
        struct.pack(">H", 0),
        struct.pack(">HII", 60000, 0, 1),
        struct.pack(">HII", 16, 0, 1),  # a reply
        struct.pack(">HI", 15, 1),  # sockclnt_create without a name
    ],
)
def test_no_request(served: Served, good: Raw, message: bytes) -> None:
    """What cannot be answered ends the connection."""
    with Raw(served.path) as bad:
        bad.send(message)
        assert bad.closed()


@pytest.mark.parametrize("name", ["want_interface_events", "sw_interface_set_flags", "create_loopback_instance"])
def test_a_request_cut_off_anywhere_behind_its_context(served: Served, good: Raw, name: str) -> None:
    before = served.cli("show interface")
    with Raw(served.path) as bad:
        for length in range(8):
            assert bad.retval(name, bytes(length)) == INVALID_VALUE
        assert bad.retval("control_ping") == 0
    assert served.cli("show interface") == before


def test_a_number_that_says_more_than_there_is(served: Served, good: Raw) -> None:
    with Raw(served.path) as bad:
        rpc = struct.pack(">QBBBI", 0, 0, 0, 0, 0xFFFFFFFF)
        assert bad.retval("rpc_call", rpc) == INVALID_VALUE
        bad.send(bad.request("sw_interface_dump", struct.pack(">I?I", 0, True, 0xFFFFFFFF)))
        assert bad.closed()  # a dump has no reply that could say so


def test_a_length_beyond_measure(served: Served, good: Raw) -> None:
    with Raw(served.path) as bad:
        bad.socket.sendall(struct.pack(">QII", 0, 0x7FFFFFFF, 0))
        assert bad.closed()


def test_bytes_that_come_one_by_one(served: Served, good: Raw) -> None:
    with Raw(served.path) as slow:
        for byte in slow.frame(slow.request("control_ping")):
            slow.socket.sendall(bytes([byte]))
        assert slow.receive()[6:10] == bytes(4)


def test_many_clients_at_once(served: Served, good: Raw) -> None:
    clients = [Raw(served.path, f"client {number}") for number in range(200)]
    for client in clients:
        client.send(client.request("control_ping"))
    assert all(client.receive()[6:10] == bytes(4) for client in clients)
    assert len({client.index for client in clients}) == 200
    assert good.retval("control_ping") == 0
    for client in clients:
        client.close()


def test_more_clients_than_there_may_be(served: Served, good: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.server, "max_clients", 2)
    with Raw(served.path), Raw(served.path, None) as third:
        assert third.closed()


def test_requests_are_answered_in_their_order(good: Raw) -> None:
    good.send(*[good.request("control_ping", context=n) for n in range(500)])
    assert [struct.unpack_from(">I", good.receive(), 2)[0] for _ in range(500)] == list(range(500))


@pytest.fixture(scope="module")
def many(served: Served) -> None:
    """Enough interfaces for a dump to take a while."""
    served.run(lambda lab: [lab.engine[Loopbacks].create() for _ in range(1000)])


def test_a_client_that_does_not_read_its_dumps(served: Served, good: Raw, many: None) -> None:
    """Nothing more is carried out for it, and little is kept; the others go on."""
    with Raw(served.path) as silent:
        dump = silent.frame(silent.request("sw_interface_dump", DUMP_ALL))
        silent.socket.setblocking(False)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += silent.socket.send(dump * 100)
        except BlockingIOError:
            pass
        assert sent < 64 << 20
        assert good.retval("control_ping") == 0
        (kept,) = [
            connection._transport.get_write_buffer_size()
            for connection in served.run(lambda lab: list(served.server._connections))
            if connection.client.name == "raw"
        ]
        assert kept < 1 << 20


def test_a_client_that_dies_in_a_dump(served: Served, good: Raw, many: None) -> None:
    dying = Raw(served.path)
    dying.send(dying.request("sw_interface_dump", DUMP_ALL))
    dying.receive()
    dying.close()


def test_interfaces_that_go_in_a_dump(served: Served, good: Raw, many: None) -> None:
    """The dump goes on to its end, and what is asked behind it is answered."""
    with Raw(served.path) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.send(slow.request("sw_interface_dump", DUMP_ALL), slow.request("control_ping"))
        slow.receive()
        served.run(lambda lab: [lab.engine[Loopbacks].delete(each) for each in loopbacks(lab)[900:]])
        ping, rest = slow.table["control_ping_reply"], 0
        while int.from_bytes(slow.receive()[:2], "big") != ping:
            rest += 1
        assert 900 <= rest <= 1000
        served.run(lambda lab: [lab.engine[Loopbacks].create() for _ in range(100)])


def loopbacks(lab: Lab) -> list[Interface]:
    return [each for each in lab.engine[Interfaces] if loops(each)]


def test_events_for_a_client_that_does_not_read(served: Served, good: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut off, and no longer told."""
    monkeypatch.setattr("weft.core.api.server.MAX_WAITING", 10_000)
    silent = Raw(served.path)
    assert silent.retval("want_interface_events", struct.pack(">II", 1, 9)) == 0
    for _ in range(3000):
        served.cli("set interface state local0 up\nset interface state local0 down")
        if served.run(lambda lab: "raw" not in [client.name for client in served.server.clients.values()]):
            break
    assert silent.closed()
    served.cli("set interface state local0 up\nset interface state local0 down")


def test_a_client_that_has_left_is_told_nothing(served: Served, good: Raw) -> None:
    assert good.retval("want_interface_events", struct.pack(">II", 1, 9)) == 0
    leaving = good.ask("sockclnt_delete", struct.pack(">I", good.index))
    assert leaving[6:10] == bytes(4)
    served.cli("set interface state local0 up\nset interface state local0 down")
    assert good.ask("control_ping")[:2] == struct.pack(">H", good.table["control_ping_reply"])


def test_one_cannot_say_farewell_for_another(served: Served, good: Raw) -> None:
    with Raw(served.path) as other:
        assert struct.unpack(">i", other.ask("sockclnt_delete", struct.pack(">I", good.index))[6:10]) == (
            INVALID_VALUE,
        )


def test_functions_and_shared_memory_are_refused(served: Served, good: Raw) -> None:
    unimplemented = -9
    assert good.retval("rpc_call", struct.pack(">QBBBI", 0x1000, 0, 0, 1, 0)) == unimplemented
    assert good.retval("sock_init_shm", struct.pack(">IB", 1 << 20, 0)) == unimplemented
