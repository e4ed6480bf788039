"""The dashboard asks for nothing that does not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from scapy.layers.inet import IP, UDP
from tests.ip4.net import network

from weft.features.stats.model import StatsSegment

from .conftest import Measured

DASHBOARD: dict[str, Any] = json.loads(files("weft.exporter").joinpath("dashboard.json").read_text())
METRIC = re.compile(r"\bvpp_\w+")


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (each["definition"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query")
    yield from (each["expr"] for each in DASHBOARD["annotations"]["list"])


def test_every_metric_and_label_of_a_query_exists(measured: Measured) -> None:
    net = network(measured.lab)
    net.route(IP(dst="10.0.1.2", ttl=1) / UDP())
    measured.lab.engine[StatsSegment].configure(per_node_counters=True)
    labels: dict[str, set[str]] = {}
    for sample in measured.served.samples():
        labels.setdefault(sample.name, set()).update(sample.labels)
    for query in queries():
        metrics = METRIC.findall(query)
        assert metrics, query
        for metric in metrics:
            assert metric in labels, query
            for label in re.findall(r"by \(([\w, ]+)\)", query):
                assert set(label.split(", ")) <= labels[metric], query


def test_there_is_a_panel_for_each_matter() -> None:
    asked = set(METRIC.findall(" ".join(queries())))
    for needed in (
        "vpp_interface_rx_bytes_total",
        "vpp_interface_drops_total",
        "vpp_error_total",
        "vpp_worker_vector_rate",
        "vpp_node_clocks_total",
        "vpp_buffers_available",
        "vpp_memory_used_bytes",
    ):
        assert needed in asked


def test_no_two_panels_overlap_or_share_a_number() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells
