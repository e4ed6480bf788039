"""Next hops: known or not, changing, counted; and which routes neighbors bring."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from tests.ip4.net import Net, host, host_mac

from weft.core.cli import CliError

NEW = "02:00:00:00:cc:01"


def test_routes_follow_their_next_hop(net: Net) -> None:
    """From unknown to known, to another MAC address, and to unknown again."""
    net.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.9 pg1\nip route add 21.0.0.0/8 via 10.0.1.9 pg1 via 10.0.2.9 pg2")
    out = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())
    assert [frame[ARP].pdst for frame in out["pg1"]] == ["10.0.1.9"]
    net.lab.cli(f"set ip neighbor pg1 10.0.1.9 {NEW}")
    assert net.way("20.1.1.1") == ("pg1", NEW)
    net.lab.cli(f"set ip neighbor pg1 10.0.1.9 {host_mac(7)}")
    assert net.way("20.1.1.1") == ("pg1", host_mac(7))
    net.lab.cli(f"set ip neighbor del pg1 10.0.1.9 {host_mac(7)}")
    assert net.way("20.1.1.1") is None


def test_a_next_hop_without_interface_is_found_on_its_subnet(net: Net) -> None:
    net.lab.cli(f"ip route add 20.0.0.0/8 via {host(2)}")
    assert net.way("20.1.1.1") == ("pg2", host_mac(2))


def test_a_route_via_an_interface_asks_for_each_host(net: Net) -> None:
    net.lab.cli("ip route add 20.0.0.0/8 via pg1")
    out = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())
    assert [frame[ARP].pdst for frame in out["pg1"]] == ["20.1.1.1"]


def test_a_route_via_an_interface_may_come_again(net: Net) -> None:
    """And by another interface that has got the number of one that is gone."""
    for _ in range(2):
        net.lab.cli("ip route add 20.0.0.0/8 via pg1")
        out = net.route(IP(src=host(0), dst="20.1.1.2") / UDP())
        assert [frame[ARP].pdst for frame in out["pg1"]] == ["20.1.1.2"]
        net.lab.cli("ip route del 20.0.0.0/8 via pg1")
        net.lab.engine.advance(5)
    net.lab.cli("create sub-interfaces pg1 7\nset interface state pg1.7 up\nip route add 21.0.0.0/8 via pg1.7")
    net.lab.cli("delete sub-interface pg1.7\nip route del 21.0.0.0/8")
    net.lab.cli("create sub-interfaces pg1 8\nset interface state pg1.8 up\nip route add 21.0.0.0/8 via pg1.8")
    net.lab.cli("set interface ip address pg1.8 10.77.0.1/24")
    out = net.route(IP(src=host(0), dst="21.1.1.1") / UDP())
    assert [frame[ARP].pdst for frame in out["pg1"]] == ["21.1.1.1"]


def test_the_routers_own_mac_address_may_change(net: Net) -> None:
    net.lab.cli("set interface mac address pg1 02:00:00:00:dd:01")
    net.lab.output()
    (frame,) = (each for each in net.route(IP(src=host(0), dst=host(1)) / UDP())["pg1"] if IP in each)
    assert (frame.dst, frame.src) == (host_mac(1), "02:00:00:00:dd:01")
    out = net.route(IP(src=host(0), dst="10.0.1.99") / UDP())["pg1"]
    assert [frame.src for frame in out] == ["02:00:00:00:dd:01"]


def test_adjacencies_count_when_asked(net: Net) -> None:
    net.way(host(1))
    net.lab.cli("adjacency counters on")
    for _ in range(3):
        assert net.way(host(1)) == ("pg1", host_mac(1))
    index = next(line for line in net.lab.cli("show adjacency pg1").splitlines() if f"via {host(1)} " in line)
    number = index[2 : index.index("]")]
    assert "counts:[3:126]" in net.lab.cli(f"show adjacency {number}")
    net.lab.cli("adjacency counters off")
    net.way(host(1))
    assert "counts:[3:126]" in net.lab.cli(f"show adjacency {number}")


def test_a_neighbors_route_counts_only_on_its_interfaces_subnet(net: Net) -> None:
    """Another route in between hides it (it refines its cover), and shows it again when it goes."""
    net.lab.cli(f"set ip neighbor pg1 10.0.1.200 {NEW}")
    net.lab.output()
    assert net.way("10.0.1.200") == ("pg1", NEW)
    net.lab.cli(f"ip route add 10.0.1.192/26 via {host(2)} pg2")
    assert net.way("10.0.1.200") == ("pg2", host_mac(2))
    net.lab.cli("ip route del 10.0.1.192/26")
    assert net.way("10.0.1.200") == ("pg1", NEW)


def test_neighbors_of_elsewhere_have_no_route(net: Net) -> None:
    net.lab.cli(f"set ip neighbor pg1 192.0.2.9 {NEW}")
    assert net.way("192.0.2.9") is None
    net.lab.cli("set interface ip address pg1 192.0.2.1/24")
    net.lab.output()
    assert net.way("192.0.2.9") == ("pg1", NEW)


def test_who_says_so_matters(net: Net) -> None:
    """What an interface says goes before what a user says, and that before what a neighbor says."""
    net.lab.cli(f"ip route add {host(1)}/32 via {host(2)} pg2\nip route add 10.0.1.0/24 via {host(2)} pg2")
    assert net.way(host(1)) == ("pg2", host_mac(2))
    out = net.route(IP(src=host(0), dst="10.0.1.50") / UDP())
    assert [frame[ARP].pdst for frame in out["pg1"]] == ["10.0.1.50"]
    net.lab.cli(f"ip route del {host(1)}/32")
    assert net.way(host(1)) == ("pg1", host_mac(1))
    net.lab.cli("set interface ip address del pg1 10.0.1.1/24")
    assert net.way("10.0.1.50") == ("pg2", host_mac(2))


def test_adjacencies_of_neighbors_and_of_subnets_are_shown_apart(net: Net) -> None:
    net.way(host(1))
    neighbors = net.lab.cli("show adjacency nbr pg1").splitlines()
    assert len(neighbors) == 1 and f"ipv4 via {host(1)} pg1" in neighbors[0]
    (subnet,) = net.lab.cli("show adjacency glean pg1").splitlines()
    assert "ipv4-glean" in subnet and " pg1: " in subnet
    assert sorted(net.lab.cli("show adjacency pg1").splitlines()) == sorted([*neighbors, subnet])


ROUTER6, ROUTER6_MAC = "fe80::99", "02:00:00:00:99:99"


@pytest.mark.parametrize("known_before", [True, False])
def test_an_ipv4_route_by_an_ipv6_next_hop(net: Net, known_before: bool) -> None:
    """RFC 8950 (RFC 5549): the MAC address is asked for by neighbor discovery, and IPv4 packets go there."""
    known = f"set ip neighbor pg1 {ROUTER6} {ROUTER6_MAC}"
    net.lab.cli("set ip6 nd dad 0\nenable ip6 interface pg1\nip6 nd pg1 ra-suppress")
    if known_before:
        net.lab.cli(known)
    net.lab.cli(f"ip route add 20.0.0.0/8 via {ROUTER6} pg1")
    net.lab.engine.advance(5)
    net.lab.engine.step()
    net.lab.output()
    if not known_before:
        (asked,) = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())["pg1"]
        assert (asked[ICMPv6ND_NS].tgt, asked[IPv6].dst) == (ROUTER6, "ff02::1:ff00:99")
        port = net.ports[1]
        ours = asked[IPv6].src
        answer = IPv6(src=ROUTER6, dst=ours, hlim=255) / ICMPv6ND_NA(tgt=ROUTER6, S=1, O=1)
        answer /= ICMPv6NDOptDstLLAddr(lladdr=ROUTER6_MAC)
        net.lab.send(port, Ether(src=ROUTER6_MAC, dst=port.mac) / answer)
    (frame,) = net.route(IP(src=host(0), dst="20.1.1.1", ttl=9) / UDP())["pg1"]
    assert (frame.dst, frame.type, frame[IP].dst, frame[IP].ttl) == (ROUTER6_MAC, 0x0800, "20.1.1.1", 8)
    shown = net.lab.cli("show ip fib 20.0.0.0/8")
    assert "ip6 weight=1 pref=0 attached-nexthop" in shown and f"ipv4 via {ROUTER6} pg1" in shown
    net.lab.cli("set interface mac address pg1 02:00:00:00:dd:02")
    net.lab.engine.step()
    net.lab.output()
    (frame,) = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())["pg1"]
    assert (frame.src, frame.dst, frame.type) == ("02:00:00:00:dd:02", ROUTER6_MAC, 0x0800)
    net.lab.cli(f"set ip neighbor del pg1 {ROUTER6} {ROUTER6_MAC}")
    assert net.way("20.1.1.1") is None
    net.lab.cli(f"ip route del 20.0.0.0/8 via {ROUTER6} pg1")
    assert "20.0.0.0/8" not in net.lab.cli("show ip fib")


def test_flows_are_divided_between_next_hops_of_both_families(net: Net) -> None:
    net.lab.cli(f"set ip6 nd dad 0\nenable ip6 interface pg1\nset ip neighbor pg1 {ROUTER6} {ROUTER6_MAC}")
    net.lab.cli(f"ip route add 20.0.0.0/8 via {ROUTER6} pg1 via {host(2)} pg2")
    assert {net.way(f"20.1.1.{number}") for number in range(64)} == {("pg1", ROUTER6_MAC), ("pg2", host_mac(2))}


def test_next_hops_whose_numbers_are_the_same(net: Net) -> None:
    """10.0.1.9 and ::10.0.1.9 are two neighbors."""
    net.lab.cli("set ip6 nd dad 0\nenable ip6 interface pg1")
    net.lab.cli(f"set ip neighbor pg1 10.0.1.9 {NEW}\nset ip neighbor pg1 ::a00:109 {ROUTER6_MAC}")
    net.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.9 pg1\nip route add 21.0.0.0/8 via ::a00:109 pg1")
    assert (net.way("20.1.1.1"), net.way("21.1.1.1")) == (("pg1", NEW), ("pg1", ROUTER6_MAC))


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (f"20.0.0.0/8 via {ROUTER6}", "name its interface too"),
        ("2001:db8:20::/48 via 10.0.1.9 pg1", "10.0.1.9 is no IPv6 next hop"),
        ("20.0.0.0/8 via ff02::1 pg1", "ff02::1 is a group, no next hop"),
    ],
)
def test_next_hops_that_no_route_can_have(net: Net, route: str, reason: str) -> None:
    with pytest.raises(CliError, match=reason):
        net.lab.cli(f"ip route add {route}")
