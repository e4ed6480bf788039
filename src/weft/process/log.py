"""Where the log goes: a file, standard error, syslog; and what is left of a crash."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from logging.handlers import SysLogHandler
from pathlib import Path

from weft.core.cli.cli import COMMAND_LOG
from weft.core.config import Logging, Unix
from weft.core.levels import LEVELS, SYSLOG, to_syslog

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SYSLOG_SOCKET = "/dev/log"

log = logging.getLogger("weft")


def begin(unix: Unix, logging_: Logging) -> None:
    """Set the levels and add the places. Raises OSError that names the log file."""
    log.setLevel(LEVELS[logging_.default_log_level])
    SYSLOG[""] = LEVELS[logging_.default_syslog_log_level]
    for name, each in logging_.class_.items():
        if each.level:
            logging.getLogger(f"weft.{name}").setLevel(LEVELS[each.level])
        if each.syslog_level:
            SYSLOG[name] = LEVELS[each.syslog_level]
    place = _file(unix.log) if unix.log else logging.StreamHandler(sys.stderr)
    place.setFormatter(logging.Formatter(FORMAT))
    log.addHandler(place)
    if unix.log:
        # VPP's log has all commands, too: what was done, beside what came of it.
        COMMAND_LOG.addHandler(place)
        COMMAND_LOG.setLevel(logging.INFO)
    if not unix.nosyslog and os.path.exists(SYSLOG_SOCKET) and "JOURNAL_STREAM" not in os.environ:
        _add_syslog()
    # A crash in machine code leaves each thread's Python frames where the log is.
    faulthandler.enable(open(unix.log, "a") if unix.log else sys.stderr)  # noqa: SIM115


def _file(path: Path) -> logging.FileHandler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OSError(f"cannot write the log {path}: {error.strerror}") from error


def _add_syslog() -> None:
    try:
        syslog = SysLogHandler(SYSLOG_SOCKET, facility=SysLogHandler.LOG_DAEMON)
    except OSError:
        return  # nobody takes it
    syslog.ident = f"weft-engine[{os.getpid()}]: "
    syslog.addFilter(to_syslog)
    log.addHandler(syslog)


def failed(reason: str) -> None:
    """The end of a process that cannot go on: said on standard error, and in the log if that is elsewhere."""
    for handler in log.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(logging.makeLogRecord({"name": "weft", "levelname": "ERROR", "msg": reason}))
    sys.exit(f"weft-engine: {reason}")
