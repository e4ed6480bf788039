"""What is kept in etcd, declared once: each record is JSON with the version of its form.

Whoever reads a record checks all of it here: a value that does not fit raises `Malformed` with the reason, and belongs
to its key alone.
"""

from __future__ import annotations

import ipaddress
import re
import time
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from weft_openstack.store.etcd import Item

VERSION = 1  #: of the records' form; a reader takes this one and older ones

Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")]
Mac = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$")]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Path = Annotated[str, Meta(pattern=r"^/[^\x00]{1,106}$")]  # sockaddr_un holds 108 bytes with the zero behind it
Device = Annotated[str, Meta(pattern=r"^[^\s/:\x00]{1,15}$")]  # Linux: IFNAMSIZ is 16
Mtu = Annotated[int, Meta(ge=0, le=65535)]  # 0: not known
Revision = Annotated[int, Meta(ge=0)]
Vlan = Annotated[int, Meta(ge=1, le=4094)]

#: What the number of a segment may be (IEEE 802.1Q 9.6; RFC 7348 5).
NUMBERS = {"flat": None, "vlan": range(1, 4095), "vxlan": range(1, 1 << 24)}


class Malformed(ValueError):
    """A value that is no record; says what is wrong."""


class Segment(Struct, frozen=True, kw_only=True):
    """Where a network is on the wire."""

    id: Uuid
    type: Literal["flat", "vlan", "vxlan"]
    physnet: Name | None = None
    number: int | None = None  #: VLAN or VNI

    def __post_init__(self) -> None:
        allowed = NUMBERS[self.type]
        if allowed is None:
            if self.number is not None:
                raise ValueError(f"a {self.type} segment has no number, not {self.number}")
        elif self.number not in allowed:
            raise ValueError(f"the number of a {self.type} segment is {allowed[0]} to {allowed[-1]}, not {self.number}")
        if (self.physnet is None) != (self.type == "vxlan"):
            raise ValueError(f"a {self.type} segment with the physical network {self.physnet}")


class VhostUser(Struct, frozen=True, tag="vhost-user"):
    """A virtual machine, which listens on the socket."""

    socket: Path


class HostInterface(Struct, frozen=True, tag="host-interface"):
    """A Linux device: the near end of the veth of a DHCP or router port."""

    device: Device


class SubPort(Struct, frozen=True, tag="sub-port"):
    """Frames with a VLAN tag of another port: a trunk's."""

    parent: Uuid
    vlan: Vlan


Attachment = VhostUser | HostInterface | SubPort


class AddressPair(Struct, frozen=True):
    """Another address that a port may use (Neutron's allowed address pairs)."""

    mac: Mac
    ip: str


class Record(Struct, frozen=True, kw_only=True):
    """What all records have."""

    version: int = VERSION


class Port(Record, frozen=True, kw_only=True):
    """``hosts/HOST/ports/PORT``: what a host should have for a port. Written by the driver."""

    revision: Revision  #: Neutron's revision_number
    written: float = 0.0  #: when, in seconds since 1970
    network: Uuid
    segment: Segment
    mac: Mac
    attachment: Attachment
    admin_up: bool = True
    active: bool = True  #: false where a virtual machine is about to migrate to
    mtu: Mtu = 0
    ips: tuple[str, ...] = ()
    owner: str = ""  #: Neutron's device_owner
    pairs: tuple[AddressPair, ...] = ()

    def __post_init__(self) -> None:
        _check_addresses(self.ips)
        for pair in self.pairs:
            try:
                ipaddress.ip_network(pair.ip, strict=False)
            except ValueError as error:
                raise ValueError(f"an address pair's {error}") from None


class Location(Record, frozen=True, kw_only=True):
    """``networks/NETWORK/ports/PORT``: on which host a port of a tunnelled network is. Written by the driver."""

    revision: Revision
    host: Host
    mac: Mac
    ips: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_addresses(self.ips)


class Endpoint(Record, frozen=True, kw_only=True):
    """``vteps/HOST``: where a host's tunnels end. Written by its agent; it stays when the agent goes."""

    address: str

    def __post_init__(self) -> None:
        _check_addresses((self.address,))


class Agent(Record, frozen=True, kw_only=True):
    """``state/HOST/agent``: an agent that lives. Written by it, with its lease."""

    agent: str  #: its version
    forwarder: str  #: what the forwarder says it is, or why there is none
    physnets: dict[str, str]
    tunnels: bool
    vhost_user_dir: str
    machine: str  #: which machine and lock; the same agent after a restart
    pid: int
    started: float
    ports: int = 0
    failed: int = 0
    ready: bool = False  #: the forwarder answers
    problems: dict[str, str] = {}  #: a key, a tag or a name -> what is wrong with what no port of its own stands on


class PortState(Record, frozen=True, kw_only=True):
    """``state/HOST/ports/PORT``: what became of a port on a host. Written by the agent, with its lease."""

    status: Literal["up", "down", "failed"]
    since: float  #: seconds since 1970
    reason: str = ""
    at: Revision = 0  #: the etcd revision of the port's record that this is about
    interface: str = ""
    sw_if_index: int = -1
    plan: tuple[str, ...] = ()  #: operations that are left to do


R = TypeVar("R", bound=Record)

_encoder = msgspec.json.Encoder(order="deterministic")
_decoders: dict[type[Record], msgspec.json.Decoder[Any]] = {}
_version = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """The JSON of a record."""
    return _encoder.encode(record)


def decode(kind: type[R], value: bytes) -> R:
    """The record of a kind that a value is. Raises Malformed."""
    try:
        version = _version.decode(value).version
        if not 1 <= version <= VERSION:
            raise Malformed(f"a record of version {version}; versions 1 to {VERSION} are understood here")
        if kind not in _decoders:
            _decoders[kind] = msgspec.json.Decoder(kind)
        return cast(R, _decoders[kind].decode(value))
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no {kind.__name__.lower()}: {re.sub(r'[^ -~]', '?', str(error))}") from None


def read(kind: type[R], item: Item) -> R:
    """The record of a kind that an item holds, which is decoded once. Raises Malformed."""
    record = item.made.get(kind)
    if record is None:
        record = item.made[kind] = decode(kind, item.value)
    return cast(R, record)


def same(record: Record, value: bytes) -> bool:
    """Whether a value says what a record says. Neutron's revision alone says nothing: a port's status changes it."""
    try:
        there = decode(type(record), value)
    except Malformed:
        return False
    return _with(there, **_BARE) == _with(record, **_BARE)


def stamped(record: R) -> R:
    """The record as written now."""
    return _with(record, written=time.time())


_BARE = {"revision": 0, "written": 0.0}


def _with(record: R, **values: Any) -> R:
    """A record with other values, as far as it has these fields."""
    return msgspec.structs.replace(record, **{k: v for k, v in values.items() if k in record.__struct_fields__})


def _check_addresses(addresses: tuple[str, ...]) -> None:
    for address in addresses:
        ipaddress.ip_address(address)
