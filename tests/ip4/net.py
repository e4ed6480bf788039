"""What the tests of IPv4 share: a router with a subnet and a known host on each of its ports."""

from __future__ import annotations

from dataclasses import dataclass, field

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface


@dataclass
class Net:
    """Port n has the address 10.0.n.1/24; the host 10.0.n.2 behind it has the MAC address 02:00:00:00:0n:02."""

    lab: Lab
    ports: list[Interface] = field(default_factory=list)

    def frame(self, port: int, packet: Packet | bytes) -> Packet:
        """A frame with an IP packet from the host of a port to the router."""
        payload = Raw(packet) if isinstance(packet, bytes) else packet
        return Ether(dst=self.ports[port].mac, src=host_mac(port), type=0x0800) / payload

    def route(self, *packets: Packet, port: int = 0) -> dict[str, list[Packet]]:
        """Let the host of a port send IP packets; interface name -> the frames that left by it."""
        return self.lab.send(self.ports[port], *(self.frame(port, packet) for packet in packets))

    def way(self, destination: str, **fields: object) -> tuple[str, str] | None:
        """Where a packet to an address goes: the interface and the destination MAC; None: nowhere."""
        packet = IP(src=host(0), dst=destination, **fields) / UDP(sport=1000, dport=2000)
        out = [(name, frame) for name, frames in self.route(packet).items() for frame in frames if IP in frame]
        forwarded = [(name, frame.dst) for name, frame in out if frame[IP].dst == destination]
        return forwarded[0] if forwarded else None


def host(port: int) -> str:
    return f"10.0.{port}.2"


def host_mac(port: int) -> str:
    return f"02:00:00:00:{port:02x}:02"


def network(lab: Lab, count: int = 2) -> Net:
    """A router with so many ports."""
    ports = lab.pg(count)
    for number, port in enumerate(ports):
        lab.cli(
            f"""
            set interface ip address {port.name} 10.0.{number}.1/24
            set ip neighbor {port.name} {host(number)} {host_mac(number)}
            """
        )
    lab.output()
    return Net(lab, ports)


def errors(lab: Lab) -> dict[str, int]:
    """What is counted against packets: reason -> count."""
    return {reason: count for (_, reason), count in lab.errors().items()}
