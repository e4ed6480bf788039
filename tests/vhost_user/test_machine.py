"""Virtual machines: QEMU with a Linux guest, and VLANs on its network card."""

from __future__ import annotations

from pathlib import Path

from tests.switch import Switch

from weft.lab.machine import Card, Machine

# The listing, as an operator types it.
LISTING = """
    loopback create
    create vhost socket /tmp/vm00.sock server
    set int state VirtualEthernet0/0/0 up

    loopback create
    set int l2 bridge loop1 2 bvi
    set int ip table loop1 4
    set int ip address loop1 192.168.2.1/24
    set int state loop1 up
    create sub VirtualEthernet0/0/0 2
    set int l2 bridge VirtualEthernet0/0/0.2 2
    set int l2 tag-rewrite VirtualEthernet0/0/0.2 pop 1
    set int state VirtualEthernet0/0/0.2 up

    loopback create
    set int l2 bridge loop2 3 bvi
    set int ip table loop2 4
    set int ip address loop2 192.168.3.1/24
    set int state loop2 up
    create sub VirtualEthernet0/0/0 3
    set int l2 bridge VirtualEthernet0/0/0.3 3
    set int l2 tag-rewrite VirtualEthernet0/0/0.3 pop 1
    set int state VirtualEthernet0/0/0.3 up
"""

#: A second machine, on VLAN 3 alone.
SECOND = """
    create vhost-user socket {path} server
    set int state VirtualEthernet0/0/1 up
    create sub VirtualEthernet0/0/1 3
    set int l2 bridge VirtualEthernet0/0/1.3 3
    set int l2 tag-rewrite VirtualEthernet0/0/1.3 pop 1
    set int state VirtualEthernet0/0/1.3 up
"""


def vlan(number: int, host: int, *, default: bool = False) -> str:
    """Commands for a guest."""
    name = f"eth0.{number}"
    lines = [
        "ip link set eth0 up",
        f"ip link add link eth0 name {name} type vlan id {number}",
        f"ip addr add 192.168.{number}.{host}/24 dev {name}",
        f"ip link set {name} up",
    ]
    if default:
        lines.append(f"ip route add default via 192.168.{number}.1")
    return " && ".join(lines)


def test_two_machines_on_different_vlans_ping_by_the_listing(switch: Switch, tmp_path: Path) -> None:
    switch.cli(LISTING)
    switch.cli(SECOND.format(path=tmp_path / "vm01.sock"))
    first = Machine(Card(Path("/tmp/vm00.sock"), "52:54:00:4c:47:f2"))
    second = Machine(Card(tmp_path / "vm01.sock", "52:54:00:4c:47:f3"))
    with first, second:
        first.ready()
        second.ready()
        first.run(vlan(2, 10, default=True))
        second.run(vlan(3, 11, default=True))
        assert first.ping("192.168.2.1")
        assert second.ping("192.168.3.1")
        assert first.ping("192.168.3.11")
        assert second.ping("192.168.2.10")
        # eth0.3 of the first machine, too: it is in the bridge domain of the second.
        first.run(vlan(3, 10))
        assert first.ping("192.168.3.1")
        assert first.ping("192.168.3.11")
    shown = switch.cli("show vhost-user VirtualEthernet0/0/0")
    assert "socket filename /tmp/vm00.sock type server" in shown
