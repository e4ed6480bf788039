"""The difference between what should be and what is, as operations in their order. A plan of nothing: all is well."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from weft_openstack.agent import operations as ops
from weft_openstack.agent import tags
from weft_openstack.agent.actual import Actual, Bridge, Existing, Interface, Tunnel, Vlan, What
from weft_openstack.agent.desired import Desired, Wanted, WantedBridge


@dataclass
class Plan:
    """What to do, lowest rank first; and for which tags or names nothing can be done, and why."""

    operations: list[ops.Operation] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def ranks(self) -> Iterator[list[ops.Operation]]:
        """The operations that can be done together, in turn."""
        together: list[ops.Operation] = []
        for operation in self.operations:
            if together and operation.rank != together[0].rank:
                yield together
                together = []
            together.append(operation)
        if together:
            yield together


def make(desired: Desired, actual: Actual, uplinks: Collection[str]) -> Plan:
    """The plan. `uplinks` are interfaces of others that we may take out of our bridge domains again."""
    planner = _Planner(desired, actual, set(uplinks))
    planner.remove()
    planner.bridges()
    planner.interfaces()
    planner.addresses()
    planner.plan.operations.sort(key=lambda operation: operation.rank)
    return planner.plan


class _Planner:
    def __init__(self, desired: Desired, actual: Actual, uplinks: set[str]) -> None:
        self.desired, self.actual, self.uplinks = desired, actual, uplinks
        self.plan = Plan()
        self.doomed: set[int] = set()  #: interfaces that go
        self.taken: set[int] = set()  #: numbers of bridge domains to be made
        by_bridge: dict[int, list[Interface]] = {}
        for interface in actual.interfaces.values():
            if interface.bridge != -1:
                by_bridge.setdefault(interface.bridge, []).append(interface)
        self.members = by_bridge
        #: Bridge domains of ports of which nobody can read what they should be stay as they are.
        self.kept = {each.bridge for each in actual.interfaces.values() if each.tag in desired.keep} - {-1}
        self.unused = {_identity(each): each for each in actual.interfaces.values() if each.what or each.vlan}

    def _do(self, operation: ops.Operation) -> None:
        self.plan.operations.append(operation)

    def remove(self) -> None:
        """Interfaces of ours that are not wanted or not as wanted, then bridge domains."""
        ours = [each for each in self.actual.interfaces.values() if tags.is_ours(each.tag)]
        for interface in sorted(ours, key=lambda each: each.parent != -1):  # parents first: they decide about children
            if interface.tag in self.desired.keep or interface.bridge in self.kept:
                continue
            wanted = self.desired.interfaces.get(interface.tag)
            if wanted is None or not self._is(interface, wanted.what):
                self._delete(interface)
        for bridge in self.actual.bridges.values():
            if not tags.is_ours(bridge.tag) or bridge.id in self.kept:
                continue
            wanted_here = bridge.tag in self.desired.bridges and self.actual.bridge(bridge.tag) is bridge
            for member in self.members.get(bridge.id, []):
                self._release(member, bridge, wanted_here)
            if not wanted_here:
                self._do(ops.DeleteBridge(bridge.tag, bridge.id))

    def _delete(self, interface: Interface) -> None:
        if interface.bridge != -1:
            self._do(ops.Unbridge(interface.tag, interface.index))
        self.doomed.add(interface.index)
        if interface.parent != -1:
            self._do(ops.DeleteSub(interface.tag, interface.index))
        elif interface.what is not None:
            self._do(ops.Delete(interface.tag, interface.index, interface.what))

    def _release(self, member: Interface, bridge: Bridge, wanted_here: bool) -> None:
        """Take an uplink out of a bridge domain where it is not wanted."""
        if member.index in self.doomed or not (tags.is_ours(member.tag) or member.name in self.uplinks):
            return
        wanted = self.desired.interfaces.get(member.tag) or self.desired.interfaces.get(member.name)
        if wanted is None or wanted.bridge != bridge.tag or not wanted_here:
            self._do(ops.Unbridge(member.tag or member.name, member.index))

    def _is(self, interface: Interface, what: What) -> bool:
        if not isinstance(what, Vlan):
            return interface.what == what
        parent = self.actual.find(what.parent)
        if parent is None or parent.index in self.doomed:
            return False
        return (interface.parent, interface.vlan) == (parent.index, what.vlan)

    def bridges(self) -> None:
        for wanted in self.desired.bridges.values():
            found = self.actual.bridge(wanted.tag)
            if found is None:
                number = self.actual.free_bridge(self.taken)
                self.taken.add(number)
                self._do(ops.CreateBridge(wanted.tag, number, wanted.uu_flood, wanted.arp_term, wanted.mac_age))
                continue
            if (found.uu_flood, found.arp_term) != (wanted.uu_flood, wanted.arp_term):
                self._do(ops.SetBridgeFlags(wanted.tag, wanted.uu_flood, wanted.arp_term))
            if found.mac_age != wanted.mac_age:
                self._do(ops.SetMacAge(wanted.tag, wanted.mac_age))

    def interfaces(self) -> None:
        for wanted in self.desired.interfaces.values():
            found = self.actual.find(wanted.ref)
            if found is not None and found.index not in self.doomed:
                self._wire(wanted, found)
            elif isinstance(wanted.what, Existing):
                self.plan.problems[wanted.ref] = f"the forwarder has no interface {wanted.ref}"
            else:
                self._make(wanted)

    def _make(self, wanted: Wanted) -> None:
        what = wanted.what
        assert not isinstance(what, Existing)
        if isinstance(what, Vlan) and what.parent in self.plan.problems:
            return
        taken = self._taken(what)
        if taken is None:
            self._do(ops.CreateSub(wanted.ref, what) if isinstance(what, Vlan) else ops.Create(wanted.ref, what))
            self._wire(wanted, Interface(-1, ""))
        elif not taken.tag and taken.bridge == -1 and not taken.admin_up:
            self._do(ops.Adopt(wanted.ref, taken.index))
            self._wire(wanted, taken)
        else:
            whose = taken.tag or "somebody else's"
            self.plan.problems[wanted.ref] = f"the {what} is there already as {taken.name} and is {whose}"

    def _taken(self, what: What) -> Interface | None:
        """The interface that is already what one is to become."""
        if isinstance(what, Vlan):
            parent = self.actual.find(what.parent)
            found = self.unused.get((parent.index, what.vlan)) if parent else None
        else:
            found = self.unused.get(what)
        return None if found is None or found.index in self.doomed else found

    def _wire(self, wanted: Wanted, now: Interface) -> None:
        ref = wanted.ref
        if now.admin_up and not wanted.up:
            self._do(ops.Down(ref))
        if wanted.bridge is not None:
            bridge = self.actual.bridge(wanted.bridge)
            if bridge is None or (now.bridge, now.group) != (bridge.id, wanted.group):
                there = self.actual.bridges.get(now.bridge)
                if isinstance(wanted.what, Existing) and there is not None and not tags.is_ours(there.tag):
                    self.plan.problems[ref] = f"{ref} is in bridge domain {there.id}, which is somebody else's"
                    return
                self._do(ops.Join(ref, wanted.bridge, wanted.group))
        if not isinstance(wanted.what, Existing) and now.pops != wanted.pops:
            self._do(ops.Pop(ref, wanted.pops))
        if wanted.mtu not in (0, now.mtu) and not isinstance(wanted.what, Existing):
            self._do(ops.SetMtu(ref, wanted.mtu))
        if wanted.up and not now.admin_up:
            self._do(ops.SubUp(ref) if isinstance(wanted.what, Vlan) else ops.Up(ref))

    def addresses(self) -> None:
        """Static MACs and neighbors of tunnelled bridge domains."""
        for wanted in self.desired.bridges.values():
            if wanted.arp_term:
                self._addresses(wanted, self.actual.bridge(wanted.tag) or Bridge(-1))

    def _addresses(self, wanted: WantedBridge, now: Bridge) -> None:
        for mac in now.macs.keys() - wanted.macs.keys():
            self._do(ops.ForgetMac(wanted.tag, now.id, mac))
        for mac, ref in wanted.macs.items():
            behind = self.actual.find(ref)
            if behind is None or behind.index in self.doomed or now.macs.get(mac) != behind.index:
                self._do(ops.KnowMac(ref, wanted.tag, mac))
        for address, mac in now.neighbors.items():
            if wanted.neighbors.get(address) != mac:
                self._do(ops.ForgetNeighbor(wanted.tag, now.id, address, mac))
        for address, mac in wanted.neighbors.items():
            if now.neighbors.get(address) != mac:
                self._do(ops.KnowNeighbor(wanted.tag, address, mac))


def _identity(interface: Interface) -> object:
    """What no second interface can be."""
    if interface.vlan:
        return (interface.parent, interface.vlan)
    return interface.what


def reads_again(operation: ops.Operation) -> bool:
    """Whether an operation does more than it notes: a tunnel takes its addresses along."""
    return isinstance(operation, ops.Delete) and isinstance(operation.what, Tunnel)
