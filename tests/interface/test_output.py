"""What leaves by interfaces is counted, at each and at its device, whether all packets of a vector are alike or not."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from tests.conftest import Lab

from weft.features.interface.model import Interfaces, tx, tx_unicast

TAG = 4
SHORT, LONG = 60, 3000  # bytes without a tag: one buffer, and two


def frame(vlan: int, size: int = SHORT) -> bytes:
    """For VLAN ``vlan``, from a host that is new to nobody."""
    made = Ether(dst="02:00:00:00:00:99", src="02:00:00:00:00:01") / Dot1Q(vlan=vlan)
    return bytes(made / Raw(bytes(size + TAG - len(made))))


@pytest.fixture
def trunk(lab: Lab) -> Lab:
    """VLANs 2, 3 and 4 of pg0 are cross-connected with those of pg1; pg1.4 is down."""
    lab.pg(2)
    for vlan in (2, 3, 4):
        for port in ("pg0", "pg1"):
            lab.cli(f"create sub-interfaces {port} {vlan}\nset interface state {port}.{vlan} up")
        lab.cli(f"set interface l2 xconnect pg0.{vlan} pg1.{vlan}\nset interface l2 xconnect pg1.{vlan} pg0.{vlan}")
    lab.cli("set interface state pg1.4 down")
    return lab


def sent(lab: Lab, name: str) -> tuple[int, int]:
    return tx.read(lab.engine[Interfaces][name].sw_if_index)


@pytest.mark.parametrize(
    "frames",
    [
        [(2, SHORT)] * 5,
        [(2, SHORT), (3, SHORT)] * 3,
        [(2, SHORT)] * 3 + [(2, LONG)],
        [(3, LONG), (2, SHORT), (3, SHORT), (2, LONG)],
        [(4, SHORT)] * 2,
        [(4, SHORT), (2, SHORT)],
    ],
)
def test_what_leaves_is_counted(trunk: Lab, frames: list[tuple[int, int]]) -> None:
    lab = trunk
    left = lab.send_raw(lab.ports[0], *(frame(vlan, size) for vlan, size in frames))
    fine = [(vlan, size + TAG) for vlan, size in frames if vlan != 4]
    assert [(data[15], len(data)) for data in left.get("pg1", [])] == fine
    for vlan in (2, 3, 4):
        sizes = [size for of, size in fine if of == vlan]
        assert sent(lab, f"pg1.{vlan}") == (len(sizes), sum(sizes))
    assert sent(lab, "pg1") == (len(fine), sum(size for _, size in fine))
    down = sum(vlan == 4 for vlan, _ in frames)
    assert lab.errors().get(("interface-output", "interface is down"), 0) == down


def test_features_of_what_leaves_are_passed_by_each_packet(trunk: Lab) -> None:
    lab = trunk
    lab.cli("set interface feature pg1.3 stats-collect-tx arc interface-output")
    lab.send_raw(lab.ports[0], frame(3), frame(3))
    lab.send_raw(lab.ports[0], frame(2), frame(3))
    assert tx_unicast.read(lab.engine[Interfaces]["pg1.3"].sw_if_index) == (3, 3 * (SHORT + TAG))
    assert sent(lab, "pg1") == (4, 4 * (SHORT + TAG))
