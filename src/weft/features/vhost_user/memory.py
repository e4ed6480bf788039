"""A guest's memory as packet code reaches it: every address that comes from a guest goes through here."""

from __future__ import annotations

from weft.core.memory import atomic_load, atomic_swap, copy, wrap
from weft.core.node import inline, routine
from weft.core.view import View, i64
from weft.features.vhost_user.model import MAX_PIECES, PAGE_BITS, Area, GuestMemory, Region

WORD_BITS = 6


class Word64(View):
    """A 64-bit word at an address."""

    value: i64


@routine
def region_of(memory: GuestMemory, guest: int) -> int:
    """The address of the region that holds a guest-physical address; 0 if none does."""
    for i in range(memory.count):
        region = memory.regions[i]
        offset = wrap(guest - region.guest)
        if offset >= 0 and offset < region.length:
            return region.address
    return 0


@routine
def translate(memory: GuestMemory, guest: int, length: int) -> int:
    """Where ``length`` bytes at a guest-physical address are here; 0 unless one region holds them all."""
    found = region_of(memory, guest)
    if found == 0:
        return 0
    region = Region(found)
    offset = wrap(guest - region.guest)
    if length > region.length - offset:
        return 0
    return region.host + offset


@routine
def add_pieces(memory: GuestMemory, area: Area, guest: int, length: int) -> int:
    """Add a buffer to what a thread collects, as one piece for each region that it stretches over. 0 if it is not
    wholly in the guest's memory, or has too many pieces.
    """
    while length > 0:
        found = region_of(memory, guest)
        if found == 0 or area.pieces_used == MAX_PIECES:
            return 0
        region = Region(found)
        offset = wrap(guest - region.guest)
        part = min(length, region.length - offset)
        piece = area.pieces[area.pieces_used]
        piece.host = region.host + offset
        piece.length = part
        piece.guest = guest
        area.pieces_used = area.pieces_used + 1
        area.length = area.length + part
        guest = wrap(guest + part)
        length -= part
    return 1


@inline
def rewind(area: Area) -> None:
    """Move the cursor to the first byte that was collected."""
    area.piece = 0
    area.offset = 0


@routine
def pull(area: Area, to: int, count: int) -> int:
    """Copy the next ``count`` bytes out of the guest. As many have been collected."""
    while count > 0:
        piece = area.pieces[area.piece]
        part = min(count, piece.length - area.offset)
        copy(to, piece.host + area.offset, part)
        advance(area, piece.length, part)
        to += part
        count -= part
    return 0


@routine
def push(area: Area, source: int, count: int) -> int:
    """Copy ``count`` bytes into the guest, to where the cursor is. As much room has been collected."""
    while count > 0:
        piece = area.pieces[area.piece]
        part = min(count, piece.length - area.offset)
        copy(piece.host + area.offset, source, part)
        advance(area, piece.length, part)
        source += part
        count -= part
    return 0


@inline
def advance(area: Area, length: int, part: int) -> None:
    """Move the cursor on within a piece of ``length`` bytes, and to the next at its end."""
    area.offset = area.offset + part
    if area.offset == length:
        area.piece = area.piece + 1
        area.offset = 0


@routine
def log_pieces(memory: GuestMemory, area: Area, length: int) -> int:
    """Mark the first ``length`` bytes that were collected as written."""
    i = 0
    while length > 0:
        piece = area.pieces[i]
        part = min(length, piece.length)
        log_write(memory, piece.guest, part)
        length -= part
        i += 1
    return 0


@routine
def log_write(memory: GuestMemory, guest: int, length: int) -> int:
    """Mark the pages of a stretch of guest memory as written, for the front end that migrates the guest."""
    first = guest >> PAGE_BITS
    last = (guest + length - 1) >> PAGE_BITS
    if first < 0 or last >= memory.log_pages:
        return 0  # the front end has made the log smaller than the memory: its own loss
    for page in range(first, last + 1):
        word = memory.log + ((page >> WORD_BITS) << 3)
        bit = wrap(1 << (page & 63))
        while True:
            before = atomic_load(word)
            if before & bit or atomic_swap(word, before, before | bit):
                break
    return 1
