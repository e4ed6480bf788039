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
