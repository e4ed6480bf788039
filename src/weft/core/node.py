"""Nodes, routines and inline functions: how packet code is declared.

    class Next(Nexts):
        REWRITE = "ip4-rewrite"
        DROP = "error-drop"

    @node("ip4-lookup", next=Next)
    def ip4_lookup(rt: NodeRuntime, pkt: Buffer) -> int:
        ...
        return Next.REWRITE

A *node* is a function from one packet to its next node; the framework writes the loop over the vector. An *input*
node makes packets: it is called with a receive queue and sends what it got. An ``@inline`` function becomes part of
whoever calls it; a ``@routine`` is compiled on its own, once, and called through its address.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from weft.core import arena
from weft.core.view import i64

F = TypeVar("F", bound=Callable[..., Any])


class Nexts(enum.IntEnum):
    """The ways out of a node: each member's value is the name of the next node, and counts as its slot."""

    node_name: str

    def __new__(cls, node_name: str) -> Nexts:
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.node_name = node_name
        return member


class Severity(enum.Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


#: Every error of every node, by number.
ERRORS: list[Errors] = []
#: Class of errors -> the node that they are counted at.
ERROR_OWNERS: dict[type, str] = {}
#: Those classes whose errors have names of their own in the statistics, as in VPP's API files.
_NAMED: set[type] = set()


class Errors(enum.IntEnum):
    """What a node counts: each member's value is the text, perhaps with a severity. Numbers are unique over all nodes.

    A class belongs to the node named by ``of``: ``class Ip4Error(Errors, of="ip4-input")``. In the statistics an error
    goes by its text, or where ``named`` by its member's name in small letters: those that VPP's API files declare.
    """

    text: str
    severity: Severity

    def __new__(cls, text: str, severity: Severity = Severity.ERROR) -> Errors:
        number = len(ERRORS)
        member = int.__new__(cls, number)
        member._value_ = number
        member.text, member.severity = text, severity
        ERRORS.append(member)
        return member

    def __init_subclass__(cls, of: str = "", named: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        ERROR_OWNERS[cls] = of
        if named:
            _NAMED.add(cls)

    @property
    def path(self) -> str:
        """Where the statistics segment has its counter."""
        return f"/err/{ERROR_OWNERS[type(self)]}/{self.name.lower() if type(self) in _NAMED else self.text}"


class NoError(Errors, of="null-node"):
    """The error of a packet that has none, as VPP shows it: one that a route drops, for example."""

    NONE = "blackholed packets"


#: What a function of whole frames returns that leaves a frame to the loop over its packets.
UNLIKE = -1


class Per(enum.IntEnum):
    """Which interface of a packet's decides about what a node does to it."""

    ANY = 0  # none, or not that alone
    RX = 1  # the one that it came in by
    TX = 2  # the one that it leaves by


class Kind(enum.Enum):
    """What the framework calls a node with."""

    PACKET = "internal"  # one packet; the framework loops
    FRAME = "frame"  # a whole frame, which it must pass on or free
    INPUT = "input"  # a receive queue


@dataclass
class Node:
    """A node as declared. The graph makes one or more instances of it (``loop0-output``, ``loop1-output``)."""

    name: str
    function: Callable[..., Any]
    kind: Kind
    next: type[Nexts] | None
    format_trace: Callable[..., str | None] | None = None
    cold: bool = False
    counts: Errors | None = None
    per: Per = Per.ANY
    asked: bool = False
    waits: Callable[..., Any] | None = None
    whole: Callable[..., Any] | None = None
    #: Further ways out that other features have added: node names, in order.
    added: list[str] = field(default_factory=list)
    template: bool = False

    @property
    def nexts(self) -> list[str]:
        return [*(member.node_name for member in self.next or ()), *self.added]


@dataclass
class Routine:
    """A function compiled on its own; ``slot`` is where its address stands."""

    name: str
    function: Callable[..., Any]
    slot: int


NODES: dict[str, Node] = {}
ROUTINES: dict[str, Routine] = {}
INLINES: list[Callable[..., Any]] = []

MAX_ROUTINES = 1024
_slots = arena.table("routines", i64, MAX_ROUTINES)


def node(
    name: str,
    *,
    next: type[Nexts] | None = None,
    kind: Kind = Kind.PACKET,
    trace: Callable[..., str | None] | None = None,
    cold: bool = False,
    counts: Errors | None = None,
    per: Per = Per.ANY,
    asked: bool = False,
    waits: Callable[..., None] | None = None,
    template: bool = False,
    whole: Callable[..., int] | None = None,
) -> Callable[[F], F]:
    """Declare a node. ``trace`` makes the lines that ``show trace`` prints from a trace record; None: the node is left
    out. ``cold`` says that packets reach this node with their memory out of cache, so the loop should prefetch.
    ``counts`` is counted once for each packet that comes. A ``template`` makes no instance until a feature asks for one
    under a name of its own. ``whole`` (inline) is given a frame first: if a look at its packets shows that the same is
    to be done for all, it does that, and returns the way out of all; or else UNLIKE, having done nothing.

    What ``core/fusing`` wants to know: ``per`` names the interface whose configuration the node goes by; ``asked`` says
    that it reads memory for which a node before has asked (``prefetch``), so that it had better not come at once.

    ``waits`` (inline; of runtime and packet) is the part of a node's work that reads memory which may be far away and
    which nobody can ask for. It is done for all packets of a frame before the rest is done for any: the shorter the
    loop, the more packets wait at once.
    """

    def declare(function: F) -> F:
        if name in NODES:
            raise ValueError(f"there are two nodes named {name}")
        NODES[name] = Node(name, function, kind, next, trace, cold, counts, per, asked, waits, whole, template=template)
        return function

    return declare


def inline(function: F) -> F:
    """Packet code that becomes part of each function that calls it."""
    INLINES.append(function)
    return function


def routine(function: F) -> F:
    """Packet code compiled once and called by address: parameters and result are numbers or views, and annotated."""
    name = f"{function.__module__}.{function.__qualname__}"
    ROUTINES[name] = Routine(name, function, _slots.address + 8 * len(ROUTINES))
    if len(ROUTINES) > MAX_ROUTINES:
        raise ValueError(f"more than {MAX_ROUTINES} routines")
    return function
