"""Interfaces as packet code and as the control side see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core import arena, memory
from weft.core.counters import combined, simple
from weft.core.graph import MAX_INTERFACES, arc
from weft.core.model import Invalid, model
from weft.core.runtime import DIRECT
from weft.core.view import Bytes, View, mac, times, u8, u16, u32
from weft.features.interface.address import show_mac

if TYPE_CHECKING:
    from weft.core.engine import Engine

NONE = 0xFFFFFFFF  #: no interface
MAX_NAME = 63  #: characters, as in VPP's API

# SwInterface.flags
ADMIN_UP = 1 << 0
LINK_UP = 1 << 1
SUB = 1 << 2
BRIDGED = 1 << 3  #: packets go to l2-input, not to layer 3
CHECKSUM_OFFLOAD = 1 << 4  #: takes packets that still owe a checksum
GSO = 1 << 5  #: takes packets that are larger than the MTU, to be segmented further on
NO_ETHERNET = 1 << 6  #: has no layer 2: packets are IP
PROMISCUOUS = 1 << 7  #: the device delivers frames for any destination
UNTAGGED_ELSEWHERE = 1 << 8  #: frames without a tag are not its own, but a sub-interface's
PUNTED = 1 << 9  #: forwards nothing: all that comes in is punted
GSO_TCP_ONLY = 1 << 10  #: of large packets it takes TCP segments only


class SwInterface(View, apart=True, settled=True):
    """A software interface: a device's own, or a sub-interface. One cache line."""

    flags: u32
    sup_sw_if_index: u32  # the device's interface; its own index if it is that
    output_node: u32  # to be returned by a node: ``itf.output_node``
    tx_node: u32  # likewise
    mac: mac
    mtu: u16  # of layer 3, bytes without the Ethernet header
    outer_id: u16
    inner_id: u16
    tags: u8  # how many tags a sub-interface's frames have
    outer_ad: u8  # the outer tag is 802.1ad
    mtu_ip4: u16  # 0: as ``mtu``
    mtu_ip6: u16
    mtu_mpls: u16
    device: u32  # the driver's own number for it
    reserved: Bytes = times(24)


assert SwInterface.size == 64

sw_interfaces = arena.table("sw-interfaces", SwInterface, MAX_INTERFACES)

# As VPP's statistics segment names them.
rx = combined("/if/rx", MAX_INTERFACES)
tx = combined("/if/tx", MAX_INTERFACES)
rx_unicast = combined("/if/rx-unicast", MAX_INTERFACES)
rx_multicast = combined("/if/rx-multicast", MAX_INTERFACES)
rx_broadcast = combined("/if/rx-broadcast", MAX_INTERFACES)
tx_unicast = combined("/if/tx-unicast", MAX_INTERFACES)
tx_multicast = combined("/if/tx-multicast", MAX_INTERFACES)
tx_broadcast = combined("/if/tx-broadcast", MAX_INTERFACES)
drops = simple("/if/drops", MAX_INTERFACES)
punts = simple("/if/punt", MAX_INTERFACES)
ip4_packets = simple("/if/ip4", MAX_INTERFACES)
ip6_packets = simple("/if/ip6", MAX_INTERFACES)
rx_no_buf = simple("/if/rx-no-buf", MAX_INTERFACES)
rx_miss = simple("/if/rx-miss", MAX_INTERFACES)
rx_error = simple("/if/rx-error", MAX_INTERFACES)
tx_error = simple("/if/tx-error", MAX_INTERFACES)
mpls_packets = simple("/if/mpls", MAX_INTERFACES)

#: Counters as ``show interface`` prints them, in its order.
COMBINED = {
    "rx": rx,
    "rx-unicast": rx_unicast,
    "rx-multicast": rx_multicast,
    "rx-broadcast": rx_broadcast,
    "tx": tx,
    "tx-unicast": tx_unicast,
    "tx-multicast": tx_multicast,
    "tx-broadcast": tx_broadcast,
}
SIMPLE = {
    "drops": drops,
    "punt": punts,
    "ip4": ip4_packets,
    "ip6": ip6_packets,
    "rx-no-buf": rx_no_buf,
    "rx-miss": rx_miss,
    "rx-error": rx_error,
    "tx-error": tx_error,
    "mpls": mpls_packets,
}

#: Features of a device's received packets, before ``ethernet-input``.
device_input = arc("device-input", end="ethernet-input")
#: Features of packets that leave by an interface, by its sw_if_index, before its tx node.
interface_output = arc("interface-output", end="interface-tx")
#: Features of packets that are dropped, by the interface that they came in by (local0, if by none).
error_drop_arc = arc("error-drop", end="drop")


class DeviceClass(Struct, frozen=True):
    """A kind of device: what its driver does at the interface's turns."""

    name: str  #: VPP's, as shown by ``show hardware-interfaces``
    tx: str  #: the template of ``<name>-tx``
    ethernet: bool = True
    #: Called with (engine, interface) after its admin state has changed; may raise Invalid.
    admin: Callable[[Engine, Interface], None] | None = None
    #: Called before the interface goes.
    delete: Callable[[Engine, Interface], None] | None = None
    #: Lines of ``show hardware-interfaces`` about it.
    describe: Callable[[Engine, Interface], str] | None = None
    #: Called with (engine, interface) after its MAC address was asked to change.
    mac: Callable[[Engine, Interface], None] | None = None
    #: Called with (engine, interface) after its flag PROMISCUOUS has changed.
    promiscuous: Callable[[Engine, Interface], None] | None = None


@dataclass
class SubInterface:
    """How a sub-interface's frames are recognised (VPP's ``create sub-interfaces``)."""

    id: int
    outer: int | None = None  #: None: any
    inner: int | None = None
    tags: int = 1
    dot1ad: bool = False
    exact: bool = True
    default: bool = False
    untagged: bool = False
    inner_any: bool = False
    outer_any: bool = False


class Flood(Enum):
    """How a bridge domain floods to an interface."""

    NORMAL = "normal"
    MASTER = "tunnel-master"  #: it reaches all that the tunnels reach
    TUNNEL = "tunnel"  #: not, if there is a master


@dataclass
class Interface:
    """A software interface on the control side."""

    sw_if_index: int
    name: str
    device: DeviceClass
    sup: Interface | None = None
    sub: SubInterface | None = None
    hw_if_index: int = NONE
    subs: dict[int, Interface] = field(default_factory=dict)
    tag: str = ""
    #: The driver's own record.
    private: object = None
    speed: int = 0  #: kbit/s; 0: unknown
    link_mtu: int = 0  #: the largest packet that a device takes, without the Ethernet header
    flood: Flood = Flood.NORMAL
    output: str = ""  #: the node that takes all that leaves by it; else ``<name>-output`` and ``<name>-tx`` do

    @property
    def row(self) -> SwInterface:
        row: SwInterface = sw_interfaces[self.sw_if_index]
        return row

    @property
    def admin_up(self) -> bool:
        return bool(self.row.flags & ADMIN_UP)

    @property
    def link_up(self) -> bool:
        return bool((self.sup or self).row.flags & LINK_UP)

    @property
    def is_up(self) -> bool:
        """Whether packets can leave by it: the link is there, and it and its parent are administratively up."""
        return self.admin_up and self.link_up and (self.sup is None or self.sup.admin_up)

    @property
    def mac(self) -> str:
        return show_mac(self.row.mac)


@model
class Interfaces:
    """All interfaces. ``watchers`` hear what happens to them: see ``watch``."""

    EVENTS = ("added", "removed", "admin", "link", "up", "mac", "mtu", "renamed")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_index: dict[int, Interface] = {}
        self._in_order = True
        self.by_name: dict[str, Interface] = {}
        self._free: list[int] = []
        self._free_hw: list[int] = []
        self._next = self._next_hw = 0
        self._watchers: dict[str, list[Callable[[Interface], None]]] = {event: [] for event in self.EVENTS}
        #: What ``show interface address`` says of an interface, below its name: features add functions.
        self.address_lines: list[Callable[[Interface], list[str]]] = []
        #: What ``show interface features`` says of an interface after the arcs: features add functions.
        self.feature_lines: list[Callable[[Interface], list[str]]] = []
        #: What ``show mode`` says of an interface that is not in layer-3 mode (else None): features add functions.
        self.modes: list[Callable[[Interface], str | None]] = []
        self.add("local0", LOCAL, mtu=0)

    def watch(self, event: str, action: Callable[[Interface], None]) -> None:
        """Let ``action`` be called after an event: added, removed (before it goes), admin, link, up (``is_up`` is so
        from now on), mac, mtu, renamed.
        """
        self._watchers[event].append(action)

    def _tell(self, event: str, interface: Interface) -> None:
        for action in self._watchers[event]:
            action(interface)

    def __iter__(self) -> Iterator[Interface]:
        """By number."""
        if not self._in_order:
            self.by_index = dict(sorted(self.by_index.items()))
            self._in_order = True
        return iter(self.by_index.values())

    def __getitem__(self, which: int | str) -> Interface:
        """An interface by sw_if_index or by name."""
        found = self.by_index.get(which) if isinstance(which, int) else self.by_name.get(which)
        if found is None:
            raise Invalid(f"unknown interface `{which}'", "INVALID_SW_IF_INDEX")
        return found

    # --- making and removing

    def add(
        self,
        name: str,
        device: DeviceClass,
        *,
        mac: int = 0,
        mtu: int = 9000,
        flags: int = 0,
        private: object = None,
        number: int = 0,
        output: str = "",
        flood: Flood = Flood.NORMAL,
    ) -> Interface:
        """A device's interface. ``mac`` as the view type of that name; ``number`` is kept in the row's ``device``.
        ``output`` names the node that takes all packets which leave by it, instead of nodes of its own.
        """
        if name in self.by_name:
            raise Invalid(f"interface {name} already exists")
        interface = Interface(self._number(), name, device, private=private, link_mtu=mtu)
        interface.flood, interface.output = flood, output
        interface.hw_if_index = self._free_hw.pop() if self._free_hw else self._next_hw
        self._next_hw = max(self._next_hw, interface.hw_if_index + 1)
        self._clear(interface)
        row, graph = interface.row, self._engine.graph
        tx_name, output_name = (output, output) if output else (f"{name}-tx", f"{name}-output")
        if not output:
            graph.add(tx_name, device.tx, interface.sw_if_index)
            graph.add(output_name, "interface-output-template", interface.sw_if_index, {"interface-tx": tx_name})
        row.sup_sw_if_index = interface.sw_if_index
        row.tx_node = DIRECT | graph[tx_name].index
        row.output_node = DIRECT | graph[output_name].index
        row.mac, row.mtu, row.device = mac, mtu, number
        row.flags = flags | (0 if device.ethernet else NO_ETHERNET)
        return self._enter(interface)

    def add_sub(self, parent: Interface, sub: SubInterface) -> Interface:
        """A sub-interface's record. ``ethernet`` checks and wires it: see its ``create_sub_interface``."""
        name = f"{parent.name}.{sub.id}"
        if name in self.by_name:
            raise Invalid(f"sub-interface {name} already exists")
        interface = Interface(self._number(), name, parent.device, sup=parent, sub=sub)
        self._clear(interface)
        row = interface.row
        row.flags = SUB
        row.sup_sw_if_index = parent.sw_if_index
        row.output_node, row.tx_node = parent.row.output_node, parent.row.tx_node
        row.mac, row.device = parent.row.mac, parent.row.device
        row.mtu = 0
        row.outer_id, row.inner_id = sub.outer or 0, sub.inner or 0
        row.tags, row.outer_ad = 0 if sub.untagged or sub.default else sub.tags, int(sub.dot1ad)
        parent.subs[sub.id] = interface
        return self._enter(interface)

    def remove(self, interface: Interface) -> None:
        """Delete an interface: its sub-interfaces first, then all that features keep of it, then itself."""
        for sub in list(interface.subs.values()):
            self.remove(sub)
        if interface.admin_up:
            self.set_admin(interface, False)
        self._tell("removed", interface)
        if interface.sup is None and interface.device.delete is not None:
            interface.device.delete(self._engine, interface)
        self._engine.graph.disable_all(interface.sw_if_index)
        del self.by_index[interface.sw_if_index], self.by_name[interface.name]
        interface.row.flags = 0
        self._engine.workers.quiesce()
        if interface.sup is None:
            if not interface.output:
                self._engine.graph.remove(f"{interface.name}-output")
                self._engine.graph.remove(f"{interface.name}-tx")
            self._free_hw.append(interface.hw_if_index)
        else:
            del interface.sup.subs[interface.sub.id]  # type: ignore[union-attr]
        self._free.append(interface.sw_if_index)

    def _number(self) -> int:
        if self._free:
            return self._free.pop()
        if self._next == MAX_INTERFACES:
            raise Invalid(f"there are {MAX_INTERFACES} interfaces already")
        self._next += 1
        return self._next - 1

    def _clear(self, interface: Interface) -> None:
        memory.fill(interface.row.address, 0, SwInterface.size)
        for counter in (*COUNTERS_COMBINED, *COUNTERS_SIMPLE):
            counter.validate(interface.sw_if_index)
        self.clear_counters(interface)

    def _enter(self, interface: Interface) -> Interface:
        self.by_index[interface.sw_if_index] = interface
        if interface.sw_if_index + 1 != self._next:
            self._in_order = False  # a number that was another's: whoever looks at all of them sorts them
        self.by_name[interface.name] = interface
        self._tell("added", interface)
        return interface

    # --- states

    def set_admin(self, interface: Interface, up: bool) -> None:
        """Administratively up or down. A sub-interface goes up only under a parent that is up."""
        if up and interface.sup is not None and not interface.sup.admin_up:
            raise Invalid(f"super-interface {interface.sup.name} must be up", "UNSPECIFIED")
        if interface.admin_up == up:
            return
        row = interface.row
        before = row.flags
        row.flags = before ^ ADMIN_UP
        try:
            if interface.sup is None and interface.device.admin is not None:
                interface.device.admin(self._engine, interface)
        except Invalid:
            row.flags = before
            raise
        self._tell("admin", interface)
        if interface.is_up:
            self._tell("up", interface)
        if not up:
            for sub in interface.subs.values():
                self.set_admin(sub, False)

    def set_punt(self, interface: Interface, on: bool) -> None:
        """Punt all that comes in by an interface, and forward nothing; or forward again."""
        if on and not interface.device.ethernet:
            raise Invalid(f"{interface.name} is no Ethernet interface: only what comes in by one can be punted")
        self.set_flag(interface, PUNTED, on)

    def set_link(self, interface: Interface, up: bool) -> None:
        """The driver says whether the link is there."""
        if bool(interface.row.flags & LINK_UP) != up:
            interface.row.flags = interface.row.flags ^ LINK_UP
            self._tell("link", interface)
            for each in (interface, *interface.subs.values()):
                if each.is_up:
                    self._tell("up", each)

    def set_flag(self, interface: Interface, flag: int, on: bool) -> None:
        """Set or clear flags of the row."""
        row = interface.row
        row.flags = row.flags | flag if on else row.flags & ~flag

    def set_promiscuous(self, interface: Interface, on: bool) -> None:
        """Let a device deliver frames for anybody, or for itself only."""
        if interface.sup is not None or not interface.device.ethernet:
            raise Invalid(f"{interface.name} is no Ethernet device")
        self.set_flag(interface, PROMISCUOUS, on)
        if interface.device.promiscuous is not None:
            interface.device.promiscuous(self._engine, interface)

    def set_tag(self, interface: Interface, tag: str) -> None:
        """Note something about an interface, at most 63 bytes as in VPP's API; nothing: forget what was noted."""
        self.check_tag(tag)
        interface.tag = tag

    @staticmethod
    def check_tag(tag: str) -> None:
        """Raises Invalid if this cannot be a tag."""
        if len(tag.encode(errors="surrogatepass")) > MAX_NAME or not tag.isprintable():
            raise Invalid(f"a tag has at most {MAX_NAME} bytes of printable characters")

    @staticmethod
    def check_name(name: str) -> None:
        """Raises Invalid if users cannot name an interface so."""
        if not 0 < len(name) <= MAX_NAME or not name.isprintable() or set(name) & set(" .{}#"):
            raise Invalid(f"an interface's name has 1 to {MAX_NAME} characters, no blanks, dots or braces")

    def rename(self, interface: Interface, name: str) -> None:
        """Give a device's interface another name; its sub-interfaces' names follow."""
        if interface.sup is not None or interface.device is LOCAL:
            raise Invalid(f"{interface.name} cannot be renamed: only devices' interfaces can")
        self.check_name(name)
        if name in self.by_name:
            raise Invalid(f"interface {name} already exists")
        for node in () if interface.output else ("tx", "output"):
            self._engine.graph.rename(f"{interface.name}-{node}", f"{name}-{node}")
        for each, new in [(interface, name), *((sub, f"{name}.{id}") for id, sub in interface.subs.items())]:
            del self.by_name[each.name]
            each.name = new
            self.by_name[new] = each
            self._tell("renamed", each)

    def clear_counters(self, interface: Interface) -> None:
        """Set all that is counted of an interface to zero."""
        for counter in (*COUNTERS_COMBINED, *COUNTERS_SIMPLE):
            counter.clear(interface.sw_if_index)

    def set_mac(self, interface: Interface, address: int) -> None:
        """Change the MAC address, that of sub-interfaces too."""
        if address & 1 or address == 0:
            raise Invalid(f"{show_mac(address)} is no unicast MAC address")
        if interface.sup is not None or interface.device.ethernet is False:
            raise Invalid(f"{interface.name} has no MAC address of its own", "UNIMPLEMENTED")
        for each in (interface, *interface.subs.values()):
            each.row.mac = address
        if interface.device.mac is not None:
            interface.device.mac(self._engine, interface)
        for each in (interface, *interface.subs.values()):
            self._tell("mac", each)

    def set_mtu(self, interface: Interface, mtu: int, protocol: str = "l3") -> None:
        """Set the MTU of a protocol: l3, ip4, ip6 or mpls; in bytes, without the Ethernet header. 0: as l3, as l3 of a
        sub-interface's device, or as large a packet as the device takes.
        """
        self.set_mtus(interface, {protocol: mtu})

    def set_mtus(self, interface: Interface, mtus: dict[str, int]) -> None:
        """Set those of several protocols at once."""
        for mtu in mtus.values():
            if mtu != 0 and not 64 <= mtu <= 65535:
                raise Invalid(f"an MTU is 64 to 65535 bytes, or 0, not {mtu}")
        for protocol, mtu in mtus.items():
            setattr(interface.row, {"l3": "mtu"}.get(protocol, f"mtu_{protocol}"), mtu)
        self._tell("mtu", interface)

    def set_link_mtu(self, interface: Interface, mtu: int) -> None:
        """Set the largest packet that a device takes. MTUs of layer 3 that are above it come down to it."""
        if interface.sup is not None or not 64 <= mtu <= 65535:
            raise Invalid(f"a device's MTU is 64 to 65535 bytes, not {mtu}")
        interface.link_mtu = mtu
        for each in (interface, *interface.subs.values()):
            each.row.mtu = min(each.row.mtu, mtu)
            self._tell("mtu", each)

    def mtu(self, interface: Interface, protocol: str = "ip4") -> int:
        """The MTU in force for a protocol: its own, the interface's, or the parent's; at last the device's."""
        row = interface.row
        own: int = getattr(row, f"mtu_{protocol}") or row.mtu
        return own or (self.mtu(interface.sup, protocol) if interface.sup else interface.link_mtu)


COUNTERS_COMBINED = (rx, tx, rx_unicast, rx_multicast, rx_broadcast, tx_unicast, tx_multicast, tx_broadcast)
COUNTERS_SIMPLE = (drops, punts, ip4_packets, ip6_packets, rx_no_buf, rx_miss, rx_error, tx_error, mpls_packets)

LOCAL = DeviceClass("local", tx="local0-tx-template", ethernet=False, describe=lambda engine, interface: "local")
