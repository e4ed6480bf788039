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
from weft_openstack.agent.desired import Desired
from weft_openstack.agent.forwarder import Forwarder, Lost, Refused
from weft_openstack.agent.operations import Operation
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
    apart: dict[str, str] = field(default_factory=dict)  #: what is wrong with what no port stands on
    writes: int = 0

    def doubt(self) -> None:
        """What is known may be wrong: read again."""
        self.stale = True

    async def plan(self, desired: Desired) -> Plan:
        """What is to be done."""
        if self.stale:
            self.stale = False
            try:
                self.actual = await self.forwarder.read()
            except BaseException:
                self.stale = True
                raise
        return make(desired, self.actual, self.uplinks)

    async def round(self, desired: Desired) -> dict[str, Outcome]:
        """Do what is to be done and may be tried now. What became of each port. Raises Lost."""
        plan = await self.plan(desired)
        self.problems = plan.problems
        failed = await self._apply(plan)
        for owner in self.failures.keys() - {operation.owner for operation in plan.operations}:
            del self.failures[owner]
        if any(map(reads_again, plan.operations)):
            self.doubt()
        rest: dict[str, list[str]] = {}
        for operation in failed:
            rest.setdefault(operation.owner, []).append(str(operation))
        return self._outcomes(desired, plan.problems, rest)

    async def _apply(self, plan: Plan) -> list[Operation]:
        """Carry a plan out; what could not be done."""
        now = time.monotonic()
        waiting = {owner for owner, failure in self.failures.items() if failure.again > now}
        left: list[Operation] = []
        for together in plan.ranks():
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

    def _outcomes(self, desired: Desired, problems: dict[str, str], rest: dict[str, list[str]]) -> dict[str, Outcome]:
        found = {}
        needed = {need for wish in desired.ports.values() for need in wish.needs}
        wrong = {owner: failure.reason for owner, failure in self.failures.items()} | problems
        self.apart = {owner: reason for owner, reason in wrong.items() if owner not in needed}
        for port, wish in desired.ports.items():
            interface = self.actual.find(wish.ref)
            place = {"interface": interface.name, "sw_if_index": interface.index} if interface else {}
            reasons = [wish.problem] if wish.problem else []
            reasons += [problems[need] for need in wish.needs if need in problems]
            reasons += [
                self.failures[need].reason for need in wish.needs if need in self.failures and need not in problems
            ]
            if reasons:
                plan = tuple(text for need in wish.needs for text in rest.get(need, ()))
                found[port] = Outcome("failed", wish.at, "; ".join(reasons), plan=plan, **place)  # type: ignore[arg-type]
            elif not wish.up:
                found[port] = Outcome("down", wish.at, "its admin state is down", **place)  # type: ignore[arg-type]
            else:
                found[port] = Outcome("up", wish.at, **place)  # type: ignore[arg-type]
        return found


__all__ = ["Lost", "Outcome", "Reconciler"]
