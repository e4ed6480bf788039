"""`unix { interactive }`: the command line on the terminal that the process was started in.

It is a client of the command line like vppctl, in a thread, on a socket pair: it puts the terminal into raw mode, says
what kind and how large it is, and copies both ways. Its end is the end of the process, as in VPP.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import termios
import threading
from collections.abc import Callable

from weft.core.cli.telnet import Telnet, terminal_type, window_size

CHUNK = 65536


class Console:
    """Copies between standard input and output and a socket that a session of the command line is on."""

    def __init__(self, ended: Callable[[], None]) -> None:
        """`ended` is called, by the console's thread, when the session is over and all of it was printed."""
        self._ended = ended
        self._socket, self.session_end = socket.socketpair()
        self.session: object = None  #: what serves the other end, so that it is kept
        self._terminal = os.isatty(0)
        self._settings = termios.tcgetattr(0) if self._terminal else None
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def start(self) -> None:
        """Call in the main thread."""
        if self._settings is None:
            self._socket.sendall(terminal_type("vppctl"))
        else:
            raw = termios.tcgetattr(0)
            raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            termios.tcsetattr(0, termios.TCSAFLUSH, raw)
            signal.signal(signal.SIGWINCH, lambda number, frame: self._send_size())
            self._send_size()
            self._socket.sendall(terminal_type(os.environ.get("TERM", "dumb")))
        self._thread.start()

    def stop(self) -> None:
        """Give the terminal back as it was."""
        self._socket.close()
        if self._settings is not None:
            signal.signal(signal.SIGWINCH, signal.SIG_DFL)
            termios.tcsetattr(0, termios.TCSAFLUSH, self._settings)

    def _send_size(self) -> None:
        try:
            size = os.get_terminal_size(0)
            self._socket.sendall(window_size(size.columns, size.lines))
        except OSError:
            pass  # the session has ended, or the terminal does not know

    def _run(self) -> None:
        try:
            self._copy()
        except (OSError, ValueError):
            pass  # the terminal has gone, or the process stops
        self._ended()

    def _copy(self) -> None:
        telnet = Telnet()
        sources = select.poll()
        sources.register(0, select.POLLIN)
        sources.register(self._socket, select.POLLIN)
        while True:
            for descriptor, _ in sources.poll():
                if descriptor == 0:
                    typed = os.read(0, CHUNK)
                    if typed:
                        self._socket.sendall(typed)
                    else:
                        sources.unregister(0)
                        self._socket.shutdown(socket.SHUT_WR)
                    continue
                data = self._socket.recv(CHUNK)
                if not data:
                    return
                sys.stdout.buffer.write(telnet.feed(data).replace(b"\0", b""))
                sys.stdout.buffer.flush()
