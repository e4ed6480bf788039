"""Guests that break the rules of rings: their own port suffers and it is counted; the engine goes on."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import Ether
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import INDIRECT_DESC, MRG_RXBUF, PACKED, PLAIN, FrontEnd
from tests.vhost_user.guest import AVAIL, INDIRECT, NEXT, USED, Buffer

GOOD = bytes(Ether(src="52:54:00:00:00:01", dst="52:54:00:00:00:02", type=0x9000)).ljust(60, b"g")
BASE, SIZE = 0x100000, 2 << 20
EVIL_ADDRESSES = (0, BASE - 1, BASE + SIZE, BASE + SIZE - 8, 1 << 63, (1 << 64) - 4, (1 << 63) - 1)


@pytest.fixture(params=["split", "packed"])
def vm(request: pytest.FixtureRequest, front_end: Callable[..., FrontEnd]) -> FrontEnd:
    packed = request.param == "packed"
    features = PLAIN | MRG_RXBUF | INDIRECT_DESC | (PACKED if packed else 0)
    return front_end("packed" if packed else "", features=features).start()


def errors(lab: Lab) -> dict[str, int]:
    return {text: count for (node, text), count in lab.errors().items() if node.startswith("vhost-user")}


def goes_on(lab: Lab, vm: FrontEnd) -> None:
    """The same guest, behaving, is served."""
    vm.vrings[1].queue.used()
    vm.transmit(GOOD)
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [GOOD]
    assert len(vm.vrings[1].queue.used()) == 1
    vm.vrings[0].queue.used()
    offered = vm.offer(1)
    lab.send(lab.ports[0], GOOD)
    assert [data for _, data in vm.collect(offered)] == [GOOD]


@pytest.mark.parametrize("address", EVIL_ADDRESSES)
def test_buffers_outside_of_the_memory(lab: Lab, vm: FrontEnd, address: int) -> None:
    vm.vrings[1].queue.offer(Buffer(address, 72))
    vm.vrings[0].queue.offer(Buffer(address, 2048, True))
    lab.engine.step()
    lab.send(lab.ports[0], GOOD)
    assert errors(lab) == {"mmap failure": 1}, "each node counts it, and shows it under the same text"
    assert "rx-error" in lab.cli(f"show interface {NAME}")
    assert "tx-error" in lab.cli(f"show interface {NAME}")
    goes_on(lab, vm)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 25, 0xFFFFFFFF, SIZE])
def test_lengths_that_are_no_frame(lab: Lab, vm: FrontEnd, length: int) -> None:
    at = vm.memory.allocate(64)
    vm.vrings[1].queue.offer(Buffer(at, length))
    lab.engine.step()
    assert lab.output() == {}
    assert sum(errors(lab).values()) == 1
    assert len(vm.vrings[1].queue.used()) == 1
    goes_on(lab, vm)


def test_a_buffer_may_stretch_over_two_regions(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end(features=PLAIN)
    vm.memory.add(BASE, SIZE)
    vm.memory.add(BASE + SIZE, 1 << 16)
    vm.start()
    at = BASE + SIZE - 30
    vm.memory.write(at, bytes(12) + GOOD)
    vm.vrings[1].queue.offer(Buffer(at, 12 + len(GOOD)))
    lab.engine.step()
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [GOOD]
    chain = vm.vrings[0].queue.offer(Buffer(at, 100, True))
    lab.send(lab.ports[0], GOOD)
    assert vm.collect({chain: at})[0][1] == GOOD


def test_the_wrong_direction(lab: Lab, vm: FrontEnd) -> None:
    at = vm.memory.allocate(2048)
    vm.vrings[1].queue.offer(Buffer(at, 100, True))
    vm.vrings[0].queue.offer(Buffer(at, 2048))
    lab.send(lab.ports[0], GOOD)
    assert lab.output() == {}
    goes_on(lab, vm)


@pytest.mark.parametrize(
    ("length", "flags"),
    [(0, 0), (15, 0), (17, 0), (0xFFFFFFF0, 0), (16, NEXT)],
    ids=["empty", "short", "odd", "huge", "with a next"],
)
def test_indirect_tables_that_are_none(lab: Lab, vm: FrontEnd, length: int, flags: int) -> None:
    table = vm.memory.allocate(64, 16)
    vm.vrings[1].queue.offer(Buffer(table, length), Buffer(table, 16))
    poke(vm, 0, table, length, INDIRECT | flags)
    if not flags:
        end_chain(vm)
    lab.engine.step()
    assert lab.output() == {}
    assert sum(errors(lab).values()) == 1


def poke(vm: FrontEnd, slot: int, address: int, length: int, flags: int) -> None:
    """Overwrite a descriptor of the queue that the guest sends by, before the engine looks."""
    queue = vm.vrings[1].queue
    if vm.features & PACKED:
        queue.describe(slot, Buffer(address, length), flags | AVAIL, 1)
    else:
        queue.describe(slot, Buffer(address, length), flags, 1)


def end_chain(vm: FrontEnd) -> None:
    """The second descriptor belongs to nothing (in a packed ring it would be the next chain)."""
    if vm.features & PACKED:
        vm.vrings[1].queue.describe(1, Buffer(0, 0), 0, 0)


def test_a_table_in_a_table(lab: Lab, vm: FrontEnd) -> None:
    queue = vm.vrings[1].queue
    inner, outer = vm.memory.allocate(16, 16), vm.memory.allocate(16, 16)
    queue.describe(0, Buffer(inner, 16), INDIRECT, 0, table=outer)
    queue.offer(Buffer(outer, 16))
    poke(vm, 0, outer, 16, INDIRECT)
    lab.engine.step()
    assert lab.output() == {}
    assert errors(lab) == {"mmap failure": 1}


def test_a_chain_without_end(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end(features=PLAIN).start()
    queue = vm.vrings[1].queue
    at = vm.memory.allocate(64)
    queue.describe(0, Buffer(at, 1), NEXT, 1)
    queue.describe(1, Buffer(at, 1), NEXT, 0)
    queue._free.remove(0)
    queue._free.remove(1)
    queue.chains[0] = [0, 1]
    queue.publish(0)
    lab.engine.step()
    assert errors(lab) == {"mmap failure": 1}
    assert queue.used() == [(0, 0)]
    goes_on(lab, vm)


def test_a_packed_chain_without_end_stops_the_ring(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end("packed", features=PLAIN | PACKED).start()
    queue = vm.vrings[1].queue
    at = vm.memory.allocate(64)
    for slot in reversed(range(vm.size)):
        queue.describe(slot, Buffer(at, 1), NEXT | AVAIL, 0)
    lab.engine.step()
    assert errors(lab) == {"vring broken by the guest": 1}


@pytest.mark.parametrize("jump", [17, 1000, 0x8000, 0xFFFF])
def test_an_index_that_jumps_stops_the_ring_until_it_is_started_again(
    lab: Lab, front_end: Callable[..., FrontEnd], jump: int
) -> None:
    vm = front_end(features=PLAIN).start()
    vm.memory.put16(vm.vrings[1].queue.available + 2, jump)
    lab.engine.step()
    lab.engine.step()
    assert errors(lab) == {"vring broken by the guest": 1}
    lab.engine.advance(1)
    assert os.eventfd_read(vm.vrings[1].error) == 1
    assert "rests until it is started again" in lab.engine.messages[-1].getMessage()
    vm.memory.put16(vm.vrings[1].queue.available + 2, 0)
    vm.stop_vring(1)
    vm.start_vring(1)
    goes_on(lab, vm)


def test_a_head_that_is_no_descriptor_stops_the_ring(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end(features=PLAIN).start()
    vm.vrings[1].queue.publish(16)
    vm.vrings[0].queue.publish(0xFFFF)
    lab.send(lab.ports[0], GOOD)
    assert errors(lab) == {"vring broken by the guest": 1}
    assert "broken by the guest" in lab.cli("show vhost-user")


def test_a_next_that_is_no_descriptor(lab: Lab, front_end: Callable[..., FrontEnd]) -> None:
    vm = front_end(features=PLAIN).start()
    queue = vm.vrings[1].queue
    queue.describe(0, Buffer(vm.memory.allocate(64), 60), NEXT, 16)
    queue.publish(0)
    queue._free.remove(0)
    queue.chains[0] = [0]
    lab.engine.step()
    assert errors(lab) == {"mmap failure": 1}
    goes_on(lab, vm)


def test_memory_that_is_taken_away(lab: Lab, vm: FrontEnd) -> None:
    """A front end truncates the file of its memory while the engine works in it: the connection ends, nothing else."""
    vm.offer(4)
    vm.transmit(GOOD)
    assert len(lab.output()["pg0"]) == 1
    region = vm.memory.regions[0]
    os.ftruncate(region.fd, 0)
    lab.send(lab.ports[0], GOOD)
    lab.engine.step()
    lab.engine.advance(1)
    assert vm.closed
    assert "taken back memory" in lab.engine.messages[-1].getMessage()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_descriptors(lab: Lab, vm: FrontEnd, data: st.DataObject) -> None:
    """A ring full of anything: no access outside of the guest's memory (interpreted, that would be an exception)."""
    word = st.sampled_from([*EVIL_ADDRESSES, BASE, BASE + 64, BASE + 4096, BASE + SIZE - 1])
    length = st.sampled_from([0, 1, 12, 16, 32, 60, 4096, 65535, SIZE, 0xFFFFFFFF])
    flags = st.sampled_from([0, 1, 2, 3, 4, 5, 7])
    for index in (0, 1):
        vring = vm.vrings[index]
        for slot in range(vm.size):
            bits = data.draw(flags)
            if vm.features & PACKED:
                bits |= data.draw(st.sampled_from([0, AVAIL, USED, AVAIL | USED]))
            row = data.draw(word), data.draw(length), bits, data.draw(st.integers(0, 20))
            if vm.features & PACKED:
                row = row[0], row[1], row[3], row[2]
            vm.memory.write(vring.queue.descriptors + 16 * slot, struct.pack("<QIHH", *row))
        if not vm.features & PACKED:
            for slot in range(vm.size):
                vm.memory.put16(vring.queue.available + 4 + 2 * slot, data.draw(st.integers(0, 17)))
            vm.memory.put16(vring.queue.available + 2, data.draw(st.integers(0, 40)))
    lab.send(lab.ports[0], GOOD, GOOD)
    lab.engine.step()
    # As the front end does after a guest's reset.
    for index in (0, 1):
        vm.stop_vring(index)
        vm.start_vring(index)
