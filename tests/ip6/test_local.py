"""Packets to the router itself (RFC 8200 4, RFC 4443)."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (
    HBHOptUnknown,
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ParamProblem,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.packet import Packet, Raw
from tests.ip6.net import Net, errors, heard, host, host_mac, router
from tests.ip6.test_forwarding import answer, checked


def to_router(*layers: Packet, **fields: object) -> Packet:
    made = IPv6(**{"src": host(0), "dst": router(0)} | fields)
    for layer in layers:
        made = made / layer
    return made


def link_local(net: Net, port: int = 0) -> str:
    """The router's address there, made from its MAC address (RFC 4291 A)."""
    octets = bytearray(bytes.fromhex(net.ports[port].mac.replace(":", "")))
    octets[0] ^= 2
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + octets[:3] + b"\xff\xfe" + octets[3:]))


ECHO = ICMPv6EchoRequest(id=7, seq=9, data=b"hello")


@pytest.mark.parametrize(
    "extensions",
    [
        (),
        (IPv6ExtHdrHopByHop(),),
        (IPv6ExtHdrDestOpt(), IPv6ExtHdrRouting(segleft=0, type=4)),
        (IPv6ExtHdrFragment(id=5),),  # RFC 6946: a fragment that is the whole
    ],
)
def test_a_ping_is_answered(net: Net, extensions: tuple[Packet, ...]) -> None:
    frame = checked(answer(net.route(to_router(*extensions, ECHO))))
    assert (frame[IPv6].src, frame[IPv6].dst, frame[IPv6].nh) == (router(0), host(0), 58)
    reply = frame[ICMPv6EchoReply]
    assert (reply.id, reply.seq, reply.data) == (7, 9, b"hello")


def test_every_address_answers(net: Net) -> None:
    """That of another port; the link-local one, by the link's own table; and a group, from an address of ours."""
    assert answer(net.route(to_router(ECHO, dst=router(1))))[IPv6].src == router(1)
    net.lab.cli(f"set ip neighbor pg0 fe80::2 {host_mac(0)}")
    frame = checked(answer(net.route(to_router(ECHO, src="fe80::2", dst=link_local(net)))))
    assert frame[IPv6].src == link_local(net)
    frame = checked(answer(net.route(to_router(ECHO, dst="ff02::1"), dst="33:33:00:00:00:01")))
    assert (frame[IPv6].src, frame[IPv6].dst) == (router(0), host(0))


def test_the_link_local_address_of_another_link_is_nobodys(net: Net) -> None:
    out = net.route(to_router(ECHO, src="fe80::2", dst=link_local(net, 1)))
    assert ICMPv6EchoReply not in [type(layer) for frame in out.get("pg0", []) for layer in frame.layers()]
    assert "echo replies sent" not in errors(net.lab)


def test_nobody_listens_at_a_udp_port(net: Net) -> None:
    frame = checked(answer(net.route(to_router(UDP(sport=1, dport=33434)))))
    assert (frame[ICMPv6DestUnreach].code, frame[IPv6].src) == (4, router(0))


def test_padding_of_the_frame_is_no_part_of_the_packet(net: Net) -> None:
    frame = bytes(net.frame(0, to_router(ECHO))) + b"\0" * 9
    (reply,) = heard(net.lab.send(net.ports[0], frame))["pg0"]
    assert len(reply) == 14 + 40 + 8 + 5


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (ICMPv6EchoRequest(cksum=0x1234), "bad icmp checksum"),
        (UDP(dport=9, chksum=0x1234), "bad udp checksum"),
        (UDP(dport=9, chksum=0), "bad udp checksum"),  # RFC 8200 8.1
        (UDP(dport=9, len=99), "inconsistent udp/ip lengths"),
        (TCP(chksum=0x1234), "bad tcp checksum"),
        (TCP(), "unknown ip protocol"),
        (IPv6ExtHdrFragment(offset=2, id=5) / Raw(b"x" * 8), "fragments to this machine"),
        (Raw(b"\x3a\xff" + bytes(6)), "ip6 extension headers malformed"),
    ],
)
def test_what_is_not_taken(net: Net, layer: Packet, reason: str) -> None:
    fields = {"nh": 60} if isinstance(layer, Raw) else {}
    assert net.route(to_router(layer, **fields)) == {}
    assert errors(net.lab)[reason] == 1


def test_headers_without_end(net: Net) -> None:
    """Nobody needs more than a few extension headers."""
    chain = b"".join(bytes((60, 0)) + bytes((1, 4, 0, 0, 0, 0)) for _ in range(20))
    assert net.route(to_router(Raw(chain), nh=60)) == {}
    assert errors(net.lab)["ip6 extension headers malformed"] == 1


@pytest.mark.parametrize(
    ("extension", "code", "pointer"),
    [
        (IPv6ExtHdrRouting(segleft=1, addresses=["2001:db8::9"]), 0, 42),  # RFC 5095 3
        (IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x9E, optdata=b"ab")]), 2, 42),
        (IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop(), 1, 40),  # RFC 8200 4.1: only the first
    ],
)
def test_the_sender_is_told(net: Net, extension: Packet, code: int, pointer: int) -> None:
    frame = checked(answer(net.route(to_router(extension, ECHO))))
    problem = frame[ICMPv6ParamProblem]
    assert (problem.code, problem.ptr) == (code, pointer)


@pytest.mark.parametrize(("option", "answered"), [(0x1E, True), (0x5E, False), (0xDE, False)])
def test_unknown_options(net: Net, option: int, answered: bool) -> None:
    """RFC 8200 4.2: to be skipped; to be dropped; to be dropped, and told only who does not ask a group."""
    extension = IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=option, optdata=b"ab")])
    out = net.route(to_router(extension, ECHO, dst="ff02::1"), dst="33:33:00:00:00:01")
    assert bool(out) == answered


def test_spoofed(net: Net) -> None:
    assert net.route(to_router(UDP(dport=9), src=router(1))) == {}
    assert errors(net.lab)["ip6 spoofed local-address packet drops"] == 1


def test_sources_in_turn(net: Net) -> None:
    """Each is judged for itself, whoever came before: who has our own address, and who is behind no route."""
    sources = [host(0), router(1), host(0), "2001:db8:77::1", "2001:db8:77::1", host(0)]
    out = net.route(*(to_router(UDP(sport=number, dport=9), src=source) for number, source in enumerate(sources)))
    told = [frame[ICMPv6DestUnreach].payload.payload.sport for frame in out["pg0"] if ICMPv6DestUnreach in frame]
    assert told == [0, 2, 5]
    counted = errors(net.lab)
    assert (counted["ip6 spoofed local-address packet drops"], counted["ip6 source lookup miss"]) == (1, 2)


def test_an_interface_without_ipv6_takes_none(net: Net) -> None:
    (port,) = net.lab.pg(1)
    net.ports.append(port)
    assert net.route(IPv6(src="2001:db8:9::2", dst=router(0)) / ECHO, port=2) == {}


def test_larger_than_the_mtu_what_is_our_own(net: Net) -> None:
    """A ping's request leaves as fragments (RFC 8200 4.5)."""
    net.lab.cli("set interface mtu 1280 pg0")
    net.lab.cli(f"ping {host(0)} size 3000 repeat 1 interval 0.01")
    frames = [frame for frame in net.lab.output()["pg0"] if IPv6ExtHdrFragment in frame]
    assert [frame[IPv6ExtHdrFragment].m for frame in frames] == [1, 1, 0]
    assert all(len(frame[IPv6]) <= 1280 for frame in frames)
    assert len({frame[IPv6ExtHdrFragment].id for frame in frames}) == 1
    parts = sorted((frame[IPv6ExtHdrFragment].offset * 8, bytes(frame[IPv6ExtHdrFragment].payload)) for frame in frames)
    joined = b"".join(data for _, data in parts)
    assert [at for at, _ in parts] == [0, len(parts[0][1]), len(parts[0][1]) * 2]
    assert len(joined) == 8 + 28 + 3000
    whole = checked(IPv6(bytes(IPv6(src=frames[0][IPv6].src, dst=host(0), nh=58, hlim=255, plen=len(joined))) + joined))
    assert whole[ICMPv6EchoRequest].seq == 1
