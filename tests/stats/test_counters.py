"""What VPPStats reads is what the engine has counted, under VPP's names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from tests.ip4.net import network

from weft.core.node import ERROR_OWNERS, ERRORS

from .conftest import Counted

BRIDGED = """
    set interface l2 bridge pg0 1
    set interface l2 bridge pg1 1
"""
#: Counters of an interface in VPP 26.06.
COMBINED = ["rx", "rx-unicast", "rx-multicast", "rx-broadcast", "tx", "tx-unicast", "tx-multicast", "tx-broadcast"]
SIMPLE = ["drops", "punt", "ip4", "ip6", "rx-no-buf", "rx-miss", "rx-error", "tx-error", "mpls"]

#: As for the tests of the binary API.
REFERENCE = Path(os.environ.get("VPP_API", Path(__file__).resolve().parents[3] / "shared" / "vpp-api"))


def reference() -> dict[tuple[str, str], set[str]]:
    """(path of a node, text) -> the names of such errors, from VPP's API files."""
    found: dict[tuple[str, str], set[str]] = {}
    for file in REFERENCE.glob("*.api.json"):
        described = json.loads(file.read_text())
        counters = {each["name"]: each["elements"] for each in described.get("counters", [])}
        for each in (path for paths in described.get("paths", []) for path in paths):
            for element in counters.get(each["counter"], []):
                found.setdefault((each["path"], element["description"]), set()).add(element["name"])
    return found


def test_packets_and_bytes_stand_at_the_index_of_their_interface(counted: Counted) -> None:
    a, b = counted.lab.pg(2)
    counted.lab.cli(BRIDGED)
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / Raw(bytes(86))
    counted.lab.send(a, *[frame] * 3)
    stats = counted.stats
    assert stats["/if/rx"][0][a.sw_if_index] == (3, 300)
    assert stats["/if/tx"][0][b.sw_if_index] == (3, 300)
    assert stats["/if/rx"][:, a.sw_if_index].sum_packets() == 3
    assert stats["/if/tx"][:, b.sw_if_index].sum_octets() == 300
    assert stats["/if/rx"][:, b.sw_if_index].sum_packets() == 0
    assert counted.names()[a.sw_if_index] == "pg0" and counted.names()[b.sw_if_index] == "pg1"


def test_every_counter_of_an_interface_has_an_entry_of_its_own(counted: Counted) -> None:
    counted.lab.pg(1)
    found = counted.stats.ls("^/interfaces/pg0/")
    assert sorted(found) == sorted(f"/interfaces/pg0/{name}" for name in COMBINED + SIMPLE)
    assert all(f"/if/{name}" in counted.stats.ls("^/if/") for name in COMBINED + SIMPLE)


def test_an_entry_of_an_interface_has_its_numbers_only(counted: Counted) -> None:
    a, _ = counted.lab.pg(2)
    counted.lab.send(a, Ether(dst=a.mac) / IP(ttl=1) / UDP())
    counters = counted.stats
    assert counters["/interfaces/pg0/rx"].sum_packets() == 1
    assert counters["/interfaces/pg0/drops"].sum() == 1
    assert counters["/interfaces/pg1/rx"].sum_packets() == 0


def test_a_vector_is_as_long_as_there_are_interfaces(counted: Counted) -> None:
    counted.lab.pg(3)
    lengths = {len(thread) for name in COMBINED + SIMPLE for thread in counted.stats[f"/if/{name}"]}
    assert lengths == {len(counted.names())} == {4}


def test_clear_interfaces_clears_what_readers_see(counted: Counted) -> None:
    (a,) = counted.lab.pg(1)
    counted.lab.send(a, Ether(dst=a.mac) / IP())
    assert counted.stats["/interfaces/pg0/rx"].sum_packets() == 1
    counted.lab.cli("clear interfaces")
    assert counted.stats["/interfaces/pg0/rx"].sum_packets() == 0


class TestErrors:
    @pytest.mark.parametrize(
        "packet, path",
        [
            # as ip.api names them
            (IP(dst="10.0.1.2", ttl=1) / UDP(), "/err/ip4-input/time_expired"),
            (IP(dst="10.0.1.2", version=5) / UDP(), "/err/ip4-input/version"),
        ],
    )
    def test_go_by_the_names_of_vpps_api_files(self, counted: Counted, packet: IP, path: str) -> None:
        net = network(counted.lab)
        net.route(packet, packet)
        assert counted.stats.get_err_counter(path) == 2
        assert counted.stats.set_errors()[path] == 2

    @pytest.mark.skipif(not REFERENCE.is_dir(), reason="VPP's API files are not here")
    def test_have_the_name_and_node_that_vpp_gives_them(self) -> None:
        """Each error whose node and text an API file of VPP 26.06 has."""
        compared = 0
        names = reference()
        for error in ERRORS:
            node = ERROR_OWNERS[type(error)]
            if found := names.get((f"/err/{node}", error.text)):
                assert error.path in {f"/err/{node}/{name}" for name in found}
                compared += 1
        assert compared > 40

    def test_go_by_their_text_where_no_api_file_names_them(self, counted: Counted) -> None:
        a, _ = counted.lab.pg(2)
        counted.lab.cli(BRIDGED)
        counted.lab.send(a, Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / Raw(bytes(60)))
        assert counted.stats.get_err_counter("/err/l2-learn/L2 learn packets") == 1
        assert "/err/l2-learn/L2 learn packets" in counted.stats.set_errors_str()

    def test_clear_errors_clears_what_readers_see(self, counted: Counted) -> None:
        net = network(counted.lab)
        net.route(IP(dst="10.0.1.2", ttl=1) / UDP())
        counted.lab.cli("clear errors")
        assert counted.stats.set_errors() == {}

    def test_no_two_have_one_path(self, counted: Counted) -> None:
        paths = [path for path in counted.lab.cli("show statistics segment").splitlines() if path.startswith("/err/")]
        assert len(paths) == len(set(paths)) > 100


def test_routes_count_under_the_index_that_show_ip_fib_prints(counted: Counted) -> None:
    net = network(counted.lab)
    counted.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.2 pg1")
    net.route(IP(dst="20.1.2.3") / UDP(), IP(dst="20.1.2.4") / UDP())
    shown = counted.lab.cli("show ip fib 20.0.0.0/8")
    index = int(shown.split("buckets")[0].split("index:")[-1].split()[0])
    assert counted.stats["/net/route/to"][:, index].packets() == [2]
    assert counted.stats["/net/route/to"][:, index].sum_octets() == 2 * 28
