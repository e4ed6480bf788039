"""A forwarder that forwards nothing: it takes an agent's messages, keeps what they make, and tells of it in dumps.

The agent's own `Forwarder` is before it, so that all of the agent's code runs; what is simulated is the process behind
the socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

from weft_openstack.agent.forwarder import ALL, ARP_TERM, POP_1, UU_FLOOD, Forwarder

UPLINK = "uplink"
MTU = 9000


class Simulated(Forwarder):
    """A connection to a forwarder in this process, which lives as long as the connection's object does."""

    def __init__(self, without: Collection[str] = ()) -> None:
        super().__init__("simulated")
        self._device = Device()
        self._without = without  #: messages that it does not know
        self.asked: dict[str, set[str]] = {}  #: messages that came, with the fields they had

    async def _open(self) -> Any:
        names = (name for name in vars(Device) if not name.startswith("_") and name not in self._without)
        return SimpleNamespace(api=SimpleNamespace(**{name: self._message(name) for name in names}))

    async def close(self) -> None:
        self._client = None
        self.lost.set()

    def _message(self, name: str) -> Callable[..., asyncio.Future[Any]]:
        def send(**fields: Any) -> asyncio.Future[Any]:
            self.asked.setdefault(name, set()).update(fields)
            answer = asyncio.get_running_loop().create_future()
            answer.set_result(getattr(self._device, name)(**fields))
            return answer

        return send


def _reply(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(retval=0, **fields)


class Device:
    """What is there. A method a message: replies, or for a dump nothing and the details."""

    def __init__(self) -> None:
        self.interfaces: dict[int, SimpleNamespace] = {}
        self.bridges: dict[int, SimpleNamespace] = {}
        self.macs: dict[int, dict[str, int]] = {}
        self.neighbors: dict[int, dict[str, str]] = {}
        self._next, self._bridge_of = 0, dict[int, int]()
        self._add(UPLINK)

    def _add(self, name: str, parent: int | None = None, vlan: int = 0, **more: Any) -> int:
        index, self._next = self._next, self._next + 1
        self.interfaces[index] = SimpleNamespace(
            sw_if_index=index, sup_sw_if_index=index if parent is None else parent, interface_name=name, tag="",
            flags=0, mtu=[MTU, 0, 0, 0], sub_number_of_tags=int(parent is not None), sub_outer_vlan_id=vlan, vtr_op=0,
            **more,
        )  # fmt: skip
        return index

    def _remove(self, index: int) -> SimpleNamespace:
        del self.interfaces[index]
        self._leave(index)
        return _reply()

    def _leave(self, index: int) -> None:
        if (bridge := self.bridges.get(self._bridge_of.pop(index, -1))) is not None:
            bridge.sw_if_details = [each for each in bridge.sw_if_details if each.sw_if_index != index]

    def show_version(self) -> Any:
        return _reply(program="simulated", version="1")

    def want_interface_events(self, enable_disable: int, pid: int) -> Any:
        return _reply()

    # interfaces

    def sw_interface_dump(self, sw_if_index: int) -> tuple[None, list[Any]]:
        return None, list(self.interfaces.values()) if sw_if_index == ALL else [self.interfaces[sw_if_index]]

    def sw_interface_set_flags(self, sw_if_index: int, flags: int) -> Any:
        self.interfaces[sw_if_index].flags = flags
        return _reply()

    def sw_interface_set_mtu(self, sw_if_index: int, mtu: list[int]) -> Any:
        self.interfaces[sw_if_index].mtu = mtu
        return _reply()

    def sw_interface_tag_add_del(self, is_add: bool, sw_if_index: int, tag: str) -> Any:
        self.interfaces[sw_if_index].tag = tag
        return _reply()

    def create_vlan_subif(self, sw_if_index: int, vlan_id: int) -> Any:
        name = f"{self.interfaces[sw_if_index].interface_name}.{vlan_id}"
        return _reply(sw_if_index=self._add(name, sw_if_index, vlan_id))

    def delete_subif(self, sw_if_index: int) -> Any:
        return self._remove(sw_if_index)

    def create_vhost_user_if_v2(self, is_server: bool, sock_filename: str, tag: str) -> Any:
        index = self._add(f"VirtualEthernet{self._next}", sock_filename=sock_filename)
        self.interfaces[index].tag = tag
        return _reply(sw_if_index=index)

    def delete_vhost_user_if(self, sw_if_index: int) -> Any:
        return self._remove(sw_if_index)

    def sw_interface_vhost_user_dump(self, sw_if_index: int) -> tuple[None, list[Any]]:
        return None, self._with("sock_filename")

    def af_packet_create_v3(self, host_if_name: str, **_: Any) -> Any:
        return _reply(sw_if_index=self._add(f"host-{host_if_name}", host_if_name=host_if_name))

    def af_packet_delete(self, host_if_name: str) -> Any:
        devices = self._with("host_if_name")
        return self._remove(next(each.sw_if_index for each in devices if each.host_if_name == host_if_name))

    def af_packet_dump(self) -> tuple[None, list[Any]]:
        return None, self._with("host_if_name")

    def vxlan_add_del_tunnel_v3(self, is_add: bool, src_address: str, dst_address: str, vni: int, **_: Any) -> Any:
        if is_add:
            what = {"src_address": ip_address(src_address), "dst_address": ip_address(dst_address), "vni": vni}
            return _reply(sw_if_index=self._add(f"vxlan_tunnel{self._next}", **what))
        tunnels = self._with("dst_address")
        return self._remove(next(t.sw_if_index for t in tunnels if (str(t.dst_address), t.vni) == (dst_address, vni)))

    def vxlan_tunnel_v2_dump(self, sw_if_index: int) -> tuple[None, list[Any]]:
        return None, self._with("dst_address")

    def _with(self, field: str) -> list[SimpleNamespace]:
        return [each for each in self.interfaces.values() if hasattr(each, field)]

    # bridge domains

    def bridge_domain_dump(self, bd_id: int, sw_if_index: int) -> tuple[None, list[Any]]:
        return None, list(self.bridges.values())

    def bridge_domain_add_del_v2(self, bd_id: int, is_add: bool, **flags: Any) -> Any:
        if is_add:
            self.bridges[bd_id] = SimpleNamespace(bd_id=bd_id, sw_if_details=[], **flags)
        else:
            for table in (self.bridges, self.macs, self.neighbors):
                table.pop(bd_id, None)
        return _reply()

    def sw_interface_set_l2_bridge(self, rx_sw_if_index: int, bd_id: int, enable: bool, shg: int = 0, **_: Any) -> Any:
        self._leave(rx_sw_if_index)
        if enable:
            self._bridge_of[rx_sw_if_index] = bd_id
            self.bridges[bd_id].sw_if_details.append(SimpleNamespace(sw_if_index=rx_sw_if_index, shg=shg))
        return _reply()

    def bridge_flags(self, bd_id: int, is_set: bool, flags: int) -> Any:
        for name, bit in (("uu_flood", UU_FLOOD), ("arp_term", ARP_TERM)):
            if flags & bit:
                setattr(self.bridges[bd_id], name, is_set)
        return _reply()

    def bridge_domain_set_mac_age(self, bd_id: int, mac_age: int) -> Any:
        self.bridges[bd_id].mac_age = mac_age
        return _reply()

    def l2_interface_vlan_tag_rewrite(self, sw_if_index: int, vtr_op: int, **_: Any) -> Any:
        assert vtr_op in (0, POP_1)
        self.interfaces[sw_if_index].vtr_op = vtr_op
        return _reply()

    def l2fib_add_del(self, mac: str, bd_id: int, sw_if_index: int, is_add: bool, **_: Any) -> Any:
        known = self.macs.setdefault(bd_id, {})
        if is_add:
            known[mac] = sw_if_index
        else:
            known.pop(mac, None)
        return _reply()

    def l2_fib_table_dump(self, bd_id: int) -> tuple[None, list[Any]]:
        known = self.macs.get(bd_id, {})
        return None, [SimpleNamespace(mac=m, sw_if_index=i, static_mac=1, bvi_mac=0) for m, i in known.items()]

    def bd_ip_mac_add_del(self, is_add: bool, entry: dict[str, Any]) -> Any:
        known = self.neighbors.setdefault(entry["bd_id"], {})
        if is_add:
            known[entry["ip"]] = entry["mac"]
        else:
            known.pop(entry["ip"], None)
        return _reply()

    def bd_ip_mac_dump(self, bd_id: int) -> tuple[None, list[Any]]:
        known = self.neighbors.get(bd_id, {})
        return None, [SimpleNamespace(entry=SimpleNamespace(ip=ip, mac=mac)) for ip, mac in known.items()]
