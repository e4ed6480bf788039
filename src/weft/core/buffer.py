"""Packets and their pool.

A buffer is 2304 bytes: two cache lines of metadata, 128 bytes of headroom for headers to be put in front, 2048 bytes
of data. Longer packets are chains. A buffer's index is its offset in words of eight bytes: so its address is one
instruction, as the processor's addresses multiply by eight themselves.
"""

from __future__ import annotations

from array import array

from weft.core import arena
from weft.core.memory import atomic_store, atomic_swap, copy, opaque, pause, shift_right, wrap, write
from weft.core.node import inline, routine
from weft.core.view import Array, Bytes, View, i16, i64, over, times, u8, u16, u32

METADATA = 128
HEADROOM = 128
DATA_SIZE = 2048
SIZE = METADATA + HEADROOM + DATA_SIZE
#: From one buffer to the next. An odd number of cache lines, so that the lines at the same place of many buffers
#: spread over all sets of a cache.
STRIDE = SIZE + 64
INDEX_SHIFT = 3  #: from an offset among the buffers to an index

# Buffer.flags
NEXT_PRESENT = 1 << 0  #: the packet goes on in ``next_buffer``
TRACED = 1 << 1
LOCAL = 1 << 2  #: made by this machine
VLAN_1_DEEP = 1 << 3
VLAN_2_DEEP = 1 << 4
OFFLOAD = 1 << 5  #: a checksum is owed, and perhaps the packet is to be cut into segments: see ``Buffer``
L2_HDR_VALID = 1 << 6
L3_HDR_VALID = 1 << 7
L4_HDR_VALID = 1 << 8
CHECKSUM_GOOD = 1 << 9  #: no need to verify the layer-4 checksum: it was, or it is still owed (OFFLOAD)
SPAN_CLONE = 1 << 10  #: a mirror's copy, which is not mirrored again
LENT = 1 << 11  #: no packet now: a device has the buffer, and whoever lent it finds it again by this


class Buffer(View, apart=True):
    """A packet's metadata, in front of its data. ``opaque`` belongs to the feature that has the packet.

    **Offloads.** With OFFLOAD the packet owes its layer-4 checksum: the sum of everything from ``csum_start`` to the
    packet's end is to be complemented and stored ``csum_offset`` bytes after ``csum_start``, where the folded sum of
    the pseudo-header stands until then. If moreover ``gso_type`` is not 0, the packet is to be cut into TCP segments
    or UDP datagrams of ``gso_size`` bytes of payload each. Without OFFLOAD these fields mean nothing.

    ``csum_start`` is counted from the end of the headroom, as ``current_data`` and the header offsets are, so it stays
    right when tags or headers are put in front or taken away, and when a MAC or IP header is rewritten. What has to
    care: who changes addresses or ports that the checksum covers updates the sum at ``csum_offset`` (RFC 1624, without
    complementing); who moves the layer-4 header moves ``csum_start``; who makes another packet of it (an ICMP error, an
    echo reply) clears OFFLOAD; who cuts it or encapsulates it for a receiver that cannot know calls ``settle`` first
    (``gso/checksum.py``). ``interface-output`` does what the device cannot.
    """

    current_data: i16  # where the packet starts, counted from the end of the headroom
    current_length: u16
    flags: u32
    rx_sw_if_index: u32
    tx_sw_if_index: u32
    next_buffer: u32
    error: u16
    l2_len: u16
    l2_hdr_offset: i16
    l3_hdr_offset: i16
    l4_hdr_offset: i16
    rest_length: u16  # of the chain, without this buffer
    feature: i64  # the rest of a feature arc's chain
    opaque: Bytes = times(24)
    # the second cache line: what few packets need
    trace_id: u32
    flow_hash: u32
    gso_type: u8  # as virtio: 0, or GSO_TCPV4, GSO_TCPV6, GSO_UDP of ``gso/model.py``
    gso_flags: u8  # 1: TCP with ECN
    gso_size: u16
    csum_start: i16
    csum_offset: u16
    opaque2: Bytes = times(48)
    # several of these at once
    length_word: i64 = over("current_data")  # and current_length and flags: see ``length_in``
    interfaces: i64 = over("rx_sw_if_index")  # and tx_sw_if_index

    @property
    def data(self) -> int:
        """The address of the packet's first byte."""
        return self.address + 256 + self.current_data

    @property
    def total_length(self) -> int:
        """Bytes in the whole chain."""
        if self.flags & NEXT_PRESENT:
            return self.current_length + self.rest_length
        return self.current_length

    @property
    def index(self) -> int:
        return (self.address - arena.BUFFERS_BASE) >> INDEX_SHIFT

    def advance(self, count: int) -> None:
        """Drop ``count`` bytes in front; negative: take in so many of the headroom."""
        self.current_data = self.current_data + count
        self.current_length = self.current_length - count

    def fail(self, error: int, next: int) -> int:
        """Note why the packet goes the bad way, and go."""
        self.error = error
        return next


assert Buffer.size == METADATA and arena.BUFFERS_SIZE >> INDEX_SHIFT <= 1 << 32
assert all(field.offset < 64 for name, field in Buffer.fields.items() if name == "opaque")


@inline
def buffer_at(index: int) -> Buffer:
    """The buffer with this index."""
    return Buffer(opaque(arena.BUFFERS_BASE) + (index << INDEX_SHIFT))


class BufferPool(View):
    """The free buffers that no thread has in its own cache: a stack behind a lock."""

    lock: i64
    free: i64
    total: i64


pool = arena.root("buffer-pool", BufferPool)
#: More than the buffers' zone can hold.
stack = arena.table("buffer-stack", u32, arena.BUFFERS_SIZE // STRIDE + 1)

CACHE_SIZE = 1024


class BufferCache(View):
    """A thread's own free buffers."""

    count: i64
    failures: i64  # how often there was none left
    indices: Array[u32] = times(CACHE_SIZE)


@inline
def lock(address: int) -> None:
    while atomic_swap(address, 0, 1) == 0:
        pause()


@inline
def unlock(address: int) -> None:
    atomic_store(address, 0)


@routine
def refill(cache: BufferCache) -> int:
    """Fill half of an empty cache from the pool; how many it has then."""
    lock(pool.address)
    take = min(pool.free, CACHE_SIZE // 2 - cache.count)
    if take > 0:
        pool.free = pool.free - take
        copy(cache.indices.address + 4 * cache.count, stack.address + 4 * pool.free, 4 * take)
        cache.count = cache.count + take
    unlock(pool.address)
    return cache.count


@routine
def spill(cache: BufferCache) -> int:
    """Give half of a full cache back to the pool."""
    give = CACHE_SIZE // 2
    lock(pool.address)
    copy(stack.address + 4 * pool.free, cache.indices.address + 4 * (cache.count - give), 4 * give)
    pool.free = pool.free + give
    cache.count = cache.count - give
    unlock(pool.address)
    return give


@inline
def allocate(cache: BufferCache) -> int:
    """The index of a free buffer, 0 if there is none (0 is never a packet)."""
    if cache.count == 0 and refill(cache) == 0:
        cache.failures = cache.failures + 1
        return 0
    cache.count = cache.count - 1
    return cache.indices[cache.count]


@routine
def allocate_many(cache: BufferCache, into: int, count: int) -> int:
    """Put the indices of ``count`` free buffers at ``into`` (u32 each); how many there were."""
    got = 0
    while got < count:
        if cache.count == 0 and refill(cache) == 0:
            cache.failures = cache.failures + 1
            break
        take = min(cache.count, count - got)
        copy(into + 4 * got, cache.indices.address + 4 * (cache.count - take), 4 * take)
        cache.count = cache.count - take
        got += take
    return got


@inline
def free(cache: BufferCache, index: int) -> None:
    """Give back a packet: its buffer and the chain behind it."""
    while True:
        if cache.count == CACHE_SIZE:
            spill(cache)
        cache.indices[cache.count] = index
        cache.count = cache.count + 1
        buffer = buffer_at(index)
        if buffer.flags & NEXT_PRESENT == 0:
            break
        index = buffer.next_buffer


class Indices(View):
    """Buffer indices in a row."""

    row: Array[u32] = times(0)


@routine
def free_many(cache: BufferCache, indices: int, count: int) -> int:
    """Give back ``count`` packets whose indices (u32 each) stand at ``indices``: all at once, if none is a chain."""
    flags = 0
    row = Indices(indices).row
    for i in range(count):
        flags |= buffer_at(row[i]).flags
    if flags & NEXT_PRESENT:
        for i in range(count):
            free(cache, u32_at(indices + 4 * i))
        return count
    left = count
    while left > 0:
        if cache.count == CACHE_SIZE:
            spill(cache)
        give = min(CACHE_SIZE - cache.count, left)
        copy(cache.indices.address + 4 * cache.count, indices, 4 * give)
        cache.count = cache.count + give
        indices += 4 * give
        left -= give
    return count


class Word32(View):
    """One 32-bit number at an address."""

    value: u32


@inline
def u32_at(address: int) -> int:
    return Word32(address).value


@inline
def reset(buffer: Buffer, length: int, sw_if_index: int) -> None:
    """Metadata of a packet that has just come: it starts behind the headroom, and has no flags."""
    buffer.length_word = (length & 0xFFFF) << 16
    buffer.interfaces = wrap(sw_if_index | NO_INTERFACE << 32)
    buffer.error = 0


NO_INTERFACE = 0xFFFFFFFF


@inline
def length_in(word: int) -> int:
    """The length of a buffer in its ``length_word``."""
    return word >> 16 & 0xFFFF


@inline
def flags_in(word: int) -> int:
    """The flags in it."""
    return shift_right(word, 32)


@routine
def clone(cache: BufferCache, source: int) -> int:
    """The index of a copy of a whole packet, 0 if buffers are short."""
    first = 0
    previous = 0
    while True:
        index = allocate(cache)
        if index == 0:
            if first != 0:
                free(cache, first)
            return 0
        a, b = buffer_at(source), buffer_at(index)
        copy(b.address, a.address, METADATA)
        copy(b.data, a.data, a.current_length)
        b.flags = a.flags & ~NEXT_PRESENT
        if previous == 0:
            first = index
        else:
            p = buffer_at(previous)
            p.next_buffer = index
            p.flags = p.flags | NEXT_PRESENT
        if a.flags & NEXT_PRESENT == 0:
            return first
        previous = index
        source = a.next_buffer


def setup(count: int) -> None:
    """Make ``count`` buffers and put them all into the pool. Index 0 is left out: it means "none"."""
    step = STRIDE >> INDEX_SHIFT
    write(stack.address, array("I", range(step, (count + 1) * step, step)).tobytes())
    pool.free = count
    pool.total = count
