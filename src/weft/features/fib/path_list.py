"""A path list: the paths of a route, and what they lead to now. Routes with the same paths share one."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.features.fib.dpo import Object
from weft.features.fib.path import Path, Paths
from weft.features.fib.via import Follower, Via
from weft.features.interface.model import NONE


@dataclass(eq=False)
class PathList(Follower):
    """Paths, and what they lead to now. ``index`` is also that of their load-balance."""

    index: int
    family: str
    paths: Paths
    adjacency: list[int | None] = field(default_factory=list)  #: of each path
    via: list[Via | None] = field(default_factory=list)  #: of each path: the entry of the address that it goes by
    resolved: list[bool] = field(default_factory=list)
    objects: list[Object] = field(default_factory=list)  #: of each bucket
    flags: int = 0
    locks: int = 0
    #: The entries that others go by and that are forwarded by this list.
    followed: dict[Via, None] = field(default_factory=dict)

    sw_if_index: int = NONE  #: of the first path

    def __post_init__(self) -> None:
        self.sw_if_index = self.paths[0].sw_if_index

    @property
    def way_out(self) -> Path:
        """The path by which packets leave in the end: of several that can be taken the first."""
        here = self
        while True:
            position = here.resolved.index(True) if True in here.resolved else 0
            via = here.via[position]
            if via is None or not here.resolved[position]:
                return here.paths[position]
            here = via.paths

    def comes_back(self, via: Via) -> bool:
        """Whether the way by an entry leads to this list again."""
        seen: set[PathList] = set()
        todo = [via.paths]
        while todo:
            each = todo.pop()
            if each is self:
                return True
            if each not in seen:
                seen.add(each)
                todo += [below.paths for below in each.via if below is not None]
        return False
