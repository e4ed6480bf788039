"""The CRC of a message, by which clients and VPP know that they mean the same fields.

It is the CRC-32 of the fields' description, continued by those of the types that they name, depth first; an alias
counts as an empty description.
"""

from __future__ import annotations

from zlib import crc32

from .layout import Layout
from .types import Alias, Array, Named, Type


def crc_of(layout: Layout) -> int:
    """The CRC of a message with these fields."""
    return _types(list(layout.fields.values()), crc32(str(layout.block()).encode()))


def _types(fields: list[Type], crc: int) -> int:
    for each in fields:
        type = each.element if isinstance(each, Array) else each
        if isinstance(type, Named):
            crc = crc32(str(type.block()).encode(), crc)
            if not isinstance(type, Alias):
                crc = _types(type.parts(), crc)
    return crc
