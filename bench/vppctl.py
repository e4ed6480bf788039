"""A command in a forwarder, as VPP's own vppctl asks for it: by the command line's Unix socket, in telnet's words.

The client waits to be greeted, says that its terminal's type is ``vppctl`` (which makes the server leave out banner,
echo and pager), sends the command, ``q`` after the first of the answer, and reads until the server closes.
"""

from __future__ import annotations

import socket
from pathlib import Path

from weft.core.cli.telnet import IAC, SB, SEND, TTYPE, Telnet, terminal_type

PATIENCE = 120.0  #: seconds for an answer
ASKED = bytes((IAC, SB, TTYPE, SEND))


class NotAnswered(Exception):
    """There is nobody who answers."""


def run(path: Path, line: str, patience: float = PATIENCE) -> str:
    """What a command prints. Raises NotAnswered."""
    telnet, said = Telnet(), bytearray()
    steps = iter((line, "q"))
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(patience)
            peer.connect(str(path))
            while data := peer.recv(65536):
                if ASKED in data:
                    peer.sendall(terminal_type("vppctl"))
                if (step := next(steps, None)) is not None:
                    peer.sendall(step.encode() + b"\n")
                said += telnet.feed(data)
    except OSError as error:
        raise NotAnswered(f"`{line}': no answer at {path.name}: {error.strerror or error}") from error
    return said.replace(b"\0", b"").replace(b"\r\n", b"\n").decode("utf-8", "replace")
