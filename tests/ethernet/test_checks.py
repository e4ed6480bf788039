"""What ethernet-input refuses, and under which name it is counted."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import LLC, SNAP, Dot1Q, Dot3, Ether
from scapy.packet import Raw
from tests.conftest import Lab
from tests.ethernet.layer3 import EXPERIMENT, seen, watch
from tests.ethernet.test_matching import PAYLOAD, PORT_MAC, add, stack

from weft.features.interface.model import Interface, drops, punts, rx

SOURCE = "02:00:00:00:00:01"
TOO_SHORT = ("ethernet-input", "l2 too short")
UNKNOWN_TYPE = ("ethernet-input", "unknown ethernet type")


@pytest.fixture
def port(lab: Lab) -> Interface:
    """pg0 with pg0.2, up; what reaches layer 3 leaves by pg1."""
    made = lab.pg(2)
    watch(lab, made[1])
    add(lab, "create sub-interfaces pg0 2")
    return made[0]


def to(destination: str, *tags: int) -> Ether:
    frame = Ether(dst=destination, src=SOURCE, type=0x8100 if tags else EXPERIMENT)
    for position, vlan in enumerate(tags):
        frame = frame / Dot1Q(vlan=vlan, type=0x8100 if position + 1 < len(tags) else EXPERIMENT)
    return frame / Raw(PAYLOAD)


@pytest.mark.parametrize("tags", [(), (2,)])
@pytest.mark.parametrize(
    ("destination", "taken"),
    [(PORT_MAC, True), ("ff:ff:ff:ff:ff:ff", True), ("01:00:5e:00:00:01", True), ("02:00:00:00:00:09", False)],
)
def test_layer_3_takes_its_own_frames_and_those_for_groups(
    lab: Lab, port: Interface, destination: str, taken: bool, tags: tuple[int, ...]
) -> None:
    assert bool(seen(lab, port, [to(destination, *tags)])) == taken
    assert lab.errors() == ({} if taken else {("ethernet-input", "l3 mac mismatch"): 1})
    assert drops.read(port.sw_if_index) == (not taken)


def test_a_new_mac_address_is_the_one_that_counts(lab: Lab, port: Interface) -> None:
    lab.cli("set interface mac address pg0 02:00:00:00:00:77")
    for tags in ((), (2,)):
        assert len(seen(lab, port, [to(PORT_MAC, *tags), to("02:00:00:00:00:77", *tags)])) == 1


def test_a_sub_interface_that_is_down_takes_nothing(lab: Lab, port: Interface) -> None:
    lab.cli("set interface state pg0.2 down")
    assert seen(lab, port, [stack("2")]) == []
    assert lab.errors() == {("ethernet-input", "subinterface down"): 1}
    assert rx.read(port.subs[2].sw_if_index) == (0, 0)
    assert drops.read(port.sw_if_index) == 1


def test_an_interface_that_is_down_takes_nothing(lab: Lab, port: Interface) -> None:
    lab.cli("set interface state pg0 down")
    assert seen(lab, port, [stack(""), stack("2")]) == []
    assert lab.errors() == {("ethernet-input", "subinterface down"): 2}


def test_an_unknown_protocol_is_punted(lab: Lab, port: Interface) -> None:
    frames = [Ether(dst=PORT_MAC, src=SOURCE, type=0x88B6) / Raw(PAYLOAD)]
    frames.append(Ether(dst=PORT_MAC, src=SOURCE, type=0x8100) / Dot1Q(vlan=2, type=0x88B6) / Raw(PAYLOAD))
    assert seen(lab, port, frames) == []
    assert lab.errors() == {UNKNOWN_TYPE: 2}
    assert (punts.read(port.sw_if_index), punts.read(port.subs[2].sw_if_index)) == (1, 1)


def llc(length: int | None = None, **fields: int) -> bytes:
    """An IEEE 802.3 frame with LLC and, for SAP 0xaa, SNAP."""
    header = {"dsap": 0xAA, "ssap": 0xAA, "ctrl": 3, "oui": 0, "code": EXPERIMENT} | fields
    sap = LLC(dsap=header["dsap"], ssap=header["ssap"], ctrl=header["ctrl"])
    body = sap / SNAP(OUI=header["oui"], code=header["code"]) / Raw(PAYLOAD)
    return bytes(Dot3(dst=PORT_MAC, src=SOURCE, len=len(body) if length is None else length) / body)


def test_snap_names_a_protocol_by_its_ethertype(lab: Lab, port: Interface) -> None:
    found = seen(lab, port, [llc()])
    assert [(each.interface, each.payload) for each in found] == [("pg0", PAYLOAD)]


@pytest.mark.parametrize(
    ("frame", "node", "reason"),
    [
        (llc(length=200), "ethernet-input", "llc length > packet length"),
        (llc(length=2), "ethernet-input", "llc length > packet length"),
        (llc(length=6), "ethernet-input", "llc length > packet length"),
        (llc()[:20], "ethernet-input", "llc length > packet length"),
        (llc(dsap=0x42, ssap=0x42), "llc-input", "unknown llc ssap/dsap"),
        (llc(ctrl=0x13), "llc-input", "control != 0x3"),
        (llc(oui=0x00000C), "snap-input", "unknown oui/snap protocol"),
        (llc(code=0x0100), "snap-input", "unknown oui/snap protocol"),
        (llc(code=0x88B6), "ethernet-input", "unknown ethernet type"),
    ],
)
def test_bad_llc_frames(lab: Lab, port: Interface, frame: bytes, node: str, reason: str) -> None:
    assert seen(lab, port, [frame]) == []
    assert lab.errors() == {(node, reason): 1}


def test_headers_cut_at_every_byte(lab: Lab, port: Interface) -> None:
    """Five tags: only three are read, so three must be there."""
    add(lab, "create sub-interfaces pg0 50 default")
    whole = bytes(stack("7 1 2 3 4"))
    for length in range(1, len(whole)):
        lab.send_raw(port, whole[:length])
    short = 13 + 4 * 3
    assert lab.errors() == {TOO_SHORT: short, UNKNOWN_TYPE: len(whole) - 1 - short}


@pytest.mark.parametrize(("tags", "header"), [("", 14), ("2", 18)])
def test_an_empty_payload_is_still_a_packet(lab: Lab, port: Interface, tags: str, header: int) -> None:
    found = seen(lab, port, [bytes(stack(tags))[:header], bytes(stack(tags))[: header - 1]])
    assert [each.payload for each in found] == [b""]
    assert lab.errors() == {TOO_SHORT: 1}


ETHERTYPES = st.sampled_from([0x8100, 0x88A8, 0x9100, 0x9200, 0x0800, EXPERIMENT, 0x0010, 0x0000, 0x05FF, 0x0600])
WORDS = st.one_of(ETHERTYPES, st.integers(0, 0xFFFF), st.sampled_from([2, 3, 4, 0x0FFF]))
FRAMES = st.tuples(
    st.sampled_from([PORT_MAC, "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:09"]),
    st.lists(WORDS, max_size=14),
    st.binary(max_size=9),
).map(
    lambda parts: (
        bytes.fromhex(parts[0].replace(":", "") + SOURCE.replace(":", ""))
        + b"".join(word.to_bytes(2, "big") for word in parts[1])
        + parts[2]
    )
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(FRAMES, min_size=1, max_size=8), cut=st.integers(0, 40))
def test_whatever_comes_is_delivered_or_counted(lab: Lab, frames: list[bytes], cut: int) -> None:
    """No frame, however cut, is read beyond its end (interpreted, that raises), lost, or counted twice."""
    if not lab.ports:
        watch(lab, lab.pg(2)[1])
        for command in ("2", "3 dot1q 3", "4 dot1q 4 inner-dot1q any", "5 dot1ad 2", "6 default"):
            add(lab, f"create sub-interfaces pg0 {command}")
    sent = [frame[: len(frame) - cut] for frame in frames if len(frame) > cut]
    before = sum(lab.errors().values())
    delivered = seen(lab, lab.ports[0], sent) if sent else []
    assert len(delivered) + sum(lab.errors().values()) - before == len(sent)
