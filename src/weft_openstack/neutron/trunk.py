"""Trunks: their sub-ports are bound where their parent is, and a trunk is as active as all of its ports."""

from __future__ import annotations

import logging
from typing import Any

from neutron.objects import ports as port_objects
from neutron.objects import trunk as trunk_objects
from neutron.services.trunk.drivers import base
from neutron_lib import constants, exceptions
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory
from neutron_lib.services.trunk import constants as trunk_constants
from oslo_config import cfg

from weft_openstack.neutron import naming

log = logging.getLogger(__name__)


class TrunkDriver(base.DriverBase):
    """What the trunk plug-in asks whether trunks are possible, and what follows them."""

    def __init__(self) -> None:
        super().__init__(
            naming.DRIVER,
            (portbindings.VIF_TYPE_VHOST_USER,),
            (trunk_constants.SEGMENTATION_TYPE_VLAN,),
            can_trunk_bound_port=True,
        )

    @property
    def is_loaded(self) -> bool:
        return naming.DRIVER in cfg.CONF.ml2.mechanism_drivers

    @registry.receives(resources.TRUNK_PLUGIN, [events.AFTER_INIT])
    def register(self, resource: str, event: str, trigger: Any, payload: Any = None) -> None:
        super().register(resource, event, trigger, payload=payload)
        for what, when, told in (
            (resources.TRUNK, events.AFTER_CREATE, self._trunk_made),
            (resources.TRUNK, events.AFTER_DELETE, self._trunk_gone),
            (resources.SUBPORTS, events.AFTER_CREATE, self._added),
            (resources.SUBPORTS, events.AFTER_DELETE, self._removed),
            (resources.PORT, events.AFTER_UPDATE, self._port_changed),
        ):
            registry.subscribe(told, what, when)

    def _trunk_made(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        trunk = payload.states[0]
        _bind(trunk.port_id, [sub.port_id for sub in trunk.sub_ports])
        _set_status(trunk.id)

    def _trunk_gone(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        _unbind([sub.port_id for sub in payload.states[0].sub_ports])

    def _added(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        trunk = payload.states[0]
        _bind(trunk.port_id, [sub.port_id for sub in payload.metadata["subports"]])
        _set_status(trunk.id)

    def _removed(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        _unbind([sub.port_id for sub in payload.metadata["subports"]])
        _set_status(payload.states[0].id)

    def _port_changed(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        """A parent that moved takes its sub-ports along; any port's status is part of the trunk's."""
        before, now = payload.states[0], payload.latest_state
        moved = before.get(portbindings.HOST_ID) != now.get(portbindings.HOST_ID)
        if not moved and before.get("status") == now.get("status"):
            return
        context = neutron_context.get_admin_context()
        if now["device_owner"] == trunk_constants.TRUNK_SUBPORT_OWNER:
            sub = trunk_objects.SubPort.get_object(context, port_id=now["id"])
            if sub is not None:
                _set_status(sub.trunk_id)
            return
        trunk = trunk_objects.Trunk.get_object(context, port_id=now["id"])
        if trunk is None:
            return
        if moved:
            _bind(now["id"], [sub.port_id for sub in trunk.sub_ports])
        _set_status(trunk.id)


def _bind(parent: str, subs: list[str]) -> None:
    """Bind sub-ports to the host of their parent."""
    context = neutron_context.get_admin_context()
    host = directory.get_plugin().get_port(context, parent)[portbindings.HOST_ID]
    for sub in subs:
        _update(sub, {portbindings.HOST_ID: host, "device_owner": trunk_constants.TRUNK_SUBPORT_OWNER})


def _unbind(subs: list[str]) -> None:
    for sub in subs:
        _update(sub, {portbindings.HOST_ID: "", "device_owner": ""})


def _update(port: str, changes: dict[str, Any]) -> None:
    try:
        directory.get_plugin().update_port(neutron_context.get_admin_context(), port, {"port": changes})
    except exceptions.PortNotFound:
        log.debug("the sub-port %s was deleted meanwhile", port)


def _set_status(number: str) -> None:
    """A trunk is active when all of its ports are, down while its parent is, degraded when a sub-port is not bound."""
    context = neutron_context.get_admin_context()
    trunk = trunk_objects.Trunk.get_object(context, id=number)
    if trunk is None:
        return
    members = [trunk.port_id, *(sub.port_id for sub in trunk.sub_ports)]
    ports = {port.id: port for port in port_objects.Port.get_objects(context, id=members)}
    failed = any(
        binding.vif_type == portbindings.VIF_TYPE_BINDING_FAILED for port in ports.values() for binding in port.bindings
    )
    up = {port.id for port in ports.values() if port.status == constants.PORT_STATUS_ACTIVE}
    if failed:
        status = trunk_constants.TRUNK_DEGRADED_STATUS
    elif trunk.port_id not in up:
        status = trunk_constants.TRUNK_DOWN_STATUS
    elif up == set(members):
        status = trunk_constants.TRUNK_ACTIVE_STATUS
    else:
        status = trunk_constants.TRUNK_BUILD_STATUS
    if trunk.status != status:
        trunk.update(status=status)
