"""Tag rewrite: what the frame's bytes are after each operation, in and out (IEEE 802.1Q 9.3 to 9.6)."""

from __future__ import annotations

import struct

import pytest
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, mac

from weft.core import memory
from weft.core.buffer import HEADROOM, buffer_at
from weft.core.cli import CliError
from weft.core.runtime import workers
from weft.core.worker import allocate_packet
from weft.features.l2.layout import ports
from weft.features.l2.rewrite import rewrite_tags

Tags = list[tuple[int, int]]  #: (ethertype, VLAN), the outer one first
Q, AD = 0x8100, 0x88A8
PAYLOAD = b"\x88\xb5" + bytes(range(50))
MACS = bytes.fromhex(BROADCAST.replace(":", "")) + bytes.fromhex(mac(1).replace(":", ""))


def tagged(tags: Tags, payload: bytes = PAYLOAD) -> bytes:
    return MACS + b"".join(struct.pack(">HH", *tag) for tag in tags) + payload


def trunk(lab: Lab, kind: str, rewrite: str) -> None:
    """pg0 with a sub-interface of this kind and rewrite, pg1 without: bridged."""
    lab.pg(2)
    lab.cli(f"create sub-interfaces pg0 7 {kind}\nset interface state pg0.7 up")
    lab.cli("set interface l2 bridge pg0.7 1\nset interface l2 bridge pg1 1")
    lab.cli(f"set interface l2 tag-rewrite pg0.7 {rewrite}")


ONE = "dot1q 7"
ONE_AD = "dot1ad 7"
TWO = "dot1q 7 inner-dot1q 8"
TWO_AD = "dot1ad 7 inner-dot1q 8"

#: The sub-interface, its rewrite, the tags on its wire, and those behind it.
CASES = [
    (ONE, "disable", [(Q, 7)], [(Q, 7)]),
    (ONE, "pop 1", [(Q, 7)], []),
    (ONE_AD, "pop 1", [(AD, 7)], []),
    (TWO, "pop 1", [(Q, 7), (Q, 8)], [(Q, 8)]),
    (TWO, "pop 2", [(Q, 7), (Q, 8)], []),
    (TWO_AD, "pop 2", [(AD, 7), (Q, 8)], []),
    (ONE, "push dot1q 100", [(Q, 7)], [(Q, 100), (Q, 7)]),
    (ONE, "push dot1ad 100", [(Q, 7)], [(AD, 100), (Q, 7)]),
    (ONE, "push dot1ad 100 200", [(Q, 7)], [(AD, 100), (Q, 200), (Q, 7)]),
    (ONE, "translate 1-1 dot1q 100", [(Q, 7)], [(Q, 100)]),
    (ONE_AD, "translate 1-1 dot1q 100", [(AD, 7)], [(Q, 100)]),
    (ONE, "translate 1-1 dot1ad 100", [(Q, 7)], [(AD, 100)]),
    (ONE, "translate 1-2 dot1q 100 200", [(Q, 7)], [(Q, 100), (Q, 200)]),
    (TWO, "translate 1-2 dot1ad 100 200", [(Q, 7), (Q, 8)], [(AD, 100), (Q, 200), (Q, 8)]),
    (TWO, "translate 2-1 dot1q 100", [(Q, 7), (Q, 8)], [(Q, 100)]),
    (TWO_AD, "translate 2-2 dot1ad 100 200", [(AD, 7), (Q, 8)], [(AD, 100), (Q, 200)]),
    (TWO_AD, "translate 2-2 dot1q 4094 1", [(AD, 7), (Q, 8)], [(Q, 4094), (Q, 1)]),
]


@pytest.mark.parametrize(("kind", "rewrite", "wire", "behind"), CASES)
def test_rewrite_in_and_out(lab: Lab, kind: str, rewrite: str, wire: Tags, behind: Tags) -> None:
    trunk(lab, kind, rewrite)
    a, b = lab.ports
    assert lab.send_raw(a, tagged(wire)) == {"pg1": [tagged(behind)]}
    assert lab.send_raw(b, tagged(behind)) == {"pg0": [tagged(wire)]}


@pytest.mark.parametrize("length", [0, 1, 46, 1500, 2048 - 18, 2048, 9000])
def test_frames_of_all_lengths(lab: Lab, length: int) -> None:
    """Whether they fit into a buffer or not."""
    trunk(lab, ONE, "pop 1")
    payload = b"\x88\xb5" + bytes(i & 255 for i in range(length))
    assert lab.send_raw(lab.ports[0], tagged([(Q, 7)], payload)) == {"pg1": [tagged([], payload)]}
    assert lab.send_raw(lab.ports[1], tagged([], payload)) == {"pg0": [tagged([(Q, 7)], payload)]}


def test_copies_of_a_flooded_frame_have_their_own_tags(lab: Lab) -> None:
    trunk(lab, ONE, "pop 1")
    lab.cli(
        """create sub-interfaces pg1 9
        set interface state pg1.9 up
        set interface l2 bridge pg1.9 1
        set interface l2 tag-rewrite pg1.9 pop 1"""
    )
    (third,) = lab.pg(1)
    lab.cli("set interface l2 bridge pg2 1\nset interface l2 tag-rewrite pg2 push dot1q 300")
    out = lab.send_raw(lab.ports[0], tagged([(Q, 7)]))
    assert {name: sorted(packets) for name, packets in out.items()} == {"pg1": sorted([tagged([]), tagged([(Q, 9)])])}
    assert lab.errors()["l2-output", "L2 output tag rewrite drops"] == 1
    out = lab.send_raw(third, tagged([]))
    assert {name: sorted(packets) for name, packets in out.items()} == {
        "pg0": [tagged([(Q, 7), (Q, 300)])],
        "pg1": sorted([tagged([(Q, 300)]), tagged([(Q, 9), (Q, 300)])]),
    }


def test_fewer_tags_than_are_to_be_taken_off_on_the_way_out(lab: Lab) -> None:
    """What leaves by a port that pushes on the way in must have the tag that is popped on the way out."""
    lab.pg(2)
    lab.cli(
        "set interface l2 bridge pg0 1\nset interface l2 bridge pg1 1\nset interface l2 tag-rewrite pg0 push dot1q 5"
    )
    assert lab.send_raw(lab.ports[1], tagged([])) == {}
    assert lab.errors()["l2-output", "L2 output tag rewrite drops"] == 1
    assert lab.send_raw(lab.ports[1], tagged([(Q, 5)])) == {"pg0": [tagged([])]}


@pytest.mark.parametrize(("room", "done"), [(8, 1), (7, 0), (0, 0)])
def test_room_in_front_of_the_packet(lab: Lab, room: int, done: int) -> None:
    """Tags are put into the headroom; without room for both nothing is written."""
    (port,) = lab.pg(1)
    lab.cli("set interface l2 tag-rewrite pg0 push dot1q 5 6")
    pkt = buffer_at(lab.engine.call(allocate_packet, workers[0].cache, 64))
    pkt.current_data = room - HEADROOM
    pkt.l2_len = 14
    memory.write(pkt.data, tagged([]))
    before = memory.read(pkt.address, HEADROOM + 2048)
    assert rewrite_tags(pkt, ports[port.sw_if_index].input_rewrite) == done
    if done:
        assert memory.read(pkt.data, 72) == tagged([(Q, 5), (Q, 6)])[:72]
        assert (pkt.current_length, pkt.l2_len) == (72, 22)
    else:
        assert memory.read(pkt.address, HEADROOM + 2048) == before


@pytest.mark.parametrize(
    ("interface", "rewrite"),
    [
        ("pg0", "pop 1"),
        ("pg0", "translate 1-1 dot1q 5"),
        ("pg0.7", "pop 2"),
        ("pg0.7", "translate 2-2 dot1q 5 6"),
        ("pg0.8", "pop 2"),
        ("pg0.9", "pop 1"),
        ("pg0.10", "pop 1"),
        ("pg0.7", "push dot1q 4095"),
        ("pg0.7", "push dot1q"),
        ("pg0.7", "pop 3"),
        ("pg0.7", "translate 1-2 dot1q 5"),
        ("pg0.7", "translate 2-1 dot1q 5 6"),
        ("pg0.7", "frobnicate"),
        ("local0", "push dot1q 5"),
    ],
)
def test_rewrites_that_cannot_be_undone_are_refused(lab: Lab, interface: str, rewrite: str) -> None:
    """What is taken off on the way in must be known, to be put on on the way out."""
    lab.pg(1)
    lab.cli(
        """create sub-interfaces pg0 7
        create sub-interfaces pg0 8 dot1q 8 inner-dot1q any
        create sub-interfaces pg0 9 dot1q any
        create sub-interfaces pg0 10 default"""
    )
    with pytest.raises(CliError) as refused:
        lab.cli(f"set interface l2 tag-rewrite {interface} {rewrite}")
    assert "\n" not in str(refused.value)


def test_any_inner_tag_may_stay(lab: Lab) -> None:
    trunk(lab, "dot1q 7 inner-dot1q any", "pop 1")
    assert lab.send_raw(lab.ports[0], tagged([(Q, 7), (Q, 77)])) == {"pg1": [tagged([(Q, 77)])]}


def test_cross_connected_sub_interfaces_translate(lab: Lab) -> None:
    a, b = lab.pg(2)
    lab.cli(
        """create sub-interfaces pg0 7
        create sub-interfaces pg1 9
        set interface state pg0.7 up
        set interface state pg1.9 up
        set interface l2 xconnect pg0.7 pg1.9
        set interface l2 xconnect pg1.9 pg0.7
        set interface l2 tag-rewrite pg0.7 pop 1
        set interface l2 tag-rewrite pg1.9 pop 1"""
    )
    assert lab.send_raw(a, tagged([(Q, 7)])) == {"pg1": [tagged([(Q, 9)])]}
    assert lab.send_raw(b, tagged([(Q, 9)])) == {"pg0": [tagged([(Q, 7)])]}


def test_priority_is_not_kept(lab: Lab) -> None:
    """As in VPP: a tag that is put on has priority 0."""
    trunk(lab, ONE, "translate 1-1 dot1q 100")
    out = lab.send_raw(lab.ports[0], MACS + struct.pack(">HH", Q, 5 << 13 | 7) + PAYLOAD)
    assert out == {"pg1": [tagged([(Q, 100)])]}


def test_back_at_layer_3_a_rewrite_is_forgotten(lab: Lab) -> None:
    trunk(lab, ONE, "pop 1")
    lab.cli("set interface l3 pg0.7\nset interface l2 bridge pg0.7 1")
    assert lab.send_raw(lab.ports[0], tagged([(Q, 7)])) == {"pg1": [tagged([(Q, 7)])]}
