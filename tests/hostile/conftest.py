"""Hostile input is tried apart from the machine: see ``apart``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .apart import apart


@pytest.fixture(autouse=True, scope="package")
def no_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    with apart(folder):
        yield folder
