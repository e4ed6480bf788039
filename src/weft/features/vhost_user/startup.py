"""``vhost-user { ... }`` of startup.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from weft.core.config import stanza
from weft.features.vhost_user.device import VhostUsers

if TYPE_CHECKING:
    from weft.core.engine import Engine


@stanza("vhost-user")
class VhostUserStanza(Struct, frozen=True):
    """How guests are interrupted. Guests' memory is never in core dumps, whether that is asked for or not."""

    coalesce_frames: int = 32
    coalesce_time: float = 1e-3  # seconds
    dont_dump_memory: bool = False

    def apply(self, engine: Engine) -> None:
        engine[VhostUsers].coalesce(self.coalesce_frames, self.coalesce_time)
