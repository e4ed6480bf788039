"""What the tests of ARP share: an engine's interface with an address, and ARP packets of hosts on it."""

from __future__ import annotations

from dataclasses import dataclass

from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet
from tests.conftest import Lab

EVERYBODY = "ff:ff:ff:ff:ff:ff"


@dataclass(frozen=True)
class Host:
    """A host on the wire."""

    mac: str
    ip: str

    def asks(self, target: str, **changes: object) -> Packet:
        """An ARP request."""
        return Ether(src=self.mac, dst=EVERYBODY) / ARP(op=1, hwsrc=self.mac, psrc=self.ip, pdst=target, **changes)

    def answers(self, asker_mac: str, asker_ip: str, **changes: object) -> Packet:
        """An ARP reply."""
        return Ether(src=self.mac, dst=asker_mac) / ARP(
            op=2, hwsrc=self.mac, psrc=self.ip, hwdst=asker_mac, pdst=asker_ip, **changes
        )


A = Host("02:00:00:00:00:0a", "10.0.0.10")
B = Host("02:00:00:00:00:0b", "10.0.0.11")
STRANGER = Host("02:00:00:00:00:0c", "172.16.0.1")


def give_address(lab: Lab, interface: str, prefix: str) -> None:
    """Give an interface an address, and forget what it said of that."""
    lab.cli(f"set interface ip address {interface} {prefix}")
    lab.engine.step()
    lab.output()


def tagged(packet: Packet, *vlans: int) -> Packet:
    """The packet with tags, outermost first."""
    ethernet, rest = packet.copy(), packet.payload.copy()
    ethernet.remove_payload()
    for vlan in vlans:
        ethernet /= Dot1Q(vlan=vlan)
    return ethernet / rest
