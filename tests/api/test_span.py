"""Messages of port mirroring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from .served import Served

INVALID_SW_IF_INDEX, INVALID_VALUE, INVALID_INTERFACE = -2, -7, -71
FRAME = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88B5) / Raw(bytes(46))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        running.run(lambda lab: lab.pg(2))
        yield running


@pytest.mark.parametrize("l2", [False, True])
def test_a_mirror(served: Served, vpp: Any, l2: bool) -> None:
    source, copy = served.run(lambda lab: [port.sw_if_index for port in lab.ports])
    if l2:
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=source, bd_id=5)
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=copy, bd_id=6)
    mirror = {"sw_if_index_from": source, "sw_if_index_to": copy, "is_l2": l2}
    for state in (1, 3, 2):
        assert vpp.api.sw_interface_span_enable_disable(state=state, **mirror).retval == 0
        (found,) = vpp.api.sw_interface_span_dump(is_l2=l2)
        assert (found.sw_if_index_from, found.sw_if_index_to, int(found.state)) == (source, copy, state)
        assert vpp.api.sw_interface_span_dump(is_l2=not l2) == []
        out = served.run(lambda lab: lab.send(lab.ports[0], FRAME))
        assert set(out) == ({"pg1"} if state & 1 else set())
    assert vpp.api.sw_interface_span_enable_disable(state=0, **mirror).retval == 0
    assert vpp.api.sw_interface_span_dump(is_l2=l2) == []
    for each in (source, copy):
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=each, enable=False)


def test_mirrors_that_cannot_be(served: Served, vpp: Any) -> None:
    source, copy = served.run(lambda lab: [port.sw_if_index for port in lab.ports])
    mirror = vpp.api.sw_interface_span_enable_disable
    assert mirror(sw_if_index_from=999, sw_if_index_to=copy, state=1).retval == INVALID_SW_IF_INDEX
    assert mirror(sw_if_index_from=source, sw_if_index_to=999, state=1).retval == INVALID_SW_IF_INDEX
    assert mirror(sw_if_index_from=source, sw_if_index_to=source, state=1).retval == INVALID_INTERFACE
    assert mirror(sw_if_index_from=source, sw_if_index_to=copy, state=4).retval == INVALID_VALUE
    assert vpp.api.sw_interface_span_dump() == []
