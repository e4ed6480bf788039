"""The commands of the command line itself."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import Any

from .command import command, describe_words
from .error import CliError
from .lexer import statements
from .session import current

NESTING_LIMIT = 16

describe_words("show", "Show information")
describe_words("set", "Set parameters")
describe_words("clear", "Clear statistics and tables")
describe_words("create", "Create interfaces and other objects")


@command("help", "[<words:rest>]", help="Explain commands: help set interface; or put a ? after the first words")
def help_(engine: Any, words: str = "") -> str:
    return current().cli.help(f"{words} ")


@command("exec", "<file:path>", help="Carry out the commands in a file, up to the first that fails")
async def exec_(engine: Any, file: Path) -> str:
    session = current()
    if session.nested >= NESTING_LIMIT:
        raise CliError(f"{file}: scripts are nested more than {NESTING_LIMIT} deep; does one call itself?")
    output: list[str] = []
    session.nested += 1
    try:
        for number, line in statements(_lines(file)):
            try:
                output.append(await session.cli.run_async(engine, line, session))
            except CliError as error:
                output.append(error.output)
                # Of scripts that run scripts, the innermost has the line to mend.
                text = str(error).removeprefix("exec: ") if error.in_script else f"{file}:{number}: {error}"
                raise CliError(text, _joined(output), in_script=True) from error
            await asyncio.sleep(0)  # other sessions have their turn
    finally:
        session.nested -= 1
    return _joined(output)


def _lines(file: Path) -> list[str]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise CliError(f"{file}: not a file with commands")
        return file.read_text("utf-8", "replace").split("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CliError(f"{file}: {reason}") from error


def _joined(output: list[str]) -> str:
    return "\n".join(text.rstrip("\n") for text in output if text)


@command("echo", "[<text:rest>]", help="Print text")
def echo(engine: Any, text: str = "") -> str:
    return text


@command("comment", "[<text:rest>]", help="Do nothing: comment { ... }")
def comment(engine: Any, text: str = "") -> None:
    return None


@command("history", help="Show the lines entered in this session")
def history(engine: Any) -> str:
    return "\n".join(f"{number}  {line}" for number, line in enumerate(current().history, 1))


@command("quit", aliases=("q", "exit"), help="End this session")
def quit_(engine: Any) -> None:
    current().closing = True


@command("show cli-sessions", help="Show who uses the command line: interactive, socket, line mode, ANSI")
def show_cli_sessions(engine: Any) -> str:
    rows = [f"{'PNI':<5} {'FD':<5} {'Name':<20} Flags"]
    for number, session in enumerate(current().cli.sessions):
        flags = (
            ("i", session.interactive),
            ("s", session.descriptor >= 0),
            ("l", session.line_mode),
            ("a", session.ansi),
        )
        marks = "".join(mark if on else " " for mark, on in flags)
        rows.append(f"{number:<5} {session.descriptor:<5} {session.name:<20} {marks}".rstrip())
    return "\n".join(rows)
