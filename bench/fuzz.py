"""``python -m bench.fuzz``: frames and command lines at random; what breaks something is made small and kept.

Trials run in a process of their own, so that a crash or an endless loop is found like anything else. Each has
an engine with the network of ``tests/hostile``, compiled, then interpreted: the same must come of it. What is done, and
what must hold, is in ``tests/hostile/trial.py``, with the table of all kinds of input.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.shrink import Attempt, shrink
from bench.trials import MODES, WEIGHTS, Record, replay, run_trials

FINDINGS = Path(__file__).with_name("findings")
SHRINK = 120.0  #: seconds for making a finding small


@click.command()
@click.option("--seconds", type=float, help="How long to go on; if not given, until interrupted.")
@click.option("--seed", type=int, help="The first trial; at random if not given.")
@click.option("--kinds", default=",".join(WEIGHTS), show_default=True, help="Kinds of input.")
@click.option("--mode", type=click.Choice(list(MODES)), default="both", show_default=True)
@click.option("--replay", "file", type=click.Path(exists=True, path_type=Path), help="Do what a file has kept again.")
@click.option("--journal", type=click.Path(path_type=Path), hidden=True)
def main(
    seconds: float | None, seed: int | None, kinds: str, mode: str, file: Path | None, journal: Path | None
) -> None:
    """Try what somebody hostile may send or type; what breaks something is kept in bench/findings."""
    unknown = set(kinds.split(",")) - set(WEIGHTS)
    if unknown:
        raise click.UsageError(f"no kind {', '.join(sorted(unknown))}; there are {', '.join(WEIGHTS)}")
    if file is not None:
        replay(Record.load(file))
        click.echo("nothing broke")
        return
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    end = time.monotonic() + seconds if seconds else float("inf")
    if journal is not None:
        run_trials(journal, seed, kinds.split(","), mode, end)
        return
    click.echo(f"seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = search(Path(folder) / "journal", seed, ["--kinds", kinds, "--mode", mode], end)
        except KeyboardInterrupt:
            return
    click.echo(f"{len(found)} findings")
    sys.exit(1 if found else 0)


def search(journal: Path, seed: int, options: list[str], end: float) -> list[Path]:
    """Run trials until ``end`` on the monotonic clock, beginning again behind each that broke; the findings."""
    found = []
    while (left := end - time.monotonic()) > 0:
        limit = [] if left == float("inf") else ["--seconds", str(left)]
        attempt = Attempt(["--journal", str(journal), "--seed", str(seed), *options, *limit], watched=journal)
        if not attempt.broke:
            break
        record = Record.load(journal)
        record.reason = attempt.reason
        click.echo(f"trial {record.seed} broke: {record.reason}")
        found.append(_keep(shrink(record, SHRINK)))
        seed = record.seed + 1
    return found


def _keep(record: Record) -> Path:
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"{record.seed}.jsonl"
    path.write_text(record.text())
    click.echo(f"kept in {path}, {len(record.steps)} steps; again: python -m bench.fuzz --replay {path}")
    return path


if __name__ == "__main__":
    main()
