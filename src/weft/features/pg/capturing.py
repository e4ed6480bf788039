"""What leaves by one packet-generator interface: kept for programs, written into a file, or both."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.features.pcap.capture import Area, Capture
from weft.features.pcap.file import Packet, PcapError, Writer

if TYPE_CHECKING:
    from weft.core.engine import Engine

ROOM = 8 << 20  #: bytes of an area; a file's is emptied into it every ``PERIOD``
PERIOD = 0.1


class Capturing:
    """The captures of one interface. Packets are copied into the arena by ``pg-tx`` and fetched from there."""

    def __init__(self, engine: Engine, row: Capture) -> None:
        self._engine, self._area = engine, Area(engine, row)
        self._keeping = False
        self._kept: deque[bytes] = deque()
        self._writer: Writer | None = None
        self._left = 0

    @property
    def file(self) -> Path | None:
        """The file that is being written."""
        return self._writer.path if self._writer else None

    def keep(self) -> None:
        """Keep packets from now on, for ``captured``."""
        self._keeping = True
        self._start()

    def captured(self) -> list[bytes]:
        """What was kept since the last call."""
        self.drain()
        packets, self._kept = list(self._kept), deque()
        return packets

    def write(self, path: Path, count: int) -> None:
        """Write packets into a file from now on, so many at the most."""
        if self._writer is not None:
            raise Invalid(f"packets are already being captured to {self._writer.path}; disable that first")
        try:
            self._writer = Writer(path)
        except PcapError as error:
            raise Invalid(str(error)) from None
        self._left = count
        self._start()

    def end_write(self) -> tuple[Path, int, int]:
        """Finish the file: its name, packets in it, packets for which the area had no room."""
        if self._writer is None:
            raise Invalid("nothing is being captured there")
        self.drain()
        writer, self._writer = self._writer, None
        if writer is None:
            raise Invalid("the capture has just ended")
        missed = self._area.missed
        self._settle()
        writer.close()
        return writer.path, writer.packets, missed

    def drain(self) -> None:
        """Fetch what has been copied into the arena."""
        packets = self._area.take() if self._area.on else []
        if self._keeping:
            self._kept.extend(packet.data for packet in packets)
        if self._writer is not None and packets:
            self._append(self._writer, packets[: self._left])

    def _append(self, writer: Writer, packets: list[Packet]) -> None:
        self._left -= len(packets)
        try:
            writer.write(packets)
            if self._left == 0:
                self._writer = None
                writer.close()
                self._engine.log.info("packet-generator: wrote %d packets to %s", writer.packets, writer.path)
                self._settle()
        except PcapError as error:
            self._writer = None
            self._engine.log.error("packet-generator: capture ended: %s", error)
            self._settle()

    def _start(self) -> None:
        if not self._area.on:
            self._area.start(ROOM)

    def _settle(self) -> None:
        if not self._keeping and self._writer is None:
            self._area.stop()

    def stop(self) -> None:
        """End all captures."""
        self._keeping = False
        self._kept.clear()
        if self._writer is not None:
            self.end_write()
        self._area.stop()
