"""Messages made up from their declarations: mostly right in form, with values at their bounds and beyond."""

from __future__ import annotations

from random import Random
from typing import Any

from weft.core.api.layout import Layout
from weft.core.api.table import Entry, MessageTable
from weft.core.api.types import Array, Number, Structure, Text, Type

#: What would reach out of the process, or end it. Their own tests try them with bad values.
HOST = {
    "cli",
    "cli_inband",
    "tap_create_v2",
    "tap_create_v3",
    "af_packet_create",
    "af_packet_create_v2",
    "af_packet_create_v3",
    "pcap_trace_on",
    "pg_capture",
    "create_vhost_user_if",
    "create_vhost_user_if_v2",
    "modify_vhost_user_if",
    "modify_vhost_user_if_v2",
}
NUMBERS = (0, 1, 2, 3, 4, 5, 0xFF, 0xFFFF, 0xFFFFFFFF, 1 << 31, 1 << 63)
TEXTS = (b"", b"loop0", b"local0", b"pg0", b"x" * 200, b"\xff\xfe", b"a\0b")


def requests(table: MessageTable) -> list[Entry]:
    """The messages that a client may send."""
    return [entry for entry in table.entries if entry.service is not None and entry.message.name not in HOST]


def octets(type: Type, chance: Random) -> bytes:
    """Bytes of a type: small values that often mean something, bounds, anything."""
    match type:
        case Number():
            number = chance.choice(NUMBERS) if chance.random() < 0.8 else chance.getrandbits(64)
            return (number & ((1 << 8 * type.size) - 1)).to_bytes(type.size)
        case Text(length=0):
            text = _text(chance)
            return len(text).to_bytes(4) + text
        case Text():
            return _text(chance)[: type.length].ljust(type.length, b"\0")
        case Array(count=None):
            return b"".join(octets(type.element, chance) for _ in range(type.length))
        case Array():
            return b"".join(octets(type.element, chance) for _ in range(chance.randrange(4)))
        case Structure():
            return layout(type.layout, chance)
    inner: Any = getattr(type, "wire", None) or getattr(type, "type", None)
    return octets(inner, chance) if inner is not None else chance.randbytes(type.size)


def _text(chance: Random) -> bytes:
    return chance.choice(TEXTS) if chance.random() < 0.7 else chance.randbytes(chance.randrange(80))


def layout(fields: Layout, chance: Random) -> bytes:
    """Bytes of fields in a row. Counts are mostly those of the arrays that they count; else they say anything."""
    found: dict[str, bytes] = {}
    for name, type in fields.fields.items():
        if isinstance(type, Array) and type.count is not None:
            elements = [octets(type.element, chance) for _ in range(chance.randrange(4))]
            found[name] = b"".join(elements)
            if chance.randrange(8):
                found[type.count] = len(elements).to_bytes(len(found[type.count]))
        else:
            found[name] = octets(type, chance)
    return b"".join(found.values())


def message(entries: list[Entry], chance: Random) -> bytes:
    """A request's bytes, now and then cut off, too long or changed."""
    entry = chance.choice(entries)
    body = entry.number.to_bytes(2, "big") + layout(entry.message.layout, chance)
    at = chance.randrange(2, len(body) + 1)
    match chance.randrange(10):
        case 0:
            return body[:at]
        case 1:
            return body + chance.randbytes(chance.randrange(20))
        case 2:
            return body[:at] + chance.randbytes(1 + chance.randrange(4)) + body[at + 1 :]
    return body
