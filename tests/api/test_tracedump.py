"""Messages of packet traces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from .served import Served

INVALID_VALUE, UNIMPLEMENTED, NO_SUCH_NODE = -7, -9, -63
FRAME = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x88B5) / Raw(bytes(46))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        running.run(lambda lab: lab.pg(1))
        yield running


@pytest.fixture
def traced(served: Served, vpp: Any) -> Iterator[Any]:
    """Five packets, traced from pg-input on."""
    node = vpp.api.get_node_index(node_name="pg-input").node_index
    assert vpp.api.trace_capture_packets(node_index=node, max_packets=5, pre_capture_clear=True).retval == 0
    served.run(lambda lab: lab.send(lab.ports[0], *[FRAME] * 7))
    yield vpp
    vpp.api.trace_set_filters(flag=0)
    vpp.api.trace_clear_capture()


def test_all_at_once(traced: Any) -> None:
    reply, details = traced.api.trace_dump(clear_cache=1, max_records=100)
    assert (reply.retval, reply.done, reply.more_this_thread, reply.more_threads) == (0, 1, 0, 0)
    assert [(each.thread_id, each.position, each.more_this_thread, each.done) for each in details] == [
        (0, number, number < 4, number == 4) for number in range(5)
    ]
    assert all("pg-input" in each.trace_data and "ethernet-input" in each.trace_data for each in details)


def test_some_at_a_time(served: Served, traced: Any) -> None:
    """What is traced meanwhile does not disturb a client in its reading."""
    first, two = traced.api.trace_dump(clear_cache=1, max_records=2)
    assert (first.last_position, first.more_this_thread, first.done, len(two)) == (1, 1, 0, 2)
    served.cli("clear trace")
    rest, three = traced.api.trace_dump(position=first.last_position + 1, max_records=100)
    assert ([each.position for each in three], rest.done) == ([2, 3, 4], 1)
    nothing, none = traced.api.trace_dump(clear_cache=1, max_records=100)
    assert (none, nothing.done) == ([], 1)


def test_only_to_look_anew(served: Served, traced: Any) -> None:
    traced.api.trace_dump(clear_cache=1, max_records=100)
    served.cli("clear trace")
    reply, details = traced.api.trace_dump(clear_cache=1, max_records=0)
    assert (reply.flush_only, details) == (1, [])
    assert traced.api.trace_v2_dump() == []


def test_the_newer_dump(traced: Any) -> None:
    found = traced.api.trace_v2_dump(clear_cache=True)
    assert [(each.position, each.more) for each in found] == [(n, n < 4) for n in range(5)]
    assert [each.position for each in traced.api.trace_v2_dump(position=3)] == [3, 4]
    assert [each.position for each in traced.api.trace_v2_dump(thread_id=0, max=1)] == [0]
    assert traced.api.trace_v2_dump(thread_id=7) == []
    assert traced.api.trace_v2_dump(position=0xFFFFFFFF) == []
    assert traced.api.trace_clear_capture().retval == 0
    assert traced.api.trace_v2_dump() == []


def test_filters(traced: Any) -> None:
    by = {name: traced.api.get_node_index(node_name=name).node_index for name in ("ethernet-input", "l2-input")}
    include, exclude, classifier = 1, 2, 3
    filter = traced.api.trace_set_filters
    for flag, node, count, expected in (
        (include, "ethernet-input", 3, 3),
        (include, "l2-input", 3, 0),
        (exclude, "l2-input", 9, 5),
        (exclude, "ethernet-input", 9, 0),
    ):
        assert filter(flag=flag, node_index=by[node], count=count).retval == 0
        assert len(traced.api.trace_v2_dump(clear_cache=True)) == expected
    assert filter(flag=include, node_index=999999, count=1).retval == NO_SUCH_NODE
    assert filter(flag=include, node_index=by["l2-input"], count=0).retval == INVALID_VALUE
    assert filter(flag=classifier, count=1).retval == UNIMPLEMENTED
    assert filter(flag=77, count=1).retval == INVALID_VALUE
    (function,) = traced.api.trace_filter_function_dump()
    assert function.selected
    assert traced.api.trace_set_filter_function(filter_function_name=function.name).retval == 0
    assert traced.api.trace_set_filter_function(filter_function_name="bpf").retval == INVALID_VALUE


def test_traces_that_cannot_be(vpp: Any) -> None:
    assert vpp.api.trace_capture_packets(node_index=999999, max_packets=1).retval == NO_SUCH_NODE
    node = vpp.api.get_node_index(node_name="pg-input").node_index
    assert vpp.api.trace_capture_packets(node_index=node, max_packets=1 << 30).retval == INVALID_VALUE
