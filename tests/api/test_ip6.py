"""Messages of IPv6: of IP, and of router advertisements; with vpp_papi as the client."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptPrefixInfo, IPv6
from scapy.layers.l2 import Ether
from tests.conftest import Lab

from .papi import DROP, NONE, path, route, table
from .served import Served
from .test_interface import wait_for

INVALID_SW_IF_INDEX, NO_SUCH_FIB, NO_SUCH_ENTRY, INVALID_VALUE = -2, -3, -6, -7
INVALID_REGISTRATION, IP6_NOT_ENABLED, VALUE_EXIST, ADDRESS_IN_USE = -31, -62, -81, -105
FIB_PATH_UNSUPPORTED_NH_PROTO = -157
NO_SUCH_INTERFACE = 0x7000
MAC = "02:00:00:00:00:01"


def wait(running: Served, *seconds: int) -> None:
    """Let time pass, and what is due happen."""

    def turn(lab: Lab) -> None:
        for each in seconds:
            lab.engine.advance(each)
            lab.engine.step()

    running.run(turn)


def change(api: Any, index: int, prefix: str, *, is_add: bool = True) -> int:
    return int(api.sw_interface_add_del_address(sw_if_index=index, is_add=is_add, prefix=prefix).retval)


@pytest.fixture
def port(running: Served, api: Any) -> Any:
    """A packet generator's interface with IPv6, for one test."""
    (port,) = running.run(lambda lab: lab.pg(1))
    assert api.sw_interface_ip6_enable_disable(sw_if_index=port.sw_if_index, enable=True).retval == 0
    yield port
    api.sw_interface_ip6_enable_disable(sw_if_index=port.sw_if_index, enable=False)


# --- IP


def test_tables_of_both_families(api: Any) -> None:
    """Of one number, and yet two."""
    assert api.ip_table_add_del(is_add=True, table=table(60, is_ip6=True, name="six")).retval == 0
    found = [each.table for each in api.ip_table_dump() if each.table.table_id == 60]
    assert [(each.is_ip6, each.name) for each in found] == [(True, "six")]
    assert api.ip_table_add_del(is_add=False, table=table(60)).retval == 0
    assert 60 in [each.table.table_id for each in api.ip_table_dump()]
    assert api.ip_table_add_del(is_add=False, table=table(60, is_ip6=True)).retval == 0
    assert 60 not in [each.table.table_id for each in api.ip_table_dump()]


def test_addresses(api: Any, loop: int) -> None:
    for prefix in ("2001:db8::1/64", "2001:db8:1::1/128"):
        assert change(api, loop, prefix) == 0
    assert change(api, loop, "2001:db8::1/64") == ADDRESS_IN_USE
    found = api.ip_address_dump(sw_if_index=loop, is_ipv6=True)
    assert [str(each.prefix) for each in found] == ["2001:db8::1/64", "2001:db8:1::1/128"]
    assert api.ip_address_dump(sw_if_index=loop) == []
    assert loop in [each.sw_if_index for each in api.ip_dump(is_ipv6=True)]
    assert change(api, loop, "2001:db8::1/64", is_add=False) == 0
    assert api.sw_interface_add_del_address(sw_if_index=loop, del_all=True, prefix="::/0").retval == 0
    assert api.ip_address_dump(sw_if_index=loop, is_ipv6=True) == []


def test_without_an_address(api: Any, loop: int) -> None:
    def switch(enable: bool) -> int:
        return int(api.sw_interface_ip6_enable_disable(sw_if_index=loop, enable=enable).retval)

    own = api.sw_interface_ip6_get_link_local_address(sw_if_index=loop)
    assert (own.retval, str(own.ip)) == (IP6_NOT_ENABLED, "::")
    assert switch(False) == IP6_NOT_ENABLED
    assert (switch(True), switch(True)) == (0, VALUE_EXIST)
    mac = bytes(api.sw_interface_get_mac_address(sw_if_index=loop).mac_address.packed)
    own = api.sw_interface_ip6_get_link_local_address(sw_if_index=loop)
    # RFC 4291, appendix A: the MAC address with its second-lowest bit turned around.
    expected = b"\xfe\x80" + bytes(6) + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
    assert (own.retval, own.ip.packed) == (0, expected)
    assert (switch(False), switch(False)) == (0, IP6_NOT_ENABLED)


def test_link_local_addresses(api: Any, loop: int) -> None:
    def set_own(ip: str) -> int:
        return int(api.sw_interface_ip6_set_link_local_address(sw_if_index=loop, ip=ip).retval)

    assert set_own("2001:db8::1") == INVALID_VALUE
    assert api.sw_interface_ip6_get_link_local_address(sw_if_index=loop).retval == IP6_NOT_ENABLED
    assert set_own("fe80::77") == 0
    assert str(api.sw_interface_ip6_get_link_local_address(sw_if_index=loop).ip) == "fe80::77"


def test_routes(api: Any, loop: int) -> None:
    assert change(api, loop, "2001:db8::1/64") == 0
    wanted = route("2001:db8:f::/48", path("2001:db8::2", loop), path("2001:db8::3", loop, weight=2))
    made = api.ip_route_add_del(is_add=True, route=wanted)
    assert made.retval == 0
    found = api.ip_route_lookup_v2(table_id=0, exact=0, prefix="2001:db8:f::5/128")
    assert (str(found.route.prefix), found.route.stats_index) == ("2001:db8:f::/48", made.stats_index)
    hops = [(each.sw_if_index, int(each.proto), str(each.nh.address.ip6), each.weight) for each in found.route.paths]
    assert hops == [(loop, 1, "2001:db8::2", 1), (loop, 1, "2001:db8::3", 2)]
    dumped = {str(each.route.prefix) for each in api.ip_route_dump(table=table(0, is_ip6=True))}
    assert {"2001:db8:f::/48", "2001:db8::/64", "2001:db8::1/128", "::/0"} <= dumped
    mixed = route("2001:db8:e::/48", path("10.0.0.1", loop))
    assert api.ip_route_add_del(is_add=True, route=mixed).retval == FIB_PATH_UNSUPPORTED_NH_PROTO
    for prefix, error in (("2001:db8:e::/48", 0), ("2001:db8:f::/48", 0)):
        assert api.ip_route_add_del(is_add=False, route=route(prefix)).retval == error
    lost = api.ip_route_lookup(table_id=0, exact=1, prefix="2001:db8:f::/48")
    assert (lost.retval, lost.route.paths) == (NO_SUCH_ENTRY, [])


def test_replacing_routes(api: Any) -> None:
    six = table(61, is_ip6=True)
    api.ip_table_add_del(is_add=True, table=six)
    for prefix in ("2001:db8:1::/48", "2001:db8:2::/48"):
        api.ip_route_add_del(is_add=True, route=route(prefix, path(type=DROP), table_id=61))
    assert api.ip_table_replace_begin(table=table(61)).retval == NO_SUCH_FIB
    assert api.ip_table_replace_begin(table=six).retval == 0
    api.ip_route_add_del(is_add=True, route=route("2001:db8:2::/48", path(type=DROP), table_id=61))
    assert api.ip_table_replace_end(table=six).retval == 0
    dumped = {str(each.route.prefix) for each in api.ip_route_dump(table=six)}
    assert "2001:db8:2::/48" in dumped and "2001:db8:1::/48" not in dumped
    api.ip_table_add_del(is_add=False, table=six)


def test_what_is_configured_forwards(api: Any, running: Served) -> None:
    inside, outside = running.run(lambda lab: lab.pg(2))
    for each, prefix in ((inside, "2001:db8:60::1/64"), (outside, "2001:db8:61::1/64")):
        assert change(api, each.sw_if_index, prefix) == 0
    neighbor = {"sw_if_index": outside.sw_if_index, "ip_address": "2001:db8:61::2", "mac_address": MAC}
    assert api.ip_neighbor_add_del(is_add=True, neighbor=neighbor).retval == 0
    assert [str(each.neighbor.ip_address) for each in api.ip_neighbor_dump(af=1)] == ["2001:db8:61::2"]
    wanted = route("2001:db8:f::/48", path("2001:db8:61::2", outside.sw_if_index))
    assert api.ip_route_add_del(is_add=True, route=wanted).retval == 0
    mac = str(api.sw_interface_get_mac_address(sw_if_index=inside.sw_if_index).mac_address)
    ip = IPv6(src="2001:db8:60::2", dst="2001:db8:f::9", hlim=7)
    packet = Ether(src="02:00:00:00:00:02", dst=mac) / ip / UDP(dport=9)
    running.run(lambda lab: lab.output())
    left = running.run(lambda lab: lab.send(inside, packet))
    assert [(each.dst, each[IPv6].hlim) for each in left[outside.name] if UDP in each] == [(MAC, 6)]


# --- router advertisements


def advertised(api: Any, index: int) -> Any:
    (found,) = api.sw_interface_ip6nd_ra_dump(sw_if_index=index)
    return found


def test_what_advertisements_say(api: Any, running: Served, port: Any) -> None:
    index = port.sw_if_index
    before = advertised(api, index)
    assert (before.send_radv, before.max_radv_interval, before.prefixes) == (True, 200.0, [])
    settings = {"managed": 1, "ll_option": 1, "max_interval": 20, "min_interval": 10}
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=index, default_router=1, lifetime=60, **settings).retval == 0
    assert (
        api.sw_interface_ip6nd_ra_prefix(
            sw_if_index=index, prefix="2001:db8:77::/64", val_lifetime=1000, pref_lifetime=500, no_autoconfig=True
        ).retval
        == 0
    )
    said = advertised(api, index)
    assert (said.adv_managed_flag, said.adv_link_layer_address, said.adv_router_lifetime) == (True, False, 60)
    assert (said.max_radv_interval, said.min_radv_interval) == (20.0, 10.0)
    (prefix,) = said.prefixes
    assert (str(prefix.prefix), prefix.val_lifetime, prefix.pref_lifetime) == ("2001:db8:77::/64", 1000, 500)
    assert (prefix.onlink_flag, prefix.autonomous_flag) == (True, False)
    running.run(lambda lab: lab.output())
    wait(running, 30)
    sent = [each for each in running.run(lambda lab: lab.output())[port.name] if ICMPv6ND_RA in each]
    assert sent and all(each[ICMPv6NDOptPrefixInfo].prefix == "2001:db8:77::" for each in sent)
    assert {(each[ICMPv6ND_RA].M, each[ICMPv6ND_RA].routerlifetime) for each in sent} == {(1, 60)}
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=index, managed=1, suppress=1).retval == 0
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=index, managed=1, is_no=True).retval == 0
    assert (advertised(api, index).adv_managed_flag, advertised(api, index).send_radv) == (False, False)
    gone = {"sw_if_index": index, "prefix": "2001:db8:77::/64", "is_no": True}
    assert api.sw_interface_ip6nd_ra_prefix(**gone).retval == 0
    assert api.sw_interface_ip6nd_ra_prefix(**gone).retval == NO_SUCH_ENTRY
    assert advertised(api, index).prefixes == []


def test_advertisements_that_cannot_be(api: Any, loop: int, port: Any) -> None:
    index = port.sw_if_index

    def state() -> tuple[Any, ...]:
        found = advertised(api, index)
        return found.max_radv_interval, found.adv_router_lifetime, found.adv_other_flag, found.prefixes

    before = state()
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=loop, managed=1).retval == IP6_NOT_ENABLED
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=NO_SUCH_INTERFACE).retval == INVALID_SW_IF_INDEX
    assert api.sw_interface_ip6nd_ra_config(sw_if_index=index, other=1, max_interval=3).retval == INVALID_VALUE
    for prefix in ("10.0.0.0/24", "fe80::/64"):
        refused = api.sw_interface_ip6nd_ra_prefix(sw_if_index=index, prefix=prefix, use_default=True)
        assert refused.retval < 0
    late = {"prefix": "2001:db8:78::/64", "val_lifetime": 5, "pref_lifetime": 6}
    assert api.sw_interface_ip6nd_ra_prefix(sw_if_index=index, **late).retval == INVALID_VALUE
    assert state() == before
    assert api.sw_interface_ip6nd_ra_dump(sw_if_index=loop) == []
    assert index in [each.sw_if_index for each in api.sw_interface_ip6nd_ra_dump(sw_if_index=NONE)]


def test_other_routers_are_told(running: Served, api: Any, port: Any) -> None:
    told: list[Any] = []
    client = running.client("routers")
    client.register_event_callback(lambda name, event: told.append(event))
    assert client.api.want_ip6_ra_events(enable=True, pid=8).retval == 0
    assert client.api.want_ip6_ra_events(enable=True, pid=8).retval == INVALID_REGISTRATION
    said = ICMPv6ND_RA(chlim=33, M=1, routerlifetime=900, reachabletime=5, retranstimer=6)
    said /= ICMPv6NDOptPrefixInfo(prefix="2001:db8:9::", prefixlen=64, L=1, A=0, validlifetime=70, preferredlifetime=60)
    frame = Ether(src=MAC, dst="33:33:00:00:00:01") / IPv6(src="fe80::9", dst="ff02::1", hlim=255) / said
    running.run(lambda lab: lab.send(port, frame))
    wait_for(lambda: told)
    (event,) = told
    assert (event.pid, event.sw_if_index, str(event.router_addr)) == (8, port.sw_if_index, "fe80::9")
    assert (event.current_hop_limit, event.flags, event.router_lifetime_in_sec) == (33, 0x80 | said.prf << 3, 900)
    (prefix,) = event.prefixes
    assert (str(prefix.prefix), prefix.valid_time, prefix.preferred_time) == ("2001:db8:9::/64", 70, 60)
    client.disconnect()


def test_asking_for_routers(running: Served, api: Any, port: Any) -> None:
    def solicitations() -> int:
        return len([each for each in running.run(lambda lab: lab.output()).get(port.name, []) if ICMPv6ND_RS in each])

    index = port.sw_if_index
    running.run(lambda lab: lab.output())
    assert api.ip6nd_send_router_solicitation(sw_if_index=index, irt=1, mrt=4, mrc=3).retval == 0
    wait(running, 5, 5, 5, 5)
    assert solicitations() == 3
    assert api.ip6nd_send_router_solicitation(sw_if_index=index, irt=1, mrt=4).retval == 0
    assert api.ip6nd_send_router_solicitation(sw_if_index=index, stop=True).retval == 0
    wait(running, 20)
    assert solicitations() == 1
    assert api.ip6nd_send_router_solicitation(sw_if_index=index).retval == INVALID_VALUE


def test_proxies(api: Any, port: Any) -> None:
    index = port.sw_if_index
    for _ in range(2):
        assert api.ip6nd_proxy_add_del(sw_if_index=index, is_add=True, ip="2001:db8::9").retval == 0
    assert [(each.sw_if_index, str(each.ip)) for each in api.ip6nd_proxy_dump()] == [(index, "2001:db8::9")]
    assert api.ip6nd_proxy_add_del(sw_if_index=index, is_add=False, ip="2001:db8::9").retval == 0
    assert api.ip6nd_proxy_add_del(sw_if_index=index, is_add=False, ip="2001:db8::9").retval == NO_SUCH_ENTRY
    assert api.ip6nd_proxy_dump() == []
    for on in (True, False):
        assert api.ip6nd_proxy_enable_disable(sw_if_index=index, is_enable=on).retval == 0
    assert api.ip6nd_proxy_enable_disable(sw_if_index=NO_SUCH_INTERFACE, is_enable=True).retval == INVALID_SW_IF_INDEX
