"""A protocol for tests: its node says how each packet reached layer 3.

What is registered stays so for all tests that run after it in the process, so its ethertype is one that no other test
sends: DEC's, for protocols of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scapy.packet import Packet
from tests.conftest import Lab

from weft.core import arena
from weft.core.buffer import VLAN_1_DEEP, VLAN_2_DEEP, Buffer
from weft.core.node import Nexts, node
from weft.core.runtime import NodeRuntime
from weft.core.view import View, u32
from weft.features.ethernet.model import register_input
from weft.features.interface.model import Interface, Interfaces, sw_interfaces

EXPERIMENT = 0x6006


class Note(View):
    """What is put in front of the packet."""

    noted_interface: u32
    noted_l2_len: u32
    noted_tags: u32


NOTE_SIZE = Note.size


class Exit(View):
    """By which interface the noted packets leave."""

    way_out: u32


exit_ = arena.root("test-layer-3", Exit)


class Next(Nexts):
    DROP = "error-drop"


@node("test-layer-3", next=Next)
def layer_3(rt: NodeRuntime, pkt: Buffer) -> int:
    note = Note(pkt.data - NOTE_SIZE)
    pkt.advance(-NOTE_SIZE)
    note.noted_interface = pkt.rx_sw_if_index
    note.noted_l2_len = pkt.l2_len
    note.noted_tags = (pkt.flags & (VLAN_1_DEEP | VLAN_2_DEEP)) // VLAN_1_DEEP
    pkt.tx_sw_if_index = exit_.way_out
    return sw_interfaces[exit_.way_out].output_node


register_input(EXPERIMENT, "test-layer-3")


@dataclass(frozen=True)
class Seen:
    """A packet at layer 3."""

    interface: str
    l2_len: int
    tags: int
    payload: bytes


def watch(lab: Lab, port: Interface) -> None:
    """Let what reaches layer 3 leave by a port."""
    exit_.way_out = port.sw_if_index


def seen(lab: Lab, port: Interface, frames: Sequence[Packet | bytes]) -> list[Seen]:
    """Send frames to a port: what reached layer 3."""
    out = lab.send_raw(port, *map(bytes, frames))
    assert len(out) <= 1
    found = []
    for data in next(iter(out.values()), []):
        index, l2_len, tags = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8))
        found.append(Seen(lab.engine[Interfaces][index].name, l2_len, tags, data[12:]))
    return found
