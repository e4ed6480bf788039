"""What comes by an interface without layer 2: packets of IP, by their version."""

from __future__ import annotations

from weft.core.buffer import L3_HDR_VALID, Buffer, buffer_at
from weft.core.node import Errors, inline, routine
from weft.core.runtime import NodeRuntime, deliver
from weft.core.view import View, u8
from weft.features.ethernet.model import IP4, IP6, ethertype_nodes
from weft.features.interface.model import rx


class Layer3Error(Errors, of="virtio-input"):
    NO_IP = "not an IP packet"


class IpVersion(View):
    """The first byte of any version of IP."""

    version_ihl: u8


@routine
def receive_ip(rt: NodeRuntime, count: int, sw_if_index: int, octets: int, drop: int) -> int:
    """What an input node does with such packets, whose indices are in the thread's ``spare``: count them, and send them
    to their protocols; ``drop`` is its way out for what is no IP.
    """
    rx.add(rt.worker, sw_if_index, count, octets)
    # Delivering uses ``spare`` for nothing else.
    for i in range(count):
        pkt = buffer_at(rt.worker.spare[i])
        pkt.l3_hdr_offset = pkt.current_data
        pkt.flags = pkt.flags | L3_HDR_VALID
        deliver(rt, rt.worker.spare.address + 4 * i, 1, protocol_node(pkt, drop))
    return count


@inline
def protocol_node(pkt: Buffer, drop: int) -> int:
    """Where an IP packet goes, by its version."""
    version = IpVersion(pkt.data).version_ihl >> 4 if pkt.current_length > 0 else 0
    if version == 4:
        return ethertype_nodes[IP4]
    if version == 6:
        return ethertype_nodes[IP6]
    return pkt.fail(Layer3Error.NO_IP, drop)
