"""Streams: the packets that were asked for, in order, as many and as often as asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from weft import Engine
from weft.core.buffer import pool
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.core.runtime import workers
from weft.features.interface.model import Interfaces
from weft.features.pcap.file import Packet, read, write
from weft.features.pg.model import PacketGenerator

SIZES = [1, 14, 59, 60, 63, 64, 65, 127, 128, 129, 1500, 2047, 2048, 2049, 4096, 4097, 9000, 65535]


def loop(lab, port, *packets: bytes, **how: object) -> list[bytes]:
    """What leaves by a port of packets that start at its way out."""
    generator = lab.engine[PacketGenerator]
    generator.add("s", port, packets, node=f"{port.name}-tx", **{"limit": len(packets), **how})
    generator.enable("s")
    lab.engine.step()
    generator.delete("s")
    return generator.captured(port)


def test_packets_of_every_length_are_whole(lab) -> None:
    (port,) = lab.pg(1)
    packets = [os.urandom(size) for size in SIZES]
    assert loop(lab, port, *packets) == packets
    assert pool.free + workers[0].cache.count == pool.total


@pytest.mark.parametrize(("count", "limit", "batch"), [(1, 5, 256), (3, 1000, 256), (300, 700, 256), (7, 20, 3)])
def test_templates_go_round_and_round(lab, count: int, limit: int, batch: int) -> None:
    (port,) = lab.pg(1)
    packets = [n.to_bytes(2, "big") * 30 for n in range(count)]
    assert loop(lab, port, *packets, limit=limit, batch=batch) == [packets[n % count] for n in range(limit)]


def test_short_buffers_cost_packets_only() -> None:
    with Engine(workers=0, buffers=64, interpret=False) as engine:
        generator = engine[PacketGenerator]
        port = generator.create("pg0")
        generator.capture(port)
        packets = [os.urandom(5000) for _ in range(40)]  # 3 buffers each
        generator.add("s", port, packets, node="pg0-tx", limit=40)
        generator.enable("s")
        engine.step()
        assert generator.captured(port) == packets
        assert pool.free + workers[0].cache.count == pool.total == 64


def test_a_stream_starts_again_from_its_beginning(lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("packet-generator new { name s limit 3 interface pg0 node pg0-tx data { hex 0x01 } }")
    generator = lab.engine[PacketGenerator]
    for _ in range(2):
        lab.cli("packet-generator enable-stream s")
        lab.engine.step()
        assert generator.captured(port) == [b"\1"] * 3
        assert not generator.streams["s"].enabled
    lab.engine.step()
    assert generator.captured(port) == []


def test_rate(lab) -> None:
    """At 1000 packets a second: one at once, then as many as milliseconds pass between two looks at the clock."""
    (port,) = lab.pg(1)
    generator = lab.engine[PacketGenerator]
    row = generator.add("s", port, [bytes(60)], rate=1000, node="pg0-tx").row
    generator.enable("s")
    lab.engine.workers.step()
    assert row.sent == 1
    first, start = row.last, time.monotonic()
    while time.monotonic() - start < 0.3:
        lab.engine.workers.step()
    milliseconds = (row.last - first) / lab.engine.clocks_per_second * 1000
    assert milliseconds > 100
    assert milliseconds - 2 < row.sent - 1 < milliseconds + 2


def test_several_streams_at_a_time(lab) -> None:
    a, b = lab.pg(2)
    generator = lab.engine[PacketGenerator]
    for number in range(20):
        port = (a, b)[number % 2]
        generator.add(f"s{number}", port, [bytes([number]) * 60], limit=number + 1, node=f"{port.name}-tx")
    lab.cli("packet-generator enable-stream")
    lab.engine.step()
    for first, port in enumerate((a, b)):
        sent = generator.captured(port)
        assert sorted(packet[0] for packet in sent) == [n for n in range(first, 20, 2) for _ in range(n + 1)]
    assert "Yes" not in lab.cli("show packet-generator")


def test_a_hundred_thousand_packets_are_added_quickly(compiled_lab) -> None:
    (port,) = compiled_lab.pg(1)
    packets = [n.to_bytes(6, "big") * 10 for n in range(100_000)]
    start = time.perf_counter()
    compiled_lab.engine[PacketGenerator].add("many", port, packets)
    assert time.perf_counter() - start < 1
    assert loop(compiled_lab, port, *packets[-300:]) == packets[-300:]


def test_deleted_streams_give_their_memory_back(lab) -> None:
    (port,) = lab.pg(1)
    used = lab.engine.arena.heap_used()
    for size in (1, 100, 5000):
        lab.engine[PacketGenerator].add("s", port, [bytes(size)] * 10)
        lab.engine[PacketGenerator].delete("s")
    assert lab.engine.arena.heap_used() == used


def test_an_interface_takes_its_streams_along(lab) -> None:
    a, _ = lab.pg(2)
    lab.cli("create sub-interfaces pg0 7")
    generator = lab.engine[PacketGenerator]
    sub = lab.engine[Interfaces]["pg0.7"]
    generator.add("of-sub", sub, [bytes(60)])
    generator.add("of-pg0", a, [bytes(60)])
    generator.enable("of-pg0")
    lab.cli("delete packet-generator interface pg0")
    lab.ports.remove(a)
    assert not generator.streams
    lab.engine.step()


def test_packets_seem_to_come_in_by_the_interface(lab) -> None:
    lab.pg(1)
    lab.cli("packet-generator new { name s limit 4 interface pg0 data { IP4: 1.2.3 -> 4.5.6 incrementing 50 } }")
    lab.cli("packet-generator enable-stream s")
    lab.engine.step()
    assert "rx packets                     4" in lab.cli("show interface pg0")
    assert lab.engine.graph.runtime("ethernet-input", 0).vectors == 4


class TestPcap:
    def test_a_file_is_sent_once(self, lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        packets = [os.urandom(60 + n) for n in range(5)]
        write(tmp_path / "a.pcap", [Packet(data, len(data)) for data in packets])
        lab.cli(f"packet-generator new pcap {tmp_path}/a.pcap source pg0 name p1 node pg0-tx")
        lab.cli("packet-generator enable-stream p1")
        lab.engine.step()
        assert lab.engine[PacketGenerator].captured(port) == packets

    def test_or_as_often_as_asked_for(self, lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        write(tmp_path / "a.pcap", [Packet(bytes([n]), 1) for n in range(2)])
        lab.cli(f"packet-generator new pcap {tmp_path}/a.pcap source pg0 name p1 limit 5 node pg0-tx")
        lab.cli("packet-generator enable-stream p1")
        lab.engine.step()
        assert lab.engine[PacketGenerator].captured(port) == [bytes([n % 2]) for n in range(5)]

    def test_files_that_are_none(self, lab, tmp_path: Path) -> None:
        lab.pg(1)
        (tmp_path / "bad.pcap").write_text("hello")
        write(tmp_path / "empty.pcap", [])
        for name, answer in (("bad", "magic number"), ("empty", "no packets in it"), ("missing", "No such file")):
            with pytest.raises(CliError, match=answer):
                lab.cli(f"packet-generator new pcap {tmp_path}/{name}.pcap source pg0 name p1")

    def test_capture(self, lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        path = tmp_path / "out.pcap"
        lab.cli(f"packet-generator capture pg0 pcap {path}")
        sent = [os.urandom(60), os.urandom(9000)]
        assert loop(lab, port, *sent) == sent  # programs see them too
        assert lab.cli("packet-generator capture pg0 disable") == f"Write 2 packets to {path}\n"
        assert [packet.data for packet in read(path)] == sent
        assert abs(read(path)[0].time / 1e9 - time.time()) < 60

    def test_capture_of_so_many(self, lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        path = tmp_path / "out.pcap"
        lab.cli(f"packet-generator capture pg0 pcap {path} count 2")
        loop(lab, port, b"one", b"two", b"three")
        lab.engine.advance(1)
        assert [packet.data for packet in read(path)] == [b"one", b"two"]
        assert lab.cli("packet-generator capture pg0 disable") == ""

    def test_a_capture_larger_than_the_area(self, compiled_lab, tmp_path: Path) -> None:
        (port,) = compiled_lab.pg(1)
        compiled_lab.engine[PacketGenerator].stop_capture(port)
        path = tmp_path / "out.pcap"
        compiled_lab.cli(f"packet-generator capture pg0 pcap {path}")
        for _ in range(5):
            loop(compiled_lab, port, *[bytes(9000)] * 400)
            compiled_lab.engine.advance(0.2)
        assert "Write 2000 packets" in compiled_lab.cli("packet-generator capture pg0 disable")
        assert sum(len(packet.data) for packet in read(path)) == 18_000_000

    def test_what_finds_no_room_is_said(self, compiled_lab, tmp_path: Path) -> None:
        (port,) = compiled_lab.pg(1)
        compiled_lab.engine[PacketGenerator].stop_capture(port)
        compiled_lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/out.pcap")
        generator = compiled_lab.engine[PacketGenerator]
        generator.add("s", port, [bytes(9000)] * 1000, node="pg0-tx", limit=1000)
        generator.enable("s")
        for _ in range(10):
            compiled_lab.engine.workers.step()
        said = compiled_lab.cli("packet-generator capture pg0 disable")
        assert said == f"Write 930 packets to {tmp_path}/out.pcap; 70 more found no room\n"


class TestThreads:
    """Streams are placed on workers, by VPP's number."""

    def test_each_on_its_own(self) -> None:
        with Engine(workers=2, interpret=False) as engine:
            generator = engine[PacketGenerator]
            port = generator.create("pg0")
            generator.capture(port)
            for worker in range(2):
                engine.cli(
                    f"packet-generator new {{ name s{worker} limit 5000 interface pg0 node pg0-tx worker {worker} "
                    f"data {{ hex 0x0{worker} }} }}"
                )
            engine.cli("packet-generator enable-stream")
            deadline = time.monotonic() + 5
            while any(stream.enabled for stream in generator.streams.values()) and time.monotonic() < deadline:
                time.sleep(0.01)
            engine.workers.quiesce()
            packets = generator.captured(port)
            assert [packets.count(bytes([worker])) for worker in range(2)] == [5000, 5000]
            assert [engine.graph.runtime("pg-input", thread).vectors for thread in (1, 2)] == [5000, 5000]
            with pytest.raises(CliError, match="no worker 2: there are 2"):
                engine.cli("packet-generator new { name t interface pg0 worker 2 data { hex 0x00 } }")


class TestCommands:
    def test_show(self, lab) -> None:
        lab.pg(1)
        assert lab.cli("show packet-generator") == "no streams currently defined\n"
        lab.cli(
            "packet-generator new { name a limit 2 rate 1e4 size 64-64 interface pg0 node ethernet-input "
            "data { hex 0xdead0000001602000000220581000002080045000032000000004011 } }"
        )
        heading, row = lab.cli("show packet-generator").splitlines()
        assert heading.split() == ["Name", "Enabled", "Count", "Parameters"]
        assert row.split()[:3] == ["a", "No", "0"]
        assert "limit 2, rate 1.00e4 pps, size 64-64" in row
        assert "IP4: 02:00:00:00:22:05 -> de:ad:00:00:00:16 802.1q vlan 2" in lab.cli("show packet-generator a verbose")

    def test_without_braces(self, lab) -> None:
        lab.pg(1)
        lab.cli("packet-generator new name a interface pg0 data { hex 0x01 }")
        assert lab.cli("show packet-generator").splitlines()[1].startswith("a ")

    def test_configure(self, lab) -> None:
        (port,) = lab.pg(1)
        lab.cli("packet-generator new { name a limit 2 interface pg0 node pg0-tx data { hex 0x01 } }")
        lab.cli("packet-generator configure a limit 5 rate 1e9")
        assert "limit 5, rate 1.00e9 pps" in lab.cli("show packet-generator")
        lab.cli("packet-generator configure a rate 0")
        lab.cli("packet-generator enable-stream a")
        lab.engine.step()
        assert len(lab.engine[PacketGenerator].captured(port)) == 5

    def test_configure_the_size(self, lab) -> None:
        (port,) = lab.pg(1)
        lab.cli("packet-generator new { name a limit 4 size 64 interface pg0 node pg0-tx data { hex 0x01 } }")
        lab.cli("packet-generator configure a size 3000-3001 maxframe 1")
        assert "size 3000-3001" in lab.cli("show packet-generator")
        for _ in range(2):
            lab.cli("packet-generator enable-stream a")
            lab.engine.step()
            sent = lab.engine[PacketGenerator].captured(port)
            assert [len(packet) for packet in sent] == [3000, 3001, 3000, 3001]
            assert all(packet == b"\1".ljust(len(packet), b"\0") for packet in sent)

    def test_configure_nothing_of_what_cannot_be(self, lab) -> None:
        lab.pg(1)
        lab.cli(
            "packet-generator new { name a limit 4 rate 1 interface pg0 "
            "data { IP4: 1.2.3 -> 4.5.6 UDP: 1.1.1.1 -> 2.2.2.2 UDP: 1 -> 2 } }"
        )
        before = lab.cli("show packet-generator verbose")
        for change, message in (
            ("limit 7 size 41", "packets have 42 to 65535 bytes"),
            ("limit 7 size 9-5", "ends before it begins"),
            ("limit 7 maxframe 257", "1 to 256 packets at a time"),
            ("limit 7 rate 1e11", "a stream's rate is"),
            ("limit -1", "expected a number of packets"),
            ("", "nothing to change"),
        ):
            with pytest.raises(CliError, match=message):
                lab.cli(f"packet-generator configure a {change}")
        assert lab.cli("show packet-generator verbose") == before
        lab.cli("packet-generator enable-stream a")
        with pytest.raises(CliError, match="is running"):
            lab.cli("packet-generator configure a size 64")
        lab.cli("packet-generator configure a limit 7")
        assert "limit 7" in lab.cli("show packet-generator")

    def test_disable_and_delete(self, lab) -> None:
        lab.pg(1)
        lab.cli("packet-generator new { name a interface pg0 rate 1 data { hex 0x01 } }")
        lab.cli("packet-generator enable-stream a")
        assert "Yes" in lab.cli("show packet-generator")
        lab.cli("packet-generator disable-stream a")
        assert "Yes" not in lab.cli("show packet-generator")
        lab.cli("packet-generator enable-stream")
        lab.cli("packet-generator delete a")
        assert lab.cli("show packet-generator") == "no streams currently defined\n"

    def test_interfaces(self, lab) -> None:
        assert lab.cli("create packet-generator interface pg7") == ""
        for name in ("pg", "eth0", "pg-1", "pg1024", "pg01", "pg99999999999"):
            with pytest.raises(CliError, match="is named pg0 to pg1023"):
                lab.cli(f"create packet-generator interface {name}")
        with pytest.raises(CliError, match="no packet-generator interface"):
            lab.cli("delete packet-generator interface local0")
        lab.cli("delete packet-generator interface pg7")

    @pytest.mark.parametrize(
        ("command", "answer"),
        [
            ("packet-generator new { }", "needs a name"),
            ("packet-generator new { name a data { hex 0x01 } }", "needs an interface"),
            ("packet-generator new { name a interface pg0 }", r"either data \{ ... \} or pcap FILE"),
            ("packet-generator new { name a interface nosuch0 data { hex 0x01 } }", "nosuch0"),
            ("packet-generator new { name a interface pg0 node nosuch data { hex 0x01 } }", "unknown node"),
            ("packet-generator new { name a interface pg0 data { hex 0x01 } nonsense }", "nonsense"),
            ("packet-generator new { name a interface pg0 size 9-5 data { hex 0x01 } }", "ends before it begins"),
            ("packet-generator new { name a interface pg0 size 64-70000 data { hex 0x01 } }", "a size in bytes"),
            ("packet-generator new { name a interface pg0 size 0-5 data { hex 0x01 } }", "1 to 65535 bytes"),
            ("packet-generator new { name a interface pg0 limit -1 data { hex 0x01 } }", "limit -1"),
            ("packet-generator new { name a interface pg0 rate -1 data { hex 0x01 } }", "rate is 0"),
            ("packet-generator new { name a interface pg0 rate 1e99 data { hex 0x01 } }", "rate is 0"),
            ("packet-generator new { name a interface pg0 maxframe 257 data { hex 0x01 } }", "1 to 256 packets"),
            ("packet-generator new { name a interface pg0 maxframe 0 data { hex 0x01 } }", "1 to 256 packets"),
            ("packet-generator new { name a interface pg0 worker 0 data { hex 0x01 } }", "no worker 0"),
            ("packet-generator enable-stream nosuch", "no stream `nosuch'"),
            ("packet-generator disable-stream nosuch", "no stream `nosuch'"),
            ("packet-generator delete nosuch", "no stream `nosuch'"),
            ("packet-generator configure nosuch limit 1", "no stream `nosuch'"),
            ("show packet-generator nosuch", "no stream `nosuch'"),
            ("packet-generator capture local0 pcap /tmp/weft-x.pcap", "local0 is no packet-generator interface"),
            ("packet-generator capture pg0 pcap /nowhere/x.pcap", "No such file or directory"),
        ],
    )
    def test_what_cannot_be_changes_nothing(self, lab, command: str, answer: str) -> None:
        lab.pg(1)
        used = lab.engine.arena.heap_used()
        with pytest.raises(CliError, match=answer):
            lab.cli(command)
        assert lab.cli("show packet-generator") == "no streams currently defined\n"
        assert lab.engine.arena.heap_used() == used

    def test_a_name_is_given_once(self, lab) -> None:
        lab.pg(1)
        lab.cli("packet-generator new { name a interface pg0 data { hex 0x01 } }")
        with pytest.raises(CliError, match="stream a already exists"):
            lab.cli("packet-generator new { name a interface pg0 data { hex 0x02 } }")


def test_programs_hear_of_what_cannot_be(lab) -> None:
    (port,) = lab.pg(1)
    generator = lab.engine[PacketGenerator]
    for packets in ([], [b""], [bytes(65536)]):
        with pytest.raises(Invalid, match="1 to 65535 bytes"):
            generator.add("s", port, packets)
    with pytest.raises(Invalid, match="more than 4096 MB"):
        generator.add("s", port, [bytes(65535)] * 66_000)
    with pytest.raises(Invalid, match="no node is named nosuch"):
        generator.add("s", port, [bytes(60)], node="nosuch")
    assert not generator.streams


def test_udp_streams_reach_ip(lab) -> None:
    """A stream's frame is what scapy would have made."""
    (port,) = lab.pg(1)
    lab.cli(
        "packet-generator new { name s limit 1 interface pg0 node pg0-tx data { IP4: 02:00:00:00:00:01 -> "
        "02:00:00:00:00:02 UDP: 10.0.0.1 -> 10.0.0.2 UDP: 1 -> 2 hex 0x616263 } }"
    )
    lab.cli("packet-generator enable-stream s")
    lab.engine.step()
    expected = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="10.0.0.1", dst="10.0.0.2", id=0)
    expected = expected / UDP(sport=1, dport=2) / b"abc"
    assert lab.engine[PacketGenerator].captured(port) == [bytes(expected)]
