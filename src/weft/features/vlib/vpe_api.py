"""Messages of the process: version, time, log."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text
from weft.core.api.vpe_types import Timestamp

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("vpe", "1.7.0", "The process")

SPOKEN = "26.06"  #: VPP's release whose API this is


@api.enum("log_level")
class LogLevel(enum.IntEnum):
    """How important a message is."""

    VPE_API_LOG_LEVEL_EMERG = 0
    VPE_API_LOG_LEVEL_ALERT = 1
    VPE_API_LOG_LEVEL_CRIT = 2
    VPE_API_LOG_LEVEL_ERR = 3
    VPE_API_LOG_LEVEL_WARNING = 4
    VPE_API_LOG_LEVEL_NOTICE = 5
    VPE_API_LOG_LEVEL_INFO = 6
    VPE_API_LOG_LEVEL_DEBUG = 7
    VPE_API_LOG_LEVEL_DISABLED = 8


LEVELS = {
    logging.CRITICAL: LogLevel.VPE_API_LOG_LEVEL_CRIT,
    logging.ERROR: LogLevel.VPE_API_LOG_LEVEL_ERR,
    logging.WARNING: LogLevel.VPE_API_LOG_LEVEL_WARNING,
    logging.INFO: LogLevel.VPE_API_LOG_LEVEL_INFO,
    logging.DEBUG: LogLevel.VPE_API_LOG_LEVEL_DEBUG,
}


@api.reply("show_version_reply", 0xC919BDE1)
class ShowVersionReply(Struct):
    """``version`` begins with the release of VPP whose API is spoken, and ends with our own."""

    program: Annotated[str, Text(32)] = ""
    version: Annotated[str, Text(32)] = ""
    build_date: Annotated[str, Text(32)] = ""
    build_directory: Annotated[str, Text(256)] = ""


@api.request("show_version", 0x51077D14, reply=ShowVersionReply)
def show_version(engine: Engine) -> ShowVersionReply:
    """Which program this is."""
    import weft

    folder = Path(weft.__file__).parent
    built = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(folder.stat().st_mtime))
    return ShowVersionReply("vpe", f"{SPOKEN}-weft-{weft.__version__}", built, str(folder))


@api.reply("show_vpe_system_time_reply", 0x7FFD8193)
class ShowVpeSystemTimeReply(Struct):
    """The time."""

    vpe_system_time: Timestamp = 0.0


@api.request("show_vpe_system_time", 0x51077D14, reply=ShowVpeSystemTimeReply)
def show_vpe_system_time(engine: Engine) -> ShowVpeSystemTimeReply:
    """The time of the machine's clock."""
    return ShowVpeSystemTimeReply(time.time())


@api.details("log_details", 0x03D61CC0)
class LogDetails(Struct):
    """A message of the log, cut to what fits."""

    timestamp: Timestamp
    level: LogLevel
    msg_class: Annotated[str, Text(32)]
    message: Annotated[str, Text(256)]


@api.dump("log_dump", 0x6AB31753, details=LogDetails)
def log_dump(engine: Engine, start_timestamp: Timestamp) -> Iterator[LogDetails]:
    """The messages since a moment."""
    for record in list(engine.messages):
        if record.created >= start_timestamp:
            level = LEVELS.get(record.levelno, LogLevel.VPE_API_LOG_LEVEL_NOTICE)
            source = record.name.removeprefix("weft").removeprefix(".") or "engine"
            yield LogDetails(record.created, level, source, record.getMessage())
