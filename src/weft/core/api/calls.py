"""From a request's bytes to its answer's: finds the handler, calls it, and turns what it returns into messages."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from weft.core.model import Invalid, model

from .client import Client
from .errors import ApiError
from .module import Message, Service, message_of
from .table import MessageTable
from .types import Malformed

if TYPE_CHECKING:
    from weft.core.engine import Engine

log = logging.getLogger("weft.api")


class Unknown(ValueError):
    """A message of a number that there is not, or that no client may send."""


#: What answers a request: messages, one after the other; or one to wait for, which then gives them.
Answer = Iterator[bytearray] | Awaitable[Iterator[bytearray]]


#: Sees a request before it is carried out: whose it is, what it is, its bytes.
Watcher: TypeAlias = Callable[[Client, Message, bytes], None]


@model
class Calls:
    """Answers the requests of clients."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.table = engine, MessageTable()
        #: Who is connected, by index.
        self.clients: dict[int, Client] = {}
        #: See each request; whoever is not interested any more takes himself out.
        self.watchers: list[Watcher] = []

    def answer(self, client: Client, data: memoryview) -> Answer:
        """The answer to a message. Raises Unknown, and Malformed where no reply can say so."""
        if len(data) < 2:
            raise Malformed("a message of less than two bytes")
        number = int.from_bytes(data[:2], "big")
        entry = self.table.get(number)
        if entry is None or entry.service is None:
            what = entry.message.name if entry else f"number {number}"
            raise Unknown(f"message {what} is no request; there are 1 to {self.table.last}, see the message table")
        service = entry.service
        try:
            values, _ = service.request.layout.read(data, 2)
        except Malformed as error:
            context = int.from_bytes(data[6:10], "big")
            if service.reply is None or "retval" not in service.reply.layout.fields or len(data) < 10:
                raise Malformed(f"{service.request.name}: {error}") from None
            log.info("%s from %s is malformed: %s", service.request.name, client.name, error)
            return self._error(service, context, ApiError.INVALID_VALUE)
        for watcher in self.watchers:
            watcher(client, service.request, bytes(data))
        return self._call(service, client, values)

    def _call(self, service: Service, client: Client, values: dict[str, Any]) -> Answer:
        context = values.pop("context", 0)
        given = {"engine": self.engine, "client": client}
        arguments = {name: given[what] for name, what in service.given.items()}
        for name in service.request.layout.fields:
            if name in values and name not in service.request.head:
                arguments[name] = values[name]
        if inspect.iscoroutinefunction(service.handler):
            return self._awaited(service, client, context, arguments)
        return self._guarded(service, client, context, lambda: self._results(service, arguments))

    async def _awaited(
        self, service: Service, client: Client, context: int, arguments: dict[str, Any]
    ) -> Iterator[bytearray]:
        outcome: Any
        try:
            outcome = await service.handler(**arguments)
        except Exception as error:
            outcome = error
        return self._guarded(service, client, context, lambda: _told(outcome))

    def _results(self, service: Service, arguments: dict[str, Any]) -> Iterator[Any]:
        """What a handler sends: details, then the reply (None: a plain one)."""
        result = service.handler(**arguments)
        if service.details is not None:
            result = yield from result
        if service.reply is not None:
            yield result

    def _guarded(
        self, service: Service, client: Client, context: int, results: Callable[[], Iterator[Any]]
    ) -> Iterator[bytearray]:
        """The messages that a handler's results make. What it raises becomes a reply."""
        try:
            for result in results():
                if result is None:
                    assert service.reply is not None
                    yield self.table.encode(service.reply, {"context": context})
                else:
                    yield self.encode(client, result, context)
        except Invalid as error:
            log.info("%s from %s: %s", service.request.name, client.name, error)
            yield from self._error(service, context, ApiError.of(error.error))
        except Exception:
            log.exception("%s from %s failed", service.request.name, client.name)
            yield from self._error(service, context, ApiError.UNSPECIFIED)

    def _error(self, service: Service, context: int, retval: int) -> Iterator[bytearray]:
        """The reply that says why a request was refused, where its answer has a place for that."""
        reply = service.reply
        if reply is not None and reply.cls is not None and "retval" in reply.layout.fields:
            refused = reply.cls()
            if reply.layout.fields["retval"].name == "u32":  # as VPP has it in two replies
                retval %= 1 << 32
            yield self.table.encode(reply, refused.__dict__ | {"context": context, "retval": retval})

    def encode(self, client: Client, message: Any, context: int = 0) -> bytearray:
        """An object of a message's class as bytes."""
        head = {"context": context, "client_index": client.index}
        return self.table.encode(message_of(type(message)), head | message.__dict__)


def _told(outcome: Any) -> Iterator[Any]:
    if isinstance(outcome, BaseException):
        raise outcome
    yield outcome
