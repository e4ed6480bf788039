"""A program written for VPP, with VPP's own clients, against the engine as a process: the README's two VLANs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap
from vpp_papi import VPPApiClient
from vpp_papi.vpp_stats import VPPStats

STARTS_WITHIN = 180  #: seconds, where all is to be compiled
HOST_2, HOST_3 = "02:00:00:00:00:02", "02:00:00:00:00:03"


@dataclass
class Running:
    """The process, and where its sockets are."""

    folder: Path
    process: subprocess.Popen[bytes]

    def client(self, name: str = "program") -> VPPApiClient:
        made = VPPApiClient(bootstrapapi=True, server_address=str(self.folder / "api.sock"), read_timeout=STARTS_WITHIN)
        made.connect(name)
        return made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("vpp")
    stanzas = (
        f"unix {{ nodaemon log {folder}/log cli-listen {folder}/cli.sock runtime-dir {folder} }} "
        f"socksvr {{ socket-name {folder}/api.sock }} "
        f"statseg {{ socket-name {folder}/stats.sock update-interval 1 per-node-counters on }}"
    )
    process = subprocess.Popen([sys.executable, "-m", "weft.main", *stanzas.split()])
    try:
        wait_for((folder / "api.sock").exists, STARTS_WITHIN)
        yield Running(folder, process)
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert not (folder / "api.sock").exists()


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
    return found


def test_two_routable_vlans(running: Running, tmp_path: Path) -> None:
    vpp = running.client()
    call = vpp.api

    # configure
    trunk = call.pg_create_interface(interface_id=0).sw_if_index
    assert call.sw_interface_set_flags(sw_if_index=trunk, flags=1).retval == 0
    assert call.ip_table_add_del_v2(table={"table_id": 4, "is_ip6": False, "name": "customers"}).retval == 0
    loops, subs = {}, {}
    for vlan in (2, 3):
        loops[vlan] = call.create_loopback_instance(is_specified=True, user_instance=vlan).sw_if_index
        subs[vlan] = call.create_vlan_subif(sw_if_index=trunk, vlan_id=vlan).sw_if_index
        bridge = call.sw_interface_set_l2_bridge
        replies = [
            bridge(rx_sw_if_index=loops[vlan], bd_id=vlan, port_type=1),
            call.sw_interface_set_table(sw_if_index=loops[vlan], vrf_id=4),
            call.sw_interface_add_del_address(sw_if_index=loops[vlan], is_add=True, prefix=f"192.168.{vlan}.1/24"),
            call.sw_interface_set_flags(sw_if_index=loops[vlan], flags=1),
            bridge(rx_sw_if_index=subs[vlan], bd_id=vlan),
            call.l2_interface_vlan_tag_rewrite(sw_if_index=subs[vlan], vtr_op=3),
            call.sw_interface_set_flags(sw_if_index=subs[vlan], flags=1),
        ]
        assert [reply.retval for reply in replies] == [0] * len(replies)
    neighbor = {"sw_if_index": loops[3], "mac_address": HOST_3, "ip_address": "192.168.3.5"}
    assert call.ip_neighbor_add_del(is_add=True, neighbor=neighbor).retval == 0
    route = {"table_id": 4, "prefix": "10.0.0.0/8", "n_paths": 1, "paths": [path_to(loops[3], "192.168.3.5")]}
    assert call.ip_route_add_del(is_add=True, route=route).retval == 0

    # read back
    names = {each.sw_if_index: each.interface_name for each in call.sw_interface_dump()}
    assert [names[each] for each in (*loops.values(), *subs.values())] == ["loop2", "loop3", "pg0.2", "pg0.3"]
    domains = {each.bd_id: each for each in call.bridge_domain_dump()}
    assert {bd: each.bvi_sw_if_index for bd, each in domains.items()} == loops
    assert [str(each.prefix) for each in call.ip_address_dump(sw_if_index=loops[2])] == ["192.168.2.1/24"]
    routes = {str(each.route.prefix): each.route for each in call.ip_route_dump(table={"table_id": 4})}
    assert {"192.168.2.0/24", "192.168.3.1/32", "10.0.0.0/8"} <= set(routes)
    assert routes["10.0.0.0/8"].paths[0].sw_if_index == loops[3]
    (known,) = call.ip_neighbor_dump(sw_if_index=loops[3])
    assert (str(known.neighbor.ip_address), str(known.neighbor.mac_address)) == ("192.168.3.5", HOST_3)

    # events, while traffic flows
    events: list[tuple[str, Any]] = []
    vpp.register_event_callback(lambda name, event: events.append((name, event)))
    for wanted in (
        call.want_interface_events(enable_disable=1, pid=1),
        call.want_l2_macs_events2(pid=1),
        call.want_ip_neighbor_events_v2(enable=True, pid=1),
    ):
        assert wanted.retval == 0
    frame = (
        Ether(src=HOST_2, dst="de:ad:00:00:00:02")
        / Dot1Q(vlan=2)
        / IP(src="192.168.2.5", dst="10.1.2.3", ttl=64)
        / ICMP()
        / Raw(b"x" * 30)
    )
    wrpcap(str(tmp_path / "in.pcap"), [frame])
    capture = {"interface_id": 0, "pcap_file_name": str(tmp_path / "out.pcap")}
    stream = f"packet-generator new pcap {tmp_path}/in.pcap source pg0 name flow limit 100000 rate 2000"
    assert call.pg_capture(count=5, **capture).retval == 0
    assert call.cli_inband(cmd=stream).retval == 0
    assert call.pg_enable_disable(stream_name="flow").retval == 0
    (_, learned) = wait_for(lambda: [each for each in events if each[0] == "l2_macs_event"])[0]
    assert [(str(each.mac_addr), each.sw_if_index) for each in learned.mac] == [(HOST_2, subs[2])]

    # counters
    stats = VPPStats(str(running.folder / "stats.sock"))
    stats.connect()

    def of(path: str, index: int) -> int:
        return int(sum(thread[index]["packets"] for thread in stats[path]))

    before = of("/if/rx", subs[2])
    wait_for(lambda: of("/if/rx", subs[2]) >= before + 1000)
    assert of("/if/tx", subs[3]) > 0
    forwarded = call.ip_route_lookup(table_id=4, exact=0, prefix="10.1.2.3/32").route.stats_index
    assert of("/net/route/to", forwarded) > 0
    assert stats.get_counter(f"/interfaces/{names[subs[2]].replace('/', '_')}/rx")
    wait_for(lambda: sum(stats["/nodes/ip4-rewrite/vectors"]) > 0)

    assert call.pg_enable_disable(is_enabled=False, stream_name="flow").retval == 0
    assert call.pg_capture(is_enabled=False, **capture).retval == 0
    out = rdpcap(str(tmp_path / "out.pcap"))
    assert len(out) == 5
    assert {(each.dst, each[Dot1Q].vlan, each[IP].ttl, each[IP].dst) for each in out} == {(HOST_3, 3, 63, "10.1.2.3")}

    assert call.sw_interface_set_flags(sw_if_index=loops[2], flags=0).retval == 0
    (_, went) = wait_for(lambda: [each for each in events if each[0] == "sw_interface_event"])[0]
    assert (went.sw_if_index, int(went.flags) & 1) == (loops[2], 0)
    stats.disconnect()
    vpp.disconnect()


def path_to(sw_if_index: int, address: str) -> dict[str, Any]:
    """A route's path, as vpp_papi's programs write it."""
    return {
        "sw_if_index": sw_if_index,
        "table_id": 4,
        "weight": 1,
        "proto": 0,
        "type": 0,
        "nh": {"address": {"ip4": address}},
        "n_labels": 0,
        "label_stack": [{}] * 16,
    }
