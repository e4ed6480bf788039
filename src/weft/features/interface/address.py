"""MAC addresses: text, and the number that packet code compares (the frame's bytes, the first one lowest)."""

from __future__ import annotations

BROADCAST = 0xFFFFFFFFFFFF


def show_mac(value: int) -> str:
    """``02:fe:00:00:00:01``."""
    return value.to_bytes(6, "little").hex(":")


def parse_mac(text: str) -> int:
    """The number of a MAC address written with colons, dashes or dots. Raises ValueError."""
    digits = text.replace("-", ":").replace(".", ":").split(":")
    if len(digits) == 3 and all(len(part) == 4 for part in digits):
        digits = [digit for part in digits for digit in (part[:2], part[2:])]
    if len(digits) != 6 or not all(1 <= len(part) <= 2 for part in digits):
        raise ValueError(f"`{text}' is no MAC address, such as 02:fe:00:00:00:01")
    try:
        return int.from_bytes(bytes(int(part, 16) for part in digits), "little")
    except ValueError:
        raise ValueError(f"`{text}' is no MAC address, such as 02:fe:00:00:00:01") from None
