"""Packets from VPP's textual descriptions, read back with scapy, which checks lengths and checksums."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

from weft.core.model import Invalid
from weft.features.pg.description import MAX_PACKETS, describe
from weft.features.pg.edit import Range

FRAME = "IP4: 1.2.3 -> 4.5.6 "
UDP_FRAME = FRAME + "UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1234 -> 2345 "


def packets(text: str, node: str = "ethernet-input", **how: object) -> list[bytes]:
    return describe(text, node).packets(**how)  # type: ignore[arg-type]


def one(text: str, node: str = "ethernet-input", **how: object) -> bytes:
    (packet,) = packets(text, node, **how)
    return packet


def checked(data: bytes, kind: type[Packet] = Ether) -> Packet:
    """The packet, whose computed fields are what scapy computes."""
    found = kind(data)
    again = kind(data)
    for layer in again.layers():
        for name in ("len", "plen", "chksum", "cksum"):
            if name in again[layer].fields:
                delattr(again[layer], name)
    assert bytes(again) == data
    return found


def test_hexadecimal_digits_are_the_packet() -> None:
    assert one("hex 0x0102feDC") == bytes.fromhex("0102fedc")
    assert one("hex 0102 hex 03") == bytes.fromhex("010203")


def test_incrementing_bytes() -> None:
    assert one("incrementing 300") == bytes(n & 255 for n in range(300))


def test_the_example_that_users_copy() -> None:
    data = packets(
        "IP4: 1.2.3 -> 4.5.6  UDP: 192.168.1.1 - 192.168.1.100 -> 10.0.0.1  "
        "UDP: 1234 -> 2345  length 128 checksum 0 incrementing 30"
    )
    assert len(data) == 100
    first, last = Ether(data[0]), Ether(data[-1])
    assert (first.src, first.dst, first.type) == ("00:01:00:02:00:03", "00:04:00:05:00:06", 0x0800)
    assert (first[IP].src, last[IP].src, first[IP].dst) == ("192.168.1.1", "192.168.1.100", "10.0.0.1")
    assert first[IP].len == 20 + 8 + 30
    assert (first[UDP].sport, first[UDP].dport, first[UDP].len, first[UDP].chksum) == (1234, 2345, 128, 0)
    assert bytes(first[UDP].payload) == bytes(range(30))


@pytest.mark.parametrize("size", [0, 1, 2, 63, 1400])
def test_udp(size: int) -> None:
    found = checked(one(f"{UDP_FRAME} incrementing {size}"))
    assert found[UDP].len == 8 + size


@pytest.mark.parametrize("size", [0, 1, 7, 100])
def test_tcp(size: int) -> None:
    text = (
        FRAME + "TCP: 10.0.0.1 -> 10.0.0.2 ttl 3 tos 0x10 df TCP: 1 -> 2 SYN ack seqnum 7 acknum 9 window 5 urgent 3 "
    )
    found = checked(one(f"{text} incrementing {size}"))
    assert (found[IP].ttl, found[IP].tos, found[IP].flags) == (3, 16, "DF")
    assert (found[TCP].flags, found[TCP].seq, found[TCP].ack) == ("SA", 7, 9)
    assert (found[TCP].window, found[TCP].urgptr, found[TCP].dataofs) == (5, 3, 5)


def test_icmp() -> None:
    found = checked(one("ICMP: 1.1.1.1 -> 2.2.2.2 ICMP echo_request incrementing 64", "ip4-input"), IP)
    assert (found[ICMP].type, found[ICMP].code) == (8, 0)
    found = checked(one(FRAME + "ICMP: 1.1.1.1 -> 2.2.2.2 ICMP time_exceeded code 1 incrementing 5"))
    assert (found[ICMP].type, found[ICMP].code) == (11, 1)


def test_arp_behind_a_tag() -> None:
    found = Ether(
        one(
            "ARP: 02:00:00:00:22:05 -> ff:ff:ff:ff:ff:ff vlan 2 "
            "request: 02:00:00:00:22:05/192.168.22.5 -> 00:00:00:00:00:00/192.168.22.1"
        )
    )
    expected = (
        Ether(src="02:00:00:00:22:05", dst="ff:ff:ff:ff:ff:ff")
        / Dot1Q(vlan=2)
        / ARP(op=1, hwsrc="02:00:00:00:22:05", psrc="192.168.22.5", hwdst="00:00:00:00:00:00", pdst="192.168.22.1")
    )
    assert bytes(found) == bytes(expected)


def test_two_tags() -> None:
    found = checked(one("IP4: 1.2.3 -> 4.5.6 vlan 10 vlan 20 UDP: 1.1.1.1 -> 2.2.2.2 UDP: 1 -> 2"))
    assert (found[Dot1Q].vlan, found[Dot1Q].payload.vlan, found[IP].src) == (10, 20, "1.1.1.1")


def test_ip6() -> None:
    found = checked(one("IP6: 1.2.3 -> 4.5.6 UDP: 2001:db8::1 -> 2001:db8::2 UDP: 1 -> 2 incrementing 9"))
    assert (found[IPv6].src, found[IPv6].plen, found[UDP].len) == ("2001:db8::1", 17, 17)
    found = checked(one("ICMP6: ::1 -> ::2 hop-limit 3 ICMP6 echo_request incrementing 8", "ip6-input"), IPv6)
    assert found[IPv6].hlim == 3
    assert ICMPv6EchoRequest in found


def test_numbers_for_protocols() -> None:
    found = Ether(one("0x88b5: 1.2.3 -> 4.5.6 hex 0xabcd"))
    assert (found.type, bytes(found[Raw])) == (0x88B5, b"\xab\xcd")
    found = checked(one("IP4: 1.2.3 -> 4.5.6 200: 1.1.1.1 -> 2.2.2.2 incrementing 4"))
    assert (found[IP].proto, found[IP].len) == (200, 24)


def test_given_fields_stay_even_if_wrong() -> None:
    found = Ether(one(FRAME + "UDP: 1.1.1.1 -> 2.2.2.2 checksum 0x1234 length 7 id 0xabcd UDP: 1 -> 2"))
    assert (found[IP].chksum, found[IP].len, found[IP].id) == (0x1234, 7, 0xABCD)


class TestRanges:
    def test_ranges_run_side_by_side(self) -> None:
        data = packets(FRAME + "UDP: 10.0.0.1 - 10.0.0.2 -> 10.1.0.1 - 10.1.0.3 UDP: 1 -> 2")
        pairs = [(IP(each[14:]).src[-1], IP(each[14:]).dst[-1]) for each in data]
        assert pairs == [("1", "1"), ("2", "2"), ("1", "3"), ("2", "1"), ("1", "2"), ("2", "3")]

    def test_every_field_may_vary(self) -> None:
        data = packets(
            "IP4: 00:00:00:00:00:01 - 00:00:00:00:00:02 -> 4.5.6 vlan 5-6 "
            "UDP: 1.1.1.1 -> 2.2.2.2 ttl 7 - 8 UDP: 10 - 11 -> 20-21"
        )
        first, second = map(checked, data)
        assert [(p.src[-1], p[Dot1Q].vlan, p[IP].ttl, p.sport, p.dport) for p in (first, second)] == [
            ("1", 5, 7, 10, 20),
            ("2", 6, 8, 11, 21),
        ]

    def test_random_values_stay_within(self) -> None:
        data = packets(FRAME + "UDP: 10.0.0.10 + 10.0.0.20 -> 10.1.0.1 - 10.1.0.3 UDP: 1 -> 2")
        sources = {int(IP(each[14:]).src.rpartition(".")[2]) for each in data}
        assert sources <= set(range(10, 21))
        assert len(sources) > 5
        assert len(data) % 3 == 0
        checked(data[17])

    def test_sizes(self) -> None:
        data = packets(UDP_FRAME + "incrementing 200", size=Range(60, 64))
        assert [len(each) for each in data] == [60, 61, 62, 63, 64]
        for each in data:
            checked(each)

    def test_short_packets_are_filled_with_zeros(self) -> None:
        assert one("hex 0x0102", size=Range(6, 6)) == b"\1\2\0\0\0\0"

    def test_too_many_packets_are_refused_or_cut_at_the_limit(self) -> None:
        text = FRAME + "UDP: 10.0.0.0 - 10.0.255.255 -> 10.1.0.0 - 10.1.255.254 UDP: 1 -> 2"
        with pytest.raises(Invalid, match=rf"4294901760 different packets; {MAX_PACKETS} is the most"):
            packets(text)
        assert len(packets(text, most=100)) == 100

    @settings(deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
    def test_all_combinations_that_come_up_are_there(self, a: int, b: int, c: int) -> None:
        text = f"IP4: 1.2.3 -> 4.5.6 UDP: 10.0.0.0 - 10.0.0.{a - 1} -> 9.9.9.9 UDP: 100 - {99 + b} -> 200 - {199 + c}"
        data = packets(text)
        seen = [(each[29], int.from_bytes(each[34:36], "big"), int.from_bytes(each[36:38], "big")) for each in data]
        expected = [(n % a, 100 + n % b, 200 + n % c) for n in range(len(data))]
        assert seen == expected
        assert len(set(seen)) == len(seen)
        assert len(data) % a == len(data) % b == len(data) % c == 0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "no packet data"),
        ("nonsense", "ethertype"),
        ("hex", "hexadecimal digits"),
        ("hex 0x123", "even number"),
        ("hex 0xzz", "even number"),
        ("incrementing", "a number of bytes"),
        ("incrementing -5", "a number of bytes"),
        ("incrementing 70000", "a number of bytes"),
        ("incrementing 60000 incrementing 60000", "more than 65535"),
        ("IP4: 1.2.3", "`->' is missing"),
        ("IP4: 1.2.3 -> ", "ends where a MAC address is missing"),
        ("IP4: 1.2.3 -> 1.2.3.4", "expected a MAC address, got `1.2.3.4'"),
        ("IP4: 00:00:00:00:00:100 -> 1.2.3", "expected a MAC address"),
        ("IP4: 1.2.3 - 1.2.2 -> 4.5.6", "ends before it begins"),
        ("IP4: 1.2.3 -> 4.5.6 vlan 4096", "a VLAN ID"),
        ("IP4: 1.2.3 -> 4.5.6 UDP: 1.2.3.4 -> 1.2.3.256", "an IPv4 address"),
        ("IP4: 1.2.3 -> 4.5.6 UDP: 1.2.3.4 -> ::1", "an IPv4 address"),
        (UDP_FRAME + "nonsense 5", "expected `incrementing N' or `hex 0x...', got `nonsense'"),
        (FRAME + "UDP: 1.1.1.1 -> 2.2.2.2 UDP: 1 -> 65536", "a port"),
        (FRAME + "UDP: 1.1.1.1 -> 2.2.2.2 TCP: 1 -> 2", "expected `UDP:'"),
        (FRAME + "ICMP: 1.1.1.1 -> 2.2.2.2 ICMP nonsense", "no ICMP type"),
        (FRAME + "300: 1.1.1.1 -> 2.2.2.2", "an IP protocol"),
        (FRAME + "UDP: 1.1.1.1 -> 2.2.2.2 ttl", "ends where a number for ttl is missing"),
        (FRAME + "UDP: 1.1.1.1 -> 2.2.2.2 ttl 99999999999999999999999999", "a number for ttl"),
    ],
)
def test_what_cannot_be_is_said(text: str, answer: str) -> None:
    with pytest.raises(Invalid) as raised:
        packets(text)
    assert answer in str(raised.value)


def test_headers_are_not_cut() -> None:
    with pytest.raises(Invalid, match="42 to 65535 bytes"):
        packets(UDP_FRAME, size=Range(40, 50))


@settings(deadline=None)
@given(st.text(alphabet="IP4UDPTCARP6:.->+/ 0123456789abcdefhexincrmtgvl-", max_size=80))
def test_no_text_does_any_harm(text: str) -> None:
    try:
        assert packets(text, most=10)
    except Invalid as error:
        assert "\n" not in str(error)
