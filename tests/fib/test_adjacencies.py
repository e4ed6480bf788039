"""Next hops: known or not, changing, counted; and which routes neighbors bring."""

from __future__ import annotations

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP
from tests.ip4.net import Net, host, host_mac

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
