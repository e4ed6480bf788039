"""A port's way from Neutron's commit until its host forwards it: real Neutron, database, etcd, agent and engine.

It begins when the transaction that binds the port writes its row into the outbox, just before its commit, by the
database's clock, and ends when etcd has the agent's word that the port is up.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tests.openstack.net import port, put_ports, vlan
from tests.openstack.site import Site

from weft_openstack.store import keys, records
from weft_openstack.store.etcd import Etcd

ONE_WITHIN = 30.0  #: seconds
#: Rows of the outbox go when they are copied; these stay.
NOTE = """
CREATE TABLE noted (name VARCHAR(255), at DOUBLE, KEY (name));
CREATE TRIGGER note AFTER INSERT ON weft_outbox FOR EACH ROW
INSERT INTO noted VALUES (NEW.`key`, UNIX_TIMESTAMP(SYSDATE(6)));
"""


def run(beside: int, singles: int, folder: Path) -> None:
    """Ports one by one on an empty host, then beside others; printed. Raises NotReady."""
    site = Site(folder, Path(sys.prefix), interpreted=False, audit_interval=3600)
    with site.running():
        site.sql(NOTE)
        network = site.network(name="bench")
        for count in (0, beside):
            if count:
                site.with_etcd(lambda etcd, count=count: fill(etcd, str(site.nodes[0].sockets), count))
            took = [one(site, network) for _ in range(singles)]
            print(
                f"a port from Neutron's commit to forwarding, beside {count} others: median "
                f"{statistics.median(took) * 1000:.0f} ms, worst {max(took) * 1000:.0f} ms ({singles} ports)"
            )


async def fill(etcd: Etcd, folder: str, count: int) -> None:
    """Ports on VLANs that Neutron does not use, in etcd only: Neutron would take minutes to make them."""
    ports = {number: port(number, vlan(4000 + number % 50), folder, mtu=1500) for number in range(count)}
    await put_ports(etcd, "/weft/", "h1", ports)
    while len((await etcd.below("/weft/" + keys.port_state("h1", "")))[0]) < count:
        await asyncio.sleep(0.1)


def one(site: Site, network: Any) -> float:
    """Make a port and delete it; the seconds until it forwarded, Neutron's own before the commit not counted."""
    up: dict[str, float] = {}

    async def hear(etcd: Etcd) -> str:
        revision = (await etcd.below("/weft/none/"))[1]

        async def watch() -> None:
            async for events in etcd.watch("/weft/" + keys.port_state("h1", ""), revision + 1):
                now = time.time()
                for event in events:
                    if event.item and records.decode(records.PortState, event.item.value).status == "up":
                        up.setdefault(event.key.rpartition("/")[2], now)

        watching = asyncio.create_task(watch())
        number = str((await asyncio.to_thread(site.port, network))["id"])
        async with asyncio.timeout(ONE_WITHIN):
            while number not in up:
                await asyncio.sleep(0.01)
        watching.cancel()
        return number

    number = site.with_etcd(hear)
    began = site.sql(f"SELECT MAX(at) FROM noted WHERE name = '{keys.port('h1', number)}' AND at < {up[number]}")
    site.neutron.delete("port", number)
    return up[number] - float(began)
