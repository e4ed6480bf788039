"""Results as files: one JSON a run, in ``bench/results``, with what the machine and the program were.

Nothing in them says whose machine it was: no host names, no paths, no users.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
#: What `git` keeps: one run to compare with, and to make the pictures from.
REFERENCE = Path(__file__).with_name("reference")


def machine(cpuinfo: str | None = None) -> dict[str, object]:
    """The processor, its caches, and what runs on it."""
    text = Path("/proc/cpuinfo").read_text() if cpuinfo is None else cpuinfo
    first: dict[str, str] = {}
    for line in text.split("\n\n")[0].splitlines():
        key, _, value = line.partition(":")
        first[key.strip()] = value.strip()
    return {
        "processor": first.get("model name", platform.machine()),
        "family": first.get("cpu family", ""),
        "model": first.get("model", ""),
        "processors": len(re.findall(r"^processor\s*:", text, re.MULTILINE)),
        "virtual": "hypervisor" in first.get("flags", "").split(),
        "caches": caches(),
        "kernel": re.match(r"[\d.]+", platform.release())[0],  # type: ignore[index]
        "python": platform.python_version(),
        **{name: _version(name) for name in ("numba", "llvmlite")},
    }


def caches(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> dict[str, str]:
    """Level and kind of a cache -> its size."""
    found = {}
    for index in sorted(folder.glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        found[f"L{level} {kind.lower()}"] = size
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def source() -> str:
    """The commit that was measured, with a plus if something is changed since; empty outside of a clone."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        try:
            return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return ""

    commit = git("rev-parse", "--short=12", "HEAD")
    return commit + ("+" if commit and git("status", "--porcelain", "--untracked-files=no") else "")


def write(kind: str, results: object, folder: Path = RESULTS, **more: object) -> Path:
    """Keep what a run of an instrument has found; ``KIND-latest.json`` is the same once more. The file."""
    now = datetime.now(UTC)
    record = {"kind": kind, "when": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "source": source(), "machine": machine()}
    text = json.dumps({**record, **more, "results": results}, indent=1, ensure_ascii=False) + "\n"
    folder.mkdir(exist_ok=True)
    file = folder / f"{kind}-{now:%Y%m%d-%H%M%S}.json"
    for each in (file, folder / f"{kind}-latest.json"):
        each.write_text(text)
    return file


def load(file: Path) -> dict[str, object]:
    """A run. Raises ValueError if it is none."""
    record = json.loads(file.read_text())
    if not isinstance(record, dict) or not {"kind", "machine", "results"} <= record.keys():
        raise ValueError(f"{file.name} is no result of this instrument: it lacks `kind', `machine' or `results'")
    return record


def latest(kind: str) -> Path | None:
    """The last run of an instrument here, or else the one that is kept with the source."""
    for folder in (RESULTS, REFERENCE):
        for file in (folder / f"{kind}-latest.json", folder / f"{kind}.json"):
            if file.is_file():
                return file
    return None


def before(kind: str, folder: Path = RESULTS) -> dict[str, Mapping[str, float]]:
    """Case -> figures of the last run, to compare with; empty if there was none, or none that can be read."""
    try:
        found = load(folder / f"{kind}-latest.json")["results"]
        assert isinstance(found, Sequence)
        return {each["case"]: each for each in found}
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        return {}
