"""Our agents in Neutron's list of agents."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from neutron_lib import exceptions
from neutron_lib.plugins import directory
from oslo_utils import timeutils

from weft_openstack.neutron import naming
from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Item

log = logging.getLogger(__name__)

LONG_AGO = datetime.timedelta(days=1)


def tell(context: Any, items: dict[str, Item], told: dict[str, records.Agent], changed: set[str], beat: bool) -> None:
    """Tell Neutron of agents: each at a heartbeat, before it only what matters for binding."""
    for path in {path for path in (items if beat else changed) if path.endswith("/agent")} | (
        changed & {f"{host}/agent" for host in told}
    ):
        parsed = keys.parse(keys.STATE + path)
        if parsed is None:
            continue
        host = parsed.words["host"]
        item = items.get(path)
        if item is None:
            if told.pop(host, None):
                _dead(context, host)
            continue
        try:
            agent = records.read(records.Agent, item)
        except records.Malformed as error:
            log.warning("%s: %s", item.key, error)
            continue
        if beat or host not in told or _matters(agent) != _matters(told[host]):
            _alive(context, host, agent, host not in told)
            told[host] = agent


def _matters(agent: records.Agent) -> tuple[object, ...]:
    return agent.physnets, agent.tunnels, agent.vhost_user_dir, agent.ready, agent.started


def _alive(context: Any, host: str, agent: records.Agent, first: bool) -> None:
    state: dict[str, Any] = {
        "agent_type": naming.AGENT_TYPE,
        "binary": "weft-agent",
        "host": host,
        "topic": "N/A",
        "configurations": {
            "physnets": agent.physnets,
            "tunnels": agent.tunnels,
            "vhost_user_dir": agent.vhost_user_dir,
            "version": agent.agent,
            "forwarder": agent.forwarder,
            "ready": agent.ready,
            "devices": agent.ports,
            "failed": agent.failed,
        },
    }
    if first:
        state["start_flag"] = True
    directory.get_plugin().create_or_update_agent(context, state, timeutils.utcnow())


def _dead(context: Any, host: str) -> None:
    """Its lease ended. Neutron would find out in a minute; ports are bound meanwhile."""
    plugin = directory.get_plugin()
    try:
        agent = plugin._get_agent_by_type_and_host(context, naming.AGENT_TYPE, host)
        agent.heartbeat_timestamp = timeutils.utcnow() - LONG_AGO
        agent.update()
    except exceptions.NeutronException as error:
        log.warning("agent of %s: %s", host, error)
