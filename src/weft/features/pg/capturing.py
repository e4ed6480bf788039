"""What leaves by one packet-generator interface: kept for programs, written into a file, or both."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weft.core.model import Invalid
from weft.features.pcap.capture import Area, Capture
from weft.features.pcap.file import Packet, PcapError, Writer

if TYPE_CHECKING:
    from weft.core.engine import Engine

ROOM = 8 << 20  #: bytes of an area; a file's is emptied into it every ``PERIOD``
PERIOD = 0.05


@dataclass
class File:
    """A file that captured packets go to. It exists from the first one on."""

    path: Path
    link: int
    left: int  #: packets that it takes yet
    packets: int = 0
    missed: int = 0  #: packets for which the area had no room before this file
    writer: Writer | None = None

    def append(self, packets: list[Packet]) -> None:
        """Write packets, as many as it takes. Raises PcapError."""
        packets = packets[: self.left]
        if not packets:
            return
        if self.writer is None:
            self.writer = Writer(self.path, link=self.link)
        self.writer.write(packets)
        self.left -= len(packets)
        self.packets += len(packets)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class Capturing:
    """The captures of one interface. Packets are copied into the arena by ``pg-tx`` and fetched from there."""

    def __init__(self, engine: Engine, row: Capture) -> None:
        self._engine, self._area = engine, Area(engine, row)
        self._keeping = False
        self._kept: deque[bytes] = deque()
        self._file: File | None = None

    @property
    def file(self) -> Path | None:
        """The file that packets go to."""
        return self._file.path if self._file else None

    def keep(self) -> None:
        """Keep packets from now on, for ``captured``."""
        self._keeping = True
        self._start()

    def captured(self) -> list[bytes]:
        """What was kept since the last call."""
        self.drain()
        packets, self._kept = list(self._kept), deque()
        return packets

    def write(self, path: Path, count: int, link: int) -> None:
        """Write packets into a file from now on, so many at the most; a file before this one is finished."""
        _check(path)
        self.end_write()
        self._start()
        self._file = File(path, link, count, missed=self._area.missed)

    def end_write(self) -> tuple[Path, int, int] | None:
        """Finish the file: its name, packets in it, packets for which the area had no room; None if there is none."""
        self.drain()
        file, self._file = self._file, None
        if file is None:
            return None
        missed = self._area.missed - file.missed
        self._settle()
        file.close()
        return file.path, file.packets, missed

    def drain(self) -> None:
        """Fetch what has been copied into the arena."""
        packets = self._area.take() if self._area.on else []
        if self._keeping:
            self._kept.extend(packet.data for packet in packets)
        file = self._file
        if file is None or not packets:
            return
        try:
            file.append(packets)
            if file.left == 0:
                self._file = None
                file.close()
                self._engine.log.info("packet-generator: wrote %d packets to %s", file.packets, file.path)
                self._settle()
        except PcapError as error:
            self._file = None
            self._engine.log.error("packet-generator: capture ended: %s", error)
            self._settle()

    def _start(self) -> None:
        if not self._area.on:
            self._area.start(ROOM)

    def _settle(self) -> None:
        if not self._keeping and self._file is None:
            self._area.stop()

    def stop(self) -> None:
        """End all captures."""
        self._keeping = False
        self._kept.clear()
        self.end_write()
        self._area.stop()


def _check(path: Path) -> None:
    """See that a file can be made, but leave that to the first packet. Raises Invalid."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        path.unlink()
    except FileExistsError:
        raise Invalid(f"pcap file '{path}' already exists.") from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{path}: {error.strerror if isinstance(error, OSError) else error}") from None
