"""Messages of VXLAN."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from .served import Served

ANY = 0xFFFFFFFF
SW_IF_INDEX, NO_FIB, NO_ENTRY, VALUE, NO_TUNNEL = -2, -3, -6, -7, -10
EXISTS, DECAP_NEXT, SAME, FAMILY, IN_USE, UNSPECIFIED = -75, -76, -82, -97, -147, -1


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        running.run(lambda lab: lab.pg(1))
        yield running


def tunnel(**fields: Any) -> dict[str, Any]:
    """A tunnel's fields, such as are in all three messages."""
    given = {
        "is_add": True,
        "instance": ANY,
        "src_address": "10.0.0.1",
        "dst_address": "10.0.0.2",
        "mcast_sw_if_index": ANY,
        "encap_vrf_id": 0,
        "decap_next_index": ANY,
        "vni": 13,
    }
    return given | fields


@pytest.mark.parametrize("version", ["", "_v2", "_v3"])
@pytest.mark.parametrize(("src", "dst"), [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")])
def test_made_listed_deleted(served: Served, vpp: Any, version: str, src: str, dst: str) -> None:
    add_del = getattr(vpp.api, f"vxlan_add_del_tunnel{version}")
    ports = {} if not version else {"src_port": 5000, "dst_port": 6000}
    fields = tunnel(src_address=src, dst_address=dst, instance=7, **ports)
    made = add_del(**fields)
    assert made.retval == 0
    (found,) = vpp.api.vxlan_tunnel_v2_dump(sw_if_index=made.sw_if_index)
    assert (found.src_address, found.dst_address) == (ip_address(src), ip_address(dst))
    assert (found.vni, found.instance, found.encap_vrf_id, found.decap_next_index) == (13, 7, 0, 1)
    assert (found.src_port, found.dst_port) == ((5000, 6000) if version else (4789, 4789))
    assert [each.sw_if_index for each in vpp.api.vxlan_tunnel_dump(sw_if_index=ANY)] == [made.sw_if_index]
    assert vpp.api.vxlan_tunnel_dump(sw_if_index=0) == []
    (interface,) = vpp.api.sw_interface_dump(name_filter="vxlan_tunnel7", name_filter_valid=True)
    assert interface.sw_if_index == made.sw_if_index
    assert add_del(**fields).retval == EXISTS
    gone = add_del(**(fields | {"is_add": False}))
    assert (gone.retval, gone.sw_if_index) == (0, made.sw_if_index)
    assert add_del(**(fields | {"is_add": False})).retval == NO_ENTRY
    assert vpp.api.vxlan_tunnel_v2_dump(sw_if_index=ANY) == []


def test_to_a_group(served: Served, vpp: Any) -> None:
    (port,) = served.run(lambda lab: [each.sw_if_index for each in lab.ports])
    made = vpp.api.vxlan_add_del_tunnel_v3(**tunnel(dst_address="239.1.1.1", mcast_sw_if_index=port))
    assert made.retval == 0
    (found,) = vpp.api.vxlan_tunnel_dump(sw_if_index=ANY)
    assert found.mcast_sw_if_index == port
    deleted = vpp.api.vxlan_add_del_tunnel_v3(**tunnel(dst_address="239.1.1.1", is_add=False))
    assert deleted.retval == 0


def test_what_cannot_be(served: Served, vpp: Any) -> None:
    """VPP's return values; and nothing is made."""
    add = vpp.api.vxlan_add_del_tunnel_v3
    made = add(**tunnel(instance=3))
    expected = {
        SAME: {"dst_address": "10.0.0.1"},
        NO_FIB: {"encap_vrf_id": 77, "vni": 14},
        VALUE: {"dst_address": "2001:db8::1"},
        SW_IF_INDEX: {"dst_address": "239.1.1.1"},
        DECAP_NEXT: {"decap_next_index": 99, "vni": 14},
        IN_USE: {"instance": 3, "vni": 14},
    }
    assert {code: add(**tunnel(**fields)).retval for code, fields in expected.items()} == {
        code: code for code in expected
    }
    assert len(vpp.api.vxlan_tunnel_dump(sw_if_index=ANY)) == 1
    assert add(**tunnel(is_add=False)).sw_if_index == made.sw_if_index


def test_without_ethernet_and_ways_out(served: Served, vpp: Any) -> None:
    """A number that `get_next_index' gives; an l3 tunnel has no MAC address."""
    way = vpp.api.get_next_index(node_name="vxlan4-input", next_name="ethernet-input").next_index
    made = vpp.api.vxlan_add_del_tunnel_v3(**tunnel(decap_next_index=way))
    (found,) = vpp.api.vxlan_tunnel_v2_dump(sw_if_index=made.sw_if_index)
    assert found.decap_next_index == way
    vpp.api.vxlan_add_del_tunnel_v3(**tunnel(is_add=False))
    made = vpp.api.vxlan_add_del_tunnel_v3(**tunnel(is_l3=True))
    (interface,) = vpp.api.sw_interface_dump(sw_if_index=made.sw_if_index)
    assert str(interface.l2_address) == "00:00:00:00:00:00"
    vpp.api.vxlan_add_del_tunnel_v3(**tunnel(is_add=False))


@pytest.mark.parametrize(("ipv6", "node"), [(False, "ip4-vxlan-bypass"), (True, "ip6-vxlan-bypass")])
def test_bypass(served: Served, vpp: Any, ipv6: bool, node: str) -> None:
    (port,) = served.run(lambda lab: [each.sw_if_index for each in lab.ports])
    for enable in (True, True, False):
        assert vpp.api.sw_interface_set_vxlan_bypass(sw_if_index=port, is_ipv6=ipv6, enable=enable).retval == 0
        assert (node in vpp.api.cli_inband(cmd="show interface pg0 features").reply) == enable
    assert vpp.api.sw_interface_set_vxlan_bypass(sw_if_index=999, is_ipv6=ipv6).retval == SW_IF_INDEX


def test_offload(served: Served, vpp: Any) -> None:
    """VPP's checks; then that no device does it."""
    (port,) = served.run(lambda lab: [each.sw_if_index for each in lab.ports])
    four = vpp.api.vxlan_add_del_tunnel_v3(**tunnel()).sw_if_index
    six = vpp.api.vxlan_add_del_tunnel_v3(**tunnel(src_address="2001:db8::1", dst_address="2001:db8::2")).sw_if_index
    ask = vpp.api.vxlan_offload_rx
    assert ask(hw_if_index=port, sw_if_index=port).retval == NO_TUNNEL
    assert ask(hw_if_index=port, sw_if_index=six).retval == FAMILY
    assert ask(hw_if_index=port, sw_if_index=four).retval == UNSPECIFIED
    assert ask(hw_if_index=port, sw_if_index=four, enable=False).retval == 0
    vpp.api.vxlan_add_del_tunnel_v3(**tunnel(is_add=False))
    vpp.api.vxlan_add_del_tunnel_v3(**tunnel(src_address="2001:db8::1", dst_address="2001:db8::2", is_add=False))
