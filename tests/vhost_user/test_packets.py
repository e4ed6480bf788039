"""Packets between a guest and the engine, over every kind of ring."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.l2 import Ether
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import EVENT_IDX, INDIRECT_DESC, MRG_RXBUF, PACKED, PLAIN, FrontEnd

KINDS = {
    "split": (PLAIN, ""),
    "split, old header": (PLAIN & ~(1 << 32), ""),
    "split, events": (PLAIN | EVENT_IDX, "event-idx"),
    "packed": (PLAIN | PACKED, "packed"),
    "packed, events": (PLAIN | PACKED | EVENT_IDX, "packed event-idx"),
}


@pytest.fixture(params=KINDS)
def vm(request: pytest.FixtureRequest, front_end: Callable[..., FrontEnd]) -> FrontEnd:
    features, options = KINDS[request.param]
    return front_end(options, features=features | MRG_RXBUF | INDIRECT_DESC).start()


def frame(number: int, size: int = 60) -> bytes:
    data = bytes(Ether(src="52:54:00:00:00:01", dst="52:54:00:00:00:02", type=0x9000)) + number.to_bytes(2, "big")
    return data.ljust(size, bytes([number & 255]))


def errors(lab: Lab) -> dict[str, int]:
    return {text: count for (node, text), count in lab.errors().items() if node.startswith("vhost-user")}


def test_what_a_guest_sends_comes_in(lab: Lab, vm: FrontEnd) -> None:
    """More frames than the ring has places, so that it goes round; whole, in pieces, in indirect tables."""
    sent = [frame(n, 60 + 37 * n) for n in range(40)]
    for i, each in enumerate(sent):
        vm.transmit(each, split=(0, 12, 5, 40)[i % 4], indirect=i % 3 == 0)
        assert len(vm.vrings[1].queue.used()) == 1
    assert [bytes(packet) for packet in lab.output()["pg0"]] == sent


def test_a_guest_receives(lab: Lab, vm: FrontEnd) -> None:
    sent = [frame(n, 60 + 37 * n) for n in range(40)]
    for i, each in enumerate(sent):
        given = vm.offer(indirect=i % 3 == 0)
        lab.send(lab.ports[0], each)
        assert [data for _, data in vm.collect(given)] == [each]


def test_a_long_packet_is_merged_over_several_buffers(lab: Lab, vm: FrontEnd) -> None:
    given = vm.offer(5, room=600)
    lab.send(lab.ports[0], frame(1, 1400), frame(2, 100))
    [(header, first), (_, second)] = vm.collect(given)
    assert (first, second) == (frame(1, 1400), frame(2, 100))
    assert header[10:12] == b"\3\0"  # 1400 bytes and the header take 3 buffers of 600
    assert errors(lab) == {}


def test_a_packet_without_room_is_dropped_and_counted(lab: Lab, vm: FrontEnd) -> None:
    vm.offer(2, room=600)
    lab.send(lab.ports[0], frame(1, 1400))
    assert vm.vrings[0].queue.used() == []
    assert errors(lab) == {"tx packet drops (no available descriptors)": 1}
    assert "tx-error" in lab.cli(f"show interface {NAME}")
    vm.offer(1, room=600)
    lab.send(lab.ports[0], frame(2, 1400))
    assert len(vm.vrings[0].queue.used()) == 3  # the two that were not used before, and the new one


def test_link_follows_the_connection(lab: Lab, vm: FrontEnd) -> None:
    def link() -> str:
        return lab.cli(f"show hardware-interfaces {NAME}").splitlines()[1].split()[2]

    assert link() == "up"
    vm.close()
    lab.engine.step()
    assert link() == "down"
