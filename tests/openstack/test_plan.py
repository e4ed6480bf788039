"""What is planned for which difference; plans are compared as printed."""

from __future__ import annotations

import msgspec
from tests.openstack.net import NETWORK, PORT, SEGMENT, flat, location, port, vlan, vxlan

from weft_openstack.agent import tags
from weft_openstack.agent.actual import Actual, Bridge, Interface, Tunnel, Vhost
from weft_openstack.agent.desired import Desired, HostFacts
from weft_openstack.agent.ledger import Ledger
from weft_openstack.agent.plan import Plan, make
from weft_openstack.store import records
from weft_openstack.store.etcd import Item

FACTS = HostFacts("h1", {"physnet1": "eth0"}, "/run/test", "192.0.2.1", mac_age=5)


def item(record: records.Record | bytes) -> Item:
    value = record if isinstance(record, bytes) else records.encode(record)
    return Item("", value, 7, 7, 0)


def build(
    *ports: tuple[int, records.Port | bytes],
    locations: dict[int, records.Location] | None = None,
    endpoints: dict[str, str] | None = None,
) -> Desired:
    networks = {NETWORK.format(5000): {PORT.format(n): item(each) for n, each in (locations or {}).items()}}
    there = {host: item(records.Endpoint(address=address)) for host, address in (endpoints or {}).items()}
    return Ledger(FACTS, networks, there).build({PORT.format(number): item(each) for number, each in ports})


def uplinked() -> Actual:
    actual = Actual()
    actual.add(Interface(1, "eth0"))
    return actual


def planned(desired: Desired, actual: Actual) -> list[str]:
    return [str(operation) for operation in make(desired, actual, {"eth0"}).operations]


def test_a_vlan_port_from_nothing() -> None:
    bd, uplink, vm = tags.bridge(SEGMENT.format(100)), tags.uplink(SEGMENT.format(100)), tags.port(PORT.format(1))
    assert planned(build((1, port(1, vlan(100)))), uplinked()) == [
        f"make bridge domain 1 for {bd}",
        f"make vhost-user interface on /run/test/{PORT.format(1)} for {vm}",
        f"make sub-interface of eth0 for VLAN 100 for {uplink}",
        f"put {uplink} into {bd}",
        f"put {vm} into {bd}",
        f"{uplink}: take the VLAN tag off",
        "set eth0 up",
        f"set {vm} up",
        f"set {uplink} up",
    ]


def wired(pops: bool = True) -> Actual:
    """A host that has port 1 on VLAN 100, and interfaces and a bridge domain of somebody else."""
    actual = Actual()
    actual.add(Interface(1, "eth0", admin_up=True))
    actual.add(Interface(2, "v0", tags.port(PORT.format(1)), Vhost(f"/run/test/{PORT.format(1)}"), bridge=4))
    actual.interfaces[2].admin_up = True
    actual.add(Interface(3, "eth0.100", tags.uplink(SEGMENT.format(100)), parent=1, vlan=100, pops=pops, bridge=4))
    actual.interfaces[3].admin_up = True
    actual.add(Interface(8, "theirs", "a note", Vhost("/elsewhere"), admin_up=True, bridge=1))
    actual.add_bridge(Bridge(1, "theirs"))
    actual.add_bridge(Bridge(4, tags.bridge(SEGMENT.format(100)), mac_age=5))
    return actual


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert planned(build((1, port(1, vlan(100)))), wired()) == []


def test_what_nobody_wants_goes_and_strangers_stay() -> None:
    vm, uplink = tags.port(PORT.format(1)), tags.uplink(SEGMENT.format(100))
    plan = planned(Desired(), wired())
    assert plan == [
        f"take {vm} (sw_if_index 2) out of its bridge domain",
        f"take {uplink} (sw_if_index 3) out of its bridge domain",
        f"delete sub-interface {uplink} (sw_if_index 3)",
        f"delete vhost-user interface on /run/test/{PORT.format(1)} (sw_if_index 2)",
        f"delete bridge domain 4 ({tags.bridge(SEGMENT.format(100))})",
    ]


def test_a_second_port_needs_only_itself() -> None:
    vm = tags.port(PORT.format(2))
    assert planned(build((1, port(1, vlan(100))), (2, port(2, vlan(100)))), wired()) == [
        f"make vhost-user interface on /run/test/{PORT.format(2)} for {vm}",
        f"put {vm} into {tags.bridge(SEGMENT.format(100))}",
        f"set {vm} up",
    ]


def test_small_differences_are_mended_in_place() -> None:
    actual = wired(pops=False)
    actual.bridges[4].mac_age = 0
    actual.interfaces[1].admin_up = False
    down = msgspec.structs.replace(port(1, vlan(100)), admin_up=False)
    assert planned(build((1, down)), actual) == [
        f"{tags.bridge(SEGMENT.format(100))}: addresses age in 5 minutes",
        f"set {tags.port(PORT.format(1))} down",
        f"{tags.uplink(SEGMENT.format(100))}: take the VLAN tag off",
        "set eth0 up",
    ]


def test_all_interfaces_of_a_network_have_its_mtu() -> None:
    vm, uplink = tags.port(PORT.format(1)), tags.uplink(SEGMENT.format(100))
    big = port(1, vlan(100), mtu=9000)
    actual = wired()
    assert set(planned(build((1, big)), actual)) == {f"{vm}: MTU 9000", f"{uplink}: MTU 9000"}  # eth0 is not ours
    for index in (2, 3):
        actual.interfaces[index].mtu = 9000
    assert planned(build((1, big)), actual) == []
    assert planned(build((1, port(1, vlan(100), mtu=0))), actual) == []  # not known


def test_a_port_on_another_network_moves_and_the_old_network_goes() -> None:
    plan = planned(build((1, port(1, flat()))), wired())
    assert f"delete bridge domain 4 ({tags.bridge(SEGMENT.format(100))})" in plan
    assert f"put {tags.port(PORT.format(1))} into {tags.bridge(SEGMENT.format(0))}" in plan
    assert f"put eth0 into {tags.bridge(SEGMENT.format(0))}" in plan
    assert not any("delete vhost-user" in step for step in plan)
    assert plan.index(f"take {tags.port(PORT.format(1))} (sw_if_index 2) out of its bridge domain") < plan.index(
        f"delete bridge domain 4 ({tags.bridge(SEGMENT.format(100))})"
    )


def test_a_flat_uplink_leaves_our_bridge_domain_but_nobody_elses() -> None:
    actual = wired()
    actual.interfaces[1].bridge = 4
    assert "take eth0 (sw_if_index 1) out of its bridge domain" in planned(build((1, port(1, vlan(100)))), actual)
    actual.interfaces[1].bridge = 1
    assert planned(build((1, port(1, vlan(100)))), actual) == []
    plan = make(build((1, port(1, flat()))), actual, {"eth0"})
    assert plan.problems == {"eth0": "eth0 is in bridge domain 1, which is somebody else's"}


def problems(desired: Desired, actual: Actual | None = None) -> Plan:
    return make(desired, actual or wired(), {"eth0"})


def test_a_record_that_nobody_can_read_changes_nothing() -> None:
    """The port that it is about stays wired, with the bridge domain that it is in; the others go on."""
    desired = build((1, b"{nonsense"), (2, port(2, vlan(200))))
    assert desired.ports[PORT.format(1)].problem.startswith("no port: ")
    plan = planned(desired, wired())
    assert not any("delete" in step or " out of " in step for step in plan)
    assert f"make sub-interface of eth0 for VLAN 200 for {tags.uplink(SEGMENT.format(200))}" in plan


def test_values_that_would_reach_beyond_the_port() -> None:
    hostile = {
        1: port(1, vlan(100), attachment=records.VhostUser("/etc/passwd")),
        2: port(2, vlan(100), attachment=records.VhostUser("/run/test/../passwd")),
        3: port(3, vlan(100), attachment=records.HostInterface("eth1")),
        4: port(4, vlan(100, physnet="elsewhere")),
    }
    desired = build(*hostile.items())
    assert [desired.ports[PORT.format(number)].problem for number in hostile] == [
        "the socket /etc/passwd is not in /run/test",
        "the socket /run/test/../passwd is not in /run/test",
        "the device eth1 is none that a port can have (tap and 11 characters)",
        "the physical network elsewhere is not configured on this host; configured: physnet1",
    ]
    assert tags.port(PORT.format(1)) not in desired.interfaces


def test_an_interface_left_by_a_crash_is_taken_and_a_used_one_is_not() -> None:
    actual = uplinked()
    actual.add(Interface(5, "eth0.100", parent=1, vlan=100))
    uplink = tags.uplink(SEGMENT.format(100))
    assert f"take sw_if_index 5 for {uplink}" in planned(build((1, port(1, vlan(100)))), actual)
    actual.interfaces[5].admin_up = True
    plan = make(build((1, port(1, vlan(100)))), actual, {"eth0"})
    assert plan.problems == {
        uplink: "the sub-interface of eth0 for VLAN 100 is there already as eth0.100 and is somebody else's"
    }


def test_an_uplink_that_is_missing_is_a_problem_of_its_ports_only() -> None:
    plan = make(build((1, port(1, vlan(100)))), Actual(), {"eth0"})
    assert plan.problems == {"eth0": "the forwarder has no interface eth0"}


def test_a_sub_port_of_a_trunk_is_below_its_parent() -> None:
    sub = port(2, vlan(200), attachment=records.SubPort(PORT.format(1), 7))
    ref, parent = tags.port(PORT.format(2)), tags.port(PORT.format(1))
    plan = planned(build((1, port(1, vlan(100))), (2, sub)), wired())
    assert f"make sub-interface of {parent} for VLAN 7 for {ref}" in plan
    assert f"{ref}: take the VLAN tag off" in plan
    actual = wired()
    actual.add(Interface(9, "v0.7", ref, parent=2, vlan=7))
    gone = planned(Desired(), actual)
    assert gone.index(f"delete sub-interface {ref} (sw_if_index 9)") < gone.index(
        f"delete vhost-user interface on /run/test/{PORT.format(1)} (sw_if_index 2)"
    )


VM = (1, port(1, vxlan(5000)))
HERE = {1: location(1, "h1", "10.0.0.1"), 2: location(2, "h2", "10.0.0.2", "2001:db8::2")}


def test_a_tunnelled_network_has_a_tunnel_to_each_host_and_knows_every_address() -> None:
    bd, there = tags.bridge(SEGMENT.format(5000)), tags.tunnel(5000, "192.0.2.2")
    plan = planned(build(VM, locations=HERE, endpoints={"h2": "192.0.2.2"}), Actual())
    assert f"make VXLAN tunnel 5000 from 192.0.2.1 to 192.0.2.2 for {there}" in plan
    assert f"put {there} into {bd}, split-horizon group 1" in plan
    assert f"fa:16:3e:00:00:02 in {bd} is behind {there}" in plan
    for address, mac in (("10.0.0.1", "01"), ("10.0.0.2", "02"), ("2001:db8::2", "02")):
        assert f"answer in {bd} for {address}: fa:16:3e:00:00:{mac}" in plan
    assert f"fa:16:3e:00:00:01 in {bd} is behind {tags.port(PORT.format(1))}" in plan  # before it has said anything


def test_a_port_that_is_to_come_here_is_still_where_it_was() -> None:
    bd, coming = tags.bridge(SEGMENT.format(5000)), msgspec.structs.replace(VM[1], active=False)
    there = HERE | {1: location(1, "h2", "10.0.0.1")}
    plan = planned(build((1, coming), locations=there, endpoints={"h2": "192.0.2.2"}), Actual())
    behind = tags.tunnel(5000, "192.0.2.2")
    assert [step for step in plan if step.startswith("fa:16:3e:00:00:01")] == [
        f"fa:16:3e:00:00:01 in {bd} is behind {behind}"
    ]


def tunnelled() -> Actual:
    actual = Actual()
    actual.add(Interface(2, "v0", tags.port(PORT.format(1)), Vhost(f"/run/test/{PORT.format(1)}"), admin_up=True))
    what = Tunnel("192.0.2.1", "192.0.2.2", 5000)
    actual.add(Interface(3, "vxlan_tunnel0", tags.tunnel(5000, "192.0.2.2"), what, admin_up=True, group=1))
    actual.add_bridge(Bridge(1, tags.bridge(SEGMENT.format(5000)), uu_flood=False, arp_term=True, mac_age=5))
    for index in (2, 3):
        actual.interfaces[index].bridge = 1
    actual.bridges[1].macs = {"fa:16:3e:00:00:01": 2, "fa:16:3e:00:00:02": 3}
    actual.bridges[1].neighbors = {
        "10.0.0.1": "fa:16:3e:00:00:01", "10.0.0.2": "fa:16:3e:00:00:02", "2001:db8::2": "fa:16:3e:00:00:02"
    }  # fmt: skip
    return actual


def test_tunnels_have_the_mtu_of_their_network() -> None:
    plan = planned(build((1, port(1, vxlan(5000), mtu=1450)), locations=HERE, endpoints={"h2": "192.0.2.2"}), Actual())
    assert f"{tags.tunnel(5000, '192.0.2.2')}: MTU 1450" in plan


def test_a_tunnelled_network_that_is_right_needs_nothing() -> None:
    assert planned(build(VM, locations=HERE, endpoints={"h2": "192.0.2.2"}), tunnelled()) == []


def test_a_port_that_moved_is_behind_another_tunnel_and_the_old_one_goes() -> None:
    moved = HERE | {2: location(2, "h3", "10.0.0.9")}
    bd = tags.bridge(SEGMENT.format(5000))
    plan = planned(build(VM, locations=moved, endpoints={"h2": "192.0.2.2", "h3": "192.0.2.3"}), tunnelled())
    assert "delete VXLAN tunnel 5000 from 192.0.2.1 to 192.0.2.2 (sw_if_index 3)" in plan
    assert f"fa:16:3e:00:00:02 in {bd} is behind {tags.tunnel(5000, '192.0.2.3')}" in plan
    assert "answer no longer for 10.0.0.2 in bridge domain 1" in plan
    assert f"answer in {bd} for 10.0.0.9: fa:16:3e:00:00:02" in plan


def test_a_host_without_a_known_address_is_noted_and_holds_up_nobody() -> None:
    desired = build(VM, locations=HERE | {3: location(3, "h3")}, endpoints={"h2": "192.0.2.2"})
    assert desired.notes == {"vteps/h3": "h3 has not said where its tunnels end"}
    assert planned(desired, tunnelled()) == []
    lying = build(VM, locations=HERE, endpoints={"h2": "192.0.2.1"})
    assert lying.notes == {"vteps/h2": "h2 says that its tunnels end here (192.0.2.1)"}
