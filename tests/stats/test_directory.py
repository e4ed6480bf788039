"""The directory follows what there is: interfaces and nodes that come, go, and change their names."""

from __future__ import annotations

import pytest
from tests.conftest import Lab

from weft import Engine
from weft.features.interface.model import Interfaces
from weft.features.stats.model import StatsSegment

from .conftest import Counted, reading, serving


def links(counted: Counted) -> set[str]:
    """The interfaces that have entries of their own."""
    return {path.split("/")[2] for path in counted.stats.ls("^/interfaces/")}


class TestInterfaces:
    def test_a_new_one_is_named_and_has_entries(self, counted: Counted) -> None:
        assert counted.names() == ["local0"] and links(counted) == {"local0"}
        counted.lab.cli("create loopback interface")
        assert counted.names() == ["local0", "loop0"]
        assert links(counted) == {"local0", "loop0"}

    def test_a_renamed_one_keeps_its_counters(self, counted: Counted) -> None:
        (a,) = counted.lab.pg(1)
        counted.lab.send_raw(a, bytes(64))
        counted.lab.cli("set interface name pg0 uplink")
        assert counted.names()[a.sw_if_index] == "uplink"
        assert links(counted) == {"local0", "uplink"}
        assert counted.stats["/interfaces/uplink/rx"].sum_packets() == 1

    def test_sub_interfaces_are_renamed_with_it(self, counted: Counted) -> None:
        counted.lab.cli("create loopback interface\ncreate sub-interfaces loop0 7")
        counted.lab.cli("set interface name loop0 inside")
        assert counted.names() == ["local0", "inside", "inside.7"]
        assert links(counted) == {"local0", "inside", "inside.7"}

    def test_a_deleted_one_is_called_deleted_as_in_vpp(self, counted: Counted) -> None:
        counted.lab.cli("create loopback interface\ncreate loopback interface")
        counted.lab.cli("delete loopback interface intfc loop0")
        assert counted.names() == ["local0", "deleted", "loop1"]
        assert links(counted) == {"local0", "loop1"}
        with pytest.raises(KeyError):
            counted.stats["/interfaces/loop0/rx"]

    def test_one_of_its_index_begins_at_zero(self, counted: Counted) -> None:
        (a,) = counted.lab.pg(1)
        counted.lab.send_raw(a, bytes(64))
        engine = counted.lab.engine
        engine[Interfaces].remove(engine[Interfaces]["pg0"])
        counted.lab.cli("create loopback interface")
        assert counted.names() == ["local0", "loop0"]
        assert counted.stats["/interfaces/loop0/rx"].sum_packets() == 0

    def test_a_slash_in_a_name_is_no_step_of_a_path(self, counted: Counted) -> None:
        counted.lab.cli("create loopback interface\nset interface name loop0 GigabitEthernet0/8/0")
        assert "/interfaces/GigabitEthernet0_8_0/rx" in counted.stats.ls("^/interfaces/")
        assert counted.names()[1] == "GigabitEthernet0/8/0"

    def test_a_name_that_readers_cannot_decode_hurts_none(self, counted: Counted) -> None:
        """VPPStats takes every path for ASCII and would never read the directory again."""
        counted.lab.cli("create loopback interface\nset interface name loop0 zürich")
        assert counted.names() == ["local0", "z?rich"]
        assert counted.stats["/interfaces/z?rich/rx"].sum_packets() == 0

    def test_the_directory_does_not_grow_as_interfaces_come_and_go(self, counted: Counted) -> None:
        def length() -> int:
            return len(counted.lab.cli("show statistics segment").splitlines())

        counted.lab.cli("create loopback interface")
        before = length()
        highest = max(entry.index for entry in counted.stats.directory.values())
        for _ in range(20):
            counted.lab.cli("delete loopback interface intfc loop0\ncreate loopback interface")
        assert length() == before
        counted.stats.ls("/")
        assert max(entry.index for entry in counted.stats.directory.values()) <= highest + 34


class TestNodes:
    def test_are_left_out_unless_asked_for(self, counted: Counted) -> None:
        assert counted.stats.ls(["^/sys/node/", "^/nodes/"]) == []

    def test_have_their_calls_and_vectors(self, counted: Counted) -> None:
        (a,) = counted.lab.pg(1)
        counted.lab.engine[StatsSegment].configure(per_node_counters=True)
        counted.lab.send_raw(a, *[bytes(64)] * 5)
        counted.lab.engine.advance(10)
        stats = counted.stats
        assert stats["/nodes/ethernet-input/vectors"].sum() == 5
        assert stats["/nodes/ethernet-input/calls"].sum() == 1
        assert stats["/nodes/ethernet-input/clocks"].sum() > 0
        assert stats["/nodes/ethernet-input/suspends"].sum() == 0
        index = stats["/sys/node/names"].index("ethernet-input")
        assert stats["/sys/node/vectors"][0][index] == 5

    def test_come_and_go_with_their_interface(self, counted: Counted) -> None:
        engine = counted.lab.engine
        engine[StatsSegment].configure(per_node_counters=True)
        counted.lab.cli("create loopback interface")
        engine.advance(10)
        assert "/nodes/loop0-output/calls" in counted.stats.ls("^/nodes/")
        counted.lab.cli("set interface name loop0 inside")
        engine.advance(10)
        assert {"/nodes/inside-output/calls", "/nodes/inside-tx/calls"} <= set(counted.stats.ls("^/nodes/"))
        assert not counted.stats.ls("^/nodes/loop0-")
        counted.lab.cli("delete loopback interface intfc inside")
        engine.advance(10)
        assert not counted.stats.ls("^/nodes/inside-")
        assert "inside-tx" not in counted.stats["/sys/node/names"]


class TestSystem:
    def test_workers_are_counted_as_in_vpp(self, counted: Counted) -> None:
        assert counted.stats["/sys/num_worker_threads"] == 0
        assert [len(threads) for threads in counted.stats["/sys/vector_rate_per_worker"]] == [1]

    def test_the_heart_beats_at_each_interval(self, counted: Counted) -> None:
        counted.lab.engine[StatsSegment].configure(update_interval=2)
        before = counted.stats["/sys/heartbeat"]
        counted.lab.engine.advance(6.5)
        assert counted.stats["/sys/heartbeat"] == before + 3
        assert 6 <= counted.stats["/sys/last_update"] <= 7

    def test_rates_are_those_of_the_last_interval(self, counted: Counted) -> None:
        (a,) = counted.lab.pg(1)
        lab = counted.lab
        lab.cli("packet-generator new { name s limit 1000 interface pg0 data { hex 0x" + "00" * 64 + " } }")
        lab.engine.advance(10)
        lab.cli("packet-generator enable-stream s")
        lab.engine.step()
        lab.engine.advance(10.5)
        assert counted.stats["/if/rx"][0][a.sw_if_index][0] == 1000
        assert 90 <= counted.stats["/sys/input_rate"] <= 100
        assert counted.stats["/sys/vector_rate"] >= 100

    def test_clear_runtime_is_the_last_clear(self, counted: Counted) -> None:
        counted.lab.engine.advance(100)
        counted.lab.cli("clear runtime")
        counted.lab.engine.advance(10)
        assert 100 <= counted.stats["/sys/last_stats_clear"] <= 101


class TestMemory:
    def test_all_buffers_are_somewhere(self, counted: Counted) -> None:
        pool = "/buffer-pools/default-numa-0"
        assert sum(counted.stats[f"{pool}/{what}"] for what in ("cached", "used", "available")) == 16808

    def test_a_heap_has_vpps_numbers(self, counted: Counted) -> None:
        columns = ["total", "used", "free", "used_mmap", "total_alloc", "free_chunks", "releasable"]
        stats = counted.stats
        assert stats.ls("^/mem/main heap/") == [f"/mem/main heap/{column}" for column in columns]
        assert [stats[f"/mem/main heap/{column}"][0] for column in columns] == stats["/mem/main heap"][0]
        assert "/mem/stat segment" in stats.ls("^/mem/")

    def test_the_heap_grows_with_what_is_made(self, counted: Counted) -> None:
        before = counted.stats["/mem/main heap/used"][0]
        counted.lab.pg(1)
        counted.lab.cli("packet-generator new { name s interface pg0 data { hex 0x" + "00" * 64 + " } }")
        counted.lab.engine.advance(10)
        assert counted.stats["/mem/main heap/used"][0] > before


def test_threads_stand_apart() -> None:
    with Engine(workers=2, interpret=False) as engine, serving(engine) as path, reading(path) as stats:
        assert stats["/sys/num_worker_threads"] == 2
        assert len(stats["/sys/vector_rate_per_worker"][0]) == 3
        assert len(stats["/if/rx"]) == len(stats["/node/errors"]) == 3


def test_show_statistics_segment_lists_it(lab: Lab) -> None:
    lines = lab.cli("show statistics segment").splitlines()
    assert lines[0].split() == ["Name", "Type", "Value"]
    rows = {line[:74].rstrip(): line[74:].split() for line in lines[1:]}
    assert rows["/if/rx"] == ["CMainPtr", "0"]
    assert rows["/if/names"] == ["NameVector", "0"]
    assert rows["/interfaces/local0/rx"] == ["Symlink", "0"]
    assert rows["/sys/heartbeat"] == ["ScalarPtr", "1"]
    assert list(rows) == sorted(rows)
    assert "epoch" in lab.cli("show statistics segment verbose").splitlines()[-1]
