"""Readers while a worker forwards and interfaces change, and after the engine is gone."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from weft import Engine
from weft.features.interface.model import Interface, Interfaces
from weft.features.pg.model import PacketGenerator

from .conftest import reading, serving

SECONDS = 1.5


class Reader(threading.Thread):
    """Reads what one interface has received, again and again, and notes what went wrong."""

    def __init__(self, path: str, index: int) -> None:
        super().__init__(daemon=True)
        self.path, self.index, self.stop = path, index, threading.Event()
        self.seen: list[int] = []
        self.names: set[str] = set()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with reading(self.path) as stats:
                while not self.stop.is_set():
                    threads = stats["/if/rx"][:, self.index].packets()
                    assert len(threads) == 2 and threads[0] == 0
                    self.seen.append(sum(threads))
                    self.names.update(stats["/if/names"])
        except BaseException as failure:
            self.failure = failure


def test_two_readers_while_a_worker_forwards_and_interfaces_change() -> None:
    with Engine(workers=1, interpret=False) as engine, serving(engine) as path:
        interfaces, generator = engine[Interfaces], engine[PacketGenerator]
        ports: list[Interface] = [generator.create(f"pg{number}") for number in range(2)]
        for port in ports:
            interfaces.set_admin(port, True)
            engine.cli(f"set interface l2 bridge {port.name} 1")
        readers = [Reader(path, ports[0].sw_if_index) for _ in range(2)]
        for reader in readers:
            reader.start()
        generator.add("all", ports[0], [bytes.fromhex("020000000001020000000002") + bytes(52)])
        generator.enable("all")
        end = time.monotonic() + SECONDS
        turn = 0
        while time.monotonic() < end:
            turn += 1
            engine.cli("create loopback interface")
            engine.cli(f"set interface name loop0 turn{turn}")
            engine.cli(f"delete loopback interface intfc turn{turn}")
            engine.pump()
            time.sleep(0.005)
        generator.disable("all")
        engine.workers.quiesce()
        for reader in readers:
            reader.stop.set()
            reader.join(10)
            assert reader.failure is None and not reader.is_alive()
            assert reader.seen == sorted(reader.seen) and reader.seen[-1] > reader.seen[0] >= 0
            valid = {"local0", "pg0", "pg1", "deleted", "loop0", *(f"turn{number}" for number in range(1, turn + 1))}
            assert {"local0", "pg0", "pg1"} <= reader.names <= valid
        with reading(path) as stats:
            received = stats["/if/rx"][:, ports[0].sw_if_index].sum_packets()
            assert received == stats["/interfaces/pg1/tx"].sum_packets() > 0


def test_the_segment_outlives_the_engine_for_who_has_it() -> None:
    with ExitStack() as client:
        with Engine(workers=0, interpret=False) as engine, serving(engine) as path:
            stats = client.enter_context(reading(path))
        assert stats["/if/names"] == ["local0"]
