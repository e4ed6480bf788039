"""Where records are: the table of all keys, below a prefix of the operator's choice.

A key is the prefix and a path. `parse` says what a path is, `path` makes it; nobody else puts keys together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from weft_openstack.store import records

#: path -> record. A word in braces is one part of the path.
TABLE: dict[str, type[records.Record]] = {
    "hosts/{host}/ports/{port}": records.Port,
    "networks/{network}/ports/{port}": records.Location,
    "vteps/{host}": records.Endpoint,
    "state/{host}/agent": records.Agent,
    "state/{host}/ports/{port}": records.PortState,
}
DESIRED = ("hosts/", "networks/")  #: what the driver writes and the audit compares
DEFAULT_PREFIX = "/weft/"

_PARTS = {
    "host": r"(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,254})",
    "port": r"(?P<port>[0-9a-f-]{36})",
    "network": r"(?P<network>[0-9a-f-]{36})",
}
_PATTERNS = [
    (re.compile("^" + re.sub(r"\{(\w+)\}", lambda word: _PARTS[word[1]], form) + "$"), form, kind)
    for form, kind in TABLE.items()
]


@dataclass(frozen=True)
class Parsed:
    """What a path means: its form in the table, the record there, the words in it."""

    form: str
    kind: type[records.Record]
    words: dict[str, str]


def parse(path: str) -> Parsed | None:
    """What a path is; None if it is none of ours."""
    for pattern, form, kind in _PATTERNS:
        if found := pattern.match(path):
            return Parsed(form, kind, found.groupdict())
    return None


def host_ports(host: str) -> str:
    """What an agent watches: the ports of its host."""
    return f"hosts/{host}/ports/"


def port(host: str, port: str) -> str:
    return f"hosts/{host}/ports/{port}"


def locations(network: str) -> str:
    """What an agent watches of a tunnelled network: where its ports are."""
    return f"networks/{network}/ports/"


def location(network: str, port: str) -> str:
    return f"networks/{network}/ports/{port}"


def endpoint(host: str) -> str:
    return f"vteps/{host}"


ENDPOINTS = "vteps/"
STATE = "state/"


def agent(host: str) -> str:
    return f"state/{host}/agent"


def host_state(host: str) -> str:
    return f"state/{host}/"


def port_state(host: str, port: str) -> str:
    return f"state/{host}/ports/{port}"
