"""What a guest is told when its link comes up: who has the addresses that it reaches without a router.

A guest whose engine was killed and started again has asked for its gateway in vain meanwhile, and asks once a second
at most (RFC 1122 2.3.2.1, RFC 4861 10). It need not wait for its next try if it is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.features.arp.model import Arp
from weft.features.ip6_nd.model import Nd
from weft.features.l2.model import Layer2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weft.core.engine import Engine
    from weft.features.interface.model import Interface


def greet(engine: Engine, interface: Interface) -> None:
    """Announce the addresses of an interface, of its sub-interfaces, and of the gateways in their bridge domains."""
    for own in _reached(engine, interface):
        if own.admin_up:
            engine[Arp].announce(own)
            engine[Nd].announce(own)


def _reached(engine: Engine, interface: Interface) -> Iterator[Interface]:
    for port in (interface, *interface.subs.values()):
        if not port.admin_up:
            continue
        domain = engine[Layer2][port].domain
        if domain is None:
            yield port
        elif domain.bvi is not None:
            yield domain.bvi
