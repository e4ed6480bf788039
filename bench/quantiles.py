"""Quantiles of what was counted in buckets of equal width."""

from __future__ import annotations

from collections.abc import Sequence

WANTED = (0.5, 0.99, 0.999)


def quantiles(counts: Sequence[int], width: int, wanted: Sequence[float] = WANTED) -> list[float]:
    """Values that these parts of all do not exceed: the upper ends of their buckets. The last bucket holds whatever is
    longer, so its end means that or more. Raises ValueError if nothing was counted.
    """
    total = sum(counts)
    if total == 0:
        raise ValueError("nothing was counted")
    found: list[float] = []
    for part in wanted:
        rank, seen = part * total, 0
        for bucket, count in enumerate(counts):
            seen += count
            if seen >= rank:
                found.append((bucket + 1.0) * width)
                break
    return found
