"""The way of one port, from Neutron's database to the forwarder: at which step it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from weft_openstack.agent import tags
from weft_openstack.agent.forwarder import ALL, Forwarder, Lost, Refused
from weft_openstack.neutron.naming import DRIVER
from weft_openstack.status.report import HostLine, PortLine, Report, read
from weft_openstack.store import keys
from weft_openstack.store.etcd import Etcd, Item, StoreError

State = Literal["well", "waits", "wrong", "unseen"]


class Answer(Struct, frozen=True):
    """A step: whether all is well there, and what is there."""

    step: str
    state: State
    text: str


class Binding(Struct, frozen=True):
    """A port's binding to a host, as the database has it."""

    host: str
    vif_type: str
    status: str
    driver: str | None  #: which mechanism driver bound it


class Neutron(Struct, frozen=True):
    """What the database says of a port."""

    status: str
    bindings: list[Binding]
    outbox: list[dict[str, Any]]
    segments: list[tuple[str, str | None]] = []  #: its network's: type and physical network


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
    etcd: Etcd, prefix: str, port: str, neutron: Callable[[str], Neutron | None] | None, socket: str
) -> list[Answer]:
    """All steps of a port, in their order. The first that is not well is where it stands."""
    try:
        report, away = await read(etcd, prefix), ""
    except StoreError as error:
        report, away = Report([], [], {}), f"etcd cannot be read: {error}"
    answers, bound = _in_database(port, neutron, report, away)
    if away:
        return [*answers, Answer("etcd", "wrong", away)]
    lines = {line.host: line for line in report.ports if line.port == port}
    if not lines and not bound:
        answers.append(Answer("etcd", "wrong", f"no host has a key for the port {port}"))
    for host in sorted(bound | lines.keys()):
        path = keys.port(host, port)
        if host not in bound:
            missing = Answer("etcd", "waits", f"{prefix}{path} is gone")
        elif any(each.step == "outbox" and each.text.startswith(path) for each in answers):
            missing = Answer("etcd", "waits", f"{prefix}{path} is not there yet: it waits in the outbox")
        else:
            text = f"{prefix}{path} is missing, and nothing waits to write it; `weft-neutron audit` repairs that"
            missing = Answer("etcd", "wrong", text)
        if host in lines:
            item = await etcd.get(prefix + path)
            answers += await _on_host(item, prefix + path, missing, report, lines[host], socket)
        else:
            answers.append(missing)
    return answers


def _in_database(
    port: str, neutron: Callable[[str], Neutron | None] | None, report: Report, away: str
) -> tuple[list[Answer], set[str]]:
    """What the database says, and the hosts that we bound the port on. `away` says why there is no report, if so."""
    if neutron is None:
        text = "no look from here: Neutron is not installed, or no database configured ([database] connection)"
        return [Answer("neutron", "unseen", text)], set()
    try:
        found = neutron(port)
    except Exception as error:  # whatever the database's driver raises
        text = (str(error) or repr(error)).splitlines()[0]
        return [Answer("neutron", "wrong", f"the database cannot be read: {text}")], set()
    if found is None:
        return [Answer("neutron", "wrong", f"there is no port {port}")], set()
    answers = [_in_neutron(found, each, report, away) for each in found.bindings]
    return answers + _in_outbox(found), {each.host for each in found.bindings if each.driver == DRIVER}


async def _on_host(
    item: Item | None, key: str, missing: Answer, report: Report, line: PortLine, socket: str
) -> list[Answer]:
    """The key, the agent, what it says of the port, what it is about to do, the forwarder's interface."""
    problem = report.problems.get(key)
    if item is None:
        answers = [missing]
    elif problem:
        answers = [Answer("etcd", "wrong", f"{key} of revision {item.modified}: {problem}")]
    else:
        answers = [Answer("etcd", "well", f"{key} of revision {item.modified}: {line.segment}")]
    host = _host(report, line.host)
    if host is None or not host.alive:
        return [*answers, Answer("agent", "wrong", f"no agent lives on {line.host}")]
    text = f"lives on {line.host} since {ago(host.since)}; {host.forwarder}"
    answers.append(Answer("agent", "well" if host.ready else "wrong", text))
    if line.segment.startswith("vxlan"):
        answers += [Answer("agent", "wrong", f"{what}: {problem}") for what, problem in host.problems.items()]
    text = f"{line.step} since {ago(line.since)}" if line.since else line.step
    answers.append(Answer("port", _STATES.get(line.step, "wrong"), text + (f": {line.reason}" if line.reason else "")))
    answers += [Answer("plan", "waits", operation) for operation in line.plan]
    if line.interface:
        answers.append(await _in_forwarder(socket, line))
    return answers


_STATES: dict[str, State] = {"up": "well", "down": "well", "pending": "waits", "unwanted": "waits"}


def _host(report: Report, name: str) -> HostLine | None:
    return next((each for each in report.hosts if each.host == name), None)


def _in_neutron(found: Neutron, binding: Binding, report: Report, away: str) -> Answer:
    state: State
    host, kind = binding.host, binding.vif_type
    if not host:
        state, text = "waits", "not bound, as nobody has said on which host it is to be (binding:host_id)"
    elif binding.driver == DRIVER:
        state, text = "well", f"bound on {host} as {kind} ({binding.status})"
    elif binding.status == "INACTIVE" and kind == "unbound":
        state, text = "well", f"bound on {host} no more, from where it migrated"
    elif binding.driver is not None:
        state, text = "wrong", f"bound on {host} as {kind} by {binding.driver}, not by us"
    else:
        state, text = "wrong", f"{kind} on {host}: {away or _why_not_bound(found, host, report)}"
    return Answer("neutron", state, f"{found.status}; {text}")


def _why_not_bound(found: Neutron, host: str, report: Report) -> str:
    """What the driver would miss now."""
    agent = _host(report, host)
    if agent is None or not agent.alive:
        return f"no agent lives on {host}"
    reasons = []
    for kind, physnet in found.segments:
        if physnet is not None and physnet not in agent.physnets:
            reasons.append(
                f"its network is on physical network {physnet}, and {host} has {', '.join(agent.physnets) or 'none'}"
            )
        elif kind == "vxlan" and not agent.tunnels:
            reasons.append(f"its network is VXLAN, and {host} has no tunnel_address")
    return "; ".join(reasons) or f"{host} could do it now; bind it anew. Neutron's log says what was missing then"


def _in_outbox(found: Neutron) -> list[Answer]:
    if not found.outbox:
        return [Answer("outbox", "well", "nothing waits")]
    answers = []
    for row in found.outbox:
        text = f"{row['key']} waits since {ago(row['since'])}"
        if row["error"]:
            text += f", tried {row['attempts']} times: {row['error']}"
        answers.append(Answer("outbox", "wrong" if row["error"] else "waits", text))
    return answers


async def _in_forwarder(socket: str, line: PortLine) -> Answer:
    """The interface with its counters and drops, if the forwarder of the port's host is the one behind a socket."""
    forwarder = Forwarder(socket, timeout=5)
    try:
        await forwarder.connect()
        found = await forwarder.dump("sw_interface_dump", sw_if_index=ALL)
        name = next((each.interface_name for each in found if each.tag == tags.port(line.port)), None)
        if name is None:
            raise Refused(f"the forwarder at {socket} does not have it; ask on {line.host}")
        shown = (await forwarder.call("cli_inband", cmd=f"show interface {name}")).reply
    except (Lost, Refused) as error:
        return Answer("forwarder", "unseen", f"{line.interface}; no look at its counters from here: {error}")
    finally:
        await forwarder.close()
    return Answer("forwarder", "well", shown.rstrip())


__all__ = ["Answer", "Binding", "Neutron", "ago", "walk"]
