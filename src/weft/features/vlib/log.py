"""show logging, clear logging, set logging: what the engine has to say."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from weft.core.cli import argument, command
from weft.core.engine import Engine
from weft.core.levels import LEVELS, NAMES, SYSLOG
from weft.core.trace import clock
from weft.features.vlib.format import joined

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


@command("show logging", help="Show the latest messages")
def show_logging(engine: Engine) -> str:
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


@command("clear logging", help="Forget the messages")
def clear_logging(engine: Engine) -> None:
    engine.messages.clear()


@command("show logging configuration", help="Show what is logged, by class")
def show_logging_configuration(engine: Engine) -> str:
    lines = [
        f"{'Buffer Size:':<20} {engine.messages.maxlen} entries",
        "Defaults:",
        f"{'  Log Level:':<20} {_name(engine.log.getEffectiveLevel())}",
        f"{'  Syslog Log Level:':<20} {_name(SYSLOG[''])}",
        "",
        f"{'Class':<22} {'Level':<14} {'Syslog Level':<14}",
    ]
    for name in _classes():
        level = logging.getLogger(f"{ROOT}.{name}").getEffectiveLevel()
        lines.append(f"{name:<22} {_name(level):<14} {_name(SYSLOG.get(name, SYSLOG[''])):<14}")
    return joined(lines)


def _name(level: int) -> str:
    return NAMES.get(level, "?")


@command("set logging size", "<messages:1-1000000>", help="Keep so many messages")
def set_logging_size(engine: Engine, messages: int) -> None:
    engine.keep_messages(messages)


@command("set logging level", "<level:log-level>", help="Log what is at least this important")
def set_logging_level(engine: Engine, level: int) -> None:
    engine.log.setLevel(level)


@command(
    "set logging class",
    "<class:log-class> [level <level:log-level>] [syslog-level <syslog-level:log-level>]",
    help="The same for one class; and what of it goes to syslog",
)
def set_logging_class(engine: Engine, class_: str, level: int | None = None, syslog_level: int | None = None) -> None:
    if level is not None:
        logging.getLogger(f"{ROOT}.{class_}").setLevel(level)
    if syslog_level is not None:
        SYSLOG[class_] = syslog_level
