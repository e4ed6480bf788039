"""What a second worker adds, from rates that were measured in turn."""

from __future__ import annotations

import statistics

WAYS = ("one", "other", "workers", "engines")


def concluded(found: dict[str, list[float]]) -> dict[str, float]:
    """Medians of the rates of one worker on either core, two workers, two engines, in millions a second; of what the
    second of each adds, as a part of one; and of what two workers do of what two engines do.

    What is added is told round by round, as what was measured one after the other is alike.
    """
    rounds = list(zip(*(found[name] for name in WAYS), strict=True))
    added = [both / ((one + other) / 2) - 1 for one, other, both, _ in rounds]
    control = [both / ((one + other) / 2) - 1 for one, other, _, both in rounds]
    kept = [workers / engines for _, _, workers, engines in rounds]
    return {
        **{name: round(statistics.median(values) / 1e6, 3) for name, values in found.items()},
        "added": round(statistics.median(added), 3),
        "control": round(statistics.median(control), 3),
        "kept": round(statistics.median(kept), 3),
    }
