"""The messages of vhost-user: what a front end asks, with which payload and file descriptors, and what is answered.

The specification is QEMU's ``docs/interop/vhost-user.rst``.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from msgspec import Struct

HEADER = struct.Struct("<III")  #: request, flags, size of the payload
VERSION = 1
VERSION_MASK, REPLY, NEED_REPLY = 3, 1 << 2, 1 << 3
MAX_TABLE_REGIONS = 8  #: in one SET_MEM_TABLE
MAX_PAYLOAD = 4096

# In the payload of SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR.
VRING_INDEX_MASK = 0xFF
VRING_NO_FD = 1 << 8
# VringAddresses.flags
VRING_F_LOG = 1


class Malformed(Exception):
    """A front end does not keep to the protocol; its connection ends."""


class Failed(Exception):
    """A request that is in order cannot be fulfilled."""


class WithFds(Struct, frozen=True):
    """An answer that file descriptors go with; they are closed here once they are sent."""

    value: Any
    fds: list[int]


class U64(NamedTuple):
    value: int


class VringState(NamedTuple):
    vring: int
    num: int


class VringAddresses(NamedTuple):
    """Where a ring is, as virtual addresses of the front end; ``log`` is a guest address."""

    vring: int
    flags: int
    descriptors: int
    used: int
    available: int
    log: int


class RegionPayload(NamedTuple):
    guest: int
    size: int
    user: int
    mmap_offset: int


class LogPayload(NamedTuple):
    size: int
    offset: int


class InflightPayload(NamedTuple):
    size: int
    offset: int
    queues: int
    queue_size: int


class Payload:
    """How a payload is laid out: a struct whose fields fill a tuple."""

    def __init__(self, layout: str, kind: Any) -> None:
        self.struct, self.kind = struct.Struct("<" + layout), kind

    def read(self, data: bytes) -> Any:
        if len(data) != self.struct.size:
            raise Malformed(f"its payload has {len(data)} bytes, not {self.struct.size}")
        return self.kind(*self.struct.unpack(data))

    def write(self, value: Any) -> bytes:
        return self.struct.pack(*value)


class Nothing(Payload):
    """No payload, or one without meaning."""

    def __init__(self) -> None:
        super().__init__("", tuple)

    def read(self, data: bytes) -> None:
        return None


class MemoryTable(Payload):
    """A count, four bytes of nothing, and so many regions."""

    def __init__(self) -> None:
        super().__init__("II", tuple)
        self._region = struct.Struct("<QQQQ")

    def read(self, data: bytes) -> list[RegionPayload]:
        if len(data) < self.struct.size:
            raise Malformed(f"its payload has {len(data)} bytes, which is no memory table")
        count, _ = self.struct.unpack_from(data)
        end = self.struct.size + count * self._region.size
        whole = self.struct.size + MAX_TABLE_REGIONS * self._region.size
        if count > MAX_TABLE_REGIONS or len(data) not in (end, whole):
            raise Malformed(f"its payload has {len(data)} bytes for {count} regions")
        return [RegionPayload(*each) for each in self._region.iter_unpack(data[self.struct.size : end])]


NONE = Nothing()
NUMBER = Payload("Q", U64)
STATE = Payload("II", VringState)
ADDRESSES = Payload("IIQQQQ", VringAddresses)
TABLE = MemoryTable()
REGION = Payload("8xQQQQ", RegionPayload)
LOG = Payload("QQ", LogPayload)
INFLIGHT = Payload("QQHH4x", InflightPayload)


class Request(Struct, frozen=True):
    """A message of the front end. It is carried out by the back end's method of its name in small letters, which takes
    the payload, and the descriptors if ``fds`` allows for any.
    """

    number: int
    name: str
    payload: Payload = NONE
    #: How many file descriptors may come with it, at the least and at the most.
    fds: tuple[int, int] = (0, 0)
    #: What is answered; None: nothing, unless the front end wants an acknowledgement.
    answer: Payload | None = None

    @property
    def handler(self) -> str:
        return self.name.lower()


REQUESTS = {
    request.number: request
    for request in (
        Request(1, "GET_FEATURES", answer=NUMBER),
        Request(2, "SET_FEATURES", NUMBER),
        Request(3, "SET_OWNER"),
        Request(4, "RESET_OWNER"),
        Request(5, "SET_MEM_TABLE", TABLE, fds=(0, MAX_TABLE_REGIONS)),
        Request(6, "SET_LOG_BASE", LOG, fds=(1, 1), answer=NUMBER),
        Request(7, "SET_LOG_FD", NONE, fds=(0, 1)),
        Request(8, "SET_VRING_NUM", STATE),
        Request(9, "SET_VRING_ADDR", ADDRESSES),
        Request(10, "SET_VRING_BASE", STATE),
        Request(11, "GET_VRING_BASE", STATE, answer=STATE),
        Request(12, "SET_VRING_KICK", NUMBER, fds=(0, 1)),
        Request(13, "SET_VRING_CALL", NUMBER, fds=(0, 1)),
        Request(14, "SET_VRING_ERR", NUMBER, fds=(0, 1)),
        Request(15, "GET_PROTOCOL_FEATURES", answer=NUMBER),
        Request(16, "SET_PROTOCOL_FEATURES", NUMBER),
        Request(17, "GET_QUEUE_NUM", answer=NUMBER),
        Request(18, "SET_VRING_ENABLE", STATE),
        Request(19, "SEND_RARP", NUMBER),
        Request(20, "NET_SET_MTU", NUMBER),
        Request(31, "GET_INFLIGHT_FD", INFLIGHT, answer=INFLIGHT),
        Request(32, "SET_INFLIGHT_FD", INFLIGHT, fds=(1, 1)),
        Request(34, "RESET_DEVICE"),
        Request(36, "GET_MAX_MEM_SLOTS", answer=NUMBER),
        Request(37, "ADD_MEM_REG", REGION, fds=(1, 1)),
        Request(38, "REM_MEM_REG", REGION, fds=(0, 1)),
        Request(39, "SET_STATUS", NUMBER),
        Request(40, "GET_STATUS", answer=NUMBER),
    )
}
