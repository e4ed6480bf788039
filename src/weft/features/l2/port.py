"""Interfaces at layer 2: in a bridge domain, cross-connected, or back at layer 3; their tag rewrites and features."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from weft.core.model import Invalid, model
from weft.features.interface.model import BRIDGED, Interface, Interfaces
from weft.features.l2.domain import DEFAULT, ITS_OWN, OPTIONS, BridgeDomain, BridgeDomains, FloodMember
from weft.features.l2.fib import L2Fib
from weft.features.l2.layout import BVI, BVI_ENTRY, SELECTIVE, STATIC, Port, ports
from weft.features.l2.pipeline import (
    ARP_TERM,
    ARP_UFWD,
    DROP,
    INPUT,
    LEARN,
    OUTPUT,
    OUTPUT_END,
    UU_FWD,
    VTR,
    XCONNECT,
)
from weft.features.l2.tags import TagRewrite, write_rewrite
from weft.features.loopback.model import loops

if TYPE_CHECKING:
    from weft.core.engine import Engine

MAX_SHG = 255
BRIDGED_FEATURES = DEFAULT | UU_FWD | ARP_TERM | ARP_UFWD


class PortType(Enum):
    """What a bridge domain's member is to it."""

    NORMAL = "normal"
    BVI = "bvi"
    UU_FWD = "uu-fwd"


@dataclass
class Configured:
    """An interface's layer-2 configuration."""

    interface: Interface
    domain: BridgeDomain | None = None
    type: PortType = PortType.NORMAL
    shg: int = 0
    peer: Interface | None = None
    rewrite: TagRewrite | None = None
    #: What it may do of what its bridge domain does.
    features: int = BRIDGED_FEATURES
    #: Features of others that are enabled on it, whether it is at layer 2 now or not.
    input: int = 0
    output: int = 0

    @property
    def at_layer_2(self) -> bool:
        return self.domain is not None or self.peer is not None

    @property
    def row(self) -> Port:
        row: Port = ports[self.interface.sw_if_index]
        return row


@model
class Layer2:
    """What each interface does at layer 2."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._interfaces = engine[Interfaces]
        self._domains = engine[BridgeDomains]
        self._fib = engine[L2Fib]
        self._configured: dict[int, Configured] = {}
        self._promiscuous: set[int] = set()
        INPUT.wire(engine.graph)
        OUTPUT.wire(engine.graph)
        self._interfaces.watch("removed", self._forget)
        self._interfaces.watch("mac", self._mac_changed)

    def __getitem__(self, interface: Interface) -> Configured:
        """An interface's configuration, whether it is at layer 2 or not."""
        return self._configured.get(interface.sw_if_index) or Configured(interface)

    # --- modes

    def bridge(self, interface: Interface, bd_id: int, type: PortType = PortType.NORMAL, shg: int = 0) -> BridgeDomain:
        """Put an interface into a bridge domain, which is made if need be."""
        self._check(interface)
        if (type is PortType.BVI) != loops(interface):
            # Others cannot loop what layer 3 sends into the bridge domain; loopbacks would loop what is flooded.
            raise Invalid(
                f"{interface.name} can be in a bridge domain only as its bvi"
                if loops(interface)
                else f"{interface.name} cannot be a bvi, only a loopback interface can"
            )
        self._domains.check_id(bd_id)
        if not 0 <= shg <= MAX_SHG:
            raise Invalid(f"a split-horizon group is 0 to {MAX_SHG}, not {shg}")
        existing = self._domains.by_id.get(bd_id)
        if existing and type is PortType.BVI and existing.bvi not in (None, interface):
            raise Invalid("bridge-domain already has a bvi interface")
        if existing and type is PortType.UU_FWD and existing.uu_fwd not in (None, interface):
            raise Invalid("bridge-domain already has a uu-fwd interface")
        domain = existing or self._domains.add(bd_id)
        configured = self._leave(interface)
        configured.domain, configured.type, configured.shg = domain, type, shg
        configured.features = BRIDGED_FEATURES & ~(LEARN if type is PortType.BVI else 0)
        self._fib.flush_port(configured.row)
        if type is PortType.BVI:
            domain.bvi = interface
            self._add_bvi_entry(interface, domain)
        self._publish(configured)
        if type is PortType.UU_FWD:
            domain.uu_fwd = interface
        else:
            member = FloodMember(interface, shg, type is PortType.BVI)
            domain.members.insert(0 if member.bvi else len(domain.members), member)
        self._members_changed(domain)
        self._enter(interface)
        return domain

    def cross_connect(self, interface: Interface, peer: Interface) -> None:
        """Send all that comes in by an interface out by another, and nowhere else."""
        self._check(interface)
        self._check(peer)
        if loops(interface) or loops(peer):
            raise Invalid("a loopback interface cannot be cross-connected")
        if interface is peer:
            raise Invalid(f"{interface.name} cannot be cross-connected to itself")
        configured = self._leave(interface)
        configured.peer = peer
        self._publish(configured)
        self._enter(interface)

    def layer_3(self, interface: Interface) -> None:
        """Take an interface out of its bridge domain or cross-connect."""
        self._leave(interface)
        self.set_rewrite(interface, None)

    def _check(self, interface: Interface) -> None:
        if not interface.device.ethernet:
            raise Invalid("bridged interface must be ethernet")

    def _keep(self, interface: Interface) -> Configured:
        return self._configured.setdefault(interface.sw_if_index, Configured(interface))

    def _enter(self, interface: Interface) -> None:
        """Everything is ready: let packets go to layer 2."""
        self._interfaces.set_flag(interface, BRIDGED, True)
        self._take_all(interface)

    def _leave(self, interface: Interface) -> Configured:
        """Undo an interface's mode: nothing comes in or leaves at layer 2 when this returns."""
        configured = self._keep(interface)
        if not configured.at_layer_2:
            return configured
        self._interfaces.set_flag(interface, BRIDGED, False)
        configured.row.features, configured.row.first_node = DROP, INPUT.first(DROP)
        domain = configured.domain
        configured.domain = configured.peer = None
        if domain is not None:
            domain.members = [member for member in domain.members if member.interface is not interface]
            if domain.uu_fwd is interface:
                domain.uu_fwd = None
            self._members_changed(domain)
            self._fib.flush_port(configured.row)
        self._publish(configured)
        self._engine.workers.quiesce()
        if domain is not None:
            if domain.bvi is interface:
                domain.bvi = None
                self._fib.remove_all(bd_index=domain.index, sw_if_index=interface.sw_if_index)
            self._fib.remove_outdated()
        configured.type, configured.shg = PortType.NORMAL, 0
        self._take_all(interface)
        return configured

    def _members_changed(self, domain: BridgeDomain) -> None:
        before = domain.row.features
        self._domains.members_changed(domain)
        if domain.row.features != before:
            self.update(domain)

    def _take_all(self, interface: Interface) -> None:
        """A device must deliver frames for anybody while it or one of its sub-interfaces is at layer 2."""
        device = interface.sup or interface
        wanted = any(
            each.sw_if_index in self._configured and self._configured[each.sw_if_index].at_layer_2
            for each in (device, *device.subs.values())
        )
        if wanted != (device.sw_if_index in self._promiscuous):
            (self._promiscuous.add if wanted else self._promiscuous.discard)(device.sw_if_index)
            self._interfaces.set_promiscuous(device, wanted)

    # --- what packet code reads

    def _publish(self, configured: Configured) -> None:
        """Write an interface's row. ``features`` is last: it says what else of the row counts."""
        row, domain = configured.row, configured.domain
        bvi = configured.type is PortType.BVI
        row.output_sw_if_index = configured.peer.sw_if_index if configured.peer else 0
        row.output_features = configured.output | OUTPUT_END if configured.output else 0
        row.shg = configured.shg
        selective = configured.shg or configured.rewrite or configured.output
        row.flags = (BVI if bvi else 0) | (SELECTIVE if selective else 0)
        row.output_node = configured.interface.row.output_node if configured.at_layer_2 else 0
        if domain is not None:
            context = row.context
            context.shg = 0 if bvi else configured.shg
            context.mac_age = domain.row.mac_age
            context.sn = domain.row.sn << 8 | context.sn & 0xFF
            context.bd_index = domain.index
        row.features = self._features(configured)
        row.first_node = INPUT.first(row.features)

    def _features(self, configured: Configured) -> int:
        """The features of packets that come in by an interface."""
        own = configured.input | (VTR if configured.rewrite else 0) | DROP
        if configured.peer is not None:
            return own | XCONNECT
        if configured.domain is None:
            return DROP
        return own | configured.features & configured.domain.row.features & ITS_OWN

    def update(self, domain: BridgeDomain) -> None:
        """A bridge domain has changed: so do its members' rows."""
        for configured in self.members(domain):
            self._publish(configured)

    def members(self, domain: BridgeDomain) -> list[Configured]:
        """The configurations of all interfaces of a bridge domain."""
        interfaces = [member.interface for member in domain.members]
        if domain.uu_fwd is not None:
            interfaces.append(domain.uu_fwd)
        return [self._configured[interface.sw_if_index] for interface in interfaces]

    # --- what users ask for

    def set_feature(self, interface: Interface, feature: int, on: bool) -> None:
        """Let an interface's packets be learned from, forwarded, flooded (LEARN, FWD, ...), or not."""
        configured = self._keep(interface)
        configured.features = configured.features | feature if on else configured.features & ~feature
        self._publish(configured)

    def enable(self, interface: Interface, mask: int, on: bool = True, *, output: bool = False) -> None:
        """Let an interface's packets pass a feature that ``input_feature`` (or ``output_feature``) has registered."""
        configured = self._keep(interface)
        way = "output" if output else "input"
        before: int = getattr(configured, way)
        setattr(configured, way, before | mask if on else before & ~mask)
        self._publish(configured)

    def set_option(self, domain: BridgeDomain, option: str, on: bool) -> None:
        """Let a bridge domain do one of OPTIONS, or not."""
        row, feature = domain.row, OPTIONS[option]
        row.features = row.features | feature if on else row.features & ~feature
        self.update(domain)

    def set_mac_age(self, domain: BridgeDomain, minutes: int) -> None:
        """Forget addresses that have not been seen for so many minutes; 0: never."""
        domain.row.mac_age = minutes
        self.update(domain)

    # --- flushing: what was learned until now counts no more

    def flush_port(self, interface: Interface) -> None:
        configured = self[interface]
        if not configured.at_layer_2:
            raise Invalid(f"{interface.name} is not in L2 mode")
        self._fib.flush_port(configured.row)
        self._fib.remove_outdated()

    def flush_domain(self, domain: BridgeDomain) -> None:
        self._domains.next_sequence(domain)
        self.update(domain)
        self._fib.remove_outdated()

    def flush_all(self) -> None:
        for domain in self._domains:
            self._domains.next_sequence(domain)
            self.update(domain)
        self._fib.remove_outdated()

    # --- BVIs

    def _add_bvi_entry(self, interface: Interface, domain: BridgeDomain) -> None:
        self._fib.put(domain, interface.sw_if_index, [interface.row.mac], STATIC | BVI_ENTRY)

    def _mac_changed(self, interface: Interface) -> None:
        configured = self[interface]
        if configured.domain is not None and configured.type is PortType.BVI:
            self._add_bvi_entry(interface, configured.domain)
            for entry in list(self._fib.entries()):
                if entry.bvi and entry.sw_if_index == interface.sw_if_index and entry.mac != interface.row.mac:
                    self._fib.remove(entry.bd_index, entry.mac)

    def _forget(self, interface: Interface) -> None:
        """An interface is being removed."""
        for other in list(self._configured.values()):
            if other.peer is interface:
                self.layer_3(other.interface)
        if interface.sw_if_index in self._configured:
            self.layer_3(interface)
            del self._configured[interface.sw_if_index]
            self._promiscuous.discard(interface.sw_if_index)
            self._engine.workers.quiesce()
            self._fib.remove_all(sw_if_index=interface.sw_if_index)

    # --- tag rewrite

    def set_rewrite(self, interface: Interface, rewrite: TagRewrite | None) -> None:
        """Rewrite the tags of packets that come in by an interface, and do the opposite when they leave by it."""
        if rewrite is not None:
            self._check(interface)
            rewrite.check(interface)
        configured = self._keep(interface)
        with self._engine.workers.barrier():
            configured.rewrite = rewrite
            write_rewrite(configured.row, rewrite, interface)
            self._publish(configured)
