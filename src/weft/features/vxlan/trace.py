"""What show trace says of a packet at the nodes of VXLAN, as VPP."""

from __future__ import annotations

from weft.core.node import ERRORS, NoError
from weft.core.trace import Entry
from weft.features.interface.model import Interfaces
from weft.features.vxlan.header import OUTER4, OUTER6, VNI_SHIFT, VXLAN

VNI = 4  #: where the word with it stands in the header


def _vni(entry: Entry, header: int) -> int:
    return int.from_bytes(entry.bytes(header + VNI, 4), "big") >> VNI_SHIFT


def _name(entry: Entry, sw_if_index: int) -> str:
    interface = entry.engine[Interfaces].by_index.get(sw_if_index)
    return interface.name if interface else "a tunnel that is no more"


def trace_input(entry: Entry) -> str:
    pkt = entry.buffer
    error = ERRORS[pkt.error]
    if entry.next == "error-drop" and error is not NoError.NONE:
        vni = _vni(entry, 0)
        if "no such tunnel" in error.text:
            return f"VXLAN decap error - tunnel for vni {vni} does not exist"
        return f"VXLAN decap error - {error.text}"
    return f"VXLAN decap from {_name(entry, pkt.rx_sw_if_index)} vni {_vni(entry, -VXLAN)} next {entry.next}"


def trace_bypass(entry: Entry) -> str:
    return "VXLAN bypass" if entry.next in ("vxlan4-input", "vxlan6-input") else f"next {entry.next}"


def trace_encap(entry: Entry) -> str:
    pkt = entry.buffer
    name = _name(entry, pkt.tx_sw_if_index)
    if entry.next in ("error-drop", "gso-segment", "checksum-finish"):
        return f"VXLAN encap to {name}: {entry.next}"
    headers = OUTER4 if entry.node == "vxlan4-encap" else OUTER6
    return f"VXLAN encap to {name} vni {_vni(entry, headers - VXLAN)}"
