"""Messages of IP, with vpp_papi as the client. Return values are VPP's VNET_API_ERROR_..."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from .papi import DROP, DVR, LOCAL, NONE, NORMAL, PROHIBIT, UDP_ENCAP, UNREACH, path, route, table
from .served import Served

NO_SUCH_INTERFACE, NO_SUCH_TABLE = 0x7000, 4000
NO_SUCH_FIB, NO_SUCH_ENTRY, INVALID_VALUE, UNIMPLEMENTED = -3, -6, -7, -9
NEXT_HOP_NOT_IN_FIB, NO_PATHS_IN_ROUTE, NO_MATCHING_INTERFACE = -50, -52, -54
ADDRESS_NOT_FOUND_FOR_INTERFACE, ADDRESS_IN_USE, ADDRESS_FOUND_FOR_INTERFACE = -60, -105, -114
FIB_PATH_UNSUPPORTED_NH_PROTO = -157
API, CLI = 3, 4  #: sources' numbers; ``test_sources`` checks them


def add(api: Any, route: dict[str, Any], *, multipath: bool = False) -> Any:
    return api.ip_route_add_del(is_add=True, is_multipath=multipath, route=route)


def delete(api: Any, route: dict[str, Any], *, multipath: bool = False) -> int:
    return int(api.ip_route_add_del(is_add=False, is_multipath=multipath, route=route).retval)


def prefixes(api: Any, table_id: int = 0) -> set[str]:
    return {str(each.route.prefix) for each in api.ip_route_dump(table=table(table_id))}


def told(path: Any) -> tuple[int, int, str, int, int]:
    """What a path says, in short."""
    return (path.sw_if_index, int(path.type), str(path.nh.address.ip4), path.weight, path.preference)


def find(api: Any, prefix: str, table_id: int = 0) -> Any:
    found = api.ip_route_lookup(table_id=table_id, exact=1, prefix=prefix)
    assert found.retval == 0
    return found.route


# --- tables


@pytest.fixture
def vrf(api: Any) -> Iterator[int]:
    """A table for one test."""
    made = api.ip_table_allocate(table=table(NONE)).table.table_id
    yield made
    api.ip_table_add_del(is_add=False, table=table(made))


def tables(api: Any) -> dict[int, str]:
    return {each.table.table_id: each.table.name for each in api.ip_table_dump() if not each.table.is_ip6}


def test_tables(api: Any) -> None:
    assert tables(api)[0] == "ipv4-VRF:0"
    assert api.ip_table_add_del(is_add=True, table=table(70, name="red")).retval == 0
    assert api.ip_table_add_del_v2(is_add=True, table=table(71)).retval == 0
    assert api.ip_table_add_del(is_add=True, table=table(70, name="again")).retval == 0
    assert tables(api) | {70: "red", 71: "ipv4-VRF:71"} == tables(api)
    assert api.ip_table_add_del(is_add=False, table=table(70)).retval == 0
    assert api.ip_table_add_del_v2(is_add=False, table=table(71)).retval == 0
    assert not {70, 71} & set(tables(api))


def test_the_default_table_stays(api: Any, unchanged: None) -> None:
    for is_add in (True, False):
        assert api.ip_table_add_del(is_add=is_add, table=table(0)).retval == 0
    assert api.ip_table_add_del(is_add=False, table=table(NO_SUCH_TABLE)).retval == 0


def test_a_table_of_a_free_number(api: Any) -> None:
    before = set(tables(api))
    made = [api.ip_table_allocate(table=table(NONE, name=name)).table for name in ("one", "")]
    assert len({each.table_id for each in made} - before) == 2
    assert made[0].name == "one" and made[1].name == f"ipv4-VRF:{made[1].table_id}"
    for each in made:
        api.ip_table_add_del(is_add=False, table=table(each.table_id))
    assert set(tables(api)) == before


def test_a_table_stays_while_it_is_held(api: Any, running: Served, loop: int, vrf: int) -> None:
    """By an interface, or by the command line; not by its routes."""
    add(api, route("10.1.0.0/16", path(type=DROP), table_id=vrf))
    assert api.sw_interface_set_table(sw_if_index=loop, vrf_id=vrf).retval == 0
    assert api.ip_table_add_del(is_add=False, table=table(vrf)).retval == 0
    assert "10.1.0.0/16" in prefixes(api, vrf)
    assert api.sw_interface_set_table(sw_if_index=loop, vrf_id=0).retval == 0
    assert vrf not in tables(api)
    running.cli("ip table add 88")
    assert api.ip_table_add_del(is_add=True, table=table(88)).retval == 0
    assert api.ip_table_add_del(is_add=False, table=table(88)).retval == 0
    assert 88 in tables(api)
    running.cli("ip table del 88")


def test_replacing_a_tables_routes(api: Any, running: Served, vrf: int) -> None:
    """What is not said again goes, but only what the API has said."""
    for number in range(4):
        add(api, route(f"10.{number}.0.0/16", path(type=DROP), table_id=vrf))
    running.cli(f"ip route add 10.9.0.0/16 table {vrf} via drop")
    assert api.ip_table_replace_begin(table=table(vrf)).retval == 0
    add(api, route("10.1.0.0/16", path(type=UNREACH), table_id=vrf))
    add(api, route("10.7.0.0/16", path(type=DROP), table_id=vrf))
    assert api.ip_table_replace_end(table=table(vrf)).retval == 0
    ours = {each for each in prefixes(api, vrf) if each.startswith("10.")}
    assert ours == {"10.1.0.0/16", "10.7.0.0/16", "10.9.0.0/16"}
    assert api.ip_table_replace_end(table=table(vrf)).retval == 0
    assert {each for each in prefixes(api, vrf) if each.startswith("10.")} == ours
    assert api.ip_table_flush(table=table(vrf)).retval == 0
    assert {each for each in prefixes(api, vrf) if each.startswith("10.")} == {"10.9.0.0/16"}


@pytest.mark.parametrize("name", ["ip_table_replace_begin", "ip_table_replace_end", "ip_table_flush"])
def test_tables_that_are_not_there(api: Any, unchanged: None, name: str) -> None:
    assert getattr(api, name)(table=table(NO_SUCH_TABLE)).retval == NO_SUCH_FIB
    assert api.ip_route_dump(table=table(NO_SUCH_TABLE)) == []


def test_an_interfaces_table(api: Any, loop: int, vrf: int) -> None:
    assert api.sw_interface_get_table(sw_if_index=loop).vrf_id == 0
    assert api.sw_interface_set_table(sw_if_index=loop, vrf_id=NO_SUCH_TABLE).retval == NO_SUCH_FIB
    assert api.sw_interface_set_table(sw_if_index=loop, vrf_id=vrf).retval == 0
    assert api.sw_interface_get_table(sw_if_index=loop).vrf_id == vrf
    assert api.sw_interface_add_del_address(sw_if_index=loop, is_add=True, prefix="10.0.0.1/24").retval == 0
    assert "10.0.0.0/24" in prefixes(api, vrf)
    assert api.sw_interface_set_table(sw_if_index=loop, vrf_id=0).retval == ADDRESS_FOUND_FOR_INTERFACE
    assert api.sw_interface_get_table(sw_if_index=loop).vrf_id == vrf


# --- addresses


def addresses(api: Any, index: int) -> list[str]:
    return [str(each.prefix) for each in api.ip_address_dump(sw_if_index=index)]


def change(api: Any, index: int, prefix: str, *, is_add: bool = True) -> int:
    return int(api.sw_interface_add_del_address(sw_if_index=index, is_add=is_add, prefix=prefix).retval)


def test_addresses(api: Any, loop: int) -> None:
    for prefix in ("10.0.0.1/24", "10.0.0.2/24", "172.16.0.1/32"):
        assert change(api, loop, prefix) == 0
    assert addresses(api, loop) == ["10.0.0.1/24", "10.0.0.2/24", "172.16.0.1/32"]
    assert loop in [each.sw_if_index for each in api.ip_dump(is_ipv6=False)]
    assert change(api, loop, "10.0.0.1/24", is_add=False) == 0
    assert addresses(api, loop) == ["10.0.0.2/24", "172.16.0.1/32"]
    assert api.sw_interface_add_del_address(sw_if_index=loop, del_all=True, prefix="0.0.0.0/0").retval == 0
    assert addresses(api, loop) == []
    assert loop not in [each.sw_if_index for each in api.ip_dump(is_ipv6=False)]


def test_addresses_that_cannot_be(api: Any, loop: int, request: pytest.FixtureRequest) -> None:
    other = api.create_loopback().sw_if_index
    request.addfinalizer(lambda: api.delete_loopback(sw_if_index=other))
    assert change(api, loop, "10.0.0.1/24") == change(api, other, "10.5.0.1/24") == 0
    request.getfixturevalue("unchanged")
    for prefix in ("10.0.0.1/24", "10.0.0.7/16", "10.5.0.0/16", "10.5.0.2/24"):
        assert change(api, loop, prefix) == ADDRESS_IN_USE
    assert change(api, loop, "10.0.0.2/24", is_add=False) == ADDRESS_NOT_FOUND_FOR_INTERFACE
    assert change(api, other, "10.0.0.1/24", is_add=False) == ADDRESS_NOT_FOUND_FOR_INTERFACE
    assert change(api, loop, "10.0.0.1/32", is_add=False) == ADDRESS_NOT_FOUND_FOR_INTERFACE


def test_replacing_addresses(api: Any, loop: int) -> None:
    """What is not said again goes, what is said of another interface moves, what is said again stays as it was."""
    other = api.create_loopback().sw_if_index
    for index, prefix in ((loop, "10.0.0.1/24"), (loop, "10.1.0.1/24"), (other, "10.2.0.1/24")):
        assert change(api, index, prefix) == 0
    assert api.sw_interface_address_replace_begin().retval == 0
    assert change(api, loop, "10.0.0.1/24") == 0
    assert change(api, loop, "10.0.0.1/24") == ADDRESS_IN_USE
    assert change(api, loop, "10.2.0.1/24") == 0
    assert api.sw_interface_address_replace_end().retval == 0
    assert (addresses(api, loop), addresses(api, other)) == (["10.0.0.1/24", "10.2.0.1/24"], [])
    assert api.sw_interface_address_replace_end().retval == 0
    assert addresses(api, loop) == ["10.0.0.1/24", "10.2.0.1/24"]
    api.delete_loopback(sw_if_index=other)


def test_ip4_without_an_address(api: Any, loop: int) -> None:
    def takes() -> bool:
        return loop in [each.sw_if_index for each in api.ip_dump(is_ipv6=False)]

    assert not takes()
    for _ in range(2):
        assert api.sw_interface_ip4_enable_disable(sw_if_index=loop, enable=True).retval == 0
        assert takes()
    for _ in range(2):
        assert api.sw_interface_ip4_enable_disable(sw_if_index=loop, enable=False).retval == 0
        assert not takes()


# --- routes


@pytest.fixture
def connected(api: Any, loop: int) -> int:
    """An interface with 10.0.0.1/24."""
    assert change(api, loop, "10.0.0.1/24") == 0
    return loop


def test_a_route(api: Any, running: Served, connected: int, vrf: int) -> None:
    made = add(api, route("192.0.2.77/24", path("10.0.0.2", connected), table_id=vrf))
    assert made.retval == 0
    found = find(api, "192.0.2.0/24", vrf)
    assert (str(found.prefix), found.table_id, found.stats_index) == ("192.0.2.0/24", vrf, made.stats_index)
    assert [told(each) for each in found.paths] == [(connected, NORMAL, "10.0.0.2", 1, 0)]
    assert add(api, route("192.0.2.0/24", path("10.0.0.3", connected, weight=0), table_id=vrf)).retval == 0
    assert [told(each) for each in find(api, "192.0.2.0/24", vrf).paths] == [(connected, NORMAL, "10.0.0.3", 1, 0)]
    assert delete(api, route("192.0.2.0/24", table_id=vrf)) == 0
    assert "192.0.2.0/24" not in prefixes(api, vrf)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"type": DROP}, (NONE, DROP, "0.0.0.0", 1, 0)),
        ({"type": UNREACH}, (NONE, UNREACH, "0.0.0.0", 1, 0)),
        ({"type": PROHIBIT}, (NONE, PROHIBIT, "0.0.0.0", 1, 0)),
        ({"type": LOCAL}, (NONE, LOCAL, "0.0.0.0", 1, 0)),
        ({"weight": 5, "preference": 3}, None),
    ],
)
def test_kinds_of_paths(api: Any, connected: int, given: dict[str, int], shown: tuple[Any, ...] | None) -> None:
    if shown is None:  # to whoever is on the interface
        given, shown = given | {"sw_if_index": connected}, (connected, NORMAL, "0.0.0.0", 5, 3)
    assert add(api, route("203.0.113.0/24", path(**given))).retval == 0
    assert [told(each) for each in find(api, "203.0.113.0/24").paths] == [shown]
    assert delete(api, route("203.0.113.0/24")) == 0


def test_a_lookup_in_another_table(api: Any, vrf: int) -> None:
    assert add(api, route("203.0.113.0/24", path(table_id=vrf))).retval == 0
    (found,) = find(api, "203.0.113.0/24").paths
    assert (found.sw_if_index, found.table_id) == (NONE, vrf)
    assert delete(api, route("203.0.113.0/24")) == 0


def test_a_next_hop_without_its_interface(api: Any, connected: int, vrf: int) -> None:
    """It goes as its own route in the path's table does."""
    assert add(api, route("203.0.113.0/24", path("10.0.0.9", table_id=vrf, flags=2))).retval == 0
    (found,) = find(api, "203.0.113.0/24").paths
    assert (found.sw_if_index, str(found.nh.address.ip4)) == (NONE, "10.0.0.9")
    assert (found.table_id, int(found.flags)) == (vrf, 2)
    assert find(api, "10.0.0.9/32", vrf).paths[0].type == DROP
    assert delete(api, route("203.0.113.0/24")) == 0


def test_several_paths(api: Any, connected: int) -> None:
    one, two = path("10.0.0.2", connected), path("10.0.0.3", connected, weight=3)

    def hops() -> list[tuple[str, int]]:
        return [(str(each.nh.address.ip4), each.weight) for each in find(api, "203.0.113.0/24").paths]

    assert add(api, route("203.0.113.0/24", one), multipath=True).retval == 0
    assert add(api, route("203.0.113.0/24", two), multipath=True).retval == 0
    assert hops() == [("10.0.0.2", 1), ("10.0.0.3", 3)]
    assert delete(api, route("203.0.113.0/24", path("10.0.0.4", connected)), multipath=True) == 0
    assert delete(api, route("203.0.113.0/24", one), multipath=True) == 0
    assert hops() == [("10.0.0.3", 3)]
    assert delete(api, route("203.0.113.0/24", two), multipath=True) == 0
    assert "203.0.113.0/24" not in prefixes(api)
    assert add(api, route("203.0.113.0/24", one, two)).retval == 0
    assert add(api, route("203.0.113.0/24", one)).retval == 0
    assert hops() == [("10.0.0.2", 1)]
    assert delete(api, route("203.0.113.0/24", one)) == 0


def test_what_is_not_there_need_not_be_deleted(api: Any, unchanged: None) -> None:
    """As VPP: nothing is wrong with that."""
    assert delete(api, route("198.51.100.0/24")) == 0
    assert delete(api, route("198.51.100.0/24", path(type=DROP)), multipath=True) == 0


def test_routes_that_cannot_be(api: Any, connected: int, request: pytest.FixtureRequest) -> None:
    assert add(api, route("203.0.113.0/24", path("10.0.0.2", connected))).retval == 0
    request.addfinalizer(lambda: delete(api, route("203.0.113.0/24")))
    request.getfixturevalue("unchanged")
    cases = {
        NO_SUCH_FIB: [
            route("203.0.113.0/24", path("10.0.0.2", connected), table_id=NO_SUCH_TABLE),
            route("203.0.113.0/24", path("10.0.0.2", table_id=NO_SUCH_TABLE)),
            route("203.0.113.0/24", path(table_id=NO_SUCH_TABLE)),
        ],
        NO_PATHS_IN_ROUTE: [route("203.0.113.0/24")],
        NO_MATCHING_INTERFACE: [
            route("203.0.113.0/24", path("10.0.0.2", NO_SUCH_INTERFACE)),
            route("203.0.113.0/24", path(sw_if_index=NO_SUCH_INTERFACE)),
            route("203.0.113.0/24", path(type=LOCAL, sw_if_index=NO_SUCH_INTERFACE)),
        ],
        NEXT_HOP_NOT_IN_FIB: [route("2001:db8:77::/48", path("fe80::1", proto=1))],
        FIB_PATH_UNSUPPORTED_NH_PROTO: [
            route("2001:db8:77::/48", path("10.0.0.2", connected)),
            route("203.0.113.0/24", path("10.0.0.2", connected, proto=2)),
        ],
        UNIMPLEMENTED: [
            route("203.0.113.0/24", path("10.0.0.2", connected, n_labels=1)),
            route("203.0.113.0/24", path(type=UDP_ENCAP)),
            route("203.0.113.0/24", path(type=DVR, sw_if_index=connected)),
        ],
    }
    for error, routes in cases.items():
        for each in routes:
            for multipath in (False, True):
                refused = add(api, each, multipath=multipath)
                assert (refused.retval, refused.stats_index) == (error, 0), each
    assert delete(api, route("203.0.113.0/24"), multipath=True) == NO_PATHS_IN_ROUTE
    assert delete(api, route("203.0.113.0/24", table_id=NO_SUCH_TABLE)) == NO_SUCH_FIB


def test_a_dump_has_all_sources(api: Any, connected: int) -> None:
    """What comes with an address: the subnet, the address, and the two that nobody can have."""
    found = {str(each.route.prefix): told(each.route.paths[0]) for each in api.ip_route_dump(table=table(0))}
    assert found["10.0.0.0/24"] == (connected, NORMAL, "0.0.0.0", 1, 0)
    assert found["10.0.0.1/32"] == (connected, LOCAL, "10.0.0.1", 1, 0)
    dropped = ("0.0.0.0/0", "10.0.0.0/32", "10.0.0.255/32", "224.0.0.0/4", "255.255.255.255/32")
    assert {found[prefix][:2] for prefix in dropped} == {(NONE, DROP)}


def test_an_ipv4_route_by_an_ipv6_next_hop(api: Any, connected: int) -> None:
    """RFC 8950: the next hop is told as what it is."""
    wanted = route("10.9.0.0/16", path("fe80::9", connected, proto=1))
    assert add(api, wanted).retval == 0
    (found,) = [each.route for each in api.ip_route_dump(table=table(0)) if str(each.route.prefix) == "10.9.0.0/16"]
    (way,) = found.paths
    assert (way.sw_if_index, int(way.proto), str(way.nh.address.ip6)) == (connected, 1, "fe80::9")
    assert delete(api, wanted) == 0


def test_sources(api: Any, running: Served, vrf: int) -> None:
    names = {each.src.name: (each.src.id, each.src.priority) for each in api.fib_source_dump()}
    assert (names["API"][0], names["CLI"][0]) == (API, CLI)
    assert names["interface"][1] < names["API"][1] < names["CLI"][1]
    assert api.fib_source_add(src={"name": "mine"}).retval == UNIMPLEMENTED
    running.cli(f"ip route add 10.1.0.0/16 table {vrf} via drop")
    drop = route("10.2.0.0/16", path(type=DROP), table_id=vrf)
    for prefix, source in (("10.2.0.0/16", 0), ("10.3.0.0/16", API), ("10.4.0.0/16", CLI)):
        wanted = drop | {"prefix": prefix, "src": source}
        assert api.ip_route_add_del_v2(is_add=True, route=wanted).retval == 0
    refused = api.ip_route_add_del_v2(is_add=True, route=drop | {"src": names["interface"][0]})
    assert refused.retval == INVALID_VALUE
    for source, expected in ((API, {"10.2", "10.3"}), (CLI, {"10.1", "10.4"})):
        found = [each.route for each in api.ip_route_v2_dump(src=source, table=table(vrf))]
        assert {str(each.prefix)[:4] for each in found} == expected
        assert {each.src for each in found} == {source}
    assert len(api.ip_route_v2_dump(src=0, table=table(vrf))) == len(api.ip_route_dump(table=table(vrf)))
    assert api.ip_route_lookup_v2(table_id=vrf, exact=1, prefix="10.1.0.0/16").route.src == CLI


def test_looking_up(api: Any, connected: int) -> None:
    def look(prefix: str, exact: int) -> tuple[int, str]:
        found = api.ip_route_lookup(table_id=0, exact=exact, prefix=prefix)
        return found.retval, str(found.route.prefix)

    assert look("10.0.0.99/32", 0) == (0, "10.0.0.0/24")
    assert look("10.0.0.1/32", 0) == (0, "10.0.0.1/32")
    assert look("10.0.0.0/20", 0) == (0, "0.0.0.0/0")
    assert look("10.0.0.99/32", 1)[0] == NO_SUCH_ENTRY
    assert api.ip_route_lookup(table_id=NO_SUCH_TABLE, exact=0, prefix="10.0.0.1/32").retval == NO_SUCH_FIB


# --- flow hash


def test_flow_hashes(api: Any, running: Served, vrf: int) -> None:
    def shown() -> str:
        (line,) = [line for line in running.cli(f"show ip fib table {vrf}").splitlines() if "flow hash" in line]
        return line.split("[", 1)[1].split("]")[0]

    api.set_ip_flow_hash(vrf_id=vrf, src=True, dport=True, reverse=True)
    assert shown().split() == ["src", "dport", "reverse"]
    assert api.set_ip_flow_hash_v2(table_id=vrf, af=0, flow_hash_config=1 | 2 | 128).retval == 0
    assert shown().split() == ["src", "dst", "flowlabel"]
    assert api.set_ip_flow_hash_v3(table_id=vrf, af=0, flow_hash_config=2 | 16).retval == 0
    assert api.set_ip_flow_hash_v3(table_id=vrf, af=0, flow_hash_config=256).retval == UNIMPLEMENTED
    assert shown().split() == ["dst", "proto"]
    assert api.set_ip_flow_hash(vrf_id=NO_SUCH_TABLE, src=True).retval == NO_SUCH_FIB
    assert api.set_ip_flow_hash_v2(table_id=NO_SUCH_TABLE, af=0, flow_hash_config=1).retval == NO_SUCH_FIB
    assert api.set_ip_flow_hash_v3(table_id=NO_SUCH_TABLE, af=0, flow_hash_config=1).retval == NO_SUCH_FIB


# --- with packets


def test_what_is_configured_forwards(api: Any, running: Served, vrf: int) -> None:
    """Routes of the API send packets on; what is deleted no longer; the counters have the route's number."""
    ports = running.run(lambda lab: lab.pg(2))
    inside, outside = (port.sw_if_index for port in ports)
    for index, prefix in ((inside, "10.60.0.1/24"), (outside, "10.61.0.1/24")):
        assert api.sw_interface_set_table(sw_if_index=index, vrf_id=vrf).retval == 0
        assert change(api, index, prefix) == 0
    neighbor = {"sw_if_index": outside, "ip_address": "10.61.0.2", "mac_address": "02:00:00:00:00:99"}
    assert api.ip_neighbor_add_del(is_add=True, neighbor=neighbor).retval == 0
    made = add(api, route("203.0.113.0/24", path("10.61.0.2", outside), table_id=vrf))
    mac = str(api.sw_interface_get_mac_address(sw_if_index=inside).mac_address)
    packet = Ether(src="02:00:00:00:00:98", dst=mac) / IP(src="10.60.0.2", dst="203.0.113.5", ttl=7) / UDP(dport=9)

    def send() -> list[Any]:
        left = running.run(lambda lab: lab.send(ports[0], packet, packet))
        return [(frame.dst, frame[IP].ttl) for frame in left.get(ports[1].name, [])]

    assert send() == [("02:00:00:00:00:99", 6)] * 2
    from weft.features.fib.load_balance import to_counters

    assert running.run(lambda lab: to_counters.read(made.stats_index))[0] == 2
    assert delete(api, route("203.0.113.0/24", table_id=vrf)) == 0
    assert send() == []


@pytest.mark.parametrize(
    ("header", "source", "destination", "hosts"),
    [
        (IP, "10.62.0.2", "198.51.100.5", "10.62.{}.1/24"),
        (IPv6, "2001:db8:62::2", "2001:db8:aa::5", "2001:db8:62{}::1/64"),
    ],
)
def test_routers_that_choose_differently(
    api: Any, running: Served, vrf: int, header: Any, source: str, destination: str, hosts: str
) -> None:
    """A router's number changes which of two paths a flow takes, and 0 makes it as it was. No flow is lost."""
    first = len(running.run(lambda lab: lab.ports))
    ports = running.run(lambda lab: lab.pg(3))
    version = 6 if header is IPv6 else 4
    if version == 6:
        api.ip_table_add_del(is_add=True, table=table(vrf, is_ip6=True))
    paths = []
    for number, port in enumerate(ports):
        own = hosts.format(number)
        assert api.sw_interface_set_table(sw_if_index=port.sw_if_index, vrf_id=vrf, is_ipv6=version == 6).retval == 0
        assert change(api, port.sw_if_index, own) == 0
        if number:
            hop = own.partition("/")[0][:-1] + "2"
            neighbor = {"sw_if_index": port.sw_if_index, "ip_address": hop, "mac_address": f"02:00:00:00:00:0{number}"}
            assert api.ip_neighbor_add_del(is_add=True, neighbor=neighbor).retval == 0
            paths.append(path(hop, port.sw_if_index))
    prefix = "198.51.100.0/24" if version == 4 else "2001:db8:aa::/64"
    assert add(api, route(prefix, *paths, table_id=vrf)).retval == 0
    mac = str(api.sw_interface_get_mac_address(sw_if_index=ports[0].sw_if_index).mac_address)
    flows = [Ether(dst=mac) / header(src=source, dst=destination) / UDP(sport=n, dport=9) for n in range(1000, 1064)]

    def chosen() -> dict[int, str]:
        left = running.run(lambda lab: lab.send(lab.ports[first], *flows))
        return {frame[UDP].sport: frame.dst for frames in left.values() for frame in frames if UDP in frame}

    try:
        before = chosen()
        assert len(before) == len(flows) and len(set(before.values())) == 2
        assert api.set_ip_flow_hash_router_id(router_id=0xC0000201).retval == 0
        other = chosen()
        assert other.keys() == before.keys()
        assert 8 < sum(other[flow] != before[flow] for flow in before) < 56  # about half of 64
        assert api.set_ip_flow_hash_router_id(router_id=0).retval == 0
        assert chosen() == before
    finally:
        api.set_ip_flow_hash_router_id(router_id=0)


def test_what_is_not_implemented_says_so(api: Any, unchanged: None) -> None:
    assert api.ip_reassembly_get(is_ip6=False, type=0).retval == UNIMPLEMENTED
    assert api.ioam_disable(id=1).retval == UNIMPLEMENTED
    assert api.ip_mroute_dump(table=table(0)) == []
    assert api.ip_path_mtu_get(cursor=0)[0].retval == UNIMPLEMENTED


# --- unnumbered interfaces


def test_an_interface_that_uses_anothers_addresses(api: Any, running: Served, connected: int) -> None:
    """The first number of the request is whose addresses they are, the second who uses them."""
    name = running.cli("create loopback interface").strip()
    index = next(each.sw_if_index for each in api.sw_interface_dump() if each.interface_name == name)
    try:
        request = {"sw_if_index": connected, "unnumbered_sw_if_index": index}
        assert api.sw_interface_set_unnumbered(is_add=True, **request).retval == 0
        dumped = [(each.sw_if_index, each.ip_sw_if_index) for each in api.ip_unnumbered_dump(sw_if_index=NONE)]
        assert dumped == [(index, connected)]
        assert api.ip_unnumbered_dump(sw_if_index=connected) == []
        own = [str(each.prefix) for each in api.ip_address_dump(sw_if_index=connected, is_ipv6=False)]
        assert [str(each.prefix) for each in api.ip_address_dump(sw_if_index=index, is_ipv6=False)] == own != []
        assert api.sw_interface_set_unnumbered(is_add=False, **request).retval == 0
        assert api.ip_unnumbered_dump(sw_if_index=NONE) == []
        assert api.ip_address_dump(sw_if_index=index, is_ipv6=False) == []
        assert api.sw_interface_set_unnumbered(is_add=False, **request).retval < 0
    finally:
        running.cli(f"delete loopback interface intfc {name}")
