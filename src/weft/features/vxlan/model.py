"""Tunnels: made, deleted, found by what tells one from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from weft.core import memory
from weft.core.hashmap import HashMap
from weft.core.memory import atomic_store, shift_right, wrap
from weft.core.model import Invalid, model
from weft.core.node import NODES
from weft.features.fib.indices import Indices
from weft.features.interface.model import LINK_UP, DeviceClass, Flood, Interface, Interfaces
from weft.features.ip.model import ip_of
from weft.features.ip.protocols import Takers
from weft.features.ip.table import Table
from weft.features.ip.tracker import Tracker
from weft.features.ip4.model import Protocols
from weft.features.ip6.model import Protocols6
from weft.features.virtio.linux import random_mac
from weft.features.vxlan.group import GroupWays
from weft.features.vxlan.header import MAX_VNI, PORT, VNI_SHIFT
from weft.features.vxlan.layout import (
    BY_VERSION,
    MAX_TUNNELS,
    UP,
    WAY,
    Tunnel,
    ends_of,
    ident_of,
    key4,
    key6,
    tunnels,
    tunnels4,
    tunnels6,
)
from weft.features.vxlan.template import template_of

if TYPE_CHECKING:
    from weft.core.engine import Engine

Address: TypeAlias = IPv4Address | IPv6Address

MAX_INSTANCE = 0xFFFFFFFE
INPUT_NODES = {4: "vxlan4-input", 6: "vxlan6-input"}
ENCAP_NODES = {4: "vxlan4-encap", 6: "vxlan6-encap"}
BYPASS = {4: ("ip4-unicast", "ip4-vxlan-bypass"), 6: ("ip6-unicast", "ip6-vxlan-bypass")}
LAYER_2, LAYER_3 = "l2-input", "ip4-input"  #: where frames, and packets without Ethernet, go if nobody says


class Ends(Struct, frozen=True):
    """What tells a tunnel from all others: both addresses, our UDP port, the VNI, the underlay's table."""

    local: Address
    remote: Address
    vni: int
    port: int
    fib_index: int

    @property
    def version(self) -> int:
        return self.local.version

    @property
    def ident(self) -> int:
        return ident_of(self.fib_index, self.port, self.vni << VNI_SHIFT)

    @property
    def heard(self) -> tuple[int, int]:
        """Where its packets go to, and whom they come from; to a group's tunnel from anybody."""
        return (int(self.remote), 0) if self.remote.is_multicast else (int(self.local), int(self.remote))

    @property
    def key(self) -> int:
        """Where packet code looks for it."""
        local, remote = self.heard
        if self.version == 4:
            return key4(self.ident, ends_of(local, remote))
        return key6(self.ident, wrap(local >> 64), wrap(local), wrap(remote >> 64), wrap(remote))


@dataclass
class Record:
    """A tunnel."""

    index: int  #: of its row
    ends: Ends
    instance: int
    table: Table
    dst_port: int
    group_interface: Interface | None
    interface: Interface
    tracker: Tracker | None = None  #: follows the other end's route

    @property
    def row(self) -> Tunnel:
        found: Tunnel = tunnels[self.index]
        return found


def _admin(engine: Engine, interface: Interface) -> None:
    engine[Tunnels].set_up(interface)


def _delete(engine: Engine, interface: Interface) -> None:
    engine[Tunnels].forget(interface)


VXLAN = DeviceClass("VXLAN", tx="", admin=_admin, delete=_delete)
#: Without Ethernet in the tunnel: IP packets alone.
VXLAN_L3 = replace(VXLAN, ethernet=False)


@model
class Tunnels:
    """All tunnels, and the interfaces on which datagrams bypass the routing table."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._ports: dict[int, Takers] = {4: engine[Protocols], 6: engine[Protocols6]}
        self._tables = {4: HashMap(engine, tunnels4), 6: HashMap(engine, tunnels6)}
        self._indices = Indices("VXLAN tunnels", MAX_TUNNELS, first=1)
        self._groups = GroupWays(engine)
        self._by_ends: dict[tuple[int, tuple[int, int], int], Record] = {}
        self._by_interface: dict[int, Record] = {}
        self._instances: set[int] = set()

    def __iter__(self) -> Iterator[Record]:
        """In VPP's order: by number."""
        return iter(sorted(self._by_interface.values(), key=lambda record: record.index))

    def __len__(self) -> int:
        return len(self._by_interface)

    def find(self, interface: Interface) -> Record | None:
        """The tunnel that an interface is."""
        return self._by_interface.get(interface.sw_if_index)

    def table(self, version: int) -> HashMap:
        """The hash table in which packets of a version of IP are looked up."""
        return self._tables[version]

    def way_index(self, record: Record) -> int:
        """VPP's ``encap-dpo-idx``: the adjacency, or the load-balance, by which a tunnel's packets leave now; 0: they
        are dropped.
        """
        return shift_right(record.row.way, 32)

    # --- making and deleting

    def create(
        self,
        local: Address,
        remote: Address,
        vni: int,
        *,
        table_id: int = 0,
        src_port: int = 0,
        dst_port: int = 0,
        instance: int | None = None,
        decap_next: int | str | None = None,
        l3: bool = False,
        group_interface: Interface | None = None,
    ) -> Interface:
        """A tunnel from an address of ours to another, or to a group by an interface; it is up. ``decap_next``: where
        what comes out goes, a way out of the input nodes or its number. Port 0: IANA's. ``l3``: it carries IP packets,
        not frames. Raises Invalid.
        """
        ends, table = self._ends(local, remote, vni, table_id, src_port)
        way_out, flags = _way_out(ends.version, decap_next, l3)
        if remote.is_multicast and group_interface is None:
            raise Invalid(f"{remote} is a group: name the interface by which it is reached", "INVALID_SW_IF_INDEX")
        if self._found(ends):
            raise Invalid("tunnel already exists...", "TUNNEL_EXIST")
        if instance is not None and not 0 <= instance <= MAX_INSTANCE:
            raise Invalid(f"a tunnel's instance is 0 to {MAX_INSTANCE}, not {instance}", "INSTANCE_IN_USE")
        if instance in self._instances:
            raise Invalid("Instance is in use", "INSTANCE_IN_USE")
        index = self._indices.take()
        try:
            instance = self._free_instance(index) if instance is None else instance
            interface = self._add(index, instance, ends, l3)
        except Invalid:
            self._indices.give(index)
            raise
        if not remote.is_multicast:
            group_interface = None
        record = Record(index, ends, instance, table, dst_port or PORT, group_interface, interface)
        self._fill(record, way_out, flags)
        self._enter(record)
        self._interfaces.set_admin(interface, True)
        return interface

    def _ends(self, local: Address, remote: Address, vni: int, table_id: int, port: int) -> tuple[Ends, Table]:
        """What tells a tunnel from others, and the underlay's table. Raises Invalid."""
        if local.version != remote.version:
            raise Invalid(f"{local} and {remote}: both IPv4 and IPv6 addresses specified", "INVALID_VALUE")
        if local == remote:
            raise Invalid("src and dst addresses are identical", "SAME_SRC_DST")
        for address in (local, remote):
            if address.is_unspecified or address.is_link_local:
                raise Invalid(f"a tunnel cannot end at {address}: give an address that is routed")
        if local.is_multicast:
            raise Invalid(f"a tunnel cannot begin at the group {local}", "INVALID_SRC_ADDRESS")
        if not 0 <= vni <= MAX_VNI:
            raise Invalid(f"vni {vni} out of range", "INVALID_VALUE")
        table = ip_of(self._engine, local.version).tables[table_id]
        return Ends(local, remote, vni, port or PORT, table.fib_index), table

    def _found(self, ends: Ends) -> Record | None:
        return self._by_ends.get((ends.version, ends.heard, ends.ident))

    def _free_instance(self, index: int) -> int:
        """VPP's: the tunnel's number; or the next that is free."""
        return next(number for number in range(index - 1, MAX_INSTANCE) if number not in self._instances)

    def _add(self, index: int, instance: int, ends: Ends, l3: bool) -> Interface:
        """The port and the interface. Raises Invalid, and then nothing has changed."""
        self._ports[ends.version].add_port(ends.port, INPUT_NODES[ends.version])
        try:
            return self._interfaces.add(
                f"vxlan_tunnel{instance}",
                VXLAN_L3 if l3 else VXLAN,
                mac=0 if l3 else random_mac(),
                flags=LINK_UP,
                number=index,
                output=ENCAP_NODES[ends.version],
                flood=Flood.MASTER if ends.remote.is_multicast else Flood.TUNNEL,
            )
        except Invalid:
            self._ports[ends.version].remove_port(ends.port)
            raise

    def _fill(self, record: Record, way_out: int, flags: int) -> None:
        row, ends = record.row, record.ends
        local, remote = ends.heard
        memory.fill(row.address, 0, Tunnel.size)
        row.sw_if_index = record.interface.sw_if_index
        row.decap_next, row.flags, row.ident = way_out, flags, ends.ident
        if ends.version == 4:
            row.ends = ends_of(local, remote)
        else:
            row.local.high, row.local.low = wrap(local >> 64), wrap(local)
            row.remote.high, row.remote.low = wrap(remote >> 64), wrap(remote)
        memory.write(row.template, template_of(ends.local, ends.remote, ends.vni, record.dst_port))
        if record.group_interface is not None:
            self._groups.join(record.group_interface, ends.remote, row)
            record.table.followers += 1
        else:
            ip, table_id = ip_of(self._engine, ends.version), record.table.table_id
            record.tracker = ip.track(table_id, ends.remote, partial(_follow, row))
            _follow(row, record.tracker)

    def _enter(self, record: Record) -> None:
        """From now on packets find it."""
        ends = record.ends
        self._by_ends[ends.version, ends.heard, ends.ident] = record
        self._by_interface[record.interface.sw_if_index] = record
        self._instances.add(record.instance)
        if ends.version == 6:
            self._engine[Protocols6].allow_no_checksum(ends.port)
        table = self._tables[ends.version]
        record.row.next = table.get(ends.key)
        table[ends.key] = record.index

    def delete(self, local: Address, remote: Address, vni: int, *, table_id: int = 0, src_port: int = 0) -> Interface:
        """Delete a tunnel, and its interface, which is returned. Raises Invalid."""
        ends, _ = self._ends(local, remote, vni, table_id, src_port)
        record = self._found(ends)
        if record is None:
            raise Invalid("tunnel does not exist...", "NO_SUCH_ENTRY")
        self._interfaces.remove(record.interface)
        return record.interface

    def forget(self, interface: Interface) -> None:
        """The interface is being removed. Packets find it no more; ``Interfaces.remove`` waits until none has it."""
        record = self._by_interface.pop(interface.sw_if_index)
        ends = record.ends
        self._unlink(record)
        _close(record.row)
        del self._by_ends[ends.version, ends.heard, ends.ident]
        self._instances.discard(record.instance)
        self._ports[ends.version].remove_port(ends.port)
        if ends.version == 6 and not self._ports[6].takes(ends.port):
            self._engine[Protocols6].allow_no_checksum(ends.port, False)
        if record.tracker is not None:
            record.tracker.stop()
        elif record.group_interface is not None:
            self._groups.leave(record.group_interface, ends.remote, record.row)
            record.table.followers -= 1
        self._indices.give(record.index)

    def _unlink(self, record: Record) -> None:
        """Take a tunnel out of the hash table, and from between others with its key."""
        table, key = self._tables[record.ends.version], record.ends.key
        here = table.get(key)
        if here == record.index:
            if record.row.next:
                table[key] = record.row.next
            else:
                del table[key]
            return
        while tunnels[here].next != record.index:
            here = tunnels[here].next
        tunnels[here].next = record.row.next

    # --- changing

    def set_up(self, interface: Interface) -> None:
        """Let packets out of a tunnel come in, or not, as its interface is up or down."""
        row = self._by_interface[interface.sw_if_index].row
        row.flags = row.flags | UP if interface.admin_up else row.flags & ~UP

    def set_bypass(self, interface: Interface, version: int, on: bool = True) -> None:
        """Take tunnels' datagrams that come in by an interface without looking their way up, or as all others."""
        arc, node = BYPASS[version]
        self._engine.graph.enable(arc, node, interface.sw_if_index, on)


def _close(row: Tunnel) -> None:
    """Nothing comes out of a tunnel any more, also where a worker thinks of it first."""
    row.flags = row.ends = 0
    row.local.high = row.local.low = row.remote.high = row.remote.low = 0


def _follow(row: Tunnel, tracker: Tracker) -> None:
    """The way to the other end is this now."""
    atomic_store(row.address + WAY, tracker.word)


def _way_out(version: int, wanted: int | str | None, l3: bool) -> tuple[int, int]:
    """The number of a way out of the input node, and the row's flags. Raises Invalid."""
    ways = NODES[INPUT_NODES[version]].nexts
    if wanted is None:
        return ways.index(LAYER_3 if l3 else LAYER_2), BY_VERSION if l3 else 0
    if isinstance(wanted, str):
        if wanted not in ways:
            raise Invalid(f"next node not found: {wanted}; there are {', '.join(ways)}", "INVALID_DECAP_NEXT")
        return ways.index(wanted), 0
    if not 0 <= wanted < len(ways):
        names = ", ".join(f"{number} ({name})" for number, name in enumerate(ways))
        raise Invalid(f"{INPUT_NODES[version]} has no way out {wanted}; it has {names}", "INVALID_DECAP_NEXT")
    return wanted, 0
