"""The mechanism driver ``vpp``: binds ports to segments that the agent on their host has, and notes what changed."""

from __future__ import annotations

from typing import Any

from neutron.plugins.ml2.drivers import mech_agent
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg
from oslo_log import log as logging

from weft_openstack import options
from weft_openstack.neutron import naming, outbox
from weft_openstack.neutron.copier import Copier
from weft_openstack.neutron.follower import Follower
from weft_openstack.neutron.loop import EtcdThread
from weft_openstack.neutron.trunk import TrunkDriver

log = logging.getLogger(__name__)


class Driver(mech_agent.SimpleAgentMechanismDriverBase):
    """What ML2 calls. None of it waits for etcd."""

    def __init__(self) -> None:
        # No security groups yet, and that is what Nova and Neutron are told.
        super().__init__(naming.AGENT_TYPE, portbindings.VIF_TYPE_VHOST_USER, {portbindings.CAP_PORT_FILTER: False})

    @property
    def connectivity(self) -> str:
        return str(portbindings.CONNECTIVITY_L2)

    def initialize(self) -> None:
        super().initialize()
        self.conf = options.register(cfg.CONF, options.STORE, options.DRIVER)
        self._store = EtcdThread(options.settings(self.conf))
        prefix = options.prefix(self.conf)
        self._copier = Copier(self._store, prefix)
        self._follower = Follower(self._store, prefix, self._copier.outbox, self.conf.audit_interval)
        self._begun = False
        self._trunks = TrunkDriver()
        outbox.follow_bindings(self._copier.hand)
        registry.subscribe(self._begin, resources.PROCESS, events.AFTER_INIT)

    def _begin(self, *_: Any, **__: Any) -> None:
        """This process is one that serves: threads may begin."""
        if not self._begun:
            self._begun = True
            self._store.start()
            self._copier.start()
            self._follower.start()

    # binding

    def get_allowed_network_types(self, agent: dict[str, Any] | None = None) -> list[str]:
        """Types of segments; VXLAN only where the host has an address for tunnels."""
        if agent is None or agent["configurations"].get("tunnels"):
            return list(self.conf.network_types)
        return [each for each in self.conf.network_types if each != constants.TYPE_VXLAN]

    def get_mappings(self, agent: dict[str, Any]) -> dict[str, str]:
        return dict(agent["configurations"].get("physnets", {}))

    def get_vif_type(self, context: Any, agent: dict[str, Any], segment: dict[str, Any]) -> str:
        """DHCP and router ports are Linux devices, all others virtual machines."""
        if context.current["device_owner"].startswith(constants.DEVICE_OWNER_NETWORK_PREFIX):
            return str(portbindings.VIF_TYPE_TAP)
        return str(portbindings.VIF_TYPE_VHOST_USER)

    def get_vif_details(self, context: Any, agent: dict[str, Any], segment: dict[str, Any]) -> dict[str, Any]:
        """'server': QEMU listens and the forwarder connects, so that the forwarder can be started anew beneath it."""
        details = dict(self.vif_details)
        if self.get_vif_type(context, agent, segment) == portbindings.VIF_TYPE_VHOST_USER:
            folder = agent["configurations"].get("vhost_user_dir") or self.conf.vhost_user_dir
            details[portbindings.VHOST_USER_SOCKET] = f"{folder}/{context.current['id']}"
            details[portbindings.VHOST_USER_MODE] = portbindings.VHOST_USER_MODE_SERVER
        return details

    # noting what changed

    def _mark(self, context: Any) -> None:
        port = context.current
        hosts = [host for host in (context.host, context.original_host) if host]
        outbox.mark(context.plugin_context.session, outbox.port_keys(port["id"], port["network_id"], hosts))

    def create_port_precommit(self, context: Any) -> None:
        super().create_port_precommit(context)
        self._mark(context)

    def update_port_precommit(self, context: Any) -> None:
        super().update_port_precommit(context)
        self._mark(context)

    def delete_port_precommit(self, context: Any) -> None:
        self._mark(context)

    def update_network_precommit(self, context: Any) -> None:
        """Its MTU is in the records of its ports."""
        if context.current.get(api.MTU) != context.original.get(api.MTU):
            session = context._plugin_context.session
            outbox.mark(session, outbox.bound_keys(session, context.current["id"]))
