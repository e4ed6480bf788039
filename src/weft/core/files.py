"""File descriptors that the main thread listens to: sockets of peers, events from packet code."""

from __future__ import annotations

import select
from collections.abc import Callable

READABLE, WRITABLE = select.EPOLLIN, select.EPOLLOUT

Action = Callable[[], None]


class Files:
    """``fd`` is readable when ``run`` has something to do. ``failed`` hears of an action that raised an exception."""

    def __init__(self, failed: Action) -> None:
        self._epoll = select.epoll()
        self._actions: dict[int, Action] = {}
        self._failed = failed

    @property
    def fd(self) -> int:
        return self._epoll.fileno()

    def watch(self, fd: int, action: Action, events: int = READABLE) -> None:
        """Call ``action`` whenever ``fd`` is ready, until ``forget``."""
        self._epoll.register(fd, events)
        self._actions[fd] = action

    def expect(self, fd: int, events: int) -> None:
        """Wait for something else of a descriptor that is watched; 0: for nothing but its end."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """To be called before ``fd`` is closed."""
        if self._actions.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def run(self) -> int:
        """Do what is due now. How many descriptors were ready."""
        ready = self._epoll.poll(0)
        for fd, _ in ready:
            action = self._actions.get(fd)  # an earlier action may have ended it
            if action is None:
                continue
            try:
                action()
            except Exception:
                self._failed()
        return len(ready)

    def close(self) -> None:
        self._actions.clear()
        self._epoll.close()
