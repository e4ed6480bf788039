"""Modules described in VPP's JSON, from which clients learn the messages."""

from __future__ import annotations

import enum
import json
from typing import Any
from zlib import crc32

from .layout import Layout
from .module import MODULES, Message, Module, Service
from .types import Alias, Array, Enumeration, Named, Structure, Type, Union


def describe(module: Module) -> dict[str, Any]:
    """A module as VPP's ``NAME.api.json`` has it, with the types of other modules that it uses."""
    types = used_types(module)
    return {
        "module": module.name,
        "types": [_structure(type) for type in types if isinstance(type, Structure)],
        "messages": [_message(message) for message in module.ordered()],
        "unions": [[type.short, *_fields(type.members)] for type in types if isinstance(type, Union)],
        "enums": [_enumeration(type) for type in types if isinstance(type, Enumeration)],
        "enumflags": [],
        "services": {name: _service(service) for name, service in module.services.items()},
        "options": {"version": module.version},
        "aliases": {type.short: _alias(type) for type in types if isinstance(type, Alias)},
        "vl_api_version": f"{version_of(module):#010x}",
        "imports": [],
        "counters": [],
        "paths": [],
    }


def version_of(module: Module) -> int:
    """A number that changes with each change of a module's messages."""
    return crc32(" ".join(message.name_crc for message in module.ordered()).encode())


def describe_all() -> str:
    """All modules, as the reply of ``get_api_json`` has them."""
    return json.dumps([describe(MODULES[name]) for name in sorted(MODULES)])


def used_types(module: Module) -> list[Named]:
    """A module's types and those that they and its messages use, each behind those that it is made of."""
    found: dict[str, Named] = {}

    def add(type: Type) -> None:
        if isinstance(type, Array):
            type = type.element
        if isinstance(type, Named) and type.name not in found:
            for part in type.parts():
                add(part)
            found[type.name] = type

    for type in module.types:
        add(type)
    for message in module.messages.values():
        for field in message.layout.fields.values():
            add(field)
    return list(found.values())


def _message(message: Message) -> list[Any]:
    about: dict[str, Any] = {"crc": f"{message.crc:#010x}", "options": message.options}
    if message.doc:
        about["comment"] = message.doc
    return [message.name, ["u16", "_vl_msg_id"], *_fields(message.layout.fields, message.defaults), about]


def _fields(fields: dict[str, Type], defaults: dict[str, Any] | None = None) -> list[list[Any]]:
    described = []
    for field in Layout(fields).block():
        parts = [part for part in field if part is not None]
        if defaults and field[1] in defaults:
            parts.append({"default": _default(defaults[field[1]])})
        described.append(parts)
    return described


def _default(value: Any) -> Any:
    match value:
        case True:
            return "true"  # as VPP's own descriptions have it; the string "false" would be true to its Python client
        case enum.Enum():
            return value.value
    return value


def _structure(type: Structure) -> list[Any]:
    return [type.short, *_fields(type.layout.fields)]


def _enumeration(type: Enumeration) -> list[Any]:
    return [type.short, *type.values(), {"enumtype": type.wire.name}]


def _alias(type: Alias) -> dict[str, Any]:
    if isinstance(type.type, Array):
        return {"type": type.type.name, "length": type.type.length}
    return {"type": type.type.name}


def _service(service: Service) -> dict[str, Any]:
    reply = service.reply.name if service.reply else "null"
    about: dict[str, Any] = {"reply": reply}
    if service.details is not None:
        about = {"reply": reply, "stream": True, "stream_msg": service.details.name}
        if service.reply is None:
            about = {"reply": service.details.name, "stream": True}
    if service.events:
        about["events"] = [event.name for event in service.events]
    return about
