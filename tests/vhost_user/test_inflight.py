"""The engine is killed in the middle of a batch, and goes on where the in-flight record says (vhost-user, "Inflight I/O
tracking"): no chain is lost or given back twice, and no packet comes twice.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.conftest import Lab
from tests.switch import wait
from tests.vhost_user.engine import Engine
from tests.vhost_user.frontend import P_INFLIGHT, PACKED, PLAIN, ROOM, FrontEnd
from tests.vhost_user.guest import Buffer, SplitQueue

import weft

ENTRIES = 4096  #: of a ring: it takes the engine a while to work through it
TRIES = 8  #: until it is met in the middle
VECTOR = 256  #: packets that it may have in hand when it is killed, given back by one guest and not yet to the other
HEAD = bytes.fromhex("525400000002 525400000001 9000")
FRAME = 1400
CONFIGURATION = """
create vhost-user socket {0}/a.sock server {1}
create vhost-user socket {0}/b.sock server {1}
set interface state VirtualEthernet0/0/0 up
set interface state VirtualEthernet0/0/1 up
set interface l2 xconnect VirtualEthernet0/0/0 VirtualEthernet0/0/1
set interface l2 xconnect VirtualEthernet0/0/1 VirtualEthernet0/0/0
"""


class Keeping(FrontEnd):
    """A front end that keeps the record of an engine in a process, and comes again with it; its guest has a buffer for
    each place of a ring.
    """

    def __init__(self, path: Path, features: int) -> None:
        by_itself = cast(Lab, SimpleNamespace(engine=SimpleNamespace(step=lambda: None)))
        super().__init__(by_itself, path, features=features, protocol=P_INFLIGHT, size=ENTRIES)
        self.memory.add(0x100000, 16 << 20)
        self.record: tuple[bytes, int] | None = None

    def arrive(self) -> None:
        """Like ``start``; where the rings had got to, only the record knows."""
        wait(self._connects, 60)
        self.negotiate()
        self.share()
        if self.record is None:
            self.send("GET_INFLIGHT_FD", struct.pack("<QQHH4x", 0, 0, 2, self.size))
            _, payload, [fd] = self.receive()
            self.record = payload, fd
        self.send("SET_INFLIGHT_FD", self.record[0], (self.record[1],))
        for index in (0, 1):
            self.start_vring(index)
        assert self.number("GET_FEATURES"), "it has carried out all of that"

    def _connects(self) -> bool:
        self.socket.close()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        try:
            self.socket.connect(self.path)
        except OSError:
            return False
        return True

    def close(self) -> None:
        super().close()
        if self.record is not None:
            os.close(self.record[1])


@pytest.fixture(params=["split", "packed"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Keeping, Keeping]]:
    """An engine, who sends through it, and who receives."""
    packed = request.param == "packed"
    with weft.Engine(workers=0, interpret=False):
        pass  # all is compiled now, so that the others start soon
    engine = Engine(tmp_path, CONFIGURATION.format(tmp_path, "packed" if packed else ""))
    made = [Keeping(tmp_path / name, PLAIN | (PACKED if packed else 0)) for name in ("a.sock", "b.sock")]
    engine.start()
    try:
        for each in made:
            each.arrive()
        yield engine, made[0], made[1]
    finally:
        engine.kill()
        for each in made:
            each.close()


class Sender:
    """Sends numbered packets, each from a buffer of its own."""

    def __init__(self, end: Keeping) -> None:
        self._end, self._memory = end, end.memory
        self._buffers = [self._memory.allocate(FRAME + 12) for _ in range(ENTRIES)]
        self.number = 0

    def fill(self) -> list[int]:
        """Use the whole ring: the chains."""
        filler, queue, chains = bytes(FRAME - len(HEAD) - 4), self._end.vrings[1].queue, []
        for at in self._buffers:
            self._memory.write(at, bytes(12) + HEAD + struct.pack("!I", self.number) + filler)
            chains.append(queue.offer(Buffer(at, FRAME + 12)))
            self.number += 1
        return sorted(chains)

    def first(self) -> int:
        """What changes as soon as something is given back."""
        queue = self._end.vrings[1].queue
        if isinstance(queue, SplitQueue):
            return self._memory.u16(queue.device + 2)
        return self._memory.u16(queue.descriptors + 16 * queue.back + 14)


class Receiver:
    """Keeps what has come, and offers a buffer again when something has come in it."""

    def __init__(self, end: Keeping) -> None:
        self._end = end
        self._free = [end.memory.allocate(ROOM) for _ in range(ENTRIES)]
        self._offered: dict[int, int] = {}
        self.came: list[int] = []

    def offer(self) -> None:
        while self._free:
            at = self._free.pop()
            self._offered[self._end.vrings[0].queue.offer(Buffer(at, ROOM, True))] = at

    def collect(self) -> int:
        """How many have come in all."""
        for chain, length in self._end.vrings[0].queue.used():
            at = self._offered.pop(chain)  # it was not given back before
            self._free.append(at)
            frame = self._end.memory.read(at + 12, length - 12)
            assert frame[: len(HEAD)] == HEAD and len(frame) == FRAME
            self.came.append(struct.unpack_from("!I", frame, len(HEAD))[0])
        return len(self.came)


def test_an_engine_that_is_killed_in_the_middle(ends: tuple[Engine, Keeping, Keeping]) -> None:
    engine, *both = ends
    sender, receiver, ring = Sender(both[0]), Receiver(both[1]), both[0].vrings[1]
    for kills in range(1, TRIES):
        engine.signal(signal.SIGSTOP)
        receiver.offer()
        chains, before = sender.fill(), sender.first()
        os.eventfd_write(ring.kick, 1)
        engine.signal(signal.SIGCONT)
        end = time.monotonic() + 30
        while sender.first() == before:  # ``wait`` would look too late
            assert time.monotonic() < end
        engine.kill()
        back = [chain for chain, _ in ring.queue.used()]
        in_the_middle = len(back) < ENTRIES
        engine.start()
        for each in reversed(both):  # what the sender has offered is taken as soon as it is there
            each.arrive()
        wait(lambda back=back: back.extend(chain for chain, _ in ring.queue.used()) or len(back) >= ENTRIES)
        wait(lambda kills=kills: receiver.collect() >= sender.number - kills * VECTOR)
        assert sorted(back) == chains, "each chain of the sender is given back, and once"
        assert receiver.came == sorted(set(receiver.came)), "nothing comes twice, or in another order"
        if in_the_middle:
            break
    else:
        pytest.fail("the engine was never met in the middle")
    receiver.offer()
    chains, before = sender.fill(), len(receiver.came)
    os.eventfd_write(ring.kick, 1)
    wait(lambda: receiver.collect() == before + ENTRIES)
    assert sorted(chain for chain, _ in ring.queue.used()) == chains, "all go on as before"
    assert receiver.came == sorted(set(receiver.came))
