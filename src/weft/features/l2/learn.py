"""l2-learn: the address that a frame comes from is behind the port that it came in by."""

from __future__ import annotations

from weft.core.buffer import Buffer, unlock
from weft.core.node import Nexts, Per, inline, node, routine
from weft.core.punt import punt_copy
from weft.core.runtime import NodeRuntime
from weft.core.table import ASKED_FOR, FULL, WANTED, bucket_at, lookup_in, place_of, put, try_lock, value_at
from weft.features.ethernet.header import GROUP, EthernetHeader
from weft.features.l2.errors import LearnError
from weft.features.l2.fib import GROW
from weft.features.l2.layout import (
    ADDED,
    AGE_NOT,
    FILTER,
    MISSING,
    MOVED,
    STATIC,
    SW_IF_INDEX,
    TIMESTAMP,
    BridgeDomainRow,
    L2Meta,
    age_of,
    bridge_domains,
    fib,
    fib_key,
    number_of,
    ports,
    record,
)
from weft.features.l2.pipeline import LEARN, next_input_feature
from weft.features.l2.trace import trace_in_domain


class LearnNext(Nexts):
    DROP = "error-drop"


@node("l2-learn", next=LearnNext, trace=trace_in_domain, counts=LearnError.L2LEARN, per=Per.RX, asked=True)
def l2_learn(rt: NodeRuntime, pkt: Buffer) -> int:
    """Nearly always the entry is what it would become: known here, in this minute."""
    meta = L2Meta(pkt.opaque)
    sw_if_index = pkt.rx_sw_if_index
    context = ports[sw_if_index].context_word
    key = fib_key(EthernetHeader(pkt.data).source, context)
    entry = lookup_in(fib, bucket_at(meta.source), key, MISSING)
    fresh = sw_if_index | fib.now | number_of(context)
    if entry != fresh and (age_of(context) != 0 or (entry ^ fresh) & ~TIMESTAMP != 0):
        error = learn(rt, pkt, key, entry, fresh)
        if error != 0:
            return pkt.fail(error, LearnNext.DROP)
    return next_input_feature(pkt, LEARN)


@routine
def learn(rt: NodeRuntime, pkt: Buffer, key: int, entry: int, fresh: int) -> int:
    """Make ``entry`` into ``fresh``, unless something speaks against it. An error, if the packet is to be dropped."""
    here = entry & SW_IF_INDEX == pkt.rx_sw_if_index
    if entry & FILTER:
        return LearnError.FILTER_DROP
    if entry & STATIC and not here:
        return LearnError.MAC_MOVE_VIOLATE
    address = EthernetHeader(pkt.data).source
    if address == 0 or address & GROUP or (entry & AGE_NOT and here):
        return 0
    domain = bridge_domains[L2Meta(pkt.opaque).context.bd_index]
    if entry == MISSING:
        rt.count(LearnError.MISS, 1)
        if fib.learned >= fib.learn_limit or domain.learned >= domain.learn_limit:
            rt.count(LearnError.LIMIT, 1)
            return 0
    elif here and (fib.learned > fib.learn_limit or domain.learned > domain.learn_limit):
        return 0
    # If somebody else is changing the table: next time.
    if try_lock(fib):
        done = write(key, entry, fresh, domain)
        unlock(fib.address)
        if done and entry != MISSING:
            rt.count(LearnError.HIT_UPDATE if here else LearnError.MAC_MOVE, 1)
        if fib.wanted == WANTED:
            fib.wanted = ASKED_FOR
            punt_copy(rt.worker, pkt.index, GROW, 0)
    return 0


@inline
def write(key: int, entry: int, fresh: int, domain: BridgeDomainRow) -> int:
    """Put ``fresh`` where ``entry`` was, if it still is; whether that was done. The lock is held."""
    place = place_of(fib.where, key)
    if value_at(place, MISSING) != entry or put(fib, key, fresh) == FULL:
        return 0
    learned = entry == MISSING or entry & AGE_NOT != 0
    domain.learned = domain.learned + learned
    fib.learned = fib.learned + learned
    if entry == MISSING:
        record(key, fresh, ADDED)
    elif (entry ^ fresh) & SW_IF_INDEX:
        record(key, fresh, MOVED)
    return 1
