"""Which (sub-)interface a frame belongs to: the rules of VPP, the most specific first."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab
from tests.ethernet.layer3 import EXPERIMENT, Seen, exit_, seen, watch

from weft import Engine
from weft.features.interface.model import Interface, Interfaces, rx, tx
from weft.features.pg.model import PacketGenerator

PORT_MAC = "02:fe:00:00:00:00"
PAYLOAD = b"payload of forty-six bytes and nothing further"

SUBS = """
    create sub-interfaces pg0 2
    create sub-interfaces pg0 3 dot1q 3
    create sub-interfaces pg0 4 dot1q 4 inner-dot1q 5 exact-match
    create sub-interfaces pg0 5 dot1q 4 inner-dot1q any
    create sub-interfaces pg0 6 dot1ad 2 exact-match
    create sub-interfaces pg0 7 dot1ad 7 inner-dot1q any exact-match
    create sub-interfaces pg0 8 dot1q 3 inner-dot1q 8
"""


def stack(tags: str) -> Packet:
    """A frame with tags: "3 9" is 802.1Q VLAN 3 around VLAN 9, "ad2" 802.1ad VLAN 2, "9100:2" that tag type."""
    frame: Packet = Ether(dst=PORT_MAC, src="02:00:00:00:00:01")
    kinds = [part if part[:2] == "ad" or ":" in part else f"8100:{part}" for part in tags.split()]
    types = [0x88A8 if kind[:2] == "ad" else int(kind.split(":")[0], 16) for kind in kinds] + [EXPERIMENT]
    frame.type = types[0]
    for kind, following in zip(kinds, types[1:], strict=True):
        vlan = int(kind[2:]) if kind[:2] == "ad" else int(kind.split(":")[1])
        frame = frame / (Dot1AD if kind[:2] == "ad" else Dot1Q)(vlan=vlan, type=following)
    return frame / Raw(PAYLOAD)


@pytest.fixture
def ports(lab: Lab) -> list[Interface]:
    """pg0 with the sub-interfaces above, all up; what reaches layer 3 leaves by pg1."""
    made = lab.pg(2)
    watch(lab, made[1])
    lab.cli(SUBS)
    for sub in made[0].subs.values():
        lab.engine[Interfaces].set_admin(sub, True)
    return made


def add(lab: Lab, command: str) -> None:
    name = lab.cli(command)
    lab.cli(f"set interface state {name} up")


MATCHES = [
    ("", "pg0"),
    ("2", "pg0.2"),
    ("9100:2", "pg0.2"),
    ("9200:2", "pg0.2"),
    ("2 9", None),  # pg0.2 takes exactly one tag
    ("3", "pg0.3"),
    ("3 9", "pg0.3"),
    ("3 8", "pg0.8"),
    ("4", None),
    ("4 5", "pg0.4"),
    ("4 6", "pg0.5"),
    ("ad2", "pg0.6"),
    ("ad2 9", None),
    ("ad7", None),
    ("ad7 9", "pg0.7"),
    ("99", None),
    ("ad99 1", None),
    ("0", "pg0"),  # a priority tag is no VLAN
]


@pytest.mark.parametrize(("tags", "name"), MATCHES)
def test_a_frame_goes_to_the_interface_that_its_tags_name(
    lab: Lab, ports: list[Interface], tags: str, name: str | None
) -> None:
    frame = stack(tags)
    found = seen(lab, ports[0], [frame])
    count = len(tags.split())
    if name is None:
        assert found == []
        assert lab.errors() == {("ethernet-input", "unknown vlan"): 1}
    else:
        assert found == [Seen(name, 14 + 4 * count, count, PAYLOAD)]
        taker = lab.engine[Interfaces][name]
        assert rx.read(taker.sw_if_index) == (1, len(frame))
    assert rx.read(ports[0].sw_if_index) == (1, len(frame))


DEEP = [("3 8 9", "pg0.8"), ("3 9 9", "pg0.3"), ("4 5 9", "pg0.5"), ("3 8 1 2 9", "pg0.8")]


@pytest.mark.parametrize(("tags", "name"), DEEP)
def test_three_and_more_tags_match_what_is_not_exact_and_end_at_layer_3(
    lab: Lab, ports: list[Interface], tags: str, name: str
) -> None:
    """Layer 3 is not looked for behind a third tag."""
    assert seen(lab, ports[0], [stack(tags)]) == []
    assert lab.errors() == {("ethernet-input", "unknown ethernet type"): 1}
    assert rx.read(lab.engine[Interfaces][name].sw_if_index)[0] == 1


def test_default_takes_tagged_frames_that_are_nobody_elses(lab: Lab, ports: list[Interface]) -> None:
    add(lab, "create sub-interfaces pg0 50 default")
    found = seen(lab, ports[0], [stack(tags) for tags in ("", "2", "2 9", "99", "0", "ad7")])
    assert [each.interface for each in found] == ["pg0", "pg0.2", "pg0.50", "pg0.50", "pg0.50", "pg0.50"]


def test_untagged_takes_frames_without_a_vlan(lab: Lab, ports: list[Interface]) -> None:
    add(lab, "create sub-interfaces pg0 51 untagged")
    found = seen(lab, ports[0], [stack(tags) for tags in ("", "0", "2")])
    assert [each.interface for each in found] == ["pg0.51", "pg0.51", "pg0.2"]
    lab.cli("delete sub-interface pg0.51")
    assert [each.interface for each in seen(lab, ports[0], [stack("")])] == ["pg0"]


def test_any_outer_vlan_comes_after_the_one_named(lab: Lab, ports: list[Interface]) -> None:
    add(lab, "create sub-interfaces pg0 52 dot1q any exact-match")
    add(lab, "create sub-interfaces pg0 53 dot1q any inner-dot1q 7 exact-match")
    found = seen(lab, ports[0], [stack(tags) for tags in ("2", "99", "99 7", "4 7", "4")])
    assert [each.interface for each in found] == ["pg0.2", "pg0.52", "pg0.53", "pg0.5", "pg0.52"]


def test_a_deleted_sub_interface_takes_nothing(lab: Lab, ports: list[Interface]) -> None:
    lab.cli("delete sub-interface pg0.4")
    assert [each.interface for each in seen(lab, ports[0], [stack("4 5")])] == ["pg0.5"]
    lab.cli("delete sub-interface pg0.5")
    lab.cli("delete sub-interface pg0.2")
    assert seen(lab, ports[0], [stack("4 5"), stack("2")]) == []
    add(lab, "create sub-interfaces pg0 2")
    assert [each.interface for each in seen(lab, ports[0], [stack("2")])] == ["pg0.2"]


def test_ports_keep_their_vlans_apart(lab: Lab) -> None:
    a, b, out = lab.pg(3)
    watch(lab, out)
    add(lab, "create sub-interfaces pg0 2")
    add(lab, "create sub-interfaces pg1 7 dot1q 2")
    assert [each.interface for each in seen(lab, a, [stack("2")])] == ["pg0.2"]
    frame = stack("2")
    frame[Ether].dst = b.mac
    assert [each.interface for each in seen(lab, b, [frame])] == ["pg1.7"]
    lab.cli("delete sub-interface pg1.7")
    assert [each.interface for each in seen(lab, a, [stack("2")])] == ["pg0.2"]
    assert seen(lab, b, [frame]) == []


def test_sub_interfaces_come_and_go_under_traffic() -> None:
    """A worker forwards all the while; every frame is delivered or counted."""
    with Engine(workers=1, interpret=False) as engine:
        interfaces, generator = engine[Interfaces], engine[PacketGenerator]
        port, out = generator.create("pg0"), generator.create("pg1")
        interfaces.set_admin(port, True)
        interfaces.set_admin(out, True)
        exit_.way_out = out.sw_if_index
        frames = [bytes(stack(tags)) for tags in ("", "2", "4 5", "ad2", "3 8 9")]
        generator.add("all", port, frames)
        generator.enable("all")
        for _ in range(20):
            for command in SUBS.strip().splitlines():
                name = engine.cli(command.strip())
                engine.cli(f"set interface state {name} up")
            for sub in list(port.subs.values()):
                engine.cli(f"delete sub-interface {sub.name}")
        generator.disable("all")
        sent = rx.read(port.sw_if_index)[0]
        counts = engine.graph.errors()
        left = tx.read(out.sw_if_index)[0]
    assert sent > 0
    assert left + sum(counts.values()) == sent
