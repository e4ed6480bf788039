"""What AF_XDP ports count."""

from __future__ import annotations

from weft.core.node import Errors


class InputError(Errors, of="af-xdp-input"):
    NO_BUFFERS = "no buffers"
    BAD = "bad descriptor"


class TxError(Errors, of="af-xdp-tx"):
    NO_FREE_SLOTS = "no free tx slots"
    TOO_LONG = "packet of too many buffers"
    FATAL = "tx sendto fatal failure"
