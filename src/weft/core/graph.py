"""The graph: node instances wired by name, and the features on an interface's way through them.

Instances are made once for each declared node, and by name for templates (``loop0-output`` of ``interface-output``).
Each has a runtime in every thread, in the arena; wiring is plain numbers there, so it can change under traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from weft.core import arena, memory
from weft.core.buffer import Buffer, u32_at
from weft.core.node import NODES, Node, inline
from weft.core.runtime import (
    DIRECT,
    MAX_ERRORS,
    MAX_NEXTS,
    MAX_NODES,
    NodeRuntime,
    runtimes,
    threads_in_use,
    workers,
)
from weft.core.view import Array, View, i64, times, u32

MAX_INTERFACES = 1 << 16


class Start(View, apart=True, settled=True):
    """Where the nodes are listed that an interface's packets pass, as indices; 0: they pass none."""

    chain: i64


class Arc(View):
    """A feature arc: a list of nodes for each interface, in the arena."""

    starts: Array[Start] = times(MAX_INTERFACES)

    def start(self, pkt: Buffer, sw_if_index: int, end: int) -> int:
        """Where a packet of this interface goes first; ``end``, if nothing is enabled on it."""
        return start_chain(pkt, self.starts[sw_if_index].chain, end)


@inline
def start_chain(pkt: Buffer, chain: int, end: int) -> int:
    """Where a packet goes first that is to pass the features of a chain; ``end``, if it is none (0)."""
    if chain == 0:
        return end
    return next_feature_of(pkt, chain)


@inline
def next_feature_of(pkt: Buffer, chain: int) -> int:
    """To the feature that stands at a place of a chain."""
    pkt.feature = chain + 4
    return DIRECT | u32_at(chain)


@inline
def next_feature(pkt: Buffer) -> int:
    """Where a packet goes after a feature node: the next feature of its arc, or the arc's end."""
    return next_feature_of(pkt, pkt.feature)


@dataclass
class Feature:
    """A node's place on an arc: after and before others, by node name."""

    node: str
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


@dataclass
class ArcDeclaration:
    """An arc as declared. ``end`` is the node where packets go that have passed all features."""

    name: str
    arc: Arc
    end: str
    features: list[Feature] = field(default_factory=list)

    def order(self) -> list[str]:
        """The nodes of this arc, every one after what it must follow; otherwise as they were declared."""
        names = [feature.node for feature in self.features]
        before: dict[str, set[str]] = {name: set() for name in names}
        for feature in self.features:
            before[feature.node].update(name for name in feature.after if name in before)
            for name in feature.before:
                if name in before:
                    before[name].add(feature.node)
        ordered: list[str] = []
        while len(ordered) < len(names):
            ready = [name for name in names if name not in ordered and before[name] <= set(ordered)]
            if not ready:
                stuck = ", ".join(name for name in names if name not in ordered)
                raise ValueError(f"the features of arc {self.name} ask for an order that cannot be: {stuck}")
            ordered.append(ready[0])
        return ordered


ARCS: dict[str, ArcDeclaration] = {}


def arc(name: str, *, end: str) -> Arc:
    """Declare a feature arc, by VPP's name (``ip4-unicast``)."""
    declared = arena.root(f"arc {name}", Arc)
    arena.settle(declared.starts, MAX_INTERFACES)
    ARCS[name] = ArcDeclaration(name, declared, end)
    return declared


def feature(arc_name: str, node: str, *, after: tuple[str, ...] = (), before: tuple[str, ...] = ()) -> None:
    """Put a node on an arc, disabled on all interfaces."""
    if arc_name not in ARCS:
        raise ValueError(f"no feature arc {arc_name}; there are {', '.join(ARCS)}")
    ARCS[arc_name].features.append(Feature(node, after, before))


@dataclass
class Instance:
    """A node in the graph."""

    index: int
    name: str
    node: Node
    data: int = 0
    #: A template's ways out that this instance has of its own: declared name -> name in the graph.
    instead: dict[str, str] = field(default_factory=dict)

    @property
    def nexts(self) -> list[str]:
        return [self.instead.get(name, name) for name in self.node.nexts]


class Graph:
    """All node instances, and what is enabled where."""

    def __init__(self, arena: arena.Arena, functions: dict[str, int], quiesce: Callable[[], None]) -> None:
        self._arena, self._functions, self._quiesce = arena, functions, quiesce
        self.instances: list[Instance] = []
        self.by_name: dict[str, Instance] = {}
        self._gone: list[int] = []
        #: Called with each instance that is to be removed.
        self.leaving: list[Callable[[Instance], None]] = []
        self._enabled: dict[tuple[str, int], list[str]] = {}
        for node in NODES.values():
            if not node.template:
                self._make(Instance(0, node.name, node))
        for instance in self.instances:
            self._wire(instance)

    def __getitem__(self, name: str) -> Instance:
        try:
            return self.by_name[name]
        except KeyError:
            raise KeyError(f"no node is named {name}") from None

    def add(self, name: str, template: str, data: int = 0, instead: dict[str, str] | None = None) -> Instance:
        """An instance of a template under a name of its own. ``data`` is what its function finds in ``rt.data``;
        ``instead`` names the nodes that stand for some of the template's ways out.
        """
        instance = self._make(Instance(0, name, NODES[template], data, instead or {}))
        self._wire(instance)
        return instance

    def remove(self, name: str) -> None:
        """Take an instance away to which nothing leads any more; its number is used again."""
        for leaving in self.leaving:
            leaving(self[name])
        instance = self.by_name.pop(name)
        self._gone.append(instance.index)

    def rename(self, old: str, new: str) -> None:
        """Give an instance another name."""
        if new in self.by_name:
            raise ValueError(f"there is a node named {new} already")
        instance = self.by_name[new] = self.by_name.pop(old)
        instance.name = new
        for other in self.instances:
            other.instead = {way: new if name == old else name for way, name in other.instead.items()}

    def runtime(self, name: str, thread: int) -> NodeRuntime:
        return runtimes[thread * MAX_NODES + self[name].index]

    def function_of(self, node: str) -> int:
        return self._functions[node]

    def _make(self, instance: Instance) -> Instance:
        if instance.name in self.by_name:
            raise ValueError(f"there is a node named {instance.name} already")
        if self._gone:
            instance.index = self._gone.pop()
            self.instances[instance.index] = instance
        elif len(self.instances) < MAX_NODES:
            instance.index = len(self.instances)
            self.instances.append(instance)
        else:
            raise MemoryError(f"the graph holds {MAX_NODES} nodes; {instance.name} would be one more")
        self.by_name[instance.name] = instance
        return instance

    def _wire(self, instance: Instance) -> None:
        nexts = instance.nexts
        if len(nexts) > MAX_NEXTS:
            raise ValueError(f"node {instance.name} has {len(nexts)} ways out, {MAX_NEXTS} are possible")
        for thread in threads_in_use():
            rt = runtimes[thread * MAX_NODES + instance.index]
            memory.fill(rt.address, 0, NodeRuntime.size)
            rt.function = self._functions[instance.node.name]
            rt.worker = workers[thread]
            rt.index = instance.index
            rt.data = instance.data
            rt.errors = workers[thread].errors
            rt.next_count = len(nexts)
            for slot, name in enumerate(nexts):
                rt.nexts[slot] = self[name].index

    # --- features on interfaces

    def enable(self, arc_name: str, node: str, sw_if_index: int, on: bool = True) -> None:
        """Let the packets of an interface pass a feature of an arc, or no longer."""
        declaration = ARCS.get(arc_name)
        if declaration is None:
            raise KeyError(f"no feature arc {arc_name}; there are {', '.join(ARCS)}")
        order = declaration.order()
        if node not in order:
            raise KeyError(f"arc {arc_name} has no feature {node}; it has {', '.join(order) or 'none'}")
        enabled = self._enabled.setdefault((arc_name, sw_if_index), [])
        if (node in enabled) == on:
            return
        (enabled.append if on else enabled.remove)(node)
        enabled.sort(key=order.index)
        chain = 0
        if enabled:
            names = [*enabled, declaration.end]
            chain = self._arena.allocate(4 * len(names))
            for position, name in enumerate(names):
                Index(chain + 4 * position).value = self[name].index
        old = declaration.arc.starts[sw_if_index].chain
        declaration.arc.starts[sw_if_index].chain = chain
        if old:
            self._quiesce()
            self._arena.release(old)

    def enabled(self, arc_name: str, sw_if_index: int) -> list[str]:
        """The features of an arc on an interface, in order."""
        return list(self._enabled.get((arc_name, sw_if_index), []))

    def disable_all(self, sw_if_index: int) -> None:
        """An interface goes: so do its features."""
        for arc_name in ARCS:
            for node in self.enabled(arc_name, sw_if_index):
                self.enable(arc_name, node, sw_if_index, on=False)
            self._enabled.pop((arc_name, sw_if_index), None)

    # --- what the nodes have counted

    def errors(self) -> dict[int, int]:
        """Error number -> count, all threads together."""
        totals: dict[int, int] = {}
        for thread in threads_in_use():
            counts = memoryview(memory.read(workers[thread].errors.address, 8 * MAX_ERRORS)).cast("q")
            for number, count in enumerate(counts):
                if count:
                    totals[number] = totals.get(number, 0) + count
        return totals


class Index(View):
    """One entry of a chain."""

    value: u32
