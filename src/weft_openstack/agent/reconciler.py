"""One round: make the forwarder equal to what is wanted, as far as it can be; and what became of each port."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from weft_openstack.agent.actual import Actual
from weft_openstack.agent.desired import Desired, Wish
from weft_openstack.agent.forwarder import Forwarder, Lost, Refused
from weft_openstack.agent.ledger import Touched
from weft_openstack.agent.operations import MAKING, Operation
from weft_openstack.agent.plan import Plan, make, reads_again

log = logging.getLogger(__name__)

BACK_OFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  #: seconds until something that failed is tried again


@dataclass(frozen=True)
class Outcome:
    """What became of a port."""

    status: Literal["up", "down", "failed"]
    at: int
    reason: str = ""
    interface: str = ""
    sw_if_index: int = -1
    plan: tuple[str, ...] = ()


@dataclass
class _Failure:
    reason: str
    times: int
    again: float  #: on the monotonic clock
    awaits: str  #: a folder that was missing


@dataclass(eq=False)
class Reconciler:
    """Keeps what is known of the forwarder, and what failed."""

    forwarder: Forwarder
    uplinks: Collection[str]
    actual: Actual = field(default_factory=Actual)
    stale: bool = True  #: all is to be read
    failures: dict[str, _Failure] = field(default_factory=dict)  #: by owner
    problems: dict[str, str] = field(default_factory=dict)  #: for which nothing can be done
    left: dict[str, list[str]] = field(default_factory=dict)  #: by owner, what is still to be done
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)  #: ports
    writes: int = 0

    def doubt(self) -> None:
        """What is known may be wrong: read again."""
        self.stale = True

    async def plan(self, desired: Desired, touched: Touched | None = None) -> Plan:
        """What is to be done: about all, or about what changes touched."""
        if self.stale:
            self.stale = False
            try:
                self.actual = await self.forwarder.read()
            except BaseException:
                self.stale = True
                raise
        return make(desired, self.actual, self.uplinks, touched, self.problems if touched is not None else None)

    async def round(self, desired: Desired, touched: Touched | None = None) -> set[str] | None:
        """Do what is to be done and may be tried now. Of which ports there may be another outcome; None: of all. Raises
        Lost.

        Where it is known what changes touched, only that is looked at. All is where what is known of the forwarder is
        in doubt, where something that failed has its turn, as what changed has, and where records cannot be read.
        """
        if touched is not None:
            self.retry(_owners(desired, touched))
            if self.stale or self._is_due() or any(kind == "keep" for kind, _ in touched):
                touched = None
        plan = await self.plan(desired, touched)
        before, self.problems = self.problems, plan.problems
        failed = await self._apply(plan)
        if any(map(reads_again, plan.operations)):
            self.doubt()
        if touched is None:
            for owner in self.failures.keys() - {operation.owner for operation in plan.operations}:
                del self.failures[owner]
            self.left.clear()
        for operation in failed:
            self.left.setdefault(operation.owner, []).append(str(operation))
        if touched is None:
            self.outcomes.clear()
            self.failed.clear()
            self._note(desired, desired.ports)
            return None
        concerned = {name for kind, name in touched if kind == "ports"}
        altered = {ref for ref in before.keys() | plan.problems.keys() if before.get(ref) != plan.problems.get(ref)}
        made = {operation.owner for operation in plan.operations if isinstance(operation, MAKING)}
        for ref in altered | made | {operation.owner for operation in failed}:
            concerned |= desired.users.get(ref, set())
        self._note(desired, concerned)
        return concerned

    def _is_due(self) -> bool:
        """Whether something that failed has its turn."""
        now = time.monotonic()
        return any(failure.again <= now for failure in self.failures.values())

    async def _apply(self, plan: Plan) -> list[Operation]:
        """Carry a plan out; what could not be done."""
        now = time.monotonic()
        waiting = {owner for owner, failure in self.failures.items() if failure.again > now}
        left: list[Operation] = []
        for together in plan.stages():
            ready = [each for each in together if each.owner not in waiting]
            left += [each for each in together if each.owner in waiting]
            results = await asyncio.gather(*map(self._do, ready), return_exceptions=True)
            for operation, error in zip(ready, results, strict=True):
                if isinstance(error, Refused):
                    waiting.add(operation.owner)
                    left.append(operation)
                    self._failed(operation, error)
                elif isinstance(error, BaseException):
                    self.doubt()
                    raise error
        done = {operation.owner for operation in plan.operations} - {operation.owner for operation in left}
        for owner in done & self.failures.keys():
            del self.failures[owner]
        return left

    async def _do(self, operation: Operation) -> None:
        log.info("%s", operation)
        self.writes += 1
        await operation.do(self.forwarder, self.actual)

    def _failed(self, operation: Operation, error: Refused) -> None:
        before = self.failures.get(operation.owner)
        times = before.times + 1 if before else 1
        again = time.monotonic() + BACK_OFF[min(times, len(BACK_OFF)) - 1]
        self.failures[operation.owner] = _Failure(f"{operation}: {error}", times, again, error.awaits)
        if before is None or not before.reason.endswith(str(error)):
            log.warning("%s: %s", operation, error)

    def retry(self, owners: Iterable[str]) -> bool:
        """What failed for these has its turn now. Whether anything did."""
        waiting = [self.failures[owner] for owner in owners if owner in self.failures]
        for failure in waiting:
            failure.again = 0.0
        return bool(waiting)

    def awaiting(self) -> list[str]:
        """Those that failed because a folder was missing which is there now."""
        return [owner for owner, each in self.failures.items() if each.awaits and os.path.isdir(each.awaits)]

    def next_try(self) -> float | None:
        """When, on the monotonic clock, something that failed is tried again."""
        return min((failure.again for failure in self.failures.values()), default=None)

    def apart(self, desired: Desired) -> dict[str, str]:
        """What is wrong with what no port stands on."""
        wrong = {owner: failure.reason for owner, failure in self.failures.items()} | self.problems
        return {owner: reason for owner, reason in wrong.items() if owner not in desired.users}

    def _note(self, desired: Desired, ports: Iterable[str]) -> None:
        """Note what became of some ports."""
        for port in ports:
            wish = desired.ports.get(port)
            if wish is None:
                self.outcomes.pop(port, None)
                self.failed.discard(port)
                continue
            outcome = self.outcomes[port] = self._outcome(desired, wish)
            if outcome.status == "failed":
                self.failed.add(port)
            else:
                self.failed.discard(port)

    def _outcome(self, desired: Desired, wish: Wish) -> Outcome:
        interface = self.actual.find(wish.ref)
        place = (interface.name, interface.index) if interface else ("", -1)
        reasons = [wish.problem] if wish.problem else []
        if wish.shares and desired.interfaces[wish.shares[0]].bridge != wish.shares[1]:
            reasons.append(f"the uplink {wish.shares[0]} carries another flat network already")
        reasons += [self.problems[need] for need in wish.needs if need in self.problems]
        reasons += [
            self.failures[need].reason for need in wish.needs if need in self.failures and need not in self.problems
        ]
        if reasons:
            plan = tuple(text for need in wish.needs for text in self.left.get(need, ()))
            return Outcome("failed", wish.at, "; ".join(reasons), *place, plan)
        if not wish.up:
            return Outcome("down", wish.at, "its admin state is down", *place)
        return Outcome("up", wish.at, "", *place)


def _owners(desired: Desired, touched: Touched) -> set[str]:
    """Whose operations are about what changes touched."""
    owners = {name for kind, name in touched if kind in ("bridges", "interfaces")}
    addresses = [(kind, name) for kind, name in touched if kind in ("macs", "neighbors")]
    owners |= {name[0] for _, name in addresses}
    return owners | {desired.macs[name] for kind, name in addresses if kind == "macs" and name in desired.macs}


__all__ = ["Lost", "Outcome", "Reconciler"]
