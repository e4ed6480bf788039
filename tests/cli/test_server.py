"""The CLI's socket as its clients see it: the original vppctl in both modes, plain pipes, and crowds of them."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from weft.core.cli.server import CliServer, Settings

from .conftest import Running, add_known
from .peers import Screen, asked, dial, vppctl


def until(condition: object, seconds: float = 30.0) -> None:
    """Wait for a condition. Raises AssertionError after a while."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


@pytest.mark.parametrize("ends_at_nul", [False, True])
class TestOneShotVppctl:
    def test_prints_the_commands_output_only(self, running: Running, ends_at_nul: bool) -> None:
        assert vppctl(running.path, "show int", ends_at_nul=ends_at_nul) == "local0\nloop0\nloop1\n"

    def test_ends_although_there_is_no_output(self, running: Running, ends_at_nul: bool) -> None:
        assert vppctl(running.path, "set int state loop0 up", ends_at_nul=ends_at_nul) == ""
        assert running.engine.done == [(1, True)]

    def test_prints_an_error_as_vpp_does(self, running: Running, ends_at_nul: bool) -> None:
        assert vppctl(running.path, "frobnicate", ends_at_nul=ends_at_nul) == "unknown input `frobnicate'\n"

    def test_gets_all_of_a_long_output(self, running: Running, ends_at_nul: bool) -> None:
        lines = vppctl(running.path, "show many 100000", ends_at_nul=ends_at_nul).splitlines()
        assert len(lines) == 100000 and lines[-1] == "line 100000"

    def test_waits_for_a_command_that_waits(self, running: Running, ends_at_nul: bool) -> None:
        assert vppctl(running.path, "ping 0.2", ends_at_nul=ends_at_nul) == "waited\n"

    def test_sends_a_command_of_many_lines(self, running: Running, ends_at_nul: bool) -> None:
        assert vppctl(running.path, "packet new {\n name a\n}", ends_at_nul=ends_at_nul) == ""
        assert running.engine.done == [{"name": "a"}]

    def test_is_told_of_a_brace_left_open(self, running: Running, ends_at_nul: bool) -> None:
        said = vppctl(running.path, "packet new { name a", ends_at_nul=ends_at_nul)
        assert said == "unbalanced brace at `{ name a': expected a closing }\n"


def test_a_pipe_without_telnet_gets_each_output(running: Running) -> None:
    with dial(running.path) as peer:
        peer.sendall("show int loop0\r\nfrob\n\nset log é\npacket new {\n name a\n}\nshow int loop1".encode())
        peer.shutdown(socket.SHUT_WR)
        received = b""
        while data := peer.recv(4096):
            received += data
    assert asked(received, b"", None)[1] == b"loop0\nunknown input `frob'\nloop1\n"
    assert running.engine.done == ["é", {"name": "a"}]


class TestTerminal:
    def test_greets_prompts_and_runs(self, running: Running) -> None:
        screen = Screen(running.path)
        assert "Weft" in screen.wait(r"^vpp# $")
        screen.type("sh int loop0\n").wait(r"^vpp# sh int loop0\nloop0\nvpp# $")
        screen.type("frob\r\n").wait(r"^unknown input `frob'\nvpp# $")
        screen.type("quit\n")
        screen.wait_closed()

    def test_edits_the_line(self, running: Running) -> None:
        screen = Screen(running.path)
        screen.wait(r"^vpp# $")
        screen.type("cho on\x01e\x1b[Fe\n").wait(r"^one\nvpp# $")  # home, end
        screen.type("echo xtwoy\x1b[D\x04\x1b[D\x1b[D\x1b[D\x7f\n").wait(r"^two\nvpp# $")  # left, delete, backspace
        screen.type("rubbish\x15echo three four\x17five\n").wait(r"^three five\nvpp# $")  # ^U, ^W
        screen.type("six seven\x01\x1bf\x0b\x01echo \x05\x19\n").wait(r"^six seven\nvpp# $")  # word, ^K, ^Y
        screen.type("rubbish\x03echo \x1b[99~eight\n").wait(r"^eight\nvpp# $")  # ^C, a key unknown

    def test_recalls_history(self, running: Running) -> None:
        screen = Screen(running.path)
        screen.wait(r"^vpp# $")
        screen.type("echo one\n").wait(r"^one\nvpp# $")
        screen.type("echo two\n").wait(r"^two\nvpp# $")
        screen.type("draft\x1b[A\x1b[A").wait(r"^vpp# echo one$")
        screen.type("\x1b[B\x1b[B").wait(r"^vpp# draft *$")
        screen.type("\x03history\n").wait(r"^1  echo one\n2  echo two\n3  history\nvpp# $")

    def test_completes_and_explains(self, running: Running) -> None:
        screen = Screen(running.path)
        screen.wait(r"^vpp# $")
        screen.type("set int").wait(r"^vpp# set int$")
        screen.type("\t").wait(r"^vpp# set interface $")
        screen.type("l\tb\tlo\t").wait(r"^local0 +loop0 +loop1\nvpp# set interface l2 bridge lo$")
        screen.type("op0 2 ?").wait(r"Put an interface into a[^#]*vpp# set interface l2 bridge loop0 2 $")
        screen.type("bv\t\n").wait(r"bvi *\nvpp# $")
        assert running.engine.done == [(1, 2, True, False, 0)]

    def test_pages_by_the_windows_height(self, running: Running) -> None:
        screen = Screen(running.path, rows=10)
        screen.wait(r"^vpp# $")
        screen.type("show many 30\n").wait(r"^line 9\n-- more -- \(1-9/30\)$")
        screen.type(" ").wait(r"^line 18\n-- more -- \(10-18/30\)$")
        screen.type("\r").wait(r"^line 19\n-- more -- \(11-19/30\)$")
        assert "line 20" not in screen.type("q").wait(r"^vpp# $")
        screen.type("show many 30\n").wait(r"^line 9\n-- more -- \(1-9/30\)$")
        screen.type("a").wait(r"^line 30\nvpp# $")

    def test_interrupts_a_command(self, running: Running) -> None:
        screen = Screen(running.path)
        screen.wait(r"^vpp# $")
        screen.type("ping 100\n")
        until(lambda: "waiting" in running.engine.done)
        screen.type("\x03").wait(r"interrupted\nvpp# $")
        assert running.engine.done == ["waiting", "cancelled"]

    def test_a_long_line_is_shown_around_the_cursor(self, running: Running) -> None:
        screen = Screen(running.path, columns=30)
        screen.wait(r"^vpp# $")
        screen.type("echo " + "0123456789" * 5).wait(r"^vpp# \d{15,24}$")
        screen.type("\x01").wait(r"^vpp# echo \d+$")
        screen.type("\n").wait(r"^(0123456789){5}$")

    def test_works_on_a_dumb_terminal(self, running: Running) -> None:
        screen = Screen(running.path, terminal=b"dumb")
        screen.wait(r"^vpp# $")
        screen.type("show cli\n").wait(r"^0 +\d+ +unix-cli-dumb +is\n")


def test_a_vanished_user_cancels_the_command_and_frees_the_session(running: Running) -> None:
    screen = Screen(running.path)
    screen.wait(r"^vpp# $")
    screen.type("ping 100\n")
    until(lambda: "waiting" in running.engine.done)
    screen.peer.close()
    until(lambda: running.engine.done == ["waiting", "cancelled"] and not running.cli.sessions)


def test_a_client_that_does_not_read_harms_nobody(running: Running) -> None:
    with dial(running.path) as stalled:
        stalled.sendall(b"show many 200000\n" * 20)
        assert vppctl(running.path, "show int loop0") == "loop0\n"
        assert vppctl(running.path, "show int loop1") == "loop1\n"
    until(lambda: not running.cli.sessions)


def test_who_sends_commands_and_leaves_has_them_done(running: Running) -> None:
    """`vppctl < file`: it ends with its input, before the answers have come."""
    with dial(running.path) as peer:
        answer, _ = asked(peer.recv(100), b"vppctl", None)
        peer.sendall(answer + b"show many 50000\nset int state loop0 up\nfrob\nset int state loop1 up\n")
    until(lambda: running.engine.done == [(1, True), (2, True)] and not running.cli.sessions)


def test_the_terminal_and_its_settings(running: Running) -> None:
    add_known(running.cli.table, "show terminal", "set terminal pager", "set terminal history")
    screen = Screen(running.path, columns=100, rows=15)
    screen.wait(r"^vpp# $")
    screen.type("set terminal pager off\n").wait(r"off\nvpp# $")
    screen.type("show many 30\n").wait(r"^line 30\nvpp# $")
    screen.type("set terminal pager on limit 20\n").wait(r"20\nvpp# $")
    screen.type("show many 25\n").wait(r"^line 25\nvpp# $")  # more than the pager may hold
    screen.type("show many 18\n").wait(r"^-- more -- \(1-14/18\)$")
    screen.type("q").wait(r"^vpp# $")
    screen.type("set terminal history limit 2\n").wait(r"limit 2\nvpp# $")
    screen.type("history\n").wait(r"^1  set terminal history limit 2\n2  history\nvpp# $")
    shown = screen.type("show terminal\n").wait(r"^CRLF mode: .*\nvpp# $")
    for row in ("width: +100", "height: +15", "ANSI capable: +yes", "Pager limit: +20", "History limit: +2"):
        assert re.search(row, re.sub(r"Terminal (\w+:)", r"\1", shown)), row
    assert vppctl(running.path, "set terminal pager off").startswith("set terminal pager: this session has no terminal")


def test_many_sessions_at_once_up_to_a_limit(running: Running) -> None:
    screens = [Screen(running.path) for _ in range(8)]
    for screen in screens:
        screen.wait(r"^vpp# $")
    with dial(running.path) as ninth:
        assert ninth.recv(100) == b"too many CLI sessions: 8 are open, end one\n"
        assert ninth.recv(100) == b""
    for number, screen in enumerate(screens):
        screen.type(f"echo {number}\n").wait(rf"^{number}\nvpp# $")
    screens[0].type("\x04").wait_closed()
    until(lambda: len(running.cli.sessions) == 7)
    assert vppctl(running.path, "echo again") == "again\n"
    for screen in screens[1:]:
        screen.peer.close()


def test_noise_ends_at_most_its_own_session(running: Running) -> None:
    for _ in range(10):
        with dial(running.path) as peer:
            peer.sendall(os.urandom(3000))
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
    with dial(running.path) as peer:
        peer.sendall(b"x" * 300_000 + b"\necho after\n")
        peer.shutdown(socket.SHUT_WR)
        received = b""
        while data := peer.recv(65536):
            received += data
    assert b"line too long" in received and received.endswith(b"\nafter\n")
    assert vppctl(running.path, "show int loop0") == "loop0\n"


def test_the_socket_is_for_its_owner_and_group_and_replaces_a_dead_one(running: Running, tmp_path: Path) -> None:
    assert stat.S_IMODE(running.path.stat().st_mode) == 0o660
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    file = tmp_path / "file"
    file.write_text("precious")

    async def start(path: Path) -> None:
        server = CliServer(running.cli, running.engine, Settings(listen=str(path)))
        await server.start()
        await asyncio.to_thread(vppctl, path, "show int")
        await server.stop()

    asyncio.run(start(dead))
    with pytest.raises(OSError, match=r"cannot listen on .*: an engine already listens there"):
        asyncio.run(start(running.path))
    with pytest.raises(OSError, match="not a socket"):
        asyncio.run(start(file))
    with pytest.raises(OSError, match="too long"):
        asyncio.run(start(tmp_path / ("x" * 120)))
    assert file.read_text() == "precious" and vppctl(running.path, "echo still") == "still\n"


def test_stopping_ends_sessions_that_are_busy(running: Running) -> None:
    async def busy(path: Path) -> None:
        server = CliServer(running.cli, running.engine, Settings(listen=str(path)))
        await server.start()
        client = threading.Thread(target=vppctl, args=(path, "ping 100"))
        client.start()
        while "waiting" not in running.engine.done:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(server.stop(), 5)
        await asyncio.to_thread(client.join, 5)
        assert not client.is_alive()

    asyncio.run(busy(running.path.with_name("other.sock")))
    assert running.engine.done == ["waiting", "cancelled"]
