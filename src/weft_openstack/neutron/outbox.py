"""Noting which keys may differ from the database: in Neutron's own transaction, so that none is ever forgotten.

A row says no more than that a key is to be looked at. What it should hold is read from the database when it is copied,
so copies may be made twice, late and in any order.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.plugins.ml2 import models as ml2
from neutron_lib import context as neutron_context
from neutron_lib.db import api as db_api
from sqlalchemy import event, orm

from weft_openstack.neutron.models import Dirty
from weft_openstack.store import keys

CLAIM = 30.0  #: seconds after which others may take over what somebody claimed
BACK_OFF = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
#: Nobody waits for longer: a turn that is further away was noted before somebody set the clock back.
LONGEST = max(CLAIM, *BACK_OFF)
MARKED, ROWS = "weft_marked", "weft_rows"  #: what a session remembers: keys that it noted, and their rows


def port_keys(port: str, network: str, hosts: Iterable[str]) -> set[str]:
    """All keys that a port can have."""
    return {keys.port(host, port) for host in hosts if host} | {keys.location(network, port)}


def bound_keys(session: Any, network: str) -> set[str]:
    """The keys of all ports of a network that are bound somewhere."""
    bound = (
        session.query(ml2.PortBinding.host, ml2.PortBinding.port_id)
        .join(models_v2.Port, models_v2.Port.id == ml2.PortBinding.port_id)
        .filter(models_v2.Port.network_id == network)
    )
    return {keys.port(host, port) for host, port in bound if host}


def mark(session: Any, dirty: Iterable[str]) -> None:
    """Note keys in the transaction of a session, each once."""
    now = time.time()
    marked = session.info.setdefault(MARKED, set())
    for key in sorted(set(dirty) - marked):
        session.add(Dirty(key=key, since=now, until=0.0, attempts=0, error=""))
        marked.add(key)


def follow_bindings(committed: Callable[[dict[int, str]], None]) -> None:
    """Note every change of a port's bindings from now on, and call `committed` behind each transaction that noted
    something, with the keys by the numbers of their rows; of a part that was undone there are no rows. Neutron changes
    the bindings of hosts that a virtual machine migrates to without a word to drivers."""

    def before_flush(session: Any, *_: Any) -> None:
        changed = [each for group in (session.new, session.dirty, session.deleted) for each in group]
        bindings = [each for each in changed if isinstance(each, ml2.PortBinding | ml2.PortBindingLevel)]
        if not bindings:
            return
        dirty = {keys.port(each.host, each.port_id) for each in bindings if each.host and each.port_id}
        with session.no_autoflush:
            ports = session.query(models_v2.Port.id, models_v2.Port.network_id)
            dirty |= {
                keys.location(network, port)
                for port, network in ports.filter(models_v2.Port.id.in_({each.port_id for each in bindings}))
            }
        mark(session, dirty)

    def after_flush(session: Any, *_: Any) -> None:
        if noted := {each.id: each.key for each in session.new if isinstance(each, Dirty)}:
            session.info.setdefault(ROWS, {}).update(noted)

    def after_soft_rollback(session: Any, transaction: Any) -> None:
        if marked := session.info.get(MARKED):
            marked.clear()  # what was noted is undone, and is noted again if it happens again
        if transaction.parent is None:
            session.info.pop(ROWS, None)

    def after_transaction_end(session: Any, transaction: Any) -> None:
        if transaction.parent is None:
            session.info.pop(MARKED, None)
            if rows := session.info.pop(ROWS, None):
                committed(rows)

    event.listen(orm.Session, "before_flush", before_flush)
    event.listen(orm.Session, "after_flush", after_flush)
    event.listen(orm.Session, "after_soft_rollback", after_soft_rollback)
    event.listen(orm.Session, "after_transaction_end", after_transaction_end)


class Outbox:
    """The rows, for whoever copies. Each call is a transaction."""

    def __init__(self) -> None:
        self._context = neutron_context.get_admin_context

    def claim(self, most: int) -> dict[int, str]:
        """Take keys for oneself, the longest waiting first: by the numbers of their rows, those whose turn it is."""
        claimed: dict[int, str] = self._claim(str(uuid.uuid4()), most)
        return claimed

    @db_api.retry_db_errors
    def _claim(self, claim: str, most: int) -> dict[int, str]:
        now = time.time()
        waits = Dirty.until.between(now, now + LONGEST)
        context = self._context()
        with db_api.CONTEXT_WRITER.using(context):
            session = context.session
            ready = (
                session.query(Dirty.key)
                .group_by(Dirty.key)
                .having(sa.func.max(sa.case((waits, 1), else_=0)) == 0)
                .order_by(sa.func.min(Dirty.id))
                .limit(most)
            )
            wanted = [key for (key,) in ready]
            if not wanted:
                return {}
            locked = session.query(Dirty).filter(Dirty.key.in_(wanted)).with_for_update().all()
            busy = {row.key for row in locked if now <= row.until <= now + LONGEST}
            mine = [row for row in locked if row.key not in busy]
            for row in mine:
                row.claim, row.until = claim, now + CLAIM
            return {row.id: row.key for row in mine}

    @db_api.retry_db_errors
    def done(self, rows: Iterable[int]) -> None:
        """The keys of these rows are as the database said after the rows were there."""
        context = self._context()
        with db_api.CONTEXT_WRITER.using(context):
            context.session.query(Dirty).filter(Dirty.id.in_(list(rows))).delete(synchronize_session=False)

    @db_api.retry_db_errors
    def failed(self, errors: dict[int, str], away: bool = False) -> None:
        """The keys of these rows could not be copied; they wait for longer each time, unless etcd was away from all."""
        now = time.time()
        context = self._context()
        with db_api.CONTEXT_WRITER.using(context):
            for row in context.session.query(Dirty).filter(Dirty.id.in_(list(errors))):
                row.error = errors[row.id][:1024]
                row.until = now + (1.0 if away else BACK_OFF[min(row.attempts, len(BACK_OFF) - 1)])
                row.attempts += 1
                row.claim = None

    @db_api.retry_db_errors
    def add(self, dirty: Iterable[str]) -> None:
        """Note keys, in a transaction of their own."""
        context = self._context()
        with db_api.CONTEXT_WRITER.using(context):
            mark(context.session, dirty)

    @db_api.retry_db_errors
    def rows(self, key_part: str = "") -> list[dict[str, Any]]:
        """What waits, the oldest first; of one port only, if one is given."""
        context = self._context()
        with db_api.CONTEXT_READER.using(context):
            query = context.session.query(Dirty).order_by(Dirty.id)
            if key_part:
                query = query.filter(Dirty.key.contains(key_part))
            return [
                {"key": row.key, "since": row.since, "attempts": row.attempts, "error": row.error, "until": row.until}
                for row in query
            ]
