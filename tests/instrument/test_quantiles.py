"""Quantiles of counted latencies."""

from __future__ import annotations

import pytest
from bench.quantiles import quantiles


def test_quantiles_are_the_ends_of_buckets() -> None:
    counts = [0] * 10
    counts[1], counts[4], counts[7] = 980, 19, 1
    assert quantiles(counts, 64) == [2 * 64, 5 * 64, 5 * 64]
    assert quantiles(counts, 64, [0.98, 0.981, 1.0]) == [2 * 64, 5 * 64, 8 * 64]


def test_one_value_is_all_quantiles() -> None:
    assert quantiles([0, 0, 3], 10) == [30, 30, 30]


def test_nothing_counted_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was counted"):
        quantiles([0, 0], 64)
