"""A guest is told who its gateways are when its link comes up."""

from __future__ import annotations

from pathlib import Path

from scapy.layers.inet6 import ICMPv6ND_NA
from scapy.layers.l2 import ARP, Dot1Q, Ether
from tests.conftest import Lab
from tests.vhost_user.conftest import NAME
from tests.vhost_user.frontend import FrontEnd

OWN, GATEWAY = "02:fe:00:00:00:07", "02:fe:00:00:00:08"


def greeted(lab: Lab, path: Path) -> list[Ether]:
    """What a guest finds in buffers that it has offered before its network card was ready."""
    vm = FrontEnd(lab, path)
    vm.connect()
    vm.negotiate()
    vm.memory.add(0x100000, 2 << 20)
    vm.share()
    vm.start_vring(0)
    given = vm.offer(8)
    vm.start_vring(1)
    lab.engine.step()
    found = [Ether(frame) for _, frame in vm.collect(given)]
    vm.close()
    return found


def announced(frames: list[Ether]) -> set[tuple[int, str, str]]:
    """(VLAN, address, MAC address) of each; RFC 5227 2.3: sender and target are the address, to all."""
    found = set()
    for frame in frames:
        vlan = frame[Dot1Q].vlan if Dot1Q in frame else 0
        if ARP in frame:
            arp = frame[ARP]
            assert (frame.dst, arp.op, arp.psrc) == ("ff:ff:ff:ff:ff:ff", 1, arp.pdst)
            found.add((vlan, arp.psrc, arp.hwsrc))
        elif ICMPv6ND_NA in frame:
            message = frame[ICMPv6ND_NA]
            assert (message.S, message.O) == (0, 1)
            found.add((vlan, message.tgt, frame.src))
    return found


def test_the_interfaces_own_addresses(lab: Lab, tmp_path: Path) -> None:
    lab.cli(f"""
        create vhost-user socket {tmp_path}/vm.sock server hwaddr {OWN}
        set interface state {NAME} up
        set interface ip address {NAME} 192.168.7.1/24
        set interface ip address {NAME} 2001:db8:7::1/64
    """)
    expected = {(0, "192.168.7.1", OWN), (0, "2001:db8:7::1", OWN)}
    for _ in range(2):  # each time that a guest comes
        assert expected <= announced(greeted(lab, tmp_path / "vm.sock"))


def test_the_gateways_of_its_vlans(lab: Lab, tmp_path: Path) -> None:
    lab.cli(f"""
        create vhost-user socket {tmp_path}/vm.sock server
        set interface state {NAME} up
        create loopback interface mac {GATEWAY}
        set interface l2 bridge loop0 2 bvi
        set interface ip address loop0 192.168.2.1/24
        set interface state loop0 up
        create sub-interfaces {NAME} 2
        set interface l2 bridge {NAME}.2 2
        set interface l2 tag-rewrite {NAME}.2 pop 1
        set interface state {NAME}.2 up
    """)
    assert announced(greeted(lab, tmp_path / "vm.sock")) == {(2, "192.168.2.1", GATEWAY)}
    lab.cli("set interface state loop0 down")
    assert announced(greeted(lab, tmp_path / "vm.sock")) == set()
