"""From a request's bytes to its answer's: finds the handler, calls it, and turns what it returns into messages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec.structs import asdict

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
            return iter(self._error(service, context, ApiError.INVALID_VALUE))
        for watcher in self.watchers:
            watcher(client, service.request, bytes(data))
        return self._call(service, client, values)

    def _call(self, service: Service, client: Client, arguments: dict[str, Any]) -> Answer:
        """Call the handler with the fields that it wants, which are all but those in front."""
        context = arguments.get("context", 0)
        for name in service.request.head:
            del arguments[name]
        for name, what in service.given.items():
            arguments[name] = self.engine if what == "engine" else client
        if service.waits:
            return self._awaited(service, client, context, arguments)
        if service.details is not None:
            return self._streamed(service, client, context, arguments)
        return iter(self._answered(service, client, context, arguments))

    def _answered(
        self, service: Service, client: Client, context: int, arguments: dict[str, Any]
    ) -> tuple[bytearray, ...]:
        """The reply, if there is one."""
        try:
            return self._replied(service, client, context, service.handler(**arguments))
        except Exception as error:
            return self._refused(service, client, context, error)

    async def _awaited(
        self, service: Service, client: Client, context: int, arguments: dict[str, Any]
    ) -> Iterator[bytearray]:
        """The reply, when it is there."""
        try:
            return iter(self._replied(service, client, context, await service.handler(**arguments)))
        except Exception as error:
            return iter(self._refused(service, client, context, error))

    def _streamed(
        self, service: Service, client: Client, context: int, arguments: dict[str, Any]
    ) -> Iterator[bytearray]:
        """The details one by one, then the reply, if there is one."""
        details = service.handler
        try:
            result = yield from self._encoded(client, context, details(**arguments))
            yield from self._replied(service, client, context, result)
        except Exception as error:
            yield from self._refused(service, client, context, error)

    def _encoded(
        self, client: Client, context: int, details: Generator[Any, None, Any]
    ) -> Generator[bytearray, None, Any]:
        while True:
            try:
                each = next(details)
            except StopIteration as end:
                return end.value
            yield self.encode(client, each, context)

    def _replied(self, service: Service, client: Client, context: int, result: Any) -> tuple[bytearray, ...]:
        """What a handler returned as a reply; None: a plain one."""
        if service.reply is None:
            return ()
        if result is None:
            return (self.table.encode(service.reply, {"context": context}),)
        return (self.encode(client, result, context),)

    def _refused(self, service: Service, client: Client, context: int, error: Exception) -> tuple[bytearray, ...]:
        """What a handler raised as a reply."""
        if isinstance(error, Invalid):
            log.info("%s from %s: %s", service.request.name, client.name, error)
            return self._error(service, context, ApiError.of(error.error))
        log.error("%s from %s failed", service.request.name, client.name, exc_info=error)
        return self._error(service, context, ApiError.UNSPECIFIED)

    def _error(self, service: Service, context: int, retval: int) -> tuple[bytearray, ...]:
        """The reply that says why a request was refused, where its answer has a place for that."""
        reply = service.reply
        if reply is None or reply.cls is None or "retval" not in reply.layout.fields:
            return ()
        refused = reply.cls()
        if reply.layout.fields["retval"].name == "u32":  # as VPP has it in two replies
            retval %= 1 << 32
        return (self.table.encode(reply, asdict(refused) | {"context": context, "retval": retval}),)

    def encode(self, client: Client, message: Any, context: int = 0) -> bytearray:
        """An object of a message's class as bytes."""
        head = {"context": context, "client_index": client.index}
        return self.table.encode(message_of(type(message)), head | asdict(message))
