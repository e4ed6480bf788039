"""Records as the driver writes them."""

from __future__ import annotations

from typing import Any

from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd, Put

NETWORK = "00000000-0000-0000-0000-00000000{:04x}"
SEGMENT = "11111111-0000-0000-0000-00000000{:04x}"
PORT = "22222222-0000-0000-0000-00000000{:04x}"


def vlan(number: int, physnet: str = "physnet1") -> records.Segment:
    return records.Segment(id=SEGMENT.format(number), type="vlan", physnet=physnet, number=number)


def flat(physnet: str = "physnet1") -> records.Segment:
    return records.Segment(id=SEGMENT.format(0), type="flat", physnet=physnet)


def vxlan(vni: int) -> records.Segment:
    return records.Segment(id=SEGMENT.format(vni), type="vxlan", number=vni)


def port(number: int, segment: records.Segment, folder: str = "/run/test", **fields: Any) -> records.Port:
    """A virtual machine's port, unless said otherwise."""
    wanted: dict[str, Any] = {
        "revision": 1,
        "network": NETWORK.format(segment.number or 0),
        "segment": segment,
        "mac": f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}",
        "attachment": records.VhostUser(f"{folder}/{PORT.format(number)}"),
    }
    return records.Port(**wanted | fields)


def location(number: int, host: str, *ips: str) -> records.Location:
    return records.Location(revision=1, host=host, mac=f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}", ips=ips)


async def put_ports(etcd: Etcd, prefix: str, host: str, ports: dict[int, records.Port]) -> None:
    """Write ports of a host."""
    names = list(ports)
    for start in range(0, len(names), 100):
        await etcd.transact(
            (),
            [
                Put(prefix + keys.port(host, PORT.format(number)), records.encode(ports[number]))
                for number in names[start : start + 100]
            ],
        )
