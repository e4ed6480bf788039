"""What keys in etcd should hold, as Neutron's database says now: many keys in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
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
    """What the database says of some ports, and of what they are on."""

    ports: dict[str, Any]
    segments: dict[str, Any]
    mtus: dict[str, int | None]  #: of networks
    parents: dict[str, str]  #: of trunks: their ports

    @staticmethod
    def read(session: Any, numbers: Iterable[str]) -> Rows:
        """Their bindings, addresses and sub-ports come along with ports, as Neutron's models say."""
        ports = {port.id: port for port in session.query(models_v2.Port).filter(models_v2.Port.id.in_(numbers))}
        places = {level.segment_id for port in ports.values() for level in port.binding_levels}
        found = session.query(segments.NetworkSegment).filter(segments.NetworkSegment.id.in_(places))
        networks = {port.network_id for port in ports.values()}
        mtus = session.query(models_v2.Network.id, models_v2.Network.mtu).filter(models_v2.Network.id.in_(networks))
        trunks = {port.sub_port.trunk_id for port in ports.values() if port.sub_port is not None}
        parents = session.query(trunk.Trunk.id, trunk.Trunk.port_id).filter(trunk.Trunk.id.in_(trunks))
        return Rows(
            ports,
            {segment.id: segment for segment in found},
            {network: mtu for network, mtu in mtus},
            {number: port for number, port in parents},
        )

    def segment(self, port: Any, host: str) -> Any:
        """The segment that we bound a port to on a host; None if there is none."""
        for level in port.binding_levels:
            if level.host == host and level.driver == naming.DRIVER:
                return self.segments.get(level.segment_id)
        return None

    def port(self, host: str, port: str) -> records.Port | None:
        """The record of a port on a host."""
        row = self.ports.get(port)
        binding = next((each for each in row.port_bindings if each.host == host), None) if row is not None else None
        segment = self.segment(row, host) if binding is not None else None
        if row is None or binding is None or segment is None or binding.vif_type not in OURS:
            return None
        return records.Port(
            revision=row.standard_attr.revision_number,
            network=row.network_id,
            segment=records.Segment(
                id=segment.id,
                type=segment.network_type,
                physnet=segment.physical_network,
                number=segment.segmentation_id,
            ),
            mac=row.mac_address,
            attachment=self._attachment(row, binding),
            admin_up=bool(row.admin_state_up),
            active=binding.status == constants.ACTIVE,
            mtu=self.mtus.get(row.network_id) or 0,
            ips=_addresses(row),
            owner=row.device_owner or "",
            pairs=tuple(
                sorted(
                    (
                        records.AddressPair(mac=str(pair.mac_address), ip=str(pair.ip_address))
                        for pair in row.allowed_address_pairs
                    ),
                    key=lambda pair: (pair.mac, pair.ip),
                )
            ),
        )

    def _attachment(self, port: Any, binding: Any) -> records.Attachment:
        sub = port.sub_port
        if sub is not None:
            return records.SubPort(self.parents[sub.trunk_id], sub.segmentation_id)
        if binding.vif_type == portbindings.VIF_TYPE_TAP:
            return records.HostInterface(device(port.id))
        return records.VhostUser(msgspec.json.decode(binding.vif_details)[portbindings.VHOST_USER_SOCKET])

    def location(self, network: str, port: str) -> records.Location | None:
        """The record of where a port of a tunnelled network is."""
        row = self.ports.get(port)
        if row is None or row.network_id != network:
            return None
        for binding in row.port_bindings:
            if binding.status != constants.ACTIVE or binding.vif_type not in OURS:
                continue
            segment = self.segment(row, binding.host)
            if segment is not None and segment.network_type == constants.TYPE_VXLAN:
                return records.Location(
                    revision=row.standard_attr.revision_number,
                    host=binding.host,
                    mac=row.mac_address,
                    ips=_addresses(row),
                )
        return None


_MAKERS: dict[type[records.Record], Any] = {records.Port: Rows.port, records.Location: Rows.location}


def _addresses(port: Any) -> tuple[str, ...]:
    return tuple(sorted(str(fixed.ip_address) for fixed in port.fixed_ips))
