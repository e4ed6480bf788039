"""``python -m weft.lab up|down``: start the lab and show that it works; or take it away."""

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
from weft.lab import network

RUN = Path("/run/weft")
PID = RUN / "lab.pid"
SOCKET = Path(DEFAULT_SOCKET)
LISTING = Path(__file__).with_name("listing.cli")
BIN = Path(sys.executable).parent

console = Console(highlight=False, soft_wrap=True)


class LabError(Exception):
    """The lab does not work; the message says where."""


@click.group()
def main() -> None:
    """A lab on one machine: an engine, a trunk with two VLANs, a host on each."""


@main.command()
def up() -> None:
    """Start the lab, ping through it, and show a packet's way."""
    if os.geteuid() != 0:
        raise click.ClickException("network namespaces need root: try `sudo make lab`")
    take_down()
    try:
        step("Hosts in network namespaces, each on a VLAN of one trunk")
        network.build()
        for host in network.HOSTS:
            console.print(f"  {host.namespace}: eth0 {host.address}/24, VLAN {host.vlan}, gateway {host.gateway}")
        step("The engine, with the configuration in " + str(LISTING))
        start_engine()
        step("Pings")
        for host in network.HOSTS:
            for target in (host.gateway, *(other.address for other in network.HOSTS if other is not host)):
                ping(host, target)
        step("The way of one echo request from VLAN 2 to VLAN 3 (show trace)")
        show_way(*network.HOSTS)
    except (LabError, OSError) as error:
        raise click.ClickException(f"{error}\nThe lab is left as it is; `make lab-down` takes it away.") from error
    console.print(AFTERWARDS.format(pid=PID.read_text().strip()))


@main.command()
def down() -> None:
    """Stop the engine and remove the hosts."""
    gone = take_down()
    console.print("removed: " + ", ".join(gone) if gone else "there was no lab")


def take_down() -> list[str]:
    """End what is left of a lab."""
    gone = []
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


def show_way(source: network.Host, target: network.Host) -> None:
    """Trace one packet."""
    ctl("clear", "trace")
    ctl("trace", "add", "af-packet-input", "4")
    ping(source, target.address, count=1)
    trace = ctl("show", "trace")
    first = next((part for part in re.split(r"^Packet \d+$", trace, flags=re.M)[1:] if "echo_request" in part), trace)
    console.print(first.strip(), markup=False)


AFTERWARDS = f"""
[bold]Left running[/bold]
  the engine, process {{pid}}, its command line at {SOCKET}, its log in {RUN}/lab.log
  the hosts, in network namespaces: {", ".join(host.namespace for host in network.HOSTS)}

[bold]Look at it[/bold]
  .venv/bin/weftctl                             interactive: ? lists the commands, Tab completes
  .venv/bin/weftctl show interface
  .venv/bin/weftctl show bridge-domain 2 detail
  .venv/bin/weftctl show ip fib table 4
  ip netns exec weft-host2 ping 192.168.3.10

[bold]Stop it[/bold]
  make lab-down
"""

if __name__ == "__main__":
    main()
