"""From node to node: whatever the next nodes are, each packet gets there once, and in order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine
from weft.core import memory
from weft.core.runtime import (
    CONSUMED,
    DIRECT,
    FRAME_SIZE,
    MAX_FRAMES,
    Frame,
    Worker,
    append,
    append_many,
    dispatch,
    new_frame,
    runtimes,
    scatter,
    workers,
)

from .packet_code import SourceNext

SINKS = ("test-sink-a", "test-sink-b", "test-sink-c")


@pytest.fixture
def worker(shared: Engine) -> Worker:
    found: Worker = workers[0]
    return found


def fresh_frame(engine: Engine, worker: Worker) -> Frame:
    """As ``get_frame`` does it."""
    if worker.free_frames:
        frame = Frame(worker.free_frames)
        worker.free_frames = frame.next_free
        return frame
    return Frame(engine.call(new_frame, worker))


def waiting(worker: Worker) -> dict[int, list[int]]:
    """Node -> the packets that wait for it, in the order in which it will get them."""
    found: dict[int, list[int]] = {}
    for position in range(worker.pending_head, worker.pending_tail):
        frame = Frame(worker.pending[position & (MAX_FRAMES - 1)])
        assert 0 < frame.n <= FRAME_SIZE
        packets = memoryview(memory.read(frame.vector.address, 4 * frame.n)).cast("I").tolist()
        found.setdefault(frame.node, []).extend(packets)
    return found


def results(engine: Engine) -> st.SearchStrategy[int]:
    sinks = [engine.graph[name].index for name in SINKS]
    return st.sampled_from([*SourceNext, *(DIRECT | sink for sink in sinks), CONSUMED])


def test_any_pattern_of_results(shared: Engine, worker: Worker) -> None:
    sinks = [shared.graph[name].index for name in SINKS]
    rt = shared.graph.runtime("test-source", 0)
    one = results(shared)
    patterns = st.one_of(
        st.lists(one, min_size=1, max_size=FRAME_SIZE),
        st.tuples(one, st.integers(1, FRAME_SIZE)).map(lambda pair: [pair[0]] * pair[1]),
        st.lists(st.tuples(one, st.integers(1, 60)), min_size=1, max_size=4).map(
            lambda runs: [result for result, count in runs for _ in range(count)][:FRAME_SIZE]
        ),
    )

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(patterns, min_size=1, max_size=5))
    def check(frames: list[list[int]]) -> None:
        shared.call(dispatch, worker)  # what a run that failed has left
        before = [rt.next_vectors[slot] for slot in SourceNext]
        expected: dict[int, list[int]] = {}
        slots = [0] * len(SourceNext)
        packet = 1
        for pattern in frames:
            frame = fresh_frame(shared, worker)
            frame.n = len(pattern)
            for position, result in enumerate(pattern):
                frame.vector[position] = packet
                worker.nexts[position] = result
                if result != CONSUMED:
                    slot = result & ~DIRECT
                    expected.setdefault(slot if result & DIRECT else sinks[slot], []).append(packet)
                    if not result & DIRECT:
                        slots[result] += 1
                packet += 1
            shared.call(scatter, rt, frame)
        # Packets of one frame may reach a node by its slot and by its number: each way keeps its order.
        found = waiting(worker)
        assert {node: sorted(packets) for node, packets in found.items()} == {
            node: sorted(packets) for node, packets in expected.items()
        }
        ways = _ways(frames, sinks)
        for packets in ways:
            positions = {each: at for at, each in enumerate(itertools.chain(*found.values()))}
            assert [positions[each] for each in packets] == sorted(positions[each] for each in packets)
        assert [rt.next_vectors[slot] - old for slot, old in zip(SourceNext, before, strict=True)] == slots
        shared.call(dispatch, worker)
        assert not waiting(worker)

    check()


def _ways(frames: list[list[int]], sinks: list[int]) -> list[list[int]]:
    """The packets of each frame that have the same result."""
    ways = []
    packet = 1
    for pattern in frames:
        found: dict[int, list[int]] = {}
        for result in pattern:
            if result != CONSUMED:
                found.setdefault(result, []).append(packet)
            packet += 1
        ways += found.values()
    return ways


def test_frames_are_used_again(shared: Engine, worker: Worker) -> None:
    rt = shared.graph.runtime("test-source", 0)
    used = 0
    for round in range(20):
        for _ in range(8):
            frame = fresh_frame(shared, worker)
            frame.n = FRAME_SIZE
            for position in range(FRAME_SIZE):
                frame.vector[position] = position
                worker.nexts[position] = position % 3
            shared.call(scatter, rt, frame)
        shared.call(dispatch, worker)
        if round == 0:
            used = worker.frames_used
    assert worker.frames_used == used


@pytest.mark.parametrize("counts", [[1], [255, 1, 1], [256, 256], [100, 200, 300], [1024]])
def test_append_many_fills_frames(shared: Engine, worker: Worker, counts: list[int]) -> None:
    rt = shared.graph.runtime("test-source", 0)
    sink = shared.graph[SINKS[1]].index
    area = shared.arena.allocate(4 * sum(counts))
    sent = list(range(1, sum(counts) + 1))
    memory.write(area, b"".join(number.to_bytes(4, "little") for number in sent))
    before = rt.next_vectors[SourceNext.B]
    at = 0
    for count in counts:
        shared.call(append_many, rt, area + 4 * at, count, SourceNext.B)
        at += count
    shared.call(append, rt, 7777, DIRECT | sink)
    assert waiting(worker) == {sink: [*sent, 7777]}
    assert worker.pending_tail - worker.pending_head == -(-len([*sent, 7777]) // FRAME_SIZE)
    assert rt.next_vectors[SourceNext.B] - before == len(sent)
    shared.call(dispatch, worker)
    assert runtimes[sink].open == 0
    shared.arena.release(area)


def test_nodes_are_booked(shared: Engine, worker: Worker) -> None:
    sink = shared.graph.runtime(SINKS[2], 0)
    calls, vectors, clocks = sink.calls, sink.vectors, sink.clocks
    rt = shared.graph.runtime("test-source", 0)
    for packet in range(300):
        shared.call(append, rt, packet, SourceNext.C)
    assert shared.call(dispatch, worker) == 2
    assert (sink.calls - calls, sink.vectors - vectors) == (2, 300)
    assert sink.clocks > clocks
    assert 0 < sink.max_vectors <= FRAME_SIZE
    assert sink.max_clocks <= sink.clocks
