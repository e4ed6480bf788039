"""What the forwarder has, as its dumps say. Operations note here what they did, so that it need not be read again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vhost:
    """A vhost-user interface, which connects to a socket."""

    socket: str

    def __str__(self) -> str:
        return f"vhost-user interface on {self.socket}"


@dataclass(frozen=True)
class Host:
    """A host-interface (AF_PACKET) on a Linux device."""

    device: str

    def __str__(self) -> str:
        return f"host-interface on {self.device}"


@dataclass(frozen=True)
class Vlan:
    """A sub-interface for one VLAN; the parent is a tag of ours or the name of an interface."""

    parent: str
    vlan: int

    def __str__(self) -> str:
        return f"sub-interface of {self.parent} for VLAN {self.vlan}"


@dataclass(frozen=True)
class Tunnel:
    """A VXLAN tunnel to another host."""

    source: str
    destination: str
    vni: int

    def __str__(self) -> str:
        return f"VXLAN tunnel {self.vni} from {self.source} to {self.destination}"


@dataclass(frozen=True)
class Existing:
    """An interface that somebody else made, known by its name."""

    name: str

    def __str__(self) -> str:
        return f"interface {self.name}"


What = Vhost | Host | Vlan | Tunnel | Existing


@dataclass
class Interface:
    """An interface as it is. What a sub-interface is says `parent` and `vlan`, as names may change."""

    index: int
    name: str
    tag: str = ""
    what: Vhost | Host | Tunnel | None = None
    parent: int = -1
    vlan: int = 0
    admin_up: bool = False
    pops: bool = False
    mtu: int = 0  #: of layer 3
    bridge: int = -1
    group: int = 0  #: split-horizon group


@dataclass
class Bridge:
    """A bridge domain as it is."""

    id: int
    tag: str = ""
    uu_flood: bool = True
    arp_term: bool = False
    mac_age: int = 0
    macs: dict[str, int] = field(default_factory=dict)  #: static ones, and behind which interface
    neighbors: dict[str, str] = field(default_factory=dict)  #: address -> MAC


@dataclass
class Actual:
    """All that a plan needs to know of the forwarder."""

    interfaces: dict[int, Interface] = field(default_factory=dict)
    bridges: dict[int, Bridge] = field(default_factory=dict)
    leaving: set[int] = field(default_factory=set)  #: interfaces that we are deleting
    _by_ref: dict[str, int] = field(default_factory=dict)
    _bridges: dict[str, int] = field(default_factory=dict)
    _being: dict[object, int] = field(default_factory=dict)  #: what no two interfaces can be -> which one is it

    def add(self, interface: Interface) -> None:
        self.interfaces[interface.index] = interface
        if (identity := _identity(interface)) is not None:
            self._being[identity] = interface.index
        self._by_ref[interface.name] = interface.index
        if interface.tag:
            self._by_ref[interface.tag] = interface.index

    def tag(self, index: int, tag: str) -> None:
        self.interfaces[index].tag = tag
        self._by_ref[tag] = index

    def remove(self, index: int) -> None:
        gone = self.interfaces.pop(index)
        self.leaving.discard(index)
        if self._being.get(identity := _identity(gone)) == index:
            del self._being[identity]
        for ref in (gone.name, gone.tag):
            if self._by_ref.get(ref) == index:
                del self._by_ref[ref]

    def find(self, ref: str) -> Interface | None:
        """The interface of a tag or a name."""
        index = self._by_ref.get(ref)
        return None if index is None else self.interfaces[index]

    def being(self, identity: object) -> Interface | None:
        """The interface that is something: a Vhost, a Host, a Tunnel; or the parent's index and a VLAN."""
        index = self._being.get(identity)
        return None if index is None else self.interfaces[index]

    def add_bridge(self, bridge: Bridge) -> None:
        self.bridges[bridge.id] = bridge
        if bridge.tag:
            self._bridges[bridge.tag] = bridge.id

    def remove_bridge(self, number: int) -> None:
        tag = self.bridges.pop(number).tag
        if self._bridges.get(tag) == number:
            del self._bridges[tag]

    def bridge(self, tag: str) -> Bridge | None:
        number = self._bridges.get(tag)
        return None if number is None else self.bridges[number]

    def free_bridge(self, taken: set[int]) -> int:
        """A bridge domain's number that nobody uses. VPP takes 1 to 2^24-1."""
        number = 1
        while number in self.bridges or number in taken:
            number += 1
        return number


def _identity(interface: Interface) -> object:
    """What no second interface can be; None for those of others that we would never make."""
    if interface.vlan:
        return (interface.parent, interface.vlan)
    return interface.what
