"""Host-interfaces of an engine that forwards by itself."""

from __future__ import annotations

from tests.switch import Switch, wait

from weft.features.interface.model import Interfaces, rx


def port(switch: Switch, name: str, options: str = "") -> str:
    """A host-interface, up."""
    switch.cli(f"create host-interface name {name} {options}\nset interface state host-{name} up")
    return f"host-{name}"


def ready(switch: Switch) -> None:
    wait(lambda: all(each.link_up or each.name.startswith("l") for each in switch.engine[Interfaces]))


def mean(switch: Switch, name: str) -> float:
    packets, octets = rx.read(switch.engine[Interfaces][name].sw_if_index)
    return octets / packets
