"""The API module of IP."""

from __future__ import annotations

from weft.core.api import Module

api = Module("ip", "3.2.0", "IPv4 and IPv6: tables, routes, addresses")
