"""Interrupting a guest."""

from __future__ import annotations

from weft.core.memory import syscall
from weft.core.node import routine
from weft.features.vhost_user.model import Area, Ring

SYS_WRITE = 1
WORD = 8


@routine
def interrupt(ring: Ring, area: Area) -> int:
    """Let the guest look at a ring."""
    fd = ring.call
    if fd >= 0:
        area.one = 1
        syscall(SYS_WRITE, fd, area.address + ONE, WORD, 0, 0, 0)
        ring.calls = ring.calls + 1
    return 0


ONE = Area.fields["one"].offset
