"""``weft-agent``: run the agent, or print what it would do."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from pathlib import Path

from oslo_config import cfg

from weft_openstack import options
from weft_openstack.agent.agent import Agent, Config
from weft_openstack.agent.desired import HostFacts
from weft_openstack.agent.forwarder import Lost, Refused
from weft_openstack.agent.presence import Occupied, lock
from weft_openstack.store.etcd import StoreError

COMMAND = [
    cfg.BoolOpt("plan", default=False, help="Print what would be done now, and exit."),
    cfg.BoolOpt("verbose", short="v", default=False, help="Log every step."),
]
HOST = cfg.StrOpt("host", default=socket.gethostname(), help="This host's name, as Nova and Neutron have it.")


def configure(conf: cfg.ConfigOpts, machine: str) -> Config:
    """The agent's configuration from the options. Raises Misconfigured."""
    group = conf[options.GROUP]
    facts = HostFacts(
        name=conf.host,
        physnets=options.physnets(group),
        vhost_user_dir=group.vhost_user_dir,
        tunnel_address=group.tunnel_address,
        mac_age=group.mac_age,
    )
    return Config(facts, options.settings(group), options.prefix(group), group.api_socket, machine, group.read_interval)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opts(COMMAND)
    conf.register_opt(HOST)
    options.register(conf, options.STORE, options.DRIVER, options.AGENT)
    conf(sys.argv[1:] if arguments is None else arguments, project="neutron", prog="weft-agent")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("weft_openstack").setLevel(logging.DEBUG if conf.verbose else logging.INFO)
    try:
        if conf.plan:
            asyncio.run(_print_plan(configure(conf, "")))
            return
        held, machine = lock(Path(conf[options.GROUP].state_dir), conf.host)
        with held:
            asyncio.run(_run(configure(conf, machine)))
    except (options.Misconfigured, OSError) as error:
        sys.exit(f"weft-agent: {error}")
    except (Occupied, StoreError, Lost, Refused) as error:
        sys.exit(f"weft-agent: {error}")
    except BaseExceptionGroup as group:
        occupied = group.subgroup(Occupied)
        if occupied is None:
            raise
        sys.exit(f"weft-agent: {occupied.exceptions[0]}")


async def _print_plan(config: Config) -> None:
    agent = Agent(config)
    try:
        plan = await agent.show_plan()
    finally:
        await agent.close()
    for operation in plan.operations:
        print(operation)
    for ref, problem in plan.problems.items():
        print(f"cannot: {ref}: {problem}")
    if not plan.operations and not plan.problems:
        print("nothing to do")


async def _run(config: Config) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await Agent(config).run()
    except asyncio.CancelledError:
        logging.getLogger("weft_openstack").info("stopped; the forwarder goes on as it is")
