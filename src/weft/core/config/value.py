"""How a word of the configuration becomes a value. Each reader raises ValueError("takes ..., for example ...")."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, TypeAlias

from weft.core.levels import LEVELS

UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
CORE_LIMIT = 4096


def text(word: str) -> str:
    return word


def path(word: str) -> Path:
    if not word:
        raise ValueError("takes a file's path")
    return Path(word)


def number(word: str) -> int:
    """A count: decimal or 0x hexadecimal, below 2^63."""
    if re.fullmatch(r"[0-9]{1,19}|0[xX][0-9a-fA-F]{1,15}", word):
        value = int(word, 16 if word[:2] in ("0x", "0X") else 10)
        if value < 1 << 63:
            return value
    raise ValueError("takes a number")


def size(word: str) -> int:
    """A number of bytes: 1G, 512M, 64k, 4096."""
    found = re.fullmatch(r"([0-9]{1,15})([kKmMgGtT]?)[bB]?", word)
    if not found or int(found[1]) * UNITS[found[2].lower()] >= 1 << 63:
        raise ValueError("takes a size, for example 512M or 1G")
    return int(found[1]) * UNITS[found[2].lower()]


def limit(word: str) -> int:
    """A size, or -1 for no limit."""
    if word == "unlimited":
        return -1
    try:
        return size(word)
    except ValueError:
        raise ValueError("takes a size or unlimited, for example 1G") from None


def real(word: str) -> float:
    """A number of seconds and the like."""
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", word):
        return float(word)
    raise ValueError("takes a number, for example 10 or 0.5")


def level(word: str) -> str:
    """A level of logging."""
    if word in LEVELS:
        return word
    raise ValueError(f"takes a level: {', '.join(LEVELS)}")


def cores(word: str) -> tuple[int, ...]:
    """A list of cores: 2,4-6 is (2, 4, 5, 6)."""
    listed: dict[int, None] = {}
    for part in word.split(","):
        found = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last < CORE_LIMIT:
            raise ValueError("takes a list of cores, for example 2-3 or 2,4-6")
        listed.update(dict.fromkeys(range(first, last + 1)))
    return tuple(listed)


def switch(word: str) -> bool:
    try:
        return {
            "on": True,
            "enable": True,
            "yes": True,
            "1": True,
            "off": False,
            "disable": False,
            "no": False,
            "0": False,
        }[word]
    except KeyError:
        raise ValueError("takes on or off") from None


Size: TypeAlias = Annotated[int, size]
Cores: TypeAlias = Annotated[tuple[int, ...], cores]
Switch: TypeAlias = Annotated[bool, switch]
