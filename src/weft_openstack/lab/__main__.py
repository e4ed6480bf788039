"""``weft-openstack-lab up|down|status|run|console``: an OpenStack network on one machine, of real parts."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from weft.lab.image import ImageError
from weft.lab.machine import MachineError
from weft.lab.terminal import converse
from weft_openstack.lab import guest as guests
from weft_openstack.lab.cloud import Cloud
from weft_openstack.lab.demonstration import demonstrate
from weft_openstack.lab.hosts import BIN
from weft_openstack.lab.process import NotReady

FOLDER = Path("/var/lib/weft-openstack-lab")

console = Console(highlight=False, soft_wrap=True)


class Said:
    """Prints steps, each with the seconds since the beginning."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, text: str) -> None:
        console.print(f"\n[bold]{text}[/bold] [dim]({time.monotonic() - self.began:.0f} s)[/dim]")


@click.group()
@click.option("--folder", default=str(FOLDER), show_default=True, help="Where its data and logs are.")
@click.pass_context
def main(context: click.Context, folder: str) -> None:
    """An OpenStack network on one machine: two hosts, three networks, a router, virtual machines."""
    if os.geteuid() != 0:
        raise click.ClickException("the lab needs root, for namespaces: try `make lab-openstack`")
    context.obj = Cloud(Path(folder).absolute(), Said())


@main.command()
@click.pass_obj
def up(cloud: Cloud) -> None:
    """Start it and show that it works; it is left running."""
    with _errors(
        f"The lab is left as it is, with its logs in {cloud.folder}; `make lab-openstack-down` takes it away."
    ):
        with cloud.up():
            demonstrate(cloud, lambda text: console.print("  " + text, markup=False))
            done = cloud.status("ports")
            console.print(done.stdout + done.stderr, markup=False)
        console.print(AFTERWARDS.format(folder=cloud.folder, bin=BIN), markup=False)


@main.command()
@click.pass_obj
def down(cloud: Cloud) -> None:
    """Stop all of it and remove its files."""
    with _errors():
        gone = cloud.down()
    console.print("removed: " + ", ".join(gone) if gone else "there was no lab")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def status(cloud: Cloud, arguments: tuple[str, ...]) -> None:
    """weft-status, with its ARGUMENTS: all, ports, why PORT; a virtual machine's name stands for its port."""
    with _errors():
        done = cloud.status(*arguments)
    console.print(done.stdout + done.stderr, markup=False)
    sys.exit(done.returncode)


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("node")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(cloud: Cloud, node: str, command: tuple[str, ...]) -> None:
    """Run a COMMAND (a shell, if none) in a NODE: controller, host1, host2."""
    with _errors():
        sys.exit(subprocess.call(cloud.node(node).inside(*(command or (os.environ.get("SHELL", "/bin/sh"),)))))


@main.command("console")
@click.argument("name")
@click.pass_obj
def attach(cloud: Cloud, name: str) -> None:
    """The console of a virtual machine; Ctrl-] leaves it."""
    found = {guest.name: guest for guest in guests.load(cloud.folder)}
    if name not in found:
        raise click.ClickException(f"there is no {name}; there are: {', '.join(found) or 'none'}")
    with socket.socket(socket.AF_UNIX) as line, _errors():
        line.connect(str(found[name].console_path(cloud.folder)))
        console.print(f"{name}, {found[name].address}; Ctrl-] leaves")
        converse(line, name)


@contextlib.contextmanager
def _errors(hint: str = "") -> Iterator[None]:
    """What goes wrong, as one message."""
    try:
        yield
    except (NotReady, MachineError, ImageError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"{error}\n{hint}".strip()) from error
    except KeyboardInterrupt:
        raise click.ClickException(f"interrupted\n{hint}".strip()) from None


AFTERWARDS = """
Left running
  in the node controller: etcd, MariaDB, RabbitMQ, Neutron
  in the nodes host1 and host2: an engine, weft-agent, virtual machines; on host1 Neutron's DHCP, L3 and metadata agents
  their configurations and logs are in {folder}

Look at it
  {bin}/weft-openstack-lab status                 weft-status; also: status why vm1
  {bin}/weft-openstack-lab console vm1            a virtual machine's console
  {bin}/weft-openstack-lab run host1              a shell on a host: ip netns, ps, ...
  {bin}/weft-openstack-lab run controller curl -s http://127.0.0.1:9696/v2.0/ports
  {bin}/weftctl -s {folder}/host1/cli.sock show bridge-domain

Stop it
  make lab-openstack-down
"""

if __name__ == "__main__":
    main()
