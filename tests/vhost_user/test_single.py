"""Chains of one descriptor, among others in a batch: the second of a batch and those after it go the short way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import Lab
from vhost_user.frontend import EVENT_IDX, MRG_RXBUF, PLAIN, FrontEnd
from vhost_user.guest import Buffer

SIZES = (60, 14, 61, 1514, 2048, 2049, 60, 9000, 60)


def frame(size: int) -> bytes:
    return (bytes.fromhex("020000000001 020000000002 88b6") + bytes(i % 251 for i in range(size)))[:size]


@pytest.mark.parametrize("features", [PLAIN, PLAIN | MRG_RXBUF, PLAIN | EVENT_IDX])
def test_frames_of_all_sizes(lab: Lab, front_end: Callable[..., FrontEnd], features: int) -> None:
    options = "event-idx" if features & EVENT_IDX else ""
    vm = front_end(options, features=features).start()
    for _ in range(4):  # round the ring of 16
        vm.transmit(*map(frame, SIZES))
        assert [bytes(each) for each in lab.output()["pg0"]] == [frame(size) for size in SIZES]
        given = vm.offer(len(SIZES), room=9100)
        lab.send(lab.ports[0], *map(frame, SIZES))
        assert [found for _, found in vm.collect(given)] == [frame(size) for size in SIZES]
        assert len(vm.vrings[1].queue.used()) == len(SIZES)


def test_a_bad_buffer_in_a_batch_harms_nobody_else(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end().start()
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
