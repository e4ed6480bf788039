"""Frames that hypothesis makes up: it looks for the smallest that breaks something."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weft import Engine

from .fields import with_checksums
from .frames import FRAMES, JUMBO
from .mutations import mutated
from .watch import Watch

EXAMPLES = {"compiled": 120, "interpreted": 40}
WHOLE = [frame.data for frame in FRAMES.values()]
PORTS = st.sampled_from([f"pg{number}" for number in (0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12)])


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def watch(request: pytest.FixtureRequest, no_time: None) -> Iterator[Watch]:
    with Engine(workers=0, interpret=request.param == "interpreted", buffers=1024) as engine:
        yield Watch(engine)


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """A valid frame with a few stretches of it replaced, taken out or put in."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 6))
        data[at : at + gone] = draw(st.binary(min_size=draw(st.sampled_from([0, gone])), max_size=8))
    frame = bytes(data) or b"\0"
    return with_checksums(frame) if draw(st.booleans()) and len(frame) > 14 else frame


HEADS = st.sampled_from([frame.data[:length] for frame in FRAMES.values() for length in (12, 14, 18, 22)])
FRAME = st.one_of(
    edited(),
    st.integers(0, 1 << 32).map(lambda seed: mutated(random.Random(seed), WHOLE)),
    st.binary(min_size=1, max_size=100),
    st.tuples(HEADS, st.binary(max_size=60)).map(lambda parts: parts[0] + parts[1]),
    st.sampled_from([frame.data for frame in JUMBO.values()]),
)


def test_whatever_comes_nothing_breaks_and_nothing_is_lost(watch: Watch) -> None:
    @settings(
        max_examples=EXAMPLES["interpreted" if watch.engine.interpret else "compiled"],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(batches=st.lists(st.tuples(PORTS, st.lists(FRAME, min_size=1, max_size=12)), min_size=1, max_size=3))
    def check(batches: list[tuple[str, list[bytes]]]) -> None:
        for port, frames in batches:
            watch.send(port, frames)

    check()


def test_traces_of_anything_can_be_shown(watch: Watch) -> None:
    """``show trace`` reads the headers of packets that are no such packets."""
    chance = random.Random(8)
    for port in ("pg0", "pg1", "pg3", "pg9"):
        watch.send(port, [mutated(chance, WHOLE) for _ in range(60)])
        shown = watch.engine.cli("show trace max 60")
        assert shown.count("Packet ") == 60 and "pg-input" in shown
