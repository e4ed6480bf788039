"""A worker is busy with the rings of a guest, while the front end takes away and changes whatever it works with."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.conftest import Lab
from tests.switch import Switch, wait
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import LOG_ALL, MQ, MRG_RXBUF, P_LOG, P_MQ, P_SLOTS, PACKED, PLAIN, FrontEnd
from tests.vhost_user.guest import Buffer, PackedQueue

from weft.features.interface.model import Interfaces, rx, tx
from weft.features.pg.model import PacketGenerator

FRAME = bytes.fromhex("525400000002 525400000001 9000") + bytes(46)
PAIRS, CHANGES = 2, 150


class Restless(FrontEnd):
    """A front end of an engine that runs by itself, and its guest, which sends and receives by two pairs of rings."""

    def __init__(self, path: Path, features: int) -> None:
        by_itself = cast(Lab, SimpleNamespace(engine=SimpleNamespace(step=lambda: None)))
        super().__init__(by_itself, path, features=features, protocol=P_LOG | P_MQ | P_SLOTS, size=64)
        self.spare = self.memory.add(0x100000, 1 << 20), self.memory.add(0x4000000, 1 << 16)
        self.start(PAIRS)
        self.buffer = self.spare[1].guest
        self.memory.write(self.buffer, bytes(12) + FRAME)

    def work(self) -> None:
        """What a driver does: all of its buffers are in one place, as nobody reads what comes."""
        for index, vring in self.vrings.items():
            queue = vring.queue
            queue.used()
            waiting = len(queue.lengths if isinstance(queue, PackedQueue) else queue.chains)
            for _ in range(self.size - waiting):
                queue.offer(Buffer(self.buffer, 12 + len(FRAME), index % 2 == 0))

    # --- what a front end may do at any time

    def share_anew(self, _: int) -> None:
        self.share()

    def take_a_region(self, _: int) -> None:
        """The one in which all buffers are; it comes again elsewhere."""
        region = self.spare[1]
        payload = struct.pack("<QQQQQ", 0, region.guest, region.size, region.user, 0)
        self.send("REM_MEM_REG", payload)
        self.number("GET_FEATURES")
        self.send("ADD_MEM_REG", payload, (region.fd,))

    def stop_and_start(self, index: int) -> None:
        self.start_vring(index, base=self.stop_vring(index) & 0xFFFF)

    def disable(self, index: int) -> None:
        self.state("SET_VRING_ENABLE", index, 0)
        self.number("GET_FEATURES")
        self.state("SET_VRING_ENABLE", index, 1)

    def call_elsewhere(self, index: int) -> None:
        self.send("SET_VRING_CALL", struct.pack("<Q", index), (self.vrings[index].error,))

    def log(self, index: int) -> None:
        """Begin a log, and another, and end it."""
        self.set("SET_FEATURES", self.features | LOG_ALL)
        for _ in range(2):
            fd = os.memfd_create("log")
            os.ftruncate(fd, 4096)
            self.ask("SET_LOG_BASE", struct.pack("<QQ", 4096, 0), (fd,))
            os.close(fd)
            self.place_vring(index, flags=1)
        self.set("SET_FEATURES", self.features)
        self.place_vring(index)


CHANGE: tuple[Callable[[Restless, int], None], ...] = (
    Restless.share_anew,
    Restless.take_a_region,
    Restless.stop_and_start,
    Restless.disable,
    Restless.call_elsewhere,
    Restless.log,
)


@pytest.mark.parametrize("packed", [False, True], ids=["split", "packed"])
def test_whatever_changes_no_worker_touches_what_has_gone(switch: Switch, tmp_path: Path, packed: bool) -> None:
    """It would be a crash of this process. Between two front ends, the interface's frames have nowhere to go."""
    switch.cli(f"""
        create packet-generator interface pg0
        create vhost-user socket {tmp_path}/vm.sock server {"packed" if packed else ""}
        set interface state pg0 up
        set interface state {NAME} up
        set interface l2 xconnect pg0 {NAME}
        set interface l2 xconnect {NAME} pg0
    """)
    generator, interface = switch.engine[PacketGenerator], switch.engine[Interfaces][NAME]

    def flood() -> None:
        generator.add("flood", switch.engine[Interfaces]["pg0"], [FRAME])
        generator.enable("flood")

    switch.do(flood)
    choose = random.Random(int(packed))
    for _ in range(2):
        vm = Restless(tmp_path / "vm.sock", PLAIN | MRG_RXBUF | MQ | (PACKED if packed else 0))
        for _ in range(CHANGES):
            vm.work()
            choose.choice(CHANGE)(vm, choose.randrange(2 * PAIRS))
        vm.number("GET_FEATURES")
        for counter in (rx, tx):
            before = counter.read(interface.sw_if_index)[0]
            vm.work()
            wait(lambda counter=counter, before=before: counter.read(interface.sw_if_index)[0] > before)  # type: ignore[misc]
        vm.close()
        wait(lambda: not interface.link_up)
    assert not [each for each in switch.engine.messages if each.levelname in ("WARNING", "ERROR")]
