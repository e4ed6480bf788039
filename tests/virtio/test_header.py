"""Virtio headers from whoever is on the other side: what is possible is taken over, what is not is refused, and
nothing that is taken over can lead out of the packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from tests.conftest import Lab
from tests.gso.offload import make

from weft import Engine
from weft.core import memory
from weft.core.buffer import CHECKSUM_GOOD, OFFLOAD, Buffer
from weft.core.runtime import DIRECT, append, runtimes
from weft.features.pg.model import PacketGenerator
from weft.features.virtio.model import VirtioNetHeader
from weft.features.virtio.nodes import give_offload, take_offload

NEEDS_CSUM, DATA_VALID = 1, 2
TCPV4, UFO, TCPV6, UDP_L4, ECN = 1, 3, 4, 5, 0x80

FRAME = bytes(
    Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
    / IP(src="10.0.0.1", dst="10.0.0.2")
    / TCP(sport=1, dport=2, flags="A", options=[("NOP", None)] * 12)
    / bytes(range(200))
)
GOOD = {"flags": NEEDS_CSUM, "gso_type": TCPV4, "gso_size": 100, "csum_start": 34, "csum_offset": 16}


def header(**fields: int) -> bytes:
    names = ("flags", "gso_type", "hdr_len", "gso_size", "csum_start", "csum_offset")
    return struct.pack("BBHHHH", *(fields.get(name, 0) for name in names))


def take(engine: Engine, pkt: Buffer, data: bytes) -> int:
    """What a driver does with a header that stands in front of a packet."""
    at = VirtioNetHeader(pkt.address + 256 - len(data))
    memory.write(at.address, data)
    return engine.call(take_offload, pkt, at, 0)


def taken(lab: Lab, **fields: int) -> Buffer | None:
    pkt = make(lab, FRAME)
    return pkt if take(lab.engine, pkt, header(**fields)) else None


def test_nothing_is_owed_where_the_header_says_nothing(lab: Lab) -> None:
    pkt = taken(lab)
    assert pkt is not None and not pkt.flags & (OFFLOAD | CHECKSUM_GOOD)


def test_a_checksum_that_was_verified(lab: Lab) -> None:
    pkt = taken(lab, flags=DATA_VALID)
    assert pkt is not None and pkt.flags & (OFFLOAD | CHECKSUM_GOOD) == CHECKSUM_GOOD


def test_a_checksum_and_segments_are_owed_and_said_again(lab: Lab) -> None:
    for fields in (GOOD, dict(GOOD, gso_type=TCPV4 | ECN), dict(GOOD, gso_type=0, gso_size=0)):
        pkt = taken(lab, **fields)
        assert pkt is not None and pkt.flags & OFFLOAD and pkt.flags & CHECKSUM_GOOD
        out = VirtioNetHeader(pkt.address + 256 - 64)
        assert lab.engine.call(give_offload, pkt, out)
        assert {name: getattr(out, name) for name in fields} == fields
        assert out.hdr_len == (66 if fields["gso_size"] else 0)


def test_offsets_follow_the_start_of_the_packet(lab: Lab) -> None:
    pkt = taken(lab, **GOOD)
    assert pkt is not None
    pkt.current_data, pkt.current_length = -8, pkt.current_length + 8  # two tags are pushed
    out = VirtioNetHeader(pkt.address + 256 - 64)
    assert lab.engine.call(give_offload, pkt, out)
    assert (out.csum_start, out.csum_offset, out.hdr_len) == (42, 16, 74)


@pytest.mark.parametrize(
    "wrong",
    [
        {"csum_start": 0},
        {"csum_start": 65535},
        {"csum_start": len(FRAME) - 17},
        {"csum_start": len(FRAME) - 19},  # no room for a TCP header
        {"csum_offset": 65535},
        {"csum_offset": len(FRAME)},
        {"csum_offset": 6},  # not where TCP has its checksum
        {"gso_size": 0},
        {"gso_type": UFO},
        {"gso_type": 2},
        {"gso_type": 7},
        {"gso_type": 0x7F},
        {"gso_type": UDP_L4},
        {"flags": 0},
        {"flags": DATA_VALID},
        {"csum_start": 11},  # a data offset of 0 stands there
    ],
)
def test_what_is_impossible_is_refused(lab: Lab, wrong: dict[str, int]) -> None:
    assert taken(lab, **dict(GOOD, **wrong)) is None


def test_a_tcp_header_longer_than_the_packet_is_refused(lab: Lab) -> None:
    short = FRAME[:60]  # the header says that it goes on to byte 66
    pkt = make(lab, short)
    assert take(lab.engine, pkt, header(**GOOD)) == 0


@pytest.fixture(scope="module")
def sink() -> Iterator[Lab]:
    """An engine, interpreted, so that a bad access is an exception, with a port that takes no offloads."""
    with Engine(workers=0, interpret=True) as engine:
        lab = Lab(engine)
        lab.pg(1)
        yield lab


SEEDS = [
    FRAME,
    bytes(Ether() / IPv6() / UDP() / bytes(3000)),
    bytes(Ether() / Dot1Q(vlan=3) / IP() / UDP() / bytes(100)),
    bytes(Ether() / Dot1Q(vlan=3) / Dot1Q(vlan=4) / IPv6() / TCP() / bytes(5000)),
]
offsets = st.one_of(st.sampled_from([0, 14, 18, 34, 38, 54, 62, 6, 16]), st.integers(0, 200), st.integers(0, 65535))


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    length=st.integers(0, 6000),
    changes=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 255)), max_size=3),
    flags=st.sampled_from([0, 1, 1, 1, 2, 255]),
    gso_type=st.sampled_from([0, 1, 1, 4, 5, 3, 0x81, 0x84, 255]),
    gso_size=st.one_of(st.integers(1, 2000), st.integers(0, 65535)),
    csum_start=offsets,
    csum_offset=offsets,
    moved=st.sampled_from([0, 0, 4, -4, -8, 14, 40]),
)
def test_nothing_leads_out_of_the_packet(
    sink: Lab,
    seed: bytes,
    length: int,
    changes: list[tuple[int, int]],
    flags: int,
    gso_type: int,
    gso_size: int,
    csum_start: int,
    csum_offset: int,
    moved: int,
) -> None:
    """Whatever the header and the packet, and wherever its start is moved afterwards, it leaves in whole or in
    segments, or is dropped; and every buffer comes back.
    """
    data = bytearray(seed[:length])
    for at, value in changes:
        if at < len(data):
            data[at] = value
    pkt = make(sink, bytes(data) or b"\0")
    fields = header(flags=flags, gso_type=gso_type, gso_size=gso_size, csum_start=csum_start, csum_offset=csum_offset)
    if not take(sink.engine, pkt, fields):
        pkt.flags = pkt.flags & ~OFFLOAD
    if moved < pkt.current_length:
        pkt.current_data, pkt.current_length = pkt.current_data + moved, pkt.current_length - moved
    pkt.tx_sw_if_index = sink.ports[0].sw_if_index
    node = sink.engine.graph["pg0-output"].index
    sink.engine.call(append, runtimes[node], pkt.index, DIRECT | node)
    sink.engine.step()
    for out in sink.engine[PacketGenerator].captured(sink.ports[0]):
        assert len(out) <= max(len(data), 1) + 8
