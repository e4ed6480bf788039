"""Which numbers of the segment become which metrics. The tables are all metrics there are, with what they mean.

Names begin with ``vpp_`` whoever is measured: what a dashboard asks of the one it can ask of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from weft.exporter.segment import Link, Names, Snapshot, Vectors

PREFIX = "vpp_"
DELETED = "deleted"

#: Of interfaces: the entry below /if/ -> metric and meaning. Packets and bytes become a metric each.
INTERFACE = {
    "rx": ("interface_rx", "received"),
    "rx-unicast": ("interface_rx_unicast", "received for one station"),
    "rx-multicast": ("interface_rx_multicast", "received for a group of stations"),
    "rx-broadcast": ("interface_rx_broadcast", "received for all stations"),
    "tx": ("interface_tx", "sent"),
    "tx-unicast": ("interface_tx_unicast", "sent to one station"),
    "tx-multicast": ("interface_tx_multicast", "sent to a group of stations"),
    "tx-broadcast": ("interface_tx_broadcast", "sent to all stations"),
    "drops": ("interface_drops", "Packets that came in by the interface and were dropped"),
    "punt": ("interface_punts", "Packets that came in by the interface and were of no known protocol"),
    "ip4": ("interface_ip4_packets", "IPv4 packets received"),
    "ip6": ("interface_ip6_packets", "IPv6 packets received"),
    "mpls": ("interface_mpls_packets", "MPLS packets received"),
    "rx-no-buf": ("interface_rx_no_buf", "Packets not received for want of a buffer"),
    "rx-miss": ("interface_rx_miss", "Packets that the device lost as nobody took them in time"),
    "rx-error": ("interface_rx_error", "Packets received with an error"),
    "tx-error": ("interface_tx_error", "Packets that could not be sent"),
}
#: Of nodes: the entry below /sys/node/ -> metric and meaning.
NODE = {
    "clocks": ("node_clocks", "Clocks of the time-stamp counter spent in the node"),
    "vectors": ("node_vectors", "Packets that the node has had"),
    "calls": ("node_calls", "Calls of the node"),
    "suspends": ("node_suspends", "Times that the process has given the thread away"),
}
#: Single numbers: path -> metric and meaning. Those that only grow are counters.
GAUGES = {
    "/sys/vector_rate": ("vector_rate", "Packets for each call of a node, the mean of all workers"),
    "/sys/input_rate": ("input_rate", "Packets received a second"),
    "/sys/num_worker_threads": ("worker_threads", "Threads that forward, beside the main thread"),
    "/sys/boottime": ("boot_time_seconds", "When the forwarder started, in seconds since 1970"),
    "/sys/last_update": ("last_update_seconds", "When rates were last taken, in seconds since the start"),
    "/sys/last_stats_clear": (
        "last_clear_seconds",
        "When nodes' counters were last cleared, in seconds since the start",
    ),
}
COUNTERS = {"/sys/heartbeat": ("heartbeat", "Grows as long as the forwarder's main thread lives")}
#: A number for each thread: path -> metric and meaning.
PER_THREAD = {
    "/sys/vector_rate_per_worker": ("worker_vector_rate", "Packets for each call of a node, by thread"),
    "/sys/loops_per_worker": ("worker_loop_rate", "Rounds a second of a thread's loop"),
}
#: Of a heap: the columns of /mem/<heap>.
HEAP = (
    ("memory_total_bytes", "Size of the heap"),
    ("memory_used_bytes", "Memory of the heap that is in use"),
    ("memory_free_bytes", "Memory of the heap that is free"),
    ("memory_used_mmap_bytes", "Memory in mappings of its own"),
    ("memory_claimed_bytes", "Memory that was ever taken from the system"),
    ("memory_free_chunks", "Free pieces"),
    ("memory_releasable_bytes", "Free memory that could be given back to the system"),
)
#: Of a pool of buffers: the entry below /buffer-pools/<pool>/.
BUFFERS = {
    "available": ("buffers_available", "Buffers that are free for all threads"),
    "cached": ("buffers_cached", "Buffers that are free, in a thread's own cache"),
    "used": ("buffers_used", "Buffers with packets in them"),
}
UP = ("up", "1 if the statistics of the forwarder could be read, else 0")
DURATION = ("scrape_duration_seconds", "How long reading them took")
ERRORS = ("error", "Packets that a node has counted under an error")

#: Entries that say again what others say.
_REPEATED = re.compile(r"/(interfaces|nodes)/|/mem/.*/|/node/errors$")
_NAMES = ("/if/names", "/sys/node/names")

#: Names of labels and their values.
Labels = tuple[tuple[str, str], ...]


@dataclass
class Metrics:
    """Metrics as they are put together. ``sum_threads``: one number for all threads together."""

    sum_threads: bool = False
    zero_errors: bool = False
    families: dict[str, Metric] = field(default_factory=dict)
    #: The labels of many samples are the same: they share them.
    _by_thread: dict[Labels, list[dict[str, str]]] = field(default_factory=dict)

    def gauge(self, name: str, meaning: str, labels: Labels, value: float) -> None:
        self._family(name, meaning, "gauge").add_sample(PREFIX + name, dict(labels), value)

    def total(self, name: str, meaning: str, value: float) -> None:
        """A counter that there is but once."""
        self._family(name, meaning, "counter").add_sample(f"{PREFIX}{name}_total", {}, value)

    def counter(self, name: str, meaning: str, labels: Labels, values: list[int]) -> None:
        """A counter that each thread has."""
        family = self._family(name, meaning, "counter")
        if self.sum_threads:
            rows = self._by_thread.setdefault(labels, [dict(labels)])
            values = [sum(values)]
        else:
            rows = self._by_thread.setdefault(labels, [])
            rows += ({**dict(labels), "thread": str(thread)} for thread in range(len(rows), len(values)))
        total = f"{family.name}_total"
        family.samples += [Sample(total, row, value) for row, value in zip(rows, values, strict=False)]

    def _family(self, name: str, meaning: str, kind: str) -> Metric:
        family = self.families.get(name)
        if family is None:
            family = self.families[name] = Metric(PREFIX + name, meaning, kind)
        return family


def wanted(patterns: Iterable[str]) -> re.Pattern[str]:
    """What to read for these patterns (regular expressions that paths begin with, as for VPP's exporter).

    Raises ValueError for one that is none.
    """
    asked = []
    for pattern in patterns:
        try:
            re.compile(pattern)
            re.compile(f"x(?:{pattern})")  # as one of several
        except re.error as error:
            raise ValueError(f"`{pattern}' is no regular expression that can be used here: {error}") from None
        asked.append(f"(?:{pattern})")
    names = "|".join(f"{re.escape(name)}$" for name in _NAMES)
    return re.compile(f"(?:{names})|(?!{_REPEATED.pattern})(?:{'|'.join(asked)})")


def translate(snapshot: Snapshot, metrics: Metrics) -> None:
    """Add the metrics of all values."""
    for path, value in snapshot.items():
        _, top, *rest = f"{path}//".split("/")[:4]
        if path in GAUGES and isinstance(value, int):
            metrics.gauge(*GAUGES[path], (), value)
        elif path in COUNTERS and isinstance(value, int):
            metrics.total(*COUNTERS[path], value)
        elif path in PER_THREAD and isinstance(value, Vectors):
            for thread in range(len(value)):
                metrics.gauge(*PER_THREAD[path], (("thread", str(thread)),), sum(value.at(thread)))
        elif top == "err" and isinstance(value, Link | Vectors):
            _error(path, value.values() if isinstance(value, Link) else value.at(0), metrics)
        elif top == "if" and rest[0] in INTERFACE and isinstance(value, Vectors):
            _interfaces(rest[0], value, _names(snapshot, "/if/names"), metrics)
        elif path.startswith("/sys/node/") and rest[1] in NODE and isinstance(value, Vectors):
            _nodes(rest[1], value, snapshot, metrics)
        elif top == "mem" and isinstance(value, Vectors):
            for (name, meaning), column in zip(HEAP, range(len(value)), strict=False):
                metrics.gauge(name, meaning, (("heap", path.removeprefix("/mem/")),), sum(value.at(column)))
        elif top == "buffer-pools" and isinstance(value, int) and rest[1] in BUFFERS:
            metrics.gauge(*BUFFERS[rest[1]], (("pool", rest[0]),), value)
        else:
            _other(path, value, metrics)


def _names(snapshot: Snapshot, path: str) -> Names:
    found = snapshot.get(path)
    return found if isinstance(found, list) else []


def _named(names: Names) -> Iterator[tuple[int, str]]:
    """Indices that stand for something, each name once."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name and name != DELETED and name not in seen:
            seen.add(name)
            yield index, name


def _interfaces(counter: str, value: Vectors, names: Names, metrics: Metrics) -> None:
    name, meaning = INTERFACE[counter]
    for index, interface in _named(names):
        labels = (("interface", interface),)
        if value.width == 2:
            metrics.counter(f"{name}_packets", f"Packets {meaning}", labels, value.at(index))
            metrics.counter(f"{name}_bytes", f"Bytes {meaning}", labels, value.at(index, 1))
        else:
            metrics.counter(name, meaning, labels, value.at(index))


def _nodes(counter: str, value: Vectors, snapshot: Snapshot, metrics: Metrics) -> None:
    """Nodes that have run."""
    calls = snapshot.get("/sys/node/calls")
    for index, node in _named(_names(snapshot, "/sys/node/names")):
        if not isinstance(calls, Vectors) or any(calls.at(index)):
            metrics.counter(*NODE[counter], (("node", node),), value.at(index))


def _error(path: str, values: list[int], metrics: Metrics) -> None:
    node, _, error = path.removeprefix("/err/").partition("/")
    if metrics.zero_errors or any(values):
        metrics.counter(*ERRORS, (("node", node), ("error", error)), values)


def _other(path: str, value: int | Vectors | Names | Link, metrics: Metrics) -> None:
    """What no table knows, under its path: routes, adjacencies, what plugins of VPP count. Vectors without zeros."""
    name = re.sub(r"[^a-zA-Z0-9]+", "_", path).strip("_").lower()
    meaning = f"{path} of the statistics segment"
    if isinstance(value, int):
        metrics.gauge(name, meaning, (), value)
    elif isinstance(value, Vectors):
        columns = ("_packets", "_bytes") if value.width == 2 else ("",)
        for index in range(len(value)):
            for column, suffix in enumerate(columns):
                values = value.at(index, column)
                if any(values):
                    metrics.counter(name + suffix, meaning, (("index", str(index)),), values)
