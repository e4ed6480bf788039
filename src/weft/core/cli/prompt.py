"""weftctl's interactive session: prompt_toolkit edits, the engine completes and explains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle

from .client import Client, Unreachable


class EngineCompleter(Completer):
    """Asks the engine for the words that may follow."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        line = document.text_before_cursor
        typed = len(line) - max(line.rfind(" "), line.rfind("\t")) - 1
        try:
            words = self.prompt.client.complete(line)
        except Unreachable:
            return
        for word in words:
            ends = " " if len(words) == 1 and not word.endswith("/") else ""
            yield Completion(word + ends, start_position=-typed, display=word)


class Prompt:
    """A session that survives the engine's restart: the next line connects again."""

    def __init__(self, path: str, history: Path) -> None:
        self.path = path
        self.client = Client(path)
        self.session: PromptSession[str] = PromptSession(
            history=self._history(history),
            completer=EngineCompleter(self),
            key_bindings=self._keys(),
            complete_style=CompleteStyle.READLINE_LIKE,
            complete_while_typing=False,
        )

    def serve(self) -> None:
        """Until the user leaves."""
        while True:
            try:
                line = self.session.prompt(self.client.prompt)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if line.strip() and not self.run(line):
                return

    def run(self, line: str) -> bool:
        """Run a line and show what it prints; False when it ends the session."""
        try:
            reply = self.client.run(line)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            self.connect()
            return True
        except Unreachable as error:
            click.echo(f"weftctl: {error}", err=True)
            self.connect()
            return True
        page(reply.text)
        if reply.error is not None:
            click.secho(reply.error, fg="red", err=True)
        return not reply.closing

    def connect(self) -> None:
        """A new connection, if there is an engine; the old one's command is thereby interrupted."""
        self.client.socket.close()
        try:
            self.client = Client(self.path)
        except Unreachable as error:
            click.echo(f"weftctl: {error}", err=True)

    def explain(self, line: str) -> None:
        try:
            reply = self.client.help(line)
        except Unreachable as error:
            click.echo(f"weftctl: {error}", err=True)
            return
        click.echo(f"{self.client.prompt}{line}?\n{reply.error or reply.text}")

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("?")
        def question_mark(event: KeyPressEvent) -> None:
            """Help at once, as in VPP."""
            line = event.current_buffer.document.text_before_cursor
            run_in_terminal(lambda: self.explain(line))

        return keys

    def _history(self, path: Path) -> History:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            return FileHistory(str(path))
        except OSError as error:
            click.echo(f"weftctl: the history is not kept: {path}: {error.strerror}", err=True)
            return InMemoryHistory()


def page(text: str) -> None:
    """Print; through the user's pager when it is longer than the screen."""
    if text.count("\n") >= shutil.get_terminal_size().lines - 1:
        click.echo_via_pager(text.rstrip("\n") + "\n")
    elif text:
        click.echo(text.rstrip("\n"))
