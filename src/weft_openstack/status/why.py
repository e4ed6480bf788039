"""The way of one port, from Neutron's database to the forwarder: at which step it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from weft_openstack.agent.forwarder import Forwarder, Lost, Refused
from weft_openstack.status.report import Report
from weft_openstack.store import keys
from weft_openstack.store.etcd import Etcd


class Answer(Struct, frozen=True):
    """A step: whether all is well there, and what is there."""

    step: str
    state: Literal["well", "waits", "wrong", "unseen"]
    text: str


class Neutron(Struct, frozen=True):
    """What the database says of a port."""

    status: str
    bindings: list[dict[str, Any]]
    outbox: list[dict[str, Any]]


def ago(since: float | None) -> str:
    """A time as so long ago."""
    if not since or since < 0:
        return "at an unknown time"
    seconds = max(0.0, time.time() - since)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit} ago"
    return f"{seconds:.1f} s ago"


async def walk(
    etcd: Etcd, prefix: str, report: Report, port: str, neutron: Callable[[str], Neutron | None] | None, socket: str
) -> list[Answer]:
    """All steps of a port, in their order. The first that is not well is where it stands."""
    answers = list(_in_neutron(port, neutron))
    lines = [line for line in report.ports if line.port == port]
    if not lines:
        answers.append(Answer("etcd", "wrong", f"no host has a key for the port {port}"))
        return answers
    for line in lines:
        key = prefix + keys.port(line.host, port)
        item = await etcd.get(key)
        if item is None:
            answers.append(Answer("etcd", "waits", f"{key} is gone"))
        else:
            problem = report.problems.get(key)
            text = f"{key} of revision {item.modified}: {line.segment}" + (f"; {problem}" if problem else "")
            answers.append(Answer("etcd", "wrong" if problem else "well", text))
        host = next(each for each in report.hosts if each.host == line.host)
        if not host.alive:
            answers.append(Answer("agent", "wrong", f"no agent lives on {line.host}"))
            continue
        text = f"lives on {line.host} since {ago(host.since)}; {host.forwarder}"
        answers.append(Answer("agent", "well" if host.ready else "wrong", text))
        state: Literal["well", "waits", "wrong"]
        state = "well" if line.step in ("up", "down") else "waits" if line.step in ("pending", "unwanted") else "wrong"
        text = f"{line.step} since {ago(line.since)}" if line.since else line.step
        answers.append(Answer("port", state, text + (f": {line.reason}" if line.reason else "")))
        answers += [Answer("plan", "waits", operation) for operation in line.plan]
        if line.interface:
            answers.append(await _in_forwarder(socket, line.interface, port))
    return answers


def _in_neutron(port: str, neutron: Callable[[str], Neutron | None] | None) -> list[Answer]:
    if neutron is None:
        return [Answer("neutron", "unseen", "the database is not configured here ([database] connection)")]
    found = neutron(port)
    if found is None:
        return [Answer("neutron", "wrong", f"there is no port {port}")]
    answers = []
    for each in found.bindings:
        bound = each["driver"] == "vpp"
        text = f"{found.status}; bound on {each['host'] or 'no host'} as {each['vif_type']} ({each['status']})"
        answers.append(Answer("neutron", "well" if bound else "wrong", text + ("" if bound else ", not by us")))
    if not found.outbox:
        answers.append(Answer("outbox", "well", "nothing waits"))
    for row in found.outbox:
        text = f"{row['key']} waits since {ago(row['since'])}"
        if row["error"]:
            text += f", tried {row['attempts']} times: {row['error']}"
        answers.append(Answer("outbox", "wrong" if row["error"] else "waits", text))
    return answers


async def _in_forwarder(socket: str, interface: str, port: str) -> Answer:
    """The interface with its counters, if the forwarder is this machine's."""
    forwarder = Forwarder(socket, timeout=5)
    try:
        await forwarder.connect()
        shown = (await forwarder.call("cli_inband", cmd=f"show interface {interface}")).reply
    except (Lost, Refused) as error:
        return Answer("forwarder", "unseen", f"{interface}; no look at its counters from here: {error}")
    finally:
        await forwarder.close()
    return Answer("forwarder", "well", shown.rstrip())


__all__ = ["Answer", "Neutron", "ago", "walk"]
