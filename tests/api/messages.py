"""Messages made up by hypothesis from their declarations: right in form, with values at their bounds and beyond."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from weft.core.api.module import Service
from weft.core.api.table import Entry, MessageTable
from weft.core.api.types import Array, Layout, Number, Structure, Text, Type

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


def requests(table: MessageTable) -> list[Entry]:
    """The messages that a client may send."""
    return [entry for entry in table.entries if entry.service is not None and entry.message.name not in HOST]


def octets(type: Type) -> st.SearchStrategy[bytes]:
    """Bytes of a type: small values that often mean something, bounds, anything."""
    match type:
        case Number():
            size = type.size
            numbers = st.sampled_from([0, 1, 2, 3, 4, 5, 0xFF, 0xFFFF, 0xFFFFFFFF, 1 << 31, 1 << 63])
            return st.one_of(numbers, st.integers(0, 1 << 64)).map(lambda n: (n & ((1 << 8 * size) - 1)).to_bytes(size))
        case Text(length=0):
            return st.binary(max_size=80).map(lambda text: len(text).to_bytes(4) + text)
        case Text():
            texts = st.sampled_from([b"loop0", b"local0", b"", b"x" * type.length, b"\xff\xfe", b"a\0b"])
            return st.one_of(texts, st.binary(max_size=type.length)).map(
                lambda t: t[: type.length].ljust(type.length, b"\0")
            )
        case Array(count=None):
            return st.lists(octets(type.element), min_size=type.length, max_size=type.length).map(b"".join)
        case Array():
            return st.lists(octets(type.element), max_size=3).map(b"".join)
        case Structure():
            return layout(type.layout)
    whole = Number("octets", f"{type.size}s")
    inner: Any = getattr(type, "wire", None) or getattr(type, "type", None)
    return octets(inner) if inner is not None else st.binary(min_size=whole.size, max_size=whole.size)


@st.composite
def layout(draw: st.DrawFn, fields: Layout) -> bytes:
    """Bytes of fields in a row. Counts are mostly those of the arrays that they count; else they say anything."""
    found: dict[str, bytes] = {}
    for name, type in fields.fields.items():
        if isinstance(type, Array) and type.count is not None:
            elements = draw(st.lists(octets(type.element), max_size=3))
            found[name] = b"".join(elements)
            if draw(st.integers(0, 7)):
                found[type.count] = len(elements).to_bytes(len(found[type.count]))
        else:
            found[name] = draw(octets(type))
    return b"".join(found.values())


@st.composite
def message(draw: st.DrawFn, entries: list[Entry]) -> bytes:
    """A request's bytes, now and then cut off, too long or changed."""
    entry = draw(st.sampled_from(entries))
    service = entry.service
    assert isinstance(service, Service)
    body = entry.number.to_bytes(2, "big") + draw(layout(service.request.layout))
    match draw(st.integers(0, 9)):
        case 0:
            return body[: draw(st.integers(2, len(body)))]
        case 1:
            return body + draw(st.binary(max_size=20))
        case 2:
            at = draw(st.integers(2, max(2, len(body) - 1)))
            return body[:at] + draw(st.binary(min_size=1, max_size=4)) + body[at + 1 :]
    return body
