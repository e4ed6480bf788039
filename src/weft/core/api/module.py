"""Declaring messages. A module is what VPP calls an API file; a message is a Python function or class in it.

    api = Module("span", "2.0.0")

    @api.request("sw_interface_span_enable_disable", 0x23DDD96B)
    def enable_disable(
        engine: Engine,
        sw_if_index_from: InterfaceIndex,
        sw_if_index_to: InterfaceIndex,
        state: SpanState,
        is_l2: bool,
    ) -> None:
        '''Mirror the traffic of an interface to another one.'''
        engine[Span].set(...)

    @api.details("sw_interface_span_details", 0x8A20E79F)
    class SwInterfaceSpanDetails(Struct):
        sw_if_index_from: InterfaceIndex
        ...

The function's parameters behind the engine are the message's fields (a parameter annotated ``Client`` gets the client
instead), a parameter's default is the field's. What it returns is the reply: None where the reply has only
``retval``, or an object of the reply's class, of which each field must have a default, for errors. ``Invalid``
becomes the ``retval`` of its error. It may be a coroutine; then the client's next message waits for it.

A dump is a generator that yields objects of its details class; one with ``reply`` returns that in the end. The
number is VPP's CRC of the message, and is checked (crc.py) when the module is loaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct

from weft.core.model import Invalid

from .annotations import i32, type_of, u32
from .client import Client
from .crc import crc_of
from .layout import Layout
from .types import Alias, Enumeration, Named, Structure, Type, Union

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)
N = TypeVar("N", bound=Named)

MODULES: dict[str, Module] = {}

U32, I32 = type_of(u32), type_of(i32)

#: The fields in front of a message's own, and their types.
HEADS: dict[str, Type] = {"client_index": U32, "context": U32, "retval": I32}
REQUEST = ("client_index", "context")
REPLY = ("context", "retval")
DETAILS = ("context",)
EVENT = ("client_index",)

RETVAL_CRC = 0xE8D4E804  #: of every reply that has nothing but a retval


@dataclass
class Message:
    """A message: its fields with those in front, without the number that every message begins with."""

    name: str
    crc: int
    head: tuple[str, ...]
    layout: Layout
    doc: str
    module: Module
    #: Its class, if it is one that we send.
    cls: type | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str | None] = field(default_factory=dict)

    @property
    def name_crc(self) -> str:
        """What clients look it up by."""
        return f"{self.name}_{self.crc:08x}"


@dataclass
class Service:
    """A request, what answers it, and what it makes the engine send."""

    request: Message
    handler: Callable[..., Any]
    #: The parameters of the handler that are not fields: name -> "engine" or "client".
    given: dict[str, str]
    reply: Message | None
    details: Message | None
    events: tuple[Message, ...]
    implemented: bool = True

    @cached_property
    def waits(self) -> bool:
        """Whether the handler is a coroutine."""
        return inspect.iscoroutinefunction(self.handler)


class Module:
    """An API file: types, messages and services."""

    def __init__(self, name: str, version: str, about: str = "") -> None:
        if name in MODULES:
            raise TypeError(f"there is an API module {name} already; use that one")
        self.name, self.version, self.about = name, version, about
        self.types: list[Named] = []
        self.messages: dict[str, Message] = {}
        self.services: dict[str, Service] = {}
        MODULES[name] = self

    def ordered(self) -> list[Message]:
        """All messages: each request before what answers it."""
        found: dict[str, Message] = {}
        for service in self.services.values():
            for message in (service.request, service.reply, service.details, *service.events):
                if message is not None and message.module is self:
                    found[message.name] = message
        return list((found | self.messages).values())

    # --- types

    def alias(self, short: str, type: Any, decode: Any = None, encode: Any = None, zero: Any = None) -> Alias:
        """Another name for a type; ``decode`` and ``encode`` turn its value into another one and back."""
        return self._add_type(Alias(short, type_of(type), decode, encode, zero))

    def enum(self, short: str, wire: Any = u32, late: tuple[str, ...] = ()) -> Callable[[C], C]:
        """Declare an enum.IntEnum or IntFlag whose members have VPP's names."""
        return self._typed(lambda cls: Enumeration(short, cls, type_of(wire), late))

    def structure(self, short: str) -> Callable[[C], C]:
        """Declare a structure: a Struct."""
        return self._typed(lambda cls: Structure(short, cls, Layout(_fields(cls))))

    def union(self, short: str, **members: Any) -> Union:
        """Declare a union."""
        return self._add_type(Union(short, {name: type_of(member) for name, member in members.items()}))

    def _typed(self, make: Callable[[Any], Named]) -> Callable[[C], C]:
        def declare(cls: C) -> C:
            _attach(cls, self._add_type(make(cls)))
            return cls

        return declare

    def _add_type(self, type: N) -> N:
        type.module = self.name
        self.types.append(type)
        return type

    # --- messages

    def reply(self, name: str, crc: int, head: tuple[str, ...] = REPLY) -> Callable[[C], C]:
        """Declare a reply with more than a retval: a Struct of which each field has a default."""
        return self._class(name, crc, head)

    def details(self, name: str, crc: int, head: tuple[str, ...] = DETAILS) -> Callable[[C], C]:
        """Declare a message of which a dump sends many: a Struct."""
        return self._class(name, crc, head)

    def event(self, name: str, crc: int, head: tuple[str, ...] = EVENT) -> Callable[[C], C]:
        """Declare a message that is sent unasked, to those who wanted it: a Struct."""
        return self._class(name, crc, head)

    def request(
        self,
        name: str,
        crc: int,
        *,
        head: tuple[str, ...] = REQUEST,
        reply: type | None = None,
        details: type | None = None,
        events: tuple[type, ...] = (),
        silent: bool = False,
        **options: str | None,
    ) -> Callable[[F], F]:
        """Declare what a client may ask. ``silent``: nothing answers it."""

        def declare(function: F) -> F:
            fields, given, defaults = _parameters(function)
            doc = inspect.getdoc(function) or ""
            message = self._add(Message(name, crc, head, _layout(head, fields), doc, self, None, defaults, options))
            answer = None
            if reply is not None:
                answer = message_of(reply)
            elif not silent and details is None:
                answer = self._plain_reply(name)
            stream = message_of(details) if details is not None else None
            told = tuple(message_of(event) for event in events)
            self.services[name] = Service(message, function, given, answer, stream, told)
            return function

        return declare

    def dump(self, name: str, crc: int, details: type, *, reply: type | None = None, **more: Any) -> Callable[[F], F]:
        """Declare a request that many messages answer: ``details``, and in the end ``reply`` if there is one."""
        return self.request(name, crc, details=details, reply=reply, **more)

    def unimplemented(self, name: str, crc: int, **more: Any) -> Callable[[F], F]:
        """Declare a request that VPP has and we have not: a function without a body. The reply says so."""

        def refuse(*_: Any, **__: Any) -> Any:
            raise Invalid(f"{name} is not implemented", "UNIMPLEMENTED")

        def declare(function: F) -> F:
            self.request(name, crc, **more)(function)
            service = self.services[name]
            service.handler, service.implemented = refuse, False
            return function

        return declare

    def _plain_reply(self, name: str) -> Message:
        @self.reply(f"{name}_reply", RETVAL_CRC)
        class Reply(Struct):
            pass

        return message_of(Reply)

    def _class(self, name: str, crc: int, head: tuple[str, ...]) -> Callable[[C], C]:
        def declare(cls: C) -> C:
            layout = _layout(head, _fields(cls))
            message = self._add(Message(name, crc, head, layout, inspect.getdoc(cls) or "", self, cls))
            if head == REPLY:
                cls()  # so it must do for errors
            cls.__api_message__ = message  # type: ignore[attr-defined]
            return cls

        return declare

    def _add(self, message: Message) -> Message:
        if message.name in self.messages:
            raise TypeError(f"message {message.name} is declared twice")
        found = crc_of(message.layout)
        if found != message.crc:
            raise TypeError(
                f"message {message.name} has the CRC {found:#010x}, not {message.crc:#010x}: a field, its type or their"
                " order differ from VPP's"
            )
        self.messages[message.name] = message
        return message


def message_of(cls: type) -> Message:
    """The message that a class was declared to be."""
    found = getattr(cls, "__api_message__", None)
    if not isinstance(found, Message):
        raise TypeError(f"{cls.__name__} is not declared as a message")
    return found


def _attach(cls: Any, type: Named) -> None:
    cls.__api_type__ = type


def _layout(head: tuple[str, ...], fields: dict[str, Type]) -> Layout:
    return Layout({name: HEADS[name] for name in head} | fields)


def _fields(cls: type) -> dict[str, Type]:
    if not issubclass(cls, Struct):
        raise TypeError(f"{cls.__qualname__} cannot be sent: its base must be msgspec's Struct")
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints |= inspect.get_annotations(base, eval_str=True)
    return {name: _typed_field(cls, name, hints[name]) for name in cls.__struct_fields__}


def _parameters(function: Callable[..., Any]) -> tuple[dict[str, Type], dict[str, str], dict[str, Any]]:
    """The fields of a request, the parameters that are no fields, and the defaults."""
    parameters = inspect.signature(function).parameters
    hints = inspect.get_annotations(function, locals={"Engine": object}, eval_str=True)
    fields, given, defaults = {}, {}, {}
    for position, (name, parameter) in enumerate(parameters.items()):
        if position == 0:
            given[name] = "engine"
        elif hints[name] is Client:
            given[name] = "client"
        else:
            fields[name] = _typed_field(function, name, hints[name])
            if parameter.default is not inspect.Parameter.empty:
                defaults[name] = parameter.default
    return fields, given, defaults


def _typed_field(owner: Any, name: str, hint: Any) -> Type:
    try:
        return type_of(hint)
    except TypeError as error:
        raise TypeError(f"{owner.__qualname__}: {name}: {error}") from None
