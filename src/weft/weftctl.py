"""weftctl: the command line of a running engine, from a shell.

weftctl                          a prompt with completion, history, help and a pager
weftctl show interface           one command; exit status 1 when it was refused
weftctl < commands               commands line by line, up to the first that is refused
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from weft.core.cli.client import Client, Unreachable
from weft.core.cli.lexer import statements
from weft.core.cli.server import DEFAULT_SOCKET

REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 130


def run(client: Client, lines: Iterable[tuple[str, str]]) -> int:
    """Run commands, each with its place for an error, and print what they print; the exit status."""
    for place, line in lines:
        reply = client.run(line)
        if reply.text:
            click.echo(reply.text.rstrip("\n"))
        if reply.error is not None:
            click.echo(f"{place}{reply.error}", err=True)
            return REFUSED
        if reply.closing:
            break
    return 0


def piped() -> Iterator[tuple[str, str]]:
    """The commands on standard input."""
    return ((f"line {number}: ", line) for number, line in statements(sys.stdin))


def prompt(path: str) -> None:
    from weft.core.cli.prompt import Prompt  # prompt_toolkit takes a while to load

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    Prompt(path, state / "weft/history").serve()


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "-s",
    "--socket",
    "path",
    default=DEFAULT_SOCKET,
    envvar="WEFT_CLI_SOCKET",
    show_default=True,
    help="The engine's CLI socket.",
)
@click.argument("command", nargs=-1)
def main(path: str, command: tuple[str, ...]) -> None:
    """Run COMMAND in the engine; without one, read commands from the terminal or standard input."""
    try:
        if not command and sys.stdin.isatty():
            prompt(path)
            return
        with Client(path) as client:
            status = run(client, [("", " ".join(command))] if command else piped())
    except Unreachable as error:
        click.echo(f"weftctl: {error}", err=True)
        status = UNREACHABLE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except UnicodeError as error:
        click.echo(f"weftctl: the input is not UTF-8: {error}", err=True)
        status = REFUSED
    sys.exit(status)


if __name__ == "__main__":
    main()
