"""Virtqueues as they stand in a guest's memory (virtio 1.2, 2.7 and 2.8)."""

from __future__ import annotations

from weft.core.view import Array, Bytes, View, i64, times, u8, u16, u32

MAX_SIZE = 32768  #: chains in a ring


class Descriptor(View):
    """A descriptor, as two words that are read once each; ``rest`` holds the length in its low half, then in a split
    ring the flags and the next one's number, in a packed ring the buffer's id and the flags.
    """

    guest: i64
    rest: i64


REST = Descriptor.fields["rest"].offset


class DescriptorTable(View):
    rows: Array[Descriptor] = times(MAX_SIZE)


class AvailableRing(View):
    """What the guest offers (split). Behind the ring stands ``used_event``."""

    flags: u16
    index: u16
    ring: Array[u16] = times(MAX_SIZE + 1)


class UsedElement(View):
    id: u32
    length: u32


class UsedRing(View):
    """What the guest gets back (split). Behind the ring stands ``avail_event``."""

    flags: u16
    index: u16
    ring: Array[UsedElement] = times(MAX_SIZE + 1)


class Event(View):
    """An event index behind a ring."""

    index: u16


class SplitDescriptor(View):
    """A descriptor of a split ring, for people."""

    guest: i64
    length: u32
    flags: u16
    next: u16


class SplitTable(View):
    rows: Array[SplitDescriptor] = times(MAX_SIZE)


class PackedDescriptor(View):
    """A descriptor of a packed ring as it is given back."""

    guest: i64
    length: u32
    id: u16
    flags: u16


class PackedRing(View):
    rows: Array[PackedDescriptor] = times(MAX_SIZE)


class EventSuppression(View):
    """Of a packed ring: which events its reader wants."""

    place: u16  # with the wrap counter in its highest bit
    flags: u16


class Inflight(View):
    """How each queue's part of the shared in-flight record begins (vhost-user, "Inflight I/O tracking"), up to its
    descriptors' states. Chains are given back in the order of the ring, and within the call that takes them: what is
    kept is how far the ring has got.
    """

    features: i64
    version: u16
    entries: u16


class InflightSplit(Inflight):
    last_batch_head: u16
    used_index: u16


class PackedState(View):
    """What stood in a packed ring where a chain is being given back: a batch that nobody has lived to finish is undone.
    ``inflight`` is set in the first of a batch until the guest has it.
    """

    inflight: u8
    pad: u8
    next: u16
    last: u16
    slots: u16  # places in the ring that the chain takes
    counter: i64
    id: u16
    flags: u16
    length: u32
    guest: i64


class InflightPacked(Inflight):
    free_head: u16
    old_free_head: u16
    used_index: u16  # where the batch that is being given back ends
    old_used_index: u16  # where it begins; as ``used_index`` once it is given back
    used_wrap: u8
    old_used_wrap: u8
    pad: Bytes = times(10)
    states: Array[PackedState] = times(MAX_SIZE)
