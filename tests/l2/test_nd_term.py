"""ND termination: solicitations for known addresses are answered by the bridge, as ARP requests are."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab
from tests.l2.frames import mac

ASKER, KNOWN, UNKNOWN = "2001:db8::1", "2001:db8::2", "2001:db8::3"


@pytest.fixture
def terminating(lab: Lab) -> Lab:
    """pg0, pg1 and pg2 in bridge domain 1, which answers for one address."""
    for port in lab.pg(3):
        lab.cli(f"set interface l2 bridge {port.name} 1")
    lab.cli(f"set bridge-domain arp term 1\nset bridge-domain arp entry 1 {KNOWN} {mac(2)}")
    return lab


def solicitation(target: str = KNOWN, source: str = ASKER, hlim: int = 255, **fields: object) -> Packet:
    front = Ether(src=mac(1), dst="33:33:ff:00:00:02") / IPv6(src=source, dst="ff02::1:ff00:2", hlim=hlim)
    return front / ICMPv6ND_NS(**{"tgt": target} | fields) / ICMPv6NDOptSrcLLAddr(lladdr=mac(1))


@pytest.mark.parametrize(
    "asked",
    [
        solicitation(),
        Ether(src=mac(1), dst=mac(2)) / IPv6(src=ASKER, dst=KNOWN, hlim=255) / ICMPv6ND_NS(tgt=KNOWN),
        Ether(bytes(solicitation()) + b"padding"),
    ],
    ids=["to the group", "to the host, without options", "padded"],
)
def test_a_known_address_is_answered_and_not_flooded(terminating: Lab, asked: Packet) -> None:
    """In the name of who has it (RFC 4861 7.2.4): solicited, and to be believed; with a right checksum."""
    out = terminating.send(terminating.ports[0], asked)
    (reply,) = out.pop("pg0")
    assert out == {}
    assert (reply.src, reply.dst) == (mac(2), mac(1))
    assert (reply[IPv6].src, reply[IPv6].dst, reply[IPv6].hlim, reply[IPv6].plen) == (KNOWN, ASKER, 255, 32)
    said = reply[ICMPv6ND_NA]
    assert (said.tgt, said.R, said.S, said.O, said[ICMPv6NDOptDstLLAddr].lladdr) == (KNOWN, 0, 1, 1, mac(2))
    checked = Ether(bytes(reply))
    del checked[ICMPv6ND_NA].cksum
    assert Ether(bytes(checked))[ICMPv6ND_NA].cksum == said.cksum


@pytest.mark.parametrize(
    "packet",
    [
        solicitation(UNKNOWN),
        solicitation(source="::"),
        solicitation(source="ff02::1"),
        solicitation(hlim=254),
        solicitation(cksum=0x1234),
        solicitation(code=1),
        Ether(src=mac(1), dst="33:33:00:00:00:01") / IPv6(src=ASKER, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=KNOWN),
        Ether(bytes(solicitation())[:70]),
        Ether(src=mac(1), dst="33:33:ff:00:00:02") / Dot1Q(vlan=7) / Raw(bytes(solicitation())[14:]),
    ],
    ids=["unknown", "is it free?", "from a group", "from afar", "checksum", "code", "advertisement", "cut", "tagged"],
)
def test_everything_else_is_flooded(terminating: Lab, packet: Packet) -> None:
    """To be seen by who can say: whether an address is free, too (RFC 4862 5.4)."""
    out = terminating.send_raw(terminating.ports[0], bytes(packet))
    assert out == {"pg1": [bytes(packet)], "pg2": [bytes(packet)]}


def test_an_entry_goes(terminating: Lab) -> None:
    terminating.cli(f"set bridge-domain arp entry 1 {KNOWN} {mac(2)} del")
    assert sorted(terminating.send(terminating.ports[0], solicitation())) == ["pg1", "pg2"]


def test_not_where_it_is_switched_off(terminating: Lab) -> None:
    terminating.cli("set bridge-domain arp term 1 disable")
    assert sorted(terminating.send(terminating.ports[0], solicitation())) == ["pg1", "pg2"]
