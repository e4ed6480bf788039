"""A network that has everything, for hostile frames to be sent into.

``pg0`` is a trunk with sub-interfaces of all kinds; ``pg1``, ``pg2`` and ``pg8`` are routed, as is ``pg11``, behind
which VXLAN's tunnels of all kinds end; the others are bridged or cross-connected. VRF 4 joins bridge domains through
their BVIs, and the routed interfaces.
"""

from __future__ import annotations

import re

from weft import Engine
from weft.core import memory
from weft.core.punt import REASONS, limits
from weft.features.icmp.model import Icmp
from weft.features.interface.model import Interface, Interfaces
from weft.features.neighbor.throttle import Throttle, throttles
from weft.features.pg.model import PacketGenerator

PORTS = 14
VRF = 4
DOWN = "13"  #: a sub-interface


def mac(number: int) -> str:
    """A host's MAC address."""
    return f"02:00:00:00:00:{number:02x}"


def port_mac(number: int) -> str:
    return f"02:fe:00:00:00:{number:02x}"


BVI_2, BVI_3 = "de:ad:00:00:00:01", "de:ad:00:00:00:02"
BVI_7 = "de:ad:00:00:00:03"
HOST_2, HOST_3, HOST_PG1, HOST_PG2, HOST_4, HOST_8 = (mac(n) for n in (0x25, 0x35, 0x19, 0x29, 0x49, 0x89))
#: Where tunnels end, hosts behind them over IPv4 and IPv6, and one in front of them at pg12.
VTEP, HOST_FAR, HOST_FAR6, HOST_7 = mac(0xB9), mac(0x78), mac(0x76), mac(0x75)
FILTERED, FIXED = mac(0xF1), mac(0xF2)
#: In the table that arp-term answers from.
KNOWN_2, KNOWN6_2 = "192.168.2.6", "2001:db8:2::6"

CONFIGURATION = f"""
loopback create
loopback create
loopback create
loopback create
ip table add {VRF}
ip table add 5

create sub-interfaces pg0 2
set interface l2 bridge pg0.2 2
set interface l2 tag-rewrite pg0.2 pop 1
create sub-interfaces pg0 3
set interface l2 bridge pg0.3 3
set interface l2 tag-rewrite pg0.3 pop 1
create sub-interfaces pg0 4
set interface ip table pg0.4 {VRF}
set interface ip address pg0.4 10.4.0.1/24
create sub-interfaces pg0 5 dot1ad 5 inner-dot1q 50 exact-match
set interface l2 bridge pg0.5 2
set interface l2 tag-rewrite pg0.5 pop 2
create sub-interfaces pg0 6 dot1q 6 inner-dot1q 60 exact-match
set interface l2 bridge pg0.6 3 1
set interface l2 tag-rewrite pg0.6 translate 2-1 dot1q 61
create sub-interfaces pg0 7 dot1q 7 inner-dot1q any
set interface l2 bridge pg0.7 5
set interface l2 tag-rewrite pg0.7 translate 1-2 dot1ad 70 71
create sub-interfaces pg0 8 dot1ad 8 inner-dot1q 80 exact-match
set interface ip table pg0.8 {VRF}
set interface ip address pg0.8 10.8.0.1/24
create sub-interfaces pg0 9 dot1q 9
set interface l2 bridge pg0.9 5
set interface l2 tag-rewrite pg0.9 translate 1-1 dot1q 90
create sub-interfaces pg0 10 dot1q 10 inner-dot1q 100 exact-match
set interface l2 bridge pg0.10 5
set interface l2 tag-rewrite pg0.10 translate 2-2 dot1q 101 102
create sub-interfaces pg0 11 default
set interface l2 bridge pg0.11 5
set interface l2 tag-rewrite pg0.11 push dot1q 110
create sub-interfaces pg0 12 untagged
set interface l2 bridge pg0.12 5 2
set interface l2 tag-rewrite pg0.12 push dot1ad 120 121
create sub-interfaces pg0 13
set interface l2 bridge pg0.13 5

set interface l2 bridge loop1 2 bvi
set interface ip table loop1 {VRF}
set interface ip address loop1 192.168.2.1/24
set interface state loop1 up
set interface l2 bridge loop2 3 bvi
set interface ip table loop2 {VRF}
set interface ip address loop2 192.168.3.1/24
set interface state loop2 up
set interface ip table loop0 {VRF}
set interface ip address loop0 10.0.0.1/32
set interface state loop0 up

set interface ip table pg1 {VRF}
set interface ip address pg1 10.1.0.1/24
set interface ip address pg1 10.1.0.2/24
set arp proxy table-ID {VRF} start 10.66.0.1 end 10.66.0.9
set interface proxy-arp pg1
set interface ip table pg2 {VRF}
set interface ip address pg2 10.2.0.1/24
set interface mtu ip4 600 pg2

set interface l2 bridge pg3 2
set interface l2 bridge pg4 3 1
set interface l2 bridge pg5 5 2
set interface l2 xconnect pg6 pg7
set interface l2 xconnect pg7 pg6
set interface l2 tag-rewrite pg7 push dot1q 77
set interface l2 bridge pg9 6
set interface l2 bridge pg10 6 uu-fwd

set bridge-domain arp term 2
set bridge-domain arp entry 2 {KNOWN_2} {mac(0x26)}
set bridge-domain arp-ufwd 6
l2fib add {FILTERED} 2 filter
l2fib add {FIXED} 2 pg3 static

set ip neighbor loop1 192.168.2.5 {HOST_2} static
set ip neighbor loop2 192.168.3.5 {HOST_3} static
set ip neighbor pg1 10.1.0.9 {HOST_PG1} static
set ip neighbor pg2 10.2.0.9 {HOST_PG2} static
set ip neighbor pg0.4 10.4.0.9 {HOST_4} static
set ip neighbor pg0.8 10.8.0.9 {HOST_8} static

ip route add 10.9.0.0/16 table {VRF} via 10.1.0.9 pg1 via 10.2.0.9 pg2
ip route add 10.20.0.0/16 table {VRF} via drop
ip route add 10.21.0.0/16 table {VRF} via null-send-unreach
ip route add 10.22.0.0/16 table {VRF} via null-send-prohibit
ip route add 10.23.0.0/16 table {VRF} via punt
ip route add 10.24.0.0/16 table {VRF} via ip4-lookup-in-table 5
ip route add 0.0.0.0/0 table 5 via ip4-lookup-in-table {VRF}
ip route add 10.25.0.0/16 table {VRF} via 10.1.0.99 pg1

set ip6 nd dad 0
set interface ip address loop1 2001:db8:2::1/64
set interface ip address loop2 2001:db8:3::1/64
set interface ip address pg1 2001:db8:a1::1/64
set interface ip address pg2 2001:db8:a2::1/64
set interface mtu ip6 1280 pg2
ip6 nd loop1 ra-suppress
ip6 nd loop2 ra-suppress
ip6 nd pg1 ra-suppress
ip6 nd pg2 ra-suppress
set ip neighbor loop1 2001:db8:2::5 {HOST_2} static
set ip neighbor loop2 2001:db8:3::5 {HOST_3} static
set ip neighbor pg1 2001:db8:a1::9 {HOST_PG1} static
set ip neighbor pg1 fe80::9 {HOST_PG1} static
set ip neighbor pg2 2001:db8:a2::9 {HOST_PG2} static
set ip6 nd proxy pg2 2001:db8:a1::55
set bridge-domain arp entry 2 {KNOWN6_2} {mac(0x26)}
ip6 table add 5
ip route add 2001:db8:9::/48 via 2001:db8:a1::9 pg1 via 2001:db8:a2::9 pg2
ip route add 2001:db8:20::/48 via drop
ip route add 2001:db8:21::/48 via null-send-unreach
ip route add 2001:db8:22::/48 via null-send-prohibit
ip route add 2001:db8:23::/48 via punt
ip route add 2001:db8:24::/48 via ip6-lookup-in-table 5
ip route add ::/0 table 5 via ip6-lookup-in-table 0
ip route add 2001:db8:25::/48 via 2001:db8:a1::99 pg1

set interface ip table pg11 {VRF}
set interface ip address pg11 10.11.0.1/24
set interface ip address pg11 2001:db8:b1::1/64
ip6 nd pg11 ra-suppress
set ip neighbor pg11 10.11.0.9 {VTEP} static
set ip neighbor pg11 10.11.0.8 {VTEP} static
set ip neighbor pg11 2001:db8:b1::9 {VTEP} static
set interface ip vxlan-bypass pg11
set interface ip6 vxlan-bypass pg11
create vxlan tunnel src 10.11.0.1 dst 10.11.0.9 vni 70 encap-vrf-id {VRF}
create vxlan tunnel src 2001:db8:b1::1 dst 2001:db8:b1::9 vni 71
create vxlan tunnel src 10.11.0.1 dst 10.11.0.8 vni 72 encap-vrf-id {VRF}
create vxlan tunnel src 10.11.0.1 group 239.1.1.1 pg11 vni 72 encap-vrf-id {VRF}
create vxlan tunnel src 10.11.0.1 dst 10.11.0.9 vni 73 encap-vrf-id {VRF} src_port 4790 dst_port 4791 l3
create vxlan tunnel src 10.11.0.1 dst 10.11.0.9 vni 74 encap-vrf-id {VRF} decap-next node ethernet-input
set interface l2 bridge vxlan_tunnel0 7 1
set interface l2 bridge vxlan_tunnel1 7 1
set interface l2 bridge pg12 7
set interface l2 bridge loop3 7 bvi
set interface ip table loop3 {VRF}
set interface ip address loop3 192.168.7.1/24
set interface ip address loop3 2001:db8:77::1/64
ip6 nd loop3 ra-suppress
set interface state loop3 up
set ip neighbor loop3 192.168.7.8 {HOST_FAR} static
set ip neighbor loop3 2001:db8:77::8 {HOST_FAR} static
set ip neighbor loop3 2001:db8:77::6 {HOST_FAR6} static
l2fib add {HOST_FAR} 7 vxlan_tunnel0 static
l2fib add {HOST_FAR6} 7 vxlan_tunnel1 static
set interface l2 bridge vxlan_tunnel2 8
set interface l2 bridge vxlan_tunnel3 8
set interface l2 bridge pg13 8
set interface ip table vxlan_tunnel4 {VRF}
set interface ip address vxlan_tunnel4 10.73.0.1/24
set interface ip address vxlan_tunnel4 2001:db8:73::1/64
ip6 nd vxlan_tunnel4 ra-suppress
set interface ip table vxlan_tunnel5 {VRF}
set interface ip address vxlan_tunnel5 10.74.0.1/24
"""


def commands() -> list[str]:
    """The configuration, a line each. In the end all sub-interfaces but one are up."""
    lines = [line for line in CONFIGURATION.splitlines() if line]
    subs = re.findall(r"create sub-interfaces pg0 (\d+)", CONFIGURATION)
    return lines + [f"set interface state pg0.{number} up" for number in subs if number != DOWN]


def build(engine: Engine) -> dict[str, Interface]:
    """Make the network; its ports by name, all up and captured."""
    generator, interfaces = engine[PacketGenerator], engine[Interfaces]
    ports = {}
    for number in range(PORTS):
        port = ports[f"pg{number}"] = generator.create(f"pg{number}")
        interfaces.set_admin(port, True)
        generator.capture(port)
    for line in commands():
        engine.cli(line)
    # What is limited by time would differ from run to run.
    engine[Icmp].set_limit(engine.clocks_per_second, 1 << 40)
    for reason in REASONS:
        limits[reason.number].clocks, limits[reason.number].burst = 1, 1 << 20
    if not engine.workers.count:
        engine.step()
        engine.step()  # what timers have sent
        for port in ports.values():
            generator.captured(port)
    return ports


def forget_questions() -> None:
    """Whoever was asked for a moment ago may be asked for again."""
    memory.fill(throttles[0].address, 0, Throttle.size)
