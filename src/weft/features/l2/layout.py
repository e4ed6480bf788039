"""Layer 2 as packet code sees it: ports, bridge domains, what a packet carries, what a MAC address leads to."""

from __future__ import annotations

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import atomic_store, shift_right, wrap
from weft.core.node import inline
from weft.core.table import HashTable
from weft.core.view import Array, Bytes, Ref, View, be16, i64, over, times, u8, u16, u32

MAX_BRIDGE_DOMAINS = 1 << 16

# Port.flags
BVI = 1 << 0
SELECTIVE = 1 << 1  #: packets that leave by it have more to pass than this: a group, a tag rewrite, features


class Rewrite(View, settled=True):
    """A tag rewrite: take ``pop`` bytes of tags off, put ``push`` bytes of tags on. A single tag is the second."""

    tags: i64  # as they are to stand in the frame
    pop: u8
    push: u8
    pad: u16
    pad2: u32


class Context(View):
    """What a port gives its packets on their way, copied as one word."""

    bd_index: u16
    sn: u16  # of what is learned now: the interface's sequence number, above it the bridge domain's
    shg: u8  # split-horizon group
    mac_age: u8  # minutes, of the bridge domain
    pad: u16


class Port(View, settled=True):
    """An interface at layer 2. One cache line."""

    context: Context
    features: u32  # of packets that come in: what the interface and its bridge domain both allow
    flags: u8
    shg: u8  # where packets leave; ``context.shg`` is 0 for a BVI, so that unicast from layer 3 goes everywhere
    pad: u16
    output_sw_if_index: u32  # cross-connect: where packets go
    output_node: u32  # of packets that leave by it; 0: it is not at layer 2
    output_features: u32
    first_node: u32  # of the first feature, for unicast; 0: packets are dropped
    input_rewrite: Rewrite
    output_rewrite: Rewrite
    context_word: i64 = over("context")


assert Port.size == 64

ports = arena.table("l2-ports", Port, MAX_INTERFACES)


class Member(View):
    """A member of a bridge domain, to be flooded to."""

    sw_if_index: u32
    shg: u8
    bvi: u8
    pad: u16


class Members(View):
    """Those of a bridge domain, the BVI last."""

    count: i64
    rows: Array[Member] = times(0)


class BridgeDomainRow(View):
    """A bridge domain. One cache line."""

    members: Ref[Members]
    features: u32
    uu_fwd_sw_if_index: u32  # 0: none
    learn_limit: i64
    learned: i64  # entries; written under the L2 FIB's lock
    sn: u8
    mac_age: u8
    pad: u16
    pad2: Array[u32] = times(7)


assert BridgeDomainRow.size == 64

bridge_domains = arena.table("bridge-domains", BridgeDomainRow, MAX_BRIDGE_DOMAINS)


class L2Meta(View):
    """In a packet's ``opaque`` from ``l2-input`` until it leaves layer 2."""

    context: Context
    features: u32  # that it is to pass
    source: u32  # where its addresses stand in the L2 FIB: handles of their buckets
    destination: u32
    pad: u32


class Forwarded(View):
    """The same after ``l2-fwd`` or ``l2-flood``, which leave what they knew for the trace."""

    before: Bytes = times(12)
    rx_sw_if_index: u32  # where it came in, before a BVI got it
    result: i64


assert L2Meta.size == Forwarded.size == 24

# --- the L2 FIB: (address, bridge domain) -> where to, what kind of entry, how fresh

BD_BITS = 16  #: of a key

# The value of an entry, as VPP has it: sw_if_index in the low 32 bits, flags, the minute in which the address was last
# seen, the interface's and the bridge domain's sequence numbers at that time.
STATIC, AGE_NOT, BVI_ENTRY, FILTER = 1 << 32, 1 << 33, 1 << 34, 1 << 35
SW_IF_INDEX = 0xFFFFFFFF
TIMESTAMP = 0xFF << 40
TIMESTAMP_SHIFT = 40
SN_SHIFT = 48
MISSING = 0  #: no entry is 0: local0 is never bridged


class Fib(HashTable):
    """The L2 FIB's root."""

    now: i64  # the minute, modulo 256, where an entry has its timestamp
    learned: i64  # in all bridge domains; written under the lock
    learn_limit: i64
    recording: i64  # 1: changes of learned entries are written to ``changes``
    recorded: i64  # how many were; written under the lock
    pad2: Array[i64] = times(2)


assert Fib.size == 128

fib = arena.root("l2fib", Fib)

# Change.action, as VPP's API numbers them
ADDED, DELETED, MOVED = range(3)

MAX_CHANGES = 1 << 16


class Change(View):
    """What became of a learned entry. ``value``: the entry's; of one that was deleted, its last."""

    key: i64
    value: i64
    action: i64
    pad: i64


changes = arena.table("l2fib-changes", Change, MAX_CHANGES)
RECORDED = Fib.fields["recorded"].offset


@inline
def record(key: int, value: int, action: int) -> None:
    """Note a change for those who want to be told. The lock is held; who reads too late misses the oldest."""
    if fib.recording:
        change = changes[fib.recorded & MAX_CHANGES - 1]
        change.key, change.value, change.action = key, value, action
        atomic_store(fib.address + RECORDED, fib.recorded + 1)


class Word(View):
    """Eight bytes."""

    value: i64


@inline
def number_of(context: int) -> int:
    """The sequence number in a context, as a context's word, where an entry has it."""
    return wrap((context & 0xFFFF0000) << SN_SHIFT - 16)


@inline
def age_of(context: int) -> int:
    """The minutes after which entries grow too old, in a context's word."""
    return context >> 40 & 0xFF


@inline
def fib_key(address: int, context: int) -> int:
    """The L2 FIB's key of an address in the bridge domain in the low bits of a packet's context. As the address stands
    above it, what was read with the address, two bytes too many, falls out.
    """
    return wrap(address << BD_BITS | context & (1 << BD_BITS) - 1)


@inline
def domain_of(key: int) -> int:
    """The bridge domain's number in a key of the L2 FIB."""
    return key & (1 << BD_BITS) - 1


@inline
def mac_of(key: int) -> int:
    """The address in a key of the L2 FIB."""
    return shift_right(key, BD_BITS)


class EthertypeBefore(View):
    """The two bytes in front of a frame's layer 3."""

    ethertype: be16
    payload: Bytes = times(0)


ETHERTYPE_SIZE = EthertypeBefore.size


@inline
def before_layer_3(pkt: Buffer) -> EthertypeBefore:
    """The ethertype behind all tags of a packet whose ``l2_len`` is known."""
    return EthertypeBefore(pkt.data + pkt.l2_len - ETHERTYPE_SIZE)


# --- ARP termination: (IPv4 address, bridge domain) -> MAC address

arp_entries = arena.root("l2-arp-entries", HashTable)


@inline
def arp_key(bd_index: int, address: int) -> int:
    """The key of an IPv4 address in a bridge domain."""
    return bd_index << 32 | address
