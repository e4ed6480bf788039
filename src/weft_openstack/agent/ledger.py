"""What all records together ask for, and who asks: so that a change costs what it touches, not what is there.

Where records ask for one thing in different forms, the form of the first of them counts, in an order that does not hang
on when they came. A ledger that was brought up to date is the same as a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft_openstack.agent.desired import Asks, Desired, HostFacts, Key, Wanted, asks, asks_of_location
from weft_openstack.store import keys
from weft_openstack.store.etcd import Item

Source = tuple[str, ...]  #: who asks: a port, or a network and a port there
Touched = dict[Key, None]  #: what somebody asked for, asks for or no longer does, in the order in which that happened


@dataclass
class Changes:
    """Which records were written or deleted."""

    ports: set[str] = field(default_factory=set)
    locations: set[tuple[str, str]] = field(default_factory=set)  #: network, port
    hosts: set[str] = field(default_factory=set)  #: whose endpoint


@dataclass(eq=False)
class Ledger:
    """Keeps `desired` as the records say. `networks` are the locations of the networks that are watched, by port."""

    facts: HostFacts
    networks: Mapping[str, Mapping[str, Item]]
    endpoints: Mapping[str, Item]
    desired: Desired = field(default_factory=Desired)
    _asked: dict[Source, Asks] = field(default_factory=dict)
    _claims: dict[Key, dict[Source, Any]] = field(default_factory=dict)
    _first: dict[Key, Source] = field(default_factory=dict)  #: whose form counts
    _located: dict[str, set[str]] = field(default_factory=dict)  #: network -> ports whose locations ask for something
    _altered: Touched = field(default_factory=dict)  #: what has another form than before
    _touched: Touched = field(default_factory=dict)

    def build(self, ports: Mapping[str, Item]) -> Desired:
        """From the items below hosts/HOST/ports/, all of them."""
        self.update(ports, Changes(ports=set(ports)))
        return self.desired

    def update(self, ports: Mapping[str, Item], changes: Changes) -> Touched:
        """Take over what changed. What that touches."""
        self._touched, self._altered = {}, {}
        for port in sorted(changes.ports):
            self._port(port, ports.get(port))
        locations = set(changes.locations)
        for network in {name[0] for kind, name in self._altered if kind == "networks"}:
            locations |= {(network, port) for port in self._located.get(network, set()) | self._of(network).keys()}
        for host in changes.hosts:
            locations |= {(source[0], source[1]) for source in self._claims.get(("hosts", host), ())}
        for network, port in sorted(locations):
            self._location(network, port)
        self._touch_users()
        return self._touched

    def _of(self, network: str) -> Mapping[str, Item]:
        return self.networks.get(network, {})

    def _port(self, port: str, item: Item | None) -> None:
        before, asked = self.desired.ports.get(port), asks(self.facts, port, item) if item else {}
        for need in before.needs if before else ():
            self.desired.users[need].discard(port)
            if not self.desired.users[need]:
                del self.desired.users[need]
        self._ask((port,), asked)
        for need in asked["ports", port].needs if asked else ():
            self.desired.users.setdefault(need, set()).add(port)

    def _location(self, network: str, port: str) -> None:
        item, asked = self._of(network).get(port), Asks()
        there = [each for (number, _), each in self.desired.networks.items() if number == network] if item else []
        for each in there:
            assert item is not None
            asked |= asks_of_location(self.facts, keys.location(network, port), item, each, self.endpoints)
        self._ask((network, port), asked)
        if asked:
            self._located.setdefault(network, set()).add(port)
        elif network in self._located:
            self._located[network].discard(port)
            if not self._located[network]:
                del self._located[network]

    def _touch_users(self) -> None:
        """What stands on an interface that is another one than before, or carries another network, is touched too."""
        for kind, name in self._altered:
            if kind == "interfaces":
                for port in self.desired.users.get(name, ()):
                    self._touched.update(dict.fromkeys(self._asked[port,]))

    def _ask(self, source: Source, asked: Asks) -> None:
        """Let a record ask for this instead of what it asked for."""
        before = self._asked.pop(source, {})
        if asked:
            self._asked[source] = asked
        for key in before.keys() - asked.keys():
            del self._claims[key][source]
            self._settle(key, source)
        for key, value in asked.items():
            if key not in before or before[key] != value:
                self._claims.setdefault(key, {})[source] = value
                self._settle(key, source)
        self._touched.update(dict.fromkeys(before))
        self._touched.update(dict.fromkeys(asked))

    def _settle(self, key: Key, source: Source) -> None:
        """Find the form that counts, after what one record asks for has changed."""
        claims, first = self._claims[key], self._first.get(key)
        table, name = getattr(self.desired, key[0]), key[1]
        if not claims:
            del self._claims[key], self._first[key], table[name]
            self._altered[key] = None
            return
        candidates: Iterable[Source] = claims
        if first not in (None, source):
            if source not in claims:
                return
            candidates = (first, source)
        best = self._first[key] = min(candidates, key=lambda each: _order(each, claims[each]))
        if name not in table or table[name] != claims[best]:
            table[name] = claims[best]
            self._altered[key] = None


def _order(source: Source, value: Any) -> tuple[Any, ...]:
    """Ports before locations, as a port that is here is not behind a tunnel; flat networks before VLANs, as a VLAN does
    not ask where its uplink is."""
    return isinstance(value, Wanted) and value.bridge is None, len(source), source
