"""Frames that are cut, malformed or made up: nothing is read or written outside them, and each is accounted for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, mac

from weft import Engine
from weft.core.buffer import pool
from weft.core.runtime import workers
from weft.features.interface.model import drops
from weft.features.l2.layout import BVI_ENTRY
from weft.features.l2.model import L2Fib
from weft.features.pg.model import PacketGenerator


def configure(lab: Lab) -> None:
    """Everything at once: tags, ARP termination, a BVI, groups."""
    lab.pg(3)
    lab.cli(
        f"""create sub-interfaces pg0 2
        set interface state pg0.2 up
        set interface l2 bridge pg0.2 1
        set interface l2 tag-rewrite pg0.2 pop 1
        create sub-interfaces pg0 3 dot1ad 3 inner-dot1q any
        set interface state pg0.3 up
        set interface l2 bridge pg0.3 1 2
        set interface l2 tag-rewrite pg0.3 translate 1-2 dot1q 5 6
        set interface l2 bridge pg0 1
        set interface l2 bridge pg1 1
        set interface l2 tag-rewrite pg1 push dot1ad 7
        set interface l2 bridge pg2 1 2
        loopback create
        set interface l2 bridge loop0 1 bvi 2
        set interface state loop0 up
        set interface ip address loop0 10.0.0.1/24
        set bridge-domain arp term 1
        set bridge-domain arp entry 1 10.0.0.2 {mac(2)}"""
    )
    lab.engine.step()
    lab.output()


WHOLE = [
    Ether(src=mac(1), dst=BROADCAST) / ARP(op=1, hwsrc=mac(1), psrc="10.0.0.9", pdst="10.0.0.2"),
    Ether(src=mac(1), dst=BROADCAST) / Dot1Q(vlan=2) / ARP(op=1, hwsrc=mac(1), psrc="10.0.0.9", pdst="10.0.0.2"),
    Ether(src=mac(1), dst="de:ad:00:00:00:00") / Dot1Q(vlan=2) / IP(dst="10.0.0.1", src="10.0.0.9") / UDP() / Raw(b"."),
    Ether(src=mac(1), dst=mac(9), type=0x88A8) / Dot1Q(vlan=3) / Dot1Q(vlan=4) / IP(dst="10.0.0.1") / UDP(),
    Ether(src=mac(1), dst="33:33:ff:00:00:01") / Dot1Q(vlan=2) / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_NS(),
    Ether(src=mac(1), dst=mac(9))
    / Dot1Q(vlan=2)
    / Dot1Q(vlan=3)
    / Dot1Q(vlan=4)
    / Dot1Q(vlan=5)
    / Dot1Q(vlan=6)
    / b"x",
]


def test_every_header_cut_at_every_byte(lab: Lab) -> None:
    configure(lab)
    for whole in WHOLE:
        data = bytes(whole)
        for length in range(1, len(data)):
            lab.send_raw(lab.ports[0], data[:length])
    assert lab.errors()["ethernet-input", "l2 too short"] > 0


@pytest.mark.parametrize("node", ["l2-input", "l2-output"])
def test_frames_that_come_by_no_ethernet_input(lab: Lab, node: str) -> None:
    """A tunnel may hand over anything: l2-input measures it itself; l2-output knows no interface for it."""
    configure(lab)
    (port,) = lab.ports[1:2]
    data = bytes(WHOLE[5])
    for length in range(1, len(data)):
        lab.engine[PacketGenerator].send(port, [data[:length]], node=node)
    lab.output()
    counts = lab.errors()
    if node == "l2-input":
        assert counts["l2-input", "L2 input drops"] == 14 + 4 + 4 - 1
    else:
        assert counts["l2-output", "L2 Output interface not valid"] == len(data) - 1


def test_l2_input_by_an_interface_at_layer_3(lab: Lab) -> None:
    (port,) = lab.pg(1)
    lab.engine[PacketGenerator].send(port, [bytes(WHOLE[0])], node="l2-input")
    assert drops.read(port.sw_if_index) == 1


FRAMES = st.builds(
    lambda destination, source, types, payload: (
        bytes.fromhex(destination.replace(":", "")) + bytes.fromhex(source.replace(":", "")) + types + payload
    ),
    st.sampled_from([BROADCAST, mac(1), mac(2), mac(9), "de:ad:00:00:00:00", "33:33:00:00:00:01", "00:00:00:00:00:00"]),
    st.sampled_from([mac(1), mac(2), mac(3), BROADCAST, "00:00:00:00:00:00", "de:ad:00:00:00:00"]),
    st.lists(st.sampled_from([0x8100, 0x88A8, 0x9100, 0x0800, 0x0806, 0x86DD, 0x88B5, 0x0026, 2, 3]), max_size=6).map(
        lambda words: b"".join(struct.pack(">H", word) for word in words)
    ),
    st.binary(max_size=80),
)


def test_anything_at_all() -> None:
    """Interpreted, a wrong access raises an exception."""
    with Engine(workers=0, interpret=True) as engine:
        lab = Lab(engine)
        configure(lab)

        @settings(max_examples=150, deadline=None)
        @given(frames=st.lists(st.tuples(st.integers(0, 2), FRAMES), min_size=1, max_size=4))
        def send(frames: list[tuple[int, bytes]]) -> None:
            for port, data in frames:
                lab.send_raw(lab.ports[port], data)
            engine[L2Fib].remove_all(keep=BVI_ENTRY)

        send()


def test_no_buffer_is_lost(lab: Lab) -> None:
    """Flooded, dropped, answered, sent to layer 3: every buffer comes back."""
    configure(lab)

    def free() -> int:
        return pool.free + workers[0].cache.count

    before = free()
    for whole in WHOLE:
        for port in lab.ports:
            lab.send_raw(port, *[bytes(whole)] * 3)
    assert free() == before


def test_when_buffers_are_short_copies_are_counted_as_failed() -> None:
    with Engine(workers=0, interpret=False, buffers=64) as engine:
        lab = Lab(engine)
        for port in lab.pg(8):
            lab.cli(f"set interface l2 bridge {port.name} 1")
        lab.send_raw(lab.ports[0], *[bytes(WHOLE[0])] * 20)
        assert lab.errors()["l2-flood", "L2 replication failures"] > 0
