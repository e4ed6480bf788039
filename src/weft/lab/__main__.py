"""``python -m weft.lab up|down|console``: start the lab and show that it works; end it; be a guest's terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console

from weft.core.cli.server import DEFAULT_SOCKET
from weft.lab import guests, network
from weft.lab.image import ImageError, image
from weft.lab.machine import Console as Shell
from weft.lab.machine import MachineError, accelerator

RUN = Path("/run/weft")
PID = RUN / "lab.pid"
SOCKET = Path(DEFAULT_SOCKET)
LISTING = Path(__file__).with_name("listing.cli")
OTHERS = Path(__file__).with_name("others.cli")
BIN = Path(sys.executable).parent

console = Console(highlight=False, soft_wrap=True)


class LabError(Exception):
    """The lab does not work; the message says where."""


@click.group()
def main() -> None:
    """A lab on one machine: an engine, virtual machines, a trunk with two VLANs, a host on each."""


@main.command()
def up() -> None:
    """Start the lab, ping through it, and show a packet's way."""
    if os.geteuid() != 0:
        raise click.ClickException("network namespaces need root: try `sudo make lab`")
    take_down()
    try:
        step("What the virtual machines boot: Debian's cloud kernel and a busybox")
        console.print(f"  {image().kernel.parent}, with {accelerator().upper()}")
        step("Hosts in network namespaces, each on a VLAN of one trunk")
        network.build()
        for host in network.HOSTS:
            console.print(f"  {host.namespace}: eth0 {host.address}/24, VLAN {host.vlan}, gateway {host.gateway}")
        step("The engine, with the configuration in " + str(LISTING))
        start_engine()
        ctl("exec", str(OTHERS))
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
            for target in (
                host.gateway,
                *(other.address for other in network.HOSTS if other is not host),
                "192.168.3.21",
            ):
                ping(host, target)
        step("The way of one echo request from vm00, VLAN 2, to vm01, VLAN 3 (show trace)")
        show_way(vm00)
    except (LabError, MachineError, ImageError, OSError, subprocess.TimeoutExpired) as error:
        raise click.ClickException(f"{error}\nThe lab is left as it is; `make lab-down` takes it away.") from error
    console.print(AFTERWARDS.format(pid=PID.read_text().strip()))


@main.command()
def down() -> None:
    """Stop the engine and remove the hosts."""
    gone = take_down()
    console.print("removed: " + ", ".join(gone) if gone else "there was no lab")


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
    gone = guests.remove(RUN)
    try:
        pid = int(PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        pid, command = 0, b""
    if pid and b"weft" in command:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        gone.append(f"engine (process {pid})")
    return [*gone, *network.remove()]


def step(title: str) -> None:
    console.print(f"\n[bold]{title}[/bold]")


def start_engine() -> None:
    """Start ``weft-engine``; it returns when it is ready."""
    RUN.mkdir(parents=True, exist_ok=True)
    log = RUN / "lab.log"
    log.unlink(missing_ok=True)
    stanzas = f"unix {{ log {log} pidfile {PID} cli-listen {SOCKET} exec {LISTING} }}"
    began = time.monotonic()
    done = subprocess.run([BIN / "weft-engine", *stanzas.split()], check=False)
    if done.returncode:
        raise LabError(f"the engine did not start; its log is {log}")
    errors = [line for line in log.read_text().splitlines() if " ERROR " in line]
    if errors:
        raise LabError("the engine could not carry out the listing:\n" + "\n".join(errors))
    console.print(f"  ready after {time.monotonic() - began:.1f} s")


def ctl(*command: str) -> str:
    """Run a command line in the engine."""
    done = subprocess.run(
        [BIN / "weftctl", "-s", str(SOCKET), *command], capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def ping(host: network.Host, target: str, count: int = 3) -> None:
    """Ping from a host; raises LabError where nothing comes back."""
    command = ["ip", "netns", "exec", host.namespace, "ping", "-c", str(count), "-i", "0.2", "-W", "2", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    summary = re.search(r"\d+ packets transmitted.*", done.stdout)
    console.print(f"  {host.namespace} → {target}: {summary[0] if summary else done.stderr.strip()}")
    if done.returncode:
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
    ctl("clear", "trace")
    ctl("trace", "add", "vhost-user-input", "4")
    shell.run("ping -c 1 -I eth0.2 192.168.3.21")
    trace = ctl("show", "trace")
    first = next((part for part in re.split(r"^Packet \d+$", trace, flags=re.M)[1:] if "echo_request" in part), trace)
    console.print(first.strip(), markup=False)


AFTERWARDS = f"""
[bold]Left running[/bold]
  the engine, process {{pid}}, its command line at {SOCKET}, its log in {RUN}/lab.log
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
