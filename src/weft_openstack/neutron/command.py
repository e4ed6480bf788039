"""``weft-neutron``: what an operator does beside the database and etcd."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from oslo_config import cfg

from weft_openstack import options
from weft_openstack.store import roles
from weft_openstack.store.etcd import Etcd, StoreError


def _audit(conf: Any) -> int:
    """Compare database and etcd; note what differs in the outbox unless --check."""
    from neutron.common import config  # noqa: F401  Neutron's own options, the database's among them

    from weft_openstack.neutron import audit
    from weft_openstack.neutron.copier import Copier
    from weft_openstack.neutron.loop import EtcdThread

    group = conf[options.GROUP]
    store = EtcdThread(options.settings(group))
    store.start()
    copier = Copier(store, options.prefix(group))
    compare = audit.compare if conf.command.check else audit.repair
    differences = compare(store, copier.prefix, copier.outbox)
    if differences and not conf.command.check:
        while copier.copy():
            pass
    if conf.command.json:
        print(json.dumps([{"key": each.key, "what": each.what} for each in differences]))
    else:
        for each in differences:
            print(f"{each.key} {each.what}")
        done = "found" if conf.command.check else "repaired"
        print(f"{len(differences)} differences {done}" if differences else "database and etcd agree")
    return 1 if differences and conf.command.check else 0


def _roles(conf: Any) -> int:
    """Set users and roles up in etcd, with a password in a file each."""
    folder = Path(conf.command.passwords)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    group = conf[options.GROUP]
    names = roles.table(conf.command.hosts)
    passwords = {name: None if conf.command.certificates else _password(folder, name) for name in names}
    asyncio.run(_set_up(conf, group, passwords, _password(folder, "root") if conf.command.enable else None))
    print(f"{len(names)} roles are set up" + ("" if conf.command.certificates else f"; passwords are in {folder}"))
    return 0


async def _set_up(conf: Any, group: Any, passwords: dict[str, str | None], root: str | None) -> None:
    async with Etcd(options.settings(group)) as etcd:
        await roles.set_up(etcd, options.prefix(group), conf.command.hosts, passwords)
        if root is not None:
            await roles.enable(etcd, root)


def _password(folder: Path, name: str) -> str:
    """The password in a user's file, which is made if need be."""
    path = folder / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text().strip()


def _commands(parsers: Any) -> None:
    audit = parsers.add_parser("audit", help="compare database and etcd, and repair etcd")
    audit.add_argument("--check", action="store_true", help="repair nothing; exit with 1 if they differ")
    audit.add_argument("--json", action="store_true")
    audit.set_defaults(run=_audit)
    setup = parsers.add_parser("roles", help="set etcd's users and roles up")
    setup.add_argument("hosts", nargs="*", help="hosts that have an agent")
    setup.add_argument("--passwords", required=True, help="a folder with a file for each user")
    setup.add_argument("--certificates", action="store_true", help="users show certificates and have no password")
    setup.add_argument("--enable", action="store_true", help="turn etcd's authentication on, with a user root")
    setup.set_defaults(run=_roles)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    conf = cfg.CONF
    conf.register_cli_opt(cfg.SubCommandOpt("command", handler=_commands, title="commands"))
    options.register(conf, options.STORE, options.DRIVER)
    conf(sys.argv[1:] if arguments is None else arguments, project="neutron", prog="weft-neutron")
    try:
        sys.exit(conf.command.run(conf))
    except (options.Misconfigured, StoreError, OSError) as error:
        sys.exit(f"weft-neutron: {error}")
