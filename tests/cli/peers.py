"""The clients that the CLI's socket must serve, as they behave on the wire.

`vppctl` here does what VPP's own does: it waits to be greeted, answers SB requests for its terminal's type and window
size and no other option, sends its command, copies what comes to its output without NULs, sends "q" after the first
bytes of it, and ends when the server closes.
"""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

IAC, SB, SE, TTYPE, NAWS = 255, 250, 240, 24, 31
PATIENCE = 5.0


def dial(path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.settimeout(PATIENCE)
    peer.connect(str(path))
    return peer


def asked(data: bytes, terminal: bytes, window: tuple[int, int] | None) -> tuple[bytes, bytes]:
    """What a vppctl answers to received bytes, and what remains of them for its user."""
    answer, plain, index = b"", b"", 0
    while index < len(data):
        if data[index] != IAC:
            plain += data[index : index + 1]
            index += 1
        elif data[index + 1] != SB:
            index += 3
        else:
            option = data[index + 2]
            index = data.index(bytes((IAC,)), index + 3) + 2
            if option == TTYPE:
                answer += bytes((IAC, SB, TTYPE, 0)) + terminal + bytes((IAC, SE))
            elif option == NAWS and window:
                size = window[0].to_bytes(2, "big") + window[1].to_bytes(2, "big")
                answer += bytes((IAC, SB, NAWS)) + size + bytes((IAC, SE))
    return answer, plain


def vppctl(path: Path, command: str, *, ends_at_nul: bool = False) -> str:
    """One-shot vppctl; what it prints. `ends_at_nul`: one that takes the NUL for the end and sends no q."""
    output, sent, quitting = b"", False, False
    with dial(path) as peer:
        while data := peer.recv(100):
            answer, plain = asked(data, b"vppctl", None)
            if answer:
                peer.sendall(answer)
            output += plain
            if ends_at_nul and sent and b"\0" in plain:
                break
            if sent and not quitting and not ends_at_nul:
                peer.sendall(b"q\n")
                quitting = True
            if not sent:
                peer.sendall(command.encode() + b"\n")
                sent = True
    return output.replace(b"\0", b"").decode()


class Screen:
    """An interactive vppctl, and the terminal that it draws on: what its user sees."""

    def __init__(self, path: Path, terminal: bytes = b"xterm-256color", columns: int = 80, rows: int = 24) -> None:
        self.peer = dial(path)
        self.columns = columns
        self.lines = [""]
        self.column = 0
        self.closed = False
        answer, plain = asked(self.peer.recv(100), terminal, (columns, rows))
        self.peer.sendall(answer)
        self.show(plain.decode())

    def type(self, keys: str) -> Screen:
        self.peer.sendall(keys.encode())
        return self

    def wait(self, pattern: str) -> str:
        """Read until the pattern is found in what the screen shows. Raises AssertionError after a while."""
        until = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text, re.MULTILINE):
            try:
                self.peer.settimeout(max(0.01, until - time.monotonic()))
                data = self.peer.recv(65536)
            except TimeoutError:
                data = b""
            if not data:
                raise AssertionError(f"{pattern!r} does not come; the screen shows:\n{self.text}")
            self.show(data.decode())
        return self.text

    def wait_closed(self) -> str:
        self.peer.settimeout(PATIENCE)
        while data := self.peer.recv(65536):
            self.show(data.decode())
        return self.text

    @property
    def text(self) -> str:
        """Lines without what is blank at their ends, but for the last, which has blanks up to the cursor."""
        *above, last = self.lines
        return "\n".join([*(line.rstrip() for line in above), last.rstrip().ljust(self.column)])

    def show(self, text: str) -> None:
        for character in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text):
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.lines.append(" " * self.column)
            elif character == "\b":
                self.column = max(0, self.column - 1)
            elif character.isprintable():
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[: self.column] + character + line[self.column + 1 :]
                self.column += 1
