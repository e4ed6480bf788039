"""Tag rewrites as users configure them, and as packet code does them."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from weft.core.model import Invalid
from weft.features.ethernet.header import DOT1AD, DOT1Q, TAG
from weft.features.interface.model import Interface
from weft.features.l2.layout import Port, Rewrite

MAX_VLAN = 4094


class Operation(Enum):
    """What happens to packets that come in: so many tags are taken off, and so many put on."""

    PUSH_1 = ("push-1", 0, 1)
    PUSH_2 = ("push-2", 0, 2)
    POP_1 = ("pop-1", 1, 0)
    POP_2 = ("pop-2", 2, 0)
    TRANSLATE_1_1 = ("trans-1-1", 1, 1)
    TRANSLATE_1_2 = ("trans-1-2", 1, 2)
    TRANSLATE_2_1 = ("trans-2-1", 2, 1)
    TRANSLATE_2_2 = ("trans-2-2", 2, 2)

    def __init__(self, shown: str, pop: int, push: int) -> None:
        self.shown, self.pop, self.push = shown, pop, push


class TagRewrite(Struct, frozen=True):
    """A rewrite of packets that come in; when packets leave, the opposite is done."""

    operation: Operation
    vlans: tuple[int, ...] = ()  #: to be put on, the outer one first
    dot1ad: bool = False  #: the outer one is 802.1ad

    def __str__(self) -> str:
        if not self.vlans:
            return self.operation.shown
        kind = "dot1ad" if self.dot1ad else "dot1q"
        return f"{self.operation.shown} {kind} {' '.join(map(str, self.vlans))}"

    def check(self, interface: Interface) -> None:
        """Raises Invalid unless the tags that are taken off are certain, so that they can be put on again."""
        if len(self.vlans) != self.operation.push:
            raise Invalid(f"{self.operation.shown} puts {self.operation.push} tags on, not {len(self.vlans)}")
        if not all(0 <= vlan <= MAX_VLAN for vlan in self.vlans):
            raise Invalid(f"a tag's VLAN is 0 to {MAX_VLAN}")
        if self.operation.pop > len(own_tags(interface)):
            raise Invalid("vlan tag rewrite is not compatible with interface")


def own_tags(interface: Interface) -> list[int]:
    """The tags that all frames of an interface have, ethertype and VLAN each, as far as they are certain."""
    sub = interface.sub
    if sub is None or sub.default or sub.untagged:
        return []
    tags = []
    for ethertype, vlan in ((DOT1AD if sub.dot1ad else DOT1Q, sub.outer), (DOT1Q, sub.inner))[: sub.tags]:
        if vlan is None:
            break
        tags.append(ethertype << 16 | vlan)
    return tags


def write_rewrite(port: Port, rewrite: TagRewrite | None, interface: Interface) -> None:
    """Put a rewrite, or none, into an interface's row, for both directions. No packet may be under way there."""
    if rewrite is None:
        _write(port.input_rewrite, 0, [])
        _write(port.output_rewrite, 0, [])
        return
    types = (DOT1AD if rewrite.dot1ad else DOT1Q, DOT1Q)
    pushed = [ethertype << 16 | vlan for ethertype, vlan in zip(types, rewrite.vlans, strict=False)]
    _write(port.input_rewrite, rewrite.operation.pop, pushed)
    _write(port.output_rewrite, len(pushed), own_tags(interface)[: rewrite.operation.pop])


def _write(row: Rewrite, pop: int, pushed: list[int]) -> None:
    row.pop, row.push = pop * TAG, len(pushed) * TAG
    stretch = b"".join(tag.to_bytes(TAG, "big") for tag in pushed).rjust(2 * TAG, b"\0")
    row.tags = int.from_bytes(stretch, "little", signed=True)
