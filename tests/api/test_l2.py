"""Messages of layer 2."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from .served import Served

INVALID_SW_IF_INDEX, NO_SUCH_ENTRY, INVALID_VALUE, UNIMPLEMENTED, INVALID_SW_IF_INDEX_2 = -2, -6, -7, -9, -10
INVALID_REGISTRATION = -31
BD_ALREADY_EXISTS, BD_IN_USE, BD_NOT_MODIFIABLE, BD_ID_EXCEED_MAX, CLIENT_PRESENT = -119, -120, -121, -122, -124
NONE = 0xFFFFFFFF
A, B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
OPTIONS = {"flood": True, "uu_flood": True, "forward": True, "learn": True}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        running.run(lambda lab: lab.pg(3))
        yield running


@pytest.fixture
def ports(served: Served, vpp: Any) -> Iterator[list[int]]:
    """Three ports, at layer 3 and without bridge domains before and after each test."""
    indices = served.run(lambda lab: [port.sw_if_index for port in lab.ports])
    yield indices
    for index in indices:
        vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=index)
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, enable=False)
    for domain in vpp.api.bridge_domain_dump():
        for member in domain.sw_if_details:
            vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=member.sw_if_index, enable=False)
        assert vpp.api.bridge_domain_add_del(bd_id=domain.bd_id, is_add=False).retval == 0


def frame(source: str, destination: str) -> Ether:
    return Ether(src=source, dst=destination, type=0x88B5) / Raw(bytes(46))


def sent(served: Served, port: int, *frames: Any) -> dict[str, list[Any]]:
    """What leaves, by interface, when frames come in by a port."""
    return dict(served.run(lambda lab: lab.send(lab.ports[port], *frames)))


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return found


def tick(served: Served, seconds: float = 0.2) -> None:
    served.run(lambda lab: lab.engine.advance(seconds))


def test_a_bridge_domain(served: Served, vpp: Any, ports: list[int]) -> None:
    reply = vpp.api.bridge_domain_add_del_v2(bd_id=NONE, mac_age=5, bd_tag="red", **OPTIONS)
    assert reply.retval == 0
    for index, group in zip(ports, (0, 1, 1), strict=True):
        member = vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, bd_id=reply.bd_id, shg=group)
        assert member.retval == 0
    (domain,) = vpp.api.bridge_domain_dump(bd_id=reply.bd_id)
    assert (domain.bd_tag, domain.mac_age, domain.flood, domain.uu_flood) == ("red", 5, True, True)
    assert (domain.forward, domain.learn, domain.arp_term, domain.arp_ufwd) == (True, True, False, False)
    assert (domain.bvi_sw_if_index, domain.uu_fwd_sw_if_index, domain.n_sw_ifs) == (NONE, NONE, 3)
    assert [(each.sw_if_index, each.shg) for each in domain.sw_if_details] == list(zip(ports, (0, 1, 1), strict=True))
    assert set(sent(served, 0, frame(A, B))) == {"pg1", "pg2"}
    assert set(sent(served, 1, frame(B, "02:00:00:00:00:0c"))) == {"pg0"}, "not within a split-horizon group"
    assert set(sent(served, 0, frame(A, B))) == {"pg1"}
    found = vpp.api.l2_fib_table_dump(bd_id=reply.bd_id)
    assert {(str(each.mac), each.sw_if_index) for each in found} == {(A, ports[0]), (B, ports[1])}
    assert not any(each.static_mac or each.filter_mac or each.bvi_mac for each in found)


def test_bridge_domains_that_cannot_be(vpp: Any, ports: list[int]) -> None:
    add = vpp.api.bridge_domain_add_del
    assert add(bd_id=7, **OPTIONS).retval == 0
    assert add(bd_id=7, **OPTIONS).retval == BD_ALREADY_EXISTS
    assert add(bd_id=0, **OPTIONS).retval == BD_NOT_MODIFIABLE
    assert add(bd_id=1 << 24, **OPTIONS).retval == BD_ID_EXCEED_MAX
    assert add(bd_id=8, is_add=False).retval == NO_SUCH_ENTRY
    assert vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[0], bd_id=7).retval == 0
    assert add(bd_id=7, is_add=False).retval == BD_IN_USE
    assert vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=999, bd_id=7).retval == INVALID_SW_IF_INDEX
    assert vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[1], bd_id=0).retval == BD_NOT_MODIFIABLE
    assert vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[1], bd_id=7, port_type=1).retval < 0
    (domain,) = vpp.api.bridge_domain_dump(bd_id=7)
    assert [each.sw_if_index for each in domain.sw_if_details] == [ports[0]]


def test_what_a_bridge_domain_does(vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, **OPTIONS)
    learn, forward, flood, unknown = 1 << 17, 1 << 12, 1 << 5, 1 << 6  # VPP's bits
    reply = vpp.api.bridge_flags(bd_id=7, is_set=False, flags=1 | 4)
    assert (reply.retval, reply.resulting_feature_bitmap) == (0, forward | unknown)
    (domain,) = vpp.api.bridge_domain_dump(bd_id=7)
    assert (domain.learn, domain.forward, domain.flood, domain.uu_flood) == (False, True, False, True)
    assert vpp.api.bridge_flags(bd_id=7, is_set=True, flags=1 | 4).resulting_feature_bitmap == (
        learn | forward | flood | unknown
    )
    assert vpp.api.bridge_flags(bd_id=9, is_set=True, flags=1).retval == NO_SUCH_ENTRY
    assert vpp.api.bridge_flags(bd_id=7, is_set=True, flags=1 << 9).retval == INVALID_VALUE
    assert vpp.api.bridge_domain_set_mac_age(bd_id=7, mac_age=3).retval == 0
    assert vpp.api.bridge_domain_dump(bd_id=7)[0].mac_age == 3
    assert vpp.api.bridge_domain_set_mac_age(bd_id=9, mac_age=3).retval == NO_SUCH_ENTRY
    assert vpp.api.bridge_domain_set_learn_limit(bd_id=9, learn_limit=3).retval == NO_SUCH_ENTRY


def test_a_learn_limit(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, **OPTIONS)
    vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[0], bd_id=7)
    assert vpp.api.bridge_domain_set_learn_limit(bd_id=7, learn_limit=2).retval == 0
    sent(served, 0, *[frame(f"02:00:00:00:01:{n:02x}", B) for n in range(5)])
    assert len(vpp.api.l2_fib_table_dump(bd_id=7)) == 2


def test_entries_by_hand(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, **OPTIONS)
    for index in ports[:2]:
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, bd_id=7)
    entry = vpp.api.l2fib_add_del
    assert entry(mac=A, bd_id=7, sw_if_index=ports[1], static_mac=True).retval == 0
    assert entry(mac=B, bd_id=7, sw_if_index=NONE, filter_mac=True).retval == 0
    found = {str(each.mac): each for each in vpp.api.l2_fib_table_dump(bd_id=7)}
    assert (found[A].sw_if_index, found[A].static_mac, found[A].filter_mac) == (ports[1], True, False)
    assert (found[B].filter_mac, found[B].sw_if_index) == (True, NONE)
    assert set(sent(served, 0, frame("02:00:00:00:00:01", A))) == {"pg1"}
    assert sent(served, 0, frame("02:00:00:00:00:01", B)) == {}
    assert entry(mac=A, bd_id=9, sw_if_index=ports[1]).retval == NO_SUCH_ENTRY
    assert entry(mac=A, bd_id=7, sw_if_index=999).retval == INVALID_SW_IF_INDEX
    assert entry(mac=A, bd_id=7, sw_if_index=ports[2]).retval < 0
    assert entry(mac="01:00:00:00:00:01", bd_id=7, sw_if_index=ports[1]).retval < 0
    assert entry(mac=A, bd_id=7, is_add=False).retval == 0
    assert entry(mac=A, bd_id=7, is_add=False).retval == NO_SUCH_ENTRY
    assert vpp.api.l2fib_flush_int(sw_if_index=ports[0]).retval == 0
    assert {str(each.mac) for each in vpp.api.l2_fib_table_dump(bd_id=7)} == {B}
    sent(served, 0, frame("02:00:00:00:00:01", A))
    assert vpp.api.l2fib_flush_bd(bd_id=7).retval == 0
    sent(served, 1, frame("02:00:00:00:00:02", A))
    assert {str(each.mac) for each in vpp.api.l2_fib_table_dump(bd_id=7)} == {B, "02:00:00:00:00:02"}
    assert vpp.api.l2fib_flush_all().retval == 0
    assert {str(each.mac) for each in vpp.api.l2_fib_table_dump(bd_id=7)} == {B}
    assert vpp.api.l2_fib_clear_table().retval == 0
    assert vpp.api.l2_fib_table_dump(bd_id=7) == []
    assert vpp.api.l2fib_flush_bd(bd_id=9).retval == NO_SUCH_ENTRY
    assert vpp.api.l2fib_flush_int(sw_if_index=999).retval == INVALID_SW_IF_INDEX


def test_a_cross_connect(served: Served, vpp: Any, ports: list[int]) -> None:
    connect = vpp.api.sw_interface_set_l2_xconnect
    assert connect(rx_sw_if_index=ports[0], tx_sw_if_index=ports[1]).retval == 0
    assert connect(rx_sw_if_index=ports[1], tx_sw_if_index=ports[0]).retval == 0
    assert [(each.rx_sw_if_index, each.tx_sw_if_index) for each in vpp.api.l2_xconnect_dump()] == [
        (ports[0], ports[1]),
        (ports[1], ports[0]),
    ]
    assert set(sent(served, 0, frame(A, B))) == {"pg1"}
    assert connect(rx_sw_if_index=999, tx_sw_if_index=ports[1]).retval == INVALID_SW_IF_INDEX
    assert connect(rx_sw_if_index=ports[2], tx_sw_if_index=999).retval == INVALID_SW_IF_INDEX_2
    assert connect(rx_sw_if_index=ports[0], enable=False).retval == 0
    assert connect(rx_sw_if_index=ports[1], enable=False).retval == 0
    assert vpp.api.l2_xconnect_dump() == []


def test_a_tag_rewrite(served: Served, vpp: Any, ports: list[int]) -> None:
    sub = vpp.api.create_vlan_subif(sw_if_index=ports[0], vlan_id=100).sw_if_index
    vpp.api.sw_interface_set_flags(sw_if_index=sub, flags=1)
    for index in (sub, ports[1]):
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, bd_id=7)
    pop_1, translate_1_1 = 3, 5
    assert vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=sub, vtr_op=pop_1).retval == 0
    tagged = Ether(src=A, dst=B) / Dot1Q(vlan=100, type=0x88B5) / Raw(bytes(46))
    (out,) = sent(served, 0, tagged)["pg1"]
    assert Dot1Q not in out
    (back,) = sent(served, 1, frame(B, A))["pg0"]
    assert back[Dot1Q].vlan == 100
    assert vpp.api.sw_interface_dump(sw_if_index=sub)[0].vtr_op == pop_1
    rewrite = {"sw_if_index": sub, "vtr_op": translate_1_1, "push_dot1q": 1, "tag1": 55}
    assert vpp.api.l2_interface_vlan_tag_rewrite(**rewrite).retval == 0
    (out,) = sent(served, 0, tagged)["pg1"]
    assert out[Dot1Q].vlan == 55
    (details,) = vpp.api.sw_interface_dump(sw_if_index=sub)
    assert (details.vtr_op, details.vtr_push_dot1q, details.vtr_tag1) == (translate_1_1, 1, 55)
    assert vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=sub, vtr_op=9).retval == INVALID_VALUE
    assert vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=ports[1], vtr_op=pop_1).retval < 0
    assert vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=999, vtr_op=pop_1).retval == INVALID_SW_IF_INDEX
    assert vpp.api.sw_interface_dump(sw_if_index=sub)[0].vtr_op == translate_1_1
    assert vpp.api.l2_interface_vlan_tag_rewrite(sw_if_index=sub, vtr_op=0).retval == 0
    assert vpp.api.sw_interface_dump(sw_if_index=sub)[0].vtr_op == 0
    assert vpp.api.delete_subif(sw_if_index=sub).retval == 0


def test_what_an_interface_does(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, **OPTIONS)
    for index in ports[:2]:
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, bd_id=7)
    learn = 1
    assert vpp.api.l2_interface_feat_flags_set(sw_if_index=ports[0], is_set=False, flags=learn).retval == 0
    assert int(vpp.api.l2_interface_feat_flags_get(sw_if_index=ports[0]).flags) & learn == 0
    sent(served, 0, frame(A, B))
    assert vpp.api.l2_fib_table_dump(bd_id=7) == []
    bits = vpp.api.l2_flags(sw_if_index=ports[0], is_set=True, feature_bitmap=learn)
    assert bits.resulting_feature_bitmap & 1 << 17
    assert vpp.api.l2_flags_get(sw_if_index=ports[0]).input_feature_bitmap == bits.resulting_feature_bitmap
    sent(served, 0, frame(A, B))
    assert len(vpp.api.l2_fib_table_dump(bd_id=7)) == 1
    assert vpp.api.l2_flags_set(sw_if_index=ports[0], is_set=False, input_feature_bitmap=1 << 17).retval == 0
    assert vpp.api.l2_flags_get(sw_if_index=ports[0]).input_feature_bitmap & 1 << 17 == 0
    assert vpp.api.l2_flags_set(sw_if_index=ports[0], is_set=True, input_feature_bitmap=1 << 31).retval < 0
    assert vpp.api.l2_flags_set(sw_if_index=ports[0], is_set=True, output_feature_bitmap=1).retval < 0
    for request in (vpp.api.l2_flags, vpp.api.l2_flags_get, vpp.api.l2_interface_feat_flags_get):
        assert request(sw_if_index=999).retval == INVALID_SW_IF_INDEX


def test_a_bvi(served: Served, vpp: Any, ports: list[int]) -> None:
    made = vpp.api.bvi_create(mac="02:00:00:00:00:b1", user_instance=4)
    (details,) = vpp.api.sw_interface_dump(sw_if_index=made.sw_if_index)
    assert (details.interface_name, str(details.l2_address)) == ("bvi4", "02:00:00:00:00:b1")
    assert vpp.api.bvi_create(user_instance=4).retval == INVALID_REGISTRATION
    bridge = vpp.api.sw_interface_set_l2_bridge
    assert bridge(rx_sw_if_index=made.sw_if_index, bd_id=7, port_type=1).retval == 0
    assert bridge(rx_sw_if_index=ports[0], bd_id=7).retval == 0
    assert vpp.api.bridge_domain_dump(bd_id=7)[0].bvi_sw_if_index == made.sw_if_index
    (entry,) = vpp.api.l2_fib_table_dump(bd_id=7)
    assert (str(entry.mac), entry.bvi_mac) == ("02:00:00:00:00:b1", True)
    served.cli("set interface ip address bvi4 10.7.0.1/24\nset interface state bvi4 up")
    question = Ether(src=A, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=A, psrc="10.7.0.2", pdst="10.7.0.1")
    (answer,) = sent(served, 0, question)["pg0"]
    assert answer[ARP].hwsrc == "02:00:00:00:00:b1"
    second = vpp.api.bvi_create()
    assert bridge(rx_sw_if_index=second.sw_if_index, bd_id=7, port_type=1).retval < 0
    assert vpp.api.bvi_delete(sw_if_index=ports[0]).retval == INVALID_SW_IF_INDEX
    for each in (made, second):
        assert vpp.api.bvi_delete(sw_if_index=each.sw_if_index).retval == 0
    assert vpp.api.bridge_domain_dump(bd_id=7)[0].bvi_sw_if_index == NONE


def test_arp_termination(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, arp_term=True, **OPTIONS)
    vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[0], bd_id=7)
    entry = {"bd_id": 7, "ip": "10.7.0.9", "mac": B}
    assert vpp.api.bd_ip_mac_add_del(entry=entry).retval == 0
    (known,) = vpp.api.bd_ip_mac_dump(bd_id=7)
    assert (known.entry.bd_id, str(known.entry.ip), str(known.entry.mac)) == (7, "10.7.0.9", B)
    question = Ether(src=A, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=A, psrc="10.7.0.2", pdst="10.7.0.9")
    (answer,) = sent(served, 0, question)["pg0"]
    assert (answer[ARP].hwsrc, answer[ARP].psrc) == (B, "10.7.0.9")
    assert vpp.api.bd_ip_mac_add_del(entry=entry, is_add=False).retval == 0
    assert vpp.api.bd_ip_mac_add_del(entry=entry, is_add=False).retval == NO_SUCH_ENTRY
    assert vpp.api.bd_ip_mac_add_del(entry=entry | {"bd_id": 9}).retval == NO_SUCH_ENTRY
    vpp.api.bd_ip_mac_add_del(entry=entry)
    assert vpp.api.bd_ip_mac_flush(bd_id=7).retval == 0
    assert vpp.api.bd_ip_mac_dump(bd_id=7) == []


def test_neighbor_solicitations_are_answered_likewise(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, arp_term=True, **OPTIONS)
    vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[0], bd_id=7)
    entry = {"bd_id": 7, "ip": "2001:db8::9", "mac": B}
    assert vpp.api.bd_ip_mac_add_del(entry=entry).retval == 0
    (known,) = vpp.api.bd_ip_mac_dump(bd_id=7)
    assert (known.entry.bd_id, str(known.entry.ip), str(known.entry.mac)) == (7, "2001:db8::9", B)
    question = (
        Ether(src=A, dst="33:33:ff:00:00:09")
        / IPv6(src="2001:db8::2", dst="ff02::1:ff00:9")
        / ICMPv6ND_NS(tgt="2001:db8::9")
        / ICMPv6NDOptSrcLLAddr(lladdr=A)
    )
    (answer,) = sent(served, 0, question)["pg0"]
    assert (answer[ICMPv6ND_NA].tgt, answer[ICMPv6NDOptDstLLAddr].lladdr) == ("2001:db8::9", B)
    assert vpp.api.bd_ip_mac_add_del(entry=entry, is_add=False).retval == 0
    assert vpp.api.bd_ip_mac_dump(bd_id=7) == []
    assert "pg0" not in sent(served, 0, question)


def test_who_speaks_arp_is_told(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, arp_term=True, **OPTIONS)
    vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=ports[0], bd_id=7)
    events: list[Any] = []
    vpp.register_event_callback(lambda name, event: events.append(event))
    assert vpp.api.want_l2_arp_term_events(enable=True, pid=5).retval == 0

    def speak(mac: str, address: str) -> None:
        sent(served, 0, Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mac, psrc=address, pdst="10.7.0.9"))

    for _ in range(3):
        speak(A, "10.7.0.2")
    speak(A, "0.0.0.0")
    speak(B, "10.7.0.2")
    wait_for(lambda: len(events) == 2)
    assert [(str(each.ip), str(each.mac), each.sw_if_index, each.pid) for each in events] == [
        ("10.7.0.2", A, ports[0], 5),
        ("10.7.0.2", B, ports[0], 5),
    ]
    assert vpp.api.want_l2_arp_term_events(enable=False).retval == 0
    assert vpp.api.want_l2_arp_term_events(enable=False).retval == INVALID_REGISTRATION
    speak(A, "10.7.0.3")
    vpp.api.control_ping()
    assert len(events) == 2


def test_what_is_learned_is_told(served: Served, vpp: Any, ports: list[int]) -> None:
    vpp.api.bridge_domain_add_del(bd_id=7, **OPTIONS)
    for index in ports[:2]:
        vpp.api.sw_interface_set_l2_bridge(rx_sw_if_index=index, bd_id=7)
    events: list[Any] = []
    vpp.register_event_callback(lambda name, event: events.append(event))
    assert vpp.api.want_l2_macs_events2(pid=6, max_macs_in_event=1).retval == 0
    other = served.client("other")
    assert other.api.want_l2_macs_events2(pid=6).retval == CLIENT_PRESENT
    other.disconnect()

    def told() -> list[tuple[str, int, int]]:
        tick(served)
        return [(str(mac.mac_addr), mac.sw_if_index, int(mac.action)) for event in events for mac in event.mac]

    sent(served, 0, frame(A, B))
    assert wait_for(told) == [(A, ports[0], 0)]
    events.clear()
    sent(served, 1, frame(A, B))
    assert wait_for(told) == [(A, ports[1], 2)]
    events.clear()
    vpp.api.l2fib_flush_all()
    assert wait_for(told) == [(A, ports[1], 1)]
    events.clear()
    many = [f"02:00:00:00:02:{n:02x}" for n in range(25)]
    sent(served, 0, *[frame(mac, B) for mac in many])
    wait_for(lambda: len(told()) == 25)
    assert sorted(mac for mac, _, _ in told()) == many
    assert [event.n_macs for event in events] == [10, 10, 5]
    assert vpp.api.want_l2_macs_events2(enable_disable=False).retval == 0
    events.clear()
    vpp.api.l2fib_flush_all()
    assert told() == []


def test_wrong_ways_to_ask_for_what_is_learned(vpp: Any) -> None:
    assert vpp.api.want_l2_macs_events2(enable_disable=False).retval == INVALID_REGISTRATION
    assert vpp.api.want_l2_macs_events2(max_macs_in_event=0).retval == INVALID_VALUE
    assert vpp.api.want_l2_macs_events(learn_limit=0).retval == INVALID_VALUE
    assert vpp.api.l2fib_set_scan_delay(scan_delay=0).retval == INVALID_VALUE
    assert vpp.api.l2fib_set_scan_delay(scan_delay=10).retval == 0


def test_what_is_not_implemented_says_so(vpp: Any) -> None:
    assert vpp.api.l2_patch_add_del().retval == UNIMPLEMENTED
    assert vpp.api.l2_interface_pbb_tag_rewrite().retval == UNIMPLEMENTED
    assert vpp.api.l2_interface_efp_filter().retval == UNIMPLEMENTED
