"""weftctl as a program: one command, commands from a pipe, and at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from weft import weftctl
from weft.core.cli.framed import TERMINAL
from weft.core.cli.telnet import GREETING, terminal_type

from .conftest import Running
from .peers import dial

SOURCE = str(Path(weftctl.__file__).parents[1])


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": SOURCE,
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PAGER": "cat",
        "LINES": "24",
        "COLUMNS": "100",
    }


def run(path: Path, *words: str, typed: str = "") -> tuple[int, str, str]:
    """Exit status, output and errors of a weftctl."""
    done = subprocess.run(
        [sys.executable, "-m", "weft.weftctl", "-s", str(path), *words],
        input=typed,
        text=True,
        capture_output=True,
        timeout=20,
        env=environment(path.parent),
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_one_command(running: Running) -> None:
    assert run(running.path, "show", "interface", "loop0") == (0, "loop0\n", "")
    assert run(running.path, "set int state loop0 up") == (0, "", "")
    assert running.engine.done == [(1, True)]


def test_a_refused_command_has_exit_status_1(running: Running) -> None:
    assert run(running.path, "frobnicate") == (1, "", "unknown input `frobnicate'\n")


def test_commands_from_a_pipe_stop_at_the_first_refused(running: Running) -> None:
    script = "# setup\necho one\npacket new {\n name a\n}\n\nset int state loop9 up\necho two\n"
    status, output, errors = run(running.path, typed=script)
    assert (status, output) == (1, "one\n")
    assert errors == "line 7: set interface state: unknown interface `loop9 up'\n"
    assert running.engine.done == [{"name": "a"}]
    assert run(running.path, typed="echo one\nquit\necho two\n") == (0, "one\n", "")


def test_says_how_to_start_the_engine(tmp_path: Path) -> None:
    status, output, errors = run(tmp_path / "none.sock", "show", "version")
    assert (status, output) == (2, "")
    assert errors.startswith(f"weftctl: the engine is not running: nothing listens on {tmp_path}/none.sock. Start it")
    assert errors.count("\n") == 1


def test_an_interrupt_ends_the_command(running: Running) -> None:
    client = subprocess.Popen(
        [sys.executable, "-m", "weft.weftctl", "-s", str(running.path), "ping", "100"],
        env=environment(running.path.parent),
    )
    deadline = time.monotonic() + 10
    while "waiting" not in running.engine.done and time.monotonic() < deadline:
        time.sleep(0.01)
    client.send_signal(signal.SIGINT)
    assert client.wait(30) == 130
    while "cancelled" not in running.engine.done and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.engine.done == ["waiting", "cancelled"]


def test_bad_requests_are_answered(running: Running) -> None:
    with dial(running.path) as peer:
        peer.sendall(terminal_type(TERMINAL))
        stream = peer.makefile("rb")
        assert stream.readline().removeprefix(GREETING).startswith(b'{"')
        for request in (b"nonsense\n", b"[]\n", b'{"run": 5}\n', b'{"delete": "all"}\n', b"[" * 5000 + b"\n"):
            peer.sendall(request)
            assert b'"error":"not a request' in stream.readline()
        peer.sendall(b'{"run": "echo still"}\n')
        assert stream.readline() == b'{"text":"still"}\n'
        peer.sendall(b"x" * 524_300)
        assert b"request too long" in stream.readline()


class Typist:
    """weftctl at a terminal, and who uses it."""

    def __init__(self, path: Path) -> None:
        self.shown = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execve(sys.executable, [sys.executable, "-m", "weft.weftctl", "-s", str(path)], environment(path.parent))

    def wait(self, pattern: str) -> str:
        """Read until the pattern is found in what was shown last. Raises AssertionError after a while."""
        deadline = time.monotonic() + 15
        while not re.search(pattern, self.shown):
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} does not come in {self.shown!r}"
            text = os.read(self.terminal, 65536).decode("utf-8", "replace")
            self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.", "", text)
        shown, self.shown = self.shown, ""
        return shown

    def type(self, keys: str) -> Typist:
        os.write(self.terminal, keys.encode())
        return self

    def end(self) -> int:
        status = os.waitpid(self.process, 0)[1]
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)


def test_at_a_terminal_it_completes_explains_pages_and_remembers(running: Running) -> None:
    typist = Typist(running.path)
    typist.wait("weft#")
    typist.type("echo $((1))\r").wait(r"\$\(\(1\)\)\r*\n")
    typist.type("set interf\tl2 bri").wait("bri")
    typist.type("\t loop0 2 ?").wait("Put an interface into a bridge domain")
    typist.type("bvi\r").wait("weft#")
    typist.type("show many 50\r").wait("line 50\r*\n")
    typist.type("frobnicate\r").wait("unknown input `frobnicate'")
    typist.type("quit\r")
    assert typist.end() == 0
    assert running.engine.done == [(1, 2, True, False, 0)]
    assert "+show many 50\n" in (running.path.parent / "state/weft/history").read_text()
