"""Following an address: how packets that this machine makes for it are forwarded, whatever becomes of its route."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.features.fib.dpo import Kind, Object, Objects
from weft.features.fib.load_balance import DROPS
from weft.features.fib.via import Follower
from weft.features.ip.family import Address
from weft.features.ip.tables import Tables

if TYPE_CHECKING:
    from weft.core.engine import Engine


class Tracker(Follower):
    """An address of a table that a feature sends packets to (a tunnel to its other end).

    ``route`` is the number of the address's route, the same until ``stop``: packets that go to ``ip4-load-balance``
    (or ``ip6-``) with it as their ``IpMeta.adj_index``, and ``fib_index`` for the flow hash, are forwarded as the
    tables say, always. ``word`` is a shorter way while there is only one: the next node's result in its lower half,
    ``adj_index`` in the upper, as ``follow`` in ``fib/load_balance.py`` takes it; ``changed`` is called when it is
    another.
    """

    def __init__(
        self, engine: Engine, tables: Tables, table_id: int, address: Address, changed: Callable[[Tracker], None]
    ) -> None:
        table = tables[table_id]
        if not isinstance(address, tables.family.address):
            raise Invalid(f"{address} is no {tables.family.title} address")
        self.address, self.table = address, table
        self._engine, self._tables, self._changed = engine, tables, changed
        self._entry = table.follow(int(address), self)
        table.followers += 1
        self.route: int = self._entry.index
        self.word = self._way()

    @property
    def fib_index(self) -> int:
        return self.table.fib_index

    @property
    def resolved(self) -> bool:
        """Whether packets get anywhere."""
        return not self._entry.paths.flags & DROPS

    def _way(self) -> int:
        """One object that is no other route, or the route as a whole."""
        objects = self._entry.paths.objects
        only = objects[0] if len(objects) == 1 else Object(Kind.LOAD_BALANCE, self.route)
        return self._engine[Objects].word(self._tables.family.name, only)

    def via_changed(self) -> None:
        """The entry is forwarded another way."""
        before, self.word = self.word, self._way()
        if self.word != before:
            self._changed(self)

    def stop(self) -> None:
        """Send nothing there any more; packets must not be under way with ``route`` when the workers have begun a new
        round.
        """
        self.table.followers -= 1
        self._entry.unfollow(self)
        self.table.settle()
        self._tables.collect(self.table)
