"""Layer 2 as people read it, in VPP's formats."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from weft.core.model import model
from weft.features.interface.address import show_mac
from weft.features.interface.model import Interface, Interfaces
from weft.features.l2.domain import ITS_OWN, BridgeDomain, BridgeDomains
from weft.features.l2.fib import Entry, L2Fib
from weft.features.l2.layout import SW_IF_INDEX, fib
from weft.features.l2.pipeline import ARP_TERM, ARP_UFWD, FLOOD, FWD, INPUT, LEARN, OUTPUT, UU_FLOOD, VTR, XCONNECT
from weft.features.l2.port import Layer2, PortType
from weft.features.vlib.format import centred, exponent

if TYPE_CHECKING:
    from weft.core.engine import Engine

Row = tuple[object, ...]

# Widths of columns.
DOMAIN = (8, 7, 4, 9, 9, 9, 11, 9, 9, 9, 8, 8, 11)
MEMBER = (30, 7, 5, 5, 5, 9, 30)
DOMAIN_HEAD = (
    "BD-ID",
    "Index",
    "BSN",
    "Age(min)",
    "Learning",
    "U-Forwrd",
    "UU-Flood",
    "Flooding",
    "ARP-Term",
    "arp-ufwd",
    "Learn-co",
    "Learn-li",
    "BVI-Intf",
)
MEMBER_HEAD = ("Interface", "If-idx", "ISN", "SHG", "BVI", "TxFlood", "VLAN-Tag-Rewrite")
ENTRY_HEAD = (
    (19, "Mac-Address"),
    (7, "BD-Idx"),
    (7, "If-Idx"),
    (8, "BSN-ISN"),
    (9, "Age(min)"),
    (7, "static"),
    (7, "filter"),
    (5, "bvi"),
    (30, "Interface-Name"),
)


def row(widths: tuple[int, ...], values: Row, between: str = "") -> str:
    return between.join(centred(value, width) for width, value in zip(widths, values, strict=True))


def switch(on: bool) -> str:
    return "on" if on else "off"


def mark(yes: bool) -> str:
    return "*" if yes else "-"


def domain_head() -> str:
    return row(DOMAIN, DOMAIN_HEAD, " ")


def domain_line(domain: BridgeDomain) -> str:
    state = domain.row
    unknown = domain.uu_fwd.name if domain.uu_fwd else "flood" if domain.allows(UU_FLOOD) else "drop"
    return row(
        DOMAIN,
        (
            domain.bd_id,
            domain.index,
            state.sn,
            state.mac_age or "off",
            switch(domain.allows(LEARN)),
            switch(domain.allows(FWD)),
            unknown,
            switch(domain.allows(FLOOD)),
            switch(domain.allows(ARP_TERM)),
            switch(domain.allows(ARP_UFWD)),
            state.learned,
            state.learn_limit,
            domain.bvi.name if domain.bvi else "N/A",
        ),
        " ",
    )


def domain_members(engine: Engine, domain: BridgeDomain) -> Iterator[str]:
    """The interfaces of a bridge domain."""
    if not domain.in_use:
        return
    yield ""
    yield row(MEMBER, MEMBER_HEAD)
    flooded = {member.interface.sw_if_index for member in domain.flooded}
    for port in engine[Layer2].members(domain):
        yield row(
            MEMBER,
            (
                port.interface.name,
                port.interface.sw_if_index,
                port.row.context.sn & 0xFF,
                port.shg,
                mark(port.type is PortType.BVI),
                mark(port.interface.sw_if_index in flooded),
                port.rewrite or "none",
            ),
        )


def domain_arp(domain: BridgeDomain) -> Iterator[str]:
    """Whom ARP is answered for."""
    if domain.allows(ARP_TERM):
        yield ""
        yield "  IP4/IP6 to MAC table for ARP Termination"
        for address, mac in sorted(domain.arp.items(), key=lambda each: (each[0].version, int(each[0]))):
            yield f"{centred(address, 40)} => {centred(show_mac(mac), 20)}"


def domain_tag(domain: BridgeDomain) -> Iterator[str]:
    if domain.tag:
        yield ""
        yield f"  BD-Tag: {domain.tag}"


def domain_features(domain: BridgeDomain) -> str:
    """The features that a bridge domain allows, with the two about which it has no say."""
    return "".join(f"{name} " for name in INPUT.names(domain.row.features & ITS_OWN | VTR | XCONNECT))


# --- the L2 FIB


def entry_head() -> str:
    return "".join(centred(name, width) for width, name in ENTRY_HEAD)


def entry_line(engine: Engine, entry: Entry) -> str:
    interface = engine[Interfaces].by_index.get(entry.sw_if_index)
    domain = engine[BridgeDomains].by_index.get(entry.bd_index)
    ages = domain is not None and domain.row.mac_age
    age = "no" if entry.age is None else entry.age if ages else "-"
    return (
        centred(show_mac(entry.mac), 19)
        + centred(entry.bd_index, 7)
        + centred(-1 if entry.sw_if_index == SW_IF_INDEX else entry.sw_if_index, 7)
        + f" {entry.bsn:3}/{entry.isn:<3}"
        + centred(age, 9)
        + centred(mark(entry.static), 7)
        + centred(mark(entry.filter), 7)
        + centred(mark(entry.bvi), 5)
        + centred(interface.name if interface else "N/A", 30)
    )


def fib_summary(engine: Engine) -> str:
    table = engine[L2Fib]
    return (
        f"L2FIB total/learned entries: {len(table)}/{table.learned}  "
        f"Last scan time: {exponent(table.scan_seconds, 4)}sec  Learn limit: {fib.learn_limit}"
    )


# --- interfaces


@model
class Shown:
    """Lets the commands about interfaces say what layer 2 has to say."""

    def __init__(self, engine: Engine) -> None:
        interfaces = engine[Interfaces]
        interfaces.address_lines.append(partial(address_lines, engine))
        interfaces.modes.append(partial(mode_line, engine))
        interfaces.feature_lines.append(partial(feature_lines, engine))


def address_lines(engine: Engine, interface: Interface) -> list[str]:
    """What ``show interface address`` says of layer 2."""
    port = engine[Layer2][interface]
    if port.domain is not None:
        where = f"L2 bridge bd-id {port.domain.bd_id} idx {port.domain.index} shg {port.shg}"
        return [where + (f" {port.type.value}" if port.type is not PortType.NORMAL else "")]
    if port.peer is not None:
        return [f"L2 xconnect {port.peer.name}"]
    return []


def mode_line(engine: Engine, interface: Interface) -> str | None:
    """What ``show mode`` says of an interface at layer 2."""
    port = engine[Layer2][interface]
    if port.domain is not None:
        kind = f" {port.type.value}" if port.type is not PortType.NORMAL else ""
        return f"l2 bridge {interface.name} bd_id {port.domain.bd_id}{kind} shg {port.shg}"
    if port.peer is not None:
        return f"l2 xconnect {interface.name} {port.peer.name}"
    return None


def feature_lines(engine: Engine, interface: Interface) -> list[str]:
    """What ``show interface features`` says of layer 2."""
    port = engine[Layer2][interface]
    lines = []
    for name, pipeline, bitmap in (
        ("l2-input", INPUT, port.row.features if port.at_layer_2 else 0),
        ("l2-output", OUTPUT, port.row.output_features),
    ):
        lines += ["", f"{name}:", *(f"  {node}" for node in pipeline.names(bitmap) or ["none configured"])]
    return lines
