"""The command `ping`, with an engine that the test steps and with a worker."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
import scapy.layers.inet  # noqa: F401 - so that frames are taken apart as far as ICMP
from tests.conftest import Lab

from weft import Engine
from weft.core.cli import CliError
from weft.features.ping.model import Pings

MAC = "02:00:00:00:00:0a"


@pytest.fixture
def net(lab: Lab) -> Lab:
    """pg0 with 10.0.0.1/24 and a silent neighbor."""
    lab.pg(1)
    lab.cli(f"set interface ip address pg0 10.0.0.1/24\nset ip neighbor pg0 10.0.0.10 {MAC}")
    lab.engine.step()
    lab.output()
    return lab


def test_nobody_answers(net: Lab) -> None:
    """As in VPP's transcript."""
    assert net.cli("ping 10.0.0.10 repeat 1 interval 0.01") == "\nStatistics: 1 sent, 0 received, 100% packet loss\n"


def test_what_is_sent(net: Lab) -> None:
    net.cli("ping 10.0.0.10 repeat 3 interval 0.01")
    packets = net.output()["pg0"]
    assert [packet["ICMP"].seq for packet in packets] == [1, 2, 3]
    for packet in packets:
        assert (packet.dst, packet["IP"].src, packet["IP"].dst) == (MAC, "10.0.0.1", "10.0.0.10")
        assert (packet["ICMP"].type, packet["ICMP"].code) == (8, 0)
        assert packet["IP"].len == 116
        again = packet.copy()
        del again["IP"].chksum, again["ICMP"].chksum
        assert bytes(again) == bytes(packet), "a checksum is wrong"
    assert len({packet["ICMP"].id for packet in packets}) == 1


def test_size_and_burst(net: Lab) -> None:
    assert "Statistics: 6 sent" in net.cli("ping 10.0.0.10 repeat 2 burst 3 size 1000 interval 0.01")
    packets = net.output()["pg0"]
    assert [packet["ICMP"].seq for packet in packets] == [1, 1, 1, 2, 2, 2]
    assert {packet["IP"].len for packet in packets} == {116 - 60 + 1000}


def test_we_answer_ourselves(net: Lab) -> None:
    lines = net.cli("ping 10.0.0.1 repeat 2 interval 0.5").splitlines()
    assert len(lines) == 4
    for sequence, line in enumerate(lines[:2], 1):
        assert re.fullmatch(rf"116 bytes from 10\.0\.0\.1: icmp_seq={sequence} ttl=64 time=\d*\.\d{{4}} ms", line)
    assert lines[2:] == ["", "Statistics: 2 sent, 2 received, 0% packet loss"]


def test_it_returns_as_soon_as_all_is_back(net: Lab) -> None:
    start = time.monotonic()
    net.cli("ping 10.0.0.1 repeat 1 interval 30")
    assert time.monotonic() - start < 10


def test_some_are_lost(net: Lab) -> None:
    net.cli("ip route add 192.0.2.1/32 via 10.0.0.10 pg0")
    assert net.cli("ping 192.0.2.1 repeat 3 interval 0.01").endswith("3 sent, 0 received, 100% packet loss\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ping 10.0.0.10 repeat 0", "repeat is 1 to 65535, not 0"),
        ("ping 10.0.0.10 size 40000", "size is 0 to 32740, not 40000"),
        ("ping 10.0.0.10 interval 0", "interval is more than 0 and up to 3600 seconds, not 0.0"),
        ("ping 10.0.0.10 burst 0", "burst is 1 to 256, not 0"),
        ("ping 10.0.0.10 table-id 77", "no such table 77"),
        ("ping 192.0.2.99", "no egress interface"),
    ],
)
def test_what_cannot_be_is_refused(net: Lab, line: str, reason: str) -> None:
    with pytest.raises(CliError, match=re.escape(reason)):
        net.cli(line)


def test_from_another_table(lab: Lab) -> None:
    lab.pg(2)
    lab.cli(
        f"""
        ip table add 7
        set interface ip table pg1 7
        set interface ip address pg0 10.0.0.1/24
        set interface ip address pg1 10.0.0.2/24
        set ip neighbor pg0 10.0.0.10 {MAC}
        set ip neighbor pg1 10.0.0.10 {MAC}
        """
    )
    lab.engine.step()
    lab.output()
    lab.cli("ping 10.0.0.10 repeat 1 interval 0.01 table-id 7")
    out = lab.output()
    assert {port: packets[0]["IP"].src for port, packets in out.items()} == {"pg1": "10.0.0.2"}
    lab.cli("ping 10.0.0.10 repeat 1 interval 0.01 source pg1")
    out = lab.output()
    assert {port: packets[0]["IP"].src for port, packets in out.items()} == {"pg1": "10.0.0.2"}


def test_a_ping_that_is_interrupted_leaves_nothing_behind(net: Lab) -> None:
    async def interrupted() -> None:
        task = asyncio.create_task(net.engine.commands.run_async(net.engine, "ping 10.0.0.10 repeat 1000"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    assert net.engine[Pings].running == 0


def test_a_reply_to_nobody_is_dropped(net: Lab) -> None:
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.l2 import Ether

    (port,) = net.ports
    reply = Ether(src=MAC, dst=port.mac) / IP(src="10.0.0.10", dst="10.0.0.1") / ICMP(type=0, id=7, seq=1)
    assert net.send(port, reply) == {}
    assert net.errors()["ip4-icmp-echo-reply", "echo replies to nobody's request"] == 1


def test_with_a_worker(tmp_path: Path) -> None:
    with Engine(workers=1) as engine:
        engine.cli("loopback create")
        engine.cli("set interface state loop0 up")
        engine.cli("set interface ip address loop0 10.0.0.1/24")
        assert "2 sent, 2 received, 0% packet loss" in engine.cli("ping 10.0.0.1 repeat 2 interval 0.5")
