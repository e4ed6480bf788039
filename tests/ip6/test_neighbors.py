"""Neighbor discovery on the wire (RFC 4861, RFC 4862)."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import (
    ICMPv6MLQuery2,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6NDOptUnknown,
    IPv6,
    IPv6ExtHdrHopByHop,
    RouterAlert,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from tests.ip6.net import Net, errors, heard, host, host_mac, router
from tests.ip6.test_forwarding import checked
from tests.ip6.test_local import link_local

FRESH, FRESH_MAC = "2001:db8:10::77", "02:00:00:00:00:77"


def solicited_node(address: str) -> tuple[str, str]:
    """The group of an address of which the last word has no more than four digits, and its MAC address."""
    last = int(address.rsplit(":", 1)[1], 16)
    return f"ff02::1:ff00:{last:x}", f"33:33:ff:00:{last >> 8:02x}:{last & 255:02x}"


def ask(net: Net, target: str, *options: Packet, source: str = FRESH, hlim: int = 255, **fields: object) -> Packet:
    group, mac = solicited_node(target)
    made = Ether(src=FRESH_MAC, dst=mac) / IPv6(src=source, dst=group, hlim=hlim) / ICMPv6ND_NS(tgt=target, **fields)
    for option in options or (ICMPv6NDOptSrcLLAddr(lladdr=FRESH_MAC),):
        made = made / option
    return made


def send(net: Net, frame: Packet) -> dict[str, list[Packet]]:
    return heard(net.lab.send(net.ports[0], frame))


def neighbors(net: Net) -> dict[str, str]:
    lines = net.lab.cli("show ip6 neighbors pg0").splitlines()[1:]
    return {words[1]: words[3] for words in map(str.split, lines) if len(words) > 3}


def test_an_answer(net: Net) -> None:
    (frame,) = send(net, ask(net, router(0)))["pg0"]
    checked(frame)
    assert (frame.src, frame.dst) == (net.ports[0].mac, FRESH_MAC)
    assert (frame[IPv6].src, frame[IPv6].dst, frame[IPv6].hlim) == (router(0), FRESH, 255)
    said = frame[ICMPv6ND_NA]
    assert (said.tgt, said.R, said.S, said.O) == (router(0), 1, 1, 1)
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == net.ports[0].mac
    assert neighbors(net)[FRESH] == FRESH_MAC


def test_the_link_local_address_is_answered_for(net: Net) -> None:
    own = link_local(net)
    (frame,) = send(net, ask(net, own, source="fe80::7"))["pg0"]
    assert frame[ICMPv6ND_NA].tgt == own
    assert neighbors(net)["fe80::7"] == FRESH_MAC
    assert net.lab.cli("show ip6-ll pg0").count("fe80::7/128") == 1


def test_somebody_who_has_no_address_yet(net: Net) -> None:
    """All nodes are told, for he cannot be answered (RFC 4861 7.2.4)."""
    frame = Ether(src=FRESH_MAC, dst="33:33:ff:00:00:01") / IPv6(src="::", dst="ff02::1:ff00:1", hlim=255)
    (out,) = send(net, frame / ICMPv6ND_NS(tgt=router(0)))["pg0"]
    assert (out.dst, out[IPv6].dst, out[ICMPv6ND_NA].S) == ("33:33:00:00:00:01", "ff02::1", 0)
    assert FRESH not in neighbors(net)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hlim": 254}, "hop_limit != 255"),
        ({"code": 1}, "invalid code for type"),
        ({"source": "2001:db8:99::1"}, "neighbor solicitations from source not on link"),
    ],
)
def test_solicitations_that_are_not_answered(net: Net, change: dict[str, object], reason: str) -> None:
    before = neighbors(net)
    assert send(net, ask(net, router(0), **change)) == {}
    assert errors(net.lab)[reason] == 1
    assert neighbors(net) == before


def test_for_others(net: Net) -> None:
    assert send(net, ask(net, "2001:db8:10::55")) == {}
    assert errors(net.lab)["neighbor solicitations for unknown targets"] == 1
    net.lab.cli("set ip6 nd proxy pg1 2001:db8:10::55")
    (frame,) = send(net, ask(net, "2001:db8:10::55"))["pg0"]
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == net.ports[0].mac
    net.lab.cli("set ip6 nd proxy pg1 del 2001:db8:10::55")
    assert send(net, ask(net, "2001:db8:10::55")) == {}


def test_a_host_that_is_answered_for_is_reached_where_it_is(net: Net) -> None:
    """It is of pg0's subnet but behind pg1: packets go there, where it is asked for, may answer and ask itself."""
    away, mac = "2001:db8:10::55", "02:00:00:00:aa:55"
    net.lab.cli(f"set ip6 nd proxy pg1 {away}")
    packet = IPv6(src=host(0), dst=away) / UDP()
    (solicitation,) = net.route(packet)["pg1"]
    assert solicitation[ICMPv6ND_NS].tgt == away
    answer = ICMPv6ND_NA(tgt=away, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mac)
    source = solicitation[IPv6].src
    net.lab.send(net.ports[1], Ether(src=mac, dst=net.ports[1].mac) / IPv6(src=away, dst=source, hlim=255) / answer)
    (frame,) = net.route(packet)["pg1"]
    assert (frame.dst, frame[IPv6].dst) == (mac, away)
    # The host itself may try whether it has its address alone.
    probe = IPv6(src="::", dst="ff02::1:ff00:55", hlim=255) / ICMPv6ND_NS(tgt=away)
    assert heard(net.lab.send(net.ports[1], Ether(src=mac, dst="33:33:ff:00:00:55") / probe)) == {}


def test_an_interface_may_answer_for_all_that_are_elsewhere(net: Net) -> None:
    """Also to somebody who has our own address, of whom nothing is learned (VPP's mirror proxy)."""
    elsewhere, nowhere, here = host(1), "2001:db8:77::1", "2001:db8:10::66"
    mirror = ask(net, elsewhere, source=router(0))
    assert send(net, ask(net, elsewhere)) == send(net, mirror) == {}
    net.lab.cli("set interface ip6-nd proxy pg0")
    before = neighbors(net)
    (frame,) = send(net, mirror)["pg0"]
    assert (frame[ICMPv6ND_NA].tgt, frame[ICMPv6NDOptDstLLAddr].lladdr) == (elsewhere, net.ports[0].mac)
    assert neighbors(net) == before
    assert "pg0" in send(net, ask(net, elsewhere))
    assert send(net, ask(net, nowhere)) == send(net, ask(net, here)) == {}
    assert send(net, ask(net, router(0), source=router(0))) == {}
    net.lab.cli(f"ip route add {nowhere}/128 via {here}")
    assert send(net, ask(net, nowhere)) == {}
    net.lab.cli(f"ip route add {nowhere}/128 via {elsewhere}\nip route del {nowhere}/128 via {here}")
    assert "pg0" in send(net, ask(net, nowhere))
    net.lab.cli("set interface ip6-nd proxy pg0 off")
    assert send(net, ask(net, elsewhere)) == {}


def test_new_addresses_are_announced_if_that_is_wanted(net: Net) -> None:
    """Once nobody has said that one is his."""
    net.lab.cli("set ip6 nd announce on\nset interface ip address pg0 2001:db8:20::1/64")
    net.lab.engine.step()
    assert not any(ICMPv6ND_NA in frame for frame in net.lab.output()["pg0"])
    net.lab.engine.advance(1.5)
    net.lab.engine.step()
    announced = {frame[ICMPv6ND_NA].tgt: frame for frame in net.lab.output()["pg0"] if ICMPv6ND_NA in frame}
    frame = announced["2001:db8:20::1"]
    assert (frame.dst, frame[ICMPv6ND_NA].O, frame[ICMPv6ND_NA].S) == ("33:33:00:00:00:01", 1, 0)
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == net.ports[0].mac


def test_options_without_end(net: Net) -> None:
    for option in (
        ICMPv6NDOptUnknown(type=1, len=0, data=b"\0" * 6),
        ICMPv6NDOptUnknown(type=9, len=3, data=b"\0" * 6),
    ):
        assert send(net, ask(net, router(0), option)) == {}
    assert errors(net.lab)["option has zero length"] == 2


def advertise(net: Net, target: str, mac: str | None, **flags: int) -> Packet:
    frame = Ether(src=FRESH_MAC, dst=net.ports[0].mac) / IPv6(src=target, dst=router(0), hlim=255)
    frame = frame / ICMPv6ND_NA(tgt=target, **{"R": 0, "S": 0, "O": 0} | flags)
    return frame / ICMPv6NDOptDstLLAddr(lladdr=mac) if mac else frame


def test_who_is_asked_is_learned(net: Net) -> None:
    """A packet for somebody unknown makes a question; his answer lets the next one through."""
    sent = net.frame(1, IPv6(src=host(1), dst=FRESH) / UDP())
    (question,) = heard(net.lab.send(net.ports[1], sent))["pg0"]
    checked(question)
    group, mac = solicited_node(FRESH)
    assert (question.dst, question[IPv6].dst, question[IPv6].src, question[IPv6].hlim) == (mac, group, router(0), 255)
    assert question[ICMPv6ND_NS].tgt == FRESH
    assert question[ICMPv6NDOptSrcLLAddr].lladdr == net.ports[0].mac
    send(net, advertise(net, FRESH, FRESH_MAC, S=1, O=1))
    (frame,) = heard(net.lab.send(net.ports[1], sent))["pg0"]
    assert (frame.dst, UDP in frame) == (FRESH_MAC, True)


def test_questions_are_not_repeated_at_once(net: Net) -> None:
    sent = net.frame(1, IPv6(src=host(1), dst=FRESH) / UDP())
    out = heard(net.lab.send(net.ports[1], *[sent] * 5))
    assert len(out["pg0"]) == 1


def test_what_unasked_advertisements_change(net: Net) -> None:
    """Nobody is learned by them; whom we know they move only with the override flag (RFC 4861 7.2.5)."""
    send(net, advertise(net, FRESH, FRESH_MAC, O=1))
    assert FRESH not in neighbors(net)
    send(net, advertise(net, FRESH, FRESH_MAC, S=1))
    assert neighbors(net)[FRESH] == FRESH_MAC
    moved = "02:00:00:00:00:78"
    net.lab.engine.advance(2)
    send(net, advertise(net, FRESH, moved, S=1))
    assert neighbors(net)[FRESH] == FRESH_MAC
    send(net, advertise(net, FRESH, moved, O=1))
    assert neighbors(net)[FRESH] == moved


def test_static_neighbors_stay(net: Net) -> None:
    net.lab.cli(f"set ip neighbor pg0 {FRESH} 02:00:00:00:00:01 static")
    send(net, advertise(net, FRESH, FRESH_MAC, S=1, O=1))
    assert neighbors(net)[FRESH] == "02:00:00:00:00:01"


def test_old_neighbors_are_asked_and_go(net: Net) -> None:
    """Three questions to himself, then he is forgotten."""
    net.lab.cli("set ip neighbor-config ip6 age 10")
    send(net, advertise(net, FRESH, FRESH_MAC, S=1, O=1))
    assert FRESH in neighbors(net)
    questions = 0
    for _ in range(20):
        net.lab.engine.advance(1)
        net.lab.engine.step()
        out = net.lab.output().get("pg0", [])
        questions += sum(ICMPv6ND_NS in frame and frame[ICMPv6ND_NS].tgt == FRESH for frame in out)
    assert questions == 3
    assert FRESH not in neighbors(net)


def test_new_addresses_are_tried_and_reported(net: Net) -> None:
    """A question from nobody (RFC 4862 5.4), and the groups (RFC 3810), with hop limit 1 and a router alert."""
    net.lab.cli("set interface ip address pg0 2001:db8:44::abc/64")
    net.lab.engine.advance(1)
    net.lab.engine.step()
    out = net.lab.output()["pg0"]
    tries = [frame for frame in out if ICMPv6ND_NS in frame]
    assert [(frame[IPv6].src, frame[ICMPv6ND_NS].tgt) for frame in tries] == [("::", "2001:db8:44::abc")]
    assert ICMPv6NDOptSrcLLAddr not in tries[0]
    reports = [frame for frame in out if ICMPv6MLReport2 in frame]
    for frame in reports:
        assert (frame.dst, frame[IPv6].dst, frame[IPv6].hlim) == ("33:33:00:00:00:16", "ff02::16", 1)
        assert frame[IPv6].src == link_local(net)
    assert any(IPv6Address("ff02::1:ff00:abc").packed in bytes(frame[ICMPv6MLReport2]) for frame in reports)


def test_a_query_is_answered(net: Net) -> None:
    """Once, however often a router asks in a moment, within the 10 seconds that it gives; the group of all nodes is not
    mentioned (RFC 3810 6).
    """
    net.lab.engine.advance(5)
    net.lab.engine.step()
    net.lab.output()
    query = IPv6(src="fe80::9", dst="ff02::1", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery2()
    for _ in range(3):
        net.lab.send(net.ports[0], net.frame(0, query, dst="33:33:00:00:00:01"))
    net.lab.engine.advance(10)
    net.lab.engine.step()
    (report,) = [frame for frame in net.lab.output()["pg0"] if ICMPv6MLReport2 in frame]
    said = bytes(report[ICMPv6MLReport2])
    assert IPv6Address("ff02::1:ff00:1").packed in said and IPv6Address("ff02::1").packed not in said


def test_an_address_that_somebody_has(net: Net) -> None:
    send(net, advertise(net, router(0), FRESH_MAC, O=1))
    assert f"{router(0)}, subnet is 2001:db8:10::/64 (duplicate)" in net.lab.cli("show ip6 interface pg0")


def test_a_new_mac_address_is_announced(net: Net) -> None:
    net.lab.cli("set interface mac address pg0 02:00:00:00:aa:aa")
    net.lab.engine.step()
    out = [frame for frame in net.lab.output()["pg0"] if ICMPv6ND_NA in frame]
    assert {frame[ICMPv6ND_NA].tgt for frame in out} >= {router(0)}
    assert {frame[ICMPv6NDOptDstLLAddr].lladdr for frame in out} == {"02:00:00:00:aa:aa"}
    (frame,) = [frame for frame in send(net, ask(net, router(0)))["pg0"]]
    assert frame.src == "02:00:00:00:aa:aa"


def test_known_hosts_have_a_route(net: Net) -> None:
    assert f"{host(0)}/128" in net.lab.cli("show ip6 fib")
    net.lab.cli(f"set ip neighbor del pg0 {host(0)} {host_mac(0)}")
    assert f"{host(0)}/128" not in net.lab.cli("show ip6 fib")
