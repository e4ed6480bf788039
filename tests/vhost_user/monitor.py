"""QEMU's monitor (QMP): what moves a machine from one QEMU to another."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

WITHIN = 60.0  #: seconds, for what a migration has to come to


class Monitor:
    """A connection to a monitor's socket, which QEMU makes when it starts."""

    def __init__(self, path: Path) -> None:
        end = time.monotonic() + WITHIN
        while not path.exists():
            assert time.monotonic() < end, "QEMU has no monitor"
            time.sleep(0.02)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(WITHIN)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile()
        self._lines.readline()  # the greeting
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: Any) -> Any:
        """Carry out a command; what it returns."""
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode())
        while True:
            said = json.loads(self._lines.readline())
            assert "error" not in said, f"{command}: {said}"
            if "return" in said:
                return said["return"]

    def set(self, **parameters: int) -> None:
        """Migration parameters, by their names with underscores."""
        self("migrate-set-parameters", **{name.replace("_", "-"): value for name, value in parameters.items()})

    def passes(self) -> int:
        """How often the log of written pages was read since the migration began."""
        return int(self("query-migrate").get("ram", {}).get("dirty-sync-count", 0))

    @property
    def status(self) -> str:
        """How the migration goes: ``active``, ``completed``, ..."""
        return str(self("query-migrate").get("status", "none"))

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
