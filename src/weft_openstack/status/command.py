"""``weft-status``: all hosts and what is not well; ``weft-status why PORT``: the way of one port."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from oslo_config import cfg

from weft_openstack import options
from weft_openstack.status import report, why
from weft_openstack.store.etcd import Etcd, StoreError

MARKS = {"well": " ", "waits": "~", "wrong": "!", "unseen": "?"}


def _commands(parsers: Any) -> None:
    parsers.add_parser("all", help="hosts, and the ports that are not well")
    parsers.add_parser("ports", help="hosts and all ports")
    parser = parsers.add_parser("why", help="where one port stands, and why")
    parser.add_argument("port")


def main(arguments: list[str] | None = None) -> None:
    """The command. Its exit status is 1 if something is not well."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opt(cfg.BoolOpt("json", default=False, help="Print JSON."))
    conf.register_cli_opt(cfg.SubCommandOpt("command", handler=_commands, title="commands"))
    options.register(conf, options.STORE, options.DRIVER, options.AGENT)
    given = sys.argv[1:] if arguments is None else arguments
    if not {"all", "ports", "why", "-h", "--help"} & set(given):
        given = [*given, "all"]
    conf(given, project="neutron", prog="weft-status")
    try:
        sys.exit(asyncio.run(_run(conf)))
    except (options.Misconfigured, StoreError, OSError) as error:
        sys.exit(f"weft-status: {error}")


async def _run(conf: Any) -> int:
    group = conf[options.GROUP]
    prefix = options.prefix(group)
    async with Etcd(options.settings(group)) as etcd:
        if conf.command.name == "why":
            answers = await why.walk(etcd, prefix, conf.command.port, _neutron(conf.config_file), group.api_socket)
            stands = next((each.step for each in answers if each.state in ("waits", "wrong")), None)
            lines = [*map(_answer, answers), f"it stands at the step {stands}" if stands else "all is well"]
            print(_json(answers) if conf.json else "\n".join(lines))
            return int(stands is not None)
        found = await report.read(etcd, prefix)
    everything = conf.command.name == "ports"
    print(_json(found) if conf.json else "\n".join(_lines(found, everything)))
    wrong = bool(found.problems) or any(host.problems or not host.alive for host in found.hosts)
    return int(wrong or bool(_unwell(found)))


def _json(what: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(what)).decode()


def _unwell(found: report.Report) -> list[report.PortLine]:
    return [line for line in found.ports if line.step not in ("up", "down")]


def _answer(answer: why.Answer) -> str:
    first, *more = answer.text.splitlines() or [""]
    return "\n".join([f"{MARKS[answer.state]} {answer.step:<10} {first}", *(f"{'':13}{line}" for line in more)])


def _lines(found: report.Report, everything: bool) -> list[str]:
    rows = [["HOST", "AGENT", "FORWARDER", "PORTS", "UP", "FAILED", "PENDING"]]
    for host in found.hosts:
        agent = f"since {why.ago(host.since)}" if host.alive else "none"
        counts = (str(count) for count in (host.ports, host.up, host.failed, host.pending))
        rows.append([host.host, agent, host.forwarder, *counts])
    lines = _table(rows)
    ports = found.ports if everything else _unwell(found)
    if ports:
        table = [("PORT", "HOST", "STATE", "SINCE", "SEGMENT", "INTERFACE", "REASON")]
        for line in ports:
            since = why.ago(line.since) if line.since else ""
            table.append((line.port, line.host, line.step, since, line.segment, line.interface, line.reason))
        lines += ["", *_table(table)]
    lines += [f"! {host.host}: {what}: {problem}" for host in found.hosts for what, problem in host.problems.items()]
    lines += [f"! {key}: {problem}" for key, problem in sorted(found.problems.items())]
    return lines if found.hosts or found.problems else ["no host has an agent or a port"]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _neutron(files: list[str] | None) -> Callable[[str], why.Neutron | None] | None:
    """How to ask the database, where Neutron is installed and says where the database is."""
    try:
        from weft_openstack.neutron import lookup
    except ImportError:
        return None
    return lookup.connect(files)
