"""The process's life: how it starts, what it leaves, what may happen to it in between."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from tests.cli.peers import dial

from .conftest import Start
from .engine import READY_WITHIN, SOURCE, EngineProcess, command, stanzas, until

SOCKETS = {"cli.sock", "api.sock", "stats.sock"}


def test_a_test_frameworks_command_line(start: Start, tmp_path: Path) -> None:
    """Arguments that are empty or hold several words, plugins and stanzas that are not here; SIGTERM ends it all."""
    engine = start(
        *("unix", "{", "nodaemon", "", "full-coredump", "coredump-size unlimited", "runtime-dir", str(tmp_path)),
        *(f"log {tmp_path}/log", f"pidfile {tmp_path}/pid", "}", "api-trace", "{", "on", "}"),
        *("api-segment", "{", "prefix", "foo", "}", "cpu", "{", "main-core", "0", "}"),
        *("physmem", "{", "max-size", "32m", "}", "frobnicate { deeply { } }", "node { ", "", "}"),
        *("statseg", "{", "socket-name", f"{tmp_path}/stats.sock", "per-node-counters on", "}"),
        *("socksvr", "{", "socket-name", f"{tmp_path}/api.sock", "}"),
        *("plugins", "{", "plugin", "dpdk_plugin.so", "{", "disable", "}", "plugin", "x.so", "{", "enable", "}", "}"),
    ).wait_until_ready()
    assert engine.names() == SOCKETS | {"pid"}
    assert (tmp_path / "pid").read_text() == f"{engine.process.pid}\n"
    assert engine.show("show version").startswith("weft v")
    assert engine.end(signal.SIGTERM) == 0
    assert engine.names() == set()
    log = engine.log.read_text()
    assert (
        log.count("frobnicate") == 1 and "without effect here: api-trace on, api-segment prefix, physmem, node\n" in log
    )
    assert "unix-cli-vppctl: show version\n" in log  # as in VPP, the log has every command


def test_a_daemon_is_there_when_the_command_returns(tmp_path: Path) -> None:
    script = tmp_path / "setup.cli"
    script.write_text("create loopback interface\nset interface state nosuch0 up\n")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [*command(), *stanzas(tmp_path, unix=f"exec {script} cli-prompt x#")],
        env=environment,
        timeout=READY_WITHIN,
        check=False,
    )
    pid = int((tmp_path / "pid").read_text())
    try:
        assert done.returncode == 0
        engine = EngineProcess.__new__(EngineProcess)
        engine.folder, engine.log = tmp_path, tmp_path / "log"
        assert "loop0" in engine.show("show interface")
        assert engine.said(f"ERROR weft: exec: {script}:2: set interface state: unknown interface `nosuch0 up'")
    finally:
        os.kill(pid, signal.SIGHUP)
    until(lambda: not Path(f"/proc/{pid}").exists(), 30)
    assert engine.names() == {"setup.cli"}


def test_who_connects_early_is_answered_when_the_engine_is_ready(start: Start, tmp_path: Path) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    script = tmp_path / "setup.cli"
    script.write_text("create loopback interface\n")
    engine = start(
        *stanzas(tmp_path, unix=f"nodaemon exec {script}"), environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}
    )
    until(engine.cli.exists, 30)
    assert engine.cli.stat().st_mode & 0o777 == 0o660 and stat.S_ISSOCK(engine.cli.stat().st_mode)
    with dial(engine.cli) as peer:
        early = not engine.said("ready; ")
        peer.settimeout(READY_WITHIN)
        peer.sendall(b"show interface loop0\n")
        assert early and peer.recv(65536)  # the greeting
    engine.wait_until_ready()
    manager.settimeout(5)
    told = b""
    while b"READY=1" not in told:
        told = manager.recv(4096)
    assert "loop0" in engine.show("show interface")
    assert engine.end(signal.SIGINT) == 0
    while b"STOPPING=1" not in told:
        told = manager.recv(4096)


def test_it_ends_while_it_compiles(start: Start, tmp_path: Path) -> None:
    engine = start(*stanzas(tmp_path), environment={"WEFT_CACHE": str(tmp_path / "cache")})
    children = Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children")
    until(lambda: children.read_text().split(), 30)
    compilers = children.read_text().split()
    assert engine.names() - {"cache"} == SOCKETS | {"pid"}
    assert engine.end(signal.SIGTERM) == 0
    assert engine.names() == {"cache"}
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in compilers), 30)


def test_what_compiles_for_a_process_that_is_killed_ends_with_it(start: Start, tmp_path: Path) -> None:
    engine = start(*stanzas(tmp_path), environment={"WEFT_CACHE": str(tmp_path / "cache")})
    children = Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children")
    until(lambda: len(children.read_text().split()) > 1, 30)
    compilers = children.read_text().split()
    assert engine.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in compilers), 30)


def test_a_second_engine_is_refused_and_a_crash_does_not_block_the_next(start: Start, tmp_path: Path) -> None:
    first = start().wait_until_ready()
    second = start()
    assert second.process.wait(30) == 1
    assert f"weft-engine: cannot listen on {first.cli}: an engine already listens there" in second.output()
    assert "loop" in first.show("create loopback interface") and first.names() == SOCKETS | {"pid"}
    assert first.end(signal.SIGSEGV) == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in first.log.read_text()
    assert first.names() >= SOCKETS
    first.log.unlink()
    third = start().wait_until_ready()
    assert "loop" not in third.show("show interface") and "local0" in third.show("show interface")
    assert third.end(signal.SIGTERM) == 0 and third.names() == set()


@pytest.mark.parametrize(
    ("stanza", "mode"), [("", "forced"), ("graph { fuse off }", "off"), ("graph { fuse on }", "on")]
)
def test_nodes_are_fused_as_the_configuration_says_or_else_the_environment(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stanza: str, mode: str
) -> None:
    monkeypatch.setenv("WEFT_FUSE", "forced")
    said = f"unix {{ nodaemon runtime-dir {tmp_path} log {tmp_path}/log }} {stanza}"
    engine = start(*said.split()).wait_until_ready()
    assert engine.show("show graph fuse").splitlines() == [f"fuse {mode}"]
    assert engine.end(signal.SIGTERM) == 0


def test_what_the_environment_says_wrongly_is_said_in_one_line(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEFT_FUSE", "foo")
    engine = start(*f"unix {{ nodaemon runtime-dir {tmp_path} }}".split())
    assert engine.process.wait(30) == 1
    assert engine.output().splitlines() == [
        "weft-engine: the environment has WEFT_FUSE=foo; it must be one of off, on, forced"
    ]
    assert engine.names() == set()


@pytest.mark.parametrize(
    ("stanza", "reason"),
    [
        ("unix { gid no-such-group }", "unix: gid: there is no group `no-such-group'; make it with groupadd"),
        ("cpu { main-core 4000 }", "cpu: there is no core 4000 for this process"),
        ("unix { nodaemon log /proc/none/log }", "cannot write the log /proc/none/log"),
        ("unix { nodaemon cli-listen here }", "cannot listen on here: it is neither /a/path nor host:port"),
        ("unix { nodaemon pidfile /proc/none }", "cannot write the pidfile /proc/none"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(start: Start, tmp_path: Path, stanza: str, reason: str) -> None:
    engine = start(*f"unix {{ runtime-dir {tmp_path} }} {stanza}".split())
    assert engine.process.wait(30) == 1
    assert f"weft-engine: {reason}" in engine.output().splitlines()[-1]
    assert engine.names() == set()
