"""The API trace: the latest requests, to be looked at, kept in a file, and carried out again."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

from weft.core.api.calls import Calls, Unknown
from weft.core.api.client import Client
from weft.core.api.module import Message
from weft.core.api.table import MessageTable
from weft.core.api.types import Malformed
from weft.core.model import Invalid, model

if TYPE_CHECKING:
    from weft.core.engine import Engine

TRACES = Path("/tmp")  #: where VPP's tools look for saved traces
ITEMS = 1024  #: requests that are kept
REPLAYED = 0xFFFF  #: the index of the client whose requests come from a file


def below_tmp(name: str) -> Path:
    """A file's path; never outside of the folder of traces, for whoever may use the CLI may not write anywhere."""
    if not name or "/" in name or name.startswith("."):
        raise Invalid(f"the name of a file in {TRACES} is wanted, without `/', not `{name}'")
    return TRACES / name


def write(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a file. Raises Invalid."""
    try:
        # Others may write where traces are kept: a link that one of them has put there is not followed.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        with open(fd, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise Invalid(f"cannot write {path}: {error.strerror}", "SYSCALL_ERROR_1") from error


def table_lines(table: MessageTable, verbose: bool = False) -> Iterator[str]:
    """The message table; ``verbose``: what are requests, and whether they are implemented."""
    yield f"{'ID':<6}{'Name':<48}{'CRC':<10}".rstrip()
    for entry in table.entries:
        service = entry.service
        kind = "" if not verbose or service is None else "request" if service.implemented else "not implemented"
        yield f"{entry.number:<6}{entry.message.name:<48}{entry.message.crc:08x}  {kind}".rstrip()


class Traced(Struct, frozen=True):
    """A request as it came. ``message``: its name and CRC; ``data``: its bytes in hexadecimal."""

    time: float
    client: str
    message: str
    data: str


@model
class ApiTrace:
    """Keeps requests while it is on."""

    def __init__(self, engine: Engine) -> None:
        self._calls = engine[Calls]
        self.kept: deque[Traced] = deque(maxlen=ITEMS)
        self.on = False
        self.set(True)

    def set(self, on: bool) -> None:
        """Keep what comes from now on, or no longer."""
        if on and not self.on:
            self._calls.watchers.append(self._keep)
        elif self.on and not on:
            self._calls.watchers.remove(self._keep)
        self.on = on

    def _keep(self, client: Client, message: Message, data: bytes) -> None:
        self.kept.append(Traced(time.time(), client.name, message.name_crc, data.hex()))

    def resize(self, items: int) -> None:
        """Keep so many."""
        if not 1 <= items <= 1 << 20:
            raise Invalid(f"an API trace keeps 1 to {1 << 20} requests, not {items}")
        self.kept = deque(self.kept, maxlen=items)

    def save(self, path: Path) -> int:
        """Write what is kept to a file: a line of JSON for each request; how many there were. Raises Invalid."""
        write(path, (json.dumps(asdict(each)) for each in self.kept))
        return len(self.kept)

    def load(self, path: Path) -> list[Traced]:
        """What a file has. Raises Invalid."""
        try:
            records = [json.loads(line) for line in path.read_text().splitlines()]
            return [Traced(float(r["time"]), str(r["client"]), str(r["message"]), str(r["data"])) for r in records]
        except OSError as error:
            raise Invalid(f"cannot read {path}: {error.strerror}", "SYSCALL_ERROR_1") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid(f"{path} is no API trace that `api trace save' has written: {error}") from error

    def describe(self, traced: Traced) -> str:
        """A request with its fields."""
        entry = next((each for each in self._calls.table.entries if each.message.name_crc == traced.message), None)
        if entry is None:
            return f"{traced.message}: not known here"
        try:
            values, _ = entry.message.layout.read(memoryview(bytes.fromhex(traced.data)), 2)
        except ValueError as error:
            return f"{traced.message}: {error}"
        fields = ", ".join(f"{name}={value}" for name, value in values.items() if name not in entry.message.head)
        return f"{entry.message.name}({fields})"

    def replay(self, records: list[Traced]) -> Iterator[tuple[Traced, str]]:
        """Carry requests out again; each with how it went."""
        numbers = {entry.message.name_crc: entry.number for entry in self._calls.table.entries}
        client = Client(REPLAYED, self._calls.table, lambda event: None)
        client.name = "api trace replay"
        for traced in records:
            number = numbers.get(traced.message)
            if number is None:
                yield traced, "not known here"
                continue
            try:
                data = number.to_bytes(2, "big") + bytes.fromhex(traced.data)[2:]
                answer = self._calls.answer(client, memoryview(data))
                if not isinstance(answer, Iterator):
                    yield traced, "left out: it waits for something"
                    answer.close()  # type: ignore[attr-defined]
                    continue
                yield traced, self._outcome(list(answer))
            except (Unknown, Malformed, ValueError) as error:
                yield traced, str(error)
        client.leave()

    def _outcome(self, messages: list[bytearray]) -> str:
        if not messages:
            return "no answer"
        entry = self._calls.table.get(int.from_bytes(messages[-1][:2], "big"))
        assert entry is not None
        values, _ = entry.message.layout.read(memoryview(messages[-1]), 2)
        if "retval" in values:
            return f"retval {values['retval']}"
        return f"{len(messages)} messages"
