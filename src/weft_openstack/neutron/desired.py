"""What a key in etcd should hold, as Neutron's database says now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from neutron.db import models_v2
from neutron.db.models import allowed_address_pair  # noqa: F401  ports have them by it
from neutron.db.models import segment as segments
from neutron.plugins.ml2 import models as ml2
from neutron.services.trunk import models as trunk
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.db import api as db_api

from weft_openstack.neutron import naming
from weft_openstack.store import keys, records

OURS = (portbindings.VIF_TYPE_VHOST_USER, portbindings.VIF_TYPE_TAP)


def device(port: str) -> str:
    """The Linux device of a DHCP or router port, as Neutron's agents name it."""
    return f"{constants.TAP_DEVICE_PREFIX}{port}"[: constants.DEVICE_NAME_MAX_LEN - 1]


@db_api.retry_db_errors
def wanted(path: str) -> records.Record | None:
    """The record that a key should hold; None if the key should not be there."""
    parsed = keys.parse(path)
    if parsed is None:
        return None
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        if parsed.kind is records.Port:
            return _port(context.session, parsed.words["port"], parsed.words["host"])
        return _location(context.session, parsed.words["port"], parsed.words["network"])


@db_api.retry_db_errors
def every() -> set[str]:
    """All keys that should be there."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        return set(_every(context.session))


@db_api.retry_db_errors
def network_of(port: str) -> str | None:
    """The network of a port."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        found: str | None = context.session.query(models_v2.Port.network_id).filter_by(id=port).scalar()
        return found


def _every(session: Any) -> Iterator[str]:
    bound = (
        session.query(ml2.PortBindingLevel, ml2.PortBinding.status, segments.NetworkSegment)
        .join(
            ml2.PortBinding,
            (ml2.PortBinding.port_id == ml2.PortBindingLevel.port_id)
            & (ml2.PortBinding.host == ml2.PortBindingLevel.host),
        )
        .join(segments.NetworkSegment, segments.NetworkSegment.id == ml2.PortBindingLevel.segment_id)
        .filter(ml2.PortBindingLevel.driver == naming.DRIVER, ml2.PortBinding.vif_type.in_(OURS))
    )
    for level, status, segment in bound:
        yield keys.port(level.host, level.port_id)
        if segment.network_type == constants.TYPE_VXLAN and status == constants.ACTIVE:
            yield keys.location(segment.network_id, level.port_id)


def _segment(session: Any, port: str, host: str) -> Any:
    """The segment that we bound a port to on a host."""
    query = (
        session.query(segments.NetworkSegment)
        .join(ml2.PortBindingLevel, ml2.PortBindingLevel.segment_id == segments.NetworkSegment.id)
        .filter(
            ml2.PortBindingLevel.port_id == port,
            ml2.PortBindingLevel.host == host,
            ml2.PortBindingLevel.driver == naming.DRIVER,
        )
    )
    return query.one_or_none()


def _port(session: Any, port_id: str, host: str) -> records.Port | None:
    binding = session.get(ml2.PortBinding, (port_id, host))
    port = session.get(models_v2.Port, port_id)
    segment = _segment(session, port_id, host) if binding is not None else None
    if port is None or segment is None or binding.vif_type not in OURS:
        return None
    mtu = session.query(models_v2.Network.mtu).filter_by(id=port.network_id).scalar()
    return records.Port(
        revision=port.standard_attr.revision_number,
        network=port.network_id,
        segment=records.Segment(
            id=segment.id,
            type=segment.network_type,
            physnet=segment.physical_network,
            number=segment.segmentation_id,
        ),
        mac=port.mac_address,
        attachment=_attachment(session, port_id, binding),
        admin_up=bool(port.admin_state_up),
        active=binding.status == constants.ACTIVE,
        mtu=mtu or 0,
        ips=_addresses(port),
        owner=port.device_owner or "",
        pairs=tuple(
            sorted(
                (
                    records.AddressPair(mac=str(pair.mac_address), ip=str(pair.ip_address))
                    for pair in port.allowed_address_pairs
                ),
                key=lambda pair: (pair.mac, pair.ip),
            )
        ),
    )


def _attachment(session: Any, port: str, binding: Any) -> records.Attachment:
    sub = session.get(trunk.SubPort, port)
    if sub is not None:
        parent = session.query(trunk.Trunk.port_id).filter_by(id=sub.trunk_id).scalar()
        return records.SubPort(parent, sub.segmentation_id)
    if binding.vif_type == portbindings.VIF_TYPE_TAP:
        return records.HostInterface(device(port))
    return records.VhostUser(msgspec.json.decode(binding.vif_details)[portbindings.VHOST_USER_SOCKET])


def _addresses(port: Any) -> tuple[str, ...]:
    return tuple(sorted(str(fixed.ip_address) for fixed in port.fixed_ips))


def _location(session: Any, port_id: str, network: str) -> records.Location | None:
    port = session.get(models_v2.Port, port_id)
    if port is None or port.network_id != network:
        return None
    active = [each for each in port.port_bindings if each.status == constants.ACTIVE and each.vif_type in OURS]
    for binding in active:
        segment = _segment(session, port_id, binding.host)
        if segment is not None and segment.network_type == constants.TYPE_VXLAN:
            return records.Location(
                revision=port.standard_attr.revision_number,
                host=binding.host,
                mac=port.mac_address,
                ips=_addresses(port),
            )
    return None
