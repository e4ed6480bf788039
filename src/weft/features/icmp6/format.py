"""ICMPv6 messages as traces show them."""

from __future__ import annotations

from weft.features.icmp6.types import CODE_NAMES, ECHO_REPLY, ECHO_REQUEST, TYPE_NAMES


def format_icmp6(data: bytes) -> list[str]:
    """The line about an ICMPv6 message."""
    if len(data) < 4:
        return ["ICMP header truncated"]
    checksum = int.from_bytes(data[2:4], "big")
    name = TYPE_NAMES.get(data[0], f"unknown 0x{data[0]:x}")
    code = CODE_NAMES.get((data[0], data[1]))
    line = f"ICMP {name}{f' {code}' if code else ''} checksum 0x{checksum:x}"
    if data[0] in (ECHO_REQUEST, ECHO_REPLY) and len(data) >= 6:
        line += f" id {int.from_bytes(data[4:6], 'big')}"
    return [line]
