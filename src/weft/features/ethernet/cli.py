"""Commands of sub-interfaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weft.core.cli import argument, command
from weft.core.model import Invalid
from weft.features.ethernet.model import create_sub_interface, delete_sub_interface
from weft.features.interface.model import Interface, SubInterface

if TYPE_CHECKING:
    from weft.core.engine import Engine

MOST = 4096  #: sub-interfaces that one command makes


@argument("sub-ids", "a number such as 2, or several such as 10-20")
def sub_ids(engine: Engine, word: str) -> range:
    """The numbers of one sub-interface or of several."""
    match = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", word)
    if match is None:
        raise ValueError("expected a number such as 2, or several such as 10-20, got")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if first > last or last > 0xFFFFFFFF:
        raise ValueError("expected ascending numbers up to 4294967295, got")
    if last - first >= MOST:
        raise ValueError(f"at most {MOST} sub-interfaces at a time, not")
    return range(first, last + 1)


@argument("vlan", "a VLAN from 1 to 4094, or any", complete=lambda engine, prefix: ("any",))
def vlan(engine: Engine, word: str) -> int | None:
    """A VLAN; None: any."""
    if word == "any":
        return None
    if re.fullmatch(r"[0-9]{1,4}", word) and 0 < int(word) < 4095:
        return int(word)
    raise ValueError("expected a VLAN from 1 to 4094, or any, got")


@command(
    "create sub-interfaces",
    "<interface> <ids:sub-ids> [default | untagged | dot1q <dot1q:vlan> | dot1ad <dot1ad:vlan>]"
    " [inner-dot1q <inner:vlan>] [exact-match]",
    help="Create sub-interfaces: their frames have the tags given, or just one, whose VLAN is the number",
)
def create_sub_interfaces(
    engine: Engine, interface: Interface, ids: range, exact_match: bool = False, **kinds: object
) -> str:
    plain = not kinds
    if "inner" in kinds and not ("dot1q" in kinds or "dot1ad" in kinds):
        raise Invalid("inner-dot1q needs an outer tag: dot1q or dot1ad")
    if not plain and len(ids) > 1:
        raise Invalid("several sub-interfaces can only be made with one tag each, whose VLAN is their number")
    lines, made = [], []
    try:
        for number in ids:
            sub = SubInterface(number, outer=number) if plain else _tagged(number, exact_match, kinds)
            existing = interface.subs.get(number)
            if existing is not None and existing.sub == sub:
                lines.append(f"{existing.name} already exists")
                continue
            made.append(create_sub_interface(engine, interface, sub))
            lines.append(made[-1].name)
    except Invalid:
        for each in reversed(made):
            delete_sub_interface(engine, each)
        raise
    return "\n".join(lines)


def _tagged(number: int, exact: bool, kinds: dict[str, object]) -> SubInterface:
    """What ``kinds`` says of a sub-interface's frames."""
    if "default" in kinds or "untagged" in kinds:
        if exact:
            raise Invalid("exact-match needs tags: dot1q or dot1ad")
        return SubInterface(number, tags=0, exact=False, default="default" in kinds, untagged="untagged" in kinds)
    outer = kinds.get("dot1q", kinds.get("dot1ad"))
    inner = kinds.get("inner")
    assert outer is None or isinstance(outer, int)
    assert inner is None or isinstance(inner, int)
    return SubInterface(
        number,
        outer=outer,
        inner=inner,
        tags=2 if "inner" in kinds else 1,
        dot1ad="dot1ad" in kinds,
        exact=exact,
        outer_any=outer is None,
        inner_any="inner" in kinds and inner is None,
    )


@command("delete sub-interface", "<interface>", help="Delete a sub-interface")
def delete_sub_interface_(engine: Engine, interface: Interface) -> None:
    delete_sub_interface(engine, interface)
