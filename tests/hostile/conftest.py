"""Time stands still: what depends on it is the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from weft.core import timers


@pytest.fixture(autouse=True, scope="package")
def no_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timers, "time", SimpleNamespace(monotonic=lambda: 0.0))
        yield
