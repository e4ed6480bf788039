"""The control side: taps by number."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from weft.core import memory
from weft.core.model import Invalid, model
from weft.core.runtime import MAX_THREADS
from weft.features.interface.model import CHECKSUM_OFFLOAD, GSO, DeviceClass, Interface, Interfaces
from weft.features.interface.placement import RxQueues
from weft.features.tap import linux
from weft.features.tap.linux import TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN, HostSide
from weft.features.tap.model import MAX_RX_QUEUES, MAX_TAPS, TapDevice, TapQueue, tap_devices, tap_queues
from weft.features.tap.namespace import within
from weft.features.virtio.linux import random_mac, usable_name

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_QUEUES_EACH = 64
MAX_RING = 32768
LOOK_EVERY = 1.0  #: seconds


class Options(Struct, frozen=True):
    """How the engine's side is to be."""

    queues: int = 1
    layer3: bool = False  #: Linux's interface is a tun: packets of IP without Ethernet headers
    mac: int | None = None
    gso: bool = False  #: Linux may send large segments
    checksum_offload: bool = False  #: Linux may send packets that owe their checksum
    persist: bool = False
    attach: bool = False

    @property
    def kind(self) -> str:
        return "tun" if self.layer3 else "tap"

    @property
    def accepted(self) -> int:
        """What Linux may leave to us, as TUNSETOFFLOAD wants it."""
        if self.gso:
            return TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
        return TUN_F_CSUM if self.checksum_offload else 0


@dataclass
class Tap:
    """A tap: its interface here, its interface in Linux, and the descriptors between them."""

    number: int
    interface: Interface
    host: HostSide
    namespace: str | None
    options: Options
    descriptors: list[int]
    slots: list[int] = field(default_factory=list)
    gone: bool = False


def _admin(engine: Engine, interface: Interface) -> None:
    engine[Taps].follow(_tap(interface))


def _delete(engine: Engine, interface: Interface) -> None:
    engine[Taps].forget(interface)


def _describe(engine: Engine, interface: Interface) -> str:
    return f"VIRTIO interface\n  host-if-name {_tap(interface).host.name}"


VIRTIO = DeviceClass("virtio", tx="tap-tx", admin=_admin, delete=_delete, describe=_describe)
TUN = replace(VIRTIO, name="tun", ethernet=False)


@model
class Taps:
    """All taps."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self.by_number: dict[int, Tap] = {}
        self._slots = list(range(MAX_RX_QUEUES - 1, -1, -1))
        engine.timers.every(LOOK_EVERY, self._look)

    def free_number(self) -> int:
        """The first number that no tap has."""
        return next(number for number in range(MAX_TAPS + 1) if number not in self.by_number)

    def create(self, number: int, host: HostSide, namespace: str | None, options: Options) -> Interface:
        """``tapN``, or ``tunN``. ``host``: the interface in Linux; ``namespace``: where it is made, None: in ours."""
        if not 0 <= number < MAX_TAPS:
            raise Invalid(f"a tap's number is 0 to {MAX_TAPS - 1}, not {number}", "INVALID_ARGUMENT")
        if number in self.by_number:
            raise Invalid(f"interface {self.by_number[number].interface.name} already exists", "IF_ALREADY_EXISTS")
        if not 1 <= options.queues <= min(MAX_QUEUES_EACH, len(self._slots)):
            raise Invalid(f"a tap has 1 to {MAX_QUEUES_EACH} receive queues, not {options.queues}")
        if not usable_name(host.name):
            raise Invalid(f"`{host.name}' can be no interface's name in Linux")
        descriptors = self._open(host, namespace, options)
        flags = CHECKSUM_OFFLOAD | GSO  # Linux takes whatever we send, whatever it is asked to send
        try:
            interface = self._interfaces.add(
                f"{options.kind}{number}",
                TUN if options.layer3 else VIRTIO,
                mac=0 if options.layer3 else options.mac or random_mac(),
                flags=flags,
                number=number,
            )
        except Invalid:
            _close(descriptors)
            raise
        tap = Tap(number, interface, host, namespace, options, descriptors)
        interface.private = tap
        self.by_number[number] = tap
        self._place(tap)
        return interface

    def delete(self, which: str | int) -> None:
        """Remove ``tapN``, by name or sw_if_index, and its interface in Linux unless it is to persist."""
        for tap in self.by_number.values():
            if which in (tap.interface.name, tap.interface.sw_if_index):
                return self._interfaces.remove(tap.interface)
        raise Invalid(f"there is no tap `{which}'", "INVALID_SW_IF_INDEX")

    def _open(self, host: HostSide, namespace: str | None, options: Options) -> list[int]:
        def make() -> list[int]:
            descriptors = linux.open_tap(
                host.name,
                options.queues,
                layer3=options.layer3,
                offloads=options.accepted,
                persist=options.persist,
                attach=options.attach,
            )
            try:
                linux.set_carrier(descriptors[0], False)
                linux.configure(host)
            except OSError:
                _close(descriptors)
                raise
            return descriptors

        where = "" if namespace is None else f" in namespace {namespace}"
        try:
            return within(namespace, make)
        except OSError as error:
            raise Invalid(f"cannot make {host.name}{where}: {error.strerror}", "SYSCALL_ERROR_1") from error

    def _place(self, tap: Tap) -> None:
        """Let workers read the queues; each thread writes to one."""
        device: TapDevice = tap_devices[tap.number]
        for thread in range(MAX_THREADS):
            device.fds[thread] = tap.descriptors[thread % len(tap.descriptors)]
        for position, fd in enumerate(tap.descriptors):
            slot = self._slots.pop()
            tap.slots.append(slot)
            record: TapQueue = tap_queues[slot]
            memory.fill(record.address, 0, TapQueue.size)
            record.fd, record.sw_if_index = fd, tap.interface.sw_if_index
            record.layer3 = int(tap.options.layer3)
            self._engine[RxQueues].add(tap.interface, "virtio-input", record.address, number=position, fd=fd)

    def forget(self, interface: Interface) -> None:
        """The interface goes, and its queues have gone: close what it has."""
        tap = _tap(interface)
        device: TapDevice = tap_devices[tap.number]
        for thread in range(MAX_THREADS):
            device.fds[thread] = -1
        self._engine.workers.quiesce()
        _close(tap.descriptors)
        self._slots += tap.slots
        del self.by_number[tap.number]

    def follow(self, tap: Tap) -> None:
        """The cable is plugged in while the interface is up, as in VPP."""
        up = tap.interface.admin_up and not tap.gone
        if not tap.gone:
            linux.set_carrier(tap.descriptors[0], up)
        self._interfaces.set_link(tap.interface, up)

    def _look(self) -> None:
        """A tap whose namespace has gone has gone, too: its queues would keep their threads awake."""
        for tap in self.by_number.values():
            if not tap.gone and not linux.exists(tap.descriptors[0]):
                tap.gone = True
                self._engine.log.warning("%s: the interface %s is gone", tap.interface.name, tap.host.name)
                for queue in self._engine[RxQueues].of(tap.interface):
                    self._engine[RxQueues].activate(queue, False)
                self.follow(tap)

    def close(self) -> None:
        for tap in self.by_number.values():
            _close(tap.descriptors)
        self.by_number.clear()


def check_ring(size: int) -> None:
    """Refuse the size of a ring that VPP would refuse. Raises Invalid."""
    if not 0 < size <= MAX_RING or size & (size - 1):
        raise Invalid(f"ring size must be a power of 2, {MAX_RING} at the most, not {size}")


def _tap(interface: Interface) -> Tap:
    assert isinstance(interface.private, Tap)
    return interface.private


def _close(descriptors: list[int]) -> None:
    for fd in descriptors:
        os.close(fd)
