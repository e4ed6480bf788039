"""Several paths to one destination: how flows are divided, and which paths are taken."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Packet, Raw
from tests.ip4.net import Net, host, host_mac

from weft.features.fib.load_balance import spread

FLOWS = 256


def flows(count: int = FLOWS) -> list[Packet]:
    """Packets of as many flows, that differ in their ports."""
    return [IP(src=host(0), dst="20.1.1.1", id=n) / UDP(sport=1000 + n, dport=53) for n in range(count)]


def divided(net: Net, packets: list[Packet]) -> Counter[str]:
    """How many packets each next hop got, by MAC address."""
    return Counter(frame.dst for frames in net.route(*packets).values() for frame in frames if IP in frame)


def test_flows_are_divided_evenly(net: Net) -> None:
    for port in (1, 2, 3):
        net.lab.cli(f"ip route add 20.0.0.0/8 via {host(port)} pg{port}")
    shares = divided(net, flows(600))
    assert set(shares) == {host_mac(1), host_mac(2), host_mac(3)}
    assert all(150 <= share <= 250 for share in shares.values())


def test_weights_count(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1 weight 3 via {host(2)} pg2")
    shares = divided(net, flows(400))
    assert 260 <= shares[host_mac(1)] <= 340
    assert shares.total() == 400


def test_a_flow_keeps_its_way(net: Net) -> None:
    """Whatever else is in its packets; and its fragments go together."""
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1 via {host(2)} pg2")
    for sport in range(1000, 1016):
        one = [
            IP(src=host(0), dst="20.1.1.1", id=n, ttl=9 + n, tos=n) / UDP(sport=sport, dport=53) / Raw(b"x" * n)
            for n in range(12)
        ]
        assert len(divided(net, one)) == 1
    first = IP(src=host(0), dst="20.1.1.1", flags="MF") / UDP(sport=7, dport=8) / Raw(b"x" * 24)
    rest = [IP(src=host(0), dst="20.1.1.1", frag=4 + n, proto=17) / Raw(bytes(range(n, n + 32))) for n in range(12)]
    assert len(divided(net, [first, *rest])) == 1


def test_what_divides_can_be_chosen(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1 via {host(2)} pg2")
    assert len(divided(net, flows())) == 2
    net.lab.cli("set ip flow-hash table 0 src dst")
    assert len(divided(net, flows())) == 1
    targets = [IP(src=host(0), dst=f"20.1.1.{n}") / UDP(sport=1, dport=2) for n in range(64)]
    assert len(divided(net, targets)) == 2
    net.lab.cli("set ip flow-hash table 0 src proto")
    assert len(divided(net, targets)) == 1


def test_both_directions_can_be_one_flow(net: Net) -> None:
    """``reverse`` swaps the ends: a table for each direction keeps a connection on one path."""
    net.lab.cli(f"ip route add 0.0.0.0/0 via {host(1)} pg1 via {host(2)} pg2")
    there = [IP(src=f"20.0.0.{n}", dst="30.0.0.1") / TCP(sport=n + 1, dport=80) for n in range(32)]
    back = [IP(src="30.0.0.1", dst=f"20.0.0.{n}") / TCP(sport=80, dport=n + 1) for n in range(32)]
    forth = [next(iter(divided(net, [packet]))) for packet in there]
    net.lab.cli("set ip flow-hash table 0 src dst sport dport proto reverse")
    assert [next(iter(divided(net, [packet]))) for packet in back] == forth


def test_a_path_whose_interface_is_down_is_not_taken(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1 via {host(2)} pg2")
    net.lab.cli("set interface state pg1 down")
    assert divided(net, flows()) == {host_mac(2): FLOWS}
    net.lab.cli("set interface state pg2 down")
    assert divided(net, flows()) == {}
    net.lab.cli(f"set interface state pg1 up\nset ip neighbor pg1 {host(1)} {host_mac(1)}")
    assert divided(net, flows()) == {host_mac(1): FLOWS}


def test_the_lower_preference_is_taken_while_it_can_be(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1 preference 1 via {host(2)} pg2 preference 2")
    assert divided(net, flows()) == {host_mac(1): FLOWS}
    net.lab.cli("set interface state pg1 down")
    assert divided(net, flows()) == {host_mac(2): FLOWS}


def test_a_route_counts_what_it_forwards(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(1)} pg1")
    net.route(*flows(10))
    assert "to:[10:280]" in net.lab.cli("show ip fib table 0 20.0.0.0/8")
    net.lab.cli(f"ip route del 20.0.0.0/8\nip route add 21.0.0.0/8 via {host(1)} pg1")
    assert "to:[0:0]" in net.lab.cli("show ip fib table 0 21.0.0.0/8")


@pytest.mark.parametrize("number", [5, 16, 17, 64])
def test_many_paths(net: Net, number: int) -> None:
    """More than fit beside one another in a cache line."""
    for n in range(number):
        net.lab.cli(f"set ip neighbor pg1 10.0.1.{n + 100} 02:00:00:00:bb:{n:02x}")
        net.lab.cli(f"ip route add 20.0.0.0/8 via 10.0.1.{n + 100} pg1")
    net.lab.output()
    assert len(divided(net, flows(number * 16))) == number


@given(st.lists(st.integers(1, 255), min_size=1, max_size=64))
@example([1, 1, 30])
def test_buckets_match_the_weights(weights: list[int]) -> None:
    """A power of two in all, each path at least one, and no more than a tenth of the flows where they do not belong
    (unless there are more paths of little weight than buckets).
    """
    counts = spread(weights)
    size, total = sum(counts), sum(weights)
    assert size & (size - 1) == 0 and size <= 1024
    assert all(count >= 1 for count in counts)
    wrong = sum(abs(count - size * weight / total) for count, weight in zip(counts, weights, strict=True)) / size
    assert wrong <= 0.1
