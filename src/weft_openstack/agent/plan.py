"""The difference between what should be and what is, as operations in their order. A plan of nothing: all is well."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from weft_openstack.agent import operations as ops
from weft_openstack.agent import tags
from weft_openstack.agent.actual import Actual, Bridge, Existing, Host, Interface, Tunnel, Vhost, Vlan, What
from weft_openstack.agent.desired import Desired, Wanted
from weft_openstack.agent.ledger import Touched


@dataclass
class Plan:
    """What to do, lowest rank first; and for which tags or names nothing can be done, and why."""

    operations: list[ops.Operation] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def stages(self) -> Iterator[list[ops.Operation]]:
        """The operations that can be sent without waiting for answers, in turn."""
        for _, stage in groupby(self.operations, lambda operation: bisect(ops.WAITS, operation.rank)):
            yield list(stage)


def make(
    desired: Desired,
    actual: Actual,
    uplinks: Collection[str],
    touched: Touched | None = None,
    problems: Mapping[str, str] | None = None,
) -> Plan:
    """The plan; where it is known what changes touched since the last one, for that only, with the problems that the
    rest has. `uplinks` are interfaces of others that we may take out of our bridge domains again."""
    planner = _Planner(desired, actual, set(uplinks), _scope(desired, actual, touched), dict(problems or {}))
    planner.remove()
    planner.bridges()
    planner.interfaces()
    planner.addresses()
    planner.plan.operations.sort(key=lambda operation: operation.rank)
    return planner.plan


@dataclass(frozen=True)
class Scope:
    """What to look at: names of things that are wanted, and indices and numbers of those that are there."""

    wanted_bridges: Collection[str]
    wanted: Collection[str]  #: interfaces
    macs: Collection[tuple[str, str]]
    neighbors: Collection[tuple[str, str]]
    bridges: Collection[Bridge]
    interfaces: Collection[Interface]


def _scope(desired: Desired, actual: Actual, touched: Touched | None) -> Scope:
    if touched is None:
        found = [(tag, bridge) for tag in desired.bridges if (bridge := actual.bridge(tag)) is not None]
        return Scope(
            desired.bridges,
            desired.interfaces,
            desired.macs.keys() | {(tag, mac) for tag, bridge in found for mac in bridge.macs},
            desired.neighbors.keys() | {(tag, address) for tag, bridge in found for address in bridge.neighbors},
            actual.bridges.values(),
            actual.interfaces.values(),
        )
    names: defaultdict[str, list[Any]] = defaultdict(list)
    for kind, name in touched:
        names[kind].append(name)
    return Scope(
        names["bridges"],
        names["interfaces"],
        names["macs"],
        names["neighbors"],
        list(filter(None, map(actual.bridge, names["bridges"]))),
        list(filter(None, map(actual.find, names["interfaces"]))),
    )


class _Planner:
    def __init__(
        self, desired: Desired, actual: Actual, uplinks: set[str], scope: Scope, problems: dict[str, str]
    ) -> None:
        self.desired, self.actual, self.uplinks, self.scope = desired, actual, uplinks, scope
        self.plan = Plan(problems=problems)
        self.doomed: set[int] = set()  #: interfaces that go
        self.taken: set[int] = set()  #: numbers of bridge domains to be made
        #: Bridge domains of ports of which nobody can read what they should be stay as they are.
        self.kept = {there.bridge for each in desired.keep if (there := actual.find(each))} - {-1}

    def _do(self, operation: ops.Operation) -> None:
        self.plan.operations.append(operation)

    def remove(self) -> None:
        """Interfaces of ours that are not wanted or not as wanted, then bridge domains."""
        ours = [each for each in self.scope.interfaces if tags.is_ours(each.tag)]
        for interface in sorted(ours, key=lambda each: each.parent != -1):  # parents first: they decide about children
            wanted = self.desired.interfaces.get(interface.tag)
            if wanted is None or not self._is(interface, wanted.what):
                self._delete(interface, wanted)
        for member in self.scope.interfaces:
            self._release(member)
        for bridge in self.scope.bridges:
            if tags.is_ours(bridge.tag) and bridge.id not in self.kept and not self._is_wanted(bridge):
                self._do(ops.DeleteBridge(bridge.tag, bridge.id))

    def _is_wanted(self, bridge: Bridge) -> bool:
        return bridge.tag in self.desired.bridges and self.actual.bridge(bridge.tag) is bridge

    def _delete(self, interface: Interface, wanted: Wanted | None) -> None:
        if interface.tag in self.desired.keep or (wanted is None and interface.bridge in self.kept):
            return
        if interface.bridge != -1:
            self._do(ops.Unbridge(interface.tag, interface.index))
        self.doomed.add(interface.index)
        if interface.parent != -1:
            self._do(ops.DeleteSub(interface.tag, interface.index))
        elif interface.what is not None:
            self._do(ops.Delete(interface.tag, interface.index, interface.what))

    def _release(self, member: Interface) -> None:
        """Take an interface out of a bridge domain of ours where it is not wanted."""
        bridge = self.actual.bridges.get(member.bridge)
        if bridge is None or not tags.is_ours(bridge.tag) or bridge.id in self.kept or member.index in self.doomed:
            return
        if not (tags.is_ours(member.tag) or member.name in self.uplinks):
            return
        wanted = self.desired.interfaces.get(member.tag) or self.desired.interfaces.get(member.name)
        if wanted is None or wanted.bridge != bridge.tag or not self._is_wanted(bridge):
            self._do(ops.Unbridge(member.tag or member.name, member.index))

    def _is(self, interface: Interface, what: What) -> bool:
        if not isinstance(what, Vlan):
            return interface.what == what
        parent = self.actual.find(what.parent)
        if parent is None or parent.index in self.doomed:
            return False
        return (interface.parent, interface.vlan) == (parent.index, what.vlan)

    def bridges(self) -> None:
        for tag in self.scope.wanted_bridges:
            wanted, found = self.desired.bridges.get(tag), self.actual.bridge(tag)
            if wanted is None:
                continue
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
        for ref in self.scope.wanted:
            wanted, found = self.desired.interfaces.get(ref), self.actual.find(ref)
            self.plan.problems.pop(ref, None)
            if wanted is None:
                continue
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

    def _taken(self, what: Vhost | Host | Tunnel | Vlan) -> Interface | None:
        """The interface that is already what one is to become."""
        if isinstance(what, Vlan):
            parent = self.actual.find(what.parent)
            found = self.actual.being((parent.index, what.vlan)) if parent else None
        else:
            found = self.actual.being(what)
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
        for tag, mac in self.scope.macs:
            if tag in self.desired.bridges:
                self._mac(tag, mac, self.actual.bridge(tag) or Bridge(-1))
        for tag, address in self.scope.neighbors:
            if tag in self.desired.bridges:
                self._neighbor(tag, address, self.actual.bridge(tag) or Bridge(-1))

    def _mac(self, tag: str, mac: str, now: Bridge) -> None:
        ref = self.desired.macs.get((tag, mac))
        if ref is None:
            if mac in now.macs:
                self._do(ops.ForgetMac(tag, now.id, mac))
            return
        behind = self.actual.find(ref)
        if behind is None or behind.index in self.doomed or now.macs.get(mac) != behind.index:
            self._do(ops.KnowMac(ref, tag, mac))

    def _neighbor(self, tag: str, address: str, now: Bridge) -> None:
        wanted, known = self.desired.neighbors.get((tag, address)), now.neighbors.get(address)
        if known is not None and known != wanted:
            self._do(ops.ForgetNeighbor(tag, now.id, address, known))
        if wanted is not None and known != wanted:
            self._do(ops.KnowNeighbor(tag, address, wanted))


def reads_again(operation: ops.Operation) -> bool:
    """Whether an operation does more than it notes: a tunnel takes its addresses along."""
    return isinstance(operation, ops.Delete) and isinstance(operation.what, Tunnel)
