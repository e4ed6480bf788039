"""``show libvirt``: what libvirt has to be told of a machine for its network card to be an interface here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.cli import command
from weft.core.model import Invalid
from weft.features.interface.model import Interface
from weft.features.vhost_user.backend import MAX_PAIRS
from weft.features.vhost_user.device import VhostUser, VhostUsers, of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weft.core.engine import Engine

RECONNECT = 1  #: seconds between QEMU's tries

MEMORY = """\
<!-- in <domain>: the machine's memory is shared with the engine -->
<memoryBacking>
  <source type='memfd'/>
  <access mode='shared'/>
</memoryBacking>"""


@command(
    "show libvirt",
    "(<interface> | socket <socket-filename:string>) [queues <queues:u32>]",
    help="Print the <interface> element for a machine whose network card is to be an interface, and the memory backing"
    " that it needs; queues: pairs of them",
)
def show_libvirt(
    engine: Engine, interface: Interface | None = None, socket_filename: str | None = None, queues: int = 1
) -> str:
    if not 0 < queues <= MAX_PAIRS:
        raise Invalid(f"a network card has 1 to {MAX_PAIRS} pairs of queues, not {queues}")
    vhost = of(interface) if interface is not None else _with_socket(engine, socket_filename or "")
    return "\n".join([MEMORY, f"<!-- in <devices>: {vhost.name} -->", *_interface(vhost, queues)])


def _with_socket(engine: Engine, path: str) -> VhostUser:
    for vhost in engine[VhostUsers]:
        if vhost.options.path == path:
            return vhost
    raise Invalid(f"no interface has the socket {path}; `create vhost-user socket {path} server' makes one")


def _interface(vhost: VhostUser, queues: int) -> Iterator[str]:
    from xml.sax.saxutils import quoteattr  # it brings much along that nobody else needs

    path = quoteattr(vhost.options.path)
    driver = f" queues='{queues}'" * (queues > 1) + " packed='on'" * vhost.wishes.packed
    yield "<interface type='vhostuser'>"
    if vhost.options.server:
        yield f"  <source type='unix' path={path} mode='client'>"
        yield f"    <reconnect enabled='yes' timeout='{RECONNECT}'/>"
        yield "  </source>"
    else:
        yield f"  <source type='unix' path={path} mode='server'/>"
    yield "  <model type='virtio'/>"
    if driver:
        yield f"  <driver{driver}/>"
    yield "</interface>"
