"""What the tests of IPv6 share: a router with a subnet and a known host on each of its ports."""

from __future__ import annotations

from dataclasses import dataclass, field

from scapy.layers.inet import UDP
from scapy.layers.inet6 import ICMPv6MLReport2, ICMPv6ND_NS, ICMPv6ND_RA, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

#: What the router says unasked.
OWN_TALK = (ICMPv6ND_RA, ICMPv6MLReport2)


@dataclass
class Net:
    """Port n has the address 2001:db8:1n::1/64; the host 2001:db8:1n::2 behind it has the MAC address
    02:00:00:00:0n:02.
    """

    lab: Lab
    ports: list[Interface] = field(default_factory=list)

    def frame(self, port: int, packet: Packet | bytes, **ether: str) -> Packet:
        """A frame with an IP packet from the host of a port to the router."""
        payload = Raw(packet) if isinstance(packet, bytes) else packet
        fields = {"dst": self.ports[port].mac, "src": host_mac(port)} | ether
        return Ether(type=0x86DD, **fields) / payload

    def route(self, *packets: Packet | bytes, port: int = 0, **ether: str) -> dict[str, list[Packet]]:
        """Let the host of a port send IP packets; interface name -> the frames that left by it, but for what the router
        says unasked.
        """
        out = self.lab.send(self.ports[port], *(self.frame(port, packet, **ether) for packet in packets))
        return heard(out)

    def way(self, destination: str, **fields: object) -> tuple[str, str] | None:
        """Where a packet to an address goes: the interface and the destination MAC; None: nowhere."""
        out = self.route(IPv6(src=host(0), dst=destination, **fields) / UDP(sport=1000, dport=2000))
        found = [
            (name, frame.dst)
            for name, frames in out.items()
            for frame in frames
            if IPv6 in frame and frame[IPv6].dst == destination and ICMPv6ND_NS not in frame
        ]
        return found[0] if found else None


def heard(out: dict[str, list[Packet]]) -> dict[str, list[Packet]]:
    """Frames but for those that the router sends unasked."""
    kept = {
        name: [
            frame
            for frame in frames
            if not any(layer in frame for layer in OWN_TALK) and not (ICMPv6ND_NS in frame and frame[IPv6].src == "::")
        ]
        for name, frames in out.items()
    }
    return {name: frames for name, frames in kept.items() if frames}


def host(port: int) -> str:
    return f"2001:db8:1{port}::2"


def router(port: int) -> str:
    return f"2001:db8:1{port}::1"


def host_mac(port: int) -> str:
    return f"02:00:00:00:{port:02x}:02"


def network(lab: Lab, count: int = 2) -> Net:
    """A router with so many ports."""
    ports = lab.pg(count)
    for number, port in enumerate(ports):
        lab.cli(
            f"""
            set interface ip address {port.name} {router(number)}/64
            set ip neighbor {port.name} {host(number)} {host_mac(number)}
            """
        )
    lab.engine.step()
    lab.output()
    return Net(lab, ports)


def errors(lab: Lab) -> dict[str, int]:
    """What is counted against packets: reason -> count."""
    return {reason: count for (_, reason), count in lab.errors().items()}
