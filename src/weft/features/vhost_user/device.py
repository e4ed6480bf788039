"""The control side: vhost-user interfaces by number."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import memory
from weft.core.model import Invalid, model
from weft.core.runtime import Queue, threads_in_use
from weft.features.interface.model import (
    ADMIN_UP,
    CHECKSUM_OFFLOAD,
    GSO,
    GSO_TCP_ONLY,
    DeviceClass,
    Interface,
    Interfaces,
)
from weft.features.interface.placement import RxQueues
from weft.features.vhost_user.backend import Backend
from weft.features.vhost_user.bits import TO_GUEST, Feature, Wishes
from weft.features.vhost_user.chains import FAULT_TEXT, Fault
from weft.features.vhost_user.ends import Client, End, Server, check_path
from weft.features.vhost_user.greeting import greet
from weft.features.vhost_user.mapping import Mappings
from weft.features.vhost_user.messages import Failed
from weft.features.vhost_user.model import (
    MAX_DEVICES,
    MAX_RINGS,
    Device,
    GuestMemory,
    Ring,
    areas,
    coalescing,
    devices,
    memories,
    rings,
)
from weft.features.vhost_user.receiving import ReceiveQueues
from weft.features.vhost_user.session import Session
from weft.features.vhost_user.vring import Vring
from weft.features.virtio.linux import random_mac

if TYPE_CHECKING:
    from weft.core.engine import Engine

LOOK_EVERY = 0.5  #: seconds between looks at what rings are like
DEFAULT = Wishes()
FRAMES, TIME = 32, 1e-3  #: as VPP's
INTERRUPTS = "vhost-user-send-interrupt-process"
BROADCAST = b"\xff" * 6
NOTHING_AGREED = (
    "the front end says that the guest's driver has agreed to no feature at all, not even VIRTIO 1; if the guest has "
    "no network, bind its driver anew or restart it: QEMU 7.2 does not know what a driver agrees to while no engine is "
    "connected"
)


class SocketOptions(Struct, frozen=True):
    """The socket, and who may use it if we make it (-1: as the process)."""

    path: str
    server: bool = False
    mode: int = 0o660
    owner: int = -1
    group: int = -1


@dataclass
class VhostUser:
    """An interface, and the connection that it has or waits for. It is the ``Port`` of its back end."""

    engine: Engine
    number: int
    interface: Interface
    options: SocketOptions
    wishes: Wishes
    end: End = field(init=False)
    backend: Backend = field(init=False)
    queues: ReceiveQueues = field(init=False)
    session: Session | None = None
    sending: list[Vring] = field(default_factory=list)
    #: Numbers of the records in the arena of its rings, by the ring's index.
    slots: dict[int, int] = field(default_factory=dict)
    mtu: int = 0  #: what the front end has said; 0: nothing
    faults: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.interface.name

    @property
    def sw_if_index(self) -> int:
        return self.interface.sw_if_index

    @property
    def header_size(self) -> int:
        """Bytes in front of each packet; 0 while no ring runs."""
        return next((vring.row.header for vring in self.backend.vrings.values() if vring.running), 0)

    # --- connections

    def open(self) -> None:
        """Begin to listen or to connect. Raises Invalid."""
        self._fresh()
        if self.options.server:
            o = self.options
            self.end = Server(self.engine, o.path, self._connected, mode=o.mode, owner=o.owner, group=o.group)
        else:
            self.end = Client(self.engine, self.options.path, self._connected)
        self.end.open()

    def _fresh(self) -> None:
        memory_row: GuestMemory = memories[self.number]
        self.backend = Backend(self, self.engine[Mappings], memory_row, self.wishes.offered)

    def _connected(self, connection: socket.socket) -> None:
        if self.session is not None:
            self.engine.log.info("%s: a new front end has connected; the old one's connection is closed", self.name)
            self._disconnect()
        self.session = Session(self.engine, connection, self.backend, self._ended)

    def _ended(self, session: Session, why: str) -> None:
        if why:
            self.engine.log.warning("%s: the connection to the front end was closed: %s", self.name, why)
        self._disconnect()
        self.end.again()

    def _disconnect(self) -> None:
        """Forget the front end, and be ready for another."""
        if self.session is not None:
            self.session.close()
            self.session = None
        self.backend.close()
        self._fresh()

    def disconnect(self) -> None:
        """Forget the front end, and listen or connect no more."""
        self.end.close()
        self._disconnect()

    def close(self) -> None:
        """For good. The receive queues go with the interface."""
        self.disconnect()
        self.queues.close()

    def look(self) -> None:
        """What nobody has sent a message about: rings that were notified of, and what went wrong in workers' hands."""
        if self.backend.lost:
            self._ended(self.session, "it has taken back memory that it shares")  # type: ignore[arg-type]
            return
        try:
            self.backend.look()
        except Failed as error:
            self.engine.log.warning("%s: %s", self.name, error)
        for vring in self.backend.vrings.values():
            fault = vring.row.broken if vring.running else 0
            if fault and vring.index not in self.faults:
                self.engine.log.warning(
                    "%s: vring %d rests until it is started again: %s", self.name, vring.index, FAULT_TEXT[Fault(fault)]
                )
                vring.report_error()
                self.faults.add(vring.index)

    # --- what the back end asks

    def vring(self, index: int) -> Vring:
        if index not in self.slots:
            try:
                self.slots[index] = self.engine[VhostUsers].take_slot()
            except Invalid as error:
                raise Failed(str(error)) from error
        row: Ring = rings[self.slots[index]]
        row.memory = memories[self.number]
        return Vring(index, row)

    def start(self, vring: Vring) -> None:
        vring.running = True
        self.faults.discard(vring.index)
        if vring.to_guest:
            vring.row.running = 1
            self.sending.append(vring)
            self._publish()
        else:
            vring.row.running = 1
            self.queues.start(vring)

    def rest(self, vrings: list[Vring]) -> None:
        running = [vring for vring in vrings if vring.running]
        for vring in running:
            vring.row.running = 0
            vring.running = False
            if vring.to_guest:
                self.sending.remove(vring)
            else:
                self.queues.stop(vring)
        if running:
            self._publish()
            self.engine.workers.quiesce()
            for vring in running:
                vring.settle()

    def _publish(self) -> None:
        """Each thread sends by one ring."""
        row: Device = devices[self.number]
        ordered = sorted(self.sending, key=lambda vring: vring.index)
        for thread in threads_in_use():
            row.sending[thread] = ordered[thread % len(ordered)].row.address if ordered else 0

    def settled(self) -> None:
        """The link is there while the first pair of rings is in use; the guest takes what its driver has agreed to."""
        running = {vring.index for vring in self.backend.vrings.values() if vring.forwarding}
        interfaces, features = self.engine[Interfaces], self.backend.features
        everything = TO_GUEST & ~Feature.VIRTIO_NET_F_GUEST_ECN
        interfaces.set_flag(self.interface, CHECKSUM_OFFLOAD, bool(features & Feature.VIRTIO_NET_F_GUEST_CSUM))
        interfaces.set_flag(self.interface, GSO, features & everything == everything)
        link = {0, 1} <= running
        came = link and not self.interface.link_up
        interfaces.set_link(self.interface, link)
        if came:
            if not features & ~Feature.VHOST_USER_F_PROTOCOL_FEATURES:
                self.engine.log.warning("%s: %s", self.name, NOTHING_AGREED)
            greet(self.engine, self.interface)

    def announce(self, mac: int) -> None:
        """A RARP request from the guest's address (RFC 903), as if it had sent it."""
        address = mac.to_bytes(6, "little")
        frame = BROADCAST + address + bytes.fromhex("8035 0001 0800 06 04 0003") + (address + bytes(4)) * 2
        if self.interface.row.flags & ADMIN_UP:
            self.engine.workers.inject(frame.ljust(60, b"\0"), "ethernet-input", rx_sw_if_index=self.sw_if_index)

    def limit(self, mtu: int) -> None:
        self.mtu = mtu
        self.engine[Interfaces].set_mtu(self.interface, mtu)


def _delete(engine: Engine, interface: Interface) -> None:
    engine[VhostUsers].forget(of(interface))


VHOST_USER = DeviceClass("vhost-user", tx="vhost-user-tx", delete=_delete)


@model
class VhostUsers:
    """All vhost-user interfaces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        engine[RxQueues]
        self.by_number: dict[int, VhostUser] = {}
        self._slots = list(range(MAX_RINGS - 1, -1, -1))
        self._deferring: list[Queue] = []
        self.coalesce(FRAMES, TIME)
        engine[Mappings].lost = self._look
        engine.timers.every(LOOK_EVERY, self._look)

    def __iter__(self) -> Iterator[VhostUser]:
        return iter(self.by_number.values())

    def coalesce(self, frames: int, time: float) -> None:
        """Put interrupts of all guests together: one for more than ``frames`` chains, or after ``time`` seconds."""
        coalescing.clocks = round(time * self._engine.clocks_per_second)
        coalescing.frames = frames
        self.frames, self.time = frames, time

    def _defer(self, wanted: bool) -> None:
        """Let threads look after interrupts that are put off; there is no need while there is no interface."""
        workers = self._engine.workers
        if wanted and not self._deferring:
            self._deferring = [workers.place(thread, INTERRUPTS, 0) for thread in workers.forwarding]
        for queue in self._deferring:
            areas[workers.thread_of(queue)].deferring = int(wanted)
        if not wanted:
            for queue in self._deferring:
                workers.displace(queue)
            self._deferring.clear()

    def create(
        self,
        options: SocketOptions,
        wishes: Wishes = DEFAULT,
        *,
        mac: int | None = None,
        number: int | None = None,
    ) -> Interface:
        """``VirtualEthernet0/0/N``. ``mac``: its own address, random if none is given; ``number``: its N."""
        if number is None:
            number = next((each for each in range(MAX_DEVICES) if each not in self.by_number), MAX_DEVICES)
        self._check_number(number)
        self._check(options)
        if mac is not None and (mac & 1 or mac == 0):
            raise Invalid("the interface's MAC address must be a unicast address", "INVALID_VALUE")
        if not self._slots:
            raise Invalid(f"there are {MAX_RINGS} rings already")
        name = name_of(number)
        interface = self._interfaces.add(name, VHOST_USER, mac=mac or random_mac(), number=number, flags=GSO_TCP_ONLY)
        made = VhostUser(self._engine, number, interface, options, wishes)
        memory.fill(memories[number].address, 0, GuestMemory.size)
        made.queues = ReceiveQueues(self._engine, interface)
        made.queues.add(made.vring(1))
        interface.private = made
        self.by_number[number] = made
        self._defer(True)
        try:
            made.open()
        except Invalid:
            self._interfaces.remove(interface)
            raise
        return interface

    def modify(
        self, interface: Interface, options: SocketOptions, wishes: Wishes, *, number: int | None = None
    ) -> None:
        """Give an interface another socket, other features, or another N. Its front end is disconnected, and may come
        again.
        """
        vhost = of(interface)
        self._check(options, vhost)
        if number is None:
            number = vhost.number
        if number != vhost.number:
            self._check_number(number)
        before = vhost.options, vhost.wishes, vhost.number, vhost.name
        vhost.disconnect()
        try:
            self._change(vhost, options, wishes, number, name_of(number))
        except Invalid:
            self._change(vhost, *before)
            raise

    def _change(self, vhost: VhostUser, options: SocketOptions, wishes: Wishes, number: int, name: str) -> None:
        """Let an interface that neither listens nor connects do so again, as another one. Raises Invalid."""
        vhost.options, vhost.wishes = options, wishes
        if number != vhost.number:
            self._interfaces.rename(vhost.interface, name)
            del self.by_number[vhost.number]
            self.by_number[number] = vhost
            vhost.number = vhost.interface.row.device = number
            memory.fill(memories[number].address, 0, GuestMemory.size)
            for slot in vhost.slots.values():
                rings[slot].memory = memories[number]
        vhost.open()

    def _check_number(self, number: int) -> None:
        """Raises Invalid if a new interface cannot have this number."""
        if not 0 <= number < MAX_DEVICES:
            raise Invalid(f"the number of a vhost-user interface is 0 to {MAX_DEVICES - 1}, not {number}")
        if number in self.by_number or name_of(number) in self._interfaces.by_name:
            raise Invalid(f"interface {name_of(number)} already exists", "IF_ALREADY_EXISTS")

    def _check(self, options: SocketOptions, mine: VhostUser | None = None) -> None:
        """Raises Invalid if these options cannot be."""
        check_path(options.path)
        for other in self:
            if other is not mine and other.options.path == options.path:
                raise Invalid(f"{other.name} already uses the socket {options.path}", "IF_ALREADY_EXISTS")
        if not 0 <= options.mode <= 0o777:
            raise Invalid(f"a socket's mode is 0 to 777 (octal), not {options.mode:o}")

    def delete(self, interface: Interface) -> None:
        """Remove an interface; its front end is disconnected. Raises Invalid."""
        self._interfaces.remove(of(interface).interface)

    def forget(self, vhost: VhostUser) -> None:
        """The interface goes, and its queues have gone."""
        vhost.close()
        self._engine.workers.quiesce()
        for slot in vhost.slots.values():
            memory.fill(rings[slot].address, 0, Ring.size)
            self._slots.append(slot)
        del self.by_number[vhost.number]
        self._defer(bool(self.by_number))

    def take_slot(self) -> int:
        """The number of a free ring record. Raises Invalid."""
        if not self._slots:
            raise Invalid(f"there are {MAX_RINGS} rings already")
        slot = self._slots.pop()
        memory.fill(rings[slot].address, 0, Ring.size)
        return slot

    def _look(self) -> None:
        for vhost in list(self):
            vhost.look()

    def close(self) -> None:
        for vhost in self:
            vhost.close()
        self.by_number.clear()


def name_of(number: int) -> str:
    """VPP's name."""
    return f"VirtualEthernet0/0/{number}"


def of(interface: Interface) -> VhostUser:
    """What is behind an interface. Raises Invalid if it is no vhost-user interface."""
    if not isinstance(interface.private, VhostUser):
        raise Invalid(f"{interface.name} is no vhost-user interface", "INVALID_SW_IF_INDEX")
    return interface.private
