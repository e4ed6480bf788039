"""What a front end asks for, one method a message: the back end's side of the conversation."""

from __future__ import annotations

import os
from typing import Protocol as Interface_

from weft.features.vhost_user.bits import OFFERED_PROTOCOL, Feature, Protocol
from weft.features.vhost_user.guest import Guest, adopt, is_eventfd
from weft.features.vhost_user.inflight import InflightRecord
from weft.features.vhost_user.mapping import Mappings
from weft.features.vhost_user.messages import (
    NEED_REPLY,
    U64,
    VRING_INDEX_MASK,
    VRING_NO_FD,
    Failed,
    InflightPayload,
    LogPayload,
    Malformed,
    RegionPayload,
    VringAddresses,
    VringState,
    WithFds,
)
from weft.features.vhost_user.model import MAX_REGIONS, GuestMemory
from weft.features.vhost_user.vring import NO_FD, Vring

MAX_PAIRS = 64  #: of rings, that an interface may have
SMALLEST_MTU = 68  #: virtio 1.2, 5.1.4.1


class Port(Interface_):
    """What the back end asks of the interface that it works for."""

    @property
    def name(self) -> str: ...
    @property
    def sw_if_index(self) -> int: ...
    def vring(self, index: int) -> Vring: ...
    def start(self, vring: Vring) -> None: ...
    def rest(self, vrings: list[Vring]) -> None: ...
    def settled(self) -> None: ...
    def announce(self, mac: int) -> None: ...
    def limit(self, mtu: int) -> None: ...


class Backend:
    """One connection's state. ``rest`` and ``resume`` stand around whatever workers may not see half done."""

    def __init__(self, port: Port, mappings: Mappings, memory: GuestMemory, offered: int) -> None:
        self._port, self._mappings, self.offered = port, mappings, offered
        self.guest = Guest(mappings, memory, port.name)
        self.features = 0
        self.protocol = 0
        self.status = 0
        self.vrings: dict[int, Vring] = {}
        self._record: InflightRecord | None = None

    @property
    def name(self) -> str:
        return self._port.name

    def acknowledges(self, flags: int) -> bool:
        """Whether a message with these flags is to be acknowledged."""
        return bool(flags & NEED_REPLY and self.protocol & Protocol.VHOST_USER_PROTOCOL_F_REPLY_ACK)

    def close(self) -> None:
        """The connection has ended."""
        self._port.rest(list(self.vrings.values()))
        for vring in self.vrings.values():
            vring.reset()
        self.vrings.clear()
        self.guest.close()
        if self._record is not None:
            self._record.close()
        self._port.settled()

    @property
    def lost(self) -> bool:
        """Whether the front end has truncated what it shares."""
        return self.guest.lost or (self._record is not None and self._record.lost)

    # --- rings: resting and running

    def _vring(self, index: int) -> Vring:
        if index >= 2 * MAX_PAIRS:
            raise Malformed(f"vring {index} is not one of 0 to {2 * MAX_PAIRS - 1}")
        if index not in self.vrings:
            self.vrings[index] = self._port.vring(index)
        return self.vrings[index]

    def _rest(self, *vrings: Vring) -> list[Vring]:
        """Let rings rest (all, if none is named); those that ran."""
        ran = [vring for vring in vrings or self.vrings.values() if vring.running]
        if ran:
            self._port.rest(ran)
            for vring in ran:
                vring.base = vring.position & 0xFFFF
        return ran

    def _resume(self, *vrings: Vring) -> None:
        """Let rings run that are ready (of all, if none is named). Raises Failed where one cannot."""
        try:
            for vring in vrings or tuple(self.vrings.values()):
                if not vring.running and self._ready(vring):
                    vring.row.discard = int(not self._enabled(vring))
                    vring.prepare(self.guest, self.features, self._record, self._port.sw_if_index)
                    self._port.start(vring)
                    vring.started = True
        finally:
            self._port.settled()

    def _ready(self, vring: Vring) -> bool:
        """Whether a ring can run. Of a disabled one that is started, what the guest sends is taken, to be thrown away
        (vhost-user, "Ring states"). An enabled one need not be notified to be: the guest may have sent something before
        we came.
        """
        if not (vring.given_kick and vring.addresses and vring.entries and self.guest.regions):
            return False
        return self._enabled(vring) or (vring.started and not vring.to_guest)

    def _enabled(self, vring: Vring) -> bool:
        return vring.enabled or not self.features & Feature.VHOST_USER_F_PROTOCOL_FEATURES

    def look(self) -> None:
        """Start disabled rings of which the front end has notified us. Not at once: most front ends enable a ring soon
        after they have said how they notify, and what the guest has sent until then is not to be lost.
        """
        for vring in self.vrings.values():
            if not vring.started and vring.kicked:
                vring.started = True
                self._resume(vring)

    # --- features

    def get_features(self) -> U64:
        return U64(self.offered)

    def set_features(self, wanted: U64) -> None:
        if wanted.value & ~self.offered:
            raise Malformed(f"features {wanted.value & ~self.offered:#x} were not offered")
        self._rest()
        self.features = wanted.value
        self.guest.log_writes(bool(self.features & Feature.VHOST_F_LOG_ALL))
        self._resume()

    def get_protocol_features(self) -> U64:
        return U64(int(OFFERED_PROTOCOL))

    def set_protocol_features(self, wanted: U64) -> None:
        if wanted.value & ~OFFERED_PROTOCOL:
            raise Malformed(f"protocol features {wanted.value & ~OFFERED_PROTOCOL:#x} were not offered")
        self.protocol = wanted.value

    def get_queue_num(self) -> U64:
        return U64(MAX_PAIRS)

    def set_owner(self) -> None:
        """There is one owner: this connection."""

    def reset_owner(self) -> None:
        """Deprecated; the rings are disabled, as the specification allows."""
        self._rest()
        for vring in self.vrings.values():
            vring.enabled = False
        self._resume()

    def reset_device(self) -> None:
        self._rest()
        for vring in self.vrings.values():
            self._forget_position(vring)
            vring.reset()
        self.status = 0
        self._port.settled()

    def get_status(self) -> U64:
        return U64(self.status)

    def set_status(self, status: U64) -> None:
        if status.value > 0xFF:
            raise Malformed(f"a device status of {status.value:#x} is impossible")
        self.status = status.value

    # --- memory

    def set_mem_table(self, table: list[RegionPayload], fds: list[int]) -> None:
        if len(fds) != len(table):
            raise Malformed(f"it brings {len(fds)} file descriptors for {len(table)} regions")
        self._rest()
        self.guest.clear()
        try:
            for region, fd in zip(table, fds, strict=True):
                self.guest.add(region, fd)
        finally:
            self._resume()

    def get_max_mem_slots(self) -> U64:
        return U64(MAX_REGIONS)

    def add_mem_reg(self, region: RegionPayload, fds: list[int]) -> None:
        self.guest.add(region, fds[0])
        self._resume()

    def rem_mem_reg(self, region: RegionPayload, fds: list[int]) -> None:
        self._rest()
        try:
            self.guest.remove(region)
        finally:
            self._resume()

    def set_log_base(self, log: LogPayload, fds: list[int]) -> U64:
        self._rest()
        try:
            self.guest.set_log((fds[0], log.offset, log.size))
        finally:
            self._resume()
        return U64(0)

    def set_log_fd(self, fds: list[int]) -> None:
        """Errors of the log are nothing that we would report there."""

    # --- rings

    def set_vring_num(self, state: VringState) -> None:
        vring = self._vring(state.vring)
        self._rest(vring)
        vring.entries = state.num
        self._resume(vring)

    def set_vring_addr(self, addresses: VringAddresses) -> None:
        vring = self._vring(addresses.vring)
        self._rest(vring)
        vring.addresses = addresses
        self._resume(vring)

    def set_vring_base(self, state: VringState) -> None:
        vring = self._vring(state.vring)
        self._rest(vring)
        vring.base = state.num & 0xFFFF
        vring.recovered = False
        self._resume(vring)

    def get_vring_base(self, state: VringState) -> VringState:
        """Stop a ring, and say how far it has got."""
        vring = self._vring(state.vring)
        ran = bool(self._rest(vring))
        position = vring.position if ran else vring.base
        vring.given_kick = vring.started = False
        vring.set_fd("kick", NO_FD)
        self._forget_position(vring)
        vring.base, vring.recovered = position & 0xFFFF, False
        self._port.settled()
        return VringState(state.vring, position)

    def _forget_position(self, vring: Vring) -> None:
        if self._record is not None:
            self._record.forget(vring.index)

    def set_vring_kick(self, which: U64, fds: list[int]) -> None:
        vring = self._vring(which.value & VRING_INDEX_MASK)
        fd = self._event(which, fds)
        self._rest(vring)
        vring.set_fd("kick", fd)
        vring.given_kick = True
        self._resume(vring)

    def set_vring_call(self, which: U64, fds: list[int]) -> None:
        """Workers use the old descriptor until the ring rests."""
        vring = self._vring(which.value & VRING_INDEX_MASK)
        fd = self._event(which, fds)
        self._rest(vring)
        vring.set_fd("call", fd)
        self._resume(vring)

    def set_vring_err(self, which: U64, fds: list[int]) -> None:
        self._vring(which.value & VRING_INDEX_MASK).set_fd("error", self._event(which, fds))

    def _event(self, which: U64, fds: list[int]) -> int:
        """The eventfd of a message; NO_FD if it says that it has none."""
        if which.value & ~(VRING_INDEX_MASK | VRING_NO_FD):
            raise Malformed(f"vring {which.value:#x} is impossible")
        if bool(which.value & VRING_NO_FD) == bool(fds):
            raise Malformed(f"it brings {len(fds)} file descriptors, and says otherwise")
        if not fds:
            return NO_FD
        if not is_eventfd(fds[0]):
            raise Malformed("its file descriptor is no eventfd")
        os.set_blocking(fds[0], False)
        return adopt(fds)

    def set_vring_enable(self, state: VringState) -> None:
        vring = self._vring(state.vring)
        if state.num > 1:
            raise Malformed(f"vring {state.vring} can be enabled (1) or disabled (0), not {state.num}")
        self._rest(vring)
        vring.enabled = bool(state.num)
        self._resume(vring)

    # --- what is in flight

    def get_inflight_fd(self, wanted: InflightPayload) -> WithFds:
        """Make the record of what is in flight; the front end keeps it for our successor."""
        self._drop_record()
        fd, made = InflightRecord.make(wanted.queues, wanted.queue_size, self._packed)
        try:
            self._record = InflightRecord(self._mappings, fd, made, self._packed, self.name)
        except Failed:
            os.close(fd)
            raise
        self._resume()
        return WithFds(made, [fd])

    def set_inflight_fd(self, said: InflightPayload, fds: list[int]) -> None:
        self._drop_record()
        self._record = InflightRecord(self._mappings, fds[0], said, self._packed, self.name)
        self._resume()

    def _drop_record(self) -> None:
        self._rest()
        if self._record is not None:
            self._record.close()
            self._record = None
        for vring in self.vrings.values():
            vring.recovered = False

    @property
    def _packed(self) -> bool:
        return bool(self.features & Feature.VIRTIO_F_RING_PACKED)

    # --- the network

    def send_rarp(self, mac: U64) -> None:
        """The guest has moved here and cannot say so itself: let its address be learned."""
        if mac.value & 1 or not 0 < mac.value < 1 << 48:
            raise Failed(f"{mac.value:#x} is no unicast MAC address")
        self._port.announce(mac.value)

    def net_set_mtu(self, mtu: U64) -> None:
        if not SMALLEST_MTU <= mtu.value <= 0xFFFF:
            raise Failed(f"an MTU is {SMALLEST_MTU} to 65535, not {mtu.value}")
        self._port.limit(mtu.value)
