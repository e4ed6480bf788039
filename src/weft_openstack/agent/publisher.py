"""What became of each port, said in etcd under the agent's lease: only what is new, as soon as etcd takes it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from weft_openstack.agent.reconciler import Outcome
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import OPERATIONS, Delete, Etcd, Put
from weft_openstack.store.lease import Lease


@dataclass(eq=False)
class Publisher:
    """Keeps state/HOST/ports/ equal to the outcomes."""

    etcd: Etcd
    prefix: str
    host: str
    lease: Lease
    said: dict[str, records.PortState] = field(default_factory=dict)
    _begun: bool = False

    async def begin(self) -> None:
        """Go on with what our last life said under the same lease; what has another lease or no sense is replaced."""
        start = self.prefix + keys.port_state(self.host, "")
        found, _ = await self.etcd.below(start)
        self.said = {}
        for item in found:
            port = item.key[len(start) :]
            try:
                state = records.read(records.PortState, item)
            except records.Malformed:
                state = records.PortState(status="failed", since=0.0)
            self.said[port] = state if item.lease == self.lease.id else records.PortState(status="failed", since=-1.0)
        self._begun = True

    def forget(self) -> None:
        """What was said may not be there: it is looked at before more is said."""
        self._begun = False

    async def say(self, outcomes: Mapping[str, Outcome], ports: Collection[str] | None = None) -> int:
        """Say what is new, of some ports if only these can have any; how many keys that were. Raises StoreError; then
        say all again."""
        if not self._begun:
            await self.begin()
            ports = None
        looked = outcomes.keys() | self.said.keys() if ports is None else ports
        now = time.time()
        changes: list[tuple[str, records.PortState | None]] = []
        for port in looked:
            before, outcome = self.said.get(port), outcomes.get(port)
            if outcome is None:
                if before is not None:
                    changes.append((port, None))
                continue
            state = records.PortState(
                status=outcome.status,
                since=now,
                reason=outcome.reason,
                at=outcome.at,
                interface=outcome.interface,
                sw_if_index=outcome.sw_if_index,
                plan=outcome.plan,
            )
            if before and before.since > 0 and (before.status, before.reason) == (state.status, state.reason):
                state = records.PortState(**{name: getattr(state, name) for name in _FIELDS}, since=before.since)
            if state != before:
                changes.append((port, state))
        for start in range(0, len(changes), OPERATIONS):
            part = changes[start : start + OPERATIONS]
            await self.etcd.transact((), [self._operation(port, state) for port, state in part])
            for port, said in part:
                if said is None:
                    self.said.pop(port, None)
                else:
                    self.said[port] = said
        return len(changes)

    def _operation(self, port: str, state: records.PortState | None) -> Put | Delete:
        key = self.prefix + keys.port_state(self.host, port)
        return Delete(key) if state is None else Put(key, records.encode(state), self.lease.id)


_FIELDS = [name for name in records.PortState.__struct_fields__ if name != "since"]
