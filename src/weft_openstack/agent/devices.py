"""Hears of Linux devices that come: a port whose device was missing is tried again at once.

Neutron binds a DHCP or router port before its agent makes the device. Where the forwarder is in another network
namespace than the agent nothing is heard, and the port waits for its next turn.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

RTMGRP_LINK = 1  #: linux/rtnetlink.h: changes of devices


def present(names: Iterable[str]) -> set[str]:
    """Which of some devices there are."""
    found = set()
    for name in names:
        with suppress(OSError):
            socket.if_nametoindex(name)
            found.add(name)
    return found


async def watch(changed: Callable[[], None]) -> None:
    """Call something whenever a device may have come, for ever. Needs no privileges."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as events:
        events.setblocking(False)
        events.bind((0, RTMGRP_LINK))
        while True:
            with suppress(OSError):  # ENOBUFS: there was more than there is room for, so something happened
                await loop.sock_recv(events, 65536)
            changed()
