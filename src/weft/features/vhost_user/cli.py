"""Commands of vhost-user interfaces."""

from __future__ import annotations

import grp
import pwd
from typing import TYPE_CHECKING

from weft.core.cli import argument, command, describe_words
from weft.core.model import Invalid
from weft.features.interface.model import Interface, Interfaces
from weft.features.vhost_user import libvirt as libvirt
from weft.features.vhost_user import show as show
from weft.features.vhost_user import startup as startup
from weft.features.vhost_user.bits import ALL_ONES, Wishes
from weft.features.vhost_user.device import SocketOptions, VhostUsers

if TYPE_CHECKING:
    from weft.core.engine import Engine

describe_words("create vhost-user", "Make an interface for a virtual machine")


@argument("feature-mask", "a number in hexadecimal")
def feature_mask(engine: Engine, word: str) -> int:
    """``0x58208000``, or without ``0x``."""
    try:
        mask = int(word, 16)
    except ValueError:
        mask = -1
    if not 0 <= mask <= ALL_ONES:
        raise ValueError("expected 64 bits in hexadecimal, such as 0x58208000, got")
    return mask


@argument("file-mode", "a file's mode in octal")
def file_mode(engine: Engine, word: str) -> int:
    try:
        mode = int(word, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise ValueError("expected a mode such as 660, got")
    return mode


@command(
    "create vhost-user",
    "socket <socket-filename:string> [server] [feature-mask <feature-mask>] [hwaddr <hwaddr:mac>]"
    " [renumber <renumber:u32>] [gso] [packed] [event-idx] [disable_mrg_rxbuf] [disable_indirect_desc]"
    " [mode <mode:file-mode>] [owner <owner:name>] [group <group:name>]",
    help="Create an interface for a virtual machine; server: we make the socket, with this mode, owner and group",
)
def create_vhost_user(
    engine: Engine,
    socket_filename: str,
    server: bool = False,
    feature_mask: int = ALL_ONES,
    hwaddr: int | None = None,
    renumber: int | None = None,
    gso: bool = False,
    packed: bool = False,
    event_idx: bool = False,
    disable_mrg_rxbuf: bool = False,
    disable_indirect_desc: bool = False,
    mode: int = 0o660,
    owner: str = "",
    group: str = "",
) -> str:
    options = SocketOptions(socket_filename, server, mode, _user(owner), _group(group))
    wishes = Wishes(feature_mask, gso, packed, event_idx, not disable_mrg_rxbuf, not disable_indirect_desc)
    return engine[VhostUsers].create(options, wishes, mac=hwaddr, number=renumber).name


def _user(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid if name else -1
    except KeyError:
        raise Invalid(f"there is no user `{name}'") from None


def _group(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid if name else -1
    except KeyError:
        raise Invalid(f"there is no group `{name}'") from None


@command(
    "delete vhost-user",
    "(<interface> | sw_if_index <sw-if-index:u32>)",
    help="Delete an interface of a virtual machine; its front end is disconnected",
)
def delete_vhost_user(engine: Engine, interface: Interface | None = None, sw_if_index: int | None = None) -> None:
    which = engine[Interfaces][sw_if_index] if sw_if_index is not None else interface
    assert which is not None
    engine[VhostUsers].delete(which)
