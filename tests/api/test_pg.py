"""Messages of the packet generator, as VPP's own test tools use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

from .served import Served

INVALID_SW_IF_INDEX, INVALID_VALUE, IF_ALREADY_EXISTS, CANNOT_ENABLE = -2, -7, -79, -100
FRAME = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88B5) / Raw(bytes(46))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


def test_packets_from_a_file_to_a_file(served: Served, vpp: Any, tmp_path: Path) -> None:
    """As VPP's test framework does it: interfaces, a stream from a file, a capture, enable, stop."""
    ports = [vpp.api.pg_create_interface_v2(interface_id=n, mode=0).sw_if_index for n in (0, 1)]
    for index, other in (ports, ports[::-1]):
        vpp.api.sw_interface_set_flags(sw_if_index=index, flags=1)
        assert vpp.api.sw_interface_set_l2_xconnect(rx_sw_if_index=index, tx_sw_if_index=other).retval == 0
    wrpcap(str(tmp_path / "in.pcap"), [FRAME] * 3)
    capture = {"interface_id": 1, "pcap_file_name": str(tmp_path / "out.pcap")}
    assert vpp.api.pg_capture(is_enabled=False, **capture).retval == 0, "ending what never began succeeds"
    assert vpp.api.pg_capture(count=2, **capture).retval == 0
    stream = f"packet-generator new pcap {tmp_path}/in.pcap source pg0 name mine limit 3"
    assert vpp.api.cli_inband(cmd=stream).retval == 0
    assert vpp.api.pg_enable_disable(stream_name="mine").retval == 0
    served.run(lambda lab: lab.engine.step())
    assert vpp.api.pg_capture(is_enabled=False, **capture).retval == 0
    assert [bytes(each) for each in rdpcap(str(tmp_path / "out.pcap"))] == [bytes(FRAME)] * 2
    assert vpp.api.pg_enable_disable(is_enabled=False, stream_name="").retval == 0
    assert vpp.api.pg_enable_disable(stream_name="nothing").retval == INVALID_VALUE
    for index in ports:
        assert vpp.api.pg_delete_interface(sw_if_index=index).retval == 0
    assert [each.interface_name for each in vpp.api.sw_interface_dump()] == ["local0"]


def test_packets_without_layer_2(served: Served, vpp: Any) -> None:
    made = [vpp.api.pg_create_interface_v3(interface_id=n, mode=1) for n in (2, 3)]
    assert [each.retval for each in made] == [0, 0]
    served.cli(
        """set interface state pg2 up
        set interface state pg3 up
        set interface ip address pg2 10.2.0.1/24
        set interface ip address pg3 10.3.0.1/24
        ip route add 10.9.0.0/16 via pg3"""
    )

    def forward(lab: Any) -> list[bytes]:
        from weft.features.interface.model import Interfaces
        from weft.features.pg.model import PacketGenerator

        two, three = (lab.engine[Interfaces][name] for name in ("pg2", "pg3"))
        lab.engine[PacketGenerator].capture(three)
        lab.engine[PacketGenerator].send(two, [bytes(IP(src="10.2.0.2", dst="10.9.1.1", ttl=9) / UDP())])
        return list(lab.engine[PacketGenerator].captured(three))

    (out,) = served.run(forward)
    assert (IP(out).dst, IP(out).ttl) == ("10.9.1.1", 8)
    for each in made:
        vpp.api.pg_delete_interface(sw_if_index=each.sw_if_index)


def test_interfaces_that_cannot_be(vpp: Any) -> None:
    first = vpp.api.pg_create_interface(interface_id=5)
    assert vpp.api.pg_create_interface(interface_id=5).sw_if_index == first.sw_if_index, "it is the same one"
    assert vpp.api.pg_create_interface_v2(interface_id=5, mode=1).retval == IF_ALREADY_EXISTS
    assert vpp.api.pg_create_interface(interface_id=70000).retval == INVALID_VALUE
    assert vpp.api.pg_create_interface_v3(interface_id=6, mode=9).retval == INVALID_VALUE
    assert vpp.api.pg_create_interface_v3(interface_id=6, pg_flags=2).retval == INVALID_VALUE
    assert vpp.api.pg_create_interface_v3(interface_id=6, pg_flags=4).retval == CANNOT_ENABLE
    assert vpp.api.pg_delete_interface(sw_if_index=0).retval == INVALID_SW_IF_INDEX
    coalesce = vpp.api.pg_interface_enable_disable_coalesce
    assert coalesce(sw_if_index=first.sw_if_index, coalesce_enabled=True).retval == CANNOT_ENABLE
    large = vpp.api.pg_create_interface(interface_id=7, gso_enabled=True, gso_size=1448)
    assert coalesce(sw_if_index=large.sw_if_index, coalesce_enabled=True).retval == 0
    assert coalesce(sw_if_index=large.sw_if_index, coalesce_enabled=False).retval == 0
    for made in (first, large):
        assert vpp.api.pg_delete_interface(sw_if_index=made.sw_if_index).retval == 0


def test_captures_that_cannot_be(vpp: Any, tmp_path: Path) -> None:
    made = vpp.api.pg_create_interface(interface_id=8)
    assert vpp.api.pg_capture(interface_id=99, pcap_file_name=str(tmp_path / "x")).retval == INVALID_SW_IF_INDEX
    assert vpp.api.pg_capture(interface_id=8, pcap_file_name="").retval < 0
    assert vpp.api.pg_delete_interface(sw_if_index=made.sw_if_index).retval == 0
