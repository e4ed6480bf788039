"""What an agent knows of the store: the ports of its host, and of what hosts share only what these ports refer to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from weft_openstack.agent.desired import Desired, HostFacts
from weft_openstack.agent.ledger import Changes, Ledger, Touched
from weft_openstack.store import keys
from weft_openstack.store.etcd import Etcd
from weft_openstack.store.mirror import Mirror


class Watched:
    """Mirrors of the store, and the ledger that follows them. `changed` is called when there is something to do."""

    def __init__(self, etcd: Etcd, prefix: str, facts: HostFacts, changed: Callable[[], None]) -> None:
        self._etcd, self._prefix, self._facts, self._changed = etcd, prefix, facts, changed
        self.ports = Mirror(etcd, prefix + keys.host_ports(facts.name), self._ports_changed)
        self.endpoints = Mirror(etcd, prefix + keys.ENDPOINTS, self._endpoints_changed)
        self.networks: dict[str, Mirror] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.forget()

    def forget(self) -> None:
        """Put all together anew, as if nothing had been known of it."""
        self._ledger = Ledger(self._facts, {}, {})
        self._changes = Changes(ports=set(self.ports.items))
        self._touched: Touched | None = None  #: None: everything

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def complete(self) -> None:
        """Wait until all that is to be known before the first change is known: what is not known would be removed."""
        await self.ports.complete.wait()
        await self.endpoints.complete.wait()
        self.desired()
        for network in list(self.networks.values()):
            await network.complete.wait()

    def desired(self) -> Desired:
        """What the forwarder should have, as far as the store has said."""
        changes, self._changes = self._changes, Changes()
        if changes != Changes():
            self._ledger.networks = {network: mirror.items for network, mirror in self.networks.items()}
            self._ledger.endpoints = self.endpoints.items
            touched = self._ledger.update(self.ports.items, changes)
            if self._touched is not None:
                self._touched.update(touched)
            self._watch({network for network, _ in self._ledger.desired.networks})
        return self._ledger.desired

    def touched(self) -> Touched | None:
        """What was touched since this was last asked, as far as `desired` has taken it over; None: everything."""
        touched, self._touched = self._touched, {}
        return touched

    def _watch(self, wanted: set[str]) -> None:
        """Watch the networks that tunnelled ports refer to, and no others."""
        for network in self.networks.keys() - wanted:
            self._tasks.pop(network).cancel()
            del self.networks[network]
        for network in wanted - self.networks.keys():
            prefix = self._prefix + keys.locations(network)
            mirror = self.networks[network] = Mirror(self._etcd, prefix, partial(self._locations_changed, network))
            self._tasks[network] = asyncio.create_task(mirror.run())

    def _ports_changed(self, ports: set[str]) -> None:
        self._changes.ports |= ports
        self._changed()

    def _locations_changed(self, network: str, ports: set[str]) -> None:
        self._changes.locations |= {(network, port) for port in ports}
        self._changed()

    def _endpoints_changed(self, hosts: set[str]) -> None:
        """Where tunnels of hosts end that have no port of our networks changes nothing here."""
        if matter := hosts & self._ledger.desired.hosts.keys():
            self._changes.hosts |= matter
            self._changed()
