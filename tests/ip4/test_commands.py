"""IPv4's commands: what VPP prints, and one clear line for what cannot be."""

from __future__ import annotations

import re

import pytest
from tests.conftest import Lab

from weft.core.cli import CliError

LISTING = """
loopback create
loopback create
loopback create
ip table add 4
set interface ip table loop2 4
set interface ip address loop1 192.168.2.1/24
set interface ip address loop2 192.168.3.1/24
set interface ip address loop2 192.168.2.9/24
set interface state loop1 up
set interface state loop2 up
"""

TABLE = (
    "ipv4-VRF:4, fib_index:1, flow hash:[src dst sport dport proto flowlabel ] epoch:0 flags:none locks:[interface:1, "
)

# As VPP printed it, in `show ip fib table 4`; numbers that differ from run to run are left out.
FIB = f"""
{TABLE}CLI:1, ]
0.0.0.0/0
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
0.0.0.0/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
192.168.2.0/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
192.168.2.0/24
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@4]: ipv4-glean: [src:192.168.2.0/24] loop2: mtu:9000 next:N flags:[] ffffffffffffdead000000020806
192.168.2.9/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@11]: dpo-receive: 192.168.2.9 on loop2
192.168.2.255/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
192.168.3.0/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
192.168.3.0/24
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@4]: ipv4-glean: [src:192.168.3.0/24] loop2: mtu:9000 next:N flags:[] ffffffffffffdead000000020806
192.168.3.1/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@11]: dpo-receive: 192.168.3.1 on loop2
192.168.3.255/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
224.0.0.0/4
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
240.0.0.0/4
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
255.255.255.255/32
  unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@0]: dpo-drop ip4
"""

CONNECTED = f"""
{TABLE}CLI:1, ]
192.168.2.0/24 fib:1 index:N locks:2
  interface refs:1 entry-flags:connected,attached, src-flags:added,contributing,active, cover:-1
    path-list:[N] locks:N uPRF-list:N len:1 itfs:[3, ]
      path:[N] pl-index:N ip4 weight=1 pref=0 attached:  oper-flags:resolved, cfg-flags:glean,
         loop2

 forwarding:   unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@4]: ipv4-glean: [src:192.168.2.0/24] loop2: mtu:9000 next:N flags:[] ffffffffffffdead000000020806
"""

NEIGHBOR = f"""
{TABLE}CLI:1, adjacency:1, ]
192.168.3.5/32 fib:1 index:N locks:2
  adjacency refs:1 entry-flags:attached, src-flags:added,contributing,active, cover:N
    path-list:[N] locks:N uPRF-list:N len:1 itfs:[3, ]
      path:[N] pl-index:N ip4 weight=1 pref=0 attached-nexthop:  oper-flags:resolved,
        192.168.3.5 loop2
      [@0]: ipv4 via 192.168.3.5 loop2: mtu:9000 next:N flags:[] 020000003305dead000000020800
    Extensions:
     path:N adj-flags:[refines-cover]
 forwarding:   unicast-ip4-chain
  [@0]: dpo-load-balance: [proto:ip4 index:N buckets:1 uRPF:N to:[0:0]]
    [0] [@5]: ipv4 via 192.168.3.5 loop2: mtu:9000 next:N flags:[] 020000003305dead000000020800
"""

SUMMARY = f"""
{TABLE}CLI:1, ]
    Prefix length         Count
                   0               1
                   4               2
                  24               2
                  32               8
"""

RUN_TO_RUN = re.compile(r"(index:|uRPF:|next:|locks:(?!\[)|path:\[?|path-list:\[|pl-index:|uPRF-list:|cover:)\d+")


def without_numbers(text: str) -> str:
    return RUN_TO_RUN.sub(r"\1N", text).replace("fib_index:N", "fib_index:1").replace("N locks:N\n", "N locks:2\n")


def same(text: str, expected: str) -> bool:
    return without_numbers(text).splitlines() == expected.strip("\n").splitlines()


@pytest.fixture
def listing(lab: Lab) -> Lab:
    lab.cli(LISTING)
    return lab


def refused(lab: Lab, command: str) -> str:
    with pytest.raises(CliError) as raised:
        lab.cli(command)
    return str(raised.value)


def test_show_ip_fib_is_vpps(listing: Lab) -> None:
    assert same(listing.cli("show ip fib table 4"), FIB)
    assert same(listing.cli("show ip fib table 4 192.168.2.0/24"), CONNECTED)
    assert same(listing.cli("show ip fib table 4 summary"), SUMMARY)
    listing.cli("set ip neighbor loop2 192.168.3.5 02:00:00:00:33:05")
    assert same(listing.cli("show ip fib table 4 192.168.3.5/32"), NEIGHBOR)


def test_show_ip_table_and_interface_address_are_vpps(listing: Lab) -> None:
    assert listing.cli("show ip table") == "[0] table_id:0 ipv4-VRF:0\n[1] table_id:4 ipv4-VRF:4\n"
    assert listing.cli("show interface address").splitlines()[2:] == [
        "loop1 (up):",
        "  L3 192.168.2.1/24",
        "loop2 (up):",
        "  L3 192.168.3.1/24 ip4 table-id 4 fib-idx 1",
        "  L3 192.168.2.9/24 ip4 table-id 4 fib-idx 1",
    ]


REFUSED = {
    "set interface ip address loop1 192.168.2.1/24": "set interface ip address: failed to add 192.168.2.1/24 on loop1 "
    "which conflicts with 192.168.2.1/24 for interface loop1",
    "set interface ip address loop0 192.168.2.77/24": "set interface ip address: failed to add "
    "192.168.2.77/24 on loop0 which conflicts with 192.168.2.1/24 for interface loop1",
    "set interface ip address loop0 192.168.0.1/16": "set interface ip address: failed to add 192.168.0.1/16 on loop0 "
    "which conflicts with 192.168.2.1/24 for interface loop1",
    "set interface ip address loop1 192.168.2.2/25": "set interface ip address: failed to add 192.168.2.2/25 on loop1 "
    "which conflicts with 192.168.2.1/24 for interface loop1",
    "set interface ip address local0 10.0.0.1/24": "set interface ip address: "
    "local0 interface doesn't support IP addressing",
    "set interface ip address del loop1 192.168.2.2/24": "set interface ip address: "
    "192.168.2.2/24 not found for interface loop1",
    "set interface ip address loop0 224.0.0.1/24": "set interface ip address: 224.0.0.1 is no host's address",
    "set interface ip table loop1 4": "set interface ip table: IP addresses are still present on loop1",
    "set interface ip table loop1 77": "set interface ip table: IP addresses are still present on loop1",
    "ip table del 4": "ip table del: table 4 is in use by 1 interface",
    "ip table del 0": "ip table del: table 0 cannot be deleted",
    "ip table del 9": "ip table del: no such table 9",
    "show ip fib table 9": "show ip fib: no such table 9",
    "ip route add 10.0.0.0/8 table 9 via drop": "ip route add: no such table 9",
    "ip route add 10.0.0.0/8 via 9.9.9.9 next-hop-table 9": "ip route add: no such table 9",
    "ip route del 10.0.0.0/8": "ip route del: no route 10.0.0.0/8 of CLI in table 0",
    "ip route del 192.168.2.0/24": "ip route del: no route 192.168.2.0/24 of CLI in table 0",
    "ip route add count 300 255.0.0.0/16 via drop": "ip route add: "
    "there are no 300 prefixes of length 16 from 255.0.0.0/16 on",
    "set ip flow-hash table 9 src": "set ip flow-hash: no such table 9",
    "ip route add 10.0.0.0/8 via 192.168.2.5 weight 0": "ip route add: "
    "a path's weight is 1 to 255 and its preference 0 to 255",
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(compiled_lab: Lab, command: str) -> None:
    compiled_lab.cli(LISTING)
    shown = ("show ip fib", "show ip table", "show interface address", "show adjacency")
    before = [compiled_lab.cli(each) for each in shown]
    assert refused(compiled_lab, command) == REFUSED[command]
    assert [compiled_lab.cli(each) for each in shown] == before


def test_a_missing_table_is_made_for_the_interface(lab: Lab) -> None:
    lab.cli("loopback create")
    assert lab.cli("set interface ip table loop0 7") == "table 7 created"
    assert "table_id:7" in lab.cli("show ip table")


def test_a_table_can_go_when_nobody_needs_it(listing: Lab) -> None:
    listing.cli("ip table add 5\nip route add 10.0.0.0/8 via ip4-lookup-in-table 5")
    assert refused(listing, "ip table del 5") == "ip table del: table 5 is in use by routes of table 0"
    listing.cli("ip route del 10.0.0.0/8\nip table del 5")
    listing.cli("set interface ip address del loop2 all\nset interface ip table loop2 0\nip table del 4")
    assert listing.cli("show ip table") == "[0] table_id:0 ipv4-VRF:0\n"


def test_several_addresses_of_one_subnet_share_its_routes(listing: Lab) -> None:
    listing.cli("set interface ip address loop1 192.168.2.2/24\nset interface ip address del loop1 192.168.2.1/24")
    fib = listing.cli("show ip fib table 0")
    assert "192.168.2.0/24" in fib and "192.168.2.2 on loop1" in fib and "192.168.2.1 on loop1" not in fib
    listing.cli("set interface ip address del loop1 192.168.2.2/24")
    assert "192.168.2" not in listing.cli("show ip fib table 0")


def test_subnets_of_two_and_of_one(lab: Lab) -> None:
    """RFC 3021: the other of two is a host; an address alone has no subnet."""
    lab.cli("loopback create\nset interface state loop0 up\nset interface ip address loop0 10.0.0.4/31")
    lab.cli("set interface ip address loop0 10.0.0.9/32")
    fib = [line for line in lab.cli("show ip fib table 0").splitlines() if line.startswith("10.")]
    assert fib == ["10.0.0.4/32", "10.0.0.4/31", "10.0.0.5/32", "10.0.0.9/32"]
    assert "arp-ipv4: via 10.0.0.5 loop0" in lab.cli("show ip fib table 0 10.0.0.5")


def test_an_interface_that_is_down_has_no_subnets(listing: Lab) -> None:
    listing.cli("set interface state loop1 down")
    assert "192.168.2" not in listing.cli("show ip fib table 0")
    listing.cli("set interface state loop1 up")
    assert "192.168.2.1 on loop1" in listing.cli("show ip fib table 0")


def test_a_deleted_interface_leaves_no_routes_of_its_own(listing: Lab) -> None:
    listing.cli("ip route add 10.0.0.0/8 via 192.168.2.5 loop1\nset ip neighbor loop1 192.168.2.5 02:00:00:00:00:05")
    listing.cli("loopback delete intfc loop1")
    fib = listing.cli("show ip fib table 0")
    assert "192.168.2" not in fib.replace("via 192.168.2.5", "")
    assert "dpo-drop" in listing.cli("show ip fib table 0 10.1.1.1")
    listing.cli("loopback create\nset interface state loop1 up\nset interface ip address loop1 192.168.2.1/24")
    assert "dpo-drop" in listing.cli("show ip fib table 0 10.1.1.1")
    listing.cli("ip route del 10.0.0.0/8")


def test_many_routes_by_one_command(compiled_lab: Lab) -> None:
    compiled_lab.cli(LISTING)
    out = compiled_lab.cli("ip route add count 100000 20.0.0.0/24 via 192.168.2.5 loop1")
    assert re.fullmatch(r"\d\.\d{6}e\d routes/sec", out)
    assert " 24          100001" in compiled_lab.cli("show ip fib table 0 summary")
    compiled_lab.cli("ip route del count 100000 20.0.0.0/24")
    assert " 24               1" in compiled_lab.cli("show ip fib table 0 summary")


def test_paths_are_added_and_taken_away_one_by_one(listing: Lab) -> None:
    listing.cli("ip route add 10.0.0.0/8 via 192.168.2.5 loop1")
    listing.cli("ip route add 10.0.0.0/8 via 192.168.2.6 loop1 weight 3")
    assert "buckets:4" in listing.cli("show ip fib table 0 10.0.0.0/8")
    assert refused(listing, "ip route del 10.0.0.0/8 via 192.168.2.7 loop1") == (
        "ip route del: the route 10.0.0.0/8 has no such path"
    )
    listing.cli("ip route del 10.0.0.0/8 via 192.168.2.6 loop1")
    assert "buckets:1" in listing.cli("show ip fib table 0 10.0.0.0/8")
    listing.cli("ip route del 10.0.0.0/8 via 192.168.2.5 loop1")
    assert "10.0.0.0/8" not in listing.cli("show ip fib table 0")
