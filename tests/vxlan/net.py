"""A bridge domain with a host on pg0, and an underlay on pg1, with tunnels over IPv4 and IPv6 to the VTEP there."""

from __future__ import annotations

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from tests.conftest import Lab

from weft.features.interface.model import Interface

HOST, FAR = "02:00:00:00:00:aa", "02:00:00:00:00:bb"
PEER = "02:00:00:00:01:02"
OURS, THEIRS = "10.0.1.1", "10.0.1.2"
OURS6, THEIRS6 = "2001:db8:1::1", "2001:db8:1::2"
VNI, VNI6 = 13, 0xABCDEF
PORT = 4789

#: Version of IP -> its layer in scapy, our address, the other end's, the VNI.
FAMILIES = {4: (IP, OURS, THEIRS, VNI), 6: (IPv6, OURS6, THEIRS6, VNI6)}


def underlay(lab: Lab) -> tuple[Interface, Interface]:
    """The host's port, and the underlay's."""
    host, under = lab.pg(2)
    lab.cli(
        f"""
        set ip6 nd dad 0
        set interface ip address pg1 {OURS}/24
        set interface ip address pg1 {OURS6}/64
        ip6 nd pg1 ra-suppress
        set ip neighbor pg1 {THEIRS} {PEER}
        set ip neighbor pg1 {THEIRS6} {PEER}
        set interface l2 bridge pg0 1
        """
    )
    lab.engine.step()
    lab.engine.step()  # what timers have sent
    lab.output()
    return host, under


def tunnel(lab: Lab, version: int, options: str = "", bridge: str = "1") -> str:
    """A tunnel to the other end, bridged with the host; its name."""
    _, ours, theirs, vni = FAMILIES[version]
    name = lab.cli(f"create vxlan tunnel src {ours} dst {theirs} vni {vni} {options}").strip()
    lab.cli(f"set interface l2 bridge {name} {bridge}")
    return name


def send(lab: Lab, port: Interface, *frames: Packet | bytes) -> dict[str, list[Packet]]:
    """Let frames come in; interface name -> what left by it, without what the engine says to groups by itself: by IPv6,
    and by IGMP (RFC 3376 4.2.14), which it repeats.
    """
    out = {
        name: [p for p in sent if not p.dst.startswith(("33:33", "01:00:5e:00:00:16"))]
        for name, sent in lab.send(port, *frames).items()
    }
    return {name: sent for name, sent in out.items() if sent}


def inner(source: str = HOST, to: str = FAR, size: int = 20, **udp: int) -> Packet:
    """A frame with a datagram."""
    ports = {"sport": 1000, "dport": 2000} | udp
    return Ether(src=source, dst=to) / IP(src="192.168.0.1", dst="192.168.0.2") / UDP(**ports) / Raw(bytes(size))


def outer(under: Interface, version: int, frame: Packet | bytes, vni: int | None = None, **changes: object) -> Packet:
    """A frame as the other end sends it. ``changes``: src, dst, sport, dport, chksum, flags."""
    layer, ours, theirs, own_vni = FAMILIES[version]
    ends = {"src": changes.get("src", theirs), "dst": changes.get("dst", ours)}
    udp = {"sport": changes.get("sport", 50000), "dport": changes.get("dport", PORT)}
    if "chksum" in changes:
        udp["chksum"] = changes["chksum"]
    header = VXLAN(flags=changes.get("flags", 0x08), vni=own_vni if vni is None else vni)
    return Ether(src=PEER, dst=under.mac) / layer(**ends) / UDP(**udp) / header / Raw(bytes(frame))
