"""Whose a thing in the forwarder is: the tag that VPP keeps beside an interface or a bridge domain (63 characters)."""

from __future__ import annotations

PREFIX = "weft:"


def is_ours(tag: str) -> bool:
    return tag.startswith(PREFIX)


def port(port: str) -> str:
    return f"{PREFIX}port:{port}"


def bridge(segment: str) -> str:
    return f"{PREFIX}bd:{segment}"


def uplink(segment: str) -> str:
    return f"{PREFIX}uplink:{segment}"


def tunnel(vni: int, address: str) -> str:
    return f"{PREFIX}vxlan:{vni}:{address}"
