"""Messages of neighbors, proxy ARP and ping, with vpp_papi as the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from weft.features.pg.model import PacketGenerator

from .papi import NONE
from .served import Served
from .test_interface import wait_for

NO_SUCH_INTERFACE = 0x7000
INVALID_SW_IF_INDEX, NO_SUCH_FIB, NO_SUCH_ENTRY, INVALID_VALUE, UNIMPLEMENTED = -2, -3, -6, -7, -9
LIMIT_EXCEEDED = -162
STATIC, NO_FIB_ENTRY = 1, 2
ADDED, REMOVED = 1, 2
MAC = "02:00:00:00:00:01"


@pytest.fixture
def here(api: Any, loop: int) -> int:
    """An interface with 10.0.0.1/24."""
    made = api.sw_interface_add_del_address(sw_if_index=loop, is_add=True, prefix="10.0.0.1/24")
    assert made.retval == 0
    return loop


def change(api: Any, index: int, address: str, mac: str = MAC, *, is_add: bool = True, flags: int = 0) -> int:
    wanted = {"sw_if_index": index, "ip_address": address, "mac_address": mac, "flags": flags}
    return int(api.ip_neighbor_add_del(is_add=is_add, neighbor=wanted).retval)


def known(api: Any, index: int = NONE) -> list[tuple[str, str, int]]:
    found = [each.neighbor for each in api.ip_neighbor_dump(sw_if_index=index, af=0)]
    return [(str(each.ip_address), str(each.mac_address), int(each.flags)) for each in found]


# --- adding and listing


def test_neighbors(api: Any, here: int) -> None:
    assert change(api, here, "10.0.0.2") == 0
    assert change(api, here, "10.0.0.3", "02:00:00:00:00:03", flags=STATIC) == 0
    assert change(api, here, "10.0.0.4", "02:00:00:00:00:04", flags=STATIC | NO_FIB_ENTRY) == 0
    assert known(api, here) == [
        ("10.0.0.2", MAC, 0),
        ("10.0.0.3", "02:00:00:00:00:03", STATIC),
        ("10.0.0.4", "02:00:00:00:00:04", STATIC | NO_FIB_ENTRY),
    ]
    (first, *_) = api.ip_neighbor_dump(sw_if_index=here, af=0)
    assert 0 <= first.age < 60
    assert api.ip_neighbor_dump(sw_if_index=here, af=1) == []
    assert api.ip_neighbor_dump(sw_if_index=NO_SUCH_INTERFACE, af=0) == []
    hosts = {str(each.route.prefix) for each in api.ip_route_dump(table={"table_id": 0})}
    assert {"10.0.0.2/32", "10.0.0.3/32"} <= hosts and "10.0.0.4/32" not in hosts
    assert change(api, here, "10.0.0.2", "02:00:00:00:00:22") == 0
    assert known(api, here)[0] == ("10.0.0.2", "02:00:00:00:00:22", 0)
    assert change(api, here, "10.0.0.2", is_add=False) == 0
    assert [address for address, _, _ in known(api, here)] == ["10.0.0.3", "10.0.0.4"]


def test_neighbors_that_cannot_be(api: Any, here: int, request: pytest.FixtureRequest) -> None:
    assert change(api, here, "10.0.0.3", flags=STATIC) == 0
    request.getfixturevalue("unchanged")
    assert change(api, NO_SUCH_INTERFACE, "10.0.0.2") == INVALID_SW_IF_INDEX
    assert change(api, here, "10.0.0.2", is_add=False) == NO_SUCH_ENTRY
    assert change(api, here, "10.0.0.2", "01:00:00:00:00:01") == INVALID_VALUE
    assert change(api, here, "10.0.0.3", "02:00:00:00:00:33") == -2  # static; VPP has no name for it


def test_limits(api: Any, here: int) -> None:
    def limits() -> tuple[int, int, bool]:
        found = api.ip_neighbor_config_get(af=0)
        return found.max_number, found.max_age, found.recycle

    assert limits() == (50_000, 0, False)
    assert api.ip_neighbor_config(af=0, max_number=2, max_age=60, recycle=False).retval == 0
    assert limits() == (2, 60, False)
    assert [change(api, here, f"10.0.0.{host}") for host in (2, 3, 4)] == [0, 0, LIMIT_EXCEEDED]
    assert api.ip_neighbor_config(af=0, max_number=2, recycle=True).retval == 0
    assert change(api, here, "10.0.0.4") == 0
    assert len(known(api, here)) == 2
    assert api.ip_neighbor_config(af=0, max_number=0xFFFFFFFF).retval == INVALID_VALUE
    assert api.ip_neighbor_config(af=0, max_number=50_000).retval == 0


def test_flushing(api: Any, here: int) -> None:
    other = api.create_loopback().sw_if_index
    api.sw_interface_set_flags(sw_if_index=other, flags=1)
    for index in (here, other):
        assert change(api, index, "10.0.0.2") == change(api, index, "10.0.0.3", flags=STATIC) == 0
    assert api.ip_neighbor_flush(af=0, sw_if_index=here).retval == 0
    assert (len(known(api, here)), len(known(api, other))) == (0, 2)
    assert api.ip_neighbor_flush(af=1).retval == 0
    assert len(known(api, other)) == 2
    assert api.ip_neighbor_flush(af=0).retval == 0
    assert known(api) == []
    api.delete_loopback(sw_if_index=other)


def test_replacing(api: Any, here: int) -> None:
    for host in (2, 3, 4):
        assert change(api, here, f"10.0.0.{host}") == 0
    assert api.ip_neighbor_replace_begin().retval == 0
    assert change(api, here, "10.0.0.3") == change(api, here, "10.0.0.5") == 0
    assert change(api, here, "10.0.0.4", is_add=False) == 0
    assert api.ip_neighbor_replace_end().retval == 0
    assert [address for address, _, _ in known(api, here)] == ["10.0.0.3", "10.0.0.5"]
    assert api.ip_neighbor_replace_end().retval == 0
    assert len(known(api, here)) == 2


# --- events


@pytest.fixture
def watcher(running: Served) -> Iterator[tuple[Any, list[tuple[Any, ...]]]]:
    """Another client, and the events that it gets."""
    told: list[tuple[Any, ...]] = []
    client = running.client("watcher")

    def note(name: str, event: Any) -> None:
        flags = int(event.flags) if name.endswith("v2") else 0
        told.append((name, event.pid, flags, event.neighbor.sw_if_index, str(event.neighbor.ip_address)))

    client.register_event_callback(note)
    yield client.api, told
    client.disconnect()


V1, V2 = "ip_neighbor_event", "ip_neighbor_event_v2"


def test_events_of_all_neighbors(running: Served, api: Any, here: int, watcher: Any) -> None:
    """Learned from the wire, changed and aged; by the second version of the messages."""
    client, told = watcher
    (port,) = running.run(lambda lab: lab.pg(1))
    index = port.sw_if_index
    api.sw_interface_add_del_address(sw_if_index=index, is_add=True, prefix="10.50.0.1/24")
    assert client.want_ip_neighbor_events_v2(enable=True, pid=5, ip="0.0.0.0").retval == 0
    for mac in (MAC, "02:00:00:00:00:02"):
        request = Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mac, psrc="10.50.0.2", pdst="10.50.0.1")
        running.run(lambda lab, request=request: lab.send(port, request))
    api.ip_neighbor_config(af=0, max_number=100, max_age=10)
    running.run(lambda lab: [lab.engine.advance(5) for _ in range(6)])
    api.ip_neighbor_config(af=0, max_number=50_000)
    wait_for(lambda: len(told) >= 3)
    assert told == [(V2, 5, flags, index, "10.50.0.2") for flags in (ADDED, ADDED, REMOVED)]
    assert client.want_ip_neighbor_events_v2(enable=False, pid=5, ip="0.0.0.0").retval == 0
    change(api, here, "10.0.0.2")
    client.control_ping()
    assert len(told) == 3


def test_events_of_some(api: Any, here: int, watcher: Any) -> None:
    """Of an address, of an interface; the first version does not say who is gone."""
    client, told = watcher
    assert client.want_ip_neighbor_events(enable=True, pid=1, ip="10.0.0.2").retval == 0
    assert client.want_ip_neighbor_events_v2(enable=True, pid=2, ip="0.0.0.0", sw_if_index=here).retval == 0
    assert client.want_ip_neighbor_events_v2(enable=True, pid=3, ip="0.0.0.0", sw_if_index=0).retval == 0
    refused = client.want_ip_neighbor_events_v2(enable=True, ip="0.0.0.0", sw_if_index=NO_SUCH_INTERFACE)
    assert refused.retval == INVALID_SW_IF_INDEX
    for host in (2, 3):
        change(api, here, f"10.0.0.{host}")
        change(api, here, f"10.0.0.{host}", is_add=False)
    wait_for(lambda: len(told) >= 5)
    assert sorted(told) == sorted(
        [(V1, 1, 0, here, "10.0.0.2")]
        + [(V2, 2, flags, here, f"10.0.0.{host}") for host in (2, 3) for flags in (ADDED, REMOVED)]
    )


def test_who_has_left_is_told_nothing(running: Served, api: Any, here: int) -> None:
    gone = running.client("gone")
    gone.api.want_ip_neighbor_events_v2(enable=True, pid=1, ip="0.0.0.0")
    gone.disconnect()
    wait_for(lambda: "gone" not in [client.name for client in running.server.clients.values()])
    assert change(api, here, "10.0.0.2") == 0


# --- proxy ARP


def test_proxies(api: Any, running: Served) -> None:
    proxy = {"table_id": 0, "low": "10.70.0.10", "hi": "10.70.0.20"}
    (port,) = running.run(lambda lab: lab.pg(1))
    index = port.sw_if_index
    assert api.proxy_arp_add_del(is_add=True, proxy=proxy).retval == 0
    assert api.proxy_arp_add_del(is_add=True, proxy=proxy).retval == 0
    assert api.proxy_arp_intfc_enable_disable(sw_if_index=index, enable=True).retval == 0
    found = [each.proxy for each in api.proxy_arp_dump()]
    assert [(each.table_id, str(each.low), str(each.hi)) for each in found] == [(0, "10.70.0.10", "10.70.0.20")]
    assert [each.sw_if_index for each in api.proxy_arp_intfc_dump()] == [index]
    request = Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=MAC, psrc="10.70.0.5", pdst="10.70.0.15")
    (answer,) = running.run(lambda lab: lab.send(port, request))[port.name]
    assert (answer[ARP].op, answer[ARP].psrc, answer.dst) == (2, "10.70.0.15", MAC)
    assert api.proxy_arp_intfc_enable_disable(sw_if_index=index, enable=False).retval == 0
    assert running.run(lambda lab: lab.send(port, request)) == {}
    assert api.proxy_arp_add_del(is_add=False, proxy=proxy).retval == 0
    assert (api.proxy_arp_dump(), api.proxy_arp_intfc_dump()) == ([], [])


def test_proxies_that_cannot_be(api: Any, unchanged: None) -> None:
    proxy = {"table_id": 0, "low": "10.70.0.10", "hi": "10.70.0.20"}
    assert api.proxy_arp_add_del(is_add=False, proxy=proxy).retval == NO_SUCH_ENTRY
    assert api.proxy_arp_add_del(is_add=True, proxy=proxy | {"table_id": 4000}).retval == NO_SUCH_FIB
    assert api.proxy_arp_add_del(is_add=True, proxy=proxy | {"hi": "10.70.0.9"}).retval == INVALID_VALUE


# --- ping


def test_a_ping_while_others_are_served(running: Served, api: Any) -> None:
    """The reply is immediate, the event comes when all is over; what was lost is not counted."""
    (port,) = running.run(lambda lab: lab.pg(1))
    index = port.sw_if_index
    api.sw_interface_add_del_address(sw_if_index=index, is_add=True, prefix="10.80.0.1/24")
    neighbor = {"sw_if_index": index, "ip_address": "10.80.0.2", "mac_address": MAC}
    api.ip_neighbor_add_del(is_add=True, neighbor=neighbor)
    events: list[Any] = []
    client = running.client("ping")
    client.register_event_callback(lambda name, event: events.append((name, event.request_count, event.reply_count)))
    assert client.api.want_ping_finished_events(address="10.80.0.2", repeat=2, interval=0.5).retval == 0

    def answer_one(lab: Any) -> bool:
        for request in lab.output().get(port.name, []):
            reply = Ether(src=request.dst, dst=request.src) / IP(src="10.80.0.2", dst="10.80.0.1")
            echo = ICMP(type=0, id=request[ICMP].id, seq=request[ICMP].seq) / bytes(request[ICMP].payload)
            lab.engine[PacketGenerator].send(port, [bytes(reply / echo)])
            return True
        return False

    wait_for(lambda: running.run(answer_one))
    assert api.control_ping().retval == 0
    assert events == []
    wait_for(lambda: events)
    assert events == [("ping_finished_event", 2, 1)]
    assert client.api.want_ping_finished_events(address="172.31.0.1", repeat=3).retval == 0
    wait_for(lambda: len(events) == 2)
    assert events[1] == ("ping_finished_event", 0, 0)  # there is no route
    assert client.api.want_ping_finished_events(address="10.80.0.2", repeat=0).retval == INVALID_VALUE
    assert client.api.want_ping_finished_events(address="10.80.0.2", interval=-1.0).retval == INVALID_VALUE
    client.disconnect()


def test_a_client_that_leaves_ends_its_pings(running: Served, api: Any) -> None:
    from weft.features.ping.model import Pings

    (port,) = running.run(lambda lab: lab.pg(1))
    api.sw_interface_add_del_address(sw_if_index=port.sw_if_index, is_add=True, prefix="10.81.0.1/24")
    client = running.client("leaving")
    assert client.api.want_ping_finished_events(address="10.81.0.2", repeat=60).retval == 0
    assert running.run(lambda lab: lab.engine[Pings].running) == 1
    client.disconnect()
    wait_for(lambda: running.run(lambda lab: lab.engine[Pings].running) == 0)
