"""What the database says of one port, for ``weft-status why``."""

from __future__ import annotations

from collections.abc import Callable

from neutron.common import config
from neutron.db import models_v2
from neutron.db.models.segment import NetworkSegment
from neutron.plugins.ml2 import models as ml2
from neutron.services.trunk import models as trunk  # noqa: F401  ports refer to it
from neutron_lib import context as neutron_context
from neutron_lib.db import api as db_api
from oslo_config import cfg
from oslo_db import options as db_options

from weft_openstack.neutron.outbox import Outbox
from weft_openstack.status.why import Binding, Neutron


def connect(files: list[str] | None) -> Callable[[str], Neutron | None] | None:
    """A function that asks the database of the configuration files; None if they name none."""
    config.register_common_config_options()
    cfg.CONF.register_opts(db_options.database_opts, "database")
    cfg.CONF([part for name in files or () for part in ("--config-file", name)], project="neutron")
    cfg.CONF.set_override("max_retries", 0, "database")  # who asks wants to know that it is away
    return port if cfg.CONF.database.connection else None


def port(number: str) -> Neutron | None:
    """A port, its bindings, and what waits in the outbox of it."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        session = context.session
        found = session.query(models_v2.Port.status, models_v2.Port.network_id).filter_by(id=number).one_or_none()
        if found is None:
            return None
        status, network = found
        kinds = session.query(NetworkSegment.network_type, NetworkSegment.physical_network)
        segments = [(kind, physnet) for kind, physnet in kinds.filter_by(network_id=network)]
        bindings = []
        for binding in session.query(ml2.PortBinding).filter_by(port_id=number):
            levels = session.query(ml2.PortBindingLevel.driver).filter_by(port_id=number, host=binding.host)
            driver = levels.order_by(ml2.PortBindingLevel.level.desc()).limit(1).scalar()
            bindings.append(Binding(binding.host, binding.vif_type, binding.status, driver))
    return Neutron(status, bindings, Outbox().rows(number), segments)
