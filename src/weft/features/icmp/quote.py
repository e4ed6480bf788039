"""What an ICMP error shows of the packet that it is about."""

from __future__ import annotations

from weft.core.buffer import NEXT_PRESENT, Buffer, buffer_at
from weft.core.memory import copy
from weft.core.node import routine


@routine
def quote(about: Buffer, to: int, most: int) -> int:
    """Copy so much of a packet, if it is that long. How many bytes it was."""
    left = min(about.total_length, most)
    length = 0
    while True:
        take = min(about.current_length, left)
        copy(to + length, about.data, take)
        length += take
        left -= take
        if left == 0 or about.flags & NEXT_PRESENT == 0:
            return length
        about = buffer_at(about.next_buffer)
