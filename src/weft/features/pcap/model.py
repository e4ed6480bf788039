"""`pcap trace`: one capture of what interfaces receive, send or drop, written into a file below /tmp at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weft.core import arena
from weft.core.model import Invalid, model
from weft.core.node import ERROR_OWNERS, ERRORS, Errors
from weft.core.view import View, u32
from weft.features.interface.model import Interface, Interfaces
from weft.features.pcap.capture import RECORD_SIZE, Area, Capture
from weft.features.pcap.file import PcapError, Writer

if TYPE_CHECKING:
    from weft.core.engine import Engine

FOLDER = Path("/tmp")
MAX_ROOM = 1 << 30  #: bytes of packets that a trace may keep
MAX_SNAP = 9216
ANY_ERROR = 0xFFFFFFFF

#: What is traced -> the arc and the node on it.
PLACES = {
    "rx": ("device-input", "pcap-trace-rx"),
    "tx": ("interface-output", "pcap-trace-tx"),
    "drop": ("error-drop", "pcap-trace-drop"),
}


class Tracing(View):
    """What packet code knows of the trace."""

    capture: Capture
    error: u32  # of dropped packets those with this error; ANY_ERROR: all


tracing = arena.root("pcap-trace", Tracing)


@dataclass
class Trace:
    """A trace that runs."""

    places: tuple[str, ...]
    interface: Interface | None  #: None: any
    most: int
    writer: Writer

    def covers(self, interface: Interface) -> bool:
        """Whether an interface's packets are traced: the named one's, and those of its sub-interfaces."""
        return self.interface is None or self.interface in (interface, interface.sup)


@model
class PcapTrace:
    """Starts and ends the trace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._area = Area(engine, tracing.capture)
        self._interfaces = engine[Interfaces]
        self._interfaces.watch("added", self._added)
        self.running: Trace | None = None

    def start(
        self,
        places: tuple[str, ...],
        *,
        interface: Interface | None = None,
        most: int = 1000,
        snap: int = 512,
        file: str = "",
        error: int = ANY_ERROR,
    ) -> None:
        """Trace at ``places`` (rx, tx, drop): ``most`` packets, of each ``snap`` bytes at the most."""
        if self.running is not None:
            raise Invalid("already on: end it with `pcap trace off'")
        if not places:
            raise Invalid("nothing to trace: name rx, tx or drop")
        if error != ANY_ERROR and "drop" not in places:
            raise Invalid("an error can only be given for dropped packets: name drop")
        if interface is not None and interface.sup is not None and "rx" in places:
            raise Invalid(f"packets for {interface.name} are received by {interface.sup.name}: trace rx there")
        if not 32 <= snap <= MAX_SNAP:
            raise Invalid(f"max-bytes-per-pkt is 32 to {MAX_SNAP}, not {snap}")
        room = most * (RECORD_SIZE + (snap + 7 & ~7))
        if not 0 < room <= MAX_ROOM:
            raise Invalid(f"{most} packets of {snap} bytes are more than {MAX_ROOM >> 20} MB: give a lower max")
        try:
            writer = Writer(FOLDER / _file_name(file or f"{''.join(places)}.pcap"), snap=snap)
        except PcapError as failed:
            raise Invalid(str(failed), "SYSCALL_ERROR_1") from None
        self._area.start(room, snap=snap, most=most)
        tracing.error = error
        self.running = Trace(places, interface, most, writer)
        self._enable(True)

    def stop(self) -> tuple[Path, int]:
        """End the trace: its file, and how many packets are in it."""
        if self.running is None:
            raise Invalid("not on", "VALUE_EXIST")
        self._enable(False)
        trace, self.running = self.running, None
        writer = trace.writer
        try:
            writer.write(self._area.take())
            writer.close()
        except PcapError as failed:
            raise Invalid(str(failed), "SYSCALL_ERROR_1") from None
        finally:
            self._area.stop()
        if not writer.packets:
            writer.path.unlink(missing_ok=True)
        return writer.path, writer.packets

    @property
    def packets(self) -> int:
        """How many have been traced so far."""
        seen: int = tracing.capture.seen
        return min(seen, self.running.most) if self.running else 0

    def _enable(self, on: bool) -> None:
        for interface in list(self._interfaces):
            self._set(interface, on)

    def _set(self, interface: Interface, on: bool) -> None:
        trace = self.running
        if trace is None or not trace.covers(interface):
            return
        for place in trace.places:
            arc, node = PLACES[place]
            self._engine.graph.enable(arc, node, interface.sw_if_index, on)

    def _added(self, interface: Interface) -> None:
        self._set(interface, True)

    def close(self) -> None:
        """Write what there is."""
        if self.running is not None:
            self.stop()


def error_name(error: Errors) -> str:
    """``ip4-input.ttl-expired``"""
    return f"{ERROR_OWNERS[type(error)]}.{error.name.lower().replace('_', '-')}"


def error_number(name: str) -> int:
    """The error of a node that has this name. Raises Invalid."""
    for error in ERRORS:
        if error_name(error) == name.lower().replace("_", "-"):
            return error
    raise Invalid(f"no error {name}; one is ip4-input.ttl-expired", "UNSUPPORTED")


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[^/\0]{1,200}", name) or name.startswith("."):
        raise Invalid(f"illegal characters in filename `{name}': a name without slashes, for a file below {FOLDER}")
    return name
