"""Sub-interfaces by VLAN tags, and the protocols behind Ethernet.

The control side resolves sub-interfaces into tables that packet code just reads: for each port and kind of outer tag
(802.1Q, 802.1ad), by outer VLAN, the sub-interface of frames with one tag, with two, and with more; with two and more
by inner VLAN too.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weft.core import arena, memory
from weft.core.graph import MAX_INTERFACES
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT
from weft.core.view import Array, Ref, Rows, View, times, u32
from weft.features.ethernet.header import (
    ANY_VLAN,
    ARP,
    DOT1AD,
    DOT1Q,
    FIRST_TYPE,
    HEADER,
    IP4,
    IP6,
    MPLS,
    TAG,
    EthernetHeader,
    VlanTag,
)
from weft.features.interface.model import UNTAGGED_ELSEWHERE, Interface, Interfaces, SubInterface

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = [
    "ARP",
    "DOT1AD",
    "DOT1Q",
    "HEADER",
    "IP4",
    "IP6",
    "MPLS",
    "TAG",
    "Ethernet",
    "EthernetHeader",
    "VlanTag",
    "create_sub_interface",
    "delete_sub_interface",
    "ethertype_nodes",
    "register_input",
    "rewrite",
    "say",
]

VLANS = 4096


class InnerVlan(View):
    """The sub-interfaces of one outer and one inner VLAN; 0: none."""

    two: u32  # frames with two tags
    more: u32  # with three and more


class OuterVlan(View):
    """The sub-interfaces of one outer VLAN, for frames with two tags and more; 0: none."""

    two: u32
    more: u32
    inner: Rows[InnerVlan]  # by inner VLAN; 0: no inner VLAN is special


class VlanTable(View):
    """The sub-interfaces of a port by outer VLAN. The last row is for any."""

    one: Array[u32] = times(VLANS + 1)  # frames with one tag
    pad: u32
    outer: Array[OuterVlan] = times(VLANS + 1)


class Port(View, settled=True):
    """A device's interface as ``ethernet-input`` sees it."""

    dot1q: Ref[VlanTable]  # 0: no sub-interface has such an outer tag
    dot1ad: Ref[VlanTable]
    default: u32  # the sub-interface of tagged frames that are nobody else's; 0: none
    untagged: u32  # that of frames without a tag; 0: the interface itself


ports = arena.table("ethernet-ports", Port, MAX_INTERFACES)

#: By ethertype, the node (``DIRECT | node``, to be returned by nodes) that takes its packets, at their layer 3.
ethertype_nodes = arena.table("ethertype-nodes", u32, 1 << 16)

_inputs: dict[int, str] = {}


def register_input(ethertype: int, node: str) -> None:
    """Say at import which node takes a protocol's packets, ``current_data`` at their layer 3."""
    if _inputs.setdefault(ethertype, node) != node:
        raise ValueError(f"ethertype {ethertype:#06x} goes to {_inputs[ethertype]}, so not to {node}")


@dataclass
class Vlan:
    """The sub-interfaces of one outer VLAN, on the control side."""

    one: Interface | None = None
    any_inner: Interface | None = None
    inner: dict[int, Interface] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.one or self.any_inner or self.inner)


@model
class Ethernet:
    """The control side: which sub-interface takes which tags."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._vlans: dict[tuple[int, bool, int], Vlan] = {}
        #: By port, the memory of its tables.
        self._tables: dict[int, list[int]] = {}
        self._interfaces.watch("removed", self._forget)
        graph = engine.graph
        unknown = DIRECT | graph["ethernet-input-unknown"].index
        llc = DIRECT | graph["llc-input"].index
        start = [llc] * FIRST_TYPE + [unknown] * ((1 << 16) - FIRST_TYPE)
        memory.write(ethertype_nodes.address, array("I", start).tobytes())
        for ethertype, node in _inputs.items():
            ethertype_nodes[ethertype] = DIRECT | graph[node].index

    def add(self, parent: Interface, sub: SubInterface) -> Interface:
        """A sub-interface. Raises Invalid if it cannot be, or takes what another has already."""
        self._check(parent, sub)
        made = self._interfaces.add_sub(parent, sub)
        port = ports[parent.sw_if_index]
        if sub.default:
            port.default = made.sw_if_index
        elif sub.untagged:
            port.untagged = made.sw_if_index
            self._interfaces.set_flag(parent, UNTAGGED_ELSEWHERE, True)
        else:
            vlan = self._vlan(parent, sub)
            if sub.tags == 1:
                vlan.one = made
            elif sub.inner is None:
                vlan.any_inner = made
            else:
                vlan.inner[sub.inner] = made
            self._publish(parent, sub)
        return made

    def _check(self, parent: Interface, sub: SubInterface) -> None:
        if parent.sup is not None:
            raise Invalid(f"{parent.name} is a sub-interface and can have none itself")
        if not parent.device.ethernet:
            raise Invalid(f"{parent.name} is no Ethernet interface")
        if not 0 <= sub.id <= 0xFFFFFFFF:
            raise Invalid(f"a sub-interface's number is 0 to 4294967295, not {sub.id}")
        if sub.id in parent.subs:
            raise Invalid(f"sub-interface {parent.name}.{sub.id} already exists", "VLAN_ALREADY_EXISTS")
        if sub.tags not in (1, 2) and not (sub.default or sub.untagged):
            raise Invalid(f"a sub-interface's frames have 1 or 2 tags, not {sub.tags}")
        for vlan in (sub.outer, sub.inner):
            if vlan is not None and not 0 < vlan < VLANS - 1:
                raise Invalid(f"a VLAN is 1 to {VLANS - 2}, not {vlan}")
        taken = self._taken(parent, sub)
        if taken is not None:
            raise Invalid(f"vlan is already in use: {taken.name} has it", "VLAN_ALREADY_EXISTS")

    def _taken(self, parent: Interface, sub: SubInterface) -> Interface | None:
        """Who takes the same frames already."""
        port = ports[parent.sw_if_index]
        if sub.default or sub.untagged:
            index = port.default if sub.default else port.untagged
            return self._interfaces[index] if index else None
        vlan = self._vlans.get((parent.sw_if_index, sub.dot1ad, _row(sub.outer)), Vlan())
        if sub.tags == 1:
            return vlan.one
        return vlan.any_inner if sub.inner is None else vlan.inner.get(sub.inner)

    def _vlan(self, parent: Interface, sub: SubInterface) -> Vlan:
        return self._vlans.setdefault((parent.sw_if_index, sub.dot1ad, _row(sub.outer)), Vlan())

    def _publish(self, parent: Interface, sub: SubInterface) -> None:
        """Write what is known of a sub-interface's VLANs into the table that packet code reads."""
        port = ports[parent.sw_if_index]
        table = port.dot1ad if sub.dot1ad else port.dot1q
        if table.address == 0:
            table = VlanTable(self._allocate(parent, VlanTable.size))
            if sub.dot1ad:
                port.dot1ad = table
            else:
                port.dot1q = table
        vlan, row = self._vlan(parent, sub), _row(sub.outer)
        outer = table.outer[row]
        if sub.inner is not None:
            if outer.inner.address == 0:
                outer.inner = self._allocate(parent, VLANS * InnerVlan.size)
            inner = outer.inner[sub.inner]
            inner.two = _index(vlan.inner.get(sub.inner))
            inner.more = _index(vlan.inner.get(sub.inner), exact=False)
        table.one[row] = _index(vlan.one)
        outer.two = _index(vlan.any_inner) or _index(vlan.one, exact=False)
        outer.more = _index(vlan.any_inner, exact=False) or _index(vlan.one, exact=False)

    def _allocate(self, parent: Interface, size: int) -> int:
        address = self._engine.arena.allocate(size)
        self._tables.setdefault(parent.sw_if_index, []).append(address)
        return address

    def _forget(self, interface: Interface) -> None:
        if interface.sup is None:
            self._forget_port(interface)
            return
        parent, sub = interface.sup, interface.sub
        assert sub is not None
        port = ports[parent.sw_if_index]
        if sub.default or sub.untagged:
            if sub.default:
                port.default = 0
            else:
                self._interfaces.set_flag(parent, UNTAGGED_ELSEWHERE, False)
                port.untagged = 0
            return
        vlan = self._vlan(parent, sub)
        if sub.tags == 1:
            vlan.one = None
        elif sub.inner is None:
            vlan.any_inner = None
        else:
            del vlan.inner[sub.inner]
        self._publish(parent, sub)
        if not vlan:
            del self._vlans[parent.sw_if_index, sub.dot1ad, _row(sub.outer)]

    def _forget_port(self, interface: Interface) -> None:
        """A device's interface goes, after its sub-interfaces: give its tables back."""
        port = ports[interface.sw_if_index]
        port.dot1q, port.dot1ad = VlanTable(0), VlanTable(0)
        port.default = port.untagged = 0
        tables = self._tables.pop(interface.sw_if_index, [])
        if tables:
            self._engine.workers.quiesce()
        for address in tables:
            self._engine.arena.release(address)


def _row(outer: int | None) -> int:
    """The row of a VLAN table for an outer VLAN."""
    return ANY_VLAN if outer is None else outer


def _index(interface: Interface | None, exact: bool = True) -> int:
    """An interface's number in a table; 0 if there is none, or if it takes exact matches only and this is none."""
    if interface is None or interface.sub is None or (interface.sub.exact and not exact):
        return 0
    return interface.sw_if_index


def create_sub_interface(engine: Engine, parent: Interface, sub: SubInterface) -> Interface:
    """A sub-interface of a device's interface, down."""
    return engine[Ethernet].add(parent, sub)


def delete_sub_interface(engine: Engine, interface: Interface) -> None:
    """Delete a sub-interface, and what features keep of it."""
    if interface.sub is None:
        raise Invalid(f"{interface.name} is no sub-interface", "INVALID_SUB_SW_IF_INDEX")
    engine[Interfaces].remove(interface)


def say(engine: Engine, interface: Interface, destination: int, ethertype: int, packet: bytes) -> None:
    """Send a packet by an interface that is up, behind an Ethernet header to ``destination`` if it has Ethernet."""
    if interface.is_up:
        header = rewrite(interface, destination, ethertype) if interface.device.ethernet else b""
        output = engine.graph.instances[interface.row.output_node & ~DIRECT].name
        index = interface.sw_if_index
        engine.workers.inject(header + packet, output, rx_sw_if_index=index, tx_sw_if_index=index)


def rewrite(interface: Interface, destination: int, ethertype: int) -> bytes:
    """The Ethernet header, with the interface's tags, in front of a packet for ``destination`` (a ``mac`` number)."""
    row, sub = interface.row, interface.sub
    types: list[int] = []
    tags: list[int] = []
    if sub is not None and row.tags:
        types = [DOT1AD if sub.dot1ad else DOT1Q, DOT1Q][: row.tags]
        tags = [row.outer_id, row.inner_id][: row.tags]
    words = types[:1]
    for position, tag in enumerate(tags):
        words += [tag, types[position + 1] if position + 1 < len(types) else ethertype]
    addresses = destination.to_bytes(6, "little") + int(row.mac).to_bytes(6, "little")
    return addresses + b"".join(word.to_bytes(2, "big") for word in words or [ethertype])
