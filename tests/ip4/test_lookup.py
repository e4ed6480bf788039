"""The longest prefix wins, whatever routes come and go, and in whatever order."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from tests.conftest import Lab
from tests.ip4.net import Net, host, network

from weft.features.fib.model import via
from weft.features.ip.ply import pool
from weft.features.ip4.model import Ip4
from weft.features.ip4.mtrie import find

HOPS = 6


class Reference:
    """A routing table as a dictionary."""

    def __init__(self) -> None:
        self.routes: dict[IPv4Network, int] = {}

    def look_up(self, address: IPv4Address) -> int | None:
        found = [network for network in self.routes if address in network]
        return self.routes[max(found, key=lambda network: network.prefixlen)] if found else None


def hop(number: int) -> tuple[str, str]:
    """A next hop behind pg1: its address and MAC."""
    return f"10.0.1.{number + 10}", f"02:00:00:00:aa:{number:02x}"


def learn_hops(net: Net) -> None:
    for number in range(HOPS):
        address, mac = hop(number)
        net.lab.cli(f"set ip neighbor pg1 {address} {mac}")
    net.lab.output()


# Few leading bits differ, so that prefixes nest.
addresses = st.builds(
    lambda high, middle, low: IPv4Address(20 << 24 | high << 16 | middle << 8 | low),
    st.sampled_from([0, 1, 2, 128, 255]),
    st.sampled_from([0, 1, 127, 128, 255]),
    st.sampled_from([0, 1, 2, 3, 127, 128, 254, 255]),
)
prefixes = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False), addresses, st.integers(5, 32)
)
steps = st.lists(st.tuples(prefixes, st.one_of(st.none(), st.integers(0, HOPS - 1))), max_size=25)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(steps=steps, looked_up=st.lists(addresses, min_size=1, max_size=8))
def test_routes_come_and_go(
    net: Net, steps: list[tuple[IPv4Network, int | None]], looked_up: list[IPv4Address]
) -> None:
    """Packets go where a dictionary says, after each way of getting there; nothing is left when all routes are gone."""
    learn_hops(net)
    ip4, table, reference = net.lab.engine[Ip4], 0, Reference()
    before = pool.live
    for prefix, number in steps:
        if number is not None:
            ip4.add(table, prefix, via(hop(number)[0], net.ports[1]))
            reference.routes[prefix] = number
        elif prefix in reference.routes:
            ip4.remove(table, prefix)
            del reference.routes[prefix]
    edges = [IPv4Address(each) for network in reference.routes for each in (network[0], network[-1])]
    wanted = [*looked_up, *edges[:12]]
    out = net.route(*(IP(src=host(0), dst=str(address), id=n) / UDP() for n, address in enumerate(wanted)))
    got = {frame[IP].id: frame.dst for frame in out.get("pg1", []) if IP in frame}
    for number, address in enumerate(wanted):
        expected = reference.look_up(address)
        assert got.get(number) == (None if expected is None else hop(expected)[1])
    for prefix in reference.routes:
        ip4.remove(table, prefix)
    assert pool.live == before


@pytest.mark.parametrize("seed", range(3))
def test_thousands_at_a_time(compiled_lab: Lab, seed: int) -> None:
    """``add_routes`` and ``remove_routes`` of random prefixes, against a dictionary by length."""
    net = network(compiled_lab)
    learn_hops(net)
    engine = compiled_lab.engine
    ip4 = engine[Ip4]
    rng = random.Random(seed)
    routes: dict[tuple[int, int], int] = {}
    while len(routes) < 5000:
        length = rng.choice([9, 12, 16, 17, 20, 23, 24, 25, 28, 31, 32, 32, 32])
        address = (20 << 24 | rng.getrandbits(24)) & (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
        routes[address, length] = rng.randrange(HOPS)
    ip4.add_routes(0, ((prefix, hop(number)[0], net.ports[1]) for prefix, number in routes.items()))
    gone = rng.sample(list(routes), 2500)
    assert ip4.remove_routes(0, gone) == 2500
    for each in gone:
        del routes[each]
    table = ip4.tables[0]
    for _ in range(5000):
        address = 20 << 24 | rng.getrandbits(24)
        expected = (0, 0)
        for length in range(32, 0, -1):
            key = (address & 0xFFFFFFFF << (32 - length) & 0xFFFFFFFF, length)
            if key in routes:
                expected = key
                break
        route = engine.call(find, table.fib_index, address)
        entry = table.find(*expected)
        assert entry is not None and entry.index == route
    ip4.remove_routes(0, list(routes))
    assert ip4.tables[0].find(20 << 24, 9) is None
    assert net.way("20.1.2.3") is None


def test_memory_comes_back(compiled_lab: Lab) -> None:
    """Routes that come and go for long take no more and more memory."""
    net = network(compiled_lab)
    ip4 = compiled_lab.engine[Ip4]
    prefixes = [(20 << 24 | number << 8 | 1, 32) for number in range(3000)]
    for _ in range(5):
        ip4.add_routes(0, ((prefix, host(1), net.ports[1]) for prefix in prefixes))
        ip4.remove_routes(0, prefixes)
        used = pool.used
    for _ in range(5):
        ip4.add_routes(0, ((prefix, host(1), net.ports[1]) for prefix in prefixes))
        ip4.remove_routes(0, prefixes)
    assert pool.used == used


def test_a_default_route(net: Net) -> None:
    net.lab.cli(f"ip route add 0.0.0.0/0 via {host(1)} pg1")
    assert net.way("198.51.100.1") is not None
    assert net.way("240.0.0.1") is None
    net.lab.cli("ip route del 0.0.0.0/0")
    assert net.way("198.51.100.1") is None


def test_a_deleted_table_leaves_nothing(net: Net) -> None:
    """Another that gets its place is empty."""
    before = pool.live
    net.lab.cli("ip table add 7\nip route add 20.1.2.0/25 table 7 via drop\nip route add 0.0.0.0/0 table 7 via punt")
    net.lab.cli("ip table del 7")
    assert pool.live == before
    net.lab.cli("ip table add 8")
    assert "20.1.2.0" not in net.lab.cli("show ip fib table 8")
    assert "dpo-drop" in net.lab.cli("show ip fib table 8 9.9.9.9")
