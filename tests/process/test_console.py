"""`unix { interactive }`: the command line on the process's own terminal, or on what it is fed."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path

from .conftest import Start
from .engine import READY_WITHIN, stanzas


class Terminal:
    """A terminal that an engine runs on."""

    def __init__(self) -> None:
        self.user, self.inside = pty.openpty()
        self.text = ""

    def type(self, keys: str) -> Terminal:
        os.write(self.user, keys.encode())
        return self

    def wait(self, pattern: str, seconds: float = READY_WITHIN) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text, re.MULTILINE):
            ready, _, _ = select.select([self.user], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} does not come; the screen shows:\n{self.text}"
            self.text += os.read(self.user, 65536).decode()
        return self.text


def test_the_terminal_has_a_prompt_and_its_end_is_the_processs(start: Start, tmp_path: Path) -> None:
    terminal = Terminal()
    before = termios.tcgetattr(terminal.inside)
    unix = "interactive nobanner cli-prompt router#"
    pipes = {"stdin": terminal.inside, "stdout": terminal.inside, "stderr": terminal.inside}
    engine = start(*stanzas(tmp_path, unix=unix), **pipes)
    assert "Weft" not in terminal.wait(r"router# $")
    terminal.type("show version\r").wait(r"^weft v")
    assert termios.tcgetattr(terminal.inside) != before
    assert "local0" in engine.show("show interface")  # the socket is there beside it
    terminal.type("quit\r")
    assert engine.process.wait(30) == 0
    assert termios.tcgetattr(terminal.inside) == before and engine.names() == set()


def test_commands_from_a_pipe(start: Start, tmp_path: Path) -> None:
    engine = start(*stanzas(tmp_path, unix="interactive"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said, _ = engine.process.communicate(
        b"create loopback interface\nfrob\nshow interface loop0\n", timeout=READY_WITHIN
    )
    assert engine.process.returncode == 0
    assert said.splitlines()[:2] == [b"loop0", b"unknown input `frob'"] and b"loop0" in said.splitlines()[-1]
