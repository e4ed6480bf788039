"""What a front end may ask: features, memory, rings that move, the in-flight record, the log, ..."""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import (
    CSUM,
    EVENT_IDX,
    GUEST_CSUM,
    GUEST_TSO4,
    LOG_ALL,
    MQ,
    MRG_RXBUF,
    MTU,
    NEED_REPLY,
    P_INFLIGHT,
    P_LOG,
    P_MTU,
    P_RARP,
    P_REPLY_ACK,
    P_RESET,
    P_SLOTS,
    P_STATUS,
    PACKED,
    PLAIN,
    PROTOCOL_FEATURES,
    VERSION,
    FrontEnd,
)
from tests.vhost_user.guest import PackedQueue, SplitQueue

from weft.core.arena import HUGE_PAGE, free_huge_pages

GOOD = bytes(Ether(src="52:54:00:00:00:01", dst="52:54:00:00:00:02", type=0x9000)).ljust(60, b"g")
Make = Callable[..., FrontEnd]


def log(lab: Lab) -> str:
    return "\n".join(record.getMessage() for record in lab.engine.messages)


def passes(lab: Lab, vm: FrontEnd, mark: bytes = b"") -> None:
    """Packets go both ways."""
    frame = GOOD[:-8] + mark.ljust(8, b".")
    vm.transmit(frame)
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [frame]
    vm.vrings[1].queue.used()
    offered = vm.offer(1)
    lab.send(lab.ports[0], frame)
    assert [data for _, data in vm.collect(offered)] == [frame]


@pytest.mark.parametrize(
    ("options", "offered", "not_offered"),
    [
        ("", MRG_RXBUF | MQ | MTU | LOG_ALL, CSUM | GUEST_CSUM | GUEST_TSO4 | PACKED | EVENT_IDX),
        ("gso", CSUM | GUEST_CSUM | GUEST_TSO4, PACKED | EVENT_IDX),
        ("packed event-idx", PACKED | EVENT_IDX, CSUM),
        ("disable_mrg_rxbuf disable_indirect_desc", MQ, MRG_RXBUF | 1 << 28),
        ("feature-mask 0x100000000", 1 << 32, 0xFFFFFFFF),
    ],
)
def test_features_as_asked_for(front_end: Make, options: str, offered: int, not_offered: int) -> None:
    got = front_end(options).connect().number("GET_FEATURES")
    assert got & offered == offered
    assert got & not_offered == 0


def test_features_that_were_not_offered_end_the_connection(front_end: Make) -> None:
    vm = front_end().connect()
    vm.set("SET_FEATURES", CSUM)
    assert vm.closed


@pytest.mark.parametrize(("features", "said"), [(PROTOCOL_FEATURES, True), (PLAIN, False), (MRG_RXBUF, False)])
def test_who_agrees_to_nothing_is_named(lab: Lab, front_end: Make, features: int, said: bool) -> None:
    """QEMU 7.2 says that of a driver that came up while there was no engine; then headers have another length."""
    vm = front_end(features=features).start()
    passes(lab, vm)
    assert (f"{NAME}: the front end says that the guest's driver has agreed to no feature" in log(lab)) == said


def test_requests_are_acknowledged_if_the_front_end_wants(front_end: Make) -> None:
    vm = front_end(protocol=P_REPLY_ACK).start()
    vm.flags = VERSION | NEED_REPLY
    assert vm.number("SET_VRING_ENABLE", struct.pack("<II", 0, 1)) == 0
    vm.send(99)
    assert struct.unpack("<Q", vm.receive()[1]) == (1,), "what is unknown is refused"
    table = struct.pack("<IIQQQQ", 1, 0, 0x100000, 1 << 40, 1 << 20, 0)
    assert struct.unpack("<Q", vm.ask("SET_MEM_TABLE", table, (vm.memory.regions[0].fd,))) == (1,), (
        "the file is smaller"
    )
    assert not vm.closed


def test_rings_move_and_stop_and_start(lab: Lab, front_end: Make) -> None:
    vm = front_end().start()
    passes(lab, vm, b"before")
    for index in (0, 1):
        at = vm.stop_vring(index)
        assert at == 1
        queue = vm.vrings[index].queue
        moved = SplitQueue(vm.memory, vm.size, position=at, seen=at)
        vm.memory.put16(moved.available + 2, at)
        vm.memory.put16(moved.device + 2, at)
        vm.vrings[index].queue = moved
        assert queue.descriptors != moved.descriptors
        vm.start_vring(index, base=at)
    passes(lab, vm, b"after")
    assert vm.stop_vring(1) == 2


@pytest.mark.parametrize("features", [PLAIN, PLAIN | PACKED], ids=["split", "packed"])
def test_what_is_sent_by_a_disabled_ring_is_thrown_away(lab: Lab, front_end: Make, features: int) -> None:
    """vhost-user.rst, "Ring states": started but disabled, the back end must process and discard what is sent, and must
    not supply any packets to be received.
    """
    vm = front_end("packed", features=features).start()
    passes(lab, vm, b"before")
    sent, received = vm.vrings[1].queue, vm.vrings[0].queue
    for index in (0, 1):
        vm.state("SET_VRING_ENABLE", index, 0)
    vm.transmit(*[GOOD] * 3)
    assert lab.output() == {}
    assert len(sent.used()) == 3, "the guest has its buffers back"
    offered = vm.offer(1)
    lab.send(lab.ports[0], GOOD)
    assert received.used() == []
    assert "down" in lab.cli(f"show hardware-interfaces {NAME}").splitlines()[1]
    assert "disabled by the front end" in lab.cli(f"show vhost-user {NAME}")
    for index in (0, 1):
        vm.state("SET_VRING_ENABLE", index, 1)
    lab.engine.step()
    assert lab.output() == {}
    lab.send(lab.ports[0], GOOD)
    assert [data for _, data in vm.collect(offered)] == [GOOD]
    passes(lab, vm, b"after")
    assert vm.stop_vring(1) & 0x7FFF == 5


def test_a_ring_that_was_never_enabled_starts_when_it_is_notified_of(lab: Lab, front_end: Make) -> None:
    """It rests until then; and it may yet be enabled, before anything is lost."""
    vm = front_end().start()
    for index in (2, 3):
        vm.start_vring(index, enable=False)
    sent = vm.vrings[3].queue
    vm.transmit(GOOD, pair=1)
    lab.engine.advance(5)
    assert sent.used() == []
    os.eventfd_write(vm.vrings[3].kick, 1)
    vm.state("SET_VRING_ENABLE", 3, 1)
    lab.engine.step()
    assert [bytes(packet) for packet in lab.output()["pg0"]] == [GOOD]
    vm.stop_vring(3)
    sent.used()
    vm.state("SET_VRING_ENABLE", 3, 0)
    vm.start_vring(3, base=1, enable=False)
    vm.transmit(GOOD, pair=1)
    lab.engine.advance(5)
    lab.engine.step()
    assert lab.output() == {}
    assert len(sent.used()) == 1, "the guest has its buffer back"
    passes(lab, vm)


def test_memory_changes_under_running_rings(lab: Lab, front_end: Make) -> None:
    """Another table, with the same memory and one region more, as when memory is plugged in."""
    vm = front_end().start()
    passes(lab, vm)
    vm.memory.add(0x4000000, 1 << 16, offset=8192)
    vm.share()
    passes(lab, vm)
    assert "Memory regions (total 2)" in lab.cli("show vhost-user")


def a_file() -> int:
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        return os.dup(file.fileno())


def of_huge_pages() -> int:
    return os.memfd_create("guest", os.MFD_CLOEXEC | os.MFD_HUGETLB)


@pytest.fixture
def huge_pages() -> Iterator[None]:
    """A few are set aside while a test runs, where the machine has none."""
    setting = Path("/proc/sys/vm/nr_hugepages")
    before = int(setting.read_text())
    if free_huge_pages() < 4 and os.access(setting, os.W_OK):
        setting.write_text(str(before + 4))
    if free_huge_pages() < 4:
        pytest.skip("the machine has no huge pages to set aside (vm.nr_hugepages)")
    yield
    if int(setting.read_text()) != before:
        setting.write_text(str(before))


@pytest.mark.parametrize(
    ("make", "offset"), [(a_file, 0), (a_file, 12288), (of_huge_pages, 0), (of_huge_pages, HUGE_PAGE)]
)
def test_memory_of_other_files(
    request: pytest.FixtureRequest, lab: Lab, front_end: Make, make: Callable[[], int], offset: int
) -> None:
    if make is of_huge_pages:
        request.getfixturevalue("huge_pages")
    vm = front_end(features=PLAIN)
    vm.memory.add(0x200000, HUGE_PAGE, fd=make(), offset=offset)
    passes(lab, vm.start())
    vm.share()
    passes(lab, vm)


def test_memory_comes_and_goes_by_slots(lab: Lab, front_end: Make) -> None:
    vm = front_end(protocol=P_SLOTS).start()
    assert vm.number("GET_MAX_MEM_SLOTS") >= 8
    region = vm.memory.add(0x4000000, 1 << 16)
    payload = struct.pack("<QQQQQ", 0, region.guest, region.size, region.user, 0)
    vm.send("ADD_MEM_REG", payload, (region.fd,))
    assert "Memory regions (total 2)" in lab.cli("show vhost-user")
    vm.send("REM_MEM_REG", payload)
    assert "Memory regions (total 1)" in lab.cli("show vhost-user")
    passes(lab, vm)
    vm.send("REM_MEM_REG", payload)
    assert vm.closed, "it shares no such region"


@pytest.mark.parametrize(
    ("guest", "user", "size"),
    [(0x180000, 1, 1 << 20), (0x4000000, 0x7F00_0010_0000, 1 << 20), (1 << 62, 1, 4096), ((1 << 64) - 4096, 1, 8192)],
    ids=["guest addresses overlap", "front end's addresses overlap", "too high", "wraps"],
)
def test_impossible_regions_end_the_connection(front_end: Make, guest: int, user: int, size: int) -> None:
    vm = front_end(protocol=P_SLOTS).start()
    vm.send("ADD_MEM_REG", struct.pack("<QQQQQ", 0, guest, size, user, 0), (vm.memory.regions[0].fd,))
    assert vm.closed


def test_a_pipe_is_no_eventfd(front_end: Make) -> None:
    vm = front_end().start()
    read, write = os.pipe()
    vm.send("SET_VRING_CALL", struct.pack("<Q", 0), (write,))
    os.close(read)
    os.close(write)
    assert vm.closed


def test_several_pairs_of_rings(lab: Lab, front_end: Make) -> None:
    vm = front_end(features=PLAIN | MQ, protocol=1).start(pairs=3)
    assert vm.number("GET_QUEUE_NUM") >= 3
    for pair in range(3):
        vm.transmit(GOOD, pair=pair)
    assert len(lab.output()["pg0"]) == 3
    assert lab.cli("show interface rx-placement").count(NAME) == 3


@pytest.mark.parametrize("features", [PLAIN, PLAIN | PACKED], ids=["split", "packed"])
def test_interrupts_are_sent_as_the_guest_wants(lab: Lab, front_end: Make, features: int) -> None:
    vm = front_end("packed", features=features).start()
    vm.offer(8)
    lab.send(lab.ports[0], GOOD)
    assert vm.vrings[0].interrupted() == 1
    vm.vrings[0].queue.interrupts(False)
    lab.send(lab.ports[0], GOOD)
    assert vm.vrings[0].interrupted() == 0


def test_with_event_indices_an_interrupt_comes_when_the_index_is_passed(lab: Lab, front_end: Make) -> None:
    vm = front_end("event-idx", features=PLAIN | EVENT_IDX).start()
    vm.offer(8)
    vm.vrings[0].queue.interrupt_at(2)  # wanted with the third
    got = []
    for _ in range(4):
        lab.send(lab.ports[0], GOOD)
        got.append(vm.vrings[0].interrupted())
    assert got == [0, 0, 1, 0]


def test_an_idle_ring_asks_to_be_notified(lab: Lab, front_end: Make) -> None:
    vm = front_end().start()
    for _ in range(300):
        lab.engine.workers.step()
    queue = vm.vrings[1].queue
    assert queue.notify
    vm.transmit(GOOD)
    assert not queue.notify, "while packets come, the engine looks by itself"


def test_announcement(lab: Lab, front_end: Make) -> None:
    """SEND_RARP: the guest has moved here; its address is to be learned from a RARP request (RFC 903)."""
    vm = front_end(protocol=P_RARP).start()
    vm.set("SEND_RARP", int.from_bytes(bytes.fromhex("525400000001"), "little"))
    [packet] = lab.output()["pg0"]
    assert (packet.src, packet.dst, packet.type) == ("52:54:00:00:00:01", "ff:ff:ff:ff:ff:ff", 0x8035)


def test_mtu(lab: Lab, front_end: Make) -> None:
    vm = front_end(protocol=P_MTU | P_REPLY_ACK, features=PLAIN | MTU).start()
    vm.flags = VERSION | NEED_REPLY
    assert vm.number("NET_SET_MTU", struct.pack("<Q", 1400)) == 0
    assert "1400/0/0/0" in lab.cli(f"show interface {NAME}")
    assert vm.number("NET_SET_MTU", struct.pack("<Q", 20)) == 1
    assert "1400/0/0/0" in lab.cli(f"show interface {NAME}")


def test_status_and_reset(lab: Lab, front_end: Make) -> None:
    vm = front_end(protocol=P_STATUS | P_RESET).start()
    vm.set("SET_STATUS", 0xF)
    assert vm.number("GET_STATUS") == 0xF
    vm.send("RESET_DEVICE")
    assert vm.number("GET_STATUS") == 0
    vm.transmit(GOOD)
    assert lab.output() == {}


def inflight(vm: FrontEnd, number: int, packed: bool) -> tuple[bytes, int]:
    """The record that the engine makes: how it describes it, and its descriptor."""
    vm.send("GET_INFLIGHT_FD", struct.pack("<QQHH4x", 0, 0, number, vm.size))
    _, payload, [fd] = vm.receive()
    size, offset, queues, entries = struct.unpack("<QQHH4x", payload)
    assert (offset, queues, entries) == (0, number, vm.size)
    # vhost-user.rst, QueueRegionSplit and QueueRegionPacked: 16 or 32 bytes for each descriptor.
    assert size >= number * vm.size * (32 if packed else 16)
    return payload, fd


@pytest.mark.parametrize("packed", [False, True], ids=["split", "packed"])
def test_a_killed_engine_goes_on_where_the_record_says(lab: Lab, front_end: Make, packed: bool) -> None:
    """The connection is lost without GET_VRING_BASE; the next one starts with the record, and a base that is old."""
    features = PLAIN | (PACKED if packed else 0)
    vm = front_end("packed", features=features, protocol=P_INFLIGHT).connect()
    vm.negotiate()
    vm.memory.add(0x100000, 2 << 20)
    vm.share()
    payload, fd = inflight(vm, 2, packed)
    vm.send("SET_INFLIGHT_FD", payload, (fd,))
    for index in (0, 1):
        vm.start_vring(index)
    for n in range(5):
        passes(lab, vm, b"%d" % n)
    vm.socket.close()
    lab.engine.step()
    again = front_end(features=features, protocol=P_INFLIGHT)
    again.memory, again.vrings = vm.memory, vm.vrings
    again.connect()
    again.negotiate()
    again.share()
    again.send("SET_INFLIGHT_FD", payload, (fd,))
    os.close(fd)
    for index in (0, 1):
        again.start_vring(index)
    assert lab.output() == {}, "nothing is taken twice"
    for n in range(20):
        passes(lab, again, b"again %d" % n)
    vm.vrings, vm.memory = {}, type(vm.memory)()


def logged(log: mmap.mmap) -> set[int]:
    """The pages that are marked in a log, which begins anew."""
    pages = {n for n in range(len(log) * 8) if log[n // 8] >> n % 8 & 1}
    log[:] = bytes(len(log))
    return pages


@pytest.mark.parametrize("packed", [False, True], ids=["split", "packed"])
def test_what_is_written_to_the_guest_is_logged(lab: Lab, front_end: Make, packed: bool) -> None:
    """Live migration: a bit for each page of 4096 bytes that changes, while the front end wants to know."""
    features = PLAIN | (PACKED if packed else 0)
    vm = front_end("packed" if packed else "", features=features, protocol=P_LOG).start()
    fd = os.memfd_create("log")
    os.ftruncate(fd, 4096)

    def received(size: int) -> set[int]:
        """The pages in which the guest receives a frame of that size, and its ring's, where chains are given back."""
        [(chain, at)] = vm.offer(1, room=8192).items()
        lab.send(lab.ports[0], GOOD.ljust(size, b"g"))
        assert vm.vrings[0].queue.used() == [(chain, 12 + size)]
        ring = vm.vrings[0].queue
        return set(range(at >> 12, (at + 12 + size - 1 >> 12) + 1)) | {
            (ring.descriptors if packed else ring.device) >> 12
        }

    with mmap.mmap(fd, 4096) as log:
        received(4200)
        vm.ask("SET_LOG_BASE", struct.pack("<QQ", 4096, 0), (fd,))
        assert logged(log) == set(), "it has a log, and does not want to know yet"
        vm.set("SET_FEATURES", features | LOG_ALL)
        vm.place_vring(0, flags=1)
        vm.place_vring(1, flags=1)
        for size in (60, 4200, 60, 4200):
            pages = received(size)
            assert logged(log) == pages
        vm.transmit(GOOD)
        ring = vm.vrings[1].queue
        assert logged(log) == {(ring.descriptors if packed else ring.device) >> 12}, "what it sends is not written to"
        lab.output()
        vm.set("SET_FEATURES", features)
        for index in (0, 1):
            vm.place_vring(index)
        received(4200)
        assert logged(log) == set()
    os.close(fd)


@pytest.mark.parametrize("kind", [SplitQueue, PackedQueue])
def test_show_descriptors(lab: Lab, front_end: Make, kind: type) -> None:
    packed = kind is PackedQueue
    vm = front_end("packed", features=PLAIN | (PACKED if packed else 0)).start()
    [at] = vm.offer(1).values()
    text = lab.cli(f"show vhost-user {NAME} descriptors")
    assert f"0x{at:016x} 2048" in text
    assert "Virtqueue 0 (RX)" in text
    assert "Virtqueue 1 (TX)" in text
    assert "VIRTIO_F_VERSION_1 (32)" in text
    assert ("VIRTIO_F_RING_PACKED (34)" in text) == packed
