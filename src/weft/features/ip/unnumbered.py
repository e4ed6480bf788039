"""Unnumbered interfaces: they go by the addresses of another, of both families."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from weft.core.model import Invalid, model
from weft.features.interface.model import Interface, Interfaces

if TYPE_CHECKING:
    from weft.core.engine import Engine
    from weft.features.ip.family import IpInterface


class Borrowing(Protocol):
    """A family's addresses."""

    def addresses(self, interface: Interface) -> list[IpInterface]:
        """Those of the interface itself."""

    def borrowed(self, interface: Interface) -> None:
        """It goes by another's from now on."""

    def gave_back(self, interface: Interface, lender: Interface) -> None:
        """It does no longer."""


@model
class Unnumbered:
    """Who borrows whose addresses."""

    def __init__(self, engine: Engine) -> None:
        self._interfaces = engine[Interfaces]
        #: By the sw_if_index of who borrows, the sw_if_index of whose they are.
        self.lender: dict[int, int] = {}
        self.families: list[Borrowing] = []
        self._interfaces.watch("removed", self._removed)
        self._interfaces.address_lines.append(self._address_lines)

    def whose(self, interface: Interface) -> Interface:
        """The interface whose addresses this one goes by."""
        return self._interfaces[self.lender.get(interface.sw_if_index, interface.sw_if_index)]

    def borrowers(self, lender: Interface) -> list[Interface]:
        """Who goes by an interface's addresses."""
        return [self._interfaces[each] for each, whose in self.lender.items() if whose == lender.sw_if_index]

    def set(self, interface: Interface, lender: Interface) -> None:
        """Let an interface go by another's addresses. Raises Invalid."""
        if 0 in (interface.sw_if_index, lender.sw_if_index):
            raise Invalid("local0 interface doesn't support IP addressing")
        if lender is interface or lender.sw_if_index in self.lender or self.borrowers(interface):
            raise Invalid(
                f"{interface.name} cannot use {lender.name}: use an interface with addresses of its own, "
                "from one that lends none"
            )
        own = [str(address) for family in self.families for address in family.addresses(interface)]
        if own:
            raise Invalid(f"{interface.name} has {', '.join(own)}: delete that first", "ADDRESS_FOUND_FOR_INTERFACE")
        if interface.sw_if_index in self.lender:
            self.unset(interface)
        self.lender[interface.sw_if_index] = lender.sw_if_index
        for family in self.families:
            family.borrowed(interface)

    def unset(self, interface: Interface) -> None:
        """Let it have addresses of its own again. Raises Invalid if it borrows none."""
        if interface.sw_if_index not in self.lender:
            raise Invalid(f"{interface.name} is not unnumbered")
        lender = self._interfaces[self.lender.pop(interface.sw_if_index)]
        for family in self.families:
            family.gave_back(interface, lender)

    def _removed(self, interface: Interface) -> None:
        for each in self.borrowers(interface):
            self.unset(each)
        if interface.sw_if_index in self.lender:
            self.unset(interface)

    def _address_lines(self, interface: Interface) -> list[str]:
        """What ``show interface address`` says."""
        borrows = interface.sw_if_index in self.lender
        return [f"unnumbered, use {self.whose(interface).name}"] if borrows else []
