"""What keys in etcd should hold, as Neutron's database says now: many keys in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from neutron.db import models_v2
from neutron.db.models import allowed_address_pair
from neutron.db.models import segment as segments
from neutron.plugins.ml2 import models as ml2
from neutron.services.trunk import models as trunk
from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.db import api as db_api
from neutron_lib.db import standard_attr

from weft_openstack.neutron import naming
from weft_openstack.store import keys, records

OURS = (portbindings.VIF_TYPE_VHOST_USER, portbindings.VIF_TYPE_TAP)
CHUNK = 500  #: ports that the database is asked for at once


@dataclass(frozen=True)
class Wanted:
    """The record of each key, None where there should be none; and of which keys the database says what is no record,
    and why that is none."""

    records: dict[str, records.Record | None] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def device(port: str) -> str:
    """The Linux device of a DHCP or router port, as Neutron's agents name it."""
    return f"{constants.TAP_DEVICE_PREFIX}{port}"[: constants.DEVICE_NAME_MAX_LEN - 1]


def wanted(paths: Collection[str]) -> Wanted:
    """What some keys should hold. What is wrong with one is told of that one."""
    by_port: dict[str, list[str]] = {}
    found = Wanted()
    for path in paths:
        parsed = keys.parse(path)
        if parsed is not None and parsed.kind in _MAKERS:
            by_port.setdefault(parsed.words["port"], []).append(path)
        else:
            found.records[path] = None
    ports = list(by_port)
    for start in range(0, len(ports), CHUNK):
        chunk = ports[start : start + CHUNK]
        part = _look(chunk, [path for port in chunk for path in by_port[port]])
        found.records.update(part.records)
        found.problems.update(part.problems)
    return found


@db_api.retry_db_errors
def _look(ports: list[str], paths: list[str]) -> Wanted:
    context, found = neutron_context.get_admin_context(), Wanted()
    with db_api.CONTEXT_READER.using(context):
        rows = Rows.read(context.session, ports)
        for path in paths:
            parsed = keys.parse(path)
            assert parsed is not None
            try:
                found.records[path] = _MAKERS[parsed.kind](rows, **parsed.words)
            except (ValueError, TypeError, KeyError) as error:
                found.problems[path] = f"the database says what is no {parsed.kind.__name__.lower()}: {error!r}"
    return found


@db_api.retry_db_errors
def every() -> set[str]:
    """All keys that should be there."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        return set(_every(context.session))


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


@dataclass(frozen=True)
class Rows:
    """What the database says of some ports: a row for each host that we bound one on, and all addresses.

    Columns are asked for, not Neutron's objects: those bring along some dozens of tables, each with a query of its own.
    """

    bound: dict[str, dict[str, Any]]  #: port -> host -> row
    ips: dict[str, list[str]]
    pairs: dict[str, list[records.AddressPair]]

    @staticmethod
    def read(session: Any, numbers: Collection[str]) -> Rows:
        rows = Rows({}, {}, {})
        for row in _bindings(session).filter(models_v2.Port.id.in_(numbers)):
            rows.bound.setdefault(row.id, {}).setdefault(row.host, row)
        for port, ip, mac in session.execute(_addresses(numbers)):
            if mac:
                rows.pairs.setdefault(port, []).append(records.AddressPair(mac=mac, ip=ip))
            else:
                rows.ips.setdefault(port, []).append(ip)
        return rows

    def port(self, host: str, port: str) -> records.Port | None:
        """The record of a port on a host."""
        row = self.bound.get(port, {}).get(host)
        if row is None:
            return None
        return records.Port(
            revision=row.revision_number,
            network=row.network_id,
            segment=records.Segment(
                id=row.segment, type=row.network_type, physnet=row.physical_network, number=row.segmentation_id
            ),
            mac=row.mac_address,
            attachment=_attachment(row),
            admin_up=bool(row.admin_state_up),
            active=row.status == constants.ACTIVE,
            mtu=row.mtu or 0,
            ips=tuple(sorted(self.ips.get(port, ()))),
            owner=row.device_owner or "",
            pairs=tuple(sorted(self.pairs.get(port, ()), key=lambda pair: (pair.mac, pair.ip))),
        )

    def location(self, network: str, port: str) -> records.Location | None:
        """The record of where a port of a tunnelled network is."""
        for host, row in self.bound.get(port, {}).items():
            if (row.network_id, row.network_type, row.status) == (network, constants.TYPE_VXLAN, constants.ACTIVE):
                ips = tuple(sorted(self.ips.get(port, ())))
                return records.Location(revision=row.revision_number, host=host, mac=row.mac_address, ips=ips)
        return None


def _bindings(session: Any) -> Any:
    """Each port on each host that we bound it on."""
    port, binding, level, segment = models_v2.Port, ml2.PortBinding, ml2.PortBindingLevel, segments.NetworkSegment
    return (
        session.query(
            port.id, port.network_id, port.mac_address, port.admin_state_up, port.device_owner,
            standard_attr.StandardAttribute.revision_number, models_v2.Network.mtu,
            binding.host, binding.vif_type, binding.vif_details, binding.status,
            segment.id.label("segment"), segment.network_type, segment.physical_network, segment.segmentation_id,
            trunk.SubPort.segmentation_id.label("vlan"), trunk.Trunk.port_id.label("parent"),
        )
        .join(standard_attr.StandardAttribute, standard_attr.StandardAttribute.id == port.standard_attr_id)
        .join(models_v2.Network, models_v2.Network.id == port.network_id)
        .join(binding, binding.port_id == port.id)
        .join(level, (level.port_id == port.id) & (level.host == binding.host))
        .join(segment, segment.id == level.segment_id)
        .outerjoin(trunk.SubPort, trunk.SubPort.port_id == port.id)
        .outerjoin(trunk.Trunk, trunk.Trunk.id == trunk.SubPort.trunk_id)
        .filter(level.driver == naming.DRIVER, binding.vif_type.in_(OURS))
        .order_by(level.level)
    )  # fmt: skip


def _addresses(numbers: Collection[str]) -> Any:
    """Ports' fixed addresses, and their address pairs, which have a MAC."""
    fixed, pair = models_v2.IPAllocation, allowed_address_pair.AllowedAddressPair
    return sa.union_all(
        sa.select(fixed.port_id, fixed.ip_address, sa.literal("")).where(fixed.port_id.in_(numbers)),
        sa.select(pair.port_id, pair.ip_address, pair.mac_address).where(pair.port_id.in_(numbers)),
    )


def _attachment(row: Any) -> records.Attachment:
    if row.parent is not None:
        return records.SubPort(row.parent, row.vlan)
    if row.vif_type == portbindings.VIF_TYPE_TAP:
        return records.HostInterface(device(row.id))
    return records.VhostUser(msgspec.json.decode(row.vif_details)[portbindings.VHOST_USER_SOCKET])


_MAKERS: dict[type[records.Record], Any] = {records.Port: Rows.port, records.Location: Rows.location}
