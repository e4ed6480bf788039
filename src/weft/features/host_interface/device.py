"""The control side: host-interfaces by name, their sockets, and how they follow what Linux does to the interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from weft.core import memory
from weft.core.model import Invalid, model
from weft.core.runtime import workers
from weft.features.host_interface.model import (
    BLOCK_SIZE,
    BLOCKS,
    MAX_DEVICES,
    MAX_RX_QUEUES,
    SLOT_SIZE,
    SLOTS,
    PacketDevice,
    PacketQueue,
    packet_devices,
    packet_queues,
)
from weft.features.host_interface.socket import PacketSocket
from weft.features.interface.model import (
    CHECKSUM_OFFLOAD,
    GSO,
    LINK_UP,
    DeviceClass,
    Interface,
    Interfaces,
    rx_miss,
)
from weft.features.interface.placement import RxQueues
from weft.features.virtio.links import Link, Links
from weft.features.virtio.linux import random_mac, usable_name

if TYPE_CHECKING:
    from weft.core.engine import Engine

ETHERNET_HEADER = 14
TAG = 4
MAX_QUEUES_EACH = 64
LOOK_EVERY = 0.1  #: seconds between looks for news from Linux
COUNT_EVERY = 1.0
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772


@dataclass
class RingQueue:
    """A receive queue: its socket and its record."""

    socket: PacketSocket
    slot: int


@dataclass
class HostInterface:
    """A host-interface's own side: what it is bound to in Linux."""

    name: str  #: of the Linux interface
    number: int
    index: int  #: of the Linux interface; 0: it is gone
    interface: Interface
    qdisc_bypass: bool
    offloads: bool
    queues: list[RingQueue] = field(default_factory=list)


def _admin(engine: Engine, interface: Interface) -> None:
    engine[HostInterfaces].set_admin(interface)


def _delete(engine: Engine, interface: Interface) -> None:
    engine[HostInterfaces].forget(interface)


def _describe(engine: Engine, interface: Interface) -> str:
    return engine[HostInterfaces].describe(interface)


AF_PACKET = DeviceClass("af-packet", tx="af-packet-tx", admin=_admin, delete=_delete, describe=_describe)
AF_PACKET_IP = replace(AF_PACKET, name="af-packet-ip", ethernet=False)


@model
class HostInterfaces:
    """All host-interfaces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._interfaces.watch("mtu", self._mtu_changed)
        self._links: Links | None = None
        self.by_name: dict[str, HostInterface] = {}
        self._slots = list(range(MAX_RX_QUEUES - 1, -1, -1))

    def create(
        self,
        name: str,
        *,
        mac: int | None = None,
        queues: int = 1,
        layer3: bool = False,
        qdisc_bypass: bool = True,
        offloads: bool = True,
    ) -> Interface:
        """A port on the Linux interface ``name``: ``host-NAME``. ``mac``: the engine's own address there; random if
        none is given. ``layer3``: the Linux interface carries IP packets without Ethernet headers. ``offloads``: let
        Linux finish checksums and cut segments.
        """
        if name in self.by_name:
            raise Invalid(f"interface host-{name} already exists", "IF_ALREADY_EXISTS")
        if not 1 <= queues <= MAX_QUEUES_EACH:
            raise Invalid(f"an interface has 1 to {MAX_QUEUES_EACH} receive queues, not {queues}")
        if queues > len(self._slots):
            raise Invalid(f"there are {MAX_RX_QUEUES} receive queues of host-interfaces already")
        link = self._find(name, layer3)
        number = self._number()
        sockets = self._open(name, link, queues, qdisc_bypass)
        flags = LINK_UP if link.carrier else 0
        if offloads:
            flags |= CHECKSUM_OFFLOAD | GSO
        try:
            interface = self._interfaces.add(
                f"host-{name}",
                AF_PACKET_IP if layer3 else AF_PACKET,
                mac=0 if layer3 else mac or random_mac(),
                mtu=link.mtu,
                flags=flags,
                number=number,
            )
        except Invalid:
            _close(sockets)
            raise
        host = HostInterface(name, number, link.index, interface, qdisc_bypass, offloads)
        interface.private = host
        device: PacketDevice = packet_devices[number]
        device.fd = sockets[0].fd
        device.max_frame = _max_frame(link)
        self.by_name[name] = host
        for position, socket in enumerate(sockets):
            self._place(host, socket, position)
        return interface

    def delete(self, name: str) -> None:
        """Remove ``host-NAME``; the Linux interface goes down and stays."""
        host = self.by_name.get(name) or self.by_name.get(name.removeprefix("host-"))
        if host is None:
            raise Invalid(f"there is no host-interface `{name}'", "INVALID_INTERFACE")
        self._interfaces.remove(host.interface)

    def set_offloads(self, interface: Interface, on: bool) -> None:
        """Let Linux finish checksums and cut segments of what is sent by an interface, or do it here."""
        host = interface.private
        if interface.sup is not None or not isinstance(host, HostInterface):
            raise Invalid(f"{interface.name} is no host-interface", "INVALID_SW_IF_INDEX")
        host.offloads = on
        self._interfaces.set_flag(interface, CHECKSUM_OFFLOAD | GSO, on)

    def _find(self, name: str, layer3: bool) -> Link:
        link = self.links.find(name) if usable_name(name) else None
        if link is None:
            raise Invalid(f"Linux has no interface `{name}' in the engine's network namespace", "INVALID_INTERFACE")
        kind = self.links.hardware_type(name)
        if layer3 == (kind in (ARPHRD_ETHER, ARPHRD_LOOPBACK)):
            what = "an Ethernet interface: leave `mode ip' out" if layer3 else "no Ethernet interface: try `mode ip'"
            raise Invalid(f"interface `{name}' of Linux is {what}")
        return link

    @property
    def links(self) -> Links:
        """Linux's interfaces; followed from the first host-interface on."""
        if self._links is None:
            self._links = Links()
            self._engine.timers.every(LOOK_EVERY, self._look)
            self._engine.timers.every(COUNT_EVERY, self._count)
        return self._links

    def _number(self) -> int:
        used = {host.number for host in self.by_name.values()}
        number = next((number for number in range(MAX_DEVICES) if number not in used), -1)
        if number < 0:
            raise Invalid(f"there are {MAX_DEVICES} host-interfaces already")
        return number

    def _open(self, name: str, link: Link, queues: int, qdisc_bypass: bool) -> list[PacketSocket]:
        sockets: list[PacketSocket] = []
        try:
            for _ in range(queues):
                sockets.append(PacketSocket(qdisc_bypass=qdisc_bypass))
                sockets[-1].bind(name, link.index)
            if queues > 1:
                group = None
                for socket in sockets:
                    group = socket.share(group)
        except OSError as error:
            _close(sockets)
            raise Invalid(f"cannot open `{name}': {error.strerror}", "SYSCALL_ERROR_1") from error
        return sockets

    def _place(self, host: HostInterface, socket: PacketSocket, position: int) -> None:
        """Let a worker read a queue."""
        slot = self._slots.pop()
        record: PacketQueue = packet_queues[slot]
        memory.fill(record.address, 0, PacketQueue.size)
        record.ring, record.fd = socket.address, socket.fd
        record.sw_if_index = host.interface.sw_if_index
        record.layer3 = int(not host.interface.device.ethernet)
        host.queues.append(RingQueue(socket, slot))
        self._engine[RxQueues].add(host.interface, "af-packet-input", record.address, number=position, fd=socket.fd)

    # --- what happens to it

    def set_admin(self, interface: Interface) -> None:
        """The Linux interface goes up and down with ours, as in VPP."""
        host = _host(interface)
        try:
            self.links.set_up(host.name, interface.admin_up)
        except OSError as error:
            if interface.admin_up:
                raise Invalid(f"cannot bring `{host.name}' up in Linux: {error.strerror}", "SYSCALL_ERROR_1") from error
        self._follow(host)

    def forget(self, interface: Interface) -> None:
        """The interface goes, and its queues have gone: close what it has."""
        host = _host(interface)
        packet_devices[host.number].fd = -1
        self._engine.workers.quiesce()
        _close([rx.socket for rx in host.queues])
        self._slots += [rx.slot for rx in host.queues]
        del self.by_name[host.name]

    def _look(self) -> None:
        if self.by_name and self.links.changed():
            for host in self.by_name.values():
                self._follow(host)

    def _follow(self, host: HostInterface) -> None:
        """Take over the state that the interface has in Linux now."""
        link = self.links.find(host.name)
        if link is not None and link.index != host.index:
            self._bind_again(host, link)
        elif link is None and host.index:
            host.index = 0
            self._engine.log.warning("host-interface %s: the Linux interface is gone", host.name)
        for rx in host.queues:
            rx.socket.take_error()
        if link is not None:
            packet_devices[host.number].max_frame = _max_frame(link)
        self._interfaces.set_link(host.interface, link is not None and link.carrier)

    def _bind_again(self, host: HostInterface, link: Link) -> None:
        """An interface of that name is there again."""
        try:
            for rx in host.queues:
                rx.socket.bind(host.name, link.index)
            if host.interface.admin_up:
                self.links.set_up(host.name, True)
        except OSError as error:
            self._engine.log.error("host-interface %s: %s", host.name, error.strerror)
            return
        host.index = link.index
        self._engine.log.info("host-interface %s: bound to the Linux interface again", host.name)

    def _count(self) -> None:
        """What only the kernel counts; and errors, which would keep workers awake."""
        for host in self.by_name.values():
            for rx in host.queues:
                missed = rx.socket.missed()
                if missed:
                    rx_miss.add(workers[0], host.interface.sw_if_index, missed)
                if rx.socket.take_error():
                    self._follow(host)

    def _mtu_changed(self, interface: Interface) -> None:
        """Linux has to take frames as long as ours."""
        if not isinstance(interface.private, HostInterface):
            return
        host, mtu = interface.private, interface.row.mtu
        link = self.links.find(host.name)
        if link is None or mtu <= link.mtu:
            return
        try:
            self.links.set_mtu(host.name, mtu)
            self._follow(host)
        except OSError as error:
            self._engine.log.warning("%s: Linux does not take MTU %d: %s", interface.name, mtu, error.strerror)

    def describe(self, interface: Interface) -> str:
        """Lines of ``show hardware-interfaces``, as VPP's."""
        host = _host(interface)
        lines = ["Linux PACKET socket interface", "FEATURES:"]
        if host.qdisc_bypass:
            lines.append("  qdisc-bpass-enabled")
        if host.offloads:
            lines.append("  cksum-gso-enabled")
        for position, rx in enumerate(host.queues):
            record = packet_queues[rx.slot]
            lines += [
                f"RX Queue {position}:",
                f"  block size:{BLOCK_SIZE} nr:{BLOCKS}  frame size:{SLOT_SIZE} nr:{SLOTS}",
                f"  next frame:{record.position}",
            ]
        return "\n".join(lines)

    def close(self) -> None:
        for host in self.by_name.values():
            _close([rx.socket for rx in host.queues])
        self.by_name.clear()
        if self._links is not None:
            self._links.close()


def _host(interface: Interface) -> HostInterface:
    assert isinstance(interface.private, HostInterface)
    return interface.private


def _max_frame(link: Link) -> int:
    return link.mtu + ETHERNET_HEADER + TAG


def _close(sockets: list[PacketSocket]) -> None:
    for socket in sockets:
        socket.close()
