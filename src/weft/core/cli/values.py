"""The argument types that belong to no feature: numbers, words, switches, addresses, paths."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .argument import argument, number_between

for _bits in (8, 16, 32, 64):
    _number = number_between(f"0-{2**_bits - 1}")
    argument(f"u{_bits}", _number.describe)(_number.parse)

SWITCH = {"on": True, "enable": True, "1": True, "off": False, "disable": False, "0": False}


@argument("float", "a number")
def real(engine: Any, word: str) -> float:
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", word[:64]) and len(word) <= 64:
        number = float(word)
        if math.isfinite(number):
            return number
    raise ValueError("expected a number such as 10, 0.5 or 1e6, got")


@argument("word", "a word", free=True)
@argument("name", "a name", free=True)
@argument("string", 'a word, or "some words"', free=True)
def any_word(engine: Any, word: str) -> str:
    return word


@argument("rest", "text up to the end of the line", takes="rest", free=True)
@argument("block", "{ ... }", takes="block")
def raw_text(engine: Any, text: str) -> str:
    return text


@argument("on-off", "on or off", complete=lambda engine, prefix: ("on", "off"))
@argument("bool", "on or off", complete=lambda engine, prefix: ("on", "off"))
def switch(engine: Any, word: str) -> bool:
    try:
        return SWITCH[word]
    except KeyError:
        raise ValueError("expected on or off (or enable, disable, 1, 0), got") from None


MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}")


@argument("mac", "a MAC address")
def mac(engine: Any, word: str) -> int:
    """02:00:00:00:00:01 or 0200.0000.0001, as the number that its six bytes make in little-endian memory."""
    if not MAC.fullmatch(word):
        raise ValueError("expected a MAC address such as 02:00:00:00:00:01, got")
    digits = "".join(part.zfill(2) for part in word.split(":")) if ":" in word else word.replace(".", "")
    return int.from_bytes(bytes.fromhex(digits), "little")


def _address(read: Callable[[str], Any], example: str) -> Callable[[Any, str], Any]:
    def parse(engine: Any, word: str) -> Any:
        try:
            if "%" in word:  # a Linux scope, which means nothing here
                raise ValueError(word)
            return read(word)
        except ValueError:
            raise ValueError(f"expected {example}, got") from None

    return parse


def _with_length(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def prefix(word: str) -> Any:
        if not re.fullmatch(r"[^/]+/[0-9]{1,3}", word):  # the standard library also takes netmasks, and no length
            raise ValueError(word)
        return read(word)

    return prefix


# An interface prefix keeps the host's bits, as `set interface ip address` needs them; `.network` drops them.
for _name, _read, _example in (
    ("ip4", ipaddress.IPv4Address, "an IPv4 address such as 192.0.2.1"),
    ("ip6", ipaddress.IPv6Address, "an IPv6 address such as 2001:db8::1"),
    ("address", ipaddress.ip_address, "an address such as 192.0.2.1 or 2001:db8::1"),
    ("ip4-prefix", _with_length(ipaddress.IPv4Interface), "an IPv4 prefix such as 192.0.2.0/24"),
    ("ip6-prefix", _with_length(ipaddress.IPv6Interface), "an IPv6 prefix such as 2001:db8::/64"),
    ("prefix", _with_length(ipaddress.ip_interface), "a prefix such as 192.0.2.0/24 or 2001:db8::/64"),
):
    argument(_name, _example.split(" such")[0])(_address(_read, _example))


def _files(engine: Any, prefix: str) -> Iterable[str]:
    """What a path may become, at most 200 names."""
    folder, slash, start = prefix.rpartition("/")
    try:
        entries = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except (OSError, ValueError):
        return
    for entry in [entry for entry in entries if entry.name.startswith(start)][:200]:
        yield f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"


@argument("path", "a file's path", complete=_files, free=True)
def path(engine: Any, word: str) -> Path:
    if not word:
        raise ValueError("expected a file's path, got")
    return Path(word)
