"""The API's types of multicast paths."""

from __future__ import annotations

import enum

from msgspec import Struct

from weft.core.api import Module
from weft.features.fib.api_types import FibPath

types = Module("mfib_types", "1.0.0")


@types.enum("mfib_entry_flags")
class MfibEntryFlags(enum.IntFlag):
    """What is particular about a multicast route."""

    MFIB_API_ENTRY_FLAG_NONE = 0
    MFIB_API_ENTRY_FLAG_SIGNAL = 1
    MFIB_API_ENTRY_FLAG_DROP = 2
    MFIB_API_ENTRY_FLAG_CONNECTED = 4
    MFIB_API_ENTRY_FLAG_ACCEPT_ALL_ITF = 8


@types.enum("mfib_itf_flags")
class MfibItfFlags(enum.IntFlag):
    """What an interface is to a multicast route."""

    MFIB_API_ITF_FLAG_NONE = 0
    MFIB_API_ITF_FLAG_NEGATE_SIGNAL = 1
    MFIB_API_ITF_FLAG_ACCEPT = 2
    MFIB_API_ITF_FLAG_FORWARD = 4
    MFIB_API_ITF_FLAG_SIGNAL_PRESENT = 8
    MFIB_API_ITF_FLAG_DONT_PRESERVE = 16


@types.structure("mfib_path")
class MfibPath(Struct):
    """A path of a multicast route."""

    itf_flags: MfibItfFlags
    path: FibPath
