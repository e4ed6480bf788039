"""show vhost-user, in VPP's format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.features.interface.model import Interface
from weft.features.interface.placement import RxMode, RxQueues
from weft.features.vhost_user.bits import Feature, Protocol, names
from weft.features.vhost_user.chains import FAULT_TEXT, Fault
from weft.features.vhost_user.device import TIME, VhostUser, VhostUsers, of
from weft.features.vhost_user.ends import error_text
from weft.features.vhost_user.guest import SharedRegion
from weft.features.vhost_user.model import GuestMemory, Ring
from weft.features.vhost_user.ring import (
    AvailableRing,
    Event,
    EventSuppression,
    PackedRing,
    SplitTable,
    UsedRing,
)
from weft.features.vhost_user.vring import Vring
from weft.features.vlib.format import exponent

if TYPE_CHECKING:
    from weft.core.engine import Engine

REGION_WIDTHS = (6, 5, 18, 18, 18, 18, 18)


@command(
    "show vhost-user",
    "interfaces:[<interface>]* [descriptors] [verbose]",
    help="Show interfaces of virtual machines: sockets, features, memory, rings; descriptors: the rings' too",
)
def show_vhost_user(
    engine: Engine,
    interfaces: list[dict[str, Interface]] | None = None,
    descriptors: bool = False,
    verbose: bool = False,
) -> str:
    chosen = [of(each["interface"]) for each in interfaces or []] or list(engine[VhostUsers])
    lines = ["Virtio vhost-user interfaces", "Global:", *_globals(engine)]
    for vhost in chosen:
        lines += _interface(engine, vhost, descriptors, verbose)
    return "\n".join(lines)


def _globals(engine: Engine) -> Iterator[str]:
    everyone = list(engine[VhostUsers])
    queues = [queue for vhost in everyone for queue in engine[RxQueues].of(vhost.interface)]
    vhosts = engine[VhostUsers]
    # VPP's own printf has 1.000500e-3 for its default.
    time = "1.000500e-3" if vhosts.time == TIME else exponent(vhosts.time, 6)
    yield f"  coalesce frames {vhosts.frames} time {time}"
    yield f"  Number of rx virtqueues in interrupt mode: {sum(q.mode is not RxMode.POLLING for q in queues)}"
    yield f"  Number of GSO interfaces: {sum(vhost.wishes.gso for vhost in everyone)}"
    for thread in engine.workers.forwarding:
        polled = [queue for queue in queues if queue.thread == thread and queue.mode is RxMode.POLLING]
        if polled:
            yield f"  Thread {thread}: Polling queue count {len(polled)}"


def _interface(engine: Engine, vhost: VhostUser, descriptors: bool, verbose: bool) -> Iterator[str]:
    backend = vhost.backend
    yield f"Interface: {vhost.name} (ifindex {vhost.interface.hw_if_index})"
    yield f"  Number of qids {max(2, len(vhost.slots))}"
    if vhost.wishes.gso:
        yield "  GSO enable"
    if vhost.wishes.packed:
        yield "  Packed ring enable"
    if vhost.wishes.event_index:
        yield "  Event index enable"
    if vhost.mtu:
        yield f"  MTU of the guest {vhost.mtu}"
    yield f"virtio_net_hdr_sz {vhost.header_size}"
    yield f" features mask (0x{vhost.wishes.mask:x}):"
    yield f" features (0x{backend.features:x}):"
    yield from (f"   {name}" for name in names(Feature, backend.features))
    yield f"  protocol features (0x{backend.protocol:x})"
    yield from (f"   {name}" for name in names(Protocol, backend.protocol))
    yield ""
    kind = "server" if vhost.options.server else "client"
    yield f' socket filename {vhost.options.path} type {kind} errno "{error_text(vhost.end.error)}"'
    yield ""
    yield from _placement(engine, vhost)
    yield ""
    yield from _regions(backend.guest.regions)
    for _, vring in sorted(backend.vrings.items()):
        if vring.running:
            yield from _vring(vring, descriptors, verbose)
    yield ""


def _placement(engine: Engine, vhost: VhostUser) -> Iterator[str]:
    yield " rx placement:"
    for queue in engine[RxQueues].of(vhost.interface):
        yield f"   thread {queue.thread} on vring {2 * queue.number + 1}, {queue.mode.value}"
    yield " tx placement"
    ordered = sorted(vhost.sending, key=lambda vring: vring.index)
    threads = engine.workers.forwarding
    for place, vring in enumerate(ordered):
        mine = [thread for thread in threads if thread % len(ordered) == place]
        kind = "spin-lock" if len(mine) > 1 else "lock-free"
        yield f"   threads {', '.join(map(str, mine))} on vring {vring.index}: {kind}"


def _regions(regions: list[SharedRegion]) -> Iterator[str]:
    yield f" Memory regions (total {len(regions)})"
    if not regions:
        return
    heads = ("region", "fd", "guest_phys_addr", "memory_size", "userspace_addr", "mmap_offset", "mmap_addr")
    yield " " + " ".join(f"{head:<{width}}" for head, width in zip(heads, REGION_WIDTHS, strict=True)).rstrip()
    yield " " + " ".join("=" * width for width in REGION_WIDTHS)
    for number, region in enumerate(regions):
        said = region.said
        yield (
            f"  {number}     {region.fd:<5d} 0x{said.guest:016x} 0x{said.size:016x} 0x{said.user:016x} "
            f"0x{said.mmap_offset:016x} 0x{region.mapping.address:016x}"
        )


def _vring(vring: Vring, descriptors: bool, verbose: bool) -> Iterator[str]:
    row = vring.row
    yield ""
    yield f" Virtqueue {vring.index} ({'RX' if vring.to_guest else 'TX'})"
    if row.packed:
        events = EventSuppression(row.device)
        yield f"  qsz {row.entries} last_avail_idx {row.next} last_used_idx {row.next}"
        yield f"  last_avail_wrap_counter {row.wrap} used_wrap_counter {row.wrap}"
        yield f"  avail_event_off_wrap {events.place} avail_event.flags {events.flags}"
    else:
        available, used = AvailableRing(row.driver), UsedRing(row.device)
        yield f"  qsz {row.entries} last_avail_idx {row.next} last_used_idx {row.next}"
        line = f"  avail.flags {available.flags:x} avail.idx {available.index} used.flags {used.flags:x}"
        if row.event_index:
            line += (
                f" used_event {available.ring[row.entries]} avail_event {Event(used.ring[row.entries].address).index}"
            )
        yield f"{line} used.idx {used.index}"
    yield f"  kickfd {vring.kick} callfd {vring.call} errfd {vring.error}"
    if verbose:
        yield f"  packets {row.packets} interrupts {row.calls} waiting to be notified {bool(row.armed)}"
    if row.discard:
        yield "  disabled by the front end: what the guest sends is thrown away"
    if row.broken:
        yield f"  broken by the guest: {FAULT_TEXT[Fault(row.broken)]}"
    if descriptors:
        yield from _descriptors(row, verbose)


def _descriptors(row: Ring, verbose: bool) -> Iterator[str]:
    """The table. Who wants it short sees only what is in use."""
    yield ""
    yield "  descriptor table:"
    heads = ("id", "addr", "len", "flags", "next" if not row.packed else "id", "user_addr")
    widths = (5, 18, 10, 6, 5, 18)
    yield "  " + " ".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))
    yield "  " + " ".join("=" * width for width in widths)
    for slot, guest, length, flags, last in _rows(row):
        if guest or length or verbose:
            yield f"  {slot:<5} 0x{guest:016x} {length:<10} 0x{flags:04x} {last:<5} 0x{_host(row.memory, guest):016x}"


def _rows(row: Ring) -> Iterable[tuple[int, int, int, int, int]]:
    for slot in range(row.entries):
        if row.packed:
            packed = PackedRing(row.descriptors).rows[slot]
            yield slot, packed.guest & (1 << 64) - 1, packed.length, packed.flags, packed.id
        else:
            split = SplitTable(row.descriptors).rows[slot]
            yield slot, split.guest & (1 << 64) - 1, split.length, split.flags, split.next


def _host(memory: GuestMemory, guest: int) -> int:
    """Where a guest address is here; 0 if nowhere."""
    for i in range(memory.count):
        region = memory.regions[i]
        if 0 <= guest - region.guest < region.length:
            return region.host + guest - region.guest
    return 0
