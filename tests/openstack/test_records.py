"""What is no record: each value is refused with a reason, and nothing but Malformed is raised."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.openstack.net import PORT, flat, port, vlan, vxlan

from weft_openstack.store import keys, records

GOOD = port(1, vlan(100))


def test_a_record_is_what_was_written() -> None:
    for record in (GOOD, port(2, flat(), ips=("10.0.0.1", "2001:db8::1")), port(3, vxlan(1))):
        assert records.decode(records.Port, records.encode(record)) == record


def test_fields_of_a_younger_form_are_no_harm_but_a_younger_version_is() -> None:
    raw = msgspec.json.decode(records.encode(GOOD))
    assert records.decode(records.Port, msgspec.json.encode(raw | {"new": 1})) == GOOD
    with pytest.raises(records.Malformed, match="version 2; versions 1 to 1"):
        records.decode(records.Port, msgspec.json.encode(raw | {"version": 2}))


@pytest.mark.parametrize(
    "change",
    [
        {"mac": "fa:16:3e:00:00"},
        {"mac": None},
        {"revision": -1},
        {"network": "../../x"},
        {"ips": ["10.0.0.256"]},
        {"pairs": [{"mac": "fa:16:3e:00:00:01", "ip": "x"}]},
        {"segment": {"id": GOOD.segment.id, "type": "vlan", "physnet": "p", "number": 4095}},
        {"segment": {"id": GOOD.segment.id, "type": "vlan", "number": 5}},
        {"segment": {"id": GOOD.segment.id, "type": "vxlan", "number": 1 << 24}},
        {"segment": {"id": GOOD.segment.id, "type": "flat", "physnet": "p", "number": 1}},
        {"segment": {"id": GOOD.segment.id, "type": "gre", "number": 1}},
        {"attachment": {"type": "vhost-user", "socket": "relative"}},
        {"attachment": {"type": "vhost-user", "socket": "/" + "x" * 108}},
        {"attachment": {"type": "host-interface", "device": "a/b"}},
        {"attachment": {"type": "sub-port", "parent": PORT.format(1), "vlan": 0}},
        {"attachment": {"type": "other"}},
        {"mtu": 1 << 16},
    ],
)
def test_values_that_cannot_be(change: dict[str, object]) -> None:
    raw = msgspec.json.decode(records.encode(GOOD))
    with pytest.raises(records.Malformed):
        records.decode(records.Port, msgspec.json.encode(raw | change))


@given(
    st.binary() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(msgspec.json.encode)
)
def test_nonsense_is_malformed_and_no_more(value: bytes) -> None:
    for kind in set(keys.TABLE.values()):
        with pytest.raises(records.Malformed):
            records.decode(kind, value)


def test_each_key_is_in_the_table() -> None:
    made = {
        keys.port("h1", PORT.format(1)): records.Port,
        keys.location(PORT.format(2), PORT.format(1)): records.Location,
        keys.endpoint("h1.example.org"): records.Endpoint,
        keys.agent("h1"): records.Agent,
        keys.port_state("h1", PORT.format(1)): records.PortState,
    }
    assert set(made.values()) == set(keys.TABLE.values())
    for path, kind in made.items():
        found = keys.parse(path)
        assert found and found.kind is kind
    for path in ("hosts/h1", "hosts/../ports/" + PORT.format(1), "state/h1/ports/x", "", "hosts/h1/ports/" + "-" * 35):
        assert keys.parse(path) is None


def test_neutrons_revision_and_the_time_alone_are_no_difference() -> None:
    assert records.same(msgspec.structs.replace(GOOD, revision=9), records.encode(GOOD))
    assert records.same(GOOD, records.encode(records.stamped(GOOD)))
    assert not records.same(msgspec.structs.replace(GOOD, admin_up=False), records.encode(GOOD))
    assert not records.same(GOOD, b"{")
