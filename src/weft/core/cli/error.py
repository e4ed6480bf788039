"""What the command line says when it cannot do what was asked."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 12
SHOWN = 160


class CliError(Exception):
    """A command was refused. The message is one line in the user's words.

    `output` is what a script printed before the command that failed; `in_script` says that the message has its place.
    """

    def __init__(self, message: str, output: str = "", *, in_script: bool = False) -> None:
        super().__init__(one_line(message))
        self.output = output
        self.in_script = in_script


def one_line(text: str, limit: int = 1000) -> str:
    """The text with line breaks and unprintable characters made harmless, cut at `limit` characters."""
    if len(text) > limit:
        text = text[:limit] + "..."
    flat = " ".join(text.split())
    return (
        flat
        if flat.isprintable()
        else "".join(
            c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in flat
        )
    )


def quote(text: str) -> str:
    """User input as VPP quotes it in an error: `so'."""
    return f"`{one_line(text, SHOWN)}'"


def either(names: Sequence[str]) -> str:
    """'a', 'a or b', 'a, b or c'; a long list is cut."""
    if len(names) > LISTED:
        return ", ".join(names[:LISTED]) + f", ... ({len(names) - LISTED} more)"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
