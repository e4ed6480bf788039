"""Routes by an address without an interface: they go as that address's own route does, whatever becomes of it."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP
from tests.conftest import Lab
from tests.fib.test_paths import divided, flows
from tests.ip4.net import Net, host, host_mac
from tests.ip6.net import host as host6
from tests.ip6.net import network as network6

from weft.core.cli import CliError
from weft.features.fib.load_balance import balance_of, load_balances
from weft.features.ip4.model import Ip4

ONE, TWO, THREE = (("pg1", host_mac(1)), ("pg2", host_mac(2)), ("pg3", host_mac(3)))
NEW = "02:00:00:00:cc:01"


def test_a_route_goes_as_its_next_hops_route(net: Net) -> None:
    """Which may be a subnet's, a longer one's, none."""
    net.lab.cli("ip route add 20.0.0.0/8 via 9.9.9.9")
    assert net.way("20.1.1.1") is None
    net.lab.cli(f"ip route add 9.0.0.0/8 via {host(1)} pg1")
    assert net.way("20.1.1.1") == ONE
    net.lab.cli(f"ip route add 9.9.9.0/24 via {host(2)} pg2")
    assert net.way("20.1.1.1") == TWO
    net.lab.cli(f"ip route add 9.9.9.9/32 via {host(3)} pg3")
    assert net.way("20.1.1.1") == THREE
    net.lab.cli("ip route del 9.9.9.9/32")
    assert net.way("20.1.1.1") == TWO
    net.lab.cli("ip route del 9.9.9.0/24")
    assert net.way("20.1.1.1") == ONE
    net.lab.cli("ip route del 9.0.0.0/8")
    assert net.way("20.1.1.1") is None
    net.lab.cli("ip route del 20.0.0.0/8")
    assert "9.9.9.9/32" not in net.lab.cli("show ip fib")


def test_a_next_hop_on_a_connected_subnet_is_asked_for(net: Net) -> None:
    net.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.77")
    out = net.route(IP(src=host(0), dst="20.1.1.1") / UDP())
    assert [frame[ARP].pdst for frame in out["pg1"]] == ["10.0.1.77"]
    net.lab.cli(f"set ip neighbor pg1 10.0.1.77 {NEW}")
    assert net.way("20.1.1.1") == ("pg1", NEW)
    net.lab.cli(f"set ip neighbor del pg1 10.0.1.77 {NEW}")
    assert net.way("20.1.1.1") is None


def test_any_depth(net: Net) -> None:
    """A hundred routes, each by an address of the next; the last decides for all."""
    depth = 100
    for n in range(depth):
        net.lab.cli(f"ip route add 20.0.{n}.0/24 via 20.0.{n + 1}.1")
    assert net.way("20.0.0.5") is None
    net.lab.cli(f"ip route add 20.0.{depth}.0/24 via {host(1)} pg1")
    assert net.way("20.0.0.5") == ONE
    net.lab.cli(f"ip route del 20.0.{depth}.0/24\nip route add 20.0.{depth}.0/24 via {host(2)}")
    assert net.way("20.0.0.5") == TWO
    net.lab.cli("ip route del 20.0.50.0/24")
    assert net.way("20.0.0.5") is None
    assert net.way("20.0.60.5") == TWO


def test_a_circle_forwards_nothing_until_it_is_broken(net: Net) -> None:
    """However it comes about: by itself, by each other, by what is around the next hop."""
    cases = {
        "by itself": (["9.9.9.9/32 via 9.9.9.9"], "9.9.9.9"),
        "by its own subnet": (["9.9.9.0/24 via 9.9.9.9"], "9.9.9.1"),
        "by each other": (["9.0.0.0/24 via 9.0.1.1", "9.0.1.0/24 via 9.0.0.1"], "9.0.0.5"),
        "of three": (["9.0.0.0/24 via 9.0.1.1", "9.0.1.0/24 via 9.0.2.1", "9.0.2.0/24 via 9.0.0.1"], "9.0.0.5"),
        "by the default route": (["0.0.0.0/0 via 9.9.9.9"], "8.8.8.8"),
    }
    for routes, target in cases.values():
        for route in routes:
            net.lab.cli(f"ip route add {route}")
        assert net.way(target) is None
        assert "recursive-loop" in net.lab.cli(f"show ip fib table 0 {target}")
        # A second path that leads out is taken.
        prefix = routes[0].split()[0]
        net.lab.cli(f"ip route add {prefix} via {host(2)}")
        assert net.way(target) == TWO
        net.lab.cli(f"ip route del {prefix} via {host(2)}")
        assert net.way(target) is None
        for route in routes:
            net.lab.cli(f"ip route del {route.split()[0]}")
        assert net.way(target) is None
    # Nothing is left of any of them.
    assert not [line for line in net.lab.cli("show ip fib").splitlines() if line.startswith(("9.", "8."))]


def test_a_circle_that_is_broken_elsewhere_forwards_again(net: Net) -> None:
    """The list that had another path all the time need not change for the others to be right."""
    net.lab.cli(f"ip route add 9.0.0.0/24 via 9.0.1.1 via {host(3)} pg3\nip route add 9.0.1.0/24 via 9.0.0.1")
    assert net.way("9.0.0.5") == THREE
    assert net.way("9.0.1.5") is None
    net.lab.cli("ip route add 9.0.1.1/32 via drop")
    assert net.way("9.0.0.5") == THREE
    assert net.way("9.0.1.5") == THREE


def test_paths_whose_next_hop_leads_nowhere_are_not_taken(net: Net) -> None:
    net.lab.cli(
        f"""
        ip route add 9.1.0.0/16 via {host(1)} pg1
        ip route add 9.2.0.0/16 via {host(2)} pg2
        ip route add 20.0.0.0/8 via 9.1.1.1 via 9.2.2.2
        """
    )
    assert set(divided(net, flows())) == {host_mac(1), host_mac(2)}
    net.lab.cli("ip route del 9.1.0.0/16")
    assert divided(net, flows()) == {host_mac(2): 256}
    net.lab.cli(f"ip route add 9.1.0.0/16 via {host(1)} pg1\nset interface state pg2 down")
    assert divided(net, flows()) == {host_mac(1): 256}


def test_weights_and_preferences_of_recursive_paths(net: Net) -> None:
    net.lab.cli(
        f"""
        ip route add 9.1.0.0/16 via {host(1)} pg1
        ip route add 9.2.0.0/16 via {host(2)} pg2
        ip route add 20.0.0.0/8 via 9.1.1.1 weight 3 via 9.2.2.2 weight 1
        ip route add 21.0.0.0/8 via 9.1.1.1 preference 1 via 9.2.2.2 preference 2
        """
    )
    shares = divided(net, flows(400))
    assert 260 <= shares[host_mac(1)] <= 340 and shares.total() == 400
    assert net.way("21.1.1.1") == ONE
    net.lab.cli("ip route del 9.1.0.0/16")
    assert net.way("21.1.1.1") == TWO


def test_flows_divide_at_each_step(net: Net) -> None:
    """Those that one step has sent the same way are not all sent the same way by the next."""
    net.lab.cli(
        f"""
        ip route add 9.1.0.0/16 via {host(1)} pg1 via {host(2)} pg2
        ip route add 20.0.0.0/8 via 9.1.1.1 via {host(3)} pg3
        """
    )
    shares = divided(net, flows(800))
    assert 300 <= shares[host_mac(3)] <= 500
    assert 120 <= shares[host_mac(1)] <= 280 and 120 <= shares[host_mac(2)] <= 280


def test_next_hops_in_another_table(net: Net) -> None:
    net.lab.cli(
        f"""
        ip table add 7
        ip route add 9.0.0.0/8 table 7 via {host(2)} pg2
        ip route add 9.0.0.0/8 via {host(1)} pg1
        ip route add 20.0.0.0/8 via 9.9.9.9 next-hop-table 7
        """
    )
    assert net.way("20.1.1.1") == TWO
    with pytest.raises(CliError, match="in use by routes of table 0"):
        net.lab.cli("ip table del 7")
    net.lab.cli("ip route del 20.0.0.0/8\nip table del 7")
    assert net.way("20.1.1.1") is None


def test_what_a_next_hop_has_to_be_may_be_said(net: Net) -> None:
    """``resolve-via-host``: a route of its own; ``resolve-via-attached``: no router in between."""
    net.lab.cli(
        f"""
        ip route add 9.0.0.0/8 via {host(1)} pg1
        ip route add 20.0.0.0/8 via 9.9.9.9 resolve-via-host
        ip route add 21.0.0.0/8 via 9.9.9.9 resolve-via-attached
        ip route add 22.0.0.0/8 via {host(2)} resolve-via-attached
        """
    )
    assert net.way("20.1.1.1") is None and net.way("21.1.1.1") is None
    assert net.way("22.1.1.1") == TWO
    net.lab.cli(f"ip route add 9.9.9.9/32 via {host(3)} pg3")
    assert net.way("20.1.1.1") == THREE
    assert net.way("21.1.1.1") is None


def test_show_ip_fib_is_vpps(net: Net) -> None:
    """A load-balance of another route stands in the bucket, with its own buckets below it."""
    net.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.2")
    assert net.way("20.1.1.1") == ONE
    shown = net.lab.cli("show ip fib table 0 20.0.0.0/8").splitlines()
    path = next(n for n, line in enumerate(shown) if "recursive:" in line)
    assert shown[path].endswith("ip4 weight=1 pref=0 recursive:  oper-flags:resolved,")
    assert shown[path + 1].startswith("        via 10.0.1.2 in fib:0 via-fib:")
    bucket = next(line for line in shown if line.startswith("    [0] "))
    assert "dpo-load-balance: [proto:ip4 index:" in bucket and bucket.endswith("to:[0:0] via:[1:28]]")
    assert shown[-1].startswith("          [0] [@5]: ipv4 via 10.0.1.2 pg1: mtu:9000 ")
    net.lab.cli("ip route del 20.0.0.0/8\nip route add 20.0.0.0/8 via 9.9.9.9")
    assert "9.9.9.9/32 fib:0" in (host_route := net.lab.cli("show ip fib table 0 9.9.9.9/32"))
    assert "  recursive-resolution refs:1 " in host_route


def test_the_interfaces_end_is_followed(net: Net) -> None:
    net.lab.cli(f"ip route add 9.0.0.0/8 via {host(1)}\nip route add 20.0.0.0/8 via 9.9.9.9")
    assert net.way("20.1.1.1") == ONE
    net.lab.cli("set interface ip address del pg1 10.0.1.1/24")
    assert net.way("20.1.1.1") is None
    net.lab.cli(f"set interface ip address pg1 10.0.1.1/24\nset ip neighbor pg1 {host(1)} {host_mac(1)}")
    net.lab.output()
    assert net.way("20.1.1.1") == ONE
    net.lab.cli("set interface state pg1 down")
    assert net.way("20.1.1.1") is None


def test_ipv6_does_the_same(lab: Lab) -> None:
    net = network6(lab, 3)
    lab.cli("ip route add 2001:db8:a::/48 via 2001:db8:b::1")
    assert net.way("2001:db8:a::1") is None
    lab.cli(f"ip route add 2001:db8:b::/48 via {host6(1)}")
    assert net.way("2001:db8:a::1") == ("pg1", host_mac(1))
    lab.cli(f"ip route add 2001:db8:b::1/128 via {host6(2)} pg2")
    assert net.way("2001:db8:a::1") == ("pg2", host_mac(2))
    lab.cli("ip route add 2001:db8:b::1/128 via 2001:db8:a::9\nip route del 2001:db8:b::1/128 via 2001:db8:12::2 pg2")
    assert net.way("2001:db8:a::1") is None
    with pytest.raises(CliError, match="name its interface"):
        lab.cli("ip route add 2001:db8:c::/48 via fe80::1")


def test_a_feature_may_follow_an_address(net: Net) -> None:
    """It hears of each other way on; ``route`` stays, so its load-balance is always right."""
    ip4 = net.lab.engine[Ip4]
    heard: Counter[int] = Counter()

    def now() -> tuple[int, int]:
        row = load_balances[balance_of[tracker.route]]
        return int(row.next), int(row.index)

    tracker = ip4.track(0, IPv4Address("9.9.9.9"), lambda each: heard.update([each.word]))
    route = tracker.route
    assert not tracker.resolved
    words = [tracker.word]
    for command in (
        f"ip route add 9.0.0.0/8 via {host(1)} pg1",
        "ip route add 9.9.9.0/24 via 10.0.2.99",
        f"set ip neighbor pg2 10.0.2.99 {NEW}",
        f"ip route add 9.9.9.0/24 via {host(3)} pg3",
    ):
        net.lab.cli(command)
        assert tracker.resolved and tracker.route == route
        words.append(tracker.word)
        if command.endswith("pg1"):
            assert now() == (tracker.word & 0xFFFFFFFF, tracker.word >> 32)
    # The neighbor's coming to be known is a change behind the route that the tracker's route goes by.
    assert words[2] == words[3] and len(set(words)) == 4
    assert heard == {words[1]: 1, words[2]: 1, words[4]: 1}
    net.lab.cli("ip route add 8.0.0.0/8 via drop")
    assert heard.total() == 3
    tracker.stop()
    assert "9.9.9.9/32" not in net.lab.cli("show ip fib")


def test_a_table_that_is_followed_stays(net: Net) -> None:
    ip4 = net.lab.engine[Ip4]
    net.lab.cli("ip table add 7")
    tracker = ip4.track(7, IPv4Address("9.9.9.9"), lambda _: None)
    with pytest.raises(CliError, match="in use"):
        net.lab.cli("ip table del 7")
    tracker.stop()
    net.lab.cli("ip table del 7")
