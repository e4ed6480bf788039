"""ARP requests are answered, senders are learned, and everything else is refused under its own error."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

from .net import EVERYBODY, STRANGER, A, B, Host, give_address, tagged

GATEWAY = "10.0.0.1"


@pytest.fixture
def port(lab: Lab) -> Interface:
    """pg0 with 10.0.0.1/24."""
    (made,) = lab.pg(1)
    give_address(lab, "pg0", "10.0.0.1/24")
    return made


def neighbors(lab: Lab) -> dict[str, str]:
    """IP address -> MAC address, as ``show ip neighbors`` has them."""
    lines = lab.cli("show ip neighbors").splitlines()[1:]
    return {line.split()[1]: line.split()[3] for line in lines}


def assert_refused(lab: Lab, port: Interface, packet: Packet | bytes, node: str, reason: str) -> None:
    """Nothing leaves, nothing is learned, one error is counted."""
    before = neighbors(lab)
    assert lab.send(port, packet) == {}
    assert neighbors(lab) == before
    assert lab.errors() == {(node, reason): 1}


def test_a_request_for_our_address_is_answered(lab: Lab, port: Interface) -> None:
    (reply,) = lab.send(port, A.asks(GATEWAY))["pg0"]
    assert (reply.dst, reply.src, reply.type) == (A.mac, port.mac, 0x0806)
    arp = reply[ARP]
    assert (arp.op, arp.hwtype, arp.ptype, arp.hwlen, arp.plen) == (2, 1, 0x0800, 6, 4)
    assert (arp.hwsrc, arp.psrc) == (port.mac, GATEWAY)
    assert (arp.hwdst, arp.pdst) == (A.mac, A.ip)
    assert lab.errors() == {("arp-reply", "ARP replies sent"): 1}


def test_who_asks_us_is_learned(lab: Lab, port: Interface) -> None:
    lab.send(port, A.asks(GATEWAY))
    assert neighbors(lab) == {A.ip: A.mac}


def test_who_answers_us_is_learned(lab: Lab, port: Interface) -> None:
    assert lab.send(port, A.answers(port.mac, GATEWAY)) == {}
    assert neighbors(lab) == {A.ip: A.mac}
    assert lab.errors() == {("arp-reply", "ARP replies received"): 1}


def test_a_new_mac_address_replaces_the_old_one(lab: Lab, port: Interface) -> None:
    lab.send(port, A.asks(GATEWAY))
    lab.send(port, Host(B.mac, A.ip).asks(GATEWAY))
    assert neighbors(lab) == {A.ip: B.mac}


def test_two_who_fight_over_an_address_change_it_once_a_second(lab: Lab, port: Interface) -> None:
    """Each change costs the main thread and the forwarding of that host; nobody may cause many."""
    other = Host(B.mac, A.ip)
    lab.send(port, A.asks(GATEWAY))
    lab.send(port, other.asks(GATEWAY))
    lab.send(port, *[A.asks(GATEWAY), other.asks(GATEWAY)] * 20)
    assert neighbors(lab) == {A.ip: B.mac}
    assert {name: count for name, count, _ in lab.engine.punts.counts()}["arp-learn"] == 2
    lab.engine.advance(1.1)
    lab.send(port, A.asks(GATEWAY))
    assert neighbors(lab) == {A.ip: A.mac}


def test_a_request_for_another_host_is_left_alone(lab: Lab, port: Interface) -> None:
    assert_refused(lab, port, A.asks(B.ip), "arp-reply", "IP4 destination address not local to subnet")


def test_a_reply_to_another_host_teaches_nothing(lab: Lab, port: Interface) -> None:
    assert_refused(lab, port, A.answers(EVERYBODY, B.ip), "arp-reply", "IP4 destination address not local to subnet")


def test_a_sender_off_the_subnet_is_neither_answered_nor_learned(lab: Lab, port: Interface) -> None:
    assert_refused(lab, port, STRANGER.asks(GATEWAY), "arp-reply", "IP4 source address not local to subnet")


@pytest.mark.parametrize("address", ["10.0.0.0", "10.0.0.255"])
def test_the_subnets_own_addresses_are_nobodys(lab: Lab, port: Interface, address: str) -> None:
    assert_refused(lab, port, Host(A.mac, address).asks(GATEWAY), "arp-reply", "IP4 source address not local to subnet")


def test_both_addresses_of_a_31_are_hosts(lab: Lab) -> None:
    (port,) = lab.pg(1)
    give_address(lab, "pg0", "10.0.0.0/31")
    peer = Host(A.mac, "10.0.0.1")
    assert lab.send(port, peer.asks("10.0.0.0"))["pg0"][0][ARP].psrc == "10.0.0.0"
    assert neighbors(lab) == {peer.ip: peer.mac}


def test_a_sender_that_claims_our_address_is_refused(lab: Lab, port: Interface) -> None:
    assert_refused(
        lab, port, Host(A.mac, GATEWAY).asks(GATEWAY), "arp-reply", "IP4 source address matches local interface"
    )


def test_a_sender_other_than_the_frames_is_refused(lab: Lab, port: Interface) -> None:
    packet = A.asks(GATEWAY)
    packet.src = B.mac
    assert_refused(lab, port, packet, "arp-reply", "ARP hw addr does not match L2 frame src addr")


def test_a_vrrp_routers_reply_may_come_from_its_own_mac_address(lab: Lab, port: Interface) -> None:
    virtual = Host("00:00:5e:00:01:07", "10.0.0.7")
    packet = virtual.answers(port.mac, GATEWAY)
    packet.src = B.mac
    lab.send(port, packet)
    assert neighbors(lab) == {virtual.ip: virtual.mac}


def test_an_unknown_hosts_announcement_is_not_learned(lab: Lab, port: Interface) -> None:
    """So that nobody fills the table by announcing addresses."""
    assert_refused(lab, port, A.asks(A.ip), "arp-reply", "ARP probe or announcement dropped")


@pytest.mark.parametrize("op", [1, 2])
def test_a_known_hosts_announcement_updates_it(lab: Lab, port: Interface, op: int) -> None:
    lab.send(port, A.asks(GATEWAY))
    moved = Host(B.mac, A.ip)
    packet = moved.asks(A.ip)
    packet[ARP].op = op
    assert lab.send(port, packet) == {}
    assert neighbors(lab) == {A.ip: B.mac}


def test_a_probe_names_no_sender(lab: Lab, port: Interface) -> None:
    """RFC 5227's probe; VPP drops it at its input, under this name."""
    assert_refused(lab, port, Host(A.mac, "0.0.0.0").asks(GATEWAY), "arp-input", "IP4 destination address is unset")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hwtype": 6}, "L2 type not ethernet"),
        ({"hwlen": 8}, "L2 type not ethernet"),
        ({"ptype": 0x86DD}, "L3 type not IP4"),
        ({"plen": 16}, "L3 type not IP4"),
    ],
)
def test_other_hardware_and_protocols(lab: Lab, port: Interface, changes: dict[str, int], reason: str) -> None:
    frame = bytearray(bytes(A.asks(GATEWAY)))
    offset, length = {"hwtype": (14, 2), "ptype": (16, 2), "hwlen": (18, 1), "plen": (19, 1)}[next(iter(changes))]
    frame[offset : offset + length] = next(iter(changes.values())).to_bytes(length, "big")
    assert_refused(lab, port, bytes(frame), "arp-input", reason)


def test_an_opcode_that_is_neither_request_nor_reply(lab: Lab, port: Interface) -> None:
    packet = A.asks(GATEWAY)
    packet[ARP].op = 3
    assert_refused(lab, port, packet, "arp-reply", "ARP opcode not request")


def test_an_interface_without_address_has_no_arp(lab: Lab) -> None:
    (port,) = lab.pg(1)
    assert_refused(lab, port, A.asks(GATEWAY), "arp-disabled", "ARP Disabled")


def test_padding_does_no_harm(lab: Lab, port: Interface) -> None:
    (reply,) = lab.send(port, A.asks(GATEWAY) / Raw(bytes(18)))["pg0"]
    assert reply[ARP].psrc == GATEWAY


def test_a_cut_packet_is_dropped_wherever_it_is_cut(lab: Lab, port: Interface) -> None:
    whole = bytes(A.asks(GATEWAY))
    cut = [whole[:length] for length in range(14, len(whole))]
    assert lab.send(port, *cut) == {}
    assert lab.errors() == {("arp-input", "ARP packet too short"): len(cut)}
    assert neighbors(lab) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=64))
def test_any_bytes_after_the_header_do_no_harm(lab: Lab, body: bytes) -> None:
    """What leaves can only be an answer to whoever sent the frame; only he can be learned."""
    if not lab.ports:
        lab.pg(1)
        give_address(lab, "pg0", "10.0.0.1/24")
    (port,) = lab.ports
    frame = bytes.fromhex("ffffffffffff02000000000a0806") + body
    for out in lab.send(port, frame).get("pg0", []):
        assert out.dst == A.mac
    assert set(neighbors(lab).values()) <= {A.mac}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(14, 41), value=st.integers(0, 255))
def test_any_changed_byte_does_no_harm(lab: Lab, position: int, value: int) -> None:
    if not lab.ports:
        lab.pg(1)
        give_address(lab, "pg0", "10.0.0.1/24")
    (port,) = lab.ports
    frame = bytearray(bytes(A.asks(GATEWAY)))
    frame[position] = value
    for out in lab.send(port, bytes(frame)).get("pg0", []):
        assert (out.dst, out[ARP].op, out[ARP].psrc) == (A.mac, 2, GATEWAY)
    assert set(neighbors(lab).values()) <= {A.mac}
    assert all(address.startswith("10.0.0.") for address in neighbors(lab))


# --- more than one address, more than one interface


def test_the_address_that_was_asked_for_answers(lab: Lab, port: Interface) -> None:
    give_address(lab, "pg0", "10.0.1.1/24")
    (reply,) = lab.send(port, Host(A.mac, "10.0.1.9").asks("10.0.1.1"))["pg0"]
    assert reply[ARP].psrc == "10.0.1.1"


def test_an_interface_does_not_answer_for_another(lab: Lab, port: Interface) -> None:
    (other,) = lab.pg(1)
    give_address(lab, "pg1", "10.0.1.1/24")
    assert_refused(
        lab, other, Host(A.mac, "10.0.1.9").asks(GATEWAY), "arp-reply", "IP4 destination address not local to subnet"
    )


def test_a_sub_interface_answers_with_its_tag(lab: Lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("create sub-interfaces pg0 7\nset interface state pg0.7 up")
    give_address(lab, "pg0.7", "10.0.0.1/24")
    (reply,) = lab.send(port, tagged(A.asks(GATEWAY), 7))["pg0"]
    assert reply.layers()[1].__name__ == "Dot1Q"
    assert (reply.dst, reply.vlan, reply[ARP].psrc) == (A.mac, 7, GATEWAY)
    assert neighbors(lab) == {A.ip: A.mac}


def test_a_double_tagged_sub_interface_answers_with_both_tags(lab: Lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("create sub-interfaces pg0 7 dot1ad 20 inner-dot1q 30 exact-match\nset interface state pg0.7 up")
    give_address(lab, "pg0.7", "10.0.0.1/24")
    frame = bytes(A.asks(GATEWAY))
    tags = bytes.fromhex("88a800148100001e")
    (reply,) = lab.send_raw(port, frame[:12] + tags + frame[12:])["pg0"]
    assert reply[:12] == bytes.fromhex(A.mac.replace(":", "") + port.mac.replace(":", ""))
    assert reply[12:22] == tags + b"\x08\x06"
    assert ARP(reply[22:]).psrc == GATEWAY


# --- announcements


def test_a_new_mac_address_is_announced(lab: Lab, port: Interface) -> None:
    lab.cli("set interface mac address pg0 02:00:00:00:aa:aa")
    lab.engine.step()
    (packet,) = lab.output()["pg0"]
    assert (packet.dst, packet.src) == (EVERYBODY, "02:00:00:00:aa:aa")
    assert (packet[ARP].op, packet[ARP].hwsrc, packet[ARP].psrc, packet[ARP].pdst) == (
        1,
        "02:00:00:00:aa:aa",
        GATEWAY,
        GATEWAY,
    )
    (reply,) = lab.send(port, A.asks(GATEWAY))["pg0"]
    assert (reply.src, reply[ARP].hwsrc) == ("02:00:00:00:aa:aa", "02:00:00:00:aa:aa")


def announced(lab: Lab) -> list[str]:
    """Whose addresses pg0 has announced."""
    lab.engine.step()
    packets = lab.output().get("pg0", [])
    for packet in packets:
        arp = packet[ARP]
        assert (packet.dst, arp.op, arp.hwsrc, arp.hwdst) == (EVERYBODY, 1, packet.src, "00:00:00:00:00:00")
        assert arp.psrc == arp.pdst
    return [packet[ARP].psrc for packet in packets]


def test_new_addresses_and_interfaces_are_announced_if_that_is_wanted(lab: Lab) -> None:
    lab.pg(1)
    lab.cli("set interface ip address pg0 10.0.0.1/24")
    assert announced(lab) == []
    lab.cli("set arp announce on\nset interface ip address pg0 10.0.1.1/24")
    assert announced(lab) == ["10.0.1.1"]
    lab.cli("set interface state pg0 down\nset interface ip address pg0 10.0.2.1/24")
    assert announced(lab) == []
    lab.cli("set interface state pg0 up")
    assert announced(lab) == ["10.0.0.1", "10.0.1.1", "10.0.2.1"]


# --- proxies


@pytest.fixture
def proxied(lab: Lab, port: Interface) -> Interface:
    """Requests for 10.0.0.100 to 10.0.0.110 are to be answered."""
    lab.cli("set arp proxy start 10.0.0.100 end 10.0.0.110")
    return port


def test_a_proxy_answers_only_where_it_is_switched_on(lab: Lab, proxied: Interface) -> None:
    assert lab.send(proxied, A.asks("10.0.0.105")) == {}
    lab.cli("set interface proxy-arp pg0 enable")
    (reply,) = lab.send(proxied, A.asks("10.0.0.105"))["pg0"]
    assert (reply.dst, reply[ARP].op, reply[ARP].psrc, reply[ARP].hwsrc) == (A.mac, 2, "10.0.0.105", proxied.mac)
    lab.cli("set interface proxy-arp pg0 disable")
    assert lab.send(proxied, A.asks("10.0.0.105")) == {}


@pytest.mark.parametrize(
    ("target", "answered"), [("10.0.0.99", 0), ("10.0.0.100", 1), ("10.0.0.110", 1), ("10.0.0.111", 0)]
)
def test_a_proxy_answers_for_its_range(lab: Lab, proxied: Interface, target: str, answered: int) -> None:
    lab.cli("set interface proxy-arp pg0 enable")
    assert len(lab.send(proxied, A.asks(target)).get("pg0", [])) == answered


def test_a_proxy_of_another_table_does_not_answer(lab: Lab, port: Interface) -> None:
    lab.cli("set arp proxy table-ID 7 start 10.0.0.100 end 10.0.0.110\nset interface proxy-arp pg0 enable")
    assert lab.send(port, A.asks("10.0.0.105")) == {}


def test_a_proxy_that_is_deleted_no_longer_answers(lab: Lab, proxied: Interface) -> None:
    lab.cli("set interface proxy-arp pg0 enable\nset arp proxy del start 10.0.0.100 end 10.0.0.110")
    assert lab.send(proxied, A.asks("10.0.0.105")) == {}


def test_our_own_address_is_answered_for_as_ever(lab: Lab, proxied: Interface) -> None:
    lab.cli("set interface proxy-arp pg0 enable")
    assert lab.send(proxied, A.asks(GATEWAY))["pg0"][0][ARP].psrc == GATEWAY


def test_proxies_are_shown(lab: Lab, proxied: Interface) -> None:
    lab.cli("set interface proxy-arp pg0 enable")
    assert lab.cli("show arp proxy") == "Proxy arps enabled for:\n pg0\nTable 0   10.0.0.100 - 10.0.0.110\n"


# --- floods


def test_a_flood_of_new_senders_is_bounded(lab: Lab, port: Interface) -> None:
    """What the main thread must do for it is: the rate limit lets a burst of 256 pass."""
    hosts = [Host(f"02:00:00:00:01:{n:02x}", f"10.0.0.{n}") for n in range(2, 255)]
    lab.cli("set ip neighbor-config ip4 limit 20")
    for _ in range(3):
        lab.send(port, *(host.asks(GATEWAY) for host in hosts))
    assert len(neighbors(lab)) == 20
    punted = {name: count for name, count, _ in lab.engine.punts.counts()}["arp-learn"]
    assert punted < 3 * len(hosts)


def test_a_known_sender_does_not_trouble_the_main_thread(lab: Lab, port: Interface) -> None:
    lab.send(port, A.asks(GATEWAY))
    lab.send(port, *[A.asks(GATEWAY)] * 50)
    assert {name: count for name, count, _ in lab.engine.punts.counts()}["arp-learn"] == 1


# --- traces


def test_the_trace_shows_the_request(lab: Lab, port: Interface) -> None:
    lab.cli("trace add pg-input 1")
    lab.send(port, A.asks(GATEWAY))
    shown = "\n".join(line.strip() for line in lab.cli("show trace").splitlines())
    request = f"request, type ethernet/IP4, address size 6/4\n{A.mac}/{A.ip} -> 00:00:00:00:00:00/{GATEWAY}\n"
    at = shown.index("arp-input\n")
    assert shown[at:].startswith("arp-input\n" + request)
    assert "arp-reply\n" + request in shown
    assert (
        f"ARP: {port.mac} -> {A.mac}\nreply, type ethernet/IP4, address size 6/4\n"
        f"{port.mac}/{GATEWAY} -> {A.mac}/{A.ip}" in shown
    )


def test_scapy_reads_what_we_made(lab: Lab, port: Interface) -> None:
    (reply,) = lab.send_raw(port, bytes(A.asks(GATEWAY)))["pg0"]
    assert reply == bytes(
        Ether(src=port.mac, dst=A.mac) / ARP(op=2, hwsrc=port.mac, psrc=GATEWAY, hwdst=A.mac, pdst=A.ip)
    )
