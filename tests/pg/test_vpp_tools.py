"""What the tools that test VPP do with its packet generator, step by step (VPP's test/vpp_pg_interface.py)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap
from tests.conftest import Lab
from tests.switch import Switch, wait

from weft import Engine
from weft.core.cli import CliError
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator

HOST = "02:00:00:00:00:05"


class Tool:
    """A test case of VPP's: files in a folder, everything else by the command line."""

    def __init__(self, cli, folder: Path) -> None:
        self.cli, self.folder = cli, folder
        self.streams: list[str] = []

    def enable_capture(self, name: str) -> None:
        self.cli(f"packet-generator capture {name} disable")
        self.cli(f"packet-generator capture {name} pcap {self.out(name)}")

    def out(self, name: str) -> Path:
        return self.folder / f"{name}_out.pcap"

    def add_stream(self, name: str, packets: list, words: str = "") -> None:
        path = self.folder / f"{name}_in.pcap"
        wrpcap(str(path), packets)
        stream = f"pcap0-sw_if_index-{len(self.streams)}"
        self.cli(f"packet-generator new pcap {path} source {name} name {stream} {words}")
        self.streams.append(stream)

    def start(self, words: str = "") -> None:
        self.cli("clear trace")
        self.cli(f"trace add pg-input 1000 {words}")
        self.cli("packet-generator enable")
        wait(lambda: "Yes" not in self.cli("show packet-generator"))
        for stream in self.streams:
            self.cli(f"packet-generator delete {stream}")


def echo_request(mac: str, number: int) -> Ether:
    return Ether(src=HOST, dst=mac) / IP(src="10.0.0.5", dst="10.0.0.1") / ICMP(id=number) / (b"x" * 40)


@pytest.mark.parametrize("count", [1, 2])
def test_a_test_case(tmp_path: Path, count: int) -> None:
    """With workers: when no stream says Yes any more, the files are complete."""
    with Engine(workers=count, interpret=False) as engine:
        tool = Tool(engine.cli, tmp_path)
        for line in (
            "set arp announce off",
            "create packet-generator interface pg0",
            "set interface state pg0 up",
            "set interface ip address pg0 10.0.0.1/24",
            f"set ip neighbor pg0 10.0.0.5 {HOST}",
        ):
            engine.cli(line)
        mac = engine[Interfaces]["pg0"].mac
        tool.enable_capture("pg0")
        assert not tool.out("pg0").exists()
        for worker in range(count):
            numbers = range(worker * 100, worker * 100 + 65)
            tool.add_stream("pg0", [echo_request(mac, n) for n in numbers], f"worker {worker}" if count > 1 else "")
        tool.start()
        answers = rdpcap(str(tool.out("pg0")))
        expected = [n for worker in range(count) for n in range(worker * 100, worker * 100 + 65)]
        assert sorted(answer[ICMP].id for answer in answers) == expected
        shown = engine.cli("show trace max 1000")
        assert shown.count("Packet ") == 65 * count
        for worker in range(count):
            assert f"Start of thread {worker + 1} vpp_wk_{worker}" in shown


def test_files_are_complete_however_often(tmp_path: Path) -> None:
    with Engine(workers=1, interpret=False) as engine:
        for line in (
            "create packet-generator interface pg0",
            "create packet-generator interface pg1",
            "set interface state pg0 up",
            "set interface state pg1 up",
            "set interface l2 xconnect pg0 pg1",
            "set interface l2 xconnect pg1 pg0",
        ):
            engine.cli(line)
        packets = [Ether(src=HOST, dst=HOST, type=0x88B5) / bytes([n]) for n in range(200)]
        for round in range(10):
            folder = tmp_path / str(round)
            folder.mkdir()
            tool = Tool(engine.cli, folder)
            tool.enable_capture("pg1")
            tool.add_stream("pg0", packets)
            tool.start()
            assert len(rdpcap(str(tool.out("pg1")))) == 200
            assert not tool.out("pg0").exists()


def test_a_stream_repeats_its_file_up_to_its_limit(lab: Lab, tmp_path: Path) -> None:
    lab.pg(2)
    lab.cli("set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    tool = Tool(lab.cli, tmp_path)
    tool.add_stream("pg0", [Ether(type=0x88B5) / bytes([n]) for n in range(3)], "limit 7 maxframe 2")
    lab.cli("packet-generator enable")
    lab.engine.step()
    assert [bytes(packet)[14] for packet in lab.output()["pg1"]] == [0, 1, 2, 0, 1, 2, 0]


class TestCaptures:
    def test_another_file_ends_the_one_before(self, lab: Lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        generator = lab.engine[PacketGenerator]
        lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/a.pcap")
        generator.send(port, [b"first"], node="pg0-tx")
        lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/b.pcap")
        generator.send(port, [b"second"], node="pg0-tx")
        assert lab.cli("packet-generator capture pg0 disable") == f"Write 1 packets to {tmp_path}/b.pcap\n"
        assert [bytes(packet) for packet in rdpcap(str(tmp_path / "a.pcap"))] == [b"first"]
        assert [bytes(packet) for packet in rdpcap(str(tmp_path / "b.pcap"))] == [b"second"]

    def test_a_file_that_exists_stays_as_it_is(self, lab: Lab, tmp_path: Path) -> None:
        lab.pg(1)
        (tmp_path / "a.pcap").write_text("precious")
        (tmp_path / "link.pcap").symlink_to(tmp_path / "elsewhere")
        for name in ("a", "link"):
            with pytest.raises(CliError, match=f"pcap file '{tmp_path}/{name}.pcap' already exists"):
                lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/{name}.pcap")
        assert (tmp_path / "a.pcap").read_text() == "precious"
        assert not (tmp_path / "elsewhere").exists()

    def test_what_cannot_be_leaves_a_running_capture_alone(self, lab: Lab, tmp_path: Path) -> None:
        (port,) = lab.pg(1)
        lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/a.pcap")
        with pytest.raises(CliError, match="No such file"):
            lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/nowhere/b.pcap")
        lab.engine[PacketGenerator].send(port, [b"one"], node="pg0-tx")
        assert "Write 1 packets" in lab.cli("packet-generator capture pg0 disable")

    def test_nothing_captured_makes_no_file(self, lab: Lab, tmp_path: Path) -> None:
        lab.pg(1)
        assert lab.cli("packet-generator capture pg0 disable") == ""
        lab.cli(f"packet-generator capture pg0 pcap {tmp_path}/a.pcap count 5")
        assert "Write 0 packets" in lab.cli("packet-generator capture pg0 disable")
        assert list(tmp_path.iterdir()) == []

    def test_answers_that_the_main_thread_makes_are_written_soon(self, switch: Switch, tmp_path: Path) -> None:
        """ARP requests leave after the generator has stopped: a tool that waits for them sees them."""
        switch.cli(
            f"""set arp announce off
            create packet-generator interface pg0
            create packet-generator interface pg1 mode ip4
            set interface state pg0 up
            set interface state pg1 up
            set interface ip address pg0 10.0.0.1/24
            set interface ip address pg1 10.0.1.1/24
            packet-generator capture pg0 pcap {tmp_path}/out.pcap
            packet-generator new {{ name a limit 1 interface pg1 data {{ UDP: 10.0.1.5 -> 10.0.0.9 UDP: 1 -> 2 }} }}
            packet-generator enable"""
        )
        path = tmp_path / "out.pcap"
        wait(lambda: path.exists() and path.stat().st_size > 24 + 16)
        assert rdpcap(str(path))[0].pdst == "10.0.0.9"


@pytest.mark.parametrize("worker", [0, 1])
def test_rates_hold_on_every_worker(worker: int) -> None:
    """As many packets as the rate allows between the first and the last look at the clock, whenever those were."""
    with Engine(workers=2, interpret=False) as engine:
        generator = engine[PacketGenerator]
        port = generator.create("pg0")
        stream = generator.add("s", port, [bytes(60)], rate=1e4, node="pg0-tx", thread=worker + 1)
        generator.enable("s")
        wait(lambda: stream.row.sent > 0)
        with engine.workers.barrier():
            sent, clock = stream.row.sent, stream.row.last
        time.sleep(0.2)
        with engine.workers.barrier():
            seconds = (stream.row.last - clock) / engine.clocks_per_second
            allowed = seconds * 1e4
            assert allowed - 257 < stream.row.sent - sent < allowed + 2
        assert engine.graph.runtime("pg-input", worker + 1).vectors > 0
