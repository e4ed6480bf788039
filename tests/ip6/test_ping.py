"""The command `ping` over IPv6."""

from __future__ import annotations

import re

import pytest
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from tests.ip6.net import Net, heard, host, host_mac, router
from tests.ip6.test_forwarding import checked

from weft.core.cli import CliError


def test_what_is_sent(net: Net) -> None:
    assert net.lab.cli(f"ping ipv6 {host(1)} repeat 2 interval 0.01").endswith("100% packet loss\n")
    frames = heard(net.lab.output())["pg1"]
    assert [frame[ICMPv6EchoRequest].seq for frame in frames] == [1, 2]
    for frame in frames:
        assert (frame.dst, frame[IPv6].src, frame[IPv6].dst) == (host_mac(1), router(1), host(1))
        assert len(checked(frame)[IPv6]) == 40 + 8 + 28 + 60


def test_we_answer_ourselves(net: Net) -> None:
    first = net.lab.cli(f"ping {router(0)} repeat 1 interval 0.5").splitlines()[0]
    assert re.fullmatch(rf"136 bytes from {router(0)}: icmp_seq=1 ttl=64 time=\d*\.\d{{4}} ms", first)


def test_on_a_link(net: Net) -> None:
    net.lab.cli("set ip neighbor pg1 fe80::9 02:00:00:00:00:99")
    net.lab.cli("ping fe80::9 source pg1 repeat 1 interval 0.01")
    (frame,) = heard(net.lab.output())["pg1"]
    assert (frame.dst, frame[IPv6].dst) == ("02:00:00:00:00:99", "fe80::9")
    assert frame[IPv6].src.startswith("fe80::")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ping fe80::9", "name its interface"),
        ("ping ff02::1 source pg0", "a group"),
        ("ping ipv4 2001:db8::1", "no IPv4 address"),
        ("ping 2001:db8:ffff::1", "no egress interface"),
    ],
)
def test_what_cannot_be_is_refused(net: Net, line: str, reason: str) -> None:
    with pytest.raises(CliError, match=reason):
        net.lab.cli(line)
