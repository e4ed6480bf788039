"""VPP's binary API: messages declared as Python functions and classes, their wire format and description, a server."""

from . import ethernet_types, interface_types, ip_types, virtio_types, vpe_types
from .annotations import f64, i8, i16, i32, i64, u8, u16, u32, u64
from .client import Client, Subscribers
from .module import Module
from .types import Counted, Fixed, Text

__all__ = [
    "Client",
    "Counted",
    "Fixed",
    "Module",
    "Subscribers",
    "Text",
    "ethernet_types",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "interface_types",
    "ip_types",
    "u8",
    "u16",
    "u32",
    "u64",
    "virtio_types",
    "vpe_types",
]
