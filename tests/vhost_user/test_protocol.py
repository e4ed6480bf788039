"""A control channel that brings anything: the engine goes on, and serves the next front end."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Lab
from tests.vhost_user.frontend import NUMBERS, P_REPLY_ACK, FrontEnd
from tests.vhost_user.test_control import passes

Make = Callable[..., FrontEnd]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<III", 1, 0, 0),
        struct.pack("<III", 1, 5, 0),
        struct.pack("<III", 2, 1, 0xFFFFFFFF),
        struct.pack("<III", 2, 1, 4) + bytes(4),
        struct.pack("<III", 5, 1, 8) + struct.pack("<II", 9, 0),
        struct.pack("<III", 9, 1, 40) + struct.pack("<II", 999, 0) + bytes(32),
    ],
    ids=["version 0", "an answer", "4 GB", "short", "nine regions", "vring 999"],
)
def test_malformed_messages_end_the_connection(lab: Lab, front_end: Make, data: bytes) -> None:
    vm = front_end().connect()
    vm.send_raw(data)
    assert vm.closed
    passes(lab, front_end().start())


def test_missing_and_extra_descriptors_end_the_connection_and_none_is_kept(lab: Lab, front_end: Make) -> None:
    passes(lab, front_end().start())
    before = len(os.listdir("/proc/self/fd"))
    event = os.eventfd(0)
    for name, fds in (("SET_VRING_KICK", ()), ("GET_FEATURES", (event,)), ("SET_MEM_TABLE", (event,) * 9)):
        vm = front_end().connect()
        vm.send(name, struct.pack("<Q", 0) if "VRING" in name or "MEM" in name else b"", fds)
        assert vm.closed, name
        vm.close()
    os.close(event)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_messages_in_pieces(lab: Lab, front_end: Make) -> None:
    vm = front_end().connect()
    for byte in struct.pack("<III", 1, 1, 0):
        vm.send_raw(bytes([byte]))
    assert vm.receive()[0] == 1


def test_a_new_front_end_takes_the_place_of_the_old(lab: Lab, front_end: Make) -> None:
    first = front_end().start()
    second = front_end().start()
    assert first.closed
    passes(lab, second)


def test_a_flood_is_read_slowly(lab: Lab, front_end: Make) -> None:
    vm = front_end().start()
    vm.socket.setblocking(False)
    sent = 0
    try:
        while sent < 20000:
            vm.socket.send(struct.pack("<IIIII", 18, 1, 8, 0, 1))
            sent += 1
            if sent % 50 == 0:
                lab.engine.files.run()
    except BlockingIOError:
        pass
    assert sent < 20000, "the sender has to wait"
    vm.socket.settimeout(2)
    for _ in range(5000):
        lab.engine.advance(0.2)
        lab.engine.files.run()
    passes(lab, vm)


MESSAGE = st.tuples(
    st.sampled_from([*NUMBERS.values(), 0, 24, 35, 41, 1 << 31]),
    st.sampled_from([1, 9, 1, 9, 0, 5]),
    st.one_of(
        st.binary(max_size=60),
        st.tuples(st.integers(0, 5), st.integers(0, 70000)).map(lambda pair: struct.pack("<II", *pair)),
        st.sampled_from([0, 1, 2, 0x100, 0x140000000, 1 << 62]).map(lambda number: struct.pack("<Q", number)),
    ),
    st.integers(0, 2),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(MESSAGE, max_size=12))
def test_any_messages(lab: Lab, front_end: Make, messages: list[tuple[int, int, bytes, int]]) -> None:
    vm = front_end(protocol=P_REPLY_ACK).start()
    try:
        for number, flags, payload, count in messages:
            vm.send(number, payload, (vm.memory.regions[0].fd, vm.vrings[0].kick)[:count], flags)
    except OSError:
        pass  # it was closed
    vm.close()
    lab.output()  # an announcement, perhaps
    after = front_end().start()
    passes(lab, after)
    after.close()
