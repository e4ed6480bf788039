"""What routers say (RFC 4861 6), by the commands that VPP has for it."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import (
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from tests.conftest import Lab
from tests.ip6.test_forwarding import checked

from weft.core.cli import CliError

HOST_MAC = "02:00:00:00:00:07"


@pytest.fixture
def link(lab: Lab) -> Lab:
    """An interface with IPv6 alone, whose first advertisement has been sent."""
    lab.pg(1)
    lab.cli("enable ip6 interface pg0\nset ip6 link-local address pg0 fe80::1")
    lab.engine.step()
    lab.engine.step()
    lab.output()
    return lab


def advertised(lab: Lab, seconds: float = 0) -> list[Packet]:
    """The advertisements that are sent meanwhile."""
    found = []
    for _ in range(int(seconds) or 1):
        lab.engine.advance(min(seconds, 1))
        lab.engine.step()
        found += [frame for frame in lab.output().get("pg0", []) if ICMPv6ND_RA in frame]
    return found


def test_what_an_advertisement_says(link: Lab) -> None:
    link.cli(
        """
        ip6 nd pg0 ra-managed-config-flag ra-other-config-flag ra-lifetime 1234 ra-interval 300 200
        ip6 nd pg0 prefix 2001:db8::/64 7200 3600 no-onlink
        ip6 nd pg0 prefix 2001:db8:1::/64 infinite no-autoconfig
        ip6 nd pg0 prefix 2001:db8:2::/64 no-advertise
        set interface mtu 1400 pg0
        """
    )
    frame = checked(advertised(link, 4)[-1])
    assert (frame.dst, frame[IPv6].src, frame[IPv6].dst) == ("33:33:00:00:00:01", "fe80::1", "ff02::1")
    assert frame[IPv6].hlim == 255
    said = frame[ICMPv6ND_RA]
    assert (said.chlim, said.M, said.O, said.routerlifetime) == (64, 1, 1, 1234)
    assert (frame[ICMPv6NDOptSrcLLAddr].lladdr, frame[ICMPv6NDOptMTU].mtu) == (link.ports[0].mac, 1400)
    first, second = frame[ICMPv6NDOptPrefixInfo], frame[ICMPv6NDOptPrefixInfo:2]
    assert (first.prefix, first.prefixlen, first.L, first.A) == ("2001:db8::", 64, 0, 1)
    assert (first.validlifetime, first.preferredlifetime) == (7200, 3600)
    assert (second.prefix, second.L, second.A, second.validlifetime) == ("2001:db8:1::", 1, 0, 0xFFFFFFFF)
    assert ICMPv6NDOptPrefixInfo not in second.payload


def test_how_often(link: Lab) -> None:
    """A few soon, at most 16 seconds apart; then between the shortest and the longest interval."""
    assert 2 <= len(advertised(link, 40)) <= 4
    link.cli("ip6 nd pg0 ra-interval 40 30 ra-initial 0 16")
    assert 5 <= len(advertised(link, 210)) <= 8


def test_suppressed(link: Lab) -> None:
    link.cli("ip6 nd pg0 ra-suppress")
    assert advertised(link, 30) == []
    link.cli("ip6 nd pg0 no ra-suppress")
    assert advertised(link, 4) != []


def test_none_while_the_interface_is_down(link: Lab) -> None:
    link.cli("set interface state pg0 down")
    assert advertised(link, 30) == []
    link.cli("set interface state pg0 up")
    assert advertised(link, 4) != []


def test_a_router_that_ceases(link: Lab) -> None:
    link.cli("ip6 nd pg0 ra-cease")
    assert advertised(link, 4)[-1][ICMPv6ND_RA].routerlifetime == 0


def solicit(lab: Lab, source: str = "fe80::7", hlim: int = 255) -> list[Packet]:
    """Ask for routers; what is answered at once."""
    frame = Ether(src=HOST_MAC, dst="33:33:00:00:00:02") / IPv6(src=source, dst="ff02::2", hlim=hlim) / ICMPv6ND_RS()
    out = lab.send(lab.ports[0], frame / ICMPv6NDOptSrcLLAddr(lladdr=HOST_MAC) if source != "::" else frame)
    return [frame for frame in out.get("pg0", []) if ICMPv6ND_RA in frame]


@pytest.mark.parametrize("source", ["fe80::7", "::"])
def test_solicited(link: Lab, source: str) -> None:
    advertised(link, 60)
    solicit(link, source)
    assert len(advertised(link, 3)) == 1


def test_solicited_by_many(link: Lab) -> None:
    """One answer to all, and no more than one in three seconds."""
    advertised(link, 60)
    for _ in range(10):
        solicit(link)
    assert len(advertised(link, 3)) == 1


def test_to_the_one_who_asked(link: Lab) -> None:
    link.cli("ip6 nd pg0 ra-send-unicast")
    advertised(link, 60)
    (frame,) = solicit(link)
    assert (frame.dst, frame[IPv6].dst) == (HOST_MAC, "fe80::7")


def test_not_by_who_is_not_on_the_link(link: Lab) -> None:
    advertised(link, 60)
    solicit(link, hlim=64)
    assert advertised(link, 3) == []
    assert link.errors()["ip6-icmp-input", "hop_limit != 255"] == 1


def test_settings_go_back(link: Lab) -> None:
    link.cli("ip6 nd pg0 ra-managed-config-flag ra-lifetime 2000\nip6 nd pg0 prefix 2001:db8::/64")
    link.cli("ip6 nd pg0 no ra-managed-config-flag ra-lifetime\nip6 nd pg0 no prefix 2001:db8::/64")
    frame = advertised(link, 4)[-1]
    assert (frame[ICMPv6ND_RA].M, frame[ICMPv6ND_RA].routerlifetime) == (0, 600)
    assert ICMPv6NDOptPrefixInfo not in frame


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ip6 nd pg0 ra-interval 3", "4 to 1800"),
        ("ip6 nd pg0 ra-interval 100 90", "3 to 75"),
        ("ip6 nd pg0 ra-lifetime 10", "200 to 9000"),
        ("ip6 nd pg0 ra-initial 9 3", "0 to 3"),
        ("ip6 nd pg0 prefix 2001:db8::/64 10 20", "preferred longer"),
        ("ip6 nd pg0 prefix fe80::/64", "no prefix for hosts"),
        ("ip6 nd pg0 no prefix 2001:db8::/64", "is not advertised"),
        ("ip6 nd local0 ra-suppress", "enable ip6 interface"),
        ("set ip6 link-local address pg0 2001:db8::1", "no link-local address"),
        ("disable ip6 interface local0", "not enabled"),
    ],
)
def test_what_cannot_be_is_refused(link: Lab, line: str, reason: str) -> None:
    before = link.cli("show ip6 ra pg0")
    with pytest.raises(CliError, match=reason):
        link.cli(line)
    assert link.cli("show ip6 ra pg0") == before
