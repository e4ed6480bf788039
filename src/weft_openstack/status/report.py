"""What etcd says of all hosts and ports, in one look."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Item

Step = Literal["up", "down", "failed", "pending", "unwanted", "unknown"]


class PortLine(Struct, frozen=True):
    """A port on a host: how far it is, since when, and why not further."""

    port: str
    host: str
    step: Step
    since: float | None = None
    reason: str = ""
    interface: str = ""
    network: str = ""
    segment: str = ""
    plan: tuple[str, ...] = ()


class HostLine(Struct, frozen=True):
    """A host: its agent, its forwarder, its ports."""

    host: str
    alive: bool
    forwarder: str = ""
    ready: bool = False
    agent: str = ""
    since: float | None = None
    physnets: dict[str, str] = {}
    tunnels: bool = False
    ports: int = 0
    up: int = 0
    failed: int = 0
    pending: int = 0
    problems: dict[str, str] = {}  #: with what no port of its own stands on


class Report(Struct, frozen=True):
    """All of it. Problems are of keys that hold no record."""

    hosts: list[HostLine]
    ports: list[PortLine]
    problems: dict[str, str]


async def read(etcd: Etcd, prefix: str) -> Report:
    """Look at all keys, as they were in one revision each for what is wanted and what is said."""
    wanted, _ = await etcd.below(prefix + "hosts/")
    said, _ = await etcd.below(prefix + keys.STATE)
    return make(wanted, said, prefix)


def make(wanted: list[Item], said: list[Item], prefix: str) -> Report:
    """The report of some items."""
    problems: dict[str, str] = {}
    ports: dict[tuple[str, str], tuple[Item, records.Port | None]] = {}
    agents: dict[str, records.Agent] = {}
    states: dict[tuple[str, str], records.PortState] = {}
    for item in [*wanted, *said]:
        parsed = keys.parse(item.key.removeprefix(prefix))
        if parsed is None:
            problems[item.key] = "no key of ours"
            continue
        record: Any = None
        try:
            record = records.decode(parsed.kind, item.value)
        except records.Malformed as error:
            problems[item.key] = str(error)
        where = (parsed.words["host"], parsed.words.get("port", ""))
        if parsed.kind is records.Port:
            ports[where] = (item, record)
        elif isinstance(record, records.Agent):
            agents[where[0]] = record
        elif isinstance(record, records.PortState):
            states[where] = record
    lines = [
        _port(host, port, ports.get((host, port)), states.get((host, port)), host in agents)
        for host, port in sorted(ports.keys() | states.keys())
    ]
    hosts = [_host(host, agents.get(host), lines) for host in sorted(agents.keys() | {line.host for line in lines})]
    return Report(hosts, lines, problems)


def _port(
    host: str, port: str, wanted: tuple[Item, records.Port | None] | None, state: records.PortState | None, alive: bool
) -> PortLine:
    item, record = wanted or (None, None)
    line = PortLine(
        port,
        host,
        "unknown",
        since=state.since if state else None,
        reason=state.reason if state else "",
        interface=state.interface if state else "",
        network=record.network if record else "",
        segment=_segment(record.segment) if record else "",
        plan=state.plan if state else (),
    )
    if item is None:
        return msgspec.structs.replace(line, step="unwanted", since=None, reason="the agent has not taken it away yet")
    if state is not None and state.at == item.modified:
        return msgspec.structs.replace(line, step=state.status)
    line = msgspec.structs.replace(line, since=record.written if record and record.written else None)
    if not alive:
        return msgspec.structs.replace(line, step="pending", reason=f"no agent lives on {host}")
    what = "its last record" if state else "it"
    return msgspec.structs.replace(line, step="pending", reason=f"the agent has not said anything of {what} yet")


def _segment(segment: records.Segment) -> str:
    return " ".join(str(part) for part in (segment.type, segment.physnet, segment.number) if part is not None)


def _host(host: str, agent: records.Agent | None, lines: list[PortLine]) -> HostLine:
    steps = [line.step for line in lines if line.host == host]
    line = HostLine(
        host,
        agent is not None,
        ports=len(steps),
        up=steps.count("up"),
        failed=steps.count("failed"),
        pending=steps.count("pending"),
    )
    if agent is None:
        return line
    return msgspec.structs.replace(
        line,
        forwarder=agent.forwarder,
        ready=agent.ready,
        agent=agent.agent,
        since=agent.started,
        physnets=agent.physnets,
        tunnels=agent.tunnels,
        problems=agent.problems,
    )
