"""Chains of one descriptor, among others in a batch: the second of a batch and those after it go the short way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import Lab
from tests.vhost_user.frontend import EVENT_IDX, MRG_RXBUF, PACKED, PLAIN, VERSION_1, FrontEnd
from tests.vhost_user.guest import Buffer

OLD = PLAIN & ~VERSION_1  #: whose header is 10 bytes long
SIZES = (60, 14, 61, 1514, 2048, 2049, 60, 9000, 60)


def frame(size: int) -> bytes:
    return (bytes.fromhex("020000000001 020000000002 88b6") + bytes(i % 251 for i in range(size)))[:size]


@pytest.mark.parametrize(
    "features", [PLAIN, PLAIN | MRG_RXBUF, PLAIN | EVENT_IDX, PLAIN | PACKED, PLAIN | PACKED | EVENT_IDX, OLD]
)
def test_frames_of_all_sizes(lab: Lab, front_end: Callable[..., FrontEnd], features: int) -> None:
    vm = front_end("event-idx packed", features=features).start()
    for _ in range(4):  # round the ring of 16
        vm.transmit(*map(frame, SIZES))
        assert [bytes(each) for each in lab.output()["pg0"]] == [frame(size) for size in SIZES]
        given = vm.offer(len(SIZES), room=9100)
        lab.send(lab.ports[0], *map(frame, SIZES))
        assert [found for _, found in vm.collect(given)] == [frame(size) for size in SIZES]
        assert len(vm.vrings[1].queue.used()) == len(SIZES)


@pytest.mark.parametrize("features", [PLAIN, PLAIN | PACKED], ids=["split", "packed"])
def test_a_bad_buffer_in_a_batch_harms_nobody_else(lab: Lab, front_end: Callable[..., FrontEnd], features: int) -> None:
    vm = front_end("packed", features=features).start()
    queue, at = vm.vrings[1].queue, vm.memory.allocate(200)
    vm.memory.write(at, bytes(12) + frame(60))
    (region,) = vm.memory.regions
    end = region.guest + region.size
    good = Buffer(at, 72)
    bad = [
        Buffer(end - 40, 72),  # beyond the memory's end
        Buffer(0xFFFFFFFFFFFFFFF0, 72),  # wraps
        Buffer(at, 0xFFFFFFFF),
        Buffer(at, 0),
        Buffer(at, 72, True),  # for us to write to
        Buffer(at, 20),  # shorter than a frame
    ]
    chains = [queue.offer(each) for wrong in bad for each in (good, wrong)]
    lab.engine.step()
    assert [bytes(each) for each in lab.output()["pg0"]] == [frame(60)] * len(bad)
    assert queue.used() == [(chain, 0) for chain in chains], "each is given back, once, in order"


@pytest.mark.parametrize("features", [PLAIN, PLAIN | PACKED, OLD], ids=["split", "packed", "old header"])
def test_headers_say_what_is_so_whatever_stood_in_the_buffer(
    lab: Lab, front_end: Callable[..., FrontEnd], features: int
) -> None:
    vm = front_end("packed", features=features).start()
    want = bytes(10) + b"\1\0" if vm.header == 12 else bytes(10)  # num_buffers is 1 (virtio 1.2, 5.1.6.4)
    given = vm.offer(3, room=100)
    for at, before in zip(given.values(), (b"\xff" * 100, want.ljust(100, b"\xff"), b"\1" * 100), strict=True):
        vm.memory.write(at, before)
    lab.send(lab.ports[0], *[frame(60)] * 3)
    assert vm.collect(given) == [(want, frame(60))] * 3


@pytest.mark.parametrize("features", [PLAIN | MRG_RXBUF, PLAIN | MRG_RXBUF | PACKED], ids=["split", "packed"])
def test_buffers_that_are_too_short_are_merged(lab: Lab, front_end: Callable[..., FrontEnd], features: int) -> None:
    """Among frames that fit; a frame takes more buffers than are looked at together."""
    vm = front_end("packed", features=features, size=64).start()
    sizes = (60, 3800, 60, 188, 189)
    given = vm.offer(1 + 39 + 1 + 2 + 3, room=100)  # of 100 bytes, the first's header is 12
    lab.send(lab.ports[0], *map(frame, sizes))
    assert [(header[10], found) for header, found in vm.collect(given)] == [
        (-(-(size + 12) // 100), frame(size)) for size in sizes
    ]


def test_a_chain_without_room_waits_for_more(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end("packed", features=PLAIN | MRG_RXBUF | PACKED).start()
    given = vm.offer(3, room=100)
    lab.send(lab.ports[0], frame(60), frame(400), frame(61))
    assert [found for _, found in vm.collect(given)] == [frame(60), frame(61)]
    assert lab.errors()[("vhost-user-tx", "tx packet drops (no available descriptors)")] == 1
