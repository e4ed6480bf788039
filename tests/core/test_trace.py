"""Traces: the packets that were asked for, at every node that they came to."""

from __future__ import annotations

import pytest

from weft import Engine
from weft.core.cli import CliError
from weft.core.model import Invalid
from weft.core.runtime import workers
from weft.core.trace import MAX_PACKETS

FIRST = "------------------- Start of thread 0 vpp_main -------------------"


def inject(engine: Engine, count: int, node: str = "test-arc-start", **where: int) -> None:
    for number in range(count):
        assert engine.workers.inject(bytes([number]) * 20, node, **where)
    engine.step()


def nodes(engine: Engine) -> list[list[str]]:
    return [[entry.node for entry in way] for way in engine.trace.packets(0)]


def test_as_many_packets_as_were_asked_for(engine: Engine) -> None:
    engine.trace.add("test-arc-start", 2)
    inject(engine, 5)
    assert nodes(engine) == [["test-arc-start", "error-drop", "drop"]] * 2
    inject(engine, 5)
    assert len(nodes(engine)) == 2
    engine.trace.add("test-arc-start", 1)
    inject(engine, 5)
    assert len(nodes(engine)) == 3


def test_from_any_node_on(engine: Engine) -> None:
    engine.trace.add("drop", 1)
    inject(engine, 3)
    assert nodes(engine) == [["drop"]]


def test_an_entry_knows_the_packet_and_where_it_went(engine: Engine) -> None:
    engine.trace.add("test-arc-start", 1)
    inject(engine, 1, rx_sw_if_index=0)
    first, second, last = engine.trace.packets(0)[0]
    assert (first.next, second.next) == ("error-drop", "drop")
    assert first.bytes(0, first.buffer.current_length) == bytes(20)
    assert len(first.bytes(-64, 64)) == 64
    assert len(first.bytes(0, 10_000)) == 128
    assert 0 <= first.seconds <= second.seconds <= last.seconds


def test_clear_forgets_packets_and_wishes(engine: Engine) -> None:
    engine.trace.add("test-arc-start", 5)
    inject(engine, 1)
    heap = engine.arena.heap_used()
    engine.trace.clear()
    assert engine.arena.heap_used() < heap
    assert workers[0].tracing == 0
    inject(engine, 3)
    assert nodes(engine) == []
    engine.trace.add("test-arc-start", 1)
    inject(engine, 3)
    assert len(nodes(engine)) == 1


def test_records_have_an_end(engine: Engine) -> None:
    """A packet that goes round and round fills the records; nothing is written behind them."""
    engine.trace.add("test-arc-start", 1)
    capacity = workers[0].trace_capacity
    engine.trace.add("drop", 1)
    for _ in range(100):
        inject(engine, 1)
    assert workers[0].trace_used <= workers[0].trace_capacity
    assert capacity > 0


@pytest.mark.parametrize("count", [-1, MAX_PACKETS + 1])
def test_a_count_that_cannot_be_is_refused(engine: Engine, count: int) -> None:
    with pytest.raises(Invalid):
        engine.trace.add("test-arc-start", count)
    inject(engine, 1)
    assert nodes(engine) == []


def test_zero_ends_tracing_at_a_node(engine: Engine) -> None:
    engine.trace.add("test-arc-start", 5)
    engine.trace.add("drop", 1)
    inject(engine, 1)
    engine.trace.add("test-arc-start", 0)
    inject(engine, 5)
    assert nodes(engine) == [["test-arc-start", "error-drop", "drop"], ["drop"]]


def test_unknown_nodes_are_refused(engine: Engine) -> None:
    for ask in (lambda: engine.trace.add("nosuch", 1), lambda: engine.trace.set_filter("nosuch", True, 1)):
        with pytest.raises(Invalid) as raised:
            ask()
        assert raised.value.error == "NO_SUCH_NODE"


def test_packets_for_programs(engine: Engine) -> None:
    """By thread and position; numbered anew where a filter leaves some out; asked again, the same."""
    engine.trace.add("test-arc-start", 2)
    engine.trace.add("error-drop", 2)
    inject(engine, 1, "error-drop")
    inject(engine, 2)
    inject(engine, 1, "error-drop")
    found = engine.trace.dump()
    assert [(packet.thread, packet.position) for packet in found] == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert ["test-arc-start" in packet.text for packet in found] == [False, True, True, False]
    assert engine.trace.dump() == found
    shown = engine.cli("show trace")
    assert all(packet.text in shown for packet in found)
    engine.trace.set_filter("test-arc-start", False, 10)
    filtered = engine.trace.dump()
    assert [(packet.position, packet.text) for packet in filtered] == [(0, found[0].text), (1, found[3].text)]


class TestCommands:
    def test_nothing_traced(self, engine: Engine) -> None:
        assert engine.cli("show trace") == f"{FIRST}\nNo packets in trace buffer\n"

    def test_text(self, engine: Engine) -> None:
        engine.cli("trace add test-arc-start 2")
        inject(engine, 3)
        lines = engine.cli("show trace").splitlines()
        assert lines[:3] == [FIRST, "Packet 1", ""]
        assert lines[3].endswith(": test-arc-start")
        stamp = lines[3].split()[0]
        assert [len(part) for part in stamp.rstrip(":").split(":")] == [2, 2, 2, 6]
        assert lines[4].endswith(": error-drop")
        assert lines[5] == "  rx:local0"
        assert lines[6].endswith(": drop")
        assert lines[7:11] == ["  null-node: blackholed packets", "", "Packet 2", ""]
        assert lines[-1] == ""

    def test_most(self, engine: Engine) -> None:
        engine.cli("trace add test-arc-start 60")
        inject(engine, 60)
        shown = engine.cli("show trace")
        assert shown.count("Packet ") == 50
        assert shown.endswith("Limiting display to 50 packets. To display more specify max.\n")
        assert engine.cli("show trace max 60").count("Packet ") == 60

    def test_filter(self, engine: Engine) -> None:
        engine.cli("trace add test-arc-start 2")
        engine.cli("trace add error-drop 3")
        inject(engine, 2)
        inject(engine, 3, "error-drop")
        engine.cli("trace filter include test-arc-start 10")
        assert engine.cli("show trace").count("Packet ") == 2
        engine.cli("trace filter exclude test-arc-start 2")
        assert engine.cli("show trace").count("Packet ") == 2
        assert engine.cli("show trace filter") == "exclude test-arc-start 2\n"
        with pytest.raises(CliError, match="lets 1 packet or more through, not 0"):
            engine.cli("trace filter include drop 0")
        engine.cli("trace filter none")
        assert engine.cli("show trace filter") == "none\n"
        assert engine.cli("show trace").count("Packet ") == 5

    def test_words_of_vpp(self, engine: Engine) -> None:
        engine.cli("trace filter include drop 1")
        engine.cli("trace add test-arc-start 2 verbose filter")
        inject(engine, 3)
        assert engine.cli("show trace").count("Packet ") == 1

    def test_unknown_node(self, engine: Engine) -> None:
        with pytest.raises(CliError, match="trace add: unknown node `nonsense 5'"):
            engine.cli("trace add nonsense 5")

    def test_clear(self, engine: Engine) -> None:
        engine.cli("trace add test-arc-start 2")
        inject(engine, 2)
        engine.cli("clear trace")
        assert "No packets" in engine.cli("show trace")
