"""The text that `help` and `?` print."""

from __future__ import annotations

from collections.abc import Iterable

from .command import Branch, Command, arguments_of

COLUMN = 40


def columns(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"  {left:<{COLUMN}} {right}".rstrip() for left, right in rows)


def words_below(place: Branch, prefix: str = "") -> str:
    """The words that may follow, and what each is for."""
    return columns((word, about(child)) for word, child in sorted(place.children.items()) if word.startswith(prefix))


def about(place: Branch) -> str:
    """One line on a word: its command's help, its own, or what can follow it."""
    own = place.command.help if place.command else ""
    if own or place.help:
        return own or place.help
    words = sorted(place.children)
    return ", ".join(words[:6]) + (", ..." if len(words) > 6 else "")


def of_command(command: Command) -> str:
    """A command's usage, purpose and arguments."""
    parts = [f"{command.name} {command.usage}".rstrip()]
    if command.help:
        parts.append(f"  {command.help}")
    parts += [f"  {name:<20} {words}".rstrip() for name, words in arguments_of(command)]
    return "\n".join(parts)


def of_place(place: Branch) -> str:
    """Everything on the words so far."""
    parts = [of_command(place.command)] if place.command else []
    if place.children:
        parts.append(words_below(place))
    return "\n".join(parts)
