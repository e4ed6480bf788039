"""Every frame, cut and bent in every way: nothing breaks, nothing is lost, and both ways to run do the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from weft import Engine

from .fields import variants
from .frames import FRAMES, JUMBO, VARIED
from .journey import Broken, Fate
from .mutations import mutated
from .watch import Watch

BUFFERS = 1024
AT_ONCE = 128
RANDOM = 1000


def cut() -> Iterator[tuple[str, str, list[bytes]]]:
    """Each frame, up to every byte."""
    for name, frame in FRAMES.items():
        data = frame.data
        yield name, frame.port, [data[:length] for length in range(1, len(data) + 1)]
    for name, frame in JUMBO.items():
        data = frame.data
        near = {size + step for size in (2048, 4096) for step in range(-2, 20)}
        yield (
            name,
            frame.port,
            [data[:length] for length in (*range(14, 64), *sorted(near), len(data)) if length <= len(data)],
        )


def bent() -> Iterator[tuple[str, str, list[bytes]]]:
    """Each header field at its bounds."""
    for name in VARIED:
        frame = FRAMES[name]
        yield name, frame.port, [data for _, data in variants(frame.data)]


def scrambled() -> Iterator[tuple[str, str, list[bytes]]]:
    """Changed at random, always in the same way."""
    chance = random.Random(4)
    whole = [frame.data for frame in FRAMES.values()]
    for number in range(RANDOM // AT_ONCE + 1):
        port = f"pg{chance.choice([0, 0, 0, 1, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 11, 12])}"
        yield str(number), port, [mutated(chance, whole) for _ in range(AT_ONCE)]


CASES = {"whole": lambda: [(n, f.port, [f.data] * 3) for n, f in (FRAMES | JUMBO).items()]}
CASES |= {"cut": cut, "bent": bent, "scrambled": scrambled}


@dataclass
class Outcome:
    """What came of all cases in one way to run."""

    fates: dict[tuple[str, str], list[Fate]] = field(default_factory=dict)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)
    errors: dict[int, int] = field(default_factory=dict)


def run(interpret: bool) -> Outcome:
    """Send everything; packets' ends are followed by different bytes in the two ways to run."""
    outcome = Outcome()
    with Engine(workers=0, interpret=interpret, buffers=BUFFERS) as engine:
        watch = Watch(engine, poison=0x00 if interpret else 0xFF)
        for kind, cases in CASES.items():
            for name, port, frames in cases():
                try:
                    fates = outcome.fates[kind, name] = []
                    for start in range(0, len(frames), AT_ONCE):
                        fates += watch.send(port, frames[start : start + AT_ONCE])
                except (Broken, AssertionError) as error:
                    outcome.broken[kind, name] = str(error)
        outcome.errors = engine.graph.errors()
    return outcome


@pytest.fixture(scope="module")
def outcomes(no_time: None) -> dict[str, Outcome]:
    return {"compiled": run(False), "interpreted": run(True)}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("way", ["compiled", "interpreted"])
def test_every_packet_is_forwarded_answered_or_counted_once(outcomes: dict[str, Outcome], way: str, kind: str) -> None:
    assert {case[1]: what for case, what in outcomes[way].broken.items() if case[0] == kind} == {}
    assert sum(len(fates) for case, fates in outcomes[way].fates.items() if case[0] == kind) > 200


@pytest.mark.parametrize("kind", CASES)
def test_compiled_and_interpreted_do_the_same(outcomes: dict[str, Outcome], kind: str) -> None:
    """The same packets leave, and the same errors are counted, whatever stands in memory behind a packet."""
    compiled, interpreted = outcomes["compiled"], outcomes["interpreted"]
    for case in compiled.fates:
        if case[0] == kind:
            pairs = zip(compiled.fates[case], interpreted.fates[case], strict=True)
            different = [(number, a, b) for number, (a, b) in enumerate(pairs) if a != b]
            assert different[:1] == [], case
    assert compiled.errors == interpreted.errors
