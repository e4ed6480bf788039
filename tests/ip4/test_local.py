"""Packets to the router itself (RFC 1122 3.2, 4.1)."""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw
from tests.ip4.net import Net, errors, host

ROUTER = "10.0.0.1"


def to_router(*layers: Packet, **fields: object) -> Packet:
    packet = IP(src=host(0), dst=ROUTER, **fields)
    for layer in layers:
        packet = packet / layer
    return packet


def replies(out: dict[str, list[Packet]]) -> list[tuple[int, int]]:
    return [(frame[ICMP].type, frame[ICMP].code) for frame in out.get("pg0", []) if ICMP in frame]


def test_a_ping_is_answered(net: Net) -> None:
    out = net.route(to_router(ICMP(id=7, seq=9), Raw(b"hello")))
    (frame,) = out["pg0"]
    assert (frame[IP].src, frame[IP].dst, frame[ICMP].type) == (ROUTER, host(0), 0)
    assert (frame[ICMP].id, frame[ICMP].seq, bytes(frame[Raw])) == (7, 9, b"hello")


def test_every_address_of_the_router_answers(net: Net) -> None:
    """Not that of the port alone by which the packet came."""
    (frame,) = net.route(IP(src=host(0), dst="10.0.1.1") / ICMP())["pg0"]
    assert frame[IP].src == "10.0.1.1"


def test_padding_of_the_frame_is_no_part_of_the_packet(net: Net) -> None:
    frame = bytes(net.frame(0, to_router(ICMP(), Raw(b"x")))) + b"\0" * 17
    (reply,) = net.lab.send(net.ports[0], frame)["pg0"]
    assert len(reply) == 14 + 20 + 8 + 1


def test_nobody_listens_at_a_udp_port(net: Net) -> None:
    assert replies(net.route(to_router(UDP(sport=1, dport=33434)))) == [(3, 3)]
    assert errors(net.lab)["no listener for dst port"] == 1


def test_a_protocol_that_nobody_takes(net: Net) -> None:
    net.route(to_router(Raw(b"whatever"), proto=99), to_router(TCP(dport=80)))
    assert errors(net.lab)["unknown ip protocol"] == 2


def test_wrong_checksums_of_layer_4(net: Net) -> None:
    net.route(to_router(UDP(chksum=0x1234)), to_router(TCP(chksum=0x1234)))
    counted = errors(net.lab)
    assert (counted["bad udp checksum"], counted["bad tcp checksum"]) == (1, 1)
    assert "unknown ip protocol" not in counted


def test_udp_may_come_without_a_checksum(net: Net) -> None:
    assert replies(net.route(to_router(UDP(chksum=0)))) == [(3, 3)]


def test_udp_lengths_are_checked(net: Net) -> None:
    for length in (0, 7, 9, 0xFFFF):
        net.route(to_router(UDP(len=length, chksum=0)))
    net.route(to_router(Raw(b"seven b"), proto=17))
    assert errors(net.lab)["inconsistent udp/ip lengths"] == 5


def test_our_own_address_as_a_source_is_a_lie(net: Net) -> None:
    assert net.route(IP(src=ROUTER, dst="10.0.1.1") / ICMP()) == {}
    assert errors(net.lab)["ip4 spoofed local-address packet drops"] == 1


def test_whom_we_cannot_answer_we_do_not_hear(net: Net) -> None:
    assert net.route(IP(src="192.0.2.1", dst=ROUTER) / ICMP()) == {}
    assert errors(net.lab)["ip4 source lookup miss"] == 1


def test_sources_in_turn(net: Net) -> None:
    """Each is judged for itself, whoever came before, and by the routes of now."""
    pings = [
        IP(src=source, dst=ROUTER) / ICMP(id=number)
        for number, source in enumerate(
            [host(0), ROUTER, host(0), "192.0.2.1", host(0), "192.0.2.1", "192.0.2.1", "10.0.1.9", host(0)]
        )
    ]
    answered = [frame[ICMP].id for frame in net.route(*pings).get("pg0", []) if ICMP in frame]
    assert answered == [0, 2, 4, 8]
    counted = errors(net.lab)
    assert (counted["ip4 spoofed local-address packet drops"], counted["ip4 source lookup miss"]) == (1, 3)
    net.lab.cli(f"ip route add 192.0.2.1/32 via {host(0)} pg0")
    assert [frame[ICMP].id for frame in net.route(pings[3])["pg0"]] == [3]
    net.lab.cli(f"ip route del 192.0.2.1/32 via {host(0)} pg0")
    assert net.route(pings[3]) == {}


def test_fragments_to_us_are_not_put_together(net: Net) -> None:
    assert net.route(to_router(ICMP(), Raw(b"x" * 64), flags="MF")) == {}
    assert errors(net.lab)["fragments to this machine"] == 1


def test_pings_as_large_as_packets_get(net: Net) -> None:
    """A chain of buffers, echoed."""
    payload = bytes(range(256)) * 30
    (frame,) = net.route(to_router(ICMP(), Raw(payload)))["pg0"]
    assert bytes(frame[Raw]) == payload
