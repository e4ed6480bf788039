"""How VPP prints numbers and buffers."""

from __future__ import annotations

from collections.abc import Iterable

from weft.core.buffer import (
    L2_HDR_VALID,
    L3_HDR_VALID,
    L4_HDR_VALID,
    LOCAL,
    NEXT_PRESENT,
    OFFLOAD,
    SPAN_CLONE,
    STRIDE,
    TRACED,
    VLAN_1_DEEP,
    VLAN_2_DEEP,
    Buffer,
)
from weft.core.trace import Entry


def exponent(value: float, digits: int) -> str:
    """``5.66e3``: a number in scientific notation with as few digits of the exponent as it has."""
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def fixed(value: float, digits: int) -> str:
    """``1.67``, and ``.01`` without the zero in front, as VPP's own printf has it."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") and text.strip("0.") else text


def centred(text: object, width: int) -> str:
    """VPP's ``%=10s``: centred, the odd space in front; cut to the width."""
    shown = str(text)[:width]
    room = width - len(shown)
    return " " * (room - room // 2) + shown + " " * (room // 2)


def joined(lines: Iterable[str]) -> str:
    """Lines as a command prints them, without blanks at their ends."""
    return "".join(f"{line.rstrip()}\n" for line in lines)


# VPP's bits of ``vlib_buffer_t.flags``; users' flags count from the top.
_IS_TRACED, _NEXT_PRESENT, _TOTAL_LENGTH_VALID = 1 << 0, 1 << 1, 1 << 2


def _user(number: int) -> int:
    return 1 << (32 - number)


#: Our flag, VPP's flag, and the word that stands for it in a trace ("" for those that do not show).
FLAGS = (
    (TRACED, _IS_TRACED, ""),
    (NEXT_PRESENT, _NEXT_PRESENT | _TOTAL_LENGTH_VALID, ""),
    (VLAN_2_DEEP, _user(3), "vlan-2-deep"),
    (VLAN_1_DEEP, _user(4), "vlan-1-deep"),
    (SPAN_CLONE, _user(5), "span-clone"),
    (LOCAL, _user(7), "local"),
    (OFFLOAD, _user(10), "offload"),
    (L2_HDR_VALID, _user(12), ""),
    (L3_HDR_VALID, _user(13), ""),
    (L4_HDR_VALID, _user(14), ""),
)

OFFSETS = ((L2_HDR_VALID, "l2"), (L3_HDR_VALID, "l3"), (L4_HDR_VALID, "l4"))


def vpp_flags(pkt: Buffer) -> int:
    """A buffer's flags as VPP numbers them."""
    return sum(theirs for ours, theirs, _ in FLAGS if pkt.flags & ours)


def buffer_summary(pkt: Buffer) -> str:
    """``current data 0, length 46, buffer-pool 0, ref-count 1, trace handle 0x0``."""
    parts = [
        f"current data {pkt.current_data}",
        f"length {pkt.current_length}",
        "buffer-pool 0",
        "ref-count 1",
    ]
    if pkt.flags & NEXT_PRESENT:
        parts.append(f"totlen-nifb {pkt.rest_length}")
    if pkt.flags & TRACED:
        parts.append(f"trace handle 0x{pkt.trace_id:x}")
    return ", ".join(parts)


def format_buffer(entry: Entry) -> list[str]:
    """A packet's buffer as a ``-tx`` node's trace shows it: two lines, indented as VPP does."""
    pkt = entry.buffer
    words = [word for ours, _, word in FLAGS if word and pkt.flags & ours]
    words += [
        f"{layer}-hdr-offset {getattr(pkt, f'{layer}_hdr_offset')}" for valid, layer in OFFSETS if pkt.flags & valid
    ]
    if pkt.flags & OFFLOAD and pkt.gso_type:
        words.append(f"gso gso-size {pkt.gso_size}")
    lines = [f"  buffer 0x{entry.record.buffer:x}: {buffer_summary(pkt)}"]
    if pkt.flags & NEXT_PRESENT:
        lines.append(f"{' ' * 18}next-buffer 0x{pkt.next_buffer:x}")
    if words:
        lines.append(" " * 18 + " ".join(words))
    return lines


__all__ = [
    "FLAGS",
    "STRIDE",
    "buffer_summary",
    "centred",
    "exponent",
    "fixed",
    "format_buffer",
    "joined",
    "vpp_flags",
]
