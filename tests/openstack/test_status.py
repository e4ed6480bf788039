"""What weft-status says, as an operator runs it."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.openstack.net import PORT, port, vlan

from weft_openstack.lab.services import EtcdServer
from weft_openstack.status.command import main
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Settings

AGENT = records.Agent(
    agent="1.0",
    forwarder="vpe 26.06",
    physnets={"physnet1": "eth0"},
    tunnels=False,
    vhost_user_dir="/run/test",
    machine="m",
    pid=1,
    started=1e9,
    ready=True,
    problems={"vteps/h2": "not said"},
)


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    stdout: str
    returncode: object


def status(conf: Path, *arguments: str) -> Said:
    """Run the command, in this process: a new one would take a second."""
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main(["--config-file", str(conf), *arguments])
    return Said(printed.getvalue(), ended.value.code)


@pytest.fixture
def conf(tmp_path: Path, etcd_server: EtcdServer, prefix: str) -> Path:
    path = tmp_path / "weft.conf"
    path.write_text(
        f"[ml2_vpp]\netcd_host = {etcd_server.endpoint}\netcd_prefix = {prefix}\n"
        f"etcd_insecure_explicit_disable_https = true\napi_socket = {tmp_path}/none\n"
    )
    return path


def fill(store: Settings, prefix: str) -> None:
    """h1 lives: port 1 is up, 2 failed, 3 waits, 4 is to go. h2 has a port and no agent. One value is no record."""

    async def program() -> None:
        async with Etcd(store) as etcd:
            await etcd.put(prefix + keys.agent("h1"), records.encode(AGENT))
            revisions = {}
            for number in (1, 2, 3):
                key = prefix + keys.port("h1", PORT.format(number))
                record = port(number, vlan(100), written=1e9 + number)
                revisions[number] = await etcd.put(key, records.encode(record))
            states = {
                1: records.PortState(status="up", since=1e9, at=revisions[1], interface="v1", sw_if_index=5),
                2: records.PortState(status="failed", since=1e9, at=revisions[2], reason="no way", plan=("make it",)),
                3: records.PortState(status="up", since=1e9, at=revisions[3] - 1),
                4: records.PortState(status="up", since=1e9, at=1),
            }
            for number, state in states.items():
                await etcd.put(prefix + keys.port_state("h1", PORT.format(number)), records.encode(state))
            await etcd.put(prefix + keys.port("h2", PORT.format(5)), records.encode(port(5, vlan(100))))
            await etcd.put(prefix + keys.port("h1", PORT.format(6)), b"nonsense")

    asyncio.run(program())


def test_all_that_is_not_well(conf: Path, store: Settings, prefix: str) -> None:
    empty = status(conf)
    assert empty == Said("no host has an agent or a port\n", 0)
    fill(store, prefix)
    said = status(conf)
    assert said.returncode == 1
    assert PORT.format(1) not in said.stdout and PORT.format(1) in status(conf, "ports").stdout
    report = json.loads(status(conf, "--json", "ports").stdout)
    assert {line["port"]: line["step"] for line in report["ports"]} == {
        PORT.format(1): "up",
        PORT.format(2): "failed",
        PORT.format(3): "pending",
        PORT.format(4): "unwanted",
        PORT.format(5): "pending",
        PORT.format(6): "pending",
    }
    waits = next(line for line in report["ports"] if line["port"] == PORT.format(3))
    assert waits["since"] == 1e9 + 3  # not since it was up as it was before
    assert [(host["host"], host["alive"], host["ports"], host["up"]) for host in report["hosts"]] == [
        ("h1", True, 5, 1),
        ("h2", False, 1, 0),
    ]
    assert report["hosts"][0]["problems"] == {"vteps/h2": "not said"}
    assert "! h1: vteps/h2: not said\n" in said.stdout
    assert list(report["problems"]) == [prefix + keys.port("h1", PORT.format(6))]


def test_why_a_port_is_not_well(conf: Path, store: Settings, prefix: str) -> None:
    fill(store, prefix)

    def steps(number: int) -> list[tuple[str, str]]:
        answers = json.loads(status(conf, "--json", "why", PORT.format(number)).stdout)
        return [(answer["step"], answer["state"]) for answer in answers if answer["step"] != "neutron"]

    assert steps(1) == [("etcd", "well"), ("agent", "well"), ("port", "well"), ("forwarder", "unseen")]
    assert steps(2) == [("etcd", "well"), ("agent", "well"), ("port", "wrong"), ("plan", "waits")]
    assert steps(3) == [("etcd", "well"), ("agent", "well"), ("port", "waits")]
    assert steps(5) == [("etcd", "well"), ("agent", "wrong")]
    assert steps(6)[0] == ("etcd", "wrong")
    assert steps(7) == [("etcd", "wrong")]
    said = status(conf, "why", PORT.format(2))
    assert said.returncode == 1 and "failed" in said.stdout and "no way" in said.stdout and "make it" in said.stdout
