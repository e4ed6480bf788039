"""What Prometheus gets: names, labels and values, from an engine that counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from scapy.layers.inet import IP, UDP
from tests.conftest import Lab
from tests.ip4.net import network
from tests.stats.conftest import serving

from weft import Engine
from weft.exporter.command import main
from weft.features.stats.model import StatsSegment

from .conftest import Measured, exporting


def test_an_interface_has_its_packets_and_bytes(measured: Measured) -> None:
    (a,) = measured.lab.pg(1)
    measured.lab.send_raw(a, *[bytes(100)] * 3)
    value = measured.served.value
    assert value("vpp_interface_rx_packets_total", interface="pg0", thread="0") == 3
    assert value("vpp_interface_rx_bytes_total", interface="pg0", thread="0") == 300
    assert value("vpp_interface_tx_packets_total", interface="pg0", thread="0") == 0


def test_an_interface_goes_by_its_name_of_now(measured: Measured) -> None:
    measured.lab.cli("create loopback interface\ncreate loopback interface")
    measured.lab.cli("set interface name loop0 inside\ndelete loopback interface intfc loop1")
    names = {each.labels["interface"] for each in measured.served.samples() if "interface" in each.labels}
    assert names == {"local0", "inside"}


def test_an_error_is_named_by_node_and_error(measured: Measured) -> None:
    net = network(measured.lab)
    net.route(IP(dst="10.0.1.2", ttl=1) / UDP())
    assert measured.served.value("vpp_error_total", node="ip4-input", error="time_expired") == 1
    errors = [each for each in measured.served.samples() if each.name == "vpp_error_total"]
    assert all(each.value for each in errors)


def test_errors_that_never_occurred_are_told_on_request(measured: Measured) -> None:
    with exporting(measured.socket, zero_errors=True) as served:
        assert served.value("vpp_error_total", node="ip4-input", error="time_expired") == 0


def test_nodes_that_have_run_are_told(measured: Measured) -> None:
    (a,) = measured.lab.pg(1)
    measured.lab.send_raw(a, *[bytes(100)] * 3)
    measured.lab.engine[StatsSegment].configure(per_node_counters=True)
    assert measured.served.value("vpp_node_vectors_total", node="ethernet-input") == 3
    assert measured.served.value("vpp_node_calls_total", node="ethernet-input") == 1
    assert measured.served.value("vpp_node_calls_total", node="ip4-lookup") is None


def test_the_forwarder_itself(measured: Measured) -> None:
    value = measured.served.value
    assert value("vpp_up") == 1
    assert value("vpp_worker_threads") == 0
    assert value("vpp_memory_total_bytes", heap="main heap") > 0
    buffers = [value(f"vpp_buffers_{what}", pool="default-numa-0") for what in ("available", "cached", "used")]
    assert sum(each or 0 for each in buffers) == 16808


def test_threads_can_be_summed() -> None:
    with Engine(workers=1, interpret=False) as engine, serving(engine) as socket:
        with exporting(socket) as served:
            assert served.value("vpp_interface_rx_packets_total", interface="local0", thread="1") == 0
        with exporting(socket, sum_threads=True) as served:
            labels = [each.labels for each in served.samples() if each.name == "vpp_interface_rx_packets_total"]
            assert labels == [{"interface": "local0"}]


def test_what_no_table_knows_goes_by_its_path(measured: Measured) -> None:
    net = network(measured.lab)
    measured.lab.cli("ip route add 20.0.0.0/8 via 10.0.1.2 pg1")
    net.route(IP(dst="20.1.2.3") / UDP())
    assert not [each for each in measured.served.samples() if each.name.startswith("vpp_net_")]
    with exporting(measured.socket, "/net/route/to") as served:
        found = [each for each in served.samples() if each.name == "vpp_net_route_to_packets_total"]
        assert [each.value for each in found] == [1] and found[0].labels["thread"] == "0"
        assert not [each for each in served.samples() if each.name.startswith("vpp_interface_")]


def test_both_formats_can_be_read_and_say_what_each_metric_is(measured: Measured) -> None:
    text = measured.served.get()
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(text.text))
    assert all(family.documentation for family in families if family.name.startswith("vpp_"))
    reply = measured.served.get(accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    counters = [family for family in openmetrics(reply.text) if family.type == "counter"]
    assert {sample.name[-6:] for family in counters for sample in family.samples} == {"_total"}


class TestRestart:
    def test_without_a_forwarder_it_says_so(self) -> None:
        with exporting("/tmp/there-is-nobody.sock") as served:
            reply = served.get()
            assert reply.status == 200 and served.value("vpp_up") == 0
            assert not [each for each in served.samples() if each.name.startswith("vpp_interface")]
            assert served.get("/-/ready").status == 503
            assert served.get("/-/healthy").status == 200

    def test_it_finds_the_forwarder_that_comes_after(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "stats.sock")
            with exporting(str(place)) as served:
                for names in ([], ["loop0"]):
                    with Engine(workers=0, interpret=False) as engine, serving(engine) as socket:
                        place.symlink_to(socket)
                        for _ in names:
                            engine.cli("create loopback interface")
                        seen = {each.labels.get("interface") for each in served.samples()} - {None, "local0"}
                        assert served.value("vpp_up") == 1 and seen == set(names)
                        assert served.get("/-/ready").status == 200
                        place.unlink()
                    assert served.value("vpp_up") == 0


class TestCommand:
    def test_prints_the_metrics_once(self) -> None:
        with Engine(workers=0, interpret=False) as engine, serving(engine) as socket:
            done = CliRunner().invoke(main, ["--socket", socket, "--print", "/if/rx"])
            assert done.exit_code == 0
            assert 'vpp_interface_rx_packets_total{interface="local0",thread="0"} 0.0' in done.output
            assert "vpp_interface_tx" not in done.output

    def test_fails_if_there_is_nobody(self) -> None:
        done = CliRunner().invoke(main, ["--socket", "/tmp/there-is-nobody.sock", "--print"])
        assert done.exit_code == 1 and "vpp_up 0.0" in done.output

    @pytest.mark.parametrize(
        "arguments, said",
        [
            (["--listen", "nowhere"], "no address to listen on"),
            (["/if/("], "no regular expression"),
            (["a)|(b"], "no regular expression"),
            (["/if", "/sys(?i)"], "no regular"),
        ],
    )
    def test_refuses_what_cannot_be(self, arguments: list[str], said: str) -> None:
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2 and said in done.output

    def test_knows_nothing_of_the_engine(self) -> None:
        code = "import sys, weft.exporter.command; print([m for m in sys.modules if m.startswith('weft.core')])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
        assert done.stdout.strip() == "[]"


def test_a_lab_is_measured_as_its_cli_says(measured: Measured) -> None:
    lab: Lab = measured.lab
    (a,) = lab.pg(1)
    lab.send_raw(a, *[bytes(100)] * 7)
    assert re.search(r"rx packets +7$", lab.cli("show interface pg0"), re.MULTILINE)
    assert measured.served.value("vpp_interface_rx_packets_total", interface="pg0") == 7
    lab.cli("clear interfaces")
    assert measured.served.value("vpp_interface_rx_packets_total", interface="pg0") == 0
