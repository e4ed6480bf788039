"""The L2 FIB over time: ageing, flushing, growing, many at once."""

from __future__ import annotations

import time

import pytest
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, frame, mac

from weft import Engine
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.features.interface.address import parse_mac
from weft.features.l2.model import BridgeDomains, L2Fib, Layer2
from weft.features.pg.model import PacketGenerator


@pytest.fixture
def bridged(lab: Lab) -> Lab:
    """pg0 and pg1 in bridge domain 1, pg2 in 2."""
    for port, bd_id in zip(lab.pg(3), (1, 1, 2), strict=True):
        lab.cli(f"set interface l2 bridge {port.name} {bd_id}")
    return lab


def hosts(lab: Lab) -> set[str]:
    """All addresses in the FIB."""
    return {mac_of(entry.mac) for entry in lab.engine[L2Fib].entries()}


def mac_of(number: int) -> str:
    return number.to_bytes(6, "little").hex(":")


def test_addresses_are_forgotten_when_they_have_not_been_seen_for_long(bridged: Lab) -> None:
    lab = bridged
    lab.cli("set bridge-domain mac-age 1 5")
    a, b, c = lab.ports
    lab.send(a, frame(1, BROADCAST))
    lab.send(b, frame(2, BROADCAST))
    lab.send(c, frame(3, BROADCAST))
    lab.cli(f"l2fib add {mac(4)} 1 pg0 static\nl2fib add {mac(5)} 1 pg0")
    for _ in range(4):
        lab.engine.advance(60)
        lab.send(b, frame(2, BROADCAST))
    assert hosts(lab) == {mac(1), mac(2), mac(3), mac(4), mac(5)}
    lab.engine.advance(130)
    # Host 2 was seen in the meantime; bridge domain 2 does not age, and neither do entries made by hand.
    assert hosts(lab) == {mac(2), mac(3), mac(4), mac(5)}
    assert lab.engine[L2Fib].learned == 2
    assert lab.engine[BridgeDomains][1].row.learned == 1
    lab.engine.advance(3600)
    assert hosts(lab) == {mac(3), mac(4), mac(5)}


def test_the_age_is_shown_in_minutes(bridged: Lab) -> None:
    lab = bridged
    lab.cli("set bridge-domain mac-age 1 200")
    lab.send(lab.ports[0], frame(1, BROADCAST))
    lab.send(lab.ports[2], frame(3, BROADCAST))
    lab.engine.advance(125)
    ages = {line.split()[0]: line.split()[4] for line in lab.cli("show l2fib all").splitlines()[1:-1]}
    assert ages == {mac(1): "2", mac(3): "-"}


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("l2fib flush-mac interface pg0", {2, 3}),
        ("l2fib flush-mac bridge-domain 1", {3}),
        ("l2fib flush-mac bridge-domain 2", {1, 2}),
        ("l2fib flush-mac all", set()),
    ],
)
def test_flushing_forgets_what_was_learned_and_nothing_else(bridged: Lab, command: str, left: set[int]) -> None:
    lab = bridged
    for host, port in enumerate(lab.ports, 1):
        lab.send(port, frame(host, BROADCAST))
    lab.cli(f"l2fib add {mac(9)} 1 pg0 static\nl2fib add {mac(8)} 2 filter")
    lab.cli(command)
    assert hosts(lab) == {mac(host) for host in left | {8, 9}}
    assert lab.engine[L2Fib].learned == len(left)
    for host, port in enumerate(lab.ports, 1):
        lab.send(port, frame(host, BROADCAST))
    assert hosts(lab) == {mac(host) for host in (1, 2, 3, 8, 9)}


def test_flushed_256_times(bridged: Lab) -> None:
    """Sequence numbers come round; nothing old comes back with them."""
    lab = bridged
    lab.send(lab.ports[0], frame(1, BROADCAST))
    for _ in range(256):
        lab.cli("l2fib flush-mac bridge-domain 1")
    assert hosts(lab) == set()
    assert sorted(lab.send(lab.ports[1], frame(2, 1))) == ["pg0"]


def test_clearing_leaves_bvis(bridged: Lab) -> None:
    lab = bridged
    lab.cli("loopback create\nset interface l2 bridge loop0 1 bvi")
    lab.cli(f"l2fib add {mac(9)} 1 pg0 static")
    lab.send(lab.ports[0], frame(1, BROADCAST))
    lab.cli("clear l2fib")
    assert hosts(lab) == {"de:ad:00:00:00:00"}
    assert lab.engine[L2Fib].learned == 0


def test_a_deleted_bridge_domain_leaves_nothing_to_the_next(bridged: Lab) -> None:
    lab = bridged
    lab.cli(f"l2fib add {mac(9)} 2 filter\nset bridge-domain arp entry 2 10.0.0.1 {mac(1)}")
    lab.send(lab.ports[2], frame(1, BROADCAST))
    index = lab.engine[BridgeDomains][2].index
    lab.cli("set interface l3 pg2\ncreate bridge-domain 2 del\ncreate bridge-domain 77")
    assert lab.engine[BridgeDomains][77].index == index
    assert hosts(lab) == set()
    assert lab.cli("show bridge-domain 77 arp").count(mac(1)) == 0


def test_counted_entries(bridged: Lab) -> None:
    lab = bridged
    lab.cli("l2fib add 02:00:00:00:00:ff 1 pg0 static count 3")
    assert hosts(lab) == {"02:00:00:00:00:ff", "02:00:00:00:01:00", "02:00:00:00:01:01"}


@pytest.mark.parametrize(
    "command",
    [
        "l2fib add 01:00:00:00:00:01 1 pg0",
        "l2fib add 00:00:00:00:00:00 1 filter",
        "l2fib add 02:00:00:00:00:01 9 pg0",
        "l2fib add 02:00:00:00:00:01 2 pg0",
        "l2fib add 02:00:00:00:00:01 1 local0",
        "l2fib add 02:00:00:00:00:01 1",
        "l2fib add 02:00:00:00:00 1 pg0",
        "l2fib add 02:00:00:00:00:01 1 pg0 count 0",
        "l2fib add 02:00:00:00:00:01 1 pg0 count 4000000000",
        "l2fib del 02:00:00:00:00:01 1",
        "l2fib del 02:00:00:00:00:01 9",
        "l2fib flush-mac bridge-domain 9",
        "l2fib flush-mac interface local0",
        "l2fib flush-mac interface nosuch0",
        "show l2fib bd_id 9",
    ],
)
def test_what_cannot_be_is_refused_in_one_line(bridged: Lab, command: str) -> None:
    with pytest.raises(CliError) as refused:
        bridged.cli(command)
    assert "\n" not in str(refused.value)
    assert len(bridged.engine[L2Fib]) == 0


def test_many_entries_over_learned_ones(lab: Lab) -> None:
    """Entries made by hand stand in for learned ones, and the counts of learned ones go down."""
    (port,) = lab.pg(1)
    lab.cli("set interface l2 bridge pg0 1")
    lab.send(port, *[frame(host, BROADCAST) for host in range(1, 51)])
    assert lab.engine[L2Fib].learned == 50
    lab.engine[L2Fib].add_many(1, port, [parse_mac(mac(host)) for host in range(26, 101)])
    assert (len(lab.engine[L2Fib]), lab.engine[L2Fib].learned) == (100, 25)
    assert lab.engine[BridgeDomains][1].row.learned == 25


def test_workers_that_learn_make_the_table_grow(lab: Lab) -> None:
    """More addresses than it held at the start, none of them lost for long."""
    count = 1500 if lab.engine.interpret else 20_000
    a, b = lab.pg(2)
    lab.cli("set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1")
    packets = [bytes(frame(host, BROADCAST)) for host in range(1, count + 1)]
    for _ in range(2):
        lab.engine[PacketGenerator].send(a, packets)
        lab.engine.advance(1)
    lab.engine[PacketGenerator].send(a, packets)
    assert lab.engine[L2Fib].learned == count
    lab.output()
    assert sorted(lab.send(b, frame(2000000, 1), frame(2000000, count // 2), frame(2000000, count))) == ["pg0"]


def test_a_hundred_thousand_addresses_in_two_seconds_while_packets_flow() -> None:
    """Added through the library; a worker forwards and learns meanwhile, and loses nothing."""
    with Engine(workers=1, interpret=False) as engine:
        ports = [engine[PacketGenerator].create(f"pg{number}") for number in range(2)]
        for port in ports:
            engine.cli(f"set interface state {port.name} up")
            engine[Layer2].bridge(port, 1)
        macs = [int.from_bytes(b"\x02\x11" + number.to_bytes(4, "big"), "little") for number in range(200_000)]
        stream = [bytes(frame(host, "02:11:00:00:00:01")) for host in range(1, 2001)]
        engine[L2Fib].add_many(1, ports[1], macs[:2])
        engine[PacketGenerator].add("stream", ports[0], stream)
        engine[PacketGenerator].enable("stream")
        start = time.perf_counter()
        engine[L2Fib].add_many(1, ports[1], macs[:100_000])
        assert time.perf_counter() - start < 2
        engine[L2Fib].add_many(1, ports[1], macs)
        deadline = time.monotonic() + 10
        while engine[L2Fib].learned < 2000 and time.monotonic() < deadline:
            engine.pump()
            time.sleep(0.01)
        engine[PacketGenerator].disable("stream")
        assert len(engine[L2Fib]) == 202_000
        assert engine[L2Fib].learned == 2000
        assert "L2 forward misses" not in engine.cli("show errors")
        assert engine.cli("show errors").count("l2-flood") <= 1
        engine[Layer2].flush_all()
        assert len(engine[L2Fib]) == 200_000


def test_add_many_checks_before_it_adds(bridged: Lab) -> None:
    lab = bridged
    with pytest.raises(Invalid):
        lab.engine[L2Fib].add_many(1, lab.ports[0], [parse_mac(mac(1)), parse_mac("01:00:00:00:00:00")])
    with pytest.raises(Invalid):
        lab.engine[L2Fib].add_many(5, lab.ports[0], [parse_mac(mac(1))])
    assert len(lab.engine[L2Fib]) == 0
