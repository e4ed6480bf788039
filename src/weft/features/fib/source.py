"""Who may say how a prefix is forwarded. Where several do, the first here is heard."""

from __future__ import annotations

import enum


class Source(enum.IntEnum):
    """In the order of their priority, with VPP's names."""

    label: str

    def __new__(cls, label: str) -> Source:
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.label = label
        return member

    SPECIAL = "special"
    INTERFACE = "interface"
    API = "API"
    CLI = "CLI"
    DHCP = "dhcp"
    ND_PROXY = "IPv6-proxy-nd"
    ADJACENCY = "adjacency"
    RECURSIVE = "recursive-resolution"
    DEFAULT_ROUTE = "default-route"
