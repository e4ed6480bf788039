"""Being a virtual machine's terminal."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import tty

LEAVE = b"\x1d"  #: Ctrl-]


def converse(line: socket.socket, name: str) -> None:
    """Join our terminal to a guest's line until Ctrl-] is typed. Its shell prompts and echoes meanwhile, which it does
    not for programs."""
    here, there = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(here) if os.isatty(here) else None
    line.sendall(f"stty echo; PS1='{name}# '\n".encode())
    try:
        if before is not None:
            tty.setraw(here)
        while True:
            ready, _, _ = select.select([line, here], [], [])
            if line in ready:
                said = line.recv(4096)
                if not said:
                    return
                os.write(there, said)
            if here in ready:
                typed = os.read(here, 4096)
                if not typed or LEAVE in typed:
                    line.sendall(b"stty -echo; PS1=\n")
                    return
                line.sendall(typed)
    finally:
        if before is not None:
            termios.tcsetattr(here, termios.TCSADRAIN, before)
            print()
