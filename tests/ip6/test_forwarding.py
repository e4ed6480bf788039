"""Packets from one host to another (RFC 8200, RFC 4443)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.packet import Packet, Raw
from tests.ip6.net import Net, errors, host, host_mac, router


def packet(*layers: Packet, **fields: object) -> Packet:
    made = IPv6(**{"src": host(0), "dst": host(1)} | fields)
    for layer in layers:
        made = made / layer
    return made


def answer(out: dict[str, list[Packet]]) -> Packet:
    (frame,) = out["pg0"]
    return frame


def checked(frame: Packet) -> Packet:
    """A frame whose ICMPv6 checksum is what scapy computes."""
    again = frame.copy()
    del again[IPv6].payload.cksum
    assert bytes(again) == bytes(frame), "the checksum is wrong"
    return frame


def test_one_hop_less(net: Net) -> None:
    sent = packet(UDP(sport=1, dport=2), Raw(b"hello"), hlim=9, tc=0x2E, fl=0x12345)
    (frame,) = net.route(sent)["pg1"]
    assert (frame.src, frame.dst) == (net.ports[1].mac, host_mac(1))
    sent.hlim = 8
    assert bytes(frame[IPv6]) == bytes(sent)


def test_nothing_of_extension_headers_changes_on_the_way(net: Net) -> None:
    for extension in (IPv6ExtHdrHopByHop(), IPv6ExtHdrFragment(offset=5, m=1, id=7)):
        sent = packet(extension, Raw(b"x" * 16), nh=None)
        (frame,) = net.route(sent)["pg1"]
        assert bytes(frame[IPv6])[40:] == bytes(sent)[40:]


@pytest.mark.parametrize("hops", [0, 1])
def test_the_last_hop(net: Net, hops: int) -> None:
    """RFC 4443 3.3; the whole packet is quoted."""
    sent = packet(UDP(sport=1, dport=2), Raw(b"a" * 100), hlim=hops)
    frame = checked(answer(net.route(sent)))
    assert (frame[IPv6].src, frame[IPv6].dst) == (router(0), host(0))
    assert frame[ICMPv6TimeExceeded].code == 0
    assert bytes(frame)[14 + 40 + 8 :] == bytes(sent)
    assert errors(net.lab)["ip6 ttl <= 1"] == 1


def test_too_big(net: Net) -> None:
    """RFC 4443 3.2: the MTU of the way on, and as much of the packet as fits 1280 bytes."""
    net.lab.cli("set interface mtu 1300 pg1")
    assert "pg1" in net.route(packet(UDP(), Raw(b"a" * (1300 - 48))))
    frame = checked(answer(net.route(packet(UDP(), Raw(b"a" * (1301 - 48))))))
    assert frame[ICMPv6PacketTooBig].mtu == 1300
    assert len(frame[IPv6]) == 1280


def test_routes_by_the_longest_prefix(net: Net) -> None:
    net.lab.cli(
        f"""
        ip route add 2001:db8:a::/48 via {host(1)}
        ip route add 2001:db8:a:1::/64 via drop
        ip route add 2001:db8:a:1::7/128 via {host(1)} pg1
        """
    )
    assert net.way("2001:db8:a::1") == ("pg1", host_mac(1))
    assert net.way("2001:db8:a:1::1") is None
    assert net.way("2001:db8:a:1::7") == ("pg1", host_mac(1))
    net.lab.cli("ip route del 2001:db8:a:1::/64")
    assert net.way("2001:db8:a:1::1") == ("pg1", host_mac(1))


def test_routes_that_refuse(net: Net) -> None:
    net.lab.cli(
        "ip route add 2001:db8:b::/48 via null-send-unreach\nip route add 2001:db8:c::/48 via null-send-prohibit"
    )
    for destination, code in (("2001:db8:b::1", 0), ("2001:db8:c::1", 1)):
        assert checked(answer(net.route(packet(UDP(), dst=destination))))[ICMPv6DestUnreach].code == code


def test_by_a_link_local_next_hop(net: Net) -> None:
    net.lab.cli("ip route add 2001:db8:d::/48 via fe80::9 pg1\nset ip neighbor pg1 fe80::9 02:00:00:00:00:99")
    assert net.way("2001:db8:d::1") == ("pg1", "02:00:00:00:00:99")


def test_flows_are_spread(net: Net) -> None:
    """Over two next hops by ports and by flow label; one flow keeps its way."""
    net.lab.cli(
        f"""
        set ip neighbor pg1 2001:db8:11::3 02:00:00:00:01:03
        ip route add 2001:db8:e::/48 via {host(1)} via 2001:db8:11::3
        """
    )
    for vary in ("port", "label"):
        ways = [
            frame.dst
            for n in range(32)
            for frame in net.route(
                packet(TCP(sport=n if vary == "port" else 1), dst="2001:db8:e::1", fl=n if vary == "label" else 0)
            )["pg1"]
        ]
        assert 6 < ways.count(host_mac(1)) < 26
    same = {net.route(packet(TCP(sport=5), dst="2001:db8:e::1"))["pg1"][0].dst for _ in range(8)}
    assert len(same) == 1


def test_a_link_local_source_stays_on_its_link(net: Net) -> None:
    """RFC 4291 2.5.6, RFC 4443 3.1: code 2."""
    net.lab.cli(f"set ip neighbor pg0 fe80::7 {host_mac(0)}")
    out = net.route(packet(UDP(), src="fe80::7"))
    assert "pg1" not in out
    assert checked(answer(out))[ICMPv6DestUnreach].code == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 5}, "ip6 version != 6"),
        ({"plen": 2000}, "ip6 length > l2 length"),
        ({"src": "ff02::1"}, "ip6 source is no single host's address"),
        ({"src": "::1"}, "ip6 source is no single host's address"),
        ({"dst": "::1"}, "ip6 destination is no address on a network"),
        ({"dst": "::"}, "ip6 destination is no address on a network"),
        ({"dst": "ff05::1"}, "Multicast RPF check failed"),
    ],
)
def test_headers_that_cannot_be(net: Net, fields: dict[str, object], reason: str) -> None:
    assert net.route(packet(UDP(), **fields)) == {}
    assert errors(net.lab)[reason] == 1


def test_cut_off_everywhere(net: Net) -> None:
    whole = bytes(packet(UDP(), Raw(b"x" * 8)))
    assert net.route(*(whole[:length] for length in range(len(whole)))) == {}
    assert errors(net.lab)["ip6 length < 40 bytes"] == 40


def test_no_error_about(net: Net) -> None:
    """An ICMPv6 error, a later fragment, a group's or nobody's packet (RFC 4443 2.4 e)."""
    quiet = [
        packet(ICMPv6TimeExceeded(), Raw(b"x" * 48), hlim=1),
        packet(IPv6ExtHdrFragment(offset=9, id=1), Raw(b"x" * 8), hlim=1),
        packet(UDP(), src="::", hlim=1),
    ]
    assert net.route(*quiet) == {}
    assert net.route(packet(UDP(), hlim=1), dst="33:33:00:00:00:05") == {}
    assert "pg0" in net.route(packet(ICMPv6EchoRequest(), hlim=1))


def test_errors_are_limited(net: Net) -> None:
    out = net.route(*(packet(UDP(sport=n), hlim=1) for n in range(200)))
    assert 1 <= len(out["pg0"]) < 150
    assert errors(net.lab)["error message dropped"] > 0


def test_tables_are_apart(net: Net) -> None:
    net.lab.pg(1)
    net.lab.cli(
        f"""
        ip6 table add 5
        set interface ip6 table pg2 5
        set interface ip address pg2 {router(1)}/64
        set ip neighbor pg2 {host(1)} 02:00:00:00:05:05
        """
    )
    assert net.way(host(1)) == ("pg1", host_mac(1))
    net.lab.cli("ip route add 2001:db8:11::2/128 via ip6-lookup-in-table 5")
    assert net.way(host(1)) == ("pg2", "02:00:00:00:05:05")
