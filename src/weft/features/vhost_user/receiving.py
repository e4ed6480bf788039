"""An interface's receive queues: threads read a ring while it runs, and are woken by what the front end notifies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.features.interface.placement import RxMode, RxQueue, RxQueues
from weft.features.vhost_user.model import Ring
from weft.features.vhost_user.vring import NO_FD, Vring

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.features.interface.model import Interface


@dataclass
class Place:
    """A queue's place on a thread. It has a descriptor of its own while the front end has given none."""

    queue: RxQueue
    quiet: int  #: never readable
    wished: RxMode | None = None  #: what the user wants, while the front end does not notify


class ReceiveQueues:
    """The queues of one interface, by the index of their ring. A queue stays on its thread when its ring is stopped."""

    def __init__(self, engine: Engine, interface: Interface) -> None:
        self._engine, self._interface = engine, interface
        self._places: dict[int, Place] = {}

    def add(self, vring: Vring) -> Place:
        """A place for a ring, on the thread that reads the fewest queues."""
        quiet = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        queue = self._engine[RxQueues].add(
            self._interface,
            "vhost-user-input",
            vring.row.address,
            number=vring.index // 2,
            fd=quiet,
            edge=True,
            active=False,
            changed=_changed,
        )
        place = self._places[vring.index] = Place(queue, quiet)
        return place

    def start(self, vring: Vring) -> None:
        """Let its thread read a ring."""
        place = self._places.get(vring.index) or self.add(vring)
        queue, queues = place.queue, self._engine[RxQueues]
        if vring.kick != NO_FD:
            queue.fd = vring.kick
        elif queue.mode is not RxMode.POLLING:
            place.wished = queue.mode
            queue.mode = RxMode.POLLING
        _changed(queue)
        queues.activate(queue)

    def stop(self, vring: Vring) -> None:
        """Let nobody read it."""
        place = self._places[vring.index]
        self._engine[RxQueues].activate(place.queue, False)
        place.queue.fd = place.quiet
        if place.wished is not None:
            place.queue.mode, place.wished = place.wished, None

    def close(self) -> None:
        for place in self._places.values():
            self._engine[RxQueues].activate(place.queue, False)
            os.close(place.quiet)
        self._places.clear()


def _changed(queue: RxQueue) -> None:
    """Tell packet code whether the queue's thread may sleep."""
    Ring(queue.device).polling = int(queue.mode is RxMode.POLLING)
