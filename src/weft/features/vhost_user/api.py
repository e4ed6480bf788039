"""Messages of vhost-user interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from weft.core.api import Module, Text, i32, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import NO_INTERFACE, InterfaceIndex
from weft.core.api.virtio_types import FirstFeatures, LastFeatures
from weft.features.interface.model import Interfaces
from weft.features.vhost_user.bits import Wishes
from weft.features.vhost_user.device import SocketOptions, VhostUser, VhostUsers, of

if TYPE_CHECKING:
    from weft.core.engine import Engine

api = Module("vhost_user", "4.1.1", "vhost-user interfaces: network cards of virtual machines")

FileName = Annotated[str, Text(256)]
LOW_HALF = (1 << 32) - 1


@api.reply("create_vhost_user_if_reply", 0x5383D31F)
class CreateVhostUserIfReply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_vhost_user_if", 0xC785C6FC, reply=CreateVhostUserIfReply, deprecated=None)
def create_vhost_user_if(
    engine: Engine,
    is_server: bool,
    sock_filename: FileName,
    renumber: bool,
    disable_mrg_rxbuf: bool,
    disable_indirect_desc: bool,
    enable_gso: bool,
    enable_packed: bool,
    custom_dev_instance: u32,
    use_custom_mac: bool,
    mac_address: MacAddress,
    tag: Annotated[str, Text(64)],
) -> CreateVhostUserIfReply:
    """Make an interface, as ``create_vhost_user_if_v2`` without event indices."""
    fields = {name: value for name, value in locals().items() if name != "engine"}
    return CreateVhostUserIfReply(create_vhost_user_if_v2(engine, enable_event_idx=False, **fields).sw_if_index)


@api.reply("create_vhost_user_if_v2_reply", 0x5383D31F)
class CreateVhostUserIfV2Reply(Struct):
    """The interface."""

    sw_if_index: InterfaceIndex = NO_INTERFACE


@api.request("create_vhost_user_if_v2", 0xDBA1CC1D, reply=CreateVhostUserIfV2Reply)
def create_vhost_user_if_v2(
    engine: Engine,
    is_server: bool,
    sock_filename: FileName,
    renumber: bool,
    disable_mrg_rxbuf: bool,
    disable_indirect_desc: bool,
    enable_gso: bool,
    enable_packed: bool,
    enable_event_idx: bool,
    custom_dev_instance: u32,
    use_custom_mac: bool,
    mac_address: MacAddress,
    tag: Annotated[str, Text(64)],
) -> CreateVhostUserIfV2Reply:
    """Make an interface for a virtual machine: ``is_server``: we listen at the socket, else we connect to it."""
    Interfaces.check_tag(tag)
    interface = engine[VhostUsers].create(
        SocketOptions(sock_filename, is_server),
        Wishes(
            gso=enable_gso,
            packed=enable_packed,
            event_index=enable_event_idx,
            mergeable=not disable_mrg_rxbuf,
            indirect=not disable_indirect_desc,
        ),
        mac=mac_address if use_custom_mac else None,
        number=custom_dev_instance if renumber else None,
    )
    engine[Interfaces].set_tag(interface, tag)
    return CreateVhostUserIfV2Reply(interface.sw_if_index)


@api.request("modify_vhost_user_if", 0x0E71D40B, deprecated=None)
def modify_vhost_user_if(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    is_server: bool,
    sock_filename: FileName,
    renumber: bool,
    enable_gso: bool,
    enable_packed: bool,
    custom_dev_instance: u32,
) -> None:
    """Change an interface, as ``modify_vhost_user_if_v2`` without event indices."""
    fields = {name: value for name, value in locals().items() if name != "engine"}
    modify_vhost_user_if_v2(engine, enable_event_idx=False, **fields)


@api.request("modify_vhost_user_if_v2", 0xB2483771)
def modify_vhost_user_if_v2(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    is_server: bool,
    sock_filename: FileName,
    renumber: bool,
    enable_gso: bool,
    enable_packed: bool,
    enable_event_idx: bool,
    custom_dev_instance: u32,
) -> None:
    """Give an interface another socket, features or number; a front end is disconnected.

    What the message does not name is as for a new interface, but for the socket's mode and owner.
    """
    interface = engine[Interfaces][sw_if_index]
    before = of(interface).options
    engine[VhostUsers].modify(
        interface,
        SocketOptions(sock_filename, is_server, before.mode, before.owner, before.group),
        Wishes(gso=enable_gso, packed=enable_packed, event_index=enable_event_idx),
        number=custom_dev_instance if renumber else None,
    )


@api.request("delete_vhost_user_if", 0xF9E6675E)
def delete_vhost_user_if(engine: Engine, sw_if_index: InterfaceIndex) -> None:
    """Delete an interface; its front end is disconnected."""
    engine[VhostUsers].delete(engine[Interfaces][sw_if_index])


@api.details("sw_interface_vhost_user_details", 0x0CEE1E53)
class SwInterfaceVhostUserDetails(Struct):
    """An interface, and what its front end has agreed to. ``sock_errno``: why the last connection failed; 0: it did
    not.
    """

    sw_if_index: InterfaceIndex
    interface_name: Annotated[str, Text(64)]
    virtio_net_hdr_sz: u32
    features_first_32: FirstFeatures
    features_last_32: LastFeatures
    is_server: bool
    sock_filename: FileName
    num_regions: u32
    sock_errno: i32


@api.dump("sw_interface_vhost_user_dump", 0xF9E6675E, details=SwInterfaceVhostUserDetails)
def sw_interface_vhost_user_dump(
    engine: Engine, sw_if_index: InterfaceIndex = NO_INTERFACE
) -> Iterator[SwInterfaceVhostUserDetails]:
    """One interface, or all."""
    for vhost in list(engine[VhostUsers]):
        if sw_if_index in (NO_INTERFACE, vhost.sw_if_index):
            yield _details(vhost)


def _details(vhost: VhostUser) -> SwInterfaceVhostUserDetails:
    features = vhost.backend.features
    return SwInterfaceVhostUserDetails(
        sw_if_index=vhost.sw_if_index,
        interface_name=vhost.name,
        virtio_net_hdr_sz=vhost.header_size,
        features_first_32=FirstFeatures(features & LOW_HALF),
        features_last_32=LastFeatures(features >> 32),
        is_server=vhost.options.server,
        sock_filename=vhost.options.path,
        num_regions=len(vhost.backend.guest.regions),
        sock_errno=vhost.end.error,
    )
