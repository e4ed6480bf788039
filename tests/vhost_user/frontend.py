"""A front end: it talks vhost-user to the engine, in place of QEMU, and drives the rings of a guest of its own."""

from __future__ import annotations

import array
import os
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

from scapy.layers.l2 import Ether
from tests.conftest import Lab
from tests.vhost_user.guest import Buffer, Memory, PackedQueue, SplitQueue

VERSION, REPLY, NEED_REPLY = 1, 4, 8

# vhost-user.rst, "Front-end message types".
NUMBERS = {
    "GET_FEATURES": 1,
    "SET_FEATURES": 2,
    "SET_OWNER": 3,
    "RESET_OWNER": 4,
    "SET_MEM_TABLE": 5,
    "SET_LOG_BASE": 6,
    "SET_LOG_FD": 7,
    "SET_VRING_NUM": 8,
    "SET_VRING_ADDR": 9,
    "SET_VRING_BASE": 10,
    "GET_VRING_BASE": 11,
    "SET_VRING_KICK": 12,
    "SET_VRING_CALL": 13,
    "SET_VRING_ERR": 14,
    "GET_PROTOCOL_FEATURES": 15,
    "SET_PROTOCOL_FEATURES": 16,
    "GET_QUEUE_NUM": 17,
    "SET_VRING_ENABLE": 18,
    "SEND_RARP": 19,
    "NET_SET_MTU": 20,
    "GET_INFLIGHT_FD": 31,
    "SET_INFLIGHT_FD": 32,
    "RESET_DEVICE": 34,
    "GET_MAX_MEM_SLOTS": 36,
    "ADD_MEM_REG": 37,
    "REM_MEM_REG": 38,
    "SET_STATUS": 39,
    "GET_STATUS": 40,
}

CSUM, GUEST_CSUM, MTU, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6 = (
    1 << 0,
    1 << 1,
    1 << 3,
    1 << 7,
    1 << 8,
    1 << 11,
    1 << 12,
)
MRG_RXBUF, MQ, LOG_ALL, INDIRECT_DESC, EVENT_IDX = 1 << 15, 1 << 22, 1 << 26, 1 << 28, 1 << 29
PROTOCOL_FEATURES, VERSION_1, PACKED = 1 << 30, 1 << 32, 1 << 34
PLAIN = VERSION_1 | PROTOCOL_FEATURES
P_MQ, P_LOG, P_RARP, P_REPLY_ACK, P_MTU, P_INFLIGHT = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 12
P_RESET, P_SLOTS, P_STATUS = 1 << 13, 1 << 15, 1 << 16

ROOM = 2048  #: bytes of a receive buffer


@dataclass
class Vring:
    """A queue and its eventfds."""

    queue: SplitQueue | PackedQueue
    kick: int = field(default_factory=lambda: os.eventfd(0, os.EFD_NONBLOCK))
    call: int = field(default_factory=lambda: os.eventfd(0, os.EFD_NONBLOCK))
    error: int = field(default_factory=lambda: os.eventfd(0, os.EFD_NONBLOCK))

    def interrupted(self) -> int:
        """How often the device has interrupted since the last call."""
        try:
            return os.eventfd_read(self.call)
        except BlockingIOError:
            return 0


class FrontEnd:
    """Connects to an engine's socket. Whoever has asked something lets the engine step before the answer is read."""

    def __init__(self, lab: Lab, path: Path | str, *, features: int = PLAIN, protocol: int = 0, size: int = 16) -> None:
        self.lab, self.features, self.protocol, self.size = lab, features, protocol, size
        self.memory = Memory()
        self.vrings: dict[int, Vring] = {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(2)
        self.path = str(path)
        self.flags = VERSION

    def connect(self) -> FrontEnd:
        self.socket.connect(self.path)
        self.lab.engine.step()
        return self

    # --- messages

    def send(self, name: str | int, payload: bytes = b"", fds: tuple[int, ...] = (), flags: int | None = None) -> None:
        number = NUMBERS[name] if isinstance(name, str) else name
        data = struct.pack("<III", number, self.flags if flags is None else flags, len(payload)) + payload
        self.send_raw(data, fds)

    def send_raw(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([data], control)
        self.lab.engine.step()

    def receive(self) -> tuple[int, bytes, list[int]]:
        """(number, payload, fds) of an answer."""
        header, fds, _, _ = socket.recv_fds(self.socket, 12, 8)
        assert len(header) == 12, "the engine has closed the connection"
        number, flags, size = struct.unpack("<III", header)
        assert flags == VERSION | REPLY
        return number, self.socket.recv(size) if size else b"", fds

    def ask(self, name: str, payload: bytes = b"", fds: tuple[int, ...] = ()) -> bytes:
        self.send(name, payload, fds)
        number, answer, _ = self.receive()
        assert number == NUMBERS[name]
        return answer

    def number(self, name: str, payload: bytes = b"") -> int:
        return struct.unpack("<Q", self.ask(name, payload))[0]

    def set(self, name: str, value: int) -> None:
        self.send(name, struct.pack("<Q", value))

    def state(self, name: str, index: int, number: int) -> None:
        self.send(name, struct.pack("<II", index, number))

    @property
    def closed(self) -> bool:
        """Whether the engine has closed the connection."""
        self.lab.engine.step()
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
            return True
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        finally:
            self.socket.settimeout(2)

    # --- from nothing to a running device

    def start(self, pairs: int = 1) -> FrontEnd:
        """What QEMU says until the guest's network card is there."""
        self.connect()
        self.negotiate()
        if not self.memory.regions:
            self.memory.add(0x100000, 2 << 20)
        self.share()
        for index in range(2 * pairs):
            self.start_vring(index)
        return self

    def negotiate(self) -> None:
        assert self.number("GET_FEATURES") & self.features == self.features
        if self.features & PROTOCOL_FEATURES:
            assert self.number("GET_PROTOCOL_FEATURES") & self.protocol == self.protocol
            self.set("SET_PROTOCOL_FEATURES", self.protocol)
        self.send("SET_OWNER")
        self.set("SET_FEATURES", self.features)

    def share(self) -> None:
        table = struct.pack("<II", len(self.memory.regions), 0)
        for region in self.memory.regions:
            table += struct.pack("<QQQQ", region.guest, region.size, region.user, region.offset)
        self.send("SET_MEM_TABLE", table, tuple(region.fd for region in self.memory.regions))

    def start_vring(self, index: int, *, base: int | None = None, enable: bool = True) -> Vring:
        if index not in self.vrings:
            kind = PackedQueue if self.features & PACKED else SplitQueue
            self.vrings[index] = Vring(kind(self.memory, self.size, bool(self.features & EVENT_IDX)))
        vring = self.vrings[index]
        if base is None:
            base = 1 << 15 if self.features & PACKED else 0
        self.state("SET_VRING_NUM", index, self.size)
        self.state("SET_VRING_BASE", index, base)
        self.place_vring(index)
        self.send("SET_VRING_CALL", struct.pack("<Q", index), (vring.call,))
        self.send("SET_VRING_ERR", struct.pack("<Q", index), (vring.error,))
        self.send("SET_VRING_KICK", struct.pack("<Q", index), (vring.kick,))
        if enable and self.features & PROTOCOL_FEATURES:
            self.state("SET_VRING_ENABLE", index, 1)
        return vring

    def place_vring(self, index: int, flags: int = 0) -> None:
        queue, user = self.vrings[index].queue, self.memory.user
        where = (user(queue.descriptors), user(queue.device), user(queue.available), queue.device)
        self.send("SET_VRING_ADDR", struct.pack("<IIQQQQ", index, flags, *where))

    def stop_vring(self, index: int) -> int:
        """Where it had got to."""
        return struct.unpack("<II", self.ask("GET_VRING_BASE", struct.pack("<II", index, 0)))[1]

    # --- packets

    @property
    def header(self) -> int:
        return 12 if self.features & (VERSION_1 | MRG_RXBUF) else 10

    def transmit(self, *frames: bytes | Ether, header: bytes = b"", pair: int = 0, split: int = 0, **how: bool) -> None:
        """Offer frames to the engine, each in one buffer, or in two, of which the first has ``split`` bytes."""
        queue = self.vrings[2 * pair + 1].queue
        for frame in frames:
            data = header.ljust(self.header, b"\0") + bytes(frame)
            at = self.memory.allocate(len(data))
            self.memory.write(at, data)
            parts = [(at, split), (at + split, len(data) - split)] if split else [(at, len(data))]
            queue.offer(*(Buffer(*part) for part in parts), **how)
        self.lab.engine.step()

    def offer(self, count: int = 1, *, room: int = ROOM, pair: int = 0, **how: bool) -> dict[int, int]:
        """Offer receive buffers; chain -> guest address."""
        given = {}
        for _ in range(count):
            at = self.memory.allocate(room)
            given[self.vrings[2 * pair].queue.offer(Buffer(at, room, True), **how)] = at
        return given

    def collect(self, given: dict[int, int], pair: int = 0) -> list[tuple[bytes, bytes]]:
        """(header, frame) of each packet that the engine has put into offered buffers."""
        packets: list[tuple[bytes, bytes]] = []
        more = 0
        for chain, length in self.vrings[2 * pair].queue.used():
            data = self.memory.read(given[chain], length)
            if more:
                packets[-1] = (packets[-1][0], packets[-1][1] + data)
                more -= 1
                continue
            header, frame = data[: self.header], data[self.header :]
            more = struct.unpack("<H", header[10:12])[0] - 1 if self.header == 12 else 0
            packets.append((header, frame))
        return packets

    def close(self) -> None:
        self.socket.close()
        for vring in self.vrings.values():
            for fd in (vring.kick, vring.call, vring.error):
                os.close(fd)
        self.vrings.clear()
        self.memory.close()
        self.lab.engine.step()
