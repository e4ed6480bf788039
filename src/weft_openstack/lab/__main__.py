"""``python -m weft_openstack.lab``: start the lab, show that it works, take it away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from weft.lab.machine import MachineError
from weft_openstack.lab.cloud import Cloud, Server
from weft_openstack.lab.process import NotReady

console = Console(highlight=False, soft_wrap=True)


class LabError(Exception):
    """Something does not work as it should."""


@click.command()
@click.option("--environment", default=".venv-openstack", help="The virtual environment that Neutron is installed in.")
@click.option("--folder", default="/tmp/weft-openstack", help="Where data and logs are.")
@click.option("--tunnels/--no-tunnels", default=True, help="With a VXLAN network, or without.")
@click.option("--keep/--no-keep", default=sys.stdin.isatty(), help="Wait before all is taken away.")
def main(environment: str, folder: str, tunnels: bool, keep: bool) -> None:
    """An OpenStack network on one machine: two hosts, three networks, a router, three virtual machines."""
    if os.geteuid() != 0:
        raise click.ClickException("network namespaces need root: try `sudo make lab-openstack`")
    try:
        with Cloud(Path(folder), Path(environment).absolute(), say, tunnels) as cloud:
            show(cloud)
            if keep:
                click.pause(f"All of it runs; its files are in {folder}. A key takes it away ...")
    except (NotReady, LabError, MachineError, RuntimeError, OSError) as error:
        raise click.ClickException(f"{error}\nLogs are in {folder}.") from error


def say(text: str) -> None:
    console.print(f"[bold]{text}[/bold]")


def show(cloud: Cloud) -> None:
    """Networks, machines, pings, metadata, status."""
    say("Networks: VLAN, flat" + (", VXLAN" if cloud.tunnels else "") + ", and a router between them")
    networks = [
        cloud.network("vlan", "vlan", "10.1.0.0/24", physical_network="physnet1"),
        cloud.network("flat", "flat", "10.2.0.0/24", physical_network="physnet2"),
    ]
    if cloud.tunnels:
        networks.append(cloud.network("vxlan", "vxlan", "10.3.0.0/24"))
    router = cloud.neutron.create("router", name="router")
    for network in networks:
        cloud.neutron.call("PUT", f"routers/{router['id']}/add_router_interface", {"subnet_id": network["subnet"]})
        console.print(f"  {network['name']}: {network.get('provider:segmentation_id')}, MTU {network['mtu']}")
    say("Virtual machines, on either host")
    places = [(network, f"h{2 - number % 2}") for number, network in enumerate(networks)]
    servers = [cloud.boot(network, host, f"vm{number}") for number, (network, host) in enumerate(places, 1)]
    for (network, host), server in zip(places, servers, strict=True):
        cloud.active(server)
        server.machine.ready()
        address = server.configure()
        expect(address == server.address, f"{host}, {network['name']}: got {address} by DHCP")
    say("Pings: gateways, each other across the router")
    for (network, _), server in zip(places, servers, strict=True):
        expect(server.machine.ping(network["gateway"]), f"{server.address} → gateway {network['gateway']}")
        for other in servers:
            if other is not server:
                expect(server.machine.ping(other.address), f"{server.address} → {other.address}")
    say("The metadata address")
    for server in servers:
        fetch(server)
    say("weft-status")
    status(cloud)


def expect(true: bool, what: str) -> None:
    console.print(f"  {what}: {'yes' if true else '[red]no[/red]'}")
    if not true:
        raise LabError(what)


def fetch(server: Server) -> None:
    # busybox's wget, linked statically, ends with a segmentation fault where it looks a name up.
    request = "GET /latest/meta-data/instance-id HTTP/1.0\\r\\n\\r\\n"
    said = server.machine.run(f"printf '{request}' | nc -w 20 169.254.169.254 80", 60)
    expect(f"instance {server.port['device_id']}" in said, f"{server.address}: {said.strip().splitlines()[-1]}")


def status(cloud: Cloud) -> None:
    """What an operator sees."""
    configuration = str(cloud.neutron.configuration)
    command = (sys.executable, "-c", "from weft_openstack.status.command import main; main()")
    done = subprocess.run(
        (*command, "--config-file", configuration, "ports"), text=True, capture_output=True, timeout=60
    )
    console.print(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
