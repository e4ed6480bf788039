"""Compares database and etcd, whole, and notes in the outbox what differs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from weft_openstack.neutron import desired
from weft_openstack.neutron.loop import EtcdThread
from weft_openstack.neutron.outbox import Outbox
from weft_openstack.store import keys, records

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Difference:
    """A key that is not as the database says."""

    key: str
    what: str


def compare(store: EtcdThread, prefix: str, outbox: Outbox) -> list[Difference]:
    """What differs and is not on its way: in neither of two looks, nor in the outbox."""
    suspects = _differing(store, prefix, None)
    waiting = {row["key"] for row in outbox.rows()}
    again = _differing(store, prefix, set(suspects) - waiting)
    return [Difference(key, what) for key, what in sorted(again.items()) if suspects.get(key) == what]


def _differing(store: EtcdThread, prefix: str, only: set[str] | None) -> dict[str, str]:
    """What differs, of all keys or of some."""
    if only is None:
        parts = [store.call(store.etcd.below(prefix + part))[0] for part in keys.DESIRED]
        there = {item.key.removeprefix(prefix): item.value for part in parts for item in part}
        wanted = desired.wanted(desired.every() | there.keys())
    else:
        items = store.call(store.etcd.get_all([prefix + key for key in only]))
        there = {key.removeprefix(prefix): item.value for key, item in items.items()}
        wanted = desired.wanted(only)
    found = dict(wanted.problems)
    for key, record in wanted.records.items():
        if record is None and key in there:
            found[key] = "is there and should not be"
        elif record is not None and key not in there:
            found[key] = "is missing"
        elif record is not None and not records.same(record, there[key]):
            found[key] = "holds something else"
    return found


def repair(store: EtcdThread, prefix: str, outbox: Outbox) -> list[Difference]:
    """Note what differs, so that it is copied. What that was."""
    differences = compare(store, prefix, outbox)
    for each in differences:
        log.warning("audit: %s %s; copying it", each.key, each.what)
    if differences:
        outbox.add(each.key for each in differences)
    return differences
