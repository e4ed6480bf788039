"""Trials as the fuzzer runs them, and the record of one: a header, then its steps, a line of JSON each."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.apart import apart
from tests.hostile.journey import Broken
from tests.hostile.trial import Step, Trial

STEPS = 120  #: of a trial
#: Kinds of input, and how often each is chosen in a trial that has several.
WEIGHTS = {"frames": 2, "line": 6, "ask": 1, "message": 6}
#: Mode -> whether the engine interprets, run after run.
MODES = {"compiled": [False], "interpreted": [True], "both": [False, True]}
QUIET = 10.0  #: seconds between lines that say how far it is


@dataclass
class Record:
    """What was done to a network, and what came of it."""

    mode: str  #: compiled, interpreted, or both
    seed: int
    steps: list[Step] = field(default_factory=list)
    reason: str = ""

    def header(self) -> str:
        return json.dumps({"mode": self.mode, "seed": self.seed, "reason": self.reason}) + "\n"

    def text(self) -> str:
        return "".join([self.header(), *map(step_line, self.steps)])

    @classmethod
    def load(cls, path: Path) -> Record:
        header, *lines = path.read_text().splitlines()
        steps = [json.loads(line) for line in lines]
        return cls(**json.loads(header), steps=[Step(kind, tuple(words)) for kind, *words in steps])


def step_line(step: Step) -> str:
    return json.dumps([step.kind, *step.words]) + "\n"


def run_trials(journal: Path, seed: int, kinds: list[str], mode: str, end: float) -> None:
    """One trial after the other, from the seed on, until ``end`` on the monotonic clock; the journal has the one under
    way. Ends early with an exception, or a crash, when something breaks.
    """
    done: Counter[str] = Counter()
    began = said = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, apart(Path(folder)):
        while time.monotonic() < end:
            run_trial(Record(mode, seed), kinds, journal, done)
            seed += 1
            if time.monotonic() - said > QUIET or time.monotonic() >= end:
                said = time.monotonic()
                counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(done.items()))
                print(f"{said - began:6.0f} s: trial {seed} is next; so far {counts}", flush=True)


def run_trial(record: Record, kinds: list[str], journal: Path, done: Counter[str]) -> None:
    """Make, keep and do the steps of a trial; count them in ``done``."""
    chance = random.Random(record.seed)
    own = kinds if chance.random() < 0.5 else [chance.choice(kinds)]
    first, *others = MODES[record.mode]
    outcomes = []
    with journal.open("w") as kept:
        kept.write(record.header())
        kept.flush()
        trial = Trial(first, record.seed)
        for _ in range(STEPS):
            step = trial.make(*chance.choices(own, [WEIGHTS[kind] for kind in own]))
            record.steps.append(step)
            kept.write(step_line(step))
            kept.flush()
            outcomes.append(trial.do(step))
            done[step.kind] += max(1, len(step.words) - 1)
            if trial.spent:
                break
        trial.close()
        for interpret in others:
            _compare(record, outcomes, _again(record, interpret))


def _again(record: Record, interpret: bool) -> list[object]:
    """Do the steps of a record; what came of them."""
    trial = Trial(interpret, record.seed)
    outcomes = [trial.do(step) for step in record.steps]
    trial.close()
    return outcomes


def _compare(record: Record, one: list[object], other: list[object]) -> None:
    for number, (step, a, b) in enumerate(zip(record.steps, one, other, strict=True)):
        if a != b:
            raise Broken(f"step {number}, {step.kind}, differs compiled and interpreted: {difference(a, b)}")


def difference(a: object, b: object) -> str:
    """Where two outcomes differ first."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return next(f"[{at}]{difference(x, y)}" for at, (x, y) in enumerate(zip(a, b, strict=True)) if x != y)
    return f" {str(a)[:500]} and {str(b)[:500]}"


def replay(record: Record) -> None:
    """Do the steps of a record again. Raises what they raise."""
    with tempfile.TemporaryDirectory() as folder, apart(Path(folder)):
        first, *others = [_again(record, interpret) for interpret in MODES[record.mode]]
        for other in others:
            _compare(record, first, other)
