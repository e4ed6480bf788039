"""Messages of taps and host-interfaces, with real interfaces of Linux."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hosts import Host, Hosts

from .served import Served

pytestmark = pytest.mark.root

INVALID_SW_IF_INDEX, INVALID_VALUE, SYSCALL_ERROR_1, INVALID_INTERFACE = -2, -7, -11, -71
INVALID_ARGUMENT, IF_ALREADY_EXISTS, UNIMPLEMENTED = -73, -79, -9


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


def interfaces(vpp: Any) -> list[Any]:
    """All that there are, to compare."""
    return [each._replace(context=0) for each in vpp.api.sw_interface_dump()]


def addresses(host: Host, name: str) -> str:
    """What Linux says of an interface in a host; nothing, if it is not there."""
    return subprocess.run(
        ["ip", "-n", host.namespace, "addr", "show", "dev", name], capture_output=True, text=True, check=False
    ).stdout


def test_a_tap(vpp: Any, hosts: Hosts) -> None:
    host = hosts()
    host.inside(lambda: Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("0"))
    reply = vpp.api.tap_create_v3(
        id=9,
        use_random_mac=False,
        mac_address="02:fe:00:00:00:09",
        host_mtu_set=True,
        host_mtu_size=1400,
        host_mac_addr_set=True,
        host_mac_addr="02:fe:00:00:01:09",
        host_ip4_prefix_set=True,
        host_ip4_prefix="10.9.0.2/24",
        host_ip6_prefix_set=True,
        host_ip6_prefix="2001:db8:9::2/64",
        host_namespace_set=True,
        host_namespace=host.namespace,
        host_if_name_set=True,
        host_if_name="inside",
        tap_flags=3,
        tag="of the test",
    )
    assert reply.retval == 0
    (tap,) = vpp.api.sw_interface_tap_v2_dump(sw_if_index=reply.sw_if_index)
    assert (tap.id, tap.dev_name, tap.host_if_name, tap.host_namespace) == (9, "tap9", "inside", host.namespace)
    assert (tap.host_mtu_size, str(tap.host_mac_addr), int(tap.tap_flags)) == (1400, "02:fe:00:00:01:09", 3)
    assert (str(tap.host_ip4_prefix), str(tap.host_ip6_prefix)) == ("10.9.0.2/24", "2001:db8:9::2/64")
    (interface,) = vpp.api.sw_interface_dump(sw_if_index=reply.sw_if_index)
    assert (interface.interface_name, interface.tag) == ("tap9", "of the test")
    assert str(interface.l2_address) == "02:fe:00:00:00:09"
    shown = addresses(host, "inside")
    assert "mtu 1400" in shown and "02:fe:00:00:01:09" in shown
    assert "10.9.0.2/24" in shown and "2001:db8:9::2/64" in shown
    assert vpp.api.tap_delete_v2(sw_if_index=reply.sw_if_index).retval == 0
    assert vpp.api.sw_interface_tap_v2_dump() == []
    assert addresses(host, "inside") == ""


def test_a_tap_as_older_clients_make_it(vpp: Any, hosts: Hosts) -> None:
    host = hosts()
    where = {"host_namespace_set": True, "host_namespace": host.namespace}
    reply = vpp.api.tap_create_v2(id=3, tap_flags=16, **where)
    (tap,) = vpp.api.sw_interface_tap_v2_dump()
    assert (reply.retval, tap.dev_name, tap.host_if_name, int(tap.tap_flags)) == (0, "tun3", "tun3", 16)
    assert vpp.api.tap_delete_v2(sw_if_index=reply.sw_if_index).retval == 0


def test_taps_that_cannot_be(vpp: Any, hosts: Hosts) -> None:
    host = hosts()
    where = {"host_namespace_set": True, "host_namespace": host.namespace}
    first = vpp.api.tap_create_v3(id=4, **where)
    before = interfaces(vpp)
    refused = [
        (vpp.api.tap_create_v3(id=4, **where), IF_ALREADY_EXISTS),
        (vpp.api.tap_create_v3(id=5000, **where), INVALID_ARGUMENT),
        (vpp.api.tap_create_v3(id=5, rx_ring_sz=100, **where), INVALID_VALUE),
        (vpp.api.tap_create_v3(id=5, num_rx_queues=1000, **where), INVALID_VALUE),
        (vpp.api.tap_create_v3(id=5, host_namespace_set=True, host_namespace="no-such-place"), SYSCALL_ERROR_1),
        (vpp.api.tap_create_v3(id=5, host_bridge_set=True, host_bridge="nobridge", **where), SYSCALL_ERROR_1),
        (vpp.api.tap_create_v3(id=5, host_if_name_set=True, host_if_name="a/b", **where), INVALID_VALUE),
    ]
    assert [(reply.retval, reply.sw_if_index) for reply, _ in refused] == [(error, 0xFFFFFFFF) for _, error in refused]
    assert interfaces(vpp) == before
    assert vpp.api.tap_delete_v2(sw_if_index=0).retval == INVALID_SW_IF_INDEX
    assert vpp.api.tap_delete_v2(sw_if_index=first.sw_if_index).retval == 0


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_host_interface(vpp: Any, hosts: Hosts, version: int) -> None:
    host = hosts()
    create = getattr(vpp.api, f"af_packet_create_v{version}" if version > 1 else "af_packet_create")
    more = {"mode": 1} if version == 3 else {}
    reply = create(host_if_name=host.port, hw_addr="02:fe:00:00:00:77", **more)
    assert reply.retval == 0
    (found,) = vpp.api.af_packet_dump()
    assert (found.sw_if_index, found.host_if_name) == (reply.sw_if_index, host.port)
    (interface,) = vpp.api.sw_interface_dump(sw_if_index=reply.sw_if_index)
    assert (interface.interface_name, str(interface.l2_address)) == (f"host-{host.port}", "02:fe:00:00:00:77")
    assert create(host_if_name=host.port, use_random_hw_addr=True, **more).retval == IF_ALREADY_EXISTS
    assert vpp.api.af_packet_set_l4_cksum_offload(sw_if_index=reply.sw_if_index, set=False).retval == 0
    assert vpp.api.af_packet_set_l4_cksum_offload(sw_if_index=0, set=False).retval == INVALID_SW_IF_INDEX
    assert vpp.api.af_packet_delete(host_if_name=host.port).retval == 0
    assert vpp.api.af_packet_dump() == []
    assert vpp.api.af_packet_delete(host_if_name=host.port).retval == INVALID_INTERFACE


def test_host_interfaces_that_cannot_be(vpp: Any, hosts: Hosts) -> None:
    host = hosts()
    assert vpp.api.af_packet_create(host_if_name="nothing").retval == INVALID_INTERFACE
    assert vpp.api.af_packet_create_v3(host_if_name=host.port, mode=2).retval == INVALID_VALUE
    assert vpp.api.af_packet_create_v3(host_if_name=host.port, mode=7).retval == INVALID_VALUE
    assert vpp.api.af_packet_dump() == []


def test_an_af_xdp_port(vpp: Any, hosts: Hosts) -> None:
    host = hosts()
    before = interfaces(vpp)
    made = vpp.api.af_xdp_create_v3(host_if=host.port, name="xdp9", rxq_size=64, mode=1)
    assert made.retval == 0
    (found,) = [each for each in vpp.api.sw_interface_dump() if each.sw_if_index == made.sw_if_index]
    assert (found.interface_name, found.interface_dev_type) == ("xdp9", "af_xdp")
    assert vpp.api.af_xdp_create_v3(host_if=host.port, name="xdp9").retval == IF_ALREADY_EXISTS
    assert vpp.api.af_xdp_delete(sw_if_index=made.sw_if_index).retval == 0
    assert vpp.api.af_xdp_delete(sw_if_index=made.sw_if_index).retval == INVALID_SW_IF_INDEX
    assert interfaces(vpp) == before


@pytest.mark.parametrize(
    ("change", "retval"),
    [
        ({"host_if": "nowhere7"}, INVALID_INTERFACE),
        ({"prog": "/tmp/mine.o"}, UNIMPLEMENTED),
        ({"rxq_size": 100}, INVALID_VALUE),
    ],
)
def test_an_af_xdp_port_that_cannot_be(vpp: Any, hosts: Hosts, change: dict[str, Any], retval: int) -> None:
    before = interfaces(vpp)
    assert vpp.api.af_xdp_create_v3(**{"host_if": hosts().port} | change).retval == retval
    assert interfaces(vpp) == before
