"""What weftctl and the engine say to each other: JSON, one object a line.

weftctl names its terminal "weftctl". The server then says hello, and answers each request in turn:

    {"hello": "weft", "prompt": "weft# "}
    {"run": "show interface"}       -> {"text": "...", "error": "...", "closing": true}
    {"complete": "set int l2 "}     -> {"words": ["bridge", "tag-rewrite", ...]}
    {"help": "set int "}            -> {"text": "..."}

What is empty or false is left out. A client that wants to interrupt its command disconnects.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from .connection import Connection
from .error import CliError
from .lexer import LINE_LIMIT
from .session import Session

TERMINAL = "weftctl"
PROMPT = "weft# "
# A character takes six bytes at most when JSON escapes it.
REQUEST_LIMIT = 8 * LINE_LIMIT


class Request(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    run: str | None = None
    complete: str | None = None
    help: str | None = None


class Reply(msgspec.Struct, omit_defaults=True):
    text: str = ""
    error: str | None = None
    words: list[str] = []
    closing: bool = False
    hello: str | None = None
    prompt: str = ""


def encode(message: Request | Reply) -> str:
    return msgspec.json.encode(message).decode() + "\n"


async def serve(connection: Connection, session: Session, engine: Any, *, prompt: str) -> None:
    """Answer requests until the client ends or quits."""
    await connection.write(encode(Reply(hello="weft", prompt=prompt or PROMPT)))
    pending = ""
    while not session.closing:
        line, newline, rest = pending.partition("\n")
        if not newline:
            text = await connection.read()
            pending += text
            if len(pending) > REQUEST_LIMIT and "\n" not in text:
                await connection.write(encode(Reply(error="request too long", closing=True)))
                return
            if not text:
                return
            continue
        pending = rest
        reply = await connection.attend(answer(line, session, engine))
        await connection.write(encode(reply))


async def answer(line: str, session: Session, engine: Any) -> Reply:
    """Raises nothing: what is wrong with a request is the reply's error."""
    cli = session.cli
    try:
        request = msgspec.json.decode(line, type=Request)
        if request.complete is not None:
            return Reply(words=cli.complete(engine, request.complete))
        if request.help is not None:
            return Reply(text=cli.help(request.help))
        session.remember(request.run or "")
        text = await cli.run_async(engine, request.run or "", session)
        return Reply(text=printable(text), closing=session.closing)
    except CliError as error:
        return Reply(text=printable(error.output), error=printable(str(error)), closing=session.closing)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        await asyncio.sleep(0)
        return Reply(error=f"not a request: {error}")


def printable(text: str) -> str:
    """Text that JSON can carry: without the halves of surrogate pairs that undecodable file names leave."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
