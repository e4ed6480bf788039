"""show log, clear log, show logging, set logging: what the engine has to say."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.core.trace import clock
from weft.features.vlib.format import joined

#: VPP's levels -> Python's.
LEVELS = {
    "emerg": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "crit": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "notice": logging.INFO,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "disabled": logging.CRITICAL + 1,
}
NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "crit",
    logging.CRITICAL + 1: "disabled",
}
ROOT = "weft"


@argument("log-level", "one of " + ", ".join(LEVELS), complete=lambda engine, prefix: LEVELS)
def log_level(engine: Engine, word: str) -> int:
    if word not in LEVELS:
        raise ValueError(f"expected one of {', '.join(LEVELS)}, got")
    return LEVELS[word]


class _Class:
    """A part of the engine that logs: what its logger is called behind ``weft.``."""

    def parse(self, engine: Engine, word: str) -> str:
        if word not in _classes():
            raise ValueError(f"expected one of {', '.join(_classes())}, got")
        return word

    def complete(self, engine: Engine, prefix: str) -> Iterable[str]:
        return _classes()


argument("log-class", "what logs")(_Class)


def _classes() -> list[str]:
    known = logging.Logger.manager.loggerDict
    return sorted(name.removeprefix(f"{ROOT}.") for name in known if name.startswith(f"{ROOT}."))


@command("show log", help="Show the latest messages")
def show_log(engine: Engine) -> str:
    lines = []
    for record in list(engine.messages):
        moment = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(record.created))
        source = record.name.removeprefix(ROOT).removeprefix(".") or "engine"
        level = NAMES.get(record.levelno, record.levelname.lower())
        first, *more = record.getMessage().splitlines() or [""]
        lines.append(f"{moment}:{int(record.msecs):03} {level:<10} {source:<14} {first}")
        lines += [f"{' ' * 49}{line}" for line in more]
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            lines.append(f"{' ' * 49}{type(error).__name__}: {error}")
    return joined(lines)


@command("show unix errors", "[<count:u32>]", help="Show what the operating system refused: the latest first")
def show_unix_errors(engine: Engine, count: int | None = None) -> str:
    records = [each for each in engine.messages if each.exc_info and isinstance(each.exc_info[1], OSError)]
    if not records:
        return "no Unix errors so far"
    now = engine.timers.seconds
    lines = [f"{len(records)} total errors seen"]
    for record in list(reversed(records))[:count]:
        assert record.exc_info is not None
        since = max(0.0, now - (time.time() - record.created))
        lines.append(f"{clock(since)}: {record.getMessage()}: {record.exc_info[1]}")
    return joined([*lines, f"{clock(now)}: time now"])


@command("clear log", help="Forget the messages")
def clear_log(engine: Engine) -> None:
    engine.messages.clear()


@command("show logging", help="Show what is logged, by class")
def show_logging(engine: Engine) -> str:
    lines = [f"size: {engine.messages.maxlen} messages, of which {len(engine.messages)} are in use"]
    lines.append(f"{'Name':<30} {'Level':<10}")
    for name in ("", *_classes()):
        logger = logging.getLogger(f"{ROOT}.{name}" if name else ROOT)
        lines.append(f"{name or 'default':<30} {NAMES.get(logger.getEffectiveLevel(), '?'):<10}")
    return joined(lines)


@command("set logging level", "<level:log-level>", help="Log what is at least this important")
def set_logging_level(engine: Engine, level: int) -> None:
    engine.log.setLevel(level)


@command("set logging class", "<class:log-class> level <level:log-level>", help="The same for one class")
def set_logging_class(engine: Engine, class_: str, level: int) -> None:
    logging.getLogger(f"{ROOT}.{class_}").setLevel(level)
