"""What packet code knows of a vhost-user interface: the guest's memory, its rings, and what each thread works with."""

from __future__ import annotations

from weft.core import arena
from weft.core.runtime import MAX_THREADS
from weft.core.view import Array, Bytes, Ref, View, i64, times, u8, u16, u32

MAX_DEVICES = 1024
MAX_RINGS = 8192
MAX_REGIONS = 64  #: of memory, that one guest shares
MAX_PIECES = 1024  #: stretches of memory that one packet may have in a guest
MAX_CHAINS = 512  #: receive buffers that one packet may be merged over
MAX_DEFERRED = 64  #: rings whose guests a thread interrupts later
MAX_SINGLES = 32  #: chains that are looked at together
MAX_FRAME = 65535 + 14 + 8  #: bytes: an IP packet as large as it can be, an Ethernet header, two tags

# VirtioNetHeader.flags and the like are in ``virtio/model.py``; these are of rings (virtio 1.2, 2.7 and 2.8).
DESC_NEXT = 1 << 0
DESC_WRITE = 1 << 1
DESC_INDIRECT = 1 << 2
DESC_AVAIL = 1 << 7
DESC_USED = 1 << 15
NO_INTERRUPT = 1  #: VRING_AVAIL_F_NO_INTERRUPT
NO_NOTIFY = 1  #: VRING_USED_F_NO_NOTIFY
EVENTS_ENABLE, EVENTS_DISABLE, EVENTS_DESC = 0, 1, 2  #: RING_EVENT_FLAGS_...

PAGE_BITS = 12  #: VHOST_LOG_PAGE is 4096


class Region(View):
    """A stretch of a guest's memory, mapped here."""

    guest: i64  # its first guest-physical address
    length: i64
    host: i64  # where it is here


class GuestMemory(View):
    """All of a guest's memory. Changed only while none of the device's rings is running."""

    count: i64
    pad: Array[i64] = times(7)
    regions: Array[Region] = times(MAX_REGIONS)
    log: i64  # the dirty bitmap's address here (live migration); 0: nobody wants to know
    log_pages: i64  # that it has bits for


class Ring(View):
    """A virtqueue. The main thread fills it in and sets ``running``; it clears that and waits (``quiesce``) before it
    changes anything that workers read.
    """

    # what the main thread says
    running: i64
    descriptors: i64  # host addresses: the descriptor table, or the packed ring
    driver: i64  # the available ring, or the driver's event suppression
    device: i64  # the used ring, or the device's event suppression
    memory: Ref[GuestMemory]
    call: i64  # eventfd that interrupts the guest; -1: it polls
    inflight: i64  # of the shared in-flight record; 0: none
    entries: u32
    packed: u8
    event_index: u8
    header: u8  # bytes of the header in front of each packet
    polling: u8  # its thread never sleeps: notifications are never wanted
    # the second line
    offloads: u8  # the guest may leave checksums to us
    merge: u8  # packets may be merged over several chains
    discard: u8  # what the guest sends is thrown away: the front end has disabled the ring
    pad1: u8
    sw_if_index: u32
    number: u32
    pad2: u32
    log_device: i64  # the used ring's guest address, where writes to it are to be logged; -1: they are not
    # what workers say
    lock: i64  # of the thread that fills it
    broken: i64  # a number of ``Fault``: the guest has broken the ring's rules; it rests until it is started again
    idle: i64  # empty looks in a row
    armed: i64  # the guest is to notify us
    next: u32  # split: how many chains were taken, modulo 2^16; packed: the next place in the ring
    wrap: u32  # packed: the driver's wrap counter at ``next``
    calls: i64  # interrupts
    packets: i64
    owed: i64  # chains given back for which the guest wants an interrupt that it has not had
    due: i64  # clocks, until when it waits for that


class Coalescing(View):
    """How interrupts of all guests are put together."""

    frames: i64  # more chains than that are not waited for
    clocks: i64  # from one interrupt to the next


class Device(View):
    """An interface: the ring that each thread sends by; 0: none."""

    sending: Array[i64] = times(MAX_THREADS)


class Piece(View):
    """A stretch of a guest's buffers."""

    host: i64
    length: i64
    guest: i64


class Taken(View):
    """A chain that has been taken from a ring."""

    id: u32  # to be given back
    slots: u32  # packed: places in the ring that it takes
    room: i64  # bytes
    place: u32  # packed: where it starts in the ring
    wrap: u32


class Single(View):
    """A chain that is one descriptor within one region."""

    host: i64
    length: u32
    id: u32


class PacketHeader(View):
    """``struct virtio_net_hdr_mrg_rxbuf`` (virtio 1.2, 5.1.6)."""

    flags: u8
    gso_type: u8
    hdr_len: u16
    gso_size: u16
    csum_start: u16
    csum_offset: u16
    num_buffers: u16


class HeaderWords(View):
    """The same, to see and to set at a stroke."""

    owed: i64
    rest: u32  # csum_offset and num_buffers


class Area(View):
    """What a thread collects of one packet, and where it has got to."""

    header: PacketHeader
    pad: Bytes = times(4)
    one: i64  # what is written to an eventfd
    pieces_used: i64
    chains_used: i64
    length: i64  # of all pieces
    # the cursor
    piece: i64
    offset: i64
    # of the batch
    place: i64  # packed: where the batch starts in the ring
    batch: i64  # chains given back since the last commit
    flags: i64  # packed: of the batch's first chain, which are written last
    seen: i64  # split: the guest's index when it was last read
    # of the chains that were looked at and are not taken yet
    single: i64  # the next one
    singles_used: i64
    # rings whose guests are to be interrupted later
    deferring: i64  # the thread looks after them
    looks: i64  # so often it has since there was a new one
    deferred_count: i64
    deferred: Array[i64] = times(MAX_DEFERRED)
    singles: Array[Single] = times(MAX_SINGLES)
    pieces: Array[Piece] = times(MAX_PIECES)
    chains: Array[Taken] = times(MAX_CHAINS)


memories = arena.table("vhost-user-memory", GuestMemory, MAX_DEVICES)
rings = arena.table("vhost-user-rings", Ring, MAX_RINGS)
devices = arena.table("vhost-user-devices", Device, MAX_DEVICES)
coalescing = arena.root("vhost-user-coalescing", Coalescing)
areas = arena.table("vhost-user-areas", Area, MAX_THREADS)
