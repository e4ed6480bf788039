"""Messages about who says how prefixes are forwarded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text, u8
from weft.core.model import Invalid
from weft.features.fib import api_multicast, api_types
from weft.features.fib.model import Source

if TYPE_CHECKING:
    from weft.core.engine import Engine

__all__ = ["api", "api_multicast", "api_types", "id_of", "source_of"]

api = Module("fib", "1.0.0", "Sources of routes")

#: Those in whose name a client may say something.
CLIENTS = (Source.API, Source.CLI, Source.DHCP)


def id_of(source: Source) -> int:
    """A source's number in messages; 0 is the API's own there."""
    return source.value + 1


def source_of(id: int) -> Source:
    """The source that a message means. Raises Invalid."""
    found = next((source for source in CLIENTS if id_of(source) == id), Source.API if id == 0 else None)
    if found is None:
        raise Invalid(f"no source {id} in whose name routes can be added; fib_source_dump lists them, 0 is the API")
    return found


@api.structure("fib_source")
class FibSource(Struct):
    """A source. Of several that say something of a prefix, the one with the lowest priority is heard."""

    priority: u8
    id: u8
    name: Annotated[str, Text(64)]


@api.reply("fib_source_add_reply", 0x604FD6F1)
class FibSourceAddReply(Struct):
    """The new source's number."""

    id: u8 = 0


@api.unimplemented("fib_source_add", 0xB3AC2AEC, reply=FibSourceAddReply)
def fib_source_add(engine: Engine, src: FibSource) -> None:
    """Add a source with a name and a priority."""


@api.details("fib_source_details", 0x8668ACDB)
class FibSourceDetails(Struct):
    """A source."""

    src: FibSource


@api.dump("fib_source_dump", 0x51077D14, details=FibSourceDetails)
def fib_source_dump(engine: Engine) -> Iterator[FibSourceDetails]:
    """All sources, the first heard first."""
    for source in Source:
        yield FibSourceDetails(FibSource(source.value, id_of(source), source.label))
