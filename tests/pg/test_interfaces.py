"""Packet-generator interfaces of all kinds: frames, packets without layer 2, with offloads, coalescing."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet
from scapy.utils import rdpcap, wrpcap
from tests.conftest import Lab
from tests.wiring import connect

from weft.core.buffer import pool
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.core.runtime import workers
from weft.features.interface.model import Interface, Interfaces
from weft.features.pg.model import Mode, Options, PacketGenerator

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def created(lab: Lab, words: str, name: str = "pg1") -> Interface:
    """An interface made by the command, up and captured."""
    lab.cli(f"create packet-generator interface {name} {words}\nset interface state {name} up")
    interface = lab.engine[Interfaces][name]
    lab.engine[PacketGenerator].capture(interface)
    lab.ports.append(interface)
    return interface


class TestModes:
    def test_ip4_packets_come_and_go_without_a_header(self, lab: Lab, tmp_path: Path) -> None:
        """As VPP's tests do it: a file that scapy writes, a file that scapy reads."""
        lab.pg(1)
        created(lab, "mode ip4")
        lab.cli("set interface ip address pg0 10.0.0.1/24\nset interface ip address pg1 10.0.9.1/24")
        wrpcap(str(tmp_path / "in.pcap"), [IP(src="10.0.9.9", dst="10.0.9.1") / ICMP(id=n) for n in range(3)])
        lab.cli(
            f"""packet-generator capture pg1 pcap {tmp_path}/out.pcap
            packet-generator new pcap {tmp_path}/in.pcap source pg1 name p
            packet-generator enable"""
        )
        lab.engine.step()
        lab.cli("show packet-generator")
        answers = rdpcap(str(tmp_path / "out.pcap"))
        assert [type(answer) for answer in answers] == [IP] * 3
        assert [(answer.src, answer[ICMP].type, answer[ICMP].id) for answer in answers] == [
            ("10.0.9.1", 0, n) for n in range(3)
        ]

    @pytest.mark.parametrize(("mode", "node"), [("ethernet", "ethernet-input"), ("ip4", "ip4-input")])
    def test_where_streams_start(self, lab: Lab, mode: str, node: str) -> None:
        interface = created(lab, f"mode {mode}")
        lab.cli("packet-generator new { name s interface pg1 data { hex 0x45 } }")
        assert lab.engine[PacketGenerator].streams["s"].node == node
        assert bool("Ethernet address" in lab.cli("show hardware-interfaces pg1")) is (mode == "ethernet")
        assert interface.device.ethernet is (mode == "ethernet")

    def test_descriptions_begin_with_what_the_interface_takes(self, lab: Lab) -> None:
        created(lab, "mode ip4")
        lab.cli("set interface ip address pg1 10.0.9.1/24")
        lab.cli(
            "packet-generator new { name s limit 1 interface pg1 data "
            "{ ICMP: 10.0.9.9 -> 10.0.9.1 ICMP echo_request incrementing 8 } }\npacket-generator enable s"
        )
        lab.engine.step()
        (answer,) = lab.engine[PacketGenerator].captured(lab.ports[0])
        assert IP(answer)[ICMP].type == 0

    def test_they_cannot_be_bridged(self, lab: Lab) -> None:
        created(lab, "mode ip4")
        with pytest.raises(CliError, match="must be ethernet"):
            lab.cli("set interface l2 bridge pg1 1")
        with pytest.raises(CliError, match="no Ethernet interface"):
            lab.cli("create sub-interfaces pg1 1")


class TestCreating:
    def test_the_same_again_is_the_same(self, lab: Lab) -> None:
        generator = lab.engine[PacketGenerator]
        made = generator.create("pg3", Options(Mode.IP6))
        assert generator.create("pg3", Options(Mode.IP6)) is made
        with pytest.raises(Invalid, match="already exists, with other options"):
            generator.create("pg3")
        assert lab.cli("create packet-generator interface pg3 mode ip6") == ""

    def test_a_number_is_given_once_whatever_the_name(self, lab: Lab) -> None:
        generator = lab.engine[PacketGenerator]
        made = generator.create("pg3")
        lab.cli("set interface name pg3 uplink")
        assert generator.create("pg3") is made
        lab.cli("delete packet-generator interface uplink")
        assert generator.create("pg3") is not made

    @pytest.mark.parametrize("how", ["pg3", "sw_if_index {}"])
    def test_deleting(self, lab: Lab, how: str) -> None:
        number = created(lab, "gso-enabled gso-size 1400 coalesce-enabled", "pg3").sw_if_index
        used = lab.engine.arena.heap_used()
        lab.cli("delete packet-generator interface " + how.format(number))
        assert "pg3" not in lab.engine[Interfaces].by_name
        assert lab.engine.arena.heap_used() < used
        assert created(lab, "", "pg3").sw_if_index == number

    @pytest.mark.parametrize(
        ("words", "answer"),
        [
            ("interface pg1 gso-enabled", "gso-size"),
            ("interface pg1 gso-enabled gso-size 0", "1 or more"),
            ("interface pg1 gso-enabled gso-size 65536", "1 to 65535 bytes"),
            ("interface pg1 coalesce-enabled", "coalesce-enabled"),
            ("interface pg1 mode ipx", "ethernet, ip4 or ip6"),
            ("interface pg1024", "named pg0 to pg1023"),
        ],
    )
    def test_what_cannot_be(self, lab: Lab, words: str, answer: str) -> None:
        with pytest.raises(CliError, match=answer):
            lab.cli(f"create packet-generator {words}")
        assert "pg1" not in lab.engine[Interfaces].by_name

    def test_what_cannot_be_deleted(self, lab: Lab) -> None:
        lab.pg(1)
        lab.cli("create sub-interfaces pg0 1")
        for which in ("local0", "pg0.1", "sw_if_index 0", "sw_if_index 77", "nosuch"):
            with pytest.raises(CliError):
                lab.cli(f"delete packet-generator interface {which}")
        with pytest.raises(Invalid) as raised:
            lab.engine[PacketGenerator].delete_interface(lab.engine[Interfaces]["local0"])
        assert raised.value.error == "INVALID_SW_IF_INDEX"


def tcp(seq: int, size: int, *, flags: str = "A", ack: int = 0, port: int = 1234, **ip: object) -> Packet:
    """A segment from A to B."""
    return (
        Ether(src=A, dst=B)
        / IP(src="10.0.0.1", dst="10.0.0.2", flags="DF", **ip)
        / TCP(sport=port, dport=4321, seq=seq, ack=ack, flags=flags)
        / (bytes([seq & 255]) * size)
    )


class TestOffloads:
    """What comes in by an interface with gso is cut when it leaves by one without; scapy checks the checksums."""

    @pytest.fixture
    def wired(self, lab: Lab) -> Lab:
        lab.pg(1)
        created(lab, "gso-enabled gso-size 1000")
        connect(lab.engine, *lab.ports)
        return lab

    @pytest.mark.parametrize("version", [4, 6])
    @pytest.mark.parametrize("tags", [0, 1])
    def test_large_segments_are_cut(self, wired: Lab, version: int, tags: int) -> None:
        packet: Packet = Ether(src=A, dst=B)
        if tags:
            packet /= Dot1Q(vlan=7)
        packet /= IP(src="10.0.0.1", dst="10.0.0.2") if version == 4 else IPv6(src="2001:db8::1", dst="2001:db8::2")
        packet /= TCP(sport=1, dport=2, seq=7, flags="A")
        packet /= bytes(n & 255 for n in range(2500))
        out = wired.send(wired.ports[1], packet)["pg0"]
        assert [len(each[TCP].payload) for each in out] == [1000, 1000, 500]
        assert b"".join(bytes(each[TCP].payload) for each in out) == bytes(packet[TCP].payload)
        for each in out:
            assert bytes(each) == checked(each)

    def test_others_leave_as_they_came(self, wired: Lab) -> None:
        """With their checksums complete: small segments, UDP, what is no IP."""
        small = [tcp(1, 900), Ether(src=A, dst=B) / IP() / UDP() / bytes(3000), Ether(src=A, dst=B, type=0x88B5)]
        out = wired.send_raw(wired.ports[1], *map(bytes, small))["pg0"]
        assert sorted(out) == sorted(bytes(packet) for packet in small)

    def test_what_owes_nothing(self, wired: Lab) -> None:
        """Fragments, and what has something behind it."""
        odd = [
            Ether(src=A, dst=B) / IP(flags="MF") / TCP() / bytes(3000),
            Ether(bytes(tcp(1, 3000)) + b"x"),
            Ether(bytes(tcp(1, 3000))[:-1]),
        ]
        assert wired.send_raw(wired.ports[1], *map(bytes, odd)) == {"pg0": [bytes(packet) for packet in odd]}

    def test_they_pass_whole_between_interfaces_with_gso(self, lab: Lab) -> None:
        a, b = created(lab, "gso-enabled gso-size 1000", "pg1"), created(lab, "gso-enabled gso-size 500", "pg2")
        connect(lab.engine, a, b)
        out = lab.send(a, tcp(1, 5000))
        assert [len(each[TCP].payload) for each in out["pg2"]] == [5000]

    def test_checksums_alone(self, lab: Lab) -> None:
        lab.pg(1)
        created(lab, "csum-offload-enabled")
        connect(lab.engine, *lab.ports)
        wrong = Ether(src=A, dst=B) / IP() / UDP(sport=1, dport=2, chksum=0x1234) / b"abc"
        (out,) = lab.send(lab.ports[1], wrong)["pg0"]
        assert bytes(out) == checked(out)


def checked(packet: Packet) -> bytes:
    """The packet with all lengths and checksums as scapy computes them."""
    fresh = packet.copy()
    for layer in fresh.layers():
        for name in ("len", "plen", "chksum"):
            if name in fresh[layer].fields:
                fresh[layer].delfieldval(name)
    return bytes(fresh)


class TestCoalescing:
    """VPP's own test of GRO, and what it leaves out."""

    @pytest.fixture
    def wired(self, lab: Lab) -> Lab:
        lab.pg(1)
        created(lab, "gso-enabled gso-size 1460 coalesce-enabled")
        connect(lab.engine, *lab.ports)
        return lab

    def out(self, lab: Lab, *packets: Packet) -> list[Packet]:
        return lab.send(lab.ports[0], *packets).get("pg1", [])

    def test_forty_four_segments_at_a_time(self, wired: Lab) -> None:
        """1460 * 44 + 40 < 65536; what is left waits until something else leaves."""
        packets = [tcp(1460 * n, 1460, ack=n) for n in range(124)]
        out = self.out(wired, *packets)
        assert [(packet[IP].len, packet[TCP].ack) for packet in out] == [(64280, 43), (64280, 87)]
        last, fin = self.out(wired, tcp(0, 0, flags="F"))
        assert (last[IP].len, last[TCP].ack, last[TCP].seq) == (52600, 123, 1460 * 88)
        assert (fin[IP].len, fin[TCP].flags) == (40, "F")
        data = b"".join(bytes(packet[TCP].payload) for packet in (*out, last))
        assert data == b"".join(bytes(packet[TCP].payload) for packet in packets)
        assert pool.free + workers[0].cache.count == pool.total

    def test_a_push_ends_a_packet(self, wired: Lab) -> None:
        packets = [
            packet
            for n in range(10)
            for packet in (tcp(2800 * n, 1460, ack=2 * n), tcp(2800 * n + 1460, 1340, ack=2 * n + 1, flags="PA"))
        ]
        out = self.out(wired, *packets)
        assert [(packet[IP].len, packet[TCP].ack) for packet in out] == [(2840, 2 * n + 1) for n in range(10)]
        assert {str(packet[TCP].flags) for packet in out} == {"PA"}

    def test_a_shorter_segment_ends_a_packet(self, wired: Lab) -> None:
        (packet,) = self.out(wired, tcp(0, 1000), tcp(1000, 1000), tcp(2000, 10))
        assert len(packet[TCP].payload) == 2010

    def test_they_are_cut_again_as_they_were(self, wired: Lab) -> None:
        """A packet put together leaves pg0 as the segments that came: numbered, with their checksums."""
        sent = [tcp(1000 * n, 1000, id=n) for n in range(3)]
        (whole,) = self.out(wired, *sent, tcp(3000, 5, flags="PA"))
        out = wired.send(wired.ports[1], Ether(bytes(whole)))["pg0"]
        assert sum(len(packet[TCP].payload) for packet in out) == 3005
        for packet in out:
            assert bytes(packet) == checked(packet)

    @pytest.mark.parametrize(
        "other",
        [
            tcp(1001, 1000),
            tcp(1000, 1000, flags="SA"),
            tcp(1000, 1000, tos=4),
            tcp(1000, 1000, ttl=9),
            tcp(1000, 1001),
            Ether(src=A, dst="02:00:00:00:00:0c") / tcp(1000, 1000)[IP],
            Ether(src=A, dst=B) / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=4321, seq=1000) / b"x",
        ],
    )
    def test_what_does_not_continue_ends_a_packet_and_follows_it(self, wired: Lab, other: Packet) -> None:
        first = tcp(0, 1000)
        out = self.out(wired, first, other, tcp(9, 0, flags="F"))
        assert [bytes(packet) for packet in out[:2]] == [bytes(first), bytes(other)]
        assert len(out) == 3

    def test_what_is_damaged_is_not_put_together(self, wired: Lab) -> None:
        bad = tcp(1000, 1000)
        bad[TCP].chksum = 1
        out = self.out(wired, tcp(0, 1000), bad)
        assert [bytes(packet) for packet in out] == [bytes(tcp(0, 1000)), bytes(bad)]

    def test_what_is_no_tcp_passes(self, wired: Lab) -> None:
        udp = Ether(src=A, dst=B) / IP() / UDP() / b"abc"
        assert [bytes(packet) for packet in self.out(wired, tcp(0, 1000), udp)] == [bytes(udp)]

    def test_a_large_segment_does_not_overtake(self, lab: Lab) -> None:
        source = created(lab, "gso-enabled gso-size 1000", "pg0")
        created(lab, "gso-enabled gso-size 1000 coalesce-enabled")
        connect(lab.engine, *lab.ports)
        out = lab.send(source, tcp(0, 1000), tcp(1000, 5000))["pg1"]
        assert [len(packet[TCP].payload) for packet in out] == [1000, 5000]

    def test_sixteen_connections_at_a_time(self, wired: Lab) -> None:
        packets = [tcp(1000 * n, 1000, port=port) for n in range(2) for port in range(17)]
        early = self.out(wired, *packets)
        assert [packet[TCP].sport for packet in early] == [16, 16]
        late = self.out(wired, tcp(0, 0, flags="F", port=99))
        assert [(packet[TCP].sport, len(packet[TCP].payload)) for packet in late] == [
            *((port, 2000) for port in range(16)),
            (99, 0),
        ]

    def test_ip6(self, wired: Lab) -> None:
        packets = [
            Ether(src=A, dst=B)
            / IPv6(src="2001:db8::1", dst="2001:db8::2")
            / TCP(sport=1, dport=2, seq=1000 * n, flags="A" if n < 2 else "PA")
            / bytes(1000)
            for n in range(3)
        ]
        (packet,) = self.out(wired, *packets)
        assert (packet[IPv6].plen, len(packet[TCP].payload)) == (3020, 3000)

    def test_turning_it_off_lets_go_of_what_is_kept(self, wired: Lab) -> None:
        generator, port = wired.engine[PacketGenerator], wired.ports[1]
        assert self.out(wired, tcp(0, 1000), tcp(1000, 1000)) == []
        generator.set_coalescing(port, False)
        (kept,) = generator.captured(port)
        assert len(Ether(kept)[TCP].payload) == 2000
        assert len(self.out(wired, tcp(0, 1000), tcp(1000, 1000))) == 2
        generator.set_coalescing(port, True)
        generator.set_coalescing(port, True)
        assert self.out(wired, tcp(0, 1000)) == []

    def test_an_interface_takes_what_is_kept_along(self, wired: Lab) -> None:
        self.out(wired, tcp(0, 1000))
        wired.cli("delete packet-generator interface pg1")
        assert pool.free + workers[0].cache.count == pool.total

    def test_only_with_gso(self, lab: Lab) -> None:
        (port,) = lab.pg(1)
        with pytest.raises(Invalid, match="without gso-enabled") as raised:
            lab.engine[PacketGenerator].set_coalescing(port, True)
        assert raised.value.error == "CANNOT_ENABLE_DISABLE_FEATURE"
