"""What is said of the IPv4 groups that a tunnel joins (RFC 3376, RFC 2236)."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from scapy.layers.inet import IP, IPOption_Router_Alert
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

OURS, GROUP, GROUP_2 = "10.0.1.1", "239.1.1.1", "239.1.1.2"
JOINED, LEFT, IS_JOINED = 4, 3, 2  #: records' types


@pytest.fixture
def port(lab: Lab) -> Interface:
    (made,) = lab.pg(1)
    lab.cli(f"set interface ip address pg0 {OURS}/24")
    return made


def join(lab: Lab, group: str, vni: int = 5, delete: str = "") -> None:
    lab.cli(f"create vxlan tunnel src {OURS} group {group} pg0 vni {vni} {delete}")


def said(lab: Lab, seconds: float = 0) -> list[Packet]:
    """What IGMP has said within some time; each packet as it has to be."""
    lab.engine.advance(seconds)
    lab.engine.step()
    lab.engine.step()
    made = [frame for frame in lab.output().get("pg0", []) if frame.haslayer(IP) and frame[IP].proto == 2]
    for frame in made:
        ip = frame[IP]
        assert (ip.src, ip.ttl, ip.tos, [type(each) for each in ip.options]) == (OURS, 1, 0xC0, [IPOption_Router_Alert])
        checked = Ether(bytes(frame))
        del checked[IP].chksum
        assert Ether(bytes(checked))[IP].chksum == ip.chksum
        body = bytes(ip.payload)
        total = sum(int.from_bytes(body[at : at + 2], "big") for at in range(0, len(body), 2))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    return made


def records(frames: list[Packet]) -> list[list[tuple[int, str]]]:
    """The records of reports of version 3."""
    made = []
    for frame in frames:
        assert (frame.dst, frame[IP].dst) == ("01:00:5e:00:00:16", "224.0.0.22")
        body = bytes(frame[IP].payload)
        kind, count = struct.unpack(">B5xH", body[:8])
        assert (kind, len(body)) == (0x22, 8 + 8 * count)
        each = [struct.unpack(">BBHI", body[at : at + 8]) for at in range(8, len(body), 8)]
        assert all((data, sources) == (0, 0) for _, data, sources, _ in each)
        made.append([(change, str(IPv4Address(group))) for change, _, _, group in each])
    return made


def message(kind: int, code: int = 0, group: str = "0.0.0.0", more: bytes = b"") -> bytes:
    """A message with its checksum."""
    made = struct.pack(">BBHI", kind, code, 0, int(IPv4Address(group))) + more
    total = sum(int.from_bytes(made[at : at + 2], "big") for at in range(0, len(made), 2))
    return made[:2] + ((total & 0xFFFF) + (total >> 16) ^ 0xFFFF).to_bytes(2, "big") + made[4:]


def asks(tenths: int, group: str = "0.0.0.0") -> bytes:
    """A query of version 3, with a robustness of 2 and an interval of 125 seconds."""
    return message(0x11, tenths, group, b"\x02\x7d\0\0")


def query(body: bytes, source: str = "10.0.1.9", to: str = "224.0.0.1") -> Packet:
    return (
        Ether(src="02:00:00:00:00:09", dst="01:00:5e:00:00:01")
        / IP(src=source, dst=to, ttl=1, proto=2, options=[IPOption_Router_Alert()])
        / Raw(body)
    )


def test_a_join_is_reported_twice(lab: Lab, port: Interface) -> None:
    join(lab, GROUP)
    assert records(said(lab)) == [[(JOINED, GROUP)]]
    assert records(said(lab, 1.5)) == [[(JOINED, GROUP)]]
    assert said(lab, 10) == []
    join(lab, GROUP, vni=6)
    assert said(lab, 10) == []


def test_who_leaves_says_so(lab: Lab, port: Interface) -> None:
    """Once the last tunnel is gone."""
    join(lab, GROUP)
    join(lab, GROUP, vni=6)
    said(lab, 5)
    join(lab, GROUP, delete="del")
    assert said(lab, 5) == []
    join(lab, GROUP, vni=6, delete="del")
    assert records(said(lab)) == [[(LEFT, GROUP)]]
    join(lab, GROUP_2)
    assert {record for sent in records(said(lab)) for record in sent} == {(LEFT, GROUP), (JOINED, GROUP_2)}
    assert records(said(lab, 1.5)) == [[(JOINED, GROUP_2)]]


def test_who_has_just_joined_may_leave_at_once(lab: Lab, port: Interface) -> None:
    """Also while reports of other changes are being repeated."""
    join(lab, GROUP)
    said(lab)
    join(lab, GROUP_2)
    assert (JOINED, GROUP_2) in [record for sent in records(said(lab)) for record in sent]
    join(lab, GROUP_2, delete="del")
    assert (LEFT, GROUP_2) in [record for sent in records(said(lab)) for record in sent]


def test_groups_of_one_moment_go_together(lab: Lab, port: Interface) -> None:
    """And no report is larger than a packet (RFC 3376 4.2.16)."""
    for number in range(100):
        join(lab, f"239.1.2.{number}", vni=number)
    frames = said(lab)
    assert sorted(len(sent) for sent in records(frames)) == [40, 60]
    assert len({record for sent in records(frames) for record in sent}) == 100


def test_said_when_the_interface_comes_up(lab: Lab, port: Interface) -> None:
    lab.cli("set interface state pg0 down")
    join(lab, GROUP)
    assert said(lab, 5) == []
    lab.cli("set interface state pg0 up")
    assert records(said(lab)) == [[(JOINED, GROUP)]]
    said(lab, 5)
    lab.cli("set interface state pg0 down\nset interface state pg0 up")
    assert records(said(lab)) == [[(JOINED, GROUP)]]


@pytest.mark.parametrize("source", ["10.0.1.9", "0.0.0.0"])
def test_a_query_is_answered(lab: Lab, port: Interface, source: str) -> None:
    """Within the time that it names, once, also when a switch asks that has no address (RFC 4541 2.1.1)."""
    join(lab, GROUP)
    join(lab, GROUP_2)
    said(lab, 5)
    lab.send(port, *[query(asks(30), source)] * 3)
    assert [sorted(sent) for sent in records(said(lab, 3))] == [[(IS_JOINED, GROUP), (IS_JOINED, GROUP_2)]]
    lab.send(port, query(asks(30, GROUP_2), source, GROUP_2))
    assert records(said(lab, 3)) == [[(IS_JOINED, GROUP_2)]]
    lab.send(port, query(asks(30, "239.9.9.9"), source, "239.9.9.9"))
    assert said(lab, 10) == []


def test_a_long_time_to_answer_does_not_keep_others_waiting(lab: Lab, port: Interface) -> None:
    """Code 255 is 3174.4 seconds (RFC 3376 4.1.1)."""
    join(lab, GROUP)
    said(lab, 5)
    lab.send(port, query(asks(255)))
    lab.send(port, query(asks(10)))
    assert records(said(lab, 1.1)) == [[(IS_JOINED, GROUP)]]
    assert said(lab, 3200) == []


def test_an_older_querier_is_told_in_its_version(lab: Lab, port: Interface) -> None:
    """While it is about (RFC 3376 7.2.1): 260 seconds from its last query."""
    join(lab, GROUP)
    said(lab, 5)
    lab.send(port, query(message(0x11, 10)))
    (frame,) = said(lab, 1.1)
    assert (frame.dst, frame[IP].dst) == ("01:00:5e:01:01:01", GROUP)
    assert bytes(frame[IP].payload)[:2] == b"\x16\0" and bytes(frame[IP].payload)[4:] == b"\xef\1\1\1"
    join(lab, GROUP_2)
    (frame,) = said(lab)
    assert (frame[IP].dst, bytes(frame[IP].payload)[0]) == (GROUP_2, 0x16)
    said(lab, 5)
    join(lab, GROUP_2, delete="del")
    (frame,) = said(lab)
    assert (frame.dst, frame[IP].dst) == ("01:00:5e:00:00:02", "224.0.0.2")
    assert bytes(frame[IP].payload)[0] == 0x17 and bytes(frame[IP].payload)[4:] == b"\xef\1\1\2"
    said(lab, 260)
    join(lab, GROUP_2)
    assert records(said(lab)) == [[(JOINED, GROUP_2)]]


BAD = {
    "wrong checksum": (b"\x11\x01\x12\x34" + bytes(8), None),
    "cut": (b"\x11\x01\xee", "packets that end in the igmp header"),
    "between the versions": (message(0x11, 1, more=b"\0\0"), None),
    "a host's report": (message(0x16, group=GROUP), "reports of other hosts"),
    "unknown": (message(0x77, group=GROUP), "unknown type"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_query_is_not_answered(lab: Lab, port: Interface, what: str) -> None:
    body, reason = BAD[what]
    join(lab, GROUP)
    said(lab, 5)
    lab.send(port, query(body))
    assert said(lab, 12) == []
    if reason is not None:
        assert lab.errors()["igmp-input", reason] == 1


def test_shown(lab: Lab, port: Interface) -> None:
    join(lab, GROUP)
    assert lab.cli("show igmp config") == f"interface: pg0 mode: host\n  {GROUP}\n"
    join(lab, GROUP, delete="del")
    assert lab.cli("show igmp config") == ""
