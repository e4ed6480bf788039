"""Reading a segment that is broken, hostile, or not there: it is unavailable, and nothing else happens."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft.exporter.metrics import Metrics, translate
from weft.exporter.segment import Segment, Snapshot, Unavailable, connect

BASE = 0x7000_0000_0000
HEADER = struct.Struct("<6Q")
ENTRY = struct.Struct("<I4xQ128s")


class Image:
    """A segment in VPP's layout, put together as vlib/stats/shared.h describes it."""

    def __init__(self) -> None:
        self.data = bytearray(HEADER.size)
        self.entries: list[tuple[int, int, bytes]] = []

    def vector(self, length: int, data: bytes) -> int:
        self.data += bytes(-len(self.data) % 8) + struct.pack("<II", length, 0)
        place = len(self.data)
        self.data += data
        return BASE + place

    def counter(self, path: str, *threads: list[int], width: int = 1) -> None:
        vectors = [self.vector(len(each) // width, struct.pack(f"<{len(each)}Q", *each)) for each in threads]
        pointer = self.vector(len(vectors), struct.pack(f"<{len(vectors)}Q", *vectors))
        self.entries.append((1 + width, pointer, path.encode()))

    def names(self, path: str, *names: str | None) -> None:
        texts = [self.vector(len(name) + 1, name.encode() + b"\0") if name is not None else 0 for name in names]
        self.entries.append((4, self.vector(len(texts), struct.pack(f"<{len(texts)}Q", *texts)), path.encode()))

    def finish(self, version: int = 2, in_progress: int = 0) -> bytes:
        directory = self.vector(len(self.entries), b"".join(ENTRY.pack(*entry) for entry in self.entries))
        self.data[: HEADER.size] = HEADER.pack(version, BASE, 7, in_progress, directory, 0)
        return bytes(self.data)


def example() -> Image:
    image = Image()
    image.counter("/if/rx", [1, 64, 2, 128], [3, 192, 4, 256], width=2)
    image.counter("/if/drops", [5, 6], [7, 8])
    image.names("/if/names", "local0", None, "eth0")
    image.entries.append((1, 42, b"/sys/heartbeat"))
    image.entries.append((9, 43, b"/sys/vector_rate"))
    image.entries.append((5, 0, b""))
    image.entries.append((6, 1 | 1 << 32, b"/interfaces/eth0/drops"))
    image.entries.append((77, 12345, b"/some/day"))
    return image


@contextmanager
def segment(data: bytes, seconds: float = 2.0) -> Iterator[Segment]:
    descriptor = os.memfd_create("image")
    try:
        os.write(descriptor, data)
        yield Segment(descriptor, time.monotonic() + seconds)
    finally:
        os.close(descriptor)


def read(data: bytes, seconds: float = 2.0) -> Snapshot:
    with segment(data, seconds) as each:
        return each.read(lambda path: True)


def test_everything_is_read_as_it_stands() -> None:
    found = read(example().finish())
    assert found["/if/names"] == ["local0", None, "eth0"]
    assert (found["/sys/heartbeat"], found["/sys/vector_rate"]) == (42, 43)
    assert found["/if/rx"].at(1) == [2, 4] and found["/if/rx"].at(1, 1) == [128, 256]
    assert found["/interfaces/eth0/drops"].values() == [6, 8]
    assert set(found) == {
        "/if/rx",
        "/if/drops",
        "/if/names",
        "/sys/heartbeat",
        "/sys/vector_rate",
        "/interfaces/eth0/drops",
    }


def test_only_what_is_wanted_is_read() -> None:
    with segment(example().finish()) as each:
        assert set(each.read(lambda path: path.startswith("/sys/"))) == {"/sys/heartbeat", "/sys/vector_rate"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(20),
        example().finish(version=1),
        example().finish()[:300],
        HEADER.pack(2, BASE, 1, 0, BASE - 4096, 0),
        HEADER.pack(2, BASE, 1, 0, (1 << 64) - 1, 0),
        HEADER.pack(2, BASE, 1, 0, BASE + 56, 0) + struct.pack("<II", 0xFFFFFFFF, 0),
    ],
)
def test_nonsense_is_unavailable(data: bytes) -> None:
    with pytest.raises(Unavailable):
        read(data)


def test_a_link_to_nowhere_is_left_out() -> None:
    image = example()
    image.entries.append((6, 4000 | 1 << 32, b"/interfaces/gone/drops"))
    assert "/interfaces/gone/drops" not in read(image.finish())


def test_one_that_is_always_being_changed_is_given_up() -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable, match="changing"):
        read(example().finish(in_progress=1), 0.2)
    assert time.monotonic() - start < 2


def test_a_change_in_the_middle_is_waited_for() -> None:
    """The first look meets a change that is under way; the value of after it is what is read."""
    image = example()
    data = image.finish(in_progress=1)
    image.entries[3] = (1, 99, b"/sys/heartbeat")
    after = image.finish()
    descriptor = os.memfd_create("image")
    try:
        os.write(descriptor, data)
        threading.Timer(0.1, lambda: os.pwrite(descriptor, after, 0)).start()
        assert Segment(descriptor, time.monotonic() + 5).read(lambda path: True)["/sys/heartbeat"] == 99
    finally:
        os.close(descriptor)


def test_vectors_that_all_lead_to_one_do_not_fill_the_memory() -> None:
    """A thousand threads whose counters are one vector of a million: far more than is ever read."""
    image = Image()
    large = image.vector(1 << 20, bytes(8 << 20))
    pointers = image.vector(1000, struct.pack("<Q", large) * 1000)
    image.entries.append((2, pointers, b"/if/drops"))
    with pytest.raises(Unavailable):
        read(image.finish(), 20)


@given(st.lists(st.tuples(st.integers(0, len(example().finish()) - 1), st.integers(0, 255)), min_size=1, max_size=12))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_bytes_changed_at_random_harm_nobody(changes: list[tuple[int, int]]) -> None:
    data = bytearray(example().finish())
    for place, value in changes:
        data[place] = value
    try:
        translate(read(bytes(data), 0.05), Metrics())
    except Unavailable:
        pass


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A statistics socket that does something to its first client."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(Path(folder, "stats.sock")))
        listener.listen()

        def run() -> None:
            client, _ = listener.accept()
            with client:
                answer(client)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield str(Path(folder, "stats.sock"))
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        lambda client: None,
        lambda client: client.send(b"hello"),
        lambda client: time.sleep(0.6),
    ],
    ids=["closes", "talks", "is silent"],
)
def test_a_socket_that_hands_nothing_over_is_unavailable(answer: Callable[[socket.socket], None]) -> None:
    with answering(answer) as path, pytest.raises(Unavailable), connect(path, 0.3):
        pass


def test_several_descriptors_do_not_pile_up() -> None:
    def many(client: socket.socket) -> None:
        ends = [os.pipe() for _ in range(10)]
        socket.send_fds(client, [b"x"], [end for pair in ends for end in pair])
        for pair in ends:
            os.close(pair[0])
            os.close(pair[1])

    before = len(os.listdir("/proc/self/fd"))
    with answering(many) as path, connect(path, 2.0) as each, pytest.raises(Unavailable):
        each.read(lambda path: True)
    assert len(os.listdir("/proc/self/fd")) <= before
