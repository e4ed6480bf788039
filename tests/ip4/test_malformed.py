"""Headers that are wrong in every way, and packets cut at every byte: dropped and counted, never more."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.ip4.net import Net, errors, host

GOOD = bytes(IP(src=host(0), dst=host(1), ttl=64) / UDP(sport=1, dport=2) / Raw(b"0123456789"))


def with_checksum(packet: bytes) -> bytes:
    """The packet with the checksum that its header, as long as it says, should have."""
    header = min((packet[0] & 15) * 4, len(packet))
    words = packet[:10] + b"\0\0" + packet[12 : max(header, 12)]
    total = sum(struct.unpack(f">{len(words) // 2}H", words[: len(words) // 2 * 2]))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return packet[:10] + struct.pack(">H", total ^ 0xFFFF) + packet[12:]


def changed(at: int, new: bytes) -> bytes:
    return with_checksum(GOOD[:at] + new + GOOD[at + len(new) :])


CASES = {
    "version 6": (changed(0, b"\x65"), "ip4 version != 4"),
    "version 0": (changed(0, b"\x05"), "ip4 version != 4"),
    "header of 4 words": (changed(0, b"\x44"), "ip4 IHL < 5"),
    "header of 0 words": (changed(0, b"\x40"), "ip4 IHL < 5"),
    "header longer than the packet": (changed(0, b"\x4f"), "ip4 length > l2 length"),
    "longer than the frame": (changed(2, struct.pack(">H", len(GOOD) + 1)), "ip4 length > l2 length"),
    "longest": (changed(2, b"\xff\xff"), "ip4 length > l2 length"),
    "shorter than its header": (changed(2, struct.pack(">H", 19)), "ip4 length < 20 bytes"),
    "of no length": (changed(2, b"\0\0"), "ip4 length < 20 bytes"),
    "fragment at offset 1": (changed(6, b"\x00\x01"), "ip4 fragment offset == 1"),
    "wrong checksum": (GOOD[:10] + bytes([GOOD[10] ^ 1]) + GOOD[11:], "bad ip4 checksum"),
    "checksum 0": (GOOD[:10] + b"\0\0" + GOOD[12:], "bad ip4 checksum"),
    "options": (with_checksum(b"\x46" + GOOD[1:20] + b"\x01\x01\x01\x00" + GOOD[20:-4]), "ip4 options present"),
    "options, wrong checksum": (b"\x46" + GOOD[1:20] + b"\x01\x01\x01\x00" + GOOD[20:-4], "bad ip4 checksum"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_header_is_counted_under_its_own_name(net: Net, case: str) -> None:
    packet, reason = CASES[case]
    assert net.lab.send(net.ports[0], net.frame(0, packet)) == {}
    counted = errors(net.lab)
    assert counted.pop(reason) == 1
    assert "blackholed packets" not in counted


@pytest.mark.parametrize("field", range(20))
def test_no_bit_of_the_header_may_flip(net: Net, field: int) -> None:
    """The checksum finds each single error, whatever else may be wrong then."""
    for bit in range(8):
        packet = GOOD[:field] + bytes([GOOD[field] ^ 1 << bit]) + GOOD[field + 1 :]
        assert net.lab.send(net.ports[0], net.frame(0, packet)) == {}


def test_a_packet_cut_anywhere_goes_nowhere(net: Net) -> None:
    for length in range(len(GOOD)):
        assert net.lab.send(net.ports[0], net.frame(0, GOOD[:length])) == {}
    counted = errors(net.lab)
    assert counted["ip4 length < 20 bytes"] == 20
    assert counted["ip4 length > l2 length"] == len(GOOD) - 20


def is_forwardable(packet: bytes) -> bool:
    """RFC 1812 5.2.2, and no options."""
    if len(packet) < 20 or packet[0] != 0x45:
        return False
    (total,) = struct.unpack(">H", packet[2:4])
    return 20 <= total <= len(packet) and with_checksum(packet) == packet and packet[8] > 1


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.tuples(st.integers(0, 19), st.binary(min_size=1, max_size=4)).map(lambda t: changed(*t)),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_only_sound_packets_pass(net: Net, packets: list[bytes]) -> None:
    out = net.lab.send(net.ports[0], *(net.frame(0, packet) for packet in packets))
    sound = [p for p in packets if is_forwardable(p)]
    forwarded = [f for name, frames in out.items() for f in frames if IP in f and name == "pg1"]
    expected = [p for p in sound if p[16:20] == bytes([10, 0, 1, 2]) and struct.unpack(">H", p[6:8])[0] & 0x1FFF != 1]
    assert len(forwarded) == len(expected)
    for frame, packet in zip(forwarded, expected, strict=True):
        fresh = bytearray(packet)
        fresh[8] -= 1
        assert bytes(frame)[14:] == with_checksum(bytes(fresh))


def test_padding_is_passed_on(net: Net) -> None:
    """A frame of 64 bytes holds less than that of IP."""
    (frame,) = net.lab.send(net.ports[0], Ether(bytes(net.frame(0, GOOD)) + b"\0" * 8))["pg1"]
    assert bytes(frame)[34 : 14 + len(GOOD)] == GOOD[20:]
