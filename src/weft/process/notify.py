"""What systemd is told: sd_notify(3), a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket

STILL_COMPILING = 60 * 1_000_000  # microseconds until the next progress at the latest


def notify(**state: str | int) -> None:
    """Tell the manager `READY=1`, `STATUS=...`; nothing where there is none. Raises nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    message = "\n".join(f"{name}={value}" for name, value in state.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto(message.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
    except OSError:
        pass  # a manager that does not listen is no reason to stop


def progress(done: int, total: int, what: str) -> None:
    """Say how far compiling has come, and that it is no reason to give up."""
    notify(STATUS=f"compiling {done} of {total}: {what}", EXTEND_TIMEOUT_USEC=STILL_COMPILING)
