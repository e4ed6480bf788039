"""The control side: AF_XDP ports by number, their sockets, and how they follow what Linux does to the interface."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weft.core import memory
from weft.core.buffer import INDEX_SHIFT, STRIDE, pool
from weft.core.model import Invalid, model
from weft.core.runtime import workers
from weft.features.af_xdp import bpf
from weft.features.af_xdp.model import MAX_DEVICES, MAX_SOCKETS, XdpSocket, devices, sockets
from weft.features.af_xdp.rx import lend, reclaim
from weft.features.af_xdp.socket import RINGS, Options, Promiscuous, XdpQueueSocket
from weft.features.interface.model import PROMISCUOUS, DeviceClass, Interface, Interfaces, rx_miss
from weft.features.interface.placement import RxQueues
from weft.features.tap.namespace import within
from weft.features.virtio.links import Link, Links
from weft.features.virtio.linux import random_mac, usable_name

if TYPE_CHECKING:
    from weft.core.engine import Engine

ALL = 65535  #: receive queues: all that the Linux interface has
MOST_QUEUES = 64
SMALLEST, LARGEST = 32, 32768  #: entries of a ring
LOOK_EVERY = 0.1  #: seconds between looks for news from Linux
COUNT_EVERY = 1.0


@dataclass
class XdpInterface:
    """An AF_XDP port's own side."""

    number: int
    linux: str  #: the name of the Linux interface
    namespace: str | None
    index: int  #: of the Linux interface; 0: it is gone
    interface: Interface
    options: Options
    links: Links
    promiscuous: Promiscuous
    attached: list[int]  #: descriptors of the map, the program, its attachment
    sockets: list[XdpQueueSocket]
    slots: range  #: the sockets' places among ``sockets``
    missed: list[int] = field(default_factory=list)


def _admin(engine: Engine, interface: Interface) -> None:
    engine[XdpInterfaces].set_admin(_own(interface))


def _delete(engine: Engine, interface: Interface) -> None:
    engine[XdpInterfaces].forget(_own(interface))


def _take_all(engine: Engine, interface: Interface) -> None:
    _own(interface).promiscuous.set(bool(interface.row.flags & PROMISCUOUS))


def _describe(engine: Engine, interface: Interface) -> str:
    xdp = _own(interface)
    lines = [f"Linux interface {xdp.linux}" + (f" in namespace {xdp.namespace}" if xdp.namespace else "")]
    for queue, (each, slot) in enumerate(zip(xdp.sockets, xdp.slots, strict=True)):
        row = sockets[slot]
        lines += [
            f"  queue {queue}: {'zero-copy' if each.zero_copy else 'copy'}, packets of up to {each.pieces} buffers",
            f"    rx size {xdp.options.rx_size}, {row.lent} buffers lent",
            f"    tx size {xdp.options.tx_size}, {row.sending} buffers on their way",
        ]
    return "\n".join(lines)


AF_XDP = DeviceClass("af_xdp", tx="af-xdp-tx", admin=_admin, delete=_delete, describe=_describe, promiscuous=_take_all)


@model
class XdpInterfaces:
    """All AF_XDP ports."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self.by_number: dict[int, XdpInterface] = {}
        self._watching = False

    def create(
        self,
        linux: str,
        *,
        name: str = "",
        options: Options | None = None,
        namespace: str | None = None,
        mac_of_linux: bool = False,
    ) -> Interface:
        """A port on the Linux interface ``linux`` of a network namespace (None: the engine's own). ``name``: ours, else
        ``LINUX/NUMBER``. ``mac_of_linux``: our side has its address too, not one of its own.
        """
        options = options or Options()
        number = self._check(linux, options)
        if name:
            self._interfaces.check_name(name)
        name = name or f"{linux}/{number}"
        if name in self._interfaces.by_name:
            raise Invalid(f"interface {name} already exists", "IF_ALREADY_EXISTS")
        try:
            return within(namespace, lambda: self._create(number, linux, name, options, namespace, mac_of_linux))
        except OSError as error:
            where = f" in namespace {namespace}" if namespace else ""
            raise Invalid(f"cannot open `{linux}'{where}: {error.strerror}", "SYSCALL_ERROR_1") from error

    def _check(self, linux: str, options: Options) -> int:
        """A free number."""
        if not usable_name(linux):
            raise Invalid(f"Linux has no interface `{linux}'", "INVALID_INTERFACE")
        if options.queues != ALL and not 1 <= options.queues <= MOST_QUEUES:
            raise Invalid(f"an interface has 1 to {MOST_QUEUES} receive queues, or all, not {options.queues}")
        for size in (options.rx_size, options.tx_size):
            if not SMALLEST <= size <= LARGEST or size & (size - 1):
                raise Invalid(f"a ring has {SMALLEST} to {LARGEST} entries, a power of two, not {size}")
        number = next((each for each in range(MAX_DEVICES) if each not in self.by_number), -1)
        if number < 0:
            raise Invalid(f"there are {MAX_DEVICES} AF_XDP interfaces already")
        return number

    def _create(
        self, number: int, linux: str, name: str, options: Options, namespace: str | None, mac_of_linux: bool
    ) -> Interface:
        """In the namespace."""
        links = Links()
        promiscuous: Promiscuous | None = None
        opened: list[XdpQueueSocket] = []
        attached: list[int] = []
        try:
            link = links.find(linux)
            if link is None:
                raise Invalid(f"Linux has no interface `{linux}' there", "INVALID_INTERFACE")
            promiscuous = Promiscuous(link.index)
            self._open(link, options, opened, attached)
            slots = self._free_slots(len(opened))
            interface = self._interfaces.add(
                name, AF_XDP, mac=_mac_of(linux) if mac_of_linux else random_mac(), mtu=link.mtu, number=number
            )
        except BaseException:
            _close(opened, attached)
            if promiscuous is not None:
                promiscuous.close()
            links.close()
            raise
        xdp = XdpInterface(
            number, linux, namespace, link.index, interface, options, links, promiscuous, attached, opened, slots
        )
        xdp.missed = [0] * len(opened)
        interface.private = xdp
        self.by_number[number] = xdp
        for queue in range(len(opened)):
            self._start(xdp, queue)
        devices[number].first, devices[number].count = slots.start, len(slots)
        self._follow(xdp)
        self._watch()
        return interface

    def _watch(self) -> None:
        """Look after the interfaces, from the first one on."""
        if not self._watching:
            self._watching = True
            self._engine.timers.every(LOOK_EVERY, self._look)
            self._engine.timers.every(COUNT_EVERY, self._count)

    def _open(self, link: Link, options: Options, opened: list[XdpQueueSocket], attached: list[int]) -> None:
        """A socket for each queue, and the program that leads to them."""
        buffers = self._engine.arena.buffers.size
        wanted = MOST_QUEUES if options.queues == ALL else options.queues
        attached.append(bpf.socket_map(wanted))
        for queue in range(wanted):
            shared = opened[0].fd if opened else None
            try:
                opened.append(XdpQueueSocket(link.index, queue, buffers, options, shared))
            except OSError:
                if queue and options.queues == ALL:  # there are no more
                    break
                raise
            bpf.enter(attached[0], queue, opened[-1].fd)
        attached.append(bpf.program(attached[0]))
        attached.append(bpf.attach(attached[1], link.index))

    def _free_slots(self, count: int) -> range:
        """So many free places beside one another."""
        used = {slot for each in self.by_number.values() for slot in each.slots}
        for start in range(MAX_SOCKETS - count + 1):
            if not used & set(range(start, start + count)):
                return range(start, start + count)
        raise Invalid(f"there are {MAX_SOCKETS} AF_XDP sockets already")

    def _start(self, xdp: XdpInterface, queue: int) -> None:
        """Let a worker read a queue's socket, which has buffers to receive into."""
        each, slot = xdp.sockets[queue], xdp.slots[queue]
        row: XdpSocket = sockets[slot]
        memory.fill(row.address, 0, XdpSocket.size)
        row.fd, row.sw_if_index, row.number, row.pieces = each.fd, xdp.interface.sw_if_index, slot, each.pieces
        for name in RINGS:
            each.describe(name, getattr(row, name))
        self._engine.call(lend, workers[0].cache, row)
        self._engine[RxQueues].add(xdp.interface, "af-xdp-input", row.address, number=queue, fd=each.fd)

    # --- what happens to it

    def delete(self, interface: Interface) -> None:
        """Remove a port; the Linux interface has its frames to itself again."""
        if interface.sup is not None or not isinstance(interface.private, XdpInterface):
            raise Invalid(f"{interface.name} is no AF_XDP interface", "INVALID_INTERFACE")
        self._interfaces.remove(interface)

    def forget(self, xdp: XdpInterface) -> None:
        """The interface goes, and its queues have gone: close what it has, and take its buffers back."""
        devices[xdp.number].count = 0
        self._engine.workers.quiesce()
        _close(xdp.sockets, xdp.attached)
        for slot in xdp.slots:
            self._engine.call(reclaim, workers[0].cache, slot, STRIDE >> INDEX_SHIFT, pool.total)
        xdp.promiscuous.close()
        xdp.links.close()
        del self.by_number[xdp.number]

    def set_admin(self, xdp: XdpInterface) -> None:
        """The Linux interface goes up and down with ours."""
        try:
            xdp.links.set_up(xdp.linux, xdp.interface.admin_up)
        except OSError as error:
            if xdp.interface.admin_up:
                raise Invalid(f"cannot bring `{xdp.linux}' up in Linux: {error.strerror}", "SYSCALL_ERROR_1") from error
        self._follow(xdp)

    def _look(self) -> None:
        for xdp in self.by_number.values():
            if xdp.links.changed():
                self._follow(xdp)

    def _follow(self, xdp: XdpInterface) -> None:
        """Take over the state that the interface has in Linux now."""
        link = xdp.links.find(xdp.linux)
        if xdp.index and (link is None or link.index != xdp.index):
            xdp.index = 0
            self._engine.log.warning(
                "%s: the Linux interface %s is gone; delete this one and make it again", xdp.interface.name, xdp.linux
            )
        self._interfaces.set_link(xdp.interface, bool(xdp.index) and link is not None and link.carrier)

    def _count(self) -> None:
        """What only the kernel counts; and whoever ran out of buffers tries again."""
        for xdp in self.by_number.values():
            for queue, each in enumerate(xdp.sockets):
                with suppress(OSError):
                    missed = each.missed()
                    if missed > xdp.missed[queue]:
                        rx_miss.add(workers[0], xdp.interface.sw_if_index, missed - xdp.missed[queue])
                    xdp.missed[queue] = missed
            if any(sockets[slot].lent == 0 for slot in xdp.slots):
                for rx_queue in self._engine[RxQueues].of(xdp.interface):
                    self._engine.workers.wake(rx_queue.thread)

    def close(self) -> None:
        for xdp in self.by_number.values():
            _close(xdp.sockets, xdp.attached)
            xdp.promiscuous.close()
            xdp.links.close()
        self.by_number.clear()


def _own(interface: Interface) -> XdpInterface:
    assert isinstance(interface.private, XdpInterface)
    return interface.private


def _mac_of(linux: str) -> int:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as packet:
        packet.bind((linux, 0))
        return int.from_bytes(packet.getsockname()[4][:6], "little")


def _close(opened: list[XdpQueueSocket], attached: list[int]) -> None:
    for descriptor in reversed(attached):
        os.close(descriptor)
    attached.clear()
    for each in opened:
        each.close()
