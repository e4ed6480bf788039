"""Levels of logging as VPP names them."""

from __future__ import annotations

import logging

#: VPP's name -> Python's number.
LEVELS = {
    "emerg": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "crit": logging.CRITICAL,
    "error": logging.ERROR,
    "err": logging.ERROR,
    "warn": logging.WARNING,
    "notice": logging.INFO,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "disabled": logging.CRITICAL + 1,
}
#: Python's number -> the name that is shown.
NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "crit",
    logging.CRITICAL + 1: "disabled",
}

#: What goes to syslog at the least, of all classes ("") and of single ones.
SYSLOG: dict[str, int] = {"": logging.WARNING}


def to_syslog(record: logging.LogRecord) -> bool:
    """Whether a record is important enough for syslog."""
    return record.levelno >= SYSLOG.get(record.name.partition(".")[2], SYSLOG[""])
