"""show errors, clear errors: what the nodes have counted."""

from __future__ import annotations

from collections import Counter

from weft.core.cli import command
from weft.core.engine import Engine
from weft.core.node import ERROR_OWNERS, ERRORS
from weft.core.runtime import threads_in_use
from weft.features.vlib.format import centred, joined
from weft.features.vlib.model import Statistics


@command("show errors", "[verbose]", aliases=("show error", "show node counters"), help="Show error counts")
def show_errors(engine: Engine, verbose: bool = False) -> str:
    lines = [row("Count", "Node", "Reason", "Severity", "Index" if verbose else "")]
    total: Counter[int] = Counter()
    for thread in threads_in_use():
        counts = engine[Statistics].errors(thread)
        total.update(counts)
        if verbose:
            lines.append(f"Thread {thread} ({engine.workers.names[thread]}):")
            lines += _rows(counts, verbose)
    if verbose:
        lines.append("Total:")
    return joined(lines + _rows(total, verbose))


@command("clear errors", aliases=("clear error", "clear node counters"), help="Set error counts to zero")
def clear_errors(engine: Engine) -> None:
    engine[Statistics].clear_errors()


def _rows(counts: dict[int, int], verbose: bool) -> list[str]:
    rows = []
    for number in sorted(counts):
        error = ERRORS[number]
        owner = ERROR_OWNERS[type(error)]
        rows.append(
            row(f"{counts[number]:>10}", owner, error.text, error.severity.value, f"{number:>6}" if verbose else "")
        )
    return rows


def row(count: str, node: str, reason: str, severity: str, index: str) -> str:
    """A line of the table, its columns as wide as VPP's."""
    return f"{centred(count, 10)}{centred(node, 35)}{centred(reason, 35)}{centred(severity, 10)}{centred(index, 6)}"
