"""``weft-status``, run in the test's own process: a new one takes a second, and ten where Neutron is to be imported."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from weft_openstack.status.command import main


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    stdout: str
    returncode: object


def status(configurations: tuple[Path, ...], *arguments: str) -> Said:
    """Run it with configuration files."""
    printed = io.StringIO()
    files = [part for each in configurations for part in ("--config-file", str(each))]
    with redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main([*files, *arguments])
    return Said(printed.getvalue(), ended.value.code)
