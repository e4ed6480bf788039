"""The API's types of Ethernet."""

from __future__ import annotations

from typing import Annotated

from .module import Module
from .types import Fixed

api = Module("ethernet_types", "1.0.0")

#: A MAC address: the number that its six bytes make in little-endian memory, as the view type ``mac`` has it.
MacAddress = Annotated[
    int,
    api.alias(
        "mac_address",
        Annotated[bytes, Fixed(6)],
        decode=lambda octets: int.from_bytes(octets, "little"),
        encode=lambda number: number.to_bytes(6, "little"),
        zero=0,
    ),
]
