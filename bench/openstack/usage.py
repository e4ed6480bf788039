"""What processes use: an etcd by its own figures, others by the kernel's."""

from __future__ import annotations

import os
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from weft_openstack.lab.services import EtcdServer


@dataclass(frozen=True)
class Usage:
    """What etcd has used so far, and what it has."""

    at: float
    seconds: float  #: of a processor
    requests: float
    events: float  #: that were sent to watchers
    watchers: float
    size: float  #: of its database, in bytes

    @staticmethod
    def of(server: EtcdServer) -> Usage:
        figures: dict[str, float] = {}
        with urllib.request.urlopen(f"http://{server.endpoint}/metrics", timeout=60) as answer:
            for line in answer.read().decode().splitlines():
                if not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    name = name.partition("{")[0]
                    figures[name] = figures.get(name, 0.0) + float(value)
        return Usage(
            time.monotonic(),
            processor(pid(server)),
            figures["grpc_server_msg_received_total"],
            figures["etcd_debugging_mvcc_events_total"],
            figures["etcd_debugging_mvcc_watcher_total"],
            figures["etcd_mvcc_db_total_size_in_bytes"],
        )

    def until(self, later: Usage) -> str:
        seconds = later.at - self.at
        return (
            f"{(later.seconds - self.seconds) / seconds * 100:.0f} % of a processor, "
            f"{(later.requests - self.requests) / seconds:.0f} requests/s and "
            f"{(later.events - self.events) / seconds:.0f} events/s for {seconds:.0f} s"
        )


def pid(server: EtcdServer) -> int:
    assert server.process.running is not None
    return server.process.running.pid


def processor(process: int) -> float:
    """Seconds of a processor that a process has used."""
    spent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int, field: str = "Rss") -> float:
    """MiB of a process: Rss, or Pss, in which what processes share is divided among them."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {field}")
