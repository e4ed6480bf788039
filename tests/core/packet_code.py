"""Packet code for the tests of the framework. Features come first, so that it moves none of their addresses."""

from __future__ import annotations

from weft.core import arena, features
from weft.core.buffer import Buffer, BufferCache, allocate, allocate_many, clone, free
from weft.core.graph import arc, feature, next_feature
from weft.core.memory import (
    atomic_add,
    atomic_load,
    atomic_store,
    atomic_swap,
    copy,
    count_bits,
    fill,
    highest_bit,
    lowest_bit,
    mix,
    move,
    opaque,
    shift_right,
    swap16,
    syscall,
    wrap,
)
from weft.core.node import Errors, Kind, Nexts, node, routine
from weft.core.punt import Punted, punt, punt_copy, reason
from weft.core.runtime import Frame, NodeRuntime, Worker, put_frame
from weft.core.view import (
    Array,
    Bytes,
    Ref,
    Rows,
    View,
    be16,
    be32,
    be64,
    i8,
    i16,
    i32,
    i64,
    mac,
    over,
    times,
    u8,
    u16,
    u32,
)

features.load()


class Inner(View):
    """A record within a record."""

    lower: u16
    upper: be32


class Everything(View):
    """Every kind of field that there is, none of them aligned."""

    front: u8
    a_u8: u8
    a_u16: u16
    a_u32: u32
    a_i8: i8
    a_i16: i16
    a_i32: i32
    a_i64: i64
    a_be16: be16
    a_be32: be32
    a_be64: be64
    a_mac: mac
    area: Bytes = times(5)
    inside: Inner
    numbers: Array[be16] = times(3)
    inners: Array[Inner] = times(3)
    farther: Rows[Inner]
    ref: Ref[Inner]
    link: Ref[Everything]
    back: u8
    together: be32 = over("a_u8")  # and a_u16 and the first byte of a_u32

    @property
    def sum(self) -> int:
        return self.a_u8 + self.inside.lower

    def raise_by(self, count: int) -> int:
        self.a_u8 = self.a_u8 + count
        return self.sum


everything = arena.root("test-everything", Everything)
words = arena.table("test-words", i64, 8)


class Published(View):
    """What the main thread publishes in one word each."""

    told_i64: i64
    told_u32: u32
    gap1: u32
    told_u16: u16
    gap2: Array[u16] = times(3)
    told_be64: be64
    told_be32: be32
    gap3: u32
    told_be16: be16
    gap4: Array[u16] = times(3)


published = arena.root("test-published", Published)


@routine
def strangers(word: int, until: int) -> int:
    """How often a word has been something else than two numbers, before the word at ``until`` is set."""
    one, other = atomic_load(until + 8), atomic_load(until + 16)
    found = 0
    while atomic_load(until) == 0:
        value = atomic_load(word)
        found += int((value != one) & (value != other))
    return found


@routine
def through_both(thing: Everything, value: int) -> int:
    """A field, one over it and others, and the field again: each sees what the other has written."""
    thing.a_u16 = value
    before = thing.together
    thing.together = before ^ 0x00FF_FF00
    return before << 32 | thing.a_u16


@routine
def overlay(thing: Everything, value: int) -> int:
    """Read a field, write its two lower bytes through another view, read it again."""
    before = thing.a_u32
    Inner(thing.address + 4).lower = value
    return before << 32 | thing.a_u32


@routine
def poke(thing: Everything, which: int, value: int) -> int:
    """Write a field."""
    if which == 0:
        thing.a_u8 = value
    elif which == 1:
        thing.a_u16 = value
    elif which == 2:
        thing.a_u32 = value
    elif which == 3:
        thing.a_i8 = value
    elif which == 4:
        thing.a_i16 = value
    elif which == 5:
        thing.a_i32 = value
    elif which == 6:
        thing.a_i64 = value
    elif which == 7:
        thing.a_be16 = value
    elif which == 8:
        thing.a_be32 = value
    elif which == 9:
        thing.a_be64 = value
    elif which == 10:
        thing.a_mac = value
    elif which == 11:
        thing.inside.lower = value
    elif which == 12:
        thing.inside.upper = value
    elif which == 13:
        thing.numbers[2] = value
    elif which == 14:
        thing.inners[1].upper = value
    elif which == 15:
        thing.farther[2].lower = value
    elif which == 16:
        thing.ref.upper = value
    elif which == 17:
        thing.link.link.inners[2].lower = value
    else:
        return 0
    return 1


@routine
def peek(thing: Everything, which: int) -> int:
    """Read a field."""
    if which == 0:
        return thing.a_u8
    if which == 1:
        return thing.a_u16
    if which == 2:
        return thing.a_u32
    if which == 3:
        return thing.a_i8
    if which == 4:
        return thing.a_i16
    if which == 5:
        return thing.a_i32
    if which == 6:
        return thing.a_i64
    if which == 7:
        return thing.a_be16
    if which == 8:
        return thing.a_be32
    if which == 9:
        return thing.a_be64
    if which == 10:
        return thing.a_mac
    if which == 11:
        return thing.inside.lower
    if which == 12:
        return thing.inside.upper
    if which == 13:
        return thing.numbers[2]
    if which == 14:
        return thing.inners[1].upper
    if which == 15:
        return thing.farther[2].lower
    if which == 16:
        return thing.ref.upper
    if which == 17:
        return thing.link.link.inners[2].lower
    return 0


@routine
def aim(thing: Everything, rows: int, ref: Inner) -> int:
    """Set the pointers: to rows by number, to a record by view, to itself."""
    thing.farther = rows
    thing.ref = ref
    thing.link = thing
    return thing.area - thing.address


@routine
def computed(count: int) -> int:
    """A method, a property and a constant view."""
    everything.a_u8 = 1
    everything.inside.lower = 10
    return everything.raise_by(count) * 1000 + everything.sum


@routine
def word(which: int, a: int, b: int) -> int:
    """The memory words that compute."""
    if which == 0:
        return wrap(a + b)
    if which == 1:
        return wrap(a * b)
    if which == 2:
        return mix(a)
    if which == 3:
        return lowest_bit(a)
    if which == 4:
        return highest_bit(a)
    if which == 5:
        return count_bits(a)
    if which == 6:
        return swap16(a)
    if which == 7:
        return shift_right(a, b & 63)
    if which == 8:
        return opaque(a) ^ opaque(b)
    return 0


@routine
def word_at(which: int, address: int, a: int, b: int) -> int:
    """The memory words that work at an address."""
    if which == 0:
        return atomic_add(address, a)
    if which == 1:
        return atomic_swap(address, a, b)
    if which == 2:
        return atomic_load(address)
    if which == 3:
        atomic_store(address, a)
    if which == 4:
        copy(address, a, b)
    if which == 5:
        move(address, a, b)
    if which == 6:
        fill(address, a, b)
    return 0


# --- buffers


@routine
def take_one(cache: BufferCache) -> int:
    return allocate(cache)


@routine
def take_many(cache: BufferCache, into: int, count: int) -> int:
    return allocate_many(cache, into, count)


@routine
def give(cache: BufferCache, index: int) -> int:
    free(cache, index)
    return 0


@routine
def take_clone(cache: BufferCache, index: int) -> int:
    return clone(cache, index)


# --- the graph


class TestError(Errors, of="test-source"):
    __test__ = False

    SEEN = "seen by the test"


class SourceNext(Nexts):
    A = "test-sink-a"
    B = "test-sink-b"
    C = "test-sink-c"


class DropNext(Nexts):
    DROP = "error-drop"


@node("test-source", next=SourceNext)
def test_source(rt: NodeRuntime, pkt: Buffer) -> int:
    """By its first byte a packet goes to a, b or c."""
    rt.count(TestError.SEEN, 1)
    return First(pkt.data).byte % 3


test_source.__test__ = False  # type: ignore[attr-defined]


class First(View):
    byte: u8


def _forget(name: str) -> None:
    @node(name, kind=Kind.FRAME)
    def sink(rt: NodeRuntime, frame: Frame) -> int:
        """An end of the road for packets that are but numbers."""
        put_frame(rt.worker, frame)
        return 0


for _name in ("test-sink-a", "test-sink-b", "test-sink-c"):
    _forget(_name)

test_arc = arc("test-arc", end="error-drop")
test_arc.__class__.__test__ = False  # type: ignore[attr-defined]


@node("test-arc-start", next=DropNext)
def arc_start(rt: NodeRuntime, pkt: Buffer) -> int:
    return test_arc.start(pkt, pkt.rx_sw_if_index, DropNext.DROP)


def _feature(name: str, mark: int) -> None:
    @node(name)
    def pass_by(rt: NodeRuntime, pkt: Buffer) -> int:
        """Write down that the packet came by."""
        words[0] = words[0] * 10 + mark
        return next_feature(pkt)


for _mark, _name in enumerate(("test-first", "test-second", "test-third"), 1):
    _feature(_name, _mark)

feature("test-arc", "test-third")
feature("test-arc", "test-first", before=("test-second",))
feature("test-arc", "test-second", before=("test-third",), after=("a node that nobody has",))


@node("test-counter", template=True, next=DropNext)
def counter(rt: NodeRuntime, pkt: Buffer) -> int:
    """An instance adds its own number."""
    words[1] = words[1] + rt.data
    return DropNext.DROP


# --- punting

punted: list[Punted] = []


def _keep(engine: object, packet: Punted) -> None:
    punted.append(packet)


def _fail(engine: object, packet: Punted) -> None:
    raise RuntimeError("a handler's mistake")


RARE = reason("test-rare", _keep, rate=0.01, burst=5)
OFTEN = reason("test-often", _keep, rate=1e6, burst=100_000)
BROKEN = reason("test-broken", _fail)


class PuntNext(Nexts):
    PUNT = "punt"
    DROP = "error-drop"


@node("test-punt-rare", next=PuntNext)
def punt_rare(rt: NodeRuntime, pkt: Buffer) -> int:
    return punt(pkt, RARE, PuntNext.PUNT)


@node("test-punt-often", next=PuntNext)
def punt_often(rt: NodeRuntime, pkt: Buffer) -> int:
    return punt(pkt, OFTEN, PuntNext.PUNT)


@node("test-punt-broken", next=PuntNext)
def punt_broken(rt: NodeRuntime, pkt: Buffer) -> int:
    return punt(pkt, BROKEN, PuntNext.PUNT)


@node("test-punt-copy", next=PuntNext)
def punt_a_copy(rt: NodeRuntime, pkt: Buffer) -> int:
    punt_copy(rt.worker, pkt.index, OFTEN, 42)
    return PuntNext.DROP


# --- threads


class Doorbell(View):
    """A receive queue of a device that has nothing but a file descriptor."""

    bell_fd: i64
    times_looked: i64
    rings: i64
    into: i64


doorbell = arena.root("test-doorbell", Doorbell)
SYS_READ = 0


@node("test-doorbell", kind=Kind.INPUT)
def doorbell_input(rt: NodeRuntime, address: int) -> int:
    device = Doorbell(address)
    device.times_looked = device.times_looked + 1
    if syscall(SYS_READ, device.bell_fd, device.address + INTO, 8, 0, 0, 0) == 8:
        device.rings = device.rings + 1
        return 1
    return 0


INTO = Doorbell.fields["into"].offset


@node("test-whereabouts", next=DropNext)
def whereabouts(rt: NodeRuntime, pkt: Buffer) -> int:
    """Which thread has the packet."""
    words[2] = rt.worker.index + 1
    return DropNext.DROP


__all__ = ["Worker"]
