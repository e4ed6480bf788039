"""Who may read and write what in etcd: a role for Neutron, one for operators who look, one for each host's agent.

An agent can write only what it says of itself: whoever has taken over a host cannot move another host's ports.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from aetcd import rpc

from weft_openstack.store import keys
from weft_openstack.store.etcd import Etcd, StoreError, end_of

log = logging.getLogger(__name__)

DRIVER, READER = "weft-driver", "weft-reader"
READ, READWRITE = rpc.Permission.READ, rpc.Permission.READWRITE


@dataclass(frozen=True)
class Grant:
    """One permission: a path, or all that begins with it if it ends with a slash."""

    access: int
    path: str


def agent(host: str) -> str:
    """The role, and the user, of a host's agent."""
    return f"weft-agent-{host}"


def table(hosts: Iterable[str]) -> dict[str, tuple[Grant, ...]]:
    """Role -> what it may do."""
    found: dict[str, tuple[Grant, ...]] = {DRIVER: (Grant(READWRITE, ""),), READER: (Grant(READ, ""),)}
    for host in hosts:
        found[agent(host)] = (
            Grant(READ, keys.host_ports(host)),
            Grant(READ, "networks/"),
            Grant(READ, keys.ENDPOINTS),
            Grant(READWRITE, keys.endpoint(host)),
            Grant(READWRITE, keys.host_state(host)),
        )
    return found


async def set_up(etcd: Etcd, prefix: str, hosts: Iterable[str], passwords: dict[str, str | None]) -> None:
    """Make what is missing of roles and users, and let each role do what the table says and no more. A user has its
    role's name; without a password it is one who shows a certificate with that name (CN). Raises StoreError."""
    for role, grants in table(hosts).items():
        await _make(etcd, "RoleAdd", rpc.AuthRoleAddRequest(name=role))
        have = (await etcd.administer("RoleGet", rpc.AuthRoleGetRequest(role=role))).perm
        wanted = {_range(prefix, grant): grant.access for grant in grants}
        for permission in have:
            if (permission.key, permission.range_end) not in wanted:
                request = rpc.AuthRoleRevokePermissionRequest(
                    role=role, key=permission.key, range_end=permission.range_end
                )
                await etcd.administer("RoleRevokePermission", request)
        for (key, end), access in wanted.items():
            permission = rpc.Permission(permType=access, key=key, range_end=end)
            request = rpc.AuthRoleGrantPermissionRequest(name=role, perm=permission)
            await etcd.administer("RoleGrantPermission", request)
        await _user(etcd, role, role, passwords.get(role))


async def enable(etcd: Etcd, root_password: str) -> None:
    """Turn authentication on, with a user root who may do everything."""
    await _make(etcd, "RoleAdd", rpc.AuthRoleAddRequest(name="root"))
    await _user(etcd, "root", "root", root_password)
    await etcd.administer("AuthEnable", rpc.AuthEnableRequest())


async def _user(etcd: Etcd, name: str, role: str, password: str | None) -> None:
    options = rpc.UserAddOptions(no_password=password is None)
    request = rpc.AuthUserAddRequest(name=name, password=password or "", options=options)
    if not await _make(etcd, "UserAdd", request) and password is not None:
        await etcd.administer("UserChangePassword", rpc.AuthUserChangePasswordRequest(name=name, password=password))
    await etcd.administer("UserGrantRole", rpc.AuthUserGrantRoleRequest(user=name, role=role))


async def _make(etcd: Etcd, call: str, request: object) -> bool:
    """Whether it was made, rather than there already."""
    try:
        await etcd.administer(call, request)
    except StoreError as error:
        if "already exists" not in str(error):
            raise
        return False
    return True


def _range(prefix: str, grant: Grant) -> tuple[bytes, bytes]:
    key = prefix + grant.path
    return key.encode(), end_of(key) if key.endswith("/") else b""
