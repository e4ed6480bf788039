"""``python -m weft.lab up|down|console|vxlan-up|vxlan-down``: start a lab and show that it works; end it; be a guest's
terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import click

from weft.core.cli.server import DEFAULT_SOCKET
from weft.lab import guests, network, vxlan
from weft.lab.engine import LabEngine, LabError, console, ping, step
from weft.lab.image import ImageError, image
from weft.lab.machine import Console as Shell
from weft.lab.machine import MachineError, accelerator

RUN = Path("/run/weft")
OTHERS = Path(__file__).with_name("others.cli")
ENGINE = LabEngine(RUN, "lab", Path(DEFAULT_SOCKET), Path(__file__).with_name("listing.cli"))
OVERLAY = vxlan.Lab("weft", RUN / "vxlan")


@click.group()
def main() -> None:
    """Labs on one machine: an engine, virtual machines, a trunk with two VLANs, a host on each; or three engines that
    VXLAN joins.
    """


def started(name: str, action: Callable[[], None]) -> None:
    """Start a lab by its steps, and say what there is to do if one fails."""
    if os.geteuid() != 0:
        raise click.ClickException(f"network namespaces need root: try `sudo make {name}`")
    try:
        action()
    except (LabError, MachineError, ImageError, OSError, subprocess.TimeoutExpired) as error:
        raise click.ClickException(f"{error}\nThe lab is left as it is; `make {name}-down` takes it away.") from error


def removed(gone: list[str]) -> None:
    console.print("removed: " + ", ".join(gone) if gone else "there was no lab")


@main.command()
def up() -> None:
    """Start the lab, ping through it, and show a packet's way."""
    started("lab", show_vlans)


@main.command()
def down() -> None:
    """Stop the engine and remove the hosts."""
    removed(take_down())


@main.command()
def vxlan_up() -> None:
    """Start three engines in namespaces of their own, joined by VXLAN; let all their hosts ping one another."""
    started("lab-vxlan", OVERLAY.up)


@main.command()
def vxlan_down() -> None:
    """Stop the three engines and remove their hosts."""
    removed(OVERLAY.down())


@main.command("console")
@click.argument("name", type=click.Choice([guest.name for guest in guests.GUESTS]))
def terminal(name: str) -> None:
    """Be a virtual machine's terminal; Ctrl-] leaves it."""
    [guest] = [guest for guest in guests.GUESTS if guest.name == name]
    try:
        guests.attach(guest, RUN)
    except OSError as error:
        raise click.ClickException(f"{name} is not there ({error.strerror}); `make lab` starts it") from error


def take_down() -> list[str]:
    """End what is left of a lab."""
    return [*guests.remove(RUN), *ENGINE.stop(), *network.remove()]


def show_vlans() -> None:
    """The lab of ``make lab``."""
    take_down()
    step("What the virtual machines boot: Debian's cloud kernel and a busybox")
    console.print(f"  {image().kernel.parent}, with {accelerator().upper()}")
    step("Hosts in network namespaces, each on a VLAN of one trunk")
    network.build()
    for host in network.HOSTS:
        console.print(f"  {host.namespace}: eth0 {host.address}/24, VLAN {host.vlan}, gateway {host.gateway}")
    step(f"The engine, with the configuration in {ENGINE.listing}")
    console.print(f"  ready after {ENGINE.start():.1f} s")
    ENGINE.ctl("exec", str(OTHERS))
    step("Virtual machines")
    shells = boot()
    step("Pings from the virtual machines")
    vm00, vm01 = shells["vm00"], shells["vm01"]
    ping_from("vm00", vm00, "192.168.2.1", "eth0.2")
    ping_from("vm00", vm00, "192.168.3.1", "eth0.3")
    ping_from("vm01", vm01, "192.168.3.1", "eth0")
    ping_from("vm01", vm01, "192.168.2.20", "eth0")
    ping_from("vm00", vm00, "192.168.3.21", "eth0.2")
    step("Pings from the hosts")
    for host in network.HOSTS:
        others = [other.address for other in network.HOSTS if other is not host]
        for target in (host.gateway, *others, "192.168.3.21"):
            ping_host(host, target)
    step("The way of one echo request from vm00, VLAN 2, to vm01, VLAN 3 (show trace)")
    show_way(vm00)
    console.print(AFTERWARDS.format(pid=ENGINE.pid))


def ping_host(host: network.Host, target: str) -> None:
    """Ping from a host; raises LabError where nothing comes back."""
    pinged = ping(host.namespace, target)
    console.print(f"  {host.namespace} → {target}: {pinged.summary}")
    if not pinged.answered:
        raise LabError(f"{host.namespace} cannot reach {target}")


def boot() -> dict[str, Shell]:
    """Start the virtual machines and set up their network; their shells."""
    began = time.monotonic()
    for guest in guests.GUESTS:
        guests.start(guest, RUN)
    shells = {}
    for guest in guests.GUESTS:
        shell = shells[guest.name] = guests.shell(guest, RUN)
        for line in guest.setup:
            shell.run(line)
        addresses = ", ".join(f"{name} {address}/24" for name, address in guest.addresses.items())
        console.print(f"  {guest.name}: {addresses}; its card is {guest.card.socket}")
    console.print(f"  ready after {time.monotonic() - began:.1f} s")
    return shells


def ping_from(name: str, shell: Shell, target: str, interface: str) -> None:
    """Ping from a virtual machine by one of its interfaces; raises LabError where nothing comes back."""
    try:
        said = shell.run(f"ping -c 3 -W 2 -I {interface} {target}")
    except MachineError as error:
        raise LabError(f"{name} cannot reach {target}:\n{error}") from error
    summary = re.search(r"\d+ packets transmitted.*", said)
    console.print(f"  {name} {interface} → {target}: {summary[0].strip() if summary else said}")


def show_way(shell: Shell) -> None:
    """Trace one packet."""
    ENGINE.ctl("clear", "trace")
    ENGINE.ctl("trace", "add", "vhost-user-input", "4")
    shell.run("ping -c 1 -I eth0.2 192.168.3.21")
    trace = ENGINE.ctl("show", "trace")
    first = next((part for part in re.split(r"^Packet \d+$", trace, flags=re.M)[1:] if "echo_request" in part), trace)
    console.print(first.strip(), markup=False)


AFTERWARDS = f"""
[bold]Left running[/bold]
  the engine, process {{pid}}, its command line at {ENGINE.cli}, its log in {ENGINE.log}
  the virtual machines {", ".join(guest.name for guest in guests.GUESTS)}
  the hosts, in network namespaces: {", ".join(host.namespace for host in network.HOSTS)}

[bold]Look at it[/bold]
  .venv/bin/weftctl                             interactive: ? lists the commands, Tab completes
  .venv/bin/weftctl show interface
  .venv/bin/weftctl show vhost-user VirtualEthernet0/0/0
  .venv/bin/python -m weft.lab console vm00     its terminal; Ctrl-] leaves it
  .venv/bin/weftctl show bridge-domain 2 detail
  .venv/bin/weftctl show ip fib table 4
  ip netns exec weft-host2 ping 192.168.3.10

[bold]Stop it[/bold]
  make lab-down
"""

if __name__ == "__main__":
    main()
