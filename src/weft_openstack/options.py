"""The options of ``[ml2_vpp]``, for Neutron's side and the agent's, named as networking-vpp named them."""

from __future__ import annotations

import os
from typing import Any

from oslo_config import cfg

from weft_openstack.store.etcd import Settings, Tls
from weft_openstack.store.keys import DEFAULT_PREFIX

GROUP = "ml2_vpp"

STORE = [
    cfg.StrOpt(
        "etcd_host",
        default="127.0.0.1",
        help="etcd's members, with commas between them; each may have its own port behind a colon.",
    ),
    cfg.PortOpt("etcd_port", default=2379, help="The port of members that are named without one."),
    cfg.StrOpt("etcd_user", help="The user at etcd, where its authentication is on."),
    cfg.StrOpt("etcd_pass", secret=True, help="The user's password."),
    cfg.StrOpt("etcd_ca_cert", help="The file of the authority that signed the members' certificates."),
    cfg.StrOpt("etcd_cert", help="The file of our own certificate, where etcd wants one."),
    cfg.StrOpt("etcd_key", help="The file of our certificate's key."),
    cfg.BoolOpt(
        "etcd_insecure_explicit_disable_https",
        default=False,
        help="Talk to etcd without TLS. Whoever can listen then reads everything, passwords too.",
    ),
    cfg.StrOpt("etcd_prefix", default=DEFAULT_PREFIX, help="What all keys begin with, with a slash at both ends."),
]
DRIVER = [
    cfg.StrOpt("vhost_user_dir", default="/var/run/weft/vhost-user", help="Where virtual machines' sockets are."),
    cfg.ListOpt(
        "network_types", default=["flat", "vlan", "vxlan"], help="The types of segments that ports are bound to."
    ),
    cfg.IntOpt("audit_interval", default=300, min=1, help="Seconds between comparisons of database and etcd."),
]
AGENT = [
    cfg.StrOpt("physnets", default="", help="PHYSNET:INTERFACE with commas between: uplinks by the forwarder's names."),
    cfg.IntOpt("mac_age", default=5, min=0, max=255, help="Minutes after which a learned address ages; 0: never."),
    cfg.StrOpt("tunnel_address", help="This host's address for VXLAN; without one it has no VXLAN networks."),
    cfg.StrOpt("api_socket", default="/run/vpp/api.sock", help="Where the forwarder's API listens."),
    cfg.StrOpt("state_dir", default="/var/lib/weft-agent", help="Where the agent keeps its lock."),
    cfg.IntOpt("read_interval", default=60, min=1, help="Seconds after which all of the forwarder is read again."),
]


def register(conf: Any, *groups: list[Any]) -> Any:
    """Register options; the group with their values."""
    for options in groups:
        conf.register_opts(options, GROUP)
    return conf[GROUP]


class Misconfigured(ValueError):
    """An option that cannot be; says which and why."""


def settings(conf: Any) -> Settings:
    """How to reach etcd, from the options. Raises Misconfigured."""
    tls = None
    if not conf.etcd_insecure_explicit_disable_https:
        tls = Tls(conf.etcd_ca_cert, conf.etcd_cert, conf.etcd_key)
        if bool(tls.cert) != bool(tls.key):
            raise Misconfigured("etcd_cert and etcd_key: one needs the other")
        for option, name in (("etcd_ca_cert", tls.ca), ("etcd_cert", tls.cert), ("etcd_key", tls.key)):
            if name and not os.access(name, os.R_OK):
                raise Misconfigured(f"{option}: {name} cannot be read")
    elif conf.etcd_ca_cert or conf.etcd_cert:
        raise Misconfigured("etcd_insecure_explicit_disable_https is true, so etcd_ca_cert and etcd_cert mean nothing")
    endpoints = tuple(_endpoint(each.strip(), conf.etcd_port) for each in conf.etcd_host.split(",") if each.strip())
    if not endpoints:
        raise Misconfigured("etcd_host names no member")
    return Settings(endpoints, tls, conf.etcd_user, conf.etcd_pass)


def _endpoint(text: str, port: int) -> str:
    has_port = text.rpartition(":")[2].isdigit() and (text.count(":") == 1 or "]:" in text)
    if has_port:
        return text
    return f"[{text}]:{port}" if ":" in text and not text.startswith("[") else f"{text}:{port}"


def prefix(conf: Any) -> str:
    """What all keys begin with. Raises Misconfigured."""
    text = str(conf.etcd_prefix)
    if len(text) < 2 or not (text.startswith("/") and text.endswith("/")):
        raise Misconfigured(f"etcd_prefix: {text!r} has no slash at both ends, as /weft/ has")
    return text


def physnets(conf: Any) -> dict[str, str]:
    """Physical network -> the forwarder's interface. Raises Misconfigured."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in conf.physnets.split(","))):
        name, colon, interface = part.partition(":")
        if not (name and colon and interface):
            raise Misconfigured(f"physnets: {part!r} is no PHYSNET:INTERFACE")
        if name in found or interface in found.values():
            raise Misconfigured(f"physnets: {name if name in found else interface} is named twice")
        found[name] = interface
    return found
