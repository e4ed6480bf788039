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
from tests.hostile.trial import Step, Trial

STEPS = 120  #: of a trial
#: Kinds of input, and how often each is chosen in a trial that has several.
WEIGHTS = {"frames": 2, "line": 6, "ask": 1}
QUIET = 10.0  #: seconds between lines that say how far it is


@dataclass
class Record:
    """What was done to a network, and what came of it."""

    interpret: bool
    seed: int
    steps: list[Step] = field(default_factory=list)
    reason: str = ""

    def header(self) -> str:
        return json.dumps({"interpret": self.interpret, "seed": self.seed, "reason": self.reason}) + "\n"

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
            run_trial(Record(mode == "interpreted" or (mode == "both" and seed % 2 == 1), seed), kinds, journal, done)
            seed += 1
            if time.monotonic() - said > QUIET or time.monotonic() >= end:
                said = time.monotonic()
                counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(done.items()))
                print(f"{said - began:6.0f} s: trial {seed} is next; so far {counts}", flush=True)


def run_trial(record: Record, kinds: list[str], journal: Path, done: Counter[str]) -> None:
    """Make, keep and do the steps of a trial; count them in ``done``."""
    chance = random.Random(record.seed)
    own = kinds if chance.random() < 0.5 else [chance.choice(kinds)]
    with journal.open("w") as kept:
        kept.write(record.header())
        kept.flush()
        trial = Trial(record.interpret, record.seed)
        for _ in range(STEPS):
            step = trial.make(*chance.choices(own, [WEIGHTS[kind] for kind in own]))
            kept.write(step_line(step))
            kept.flush()
            trial.do(step)
            done[step.kind] += max(1, len(step.words) - 1)
            if trial.spent:
                break
        trial.close()


def replay(record: Record) -> None:
    """Do the steps of a record again. Raises what they raise."""
    with tempfile.TemporaryDirectory() as folder, apart(Path(folder)):
        trial = Trial(record.interpret, record.seed)
        for step in record.steps:
            trial.do(step)
        trial.close()
