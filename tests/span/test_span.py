"""Port mirroring: every copy is what passed, and what passes goes on as if nobody looked."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet
from tests.conftest import Lab
from tests.wiring import connect

from weft import Engine
from weft.core.buffer import pool
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.core.runtime import workers
from weft.features.interface.model import Interfaces
from weft.features.pg.model import PacketGenerator
from weft.features.span.model import BOTH, NEITHER, Direction, Mirror, Span
from weft.features.span.nodes import InputError

A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def frame(*tags: int, size: int = 60, src: str = A, dst: str = B) -> bytes:
    """A frame with these VLANs."""
    packet: Packet = Ether(src=src, dst=dst)
    for vlan in tags:
        packet /= Dot1Q(vlan=vlan)
    packet.lastlayer().type = 0x88B5
    head = bytes(packet)
    return head + bytes(n & 255 for n in range(size - len(head)))


@pytest.fixture
def wired(lab: Lab) -> Lab:
    """pg0 and pg1 are wired to each other; pg2 and pg3 are for copies."""
    a, b, _, _ = lab.pg(4)
    connect(lab.engine, a, b)
    return lab


def out(lab: Lab, port: int, *packets: bytes) -> dict[str, list[bytes]]:
    return lab.send_raw(lab.ports[port], *packets)


class TestDevice:
    def test_what_is_received(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx")
        sent = [frame(size=size) for size in (60, 1514)]
        assert out(wired, 0, *sent) == {"pg1": sent, "pg2": sent}
        assert out(wired, 1, *sent) == {"pg0": sent}

    def test_what_is_sent(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 tx")
        assert out(wired, 0, frame()) == {"pg1": [frame()]}
        assert out(wired, 1, frame()) == {"pg0": [frame()], "pg2": [frame()]}

    @pytest.mark.parametrize("words", ["both", ""])
    def test_both(self, wired: Lab, words: str) -> None:
        wired.cli(f"set interface span pg0 destination pg2 {words}")
        assert out(wired, 0, frame()) == {"pg1": [frame()], "pg2": [frame()]}
        assert out(wired, 1, frame()) == {"pg0": [frame()], "pg2": [frame()]}

    def test_chains_are_copied_whole(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx")
        sent = [frame(size=size) for size in (2048, 2049, 9000)]
        assert out(wired, 0, *sent) == {"pg1": sent, "pg2": sent}
        assert pool.free + workers[0].cache.count == pool.total

    def test_several_destinations_and_several_sources(self, wired: Lab) -> None:
        for source in ("pg0", "pg1"):
            for destination in ("pg2", "pg3"):
                wired.cli(f"set interface span {source} destination {destination} rx")
        assert out(wired, 0, frame()) == {name: [frame()] for name in ("pg1", "pg2", "pg3")}
        assert out(wired, 1, frame()) == {name: [frame()] for name in ("pg0", "pg2", "pg3")}
        wired.cli("set interface span pg0 destination pg2 disable")
        assert out(wired, 0, frame()) == {name: [frame()] for name in ("pg1", "pg3")}
        wired.cli("set interface span pg0 disable")
        assert out(wired, 0, frame()) == {"pg1": [frame()]}
        assert out(wired, 1, frame()) == {name: [frame()] for name in ("pg0", "pg2", "pg3")}

    def test_source_and_destination_of_the_same_packets(self, wired: Lab) -> None:
        """A packet's copy goes where the packet goes, too."""
        wired.cli("set interface span pg0 destination pg1 rx")
        assert out(wired, 0, frame()) == {"pg1": [frame(), frame()]}

    def test_mirrors_that_face_each_other(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2\nset interface span pg2 destination pg0")
        wired.cli("set interface span pg2 destination pg3")
        assert out(wired, 0, frame()) == {"pg1": [frame()], "pg2": [frame()]}

    def test_frames_for_somebody_else_are_mirrored_before_they_are_dropped(self, lab: Lab) -> None:
        lab.pg(2)
        lab.cli("set interface span pg0 destination pg1 rx")
        assert out(lab, 0, frame(99)) == {"pg1": [frame(99)]}

    def test_counters_of_the_destination(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx")
        out(wired, 0, frame(), frame())
        shown = wired.cli("show interface pg2").split()
        assert " ".join(shown[-6:]) == "tx packets 2 tx bytes 120"

    def test_a_destination_that_is_down(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx\nset interface state pg2 down")
        assert out(wired, 0, frame()) == {"pg1": [frame()]}
        assert wired.errors()["interface-output", "interface is down"] == 1
        wired.cli("set interface state pg2 up")
        assert out(wired, 0, frame()) == {"pg1": [frame()], "pg2": [frame()]}


def test_without_buffers_the_original_goes_on() -> None:
    with Engine(workers=0, buffers=100, interpret=False) as engine:
        generator = engine[PacketGenerator]
        a, b, c = (generator.create(f"pg{n}") for n in range(3))
        for port in (a, b, c):
            engine[Interfaces].set_admin(port, True)
            generator.capture(port)
        connect(engine, a, b)
        engine.cli("set interface span pg0 destination pg2 rx")
        sent = [frame(size=3000) for _ in range(40)]  # two buffers each, so ten of their copies find room
        generator.send(a, sent)
        assert generator.captured(b) == sent
        assert generator.captured(c) == sent[:10]
        assert engine.graph.errors()[InputError.NO_BUFFERS] == 30
        assert pool.free + workers[0].cache.count == pool.total == 100


class TestLayer2:
    @pytest.fixture
    def bridged(self, lab: Lab) -> Lab:
        """pg0.10 (whose tag is taken off) and pg1 in a bridge domain; pg2 and pg3.30 (which gets a tag) in others."""
        lab.pg(4)
        lab.cli(
            """create sub-interfaces pg0 10
            set interface state pg0.10 up
            set interface l2 bridge pg0.10 1
            set interface l2 tag-rewrite pg0.10 pop 1
            set interface l2 bridge pg1 1
            set interface l2 bridge pg2 2
            create sub-interfaces pg3 30
            set interface state pg3.30 up
            set interface l2 bridge pg3.30 3
            set interface l2 tag-rewrite pg3.30 pop 1"""
        )
        return lab

    def test_what_comes_in_has_its_tags_still(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg0.10 l2 destination pg2 rx")
        assert out(bridged, 0, frame(10)) == {"pg1": [frame(size=56)], "pg2": [frame(10)]}
        assert out(bridged, 1, frame(size=56, src=B, dst=A)) == {"pg0": [frame(10, src=B, dst=A)]}

    def test_what_leaves_has_its_tags_already(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg0.10 l2 destination pg2 tx")
        assert out(bridged, 0, frame(10)) == {"pg1": [frame(size=56)]}
        assert out(bridged, 1, frame(size=56, src=B, dst=A)) == {
            "pg0": [frame(10, src=B, dst=A)],
            "pg2": [frame(10, src=B, dst=A)],
        }

    def test_other_vlans_are_not_mirrored(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg0.10 l2 destination pg2")
        assert out(bridged, 0, frame(11)) == {}

    def test_the_destination_puts_its_own_tags_on(self, bridged: Lab) -> None:
        """A copy leaves as any packet would: pg3.30 pushes what it pops."""
        bridged.cli("set interface span pg1 l2 destination pg3.30 rx")
        assert out(bridged, 1, frame(size=56)) == {"pg0": [frame(10)], "pg3": [frame(30)]}

    def test_a_destination_outside_of_layer_2_gets_nothing(self, bridged: Lab) -> None:
        bridged.cli("set interface l3 pg2\nset interface span pg1 l2 destination pg2 rx")
        assert out(bridged, 1, frame()) == {"pg0": [frame(10, size=64)]}
        assert bridged.errors()["l2-output", "L2 Output interface not valid"] == 1

    def test_both_levels_at_a_time(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg1 l2 destination pg2 rx\nset interface span pg1 destination pg2 rx")
        assert out(bridged, 1, frame()) == {"pg0": [frame(10, size=64)], "pg2": [frame(), frame()]}

    def test_it_is_the_first_feature_of_all(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg0.10 l2 destination pg2")
        shown = bridged.cli("show interface features pg0.10")
        assert "\nl2-input:\n  span-l2-input\n  l2-input-vtr\n  l2-learn\n" in shown
        assert shown.endswith("\nl2-output:\n  span-l2-output\n")

    def test_an_interface_that_comes_back_to_layer_2(self, bridged: Lab) -> None:
        bridged.cli("set interface span pg1 l2 destination pg2 rx\nset interface l3 pg1")
        assert out(bridged, 1, frame()) == {}
        assert "l2" not in bridged.cli("show interface span").lower().splitlines()[1]
        bridged.cli("set interface l2 bridge pg1 1")
        assert out(bridged, 1, frame()) == {"pg0": [frame(10, size=64)], "pg2": [frame()]}


class TestSubInterfaces:
    @pytest.fixture
    def sub(self, lab: Lab) -> Lab:
        """pg0.10 and pg1 wired to each other."""
        lab.pg(3)
        lab.cli("create sub-interfaces pg0 10\nset interface state pg0.10 up")
        lab.cli("set interface l2 xconnect pg0.10 pg1\nset interface l2 xconnect pg1 pg0.10")
        return lab

    def test_a_device_sends_for_its_sub_interfaces(self, sub: Lab) -> None:
        sub.cli("set interface span pg0 destination pg2")
        assert out(sub, 0, frame(10)) == {"pg1": [frame(10)], "pg2": [frame(10)]}
        assert out(sub, 1, frame(10)) == {"pg0": [frame(10)], "pg2": [frame(10)]}

    def test_a_copy_does_not_change_with_the_original(self, sub: Lab) -> None:
        """What is received with a tag leaves pg1 without it; the copy keeps it."""
        sub.cli("set interface l2 tag-rewrite pg0.10 pop 1\nset interface span pg0 destination pg2 rx")
        assert out(sub, 0, frame(10)) == {"pg1": [frame(size=56)], "pg2": [frame(10)]}

    def test_also_for_those_that_come_later(self, lab: Lab) -> None:
        lab.pg(3)
        lab.cli(
            "set interface span pg0 destination pg2 tx\ncreate sub-interfaces pg0 20\nset interface state pg0.20 up"
        )
        lab.cli("set interface l2 xconnect pg1 pg0.20\nset interface l2 xconnect pg0.20 pg1")
        assert out(lab, 1, frame(20)) == {"pg0": [frame(20)], "pg2": [frame(20)]}
        lab.cli("set interface span pg0 disable")
        assert out(lab, 1, frame(20)) == {"pg0": [frame(20)]}

    def test_one_copy_for_both_of_them(self, sub: Lab) -> None:
        sub.cli("set interface span pg0 destination pg2 tx\nset interface span pg0.10 destination pg2 tx")
        assert out(sub, 1, frame(10)) == {"pg0": [frame(10)], "pg2": [frame(10)]}

    def test_only_what_the_sub_interface_sends(self, sub: Lab) -> None:
        said = sub.cli("set interface span pg0.10 destination pg2")
        assert said == "pg0 receives for pg0.10: to mirror that, mirror pg0, or l2"
        assert out(sub, 1, frame(10)) == {"pg0": [frame(10)], "pg2": [frame(10)]}

    def test_as_a_destination(self, lab: Lab) -> None:
        lab.pg(2)
        lab.cli("create sub-interfaces pg1 5\nset interface state pg1.5 up")
        lab.cli("set interface span pg0 destination pg1.5 rx")
        assert out(lab, 0, frame()) == {"pg1": [frame()]}
        lab.cli("set interface state pg1.5 down")
        assert out(lab, 0, frame()) == {}


class TestGoneInterfaces:
    def test_a_destination(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2\nset interface span pg0 l2 destination pg2")
        wired.cli("set interface span pg0 destination pg3 rx")
        wired.cli("delete packet-generator interface pg2")
        wired.ports.pop(2)
        assert out(wired, 0, frame()) == {"pg1": [frame()], "pg3": [frame()]}
        assert len(wired.cli("show interface span").splitlines()) == 2

    def test_a_source_and_who_gets_its_number(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2\nset interface span pg0 l2 destination pg2")
        heap = wired.engine.arena.heap_used()
        number = wired.ports[0].sw_if_index
        wired.cli("delete packet-generator interface pg0")
        assert wired.cli("show interface span") == ""
        assert wired.engine.arena.heap_used() < heap
        wired.cli("create packet-generator interface pg7\nset interface state pg7 up")
        assert wired.engine[Interfaces]["pg7"].sw_if_index == number
        wired.cli("set interface l2 xconnect pg7 pg1\nset interface l2 xconnect pg1 pg7")
        wired.ports.pop(0)
        port = wired.engine[Interfaces]["pg7"]
        assert wired.send_raw(port, frame()) == {"pg1": [frame()]}

    def test_a_sub_interface_of_a_mirrored_device(self, lab: Lab) -> None:
        lab.pg(2)
        lab.cli("set interface span pg0 destination pg1\ncreate sub-interfaces pg0 10\ncreate sub-interfaces pg1 11")
        lab.cli("set interface span pg0 destination pg1.11\ndelete sub-interface pg0.10\ndelete sub-interface pg1.11")
        assert lab.cli("show interface span").splitlines()[1].split() == ["pg0", "pg1", "(", "both)", "(", "none)"]
        assert out(lab, 0, frame()) == {"pg1": [frame()]}

    def test_a_sub_interface_that_its_own_device_is_mirrored_to(self, lab: Lab) -> None:
        lab.pg(1)
        used = lab.engine.arena.heap_used()
        lab.cli("create sub-interfaces pg0 10")
        tables = lab.engine.arena.heap_used() - used
        lab.cli("set interface span pg0 destination pg0.10 tx\ndelete sub-interface pg0.10")
        assert lab.cli("show interface span") == ""
        assert lab.engine.arena.heap_used() <= used + tables

    def test_all_memory_comes_back(self, wired: Lab) -> None:
        used = wired.engine.arena.heap_used()
        for words in ("destination pg2", "destination pg3 rx", "l2 destination pg3", "disable", "l2 disable"):
            wired.cli(f"set interface span pg0 {words}")
        assert wired.engine.arena.heap_used() == used
        assert "span" not in wired.cli("show interface features pg0")


class TestTrace:
    def test_each_copy_is_said(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx\nset interface span pg0 destination pg3 rx")
        wired.cli("trace add pg-input 1")
        out(wired, 0, frame(), frame())
        lines = wired.cli("show trace").splitlines()
        nodes = [line.partition(": ")[2] for line in lines if line[:3] == "00:"]
        assert nodes.count("span-input") == 2
        assert [line for line in lines if "SPAN" in line] == [
            "  SPAN: mirrored pg0 -> pg2",
            "  SPAN: mirrored pg0 -> pg3",
        ]
        assert {"pg1-tx", "pg2-tx", "pg3-tx"} <= set(nodes)
        assert lines.count(" " * 20 + "span-clone") == 2

    def test_what_is_not_mirrored_has_no_trace_of_it(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 rx\nset interface span pg2 destination pg3 tx")
        wired.cli("trace add pg-input 1")
        out(wired, 0, frame())
        assert "span-output" not in wired.cli("show trace")


class TestCommands:
    def test_show(self, wired: Lab) -> None:
        assert wired.cli("show interface span") == ""
        wired.cli("set interface span pg1 l2 destination pg0 tx\nset interface span pg0 destination pg2 rx")
        wired.cli("set interface span pg0 destination pg3\nset interface span pg0 l2 destination pg3 tx")
        assert wired.cli("show interface span").splitlines() == [
            "Source               Destination           Device      L2",
            "pg0                  pg2                  (    rx) (  none)",
            "                     pg3                  (  both) (    tx)",
            "pg1                  pg0                  (  none) (    tx)",
        ]

    def test_the_last_word_counts(self, wired: Lab) -> None:
        wired.cli("set interface span pg0 destination pg2 both\nset interface span pg0 destination pg2 tx")
        assert out(wired, 0, frame()) == {"pg1": [frame()]}

    @pytest.mark.parametrize(
        ("words", "answer"),
        [
            ("", "destination INTERFACE; or disable"),
            ("pg0", "destination INTERFACE; or disable"),
            ("pg0 destination pg0", "pg0 cannot be mirrored to itself"),
            ("pg0 destination nosuch", "unknown interface"),
            ("nosuch destination pg0", "unknown interface"),
            ("pg0 destination pg2 rx tx", "tx"),
            ("pg0 destination pg2 l3", "l3"),
        ],
    )
    def test_what_cannot_be_changes_nothing(self, wired: Lab, words: str, answer: str) -> None:
        with pytest.raises(CliError, match=answer if words else "interface"):
            wired.cli(f"set interface span {words}")
        assert wired.cli("show interface span") == ""

    def test_for_programs(self, wired: Lab) -> None:
        a, b, c, _ = wired.ports
        span = wired.engine[Span]
        span.set(a, c, 3)
        span.set(a, b, 1, l2=True)
        expected = [Mirror(a, c, BOTH, False), Mirror(a, b, Direction.RX, True)]
        assert list(span) == expected
        for source, destination, direction, error in (
            (a, a, 1, "INVALID_INTERFACE"),
            (a, None, 1, "INVALID_INTERFACE"),
            (a, c, 4, "UNIMPLEMENTED"),
            (a, c, -1, "UNIMPLEMENTED"),
        ):
            with pytest.raises(Invalid) as raised:
                span.set(source, destination, direction)
            assert raised.value.error == error
        assert list(span) == expected
        span.set(a, None, NEITHER)
        assert list(span) == expected[1:]
        span.set(a, c, 0)
        assert list(span) == expected[1:]
