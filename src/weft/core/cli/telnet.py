"""The little of telnet (RFC 854, 1073, 1091) that VPP's CLI socket speaks.

The server greets with option offers and asks for the terminal's type and window size. The client answers with
subnegotiations that may come at any time, between any bytes.
"""

from __future__ import annotations

from enum import Enum, auto

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
ECHO, SGA, TTYPE, NAWS, LINEMODE = 1, 3, 24, 31, 34
IS, SEND = 0, 1

SUBNEGOTIATION_LIMIT = 256

# vppctl answers the SB ... SEND requests only, and sends its command once it has seen them.
GREETING = bytes(
    (
        IAC,
        WONT,
        LINEMODE,
        IAC,
        DONT,
        LINEMODE,
        IAC,
        WILL,
        SGA,
        IAC,
        DO,
        SGA,
        IAC,
        WILL,
        ECHO,
        IAC,
        DONT,
        ECHO,
        IAC,
        DO,
        TTYPE,
        IAC,
        SB,
        TTYPE,
        SEND,
        IAC,
        SE,
        IAC,
        DO,
        NAWS,
        IAC,
        SB,
        NAWS,
        SEND,
        IAC,
        SE,
    )
)


def terminal_type(name: str) -> bytes:
    """A client's answer to the question for its terminal's type."""
    return bytes((IAC, SB, TTYPE, IS)) + name.encode("ascii") + bytes((IAC, SE))


def window_size(columns: int, rows: int) -> bytes:
    """A client's answer to the question for its window's size."""
    size = columns.to_bytes(2, "big") + rows.to_bytes(2, "big")
    return bytes((IAC, SB, NAWS)) + size.replace(b"\xff", b"\xff\xff") + bytes((IAC, SE))


class State(Enum):
    DATA = auto()
    COMMAND = auto()
    OPTION = auto()
    SUBNEGOTIATION = auto()
    SUBNEGOTIATION_COMMAND = auto()


class Telnet:
    """Takes what telnet says out of a stream of bytes, and keeps what the peer said of its terminal."""

    def __init__(self) -> None:
        self.terminal: str | None = None
        self.columns, self.rows = 80, 24
        self._state = State.DATA
        self._subnegotiation = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The bytes that are not telnet's."""
        if self._state is State.DATA and IAC not in data:
            return data
        plain = bytearray()
        for byte in data:
            self._state = self._next(byte, plain)
        return bytes(plain)

    def _next(self, byte: int, plain: bytearray) -> State:
        match self._state:
            case State.DATA:
                if byte == IAC:
                    return State.COMMAND
                plain.append(byte)
            case State.COMMAND:
                if byte in (WILL, WONT, DO, DONT):
                    return State.OPTION
                if byte == SB:
                    self._subnegotiation.clear()
                    return State.SUBNEGOTIATION
                if byte == IAC:
                    plain.append(byte)
            case State.SUBNEGOTIATION:
                if byte == IAC:
                    return State.SUBNEGOTIATION_COMMAND
                self._collect(byte)
                return State.SUBNEGOTIATION
            case State.SUBNEGOTIATION_COMMAND:
                if byte == IAC:
                    self._collect(byte)
                    return State.SUBNEGOTIATION
                self._understand(bytes(self._subnegotiation))
        return State.DATA

    def _collect(self, byte: int) -> None:
        if len(self._subnegotiation) < SUBNEGOTIATION_LIMIT:
            self._subnegotiation.append(byte)

    def _understand(self, said: bytes) -> None:
        if said[:2] == bytes((TTYPE, IS)):
            self.terminal = said[2:].decode("ascii", "replace")
        elif said[:1] == bytes((NAWS,)) and len(said) == 5:
            columns, rows = int.from_bytes(said[1:3], "big"), int.from_bytes(said[3:5], "big")
            self.columns, self.rows = columns or 80, rows or 24
