"""The order in which a bridged packet passes the layer-2 features, and how a feature of one's own gets into it.

A packet carries a bitmap of the features that it is to pass, the highest bit first; from each node it goes to that of
the next lower bit. Which bits a packet gets is decided once, in ``l2-input``, by its
interface, its bridge domain and its kind; and once more in ``l2-output``, by the interface that it leaves by.

    COUNT = input_feature("my-count", after="l2-input-vtr", before="l2-learn")

    @node("my-count")
    def my_count(rt, pkt):
        ...
        return next_input_feature(pkt, COUNT)

    engine[Layer2].enable(interface, COUNT)
"""

from __future__ import annotations

from msgspec import Struct

from weft.core import arena
from weft.core.buffer import Buffer
from weft.core.graph import Graph
from weft.core.memory import highest_bit
from weft.core.node import inline
from weft.core.runtime import DIRECT
from weft.core.view import Rows, u32
from weft.features.l2.layout import L2Meta

BITS = 32
WORD = 64  #: packet code's numbers have so many; nodes stand in the order in which zeros in front are counted


class Stage(Struct, frozen=True):
    """A feature's place: its bit, and the node that does it."""

    bit: int
    node: str

    @property
    def mask(self) -> int:
        return 1 << self.bit


class Pipeline:
    """Stages in the order in which packets pass them. ``places`` are kept for features of others, by their nodes."""

    def __init__(
        self, name: str, nodes: Rows[u32], stages: list[tuple[int, str]], places: list[tuple[int, str]] | None = None
    ) -> None:
        self.name, self.nodes = name, nodes
        self.stages = [Stage(bit, node) for bit, node in stages]
        self.places = [Stage(bit, node) for bit, node in places or []]

    def insert(self, node: str, after: str, before: str) -> int:
        """Give a node the place that is kept for it, or one between two others; its bit's mask. Raises ValueError if
        there is no room.
        """
        if node in [stage.node for stage in self.stages]:
            raise ValueError(f"{node} is a layer-2 {self.name} feature already")
        stage = next((place for place in self.places if place.node == node), None) or self._between(node, after, before)
        self.stages = sorted([*self.stages, stage], key=lambda each: -each.bit)
        return stage.mask

    def _between(self, node: str, after: str, before: str) -> Stage:
        """A free place."""
        taken = [*self.stages, *self.places]
        known = list(dict.fromkeys(stage.node for stage in taken))
        for name in (after, before):
            if name and name not in known:
                raise ValueError(f"there is no layer-2 {self.name} feature {name}; there are {', '.join(known)}")
        top = min((stage.bit for stage in taken if stage.node == after), default=BITS)
        bottom = max((stage.bit for stage in taken if stage.node == before), default=0)
        free = sorted(set(range(bottom + 1, top)) - {stage.bit for stage in taken})
        if not free:
            raise ValueError(f"no place is left for {node} among the layer-2 {self.name} features after {after or '-'}")
        return Stage(free[len(free) // 2], node)

    def names(self, bitmap: int = -1) -> list[str]:
        """The nodes of a bitmap's features, in order, without the drop at the end."""
        return [stage.node for stage in self.stages if bitmap & stage.mask and stage.bit]

    def first(self, bitmap: int) -> int:
        """The node where packets with these features start."""
        return self.nodes[WORD - bitmap.bit_length()]

    def wire(self, graph: Graph) -> None:
        """Tell packet code the nodes."""
        for stage in self.stages:
            self.nodes[WORD - 1 - stage.bit] = DIRECT | graph[stage.node].index


# What a packet that comes in by a bridged or cross-connected interface may have to pass. (VPP: foreach_l2input_feat.)
VTR = 1 << 22
LEARN = 1 << 17
FWD = 1 << 12
ARP_TERM = 1 << 9
ARP_UFWD = 1 << 8
UU_FWD = 1 << 7
UU_FLOOD = 1 << 6
FLOOD = 1 << 5
XCONNECT = 1 << 3
DROP = 1 << 0

INPUT = Pipeline(
    "input",
    arena.table("l2-input-feature-nodes", u32, WORD, settled=True),
    [
        (22, "l2-input-vtr"),
        (17, "l2-learn"),
        (12, "l2-fwd"),
        (9, "arp-term-l2bd"),
        (8, "l2-uu-fwd"),  # ARP requests that nobody answers here
        (7, "l2-uu-fwd"),  # unknown unicast, if the bridge domain has an interface for it
        (6, "l2-flood"),  # unknown unicast
        (5, "l2-flood"),  # broadcast and multicast
        (3, "l2-output"),  # cross-connect
        (0, "feature-bitmap-drop"),
    ],
    places=[
        (30, "span-l2-input"),
        (28, "l2-input-classify"),
        (26, "l2-input-feat-arc"),
        (24, "l2-input-acl"),
    ],
)

# What a packet that leaves by such an interface may have to pass, after tag rewrite and the split-horizon check.
OUTPUT_END = 1 << 0

OUTPUT = Pipeline(
    "output",
    arena.table("l2-output-feature-nodes", u32, WORD, settled=True),
    [(0, "interface-output")],
    places=[
        (12, "l2-output-feat-arc"),
        (10, "l2-output-classify"),
        (4, "l2-output-acl"),
        (1, "span-l2-output"),  # what really leaves
    ],
)

_input_nodes = INPUT.nodes
_output_nodes = OUTPUT.nodes


def input_feature(node: str, *, after: str = "", before: str = "") -> int:
    """Put a node into the input pipeline, disabled everywhere; the mask of its bit. VPP's features have VPP's places,
    others stand somewhere between ``after`` and ``before``.
    """
    return INPUT.insert(node, after, before)


def output_feature(node: str, *, after: str = "", before: str = "") -> int:
    """The same for packets that leave."""
    return OUTPUT.insert(node, after, before)


@inline
def first_input_feature(features: int) -> int:
    """The node of a bitmap's first feature."""
    return _input_nodes[WORD - 1 - highest_bit(features)]


@inline
def next_input_feature(pkt: Buffer, mask: int) -> int:
    """Where a packet goes from the input feature with this mask."""
    return first_input_feature(L2Meta(pkt.opaque).features & (mask - 1))


@inline
def first_output_feature(features: int) -> int:
    """The same for packets that leave."""
    return _output_nodes[WORD - 1 - highest_bit(features)]


@inline
def next_output_feature(pkt: Buffer, mask: int) -> int:
    """Where a packet goes from the output feature with this mask."""
    return first_output_feature(L2Meta(pkt.opaque).features & (mask - 1))
