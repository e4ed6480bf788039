"""The feature in `examples/dscp-counter`: installed as a package of its own, it works like any other."""

from __future__ import annotations

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

NEIGHBOR = "02:00:00:00:00:05"


def configure(lab) -> None:
    lab.pg(2)
    lab.cli(
        """
        set interface ip address pg0 10.0.0.1/24
        set interface ip address pg1 10.0.1.1/24
        set ip neighbor pg1 10.0.1.5 02:00:00:00:01:05
        """
    )


def packet(lab, tos: int) -> Ether:
    return Ether(src=NEIGHBOR, dst=lab.ports[0].mac) / IP(src="10.0.0.5", dst="10.0.1.5", tos=tos) / UDP() / b"weft"


def test_packets_are_counted_by_dscp_and_forwarded(lab):
    configure(lab)
    lab.cli("set dscp-counter pg0")
    out = lab.send(lab.ports[0], packet(lab, 46 << 2), packet(lab, 46 << 2 | 1), packet(lab, 0))
    assert len(out["pg1"]) == 3
    shown = lab.cli("show dscp-counter").split()
    length = len(packet(lab, 0)[IP])
    assert shown == ["DSCP", "packets", "bytes", "0", "1", str(length), "46", "2", str(2 * length)]


def test_disabled_it_counts_nothing(lab):
    configure(lab)
    lab.cli("set dscp-counter pg0")
    lab.cli("set dscp-counter pg0 disable")
    assert len(lab.send(lab.ports[0], packet(lab, 0))["pg1"]) == 1
    assert lab.cli("show dscp-counter").split() == ["DSCP", "packets", "bytes"]
