"""The forwarder, ours or VPP: its binary API through vpp_papi's asynchronous client, which sends without waiting."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from vpp_papi.vpp_papi_async import VPPApiClient

from weft_openstack.agent.actual import Actual, Bridge, Host, Interface, Tunnel, Vhost
from weft_openstack.agent.tags import is_ours

log = logging.getLogger(__name__)

#: What the agent cannot do without, and what it needs for one kind of network or port only.
NEEDED = (
    "show_version", "want_interface_events",
    "sw_interface_dump", "sw_interface_set_flags", "sw_interface_tag_add_del", "create_vlan_subif", "delete_subif",
    "bridge_domain_dump", "bridge_domain_add_del_v2", "bridge_flags", "bridge_domain_set_mac_age",
    "sw_interface_set_l2_bridge", "l2_interface_vlan_tag_rewrite", "sw_interface_set_mtu",
)  # fmt: skip
FOR_VHOST = ("create_vhost_user_if_v2", "delete_vhost_user_if", "sw_interface_vhost_user_dump")
FOR_HOST = ("af_packet_create_v3", "af_packet_delete", "af_packet_dump")
FOR_VXLAN = (
    "vxlan_add_del_tunnel_v3", "vxlan_tunnel_v2_dump", "l2fib_add_del", "l2_fib_table_dump", "bd_ip_mac_add_del",
    "bd_ip_mac_dump",
)  # fmt: skip

ALL = 0xFFFFFFFF
DISABLED, POP_1 = 0, 3  #: vtr_op
UP = 1  #: vl_api_if_status_flags_t
UU_FLOOD, ARP_TERM = 4, 16  #: vl_api_bd_flags_t

#: VPP's error numbers that operators meet here (vnet/api_errno.h).
ERRORS = {
    -1: "unspecified error", -2: "invalid sw_if_index", -3: "no such FIB or VRF", -7: "invalid value",
    -9: "not implemented", -12: "no such entry", -18: "system call error", -53: "VLAN already exists",
    -55: "invalid argument", -56: "invalid value", -57: "tunnel exists", -68: "interface already exists",
    -69: "interface does not exist", -71: "invalid interface", -81: "invalid argument", -119: "bridge domain in use",
    -120: "bridge domain not modifiable",
}  # fmt: skip


class Lost(Exception):
    """The forwarder is not there, or no longer."""


class Refused(Exception):
    """The forwarder said no to a request, or would have. `awaits` is a folder that has to be there first."""

    def __init__(self, reason: str, awaits: str = "") -> None:
        super().__init__(reason)
        self.awaits = awaits


class _Client(VPPApiClient):  # type: ignore[misc]
    """vpp_papi's client, whose reader ends at a message without a context: events are sorted out before it."""

    def __init__(self, path: str, events: asyncio.Queue[Any]) -> None:
        super().__init__(server_address=path)
        self.events = events

    async def _read(self, *arguments: Any, **named: Any) -> Any:
        while True:
            message = await super()._read(*arguments, **named)
            if not message or hasattr(message, "context"):
                return message
            self.events.put_nowait(message)

    async def _write(self, b: bytes) -> None:
        self.writer.write(self.header_struct.pack(0, len(b), 0) + b)  # a message is one system call, not two
        await self.writer.drain()


class Forwarder:
    """A connection to a forwarder, good until `lost` is set."""

    def __init__(self, path: str, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = timeout
        self.version = ""
        self.lost = asyncio.Event()
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self._client: Any = None
        self._asked: set[asyncio.Future[Any]] = set()  #: what waits for an answer

    async def connect(self) -> None:
        """Connect and learn the messages. Raises Lost, or Refused if the forwarder cannot do what an agent needs."""
        await self.close()
        self.lost.clear()
        self._client = await self._open()
        if missing := self.missing(NEEDED):
            await self.close()
            raise Refused(f"the forwarder at {self.path} does not have {', '.join(missing)}")
        answer = await self.call("show_version")
        self.version = f"{answer.program} {answer.version}"
        await self.call("want_interface_events", enable_disable=1, pid=0)

    async def _open(self) -> Any:
        """A client that is connected. Raises Lost."""
        client = _Client(self.path, self.events)
        nobody = f"nothing listens at {self.path}, or this user may not connect to it"
        try:
            async with asyncio.timeout(self.timeout):
                if await client.connect("weft-agent", self.events):
                    raise Lost(nobody)
        except (ConnectionRefusedError, FileNotFoundError, PermissionError):
            raise Lost(nobody) from None
        except (OSError, EOFError, TimeoutError) as error:
            raise Lost(f"{self.path}: {str(error) or 'no answer'}") from None
        client.socket_task.add_done_callback(self._ended)
        return client

    def _ended(self, task: asyncio.Task[None]) -> None:
        with suppress(asyncio.CancelledError):
            task.exception()
        self._end("the connection to the forwarder ended")

    def _end(self, reason: str) -> None:
        """Nothing is answered any more."""
        self.lost.set()
        for answer in self._asked:
            if not answer.done():
                answer.set_exception(Lost(reason))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        tasks = (client.queue_task, client.socket_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            client.writer.close()
        self.lost.set()

    def missing(self, messages: tuple[str, ...]) -> list[str]:
        """Which of some messages the forwarder does not know."""
        return [name for name in messages if not hasattr(self._client.api, name)]

    async def _ask(self, name: str, **fields: Any) -> Any:
        if self._client is None or self.lost.is_set():
            raise Lost("the forwarder is away")
        if not hasattr(self._client.api, name):
            raise Refused(f"the forwarder has no message {name}")
        answer = getattr(self._client.api, name)(**fields)
        self._asked.add(answer)
        late = asyncio.get_running_loop().call_later(self.timeout, self._end, f"the forwarder does not answer {name}")
        try:
            return await answer
        finally:
            late.cancel()
            self._asked.discard(answer)

    async def call(self, name: str, **fields: Any) -> Any:
        """The reply to a request. Raises Refused with the forwarder's reason, or Lost."""
        reply = await self._ask(name, **fields)
        if reply.retval < 0:
            raise Refused(f"{name}: {ERRORS.get(reply.retval, 'error')} ({reply.retval})")
        return reply

    async def dump(self, name: str, **fields: Any) -> list[Any]:
        """All details of a dump; none if the forwarder does not know the message."""
        if self._client is not None and not hasattr(self._client.api, name):
            return []
        _, details = await self._ask(name, **fields)
        return list(details)

    async def read(self) -> Actual:
        """All that is there now."""
        actual = Actual()
        interfaces, vhosts, hosts, tunnels, bridges = await asyncio.gather(
            self.dump("sw_interface_dump", sw_if_index=ALL),
            self.dump("sw_interface_vhost_user_dump", sw_if_index=ALL),
            self.dump("af_packet_dump"),
            self.dump("vxlan_tunnel_v2_dump", sw_if_index=ALL),
            self.dump("bridge_domain_dump", bd_id=ALL, sw_if_index=ALL),
        )
        what: dict[int, Vhost | Host | Tunnel] = {}
        what |= {each.sw_if_index: Vhost(each.sock_filename) for each in vhosts}
        what |= {each.sw_if_index: Host(each.host_if_name.removeprefix("host-")) for each in hosts}
        what |= {each.sw_if_index: Tunnel(str(each.src_address), str(each.dst_address), each.vni) for each in tunnels}
        for each in interfaces:
            sub = each.sup_sw_if_index != each.sw_if_index
            one_tag = sub and each.sub_number_of_tags == 1
            actual.add(
                Interface(
                    index=each.sw_if_index,
                    name=each.interface_name,
                    tag=each.tag,
                    what=what.get(each.sw_if_index),
                    parent=each.sup_sw_if_index if sub else -1,
                    vlan=each.sub_outer_vlan_id if one_tag else 0,
                    admin_up=bool(each.flags & UP),
                    pops=each.vtr_op == POP_1,
                    mtu=each.mtu[0],
                )
            )
        for each in bridges:
            bridge = Bridge(each.bd_id, each.bd_tag, bool(each.uu_flood), bool(each.arp_term), each.mac_age)
            actual.add_bridge(bridge)
            for member in each.sw_if_details:
                if (interface := actual.interfaces.get(member.sw_if_index)) is not None:
                    interface.bridge, interface.group = each.bd_id, member.shg
        ours = [each for each in actual.bridges.values() if is_ours(each.tag) and each.arp_term]
        await asyncio.gather(*(self._read_addresses(each) for each in ours))
        return actual

    async def _read_addresses(self, bridge: Bridge) -> None:
        """The static MACs and the neighbors of a tunnelled bridge domain."""
        macs, neighbors = await asyncio.gather(
            self.dump("l2_fib_table_dump", bd_id=bridge.id), self.dump("bd_ip_mac_dump", bd_id=bridge.id)
        )
        bridge.macs = {str(each.mac): each.sw_if_index for each in macs if each.static_mac and not each.bvi_mac}
        bridge.neighbors = {str(each.entry.ip): str(each.entry.mac) for each in neighbors}
