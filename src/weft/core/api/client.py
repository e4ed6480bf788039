"""A client of the API, as message handlers see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weft.core.model import Invalid

if TYPE_CHECKING:
    from weft.core.engine import Engine

    from .table import MessageTable


class Client:
    """Who is connected. ``index`` is what it was told to be its number."""

    def __init__(self, index: int, table: MessageTable, send: Callable[[Any], None]) -> None:
        self.index, self.name, self.table = index, f"client {index}", table
        #: Send an event to it: an object of the event's class.
        self.send = send
        #: Called when it is gone.
        self.on_leave: list[Callable[[Client], None]] = []

    def leave(self) -> None:
        """Whoever keeps something for the client is told that it is gone."""
        while self.on_leave:
            self.on_leave.pop()(self)


class Subscribers:
    """Those who want certain events: for each client the process id that it gave. A base of models.

    @model
    class InterfaceEvents(Subscribers):
        def __init__(self, engine: Engine) -> None:
            super().__init__(engine)
            engine[Interfaces].watch("admin", self._changed)
    """

    def __init__(self, engine: Engine) -> None:
        self.pids: dict[Client, int] = {}

    def set(self, client: Client, pid: int, wanted: bool) -> None:
        """Let a client have the events, or no longer. Raises Invalid if that is so already, as VPP answers."""
        if wanted == (client in self.pids):
            raise Invalid(
                f"{client.name} {'wants' if wanted else 'does not want'} them already", "INVALID_REGISTRATION"
            )
        if wanted:
            client.on_leave.append(self._leave)
            self.pids[client] = pid
            self.changed()
        else:
            client.on_leave.remove(self._leave)
            self._leave(client)

    def _leave(self, client: Client) -> None:
        self.pids.pop(client, None)
        self.changed()

    def changed(self) -> None:
        """Called when there are other subscribers than before."""

    def send(self, make: Callable[[Client, int], Any]) -> None:
        """Send everybody an event, made from the client and its process id."""
        for client, pid in list(self.pids.items()):
            client.send(make(client, pid))
