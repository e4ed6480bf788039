"""Tells Neutron what the agents say: which live, and which ports forward. One process does it, chosen in etcd."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from typing import Any

from neutron.db import models_v2, provisioning_blocks
from neutron.plugins.ml2 import models as ml2
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.callbacks import resources
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from oslo_config import cfg

from weft_openstack.neutron import agents, audit, naming
from weft_openstack.neutron.loop import EtcdThread
from weft_openstack.neutron.outbox import Outbox
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Item, Put, StoreError, Unchanged
from weft_openstack.store.lease import Lease
from weft_openstack.store.mirror import Mirror

log = logging.getLogger(__name__)

ELECTION = "neutron/follower"  #: who does it; the value says where
RETRY = 3.0  #: seconds until the next attempt to be the one
HEARTBEAT = 20.0  #: seconds; Neutron calls an agent dead after 75


class Follower:
    """Stands for election; while elected, a thread works off what changed below state/."""

    def __init__(self, store: EtcdThread, prefix: str, outbox: Outbox, audit_interval: float) -> None:
        self.store, self.prefix, self.outbox = store, prefix, outbox
        self.audit_interval = audit_interval
        self._elected = threading.Event()
        self._work = threading.Event()
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._mirror: Mirror | None = None
        self._plugged: dict[str, int] = {}  #: where virtual machines migrate to: state -> of which record Nova was told

    def start(self) -> None:
        self.store.begin(self._stand())
        threading.Thread(target=self._run, name="weft-follower", daemon=True).start()

    # in the loop: being elected, hearing

    async def _stand(self) -> None:
        """Stand for election for ever."""
        while True:
            try:
                await self._serve()
            except StoreError as error:
                log.debug("not elected: %s", error)
            except Exception:
                log.exception("following the agents failed; trying again")
            self._elected.clear()
            await asyncio.sleep(RETRY)

    async def _serve(self) -> None:
        """Be elected and hear until the lease is lost. Returns at once if another one is."""
        etcd, key = self.store.etcd, self.prefix + ELECTION
        if await etcd.get(key) is not None:
            return
        lost = asyncio.Event()
        lease = Lease(etcd, lost.set, seconds=15)
        await lease.hold()
        value = f"{socket.gethostname()} {os.getpid()}".encode()
        if not await etcd.transact([Unchanged(key, 0)], [Put(key, value, lease.id)]):
            await etcd.revoke(lease.id)
            return
        log.info("this process follows the agents from now on")
        mirror = self._mirror = Mirror(etcd, self.prefix + keys.STATE, self._hear)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(lease.run()), group.create_task(mirror.run())]
            await mirror.complete.wait()
            self._elected.set()
            await lost.wait()
            log.warning("this process follows the agents no longer: its lease ended")
            for task in tasks:
                task.cancel()

    def _hear(self, paths: set[str]) -> None:
        with self._lock:
            self._changed |= paths
        self._work.set()

    # in the thread: telling Neutron

    def _run(self) -> None:
        while True:
            self._elected.wait()
            try:
                self._follow()
            except StoreError as error:
                log.warning("etcd: %s; all is told again", error)
                time.sleep(RETRY)
            except Exception:
                log.exception("telling Neutron failed; all is told again")
                time.sleep(RETRY)

    def _follow(self) -> None:
        """Tell all that was said before, then what changes."""
        mirror = self._mirror
        assert mirror is not None
        context = neutron_context.get_admin_context()
        told: dict[str, records.Agent] = {}
        beat, audited = 0.0, time.monotonic()
        with self._lock:
            self._changed |= set(mirror.items) | {_path(*each) for each in _bound(context, active=True)}
        while self._elected.is_set():
            with self._lock:
                changed, self._changed = self._changed, set()
            self._work.clear()
            if due := time.monotonic() - beat > HEARTBEAT:
                beat = time.monotonic()
                changed |= {_path(*each) for each in _bound(context, active=False)} & mirror.items.keys()
            agents.tell(context, mirror.items, told, changed, due)
            for path in sorted(changed):
                self._tell_port(context, path, mirror.items)
            if time.monotonic() - audited > self.audit_interval:
                audited = time.monotonic()
                audit.repair(self.store, self.prefix, self.outbox)
            self._work.wait(HEARTBEAT / 4)

    def _tell_port(self, context: Any, path: str, items: dict[str, Item]) -> None:
        parsed = keys.parse(keys.STATE + path)
        if parsed is None or parsed.kind is not records.PortState:
            return
        host, port = parsed.words["host"], parsed.words["port"]
        try:
            self._tell(context, host, port, items.get(path), _is_ready(items.get(f"{host}/agent")))
        except records.Malformed as error:
            log.warning("%s: %s", path, error)
        except Exception:
            log.exception("port %s on %s: its status could not be told; trying again", port, host)
            timer = threading.Timer(RETRY, self._hear, [{path}])
            timer.daemon = True
            timer.start()

    def _tell(self, context: Any, host: str, port: str, item: Item | None, ready: bool) -> None:
        """Make a port's status what the agent of its host says. Where there is no agent, or one that has just begun,
        nobody knows, and the forwarder goes on without it: the status stays."""
        now = _of(models_v2.Port.status, context, port, host, constants.ACTIVE)
        if now is None:
            self._tell_nova(context, host, port, item)
            return
        if item is None:
            if ready and now == constants.PORT_STATUS_ACTIVE:
                _down(context, port, host)
            return
        state = records.read(records.PortState, item)
        if state.status != "up":
            if now == constants.PORT_STATUS_ACTIVE:
                _down(context, port, host)
        elif now != constants.PORT_STATUS_ACTIVE and self._is_current(host, port, state):
            provisioning_blocks.provisioning_complete(
                context, port, resources.PORT, provisioning_blocks.L2_AGENT_ENTITY
            )

    def _tell_nova(self, context: Any, host: str, port: str, item: Item | None) -> None:
        """Tell Nova, once for each record, that a port forwards on a host that its virtual machine migrates to. Its
        status says nothing of that: it is that of the host where the virtual machine is."""
        path = _path(host, port)
        if item is None:
            self._plugged.pop(path, None)
            return
        state = records.read(records.PortState, item)
        if state.status != "up" or self._plugged.get(path) == state.at or not self._is_current(host, port, state):
            return
        self._plugged[path] = state.at
        notifier = getattr(directory.get_plugin(), "nova_notifier", None)
        row = _of(models_v2.Port, context, port, host, constants.INACTIVE)
        if row is not None and notifier is not None and cfg.CONF.notify_nova_on_port_status_changes:
            log.info("port %s forwards on %s, where it migrates to", port, host)
            notifier.notify_port_active_direct(row)

    def _is_current(self, host: str, port: str, state: records.PortState) -> bool:
        """Whether the agent speaks of the port's record that is there now."""
        item = self.store.call(self.store.etcd.get(self.prefix + keys.port(host, port)))
        return item is not None and item.modified == state.at


def _is_ready(item: Item | None) -> bool:
    """Whether an agent has said something of all ports of its host."""
    if item is None:
        return False
    try:
        return records.read(records.Agent, item).ready
    except records.Malformed:
        return False


def _path(host: str, port: str) -> str:
    return keys.port_state(host, port).removeprefix(keys.STATE)


@db_api.retry_db_errors
def _bound(context: Any, active: bool) -> list[tuple[str, str]]:
    """Hosts and ports of ours that are ACTIVE, or are not: their agents may have gone on without us."""
    status = models_v2.Port.status == constants.PORT_STATUS_ACTIVE
    with db_api.CONTEXT_READER.using(context):
        query = (
            context.session.query(ml2.PortBindingLevel.host, ml2.PortBindingLevel.port_id)
            .join(models_v2.Port, models_v2.Port.id == ml2.PortBindingLevel.port_id)
            .filter(ml2.PortBindingLevel.driver == naming.DRIVER, status if active else ~status)
        )
        return [(host, port) for host, port in query]


@db_api.retry_db_errors
def _of(what: Any, context: Any, port: str, host: str, binding: str) -> Any:
    """Something of a port whose binding on a host has a status; None if it has none of these."""
    with db_api.CONTEXT_READER.using(context):
        query = (
            context.session.query(what)
            .join(ml2.PortBinding, ml2.PortBinding.port_id == models_v2.Port.id)
            .filter(models_v2.Port.id == port, ml2.PortBinding.host == host, ml2.PortBinding.status == binding)
        )
        return query.scalar()


def _down(context: Any, port: str, host: str) -> None:
    directory.get_plugin().update_port_status(context, port, constants.PORT_STATUS_DOWN, host)
