"""vhost-user-input takes what guests send; VirtualEthernet0/0/N-tx is in ``tx.py``."""

from __future__ import annotations

from weft.core.buffer import DATA_SIZE, NEXT_PRESENT, allocate, buffer_at, free, lock, reset, unlock
from weft.core.memory import atomic_load, copy
from weft.core.node import Errors, Kind, Nexts, inline, node, routine
from weft.core.runtime import FRAME_SIZE, NodeRuntime
from weft.core.trace import Entry
from weft.core.worker import allocate_packet
from weft.features.interface.model import ADMIN_UP, Interfaces, rx_error, rx_no_buf, sw_interfaces
from weft.features.interface.nodes import receive
from weft.features.vhost_user import tx as tx
from weft.features.vhost_user.chains import (
    BAD,
    EMPTY,
    STOPPED,
    arm,
    begin,
    begin_packet,
    commit,
    disarm,
    fetch,
    give_back,
)
from weft.features.vhost_user.memory import pull, rewind
from weft.features.vhost_user.model import MAX_FRAME, Area, Ring, areas
from weft.features.vhost_user.notify import LOCK, owe
from weft.features.vhost_user.single import look, use
from weft.features.virtio.model import HEADER_SIZE, VirtioNetHeader
from weft.features.virtio.nodes import take_offload

#: Empty looks at a ring before the guest is asked to notify us. A thread looks more often than that before it sleeps.
IDLE_LOOKS = 256
SMALLEST = 14  #: bytes of a frame


class InputError(Errors, of="vhost-user-input"):
    NO_BUFFER = "no available buffer"
    MMAP_FAIL = "mmap failure"
    UNDERSIZED = "undersized ethernet frame received (< 14 bytes)"
    OVERSIZED = "oversized ethernet frame received"
    BAD_HEADER = "bad virtio header"
    BROKEN = "vring broken by the guest"


class InputNext(Nexts):
    ETHERNET = "ethernet-input"
    DROP = "error-drop"


def _trace_input(entry: Entry) -> str:
    pkt = entry.buffer
    interface = entry.engine[Interfaces].by_index.get(pkt.rx_sw_if_index)
    header = VirtioNetHeader(entry.data - HEADER_SIZE)
    return (
        f"{interface.name if interface else 'unknown'} len {pkt.total_length}\n"
        f"  virtio_net_hdr: flags 0x{header.flags:02x} gso_type 0x{header.gso_type:02x} hdr_len {header.hdr_len} "
        f"gso_size {header.gso_size} csum_start {header.csum_start} csum_offset {header.csum_offset}"
    )


@node("vhost-user-input", kind=Kind.INPUT, next=InputNext, trace=_trace_input)
def vhost_user_input(rt: NodeRuntime, address: int) -> int:
    """What a guest has sent by a ring. It is copied into buffers, and the guest has its memory back at once."""
    ring = Ring(address)
    if atomic_load(address) == 0 or ring.broken:  # ``running``
        return 0
    worker = rt.worker
    area = areas[worker.index]
    up = sw_interfaces[ring.sw_if_index].flags & ADMIN_UP
    if ring.discard:
        up = 0
    count = 0
    octets = 0
    taken = 0
    begin(ring, area)
    while taken < FRAME_SIZE:
        host = look(ring, area, 0)
        length = area.length - ring.header
        if host and up and length >= SMALLEST and length <= DATA_SIZE:
            index = take_single(rt, ring, area, host, length)
            use(ring, area, 0)
            taken += 1
            if index:
                worker.spare[count] = index
                count += 1
                octets += length
            continue
        begin_packet(area)
        found = fetch(ring, area, 0)
        if found == EMPTY:
            break
        if found == STOPPED:
            rt.count(InputError.BROKEN, 1)
            rx_error.add(worker, ring.sw_if_index, 1)
            break
        taken += 1
        index = 0
        if found == BAD:
            lose(rt, ring, InputError.MMAP_FAIL)
        elif up:
            index = take(rt, ring, area)
        give_back(ring, area, area.chains[0], 0)
        if index:
            worker.spare[count] = index
            count += 1
            octets += buffer_at(index).total_length
    if taken == 0:
        rest(ring)
        return 0
    ring.idle = 0
    if ring.armed:
        disarm(ring)
    ring.packets = ring.packets + taken
    if commit(ring, area):
        lock(address + LOCK)  # the thread that had the ring before may still look after it
        owe(rt, ring, area, taken)
        unlock(address + LOCK)
    receive(rt, worker.spare.address, count, ring.sw_if_index, octets, InputNext.ETHERNET)
    return taken


@inline
def rest(ring: Ring) -> None:
    """There was nothing: after a while, ask to be notified."""
    ring.idle = ring.idle + 1
    if ring.armed == 0 and ring.idle >= IDLE_LOOKS and ring.polling == 0:
        arm(ring)


@routine
def lose(rt: NodeRuntime, ring: Ring, error: int) -> int:
    """Count a packet that cannot be taken."""
    rt.count(error, 1)
    rx_error.add(rt.worker, ring.sw_if_index, 1)
    return 0


@routine
def take(rt: NodeRuntime, ring: Ring, area: Area) -> int:
    """Make a packet of what was collected: its index, 0 if it is lost."""
    length = area.length - ring.header
    if length < SMALLEST:
        return lose(rt, ring, InputError.UNDERSIZED)
    if length > MAX_FRAME:
        return lose(rt, ring, InputError.OVERSIZED)
    index = allocate_packet(rt.worker.cache, length)
    if index == 0:
        return lack(rt, ring)
    pkt = buffer_at(index)
    pkt.rx_sw_if_index = ring.sw_if_index
    rewind(area)
    pull(area, area.header.address, ring.header)
    piece = pkt
    while True:
        pull(area, piece.data, piece.current_length)
        if piece.flags & NEXT_PRESENT == 0:
            break
        piece = buffer_at(piece.next_buffer)
    return adopt(rt, ring, area, index)


@inline
def take_single(rt: NodeRuntime, ring: Ring, area: Area, host: int, length: int) -> int:
    """The same of ``length`` bytes, which one buffer holds, behind a header at ``host``."""
    index = allocate(rt.worker.cache)
    if index == 0:
        return lack(rt, ring)
    pkt = buffer_at(index)
    reset(pkt, length, ring.sw_if_index)
    copy(pkt.data, host + ring.header, length)
    if ring.offloads or rt.worker.tracing:
        copy(area.header.address, host, ring.header)
        return adopt(rt, ring, area, index)
    return index


@routine
def lack(rt: NodeRuntime, ring: Ring) -> int:
    """Count a packet for which there is no buffer."""
    rt.count(InputError.NO_BUFFER, 1)
    rx_no_buf.add(rt.worker, ring.sw_if_index, 1)
    return 0


@routine
def adopt(rt: NodeRuntime, ring: Ring, area: Area, index: int) -> int:
    """Do what the header says of a packet that was copied: its index, 0 if it is lost."""
    pkt = buffer_at(index)
    header = VirtioNetHeader(area.header.address)
    kept = VirtioNetHeader(pkt.data - HEADER_SIZE)
    if rt.worker.tracing:
        kept.flags, kept.gso_type, kept.hdr_len = header.flags, header.gso_type, header.hdr_len
        kept.gso_size, kept.csum_start, kept.csum_offset = header.gso_size, header.csum_start, header.csum_offset
    if ring.offloads and (header.flags or header.gso_type) and take_offload(pkt, header, 0) == 0:
        free(rt.worker.cache, index)
        return lose(rt, ring, InputError.BAD_HEADER)
    return index
