"""What is said of the groups that interfaces are in: the host's part of IGMP and MLD (RFC 3376 5, RFC 3810 6).

Changes are reported, more than once as some may be lost, and queries are answered. While a router or switch is about
that knows only the older version of the protocol, each group is reported by itself in that (RFC 3376 7.2, RFC 3810
8.2).
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.timers import Timer
from weft.features.interface.model import Interface, Interfaces
from weft.features.ip.family import Address

if TYPE_CHECKING:
    from weft.core.engine import Engine

REPORTS = 2  #: of each change (RFC 3376 8.1, RFC 3810 9.1)
BETWEEN = 1.0  #: seconds (RFC 3376 8.11, RFC 3810 9.11)
OLDER = 260.0  #: seconds for which a querier of the older version is thought to be about (RFC 3376 8.12, RFC 3810 9.12)
AT_ONCE = 60  #: records in a report: it fits into 1280 bytes


class Change(IntEnum):
    """A record's type, of those that name no sources."""

    IS_JOINED = 2  # MODE_IS_EXCLUDE: the answer to a query
    LEFT = 3  # CHANGE_TO_INCLUDE_MODE
    JOINED = 4  # CHANGE_TO_EXCLUDE_MODE


Record = tuple[Change, Address]


class Query(Struct, frozen=True):
    """A question who is in a group, or None: in which groups."""

    group: Address | None
    within: float  #: seconds, in which it is to be answered
    older: bool  #: it is of the older version


@dataclass
class State:
    """What is to be said on an interface."""

    known: set[Address] = field(default_factory=set)  #: the groups as they were last reported, or will be
    changes: dict[Address, int] = field(default_factory=dict)  #: how often the change of a group is to be reported yet
    reporting: Timer | None = None  #: that will look for changes
    asked: set[Address | None] = field(default_factory=set)  #: what is to be answered
    answer: Timer | None = None  #: that will do so
    older_until: float = 0.0


class Membership(ABC):
    """One family's, on all interfaces."""

    @abstractmethod
    def groups(self, interface: Interface) -> list[Address]:
        """The groups to report; none where the family is not enabled."""

    @abstractmethod
    def report(self, interface: Interface, records: Sequence[Record]) -> None:
        """Send a report."""

    @abstractmethod
    def report_older(self, interface: Interface, group: Address, left: bool) -> None:
        """Send one in the older version."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: dict[int, State] = {}
        engine[Interfaces].watch("up", self._came_up)
        engine[Interfaces].watch("removed", self._forget)

    def _state(self, interface: Interface) -> State:
        return self._states.setdefault(interface.sw_if_index, State())

    def _is(self, interface: Interface, state: State) -> bool:
        """Whether a timer's interface is there still."""
        return self._states.get(interface.sw_if_index) is state

    def _forget(self, interface: Interface) -> None:
        self._states.pop(interface.sw_if_index, None)

    # --- changes

    def _came_up(self, interface: Interface) -> None:
        """Nobody knows of its groups any more."""
        self._state(interface).known.clear()
        self.changed(interface)

    def changed(self, interface: Interface) -> None:
        """An interface may be in other groups than before. What changes at one moment is reported together, at once."""
        if interface.is_up:
            self._look_again(interface, self._state(interface), 0.0)

    def _look_again(self, interface: Interface, state: State, seconds: float) -> None:
        if state.reporting is not None:
            state.reporting.cancel()
        state.reporting = self._engine.timers.after(seconds, lambda: self._report_changes(interface, state))

    def _report_changes(self, interface: Interface, state: State) -> None:
        state.reporting = None
        if not self._is(interface, state) or not interface.is_up:
            return
        now = set(self.groups(interface))
        state.changes |= dict.fromkeys(now ^ state.known, REPORTS)
        state.known = now
        if state.changes:
            kinds = {group: Change.JOINED if group in now else Change.LEFT for group in state.changes}
            self._say(interface, state, [(kind, group) for group, kind in kinds.items()])
            state.changes = {group: left - 1 for group, left in state.changes.items() if left > 1}
            self._look_again(interface, state, BETWEEN)

    # --- queries

    def queried(self, interface: Interface, query: Query) -> None:
        """Somebody wants to know; he is told in a moment, for all may have been asked, and once, however often he asks
        meanwhile.
        """
        state, timers = self._state(interface), self._engine.timers
        if query.older:
            state.older_until = timers.seconds + OLDER
        if query.group is not None and query.group not in self.groups(interface):
            return
        state.asked.add(query.group)
        wait = random.uniform(0, query.within)
        if state.answer is not None and state.answer.due > timers.seconds + wait:
            state.answer.cancel()
            state.answer = None
        if state.answer is None:
            state.answer = timers.after(wait, lambda: self._answer(interface, state))

    def _answer(self, interface: Interface, state: State) -> None:
        asked, state.asked, state.answer = state.asked, set(), None
        if self._is(interface, state):
            wanted = [group for group in self.groups(interface) if None in asked or group in asked]
            self._say(interface, state, [(Change.IS_JOINED, group) for group in wanted])

    def _say(self, interface: Interface, state: State, records: list[Record]) -> None:
        if self._engine.timers.seconds < state.older_until:
            for change, group in records:
                self.report_older(interface, group, change == Change.LEFT)
        else:
            for some in _portions(records):
                self.report(interface, some)


def _portions(records: list[Record]) -> Iterator[list[Record]]:
    return (records[start : start + AT_ONCE] for start in range(0, len(records), AT_ONCE))


def seconds_of(code: int, bits: int, unit: float) -> float:
    """A maximum response code of so many bits as seconds: from the half on, it is a number with three bits of exponent
    (RFC 3376 4.1.1, RFC 3810 5.1.3).
    """
    if code >> (bits - 1):
        mantissa = bits - 4
        code = (code & (1 << mantissa) - 1 | 1 << mantissa) << ((code >> mantissa & 7) + 3)
    return code * unit
