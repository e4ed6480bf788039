"""What can be done to the forwarder: each operation can be printed, compared, carried out, and notes what it did.

`rank` orders a plan: operations of one rank do not depend on each other, and forwarders carry out what one connection
sends in its order. Only what needs the number of an interface that is made waits for answers: ranks in `WAITS` do.
`owner` is the tag or name of the thing that an operation is for, and whose error its failure is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from weft_openstack.agent.actual import Actual, Bridge, Host, Interface, Tunnel, Vhost, Vlan
from weft_openstack.agent.forwarder import ALL, ARP_TERM, DISABLED, POP_1, UP, UU_FLOOD, Forwarder, Refused

WAITS = (8, 9)  #: ranks at which all that was sent before has to be answered


@dataclass(frozen=True)
class Operation:
    """Something to do."""

    owner: str
    rank: ClassVar[int]

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        """Do it and note it. Raises Refused or Lost."""
        raise NotImplementedError


def _interface(actual: Actual, ref: str) -> Interface:
    found = actual.find(ref)
    if found is None:
        raise Refused(f"there is no interface {ref}")
    return found


def _bridge(actual: Actual, tag: str) -> Bridge:
    found = actual.bridge(tag)
    if found is None:
        raise Refused(f"there is no bridge domain {tag}")
    return found


# taking away


@dataclass(frozen=True)
class ForgetMac(Operation):
    bridge: int
    mac: str
    rank = 0

    def __str__(self) -> str:
        return f"forget where {self.mac} is in bridge domain {self.bridge}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        await forwarder.call("l2fib_add_del", mac=self.mac, bd_id=self.bridge, sw_if_index=ALL, is_add=False)
        actual.bridges[self.bridge].macs.pop(self.mac, None)


@dataclass(frozen=True)
class ForgetNeighbor(Operation):
    bridge: int
    address: str
    mac: str
    rank = 0

    def __str__(self) -> str:
        return f"answer no longer for {self.address} in bridge domain {self.bridge}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        entry = {"bd_id": self.bridge, "ip": self.address, "mac": self.mac}
        await forwarder.call("bd_ip_mac_add_del", is_add=False, entry=entry)
        actual.bridges[self.bridge].neighbors.pop(self.address, None)


@dataclass(frozen=True)
class Unbridge(Operation):
    index: int
    rank = 1

    def __str__(self) -> str:
        return f"take {self.owner} (sw_if_index {self.index}) out of its bridge domain"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface = actual.interfaces[self.index]
        await forwarder.call(
            "sw_interface_set_l2_bridge", rx_sw_if_index=self.index, bd_id=interface.bridge, enable=False
        )
        interface.bridge, interface.group = -1, 0


#: How what kind of interface is deleted.
_DELETE: dict[type, Callable[[Any, int], tuple[str, dict[str, Any]]]] = {
    Vhost: lambda what, index: ("delete_vhost_user_if", {"sw_if_index": index}),
    Host: lambda what, index: ("af_packet_delete", {"host_if_name": what.device}),
    Tunnel: lambda what, index: ("vxlan_add_del_tunnel_v3", {"is_add": False} | _tunnel(what)),
}


@dataclass(frozen=True)
class DeleteSub(Operation):
    """Sub-interfaces go before what they are below."""

    index: int
    rank = 2

    def __str__(self) -> str:
        return f"delete sub-interface {self.owner} (sw_if_index {self.index})"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        actual.leaving.add(self.index)
        await forwarder.call("delete_subif", sw_if_index=self.index)
        actual.remove(self.index)


@dataclass(frozen=True)
class Delete(Operation):
    index: int
    what: Vhost | Host | Tunnel
    rank = 3

    def __str__(self) -> str:
        return f"delete {self.what} (sw_if_index {self.index})"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        message, fields = _DELETE[type(self.what)](self.what, self.index)
        actual.leaving.add(self.index)
        await forwarder.call(message, **fields)
        actual.remove(self.index)


@dataclass(frozen=True)
class DeleteBridge(Operation):
    bridge: int
    rank = 4

    def __str__(self) -> str:
        return f"delete bridge domain {self.bridge} ({self.owner})"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        await forwarder.call("bridge_domain_add_del_v2", bd_id=self.bridge, is_add=False)
        actual.remove_bridge(self.bridge)


# making


@dataclass(frozen=True)
class CreateBridge(Operation):
    bridge: int
    uu_flood: bool
    arp_term: bool
    mac_age: int
    rank = 5

    def __str__(self) -> str:
        return f"make bridge domain {self.bridge} for {self.owner}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        await forwarder.call(
            "bridge_domain_add_del_v2",
            bd_id=self.bridge,
            flood=True,
            uu_flood=self.uu_flood,
            forward=True,
            learn=True,
            arp_term=self.arp_term,
            mac_age=self.mac_age,
            bd_tag=self.owner,
            is_add=True,
        )
        actual.add_bridge(Bridge(self.bridge, self.owner, self.uu_flood, self.arp_term, self.mac_age))


@dataclass(frozen=True)
class SetBridgeFlags(Operation):
    uu_flood: bool
    arp_term: bool
    rank = 6

    def __str__(self) -> str:
        flood, answer = ("on" if flag else "off" for flag in (self.uu_flood, self.arp_term))
        return f"{self.owner}: unknown unicast {flood}, ARP termination {answer}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        bridge = _bridge(actual, self.owner)
        for flag, wanted in ((UU_FLOOD, self.uu_flood), (ARP_TERM, self.arp_term)):
            await forwarder.call("bridge_flags", bd_id=bridge.id, is_set=wanted, flags=flag)
        bridge.uu_flood, bridge.arp_term = self.uu_flood, self.arp_term


@dataclass(frozen=True)
class SetMacAge(Operation):
    minutes: int
    rank = 6

    def __str__(self) -> str:
        return f"{self.owner}: addresses age in {self.minutes} minutes"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        bridge = _bridge(actual, self.owner)
        await forwarder.call("bridge_domain_set_mac_age", bd_id=bridge.id, mac_age=self.minutes)
        bridge.mac_age = self.minutes


def _tunnel(what: Tunnel) -> dict[str, Any]:
    return {
        "src_address": what.source,
        "dst_address": what.destination,
        "src_port": 4789,
        "dst_port": 4789,
        "mcast_sw_if_index": ALL,
        "encap_vrf_id": 0,
        "decap_next_index": ALL,
        "vni": what.vni,
        "instance": ALL,
    }


#: How what kind of interface is made: the message, and its fields.
_CREATE: dict[type, Callable[[Any, str], tuple[str, dict[str, Any]]]] = {
    Vhost: lambda what, tag: (
        "create_vhost_user_if_v2",
        {"is_server": False, "sock_filename": what.socket, "tag": tag},
    ),
    Host: lambda what, tag: (
        "af_packet_create_v3",
        {"mode": 1, "host_if_name": what.device, "use_random_hw_addr": True, "num_rx_queues": 1, "num_tx_queues": 1},
    ),
    Tunnel: lambda what, tag: ("vxlan_add_del_tunnel_v3", {"is_add": True, "is_l3": False} | _tunnel(what)),
}


@dataclass(frozen=True)
class Create(Operation):
    what: Vhost | Host | Tunnel
    rank = 7

    def __str__(self) -> str:
        return f"make {self.what} for {self.owner}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        if isinstance(self.what, Vhost) and not os.path.isdir(folder := os.path.dirname(self.what.socket)):
            raise Refused(f"the folder of its socket, {folder}, is not there", awaits=folder)
        message, fields = _CREATE[type(self.what)](self.what, self.owner)
        reply = await forwarder.call(message, **fields)
        index = reply.sw_if_index
        made, *_ = await forwarder.dump("sw_interface_dump", sw_if_index=index)
        up = bool(made.flags & UP)
        actual.add(Interface(index, made.interface_name, made.tag, what=self.what, admin_up=up, mtu=made.mtu[0]))
        if made.tag != self.owner:  # some messages that make interfaces take a tag along
            await _tag(forwarder, actual, index, self.owner)


@dataclass(frozen=True)
class CreateSub(Operation):
    what: Vlan
    rank = 8

    def __str__(self) -> str:
        return f"make {self.what} for {self.owner}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        parent = _interface(actual, self.what.parent)
        reply = await forwarder.call("create_vlan_subif", sw_if_index=parent.index, vlan_id=self.what.vlan)
        name = f"{parent.name}.{self.what.vlan}"
        actual.add(Interface(reply.sw_if_index, name, parent=parent.index, vlan=self.what.vlan))
        await _tag(forwarder, actual, reply.sw_if_index, self.owner)


@dataclass(frozen=True)
class Adopt(Operation):
    """Made by us before a crash, or left untouched by whoever made it: nobody has used it yet."""

    index: int
    rank = 8

    def __str__(self) -> str:
        return f"take sw_if_index {self.index} for {self.owner}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        await _tag(forwarder, actual, self.index, self.owner)


async def _tag(forwarder: Forwarder, actual: Actual, index: int, tag: str) -> None:
    await forwarder.call("sw_interface_tag_add_del", is_add=True, sw_if_index=index, tag=tag)
    actual.tag(index, tag)


MAKING = (Create, CreateSub, Adopt)  #: after these an interface has another name and number

# wiring


@dataclass(frozen=True)
class Down(Operation):
    rank = 9

    def __str__(self) -> str:
        return f"set {self.owner} down"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface = _interface(actual, self.owner)
        await forwarder.call("sw_interface_set_flags", sw_if_index=interface.index, flags=0)
        interface.admin_up = False


@dataclass(frozen=True)
class Join(Operation):
    bridge: str
    group: int = 0
    rank = 10

    def __str__(self) -> str:
        return f"put {self.owner} into {self.bridge}" + (f", split-horizon group {self.group}" if self.group else "")

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface, bridge = _interface(actual, self.owner), _bridge(actual, self.bridge)
        await forwarder.call(
            "sw_interface_set_l2_bridge",
            rx_sw_if_index=interface.index,
            bd_id=bridge.id,
            port_type=0,
            shg=self.group,
            enable=True,
        )
        interface.bridge, interface.group = bridge.id, self.group


@dataclass(frozen=True)
class Pop(Operation):
    pops: bool
    rank = 11

    def __str__(self) -> str:
        return f"{self.owner}: take the VLAN tag off" if self.pops else f"{self.owner}: leave tags as they are"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface = _interface(actual, self.owner)
        op = POP_1 if self.pops else DISABLED
        await forwarder.call(
            "l2_interface_vlan_tag_rewrite", sw_if_index=interface.index, vtr_op=op, push_dot1q=0, tag1=0, tag2=0
        )
        interface.pops = self.pops


@dataclass(frozen=True)
class SetMtu(Operation):
    mtu: int
    rank = 11

    def __str__(self) -> str:
        return f"{self.owner}: MTU {self.mtu}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface = _interface(actual, self.owner)
        await forwarder.call("sw_interface_set_mtu", sw_if_index=interface.index, mtu=[self.mtu, 0, 0, 0])
        interface.mtu = self.mtu


@dataclass(frozen=True)
class KnowMac(Operation):
    bridge: str
    mac: str
    rank = 12

    def __str__(self) -> str:
        return f"{self.mac} in {self.bridge} is behind {self.owner}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface, bridge = _interface(actual, self.owner), _bridge(actual, self.bridge)
        await forwarder.call(
            "l2fib_add_del",
            mac=self.mac,
            bd_id=bridge.id,
            sw_if_index=interface.index,
            is_add=True,
            static_mac=True,
        )
        bridge.macs[self.mac] = interface.index


@dataclass(frozen=True)
class KnowNeighbor(Operation):
    address: str
    mac: str
    rank = 12

    def __str__(self) -> str:
        return f"answer in {self.owner} for {self.address}: {self.mac}"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        bridge = _bridge(actual, self.owner)
        entry = {"bd_id": bridge.id, "ip": self.address, "mac": self.mac}
        await forwarder.call("bd_ip_mac_add_del", is_add=True, entry=entry)
        bridge.neighbors[self.address] = self.mac


@dataclass(frozen=True)
class Up(Operation):
    """A device goes up before what is below it."""

    rank = 13

    def __str__(self) -> str:
        return f"set {self.owner} up"

    async def do(self, forwarder: Forwarder, actual: Actual) -> None:
        interface = _interface(actual, self.owner)
        await forwarder.call("sw_interface_set_flags", sw_if_index=interface.index, flags=UP)
        interface.admin_up = True


@dataclass(frozen=True)
class SubUp(Up):
    rank = 14
