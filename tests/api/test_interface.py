"""Messages of interfaces, with vpp_papi as the client. Return values are VPP's VNET_API_ERROR_..."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.utils import rdpcap
from vpp_papi import VPPApiClient

from weft import Engine
from weft.apifiles import main
from weft.features.interface.api import SwInterfaceDetails, details
from weft.features.interface.model import Interface

from .papi import NONE
from .served import Served

NO_SUCH_INTERFACE = 0x7000
UNSPECIFIED, INVALID_SW_IF_INDEX, INVALID_VALUE, UNIMPLEMENTED = -1, -2, -7, -9
INVALID_REGISTRATION, INVALID_VLAN, VLAN_ALREADY_EXISTS = -31, -55, -56
SUBIF_ALREADY_EXISTS, SUBIF_CREATE_FAILED, INVALID_SUB_SW_IF_INDEX = -68, -69, -98
NO_SUCH_ENTRY, VALUE_EXIST, INVALID_WORKER, INVALID_QUEUE, UNSUPPORTED = -6, -81, -89, -125, -126

NO_TAGS, ONE_TAG, TWO_TAGS, DOT1AD, EXACT, DEFAULT, OUTER_ANY, INNER_ANY = (1 << bit for bit in range(8))


def details_of(api: Any, index: int) -> Any:
    (found,) = api.sw_interface_dump(sw_if_index=index)
    return found


# --- what is told


def test_a_device(api: Any, running: Served) -> None:
    made = api.create_loopback_instance(is_specified=True, user_instance=70, mac_address="02:00:00:00:00:70")
    found = details_of(api, made.sw_if_index)
    assert (found.interface_name, found.interface_dev_type, str(found.l2_address)) == (
        "loop70",
        "Loopback",
        "02:00:00:00:00:70",
    )
    assert (found.sw_if_index, found.sup_sw_if_index) == (made.sw_if_index, made.sw_if_index)
    assert (int(found.type), int(found.flags), found.link_mtu, found.mtu) == (0, 2, 9000, [9000, 0, 0, 0])
    assert (found.sub_id, found.sub_number_of_tags, int(found.sub_if_flags), found.tag) == (0, 0, 0, "")
    assert api.delete_loopback(sw_if_index=made.sw_if_index).retval == 0
    assert api.sw_interface_dump(sw_if_index=made.sw_if_index) == []


def test_which_are_dumped(api: Any, loop: int) -> None:
    """0 and ~0 are all; a name filter counts whatever the number, in any case."""
    every = [each.sw_if_index for each in api.sw_interface_dump()]
    assert every == [each.sw_if_index for each in api.sw_interface_dump(sw_if_index=0)]
    assert {0, loop} <= set(every)
    found = api.sw_interface_dump(sw_if_index=loop, name_filter_valid=True, name_filter="LOCAL")
    assert [each.interface_name for each in found] == ["local0"]
    assert api.sw_interface_dump(name_filter_valid=True, name_filter="no such") == []
    assert api.sw_interface_dump(sw_if_index=NO_SUCH_INTERFACE) == []


def test_a_feature_fills_in_what_it_knows(api: Any, loop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(engine: Engine, interface: Interface, details: SwInterfaceDetails) -> None:
        if interface.sw_if_index == loop:
            details.vtr_op, details.vtr_tag1 = 3, 100

    monkeypatch.setattr(details, "_fillers", [fill])
    found = details_of(api, loop)
    assert (found.vtr_op, found.vtr_tag1) == (3, 100)


def test_events(running: Served) -> None:
    told: list[tuple[str, Any]] = []
    client = running.client("events")
    client.register_event_callback(lambda name, event: told.append((name, event)))
    assert client.api.want_interface_events(enable_disable=1, pid=4711).retval == 0
    assert client.api.want_interface_events(enable_disable=1, pid=4711).retval == INVALID_REGISTRATION
    index = client.api.create_loopback().sw_if_index
    running.cli("set interface state local0 up\nset interface state local0 down")
    client.api.sw_interface_set_flags(sw_if_index=index, flags=1)
    client.api.delete_loopback(sw_if_index=index)
    wait_for(lambda: len(told) >= 5)
    assert {name for name, _ in told} == {"sw_interface_event"}
    assert [(event.pid, event.sw_if_index, int(event.flags), event.deleted) for _, event in told] == [
        (4711, 0, 1, False),
        (4711, 0, 0, False),
        (4711, index, 3, False),
        (4711, index, 2, False),
        (4711, index, 2, True),
    ]
    assert client.api.want_interface_events(enable_disable=0).retval == 0
    assert client.api.want_interface_events(enable_disable=0).retval == INVALID_REGISTRATION
    client.disconnect()


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def test_the_asynchronous_client(running: Served, tmp_path: Path) -> None:
    """vpp_papi's other client: answers come to a callback. It needs files, as it cannot ask for the messages."""
    assert CliRunner().invoke(main, ["json", str(tmp_path)]).exit_code == 0
    answers: list[Any] = []
    client = VPPApiClient(apidir=str(tmp_path), server_address=str(running.path))
    client.connect("asynchronous", do_async=True)
    client.register_event_callback(lambda name, message: answers.append((name, message.context)))
    contexts = [client.api.sw_interface_clear_stats(sw_if_index=0) for _ in range(3)]
    wait_for(lambda: len(answers) >= 3)
    assert answers == [("sw_interface_clear_stats_reply", context) for context in contexts]
    client.disconnect()


# --- what is set


def test_up_and_down(api: Any, loop: int) -> None:
    sub = api.create_vlan_subif(sw_if_index=loop, vlan_id=5).sw_if_index
    assert api.sw_interface_set_flags(sw_if_index=sub, flags=1).retval == 0
    assert api.sw_interface_set_flags(sw_if_index=loop, flags=0).retval == 0
    assert [int(details_of(api, each).flags) for each in (loop, sub)] == [2, 2]
    assert api.sw_interface_set_flags(sw_if_index=sub, flags=1).retval == UNSPECIFIED
    assert [int(details_of(api, each).flags) for each in (loop, sub)] == [2, 2]


def test_sizes(api: Any, loop: int) -> None:
    sub = api.create_vlan_subif(sw_if_index=loop, vlan_id=5).sw_if_index
    assert api.sw_interface_set_mtu(sw_if_index=loop, mtu=[1500, 1400, 1450, 1300]).retval == 0
    assert details_of(api, loop).mtu == [1500, 1400, 1450, 1300]
    assert api.sw_interface_set_mtu(sw_if_index=loop, mtu=[2000, 63, 0, 0]).retval == INVALID_VALUE
    assert api.sw_interface_set_mtu(sw_if_index=loop, mtu=[2000, 0, 0, 70000]).retval == INVALID_VALUE
    assert details_of(api, loop).mtu == [1500, 1400, 1450, 1300]
    assert api.sw_interface_set_mtu(sw_if_index=loop, mtu=[0, 0, 0, 0]).retval == 0
    assert api.sw_interface_set_mtu(sw_if_index=sub, mtu=[8000, 0, 0, 0]).retval == 0
    assert api.hw_interface_set_mtu(sw_if_index=loop, mtu=1600).retval == 0
    assert [(each.link_mtu, each.mtu[0]) for each in (details_of(api, loop), details_of(api, sub))] == [
        (1600, 0),
        (1600, 1600),
    ]
    assert api.hw_interface_set_mtu(sw_if_index=sub, mtu=1500).retval == INVALID_VALUE


def test_mac_addresses(api: Any, loop: int) -> None:
    sub = api.create_vlan_subif(sw_if_index=loop, vlan_id=5).sw_if_index
    assert api.sw_interface_set_mac_address(sw_if_index=loop, mac_address="02:00:00:00:12:34").retval == 0
    for index in (loop, sub):
        assert str(api.sw_interface_get_mac_address(sw_if_index=index).mac_address) == "02:00:00:00:12:34"
    refused = api.sw_interface_set_mac_address(sw_if_index=loop, mac_address="01:00:00:00:00:01")
    assert refused.retval == INVALID_VALUE
    assert api.sw_interface_set_mac_address(sw_if_index=sub, mac_address="02:00:00:00:00:02").retval == UNIMPLEMENTED
    assert str(details_of(api, loop).l2_address) == "02:00:00:00:12:34"


def test_tags_and_names(api: Any, loop: int) -> None:
    assert api.sw_interface_tag_add_del(is_add=True, sw_if_index=loop, tag="neutron:1234").retval == 0
    assert details_of(api, loop).tag == "neutron:1234"
    assert api.sw_interface_tag_add_del(is_add=True, sw_if_index=loop, tag="").retval == INVALID_VALUE
    assert details_of(api, loop).tag == "neutron:1234"
    assert api.sw_interface_tag_add_del(is_add=False, sw_if_index=loop).retval == 0
    assert details_of(api, loop).tag == ""
    sub = api.create_vlan_subif(sw_if_index=loop, vlan_id=5).sw_if_index
    assert api.sw_interface_set_interface_name(sw_if_index=loop, name="uplink").retval == 0
    assert details_of(api, sub).interface_name == "uplink.5"
    for name in ("", "local0", "a b"):
        assert api.sw_interface_set_interface_name(sw_if_index=loop, name=name).retval == INVALID_VALUE
    assert details_of(api, loop).interface_name == "uplink"


def test_promiscuous(api: Any, running: Served, loop: int) -> None:
    assert api.sw_interface_set_promisc(sw_if_index=loop, promisc_on=True).retval == 0
    assert api.sw_interface_set_promisc(sw_if_index=loop, promisc_on=False).retval == 0
    assert api.sw_interface_set_promisc(sw_if_index=0, promisc_on=True).retval == INVALID_VALUE


# --- sub-interfaces


@pytest.mark.parametrize(
    ("number", "flags", "outer", "inner", "tags"),
    [
        (10, ONE_TAG | EXACT, 10, 0, 1),
        (11, ONE_TAG | DOT1AD | EXACT, 11, 0, 1),
        (12, TWO_TAGS | EXACT, 12, 120, 2),
        (13, TWO_TAGS | INNER_ANY | EXACT, 13, 0, 2),
        (14, DEFAULT, 0, 0, 0),
        (15, NO_TAGS, 0, 0, 0),
        (16, ONE_TAG | OUTER_ANY, 0, 0, 1),
    ],
)
def test_what_a_sub_interface_takes(
    api: Any, loop: int, number: int, flags: int, outer: int, inner: int, tags: int
) -> None:
    made = api.create_subif(
        sw_if_index=loop, sub_id=number, sub_if_flags=flags, outer_vlan_id=outer, inner_vlan_id=inner
    )
    assert made.retval == 0
    found = details_of(api, made.sw_if_index)
    assert (found.sub_id, found.sup_sw_if_index, int(found.type)) == (number, loop, 1)
    assert (found.sub_number_of_tags, found.sub_outer_vlan_id, found.sub_inner_vlan_id) == (tags, outer, inner)
    assert int(found.sub_if_flags) == flags
    assert api.delete_subif(sw_if_index=made.sw_if_index).retval == 0
    assert api.sw_interface_dump(sw_if_index=made.sw_if_index) == []


def test_sub_interfaces_that_cannot_be(api: Any, loop: int) -> None:
    def create(sub_id: int, flags: int = ONE_TAG | EXACT, outer: int = 0, inner: int = 0, parent: int = loop) -> int:
        made = api.create_subif(
            sw_if_index=parent, sub_id=sub_id, sub_if_flags=flags, outer_vlan_id=outer, inner_vlan_id=inner
        )
        assert (made.retval == 0) == (made.sw_if_index != NONE)
        return int(made.retval)

    sub = api.create_vlan_subif(sw_if_index=loop, vlan_id=5).sw_if_index
    before = [each[2:] for each in api.sw_interface_dump()]
    assert create(5, outer=6) == SUBIF_ALREADY_EXISTS
    assert create(6, outer=5) == SUBIF_CREATE_FAILED  # the VLAN is taken
    assert create(6, outer=4095) == SUBIF_CREATE_FAILED
    assert create(6, flags=0) == SUBIF_CREATE_FAILED
    assert create(6, flags=ONE_TAG | TWO_TAGS, outer=6) == SUBIF_CREATE_FAILED
    assert create(6, outer=6, parent=sub) == SUBIF_CREATE_FAILED
    assert create(6, outer=6, parent=0) == SUBIF_CREATE_FAILED  # local0
    for vlan, error in ((5, VLAN_ALREADY_EXISTS), (0, INVALID_VLAN), (4096, INVALID_VLAN)):
        assert api.create_vlan_subif(sw_if_index=loop, vlan_id=vlan).retval == error
    assert api.delete_subif(sw_if_index=loop).retval == INVALID_SUB_SW_IF_INDEX
    assert [each[2:] for each in api.sw_interface_dump()] == before


def test_loopbacks_that_cannot_be(api: Any, loop: int, unchanged: None) -> None:
    number = int(details_of(api, loop).interface_name.removeprefix("loop"))
    again = api.create_loopback_instance(is_specified=True, user_instance=number)
    assert (again.retval, again.sw_if_index) == (INVALID_REGISTRATION, NONE)
    assert api.delete_loopback(sw_if_index=0).retval == INVALID_SW_IF_INDEX


# --- what does not exist


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("sw_interface_set_flags", {"flags": 1}),
        ("sw_interface_set_promisc", {"promisc_on": True}),
        ("hw_interface_set_mtu", {"mtu": 1500}),
        ("sw_interface_set_mtu", {"mtu": [1500, 0, 0, 0]}),
        ("sw_interface_add_del_address", {"is_add": True, "prefix": "10.1.1.1/24"}),
        ("sw_interface_set_table", {"vrf_id": 0}),
        ("sw_interface_get_table", {}),
        ("sw_interface_clear_stats", {}),
        ("sw_interface_tag_add_del", {"is_add": True, "tag": "a"}),
        ("sw_interface_set_mac_address", {"mac_address": "02:00:00:00:00:01"}),
        ("sw_interface_get_mac_address", {}),
        ("sw_interface_set_rx_mode", {"mode": 1}),
        ("sw_interface_set_rx_placement", {"is_main": True}),
        ("sw_interface_set_interface_name", {"name": "x"}),
        ("create_subif", {"sub_id": 3, "sub_if_flags": ONE_TAG, "outer_vlan_id": 3}),
        ("create_vlan_subif", {"vlan_id": 3}),
        ("delete_subif", {}),
        ("delete_loopback", {}),
        ("collect_detailed_interface_stats", {"enable_disable": True}),
        ("sw_interface_ip4_enable_disable", {"enable": True}),
        ("proxy_arp_intfc_enable_disable", {"enable": True}),
        ("ip_neighbor_flush", {"af": 0}),
        ("sw_interface_set_unnumbered", {"is_add": True, "unnumbered_sw_if_index": NO_SUCH_INTERFACE}),
    ],
)
def test_an_interface_that_is_not_there(api: Any, unchanged: None, name: str, fields: dict[str, Any]) -> None:
    assert getattr(api, name)(sw_if_index=NO_SUCH_INTERFACE, **fields).retval == INVALID_SW_IF_INDEX


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("sw_interface_set_ip_directed_broadcast", {"enable": True}),
        ("interface_name_renumber", {"new_show_dev_instance": 3}),
    ],
)
def test_what_is_not_implemented_says_so(api: Any, unchanged: None, name: str, fields: dict[str, Any]) -> None:
    assert getattr(api, name)(**fields).retval == UNIMPLEMENTED


def test_pcap_traces_have_the_filter_function_of_other_traces(api: Any, unchanged: None) -> None:
    (function,) = api.trace_filter_function_dump()
    assert api.pcap_set_filter_function(filter_function_name=function.name).retval == 0
    assert api.pcap_set_filter_function(filter_function_name="x").retval == INVALID_VALUE


def test_devices_on_the_pci_bus_are_refused(api: Any, unchanged: None) -> None:
    """The messages of the module `virtio' are there, for a client that asks for them."""
    address = {"domain": 0, "bus": 0, "slot": 4, "function": 0}
    assert api.virtio_pci_create_v2(pci_addr=address, use_random_mac=True).retval == UNIMPLEMENTED
    assert api.virtio_pci_create(pci_addr=address, use_random_mac=True).retval == UNIMPLEMENTED
    assert api.virtio_pci_delete(sw_if_index=0).retval == UNIMPLEMENTED
    assert api.sw_interface_virtio_pci_dump() == []


# --- queues


@pytest.fixture(scope="module")
def queue(running: Served) -> Iterator[int]:
    """A packet generator's interface that has a receive queue of number 0, which can only be polled."""
    from weft.features.interface.placement import RxQueues

    def make(lab: Any) -> int:
        (port,) = lab.pg(1)
        lab.engine[RxQueues].add(port, "pg-input", 0, active=False)
        return int(port.sw_if_index)

    yield running.run(make)


def test_receive_queues(api: Any, queue: int) -> None:
    def told(index: int) -> list[tuple[int, int, int, int]]:
        found = api.sw_interface_rx_placement_dump(sw_if_index=index)
        return [(each.sw_if_index, each.queue_id, each.worker_id, int(each.mode)) for each in found]

    assert told(queue) == told(NONE) == [(queue, 0, 0, 1)]
    assert told(0) == []
    assert api.sw_interface_set_rx_placement(sw_if_index=queue, queue_id=0, is_main=True).retval == 0
    no_worker = api.sw_interface_set_rx_placement(sw_if_index=queue, queue_id=0, worker_id=0)
    assert no_worker.retval == INVALID_WORKER
    assert api.sw_interface_set_rx_placement(sw_if_index=queue, queue_id=1, is_main=True).retval == INVALID_QUEUE
    for mode, retval in ((0, INVALID_VALUE), (1, 0), (2, UNSUPPORTED), (3, UNSUPPORTED), (4, 0)):
        assert api.sw_interface_set_rx_mode(sw_if_index=queue, mode=mode).retval == retval
    missing = api.sw_interface_set_rx_mode(sw_if_index=queue, queue_id_valid=True, queue_id=1, mode=1)
    assert missing.retval == INVALID_QUEUE
    assert told(queue) == [(queue, 0, 0, 1)]


def test_the_default_mode(api: Any) -> None:
    assert int(api.sw_interface_get_default_rx_mode().mode) == 4
    assert api.sw_interface_set_default_rx_mode(mode=2).retval == 0
    assert int(api.sw_interface_get_default_rx_mode().mode) == 2
    assert api.sw_interface_set_default_rx_mode(mode=0).retval == INVALID_VALUE
    assert api.sw_interface_set_default_rx_mode(mode=4).retval == 0


# --- with packets


HOST, GATEWAY = "02:00:00:00:aa:01", "02:00:00:00:bb:01"


def test_what_is_configured_forwards(running: Served, api: Any) -> None:
    """802.1Q in by one sub-interface, 802.1ad with 802.1Q out by another, counted; then no counters."""
    ports = running.run(lambda lab: [(each.sw_if_index, each.name) for each in lab.pg(2)])
    (inside, _), (outside, out) = ports
    one = api.create_vlan_subif(sw_if_index=inside, vlan_id=7).sw_if_index
    flags = TWO_TAGS | DOT1AD | EXACT
    two = api.create_subif(sw_if_index=outside, sub_id=1, sub_if_flags=flags, outer_vlan_id=8, inner_vlan_id=9)
    for index, address in ((one, "10.7.0.1/24"), (two.sw_if_index, "10.8.0.1/24")):
        assert api.sw_interface_set_flags(sw_if_index=index, flags=1).retval == 0
        added = api.sw_interface_add_del_address(sw_if_index=index, is_add=True, prefix=IPv4Interface(address))
        assert added.retval == 0
    neighbor = {"sw_if_index": two.sw_if_index, "ip_address": "10.8.0.2", "mac_address": GATEWAY}
    assert api.ip_neighbor_add_del(is_add=True, neighbor=neighbor).retval == 0
    mac = str(api.sw_interface_get_mac_address(sw_if_index=inside).mac_address)
    packet = Ether(src=HOST, dst=mac) / Dot1Q(vlan=7) / IP(src="10.7.0.2", dst="10.8.0.2", ttl=9) / ICMP()

    def send(lab: Any) -> Any:
        return lab.send(port_of(lab, inside), packet)

    left = running.run(send)
    assert list(left) == [out]
    (frame,) = left[out]
    assert (frame.dst, frame[Dot1AD].vlan, frame[Dot1Q].vlan, frame[IP].ttl) == (GATEWAY, 8, 9, 8)
    assert api.collect_detailed_interface_stats(sw_if_index=inside, enable_disable=True).retval == 0
    running.run(send)
    shown = running.cli("show interface")
    assert "rx-unicast packets" in shown and "tx packets" in shown
    assert api.sw_interface_clear_stats(sw_if_index=NONE).retval == 0
    assert "packets" not in running.cli("show interface")


def port_of(lab: Any, sw_if_index: int) -> Interface:
    return next(port for port in lab.ports if port.sw_if_index == sw_if_index)


def test_a_pcap_trace(running: Served, api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.features.pcap.model.FOLDER", tmp_path)
    (port,) = running.run(lambda lab: [each.sw_if_index for each in lab.pg(1)])
    start = {"capture_rx": True, "sw_if_index": port, "filename": "api.pcap", "max_packets": 10}
    assert api.pcap_trace_off().retval == VALUE_EXIST
    assert api.pcap_trace_on(**start | {"capture_rx": False}).retval == INVALID_VALUE
    assert api.pcap_trace_on(**start | {"filename": "../x"}).retval == INVALID_VALUE
    assert api.pcap_trace_on(**start | {"sw_if_index": NO_SUCH_INTERFACE}).retval == INVALID_SW_IF_INDEX
    assert api.pcap_trace_on(**start | {"filter": True}).retval == UNIMPLEMENTED
    assert api.pcap_trace_on(**start | {"capture_drop": True, "error": "no.such"}).retval == UNSUPPORTED
    assert api.pcap_trace_on(**start).retval == 0
    assert api.pcap_trace_on(**start).retval == INVALID_VALUE
    frame = Ether(src=HOST, dst=GATEWAY) / IP() / ICMP()
    running.run(lambda lab: lab.send(port_of(lab, port), frame))
    assert api.pcap_trace_off().retval == 0
    assert [bytes(each) for each in rdpcap(str(tmp_path / "api.pcap"))] == [bytes(frame)]
    assert api.pcap_trace_on(**start).retval == 0
    assert api.pcap_trace_off().retval == NO_SUCH_ENTRY
