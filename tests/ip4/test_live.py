"""Routes change while a worker forwards: no packet is lost, none goes astray, and nothing waits for long."""

from __future__ import annotations

import random
import time

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from weft import Engine
from weft.features.fib.model import via
from weft.features.interface.model import Interface, Interfaces, rx, tx
from weft.features.ip4.model import Ip4
from weft.features.pg.model import PacketGenerator

SECONDS = 1.5
TARGETS = [20 << 24 | number * 65_537 % (1 << 24) for number in range(256)]


def settled(engine: Engine, port: Interface) -> int:
    """Packets that came in, once all of them have left."""
    engine[PacketGenerator].disable("all")
    engine.workers.quiesce()
    time.sleep(0.05)
    return rx.read(port.sw_if_index)[0]


def test_no_packet_is_lost_while_routes_come_and_go() -> None:
    """All of 20.0.0.0/8 leads to pg1 and now and then parts of it to pg2: each packet leaves by one of the two."""
    rng = random.Random(1)
    with Engine(workers=1, interpret=False) as engine:
        interfaces, ip4, generator = engine[Interfaces], engine[Ip4], engine[PacketGenerator]
        ports = [generator.create(f"pg{number}") for number in range(3)]
        for number, port in enumerate(ports):
            interfaces.set_admin(port, True)
            ip4.add_address(port, f"10.0.{number}.1/24")
            engine.cli(f"set ip neighbor {port.name} 10.0.{number}.2 02:00:00:00:00:{number:02x}")
        ip4.add(0, "20.0.0.0/8", via("10.0.1.2", ports[1]))
        aside = (via("10.0.2.2", ports[2]),)
        frames = [
            bytes(
                Ether(dst=ports[0].mac)
                / IP(src="10.0.0.2", dst=f"{t >> 24}.{t >> 16 & 255}.{t >> 8 & 255}.{t & 255}")
                / UDP()
            )
            for t in TARGETS
        ]
        before = [tx.read(port.sw_if_index)[0] for port in ports]
        generator.add("all", ports[0], frames)
        generator.enable("all")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            chosen = {_prefix(rng.choice(TARGETS), rng.randint(9, 32)) for _ in range(200)}
            ip4.add_routes(0, ((prefix, aside) for prefix in chosen))
            one = next(iter(chosen))
            ip4.add(0, one, (via("10.0.1.2", ports[1]), *aside))
            ip4.add(0, one, via("10.0.1.2", ports[1]))
            engine.cli(f"set ip neighbor pg2 10.0.2.2 02:00:00:00:0{rng.randrange(9)}:02")
            ip4.remove_routes(0, chosen)
        came = settled(engine, ports[0])
        left = [tx.read(port.sw_if_index)[0] - count for port, count in zip(ports, before, strict=True)]
        assert came > 100_000
        assert left[1] + left[2] == came
        assert left[2] > 0


def _prefix(address: int, length: int) -> tuple[int, int]:
    return address & (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF, length
