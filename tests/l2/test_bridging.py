"""Bridge domains learn, forward and flood as IEEE 802.1Q bridges do, with VPP's limits and exceptions."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.l2.frames import BROADCAST, frame, mac

from weft.core.cli import CliError
from weft.features.interface.address import parse_mac
from weft.features.l2.model import BridgeDomains, L2Fib


def bridge(lab: Lab, count: int, bd_id: int = 1) -> None:
    """So many ports pg0, pg1, ... in a bridge domain."""
    for port in lab.pg(count):
        lab.cli(f"set interface l2 bridge {port.name} {bd_id}")


def learned(lab: Lab, bd_id: int, host: int) -> str | None:
    """The port behind which a host is known to be."""
    domain = lab.engine[BridgeDomains][bd_id]
    entry = lab.engine[L2Fib].find(domain.index, parse_mac(mac(host)))
    return None if entry is None else lab.ports[entry.sw_if_index - 1].name


def names(out: dict[str, list[object]]) -> list[str]:
    return sorted(out)


def test_unknown_destination_is_flooded_and_the_answer_is_not(lab: Lab) -> None:
    bridge(lab, 3)
    a, b, _ = lab.ports
    question, answer = frame(1, 2), frame(2, 1)
    out = lab.send(a, question)
    assert names(out) == ["pg1", "pg2"]
    assert bytes(out["pg1"][0]) == bytes(out["pg2"][0]) == bytes(question)
    assert {name: [bytes(each) for each in packets] for name, packets in lab.send(b, answer).items()} == {
        "pg0": [bytes(answer)]
    }
    assert names(lab.send(a, question)) == ["pg1"]


def test_broadcast_and_multicast_go_to_all_but_their_port(lab: Lab) -> None:
    bridge(lab, 3)
    for destination in (BROADCAST, "01:00:5e:00:00:01", "33:33:00:00:00:01"):
        assert names(lab.send(lab.ports[1], frame(1, destination))) == ["pg0", "pg2"]


def test_a_frame_for_a_host_behind_its_own_port_is_dropped(lab: Lab) -> None:
    bridge(lab, 2)
    lab.send(lab.ports[0], frame(1, BROADCAST))
    assert lab.send(lab.ports[0], frame(2, 1)) == {}
    assert lab.errors()["l2-fwd", "Reflection Drop"] == 1


def test_bridge_domains_are_separate(lab: Lab) -> None:
    bridge(lab, 2, 1)
    bridge(lab, 2, 2)
    a, b, c, d = lab.ports
    lab.send(b, frame(2, BROADCAST))
    lab.send(d, frame(2, BROADCAST))
    assert names(lab.send(a, frame(1, 2))) == ["pg1"]
    assert names(lab.send(c, frame(1, 2))) == ["pg3"]
    assert learned(lab, 1, 1) == "pg0" and learned(lab, 2, 1) == "pg2"


def test_a_host_that_moves_is_found_at_its_new_port(lab: Lab) -> None:
    bridge(lab, 3)
    a, b, c = lab.ports
    lab.send(a, frame(1, BROADCAST))
    lab.send(b, frame(1, BROADCAST))
    assert names(lab.send(c, frame(3, 1))) == ["pg1"]
    assert lab.errors()["l2-learn", "L2 mac moves"] == 1
    assert lab.engine[L2Fib].learned == 2


def test_group_and_zero_source_addresses_are_not_learned(lab: Lab) -> None:
    bridge(lab, 2)
    lab.send(lab.ports[0], frame("01:00:5e:00:00:01", BROADCAST), frame("00:00:00:00:00:00", BROADCAST))
    assert len(lab.engine[L2Fib]) == 0


@pytest.mark.parametrize(
    ("command", "destination", "error"),
    [
        ("set bridge-domain flood 1 disable", BROADCAST, ("feature-bitmap-drop", "L2 feature forwarding disabled")),
        ("set interface l2 flood pg0 disable", BROADCAST, ("feature-bitmap-drop", "L2 feature forwarding disabled")),
        ("set bridge-domain uu-flood 1 disable", 9, ("l2-fwd", "L2 forward misses")),
        ("set interface l2 uu-flood pg0 disable", 9, ("l2-fwd", "L2 forward misses")),
    ],
)
def test_flooding_can_be_switched_off(lab: Lab, command: str, destination: int | str, error: tuple[str, str]) -> None:
    bridge(lab, 2)
    lab.cli(command)
    assert lab.send(lab.ports[0], frame(1, destination)) == {}
    assert lab.errors()[error] == 1
    lab.cli(command.removesuffix(" disable"))
    assert names(lab.send(lab.ports[0], frame(1, destination))) == ["pg1"]


@pytest.mark.parametrize("command", ["set bridge-domain learn 1", "set interface l2 learn pg0"])
def test_learning_can_be_switched_off(lab: Lab, command: str) -> None:
    bridge(lab, 2)
    lab.cli(f"{command} disable")
    lab.send(lab.ports[0], frame(1, BROADCAST))
    assert learned(lab, 1, 1) is None
    lab.cli(command)
    lab.send(lab.ports[0], frame(1, BROADCAST))
    assert learned(lab, 1, 1) == "pg0"


@pytest.mark.parametrize("command", ["set bridge-domain forward 1", "set interface l2 forward pg0"])
def test_without_forwarding_known_unicast_is_flooded(lab: Lab, command: str) -> None:
    bridge(lab, 3)
    lab.send(lab.ports[1], frame(2, BROADCAST))
    lab.cli(f"{command} disable")
    assert names(lab.send(lab.ports[0], frame(1, 2))) == ["pg1", "pg2"]


def test_split_horizon_groups_keep_members_apart(lab: Lab) -> None:
    """Neither flooding nor forwarding within group 1; group 0 is no group."""
    ports = lab.pg(5)
    for port, group in zip(ports, (1, 1, 2, 0, 0), strict=True):
        lab.cli(f"set interface l2 bridge {port.name} 1 {group}")
    assert names(lab.send(ports[0], frame(1, BROADCAST))) == ["pg2", "pg3", "pg4"]
    assert names(lab.send(ports[3], frame(4, BROADCAST))) == ["pg0", "pg1", "pg2", "pg4"]
    lab.send(ports[1], frame(2, BROADCAST))
    assert lab.send(ports[0], frame(1, 2)) == {}
    assert lab.errors()["l2-output", "L2 split horizon drops"] == 1
    assert names(lab.send(ports[2], frame(3, 2))) == ["pg1"]


def test_learn_limit_of_a_bridge_domain(lab: Lab) -> None:
    """Above the limit packets are forwarded and not learned from; known addresses may still move."""
    bridge(lab, 2)
    lab.cli("set bridge-domain learn-limit 1 2")
    a, b = lab.ports
    for host in (1, 2, 3):
        assert names(lab.send(a, frame(host, BROADCAST))) == ["pg1"]
    assert [learned(lab, 1, host) for host in (1, 2, 3)] == ["pg0", "pg0", None]
    assert lab.errors()["l2-learn", "L2 not learned due to limit"] == 1
    lab.send(b, frame(1, BROADCAST))
    assert learned(lab, 1, 1) == "pg1"
    lab.cli("l2fib flush-mac bridge-domain 1")
    lab.send(a, frame(3, BROADCAST))
    assert learned(lab, 1, 3) == "pg0"


def test_learn_limit_of_all_bridge_domains_together(lab: Lab) -> None:
    bridge(lab, 1, 1)
    bridge(lab, 1, 2)
    lab.cli("set l2fib learn-limit 1")
    lab.send(lab.ports[0], frame(1, BROADCAST))
    lab.send(lab.ports[1], frame(2, BROADCAST))
    assert learned(lab, 1, 1) == "pg0" and learned(lab, 2, 2) is None


def test_static_entries_stay_where_they_are(lab: Lab) -> None:
    bridge(lab, 3)
    a, b, c = lab.ports
    lab.cli(f"l2fib add {mac(1)} 1 pg0 static")
    assert lab.send(b, frame(1, BROADCAST)) == {}
    assert lab.errors()["l2-learn", "L2 mac move violations"] == 1
    assert names(lab.send(c, frame(3, 1))) == ["pg0"]
    assert names(lab.send(a, frame(1, BROADCAST))) == ["pg1", "pg2"]
    assert lab.errors()["l2-learn", "L2 learn packets"] == 3


def test_entries_by_hand_that_are_not_static_may_move_and_are_then_learned(lab: Lab) -> None:
    bridge(lab, 3)
    lab.cli(f"l2fib add {mac(1)} 1 pg0")
    assert lab.engine[L2Fib].learned == 0
    lab.send(lab.ports[0], frame(1, BROADCAST))
    assert lab.engine[L2Fib].learned == 0
    lab.send(lab.ports[1], frame(1, BROADCAST))
    assert lab.engine[L2Fib].learned == 1
    assert names(lab.send(lab.ports[2], frame(3, 1))) == ["pg1"]


def test_filtered_addresses_are_dropped_as_source_and_as_destination(lab: Lab) -> None:
    bridge(lab, 2)
    lab.cli(f"l2fib add {mac(1)} 1 filter")
    assert lab.send(lab.ports[0], frame(1, BROADCAST), frame(2, 1)) == {}
    assert lab.errors()["l2-learn", "L2 filter mac drops"] == 1
    assert lab.errors()["l2-fwd", "Filter Mac Drop"] == 1
    lab.cli(f"l2fib del {mac(1)} 1")
    assert names(lab.send(lab.ports[0], frame(1, BROADCAST))) == ["pg1"]


def test_unknown_unicast_goes_to_the_interface_for_it(lab: Lab) -> None:
    bridge(lab, 2)
    (up,) = lab.pg(1)
    lab.cli("set interface l2 bridge pg2 1 uu-fwd")
    assert names(lab.send(lab.ports[0], frame(1, 9))) == ["pg2"]
    assert names(lab.send(lab.ports[0], frame(1, BROADCAST))) == ["pg1"]
    assert names(lab.send(up, frame(9, 1))) == ["pg0"]
    assert lab.send(up, frame(9, 8)) == {}
    lab.cli("set interface l3 pg2")
    assert names(lab.send(lab.ports[0], frame(1, 9))) == ["pg1"]


def test_only_member_has_nobody_to_flood_to(lab: Lab) -> None:
    bridge(lab, 1)
    assert lab.send(lab.ports[0], frame(1, BROADCAST)) == {}
    assert lab.errors()["l2-flood", "L2 replication complete"] == 1


def test_a_port_that_left_gets_nothing_any_more(lab: Lab) -> None:
    bridge(lab, 3)
    a, b, _ = lab.ports
    lab.send(b, frame(2, BROADCAST))
    lab.cli("set interface l3 pg1")
    assert names(lab.send(a, frame(1, 2))) == ["pg2"]
    assert names(lab.send(a, frame(1, BROADCAST))) == ["pg2"]
    assert lab.send(b, frame(2, BROADCAST)) == {}


def test_a_port_that_changes_its_bridge_domain(lab: Lab) -> None:
    bridge(lab, 2, 1)
    bridge(lab, 1, 2)
    a, b, c = lab.ports
    lab.send(b, frame(2, BROADCAST))
    lab.cli("set interface l2 bridge pg1 2")
    assert learned(lab, 1, 2) is None
    assert lab.send(a, frame(1, 2)) == {}
    assert names(lab.send(c, frame(3, BROADCAST))) == ["pg1"]


def test_long_frames_in_chains_are_flooded_whole(lab: Lab) -> None:
    bridge(lab, 4)
    long = frame(1, BROADCAST, bytes(range(256)) * 30)
    out = lab.send_raw(lab.ports[0], bytes(long))
    assert out == {name: [bytes(long)] for name in ("pg1", "pg2", "pg3")}


def test_a_frame_flooded_to_hundreds_of_members(compiled_lab: Lab) -> None:
    lab = compiled_lab
    bridge(lab, 300)
    out = lab.send_raw(lab.ports[7], *[bytes(frame(1, BROADCAST))] * 3)
    assert len(out) == 299 and all(len(packets) == 3 for packets in out.values())


def test_cross_connected_ports_exchange_everything_unlearned(lab: Lab) -> None:
    a, b = lab.pg(2)
    lab.cli("set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    for one, other in ((a, "pg1"), (b, "pg0")):
        for sent in (frame(1, 2), frame(1, BROADCAST), frame(2, 1, b"")):
            out = lab.send(one, sent)
            assert {name: [bytes(each) for each in packets] for name, packets in out.items()} == {other: [bytes(sent)]}
    assert len(lab.engine[L2Fib]) == 0
    lab.cli("set interface l3 pg0")
    assert lab.send(b, frame(1, 2)) == {}
    assert lab.errors()["l2-output", "L2 Output interface not valid"] == 1


def test_a_port_can_go_from_cross_connect_to_bridge_and_back(lab: Lab) -> None:
    a, _, c = lab.pg(3)
    lab.cli("set interface l2 xconnect pg0 pg1\nset interface l2 xconnect pg1 pg0")
    lab.cli("set interface l2 bridge pg0 1\nset interface l2 bridge pg2 1")
    assert names(lab.send(a, frame(1, 2))) == ["pg2"]
    assert names(lab.send(c, frame(2, 1))) == ["pg0"]
    lab.cli("set interface l2 xconnect pg0 pg1")
    assert names(lab.send(a, frame(1, 2))) == ["pg1"]
    assert lab.send(c, frame(2, 1)) == {}


def test_a_port_that_is_down_is_not_flooded_to(lab: Lab) -> None:
    bridge(lab, 3)
    lab.cli("set interface state pg1 down")
    assert names(lab.send(lab.ports[0], frame(1, BROADCAST))) == ["pg2"]


def test_a_deleted_interface_leaves_its_bridge_domain(lab: Lab) -> None:
    bridge(lab, 2)
    lab.pg(1)
    lab.cli(
        """create sub-interfaces pg2 5
        set interface l2 bridge pg2.5 1
        set interface state pg2.5 up"""
    )
    lab.cli(f"l2fib add {mac(5)} 1 pg2.5 static")
    lab.cli("delete sub-interface pg2.5")
    assert len(lab.engine[L2Fib]) == 0
    assert names(lab.send(lab.ports[0], frame(1, 5))) == ["pg1"]
    lab.cli("set interface l3 pg0\nset interface l3 pg1\ncreate bridge-domain 1 del")


def test_an_interface_cross_connected_to_one_that_goes(lab: Lab) -> None:
    lab.pg(1)
    lab.cli("create sub-interfaces pg0 5\ncreate sub-interfaces pg0 6")
    lab.cli("set interface l2 xconnect pg0.5 pg0.6\ndelete sub-interface pg0.6")
    assert "l3 pg0.5" in lab.cli("show mode")


def test_a_loopback_cannot_make_a_loop(lab: Lab) -> None:
    lab.cli("loopback create\nloopback create")
    for command in ("bridge loop0 1", "bridge loop0 1 uu-fwd", "xconnect loop0 loop1"):
        with pytest.raises(CliError):
            lab.cli(f"set interface l2 {command}")
