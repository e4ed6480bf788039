"""Bridge domains and ports as configured and shown: VPP's words, and nothing half done."""

from __future__ import annotations

import re
import time

import pytest
from tests.conftest import Lab

from weft.core.cli import CliError
from weft.features.interface.model import PROMISCUOUS, Interfaces
from weft.features.l2.model import BridgeDomains

#: As VPP 26.06 printed it after the configuration below; interface numbers are ours.
BRIDGE_DOMAINS = (
    "  BD-ID   Index   BSN  Age(min)  Learning  U-Forwrd   UU-Flood   Flooding  ARP-Term"
    "  arp-ufwd Learn-co Learn-li   BVI-Intf\n"
    "    2       1      0     off        on        on       flood        on       off "
    "      off        0    16777216    loop1\n"
    "    3       2      0     off        on        on       flood        on       off "
    "      off        0    16777216    loop2\n"
    "   99       3      0     off        on        on       flood        on       off "
    "      off        0    16777216    loop0\n"
    "    7       4      0      5         on        on       flood        on       off "
    "      off        0    16777216     N/A\n"
)
MEMBERS = """\
           Interface           If-idx ISN  SHG  BVI  TxFlood        VLAN-Tag-Rewrite
             loop1               2     1    0    *      *                 none
             pg0.2               5     1    0    -      *                 pop-1
"""
ENTRIES = """\
    Mac-Address     BD-Idx If-Idx BSN-ISN Age(min) static filter bvi         Interface-Name
 de:ad:00:00:00:00    3      1      0/0      no      *      -     *               loop0
 de:ad:00:00:00:01    1      2      0/0      no      *      -     *               loop1
 de:ad:00:00:00:02    2      3      0/0      no      *      -     *               loop2
 52:54:00:4c:47:f2    1      5      0/0      no      *      -     -               pg0.2
"""


@pytest.fixture
def listing(lab: Lab) -> Lab:
    """The listing of VPP's transcript."""
    lab.cli("loopback create\nloopback create\nloopback create")
    lab.pg(1)
    lab.cli(
        """set int l2 bridge loop1 2 bvi
        create sub pg0 2
        set int l2 bridge pg0.2 2
        set int l2 tag-rewrite pg0.2 pop 1
        set int state pg0.2 up
        set int l2 bridge loop2 3 bvi
        create sub pg0 3
        set int l2 bridge pg0.3 3
        set int l2 tag-rewrite pg0.3 pop 1
        set int l2 bridge loop0 99 bvi
        create bridge-domain 7 learn 1 forward 1 uu-flood 1 flood 1 arp-term 0 mac-age 5
        l2fib add 52:54:00:4c:47:f2 2 pg0.2 static"""
    )
    return lab


def test_show_bridge_domain(listing: Lab) -> None:
    assert listing.cli("show bridge-domain") == BRIDGE_DOMAINS


def test_show_bridge_domain_detail(listing: Lab) -> None:
    head, row, features, *rest = listing.cli("show bridge-domain 2 detail").splitlines(keepends=True)
    assert [head, row] == BRIDGE_DOMAINS.splitlines(keepends=True)[:2]
    ours = [name for name in features.split() if not name.startswith("test-")]
    assert ours == ["l2-input-vtr", "l2-learn", "l2-fwd", "l2-flood", "l2-flood", "l2-output"]
    assert "".join(rest) == "\n" + MEMBERS
    assert listing.cli("show bridge-domain 2 int") == head + row + "\n" + MEMBERS


def test_show_l2fib(listing: Lab) -> None:
    *lines, summary = listing.cli("show l2fib verbose").splitlines(keepends=True)
    assert sorted(lines) == sorted(ENTRIES.splitlines(keepends=True)) and lines[0] == ENTRIES.splitlines(True)[0]
    pattern = r"L2FIB total/learned entries: 4/0  Last scan time: \d\.\d{4}e-?\dsec  Learn limit: 16777216\n"
    assert re.fullmatch(pattern, summary)
    assert re.fullmatch(pattern, listing.cli("show l2fib"))
    assert len(listing.cli("show l2fib bd_id 2").splitlines()) == 4
    assert len(listing.cli("show l2fib bd_index 2").splitlines()) == 3
    assert listing.cli("show l2fib learn").splitlines() == [summary.rstrip()]
    assert len(listing.cli("show l2fib add").splitlines()) == 6
    assert "buckets with 1 entries" in listing.cli("show l2fib raw")


def test_show_mode_and_addresses(listing: Lab) -> None:
    listing.cli("set interface l2 bridge pg0 7 3")
    mode = listing.cli("show mode").splitlines()
    assert "l2 bridge loop0 bd_id 99 bvi shg 0" in mode
    assert "l2 bridge pg0.2 bd_id 2 shg 0" in mode
    assert "l2 bridge pg0 bd_id 7 shg 3" in mode
    assert "l3 local0" in mode
    address = listing.cli("show int addr")
    assert "loop0 (dn):\n  L2 bridge bd-id 99 idx 3 shg 0 bvi\n" in address
    assert "pg0.2 (up):\n  L2 bridge bd-id 2 idx 1 shg 0\n" in address
    listing.cli("set interface l2 xconnect pg0.2 pg0.3")
    assert "l2 xconnect pg0.2 pg0.3" in listing.cli("show mode")
    assert "pg0.2 (up):\n  L2 xconnect pg0.3\n" in listing.cli("show int addr")


def test_show_interface_features(listing: Lab) -> None:
    text = listing.cli("show interface pg0.2 features")
    assert "\nl2-input:\n  l2-input-vtr\n  l2-learn\n  l2-fwd\n  l2-flood\n  l2-flood\n" in text
    assert "\nl2-output:\n  none configured\n" in text


def test_no_bridge_domains(lab: Lab) -> None:
    assert lab.cli("show bridge-domain") == "no bridge-domains in use"
    assert lab.cli("show l2fib").strip() == "no l2fib entries"


def test_create_with_everything(lab: Lab) -> None:
    assert lab.cli(
        "create bridge-domain 5 learn 0 forward 0 uu-flood 0 flood 0 arp-term 1 arp-ufwd 1 mac-age 9 bd-tag blue"
    )
    row = lab.cli("show bridge-domain 5").splitlines()[1].split()
    assert row == ["5", "1", "0", "9", "off", "off", "drop", "off", "on", "on", "0", "16777216", "N/A"]
    assert "BD-Tag: blue" in lab.cli("show bridge-domain 5 bd-tag")
    assert lab.cli("create bridge-domain") == "bridge-domain 1"


def test_switching_a_bridge_domain(lab: Lab) -> None:
    lab.cli("create bridge-domain 5")
    for words in ("learn", "forward", "flood", "uu-flood"):
        lab.cli(f"set bridge-domain {words} 5 disable")
    lab.cli("set bridge-domain arp term 5\nset bridge-domain arp-ufwd 5\nset bridge-domain mac-age 5 7")
    lab.cli("set bridge-domain learn-limit 5 100\nset bridge-domain default-learn-limit 200\ncreate bridge-domain 6")
    rows = [line.split() for line in lab.cli("show bridge-domain").splitlines()[1:]]
    assert rows[0] == ["5", "1", "0", "7", "off", "off", "drop", "off", "on", "on", "0", "100", "N/A"]
    assert rows[1][-2] == "200"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("create bridge-domain 2 del", "create bridge-domain: bridge domain in use - remove members"),
        ("create bridge-domain 55 del", "create bridge-domain: bridge domain ID does not exist"),
        ("create bridge-domain 0", "create bridge-domain: bridge domain 0 can not be modified"),
        ("create bridge-domain 16777216", "create bridge-domain: bridge domain ID exceed 24-bit range"),
        ("create bridge-domain 2", "create bridge-domain: bridge domain 2 already exists"),
        ("create bridge-domain del", "create bridge-domain: say which bridge domain to delete"),
        ("create bridge-domain 8 mac-age 256", None),
        ("create bridge-domain 8 bd-tag " + "x" * 64, None),
        ("set bridge-domain learn 55", "set bridge-domain learn: No such bridge domain 55"),
        ("show bridge-domain 55", "show bridge-domain: No such bridge domain 55"),
        ("set int l2 bridge loop1 x", None),
        ("set int l2 bridge nosuch0 2", "set interface l2 bridge: unknown interface `nosuch0 2'"),
        ("set int l2 bridge local0 2", "set interface l2 bridge: bridged interface must be ethernet"),
        ("set int l2 bridge loop0 2 bvi", "set interface l2 bridge: bridge-domain already has a bvi interface"),
        ("set int l2 bridge pg0 2 256", None),
        ("set int l2 bridge pg0 0", "set interface l2 bridge: bridge domain 0 can not be modified"),
        ("set int l2 bridge pg0 16777216", "set interface l2 bridge: bridge domain ID exceed 24-bit range"),
        ("set int l2 bridge pg0 8 bvi", "set interface l2 bridge: pg0 cannot be a bvi, only a loopback interface can"),
        ("set int l2 xconnect pg0 pg0", "set interface l2 xconnect: pg0 cannot be cross-connected to itself"),
        ("set int l2 xconnect pg0 local0", "set interface l2 xconnect: bridged interface must be ethernet"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(listing: Lab, command: str, message: str | None) -> None:
    """And nothing has changed afterwards."""
    shows = ("show bridge-domain", "show bridge-domain 2 detail", "show mode", "show interface address")
    before = [listing.cli(show) for show in shows]
    with pytest.raises(CliError) as refused:
        listing.cli(command)
    assert str(refused.value) == message or (message is None and "\n" not in str(refused.value))
    assert [listing.cli(show) for show in shows] == before


def test_hundreds_of_bridge_domains(compiled_lab: Lab) -> None:
    lab = compiled_lab
    for bd_id in range(1, 1001):
        lab.engine[BridgeDomains].add(bd_id)
    for bd_id in range(1, 1001, 2):
        lab.engine[BridgeDomains].delete(bd_id)
    for bd_id in range(2001, 2501):
        lab.engine[BridgeDomains].add(bd_id)
    assert len({domain.index for domain in lab.engine[BridgeDomains]}) == 1000
    assert min(domain.index for domain in lab.engine[BridgeDomains]) == 1


def test_devices_take_frames_for_anybody_while_at_layer_2(lab: Lab) -> None:
    (port,) = lab.pg(1)
    lab.cli("create sub-interfaces pg0 5\nset interface l2 bridge pg0.5 1")
    assert port.row.flags & PROMISCUOUS
    lab.cli("set interface l2 bridge pg0 1\nset interface l3 pg0.5")
    assert port.row.flags & PROMISCUOUS
    lab.cli("set interface l3 pg0")
    assert not port.row.flags & PROMISCUOUS


def test_a_thousand_members_in_a_second(compiled_lab: Lab) -> None:
    """Adding a member costs about the same whatever their number."""
    lab = compiled_lab
    lab.pg(1)
    lab.cli("create sub-interfaces pg0 1-1000")
    start = time.perf_counter()
    for number in range(1, 1001):
        lab.cli(f"set interface l2 bridge pg0.{number} 1")
    assert time.perf_counter() - start < 5
    assert len(lab.engine[BridgeDomains][1].members) == 1000
    assert len(list(lab.engine[Interfaces])) == 1002
