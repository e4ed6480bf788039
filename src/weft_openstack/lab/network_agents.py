"""Neutron's own DHCP, L3 and metadata agents on a host of the lab, with our interface driver."""

from __future__ import annotations

from pathlib import Path

from weft_openstack.lab.hosts import Host
from weft_openstack.lab.process import Process

CONFIGURATION = """
[DEFAULT]
host = {host}
interface_driver = weft
dhcp_driver = neutron.agent.linux.dhcp.Dnsmasq
enable_isolated_metadata = true
transport_url = {transport}
state_path = {folder}
metadata_proxy_socket = {folder}/metadata.sock
metadata_proxy_user = 0
metadata_proxy_group = 0
nova_metadata_host = {metadata_host}
nova_metadata_port = {metadata_port}
metadata_proxy_shared_secret = lab
[agent]
root_helper = env
root_helper_daemon =
[AGENT]
root_helper = env
use_helper_for_ns_read = false
[oslo_concurrency]
lock_path = {folder}/locks
"""
PRIVSEP = (
    "privsep",
    "privsep_namespace",
    "privsep_dhcp_release",
    "privsep_link",
    "privsep_conntrack",
    "privsep_ovs_vsctl",
)


def agents(host: Host, environment: Path, transport: str, metadata: tuple[str, int]) -> list[Process]:
    """The three agents of a host."""
    folder = host.folder / "neutron"
    folder.mkdir(exist_ok=True)
    helper = f"{environment}/bin/privsep-helper"
    text = CONFIGURATION.format(
        host=host.name, transport=transport, folder=folder, metadata_host=metadata[0], metadata_port=metadata[1]
    )
    text += "".join(f"[{section}]\nhelper_command = {helper}\n" for section in PRIVSEP)
    configuration = folder / "agents.conf"
    configuration.write_text(text)
    path = {"PATH": f"{environment}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    return [
        Process(
            f"{name} of {host.name}",
            host.inside(f"{environment}/bin/neutron-{name}", "--config-file", str(configuration)),
            host.folder / f"{name}.log",
            environment=path,
        )
        for name in ("dhcp-agent", "l3-agent", "metadata-agent")
    ]
